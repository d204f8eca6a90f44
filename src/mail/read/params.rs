//! Reads values with parameters: Content-Type and Content-Disposition (`RFC 2045 §5.1`, `RFC 2183`, `RFC 2231`).

use super::charset::{self, Reading};
use super::{transfer, words};
use std::collections::BTreeMap;

/// The most parameters, and the most pieces of a value; the rest is ignored.
const MAX_PARAMETERS: usize = 1000;
/// The most octets in which the end of a type is looked for if there is no semicolon after it.
const MAX_ESSENCE: usize = 1000;
/// The parameters with file names: parentheses in them are not comments.
const FILE_NAMES: [&[u8]; 2] = [b"name", b"filename"];

/// A value and its parameters.
#[derive(Debug, Default)]
pub struct ReadParameters {
    /// The part before the first semicolon, in lower case.
    pub essence: String,
    list: BTreeMap<Vec<u8>, ParamValue>,
}

/// One parameter, in the forms in which it came.
#[derive(Debug, Default)]
struct ParamValue {
    plain: Option<Vec<u8>>,
    extended: Option<Vec<u8>>,
    /// The pieces by number: whether each is percent-encoded, and its octets.
    pieces: BTreeMap<u32, (bool, Vec<u8>)>,
}

impl ReadParameters {
    /// Reads an unfolded value. What is not a parameter is skipped; of two with the same name the first counts.
    pub fn of(value: &[u8]) -> Self {
        let mut scanner = ParamScanner { rest: value };
        let head = scanner.token(b";", true);
        let (essence, after) = essence(&head);
        let mut parameters = ReadParameters { essence, list: BTreeMap::new() };
        // The semicolon after the type may be missing.
        let mut stray = ParamScanner { rest: after };
        let mut all = std::iter::from_fn(|| stray.parameter().or_else(|| scanner.parameter()));
        all.by_ref().take(MAX_PARAMETERS).for_each(|(name, value)| parameters.add(&name, value));
        parameters
    }

    fn add(&mut self, name: &[u8], value: Vec<u8>) {
        let (name, is_extended) = match name.strip_suffix(b"*") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let piece = name.iter().rposition(|octet| *octet == b'*').and_then(|star| {
            let number: u32 = std::str::from_utf8(&name[star + 1..]).ok()?.parse().ok()?;
            Some((&name[..star], number))
        });
        if let Some((name, number)) = piece {
            let pieces = &mut self.list.entry(name.to_vec()).or_default().pieces;
            pieces.entry(number).or_insert((is_extended, value));
            return;
        }
        let own = self.list.entry(name.to_vec()).or_default();
        let place = if is_extended { &mut own.extended } else { &mut own.plain };
        place.get_or_insert(value);
    }

    /// The octets of a parameter that is not text for people: charset, boundary.
    pub fn octets(&self, name: &str) -> Option<Vec<u8>> {
        let value = self.list.get(name.as_bytes())?;
        let plain = value.plain.clone();
        plain.or_else(|| value.long().map(|(_, octets)| octets))
    }

    /// A parameter as text, decoded.
    pub fn text(&self, name: &str) -> Option<Reading> {
        let value = self.list.get(name.as_bytes())?;
        if let Some((label, octets)) = value.long() {
            // Some programs cut encoded words into pieces.
            let is_words = label.is_empty() && memchr::memmem::find(&octets, b"=?").is_some();
            return Some(if is_words { words::decode(&octets) } else { charset::decode(&label, &octets) });
        }
        Some(words::decode(value.plain.as_ref()?))
    }
}

