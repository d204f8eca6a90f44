//! The result of a session.

use super::report::{Action, Event, MessageReport, Observer};
use crate::mailbox::{Remedy, Row, Setback};
use crate::words::{Exit, Failure, Kind, Scope};
use crate::work::plan::Reason;

/// How a session failed, and what may help.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub remedy: Remedy,
    /// The message at which it happened, if there was one.
    pub row: Option<Row>,
    /// Whether that message was being deleted, not fetched.
    pub deleting: bool,
}

/// The result of a session.
#[derive(Debug, Default)]
pub struct SessionOutcome {
    /// Whether the server listed the mailbox.
    pub listed: bool,
    /// How many listed messages were fetched before, or marked.
    pub known: u64,
    /// How many messages were delivered.
    pub delivered: u64,
    /// How many messages were deleted from the server, confirmed.
    pub deleted: u64,
    /// The kinds of failure of single messages.
    pub failed: Vec<Kind>,
    /// How many of these are refused deletions: the message itself is stored.
    pub undeleted: u64,
    /// How many of these are messages without a usable UID.
    pub unnamed: u64,
    /// The failure that ended the session early.
    pub ended: Option<Failure>,
    /// What may help after that.
    pub setback: Option<Trouble>,
    /// Whether something else than the message at which it failed was left undone.
    pub rest: bool,
    /// Whether messages were left for another session, see [`crate::work::plan::Plan::held`].
    pub held: bool,
    /// The UIDs of fetched messages, with `--all`.
    pub done: Vec<Vec<u8>>,
    /// Whether it was given up because of a too large message: that is recorded, and another session does not ask for
    /// it.
    pub gave_up_large: bool,
    /// Whether deletions are due that only another session may make.
    pub deletions_due: bool,
    /// The seconds the server wants between two logins.
    pub login_delay: u64,
}

impl Trouble {
    /// `row`: gives the message for an index into those that were asked for.
    pub(super) fn of(setback: Setback, row: impl FnOnce(usize) -> Option<Row>, deleting: bool) -> Self {
        Trouble { remedy: setback.remedy, row: setback.at.and_then(row), deleting }
    }
}

impl SessionOutcome {
    /// The exit code. A failure that ended the session decides; else the failures of single messages. A message whose
    /// deletion was refused counts as a success, too. A message without a UID can never be fetched; beside it the
    /// messages of earlier runs count as successes.
    pub fn exit(&self) -> Exit {
        if let Some(failure) = &self.ended {
            return failure.exit();
        }
        let earlier = self.unnamed > 0 && self.known > 0;
        Exit::combine(
            self.failed.iter().map(|kind| kind.exit()),
            earlier || self.delivered + self.deleted + self.undeleted > 0,
        )
    }

    /// Reports a failure that does not end the session.
    pub(super) fn fail(&mut self, observer: &mut dyn Observer, row: Option<Row>, failure: Failure) {
        self.failed.push(failure.kind());
        observer.event(Event::Failed(row, failure));
    }

    /// Reports that a message is skipped.
    pub(super) fn skip(&mut self, observer: &mut dyn Observer, row: Row, reason: Reason) {
        if reason == Reason::NoUid {
            let stage = row.listed_by();
            let message = format!("{stage}: message {}: the server names no usable UID for it", row.number);
            let failure = Failure::new(Kind::Protocol, stage, message).scoped(Scope::Message);
            self.unnamed += 1;
            return self.fail(observer, Some(row), failure);
        }
        let new = !matches!(reason, Reason::Ambiguous | Reason::Resized);
        let report = MessageReport::new(Action::Skipped, row, new);
        observer.event(MessageReport { reason: Some(reason), ..report }.into());
    }
}
