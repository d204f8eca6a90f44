//! The table of UIDs: made to be filled with hundreds of thousands in a few milliseconds. All UIDs stand
//! behind each other in one piece of memory, what is known of them in another, in the order in which they
//! became known, which is nearly always the server's: who looks them up in that order says where, and
//! nothing is hashed or searched. The hash is keyed: a server that chooses its UIDs cannot make the table
//! slow.

use super::Known;
use std::hash::{BuildHasher, RandomState};

/// All that is known of one UID.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Where its UID begins, and its length.
    start: usize,
    len: u32,
    /// Whether it was taken out; the UID keeps its place.
    gone: bool,
    pub ambiguous: bool,
    records: Records,
    pub first_seen: Option<u64>,
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

    /// Adds what is known, in the place of what it replaces.
    pub fn add(&mut self, known: Known) {
        match self.find(known.copy, known.size) {
            // A mark says nothing of what is stored.
            Some(place) if known.is_stored() || !place.is_stored() => *place = known,
            Some(_) => {}
            None => self.push(known),
        }
    }

    fn push(&mut self, known: Known) {
        if let (Records::Many(many), true) = (&mut self.records, known.is_stored()) {
            many.retain(|other| !known.fulfils(other));
        }
        self.records = match std::mem::take(&mut self.records) {
            Records::None => Records::One(known),
            Records::One(one) if known.fulfils(&one) => Records::One(known),
            Records::One(one) => Records::Many(vec![one, known]),
            Records::Many(mut many) => {
                many.push(known);
                Records::Many(many)
            }
        };
    }
}

/// A slot of the index: the upper half of a UID's hash, and one more than its place; 0 for none.
type Slot = (u32, u32);

/// Every UID and what is known of it.
#[derive(Debug, Default)]
pub(super) struct Table {
    octets: Vec<u8>,
    entries: Vec<Entry>,
    /// Open addressing over a power of two, never more than half full. Nothing is ever taken out of it.
    index: Vec<Slot>,
    /// How many entries are in the index, or were found to be there already; the others wait for
    /// [`Table::settle`].
    settled: usize,
    keys: RandomState,
    hashes: Vec<[u8; 32]>,
}

impl Table {
    /// Makes room for so many more UIDs of `octets` in all.
    pub fn reserve(&mut self, count: usize, octets: usize) {
        self.octets.reserve(octets);
        self.entries.reserve(count);
        self.hashes.reserve(count);
        self.grow(self.entries.len() + count);
    }

    pub fn get(&self, uid: &[u8]) -> Option<&Entry> {
        self.at(self.place(uid)?)
    }

    pub fn get_mut(&mut self, uid: &[u8]) -> Option<&mut Entry> {
        self.settle();
        let place = self.place(uid)?;
        self.entries.get_mut(place).filter(|entry| !entry.gone)
    }

    /// As [`Table::get`], with the place where the UID most likely is; returns where it was.
    pub fn get_near(&self, uid: &[u8], guess: usize) -> Option<(usize, &Entry)> {
        let place = match self.entries.get(guess) {
            Some(entry) if !entry.gone && self.uid(entry) == uid => guess,
            _ => self.place(uid)?,
        };
        Some((place, self.at(place)?))
    }

    /// How many places there are.
    pub fn places(&self) -> usize {
        self.entries.len()
    }

    /// The entry of a UID, made where there is none.
    pub fn entry(&mut self, uid: &[u8]) -> &mut Entry {
        self.settle();
        self.grow(self.entries.len() + 1);
        let place = match self.seek(uid) {
            Ok(place) => place,
            Err((slot, hash)) => {
                let place = self.append(uid, Records::None);
                self.index[slot] = (hash, place as u32 + 1);
                self.settled = self.entries.len();
                place
            }
        };
        let entry = &mut self.entries[place];
        entry.gone = false;
        entry
    }

    /// Notes what is known of a UID. It is not looked up before [`Table::settle`]: many look-ups at once
    /// wait for memory together, one at a time they wait for each.
    pub fn deliver(&mut self, uid: &[u8], known: Known) {
        self.append(uid, Records::One(known));
    }

    /// Makes all that was noted count, in its order.
    pub fn settle(&mut self) {
        if self.settled == self.entries.len() {
            return;
        }
        self.grow(self.entries.len());
        for new in self.settled..self.entries.len() {
            let uid = self.uid(&self.entries[new]);
            match self.seek(uid) {
                Err((slot, hash)) => self.index[slot] = (hash, new as u32 + 1),
                Ok(place) => {
                    let records = std::mem::take(&mut self.entries[new].records);
                    self.entries[new].gone = true;
                    let entry = &mut self.entries[place];
                    entry.gone = false;
                    if let Records::One(known) = records {
                        entry.add(known);
                    }
                }
            }
        }
        self.settled = self.entries.len();
    }

