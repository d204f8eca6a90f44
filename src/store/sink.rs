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
    pub count: usize,
    pub octets: u64,
}

/// What [`Sink::recover`] found and did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// How many messages a killed run had stored and not recorded; they are recorded now.
    pub accepted: usize,
    /// How many octets of half messages were removed.
    pub removed: u64,
    /// Half messages that stay, because another program's mail may be mixed with them: the mbox, and the
    /// offset in it.
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
    /// Waits up to `limit`; ends sooner if `stop` returns true.
    pub fn new(limit: Duration, stop: Arc<dyn Fn() -> bool + Send + Sync>) -> Self {
        WaitLimits { limit, end: None, stop }
    }

    /// Waits up to `limit`, and nothing can stop it.
    #[cfg(test)]
    pub fn of(limit: Duration) -> Self {
        WaitLimits { limit, end: None, stop: Arc::new(|| false) }
    }

    /// Never waits longer than until `end`, the end of the whole run.
    pub fn until(self, end: Option<Instant>) -> Self {
        WaitLimits { end, ..self }
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    pub(super) fn stopped(&self) -> bool {
        (self.stop)()
    }

    /// Whether the time of the whole run is over.
    pub(super) fn run_over(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
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

/// A destination. It has at most one open draft; many messages can be staged, and one barrier then makes all
/// of them durable.
///
/// After an error of `commit`, `write` or `finish` nothing of the batch counts as stored, except what an
/// earlier `commit` returned. The caller ends the session; after an error whose scope is one message, it goes
/// on.
pub trait Sink {
    /// Settles what a killed run left here. Called once, before anything is fetched, while the account is
    /// locked.
    fn recover(&mut self, ledger: &mut Ledger) -> Result<Recovery, StoreError>;

    /// Finds a message that an earlier, killed run stored here without recording it. Called for every message
    /// before it is fetched; costs nothing unless a run was killed.
    fn adopt(&mut self, ledger: &mut Ledger, subject: &Subject) -> Result<Option<Delivered>, StoreError>;

    /// The UIDVALIDITY of the ledger's UIDs is about to end. Records now what was stored here without being
    /// recorded and can be found by its UID only.
    fn end_validity(&mut self, _: &mut Ledger) -> Result<(), StoreError> {
        Ok(())
    }

    /// Opens a draft.
    fn begin(&mut self, subject: &Subject) -> Result<(), StoreError>;

    /// Adds content to the open draft: line ends are LF, pieces may be cut anywhere.
    fn write(&mut self, ledger: &mut Ledger, octets: &[u8]) -> Result<(), StoreError>;

    /// Drops the open draft and leaves nothing of it.
    fn discard(&mut self);

    /// The open draft is whole; stages it.
    fn finish(&mut self) -> Result<(), StoreError>;

    /// The flags of a message that is staged, which came behind it. Where flags are not kept, or it is stored by now, it
    /// is too late for them.
    fn flags(&mut self, _tag: usize, _flags: Vec<String>) {}

    /// How much is staged.
    fn staged(&self) -> Staged;

    /// Whether this destination wants a commit now.
    fn due(&self) -> bool;

    /// Makes all that is staged durable and visible. After an error, nothing is returned, now or later,
    /// unless it is certain to be durable; the rest is removed again. A destination that handles messages one
    /// by one returns the successes first, and the error with the next call: call it until nothing is staged.
    fn commit(&mut self, ledger: &mut Ledger) -> Result<Vec<Delivered>, StoreError>;

    /// Drops the open draft and everything that is staged.
    fn rollback(&mut self);
}
