//! The file under a ledger: locking, opening, appending.

use super::disk::{check_directories, exists, lock_of, open_regular, read, read_only};
use super::load::{Loaded, UPGRADE, header};
use super::totals::Totals;
use super::{Ledger, moving};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::identity::AccountKey;
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A ledger's file.
#[derive(Debug, Default)]
pub(super) struct LedgerFile {
    path: PathBuf,
    /// None where it is only read.
    file: Option<File>,
    /// Held open: closing it gives the lock back.
    _lock: Option<File>,
    /// The octets that are good records.
    len: u64,
    /// Whether something that is no record follows them.
    torn: bool,
    /// Whether the version in its first line is the one before.
    old: bool,
    broken: bool,
    /// Whether what is written counts in this run and is kept nowhere.
    forgetful: bool,
    /// Whether this run has written anything.
    changed: bool,
}

/// From this size on, in octets, a ledger is read on a thread of its own.
const LARGE: u64 = 64 * 1024;

/// A ledger whose account is locked, while it is being read.
#[derive(Debug)]
pub struct LedgerOpening(FileReading);

#[derive(Debug)]
enum FileReading {
    Done(Box<Ledger>),
    Reading(JoinHandle<Result<Ledger, StoreError>>),
}

impl LedgerOpening {
    /// One that is read already.
    pub fn done(ledger: Ledger) -> LedgerOpening {
        LedgerOpening(FileReading::Done(Box::new(ledger)))
    }

    /// Waits until it is read. Kinds: storage, config (a ledger that cannot be trusted).
    pub fn finish(self) -> Result<Ledger, StoreError> {
        match self.0 {
            FileReading::Done(ledger) => Ok(*ledger),
            FileReading::Reading(thread) => {
                thread.join().unwrap_or(Err(StoreError::Misused("reading the ledger died")))
            }
        }
    }
}

impl Ledger {
    /// Opens the ledger of an account in the directory `dir`, both made where missing, and locks the
    /// account until the ledger is dropped. A held lock is waited for up to `wait`, or until `stop` says so.
    /// Kinds: cannot create, storage, locked, interrupted, config (a ledger that cannot be trusted).
    pub fn open(
        dir: &Path,
        key: &AccountKey,
        wait: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<Ledger, StoreError> {
        Ledger::begin(dir, key, wait, stop)?.finish()
    }

    /// As [`Ledger::open`], but returns once the account is locked: a large ledger is read while the caller
    /// waits for the server.
    pub fn begin(
        dir: &Path,
        key: &AccountKey,
        wait: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<LedgerOpening, StoreError> {
        let dir = durable::absolute(dir)?;
        durable::make_dirs(&dir)
            .map_err(|error| StoreError::cannot_create(&dir, "make the state directory", error))?;
        check_directories(&dir)?;
        let path = dir.join(key.file_name());
        let lock = lock_of(&path, wait, stop)?;
        if !exists(&path)? {
            // A run that was killed while it made the ledger; the account is locked, so no other makes it.
            durable::sweep_beside(&path).map_err(|error| StoreError::io(&path, "clean up beside", error))?;
            match moving::older(&dir, key)? {
                Some(older) => {
                    let _lock = lock_of(&dir.join(older.file_name()), wait, stop)?;
                    moving::carry(&dir, &older, key, None)?;
                    let removed =
                        durable::open_dir(&dir).and_then(|at| durable::remove(at, older.file_name()));
                    removed.map_err(|error| StoreError::io(&dir, "remove an older ledger", error))?;
                }
                None => durable::atomic_replace(&path, &header(key, key), 0o600)?,
            }
        }
        let file = open_regular(&path, OFlags::RDWR)?;
        let size = file.metadata().map_err(|error| StoreError::io(&path, "look at it", error))?.len();
        let key = key.clone();
        let read = move || Ledger::locked(path, file, lock, &key);
        Ok(LedgerOpening(match size {
            ..LARGE => FileReading::Done(Box::new(read()?)),
            _ => FileReading::Reading(thread::spawn(read)),
        }))
    }

    /// Reads the ledger of a locked account.
    fn locked(path: PathBuf, mut file: File, lock: File, key: &AccountKey) -> Result<Ledger, StoreError> {
        let Loaded { facts, covered: len, total, old, names, .. } = read(&path, &mut file, key)?;
        if !facts.runs.is_empty() {
            // A killed run may have written what it could not sync: nothing is believed before it is durable.
            durable::sync_data(&file).map_err(|error| StoreError::io(&path, "make durable", error))?;
        }
        let (file, _lock, torn) = (Some(file), Some(lock), total > len);
        let file = LedgerFile { path, file, _lock, len, torn, old, ..LedgerFile::default() };
        Ok(Ledger::over(key, names, file, facts))
    }

    /// Reads the ledger without a lock and makes nothing; one that does not exist is empty. What it
    /// returns cannot be written to. Kinds: storage, config.
    pub fn peek(dir: &Path, key: &AccountKey) -> Result<Ledger, StoreError> {
        let dir = durable::absolute(dir)?;
        if dir.exists() {
            check_directories(&dir)?;
        }
        let path = dir.join(key.file_name());
        let there = match exists(&path)? {
            true => Some(key.clone()),
            false => moving::older(&dir, key)?,
        };
        let (facts, len, names) = match there {
            Some(there) => {
                let loaded = read_only(&dir.join(there.file_name()), &there)?;
                (loaded.facts, loaded.covered, loaded.names)
            }
            None => (Totals::default(), 0, key.clone()),
        };
        let file = LedgerFile { path, len, ..LedgerFile::default() };
        Ok(Ledger::over(key, names, file, facts))
    }

    /// What is recorded in it from now on counts in this run, and is kept nowhere. It gives no reason to
    /// delete anything.
    pub fn forgetful(mut self) -> Ledger {
        self.file.forgetful = true;
        self
    }

    fn over(key: &AccountKey, names: AccountKey, file: LedgerFile, facts: Totals) -> Ledger {
        let micros = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = micros.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0));
        Ledger {
            key: key.clone(),
            names,
            file,
            // Later than any other even where the clock goes back.
            run: micros.max(facts.last_run + 1),
            facts,
            announced: Vec::new(),
            unrecorded: 0,
            suspect: false,
            settled: Vec::new(),
        }
    }