    fn append(&mut self, uid: &[u8], records: Records) -> usize {
        let (start, len) = (self.octets.len(), uid.len() as u32);
        self.octets.extend_from_slice(uid);
        self.entries.push(Entry { start, len, records, ..Entry::default() });
        self.entries.len() - 1
    }

    /// Takes a UID out; its place stays empty until the next run.
    pub fn remove(&mut self, uid: &[u8]) {
        if let Some(entry) = self.get_mut(uid) {
            *entry = Entry { start: entry.start, len: entry.len, gone: true, ..Entry::default() };
        }
    }

    /// The UIDs in the order in which they became known.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Entry)> {
        self.entries.iter().filter(|entry| !entry.gone).map(|entry| (self.uid(entry), entry))
    }

    /// Changes all that is known.
    pub fn for_each(&mut self, mut change: impl FnMut(&mut Known)) {
        for entry in &mut self.entries {
            match &mut entry.records {
                Records::None => {}
                Records::One(one) => change(one),
                Records::Many(many) => many.iter_mut().for_each(&mut change),
            }
        }
    }

    /// Keeps a hash of what was stored, apart from what every run looks at.
    pub fn keep_hash(&mut self, hash: [u8; 32]) -> u32 {
        self.hashes.push(hash);
        self.hashes.len() as u32 - 1
    }

    /// A hash that was kept.
    pub fn hash(&self, number: u32) -> [u8; 32] {
        self.hashes[number as usize]
    }

    fn at(&self, place: usize) -> Option<&Entry> {
        self.entries.get(place).filter(|entry| !entry.gone)
    }

    fn uid(&self, entry: &Entry) -> &[u8] {
        &self.octets[entry.start..entry.start + entry.len as usize]
    }

    fn place(&self, uid: &[u8]) -> Option<usize> {
        if self.index.is_empty() { None } else { self.seek(uid).ok() }
    }

    /// The place of a UID, or the empty slot where it belongs and its hash.
    fn seek(&self, uid: &[u8]) -> Result<usize, (usize, u32)> {
        let hash = self.keys.hash_one(uid);
        let (upper, mask) = ((hash >> 32) as u32, self.index.len() - 1);
        let mut slot = hash as usize & mask;
        loop {
            match self.index[slot] {
                (_, 0) => return Err((slot, upper)),
                (known, place) if known == upper => {
                    let place = place as usize - 1;
                    if self.uid(&self.entries[place]) == uid {
                        return Ok(place);
                    }
                }
                _ => {}
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Keeps the index large enough for `count` UIDs.
    fn grow(&mut self, count: usize) {
        if count * 2 <= self.index.len() {
            return;
        }
        let size = (count * 2).next_power_of_two().max(64);
        self.index = vec![(0, 0); size];
        for (place, entry) in self.entries[..self.settled].iter().enumerate() {
            let uid = &self.octets[entry.start..entry.start + entry.len as usize];
            let hash = self.keys.hash_one(uid);
            let mut slot = hash as usize & (size - 1);
            while self.index[slot].1 != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.index[slot] = ((hash >> 32) as u32, place as u32 + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fact, State, Stored};
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

    #[test]
    fn what_is_noted_counts_in_its_order_and_under_one_uid() {
        let fact = Fact::Stored(Stored { hash: 0, state: State::Kept });
        let known = |size, line| Known { copy: 0, size, time: 0, fact, line };
        let mut table = Table::default();
        for round in 0..3 {
            for n in 0..1000u64 {
                table.deliver(n.to_string().as_bytes(), known(Some(n % 2 * round), 1000 * round + n));
            }
            if round == 1 {
                table.settle();
                table.remove(b"7");
            }
        }
        table.settle();
        assert_eq!(table.iter().count(), 1000);
        for n in 0..1000u64 {
            let lines: Vec<u64> =
                table.get(n.to_string().as_bytes()).unwrap().known().iter().map(|known| known.line).collect();
            match n {
                7 => assert_eq!(lines, [2007], "what came before was taken out"),
                _ if n % 2 == 0 => assert_eq!(lines, [2000 + n]),
                _ => assert_eq!(lines, [n, 1000 + n, 2000 + n]),
            }
        }
    }

    #[test]
    fn a_wrong_guess_finds_the_same_as_a_right_one() {
        let mut table = Table::default();
        assert!(table.get_near(b"0", 0).is_none());
        let uids: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        for uid in &uids {
            table.entry(uid.as_bytes()).first_seen = Some(1);
        }
        table.remove(b"500");
        for (place, uid) in uids.iter().enumerate() {
            for guess in [0, place, place + 1, usize::MAX] {
                let found = table.get_near(uid.as_bytes(), guess).map(|found| found.0);
                assert_eq!(found, (place != 500).then_some(place), "{uid} near {guess}");
            }
        }
        assert!(
            table
                .iter()
                .map(|(uid, _)| uid)
                .eq(uids.iter().filter(|uid| *uid != "500").map(|uid| uid.as_bytes()))
        );
    }
}
