//! The numbers of a folder when a run had seen all of it. If they are still the same, nothing is new.

use super::Ledger;
use super::record::Record;
use super::writing::Sync;
use crate::store::durable;
use crate::store::error::StoreError;

/// The numbers of a folder (`RFC 3501 §6.3.10`). When a message comes, they change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderNumbers {
    /// UIDVALIDITY (`§2.3.1.1`).
    pub uidvalidity: u64,
    /// UIDNEXT: the UID of the next message.
    pub uidnext: u64,
    /// How many messages it has.
    pub messages: u64,
}

/// For how many seconds the numbers are believed: some servers change UIDNEXT late.
const BELIEVED: u64 = 24 * 60 * 60;

impl Ledger {
    /// Records the numbers of a folder in which every message is fetched, or will never be. Not synced: if
    /// the record is lost, the next run only looks once more.
    pub fn note_whole(&mut self, numbers: FolderNumbers) -> Result<(), StoreError> {
        let time = durable::now();
        if self.is_whole(numbers, time) {
            return Ok(());
        }
        let FolderNumbers { uidvalidity, uidnext, messages } = numbers;
        self.write(vec![Record::Whole { uidvalidity, uidnext, messages, time }], Sync::Later)
    }

    /// Whether a run has seen all of a folder with these numbers not long ago, and no run was killed since.
    /// `now` is in seconds since 1970.
    pub fn is_whole(&self, numbers: FolderNumbers, now: u64) -> bool {
        let is_settled = self.facts.runs.is_empty() && !self.has_former();
        self.facts.whole.is_some_and(|(whole, time)| {
            let is_recent = (time..time.saturating_add(BELIEVED)).contains(&now);
            is_settled && is_recent && whole == numbers && self.facts.validity == Some(numbers.uidvalidity)
        })
    }
}
