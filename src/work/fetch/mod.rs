//! The fetch job: one session with one mailbox, from its listing to its end.
//!
//! The order is the promise: a batch is staged, made durable by the sink, recorded by the ledger; only
//! then it may be marked for deletion, and only the server's word at the end makes that real. Whatever
//! fails in between, what is durable is recorded and the rest is as if it had never come.

mod account;
mod intake;
mod once;
mod run;
mod sessions;

pub use run::{Destination, Mode, Run};

use super::plan::{Plan, Policy, Reason, plan};
use crate::mail::summary::Summary;
use crate::mailbox::{Listing, Maildrop, Remedy, Row, Setback};
use crate::store::{AccountKey, Ledger, Place, Sink, StoreError};
use crate::words::{After, Exit, Failure, Kind, Scope, Stage};
use intake::{Intake, Leaving};

/// What happened to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is stored and recorded.
    Delivered,
    /// It was left alone, for a reason that is no failure.
    Skipped,
    /// It is gone from the server.
    Deleted,
    /// It would be stored, were this not a dry run.
    WouldDeliver,
    /// It would be fetched and compared with what is stored under its UID, were this not a dry run.
    WouldCompare,
    /// It would be deleted from the server, were this not a dry run.
    WouldDelete,
    /// It would be marked as seen, were this not a dry run.
    WouldMark,
}

/// A message, as the job tells of it.
#[derive(Clone, Debug)]
pub struct MessageReport {
    /// What happened.
    pub action: Action,
    /// Its row in the listing.
    pub row: Row,
    /// Whether it was new.
    pub new: bool,
    /// Where it went.
    pub place: Option<Place>,
    /// The octets stored.
    pub stored: Option<u64>,
    /// Their SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// Its header.
    pub summary: Option<Summary>,
    /// Why it was skipped.
    pub reason: Option<Reason>,
}

/// What the job tells while it runs.
#[derive(Clone, Debug)]
pub enum Event {
    /// How many messages will be fetched, and their octets.
    Planned(u64, u64),
    /// Something happened to a message.
    Message(Box<MessageReport>),
    /// Something failed that does not end the session; the row it concerns, if it concerns one.
    Failed(Option<Row>, Failure),
    /// This many more octets have arrived.
    Octets(u64),
    /// The run found nothing to do; so many messages that are listed were fetched before.
    NothingNew(u64),
    /// A remark for people.
    Note(String),
    /// What ended the account's run.
    Ended(Failure),
}

/// Listens to the job.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: Event);
    /// Whether headers are of interest: they cost time.
    fn wants_headers(&self) -> bool;
    /// Whether the one who listens is gone and the job should end after the step it is in.
    fn gone(&self) -> bool {
        false
    }
}

/// How a session broke down.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What may help.
    pub remedy: Remedy,
    /// The message at which it happened, if at one.
    pub row: Option<Row>,
    /// Whether that was to be deleted, not fetched.
    pub deleting: bool,
}

/// What a session amounted to.
#[derive(Debug, Default)]
pub struct SessionOutcome {
    /// Whether the server came so far as to list the mailbox.
    pub listed: bool,
    /// Messages listed that were fetched before, or marked.
    pub known: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Messages deleted from the server, confirmed.
    pub deleted: u64,
    /// Failures of single messages: their classes.
    pub failed: Vec<Kind>,
    /// Of these the refused deletions: the message itself is safe here.
    pub undeleted: u64,
    /// Of these the messages that the server names no usable UID for.
    pub unnamed: u64,
    /// What ended the session before its end.
    pub ended: Option<Failure>,
    /// What may help after that.
    pub setback: Option<Trouble>,
    /// Whether that left something undone besides the message at which it happened.
    pub rest: bool,
    /// Whether messages were left for another session, see [`Plan::held`].
    pub held: bool,
    /// What was fetched, by UID, where the policy is to fetch what is known too.
    pub done: Vec<Vec<u8>>,
    /// Whether it was given up because of a message larger than is wanted: that is noted, and another session
    /// does not ask for it.
    pub gave_up_large: bool,
    /// Whether deletions are due that only another session may make.
    pub deletions_due: bool,
    /// The seconds the server wants between two logins.
    pub login_delay: u64,
}

