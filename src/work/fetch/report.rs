//! The events of a fetch, and their observer.

use crate::mail::summary::Summary;
use crate::mailbox::{Listing, Row};
use crate::store::{Delivered, Details, Place};
use crate::words::Failure;
use crate::work::plan::{Policy, Reason};
use std::collections::HashSet;
use std::sync::Arc;

/// What happened to a message; in a dry run, what would happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Stored and recorded.
    Delivered,
    /// Not fetched, for a reason that is not a failure.
    Skipped,
    /// Deleted from the server, confirmed.
    Deleted,
    WouldDeliver,
    /// It would be fetched and compared with the message stored under its UID.
    WouldCompare,
    WouldDelete,
    WouldMark,
}

/// What happened to a message, with details.
#[derive(Clone, Debug)]
pub struct MessageReport {
    pub action: Action,
    pub row: Row,
    pub new: bool,
    /// Where it is stored.
    pub place: Option<Place>,
    /// How many octets were stored.
    pub stored: Option<u64>,
    /// The SHA-256 of these octets.
    pub sha256: Option<[u8; 32]>,
    pub summary: Option<Summary>,
    /// What the server keeps of it beside its octets.
    pub details: Option<Details>,
    /// The folder of the server to which it was moved instead of being deleted, if it was.
    pub moved_to: Option<String>,
    /// Why it was skipped.
    pub reason: Option<Reason>,
}

/// An event of a fetch.
#[derive(Clone, Debug)]
pub enum Event {
    /// How many messages will be fetched, and their octets.
    Planned(u64, u64),
    Message(Box<MessageReport>),
    /// A failure that does not end the session, and the message it concerns, if any.
    Failed(Option<Row>, Failure),
    /// So many more octets have arrived.
    Octets(u64),
    /// There was nothing to do; so many listed messages were fetched before.
    NothingNew(u64),
    /// The seconds that the server wants between two logins.
    LoginDelay(u64),
    /// A fetch has come to its end and the next one is waited for. `what` says so the first time.
    Waits {
        what: Option<String>,
        /// How many messages this fetch has delivered.
        delivered: u64,
    },
    /// A UID that was asked for, and that the server does not list.
    NotListed(String),
    /// So many messages were marked as seen, or would be (`is_rehearsed`).
    Marked {
        count: u64,
        is_rehearsed: bool,
    },
    /// A remark for people.
    Note(String),
    /// The failure that ended the account's run.
    Ended(Failure),
    /// The failure that ended the run of one folder among several.
    FolderEnded(Arc<str>, Failure),
}

impl Event {
    /// What is said of marks.
    pub fn marked_in_words(count: u64, is_rehearsed: bool) -> String {
        let would = if is_rehearsed { "would be " } else { "" };
        format!("{count} message(s) {would}marked as seen")
    }
}

/// Tells of the UIDs that were asked for by name and are not listed.
pub(super) fn tell_unlisted(listing: &Listing, policy: &Policy, observer: &mut dyn Observer) {
    let Some(uids) = policy.uids.as_ref().filter(|_| listing.has_uids) else { return };
    let listed: HashSet<&[u8]> = (0..listing.len()).filter_map(|place| listing.uid(place)).collect();
    let mut missing: Vec<&Vec<u8>> = uids.iter().filter(|uid| !listed.contains(uid.as_slice())).collect();
    missing.sort();
    for uid in missing {
        observer.event(Event::NotListed(String::from_utf8_lossy(uid).into_owned()));
    }
}

/// Receives the events of a fetch.
pub trait Observer {
    fn event(&mut self, event: Event);
    /// Whether headers are needed; reading them takes time.
    fn wants_headers(&self) -> bool;
    /// Whether the reader of the output is gone, so that the job should end after the current step.
    fn gone(&self) -> bool {
        false
    }
}

impl MessageReport {
    /// A message that was delivered to standard output.
    pub fn delivered(row: Row, summary: Summary) -> Self {
        MessageReport {
            place: Some(Place::Stdout),
            summary: Some(summary),
            ..MessageReport::new(Action::Delivered, row, true)
        }
    }

    /// The same with the details of a stored message. One that was stored without a record is not reported as delivered.
    pub(super) fn stored(self, delivered: &Delivered) -> Self {
        let report = MessageReport {
            place: Some(delivered.place().clone()),
            stored: Some(delivered.size()),
            sha256: Some(*delivered.sha256()),
            details: delivered.details().cloned(),
            ..self
        };
        let reason = match delivered.place() {
            _ if delivered.is_old() => Reason::Stored,
            Place::OtherFolder => Reason::InOtherFolder,
            _ => return report,
        };
        MessageReport { action: Action::Skipped, reason: Some(reason), new: false, ..report }
    }

    /// The same, moved to this folder if it was moved at all.
    pub(super) fn moved_to(self, folder: Option<&str>) -> Self {
        MessageReport { moved_to: folder.map(str::to_owned), ..self }
    }

    pub(super) fn new(action: Action, row: Row, new: bool) -> Self {
        MessageReport {
            action,
            row,
            new,
            place: None,
            stored: None,
            sha256: None,
            summary: None,
            details: None,
            moved_to: None,
            reason: None,
        }
    }
}

impl From<MessageReport> for Event {
    fn from(report: MessageReport) -> Self {
        Event::Message(Box::new(report))
    }
}
