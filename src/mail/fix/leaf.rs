//! A part without other parts in it: kept until it is complete, then written as it was, or encoded.

use super::pieces::Piece;
use super::transfer::{Base64, Base64Again, Encoder, Quoted, QuotedAgain};
use crate::mail::fields::{Field, unfolded};
use crate::mail::outgoing::{ContentWriter, MAX_LINE, bad_message, cannot_keep};
use crate::mail::params::Parameters;
use crate::mail::unlabelled::{UNKNOWN, Unlabelled, Utf8Check};
use crate::store::{Spool, each_block};
use crate::words::Failure;
use std::io;

/// The names of US-ASCII that programs write (the third: mailx in the C locale).
const ASCII: [&str; 4] = ["us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us"];

/// The header of a part, and its MIME fields.
pub(super) struct Entity {
    pub fields: Vec<Field>,
    /// Whether a blank line ended the header.
    pub has_blank: bool,
    /// Whether it is the header of a message, the whole one or an enclosed one.
    pub is_message: bool,
    /// The media type, in lower case, or the default (`RFC 2045 §5.2`).
    pub media_type: String,
    pub charset: Option<String>,
    pub boundary: Option<Vec<u8>>,
    /// The transfer encoding, in lower case.
    pub encoding: String,
}

impl Entity {
    /// Reads a header; `default` is the media type if there is none in it.
    pub fn of(fields: Vec<Field>, has_blank: bool, is_message: bool, default: &str) -> Self {
        let value = |name: &str| {
            let field = fields.iter().find(|field| field.name == name)?;
            Some(Unlabelled::of(&unfolded(field.raw_value())))
        };
        let content_type = value("content-type").map(|text| {
            let found = Parameters::parse(text.as_str());
            let boundary = found.get("boundary").map(|boundary| text.octets(boundary.trim_end()));
            (found.essence.clone(), found.get("charset").map(str::to_owned), boundary)
        });
        let has_type = content_type.as_ref().is_some_and(|(essence, ..)| essence.contains('/'));
        let (essence, charset, boundary) = content_type.unwrap_or_default();
        let encoding = value("content-transfer-encoding").map(|text| text.as_str().trim().to_lowercase());
        Entity {
            has_blank,
            is_message,
            media_type: if has_type { essence } else { default.to_owned() },
            charset,
            boundary: boundary.filter(|boundary| !boundary.is_empty()),
            encoding: encoding.filter(|name| !name.is_empty()).unwrap_or_else(|| "7bit".into()),
            fields,
        }
    }

    /// Whether the content is not encoded (`RFC 2045 §6.2`).
    pub fn is_identity(&self) -> bool {
        ["7bit", "8bit", "binary"].contains(&self.encoding.as_str())
    }

    /// Whether it is an enclosed message, whose parts can be walked.
    pub fn holds_message(&self) -> bool {
        ["message/rfc822", "message/global", "message/news"].contains(&self.media_type.as_str())
    }

    fn is_text(&self) -> bool {
        self.media_type.starts_with("text/") || self.media_type.starts_with("message/")
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }
}

/// The content of a part.
#[derive(Default)]
pub(super) struct Leaf {
    spool: Spool,
    octets: u64,
    eight_bit: u64,
    line: usize,
    longest: usize,
    utf8: Utf8Check,
    /// Whether a line end came last: before a delimiter it is not content (`RFC 2046 §5.1.1`).
    open_end: bool,
}

impl Leaf {
    pub fn push(&mut self, piece: &Piece<'_>) -> Result<(), Failure> {
        self.settle_end()?;
        let octets = piece.octets;
        self.octets += octets.len() as u64;
        self.eight_bit += octets.iter().filter(|octet| !octet.is_ascii()).count() as u64;
        self.line = if piece.starts { octets.len() } else { self.line + octets.len() };
        self.longest = self.longest.max(self.line);
        self.utf8.push(octets);
        self.open_end = piece.ends;
        self.spool.push(octets).map_err(|error| cannot_keep(&error))
    }

