//! The texts of a message: the text body and the HTML. A text that is not UTF-8 is sent all the same, octet for
//! octet: mail that reports a failure must not fail because a log has an old file name in it. Its charset is the
//! given one, else `unknown-8bit` (`RFC 1428 §3`): a wrong guess could not be undone.

use crate::mail::params;
use crate::mail::unlabelled::UNKNOWN;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use mail_builder::mime::MimePart;

/// Octets of a text in one line of base64 (76 characters, `RFC 2045 §6.8`).
const LINE: usize = 57;
/// The longest name of a charset (`RFC 2978 §2.3`).
const MAX_NAME: usize = 40;
/// HTML declares its charset within so many octets (WHATWG HTML §4.2.5.4).
const DECLARATION: usize = 1024;

/// The name of a charset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charset(String);

impl Charset {
    /// Reads a name: `1*mime-charset-chars` (`RFC 2978 §2.3`).
    pub fn parse(name: &str) -> Result<Charset, String> {
        let fine = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'+-^_`{}~".contains(&octet);
        match !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(fine) {
            true => Ok(Charset(name.to_owned())),
            false => Err("it is not the name of a charset, such as iso-8859-1".into()),
        }
    }

    /// The charset that HTML declares in a `meta` element.
    fn declared(html: &[u8]) -> Option<Charset> {
        let start = String::from_utf8_lossy(&html[..html.len().min(DECLARATION)]).to_ascii_lowercase();
        let rest = &start[start.find("<meta")?..];
        let rest = rest[rest.find("charset")? + "charset".len()..].trim_start();
        let value = rest.strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
        let end = value.find(|c: char| c.is_whitespace() || "\"'>;/".contains(c))?;
        Charset::parse(&value[..end]).ok()
    }

    /// Whether text in this charset has only ASCII octets, so that it looks like ASCII.
    fn is_seven_bit(&self) -> bool {
        let name = self.0.to_ascii_lowercase();
        name.starts_with("iso-2022-") || name == "hz-gb-2312" || name == "utf-7"
    }

    /// The two forms of UTF-16, which is not allowed for text in mail (`RFC 2781 §4`).
    fn utf_16(&self) -> Option<&'static Encoding> {
        match self.0.to_ascii_lowercase().as_str() {
            "utf-16" | "utf-16le" => Some(UTF_16LE),
            "utf-16be" => Some(UTF_16BE),
            _ => None,
        }
    }
}

/// A text, ready to be written into the message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TextBody {
    /// UTF-8, with LF line ends.
    Text(String),
    /// Anything else, or a text with a NUL; with CRLF line ends.
    Octets { octets: Vec<u8>, charset: String },
}

impl TextBody {
    /// Reads a text. Every CR, LF and CRLF ends a line.
    pub fn of_text(octets: Vec<u8>, charset: Option<&Charset>) -> TextBody {
        // UTF-16 is known by the mark at its start, or because the charset is given.
        let marked = Encoding::for_bom(&octets).map(|(encoding, _)| encoding);
        let wide = marked.filter(|found| [UTF_16LE, UTF_16BE].contains(found));
        if let Some(encoding) = wide.or_else(|| charset.and_then(Charset::utf_16)) {
            let (text, _, _) = encoding.decode(&octets);
            return TextBody::of_utf8(text.into_owned());
        }
        if let Some(charset) = charset.filter(|charset| charset.is_seven_bit() && octets.is_ascii()) {
            return TextBody::Octets { octets: lines(&octets, b"\r\n"), charset: charset.0.clone() };
        }
        match String::from_utf8(octets) {
            Ok(text) => TextBody::of_utf8(text),
            Err(error) => TextBody::Octets {
                octets: lines(error.as_bytes(), b"\r\n"),
                charset: charset.map_or(UNKNOWN, |charset| &charset.0).to_owned(),
            },
        }
    }

