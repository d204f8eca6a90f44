//! Adopts messages that are stored but not recorded, instead of fetching them again.

use super::{Intake, NOTED_AT_ONCE};
use crate::store::{Afterwards, AtStage, Delivered};
use crate::words::{Failure, Stage};
use crate::work::fetch::report::{Action, Event, MessageReport};
use crate::work::fetch::subject;

impl Intake<'_, '_> {
    /// Adopts messages that a killed run stored without recording them, and messages whose record was lost; the rest is
    /// to be fetched.
    pub fn adopt(&mut self) -> Result<(), Failure> {
        let (mut adopted, mut finished, mut recognised) = (Vec::new(), 0, 0);
        for (at, get) in (0u32..).zip(&self.plan.get) {
            if !get.is_adoptable() {
                self.gets.push(at);
                continue;
            }
            let identity = self.identity(get);
            let subject = subject(self.listing, get, &identity, get.place());
            let Some(delivered) = self.job.sink.adopt(self.job.ledger, &subject).at(Stage::Recovery)? else {
                self.gets.push(at);
                continue;
            };
            *if delivered.is_old() { &mut recognised } else { &mut finished } += 1;
            adopted.push(delivered);
            if adopted.len() >= NOTED_AT_ONCE {
                self.record_adopted(std::mem::take(&mut adopted))?;
            }
        }
        self.record_adopted(adopted)?;
        if finished > 0 {
            self.tell(Event::Note(format!("{finished} message(s) of an interrupted run were found stored")));
        }
        if recognised > 0 {
            let note = "message(s) are in the Maildir, but their record is gone: they count as fetched";
            self.tell(Event::Note(format!("{recognised} {note}")));
        }
        Ok(())
    }

    fn record_adopted(&mut self, adopted: Vec<Delivered>) -> Result<(), Failure> {
        if adopted.is_empty() {
            return Ok(());
        }
        let report = |one: &Delivered| {
            MessageReport::new(Action::Delivered, self.listing.row(one.tag()), true).stored(one)
        };
        let reports: Vec<_> = adopted.iter().map(report).collect();
        let recorded = self.job.ledger.record(adopted, Afterwards::Keep);
        for (proof, report) in self.noted(recorded)?.into_iter().zip(reports) {
            // A message that this session did not fetch is deleted only if its UID is not ambiguous.
            let place = proof.tag();
            let (uid, size) = self.listing.named(place);
            if self.job.ledger.has_proof(uid, size).at(Stage::Ledger)? {
                self.adopted.push(place as u32);
                let added = self.recorded.add(place as u32, proof, self.listing, self.job.ledger);
                self.noted(added)?;
            }
            match report.action {
                Action::Delivered => self.outcome.delivered += 1,
                _ => self.outcome.known += 1,
            }
            self.tell(report.into());
        }
        Ok(())
    }
}
