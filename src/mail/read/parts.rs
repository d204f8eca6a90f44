//! Finds the parts of a message (`RFC 2046 §5.1`) in one pass over its lines, without recursion.
//!
//! Only multiparts are entered, down to a depth of [`MAX_DEPTH`]; an enclosed message is a part like any other.
//! A delimiter is a line of its own, and the line end before it belongs to it. A missing boundary, last delimiter
//! or blank line is tolerated.

use super::header::{Header, unfolded};
use super::params::ReadParameters;
use super::transfer::Encoding;

/// How deep multiparts are entered; a deeper one is a single part.
pub const MAX_DEPTH: usize = 100;
/// The most parts of a message; the rest is ignored.
pub const MAX_PARTS: usize = 10_000;

/// A part that is not a multipart.
#[derive(Debug)]
pub struct LeafPart<'a> {
    pub header: Header<'a>,
    /// Its Content-Type.
    pub kind: ReadParameters,
    /// The media type, in lower case; the default if there is none, or a bad one.
    pub media_type: String,
    pub encoding: Encoding,
    /// Not decoded yet.
    pub content: &'a [u8],
}

/// An open multipart.
struct OpenMultipart {
    boundary: Vec<u8>,
    /// The media type of parts without one.
    default: &'static str,
    /// Its content as a single part, in case no delimiter comes.
    whole: Option<Open>,
}

/// A part whose header was read.
struct Open {
    header: usize,
    content: usize,
}

/// What the next line belongs to.
enum PartState {
    /// A header, and its offset.
    Header(usize),
    /// The content of a leaf.
    Content(Open),
    /// No part: before the first delimiter of a multipart, or after its last.
    Between,
}

/// Finds the leaves of a message; `false` if not all of them were read.
pub fn leaves<'a>(message: &'a [u8], found: &mut dyn FnMut(LeafPart<'a>)) -> bool {
    let (frames, state) = (Vec::new(), PartState::Header(0));
    let mut walk = PartWalk { message, frames, state, looked_at: None, count: 0, is_whole: true, found };
    walk.run();
    walk.is_whole
}

struct PartWalk<'a, 'f> {
    message: &'a [u8],
    frames: Vec<OpenMultipart>,
    state: PartState,
    /// The header that was already searched for a delimiter of its own; each is searched once.
    looked_at: Option<usize>,
    count: usize,
    is_whole: bool,
    found: &'f mut dyn FnMut(LeafPart<'a>),
}

