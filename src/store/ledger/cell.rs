//! What a million UIDs are known by, packed into 20 octets each.

use super::known::{Fact, Known, State, Stored};

/// What is known of one UID: one message, or none, as by far the most are. What does not fit here is in a map.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    /// Where its UID begins, 40 bits of it: it ends where the next one's begins.
    start: u32,
    /// The listed size; [`NO_SIZE`] for none.
    size: u32,
    time: u32,
    /// [`Known::at`], 40 bits of it.
    at: u32,
    start_upper: u8,
    at_upper: u8,
    pub records: Records,
    /// Of the bits below.
    pub flags: u8,
}

/// What a [`Cell`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Records {
    #[default]
    None,
    Marked,
    Stored,
    /// It does not fit here.
    Apart,
}

/// The UID was taken out; it keeps its place.
pub(super) const GONE: u8 = 1;
pub(super) const AMBIGUOUS: u8 = 2;
pub(super) const ELSEWHERE: u8 = 4;
const PENDING: u8 = 8;
/// The deletion was confirmed, at the time which stands elsewhere.
pub(super) const DELETED: u8 = 16;

const NO_SIZE: u32 = u32::MAX;
/// What is kept in memory alone has this bit in [`Known::at`], and that bit in a cell.
pub(super) const IN_MEMORY: u64 = 1 << 63;
const IN_MEMORY_HERE: u64 = 1 << 39;

impl Cell {
    /// One of which nothing is known. `start`: where its UID begins.
    pub fn new(start: usize) -> Cell {
        Cell { start: start as u32, start_upper: (start as u64 >> 32) as u8, ..Cell::default() }
    }

    /// The same UID with this message, and that it is gone or ambiguous, where it was. The time of a deletion is
    /// for the caller to keep.
    pub fn with(&self, known: &Known) -> Cell {
        let cell = Cell::of(known).unwrap_or(Cell { records: Records::Apart, ..Cell::default() });
        let flags = cell.flags | self.flags & (GONE | AMBIGUOUS);
        Cell { start: self.start, start_upper: self.start_upper, flags, ..cell }
    }

    /// The same UID, taken out.
    pub fn gone(&self) -> Cell {
        Cell { start: self.start, start_upper: self.start_upper, flags: GONE, ..Cell::default() }
    }

    /// What is known, if it fits.
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

    /// What it says. `deleted`: when a deletion was confirmed.
    pub fn known(&self, deleted: Option<u32>) -> Known {
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

    /// Where its UID begins.
    pub fn start(&self) -> usize {
        (u64::from(self.start) | u64::from(self.start_upper) << 32) as usize
    }

    pub fn is(&self, flag: u8) -> bool {
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
