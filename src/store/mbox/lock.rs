//! The locks of an mbox. Every lock that other programs use is taken; while one is held, none is waited for:
//!
//! 1. one within the process, since an fcntl lock does not separate two threads;
//! 2. fcntl, which excludes `lockf` too (an open-file-description lock would do the same, but not every
//!    network file system has those);
//! 3. flock, except on network file systems, where it is the same as an fcntl lock;
//! 4. the dotlock, `FILE.lock`, which appears with its content in it, by link(2), which is safe on NFS. A file
//!    system that has no second names (FAT, exFAT, many a share) gets it by O_EXCL, and the content after that.
//!
//! A stale dotlock is removed: if its owner is a process of this host that has ended; if postie wrote it, and
//! we hold the fcntl lock that its owner would hold; or if it is empty and [`EMPTY_AGE`] old. If the dotlock
//! cannot be made, nothing is delivered: a program that knows no other lock could read the file while we
//! change it.

use super::open::{look, suits};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::sink::WaitLimits;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, test_kill_process};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How old a dotlock without a process number must be to count as stale, in seconds; the same as in
/// liblockfile.
const EMPTY_AGE: u64 = 300;
/// The longest pause between two tries for a lock that somebody holds.
const BACK_OFF: Duration = Duration::from_millis(50);
/// File systems on which flock is the same as an fcntl lock: NFS, CIFS, SMB2.
const NETWORK: [u64; 3] = [0x6969, 0xff53_4d42, 0xfe53_4d42];
/// The mode of postie's dotlocks: readable to all, like other programs', with a bit that no other program
/// sets.
const MARK: Mode = Mode::from_raw_mode(0o645);
/// The third line of postie's dotlocks.
const OWN: &str = "postie";

/// The mboxes that this process has locked, by device and inode.
static HELD: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

/// An mbox that is open and locked. The locks are released in the order of the fields.
#[derive(Debug)]
pub(super) struct Locks {
    _dot: Dotlock,
    pub file: File,
    _held: HeldLock,
}

#[derive(Debug)]
struct HeldLock((u64, u64));

impl HeldLock {
    fn take(stat: &Stat) -> Option<HeldLock> {
        let id = (stat.st_dev, stat.st_ino);
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains(&id) {
            return None;
        }
        held.push(id);
        Some(HeldLock(id))
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        HELD.lock().unwrap_or_else(PoisonError::into_inner).retain(|id| *id != self.0);
    }
}

/// Why a try failed.
enum Busy {
    /// Somebody holds this lock.
    By(String),
    /// The mbox was replaced by another file: the next try may succeed at once.
    Replaced,
}

/// Opens and locks the mbox. Kinds: locked, storage, cannot create, interrupted.
pub(super) fn lock(path: &Path, waits: &WaitLimits) -> Result<Locks, StoreError> {
    let deadline = waits.deadline();
    for turn in 0u32.. {
        let by = match attempt(path)? {
            Ok(locks) => return Ok(locks),
            Err(Busy::Replaced) => "another program keeps replacing it".to_owned(),
            Err(Busy::By(by)) => by,
        };
        if waits.stopped() {
            return Err(StoreError::Stopped);
        }
        let left = deadline.map_or(BACK_OFF, |deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Err(StoreError::Locked { path: path.to_owned(), by });
        }
        // The pauses differ, so that two processes that wait for each other do not keep trying at the same
        // moments.
        let uneven = (std::process::id().wrapping_mul(31).wrapping_add(turn.wrapping_mul(17))) % 40;
        std::thread::sleep(left.min(BACK_OFF - Duration::from_millis(u64::from(uneven))));
    }
    Err(StoreError::Locked { path: path.to_owned(), by: "it was never free".to_owned() })
}

/// Removes the lock file of a killed run, which other programs might respect for ever. If that fails, the
/// next delivery does it.
pub(super) fn tidy(path: &Path) {
    if dotlock(path).symlink_metadata().is_ok() {
        let _ = attempt(path);
    }
}

