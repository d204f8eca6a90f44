//! A mail transaction in progress (`RFC 5321 §3.3`): its commands, and which of them are answered.

use super::delivery::{Delivery, MailTransaction, OnRejected, RecipientStatus};
use super::opening::Ready;
use crate::codec::smtp::Reply;
use crate::words::{Failure, Stage};
use std::collections::VecDeque;

/// When DATA may be sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    /// In one flight with the envelope, if the server pipelines.
    Pipelined,
    /// After every recipient was answered, or never.
    Apart,
}

/// The reply to DATA, or why there is none.
pub(super) type DataAnswer = Result<Reply, Failure>;

/// One command of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PendingCommand {
    Rset,
    Mail,
    Rcpt(usize),
    Data,
    /// BDAT LAST with the whole content.
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

/// A transaction in progress: the commands that need no earlier reply are queued or sent.
#[derive(Debug)]
pub struct OpenTransaction {
    pub(super) transaction: MailTransaction,
    pub(super) delivery: Delivery,
    /// Counts the transactions of the session.
    pub(super) number: u64,
    /// Whether it was begun in one flight with the content of the message before it.
    pub(super) after_content: bool,
    /// How many recipients were accepted.
    pub(super) taken: usize,
    /// Whether the server's limit of recipients was reached.
    pub(super) full: bool,
    /// Commands that are not queued yet.
    pub(super) ahead: VecDeque<PendingCommand>,
    /// Commands that are queued or sent, and not answered yet.
    pub(super) asked: VecDeque<PendingCommand>,
}

impl OpenTransaction {
    /// Whether the content need not wait for the replies to RCPT (`RFC 2920 §3.1`): there is only one recipient,
    /// or those who are accepted get the message in any case.
    pub(super) fn is_safe(&self) -> bool {
        self.transaction.recipients.len() == 1 || self.transaction.on_rejected == OnRejected::Send
    }

    /// Whether the first flight has the whole envelope.
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

/// Calls to the caller while a message is sent.
pub trait ContentHooks {
    /// So many more octets of content were sent.
    fn progress(&mut self, _octets: u64) {}

    /// The end of the content is queued; commands queued now leave in the same flight. Called only if the server
    /// announces PIPELINING.
    fn after_content(&mut self, _ready: &mut Ready) {}

    /// The content is sent; the final reply is awaited.
    fn waiting(&mut self) {}
}

/// For a caller that has nothing to do.
impl ContentHooks for () {}