impl ParamValue {
    /// The charset and octets of a value in the form of `RFC 2231`. Its pieces are put together before decoding,
    /// because they may be cut inside a character.
    fn long(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        if let Some(extended) = &self.extended {
            let (label, text) = labelled(extended);
            return Some((label, transfer::escapes(text, b'%')));
        }
        let mut label = Vec::new();
        let mut octets = Vec::new();
        // Some programs number from 1. Pieces after a gap are ignored.
        let first = *self.pieces.keys().next().filter(|first| **first <= 1)?;
        for (number, (place, (is_extended, piece))) in self.pieces.iter().enumerate() {
            if *place as usize != number + first as usize {
                break;
            }
            let mut text = piece.as_slice();
            if number == 0 && *is_extended {
                (label, text) = labelled(piece);
            }
            match is_extended {
                true => octets.extend(transfer::escapes(text, b'%')),
                false => octets.extend_from_slice(text),
            }
        }
        Some((label, octets))
    }
}

/// Splits `charset'language'text`.
fn labelled(value: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut parts = value.splitn(3, |octet| *octet == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(label), Some(_), Some(text)) => (label.to_vec(), text),
        _ => (Vec::new(), value),
    }
}

/// The type in lower case, without white space around its slash, and the text after it.
fn essence(head: &[u8]) -> (String, &[u8]) {
    let head = head.trim_ascii();
    let is_end = |at: &usize| {
        let (before, after) = (head[..*at].trim_ascii_end(), head[*at..].trim_ascii_start());
        head[*at].is_ascii_whitespace() && !before.ends_with(b"/") && !after.starts_with(b"/")
    };
    let end = (0..head.len().min(MAX_ESSENCE)).find(is_end).unwrap_or(head.len());
    let word: Vec<u8> = head[..end].iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    (String::from_utf8_lossy(&word).to_lowercase(), &head[end..])
}

struct ParamScanner<'a> {
    rest: &'a [u8],
}

