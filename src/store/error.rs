//! The errors of the store. Each names the path and what was tried.
//!
//! A damaged ledger is a matter of configuration (exit code 78), not of storage: trying again cannot help,
//! and only the user may decide to throw its history away.

use super::custody::{OtherHands, quoted};
use crate::words::{Failure, Kind, Scope, Stage};
use rustix::io::Errno;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub enum StoreError {
    /// An operation on a file failed: disk full, I/O error, read-only.
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        tried: &'static str,
        /// What came back.
        source: io::Error,
    },
    /// A destination or the state directory cannot be made or opened.
    CannotCreate {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        tried: &'static str,
        /// What came back.
        source: io::Error,
    },
    /// A path is not of the right kind (a directory for an mbox, a symlink, a FIFO).
    Refused {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file or directory of postie's own can be changed, or read, by the wrong users.
    OtherHands {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong, and how to correct it.
        hands: OtherHands,
    },
    /// Another program or run holds the lock.
    Locked {
        /// What is locked.
        path: PathBuf,
        /// Which lock, and who holds it if that is known.
        by: String,
    },
    /// The lock file of an mbox cannot be made: the directory does not allow it.
    NoLock {
        /// The lock file.
        path: PathBuf,
        /// What came back.
        source: io::Error,
    },
    /// A ledger whose content is wrong.
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        why: &'static str,
    },
    /// A ledger was written by a newer version.
    TooNew {
        /// The ledger.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// The directory of a file to be made does not exist.
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// An earlier error left the file in an unknown state; this run does not write to it again.
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// The user's command asked to keep the message for the next run (exit status 75).
    Left {
        /// The caller's tag of the message.
        tag: usize,
    },
    /// The user's command took the message and does not know the outcome (exit status 79).
    TakenUnknown {
        /// The caller's tag of the message.
        tag: usize,
    },
    /// The user's command failed for one message.
    Command {
        /// The caller's tag of the message.
        tag: usize,
        /// How it ended.
        how: String,
    },
    /// The user's command cannot be started.
    NoCommand {
        /// The program.
        path: PathBuf,
        /// What came back.
        source: io::Error,
    },
    /// The caller asked to stop.
    Stopped,
    /// The time of the whole run is over.
    RunOver,
    /// The methods of the sink were called in the wrong order.
    Misused(&'static str),
}

/// Turns a result of the store into one of the layers above.
pub trait AtStage<T> {
    /// Gives an error the stage it belongs to.
    fn at(self, stage: Stage) -> Result<T, Failure>;
}

impl<T> AtStage<T> for Result<T, StoreError> {
    fn at(self, stage: Stage) -> Result<T, Failure> {
        self.map_err(|error| error.failure(stage))
    }
}

impl StoreError {
    pub(super) fn io(path: &Path, tried: &'static str, source: impl Into<io::Error>) -> Self {
        StoreError::Io { path: path.to_owned(), tried, source: source.into() }
    }

    pub(super) fn cannot_create(path: &Path, tried: &'static str, source: impl Into<io::Error>) -> Self {
        StoreError::CannotCreate { path: path.to_owned(), tried, source: source.into() }
    }

    /// The error for a directory that cannot be written to.
    pub(super) fn unwritable(path: &Path, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        match source.kind() {
            io::ErrorKind::NotFound => StoreError::NoDirectory { path: path.to_owned() },
            _ => StoreError::cannot_create(path, "write there", source),
        }
    }

    pub(super) fn refused(path: &Path, why: &'static str) -> Self {
        StoreError::Refused { path: path.to_owned(), why }
    }

    pub fn kind(&self) -> Kind {
        match self {
            StoreError::Io { .. } | StoreError::Broken { .. } => Kind::Storage,
            StoreError::CannotCreate { .. } | StoreError::Refused { .. } | StoreError::NoDirectory { .. } => {
                Kind::CannotCreate
            }
            StoreError::Locked { .. } | StoreError::NoLock { .. } => Kind::Locked,
            StoreError::OtherHands { .. } | StoreError::Damaged { .. } | StoreError::TooNew { .. } => {
                Kind::Config
            }
            StoreError::Left { .. } => Kind::LeftByCommand,
            StoreError::TakenUnknown { .. } => Kind::Unknown,
            StoreError::Command { .. } => Kind::Command,
            // No process or descriptor is free just now: that passes.
            StoreError::NoCommand { source, .. } if is_passing(source) => Kind::Deferred,
            StoreError::NoCommand { .. } => Kind::Config,
            StoreError::Stopped => Kind::Interrupted,
            StoreError::RunOver => Kind::Timeout,
            StoreError::Misused(_) => Kind::Internal,
        }
    }

    /// What the failure affects: a command that fails for one message affects that message only.
    pub fn scope(&self) -> Scope {
        match self {
            StoreError::Left { .. } | StoreError::TakenUnknown { .. } | StoreError::Command { .. } => {
                Scope::Message
            }
            StoreError::OtherHands { .. }
            | StoreError::Locked { .. }
            | StoreError::NoLock { .. }
            | StoreError::Damaged { .. }
            | StoreError::TooNew { .. } => Scope::Account,
            _ => Scope::Session,
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            StoreError::NoDirectory { path } => return Some(format!("make it: mkdir -p {}", quoted(path))),
            StoreError::OtherHands { hands, .. } => return Some(hands.remedy.clone()),
            StoreError::Io { source, .. } if source.raw_os_error() == Some(28) => {
                "free some space; nothing that was not stored was deleted"
            }
            StoreError::Damaged { .. } => {
                "restore the file from a backup, or move it away to start afresh: all that is on the server is then fetched again"
            }
            StoreError::TooNew { .. } => "use the newer postie that wrote it",
            StoreError::NoLock { .. } => {
                "allow the user who runs postie to make files in that directory, or name another mbox"
            }
            StoreError::Locked { .. } => "try again when the other program has ended, or wait longer",
            StoreError::Refused { .. } => "name another destination",
            StoreError::TakenUnknown { .. } => {
                "look where the command puts mail; the message stays on the server and is not given to it again (--forget UID has it fetched again)"
            }
            StoreError::NoCommand { .. } if self.kind() == Kind::Config => {
                "check the name of the command, its permissions, and $PATH"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// The failure for the layers above; see [`AtStage`].
    pub fn failure(&self, stage: Stage) -> Failure {
        let failure = Failure::new(self.kind(), stage, self.to_string()).scoped(self.scope());
        match self.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Whether the system lacks something that it may have again in a moment.
fn is_passing(error: &io::Error) -> bool {
    let passing = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::TXTBSY];
    Errno::from_io_error(error).is_some_and(|errno| passing.contains(&errno))
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        error.failure(Stage::Store)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Io { path, tried, source } | StoreError::CannotCreate { path, tried, source } => {
                write!(f, "{}: {tried}: {source}", path.display())
            }
            StoreError::NoDirectory { path } => {
                write!(f, "{}: looking for the directory: there is none", path.display())
            }
            StoreError::Refused { path, why } => write!(f, "{}: {why}", path.display()),
            StoreError::OtherHands { path, hands } => {
                write!(f, "{}: not believed: {}", path.display(), hands.what)
            }
            StoreError::NoLock { path, source } => {
                write!(f, "{}: locked: the lock file cannot be made: {source}", path.display())
            }
            StoreError::Locked { path, by } => write!(f, "{}: locked: {by}", path.display()),
            StoreError::Damaged { path, line, why } => {
                write!(f, "{}: line {line}: the record of fetched messages is damaged: {why}", path.display())
            }
            StoreError::TooNew { path, version } => {
                write!(f, "{}: written by a newer postie (format {version})", path.display())
            }
            StoreError::Broken { path } => {
                write!(f, "{}: not written to any more after an earlier error", path.display())
            }
            StoreError::Left { .. } => f.write_str("the command asked to leave the message for the next run"),
            StoreError::TakenUnknown { .. } => {
                f.write_str("the command took the message and does not know what became of it")
            }
            StoreError::Command { how, .. } => write!(f, "the command failed: {how}"),
            StoreError::NoCommand { path, source } => {
                write!(f, "{}: the command cannot be run: {source}", path.display())
            }
            StoreError::Stopped => f.write_str("stopped by a signal"),
            StoreError::RunOver => f.write_str("the command: the time of the whole run (--max-time) is over"),
            StoreError::Misused(what) => write!(f, "the store was used out of order: {what}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StoreError::Io { source, .. }
            | StoreError::CannotCreate { source, .. }
            | StoreError::NoCommand { source, .. } => Some(source),
            _ => None,
        }
    }
}
