//! Messages that turn out to be larger than `--max-size`, whatever their listed size.

use super::Intake;
use crate::mailbox::Row;
use crate::words::{Failure, Kind};
use crate::work::plan::Reason;

/// How many octets of the rest of a too large message are skipped; if there are more, another session leaves it out.
const PASSED_OVER: u64 = 8 * 1024 * 1024;

impl Intake<'_, '_> {
    /// Drops the current message, of which so many octets have come.
    pub(super) fn drop_large(&mut self, size: u64) -> Result<(), Failure> {
        if !self.too_large {
            self.too_large = true;
            self.job.sink.discard();
            self.comparing = None;
        }
        let named = self.job.policy.max_size.is_some_and(|max| size > max.saturating_add(PASSED_OVER));
        let row = self.coming.map(|index| self.row(index));
        let Some(row) = row.filter(|row| named && row.uid.is_some()) else {
            // Without a UID it cannot be left out in another session.
            return Ok(());
        };
        self.note_large(&row, size)?;
        let stage = row.fetched_by();
        let message = format!("{stage}: message {}: it is larger than --max-size and goes on", row.number);
        self.skip(row, Reason::TooLarge);
        self.outcome.gave_up_large = true;
        Err(Failure::new(Kind::Deferred, stage, message))
    }

    /// Notes its size, so that it is not fetched in vain again.
    pub(super) fn note_large(&mut self, row: &Row, size: u64) -> Result<(), Failure> {
        let Some(uid) = row.uid.as_deref() else { return Ok(()) };
        let noted = self.job.ledger.outgrown(uid, row.size, size);
        self.noted(noted)
    }
}
