//! The job of sending one message: connect, log in, hand it over, and say for every recipient what came
//! of it. Temporary failures are tried again where that was asked for, with the same message and so the
//! same Message-ID; once the final dot may have left, never.

mod channel;
mod copy;
mod declare;
mod queue_id;
mod receipt;

pub use channel::Channel;
pub use copy::CopyTo;
pub use receipt::{Receipt, Recipient, Status, TlsUsed};

use crate::codec::smtp::{Notify, Return};
use crate::mail::Outgoing;
use crate::mail::outgoing::cannot_keep;
use crate::net::{Limits, Wire};
use crate::smtp::{Along, Delivery, FateStatus, OnRejected, Opening, Outcome, Ready, Underway, open};
use crate::words::{Exit, Failure, Kind};
use receipt::exit_of_recipients;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::time::{Duration, Instant};

/// The first pause between two attempts; each further one is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two attempts.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is asked of the servers beside the message.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to do when a recipient is not taken.
    pub on_rejected: OnRejected,
    /// When to be told of the delivery.
    pub notify: Option<Notify>,
    /// What such a report returns.
    pub ret: Option<Return>,
    /// What identifies it.
    pub envid: Option<String>,
    /// Every server on the way must use TLS.
    pub require_tls: bool,
    /// How long to try again after temporary failures.
    pub retry_for: Option<Duration>,
    /// The first pause between two attempts ([`FIRST_PAUSE`]).
    pub first_pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            on_rejected: OnRejected::Abort,
            notify: None,
            ret: None,
            envid: None,
            require_tls: false,
            retry_for: None,
            first_pause: FIRST_PAUSE,
        }
    }
}

impl Options {
    fn asks_for_reports(&self) -> bool {
        self.notify.is_some() || self.ret.is_some() || self.envid.is_some()
    }
}

/// How to reach the server that takes the mail.
pub struct Job<'a> {
    /// The server, trust and login.
    pub opening: Opening<'a>,
    /// Makes a connection.
    pub connect: &'a dyn Fn() -> Result<Wire, Failure>,
    /// How long things may take.
    pub limits: &'a Limits,
    /// What is asked beside the message.
    pub options: &'a Options,
}

/// What came of a message.
#[derive(Debug)]
pub struct Report {
    /// The receipt.
    pub receipt: Receipt,
    /// What went wrong: the failure of the message or session, or those of recipients with their address.
    pub failures: Vec<(Option<String>, Failure)>,
    /// The exit code that it all amounts to.
    pub exit: Exit,
}

/// Whether the message goes out, or only the recipients are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Send,
    Check,
}

/// Sends the message. `progress` gets the octets of content as they go out; it starts again with every
/// attempt.
pub fn send(job: &Job<'_>, outgoing: &mut Outgoing, progress: &mut dyn FnMut(u64)) -> Report {
    run(job, outgoing, Extent::Send, progress)
}

/// Goes as far as the recipients' acceptance and sends nothing.
pub fn check(job: &Job<'_>, outgoing: &mut Outgoing) -> Report {
    run(job, outgoing, Extent::Check, &mut |_| {})
}

fn run(job: &Job<'_>, outgoing: &mut Outgoing, extent: Extent, progress: &mut dyn FnMut(u64)) -> Report {
    let started = Instant::now();
    let deadline = job.options.retry_for.map(|time| started + time);
    let mut pause = job.options.first_pause;
    let (mut attempts, mut chunking) = (0, true);
    loop {
        attempts += 1;
        let mut attempt = Attempt::new(job, outgoing, chunking);
        let failure = attempt.run(outgoing, extent, progress).err();
        if attempt.unchunked && !job.limits.stop.raised() {
            chunking = false;
            continue;
        }
        let handed_over = attempt.handed_over;
        let mut report = attempt.report(failure, extent);
        let again = report.exit == Exit::TempFail
            && !handed_over
            && !job.limits.stop.raised()
            && deadline.is_some_and(|deadline| Instant::now() + pause <= deadline)
            && job.limits.end.is_none_or(|end| Instant::now() + pause <= end);
        if again && wait(job.limits, pause) {
            pause = longer(pause);
            continue;
        }
        report.receipt.attempts = attempts;
        report.receipt.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        return report;
    }
}

