//! One mail transaction: MAIL, every RCPT, and the content if the recipients' fates allow it.
//!
//! Invariants: every reply is read; with several recipients no content goes out under
//! [`super::OnRejected::Abort`] before every RCPT was answered; after the end of the content may have left
//! ([`Delivery::handed_over`]) there is a verdict only by a whole reply.
//!
//! Where CHUNKING is offered the content goes by BDAT (`RFC 3030`), and where PIPELINING is offered too a
//! small one shares the flight of its envelope: a refused MAIL or RCPT refuses the content with it.

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

/// The largest content that goes in the flight of its envelope, in octets. With the commands it fits into
/// one write, no network needs many round trips for it, and a refused recipient has cost no more than this.
const ONE_FLIGHT: u64 = 48 * 1024;

impl Ready {
    /// Sends the message of a transaction that was begun: its content has CRLF line ends and is not
    /// dot-stuffed.
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

    /// Whether the content goes in the flight of the envelope. Only a session that has just been opened
    /// gets it so: one that was idle may have been closed by the server, and content that left into it
    /// would be of unknown fate.
    fn shares_flight(&self, begun: &OpenTransaction) -> bool {
        self.extensions.pipelining
            && self.extensions.chunking
            && begun.number == 1
            && begun.transaction.size <= ONE_FLIGHT
            && begun.is_safe()
            && begun.is_laid_out()
    }

    /// MAIL, RCPT and BDAT LAST, followed by the caller's next command, all in one flight.
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
        // Of several recipients one may turn out to be too many, and need another transaction.
        if begun.transaction.recipients.len() == 1 {
            hooks.behind(self);
        }
        let behind = self.dialogue.wire.queued() - end;
        self.dialogue.flush_and_listen();
        begun.delivery.handed_over = self.dialogue.wire.unsent() <= behind;
        hooks.waiting();
        match self.answers(&mut begun) {
            Ok(_) if begun.goes_on() => self.verdict(begun, BDAT),
            Ok(_) => {
                // Refused with its recipients; a server that takes it has nobody to give it to.
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

    /// The envelope, its replies, then the content.
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
            hooks.behind(self);
        }
        let behind = self.dialogue.wire.queued() - end;
        if let Err(failure) = self.hand_over(stage, behind, &mut begun.delivery.handed_over) {
            return begun.delivery.judged(failure);
        }
        hooks.waiting();
        self.verdict(begun, stage)
    }

    /// Goes as far as the recipients' acceptance, then takes everything back: nothing is sent.
    pub fn check(&mut self, transaction: MailTransaction) -> Delivery {
        let mut begun = self.lay_out(transaction, Data::Apart);
        match self.envelope(&mut begun) {
            Ok(_) => self.withdraw(None),
            Err(failure) => return begun.delivery.failed(failure),
        }
        begun.delivery
    }

    /// Asks whether `from` may send, then takes it back (for a test of the account).
    pub fn check_sender(&mut self, mail: &MailCommand) -> Result<ServerReply, Failure> {
        let stage = Stage::MailFrom;
        let reply = self.dialogue.exchange(&SmtpCommand::Mail(mail.clone()), stage)?;
        let reply = self.dialogue.expect_success(reply, stage, Kind::Rejected)?;
        self.open = Some(self.transactions);
        self.withdraw(None);
        Ok(self.dialogue.said(&reply))
    }

    /// Takes back a transaction that was begun. `data`: what came of a DATA that went along.
    fn withdraw(&mut self, data: Option<DataAnswer>) {
        if data.is_some_and(|answer| answer.is_ok_and(|reply| reply.class() == Class::Intermediate)) {
            // The server waits for content although it took no recipient: an empty message ends the wait
            // and reaches nobody (RFC 2920 §3.1).
            let ended = self.dialogue.wire.data(b".\r\n").is_ok();
            if !ended
                || self.dialogue.flush(Stage::Data).is_err()
                || self.dialogue.reply(Stage::Data).is_err()
            {
                self.dialogue.wire.mark_broken();
                return;
            }
        }
        // If even this fails the session is broken, and the wire knows.
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

    /// What a reply said.
    pub(super) fn said(&self, reply: &Reply) -> ServerAnswer {
        ServerAnswer::of(self.dialogue.said(reply))
    }
}
