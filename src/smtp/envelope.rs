//! MAIL and RCPT (`RFC 5321 §4.1.1.2`, §4.1.1.3), in one flight if the server announces PIPELINING (`RFC 2920`),
//! after a RSET if an earlier transaction may still be open.

use super::delivery::{
    Delivery, MailTransaction, OnRejected, RecipientResult, RecipientStatus, ServerAnswer, unknown,
};
use super::demand::{Demand, remedy_for_recipient, remedy_for_sender};
use super::dialogue::FINAL_REPLY;
use super::open_transaction::{Data, DataAnswer, OpenTransaction, PendingCommand};
use super::opening::Ready;
use crate::codec::smtp::reply::Class;
use crate::codec::smtp::{Reply, SmtpCommand};
use crate::words::{Failure, Kind, Scope, Stage};
use std::collections::VecDeque;

/// The most commands in one flight. Their replies must fit into the buffers of both systems, or each side waits
/// for the other to read (`RFC 2920 §3.1`).
const FLIGHT: usize = 100;

impl Ready {
    /// Begins a transaction: queues its first flight. [`Ready::send`] goes on from there.
    pub fn begin(&mut self, transaction: MailTransaction) -> OpenTransaction {
        self.lay_out(transaction, Data::Pipelined)
    }

    /// The same, in one flight with the content of the message before it.
    pub fn begin_after_content(&mut self, transaction: MailTransaction) -> OpenTransaction {
        OpenTransaction { after_content: true, ..self.lay_out(transaction, Data::Pipelined) }
    }

    pub(super) fn lay_out(&mut self, transaction: MailTransaction, data: Data) -> OpenTransaction {
        let clears = self.open.is_some().then_some(PendingCommand::Rset);
        let recipients = (0..transaction.recipients.len()).map(PendingCommand::Rcpt);
        let ahead = clears.into_iter().chain([PendingCommand::Mail]).chain(recipients).collect();
        self.transactions += 1;
        self.open = Some(self.transactions);
        let delivery = Delivery::begin(&transaction);
        let number = self.transactions;
        let mut begun = OpenTransaction {
            transaction,
            delivery,
            number,
            after_content: false,
            taken: 0,
            full: false,
            ahead,
            asked: VecDeque::new(),
        };
        let pipelined = self.extensions.pipelining && !self.extensions.chunking;
        if data == Data::Pipelined && pipelined && begun.is_safe() {
            begun.ahead.push_back(PendingCommand::Data);
        }
        if self.queue_flight(&mut begun).is_err() {
            // The error is reported by the next call that uses this session.
            self.dialogue.wire.mark_broken();
        }
        begun
    }

    fn queue_flight(&mut self, begun: &mut OpenTransaction) -> Result<(), Failure> {
        let most = if self.extensions.pipelining { FLIGHT } else { 1 };
        for step in begun.ahead.drain(..begun.ahead.len().min(most)) {
            let command = match step {
                PendingCommand::Rset => SmtpCommand::Rset,
                PendingCommand::Mail => SmtpCommand::Mail(begun.transaction.mail.clone()),
                PendingCommand::Rcpt(index) => SmtpCommand::Rcpt(begun.transaction.recipients[index].clone()),
                PendingCommand::Data => SmtpCommand::Data,
                PendingCommand::Content => continue,
            };
            self.dialogue.queue(&command, step.stage())?;
            begun.asked.push_back(step);
        }
        Ok(())
    }

    /// Sends the rest of the envelope and notes the results of the recipients. Returns the answer to DATA, if that
    /// was sent with it. `Err`: MAIL was refused, or the session failed.
    pub(super) fn envelope(&mut self, begun: &mut OpenTransaction) -> Result<Option<DataAnswer>, Failure> {
        loop {
            let first = begun.asked.front().map_or(Stage::MailFrom, |step| step.stage());
            self.dialogue.flush(first)?;
            let data = self.answers(begun)?;
            if begun.full {
                Self::stop_at_limit(begun);
            }
            if begun.ahead.is_empty() {
                return Ok(data);
            }
            self.queue_flight(begun)?;
        }
    }