    fn settle_end(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.open_end) {
            self.spool.push(b"\r\n").map_err(|error| cannot_keep(&error))?;
        }
        Ok(())
    }

    /// What must be done so that every server can carry the part; `None`: nothing. Fails if it cannot be mended.
    pub fn remedy(&self, entity: &Entity) -> Result<Option<PartRemedy>, Failure> {
        if self.eight_bit == 0 && self.longest <= MAX_LINE {
            return Ok(None);
        }
        let cannot = |why: &str| {
            bad_message(format!("a part of type {} cannot be re-encoded: {why}", entity.media_type))
                .hint("the program that makes the message must encode it in base64")
        };
        let again = |encoder| Ok(Some(PartRemedy { encoder, label: None, charset: None }));
        match entity.encoding.as_str() {
            "base64" => return again(Encoder::Base64Again(Base64Again::default())),
            "quoted-printable" => return again(Encoder::QuotedAgain(QuotedAgain::default())),
            _ if !entity.is_identity() => {
                return Err(cannot(&format!("its encoding {:?} is not known", entity.encoding)));
            }
            _ => {}
        }
        // These must not be encoded (RFC 2045 §6.4, RFC 2046 §5.2).
        match entity.media_type.as_str() {
            "message/partial" | "message/external-body" => return Err(cannot("its type forbids it")),
            kind if kind.starts_with("multipart/") => return Err(cannot("it has no boundary")),
            _ => {}
        }
        let charset = self.charset(entity);
        // Quoted-printable (3 octets for each that needs it) is about as short as base64 (4 for 3) up to one in six.
        let is_quoted = entity.is_text() && self.eight_bit.saturating_mul(6) <= self.octets;
        Ok(Some(match is_quoted {
            true => PartRemedy {
                encoder: Encoder::Quoted(Quoted::default()),
                label: Some("quoted-printable"),
                charset,
            },
            false => {
                PartRemedy { encoder: Encoder::Base64(Base64::default()), label: Some("base64"), charset }
            }
        }))
    }

    /// The right charset for a text with non-ASCII octets that is labelled US-ASCII, or not labelled, which means
    /// the same (`RFC 2045 §5.2`).
    pub fn charset(&self, entity: &Entity) -> Option<&'static str> {
        let is_ascii = match entity.charset.as_deref() {
            None => entity.media_type == "text/plain",
            Some(name) => {
                entity.media_type.starts_with("text/") && ASCII.contains(&&*name.trim().to_ascii_lowercase())
            }
        };
        (is_ascii && self.eight_bit > 0).then(|| if self.utf8.holds() { "utf-8" } else { UNKNOWN })
    }

    /// Writes the content. `delimited`: a delimiter follows, so the last line end belongs to that.
    pub fn write(
        mut self,
        mut encoder: Option<Encoder>,
        delimited: bool,
        out: &mut ContentWriter,
    ) -> Result<(), Failure> {
        let ends_line = self.open_end;
        if !delimited {
            self.settle_end()?;
        }
        let failed = |error: io::Error| cannot_keep(&error);
        let mut content = self.spool.finish().map_err(failed)?;
        let mut encoded = Vec::new();
        each_block(&mut content, |block| match &mut encoder {
            None => out.push(block),
            Some(encoder) => {
                encoded.clear();
                encoder.push(block, &mut encoded);
                out.push(&encoded)
            }
        })
        .map_err(failed)?;
        let is_base64 = matches!(encoder, Some(Encoder::Base64(_) | Encoder::Base64Again(_)));
        encoded.clear();
        if let Some(encoder) = encoder {
            encoder.finish(&mut encoded);
        }
        if (delimited && ends_line) || (!delimited && is_base64) {
            encoded.extend_from_slice(b"\r\n");
        }
        out.push(&encoded).map_err(failed)
    }
}

/// How a part is mended.
pub(super) struct PartRemedy {
    pub encoder: Encoder,
    /// The new Content-Transfer-Encoding; `None`: it stays.
    pub label: Option<&'static str>,
    /// The new charset; `None`: it stays.
    pub charset: Option<&'static str>,
}
