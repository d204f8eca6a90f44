//! A command of the user as a destination. It gets each message on its standard input, from a file, and its
//! exit status says what it did with it (see [`CommandSpec::take`]).
//!
//! A message may be given to the command twice: if postie is killed after the command took a message and
//! before that is recorded, the next run gives it again, with the same `POSTIE_KEY`. So messages are
//! committed one by one.

use super::delivered::{Delivered, Place};
use super::error::StoreError;
use super::queue::{Queue, Taker, WholeMessage, cannot_keep};
use super::sink::WaitLimits;
use super::spool::Spooled;
use crate::process::{Ending, Program, Running, StdoutTo, Task};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

/// The exit status that asks to keep the message for the next run (`EX_TEMPFAIL` of sysexits).
const LEAVE: i32 = 75;
/// The exit status of a command that took the message and does not know the outcome, for example postie's own
/// `send`.
const UNKNOWN: i32 = 79;
/// The exit statuses of a shell, `env` and the like if a program cannot be executed, or does not exist (POSIX
/// "Exit Status for Commands").
const CANNOT_RUN: [i32; 2] = [126, 127];
/// How often postie checks whether to stop while the command runs.
const TICK: Duration = Duration::from_millis(100);
/// How long a command may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// The command and how it is run.
#[derive(Clone, Debug)]
pub struct CommandSpec {
    pub program: Program,
    /// Where its output goes.
    pub output: StdoutTo,
    /// The account's label, for the command's environment.
    pub account: String,
    /// The folder that the messages come from, if the protocol has folders.
    pub folder: Option<String>,
    /// How long the command may take for one message, and when to stop.
    pub waits: WaitLimits,
}

/// A command as a destination.
pub type ExecSink = Queue<CommandSpec>;

impl ExecSink {
    /// Checks that there is a command to run. Kinds: config.
    pub fn new(spec: CommandSpec) -> Result<Self, StoreError> {
        if !spec.program.is_there() {
            let path = spec.program.file().to_owned();
            return Err(StoreError::NoCommand { path, source: io::ErrorKind::NotFound.into() });
        }
        Ok(Queue::of(spec))
    }
}

impl Taker for CommandSpec {
    /// Gives one message to the command. The exit statuses: 0 taken; 75 keep it for the next run; 79 taken,
    /// but the outcome is unknown; 126 and 127 the command cannot be run; any other: failed.
    fn take(&mut self, message: WholeMessage) -> Result<Delivered, StoreError> {
        if self.waits.run_over() {
            // It would be started and ended at once.
            return Err(StoreError::RunOver);
        }
        let sum = message.sum();
        let WholeMessage { label, spool, .. } = message;
        let input = spool.finish().and_then(Spooled::into_file).map_err(cannot_keep)?;
        let (tag, identity) = (label.tag, &label.identity);
        let program = &self.program;
        let mut variables = vec![
            ("POSTIE_ACCOUNT", OsString::from(&self.account)),
            ("POSTIE_UID", printable(identity.uid())),
            ("POSTIE_SIZE", sum.0.to_string().into()),
            ("POSTIE_KEY", identity.key().into()),
        ];
        variables.extend(self.folder.as_ref().map(|folder| ("POSTIE_FOLDER", OsString::from(folder))));
        let task = Task { program, input: Some(input), output: self.output, variables, own_group: true };
        let cannot = |source| StoreError::NoCommand { path: program.file().to_owned(), source };
        match self.wait(task.start().map_err(cannot)?, tag)? {
            Ending::Status(0) => Ok(label.delivered(Place::Command, sum)),
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
}

impl CommandSpec {
    /// Waits until the command ends, and ends it when its time is over.
    fn wait(&self, running: Running, tag: usize) -> Result<Ending, StoreError> {
        let deadline = self.waits.deadline();
        let lost = |error| StoreError::Command { tag, how: format!("cannot wait for it: {error}") };
        loop {
            let left = deadline.map_or(TICK, |deadline| deadline.saturating_duration_since(Instant::now()));
            if running.ends_within(left.min(TICK)) {
                return running.wait().map_err(lost);
            }
            if self.waits.stopped() {
                running.end(GRACE).map_err(lost)?;
                return Err(StoreError::Stopped);
            }
            if left.is_zero() {
                running.end(GRACE).map_err(lost)?;
                if self.waits.run_over() {
                    return Err(StoreError::RunOver);
                }
                let limit = self.waits.limit().as_secs_f32();
                return Err(StoreError::Command { tag, how: format!("not done after {limit} s") });
            }
        }
    }
}

/// A UID for an environment variable: NUL becomes `%00`, nothing else changes.
fn printable(uid: &[u8]) -> OsString {
    let parts: Vec<&[u8]> = uid.split(|octet| *octet == 0).collect();
    OsStr::from_bytes(&parts.join(&b"%00"[..])).to_owned()
}

#[cfg(test)]
mod tests;