impl<'a> PartWalk<'a, '_> {
    fn run(&mut self) {
        let message = self.message;
        let mut start = 0;
        while start < message.len() && self.count <= MAX_PARTS {
            let end = memchr::memchr(b'\n', &message[start..]).map_or(message.len(), |at| start + at + 1);
            let line = &message[start..end];
            self.end_header_without_blank(line, start);
            if let Some((depth, is_last)) = self.delimiter(line) {
                self.close(depth, start);
                if is_last {
                    self.frames.truncate(depth);
                    self.state = PartState::Between;
                } else {
                    self.state = PartState::Header(end);
                }
            } else if let PartState::Header(begin) = self.state
                && matches!(line, b"\n" | b"\r\n")
            {
                self.enter(begin, end);
            } else if let PartState::Between = self.state
                && self.frames.is_empty()
            {
                // The epilogue of the outermost multipart: no part can follow.
                return;
            }
            start = end;
        }
        let end = message.len();
        if start < end {
            self.is_whole = false;
        }
        self.end_part(end);
        self.close(0, end);
    }

    /// Ends a header that has no blank line (or one with spaces in it) before the delimiter that it announces.
    fn end_header_without_blank(&mut self, line: &[u8], start: usize) {
        let PartState::Header(begin) = self.state else { return };
        let Some(rest) = line.strip_prefix(b"--").filter(|_| self.looked_at != Some(begin)) else { return };
        self.looked_at = Some(begin);
        let header = Header::of(&self.message[begin..start]);
        let kind = ReadParameters::of(&unfolded(header.first("content-type").unwrap_or_default()));
        if kind.essence.starts_with("multipart/")
            && boundary_of(&kind).is_some_and(|boundary| rest.trim_ascii_end() == boundary)
        {
            self.enter(begin, start);
        }
    }

    /// If the line is a delimiter: the depth of its multipart (the innermost that fits), and whether it is the last.
    fn delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        let rest = line.strip_prefix(b"--")?;
        self.frames.iter().enumerate().rev().find_map(|(depth, frame)| {
            let after = rest.strip_prefix(frame.boundary.as_slice())?;
            match after.strip_prefix(b"--") {
                Some(end) if end.trim_ascii().is_empty() => Some((depth, true)),
                _ => after.trim_ascii().is_empty().then_some((depth, false)),
            }
        })
    }

    /// Ends everything that is open inside the multipart at `depth`, before the delimiter at offset `at`.
    fn close(&mut self, depth: usize, at: usize) {
        let line_end = match &self.message[..at] {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n'] => 1,
            _ => 0,
        };
        let at = if at == self.message.len() { at } else { at - line_end };
        self.end_part(at);
        while self.frames.len() > depth + 1 || (at == self.message.len() && !self.frames.is_empty()) {
            let frame = self.frames.pop();
            // A multipart without any part: its content is read as one.
            if let Some(whole) = frame.and_then(|frame| frame.whole) {
                self.leaf(&whole, at.max(whole.content), Some("text/plain"));
            }
        }
        if let Some(frame) = self.frames.get_mut(depth) {
            frame.whole = None;
        }
    }

    /// Ends the part that is open, if one is.
    fn end_part(&mut self, at: usize) {
        match std::mem::replace(&mut self.state, PartState::Between) {
            PartState::Header(begin) => {
                // It has no blank line: its content begins after the last field.
                let end = at.max(begin);
                let header = Header::of(&self.message[begin..end]);
                let content = begin + header.len;
                self.leaf(&Open { header: begin, content }, end, None);
            }
            PartState::Content(open) => self.leaf(&open, at.max(open.content), None),
            PartState::Between => {}
        }
    }

    /// Enters the part whose header is from `begin` to `end`.
    fn enter(&mut self, begin: usize, end: usize) {
        let header = Header::of(&self.message[begin..end]);
        // The content may begin before `end`, at a line that is not a field.
        let open = Open { header: begin, content: begin + header.len };
        let kind = ReadParameters::of(&unfolded(header.first("content-type").unwrap_or_default()));
        let boundary = boundary_of(&kind).filter(|_| self.frames.len() < MAX_DEPTH);
        self.state = match boundary.filter(|_| kind.essence.starts_with("multipart/")) {
            Some(boundary) => {
                let default =
                    if kind.essence == "multipart/digest" { "message/rfc822" } else { "text/plain" };
                self.frames.push(OpenMultipart { boundary, default, whole: Some(open) });
                PartState::Between
            }
            None => PartState::Content(open),
        };
    }

    /// Reports a leaf whose content ends at `end`. `instead`: its media type, whatever its header says.
    fn leaf(&mut self, open: &Open, end: usize, instead: Option<&str>) {
        self.count += 1;
        if self.count > MAX_PARTS {
            self.is_whole = false;
            return;
        }
        let header = Header::of(&self.message[open.header..open.content]);
        let kind = ReadParameters::of(&unfolded(header.first("content-type").unwrap_or_default()));
        let default = self.frames.last().map_or("text/plain", |frame| frame.default);
        let encoding = header.first("content-transfer-encoding").map(Encoding::of).unwrap_or_default();
        let is_multipart = kind.essence.starts_with("multipart/");
        let media_type = match (instead, kind.essence.as_str()) {
            (Some(instead), _) => instead.to_owned(),
            // A multipart without a boundary is read as text.
            (None, _) if is_multipart && boundary_of(&kind).is_none() => "text/plain".into(),
            (None, essence) if is_type(essence) => essence.to_owned(),
            // A bad type counts as none (RFC 2045 §5.2), unless the part has a file name.
            (None, essence) if !essence.is_empty() && has_name(&kind, &header) => match essence {
                "text" => "text/plain".into(),
                _ => "application/octet-stream".into(),
            },
            (None, "") => default.to_owned(),
            (None, _) => "text/plain".into(),
        };
        if is_multipart && media_type != "text/plain" {
            self.is_whole = false;
        }
        let content = &self.message[open.content..end];
        (self.found)(LeafPart { header, kind, media_type, encoding, content });
    }
}

