//! What is sent to whom, and what became of it: the values of a transaction.

use crate::codec::smtp::{MailCommand, RcptCommand};
use crate::words::{Failure, Kind, Scope, ServerReply, Stage};

/// What to do with the other recipients when one is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRejected {
    /// Nobody gets the message.
    #[default]
    Abort,
    /// The others get it.
    Send,
}

/// What is to be sent to whom; the content comes beside it.
#[derive(Clone, Debug)]
pub struct MailTransaction {
    /// The sender, and what is declared about the message.
    pub mail: MailCommand,
    /// The recipients, at least one.
    pub recipients: Vec<RcptCommand>,
    /// What to do when one is not taken.
    pub on_rejected: OnRejected,
    /// Octets of the content, which BDAT announces.
    pub size: u64,
}

/// Status of one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientStatus {
    /// The server took the message for it (before the content was sent: it takes the recipient).
    Accepted,
    /// Refused for good.
    Refused,
    /// Not now.
    Deferred,
    /// Accepted at RCPT but the content was not sent, or never tried.
    Skipped,
    /// Over the server's limit of recipients (`RFC 5321 §4.5.3.1.10`); goes in the next transaction.
    TooMany,
    /// The content was sent, and the final reply never came.
    Unknown,
}

/// What became of one recipient.
#[derive(Clone, Debug)]
pub struct RecipientResult {
    /// Its status.
    pub status: RecipientStatus,
    /// The reply that decided it.
    pub said: Option<ServerAnswer>,
    /// The failure, where the recipient itself was refused or deferred.
    pub failure: Option<Failure>,
}

/// A reply, and its text without codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAnswer {
    /// The reply.
    pub reply: ServerReply,
    /// Its text alone, without codes, on one line.
    pub text: String,
}

/// How a transaction ended for the message as a whole.
#[derive(Clone, Debug)]
pub enum TransactionOutcome {
    /// The server has taken the message for every recipient that is `Accepted`.
    Accepted(ServerAnswer),
    /// The content was not sent, because recipients were refused: their results say why.
    Withheld,
    /// The message was refused, the session failed, or the outcome is [`Kind::Unknown`].
    Failed(Failure),
}

/// What became of a transaction.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// One for each recipient, in their order.
    pub results: Vec<RecipientResult>,
    /// How it ended for the message.
    pub outcome: TransactionOutcome,
    /// Whether the end of the content may have left, and no refusal of what went before it made that void.
    pub handed_over: bool,
    /// The server announces CHUNKING and does not know BDAT: the message was not taken, and may go by DATA
    /// over another session.
    pub unchunked: bool,
}

impl ServerAnswer {
    /// The text is that of every line, without the code and the enhanced code before it.
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
        RecipientResult { status: RecipientStatus::Skipped, said: None, failure: None }
    }
}

impl Delivery {
    pub(super) fn begin(transaction: &MailTransaction) -> Self {
        let results = transaction.recipients.iter().map(|_| RecipientResult::untried()).collect();
        Delivery { results, outcome: TransactionOutcome::Withheld, handed_over: false, unchunked: false }
    }

    /// Moves the recipients that were taken, or of whom nothing was heard, to another status.
    fn turn(&mut self, status: RecipientStatus, said: Option<&ServerAnswer>) {
        let open = |result: &&mut RecipientResult| {
            matches!(result.status, RecipientStatus::Accepted | RecipientStatus::Skipped)
        };
        for result in self.results.iter_mut().filter(open) {
            result.status = status;
            if let Some(said) = said {
                result.said = Some(said.clone());
            }
        }
    }

    pub(super) fn accepted(mut self, said: ServerAnswer) -> Self {
        self.outcome = TransactionOutcome::Accepted(said);
        self
    }

    /// Nothing was sent, or what was sent was refused with its recipients.
    pub(super) fn withheld(mut self) -> Self {
        self.handed_over = false;
        self.turn(RecipientStatus::Skipped, None);
        self.outcome = TransactionOutcome::Withheld;
        self
    }

    /// It failed at the content: where the server judged it, the verdict is every recipient's.
    pub(super) fn judged(mut self, failure: Failure) -> Self {
        let said = failure.reply.as_deref().cloned().map(ServerAnswer::of);
        match (failure.kind, said) {
            (Kind::Unknown, _) => self.turn(RecipientStatus::Unknown, None),
            (Kind::Deferred, Some(said)) => self.turn(RecipientStatus::Deferred, Some(&said)),
            (Kind::Rejected, Some(said)) => self.turn(RecipientStatus::Refused, Some(&said)),
            _ => self.turn(RecipientStatus::Skipped, None),
        }
        self.outcome = TransactionOutcome::Failed(failure);
        self
    }

    /// It failed before the content was judged.
    pub(super) fn failed(mut self, failure: Failure) -> Self {
        self.handed_over = false;
        self.turn(RecipientStatus::Skipped, None);
        self.outcome = TransactionOutcome::Failed(failure);
        self
    }
}

/// Whether a failure is the server's own no, which leaves nothing open.
pub(super) fn refuses(failure: &Failure) -> bool {
    let by_reply = matches!(failure.kind, Kind::Deferred | Kind::Rejected | Kind::Auth | Kind::Missing);
    by_reply && failure.reply.is_some()
}

/// The same failure as one that leaves open whether the message was delivered.
pub(super) fn unknown(stage: Stage, cause: Failure) -> Failure {
    let message = format!("{}; the message was handed over and may have been delivered", cause.message);
    let mut failure = Failure::new(Kind::Unknown, stage, message)
        .scoped(Scope::Message)
        .hint("look for its Message-ID at the recipient before sending it again");
    (failure.reply, failure.place) = (cause.reply, cause.place);
    failure
}
