//! A dry run: reports what a fetch would do.

use super::report::{Action, Event, MessageReport, Observer, tell_unlisted};
use super::{planned, set_target, subject, take_over};
use crate::mailbox::{Listing, Maildrop};
use crate::store::{AccountKey, Afterwards, AtStage, Delivered, Ledger, Unrecorded};
use crate::words::{Failure, Stage};
use crate::work::plan::{Plan, Policy, ToFetch};

pub(super) struct Rehearsal<'a> {
    /// The account's ledger; changes to it are not written.
    pub ledger: Ledger,
    /// Messages at the destination that may not be recorded.
    pub unrecorded: Option<Unrecorded>,
    pub policy: &'a Policy,
    pub observer: &'a mut dyn Observer,
    pub others: &'a [AccountKey],
    /// Seconds since 1970.
    pub now: u64,
}

impl Rehearsal<'_> {
    /// Reports what [`super::fetch`] would do, and changes nothing.
    pub fn run(&mut self, maildrop: &mut dyn Maildrop) -> Result<(), Failure> {
        let mut listing = maildrop.listing()?;
        if let Some(note) = take_over(&listing, &mut self.ledger, self.others)? {
            self.observer.event(Event::Note(note));
        }
        tell_unlisted(&listing, self.policy, self.observer);
        set_target(maildrop, self.policy)?;
        let moved_to = maildrop.moved_to();
        let (plan, note) = planned(maildrop, &mut listing, &mut self.ledger, self.policy, self.now)?;
        if let Some(note) = note {
            self.observer.event(Event::Note(note));
        }
        self.ledger.note_ambiguous(plan.ambiguous(&listing)).at(Stage::Ledger)?;
        // For people; the plan does not depend on it any more.
        let unknown = plan.get.iter().map(|get| get.row).filter(|row| listing.size(*row as usize).is_none());
        let unknown: Vec<u32> = unknown.collect();
        if !unknown.is_empty() {
            maildrop.measure(&mut listing, &unknown)?;
        }
        let report = |row: u32, action| {
            let place = row as usize;
            MessageReport::new(action, listing.row(place), plan.new[place])
        };
        for (row, reason) in &plan.skip {
            let skipped = MessageReport { reason: Some(*reason), ..report(*row, Action::Skipped) };
            self.observer.event(skipped.into());
        }
        for row in &plan.delete {
            let deleted = report(*row, Action::WouldDelete);
            self.observer.event(deleted.moved_to(moved_to.as_deref()).into());
        }
        for get in &plan.get {
            if !plan.rivals(get).is_empty() || self.ledger.has_former() {
                self.observer.event(report(get.row, Action::WouldCompare).into());
                continue;
            }
            let goes = match self.adopted(get, &plan, &listing)? {
                None => {
                    self.observer.event(report(get.row, Action::WouldDeliver).into());
                    true
                }
                Some(delivered) => {
                    let report = report(get.row, Action::WouldDeliver).stored(&delivered);
                    self.observer.event(report.into());
                    // As in a real run: only if its UID is not ambiguous.
                    let (uid, size) = listing.named(get.place());
                    self.ledger.record(vec![delivered], Afterwards::Keep).at(Stage::Ledger)?;
                    self.ledger.has_proof(uid, size).at(Stage::Ledger)?
                }
            };
            let seen = listing.uid(get.place()).and_then(|uid| self.ledger.first_seen(uid));
            if goes && self.policy.goes(seen.unwrap_or(self.now), self.now) {
                let deleted = report(get.row, Action::WouldDelete);
                self.observer.event(deleted.moved_to(moved_to.as_deref()).into());
            }
        }
        Ok(())
    }

    /// The stored message that would be adopted instead of fetching.
    fn adopted(
        &mut self,
        get: &ToFetch,
        plan: &Plan,
        listing: &Listing,
    ) -> Result<Option<Delivered>, Failure> {
        let Some(unrecorded) = self.unrecorded.as_mut().filter(|_| get.is_adoptable()) else {
            return Ok(None);
        };
        let identity = plan.identity(get, listing, &self.ledger);
        let subject = subject(listing, get, &identity, get.place());
        unrecorded.would_adopt(&mut self.ledger, &subject).at(Stage::Recovery)
    }
}