impl SessionOutcome {
    /// The exit code of the whole. What ended the session decides alone; else single messages count, and one
    /// whose deletion was refused is a message that came. A message without a UID never comes: what came in
    /// earlier runs is the rest that went on.
    pub fn exit(&self) -> Exit {
        if let Some(failure) = &self.ended {
            return failure.exit();
        }
        let beside = self.unnamed > 0 && self.known > 0;
        Exit::combine(
            self.failed.iter().map(|kind| kind.exit()),
            beside || self.delivered + self.deleted + self.undeleted > 0,
        )
    }
}

/// What the job works with.
pub struct FetchJob<'a> {
    /// The account's ledger, locked.
    pub ledger: &'a mut Ledger,
    /// The destination, open and recovered.
    pub sink: &'a mut dyn Sink,
    /// What the user wants.
    pub policy: &'a Policy,
    /// Who listens.
    pub observer: &'a mut dyn Observer,
    /// Seconds since 1970.
    pub now: u64,
    /// Accounts that are mailboxes of their own, whatever they hold.
    pub others: &'a [AccountKey],
}

/// Runs one session with a mailbox whose user is logged in.
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
        Ok(Some((listing, marked))) => return finish(maildrop, &listing, marked, outcome),
        // No QUIT: see `Intake::delete`.
        Ok(None) => return outcome,
        Err(failure) => failure,
    };
    if outcome.setback.is_none() {
        let trouble = |setback: Setback| Trouble { remedy: setback.remedy, row: None, deleting: false };
        outcome.setback = maildrop.setback().map(trouble);
    }
    outcome.ended = Some(failure);
    outcome
}

