//! Writes to standard output and standard error. Their readers may be slow, and another program that shares the
//! descriptors may have made them non-blocking.

use super::{Halt, wait};
use crate::net::Limits;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{FileType, OFlags, Stat, fcntl_getfl, fstat, stat};
use rustix::io::Errno;
use rustix::stdio::{stderr, stdout};
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How many octets a pipe that is ready takes without waiting (`PIPE_BUF` of Linux).
const PIECE: usize = 4096;

/// How long a slow reader may still take once the run must end: the last lines say what was done, and a reader that
/// was only asleep should get them.
const GRACE: Duration = Duration::from_secs(2);

/// The limits of the run. Global, like the standard streams.
static RUN: OnceLock<Limits> = OnceLock::new();

/// Held while a text is written, so that texts of several threads do not mix.
static TURN: Mutex<()> = Mutex::new(());

/// From now on these limits hold for the standard streams; of several calls the first counts.
pub fn begin(limits: &Limits) {
    let _ = RUN.set(limits.clone());
}

/// A standard stream, without a buffer. What is written in one call stays together.
#[derive(Debug)]
pub struct StdStream<F = BorrowedFd<'static>> {
    to: F,
    /// The most octets of one write.
    piece: usize,
    /// When [`GRACE`] ends.
    last: Option<Instant>,
    limits: Option<Limits>,
}

impl StdStream {
    pub fn output() -> Self {
        StdStream::new(stdout())
    }

    pub fn error() -> Self {
        StdStream::new(stderr())
    }
}

/// Whether standard output was closed when postie started. The standard library then opens `/dev/null` there, for
/// reading and writing, and whatever is written is gone; whoever wants that opens it for writing alone (`>/dev/null`).
pub fn output_was_closed() -> bool {
    let writes_alone = fcntl_getfl(stdout()).map(|flags| flags & OFlags::ACCMODE != OFlags::RDWR);
    let device = |stat: Stat| (FileType::from_raw_mode(stat.st_mode), stat.st_rdev);
    let (own, null) = (fstat(stdout()).map(device), stat("/dev/null").map(device));
    writes_alone == Ok(false) && own.is_ok() && own == null
}

/// Writes a text to standard error, if it can be written.
pub fn error(text: &str) {
    let _ = StdStream::error().write_all(text.as_bytes());
}

impl<F: AsFd> StdStream<F> {
    fn new(to: F) -> Self {
        let kind = fstat(&to).map(|stat| FileType::from_raw_mode(stat.st_mode));
        let piece = if kind == Ok(FileType::RegularFile) { usize::MAX } else { PIECE };
        StdStream { to, piece, last: None, limits: RUN.get().cloned() }
    }

    /// Waits until something can be written.
    fn wait(&mut self) -> io::Result<()> {
        let limits = self.limits.clone().unwrap_or_default();
        let mut wanted = vec![PollFd::new(&self.to, PollFlags::OUT)];
        match wait(&mut wanted, None, &limits) {
            Err(error) if Halt::of(&error).is_some() => {}
            waited => return waited,
        }
        let last = *self.last.get_or_insert_with(|| Instant::now() + GRACE);
        let mut wanted = [PollFd::new(&self.to, PollFlags::OUT)];
        loop {
            let left = last.saturating_duration_since(Instant::now());
            match poll(&mut wanted, Timespec::try_from(left).ok().as_ref()) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
                Ok(0) => return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads it")),
                Ok(_) => return Ok(()),
            }
        }
    }

    fn put(&mut self, octets: &[u8]) -> io::Result<usize> {
        loop {
            self.wait()?;
            match rustix::io::write(&self.to, &octets[..octets.len().min(self.piece)]) {
                // EAGAIN: another writer was faster.
                Err(Errno::AGAIN | Errno::INTR) => {}
                written => return Ok(written?),
            }
        }
    }
}

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: AsFd> Write for StdStream<F> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let _turn = turn();
        self.put(octets)
    }

    fn write_all(&mut self, mut octets: &[u8]) -> io::Result<()> {
        let _turn = turn();
        while !octets.is_empty() {
            match self.put(octets)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => octets = &octets[count..],
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::pipe;
    use std::fs::File;
    use std::io::Read as _;
    use std::thread;

    #[test]
    fn all_is_written_in_order_whether_the_descriptor_blocks_or_not_and_however_slow_the_reader_is() {
        let octets: Vec<u8> = (0..1_000_000).map(|at| (at % 251) as u8).collect();
        for nonblocking in [false, true] {
            let (from, to) = pipe().unwrap();
            rustix::io::ioctl_fionbio(&to, nonblocking).unwrap();
            let mut from = File::from(from);
            let reader = thread::spawn(move || {
                let (mut all, mut block) = (Vec::new(), [0; 700]);
                while let count @ 1.. = from.read(&mut block).unwrap() {
                    all.extend_from_slice(&block[..count]);
                    thread::yield_now();
                }
                all
            });
            let mut stream = StdStream::new(to);
            octets.chunks(70_001).for_each(|piece| stream.write_all(piece).unwrap());
            drop(stream);
            assert!(reader.join().unwrap() == octets, "{nonblocking}");
        }
    }

    #[test]
    fn a_reader_that_is_gone_is_told_and_one_that_never_reads_ends_with_the_run() {
        let (from, to) = pipe().unwrap();
        let end = Some(Instant::now());
        let mut stream =
            StdStream { limits: Some(Limits { end, ..Limits::default() }), ..StdStream::new(to) };
        stream.write_all(b"the last words of a run are written").unwrap();
        let stuck = stream.write_all(&[b'x'; 1_000_000]).unwrap_err();
        assert_eq!(stuck.kind(), io::ErrorKind::TimedOut);
        drop(from);
        assert_eq!(stream.write_all(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
