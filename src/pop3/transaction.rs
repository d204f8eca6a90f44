//! The TRANSACTION state (`RFC 1939 §5`): the listings, DELE, QUIT. RETR and TOP are in `retrieval`.

use super::{Answer, Connection};
use crate::codec::pop3;
use crate::mailbox::{Listing, MAX_UID, Places, Remedy, Setback};
use crate::net::TlsInfo;
use crate::store::Recorded;
use crate::words::{Failure, Kind, Scope, Stage};

/// Which listings are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listings {
    /// UIDL.
    pub uids: bool,
    /// LIST.
    pub sizes: bool,
}

impl Listings {
    pub(super) const NOTHING: Listings = Listings { uids: false, sizes: false };
    /// Both listings.
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

/// The lines of the listings that list no message.
#[derive(Debug, Default)]
struct BadLines {
    odd: usize,
    /// The first of them, and where it stood.
    first: Vec<u8>,
    stage: Option<Stage>,
    /// Whether an answer had such lines and no other.
    without_row: bool,
}

impl BadLines {
    /// Takes such a line. Blank ones are nothing.
    fn add(&mut self, stage: Stage, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        if self.odd == 0 {
            (self.first, self.stage) = (line.to_vec(), Some(stage));
        }
        self.odd += 1;
    }

    /// An answer has ended.
    fn end(&mut self, stage: Stage, valid: bool) {
        self.without_row |= !valid && self.odd > 0 && self.stage == Some(stage);
    }
}

/// What LIST amounted to.
enum Sizes {
    Refused(Failure),
    /// There were rows, and none had a size.
    Odd,
    Listed,
}

/// Whether every UID could be a size: where no size is one, the listings have changed places.
fn looks_like_sizes(listing: &Listing) -> bool {
    listing.has_uids && (0..listing.len()).all(|place| listing.uid(place).and_then(pop3::row_size).is_some())
}

/// The most commands of one flight of DELE, so that neither side can fill the other's buffers.
const DELE_FLIGHT: usize = 1000;

/// A session whose user is known.
#[derive(Debug)]
pub struct Transaction {
    pub(super) dialogue: Connection,
    wanted: Listings,
    /// Whether they went out behind the login, and their answers are not in yet.
    pub(super) riding: bool,
    /// How it failed.
    pub(super) setback: Option<Setback>,
    /// Whether the failure was the receiver's.
    pub(super) local: bool,
}

impl Transaction {
    /// `riding`: the listings that are wanted went out behind the login.
    pub(super) fn new(dialogue: Connection, wanted: Listings, riding: bool) -> Self {
        Transaction { dialogue, wanted, riding, setback: None, local: false }
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
        self.dialogue.command(Stage::Stat, "STAT")?;
        self.dialogue.flush(Stage::Stat)?;
        let text = self.dialogue.expect_ok(Stage::Stat)?;
        let mut words = text.split(u8::is_ascii_whitespace).map(pop3::row_size);
        Ok((words.next().flatten(), words.next().flatten()))
    }

    /// Reads the listings the login was told of. The numbers of UIDL are the truth; LIST adds sizes, and
    /// messages that UIDL leaves out.
    pub fn listing(&mut self) -> Result<Listing, Failure> {
        let together = self.pipelines();
        self.read_listing().inspect_err(|failure| {
            let broken = matches!(failure.kind, Kind::Protocol | Kind::Network | Kind::Timeout);
            let remedy = match self.riding {
                true => self.unseat(),
                false => Remedy::WithoutPipelining,
            };
            self.setback = (together && broken).then_some(Setback { remedy, at: None });
        })
    }

    fn read_listing(&mut self) -> Result<Listing, Failure> {
        let wanted = std::mem::replace(&mut self.wanted, Listings::NOTHING);
        let together = self.pipelines();
        if together && !self.riding {
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
        self.riding = false;
        self.verify(listing, lines, refused)
    }

    /// Where the listings alone cannot be believed, STAT has the last word: where they have no row, or lines
    /// that are none. A server may refuse to list an empty mailbox.
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
            // It says nothing then. Where all that was asked for came, and came empty, that is no failure.
            Err(failure) if matches!(failure.kind, Kind::Rejected | Kind::Deferred | Kind::Auth) => None,
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
        let message = format!("{stage}: {odd} line(s) of the answer list no message, such as: {shown}");
        Failure::new(Kind::Protocol, stage, message).at(place)
    }

    fn none_of(&mut self, count: u64) -> Failure {
        let place = self.dialogue.wire.place();
        let message = format!("LIST: the server lists no message, and STAT says that it has {count}");
        Failure::new(Kind::Protocol, Stage::List, message).at(place)
    }

    fn uidl(&mut self, listing: &mut Listing, seen: &mut BadLines) -> Result<(), Failure> {
        self.expect_soon(Stage::Uidl)?;
        match self.dialogue.answer(Stage::Uidl)?.0 {
            Answer::Ok(_) => {}
            // It may have got a part of the command, though it announces UIDL.
            Answer::Err(_) if self.riding => return Err(self.dialogue.out_of_order(Stage::Uidl)),
            // Whether a server has UIDL is known only by asking: some leave it out of CAPA.
            Answer::Err(text) => {
                return match pop3::refusal(&text) {
                    pop3::Refusal::Unsaid => Ok(()),
                    _ => Err(self.dialogue.refused(Stage::Uidl, &text)),
                };
            }
            Answer::Continue(text) => return Err(self.dialogue.out_of_step(Stage::Uidl, &text)),
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
                // A number listed twice with two UIDs names neither.
                Some(place) if listing.uid(place) != uid => listing.unname(place),
                Some(_) => {}
                None => places.push(listing, number, uid, None),
            }
        })?;
        seen.end(Stage::Uidl, valid);
        Ok(())
    }

    /// Adds sizes.
    fn list(&mut self, listing: &mut Listing, seen: &mut BadLines) -> Result<Sizes, Failure> {
        self.expect_soon(Stage::List)?;
        match self.dialogue.answer(Stage::List)?.0 {
            Answer::Ok(_) => {}
            Answer::Err(text) => {
                let failure = self.dialogue.refused(Stage::List, &text);
                return match pop3::refusal(&text) {
                    pop3::Refusal::Temporary => Err(failure),
                    _ => Ok(Sizes::Refused(failure)),
                };
            }
            Answer::Continue(text) => return Err(self.dialogue.out_of_step(Stage::List, &text)),
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

    /// Marks messages deleted (`RFC 1939 §5 DELE`); they go at QUIT. Each needs the proof that it is safe
    /// here. One refusal does not stop the rest: the result has a failure, or none, for each.
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
                    Answer::Ok(_) => None,
                    Answer::Err(text) => Some(self.dialogue.refused(Stage::Dele, &text)),
                    Answer::Continue(text) => return Err(self.dialogue.out_of_step(Stage::Dele, &text)),
                });
            }
        }
        Ok(())
    }

    /// Ends the session (`RFC 1939 §6`) and waits for the server's word: only then deletions are real.
    pub fn quit(mut self) -> Result<(), Failure> {
        self.dialogue.command(Stage::Quit, "QUIT")?;
        self.dialogue.flush(Stage::Quit)?;
        self.dialogue.expect_ok(Stage::Quit).map(|_| ())
    }

    /// Ends a session in which nothing was deleted: the server's word changes nothing and is not awaited.
    pub fn leave(mut self) {
        // Nothing depends on it.
        let _ = self.dialogue.command(Stage::Quit, "QUIT").and_then(|()| self.dialogue.flush(Stage::Quit));
    }
}
