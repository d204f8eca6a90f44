//! `fetch --stdout --json`: each message as a `parsed` line. The sink of standard output writes it, because the
//! line has to be written and flushed before the message counts as fetched.

use crate::cmd::message::MessageLine;
use crate::mail::content::{Attached, Readable};
use crate::mail::summary::Summary;
use crate::mailbox::Row;
use crate::output::json;
use crate::store::{PrintForm, Printable};
use crate::work::fetch::MessageReport;
use serde::Serialize;
use std::io::{self, Write};
use std::sync::Arc;

/// The line of a larger message has only its header.
const MAX_PARSED: u64 = 32 * 1024 * 1024;

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
    content_type: &'a str,
    size: usize,
    cid: Option<&'a str>,
    sha256: String,
}

impl<'a> AttachmentObject<'a> {
    fn of(one: &'a Attached) -> Self {
        AttachmentObject {
            name: one.name.as_deref(),
            content_type: &one.content_type,
            size: one.size,
            cid: one.cid.as_deref(),
            sha256: json::hex(&one.sha256),
        }
    }
}

/// Messages as parsed lines.
pub struct Parsed {
    pub account: String,
    /// The folder they come from, where the protocol has some.
    pub folder: Option<Arc<str>>,
}

impl PrintForm for Parsed {
    fn put(&mut self, mut message: Printable, out: &mut dyn Write) -> io::Result<()> {
        let uid = message.identity.uid();
        let uid = (!uid.is_empty()).then(|| uid.to_vec());
        let details = message.details.take();
        let validity = details.as_ref().and_then(|details| details.validity);
        let size = message.wire_size.or(details.as_ref().and_then(|details| details.size));
        let row = Row { number: message.number, uid, size, folder: self.folder.clone(), validity };
        let (size, sha256) = (message.size, message.sha256);
        let (octets, is_all) = octets(message)?;
        let content = if is_all { Readable::of(&octets) } else { None };
        let is_parsed = content.as_ref().is_some_and(|content| content.is_whole);
        let content = content.unwrap_or_default();
        let mut told = MessageReport::delivered(row, Summary::of(&octets));
        told.stored = Some(size);
        told.sha256 = Some(sha256);
        told.details = details;
        let line = ParsedLine {
            message: MessageLine::fetched(&self.account, &told).undecoded(&content.undecoded),
            text: content.text.as_deref(),
            html: content.html.as_deref(),
            attachments: content.attachments.iter().map(AttachmentObject::of).collect(),
            parsed: is_parsed,
        };
        out.write_all(json::line("message", &line).map_err(io::Error::other)?.as_bytes())
    }
}

/// A message, or only its header if it is too large; and whether it is complete.
fn octets(mut message: Printable) -> io::Result<(Vec<u8>, bool)> {
    if message.size > MAX_PARSED {
        return Ok((message.head(crate::mail::summary::MAX_HEADER)?, false));
    }
    let mut octets = Vec::with_capacity(usize::try_from(message.size).unwrap_or(0));
    message.read(|block| {
        octets.extend_from_slice(block);
        Ok(())
    })?;
    Ok((octets, true))
}
