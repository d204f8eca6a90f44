//! A complete message that is passed on (`--raw`): streamed, and changed as little as possible.
//!
//! Removed: a byte order mark and mbox From_ lines before the header, Return-Path and Content-Length (they belong
//! to a stored message), every Bcc and Resent-Bcc. Added at the top if missing or blank: Date, Message-ID, From.
//! Line ends become CRLF.
//!
//! Refused: a NUL or a bare CR (with its offset), a malformed header line; without `--fix` also a line of more
//! than 998 octets, and octets in a header that are neither ASCII nor UTF-8. Recipients come from the first block
//! of Resent-* fields if there is one (`RFC 5322 §3.6.6`), else from To, Cc and Bcc.

use super::addresses::{Mailbox, distinct};
use super::fields::{Field, field_name, split};
use super::input::unreadable;
use super::outgoing::{ContentWriter, Envelope, Outgoing, bad_message, cannot_keep, check_lines};
use super::{compose, stamp};
use crate::codec::eol::Normaliser;
use crate::words::{Address, Failure, ReversePath};
use memchr::memmem;
use std::io::Read;
use std::path::PathBuf;

/// The most octets of a header.
pub const MAX_HEADER: usize = 1024 * 1024;

/// How many octets are read at a time.
const BLOCK: usize = 64 * 1024;

/// The fields that are removed.
const DROPPED: [&str; 4] = ["return-path", "content-length", "bcc", "resent-bcc"];

/// The fields that every message needs; a blank one counts as missing.
const REQUIRED: [&str; 3] = ["date", "from", "message-id"];

/// The byte order mark of UTF-8, which editors put before a text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What the user gives besides the message.
#[derive(Clone, Debug, Default)]
pub struct Supplied {
    /// The author, for a message without From.
    pub from: Option<Mailbox>,
    /// The sender of the envelope; `None`: that of the header.
    pub sender: Option<ReversePath>,
    /// The recipients, instead of those in the header.
    pub recipients: Option<Vec<Address>>,
    /// Whether [`super::fix::mend`] follows, so that what it can mend is not refused.
    pub mends: bool,
}

/// A message whose header was read, and its body not yet.
pub struct Raw<'a> {
    source: RawSource<'a>,
    fields: Vec<Field>,
    has_blank: bool,
}

impl<'a> Raw<'a> {
    /// Reads the header of a message; `path` names the input in failures.
    pub fn read(input: &'a mut dyn Read, path: impl Into<PathBuf>) -> Result<Self, Failure> {
        let normaliser = Some(Normaliser::default());
        let mut source = RawSource { input, path: path.into(), normaliser, ahead: Vec::new() };
        let (header, has_blank) = source.header()?;
        if header.is_empty() && source.ahead.is_empty() && !has_blank {
            return Err(bad_message("it is empty").hint("--raw takes a complete message with its header"));
        }
        let mut fields = split(&header)?;
        fields
            .retain(|field| !REQUIRED.contains(&&*field.name) || !field.raw_value().trim_ascii().is_empty());
        if fields.is_empty() && source.begins_with_blind()? {
            return Err(bad_message("its body begins with a header that has a Bcc, after a blank line")
                .hint("--raw takes a message that begins with its header"));
        }
        Ok(Raw { source, fields, has_blank })
    }

    /// Who resent the message, else its author; this chooses the account.
    pub fn author(&self) -> Option<Mailbox> {
        let resent = self.resent_block();
        let named = |names: &[&str], fields: &[Field]| {
            names.iter().find_map(|name| {
                fields.iter().find(|field| field.name == *name)?.addresses().ok()?.into_iter().next()
            })
        };
        named(&["resent-sender", "resent-from"], resent).or_else(|| named(&["sender", "from"], &self.fields))
    }

    /// Whether the body is only white space (of at most [`MAX_HEADER`] octets).
    pub fn has_blank_body(&mut self) -> Result<bool, Failure> {
        loop {
            if !self.source.ahead.trim_ascii().is_empty() || self.source.ahead.len() > MAX_HEADER {
                return Ok(false);
            }
            if !self.source.fill()? && self.source.normaliser.is_none() {
                return Ok(self.source.ahead.trim_ascii().is_empty());
            }
        }
    }

