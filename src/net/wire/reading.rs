//! Reading from a wire: octets ahead of the dialogue, lines, rows of listings.

use super::{BUFFER, Direction, Wire};
use crate::codec::line;
use crate::net::NetError;
use crate::net::allowance::Allowance;
use rustix::fd::BorrowedFd;
use std::io::ErrorKind;
use std::ops::Range;

/// Where the line that was read last is in the buffer.
#[derive(Clone, Debug)]
pub struct ReadLine {
    at: Range<usize>,
    /// Whether it ended in CRLF, not in a bare LF.
    pub crlf: bool,
}

impl ReadLine {
    pub fn is_blank(&self) -> bool {
        self.at.is_empty()
    }
}

impl Wire {
    /// The octets that were read and not consumed yet.
    pub fn ahead(&self) -> &[u8] {
        &self.input[self.range.clone()]
    }

    /// Removes `octets` from [`Wire::ahead`].
    pub fn consume(&mut self, octets: usize) {
        self.range.start = (self.range.start + octets).min(self.range.end);
    }

    /// Reads more octets and adds them to [`Wire::ahead`]. The end of the connection is an error.
    pub fn fill(&mut self) -> Result<(), NetError> {
        // Only an operation without any time ends with nothing.
        match self.read_some()? {
            true => Ok(()),
            false => Err(self.fail(NetError::Timeout)),
        }
    }

    /// The same without waiting: whether there was anything. [`Wire::socket`] tells when to try again.
    pub fn poll(&mut self) -> Result<bool, NetError> {
        self.begun = Some(Allowance::none(&self.limits));
        let some = self.read_some();
        self.begin();
        some
    }

    /// What becomes readable when more may have come.
    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.link.as_ref().and_then(|link| link.socket())
    }

    fn read_some(&mut self) -> Result<bool, NetError> {
        if self.broken {
            return Err(NetError::Broken);
        }
        if self.range.is_empty() {
            self.range = 0..0;
        } else if self.range.start > 0 && self.input.len() - self.range.end < BUFFER / 2 {
            // Moving what is left is cheaper than a short read.
            self.input.copy_within(self.range.clone(), 0);
            self.range = 0..self.range.len();
        }
        if self.range.end == self.input.len() {
            return Err(self.fail(NetError::LineTooLong(BUFFER)));
        }
        self.arm();
        let Some(link) = &mut self.link else { return Err(self.fail(NetError::Broken)) };
        match link.read(&mut self.input[self.range.end..]) {
            Ok(0) => Err(self.fail(NetError::Closed)),
            Ok(got) => {
                self.range.end += got;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(self.fail(NetError::from_io(error))),
        }
    }

    /// Takes the next line. [`Wire::text`] gives its octets until the next read.
    pub fn read_line(&mut self, limit: usize) -> Result<ReadLine, NetError> {
        let mut searched = 0;
        loop {
            match line::find(self.ahead(), searched, limit) {
                Ok(Some(found)) => return Ok(self.take_line(found)),
                Ok(None) => {
                    searched = self.ahead().len();
                    self.fill()?;
                }
                Err(too_long) => return Err(self.fail(NetError::LineTooLong(too_long.limit))),
            }
        }
    }

    fn take_line(&mut self, found: line::FoundLine) -> ReadLine {
        let at = self.range.start..self.range.start + found.len;
        self.consume(found.consumed);
        if self.tap.is_some() {
            let text = self.redact(&self.input[at.clone()]);
            self.trace(Direction::Server, &text);
        }
        ReadLine { at, crlf: found.crlf }
    }

    /// Takes the next line like [`Wire::read_line`], but skips a line of more than `limit` octets, and returns
    /// `None` for it; more than `most` octets are an error.
    pub fn read_row(&mut self, limit: usize, most: usize) -> Result<Option<ReadLine>, NetError> {
        let (mut skipped, mut searched) = (0, 0);
        loop {
            let feed = memchr::memchr(b'\n', &self.ahead()[searched..]).map(|feed| searched + feed);
            match feed {
                Some(feed) if skipped > 0 || feed > limit + 1 => {
                    self.consume(feed + 1);
                    return Ok(None);
                }
                Some(feed) => {
                    let crlf = feed > 0 && self.ahead()[feed - 1] == b'\r';
                    let len = feed - usize::from(crlf);
                    return Ok(Some(self.take_line(line::FoundLine { len, consumed: feed + 1, crlf })));
                }
                None if self.ahead().len() > limit + 1 => {
                    skipped += self.ahead().len();
                    self.consume(self.ahead().len());
                    searched = 0;
                    if skipped > most {
                        return Err(self.fail(NetError::LineTooLong(most)));
                    }
                }
                None => {
                    searched = self.ahead().len();
                    self.fill()?;
                }
            }
        }
    }

    /// The octets of the line that was read last.
    pub fn text(&self, line: &ReadLine) -> &[u8] {
        &self.input[line.at.clone()]
    }
}
