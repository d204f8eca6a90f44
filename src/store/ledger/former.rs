//! What was stored under an earlier UIDVALIDITY (`RFC 3501 §2.3.1.1`) and is found again by its content.
//!
//! When the UIDVALIDITY changes, the old UIDs name nothing any more, but the messages are most likely the same. So
//! what is fetched under the new one is compared with what is stored, and is not stored twice. Each record stands
//! for one message alone. The records stay until a run has seen every message, see [`Ledger::end_former`].

use super::Ledger;
use super::known::Known;
use super::record::Record;
use super::writing::Sync;
use crate::store::error::StoreError;
use crate::store::fingerprint::Hashes;
use std::collections::HashMap;

/// What was stored under an earlier UIDVALIDITY, and which of it was found again.
#[derive(Debug, Default)]
pub(super) struct Former {
    known: Vec<Known>,
    /// The hashes of what was stored since.
    found: Vec<[u8; 32]>,
    /// By hash what was not found yet, once that was asked for.
    index: Option<HashMap<[u8; 32], Vec<Known>>>,
}

impl Former {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What was known counts no more, and may be found again.
    pub fn add(&mut self, known: impl Iterator<Item = Known>) {
        self.known.extend(known.filter(|known| known.is_stored() && known.is_there()));
        self.index = None;
    }

    /// A message with this hash was recorded. It may be one of these.
    pub fn found(&mut self, sha256: [u8; 32]) {
        if !self.is_empty() && self.index.is_none() {
            self.found.push(sha256);
        }
    }
}

impl Ledger {
    /// Whether something was stored under an earlier UIDVALIDITY, so that what is new by its UID may not be.
    pub fn has_former(&self) -> bool {
        !self.facts.former.is_empty()
    }

    /// What was stored under an earlier UIDVALIDITY and has this content; told once.
    pub fn take_former(&mut self, hashes: &Hashes) -> Result<Option<Known>, StoreError> {
        let mut index = match self.facts.former.index.take() {
            Some(index) => index,
            None => self.index_former()?,
        };
        let found = hashes.each().iter().find_map(|hash| index.get_mut(hash)?.pop());
        self.facts.former.index = Some(index);
        Ok(found)
    }

    fn index_former(&self) -> Result<HashMap<[u8; 32], Vec<Known>>, StoreError> {
        let mut index: HashMap<[u8; 32], Vec<Known>> = HashMap::new();
        for known in &self.facts.former.known {
            if let Some(hash) = self.hash(known)? {
                index.entry(hash).or_default().push(*known);
            }
        }
        // What an interrupted run found is found.
        for hash in &self.facts.former.found {
            if let Some(known) = index.get_mut(hash) {
                known.pop();
            }
        }
        Ok(index)
    }

    /// A run has seen every message of the folder: what was not found again under the new UIDVALIDITY is there no
    /// more.
    pub fn end_former(&mut self) -> Result<(), StoreError> {
        match self.facts.validity {
            Some(number) if self.has_former() => self.write(vec![Record::Validity { number }], Sync::Later),
            _ => Ok(()),
        }
    }
}
