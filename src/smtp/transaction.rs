//! One mail transaction: MAIL, every RCPT, and the content if the recipients' fates allow it.
//!
//! Invariants: every reply is read; with several recipients no content goes out under
//! [`OnRejected::Abort`] before every RCPT was answered; after the end of the content may have left
//! ([`Delivery::handed_over`]) there is a verdict only by a whole reply.
//!
//! Where CHUNKING is offered the content goes by BDAT (`RFC 3030`), and where PIPELINING is offered too a
//! small one shares the flight of its envelope: a refused MAIL or RCPT refuses the content with it.

use super::content::{BDAT, END};
use super::delivery::{Delivery, Fate, FateStatus, Said, Transaction, refuses, unknown};
use super::opening::Ready;
use super::underway::{Along, Data, DataAnswer, Step, Underway};
use crate::codec::smtp::reply::Class;
use crate::codec::smtp::{Command, MailCommand, Reply};
use crate::words::{Failure, Kind, ServerReply, Stage};
use std::io::Read;

/// The largest content that goes in the flight of its envelope, in octets. With the commands it fits into
/// one write, no network needs many round trips for it, and a refused recipient has cost no more than this.
const ONE_FLIGHT: u64 = 48 * 1024;

impl Ready {
    /// Sends the message of a transaction that was begun: its content has CRLF line ends and is not
    /// dot-stuffed.
    pub fn send(&mut self, underway: Underway, content: &mut dyn Read, along: &mut dyn Along) -> Delivery {
        if self.shares_flight(&underway) {
            self.send_in_one(underway, content, along)
        } else {
            self.send_in_turn(underway, content, along)
        }
    }

    /// Whether the content goes in the flight of the envelope. Only a session that has just been opened
    /// gets it so: one that was idle may have been closed by the server, and content that left into it
    /// would be of unknown fate.
    fn shares_flight(&self, underway: &Underway) -> bool {
        self.extensions.pipelining
            && self.extensions.chunking
            && underway.number == 1
            && underway.transaction.size <= ONE_FLIGHT
            && underway.is_safe()
            && underway.is_laid_out()
    }

    /// MAIL, RCPT, BDAT LAST and what the caller has to say behind it, in one flight.
    fn send_in_one(
        &mut self,
        mut underway: Underway,
        content: &mut dyn Read,
        along: &mut dyn Along,
    ) -> Delivery {
        if let Err(failure) = self.queue_chunk(underway.transaction.size, content, along) {
            return underway.delivery.judged(failure);
        }
        underway.asked.push_back(Step::Content);
        let end = self.dialogue.wire.queued();
        // Of several recipients one may turn out to be too many, and need another transaction.
        if underway.transaction.recipients.len() == 1 {
            along.behind(self);
        }
        let behind = self.dialogue.wire.queued() - end;
        self.dialogue.flush_and_listen();
        underway.delivery.handed_over = self.dialogue.wire.unsent() <= behind;
        along.waiting();
        match self.answers(&mut underway) {
            Ok(_) if underway.goes_on() => self.verdict(underway, BDAT),
            Ok(_) => {
                // Refused with its recipients; a server that takes it has nobody to give it to.
                self.dialogue.wire.begin();
                match self.dialogue.reply(BDAT) {
                    Ok(reply) if reply.class() != Class::Intermediate => {}
                    _ => self.dialogue.wire.mark_broken(),
                }
                underway.delivery.withheld()
            }
            Err(failure) if refuses(&failure) || !underway.delivery.handed_over => {
                underway.delivery.failed(failure)
            }
            Err(failure) => underway.delivery.judged(unknown(BDAT, failure)),
        }
    }

    /// The envelope, its replies, then the content.
    fn send_in_turn(
        &mut self,
        mut underway: Underway,
        content: &mut dyn Read,
        along: &mut dyn Along,
    ) -> Delivery {
        let data = match self.envelope(&mut underway) {
            Ok(data) => data,
            Err(failure) => return underway.delivery.failed(failure),
        };
        if !underway.goes_on() {
            self.withdraw(data);
            return underway.delivery.withheld();
        }
        let size = underway.transaction.size;
        let (stage, queued) = match self.extensions.chunking {
            true => (BDAT, self.queue_chunk(size, content, along)),
            false => (END, self.queue_data(data, size, content, along)),
        };
        if let Err(failure) = queued {
            return underway.delivery.judged(failure);
        }
        let end = self.dialogue.wire.queued();
        let goes_into_another = |fate: &Fate| fate.status == FateStatus::TooMany;
        if self.extensions.pipelining && !underway.delivery.fates.iter().any(goes_into_another) {
            along.behind(self);
        }
        let behind = self.dialogue.wire.queued() - end;
        if let Err(failure) = self.hand_over(stage, behind, &mut underway.delivery.handed_over) {
            return underway.delivery.judged(failure);
        }
        along.waiting();
        self.verdict(underway, stage)
    }

    /// Goes as far as the recipients' acceptance, then takes everything back: nothing is sent.
    pub fn check(&mut self, transaction: Transaction) -> Delivery {
        let mut underway = self.lay_out(transaction, Data::Apart);
        match self.envelope(&mut underway) {
            Ok(_) => self.withdraw(None),
            Err(failure) => return underway.delivery.failed(failure),
        }
        underway.delivery
    }

    /// Asks whether `from` may send, then takes it back (for a test of the account).
    pub fn check_sender(&mut self, mail: &MailCommand) -> Result<ServerReply, Failure> {
        let stage = Stage::MailFrom;
        let reply = self.dialogue.exchange(&Command::Mail(mail.clone()), stage)?;
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
        let reply = self.dialogue.exchange(&Command::Rset, Stage::Rset)?;
        self.dialogue.expect_success(reply, Stage::Rset, Kind::Rejected)?;
        self.open = None;
        Ok(())
    }

    /// What a reply said.
    pub(super) fn said(&self, reply: &Reply) -> Said {
        Said::of(self.dialogue.said(reply))
    }
}
