//! Many messages over one connection, one after the other.
//!
//! Where the server announces PIPELINING, the envelope of the next message rides behind the content of the
//! one before: a message costs one round trip. Its own content waits until its recipients are taken and the
//! verdict on the one before is there, so no more than one message is ever of unknown fate.
//!
//! A session that ends (421, a lost line) before a message's content may have left, or with a reply that
//! says it was not taken, is replaced once for that message; where nobody knows what became of its content,
//! a message never goes out again. A server that cannot be reached is not asked anew for every message, and
//! a login that was refused is never tried again.
//!
//! Some servers announce PIPELINING and lose what comes behind a content, or hang up over it. An envelope
//! that rode and was not answered has cost nothing but time: its message goes once more over a new session,
//! and nothing rides any more in this run.

use super::{Extent, FIRST_PAUSE, Options, Passage, Report, SendJob, Status, declare, longer};
use crate::mail::Outgoing;
use crate::mail::outgoing::Envelope;
use crate::smtp::{ContentHooks, OpenTransaction, Ready, open};
use crate::words::{Exit, Failure, Kind, Stage};
use std::time::{Duration, Instant};

/// A way to a server that is kept open between messages.
pub struct Channel<'a> {
    job: &'a SendJob<'a>,
    ready: Option<Ready>,
    /// How many messages the session has had.
    used: usize,
    riding: Option<NextTransaction>,
    barred: Option<NoSession>,
    pause: Duration,
    /// Whether content may go by BDAT.
    chunking: bool,
    /// Whether an envelope may ride behind a content.
    rides: bool,
}

/// The transaction of the next message, begun behind the content of the last one.
struct NextTransaction {
    envelope: Envelope,
    begun: OpenTransaction,
}

/// What goes on around the content of one message.
struct BatchHooks<'b> {
    options: &'b Options,
    next: Option<&'b Outgoing>,
    riding: &'b mut Option<NextTransaction>,
    /// How many messages the session has had.
    used: usize,
    meanwhile: &'b mut dyn FnMut(),
}

impl ContentHooks for BatchHooks<'_> {
    fn after_content(&mut self, ready: &mut Ready) {
        let Some(next) = self.next.filter(|_| !is_used_up(ready, self.used)) else { return };
        // What the server cannot take of it is told in its turn.
        let Ok(mail) = declare::mail(ready, next, self.options) else { return };
        let first: Vec<usize> = (0..declare::most(ready, next.envelope.recipients.len())).collect();
        let transaction = declare::transaction(mail, &first, ready.extensions(), next, self.options);
        let begun = ready.begin_after_content(transaction);
        *self.riding = Some(NextTransaction { envelope: next.envelope.clone(), begun });
    }

    fn waiting(&mut self) {
        (self.meanwhile)();
    }
}

/// Why no session is opened any more.
struct NoSession {
    failure: Failure,
    /// When it may be tried again; `None` is never.
    until: Option<Instant>,
}

impl<'a> Channel<'a> {
    /// A channel that connects with its first message.
    pub fn new(job: &'a SendJob<'a>) -> Self {
        let (ready, riding, barred) = (None, None, None);
        Channel { job, ready, used: 0, riding, barred, pause: FIRST_PAUSE, chunking: true, rides: true }
    }

    /// Whether a message would be answered without asking the server: it could not be reached just now, or
    /// does not let this user in.
    pub fn is_barred(&self) -> bool {
        self.barred.as_ref().is_some_and(|barred| barred.until.is_none_or(|until| Instant::now() < until))
    }

