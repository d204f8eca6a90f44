//! The table of UIDs: made to be filled with hundreds of thousands in a few milliseconds, and to hold a million
//! in little memory. All UIDs stand behind each other in one piece of it, what is known of them in another, in
//! the order in which they became known, which is nearly always the server's: who looks them up in that order
//! says where, and nothing is hashed or searched. The hash is keyed: a server that chooses its UIDs cannot make
//! the table slow.

use super::{Fact, Known, State, Stored};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;

/// What is known of one UID: one message, or none, as by far the most are. What does not fit here is in a map.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// Where its UID begins, 40 bits of it: it ends where the next one's begins.
    start: u32,
    /// The listed size; [`NO_SIZE`] for none.
    size: u32,
    time: u32,
    /// [`Known::at`], 40 bits of it.
    at: u32,
    start_upper: u8,
    at_upper: u8,
    records: Records,
    /// Of the bits below.
    flags: u8,
}

/// What a [`Cell`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Records {
    #[default]
    None,
    Marked,
    Stored,
    /// It does not fit here.
    Apart,
}

/// The UID was taken out; it keeps its place.
const GONE: u8 = 1;
const AMBIGUOUS: u8 = 2;
const ELSEWHERE: u8 = 4;
const PENDING: u8 = 8;
/// The deletion was confirmed, at the time in [`UidTable::deleted`].
const DELETED: u8 = 16;

const NO_SIZE: u32 = u32::MAX;
/// What is kept in memory alone has this bit in [`Known::at`], and that bit in a cell.
pub(super) const IN_MEMORY: u64 = 1 << 63;
const IN_MEMORY_HERE: u64 = 1 << 39;

impl Cell {
    /// What is known, if it fits: the time of a deletion is for the caller to keep.
    fn of(known: &Known) -> Option<Cell> {
        let at = known.at & !IN_MEMORY;
        let place = if known.at == at { at } else { at | IN_MEMORY_HERE };
        let size = match known.size {
            None => NO_SIZE,
            Some(size) => u32::try_from(size).ok().filter(|size| *size != NO_SIZE)?,
        };
        if known.copy != 0 || at >= IN_MEMORY_HERE {
            return None;
        }
        let (records, flags) = match known.fact {
            Fact::Marked => (Records::Marked, 0),
            Fact::Stored(stored) => (Records::Stored, flags_of(stored.state)?),
            Fact::Elsewhere(stored) => (Records::Stored, flags_of(stored.state)? | ELSEWHERE),
        };
        let time = u32::try_from(known.time).ok()?;
        let (at, at_upper) = (place as u32, (place >> 32) as u8);
        Some(Cell { size, time, at, at_upper, records, flags, ..Cell::default() })
    }

    fn known(&self, deleted: Option<u32>) -> Known {
        let at = u64::from(self.at) | u64::from(self.at_upper) << 32;
        let at = if at < IN_MEMORY_HERE { at } else { at & !IN_MEMORY_HERE | IN_MEMORY };
        let state = match self.flags & (PENDING | DELETED) {
            0 => State::Kept,
            PENDING => State::Pending,
            _ => State::Deleted(u64::from(deleted.unwrap_or(0))),
        };
        let fact = match self.records {
            Records::Stored if self.flags & ELSEWHERE != 0 => Fact::Elsewhere(Stored { state }),
            Records::Stored => Fact::Stored(Stored { state }),
            _ => Fact::Marked,
        };
        let size = (self.size != NO_SIZE).then(|| u64::from(self.size));
        Known { copy: 0, size, time: u64::from(self.time), fact, at }
    }

    fn start(&self) -> usize {
        (u64::from(self.start) | u64::from(self.start_upper) << 32) as usize
    }

    fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

fn flags_of(state: State) -> Option<u8> {
    Some(match state {
        State::Kept => 0,
        State::Pending => PENDING,
        State::Deleted(time) => u32::try_from(time).map(|_| DELETED).ok()?,
    })
}

/// What is known of one UID, oldest first: a slice, wherever it stands.
#[derive(Clone, Copy, Debug)]
pub struct Knowns<'a>(Copies<'a>);