/// The pause behind one of `pause`.
fn longer(pause: Duration) -> Duration {
    (pause * 2).min(LONGEST_PAUSE)
}

/// Waits, and says whether nobody asked to stop meanwhile.
pub fn wait(limits: &Limits, pause: Duration) -> bool {
    let until = Instant::now() + pause;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if limits.stop.raised() || left.is_zero() {
            return !limits.stop.raised();
        }
        let timeout = Timespec::try_from(left).ok();
        let woken = match limits.stop.wake() {
            Some(wake) => poll(&mut [PollFd::from_borrowed_fd(wake, PollFlags::IN)], timeout.as_ref()),
            None => poll(&mut [], timeout.as_ref()),
        };
        if woken.is_err_and(|error| error != rustix::io::Errno::INTR) {
            return false;
        }
    }
}

/// One message over one session, with as many transactions as its recipients need.
struct Attempt<'a> {
    job: &'a Job<'a>,
    receipt: Receipt,
    /// The failures of recipients, by their index.
    refusals: Vec<(usize, Failure)>,
    handed_over: bool,
    /// Whether content may go by BDAT.
    chunking: bool,
    /// The server does not know BDAT after all: the message is to go by DATA over another session.
    unchunked: bool,
}

/// The one message of a session: QUIT goes with it.
struct Only<'a>(&'a mut dyn FnMut(u64));

impl Along for Only<'_> {
    fn progress(&mut self, octets: u64) {
        (self.0)(octets);
    }

    fn behind(&mut self, ready: &mut Ready) {
        ready.say_quit();
    }
}

/// Content that is not the message's last: nothing follows it yet.
struct NotLast<'a>(&'a mut dyn Along);

impl Along for NotLast<'_> {
    fn progress(&mut self, octets: u64) {
        self.0.progress(octets);
    }
}

impl<'a> Attempt<'a> {
    fn new(job: &'a Job<'a>, outgoing: &Outgoing, chunking: bool) -> Self {
        let receipt = Receipt::untried(outgoing);
        let (handed_over, unchunked) = (false, false);
        Attempt { job, receipt, refusals: Vec::new(), handed_over, chunking, unchunked }
    }

