//! Which messages there are: UID SEARCH, and UID FETCH where that does not tell all.

use super::{Connection, OpenMailbox};
use crate::codec::imap::{
    Command, Criterion, FetchItem, Response, ResponseCode, SearchScanner, Status, Tag, UidSet,
};
use crate::mailbox::{Listing, Wanted};
use crate::net::NetError;
use crate::words::{Failure, Kind, Stage};

/// The most messages that one mailbox is believed to have.
const MOST_MESSAGES: u64 = 20_000_000;
/// How long the set of one command may be. Old servers take lines of 8,000 octets (`RFC 7162 §4`).
pub(super) const MAX_SET: usize = 7000;

impl OpenMailbox {
    /// Lists all messages: their UIDs, and no sizes.
    pub(super) fn list(&mut self) -> Result<Listing, Failure> {
        let mut set = match self.search.take() {
            Some(tag) => self.connection.found(Stage::Search, tag)?,
            None => {
                self.come_back()?;
                self.search_all()?
            }
        };
        // Some servers cap what a search finds, or announce ESEARCH and cannot do it: then each is asked for.
        let complete = set.as_ref().is_some_and(|set| set.len() >= u64::from(self.opening.exists));
        if !complete && self.opening.exists > 0 {
            let more = self.fetch_uids()?;
            let found = set.get_or_insert_with(UidSet::new);
            *found = UidSet::from_ranges([found.ranges(), more.ranges()].concat());
        }
        let set = set.unwrap_or_default();
        if set.len() > MOST_MESSAGES {
            self.connection.wire.mark_broken();
            return Err(self.connection.lost(Stage::Search, &NetError::TooMuch(MOST_MESSAGES as usize)));
        }
        self.uids = set.iter().collect();
        let validity = self.opening.validity();
        self.note_extent();
        let mut listing = Listing::default();
        (listing.has_uids, listing.validity) = (validity.is_some(), validity);
        listing.folder = Some(self.name.to_string().into());
        for (number, uid) in (1..).zip(&self.uids) {
            let uid = uid.to_string();
            listing.push(number, Some(uid.as_bytes()).filter(|_| validity.is_some()), None);
        }
        Ok(listing)
    }

    fn search_all(&mut self) -> Result<Option<UidSet>, Failure> {
        let esearch = self.connection.capabilities.esearch;
        let command = Command::uid_search(&[Criterion::All], esearch);
        let tag = self.connection.send(Stage::Search, &command)?;
        self.connection.found(Stage::Search, tag)
    }

    /// All UIDs there are, one by one.
    fn fetch_uids(&mut self) -> Result<UidSet, Failure> {
        const STAGE: Stage = Stage::UidFetch;
        let mut ranges = Vec::new();
        let tag = self.connection.send(STAGE, &Command::uid_fetch_all(&[FetchItem::Uid]))?;
        self.connection.expect_ok(STAGE, tag, |response| {
            if let Response::Fetch(items) = response
                && let Some(uid) = items.uid
            {
                join(&mut ranges, uid, uid);
            }
        })?;
        Ok(UidSet::from_ranges(ranges))
    }

    /// Which of these the server says are no longer there.
    pub(super) fn gone(&mut self, uids: &UidSet) -> Result<UidSet, Failure> {
        let esearch = self.connection.capabilities.esearch;
        let mut gone = UidSet::new();
        self.come_back()?;
        for piece in uids.split_for_lines(MAX_SET) {
            let command = Command::uid_search(&[Criterion::Uids(&piece)], esearch);
            let tag = self.connection.send(Stage::Search, &command)?;
            if let Some(found) = self.connection.found(Stage::Search, tag)? {
                gone = UidSet::from_ranges([gone.ranges(), piece.without(&found).ranges()].concat());
            }
        }
        Ok(gone)
    }

