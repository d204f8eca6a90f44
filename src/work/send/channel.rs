//! Sends many messages over one connection, one after the other.
//!
//! If the server announces PIPELINING, the envelope of the next message is sent ahead, in one flight with the content of
//! the one before: a message costs one round trip. Its own content waits until its recipients are accepted and the final
//! reply to the one before has come, so the outcome of at most one message can be unknown.
//!
//! If a session ends (421, a lost line) before a message's content may have left, or with a reply that it was not
//! accepted, the message is tried once in a new session. If the outcome is unknown, it is never sent again. A server that
//! cannot be reached is not tried again for every message, and a refused login is never tried again.
//!
//! Some servers announce PIPELINING and lose what follows the content, or hang up. If an envelope sent ahead was not
//! answered, its message is sent once more in a new session, and nothing is sent ahead any more in this run.

use super::{Backoff, DeliveryStatus, Options, Passage, Report, SendJob, SendMode, declare};
use crate::mail::Outgoing;
use crate::mail::outgoing::Envelope;
use crate::smtp::{ContentHooks, OpenTransaction, Ready};
use crate::words::{Exit, Failure, Kind, Stage};
use std::time::Instant;

/// A connection to a server that is kept open between messages.
pub struct Channel<'a> {
    job: &'a SendJob<'a>,
    ready: Option<Ready>,
    /// How many messages the session has had.
    used: usize,
    ahead: Option<NextTransaction>,
    backoff: Backoff,
    /// Whether content may be sent by BDAT.
    chunking: bool,
    /// Whether an envelope may be sent ahead.
    sends_ahead: bool,
}

/// The transaction of the next message, begun in one flight with the content of the last one.
struct NextTransaction {
    envelope: Envelope,
    begun: OpenTransaction,
}

/// The hooks for the content of one message.
struct BatchHooks<'b> {
    options: &'b Options,
    next: Option<&'b Outgoing>,
    ahead: &'b mut Option<NextTransaction>,
    /// How many messages the session has had.
    used: usize,
    meanwhile: &'b mut dyn FnMut(),
}

impl ContentHooks for BatchHooks<'_> {
    fn after_content(&mut self, ready: &mut Ready) {
        let Some(next) = self.next.filter(|_| !is_used_up(ready, self.used)) else { return };
        // If the server cannot take it, that is reported when its turn comes.
        let Ok(mail) = declare::mail(ready, next, self.options) else { return };
        let first: Vec<usize> = (0..declare::most(ready, next.envelope.recipients.len())).collect();
        let transaction = declare::transaction(mail, &first, ready.extensions(), next, self.options);
        let begun = ready.begin_after_content(transaction);
        *self.ahead = Some(NextTransaction { envelope: next.envelope.clone(), begun });
    }

    fn waiting(&mut self) {
        (self.meanwhile)();
    }
}

impl<'a> Channel<'a> {
    /// The channel connects with its first message.
    pub fn new(job: &'a SendJob<'a>) -> Self {
        let backoff = Backoff::new();
        Channel { job, ready: None, used: 0, ahead: None, backoff, chunking: true, sends_ahead: true }
    }

    /// Whether a message would fail without asking the server: it could not be reached just now, or the login was
    /// refused.
    pub fn is_blocked(&self) -> bool {
        self.backoff.failure().is_some()
    }

