//! The names of messages, and finding again what a killed run stored.

use super::Maildir;
use super::barrier::Barrier;
use super::leftovers::{FoundMessage, Leftovers};
use crate::store::delivered::{Delivered, Place, Subject};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::identity::unhex;
use crate::store::ledger::Ledger;
use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

/// The most folders within a Maildir that are looked into.
const MOST_FOLDERS: usize = 1000;
/// How often is looked anew where messages are moved meanwhile.
const MOST_LOOKS: u32 = 20;

/// What a name is made of.
pub(super) struct Stamp<'a> {
    pub seconds: u64,
    pub key: &'a str,
    pub run: u64,
    pub listed: Option<u64>,
    pub host: &'a str,
    pub n: u32,
}

/// The name of a message in `new/`.
pub(super) fn name(stamp: &Stamp) -> String {
    let mut name = format!("{}.P{}Q{:x}", stamp.seconds, stamp.key, stamp.run);
    if let Some(listed) = stamp.listed {
        name.push_str(&format!("L{listed}"));
    }
    if stamp.n > 0 {
        name.push_str(&format!("_{}", stamp.n));
    }
    name.push('.');
    name.push_str(stamp.host);
    name
}

/// Key, run and listed size of a name made by [`name`], flags behind it or not.
fn parse(name: &str) -> Option<([u8; 16], u64, Option<u64>)> {
    let (seconds, rest) = name.split_once(".P")?;
    let (key, rest) = rest.split_at_checked(32)?;
    let (unique, _) = rest.strip_prefix('Q')?.split_once('.')?;
    let unique = unique.split('_').next()?;
    let (run, listed) = match unique.split_once('L') {
        Some((run, listed)) => (run, Some(listed.parse().ok()?)),
        None => (unique, None),
    };
    let is_time = seconds.bytes().all(|b| b.is_ascii_digit());
    is_time.then_some((unhex(key.as_bytes())?, u64::from_str_radix(run, 16).ok()?, listed))
}

impl Maildir {
    /// Removes half messages that killed runs of this account left in `tmp/`. Returns their octets.
    pub(super) fn sweep(&mut self) -> Result<u64, StoreError> {
        let path = self.path.join("tmp");
        let mut removed = 0;
        let mut names = Vec::new();
        let mut take = |name: &str| names.extend(name.starts_with(&self.prefix).then(|| name.to_owned()));
        each_name(&self.tmp, &mut take).map_err(|error| StoreError::io(&path, "read", error))?;
        for name in names {
            let stat = rustix::fs::statat(&self.tmp, &name, AtFlags::SYMLINK_NOFOLLOW);
            durable::remove(&self.tmp, &name)
                .map_err(|error| StoreError::io(&path, "remove a leftover", error))?;
            removed += stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
        }
        Ok(removed)
    }

    /// What a run announces that takes what lies here for what was fetched.
    fn reclaimed(&self) -> Vec<u8> {
        [b"reclaim:", &self.destination()[..]].concat()
    }

    /// Where there is no ledger, or a run was killed while it made one of what lies here: all that lies here
    /// under the account's names may be what the server lists. That is announced, so that it holds until such a
    /// run has ended well.
    pub(super) fn reclaim(&mut self, ledger: &mut Ledger) -> Result<(), StoreError> {
        self.unknown = ledger.is_empty() || ledger.unclosed(&self.reclaimed()).is_some();
        if !self.unknown {
            return Ok(());
        }
        self.look(ledger)?;
        self.unknown = self.found.as_ref().is_some_and(|found| !found.is_empty());
        if self.unknown {
            let earlier = ledger.unclosed(&self.reclaimed()).map(|unclosed| unclosed.runs);
            ledger.settle(earlier.into_iter().flatten());
            ledger.announce(&self.reclaimed())?;
        }
        Ok(())
    }

