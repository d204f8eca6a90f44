//! One mail transaction: MAIL, every RCPT, and the content if the recipients' fates allow it.
//!
//! Invariants: every reply is read; with several recipients no content goes out under
//! [`OnRejected::Abort`] before every RCPT was answered; after the final dot may have left
//! ([`Delivery::handed_over`]) there is a verdict only by a whole reply.

use super::opening::Ready;
use super::recipients::Data;
use crate::codec::smtp::reply::Class;
use crate::codec::smtp::{Command, MailCommand, RcptCommand, Reply};
use crate::words::{Failure, Kind, ServerReply};
use std::io::Read;

/// What to do with the others when a recipient is not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnRejected {
    /// Nobody gets the message.
    #[default]
    Abort,
    /// The others get it.
    Send,
}

/// What is to be sent to whom; the content comes beside it.
#[derive(Clone, Copy, Debug)]
pub struct Transaction<'a> {
    /// The sender, and what is declared about the message.
    pub mail: &'a MailCommand,
    /// The recipients, at least one.
    pub recipients: &'a [RcptCommand],
    /// What to do when one is not taken.
    pub on_rejected: OnRejected,
}

/// How it stands with one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FateStatus {
    /// The server took the message for it (before the content was sent: it takes the recipient).
    Accepted,
    /// Refused for good.
    Refused,
    /// Not now.
    Deferred,
    /// Taken at RCPT but the message was withheld, or never tried.
    Skipped,
    /// One too many for this transaction (`RFC 5321 §4.5.3.1.10`): it belongs into the next.
    TooMany,
    /// The message was handed over for it, and the verdict never came.
    Unknown,
}

/// One recipient's fate.
#[derive(Clone, Debug)]
pub struct Fate {
    /// How it stands.
    pub status: FateStatus,
    /// What the server said that decided it.
    pub said: Option<Said>,
    /// The failure, where the recipient itself was refused or deferred.
    pub failure: Option<Failure>,
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The reply.
    pub reply: ServerReply,
    /// Its text alone, without codes, on one line.
    pub text: String,
}

/// How a transaction ended for the message as a whole.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The server has taken the message for every recipient whose fate says so.
    Accepted(Said),
    /// Nothing was sent because of recipients that were not taken: their fates say why.
    Withheld,
    /// The message was refused, the session failed, or the outcome is [`Kind::Unknown`].
    Failed(Failure),
}

/// What became of a transaction.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// One fate for each recipient, in their order.
    pub fates: Vec<Fate>,
    /// How it ended for the message.
    pub outcome: Outcome,
    /// Whether the final dot may have left.
    pub handed_over: bool,
}

impl Said {
    /// The text is that of every line, without the code and the enhanced code before it.
    pub fn of(reply: ServerReply) -> Self {
        let bare = |line: &String| {
            let text = line.get(4..).unwrap_or_default();
            let enhanced = reply.enhanced.as_deref().unwrap_or_default();
            text.strip_prefix(enhanced).unwrap_or(text).trim().to_owned()
        };
        let texts: Vec<String> = reply.lines.iter().map(bare).filter(|text| !text.is_empty()).collect();
        Said { text: texts.join(" "), reply }
    }
}

impl Fate {
    fn untried() -> Self {
        Fate { status: FateStatus::Skipped, said: None, failure: None }
    }
}