    /// An error is that of the message or the session; those of recipients are in the receipt.
    fn run(
        &mut self,
        outgoing: &mut Outgoing,
        extent: Extent,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Failure> {
        let wire = (self.job.connect)()?;
        let mut ready = open(wire, &self.job.opening)?;
        if !self.chunking {
            ready.forgo_chunking();
        }
        self.note_session(&ready);
        let result = match extent {
            Extent::Send => self.transactions(&mut ready, outgoing, None, &mut Only(progress)),
            Extent::Check => self.check(&mut ready, outgoing),
        };
        ready.quit();
        result
    }

    /// Notes how the session was made.
    fn note_session(&mut self, ready: &Ready) {
        self.receipt.tls = ready.tls().map(TlsUsed::from);
        self.receipt.auth = ready.mechanism().map(crate::codec::sasl::Mechanism::name);
    }

    /// Sends the message; `begun` is its first transaction, if that was begun already.
    fn transactions(
        &mut self,
        ready: &mut Ready,
        outgoing: &mut Outgoing,
        mut begun: Option<Underway>,
        along: &mut dyn Along,
    ) -> Result<(), Failure> {
        let options = self.job.options;
        let mail = declare::mail(ready, outgoing, options)?;
        let mut left: Vec<usize> = (0..outgoing.envelope.recipients.len()).collect();
        while !left.is_empty() {
            let later = left.split_off(declare::most(ready, left.len()));
            let underway = begun.take().unwrap_or_else(|| {
                ready.begin(declare::transaction(mail.clone(), &left, ready.extensions(), outgoing, options))
            });
            let mut content = outgoing.content.reader().map_err(|error| cannot_keep(&error))?;
            let delivery = match later.is_empty() {
                true => ready.send(underway, &mut content, along),
                false => ready.send(underway, &mut content, &mut NotLast(along)),
            };
            self.handed_over |= delivery.handed_over;
            // Whoever was taken before keeps it so.
            self.unchunked = delivery.unchunked && !self.receipt.was_taken();
            let too_many = self.settle(&left, &delivery);
            match delivery.outcome {
                Outcome::Accepted(said) => self.receipt.taken(&said),
                Outcome::Withheld => return Ok(()),
                Outcome::Failed(failure) => return Err(failure),
            }
            left = too_many.into_iter().chain(later).collect();
        }
        Ok(())
    }

    /// Asks for every recipient.
    fn check(&mut self, ready: &mut Ready, outgoing: &Outgoing) -> Result<(), Failure> {
        let options = self.job.options;
        let mail = declare::mail(ready, outgoing, options)?;
        let mut left: Vec<usize> = (0..outgoing.envelope.recipients.len()).collect();
        while !left.is_empty() {
            let later = left.split_off(declare::most(ready, left.len()));
            let transaction =
                declare::transaction(mail.clone(), &left, ready.extensions(), outgoing, options);
            let delivery = ready.check(transaction);
            let too_many = self.settle(&left, &delivery);
            if let Outcome::Failed(failure) = delivery.outcome {
                return Err(failure);
            }
            left = too_many.into_iter().chain(later).collect();
        }
        Ok(())
    }

    /// Notes the fates of one transaction; returns those that belong into another.
    fn settle(&mut self, indices: &[usize], delivery: &Delivery) -> Vec<usize> {
        let mut too_many = Vec::new();
        for (index, fate) in indices.iter().zip(&delivery.fates) {
            self.receipt.settle(*index, fate);
            if fate.status == FateStatus::TooMany {
                too_many.push(*index);
            }
            if let Some(failure) = &fate.failure {
                self.refusals.push((*index, failure.clone()));
            }
        }
        too_many
    }

    fn report(mut self, failure: Option<Failure>, extent: Extent) -> Report {
        let accepted = self.receipt.has(Status::Accepted);
        let policy = self.job.options.on_rejected;
        let all_or_none = policy == OnRejected::Abort;
        let exit = match &failure {
            Some(failure) if failure.kind == Kind::Unknown => Exit::Unknown,
            // A check under "all or none" that finds one refused has found that nothing would be sent.
            None if extent == Extent::Check && all_or_none && !self.refusals.is_empty() => {
                exit_of_recipients(&self.receipt, policy)
            }
            None if self.refusals.is_empty() => Exit::Ok,
            _ if accepted => Exit::Partial,
            // Trying again could not help the others.
            _ if all_or_none && self.refusals.iter().any(|(_, refusal)| refusal.kind == Kind::Recipient) => {
                Exit::Recipient
            }
            Some(failure) => failure.exit(),
            None => exit_of_recipients(&self.receipt, policy),
        };
        self.receipt.status = receipt::status(exit, failure.as_ref());
        if let Some(reply) = failure.as_ref().and_then(|failure| failure.reply.as_ref()) {
            self.receipt.reply.get_or_insert_with(|| reply.to_string());
        }
        let recipients = &self.receipt.recipients;
        let named = |(index, failure): (usize, Failure)| (Some(recipients[index].address.clone()), failure);
        let message = failure.map(|failure| (None, failure));
        let mut failures: Vec<_> = message.into_iter().chain(self.refusals.into_iter().map(named)).collect();
        // What decided comes first.
        failures.sort_by_key(|(_, failure)| failure.exit() != exit);
        Report { failures, exit, receipt: self.receipt }
    }
}

#[cfg(test)]
mod tests;
