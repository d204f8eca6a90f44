//! A command of the user's as a destination: it gets each message on its standard input, from a file, and
//! its exit status says what became of it (see [`ExecSink::run`]).
//!
//! This is at-least-once by nature: if postie is killed after the command took a message and before that
//! is recorded, the next run gives it again, with the same `POSTIE_KEY`. So messages are committed one by
//! one.

use super::delivered::{Delivered, Place, Subject};
use super::error::StoreError;
use super::identity::{AccountKey, Identity};
use super::ledger::Ledger;
use super::sink::{Recovery, Sink, Staged, WaitLimits};
use super::spool::{Spool, Spooled};
use crate::process::{Ending, Program, Running, StdoutTo, Task};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

/// The exit status that asks to leave the message for the next run (`EX_TEMPFAIL` of sysexits).
const LEAVE: i32 = 75;
/// The exit status of a command that took the message and does not know what became of it: postie's own
/// `send`, for one.
const UNKNOWN: i32 = 79;
/// The exit statuses by which a shell, `env` and their like say that a program cannot be executed, or is not
/// there (POSIX "Exit Status for Commands").
const CANNOT_RUN: [i32; 2] = [126, 127];
/// How often it is looked whether to stop, while the command runs.
const TICK: Duration = Duration::from_millis(100);
/// How long a command that was told to end may take for it.
const GRACE: Duration = Duration::from_secs(5);

/// The command and how it is run.
#[derive(Clone, Debug)]
pub struct CommandSpec {
    /// What is run.
    pub program: Program,
    /// Where its output goes.
    pub output: StdoutTo,
    /// The account's label, as the command's environment names it.
    pub account: String,
    /// How long one message may take, and when to stop.
    pub waits: WaitLimits,
}

/// A command as a destination.
#[derive(Debug)]
pub struct ExecSink {
    spec: CommandSpec,
    draft: Option<ExecMessage>,
    staged: VecDeque<ExecMessage>,
    owed: Option<StoreError>,
}

#[derive(Debug)]
struct ExecMessage {
    identity: Identity,
    tag: usize,
    wire_size: Option<u64>,
    hash: Sha256,
    spool: Spool,
}

impl ExecSink {
    /// Checks that there is a command to run. Kinds: config.
    pub fn new(spec: CommandSpec) -> Result<Self, StoreError> {
        if !spec.program.is_there() {
            let path = spec.program.file().to_owned();
            return Err(StoreError::NoCommand { path, source: io::ErrorKind::NotFound.into() });
        }
        Ok(ExecSink { spec, draft: None, staged: VecDeque::new(), owed: None })
    }

    /// Gives one message to the command. Its exit status: 0 taken; 75 to be left for the next run; 79 taken,
    /// and what became of it is not known; 126 and 127 the command cannot be run; all else failed.
    fn run(&self, message: ExecMessage) -> Result<Delivered, StoreError> {
        let ExecMessage { identity, tag, wire_size, hash, spool } = message;
        let size = spool.len();
        let input = spool.finish().and_then(Spooled::into_file).map_err(|error| {
            StoreError::io(&std::env::temp_dir(), "keep a message in a temporary file", error)
        })?;
        let program = &self.spec.program;
        let variables = vec![
            ("POSTIE_ACCOUNT", OsString::from(&self.spec.account)),
            ("POSTIE_UID", printable(identity.uid())),
            ("POSTIE_SIZE", size.to_string().into()),
            ("POSTIE_KEY", identity.key().into()),
        ];
        let task = Task { program, input: Some(input), output: self.spec.output, variables, own_group: true };
        let cannot = |source| StoreError::NoCommand { path: program.file().to_owned(), source };
        match self.wait(task.start().map_err(cannot)?, tag)? {
            Ending::Status(0) => {
                let sha256 = hash.finalize().into();
                Ok(Delivered {
                    identity,
                    tag,
                    wire_size,
                    place: Place::Command,
                    size,
                    sha256,
                    intent: None,
                    is_old: false,
                })
            }
            Ending::Status(LEAVE) => Err(StoreError::Left { tag }),
            Ending::Status(UNKNOWN) => Err(StoreError::TakenUnknown { tag }),
            Ending::Status(code) if CANNOT_RUN.contains(&code) => {
                Err(cannot(io::Error::other(format!("exit status {code}"))))
            }
            Ending::Status(code) => Err(StoreError::Command { tag, how: format!("exit status {code}") }),
            Ending::Signal(signal) => {
                Err(StoreError::Command { tag, how: format!("ended by signal {signal}") })
            }
        }
    }

