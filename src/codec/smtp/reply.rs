//! SMTP replies (`RFC 5321 §4.2`), put together from lines.
//!
//! ```text
//! Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
//! ```
//!
//! Every line must have the same code, and the number of lines and octets is bounded; anything else is an
//! error. The text may be missing and may be any octets.

use std::fmt;

/// The most octets of one line. A reply line has at most 512 (`RFC 5321 §4.5.3.1.5`), but the challenge of an
/// authentication may have 12288 (`RFC 4954 §4`).
pub const MAX_LINE: usize = 12_288 + 6;
/// The most lines of a reply. The longest honest ones, the answers to EHLO and HELP, have some dozens.
pub const MAX_LINES: usize = 256;
/// The most octets of all lines of a reply.
pub const MAX_OCTETS: usize = 64 * 1024;

/// The meaning of the first digit of a code (`RFC 5321 §4.2.1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 2yz: done.
    Success,
    /// 3yz: go on.
    Intermediate,
    /// 4yz: not now.
    Transient,
    /// 5yz: no.
    Permanent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<Vec<u8>>,
}

/// Why lines are not a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// A line does not begin with a code from 200 to 599, followed by a space, a hyphen or the line end.
    NoCode,
    CodesDiffer(u16, u16),
    /// More lines than [`MAX_LINES`], or more octets than [`MAX_OCTETS`].
    TooMuch,
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplyError::NoCode => f.write_str("the server sent something that is no SMTP reply"),
            ReplyError::CodesDiffer(one, other) => {
                write!(f, "the server sent one reply with two codes, {one} and {other}")
            }
            ReplyError::TooMuch => {
                write!(f, "the server sent a reply of more than {MAX_LINES} lines or {MAX_OCTETS} octets")
            }
        }
    }
}

impl std::error::Error for ReplyError {}

/// Puts a reply together, line by line.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    code: Option<u16>,
    lines: Vec<Vec<u8>>,
    octets: usize,
}

impl Assembler {
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether no line of the next reply has come yet.
    pub fn is_fresh(&self) -> bool {
        self.code.is_none()
    }

    /// Takes a line without its line end. Returns the reply after its last line; the assembler is then ready
    /// for the next one.
    pub fn push(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let (code, more) = split(line).ok_or(ReplyError::NoCode)?;
        match self.code {
            Some(first) if first != code => return Err(ReplyError::CodesDiffer(first, code)),
            _ => self.code = Some(code),
        }
        self.octets += line.len();
        if self.lines.len() == MAX_LINES || self.octets > MAX_OCTETS {
            return Err(ReplyError::TooMuch);
        }
        self.lines.push(line.to_vec());
        if more {
            return Ok(None);
        }
        let lines = std::mem::take(self).lines;
        Ok(Some(Reply { code, lines }))
    }
}

/// The code of a line, and whether more lines follow.
fn split(line: &[u8]) -> Option<(u16, bool)> {
    let digits = line.get(..3)?;
    if !matches!(digits[0], b'2'..=b'5') || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match line.get(3) {
        None | Some(b' ') => Some((code, false)),
        Some(b'-') => Some((code, true)),
        Some(_) => None,
    }
}

impl Reply {
    pub fn code(&self) -> u16 {
        self.code
    }

    pub fn class(&self) -> Class {
        match self.code / 100 {
            2 => Class::Success,
            3 => Class::Intermediate,
            4 => Class::Transient,
            _ => Class::Permanent,
        }
    }

    pub fn is_success(&self) -> bool {
        self.class() == Class::Success
    }

    /// The lines with their codes, without line ends.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(Vec::as_slice)
    }

    /// The text of every line, without the code.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(|line| line.get(4..).unwrap_or_default())
    }

    /// The first enhanced status code (`RFC 3463 §2`) at the start of a line's text, if its class is that of the
    /// reply: `status-code = class "." subject "." detail`.
    pub fn enhanced(&self) -> Option<&str> {
        self.texts().find_map(|text| enhanced_at_start(text, self.code))
    }

    /// The text without codes, lines joined by one space; secrets are not redacted yet.
    pub fn text(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for text in self.texts() {
            let skip = enhanced_at_start(text, self.code).map_or(0, str::len);
            let text = text[skip..].trim_ascii();
            if !all.is_empty() && !text.is_empty() {
                all.push(b' ');
            }
            all.extend_from_slice(text);
        }
        all
    }
}

