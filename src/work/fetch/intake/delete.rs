//! Marks messages for deletion, once all are fetched.

use super::Intake;
use super::compare::Others;
use crate::mailbox::Maildrop;
use crate::store::AtStage;
use crate::words::{Failure, Scope, Stage};
use crate::work::fetch::Trouble;
use crate::work::fetch::leaving::PendingDeletions;

/// How many messages are marked for deletion at once.
const MARKED_AT_ONCE: usize = 4000;

impl<'o> Intake<'_, 'o> {
    /// Marks durably stored messages for deletion: those that this session delivered, and those of earlier ones.
    ///
    /// `None` if a message came and was not stored: at QUIT some servers (such as Gmail) count every message they sent as
    /// fetched and never list it again. So the session ends without QUIT, and its deletions are left to a session that
    /// fetches nothing. Without UIDs this is not possible: the stored messages would be fetched again.
    pub fn delete(mut self, maildrop: &mut dyn Maildrop) -> Result<Option<PendingDeletions<'o>>, Failure> {
        let mut leaving = std::mem::take(&mut self.recorded);
        leaving.rows.retain(|row| self.goes(*row as usize));
        leaving.rows.splice(0..0, self.plan.delete.iter().chain(&self.verified).copied());
        let Intake { listing, plan, job, outcome, not_taken, adopted, .. } = self;
        if not_taken && listing.has_uids {
            outcome.deletions_due = leaving.len() > 0;
            return Ok(None);
        }
        if leaving.len() == 0 {
            return Ok(Some(PendingDeletions { messages: leaving, job }));
        }
        job.ledger.pend(leaving.going(listing)).at(Stage::Ledger)?;
        let mut marked = Vec::with_capacity(leaving.len());
        // What was not fetched in this session may have become another message since it was.
        let mut unseen: Vec<u32> = plan.delete.iter().copied().chain(adopted).collect();
        unseen.sort_unstable();
        for rows in leaving.rows.chunks(MARKED_AT_ONCE) {
            let mut proven = Vec::with_capacity(rows.len());
            let some: Vec<u32> =
                rows.iter().copied().filter(|row| unseen.binary_search(row).is_ok()).collect();
            let others = Others::among(maildrop, listing, job.ledger, &some)?;
            job.ledger.note_reused(others.uids(listing)).at(Stage::Ledger)?;
            for (row, failure) in others.failures(listing) {
                outcome.undeleted += 1;
                outcome.fail(job.observer, Some(row), failure);
            }
            for row in rows.iter().filter(|row| !others.have(**row)) {
                let proof = leaving.proof(*row, listing, job.ledger).at(Stage::Ledger)?;
                proven.extend(proof.map(|proof| (*row, proof)));
            }
            let numbers: Vec<_> =
                proven.iter().map(|(row, proof)| (listing.number(*row as usize), proof)).collect();
            let results = maildrop.delete(&numbers, job.ledger).inspect_err(|_| {
                let row = |at: usize| proven.get(at).map(|(row, _)| listing.row(*row as usize));
                outcome.setback = maildrop.setback().map(|setback| Trouble::of(setback, row, true));
                outcome.rest = leaving.len() > 1 || plan.held;
            })?;
            for ((row, _), result) in proven.iter().zip(results) {
                let Some(failure) = result else {
                    marked.push(*row);
                    continue;
                };
                outcome.undeleted += 1;
                let row = listing.row(*row as usize);
                outcome.fail(job.observer, Some(row), failure.scoped(Scope::Message));
            }
        }
        leaving.rows = marked;
        Ok(Some(PendingDeletions { messages: leaving, job }))
    }
}
