//! The end of a run: the mark that it ended well, and compaction.
//!
//! Compaction rewrites the ledger without dead lines, atomically (a temporary file, fsync, rename, fsync of
//! the directory), and forgets messages whose deletion was confirmed, and which were not listed any more,
//! for [`MEMORY`]. That a message is merely not listed proves nothing: it is remembered for ever. A ledger
//! with anything unsettled in it stays as it is, since marks count by their place among the records.

use super::record::{Batch, Delivery, Record};
use super::{Fact, Known, Ledger, State, Sync, Totals};
use crate::store::durable;
use crate::store::error::StoreError;
use std::borrow::Cow;
use std::io::{self, Write};

/// For how many seconds a deleted message is remembered: 30 days.
const MEMORY: u64 = 30 * super::DAY;
/// How many dead lines are not worth a compaction.
const SLACK: u64 = 256;

impl Ledger {
    /// Ends the run: notes that it ended well if everything stored is recorded, and compacts the ledger
    /// where much of it is dead. A run that wrote nothing writes nothing here. Kinds: storage.
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
        let settled =
            self.announced.is_empty() && self.facts.runs.is_empty() && self.facts.intents.is_empty();
        if self.file.changed() && settled && self.facts.is_mostly_dead(durable::now()) {
            self.compact(durable::now())?;
        }
        Ok(())
    }

    pub(super) fn compact(&mut self, now: u64) -> Result<(), StoreError> {
        self.facts.last_run = self.facts.last_run.max(self.run);
        let header = super::load::header(&self.key, &self.names);
        // What a killed compaction has left; should that stay, it does no harm.
        let _ = durable::sweep_beside(self.path());
        durable::replace_with(self.path(), 0o600, |out| {
            out.write_all(&header)?;
            self.facts.live(now, &|at| self.facts.hash(at), |record| {
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
        let _ = self.live(now, &|_| Ok([0; 32]), |_| {
            live += 1;
            Ok(())
        });
        self.lines > 2 * live + SLACK
    }

    /// Calls `take` with every record that a ledger of these facts needs. `hash`: of what is recorded at a place.
    fn live(
        &self,
        now: u64,
        hash: &dyn Fn(u64) -> io::Result<[u8; 32]>,
        mut take: impl FnMut(Record<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        // The numbers of runs never begin anew.
        if self.last_run > 0 {
            take(Record::Open { run: self.last_run, destination: Cow::Borrowed(b"-") })?;
            take(Record::Closed { run: self.last_run })?;
        }
        if let Some(number) = self.validity {
            take(Record::Validity { number })?;
        }
        for (uid, (size, octets)) in &self.outgrown {
            take(Record::Outgrown { uid: Cow::Borrowed(uid), size: *size, octets: *octets })?;
        }
        self.live_notes(now, &mut take)?;
        // What was taken over comes first, as the record behind it says.
        let taken_over = self.entries.iter().any(|(_, entry)| entry.known().iter().any(Known::is_elsewhere));
        if taken_over {
            for (uid, entry) in self.entries.iter() {
                for known in entry.known().iter().filter(|known| known.is_elsewhere()) {
                    self.live_one(uid, known, now, hash, &mut take)?;
                }
            }
            take(Record::TakenOver)?;
        }
        for (entry_uid, entry) in self.entries.iter() {
            let uid = || Cow::Borrowed(entry_uid);
            let mut kept = 0;
            for known in entry.known().iter() {
                kept += match known.is_elsewhere() {
                    true => u32::from(!is_forgotten(known, now)),
                    false => u32::from(self.live_one(entry_uid, known, now, hash, &mut take)?),
                };
            }
            if entry.is_ambiguous() {
                take(Record::Ambiguous { uid: uid() })?;
            }
            if let Some(time) = entry.first_seen().filter(|_| kept > 0 || entry.known().is_empty()) {
                take(Record::FirstSeen { uid: uid(), time })?;
            }
        }
        Ok(())
    }

    /// Calls `take` with the records of one message; says whether there were any.
    fn live_one(
        &self,
        uid: &[u8],
        known: &Known,
        now: u64,
        hash: &dyn Fn(u64) -> io::Result<[u8; 32]>,
        take: &mut impl FnMut(Record<'_>) -> io::Result<()>,
    ) -> io::Result<bool> {
        let uid = || Cow::Borrowed(uid);
        let (copy, size, time) = (known.copy, known.size, known.time);
        let (Fact::Stored(stored) | Fact::Elsewhere(stored)) = known.fact else {
            take(Record::Marked { uid: uid(), copy, size, time })?;
            return Ok(true);
        };
        if is_forgotten(known, now) {
            return Ok(false);
        }
        take(Record::Delivered(Delivery {
            uid: uid(),
            copy,
            size,
            time,
            sha256: hash(known.at)?,
            pending: stored.state == State::Pending,
            intent: None,
        }))?;
        if let State::Deleted(time) = stored.state {
            take(Record::Deleted { uid: uid(), copy, size, time })?;
        }
        Ok(true)
    }
}

/// Whether a message was deleted so long ago that nothing of it is remembered.
fn is_forgotten(known: &Known, now: u64) -> bool {
    matches!(known.state(), Some(State::Deleted(time)) if time.saturating_add(MEMORY) < now)
}
