//! Settles what a killed run left in an mbox, with the help of the intents in the ledger.
//!
//! At the offset of an intent there may be, in this order: whole messages of ours, a torn one of ours, mail
//! of another program; any of them may be missing. Rules:
//! - A message counts as stored if its length, its hash and its blank line are right. It is recorded.
//! - Anything that does not begin as the intent says is another program's. Nothing of it is touched.
//! - A torn piece that reaches to the end of the mbox is cut off.
//! - A torn piece may be followed by another program's From_ line, at the start of a line or in the middle of
//!   our last one. Cutting out the piece would mean moving that program's octets, which a crash could lose.
//!   So the piece is overwritten with line ends: no half message stays, the other mail can be read (after a
//!   half line it could not), and the message before gets blank lines at its end. The beginning of the piece
//!   is overwritten last, so that the next run can settle it again if this one is killed. A piece larger than
//!   [`BLANK_LIMIT`] stays, and is reported: so many blank lines would do more harm than a half message.
//! - NUL octets, which a power cut leaves where something was not yet written, count as ours.

use super::lock::{self, Locks, lock};
use super::{Mbox, Own};
use crate::store::delivered::{Delivered, Place};
use crate::store::durable;
use crate::store::error::StoreError;
use crate::store::ledger::record::IntentPart;
use crate::store::ledger::{Afterwards, Intent, Ledger};
use crate::store::mboxrd::foreign;
use crate::store::print::HeaderPrint;
use crate::store::sink::Recovery;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The largest torn piece that is overwritten with line ends.
const BLANK_LIMIT: u64 = 1024 * 1024;
/// How much is read at once.
const BLOCK: usize = 256 * 1024;
/// How much the blocks that are searched overlap: longer than a From_ line.
const OVERLAP: usize = 2048;

/// What was found at the offset of an intent.
#[derive(Debug, Default)]
struct Finding {
    /// The parts that are stored and not recorded: index and offset.
    whole: Vec<(usize, u64)>,
    torn: Torn,
}

/// What follows the whole messages.
#[derive(Debug, Default, PartialEq, Eq)]
enum Torn {
    /// Nothing of ours.
    #[default]
    Nothing,
    /// A torn piece from this offset to the end of the mbox.
    Last(u64),
    /// A torn piece from the first offset to the second, with something of another program after it. The
    /// third number is the length of the sample at its beginning.
    Before(u64, u64, u64),
    /// Something from this offset on that may be ours or not.
    Unclear(u64),
}

impl Mbox {
    /// Settles all intents in the ledger for this mbox.
    pub(super) fn settle(&mut self, ledger: &mut Ledger) -> Result<Recovery, StoreError> {
        let mut recovery = Recovery::default();
        let intents = ledger.intents_for(self.key());
        if intents.is_empty() {
            lock::tidy(&self.path);
            return Ok(recovery);
        }
        let locks = lock(&self.path, &self.waits)?;
        for intent in intents {
            let failed = |error| StoreError::io(&self.path, "settle what a killed run left", error);
            let finding = examine(&locks.file, &intent).map_err(failed)?;
            self.mend(&locks, &finding.torn, &mut recovery).map_err(failed)?;
            durable::sync_data(&locks.file).map_err(failed)?;
            recovery.accepted += finding.whole.len();
            let mut stored = Vec::with_capacity(finding.whole.len());
            for one in finding.whole {
                let part = self.stored_part(&locks.file, ledger, &intent, one).map_err(failed)?;
                stored.extend(part);
            }
            if !stored.is_empty() {
                ledger.stored(stored.len());
                ledger.record(stored, Afterwards::Keep)?;
            }
            ledger.cancel(intent.id)?;
        }
        Ok(recovery)
    }

    fn stored_part(
        &self,
        file: &File,
        ledger: &Ledger,
        intent: &Intent,
        (n, offset): (usize, u64),
    ) -> io::Result<Option<Delivered>> {
        let Some((part, body)) = intent.parts.get(n).and_then(|part| Some((part, part.body?))) else {
            return Ok(None);
        };
        let start = offset + part.from_line;
        let (mut own, mut print) = (Own::default(), HeaderPrint::default());
        blocks(file, (start, start + body), &mut |block| {
            print.push(block);
            own.push(block);
        })?;
        let (size, sha256) = own.finish();
        Ok(Some(Delivered {
            details: None,
            identity: ledger.identity(&part.uid, part.copy),
            tag: 0,
            wire_size: part.wire_size,
            place: Place::Mbox { path: self.path.clone(), offset },
            size,
            sha256,
            intent: Some(intent.id),
            print: print.finish(),
            is_old: false,
        }))
    }

    fn mend(&self, locks: &Locks, torn: &Torn, recovery: &mut Recovery) -> io::Result<()> {
        let file = &locks.file;
        match *torn {
            Torn::Nothing => {}
            Torn::Last(from) => {
                recovery.removed += file.metadata()?.len().saturating_sub(from);
                file.set_len(from)?;
            }
            Torn::Before(from, to, head) if to - from <= BLANK_LIMIT => {
                let head = (from + head).min(to);
                file.write_all_at(&vec![b'\n'; (to - head) as usize], head)?;
                durable::sync_data(file)?;
                file.write_all_at(&vec![b'\n'; (head - from) as usize], from)?;
                recovery.removed += to - from;
            }
            Torn::Before(from, ..) | Torn::Unclear(from) => recovery.left.push((self.path.clone(), from)),
        }
        Ok(())
    }
}