    /// Reads the rest of the message.
    pub fn complete(mut self, supplied: Supplied) -> Result<Outgoing, Failure> {
        let recipients = match &supplied.recipients {
            Some(given) => distinct(given.iter().cloned()),
            None => self.recipients()?,
        };
        if recipients.is_empty() {
            return Err(bad_message("it names no recipient (To, Cc, Bcc)")
                .hint("name them after the options: postie send --raw FILE TO"));
        }
        let author = self.author();
        let from = match (supplied.sender, &author) {
            (Some(sender), _) => sender,
            (None, Some(author)) => author.address.clone().into(),
            (None, None) => self.known(&supplied.from)?.address.clone().into(),
        };
        let domain = author
            .as_ref()
            .or(supplied.from.as_ref())
            .map(|mailbox| mailbox.address.domain().to_owned())
            .or_else(|| from.mailbox().map(|from| from.domain().to_owned()));
        let (added, message_id) = self.added(&supplied.from, domain.as_deref().unwrap_or("localhost"))?;
        let mut spool = ContentWriter::default();
        let mut keep = |octets: &[u8]| spool.push(octets).map_err(|error| cannot_keep(&error));
        keep(&added)?;
        let mut international = !added.is_ascii();
        for field in self.fields.iter().filter(|field| !DROPPED.contains(&field.name.as_str())) {
            if !field.octets.is_ascii() {
                if !supplied.mends {
                    field.value()?;
                }
                international = true;
            }
            keep(&field.octets)?;
        }
        if self.has_blank {
            keep(b"\r\n")?;
        }
        while let Some(block) = self.source.next()? {
            keep(&block)?;
        }
        let content = spool.finish().map_err(|error| cannot_keep(&error))?;
        if !supplied.mends {
            check_lines(content.facts())
                .map_err(|failure| failure.hint("--fix re-encodes the part, or folds the header field"))?;
        }
        Ok(Outgoing { envelope: Envelope { from, recipients }, content, message_id, international })
    }

    /// The first block of Resent-* fields. It ends at another field, or if one of its own comes again
    /// (`RFC 5322 §3.6.6`).
    fn resent_block(&self) -> &[Field] {
        let is_resent = |field: &Field| field.name.starts_with("resent-");
        let Some(start) = self.fields.iter().position(is_resent) else { return &[] };
        let mut seen = std::collections::HashSet::new();
        let block =
            self.fields[start..].iter().take_while(|field| is_resent(field) && seen.insert(&field.name));
        let end = start + block.count();
        &self.fields[start..end]
    }

    /// The recipients in the header.
    pub fn recipients(&self) -> Result<Vec<Address>, Failure> {
        let resent = self.resent_block();
        let (fields, names) = match resent {
            [] => (self.fields.as_slice(), ["to", "cc", "bcc"]),
            block => (block, ["resent-to", "resent-cc", "resent-bcc"]),
        };
        let mut found = Vec::new();
        for field in fields.iter().filter(|field| names.contains(&field.name.as_str())) {
            found.extend(field.addresses()?.into_iter().map(|mailbox| mailbox.address));
        }
        Ok(distinct(found))
    }

    /// The author given by the user, if the message has no From.
    fn known<'b>(&self, known: &'b Option<Mailbox>) -> Result<&'b Mailbox, Failure> {
        match known {
            Some(known) if !self.has("from") => Ok(known),
            _ if self.has("from") => {
                Err(bad_message("its From has no address").hint("--envelope-from ADDR names the sender"))
            }
            _ => Err(bad_message("it has no From").hint("--from ADDR adds one")),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// The fields to add, and the Message-ID.
    fn added(&self, known: &Option<Mailbox>, domain: &str) -> Result<(Vec<u8>, String), Failure> {
        let mut added = Vec::new();
        if !self.has("date") {
            added.extend_from_slice(format!("Date: {}\r\n", stamp::now()?).as_bytes());
        }
        if !self.has("from") {
            added.extend(compose::from_field(self.known(known)?)?);
        }
        let own =
            self.fields.iter().find(|field| field.name == "message-id").map(Field::value).transpose()?;
        let message_id = match own {
            Some(own) => own.trim_start_matches('<').trim_end_matches('>').to_owned(),
            None => {
                let new = stamp::message_id(domain)?;
                added.extend_from_slice(format!("Message-ID: <{new}>\r\n").as_bytes());
                new
            }
        };
        Ok((added, message_id))
    }
}

