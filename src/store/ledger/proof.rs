//! The proof that a message is stored and recorded, so that it may be deleted on the server.

use super::Ledger;
use super::known::{ContentHashes, Fact, Known, Stored};
use super::record::{Delivery, Record};
use super::writing::Sync;
use crate::store::delivered::Delivered;
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::identity::Identity;
use std::borrow::Cow;

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
    /// The proof for a stored message. A message that was only marked has no [`Stored`], and so no proof.
    fn of(_: Stored, identity: Identity, size: Option<u64>) -> Self {
        Recorded { identity, tag: 0, size }
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The caller's number.
    pub fn tag(&self) -> usize {
        self.tag
    }
}

/// A message that is about to be deleted on the server.
#[derive(Clone, Copy, Debug)]
pub enum Going<'a> {
    /// A message whose proof the caller has.
    Proven(&'a Recorded),
    /// The message with this UID and listed size, of which the ledger has the proof; see [`Ledger::proof`].
    Known(&'a [u8], Option<u64>),
}

/// UID, copy, and the size that is recorded.
type NamedCopy<'a> = (Cow<'a, [u8]>, u32, Option<u64>);

impl<'a> Going<'a> {
    /// What names the message in a record.
    pub(super) fn of(self, ledger: &Ledger) -> Result<Option<NamedCopy<'a>>, StoreError> {
        Ok(match self {
            Going::Proven(it) => Some((Cow::Borrowed(it.identity.uid()), it.identity.copy(), it.size)),
            Going::Known(uid, size) => {
                let known = ledger.proven(uid, size)?;
                known.map(|known| (Cow::Borrowed(uid), known.copy, known.size))
            }
        })
    }
}

/// What is to be done with delivered messages on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// They stay.
    Keep,
    /// They are to be deleted.
    Delete,
}

impl Ledger {
    /// Records delivered messages: one write, one fdatasync. Kinds: storage.
    pub fn record(
        &mut self,
        delivered: Vec<Delivered>,
        afterwards: Afterwards,
    ) -> Result<Vec<Recorded>, StoreError> {
        let mut recorded = Vec::with_capacity(delivered.len());
        let mut records = Vec::with_capacity(delivered.len());
        let time = durable::now();
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
                print: one.print,
            }));
        }
        self.write(records, Sync::Now)?;
        self.unrecorded = self.unrecorded.saturating_sub(delivered.len());
        Ok(recorded)
    }

    /// The proof for a message that an earlier run stored and recorded. There is one only if the UID means
    /// exactly one message. `size` is the one that the server lists now.
    pub fn proof(&self, uid: &[u8], size: Option<u64>) -> Result<Option<Recorded>, StoreError> {
        let Some(known) = self.proven(uid, size)? else { return Ok(None) };
        Ok(match known.fact {
            Fact::Stored(stored) => Some(Recorded::of(stored, self.identity(uid, known.copy), known.size)),
            Fact::Marked | Fact::Elsewhere(_) => None,
        })
    }

    /// Whether [`Ledger::proof`] returns a proof.
    pub fn has_proof(&self, uid: &[u8], size: Option<u64>) -> Result<bool, StoreError> {
        Ok(self.proven(uid, size)?.is_some_and(|known| matches!(known.fact, Fact::Stored(_))))
    }

    /// The one message with this UID and size; `None` if that is not certain, or not durable.
    fn proven(&self, uid: &[u8], size: Option<u64>) -> Result<Option<Known>, StoreError> {
        let entry = self.facts.entries.get(uid).filter(|entry| !entry.is_ambiguous());
        let Some(entry) = entry.filter(|_| !self.file.is_broken()) else { return Ok(None) };
        let all = entry.known();
        // Several copies are several messages. If the UID was used again, it means the message recorded since
        // then.
        let first = self.first_copy(uid);
        if all.iter().any(|known| known.copy > first || known.copy != all[0].copy) {
            return Ok(None);
        }
        let Some(known) = all.iter().rfind(|known| known.fits(size)) else { return Ok(None) };
        // Without a listed size, records of different sizes may be of different messages.
        for other in all.iter().filter(|other| size.is_none() && other.size != known.size) {
            if !self.is_same(other, known)? {
                return Ok(None);
            }
        }
        Ok(Some(*known))
    }

    /// The header hash of the message that [`Ledger::proof`] is for, if it was recorded.
    pub fn print(&self, uid: &[u8], size: Option<u64>) -> Result<Option<u64>, StoreError> {
        let Some(known) = self.proven(uid, size)? else { return Ok(None) };
        Ok(self.content(&known)?.and_then(|content| content.print))
    }

    /// Calls `take` with the hash of each stored message.
    pub(in crate::store) fn each_stored(&self, take: &mut dyn FnMut([u8; 32])) -> Result<(), StoreError> {
        for entry in self.facts.entries.iter() {
            for known in entry.known().iter().filter(|known| known.is_stored()) {
                self.hash(known)?.into_iter().for_each(&mut *take);
            }
        }
        Ok(())
    }

    /// The hash of a stored message; `None` for a mark.
    pub fn hash(&self, known: &Known) -> Result<Option<[u8; 32]>, StoreError> {
        Ok(self.content(known)?.map(|content| content.sha256))
    }

    /// The hashes of a stored message, read from the file; `None` for a mark.
    pub(super) fn content(&self, known: &Known) -> Result<Option<ContentHashes>, StoreError> {
        match known.fact {
            Fact::Stored(_) | Fact::Elsewhere(_) => {
                let failed = |error| StoreError::io(self.path(), "read", error);
                self.facts.content(known.at).map(Some).map_err(failed)
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
}
