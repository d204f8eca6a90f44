//! The not authenticated state (`RFC 3501 §3.1`): greeting, CAPABILITY, STARTTLS.

use super::{Connection, Step};
use crate::codec::imap::{Capabilities, Command, Condition, Response, Status};
use crate::net::{Tls, TlsInfo, Wire};
use crate::words::{Failure, Kind, Stage};

/// A session whose user is not known yet.
#[derive(Debug)]
pub struct NotAuthenticated {
    pub(super) connection: Connection,
    greeting: String,
}

impl NotAuthenticated {
    /// Takes the greeting (`RFC 3501 §7.1`). BYE that names no reason is taken for a passing one. PREAUTH is
    /// refused: the user whom the server has in mind is not the one of the account, and no TLS can follow
    /// (CVE-2020-28896, CVE-2021-39272).
    pub fn greet(wire: Wire) -> Result<Self, Failure> {
        const STAGE: Stage = Stage::Greeting;
        let mut connection = Connection::new(wire);
        connection.wire.begin();
        // A BYE is no surprise here.
        connection.leaving = true;
        let step = connection.step(STAGE).map_err(another_protocol)?;
        connection.leaving = false;
        let greeting = connection.wire.redact(connection.assembly.text());
        let condition = match connection.response(STAGE)? {
            Response::Untagged { condition, .. } if step == Step::Response => condition,
            _ => return Err(another_protocol(connection.out_of_turn(STAGE))),
        };
        match condition {
            Condition::Status(Status::Ok) => Ok(NotAuthenticated { connection, greeting }),
            Condition::Bye => {
                let failure = connection.refused_unless_said(STAGE, Kind::Deferred);
                connection.wire.mark_broken();
                Err(failure)
            }
            Condition::PreAuth => {
                connection.wire.mark_broken();
                let message = "greeting: the server says that somebody is logged in already (PREAUTH)";
                let failure = Failure::new(Kind::Protocol, STAGE, message).at(connection.wire.place());
                Err(failure.hint("postie logs in itself; a server that does not let it, or somebody between, is not to be trusted"))
            }
            Condition::Status(_) => Err(another_protocol(connection.out_of_turn(STAGE))),
        }
    }

    /// The greeting as it came, lossily.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// What TLS agreed on, if it is up.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.connection.wire.tls()
    }

    /// Asks what the server can do, unless it said so in its greeting (`RFC 3501 §6.1.1`).
    pub fn capability(&mut self) -> Result<&Capabilities, Failure> {
        self.connection.ask_capability()?;
        let capabilities = &self.connection.capabilities;
        if capabilities.imap4rev1 || capabilities.imap4rev2 {
            return Ok(capabilities);
        }
        self.connection.wire.mark_broken();
        let message = "CAPABILITY: the server has neither IMAP4rev1 nor IMAP4rev2";
        Err(Failure::new(Kind::Missing, Stage::Capability, message).at(self.connection.wire.place()))
    }

    /// Upgrades to TLS (`RFC 3501 §6.2.1`). Anything but OK ends the session: there is no way on in clear. What
    /// the server said before is forgotten.
    pub fn starttls(&mut self, tls: &Tls, host: &str) -> Result<(), Failure> {
        self.ask_starttls()?;
        let connection = &mut self.connection;
        connection.wire.start_tls(tls, host).map_err(|error| connection.lost(Stage::StartTls, &error))
    }

    /// Sends STARTTLS and takes the consent; the handshake is what comes next on the wire.
    pub(crate) fn ask_starttls(&mut self) -> Result<(), Failure> {
        const STAGE: Stage = Stage::StartTls;
        if !self.connection.capabilities.starttls {
            self.connection.wire.mark_broken();
            return Err(self.no_starttls("the server does not offer STARTTLS"));
        }
        let connection = &mut self.connection;
        let tag = connection.send(STAGE, &Command::starttls())?;
        if connection.complete(STAGE, tag, |_| {})? != Status::Ok {
            let reply = connection.refused(STAGE).reply.map(|reply| *reply).unwrap_or_default();
            connection.wire.mark_broken();
            return Err(self.no_starttls(&format!("the server refused STARTTLS: {reply}")).with_reply(reply));
        }
        connection.capabilities = Capabilities::default();
        connection.alerts.clear();
        Ok(())
    }

    /// The wire as it stands.
    pub(crate) fn into_wire(self) -> Wire {
        self.connection.wire
    }

    fn no_starttls(&self, what: &str) -> Failure {
        let place = self.connection.wire.place();
        Failure::new(Kind::Missing, Stage::StartTls, format!("STARTTLS: {what}")).at(place).hint(
            "TLS is required; the server may have it on port 993 from the start (tls = \"implicit\", imaps://)",
        )
    }
}

/// What greets otherwise is another server.
fn another_protocol(failure: Failure) -> Failure {
    match failure.kind() {
        Kind::Protocol => {
            failure.hint("the port may speak another protocol: IMAP has 993 (imaps://) and 143 (imap://)")
        }
        _ => failure,
    }
}

impl Connection {
    /// Asks what the server can do, unless that is known.
    pub(super) fn ask_capability(&mut self) -> Result<(), Failure> {
        if !self.capabilities.words.is_empty() {
            return Ok(());
        }
        let tag = self.send(Stage::Capability, &Command::capability())?;
        self.expect_ok(Stage::Capability, tag, |_| {})
    }

    /// Says good-bye. Nothing depends on it, so no answer is awaited.
    pub(super) fn logout(&mut self) {
        if self.wire.is_broken() {
            return;
        }
        self.leaving = true;
        // Nobody reads what else is on its way.
        self.ahead = None;
        let _ = self.send(Stage::Logout, &Command::logout());
    }
}
