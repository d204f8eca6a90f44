//! Maildir: each message is a file, written in `tmp/` and moved to `new/` when its content is durable.
//!
//! A name is `SECONDS.P<key>Q<run>[L<size>].<host>`. `key` stands for account, UID and copy, `run` for the
//! run of postie, `size` for the size that the server listed. So a message that was stored just before a
//! crash is found again, in `new/` or, after a reader has seen it, in `cur/`, and cannot be taken for another
//! one.
//!
//! A commit takes two barriers for any number of messages: one `syncfs`, then the renames, then one fsync of
//! `new/`. `syncfs` reports the errors of all writes since the directory was opened, on Linux 5.8 and later
//! and on the file systems that [`barrier`] lists. Rejected: an fsync for each file, which limits the speed
//! of every other fetcher; renaming before the sync, which shows readers a file that a power cut empties.
//!
//! A message with flags goes to `cur/`, with its letters in its name, like one that a reader has seen. The
//! time of its file is when the server got it.
//!
//! Nothing is ever overwritten. Half messages exist only in `tmp/`, under names that contain their account,
//! so that the next run removes them and no others.
//! so that the next run removes them and nobody else's.

mod barrier;
mod found;
mod leftovers;
mod name;
mod open;

pub(crate) use found::Unrecorded;

/// Whether a file has a name of ours.
#[cfg(feature = "fuzzing")]
pub(super) fn is_ours(name: &str) -> bool {
    name::parse(name).is_some()
}

use super::delivered::{Delivered, Label, Place, Subject};
use super::durable;
use super::error::StoreError;
use super::ledger::Ledger;
use super::sink::{Recovery, Sink, Staged};
use barrier::Barrier;
use found::FoundFile;
use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::{Errno, retry_on_intr};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

/// How many octets are collected before they are written: enough for most messages to be one write.
const BUFFER: usize = 64 * 1024;
/// How many messages, or octets, are worth a barrier.
const DUE: Staged = Staged { count: 512, octets: 16 * 1024 * 1024 };
/// How many names are tried for a message. (A second one is needed only if `--all` fetches a message twice in
/// one second.)
const NAMES: u32 = 1000;

/// A Maildir as a destination.
#[derive(Debug)]
pub struct Maildir {
    path: PathBuf,
    tmp: OwnedFd,
    new: OwnedFd,
    cur: OwnedFd,
    barrier: Barrier,
    /// How the names of this account's files in `tmp/` begin.
    prefix: String,
    host: String,
    buffer: Vec<u8>,
    count: u64,
    draft: Option<MaildirDraft>,
    staged: Vec<Written>,
    octets: u64,
    /// What is here and may not be recorded.
    unrecorded: Unrecorded,
    /// Whether everything that was here at the start is known to be durable.
    flushed: bool,
}

/// The message that is being written.
#[derive(Debug)]
struct MaildirDraft {
    file: File,
    hash: Sha256,
    written: Written,
}

/// A message in `new/` or `cur/`.
#[derive(Debug)]
struct Published {
    name: String,
    is_in_cur: bool,
}

/// A file in `tmp/`.
#[derive(Debug)]
struct Written {
    name: String,
    label: Label,
    size: u64,
    sha256: [u8; 32],
    /// Kept open if files are synced one by one.
    file: Option<File>,
}

