//! What every destination of fetched messages can do.

use super::delivered::{Delivered, Subject};
use super::error::StoreError;
use super::ledger::Ledger;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much is staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Staged {
    /// Messages.
    pub count: usize,
    /// Octets.
    pub octets: u64,
}

/// What [`Sink::recover`] found and did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Messages a killed run had stored and not recorded; they are recorded now.
    pub accepted: usize,
    /// Octets of a half message that were removed.
    pub removed: u64,
    /// Half messages that could not be removed, because another program's mail may be mixed with them:
    /// the mbox and where in it.
    pub left: Vec<(PathBuf, u64)>,
}

/// How long to wait for a lock or a command, and when to give up.
#[derive(Clone)]
pub struct WaitLimits {
    limit: Duration,
    end: Option<Instant>,
    stop: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl WaitLimits {
    /// Waits up to `limit`, and ends sooner when `stop` says so.
    pub fn new(limit: Duration, stop: Arc<dyn Fn() -> bool + Send + Sync>) -> Self {
        WaitLimits { limit, end: None, stop }
    }

    /// Waits up to `limit`, and is never told to stop.
    pub fn of(limit: Duration) -> Self {
        WaitLimits { limit, end: None, stop: Arc::new(|| false) }
    }

    /// Never waits beyond `end`, the end of the whole run.
    pub fn until(self, end: Option<Instant>) -> Self {
        WaitLimits { end, ..self }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    pub(super) fn stopped(&self) -> bool {
        (self.stop)()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let own = Instant::now().checked_add(self.limit);
        own.into_iter().chain(self.end).min()
    }
}

impl std::fmt::Debug for WaitLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WaitLimits").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// A destination: one open draft at a time, many staged, then one barrier for all of them.
///
/// After an error of `commit`, `write` or `finish` nothing of the batch counts as stored, except what an
/// earlier `commit` returned; the caller ends the session or, for an error of scope message, goes on.
pub trait Sink {
    /// Settles what a killed run left here. Called once, before anything is fetched, with the account
    /// locked.
    fn recover(&mut self, ledger: &mut Ledger) -> Result<Recovery, StoreError>;

    /// Finds a message that an earlier, killed run stored here and did not record. Asked for every
    /// message before it is fetched; costs nothing unless a run was killed.
    fn adopt(&mut self, ledger: &mut Ledger, subject: &Subject) -> Result<Option<Delivered>, StoreError>;

    /// The UIDVALIDITY under which the ledger's UIDs count is about to end. What was stored here and not recorded, and
    /// is found again by its UID alone, is recorded now.
    fn end_validity(&mut self, _: &mut Ledger) -> Result<(), StoreError> {
        Ok(())
    }

    /// Opens a draft.
    fn begin(&mut self, subject: &Subject) -> Result<(), StoreError>;

    /// Adds content to the open draft: line ends are LF, pieces may be cut anywhere.
    fn write(&mut self, ledger: &mut Ledger, octets: &[u8]) -> Result<(), StoreError>;

    /// Drops the open draft and leaves nothing of it.
    fn discard(&mut self);

    /// Declares the open draft whole; it is staged now.
    fn finish(&mut self) -> Result<(), StoreError>;

    /// How much is staged.
    fn staged(&self) -> Staged;

    /// Whether it is time to commit, as this destination sees it.
    fn due(&self) -> bool;

    /// Makes all that is staged durable and visible. On an error nothing that is not certain to be durable
    /// is returned, now or later, and it is removed again. Where messages are handled one by one, what
    /// succeeded is returned first and the error by the next call: call until nothing is staged.
    fn commit(&mut self, ledger: &mut Ledger) -> Result<Vec<Delivered>, StoreError>;

    /// Drops everything that is staged and open.
    fn rollback(&mut self);
}
