//! The list of the messages in a mailbox.

use crate::words::{Failure, Stage};
use std::collections::HashMap;
use std::sync::Arc;

/// The longest UID, in octets; a longer one counts as none.
pub const MAX_UID: usize = 500;

/// The messages that the server lists, in its order. There may be a million, so little memory is used for each; a
/// row is named by its index (`place`).
#[derive(Clone, Debug, Default)]
pub struct Listing {
    rows: Vec<Slot>,
    /// The UIDs, each after its length in two octets.
    uids: Vec<u8>,
    /// Sizes of 4 GiB and more, by message number.
    large: HashMap<u32, u64>,
    /// Whether the server gives UIDs: in POP3 whether it has UIDL.
    pub has_uids: bool,
    /// The folder, as people read its name; `None` if the protocol has none.
    pub folder: Option<Arc<str>>,
    /// The UIDVALIDITY of the UIDs (`RFC 9051 §2.3.1.1`); `None` if the protocol has none.
    pub validity: Option<u64>,
    /// Why messages may be missing here: some lines of the answers were not rows.
    pub incomplete: Option<Failure>,
}

/// A row in memory.
#[derive(Clone, Copy, Debug)]
struct Slot {
    number: u32,
    /// The offset of its UID, or [`NO_UID`]. Even a million of the longest UIDs take less.
    uid: u32,
    /// Or [`NO_SIZE`], or [`LARGE`]: see [`Listing::large`].
    size: u32,
}

const NO_UID: u32 = u32::MAX;
const NO_SIZE: u32 = u32::MAX;
const LARGE: u32 = u32::MAX - 1;

impl Listing {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The command that tells the UIDs, for failures: UIDL, or UID SEARCH on a server with folders.
    pub fn stage(&self) -> Stage {
        if self.folder.is_some() { Stage::Search } else { Stage::Uidl }
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn number(&self, place: usize) -> u32 {
        self.rows[place].number
    }

    pub fn uid(&self, place: usize) -> Option<&[u8]> {
        let at = Some(self.rows[place].uid).filter(|at| *at != NO_UID)? as usize;
        let (len, rest) = self.uids[at..].split_first_chunk()?;
        rest.get(..usize::from(u16::from_le_bytes(*len)))
    }

    pub fn size(&self, place: usize) -> Option<u64> {
        match self.rows[place].size {
            NO_SIZE => None,
            LARGE => self.large.get(&self.number(place)).copied(),
            size => Some(u64::from(size)),
        }
    }

    /// The UID (empty if there is none) and the size, as the ledger wants them.
    pub fn named(&self, place: usize) -> (&[u8], Option<u64>) {
        (self.uid(place).unwrap_or_default(), self.size(place))
    }

    /// A size as [`Slot`] has it.
    fn held(&mut self, number: u32, size: Option<u64>) -> u32 {
        match size.map(|size| (size, u32::try_from(size))) {
            None => NO_SIZE,
            Some((_, Ok(size))) if size < LARGE => size,
            Some((size, _)) => {
                self.large.insert(number, size);
                LARGE
            }
        }
    }

    pub fn row(&self, place: usize) -> Row {
        let uid = self.uid(place).map(<[u8]>::to_vec);
        let (folder, validity) = (self.folder.clone(), self.validity);
        Row { number: self.number(place), uid, size: self.size(place), folder, validity }
    }

    /// Adds a row at the end. A UID that is too long is left out.
    pub fn push(&mut self, number: u32, uid: Option<&[u8]>, size: Option<u64>) {
        let slot = self.slot(number, uid, size);
        self.rows.push(slot);
    }

    /// Removes a row's UID: a number listed with two UIDs has none.
    pub fn unname(&mut self, place: usize) {
        self.rows[place].uid = NO_UID;
    }

    pub fn set_size(&mut self, place: usize, size: Option<u64>) {
        self.rows[place].size = self.held(self.rows[place].number, size);
    }

    fn slot(&mut self, number: u32, uid: Option<&[u8]>, size: Option<u64>) -> Slot {
        let mut at = NO_UID;
        let fits = |uid: &&[u8]| (1..=MAX_UID).contains(&uid.len());
        if let (Some(uid), Ok(start)) = (uid.filter(fits), u32::try_from(self.uids.len())) {
            at = start;
            self.uids.extend_from_slice(&(uid.len() as u16).to_le_bytes());
            self.uids.extend_from_slice(uid);
        }
        Slot { number, uid: at, size: self.held(number, size) }
    }
}

/// A message as the server lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its number in this session.
    pub number: u32,
    /// Its UID, opaque octets; `None` if the server gave none, an over-long one, or two different ones.
    pub uid: Option<Vec<u8>>,
    /// Its size in octets as the server lists it, a hint; `None` if that is missing or not a number.
    pub size: Option<u64>,
    /// The folder it is in, as people read its name; `None` if the protocol has none.
    pub folder: Option<Arc<str>>,
    /// The UIDVALIDITY under which its UID counts; `None` if the protocol has none.
    pub validity: Option<u64>,
}