impl ParamScanner<'_> {
    /// The next parameter: its name in lower case, and its value, unquoted.
    fn parameter(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        while !self.rest.is_empty() {
            self.skip();
            let name = self.token(b"=;", true).trim_ascii().to_ascii_lowercase();
            let Some((b'=', after)) = self.rest.split_first() else { continue };
            self.rest = after;
            self.skip_space();
            let root = name.split(|octet| *octet == b'*').next().unwrap_or_default();
            let value = match self.rest.first() {
                Some(b'"') => self.quoted(),
                _ => self.token(b";", !FILE_NAMES.contains(&root)).trim_ascii().to_vec(),
            };
            if !name.is_empty() {
                return Some((name, value));
            }
        }
        None
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn skip(&mut self) {
        let len = self.rest.iter().take_while(|octet| **octet == b';' || octet.is_ascii_whitespace()).count();
        self.rest = &self.rest[len..];
    }

    /// Everything up to one of `ends` outside of quotes; without comments, if `has_comments`.
    fn token(&mut self, ends: &[u8], has_comments: bool) -> Vec<u8> {
        let mut out = Vec::new();
        while let [octet, after @ ..] = self.rest {
            match octet {
                b'(' if has_comments => {
                    self.comment();
                    continue;
                }
                b'"' => {
                    out.extend(self.quoted());
                    continue;
                }
                octet if ends.contains(octet) => break,
                _ => out.push(*octet),
            }
            self.rest = after;
        }
        out
    }

    /// Skips a comment, perhaps with others in it: they are counted, not recursed into.
    fn comment(&mut self) {
        let mut depth = 0usize;
        while let [octet, after @ ..] = self.rest {
            self.rest = after;
            match octet {
                b'\\' => self.rest = after.get(1..).unwrap_or_default(),
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// A quoted string, without its quotes. A backslash is kept (as in a Windows path) unless a quote or another
    /// backslash follows.
    fn quoted(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.rest = &self.rest[1..];
        while let [octet, after @ ..] = self.rest {
            self.rest = after;
            match (octet, after) {
                (b'"', _) => break,
                (b'\\', [escaped @ (b'"' | b'\\'), rest @ ..]) => {
                    out.push(*escaped);
                    self.rest = rest;
                }
                _ => out.push(*octet),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn named(value: &[u8], want: &str) {
        let got = ReadParameters::of(value).text("name");
        assert_eq!(got, Some(Reading::Whole(want.to_owned())), "{}", String::from_utf8_lossy(value));
    }

    #[test]
    fn parameters_are_read_whatever_is_around_them() {
        let parameters =
            ReadParameters::of(b" Text/Plain (a;b) ; charset=\"utf-8\" ; Boundary = x(c) ;x;; format=flowed");
        assert_eq!(parameters.essence, "text/plain");
        assert_eq!(parameters.octets("charset").unwrap(), b"utf-8");
        assert_eq!(parameters.octets("boundary").unwrap(), b"x");
        assert_eq!(parameters.octets("format").unwrap(), b"flowed");
        assert_eq!(parameters.octets("x"), None);
        assert_eq!(ReadParameters::of(b"text/plain charset=x; a=b").octets("charset").unwrap(), b"x");
        for (value, essence) in [
            ("text/plain charset=x", "text/plain"),
            ("text\t/\tplain x", "text/plain"),
            ("message /rfc822", "message/rfc822"),
            ("message(c)/rfc822", "message/rfc822"),
            ("\"message\"/rfc822", "message/rfc822"),
            ("text", "text"),
            ("", ""),
            ("((((", ""),
        ] {
            assert_eq!(ReadParameters::of(value.as_bytes()).essence, essence, "{value}");
        }
    }

    #[test]
    fn names_in_every_form_are_read() {
        named(b"a/b; name=a.pdf", "a.pdf");
        named(b"a/b; name=my file (1).pdf; x=y", "my file (1).pdf");
        named(b"a/b; name=\"a \\\"b\\\" \\\\ c;d.pdf\"", "a \"b\" \\ c;d.pdf");
        named(b"a/b; name=\"C:\\dir\\a.pdf\"", "C:\\dir\\a.pdf");
        named(b"a/b; name=\"open", "open");
        named(b"a/b; name=\"=?utf-8?B?w6Q=?=\"", "\u{e4}");
        named(b"a/b; name==?utf-8?Q?=C3=A4?=", "\u{e4}");
        named(b"a/b; name=\"\xc3\xa4\"", "\u{e4}");
        named(b"a/b; name=x; name*=utf-8''%C3%A4", "\u{e4}");
        named(b"a/b; name*=utf-8''%C3%A4; name=x", "\u{e4}");
        named(b"a/b; name*=\"utf-8'en'%C3%A4\"", "\u{e4}");
        named(b"a/b; name*=iso-8859-1''%E4", "\u{e4}");
        named(b"a/b; name*=plain", "plain");
        named(b"a/b; name=1; name=2", "1");
        named(b"a/b; name=\"1\" x=y", "1");
    }

    #[test]
    fn a_value_in_pieces_is_decoded_as_one() {
        named(b"a/b; name*0*=utf-8''%C3; name*1*=%A4", "\u{e4}");
        named(b"a/b; name*1*=%A4; name*0*=utf-8''%C3", "\u{e4}");
        named(b"a/b; name*0*=utf-8''%C3%A4; name*1=\"%41\"", "\u{e4}%41");
        named(b"a/b; name*0=a; name*1=b; name*2=c", "abc");
        named(b"a/b; name*1=a; name*2=b", "ab");
        named(b"a/b; name*0=\"=?utf-8?B?w6\"; name*1=\"Q=?=\"", "\u{e4}");
        named(b"a/b; name*0=a; name*2=c", "a");
        let boundary = ReadParameters::of(b"a/b; boundary*0=a; boundary*1=b");
        assert_eq!(boundary.octets("boundary").unwrap(), b"ab");
        let many: String = (0..20_000).map(|number| format!("; name*{number}=x")).collect();
        named(format!("a/b{many}").as_bytes(), &"x".repeat(MAX_PARAMETERS));
    }

    #[test]
    fn hostile_values_end() {
        for piece in ["(", "\"", "\\", "=", ";", "=?", "(\\", "a=\"", "*", "'"] {
            let _ = ReadParameters::of(piece.repeat(60_000).as_bytes()).text("a");
        }
        assert_eq!(ReadParameters::of(b"a/b; name*=x-martian''%C1").text("name"), Some(Reading::Unknown));
    }
}
