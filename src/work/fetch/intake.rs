//! The intake of a fetch: octets to the sink, batches to the ledger, news to the observer.

use super::{Action, Event, FetchJob, MessageReport, PendingDeletions, SessionOutcome, Trouble, tell_skip};
use crate::mail::summary::{MAX_HEADER, Summary};
use crate::mailbox::{Listing, Maildrop, Receiver, Remedy, Row, Setback, Wanted};
use crate::store::{
    Afterwards, ContentHash, Delivered, Going, Hashes, Identity, Known, Ledger, Recorded, StoreError, Subject,
};
use crate::words::{After, Failure, Kind, Scope, Stage};
use crate::work::plan::{Get, Plan, Reason, Rival};
use std::collections::HashMap;

/// The header fields that are reported, collected while the message arrives.
#[derive(Default)]
struct HeaderCapture {
    octets: Vec<u8>,
    done: bool,
}

impl HeaderCapture {
    fn clear(&mut self, wanted: bool) {
        self.octets.clear();
        self.done = !wanted;
    }

    fn push(&mut self, octets: &[u8]) {
        if self.done {
            return;
        }
        let from = self.octets.len().saturating_sub(1);
        let room = MAX_HEADER - self.octets.len();
        self.octets.extend_from_slice(&octets[..octets.len().min(room)]);
        let end = memchr::memmem::find(&self.octets[from..], b"\n\n").map(|at| from + at + 1);
        if let Some(end) = end {
            self.octets.truncate(end);
        }
        self.done = end.is_some() || self.octets.len() == MAX_HEADER;
    }
}

