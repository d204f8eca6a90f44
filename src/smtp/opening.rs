//! Opening a session (`RFC 5321 §3.1`, §3.2): greeting, EHLO, STARTTLS (`RFC 3207`), login.
//!
//! STARTTLS is never optional: if the server does not offer it, or refuses it, the session ends. The extensions
//! announced before TLS are forgotten (`RFC 3207 §4.2`).

use super::auth::{self, SmtpLogin};
use super::dialogue::Dialogue;
use super::name::ehlo_name;
use crate::codec::sasl::Mechanism;
use crate::codec::smtp::reply::Class;
use crate::codec::smtp::{EhloName, Extensions, SmtpCommand};
use crate::net::{Endpoint, Security, Tls, TlsInfo, Wire};
use crate::words::{Failure, Kind, Stage};

/// A session after the greeting, or after STARTTLS: EHLO comes next.
#[derive(Debug)]
pub struct Greeted {
    dialogue: Dialogue,
    banner: String,
}

/// A session after EHLO or HELO.
#[derive(Debug)]
pub struct Introduced {
    dialogue: Dialogue,
    extensions: Extensions,
}

/// A session ready for mail transactions.
#[derive(Debug)]
pub struct Ready {
    pub(super) dialogue: Dialogue,
    pub(super) extensions: Extensions,
    pub(super) mechanism: Option<Mechanism>,
    /// How many transactions were begun.
    pub(super) transactions: u64,
    /// The number of the one that may still be open on the server.
    pub(super) open: Option<u64>,
    /// Whether QUIT was sent.
    pub(super) leaving: bool,
}

/// What is needed to open a session.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    pub endpoint: &'a Endpoint,
    /// `None` only if the endpoint has no TLS.
    pub tls: Option<&'a Tls>,
    /// `None`: without AUTH.
    pub login: Option<&'a SmtpLogin>,
    /// The client's name for EHLO; `None`: that of this host.
    pub name: Option<&'a EhloName>,
}

/// Opens a session over a new wire.
///
/// Fails with the kinds of its steps: [`Greeted::greet`], [`Greeted::hello`], [`Introduced::start_tls`]
/// and [`Introduced::login`].
pub fn open(wire: Wire, opening: &Opening<'_>) -> Result<Ready, Failure> {
    let name = opening.name.cloned().unwrap_or_else(|| ehlo_name(wire.local_ip()));
    let mut introduced = Greeted::greet(wire)?.hello(&name)?;
    if opening.endpoint.security == Security::StartTls {
        let missing = || {
            Failure::new(Kind::Internal, Stage::StartTls, "STARTTLS: no TLS was prepared")
                .at(opening.endpoint.place())
        };
        let tls = opening.tls.ok_or_else(missing)?;
        introduced = introduced.start_tls(tls, &opening.endpoint.host)?.hello(&name)?;
    }
    match opening.login {
        Some(login) => introduced.login(login),
        None => Ok(introduced.without_login()),
    }
}

impl Greeted {
    /// Reads the greeting. Fails with [`Kind::Deferred`], [`Kind::Rejected`], [`Kind::Protocol`] and the
    /// kinds of the wire.
    pub fn greet(wire: Wire) -> Result<Self, Failure> {
        let mut dialogue = Dialogue { wire };
        let reply = dialogue.reply(Stage::Greeting).map_err(|failure| match failure.kind() {
            Kind::Protocol => failure.hint(
                "the port may speak another protocol: SMTP submission has 465 (smtps://) and 587 (smtp://)",
            ),
            _ => failure,
        })?;
        if reply.code() == 221 {
            // The server closes at once, most likely because it is busy.
            dialogue.wire.mark_broken();
            return Err(dialogue
                .refused(Kind::Deferred, Stage::Greeting, &reply)
                .hint("the server ended the session before it began; it may be busy, or want no more connections from here"));
        }
        let reply = match dialogue.expect_success(reply, Stage::Greeting, Kind::Rejected) {
            Ok(reply) => reply,
            Err(failure) if failure.kind() == Kind::Rejected => {
                let failure = failure.hint(
                    "the server takes no mail from here: this IP address may be on a block list, or the port may not be for submission",
                );
                return Err(bid_farewell(&mut dialogue, failure));
            }
            Err(failure) => return Err(bid_farewell(&mut dialogue, failure)),
        };
        let banner = dialogue.wire.redact(&reply.text());
        Ok(Greeted { dialogue, banner })
    }

    /// The text of the greeting.
    pub fn banner(&self) -> &str {
        &self.banner
    }

    pub fn tls(&self) -> Option<&TlsInfo> {
        self.dialogue.wire.tls()
    }

