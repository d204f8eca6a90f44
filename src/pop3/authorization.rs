//! The AUTHORIZATION state (`RFC 1939 §4`): greeting, CAPA, STLS.

use super::{Answer, Connection};
use crate::codec::pop3::{self, Capabilities, Refusal, StatusLine};
use crate::net::{NetError, Tls, TlsInfo, Wire};
use crate::words::{Failure, Kind, Stage};
use std::time::{Duration, Instant};

/// A session whose user is not known yet.
#[derive(Debug)]
pub struct Authorization {
    pub(super) dialogue: Connection,
    pub(super) timestamp: Option<String>,
    greeting: String,
    /// Whether the login goes out alone, whatever the server announces.
    pub(super) alone: bool,
}

impl Authorization {
    /// Takes the greeting. A `-ERR` that names no reason is taken for a passing one ([`Kind::Deferred`]).
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
                    Refusal::Temporary | Refusal::Unsaid => Kind::Deferred,
                };
                Err(dialogue.refused_as(kind, Stage::Greeting, text))
            }
            _ => {
                let failure = dialogue.out_of_step(Stage::Greeting, &text);
                Err(failure
                    .hint("the port may speak another protocol: POP3 has 995 (pop3s://) and 110 (pop3://)"))
            }
        }
    }

    /// The greeting as it came, lossily.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// What the server can do, as far as it said.
    pub fn capabilities(&self) -> &Capabilities {
        &self.dialogue.capabilities
    }

    /// What TLS agreed on, if it is up.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.dialogue.wire.tls()
    }

    /// Uses no pipelining from now on, whatever the server announces.
    pub fn without_pipelining(&mut self) {
        self.dialogue.capabilities.pipelining = false;
    }

    /// Sends nothing in one flight with what ends the login, whatever the server announces.
    pub fn nothing_behind_login(&mut self) {
        self.alone = true;
    }

    /// Asks what the server can do (`RFC 2449 §5`). A server that refuses is an old one: nothing is known
    /// of it, and that is no failure.
    pub fn capa(&mut self) -> Result<&Capabilities, Failure> {
        let dialogue = &mut self.dialogue;
        dialogue.capabilities = Capabilities::default();
        dialogue.command(Stage::Capa, "CAPA")?;
        dialogue.flush(Stage::Capa)?;
        let asked = Instant::now();
        let answer = dialogue.answer(Stage::Capa)?.0;
        dialogue.round_trip = dialogue.round_trip.max(asked.elapsed());
        match answer {
            Answer::Ok(_) => {
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
            Answer::Err(_) => {}
            Answer::Continue(text) => return Err(dialogue.out_of_step(Stage::Capa, &text)),
        }
        Ok(&self.dialogue.capabilities)
    }

    /// Upgrades to TLS (`RFC 2595 §4`). Anything but `+OK` ends the session: there is no way on in clear.
    /// What the server said before is forgotten.
    pub fn stls(&mut self, tls: &Tls, host: &str) -> Result<(), Failure> {
        let dialogue = &mut self.dialogue;
        if dialogue.capabilities.known && !dialogue.capabilities.stls {
            dialogue.wire.mark_broken();
            return Err(self.no_stls("the server does not offer STLS"));
        }
        self.ask_stls()?;
        // The timestamp stays: there is no second greeting, and APOP inside TLS answers the first.
        let dialogue = &mut self.dialogue;
        dialogue.capabilities = Capabilities::default();
        dialogue.wire.start_tls(tls, host).map_err(|error: NetError| dialogue.lost(Stage::Stls, &error))
    }

    /// Sends STLS and takes the consent; the handshake is what comes next on the wire.
    pub(crate) fn ask_stls(&mut self) -> Result<(), Failure> {
        let dialogue = &mut self.dialogue;
        dialogue.command(Stage::Stls, "STLS")?;
        dialogue.flush(Stage::Stls)?;
        match dialogue.answer(Stage::Stls)?.0 {
            Answer::Ok(_) => {}
            Answer::Err(text) => {
                let reply = dialogue
                    .refused_as(Kind::Missing, Stage::Stls, &text)
                    .reply
                    .map(|reply| *reply)
                    .unwrap_or_default();
                dialogue.wire.mark_broken();
                return Err(self.no_stls(&format!("the server refused STLS: {reply}")).with_reply(reply));
            }
            Answer::Continue(text) => return Err(dialogue.out_of_step(Stage::Stls, &text)),
        }
        Ok(())
    }

    /// The wire as it stands.
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
        // Nothing depends on it.
        let _ = self.dialogue.command(Stage::Quit, "QUIT").and_then(|()| self.dialogue.flush(Stage::Quit));
    }
}