/// `type "/" subtype` (`RFC 2045 §5.1`).
fn is_type(essence: &str) -> bool {
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic());
    essence.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// The boundary of a multipart; an empty one counts as none (`RFC 2046 §5.1.1`).
fn boundary_of(kind: &ReadParameters) -> Option<Vec<u8>> {
    let boundary = kind.octets("boundary")?.trim_ascii_end().to_vec();
    (!boundary.is_empty()).then_some(boundary)
}

fn has_name(kind: &ReadParameters, header: &Header<'_>) -> bool {
    let disposition = ReadParameters::of(&unfolded(header.first("content-disposition").unwrap_or_default()));
    kind.text("name").is_some() || disposition.text("filename").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(message: &[u8]) -> (Vec<(String, String)>, bool) {
        let mut list = Vec::new();
        let is_whole = leaves(message, &mut |leaf| {
            list.push((leaf.media_type, String::from_utf8_lossy(leaf.content).into_owned()));
        });
        (list, is_whole)
    }

    #[track_caller]
    fn reads(message: &str, want: &[(&str, &str)]) {
        for (message, want) in
            [(message.to_owned(), want.to_vec()), (message.replace('\n', "\r\n"), want.to_vec())]
        {
            let (got, is_whole) = found(message.as_bytes());
            let got: Vec<(String, String)> =
                got.into_iter().map(|(kind, content)| (kind, content.replace("\r\n", "\n"))).collect();
            let want: Vec<(String, String)> =
                want.iter().map(|(kind, content)| ((*kind).to_owned(), (*content).to_owned())).collect();
            assert_eq!((got, is_whole), (want, true), "{message:?}");
        }
    }

    #[test]
    fn a_message_that_is_one_part_is_its_body() {
        reads("A: b\n\nbody\n", &[("text/plain", "body\n")]);
        reads("Content-Type: text/html\n\n<p>\n", &[("text/html", "<p>\n")]);
        reads("Content-Type: text\n\nhello\n", &[("text/plain", "hello\n")]);
        reads("Content-Type: x-bad; name=a\n\nhello\n", &[("application/octet-stream", "hello\n")]);
        reads("A: b\n", &[("text/plain", "")]);
        reads("", &[("text/plain", "")]);
        reads("plain words\nmore", &[("text/plain", "plain words\nmore")]);
    }

    #[test]
    fn the_parts_of_multiparts_are_found() {
        let two = "Content-Type: multipart/mixed; boundary=\"b\"\n\npreamble\n--b\n\none\n--b\nContent-Type: a/b\n\ntwo\n\n--b--\nepilogue\n--b\n\nthree\n";
        reads(two, &[("text/plain", "one"), ("a/b", "two\n")]);
        let nested = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n\
            --c\n\none\n--c\nContent-Type: text/html\n\ntwo\n--c--\n\n--b\n\nthree\n--b--\n";
        reads(nested, &[("text/plain", "one"), ("text/html", "two"), ("text/plain", "three")]);
        // The inner one is never closed.
        reads(
            &nested.replace("--c--\n", ""),
            &[("text/plain", "one"), ("text/html", "two\n"), ("text/plain", "three")],
        );
        let digest = "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\nx\n--b\n\nSubject: b\n\ny\n--b--\n";
        reads(digest, &[("message/rfc822", "Subject: a\n\nx"), ("message/rfc822", "Subject: b\n\ny")]);
    }

    #[test]
    fn a_delimiter_is_a_line_of_its_own() {
        let message = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee --b and\n --b\n--bb\n--b-\n--b  \n\nlast\n--b--";
        reads(message, &[("text/plain", "see --b and\n --b\n--bb\n--b-"), ("text/plain", "last")]);
    }

    #[test]
    fn what_a_message_leaves_out_is_made_up_for() {
        let head = "Content-Type: multipart/mixed; boundary=b\n\n";
        reads(&format!("{head}--b\n\none"), &[("text/plain", "one")]);
        reads(&format!("{head}--b\nA: b\n--b\n\ntwo\n--b--\n"), &[("text/plain", ""), ("text/plain", "two")]);
        reads(&format!("{head}--b\nno header here\n--b--\n"), &[("text/plain", "no header here")]);
        reads(&format!("{head}just text\n"), &[("text/plain", "just text\n")]);
        reads("Content-Type: multipart/mixed\n\njust text\n", &[("text/plain", "just text\n")]);
        for empty in ["", "\"\"", "\"  \""] {
            let message =
                format!("Content-Type: multipart/mixed; boundary={empty}\n\n--\n\njust text\n----\n");
            reads(&message, &[("text/plain", "--\n\njust text\n----\n")]);
        }
        reads(&format!("{head}--b--\n"), &[]);
        reads(
            &format!("{head}--b\nContent-Type: multipart/mixed; boundary=c\n\ntext\n--b--\n"),
            &[("text/plain", "text")],
        );
    }

    #[test]
    fn a_header_ends_before_its_first_delimiter_where_the_blank_line_is_none() {
        let list = [("text/html", "<p>"), ("a/b", "two")];
        let parts = "--b\nContent-Type: text/html\n\n<p>\n--b\nContent-Type: a/b\n\ntwo\n--b--\n";
        for blank in ["", " \n", "\t\n \n", "no field\n", " \n--x\n\n"] {
            reads(&format!("Content-Type: multipart/mixed; boundary=b\nA: b\n{blank}{parts}"), &list);
        }
        let nested = format!(
            "Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: multipart/mixed; boundary=b\n \n{parts}--c--\n"
        );
        reads(&nested, &list);
        // It announces another one, or none at all.
        reads("Content-Type: text/plain\n--b\nA: b\n\none\n", &[("text/plain", "one\n")]);
        let other = "Content-Type: multipart/mixed; boundary=b\n--c\nA: b\n\n--b\n\none\n--b--\n";
        reads(other, &[("text/plain", "one")]);
    }

    #[test]
    fn messages_within_are_parts_and_not_entered() {
        let inner = "Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c--\n";
        let message = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n"
        );
        reads(&message, &[("message/rfc822", inner)]);
        reads(&format!("Content-Type: message/rfc822\n\n{inner}"), &[("message/rfc822", inner)]);
    }

    #[test]
    fn depth_and_number_are_bounded_and_said() {
        for depth in [10, MAX_DEPTH, MAX_DEPTH + 1, 1000, 20_000] {
            let mut message = b"Content-Type: multipart/mixed; boundary=b0\n\n".to_vec();
            for level in 1..depth {
                message.extend(
                    format!("--b{}\nContent-Type: multipart/mixed; boundary=b{level}\n\n", level - 1).bytes(),
                );
            }
            message.extend(format!("--b{}\n\nx\n", depth - 1).bytes());
            let (list, is_whole) = found(&message);
            assert_eq!((list.len(), is_whole), (1, depth <= MAX_DEPTH), "{depth}");
        }
        let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\n".repeat(500_000));
        let (list, is_whole) = found(many.as_bytes());
        assert_eq!((list.len(), is_whole), (MAX_PARTS, false));
    }
}