#[derive(Clone, Copy, Debug)]
enum Copies<'a> {
    None,
    One(Known),
    Many(&'a [Known]),
}

impl Knowns<'_> {
    /// Nothing.
    pub(super) const NONE: Knowns<'static> = Knowns(Copies::None);

    /// As a slice.
    pub fn as_slice(&self) -> &[Known] {
        self
    }
}

impl Deref for Knowns<'_> {
    type Target = [Known];

    fn deref(&self) -> &[Known] {
        match &self.0 {
            Copies::None => &[],
            Copies::One(one) => std::slice::from_ref(one),
            Copies::Many(many) => many,
        }
    }
}

/// All that is known of one UID.
#[derive(Clone, Copy, Debug)]
pub(super) struct UidEntry<'a> {
    table: &'a UidTable,
    place: usize,
}

impl<'a> UidEntry<'a> {
    pub fn known(&self) -> Knowns<'a> {
        let cell = &self.table.cells[self.place];
        Knowns(match cell.records {
            Records::None => Copies::None,
            Records::Apart => Copies::Many(self.table.apart(self.place)),
            _ => Copies::One(cell.known(self.table.deleted.get(self.place).copied())),
        })
    }

    pub fn is_ambiguous(&self) -> bool {
        self.table.cells[self.place].is(AMBIGUOUS)
    }

    /// When the UID was first listed.
    pub fn first_seen(&self) -> Option<u64> {
        let time = self.table.first_seen.get(self.place).copied().unwrap_or(0);
        time.checked_sub(1).map(u64::from)
    }
}

/// Every UID and what is known of it.
#[derive(Debug, Default)]
pub(super) struct UidTable {
    octets: Vec<u8>,
    cells: Vec<Cell>,
    /// What does not fit into a cell, by place.
    apart: HashMap<usize, Vec<Known>>,
    /// When deletions were confirmed, by place; as long as it has to be.
    deleted: Vec<u32>,
    /// One more than the time at which UIDs were first listed, 0 for none, by place; as long as it has to be.
    first_seen: Vec<u32>,
    /// The places of all UIDs. Nothing is ever taken out of it.
    index: HashTable<u32>,
    /// How many cells are in the index, or were found to be there already; the others wait for
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

    /// The same, the index too: it is known that so many come.
    pub fn expect(&mut self, count: usize, octets: usize) {
        self.reserve(count, octets);
        let (uids, cells, keys) = (&self.octets, &self.cells, &self.keys);
        self.index.reserve(count, |place| keys.hash_one(uid_at(uids, cells, *place as usize)));
    }

