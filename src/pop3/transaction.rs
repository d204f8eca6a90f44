//! The TRANSACTION state (`RFC 1939 §5`): the listings, DELE, QUIT. RETR and TOP are in `retrieval`.

use super::{Answer, Dialogue, Remedy, Setback};
use crate::codec::pop3;
use crate::net::TlsInfo;
use crate::words::{DurablyRecorded, Failure, Kind};
use std::collections::HashMap;

/// Which listings are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// UIDL.
    pub uids: bool,
    /// LIST.
    pub sizes: bool,
}

impl Survey {
    /// No listing.
    pub const NOTHING: Survey = Survey { uids: false, sizes: false };
    /// Both listings.
    pub const FULL: Survey = Survey { uids: true, sizes: true };

    pub(super) fn send(self, dialogue: &mut Dialogue) -> Result<(), Failure> {
        if self.uids {
            dialogue.command("UIDL")?;
        }
        if self.sizes {
            dialogue.command("LIST")?;
        }
        Ok(())
    }
}

/// What the server lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The messages, in the server's order.
    pub rows: Vec<Row>,
    /// Whether the server has UIDL.
    pub has_uids: bool,
}

impl Listing {
    /// Whether every UID could be a size: where no size is one, the listings have changed places.
    fn looks_like_sizes(&self) -> bool {
        self.has_uids && self.rows.iter().all(|row| row.uid.as_deref().and_then(pop3::row_size).is_some())
    }
}

/// A message as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number in this session.
    pub number: u32,
    /// Its UID, opaque octets; `None` where the server named none, an over-long one, or contradicted itself.
    pub uid: Option<Vec<u8>>,
    /// Its size as LIST has it: a hint, `None` where the server named none or no number.
    pub size: Option<u64>,
}

/// The most commands of one flight of DELE, so that neither side can fill the other's buffers.
const DELE_FLIGHT: usize = 1000;

/// A session whose user is known.
#[derive(Debug)]
pub struct Transaction {
    pub(super) dialogue: Dialogue,
    wanted: Survey,
    sent: Survey,
    /// How it failed.
    pub(super) setback: Option<Setback>,
    /// Whether the failure was the receiver's.
    pub(super) local: bool,
}

impl Transaction {
    pub(super) fn new(dialogue: Dialogue, wanted: Survey, sent: Survey) -> Self {
        Transaction { dialogue, wanted, sent, setback: None, local: false }
    }

    /// The server's name for failures.
    pub fn place(&self) -> &str {
        self.dialogue.wire.place()
    }

