//! What a run records besides deliveries.

use super::known::{ContentHashes, Known, ServerState};
use super::proof::Going;
use super::record::{Delivery, Record};
use super::writing::Sync;
use super::{DAY, Ledger};
use crate::store::durable;
use crate::store::error::StoreError;

/// A message that turned out to be stored already.
#[derive(Clone, Copy, Debug)]
pub struct FoundSame<'a> {
    /// Its UID now.
    pub uid: &'a [u8],
    pub known: Known,
    /// Its size as it is listed now.
    pub size: Option<u64>,
    /// Whether it was known under an earlier UIDVALIDITY ([`Ledger::take_former`]).
    pub is_former: bool,
}

impl Ledger {
    /// Records durably that known messages were found to be the same under another listed size, or under
    /// another UIDVALIDITY.
    pub fn found_same(&mut self, messages: &[FoundSame<'_>]) -> Result<(), StoreError> {
        let mut records = Vec::with_capacity(messages.len());
        for FoundSame { uid, known, size, is_former } in messages {
            let Some(ContentHashes { sha256, print }) = self.content(known)? else { continue };
            let kind = if *is_former { Record::Found } else { Record::Delivered };
            records.push(kind(Delivery {
                uid: (*uid).into(),
                copy: known.copy,
                size: *size,
                time: known.time,
                sha256,
                pending: known.state() == Some(ServerState::Pending),
                intent: None,
                print,
            }));
        }
        self.write(records, Sync::Now)
    }

    /// Records that a message that is listed with `size` has at least `octets`, so that it is not fetched in
    /// vain again.
    pub fn outgrown(&mut self, uid: &[u8], size: Option<u64>, octets: u64) -> Result<(), StoreError> {
        self.write(vec![Record::Outgrown { uid: uid.into(), size, octets }], Sync::Later)
    }

    /// How many octets a message has at least: its listed size, or more if more came once.
    pub fn least_size(&self, uid: &[u8], size: Option<u64>) -> Option<u64> {
        let came = self.facts.outgrown.get(uid).filter(|it| it.0 == size).map(|it| it.1);
        size.max(came)
    }

    /// Records that messages are about to be deleted, so that the next run continues if this one cannot.
    pub fn pend<'a>(&mut self, messages: impl IntoIterator<Item = Going<'a>>) -> Result<(), StoreError> {
        if self.file.is_forgetful() {
            return Err(StoreError::Misused("what is not recorded is no reason to delete"));
        }
        let pending = |ledger: &Ledger, it: Going<'a>| {
            let it = it.of(ledger)?.filter(|(uid, copy, size)| !ledger.is_pending(uid, *copy, *size));
            Ok(it.map(|(uid, copy, size)| Record::Pending { uid, copy, size }))
        };
        self.write_each(messages, Sync::Now, pending).map(drop)
    }

    fn is_pending(&self, uid: &[u8], copy: u32, size: Option<u64>) -> bool {
        let all = self.lookup(uid);
        let known = all.iter().rfind(|known| known.copy == copy && known.size == size);
        known.is_some_and(|known| known.state() == Some(ServerState::Pending))
    }

    /// Records that the server confirmed the deletion. Not synced: if the record is lost, the deletion stays
    /// pending for a message that is not listed any more, which is harmless.
    pub fn deleted<'a>(&mut self, messages: impl IntoIterator<Item = Going<'a>>) -> Result<(), StoreError> {
        let time = durable::now();
        let deleted = |ledger: &Ledger, it: Going<'a>| {
            Ok(it.of(ledger)?.map(|(uid, copy, size)| Record::Deleted { uid, copy, size, time }))
        };
        self.write_each(messages, Sync::Later, deleted).map(drop)
    }

    /// Records durably that these UIDs mean other messages than those that are known: they are new. The known
    /// messages may be found again by their content.
    pub fn note_reused<'a>(&mut self, uids: impl IntoIterator<Item = &'a [u8]>) -> Result<(), StoreError> {
        let reused = |ledger: &Ledger, uid: &'a [u8]| {
            let highest = ledger.lookup(uid).iter().map(|known| known.copy).max();
            let copy = highest.unwrap_or(0).max(ledger.first_copy(uid)).saturating_add(1);
            Ok([Record::Reused { uid: uid.into(), copy }])
        };
        self.write_each(uids, Sync::Now, reused).map(drop)
    }

    /// The copy number of the first message of a UID; see [`super::Ledger::identity`]. It is not 0 if the UID
    /// has meant another message before.
    pub fn first_copy(&self, uid: &[u8]) -> u32 {
        match self.facts.reused.is_empty() {
            true => 0,
            false => self.facts.reused.get(uid).copied().unwrap_or(0),
        }
    }

    /// Records UIDs that are listed more than once.
    pub fn note_ambiguous<'a>(&mut self, uids: impl IntoIterator<Item = &'a [u8]>) -> Result<(), StoreError> {
        let ambiguous = |ledger: &Ledger, uid: &'a [u8]| {
            Ok((!ledger.is_ambiguous(uid)).then(|| Record::Ambiguous { uid: uid.into() }))
        };
        self.write_each(uids, Sync::Now, ambiguous).map(drop)
    }

    /// Records when UIDs were first listed; a UID that has such a time keeps it.
    pub fn note_first_seen<'a>(
        &mut self,
        uids: impl IntoIterator<Item = &'a [u8]>,
        time: u64,
    ) -> Result<(), StoreError> {
        let mut guess = 0;
        let first_seen = |ledger: &Ledger, uid: &'a [u8]| {
            let memory = ledger.recall(uid, guess);
            guess = memory.map_or(guess, |memory| memory.place() + 1);
            let is_noted = memory.is_some_and(|memory| memory.first_seen().is_some());
            Ok((!is_noted).then(|| Record::FirstSeen { uid: uid.into(), time }))
        };
        self.write_each(uids, Sync::Later, first_seen).map(drop)
    }

    /// Records which UIDs are listed: a deleted message that is still listed is remembered for longer.
    pub fn note_listed<'a>(&mut self, uids: impl IntoIterator<Item = &'a [u8]>) -> Result<(), StoreError> {
        if !self.facts.any_deleted {
            return Ok(());
        }
        let time = durable::now();
        let is_due = |known: &&Known| matches!(known.state(), Some(ServerState::Deleted(noted)) if noted.saturating_add(DAY) < time);
        let mut guess = 0;
        let listed = |ledger: &Ledger, uid: &'a [u8]| {
            let Some(memory) = ledger.recall(uid, guess) else { return Ok(Vec::new()) };
            guess = memory.place() + 1;
            let deleted =
                |&Known { copy, size, .. }: &Known| Record::Deleted { uid: uid.into(), copy, size, time };
            Ok(memory.known().iter().filter(is_due).map(deleted).collect())
        };
        self.write_each(uids, Sync::Later, listed).map(drop)
    }

    /// Forgets UIDs: they are new again, and not ambiguous any more. Returns how many were known.
    pub fn forget<'a>(&mut self, uids: impl IntoIterator<Item = &'a [u8]>) -> Result<usize, StoreError> {
        let forget = |ledger: &Ledger, uid: &'a [u8]| {
            Ok(ledger.knows(uid).then(|| Record::Forget { uid: uid.into() }))
        };
        self.write_each(uids, Sync::Now, forget)
    }

    /// Makes room for so many more UIDs of `octets` in all. A table that grows step by step would need half
    /// as much again in its last step.
    pub fn expect(&mut self, count: usize, octets: usize) {
        self.facts.entries.expect(count, octets);
    }

    /// Marks messages (UID, copy, listed size) as seen: they count as known, and are not stored. Returns how
    /// many were not known before.
    pub fn mark_seen<'a>(
        &mut self,
        messages: impl IntoIterator<Item = (&'a [u8], u32, Option<u64>)>,
    ) -> Result<usize, StoreError> {
        let time = durable::now();
        let mark = |ledger: &Ledger, (uid, copy, size): (&'a [u8], u32, Option<u64>)| {
            let is_known = ledger.lookup(uid).iter().any(|known| known.copy == copy && known.fits(size));
            Ok((!is_known).then(|| Record::Marked { uid: uid.into(), copy, size, time }))
        };
        self.write_each(messages, Sync::Now, mark)
    }

    /// Marks the messages that another program has fetched, since when it says (UID, seconds since 1970): they count as
    /// known, and are not stored. Where anything is known of a UID it stays as it is. Returns how many were marked.
    pub fn mark_fetched_elsewhere<'a>(
        &mut self,
        messages: impl IntoIterator<Item = (&'a [u8], Option<u64>)>,
    ) -> Result<usize, StoreError> {
        let now = durable::now();
        let mark = |ledger: &Ledger, (uid, time): (&'a [u8], Option<u64>)| {
            let is_new = ledger.lookup(uid).is_empty() && !ledger.is_ambiguous(uid);
            let (copy, time) = (ledger.first_copy(uid), time.map_or(now, |time| time.min(now)));
            Ok(is_new.then(|| Record::Marked { uid: uid.into(), copy, size: None, time }))
        };
        self.write_each(messages, Sync::Now, mark)
    }
}