    /// Sends one message. `next` is the one after it, if that is known already; `meanwhile` is called while the final
    /// reply is awaited, at most once for each session.
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
            let asks = self.ready.is_some() || !self.is_blocked();
            passage.receipt.attempts += u32::from(asks);
            passage.chunking = self.chunking;
            let Ended { failure, unanswered } = self.attempt(&mut passage, outgoing, next, meanwhile);
            if passage.take_unchunked() {
                self.chunking = false;
                continue;
            }
            // After a failed connection the next messages fail at once.
            had_session |= self.backoff.is_clear();
            let lost = unanswered || failure.as_ref().is_some_and(is_lost);
            let lost = lost && asks && !self.backoff.is_for_good();
            if lost && passage.receipt.attempts < 2 && !self.job.limits.run_over() {
                // One more session at once.
                self.backoff.lift();
                if unanswered {
                    // The replies may have been meant for other commands.
                    passage = passage.anew(outgoing);
                }
                continue;
            }
            let mut report = passage.report(failure, SendMode::Send, started);
            if lost && had_session && report.exit == Exit::TempFail {
                report.receipt.status = DeliveryStatus::Deferred;
            }
            return report;
        }
    }

    /// Sends QUIT, if there is a session.
    pub fn close(mut self) {
        self.leave();
    }

    fn leave(&mut self) {
        self.used = 0;
        let ahead = self.ahead.take();
        match self.ready.take() {
            // The server may be waiting for the content of the next message.
            Some(ready) if ahead.is_some() => ready.abandon(),
            Some(ready) => ready.quit(),
            None => {}
        }
    }

    fn attempt(
        &mut self,
        passage: &mut Passage<'_>,
        outgoing: &mut Outgoing,
        next: Option<&Outgoing>,
        meanwhile: &mut dyn FnMut(),
    ) -> Ended {
        let expected = self.ahead.as_ref().is_none_or(|ahead| ahead.envelope == outgoing.envelope);
        let used_up = self.ready.as_ref().is_some_and(|ready| is_used_up(ready, self.used));
        if !expected || (used_up && self.ahead.is_none()) {
            self.leave();
        }
        let mut ready = match self.ready.take().map_or_else(|| self.open(), Ok) {
            Ok(ready) => ready,
            Err(failure) => return Ended { failure: Some(failure), unanswered: false },
        };
        passage.note_session(&ready);
        self.used += 1;
        let begun = self.ahead.take().map(|ahead| ahead.begun);
        let was_ahead = begun.is_some();
        let next = next.filter(|_| self.sends_ahead);
        let (options, used, ahead) = (self.job.options, self.used, &mut self.ahead);
        let mut hooks = BatchHooks { options, next, ahead, used, meanwhile };
        let failure = passage.transactions(&mut ready, outgoing, begun, &mut hooks).err();
        if !ready.is_over() {
            self.ready = Some(ready);
            return Ended { failure, unanswered: false };
        }
        let next_is_ahead = self.ahead.take().is_some();
        self.used = 0;
        // A server that says 421, or does not know BDAT, does not fail because of the envelope sent ahead.
        let has_reason = failure.as_ref().is_some_and(is_closing) || passage.unchunked;
        self.sends_ahead &= has_reason || !(was_ahead || next_is_ahead);
        let here = failure.as_ref().is_none_or(|failure| leaves_it_here(failure.kind()));
        Ended { failure, unanswered: was_ahead && here && !passage.receipt.was_taken() }
    }

    fn open(&mut self) -> Result<Ready, Failure> {
        if let Some(failure) = self.backoff.failure() {
            return Err(failure.clone());
        }
        match self.job.session() {
            Ok(mut ready) => {
                if !self.chunking {
                    ready.forgo_chunking();
                }
                self.backoff.clear();
                self.used = 0;
                Ok(ready)
            }
            Err(failure) => {
                let for_good = failure.exit() != Exit::TempFail
                    // Some servers hang up instead of refusing a login.
                    || (failure.stage == Stage::Auth && failure.kind() != Kind::Deferred);
                self.backoff.note(&failure, for_good);
                Err(failure)
            }
        }
    }
}

/// How an attempt ended.
struct Ended {
    failure: Option<Failure>,
    /// Whether the session ended at a message whose envelope was sent ahead, and which certainly nobody got.
    unanswered: bool,
}

/// Whether the session has had as many transactions as it may (`RFC 9422 §4.1`).
fn is_used_up(ready: &Ready, used: usize) -> bool {
    ready.extensions().mail_max.is_some_and(|most| used >= most)
}

/// Whether the session ended at the message: the line was lost, the server said 421, or it refused RSET (without which
/// the session is useless for the next message).
fn is_lost(failure: &Failure) -> bool {
    failure.kind() == Kind::Network || is_closing(failure) || failure.stage == Stage::Rset
}

/// Whether, after a failure of this kind, certainly nobody got the message.
fn leaves_it_here(kind: Kind) -> bool {
    matches!(kind, Kind::Network | Kind::Timeout | Kind::Protocol | Kind::Deferred | Kind::Rejected)
}

/// Whether the server closes the session (421).
fn is_closing(failure: &Failure) -> bool {
    failure.kind() == Kind::Deferred && failure.reply.as_ref().is_some_and(|reply| reply.code == Some(421))
}
