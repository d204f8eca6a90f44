//! The ledger: what postie knows of one server account, durably.
//!
//! An append-only text file per account (its lines: `record`), in a directory of its own; a lock file
//! beside it is held for the whole run. States of a message:
//! `unknown → delivered [→ deletion pending → deleted]`, or `unknown → marked [→ delivered …]`.
//!
//! Invariants:
//! - A [`Recorded`] exists only for what an fdatasync covered, and never for what was only marked as seen.
//! - A ledger that cannot be read in full is an error, never an empty history. Only a torn tail, which a
//!   killed run or a power cut leaves and which was never acknowledged, is cut off at the next write.
//! - A UID counts under the UIDVALIDITY it was recorded under, where the protocol has one, and no other.
//! - A UID that was ever listed twice at once stays ambiguous. A UID that comes back with another size is
//!   another message; a size that is not known is not another size.
//! - A run with nothing new writes nothing.

mod compact;
mod disk;
mod file;
mod intent;
mod load;
mod moving;
mod notes;
pub(super) mod record;
mod table;

pub use file::LedgerOpening;
pub(super) use intent::Intent;
pub use notes::Trait;

use super::delivered::Delivered;
use super::error::StoreError;
use super::identity::{AccountKey, Identity};
use file::LedgerFile;
use record::{Batch, Delivery, Record};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use table::{UidEntry, UidTable};

pub use table::Knowns;

/// A confirmed deletion of a message that is listed all the same is noted again after this many seconds.
const DAY: u64 = 24 * 60 * 60;

/// What is known of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which copy of an ambiguous UID it was; else 0.
    pub copy: u32,
    /// Its size as the server listed it, where that was known.
    pub size: Option<u64>,
    /// When it was delivered or marked, in seconds since 1970.
    pub time: u64,
    /// What stands behind it.
    pub fact: Fact,
    /// Where in the ledger its record begins: later ones are at higher places, and the hash of what is stored is
    /// there alone. What this run keeps in memory only has a place behind all others.
    at: u64,
}

/// What stands behind a message that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// It was marked as seen: nothing of it is here, and nothing may follow from that for the server.
    Marked,
    /// It is stored.
    Stored(Stored),
    /// A message that another server account listed so is stored. Nothing may follow from that for this server
    /// before the two were compared.
    Elsewhere(Stored),
}

/// A message that is stored. Only of this a proof can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What became of it on the server.
    pub state: State,
}

impl Known {
    /// What became of it on the server, if it was ever stored.
    pub fn state(&self) -> Option<State> {
        match self.fact {
            Fact::Stored(stored) | Fact::Elsewhere(stored) => Some(stored.state),
            Fact::Marked => None,
        }
    }

    /// Whether it is stored.
    pub fn is_stored(&self) -> bool {
        !matches!(self.fact, Fact::Marked)
    }

    /// Whether it is still on the server, as far as is known.
    fn is_there(&self) -> bool {
        !matches!(self.state(), Some(State::Deleted(_)))
    }

    /// Whether it is known from another account, and was not compared yet.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self.fact, Fact::Elsewhere(_))
    }

    /// Whether it may be the one that is listed with this size: a size that is not known is not another.
    pub fn fits(&self, size: Option<u64>) -> bool {
        self.size == size || self.size.is_none() || size.is_none()
    }

    /// Whether it is stored now what was only marked before.
    fn fulfils(&self, mark: &Known) -> bool {
        self.is_stored() && !mark.is_stored() && self.copy == mark.copy && mark.fits(self.size)
    }
}

/// All that is known of one UID.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'a> {
    place: usize,
    entry: UidEntry<'a>,
}

impl<'a> Memory<'a> {
    /// Where the ledger has it: the next UID a server lists is most likely at the next place.
    pub fn place(&self) -> usize {
        self.place
    }

    /// What is known, oldest first.
    pub fn known(&self) -> Knowns<'a> {
        self.entry.known()
    }

    /// Whether the UID was ever listed more than once at a time.
    pub fn is_ambiguous(&self) -> bool {
        self.entry.is_ambiguous()
    }

    /// When the UID was first listed, in seconds since 1970.
    pub fn first_seen(&self) -> Option<u64> {
        self.entry.first_seen()
    }
}

