//! The list job: what is on the server, with headers where the server has TOP. Changes nothing anywhere.

use super::fetch::take_over;
use super::maildrop::Maildrop;
use super::plan::{Plan, Policy, plan};
use crate::mail::summary::{MAX_HEADER, Summary};
use crate::pop3::{Listing, Receiver, Row, Wanted};
use crate::store::{AccountKey, Ledger};
use crate::words::{Failure, Kind};

/// What the user wants to see.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice {
    /// Only what fetch would take.
    pub new: bool,
    /// Only the newest so many.
    pub limit: Option<u64>,
    /// With headers.
    pub headers: bool,
}

/// A message in the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its row on the server.
    pub row: Row,
    /// Whether fetch would take it.
    pub new: bool,
    /// Its header, where it was asked for and the server gave it.
    pub summary: Option<Summary>,
}

/// What there is to say of the list as a whole.
#[derive(Debug, Default)]
pub struct Overview {
    /// Messages on the server.
    pub total: u64,
    /// Messages shown.
    pub shown: u64,
    /// Whether headers were wanted and the server has no TOP.
    pub without_top: bool,
}

/// Lists a mailbox. Each message goes to `show` as soon as it is known; an error of `show` (the reader
/// went away) ends the list.
pub fn list(
    maildrop: &mut dyn Maildrop,
    ledger: &mut Ledger,
    others: &[AccountKey],
    choice: Choice,
    show: &mut dyn FnMut(Listed) -> Result<(), Failure>,
) -> Result<Overview, Failure> {
    let listing = maildrop.listing()?;
    // Whose the record is that counts is for fetch to say.
    let _ = take_over(&listing, ledger, others)?;
    let new = newness(&listing, ledger)?;
    let mut chosen: Vec<usize> = (0..listing.rows.len()).filter(|place| !choice.new || new[*place]).collect();
    if let Some(limit) = choice.limit.and_then(|limit| usize::try_from(limit).ok()) {
        chosen.drain(..chosen.len().saturating_sub(limit));
    }
    let mut overview =
        Overview { total: listing.rows.len() as u64, shown: chosen.len() as u64, ..Overview::default() };
    let wanted: Vec<Wanted> =
        chosen.iter().map(|place| Wanted { number: listing.rows[*place].number, size: None }).collect();
    let mut rows =
        Rows { listing: &listing, new: &new, chosen: &chosen, show, header: Vec::new(), refused: None };
    if !choice.headers {
        (0..chosen.len()).try_for_each(|index| rows.pass(index, None))?;
        return Ok(overview);
    }
    // The first alone: a server without TOP refuses it, and is not asked again.
    let (first, rest) = wanted.split_at(wanted.len().min(1));
    maildrop.headers(first, &mut rows)?;
    overview.without_top = rows.refused.is_some();
    if overview.without_top {
        (0..chosen.len()).try_for_each(|index| rows.pass(index, None))?;
        return Ok(overview);
    }
    let mut shifted = Shifted { rows, by: first.len() };
    maildrop.headers(rest, &mut shifted)?;
    Ok(overview)
}

/// Which messages fetch would take; without UIDs all of them.
fn newness(listing: &Listing, ledger: &Ledger) -> Result<Vec<bool>, Failure> {
    if !listing.has_uids {
        return Ok(vec![true; listing.rows.len()]);
    }
    let policy = Policy { accept_uid_reset: true, ..Policy::default() };
    plan(listing, ledger, &policy, 0).map(|plan: Plan| plan.new)
}

struct Rows<'a> {
    listing: &'a Listing,
    new: &'a [bool],
    chosen: &'a [usize],
    show: &'a mut dyn FnMut(Listed) -> Result<(), Failure>,
    header: Vec<u8>,
    refused: Option<Failure>,
}

impl Rows<'_> {
    fn pass(&mut self, index: usize, summary: Option<Summary>) -> Result<(), Failure> {
        let place = self.chosen[index];
        (self.show)(Listed { row: self.listing.rows[place].clone(), new: self.new[place], summary })
    }
}

impl Receiver for Rows<'_> {
    fn begin(&mut self, _: usize) -> Result<(), Failure> {
        self.header.clear();
        Ok(())
    }

    fn chunk(&mut self, octets: &[u8], _: u64) -> Result<(), Failure> {
        let room = MAX_HEADER - self.header.len();
        self.header.extend_from_slice(&octets[..octets.len().min(room)]);
        Ok(())
    }

    fn confirm(&mut self, index: usize) -> Result<(), Failure> {
        let summary = Summary::of(&self.header);
        self.pass(index, Some(summary))
    }

    fn refused(&mut self, index: usize, failure: Failure) -> Result<(), Failure> {
        if index == 0 && failure.kind == Kind::Rejected && self.refused.is_none() {
            self.refused = Some(failure);
            return Ok(());
        }
        self.pass(index, None)
    }
}

/// The rest of the list behind its first message.
struct Shifted<'a> {
    rows: Rows<'a>,
    by: usize,
}

impl Receiver for Shifted<'_> {
    fn begin(&mut self, index: usize) -> Result<(), Failure> {
        self.rows.begin(index)
    }

    fn chunk(&mut self, octets: &[u8], size: u64) -> Result<(), Failure> {
        self.rows.chunk(octets, size)
    }

    fn confirm(&mut self, index: usize) -> Result<(), Failure> {
        self.rows.confirm(index + self.by)
    }

    fn refused(&mut self, index: usize, _: Failure) -> Result<(), Failure> {
        // One header that cannot be had hides no message.
        self.rows.pass(index + self.by, None)
    }
}
