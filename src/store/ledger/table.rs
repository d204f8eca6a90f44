//! The table of UIDs: made to be filled with hundreds of thousands in a few milliseconds. UIDs of ordinary
//! length and the one record most of them have take no allocation of their own. The hash is keyed: a
//! server that chooses its UIDs cannot make the table slow.

use super::Known;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// UIDs up to this length are kept in place. `RFC 1939 §7` allows 70; what servers use is 8 to 30.
const SHORT: usize = 38;

#[derive(Debug)]
enum Uid {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

impl Uid {
    fn new(uid: &[u8]) -> Self {
        let mut octets = [0; SHORT];
        match (octets.get_mut(..uid.len()), u8::try_from(uid.len())) {
            (Some(place), Ok(len)) => {
                place.copy_from_slice(uid);
                Uid::Short(len, octets)
            }
            _ => Uid::Long(uid.into()),
        }
    }

    fn octets(&self) -> &[u8] {
        match self {
            Uid::Short(len, octets) => &octets[..usize::from(*len)],
            Uid::Long(octets) => octets,
        }
    }
}

impl Borrow<[u8]> for Uid {
    fn borrow(&self) -> &[u8] {
        self.octets()
    }
}

impl Hash for Uid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.octets().hash(state);
    }
}

impl PartialEq for Uid {
    fn eq(&self, other: &Self) -> bool {
        self.octets() == other.octets()
    }
}

impl Eq for Uid {}

/// All that is known of one UID.
#[derive(Debug, Default)]
pub(super) struct Entry {
    records: Records,
    pub first_seen: Option<u64>,
    pub ambiguous: bool,
}

#[derive(Debug, Default)]
enum Records {
    #[default]
    None,
    One(Known),
    Many(Vec<Known>),
}

impl Entry {
    pub fn known(&self) -> &[Known] {
        match &self.records {
            Records::None => &[],
            Records::One(one) => std::slice::from_ref(one),
            Records::Many(many) => many,
        }
    }

    pub fn find(&mut self, copy: u32, size: Option<u64>) -> Option<&mut Known> {
        let known = match &mut self.records {
            Records::None => &mut [],
            Records::One(one) => std::slice::from_mut(one),
            Records::Many(many) => &mut many[..],
        };
        known.iter_mut().rev().find(|known| known.copy == copy && known.size == size)
    }

    pub fn push(&mut self, known: Known) {
        self.records = match std::mem::take(&mut self.records) {
            Records::None => Records::One(known),
            Records::One(one) => Records::Many(vec![one, known]),
            Records::Many(mut many) => {
                many.push(known);
                Records::Many(many)
            }
        };
    }
}

/// Every UID and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Table {
    places: HashMap<Uid, u32>,
    entries: Vec<Entry>,
}

impl Table {
    pub fn reserve(&mut self, count: usize) {
        self.places.reserve(count);
        self.entries.reserve(count);
    }

    pub fn get(&self, uid: &[u8]) -> Option<&Entry> {
        self.places.get(uid).and_then(|place| self.entries.get(*place as usize))
    }

    pub fn get_mut(&mut self, uid: &[u8]) -> Option<&mut Entry> {
        self.places.get(uid).and_then(|place| self.entries.get_mut(*place as usize))
    }

    pub fn entry(&mut self, uid: &[u8]) -> &mut Entry {
        let next = self.entries.len();
        let place = *self.places.entry(Uid::new(uid)).or_insert(next as u32) as usize;
        if place == next {
            self.entries.push(Entry::default());
        }
        &mut self.entries[place]
    }

    /// Takes a UID out; its place stays empty until the next run.
    pub fn remove(&mut self, uid: &[u8]) {
        if let Some(place) = self.places.remove(uid)
            && let Some(entry) = self.entries.get_mut(place as usize)
        {
            *entry = Entry::default();
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Entry)> {
        let entry = |place: &u32| self.entries.get(*place as usize);
        self.places.iter().filter_map(move |(uid, place)| Some((uid.octets(), entry(place)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_of_every_length_are_found_and_told_apart() {
        let mut table = Table::default();
        for len in 0..100 {
            table.entry(&vec![b'x'; len]).first_seen = Some(len as u64);
        }
        for len in 0..100 {
            assert_eq!(table.get(&vec![b'x'; len]).and_then(|entry| entry.first_seen), Some(len as u64));
        }
        assert_eq!(table.iter().count(), 100);
        table.remove(&[b'x'; 40]);
        assert!(table.get(&[b'x'; 40]).is_none() && table.iter().count() == 99);
        assert_eq!(table.entry(&[b'x'; 40]).first_seen, None);
        assert!(table.get(&[b'x'; 38]).is_some() && table.get(&[0; 3]).is_none());
    }
}
