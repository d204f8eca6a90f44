//! Messages that are in several folders of an account are stored once (`fetch --dedupe`).
//!
//! If the ledger of another folder says that the same content is stored, a message is recorded but not stored
//! again. Only the content counts: the SHA-256 of the whole message.

use super::delivered::{Delivered, Label, Place, Subject};
use super::error::StoreError;
use super::fingerprint::ContentHash;
use super::identity::AccountKey;
use super::ledger::Ledger;
use super::sink::{Recovery, Sink, Staged};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many such messages are recorded at once.
const DUE: usize = 512;

/// Everything that is stored for the folders of an account: the hash of each content, and its folder.
#[derive(Clone, Debug, Default)]
pub struct Twins(Arc<Mutex<HashMap<[u8; 32], AccountKey>>>);

impl Twins {
    /// Reads the ledgers of the account's folders in `dir`, including those that other runs hold locked.
    /// Kinds: storage, config.
    pub fn gather(dir: &Path, account: &AccountKey) -> Result<Self, StoreError> {
        let twins = Twins::default();
        for folder in Ledger::folders_of(dir, account)? {
            let mut known = twins.lock();
            Ledger::peek(dir, &folder)?.each_stored(&mut |hash| {
                known.entry(hash).or_insert_with(|| folder.clone());
            })?;
        }
        Ok(twins)
    }

    /// Wraps the destination for the messages of `folder`.
    pub fn before(&self, sink: Box<dyn Sink>, folder: &AccountKey) -> Box<dyn Sink> {
        let (twins, folder) = (self.clone(), folder.clone());
        Box::new(Deduped { sink, twins, folder, draft: None, found: Vec::new() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], AccountKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A destination that leaves out what is stored for another folder.
struct Deduped {
    sink: Box<dyn Sink>,
    twins: Twins,
    folder: AccountKey,
    draft: Option<(Label, ContentHash, u64)>,
    /// Messages that are stored for another folder.
    found: Vec<Delivered>,
}

impl Sink for Deduped {
    fn recover(&mut self, ledger: &mut Ledger) -> Result<Recovery, StoreError> {
        self.sink.recover(ledger)
    }

    fn adopt(&mut self, ledger: &mut Ledger, subject: &Subject) -> Result<Option<Delivered>, StoreError> {
        self.sink.adopt(ledger, subject)
    }

    fn end_validity(&mut self, ledger: &mut Ledger) -> Result<(), StoreError> {
        self.sink.end_validity(ledger)
    }

    fn begin(&mut self, subject: &Subject) -> Result<(), StoreError> {
        self.sink.begin(subject)?;
        self.draft = Some((Label::of(subject), ContentHash::default(), 0));
        Ok(())
    }

    fn write(&mut self, ledger: &mut Ledger, octets: &[u8]) -> Result<(), StoreError> {
        if let Some((_, hash, size)) = &mut self.draft {
            hash.push(octets);
            *size += octets.len() as u64;
        }
        self.sink.write(ledger, octets)
    }

    fn discard(&mut self) {
        self.draft = None;
        self.sink.discard();
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        let Some((label, hash, size)) = self.draft.take() else {
            return Err(StoreError::Misused("no draft is open"));
        };
        let hashes = hash.finish();
        let is_elsewhere = {
            let known = self.twins.lock();
            hashes.each().iter().any(|hash| known.get(hash).is_some_and(|folder| *folder != self.folder))
        };
        if !is_elsewhere {
            return self.sink.finish();
        }
        self.sink.discard();
        self.found.push(label.delivered(Place::OtherFolder, (size, hashes.plain())));
        Ok(())
    }

    fn flags(&mut self, tag: usize, flags: Vec<String>) {
        self.sink.flags(tag, flags);
    }

    fn staged(&self) -> Staged {
        let staged = self.sink.staged();
        Staged { count: staged.count + self.found.len(), ..staged }
    }

    fn due(&self) -> bool {
        self.found.len() >= DUE || self.sink.due()
    }

    fn commit(&mut self, ledger: &mut Ledger) -> Result<Vec<Delivered>, StoreError> {
        if self.sink.staged().count == 0 {
            let found = std::mem::take(&mut self.found);
            ledger.stored(found.len());
            return Ok(found);
        }
        // If the destination fails, that does not affect the messages it did not store: the next call returns
        // them.
        let delivered = self.sink.commit(ledger)?;
        let mut known = self.twins.lock();
        for one in &delivered {
            known.entry(*one.sha256()).or_insert_with(|| self.folder.clone());
        }
        Ok(delivered)
    }

    fn rollback(&mut self) {
        self.draft = None;
        self.found.clear();
        self.sink.rollback();
    }
}
