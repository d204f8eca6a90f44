//! The fields of a ledger's lines: how a value is written as one word, and read.
//!
//! A word has no spaces. Octets are written as visible ASCII, with `%xx` for all others; an empty value is a
//! lone `%`, a missing one is `-`.

use crate::store::identity::{hex, nibble, unhex};
use std::borrow::Cow;
use std::io::Write;

/// The part of a line that is not read yet.
pub(super) struct Words<'a>(pub &'a [u8]);

impl<'a> Words<'a> {
    /// The next word; `None` if it is empty.
    pub fn word(&mut self) -> Option<&'a [u8]> {
        // Fields are short: a plain loop is faster than a call.
        let end = self.0.iter().position(|octet| *octet == b' ').unwrap_or(self.0.len());
        let word = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        (!word.is_empty()).then_some(word)
    }

    /// The value of the next word.
    pub fn field<T: LedgerField<'a>>(&mut self) -> Option<T> {
        T::read(self.word()?)
    }

    /// The value of the last word, which is optional.
    pub fn last<T: LedgerField<'a>>(&mut self) -> Option<Option<T>> {
        match self.0 {
            [] => Some(None),
            _ => self.field().map(Some),
        }
    }
}

/// A value that is written as one word.
pub(super) trait LedgerField<'a>: Sized {
    /// Reads it; `None` if the word is malformed.
    fn read(word: &'a [u8]) -> Option<Self>;
    fn put(&self, out: &mut Vec<u8>);
}

impl LedgerField<'_> for u64 {
    fn read(word: &[u8]) -> Option<Self> {
        word.iter().try_fold(0u64, |sum, digit| match digit {
            b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
            _ => None,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        // Writing to memory cannot fail.
        let _ = write!(out, "{self}");
    }
}

impl LedgerField<'_> for u32 {
    fn read(word: &[u8]) -> Option<Self> {
        u64::read(word)?.try_into().ok()
    }

    fn put(&self, out: &mut Vec<u8>) {
        u64::from(*self).put(out);
    }
}

/// Whether the message is to be deleted: `p` for pending, `k` for kept.
impl LedgerField<'_> for bool {
    fn read(word: &[u8]) -> Option<Self> {
        match word {
            b"k" => Some(false),
            b"p" => Some(true),
            _ => None,
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.push(if *self { b'p' } else { b'k' });
    }
}

impl LedgerField<'_> for [u8; 32] {
    fn read(word: &[u8]) -> Option<Self> {
        unhex(word)
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(hex(self).as_bytes());
    }
}

impl<'a, T: LedgerField<'a>> LedgerField<'a> for Option<T> {
    fn read(word: &'a [u8]) -> Option<Self> {
        match word {
            b"-" => Some(None),
            word => T::read(word).map(Some),
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.put(out),
            None => out.push(b'-'),
        }
    }
}

impl<'a> LedgerField<'a> for Cow<'a, [u8]> {
    fn read(word: &'a [u8]) -> Option<Self> {
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

    fn put(&self, out: &mut Vec<u8>) {
        if self.is_empty() {
            out.push(b'%');
        }
        for &octet in self.iter() {
            if octet.is_ascii_graphic() && octet != b'%' {
                out.push(octet);
            } else {
                out.push(b'%');
                out.extend_from_slice(hex(&[octet]).as_bytes());
            }
        }
    }
}
