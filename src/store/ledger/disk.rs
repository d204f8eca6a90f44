//! The files of a ledger on disk: opening, reading, locking.

use super::load::{Loaded, load};
use crate::store::custody::{check_owner, check_trusted};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::identity::AccountKey;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The pause between two tries for a lock that another run holds.
const RETRY: Duration = Duration::from_millis(50);

/// Whether there is a file at `path`.
pub(in crate::store) fn exists(path: &Path) -> Result<bool, StoreError> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io(path, "look for the ledger", error)),
    }
}

/// Reads a ledger that will not be written to.
pub(super) fn read_only(path: &Path, key: &AccountKey) -> Result<Loaded, StoreError> {
    read(path, &mut open_to_read(path)?, key)
}

pub(in crate::store) fn open_to_read(path: &Path) -> Result<File, StoreError> {
    open_regular(path, OFlags::RDONLY)
}

pub(super) fn open_regular(path: &Path, access: OFlags) -> Result<File, StoreError> {
    let flags = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
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

pub(super) fn read(path: &Path, file: &mut File, key: &AccountKey) -> Result<Loaded, StoreError> {
    let failed = |error| StoreError::io(path, "look at it", error);
    let size = file.metadata().map_err(failed)?.len();
    let mut loaded = load(path, &mut *file, size, key)?;
    loaded.facts.source = Some(file.try_clone().map_err(failed)?);
    Ok(loaded)
}

/// Locks the account whose ledger is at `path`.
pub(in crate::store) fn lock_of(
    path: &Path,
    wait: Duration,
    stop: &dyn Fn() -> bool,
) -> Result<File, StoreError> {
    lock(&path.with_extension("lock"), wait, stop)
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

/// Checks the ledgers' directory and the one above it, which is postie's too: whoever can write there can
/// replace a ledger.
pub(in crate::store) fn check_directories(dir: &Path) -> Result<(), StoreError> {
    for dir in [durable::parent(dir), dir] {
        // A link of another user may be changed to lead elsewhere, even if its target now is the user's own
        // file.
        let link = rustix::fs::lstat(dir).map_err(|error| StoreError::io(dir, "look at it", error))?;
        check_owner(&link, dir).map_err(|hands| StoreError::OtherHands { path: dir.to_owned(), hands })?;
    }
    let open = |dir: &Path| durable::open_dir(dir).map_err(|error| StoreError::io(dir, "open", error));
    check_hands(open(dir)?, dir)?;
    let above = durable::parent(dir);
    let opened = open(above)?;
    let stat = rustix::fs::fstat(&opened).map_err(|error| StoreError::io(above, "look at it", error))?;
    // In a sticky directory nobody can replace another user's files.
    if Mode::from_raw_mode(stat.st_mode).contains(Mode::SVTX) { Ok(()) } else { check_hands(opened, above) }
}

fn check_hands(file: impl AsFd, path: &Path) -> Result<(), StoreError> {
    let stat = rustix::fs::fstat(file).map_err(|error| StoreError::io(path, "look at it", error))?;
    check_trusted(&stat, path).map_err(|hands| StoreError::OtherHands { path: path.to_owned(), hands })
}