/// The enhanced status code at the start of `text`, if its class is that of `code`.
fn enhanced_at_start(text: &[u8], code: u16) -> Option<&str> {
    let end = text.iter().position(|octet| *octet == b' ').unwrap_or(text.len());
    let word = std::str::from_utf8(&text[..end]).ok()?;
    let mut parts = word.split('.');
    let class = parts.next()?;
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let fits = class.len() == 1 && class.parse() == Ok(code / 100) && code / 100 != 3;
    (fits && parts.next().is_some_and(number) && parts.next().is_some_and(number) && parts.next().is_none())
        .then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assemble(lines: &[&[u8]]) -> Result<Option<Reply>, ReplyError> {
        let mut assembler = Assembler::new();
        for (index, line) in lines.iter().enumerate() {
            if let Some(reply) = assembler.push(line)? {
                assert_eq!(index, lines.len() - 1, "the reply ended early");
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Lines, code, enhanced code, text.
    type ReplyRow = (&'static [&'static [u8]], u16, Option<&'static str>, &'static str);

    #[test]
    fn replies_of_one_line_and_of_many_are_read() {
        let table: &[ReplyRow] = &[
            (&[b"250"], 250, None, ""),
            (&[b"250 "], 250, None, ""),
            (&[b"250 OK"], 250, None, "OK"),
            (&[b"550 5.1.1 no such user"], 550, Some("5.1.1"), "no such user"),
            (&[b"550-5.1.1 no", b"550 5.1.1 such user"], 550, Some("5.1.1"), "no such user"),
            (&[b"550-sorry", b"550 5.7.1 no"], 550, Some("5.7.1"), "sorry no"),
            (&[b"550 4.1.1 wrong class"], 550, None, "4.1.1 wrong class"),
            (&[b"550 5.1 short"], 550, None, "5.1 short"),
            (&[b"550 5.1.1.1 long"], 550, None, "5.1.1.1 long"),
            (&[b"550 5.1111.1 wide"], 550, None, "5.1111.1 wide"),
            (&[b"250 2.0.0"], 250, Some("2.0.0"), ""),
            (&[b"354 3.0.0 go"], 354, None, "3.0.0 go"),
            (&[b"250-", b"250-", b"250"], 250, None, ""),
            (&[b"451 \xff\xfe"], 451, None, "\u{fffd}\u{fffd}"),
        ];
        for (lines, code, enhanced, text) in table {
            let reply = assemble(lines).unwrap().unwrap();
            assert_eq!(reply.code(), *code);
            assert_eq!(reply.enhanced(), *enhanced, "{lines:?}");
            assert_eq!(String::from_utf8_lossy(&reply.text()), *text, "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for line in [
            &b""[..],
            b"2",
            b"25",
            b"25x OK",
            b"199 low",
            b"099 low",
            b"600 high",
            b"2500 OK",
            b"250\tOK",
            b"OK",
            b" 250 OK",
            b"\xff50 OK",
            b"220SMTP",
            b"HTTP/1.1 400 Bad Request",
        ] {
            assert_eq!(assemble(&[line]), Err(ReplyError::NoCode), "{line:?}");
        }
    }

    #[test]
    fn a_reply_that_contradicts_itself_is_refused() {
        assert_eq!(assemble(&[b"250-a", b"550 b"]), Err(ReplyError::CodesDiffer(250, 550)));
        assert_eq!(assemble(&[b"250-a", b"b"]), Err(ReplyError::NoCode));
    }

    #[test]
    fn no_prefix_of_a_reply_is_a_whole_reply() {
        let lines: &[&[u8]] = &[b"250-a", b"250-b", b"250 c"];
        for end in 0..lines.len() {
            assert_eq!(assemble(&lines[..end]), Ok(None));
        }
        let line = b"550 5.1.1 no";
        for end in 0..3 {
            assert!(assemble(&[&line[..end]]).is_err());
        }
        for end in 3..=line.len() {
            assert_eq!(assemble(&[&line[..end]]).unwrap().unwrap().code(), 550);
        }
    }

    #[test]
    fn endless_replies_are_cut_off() {
        let mut assembler = Assembler::new();
        for _ in 0..MAX_LINES {
            assert_eq!(assembler.push(b"250-x"), Ok(None));
        }
        assert_eq!(assembler.push(b"250 x"), Err(ReplyError::TooMuch));
        let mut assembler = Assembler::new();
        let long = [b"250-".to_vec(), vec![b'x'; MAX_LINE - 4]].concat();
        let refused = (0..MAX_LINES).find_map(|_| assembler.push(&long).err());
        assert_eq!(refused, Some(ReplyError::TooMuch));
    }

    #[test]
    fn an_assembler_is_ready_for_the_next_reply() {
        let mut assembler = Assembler::new();
        assert_eq!(assembler.push(b"250 a").unwrap().unwrap().code(), 250);
        assert_eq!(assembler.push(b"550-b").unwrap(), None);
        assert_eq!(assembler.push(b"550 c").unwrap().unwrap().lines().count(), 2);
    }
}
