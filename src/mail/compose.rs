//! Composing a message (`RFC 5322`, `RFC 2045`-`2047`, `2183`, `2231`, `2387`). The only importer of
//! mail-builder, whose encoders of fields and texts are used; the message is put together here, so that
//! attachments stream through and no field is there twice.
//!
//! What comes out is US-ASCII in lines of at most 78 octets (longer only where a word cannot be broken),
//! unless an address needs SMTPUTF8. There is no Bcc field. Nothing that goes in can add a field: CR, LF
//! and NUL are refused, not removed.

mod parts;
mod values;

pub use parts::{Part, Source};

use super::addresses::{Entry, Mailbox, distinct};
use super::outgoing::{Content, ContentWriter, Envelope, Outgoing, bad_message, cannot_keep, check_lines};
use super::unlabelled::Unlabelled;
use super::written::{is_encoded_name, people_field};
use super::{plain_text, stamp};
use crate::codec::eol::{BareCr, Normaliser};
use crate::words::{Address, Failure};
use mail_builder::headers::Header;
use mail_builder::headers::address as built;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::mime::MimePart;

/// What a message is composed of.
#[derive(Debug)]
pub struct Letter {
    /// The author.
    pub from: Mailbox,
    /// The recipients.
    pub to: Vec<Entry>,
    /// The recipients of copies.
    pub cc: Vec<Entry>,
    /// The recipients of blind copies: they are in the envelope and nowhere else.
    pub bcc: Vec<Entry>,
    /// Where answers go.
    pub reply_to: Vec<Entry>,
    /// The subject.
    pub subject: Option<String>,
    /// Other fields, `Name: value`.
    pub headers: Vec<String>,
    /// The Message-ID this answers.
    pub in_reply_to: Option<String>,
    /// The Message-IDs of the thread.
    pub references: Option<String>,
    /// The Message-ID; a new one where it is `None`.
    pub message_id: Option<String>,
    /// The date in the form of `RFC 3339` or `RFC 5322`; now where it is `None`.
    pub date: Option<String>,
    /// The text, in UTF-8.
    pub text: Option<Vec<u8>>,
    /// The HTML, in UTF-8.
    pub html: Option<Vec<u8>>,
    /// Attachments and inline files.
    pub parts: Vec<Part>,
}

/// Composes the message. The sender of the envelope is the author unless `sender` names another.
///
/// Fails with [`crate::words::Kind::Input`] for what must not be in a message, `Usage` for a field that
/// has an option of its own, `NoInput` for a file that cannot be read.
pub fn compose(letter: Letter, sender: Option<Option<Address>>) -> Result<Outgoing, Failure> {
    let recipients = recipients(&letter);
    if recipients.is_empty() {
        return Err(Failure::usage("send: looking for recipients: there is none")
            .hint("name them behind the options, or with --to, --cc, --bcc"));
    }
    let message_id = match &letter.message_id {
        Some(id) => values::message_id(id)?,
        None => stamp::message_id(letter.from.address.domain())?,
    };
    let mut sink = Sink::new();
    let header = header(&letter, &message_id)?;
    sink.push(&header)?;
    let envelope = Envelope { from: sender.unwrap_or_else(|| Some(letter.from.address.clone())), recipients };
    let international = is_international(&letter);
    body(letter, &mut sink)?;
    let content = sink.finish()?;
    check_lines(content.facts())?;
    Ok(Outgoing { envelope, content, message_id, international })
}

/// Every mailbox that gets the message, once.
fn recipients(letter: &Letter) -> Vec<Address> {
    let lists = [&letter.to, &letter.cc, &letter.bcc];
    let mailboxes = lists.into_iter().flatten().flat_map(Entry::mailboxes);
    distinct(mailboxes.map(|mailbox| mailbox.address.clone()))
}

/// Whether an address in the header cannot be written in ASCII.
fn is_international(letter: &Letter) -> bool {
    let lists = [&letter.to, &letter.cc, &letter.reply_to];
    let mut others = lists.into_iter().flatten().flat_map(Entry::mailboxes);
    !letter.from.address.is_ascii() || others.any(|mailbox| !mailbox.address.is_ascii())
}

/// A From field, for a message that lacks one.
pub(super) fn from_field(from: &Mailbox) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    list(&mut out, "From", &[Entry::Mailbox(from.clone())])?;
    Ok(out)
}

