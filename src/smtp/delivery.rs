//! The values of a mail transaction (`RFC 5321 §3.3`): what is sent to whom, and the result.

use crate::codec::smtp::{MailCommand, RcptCommand};
use crate::words::{Failure, Kind, Scope, ServerReply, Stage};

/// Who gets the message if a recipient is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRejected {
    /// Nobody.
    #[default]
    Abort,
    /// The other recipients.
    Send,
}

/// What is to be sent to whom, without the content.
#[derive(Clone, Debug)]
pub struct MailTransaction {
    /// The sender, and the parameters of the message.
    pub mail: MailCommand,
    /// At least one.
    pub recipients: Vec<RcptCommand>,
    pub on_rejected: OnRejected,
    /// Octets of the content, which BDAT announces.
    pub size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientStatus {
    /// The server accepted the message for it; until the content is sent: accepted the recipient.
    Accepted,
    /// Refused for good.
    Refused,
    /// Refused for now.
    Deferred,
    /// Accepted at RCPT but the content was not sent, or never tried.
    Skipped,
    /// Over the server's limit of recipients (`RFC 5321 §4.5.3.1.10`); to be sent in the next transaction.
    TooMany,
    /// The content was sent, and no final reply came.
    Unknown,
}

#[derive(Clone, Debug)]
pub struct RecipientResult {
    pub status: RecipientStatus,
    /// The reply that decided the status.
    pub answer: Option<ServerAnswer>,
    /// The failure, if the recipient itself was refused or deferred.
    pub failure: Option<Failure>,
}

/// A reply, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAnswer {
    pub reply: ServerReply,
    /// The text without codes, on one line.
    pub text: String,
}

/// How a transaction ended for the message as a whole.
#[derive(Clone, Debug)]
pub enum TransactionOutcome {
    /// The server accepted the message for every recipient whose status is `Accepted`.
    Accepted(ServerAnswer),
    /// The content was not sent, because recipients were refused: their results say why.
    Withheld,
    /// The message was refused, the session failed, or the outcome is [`Kind::Unknown`].
    Failed(Failure),
}

/// The result of a transaction.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// One for each recipient, in their order.
    pub results: Vec<RecipientResult>,
    pub outcome: TransactionOutcome,
    /// Whether the end of the content may have left, in a transaction that was not refused before.
    pub handed_over: bool,
    /// The server announces CHUNKING but does not know BDAT: the message was not accepted, and may be sent by DATA
    /// in another session.
    pub unchunked: bool,
}

impl ServerAnswer {
    pub fn of(reply: ServerReply) -> Self {
        let bare = |line: &String| {
            let text = line.get(4..).unwrap_or_default();
            let enhanced = reply.enhanced.as_deref().unwrap_or_default();
            text.strip_prefix(enhanced).unwrap_or(text).trim().to_owned()
        };
        let texts: Vec<String> = reply.lines.iter().map(bare).filter(|text| !text.is_empty()).collect();
        ServerAnswer { text: texts.join(" "), reply }
    }
}

impl RecipientResult {
    fn untried() -> Self {
        RecipientResult { status: RecipientStatus::Skipped, answer: None, failure: None }
    }
}

impl Delivery {
    pub(super) fn begin(transaction: &MailTransaction) -> Self {
        let results = transaction.recipients.iter().map(|_| RecipientResult::untried()).collect();
        Delivery { results, outcome: TransactionOutcome::Withheld, handed_over: false, unchunked: false }
    }

    /// Gives another status to all recipients that were accepted or not answered.
    fn turn(&mut self, status: RecipientStatus, answer: Option<&ServerAnswer>) {
        let open = |result: &&mut RecipientResult| {
            matches!(result.status, RecipientStatus::Accepted | RecipientStatus::Skipped)
        };
        for result in self.results.iter_mut().filter(open) {
            result.status = status;
            if let Some(answer) = answer {
                result.answer = Some(answer.clone());
            }
        }
    }

    pub(super) fn accepted(mut self, answer: ServerAnswer) -> Self {
        self.outcome = TransactionOutcome::Accepted(answer);
        self
    }

    /// The content was not sent, or was refused together with the recipients.
    pub(super) fn withheld(mut self) -> Self {
        self.handed_over = false;
        self.turn(RecipientStatus::Skipped, None);
        self.outcome = TransactionOutcome::Withheld;
        self
    }

    /// The transaction failed at the content. If the server refused it, that is the status of every recipient.
    pub(super) fn judged(mut self, failure: Failure) -> Self {
        let answer = failure.reply.as_deref().cloned().map(ServerAnswer::of);
        match (failure.kind(), answer) {
            (Kind::Unknown, _) => self.turn(RecipientStatus::Unknown, None),
            (Kind::Deferred, Some(answer)) => self.turn(RecipientStatus::Deferred, Some(&answer)),
            (Kind::Rejected, Some(answer)) => self.turn(RecipientStatus::Refused, Some(&answer)),
            _ => self.turn(RecipientStatus::Skipped, None),
        }
        self.outcome = TransactionOutcome::Failed(failure);
        self
    }

    /// The transaction failed before the final reply.
    pub(super) fn failed(mut self, failure: Failure) -> Self {
        self.handed_over = false;
        self.turn(RecipientStatus::Skipped, None);
        self.outcome = TransactionOutcome::Failed(failure);
        self
    }
}

/// Whether the failure is a refusal by the server, so that the message was certainly not accepted.
pub(super) fn refuses(failure: &Failure) -> bool {
    let by_reply = matches!(failure.kind(), Kind::Deferred | Kind::Rejected | Kind::Auth | Kind::Missing);
    by_reply && failure.reply.is_some()
}

/// Turns a failure into [`Kind::Unknown`]: the message may have been delivered.
pub(super) fn unknown(stage: Stage, cause: Failure) -> Failure {
    let message = format!("{}; the message was handed over and may have been delivered", cause.message);
    let mut failure = Failure::new(Kind::Unknown, stage, message)
        .scoped(Scope::Message)
        .hint("look for its Message-ID at the recipient before sending it again");
    (failure.reply, failure.place) = (cause.reply, cause.place);
    failure
}
