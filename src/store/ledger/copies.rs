//! Copies to another folder of the server, which are the first half of a move.
//!
//! On a server without MOVE (`RFC 6851`) messages are copied and then removed. Between the two they are in
//! both folders, and the run after a killed one must not copy them again. So a copy is recorded before the
//! command is sent, and again when the server has made it.

use super::Ledger;
use super::record::Record;
use super::writing::Sync;
use crate::store::error::StoreError;
use std::borrow::Cow;
use std::io;

/// Every UID there can be.
const ANY: &[u8] = b"1:4294967295";

/// A copy that was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copying {
    /// Its number in this ledger.
    pub id: u64,
    /// The name of the other folder, in the server's octets.
    pub folder: Vec<u8>,
    /// The other folder's UIDVALIDITY and UIDNEXT just before, if the server told them. The copied messages
    /// have UIDs from there on.
    pub before: Option<(u64, u64)>,
    /// The UIDs of the messages, as a set in the protocol's notation.
    pub uids: Vec<u8>,
    /// Whether the server has made it. If not, that is unknown.
    pub is_made: bool,
}

/// The copies that were announced and are not finished with.
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

    /// The server has copied these messages, and no others.
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

    /// The UIDs of the messages mean nothing any more. So any listed message may be a copied one; that can be
    /// decided only if it is known what has come to the other folder since.
    pub fn renumber(&mut self) {
        self.open.retain(|one| one.before.is_some());
        for one in &mut self.open {
            (one.uids, one.is_made) = (ANY.to_vec(), false);
        }
    }

    /// Calls `take` with the records for them.
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
    /// The copies that are not finished with, oldest first.
    pub fn copies(&self) -> &[Copying] {
        &self.facts.copies.open
    }

    /// Records durably that messages are about to be copied to another folder of the server; returns the
    /// copy's number.
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

    /// Records durably which messages the server has copied.
    pub fn copy_made(&mut self, id: u64, uids: &str) -> Result<(), StoreError> {
        self.write(vec![Record::Copied { id, uids: Cow::Borrowed(uids.as_bytes()) }], Sync::Now)
    }

    /// Records that a copy is finished with. Not synced: if the record is lost, the next run finds out again.
    pub fn end_copy(&mut self, id: u64) -> Result<(), StoreError> {
        self.write(vec![Record::CopyOver { id }], Sync::Later)
    }
}