    /// Asks for the sizes of some messages, and puts them into the listing.
    pub(super) fn measure(&mut self, listing: &mut Listing, places: &[u32]) -> Result<(), Failure> {
        const STAGE: Stage = Stage::UidFetch;
        let set: UidSet = places.iter().filter_map(|place| self.uids.get(*place as usize)).copied().collect();
        self.come_back()?;
        for piece in set.split_for_lines(MAX_SET) {
            let command = Command::uid_fetch(&piece, &[FetchItem::Uid, FetchItem::Size]);
            let tag = self.connection.send(STAGE, &command)?;
            let uids = &self.uids;
            let status = self.connection.complete(STAGE, tag, |response| {
                if let Response::Fetch(items) = response
                    && let Some(uid) = items.uid
                    && let Ok(place) = uids.binary_search(&uid)
                {
                    listing.set_size(place, items.size);
                }
            })?;
            if status != Status::Ok {
                return Err(self.connection.refused(STAGE));
            }
        }
        Ok(())
    }

    /// The UIDs of what is wanted, each with its place there, ascending.
    pub(super) fn sorted(&self, wanted: &[Wanted]) -> Result<Vec<(u32, u32)>, Failure> {
        let mut sorted = Vec::with_capacity(wanted.len());
        for (index, one) in (0u32..).zip(wanted) {
            let uid = self.uid(one.number).ok_or_else(|| {
                let message = "UID FETCH: a message is wanted that was not listed";
                Failure::new(Kind::Internal, Stage::UidFetch, message)
            })?;
            sorted.push((uid, index));
        }
        sorted.sort_unstable();
        Ok(sorted)
    }
}

impl Connection {
    /// Whether the command that has just ended was done for a part of the messages alone (`RFC 9738`).
    pub(super) fn is_limited(&self, stage: Stage) -> Result<bool, Failure> {
        let response = self.response(stage)?;
        let limit = |code: &Option<_>| matches!(code, Some(ResponseCode::MessageLimit { .. }));
        Ok(matches!(&response, Response::Tagged { code, .. } if limit(code)))
    }

    /// What a search found; `None` where it was refused. The answer may name millions, so it is not held as text.
    pub(super) fn found(&mut self, stage: Stage, tag: Tag) -> Result<Option<UidSet>, Failure> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        loop {
            self.wire.begin();
            if self.scan(stage, &mut ranges)? {
                continue;
            }
            self.skip_to_response(stage)?;
            match self.response(stage)? {
                Response::Tagged { status, tag: own, .. } => {
                    let is_own = tag.is(own);
                    self.done(stage)?;
                    if is_own {
                        return Ok((status == Status::Ok).then(|| UidSet::from_ranges(ranges)));
                    }
                }
                Response::Continue(_) => return Err(self.out_of_turn(stage)),
                _ => {}
            }
        }
    }

    /// Reads an answer to a search, if that comes next.
    fn scan(&mut self, stage: Stage, ranges: &mut Vec<(u32, u32)>) -> Result<bool, Failure> {
        loop {
            match SearchScanner::begins(self.wire.ahead()) {
                Some(true) => break,
                Some(false) => return Ok(false),
                None => self.wire.fill().map_err(|error| self.lost(stage, &error))?,
            }
        }
        let mut scanner = SearchScanner::new();
        while !scanner.ended() {
            self.more(stage)?;
            let pushed = scanner.push(self.wire.ahead(), |first, last| join(ranges, first, last));
            match pushed {
                Ok(taken) => self.wire.consume(taken),
                Err(malformed) => return Err(self.malformed(stage, malformed, b"")),
            }
            if ranges.len() as u64 > MOST_MESSAGES {
                self.wire.mark_broken();
                return Err(self.lost(stage, &NetError::TooMuch(MOST_MESSAGES as usize)));
            }
        }
        self.wire.note(&format!("SEARCH: {} range(s) of UIDs", ranges.len()));
        Ok(true)
    }
}

/// Adds a range; those in a row become one.
fn join(ranges: &mut Vec<(u32, u32)>, first: u32, last: u32) {
    match ranges.last_mut() {
        Some((_, end)) if end.checked_add(1) == Some(first) && last >= first => *end = last,
        _ => ranges.push((first, last)),
    }
}
