//! The parameters of an account's run.

use crate::net::Limits;
use crate::store::{AccountKey, Sink, StoreError, Unrecorded};
use crate::work::plan::Policy;
use crate::work::service::Service;
use std::path::PathBuf;
use std::time::Duration;

/// What to do with the listed messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Fetch,
    /// Fetch, session after session, until nothing new is listed.
    FetchUntilEmpty,
    /// Report what would be done, change nothing.
    DryRun,
    /// Mark as seen; with `rehearse` only report what would be marked.
    MarkSeen {
        rehearse: bool,
    },
}

/// Where messages go.
pub trait Destination {
    /// Opens it for the messages of an account.
    fn open(&self, key: &AccountKey) -> Result<Box<dyn Sink>, StoreError>;

    /// Checks whether it could be opened, and finds messages there that may not be recorded; changes nothing.
    fn peek(&self) -> Result<Option<Unrecorded>, StoreError>;
}

/// The run of an account.
pub struct Run {
    pub service: Service,
    pub destination: Box<dyn Destination + Send>,
    /// The directory of the ledgers.
    pub ledgers: PathBuf,
    /// How long to wait for another run of the account.
    pub wait: Duration,
    pub mode: Mode,
    /// Whether nothing is recorded, and nothing deleted.
    pub peek: bool,
    pub policy: Policy,
    pub limits: Limits,
    /// The other configured accounts.
    pub others: Vec<AccountKey>,
}

/// Seconds since 1970.
pub fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0)
}