/// Tells what [`fetch`] would do, and changes nothing.
pub fn rehearse(
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
        let told =
            MessageReport { reason, ..MessageReport::new(action, listing.row(place), plan.new[place]) };
        observer.event(Event::Message(Box::new(told)));
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

/// Marks what a fetch under this policy would take as seen, and fetches nothing. Returns how many messages
/// were marked.
pub fn mark_seen(
    maildrop: &mut dyn Maildrop,
    ledger: &mut Ledger,
    policy: &Policy,
) -> Result<usize, Failure> {
    let (listing, plan) = to_mark(maildrop, ledger, policy)?;
    let failed = |error: StoreError| error.failure(Stage::Ledger);
    ledger.note_ambiguous(plan.ambiguous(&listing)).map_err(failed)?;
    let marks = plan
        .get
        .iter()
        .filter_map(|get| Some((listing.uid(get.place())?, get.copy(), listing.size(get.place()))));
    ledger.expect(plan.get.len(), marks.clone().map(|(uid, ..)| uid.len()).sum());
    ledger.mark_seen(marks).map_err(failed)
}

/// Tells what [`mark_seen`] would do, and changes nothing.
pub fn rehearse_marks(
    maildrop: &mut dyn Maildrop,
    ledger: &mut Ledger,
    policy: &Policy,
    observer: &mut dyn Observer,
) -> Result<usize, Failure> {
    let (listing, plan) = to_mark(maildrop, ledger, policy)?;
    for get in &plan.get {
        let told = MessageReport::new(Action::WouldMark, listing.row(get.place()), true);
        observer.event(Event::Message(Box::new(told)));
    }
    Ok(plan.get.len())
}

fn begin_validity(listing: &Listing, ledger: &mut Ledger) -> Result<(), Failure> {
    let begun = listing.validity.map(|validity| ledger.begin_validity(validity));
    begun.transpose().map(drop).map_err(|error| error.failure(Stage::Ledger))
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

/// What is recorded under another UIDVALIDITY than the listing's counts no more. Where nothing is recorded of an
/// account, what is recorded of the same mailbox on another server counts; says so.
pub fn take_over(
    listing: &Listing,
    ledger: &mut Ledger,
    others: &[AccountKey],
) -> Result<Option<String>, Failure> {
    begin_validity(listing, ledger)?;
    let rows = (0..listing.len()).filter_map(|place| Some((listing.uid(place)?, listing.size(place))));
    let from = ledger.take_over(rows, others).map_err(|error| error.failure(Stage::Ledger))?;
    Ok(from.map(|from| {
        let from = from.label();
        format!("its messages are those of {from}: what was fetched from there counts as fetched here")
    }))
}

fn prepare(maildrop: &mut dyn Maildrop, job: &mut FetchJob<'_>) -> Result<(Listing, Plan), Failure> {
    let listing = maildrop.listing()?;
    if let Some(note) = take_over(&listing, job.ledger, job.others)? {
        job.observer.event(Event::Note(note));
    }
    let plan = plan(&listing, job.ledger, job.policy, job.now)?;
    Ok((listing, plan))
}

/// What was marked for deletion, and the ledger to note the end in.
struct PendingDeletions<'a> {
    messages: Leaving,
    job: FetchJob<'a>,
}

/// Ends the session. Only the server's word makes deletions real; without it they stay pending.
fn finish(
    maildrop: Box<dyn Maildrop>,
    listing: &Listing,
    marked: PendingDeletions<'_>,
    mut outcome: SessionOutcome,
) -> SessionOutcome {
    let PendingDeletions { messages, job } = marked;
    if let Err(mut failure) = maildrop.finish(messages.len() > 0) {
        if !matches!(failure.kind, Kind::Interrupted | Kind::Timeout) {
            failure = failure.as_kind(Kind::Network);
        }
        let count = messages.len();
        failure.message.push_str(&format!("; whether {count} message(s) were deleted is not known"));
        outcome.ended =
            Some(failure.hint("nothing is lost: the next run repeats the deletions without fetching again"));
        return outcome;
    }
    if let Err(error) = job.ledger.deleted(messages.going(listing)) {
        outcome.ended = Some(error.failure(Stage::Ledger));
    }
    for row in messages.rows() {
        let row = listing.row(*row as usize);
        outcome.deleted += 1;
        job.observer.event(Event::Message(Box::new(MessageReport::new(Action::Deleted, row, false))));
    }
    outcome
}

impl MessageReport {
    /// What is known of a message that goes to standard output.
    pub fn delivered(row: Row, summary: Summary) -> Self {
        MessageReport {
            place: Some(Place::Stdout),
            summary: Some(summary),
            ..MessageReport::new(Action::Delivered, row, true)
        }
    }

    fn new(action: Action, row: Row, new: bool) -> Self {
        MessageReport {
            action,
            row,
            new,
            place: None,
            stored: None,
            sha256: None,
            summary: None,
            reason: None,
        }
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
        self.note().map_err(|error| error.failure(Stage::Ledger))?;
        let FetchSession { listing, plan, job, outcome } = self;
        outcome.known = plan.new.iter().filter(|new| !**new).count() as u64;
        for (row, reason) in &plan.skip {
            tell_skip(job.observer, outcome, &listing.row(*row as usize), *reason);
        }
        if let Some(failure) = &listing.incomplete {
            outcome.failed.push(failure.kind);
            job.observer.event(Event::Failed(None, failure.clone()));
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

    /// Notes what the listing itself teaches, before anything is fetched.
    fn note(&mut self) -> Result<(), StoreError> {
        let ledger = &mut *self.job.ledger;
        let uids = || (0..self.listing.len()).filter_map(|place| self.listing.uid(place));
        ledger.note_ambiguous(self.plan.ambiguous(self.listing))?;
        ledger.note_listed(uids())?;
        match self.job.policy.after {
            After::DeleteAfter(_) => ledger.note_first_seen(uids(), self.job.now),
            _ => Ok(()),
        }
    }
}

fn tell_skip(observer: &mut dyn Observer, outcome: &mut SessionOutcome, row: &Row, reason: Reason) {
    if reason == Reason::NoUid {
        let message = format!("UIDL: message {}: the server names no usable UID for it", row.number);
        let failure = Failure::new(Kind::Protocol, Stage::Uidl, message).scoped(Scope::Message);
        outcome.failed.push(failure.kind);
        outcome.unnamed += 1;
        observer.event(Event::Failed(Some(row.clone()), failure));
        return;
    }
    let known = matches!(reason, Reason::Ambiguous | Reason::Resized);
    let mut told = MessageReport::new(Action::Skipped, row.clone(), !known);
    told.reason = Some(reason);
    observer.event(Event::Message(Box::new(told)));
}
