//! Layer 4: POP3 sessions (`RFC 1939`), linear blocking code over one [`Wire`].
//!
//! The states are types: [`Authorization`] (greeting, CAPA, STLS, login) becomes [`Transaction`] (UIDL, LIST,
//! TOP, RETR, DELE), which ends with QUIT (the UPDATE state). RSET and LAST are not used, NOOP only after a
//! pipelined RETR. Commands are pipelined only if the server announces it (`RFC 2449 §6.6`). After an error in
//! the dialogue nothing more is sent, not even QUIT: messages marked as deleted stay on the server, and the next
//! run deletes them.

mod authorization;
mod early;
mod login;
mod maildrop;
mod retrieval;
mod terminator;
mod transaction;

pub use authorization::Authorization;
pub use login::Pop3Login;
pub(crate) use login::Pop3Method;
pub use retrieval::What;
pub use transaction::Listings;
pub(crate) use transaction::Transaction;

use crate::codec::dot::LineEnd;
use crate::codec::pop3::{self, Capabilities, Refusal, StatusLine};
use crate::net::{NetError, Wire};
use crate::words::{Failure, Kind, Secret, Stage};
use std::time::Duration;

/// What both states share.
#[derive(Debug)]
struct Connection {
    wire: Wire,
    capabilities: Capabilities,
    /// How many replies are still to be read.
    in_flight: usize,
    /// Whether the lines of messages end in a bare LF, though those of replies end in CRLF.
    bare_lines: bool,
    /// The longest time the server took to answer CAPA.
    round_trip: Duration,
}

/// A status line.
#[derive(Debug)]
enum StatusAnswer {
    Ok(Vec<u8>),
    Err(Vec<u8>),
    Continue(Vec<u8>),
}

impl Connection {
    /// Adds a command to the next flight.
    fn command(&mut self, stage: Stage, command: &str) -> Result<(), Failure> {
        self.expect_silence(stage)?;
        self.wire.command(command).map_err(|error| self.lost(stage, &error))?;
        self.in_flight += 1;
        Ok(())
    }

    /// Adds a command that has a secret in it to the next flight.
    fn secret_command(&mut self, stage: Stage, line: &Secret, shown: &str) -> Result<(), Failure> {
        self.expect_silence(stage)?;
        self.wire.secret_line(line, shown).map_err(|error| self.lost(stage, &error))?;
        self.in_flight += 1;
        Ok(())
    }

    /// Fails if the server has sent something although every command is answered: it would be taken for the
    /// answer to the next command, and that answer for a message.
    fn expect_silence(&mut self, next: Stage) -> Result<(), Failure> {
        let blank = self.wire.ahead().iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        if self.in_flight > 0 || self.wire.ahead().is_empty() {
            return Ok(());
        }
        if blank == self.wire.ahead().len() {
            self.wire.consume(blank);
            return Ok(());
        }
        let ahead = self.wire.ahead();
        let end = memchr::memchr(b'\n', ahead).unwrap_or(ahead.len()).min(pop3::MAX_STATUS);
        let line = ahead[..end].trim_ascii().to_vec();
        self.wire.mark_broken();
        let reply = self.wire.reply(None, None, &[&line]);
        let place = self.wire.place();
        let message = format!("{next}: the server sent an unexpected line: {}", shorten(&reply.lines[0]));
        Err(Failure::new(Kind::Protocol, next, message).at(place).with_reply(reply))
    }

    fn flush(&mut self, stage: Stage) -> Result<(), Failure> {
        self.wire.flush().map_err(|error| self.lost(stage, &error))
    }

    /// Reads the next status line, and how it ended.
    fn answer(&mut self, stage: Stage) -> Result<(StatusAnswer, LineEnd), Failure> {
        self.answer_within(stage, pop3::MAX_STATUS)
    }

