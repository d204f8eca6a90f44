//! Moves a ledger: from the name that an older version gave it, or from another server account that is the
//! same mailbox.
//!
//! The records are copied as they are, so nothing that a killed run left unsettled is lost, and the messages
//! keep their identities: the first line says which account gives them.

use super::Ledger;
use super::disk::{exists, lock_of, open_to_read, read_only};
use super::known::Known;
use super::load::{header, owner};
use super::record::{Batch, Record};
use super::totals::Totals;
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::identity::AccountKey;
use rustix::fs::Dir;
use rustix::io::retry_on_intr;
use std::ffi::OsStr;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

/// If there are at least so many messages, nine of ten must be the same; if there are fewer, all.
const MANY: usize = 20;
/// There must be at least so many.
const FEW: usize = 3;

/// The key under which an older version has a ledger for this account; if there are several, the one that was
/// written last.
pub(super) fn older(dir: &Path, key: &AccountKey) -> Result<Option<AccountKey>, StoreError> {
    let mut found = Vec::new();
    for older in key.older() {
        let path = dir.join(older.file_name());
        if exists(&path)? {
            let meta = std::fs::symlink_metadata(&path).and_then(|meta| meta.modified());
            found.push((meta.map_err(|error| StoreError::io(&path, "look at it", error))?, older));
        }
    }
    Ok(found.into_iter().max_by_key(|(time, _)| *time).map(|(_, key)| key))
}

/// Replaces the ledger of `to`, which is locked, by the records of that of `from` and one more. Everything is durable
/// when it returns.
pub(super) fn carry(
    dir: &Path,
    from: &AccountKey,
    to: &AccountKey,
    last: Option<Record<'_>>,
) -> Result<(), StoreError> {
    let path = dir.join(from.file_name());
    let loaded = read_only(&path, from)?;
    let mut input = open_to_read(&path)?;
    let failed = |error: io::Error| StoreError::io(&path, "read", error);
    input.seek(SeekFrom::Start(loaded.header)).map_err(failed)?;
    let records = input.take(loaded.covered - loaded.header);
    let header = header(to, &loaded.names);
    durable::replace_locked(&dir.join(to.file_name()), move |out| {
        let mut records = records;
        out.write_all(&header)?;
        io::copy(&mut records, out)?;
        let mut batch = Batch::default();
        last.iter().for_each(|record| batch.push(record));
        out.write_all(&batch.octets)
    })
}

impl Ledger {
    /// The folders of an account that have a ledger in `dir`; none if the directory does not exist.
    pub(in crate::store) fn folders_of(
        dir: &Path,
        account: &AccountKey,
    ) -> Result<Vec<AccountKey>, StoreError> {
        let dir = durable::absolute(dir)?;
        match exists(&dir)? {
            true => owners(&dir, &|other| other.without_folder() == account.without_folder()),
            false => Ok(Vec::new()),
        }
    }

    /// If nothing is recorded yet, takes over the ledger of an account of the same user on another server,
    /// provided that its messages are those `listed` (UID and size). `others`: accounts that are different
    /// mailboxes. What is taken over counts as fetched, and proves nothing. Returns whose ledger it was.
    pub fn take_over<'l>(
        &mut self,
        listed: impl Iterator<Item = (&'l [u8], Option<u64>)> + Clone,
        others: &[AccountKey],
    ) -> Result<Option<AccountKey>, StoreError> {
        let dir = durable::parent(self.path()).to_owned();
        // Without sizes no other ledger can be that of the same messages: so that of thousands of folders none reads
        // the ledgers of all.
        let sized = listed.clone().filter(|(_, size)| size.is_some());
        if self.facts.entries.places() > 0 || sized.take(FEW).count() < FEW || !exists(&dir)? {
            return Ok(None);
        }
        let mut best: Option<(usize, AccountKey)> = None;
        for other in of_same_user(&dir, &self.key)? {
            let path = dir.join(other.file_name());
            // A ledger that is in use or damaged is left out.
            let free = !self.file.is_kept() || lock_of(&path, Duration::ZERO, &|| false).is_ok();
            let loaded = if free && !others.contains(&other) { read_only(&path, &other).ok() } else { None };
            // Under another UIDVALIDITY the same UIDs mean other messages.
            let loaded = loaded.filter(|loaded| loaded.facts.validity == self.facts.validity);
            let Some(same) = loaded.and_then(|loaded| resemblance(&loaded.facts, listed.clone())) else {
                continue;
            };
            if best.as_ref().is_none_or(|(most, _)| same > *most) {
                best = Some((same, other));
            }
        }
        let Some((_, from)) = best else { return Ok(None) };
        let loaded = match self.file.is_kept() {
            true => {
                carry(&dir, &from, &self.key, Some(Record::TakenOver))?;
                self.file.reopen(&self.key)?
            }
            false => {
                let mut loaded = read_only(&dir.join(from.file_name()), &from)?;
                loaded.facts.entries.disown();
                loaded
            }
        };
        (self.facts, self.names) = (loaded.facts, loaded.names);
        self.run = self.run.max(self.facts.last_run + 1);
        for destination in std::mem::take(&mut self.announced) {
            self.announce(&destination)?;
        }
        Ok(Some(from))
    }
}

/// Accounts of the same user on other servers that have a ledger.
fn of_same_user(dir: &Path, key: &AccountKey) -> Result<Vec<AccountKey>, StoreError> {
    owners(dir, &|other| key.is_of_same_user(other))
}

/// The accounts with a ledger in a directory for which `wanted` returns true, in order.
fn owners(dir: &Path, wanted: &dyn Fn(&AccountKey) -> bool) -> Result<Vec<AccountKey>, StoreError> {
    let failed = |error: std::io::Error| StoreError::io(dir, "read", error);
    let mut found = Vec::new();
    // The standard library would report an interrupted call as an error here.
    let opened = durable::open_dir(dir).map_err(failed)?;
    for entry in retry_on_intr(|| Dir::read_from(&opened)).map_err(|error| failed(error.into()))? {
        let entry = entry.map_err(|error| failed(error.into()))?;
        let path = dir.join(OsStr::from_bytes(entry.file_name().to_bytes()));
        if path.extension().is_none_or(|extension| extension != "ledger") {
            continue;
        }
        let mut beginning = Vec::new();
        let Ok(file) = open_to_read(&path) else { continue };
        if file.take(4096).read_to_end(&mut beginning).is_err() {
            continue;
        }
        let other = owner(&beginning).filter(wanted);
        found.extend(other.filter(|other| path.file_name().is_some_and(|name| *name == *other.file_name())));
    }
    found.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    Ok(found)
}

/// How many of the listed messages are in a ledger; `None` if it is of another mailbox.
fn resemblance<'l>(facts: &Totals, listed: impl Iterator<Item = (&'l [u8], Option<u64>)>) -> Option<usize> {
    let there = facts.count(Known::is_there);
    let (mut same, mut guess, mut count) = (0, 0, 0);
    for (uid, size) in listed {
        count += 1;
        let Some(memory) = facts.entries.get_near(uid, guess) else { continue };
        guess = memory.place() + 1;
        let is_same = |it: &Known| it.is_there() && size.is_some() && it.size == size;
        same += usize::from(memory.known().iter().any(is_same));
    }
    let few = there.min(count);
    let enough = match few {
        ..FEW => false,
        FEW..MANY => same >= few,
        MANY.. => same * 10 >= few * 9,
    };
    enough.then_some(same)
}
