//! The list job: shows what is on the server, with headers if the server has TOP. Changes nothing.

use super::fetch::take_over;
use super::plan::{MOST_LOSSES, Plan, Policy, plan};
use crate::mail::summary::{MAX_HEADER, Summary};
use crate::mailbox::{Listing, Maildrop, Receiver, Remedy, Row, Wanted};
use crate::store::{AccountKey, Details, Ledger};
use crate::words::Failure;
use std::collections::HashMap;

/// What to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice {
    /// Only messages that fetch would fetch.
    pub new: bool,
    /// Only so many, the newest.
    pub limit: Option<u64>,
    pub headers: bool,
    /// Whether the newest come first.
    pub newest_first: bool,
}

/// A message in the list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub row: Row,
    /// Whether fetch would fetch it.
    pub new: bool,
    /// Its header, if it was asked for and the server sent it.
    pub summary: Option<Summary>,
    /// What the server keeps of it, where it said so with its header.
    pub details: Option<Details>,
}

/// The result of the whole list.
#[derive(Debug, Default)]
pub struct Overview {
    /// How many messages are on the server.
    pub total: u64,
    /// How many messages were shown.
    pub shown: u64,
    /// Whether headers were wanted, but the server has no TOP.
    pub without_top: bool,
    /// Why messages may be missing.
    pub incomplete: Option<Failure>,
}

/// The progress of a list, which may take several sessions.
#[derive(Debug, Default)]
pub struct ListProgress {
    /// How many rows were shown.
    shown: usize,
    /// Messages at whose TOP the line was lost, and how often.
    lost: HashMap<(u32, Option<Vec<u8>>), u64>,
    /// How many headers are missing, and why the first one is.
    pub hidden: Option<(u64, Row, Failure)>,
    /// Whether asking for headers is useless.
    without_top: bool,
}

impl ListProgress {
    fn hide(&mut self, row: &Row, failure: Failure) {
        match &mut self.hidden {
            Some((count, ..)) => *count += 1,
            None => self.hidden = Some((1, row.clone(), failure)),
        }
    }

    fn losses(&self, row: &Row) -> u64 {
        if self.lost.is_empty() {
            return 0;
        }
        self.lost.get(&(row.number, row.uid.clone())).copied().unwrap_or(0)
    }
}

/// Lists a mailbox. `show` gets each message as soon as it is known; if it fails (the reader went away), the list ends.
/// If no headers are wanted, `measure` gets all of them first. After a session failed, the next one goes on with the
/// same `progress`.
pub fn list(
    maildrop: &mut dyn Maildrop,
    ledger: &mut Ledger,
    others: &[AccountKey],
    choice: Choice,
    progress: &mut ListProgress,
    measure: &mut dyn FnMut(&Listed),
    show: &mut dyn FnMut(Listed) -> Result<(), Failure>,
) -> Result<Overview, Failure> {
    let mut listing = maildrop.listing()?;
    // The note is for fetch to show.
    let _ = take_over(&listing, ledger, others)?;
    let new = newness(&listing, ledger)?;
    let mut chosen: Vec<usize> = (0..listing.len()).filter(|place| !choice.new || new[*place]).collect();
    if let Some(limit) = choice.limit.and_then(|limit| usize::try_from(limit).ok()) {
        chosen.drain(..chosen.len().saturating_sub(limit));
    }
    if choice.newest_first {
        chosen.reverse();
    }
    let (total, shown) = (listing.len() as u64, chosen.len() as u64);
    let from = progress.shown.min(chosen.len());
    let places: Vec<u32> = chosen[from..].iter().map(|place| *place as u32).collect();
    if !choice.headers {
        maildrop.measure(&mut listing, &places)?;
    }
    let mut rows = Rows { listing: &listing, new: &new, chosen: &chosen[from..], show, progress };
    if !choice.headers {
        rows.measure(measure);
    }
    if choice.headers {
        rows.with_headers(maildrop)?;
    }
    rows.without_headers(usize::MAX)?;
    Ok(Overview { total, shown, without_top: progress.without_top, incomplete: listing.incomplete.clone() })
}

/// Which messages fetch would fetch; without UIDs all of them.
fn newness(listing: &Listing, ledger: &Ledger) -> Result<Vec<bool>, Failure> {
    if !listing.has_uids {
        return Ok(vec![true; listing.len()]);
    }
    let policy = Policy { accept_uid_reset: true, ..Policy::default() };
    plan(listing, ledger, &policy, 0).map(|plan: Plan| plan.new)
}

/// The rows to be shown.
struct Rows<'a> {
    listing: &'a Listing,
    new: &'a [bool],
    chosen: &'a [usize],
    show: &'a mut dyn FnMut(Listed) -> Result<(), Failure>,
    progress: &'a mut ListProgress,
}

/// After so many refusals of TOP, from the first one on, the server counts as having none.
const MOST_REFUSED: usize = 2;

