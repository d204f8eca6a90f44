//! `fetch --stdout --json`: each message as a parsed line. The line is written and flushed before the
//! message counts as fetched, so it is made where the sink writes.

use crate::cmd::message::MessageLine;
use crate::mail::content::Content;
use crate::mail::summary::Summary;
use crate::output::json;
use crate::pop3::Row;
use crate::streams::StdStream;
use crate::work::fetch::{Action, Event, Observer, Told};
use mail_parser::mailbox::mbox::MessageIterator;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// Of a larger message only the header is in its line.
const MAX_PARSED: usize = 32 * 1024 * 1024;

/// The message that comes next, as far as it is known before it is written.
pub type Slot = Rc<RefCell<Option<(Row, Summary)>>>;

#[derive(Serialize)]
struct ParsedLine<'a> {
    #[serde(flatten)]
    message: MessageLine<'a>,
    text: Option<&'a str>,
    html: Option<&'a str>,
    attachments: Vec<AttachmentObject<'a>>,
    parsed: bool,
}

#[derive(Serialize)]
struct AttachmentObject<'a> {
    name: Option<&'a str>,
    #[serde(rename = "type")]
    content_type: Option<&'a str>,
    size: usize,
}

/// Stands where the sink expects standard output: takes one message in mboxrd up to each flush, and writes
/// its line.
pub struct ParsedOutput {
    /// The account's label.
    pub account: String,
    /// What is known of the message.
    pub slot: Slot,
    /// The message so far.
    pub mbox: Vec<u8>,
    /// Whether it is larger than is parsed.
    pub overlong: bool,
}

impl Write for ParsedOutput {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.mbox.len() + octets.len() > MAX_PARSED {
            self.overlong = true;
        } else if !self.overlong {
            self.mbox.extend_from_slice(octets);
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mbox = std::mem::take(&mut self.mbox);
        let overlong = std::mem::take(&mut self.overlong);
        let Some((row, summary)) = self.slot.borrow_mut().take() else { return Ok(()) };
        let message = MessageIterator::new(&mbox[..]).next().and_then(Result::ok);
        let octets = message.as_ref().map(|message| message.contents()).unwrap_or_default();
        let content = if overlong { None } else { Content::of(octets) };
        let mut told = Told::delivered(row, summary);
        if !overlong {
            told.stored = Some(octets.len() as u64);
            told.sha256 = Some(Sha256::digest(octets).into());
        }
        let shown = content.clone().unwrap_or_default();
        let attachments = shown.attachments.iter().map(|one| AttachmentObject {
            name: one.name.as_deref(),
            content_type: Some(&one.content_type),
            size: one.size,
        });
        let line = ParsedLine {
            message: MessageLine::fetched(&self.account, &told),
            text: shown.text.as_deref(),
            html: shown.html.as_deref(),
            attachments: attachments.collect(),
            parsed: content.is_some(),
        };
        let text = json::line("message", &line).map_err(io::Error::other)?;
        StdStream::output().write_all(text.as_bytes())
    }
}

/// Passes events on, but for the deliveries, whose lines are written already; keeps what comes next.
pub struct Noting<'a> {
    /// Who listens.
    pub inner: &'a mut dyn Observer,
    /// Where what comes next is kept.
    pub slot: Slot,
}

impl Observer for Noting<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Message(told) if told.action == Action::Delivered => {
                self.inner.event(Event::Printed(told));
            }
            other => self.inner.event(other),
        }
    }

    fn wants_headers(&self) -> bool {
        true
    }

    fn whole(&mut self, row: &Row, summary: &Summary) {
        *self.slot.borrow_mut() = Some((row.clone(), summary.clone()));
    }

    fn gone(&self) -> bool {
        self.inner.gone()
    }
}
