//! The ledger: what postie knows of one server account, durably.
//!
//! It is an append-only text file for each account (`record` has its lines), in a directory of its own. A
//! lock file beside it is held during the whole run. The states of a message are `unknown → delivered [→
//! deletion pending → deleted]`, or `unknown → marked [→ delivered …]`.
//!
//! Invariants:
//! - A [`Recorded`] exists only for what an fdatasync covered, and never for what was only marked as seen.
//! - A ledger that cannot be read in full is an error, never an empty history. Only a torn end is cut off, at
//!   the next write: a killed run or a power cut leaves it, and nobody was told that it is recorded.
//! - If the protocol has UIDVALIDITY, a UID counts only under the one it was recorded under.
//! - A UID that was ever listed twice at once stays ambiguous. A UID that comes back with another size is
//!   another message; an unknown size fits any size.
//! - A run without anything new writes nothing.

mod cell;
mod compact;
mod copies;
pub(super) mod disk;
mod fields;
mod file;
mod former;
mod intent;
mod known;
mod load;
mod moving;
mod notes;
mod noting;
mod proof;
pub(super) mod record;
mod table;
mod totals;
mod whole;
mod writing;

pub(crate) use copies::Copying;
pub(crate) use file::LedgerOpening;
pub(super) use intent::Intent;
pub(crate) use known::{Known, Knowns, ServerState};
pub(crate) use notes::Trait;
pub(crate) use noting::FoundSame;
pub(crate) use proof::Going;
pub use proof::{Afterwards, Recorded};
pub(crate) use table::Memory;
pub(crate) use whole::FolderNumbers;

use super::error::StoreError;
use super::identity::{AccountKey, Identity};
use file::LedgerFile;
use record::Record;
use totals::Totals;
use writing::Sync;

/// If a message is still listed although its deletion was confirmed, that is recorded again after so many
/// seconds.
const DAY: u64 = 24 * 60 * 60;

/// The ledger of one server account.
#[derive(Debug)]
pub struct Ledger {
    key: AccountKey,
    /// The account that gives the messages their identities; another one if its ledger was taken over.
    names: AccountKey,
    file: LedgerFile,
    facts: Totals,
    run: u64,
    /// The destinations that this run has announced.
    announced: Vec<Vec<u8>>,
    /// How many messages this run has stored and not recorded yet.
    unrecorded: usize,
    /// Whether something may be stored that will not be recorded.
    suspect: bool,
    /// Killed runs that have left nothing more, once everything stored is recorded.
    settled: Vec<u64>,
}

impl Ledger {
    /// The identity of the message with this UID; see [`AccountKey::identity`].
    pub fn identity(&self, uid: &[u8], copy: u32) -> Identity {
        self.names.identity_in(self.facts.validity, uid, copy)
    }

    /// The UIDVALIDITY under which UIDs are known; `None` if the protocol has none.
    pub fn validity(&self) -> Option<u64> {
        self.facts.validity
    }

    /// Records durably under which UIDVALIDITY (`RFC 9051 §2.3.1.1`) the folder's UIDs count from now on.
    /// Everything known under another one is void: nothing is known of those UIDs, nothing is pending, and
    /// nothing has a proof. What was stored may be found again by its content ([`Ledger::take_former`]). If
    /// the ledger is only read, this holds for this run.
    pub fn begin_validity(&mut self, number: u64) -> Result<(), StoreError> {
        if self.facts.validity == Some(number) {
            return Ok(());
        }
        if !self.file.is_kept() {
            self.facts.begin(number);
            return Ok(());
        }
        self.write(vec![Record::Validity { number }], Sync::Now)
    }

    /// Whether nothing was ever recorded in it.
    pub(super) fn is_empty(&self) -> bool {
        self.facts.lines <= 1
    }

    /// Other accounts under whose names messages may be stored that are recorded nowhere any more.
    pub(super) fn former_names(&self) -> Vec<AccountKey> {
        let mut names = vec![self.key.clone()];
        names.extend(self.key.older());
        names.retain(|name| *name != self.names);
        names
    }

    /// Everything that is known of a UID, oldest first.
    pub fn lookup(&self, uid: &[u8]) -> Knowns<'_> {
        self.memory(uid).map_or(Knowns::NONE, |memory| memory.known())
    }

    pub fn knows(&self, uid: &[u8]) -> bool {
        self.memory(uid).is_some()
    }

    /// Whether the UID was ever listed more than once at a time.
    pub fn is_ambiguous(&self, uid: &[u8]) -> bool {
        self.memory(uid).is_some_and(|memory| memory.is_ambiguous())
    }

    /// When the UID was first listed, in seconds since 1970.
    pub fn first_seen(&self, uid: &[u8]) -> Option<u64> {
        self.memory(uid)?.first_seen()
    }

    fn memory(&self, uid: &[u8]) -> Option<Memory<'_>> {
        self.facts.entries.get(uid)
    }

    /// Everything that is known of a UID. `guess` is the place where it most likely is: the one after the UID
    /// that was listed before. A wrong guess only costs time.
    pub fn recall(&self, uid: &[u8], guess: usize) -> Option<Memory<'_>> {
        self.facts.entries.get_near(uid, guess)
    }

    /// What is known of the UID at a [`Memory::place`].
    pub fn at(&self, place: usize) -> Option<Memory<'_>> {
        self.facts.entries.at(place)
    }

    /// The number of places; every [`Memory::place`] is below it.
    pub fn places(&self) -> usize {
        self.facts.entries.places()
    }

    /// For how many UIDs a message is known that is still on the server, as far as postie knows.
    pub fn known_count(&self) -> usize {
        self.facts.count(Known::is_there)
    }

    /// For how many UIDs a message is known that is to stay on the server.
    pub fn kept_count(&self) -> usize {
        self.facts.count(|known| matches!(known.state(), None | Some(ServerState::Kept)))
    }

    /// Every message that is to be deleted and whose deletion is not confirmed: UID and what is known.
    pub fn pending(&self) -> impl Iterator<Item = (&[u8], Known)> {
        let all = self.facts.entries.iter().flat_map(|memory| {
            let known = memory.known();
            (0..known.len()).map(move |at| (memory.uid(), known[at]))
        });
        all.filter(|(_, known)| known.state() == Some(ServerState::Pending))
    }
}

#[cfg(test)]
mod tests;
