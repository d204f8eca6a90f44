//! A place for a session between two mailboxes, so that one connection and one login serve them all.

use super::Connection;
use std::sync::{Arc, Mutex, PoisonError};

/// Holds one session at most. Its clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Parking(Arc<Mutex<Option<Connection>>>);

impl Parking {
    /// Whether no session is here.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Leaves a session here, unless nothing more can be said on it.
    pub(super) fn put(&self, connection: Connection) {
        let here = (!connection.wire.is_broken()).then_some(connection);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = here;
    }

    /// Takes the session that is here, if there is one.
    pub(super) fn get(&self) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