    /// Where the ledger is.
    pub fn path(&self) -> &Path {
        &self.file.path
    }
}

impl LedgerFile {
    /// Whether it can be written to, and what is written is kept.
    pub fn is_kept(&self) -> bool {
        self.file.is_some() && !self.forgetful
    }

    /// Goes on with the ledger that was put in its place.
    pub fn reopen(&mut self, key: &AccountKey) -> Result<Loaded, StoreError> {
        let mut file = open_regular(&self.path, OFlags::RDWR)?;
        let loaded = read(&self.path, &mut file, key)?;
        self.file = Some(file);
        (self.len, self.torn, self.old) = (loaded.covered, loaded.total > loaded.covered, loaded.old);
        self.changed = true;
        Ok(loaded)
    }

    /// Whether this run has written anything.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// The octets that are good records.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Appends whole lines. Should that fail, none of them is there.
    pub fn append(&mut self, lines: &[u8]) -> Result<(), StoreError> {
        if self.forgetful || lines.is_empty() {
            return Ok(());
        }
        let (Some(file), false) = (&mut self.file, self.broken) else {
            return Err(StoreError::Broken { path: self.path.clone() });
        };
        if self.torn {
            file.set_len(self.len)
                .map_err(|error| StoreError::io(&self.path, "cut off a torn tail", error))?;
            self.torn = false;
        }
        if self.old {
            // One octet is there or not. From now on there may be records that the old version has not.
            file.write_all_at(UPGRADE.1, UPGRADE.0)
                .map_err(|error| StoreError::io(&self.path, "write its version", error))?;
            self.old = false;
        }
        let written = file.seek(SeekFrom::Start(self.len)).and_then(|_| file.write_all(lines));
        if let Err(error) = written {
            self.broken = file.set_len(self.len).is_err();
            return Err(StoreError::io(&self.path, "write", error));
        }
        self.len += lines.len() as u64;
        self.changed = true;
        Ok(())
    }

    /// Makes durable what was appended. Should that fail, all from `begin` on is not there.
    pub fn sync(&mut self, begin: u64) -> Result<(), StoreError> {
        let Some(file) = self.file.as_ref().filter(|_| !self.forgetful) else { return Ok(()) };
        durable::sync_data(file).map_err(|error| {
            // What the kernel could not write it now shows as written: nothing after this can be believed.
            let _ = file.set_len(begin);
            (self.len, self.broken) = (begin, true);
            StoreError::io(&self.path, "make durable", error)
        })
    }

    /// Whether it failed, so that what it is said to hold may not be there.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether what is written is kept nowhere.
    pub fn is_forgetful(&self) -> bool {
        self.forgetful
    }

    /// Whether it can still be written to.
    pub fn is_sound(&self) -> bool {
        self.file.is_some() && !self.broken && !self.forgetful
    }
}
