//! Finding messages in a Maildir that the ledger may not know.

use super::leftovers::{FoundMessage, Leftovers, base};
use super::name::parse;
use crate::store::delivered::{Delivered, Label, Place, Subject};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::ledger::Ledger;
use crate::store::print::HeaderPrint;
use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// How many folders within a Maildir are searched at most.
const MOST_FOLDERS: usize = 1000;
/// How often the directories are listed again if messages are moved in the meantime.
const MOST_LOOKS: u32 = 20;

/// What killed runs have stored here without recording it; without a ledger, everything here.
#[derive(Debug)]
pub struct Unrecorded {
    path: PathBuf,
    /// `new/` and `cur/`; after them those of the folders within, if these were searched.
    dirs: Vec<(PathBuf, OwnedFd)>,
    /// How many of them belong to the Maildir itself.
    own: usize,
    /// `None` until the directories were listed.
    found: Option<Leftovers>,
    /// How often the directories were listed.
    looks: u32,
    /// Whether everything here may be unrecorded: there was no ledger.
    unknown: bool,
}

/// A message that was found. It must be made durable before it counts.
pub(super) struct FoundFile<'a> {
    pub file: File,
    pub dir: &'a OwnedFd,
    /// Whether one barrier for the whole Maildir covers it: it has been in `new/` or `cur/` since before this
    /// run.
    pub is_covered: bool,
}

/// The message's path; its size and SHA-256; the hash of its header.
type MaildirMessage = (PathBuf, (u64, [u8; 32]), Option<u64>);

