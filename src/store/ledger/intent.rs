//! What a run records before it acts, so that the next run can find what it left if it was killed.
//!
//! There are two kinds. An open mark says that messages may be stored at a destination without being recorded
//! yet; a Maildir finds them again by name. An intent says exactly what is about to be appended to an mbox.

use super::Ledger;
use super::record::{IntentPart, Record};
use super::writing::Sync;
use crate::store::error::StoreError;
use std::borrow::Cow;
use std::collections::HashSet;

/// An append to an mbox that was announced, and of which not all parts are recorded.
#[derive(Clone, Debug)]
pub(in crate::store) struct Intent {
    pub id: u64,
    pub path: Vec<u8>,
    /// The length of the mbox before the append.
    pub offset: u64,
    /// How many line ends come first, to complete what was there before.
    pub lead: u64,
    pub parts: Vec<IntentPart<'static>>,
    /// Whether each part is recorded.
    pub done: Vec<bool>,
    /// How many of them are not.
    left: usize,
    /// The part after the one that was recorded last; most likely the next to be recorded.
    next: usize,
}

/// What killed runs may have left at a destination.
#[derive(Debug)]
pub(in crate::store) struct Unclosed {
    /// The numbers of these runs.
    pub runs: HashSet<u64>,
    /// The keys of all messages that were recorded after the first of them began.
    pub recorded: HashSet<[u8; 16]>,
}

impl Ledger {
    /// The number of this run; no other run of the account has the same.
    pub(in crate::store) fn run(&self) -> u64 {
        self.run
    }

    /// Records durably, once in each run, that messages are about to be stored at `destination`.
    pub(in crate::store) fn announce(&mut self, destination: &[u8]) -> Result<(), StoreError> {
        if self.announced.iter().any(|known| known == destination) {
            return Ok(());
        }
        let record = Record::Open { run: self.run, destination: Cow::Borrowed(destination) };
        self.write(vec![record], Sync::Now)?;
        self.announced.push(destination.to_vec());
        Ok(())
    }

    /// What killed runs may have left at `destination`; `None` if nothing.
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

    /// Whether this run was killed, and something that it stored may not be recorded.
    pub(in crate::store) fn is_unclosed(&self, run: u64) -> bool {
        self.facts.runs.iter().any(|open| open.0 == run)
    }

    /// The messages that these runs left are all found; noted as soon as everything stored is recorded.
    pub(in crate::store) fn settle(&mut self, runs: impl IntoIterator<Item = u64>) {
        self.settled.extend(runs);
    }

    /// So many messages have been stored and will be recorded.
    pub(in crate::store) fn stored(&mut self, count: usize) {
        self.unrecorded += count;
    }

    /// Something may be stored that will not be recorded: this run stays marked as open.
    pub(in crate::store) fn suspect(&mut self) {
        self.suspect = true;
    }

    /// Records durably what is about to be appended to the mbox at `path`: at which offset, and after how
    /// many line ends. The same write cancels the intent `void`.
    pub(in crate::store) fn intend(
        &mut self,
        path: &[u8],
        (offset, lead): (u64, u64),
        parts: Vec<IntentPart<'_>>,
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

    /// Records that the rest of an intent will not be carried out.
    pub(in crate::store) fn cancel(&mut self, id: u64) -> Result<(), StoreError> {
        match self.facts.intents.iter().any(|intent| intent.id == id) {
            true => self.write(vec![Record::Cancel { id }], Sync::Later),
            false => Ok(()),
        }
    }

    /// The intents for the mbox at `path` of which not all parts are recorded, in order.
    pub(in crate::store) fn intents_for(&self, path: &[u8]) -> Vec<Intent> {
        self.facts.intents.iter().filter(|intent| intent.path == path).cloned().collect()
    }
}

impl Intent {
    /// An intent whose `count` parts are to follow.
    pub fn new(id: u64, path: Vec<u8>, (offset, lead): (u64, u64), count: usize) -> Self {
        let (parts, done) = (Vec::new(), vec![false; count]);
        Intent { id, path, offset, lead, parts, done, left: count, next: 0 }
    }

    /// Notes that a part is recorded; returns whether all are.
    pub fn fulfil(&mut self, uid: &[u8], copy: u32) -> bool {
        let same = |part: &IntentPart| part.uid == uid && part.copy == copy;
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

    /// Whether it has all the parts that were announced. If not, the write that announced them never ended,
    /// and nothing was appended.
    pub fn is_whole(&self) -> bool {
        self.parts.len() == self.done.len()
    }
}
