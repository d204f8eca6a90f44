//! The run of one account: its ledger and its destination, then sessions until all is done.

use super::parsed::Parsed;
use super::sessions::Sessions;
use crate::account::{Account, Destination};
use crate::cli::FetchArgs;
use crate::cmd::Context;
use crate::cmd::side::Side;
use crate::net::Limits;
use crate::output::sanitize::Visible;
use crate::pop3::{Method, Survey, Transaction};
use crate::process::{Output, Program};
use crate::store::{
    AccountKey, Command, CommandSpec, Form, Ledger, Maildir, Mbox, Mboxrd, Opening, Patience, Sink, Stdout,
    StoreError,
};
use crate::streams::StdStream;
use crate::words::{Exit, Failure};
use crate::work::access::{Manner, NotOpened};
use crate::work::fetch::{Event, Observer, mark_seen, rehearse, rehearse_marks};
use crate::work::plan::Policy;
use std::io::{IsTerminal as _, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where messages go.
#[derive(Clone, Debug)]
pub enum Target {
    /// A Maildir.
    Maildir(PathBuf),
    /// An mbox.
    Mbox(PathBuf),
    /// A command.
    Exec(Program),
    /// Standard output.
    Stdout,
}

/// What the arguments and the account say about the run.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where messages go; `None` where none go anywhere.
    pub target: Option<Target>,
    /// The directory of the ledgers.
    pub ledgers: PathBuf,
    /// How long to wait for another run of the account.
    pub wait: Duration,
    /// What is done.
    pub mode: Mode,
    /// Whether standard output is taken by JSON Lines.
    pub json: bool,
    /// Whether nothing is recorded, and nothing deleted.
    pub peek: bool,
}

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

impl Setting {
    /// Reads arguments and account. Fails with `usage` where there is no destination.
    pub fn of(args: &FetchArgs, context: &Context, account: &Account) -> Result<Setting, Failure> {
        let mode = match args {
            FetchArgs { mark_seen: true, dry_run, .. } => Mode::MarkSeen { rehearse: *dry_run },
            FetchArgs { dry_run: true, .. } => Mode::DryRun,
            FetchArgs { until_empty: true, .. } => Mode::FetchUntilEmpty,
            _ => Mode::Fetch,
        };
        let target = target(args, account)?;
        if target.is_none() && matches!(mode, Mode::Fetch | Mode::FetchUntilEmpty) {
            let once = "--maildir DIR, --mbox FILE, --exec CMD or --stdout";
            let hint = account.name_in_config.as_ref().map_or_else(
                || once.to_owned(),
                |name| format!("`postie config set {name} fetch.maildir ~/Mail/{name}` for every run; {once} for this one"),
            );
            return Err(Failure::usage("no destination: where should messages go?").hint(hint));
        }
        if args.peek && matches!(target, Some(Target::Maildir(_) | Target::Mbox(_))) {
            return Err(Failure::usage(
                "--peek: what is kept in a Maildir or an mbox has to be recorded, too",
            )
            .hint("--peek goes with --stdout or --exec CMD"));
        }
        let ledgers = context.env.state_dir()?.join("ledger");
        let (wait, json, peek) = (args.wait, context.global.json, args.peek);
        Ok(Setting { target, ledgers, wait, mode, json, peek })
    }
}

fn target(args: &FetchArgs, account: &Account) -> Result<Option<Target>, Failure> {
    if let Some(dir) = &args.maildir {
        return Ok(Some(Target::Maildir(dir.clone())));
    }
    if let Some(file) = &args.mbox {
        return Ok(Some(Target::Mbox(file.clone())));
    }
    if let Some(line) = &args.exec {
        let program = Program::shell(line).map_err(|what| Failure::usage(format!("--exec: {what}")))?;
        return Ok(Some(Target::Exec(program)));
    }
    if args.stdout {
        return Ok(Some(Target::Stdout));
    }
    Ok(account.fetch.destination.clone().map(|destination| match destination {
        Destination::Maildir(dir) => Target::Maildir(dir),
        Destination::Mbox(file) => Target::Mbox(file),
        Destination::Exec(program) => Target::Exec(program),
    }))
}

