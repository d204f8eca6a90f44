//! What a session amounted to.

use super::report::{Action, Event, MessageReport, Observer};
use crate::mailbox::{Remedy, Row, Setback};
use crate::words::{Exit, Failure, Kind, Scope, Stage};
use crate::work::plan::Reason;

/// How a session broke down.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What may help.
    pub remedy: Remedy,
    /// The message at which it happened, if at one.
    pub row: Option<Row>,
    /// Whether that was to be deleted, not fetched.
    pub deleting: bool,
}

/// What a session amounted to.
#[derive(Debug, Default)]
pub struct SessionOutcome {
    /// Whether the server came so far as to list the mailbox.
    pub listed: bool,
    /// Messages listed that were fetched before, or marked.
    pub known: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Messages deleted from the server, confirmed.
    pub deleted: u64,
    /// Failures of single messages: their classes.
    pub failed: Vec<Kind>,
    /// Of these the refused deletions: the message itself is safe here.
    pub undeleted: u64,
    /// Of these the messages that the server names no usable UID for.
    pub unnamed: u64,
    /// What ended the session before its end.
    pub ended: Option<Failure>,
    /// What may help after that.
    pub setback: Option<Trouble>,
    /// Whether that left something undone besides the message at which it happened.
    pub rest: bool,
    /// Whether messages were left for another session, see [`crate::work::plan::Plan::held`].
    pub held: bool,
    /// What was fetched, by UID, where the policy is to fetch what is known too.
    pub done: Vec<Vec<u8>>,
    /// Whether it was given up because of a message larger than is wanted: that is noted, and another session
    /// does not ask for it.
    pub gave_up_large: bool,
    /// Whether deletions are due that only another session may make.
    pub deletions_due: bool,
    /// The seconds the server wants between two logins.
    pub login_delay: u64,
}

impl Trouble {
    /// Of a setback; `row`: the message at a place among those that were asked for.
    pub(super) fn of(setback: Setback, row: impl FnOnce(usize) -> Option<Row>, deleting: bool) -> Self {
        Trouble { remedy: setback.remedy, row: setback.at.and_then(row), deleting }
    }
}

impl SessionOutcome {
    /// The exit code of the whole. What ended the session decides alone; else single messages count, and one
    /// whose deletion was refused is a message that came. A message without a UID never comes: what came in
    /// earlier runs is the rest that went on.
    pub fn exit(&self) -> Exit {
        if let Some(failure) = &self.ended {
            return failure.exit();
        }
        let beside = self.unnamed > 0 && self.known > 0;
        Exit::combine(
            self.failed.iter().map(|kind| kind.exit()),
            beside || self.delivered + self.deleted + self.undeleted > 0,
        )
    }

    /// Tells that something failed which does not end the session.
    pub(super) fn fail(&mut self, observer: &mut dyn Observer, row: Option<Row>, failure: Failure) {
        self.failed.push(failure.kind);
        observer.event(Event::Failed(row, failure));
    }

    /// Tells that a message is left alone.
    pub(super) fn skip(&mut self, observer: &mut dyn Observer, row: Row, reason: Reason) {
        if reason == Reason::NoUid {
            let message = format!("UIDL: message {}: the server names no usable UID for it", row.number);
            let failure = Failure::new(Kind::Protocol, Stage::Uidl, message).scoped(Scope::Message);
            self.unnamed += 1;
            return self.fail(observer, Some(row), failure);
        }
        let new = !matches!(reason, Reason::Ambiguous | Reason::Resized);
        let told = MessageReport::new(Action::Skipped, row, new);
        observer.event(MessageReport { reason: Some(reason), ..told }.into());
    }
}
