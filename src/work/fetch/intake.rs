//! The intake of a fetch: octets to the sink, batches to the ledger, news to the observer.

use super::{Action, Event, Job, Marked, Outcome, Told, Trouble, tell_skip};
use crate::mail::summary::{MAX_HEADER, Summary};
use crate::pop3::{Listing, Receiver, Remedy, Row, Setback, Wanted};
use crate::store::{Afterwards, Delivered, Fingerprint, Hashes, Known, Recorded, StoreError, Subject};
use crate::words::{Failure, Kind, Scope};
use crate::work::maildrop::Maildrop;
use crate::work::plan::{After, Get, Plan, Reason, Rival};
use std::collections::HashMap;

/// The header of the message that is coming in, as far as it is of interest.
#[derive(Default)]
struct Header {
    octets: Vec<u8>,
    done: bool,
}

impl Header {
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
    /// What is fetched, in the order in which it comes; the index is the tag of the deliveries.
    gets: Vec<&'a Get>,
    job: Job<'o>,
    outcome: &'a mut Outcome,
    header: Header,
    /// What the headers of messages say that are not recorded yet, where that is of interest.
    summaries: HashMap<usize, Summary>,
    /// What was recorded in this session and is to be deleted: place in the listing, and proof.
    recorded: Vec<(usize, Recorded)>,
    /// Set while a message comes that may be one of those stored under its UID.
    comparing: Option<Fingerprint>,
    /// Messages that were found to be stored already, and are not noted yet.
    same: Vec<Same>,
    /// The same, noted: those to be deleted.
    verified: Vec<(usize, Recorded)>,
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

/// A message that is stored already, listed with another size than before.
struct Same {
    /// Its place in the listing.
    row: usize,
    known: Known,
    due: bool,
}

/// How many octets of a message larger than is wanted are passed over before the session is given up for one
/// that does not ask for it.
const PASSED_OVER: u64 = 8 * 1024 * 1024;
/// How many messages that were found the same are noted at once.
const NOTED_AT_ONCE: usize = 512;

impl<'a, 'o> Intake<'a, 'o> {
    pub(super) fn new(listing: &'a Listing, job: Job<'o>, outcome: &'a mut Outcome) -> Self {
        let gets = Vec::new();
        let (summaries, recorded) = (HashMap::new(), Vec::new());
        Intake {
            listing,
            gets,
            job,
            outcome,
            header: Header::default(),
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
        let wanted = |get: &&Get| {
            let row = &self.listing.rows[get.row];
            Wanted { number: row.number, size: row.size, alone: get.suspect }
        };
        self.gets.iter().map(wanted).collect()
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.job.observer.event(event);
    }

    fn row(&self, tag: usize) -> &'a Row {
        &self.listing.rows[self.gets[tag].row]
    }

    /// Takes over what a killed run has stored without recording it; the rest is to be fetched.
    pub(super) fn adopt(&mut self, plan: &'a Plan) -> Result<(), Failure> {
        let mut adopted = Vec::new();
        for get in &plan.get {
            let row = &self.listing.rows[get.row];
            let subject =
                Subject { identity: &get.identity, tag: get.row, wire_size: row.size, number: row.number };
            let found = if get.adoptable { self.job.sink.adopt(self.job.ledger, &subject) } else { Ok(None) };
            match found.map_err(|error| error.failure("recovery"))? {
                Some(delivered) => adopted.push(delivered),
                None => self.gets.push(get),
            }
        }
        if adopted.is_empty() {
            return Ok(());
        }
        let count = adopted.len();
        self.job
            .observer
            .event(Event::Note(format!("{count} message(s) of an interrupted run were found stored")));
        let told: Vec<_> =
            adopted.iter().map(|one| self.tell_of(one, self.listing.rows[one.tag()].clone(), None)).collect();
        let recorded =
            self.job.ledger.record(adopted, Afterwards::Keep).map_err(|error| error.failure("ledger"))?;
        for (proof, told) in recorded.into_iter().zip(told) {
            // What this session did not fetch itself is deleted only where its UID names it for certain.
            let row = &self.listing.rows[proof.tag()];
            let uid = row.uid.as_deref().unwrap_or_default();
            if self.job.ledger.proof(uid, row.size).is_some() {
                self.recorded.push((proof.tag(), proof));
            }
            self.outcome.delivered += 1;
            self.job.observer.event(Event::Message(Box::new(told)));
        }
        Ok(())
    }

    fn tell_of(&self, delivered: &Delivered, row: Row, summary: Option<Summary>) -> Told {
        Told {
            place: Some(delivered.place().clone()),
            stored: Some(delivered.size()),
            sha256: Some(*delivered.sha256()),
            summary,
            ..Told::new(Action::Delivered, row, true)
        }
    }

    /// An error of the store: of one message, or the end of the session.
    fn store_failed(&mut self, error: &StoreError, stage: &str) -> Result<(), Failure> {
        let failure = error.failure(stage);
        let tag = match error {
            StoreError::Left { tag } | StoreError::Command { tag, .. } => *tag,
            StoreError::TakenUnknown { tag } => return self.taken_unknown(*tag, failure),
            _ => {
                self.local = true;
                return Err(failure);
            }
        };
        let row = self.row(tag).clone();
        self.not_taken = true;
        self.outcome.failed.push(failure.kind);
        self.job.observer.event(Event::Failed(Some(row), failure));
        Ok(())
    }