impl Ready {
    /// Sends a message: its content has CRLF line ends and is not dot-stuffed. `progress` gets the octets
    /// of content as they go out.
    pub fn send(
        &mut self,
        transaction: &Transaction<'_>,
        content: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> Delivery {
        let mut delivery = Delivery::begin(transaction);
        // One DATA in the same flight is safe where no accepted recipient could be left with an empty
        // message: if there is only one, or the others get it anyway (RFC 2920 §3.1).
        let safe = transaction.recipients.len() == 1 || transaction.on_rejected == OnRejected::Send;
        let early = if safe { Data::Along } else { Data::Apart };
        let data = match self.envelope(transaction, &mut delivery.fates, early) {
            Ok(data) => data,
            Err(failure) => return delivery.failed(failure),
        };
        if !go_on(&delivery.fates, transaction.on_rejected) {
            self.withdraw(data);
            return delivery.withheld();
        }
        let data = match data.map_or_else(|| self.dialogue.exchange(&Command::Data, "DATA"), Ok) {
            Ok(reply) => reply,
            Err(failure) => return delivery.failed(failure),
        };
        if let Err(failure) = self.may_send(&data) {
            return delivery.judged(failure);
        }
        match self.content(content, progress, &mut delivery.handed_over) {
            Ok(said) => delivery.accepted(said),
            Err(failure) => delivery.judged(failure),
        }
    }

    /// Goes as far as the recipients' acceptance, then takes everything back: nothing is sent.
    pub fn check(&mut self, transaction: &Transaction<'_>) -> Delivery {
        let mut delivery = Delivery::begin(transaction);
        match self.envelope(transaction, &mut delivery.fates, Data::Apart) {
            Ok(_) => self.withdraw(None),
            Err(failure) => return delivery.failed(failure),
        }
        delivery.outcome = Outcome::Withheld;
        delivery
    }

    /// Asks whether `from` may send, then takes it back (for a test of the account).
    pub fn check_sender(&mut self, mail: &MailCommand) -> Result<ServerReply, Failure> {
        self.reset()?;
        let stage = "MAIL FROM";
        let reply = self.dialogue.exchange(&Command::Mail(mail.clone()), stage)?;
        let reply = self.dialogue.expect_success(reply, stage, Kind::Rejected)?;
        self.dirty = true;
        self.withdraw(None);
        Ok(self.dialogue.said(&reply))
    }

    /// Takes back a transaction that was begun. `data`: the reply to a DATA that went along.
    fn withdraw(&mut self, data: Option<Reply>) {
        if data.is_some_and(|reply| reply.class() == Class::Intermediate) {
            // The server waits for content although it took no recipient: an empty message ends the wait
            // and reaches nobody (RFC 2920 §3.1).
            let ended = self.dialogue.wire.data(b".\r\n").is_ok();
            if !ended || self.dialogue.flush("DATA").is_err() || self.dialogue.reply("DATA").is_err() {
                self.dialogue.wire.mark_broken();
                return;
            }
        }
        // If even this fails the session is broken, and the wire knows.
        let _ = self.reset();
    }

    /// Clears what is left of an earlier transaction.
    pub(super) fn reset(&mut self) -> Result<(), Failure> {
        if !self.dirty || self.is_over() {
            return Ok(());
        }
        let reply = self.dialogue.exchange(&Command::Rset, "RSET")?;
        self.dialogue.expect_success(reply, "RSET", Kind::Rejected)?;
        self.dirty = false;
        Ok(())
    }

    /// Passes on a 354; other replies to DATA are failures.
    fn may_send(&mut self, reply: &Reply) -> Result<(), Failure> {
        match reply.class() {
            Class::Intermediate if reply.code() == 354 => Ok(()),
            Class::Transient => Err(self.dialogue.refused(Kind::Deferred, "DATA", reply)),
            Class::Permanent => Err(self.dialogue.refused(Kind::Rejected, "DATA", reply)),
            _ => Err(self.dialogue.nonsense("DATA", reply)),
        }
    }

    /// What a reply said.
    pub(super) fn said(&self, reply: &Reply) -> Said {
        Said::of(self.dialogue.said(reply))
    }
}

/// Whether the content may be sent, as the recipients' fates stand.
pub(super) fn go_on(fates: &[Fate], on_rejected: OnRejected) -> bool {
    let any = |status: FateStatus| fates.iter().any(|fate| fate.status == status);
    let fine = on_rejected == OnRejected::Send || !(any(FateStatus::Refused) || any(FateStatus::Deferred));
    fine && any(FateStatus::Accepted)
}

impl Delivery {
    fn begin(transaction: &Transaction<'_>) -> Self {
        let fates = transaction.recipients.iter().map(|_| Fate::untried()).collect();
        Delivery { fates, outcome: Outcome::Withheld, handed_over: false }
    }

    /// Moves the recipients that were taken to another status.
    fn turn(&mut self, status: FateStatus, said: Option<&Said>) {
        for fate in self.fates.iter_mut().filter(|fate| fate.status == FateStatus::Accepted) {
            fate.status = status;
            if let Some(said) = said {
                fate.said = Some(said.clone());
            }
        }
    }

    fn accepted(mut self, said: Said) -> Self {
        self.outcome = Outcome::Accepted(said);
        self
    }

    fn withheld(mut self) -> Self {
        self.turn(FateStatus::Skipped, None);
        self.outcome = Outcome::Withheld;
        self
    }

    /// It failed at the content: where the server judged it, the verdict is every recipient's.
    fn judged(mut self, failure: Failure) -> Self {
        let said = failure.reply.as_deref().cloned().map(Said::of);
        match (failure.kind, said) {
            (Kind::Unknown, _) => self.turn(FateStatus::Unknown, None),
            (Kind::Deferred, Some(said)) => self.turn(FateStatus::Deferred, Some(&said)),
            (Kind::Rejected, Some(said)) => self.turn(FateStatus::Refused, Some(&said)),
            _ => self.turn(FateStatus::Skipped, None),
        }
        self.outcome = Outcome::Failed(failure);
        self
    }

    /// It failed before the content.
    fn failed(mut self, failure: Failure) -> Self {
        self.turn(FateStatus::Skipped, None);
        self.outcome = Outcome::Failed(failure);
        self
    }
}
