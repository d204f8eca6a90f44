//! The lines of a ledger: one record each, with a checksum; reading and writing them.
//!
//! ```text
//! line   = crc ( SP / "+" ) kind *( SP field ) LF
//! crc    = 8 hexadecimal digits: the CRC-32 of all behind it, LF not counted
//! ```
//! A `+` marks the first line of a write. The first write of a run makes sure that everything before it is
//! durable, so damage before a `+` is never a torn write. The module `fields` says how a field is written;
//! the table below says which fields a record has.

use super::fields::{LedgerField, Words};
use crate::store::identity::unhex;
use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Record<'a> {
    /// A message was stored.
    Delivered(Delivery<'a>),
    /// The same, for a message that was stored under an earlier UIDVALIDITY.
    Found(Delivery<'a>),
    /// Like `Found`, but only the headers were compared: before the contents are, nothing may be done on the
    /// server because of it.
    Likely(Delivery<'a>),
    /// A message counts as seen and was never stored. The first format had a delivery without a hash for
    /// this.
    Marked { uid: Cow<'a, [u8]>, copy: u32, size: Option<u64>, time: u64 },
    /// A message had more octets than its listed size: at least so many came, and it was dropped.
    Outgrown { uid: Cow<'a, [u8]>, size: Option<u64>, octets: u64 },
    /// All records before this one are of another account, which lists the same messages.
    TakenOver,
    /// A run saw the whole folder and everything in it is dealt with; these were the folder's numbers.
    Whole { uidvalidity: u64, uidnext: u64, messages: u64, time: u64 },
    /// From here on, UIDs count under this UIDVALIDITY; those before, under another one, mean nothing any
    /// more. Protocols without UIDVALIDITY have no such record.
    Validity { number: u64 },
    /// It was decided to delete the message.
    Pending { uid: Cow<'a, [u8]>, copy: u32, size: Option<u64> },
    /// At this time the server confirmed the deletion, or still listed the message afterwards.
    Deleted { uid: Cow<'a, [u8]>, copy: u32, size: Option<u64>, time: u64 },
    /// From here on the UID means another message, the one with this copy number.
    Reused { uid: Cow<'a, [u8]>, copy: u32 },
    /// A UID was listed for the first time.
    FirstSeen { uid: Cow<'a, [u8]>, time: u64 },
    /// A UID was listed twice at once.
    Ambiguous { uid: Cow<'a, [u8]> },
    /// Everything that is known of a UID is forgotten.
    Forget { uid: Cow<'a, [u8]> },
    /// Messages are about to be appended to an mbox; `count` parts follow.
    Intent { id: u64, offset: u64, lead: u64, count: u64, path: Cow<'a, [u8]> },
    /// One message of the intent before.
    Part(IntentPart<'a>),
    /// The rest of an intent will not be carried out.
    Cancel { id: u64 },
    /// The connection was lost at this message: how often so far.
    Lost { uid: Cow<'a, [u8]>, times: u64, time: u64 },
    /// Messages are about to be copied to another folder of the server.
    Copying {
        id: u64,
        folder: Cow<'a, [u8]>,
        uidvalidity: Option<u64>,
        uidnext: Option<u64>,
        uids: Cow<'a, [u8]>,
    },
    /// The server has made the copy, of these messages.
    Copied { id: u64, uids: Cow<'a, [u8]> },
    /// The copy is finished with.
    CopyOver { id: u64 },
    /// The server was seen to have this trait.
    Trait { word: Cow<'a, [u8]>, time: u64 },
    /// A run is about to store messages at a destination.
    Open { run: u64, destination: Cow<'a, [u8]> },
    /// A run ended with everything recorded.
    Closed { run: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Delivery<'a> {
    pub uid: Cow<'a, [u8]>,
    pub copy: u32,
    pub size: Option<u64>,
    pub time: u64,
    pub sha256: [u8; 32],
    pub pending: bool,
    pub intent: Option<u64>,
    /// The hash of its header; records of older versions have none.
    pub print: Option<u64>,
}

/// A message that is about to be appended to an mbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct IntentPart<'a> {
    pub uid: Cow<'a, [u8]>,
    pub copy: u32,
    /// The size that the server listed.
    pub wire_size: Option<u64>,
    /// The octets of the From_ line, line end included.
    pub from_line: u64,
    /// The octets of the message after it as they will be in the mbox; `None` if not known yet.
    pub body: Option<u64>,
    /// The hash of those octets.
    pub sha256: Option<[u8; 32]>,
    /// The From_ line and the beginning of the message.
    pub head: Cow<'a, [u8]>,
}

/// Writes and reads records by a table: the letter of each, and its fields in order. A field after a `?` is
/// optional.
macro_rules! lines {
    ($($letter:literal $name:ident
        $( ($of:ident { $($part:ident),* $(, ? $last:ident)? }) )?
        $( { $($field:ident),* } )?,
    )*) => {
        impl<'a> Record<'a> {
            /// Writes letter and fields.
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Record::$name $( ($of { $($part),* $(, $last)? }) )? $( { $($field),* } )? => {
                        out.push($letter);
                        $($( out.push(b' '); $part.put(out); )*)?
                        $($( if let Some(last) = $last {
                            out.push(b' ');
                            last.put(out);
                        } )?)?
                        $($( out.push(b' '); $field.put(out); )*)?
                    })*
                }
            }

            /// Reads letter and fields; anything else after them is an error.
            fn read(line: &'a [u8]) -> Option<Self> {
                let mut words = Words(line);
                let &[letter] = words.word()? else { return None };
                let record = match letter {
                    $($letter => Record::$name
                        $( ($of { $($part: words.field()?),* $(, $last: words.last()?)? }) )?
                        $( { $($field: words.field()?),* } )?,
                    )*
                    _ => return None,
                };
                words.0.is_empty().then_some(record)
            }
        }
    };
}

lines! {
    b'd' Delivered(Delivery { uid, copy, size, time, sha256, pending, intent, ?print }),
    b'r' Found(Delivery { uid, copy, size, time, sha256, pending, intent, ?print }),
    b'w' Likely(Delivery { uid, copy, size, time, sha256, pending, intent, ?print }),
    b'm' Marked { uid, copy, size, time },
    b'g' Outgrown { uid, size, octets },
    b't' TakenOver,
    b'v' Validity { number },
    b'n' Whole { uidvalidity, uidnext, messages, time },
    b'p' Pending { uid, copy, size },
    b'x' Deleted { uid, copy, size, time },
    b'u' Reused { uid, copy },
    b's' FirstSeen { uid, time },
    b'a' Ambiguous { uid },
    b'f' Forget { uid },
    b'i' Intent { id, offset, lead, count, path },
    b'j' Part(IntentPart { uid, copy, wire_size, from_line, body, sha256, head }),
    b'c' Cancel { id },
    b'l' Lost { uid, times, time },
    b'k' Copying { id, folder, uidvalidity, uidnext, uids },
    b'h' Copied { id, uids },
    b'e' CopyOver { id },
    b'q' Trait { word, time },
    b'o' Open { run, destination },
    b'z' Closed { run },
}

/// Records for one write.
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
        record.put(&mut self.octets);
        let crc = crc32fast::hash(&self.octets[start + 8..]);
        for (place, digit) in self.octets[start..start + 8].iter_mut().rev().zip(0..) {
            *place = b"0123456789abcdef"[(crc >> (4 * digit)) as usize & 15];
        }
        self.octets.push(b'\n');
        self.lines += 1;
    }
}

/// A line that was read.
pub(super) struct RecordLine<'a> {
    /// Whether it is the first line of a write.
    pub first: bool,
    pub record: Record<'a>,
}

/// Reads one line, without its LF. `None` means that it is damaged.
pub(super) fn decode(line: &[u8]) -> Option<RecordLine<'_>> {
    if !checks(line) {
        return None;
    }
    let words = line.get(9..)?;
    let record = Record::read(words).or_else(|| old_mark(words))?;
    Some(RecordLine { first: line[8] == b'+', record })
}

/// In the first format, a delivery without a hash was a mark.
fn old_mark(line: &[u8]) -> Option<Record<'_>> {
    let mut words = Words(line);
    let (b"d", uid, copy) = (words.word()?, words.field()?, words.field()?) else { return None };
    let (size, time, b"-") = (words.field()?, words.field()?, words.word()?) else { return None };
    let (_, _) = (words.field::<bool>()?, words.field::<Option<u64>>()?);
    words.0.is_empty().then_some(Record::Marked { uid, copy, size, time })
}

/// Whether the checksum of a line is right.
fn checks(line: &[u8]) -> bool {
    let (Some(crc), Some(b' ' | b'+')) = (line.get(..8), line.get(8)) else { return false };
    unhex::<4>(crc).is_some_and(|crc| u32::from_be_bytes(crc) == crc32fast::hash(&line[8..]))
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
            print: Some(u64::MAX),
        };
        let part = IntentPart {
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
            Record::Delivered(Delivery {
                pending: false,
                intent: None,
                size: Some(7),
                print: None,
                ..delivery.clone()
            }),
            Record::Reused { uid: uid(), copy: 3 },
            Record::Found(delivery.clone()),
            Record::Likely(delivery),
            Record::Marked { uid: uid(), copy: 2, size: Some(7), time: 8 },
            Record::Outgrown { uid: uid(), size: None, octets: u64::MAX },
            Record::TakenOver,
            Record::Validity { number: u64::MAX },
            Record::Whole { uidvalidity: u64::MAX, uidnext: 1, messages: 0, time: 7 },
            Record::Pending { uid: uid(), copy: 0, size: Some(1) },
            Record::Deleted { uid: Cow::Borrowed(b""), copy: 0, size: None, time: 5 },
            Record::FirstSeen { uid: Cow::Borrowed(b"-"), time: 5 },
            Record::Ambiguous { uid: Cow::Borrowed(b"%") },
            Record::Forget { uid: Cow::Borrowed(b"%41") },
            Record::Intent { id: 1, offset: 2, lead: 2, count: 3, path: Cow::Borrowed(b"/a b/c") },
            Record::Part(part),
            Record::Cancel { id: 1 },
            Record::Lost { uid: uid(), times: 2, time: 3 },
            Record::Copying { id: 1, folder: uid(), uidvalidity: None, uidnext: Some(2), uids: uid() },
            Record::Copied { id: 1, uids: Cow::Borrowed(b"1:3,7") },
            Record::CopyOver { id: u64::MAX },
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
    fn malformed_fields_are_damage_even_if_the_checksum_is_right() {
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
