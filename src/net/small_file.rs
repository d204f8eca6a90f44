//! Opens and reads a file that a user names, without waiting for ever and without filling the memory.
//!
//! Opening never waits for the writer of a FIFO. A regular file is read; so is a pipe that a shell has opened (`<(…)`,
//! below `/dev/fd`), within the limits of the run. A FIFO that is opened by its name may belong to anybody, and a device
//! may never end: both are refused.

use super::Limits;
use super::waiting::{Halt, wait};
use crate::words::Kind;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open as open_at};
use rustix::io::{Errno, retry_on_intr};
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

/// The most octets of a file of certificates. All that a system trusts are some hundred thousand.
pub const MAX_CERTIFICATES: usize = 8 * 1024 * 1024;

/// Why a file is not read.
#[derive(Debug)]
pub enum NotRead {
    Io(Errno),
    /// It is neither a file nor a pipe that a shell has opened.
    NoFile,
    /// It has more than so many octets.
    TooMuch(usize),
    /// The pipe did not end in time.
    Timeout,
    Halted(Halt),
}

impl NotRead {
    /// The kind of the failure: [`Kind::Config`], or why the run must end.
    pub fn kind(&self) -> Kind {
        match self {
            NotRead::Halted(halt) => halt.kind(),
            _ => Kind::Config,
        }
    }
}

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRead::Io(errno) => std::io::Error::from(*errno).fmt(f),
            NotRead::NoFile => f.write_str("not a regular file"),
            NotRead::TooMuch(most) => write!(f, "it has more than {most} octets"),
            NotRead::Timeout => f.write_str("it did not end in time"),
            NotRead::Halted(halt) => halt.fmt(f),
        }
    }
}

/// Opens the file, and tells what it is.
pub fn open(path: &Path) -> Result<(File, Stat), NotRead> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = retry_on_intr(|| open_at(path, flags, Mode::empty())).map_err(NotRead::Io)?;
    let stat = fstat(&file).map_err(NotRead::Io)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Fifo if path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd") => {}
        _ => return Err(NotRead::NoFile),
    }
    Ok((File::from(file), stat))
}

/// Opens and reads a file that holds no secret, of at most `most` octets.
pub fn read(path: &Path, most: usize, limits: &Limits) -> Result<Vec<u8>, NotRead> {
    let (file, _) = open(path)?;
    let until = limits.until(limits.timeout);
    let mut octets = Vec::new();
    let mut block = [0; 16 * 1024];
    loop {
        let mut wanted = vec![PollFd::new(&file, PollFlags::IN)];
        wait(&mut wanted, Some(until), limits).map_err(|error| match Halt::of(&error) {
            Some(halt) => NotRead::Halted(halt),
            None => NotRead::Io(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        })?;
        match rustix::io::read(&file, &mut block) {
            Ok(0) => return Ok(octets),
            Ok(got) => octets.extend_from_slice(&block[..got]),
            // Another reader of the same pipe was faster, or the time has come.
            Err(Errno::AGAIN | Errno::INTR) if Instant::now() < until => {}
            Err(Errno::AGAIN | Errno::INTR) => return Err(NotRead::Timeout),
            Err(errno) => return Err(NotRead::Io(errno)),
        }
        if octets.len() > most {
            return Err(NotRead::TooMuch(most));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};
    use std::fs;
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    #[test]
    fn fifos_devices_and_directories_are_refused_at_once_and_what_is_too_large_is() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        for path in [dir.path(), &fifo, Path::new("/dev/zero"), Path::new("/dev/null")] {
            let refused = read(path, 10, &Limits::default());
            assert!(matches!(refused, Err(NotRead::NoFile)), "{path:?}: {refused:?}");
        }
        let file = dir.path().join("file");
        for (len, fits) in [(0, true), (10, true), (11, false), (100_000, false)] {
            fs::write(&file, vec![b'x'; len]).unwrap();
            assert_eq!(read(&file, 10, &Limits::default()).is_ok_and(|it| it.len() == len), fits, "{len}");
        }
        assert!(matches!(
            read(&dir.path().join("none"), 10, &Limits::default()),
            Err(NotRead::Io(Errno::NOENT))
        ));
    }

    #[test]
    fn the_pipe_of_a_shell_is_read_and_one_that_nobody_closes_ends_in_time() {
        for flags in [PipeFlags::empty(), PipeFlags::NONBLOCK] {
            let (from, to) = pipe_with(flags).unwrap();
            let path = format!("/dev/fd/{}", from.as_raw_fd());
            rustix::io::write(&to, b"certificates").unwrap();
            let limits = Limits { timeout: Duration::from_millis(30), ..Limits::default() };
            assert!(matches!(read(Path::new(&path), 100, &limits), Err(NotRead::Timeout)));
            let over = Limits { end: Some(Instant::now()), ..Limits::default() };
            let halted = read(Path::new(&path), 100, &over).unwrap_err();
            assert_eq!(halted.kind(), Kind::Timeout, "{halted}");
            rustix::io::write(&to, b"certificates").unwrap();
            drop(to);
            assert_eq!(read(Path::new(&path), 100, &Limits::default()).unwrap(), b"certificates");
        }
    }
}
