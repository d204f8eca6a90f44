//! Layer 7: what goes out. JSON Lines or text on standard output, text for people on standard error,
//! and the one place where a failure becomes a line and an exit code.
//!
//! Output that cannot be written is remembered, not panicked over: a full device ends in 74; a reader
//! that went away is for the command to react to ([`Output::reader_gone`]).

pub mod fields;
pub mod json;
pub mod progress;
pub mod sanitize;
pub mod table;
pub mod transcript;

use crate::cli::{ColorWhen, Global};
use crate::streams::{self, StdStream};
use crate::words::{Exit, Failure};
use progress::Progress;
use sanitize::{bounded, safe};
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Instant;

/// So much may be pending before it is written.
const PENDING: usize = 32 * 1024;

/// Where everything that a run says goes through.
pub struct Output {
    json: bool,
    quiet: bool,
    verbose: u8,
    color: bool,
    stdout: Option<StdStream>,
    /// What is not written yet.
    pending: Vec<u8>,
    problem: Option<io::Error>,
    command: String,
    started: Instant,
    counts: Vec<(&'static str, u64)>,
    /// Messages listed that were fetched before, where there is nothing new.
    known: u64,
    /// Lines of a plan that were told; nothing of it was done.
    planned: u64,
    failures: Vec<Exit>,
    successes: bool,
    progress: Progress,
}

impl Output {
    /// The output of a run that began at `started`.
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

    /// Whether standard output takes JSON Lines.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether what is done should be said (`-v`).
    pub fn is_verbose(&self) -> bool {
        self.verbose > 0 && !self.quiet
    }

    /// Whether the transcript should be shown (`-vv`).
    pub fn wants_transcript(&self) -> bool {
        self.verbose > 1
    }

    /// Whether people asked for silence.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether to use colors on standard error.
    pub fn has_color(&self) -> bool {
        self.color
    }

    /// The progress bar, or none that swallows everything.
    pub fn progress(&mut self) -> &mut Progress {
        &mut self.progress
    }

    /// Writes one JSON line of `kind`, at once. Without `--json` nothing.
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

    /// Writes a line of text to standard output; hostile characters are made visible. With `--json` nothing.
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

    /// Writes what is pending to standard output.
    pub fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if let Some(stdout) = &mut self.stdout
            && let Err(error) = stdout.write_all(&pending)
        {
            self.problem.get_or_insert(error);
            self.stdout = None;
        }
    }

    /// Whether the reader of standard output went away.
    pub fn reader_gone(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether standard output cannot be written any more.
    pub fn stdout_lost(&self) -> bool {
        self.problem.is_some()
    }

    /// Says something to the person at the terminal (`-v`).
    pub fn say(&mut self, text: &str) {
        if self.is_verbose() {
            self.remark(text);
        }
    }

    /// Says something to the person at the terminal unless they asked for silence.
    pub fn tell(&mut self, text: &str) {
        if !self.quiet {
            self.remark(text);
        }
    }

    /// Says something only to a person at the terminal, unless they asked for silence: no log has it.
    pub fn tell_at_terminal(&mut self, text: &str) {
        if io::stderr().is_terminal() {
            self.tell(text);
        }
    }

    /// Writes a line to standard error. A closed standard error is nothing to fail over.
    fn remark(&mut self, text: &str) {
        let line = format!("postie: {}\n", safe(&bounded(text)));
        self.progress.suspend(|| streams::error(&line));
    }

    /// Reports one failure that is the whole of something: it has its part in the exit code.
    pub fn fail(&mut self, about: &About<'_>, failure: &Failure) {
        self.settle(failure.exit());
        self.error(about, failure);
    }

    /// Notes how a part of the run ended, for the exit code of the whole.
    pub fn settle(&mut self, exit: Exit) {
        match exit {
            Exit::Ok => self.successes = true,
            failed => self.failures.push(failed),
        }
    }

    /// Reports one failure: a JSON `error` line and a line for people. The exit code is settled elsewhere.
    pub fn error(&mut self, about: &About<'_>, failure: &Failure) {
        self.line("error", &json::ErrorLine::new(about, failure));
        self.complain(about, failure);
    }

    /// Says a failure to people alone, on standard error: its JSON is part of another line.
    pub fn complain(&mut self, about: &About<'_>, failure: &Failure) {
        // An account made on the spot is called after its server, which the message names already.
        let said = |account: &&str| failure.place.as_deref().is_some_and(|place| account.ends_with(place));
        let account = about.account.filter(|account| !said(account));
        let place = account.map(|account| format!("{account}: ")).unwrap_or_default();
        let (red, plain) = if self.color { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
        let message = match (about.number, about.uid) {
            (Some(number), Some(uid)) => format!(" (message {number}, {uid})"),
            (Some(number), None) => format!(" (message {number})"),
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

    /// Adds to a count of the summary; a count appears once it was named, with zero too.
    pub fn count(&mut self, name: &'static str, by: u64) {
        match self.counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += by,
            None => self.counts.push((name, by)),
        }
    }

    /// Notes how many messages that are listed were fetched before, for when there is nothing new.
    pub fn note_known(&mut self, known: u64) {
        self.known += known;
    }

    /// Writes a line of a plan: what would be done.
    pub fn plan(&mut self, line: &str) {
        self.planned += 1;
        self.text(line);
    }

    /// Says the counts that are not zero to the person at the terminal. Where all are zero, a script (cron)
    /// hears nothing.
    pub fn sum_up(&mut self) {
        let told: Vec<String> = self
            .counts
            .iter()
            .filter(|(name, count)| *count > 0 && *name != "bytes")
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        if !told.is_empty() {
            self.tell(&told.join(", "));
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

    /// The exit code that the failures and successes so far amount to.
    pub fn exit(&self) -> Exit {
        Exit::combine(self.failures.iter().copied(), self.successes)
    }

    /// Ends the output: the `summary` line, and the exit code after all that happened to the output
    /// itself. `quiet_reader`: a reader that went away is no failure of this command.
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
    /// The message's UID.
    pub uid: Option<&'a str>,
    /// The message's number in this session.
    pub number: Option<u64>,
    /// The recipient.
    pub recipient: Option<&'a str>,
}

impl<'a> About<'a> {
    /// A failure about an account.
    pub fn account(account: &'a str) -> Self {
        About { account: Some(account), ..About::default() }
    }
}