/// The name of the lock file.
fn dotlock(mbox: &Path) -> PathBuf {
    let mut path = mbox.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

fn attempt(path: &Path) -> Result<Result<Locks, Busy>, StoreError> {
    let Some(seen) = look(path)? else {
        return Err(StoreError::io(path, "open", Errno::NOENT));
    };
    suits(&seen, path)?;
    let Some(held) = HeldLock::take(&seen) else {
        return Ok(Err(Busy::By("postie itself delivers to it for another account".to_owned())));
    };
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty()));
    let file: File = opened.map_err(|error| StoreError::io(path, "open", error))?.into();
    let failed = |error: Errno| StoreError::io(path, "lock", error);
    if !same(&seen, &rustix::fs::fstat(&file).map_err(failed)?) {
        return Ok(Err(Busy::Replaced));
    }
    let exclusive = FlockOperation::NonBlockingLockExclusive;
    match retry_on_intr(|| rustix::fs::fcntl_lock(&file, exclusive)) {
        Ok(()) => {}
        Err(Errno::AGAIN | Errno::ACCESS) => {
            return Ok(Err(Busy::By("by another program (fcntl)".to_owned())));
        }
        Err(error) => return Err(failed(error)),
    }
    let kind = rustix::fs::fstatfs(&file).map_or(0, |stat| stat.f_type as u64 & 0xffff_ffff);
    if !NETWORK.contains(&kind) {
        match retry_on_intr(|| rustix::fs::flock(&file, exclusive)) {
            Ok(()) | Err(Errno::NOSYS | Errno::NOTSUP | Errno::INVAL) => {}
            Err(Errno::WOULDBLOCK) => return Ok(Err(Busy::By("by another program (flock)".to_owned()))),
            Err(error) => return Err(failed(error)),
        }
    }
    let dot = match Dotlock::take(path)? {
        Ok(dot) => dot,
        Err(by) => return Ok(Err(Busy::By(by))),
    };
    // An mbox may be replaced only under its locks. We have them now, so it stays.
    match look(path)? {
        Some(stat) if same(&stat, &seen) => Ok(Ok(Locks { _dot: dot, file, _held: held })),
        _ => Ok(Err(Busy::Replaced)),
    }
}

fn same(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

/// A dotlock that we hold.
#[derive(Debug)]
struct Dotlock {
    dir: OwnedFd,
    name: OsString,
    /// Held open: some file systems number a file anew when nobody has it open.
    file: File,
}

impl Drop for Dotlock {
    fn drop(&mut self) {
        // If another program has removed it as stale and made one of its own, that one stays.
        let now = rustix::fs::statat(&self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        let own = rustix::fs::fstat(&self.file);
        if now.is_ok_and(|now| own.is_ok_and(|own| same(&now, &own))) {
            let _ = durable::remove(&self.dir, &self.name);
        }
    }
}

impl Dotlock {
    fn take(mbox: &Path) -> Result<Result<Dotlock, String>, StoreError> {
        let path = dotlock(mbox);
        let failed = |error: io::Error| match error.raw_os_error().map(Errno::from_raw_os_error) {
            // Not possible now, but that may change with the permissions of the directory.
            Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => {
                StoreError::NoLock { path: path.clone(), source: error }
            }
            _ => StoreError::io(&path, "make the lock file", error),
        };
        let dir = durable::open_dir(durable::parent(mbox)).map_err(failed)?;
        let name = path.file_name().unwrap_or_default().to_owned();
        // The second try comes after a stale lock was removed.
        for _ in 0..2 {
            match appear(&dir, &name) {
                Ok(file) => return Ok(Ok(Dotlock { dir, name, file })),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
            if let Some(by) = judge(&dir, &name).map_err(failed)? {
                return Ok(Err(by));
            }
        }
        Ok(Err("by other programs, one after the other (dotlock)".to_owned()))
    }
}

/// Makes the lock file; where the file system can do it, it has its content from the start.
fn appear(dir: &OwnedFd, name: &OsString) -> io::Result<File> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let content = format!("{}\n{host}\n{OWN}\n", std::process::id());
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let unnamed = retry_on_intr(|| rustix::fs::openat(dir, ".", flags, Mode::from_raw_mode(0o644)));
    if let Ok(unnamed) = unnamed {
        let mut file = File::from(unnamed);
        file.write_all(content.as_bytes())?;
        // On the descriptor: the umask does not apply. A file system without unnamed files is most likely a
        // network file system, where content can arrive late, so the second way sets no mark and an empty
        // lock file there is not taken for postie's.
        retry_on_intr(|| rustix::fs::fchmod(&file, MARK))?;
        let link = format!("/proc/self/fd/{}", file.as_raw_fd());
        match retry_on_intr(|| {
            rustix::fs::linkat(rustix::fs::CWD, &*link, dir, name, AtFlags::SYMLINK_FOLLOW)
        }) {
            Ok(()) => return Ok(file),
            Err(Errno::EXIST) => return Err(Errno::EXIST.into()),
            // No /proc, or the file system does not support it: use a second name.
            Err(_) => {}
        }
    }
    let temporary = format!(".postie-lock.{}", durable::unique());
    let mut file = durable::create_new(dir, &temporary)?;
    let linked = file.write_all(content.as_bytes()).and_then(|()| {
        Ok(retry_on_intr(|| rustix::fs::linkat(dir, &*temporary, dir, name, AtFlags::empty()))?)
    });
    // On NFS a link may be made and reported as failed; the link count is reliable.
    let links = rustix::fs::fstat(&file).map(|stat| stat.st_nlink);
    let removed = durable::remove(dir, &temporary);
    match linked {
        Ok(()) => removed.map(|()| file),
        Err(_) if links == Ok(2) => Ok(file),
        Err(error) if has_no_links(&error) => create(dir, name, &content),
        Err(error) => Err(error),
    }
}

/// Whether link(2) failed since the file system gives no file a second name (link(2): EPERM; a share or a
/// file system in user space also says that the call is not supported).
fn has_no_links(error: &io::Error) -> bool {
    let cause = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(cause, Some(Errno::PERM | Errno::NOTSUP | Errno::NOSYS))
}

/// Makes the lock file where there are no second names. A run that is killed between the two calls leaves an
/// empty one, which is stale after [`EMPTY_AGE`].
fn create(dir: &OwnedFd, name: &OsString, content: &str) -> io::Result<File> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file: File =
        retry_on_intr(|| rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(0o644)))?.into();
    match file.write_all(content.as_bytes()) {
        Ok(()) => Ok(file),
        Err(error) => {
            let _ = durable::remove(dir, name);
            Err(error)
        }
    }
}

