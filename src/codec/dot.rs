//! Dot stuffing ("byte-stuffing", `RFC 1939 §3`; "transparency", `RFC 5321 §4.5.2`), both ways. Works on
//! blocks of any size, however the input is cut.
//!
//! The rule about line ends, for all of postie: on the wire a line ends in CRLF; in a store it ends in LF.
//! Only the pair CRLF is changed. A bare CR and a bare LF are content and survive.
//!
//! A server whose status lines end in a bare LF ends its message lines the same way: it is read with
//! [`LineEnd::Lf`]. From a server that speaks CRLF a bare `LF . LF` never ends a message: it may be content.

use memchr::memchr;

/// How the server at the other end ends its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// CRLF, as the protocol demands.
    CrLf,
    /// A bare LF, as some old servers do.
    Lf,
}

/// Where in a line the decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DotState {
    /// At the first octet of a line.
    Start,
    /// After a dot that began a line.
    Dot,
    /// After a dot that began a line, and a CR.
    DotCr,
    /// Inside a line.
    Inside,
    /// Inside a line, after a CR whose meaning the next octet decides.
    Cr,
    /// After the terminator.
    End,
}

/// Decodes one dot-terminated body: removes the stuffing, turns CRLF into LF, finds the end.
#[derive(Clone, Debug)]
pub struct Unstuffer {
    at: DotState,
    line_end: LineEnd,
    framing: u64,
}

impl Unstuffer {
    pub fn new(line_end: LineEnd) -> Self {
        Unstuffer { at: DotState::Start, line_end, framing: 0 }
    }

    /// Whether the terminator was seen: nothing more is taken.
    pub fn ended(&self) -> bool {
        self.at == DotState::End
    }

    /// How many of the octets taken so far are not content: stuffed dots and the terminator.
    pub fn framing(&self) -> u64 {
        // The CR is most likely that of the terminator.
        self.framing + u64::from(self.at == DotState::DotCr)
    }

    /// Decodes `input` and appends the content to `out`. Returns how many octets of `input` were taken:
    /// all of them, or those up to the end of the terminator.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut taken = 0;
        while taken < input.len() && self.at != DotState::End {
            taken += match self.at {
                DotState::Inside => self.inside(&input[taken..], out),
                _ => {
                    self.octet(input[taken], out);
                    1
                }
            };
        }
        taken
    }

    /// Takes content up to the next line end in one go. Returns the octets taken, at least one.
    fn inside(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        // The search is for LF, not CR: hostile input may be full of CR.
        let Some(feed) = memchr(b'\n', input) else {
            let held = usize::from(input.ends_with(b"\r"));
            out.extend_from_slice(&input[..input.len() - held]);
            self.at = if held == 1 { DotState::Cr } else { DotState::Inside };
            return input.len();
        };
        let crlf = feed > 0 && input[feed - 1] == b'\r';
        out.extend_from_slice(&input[..feed - usize::from(crlf)]);
        out.push(b'\n');
        if crlf || self.line_end == LineEnd::Lf {
            self.at = DotState::Start;
        }
        feed + 1
    }

    /// Takes one octet, in any state but [`DotState::Inside`].
    fn octet(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.framing += match (self.at, octet) {
            (DotState::Start, b'.') | (DotState::Dot, b'\n') => 1,
            (DotState::DotCr, b'\n') => 2,
            _ => 0,
        };
        self.at = match (self.at, octet) {
            (DotState::Start, b'.') => DotState::Dot,
            // No stuffed line begins with `. LF`, with CRLF or LF line ends, so this is the terminator.
            (DotState::Dot | DotState::DotCr, b'\n') => DotState::End,
            (DotState::Dot, b'\r') => DotState::DotCr,
            // A stuffed dot. (If the server forgot to stuff, the caller notices by what follows.)
            (DotState::Dot, _) => return self.content(octet, out),
            (DotState::DotCr, _) => {
                out.push(b'\r');
                return self.content(octet, out);
            }
            (DotState::Cr, b'\n') => {
                out.push(b'\n');
                DotState::Start
            }
            (DotState::Cr, _) => {
                out.push(b'\r');
                return self.content(octet, out);
            }
            _ => return self.content(octet, out),
        };
    }

    /// Takes one octet of content.
    fn content(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.at = match octet {
            b'\r' => DotState::Cr,
            b'\n' => {
                out.push(b'\n');
                if self.line_end == LineEnd::Lf || self.at == DotState::Cr {
                    DotState::Start
                } else {
                    DotState::Inside
                }
            }
            _ => {
                out.push(octet);
                DotState::Inside
            }
        };
    }
}

/// Encodes one body for the wire: stuffs dots and adds the terminator. The input must have CRLF line ends.
#[derive(Clone, Debug)]
pub struct Stuffer {
    line_start: bool,
    last: [u8; 2],
}

impl Default for Stuffer {
    fn default() -> Self {
        Stuffer::new()
    }
}

impl Stuffer {
    pub fn new() -> Self {
        Stuffer { line_start: true, last: *b"\r\n" }
    }

