//! The run of one account: its ledger and its destination, then sessions until all is done.

use super::once::Once;
use super::parsed::Parsed;
use super::report::exit_of;
use crate::account::{Account, Destination};
use crate::cli::FetchArgs;
use crate::cmd::Context;
use crate::cmd::side::{Manner, Side};
use crate::net::Limits;
use crate::output::sanitize::Visible;
use crate::pop3::{Method, Survey, Transaction};
use crate::process::{Output, Program};
use crate::store::{
    AccountKey, Command, CommandSpec, Form, Ledger, Maildir, Mbox, Mboxrd, Opening, Patience, Sink, Stdout,
    StoreError,
};
use crate::streams::StdStream;
use crate::words::{Exit, Failure, Scope};
use crate::work::access::NotOpened;
use crate::work::fetch::{Event, Job, Observer, Outcome, fetch, mark_seen, rehearse, rehearse_marks};
use crate::work::plan::{After, Policy};
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
            return Err(Failure::usage("no destination: where should messages go?")
                .hint("--maildir DIR, --mbox FILE, --exec CMD or --stdout; or maildir = \"…\" in the account's fetch table"));
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
type Opened = Result<(Transaction, Method), NotOpened>;

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

/// Messages of one run that may break the dialogue, each by itself, before the server is given up.
const MOST_SPOILED: usize = 16;
/// How long a command may take for one message, where `--timeout` is not longer: a server may end a session
/// that is idle for so long (`RFC 1939 §3`).
const COMMAND_LIMIT: Duration = Duration::from_secs(600);
/// Sessions of one run at most: a server that never runs out is not followed for ever.
const MOST_SESSIONS: usize = 1000;

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
        let opened = self.side.open(&self.limits, Survey::FULL, Manner::default());
        let mut ledger = opening.finish().map_err(|error| error.failure("ledger"))?;
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
        let exit = self.sessions(opened, &mut ledger, sink.as_mut(), observer);
        drop(sink);
        ledger.close().map_err(|error| error.failure("ledger"))?;
        Ok(exit)
    }

    /// One session after the other; `first` was opened already.
    fn sessions(
        &self,
        first: Opened,
        ledger: &mut Ledger,
        sink: &mut dyn Sink,
        observer: &mut dyn Observer,
    ) -> Exit {
        let mut first = Some(first);
        let mut total = Outcome::default();
        let mut manner = Manner::default();
        let mut policy = self.policy.clone();
        let (mut given_up, mut known) = (0, None);
        let observer = &mut Once::new(observer);
        for _ in 0..MOST_SESSIONS {
            policy.limit = self.policy.limit.map(|limit| limit.saturating_sub(total.delivered));
            let job = Job {
                ledger: &mut *ledger,
                sink: &mut *sink,
                policy: &policy,
                observer,
                now: now(),
                others: &self.others,
            };
            let opened = first.take().unwrap_or_else(|| self.side.open(&self.limits, Survey::FULL, manner));
            let mut outcome = session(opened, job);
            manner.again = true;
            total.known = *known.get_or_insert(outcome.known);
            total.unnamed += outcome.unnamed;
            total.delivered += outcome.delivered;
            total.deleted += outcome.deleted;
            total.undeleted += outcome.undeleted;
            let over = self.limits.stop.raised() || self.limits.run_over();
            if outcome.suspects_pipelining && !manner.lock_step && !over {
                // What this session failed at is tried again, one command at a time.
                observer.event(Event::Note(
                    "the server announces PIPELINING and breaks under it: going on without".into(),
                ));
                observer.drop_failures();
                manner.lock_step = true;
                total.ended = outcome.ended;
                continue;
            }
            if outcome.suspects_bare_lines && !over {
                observer.event(Event::Note(
                    "the server ends the lines of messages in a bare LF: going on with that".into(),
                ));
                observer.drop_failures();
                manner = Manner { lock_step: true, bare_lines: true, ..manner };
                total.ended = outcome.ended;
                continue;
            }
            observer.keep();
            total.failed.append(&mut outcome.failed);
            if outcome.gave_up_large && given_up < MOST_SPOILED && !over {
                given_up += 1;
                continue;
            }
            let uid = outcome.spoiled.as_ref().and_then(|row| row.uid.clone());
            if let (Some(uid), Some(failure)) = (uid, outcome.ended.clone())
                && policy.shunned.len() < MOST_SPOILED
                && !over
            {
                // One bad message stops nothing: the rest goes on in a session without it. But a server
                // whose framing cannot be trusted is asked to delete nothing in this run.
                policy.after = After::Keep;
                total.failed.push(failure.kind);
                total.ended = None;
                observer.event(Event::Failed(outcome.spoiled, failure.scoped(Scope::Message)));
                observer.keep();
                policy.shunned.insert(uid);
                continue;
            }
            // A server that cannot even be reached again says less than what it failed at before.
            if outcome.listed || total.ended.is_none() {
                total.ended = outcome.ended;
            }
            if outcome.deletions_due && !policy.deletions_only {
                policy.deletions_only = true;
                continue;
            }
            let more = self.setting.mode == Mode::FetchUntilEmpty && outcome.delivered > 0;
            let room = self.policy.limit.is_none_or(|limit| total.delivered < limit);
            if !more || !room || total.ended.is_some() {
                break;
            }
            if outcome.login_delay > 0 {
                observer.event(Event::Note(format!(
                    "the server wants {} s between two logins: what is left is for the next run",
                    outcome.login_delay
                )));
                break;
            }
        }
        let exit = exit_of(&total);
        if exit == Exit::Ok && total.delivered + total.deleted == 0 {
            observer.event(Event::NothingNew(total.known));
        }
        if let Some(failure) = total.ended {
            observer.event(Event::Ended(failure));
        }
        exit
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
        self.side.look(&self.limits, |transaction| {
            rehearse(transaction, &mut ledger, &self.others, &self.policy, observer)
        })?;
        Ok(Exit::Ok)
    }

    fn mark_seen(&self, opening: Opening, observer: &mut dyn Observer) -> Result<Exit, Failure> {
        let mut ledger = opening.finish().map_err(|error| error.failure("ledger"))?;
        let mark = |transaction: &mut Transaction| mark_seen(transaction, &mut ledger, &self.policy);
        let marked = self.side.look(&self.limits, mark)?;
        ledger.close().map_err(|error| error.failure("ledger"))?;
        observer.event(Event::Note(format!("{marked} message(s) marked as seen")));
        Ok(Exit::Ok)
    }

    fn rehearse_marks(&self, key: &AccountKey, observer: &mut dyn Observer) -> Result<Exit, Failure> {
        let ledger = Ledger::peek(&self.setting.ledgers, key).map_err(|error| error.failure("ledger"))?;
        let policy = &self.policy;
        let look = |transaction: &mut Transaction| rehearse_marks(transaction, &ledger, policy, observer);
        let count = self.side.look(&self.limits, look)?;
        observer.event(Event::Note(format!("{count} message(s) would be marked as seen")));
        Ok(Exit::Ok)
    }
}

/// Runs one session.
fn session(opened: Opened, job: Job<'_>) -> Outcome {
    let (transaction, _) = match opened {
        Ok(opened) => opened,
        // The flight of the login may be what a server could not take.
        Err(error) => {
            let suspects_pipelining = error.in_flight;
            return Outcome { ended: Some(error.failure), suspects_pipelining, ..Outcome::default() };
        }
    };
    let capabilities = transaction.capabilities();
    if capabilities.expires_at_once && job.policy.after != After::Delete {
        job.observer.event(Event::Note(
            "the server announces EXPIRE 0: what is fetched may vanish from it, whatever is asked for".into(),
        ));
    }
    let login_delay = capabilities.login_delay;
    Outcome { login_delay, ..fetch(Box::new(transaction), job) }
}

/// Seconds since 1970.
fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0)
}