/// The header, up to the fields that describe the body.
fn header(letter: &Letter, message_id: &str) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let date = letter.date.as_deref().map_or_else(stamp::now, stamp::date)?;
    field(&mut out, "Date", &Raw::new(date));
    out.extend(from_field(&letter.from)?);
    list(&mut out, "To", &letter.to)?;
    list(&mut out, "Cc", &letter.cc)?;
    if letter.to.is_empty() && letter.cc.is_empty() {
        // An empty group: who gets it is nobody's business, and some servers want a To (RFC 5322 §3.4).
        field(&mut out, "To", &Raw::new("undisclosed-recipients:;"));
    }
    list(&mut out, "Reply-To", &letter.reply_to)?;
    if let Some(subject) = &letter.subject {
        field(&mut out, "Subject", &Text::new(values::text("the subject", subject)?));
    }
    field(&mut out, "Message-ID", &Raw::new(format!("<{message_id}>")));
    for (name, ids) in [("In-Reply-To", &letter.in_reply_to), ("References", &letter.references)] {
        if let Some(ids) = ids {
            field(&mut out, name, &Raw::new(values::message_ids(ids)?));
        }
    }
    for line in &letter.headers {
        let (name, value) = values::custom(line)?;
        match value.is_ascii() {
            true => field(&mut out, name, &Raw::new(value)),
            false => field(&mut out, name, &Text::new(value)),
        }
    }
    field(&mut out, "MIME-Version", &Raw::new("1.0"));
    Ok(out)
}

/// Writes one field, folded and encoded.
fn field(out: &mut Vec<u8>, name: &str, value: &impl Header) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    value.write_header(out, name.len() + 2);
}

/// An unstructured field, encoded where it is not ASCII.
pub(crate) fn text_field(name: &str, value: &str) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    field(&mut out, name, &Text::new(values::text(&format!("the field {name}"), value)?));
    Ok(out)
}

/// Writes a field of addresses; nothing where there are none.
pub(crate) fn list(out: &mut Vec<u8>, name: &str, entries: &[Entry]) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    for entry in entries {
        entry.mailboxes().iter().try_for_each(values::check_name)?;
        if let Entry::Group { name, .. } = entry {
            values::text("the name of a group", name)?;
        }
    }
    let is_encoded = |mailbox: &Mailbox| mailbox.name.as_deref().is_some_and(is_encoded_name);
    if entries.iter().flat_map(Entry::mailboxes).any(is_encoded) {
        // mail-builder would put them in quotes, and every reader would show them as they are.
        out.extend(people_field(name.as_bytes(), entries, &Unlabelled::of(b"")));
        return Ok(());
    }
    let mut items = Vec::with_capacity(entries.len());
    for entry in entries {
        items.push(match entry {
            Entry::Mailbox(mailbox) => built_mailbox(mailbox),
            Entry::Group { name, members } => {
                let members = members.iter().map(built_mailbox).collect();
                built::Address::new_group(Some(name.as_str()), members)
            }
        });
    }
    field(out, name, &built::Address::new_list(items));
    Ok(())
}

fn built_mailbox(mailbox: &Mailbox) -> built::Address<'_> {
    built::Address::new_address(mailbox.name.as_deref(), mailbox.address.as_str())
}

/// The body: text, or HTML beside it; inline files related to them; attachments mixed in.
fn body(letter: Letter, sink: &mut Sink) -> Result<(), Failure> {
    let html = letter.html.map(|html| parts::text("the HTML body", html)).transpose()?;
    let text = letter.text.map(|text| parts::text("the text body", text)).transpose()?;
    let text = match (text, &html) {
        (Some(text), _) => text,
        (None, Some(html)) => plain_text::of_html(html),
        (None, None) => String::new(),
    };
    let (inline, attached): (Vec<Part>, Vec<Part>) =
        letter.parts.into_iter().partition(|part| part.cid.is_some());
    let mut tree = parts::Tree::new(sink);
    let (mixed, related) = (!attached.is_empty(), !inline.is_empty());
    if mixed {
        tree.open("multipart/mixed")?;
    }
    if related {
        tree.open("multipart/related")?;
    }
    let alternative = html.is_some();
    if alternative {
        tree.open("multipart/alternative")?;
    }
    tree.leaf(MimePart::new("text/plain", text))?;
    if let Some(html) = html {
        tree.leaf(MimePart::new("text/html", html))?;
        tree.close()?;
    }
    for part in inline {
        tree.file(part)?;
    }
    if related {
        tree.close()?;
    }
    for part in attached {
        tree.file(part)?;
    }
    if mixed {
        tree.close()?;
    }
    Ok(())
}

/// Where the message goes as it is made. It checks that what was made is fit for the wire.
struct Sink {
    spool: ContentWriter,
    guard: Normaliser,
    clean: Vec<u8>,
}

impl Sink {
    fn new() -> Self {
        Sink { spool: ContentWriter::default(), guard: Normaliser::new(BareCr::Refuse), clean: Vec::new() }
    }

    fn push(&mut self, octets: &[u8]) -> Result<(), Failure> {
        self.clean.clear();
        self.guard.push(octets, &mut self.clean).map_err(bad_message)?;
        self.spool.push(&self.clean).map_err(|error| cannot_keep(&error))
    }

    fn finish(mut self) -> Result<Content, Failure> {
        self.clean.clear();
        self.guard.finish(&mut self.clean).map_err(bad_message)?;
        self.spool.push(&self.clean).map_err(|error| cannot_keep(&error))?;
        self.spool.finish().map_err(|error| cannot_keep(&error))
    }
}

#[cfg(test)]
mod tests;
