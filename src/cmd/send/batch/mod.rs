//! `send --batch`: JSON Lines of messages in, for each one line of type `receipt` or `error` out, in
//! order and at once.
//!
//! Lines that are there already are read ahead, up to two: the envelope of the first goes out behind the
//! content of the message under way, and the second is built while the server decides about that. No
//! message and no receipt ever waits for a line. So three messages are held at a time, however many there
//! are.

mod line;
mod people;
mod values;

use super::copies::{CopyChoice, SentCopies};
use super::options;
use crate::account::{Account, Need};
use crate::cli::SendArgs;
use crate::cmd::Context;
use crate::cmd::service;
use crate::mail::{Outgoing, addresses, input};
use crate::net::Limits;
use crate::net::limits::Stop;
use crate::output::json::ErrorLine;
use crate::output::{About, Output};
use crate::streams::lines::{InputLine, InputLines};
use crate::streams::{self, Halt, Input};
use crate::words::{Exit, Failure, Kind, Scope, Stage};
use crate::work::send::{Channel, DeliveryStatus, Receipt, Report};
use crate::work::service::{Service, advise};
use line::Defaults;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest line, in octets: its message is held in memory.
const MAX_LINE: usize = 64 * 1024 * 1024;

/// Reads a line and builds its message, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub fn batch_line(octets: &[u8], account: &Account) -> Result<Outgoing, Failure> {
    let limits = &Limits::default();
    let defaults = Defaults { account, from: None, sender: None, mends: false, charset: None, limits };
    line::read(octets).map_err(|(_, failure)| failure)?.build(&defaults)
}

/// The `receipt` line of one message.
#[derive(Serialize)]
struct ReceiptLine<'a> {
    id: &'a Option<Box<RawValue>>,
    line: u64,
    #[serde(flatten)]
    receipt: &'a Receipt,
    /// The error, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorLine<'a>>,
    exit: u8,
}

/// The `error` line for a line that is not a valid message.
#[derive(Serialize)]
struct BadLine<'a> {
    id: &'a Option<Box<RawValue>>,
    line: u64,
    #[serde(flatten)]
    error: ErrorLine<'a>,
}

/// The line of the batch that an output line is about.
struct LinePlace {
    id: Option<Box<RawValue>>,
    line: u64,
}

/// A line, and the message built from it.
struct Prepared {
    place: LinePlace,
    built: Result<Outgoing, Failure>,
}

/// How the messages ended so far, in constant memory.
#[derive(Default)]
struct BatchTally {
    first: Option<Exit>,
    unknown: bool,
    success: bool,
    /// Whether any message went out, or may have.
    sent: bool,
}

impl BatchTally {
    fn note(&mut self, exit: Exit) {
        self.success |= matches!(exit, Exit::Ok | Exit::Partial);
        self.unknown |= exit == Exit::Unknown;
        self.sent |= matches!(exit, Exit::Ok | Exit::Partial | Exit::Unknown);
        if exit != Exit::Ok {
            self.first.get_or_insert(exit);
        }
    }

    /// Passes on what determines the exit code of the run.
    fn settle(&self, out: &mut Output) {
        let success = self.success.then_some(Exit::Ok);
        let unknown = self.unknown.then_some(Exit::Unknown);
        success.into_iter().chain(self.first).chain(unknown).for_each(|exit| out.settle(exit));
    }
}

/// Runs the batch.
pub fn run(args: &SendArgs, context: &mut Context) -> Result<(), Failure> {
    let options = options::of(args)?;
    let from = args.from.as_deref().map(addresses::single).transpose();
    let from = from.map_err(|error| options::bad_address("--from", &error))?;
    let account = context.select(Need::Smtp, from.as_ref().map(|from| &from.address))?;
    let reading = context.limits.clone();
    let defaults = Defaults {
        account: &account,
        from,
        sender: options::sender(args)?,
        mends: args.fix,
        charset: args.charset.clone(),
        limits: &reading,
    };
    let copy = CopyChoice::of(args, context)?;
    copy.as_ref().map(|copy| copy.check(&account)).transpose()?;
    if args.dry_run {
        return Batch {
            defaults,
            way: None,
            copies: None,
            pace: None,
            next: None,
            tally: BatchTally::default(),
        }
        .run(context);
    }
    let Some(service) = service::or_told(service::outgoing(&account, context), &account, context) else {
        return Ok(());
    };
    // A signal ends the batch after the current message, whose result is waited for, that of its copy too.
    let limits = Limits { stop: Stop::default(), ..context.limits.clone() };
    let copies = copy.map(|copy| copy.prepare(&account, context, &limits)).transpose()?;
    service.with_job(&options, &limits, args.ehlo_name.as_ref(), |job| {
        let way = Some(ServerWay { channel: Channel::new(job), service: &service });
        Batch { defaults, way, copies, pace: args.rate, next: None, tally: BatchTally::default() }
            .run(context)
    })
}

