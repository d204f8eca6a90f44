//! Reading a ledger: from octets to facts.
//!
//! A line that is no record ends the reading. It is a torn tail, to be cut off, unless what is behind it
//! proves otherwise: a first line of a later write (which began only after all before it was synced), or
//! any other record behind damage that no torn write makes (a hole left by a power cut reads as NUL).

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
/// The format's version, and the one before: it had fewer kinds of records.
const VERSION: &[u8] = b"2";
const OLD_VERSION: &[u8] = b"1";
/// Where in a ledger its version stands, and the version it gets at the first write.
pub(super) const UPGRADE: (u64, &[u8]) = (MAGIC.len() as u64, VERSION);

/// The first line of the ledger of `account`. `names`: the account whose messages have those identities; it
/// is another one where a ledger was taken over.
pub(super) fn header(account: &AccountKey, names: &AccountKey) -> Vec<u8> {
    let mut line = [MAGIC, VERSION, b" ", account.as_str().as_bytes()].concat();
    if names != account {
        line.push(b' ');
        line.extend_from_slice(names.as_str().as_bytes());
    }
    line.push(b'\n');
    line
}

/// The account that a ledger belongs to, if its beginning is one's.
pub(super) fn owner(beginning: &[u8]) -> Option<AccountKey> {
    let line = beginning.split(|octet| *octet == b'\n').next()?;
    let mut words = line.strip_prefix(MAGIC)?.split(|octet| *octet == b' ').skip(1);
    AccountKey::read(words.next()?)
}

/// What was read of a ledger.
#[derive(Debug)]
pub(super) struct Loaded {
    pub facts: Totals,
    /// How many octets of the file the facts cover.
    pub covered: u64,
    /// How many octets the file has.
    pub total: u64,
    /// Whether it is of the version before.
    pub old: bool,
    /// The account that gives its messages their identities.
    pub names: AccountKey,
    /// The octets of the first line.
    pub header: u64,
}

/// Reads a whole ledger, a piece at a time: what is not kept is never all in memory. `size`: the size of
/// the file, to make room by.
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

/// Reads the first line: format, version, owner, and who names the messages. Says whether it is of the version
/// before.
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
/// About how long a UID is.
const UID: usize = 24;
/// Room is made for at most this size; what is larger makes its own.
const MOST_EXPECTED: usize = 256 * 1024 * 1024;

/// The lines of a file, as they are read.
struct FileLines<R> {
    input: R,
    octets: Vec<u8>,
    /// What of `octets` is read and not taken.
    ahead: Range<usize>,
    /// How many octets were taken.
    taken: u64,
}

impl<R: Read> FileLines<R> {
    fn new(input: R) -> Self {
        FileLines { input, octets: vec![0; PIECE], ahead: 0..0, taken: 0 }
    }

    /// The length of the next line without its LF; none where no LF comes any more.
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

    /// All that was not taken.
    fn rest(mut self) -> io::Result<Vec<u8>> {
        let mut rest = self.octets[self.ahead].to_vec();
        self.input.read_to_end(&mut rest)?;
        Ok(rest)
    }
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
