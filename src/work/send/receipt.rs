//! The receipt: the result of sending a message, for every recipient.

use super::queue_id;
use crate::mail::Outgoing;
use crate::net::TlsInfo;
use crate::smtp::{OnRejected, RecipientResult, RecipientStatus, ServerAnswer};
use crate::words::{Exit, Failure, Kind};
use serde::Serialize;

/// The result for the message as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Accepted for every recipient.
    Accepted,
    /// Accepted for some recipients, not for others.
    Partial,
    /// Refused permanently.
    Refused,
    /// Refused temporarily.
    Deferred,
    /// The content was sent, and no reply came.
    Unknown,
    /// No server has accepted or refused it.
    Failed,
    /// There was nothing to send.
    Skipped,
}

impl DeliveryStatus {
    /// Whether a recipient may still get the message.
    pub(super) fn is_open(self) -> bool {
        matches!(self, DeliveryStatus::Skipped | DeliveryStatus::Deferred)
    }

    /// The name in the JSON, which is stable.
    pub fn name(self) -> &'static str {
        match self {
            DeliveryStatus::Accepted => "accepted",
            DeliveryStatus::Partial => "partial",
            DeliveryStatus::Refused => "refused",
            DeliveryStatus::Deferred => "deferred",
            DeliveryStatus::Unknown => "unknown",
            DeliveryStatus::Failed => "failed",
            DeliveryStatus::Skipped => "skipped",
        }
    }
}

/// The result for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recipient {
    pub address: String,
    /// `accepted`, `refused`, `deferred`, `skipped`, `unknown`.
    pub status: DeliveryStatus,
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
    pub cipher: String,
}

impl From<&TlsInfo> for TlsUsed {
    fn from(info: &TlsInfo) -> Self {
        TlsUsed { version: info.version.clone(), cipher: info.cipher.clone() }
    }
}

/// The receipt, with the names of its JSON fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    pub status: DeliveryStatus,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// The sender of the envelope; empty for the null sender.
    pub envelope_from: Option<String>,
    /// Every recipient, in the order in which they were given.
    pub recipients: Vec<Recipient>,
    /// The reply that decided about the message.
    pub reply: Option<String>,
    /// The server's own name for the message.
    pub queue_id: Option<String>,
    /// The size in octets, with line ends as CRLF.
    pub size: Option<u64>,
    /// What TLS agreed on.
    pub tls: Option<TlsUsed>,
    /// The mechanism of AUTH.
    pub auth: Option<String>,
    /// The number of sessions.
    pub attempts: u32,
    /// Milliseconds from the first connection to the final reply.
    pub elapsed_ms: u64,
    /// Where `--save-copy` has put a copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_copy: Option<SavedCopy>,
}

/// Where the copy of a sent message is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SavedCopy {
    /// The file in a Maildir.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The mbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mbox: Option<String>,
    /// The path or mbox in base64, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// Where in the mbox its From_ line begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The folder of an IMAP server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// That folder's UIDVALIDITY, where the server tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uidvalidity: Option<u64>,
    /// The copy's UID there, where the server tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Whether it was there already, and nothing was filed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub already_there: bool,
    /// Whether the server files what is sent by itself, and nothing was filed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_server: bool,
}

impl SavedCopy {
    /// For people.
    pub fn describe(&self) -> String {
        match (&self.folder, self.path.as_ref().or(self.mbox.as_ref())) {
            (Some(folder), _) if self.already_there => {
                format!("the folder {folder} has the message already: no copy is filed")
            }
            _ if self.by_server => "the server files what is sent by itself: no copy is filed".into(),
            (Some(folder), _) => format!("a copy is in the folder {folder}"),
            (None, Some(path)) => format!("a copy is in {path}"),
            (None, None) => "a copy is stored".into(),
        }
    }
}

impl Receipt {
    /// The receipt of a message that was skipped (`--skip-empty`).
    pub fn skipped() -> Self {
        Receipt {
            status: DeliveryStatus::Skipped,
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
            saved_copy: None,
        }
    }

