//! Reports several sessions as one run: what several of them meet is reported once, and a failure in a session that is
//! tried again is not reported.

use super::{Action, Event, Observer};
use crate::mailbox::Row;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// An observer between the sessions of a run and the real observer.
pub struct OncePerMessage<'a> {
    inner: &'a mut dyn Observer,
    /// Messages reported as failed or skipped: a keyed hash of number and UID, because there may be a million.
    reported: HashSet<u64>,
    keys: RandomState,
    /// Whether a failure that concerns no message was reported.
    reported_general: bool,
    /// The failures of the session so far.
    held: Vec<Event>,
}

impl<'a> OncePerMessage<'a> {
    pub fn new(inner: &'a mut dyn Observer) -> Self {
        OncePerMessage {
            inner,
            reported: HashSet::new(),
            keys: RandomState::new(),
            reported_general: false,
            held: Vec::new(),
        }
    }

    /// The session counts: its failures are reported.
    pub fn keep(&mut self) {
        for event in std::mem::take(&mut self.held) {
            self.inner.event(event);
        }
    }

    /// The session is tried again: its failures are dropped.
    pub fn drop_failures(&mut self) {
        for event in self.held.drain(..) {
            match event {
                Event::Failed(Some(row), _) => drop(self.reported.remove(&key(&self.keys, true, &row))),
                _ => self.reported_general = false,
            }
        }
    }
}

fn key(keys: &RandomState, failed: bool, row: &Row) -> u64 {
    keys.hash_one((failed, row.number, &row.uid))
}

impl Observer for OncePerMessage<'_> {
    fn event(&mut self, event: Event) {
        match &event {
            Event::Failed(Some(row), _) => {
                if self.reported.insert(key(&self.keys, true, row)) {
                    self.held.push(event);
                }
            }
            Event::Failed(None, _) => {
                if !std::mem::replace(&mut self.reported_general, true) {
                    self.held.push(event);
                }
            }
            Event::Message(report) if report.action == Action::Skipped => {
                if self.reported.insert(key(&self.keys, false, &report.row)) {
                    self.inner.event(event);
                }
            }
            _ => self.inner.event(event),
        }
    }

    fn wants_headers(&self) -> bool {
        self.inner.wants_headers()
    }

    fn gone(&self) -> bool {
        self.inner.gone()
    }
}
