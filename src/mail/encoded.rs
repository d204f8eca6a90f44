//! Writes encoded words (`RFC 2047`) and folded fields (`RFC 5322 §2.2.3`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest encoded word (`RFC 2047 §2`).
const MAX_WORD: usize = 75;
/// The longest line with an encoded word in it (`RFC 2047 §2`).
const MAX_LINE: usize = 76;
/// The most white space between two words that is kept.
const MAX_SPACE: usize = 32;

/// Octets as encoded words; none splits a UTF-8 character. The first has at most `room` octets.
pub(super) fn encoded_words(octets: &[u8], charset: &str, room: usize) -> Vec<String> {
    let quoted: usize = octets.iter().map(|octet| quoted_len(*octet)).sum();
    let is_quoted = quoted <= octets.len().div_ceil(3) * 4;
    let frame = charset.len() + "=??q??=".len();
    let (mut words, mut piece) = (Vec::new(), Vec::new());
    let mut room = room.clamp(frame + 12, MAX_WORD) - frame;
    for unit in units(octets) {
        let whole = [piece.as_slice(), unit].concat();
        let len = if is_quoted {
            whole.iter().map(|octet| quoted_len(*octet)).sum()
        } else {
            whole.len().div_ceil(3) * 4
        };
        if len > room && !piece.is_empty() {
            words.push(word(&piece, charset, is_quoted));
            (piece, room) = (unit.to_vec(), MAX_WORD - frame);
        } else {
            piece = whole;
        }
    }
    if !piece.is_empty() {
        words.push(word(&piece, charset, is_quoted));
    }
    words
}

/// Cuts octets into what must not be split: UTF-8 characters, else single octets.
pub(super) fn units(octets: &[u8]) -> Vec<&[u8]> {
    match std::str::from_utf8(octets) {
        Ok(text) => text.char_indices().map(|(at, c)| &octets[at..at + c.len_utf8()]).collect(),
        Err(_) => octets.chunks(1).collect(),
    }
}

/// Whether an octet needs no encoding anywhere (`RFC 2047 §5(3)`).
fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!*+-/".contains(&octet)
}

fn quoted_len(octet: u8) -> usize {
    if is_plain(octet) || octet == b' ' { 1 } else { 3 }
}

fn word(octets: &[u8], charset: &str, is_quoted: bool) -> String {
    if !is_quoted {
        return format!("=?{charset}?B?{}?=", STANDARD.encode(octets));
    }
    let quoted: String = octets
        .iter()
        .map(|octet| match octet {
            b' ' => "_".to_owned(),
            octet if is_plain(*octet) => char::from(*octet).to_string(),
            octet => format!("={octet:02X}"),
        })
        .collect();
    format!("=?{charset}?Q?{quoted}?=")
}

pub(super) fn is_encoded(word: &[u8]) -> bool {
    encoded_text(word).is_some()
}

/// Whether a word is an encoded word that is allowed in a phrase (`RFC 2047 §5(3)`).
pub(super) fn is_encoded_in_phrase(word: &[u8]) -> bool {
    encoded_text(word).is_some_and(|text| text.iter().all(|octet| is_plain(*octet) || b"=_".contains(octet)))
}

/// The text of `"=?" charset "?" encoding "?" encoded-text "?="` (`RFC 2047 §2`).
fn encoded_text(word: &[u8]) -> Option<&[u8]> {
    let inner = word.strip_prefix(b"=?")?.strip_suffix(b"?=")?;
    let mut parts = inner.split(|octet| *octet == b'?');
    let (charset, encoding, text) = (parts.next()?, parts.next()?, parts.next()?);
    let is_token = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_*.+".contains(octet);
    let fine = parts.next().is_none()
        && !charset.is_empty()
        && charset.iter().all(is_token)
        && [&b"B"[..], b"b", b"Q", b"q"].contains(&encoding)
        && text.iter().all(u8::is_ascii_graphic);
    fine.then_some(text)
}