/// Who holds the lock file; `None` if nobody does, and then it has been removed.
fn judge(dir: &OwnedFd, name: &OsString) -> io::Result<Option<String>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file: File = match retry_on_intr(|| rustix::fs::openat(dir, name, flags, Mode::empty())) {
        Ok(file) => file.into(),
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Ok(Some(format!("by a lock file that cannot be read ({error})"))),
    };
    let mut text = String::new();
    // If it holds anything but text, it names nobody.
    let _ = (&file).take(512).read_to_string(&mut text);
    let stat = rustix::fs::fstat(&file)?;
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let age = durable::now().saturating_sub(u64::try_from(stat.st_mtime).unwrap_or(0));
    if let Some(by) = owner(&text, &host, age).filter(|_| !lost_its_content(&stat, &text)) {
        return Ok(Some(by));
    }
    let now = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
    if now.is_ok_and(|now| same(&now, &stat)) {
        durable::remove(dir, name)?;
    }
    Ok(None)
}

/// Whether it is a lock file of postie's whose content was lost in a power cut.
fn lost_its_content(stat: &Stat, text: &str) -> bool {
    let own = stat.st_uid == rustix::process::geteuid().as_raw();
    own && Mode::from_raw_mode(stat.st_mode) == MARK && text.trim_matches('\0').is_empty()
}

/// Who holds the lock, by the content of the lock file; `None` if nobody can.
fn owner(text: &str, host: &str, age: u64) -> Option<String> {
    let mut lines = text.lines().map(str::trim);
    let pid = lines.next().and_then(|line| line.parse().ok()).filter(|pid: &i32| *pid > 0);
    let there = lines.next().filter(|line| !line.is_empty());
    let own = lines.next() == Some(OWN);
    let Some(pid) = pid else {
        return (age <= EMPTY_AGE).then(|| "by a lock file that names nobody".to_owned());
    };
    if there.is_some_and(|there| there != host) {
        return Some(format!("by process {pid} of host {} (dotlock)", there.unwrap_or_default()));
    }
    let alive = Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH));
    (alive && !own).then(|| format!("by process {pid} (dotlock)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_whose_owner_is_dead_is_held_by_nobody() {
        let me = std::process::id();
        // Process numbers are always below 2^22.
        for (text, age, held) in [
            (format!("{me}\n"), 9999, true),
            (format!("{me}\nhere\nother\n"), 9999, true),
            (format!("{me}\nhere\npostie\n"), 0, false),
            (format!("{me}\nelsewhere\npostie\n"), 9999, true),
            ("2147483647\n".to_owned(), 0, false),
            ("2147483647".to_owned(), 0, false),
            ("2147483647\nelsewhere\n".to_owned(), 9999, true),
            (String::new(), 0, true),
            (String::new(), EMPTY_AGE, true),
            (String::new(), EMPTY_AGE + 1, false),
            ("0\n".to_owned(), 0, true),
            ("-1\n".to_owned(), 0, true),
            ("rubbish".to_owned(), EMPTY_AGE + 1, false),
        ] {
            assert_eq!(owner(&text, "here", age).is_some(), held, "{text:?} {age}");
        }
    }
}
