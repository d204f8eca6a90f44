//! The table of UIDs. It is filled with hundreds of thousands in a few milliseconds, and holds a million in
//! little memory.
//!
//! The octets of all UIDs are in one vector, what is known of them in another, in the order in which they
//! became known. That is nearly always the server's order: a caller that looks UIDs up in this order passes
//! the place, and nothing is hashed or searched. The hash has a random key: a server that chooses its UIDs
//! with care cannot make the table slow.

use super::cell::{AMBIGUOUS, Cell, DELETED, ELSEWHERE, GONE, Records};
use super::known::{Fact, Known, KnownList, Knowns, ServerState};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

#[derive(Clone, Copy, Debug)]
pub struct Memory<'a> {
    table: &'a UidTable,
    place: usize,
}

impl<'a> Memory<'a> {
    /// Its place in the table: the next UID that a server lists is most likely at the next place.
    pub fn place(&self) -> usize {
        self.place
    }

    pub(super) fn uid(&self) -> &'a [u8] {
        self.table.uid(self.place)
    }

    /// What is known of it, oldest first.
    pub fn known(&self) -> Knowns<'a> {
        let cell = &self.table.cells[self.place];
        Knowns(match cell.records {
            Records::None => KnownList::None,
            Records::Apart => KnownList::Many(self.table.apart.get(&self.place).map_or(&[], Vec::as_slice)),
            _ => KnownList::One(cell.known(self.table.deleted.get(self.place).copied())),
        })
    }

    /// Whether the UID was ever listed more than once at a time.
    pub fn is_ambiguous(&self) -> bool {
        self.table.cells[self.place].is(AMBIGUOUS)
    }

    /// When the UID was first listed, in seconds since 1970.
    pub fn first_seen(&self) -> Option<u64> {
        let time = self.table.first_seen.get(self.place).copied().unwrap_or(0);
        time.checked_sub(1).map(u64::from)
    }
}

/// Every UID, and what is known of it.
#[derive(Debug, Default)]
pub(super) struct UidTable {
    octets: Vec<u8>,
    cells: Vec<Cell>,
    /// What does not fit into a cell, by place.
    apart: HashMap<usize, Vec<Known>>,
    /// When deletions were confirmed, by place. Only as long as needed.
    deleted: Vec<u32>,
    /// When UIDs were first listed plus one, by place; 0 if not known. Only as long as needed.
    first_seen: Vec<u32>,
    /// The places of all UIDs. Nothing is ever removed from it.
    index: HashTable<u32>,
    /// How many cells are in the index, or were found to be duplicates; the others wait for
    /// [`UidTable::settle`].
    settled: usize,
    keys: RandomState,
}

impl UidTable {
    /// Makes room for so many more UIDs of `octets` in all.
    pub fn reserve(&mut self, count: usize, octets: usize) {
        self.octets.reserve(octets);
        self.cells.reserve(count);
    }

    /// The same, for the index too: so many will certainly come.
    pub fn expect(&mut self, count: usize, octets: usize) {
        self.reserve(count, octets);
        self.reserve_index(count);
    }

    fn reserve_index(&mut self, count: usize) {
        let (octets, cells, keys) = (&self.octets, &self.cells, &self.keys);
        self.index.reserve(count, |place| keys.hash_one(uid_at(octets, cells, *place as usize)));
    }

