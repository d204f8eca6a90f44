//! Marks messages as seen: they count as fetched, but are not stored.

use super::begin_validity;
use super::report::{Action, MessageReport, Observer, tell_unlisted};
use crate::account::import::uids::{SeenList, SeenUid};
use crate::mailbox::{Listing, Maildrop};
use crate::store::{AccountKey, AtStage, Ledger};
use crate::words::{After, Failure, Kind, Stage};
use crate::work::plan::{Plan, Policy, plan};
use std::path::Path;
use std::time::Duration;

/// Marks the messages that a fetch with this policy would fetch. Returns how many were marked.
pub(super) fn mark_seen(
    maildrop: &mut dyn Maildrop,
    ledger: &mut Ledger,
    policy: &Policy,
    observer: &mut dyn Observer,
) -> Result<usize, Failure> {
    let (listing, plan) = to_mark(maildrop, ledger, policy)?;
    tell_unlisted(&listing, policy, observer);
    ledger.note_ambiguous(plan.ambiguous(&listing)).at(Stage::Ledger)?;
    let marks = plan
        .get
        .iter()
        .filter_map(|get| Some((listing.uid(get.place())?, get.copy(), listing.size(get.place()))));
    ledger.expect(plan.get.len(), marks.clone().map(|(uid, ..)| uid.len()).sum());
    ledger.mark_seen(marks).at(Stage::Ledger)
}

/// Reports what [`mark_seen`] would do, and changes nothing.
pub(super) fn rehearse_marks(
    maildrop: &mut dyn Maildrop,
    ledger: &mut Ledger,
    policy: &Policy,
    observer: &mut dyn Observer,
) -> Result<usize, Failure> {
    let (listing, plan) = to_mark(maildrop, ledger, policy)?;
    tell_unlisted(&listing, policy, observer);
    for get in &plan.get {
        let report = MessageReport::new(Action::WouldMark, listing.row(get.place()), true);
        observer.event(report.into());
    }
    Ok(plan.get.len())
}

fn to_mark(
    maildrop: &mut dyn Maildrop,
    ledger: &mut Ledger,
    policy: &Policy,
) -> Result<(Listing, Plan), Failure> {
    let listing = maildrop.listing()?;
    if !listing.has_uids {
        let stage = listing.stage();
        let message =
            format!("{stage}: the server has no UIDs that last, so messages cannot be recognised later");
        return Err(Failure::new(Kind::Missing, stage, message));
    }
    begin_validity(&listing, ledger)?;
    // After a UID reset, marking is the way to go on.
    let policy = Policy { accept_uid_reset: true, after: After::Keep, ..policy.clone() };
    let plan = plan(&listing, ledger, &policy, 0)?;
    Ok((listing, plan))
}

/// Marks what another program has fetched of a mailbox, without a connection: the next run fetches only what is new.
/// Returns how many messages were marked; the others were known, or are of another UIDVALIDITY than those known.
pub fn mark_fetched_elsewhere(
    ledgers: &Path,
    key: &AccountKey,
    seen: &SeenList<'_>,
    stop: &dyn Fn() -> bool,
) -> Result<usize, Failure> {
    let mut ledger = Ledger::open(ledgers, key, Duration::ZERO, stop).at(Stage::Ledger)?;
    if is_of_another_time(&ledger, seen) {
        return Ok(0);
    }
    seen.validity.map(|number| ledger.begin_validity(number)).transpose().at(Stage::Ledger)?;
    ledger.expect(seen.uids.len(), seen.uids.iter().map(|seen| seen.uid.len()).sum());
    let marked = ledger.mark_fetched_elsewhere(seen.uids.iter().map(|seen| (seen.uid, seen.time)));
    let marked = marked.at(Stage::Ledger)?;
    ledger.close().at(Stage::Ledger)?;
    Ok(marked)
}

/// How many messages [`mark_fetched_elsewhere`] would mark; nothing is changed.
pub fn count_new(ledgers: &Path, key: &AccountKey, seen: &SeenList<'_>) -> Result<usize, Failure> {
    let ledger = Ledger::peek(ledgers, key).at(Stage::Ledger)?;
    let is_new = |seen: &&SeenUid<'_>| ledger.lookup(seen.uid).is_empty() && !ledger.is_ambiguous(seen.uid);
    let count = || seen.uids.iter().filter(is_new).count();
    Ok(if is_of_another_time(&ledger, seen) { 0 } else { count() })
}

/// Whether the ledger knows UIDs under another UIDVALIDITY than the list has: those stay.
fn is_of_another_time(ledger: &Ledger, seen: &SeenList<'_>) -> bool {
    ledger.validity().is_some_and(|known| seen.validity != Some(known))
}
