//! Layer 7: output. JSON Lines or text on standard output, text for people on standard error. Only here a failure
//! becomes a line and an exit code.
//!
//! Output that cannot be written does not panic: a full device ends in 74; to a reader that went away the command
//! reacts ([`Output::reader_gone`]).

pub mod fields;
pub(crate) mod json;
pub(crate) mod mail_log;
pub(crate) mod progress;
pub mod sanitize;
pub(crate) mod table;
pub(crate) mod transcript;

use crate::cli::{ColorWhen, Global};
use crate::streams::{self, StdStream};
use crate::words::{Exit, Failure};
use progress::Progress;
use sanitize::{bounded, safe};
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Instant;

/// The most octets that wait to be written.
const PENDING: usize = 32 * 1024;

/// Everything that a run writes goes through this.
pub struct Output {
    json: bool,
    quiet: bool,
    verbose: u8,
    color: bool,
    stdout: Option<StdStream>,
    /// Octets that are not written yet.
    pending: Vec<u8>,
    problem: Option<io::Error>,
    command: String,
    started: Instant,
    counts: Vec<(&'static str, u64)>,
    /// How many listed messages were fetched before, if nothing is new.
    known: u64,
    /// How many lines of a plan (`--dry-run`) were written.
    planned: u64,
    failures: Vec<Exit>,
    successes: bool,
    progress: Progress,
}

impl Output {
    /// `started`: when the run began.
    pub fn new(global: &Global, command: &str, started: Instant) -> Self {
        let terminal = io::stderr().is_terminal();
        let color = match global.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let bars = terminal && !(global.json || global.quiet || global.no_progress || global.verbose > 1);
        Output {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            color,
            stdout: Some(StdStream::output()),
            pending: Vec::new(),
            problem: None,
            command: command.to_owned(),
            started,
            counts: Vec::new(),
            known: 0,
            planned: 0,
            failures: Vec::new(),
            successes: false,
            progress: Progress::new(bars),
        }
    }

    pub fn is_json(&self) -> bool {
        self.json
    }

    /// `-v`: say what is done.
    pub fn is_verbose(&self) -> bool {
        self.verbose > 0 && !self.quiet
    }

    /// `-vv`: show the transcript.
    pub fn wants_transcript(&self) -> bool {
        self.verbose > 1
    }

    /// The progress bar, which may be an invisible one.
    pub fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    /// With `--json`: writes a JSON line of type `kind` at once.
    pub fn line(&mut self, kind: &str, body: &impl Serialize) {
        if self.json {
            match json::line(kind, body) {
                Ok(text) => self.write(text.as_bytes(), true),
                Err(error) => self.remark(&format!("this cannot be written as JSON: {error}")),
            }
        }
    }

    /// Writes octets to standard output as they are.
    pub fn raw(&mut self, octets: &[u8]) {
        self.write(octets, false);
    }

    /// Without `--json`: writes a line of text to standard output; hostile characters are made visible.
    pub fn text(&mut self, text: &str) {
        if !self.json {
            let line = format!("{}\n", safe(text));
            self.write(line.as_bytes(), false);
        }
    }

    fn write(&mut self, octets: &[u8], now: bool) {
        self.pending.extend_from_slice(octets);
        if now || self.pending.len() >= PENDING {
            self.flush();
        }
    }

    /// Writes pending octets to standard output.
    pub fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if let Some(stdout) = &mut self.stdout
            && let Err(error) = stdout.write_all(&pending)
        {
            self.problem.get_or_insert(error);
            self.stdout = None;
        }
    }

