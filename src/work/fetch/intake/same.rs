//! Messages that are fetched once more because their listed size or the folder's UIDVALIDITY changed: are they the
//! same as the stored ones?

use super::{Intake, NOTED_AT_ONCE};
use crate::store::{FoundSame, Hashes, Known, StoreError};
use crate::words::Failure;
use crate::work::fetch::recognise::is_due;
use crate::work::plan::{Reason, Rival, ToFetch};

/// A message that is stored already, listed with another size than before.
pub(super) struct Same {
    row: u32,
    known: Known,
    due: bool,
    is_former: bool,
}

impl<'a> Intake<'a, '_> {
    /// Records the new sizes of messages that were found to be the same as stored ones.
    pub(super) fn note_same(&mut self) -> Result<(), Failure> {
        let (same, listing) = (std::mem::take(&mut self.same), self.listing);
        let notes = same.iter().map(|one| {
            let (uid, size) = listing.named(one.row as usize);
            FoundSame { uid, known: one.known, size, is_former: one.is_former }
        });
        let noted = self.job.ledger.found_same(&notes.collect::<Vec<_>>());
        self.noted(noted)?;
        for one in same.iter().filter(|one| one.due) {
            let (uid, size) = listing.named(one.row as usize);
            let proven = self.job.ledger.has_proof(uid, size);
            let proven = self.noted(proven)?;
            self.verified.extend(proven.then_some(one.row));
        }
        Ok(())
    }

    /// Drops the message that has come if it is stored already.
    pub(super) fn is_stored(&mut self, index: usize, hashes: &Hashes) -> Result<bool, Failure> {
        let get = self.get(index);
        let found = self.same_as(get, hashes);
        let (rival, is_former) = match self.noted(found)? {
            Some(rival) => (rival.clone(), false),
            None => {
                let former = self.job.ledger.take_former(hashes);
                let Some(known) = self.noted(former)? else { return Ok(false) };
                (Rival { due: is_due(&known, self.job.policy, self.job.now), known }, true)
            }
        };
        self.same.push(Same { row: get.row, known: rival.known, due: rival.due, is_former });
        self.job.sink.discard();
        self.skip(self.row(index), Reason::Resized);
        if self.same.len() >= NOTED_AT_ONCE {
            self.note_same()?;
        }
        Ok(true)
    }

    /// Which of the stored messages it is; each of them belongs to only one row.
    fn same_as(&self, get: &ToFetch, hashes: &Hashes) -> Result<Option<&'a Rival>, StoreError> {
        let uid = |row: u32| self.listing.uid(row as usize);
        'rivals: for rival in self.plan.rivals(get) {
            if !self.job.ledger.hash(&rival.known)?.is_some_and(|hash| hashes.contain(&hash)) {
                continue;
            }
            for one in self.same.iter().filter(|one| uid(one.row) == uid(get.row)) {
                if self.job.ledger.is_same(&one.known, &rival.known)? {
                    continue 'rivals;
                }
            }
            return Ok(Some(rival));
        }
        Ok(None)
    }
}
