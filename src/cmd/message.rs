//! The `message` line of fetch and list.

use crate::mail::summary::{Person, Summary};
use crate::mailbox::Row;
use crate::output::json::hex;
use crate::store::{Details, Place};
use crate::work::fetch::{Action, MessageReport};
use crate::work::list::Listed;
use crate::work::plan::Reason;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

#[derive(Debug, Serialize)]
pub struct MessageLine<'a> {
    account: &'a str,
    number: u32,
    uid: Option<String>,
    size: Option<u64>,
    date: Option<&'a str>,
    from: Vec<PersonObject<'a>>,
    to: Vec<PersonObject<'a>>,
    subject: Option<&'a str>,
    message_id: Option<&'a str>,
    new: bool,
    /// By IMAP alone, as the three behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uidvalidity: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The path in base64, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mbox: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The fields that could not be decoded completely because of their charset.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    undecoded: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct PersonObject<'a> {
    name: Option<&'a str>,
    address: Option<&'a str>,
}

fn people(people: &[Person]) -> Vec<PersonObject<'_>> {
    people
        .iter()
        .map(|one| PersonObject { name: one.name.as_deref(), address: one.address.as_deref() })
        .collect()
}

pub fn shown(path: &Path) -> Option<String> {
    Some(path.to_string_lossy().into_owned())
}

/// The octets of a path in base64, if it is not UTF-8.
pub fn octets_of(path: &Path) -> Option<String> {
    path.to_str().is_none().then(|| STANDARD.encode(path.as_os_str().as_bytes()))
}

/// A UID as text; octets that are not UTF-8 are replaced.
pub fn uid_text(row: &Row) -> Option<String> {
    row.uid.as_ref().map(|uid| String::from_utf8_lossy(uid).into_owned())
}

impl<'a> MessageLine<'a> {
    fn new(account: &'a str, row: &Row, new: bool, summary: Option<&'a Summary>) -> Self {
        MessageLine {
            account,
            number: row.number,
            uid: uid_text(row),
            size: row.size,
            date: summary.and_then(|summary| summary.date.as_deref()),
            from: summary.map(|summary| people(&summary.from)).unwrap_or_default(),
            to: summary.map(|summary| people(&summary.to)).unwrap_or_default(),
            subject: summary.and_then(|summary| summary.subject.as_deref()),
            message_id: summary.and_then(|summary| summary.message_id.as_deref()),
            new,
            folder: row.folder.as_deref().map(str::to_owned),
            uidvalidity: row.validity,
            flags: None,
            internal_date: None,
            action: None,
            reason: None,
            moved_to: None,
            path: None,
            path_bytes: None,
            mbox: None,
            offset: None,
            stored_size: None,
            sha256: None,
            undecoded: summary.map(|summary| summary.undecoded.clone()).unwrap_or_default(),
        }
    }

    /// The line for a listed message.
    pub fn listed(account: &'a str, listed: &'a Listed) -> Self {
        let line = MessageLine::new(account, &listed.row, listed.new, listed.summary.as_ref());
        line.detailed(listed.details.as_ref())
    }

    fn detailed(mut self, details: Option<&'a Details>) -> Self {
        self.flags = details.map(|details| &details.flags[..]);
        let received = details.and_then(|details| details.received);
        self.internal_date = received
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .map(|time| time.to_string());
        self
    }

    /// The line for what a fetch did to a message.
    pub fn fetched(account: &'a str, told: &'a MessageReport) -> Self {
        let line = MessageLine::new(account, &told.row, told.new, told.summary.as_ref());
        let mut line = line.detailed(told.details.as_ref());
        line.action = Some(match told.action {
            Action::Delivered => "delivered",
            Action::Skipped => "skipped",
            Action::Deleted => "deleted",
            Action::WouldDeliver => "would_deliver",
            Action::WouldCompare => "would_compare",
            Action::WouldDelete => "would_delete",
            Action::WouldMark => "would_mark",
        });
        line.reason = told.reason.map(|reason| match reason {
            Reason::TooLarge => "too_large",
            Reason::Resized => "same_message",
            Reason::Stored => "in_maildir",
            Reason::InOtherFolder => "in_other_folder",
            Reason::BeyondLimit => "beyond_limit",
            Reason::NoUid => "no_uid",
            Reason::Ambiguous => "ambiguous_uid",
            Reason::FolderInternal => "folder_internal_data",
        });
        line.moved_to = told.moved_to.as_deref();
        match &told.place {
            Some(Place::Maildir(path)) => {
                line.path = shown(path);
                line.path_bytes = octets_of(path);
            }
            Some(Place::Mbox { path, offset }) => {
                line.mbox = shown(path);
                line.path_bytes = octets_of(path);
                line.offset = Some(*offset);
            }
            Some(Place::Command | Place::Stdout | Place::OtherFolder) | None => {}
        }
        line.stored_size = told.stored;
        line.sha256 = told.sha256.map(|octets| hex(&octets));
        line
    }

    /// The same line with more fields that could not be decoded.
    pub fn undecoded(mut self, more: &[&'static str]) -> Self {
        self.undecoded.extend_from_slice(more);
        self
    }
}