/// Makes a found message durable.
type Settle<'s> = &'s mut dyn FnMut(FoundFile<'_>) -> io::Result<()>;

impl Unrecorded {
    /// For a Maildir with these directories.
    pub(super) fn of(path: &Path, dirs: Vec<(PathBuf, OwnedFd)>) -> Self {
        let own = dirs.len();
        Unrecorded { path: path.to_owned(), dirs, own, found: None, looks: 0, unknown: false }
    }

    /// What a run writes into the ledger before it stores anything here.
    pub(super) fn destination(&self) -> Vec<u8> {
        [b"maildir:", self.path.as_os_str().as_bytes()].concat()
    }

    /// What a run writes into the ledger if it takes messages that are here for ones that it has fetched.
    fn reclaimed(&self) -> Vec<u8> {
        [b"reclaim:", &self.destination()[..]].concat()
    }

    /// If there is no ledger, or a run was killed while it made one from what is here, all messages here
    /// under the account's names may be messages that the server lists. The ledger notes that, so that it
    /// stays true until such a run has ended well.
    pub fn reclaim(&mut self, ledger: &mut Ledger) -> Result<(), StoreError> {
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

    /// Finds a message that would be adopted; see [`crate::store::Sink::adopt`]. Changes nothing here, and
    /// makes nothing durable; the ledger must be one that keeps nothing ([`Ledger::forgetful`]).
    pub fn would_adopt(
        &mut self,
        ledger: &mut Ledger,
        subject: &Subject,
    ) -> Result<Option<Delivered>, StoreError> {
        self.find(ledger, subject, &mut |_| Ok(()))
    }

    /// Finds a message that a killed run stored without recording it; if there are no records at all, any
    /// message.
    pub(super) fn find(
        &mut self,
        ledger: &mut Ledger,
        subject: &Subject,
        settle: Settle<'_>,
    ) -> Result<Option<Delivered>, StoreError> {
        if self.found.is_none() {
            self.look(ledger)?;
        }
        let mut keys = vec![subject.identity.raw_key()];
        if self.unknown {
            let (uid, copy) = (subject.identity.uid(), subject.identity.copy());
            keys.extend(ledger.former_names().iter().map(|names| names.identity(uid, copy).raw_key()));
        }
        // An unknown size fits any size.
        let fits = |name: &str| {
            let listed = parse(name).and_then(|(_, _, listed)| listed);
            listed.is_none() || subject.wire_size.is_none() || listed == subject.wire_size
        };
        loop {
            let Some(found) = self.found.as_mut().filter(|found| !found.is_empty()) else { return Ok(None) };
            let Some(one) = keys.iter().find_map(|key| found.take(*key, fits)) else { return Ok(None) };
            if let Some(delivered) = self.vouch(ledger, &one, subject, settle)? {
                ledger.stored(1);
                self.settle(ledger, &one);
                return Ok(Some(delivered));
            }
            // A reader has just moved it, and most likely others, too: the list of names is out of date.
            if self.looks < MOST_LOOKS {
                self.look(ledger)?;
            }
        }
    }

    /// Records by its content what killed runs stored here without recording it. Afterwards it cannot be
    /// found by name any more: the UIDVALIDITY, which is part of the name, is about to end.
    pub(super) fn end_validity(&mut self, ledger: &mut Ledger, settle: Settle<'_>) -> Result<(), StoreError> {
        // Without a ledger nobody knows which run stored a message.
        if self.unknown {
            return Ok(());
        }
        self.look(ledger)?;
        let mut messages = Vec::new();
        while let Some(one) = self.found.as_mut().and_then(Leftovers::take_any) {
            match self.read(&one, settle)? {
                Some((_, (_, sha256), _)) => {
                    messages.push((base(&one.name).to_owned(), sha256));
                    self.found.iter_mut().for_each(|found| found.settle(&one));
                }
                // A reader has just moved it, and most likely others, too.
                None if self.looks < MOST_LOOKS => {
                    messages.clear();
                    self.look(ledger)?;
                }
                None => {}
            }
        }
        let runs = ledger.unclosed(&self.destination()).map(|unclosed| unclosed.runs);
        ledger.record_nameless(runs.into_iter().flatten(), &messages)
    }

    fn settle(&mut self, ledger: &mut Ledger, one: &FoundMessage) {
        let Some(found) = &mut self.found else { return };
        found.settle(one);
        if found.is_empty() {
            let runs = ledger.unclosed(&self.destination()).map(|unclosed| unclosed.runs);
            ledger.settle(runs.into_iter().flatten());
        }
    }

    /// Lists what killed runs left here; if there are no records, everything here.
    fn look(&mut self, ledger: &mut Ledger) -> Result<(), StoreError> {
        self.looks += 1;
        let mut found = Leftovers::default();
        let unclosed = ledger.unclosed(&self.destination());
        if unclosed.is_some() || self.unknown {
            self.dirs.truncate(self.own);
            if self.unknown {
                self.dirs.extend(self.folders()?);
            }
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
            // `new/` first: a message that a reader moves from there to `cur/` in the meantime is then seen
            // at least once.
            for (place, (path, dir)) in (0..).zip(&self.dirs) {
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

    /// `new/` and `cur/` of the folders within this Maildir (those of Maildir++, and plain directories):
    /// people and filters move mail there. Folders that cannot be read, and those beyond [`MOST_FOLDERS`],
    /// are left out.
    fn folders(&self) -> Result<Vec<(PathBuf, OwnedFd)>, StoreError> {
        let failed = |error| StoreError::io(&self.path, "read", error);
        let root = match durable::open_dir(&self.path) {
            // A dry run does not make the Maildir.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            root => root.map_err(failed)?,
        };
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

    /// The proof for a message that was found; `None` if it is gone.
    fn vouch(
        &self,
        ledger: &Ledger,
        found: &FoundMessage,
        subject: &Subject,
        settle: Settle<'_>,
    ) -> Result<Option<Delivered>, StoreError> {
        let Some((path, sum, print)) = self.read(found, settle)? else { return Ok(None) };
        let named = parse(&found.name);
        let delivered = Label::of(subject).delivered(Place::Maildir(path), sum);
        Ok(Some(Delivered {
            wire_size: subject.wire_size.or(named.and_then(|(_, _, listed)| listed)),
            print,
            is_old: named.is_some_and(|(_, run, _)| !ledger.is_unclosed(run)),
            ..delivered
        }))
    }

    /// Reads a message that was found and makes it durable; `None` if it is gone.
    fn read(&self, found: &FoundMessage, settle: Settle<'_>) -> Result<Option<MaildirMessage>, StoreError> {
        let place = usize::from(found.place);
        let Some((path, dir)) = self.dirs.get(place) else { return Ok(None) };
        let path = path.join(&found.name);
        let failed = |error| StoreError::io(&path, "read a message of an earlier run", error);
        let Some(mut file) = open(dir, &found.name).map_err(failed)? else { return Ok(None) };
        let mut print = HeaderPrint::default();
        let sum = digest(&mut file, &mut print).map_err(failed)?;
        let is_covered = place < self.own && self.unknown;
        settle(FoundFile { file, dir, is_covered })
            .map_err(|error| StoreError::io(&path, "make durable", error))?;
        Ok(Some((path, sum, print.finish())))
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

/// Size and SHA-256 of a file; its octets go to `print`, too.
fn digest(file: &mut File, print: &mut HeaderPrint) -> io::Result<(u64, [u8; 32])> {
    let (mut hash, mut size, mut block) = (Sha256::new(), 0, vec![0; super::BUFFER]);
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok((size, hash.finalize().into())),
            Ok(count) => {
                size += count as u64;
                hash.update(&block[..count]);
                print.push(&block[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Calls `take` with the name of each message in a directory.
pub(super) fn each_name(dir: impl AsFd, take: &mut dyn FnMut(&str)) -> io::Result<()> {
    each_entry(dir, &mut |name| {
        if !name.starts_with('.') {
            take(name);
        }
    })
}

/// Calls `take` with each name in a directory that is UTF-8; all of postie's names are.
fn each_entry(dir: impl AsFd, take: &mut dyn FnMut(&str)) -> io::Result<()> {
    for entry in retry_on_intr(|| Dir::read_from(&dir))? {
        if let Ok(name) = entry?.file_name().to_str() {
            take(name);
        }
    }
    Ok(())
}