impl Maildir {
    /// Removes the half messages that killed runs of this account left in `tmp/`. Returns their octets.
    fn sweep(&mut self) -> Result<u64, StoreError> {
        let path = self.path.join("tmp");
        let mut removed = 0;
        let mut names = Vec::new();
        let mut take = |name: &str| names.extend(name.starts_with(&self.prefix).then(|| name.to_owned()));
        found::each_name(&self.tmp, &mut take).map_err(|error| StoreError::io(&path, "read", error))?;
        for name in names {
            let stat = rustix::fs::statat(&self.tmp, &name, AtFlags::SYMLINK_NOFOLLOW);
            durable::remove(&self.tmp, &name)
                .map_err(|error| StoreError::io(&path, "remove a leftover", error))?;
            removed += stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
        }
        Ok(removed)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let Some(draft) = &mut self.draft else { return Ok(()) };
        let written = draft.file.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|error| StoreError::io(&self.path.join("tmp"), "write a message", error))
    }

    /// Moves a file to `new/` or `cur/`. Never replaces anything.
    fn publish(&self, written: &Written, run: u64) -> io::Result<Published> {
        let flags = written.label.details.as_ref().map_or(&[][..], |details| &details.flags);
        let letters = name::letters(flags);
        if !letters.is_empty() {
            match self.publish_as(written, run, &letters) {
                // No colon is allowed in names there, or `cur` is on another file system: the message matters
                // more than its flags.
                Err(Errno::INVAL | Errno::XDEV) => {}
                published => return Ok(published?),
            }
        }
        Ok(self.publish_as(written, run, "")?)
    }

    /// The same with these letters in its name: in `cur/`, or without any in `new/`.
    fn publish_as(&self, written: &Written, run: u64, letters: &str) -> rustix::io::Result<Published> {
        let (dir, _) = self.dir(!letters.is_empty());
        for n in 0..NAMES {
            let name = name::name(&name::Stamp {
                seconds: durable::now(),
                key: &written.label.identity.key(),
                run,
                listed: written.label.wire_size,
                host: &self.host,
                n,
                letters,
            });
            match self.move_to(dir, &written.name, &name) {
                Err(Errno::EXIST) => {}
                Ok(()) => return Ok(Published { name, is_in_cur: !letters.is_empty() }),
                Err(error) => return Err(error),
            }
        }
        Err(Errno::EXIST)
    }

    fn move_to(&self, dir: &OwnedFd, from: &str, to: &str) -> rustix::io::Result<()> {
        let no_replace = RenameFlags::NOREPLACE;
        match retry_on_intr(|| rustix::fs::renameat_with(&self.tmp, from, dir, to, no_replace)) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            other => return other,
        }
        match retry_on_intr(|| rustix::fs::linkat(&self.tmp, from, dir, to, AtFlags::empty())) {
            Ok(()) => {
                // The message is in place; the next run removes its second name in `tmp/`.
                let _ = durable::remove(&self.tmp, from);
                return Ok(());
            }
            Err(Errno::PERM | Errno::NOTSUP | Errno::NOSYS | Errno::MLINK) => {}
            other => return other,
        }
        // The file system has neither way. The name contains the message's key and this run's number, and the
        // account is locked: nobody else can make it between these two calls.
        match retry_on_intr(|| rustix::fs::statat(dir, to, AtFlags::SYMLINK_NOFOLLOW)) {
            Err(Errno::NOENT) => retry_on_intr(|| rustix::fs::renameat(&self.tmp, from, dir, to)),
            Ok(_) => Err(Errno::EXIST),
            Err(error) => Err(error),
        }
    }

    /// Makes the content of all staged files durable, moves the files to their places, and makes that
    /// durable.
    fn store(&mut self, ledger: &mut Ledger, published: &mut Vec<Published>) -> Result<(), StoreError> {
        let tmp = self.path.join("tmp");
        let files = self.staged.iter().filter_map(|written| written.file.as_ref());
        let synced = self.barrier.pass(&self.tmp, files, self.staged.len());
        synced.map_err(|error| StoreError::io(&tmp, "make messages durable", error))?;
        ledger.announce(&self.unrecorded.destination())?;
        for written in &self.staged {
            let one = self.publish(written, ledger.run());
            published.push(one.map_err(|error| StoreError::io(&self.path, "move a message", error))?);
        }
        for is_in_cur in [false, true] {
            if published.iter().any(|one| one.is_in_cur == is_in_cur) {
                let (dir, name) = self.dir(is_in_cur);
                durable::sync(dir)
                    .map_err(|error| StoreError::io(&self.path.join(name), "make durable", error))?;
            }
        }
        Ok(())
    }

    /// `cur/` or `new/`, with its name.
    fn dir(&self, is_cur: bool) -> (&OwnedFd, &'static str) {
        if is_cur { (&self.cur, "cur") } else { (&self.new, "new") }
    }
}

impl Sink for Maildir {
    fn recover(&mut self, ledger: &mut Ledger) -> Result<Recovery, StoreError> {
        let removed = self.sweep()?;
        self.unrecorded.reclaim(ledger)?;
        Ok(Recovery { removed, ..Recovery::default() })
    }

