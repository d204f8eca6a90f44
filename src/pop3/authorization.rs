//! The AUTHORIZATION state (`RFC 1939 §4`): greeting, CAPA (`RFC 2449 §5`), STLS (`RFC 2595 §4`). The login is in
//! `login.rs`.

use super::{Connection, StatusAnswer};
use crate::codec::pop3::{self, Capabilities, Refusal, StatusLine};
use crate::net::{NetError, Tls, TlsInfo, Wire};
use crate::words::{Failure, Kind, Stage};
use std::time::{Duration, Instant};

/// A session before the login.
#[derive(Debug)]
pub struct Authorization {
    pub(super) dialogue: Connection,
    pub(super) timestamp: Option<String>,
    greeting: String,
    /// Whether nothing may be sent together with the login.
    pub(super) alone: bool,
}

/// The hint where a server turns somebody away for now.
pub(super) const LATER: &str = "the server is busy, or wants more time between two logins: try again later";

impl Authorization {
    /// Reads the greeting. A `-ERR` without a reason counts as temporary ([`Kind::Deferred`]).
    pub fn greet(wire: Wire) -> Result<Self, Failure> {
        let mut dialogue = Connection {
            wire,
            capabilities: Capabilities::default(),
            in_flight: 0,
            bare_lines: false,
            round_trip: Duration::ZERO,
        };
        dialogue.wire.begin();
        let line = dialogue
            .wire
            .read_line(pop3::MAX_STATUS)
            .map_err(|error| dialogue.lost(Stage::Greeting, &error))?;
        let text = dialogue.wire.text(&line).to_vec();
        match pop3::status(&text) {
            StatusLine::Ok(_) => {
                let timestamp = pop3::timestamp(&text).map(str::to_owned);
                let greeting = dialogue.wire.redact(&text);
                Ok(Authorization { dialogue, timestamp, greeting, alone: false })
            }
            StatusLine::Err(text) => {
                let kind = match pop3::refusal(text) {
                    Refusal::Permanent => Kind::Rejected,
                    Refusal::Credentials => Kind::Auth,
                    Refusal::Temporary | Refusal::Unstated => Kind::Deferred,
                };
                let failure = dialogue.refused_as(kind, Stage::Greeting, text);
                Err(if kind == Kind::Deferred { failure.hint(LATER) } else { failure })
            }
            _ => {
                let failure = dialogue.out_of_step(Stage::Greeting, &text);
                Err(failure
                    .hint("the port may speak another protocol: POP3 has 995 (pop3s://) and 110 (pop3://)"))
            }
        }
    }

    /// The greeting, with invalid UTF-8 replaced.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    pub fn capabilities(&self) -> &Capabilities {
        &self.dialogue.capabilities
    }

    pub fn tls(&self) -> Option<&TlsInfo> {
        self.dialogue.wire.tls()
    }

    /// Never pipelines, even if the server announces it.
    pub fn without_pipelining(&mut self) {
        self.dialogue.capabilities.pipelining = false;
    }

    /// Sends nothing together with the login, even if the server announces PIPELINING.
    pub fn login_alone(&mut self) {
        self.alone = true;
    }

    /// Asks for the capabilities (`RFC 2449 §5`). Old servers refuse; that is not a failure.
    pub fn capa(&mut self) -> Result<&Capabilities, Failure> {
        let dialogue = &mut self.dialogue;
        dialogue.capabilities = Capabilities::default();
        dialogue.command(Stage::Capa, "CAPA")?;
        dialogue.flush(Stage::Capa)?;
        let asked = Instant::now();
        let answer = dialogue.answer(Stage::Capa)?.0;
        dialogue.round_trip = dialogue.round_trip.max(asked.elapsed());
        match answer {
            StatusAnswer::Ok(_) => {
                let mut capabilities = Capabilities { known: true, ..Capabilities::default() };
                dialogue.lines(Stage::Capa, 16 * Capabilities::MAX_LINES, |line| {
                    if let Some(line) = line
                        && capabilities.lines.len() < Capabilities::MAX_LINES
                    {
                        capabilities.add(line);
                    }
                })?;
                dialogue.capabilities = capabilities;
            }
            StatusAnswer::Err(_) => {}
            StatusAnswer::Continue(text) => return Err(dialogue.out_of_step(Stage::Capa, &text)),
        }
        Ok(&self.dialogue.capabilities)
    }

    /// Starts TLS (`RFC 2595 §4`). Anything but `+OK` ends the session: it never goes on without TLS. The
    /// capabilities announced before TLS are forgotten.
    pub fn stls(&mut self, tls: &Tls, host: &str) -> Result<(), Failure> {
        let dialogue = &mut self.dialogue;
        if dialogue.capabilities.known && !dialogue.capabilities.stls {
            dialogue.wire.mark_broken();
            return Err(self.no_stls("the server does not offer STLS"));
        }
        self.ask_stls()?;
        // The timestamp is kept: there is no second greeting, and APOP under TLS uses the first.
        let dialogue = &mut self.dialogue;
        dialogue.capabilities = Capabilities::default();
        dialogue.wire.start_tls(tls, host).map_err(|error: NetError| dialogue.lost(Stage::Stls, &error))
    }

    /// Sends STLS and reads the reply; the handshake must follow.
    pub(crate) fn ask_stls(&mut self) -> Result<(), Failure> {
        let dialogue = &mut self.dialogue;
        dialogue.command(Stage::Stls, "STLS")?;
        dialogue.flush(Stage::Stls)?;
        match dialogue.answer(Stage::Stls)?.0 {
            StatusAnswer::Ok(_) => {}
            StatusAnswer::Err(text) => {
                let reply = dialogue
                    .refused_as(Kind::Missing, Stage::Stls, &text)
                    .reply
                    .map(|reply| *reply)
                    .unwrap_or_default();
                dialogue.wire.mark_broken();
                return Err(self.no_stls(&format!("the server refused STLS: {reply}")).with_reply(reply));
            }
            StatusAnswer::Continue(text) => return Err(dialogue.out_of_step(Stage::Stls, &text)),
        }
        Ok(())
    }

    pub(crate) fn into_wire(self) -> Wire {
        self.dialogue.wire
    }

    fn no_stls(&self, what: &str) -> Failure {
        let place = self.dialogue.wire.place();
        Failure::new(Kind::Missing, Stage::Stls, format!("STLS: {what}")).at(place).hint(
            "TLS is required; the server may have it on port 995 from the start (tls = \"implicit\", pop3s://)",
        )
    }

    /// Ends the session before a login.
    pub fn quit(mut self) {
        // Best effort: nothing depends on it.
        let _ = self.dialogue.command(Stage::Quit, "QUIT").and_then(|()| self.dialogue.flush(Stage::Quit));
    }
}
