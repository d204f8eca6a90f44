//! The parameters of an account's run.

use crate::account::FolderChoice;
use crate::codec::imap::MailboxName;
use crate::net::Limits;
use crate::store::{AccountKey, FolderName, Sink, StoreError, Twins, Unrecorded};
use crate::words::clock;
use crate::work::plan::Policy;
use crate::work::service::Service;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
pub trait RunDestination {
    /// Opens it for the messages of an account.
    fn open(&self, key: &AccountKey) -> Result<Box<dyn Sink>, StoreError>;

    /// The paths that are for the folders of an account, made where they are missing (unless `is_dry`); none for a
    /// folder whose messages go where all go. The inner error concerns one folder.
    fn places(
        &self,
        ledgers: &Path,
        account: &AccountKey,
        names: &[FolderName],
        is_dry: bool,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Result<Option<PathBuf>, StoreError>>, StoreError>;

    /// The destination for the messages of one folder, with the path that is for it.
    fn of_folder(&self, name: &Arc<str>, path: Option<PathBuf>) -> Box<dyn RunDestination + Send>;

    /// Checks whether it could be opened, and finds messages there that may not be recorded; changes nothing.
    fn peek(&self) -> Result<Option<Unrecorded>, StoreError>;
}

/// The run of an account.
pub struct Run {
    pub service: Service,
    /// Which folders, where they are not the one that the service names.
    pub folders: Option<FolderChoice>,
    /// The one of these that is watched: found when they are listed.
    pub watched: Option<MailboxName>,
    pub destination: Box<dyn RunDestination + Send>,
    /// The directory of the ledgers.
    pub ledgers: PathBuf,
    /// Whether a message that several folders have is stored once.
    pub dedupe: bool,
    /// What is stored of all folders, for that: found when the run begins.
    pub twins: Option<Twins>,
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
    u64::try_from(clock::now().as_second()).unwrap_or(0)
}
