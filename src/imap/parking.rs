//! A place for a session between two mailboxes, so that one connection and one login serve them all.

use super::Connection;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Holds one session at most. Its clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Parking {
    session: Arc<Mutex<Option<Connection>>>,
    /// Whether no mailbox is opened any more while messages of the one before are coming.
    in_step: Arc<AtomicBool>,
}

impl Parking {
    /// Whether no session is here.
    pub fn is_empty(&self) -> bool {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Whether the next mailbox may be opened while messages are coming.
    pub(super) fn goes_ahead(&self) -> bool {
        !self.in_step.load(Ordering::Relaxed)
    }

    /// A session was lost after that: it is not done again.
    pub fn stay_in_step(&self) {
        self.in_step.store(true, Ordering::Relaxed);
    }

    /// Leaves a session here, unless nothing more can be said on it.
    pub(super) fn put(&self, connection: Connection) {
        let here = (!connection.wire.is_broken()).then_some(connection);
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = here;
    }

    /// Takes the session that is here, if there is one.
    pub(super) fn get(&self) -> Option<Connection> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