/// Whether a header is that of the notes that UW IMAP and its kin keep as the first message of a folder.
/// A server that shows them to POP3 clients wants them left where they are.
fn is_folder_internal(header: &[u8]) -> bool {
    let has = |field: &[u8]| {
        let lines = header.split(|octet| *octet == b'\n');
        lines.into_iter().any(|line| line.get(..field.len()).is_some_and(|it| it.eq_ignore_ascii_case(field)))
    };
    has(b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA")
        && (has(b"X-IMAP:") || has(b"X-IMAPbase:"))
}

/// Takes what the session brings: octets to the sink, batches to the ledger, news to the observer.
pub(super) struct Intake<'a, 'o> {
    listing: &'a Listing,
    plan: &'a Plan,
    /// What is fetched, in the order in which it comes, by its place in the plan; the index is the tag of the
    /// deliveries.
    gets: Vec<u32>,
    job: FetchJob<'o>,
    outcome: &'a mut SessionOutcome,
    header: HeaderCapture,
    /// What the headers of messages say that are not recorded yet, where that is of interest.
    summaries: HashMap<usize, Summary>,
    /// What was recorded in this session and is to be deleted.
    recorded: Leaving,
    /// Set while a message comes that may be one of those stored under its UID.
    comparing: Option<ContentHash>,
    /// Messages that were found to be stored already, and are not noted yet.
    same: Vec<Same>,
    /// The same, noted: those to be deleted.
    verified: Vec<u32>,
    /// The message that is coming, and its octets so far.
    coming: Option<usize>,
    size: u64,
    /// Whether the message that is coming is larger than is wanted: it was dropped, the rest of it is passed over.
    too_large: bool,
    /// Whether the failure was one of this side.
    local: bool,
    /// Whether a message came and was not taken here.
    not_taken: bool,
}

/// Messages that are to be deleted, by their place in the listing.
#[derive(Default)]
pub(super) struct Leaving {
    rows: Vec<u32>,
    /// The proofs that the ledger has none of: those of messages without a UID of their own.
    proofs: HashMap<u32, Recorded>,
}

impl Leaving {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    fn add(
        &mut self,
        row: u32,
        proof: Recorded,
        listing: &Listing,
        ledger: &Ledger,
    ) -> Result<(), StoreError> {
        let (uid, size) = (listing.uid(row as usize).unwrap_or_default(), listing.size(row as usize));
        if ledger.proof(uid, size)?.is_none_or(|other| other.identity() != proof.identity()) {
            self.proofs.insert(row, proof);
        }
        self.rows.push(row);
        Ok(())
    }

    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// All of them, for the ledger.
    pub(super) fn going<'a>(&'a self, listing: &'a Listing) -> impl Iterator<Item = Going<'a>> {
        self.rows.iter().map(|row| match self.proofs.get(row) {
            Some(proof) => Going::Proven(proof),
            None => Going::Known(listing.uid(*row as usize).unwrap_or_default(), listing.size(*row as usize)),
        })
    }

    /// The proof of one; none where the ledger has it no more.
    fn proof(&self, row: u32, listing: &Listing, ledger: &Ledger) -> Result<Option<Recorded>, StoreError> {
        match self.proofs.get(&row) {
            Some(proof) => Ok(Some(proof.clone())),
            None => {
                let uid = listing.uid(row as usize).unwrap_or_default();
                ledger.proof(uid, listing.size(row as usize))
            }
        }
    }
}

/// A message that is stored already, listed with another size than before.
struct Same {
    /// Its place in the listing.
    row: u32,
    known: Known,
    due: bool,
}

/// How many octets of a message larger than is wanted are passed over before the session is given up for one
/// that does not ask for it.
const PASSED_OVER: u64 = 8 * 1024 * 1024;
/// How many messages are marked for deletion at once.
const MARKED_AT_ONCE: usize = 4000;
/// How many messages that were found the same are noted at once.
const NOTED_AT_ONCE: usize = 512;

impl<'a, 'o> Intake<'a, 'o> {
    pub(super) fn new(
        listing: &'a Listing,
        plan: &'a Plan,
        job: FetchJob<'o>,
        outcome: &'a mut SessionOutcome,
    ) -> Self {
        let gets = Vec::new();
        let (summaries, recorded) = (HashMap::new(), Leaving::default());
        Intake {
            listing,
            plan,
            gets,
            job,
            outcome,
            header: HeaderCapture::default(),
            summaries,
            recorded,
            comparing: None,
            same: Vec::new(),
            verified: Vec::new(),
            coming: None,
            size: 0,
            too_large: false,
            local: false,
            not_taken: false,
        }
    }

    /// What is to be fetched, in the order in which it is taken.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let wanted = |tag: usize| {
            let get = self.get(tag);
            let (number, size) = (self.listing.number(get.place()), self.listing.size(get.place()));
            Wanted { number, size, alone: get.is_suspect() }
        };
        (0..self.gets.len()).map(wanted).collect()
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.job.observer.event(event);
    }

    fn get(&self, tag: usize) -> &'a Get {
        &self.plan.get[self.gets[tag] as usize]
    }

    fn row(&self, tag: usize) -> Row {
        self.listing.row(self.get(tag).place())
    }

    fn identity(&self, get: &Get) -> Identity {
        self.plan.identity(get, self.listing, self.job.ledger)
    }

    /// Takes over what a killed run has stored without recording it, and what is stored and has lost its record;
    /// the rest is to be fetched.
    pub(super) fn adopt(&mut self) -> Result<(), Failure> {
        let (mut adopted, mut finished, mut recognised) = (Vec::new(), 0, 0);
        for (at, get) in (0u32..).zip(&self.plan.get) {
            if !get.is_adoptable() {
                self.gets.push(at);
                continue;
            }
            let (identity, place) = (self.identity(get), get.place());
            let (number, size) = (self.listing.number(place), self.listing.size(place));
            let subject = Subject { identity: &identity, tag: place, wire_size: size, number };
            let found = self.job.sink.adopt(self.job.ledger, &subject);
            let Some(delivered) = found.map_err(|error| error.failure(Stage::Recovery))? else {
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
            let note =
                "message(s) lie in the Maildir, though the record of them is gone: they count as fetched";
            self.tell(Event::Note(format!("{recognised} {note}")));
        }
        Ok(())
    }

    fn record_adopted(&mut self, adopted: Vec<Delivered>) -> Result<(), Failure> {
        if adopted.is_empty() {
            return Ok(());
        }
        let told = |one: &Delivered| {
            let told = self.tell_of(one, self.listing.row(one.tag()), None);
            match one.is_old() {
                true => {
                    let reason = Some(Reason::Stored);
                    MessageReport { action: Action::Skipped, reason, new: false, ..told }
                }
                false => told,
            }
        };
        let told: Vec<_> = adopted.iter().map(told).collect();
        let failed = |error: StoreError| error.failure(Stage::Ledger);
        let recorded = self.job.ledger.record(adopted, Afterwards::Keep).map_err(failed)?;
        for (proof, told) in recorded.into_iter().zip(told) {
            // What this session did not fetch itself is deleted only where its UID names it for certain.
            let place = proof.tag();
            let uid = self.listing.uid(place).unwrap_or_default();
            if self.job.ledger.has_proof(uid, self.listing.size(place)).map_err(failed)? {
                self.recorded.add(place as u32, proof, self.listing, self.job.ledger).map_err(failed)?;
            }
            match told.action {
                Action::Delivered => self.outcome.delivered += 1,
                _ => self.outcome.known += 1,
            }
            self.tell(Event::Message(Box::new(told)));
        }
        Ok(())
    }

    fn tell_of(&self, delivered: &Delivered, row: Row, summary: Option<Summary>) -> MessageReport {
        MessageReport {
            place: Some(delivered.place().clone()),
            stored: Some(delivered.size()),
            sha256: Some(*delivered.sha256()),
            summary,
            ..MessageReport::new(Action::Delivered, row, true)
        }
    }

    /// An error of the store: of one message, or the end of the session.
    fn store_failed(&mut self, error: &StoreError, stage: Stage) -> Result<(), Failure> {
        let failure = error.failure(stage);
        let tag = match error {
            StoreError::Left { tag } | StoreError::Command { tag, .. } => *tag,
            StoreError::TakenUnknown { tag } => return self.taken_unknown(*tag, failure),
            _ => {
                self.local = true;
                return Err(failure);
            }
        };
        let row = self.row(tag);
        self.not_taken = true;
        self.outcome.failed.push(failure.kind);
        self.job.observer.event(Event::Failed(Some(row), failure));
        Ok(())
    }

    /// A message was taken, and nobody knows what became of it: as with a mark, it is not fetched again, and
    /// no run deletes it.
    fn taken_unknown(&mut self, tag: usize, failure: Failure) -> Result<(), Failure> {
        let row = self.row(tag);
        let copy = self.get(tag).copy();
        let marked = row.uid.as_deref().map(|uid| (uid, copy, row.size));
        self.job.ledger.mark_seen(marked).map_err(|error| {
            self.local = true;
            error.failure(Stage::Ledger)
        })?;
        self.summaries.remove(&tag);
        self.outcome.failed.push(failure.kind);
        self.job.observer.event(Event::Failed(Some(row), failure));
        Ok(())
    }

    /// Whether a message fetched now should go from the server at the end of this session.
    fn goes(&self, place: usize) -> bool {
        if self.job.policy.after == After::Keep {
            return false;
        }
        let seen = self.listing.uid(place).and_then(|uid| self.job.ledger.first_seen(uid));
        self.job.policy.goes(seen.unwrap_or(self.job.now), self.job.now)
    }

    /// Makes what is staged durable, records it, tells of it.
    fn commit(&mut self) -> Result<(), Failure> {
        while self.job.sink.staged().count > 0 {
            match self.job.sink.commit(self.job.ledger) {
                Ok(delivered) => self.record(delivered)?,
                Err(error) => self.store_failed(&error, Stage::Delivery)?,
            }
        }
        Ok(())
    }

    fn record(&mut self, delivered: Vec<Delivered>) -> Result<(), Failure> {
        let mut told = Vec::with_capacity(delivered.len());
        for one in &delivered {
            let summary = self.summaries.remove(&one.tag());
            told.push(self.tell_of(one, self.row(one.tag()), summary));
        }
        let (going, staying): (Vec<_>, Vec<_>) =
            delivered.into_iter().partition(|one| self.goes(self.get(one.tag()).place()));
        for (some, afterwards) in [(staying, Afterwards::Keep), (going, Afterwards::Delete)] {
            if some.is_empty() {
                continue;
            }
            let recorded = self.job.ledger.record(some, afterwards).map_err(|error| {
                self.local = true;
                error.failure(Stage::Ledger)
            })?;
            for proof in recorded.into_iter().filter(|_| afterwards == Afterwards::Delete) {
                let row = self.get(proof.tag()).row;
                self.recorded.add(row, proof, self.listing, self.job.ledger).map_err(|error| {
                    self.local = true;
                    error.failure(Stage::Ledger)
                })?;
            }
        }
        for told in told {
            self.outcome.delivered += 1;
            if self.job.policy.all {
                self.outcome.done.extend(told.row.uid.clone());
            }
            self.job.observer.event(Event::Message(Box::new(told)));
        }
        Ok(())
    }

    /// Notes messages that were found the same as those stored before, under their new sizes.
    fn note_same(&mut self) -> Result<(), Failure> {
        let same = std::mem::take(&mut self.same);
        let listing = self.listing;
        let named =
            |one: &Same| (listing.uid(one.row as usize).unwrap_or_default(), listing.size(one.row as usize));
        let notes: Vec<_> = same.iter().map(|one| (named(one).0, one.known, named(one).1)).collect();
        let mut noted = self.job.ledger.resized(&notes);
        for one in same.iter().filter(|one| one.due) {
            let (uid, size) = named(one);
            match noted.and_then(|()| self.job.ledger.has_proof(uid, size)) {
                Ok(proven) => self.verified.extend(proven.then_some(one.row)),
                Err(error) => {
                    noted = Err(error);
                    break;
                }
            }
            noted = Ok(());
        }
        noted.map_err(|error| {
            self.local = true;
            error.failure(Stage::Ledger)
        })
    }

    /// Drops the message that has come if it is one that is stored already.
    fn is_stored(&mut self, index: usize, hashes: &Hashes) -> Result<bool, Failure> {
        let get = self.get(index);
        let found = self.same_as(get, hashes).map_err(|error| {
            self.local = true;
            error.failure(Stage::Ledger)
        })?;
        let Some(rival) = found else { return Ok(false) };
        self.same.push(Same { row: get.row, known: rival.known, due: rival.due });
        self.job.sink.discard();
        let row = self.row(index);
        tell_skip(self.job.observer, self.outcome, &row, Reason::Resized);
        if self.same.len() >= NOTED_AT_ONCE {
            self.note_same()?;
        }
        Ok(true)
    }

    /// Which of the messages it may be it is; each is one row's alone.
    fn same_as(&self, get: &Get, hashes: &Hashes) -> Result<Option<&'a Rival>, StoreError> {
        let uid = |row: u32| self.listing.uid(row as usize);
        'rivals: for rival in self.plan.rivals(get) {
            if !self.job.ledger.hash(&rival.known)?.is_some_and(|hash| hashes.contain(&hash)) {
                continue;
            }
            for one in self.same.iter().filter(|one| uid(one.row) == uid(get.row)) {
                if self.job.ledger.is_same(&one.known, &rival.known)? {
                    continue 'rivals;
                }
            }
            return Ok(Some(rival));
        }
        Ok(None)
    }

    /// Drops a message that has more octets than is wanted, whatever it is listed with.
    fn drop_large(&mut self, size: u64) -> Result<(), Failure> {
        if !self.too_large {
            self.too_large = true;
            self.job.sink.discard();
            self.comparing = None;
        }
        let named = self.job.policy.max_size.is_some_and(|max| size > max.saturating_add(PASSED_OVER));
        let row = self.coming.map(|index| self.row(index));
        let Some(row) = row.filter(|row| named && row.uid.is_some()) else {
            // What has no UID cannot be left out in another session.
            return Ok(());
        };
        self.note_large(&row, size)?;
        tell_skip(self.job.observer, self.outcome, &row, Reason::TooLarge);
        self.outcome.gave_up_large = true;
        let message = format!("RETR: message {}: it is larger than --max-size and goes on", row.number);
        Err(Failure::new(Kind::Deferred, Stage::Retr, message))
    }

    fn note_large(&mut self, row: &Row, size: u64) -> Result<(), Failure> {
        let Some(uid) = row.uid.as_deref() else { return Ok(()) };
        self.job.ledger.outgrown(uid, row.size, size).map_err(|error| {
            self.local = true;
            error.failure(Stage::Ledger)
        })
    }

    /// Brings the store to rest after the retrieval: what is whole is kept, even if the session failed. But
    /// not if it failed as with a server that mixes its replies up: what came last may not be what was asked
    /// for, and comes again.
    pub(super) fn settle(
        &mut self,
        fetched: Result<(), Failure>,
        setback: Option<Setback>,
    ) -> Result<(), Failure> {
        let Err(failure) = fetched else { return self.commit_or_roll_back() };
        self.job.sink.discard();
        let row = |at: usize| (at < self.gets.len()).then(|| self.row(at));
        self.outcome.setback = setback.map(|setback| Trouble {
            remedy: setback.remedy,
            row: setback.at.and_then(row),
            deleting: false,
        });
        if setback.is_some_and(|setback| setback.remedy == Remedy::WithoutPipelining) {
            self.same.clear();
            self.job.sink.rollback();
        } else if self.local {
            // A full disk may have room for what came before the message that does not fit.
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

    /// Marks for deletion what is safe here: what this session delivered, and what earlier ones did.
    ///
    /// `None` where a message came and was not taken here: at QUIT some servers (Gmail is one) count every
    /// message they sent as fetched and never list it again. Such a session ends without QUIT, and its
    /// deletions are left to one that fetches nothing. Without UIDs there is no other session to leave
    /// them to: what is here would come once more.
    pub(super) fn delete(
        mut self,
        maildrop: &mut dyn Maildrop,
    ) -> Result<Option<PendingDeletions<'o>>, Failure> {
        let mut leaving = std::mem::take(&mut self.recorded);
        leaving.rows.retain(|row| self.goes(*row as usize));
        leaving.rows.splice(0..0, self.plan.delete.iter().chain(&self.verified).copied());
        let Intake { listing, plan, job, outcome, not_taken, .. } = self;
        if not_taken && listing.has_uids {
            outcome.deletions_due = leaving.len() > 0;
            return Ok(None);
        }
        if leaving.len() == 0 {
            return Ok(Some(PendingDeletions { messages: leaving, job }));
        }
        let failed = |error: StoreError| error.failure(Stage::Ledger);
        job.ledger.pend(leaving.going(listing)).map_err(failed)?;
        let mut marked = Vec::with_capacity(leaving.len());
        for rows in leaving.rows.chunks(MARKED_AT_ONCE) {
            let mut proven = Vec::with_capacity(rows.len());
            for row in rows {
                let proof = leaving.proof(*row, listing, job.ledger).map_err(failed)?;
                proven.extend(proof.map(|proof| (*row, proof)));
            }
            let numbers: Vec<_> =
                proven.iter().map(|(row, proof)| (listing.number(*row as usize), proof)).collect();
            let results = maildrop.delete(&numbers).inspect_err(|_| {
                let row = |at: usize| proven.get(at).map(|(row, _)| listing.row(*row as usize));
                outcome.setback = maildrop.setback().map(|setback| Trouble {
                    remedy: setback.remedy,
                    row: setback.at.and_then(row),
                    deleting: true,
                });
                outcome.rest = leaving.len() > 1 || plan.held;
            })?;
            for ((row, _), result) in proven.iter().zip(results) {
                let Some(failure) = result else {
                    marked.push(*row);
                    continue;
                };
                outcome.failed.push(failure.kind);
                outcome.undeleted += 1;
                let row = listing.row(*row as usize);
                job.observer.event(Event::Failed(Some(row), failure.scoped(Scope::Message)));
            }
        }
        leaving.rows = marked;
        Ok(Some(PendingDeletions { messages: leaving, job }))
    }
}

