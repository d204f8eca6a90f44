//! The TRANSACTION state (`RFC 1939 §5`): the listings, DELE, QUIT. RETR and TOP are in `retrieval`.

use super::{Connection, StatusAnswer};
use crate::codec::pop3;
use crate::mailbox::{Listing, MAX_UID, Places, Remedy, Setback};
use crate::store::Recorded;
use crate::words::{Failure, Kind, Scope, Stage};

/// Which listings to ask for: UIDL, LIST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listings {
    pub uids: bool,
    pub sizes: bool,
}

impl Listings {
    pub(super) const NOTHING: Listings = Listings { uids: false, sizes: false };
    pub const FULL: Listings = Listings { uids: true, sizes: true };

    pub(super) fn send(self, dialogue: &mut Connection) -> Result<(), Failure> {
        if self.uids {
            dialogue.command(Stage::Uidl, "UIDL")?;
        }
        if self.sizes {
            dialogue.command(Stage::List, "LIST")?;
        }
        Ok(())
    }
}

/// The lines of the listings that are not rows.
#[derive(Debug, Default)]
struct BadLines {
    odd: usize,
    /// The first of them, and in which listing.
    first: Vec<u8>,
    stage: Option<Stage>,
    /// Whether a listing had only such lines.
    without_row: bool,
}

impl BadLines {
    /// Takes such a line. Blank ones do not count.
    fn add(&mut self, stage: Stage, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        if self.odd == 0 {
            (self.first, self.stage) = (line.to_vec(), Some(stage));
        }
        self.odd += 1;
    }

    /// Ends a listing; `valid`: it had at least one row.
    fn end(&mut self, stage: Stage, valid: bool) {
        self.without_row |= !valid && self.odd > 0 && self.stage == Some(stage);
    }
}

/// The result of LIST.
enum Sizes {
    Refused(Failure),
    /// There were rows, but none with a size.
    Odd,
    Listed,
}

/// Whether every UID could be a size. If no size is a number, the two listings were swapped.
fn looks_like_sizes(listing: &Listing) -> bool {
    listing.has_uids && (0..listing.len()).all(|place| listing.uid(place).and_then(pop3::row_size).is_some())
}

/// The most DELE in one flight, so that neither side can fill the other's buffers.
const DELE_FLIGHT: usize = 1000;

/// A session after the login.
#[derive(Debug)]
pub struct Transaction {
    pub(super) dialogue: Connection,
    wanted: Listings,
    /// Whether they were sent with the login, and their answers are not read yet.
    pub(super) listed_early: bool,
    pub(super) setback: Option<Setback>,
    /// Whether the failure was the receiver's.
    pub(super) local: bool,
}

impl Transaction {
    /// `listed_early`: the wanted listings were sent with the login.
    pub(super) fn new(dialogue: Connection, wanted: Listings, listed_early: bool) -> Self {
        Transaction { dialogue, wanted, listed_early, setback: None, local: false }
    }

    /// Whether several commands may be in flight.
    pub fn pipelines(&self) -> bool {
        self.dialogue.capabilities.pipelining
    }

    /// What may help in another session, after the last command failed.
    pub fn setback(&self) -> Option<Setback> {
        self.setback
    }

    /// From now on a bare LF ends the lines of a message.
    pub fn expect_bare_lines(&mut self) {
        self.dialogue.bare_lines = true;
    }

    pub fn capabilities(&self) -> &pop3::Capabilities {
        &self.dialogue.capabilities
    }

    /// The number of messages and their octets (STAT, `RFC 1939 §5`); `None` for what is not a number.
    pub fn stat(&mut self) -> Result<(Option<u64>, Option<u64>), Failure> {
        self.dialogue.command(Stage::Stat, "STAT")?;
        self.dialogue.flush(Stage::Stat)?;
        let text = self.dialogue.expect_ok(Stage::Stat)?;
        let mut words = text.split(u8::is_ascii_whitespace).map(pop3::row_size);
        Ok((words.next().flatten(), words.next().flatten()))
    }

    /// Gets the listings that [`Authorization::login`](super::Authorization::login) was given. LIST adds sizes to
    /// the rows of UIDL, and messages that UIDL leaves out.
    pub fn listing(&mut self) -> Result<Listing, Failure> {
        let together = self.pipelines();
        self.read_listing().inspect_err(|failure| {
            let broken = matches!(failure.kind(), Kind::Protocol | Kind::Network | Kind::Timeout);
            let remedy = match self.listed_early {
                true => self.early_listings_failed(),
                false => Remedy::WithoutPipelining,
            };
            self.setback = (together && broken).then_some(Setback { remedy, at: None });
        })
    }

