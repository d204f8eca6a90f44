//! The receiver of a fetch: octets go to the sink, batches to the ledger, events to the observer.

mod adopt;
mod compare;
mod delete;
mod header;
mod large;
mod same;

use super::leaving::Leaving;
use super::report::{Action, Event, MessageReport};
use super::{FetchJob, SessionOutcome, Trouble, subject};
use crate::mail::summary::Summary;
use crate::mailbox::{Listing, Receiver, Remedy, Row, Setback, Wanted};
use crate::store::{
    Afterwards, AtStage, ContentHash, Delivered, Details, HeaderPrint, Identity, StoreError, Subject,
};
use crate::words::{After, Failure, Kind, Scope, Stage};
use crate::work::plan::{Plan, Reason, ToFetch};
use header::HeaderCapture;
use same::Same;
use std::collections::HashMap;

/// How many messages that are stored already are recorded at once.
const NOTED_AT_ONCE: usize = 512;

/// Receives the messages of a session.
pub(super) struct Intake<'a, 'o> {
    listing: &'a Listing,
    plan: &'a Plan,
    /// What is fetched, in order, as indices into the plan; the index here is the tag of a delivery.
    gets: Vec<u32>,
    job: FetchJob<'o>,
    outcome: &'a mut SessionOutcome,
    header: HeaderCapture,
    /// The headers of messages that are not recorded yet, if the observer wants them.
    summaries: HashMap<usize, Summary>,
    /// What the server keeps of the message that comes next, where it said so.
    details: Option<Details>,
    /// What tells the headers of messages from others that are not recorded yet, where the protocol needs that.
    prints: HashMap<usize, u64>,
    /// The same of the message that comes.
    print: Option<HeaderPrint>,
    /// Messages that were recorded in this session and are to be deleted.
    recorded: Leaving,
    /// Set while a message comes that may be one already stored under its UID.
    comparing: Option<ContentHash>,
    /// Messages that were found to be stored already, not recorded yet.
    same: Vec<Same>,
    /// Those of them that were recorded and are to be deleted.
    verified: Vec<u32>,
    /// The current message, and its octets so far.
    coming: Option<usize>,
    size: u64,
    /// Whether the current message is too large: it was dropped, and the rest of it is skipped.
    too_large: bool,
    /// Whether the failure was local (store, output), not the server's.
    local: bool,
    /// Whether a message came and was not stored.
    not_taken: bool,
    /// Messages that were stored by a killed run, and recorded in this session.
    adopted: Vec<u32>,
}

impl<'a, 'o> Intake<'a, 'o> {
    pub fn new(
        listing: &'a Listing,
        plan: &'a Plan,
        job: FetchJob<'o>,
        outcome: &'a mut SessionOutcome,
    ) -> Self {
        Intake {
            listing,
            plan,
            gets: Vec::new(),
            job,
            outcome,
            header: HeaderCapture::default(),
            summaries: HashMap::new(),
            details: None,
            prints: HashMap::new(),
            print: None,
            recorded: Leaving::default(),
            comparing: None,
            same: Vec::new(),
            verified: Vec::new(),
            coming: None,
            size: 0,
            too_large: false,
            local: false,
            not_taken: false,
            adopted: Vec::new(),
        }
    }

    /// The messages to fetch, in order.
    pub fn wanted(&self) -> Vec<Wanted> {
        let wanted = |tag: usize| {
            let get = self.get(tag);
            let (number, size) = (self.listing.number(get.place()), self.listing.size(get.place()));
            Wanted { number, size, alone: get.is_suspect() }
        };
        (0..self.gets.len()).map(wanted).collect()
    }

    pub fn tell(&mut self, event: Event) {
        self.job.observer.event(event);
    }