    /// Waits for the command's end, or ends it when its time is over.
    fn wait(&self, running: Running, tag: usize) -> Result<Ending, StoreError> {
        let deadline = self.spec.waits.deadline();
        let lost = |error| StoreError::Command { tag, how: format!("cannot wait for it: {error}") };
        loop {
            let left = deadline.map_or(TICK, |deadline| deadline.saturating_duration_since(Instant::now()));
            if running.ends_within(left.min(TICK)) {
                return running.wait().map_err(lost);
            }
            if self.spec.waits.stopped() {
                running.end(GRACE).map_err(lost)?;
                return Err(StoreError::Stopped);
            }
            if left.is_zero() {
                running.end(GRACE).map_err(lost)?;
                let limit = self.spec.waits.limit().as_secs_f32();
                return Err(StoreError::Command { tag, how: format!("not done after {limit} s") });
            }
        }
    }
}

/// A UID as an environment variable can carry it: NUL becomes `%00`, all else stays.
fn printable(uid: &[u8]) -> OsString {
    let parts: Vec<&[u8]> = uid.split(|octet| *octet == 0).collect();
    OsStr::from_bytes(&parts.join(&b"%00"[..])).to_owned()
}

impl Sink for ExecSink {
    fn recover(&mut self, _: &mut Ledger) -> Result<Recovery, StoreError> {
        Ok(Recovery::default())
    }

    fn adopt(&mut self, _: &mut Ledger, _: &Subject) -> Result<Option<Delivered>, StoreError> {
        Ok(None)
    }

    fn begin(&mut self, subject: &Subject) -> Result<(), StoreError> {
        if self.draft.is_some() {
            return Err(StoreError::Misused("a draft is open already"));
        }
        self.draft = Some(ExecMessage {
            identity: subject.identity.clone(),
            tag: subject.tag,
            wire_size: subject.wire_size,
            hash: Sha256::new(),
            spool: Spool::default(),
        });
        Ok(())
    }

    fn write(&mut self, _: &mut Ledger, octets: &[u8]) -> Result<(), StoreError> {
        let Some(draft) = &mut self.draft else { return Err(StoreError::Misused("no draft is open")) };
        draft.hash.update(octets);
        draft.spool.push(octets).map_err(|error| {
            StoreError::io(&std::env::temp_dir(), "keep a message in a temporary file", error)
        })
    }

    fn discard(&mut self) {
        self.draft = None;
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        match self.draft.take() {
            Some(draft) => self.staged.push_back(draft),
            None => return Err(StoreError::Misused("no draft is open")),
        }
        Ok(())
    }

    fn staged(&self) -> Staged {
        let octets = self.staged.iter().map(|message| message.spool.len()).sum();
        Staged { count: self.staged.len() + usize::from(self.owed.is_some()), octets }
    }

    fn due(&self) -> bool {
        !self.staged.is_empty()
    }

    fn commit(&mut self, _: &mut Ledger) -> Result<Vec<Delivered>, StoreError> {
        if let Some(error) = self.owed.take() {
            return Err(error);
        }
        let mut delivered = Vec::new();
        while let Some(message) = self.staged.pop_front() {
            match self.run(message) {
                Ok(one) => delivered.push(one),
                Err(error) if delivered.is_empty() => return Err(error),
                Err(error) => {
                    self.owed = Some(error);
                    break;
                }
            }
        }
        Ok(delivered)
    }

    fn rollback(&mut self) {
        self.draft = None;
        self.staged.clear();
        self.owed = None;
    }
}

impl AccountKey {
    /// The account as a label for people: `user@host:port`, percent-encoded.
    pub fn label(&self) -> &str {
        self.as_str().split_once("://").map_or(self.as_str(), |(_, label)| label)
    }
}

#[cfg(test)]
mod tests;