/// Reads what is at the offset of an intent; changes nothing.
fn examine(file: &File, intent: &Intent) -> io::Result<Finding> {
    let len = file.metadata()?.len();
    let mut finding = Finding::default();
    let (offset, mut at) = (intent.offset, intent.offset + intent.lead);
    if len <= offset {
        return Ok(finding);
    }
    let lead = read_at(file, offset, (at.min(len) - offset) as usize)?;
    if lead.iter().any(|octet| !b"\n\0".contains(octet)) {
        return Ok(finding);
    }
    // Where the last message of the intent ends, if that is known.
    let end = intent.parts.iter().try_fold(at, |end, part| Some(end + part.from_line + part.body? + 1));
    for (n, part) in intent.parts.iter().enumerate() {
        // The line ends before the first message belong to it.
        let from = if n == 0 { offset } else { at };
        if len <= at {
            finding.torn = if len > from { Torn::Last(from) } else { Torn::Nothing };
            break;
        }
        if !begins(file, at, &part.head)? {
            finding.torn = glued(file, at, &part.head)?;
            break;
        }
        match whole(file, at, len, part)? {
            Some(next) => {
                if !intent.done.get(n).is_some_and(|done| *done) {
                    finding.whole.push((n, at));
                }
                at = next;
            }
            None => {
                finding.torn = torn(file, (from, at), (len, end), part)?;
                break;
            }
        }
    }
    Ok(finding)
}

/// Whether the octets at `at` are those of `head`, as far as there are any; NUL counts as equal.
fn begins(file: &File, at: u64, head: &[u8]) -> io::Result<bool> {
    let there = read_at(file, at, head.len())?;
    Ok(there.iter().zip(head).all(|(octet, expected)| octet == expected || *octet == 0))
}

/// Whether only the first octets of our message are there, with another program's mail directly after them.
fn glued(file: &File, at: u64, head: &[u8]) -> io::Result<Torn> {
    let there = read_at(file, at, head.len() + OVERLAP)?;
    let ours = there.iter().zip(head).take_while(|(octet, expected)| octet == expected).count();
    // The other program may have put line ends before its own From_ line.
    let behind = |place: &usize| there[ours.min(*place)..*place].iter().all(|octet| *octet == b'\n');
    Ok(match foreign(&there, 1).filter(|place| ours > 0 && behind(place)) {
        Some(place) => Torn::Before(at, at + place as u64, head.len() as u64),
        None => Torn::Nothing,
    })
}

/// Where the message at `at` ends, if it is whole.
fn whole(file: &File, at: u64, len: u64, part: &IntentPart) -> io::Result<Option<u64>> {
    let (Some(body), Some(sha256)) = (part.body, part.sha256) else { return Ok(None) };
    let start = at + part.from_line;
    let end = start + body;
    if end >= len || read_at(file, end, 1)? != b"\n" {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    if !blocks(file, (start, end), &mut |block| hash.update(block))? {
        return Ok(None);
    }
    // The comparison with the sample covered the From_ line, except for NUL octets.
    let from_line = read_at(file, at, part.from_line as usize)?;
    let right = part.head.starts_with(&from_line) && <[u8; 32]>::from(hash.finalize()) == sha256;
    Ok(right.then_some(end + 1))
}

/// Calls `take` with the octets between two offsets, block by block; returns `false` if the file ends before.
fn blocks(file: &File, (mut place, end): (u64, u64), take: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
    while place < end {
        let block = read_at(file, place, (end - place).min(BLOCK as u64) as usize)?;
        if block.is_empty() {
            return Ok(false);
        }
        take(&block);
        place += block.len() as u64;
    }
    Ok(true)
}

/// What follows the torn piece at `at`.
fn torn(
    file: &File,
    (from, at): (u64, u64),
    (len, end): (u64, Option<u64>),
    part: &IntentPart,
) -> io::Result<Torn> {
    let head = part.head.len() as u64;
    Ok(match search(file, at, at + part.from_line.min(len - at), len)? {
        Some(place) => Torn::Before(at, place, head),
        None if end.is_none_or(|end| len <= end) => Torn::Last(from),
        None => Torn::Unclear(at),
    })
}

/// The first offset from `start` on where another program's From_ line may begin.
fn search(file: &File, at: u64, start: u64, len: u64) -> io::Result<Option<u64>> {
    let mut place = start;
    while place < len {
        // One octet more at the front, to see whether a line begins there.
        let base = place.saturating_sub(1).max(at);
        let block = read_at(file, base, BLOCK + OVERLAP)?;
        let last = base + block.len() as u64 >= len;
        match foreign(&block, (place - base) as usize) {
            Some(found) if last || found < BLOCK => return Ok(Some(base + found as u64)),
            _ if last => return Ok(None),
            _ => place = base + BLOCK as u64,
        }
    }
    Ok(None)
}

/// Up to `count` octets at `at`; fewer at the end of the file.
fn read_at(file: &File, at: u64, count: usize) -> io::Result<Vec<u8>> {
    let (mut octets, mut filled) = (vec![0; count], 0);
    while filled < count {
        match file.read_at(&mut octets[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    octets.truncate(filled);
    Ok(octets)
}