    /// The receipt of a message before the first attempt.
    pub fn untried(outgoing: &Outgoing) -> Self {
        let envelope = &outgoing.envelope;
        Receipt {
            status: DeliveryStatus::Failed,
            message_id: Some(outgoing.message_id.clone()),
            envelope_from: Some(envelope.from.as_str().to_owned()),
            recipients: envelope.recipients.iter().map(|address| untried(address.to_string())).collect(),
            size: Some(outgoing.content.facts().octets),
            ..Receipt::skipped()
        }
    }

    /// Records the result for a recipient.
    pub(super) fn settle(&mut self, index: usize, result: &RecipientResult) {
        let recipient = &mut self.recipients[index];
        if result.status == RecipientStatus::Skipped && result.answer.is_none() {
            // There was no reply: the result of an earlier session stays valid.
            return;
        }
        recipient.status = match result.status {
            RecipientStatus::Accepted => DeliveryStatus::Accepted,
            RecipientStatus::Refused => DeliveryStatus::Refused,
            // Too many recipients for one transaction, and there was no other: deferred.
            RecipientStatus::Deferred | RecipientStatus::TooMany => DeliveryStatus::Deferred,
            RecipientStatus::Skipped => DeliveryStatus::Skipped,
            RecipientStatus::Unknown => DeliveryStatus::Unknown,
        };
        if let Some(ServerAnswer { reply, text }) = &result.answer {
            recipient.code = reply.code;
            recipient.enhanced.clone_from(&reply.enhanced);
            recipient.text = Some(text.clone());
        }
    }

    /// Records the reply that accepted the message.
    pub(super) fn taken(&mut self, said: &ServerAnswer) {
        self.reply = Some(said.reply.to_string());
        self.queue_id = queue_id::find(&said.text);
    }

    /// Whether a server has accepted the message for any recipient.
    pub fn was_taken(&self) -> bool {
        self.has(DeliveryStatus::Accepted)
    }

    /// Sets the status, from the exit code and the failure of the message itself.
    pub(super) fn status_for(&self, exit: Exit, failure: Option<&Failure>) -> DeliveryStatus {
        match (exit, failure.map(|failure| failure.kind())) {
            (Exit::Ok, _) => DeliveryStatus::Accepted,
            (Exit::Partial, _) => DeliveryStatus::Partial,
            (Exit::Unknown, _) => DeliveryStatus::Unknown,
            (Exit::Recipient | Exit::Unavailable, _) => DeliveryStatus::Refused,
            // A server refused it without a login.
            (Exit::NoPerm, None) if self.has(DeliveryStatus::Refused) => DeliveryStatus::Refused,
            (Exit::TempFail, None | Some(Kind::Deferred)) => DeliveryStatus::Deferred,
            // The last session failed, but an earlier one had a result.
            (Exit::TempFail, _) if self.has(DeliveryStatus::Deferred) => DeliveryStatus::Deferred,
            _ => DeliveryStatus::Failed,
        }
    }

    pub(super) fn has(&self, status: DeliveryStatus) -> bool {
        self.recipients.iter().any(|recipient| recipient.status == status)
    }
}

fn untried(address: String) -> Recipient {
    Recipient { address, status: DeliveryStatus::Skipped, code: None, enhanced: None, text: None }
}

/// The exit code from the results of the recipients, if none was accepted.
pub(super) fn exit_of_recipients(receipt: &Receipt, on_rejected: OnRejected) -> Exit {
    let (refused, deferred) = (receipt.has(DeliveryStatus::Refused), receipt.has(DeliveryStatus::Deferred));
    match on_rejected {
        // A permanently refused recipient means that the others do not get the message either.
        OnRejected::Abort if refused => Exit::Recipient,
        OnRejected::Abort => Exit::TempFail,
        OnRejected::Send if deferred => Exit::TempFail,
        OnRejected::Send => Exit::Recipient,
    }
}