    fn get(&self, tag: usize) -> &'a ToFetch {
        &self.plan.get[self.gets[tag] as usize]
    }

    fn row(&self, tag: usize) -> Row {
        self.listing.row(self.get(tag).place())
    }

    fn identity(&self, get: &ToFetch) -> Identity {
        self.plan.identity(get, self.listing, self.job.ledger)
    }

    /// Passes on a result of the ledger; an error is a local failure.
    fn noted<T>(&mut self, result: Result<T, StoreError>) -> Result<T, Failure> {
        self.local |= result.is_err();
        result.at(Stage::Ledger)
    }

    fn skip(&mut self, row: Row, reason: Reason) {
        self.outcome.skip(self.job.observer, row, reason);
    }

    fn fail(&mut self, row: Row, failure: Failure) {
        self.outcome.fail(self.job.observer, Some(row), failure);
    }

    /// Handles an error of the store: it concerns one message, or ends the session.
    fn store_failed(&mut self, error: &StoreError) -> Result<(), Failure> {
        let failure = error.failure(Stage::Delivery);
        let (tag, taken) = match error {
            StoreError::Left { tag } | StoreError::Command { tag, .. } => (*tag, false),
            StoreError::TakenUnknown { tag } => (*tag, true),
            _ => {
                self.local = true;
                return Err(failure);
            }
        };
        let row = self.row(tag);
        self.prints.remove(&tag);
        if taken {
            // The outcome is unknown: as with a mark, it is not fetched again, and no run deletes it.
            let marked = row.uid.as_deref().map(|uid| (uid, self.get(tag).copy(), row.size));
            let marked = self.job.ledger.mark_seen(marked);
            self.noted(marked)?;
            self.summaries.remove(&tag);
        } else {
            self.not_taken = true;
        }
        self.fail(row, failure);
        Ok(())
    }

    /// Whether a message fetched now is to be deleted from the server at the end of this session.
    fn goes(&self, place: usize) -> bool {
        if self.job.policy.after == After::Keep {
            return false;
        }
        let seen = self.listing.uid(place).and_then(|uid| self.job.ledger.first_seen(uid));
        self.job.policy.goes(seen.unwrap_or(self.job.now), self.job.now)
    }

    /// Makes the staged messages durable, records and reports them.
    fn commit(&mut self) -> Result<(), Failure> {
        while self.job.sink.staged().count > 0 {
            match self.job.sink.commit(self.job.ledger) {
                Ok(delivered) => self.record(delivered)?,
                Err(error) => self.store_failed(&error)?,
            }
        }
        Ok(())
    }

    fn record(&mut self, delivered: Vec<Delivered>) -> Result<(), Failure> {
        let printed = delivered.into_iter().map(|one| {
            let print = self.prints.remove(&one.tag());
            one.printed(print)
        });
        let delivered: Vec<Delivered> = printed.collect();
        let mut reports = Vec::with_capacity(delivered.len());
        for one in &delivered {
            let summary = self.summaries.remove(&one.tag());
            let mut row = self.row(one.tag());
            row.size = row.size.or(one.details().and_then(|details| details.size));
            let report = MessageReport::new(Action::Delivered, row, true).stored(one);
            reports.push(MessageReport { summary, ..report });
        }
        let (going, staying): (Vec<_>, Vec<_>) =
            delivered.into_iter().partition(|one| self.goes(self.get(one.tag()).place()));
        for (some, afterwards) in [(staying, Afterwards::Keep), (going, Afterwards::Delete)] {
            if some.is_empty() {
                continue;
            }
            let recorded = self.job.ledger.record(some, afterwards);
            for proof in self.noted(recorded)?.into_iter().filter(|_| afterwards == Afterwards::Delete) {
                let row = self.get(proof.tag()).row;
                let added = self.recorded.add(row, proof, self.listing, self.job.ledger);
                self.noted(added)?;
            }
        }
        for report in reports {
            match report.action {
                Action::Delivered => self.outcome.delivered += 1,
                _ => self.outcome.known += 1,
            }
            if self.job.policy.all {
                self.outcome.done.extend(report.row.uid.clone());
            }
            self.tell(report.into());
        }
        Ok(())
    }

    /// Settles the store after the retrieval. Complete messages are kept, even if the session failed; but not if it
    /// failed as with a server that mixes up its replies: then the last ones may be wrong, and are fetched again.
    pub fn settle(&mut self, fetched: Result<(), Failure>, setback: Option<Setback>) -> Result<(), Failure> {
        let Err(failure) = fetched else { return self.commit_or_roll_back() };
        self.job.sink.discard();
        let row = |at: usize| (at < self.gets.len()).then(|| self.row(at));
        self.outcome.setback = setback.map(|setback| Trouble::of(setback, row, false));
        if setback.is_some_and(|setback| setback.remedy == Remedy::WithoutPipelining) {
            self.same.clear();
            self.job.sink.rollback();
        } else if self.local {
            // A full disk may have room for the messages before the one that does not fit.
            let _ = self.commit_or_roll_back();
        } else {
            self.commit_or_roll_back()?;
        }
        let last = setback.is_some_and(|setback| setback.at.is_none_or(|at| at + 1 == self.gets.len()));
        self.outcome.rest = !last
            || self.plan.held
            || !self.plan.delete.is_empty()
            || self.recorded.len() > 0
            || !self.verified.is_empty();
        Err(failure)
    }

    fn commit_or_roll_back(&mut self) -> Result<(), Failure> {
        self.commit().inspect_err(|_| self.job.sink.rollback())?;
        self.note_same()
    }
}