/// What became of a delivered message on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It stays there.
    Kept,
    /// It is to be deleted, and no server has confirmed that yet.
    Pending,
    /// The server confirmed the deletion, or was last seen listing it nevertheless, at this time.
    Deleted(u64),
}

/// What is to become of a delivered message on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It stays there.
    Keep,
    /// It is to be deleted.
    Delete,
}

/// Proof that a message is stored and its UID durably recorded. Only the ledger makes it.
///
/// ```
/// use postie::store::{Identity, Recorded};
/// fn asked(proof: &Recorded) -> &Identity {
///     proof.identity()
/// }
/// ```
///
/// Nobody else can:
///
/// ```compile_fail,E0451
/// use postie::store::{Identity, Recorded};
/// fn forged(identity: Identity) -> Recorded {
///     Recorded { identity, tag: 0, size: None }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    identity: Identity,
    tag: usize,
    size: Option<u64>,
}

impl Recorded {
    /// The proof for what is stored; a mark has none to give.
    fn of(_: Stored, identity: Identity, size: Option<u64>) -> Self {
        Recorded { identity, tag: 0, size }
    }

    /// Who the message is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The caller's own number.
    pub fn tag(&self) -> usize {
        self.tag
    }
}

/// A message that goes from the server.
#[derive(Clone, Copy, Debug)]
pub enum Going<'a> {
    /// One whose proof is at hand.
    Proven(&'a Recorded),
    /// The one of which the ledger has the proof: UID and listed size; see [`Ledger::proof`].
    Known(&'a [u8], Option<u64>),
}

/// UID, copy, and the size it is recorded with.
type NamedCopy<'a> = (Cow<'a, [u8]>, u32, Option<u64>);

impl<'a> Going<'a> {
    /// What names it in a record.
    fn of(self, ledger: &Ledger) -> Result<Option<NamedCopy<'a>>, StoreError> {
        Ok(match self {
            Going::Proven(it) => Some((Cow::Borrowed(it.identity.uid()), it.identity.copy(), it.size)),
            Going::Known(uid, size) => {
                let known = ledger.proven(uid, size)?;
                known.map(|known| (Cow::Borrowed(uid), known.copy, known.size))
            }
        })
    }
}

/// What the lines of a ledger add up to.
#[derive(Debug, Default)]
struct Totals {
    entries: UidTable,
    /// The UIDVALIDITY under which they are known, where the protocol has it.
    validity: Option<u32>,
    intents: Vec<Intent>,
    notes: notes::Notes,
    /// The file of the records, to read hashes from.
    source: Option<File>,
    /// Where the record begins that counts next.
    at: u64,
    /// Hashes of what this run keeps in memory only.
    hashes: Vec<[u8; 32]>,
    /// Runs that never ended: number, destination, where that is recorded.
    runs: Vec<(u64, Vec<u8>, u64)>,
    last_run: u64,
    last_intent: u64,
    lines: u64,
    /// Messages of which more came than was listed: listed size and octets, by UID.
    outgrown: HashMap<Vec<u8>, (Option<u64>, u64)>,
    /// Whether there is a message whose deletion was confirmed.
    any_deleted: bool,
}

/// The record of one server account.
#[derive(Debug)]
pub struct Ledger {
    key: AccountKey,
    /// The account that gives the messages their identities: another one where its ledger was taken over.
    names: AccountKey,
    file: LedgerFile,
    facts: Totals,
    run: u64,
    /// The destinations this run has announced.
    announced: Vec<Vec<u8>>,
    /// Messages stored by this run and not recorded yet.
    unrecorded: usize,
    /// Whether something may be stored that nobody will record.
    suspect: bool,
    /// Killed runs of which nothing is left once all is recorded.
    settled: Vec<u64>,
}

impl Ledger {
    /// The account it belongs to.
    pub fn key(&self) -> &AccountKey {
        &self.key
    }

    /// The identity of the message with this UID; see [`AccountKey::identity`].
    pub fn identity(&self, uid: &[u8], copy: u32) -> Identity {
        self.names.identity_in(self.facts.validity, uid, copy)
    }

    /// The UIDVALIDITY under which UIDs are known; none of a protocol that has no such thing.
    pub fn validity(&self) -> Option<u32> {
        self.facts.validity
    }