    /// Sends EHLO, or HELO if the server does not know EHLO. Fails with [`Kind::Deferred`], [`Kind::Rejected`],
    /// [`Kind::Protocol`] and the kinds of the wire.
    pub fn hello(mut self, name: &EhloName) -> Result<Introduced, Failure> {
        let reply = self.dialogue.exchange(&SmtpCommand::Ehlo(name.clone()), Stage::Ehlo)?;
        let extensions = match reply.class() {
            Class::Success => Extensions::parse(&reply),
            Class::Permanent => {
                let reply = self.dialogue.exchange(&SmtpCommand::Helo(name.clone()), Stage::Helo)?;
                match self.dialogue.expect_success(reply, Stage::Helo, Kind::Rejected) {
                    Ok(_) => Extensions::default(),
                    Err(failure) => return Err(bid_farewell(&mut self.dialogue, failure)),
                }
            }
            Class::Transient => {
                let failure = self.dialogue.refused(Kind::Deferred, Stage::Ehlo, &reply);
                return Err(bid_farewell(&mut self.dialogue, failure));
            }
            Class::Intermediate => return Err(self.dialogue.nonsense(Stage::Ehlo, &reply)),
        };
        Ok(Introduced { dialogue: self.dialogue, extensions })
    }
}

impl Introduced {
    /// What the server announced.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Starts TLS; EHLO must be sent again. Fails with [`Kind::Missing`] (not offered or refused),
    /// [`Kind::Deferred`] (not now), [`Kind::Protocol`] (octets injected before the handshake).
    pub fn start_tls(mut self, tls: &Tls, host: &str) -> Result<Greeted, Failure> {
        self.ask_start_tls()?;
        if let Err(error) = self.dialogue.wire.start_tls(tls, host) {
            return Err(self.dialogue.lost(Stage::StartTls, &error));
        }
        Ok(Greeted { dialogue: self.dialogue, banner: String::new() })
    }

    /// Sends STARTTLS and reads the reply; the handshake must follow.
    pub(crate) fn ask_start_tls(&mut self) -> Result<(), Failure> {
        let stage = Stage::StartTls;
        if !self.extensions.start_tls {
            let place = self.dialogue.wire.place();
            let message = format!("{stage}: the server does not offer it, so nothing was sent");
            let failure = Failure::new(Kind::Missing, stage, message).at(place).hint(
                "if the port has TLS from the start use tls = \"implicit\" (smtps:// in a URL); \
                 somebody on the way may also have removed the offer",
            );
            return Err(bid_farewell(&mut self.dialogue, failure));
        }
        let reply = self.dialogue.exchange(&SmtpCommand::StartTls, stage)?;
        if reply.code() != 220 {
            let failure = match self.dialogue.expect_success(reply.clone(), stage, Kind::Missing) {
                Ok(_) => self.dialogue.nonsense(stage, &reply),
                Err(failure) => failure,
            };
            return Err(bid_farewell(&mut self.dialogue, failure));
        }
        Ok(())
    }

    pub(crate) fn into_wire(self) -> Wire {
        self.dialogue.wire
    }

    /// Logs in, with one mechanism and one attempt. Fails with [`Kind::Auth`], [`Kind::Deferred`],
    /// [`Kind::Missing`] (no such mechanism), [`Kind::Config`] (a secret without TLS, control characters),
    /// [`Kind::Protocol`] and the kinds of the wire.
    pub fn login(mut self, login: &SmtpLogin) -> Result<Ready, Failure> {
        match auth::login(&mut self.dialogue, &self.extensions, login) {
            Ok(mechanism) => Ok(self.ready(Some(mechanism))),
            Err(failure) => Err(bid_farewell(&mut self.dialogue, failure)),
        }
    }

    pub fn without_login(self) -> Ready {
        self.ready(None)
    }

    fn ready(self, mechanism: Option<Mechanism>) -> Ready {
        let Introduced { dialogue, extensions, .. } = self;
        Ready { dialogue, extensions, mechanism, transactions: 0, open: None, leaving: false }
    }
}

impl Ready {
    /// What the server announced.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The mechanism of the login, if there was one.
    pub fn mechanism(&self) -> Option<Mechanism> {
        self.mechanism
    }

    /// What TLS agreed on, if the session is under TLS.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.dialogue.wire.tls()
    }

    /// The server's name in failures, `host:port`.
    pub fn place(&self) -> &str {
        self.dialogue.wire.place()
    }

    /// Whether the session can send no more mail.
    pub fn is_over(&self) -> bool {
        self.leaving || self.dialogue.wire.is_broken()
    }

    /// Uses DATA even if the server announces CHUNKING.
    pub fn forgo_chunking(&mut self) {
        self.extensions.chunking = false;
    }

    /// Queues QUIT after the last content ([`super::ContentHooks::after_content`]).
    pub fn say_quit(&mut self) {
        self.leaving = self.dialogue.queue(&SmtpCommand::Quit, Stage::Quit).is_ok();
    }

    /// Sends QUIT, unless it was sent, and closes without waiting for the reply.
    pub fn quit(mut self) {
        if !self.leaving {
            self.dialogue.quit();
        }
    }

    /// Closes without QUIT; unsent data is discarded.
    pub fn abandon(mut self) {
        self.dialogue.wire.mark_broken();
    }
}

/// Ends a session that failed, with QUIT if the dialogue is still in step.
fn bid_farewell(dialogue: &mut Dialogue, failure: Failure) -> Failure {
    dialogue.quit();
    failure
}
