//! What proves that a message is safe here, so that it may go from the server.

use super::Ledger;
use super::known::{Content, Fact, Known, Stored};
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
    /// The proof for what is stored; a mark has none to give.
    fn of(_: Stored, identity: Identity, size: Option<u64>) -> Self {
        Recorded { identity, tag: 0, size }
    }

    /// Who the message is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The caller's own number.
    pub fn tag(&self) -> usize {
        self.tag
    }
}

/// A message that goes from the server.
#[derive(Clone, Copy, Debug)]
pub enum Going<'a> {
    /// One whose proof is at hand.
    Proven(&'a Recorded),
    /// The one of which the ledger has the proof: UID and listed size; see [`Ledger::proof`].
    Known(&'a [u8], Option<u64>),
}

/// UID, copy, and the size it is recorded with.
type NamedCopy<'a> = (Cow<'a, [u8]>, u32, Option<u64>);

impl<'a> Going<'a> {
    /// What names it in a record.
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

/// What is to become of a delivered message on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It stays there.
    Keep,
    /// It is to be deleted.
    Delete,
}

impl Ledger {
    /// Records what was delivered: one write, one fdatasync. Kinds: storage.
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

    /// Proof for a message stored and recorded by an earlier run: only where the UID means one message.
    /// `size` is what the server lists now.
    pub fn proof(&self, uid: &[u8], size: Option<u64>) -> Result<Option<Recorded>, StoreError> {
        let Some(known) = self.proven(uid, size)? else { return Ok(None) };
        Ok(match known.fact {
            Fact::Stored(stored) => Some(Recorded::of(stored, self.identity(uid, known.copy), known.size)),
            Fact::Marked | Fact::Elsewhere(_) => None,
        })
    }

    /// Whether there is a [`Ledger::proof`].
    pub fn has_proof(&self, uid: &[u8], size: Option<u64>) -> Result<bool, StoreError> {
        Ok(self.proven(uid, size)?.is_some_and(|known| matches!(known.fact, Fact::Stored(_))))
    }

    /// The one message that a UID with this size means; none where that is not certain, or not durable.
    fn proven(&self, uid: &[u8], size: Option<u64>) -> Result<Option<Known>, StoreError> {
        let entry = self.facts.entries.get(uid).filter(|entry| !entry.is_ambiguous());
        let Some(entry) = entry.filter(|_| !self.file.is_broken()) else { return Ok(None) };
        let all = entry.known();
        // Several copies are several messages; one is the message that the UID names since it was re-used.
        let first = self.first_copy(uid);
        if all.iter().any(|known| known.copy > first || known.copy != all[0].copy) {
            return Ok(None);
        }
        let Some(known) = all.iter().rfind(|known| known.fits(size)) else { return Ok(None) };
        // Without a size to tell them apart, records of different sizes leave it open which one is listed.
        for other in all.iter().filter(|other| size.is_none() && other.size != known.size) {
            if !self.is_same(other, known)? {
                return Ok(None);
            }
        }
        Ok(Some(*known))
    }

    /// What tells the header of the message from others that [`Ledger::proof`] is of, if that was noted.
    pub fn print(&self, uid: &[u8], size: Option<u64>) -> Result<Option<u64>, StoreError> {
        let Some(known) = self.proven(uid, size)? else { return Ok(None) };
        Ok(self.content(&known)?.and_then(|content| content.print))
    }

    /// Calls `take` with the hash of each message that is stored.
    pub(in crate::store) fn each_stored(&self, take: &mut dyn FnMut([u8; 32])) -> Result<(), StoreError> {
        for entry in self.facts.entries.iter() {
            for known in entry.known().iter().filter(|known| known.is_stored()) {
                self.hash(known)?.into_iter().for_each(&mut *take);
            }
        }
        Ok(())
    }

    /// The hash of what is stored; none of a mark.
    pub fn hash(&self, known: &Known) -> Result<Option<[u8; 32]>, StoreError> {
        Ok(self.content(known)?.map(|content| content.sha256))
    }

    /// What identifies what is stored; none of a mark. It stands in the file alone.
    pub(super) fn content(&self, known: &Known) -> Result<Option<Content>, StoreError> {
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