/// The way to the server.
struct ServerWay<'a> {
    channel: Channel<'a>,
    service: &'a Service,
}

struct Batch<'a> {
    defaults: Defaults<'a>,
    /// `None` if nothing is sent (`--dry-run`).
    way: Option<ServerWay<'a>>,
    copies: Option<SentCopies>,
    /// The time between two messages.
    pace: Option<Duration>,
    /// When the next message may be sent.
    next: Option<Instant>,
    tally: BatchTally,
}

impl Batch<'_> {
    fn run(mut self, context: &mut Context) -> Result<(), Failure> {
        let limits = context.limits.clone();
        let mut lines = InputLines::new(Input::stdin(&limits), MAX_LINE);
        let mut ahead = VecDeque::new();
        let (sends, mut last) = (self.way.is_some(), 0);
        let result = loop {
            if limits.stop.raised() {
                break Err(stopped(last));
            }
            if context.out.stdout_lost() {
                break Ok(());
            }
            let next = match ahead.pop_front() {
                Some(prepared) => Ok(Some(prepared)),
                None => lines.next().map(|line| line.map(|line| prepare(line, &self.defaults))),
            };
            match next {
                Ok(None) => break Ok(()),
                Ok(Some(prepared)) => {
                    let line = prepared.place.line;
                    if self.one(prepared, &mut ahead, &mut lines, context) {
                        last = line;
                    }
                }
                Err(error) if Halt::of(&error) == Some(Halt::Stopped) => break Err(stopped(last)),
                Err(error) => break Err(unreadable(&error)),
            }
        };
        if let Some(way) = self.way {
            way.channel.close();
        }
        if let Some(copies) = self.copies {
            copies.close();
        }
        self.tally.settle(&mut context.out);
        result.map_err(|mut failure| {
            if sends && self.tally.sent {
                failure.stage = Stage::Batch;
            }
            failure
        })
    }

    /// Prints the line for one; `false`: nothing, because a signal came before the message was begun. `ahead` has the
    /// following lines that have been read already.
    fn one(
        &mut self,
        prepared: Prepared,
        ahead: &mut VecDeque<Prepared>,
        lines: &mut InputLines<Input>,
        context: &mut Context,
    ) -> bool {
        let Prepared { place, built } = prepared;
        match built {
            Err(failure) => self.refuse(&place, &failure, &mut context.out),
            Ok(mut outgoing) => {
                if !self.wait_turn(&context.limits) {
                    return false;
                }
                let report = self.transmit(&mut outgoing, ahead, lines);
                self.conclude(&place, &mut outgoing, report, context);
            }
        }
        true
    }

    /// Sends one message, and reads ahead meanwhile.
    fn transmit(
        &mut self,
        outgoing: &mut Outgoing,
        ahead: &mut VecDeque<Prepared>,
        lines: &mut InputLines<Input>,
    ) -> Report {
        let (defaults, paced) = (&self.defaults, self.pace.is_some());
        let Some(way) = &mut self.way else {
            let receipt = Receipt { status: DeliveryStatus::Skipped, ..Receipt::untried(outgoing) };
            return Report { receipt, failures: Vec::new(), exit: Exit::Ok };
        };
        // What has to wait for its turn does not begin behind another; an error in reading comes again.
        let mut look = || {
            let line = if paced { None } else { lines.next_if_there().ok().flatten() };
            line.map(|line| prepare(line, defaults))
        };
        if ahead.is_empty() {
            ahead.extend(look());
        }
        let next = ahead.front().and_then(|prepared| prepared.built.as_ref().ok());
        let mut after = None;
        let report = way.channel.send(outgoing, next, &mut || after = after.take().or_else(&mut look));
        ahead.extend(after);
        report
    }

    /// Waits until the next message may be sent; `false` if a signal came meanwhile.
    fn wait_turn(&mut self, limits: &Limits) -> bool {
        let (Some(pace), Some(way)) = (self.pace, &self.way) else { return true };
        if way.channel.is_blocked() {
            return true;
        }
        let now = Instant::now();
        let turn = self.next.map_or(now, |next| next.max(now));
        self.next = Some(turn + pace);
        let end = limits.end.map_or(turn, |end| turn.min(end));
        streams::pause(end.saturating_duration_since(now), limits)
    }

    fn refuse(&mut self, place: &LinePlace, failure: &Failure, out: &mut Output) {
        let failure = failure.clone().at(format_args!("line {}", place.line));
        let about = About::account(&self.defaults.account.label);
        let error = ErrorLine::new(&about, &failure);
        out.line("error", &BadLine { id: &place.id, line: place.line, error });
        out.complain(&About::default(), &failure);
        out.count(DeliveryStatus::Failed.name(), 1);
        self.tally.note(failure.exit());
    }

    /// Stores the copy, and prints the result.
    fn conclude(
        &mut self,
        place: &LinePlace,
        outgoing: &mut Outgoing,
        mut report: Report,
        context: &mut Context,
    ) {
        let account: &Account = self.defaults.account;
        let taken = report.receipt.was_taken();
        if let Some(way) = &self.way {
            for (_, failure) in &mut report.failures {
                *failure = advise(failure.clone(), &way.service.server);
            }
        }
        match self.copies.as_mut().filter(|_| taken).map(|copies| copies.store(outgoing)) {
            Some(Ok(copy)) => {
                context.out.say(&format!("line {}: {}", place.line, copy.describe()));
                report.receipt.saved_copy = Some(copy);
            }
            Some(Err(failure)) => {
                report.failures.push((None, failure));
                if report.exit == Exit::Ok {
                    report.exit = Exit::Partial;
                }
            }
            None => {}
        }
        self.tally.note(report.exit);
        let out = &mut context.out;
        let about = |recipient| About { recipient, ..About::account(&account.label) };
        let error = report.failures.first();
        let error = error.map(|(recipient, failure)| ErrorLine::new(&about(recipient.as_deref()), failure));
        let exit = report.exit.code();
        out.line(
            "receipt",
            &ReceiptLine { id: &place.id, line: place.line, receipt: &report.receipt, error, exit },
        );
        out.count(report.receipt.status.name(), 1);
        for (recipient, failure) in &report.failures {
            let failure = failure.clone().at(format_args!("line {}", place.line));
            out.complain(&about(recipient.as_deref()), &failure);
        }
        if taken && out.stdout_lost() {
            let reply = report.receipt.reply.as_deref().unwrap_or_default();
            let line = place.line;
            let message = format!(
                "standard output: writing the receipt of line {line}: failed; the message was accepted: {reply}"
            );
            out.complain(&about(None), &Failure::new(Kind::Storage, Stage::Receipt, message));
        }
    }
}

