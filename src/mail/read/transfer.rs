//! Decodes transfer encodings (`RFC 2045 §6`) leniently.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;

/// Base64 with or without padding, and with any trailing bits.
pub(super) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// None, or an unknown one.
    #[default]
    Identity,
    Base64,
    /// Quoted-printable.
    Quoted,
    /// Written by Unix mailers before MIME.
    Uuencode,
}

impl Encoding {
    /// Reads the value of Content-Transfer-Encoding, also with comments or quotes around it.
    pub fn of(value: &[u8]) -> Self {
        let is_token = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
        let start = value.iter().position(is_token).unwrap_or(value.len());
        let token: Vec<u8> = value[start..].iter().copied().take_while(is_token).collect();
        match token.to_ascii_lowercase().as_slice() {
            b"base64" => Encoding::Base64,
            b"quoted-printable" => Encoding::Quoted,
            b"x-uuencode" | b"uuencode" | b"x-uue" | b"uue" => Encoding::Uuencode,
            _ => Encoding::Identity,
        }
    }

    /// Decodes content. For a text it includes lines that a list server added after the end of the base64.
    pub fn decode(self, content: &[u8], is_text: bool) -> Cow<'_, [u8]> {
        match self {
            Encoding::Identity => Cow::Borrowed(content),
            Encoding::Quoted => Cow::Owned(quoted(content)),
            Encoding::Uuencode => uuencoded(content).map_or(Cow::Borrowed(content), Cow::Owned),
            // The label is wrong: the text is not base64.
            Encoding::Base64 if is_text && !begins_as_base64(content) => Cow::Borrowed(content),
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

/// Whether the first line that is not blank could be base64.
fn begins_as_base64(content: &[u8]) -> bool {
    let line = content.trim_ascii_start().split(|octet| *octet == b'\n').next().unwrap_or_default();
    let digits = match memchr::memchr(b'=', line) {
        Some(padding) => &line[..padding],
        None => line,
    };
    digits.iter().all(|octet| is_digit(*octet) || octet.is_ascii_whitespace())
}

/// Where base64 ends: at the first line after padding or a blank line that cannot belong to it.
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
            if !is_digits && let Some(padded) = padded_len(line) {
                return at + padded;
            }
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

/// How much of a line is base64, if other text follows its padding.
fn padded_len(line: &[u8]) -> Option<usize> {
    let first = memchr::memchr(b'=', line)?;
    let end = first + line[first..].iter().take_while(|octet| **octet == b'=').count();
    let is_digits = line[..first].iter().all(|octet| is_digit(*octet));
    (is_digits && line.get(end).is_some_and(u8::is_ascii_whitespace)).then_some(end)
}

/// Decodes the file between `begin` and `end`; `None` if there is none.
fn uuencoded(content: &[u8]) -> Option<Vec<u8>> {
    let mut lines = content.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii_end);
    lines.find(|line| line.starts_with(b"begin "))?;
    let mut out = Vec::new();
    for line in lines {
        let Some((count, digits)) = line.split_first().filter(|_| line != b"end") else { break };
        let value = |at: usize| digits.get(at).map_or(0, |digit| digit.wrapping_sub(b' ') & 0x3f);
        let count = usize::from(count.wrapping_sub(b' ') & 0x3f);
        let groups = (0..count.div_ceil(3)).flat_map(|group| {
            let [a, b, c, d] = [0, 1, 2, 3].map(|at| value(4 * group + at));
            [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]
        });
        out.extend(groups.take(count));
    }
    Some(out)
}

fn is_digit(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/')
}

/// Decodes base64. Octets outside its alphabet are skipped (`RFC 2045 §6.8`); more may follow after padding.
pub fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.split(|octet| *octet == b'=') {
        let mut digits: Vec<u8> = group.iter().copied().filter(|octet| is_digit(*octet)).collect();
        // A single digit left over is less than an octet.
        if digits.len() % 4 == 1 {
            digits.pop();
        }
        // Cannot fail: there are only digits.
        out.extend(LENIENT.decode(&digits).unwrap_or_default());
    }
    out
}

/// Decodes quoted-printable. White space at the end of a line is removed (`RFC 2045 §6.7`), line ends stay.
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

/// Decodes `=XX` or `%XX`; a mark without two hexadecimal digits stays.
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
            ("SG VsbG8=", "Hello"),
            ("SGVs\nb-G8!=", "Hello"),
            ("SGVsbG8= ignored\n", "Hello ignored\n"),
            ("?garbage", "?garbage"),
            ("Dear all,\nSGVsbG8=", "Dear all,\nSGVsbG8="),
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
    fn uuencoded_files_are_read() {
        let file = "x\nbegin 644 a.txt\n%2&5L;&\\\n`\nend\nbehind";
        for label in ["x-uuencode", "uuencode", "x-uue"] {
            decodes(label, file, "Hello");
            decodes(label, &file.replace('\n', "\r\n"), "Hello");
        }
        decodes("x-uuencode", "begin 644 a\n%2&5", "He@\0\0");
        decodes("x-uuencode", "no file", "no file");
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