    /// What TLS agreed on, if it is up.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.dialogue.wire.tls()
    }

    /// Whether commands go out before the replies to those before them are in.
    pub fn pipelines(&self) -> bool {
        self.dialogue.capabilities.pipelining
    }

    /// How the last command failed, as far as another session may fare better.
    pub fn setback(&self) -> Option<Setback> {
        self.setback
    }

    /// From now on a bare LF ends a line of a message.
    pub fn expect_bare_lines(&mut self) {
        self.dialogue.bare_lines = true;
    }

    /// What the server can do, as far as it said.
    pub fn capabilities(&self) -> &pop3::Capabilities {
        &self.dialogue.capabilities
    }

    /// Number of messages and their octets (`RFC 1939 §5 STAT`), as far as the server tells.
    pub fn stat(&mut self) -> Result<(Option<u64>, Option<u64>), Failure> {
        self.dialogue.command("STAT")?;
        self.dialogue.flush("STAT")?;
        let text = self.dialogue.expect_ok("STAT")?;
        let mut words = text.split(u8::is_ascii_whitespace).map(pop3::row_size);
        Ok((words.next().flatten(), words.next().flatten()))
    }

    /// Reads the listings the login was told of. The numbers of UIDL are the truth; LIST adds sizes, and
    /// messages that UIDL leaves out.
    pub fn listing(&mut self) -> Result<Listing, Failure> {
        let together = self.pipelines();
        self.read_listing().inspect_err(|failure| {
            let broken = matches!(failure.kind, Kind::Protocol | Kind::Network | Kind::Timeout);
            let remedy = Remedy::WithoutPipelining;
            self.setback = (together && broken).then_some(Setback { remedy, at: None });
        })
    }

    fn read_listing(&mut self) -> Result<Listing, Failure> {
        let wanted = std::mem::replace(&mut self.wanted, Survey::NOTHING);
        let sent = std::mem::replace(&mut self.sent, Survey::NOTHING);
        let together = self.pipelines();
        if sent == Survey::NOTHING && together {
            wanted.send(&mut self.dialogue)?;
            self.dialogue.flush("UIDL")?;
        }
        let ahead = sent != Survey::NOTHING || together;
        let mut listing = Listing::default();
        if wanted.uids {
            if !ahead {
                Survey { uids: true, sizes: false }.send(&mut self.dialogue)?;
                self.dialogue.flush("UIDL")?;
            }
            self.uidl(&mut listing)?;
        }
        if wanted.sizes {
            if !ahead {
                Survey { uids: false, sizes: true }.send(&mut self.dialogue)?;
                self.dialogue.flush("LIST")?;
            }
            let sized = self.list(&mut listing)?;
            if ahead && sized == Some(false) && listing.looks_like_sizes() {
                return Err(self.dialogue.out_of_order("UIDL"));
            }
        }
        Ok(listing)
    }

    fn uidl(&mut self, listing: &mut Listing) -> Result<(), Failure> {
        match self.dialogue.answer("UIDL")?.0 {
            Answer::Ok(_) => {}
            // Whether a server has UIDL is known only by asking: some leave it out of CAPA.
            Answer::Err(text) => {
                return match pop3::refusal(&text) {
                    pop3::Refusal::Unsaid => Ok(()),
                    _ => Err(self.dialogue.refused("UIDL", &text)),
                };
            }
            Answer::Continue(text) => return Err(self.dialogue.out_of_step("UIDL", &text)),
        }
        listing.has_uids = true;
        let rows = &mut listing.rows;
        let mut places = Places::default();
        self.dialogue.lines("UIDL", pop3::MAX_ROWS, |line| {
            let Some((number, uid)) = line.and_then(pop3::row) else { return };
            let uid = (1..=pop3::MAX_UID).contains(&uid.len()).then(|| uid.to_vec());
            match places.find(rows, number) {
                // A number listed twice with two UIDs names neither.
                Some(place) if rows[place].uid != uid => rows[place].uid = None,
                Some(_) => {}
                None => places.push(rows, Row { number, uid, size: None }),
            }
        })
    }

    /// Adds sizes; says whether any row had one, if there were rows.
    fn list(&mut self, listing: &mut Listing) -> Result<Option<bool>, Failure> {
        match self.dialogue.answer("LIST")?.0 {
            Answer::Ok(_) => {}
            Answer::Err(text) if listing.has_uids && pop3::refusal(&text) != pop3::Refusal::Temporary => {
                return Ok(None);
            }
            Answer::Err(text) => return Err(self.dialogue.refused("LIST", &text)),
            Answer::Continue(text) => return Err(self.dialogue.out_of_step("LIST", &text)),
        }
        let rows = &mut listing.rows;
        let mut places = Places::of(rows);
        let mut sized = None;
        self.dialogue.lines("LIST", pop3::MAX_ROWS, |line| {
            let Some((number, rest)) = line.and_then(pop3::row) else { return };
            let size = pop3::row_size(rest);
            sized = Some(sized == Some(true) || size.is_some());
            match places.find(rows, number) {
                Some(place) => rows[place].size = size,
                None => places.push(rows, Row { number, uid: None, size }),
            }
        })?;
        Ok(sized)
    }

    /// Marks messages deleted (`RFC 1939 §5 DELE`); they go at QUIT. Each needs the proof that it is safe
    /// here. One refusal does not stop the rest: the result has a failure, or none, for each.
    pub fn dele(
        &mut self,
        messages: &[(u32, &dyn DurablyRecorded)],
    ) -> Result<Vec<Option<Failure>>, Failure> {
        let flight = if self.pipelines() { DELE_FLIGHT } else { 1 };
        let mut results = Vec::with_capacity(messages.len());
        match self.dele_in_flights(messages, flight, &mut results) {
            Ok(()) => Ok(results),
            Err(failure) => {
                let together = flight.min(messages.len()) > 1;
                let remedy = match failure.kind {
                    Kind::Protocol if together => Some(Remedy::WithoutPipelining),
                    // A line that is lost here says nothing about PIPELINING.
                    Kind::Network | Kind::Timeout => Some(Remedy::Again),
                    _ => None,
                };
                self.setback = remedy.map(|remedy| Setback { remedy, at: Some(results.len()) });
                Err(failure)
            }
        }
    }

    fn dele_in_flights(
        &mut self,
        messages: &[(u32, &dyn DurablyRecorded)],
        flight: usize,
        results: &mut Vec<Option<Failure>>,
    ) -> Result<(), Failure> {
        for some in messages.chunks(flight) {
            for (number, _) in some {
                self.dialogue.command(&format!("DELE {number}"))?;
            }
            self.dialogue.flush("DELE")?;
            for _ in some {
                results.push(match self.dialogue.answer("DELE")?.0 {
                    Answer::Ok(_) => None,
                    Answer::Err(text) => Some(self.dialogue.refused("DELE", &text)),
                    Answer::Continue(text) => return Err(self.dialogue.out_of_step("DELE", &text)),
                });
            }
        }
        Ok(())
    }

    /// Ends the session (`RFC 1939 §6`) and waits for the server's word: only then deletions are real.
    pub fn quit(mut self) -> Result<(), Failure> {
        self.dialogue.command("QUIT")?;
        self.dialogue.flush("QUIT")?;
        self.dialogue.expect_ok("QUIT").map(|_| ())
    }

    /// Ends a session in which nothing was deleted: the server's word changes nothing and is not awaited.
    pub fn leave(mut self) {
        // Nothing depends on it.
        let _ = self.dialogue.command("QUIT").and_then(|()| self.dialogue.flush("QUIT"));
    }
}

