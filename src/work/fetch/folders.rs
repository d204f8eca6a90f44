//! Several folders of an account in one run, one after the other over one connection. What fails in one folder
//! holds up no other.

use super::choice::{WantedFolder, choose};
use super::run::{Mode, Run, RunDestination, now};
use super::{Action, Event, Observer};
use crate::account::{FolderChoice, Protocol};
use crate::codec::imap::MailboxName;
use crate::imap::{Authenticated, Counts, Folder, Parking};
use crate::store::{AtStage, FolderNumbers, Ledger};
use crate::words::{After, Exit, Failure, Kind, Stage};
use std::sync::Arc;

/// How many folders in a row may be lost to the network before the others are given up.
const MOST_LOST: usize = 3;

impl Run {
    /// Fetches from each of the folders. Fails where nothing can be begun.
    pub(super) fn each_folder(
        &mut self,
        choice: &FolderChoice,
        observer: &mut dyn Observer,
    ) -> Result<Exit, Failure> {
        if self.service.server.protocol != Protocol::Imap {
            return Err(
                Failure::usage("--folder: POP3 has no folders").hint("--imap uses the account's IMAP server")
            );
        }
        let parking = self.service.parking.get_or_insert_default().clone();
        let (mut session, listed) = self.listed(&parking)?;
        for alert in session.take_alerts() {
            observer.event(Event::Note(format!("the server says: {alert}")));
        }
        let (mut wanted, unmatched) = choose(&listed, choice);
        if let After::MoveTo(target) = &self.policy.after {
            // What is moved there is not to be fetched once more.
            wanted.retain(|one| MailboxName::named(target).as_ref() != Some(&one.name));
        }
        let mut exits = Vec::with_capacity(wanted.len());
        let mut session = Some(session);
        let unlisted: Vec<WantedFolder> = wanted.extract_if(.., |one| !one.is_listed).collect();
        for one in unlisted {
            match self.look_for(&one.name, &mut session, observer) {
                Some(exit) => exits.push(exit),
                None => wanted.push(one),
            }
        }
        if let Some(session) = session {
            session.park(&parking);
        }
        for pattern in unmatched {
            let message = format!("LIST: no folder has a name like {pattern}");
            let failure = Failure::new(Kind::Rejected, Stage::List, message).at(self.service.server.place());
            let failure = failure.hint("`postie list --folders` shows the folders there are");
            exits.push(failure.exit());
            // As with a folder that is not there: no message has failed.
            observer.event(Event::FolderEnded(pattern.into(), failure));
        }
        let destinations = self.destinations(&wanted)?;
        let watched = wanted.iter().find(|one| one.name.is_inbox()).or(wanted.first());
        self.watched = watched.map(|one| one.name.clone());
        let before = (self.policy.limit, self.others.clone(), self.service.server.folder.clone());
        let stopped = self.run_each(wanted, destinations, &mut exits, observer);
        self.service.next = None;
        (self.policy.limit, self.others, self.service.server.folder) = before;
        Ok(stopped.unwrap_or_else(|| together(&exits)))
    }

    /// All folders, by the session that is parked if it goes on.
    fn listed(&self, parking: &Parking) -> Result<(Authenticated, Vec<Folder>), Failure> {
        // Only where the numbers of all come in one answer they save anything.
        let list = |session: &mut Authenticated| session.folders(session.capabilities().list_status);
        if let Some(mut parked) = Authenticated::from_parking(parking) {
            match list(&mut parked) {
                Ok(mut listed) => {
                    // Of the one that is open they may be old (RFC 3501 §6.3.10).
                    let open = listed.iter_mut().find(|one| Some(&one.name) == self.watched.as_ref());
                    open.into_iter().for_each(|one| one.counts = Counts::default());
                    return Ok((parked, listed));
                }
                // The server ended it meanwhile.
                Err(failure) if failure.kind() == Kind::Network => {}
                Err(failure) => return Err(failure),
            }
        }
        let mut session = self.service.log_in(&self.limits)?;
        let listed = list(&mut session)?;
        Ok((session, listed))
    }