/// Writes a field, folded where a word does not fit into the line.
pub(super) struct FoldingWriter {
    out: Vec<u8>,
    column: usize,
    is_empty: bool,
}

impl FoldingWriter {
    pub fn new(name: &[u8]) -> Self {
        let out = [name, b":"].concat();
        FoldingWriter { column: out.len(), out, is_empty: true }
    }

    /// How many octets still fit into the line after a space.
    pub fn room(&self) -> usize {
        MAX_LINE.saturating_sub(self.column + 1)
    }

    /// Adds a word with the white space before it.
    pub fn word(&mut self, space: &[u8], word: &[u8]) {
        let space = if space.is_empty() || space.len() > MAX_SPACE { b" " } else { space };
        if !self.is_empty && self.column + space.len() + word.len() > MAX_LINE {
            self.out.extend_from_slice(b"\r\n");
            self.column = 0;
        }
        self.out.extend_from_slice(space);
        self.out.extend_from_slice(word);
        self.column += space.len() + word.len();
        self.is_empty = false;
    }

    /// Adds to the last word.
    pub fn append(&mut self, octets: &[u8]) {
        self.out.extend_from_slice(octets);
        self.column += octets.len();
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.out.extend_from_slice(b"\r\n");
        self.out
    }
}

/// The words of a value, each with the white space before it.
pub(super) fn split(value: &[u8]) -> Vec<(&[u8], &[u8])> {
    let (mut words, mut rest) = (Vec::new(), value);
    loop {
        let space = rest.iter().position(|octet| !matches!(octet, b' ' | b'\t')).unwrap_or(rest.len());
        if space == rest.len() {
            return words;
        }
        let end = rest[space..].iter().position(|octet| matches!(octet, b' ' | b'\t'));
        let end = end.map_or(rest.len(), |end| space + end);
        words.push((&rest[..space], &rest[space..end]));
        rest = &rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::MessageParser;

    #[test]
    fn encoded_words_are_short_and_decode_to_what_they_were() {
        for text in [
            "\u{e4}",
            "Gr\u{fc}\u{df}e aus  M\u{fc}nchen_?=",
            &"\u{8a9e}".repeat(200),
            &"\u{1f600} x".repeat(50),
        ] {
            for room in [0, 30, 75, 200] {
                let words = encoded_words(text.as_bytes(), "utf-8", room);
                assert!(
                    words.iter().all(|word| word.len() <= MAX_WORD && is_encoded(word.as_bytes())),
                    "{words:?}"
                );
                let header = format!("Subject: {}\r\n\r\n", words.join("\r\n "));
                let parsed = MessageParser::default().parse(header.as_bytes()).unwrap();
                assert_eq!(parsed.subject(), Some(text));
            }
        }
    }

    #[test]
    fn only_encoded_words_are_encoded_words() {
        for (word, anywhere, in_phrase) in [
            ("=?utf-8?Q?J=C3=B6rg?=", true, true),
            ("=?UTF-8*de?b?SsO2cmc=?=", true, true),
            ("=?utf-8?q?a,b?=", true, false),
            ("=?utf-8?q?<a@x.org>?=", true, false),
            ("=?utf-8?q?a b?=", false, false),
            ("=?utf-8?q?a?b?=", false, false),
            ("=?,evil@x.org,?q?a?=", false, false),
            ("=?x?=", false, false),
            ("=?utf-8?x?a?=", false, false),
        ] {
            assert_eq!(is_encoded(word.as_bytes()), anywhere, "{word}");
            assert_eq!(is_encoded_in_phrase(word.as_bytes()), in_phrase, "{word}");
        }
    }

    #[test]
    fn words_come_with_their_white_space() {
        let words = split(b" a  b\tc ");
        assert_eq!(words, [(&b" "[..], &b"a"[..]), (b"  ", b"b"), (b"\t", b"c")]);
        assert!(split(b"  ").is_empty() && split(b"").is_empty());
    }
}
