//! Reading a ledger: from octets to facts.
//!
//! A line that is no record ends the reading. It is a torn tail, to be cut off, unless what is behind it
//! proves otherwise: a first line of a later write (which began only after all before it was synced), or
//! any other record behind damage that no torn write makes (a hole left by a power cut reads as NUL).

use super::intent::Intent;
use super::record::{self, Record};
use super::{Facts, Known, State};
use crate::store::error::StoreError;
use std::path::Path;

/// How the first line of every ledger begins; the format's version and the account follow.
const MAGIC: &[u8] = b"postie-ledger ";
/// The format's version.
const VERSION: &[u8] = b"1";

/// The first line of an account's ledger.
pub(super) fn header(account: &str) -> Vec<u8> {
    [MAGIC, VERSION, b" ", account.as_bytes(), b"\n"].concat()
}

/// Reads a whole ledger. Returns the facts and how many octets of the file they cover.
pub(super) fn load(path: &Path, octets: &[u8], account: &str) -> Result<(Facts, u64), StoreError> {
    let damaged = |line, why| StoreError::Damaged { path: path.to_owned(), line, why };
    let end = memchr::memchr(b'\n', octets).ok_or_else(|| damaged(1, "the first line is not whole"))?;
    let first = octets[..end].strip_prefix(MAGIC).ok_or_else(|| damaged(1, "not a ledger"))?;
    let (version, owner) = first.split_at(memchr::memchr(b' ', first).unwrap_or(first.len()));
    if version != VERSION {
        let number = !version.is_empty() && version.len() < 10 && version.iter().all(u8::is_ascii_digit);
        return Err(match number && version != b"0" {
            true => StoreError::TooNew {
                path: path.to_owned(),
                version: String::from_utf8_lossy(version).into_owned(),
            },
            false => damaged(1, "its version makes no sense"),
        });
    }
    if owner.strip_prefix(b" ") != Some(account.as_bytes()) {
        return Err(damaged(1, "it belongs to another account"));
    }
    let mut facts = Facts { lines: 1, ..Facts::default() };
    let body = &octets[end + 1..];
    let capacity = memchr::memchr_iter(b'\n', body).count();
    facts.entries.reserve(capacity);
    let mut at = 0;
    while let Some(length) = memchr::memchr(b'\n', &body[at..]) {
        let Some(line) = record::decode(&body[at..at + length]) else { break };
        facts.lines += 1;
        facts.apply(line.record);
        at += length + 1;
    }
    if let Some(why) = not_torn(&body[at..]) {
        return Err(damaged(facts.lines as usize + 1, why));
    }
    facts.intents.retain(Intent::is_whole);
    Ok((facts, (end + 1 + at) as u64))
}

/// Why what is left behind the last good record is not the tail of a write that did not end.
fn not_torn(tail: &[u8]) -> Option<&'static str> {
    let mut hole = false;
    for (n, line) in tail.split_inclusive(|octet| *octet == b'\n').enumerate() {
        let whole = line.strip_suffix(b"\n").and_then(record::decode);
        match whole {
            // The line that ended the reading may only lack its line end.
            Some(_) if n == 0 => return None,
            Some(record) if record.first => return Some("a record is damaged, and later ones are not"),
            Some(_) if !hole => return Some("a record is damaged, and the one behind it is not"),
            Some(_) => {}
            None => hole |= line.contains(&0),
        }
    }
    None
}

impl Facts {
    /// Lets a record count.
    pub(super) fn apply(&mut self, record: Record<'_>) {
        match record {
            Record::Delivered(it) => {
                if let Some(id) = it.intent {
                    self.fulfil(id, &it.uid, it.copy);
                }
                let state = if it.pending { State::Pending } else { State::Kept };
                let (copy, size, time, sha256, line) = (it.copy, it.size, it.time, it.sha256, self.lines);
                let known = Known { copy, size, time, sha256, state, line };
                let entry = self.entries.entry(&it.uid);
                match entry.find(copy, size) {
                    Some(place) => *place = known,
                    None => entry.push(known),
                }
            }
            Record::Pending { uid, copy, size } => self.set(&uid, (copy, size), State::Pending),
            Record::Deleted { uid, copy, size, time } => self.set(&uid, (copy, size), State::Deleted(time)),
            Record::FirstSeen { uid, time } => {
                self.entries.entry(&uid).first_seen.get_or_insert(time);
            }
            Record::Ambiguous { uid } => self.entries.entry(&uid).ambiguous = true,
            Record::Forget { uid } => {
                self.entries.remove(&uid[..]);
            }
            Record::Intent { id, offset, lead, count, path } => {
                self.last_intent = self.last_intent.max(id);
                let done = vec![false; usize::try_from(count).unwrap_or(0).min(1 << 20)];
                let parts = Vec::new();
                self.intents.push(Intent { id, path: path.into_owned(), offset, lead, parts, done });
            }
            Record::Part(part) => {
                if let Some(intent) = self.intents.last_mut() {
                    let (uid, head) = (part.uid.into_owned().into(), part.head.into_owned().into());
                    intent.parts.push(record::Part { uid, head, ..part });
                }
            }
            Record::Cancel { id } => self.intents.retain(|intent| intent.id != id),
            Record::Open { run, destination } => {
                self.last_run = self.last_run.max(run);
                self.runs.push((run, destination.into_owned(), self.lines));
            }
            Record::Closed { run } => self.runs.retain(|open| open.0 != run),
        }
    }

    fn set(&mut self, uid: &[u8], (copy, size): (u32, Option<u64>), state: State) {
        if let Some(known) = self.entries.get_mut(uid).and_then(|entry| entry.find(copy, size)) {
            known.state = state;
        }
    }

    fn fulfil(&mut self, id: u64, uid: &[u8], copy: u32) {
        let Some(at) = self.intents.iter().position(|intent| intent.id == id) else { return };
        let intent = &mut self.intents[at];
        let same = |part: &record::Part| part.uid == uid && part.copy == copy;
        if let Some(part) = intent.parts.iter().position(same)
            && let Some(done) = intent.done.get_mut(part)
        {
            *done = true;
        }
        if intent.done.iter().all(|done| *done) {
            self.intents.remove(at);
        }
    }
}
