//! A command of the user's as a destination: it gets each message on its standard input, from a file, and
//! its exit status says what became of it: 0 taken, 75 to be left for the next run, all else failed.
//!
//! This is at-least-once by nature: if postie is killed after the command took a message and before that
//! is recorded, the next run gives it again, with the same `POSTIE_KEY`. So messages are committed one by
//! one.

use super::error::StoreError;
use super::identity::{AccountKey, Identity};
use super::ledger::Ledger;
use super::sink::{Delivered, Load, Patience, Place, Recovery, Sink, Subject};
use super::spool::{Spool, Spooled};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The exit status that asks to leave the message for the next run (`EX_TEMPFAIL` of sysexits).
const LEAVE: i32 = 75;
/// How often it is looked whether to stop, while the command runs.
const TICK: Duration = Duration::from_millis(100);
/// How long a command that was told to end may take for it.
const GRACE: Duration = Duration::from_secs(5);

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A line for `sh -c`.
    Shell(String),
    /// A program and its arguments.
    Argv(Vec<String>),
}

/// Where the command's standard output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutput {
    /// To postie's standard output.
    Stdout,
    /// To postie's standard error, where standard output is for something else.
    Stderr,
}

/// The command and how it is run.
#[derive(Clone, Debug)]
pub struct CommandSpec {
    /// What is run.
    pub program: Program,
    /// Where its output goes.
    pub output: CommandOutput,
    /// The account's label, as the command's environment names it.
    pub account: String,
    /// How long one message may take, and when to stop.
    pub patience: Patience,
}

/// A command as a destination.
#[derive(Debug)]
pub struct Command {
    spec: CommandSpec,
    argv: Vec<OsString>,
    draft: Option<Message>,
    staged: VecDeque<Message>,
    owed: Option<StoreError>,
}

#[derive(Debug)]
struct Message {
    identity: Identity,
    tag: usize,
    wire_size: Option<u64>,
    hash: Sha256,
    spool: Spool,
}

impl Command {
    /// Checks that there is a command to run. Kinds: command.
    pub fn new(spec: CommandSpec) -> Result<Self, StoreError> {
        let argv: Vec<OsString> = match &spec.program {
            Program::Shell(line) => ["sh", "-c", line].map(OsString::from).to_vec(),
            Program::Argv(argv) => argv.iter().map(OsString::from).collect(),
        };
        let missing = |path: PathBuf, why| StoreError::NoCommand { path, source: why };
        let Some(program) = argv.first().filter(|program| !program.is_empty()) else {
            return Err(missing("exec".into(), io::Error::new(io::ErrorKind::InvalidInput, "it is empty")));
        };
        if !is_there(program) {
            return Err(missing(program.into(), io::ErrorKind::NotFound.into()));
        }
        Ok(Command { spec, argv, draft: None, staged: VecDeque::new(), owed: None })
    }

    fn run(&self, message: Message) -> Result<Delivered, StoreError> {
        let Message { identity, tag, wire_size, hash, spool } = message;
        let size = spool.len();
        let program = Path::new(&self.argv[0]);
        let input = spool.finish().and_then(Spooled::into_file).map_err(|error| {
            StoreError::io(&std::env::temp_dir(), "keep a message in a temporary file", error)
        })?;
        let mut command = std::process::Command::new(program);
        command
            .args(&self.argv[1..])
            .stdin(Stdio::from(input))
            // A secret of postie's is none of the command's business.
            .env_remove("POSTIE_PASSWORD")
            .env("POSTIE_ACCOUNT", &self.spec.account)
            .env("POSTIE_UID", printable(identity.uid()))
            .env("POSTIE_SIZE", size.to_string())
            .env("POSTIE_KEY", identity.key())
            // A group of its own, so that all of it can be ended.
            .process_group(0);
        if self.spec.output == CommandOutput::Stderr {
            command.stdout(io::stderr());
        }
        let mut child =
            command.spawn().map_err(|source| StoreError::NoCommand { path: program.to_owned(), source })?;
        let status = self.wait(&mut child, tag)?;
        match status.code() {
            Some(0) => {
                let sha256 = hash.finalize().into();
                Ok(Delivered { identity, tag, wire_size, place: Place::Command, size, sha256, intent: None })
            }
            Some(LEAVE) => Err(StoreError::Left { tag }),
            Some(code) => Err(StoreError::Command { tag, how: format!("exit status {code}") }),
            None => {
                let signal = status.signal().unwrap_or(0);
                Err(StoreError::Command { tag, how: format!("ended by signal {signal}") })
            }
        }
    }

    /// Waits for the command's end, or ends it when its time is over.
    fn wait(&self, child: &mut Child, tag: usize) -> Result<ExitStatus, StoreError> {
        let deadline = self.spec.patience.deadline();
        let lost = |error| StoreError::Command { tag, how: format!("cannot wait for it: {error}") };
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(lost(error)),
                Ok(None) | Err(_) => {}
            }
            let left = deadline.map_or(TICK, |deadline| deadline.saturating_duration_since(Instant::now()));
            if self.spec.patience.stopped() {
                end(child);
                return Err(StoreError::Stopped);
            }
            if left.is_zero() {
                end(child);
                let limit = self.spec.patience.limit().as_secs_f32();
                return Err(StoreError::Command { tag, how: format!("not done after {limit} s") });
            }
            doze(child, left.min(TICK));
        }
    }
}

/// Waits until the child ends, at most for `time`.
fn doze(child: &Child, time: Duration) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Some(Ok(fd)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) else {
        std::thread::sleep(time.min(Duration::from_millis(10)));
        return;
    };
    let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) as _ };
    // Interrupted or not, the caller looks at the child next.
    let _ = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&time));
}

/// Ends the command and all it has started: asks first, then insists.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let signal = |signal| group.map(|group| kill_process_group(group, signal));
    signal(Signal::TERM);
    let until = Instant::now() + GRACE;
    while Instant::now() < until {
        match child.try_wait() {
            Ok(None) => doze(child, TICK),
            _ => break,
        }
    }
    signal(Signal::KILL);
    // Reaps it; killed, it cannot keep anybody waiting.
    let _ = child.wait();
}

/// Whether a program can be found, as the system will look for it.
fn is_there(program: &OsStr) -> bool {
    if program.as_bytes().contains(&b'/') {
        return Path::new(program).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// A UID as an environment variable can carry it: NUL becomes `%00`, all else stays.
fn printable(uid: &[u8]) -> OsString {
    let parts: Vec<&[u8]> = uid.split(|octet| *octet == 0).collect();
    OsStr::from_bytes(&parts.join(&b"%00"[..])).to_owned()
}

impl Sink for Command {
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
        self.draft = Some(Message {
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

    fn staged(&self) -> Load {
        let octets = self.staged.iter().map(|message| message.spool.len()).sum();
        Load { count: self.staged.len() + usize::from(self.owed.is_some()), octets }
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
