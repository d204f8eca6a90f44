//! The lines of a ledger: one record each, with a checksum; reading and writing them.
//!
//! ```text
//! line   = crc ( SP / "+" ) kind *( SP field ) LF
//! crc    = 8 hexadecimal digits: the CRC-32 of all behind it, LF not counted
//! ```
//! A `+` marks the first line of a write. The first write of a run makes sure that what is before it is durable,
//! so damage before a `+` is never a torn write. Fields hold no space: any octets are written as one word
//! of visible ASCII, `%xx` for the others, a lone `%` for nothing; a missing number is `-`.

use crate::store::identity::{nibble, unhex};
use std::borrow::Cow;
use std::io::Write;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Record<'a> {
    /// A message is stored.
    Delivered(Delivery<'a>),
    /// A message counts as seen and was never stored. The first format had a delivery without a hash for it.
    Marked { uid: Cow<'a, [u8]>, copy: u32, size: Option<u64>, time: u64 },
    /// A message listed with this size has more octets than that: so many came, and it was dropped.
    Outgrown { uid: Cow<'a, [u8]>, size: Option<u64>, octets: u64 },
    /// All records before this one are another account's, which lists the same messages.
    TakenOver,
    /// From here on UIDs count under this UIDVALIDITY; those before, under another, name nothing any more. There
    /// is none where a protocol has no such thing.
    Validity { number: u32 },
    /// Its deletion was decided.
    Pending { uid: Cow<'a, [u8]>, copy: u32, size: Option<u64> },
    /// The server confirmed its deletion, or still listed it at that time.
    Deleted { uid: Cow<'a, [u8]>, copy: u32, size: Option<u64>, time: u64 },
    /// A UID was listed for the first time.
    FirstSeen { uid: Cow<'a, [u8]>, time: u64 },
    /// A UID was listed twice at once.
    Ambiguous { uid: Cow<'a, [u8]> },
    /// All that is known of a UID is to be forgotten.
    Forget { uid: Cow<'a, [u8]> },
    /// Messages are about to be appended to an mbox; `count` parts follow.
    Intent { id: u64, offset: u64, lead: u64, count: u64, path: Cow<'a, [u8]> },
    /// One message of the intent before.
    Part(Part<'a>),
    /// What is left of an intent will not happen.
    Cancel { id: u64 },
    /// The line was lost at a message: how often by now.
    Lost { uid: Cow<'a, [u8]>, times: u64, time: u64 },
    /// The server was seen to be so.
    Trait { word: Cow<'a, [u8]>, time: u64 },
    /// A run is about to store something at a destination.
    Open { run: u64, destination: Cow<'a, [u8]> },
    /// A run ended with everything recorded.
    Closed { run: u64 },
}

/// A message that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Delivery<'a> {
    pub uid: Cow<'a, [u8]>,
    pub copy: u32,
    pub size: Option<u64>,
    pub time: u64,
    pub sha256: [u8; 32],
    pub pending: bool,
    pub intent: Option<u64>,
}

/// One message about to be appended to an mbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Part<'a> {
    pub uid: Cow<'a, [u8]>,
    pub copy: u32,
    /// The size the server listed.
    pub wire_size: Option<u64>,
    /// The octets of the From_ line with its line end.
    pub from_line: u64,
    /// The octets of the message behind it as it will stand there; none where it is not known yet.
    pub body: Option<u64>,
    /// The hash of those.
    pub sha256: Option<[u8; 32]>,
    /// How the From_ line and the message begin.
    pub head: Cow<'a, [u8]>,
}

/// Records to be written at once.
#[derive(Debug, Default)]
pub(in crate::store) struct Batch {
    pub octets: Vec<u8>,
    pub lines: u64,
}

impl Batch {
    pub fn push(&mut self, record: &Record) {
        let start = self.octets.len();
        self.octets.extend_from_slice(b"00000000");
        self.octets.push(if self.lines == 0 { b'+' } else { b' ' });
        encode(record, &mut self.octets);
        let crc = crc32fast::hash(&self.octets[start + 8..]);
        for (place, digit) in self.octets[start..start + 8].iter_mut().rev().zip(0..) {
            *place = b"0123456789abcdef"[(crc >> (4 * digit)) as usize & 15];
        }
        self.octets.push(b'\n');
        self.lines += 1;
    }
}

/// What a line is worth.
pub(super) struct RecordLine<'a> {
    /// Whether it was the first of a write.
    pub first: bool,
    pub record: Record<'a>,
}

/// Reads one line, without its LF. None means damage.
pub(super) fn decode(line: &[u8]) -> Option<RecordLine<'_>> {
    if !checks(line) {
        return None;
    }
    let mut fields = RecordFields { rest: line.get(9..)? };
    let record = match fields.word()? {
        b"d" => delivered(&mut fields)?,
        b"m" => {
            let (uid, copy, size) = fields.message()?;
            Record::Marked { uid, copy, size, time: fields.number()? }
        }
        b"g" => {
            Record::Outgrown { uid: fields.octets()?, size: fields.optional()?, octets: fields.number()? }
        }
        b"t" => Record::TakenOver,
        b"v" => Record::Validity { number: fields.number()?.try_into().ok()? },
        b"p" => {
            let (uid, copy, size) = fields.message()?;
            Record::Pending { uid, copy, size }
        }
        b"x" => {
            let (uid, copy, size) = fields.message()?;
            Record::Deleted { uid, copy, size, time: fields.number()? }
        }
        b"s" => Record::FirstSeen { uid: fields.octets()?, time: fields.number()? },
        b"a" => Record::Ambiguous { uid: fields.octets()? },
        b"f" => Record::Forget { uid: fields.octets()? },
        b"i" => Record::Intent {
            id: fields.number()?,
            offset: fields.number()?,
            lead: fields.number()?,
            count: fields.number()?,
            path: fields.octets()?,
        },
        b"j" => Record::Part(Part {
            uid: fields.octets()?,
            copy: fields.number()?.try_into().ok()?,
            wire_size: fields.optional()?,
            from_line: fields.number()?,
            body: fields.optional()?,
            sha256: fields.hash()?,
            head: fields.octets()?,
        }),
        b"c" => Record::Cancel { id: fields.number()? },
        b"l" => Record::Lost { uid: fields.octets()?, times: fields.number()?, time: fields.number()? },
        b"q" => Record::Trait { word: fields.octets()?, time: fields.number()? },
        b"o" => Record::Open { run: fields.number()?, destination: fields.octets()? },
        b"z" => Record::Closed { run: fields.number()? },
        _ => return None,
    };
    fields.rest.is_empty().then_some(RecordLine { first: line[8] == b'+', record })
}

/// The fields of a message that is stored. Without a hash it never was: the first format marked what was
/// only seen so.
fn delivered<'a>(fields: &mut RecordFields<'a>) -> Option<Record<'a>> {
    let (uid, copy, size) = fields.message()?;
    let (time, sha256) = (fields.number()?, fields.hash()?);
    let pending = match fields.word()? {
        b"k" => false,
        b"p" => true,
        _ => return None,
    };
    let intent = fields.optional()?;
    Some(match sha256 {
        Some(sha256) => Record::Delivered(Delivery { uid, copy, size, time, sha256, pending, intent }),
        None => Record::Marked { uid, copy, size, time },
    })
}

/// Whether the checksum of a line holds.
fn checks(line: &[u8]) -> bool {
    let (Some(crc), Some(b' ' | b'+')) = (line.get(..8), line.get(8)) else { return false };
    unhex::<4>(crc).is_some_and(|crc| u32::from_be_bytes(crc) == crc32fast::hash(&line[8..]))
}

struct RecordFields<'a> {
    rest: &'a [u8],
}

impl<'a> RecordFields<'a> {
    fn word(&mut self) -> Option<&'a [u8]> {
        // Fields are short: a plain loop beats a call.
        let end = self.rest.iter().position(|octet| *octet == b' ').unwrap_or(self.rest.len());
        let word = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        (!word.is_empty()).then_some(word)
    }

    fn number(&mut self) -> Option<u64> {
        number(self.word()?)
    }

    fn optional(&mut self) -> Option<Option<u64>> {
        match self.word()? {
            b"-" => Some(None),
            word => number(word).map(Some),
        }
    }

    fn hash(&mut self) -> Option<Option<[u8; 32]>> {
        match self.word()? {
            b"-" => Some(None),
            word => unhex(word).map(Some),
        }
    }

    fn octets(&mut self) -> Option<Cow<'a, [u8]>> {
        unescape(self.word()?)
    }

    fn message(&mut self) -> Option<(Cow<'a, [u8]>, u32, Option<u64>)> {
        Some((self.octets()?, self.number()?.try_into().ok()?, self.optional()?))
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |sum, digit| match digit {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

fn encode(record: &Record, out: &mut Vec<u8>) {
    match record {
        Record::Delivered(it) => {
            message(out, b'd', &it.uid, it.copy, it.size);
            put(out, it.time);
            hash(out, Some(&it.sha256));
            out.extend_from_slice(if it.pending { b" p" } else { b" k" });
            optional(out, it.intent);
        }
        Record::Marked { uid, copy, size, time } => {
            message(out, b'm', uid, *copy, *size);
            put(out, *time);
        }
        Record::Outgrown { uid, size, octets } => {
            named(out, b'g', uid);
            optional(out, *size);
            put(out, *octets);
        }
        Record::TakenOver => out.push(b't'),
        Record::Validity { number } => {
            out.push(b'v');
            put(out, u64::from(*number));
        }
        Record::Pending { uid, copy, size } => message(out, b'p', uid, *copy, *size),
        Record::Deleted { uid, copy, size, time } => {
            message(out, b'x', uid, *copy, *size);
            put(out, *time);
        }
        Record::FirstSeen { uid, time } => {
            named(out, b's', uid);
            put(out, *time);
        }
        Record::Ambiguous { uid } => named(out, b'a', uid),
        Record::Forget { uid } => named(out, b'f', uid),
        Record::Intent { id, offset, lead, count, path } => {
            out.push(b'i');
            for value in [id, offset, lead, count] {
                put(out, *value);
            }
            escape(path, out);
        }
        Record::Part(it) => {
            named(out, b'j', &it.uid);
            put(out, u64::from(it.copy));
            optional(out, it.wire_size);
            put(out, it.from_line);
            optional(out, it.body);
            hash(out, it.sha256.as_ref());
            escape(&it.head, out);
        }
        Record::Cancel { id } => {
            out.push(b'c');
            put(out, *id);
        }
        Record::Lost { uid, times, time } => {
            named(out, b'l', uid);
            put(out, *times);
            put(out, *time);
        }
        Record::Trait { word, time } => {
            named(out, b'q', word);
            put(out, *time);
        }
        Record::Open { run, destination } => {
            out.push(b'o');
            put(out, *run);
            escape(destination, out);
        }
        Record::Closed { run } => {
            out.push(b'z');
            put(out, *run);
        }
    }
}

fn named(out: &mut Vec<u8>, kind: u8, uid: &[u8]) {
    out.push(kind);
    escape(uid, out);
}

fn message(out: &mut Vec<u8>, kind: u8, uid: &[u8], copy: u32, size: Option<u64>) {
    named(out, kind, uid);
    put(out, u64::from(copy));
    optional(out, size);
}

fn put(out: &mut Vec<u8>, value: u64) {
    // Writing to memory cannot fail.
    let _ = write!(out, " {value}");
}

fn optional(out: &mut Vec<u8>, value: Option<u64>) {
    match value {
        Some(value) => put(out, value),
        None => out.extend_from_slice(b" -"),
    }
}

fn hash(out: &mut Vec<u8>, value: Option<&[u8; 32]>) {
    match value {
        Some(value) => {
            out.push(b' ');
            out.extend_from_slice(crate::store::identity::hex(value).as_bytes());
        }
        None => out.extend_from_slice(b" -"),
    }
}

fn escape(octets: &[u8], out: &mut Vec<u8>) {
    out.push(b' ');
    if octets.is_empty() {
        out.push(b'%');
    }
    for &octet in octets {
        if octet.is_ascii_graphic() && octet != b'%' {
            out.push(octet);
        } else {
            out.push(b'%');
            out.extend_from_slice(crate::store::identity::hex(&[octet]).as_bytes());
        }
    }
}

fn unescape(word: &[u8]) -> Option<Cow<'_, [u8]>> {
    if word == b"%" {
        return Some(Cow::Borrowed(b""));
    }
    if !word.contains(&b'%') {
        return Some(Cow::Borrowed(word));
    }
    let mut out = Vec::with_capacity(word.len());
    let mut octets = word.iter();
    while let Some(&octet) = octets.next() {
        out.push(match octet {
            b'%' => nibble(*octets.next()?)? << 4 | nibble(*octets.next()?)?,
            other => other,
        });
    }
    Some(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Record<'static>> {
        let uid = || Cow::Owned((0..=255).collect::<Vec<u8>>());
        let delivery = Delivery {
            uid: uid(),
            copy: 3,
            size: None,
            time: u64::MAX,
            sha256: [0xa5; 32],
            pending: true,
            intent: Some(9),
        };
        let part = Part {
            uid: uid(),
            copy: 1,
            wire_size: Some(0),
            from_line: 40,
            body: None,
            sha256: None,
            head: Cow::Borrowed(b"From a b\nX: %\n"),
        };
        vec![
            Record::Delivered(delivery.clone()),
            Record::Delivered(Delivery { pending: false, intent: None, size: Some(7), ..delivery }),
            Record::Marked { uid: uid(), copy: 2, size: Some(7), time: 8 },
            Record::Outgrown { uid: uid(), size: None, octets: u64::MAX },
            Record::TakenOver,
            Record::Validity { number: u32::MAX },
            Record::Pending { uid: uid(), copy: 0, size: Some(1) },
            Record::Deleted { uid: Cow::Borrowed(b""), copy: 0, size: None, time: 5 },
            Record::FirstSeen { uid: Cow::Borrowed(b"-"), time: 5 },
            Record::Ambiguous { uid: Cow::Borrowed(b"%") },
            Record::Forget { uid: Cow::Borrowed(b"%41") },
            Record::Intent { id: 1, offset: 2, lead: 2, count: 3, path: Cow::Borrowed(b"/a b/c") },
            Record::Part(part),
            Record::Cancel { id: 1 },
            Record::Lost { uid: uid(), times: 2, time: 3 },
            Record::Trait { word: Cow::Borrowed(b"bare-lines"), time: 3 },
            Record::Open { run: 1, destination: Cow::Borrowed(b"-") },
            Record::Closed { run: 1 },
        ]
    }

    #[test]
    fn every_record_is_one_line_of_ascii_and_is_read_back() {
        let mut batch = Batch::default();
        for record in all() {
            batch.push(&record);
        }
        assert_eq!(batch.lines, all().len() as u64);
        assert!(batch.octets.iter().all(|octet| octet.is_ascii_graphic() || b" \n".contains(octet)));
        let lines: Vec<_> = batch
            .octets
            .split_inclusive(|octet| *octet == b'\n')
            .map(|l| decode(&l[..l.len() - 1]).unwrap())
            .collect();
        assert!(lines[0].first && lines[1..].iter().all(|line| !line.first));
        assert_eq!(lines.into_iter().map(|line| line.record).collect::<Vec<_>>(), all());
    }

    #[test]
    fn a_delivery_without_a_hash_is_read_as_a_mark() {
        for state in ["k", "p"] {
            let body = format!("+d uid 0 7 5 - {state} -");
            let line = format!("{:08x}{body}", crc32fast::hash(body.as_bytes()));
            let record = decode(line.as_bytes()).unwrap().record;
            assert_eq!(
                record,
                Record::Marked { uid: Cow::Borrowed(b"uid"), copy: 0, size: Some(7), time: 5 }
            );
        }
    }

    #[test]
    fn no_prefix_and_no_flipped_bit_of_a_line_is_a_record() {
        for record in all() {
            let mut batch = Batch::default();
            batch.push(&record);
            let line = &batch.octets[..batch.octets.len() - 1];
            for end in 0..line.len() {
                assert!(decode(&line[..end]).is_none());
            }
            for at in 0..line.len() {
                let mut damaged = line.to_vec();
                damaged[at] ^= 1 << (at % 8);
                assert!(decode(&damaged).is_none(), "octet {at} of {record:?}");
            }
        }
    }

    #[test]
    fn fields_that_make_no_sense_are_damage_even_under_a_right_checksum() {
        for text in [
            "d a 0 - 0 - q -",
            "d a 4294967296 - 0 - k -",
            "z",
            "l a 1",
            "l a -1 2",
            "q a",
            "z 1 2",
            "z -1",
            "z 1x",
            "q 1",
            "a %4",
            "a %zz",
            "z 18446744073709551616",
            "d a 0 - 0 abcd k -",
            "m a 0 -",
            "m a 0 - 0 k",
            "g a 1",
            "t 1",
            "",
        ] {
            let body = format!(" {text}");
            let line = format!("{:08x}{body}", crc32fast::hash(body.as_bytes()));
            assert!(decode(line.as_bytes()).is_none(), "{text}");
        }
    }
}
