//! One mail transaction (`RFC 5321 §3.3`): MAIL, every RCPT, and the content if enough recipients are accepted.
//!
//! Invariants: every reply is read. With several recipients and [`super::OnRejected::Abort`] no content is sent
//! before every RCPT was answered. After the end of the content may have left ([`Delivery::handed_over`]) only a
//! whole reply decides the outcome.
//!
//! If the server offers CHUNKING (`RFC 3030`), the content is sent by BDAT. If it offers PIPELINING too, small
//! content is sent in one flight with the envelope: a refused MAIL or RCPT refuses the content with it.

use super::content::{BDAT, END};
use super::delivery::{
    Delivery, MailTransaction, RecipientResult, RecipientStatus, ServerAnswer, refuses, unknown,
};
use super::open_transaction::{ContentHooks, Data, DataAnswer, OpenTransaction, PendingCommand};
use super::opening::Ready;
use crate::codec::smtp::reply::Class;
use crate::codec::smtp::{MailCommand, Reply, SmtpCommand};
use crate::words::{Failure, Kind, ServerReply, Stage};
use std::io::Read;

/// The most octets of content that are sent in one flight with the envelope. It fits into one write with the
/// commands and needs few round trips, and not much is lost if the recipient is refused.
const ONE_FLIGHT: u64 = 48 * 1024;

impl Ready {
    /// Sends the message of a transaction that was begun. `content` has CRLF line ends and is not dot-stuffed.
    pub fn send(
        &mut self,
        begun: OpenTransaction,
        content: &mut dyn Read,
        hooks: &mut dyn ContentHooks,
    ) -> Delivery {
        if self.shares_flight(&begun) {
            self.send_in_one(begun, content, hooks)
        } else {
            self.send_in_turn(begun, content, hooks)
        }
    }

    /// Whether the content is sent in one flight with the envelope. Only in the first transaction: later the
    /// server may have closed an idle session, and the outcome of content sent into it would be unknown.
    fn shares_flight(&self, begun: &OpenTransaction) -> bool {
        self.extensions.pipelining
            && self.extensions.chunking
            && begun.number == 1
            && begun.transaction.size <= ONE_FLIGHT
            && begun.is_safe()
            && begun.is_laid_out()
    }

    /// Sends MAIL, RCPT, BDAT LAST and the caller's next commands in one flight.
    fn send_in_one(
        &mut self,
        mut begun: OpenTransaction,
        content: &mut dyn Read,
        hooks: &mut dyn ContentHooks,
    ) -> Delivery {
        if let Err(failure) = self.queue_chunk(begun.transaction.size, content, hooks) {
            return begun.delivery.judged(failure);
        }
        begun.asked.push_back(PendingCommand::Content);
        let end = self.dialogue.wire.queued();
        // With several recipients another transaction may be needed for some of them.
        if begun.transaction.recipients.len() == 1 {
            hooks.after_content(self);
        }
        let after = self.dialogue.wire.queued() - end;
        self.dialogue.flush_and_listen();
        begun.delivery.handed_over = self.dialogue.wire.unsent() <= after;
        hooks.waiting();
        match self.answers(&mut begun) {
            Ok(_) if begun.goes_on() => self.verdict(begun, BDAT),
            Ok(_) => {
                // No recipient was accepted. Even if the server accepts the content, nobody gets it.
                self.dialogue.wire.begin();
                match self.dialogue.reply(BDAT) {
                    Ok(reply) if reply.class() != Class::Intermediate => {}
                    _ => self.dialogue.wire.mark_broken(),
                }
                begun.delivery.withheld()
            }
            Err(failure) if refuses(&failure) || !begun.delivery.handed_over => {
                begun.delivery.failed(failure)
            }
            Err(failure) => begun.delivery.judged(unknown(BDAT, failure)),
        }
    }

    /// Sends the envelope, reads its replies, then sends the content.
    fn send_in_turn(
        &mut self,
        mut begun: OpenTransaction,
        content: &mut dyn Read,
        hooks: &mut dyn ContentHooks,
    ) -> Delivery {
        let data = match self.envelope(&mut begun) {
            Ok(data) => data,
            Err(failure) => return begun.delivery.failed(failure),
        };
        if !begun.goes_on() {
            self.withdraw(data);
            return begun.delivery.withheld();
        }
        let size = begun.transaction.size;
        let (stage, queued) = match self.extensions.chunking {
            true => (BDAT, self.queue_chunk(size, content, hooks)),
            false => (END, self.queue_data(data, size, content, hooks)),
        };
        if let Err(failure) = queued {
            return begun.delivery.judged(failure);
        }
        let end = self.dialogue.wire.queued();
        let goes_into_another = |result: &RecipientResult| result.status == RecipientStatus::TooMany;
        if self.extensions.pipelining && !begun.delivery.results.iter().any(goes_into_another) {
            hooks.after_content(self);
        }
        let after = self.dialogue.wire.queued() - end;
        if let Err(failure) = self.hand_over(stage, after, &mut begun.delivery.handed_over) {
            return begun.delivery.judged(failure);
        }
        hooks.waiting();
        self.verdict(begun, stage)
    }

    /// Sends MAIL and RCPT, then RSET: asks whether the recipients are accepted, and sends nothing.
    pub fn check(&mut self, transaction: MailTransaction) -> Delivery {
        let mut begun = self.lay_out(transaction, Data::Apart);
        match self.envelope(&mut begun) {
            Ok(_) => self.withdraw(None),
            Err(failure) => return begun.delivery.failed(failure),
        }
        begun.delivery
    }

    /// Sends MAIL, then RSET: asks whether the sender is accepted (for `test-account`).
    pub fn check_sender(&mut self, mail: &MailCommand) -> Result<ServerReply, Failure> {
        let stage = Stage::MailFrom;
        let reply = self.dialogue.exchange(&SmtpCommand::Mail(mail.clone()), stage)?;
        if reply.class() == Class::Permanent {
            return Err(self.sender_refused(&reply));
        }
        let reply = self.dialogue.expect_success(reply, stage, Kind::Rejected)?;
        self.open = Some(self.transactions);
        self.withdraw(None);
        Ok(self.dialogue.redacted(&reply))
    }

    /// Cancels a transaction. `data`: the answer to DATA, if it was sent with the envelope.
    fn withdraw(&mut self, data: Option<DataAnswer>) {
        if data.is_some_and(|answer| answer.is_ok_and(|reply| reply.class() == Class::Intermediate)) {
            // The server waits for content although it accepted no recipient. An empty message ends that and
            // reaches nobody (RFC 2920 §3.1).
            let ended = self.dialogue.wire.data(b".\r\n").is_ok();
            if !ended
                || self.dialogue.flush(Stage::Data).is_err()
                || self.dialogue.reply(Stage::Data).is_err()
            {
                self.dialogue.wire.mark_broken();
                return;
            }
        }
        // If this fails the wire is broken, so nothing more is sent.
        let _ = self.reset();
    }

    fn reset(&mut self) -> Result<(), Failure> {
        if self.is_over() {
            return Ok(());
        }
        let reply = self.dialogue.exchange(&SmtpCommand::Rset, Stage::Rset)?;
        self.dialogue.expect_success(reply, Stage::Rset, Kind::Rejected)?;
        self.open = None;
        Ok(())
    }

    pub(super) fn answer(&self, reply: &Reply) -> ServerAnswer {
        ServerAnswer::of(self.dialogue.redacted(reply))
    }
}