    /// Leaves the recipients that were not sent yet to another transaction.
    fn stop_at_limit(begun: &mut OpenTransaction) {
        for step in &begun.ahead {
            if let PendingCommand::Rcpt(index) = step {
                begun.delivery.results[*index].status = RecipientStatus::TooMany;
            }
        }
        begun.ahead.retain(|step| !matches!(step, PendingCommand::Rcpt(_)));
    }

    /// Reads every reply of one flight but the final reply to content in it; returns the answer to DATA. If MAIL
    /// was refused, that is the error, after the other replies were read or the server closed.
    pub(super) fn answers(&mut self, begun: &mut OpenTransaction) -> Result<Option<DataAnswer>, Failure> {
        let mut data = None;
        // Each reply may take the time of one operation. But a server may hold all replies of a flight back until
        // it has decided about the content in it.
        let allowed = match begun.asked.back() {
            Some(PendingCommand::Content) => FINAL_REPLY,
            _ => self.dialogue.wire.limits().timeout,
        };
        while let Some(step) = begun.asked.front().copied() {
            self.dialogue.wire.begin_within(allowed);
            match step {
                PendingCommand::Rset => self.reset_answer()?,
                PendingCommand::Mail => {
                    if let Some(refused) = self.mail_answer(begun.after_content)? {
                        begun.asked.pop_front();
                        return Err(self.overrule(begun, refused));
                    }
                }
                PendingCommand::Rcpt(index) => {
                    self.rcpt_answer(begun, index)?;
                }
                PendingCommand::Data => data = Some(self.dialogue.reply(step.stage())),
                PendingCommand::Content => break,
            }
            begun.asked.pop_front();
        }
        Ok(data)
    }

    /// Reads the other replies of a flight whose MAIL was refused. They are only consequences (503), so they are
    /// not recorded for the recipients. But if the server accepts a recipient and the content, the outcome is
    /// unknown.
    fn overrule(&mut self, begun: &mut OpenTransaction, refused: Failure) -> Failure {
        let mut taken = false;
        while let Some(step) = begun.asked.pop_front() {
            self.dialogue.wire.begin();
            match (step, self.dialogue.reply(step.stage())) {
                // The server waits for content, and nothing can cancel that.
                (_, Ok(reply)) if reply.class() == Class::Intermediate => self.dialogue.wire.mark_broken(),
                (PendingCommand::Content, Ok(reply)) if reply.is_success() && taken => {
                    return unknown(step.stage(), self.dialogue.nonsense(step.stage(), &reply));
                }
                (_, Ok(reply)) => taken |= reply.is_success(),
                (_, Err(_)) => break,
            }
        }
        refused
    }

    /// Reads the reply to RSET. If it fails, the next message could go to recipients of the one before.
    fn reset_answer(&mut self) -> Result<(), Failure> {
        let stage = PendingCommand::Rset.stage();
        let reply = self.dialogue.reply(stage)?;
        let done = self.dialogue.expect_success(reply, stage, Kind::Rejected);
        if done.is_err() {
            self.dialogue.wire.mark_broken();
        }
        done.map(|_| ())
    }

    /// Reads the reply to MAIL. A refusal is returned in `Ok`, so that the rest of the flight is still read.
    fn mail_answer(&mut self, after_content: bool) -> Result<Option<Failure>, Failure> {
        let stage = PendingCommand::Mail.stage();
        let reply = self.dialogue.reply(stage)?;
        match reply.class() {
            Class::Success => Ok(None),
            Class::Intermediate => Err(self.dialogue.nonsense(stage, &reply)),
            // This must be the answer to a later command: the server has lost a part of what followed the content.
            Class::Permanent if after_content && matches!(reply.code(), 500 | 503) => {
                Err(self.dialogue.nonsense(stage, &reply))
            }
            Class::Transient => Ok(Some(self.dialogue.refused(Kind::Deferred, stage, &reply))),
            Class::Permanent => Ok(Some(self.sender_refused(&reply))),
        }
        .map(|failure| failure.map(|failure| failure.scoped(Scope::Message)))
    }

