//! The state that the lines of a ledger add up to.

use super::cell::IN_MEMORY;
use super::copies::{Copies, Copying};
use super::former::Former;
use super::intent::Intent;
use super::known::{ContentHashes, Fact, Known, ServerState, Stored};
use super::notes::Notes;
use super::record::{self, Delivery, Record};
use super::table::UidTable;
use super::whole::FolderNumbers;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The usual length of the line of a delivered message, in octets.
pub(super) const LINE: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Totals {
    pub entries: UidTable,
    /// The UIDVALIDITY of these entries, if the protocol has it.
    pub validity: Option<u64>,
    /// What was stored under an earlier UIDVALIDITY.
    pub former: Former,
    /// The numbers of the folder when all of it had been seen, and when that was.
    pub whole: Option<(FolderNumbers, u64)>,
    pub intents: Vec<Intent>,
    /// Copies to other folders of the server.
    pub copies: Copies,
    pub notes: Notes,
    /// The file of the records, to read hashes from.
    pub source: Option<File>,
    /// The offset of the record that is applied next.
    pub at: u64,
    /// The hashes of messages that this run keeps in memory only.
    pub kept: Vec<ContentHashes>,
    /// Runs that have not ended: number, destination, and the offset of the record.
    pub runs: Vec<(u64, Vec<u8>, u64)>,
    pub last_run: u64,
    pub last_intent: u64,
    pub lines: u64,
    /// Messages that were larger than listed, by UID: listed size, and octets that came.
    pub outgrown: HashMap<Vec<u8>, (Option<u64>, u64)>,
    /// UIDs that mean another message than before, with the copy number of that message.
    pub reused: HashMap<Box<[u8]>, u32>,
    /// Whether there is a message whose deletion was confirmed.
    pub any_deleted: bool,
}

impl Totals {
    /// For how many UIDs a message is known for which `is_one` returns true.
    pub fn count(&self, is_one: impl Fn(&Known) -> bool) -> usize {
        self.entries.iter().filter(|memory| memory.known().iter().any(&is_one)).count()
    }

    /// Applies one record to the state.
    pub fn apply(&mut self, record: Record<'_>) {
        match record {
            Record::Found(it) => {
                self.former.found(it.sha256);
                self.apply(Record::Delivered(it));
            }
            Record::Likely(it) => {
                self.former.found(it.sha256);
                self.deliver(&it, Fact::Elsewhere);
            }
            Record::Delivered(it) => self.deliver(&it, Fact::Stored),
            Record::Marked { uid, copy, size, time } => {
                self.notes.settled(&uid);
                let known = Known { copy, size, time, fact: Fact::Marked, at: self.at };
                self.entries.deliver(&uid, known);
            }
            Record::Outgrown { uid, size, octets } => {
                self.outgrown.insert(uid.into_owned(), (size, octets));
            }
            Record::Whole { uidvalidity, uidnext, messages, time } => {
                self.whole = Some((FolderNumbers { uidvalidity, uidnext, messages }, time));
            }
            Record::TakenOver => {
                self.whole = None;
                self.entries.disown();
                self.copies.clear();
            }
            Record::Validity { number } => self.begin(number),
            Record::Reused { uid, copy } => self.reuse(&uid, copy),
            Record::Pending { uid, copy, size } => self.entries.set(&uid, copy, size, ServerState::Pending),
            Record::Deleted { uid, copy, size, time } => {
                self.any_deleted = true;
                self.notes.settled(&uid);
                self.entries.set(&uid, copy, size, ServerState::Deleted(time));
            }
            Record::Copying { id, folder, uidvalidity, uidnext, uids } => self.copies.begin(Copying {
                id,
                folder: folder.into_owned(),
                before: uidvalidity.zip(uidnext),
                uids: uids.into_owned(),
                is_made: false,
            }),
            Record::Copied { id, uids } => self.copies.made(id, &uids),
            Record::CopyOver { id } => self.copies.end(id),
            Record::FirstSeen { uid, time } => self.entries.note_first_seen(&uid, time),
            Record::Ambiguous { uid } => self.entries.note_ambiguous(&uid),
            Record::Lost { uid, times, time } => self.notes.lost(&uid, times, time),
            Record::Trait { word, time } => self.notes.seen(&word, time),
            Record::Forget { uid } => {
                self.whole = None;
                self.outgrown.remove(&uid[..]);
                self.notes.settled(&uid);
                self.entries.remove(&uid[..]);
            }
            Record::Intent { id, offset, lead, count, path } => {
                self.last_intent = self.last_intent.max(id);
                let count = usize::try_from(count).unwrap_or(0).min(1 << 20);
                self.intents.push(Intent::new(id, path.into_owned(), (offset, lead), count));
            }
            Record::Part(part) => {
                if let Some(intent) = self.intents.last_mut() {
                    let (uid, head) = (part.uid.into_owned().into(), part.head.into_owned().into());
                    intent.parts.push(record::IntentPart { uid, head, ..part });
                }
            }
            Record::Cancel { id } => self.intents.retain(|intent| intent.id != id),
            Record::Open { run, destination } => {
                self.last_run = self.last_run.max(run);
                self.runs.push((run, destination.into_owned(), self.at));
            }
            Record::Closed { run } => self.runs.retain(|open| open.0 != run),
        }
    }

