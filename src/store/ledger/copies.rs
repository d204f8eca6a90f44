//! Copies to another folder of the server, as the first half of moving messages there.
//!
//! A server without MOVE (`RFC 6851`) is told to copy and then to remove. What is copied before it is removed is there
//! twice, and a run that is killed in between must not copy it again. So a copy is announced before it is asked for,
//! and noted once the server has made it.

use super::Ledger;
use super::record::Record;
use super::writing::Sync;
use crate::store::error::StoreError;
use std::borrow::Cow;
use std::io;

/// All UIDs there may be.
const ANY: &[u8] = b"1:4294967295";

/// A copy that was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copying {
    /// Its number among those of the ledger.
    pub id: u64,
    /// The name of the other folder, in the server's octets.
    pub folder: Vec<u8>,
    /// The other folder's UIDVALIDITY and UIDNEXT just before, as far as the server told them: what was copied has a
    /// UID no lower.
    pub before: Option<(u64, u64)>,
    /// The UIDs of the messages, as the protocol writes a set.
    pub uids: Vec<u8>,
    /// Whether the server has made it. If not, nobody knows.
    pub is_made: bool,
}

/// All that were announced and are not over.
#[derive(Debug, Default)]
pub(super) struct Copies {
    open: Vec<Copying>,
    last: u64,
}

impl Copies {
    pub fn begin(&mut self, copying: Copying) {
        self.last = self.last.max(copying.id);
        self.open.push(copying);
    }

    /// These were copied, and none but these.
    pub fn made(&mut self, id: u64, uids: &[u8]) {
        if let Some(one) = self.open.iter_mut().find(|one| one.id == id) {
            one.uids = uids.to_vec();
            one.is_made = true;
        }
    }

    pub fn end(&mut self, id: u64) {
        self.open.retain(|one| one.id != id);
    }

    pub fn clear(&mut self) {
        self.open.clear();
    }

    /// The UIDs of the messages name nothing any more: any message that is listed may be one that was copied, where it
    /// is known what came to the other folder since.
    pub fn renumber(&mut self) {
        self.open.retain(|one| one.before.is_some());
        for one in &mut self.open {
            (one.uids, one.is_made) = (ANY.to_vec(), false);
        }
    }

    /// Calls `take` with the records that they need.
    pub fn live(&self, take: &mut impl FnMut(Record<'_>) -> io::Result<()>) -> io::Result<()> {
        for one in &self.open {
            let uids = Cow::Borrowed(&one.uids[..]);
            let (uidvalidity, uidnext) = one.before.unzip();
            let folder = Cow::Borrowed(&one.folder[..]);
            take(Record::Copying { id: one.id, folder, uidvalidity, uidnext, uids: uids.clone() })?;
            if one.is_made {
                take(Record::Copied { id: one.id, uids })?;
            }
        }
        Ok(())
    }
}

impl Ledger {
    /// The copies that were announced and are not over, oldest first.
    pub fn copies(&self) -> &[Copying] {
        &self.facts.copies.open
    }

    /// Notes durably that messages are about to be copied to another folder of the server; returns the copy's number.
    pub fn announce_copy(
        &mut self,
        folder: &[u8],
        before: Option<(u64, u64)>,
        uids: &str,
    ) -> Result<u64, StoreError> {
        let id = self.facts.copies.last + 1;
        let (uidvalidity, uidnext) = before.unzip();
        let (folder, uids) = (Cow::Borrowed(folder), Cow::Borrowed(uids.as_bytes()));
        self.write(vec![Record::Copying { id, folder, uidvalidity, uidnext, uids }], Sync::Now)?;
        Ok(id)
    }

    /// Notes durably which messages of a copy the server has copied.
    pub fn copy_made(&mut self, id: u64, uids: &str) -> Result<(), StoreError> {
        self.write(vec![Record::Copied { id, uids: Cow::Borrowed(uids.as_bytes()) }], Sync::Now)
    }

    /// Notes that a copy is no matter any more. Not synced: should it be lost, that is seen again.
    pub fn end_copy(&mut self, id: u64) -> Result<(), StoreError> {
        self.write(vec![Record::CopyOver { id }], Sync::Later)
    }
}