/// A session whose user is logged in, or why there is none.
pub(super) type Opened = Result<(Transaction, Method), NotOpened>;

/// One account's run, ready to go.
pub struct Run {
    /// The server, and who logs in.
    pub side: Side,
    /// Where messages go, and how.
    pub setting: Setting,
    /// What the user wants.
    pub policy: Policy,
    /// How long things may take.
    pub limits: Limits,
    /// The other accounts that are configured.
    pub others: Vec<AccountKey>,
}

/// How long a command may take for one message, where `--timeout` is not longer: a server may end a session
/// that is idle for so long (`RFC 1939 §3`).
const COMMAND_LIMIT: Duration = Duration::from_secs(600);
impl Run {
    /// Runs to the end, telling `observer`, and returns the account's exit code.
    pub fn go(self, observer: &mut dyn Observer) -> Exit {
        match self.all_sessions(observer) {
            Ok(exit) => exit,
            Err(failure) => {
                let exit = failure.exit();
                observer.event(Event::Ended(failure));
                exit
            }
        }
    }

    fn all_sessions(&self, observer: &mut dyn Observer) -> Result<Exit, Failure> {
        let key = self.side.key();
        match self.setting.mode {
            Mode::DryRun => return self.dry_run(&key, observer),
            Mode::MarkSeen { rehearse: true } => return self.rehearse_marks(&key, observer),
            Mode::MarkSeen { .. } | Mode::Fetch | Mode::FetchUntilEmpty => {}
        }
        let stop = self.limits.stop.clone();
        let opening = match self.setting.peek {
            true => Ledger::peek(&self.setting.ledgers, &key).map(|ledger| Opening::done(ledger.forgetful())),
            false => Ledger::begin(&self.setting.ledgers, &key, self.setting.wait, &|| stop.raised()),
        };
        let opening = opening.map_err(|error| error.failure("ledger"))?;
        if self.setting.mode == (Mode::MarkSeen { rehearse: false }) {
            return self.mark_seen(opening, observer);
        }
        let mut sink = self.open_sink(&key).map_err(|error| error.failure("destination"))?;
        // The ledger is read, and what a killed run left is settled, while the server is at work.
        let mut reading = Reading::Underway(opening);
        let opened = self.side.open(&self.limits, Survey::FULL, &mut || reading.manner());
        let mut ledger = reading.finish().map_err(|error| error.failure("ledger"))?;
        let recovery = sink.recover(&mut ledger).map_err(|error| error.failure("recovery"))?;
        if recovery.accepted > 0 {
            observer.event(Event::Note(format!(
                "{} message(s) of an interrupted run were found whole and count as delivered",
                recovery.accepted
            )));
        }
        if recovery.removed > 0 {
            observer.event(Event::Note(format!(
                "{} octets that an interrupted run had not made messages of are removed; what they were is fetched again",
                recovery.removed
            )));
        }
        for (path, offset) in &recovery.left {
            observer.event(Event::Note(format!(
                "{}: the half message at octet {offset} stays: another program has appended behind it",
                path.display()
            )));
        }
        let exit = Sessions::new(self, &mut ledger, sink.as_mut(), observer).go(opened);
        drop(sink);
        ledger.close().map_err(|error| error.failure("ledger"))?;
        Ok(exit)
    }

