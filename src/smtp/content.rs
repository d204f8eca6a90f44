//! Sending the content, by DATA (`RFC 5321 §4.1.1.4`) or BDAT (`RFC 3030 §2`), and its final reply. Once its end
//! may have left, the message may be delivered, whatever happens then.

use super::delivery::{Delivery, refuses, unknown};
use super::dialogue::FINAL_REPLY;
use super::open_transaction::{ContentHooks, DataAnswer, OpenTransaction};
use super::opening::Ready;
use crate::codec::dot::Stuffer;
use crate::codec::smtp::reply::Class;
use crate::codec::smtp::{Reply, SmtpCommand};
use crate::words::{Failure, Kind, Scope, Stage};
use std::io::{self, ErrorKind, Read};

/// How many octets of content are encoded at a time.
const BLOCK: usize = 64 * 1024;

/// The stage of the final dot and the reply to it.
pub(super) const END: Stage = Stage::EndOfData;
/// The stage of content sent by BDAT.
pub(super) const BDAT: Stage = Stage::Bdat;

impl Ready {
    /// Sends DATA, unless it was sent with the envelope (then `data` is the answer to it), and queues the content
    /// with its final dot. `Err` means that the dot was not sent, so the message cannot have been accepted.
    pub(super) fn queue_data(
        &mut self,
        data: Option<DataAnswer>,
        size: u64,
        content: &mut dyn Read,
        hooks: &mut dyn ContentHooks,
    ) -> Result<(), Failure> {
        let reply = data.unwrap_or_else(|| self.dialogue.exchange(&SmtpCommand::Data, Stage::Data))?;
        self.may_send(&reply)?;
        let mut stuffer = Stuffer::new();
        let mut block = block_for(size);
        let mut encoded = Vec::with_capacity(block.len() + block.len() / 64 + 16);
        loop {
            let got = self.read(content, &mut block, Stage::Data)?;
            if got == 0 {
                break;
            }
            encoded.clear();
            stuffer.push(&block[..got], &mut encoded);
            self.queue(&encoded, Stage::Data)?;
            hooks.progress(got as u64);
        }
        encoded.clear();
        stuffer.finish(&mut encoded);
        self.queue(&encoded, Stage::Data)?;
        // Any final reply ends the transaction (RFC 5321 §4.1.1.4).
        self.open = None;
        Ok(())
    }

    /// Queues BDAT LAST and `size` octets of content (`RFC 3030 §2`). `Err` means that not all of them were sent.
    pub(super) fn queue_chunk(
        &mut self,
        size: u64,
        content: &mut dyn Read,
        hooks: &mut dyn ContentHooks,
    ) -> Result<(), Failure> {
        self.dialogue.queue(&SmtpCommand::BdatLast(size), BDAT)?;
        let mut left = size;
        let mut block = block_for(size);
        while left > 0 {
            let most = block.len().min(usize::try_from(left).unwrap_or(BLOCK));
            let got = self.read(content, &mut block[..most], BDAT)?;
            if got == 0 {
                return Err(self.unreadable(BDAT, &ErrorKind::UnexpectedEof.into()));
            }
            left -= got as u64;
            self.queue(&block[..got], BDAT)?;
            hooks.progress(got as u64);
        }
        Ok(())
    }

    fn read(&mut self, content: &mut dyn Read, block: &mut [u8], stage: Stage) -> Result<usize, Failure> {
        loop {
            match content.read(block) {
                Ok(got) => return Ok(got),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(stage, &error)),
            }
        }
    }

    /// The failure for content that cannot be read. The server drops a message without its end.
    fn unreadable(&mut self, stage: Stage, error: &io::Error) -> Failure {
        self.dialogue.wire.mark_broken();
        let message = format!("{stage}: reading the message: {error}");
        Failure::new(Kind::Storage, stage, message).at(self.place()).scoped(Scope::Message)
    }

    fn queue(&mut self, octets: &[u8], stage: Stage) -> Result<(), Failure> {
        let queued = self.dialogue.wire.data(octets);
        queued.map_err(|error| self.dialogue.write_failed(stage, &error))
    }

    /// Sends the queued octets: the end of the content, and `after` more. `handed_over` becomes true if the end
    /// may have left.
    pub(super) fn hand_over(
        &mut self,
        stage: Stage,
        after: usize,
        handed_over: &mut bool,
    ) -> Result<(), Failure> {
        let sent = self.dialogue.flush(stage);
        *handed_over = sent.is_ok() || self.dialogue.wire.unsent() <= after;
        sent.map_err(|failure| match *handed_over && !refuses(&failure) {
            true => unknown(stage, failure),
            false => failure,
        })
    }

    /// Reads the final reply to content that was sent.
    pub(super) fn verdict(&mut self, begun: OpenTransaction, stage: Stage) -> Delivery {
        let OpenTransaction { mut delivery, number, .. } = begun;
        self.dialogue.wire.begin_within(FINAL_REPLY);
        let reply = match self.dialogue.reply(stage) {
            Ok(reply) => reply,
            // 421 is a final reply too: not accepted, and the session is over.
            Err(failure) if refuses(&failure) || !delivery.handed_over => return delivery.judged(failure),
            Err(failure) => return delivery.judged(unknown(stage, failure)),
        };
        match reply.class() {
            Class::Success => {
                self.open = self.open.filter(|open| *open != number);
                let answer = self.answer(&reply);
                delivery.accepted(answer)
            }
            Class::Intermediate => {
                let failure = self.dialogue.nonsense(stage, &reply);
                delivery.judged(unknown(stage, failure))
            }
            class => {
                let kind = if class == Class::Transient { Kind::Deferred } else { Kind::Rejected };
                let failure = self.dialogue.refused(kind, stage, &reply).scoped(Scope::Message);
                if stage == BDAT && matches!(reply.code(), 500 | 502 | 503) {
                    // The server may have taken every line of the content for a command, and may answer each.
                    self.dialogue.wire.mark_broken();
                    delivery.unchunked = true;
                }
                delivery.judged(failure)
            }
        }
    }

    /// Checks the reply to DATA: anything but 354 is a failure.
    fn may_send(&mut self, reply: &Reply) -> Result<(), Failure> {
        match reply.class() {
            Class::Intermediate if reply.code() == 354 => Ok(()),
            Class::Transient => Err(self.dialogue.refused(Kind::Deferred, Stage::Data, reply)),
            Class::Permanent => Err(self.dialogue.refused(Kind::Rejected, Stage::Data, reply)),
            _ => Err(self.dialogue.nonsense(Stage::Data, reply)),
        }
    }
}

/// A buffer for content of `size` octets, or for a part of it.
fn block_for(size: u64) -> Vec<u8> {
    vec![0; usize::try_from(size).map_or(BLOCK, |size| size.clamp(1, BLOCK))]
}