    fn adopt(&mut self, ledger: &mut Ledger, subject: &Subject) -> Result<Option<Delivered>, StoreError> {
        let (barrier, new, flushed) = (self.barrier, &self.new, &mut self.flushed);
        self.unrecorded.find(ledger, subject, &mut |found: FoundFile<'_>| {
            if !(found.is_covered && barrier == Barrier::Whole) {
                return durable::sync(&found.file).and_then(|()| durable::sync(found.dir));
            }
            // One barrier for all: whatever is found here was here before this run.
            if !*flushed {
                retry_on_intr(|| rustix::fs::syncfs(new))?;
                *flushed = true;
            }
            Ok(())
        })
    }

    fn end_validity(&mut self, ledger: &mut Ledger) -> Result<(), StoreError> {
        self.unrecorded.end_validity(ledger, &mut |found: FoundFile<'_>| {
            durable::sync(&found.file).and_then(|()| durable::sync(found.dir))
        })
    }

    fn begin(&mut self, subject: &Subject) -> Result<(), StoreError> {
        if self.draft.is_some() {
            return Err(StoreError::Misused("a draft is open already"));
        }
        self.count += 1;
        let name = format!("{}{}.{}", self.prefix, durable::unique(), self.count);
        let file = durable::create_new(&self.tmp, &name)
            .map_err(|error| StoreError::io(&self.path.join("tmp"), "create a file", error))?;
        self.buffer.clear();
        let label = Label::of(subject);
        let written = Written { name, label, size: 0, sha256: [0; 32], file: None };
        self.draft = Some(MaildirDraft { file, hash: Sha256::new(), written });
        Ok(())
    }

    fn write(&mut self, _: &mut Ledger, octets: &[u8]) -> Result<(), StoreError> {
        let Some(draft) = &mut self.draft else { return Err(StoreError::Misused("no draft is open")) };
        draft.hash.update(octets);
        draft.written.size += octets.len() as u64;
        if self.buffer.len() + octets.len() > BUFFER {
            self.flush()?;
        }
        if octets.len() >= BUFFER {
            self.buffer.extend_from_slice(octets);
            return self.flush();
        }
        self.buffer.extend_from_slice(octets);
        Ok(())
    }

    fn discard(&mut self) {
        if let Some(draft) = self.draft.take() {
            // What stays in `tmp/` is no delivered mail, and the next run removes it.
            let _ = durable::remove(&self.tmp, &draft.written.name);
        }
        self.buffer.clear();
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        let Some(MaildirDraft { file, hash, mut written }) = self.draft.take() else {
            return Err(StoreError::Misused("no draft is open"));
        };
        written.sha256 = hash.finalize().into();
        let received = written.label.details.as_ref().and_then(|details| details.received);
        if let Some(seconds) = received.and_then(|seconds| u64::try_from(seconds).ok()) {
            // If the file system cannot keep such a time, the message is stored without it.
            let _ = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).map(|time| file.set_modified(time));
        }
        self.octets += written.size;
        if self.barrier.wants_files(self.staged.len()) {
            written.file = Some(file);
        }
        self.staged.push(written);
        Ok(())
    }

    fn flags(&mut self, tag: usize, flags: Vec<String>) {
        let staged = self.staged.iter_mut().rev().find(|written| written.label.tag == tag);
        if let Some(details) = staged.and_then(|written| written.label.details.as_mut()) {
            details.flags = flags;
        }
    }

    fn staged(&self) -> Staged {
        Staged { count: self.staged.len(), octets: self.octets }
    }

    fn due(&self) -> bool {
        self.staged.len() >= DUE.count || self.octets >= DUE.octets || self.barrier.is_full(self.staged.len())
    }

    fn commit(&mut self, ledger: &mut Ledger) -> Result<Vec<Delivered>, StoreError> {
        if self.staged.is_empty() {
            return Ok(Vec::new());
        }
        let mut published = Vec::with_capacity(self.staged.len());
        if let Err(error) = self.store(ledger, &mut published) {
            ledger.suspect();
            for one in &published {
                // What cannot be removed is found by the next run, since this run stays marked as open.
                let _ = durable::remove(self.dir(one.is_in_cur).0, &one.name);
            }
            self.rollback();
            return Err(error);
        }
        ledger.stored(published.len());
        self.octets = 0;
        let [new, cur] = ["new", "cur"].map(|part| self.path.join(part));
        let delivered = self.staged.drain(..).zip(published).map(|(written, one)| {
            let path = if one.is_in_cur { &cur } else { &new }.join(one.name);
            written.label.delivered(Place::Maildir(path), (written.size, written.sha256))
        });
        Ok(delivered.collect())
    }

    fn rollback(&mut self) {
        self.discard();
        for written in self.staged.drain(..) {
            let _ = durable::remove(&self.tmp, &written.name);
        }
        self.octets = 0;
    }
}

impl Drop for Maildir {
    fn drop(&mut self) {
        self.rollback();
    }
}

#[cfg(test)]
mod tests;
