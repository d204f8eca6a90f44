//! One message on its way: sessions, transactions, and what became of each recipient.

use super::receipt::exit_of_recipients;
use super::{DeliveryStatus, Receipt, Report, SendJob, SendMode, TlsUsed, declare};
use crate::mail::Outgoing;
use crate::mail::outgoing::cannot_keep;
use crate::smtp::{
    ContentHooks, Delivery, OnRejected, OpenTransaction, Ready, RecipientStatus, TransactionOutcome,
};
use crate::words::{Exit, Failure, Kind};
use std::collections::VecDeque;
use std::time::Instant;

/// The sending of one message: in as many sessions as it takes, each with as many transactions as its recipients need.
/// Recipients that have it, or were refused, are not tried again.
pub(super) struct Passage<'a> {
    job: &'a SendJob<'a>,
    pub(super) receipt: Receipt,
    /// The failures of recipients, by their index.
    refusals: Vec<(usize, Failure)>,
    /// Whether content may be sent by BDAT.
    pub(super) chunking: bool,
    /// Whether the last session showed that the server does not know BDAT: the next one uses DATA.
    pub(super) unchunked: bool,
}

/// Hooks for the only message of a session: QUIT is sent with it.
struct Only<'a>(&'a mut dyn FnMut(u64));

impl ContentHooks for Only<'_> {
    fn progress(&mut self, octets: u64) {
        (self.0)(octets);
    }

    fn after_content(&mut self, ready: &mut Ready) {
        ready.say_quit();
    }
}

/// Hooks for content that is sent in several transactions, but the last: nothing follows it yet.
struct NotLast<'a>(&'a mut dyn ContentHooks);

impl ContentHooks for NotLast<'_> {
    fn progress(&mut self, octets: u64) {
        self.0.progress(octets);
    }
}

impl<'a> Passage<'a> {
    pub(super) fn new(job: &'a SendJob<'a>, outgoing: &Outgoing) -> Self {
        let receipt = Receipt::untried(outgoing);
        Passage { job, receipt, refusals: Vec::new(), chunking: true, unchunked: false }
    }

    /// The same message, without any results.
    pub(super) fn anew(self, outgoing: &Outgoing) -> Self {
        let mut passage = Passage::new(self.job, outgoing);
        passage.receipt.attempts = self.receipt.attempts;
        passage
    }

    /// Whether the last session showed that the server does not know BDAT; the next ones use DATA.
    pub(super) fn take_unchunked(&mut self) -> bool {
        self.chunking &= !self.unchunked;
        std::mem::take(&mut self.unchunked)
    }

    /// The recipients for the next session, by their index; their earlier results are dropped.
    fn left(&mut self) -> VecDeque<usize> {
        let recipients = &self.receipt.recipients;
        let is_left = |index: &usize| recipients[*index].status.is_open();
        self.refusals.retain(|(index, _)| !is_left(index));
        (0..recipients.len()).filter(is_left).collect()
    }

    /// Whether another attempt may succeed for the remaining recipients.
    pub(super) fn is_temporary(&self, failure: Option<&Failure>) -> bool {
        match failure {
            _ if self.refusal_stops_all() => false,
            Some(failure) => failure.exit() == Exit::TempFail,
            None => self.receipt.has(DeliveryStatus::Deferred),
        }
    }

    /// The exit code of recipients who were refused for good: 67 says to fix an address, unless it was for
    /// all of them something else that the server wanted.
    fn exit_of_refusal(&self) -> Exit {
        let mut exits = self.refusals.iter().map(|(_, refusal)| refusal.exit());
        let mut exits = exits.by_ref().filter(|exit| *exit != Exit::TempFail);
        let first = exits.next().unwrap_or(Exit::Recipient);
        if exits.all(|exit| exit == first) { first } else { Exit::Recipient }
    }

    /// Whether a permanent refusal of one recipient means that the message is not sent to the others either.
    fn refusal_stops_all(&self) -> bool {
        self.job.options.on_rejected == OnRejected::Abort
            && self.refusals.iter().any(|(_, refusal)| refusal.exit() != Exit::TempFail)
    }

