//! What the run of one account works with.

use crate::net::Limits;
use crate::store::{AccountKey, Sink, StoreError, Unrecorded};
use crate::work::plan::Policy;
use crate::work::service::Service;
use std::path::PathBuf;
use std::time::Duration;

/// What is done with what the server lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is fetched.
    Fetch,
    /// It is fetched, session after session, until nothing new is listed.
    FetchUntilEmpty,
    /// The plan is told, and nothing changes.
    DryRun,
    /// It is marked as seen, or with `rehearse` told what would be.
    MarkSeen {
        /// Nothing changes.
        rehearse: bool,
    },
}

/// Where messages go.
pub trait Destination {
    /// Opens it for the messages of an account.
    fn open(&self, key: &AccountKey) -> Result<Box<dyn Sink>, StoreError>;

    /// Says whether it could be opened, and what lies there that the ledger may not know of; changes nothing.
    fn peek(&self) -> Result<Option<Unrecorded>, StoreError>;
}

/// One account's run, ready to go.
pub struct Run {
    /// The server, and who logs in.
    pub service: Service,
    /// Where messages go.
    pub destination: Box<dyn Destination + Send>,
    /// The directory of the ledgers.
    pub ledgers: PathBuf,
    /// How long to wait for another run of the account.
    pub wait: Duration,
    /// What is done.
    pub mode: Mode,
    /// Whether nothing is recorded, and nothing deleted.
    pub peek: bool,
    /// What the user wants.
    pub policy: Policy,
    /// How long things may take.
    pub limits: Limits,
    /// The other accounts that are configured.
    pub others: Vec<AccountKey>,
}

/// Seconds since 1970.
pub fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0)
}