impl Rows<'_> {
    fn measure(&self, measure: &mut dyn FnMut(&Listed)) {
        for place in self.chosen {
            let (row, new) = (self.listing.row(*place), self.new[*place]);
            measure(&Listed { row, new, summary: None, details: None });
        }
    }

    fn pass(&mut self, summary: Option<Summary>, details: Option<Details>) -> Result<(), Failure> {
        let Some((place, rest)) = self.chosen.split_first() else { return Ok(()) };
        self.chosen = rest;
        self.progress.shown += 1;
        let (mut row, new) = (self.listing.row(*place), self.new[*place]);
        row.size = row.size.or(details.as_ref().and_then(|details| details.size));
        (self.show)(Listed { row, new, summary, details })
    }

    /// Shows the next `count` messages without headers.
    fn without_headers(&mut self, count: usize) -> Result<(), Failure> {
        (0..count.min(self.chosen.len())).try_for_each(|_| self.pass(None, None))
    }

    fn row(&self, index: usize) -> Row {
        self.listing.row(self.chosen[index])
    }

    /// Shows messages with their headers, as long as that makes sense.
    fn with_headers(&mut self, maildrop: &mut dyn Maildrop) -> Result<(), Failure> {
        // If the server does not announce TOP, it is tried with one message first.
        let sure = maildrop.has_headers() == Some(true) || self.progress.shown > 0;
        let mut refused = 0;
        while !self.chosen.is_empty() && !self.progress.without_top {
            // The header is left out if the line was lost at it twice.
            if self.progress.losses(&self.row(0)) >= MOST_LOSSES {
                self.without_headers(1)?;
                continue;
            }
            let lost = |index: &usize| self.progress.losses(&self.row(*index)) >= MOST_LOSSES;
            let count = (0..self.chosen.len()).find(lost).unwrap_or(self.chosen.len());
            let probing = !sure && refused < MOST_REFUSED && self.progress.shown == refused;
            let count = if probing { 1 } else { count };
            let before = self.hidden();
            self.ask(maildrop, count)?;
            refused += usize::from(probing && self.hidden() > before);
            self.progress.without_top = !sure && refused == MOST_REFUSED;
        }
        Ok(())
    }

    fn hidden(&self) -> u64 {
        self.progress.hidden.as_ref().map_or(0, |(count, ..)| *count)
    }

    /// Asks for the next `count` headers and shows them.
    fn ask(&mut self, maildrop: &mut dyn Maildrop, count: usize) -> Result<(), Failure> {
        let wanted = |index: usize| {
            let row = self.row(index);
            Wanted { number: row.number, size: row.size, alone: self.progress.losses(&row) > 0 }
        };
        let wanted: Vec<Wanted> = (0..count).map(wanted).collect();
        let listing = self.listing;
        let places: Vec<usize> = self.chosen[..count].to_vec();
        let result =
            maildrop.headers(&wanted, &mut HeaderReceiver { rows: self, header: Vec::new(), details: None });
        let Err(failure) = result else { return Ok(()) };
        // A line that is lost may be no fault of the message; an answer that is none will be none the next time.
        let counts = |remedy| match remedy {
            Remedy::Again => Some(1),
            Remedy::WithoutMessage => Some(MOST_LOSSES),
            Remedy::LoginAlone | Remedy::WithoutPipelining | Remedy::WithBareLines => None,
        };
        let lost = maildrop.setback().and_then(|setback| Some((setback.at?, counts(setback.remedy)?)));
        if let Some((place, count)) = lost.and_then(|(at, count)| Some((places.get(at)?, count))) {
            let row = listing.row(*place);
            let losses = self.progress.lost.entry((row.number, row.uid.clone())).or_default();
            let before = std::mem::replace(losses, *losses + count);
            if before < MOST_LOSSES && *losses >= MOST_LOSSES {
                self.progress.hide(&row, failure.clone());
            }
        }
        Err(failure)
    }
}

/// Receives the headers of the next rows.
struct HeaderReceiver<'r, 'a> {
    rows: &'r mut Rows<'a>,
    header: Vec<u8>,
    details: Option<Details>,
}

impl Receiver for HeaderReceiver<'_, '_> {
    fn details(&mut self, _: usize, details: Details) {
        self.details = Some(details);
    }

    fn begin(&mut self, _: usize) -> Result<(), Failure> {
        self.header.clear();
        Ok(())
    }

    fn chunk(&mut self, octets: &[u8], _: u64) -> Result<(), Failure> {
        let room = MAX_HEADER - self.header.len();
        self.header.extend_from_slice(&octets[..octets.len().min(room)]);
        Ok(())
    }

    fn confirm(&mut self, _: usize) -> Result<(), Failure> {
        let summary = Summary::of(&self.header);
        self.rows.pass(Some(summary), self.details.take())
    }

    fn refused(&mut self, _: usize, failure: Failure) -> Result<(), Failure> {
        // The message is shown without its header.
        let row = self.rows.row(0);
        self.rows.progress.hide(&row, failure);
        self.rows.pass(None, None)
    }
}
