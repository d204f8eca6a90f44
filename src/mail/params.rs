//! Reads and writes the parameters of Content-Type and Content-Disposition (`RFC 2045 §5.1`, `RFC 2231`).

use super::encoded::{FoldingWriter, encoded_words, units};
use super::unlabelled::Unlabelled;

/// The most octets of a piece, if a value is cut into pieces (`RFC 2231 §3`).
const MAX_PIECE: usize = 60;
/// The most octets of a value that is not cut: more readers understand a long line than pieces.
const MAX_PLAIN: usize = 200;

/// A value with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    /// The part before the first semicolon, in lower case.
    pub essence: String,
    /// Names in lower case, and values, unquoted.
    pub list: Vec<(String, String)>,
}

impl Parameters {
    /// Reads an unfolded value. Comments and what is not a parameter are skipped.
    pub fn parse(value: &str) -> Self {
        let mut pieces = pieces(value).into_iter();
        let essence = pieces.next().unwrap_or_default().trim().to_lowercase();
        let list = pieces.filter_map(|piece| {
            let (name, value) = piece.split_once('=')?;
            let name = name.trim().to_lowercase();
            (!name.is_empty()).then(|| (name, unquoted(value.trim())))
        });
        Parameters { essence, list: list.collect() }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// The pieces between semicolons (not those in quotes or comments), without comments.
fn pieces(value: &str) -> Vec<String> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let (mut quoted, mut escaped, mut depth) = (false, false, 0usize);
    for c in value.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted || depth > 0 => escaped = true,
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if depth > 0 => {
                depth -= 1;
                continue;
            }
            ';' if !quoted && depth == 0 => {
                pieces.push(std::mem::take(&mut piece));
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            piece.push(c);
        }
    }
    pieces.push(piece);
    pieces
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '"' => break,
            c => out.push(c),
        }
    }
    out
}

/// Writes a field again in ASCII, with another value for the parameter `other`. `None` if something besides a
/// value is not ASCII.
pub(super) fn rewrite(name: &[u8], value: &[u8], other: Option<(&str, &str)>) -> Option<Vec<u8>> {
    let text = Unlabelled::of(value);
    let mut found = Parameters::parse(text.as_str());
    for (name, value) in &mut found.list {
        if let Some((_, new)) = other.filter(|(changed, _)| changed == name) {
            new.clone_into(value);
        }
    }
    if !found.essence.is_ascii() || found.list.iter().any(|(name, _)| !is_token(name.as_bytes())) {
        return None;
    }
    let mut folder = FoldingWriter::new(name);
    folder.word(b" ", found.essence.as_bytes());
    for (name, value) in &found.list {
        for one in written(name, value, &text) {
            folder.append(b";");
            folder.word(b" ", one.as_bytes());
        }
    }
    Some(folder.finish())
}

/// A field with UTF-8 parameters.
pub(super) fn field(name: &[u8], essence: &str, list: &[(&str, &str)]) -> Vec<u8> {
    let list: Vec<(&str, Unlabelled)> =
        list.iter().map(|(name, value)| (*name, Unlabelled::of(value.as_bytes()))).collect();
    field_of(name, essence, list.iter().map(|(name, value)| (*name, value)))
}

/// The same with any octets: what is not UTF-8 is labelled as an unknown charset.
pub(super) fn field_of<'a>(
    name: &[u8],
    essence: &str,
    list: impl IntoIterator<Item = (&'a str, &'a Unlabelled)>,
) -> Vec<u8> {
    let mut folder = FoldingWriter::new(name);
    folder.word(b" ", essence.as_bytes());
    for (name, text) in list {
        let value = text.as_str();
        let plain = is_plain(value).then(|| format!("{name}=\"{value}\""));
        for one in plain.map_or_else(|| extended(name, value, text), |plain| vec![plain]) {
            folder.append(b";");
            folder.word(b" ", one.as_bytes());
        }
    }
    folder.finish()
}

/// A field whose `name` is written as encoded words if it is not plain. `RFC 2047 §5` forbids that, but readers
/// that do not know `RFC 2231` understand it.
pub(super) fn field_with_name(name: &[u8], essence: &str, value: Option<&str>) -> Vec<u8> {
    let value = match value {
        Some(value) if !is_plain(value) => value,
        Some(value) => return field(name, essence, &[("name", value)]),
        None => return field(name, essence, &[]),
    };
    let mut folder = FoldingWriter::new(name);
    folder.word(b" ", essence.as_bytes());
    folder.append(b";");
    let words = encoded_words(value.as_bytes(), "utf-8", 65);
    for (number, word) in words.iter().enumerate() {
        let (first, last) = (number == 0, number + 1 == words.len());
        let (open, close) = (if first { "name=\"" } else { "" }, if last { "\"" } else { "" });
        folder.word(b" ", format!("{open}{word}{close}").as_bytes());
    }
    folder.finish()
}

