//! The readable content of a message: its texts and attachments. Only for `fetch --stdout --json`; nothing here
//! decides about delivery.

use super::guard::guarded;
use super::read::charset::{self, Reading};
use super::read::header::unfolded;
use super::read::params::ReadParameters;
use super::read::parts::{LeafPart, leaves};
use super::summary::identifier;
use sha2::{Digest, Sha256};

/// An attachment: a part that is not inline text, or has a file name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// The file name.
    pub name: Option<String>,
    /// The media type, in lower case.
    pub content_type: String,
    /// In octets, after decoding.
    pub size: usize,
    /// The Content-ID, without angle brackets.
    pub cid: Option<String>,
    /// Of the decoded octets.
    pub sha256: [u8; 32],
}

/// The readable content of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readable {
    /// All inline texts, one after the other.
    pub text: Option<String>,
    /// All inline HTML, one after the other.
    pub html: Option<String>,
    pub attachments: Vec<Attached>,
    /// What could not be decoded completely, because of its charset: `text`, `html`, `name`.
    pub undecoded: Vec<&'static str>,
    /// Whether all parts were read: they are not too many, nor nested too deep.
    pub is_whole: bool,
}

impl Readable {
    /// Reads a message; `None` if a decoder panics.
    pub fn of(message: &[u8]) -> Option<Readable> {
        guarded(|| {
            let mut content = Readable::default();
            content.is_whole = leaves(message, &mut |leaf| content.add(&leaf));
            content
        })
    }

    fn add(&mut self, leaf: &LeafPart<'_>) {
        let disposition =
            ReadParameters::of(&unfolded(leaf.header.first("content-disposition").unwrap_or_default()));
        let named = disposition.text("filename").or_else(|| leaf.kind.text("name"));
        let is_inline = disposition.essence != "attachment";
        let is_text = leaf.media_type.starts_with("text/");
        let decoded = leaf.encoding.decode(leaf.content, is_text);
        let was_read = match leaf.media_type.as_str() {
            "text/plain" if is_inline => self.read("text", leaf, &decoded),
            "text/html" if is_inline => self.read("html", leaf, &decoded),
            _ => false,
        };
        if was_read && named.is_none() {
            return;
        }
        if !matches!(named, None | Some(Reading::Whole(_))) {
            self.note("name");
        }
        // If the one name cannot be decoded, the other may be readable.
        let name = named.and_then(Reading::text).or_else(|| leaf.kind.text("name").and_then(Reading::text));
        self.attachments.push(Attached {
            name: name.filter(|name| !name.is_empty()),
            content_type: leaf.media_type.clone(),
            size: decoded.len(),
            cid: leaf.header.first("content-id").and_then(|value| identifier(&unfolded(value))),
            sha256: Sha256::digest(&decoded).into(),
        });
    }

    /// Adds an inline text; `false` if its charset is unknown, so that it counts as an attachment.
    fn read(&mut self, what: &'static str, leaf: &LeafPart<'_>, octets: &[u8]) -> bool {
        let label = leaf.kind.octets("charset").unwrap_or_default();
        let reading = charset::decode(&label, octets);
        if !matches!(reading, Reading::Whole(_)) {
            self.note(what);
        }
        let Some(text) = reading.text() else { return false };
        let place = if what == "text" { &mut self.text } else { &mut self.html };
        match place {
            Some(before) => {
                if !before.is_empty() && !before.ends_with('\n') {
                    before.push('\n');
                }
                before.push_str(&text);
            }
            None => *place = Some(text),
        }
        true
    }

    fn note(&mut self, what: &'static str) {
        if !self.undecoded.contains(&what) {
            self.undecoded.push(what);
        }
    }
}

#[cfg(test)]
mod tests;
