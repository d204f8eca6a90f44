//! Reading a ledger: from octets to facts.
//!
//! Reading ends at the first line that is no record. That line and all after it are a torn end, which is cut
//! off, unless something there proves otherwise: a first line of a later write (no write begins before
//! everything before it is synced), or any other record after damage that no torn write makes (a hole that a
//! power cut leaves reads as NUL).

use super::intent::Intent;
use super::record;
use super::totals::{LINE, Totals};
use crate::store::error::StoreError;
use crate::store::identity::AccountKey;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

/// How the first line of every ledger begins; the format's version and the account follow.
const MAGIC: &[u8] = b"postie-ledger ";
/// The version of the format, and the previous one, which had fewer kinds of records.
const VERSION: &[u8] = b"2";
const OLD_VERSION: &[u8] = b"1";
/// The offset of the version in a ledger, and the version that the first write puts there.
pub(super) const UPGRADE: (u64, &[u8]) = (MAGIC.len() as u64, VERSION);

/// The first line of the ledger of `account`. `names` is the account that gives the messages their
/// identities; it is another one if a ledger was taken over.
pub(super) fn header(account: &AccountKey, names: &AccountKey) -> Vec<u8> {
    let mut line = [MAGIC, VERSION, b" ", account.as_str().as_bytes()].concat();
    if names != account {
        line.push(b' ');
        line.extend_from_slice(names.as_str().as_bytes());
    }
    line.push(b'\n');
    line
}

/// The account that a ledger belongs to; `None` if the beginning is not that of a ledger.
pub(super) fn owner(beginning: &[u8]) -> Option<AccountKey> {
    let line = beginning.split(|octet| *octet == b'\n').next()?;
    let mut words = line.strip_prefix(MAGIC)?.split(|octet| *octet == b' ').skip(1);
    AccountKey::read(words.next()?)
}

/// A ledger that was read.
#[derive(Debug)]
pub(super) struct Loaded {
    pub facts: Totals,
    /// How many octets of the file the facts cover.
    pub covered: u64,
    /// The size of the file, in octets.
    pub total: u64,
    /// Whether it is of the previous version.
    pub old: bool,
    /// The account that gives its messages their identities.
    pub names: AccountKey,
    /// The length of the first line.
    pub header: u64,
}

/// Reads a whole ledger, one piece at a time, so that it is never all in memory. `size` is the size of the
/// file; it says how much room to make.
pub(super) fn load(
    path: &Path,
    input: impl Read,
    size: u64,
    account: &AccountKey,
) -> Result<Loaded, StoreError> {
    let damaged = |line, why| StoreError::Damaged { path: path.to_owned(), line, why };
    let failed = |error| StoreError::io(path, "read", error);
    let mut lines = FileLines::new(input);
    let end = lines.length().map_err(failed)?.ok_or_else(|| damaged(1, "the first line is not whole"))?;
    let (old, names) = header_fits(path, lines.line(end), account)?;
    lines.take(end);
    let header = lines.taken;
    let mut facts = Totals { lines: 1, ..Totals::default() };
    let expected = usize::try_from(size).unwrap_or(0).min(MOST_EXPECTED) / LINE;
    facts.entries.reserve(expected, expected * UID);
    while let Some(length) = lines.length().map_err(failed)? {
        let Some(line) = record::decode(lines.line(length)) else { break };
        facts.lines += 1;
        facts.at = lines.taken;
        facts.apply(line.record);
        lines.take(length);
    }
    let covered = lines.taken;
    let tail = lines.rest().map_err(failed)?;
    if let Some(why) = not_torn(&tail) {
        return Err(damaged(facts.lines as usize + 1, why));
    }
    facts.intents.retain(Intent::is_whole);
    facts.entries.settle();
    Ok(Loaded { facts, covered, total: covered + tail.len() as u64, old, names, header })
}

