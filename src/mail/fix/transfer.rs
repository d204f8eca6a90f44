//! Writes the transfer encodings (`RFC 2045 §6`) while the content streams by.
//!
//! Content that is encoded already is only broken into shorter lines: what it decodes to stays the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest line of both encodings (`RFC 2045 §6.7`, §6.8).
const LINE: usize = 76;

/// Octets in one line of base64.
const BASE64_LINE: usize = LINE / 4 * 3;

/// Turns content into lines that every server can carry.
#[derive(Debug)]
pub(super) enum Encoder {
    /// Any content into base64.
    Base64(Base64),
    /// Text into quoted-printable.
    Quoted(Quoted),
    /// Base64 into shorter lines.
    Base64Again(Base64Again),
    /// Quoted-printable into shorter lines; non-ASCII octets in it are encoded.
    QuotedAgain(QuotedAgain),
}

impl Encoder {
    /// Encodes the next octets, whose line ends are CRLF.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match self {
            Encoder::Base64(base64) => base64.push(octets, out),
            Encoder::Quoted(quoted) => octets.iter().for_each(|octet| quoted.octet(*octet, out)),
            Encoder::Base64Again(again) => again.push(octets, out),
            Encoder::QuotedAgain(again) => octets.iter().for_each(|octet| again.octet(*octet, out)),
        }
    }

    /// Ends the content; no line end is added to the last line.
    pub fn finish(self, out: &mut Vec<u8>) {
        match self {
            Encoder::Base64(base64) => base64.finish(out),
            Encoder::Quoted(quoted) => quoted.finish(out),
            Encoder::Base64Again(_) => {}
            Encoder::QuotedAgain(again) => again.finish(out),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Base64 {
    held: Vec<u8>,
    has_line: bool,
}

impl Base64 {
    fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(octets);
        let whole = self.held.len() - self.held.len() % BASE64_LINE;
        for at in (0..whole).step_by(BASE64_LINE) {
            self.line(at, at + BASE64_LINE, out);
        }
        self.held.drain(..whole);
    }

    fn line(&mut self, from: usize, to: usize, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_line, true) {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(STANDARD.encode(&self.held[from..to]).as_bytes());
    }

    fn finish(mut self, out: &mut Vec<u8>) {
        if !self.held.is_empty() {
            self.line(0, self.held.len(), out);
        }
    }
}

/// Breaks existing base64 into shorter lines. Octets outside its alphabet are dropped (`RFC 2045 §6.8`).
#[derive(Debug, Default)]
pub(super) struct Base64Again {
    column: usize,
}

impl Base64Again {
    fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let is_digit = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=".contains(octet);
        for digit in octets.iter().copied().filter(is_digit) {
            if self.column == LINE {
                out.extend_from_slice(b"\r\n");
                self.column = 0;
            }
            out.push(digit);
            self.column += 1;
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Quoted {
    column: usize,
    /// The last white space: if it ends its line it must be encoded.
    space: Option<u8>,
}

impl Quoted {
    fn octet(&mut self, octet: u8, out: &mut Vec<u8>) {
        match octet {
            // Line ends are CRLF only.
            b'\r' => {}
            b'\n' => {
                self.settle_space(true, out);
                self.end_line(out);
            }
            b' ' | b'\t' => {
                self.settle_space(false, out);
                self.space = Some(octet);
            }
            b'=' | 0..=0x1f | 0x7f.. => {
                self.settle_space(false, out);
                self.token(&escape(octet), out);
            }
            _ => {
                self.settle_space(false, out);
                self.token(&[octet], out);
            }
        }
    }

    fn settle_space(&mut self, ends_line: bool, out: &mut Vec<u8>) {
        match self.space.take() {
            Some(space) if ends_line => self.token(&escape(space), out),
            Some(space) => self.token(&[space], out),
            None => {}
        }
    }

    /// Writes octets that must stay together, after a soft line break if they do not fit into the line.
    fn token(&mut self, token: &[u8], out: &mut Vec<u8>) {
        if self.column + token.len() > LINE - 1 {
            out.extend_from_slice(b"=\r\n");
            self.column = 0;
        }
        out.extend_from_slice(token);
        self.column += token.len();
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
        self.column = 0;
    }

    fn finish(mut self, out: &mut Vec<u8>) {
        self.settle_space(true, out);
    }
}

fn escape(octet: u8) -> [u8; 3] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [b'=', DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]
}

/// Breaks existing quoted-printable into shorter lines.
#[derive(Debug, Default)]
pub(super) struct QuotedAgain {
    quoted: Quoted,
    /// The `=` and what has followed it so far.
    token: Vec<u8>,
}

impl QuotedAgain {
    fn octet(&mut self, octet: u8, out: &mut Vec<u8>) {
        match (octet, self.token.len()) {
            (b'\r', _) => {}
            (b'\n', _) => {
                // A soft line break, or a line end.
                self.flush(out);
                self.quoted.end_line(out);
            }
            (b'=', _) => {
                self.flush(out);
                self.token.push(octet);
            }
            (_, 1 | 2) if octet.is_ascii_hexdigit() => {
                self.token.push(octet);
                if self.token.len() == 3 {
                    self.flush(out);
                }
            }
            _ => {
                self.flush(out);
                match octet {
                    0x80.. => self.quoted.token(&escape(octet), out),
                    _ => self.quoted.token(&[octet], out),
                }
            }
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        if !self.token.is_empty() {
            self.quoted.token(&self.token, out);
            self.token.clear();
        }
    }

    fn finish(mut self, out: &mut Vec<u8>) {
        self.flush(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::MessageParser;

    fn encode(mut encoder: Encoder, content: &[u8], piece: usize) -> Vec<u8> {
        let mut out = Vec::new();
        content.chunks(piece.max(1)).for_each(|chunk| encoder.push(chunk, &mut out));
        encoder.finish(&mut out);
        assert!(out.is_ascii(), "{:?}", out.escape_ascii().to_string());
        assert!(out.split(|octet| *octet == b'\n').all(|line| line.len() <= LINE + 1), "{out:?}");
        out
    }

    fn decode(encoding: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        );
        let message = [head.as_bytes(), body].concat();
        MessageParser::default().parse(&message).unwrap().part(0).unwrap().contents().to_vec()
    }

    fn samples() -> Vec<Vec<u8>> {
        let all: Vec<u8> = (0..=255u8).filter(|octet| !b"\0\r\n".contains(octet)).collect();
        let mut samples: Vec<Vec<u8>> = vec![
            b"".to_vec(),
            b"\r\n".to_vec(),
            b"plain\r\n".to_vec(),
            b"no end".to_vec(),
            b"trailing \r\nand\t\r\n \r\nend ".to_vec(),
            b"a=b =20 ==\r\n.\r\n..\r\nFrom x\r\n".to_vec(),
            b"x".repeat(5000),
            b"y ".repeat(400),
            "\u{e4}\u{2603} ".repeat(300).into_bytes(),
        ];
        samples.push([all.repeat(7), b"\r\n".to_vec(), all].concat());
        samples
    }

    #[test]
    fn what_was_encoded_decodes_to_itself_in_any_pieces() {
        for content in samples() {
            for piece in [1, 2, 3, 57, 64, 10_000] {
                let quoted = encode(Encoder::Quoted(Quoted::default()), &content, piece);
                assert_eq!(decode("quoted-printable", &quoted), content, "{quoted:?}");
                let base64 = encode(Encoder::Base64(Base64::default()), &content, piece);
                assert_eq!(decode("base64", &base64), content);
            }
        }
    }

    #[test]
    fn what_is_encoded_already_keeps_its_meaning_in_shorter_lines() {
        for content in samples() {
            let quoted = encode(Encoder::Quoted(Quoted::default()), &content, 7);
            let long: Vec<u8> = String::from_utf8(quoted).unwrap().replace("=\r\n", "").into_bytes();
            for piece in [1, 5, 10_000] {
                let again = encode(Encoder::QuotedAgain(QuotedAgain::default()), &long, piece);
                assert_eq!(decode("quoted-printable", &again), content, "{long:?}");
                let base64 = STANDARD.encode(&content).into_bytes();
                let again = encode(Encoder::Base64Again(Base64Again::default()), &base64, piece);
                assert_eq!(decode("base64", &again), content);
            }
        }
        for (odd, want) in [
            (&b"a=zz=\r\n=4\r\n="[..], &b"a=zz=\r\n=4\r\n="[..]),
            (b"caf\xe9 =C3=A9\r\n", b"caf=E9 =C3=A9\r\n"),
            (b"end \r\n", b"end \r\n"),
        ] {
            assert_eq!(encode(Encoder::QuotedAgain(QuotedAgain::default()), odd, 1), want);
        }
    }
}