    /// The failure for a sender that was refused for good.
    pub(super) fn sender_refused(&self, reply: &Reply) -> Failure {
        let failure = self.dialogue.refused(Kind::Rejected, PendingCommand::Mail.stage(), reply);
        self.explained(failure, reply, remedy_for_sender(reply))
    }

    /// Adds to a refusal: without a login what it asks for, else the `remedy` as a hint.
    fn explained(&self, failure: Failure, reply: &Reply, remedy: Option<&str>) -> Failure {
        match (Demand::of(reply).filter(|_| self.mechanism.is_none()), remedy) {
            (Some(demand), _) => demand.explain(failure),
            (None, Some(remedy)) => failure.hint(remedy),
            (None, None) => failure,
        }
    }

    /// Reads the reply to one RCPT and notes the result.
    fn rcpt_answer(&mut self, begun: &mut OpenTransaction, index: usize) -> Result<(), Failure> {
        let stage = PendingCommand::Rcpt(index).stage();
        let reply = match self.dialogue.reply(stage) {
            Ok(reply) => reply,
            Err(failure) => {
                // 421: the server refuses this recipient for now, and closes the session.
                if let (Kind::Deferred, Some(reply)) = (failure.kind(), failure.reply.as_deref()) {
                    let answer = Some(ServerAnswer::of(reply.clone()));
                    begun.delivery.results[index] =
                        RecipientResult { status: RecipientStatus::Deferred, answer, failure: None };
                }
                return Err(failure);
            }
        };
        let (status, kind) = match reply.class() {
            Class::Success => (RecipientStatus::Accepted, None),
            Class::Intermediate => return Err(self.dialogue.nonsense(stage, &reply)),
            _ if begun.taken > 0 && is_too_many(&reply) => (RecipientStatus::TooMany, None),
            Class::Transient => (RecipientStatus::Deferred, Some(Kind::Deferred)),
            Class::Permanent => (RecipientStatus::Refused, Some(Kind::Recipient)),
        };
        begun.taken += usize::from(status == RecipientStatus::Accepted);
        if status == RecipientStatus::TooMany {
            begun.full = true;
            // That is the limit for the later transactions of this session, too.
            let known = self.extensions.rcpt_max.unwrap_or(usize::MAX);
            self.extensions.rcpt_max = Some(known.min(begun.taken));
        }
        let recipient = &begun.transaction.recipients[index];
        let others =
            begun.transaction.on_rejected == OnRejected::Abort && begun.transaction.recipients.len() > 1;
        let remedy = remedy_for_recipient(&reply, others).filter(|_| kind == Some(Kind::Recipient));
        let failure = kind.map(|kind| {
            let tried = format!("{stage}:<{}>", recipient.to);
            let failure = self.dialogue.refused_at(kind, stage, &tried, &reply).scoped(Scope::Recipient);
            self.explained(failure, &reply, remedy)
        });
        begun.delivery.results[index] =
            RecipientResult { status, answer: Some(self.answer(&reply)), failure };
        Ok(())
    }
}

/// Whether a RCPT was refused only because the transaction has too many (`RFC 5321 §4.5.3.1.10`: 452, from older
/// servers 552; or any code with X.5.3).
fn is_too_many(reply: &Reply) -> bool {
    let worded = || {
        let text = String::from_utf8_lossy(&reply.text()).to_ascii_lowercase();
        ["too many recipients", "too many rcpt", "too many addresses"]
            .iter()
            .any(|words| text.contains(words))
    };
    let enhanced = reply.enhanced().is_some_and(|enhanced| enhanced.ends_with(".5.3"));
    enhanced || (matches!(reply.code(), 450..=452 | 552) && worded())
}