impl Receiver for Intake<'_, '_> {
    fn begin(&mut self, index: usize) -> Result<(), Failure> {
        if self.job.observer.gone() {
            self.local = false;
            return Err(Failure::new(
                Kind::Storage,
                Stage::StandardOutput,
                "standard output: writing: the reader went away",
            ));
        }
        // The notes of a mail server are its first message, where there are any.
        let get = self.get(index);
        let (number, size) = (self.listing.number(get.place()), self.listing.size(get.place()));
        self.header.clear(self.job.observer.wants_headers() || number == 1);
        self.coming = Some(index);
        self.too_large = false;
        self.comparing = (!self.plan.rivals(get).is_empty()).then(ContentHash::default);
        let identity = self.identity(get);
        let subject = Subject { identity: &identity, tag: index, wire_size: size, number };
        self.job.sink.begin(&subject).or_else(|error| self.store_failed(&error, Stage::Delivery))
    }

    fn chunk(&mut self, octets: &[u8], size: u64) -> Result<(), Failure> {
        self.size = size;
        if self.job.policy.max_size.is_some_and(|max| size > max) {
            self.job.observer.event(Event::Octets(octets.len() as u64));
            return self.drop_large(size);
        }
        self.header.push(octets);
        if let Some(comparing) = &mut self.comparing {
            comparing.push(octets);
        }
        self.job.observer.event(Event::Octets(octets.len() as u64));
        self.job
            .sink
            .write(self.job.ledger, octets)
            .or_else(|error| self.store_failed(&error, Stage::Delivery))
    }