    pub fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        while let Some(&first) = input.first() {
            if self.line_start && first == b'.' {
                out.push(b'.');
            }
            let line = memchr(b'\n', input).map_or(input.len(), |feed| feed + 1);
            out.extend_from_slice(&input[..line]);
            self.line_start = input[line - 1] == b'\n';
            self.last = match *input {
                _ if line >= 2 => [input[line - 2], input[line - 1]],
                _ => [self.last[1], input[0]],
            };
            input = &input[line..];
        }
    }

    /// Appends the terminator, and before it a CRLF if the last line has none.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.last != *b"\r\n" {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_in_pieces(wire: &[u8], piece: usize, line_end: LineEnd) -> (Vec<u8>, usize, bool) {
        let (mut decoder, mut out, mut taken) = (Unstuffer::new(line_end), Vec::new(), 0);
        for chunk in wire.chunks(piece) {
            taken += decoder.push(chunk, &mut out);
        }
        (out, taken, decoder.ended())
    }

    /// Octets on the wire, their content, and how many of them belong to the body, with CRLF line ends.
    const TABLE: &[(&[u8], &[u8], usize)] = &[
        (b".\r\n+OK", b"", 3),
        (b"a\r\n.\r\n+OK", b"a\n", 6),
        (b"..\r\n.\r\n", b".\n", 7),
        (b"...x\r\n.\r\n", b"..x\n", 9),
        (b"\r\n\r\n.\r\n", b"\n\n", 7),
        (b"a\nb\r\n.\r\n", b"a\nb\n", 8),
        (b"a\n.\nb\r\n.\r\n", b"a\n.\nb\n", 10),
        (b"a\n.\r\nb\r\n.\r\n", b"a\n.\nb\n", 11),
        (b"a\rb\r\n.\r\n", b"a\rb\n", 8),
        (b"a\r\r\n.\r\n", b"a\r\n", 7),
        (b"\r\r\r\n.\r\n", b"\r\r\n", 7),
        (b"a\0\xff\r\n.\r\n", b"a\0\xff\n", 8),
        (b"a\r\n.\n+OK", b"a\n", 5),
        (b"a\r\n..\rb\r\n.\r\n", b"a\n.\rb\n", 12),
        (b"a\r\n.\rb\r\n.\r\n", b"a\n\rb\n", 11),
        (b"a\r\n.x\r\n.\r\n", b"a\nx\n", 10),
    ];

    #[test]
    fn framing_is_counted_apart_from_content() {
        for (wire, framing) in [
            (&b".\r\n"[..], 3),
            (b".\n", 2),
            (b"a\r\n.\r\n", 3),
            (b"..\r\n..x\r\n.\r\n", 5),
            (b".\rx\r\n.\r\n", 4),
        ] {
            for piece in 1..=wire.len() {
                let mut unstuffer = Unstuffer::new(LineEnd::CrLf);
                for some in wire.chunks(piece) {
                    unstuffer.push(some, &mut Vec::new());
                }
                assert!(unstuffer.ended());
                assert_eq!(unstuffer.framing(), framing, "{}", wire.escape_ascii());
            }
        }
    }

    #[test]
    fn bodies_are_decoded_whatever_the_pieces_they_come_in() {
        for (wire, content, body) in TABLE {
            for piece in 1..=wire.len() {
                let (out, taken, ended) = decode_in_pieces(wire, piece, LineEnd::CrLf);
                assert!(ended, "{wire:?} in pieces of {piece}");
                assert_eq!(out, *content, "{wire:?} in pieces of {piece}");
                assert_eq!(taken, *body, "{wire:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn no_prefix_of_a_body_is_a_whole_body() {
        for (wire, _, body) in TABLE {
            for end in 0..*body {
                assert!(!decode_in_pieces(&wire[..end], 1.max(end), LineEnd::CrLf).2, "{:?}", &wire[..end]);
            }
        }
    }

    #[test]
    fn a_server_of_bare_line_feeds_ends_its_bodies_by_one() {
        for piece in 1..8 {
            let (out, taken, ended) = decode_in_pieces(b"a\n..b\n.\n+OK\n", piece, LineEnd::Lf);
            assert_eq!((out.as_slice(), taken, ended), (&b"a\n.b\n"[..], 8, true));
        }
    }

    fn encode(content: &[u8], piece: usize) -> Vec<u8> {
        let (mut encoder, mut out) = (Stuffer::new(), Vec::new());
        content.chunks(piece).for_each(|chunk| encoder.push(chunk, &mut out));
        encoder.finish(&mut out);
        out
    }

    #[test]
    fn encoding_stuffs_dots_and_ends_the_last_line_once() {
        for (content, wire) in [
            (&b""[..], &b".\r\n"[..]),
            (b"a\r\n", b"a\r\n.\r\n"),
            (b"a", b"a\r\n.\r\n"),
            (b".\r\n", b"..\r\n.\r\n"),
            (b".a\r\n..\r\n", b"..a\r\n...\r\n.\r\n"),
            (b"a.\r\n\r\n.", b"a.\r\n\r\n..\r\n.\r\n"),
        ] {
            for piece in 1..=content.len().max(1) {
                assert_eq!(encode(content, piece), wire, "{content:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_was_encoded_decodes_to_itself() {
        let alphabet = [&b"."[..], b"\r\n", b"a", b".."];
        for seed in 0..4096usize {
            let content: Vec<u8> = (0..6).flat_map(|i| alphabet[(seed >> (2 * i)) & 3].to_vec()).collect();
            let wire = encode(&content, 3);
            let (out, taken, ended) = decode_in_pieces(&wire, 2, LineEnd::CrLf);
            assert!(ended && taken == wire.len());
            let mut want = content.clone();
            if !want.is_empty() && !want.ends_with(b"\r\n") {
                want.extend_from_slice(b"\r\n");
            }
            let want = String::from_utf8(want).unwrap().replace("\r\n", "\n");
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }
}
