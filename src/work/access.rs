//! Opens a POP3 session and logs in; also the logins of both protocols.

use crate::account::{AccountLogin, Auth, SecretSource, Server};
use crate::codec::sasl;
use crate::imap;
use crate::mailbox::Remedy;
use crate::net::{Endpoint, Limits, Security, Tap, Tls, dial};
use crate::pop3::{Authorization, Listings, Pop3Login, Pop3Method, Transaction};
use crate::smtp;
use crate::store::{Ledger, Trait};
use crate::words::{Failure, Kind, Stage};
use std::sync::Arc;

/// What is needed to open a session.
pub struct Access<'a> {
    pub endpoint: &'a Endpoint,
    /// `None` only if the endpoint has no TLS.
    pub tls: Option<&'a Tls>,
    pub login: Pop3Login,
    pub limits: &'a Limits,
    /// Makes a tap for each connection's transcript.
    pub tap: &'a dyn Fn() -> Option<Box<dyn Tap>>,
}

/// How to treat a server, by what it did before.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionMode {
    /// One command at a time: it announces PIPELINING, but fails with it.
    pub lock_step: bool,
    /// It ends the lines of messages in a bare LF, and those of replies in CRLF.
    pub bare_lines: bool,
    /// Nothing together with the login: it loses that, or is slow with it.
    pub login_alone: bool,
    /// A session of this run has just ended without QUIT: the server may not have noticed yet, and still lock the
    /// mailbox.
    pub again: bool,
    /// That session was abandoned while the server was perhaps at work: it may lock the mailbox until that is done.
    pub busy: bool,
}

impl SessionMode {
    /// What the ledger remembers about the server.
    pub fn remembered(ledger: &Ledger) -> SessionMode {
        let bare_lines = ledger.has_trait(Trait::BareLines);
        let lock_step = bare_lines || ledger.has_trait(Trait::BreaksPipelining);
        let login_alone = ledger.has_trait(Trait::LosesBehindLogin);
        SessionMode { lock_step, bare_lines, login_alone, ..SessionMode::default() }
    }

    /// The mode of the next session, to try this remedy; `None` if it was tried already.
    pub fn after(self, remedy: Remedy) -> Option<SessionMode> {
        let next = SessionMode { again: true, busy: false, ..self };
        match remedy {
            Remedy::LoginAlone => {
                (!self.login_alone).then_some(SessionMode { login_alone: true, busy: true, ..next })
            }
            Remedy::WithoutPipelining => (!self.lock_step).then_some(SessionMode { lock_step: true, ..next }),
            Remedy::WithBareLines => {
                (!self.bare_lines).then_some(SessionMode { lock_step: true, bare_lines: true, ..next })
            }
            Remedy::WithoutMessage | Remedy::Again => None,
        }
    }
}

/// Why a session could not be opened.
#[derive(Debug)]
pub struct NotOpened {
    pub failure: Failure,
    /// What may help: perhaps the server announces PIPELINING, but fails with it.
    pub remedy: Option<Remedy>,
}

impl From<Failure> for NotOpened {
    fn from(failure: Failure) -> Self {
        NotOpened { failure, remedy: None }
    }
}

impl From<NotOpened> for Failure {
    fn from(not_opened: NotOpened) -> Self {
        not_opened.failure
    }
}

