//! The end of a run: the mark that it ended well, and compaction.
//!
//! Compaction rewrites the ledger without dead lines, atomically (a temporary file, fsync, rename, fsync of
//! the directory). It forgets messages whose deletion was confirmed and which have not been listed since,
//! after [`MEMORY`]. A message that is only not listed is remembered for ever: that proves nothing. A ledger
//! with anything unsettled in it stays as it is, since the meaning of open marks depends on their place among
//! the records.

use super::Ledger;
use super::known::{ContentHashes, Known, ServerState};
use super::record::{Batch, Delivery, Record};
use super::totals::Totals;
use super::whole::FolderNumbers;
use super::writing::Sync;
use crate::store::durable;
use crate::store::error::StoreError;
use std::borrow::Cow;
use std::io::{self, Write};

/// How long a deleted message is remembered, in seconds: 30 days.
const MEMORY: u64 = 30 * super::DAY;
/// How many dead lines are too few for a compaction.
const SLACK: u64 = 256;

impl Ledger {
    /// Ends the run: records that it ended well if everything stored is recorded, and compacts the ledger if
    /// much of it is dead. A run that wrote nothing writes nothing here. Kinds: storage.
    pub fn close(mut self) -> Result<(), StoreError> {
        if !self.file.is_sound() {
            return Ok(());
        }
        if self.unrecorded == 0 && !self.suspect {
            let own = (!self.announced.is_empty()).then_some(self.run);
            let runs: Vec<u64> = own.into_iter().chain(std::mem::take(&mut self.settled)).collect();
            let ended = runs.into_iter().map(|run| Record::Closed { run });
            self.write(ended.collect(), Sync::Later)?;
            self.announced.clear();
        }
        let settled = self.announced.is_empty()
            && self.facts.runs.is_empty()
            && self.facts.intents.is_empty()
            // The hashes of former messages are only in the file.
            && self.facts.former.is_empty();
        if self.file.changed() && settled && self.facts.is_mostly_dead(durable::now()) {
            self.compact(durable::now())?;
        }
        Ok(())
    }

    pub(super) fn compact(&mut self, now: u64) -> Result<(), StoreError> {
        self.facts.last_run = self.facts.last_run.max(self.run);
        let header = super::load::header(&self.key, &self.names);
        // Left by a compaction that was killed; if it cannot be removed, it does no harm.
        let _ = durable::sweep_beside(self.path());
        durable::replace_with(self.path(), 0o600, |out| {
            out.write_all(&header)?;
            self.facts.live(now, &|at| self.facts.content(at), |record| {
                let mut line = Batch::default();
                line.push(&record);
                out.write_all(&line.octets)
            })
        })
    }
}

impl Totals {
    fn is_mostly_dead(&self, now: u64) -> bool {
        let mut live = 0;
        // Counting cannot fail, and needs no hashes.
        let none = ContentHashes { sha256: [0; 32], print: None };
        let _ = self.live(now, &|_| Ok(none), |_| {
            live += 1;
            Ok(())
        });
        self.lines > 2 * live + SLACK
    }

    /// Calls `take` with every record that a ledger needs for these facts. `content` reads the hashes of the
    /// record at an offset.
    fn live(
        &self,
        now: u64,
        content: &dyn Fn(u64) -> io::Result<ContentHashes>,
        mut take: impl FnMut(Record<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        // Run numbers must never start again from the beginning.
        if self.last_run > 0 {
            take(Record::Open { run: self.last_run, destination: Cow::Borrowed(b"-") })?;
            take(Record::Closed { run: self.last_run })?;
        }
        if let Some(number) = self.validity {
            take(Record::Validity { number })?;
        }
        if let Some((FolderNumbers { uidvalidity, uidnext, messages }, time)) = self.whole {
            take(Record::Whole { uidvalidity, uidnext, messages, time })?;
        }
        for (uid, copy) in &self.reused {
            take(Record::Reused { uid: Cow::Borrowed(uid), copy: *copy })?;
        }
        for (uid, (size, octets)) in &self.outgrown {
            take(Record::Outgrown { uid: Cow::Borrowed(uid), size: *size, octets: *octets })?;
        }
        self.notes.live(now, &mut take)?;
        let remembered = |known: &&Known| !is_forgotten(known, now);
        // What was taken over comes first: the record after it refers to all before it.
        if self.count(Known::is_elsewhere) > 0 {
            for memory in self.entries.iter() {
                let known = memory.known();
                let mut elsewhere = known.iter().filter(remembered).filter(|known| known.is_elsewhere());
                elsewhere.try_for_each(|known| live_one(memory.uid(), known, content, &mut take))?;
            }
            take(Record::TakenOver)?;
        }
        for memory in self.entries.iter() {
            let (uid, known) = (memory.uid(), memory.known());
            let mut own = known.iter().filter(remembered).filter(|known| !known.is_elsewhere());
            own.try_for_each(|known| live_one(uid, known, content, &mut take))?;
            if memory.is_ambiguous() {
                take(Record::Ambiguous { uid: uid.into() })?;
            }
            let counts = known.is_empty() || known.iter().any(|known| remembered(&known));
            if let Some(time) = memory.first_seen().filter(|_| counts) {
                take(Record::FirstSeen { uid: uid.into(), time })?;
            }
        }
        // After what was taken over, since the record for that ends all copies before it.
        self.copies.live(&mut take)
    }
}

/// Calls `take` with the records of one message.
fn live_one(
    uid: &[u8],
    known: &Known,
    content: &dyn Fn(u64) -> io::Result<ContentHashes>,
    take: &mut impl FnMut(Record<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let (uid, copy, size, time) = (Cow::Borrowed(uid), known.copy, known.size, known.time);
    let Some(state) = known.state() else { return take(Record::Marked { uid, copy, size, time }) };
    let (ContentHashes { sha256, print }, pending) = (content(known.at)?, state == ServerState::Pending);
    let delivery = Delivery { uid: uid.clone(), copy, size, time, sha256, pending, intent: None, print };
    take(Record::Delivered(delivery))?;
    match state {
        ServerState::Deleted(time) => take(Record::Deleted { uid, copy, size, time }),
        ServerState::Kept | ServerState::Pending => Ok(()),
    }
}

/// Whether the message was deleted so long ago that it is forgotten.
fn is_forgotten(known: &Known, now: u64) -> bool {
    matches!(known.state(), Some(ServerState::Deleted(time)) if time.saturating_add(MEMORY) < now)
}
