//! The run of one account: opens its ledger and its destination, then runs sessions until all is done.

use super::marks::{mark_seen, rehearse_marks};
use super::rehearse::Rehearsal;
use super::run::{Mode, Run, RunDestination, now};
use super::sessions::Sessions;
use super::{Event, Observer};
use crate::imap::Authenticated;
use crate::mailbox::Maildrop;
use crate::store::{AccountKey, AtStage, Ledger, LedgerOpening, StoreError, Twins};
use crate::words::{Exit, Failure, Stage};
use crate::work::access::SessionMode;

impl Run {
    /// Runs to the end, reporting to `observer`; returns the account's exit code.
    pub fn go(mut self, observer: &mut dyn Observer) -> Exit {
        let exit = self.once(observer);
        if let Some(session) = self.service.parking.as_ref().and_then(Authenticated::from_parking) {
            session.logout();
        }
        exit
    }

    /// The same; a session may be left for another time.
    pub(super) fn once(&mut self, observer: &mut dyn Observer) -> Exit {
        match self.twins() {
            Ok(twins) => self.twins = twins,
            Err(failure) => return ended(Err(failure), observer),
        }
        let Some(choice) = self.folders.clone() else { return self.one_folder(observer) };
        let done = self.each_folder(&choice, observer);
        ended(done, observer)
    }

    /// What the account's folders have stored, where that is to be stored once.
    fn twins(&self) -> Result<Option<Twins>, Failure> {
        match self.dedupe {
            true => Twins::gather(&self.ledgers, &self.service.key()).map(Some).at(Stage::Ledger),
            false => Ok(None),
        }
    }

    /// The same for one folder.
    pub(super) fn go_into(&self, destination: &dyn RunDestination, observer: &mut dyn Observer) -> Exit {
        let done = self.all_sessions(destination, observer);
        ended(done, observer)
    }

    fn all_sessions(
        &self,
        destination: &dyn RunDestination,
        observer: &mut dyn Observer,
    ) -> Result<Exit, Failure> {
        let key = self.service.key();
        match self.mode {
            Mode::DryRun => return self.dry_run(&key, destination, observer),
            Mode::MarkSeen { rehearse: true } => return self.rehearse_marks(&key, observer),
            Mode::MarkSeen { .. } | Mode::Fetch | Mode::FetchUntilEmpty => {}
        }
        let stop = self.limits.stop.clone();
        let opening = match self.peek {
            true => Ledger::peek(&self.ledgers, &key).map(|ledger| LedgerOpening::done(ledger.forgetful())),
            false => Ledger::begin(&self.ledgers, &key, self.wait, &|| stop.raised()),
        };
        let opening = opening.at(Stage::Ledger)?;
        if self.mode == (Mode::MarkSeen { rehearse: false }) {
            return self.mark_seen(opening, observer);
        }
        let mut sink = destination.open(&key).at(Stage::Destination)?;
        if let Some(twins) = &self.twins {
            sink = twins.before(sink, &key);
        }
        // The ledger is read, and leftovers of a killed run are settled, while the server is at work.
        let mut reading = LedgerReading::Reading(opening);
        let opened = self.service.open(&self.limits, &mut || reading.mode());
        let mut ledger = reading.finish().at(Stage::Ledger)?;
        let recovery = sink.recover(&mut ledger).at(Stage::Recovery)?;
        if recovery.accepted > 0 {
            observer.event(Event::Note(format!(
                "{} message(s) of an interrupted run were found complete and count as delivered",
                recovery.accepted
            )));
        }
        if recovery.removed > 0 {
            observer.event(Event::Note(format!(
                "{} octets of incomplete messages of an interrupted run are removed; these messages are fetched again",
                recovery.removed
            )));
        }
        for (path, offset) in &recovery.left {
            observer.event(Event::Note(format!(
                "{}: the half message at octet {offset} stays: another program has appended after it",
                path.display()
            )));
        }
        let exit = Sessions::new(self, &mut ledger, sink.as_mut(), observer).go(opened);
        drop(sink);
        ledger.close().at(Stage::Ledger)?;
        Ok(exit)
    }

    fn dry_run(
        &self,
        key: &AccountKey,
        destination: &dyn RunDestination,
        observer: &mut dyn Observer,
    ) -> Result<Exit, Failure> {
        let mut unrecorded = destination.peek().at(Stage::Destination)?;
        let mut ledger = Ledger::peek(&self.ledgers, key).at(Stage::Ledger)?.forgetful();
        if let Some(unrecorded) = &mut unrecorded {
            unrecorded.reclaim(&mut ledger).at(Stage::Recovery)?;
        }
        let (mode, policy, others) = (SessionMode::remembered(&ledger), &self.policy, &self.others);
        let mut rehearsal = Rehearsal { ledger, unrecorded, policy, observer, others, now: now() };
        self.service.look(&self.limits, mode, |maildrop| rehearsal.run(maildrop))?;
        Ok(Exit::Ok)
    }

    fn mark_seen(&self, opening: LedgerOpening, observer: &mut dyn Observer) -> Result<Exit, Failure> {
        let mut ledger = opening.finish().at(Stage::Ledger)?;
        let mode = SessionMode::remembered(&ledger);
        let mark = |maildrop: &mut dyn Maildrop| mark_seen(maildrop, &mut ledger, &self.policy, observer);
        let marked = self.service.look(&self.limits, mode, mark)?;
        ledger.close().at(Stage::Ledger)?;
        observer.event(Event::Marked { count: marked as u64, is_rehearsed: false });
        Ok(Exit::Ok)
    }

    fn rehearse_marks(&self, key: &AccountKey, observer: &mut dyn Observer) -> Result<Exit, Failure> {
        let mut ledger = Ledger::peek(&self.ledgers, key).at(Stage::Ledger)?;
        let (mode, policy) = (SessionMode::remembered(&ledger), &self.policy);
        let look = |maildrop: &mut dyn Maildrop| rehearse_marks(maildrop, &mut ledger, policy, observer);
        let count = self.service.look(&self.limits, mode, look)?;
        observer.event(Event::Marked { count: count as u64, is_rehearsed: true });
        Ok(Exit::Ok)
    }
}

/// The exit code of a run, its failure reported.
fn ended(done: Result<Exit, Failure>, observer: &mut dyn Observer) -> Exit {
    done.unwrap_or_else(|failure| {
        let exit = failure.exit();
        observer.event(Event::Ended(failure));
        exit
    })
}

/// A ledger that may still be read while the server is at work.
enum LedgerReading {
    Reading(LedgerOpening),
    Done(Box<Result<Ledger, StoreError>>),
    Taken,
}

impl LedgerReading {
    /// How to treat the server, as remembered by the ledger.
    fn mode(&mut self) -> SessionMode {
        *self = match std::mem::replace(self, LedgerReading::Taken) {
            LedgerReading::Reading(opening) => LedgerReading::Done(Box::new(opening.finish())),
            other => other,
        };
        match self {
            LedgerReading::Done(read) => {
                read.as_ref().as_ref().map_or_else(|_| SessionMode::default(), SessionMode::remembered)
            }
            _ => SessionMode::default(),
        }
    }

    fn finish(self) -> Result<Ledger, StoreError> {
        match self {
            LedgerReading::Reading(opening) => opening.finish(),
            LedgerReading::Done(read) => *read,
            LedgerReading::Taken => Err(StoreError::Misused("the ledger was read twice")),
        }
    }
}