impl Row {
    /// The command that told its UID, for failures.
    pub fn listed_by(&self) -> Stage {
        if self.folder.is_some() { Stage::Search } else { Stage::Uidl }
    }

    /// The command that fetches it, for failures.
    pub fn fetched_by(&self) -> Stage {
        if self.folder.is_some() { Stage::UidFetch } else { Stage::Retr }
    }
}

/// Finds rows by their number. Servers usually list in ascending order, and both times in the same: then no
/// search and no map are needed.
#[derive(Debug, Default)]
pub struct Places {
    /// The row after the one found last.
    next: usize,
    /// The place of each number; made once the numbers do not ascend.
    map: Option<HashMap<u32, u32>>,
}

impl Places {
    pub fn of(listing: &Listing) -> Self {
        let rows = &listing.rows;
        let ascend = rows.windows(2).all(|pair| pair[0].number < pair[1].number);
        Places { next: 0, map: (!ascend).then(|| Places::map(rows)) }
    }

    fn map(rows: &[Slot]) -> HashMap<u32, u32> {
        (0..).zip(rows).map(|(place, row)| (row.number, place)).collect()
    }

    /// The place of the row with this number.
    pub fn find(&mut self, listing: &Listing, number: u32) -> Option<usize> {
        let rows = &listing.rows;
        let found = match &self.map {
            _ if rows.get(self.next).is_some_and(|row| row.number == number) => self.next,
            Some(map) => *map.get(&number)? as usize,
            None if rows.last().is_none_or(|last| last.number < number) => return None,
            None => rows.binary_search_by_key(&number, |row| row.number).ok()?,
        };
        self.next = found + 1;
        Some(found)
    }

    /// Adds a row whose number [`Places::find`] did not find.
    pub fn push(&mut self, listing: &mut Listing, number: u32, uid: Option<&[u8]>, size: Option<u64>) {
        let row = listing.slot(number, uid, size);
        let rows = &mut listing.rows;
        match &mut self.map {
            Some(map) => drop(map.insert(row.number, rows.len() as u32)),
            None if rows.last().is_none_or(|last| last.number < row.number) => {}
            None => {
                let mut map = Places::map(rows);
                map.insert(row.number, rows.len() as u32);
                self.map = Some(map);
            }
        }
        rows.push(row);
        self.next = rows.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_they_were_however_large() {
        let mut listing = Listing::default();
        let sizes = [0, 1, 0xffff_fffd, 0xffff_fffe, 0xffff_ffff, 1 << 32, u64::MAX].map(Some);
        (1..).zip(sizes).for_each(|(number, size)| listing.push(number, None, size));
        listing.push(8, None, None);
        let found: Vec<Option<u64>> = (0..listing.len()).map(|place| listing.size(place)).collect();
        assert_eq!((&found[..7], found[7]), (&sizes[..], None));
    }

    #[test]
    fn rows_are_found_by_their_number_in_whatever_order_they_are_listed() {
        let orders: [&[u32]; 7] = [
            &[1, 2, 3, 4],
            &[4, 3, 2, 1],
            &[1, 3, 2, 3, 1, 4],
            &[1, 2, 2, 3],
            &[9, 9, 9],
            &[1, 5, 9, 7, 9, 2],
            &[],
        ];
        for (numbers, again) in orders.iter().flat_map(|order| orders.map(|again| (*order, again))) {
            let (mut listing, mut places) = (Listing::default(), Places::default());
            for number in numbers.iter().copied() {
                let found = places.find(&listing, number);
                assert_eq!(found, listing.rows.iter().position(|row| row.number == number), "{numbers:?}");
                if found.is_none() {
                    places.push(&mut listing, number, None, None);
                }
            }
            let mut places = Places::of(&listing);
            for number in again {
                let found = places.find(&listing, *number);
                let there = listing.rows.iter().position(|row| row.number == *number);
                assert_eq!(found, there, "{numbers:?} {again:?}");
            }
        }
    }
}