    /// Sends one message. `next` is the one that will be sent after it, if that is known already;
    /// `meanwhile` is called while the final reply is waited for, at most once for each session tried.
    pub fn send(
        &mut self,
        outgoing: &mut Outgoing,
        next: Option<&Outgoing>,
        meanwhile: &mut dyn FnMut(),
    ) -> Report {
        let started = Instant::now();
        let mut passage = Passage::new(self.job, outgoing);
        let mut had_session = false;
        loop {
            let asks = self.ready.is_some() || !self.is_barred();
            passage.receipt.attempts += u32::from(asks);
            passage.chunking = self.chunking;
            let Ended { failure, unanswered } = self.attempt(&mut passage, outgoing, next, meanwhile);
            if passage.take_unchunked() {
                self.chunking = false;
                continue;
            }
            // After a connection that failed the next messages fail at once.
            had_session |= self.barred.is_none();
            let lost = unanswered || failure.as_ref().is_some_and(is_lost);
            let lost = lost && asks && !self.is_barred_for_good();
            if lost && passage.receipt.attempts < 2 && !self.job.limits.run_over() {
                // One session more, however soon.
                self.barred = None;
                if unanswered {
                    // What was taken for answers may not have been meant so.
                    passage = passage.anew(outgoing);
                }
                continue;
            }
            let mut report = passage.report(failure, Extent::Send, started);
            if lost && had_session && report.exit == Exit::TempFail {
                report.receipt.status = Status::Deferred;
            }
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
        passage: &mut Passage<'_>,
        outgoing: &mut Outgoing,
        next: Option<&Outgoing>,
        meanwhile: &mut dyn FnMut(),
    ) -> Ended {
        let expected = self.riding.as_ref().is_none_or(|riding| riding.envelope == outgoing.envelope);
        let used_up = self.ready.as_ref().is_some_and(|ready| is_used_up(ready, self.used));
        if !expected || (used_up && self.riding.is_none()) {
            self.leave();
        }
        let mut ready = match self.ready.take().map_or_else(|| self.open(), Ok) {
            Ok(ready) => ready,
            Err(failure) => return Ended { failure: Some(failure), unanswered: false },
        };
        passage.note_session(&ready);
        self.used += 1;
        let begun = self.riding.take().map(|riding| riding.begun);
        let rode = begun.is_some();
        let next = next.filter(|_| self.rides);
        let (options, used, riding) = (self.job.options, self.used, &mut self.riding);
        let mut between = BatchHooks { options, next, riding, used, meanwhile };
        let failure = passage.transactions(&mut ready, outgoing, begun, &mut between).err();
        if !ready.is_over() {
            self.ready = Some(ready);
            return Ended { failure, unanswered: false };
        }
        let rides = self.riding.take().is_some();
        self.used = 0;
        // A server that says that it closes, or does not know BDAT, is not one that cannot cope.
        let told = failure.as_ref().is_some_and(is_closing) || passage.unchunked;
        self.rides &= told || !(rode || rides);
        let here = failure.as_ref().is_none_or(|failure| leaves_it_here(failure.kind));
        Ended { failure, unanswered: rode && here && !passage.receipt.was_taken() }
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
                    || (failure.stage == Stage::Auth && failure.kind != Kind::Deferred);
                let until = (!for_good).then(|| Instant::now() + self.pause);
                self.pause = longer(self.pause);
                self.barred = Some(NoSession { failure: failure.clone(), until });
                Err(failure)
            }
        }
    }
}

/// How an attempt ended.
struct Ended {
    failure: Option<Failure>,
    /// The session ended under a message whose envelope rode, and which nobody has for certain.
    unanswered: bool,
}

/// Whether the session has had all the transactions it may have (`RFC 9422 §4.1`).
fn is_used_up(ready: &Ready, used: usize) -> bool {
    ready.extensions().mail_max.is_some_and(|most| used >= most)
}

/// Whether the session ended under the message: the line was lost, the server said 421, or it refused RSET.
fn is_lost(failure: &Failure) -> bool {
    // Without a RSET the session is of no use to the next message.
    failure.kind == Kind::Network || is_closing(failure) || failure.stage == Stage::Rset
}

/// Whether a failure of this kind, by the server or the line, leaves the message here for certain.
fn leaves_it_here(kind: Kind) -> bool {
    matches!(kind, Kind::Network | Kind::Timeout | Kind::Protocol | Kind::Deferred | Kind::Rejected)
}

/// Whether the server said that it closes the session (421).
fn is_closing(failure: &Failure) -> bool {
    failure.kind == Kind::Deferred && failure.reply.as_ref().is_some_and(|reply| reply.code == Some(421))
}
