//! What is known of a UID, in 20 octets: a ledger may have a million of them.

use super::known::{Fact, Known, ServerState, Stored};

/// What is known of one UID: one message, or nothing, as for nearly all. Anything else is in a map.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    /// The lower bits of the offset at which its UID begins, which has 40 bits. It ends where the next UID
    /// begins.
    start: u32,
    /// The listed size; [`NO_SIZE`] if there is none.
    size: u32,
    time: u32,
    /// The lower bits of [`Known::at`], which has 40 bits.
    at: u32,
    start_upper: u8,
    at_upper: u8,
    pub records: Records,
    /// The constants below, combined.
    pub flags: u8,
}

/// The meaning of a [`Cell`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Records {
    #[default]
    None,
    Marked,
    Stored,
    /// Too much for a cell: the map has it.
    Apart,
}

/// The UID was removed; it keeps its place.
pub(super) const GONE: u8 = 1;
pub(super) const AMBIGUOUS: u8 = 2;
pub(super) const ELSEWHERE: u8 = 4;
const PENDING: u8 = 8;
/// The deletion was confirmed; the time is kept elsewhere.
pub(super) const DELETED: u8 = 16;

const NO_SIZE: u32 = u32::MAX;
/// Set in [`Known::at`], and in the cell, if the message is kept in memory only.
pub(super) const IN_MEMORY: u64 = 1 << 63;
const IN_MEMORY_HERE: u64 = 1 << 39;

impl Cell {
    /// A UID of which nothing is known. `start`: where its octets begin.
    pub fn new(start: usize) -> Cell {
        Cell { start: start as u32, start_upper: (start as u64 >> 32) as u8, ..Cell::default() }
    }

    /// The same UID with this message; flags that say that it is removed or ambiguous stay. The caller keeps
    /// the time of a deletion.
    pub fn with(&self, known: &Known) -> Cell {
        let cell = Cell::of(known).unwrap_or(Cell { records: Records::Apart, ..Cell::default() });
        let flags = cell.flags | self.flags & (GONE | AMBIGUOUS);
        Cell { start: self.start, start_upper: self.start_upper, flags, ..cell }
    }

    /// The same UID, removed.
    pub fn gone(&self) -> Cell {
        Cell { start: self.start, start_upper: self.start_upper, flags: GONE, ..Cell::default() }
    }

    /// A cell for what is known, if it fits into one.
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

    /// What the cell says. `deleted`: when the deletion was confirmed.
    pub fn known(&self, deleted: Option<u32>) -> Known {
        let at = u64::from(self.at) | u64::from(self.at_upper) << 32;
        let at = if at < IN_MEMORY_HERE { at } else { at & !IN_MEMORY_HERE | IN_MEMORY };
        let state = match self.flags & (PENDING | DELETED) {
            0 => ServerState::Kept,
            PENDING => ServerState::Pending,
            _ => ServerState::Deleted(u64::from(deleted.unwrap_or(0))),
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

fn flags_of(state: ServerState) -> Option<u8> {
    Some(match state {
        ServerState::Kept => 0,
        ServerState::Pending => PENDING,
        ServerState::Deleted(time) => u32::try_from(time).map(|_| DELETED).ok()?,
    })
}
