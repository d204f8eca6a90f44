//! Several sessions, told as one run: what each of them meets again is told once, and what failed in a
//! session that is tried again in another manner is not told at all.

use super::{Action, Event, Observer};
use crate::mailbox::Row;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// Stands between the sessions of a run and who listens to it.
pub struct OncePerMessage<'a> {
    inner: &'a mut dyn Observer,
    /// Messages that were told to have failed, or to be skipped: a keyed hash of number and UID, since they may be
    /// a million.
    told: HashSet<u64>,
    keys: RandomState,
    /// Whether a failure of no message was told.
    told_at_large: bool,
    /// What failed in the session so far.
    held: Vec<Event>,
}

impl<'a> OncePerMessage<'a> {
    /// Tells `inner`.
    pub fn new(inner: &'a mut dyn Observer) -> Self {
        OncePerMessage {
            inner,
            told: HashSet::new(),
            keys: RandomState::new(),
            told_at_large: false,
            held: Vec::new(),
        }
    }

    /// The session counts: what failed in it is told.
    pub fn keep(&mut self) {
        for event in std::mem::take(&mut self.held) {
            self.inner.event(event);
        }
    }

    /// The session is tried again: what failed in it may not fail then.
    pub fn drop_failures(&mut self) {
        for event in self.held.drain(..) {
            match event {
                Event::Failed(Some(row), _) => drop(self.told.remove(&key(&self.keys, true, &row))),
                _ => self.told_at_large = false,
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
                if self.told.insert(key(&self.keys, true, row)) {
                    self.held.push(event);
                }
            }
            Event::Failed(None, _) => {
                if !std::mem::replace(&mut self.told_at_large, true) {
                    self.held.push(event);
                }
            }
            Event::Message(told) if told.action == Action::Skipped => {
                if self.told.insert(key(&self.keys, false, &told.row)) {
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