    /// A message was taken, and nobody knows what became of it: as with a mark, it is not fetched again, and
    /// no run deletes it.
    fn taken_unknown(&mut self, tag: usize, failure: Failure) -> Result<(), Failure> {
        let row = self.row(tag).clone();
        let copy = self.gets[tag].identity.copy();
        let marked = row.uid.as_deref().map(|uid| (uid, copy, row.size));
        self.job.ledger.mark_seen(marked).map_err(|error| {
            self.local = true;
            error.failure("ledger")
        })?;
        self.summaries.remove(&tag);
        self.outcome.failed.push(failure.kind);
        self.job.observer.event(Event::Failed(Some(row), failure));
        Ok(())
    }

    /// Whether a message fetched now should go from the server at the end of this session.
    fn goes(&self, row: &Row) -> bool {
        if self.job.policy.after == After::Keep {
            return false;
        }
        let seen = row.uid.as_deref().and_then(|uid| self.job.ledger.first_seen(uid));
        self.job.policy.goes(seen.unwrap_or(self.job.now), self.job.now)
    }

    /// Makes what is staged durable, records it, tells of it.
    fn commit(&mut self) -> Result<(), Failure> {
        while self.job.sink.staged().count > 0 {
            match self.job.sink.commit(self.job.ledger) {
                Ok(delivered) => self.record(delivered)?,
                Err(error) => self.store_failed(&error, "delivery")?,
            }
        }
        Ok(())
    }

