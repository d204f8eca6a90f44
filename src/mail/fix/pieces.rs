//! Reads a message line by line; a very long line comes in several pieces.

use std::io::{BufRead, BufReader, ErrorKind, Read, Result};

/// The most octets of one piece.
const MOST: usize = 16 * 1024;

/// A line, or a piece of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// Without the CRLF.
    pub octets: &'a [u8],
    /// Whether it begins a line.
    pub starts: bool,
    /// Whether it ends a line (a CRLF follows).
    pub ends: bool,
}

impl Piece<'_> {
    /// Whether it is a whole line.
    pub fn is_line(&self) -> bool {
        self.starts && self.ends
    }
}

/// Reads pieces from a source with CRLF line ends.
pub(super) struct Pieces<R> {
    source: BufReader<R>,
    piece: Vec<u8>,
    /// Whether the piece before ended in a CR, which belongs to the next one.
    has_cr: bool,
    inside: bool,
}

impl<R: Read> Pieces<R> {
    pub fn new(source: R) -> Self {
        let source = BufReader::with_capacity(64 * 1024, source);
        Pieces { source, piece: Vec::with_capacity(MOST), has_cr: false, inside: false }
    }

    /// The next piece; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Piece<'_>>> {
        self.piece.clear();
        if std::mem::take(&mut self.has_cr) {
            self.piece.push(b'\r');
        }
        let starts = !self.inside;
        let mut ends = false;
        while !ends && self.piece.len() < MOST {
            let block = match self.source.fill_buf() {
                Ok([]) => break,
                Ok(block) => block,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let block = &block[..block.len().min(MOST - self.piece.len())];
            let feed = memchr::memchr(b'\n', block);
            let taken = feed.map_or(block.len(), |feed| feed + 1);
            self.piece.extend_from_slice(&block[..taken]);
            self.source.consume(taken);
            ends = feed.is_some();
        }
        if self.piece.is_empty() {
            return Ok(None);
        }
        if ends {
            self.piece.truncate(self.piece.len().saturating_sub(2));
        } else if self.piece.len() > 1 && self.piece.ends_with(b"\r") {
            self.piece.pop();
            self.has_cr = true;
        }
        self.inside = !ends;
        Ok(Some(Piece { octets: &self.piece, starts, ends }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_the_message_whatever_the_length_of_its_lines() {
        for length in [0, 1, MOST - 2, MOST - 1, MOST, MOST + 1, 3 * MOST - 1, 3 * MOST] {
            let message = format!("a\r\n\r\n{}\r\n.\r\n", "x".repeat(length));
            let mut pieces = Pieces::new(message.as_bytes());
            let (mut back, mut lines) = (Vec::new(), 0);
            while let Some(piece) = pieces.next().unwrap() {
                assert!(piece.octets.len() <= MOST && !piece.octets.contains(&b'\r'));
                back.extend_from_slice(piece.octets);
                if piece.ends {
                    back.extend_from_slice(b"\r\n");
                }
                lines += usize::from(piece.starts);
            }
            assert!(back == message.as_bytes(), "{length}");
            assert_eq!(lines, 4);
        }
    }
}
