//! Reports many fetches of an account as one run: what each of them meets again is reported once.

use super::{Action, Event, Observer};
use crate::mailbox::Row;
use crate::net::Limits;
use crate::words::Kind;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// The most messages that are remembered as reported.
const MOST_TOLD: usize = 200_000;

/// What was reported so far.
#[derive(Default)]
pub(super) struct Reported {
    /// Messages reported as failed or skipped: a keyed hash of folder and UID, because there may be many.
    messages: HashSet<u64>,
    keys: RandomState,
    /// Failures since it last worked.
    failures: HashSet<(Option<Arc<str>>, Kind)>,
}

impl Reported {
    /// It works again: the next failures are news.
    pub fn works_again(&mut self) {
        self.failures.clear();
    }

    /// Whether this is the first report about a message; of too many, no further one is.
    fn is_first(&mut self, row: &Row, what: u8) -> bool {
        let key = self.keys.hash_one((what, &row.folder, &row.uid, row.uid.is_none().then_some(row.number)));
        self.is_new(key)
    }

    fn is_new(&mut self, key: u64) -> bool {
        self.messages.len() < MOST_TOLD && self.messages.insert(key)
    }
}

/// Listens to one fetch.
pub(super) struct Ear<'a> {
    inner: &'a mut dyn Observer,
    told: &'a mut Reported,
    limits: Limits,
    pub heard: Fetched,
}

/// What one fetch reported.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// What ended the whole fetch.
    pub ended: Vec<Kind>,
    /// What ended the fetch from a folder.
    pub folders_ended: Vec<Kind>,
    pub delivered: u64,
    /// The seconds the server wants between two logins.
    pub login_delay: u64,
    /// That the end of the run's time has ended it.
    pub cut: Vec<Event>,
}

impl<'a> Ear<'a> {
    pub fn new(inner: &'a mut dyn Observer, told: &'a mut Reported, limits: Limits) -> Self {
        Ear { inner, told, limits, heard: Fetched::default() }
    }
}

impl Observer for Ear<'_> {
    fn event(&mut self, event: Event) {
        let is_news = match &event {
            Event::Ended(failure) | Event::FolderEnded(_, failure) => {
                let kind = failure.kind();
                if kind == Kind::Timeout && self.limits.run_over() {
                    return self.heard.cut.push(event);
                }
                let folder = match &event {
                    Event::FolderEnded(folder, _) => Some(Arc::clone(folder)),
                    _ => None,
                };
                match folder {
                    None => self.heard.ended.push(kind),
                    Some(_) => self.heard.folders_ended.push(kind),
                }
                self.told.failures.insert((folder, kind))
            }
            Event::Failed(None, failure) => {
                let key = self.told.keys.hash_one(&failure.message);
                self.told.is_new(key)
            }
            Event::Failed(Some(row), _) => self.told.is_first(row, 0),
            Event::Message(report) => match report.reason {
                Some(reason) => self.told.is_first(&report.row, 1 + reason as u8),
                None => {
                    self.heard.delivered += u64::from(report.action == Action::Delivered);
                    true
                }
            },
            Event::LoginDelay(seconds) => {
                self.heard.login_delay = *seconds;
                true
            }
            Event::NothingNew(_) => false,
            _ => true,
        };
        if is_news {
            self.inner.event(event);
        }
    }

    fn wants_headers(&self) -> bool {
        self.inner.wants_headers()
    }

    fn gone(&self) -> bool {
        self.inner.gone()
    }
}
