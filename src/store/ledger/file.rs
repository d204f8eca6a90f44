//! The file under a ledger: locking, opening, appending.

use super::load::{Loaded, UPGRADE, header, load};
use super::{Facts, Ledger, Sync};
use crate::store::custody::{check_owner, check_trusted};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::identity::AccountKey;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often a held lock is tried again while waiting for it.
const RETRY: Duration = Duration::from_millis(50);

/// An open ledger file, or for a reader none.
#[derive(Debug)]
pub(super) struct LedgerFile {
    path: PathBuf,
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
pub struct Opening(Reading);

#[derive(Debug)]
enum Reading {
    Done(Box<Ledger>),
    Underway(JoinHandle<Result<Ledger, StoreError>>),
}

impl Opening {
    /// One that is read already.
    pub fn done(ledger: Ledger) -> Opening {
        Opening(Reading::Done(Box::new(ledger)))
    }

    /// Waits until it is read. Kinds: storage, config (a ledger that cannot be trusted).
    pub fn finish(self) -> Result<Ledger, StoreError> {
        match self.0 {
            Reading::Done(ledger) => Ok(*ledger),
            Reading::Underway(thread) => {
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
    ) -> Result<Opening, StoreError> {
        let dir = durable::absolute(dir)?;
        durable::make_dirs(&dir)
            .map_err(|error| StoreError::cannot_create(&dir, "make the state directory", error))?;
        check_directories(&dir)?;
        let path = dir.join(key.file_name());
        let lock = lock(&path.with_extension("lock"), wait, stop)?;
        if !exists(&path)? {
            // A run that was killed while it made the ledger; the account is locked, so no other makes it.
            durable::sweep_beside(&path).map_err(|error| StoreError::io(&path, "clean up beside", error))?;
            durable::atomic_replace(&path, &header(key.as_str()), 0o600)?;
        }
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = open_regular(&path, flags)?;
        let size = file.metadata().map_err(|error| StoreError::io(&path, "look at it", error))?.len();
        let key = key.clone();
        let read = move || Ledger::locked(path, file, lock, &key);
        Ok(Opening(match size {
            ..LARGE => Reading::Done(Box::new(read()?)),
            _ => Reading::Underway(thread::spawn(read)),
        }))
    }

    /// Reads the ledger of a locked account.
    fn locked(path: PathBuf, mut file: File, lock: File, key: &AccountKey) -> Result<Ledger, StoreError> {
        let Loaded { facts, covered: len, total, old } = read(&path, &mut file, key)?;
        if !facts.runs.is_empty() {
            // A killed run may have written what it could not sync: nothing is believed before it is durable.
            durable::sync_data(&file).map_err(|error| StoreError::io(&path, "make durable", error))?;
        }
        let torn = total > len;
        let file = LedgerFile {
            path,
            file: Some(file),
            _lock: Some(lock),
            len,
            torn,
            old,
            broken: false,
            forgetful: false,
            changed: false,
        };
        Ok(Ledger::over(key, file, facts))
    }

    /// Reads the ledger without a lock and makes nothing; one that does not exist is empty. What it
    /// returns cannot be written to. Kinds: storage, config.
    pub fn peek(dir: &Path, key: &AccountKey) -> Result<Ledger, StoreError> {
        let dir = durable::absolute(dir)?;
        if dir.exists() {
            check_directories(&dir)?;
        }
        let path = dir.join(key.file_name());
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let (facts, len) = match exists(&path)? {
            true => {
                let loaded = read(&path, &mut open_regular(&path, flags)?, key)?;
                (loaded.facts, loaded.covered)
            }
            false => (Facts::default(), 0),
        };
        let file = LedgerFile {
            path,
            file: None,
            _lock: None,
            len,
            torn: false,
            old: false,
            broken: false,
            forgetful: false,
            changed: false,
        };
        Ok(Ledger::over(key, file, facts))
    }

    /// What is recorded in it from now on counts in this run, and is kept nowhere. It gives no reason to
    /// delete anything.
    pub fn forgetful(mut self) -> Ledger {
        self.file.forgetful = true;
        self
    }

    fn over(key: &AccountKey, file: LedgerFile, facts: Facts) -> Ledger {
        let micros = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = micros.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0));
        Ledger {
            key: key.clone(),
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
    /// Whether this run has written anything.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// Appends whole lines. Should that fail, none of them is there.
    pub fn append(&mut self, lines: &[u8], sync: Sync) -> Result<(), StoreError> {
        if self.forgetful {
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
        if sync == Sync::Now
            && let Err(error) = durable::sync_data(&*file)
        {
            // What the kernel could not write it now shows as written: nothing after this can be believed.
            let _ = file.set_len(self.len);
            self.broken = true;
            return Err(StoreError::io(&self.path, "make durable", error));
        }
        self.len += lines.len() as u64;
        self.changed = true;
        Ok(())
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

fn exists(path: &Path) -> Result<bool, StoreError> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io(path, "look for the ledger", error)),
    }
}

fn open_regular(path: &Path, flags: OFlags) -> Result<File, StoreError> {
    let file: File = match retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty())) {
        Ok(file) => file.into(),
        Err(Errno::LOOP) => return Err(StoreError::refused(path, "a ledger cannot be a symbolic link")),
        Err(error) => return Err(StoreError::io(path, "open", error)),
    };
    match file.metadata() {
        Ok(meta) if meta.is_file() => check_hands(&file, path).map(|()| file),
        Ok(_) => Err(StoreError::refused(path, "a ledger has to be a regular file")),
        Err(error) => Err(StoreError::io(path, "look at it", error)),
    }
}

/// The ledgers' directory and postie's own above it: who can write there can put another ledger in place.
fn check_directories(dir: &Path) -> Result<(), StoreError> {
    for dir in [durable::parent(dir), dir] {
        // A link of somebody else's leads where he likes, though what is there may be the user's.
        let link = rustix::fs::lstat(dir).map_err(|error| StoreError::io(dir, "look at it", error))?;
        check_owner(&link, dir).map_err(|hands| StoreError::OtherHands { path: dir.to_owned(), hands })?;
    }
    let open = |dir: &Path| durable::open_dir(dir).map_err(|error| StoreError::io(dir, "open", error));
    check_hands(open(dir)?, dir)?;
    let above = durable::parent(dir);
    let opened = open(above)?;
    let stat = rustix::fs::fstat(&opened).map_err(|error| StoreError::io(above, "look at it", error))?;
    // In a sticky directory nobody can replace what is another's.
    if Mode::from_raw_mode(stat.st_mode).contains(Mode::SVTX) { Ok(()) } else { check_hands(opened, above) }
}

fn check_hands(file: impl AsFd, path: &Path) -> Result<(), StoreError> {
    let stat = rustix::fs::fstat(file).map_err(|error| StoreError::io(path, "look at it", error))?;
    check_trusted(&stat, path).map_err(|hands| StoreError::OtherHands { path: path.to_owned(), hands })
}

fn read(path: &Path, file: &mut File, key: &AccountKey) -> Result<Loaded, StoreError> {
    let size = file.metadata().map_err(|error| StoreError::io(path, "look at it", error))?.len();
    load(path, file, size, key.as_str())
}

fn lock(path: &Path, wait: Duration, stop: &dyn Fn() -> bool) -> Result<File, StoreError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = retry_on_intr(|| rustix::fs::open(path, flags, durable::PRIVATE_FILE));
    let file: File = opened.map_err(|error| StoreError::cannot_create(path, "open the lock", error))?.into();
    check_hands(&file, path)?;
    let deadline = Instant::now().checked_add(wait);
    loop {
        match retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) => {}
            Err(error) => return Err(StoreError::io(path, "lock", error)),
        }
        if stop() {
            return Err(StoreError::Stopped);
        }
        let left = deadline.map_or(RETRY, |deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            let by = "another run of postie works on this account".to_owned();
            return Err(StoreError::Locked { path: path.to_owned(), by });
        }
        thread::sleep(left.min(RETRY));
    }
}
