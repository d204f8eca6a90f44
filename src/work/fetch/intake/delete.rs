//! What may go from the server once all is fetched, and marking it for deletion.

use super::Intake;
use crate::mailbox::Maildrop;
use crate::store::AtStage;
use crate::words::{Failure, Scope, Stage};
use crate::work::fetch::Trouble;
use crate::work::fetch::leaving::PendingDeletions;

/// How many messages are marked for deletion at once.
const MARKED_AT_ONCE: usize = 4000;

impl<'o> Intake<'_, 'o> {
    /// Marks for deletion what is safe here: what this session delivered, and what earlier ones did.
    ///
    /// `None` where a message came and was not taken here: at QUIT some servers (Gmail is one) count every
    /// message they sent as fetched and never list it again. Such a session ends without QUIT, and its
    /// deletions are left to one that fetches nothing. Without UIDs there is no other session to leave
    /// them to: what is here would come once more.
    pub fn delete(mut self, maildrop: &mut dyn Maildrop) -> Result<Option<PendingDeletions<'o>>, Failure> {
        let mut leaving = std::mem::take(&mut self.recorded);
        leaving.rows.retain(|row| self.goes(*row as usize));
        leaving.rows.splice(0..0, self.plan.delete.iter().chain(&self.verified).copied());
        let Intake { listing, plan, job, outcome, not_taken, .. } = self;
        if not_taken && listing.has_uids {
            outcome.deletions_due = leaving.len() > 0;
            return Ok(None);
        }
        if leaving.len() == 0 {
            return Ok(Some(PendingDeletions { messages: leaving, job }));
        }
        job.ledger.pend(leaving.going(listing)).at(Stage::Ledger)?;
        let mut marked = Vec::with_capacity(leaving.len());
        for rows in leaving.rows.chunks(MARKED_AT_ONCE) {
            let mut proven = Vec::with_capacity(rows.len());
            for row in rows {
                let proof = leaving.proof(*row, listing, job.ledger).at(Stage::Ledger)?;
                proven.extend(proof.map(|proof| (*row, proof)));
            }
            let numbers: Vec<_> =
                proven.iter().map(|(row, proof)| (listing.number(*row as usize), proof)).collect();
            let results = maildrop.delete(&numbers).inspect_err(|_| {
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