    /// Reads HTML; if no charset is given, it may declare one.
    pub fn of_html(octets: Vec<u8>, charset: Option<&Charset>) -> TextBody {
        let declared = if charset.is_none() { Charset::declared(&octets) } else { None };
        let is_strange = std::str::from_utf8(&octets).is_err() || octets.contains(&b'\x1b');
        TextBody::of_text(octets, charset.or(declared.as_ref().filter(|_| is_strange)))
    }

    fn of_utf8(text: String) -> TextBody {
        if text.contains('\0') {
            return TextBody::Octets { octets: lines(text.as_bytes(), b"\r\n"), charset: "utf-8".into() };
        }
        match text.contains('\r') {
            true => TextBody::Text(text.replace("\r\n", "\n").replace('\r', "\n")),
            false => TextBody::Text(text),
        }
    }

    /// Its text, as far as the charset is known.
    pub fn to_utf8(&self) -> String {
        match self {
            TextBody::Text(text) => text.clone(),
            TextBody::Octets { octets, charset } => match Encoding::for_label(charset.as_bytes()) {
                Some(encoding) => encoding.decode(octets).0.into_owned(),
                None => String::from_utf8_lossy(octets).into_owned(),
            },
        }
    }

    /// The MIME part of type `text/KIND`, header and content. A last line without a line end gets one.
    pub fn written(self, kind: &str) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            TextBody::Text(mut text) => {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                MimePart::new(format!("text/{kind}"), text.as_str()).write_part(&mut out);
                if is_base64(&out) {
                    // mail-builder left the line ends as they are, but they must be CRLF (RFC 2045 §6.8).
                    out = in_base64(kind, &lines(text.as_bytes(), b"\r\n"), "utf-8");
                }
                out
            }
            TextBody::Octets { mut octets, charset } => {
                if !octets.ends_with(b"\n") {
                    octets.extend_from_slice(b"\r\n");
                }
                in_base64(kind, &octets, &charset)
            }
        }
    }
}

/// Whether a part is written in base64: its header says so.
fn is_base64(part: &[u8]) -> bool {
    let header = memchr::memmem::find(part, b"\r\n\r\n").map_or(part, |end| &part[..end]);
    header.ends_with(b"Content-Transfer-Encoding: base64")
}

