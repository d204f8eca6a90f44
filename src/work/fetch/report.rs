//! What the job tells while it runs.

use crate::mail::summary::Summary;
use crate::mailbox::Row;
use crate::store::{Delivered, Place};
use crate::words::Failure;
use crate::work::plan::Reason;

/// What happened to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is stored and recorded.
    Delivered,
    /// It was left alone, for a reason that is no failure.
    Skipped,
    /// It is gone from the server.
    Deleted,
    /// It would be stored, were this not a dry run.
    WouldDeliver,
    /// It would be fetched and compared with what is stored under its UID, were this not a dry run.
    WouldCompare,
    /// It would be deleted from the server, were this not a dry run.
    WouldDelete,
    /// It would be marked as seen, were this not a dry run.
    WouldMark,
}

/// A message, as the job tells of it.
#[derive(Clone, Debug)]
pub struct MessageReport {
    /// What happened.
    pub action: Action,
    /// Its row in the listing.
    pub row: Row,
    /// Whether it was new.
    pub new: bool,
    /// Where it went.
    pub place: Option<Place>,
    /// The octets stored.
    pub stored: Option<u64>,
    /// Their SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// Its header.
    pub summary: Option<Summary>,
    /// Why it was skipped.
    pub reason: Option<Reason>,
}

/// What the job tells while it runs.
#[derive(Clone, Debug)]
pub enum Event {
    /// How many messages will be fetched, and their octets.
    Planned(u64, u64),
    /// Something happened to a message.
    Message(Box<MessageReport>),
    /// Something failed that does not end the session; the row it concerns, if it concerns one.
    Failed(Option<Row>, Failure),
    /// This many more octets have arrived.
    Octets(u64),
    /// The run found nothing to do; so many messages that are listed were fetched before.
    NothingNew(u64),
    /// A remark for people.
    Note(String),
    /// What ended the account's run.
    Ended(Failure),
}

/// Listens to the job.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: Event);
    /// Whether headers are of interest: they cost time.
    fn wants_headers(&self) -> bool;
    /// Whether the one who listens is gone and the job should end after the step it is in.
    fn gone(&self) -> bool {
        false
    }
}

impl MessageReport {
    /// What is known of a message that goes to standard output.
    pub fn delivered(row: Row, summary: Summary) -> Self {
        MessageReport {
            place: Some(Place::Stdout),
            summary: Some(summary),
            ..MessageReport::new(Action::Delivered, row, true)
        }
    }

    /// With what is told of a message that is stored. One that lies there without a record is not delivered.
    pub(super) fn stored(self, delivered: &Delivered) -> Self {
        let report = MessageReport {
            place: Some(delivered.place().clone()),
            stored: Some(delivered.size()),
            sha256: Some(*delivered.sha256()),
            ..self
        };
        match delivered.is_old() {
            true => {
                let reason = Some(Reason::Stored);
                MessageReport { action: Action::Skipped, reason, new: false, ..report }
            }
            false => report,
        }
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
            reason: None,
        }
    }
}

impl From<MessageReport> for Event {
    fn from(told: MessageReport) -> Self {
        Event::Message(Box::new(told))
    }
}