    fn open_sink(&self, key: &AccountKey) -> Result<Box<dyn Sink>, StoreError> {
        let stop = self.limits.stop.clone();
        let patience = |limit| {
            let stop = stop.clone();
            Patience::new(limit, Arc::new(move || stop.raised())).until(self.limits.end)
        };
        Ok(match self.setting.target.as_ref() {
            Some(Target::Maildir(dir)) => Box::new(Maildir::open(dir, key)?),
            Some(Target::Mbox(file)) => Box::new(Mbox::open(file, patience(self.limits.timeout))?),
            Some(Target::Exec(program)) => {
                let output = if self.setting.json { Output::Stderr } else { Output::Stdout };
                let (program, account) = (program.clone(), self.side.label.clone());
                let patience = patience(self.limits.timeout.max(COMMAND_LIMIT));
                Box::new(Command::new(CommandSpec { program, output, account, patience })?)
            }
            Some(Target::Stdout) | None => {
                let output = StdStream::output();
                let (out, form): (Box<dyn Write>, Box<dyn Form>) = match self.setting.json {
                    true => (Box::new(output), Box::new(Parsed { account: self.side.label.clone() })),
                    // Mail must not steer the terminal of whoever looks at it.
                    false if std::io::stdout().is_terminal() => {
                        (Box::new(Visible::new(output)), Box::new(Mboxrd))
                    }
                    false => (Box::new(output), Box::new(Mboxrd)),
                };
                Box::new(Stdout::new(out, form))
            }
        })
    }

    fn dry_run(&self, key: &AccountKey, observer: &mut dyn Observer) -> Result<Exit, Failure> {
        let failed = |error: StoreError| error.failure("destination");
        match self.setting.target.as_ref() {
            Some(Target::Maildir(dir)) => Maildir::check(dir).map_err(failed)?,
            Some(Target::Mbox(file)) => Mbox::check(file).map_err(failed)?,
            Some(Target::Exec(_) | Target::Stdout) | None => {}
        }
        let ledger = Ledger::peek(&self.setting.ledgers, key);
        let mut ledger = ledger.map_err(|error| error.failure("ledger"))?;
        self.side.look(&self.limits, Manner::remembered(&ledger), |transaction| {
            rehearse(transaction, &mut ledger, &self.others, &self.policy, observer)
        })?;
        Ok(Exit::Ok)
    }

    fn mark_seen(&self, opening: Opening, observer: &mut dyn Observer) -> Result<Exit, Failure> {
        let mut ledger = opening.finish().map_err(|error| error.failure("ledger"))?;
        let manner = Manner::remembered(&ledger);
        let mark = |transaction: &mut Transaction| mark_seen(transaction, &mut ledger, &self.policy);
        let marked = self.side.look(&self.limits, manner, mark)?;
        ledger.close().map_err(|error| error.failure("ledger"))?;
        observer.event(Event::Note(format!("{marked} message(s) marked as seen")));
        Ok(Exit::Ok)
    }

    fn rehearse_marks(&self, key: &AccountKey, observer: &mut dyn Observer) -> Result<Exit, Failure> {
        let ledger = Ledger::peek(&self.setting.ledgers, key).map_err(|error| error.failure("ledger"))?;
        let policy = &self.policy;
        let look = |transaction: &mut Transaction| rehearse_marks(transaction, &ledger, policy, observer);
        let count = self.side.look(&self.limits, Manner::remembered(&ledger), look)?;
        observer.event(Event::Note(format!("{count} message(s) would be marked as seen")));
        Ok(Exit::Ok)
    }
}

/// A ledger that may still be read while the server is at work.
enum Reading {
    Underway(Opening),
    Done(Box<Result<Ledger, StoreError>>),
    Taken,
}

impl Reading {
    /// How the server wants to be spoken to, as far as the ledger remembers it.
    fn manner(&mut self) -> Manner {
        *self = match std::mem::replace(self, Reading::Taken) {
            Reading::Underway(opening) => Reading::Done(Box::new(opening.finish())),
            other => other,
        };
        match self {
            Reading::Done(read) => {
                read.as_ref().as_ref().map_or_else(|_| Manner::default(), Manner::remembered)
            }
            _ => Manner::default(),
        }
    }

    fn finish(self) -> Result<Ledger, StoreError> {
        match self {
            Reading::Underway(opening) => opening.finish(),
            Reading::Done(read) => *read,
            Reading::Taken => Err(StoreError::Misused("the ledger was read twice")),
        }
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0)
}