    pub fn get(&self, uid: &[u8]) -> Option<UidEntry<'_>> {
        self.at(self.place(uid)?)
    }

    /// As [`UidTable::get`], with the place where the UID most likely is; returns where it was.
    pub fn get_near(&self, uid: &[u8], guess: usize) -> Option<(usize, UidEntry<'_>)> {
        let place = match self.cells.get(guess) {
            Some(cell) if !cell.is(GONE) && self.uid(guess) == uid => guess,
            _ => self.place(uid)?,
        };
        Some((place, self.at(place)?))
    }

    /// How many places there are.
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

    /// Notes what became of a message that is stored. The first format let a run decide to delete what was only
    /// marked: a mark stays a mark.
    pub fn set(&mut self, uid: &[u8], copy: u32, size: Option<u64>, state: State) {
        self.settle();
        let Some(place) = self.place(uid).filter(|place| !self.cells[*place].is(GONE)) else { return };
        self.change(place, |known| {
            if let Some(Known { fact: Fact::Stored(stored), .. }) = find(known, copy, size) {
                stored.state = state;
            }
        });
    }

    /// Notes what is known of a UID. It is not looked up before [`UidTable::settle`]: many look-ups at once
    /// wait for memory together, one at a time they wait for each.
    pub fn deliver(&mut self, uid: &[u8], known: Known) {
        let place = self.append(uid);
        self.put(place, known);
    }

    /// Makes all that was noted count, in its order.
    pub fn settle(&mut self) {
        if self.settled == self.cells.len() {
            return;
        }
        self.index.reserve(self.cells.len() - self.settled, {
            let (octets, cells, keys) = (&self.octets, &self.cells, &self.keys);
            move |place| keys.hash_one(uid_at(octets, cells, *place as usize))
        });
        for new in self.settled..self.cells.len() {
            let Some(place) = self.enter(new) else { continue };
            let records = UidEntry { table: self, place: new }.known().to_vec();
            self.clear(new);
            self.cells[place].flags &= !GONE;
            for known in records {
                self.change(place, |list| add(list, known));
            }
        }
        self.settled = self.cells.len();
    }

    /// Takes a UID out; its place stays empty until the next run.
    pub fn remove(&mut self, uid: &[u8]) {
        self.settle();
        if let Some(place) = self.place(uid) {
            self.clear(place);
        }
    }

    /// The UIDs in the order in which they became known.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], UidEntry<'_>)> {
        let there = (0..self.cells.len()).filter(|place| !self.cells[*place].is(GONE));
        there.map(|place| (self.uid(place), UidEntry { table: self, place }))
    }

    /// All that is known so far is of another account's messages.
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

    /// The place of a UID, made where there is none.
    fn make(&mut self, uid: &[u8]) -> usize {
        self.settle();
        let place = match self.place(uid) {
            Some(place) => place,
            None => {
                let place = self.append(uid);
                self.settle();
                place
            }
        };
        self.cells[place].flags &= !GONE;
        place
    }

    fn append(&mut self, uid: &[u8]) -> usize {
        let start = self.octets.len() as u64;
        self.octets.extend_from_slice(uid);
        let (start, start_upper) = (start as u32, (start >> 32) as u8);
        self.cells.push(Cell { start, start_upper, ..Cell::default() });
        self.cells.len() - 1
    }

    /// Puts one message in the place of all that was known.
    fn put(&mut self, place: usize, known: Known) {
        let there = self.cells[place];
        let (cell, apart) = match Cell::of(&known) {
            Some(cell) => (cell, None),
            None => (Cell { records: Records::Apart, ..Cell::default() }, Some(vec![known])),
        };
        self.cells[place] = Cell {
            start: there.start,
            start_upper: there.start_upper,
            flags: cell.flags | there.flags & (GONE | AMBIGUOUS),
            ..cell
        };
        if let (DELETED, Some(State::Deleted(time))) = (cell.flags & DELETED, known.state()) {
            *column(&mut self.deleted, place) = time as u32;
        }
        match apart {
            Some(known) => drop(self.apart.insert(place, known)),
            None if there.records == Records::Apart => drop(self.apart.remove(&place)),
            None => {}
        }
    }

    /// Changes what is known of a UID.
    fn change(&mut self, place: usize, change: impl FnOnce(&mut Vec<Known>)) {
        let mut known = match self.cells[place].records {
            Records::Apart => self.apart.remove(&place).unwrap_or_default(),
            _ => UidEntry { table: self, place }.known().to_vec(),
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

    /// Forgets what is known of a UID, and that there is one.
    fn clear(&mut self, place: usize) {
        let Cell { start, start_upper, .. } = self.cells[place];
        self.cells[place] = Cell { start, start_upper, flags: GONE, ..Cell::default() };
        self.apart.remove(&place);
        if let Some(seen) = self.first_seen.get_mut(place) {
            *seen = 0;
        }
    }

    /// What is known of the UID at a place.
    pub fn at(&self, place: usize) -> Option<UidEntry<'_>> {
        let cell = self.cells.get(place).filter(|cell| !cell.is(GONE));
        cell.map(|_| UidEntry { table: self, place })
    }

    fn apart(&self, place: usize) -> &[Known] {
        self.apart.get(&place).map_or(&[], Vec::as_slice)
    }

    fn uid(&self, place: usize) -> &[u8] {
        uid_at(&self.octets, &self.cells, place)
    }

    fn place(&self, uid: &[u8]) -> Option<usize> {
        let hash = self.keys.hash_one(uid);
        self.index.find(hash, |place| self.uid(*place as usize) == uid).map(|place| *place as usize)
    }

    /// Enters the UID at `new` into the index; returns the place where it was already.
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

/// The number at a place of a column, which is made as long as it has to be.
fn column(numbers: &mut Vec<u32>, place: usize) -> &mut u32 {
    if numbers.len() <= place {
        numbers.resize(place + 1, 0);
    }
    &mut numbers[place]
}

fn find(known: &mut [Known], copy: u32, size: Option<u64>) -> Option<&mut Known> {
    known.iter_mut().rev().find(|known| known.copy == copy && known.size == size)
}

/// Adds what is known, in the place of what it replaces.
fn add(list: &mut Vec<Known>, known: Known) {
    match find(list, known.copy, known.size) {
        // A mark says nothing of what is stored.
        Some(place) if known.is_stored() || !place.is_stored() => *place = known,
        Some(_) => {}
        None => {
            list.retain(|other| !known.fulfils(other));
            list.push(known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_of_every_length_are_found_and_told_apart() {
        let mut table = UidTable::default();
        for len in 0..100 {
            table.note_first_seen(&vec![b'x'; len], len as u64);
        }
        for len in 0..100 {
            assert_eq!(table.get(&vec![b'x'; len]).and_then(|entry| entry.first_seen()), Some(len as u64));
        }
        assert_eq!(table.iter().count(), 100);
        table.remove(&[b'x'; 40]);
        assert!(table.get(&[b'x'; 40]).is_none() && table.iter().count() == 99);
        table.note_ambiguous(&[b'x'; 40]);
        assert_eq!(table.get(&[b'x'; 40]).map(|entry| entry.first_seen()), Some(None));
        assert!(table.get(&[b'x'; 38]).is_some() && table.get(&[0; 3]).is_none());
    }

    #[test]
    fn what_is_noted_counts_in_its_order_and_under_one_uid() {
        let fact = Fact::Stored(Stored { state: State::Kept });
        let known = |size, at| Known { copy: 0, size, time: 0, fact, at };
        let mut table = UidTable::default();
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
                table.get(n.to_string().as_bytes()).unwrap().known().iter().map(|known| known.at).collect();
            match n {
                7 => assert_eq!(lines, [2007], "what came before was taken out"),
                _ if n % 2 == 0 => assert_eq!(lines, [2000 + n]),
                _ => assert_eq!(lines, [n, 1000 + n, 2000 + n]),
            }
        }
    }

    #[test]
    fn a_wrong_guess_finds_the_same_as_a_right_one() {
        let mut table = UidTable::default();
        assert!(table.get_near(b"0", 0).is_none());
        let uids: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        for uid in &uids {
            table.note_first_seen(uid.as_bytes(), 1);
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

    #[test]
    fn what_does_not_fit_into_a_cell_is_kept_as_it_is() {
        let (big, states) =
            (u64::from(u32::MAX), [State::Kept, State::Pending, State::Deleted(7), State::Deleted(1 << 40)]);
        let facts = states.into_iter().flat_map(|state| {
            [Fact::Stored(Stored { state }), Fact::Elsewhere(Stored { state }), Fact::Marked]
        });
        let mut table = UidTable::default();
        let mut all = Vec::new();
        for fact in facts {
            for size in [None, Some(0), Some(big - 1), Some(big), Some(u64::MAX)] {
                for (copy, time, at) in [(0, big, 0), (1, 5, 5), (0, big + 1, 1 << 38), (0, 5, 1 << 39)] {
                    for at in [at, at | IN_MEMORY] {
                        all.push(Known { copy, size, time, fact, at });
                    }
                }
            }
        }
        for (n, known) in all.iter().enumerate() {
            table.deliver(n.to_string().as_bytes(), *known);
        }
        table.settle();
        for (n, known) in all.iter().enumerate() {
            assert_eq!(table.get(n.to_string().as_bytes()).unwrap().known()[..], [*known]);
            table.set(n.to_string().as_bytes(), known.copy, known.size, State::Deleted(9));
            let now = table.get(n.to_string().as_bytes()).unwrap().known()[0];
            match known.fact {
                Fact::Stored(_) => assert_eq!(now.state(), Some(State::Deleted(9))),
                _ => assert_eq!(now, *known),
            }
        }
        assert!(size_of::<Cell>() <= 20, "a million of them stand in memory");
    }
}