    /// Opens a folder that was not listed, before a place is made for it here. One that cannot be opened is told of, and
    /// gives the exit code; where the session ends with it, that is left to the run of the folder.
    fn look_for(
        &self,
        name: &MailboxName,
        session: &mut Option<Authenticated>,
        observer: &mut dyn Observer,
    ) -> Option<Exit> {
        match session.take()?.examine(name) {
            Ok(mailbox) => {
                *session = Some(mailbox.leave());
                None
            }
            Err(refused) => {
                *session = Some(*refused.session?);
                let exit = refused.failure.exit();
                let name = name.to_string().into();
                let mut within = WithinFolder { name, inner: observer, counted: 0, ended: None };
                within.event(Event::Ended(refused.failure));
                Some(exit)
            }
        }
    }

    /// Fetches from the one folder that the account names.
    pub(super) fn one_folder(&self, observer: &mut dyn Observer) -> Exit {
        let destination = self.destination.as_ref();
        match self.service.server.folder.as_ref().filter(|folder| !folder.is_inbox()) {
            Some(folder) => {
                let name = folder.to_string().into();
                self.go_into(
                    destination,
                    &mut WithinFolder { name, inner: observer, counted: 0, ended: None },
                )
            }
            None => self.go_into(destination, observer),
        }
    }

    /// A destination for each folder, or why it has none.
    fn destinations(&self, wanted: &[WantedFolder]) -> Result<Vec<OpenedDestination>, Failure> {
        let names: Vec<_> = wanted.iter().map(|one| one.parts.clone()).collect();
        let key = self.service.key();
        let is_dry = matches!(self.mode, Mode::DryRun | Mode::MarkSeen { .. });
        let stop = || self.limits.stop.raised();
        let places = self.destination.places(&self.ledgers, &key, &names, is_dry, &stop);
        let places = places.at(Stage::Destination)?;
        let placed = wanted.iter().zip(places).map(|(one, place)| {
            let name: Arc<str> = one.name.to_string().into();
            place.map(|path| self.destination.of_folder(&name, path)).at(Stage::Destination)
        });
        Ok(placed.collect())
    }

    /// Runs the folders one by one; the exit code of what ended the whole run, if anything did.
    fn run_each(
        &mut self,
        wanted: Vec<WantedFolder>,
        destinations: Vec<OpenedDestination>,
        exits: &mut Vec<Exit>,
        observer: &mut dyn Observer,
    ) -> Option<Exit> {
        let (whole_limit, others) = (self.policy.limit, std::mem::take(&mut self.others));
        let (mut counted, mut lost) = (0, 0);
        let steps = self.steps(wanted, destinations);
        for FolderStep { folder: one, destination, is_as_it_was, next } in steps {
            self.service.next = next;
            self.policy.limit = whole_limit.map(|limit| limit.saturating_sub(counted));
            self.others = others.iter().map(|key| key.folder(one.name.octets())).collect();
            self.service.server.folder = Some(one.name.clone());
            let mut within = WithinFolder {
                name: one.name.to_string().into(),
                inner: &mut *observer,
                counted: 0,
                ended: None,
            };
            let exit = match destination {
                Ok(_) if is_as_it_was => {
                    within.event(Event::NothingNew(one.counts.messages.unwrap_or(0)));
                    Exit::Ok
                }
                Ok(destination) => self.go_into(destination.as_ref(), &mut within),
                Err(failure) => {
                    let exit = failure.exit();
                    within.event(Event::Ended(failure));
                    exit
                }
            };
            counted += within.counted;
            let ended = within.ended;
            if self.limits.stop.raised() || ended.is_some_and(ends_all) {
                return Some(exit);
            }
            lost = if ended.is_some_and(is_loss) { lost + 1 } else { 0 };
            if lost == MOST_LOST {
                return Some(exit);
            }
            exits.push(exit);
        }
        // Whatever came before, the line is down.
        (lost > 0).then(|| exits.last().copied()).flatten()
    }
}

/// What is to be done for one folder.
struct FolderStep {
    folder: WantedFolder,
    destination: OpenedDestination,
    /// Whether nothing is to be done.
    is_as_it_was: bool,
    /// The folder that is opened next, where that may begin while messages of this one are coming.
    next: Option<MailboxName>,
}