/// Whether every reader understands the value in quotes. (Some read a quoted pair as two characters.)
fn is_plain(value: &str) -> bool {
    let plain = |octet: u8| (octet.is_ascii_graphic() || octet == b' ') && !matches!(octet, b'"' | b'\\');
    value.len() <= MAX_PLAIN && value.bytes().all(plain) && !value.contains("=?")
}

fn is_token(octets: &[u8]) -> bool {
    let special = b"()<>@,;:\\\"/[]?=";
    octets.iter().all(|octet| octet.is_ascii_graphic() && !special.contains(octet))
}

/// A parameter: as it was if it is short and ASCII, else in the form of `RFC 2231`.
fn written(name: &str, value: &str, text: &Unlabelled) -> Vec<String> {
    let is_printable = value.bytes().all(|octet| octet.is_ascii_graphic() || octet == b' ');
    if is_printable && value.len() <= MAX_PLAIN {
        return vec![match is_token(value.as_bytes()) && !value.is_empty() {
            true => format!("{name}={value}"),
            false => format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        }];
    }
    extended(name, value, text)
}

/// A parameter with its charset, in pieces if it is long (`RFC 2231 §3`, §4).
fn extended(name: &str, value: &str, text: &Unlabelled) -> Vec<String> {
    // The name says how the value is encoded: both stay.
    if name.contains('*') {
        return vec![format!(
            "{name}={}",
            text.octets(value).iter().map(|octet| percent(*octet)).collect::<String>()
        )];
    }
    let mut pieces = vec![format!("{}''", text.charset())];
    // Some readers decode every piece by itself, so none may split a character.
    for unit in units(&text.octets(value)) {
        let unit: String = unit.iter().map(|octet| percent(*octet)).collect();
        match pieces.last_mut() {
            Some(piece) if piece.len() + unit.len() <= MAX_PIECE => piece.push_str(&unit),
            _ => pieces.push(unit),
        }
    }
    match pieces.as_slice() {
        [one] => vec![format!("{name}*={one}")],
        several => several.iter().enumerate().map(|(at, piece)| format!("{name}*{at}*={piece}")).collect(),
    }
}

/// An octet as `attribute-char`, else as `%XX` (`RFC 2231 §7`).
fn percent(octet: u8) -> String {
    if octet.is_ascii_graphic() && !b"*'%()<>@,;:\\\"/[]?=".contains(&octet) {
        return char::from(octet).to_string();
    }
    format!("%{octet:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::{MessageParser, MimeHeaders as _};

    #[test]
    fn parameters_are_read_quoted_or_not() {
        let found =
            Parameters::parse(" Text/Plain (a;b) ; charset=\"utf-8\"; NAME = \"a\\\"b;c\";x; format=flowed");
        assert_eq!(found.essence, "text/plain");
        let want = [("charset", "utf-8"), ("name", "a\"b;c"), ("format", "flowed")];
        assert_eq!(found.list, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(Parameters::parse("").essence, "");
        assert_eq!(Parameters::parse("a/b; boundary=\"open").get("boundary"), Some("open"));
    }

    #[test]
    fn names_beyond_ascii_are_written_in_rfc_2231() {
        for name in ["\u{e4}.txt", &"\u{8a9e}".repeat(60), &"x".repeat(300), "a \"b\" \\ c.pdf"] {
            let value = format!(
                " attachment; filename=\"{}\"; size=7",
                name.replace('\\', "\\\\").replace('"', "\\\"")
            );
            let field = rewrite(b"Content-Disposition", value.as_bytes(), None).unwrap();
            assert!(
                field.is_ascii() && field.split(|o| *o == b'\n').all(|line| line.len() < 79),
                "{field:?}"
            );
            let message = [&field[..], b"\r\nx"].concat();
            let parsed = MessageParser::default().parse(&message).unwrap();
            assert_eq!(parsed.attachment_name(), Some(name));
        }
        let unknown = rewrite(b"Content-Type", b" text/plain; name=\"\xe4.txt\"", None).unwrap();
        assert_eq!(unknown, b"Content-Type: text/plain; name*=unknown-8bit''%E4.txt\r\n");
        assert_eq!(rewrite(b"Content-Type", b" text/\xe4; x=y", None), None);
    }
}