    fn read_listing(&mut self) -> Result<Listing, Failure> {
        let wanted = std::mem::replace(&mut self.wanted, Listings::NOTHING);
        let together = self.pipelines();
        if together && !self.listed_early {
            wanted.send(&mut self.dialogue)?;
            self.dialogue.flush(Stage::Uidl)?;
        }
        let mut listing = Listing::default();
        let mut lines = BadLines::default();
        if wanted.uids {
            if !together {
                Listings { uids: true, sizes: false }.send(&mut self.dialogue)?;
                self.dialogue.flush(Stage::Uidl)?;
            }
            self.uidl(&mut listing, &mut lines)?;
        }
        let mut refused = None;
        if wanted.sizes {
            if !together {
                Listings { uids: false, sizes: true }.send(&mut self.dialogue)?;
                self.dialogue.flush(Stage::List)?;
            }
            match self.list(&mut listing, &mut lines)? {
                Sizes::Refused(failure) => refused = Some(failure),
                Sizes::Odd if together && looks_like_sizes(&listing) => {
                    return Err(self.dialogue.out_of_order(Stage::Uidl));
                }
                Sizes::Odd | Sizes::Listed => {}
            }
        }
        self.listed_early = false;
        self.verify(listing, lines, refused)
    }

    /// Asks STAT if the listings have no rows, or lines that are not rows. (A server may refuse to list an empty
    /// mailbox.)
    fn verify(
        &mut self,
        mut listing: Listing,
        lines: BadLines,
        refused: Option<Failure>,
    ) -> Result<Listing, Failure> {
        if lines.without_row {
            return Err(self.no_listing(&lines));
        }
        if !listing.is_empty() && lines.odd == 0 {
            return match refused {
                Some(failure) if !listing.has_uids => Err(failure),
                _ => Ok(listing),
            };
        }
        let count = match self.stat() {
            Ok((count, _)) => count,
            // STAT failed. If both listings came and were empty, that does not matter.
            Err(failure) if matches!(failure.kind(), Kind::Rejected | Kind::Deferred | Kind::Auth) => None,
            Err(_) if listing.is_empty() && listing.has_uids && refused.is_none() => None,
            Err(failure) => return Err(failure),
        };
        if listing.is_empty() {
            return match (count, refused) {
                (Some(0), _) => {
                    listing.has_uids = true;
                    Ok(listing)
                }
                (None, None) => Ok(listing),
                (None, Some(_)) if listing.has_uids => Ok(listing),
                (_, Some(failure)) => Err(failure),
                (Some(count), None) => Err(self.none_of(count)),
            };
        }
        if count != Some(listing.len() as u64) {
            listing.incomplete = Some(self.no_listing(&lines).scoped(Scope::Account));
        }
        Ok(listing)
    }

    fn no_listing(&mut self, lines: &BadLines) -> Failure {
        let place = self.dialogue.wire.place();
        let line = self.dialogue.wire.redact(&lines.first);
        let (stage, odd) = (lines.stage.unwrap_or(Stage::List), lines.odd);
        let shown = super::shorten(&line);
        let message = format!("{stage}: {odd} line(s) of the answer are not of a listing, such as: {shown}");
        Failure::new(Kind::Protocol, stage, message).at(place)
    }

    fn none_of(&mut self, count: u64) -> Failure {
        let place = self.dialogue.wire.place();
        let message = format!("LIST: the server lists no message, but STAT says that there are {count}");
        Failure::new(Kind::Protocol, Stage::List, message).at(place)
    }

    fn uidl(&mut self, listing: &mut Listing, seen: &mut BadLines) -> Result<(), Failure> {
        self.expect_soon(Stage::Uidl)?;
        match self.dialogue.answer(Stage::Uidl)?.0 {
            StatusAnswer::Ok(_) => {}
            // UIDL is announced, so the server may have received only a part of the command.
            StatusAnswer::Err(_) if self.listed_early => return Err(self.dialogue.out_of_order(Stage::Uidl)),
            // Not a failure: some servers have no UIDL, and some that have it leave it out of CAPA.
            StatusAnswer::Err(text) => {
                return match pop3::refusal(&text) {
                    pop3::Refusal::Unstated => Ok(()),
                    _ => Err(self.dialogue.refused(Stage::Uidl, &text)),
                };
            }
            StatusAnswer::Continue(text) => return Err(self.dialogue.out_of_step(Stage::Uidl, &text)),
        }
        listing.has_uids = true;
        let mut places = Places::default();
        let mut valid = false;
        self.dialogue.lines(Stage::Uidl, pop3::MAX_ROWS, |line| {
            let Some(line) = line else { return valid = true };
            let Some((number, uid)) = pop3::row(line) else { return seen.add(Stage::Uidl, line) };
            valid = true;
            let uid = Some(uid).filter(|uid| (1..=MAX_UID).contains(&uid.len()));
            match places.find(listing, number) {
                // A number with two UIDs has none.
                Some(place) if listing.uid(place) != uid => listing.unname(place),
                Some(_) => {}
                None => places.push(listing, number, uid, None),
            }
        })?;
        seen.end(Stage::Uidl, valid);
        Ok(())
    }

