//! Messages that were stored under an earlier UIDVALIDITY (`RFC 3501 §2.3.1.1`) are recognised by their headers, so that
//! they are not fetched to be compared.
//!
//! A header is enough where it tells a message from all others, of those that are stored and of those that are listed;
//! of all others the content is compared. And it is never enough to delete anything: what is to be deleted is fetched.

use crate::mailbox::{Listing, Maildrop};
use crate::store::{AtStage, HeaderPrint, Known, Ledger, ServerState};
use crate::words::{After, Failure, Stage};
use crate::work::plan::{Plan, Policy};

/// No row has the header of a stored message, or several have it.
const NONE: u32 = u32::MAX;
const SEVERAL: u32 = u32::MAX - 1;

/// Whether a message that was stored under an earlier UIDVALIDITY, and is there under another UID, should go.
pub(super) fn is_due(known: &Known, policy: &Policy, now: u64) -> bool {
    let pending = known.state() == Some(ServerState::Pending) && policy.after != After::Keep;
    pending || policy.goes(known.time, now)
}

/// Records which of the new messages in the plan are known under another UIDVALIDITY; returns how many.
pub(super) fn by_headers(
    maildrop: &mut dyn Maildrop,
    listing: &Listing,
    ledger: &mut Ledger,
    policy: &Policy,
    plan: &Plan,
    now: u64,
) -> Result<usize, Failure> {
    if listing.validity.is_none() || policy.all || policy.deletions_only || !ledger.has_former() {
        return Ok(0);
    }
    let mut former = ledger.former_prints().at(Stage::Ledger)?;
    former.retain(|(_, place)| ledger.former(*place).is_some_and(|known| !is_due(known, policy, now)));
    if former.is_empty() {
        return Ok(0);
    }
    let is_new = |row: &u32| plan.new[*row as usize] && listing.uid(*row as usize).is_some();
    let rows: Vec<u32> = (0..listing.len() as u32).filter(is_new).collect();
    let mut found = vec![NONE; former.len()];
    maildrop.identify(&rows, &mut |row, header| {
        let mut print = HeaderPrint::default();
        print.push(header.unwrap_or_default());
        let at = print.finish().and_then(|print| former.binary_search_by_key(&print, |one| one.0).ok());
        if let Some(at) = at {
            found[at] = if found[at] == NONE { row } else { SEVERAL };
        }
    })?;
    let mut pairs: Vec<(u32, u32)> =
        found.iter().zip(&former).map(|(row, (_, place))| (*row, *place)).collect();
    pairs.retain(|(row, _)| *row < SEVERAL);
    pairs.sort_unstable();
    let found = pairs.iter().map(|(row, place)| (listing.uid(*row as usize).unwrap_or_default(), *place));
    ledger.found_by_header(found).at(Stage::Ledger)
}
