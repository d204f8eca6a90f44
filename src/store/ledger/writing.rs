//! Writing records, many of them as one write: after a crash only a first part of it may be there. They are
//! applied once they are written.

use super::Ledger;
use super::cell::IN_MEMORY;
use super::record::{Batch, Record};
use crate::store::error::StoreError;
use std::borrow::Cow;

/// How many records are written at a time.
const AT_ONCE: usize = 4096;

/// When a write must be on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Sync {
    /// Before the call returns.
    Now,
    /// At any time: if it is lost, that does no harm.
    Later,
}

impl Ledger {
    /// Writes the records that `make` returns for each item. They are written some thousands at a time, to
    /// save memory, and still count as one write: after a crash only a first part of it may be there. Returns
    /// the number of records.
    pub(super) fn write_each<'r, T, R: IntoIterator<Item = Record<'r>>>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        sync: Sync,
        mut make: impl FnMut(&Ledger, T) -> Result<R, StoreError>,
    ) -> Result<usize, StoreError> {
        let (begin, mut written, mut count) = (self.file.len(), 0, 0);
        let mut records = Vec::new();
        for item in items {
            if records.len() >= AT_ONCE {
                count += records.len();
                self.put(std::mem::take(&mut records), &mut written, sync, None)?;
            }
            records.extend(make(self, item)?);
        }
        count += records.len();
        if count > 0 {
            self.put(records, &mut written, sync, Some(begin))?;
        }
        Ok(count)
    }

    /// Writes records, then applies them. Writes nothing if there are none.
    pub(in crate::store) fn write(&mut self, records: Vec<Record>, sync: Sync) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let begin = self.file.len();
        self.put(records, &mut 0, sync, Some(begin))
    }

    /// Writes some records of a larger write, of which `written` lines are in the file already, then applies
    /// them. `last` is set if these are the last ones: the offset at which the whole write began.
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
                self.facts.at = if self.file.is_forgetful() { IN_MEMORY } else { place };
                self.facts.apply(record);
            }
        }
        self.facts.entries.settle();
        Ok(())
    }
}