/// The input with CRLF line ends, read block by block.
struct RawSource<'a> {
    input: &'a mut dyn Read,
    path: PathBuf,
    /// `None` once the input has ended.
    normaliser: Option<Normaliser>,
    ahead: Vec<u8>,
}

impl RawSource<'_> {
    /// Reads more into `ahead`; `false` at the end.
    fn fill(&mut self) -> Result<bool, Failure> {
        let Some(normaliser) = &mut self.normaliser else { return Ok(false) };
        let mut block = vec![0; BLOCK];
        let got = loop {
            match self.input.read(&mut block) {
                Ok(got) => break got,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&self.path, "reading", &error)),
            }
        };
        let bad = |octet: crate::codec::eol::BadOctet| {
            bad_message(format!("{}: {octet}", self.path.display()))
                .hint("mail cannot have such octets: encode the part (base64), or repair the line ends")
        };
        if got > 0 {
            normaliser.push(&block[..got], &mut self.ahead).map_err(bad)?;
        } else if let Some(normaliser) = self.normaliser.take() {
            normaliser.finish(&mut self.ahead).map_err(bad)?;
        }
        Ok(got > 0)
    }

    /// Takes the header without its blank line; returns whether there was a blank line.
    fn header(&mut self) -> Result<(Vec<u8>, bool), Failure> {
        let mut searched = 0usize;
        loop {
            if searched == 0 && self.ahead.starts_with(MARK) {
                self.ahead.drain(..MARK.len());
            }
            if self.ahead.starts_with(b"\r\n") {
                self.ahead.drain(..2);
                return Ok((Vec::new(), true));
            }
            if let Some(at) = memmem::find(&self.ahead[searched..], b"\r\n\r\n") {
                let end = searched + at + 2;
                let body = self.ahead.split_off(end + 2);
                let mut header = std::mem::replace(&mut self.ahead, body);
                header.truncate(end);
                return Ok((header, true));
            }
            searched = self.ahead.len().saturating_sub(3);
            if self.ahead.len() > MAX_HEADER {
                return Err(bad_message(format!("its header is larger than {MAX_HEADER} octets")));
            }
            if !self.fill()? && self.normaliser.is_none() {
                if let Some(at) = memmem::find(&self.ahead[searched..], b"\r\n\r\n") {
                    searched += at;
                    continue;
                }
                return Ok((std::mem::take(&mut self.ahead), false));
            }
        }
    }

    /// Whether the first paragraph of the body has a Bcc: it is a header with a blank line before it.
    fn begins_with_blind(&mut self) -> Result<bool, Failure> {
        loop {
            let start = self.ahead.len() - self.ahead.trim_ascii_start().len();
            let end = memmem::find(&self.ahead[start..], b"\r\n\r\n").map(|end| start + end);
            let more = end.is_none() && self.ahead.len() <= MAX_HEADER && self.normaliser.is_some();
            if more {
                self.fill()?;
                continue;
            }
            let mut lines = self.ahead[start..end.unwrap_or(self.ahead.len())].split(|octet| *octet == b'\n');
            return Ok(lines.any(|line| {
                field_name(line.trim_ascii_start()).is_some_and(|name| name == "bcc" || name == "resent-bcc")
            }));
        }
    }

    /// The next block of the body.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        while self.ahead.is_empty() {
            if !self.fill()? && self.ahead.is_empty() {
                return Ok(None);
            }
        }
        Ok(Some(std::mem::take(&mut self.ahead)))
    }
}

#[cfg(test)]
mod tests;
