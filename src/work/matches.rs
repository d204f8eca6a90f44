//! Matches the rows of a listing with the records of a ledger: by UID, then by size; if a UID has several messages,
//! one to one.
//!
//! Nearly all rows have a UID of their own and at most one record: for these only their place in the ledger is kept,
//! so that a million take little memory.

use crate::mailbox::Listing;
use crate::store::{Known, Knowns, Ledger, Memory, StoreError};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Slot;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;

/// A listing matched with a ledger. Rows are named by their place in the listing.
pub(super) struct Matches<'a> {
    ledger: &'a Ledger,
    listing: &'a Listing,
    /// The place of each row's UID in the ledger, or [`NOWHERE`].
    places: Vec<u32>,
    /// The rows whose UID is listed more than once, or has several records.
    odd: HashMap<u32, Odd>,
    /// Rows whose UID is listed more than once.
    twins: HashSet<u32>,
    /// One of these for each UID that is not recorded as ambiguous.
    newly_ambiguous: Vec<u32>,
}

/// A row that needs a closer look.
#[derive(Clone, Default)]
struct Odd {
    known: Option<Known>,
    copy: u32,
    /// If it is not recorded: the records of its UID that belong to no other row.
    spare: Rc<[Known]>,
}

const NOWHERE: u32 = u32::MAX;

impl<'a> Matches<'a> {
    pub fn of(listing: &'a Listing, ledger: &'a Ledger) -> Result<Self, StoreError> {
        let places = places(listing, ledger);
        let groups = twins(listing, ledger, &places);
        let twins = groups.iter().flatten().copied().collect();
        let mut newly_ambiguous: Vec<u32> = groups.iter().filter_map(|rows| rows.first().copied()).collect();
        newly_ambiguous.retain(|row| !at(ledger, &places, *row).is_some_and(|memory| memory.is_ambiguous()));
        newly_ambiguous.sort_by_key(|row| listing.uid(*row as usize));
        let mut matches = Matches { ledger, listing, places, odd: HashMap::new(), twins, newly_ambiguous };
        for row in 0..listing.len() as u32 {
            let alone = !matches.twins.contains(&row);
            if alone && matches.memory(row).is_some_and(|memory| !is_plain(&memory.known())) {
                matches.assign(&[row])?;
            }
        }
        groups.iter().try_for_each(|rows| matches.assign(rows))?;
        Ok(matches)
    }

    /// The ledger's memory of a row's UID.
    pub fn memory(&self, row: u32) -> Option<Memory<'a>> {
        at(self.ledger, &self.places, row)
    }

    pub fn known(&self, row: u32) -> Option<Known> {
        match self.odd.get(&row) {
            Some(odd) => odd.known,
            None => self.only(row).filter(|one| one.fits(self.listing.size(row as usize))),
        }
    }

    pub fn copy(&self, row: u32) -> u32 {
        match self.odd.get(&row) {
            Some(odd) => odd.copy,
            None => self.first_copy(row),
        }
    }

    fn first_copy(&self, row: u32) -> u32 {
        self.listing.uid(row as usize).map_or(0, |uid| self.ledger.first_copy(uid))
    }

    /// For a row that is not recorded: the records of its UID that belong to no other row.
    pub fn spare(&self, row: u32) -> impl Iterator<Item = Known> {
        let odd = self.odd.get(&row);
        let only = match odd {
            None => self.only(row).filter(|one| !one.fits(self.listing.size(row as usize))),
            Some(_) => None,
        };
        odd.into_iter().flat_map(|odd| odd.spare.iter().copied()).chain(only)
    }

    /// Whether nothing is recorded under a row's UID.
    pub fn is_unknown(&self, row: u32) -> bool {
        self.memory(row).is_none_or(|memory| memory.known().is_empty())
    }

    /// Whether a row's UID is, or was, listed more than once.
    pub fn is_ambiguous(&self, row: u32) -> bool {
        self.twins.contains(&row) || self.memory(row).is_some_and(|memory| memory.is_ambiguous())
    }

    /// Rows whose UIDs are to be recorded as ambiguous.
    pub fn into_newly_ambiguous(self) -> Vec<u32> {
        self.newly_ambiguous
    }

    /// The record of a row's UID, if there is only one.
    fn only(&self, row: u32) -> Option<Known> {
        self.memory(row).and_then(|memory| memory.known().first().copied())
    }

    /// Matches the rows of one UID with its records: first by equal size, then, if a size is unknown, by their order. A
    /// row that is left over is new, and gets the lowest free copy number. Two records of the same message belong to
    /// only one row.
    fn assign(&mut self, rows: &[u32]) -> Result<(), StoreError> {
        let memory = rows.first().and_then(|row| self.memory(*row));
        let records = memory.map(|memory| memory.known());
        let records: &[Known] = records.as_ref().map_or(&[], Knowns::as_slice);
        let mut used = vec![false; records.len()];
        let mut odd = vec![Odd::default(); rows.len()];
        let sizes: Vec<_> = rows.iter().map(|row| self.listing.size(*row as usize)).collect();
        let equal = |record: &Known, size: Option<u64>| size.is_some() && record.size == size;
        let unknown = |record: &Known, size: Option<u64>| size.is_none() || record.size.is_none();
        for fits in [&equal as &dyn Fn(&Known, Option<u64>) -> bool, &unknown] {
            for (odd, size) in odd.iter_mut().zip(&sizes).filter(|(odd, _)| odd.known.is_none()) {
                // The latest record first: it is that of the newest message under a re-used UID.
                let found = (0..records.len()).rev().find(|at| !used[*at] && fits(&records[*at], *size));
                let Some(found) = found else { continue };
                for at in 0..records.len() {
                    used[at] =
                        used[at] || at == found || self.ledger.is_same(&records[at], &records[found])?;
                }
                odd.known = Some(records[found]);
            }
        }
        let spare = records.iter().zip(&used).filter(|(_, used)| !**used).map(|(record, _)| *record);
        let spare: Rc<[Known]> = spare.collect();
        // A re-used UID of a single message: the size distinguishes the records.
        let is_distinct = rows.len() == 1 && records.iter().all(|record| record.copy == 0);
        let mut taken: HashSet<u32> = records.iter().map(|record| record.copy).collect();
        let first = rows.first().map_or(0, |row| self.first_copy(*row));
        let mut free = first..;
        for (row, mut odd) in rows.iter().zip(odd) {
            if odd.known.is_none() {
                odd.spare = Rc::clone(&spare);
            }
            odd.copy = match odd.known {
                _ if is_distinct => 0,
                Some(record) => record.copy,
                None => free.find(|copy| taken.insert(*copy)).unwrap_or(0),
            };
            self.odd.insert(*row, odd);
        }
        Ok(())
    }
}

