//! Messages that stand in several folders of an account, stored once (`fetch --dedupe`).
//!
//! A message whose content another folder's ledger has recorded as stored is recorded too, and not stored again. The
//! content is all that counts: the SHA-256 of the whole message.

use super::delivered::{Delivered, Label, Place, Subject};
use super::error::StoreError;
use super::fingerprint::ContentHash;
use super::identity::AccountKey;
use super::ledger::Ledger;
use super::sink::{Recovery, Sink, Staged};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many messages that are stored in another folder are recorded at once.
const DUE: usize = 512;

/// What is stored of all folders of an account: each content with the folder that has it.
#[derive(Clone, Debug, Default)]
pub struct Twins(Arc<Mutex<HashMap<[u8; 32], AccountKey>>>);

impl Twins {
    /// Reads it from the ledgers in `dir` of the account's folders; those that other runs hold locked, too. Kinds:
    /// storage, config.
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

    /// Puts it before a destination that gets the messages of one folder.
    pub fn before(&self, sink: Box<dyn Sink>, folder: &AccountKey) -> Box<dyn Sink> {
        let (twins, folder) = (self.clone(), folder.clone());
        Box::new(Deduped { sink, twins, folder, draft: None, found: Vec::new() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], AccountKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A destination that passes over what another folder has.
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
        // Where the destination fails, what it did not store has no part in that: it comes with the next call.
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
