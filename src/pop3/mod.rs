//! Layer 4: POP3 sessions (`RFC 1939`), linear blocking code over one [`Wire`].
//!
//! The states are types: [`Authorization`] (greeting, CAPA, STLS, login) turns into [`Transaction`]
//! (UIDL, LIST, TOP, RETR, DELE), which ends in QUIT. Commands are pipelined only where the server
//! announces it (`RFC 2449 §6.6`); what rides behind the login is in `riding`. After an error in the dialogue nothing more is sent, no QUIT either:
//! what was marked deleted stays on the server, and the next run goes on from there.

mod authorization;
mod login;
mod maildrop;
mod retrieval;
mod riding;
mod transaction;

pub use authorization::Authorization;
pub use login::{Method, Pop3Login};
pub use retrieval::What;
pub use transaction::{Listings, Transaction};

use crate::codec::dot::LineEnd;
use crate::codec::pop3::{self, Capabilities, Refusal, StatusLine};
use crate::net::{NetError, Wire};
use crate::words::{Failure, Kind, Secret, Stage};
use std::time::Duration;

/// What both states share: the wire, and what is known of the server.
#[derive(Debug)]
struct Connection {
    wire: Wire,
    capabilities: Capabilities,
    /// Commands sent whose replies are not read yet.
    in_flight: usize,
    /// Whether the lines of messages end in a bare LF, though those of replies do not.
    bare_lines: bool,
    /// The longest that the server took to answer CAPA.
    round_trip: Duration,
}

/// A status line, taken from the wire.
#[derive(Debug)]
enum Answer {
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

    /// Adds a command that holds a secret to the next flight.
    fn secret_command(&mut self, stage: Stage, line: &Secret, shown: &str) -> Result<(), Failure> {
        self.expect_silence(stage)?;
        self.wire.secret_line(line, shown).map_err(|error| self.lost(stage, &error))?;
        self.in_flight += 1;
        Ok(())
    }

    /// Where every command is answered the server has nothing to say: what it sends all the same would be
    /// taken for the answer to the next one, and that answer for a message.
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
        let message = format!("{next}: the server sent what nobody asked for: {}", shorten(&reply.lines[0]));
        Err(Failure::new(Kind::Protocol, next, message).at(place).with_reply(reply))
    }

    fn flush(&mut self, stage: Stage) -> Result<(), Failure> {
        self.wire.flush().map_err(|error| self.lost(stage, &error))
    }

    /// Reads the next status line, and how it ended.
    fn answer(&mut self, stage: Stage) -> Result<(Answer, LineEnd), Failure> {
        /// Blank lines before a reply that are passed over: some servers send one.
        const MOST_BLANK: usize = 4;
        self.wire.begin();
        let mut read = || self.wire.read_line(pop3::MAX_STATUS);
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
            StatusLine::Ok(text) => Answer::Ok(text.to_vec()),
            StatusLine::Err(text) => Answer::Err(text.to_vec()),
            StatusLine::Continue(challenge) => Answer::Continue(challenge.to_vec()),
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
            Answer::Ok(text) => Ok(text),
            Answer::Err(text) => Err(self.refused(stage, &text)),
            Answer::Continue(text) => Err(self.out_of_step(stage, &[b"+ ", text.as_slice()].concat())),
        }
    }

    /// Reads the lines of a multi-line reply up to its terminator, `most` of them; over-long ones are passed on as `None`.
    fn lines(
        &mut self,
        stage: Stage,
        most: usize,
        mut each: impl FnMut(Option<&[u8]>),
    ) -> Result<(), Failure> {
        /// Octets of one row that are passed over before the server is taken for hostile.
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

    /// A failure of the network.
    fn lost(&self, stage: Stage, error: &NetError) -> Failure {
        error.failure(self.wire.place(), stage)
    }

    /// The server said something that is no reply.
    fn out_of_step(&mut self, stage: Stage, line: &[u8]) -> Failure {
        self.wire.mark_broken();
        let reply = self.wire.reply(None, None, &[line]);
        let place = self.wire.place();
        let message = format!("{stage}: the server sent what is no POP3 reply: {}", shorten(&reply.lines[0]));
        Failure::new(Kind::Protocol, stage, message).at(place).with_reply(reply)
    }

    /// The server's replies come in another order than the commands went.
    fn out_of_order(&mut self, stage: Stage) -> Failure {
        self.wire.mark_broken();
        let message = format!("{stage}: the server answered another command than the one whose turn it was");
        Failure::new(Kind::Protocol, stage, message).at(self.wire.place())
    }

    /// The server refused: the class by its response code, then by its words.
    fn refused(&self, stage: Stage, text: &[u8]) -> Failure {
        let kind = match pop3::refusal(text) {
            Refusal::Temporary => Kind::Deferred,
            Refusal::Permanent | Refusal::Unsaid => Kind::Rejected,
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

/// The most characters of a server's line that go into a message for people.
const SHOWN: usize = 200;

fn shorten(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain("…".chars()).collect()
}