impl Receiver for Intake<'_, '_> {
    fn details(&mut self, _: usize, details: Details) {
        self.details = Some(details);
    }

    fn flags(&mut self, index: usize, flags: Vec<String>) {
        self.job.sink.flags(index, flags);
    }

    fn begin(&mut self, index: usize) -> Result<(), Failure> {
        if self.job.observer.gone() {
            self.local = false;
            return Err(Failure::new(
                Kind::Storage,
                Stage::StandardOutput,
                "standard output: writing: the reader went away",
            ));
        }
        // The notes of a mail server, if there are any, are its first message.
        let get = self.get(index);
        let is_first = self.listing.number(get.place()) == 1;
        self.header.clear(self.job.observer.wants_headers() || is_first);
        self.coming = Some(index);
        self.too_large = false;
        let may_be_stored =
            !self.plan.rivals(get).is_empty() || (!self.job.policy.all && self.job.ledger.has_former());
        self.comparing = may_be_stored.then(ContentHash::default);
        self.print = self.listing.validity.map(|_| HeaderPrint::default());
        let (identity, details) = (self.identity(get), self.details.take());
        let subject = Subject { details: details.as_ref(), ..subject(self.listing, get, &identity, index) };
        self.job.sink.begin(&subject).or_else(|error| self.store_failed(&error))
    }

    fn chunk(&mut self, octets: &[u8], size: u64) -> Result<(), Failure> {
        self.size = size;
        self.tell(Event::Octets(octets.len() as u64));
        if self.job.policy.max_size.is_some_and(|max| size > max) {
            return self.drop_large(size);
        }
        self.header.push(octets);
        if let Some(comparing) = &mut self.comparing {
            comparing.push(octets);
        }
        if let Some(print) = &mut self.print {
            print.push(octets);
        }
        self.job.sink.write(self.job.ledger, octets).or_else(|error| self.store_failed(&error))
    }

    fn confirm(&mut self, index: usize) -> Result<(), Failure> {
        if self.too_large {
            let row = self.row(index);
            self.note_large(&row, self.size)?;
            self.skip(row, Reason::TooLarge);
            return Ok(());
        }
        if let Some(comparing) = self.comparing.take()
            && self.is_stored(index, &comparing.finish())?
        {
            return Ok(());
        }
        let named = self.job.policy.all || self.job.policy.uids.is_some();
        if self.listing.number(self.get(index).place()) == 1 && !named && self.header.is_folder_internal() {
            self.job.sink.discard();
            self.skip(self.row(index), Reason::FolderInternal);
            return Ok(());
        }
        if self.job.observer.wants_headers() {
            self.summaries.insert(index, self.header.summary());
        }
        if let Some(print) = self.print.take().and_then(HeaderPrint::finish) {
            self.prints.insert(index, print);
        }
        if let Err(error) = self.job.sink.finish() {
            self.store_failed(&error)?;
        }
        if self.job.sink.due() { self.commit() } else { Ok(()) }
    }

    fn refused(&mut self, index: usize, failure: Failure) -> Result<(), Failure> {
        if self.coming == Some(index) {
            // It was begun, and nothing of it came.
            self.job.sink.discard();
        }
        self.fail(self.row(index), failure.scoped(Scope::Message));
        Ok(())
    }
}
