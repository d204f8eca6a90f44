//! MAIL and every RCPT, in one flight where the server announces PIPELINING (`RFC 2920`).

use super::opening::Ready;
use super::transaction::{Fate, FateStatus, Transaction, go_on};
use crate::codec::smtp::reply::Class;
use crate::codec::smtp::{Command, RcptCommand, Reply};
use crate::words::{Failure, Kind, Scope};

/// How many commands may be on the way without an answer? Their replies must fit into the buffers of both
/// systems, or each side waits for the other to read (`RFC 2920 §3.1`).
const FLIGHT: usize = 100;

/// Whether DATA goes along with the envelope.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    /// In the same flight, where the server pipelines.
    Along,
    /// Not before every recipient was answered, if at all.
    Apart,
}

/// One command of the envelope.
#[derive(Clone, Copy)]
enum Step {
    Mail,
    Rcpt(usize),
    Data,
}

impl Step {
    fn stage(self) -> &'static str {
        match self {
            Step::Mail => "MAIL FROM",
            Step::Rcpt(_) => "RCPT TO",
            Step::Data => "DATA",
        }
    }
}

impl Ready {
    /// Sends MAIL and every RCPT, and DATA as `asked`. Fills the fates; the reply to DATA is returned if it was sent. An error is one of MAIL
    /// or of the session.
    pub(super) fn envelope(
        &mut self,
        transaction: &Transaction<'_>,
        fates: &mut [Fate],
        asked: Data,
    ) -> Result<Option<Reply>, Failure> {
        self.reset()?;
        let pipelining = self.extensions.pipelining;
        let mut steps = vec![Step::Mail];
        steps.extend((0..transaction.recipients.len()).map(Step::Rcpt));
        if asked == Data::Along && pipelining {
            steps.push(Step::Data);
        }
        let mut data = None;
        for flight in steps.chunks(if pipelining { FLIGHT } else { 1 }) {
            for step in flight {
                let command = match *step {
                    Step::Mail => Command::Mail(transaction.mail.clone()),
                    Step::Rcpt(index) => Command::Rcpt(transaction.recipients[index].clone()),
                    Step::Data => Command::Data,
                };
                self.dialogue.queue(&command, step.stage())?;
            }
            let first = flight.first().map_or("MAIL FROM", |step| step.stage());
            self.dialogue.flush(first)?;
            self.dirty = true;
            data = self.answers(flight, transaction, fates)?;
        }
        Ok(data)
    }

    /// Reads every reply of one flight; returns the one to DATA. A refused MAIL is an error once all is
    /// read, and what a server that then closes leaves unsaid changes nothing about it.
    fn answers(
        &mut self,
        flight: &[Step],
        transaction: &Transaction<'_>,
        fates: &mut [Fate],
    ) -> Result<Option<Reply>, Failure> {
        let (mut refused, mut data) = (None, None);
        for step in flight {
            match *step {
                Step::Mail => refused = self.mail_answer()?,
                // After a refused MAIL these are refused for the order of things, not for themselves.
                Step::Rcpt(_) | Step::Data if refused.is_some() => {
                    match self.dialogue.reply(step.stage()) {
                        // The server waits for content, and there is no way back from that.
                        Ok(reply) if reply.class() == Class::Intermediate => self.dialogue.wire.mark_broken(),
                        Ok(_) => {}
                        Err(_) => break,
                    }
                }
                Step::Rcpt(index) => self.rcpt_answer(&transaction.recipients[index], fates, index)?,
                Step::Data => match self.dialogue.reply(step.stage()) {
                    Ok(reply) => data = Some(reply),
                    Err(_) if !go_on(fates, transaction.on_rejected) => {}
                    Err(failure) => return Err(failure),
                },
            }
        }
        refused.map_or(Ok(data), Err)
    }

    /// Reads the reply to MAIL. A refusal is returned, so that the rest of the flight is still read.
    fn mail_answer(&mut self) -> Result<Option<Failure>, Failure> {
        let stage = Step::Mail.stage();
        let reply = self.dialogue.reply(stage)?;
        match reply.class() {
            Class::Success => Ok(None),
            Class::Intermediate => Err(self.dialogue.nonsense(stage, &reply)),
            Class::Transient => Ok(Some(self.dialogue.refused(Kind::Deferred, stage, &reply))),
            Class::Permanent => {
                let failure = self.dialogue.refused(Kind::Rejected, stage, &reply);
                Ok(Some(hint_at_login(failure, &reply, self.mechanism.is_some())))
            }
        }
        .map(|failure| failure.map(|failure| failure.scoped(Scope::Message)))
    }

    /// Reads the reply to one RCPT into its fate.
    fn rcpt_answer(
        &mut self,
        recipient: &RcptCommand,
        fates: &mut [Fate],
        index: usize,
    ) -> Result<(), Failure> {
        let stage = Step::Rcpt(index).stage();
        let reply = match self.dialogue.reply(stage) {
            Ok(reply) => reply,
            Err(failure) => {
                // The server spoke about this recipient before it closed the session (421).
                if failure.kind == Kind::Deferred {
                    fates[index].status = FateStatus::Deferred;
                }
                return Err(failure);
            }
        };
        let others = fates[..index].iter().any(|fate| fate.status == FateStatus::Accepted);
        let (status, kind) = match reply.class() {
            Class::Success => (FateStatus::Accepted, None),
            Class::Intermediate => return Err(self.dialogue.nonsense(stage, &reply)),
            _ if others && is_too_many(&reply) => (FateStatus::TooMany, None),
            Class::Transient => (FateStatus::Deferred, Some(Kind::Deferred)),
            Class::Permanent => (FateStatus::Refused, Some(Kind::Recipient)),
        };
        let failure = kind.map(|kind| {
            let mut failure = self.dialogue.refused(kind, stage, &reply).scoped(Scope::Recipient);
            failure.message =
                failure.message.replacen("RCPT TO: ", &format!("RCPT TO:<{}>: ", recipient.to), 1);
            hint_at_login(failure, &reply, self.mechanism.is_some())
        });
        fates[index] = Fate { status, said: Some(self.said(&reply)), failure };
        Ok(())
    }
}

/// Whether a RCPT was refused only because the transaction is full (`RFC 5321 §4.5.3.1.10`: 452, and 552
/// from before; enhanced X.5.3).
fn is_too_many(reply: &Reply) -> bool {
    let worded = || {
        let text = String::from_utf8_lossy(&reply.text()).to_ascii_lowercase();
        text.contains("too many recipients") || text.contains("too many rcpt")
    };
    let enhanced = reply.enhanced().is_some_and(|enhanced| enhanced.ends_with(".5.3"));
    matches!(reply.code(), 451 | 452 | 552) && (enhanced || worded())
}

/// A server that wants a login says so at MAIL or RCPT (`RFC 4954 §6`: 530).
fn hint_at_login(failure: Failure, reply: &Reply, logged_in: bool) -> Failure {
    if reply.code() == 530 && !logged_in {
        return failure.hint("the server wants a login: name a user and a secret");
    }
    failure
}