fn is_plain(records: &[Known]) -> bool {
    matches!(records, [] | [Known { copy: 0, .. }])
}

fn at<'a>(ledger: &'a Ledger, places: &[u32], row: u32) -> Option<Memory<'a>> {
    let place = places[row as usize];
    if place == NOWHERE { None } else { ledger.at(place as usize) }
}

/// The place of each row's UID in the ledger.
fn places(listing: &Listing, ledger: &Ledger) -> Vec<u32> {
    let mut guess = 0;
    let place = |row: usize| {
        let memory = listing.uid(row).and_then(|uid| ledger.recall(uid, guess));
        guess = memory.map_or(guess, |memory| memory.place() + 1);
        memory.map_or(NOWHERE, |memory| memory.place() as u32)
    };
    (0..listing.len()).map(place).collect()
}

/// The rows of each UID that is listed more than once.
fn twins(listing: &Listing, ledger: &Ledger, places: &[u32]) -> Vec<Vec<u32>> {
    let mut seen = vec![0u64; ledger.places().div_ceil(64)];
    let mut fresh: HashTable<u32> = HashTable::new();
    let keys = RandomState::new();
    let uid = |row: u32| listing.uid(row as usize).unwrap_or_default();
    // UIDs listed more than once: known ones by their place in the ledger, the others by their first row.
    let mut again: HashSet<u32> = HashSet::new();
    let mut again_fresh: HashMap<u32, Vec<u32>> = HashMap::new();
    for (row, place) in (0u32..).zip(places) {
        if *place != NOWHERE {
            let (word, bit) = (&mut seen[*place as usize / 64], 1 << (place % 64));
            if *word & bit != 0 {
                again.insert(*place);
            }
            *word |= bit;
        } else if let Some(name) = listing.uid(row as usize) {
            let same = |other: &u32| uid(*other) == name;
            match fresh.entry(keys.hash_one(name), same, |other| keys.hash_one(uid(*other))) {
                Slot::Occupied(first) => {
                    again_fresh.entry(*first.get()).or_insert_with(|| vec![*first.get()]).push(row);
                }
                Slot::Vacant(slot) => drop(slot.insert(row)),
            }
        }
    }
    let mut groups: HashMap<u32, Vec<u32>> = HashMap::new();
    if !again.is_empty() {
        for (row, place) in (0u32..).zip(places).filter(|(_, place)| again.contains(place)) {
            groups.entry(*place).or_default().push(row);
        }
    }
    groups.into_values().chain(again_fresh.into_values()).collect()
}
