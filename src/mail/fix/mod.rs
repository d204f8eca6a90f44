//! `--fix`: rewrites a complete message so that every server can carry it: in US-ASCII, no line longer than 998
//! octets. This is done before any connection, so it does not depend on whether the server takes 8-bit content.
//!
//! A message that is fine stays as it is, octet by octet; in any other message the parts and header fields that
//! are fine stay. The tree of parts is walked while the message streams by: a multipart or an enclosed message is
//! never encoded itself (`RFC 2045 §6.4`), only the parts in it. Text with few non-ASCII octets becomes
//! quoted-printable, anything else base64; content that is encoded already is only broken into shorter lines.
//! Lines outside of any part, which readers do not show, are left out if they cannot be sent. For header fields
//! see the module `header`.
//!
//! A signed part (`multipart/signed`) that would have to change is refused: its signature would break, and the
//! signer must encode first (`RFC 1847 §2.1`). A broken DKIM signature is only reported: the server that sends
//! the message on signs it again.
//!
//! One header (at most 1 MiB) and 100 open multiparts are held in memory; content is not.

mod header;
mod leaf;
mod pieces;
mod transfer;

use super::fields::{field_name, is_from_line, split};
use super::outgoing::{ContentWriter, MAX_LINE, Outgoing, bad_message, cannot_keep, check_lines};
use super::raw::MAX_HEADER;
use crate::words::Failure;
use header::is_fit;
use leaf::{Entity, Leaf, PartRemedy};
use pieces::{Piece, Pieces};

/// How deep multiparts may be nested.
const MAX_DEPTH: usize = 100;

/// What was done to a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// How many parts were encoded.
    pub parts: usize,
    /// How many header fields were rewritten.
    pub fields: usize,
    /// How many lines outside of any part were left out.
    pub lines: usize,
    /// Whether the message has a DKIM signature, which is broken now.
    pub breaks_signature: bool,
}

impl Changes {
    pub fn any(&self) -> bool {
        *self != Changes::default()
    }

    /// What was done, for people.
    pub fn describe(&self) -> String {
        let many = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let mut text = format!(
            "--fix: {} re-encoded, {} rewritten",
            many(self.parts, "part"),
            many(self.fields, "header field")
        );
        if self.lines > 0 {
            text.push_str(&format!(", {} outside of the parts left out", many(self.lines, "line")));
        }
        if self.breaks_signature {
            text.push_str("; its DKIM signature is broken now");
        }
        text
    }
}

/// Rewrites a message, and returns what was done. Fails with [`crate::words::Kind::Input`] for what cannot be
/// mended.
pub fn mend(outgoing: Outgoing) -> Result<(Outgoing, Changes), Failure> {
    let facts = outgoing.content.facts();
    if !facts.eight_bit && facts.longest_line <= MAX_LINE {
        return Ok((outgoing, Changes::default()));
    }
    let (outgoing, changes) = walked(outgoing, MendWalk::default())?;
    check_lines(outgoing.content.facts())?;
    Ok((outgoing, changes))
}

/// Corrects only the charset of parts that are labelled US-ASCII but have non-ASCII octets; everything else stays
/// as it is, signed parts too.
pub fn relabel(outgoing: Outgoing) -> Result<Outgoing, Failure> {
    if !outgoing.content.facts().eight_bit {
        return Ok(outgoing);
    }
    let international = outgoing.international;
    let (outgoing, _) = walked(outgoing, MendWalk { only_labels: true, ..MendWalk::default() })?;
    Ok(Outgoing { international, ..outgoing })
}

fn walked(mut outgoing: Outgoing, mut walk: MendWalk) -> Result<(Outgoing, Changes), Failure> {
    let reader = outgoing.content.reader().map_err(|error| cannot_keep(&error))?;
    let mut pieces = Pieces::new(reader);
    while let Some(piece) = pieces.next().map_err(|error| cannot_keep(&error))? {
        walk.take(&piece)?;
    }
    drop(pieces);
    walk.end_entity(false)?;
    let MendWalk { out, changes, international, .. } = walk;
    let content = out.finish().map_err(|error| cannot_keep(&error))?;
    Ok((Outgoing { content, international, ..outgoing }, changes))
}

/// An open multipart.
struct Multipart {
    boundary: Vec<u8>,
    is_digest: bool,
    is_signed: bool,
}

/// Where in the message the walk is.
enum WalkState {
    /// In a header: its octets so far, and whether it is that of a message or of a part.
    Header { octets: Vec<u8>, is_message: bool },
    /// In the content of a part.
    Leaf(Box<(Entity, Leaf)>),
    /// Before the first or after the last part of a multipart. `drops`: in the rest of a line that is too long.
    Between { drops: bool },
}

struct MendWalk {
    out: ContentWriter,
    at: WalkState,
    frames: Vec<Multipart>,
    changes: Changes,
    international: bool,
    /// Whether the message's own header was seen.
    below_top: bool,
    /// Whether nothing is encoded: see [`relabel`].
    only_labels: bool,
}