impl Access<'_> {
    /// Opens a session, logs in and asks for `listings`. `mode` is called once the server is reached.
    pub fn open(
        &self,
        listings: Listings,
        mode: &mut dyn FnMut() -> SessionMode,
    ) -> Result<(Transaction, Pop3Method), NotOpened> {
        let mut authorization = match self.reach(true) {
            // A few old servers close the connection at CAPA, or never answer it.
            Err(failure)
                if failure.stage == Stage::Capa
                    && matches!(failure.kind(), Kind::Network | Kind::Timeout) =>
            {
                self.reach(false)?
            }
            other => other?,
        };
        let mode = mode();
        if mode.lock_step {
            authorization.without_pipelining();
        }
        if mode.login_alone {
            authorization.login_alone();
        }
        let pipelined = authorization.capabilities().pipelining;
        let known = authorization.capabilities().known;
        match authorization.login(&self.login, listings) {
            // Or they refuse CAPA and then close the connection.
            Err(failure) if !known && failure.stage == Stage::User && failure.kind() == Kind::Network => {
                Ok(self.reach(false)?.login(&self.login, listings)?)
            }
            Err(failure) => {
                let suspect = pipelined && breaks_a_flight(&failure);
                Err(NotOpened { remedy: suspect.then_some(Remedy::WithoutPipelining), failure })
            }
            Ok((mut transaction, method)) => {
                if mode.bare_lines {
                    transaction.expect_bare_lines();
                }
                Ok((transaction, method))
            }
        }
    }

    /// Connects, up to the point where a login may be sent.
    fn reach(&self, capa: bool) -> Result<Authorization, Failure> {
        let wire = dial(self.endpoint, self.tls, self.limits, (self.tap)())?;
        let mut authorization = Authorization::greet(wire)?;
        if capa {
            authorization.capa()?;
        }
        if self.endpoint.security == Security::StartTls {
            let missing = || {
                Failure::new(Kind::Internal, Stage::Stls, "STLS: no TLS was prepared")
                    .at(self.endpoint.place())
            };
            authorization.stls(self.tls.ok_or_else(missing)?, &self.endpoint.host)?;
            if capa {
                authorization.capa()?;
            }
        }
        Ok(authorization)
    }
}

/// Whether the login failed as with a server that takes the first command of a flight and loses the others, or hangs
/// up.
fn breaks_a_flight(failure: &Failure) -> bool {
    match failure.kind() {
        Kind::Protocol | Kind::Network => true,
        Kind::Timeout => matches!(failure.stage, Stage::User | Stage::Pass),
        _ => false,
    }
}

pub fn pop3_login(server: &Server, login: &AccountLogin) -> Pop3Login {
    let method = match auth(server, login) {
        Auth::Auto => None,
        Auth::User => Some(Pop3Method::User),
        Auth::Apop => Some(Pop3Method::Apop),
        Auth::Sasl(mechanism) => Some(Pop3Method::Sasl(mechanism)),
    };
    login_by(method, server, login)
}

pub fn imap_login(server: &Server, login: &AccountLogin) -> imap::ImapLogin {
    let method = match auth(server, login) {
        Auth::Sasl(mechanism) => Some(imap::Method::Sasl(mechanism)),
        Auth::User => Some(imap::Method::Login),
        Auth::Auto | Auth::Apop => None,
    };
    login_by(method, server, login)
}

pub fn smtp_login(server: &Server, login: &AccountLogin) -> smtp::SmtpLogin {
    let method = match auth(server, login) {
        Auth::Sasl(mechanism) => Some(mechanism),
        Auth::Auto | Auth::User | Auth::Apop => None,
    };
    login_by(method, server, login)
}

/// How to log in. Without a secret it is the client's certificate that says who it is.
fn auth(server: &Server, login: &AccountLogin) -> Auth {
    match server.auth {
        Auth::Auto if login.is_without_secret() => Auth::Sasl(sasl::Mechanism::External),
        auth => auth,
    }
}

fn login_by<M>(method: Option<M>, server: &Server, login: &AccountLogin) -> sasl::Login<M> {
    // Whether the secret may be sent without TLS was decided when the connection was made.
    let plaintext = server.security == Security::None;
    let AccountLogin { credentials, is_token, helper } = login.clone();
    let verdict = server.secrets.0.iter().find_map(|named| match &named.source {
        SecretSource::Helper(git) if git.gave(&credentials.secret) => {
            Some(Arc::clone(git) as Arc<dyn sasl::Verdict>)
        }
        _ => None,
    });
    sasl::Login { credentials, is_token, method, plaintext, helper, verdict }
}