    fn list(&mut self, listing: &mut Listing, seen: &mut BadLines) -> Result<Sizes, Failure> {
        self.expect_soon(Stage::List)?;
        match self.dialogue.answer(Stage::List)?.0 {
            StatusAnswer::Ok(_) => {}
            StatusAnswer::Err(text) => {
                let failure = self.dialogue.refused(Stage::List, &text);
                return match pop3::refusal(&text) {
                    pop3::Refusal::Temporary => Err(failure),
                    _ => Ok(Sizes::Refused(failure)),
                };
            }
            StatusAnswer::Continue(text) => return Err(self.dialogue.out_of_step(Stage::List, &text)),
        }
        let mut places = Places::of(listing);
        let (mut valid, mut sized) = (false, false);
        self.dialogue.lines(Stage::List, pop3::MAX_ROWS, |line| {
            let Some(line) = line else { return valid = true };
            let Some((number, rest)) = pop3::row(line) else { return seen.add(Stage::List, line) };
            valid = true;
            let size = pop3::row_size(rest);
            sized |= size.is_some();
            match places.find(listing, number) {
                Some(place) => listing.set_size(place, size),
                None => places.push(listing, number, None, size),
            }
        })?;
        seen.end(Stage::List, valid);
        Ok(if valid && !sized { Sizes::Odd } else { Sizes::Listed })
    }

    /// Marks messages as deleted (DELE, `RFC 1939 §5`); the server removes them at QUIT. Each needs the proof that
    /// it is stored durably. A refusal does not stop the rest: the result has a failure or `None` for each.
    ///
    /// ```
    /// use postie::{pop3::Transaction, store::Recorded, words::Failure};
    /// fn delete(session: &mut Transaction, proof: &Recorded) -> Result<Vec<Option<Failure>>, Failure> {
    ///     session.dele(&[(7, proof)])
    /// }
    /// ```
    ///
    /// Deleting without proof does not compile:
    ///
    /// ```compile_fail,E0308
    /// use postie::{pop3::Transaction, store::Recorded, words::Failure};
    /// fn delete(session: &mut Transaction, proof: &()) -> Result<Vec<Option<Failure>>, Failure> {
    ///     session.dele(&[(7, proof)])
    /// }
    /// ```
    pub fn dele(&mut self, messages: &[(u32, &Recorded)]) -> Result<Vec<Option<Failure>>, Failure> {
        let flight = if self.pipelines() { DELE_FLIGHT } else { 1 };
        let mut results = Vec::with_capacity(messages.len());
        match self.dele_in_flights(messages, flight, &mut results) {
            Ok(()) => Ok(results),
            Err(failure) => {
                let together = flight.min(messages.len()) > 1;
                let remedy = match failure.kind() {
                    Kind::Protocol if together => Some(Remedy::WithoutPipelining),
                    // A connection lost here says nothing about PIPELINING.
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
        messages: &[(u32, &Recorded)],
        flight: usize,
        results: &mut Vec<Option<Failure>>,
    ) -> Result<(), Failure> {
        for some in messages.chunks(flight) {
            for (number, _) in some {
                self.dialogue.command(Stage::Dele, &format!("DELE {number}"))?;
            }
            self.dialogue.flush(Stage::Dele)?;
            for _ in some {
                results.push(match self.dialogue.answer(Stage::Dele)?.0 {
                    StatusAnswer::Ok(_) => None,
                    StatusAnswer::Err(text) => Some(self.dialogue.refused(Stage::Dele, &text)),
                    StatusAnswer::Continue(text) => {
                        return Err(self.dialogue.out_of_step(Stage::Dele, &text));
                    }
                });
            }
        }
        Ok(())
    }

    /// Sends QUIT (`RFC 1939 §6`) and waits for the reply: only `+OK` makes the deletions certain.
    pub fn quit(mut self) -> Result<(), Failure> {
        self.dialogue.command(Stage::Quit, "QUIT")?;
        self.dialogue.flush(Stage::Quit)?;
        self.dialogue.expect_ok(Stage::Quit).map(|_| ())
    }

    /// Sends QUIT after a session that deleted nothing: the reply does not matter and is not awaited.
    pub fn leave(mut self) {
        // Best effort: nothing depends on it.
        let _ = self.dialogue.command(Stage::Quit, "QUIT").and_then(|()| self.dialogue.flush(Stage::Quit));
    }
}
