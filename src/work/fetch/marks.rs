//! Marking messages as seen: they count as fetched, and nothing of them is here.

use super::begin_validity;
use super::report::{Action, MessageReport, Observer};
use crate::mailbox::{Listing, Maildrop};
use crate::store::{AtStage, Ledger};
use crate::words::{After, Failure, Kind, Stage};
use crate::work::plan::{Plan, Policy, plan};

/// Marks what a fetch under this policy would take as seen, and fetches nothing. Returns how many messages
/// were marked.
pub(super) fn mark_seen(
    maildrop: &mut dyn Maildrop,
    ledger: &mut Ledger,
    policy: &Policy,
) -> Result<usize, Failure> {
    let (listing, plan) = to_mark(maildrop, ledger, policy)?;
    ledger.note_ambiguous(plan.ambiguous(&listing)).at(Stage::Ledger)?;
    let marks = plan
        .get
        .iter()
        .filter_map(|get| Some((listing.uid(get.place())?, get.copy(), listing.size(get.place()))));
    ledger.expect(plan.get.len(), marks.clone().map(|(uid, ..)| uid.len()).sum());
    ledger.mark_seen(marks).at(Stage::Ledger)
}

/// Tells what [`mark_seen`] would do, and changes nothing.
pub(super) fn rehearse_marks(
    maildrop: &mut dyn Maildrop,
    ledger: &mut Ledger,
    policy: &Policy,
    observer: &mut dyn Observer,
) -> Result<usize, Failure> {
    let (listing, plan) = to_mark(maildrop, ledger, policy)?;
    for get in &plan.get {
        let told = MessageReport::new(Action::WouldMark, listing.row(get.place()), true);
        observer.event(told.into());
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
        let message = "UIDL: the server does not have it: there is nothing to recognise messages by";
        return Err(Failure::new(Kind::Missing, Stage::Uidl, message));
    }
    begin_validity(&listing, ledger)?;
    // Marking is what a mailbox with other UIDs than before asks for.
    let policy = Policy { accept_uid_reset: true, after: After::Keep, ..policy.clone() };
    let plan = plan(&listing, ledger, &policy, 0)?;
    Ok((listing, plan))
}
