//! Composing a message (`RFC 5322`, `RFC 2045`-`2047`, `2183`, `2231`, `2387`). mail-builder, imported only
//! here, encodes texts; the message itself is put together here, so that attachments are streamed and no field
//! comes twice.
//!
//! The result is US-ASCII in lines of at most 78 octets (longer only if a word cannot be broken), unless an
//! address needs SMTPUTF8. There is no Bcc field. No input can add a field: CR, LF and NUL are refused, not
//! removed.

mod parts;
mod text;
mod values;

pub use parts::{Part, PartSource};
pub(crate) use text::Charset;

use super::addresses::{Entry, Mailbox, distinct};
use super::outgoing::{Content, ContentWriter, Envelope, Outgoing, bad_message, cannot_keep, check_lines};
use super::unlabelled::Unlabelled;
use super::written::{folded, people_field, text as written_text};
use super::{plain_text, stamp};
use crate::codec::eol::Normaliser;
use crate::words::{Address, Failure, ReversePath};
use text::TextBody;

/// What a message is composed of.
#[derive(Debug)]
pub struct Composition {
    pub from: Mailbox,
    pub to: Vec<Entry>,
    pub cc: Vec<Entry>,
    /// They get into the envelope and nowhere else.
    pub bcc: Vec<Entry>,
    pub reply_to: Vec<Entry>,
    /// In UTF-8 or in an unknown charset.
    pub subject: Option<Vec<u8>>,
    /// Other fields, `Name: value`.
    pub headers: Vec<String>,
    /// One Message-ID or several.
    pub in_reply_to: Option<String>,
    /// One Message-ID or several.
    pub references: Option<String>,
    /// `None`: a new one.
    pub message_id: Option<String>,
    /// In the form of `RFC 3339` or `RFC 5322`; `None`: now.
    pub date: Option<String>,
    pub text: Option<Vec<u8>>,
    pub html: Option<Vec<u8>>,
    /// The charset of a text or HTML that is not UTF-8; `None`: unknown.
    pub charset: Option<Charset>,
    /// Attachments and inline files.
    pub parts: Vec<Part>,
}

/// Composes the message. `sender` is the sender of the envelope; `None`: the author.
///
/// Fails with [`crate::words::Kind::Input`] for what must not be in a message, `Usage` for a field that has an
/// option of its own, `NoInput` for a file that cannot be read.
pub fn compose(composition: Composition, sender: Option<ReversePath>) -> Result<Outgoing, Failure> {
    let recipients = recipients(&composition);
    if recipients.is_empty() {
        return Err(Failure::usage("send: looking for recipients: there are none")
            .hint("name them after the options, or with --to, --cc, --bcc"));
    }
    let message_id = match &composition.message_id {
        Some(id) => values::message_id(id)?,
        None => stamp::message_id(composition.from.address.domain())?,
    };
    let mut sink = MessageSink::new();
    let header = header(&composition, &message_id)?;
    sink.push(&header)?;
    let envelope =
        Envelope { from: sender.unwrap_or_else(|| composition.from.address.clone().into()), recipients };
    let international = is_international(&composition);
    body(composition, &mut sink)?;
    let content = sink.finish()?;
    check_lines(content.facts())?;
    Ok(Outgoing { envelope, content, message_id, international })
}

/// Everybody who gets the message, without duplicates.
fn recipients(composition: &Composition) -> Vec<Address> {
    let lists = [&composition.to, &composition.cc, &composition.bcc];
    let mailboxes = lists.into_iter().flatten().flat_map(Entry::mailboxes);
    distinct(mailboxes.map(|mailbox| mailbox.address.clone()))
}

/// Whether an address in the header cannot be written in ASCII.
fn is_international(composition: &Composition) -> bool {
    let lists = [&composition.to, &composition.cc, &composition.reply_to];
    let mut others = lists.into_iter().flatten().flat_map(Entry::mailboxes);
    !composition.from.address.is_ascii() || others.any(|mailbox| !mailbox.address.is_ascii())
}

/// A From field, for a message without one.
pub(super) fn from_field(from: &Mailbox) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    list(&mut out, "From", &[Entry::Mailbox(from.clone())])?;
    Ok(out)
}

/// The header, up to the fields that describe the body.
fn header(composition: &Composition, message_id: &str) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let date = composition.date.as_deref().map_or_else(stamp::now, stamp::date)?;
    field(&mut out, "Date", &date);
    out.extend(from_field(&composition.from)?);
    list(&mut out, "To", &composition.to)?;
    list(&mut out, "Cc", &composition.cc)?;
    if composition.to.is_empty() && composition.cc.is_empty() {
        // An empty group (RFC 5322 §3.4): it names no recipient, and some servers want a To field.
        field(&mut out, "To", "undisclosed-recipients:;");
    }
    list(&mut out, "Reply-To", &composition.reply_to)?;
    if let Some(subject) = &composition.subject {
        values::text("the subject", Unlabelled::of(subject).as_str())?;
        out.extend(written_text(b"Subject", subject, true));
    }
    field(&mut out, "Message-ID", &format!("<{message_id}>"));
    for (name, ids) in [("In-Reply-To", &composition.in_reply_to), ("References", &composition.references)] {
        if let Some(ids) = ids {
            field(&mut out, name, &values::message_ids(ids)?);
        }
    }
    for line in &composition.headers {
        let (name, value) = values::custom(line)?;
        out.extend(written_text(name.as_bytes(), value.as_bytes(), false));
    }
    field(&mut out, "MIME-Version", "1.0");
    Ok(out)
}

/// Writes an ASCII field, folded.
fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend(folded(name.as_bytes(), value.as_bytes()));
}

/// An unstructured field, in encoded words if it is not ASCII.
pub(crate) fn text_field(name: &str, value: &str) -> Result<Vec<u8>, Failure> {
    let value = values::text(&format!("the field {name}"), value)?;
    Ok(written_text(name.as_bytes(), value.as_bytes(), true))
}

/// Writes a field of addresses, if there are any.
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
    out.extend(people_field(name.as_bytes(), entries, &Unlabelled::of(b"")));
    Ok(())
}

/// Writes the body: text and HTML as alternatives, inline files related to the HTML, attachments mixed in.
fn body(composition: Composition, sink: &mut MessageSink) -> Result<(), Failure> {
    parts::check_ids(&composition.parts)?;
    let charset = composition.charset.as_ref();
    let html = composition.html.map(|html| TextBody::of_html(html, charset));
    let text = match (composition.text, &html) {
        (Some(text), _) => TextBody::of_text(text, charset),
        (None, Some(html)) => TextBody::of_text(plain_text::of_html(&html.to_utf8()).into_bytes(), None),
        (None, None) => TextBody::of_text(Vec::new(), None),
    };
    let (inline, attached): (Vec<Part>, Vec<Part>) =
        composition.parts.into_iter().partition(|part| part.cid.is_some());
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
    tree.text("plain", text)?;
    if let Some(html) = html {
        tree.text("html", html)?;
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

/// Takes the message while it is composed, and checks that its octets are fit for the wire.
struct MessageSink {
    spool: ContentWriter,
    guard: Normaliser,
    clean: Vec<u8>,
}

impl MessageSink {
    fn new() -> Self {
        MessageSink { spool: ContentWriter::default(), guard: Normaliser::default(), clean: Vec::new() }
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
