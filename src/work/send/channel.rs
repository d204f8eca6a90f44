//! Many messages over one connection, one after the other.
//!
//! Where the server announces PIPELINING, the envelope of the next message rides behind the content of the
//! one before: a message costs one round trip. Its own content waits until its recipients are taken and the
//! verdict on the one before is there, so no more than one message is ever of unknown fate.
//!
//! A session that ends (421, a lost line) before a message's content may have left is replaced once for
//! that message; once its final dot may have left, a message never goes out again. A server that cannot be
//! reached is not asked anew for every message, and a login that was refused is never tried again.

use super::{Attempt, Extent, FIRST_PAUSE, Job, Options, Report, Status, declare, longer};
use crate::mail::Outgoing;
use crate::mail::outgoing::Envelope;
use crate::smtp::{Along, Ready, Underway, open};
use crate::words::{Exit, Failure, Kind};
use std::time::{Duration, Instant};

/// A way to a server that is kept open between messages.
pub struct Channel<'a> {
    job: &'a Job<'a>,
    ready: Option<Ready>,
    /// How many messages the session has had.
    used: usize,
    riding: Option<Riding>,
    barred: Option<Barred>,
    pause: Duration,
    /// Whether content may go by BDAT.
    chunking: bool,
}

/// The transaction of the next message, begun behind the content of the last one.
struct Riding {
    envelope: Envelope,
    underway: Underway,
}

/// What goes on around the content of one message.
struct Between<'b> {
    options: &'b Options,
    next: Option<&'b Outgoing>,
    riding: &'b mut Option<Riding>,
    /// How many messages the session has had.
    used: usize,
    meanwhile: &'b mut dyn FnMut(),
}

impl Along for Between<'_> {
    fn behind(&mut self, ready: &mut Ready) {
        let Some(next) = self.next.filter(|_| !is_used_up(ready, self.used)) else { return };
        // What the server cannot take of it is told in its turn.
        let Ok(mail) = declare::mail(ready, next, self.options) else { return };
        let first: Vec<usize> = (0..declare::most(ready, next.envelope.recipients.len())).collect();
        let transaction = declare::transaction(mail, &first, ready.extensions(), next, self.options);
        let underway = ready.begin(transaction);
        *self.riding = Some(Riding { envelope: next.envelope.clone(), underway });
    }

    fn waiting(&mut self) {
        (self.meanwhile)();
    }
}

/// Why no session is opened now.
struct Barred {
    failure: Failure,
    /// When it may be tried again; `None` is never.
    until: Option<Instant>,
}

impl<'a> Channel<'a> {
    /// A channel that connects with its first message.
    pub fn new(job: &'a Job<'a>) -> Self {
        let (ready, riding, barred) = (None, None, None);
        Channel { job, ready, used: 0, riding, barred, pause: FIRST_PAUSE, chunking: true }
    }

    /// Whether a message would be answered without asking the server: it could not be reached just now, or
    /// does not let this user in.
    pub fn is_barred(&self) -> bool {
        self.barred.as_ref().is_some_and(|barred| barred.until.is_none_or(|until| Instant::now() < until))
    }

    /// Sends one message. `next` is the one that will be sent after it, if that is known already;
    /// `meanwhile` is called while the server makes up its mind, at most once for each session tried.
    pub fn send(
        &mut self,
        outgoing: &mut Outgoing,
        next: Option<&Outgoing>,
        meanwhile: &mut dyn FnMut(),
    ) -> Report {
        let started = Instant::now();
        let (mut attempts, mut had_session) = (0, false);
        loop {
            let asks = self.ready.is_some() || !self.is_barred();
            attempts += u32::from(asks);
            let mut attempt = Attempt::new(self.job, outgoing, self.chunking);
            let failure = self.attempt(&mut attempt, outgoing, next, meanwhile).err();
            if attempt.unchunked {
                self.chunking = false;
                continue;
            }
            // Whoever could not open one is barred.
            had_session |= self.barred.is_none();
            let lost = failure.as_ref().is_some_and(is_lost) && !attempt.handed_over;
            let lost = lost && asks && !self.is_barred_for_good();
            if lost && attempts < 2 && !self.job.limits.run_over() {
                // One session more, however soon.
                self.barred = None;
                continue;
            }
            let mut report = attempt.report(failure, Extent::Send);
            if lost && had_session && report.exit == Exit::TempFail {
                report.receipt.status = Status::Deferred;
            }
            report.receipt.attempts = attempts;
            report.receipt.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            return report;
        }
    }

    /// Says QUIT, if there is anybody to say it to.
    pub fn close(mut self) {
        self.leave();
    }

    fn leave(&mut self) {
        self.used = 0;
        let riding = self.riding.take();
        match self.ready.take() {
            // The server may be waiting for the content of what rides.
            Some(ready) if riding.is_some() => ready.abandon(),
            Some(ready) => ready.quit(),
            None => {}
        }
    }

    fn is_barred_for_good(&self) -> bool {
        self.barred.as_ref().is_some_and(|barred| barred.until.is_none())
    }

    fn attempt(
        &mut self,
        attempt: &mut Attempt<'_>,
        outgoing: &mut Outgoing,
        next: Option<&Outgoing>,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), Failure> {
        let expected = self.riding.as_ref().is_none_or(|riding| riding.envelope == outgoing.envelope);
        let used_up = self.ready.as_ref().is_some_and(|ready| is_used_up(ready, self.used));
        if !expected || (used_up && self.riding.is_none()) {
            self.leave();
        }
        let mut ready = match self.ready.take() {
            Some(ready) => ready,
            None => self.open()?,
        };
        attempt.note_session(&ready);
        self.used += 1;
        let begun = self.riding.take().map(|riding| riding.underway);
        let (options, used, riding) = (self.job.options, self.used, &mut self.riding);
        let mut between = Between { options, next, riding, used, meanwhile };
        let result = attempt.transactions(&mut ready, outgoing, begun, &mut between);
        if ready.is_over() {
            (self.used, self.riding) = (0, None);
        } else {
            self.ready = Some(ready);
        }
        result
    }

    fn open(&mut self) -> Result<Ready, Failure> {
        if let Some(barred) = &self.barred
            && self.is_barred()
        {
            return Err(barred.failure.clone());
        }
        match (self.job.connect)().and_then(|wire| open(wire, &self.job.opening)) {
            Ok(mut ready) => {
                if !self.chunking {
                    ready.forgo_chunking();
                }
                (self.barred, self.pause, self.used) = (None, FIRST_PAUSE, 0);
                Ok(ready)
            }
            Err(failure) => {
                let for_good = failure.exit() != Exit::TempFail
                    // Some servers hang up instead of refusing a login.
                    || (failure.stage == "AUTH" && failure.kind != Kind::Deferred);
                let until = (!for_good).then(|| Instant::now() + self.pause);
                self.pause = longer(self.pause);
                self.barred = Some(Barred { failure: failure.clone(), until });
                Err(failure)
            }
        }
    }
}

/// Whether the session has had all the transactions it may have (`RFC 9422 §4.1`).
fn is_used_up(ready: &Ready, used: usize) -> bool {
    ready.extensions().mail_max.is_some_and(|most| used >= most)
}

/// Whether the session ended under the message: the line was lost, the server said 421, or it refused RSET.
fn is_lost(failure: &Failure) -> bool {
    let closing = failure.reply.as_ref().is_some_and(|reply| reply.code == Some(421));
    // Without a RSET the session is of no use to the next message.
    failure.kind == Kind::Network || (failure.kind == Kind::Deferred && closing) || failure.stage == "RSET"
}
