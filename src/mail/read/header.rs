//! Reads a header leniently, as mail readers do (`RFC 5322 §2.2`, §4.5).

/// The most octets of a header; the rest is ignored.
pub const MAX_HEADER: usize = 256 * 1024;

/// The most fields of a header; the rest is ignored.
const MAX_FIELDS: usize = 20_000;

/// The fields of a header, as they were written.
#[derive(Debug, Default)]
pub struct Header<'a> {
    fields: Vec<RawField<'a>>,
    /// How many octets it has, including the blank line.
    pub len: usize,
    /// Whether the last field was kept, so that folded lines belong to it.
    is_open: bool,
}

#[derive(Debug)]
struct RawField<'a> {
    name: &'a [u8],
    value: &'a [u8],
    /// The offset of the value.
    at: usize,
}

impl<'a> Header<'a> {
    /// Reads the header at the start of `message`.
    ///
    /// Skipped: an mbox From_ line and blank lines before the first field, and lines between fields that are not
    /// fields. If no field follows such a line, it begins the body.
    pub fn of(message: &'a [u8]) -> Self {
        let mut header = Header::default();
        let mut stray = None;
        let mut start = 0;
        while start < message.len() {
            let end = memchr::memchr(b'\n', &message[start..]).map_or(message.len(), |at| start + at + 1);
            let line = &message[start..end];
            if matches!(line, b"\n" | b"\r\n") {
                header.len = stray.unwrap_or(end);
                return header;
            }
            let is_first = header.fields.is_empty() && stray.is_none();
            let is_folded = matches!(line[0], b' ' | b'\t');
            if is_first && (line.trim_ascii().is_empty() || is_from_line(line)) {
                // Skipped.
            } else if is_folded && stray.is_none() && !header.fields.is_empty() {
                header.continue_field(message, end);
            } else if let Some(colon) = (!is_folded).then(|| colon(line)).flatten() {
                stray = None;
                header.begin_field(message, start, start + colon, end);
            } else {
                stray.get_or_insert(start);
            }
            start = end;
        }
        header.len = stray.unwrap_or(message.len());
        header
    }

    fn begin_field(&mut self, message: &'a [u8], start: usize, colon: usize, end: usize) {
        if colon < MAX_HEADER && self.fields.len() < MAX_FIELDS {
            let (name, at) = (message[start..colon].trim_ascii_end(), colon + 1);
            self.fields.push(RawField { name, value: &message[at..end.min(MAX_HEADER).max(at)], at });
            self.is_open = true;
        } else {
            self.is_open = false;
        }
    }

    /// Extends the last field up to `end`.
    fn continue_field(&mut self, message: &'a [u8], end: usize) {
        if let Some(field) = self.fields.last_mut().filter(|_| self.is_open) {
            field.value = &message[field.at..end.min(MAX_HEADER).max(field.at)];
        }
    }

    /// The value of the first field of that name.
    pub fn first(&self, name: &str) -> Option<&'a [u8]> {
        let field = self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()));
        field.map(|field| field.value)
    }
}

/// The offset of the colon, if the line begins a field: `field-name = 1*ftext`, obsolete white space before the
/// colon.
fn colon(line: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(colon)
}

/// The field name at the start of a line.
pub fn name(line: &[u8]) -> Option<&[u8]> {
    colon(line).map(|colon| line[..colon].trim_ascii_end())
}

/// Whether this is the line before a message in an mbox, quoted or not.
pub fn is_from_line(line: &[u8]) -> bool {
    line.strip_prefix(b">").unwrap_or(line).starts_with(b"From ")
}

/// A value without the line ends of its folds (`RFC 5322 §2.2.3`).
pub fn joined(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect()
}

/// A value unfolded; tabs become spaces, white space at both ends is removed.
pub fn unfolded(value: &[u8]) -> Vec<u8> {
    let mut line = joined(value);
    line.iter_mut().filter(|octet| **octet == b'\t').for_each(|octet| *octet = b' ');
    line.trim_ascii().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(message: &str, fields: &[(&str, &str)], body: &str) {
        let header = Header::of(message.as_bytes());
        let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
        let got: Vec<(String, String)> =
            header.fields.iter().map(|field| (text(field.name), text(&unfolded(field.value)))).collect();
        let want: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!((got, &message[header.len..]), (want, body), "{message:?}");
    }

    #[test]
    fn a_header_ends_where_readers_of_mail_see_its_end() {
        let ab = [("A", "1"), ("B", "2")];
        reads("A: 1\nB: 2\n\nbody", &ab, "body");
        reads("A: 1\r\nB:2\r\n\r\nbody", &ab, "body");
        reads("A: 1\nB : 2", &ab, "");
        reads("\nA: 1\n", &[], "A: 1\n");
        reads("A: 1\nB: 2\nplain words\nmore\n\nlast", &ab, "plain words\nmore\n\nlast");
        reads("plain words", &[], "plain words");
        reads("", &[], "");
    }

    #[test]
    fn what_is_no_field_hides_none() {
        let ab = [("A", "1"), ("B", "2")];
        for head in ["          \n", " \t\r\n \n", "From a@x Mon Sep  1\n", ">From a@x\n", " \nFrom a@x\n"] {
            reads(&format!("{head}A: 1\nB: 2\n\nbody"), &ab, "body");
        }
        reads("A: 1\nno field\n folded: stray\nB: 2\n\nbody", &ab, "body");
        reads("A: 1\n \n\t\nB: 2\n\nbody", &ab, "body");
        reads("A: 1\n\t2\n  3\n", &[("A", "1 2  3")], "");
    }

    #[test]
    fn of_several_fields_the_first_counts_whatever_the_case() {
        let header = Header::of(b"SUBJECT: 1\nSubject: 2\n\n");
        assert_eq!(header.first("subject"), Some(&b" 1\n"[..]));
        assert_eq!(header.first("from"), None);
    }

    #[test]
    fn a_header_is_looked_at_up_to_a_bound_and_ends_where_it_ends() {
        let long = format!("A: {}\nB: 2\n\nbody", "x\n ".repeat(MAX_HEADER));
        let header = Header::of(long.as_bytes());
        assert!(header.first("a").unwrap().len() < MAX_HEADER && header.first("b").is_none());
        assert_eq!(&long[header.len..], "body");
        let many = format!("{}\nbody", "a:\n \n".repeat(500_000));
        let header = Header::of(many.as_bytes());
        assert_eq!((header.fields.len(), &many[header.len..]), (MAX_FIELDS, "body"));
    }
}