/// Reads the first line: format, version, owner, and the account that gives the identities. Returns whether
/// it is of the previous version.
fn header_fits(path: &Path, line: &[u8], account: &AccountKey) -> Result<(bool, AccountKey), StoreError> {
    let damaged = |why| StoreError::Damaged { path: path.to_owned(), line: 1, why };
    let first = line.strip_prefix(MAGIC).ok_or_else(|| damaged("not a ledger"))?;
    let (version, owner) = first.split_at(memchr::memchr(b' ', first).unwrap_or(first.len()));
    let old = version == OLD_VERSION;
    if !old && version != VERSION {
        let number = !version.is_empty() && version.len() < 10 && version.iter().all(u8::is_ascii_digit);
        return Err(match number && version != b"0" {
            true => StoreError::TooNew {
                path: path.to_owned(),
                version: String::from_utf8_lossy(version).into_owned(),
            },
            false => damaged("its version makes no sense"),
        });
    }
    let mut words = owner.strip_prefix(b" ").unwrap_or_default().split(|octet| *octet == b' ');
    if words.next() != Some(account.as_str().as_bytes()) {
        return Err(damaged("it belongs to another account"));
    }
    let names = match words.next() {
        Some(names) => {
            AccountKey::read(names).ok_or_else(|| damaged("it does not say who names its messages"))?
        }
        None => account.clone(),
    };
    match words.next() {
        None => Ok((old, names)),
        Some(_) => Err(damaged("its first line has too many words")),
    }
}

/// How many octets are read at once.
const PIECE: usize = 128 * 1024;
/// The usual length of a UID.
const UID: usize = 24;
/// Room is made in advance for a file of at most this size; if it is larger, the tables grow by themselves.
const MOST_EXPECTED: usize = 256 * 1024 * 1024;

/// The lines of a file that is being read.
struct FileLines<R> {
    input: R,
    octets: Vec<u8>,
    /// The part of `octets` that is read and not yet taken.
    ahead: Range<usize>,
    /// How many octets were taken.
    taken: u64,
}

impl<R: Read> FileLines<R> {
    fn new(input: R) -> Self {
        FileLines { input, octets: vec![0; PIECE], ahead: 0..0, taken: 0 }
    }

    /// The length of the next line without its LF; `None` if there is no LF any more.
    fn length(&mut self) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let unsearched = &self.octets[self.ahead.start + searched..self.ahead.end];
            if let Some(feed) = memchr::memchr(b'\n', unsearched) {
                return Ok(Some(searched + feed));
            }
            searched = self.ahead.len();
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        self.octets.copy_within(self.ahead.clone(), 0);
        self.ahead = 0..self.ahead.len();
        if self.ahead.end == self.octets.len() {
            self.octets.resize(2 * self.ahead.end, 0);
        }
        loop {
            match self.input.read(&mut self.octets[self.ahead.end..]) {
                Ok(got) => {
                    self.ahead.end += got;
                    return Ok(got);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn line(&self, length: usize) -> &[u8] {
        &self.octets[self.ahead.start..self.ahead.start + length]
    }

    fn take(&mut self, length: usize) {
        self.ahead.start += length + 1;
        self.taken += length as u64 + 1;
    }

    /// Everything that was not taken.
    fn rest(mut self) -> io::Result<Vec<u8>> {
        let mut rest = self.octets[self.ahead].to_vec();
        self.input.read_to_end(&mut rest)?;
        Ok(rest)
    }
}

/// Why the part after the last valid record cannot be the end of a torn write.
fn not_torn(tail: &[u8]) -> Option<&'static str> {
    let mut hole = false;
    for (n, line) in tail.split_inclusive(|octet| *octet == b'\n').enumerate() {
        let whole = line.strip_suffix(b"\n").and_then(record::decode);
        match whole {
            // The line at which reading ended may only lack its line end.
            Some(_) if n == 0 => return None,
            Some(record) if record.first => return Some("a record is damaged, and later ones are not"),
            Some(_) if !hole => return Some("a record is damaged, and the one behind it is not"),
            Some(_) => {}
            None => hole |= line.contains(&0),
        }
    }
    None
}
