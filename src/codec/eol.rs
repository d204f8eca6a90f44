//! Line ends of a message to be sent (`RFC 5321 §2.3.8`, `RFC 5322 §2.3`): LF and CRLF become CRLF. A bare
//! CR, which some servers take for a line end, and a NUL are refused.
//!
//! A message may be given in pieces, cut anywhere.

use memchr::{memchr, memchr3};
use std::fmt;

/// An octet that no message may contain, and where it is in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadOctet {
    /// How many octets come before it.
    pub offset: u64,
    /// CR or NUL.
    pub octet: u8,
}

impl fmt::Display for BadOctet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.octet == 0 { "a NUL" } else { "a CR without its LF" };
        write!(f, "{name} at offset {}", self.offset)
    }
}

impl std::error::Error for BadOctet {}

/// Turns the line ends of one message into CRLF.
#[derive(Clone, Debug, Default)]
pub struct Normaliser {
    offset: u64,
    pending_cr: bool,
    line_open: bool,
}

impl Normaliser {
    /// Appends `input` to `out` with CRLF line ends. After an error `out` must not be used.
    pub fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), BadOctet> {
        while !input.is_empty() {
            if self.pending_cr {
                self.settle(input[0] == b'\n', out)?;
                if input[0] == b'\n' {
                    self.offset += 1;
                    input = &input[1..];
                }
                continue;
            }
            let plain = memchr3(b'\r', b'\n', 0, input).unwrap_or(input.len());
            if plain > 0 {
                out.extend_from_slice(&input[..plain]);
                self.line_open = true;
            }
            self.offset += plain as u64;
            match input.get(plain) {
                None => return Ok(()),
                Some(b'\r') => self.pending_cr = true,
                Some(b'\n') => self.end_line(out),
                Some(octet) => return Err(BadOctet { offset: self.offset, octet: *octet }),
            }
            self.offset += 1;
            input = &input[plain + 1..];
        }
        Ok(())
    }

    /// Ends the message, adding a line end to the last line if it has none.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), BadOctet> {
        if self.pending_cr {
            self.settle(false, out)?;
        }
        if self.line_open {
            self.end_line(out);
        }
        Ok(())
    }

    /// Decides what the pending CR is.
    fn settle(&mut self, has_lf: bool, out: &mut Vec<u8>) -> Result<(), BadOctet> {
        self.pending_cr = false;
        if !has_lf {
            return Err(BadOctet { offset: self.offset - 1, octet: b'\r' });
        }
        self.end_line(out);
        Ok(())
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
        self.line_open = false;
    }
}

/// What must be known about a message before it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// How many octets it has, line ends as CRLF (`RFC 1870 §5`).
    pub octets: u64,
    /// How many octets its longest line has, without the line end.
    pub longest_line: usize,
    /// Whether it has octets beyond US-ASCII.
    pub eight_bit: bool,
    line: usize,
}

impl Facts {
    /// Takes the next piece of a message whose line ends are CRLF.
    pub fn observe(&mut self, mut piece: &[u8]) {
        self.octets += piece.len() as u64;
        self.eight_bit = self.eight_bit || !piece.is_ascii();
        while let Some(feed) = memchr(b'\n', piece) {
            // The CR was counted with the line, perhaps in an earlier piece: subtract it.
            self.line = (self.line + feed).saturating_sub(1);
            self.longest_line = self.longest_line.max(self.line);
            self.line = 0;
            piece = &piece[feed + 1..];
        }
        self.line += piece.len();
    }

    /// Ends the message: a last line without a line end counts too.
    pub fn finish(mut self) -> Self {
        self.longest_line = self.longest_line.max(self.line);
        self.line = 0;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalise(input: &[u8], piece: usize) -> Result<Vec<u8>, BadOctet> {
        let (mut normaliser, mut out) = (Normaliser::default(), Vec::new());
        for chunk in input.chunks(piece) {
            normaliser.push(chunk, &mut out)?;
        }
        normaliser.finish(&mut out)?;
        Ok(out)
    }

    #[test]
    fn line_ends_become_crlf_whatever_the_pieces() {
        for (input, output) in [
            (&b""[..], &b""[..]),
            (b"a", b"a\r\n"),
            (b"a\n", b"a\r\n"),
            (b"a\r\n", b"a\r\n"),
            (b"a\nb\r\nc", b"a\r\nb\r\nc\r\n"),
            (b"\n\n", b"\r\n\r\n"),
            (b"\r\n\n\r\n", b"\r\n\r\n\r\n"),
            (b"a\n.\n.\r\nb", b"a\r\n.\r\n.\r\nb\r\n"),
            (b"\xff\n", b"\xff\r\n"),
        ] {
            for piece in 1..=input.len().max(1) {
                assert_eq!(normalise(input, piece).unwrap(), output, "{input:?} by {piece}");
            }
        }
    }

    #[test]
    fn a_bare_cr_is_refused_with_its_offset() {
        for (input, offset) in
            [(&b"\r"[..], 0), (b"ab\rc\n", 2), (b"a\r\r\n", 1), (b"a\n\r.\r\n", 2), (b"a\r\nb\r", 4)]
        {
            for piece in 1..=input.len() {
                let refused = normalise(input, piece);
                assert_eq!(refused, Err(BadOctet { offset, octet: b'\r' }), "{input:?} by {piece}");
            }
        }
    }

    #[test]
    fn a_nul_is_always_refused_with_its_offset() {
        for piece in 1..6 {
            let refused = normalise(b"ab\r\n\0c", piece);
            assert_eq!(refused, Err(BadOctet { offset: 4, octet: 0 }));
        }
    }

    #[test]
    fn no_output_holds_cr_or_lf_but_as_crlf() {
        let alphabet = [&b"\r"[..], b"\n", b".", b"a"];
        for seed in 0..4096usize {
            let input: Vec<u8> = (0..6).flat_map(|i| alphabet[(seed >> (2 * i)) & 3].to_vec()).collect();
            let Ok(out) = normalise(&input, 1 + seed % 6) else { continue };
            let rest = String::from_utf8(out).unwrap().replace("\r\n", "");
            assert!(!rest.contains(['\r', '\n']), "{input:?}");
        }
    }

    #[test]
    fn facts_are_the_same_whatever_the_pieces() {
        let message = b"abc\r\n\r\nabcde\r\nx\xfc\r\nlast";
        for piece in 1..=message.len() {
            let mut facts = Facts::default();
            message.chunks(piece).for_each(|chunk| facts.observe(chunk));
            let facts = facts.finish();
            assert_eq!((facts.octets, facts.longest_line, facts.eight_bit), (22, 5, true), "by {piece}");
        }
        let mut facts = Facts::default();
        facts.observe(b"only\r\n");
        assert_eq!(facts.finish(), Facts { octets: 6, longest_line: 4, eight_bit: false, line: 0 });
    }
}