    fn confirm(&mut self, index: usize) -> Result<(), Failure> {
        if self.too_large {
            let row = self.row(index);
            self.note_large(&row, self.size)?;
            tell_skip(self.job.observer, self.outcome, &row, Reason::TooLarge);
            return Ok(());
        }
        if let Some(comparing) = self.comparing.take()
            && self.is_stored(index, &comparing.finish())?
        {
            return Ok(());
        }
        let named = self.job.policy.all || self.job.policy.uids.is_some();
        if self.listing.number(self.get(index).place()) == 1
            && !named
            && is_folder_internal(&self.header.octets)
        {
            self.job.sink.discard();
            let row = self.row(index);
            tell_skip(self.job.observer, self.outcome, &row, Reason::FolderInternal);
            return Ok(());
        }
        if self.job.observer.wants_headers() {
            let summary = Summary::of(&self.header.octets);
            self.summaries.insert(index, summary);
        }
        if let Err(error) = self.job.sink.finish() {
            self.store_failed(&error, Stage::Delivery)?;
        }
        if self.job.sink.due() { self.commit() } else { Ok(()) }
    }

    fn refused(&mut self, index: usize, failure: Failure) -> Result<(), Failure> {
        let row = self.row(index);
        self.outcome.failed.push(failure.kind);
        self.job.observer.event(Event::Failed(Some(row), failure.scoped(Scope::Message)));
        Ok(())
    }
}