impl Default for MendWalk {
    fn default() -> Self {
        let at = WalkState::Header { octets: Vec::new(), is_message: true };
        let (out, frames, changes) = (ContentWriter::default(), Vec::new(), Changes::default());
        MendWalk { out, at, frames, changes, international: false, below_top: false, only_labels: false }
    }
}

impl MendWalk {
    fn keep(&mut self, octets: &[u8]) -> Result<(), Failure> {
        self.out.push(octets).map_err(|error| cannot_keep(&error))
    }

    /// Takes the next piece of the message.
    fn take(&mut self, piece: &Piece<'_>) -> Result<(), Failure> {
        match self.delimiter(piece) {
            Some((level, closes)) => {
                self.end_entity(true)?;
                self.frames.truncate(level + 1);
                self.keep(piece.octets)?;
                self.keep(b"\r\n")?;
                self.at = WalkState::Header { octets: Vec::new(), is_message: false };
                if closes {
                    self.frames.pop();
                    self.at = WalkState::Between { drops: false };
                }
                Ok(())
            }
            None => self.inside(piece),
        }
    }

    /// If the line is a delimiter: of which open multipart (an outer one ends those inside), and whether it is the
    /// last one (`RFC 2046 §5.1.1`).
    fn delimiter(&self, piece: &Piece<'_>) -> Option<(usize, bool)> {
        let rest = piece.octets.strip_prefix(b"--").filter(|_| piece.is_line())?;
        let rest = rest.trim_ascii_end();
        self.frames.iter().enumerate().rev().find_map(|(level, frame)| {
            let behind = rest.strip_prefix(frame.boundary.as_slice())?;
            matches!(behind, b"" | b"--").then_some((level, behind == b"--"))
        })
    }

    fn inside(&mut self, piece: &Piece<'_>) -> Result<(), Failure> {
        match &mut self.at {
            WalkState::Header { .. } => self.header(piece),
            WalkState::Leaf(part) => part.1.push(piece),
            WalkState::Between { drops } => {
                let is_fit = piece.octets.is_ascii() && piece.octets.len() <= MAX_LINE;
                let unfit = *drops || !(is_fit || self.only_labels);
                let begins = unfit && !*drops;
                *drops = unfit && !piece.ends;
                if !unfit {
                    self.keep(piece.octets)?;
                    return if piece.ends { self.keep(b"\r\n") } else { Ok(()) };
                }
                self.refuse_if_signed()?;
                self.changes.lines += usize::from(begins);
                Ok(())
            }
        }
    }

    fn header(&mut self, piece: &Piece<'_>) -> Result<(), Failure> {
        let WalkState::Header { octets, is_message } = &mut self.at else { return Ok(()) };
        if piece.is_line() && piece.octets.is_empty() {
            return self.body(true);
        }
        let continues =
            !piece.starts || (!octets.is_empty() && matches!(piece.octets.first(), Some(b' ' | b'\t')));
        if !continues && field_name(piece.octets).is_none() {
            // An mbox From_ line may come before a message; any other line that is not a field begins the body.
            if *is_message
                && octets.is_empty()
                && piece.is_line()
                && is_from_line(piece.octets)
                && (is_fit(piece.octets) || self.only_labels)
            {
                self.keep(piece.octets)?;
                return self.keep(b"\r\n");
            }
            self.body(false)?;
            return self.inside(piece);
        }
        octets.extend_from_slice(piece.octets);
        if piece.ends {
            octets.extend_from_slice(b"\r\n");
        }
        if octets.len() > MAX_HEADER {
            return Err(bad_message(format!("a header in it is larger than {MAX_HEADER} octets")));
        }
        Ok(())
    }

    /// At the end of a header: chooses how to treat the body.
    fn body(&mut self, has_blank: bool) -> Result<(), Failure> {
        let entity = self.entity(has_blank)?;
        let is_multipart = entity.media_type.starts_with("multipart/");
        match entity.boundary.clone().filter(|_| is_multipart) {
            Some(boundary) => {
                if self.frames.len() == MAX_DEPTH {
                    return Err(bad_message(format!("more than {MAX_DEPTH} multiparts are nested in it")));
                }
                if !boundary.is_ascii() && !self.only_labels {
                    return Err(bad_message("a boundary in it is not ASCII"));
                }
                self.composite(&entity)?;
                self.frames.push(Multipart {
                    boundary,
                    is_digest: entity.media_type == "multipart/digest",
                    is_signed: entity.media_type == "multipart/signed",
                });
                self.at = WalkState::Between { drops: false };
            }
            None if entity.holds_message() && entity.is_identity() => {
                self.composite(&entity)?;
                self.at = WalkState::Header { octets: Vec::new(), is_message: true };
            }
            None => self.at = WalkState::Leaf(Box::new((entity, Leaf::default()))),
        }
        Ok(())
    }