    /// Records durably under which UIDVALIDITY (`RFC 9051 §2.3.1.1`) the folder's UIDs count from now on. What
    /// is known under another is void: of those UIDs nothing is known, nothing pending, and nothing proven. In a
    /// ledger that is only read it holds for this run.
    pub fn begin_validity(&mut self, number: u32) -> Result<(), StoreError> {
        if self.facts.validity == Some(number) {
            return Ok(());
        }
        if !self.file.is_kept() {
            self.facts.begin(number);
            return Ok(());
        }
        self.write(vec![Record::Validity { number }], Sync::Now)
    }

    /// Whether it is as new: nothing was ever recorded in it.
    pub(super) fn is_empty(&self) -> bool {
        self.facts.lines <= 1
    }

    /// The accounts under whose names messages may be stored that are recorded nowhere any more.
    pub(super) fn former_names(&self) -> Vec<AccountKey> {
        let mut names = vec![self.key.clone()];
        names.extend(self.key.older());
        names.retain(|name| *name != self.names);
        names
    }

    /// All that is known of a UID, oldest first.
    pub fn lookup(&self, uid: &[u8]) -> Knowns<'_> {
        self.facts.entries.get(uid).map_or(Knowns::NONE, |entry| entry.known())
    }

    /// Whether anything is known of a UID.
    pub fn knows(&self, uid: &[u8]) -> bool {
        self.facts.entries.get(uid).is_some()
    }

    /// All that is known of a UID, with the place where it most likely is: the one behind the UID listed
    /// before. A wrong guess costs time, nothing else.
    pub fn recall(&self, uid: &[u8], guess: usize) -> Option<Memory<'_>> {
        let (place, entry) = self.facts.entries.get_near(uid, guess)?;
        Some(Memory { place, entry })
    }

    /// What is known of the UID at a [`Memory::place`].
    pub fn at(&self, place: usize) -> Option<Memory<'_>> {
        Some(Memory { place, entry: self.facts.entries.at(place)? })
    }

    /// How many places there are; [`Memory::place`] is below it.
    pub fn places(&self) -> usize {
        self.facts.entries.places()
    }

    /// How many UIDs are known of which a message is still on the server, as far as postie knows.
    pub fn known_count(&self) -> usize {
        self.facts.entries.iter().filter(|(_, entry)| entry.known().iter().any(Known::is_there)).count()
    }

    /// How many UIDs are known of which a message is to stay on the server.
    pub fn kept_count(&self) -> usize {
        let kept = |known: &Known| matches!(known.state(), None | Some(State::Kept));
        self.facts.entries.iter().filter(|(_, entry)| entry.known().iter().any(kept)).count()
    }

    /// Whether the UID was ever listed more than once at a time.
    pub fn is_ambiguous(&self, uid: &[u8]) -> bool {
        self.facts.entries.get(uid).is_some_and(|entry| entry.is_ambiguous())
    }

    /// When the UID was first listed, in seconds since 1970.
    pub fn first_seen(&self, uid: &[u8]) -> Option<u64> {
        self.facts.entries.get(uid).and_then(|entry| entry.first_seen())
    }

    /// Every message whose deletion was decided and is not confirmed: UID and what is known.
    pub fn pending(&self) -> impl Iterator<Item = (&[u8], Known)> {
        self.facts
            .entries
            .iter()
            .flat_map(|(uid, entry)| {
                let known = entry.known();
                (0..known.len()).map(move |at| (uid, known[at]))
            })
            .filter(|(_, known)| known.state() == Some(State::Pending))
    }

    /// Proof for a message stored and recorded by an earlier run: only where the UID means one message.
    /// `size` is what the server lists now.
    pub fn proof(&self, uid: &[u8], size: Option<u64>) -> Result<Option<Recorded>, StoreError> {
        let Some(known) = self.proven(uid, size)? else { return Ok(None) };
        Ok(match known.fact {
            Fact::Stored(stored) => Some(Recorded::of(stored, self.identity(uid, 0), known.size)),
            Fact::Marked | Fact::Elsewhere(_) => None,
        })
    }

    /// Whether there is a [`Ledger::proof`].
    pub fn has_proof(&self, uid: &[u8], size: Option<u64>) -> Result<bool, StoreError> {
        Ok(self.proven(uid, size)?.is_some_and(|known| matches!(known.fact, Fact::Stored(_))))
    }

    /// The one message that a UID with this size means; none where that is not certain, or not durable.
    fn proven(&self, uid: &[u8], size: Option<u64>) -> Result<Option<Known>, StoreError> {
        let entry = self.facts.entries.get(uid).filter(|entry| !entry.is_ambiguous());
        let Some(entry) = entry.filter(|_| !self.file.is_broken()) else { return Ok(None) };
        let all = entry.known();
        if all.iter().any(|known| known.copy != 0) {
            return Ok(None);
        }
        let Some(known) = all.iter().rfind(|known| known.fits(size)) else { return Ok(None) };
        // Without a size to tell them apart, records of different sizes leave it open which one is listed.
        for other in all.iter().filter(|other| size.is_none() && other.size != known.size) {
            if !self.is_same(other, known)? {
                return Ok(None);
            }
        }
        Ok(Some(*known))
    }

    /// The hash of what is stored; none of a mark. It stands in the file alone.
    pub fn hash(&self, known: &Known) -> Result<Option<[u8; 32]>, StoreError> {
        match known.fact {
            Fact::Stored(_) | Fact::Elsewhere(_) => {
                let failed = |error| StoreError::io(self.path(), "read", error);
                self.facts.hash(known.at).map(Some).map_err(failed)
            }
            Fact::Marked => Ok(None),
        }
    }

    /// Whether two records of one UID are of the same message, which was listed with two sizes.
    pub fn is_same(&self, one: &Known, other: &Known) -> Result<bool, StoreError> {
        if one.copy != other.copy || !one.is_stored() || !other.is_stored() {
            return Ok(false);
        }
        Ok(one.at == other.at || self.hash(one)? == self.hash(other)?)
    }

    /// Records durably that messages known before (UID, what is known) were found the same under another
    /// listed size.
    pub fn resized(&mut self, messages: &[(&[u8], Known, Option<u64>)]) -> Result<(), StoreError> {
        let mut records = Vec::with_capacity(messages.len());
        for (uid, known, size) in messages {
            let Some(sha256) = self.hash(known)? else { continue };
            records.push(Record::Delivered(Delivery {
                uid: Cow::Borrowed(*uid),
                copy: known.copy,
                size: *size,
                time: known.time,
                sha256,
                pending: known.state() == Some(State::Pending),
                intent: None,
            }));
        }
        self.write(records, Sync::Now)
    }

    /// Notes that a message listed with `size` has at least `octets`, so that it is not fetched in vain again.
    pub fn outgrown(&mut self, uid: &[u8], size: Option<u64>, octets: u64) -> Result<(), StoreError> {
        self.write(vec![Record::Outgrown { uid: Cow::Borrowed(uid), size, octets }], Sync::Later)
    }

    /// The octets that a message has at least: those it is listed with, or more if more came once.
    pub fn least_size(&self, uid: &[u8], size: Option<u64>) -> Option<u64> {
        let came = self.facts.outgrown.get(uid).filter(|it| it.0 == size).map(|it| it.1);
        size.max(came)
    }

    /// Records what was delivered: one write, one fdatasync. Kinds: storage.
    pub fn record(
        &mut self,
        delivered: Vec<Delivered>,
        afterwards: Afterwards,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut recorded = Vec::with_capacity(delivered.len());
        let mut records = Vec::with_capacity(delivered.len());
        let time = super::durable::now();
        for one in &delivered {
            recorded.push(Recorded { identity: one.identity.clone(), tag: one.tag, size: one.wire_size });
            records.push(Record::Delivered(Delivery {
                uid: Cow::Borrowed(one.identity.uid()),
                copy: one.identity.copy(),
                size: one.wire_size,
                time,
                sha256: one.sha256,
                pending: afterwards == Afterwards::Delete,
                intent: one.intent,
            }));
        }
        self.write(records, Sync::Now)?;
        self.unrecorded = self.unrecorded.saturating_sub(delivered.len());
        Ok(recorded)
    }

    /// Notes that messages are about to be deleted, so that the next run goes on with it if this one
    /// cannot.
    pub fn pend<'a>(&mut self, messages: impl IntoIterator<Item = Going<'a>>) -> Result<(), StoreError> {
        if self.file.is_forgetful() {
            return Err(StoreError::Misused("what is not recorded is no reason to delete"));
        }
        let pending = |ledger: &Ledger, it: Going<'a>, records: &mut Vec<Record<'a>>| {
            let it = it.of(ledger)?.filter(|(uid, copy, size)| !ledger.is_pending(uid, *copy, *size));
            records.extend(it.map(|(uid, copy, size)| Record::Pending { uid, copy, size }));
            Ok(())
        };
        self.write_each(messages, Sync::Now, pending).map(drop)
    }

    /// Notes that the server confirmed the deletion. Not synced: should it be lost, the deletion stays
    /// pending for a message that is not listed any more, which is harmless.
    pub fn deleted<'a>(&mut self, messages: impl IntoIterator<Item = Going<'a>>) -> Result<(), StoreError> {
        let time = super::durable::now();
        let deleted = |ledger: &Ledger, it: Going<'a>, records: &mut Vec<Record<'a>>| {
            let it = it.of(ledger)?;
            records.extend(it.map(|(uid, copy, size)| Record::Deleted { uid, copy, size, time }));
            Ok(())
        };
        self.write_each(messages, Sync::Later, deleted).map(drop)
    }

    /// Notes UIDs that are listed more than once.
    pub fn note_ambiguous<'a>(&mut self, uids: impl IntoIterator<Item = &'a [u8]>) -> Result<(), StoreError> {
        let ambiguous = |ledger: &Ledger, uid: &'a [u8], records: &mut Vec<Record<'a>>| {
            if !ledger.is_ambiguous(uid) {
                records.push(Record::Ambiguous { uid: Cow::Borrowed(uid) });
            }
            Ok(())
        };
        self.write_each(uids, Sync::Now, ambiguous).map(drop)
    }

    /// Notes when UIDs were first listed; those known already stay as they are.
    pub fn note_first_seen<'a>(
        &mut self,
        uids: impl IntoIterator<Item = &'a [u8]>,
        time: u64,
    ) -> Result<(), StoreError> {
        let mut guess = 0;
        let first_seen = |ledger: &Ledger, uid: &'a [u8], records: &mut Vec<Record<'a>>| {
            let memory = ledger.recall(uid, guess);
            guess = memory.map_or(guess, |memory| memory.place + 1);
            if memory.and_then(|memory| memory.first_seen()).is_none() {
                records.push(Record::FirstSeen { uid: Cow::Borrowed(uid), time });
            }
            Ok(())
        };
        self.write_each(uids, Sync::Later, first_seen).map(drop)
    }

    /// Notes which UIDs are listed: a deleted message that is listed all the same is remembered for longer.
    pub fn note_listed<'a>(&mut self, uids: impl IntoIterator<Item = &'a [u8]>) -> Result<(), StoreError> {
        if !self.facts.any_deleted {
            return Ok(());
        }
        let now = super::durable::now();
        let mut guess = 0;
        let listed = |ledger: &Ledger, uid: &'a [u8], records: &mut Vec<Record<'a>>| {
            let Some(memory) = ledger.recall(uid, guess) else { return Ok(()) };
            guess = memory.place + 1;
            for known in memory.known().iter() {
                if matches!(known.state(), Some(State::Deleted(time)) if time.saturating_add(DAY) < now) {
                    let (copy, size) = (known.copy, known.size);
                    records.push(Record::Deleted { uid: Cow::Borrowed(uid), copy, size, time: now });
                }
            }
            Ok(())
        };
        self.write_each(uids, Sync::Later, listed).map(drop)
    }

    /// Forgets UIDs: they are new again, ambiguity included. Returns how many were known.
    pub fn forget<'a>(&mut self, uids: impl IntoIterator<Item = &'a [u8]>) -> Result<usize, StoreError> {
        let forget = |ledger: &Ledger, uid: &'a [u8], records: &mut Vec<Record<'a>>| {
            if ledger.knows(uid) {
                records.push(Record::Forget { uid: Cow::Borrowed(uid) });
            }
            Ok(())
        };
        self.write_each(uids, Sync::Now, forget)
    }

    /// Makes room for so many more UIDs of `octets` in all, at once: what grows step by step needs half as much
    /// again in the last of them.
    pub fn expect(&mut self, count: usize, octets: usize) {
        self.facts.entries.expect(count, octets);
    }

    /// Marks messages (UID, copy, listed size) as seen: they count as known, and are not stored. Returns how
    /// many were not known.
    pub fn mark_seen<'a>(
        &mut self,
        messages: impl IntoIterator<Item = (&'a [u8], u32, Option<u64>)>,
    ) -> Result<usize, StoreError> {
        let time = super::durable::now();
        type MessageKey<'a> = (&'a [u8], u32, Option<u64>);
        let mark = |ledger: &Ledger, (uid, copy, size): MessageKey<'a>, records: &mut Vec<Record<'a>>| {
            if !ledger.lookup(uid).iter().any(|known| known.copy == copy && known.fits(size)) {
                records.push(Record::Marked { uid: Cow::Borrowed(uid), copy, size, time });
            }
            Ok(())
        };
        self.write_each(messages, Sync::Now, mark)
    }

    fn is_pending(&self, uid: &[u8], copy: u32, size: Option<u64>) -> bool {
        let all = self.lookup(uid);
        let known = all.iter().rev().find(|known| known.copy == copy && known.size == size);
        known.is_some_and(|known| known.state() == Some(State::Pending))
    }

    /// Writes what `make` makes of each item, some thousands at a time, so that little stands in memory; all
    /// of it is as one write, of which a crash leaves the beginning. Returns how many records that were.
    fn write_each<'r, T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        sync: Sync,
        mut make: impl FnMut(&Ledger, T, &mut Vec<Record<'r>>) -> Result<(), StoreError>,
    ) -> Result<usize, StoreError> {
        let (begin, mut written, mut count) = (self.file.len(), 0, 0);
        let mut records = Vec::new();
        for item in items {
            if records.len() >= AT_ONCE {
                count += records.len();
                self.put(std::mem::take(&mut records), &mut written, sync, None)?;
            }
            make(self, item, &mut records)?;
        }
        count += records.len();
        if count > 0 {
            self.put(records, &mut written, sync, Some(begin))?;
        }
        Ok(count)
    }

    /// Writes records, then lets them count. Nothing to write writes nothing.
    pub(super) fn write(&mut self, records: Vec<Record>, sync: Sync) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let begin = self.file.len();
        self.put(records, &mut 0, sync, Some(begin))
    }

    /// Writes some records of a write, of which so many lines are written already, then lets them count. `last`:
    /// where the write began that ends with them.
    fn put(
        &mut self,
        records: Vec<Record>,
        written: &mut u64,
        sync: Sync,
        last: Option<u64>,
    ) -> Result<(), StoreError> {
        let mut batch = Batch { lines: *written, ..Batch::default() };
        let opens = self.announced.is_empty()
            && sync == Sync::Now
            && !matches!(records.first(), Some(Record::Open { .. }));
        if opens {
            batch.push(&Record::Open { run: self.run, destination: Cow::Borrowed(b"-") });
        }
        let mut places = Vec::with_capacity(records.len());
        for record in &records {
            places.push(self.file.len() + batch.octets.len() as u64);
            batch.push(record);
        }
        self.file.append(&batch.octets)?;
        if let (Sync::Now, Some(begin)) = (sync, last) {
            self.file.sync(begin)?;
        }
        *written = batch.lines;
        if opens {
            self.announced.push(b"-".to_vec());
            self.facts.lines += 1;
        }
        for (record, place) in records.into_iter().zip(places) {
            self.facts.lines += 1;
            if !matches!(record, Record::Open { .. }) {
                self.facts.at = if self.file.is_forgetful() { table::IN_MEMORY } else { place };
                self.facts.apply(record);
            }
        }
        self.facts.entries.settle();
        Ok(())
    }
}

/// So many records are written at once.
const AT_ONCE: usize = 4096;

/// When a write has to be on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sync {
    /// Before the call returns.
    Now,
    /// Whenever: its loss does no harm.
    Later,
}

#[cfg(test)]
mod tests;