    /// Looks for a message that a killed run stored and did not record, or for any where there is no record.
    pub(super) fn find(
        &mut self,
        ledger: &mut Ledger,
        subject: &Subject,
    ) -> Result<Option<Delivered>, StoreError> {
        if self.found.is_none() {
            self.look(ledger)?;
        }
        let mut keys = vec![subject.identity.raw_key()];
        if self.unknown {
            let (uid, copy) = (subject.identity.uid(), subject.identity.copy());
            keys.extend(ledger.former_names().iter().map(|names| names.identity(uid, copy).raw_key()));
        }
        // A size that is not known is not another size.
        let fits = |name: &str| {
            let listed = parse(name).and_then(|(_, _, listed)| listed);
            listed.is_none() || subject.wire_size.is_none() || listed == subject.wire_size
        };
        loop {
            let Some(found) = self.found.as_mut().filter(|found| !found.is_empty()) else { return Ok(None) };
            let Some(one) = keys.iter().find_map(|key| found.take(*key, fits)) else { return Ok(None) };
            if let Some(delivered) = self.vouch(ledger, &one, subject)? {
                ledger.stored(1);
                self.settle(ledger, &one);
                return Ok(Some(delivered));
            }
            // A reader moves it just now, and most likely others: they are where they were not looked for.
            if self.looks < MOST_LOOKS {
                self.look(ledger)?;
            }
        }
    }

    fn settle(&mut self, ledger: &mut Ledger, one: &FoundMessage) {
        let Some(found) = &mut self.found else { return };
        found.settle(one);
        if found.is_empty() {
            let runs = ledger.unclosed(&self.destination()).map(|unclosed| unclosed.runs);
            ledger.settle(runs.into_iter().flatten());
        }
    }

    /// Lists what killed runs left here, or all that lies here where there is no record of it.
    fn look(&mut self, ledger: &mut Ledger) -> Result<(), StoreError> {
        self.looks += 1;
        let mut found = Leftovers::default();
        let unclosed = ledger.unclosed(&self.destination());
        if unclosed.is_some() || self.unknown {
            let wanted = |run, key: &[u8; 16]| {
                self.unknown
                    || unclosed
                        .as_ref()
                        .is_some_and(|it| it.runs.contains(&run) && !it.recorded.contains(key))
            };
            let mut take = |place, name: &str| {
                if let Some((key, run, _)) = parse(name)
                    && wanted(run, &key)
                {
                    found.push(key, place, name);
                }
            };
            // new/ first: a message that a reader moves meanwhile is then seen at least once.
            for (place, dir) in (0..).zip([&self.new, &self.cur]) {
                let failed = |error| StoreError::io(&self.path, "read", error);
                each_name(dir, &mut |name| take(place, name)).map_err(failed)?;
            }
            self.folders = if self.unknown { self.folders()? } else { Vec::new() };
            for (place, (path, dir)) in (2..).zip(&self.folders) {
                let failed = |error| StoreError::io(path, "read", error);
                each_name(dir, &mut |name| take(place, name)).map_err(failed)?;
            }
            found.sort();
            if found.is_empty() {
                ledger.settle(unclosed.into_iter().flat_map(|unclosed| unclosed.runs));
            }
        }
        self.found = Some(found);
        Ok(())
    }

    /// `new/` and `cur/` of the folders within this Maildir (Maildir++, and such as are directories): people and
    /// filters move mail there. One that cannot be read is passed over, and so is what is beyond a bound.
    fn folders(&self) -> Result<Vec<(PathBuf, OwnedFd)>, StoreError> {
        let failed = |error| StoreError::io(&self.path, "read", error);
        let root = durable::open_dir(&self.path).map_err(failed)?;
        let mut names = Vec::new();
        each_entry(&root, &mut |name| {
            if names.len() < MOST_FOLDERS && !["tmp", "new", "cur", ".", ".."].contains(&name) {
                names.push(name.to_owned());
            }
        })
        .map_err(failed)?;
        names.sort_unstable();
        let mut folders = Vec::new();
        for name in names {
            let Ok(folder) = durable::open_dir_at(&root, &name) else { continue };
            for part in ["new", "cur"] {
                if let Ok(dir) = durable::open_dir_at(&folder, part) {
                    folders.push((self.path.join(&name).join(part), dir));
                }
            }
        }
        Ok(folders)
    }

