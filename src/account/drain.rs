//! Reads a secret from a descriptor, in bounded time and memory. The buffer is wiped on drop, and has its full size
//! from the start, because growing it would leave copies behind.

use crate::net::Limits;
use crate::streams::{self, Halt};
use crate::words::{Failure, Kind, Secret};
use rustix::event::{PollFd, PollFlags};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;
use std::time::Instant;
use zeroize::Zeroizing;

/// The most octets of a secret, line end included (an OAuth2 token has a few KiB).
pub const MAX_SECRET: usize = 64 * 1024;

/// Why reading ended without a secret.
#[derive(Debug)]
pub enum DrainError {
    Io(Errno),
    /// The program that should print it did not start.
    Start(Errno),
    /// It is longer than so many octets.
    TooMuch(usize),
    Timeout,
    /// The time of the whole run is over.
    RunOver,
    /// A signal asked to stop.
    Stopped,
}

impl DrainError {
    /// The failure for reading from `place`.
    pub fn failure(self, place: &str) -> Failure {
        let (kind, what) = match self {
            DrainError::Io(errno) | DrainError::Start(errno) => {
                (Kind::Config, std::io::Error::from(errno).to_string())
            }
            DrainError::TooMuch(most) => (Kind::Config, format!("more than {most} octets came")),
            DrainError::Timeout => (Kind::Config, "it did not end in time".into()),
            DrainError::RunOver => (Kind::Timeout, "the time for the whole run is over".into()),
            DrainError::Stopped => (Kind::Interrupted, "stopped by a signal".into()),
        };
        failure(kind, format!("{place}: getting the secret: {what}"))
    }
}

/// The failure for a secret that cannot be had.
pub fn failure(kind: Kind, message: String) -> Failure {
    let failure = Failure::config(message).as_kind(kind);
    match kind {
        Kind::Config => failure.hint(
            "one line with the secret is wanted there; `postie config set` changes where it comes from, and \
             --password-file or --password-command for one run",
        ),
        _ => failure,
    }
}

/// Reads all of a descriptor.
pub struct Drain<'a> {
    /// Must be non-blocking if there is a `done`.
    pub from: BorrowedFd<'a>,
    /// Becomes readable once nothing more will be written, even if another process keeps the other end open.
    pub done: Option<BorrowedFd<'a>>,
    pub until: Instant,
    pub limits: &'a Limits,
}

impl Drain<'_> {
    /// Reads at most [`MAX_SECRET`] octets.
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>, DrainError> {
        self.read_up_to(MAX_SECRET)
    }

    pub fn read_up_to(&self, most: usize) -> Result<Zeroizing<Vec<u8>>, DrainError> {
        let mut octets = Zeroizing::new(vec![0; most + 1]);
        let mut filled = 0;
        let mut ended = false;
        loop {
            let finished = self.wait(!ended)?;
            while !ended {
                match rustix::io::read(self.from, &mut octets[filled..]) {
                    Ok(0) => ended = true,
                    Ok(got) => filled += got,
                    Err(Errno::AGAIN) => break,
                    Err(Errno::INTR) => {}
                    Err(errno) => return Err(DrainError::Io(errno)),
                }
                if filled > most {
                    return Err(DrainError::TooMuch(most));
                }
                // One read after each wait, because the descriptor may block; after the end it cannot.
                if !finished {
                    break;
                }
            }
            if finished || (ended && self.done.is_none()) {
                octets.truncate(filled);
                return Ok(octets);
            }
        }
    }

    /// Waits for octets (if `wanted`) or for the end; returns whether it is the end.
    fn wait(&self, wanted: bool) -> Result<bool, DrainError> {
        let mut waits = Vec::with_capacity(3);
        waits.extend(self.done.map(|done| PollFd::from_borrowed_fd(done, PollFlags::IN)));
        if wanted {
            waits.push(PollFd::from_borrowed_fd(self.from, PollFlags::IN));
        }
        streams::wait(&mut waits, Some(self.until), self.limits).map_err(|error| match Halt::of(&error) {
            Some(Halt::Stopped) => DrainError::Stopped,
            Some(Halt::TimeOver) => DrainError::RunOver,
            None => DrainError::Io(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        })?;
        if waits.iter().all(|wait| wait.revents().is_empty()) {
            return Err(DrainError::Timeout);
        }
        Ok(self.done.is_some() && !waits[0].revents().is_empty())
    }
}

/// The secret in the octets, without its line end. No octets, or several lines, are an error.
pub fn secret(octets: &[u8], place: &str) -> Result<Secret, Failure> {
    let line = octets.strip_suffix(b"\n").map_or(octets, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let secret = Secret::new(line);
    let refused = if secret.is_empty() {
        "it is empty"
    } else if secret.breaks_lines() {
        "it has a CR, LF or NUL in it, or more than one line"
    } else {
        return Ok(secret);
    };
    Err(failure(Kind::Config, format!("{place}: getting the secret: {refused}")))
}

pub fn make_nonblocking(descriptor: impl AsFd) -> Result<(), DrainError> {
    rustix::io::ioctl_fionbio(descriptor, true).map_err(DrainError::Io)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::pipe;
    use std::time::Duration;

    fn limits(timeout: Duration) -> Limits {
        Limits { timeout, ..Limits::default() }
    }

    #[test]
    fn exactly_one_line_end_is_taken_off() {
        for (octets, wanted) in [
            (&b"pw"[..], &b"pw"[..]),
            (b"pw\n", b"pw"),
            (b"pw\r\n", b"pw"),
            (b" p w ", b" p w "),
            (b"\xff\n", b"\xff"),
        ] {
            assert_eq!(secret(octets, "x").unwrap().expose(), wanted);
        }
        for bad in [&b""[..], b"\n", b"\r\n", b"pw\n\n", b"pw\nnotes\n", b"pw\r", b"p\0w", b"\npw"] {
            assert_eq!(secret(bad, "x").unwrap_err().kind(), Kind::Config, "{bad:?}");
        }
    }

    #[test]
    fn a_pipe_is_read_to_its_end() {
        let (from, to) = pipe().unwrap();
        rustix::io::write(&to, b"secret\n").unwrap();
        drop(to);
        make_nonblocking(&from).unwrap();
        let limits = limits(Duration::from_secs(20));
        let drain =
            Drain { from: from.as_fd(), done: None, until: limits.until(limits.timeout), limits: &limits };
        assert_eq!(*drain.read().unwrap(), b"secret\n");
    }

    #[test]
    fn a_pipe_that_nobody_closes_ends_in_time() {
        let (from, _to) = pipe().unwrap();
        make_nonblocking(&from).unwrap();
        let limits = limits(Duration::from_millis(30));
        let drain =
            Drain { from: from.as_fd(), done: None, until: limits.until(limits.timeout), limits: &limits };
        assert!(matches!(drain.read(), Err(DrainError::Timeout)));
    }
}