    pub fn get(&self, uid: &[u8]) -> Option<Memory<'_>> {
        self.at(self.place(uid)?)
    }

    /// Like [`UidTable::get`]; `guess` is the place where the UID most likely is.
    pub fn get_near(&self, uid: &[u8], guess: usize) -> Option<Memory<'_>> {
        match self.at(guess) {
            Some(memory) if memory.uid() == uid => Some(memory),
            _ => self.get(uid),
        }
    }

    pub fn at(&self, place: usize) -> Option<Memory<'_>> {
        let cell = self.cells.get(place).filter(|cell| !cell.is(GONE));
        cell.map(|_| Memory { table: self, place })
    }

    pub fn places(&self) -> usize {
        self.cells.len()
    }

    /// Notes that a UID was listed more than once.
    pub fn note_ambiguous(&mut self, uid: &[u8]) {
        let place = self.make(uid);
        self.cells[place].flags |= AMBIGUOUS;
    }

    /// Notes when a UID was first listed, unless that is known.
    pub fn note_first_seen(&mut self, uid: &[u8], time: u64) {
        let place = self.make(uid);
        let time = u32::try_from(time).unwrap_or(u32::MAX).saturating_add(1);
        let seen = column(&mut self.first_seen, place);
        *seen = if *seen == 0 { time } else { *seen };
    }

    /// Sets what became of a stored message on the server. In the first format, a run could decide to delete
    /// a message that was only marked: a mark stays a mark.
    pub fn set(&mut self, uid: &[u8], copy: u32, size: Option<u64>, state: ServerState) {
        self.settle();
        let Some(place) = self.place(uid).filter(|place| !self.cells[*place].is(GONE)) else { return };
        self.change(place, |known| {
            if let Some(Known { fact: Fact::Stored(stored), .. }) = find(known, copy, size) {
                stored.state = state;
            }
        });
    }

    /// Adds what is known of a UID. It is looked up only at [`UidTable::settle`]: many look-ups at once wait
    /// for memory together, single ones wait one after the other.
    pub fn deliver(&mut self, uid: &[u8], known: Known) {
        let place = self.append(uid);
        self.put(place, known);
    }

    /// Applies everything that was added, in order.
    pub fn settle(&mut self) {
        if self.settled == self.cells.len() {
            return;
        }
        self.reserve_index(self.cells.len() - self.settled);
        for new in self.settled..self.cells.len() {
            let Some(place) = self.enter(new) else { continue };
            let records = Memory { table: self, place: new }.known().to_vec();
            self.clear(new);
            self.cells[place].flags &= !GONE;
            for known in records {
                self.change(place, |list| add(list, known));
            }
        }
        self.settled = self.cells.len();
    }

    /// Removes a UID; its place stays empty until the next run.
    pub fn remove(&mut self, uid: &[u8]) {
        self.settle();
        if let Some(place) = self.place(uid) {
            self.clear(place);
        }
    }

    /// The UIDs in the order in which they became known.
    pub fn iter(&self) -> impl Iterator<Item = Memory<'_>> {
        (0..self.cells.len()).filter_map(|place| self.at(place))
    }

    /// Everything that is known so far is of another account's messages.
    pub fn disown(&mut self) {
        self.settle();
        let stored = self.cells.iter_mut().filter(|cell| cell.records == Records::Stored);
        stored.for_each(|cell| cell.flags |= ELSEWHERE);
        for known in self.apart.values_mut().flatten() {
            if let Fact::Stored(stored) = known.fact {
                known.fact = Fact::Elsewhere(stored);
            }
        }
    }

    /// The place of a UID, which is added if it is not there.
    fn make(&mut self, uid: &[u8]) -> usize {
        self.settle();
        let place = self.place(uid).unwrap_or_else(|| self.append(uid));
        self.settle();
        self.cells[place].flags &= !GONE;
        place
    }

    fn append(&mut self, uid: &[u8]) -> usize {
        self.cells.push(Cell::new(self.octets.len()));
        self.octets.extend_from_slice(uid);
        self.cells.len() - 1
    }

    /// Replaces what is known by one message.
    fn put(&mut self, place: usize, known: Known) {
        let there = self.cells[place];
        let cell = there.with(&known);
        self.cells[place] = cell;
        if let (true, Some(ServerState::Deleted(time))) = (cell.is(DELETED), known.state()) {
            *column(&mut self.deleted, place) = time as u32;
        }
        match (cell.records, there.records) {
            (Records::Apart, _) => drop(self.apart.insert(place, vec![known])),
            (_, Records::Apart) => drop(self.apart.remove(&place)),
            _ => {}
        }
    }

    /// Changes what is known of a UID.
    fn change(&mut self, place: usize, change: impl FnOnce(&mut Vec<Known>)) {
        let mut known = match self.cells[place].records {
            Records::Apart => self.apart.remove(&place).unwrap_or_default(),
            _ => Memory { table: self, place }.known().to_vec(),
        };
        change(&mut known);
        match known[..] {
            [] => {}
            [one] => self.put(place, one),
            _ => {
                self.cells[place].records = Records::Apart;
                self.apart.insert(place, known);
            }
        }
    }

    /// Forgets a UID and what is known of it.
    fn clear(&mut self, place: usize) {
        self.cells[place] = self.cells[place].gone();
        self.apart.remove(&place);
        if let Some(seen) = self.first_seen.get_mut(place) {
            *seen = 0;
        }
    }

    fn uid(&self, place: usize) -> &[u8] {
        uid_at(&self.octets, &self.cells, place)
    }

    fn place(&self, uid: &[u8]) -> Option<usize> {
        let hash = self.keys.hash_one(uid);
        self.index.find(hash, |place| self.uid(*place as usize) == uid).map(|place| *place as usize)
    }

    /// Adds the UID at the place `new` to the index; if it is there already, returns its place.
    fn enter(&mut self, new: usize) -> Option<usize> {
        let (octets, cells, keys) = (&self.octets, &self.cells, &self.keys);
        let uid = uid_at(octets, cells, new);
        let same = |place: &u32| uid_at(octets, cells, *place as usize) == uid;
        let hash = |place: &u32| keys.hash_one(uid_at(octets, cells, *place as usize));
        match self.index.entry(keys.hash_one(uid), same, hash) {
            Slot::Occupied(there) => Some(*there.get() as usize),
            Slot::Vacant(slot) => {
                slot.insert(new as u32);
                None
            }
        }
    }
}

fn uid_at<'a>(octets: &'a [u8], cells: &[Cell], place: usize) -> &'a [u8] {
    let end = cells.get(place + 1).map_or(octets.len(), Cell::start);
    &octets[cells[place].start()..end]
}

/// The number for a place; makes the vector longer if needed.
fn column(numbers: &mut Vec<u32>, place: usize) -> &mut u32 {
    if numbers.len() <= place {
        numbers.resize(place + 1, 0);
    }
    &mut numbers[place]
}

fn find(known: &mut [Known], copy: u32, size: Option<u64>) -> Option<&mut Known> {
    known.iter_mut().rev().find(|known| known.copy == copy && known.size == size)
}

/// Adds what is known; it may replace an entry.
fn add(list: &mut Vec<Known>, known: Known) {
    match find(list, known.copy, known.size) {
        // A mark does not replace a stored message.
        Some(place) if known.is_stored() || !place.is_stored() => *place = known,
        Some(_) => {}
        None => {
            list.retain(|other| !known.fulfils(other));
            list.push(known);
        }
    }
}

#[cfg(test)]
mod tests;