    pub fn reader_gone(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether writing to standard output has failed.
    pub fn stdout_lost(&self) -> bool {
        self.problem.is_some()
    }

    /// Writes a remark to standard error, with `-v`.
    pub fn say(&mut self, text: &str) {
        if self.is_verbose() {
            self.remark(text);
        }
    }

    /// Writes a remark to standard error, unless `-q` is given.
    pub fn tell(&mut self, text: &str) {
        if !self.quiet {
            self.remark(text);
        }
    }

    /// Writes a remark to standard error if that is a terminal, unless `-q` is given.
    pub fn tell_at_terminal(&mut self, text: &str) {
        if io::stderr().is_terminal() {
            self.tell(text);
        }
    }

    /// Writes a line to standard error, if it can be written.
    fn remark(&mut self, text: &str) {
        let line = format!("postie: {}\n", safe(&bounded(text)));
        self.progress.suspend(|| streams::error(&line));
    }

    /// Reports a failure, which counts for the exit code.
    pub fn fail(&mut self, about: &About<'_>, failure: &Failure) {
        self.settle(failure.exit());
        self.error(about, failure);
    }

    /// Notes how a part of the run ended, for the exit code.
    pub fn settle(&mut self, exit: Exit) {
        match exit {
            Exit::Ok => self.successes = true,
            failed => self.failures.push(failed),
        }
    }

    /// Reports a failure: a JSON `error` line and a line for people. For the exit code see [`Output::settle`].
    pub fn error(&mut self, about: &About<'_>, failure: &Failure) {
        self.line("error", &json::ErrorLine::new(about, failure));
        self.complain(about, failure);
    }

    /// Reports a failure only to people, on standard error.
    pub fn complain(&mut self, about: &About<'_>, failure: &Failure) {
        // An account made by `--server` is called after its server, which is in the message already.
        let is_in_message =
            |account: &&str| failure.place.as_deref().is_some_and(|place| account.ends_with(place));
        let account = about.account.filter(|account| !is_in_message(account));
        let place = account.map(|account| format!("{account}: ")).unwrap_or_default();
        let (red, plain) = if self.color { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
        let folder = about.folder.filter(|folder| *folder != "INBOX").map(|folder| format!("{folder}, "));
        let folder = folder.unwrap_or_default();
        let message = match (about.number, about.uid) {
            (Some(number), Some(uid)) => format!(" ({folder}message {number}, {uid})"),
            (Some(number), None) => format!(" ({folder}message {number})"),
            (None, _) => String::new(),
        };
        let mut text = format!(
            "postie: {red}{}{plain}",
            safe(&format!("{place}{}{message}", bounded(&failure.message)))
        );
        if let Some(hint) = &failure.hint {
            text.push_str(&format!("\n  hint: {}", safe(&bounded(hint))));
        }
        text.push('\n');
        self.progress.suspend(|| streams::error(&text));
    }

    /// Adds to a count of the summary. Adding zero makes it appear there.
    pub fn count(&mut self, name: &'static str, by: u64) {
        match self.counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += by,
            None => self.counts.push((name, by)),
        }
    }

    /// Notes how many listed messages were fetched before.
    pub fn note_known(&mut self, known: u64) {
        self.known += known;
    }

    /// Writes a line of a plan (`--dry-run`).
    pub fn plan(&mut self, line: &str) {
        self.planned += 1;
        self.text(line);
    }

    /// Writes the counts that are not zero to standard error. If all are zero, only a terminal gets a remark.
    pub fn sum_up(&mut self) {
        let texts: Vec<String> = self
            .counts
            .iter()
            .filter(|(name, count)| *count > 0 && *name != "bytes")
            .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
            .collect();
        if !texts.is_empty() {
            self.tell(&texts.join(", "));
        } else if self.failures.is_empty() {
            let text = match (self.planned, self.known) {
                (1.., _) => "this is the plan: nothing was changed".to_owned(),
                (0, 0) => "nothing new".to_owned(),
                (0, known) => format!(
                    "nothing new: {known} message(s) listed were fetched before; --all fetches them again"
                ),
            };
            match io::stderr().is_terminal() {
                true => self.tell(&text),
                false => self.say(&text),
            }
        }
    }

    /// The exit code for the failures and successes so far.
    pub fn exit(&self) -> Exit {
        Exit::combine(self.failures.iter().copied(), self.successes)
    }

    /// Writes the `summary` line; returns the exit code, which also depends on whether the output could be written.
    /// `quiet_reader`: a reader that went away is not a failure of this command.
    pub fn finish(mut self, exit: Exit, quiet_reader: bool) -> Exit {
        self.progress.clear();
        self.flush();
        let exit = self.after_problem(exit, quiet_reader);
        let counts = self.counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect();
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let command = self.command.clone();
        self.line(
            "summary",
            &json::SummaryLine { command: &command, counts, elapsed_ms: elapsed, exit: exit.code() },
        );
        let after = self.after_problem(exit, quiet_reader);
        if after != exit || (after == Exit::Storage && self.problem.is_some() && !self.reader_gone()) {
            let problem = self.problem.as_ref().map(ToString::to_string).unwrap_or_default();
            self.remark(&format!("standard output: writing: {problem}"));
        }
        after
    }

    fn after_problem(&self, exit: Exit, quiet_reader: bool) -> Exit {
        let lost = self.problem.is_some() && !(self.reader_gone() && quiet_reader);
        if lost && exit != Exit::Unknown { Exit::Storage } else { exit }
    }
}

/// What a failure is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The account's label.
    pub account: Option<&'a str>,
    /// The folder, by its name for people.
    pub folder: Option<&'a str>,
    pub uid: Option<&'a str>,
    /// The message's number in this session.
    pub number: Option<u64>,
    pub recipient: Option<&'a str>,
}

impl<'a> About<'a> {
    pub fn account(account: &'a str) -> Self {
        About { account: Some(account), ..About::default() }
    }
}
