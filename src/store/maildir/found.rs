//! The names of messages, and finding again what a killed run stored.

use super::Maildir;
use super::barrier::Barrier;
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::ledger::Ledger;
use crate::store::sink::{Delivered, Place, Subject};
use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

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

/// A message of a killed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    name: String,
    seen: bool,
    listed: Option<u64>,
}

/// Key, run and listed size of a name made by [`name`], flags behind it or not.
fn parse(name: &str) -> Option<(&str, u64, Option<u64>)> {
    let (seconds, rest) = name.split_once(".P")?;
    let (key, rest) = rest.split_at_checked(32)?;
    let (unique, _) = rest.strip_prefix('Q')?.split_once('.')?;
    let unique = unique.split('_').next()?;
    let (run, listed) = match unique.split_once('L') {
        Some((run, listed)) => (run, Some(listed.parse().ok()?)),
        None => (unique, None),
    };
    let plain = seconds.bytes().all(|b| b.is_ascii_digit()) && key.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then_some((key, u64::from_str_radix(run, 16).ok()?, listed))
}

impl Maildir {
    /// Removes half messages that killed runs of this account left in `tmp/`. Returns their octets.
    pub(super) fn sweep(&mut self) -> Result<u64, StoreError> {
        let path = self.path.join("tmp");
        let mut removed = 0;
        for name in names(&self.tmp).map_err(|error| StoreError::io(&path, "read", error))? {
            if !name.starts_with(&self.prefix) {
                continue;
            }
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

    /// Looks for a message that a killed run stored and did not record.
    pub(super) fn find(
        &mut self,
        ledger: &mut Ledger,
        subject: &Subject,
    ) -> Result<Option<Delivered>, StoreError> {
        if self.found.is_none() {
            self.look(ledger)?;
        }
        let Some(found) = self.found.as_mut().filter(|found| !found.is_empty()) else { return Ok(None) };
        let mut keys = vec![subject.identity.key()];
        if self.unknown {
            let (uid, copy) = (subject.identity.uid(), subject.identity.copy());
            keys.extend(ledger.former_names().iter().map(|names| names.identity(uid, copy).key()));
        }
        let Some(key) = keys.into_iter().find(|key| found.contains_key(key)) else { return Ok(None) };
        let Some(candidates) = found.get_mut(&key) else { return Ok(None) };
        // A size that is not known is not another size.
        let fits =
            |it: &Found| it.listed.is_none() || subject.wire_size.is_none() || it.listed == subject.wire_size;
        let Some(at) = candidates.iter().position(fits) else { return Ok(None) };
        let one = candidates.swap_remove(at);
        if candidates.is_empty() {
            found.remove(&key);
        }
        let empty = found.is_empty();
        let delivered = self.vouch(&one, subject)?;
        if delivered.is_some() {
            ledger.stored(1);
        }
        if empty {
            let runs = ledger.unclosed(&self.destination()).map(|unclosed| unclosed.runs);
            ledger.settle(runs.into_iter().flatten());
        }
        Ok(delivered)
    }

    /// Lists what killed runs left here.
    fn look(&mut self, ledger: &mut Ledger) -> Result<(), StoreError> {
        let mut found: HashMap<String, Vec<Found>> = HashMap::new();
        let unclosed = ledger.unclosed(&self.destination());
        if unclosed.is_some() || self.unknown {
            let wanted = |run, key: &str| {
                self.unknown
                    || unclosed
                        .as_ref()
                        .is_some_and(|it| it.runs.contains(&run) && !it.recorded.contains(key))
            };
            // new/ first: a message that a reader moves meanwhile is then seen at least once.
            let mut known = HashSet::new();
            for (dir, seen) in [(&self.new, false), (&self.cur, true)] {
                let names = names(dir).map_err(|error| StoreError::io(&self.path, "read", error))?;
                for name in names {
                    let Some((key, run, listed)) = parse(&name) else { continue };
                    let base = name.split(":2,").next().unwrap_or(&name).to_owned();
                    if wanted(run, key) && known.insert(base) {
                        let key = key.to_owned();
                        found.entry(key).or_default().push(Found { name: name.clone(), seen, listed });
                    }
                }
            }
            if found.is_empty() {
                ledger.settle(unclosed.into_iter().flat_map(|unclosed| unclosed.runs));
            }
        }
        self.found = Some(found);
        Ok(())
    }

    /// Reads a message that was found and makes sure that it is durable. None if it is gone.
    fn vouch(&mut self, found: &Found, subject: &Subject) -> Result<Option<Delivered>, StoreError> {
        let old = self.unknown && self.barrier == Barrier::Whole;
        if old && !self.flushed {
            // One barrier for all: what is looked for has been here since before.
            retry_on_intr(|| rustix::fs::syncfs(&self.new))
                .map_err(|error| StoreError::io(&self.path, "make durable", error))?;
            self.flushed = true;
        }
        let (dir, sub) = if found.seen { (&self.cur, "cur") } else { (&self.new, "new") };
        let path = self.path.join(sub).join(&found.name);
        let failed = |error| StoreError::io(&path, "read a message of an earlier run", error);
        let Some(mut file) = open(dir, &found.name).map_err(failed)? else { return Ok(None) };
        let (size, sha256) = digest(&mut file).map_err(failed)?;
        let synced = match old {
            true => Ok(()),
            false => durable::sync(&file).and_then(|()| durable::sync(dir)),
        };
        synced.map_err(|error| StoreError::io(&path, "make durable", error))?;
        Ok(Some(Delivered {
            identity: subject.identity.clone(),
            tag: subject.tag,
            wire_size: subject.wire_size.or(found.listed),
            place: Place::Maildir(path),
            size,
            sha256,
            intent: None,
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

/// The names in a directory that are UTF-8, as all of postie's are.
fn names(dir: impl AsFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in retry_on_intr(|| Dir::read_from(&dir))? {
        if let Ok(name) = entry?.file_name().to_str()
            && !name.starts_with('.')
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
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
                assert_eq!(parse(&name), Some((key, 0x6_2345, listed)), "{name}");
                assert_eq!(parse(&format!("{name}:2,FS")), Some((key, 0x6_2345, listed)));
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
