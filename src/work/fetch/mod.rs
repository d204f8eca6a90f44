//! The fetch job: one session with one mailbox, from its listing to its end.
//!
//! The order matters: a batch is staged, made durable by the sink, recorded by the ledger. Only then it may be marked
//! for deletion, and only the reply to QUIT confirms that. If anything fails in between, durable messages are recorded,
//! and the rest is as if it had never come.

mod account;
mod choice;
mod folders;
mod intake;
mod leaving;
mod marks;
mod news;
mod once;
mod outcome;
mod recognise;
mod rehearse;
mod report;
mod run;
mod sessions;
mod told;
mod watch;

pub(crate) use marks::{count_new, mark_fetched_elsewhere};
pub(crate) use outcome::{SessionOutcome, Trouble};
pub(crate) use report::{Action, Event, MessageReport, Observer};
pub(crate) use run::{Mode, Run, RunDestination};
pub(crate) use watch::Watch;

use super::plan::{Plan, Policy, ToFetch, plan};
use crate::mailbox::{Listing, Maildrop};
use crate::store::{AccountKey, AtStage, Identity, Ledger, Sink, StoreError, Subject};
use crate::words::{After, Failure, Stage};
use intake::Intake;
use leaving::PendingDeletions;

pub struct FetchJob<'a> {
    /// The account's ledger, locked.
    pub ledger: &'a mut Ledger,
    /// The destination, open and recovered.
    pub sink: &'a mut dyn Sink,
    pub policy: &'a Policy,
    pub observer: &'a mut dyn Observer,
    /// Seconds since 1970.
    pub now: u64,
    /// The other configured accounts, whose ledgers are never taken over.
    pub others: &'a [AccountKey],
    /// Whether it is the first session of the run that has a listing.
    pub is_first: bool,
}

/// Runs one session, after the login.
pub fn fetch(mut maildrop: Box<dyn Maildrop>, job: FetchJob<'_>) -> SessionOutcome {
    let mut outcome = SessionOutcome::default();
    let mut job = job;
    let prepared = prepare(maildrop.as_mut(), &mut job);
    let result = prepared.and_then(|(listing, plan)| {
        (outcome.listed, outcome.held) = (true, plan.held);
        let session = FetchSession { listing: &listing, plan: &plan, job, outcome: &mut outcome };
        session.run(maildrop.as_mut()).map(|marked| marked.map(|marked| (listing, marked)))
    });
    let failure = match result {
        Ok(Some((listing, marked))) => return marked.finish(maildrop, &listing, outcome),
        // No QUIT: see `Intake::delete`.
        Ok(None) => return outcome,
        Err(failure) => failure,
    };
    if outcome.setback.is_none() {
        outcome.setback = maildrop.setback().map(|setback| Trouble::of(setback, |_| None, false));
    }
    outcome.ended = Some(failure);
    outcome
}

/// A message to fetch, for the sink.
fn subject<'a>(listing: &Listing, get: &ToFetch, identity: &'a Identity, tag: usize) -> Subject<'a> {
    let (number, wire_size) = (listing.number(get.place()), listing.size(get.place()));
    Subject { identity, tag, wire_size, number, details: None }
}

fn begin_validity(listing: &Listing, ledger: &mut Ledger) -> Result<(), Failure> {
    let begun = listing.validity.map(|validity| ledger.begin_validity(validity));
    begun.transpose().map(drop).at(Stage::Ledger)
}

/// Drops records of another UIDVALIDITY than the listing's. If nothing is recorded for an account, takes over the
/// ledger of the same mailbox on another server, and returns a note about that.
pub fn take_over(
    listing: &Listing,
    ledger: &mut Ledger,
    others: &[AccountKey],
) -> Result<Option<String>, Failure> {
    begin_validity(listing, ledger)?;
    let rows = (0..listing.len()).filter_map(|place| Some((listing.uid(place)?, listing.size(place))));
    let from = ledger.take_over(rows, others).at(Stage::Ledger)?;
    Ok(from.map(|from| {
        let from = from.label();
        format!("its messages are those of {from}: what was fetched from there counts as fetched here")
    }))
}

