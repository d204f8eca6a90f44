//! Transfer encodings (`RFC 2045 §6`), read leniently.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;

/// Base64 with or without padding, whatever its last bits are.
pub(super) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How content is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all, or in a way that nobody knows.
    #[default]
    Identity,
    /// Base64.
    Base64,
    /// Quoted-printable.
    Quoted,
}

impl Encoding {
    /// Reads the value of Content-Transfer-Encoding, with comments or quotes around it.
    pub fn of(value: &[u8]) -> Self {
        let is_token = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
        let start = value.iter().position(is_token).unwrap_or(value.len());
        let token: Vec<u8> = value[start..].iter().copied().take_while(is_token).collect();
        match token.to_ascii_lowercase().as_slice() {
            b"base64" => Encoding::Base64,
            b"quoted-printable" => Encoding::Quoted,
            _ => Encoding::Identity,
        }
    }

    /// The content as it was before it was encoded; of text, what a list server wrote behind the end of
    /// its base64 too.
    pub fn decode(self, content: &[u8], is_text: bool) -> Cow<'_, [u8]> {
        match self {
            Encoding::Identity => Cow::Borrowed(content),
            Encoding::Quoted => Cow::Owned(quoted(content)),
            Encoding::Base64 => {
                let end = base64_end(content);
                let mut decoded = base64(&content[..end]);
                if is_text {
                    decoded.extend_from_slice(&content[end..]);
                }
                Cow::Owned(decoded)
            }
        }
    }
}

/// Where base64 ends: at a line that cannot belong to it, behind its padding or a blank line.
fn base64_end(content: &[u8]) -> usize {
    let (mut at, mut may_end) = (0, false);
    let mut end = None;
    for line in content.split_inclusive(|octet| *octet == b'\n') {
        let word = line.trim_ascii();
        if word.is_empty() {
            end = end.or(Some(at));
            may_end = true;
        } else {
            let is_digits = word.iter().all(|octet| is_digit(*octet) || *octet == b'=');
            if may_end && (!is_digits || word.len() % 4 != 0) {
                return end.unwrap_or(at);
            }
            end = None;
            may_end = word.ends_with(b"=");
        }
        at += line.len();
    }
    content.len()
}

fn is_digit(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/')
}

/// Decodes base64. What is none of its digits is passed over (`RFC 2045 §6.8`); padding ends a group, and
/// more may follow.
pub fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.split(|octet| *octet == b'=') {
        let mut digits: Vec<u8> = group.iter().copied().filter(|octet| is_digit(*octet)).collect();
        // A single digit over is less than an octet.
        if digits.len() % 4 == 1 {
            digits.pop();
        }
        // Digits alone always decode.
        out.extend(LENIENT.decode(&digits).unwrap_or_default());
    }
    out
}

/// Decodes quoted-printable, line by line: white space at the end of a line is none of it (`RFC 2045 §6.7`),
/// a line end stays what it was.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        let word = line.trim_ascii_end();
        match word.strip_suffix(b"=") {
            Some(soft) => out.extend(escapes(soft, b'=')),
            _ => {
                out.extend(escapes(word, b'='));
                let end = if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n")) };
                out.extend_from_slice(&line[line.len() - end..]);
            }
        }
    }
    out
}

/// Decodes `=XX` or `%XX`; a mark that stands for nothing stands for itself.
pub fn escapes(text: &[u8], mark: u8) -> Vec<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [octet, after @ ..] = rest {
        let escaped = match after {
            [high, low, ..] if *octet == mark => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = &after[2..];
            }
            None => {
                out.push(*octet);
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn decodes(label: &str, content: &str, want: &str) {
        let got = Encoding::of(label.as_bytes()).decode(content.as_bytes(), true).into_owned();
        assert_eq!(String::from_utf8_lossy(&got), want, "{label} {content:?}");
    }

    #[test]
    fn an_encoding_is_known_by_its_name_whatever_is_around_it() {
        for label in ["base64", " BASE64 (x)", "\"base64\"", "base64;", "'Base64'"] {
            decodes(label, "SGVsbG8=", "Hello");
        }
        for label in ["7bit", "", "x-unknown", "base65", "()"] {
            decodes(label, "SGVsbG8=", "SGVsbG8=");
        }
    }

    #[test]
    fn base64_is_read_as_far_as_it_goes() {
        for (content, want) in [
            ("SGVs\nbG8=\n", "Hello"),
            ("SGVsbG8", "Hello"),
            ("SGVsbG8=SGVsbG8=", "HelloHello"),
            ("SGVsbG8=\nSGVsbG8=\n", "HelloHello"),
            ("SG Vs-bG8!=", "Hello"),
            ("SGVsb", "Hel"),
            ("", ""),
            ("SGVsbG8=\n\n-- \nlist footer\n", "Hello\n-- \nlist footer\n"),
        ] {
            decodes("base64", content, want);
        }
        let file = Encoding::Base64.decode(b"SGVsbG8=\n\n-- \nlist footer\n", false);
        assert_eq!(&file[..], b"Hello");
    }

    #[test]
    fn quoted_printable_is_read_and_its_faults_stay_as_they_are() {
        for (content, want) in [
            ("a=\nb", "ab"),
            ("a=  \r\nb\r\n", "ab\r\n"),
            ("a  \nb \t", "a\nb"),
            ("=41=4a=4A", "AJJ"),
            ("=", ""),
            ("=4", "=4"),
            ("a=ZZ b==41", "a=ZZ b=A"),
            ("a=20\nb\r\n", "a \nb\r\n"),
        ] {
            decodes("quoted-printable", content, want);
        }
    }
}