    fn record(&mut self, delivered: Vec<Delivered>) -> Result<(), Failure> {
        let mut told = Vec::with_capacity(delivered.len());
        for one in &delivered {
            let summary = self.summaries.remove(&one.tag());
            told.push(self.tell_of(one, self.row(one.tag()).clone(), summary));
        }
        let (going, staying): (Vec<_>, Vec<_>) =
            delivered.into_iter().partition(|one| self.goes(self.row(one.tag())));
        for (some, afterwards) in [(staying, Afterwards::Keep), (going, Afterwards::Delete)] {
            if some.is_empty() {
                continue;
            }
            let recorded = self.job.ledger.record(some, afterwards).map_err(|error| {
                self.local = true;
                error.failure("ledger")
            })?;
            if afterwards == Afterwards::Delete {
                self.recorded.extend(recorded.into_iter().map(|proof| (self.gets[proof.tag()].row, proof)));
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
        let rows = &self.listing.rows;
        let uid = |row: usize| rows[row].uid.as_deref().unwrap_or_default();
        let notes: Vec<_> =
            same.iter().map(|one| (uid(one.row), one.known.clone(), rows[one.row].size)).collect();
        self.job.ledger.resized(&notes).map_err(|error| {
            self.local = true;
            error.failure("ledger")
        })?;
        for one in same.iter().filter(|one| one.due) {
            if let Some(proof) = self.job.ledger.proof(uid(one.row), rows[one.row].size) {
                self.verified.push((one.row, proof));
            }
        }
        Ok(())
    }

    /// Drops the message that has come if it is one that is stored already.
    fn is_stored(&mut self, index: usize, hashes: &Hashes) -> Result<bool, Failure> {
        let get = self.gets[index];
        let (ledger, same) = (&*self.job.ledger, &self.same);
        let taken = |rival: &Rival| {
            same.iter().any(|one| {
                let uid = |row: usize| &self.listing.rows[row].uid;
                uid(one.row) == uid(get.row) && ledger.is_same(&one.known, &rival.known)
            })
        };
        let found = get.rivals.iter().find(|rival| {
            ledger.hash(&rival.known).is_some_and(|hash| hashes.contain(&hash)) && !taken(rival)
        });
        let Some(rival) = found else { return Ok(false) };
        self.same.push(Same { row: get.row, known: rival.known.clone(), due: rival.due });
        self.job.sink.discard();
        tell_skip(self.job.observer, self.outcome, &self.listing.rows[get.row], Reason::Resized);
        if self.same.len() >= NOTED_AT_ONCE {
            self.note_same()?;
        }
        Ok(true)
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
        let Some((uid, row)) = row.and_then(|row| Some((row.uid.as_deref()?, row))).filter(|_| named) else {
            // What has no UID cannot be left out in another session.
            return Ok(());
        };
        self.note_large(uid, row.size, size)?;
        tell_skip(self.job.observer, self.outcome, row, Reason::TooLarge);
        self.outcome.gave_up_large = true;
        let message = format!("RETR: message {}: it is larger than --max-size and goes on", row.number);
        Err(Failure::new(Kind::Deferred, "RETR", message))
    }

    fn note_large(&mut self, uid: &[u8], listed: Option<u64>, size: u64) -> Result<(), Failure> {
        self.job.ledger.outgrown(uid, listed, size).map_err(|error| {
            self.local = true;
            error.failure("ledger")
        })
    }

    /// Brings the store to rest after the retrieval: what is whole is kept, even if the session failed. But
    /// not if it failed as with a server that mixes its replies up: what came last may not be what was asked
    /// for, and comes again.
    pub(super) fn settle(
        &mut self,
        fetched: Result<(), Failure>,
        setback: Option<Setback>,
        plan: &Plan,
    ) -> Result<(), Failure> {
        let Err(failure) = fetched else { return self.commit_or_roll_back() };
        self.job.sink.discard();
        let row = |at: usize| self.gets.get(at).map(|get| self.listing.rows[get.row].clone());
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
            || plan.held
            || !plan.delete.is_empty()
            || !self.recorded.is_empty()
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
        self,
        maildrop: &mut dyn Maildrop,
        plan: &Plan,
    ) -> Result<Option<Marked<'o>>, Failure> {
        let fresh = self.recorded.iter().filter(|(place, _)| self.goes(&self.listing.rows[*place]));
        let known = plan.delete.iter().chain(&self.verified);
        let messages: Vec<(usize, Recorded)> = known.chain(fresh).cloned().collect();
        let Intake { listing, job, outcome, not_taken, .. } = self;
        if not_taken && listing.has_uids {
            outcome.deletions_due = !messages.is_empty();
            return Ok(None);
        }
        if messages.is_empty() {
            return Ok(Some(Marked { messages: Vec::new(), job }));
        }
        let proofs: Vec<Recorded> = messages.iter().map(|(_, proof)| proof.clone()).collect();
        job.ledger.pend(&proofs).map_err(|error| error.failure("ledger"))?;
        let numbers: Vec<_> =
            messages.iter().map(|(place, proof)| (listing.rows[*place].number, proof)).collect();
        let results = maildrop.delete(&numbers).inspect_err(|_| {
            let row = |at: usize| messages.get(at).map(|(place, _)| listing.rows[*place].clone());
            let setback = maildrop.setback();
            outcome.setback = setback.map(|setback| Trouble {
                remedy: setback.remedy,
                row: setback.at.and_then(row),
                deleting: true,
            });
            outcome.rest = messages.len() > 1 || plan.held;
        })?;
        let mut marked = Vec::with_capacity(messages.len());
        for ((place, proof), result) in messages.into_iter().zip(results) {
            let row = listing.rows[place].clone();
            match result {
                None => marked.push((row, proof)),
                Some(failure) => {
                    outcome.failed.push(failure.kind);
                    outcome.undeleted += 1;
                    job.observer.event(Event::Failed(Some(row), failure.scoped(Scope::Message)));
                }
            }
        }
        Ok(Some(Marked { messages: marked, job }))
    }
}

impl Receiver for Intake<'_, '_> {
    fn begin(&mut self, index: usize) -> Result<(), Failure> {
        if self.job.observer.gone() {
            self.local = false;
            return Err(Failure::new(
                Kind::Storage,
                "standard output",
                "standard output: writing: the reader went away",
            ));
        }
        // The notes of a mail server are its first message, where there are any.
        self.header.clear(self.job.observer.wants_headers() || self.row(index).number == 1);
        let get = self.gets[index];
        self.coming = Some(index);
        self.too_large = false;
        self.comparing = (!get.rivals.is_empty()).then(Fingerprint::default);
        let row = self.row(index);
        let subject =
            Subject { identity: &get.identity, tag: index, wire_size: row.size, number: row.number };
        self.job.sink.begin(&subject).or_else(|error| self.store_failed(&error, "delivery"))
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
        self.job.sink.write(self.job.ledger, octets).or_else(|error| self.store_failed(&error, "delivery"))
    }

    fn confirm(&mut self, index: usize) -> Result<(), Failure> {
        if self.too_large {
            let row = self.row(index);
            if let Some(uid) = row.uid.as_deref() {
                self.note_large(uid, row.size, self.size)?;
            }
            tell_skip(self.job.observer, self.outcome, row, Reason::TooLarge);
            return Ok(());
        }
        if let Some(comparing) = self.comparing.take()
            && self.is_stored(index, &comparing.finish())?
        {
            return Ok(());
        }
        let named = self.job.policy.all || self.job.policy.uids.is_some();
        if self.row(index).number == 1 && !named && is_folder_internal(&self.header.octets) {
            self.job.sink.discard();
            let row = self.row(index);
            tell_skip(self.job.observer, self.outcome, row, Reason::FolderInternal);
            return Ok(());
        }
        if self.job.observer.wants_headers() {
            let summary = Summary::of(&self.header.octets);
            self.summaries.insert(index, summary);
        }
        if let Err(error) = self.job.sink.finish() {
            self.store_failed(&error, "delivery")?;
        }
        if self.job.sink.due() { self.commit() } else { Ok(()) }
    }

    fn refused(&mut self, index: usize, failure: Failure) -> Result<(), Failure> {
        let row = self.row(index).clone();
        self.outcome.failed.push(failure.kind);
        self.job.observer.event(Event::Failed(Some(row), failure.scoped(Scope::Message)));
        Ok(())
    }
}
