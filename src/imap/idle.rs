//! Waiting for new mail: IDLE (`RFC 2177`), with a look before it at what has come since the mailbox was listed.
//!
//! While a session idles nothing but DONE may be sent, so [`Idling`] can do nothing else. Servers tell in IDLE what
//! comes while it lasts, and some forget what came just before: that is why each IDLE begins with a look.

use super::{Authenticated, Connection, OpenMailbox};
use crate::codec::imap::{Command, DONE, Response, Tag};
use crate::net::NetError;
use crate::streams::{Halt, Waited, wait_or_reader_gone};
use crate::words::{Failure, Stage};
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

const STAGE: Stage = Stage::Idle;

/// The most mailboxes whose extents are kept.
const MOST_EXTENTS: usize = 1000;

/// What a listing went up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    validity: Option<u64>,
    highest: u32,
}

/// Whether there is something that the session has not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Yes,
    No,
    /// This session has not listed the mailbox.
    Unknown,
    /// The server does not search, so that this cannot be told.
    Untold,
}

/// What the server told, or why the wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// There are more messages.
    More,
    /// Something that may or may not mean more messages.
    Perhaps,
    /// The time has come.
    Due,
    /// Nobody reads standard output any more.
    ReaderGone,
    /// The run has to end.
    Halt(Halt),
}

/// A mailbox whose server tells what happens in it.
#[derive(Debug)]
pub struct Idling {
    connection: Connection,
    tag: Tag,
    /// How many messages there are.
    exists: u32,
}

/// Why there is no [`Idling`]: the server refuses it, or does not answer. The session is over.
#[derive(Debug)]
pub struct NotIdling(pub Failure);

impl OpenMailbox {
    /// Notes what was listed.
    pub(super) fn note_extent(&mut self) {
        let extent = self.extent(self.uids.last().copied());
        let listed = &mut self.connection.listed;
        let has_room = listed.len() < MOST_EXTENTS;
        match listed.entry(self.name.clone()) {
            Entry::Occupied(mut known) => drop(known.insert(extent)),
            Entry::Vacant(place) if has_room => drop(place.insert(extent)),
            Entry::Vacant(_) => {}
        }
    }

    fn extent(&self, highest: Option<u32>) -> Extent {
        Extent { validity: self.opening.validity(), highest: highest.unwrap_or(0) }
    }

    /// Whether there is something that the session has not listed when it last did. To be asked when the mailbox has
    /// just been opened.
    pub fn news(&mut self) -> Result<News, Failure> {
        let Some(tag) = self.search.take() else { return Ok(News::Unknown) };
        let Some(found) = self.connection.found(Stage::Search, tag)? else { return Ok(News::Untold) };
        let now = self.extent(found.ranges().iter().map(|(_, last)| *last).max());
        Ok(match self.connection.listed.get(&self.name) {
            None => News::Unknown,
            Some(known) if known.validity != now.validity || known.highest < now.highest => News::Yes,
            Some(_) => News::No,
        })
    }

    /// Has the server tell what happens.
    pub fn idle(mut self) -> Result<Idling, NotIdling> {
        let exists = self.opening.exists;
        let tag = begin(&mut self.connection).map_err(NotIdling)?;
        Ok(Idling { connection: self.connection, tag, exists })
    }
}

/// Sends IDLE and waits for `+`.
fn begin(connection: &mut Connection) -> Result<Tag, Failure> {
    let tag = connection.send(STAGE, &Command::idle())?;
    connection.wire.begin();
    loop {
        connection.skip_to_response(STAGE)?;
        match connection.response(STAGE)? {
            Response::Continue(_) => return Ok(tag),
            Response::Tagged { tag: own, .. } if tag.is(own) => return Err(connection.refused(STAGE)),
            Response::Tagged { .. } => return Err(connection.out_of_turn(STAGE)),
            _ => {}
        }
    }
}

impl Idling {
    /// Waits until the server tells of more messages, or until `until`. Silence is no failure. More messages end the
    /// wait after `burst`, so that those that come together are fetched together; what may or may not mean more does
    /// after `doubt`.
    pub fn wait(&mut self, until: Instant, burst: Duration, doubt: Duration) -> Result<Heard, Failure> {
        let (mut heard, mut until) = (None, until);
        // What was told on the way here may be of a message that no listing has.
        let mut told = self.connection.grown.then_some(Heard::Perhaps);
        loop {
            let pause = match (heard, told) {
                (None | Some(Heard::Perhaps), Some(Heard::More)) => Some(burst),
                (None, Some(_)) => Some(doubt),
                _ => None,
            };
            if let Some(pause) = pause {
                (heard, until) = (told, until.min(Instant::now() + pause));
            }
            match self.await_octets(until)? {
                Ok(Waited::Ready) => told = self.response()?,
                Ok(Waited::Due) => return Ok(heard.unwrap_or(Heard::Due)),
                Ok(Waited::ReaderGone) => return Ok(Heard::ReaderGone),
                Err(halt) => return Ok(Heard::Halt(halt)),
            }
        }
    }

    /// Waits until octets of a response are there, however long that takes.
    fn await_octets(&mut self, until: Instant) -> Result<Result<Waited, Halt>, Failure> {
        let wire = &mut self.connection.wire;
        loop {
            // A server that never falls silent does not hold up what is due.
            if Instant::now() >= until {
                return Ok(Ok(Waited::Due));
            }
            if let Some(halt) = Halt::due(wire.limits()) {
                return Ok(Err(halt));
            }
            let lost = |error: &NetError, place: &str| error.failure(place, STAGE);
            if !wire.ahead().is_empty() || wire.poll().map_err(|error| lost(&error, wire.place()))? {
                return Ok(Ok(Waited::Ready));
            }
            match wait_or_reader_gone(wire.socket(), Some(until), wire.limits()) {
                Ok(Waited::Ready) => {}
                Ok(ended) => return Ok(Ok(ended)),
                Err(error) => match Halt::of(&error) {
                    Some(halt) => return Ok(Err(halt)),
                    None => return Err(lost(&NetError::Lost(error), wire.place())),
                },
            }
        }
    }

    /// Reads one response.
    fn response(&mut self) -> Result<Option<Heard>, Failure> {
        self.connection.wire.begin();
        self.connection.skip_to_response(STAGE)?;
        let told = match self.connection.response(STAGE)? {
            Response::Exists(exists) => {
                let more = exists > self.exists;
                self.exists = exists;
                Some(if more { Heard::More } else { Heard::Perhaps })
            }
            Response::Recent(1..) => Some(Heard::Perhaps),
            Response::Expunge(_) => {
                self.exists = self.exists.saturating_sub(1);
                None
            }
            // The server has ended it.
            Response::Tagged { tag, .. } if self.tag.is(tag) => return Err(self.connection.refused(STAGE)),
            Response::Tagged { .. } | Response::Continue(_) => {
                return Err(self.connection.out_of_turn(STAGE));
            }
            _ => None,
        };
        Ok(told)
    }

    /// Ends it. A line that is dead is found by the answer that does not come.
    pub fn done(mut self) -> Result<Authenticated, Failure> {
        let sent = self.connection.wire.command(DONE).and_then(|()| self.connection.wire.flush());
        sent.map_err(|error| self.connection.lost(STAGE, &error))?;
        // However it ends, it has ended.
        self.connection.complete(STAGE, self.tag, |_| {})?;
        Ok(Authenticated::new(self.connection))
    }
}
