//! What follows a session that failed at a message, or in a way that another session may avoid.

use super::{MOST_IN_A_ROW, MOST_SPOILED, Next, Sessions};
use crate::mailbox::Row;
use crate::store::Trait;
use crate::words::{After, Failure, Kind, Scope, Stage};
use crate::work::access::SessionMode;
use crate::work::fetch::{Event, Observer as _, SessionOutcome, Trouble};
use crate::work::plan::MOST_LOSSES;

impl Sessions<'_> {
    /// After the early listings failed: asks for the listings after the login. Nothing but time was lost, so the next
    /// session decides whether the run fails.
    pub(super) fn after_login(&mut self, mode: SessionMode, outcome: SessionOutcome) -> Next {
        self.observer.drop_failures();
        self.mode = mode;
        self.lost_after_login = outcome.ended.is_some_and(|failure| failure.kind() == Kind::Network);
        if self.lost_after_login {
            return Next::Another;
        }
        // Recorded at once: if the second login is refused, the next run need not try this again.
        match self.ledger.note_trait(Trait::LosesBehindLogin) {
            Ok(()) => Next::Another,
            Err(error) => self.end(error.failure(Stage::Ledger)),
        }
    }

    /// Tries again in another mode.
    pub(super) fn otherwise(
        &mut self,
        text: &str,
        mode: SessionMode,
        outcome: SessionOutcome,
        trouble: Trouble,
    ) -> Next {
        self.observer.event(Event::Note(text.into()));
        self.observer.drop_failures();
        self.mode = mode;
        let dropped = outcome.ended.as_ref().is_some_and(|failure| failure.kind() != Kind::Protocol);
        self.total.ended = outcome.ended;
        match trouble.row.and_then(|row| row.uid).filter(|_| dropped) {
            Some(uid) => match self.ledger.note_loss(&uid) {
                Ok(_) => Next::Another,
                Err(error) => self.end(error.failure(Stage::Ledger)),
            },
            None => Next::Another,
        }
    }

    /// A message broke the dialogue: the others go on in a session without it. But nothing is deleted in this run,
    /// because the server's framing cannot be trusted.
    pub(super) fn spoiled(&mut self, mut outcome: SessionOutcome, trouble: Trouble) -> Next {
        let row = trouble.row.filter(|_| self.policy.shunned.len() < MOST_SPOILED);
        let (Some(row), Some(failure)) = (row, outcome.ended.take_if(|_| true)) else {
            return self.conclude(outcome);
        };
        let Some(uid) = row.uid.clone() else {
            outcome.ended = Some(failure);
            return self.conclude(outcome);
        };
        self.observer.keep();
        self.total.failed.append(&mut outcome.failed);
        self.total.failed.push(failure.kind());
        self.total.ended = None;
        self.given_up = self.given_up.take().or(self.put_off.take());
        self.policy.after = After::Keep;
        self.tell_failed(row, failure.scoped(Scope::Message));
        self.policy.shunned.insert(uid);
        Next::Another
    }

    /// The line was lost at a message, or the server fell silent. The first time the message is tried once more; the
    /// second time it is reported and left for the end of later runs, and the others go on without it.
    pub(super) fn lost(&mut self, mut outcome: SessionOutcome, trouble: Trouble) -> Next {
        let Some(failure) = outcome.ended.take() else { return self.conclude(outcome) };
        self.observer.keep();
        self.total.failed.append(&mut outcome.failed);
        self.lost += 1;
        let Some(row) = trouble.row else {
            // Everything that was asked for has come, and nothing was to be deleted.
            return match outcome.rest && self.may_go_on(&outcome) {
                true => self.again(failure),
                false if outcome.rest => self.end(failure),
                false => Next::End,
            };
        };
        // Without a UID it cannot be recognised in another session.
        let Some(uid) = row.uid.clone() else { return self.end(failure) };
        let times = match self.ledger.note_loss(&uid) {
            Ok(times) => times,
            Err(error) => return self.end(error.failure(Stage::Ledger)),
        };
        if times < MOST_LOSSES {
            if !self.may_go_on(&outcome) {
                return self.end(failure);
            }
            self.observer
                .event(Event::Note(format!("{failure} (at {}): going on in a new session", name(&row))));
            // After the line was lost twice, commands are sent one at a time, so that it is clear which one it is.
            self.mode.lock_step |= trouble.deleting || self.lost > 1;
            return self.again(failure);
        }
        self.total.failed.push(failure.kind());
        self.total.undeleted += u64::from(trouble.deleting);
        self.policy.shunned.insert(uid);
        self.in_a_row += 1;
        self.tell_failed(row.clone(), named(&failure, &row, trouble.deleting));
        self.after_naming(outcome, failure, times > MOST_LOSSES)
    }

    /// After a message was reported and is left out: decides whether the others are worth another session. `late`: it
    /// had been left for the end, so the others are of the same kind.
    fn after_naming(&mut self, outcome: SessionOutcome, failure: Failure, late: bool) -> Next {
        self.total.ended = None;
        let in_vain = self.in_a_row >= MOST_IN_A_ROW;
        if !outcome.rest || (late && in_vain) {
            return Next::End;
        }
        if !self.may_go_on(&outcome) {
            return self.end(failure);
        }
        if in_vain && !self.policy.deletions_only {
            self.given_up = Some(failure);
            if self.policy.after == After::Keep {
                return Next::End;
            }
            self.policy.deletions_only = true;
        }
        Next::Another
    }

    fn tell_failed(&mut self, row: Row, failure: Failure) {
        self.observer.event(Event::Failed(Some(row), failure));
        self.observer.keep();
    }
}

/// A message's number, and the start of its UID.
fn name(row: &Row) -> String {
    /// The longest UID that the standard allows (`RFC 1939 §7`).
    const MOST: usize = 70;
    let uid: String =
        String::from_utf8_lossy(row.uid.as_deref().unwrap_or_default()).chars().take(MOST).collect();
    format!("message {} (UID {uid})", row.number)
}

/// The failure for a message at which the line was lost twice.
fn named(failure: &Failure, row: &Row, deleting: bool) -> Failure {
    let more = format!(": at least for the second time at {}", name(row));
    let hint = match deleting {
        true => "the others are deleted without it; later runs try it again, after all others",
        false => {
            "the others are fetched without it; later runs ask for it again, after all others. --mark-seen --uid UID leaves it alone for good"
        }
    };
    failure.clone().more(&more).scoped(Scope::Message).hint(hint)
}