/// A text as a part in base64.
fn in_base64(kind: &str, octets: &[u8], charset: &str) -> Vec<u8> {
    let mut out = params::field(b"Content-Type", &format!("text/{kind}"), &[("charset", charset)]);
    out.reserve(octets.len() / LINE * (LINE / 3 * 4 + 2) + 128);
    out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
    let mut line = String::new();
    for piece in octets.chunks(LINE) {
        line.clear();
        STANDARD.encode_string(piece, &mut line);
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Replaces every CR, LF and CRLF by `end`.
fn lines(octets: &[u8], end: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + octets.len() / 32);
    let mut rest = octets;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(end);
        rest = rest[at..].strip_prefix(b"\r\n").unwrap_or(&rest[at + 1..]);
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charset(name: &str) -> Charset {
        Charset::parse(name).unwrap()
    }

    fn octets(octets: &[u8], charset: &str) -> TextBody {
        TextBody::Octets { octets: octets.to_vec(), charset: charset.into() }
    }

    #[test]
    fn a_last_line_without_an_end_gets_one_and_nothing_stays_nothing() {
        for (given, wanted) in
            [("a", "a\r\n"), ("a\n", "a\r\n"), ("a\r", "a\r\n"), ("a\r\nb", "a\r\nb\r\n"), ("", "")]
        {
            let part = String::from_utf8(TextBody::of_text(given.into(), None).written("plain")).unwrap();
            assert_eq!(part.split_once("\r\n\r\n").unwrap().1, wanted, "{given:?}");
        }
    }

    #[test]
    fn lines_end_in_crlf_within_base64_too() {
        for kind in ["plain", "html"] {
            let text = "\u{43f}\u{440}\u{438}\n\u{432}\u{435}\u{442}\n".repeat(9);
            let part = String::from_utf8(TextBody::of_text(text.clone().into(), None).written(kind)).unwrap();
            let (header, content) = part.split_once("\r\n\r\n").unwrap();
            assert_eq!(
                header,
                format!("Content-Type: text/{kind}; charset=\"utf-8\"\r\nContent-Transfer-Encoding: base64")
            );
            assert!(content.lines().all(|line| line.len() <= 76));
            let decoded = STANDARD.decode(content.replace("\r\n", "")).unwrap();
            assert_eq!(String::from_utf8(decoded).unwrap(), text.replace('\n', "\r\n"));
        }
    }

    #[test]
    fn a_name_of_a_charset_can_add_nothing_to_a_field() {
        for good in ["iso-8859-1", "windows-1252", "Shift_JIS", "cp850", "ISO_8859-1:1987"] {
            assert_eq!(Charset::parse(good).is_ok(), !good.contains(':'), "{good}");
        }
        for bad in ["", "a b", "a;b", "a\"b", "a\r\nBcc: x", "\u{e4}", "a=b", &"x".repeat(41)] {
            assert!(Charset::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_text_is_what_it_was_in_the_charset_that_is_known() {
        let latin = charset("iso-8859-1");
        for (given, named, want) in [
            (&b"a\r\nb\rc\n\r\n"[..], None, TextBody::Text("a\nb\nc\n\n".into())),
            ("\u{e4}".as_bytes(), Some(&latin), TextBody::Text("\u{e4}".into())),
            (b"caf\xe9\nx\r\ry", None, octets(b"caf\xe9\r\nx\r\n\r\ny", "unknown-8bit")),
            (b"caf\xe9", Some(&latin), octets(b"caf\xe9", "iso-8859-1")),
            (b"a\0b\n", None, octets(b"a\0b\r\n", "utf-8")),
            (b"a\0\xff\n", None, octets(b"a\0\xff\r\n", "unknown-8bit")),
            (b"\xff\xfea\0\n\0\xac\x20", None, TextBody::Text("a\n\u{20ac}".into())),
            (b"\xfe\xff\0a\0\r\0\n", None, TextBody::Text("a\n".into())),
            (b"\0a", Some(&charset("UTF-16BE")), TextBody::Text("a".into())),
            (
                b"\x1b$B$\"\x1b(B\n",
                Some(&charset("ISO-2022-JP")),
                octets(b"\x1b$B$\"\x1b(B\r\n", "ISO-2022-JP"),
            ),
            (b"", None, TextBody::Text(String::new())),
        ] {
            assert_eq!(TextBody::of_text(given.to_vec(), named), want, "{given:?} {named:?}");
        }
    }

    #[test]
    fn html_may_name_its_own_charset() {
        for (html, name) in [
            ("<meta charset=windows-1252>\u{e9}", "windows-1252"),
            ("<META http-equiv=x content=\"text/html; charset=ISO-8859-15\">\u{e9}", "iso-8859-15"),
            ("<meta charset='a b'>\u{e9}", "a"),
            ("<meta charset=\u{e9}>", "unknown-8bit"),
            ("charset=cp850 \u{e9}", "unknown-8bit"),
        ] {
            let latin: Vec<u8> = html.chars().map(|c| c as u8).collect();
            assert_eq!(TextBody::of_html(latin.clone(), None), octets(&latin, name), "{html}");
            let own = charset("koi8-r");
            assert_eq!(TextBody::of_html(latin.clone(), Some(&own)), octets(&latin, "koi8-r"), "{html}");
        }
        let fine = "<meta charset=iso-8859-1>\u{e9}";
        assert_eq!(
            TextBody::of_html(fine.into(), None),
            TextBody::Text(fine.into()),
            "it is UTF-8, whatever it says"
        );
        let windows = octets(b"caf\xe9 \x80", "windows-1252");
        assert_eq!(windows.to_utf8(), "caf\u{e9} \u{20ac}");
        assert_eq!(octets(b"caf\xe9", "unknown-8bit").to_utf8(), "caf\u{fffd}");
    }
}
