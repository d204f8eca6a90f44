//! Writing to standard output and standard error, whose readers may be slow, and whose descriptors may be
//! non-blocking because another program that shares them made them so.

use super::{Halt, wait};
use crate::net::Limits;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::stdio::{stderr, stdout};
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What a pipe that is ready takes without waiting (`PIPE_BUF` of Linux).
const PIECE: usize = 4096;

/// How long a reader that is slow may still take once the run is to be ended: the last lines say what was
/// done, and a reader that only was asleep should have them.
const GRACE: Duration = Duration::from_secs(2);

/// The bounds of the run. The standard streams are the process's, and so is what ends a wait for them.
static RUN: OnceLock<Limits> = OnceLock::new();

/// One text at a time, whichever thread it comes from.
static TURN: Mutex<()> = Mutex::new(());

/// From now on these bounds hold for the standard streams; of several calls the first counts.
pub fn begin(limits: &Limits) {
    let _ = RUN.set(limits.clone());
}

/// One of the standard streams. Nothing is held back in it, and what is written in one go stays together.
#[derive(Debug)]
pub struct StdStream<F = BorrowedFd<'static>> {
    to: F,
    /// How much is written at a time.
    piece: usize,
    /// When the grace ends.
    last: Option<Instant>,
    limits: Option<Limits>,
}

impl StdStream {
    /// Standard output.
    pub fn output() -> Self {
        StdStream::new(stdout())
    }

    /// Standard error.
    pub fn error() -> Self {
        StdStream::new(stderr())
    }
}

/// Writes a text to standard error. One that is closed is nothing to fail over.
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
                // Another writer may have filled what was free.
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
