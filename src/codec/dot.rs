//! Dot stuffing both ways (`RFC 1939 §3`, `RFC 5321 §4.5.2`), incremental and whole blocks at a time.
//!
//! The one rule about line ends, stated here for all of postie: on the wire a line ends in CRLF; in a
//! store it ends in LF. Only the pair CRLF is changed. A bare CR and a bare LF are content and survive.
//!
//! A server whose status lines end in a bare LF ends its message lines so too; for it [`LineEnd::Lf`]
//! is the framing. A server that speaks CRLF is never taken to end a message by a bare `LF . LF`: that
//! would cut a message that holds it as content.

use memchr::memchr;

/// How the server at the other end ends its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// As the protocol demands.
    CrLf,
    /// A bare LF, as some old servers do.
    Lf,
}

/// Where in a line the decoder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DotState {
    /// At the first octet of a line.
    Start,
    /// Behind a dot that began a line.
    Dot,
    /// Behind a dot that began a line, and a CR.
    DotCr,
    /// Inside a line.
    Inside,
    /// Inside a line, behind a CR whose meaning the next octet decides.
    Cr,
    /// Behind the terminator.
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
    /// A decoder at the start of a body.
    pub fn new(line_end: LineEnd) -> Self {
        Unstuffer { at: DotState::Start, line_end, framing: 0 }
    }

    /// Whether the terminator was seen: nothing more is taken.
    pub fn ended(&self) -> bool {
        self.at == DotState::End
    }

    /// Of the octets taken so far those that are no content: stuffed dots and the terminator.
    pub fn framing(&self) -> u64 {
        // Most likely the CR of the terminator.
        self.framing + u64::from(self.at == DotState::DotCr)
    }

    /// Decodes `input` and appends the content to `out`. Returns how many octets of `input` were taken:
    /// all of them, or those up to and with the terminator.
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
        // Whole lines are searched by their LF: it is rarer than CR is in hostile input, and both cost
        // the same in ordinary input.
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

    /// Takes one octet in one of the states that last an octet or two.
    fn octet(&mut self, octet: u8, out: &mut Vec<u8>) {
        self.framing += match (self.at, octet) {
            (DotState::Start, b'.') | (DotState::Dot, b'\n') => 1,
            (DotState::DotCr, b'\n') => 2,
            _ => 0,
        };
        self.at = match (self.at, octet) {
            (DotState::Start, b'.') => DotState::Dot,
            // `. LF`: no stuffed line begins so, whatever the framing, hence it is the end.
            (DotState::Dot | DotState::DotCr, b'\n') => DotState::End,
            (DotState::Dot, b'\r') => DotState::DotCr,
            // The dot was stuffing (or the server forgot to stuff: the caller sees it by what follows).
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

    /// Takes one octet of content and says where that leads.
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

/// Encodes one body for the wire: stuffs dots and adds the terminator. Its input has CRLF line ends only.
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
    /// An encoder at the start of a body.
    pub fn new() -> Self {
        Stuffer { line_start: true, last: *b"\r\n" }
    }

    /// Encodes `input` and appends it to `out`.
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

    /// Appends the terminator, and before it the CRLF that the last line lacks, if it lacks one.
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

    /// Wire, content, and how much of the wire belongs to the body, for a server that speaks CRLF.
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
    fn what_is_framing_is_told_from_what_is_content() {
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
