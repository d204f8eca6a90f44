//! A dry run: what a fetch would do, told and not done.

use super::report::{Action, Event, MessageReport, Observer};
use super::{run, take_over};
use crate::mailbox::Maildrop;
use crate::store::{AccountKey, Ledger};
use crate::words::Failure;
use crate::work::plan::{Policy, plan};

/// Tells what [`super::fetch`] would do, and changes nothing.
pub(super) fn rehearse(
    maildrop: &mut dyn Maildrop,
    ledger: &mut Ledger,
    others: &[AccountKey],
    policy: &Policy,
    observer: &mut dyn Observer,
) -> Result<(), Failure> {
    let now = run::now();
    let listing = maildrop.listing()?;
    if let Some(note) = take_over(&listing, ledger, others)? {
        observer.event(Event::Note(note));
    }
    let plan = plan(&listing, ledger, policy, now)?;
    let mut tell = |action, row: u32, reason| {
        let place = row as usize;
        let told = MessageReport::new(action, listing.row(place), plan.new[place]);
        observer.event(MessageReport { reason, ..told }.into());
    };
    plan.skip.iter().for_each(|(row, reason)| tell(Action::Skipped, *row, Some(*reason)));
    plan.delete.iter().for_each(|row| tell(Action::WouldDelete, *row, None));
    for get in &plan.get {
        if !plan.rivals(get).is_empty() {
            tell(Action::WouldCompare, get.row, None);
            continue;
        }
        tell(Action::WouldDeliver, get.row, None);
        if policy.goes(now, now) {
            tell(Action::WouldDelete, get.row, None);
        }
    }
    Ok(())
}
