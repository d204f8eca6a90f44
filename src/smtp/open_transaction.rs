//! A mail transaction that was begun (`RFC 5321 §3.3`): its commands, and which of them are answered.

use super::delivery::{Delivery, MailTransaction, OnRejected, RecipientStatus};
use super::opening::Ready;
use crate::codec::smtp::Reply;
use crate::words::{Failure, Stage};
use std::collections::VecDeque;

/// Whether DATA may go along with the envelope.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    /// In the same flight, where the server pipelines.
    Pipelined,
    /// Not before every recipient was answered, if at all.
    Apart,
}

/// The reply to a DATA, or why there is none.
pub(super) type DataAnswer = Result<Reply, Failure>;

/// One command of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PendingCommand {
    Rset,
    Mail,
    Rcpt(usize),
    Data,
    /// BDAT with the whole content.
    Content,
}

impl PendingCommand {
    pub(super) fn stage(self) -> Stage {
        match self {
            PendingCommand::Rset => Stage::Rset,
            PendingCommand::Mail => Stage::MailFrom,
            PendingCommand::Rcpt(_) => Stage::RcptTo,
            PendingCommand::Data => Stage::Data,
            PendingCommand::Content => Stage::Bdat,
        }
    }
}

/// A transaction that was begun: the commands that need no earlier reply are queued or sent.
#[derive(Debug)]
pub struct OpenTransaction {
    pub(super) transaction: MailTransaction,
    pub(super) delivery: Delivery,
    /// Its place among the transactions of the session.
    pub(super) number: u64,
    /// Whether it was begun in the flight of the content of the message before it.
    pub(super) rides: bool,
    /// How many recipients were accepted.
    pub(super) taken: usize,
    /// Whether the server's limit of recipients was met.
    pub(super) full: bool,
    /// Commands that are not sent yet.
    pub(super) ahead: VecDeque<PendingCommand>,
    /// Commands that are sent and not answered yet.
    pub(super) asked: VecDeque<PendingCommand>,
}

impl OpenTransaction {
    /// Whether nobody who was taken could be left with a message that others should have got too: there
    /// is one recipient, or the others are not waited for. Then the content need not wait for the replies
    /// to RCPT (`RFC 2920 §3.1`).
    pub(super) fn is_safe(&self) -> bool {
        self.transaction.recipients.len() == 1 || self.transaction.on_rejected == OnRejected::Send
    }

    /// Whether the whole envelope is in its first flight.
    pub(super) fn is_laid_out(&self) -> bool {
        self.ahead.is_empty()
    }

    /// Whether the content may be sent, by the replies to RCPT so far.
    pub(super) fn goes_on(&self) -> bool {
        let any =
            |status: RecipientStatus| self.delivery.results.iter().any(|result| result.status == status);
        let fine = self.transaction.on_rejected == OnRejected::Send
            || !(any(RecipientStatus::Refused) || any(RecipientStatus::Deferred));
        fine && any(RecipientStatus::Accepted)
    }
}

/// What the caller does around the content of a message.
pub trait ContentHooks {
    /// So many more octets of content went out.
    fn progress(&mut self, _octets: u64) {}

    /// The content is about to leave, as the last that this message needs: what is queued now goes in the
    /// same flight. Asked only where the server announces PIPELINING.
    fn behind(&mut self, _ready: &mut Ready) {}

    /// The content is sent; the final reply is waited for.
    fn waiting(&mut self) {}
}

/// For a caller that has nothing to do meanwhile.
impl ContentHooks for () {}