    fn deliver(&mut self, it: &Delivery<'_>, fact: fn(Stored) -> Fact) {
        self.notes.settled(&it.uid);
        if let Some(id) = it.intent {
            self.fulfil(id, &it.uid, it.copy);
        }
        let state = if it.pending { ServerState::Pending } else { ServerState::Kept };
        let at = match self.at {
            IN_MEMORY => self.keep(ContentHashes { sha256: it.sha256, print: it.print }),
            at => at,
        };
        let (copy, size, time, fact) = (it.copy, it.size, it.time, fact(Stored { state }));
        self.entries.deliver(&it.uid, Known { copy, size, time, fact, at });
    }

    /// Entries under another UIDVALIDITY become former ones. The same number again means that all former ones
    /// were looked for.
    pub fn begin(&mut self, number: u64) {
        self.whole = None;
        if self.validity == Some(number) {
            self.former = Former::default();
        } else if self.validity.is_some() {
            let mut entries = std::mem::take(&mut self.entries);
            entries.settle();
            self.former.expect(entries.places());
            for memory in entries.iter() {
                self.former.add(memory.known().iter().copied());
            }
            self.any_deleted = false;
            self.outgrown.clear();
            self.copies.renumber();
            self.reused.clear();
            self.notes.forget_losses();
        }
        self.validity = Some(number);
    }

    /// The UID means another message now. What was known under it becomes a former message, which may be
    /// found by its content.
    fn reuse(&mut self, uid: &[u8], copy: u32) {
        self.entries.settle();
        if let Some(memory) = self.entries.get(uid) {
            self.former.add(memory.known().iter().copied());
        }
        self.entries.remove(uid);
        self.reused.insert(uid.into(), copy);
    }

    /// Keeps the hashes of a message in memory; returns the place for [`Totals::content`].
    fn keep(&mut self, content: ContentHashes) -> u64 {
        self.kept.push(content);
        IN_MEMORY | (self.kept.len() as u64 - 1)
    }

    /// The hashes of a stored message, from the record at this offset.
    pub fn content(&self, at: u64) -> io::Result<ContentHashes> {
        if at & IN_MEMORY != 0 {
            let kept = self.kept.get((at & !IN_MEMORY) as usize);
            return kept.copied().ok_or_else(misplaced);
        }
        let source = self.source.as_ref().ok_or_else(misplaced)?;
        let mut octets = vec![0; 2 * LINE];
        loop {
            let got = read_at(source, &mut octets, at)?;
            if let Some(end) = memchr::memchr(b'\n', &octets[..got]) {
                return match record::decode(&octets[..end]).map(|line| line.record) {
                    Some(
                        Record::Delivered(Delivery { sha256, print, .. })
                        | Record::Found(Delivery { sha256, print, .. })
                        | Record::Likely(Delivery { sha256, print, .. }),
                    ) => Ok(ContentHashes { sha256, print }),
                    _ => Err(misplaced()),
                };
            }
            if got < octets.len() {
                return Err(misplaced());
            }
            octets.resize(4 * got, 0);
        }
    }

    fn fulfil(&mut self, id: u64, uid: &[u8], copy: u32) {
        let Some(at) = self.intents.iter().position(|intent| intent.id == id) else { return };
        if self.intents[at].fulfil(uid, copy) {
            self.intents.remove(at);
        }
    }
}

fn misplaced() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a record is not where it was")
}

/// Reads up to the length of `octets` at an offset.
fn read_at(file: &File, octets: &mut [u8], at: u64) -> io::Result<usize> {
    let mut got = 0;
    while got < octets.len() {
        match file.read_at(&mut octets[got..], at + got as u64) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
