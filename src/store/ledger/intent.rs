//! What a run announces before it acts, so that the next one can tell what a killed run left.
//!
//! Two kinds: an open mark says that messages may be stored at a destination and not recorded yet (a
//! Maildir finds them again by name); an intent says what exactly is about to be appended to an mbox.

use super::Ledger;
use super::record::{Part, Record};
use super::writing::Sync;
use crate::store::error::StoreError;
use std::borrow::Cow;
use std::collections::HashSet;

/// An append to an mbox that was announced and of which something is not recorded.
#[derive(Clone, Debug)]
pub(in crate::store) struct Intent {
    pub id: u64,
    pub path: Vec<u8>,
    /// The length of the mbox before.
    pub offset: u64,
    /// How many line ends come first, to end what was there.
    pub lead: u64,
    pub parts: Vec<Part<'static>>,
    /// Which parts are recorded, in their order.
    pub done: Vec<bool>,
    /// How many of them are not.
    left: usize,
    /// The part behind the one recorded last: most likely the next.
    next: usize,
}

/// What killed runs may have left at a destination.
#[derive(Debug)]
pub(in crate::store) struct Unclosed {
    /// Their numbers.
    pub runs: HashSet<u64>,
    /// The keys of all messages recorded since the first of them began.
    pub recorded: HashSet<[u8; 16]>,
}

impl Ledger {
    /// This run's number: unlike that of any other run of the account.
    pub(in crate::store) fn run(&self) -> u64 {
        self.run
    }

    /// Notes durably, once a run, that messages are about to be stored at `destination`.
    pub(in crate::store) fn announce(&mut self, destination: &[u8]) -> Result<(), StoreError> {
        if self.announced.iter().any(|known| known == destination) {
            return Ok(());
        }
        let record = Record::Open { run: self.run, destination: Cow::Borrowed(destination) };
        self.write(vec![record], Sync::Now)?;
        self.announced.push(destination.to_vec());
        Ok(())
    }

    /// What killed runs may have left at `destination`; none if nothing.
    pub(in crate::store) fn unclosed(&self, destination: &[u8]) -> Option<Unclosed> {
        let of = |run: &&(u64, Vec<u8>, u64)| run.1 == destination;
        let begin = self.facts.runs.iter().filter(of).map(|run| run.2).min()?;
        let runs = self.facts.runs.iter().filter(of).map(|run| run.0).collect();
        let mut recorded = HashSet::new();
        for memory in self.facts.entries.iter() {
            for known in memory.known().iter().filter(|known| known.at > begin && known.is_stored()) {
                recorded.insert(self.identity(memory.uid(), known.copy).raw_key());
            }
        }
        Some(Unclosed { runs, recorded })
    }

    /// Whether a run was killed, and something that it stored may not be recorded.
    pub(in crate::store) fn is_unclosed(&self, run: u64) -> bool {
        self.facts.runs.iter().any(|open| open.0 == run)
    }

    /// Notes that nothing of these runs is left to be found, once all stored messages are recorded.
    pub(in crate::store) fn settle(&mut self, runs: impl IntoIterator<Item = u64>) {
        self.settled.extend(runs);
    }

    /// Notes that messages are stored, and to be recorded.
    pub(in crate::store) fn stored(&mut self, count: usize) {
        self.unrecorded += count;
    }

    /// Notes that something may be stored which nobody will record: the run stays marked as open.
    pub(in crate::store) fn suspect(&mut self) {
        self.suspect = true;
    }

    /// Records durably what is about to be appended to the mbox at `path`: at which offset, behind how many
    /// line ends. In the same write the intent `void` is cancelled.
    pub(in crate::store) fn intend(
        &mut self,
        path: &[u8],
        (offset, lead): (u64, u64),
        parts: Vec<Part<'_>>,
        void: Option<u64>,
    ) -> Result<u64, StoreError> {
        let id = self.facts.last_intent + 1;
        let count = parts.len() as u64;
        let mut records: Vec<Record> = void.into_iter().map(|id| Record::Cancel { id }).collect();
        records.push(Record::Intent { id, offset, lead, count, path: Cow::Borrowed(path) });
        records.extend(parts.into_iter().map(Record::Part));
        self.write(records, Sync::Now)?;
        Ok(id)
    }

    /// Notes that what is left of an intent will not happen.
    pub(in crate::store) fn cancel(&mut self, id: u64) -> Result<(), StoreError> {
        match self.facts.intents.iter().any(|intent| intent.id == id) {
            true => self.write(vec![Record::Cancel { id }], Sync::Later),
            false => Ok(()),
        }
    }

    /// What was announced for the mbox at `path` and is not recorded, in its order.
    pub(in crate::store) fn intents_for(&self, path: &[u8]) -> Vec<Intent> {
        self.facts.intents.iter().filter(|intent| intent.path == path).cloned().collect()
    }
}

impl Intent {
    /// An intent of so many parts, which follow.
    pub fn new(id: u64, path: Vec<u8>, (offset, lead): (u64, u64), count: usize) -> Self {
        let (parts, done) = (Vec::new(), vec![false; count]);
        Intent { id, path, offset, lead, parts, done, left: count, next: 0 }
    }

    /// Notes that a part is recorded; says whether all are.
    pub fn fulfil(&mut self, uid: &[u8], copy: u32) -> bool {
        let same = |part: &Part| part.uid == uid && part.copy == copy;
        let ahead = self.parts.iter().skip(self.next).position(same).map(|at| self.next + at);
        if let Some(at) = ahead.or_else(|| self.parts.iter().position(same)) {
            self.next = at + 1;
            if let Some(done) = self.done.get_mut(at).filter(|done| !**done) {
                *done = true;
                self.left -= 1;
            }
        }
        self.left == 0
    }

    /// Whether all parts that were announced are there: if not, the write that announced them never ended,
    /// and nothing was appended.
    pub fn is_whole(&self) -> bool {
        self.parts.len() == self.done.len()
    }
}
