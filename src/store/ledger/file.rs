//! The file of a ledger: locking, opening, appending.

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
    /// `None` if the ledger is only read.
    file: Option<File>,
    /// Held open: closing it releases the lock.
    _lock: Option<File>,
    /// The length of the valid records, in octets.
    len: u64,
    /// Whether something follows them that is not a record.
    torn: bool,
    /// Whether its first line names the previous version.
    old: bool,
    broken: bool,
    /// Whether what this run records is kept in memory only.
    forgetful: bool,
    /// Whether this run has written anything.
    changed: bool,
}

/// A ledger of this size or more, in octets, is read on a thread of its own.
const LARGE: u64 = 64 * 1024;

/// A ledger that is locked and being read.
#[derive(Debug)]
pub struct LedgerOpening(FileReading);

#[derive(Debug)]
enum FileReading {
    Done(Box<Ledger>),
    Reading(JoinHandle<Result<Ledger, StoreError>>),
}

impl LedgerOpening {
    /// For a ledger that has been read already.
    pub fn done(ledger: Ledger) -> LedgerOpening {
        LedgerOpening(FileReading::Done(Box::new(ledger)))
    }

    /// Waits until the ledger is read. Kinds: storage, config (a ledger whose content is wrong).
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
    /// Opens the ledger of an account in the directory `dir`, and locks the account until the ledger is
    /// dropped. Both are made if missing. If another run holds the lock, waits for up to `wait`, or until
    /// `stop` returns true. Kinds: cannot create, storage, locked, interrupted, config (a ledger whose
    /// content is wrong).
    pub fn open(
        dir: &Path,
        key: &AccountKey,
        wait: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<Ledger, StoreError> {
        Ledger::begin(dir, key, wait, stop)?.finish()
    }

    /// Like [`Ledger::open`], but returns once the account is locked: a large ledger is read while the caller
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
            match moving::older(&dir, key)? {
                Some(older) => {
                    let _lock = lock_of(&dir.join(older.file_name()), wait, stop)?;
                    moving::carry(&dir, &older, key, None)?;
                    let removed =
                        durable::open_dir(&dir).and_then(|at| durable::remove(at, older.file_name()));
                    removed.map_err(|error| StoreError::io(&dir, "remove an older ledger", error))?;
                }
                None => durable::replace_locked(&path, |file| file.write_all(&header(key, key)))?,
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

    /// Reads the ledger of an account that is locked.
    fn locked(path: PathBuf, mut file: File, lock: File, key: &AccountKey) -> Result<Ledger, StoreError> {
        let Loaded { facts, covered: len, total, old, names, .. } = read(&path, &mut file, key)?;
        if !facts.runs.is_empty() {
            // A killed run may have written records without syncing them: they do not count before they are
            // durable.
            durable::sync_data(&file).map_err(|error| StoreError::io(&path, "make durable", error))?;
        }
        let (file, _lock, torn) = (Some(file), Some(lock), total > len);
        let file = LedgerFile { path, file, _lock, len, torn, old, ..LedgerFile::default() };
        Ok(Ledger::over(key, names, file, facts))
    }

    /// Reads the ledger without a lock and makes nothing; if there is none, it is empty. The result cannot be
    /// written to. Kinds: storage, config.
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

    /// What is recorded in it from now on counts in this run and is kept in memory only. It never allows a
    /// message to be deleted.
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
            // Always higher than before, even if the clock was set back.
            run: micros.max(facts.last_run + 1),
            facts,
            announced: Vec::new(),
            unrecorded: 0,
            suspect: false,
            settled: Vec::new(),
        }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.file.path
    }
}

impl LedgerFile {
    /// Whether it can be written to, and what is written is kept.
    pub fn is_kept(&self) -> bool {
        self.file.is_some() && !self.forgetful
    }

    /// Reads the file that has replaced this one, and continues with it.
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

    /// The length of the valid records, in octets.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Appends whole lines. After an error, none of them is in the file.
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
            // A single octet is written or not, never half. From now on the ledger may have records that the
            // previous version does not know.
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

    /// Makes durable what was appended. After an error, nothing from offset `begin` on is in the file.
    pub fn sync(&mut self, begin: u64) -> Result<(), StoreError> {
        let Some(file) = self.file.as_ref().filter(|_| !self.forgetful) else { return Ok(()) };
        durable::sync_data(file).map_err(|error| {
            // The kernel now treats as written what it could not write, so a later sync would prove nothing.
            let _ = file.set_len(begin);
            (self.len, self.broken) = (begin, true);
            StoreError::io(&self.path, "make durable", error)
        })
    }

    /// Whether an operation failed, so that the file may not have what it should.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether what is written is kept in memory only.
    pub fn is_forgetful(&self) -> bool {
        self.forgetful
    }

    /// Whether it can still be written to.
    pub fn is_sound(&self) -> bool {
        self.file.is_some() && !self.broken && !self.forgetful
    }
}