    /// Reads the header that has just ended.
    fn entity(&mut self, has_blank: bool) -> Result<Entity, Failure> {
        let before = std::mem::replace(&mut self.at, WalkState::Between { drops: false });
        let WalkState::Header { octets, is_message } = before else {
            return Ok(Entity::of(Vec::new(), has_blank, false, "text/plain"));
        };
        let in_digest = !is_message && self.frames.last().is_some_and(|frame| frame.is_digest);
        let default = if in_digest { "message/rfc822" } else { "text/plain" };
        Ok(Entity::of(split(&octets)?, has_blank, is_message, default))
    }

    /// Writes the header of a part that has others in it; all of them will be 7-bit.
    fn composite(&mut self, entity: &Entity) -> Result<(), Failure> {
        let was_more =
            ["8bit", "binary"].contains(&entity.encoding.as_str()) && !self.is_signed() && !self.only_labels;
        let is_top = !self.below_top;
        self.fields(entity, was_more.then_some("7bit"), None, is_top)?;
        if entity.has_blank { self.keep(b"\r\n") } else { Ok(()) }
    }

    /// Ends the current part.
    fn end_entity(&mut self, delimited: bool) -> Result<(), Failure> {
        if let WalkState::Header { .. } = self.at {
            let entity = self.entity(false)?;
            return self.fields(&entity, None, None, false);
        }
        let WalkState::Leaf(part) = std::mem::replace(&mut self.at, WalkState::Between { drops: false })
        else {
            return Ok(());
        };
        let (entity, leaf) = *part;
        if self.only_labels {
            let charset = leaf.charset(&entity).filter(|_| entity.is_identity() && !self.is_signed());
            self.fields(&entity, charset.map(|_| "8bit"), charset, charset.is_some())?;
            if entity.has_blank || charset.is_some() {
                self.keep(b"\r\n")?;
            }
            return leaf.write(None, delimited, &mut self.out);
        }
        let remedy = leaf.remedy(&entity)?;
        if remedy.is_some() {
            self.refuse_if_signed()?;
            self.changes.parts += 1;
        }
        let (encoder, label, charset) = match remedy {
            Some(PartRemedy { encoder, label, charset }) => (Some(encoder), label, charset),
            None => (None, None, None),
        };
        self.fields(&entity, label, charset, label.is_some())?;
        if entity.has_blank || encoder.is_some() {
            self.keep(b"\r\n")?;
        }
        leaf.write(encoder, delimited, &mut self.out)
    }

    /// Writes a header: mended fields, and the new encoding `label` and charset if given. `is_mime`: a message must
    /// get a MIME-Version (`RFC 2045 §4`).
    fn fields(
        &mut self,
        entity: &Entity,
        label: Option<&str>,
        charset: Option<&str>,
        is_mime: bool,
    ) -> Result<(), Failure> {
        let is_top = !std::mem::replace(&mut self.below_top, true);
        let mut labels = 0;
        for field in &entity.fields {
            if let ("content-transfer-encoding", Some(label)) = (field.name.as_str(), label) {
                labels += 1;
                if labels == 1 {
                    self.keep(label_field(label).as_bytes())?;
                }
                continue;
            }
            let new = if self.only_labels { None } else { header::mended(field)? };
            if new.is_some() {
                self.refuse_if_signed()?;
                self.changes.fields += 1;
            }
            let mut octets = new.unwrap_or_else(|| field.octets.clone());
            if let ("content-type", Some(charset)) = (field.name.as_str(), charset)
                && let Some(labelled) = header::labelled(field, &octets, charset)
            {
                octets = labelled;
            }
            self.international |= !octets.is_ascii();
            self.keep(&octets)?;
        }
        if is_top {
            let is_signature = |name: &str| name == "dkim-signature" || name == "arc-message-signature";
            self.changes.breaks_signature |= entity.fields.iter().any(|field| is_signature(&field.name));
        }
        if is_mime && entity.is_message && !entity.has("mime-version") {
            self.keep(b"MIME-Version: 1.0\r\n")?;
        }
        if let Some(charset) = charset.filter(|_| !entity.has("content-type")) {
            self.keep(format!("Content-Type: text/plain; charset={charset}\r\n").as_bytes())?;
        }
        match label {
            Some(label) if labels == 0 => self.keep(label_field(label).as_bytes()),
            _ => Ok(()),
        }
    }

    fn is_signed(&self) -> bool {
        self.frames.iter().any(|frame| frame.is_signed)
    }

    fn refuse_if_signed(&self) -> Result<(), Failure> {
        match self.is_signed() {
            false => Ok(()),
            true => Err(bad_message("a signed part would have to be re-encoded, which breaks its signature")
                .hint("encode the part before it is signed, or send it without --fix through a server with 8BITMIME")),
        }
    }
}

fn label_field(label: &str) -> String {
    format!("Content-Transfer-Encoding: {label}\r\n")
}

#[cfg(test)]
mod tests;
