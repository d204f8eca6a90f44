//! Messages to delete from the server, their proofs, and the end of the session that deletes them.

use super::report::{Action, MessageReport};
use super::{FetchJob, SessionOutcome};
use crate::mailbox::{Listing, Maildrop};
use crate::store::{AtStage, Going, Ledger, Recorded, StoreError};
use crate::words::{After, Kind, Stage};
use std::collections::HashMap;

/// Messages to delete, by their place in the listing.
#[derive(Default)]
pub(super) struct Leaving {
    pub rows: Vec<u32>,
    /// Proofs that the ledger does not have: of messages without a UID of their own.
    proofs: HashMap<u32, Recorded>,
}

impl Leaving {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a message with its proof.
    pub fn add(
        &mut self,
        row: u32,
        proof: Recorded,
        listing: &Listing,
        ledger: &Ledger,
    ) -> Result<(), StoreError> {
        let (uid, size) = listing.named(row as usize);
        if ledger.proof(uid, size)?.is_none_or(|other| other.identity() != proof.identity()) {
            self.proofs.insert(row, proof);
        }
        self.rows.push(row);
        Ok(())
    }

    /// All messages, for the ledger.
    pub fn going<'a>(&'a self, listing: &'a Listing) -> impl Iterator<Item = Going<'a>> {
        self.rows.iter().map(|row| match self.proofs.get(row) {
            Some(proof) => Going::Proven(proof),
            None => {
                let (uid, size) = listing.named(*row as usize);
                Going::Known(uid, size)
            }
        })
    }

    /// The proof of a message; `None` if the ledger no longer has it.
    pub fn proof(
        &self,
        row: u32,
        listing: &Listing,
        ledger: &Ledger,
    ) -> Result<Option<Recorded>, StoreError> {
        match self.proofs.get(&row) {
            Some(proof) => Ok(Some(proof.clone())),
            None => {
                let (uid, size) = listing.named(row as usize);
                ledger.proof(uid, size)
            }
        }
    }
}

/// Messages that were marked for deletion, and the ledger that records the result.
pub(super) struct PendingDeletions<'a> {
    pub messages: Leaving,
    pub job: FetchJob<'a>,
}

impl PendingDeletions<'_> {
    /// Ends the session. Only the reply to QUIT confirms the deletions; without it they stay pending.
    pub fn finish(
        self,
        maildrop: Box<dyn Maildrop>,
        listing: &Listing,
        mut outcome: SessionOutcome,
    ) -> SessionOutcome {
        let PendingDeletions { messages, job } = self;
        let (moved_to, numbers) = (maildrop.moved_to(), maildrop.numbers());
        if let Err(mut failure) = maildrop.finish(messages.len() > 0) {
            if !matches!(failure.kind(), Kind::Interrupted | Kind::Timeout) {
                failure = failure.as_kind(Kind::Network);
            }
            let more = format!("; it is not known whether {} message(s) were deleted", messages.len());
            let hint = "nothing is lost: the next run repeats the deletions without fetching again";
            outcome.ended = Some(failure.more(&more).hint(hint));
            return outcome;
        }
        let deleted = job.ledger.deleted(messages.going(listing));
        // Whatever was not found again by now is not there.
        let whole = job.policy.is_whole() && outcome.failed.is_empty() && !outcome.held;
        let numbers = numbers.filter(|numbers| numbers.messages == listing.len() as u64);
        let ended = deleted.and_then(|()| match numbers {
            _ if !whole => Ok(()),
            // What is to be deleted later is looked for in each run.
            Some(numbers) if job.policy.after == After::Keep => {
                job.ledger.end_former().and_then(|()| job.ledger.note_whole(numbers))
            }
            _ => job.ledger.end_former(),
        });
        outcome.ended = ended.at(Stage::Ledger).err();
        for row in &messages.rows {
            outcome.deleted += 1;
            let report = MessageReport::new(Action::Deleted, listing.row(*row as usize), false);
            job.observer.event(report.moved_to(moved_to.as_deref()).into());
        }
        outcome
    }
}