/// Reads one line into a message.
fn prepare((number, line): (u64, InputLine<'_>), defaults: &Defaults<'_>) -> Prepared {
    let (id, built) = match line {
        InputLine::Whole(octets) => match line::read(octets) {
            Ok(fields) => (fields.id.clone(), fields.build(defaults)),
            Err((id, failure)) => (id, Err(failure)),
        },
        InputLine::TooLong => {
            let message = format!("reading it: a line has at most {MAX_LINE} octets");
            let failure = Failure::new(Kind::Input, Stage::Input, message).scoped(Scope::Message);
            (None, Err(failure.hint("give large attachments by path")))
        }
    };
    Prepared { place: LinePlace { id, line: number }, built }
}

/// The failure of reading the batch itself.
fn unreadable(error: &std::io::Error) -> Failure {
    input::unreadable(Path::new("standard input"), "reading a line", error)
}

/// The failure of a batch that a signal has ended: its other lines have no line in the output. `last` is the last line
/// that has one.
fn stopped(last: u64) -> Failure {
    let message = match last {
        0 => "the batch: stopped by a signal: nothing was sent".to_owned(),
        last => format!("the batch: stopped by a signal: nothing that follows line {last} was sent"),
    };
    Failure::new(Kind::Interrupted, Stage::Input, message)
}
