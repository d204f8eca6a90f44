//! Sends commands and reads replies over one wire; used by every state of a session.

use crate::codec::smtp::reply::{self, Class, ReplyError};
use crate::codec::smtp::{Assembler, Reply, SmtpCommand};
use crate::net::{NetError, Wire};
use crate::words::{Failure, Kind, Secret, ServerReply, Stage};
use std::time::Duration;

/// How long the server may take to reply to the final dot (`RFC 5321 §4.5.3.2.6`). Giving up sooner makes
/// duplicates.
pub const FINAL_REPLY: Duration = Duration::from_secs(600);

/// How long to read replies after a write failed. What the server sent before is there already.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The most blank lines before a reply.
const MOST_BLANK: usize = 8;

/// Why a reply could not be read.
enum UnreadReply {
    Lost(NetError),
    /// The malformed reply line, escaped for display.
    Garbled(ReplyError, String),
}

#[derive(Debug)]
pub(super) struct Dialogue {
    pub wire: Wire,
}

impl Dialogue {
    /// Adds a command to the next flight.
    pub fn queue(&mut self, command: &SmtpCommand, stage: Stage) -> Result<(), Failure> {
        let line = command.to_string();
        self.wire.command(&line).map_err(|error| self.lost(stage, &error))
    }

    /// Adds a line that has a secret in it to the next flight.
    pub fn queue_secret(&mut self, line: &Secret, shown: &str, stage: Stage) -> Result<(), Failure> {
        self.wire.secret_line(line, shown).map_err(|error| self.lost(stage, &error))
    }

    /// Sends the flight. If that fails, the failure has the server's reason, if there is one.
    pub fn flush(&mut self, stage: Stage) -> Result<(), Failure> {
        self.wire.flush().map_err(|error| self.write_failed(stage, &error))
    }

    /// Sends one command and reads its reply.
    pub fn exchange(&mut self, command: &SmtpCommand, stage: Stage) -> Result<Reply, Failure> {
        self.queue(command, stage)?;
        self.flush(stage)?;
        self.reply(stage)
    }

    /// Reads one reply. 421 is always a failure: the server closes the connection (`RFC 5321 §3.8`).
    pub fn reply(&mut self, stage: Stage) -> Result<Reply, Failure> {
        match self.reply_or_closing(stage)? {
            reply if reply.code() == 421 => Err(self.refused(Kind::Deferred, stage, &reply)),
            reply => Ok(reply),
        }
    }

    /// The same, but 421 is a reply that ends the session.
    pub fn reply_or_closing(&mut self, stage: Stage) -> Result<Reply, Failure> {
        self.reply_within(stage, reply::MAX_LINE)
    }

    /// The same, with lines of at most `most` octets.
    pub fn reply_within(&mut self, stage: Stage, most: usize) -> Result<Reply, Failure> {
        match self.reply_lines(most) {
            Ok(reply) => {
                if reply.code() == 421 {
                    self.wire.mark_broken();
                }
                Ok(reply)
            }
            Err(UnreadReply::Lost(error)) => Err(self.lost(stage, &error)),
            Err(UnreadReply::Garbled(error, line)) => {
                self.wire.mark_broken();
                let message = format!("{stage}: {error}: {line}");
                Err(Failure::new(Kind::Protocol, stage, message).at(self.wire.place()))
            }
        }
    }

    fn reply_lines(&mut self, most: usize) -> Result<Reply, UnreadReply> {
        let mut assembler = Assembler::new();
        let mut blank = 0;
        loop {
            let line = self.wire.read_line(most).map_err(UnreadReply::Lost)?;
            // Some servers send a blank line before a reply.
            if blank < MOST_BLANK && assembler.is_fresh() && self.wire.text(&line).trim_ascii().is_empty() {
                blank += 1;
                continue;
            }
            match assembler.push(self.wire.text(&line)) {
                Ok(None) => {}
                Ok(Some(reply)) => return Ok(reply),
                Err(error) => {
                    return Err(UnreadReply::Garbled(error, self.wire.redact(self.wire.text(&line))));
                }
            }
        }
    }

    /// The reply for a receipt or a failure, secrets redacted.
    pub fn redacted(&self, reply: &Reply) -> ServerReply {
        let lines: Vec<&[u8]> = reply.lines().collect();
        self.wire.reply(Some(reply.code()), reply.enhanced(), &lines)
    }

    /// The failure for a refusal.
    pub fn refused(&self, kind: Kind, stage: Stage, reply: &Reply) -> Failure {
        self.refused_at(kind, stage, &stage.to_string(), reply)
    }

    /// The same, with another text for what was tried.
    pub fn refused_at(&self, kind: Kind, stage: Stage, tried: &str, reply: &Reply) -> Failure {
        let reply = self.redacted(reply);
        let message = format!("{tried}: {reply}");
        Failure::new(kind, stage, message).at(self.wire.place()).with_reply(reply)
    }

    /// The failure for a reply of a class that makes no sense here: the dialogue is out of step.
    pub fn nonsense(&mut self, stage: Stage, reply: &Reply) -> Failure {
        self.wire.mark_broken();
        let reply = self.redacted(reply);
        let message = format!("{stage}: the server sent an unexpected reply: {reply}");
        Failure::new(Kind::Protocol, stage, message).at(self.wire.place()).with_reply(reply)
    }

    /// Returns a 2yz reply; 4yz is [`Kind::Deferred`], 5yz is `permanent`, 3yz breaks the protocol.
    pub fn expect_success(&mut self, reply: Reply, stage: Stage, permanent: Kind) -> Result<Reply, Failure> {
        match reply.class() {
            Class::Success => Ok(reply),
            Class::Transient => Err(self.refused(Kind::Deferred, stage, &reply)),
            Class::Permanent => Err(self.refused(permanent, stage, &reply)),
            Class::Intermediate => Err(self.nonsense(stage, &reply)),
        }
    }

    pub fn lost(&self, stage: Stage, error: &NetError) -> Failure {
        error.failure(self.wire.place(), stage)
    }

    /// The failure for a write that failed. If the server said why before it closed, that reply counts.
    pub fn write_failed(&mut self, stage: Stage, error: &NetError) -> Failure {
        match self.last_words(error) {
            Some(reply) if reply.class() == Class::Transient => self.refused(Kind::Deferred, stage, &reply),
            Some(reply) if reply.class() == Class::Permanent => self.refused(Kind::Rejected, stage, &reply),
            _ => self.lost(stage, error),
        }
    }

    fn last_words(&mut self, error: &NetError) -> Option<Reply> {
        if !self.listen(error) {
            return None;
        }
        let reply = self.reply_lines(reply::MAX_LINE).ok();
        self.wire.mark_broken();
        reply
    }

    /// Sends the flight. If the line is lost, replies that the server sent before can still be read.
    pub fn flush_and_listen(&mut self) {
        if let Err(error) = self.wire.flush() {
            self.listen(&error);
        }
    }

    /// After a failed write: whether there may be replies to read.
    fn listen(&mut self, error: &NetError) -> bool {
        let lost = matches!(error, NetError::Closed | NetError::Lost(_));
        if lost {
            self.wire.hear_out(LAST_WORDS);
        }
        lost
    }

    /// Sends QUIT and closes. The reply is not awaited: it changes nothing.
    pub fn quit(&mut self) {
        if !self.wire.is_broken() && self.queue(&SmtpCommand::Quit, Stage::Quit).is_ok() {
            let _ = self.wire.flush();
        }
        self.wire.mark_broken();
    }
}
