//! The lines of a batch as they come: bounded, and read so that a signal or the end of the run's time is
//! heard while nothing comes.

use crate::net::Limits;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, ErrorKind, Read};
use std::time::Instant;

/// The longest line, in octets: its message is held in memory.
pub const MAX_LINE: usize = 64 * 1024 * 1024;

/// What a line buffer may keep between lines.
const KEEP: usize = 1024 * 1024;

const BLOCK: usize = 64 * 1024;

/// One line, by its number.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its octets without the line end.
    Whole(&'a [u8]),
    /// Longer than [`MAX_LINE`]; it was passed over.
    TooLong,
}

/// A source taken apart into lines.
pub struct Lines<R> {
    source: R,
    block: Vec<u8>,
    taken: usize,
    filled: usize,
    line: Vec<u8>,
    number: u64,
    most: usize,
}

impl<R: Read> Lines<R> {
    pub fn new(source: R, most: usize) -> Self {
        Lines { source, block: vec![0; BLOCK], taken: 0, filled: 0, line: Vec::new(), number: 0, most }
    }

    /// The next line that is not blank, and its number; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        let whole = loop {
            match self.read()? {
                None => return Ok(None),
                Some(true) if self.line.trim_ascii().is_empty() => {}
                Some(whole) => break whole,
            }
        };
        Ok(Some((self.number, if whole { Line::Whole(&self.line) } else { Line::TooLong })))
    }

    /// Reads one line; says whether it is whole.
    fn read(&mut self) -> io::Result<Option<bool>> {
        self.line.clear();
        self.line.shrink_to(KEEP);
        let (mut began, mut whole) = (false, true);
        loop {
            if self.taken == self.filled {
                (self.taken, self.filled) = (0, self.source.read(&mut self.block)?);
                if self.filled == 0 {
                    self.number += u64::from(began);
                    return Ok(began.then_some(whole));
                }
            }
            began = true;
            let ahead = &self.block[self.taken..self.filled];
            let feed = memchr::memchr(b'\n', ahead);
            let piece = &ahead[..feed.unwrap_or(ahead.len())];
            if whole && self.line.len() + piece.len() <= self.most {
                self.line.extend_from_slice(piece);
            } else {
                whole = false;
                self.line.clear();
            }
            self.taken += piece.len() + usize::from(feed.is_some());
            if feed.is_some() {
                self.number += 1;
                return Ok(Some(whole));
            }
        }
    }
}

/// Standard input. A signal ends a wait for it with [`ErrorKind::Interrupted`], the end of the run's time
/// with [`ErrorKind::TimedOut`].
pub struct Stdin<'a> {
    pub limits: &'a Limits,
}

impl Read for Stdin<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.limits.stop.raised() {
                return Err(ErrorKind::Interrupted.into());
            }
            if self.limits.run_over() {
                return Err(ErrorKind::TimedOut.into());
            }
            let left = self.limits.end.map(|end| end.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let stdin = rustix::stdio::stdin();
            let mut wanted = vec![PollFd::from_borrowed_fd(stdin, PollFlags::IN)];
            wanted.extend(self.limits.stop.wake().map(|wake| PollFd::from_borrowed_fd(wake, PollFlags::IN)));
            match poll(&mut wanted, timeout.as_ref()) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            if wanted[0].revents().is_empty() {
                continue;
            }
            match rustix::io::read(stdin, &mut *into) {
                Ok(count) => return Ok(count),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one octet at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let (one, rest) = self.0.split_at(self.0.len().min(1));
            into[..one.len()].copy_from_slice(one);
            self.0 = rest;
            Ok(one.len())
        }
    }

    fn all(source: impl Read) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::new(source, 5);
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            let text = match line {
                Line::Whole(octets) => Some(String::from_utf8(octets.to_vec()).unwrap()),
                Line::TooLong => None,
            };
            found.push((number, text));
        }
        found
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_passed_over_and_long_ones_named() {
        let text = b"one\n\n \t\r\n12345\n123456\n      \ntwo\r\nend";
        let want = [
            (1, Some("one".to_owned())),
            (4, Some("12345".to_owned())),
            (5, None),
            (6, None),
            (7, Some("two\r".to_owned())),
            (8, Some("end".to_owned())),
        ];
        assert_eq!(all(&text[..]), want);
        assert_eq!(all(Slow(text)), want);
        assert_eq!(all(&b""[..]), []);
        assert_eq!(all(&b"\n"[..]), []);
    }
}