impl Run {
    fn steps(&self, wanted: Vec<WantedFolder>, destinations: Vec<OpenedDestination>) -> Vec<FolderStep> {
        // Where messages are deleted or moved, a folder is needed to its end.
        let goes_ahead = self.mode == Mode::Fetch && self.policy.after == After::Keep;
        let mut next = None;
        let mut steps = Vec::with_capacity(wanted.len());
        for (folder, destination) in wanted.into_iter().zip(destinations).rev() {
            let is_as_it_was = destination.is_ok() && self.is_as_it_was(&folder);
            let opened = (goes_ahead && destination.is_ok() && !is_as_it_was).then(|| folder.name.clone());
            steps.push(FolderStep { folder, destination, is_as_it_was, next: next.clone() });
            next = opened.or(next);
        }
        steps.reverse();
        steps
    }

    /// Whether the numbers of a folder show that nothing is to be done there: a run has seen all of it as it is. A ledger that cannot be read says no here, and why when it is opened.
    fn is_as_it_was(&self, folder: &WantedFolder) -> bool {
        let policy = &self.policy;
        let is_plain =
            self.mode == Mode::Fetch && policy.after == After::Keep && policy.is_whole() && !policy.all;
        let Counts {
            messages: Some(messages), uidvalidity: Some(uidvalidity), uidnext: Some(uidnext), ..
        } = folder.counts
        else {
            return false;
        };
        let numbers = FolderNumbers { uidvalidity, uidnext, messages };
        if messages == 0 && is_plain {
            return true;
        }
        let key = || self.service.key().folder(folder.name.octets());
        let ledger = is_plain.then(|| Ledger::peek(&self.ledgers, &key()));
        ledger.is_some_and(|ledger| ledger.is_ok_and(|ledger| ledger.is_whole(numbers, now())))
    }
}

type OpenedDestination = Result<Box<dyn RunDestination + Send>, Failure>;

/// Whether what ended one folder's run would end that of every other.
fn ends_all(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Auth
            | Kind::Certificate
            | Kind::Config
            | Kind::NoHost
            | Kind::Storage
            | Kind::Interrupted
            | Kind::Usage
    )
}

/// Whether the server could not be reached, or fell silent.
fn is_loss(kind: Kind) -> bool {
    matches!(kind, Kind::Network | Kind::Timeout)
}

/// The exit code of folders that were all tried.
fn together(exits: &[Exit]) -> Exit {
    let failed = exits.iter().copied().filter(|exit| *exit != Exit::Ok);
    Exit::combine(failed, exits.contains(&Exit::Ok))
}

/// Passes on the events of one folder's run, so that it is clear which folder they are about.
struct WithinFolder<'a> {
    name: Arc<str>,
    inner: &'a mut dyn Observer,
    /// Messages that count for the limit: delivered, or marked as seen.
    counted: u64,
    /// What ended the run early.
    ended: Option<Kind>,
}

impl WithinFolder<'_> {
    fn named(&self, failure: Failure) -> Failure {
        failure.more(&format!(" (folder {})", self.name))
    }
}

impl Observer for WithinFolder<'_> {
    fn event(&mut self, event: Event) {
        let event = match event {
            Event::Message(report) => {
                self.counted += u64::from(report.action == Action::Delivered);
                Event::Message(report)
            }
            Event::Note(text) => Event::Note(format!("{}: {text}", self.name)),
            Event::Marked { count, is_rehearsed } => {
                self.counted += count;
                Event::Note(format!("{}: {}", self.name, Event::marked_in_words(count, is_rehearsed)))
            }
            Event::Failed(None, failure) => Event::Failed(None, self.named(failure)),
            Event::Ended(failure) => {
                self.ended = Some(failure.kind());
                Event::FolderEnded(Arc::clone(&self.name), self.named(failure))
            }
            other => other,
        };
        self.inner.event(event);
    }

    fn wants_headers(&self) -> bool {
        self.inner.wants_headers()
    }

    fn gone(&self) -> bool {
        self.inner.gone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_of_several_folders_follows_the_rule_of_a_run() {
        use Exit::{Ok, Partial, Protocol, TempFail, Unavailable};
        for (exits, wanted) in [
            (&[][..], Ok),
            (&[Ok, Ok], Ok),
            (&[Ok, Unavailable], Partial),
            (&[Unavailable, Unavailable], Unavailable),
            (&[TempFail, Unavailable], TempFail),
            (&[Protocol], Protocol),
        ] {
            assert_eq!(together(exits), wanted, "{exits:?}");
        }
    }
}
