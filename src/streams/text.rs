//! Text as programs hand it to `sendmail`: a dot alone may end it, and a bare CR a line.

use std::io::{self, BufRead, Read};

/// The octets of a line that are read at a time.
const PIECE: u64 = 64 * 1024;

/// Input up to a line that is a dot and nothing else, as a person at a terminal ends it. Of two dots that
/// begin a line the first is dropped, as sendmail does: callers that leave out `-i` double them (Symfony).
pub struct UntilDot<R> {
    inner: R,
    ahead: Vec<u8>,
    taken: usize,
    line_start: bool,
    ended: bool,
}

impl<R: BufRead> UntilDot<R> {
    pub fn new(inner: R) -> Self {
        UntilDot { inner, ahead: Vec::new(), taken: 0, line_start: true, ended: false }
    }
}

impl<R: BufRead> Read for UntilDot<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ahead.len() && !self.ended {
            (self.taken, self.ahead) = (0, Vec::new());
            (&mut self.inner).take(PIECE).read_until(b'\n', &mut self.ahead)?;
            let dot = self.line_start && matches!(self.ahead.as_slice(), b".\n" | b".\r\n" | b".");
            if dot || self.ahead.is_empty() {
                self.ended = true;
                self.ahead.clear();
            }
            self.taken = usize::from(self.line_start && self.ahead.starts_with(b".."));
            self.line_start = self.ahead.ends_with(b"\n");
        }
        let count = (self.ahead.len() - self.taken).min(into.len());
        into[..count].copy_from_slice(&self.ahead[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

/// A body whose bare CRs end lines: what a program drew over itself on a terminal (a progress bar) is not
/// worth losing the mail of a cron job for.
pub struct LineEnds<R> {
    inner: R,
    behind_cr: bool,
}

impl<R: Read> LineEnds<R> {
    pub fn new(inner: R) -> Self {
        LineEnds { inner, behind_cr: false }
    }
}

impl<R: Read> Read for LineEnds<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let got = self.inner.read(into)?;
            let mut kept = 0;
            for at in 0..got {
                let octet = into[at];
                if !(octet == b'\n' && self.behind_cr) {
                    into[kept] = if octet == b'\r' { b'\n' } else { octet };
                    kept += 1;
                }
                self.behind_cr = octet == b'\r';
            }
            // Nothing is left of what was read, but it is not the end.
            if got == 0 || kept > 0 {
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// Gives an octet or so at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(mut source: impl Read) -> String {
        let mut text = String::new();
        source.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_dot_alone_ends_the_input_and_no_other_dot_does() {
        for (input, want) in [
            ("a\n.\nb\n", "a\n"),
            ("a\r\n.\r\nb", "a\r\n"),
            (".\nb", ""),
            ("a\n.", "a\n"),
            ("a\n.b\n. \n.c", "a\n.b\n. \n.c"),
            ("..\na\n...\n..b\nc..d\n", ".\na\n..\n.b\nc..d\n"),
            ("", ""),
            ("a", "a"),
        ] {
            for piece in 1..4 {
                let source = BufReader::with_capacity(2, Drip(input.as_bytes(), piece));
                assert_eq!(all(UntilDot::new(source)), want, "{input:?}");
            }
        }
    }

    #[test]
    fn a_dot_behind_a_piece_of_a_long_line_ends_nothing() {
        let text = format!("{}.\nb\n", "x".repeat(PIECE as usize));
        assert_eq!(all(UntilDot::new(text.as_bytes())), text);
    }

    #[test]
    fn bare_returns_end_lines() {
        for piece in 1..5 {
            assert_eq!(all(LineEnds::new(Drip(b"1%\r2%\r\nend\r\r\n\n.\r", piece))), "1%\n2%\nend\n\n\n.\n");
        }
    }
}