    /// Reads a message that was found and makes sure that it is durable. None if it is gone.
    fn vouch(
        &mut self,
        ledger: &Ledger,
        found: &FoundMessage,
        subject: &Subject,
    ) -> Result<Option<Delivered>, StoreError> {
        let old = found.place < 2 && self.unknown && self.barrier == Barrier::Whole;
        if old && !self.flushed {
            // One barrier for all: what is looked for has been here since before.
            retry_on_intr(|| rustix::fs::syncfs(&self.new))
                .map_err(|error| StoreError::io(&self.path, "make durable", error))?;
            self.flushed = true;
        }
        let (dir, path) = match found.place {
            0 => (&self.new, self.path.join("new")),
            1 => (&self.cur, self.path.join("cur")),
            more => match self.folders.get(usize::from(more) - 2) {
                Some((path, dir)) => (dir, path.clone()),
                None => return Ok(None),
            },
        };
        let path = path.join(&found.name);
        let failed = |error| StoreError::io(&path, "read a message of an earlier run", error);
        let Some(mut file) = open(dir, &found.name).map_err(failed)? else { return Ok(None) };
        let (size, sha256) = digest(&mut file).map_err(failed)?;
        let synced = match old {
            true => Ok(()),
            false => durable::sync(&file).and_then(|()| durable::sync(dir)),
        };
        synced.map_err(|error| StoreError::io(&path, "make durable", error))?;
        let named = parse(&found.name);
        Ok(Some(Delivered {
            identity: subject.identity.clone(),
            tag: subject.tag,
            wire_size: subject.wire_size.or(named.and_then(|(_, _, listed)| listed)),
            place: Place::Maildir(path),
            size,
            sha256,
            intent: None,
            is_old: named.is_some_and(|(_, run, _)| !ledger.is_unclosed(run)),
        }))
    }
}

fn open(dir: &OwnedFd, name: &str) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file: File = match retry_on_intr(|| rustix::fs::openat(dir, name, flags, Mode::empty())) {
        Ok(file) => file.into(),
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(file.metadata()?.is_file().then_some(file))
}

fn digest(file: &mut File) -> io::Result<(u64, [u8; 32])> {
    let (mut hash, mut size, mut block) = (Sha256::new(), 0, vec![0; super::BUFFER]);
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok((size, hash.finalize().into())),
            Ok(count) => {
                size += count as u64;
                hash.update(&block[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Takes the names of the messages in a directory.
fn each_name(dir: impl AsFd, take: &mut dyn FnMut(&str)) -> io::Result<()> {
    each_entry(dir, &mut |name| {
        if !name.starts_with('.') {
            take(name);
        }
    })
}

/// Takes the names in a directory that are UTF-8, as all of postie's are.
fn each_entry(dir: impl AsFd, take: &mut dyn FnMut(&str)) -> io::Result<()> {
    for entry in retry_on_intr(|| Dir::read_from(&dir))? {
        if let Ok(name) = entry?.file_name().to_str() {
            take(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_with_and_without_a_readers_flags() {
        let key = "0123456789abcdef0123456789abcdef";
        for listed in [None, Some(0), Some(u64::MAX)] {
            for n in [0, 1, 12] {
                let stamp = Stamp { seconds: 1_700_000_000, key, run: 0x6_2345, listed, host: "a.b", n };
                let name = name(&stamp);
                assert!(name.starts_with("1700000000.P") && name.ends_with(".a.b"));
                let read = Some((unhex(key.as_bytes()).unwrap(), 0x6_2345, listed));
                assert_eq!(parse(&name), read, "{name}");
                assert_eq!(parse(&format!("{name}:2,FS")), read);
            }
        }
    }

    #[test]
    fn names_of_other_programs_are_not_taken_for_ours() {
        for name in [
            "1700000000.M1P2.host",
            "1700000000.P0123456789abcdef0123456789abcdef.host",
            "1700000000.P0123456789abcdef0123456789abcdefQ1",
            "1700000000.P0123456789abcdef0123456789abcdeéQ1.h",
            "x.P0123456789abcdef0123456789abcdefQ1.h",
            "1.P0123456789abcdef0123456789abcdefQ1Lx.h",
            "",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