    /// The error is that of the message or the session; errors of recipients are in the receipt.
    pub(super) fn run(
        &mut self,
        outgoing: &mut Outgoing,
        extent: SendMode,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Failure> {
        self.receipt.attempts += 1;
        let mut ready = self.job.session()?;
        if !self.chunking {
            ready.forgo_chunking();
        }
        self.note_session(&ready);
        let result = match extent {
            SendMode::Send => self.transactions(&mut ready, outgoing, None, &mut Only(progress)),
            SendMode::Check => self.check(&mut ready, outgoing),
        };
        ready.quit();
        result
    }

    /// Notes how the session was made.
    pub(super) fn note_session(&mut self, ready: &Ready) {
        self.receipt.tls = ready.tls().map(TlsUsed::from);
        self.receipt.auth = ready.mechanism().map(|mechanism| mechanism.name().to_string());
    }

    /// Sends the message; `begun` is its first transaction, if that was begun already.
    pub(super) fn transactions(
        &mut self,
        ready: &mut Ready,
        outgoing: &mut Outgoing,
        mut begun: Option<OpenTransaction>,
        hooks: &mut dyn ContentHooks,
    ) -> Result<(), Failure> {
        let options = self.job.options;
        let mail = declare::mail(ready, outgoing, options)?;
        let mut left = self.left();
        while !left.is_empty() {
            let these: Vec<usize> = left.drain(..declare::most(ready, left.len())).collect();
            let begun = begun.take().unwrap_or_else(|| {
                ready.begin(declare::transaction(mail.clone(), &these, ready.extensions(), outgoing, options))
            });
            let mut content = outgoing.content.reader().map_err(|error| cannot_keep(&error))?;
            let delivery = match left.is_empty() {
                true => ready.send(begun, &mut content, hooks),
                false => ready.send(begun, &mut content, &mut NotLast(hooks)),
            };
            if let (true, TransactionOutcome::Failed(failure)) = (delivery.unchunked, &delivery.outcome) {
                // No result for any recipient.
                self.unchunked = true;
                return Err(failure.clone());
            }
            let too_many = self.settle(&these, &delivery);
            match delivery.outcome {
                TransactionOutcome::Accepted(said) => self.receipt.taken(&said),
                TransactionOutcome::Withheld => return Ok(()),
                TransactionOutcome::Failed(failure) => return Err(failure),
            }
            // They are sent before the recipients that follow them.
            too_many.into_iter().rev().for_each(|index| left.push_front(index));
        }
        Ok(())
    }

    /// Asks about every recipient, without content.
    fn check(&mut self, ready: &mut Ready, outgoing: &Outgoing) -> Result<(), Failure> {
        let options = self.job.options;
        let mail = declare::mail(ready, outgoing, options)?;
        let mut left = self.left();
        while !left.is_empty() {
            let these: Vec<usize> = left.drain(..declare::most(ready, left.len())).collect();
            let transaction =
                declare::transaction(mail.clone(), &these, ready.extensions(), outgoing, options);
            let delivery = ready.check(transaction);
            let too_many = self.settle(&these, &delivery);
            if let TransactionOutcome::Failed(failure) = delivery.outcome {
                return Err(failure);
            }
            // They are sent before the recipients that follow them.
            too_many.into_iter().rev().for_each(|index| left.push_front(index));
        }
        Ok(())
    }

    /// Records the results of one transaction; returns the recipients who need another transaction.
    fn settle(&mut self, indices: &[usize], delivery: &Delivery) -> Vec<usize> {
        let mut too_many = Vec::new();
        for (index, result) in indices.iter().zip(&delivery.results) {
            self.receipt.settle(*index, result);
            if result.status == RecipientStatus::TooMany {
                too_many.push(*index);
            }
            if let Some(failure) = &result.failure {
                self.refusals.push((*index, failure.clone()));
            }
        }
        too_many
    }

    pub(super) fn report(mut self, failure: Option<Failure>, extent: SendMode, started: Instant) -> Report {
        let accepted = self.receipt.has(DeliveryStatus::Accepted);
        let policy = self.job.options.on_rejected;
        let exit = match &failure {
            Some(failure) if failure.kind() == Kind::Unknown => Exit::Unknown,
            // With `--on-rejected abort` one refused recipient means that nothing would be sent.
            None if extent == SendMode::Check && policy == OnRejected::Abort && !self.refusals.is_empty() => {
                match exit_of_recipients(&self.receipt, policy) {
                    Exit::Recipient => self.exit_of_refusal(),
                    other => other,
                }
            }
            None if self.refusals.is_empty() => Exit::Ok,
            _ if accepted => Exit::Partial,
            // Another attempt could not help the others.
            _ if self.refusal_stops_all() => self.exit_of_refusal(),
            Some(failure) => failure.exit(),
            None => match exit_of_recipients(&self.receipt, policy) {
                Exit::Recipient => self.exit_of_refusal(),
                other => other,
            },
        };
        self.receipt.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.receipt.status = self.receipt.status_for(exit, failure.as_ref());
        if let Some(reply) = failure.as_ref().and_then(|failure| failure.reply.as_ref()) {
            self.receipt.reply.get_or_insert_with(|| reply.to_string());
        }
        let recipients = &self.receipt.recipients;
        let named = |(index, failure): (usize, Failure)| (Some(recipients[index].address.clone()), failure);
        let message = failure.map(|failure| (None, failure));
        let mut failures: Vec<_> = message.into_iter().chain(self.refusals.into_iter().map(named)).collect();
        // The failure that decided the exit code is first.
        failures.sort_by_key(|(_, failure)| failure.exit() != exit);
        Report { failures, exit, receipt: self.receipt }
    }
}