/// The plan. What it would fetch is asked for its size where that decides.
fn measured(
    maildrop: &mut dyn Maildrop,
    listing: &mut Listing,
    ledger: &Ledger,
    policy: &Policy,
    now: u64,
) -> Result<Plan, Failure> {
    let first = plan(listing, ledger, policy, now)?;
    let unknown = |row: &u32| listing.size(*row as usize).is_none();
    let rows: Vec<u32> = match policy.max_size {
        // Those beyond the limit may take the place of those that are too large.
        Some(_) => first.get.iter().map(|get| get.row).chain(first.skip.iter().map(|skip| skip.0)).collect(),
        None => Vec::new(),
    };
    let rows: Vec<u32> = rows.into_iter().filter(unknown).collect();
    if rows.is_empty() {
        return Ok(first);
    }
    maildrop.measure(listing, &rows)?;
    plan(listing, ledger, policy, now)
}

/// The plan, once it is known which messages are those of another UIDVALIDITY; with a note about that.
fn planned(
    maildrop: &mut dyn Maildrop,
    listing: &mut Listing,
    ledger: &mut Ledger,
    policy: &Policy,
    now: u64,
) -> Result<(Plan, Option<String>), Failure> {
    let first = measured(maildrop, listing, ledger, policy, now)?;
    let count = recognise::by_headers(maildrop, listing, ledger, policy, &first, now)?;
    if count == 0 {
        return Ok((first, None));
    }
    let note =
        format!("the server changed its UIDVALIDITY: {count} message(s) are recognised by their headers");
    Ok((measured(maildrop, listing, ledger, policy, now)?, Some(note)))
}

fn prepare(maildrop: &mut dyn Maildrop, job: &mut FetchJob<'_>) -> Result<(Listing, Plan), Failure> {
    let mut listing = maildrop.listing()?;
    for alert in maildrop.alerts() {
        job.observer.event(Event::Note(format!("the server says: {alert}")));
    }
    let ends = job.ledger.validity().zip(listing.validity).is_some_and(|(known, now)| known != now);
    if ends {
        job.sink.end_validity(job.ledger).at(Stage::Recovery)?;
    }
    if let Some(note) = take_over(&listing, job.ledger, job.others)? {
        job.observer.event(Event::Note(note));
    }
    if job.is_first {
        report::tell_unlisted(&listing, job.policy, job.observer);
    }
    set_target(maildrop, job.policy)?;
    let (plan, note) = planned(maildrop, &mut listing, job.ledger, job.policy, job.now)?;
    if let Some(note) = note {
        job.observer.event(Event::Note(note));
    }
    Ok((listing, plan))
}

/// Tells the mailbox to which folder messages go, if they are not to be deleted; it has to be there.
fn set_target(maildrop: &mut dyn Maildrop, policy: &Policy) -> Result<(), Failure> {
    match &policy.after {
        After::MoveTo(folder) => maildrop.move_to(folder),
        _ => Ok(()),
    }
}

/// One session, between its listing and its end.
struct FetchSession<'a, 'o> {
    listing: &'a Listing,
    plan: &'a Plan,
    job: FetchJob<'o>,
    outcome: &'a mut SessionOutcome,
}

impl<'o> FetchSession<'_, 'o> {
    fn run(mut self, maildrop: &mut dyn Maildrop) -> Result<Option<PendingDeletions<'o>>, Failure> {
        self.note().at(Stage::Ledger)?;
        let FetchSession { listing, plan, job, outcome } = self;
        outcome.known = plan.new.iter().filter(|new| !**new).count() as u64;
        for (row, reason) in &plan.skip {
            outcome.skip(job.observer, listing.row(*row as usize), *reason);
        }
        if let Some(failure) = &listing.incomplete {
            outcome.fail(job.observer, None, failure.clone());
        }
        let mut intake = Intake::new(listing, plan, job, outcome);
        intake.adopt()?;
        let wanted = intake.wanted();
        let octets = wanted.iter().filter_map(|wanted| wanted.size).fold(0, u64::saturating_add);
        intake.tell(Event::Planned(wanted.len() as u64, octets));
        let fetched = maildrop.bodies(&wanted, &mut intake);
        let setback = maildrop.setback().filter(|_| fetched.is_err());
        intake.settle(fetched, setback)?;
        intake.delete(maildrop)
    }

    /// Records what follows from the listing itself, before anything is fetched.
    fn note(&mut self) -> Result<(), StoreError> {
        let ledger = &mut *self.job.ledger;
        let uids = || (0..self.listing.len()).filter_map(|place| self.listing.uid(place));
        ledger.note_ambiguous(self.plan.ambiguous(self.listing))?;
        ledger.note_listed(uids())?;
        match &self.job.policy.after {
            After::DeleteAfter(_) => ledger.note_first_seen(uids(), self.job.now),
            _ => Ok(()),
        }
    }
}