/// Finds rows by their number. Servers list in ascending order, and twice in the same: then there is
/// nothing to search, and no map is made.
#[derive(Debug, Default)]
struct Places {
    /// The row behind the one found last.
    next: usize,
    /// Where each number stands, once they were seen not to ascend.
    map: Option<HashMap<u32, usize>>,
}

impl Places {
    fn of(rows: &[Row]) -> Self {
        let ascend = rows.windows(2).all(|pair| pair[0].number < pair[1].number);
        Places { next: 0, map: (!ascend).then(|| Places::map(rows)) }
    }

    fn map(rows: &[Row]) -> HashMap<u32, usize> {
        rows.iter().enumerate().map(|(place, row)| (row.number, place)).collect()
    }

    fn find(&mut self, rows: &[Row], number: u32) -> Option<usize> {
        let found = match &self.map {
            _ if rows.get(self.next).is_some_and(|row| row.number == number) => self.next,
            Some(map) => *map.get(&number)?,
            None if rows.last().is_none_or(|last| last.number < number) => return None,
            None => rows.binary_search_by_key(&number, |row| row.number).ok()?,
        };
        self.next = found + 1;
        Some(found)
    }

    /// Adds a row whose number is not there.
    fn push(&mut self, rows: &mut Vec<Row>, row: Row) {
        match &mut self.map {
            Some(map) => drop(map.insert(row.number, rows.len())),
            None if rows.last().is_none_or(|last| last.number < row.number) => {}
            None => {
                let mut map = Places::map(rows);
                map.insert(row.number, rows.len());
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
            let (mut rows, mut places) = (Vec::new(), Places::default());
            for number in numbers.iter().copied() {
                let found = places.find(&rows, number);
                assert_eq!(found, rows.iter().position(|row: &Row| row.number == number), "{numbers:?}");
                if found.is_none() {
                    places.push(&mut rows, Row { number, uid: None, size: None });
                }
            }
            let mut places = Places::of(&rows);
            for number in again {
                let found = places.find(&rows, *number);
                assert_eq!(found, rows.iter().position(|row| row.number == *number), "{numbers:?} {again:?}");
            }
        }
    }
}
