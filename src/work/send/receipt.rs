//! The receipt: what became of a message, for every recipient.

use super::queue_id;
use crate::mail::Outgoing;
use crate::net::TlsInfo;
use crate::smtp::{OnRejected, RecipientResult, RecipientStatus, ServerAnswer};
use crate::words::{Exit, Failure, Kind};
use serde::Serialize;

/// What became of a message as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every recipient's server took it.
    Accepted,
    /// Some were taken, some not.
    Partial,
    /// Refused for good.
    Refused,
    /// Not now.
    Deferred,
    /// Handed over, and the verdict never came.
    Unknown,
    /// No server judged it.
    Failed,
    /// Nothing was to be sent.
    Skipped,
}

impl Status {
    /// Whether a recipient may still get the message.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Status::Skipped | Status::Deferred)
    }

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Status::Accepted => "accepted",
            Status::Partial => "partial",
            Status::Refused => "refused",
            Status::Deferred => "deferred",
            Status::Unknown => "unknown",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
        }
    }
}

/// What became of one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// The address.
    pub address: String,
    /// `accepted`, `refused`, `deferred`, `skipped`, `unknown`.
    pub status: Status,
    /// The code of the reply that decided it.
    pub code: Option<u16>,
    /// Its enhanced code.
    pub enhanced: Option<String>,
    /// Its text.
    pub text: Option<String>,
}

/// What TLS agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TlsUsed {
    /// `TLSv1.3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
}

impl From<&TlsInfo> for TlsUsed {
    fn from(info: &TlsInfo) -> Self {
        TlsUsed { version: info.version.clone(), cipher: info.cipher.clone() }
    }
}

/// The receipt, in the words of its JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// How it ended.
    pub status: Status,
    /// Without angles.
    pub message_id: Option<String>,
    /// The sender of the envelope; empty for the null sender.
    pub envelope_from: Option<String>,
    /// Every recipient, in the order in which they were named.
    pub recipients: Vec<Recipient>,
    /// The reply that decided about the message.
    pub reply: Option<String>,
    /// What the server calls it.
    pub queue_id: Option<String>,
    /// Octets, line ends as CRLF.
    pub size: Option<u64>,
    /// What TLS agreed on.
    pub tls: Option<TlsUsed>,
    /// The mechanism of the login.
    pub auth: Option<&'static str>,
    /// How many sessions were tried.
    pub attempts: u32,
    /// Milliseconds from the first connection to the verdict.
    pub elapsed_ms: u64,
}

impl Receipt {
    /// The receipt of a message that was not to be sent (`--skip-empty`).
    pub fn skipped() -> Self {
        Receipt {
            status: Status::Skipped,
            message_id: None,
            envelope_from: None,
            recipients: Vec::new(),
            reply: None,
            queue_id: None,
            size: None,
            tls: None,
            auth: None,
            attempts: 0,
            elapsed_ms: 0,
        }
    }

    /// A receipt for a message that was not tried yet.
    pub fn untried(outgoing: &Outgoing) -> Self {
        let envelope = &outgoing.envelope;
        Receipt {
            status: Status::Failed,
            message_id: Some(outgoing.message_id.clone()),
            envelope_from: Some(envelope.from.as_str().to_owned()),
            recipients: envelope.recipients.iter().map(|address| untried(address.to_string())).collect(),
            size: Some(outgoing.content.facts().octets),
            ..Receipt::skipped()
        }
    }

    /// Notes a recipient's fate.
    pub(super) fn settle(&mut self, index: usize, result: &RecipientResult) {
        let recipient = &mut self.recipients[index];
        if result.status == RecipientStatus::Skipped && result.answer.is_none() {
            // Nothing was heard: what an earlier session said stands.
            return;
        }
        recipient.status = match result.status {
            RecipientStatus::Accepted => Status::Accepted,
            RecipientStatus::Refused => Status::Refused,
            // What was too many for one transaction and never got another is for later.
            RecipientStatus::Deferred | RecipientStatus::TooMany => Status::Deferred,
            RecipientStatus::Skipped => Status::Skipped,
            RecipientStatus::Unknown => Status::Unknown,
        };
        if let Some(ServerAnswer { reply, text }) = &result.answer {
            recipient.code = reply.code;
            recipient.enhanced.clone_from(&reply.enhanced);
            recipient.text = Some(text.clone());
        }
    }

    /// Notes the reply that took the message.
    pub(super) fn taken(&mut self, said: &ServerAnswer) {
        self.reply = Some(said.reply.to_string());
        self.queue_id = queue_id::find(&said.text);
    }

    /// Whether a server has taken the message for anybody.
    pub fn was_taken(&self) -> bool {
        self.has(Status::Accepted)
    }

    /// How the message ended, from the exit code and the failure of the message itself.
    pub(super) fn status_for(&self, exit: Exit, failure: Option<&Failure>) -> Status {
        match (exit, failure.map(|failure| failure.kind)) {
            (Exit::Ok, _) => Status::Accepted,
            (Exit::Partial, _) => Status::Partial,
            (Exit::Unknown, _) => Status::Unknown,
            (Exit::Recipient | Exit::Unavailable, _) => Status::Refused,
            // A server judged it, and wanted a login.
            (Exit::NoPerm, None) if self.has(Status::Refused) => Status::Refused,
            (Exit::TempFail, None | Some(Kind::Deferred)) => Status::Deferred,
            // The last session failed, but an earlier one had judged it.
            (Exit::TempFail, _) if self.has(Status::Deferred) => Status::Deferred,
            _ => Status::Failed,
        }
    }

    pub(super) fn has(&self, status: Status) -> bool {
        self.recipients.iter().any(|recipient| recipient.status == status)
    }
}

fn untried(address: String) -> Recipient {
    Recipient { address, status: Status::Skipped, code: None, enhanced: None, text: None }
}

/// The exit code that recipients alone amount to, where none of them was taken.
pub(super) fn exit_of_recipients(receipt: &Receipt, on_rejected: OnRejected) -> Exit {
    let (refused, deferred) = (receipt.has(Status::Refused), receipt.has(Status::Deferred));
    match on_rejected {
        // One that will never be taken keeps all the others waiting.
        OnRejected::Abort if refused => Exit::Recipient,
        OnRejected::Abort => Exit::TempFail,
        OnRejected::Send if deferred => Exit::TempFail,
        OnRejected::Send => Exit::Recipient,
    }
}
