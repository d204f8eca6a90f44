//! The lines of an input as they come, and bounded.

use super::Input;
use std::io::{self, Read};

/// What a line buffer may keep between lines.
const KEEP: usize = 1024 * 1024;

const BLOCK: usize = 64 * 1024;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One line, by its number.
#[derive(Debug, PartialEq, Eq)]
pub enum InputLine<'a> {
    /// Its octets without the line end.
    Whole(&'a [u8]),
    /// Longer than a line may be; it was passed over.
    TooLong,
}

/// Where lines come from.
pub trait LineSource: Read {
    /// Whether octets, or the end, can be read without waiting.
    fn is_ready(&self) -> bool;
}

/// A source taken apart into lines.
pub struct InputLines<R> {
    source: R,
    block: Vec<u8>,
    taken: usize,
    filled: usize,
    line: Vec<u8>,
    /// The state of the current line.
    state: ReadState,
    number: u64,
    most: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReadState {
    /// Nothing of it has been read.
    Fresh,
    /// All that has been read of it is in the buffer.
    Open,
    /// It is too long and is being skipped.
    TooLong,
}

/// The result of reading.
enum ReadStep {
    /// A line, and whether it is whole.
    Line(bool),
    End,
    /// It would have to wait.
    NotYet,
}

impl<R: LineSource> InputLines<R> {
    pub fn new(source: R, most: usize) -> Self {
        let (taken, filled, number, state) = (0, 0, 0, ReadState::Fresh);
        InputLines { source, block: vec![0; BLOCK], taken, filled, line: Vec::new(), state, number, most }
    }

    /// The next line that is not blank, and its number; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<(u64, InputLine<'_>)>> {
        self.take(true)
    }

    /// The same, but `None` also where it would have to be waited for.
    pub fn next_if_there(&mut self) -> io::Result<Option<(u64, InputLine<'_>)>> {
        self.take(false)
    }

    fn take(&mut self, waits: bool) -> io::Result<Option<(u64, InputLine<'_>)>> {
        let whole = loop {
            match self.read(waits)? {
                ReadStep::End | ReadStep::NotYet => return Ok(None),
                ReadStep::Line(true) if self.content().trim_ascii().is_empty() => {}
                ReadStep::Line(whole) => break whole,
            }
        };
        Ok(Some((self.number, if whole { InputLine::Whole(self.content()) } else { InputLine::TooLong })))
    }

    /// The line without the byte order mark that some programs write at the start of a file.
    fn content(&self) -> &[u8] {
        match self.line.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if self.number == 1 => rest,
            _ => &self.line,
        }
    }

    /// Reads more of the current line.
    fn read(&mut self, waits: bool) -> io::Result<ReadStep> {
        if self.state == ReadState::Fresh {
            self.line.clear();
            self.line.shrink_to(KEEP);
        }
        loop {
            if self.taken == self.filled {
                if !waits && !self.source.is_ready() {
                    return Ok(ReadStep::NotYet);
                }
                (self.taken, self.filled) = (0, self.source.read(&mut self.block)?);
                if self.filled == 0 {
                    return Ok(if self.state == ReadState::Fresh { ReadStep::End } else { self.end_line() });
                }
            }
            let ahead = &self.block[self.taken..self.filled];
            let feed = memchr::memchr(b'\n', ahead);
            let piece = &ahead[..feed.unwrap_or(ahead.len())];
            if self.state != ReadState::TooLong && self.line.len() + piece.len() <= self.most {
                self.state = ReadState::Open;
                self.line.extend_from_slice(piece);
            } else {
                self.state = ReadState::TooLong;
                self.line.clear();
            }
            self.taken += piece.len() + usize::from(feed.is_some());
            if feed.is_some() {
                return Ok(self.end_line());
            }
        }
    }

    fn end_line(&mut self) -> ReadStep {
        self.number += 1;
        ReadStep::Line(std::mem::replace(&mut self.state, ReadState::Fresh) == ReadState::Open)
    }
}

impl LineSource for Input {
    fn is_ready(&self) -> bool {
        Input::is_ready(self)
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

    impl LineSource for Slow<'_> {
        fn is_ready(&self) -> bool {
            true
        }
    }

    impl LineSource for &[u8] {
        fn is_ready(&self) -> bool {
            true
        }
    }

    /// Gives a piece at a time, and has nothing ready behind each.
    struct Halting<'a>(&'a [&'a [u8]], std::cell::Cell<bool>);

    impl Read for Halting<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some((piece, rest)) = self.0.split_first() else { return Ok(0) };
            into[..piece.len()].copy_from_slice(piece);
            self.0 = rest;
            Ok(piece.len())
        }
    }

    impl LineSource for Halting<'_> {
        fn is_ready(&self) -> bool {
            self.1.replace(false)
        }
    }

    #[test]
    fn a_line_that_is_not_there_yet_is_not_waited_for_and_nothing_of_it_is_lost() {
        let pieces: [&[u8]; 3] = [b"one\ntw", b"o\n", b"3"];
        let mut lines = InputLines::new(Halting(&pieces, false.into()), 5);
        assert_eq!(lines.next_if_there().unwrap(), None, "nothing can be read");
        lines.source.1.set(true);
        assert_eq!(lines.next_if_there().unwrap(), Some((1, InputLine::Whole(b"one"))));
        assert_eq!(lines.next_if_there().unwrap(), None, "half a line is there");
        assert_eq!(lines.next().unwrap(), Some((2, InputLine::Whole(b"two"))));
        assert_eq!(lines.next().unwrap(), Some((3, InputLine::Whole(b"3"))));
        assert_eq!(lines.next().unwrap(), None);
    }

    fn all(source: impl LineSource) -> Vec<(u64, Option<String>)> {
        let mut lines = InputLines::new(source, 5);
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            let text = match line {
                InputLine::Whole(octets) => Some(String::from_utf8(octets.to_vec()).unwrap()),
                InputLine::TooLong => None,
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
        let marked = [BYTE_ORDER_MARK, b"1\n", BYTE_ORDER_MARK].concat();
        let want = [(1, Some("1".to_owned())), (2, Some("\u{feff}".to_owned()))];
        assert_eq!(all(&marked[..]), want);
        assert_eq!(all(Slow(&marked)), want);
        assert_eq!(all(&[BYTE_ORDER_MARK, b"\n"].concat()[..]), []);
        assert_eq!(all(&b""[..]), []);
        assert_eq!(all(&b"\n"[..]), []);
    }
}