    /// The same for a line of at most `most` octets.
    fn answer_within(&mut self, stage: Stage, most: usize) -> Result<(StatusAnswer, LineEnd), Failure> {
        /// The most blank lines before a reply; some servers send one.
        const MOST_BLANK: usize = 4;
        self.wire.begin();
        let mut read = || self.wire.read_line(most);
        let mut line = read();
        for _ in 0..MOST_BLANK {
            if !line.as_ref().is_ok_and(|line| line.is_blank()) {
                break;
            }
            line = read();
        }
        let line = line.map_err(|error| self.lost(stage, &error))?;
        self.in_flight = self.in_flight.saturating_sub(1);
        let line_end = if line.crlf { LineEnd::CrLf } else { LineEnd::Lf };
        let text = self.wire.text(&line);
        let answer = match pop3::status(text) {
            StatusLine::Ok(text) => StatusAnswer::Ok(text.to_vec()),
            StatusLine::Err(text) => StatusAnswer::Err(text.to_vec()),
            StatusLine::Continue(challenge) => StatusAnswer::Continue(challenge.to_vec()),
            StatusLine::Other => {
                let text = text.to_vec();
                return Err(self.out_of_step(stage, &text));
            }
        };
        Ok((answer, line_end))
    }

    /// Reads a status line that must be `+OK`, and returns its text.
    fn expect_ok(&mut self, stage: Stage) -> Result<Vec<u8>, Failure> {
        match self.answer(stage)?.0 {
            StatusAnswer::Ok(text) => Ok(text),
            StatusAnswer::Err(text) => Err(self.refused(stage, &text)),
            StatusAnswer::Continue(text) => Err(self.out_of_step(stage, &[b"+ ", text.as_slice()].concat())),
        }
    }

    /// Reads the lines of a multi-line reply up to its terminator, at most `most`; `each` gets `None` for an
    /// over-long line.
    fn lines(
        &mut self,
        stage: Stage,
        most: usize,
        mut each: impl FnMut(Option<&[u8]>),
    ) -> Result<(), Failure> {
        /// The most octets of an over-long line; a server that sends more is taken for hostile.
        const MOST_SKIPPED: usize = 2 * 1024 * 1024;
        for _ in 0..=most {
            let row =
                self.wire.read_row(pop3::MAX_ROW, MOST_SKIPPED).map_err(|error| self.lost(stage, &error))?;
            match row.map(|line| self.wire.text(&line)) {
                Some(b".") => return Ok(()),
                line => each(line),
            }
        }
        self.wire.mark_broken();
        Err(self.lost(stage, &NetError::TooMuch(most)))
    }

    fn lost(&self, stage: Stage, error: &NetError) -> Failure {
        error.failure(self.wire.place(), stage)
    }

    /// The failure for a line that is not a reply.
    fn out_of_step(&mut self, stage: Stage, line: &[u8]) -> Failure {
        self.wire.mark_broken();
        let reply = self.wire.reply(None, None, &[line]);
        let place = self.wire.place();
        let message = format!("{stage}: the server's line is not a POP3 reply: {}", shorten(&reply.lines[0]));
        Failure::new(Kind::Protocol, stage, message).at(place).with_reply(reply)
    }

    /// The failure for replies in another order than the commands.
    fn out_of_order(&mut self, stage: Stage) -> Failure {
        self.wire.mark_broken();
        let message = format!("{stage}: the server's replies are out of order");
        Failure::new(Kind::Protocol, stage, message).at(self.wire.place())
    }

    /// The failure for a refusal; its kind follows from the response code, else from the words.
    fn refused(&self, stage: Stage, text: &[u8]) -> Failure {
        let kind = match pop3::refusal(text) {
            Refusal::Temporary => Kind::Deferred,
            Refusal::Permanent | Refusal::Unstated => Kind::Rejected,
            Refusal::Credentials => Kind::Auth,
        };
        self.refused_as(kind, stage, text)
    }

    fn refused_as(&self, kind: Kind, stage: Stage, text: &[u8]) -> Failure {
        let line = [b"-ERR ", text].concat();
        let reply = self.wire.reply(None, pop3::response_code(text), &[line.trim_ascii()]);
        let message = format!("{stage}: the server said: {}", shorten(&reply.lines[0]));
        Failure::new(kind, stage, message).at(self.wire.place()).with_reply(reply)
    }
}

/// The most characters of a server's line in a message.
const SHOWN: usize = 200;

fn shorten(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain("…".chars()).collect()
}
