//! A server of an account, ready to connect: its settings, the trusted certificates, the credentials.

use super::access::{Access, NotOpened, SessionMode, imap_login, pop3_login, smtp_login};
use super::refused_token;
use super::send::{Options, SendJob};
use crate::account::providers;
use crate::account::{AccountLogin, Logins, Protocol, Server};
use crate::codec::imap::MailboxName;
use crate::codec::smtp::EhloName;
use crate::imap::{Authenticated, NotAuthenticated, Parking};
use crate::mailbox::{Maildrop, Remedy, Setback};
use crate::net::{Endpoint, Limits, Security, Tap, Tls, dial};
use crate::pop3::Listings;
use crate::smtp::{Opening, SmtpLogin};
use crate::store::AccountKey;
use crate::streams;
use crate::words::{Failure, Kind, Stage};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait for a mailbox that this run's own last session may still hold; where it was left at work,
/// as long as for an answer.
const RELEASE: Duration = Duration::from_millis(1550);
/// The first pause between two attempts; each further one is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(1600);

const MOST_LOOKS: usize = 9;

/// Whether a refused login may be due to a session that has just been left.
fn is_held(failure: &Failure) -> bool {
    let code = failure.reply.as_ref().and_then(|reply| reply.enhanced.as_deref());
    failure.kind() == Kind::Deferred && code.is_none_or(|code| code.eq_ignore_ascii_case("IN-USE"))
}

/// A session with a mailbox whose user is logged in, or why there is none.
pub type OpenedMailbox = Result<Box<dyn Maildrop>, NotOpened>;

/// A server of an account, ready to connect.
pub struct Service {
    pub label: String,
    pub server: Server,
    /// What gives the credentials; none if the server accepts mail without AUTH.
    pub logins: Option<Arc<dyn Logins>>,
    /// The trusted certificates, if the connection has TLS.
    pub tls: Option<Tls>,
    /// Where a session waits between two folders; none: each folder has a session of its own.
    pub parking: Option<Parking>,
    /// The folder that is opened after the one that the server names, where nothing is to be changed in that.
    pub next: Option<MailboxName>,
    /// Makes a listener for the transcript of a connection to this place, where one is wanted.
    pub transcript: Option<fn(String) -> Box<dyn Tap>>,
}

impl Service {
    pub fn key(&self) -> AccountKey {
        key(&self.server)
    }

    /// A listener for the transcript, if one is wanted.
    pub fn tap(&self) -> Option<Box<dyn Tap>> {
        self.transcript.map(|make| make(self.server.place()))
    }

    /// Calls `run` to send through this server; `ehlo_name` is the name given by an option.
    pub fn with_job<T>(
        &self,
        options: &Options,
        limits: &Limits,
        ehlo_name: Option<&EhloName>,
        run: impl FnOnce(&SendJob<'_>) -> T,
    ) -> T {
        let (endpoint, tls) = (self.server.endpoint(), self.tls.as_ref());
        let ask = |refused: bool| -> Result<Option<SmtpLogin>, Failure> {
            let Some(logins) = &self.logins else { return Ok(None) };
            let login = if refused { logins.another()? } else { Some(logins.next()?) };
            Ok(login.map(|login| smtp_login(&self.server, &login)))
        };
        let name = ehlo_name.or(self.server.ehlo_name.as_ref());
        let opening = Opening { endpoint: &endpoint, tls, login: None, name };
        let connect = || dial(&endpoint, tls, limits, self.tap());
        run(&SendJob { opening, login: Some(&ask), connect: &connect, limits, options })
    }

    /// Opens a session with the mailbox. `mode` is called once the server is connected.
    pub fn open(&self, limits: &Limits, mode: &mut dyn FnMut() -> SessionMode) -> OpenedMailbox {
        if self.server.protocol == Protocol::Imap {
            return self.open_imap(limits, mode);
        }
        let endpoint = self.server.endpoint();
        self.by_login(
            |error: &NotOpened| &error.failure,
            |login| self.open_pop3(&endpoint, login, limits, mode),
        )
        .map_err(|error| NotOpened { failure: advise(error.failure, &self.server), ..error })
    }

    /// Opens a session by a login; once more by another token where the server refuses one that is not new.
    fn by_login<T, E: From<Failure>>(
        &self,
        cause: fn(&E) -> &Failure,
        mut open: impl FnMut(&AccountLogin) -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(logins) = &self.logins else {
            return Err(Failure::usage("a mailbox needs a user name").at(self.server.place()).into());
        };
        let login = logins.next()?;
        match open(&login) {
            Err(refused) if login.is_token && cause(&refused).kind() == Kind::Auth => {
                match logins.another()? {
                    Some(login) => open(&login),
                    None => Err(refused),
                }
            }
            opened => opened,
        }
    }

    fn open_pop3(
        &self,
        endpoint: &Endpoint,
        login: &AccountLogin,
        limits: &Limits,
        mode: &mut dyn FnMut() -> SessionMode,
    ) -> OpenedMailbox {
        let login = pop3_login(&self.server, login);
        let access = Access { endpoint, tls: self.tls.as_ref(), login, limits, tap: &|| self.tap() };
        let mut opened = access.open(Listings::FULL, mode);
        let (mut waited, mut pause) = (Duration::ZERO, PAUSE);
        while opened.as_ref().is_err_and(|error| is_held(&error.failure)) {
            let manner_now = mode();
            let most = if manner_now.busy { RELEASE.max(limits.timeout) } else { RELEASE };
            if !manner_now.again || waited >= most || limits.run_over() || !streams::pause(pause, limits) {
                break;
            }
            waited += pause;
            pause = LONGEST_PAUSE.min(pause * 2);
            opened = access.open(Listings::FULL, mode);
        }
        opened.map(|(transaction, _)| Box::new(transaction) as Box<dyn Maildrop>)
    }

    fn open_imap(&self, limits: &Limits, mode: &mut dyn FnMut() -> SessionMode) -> OpenedMailbox {
        if let Some(parked) = self.parking.as_ref().and_then(Authenticated::from_parking) {
            let (mode, went_ahead) = (mode(), parked.has_gone_ahead());
            match self.examine(parked, mode) {
                // The server ended it meanwhile.
                Err(error) if error.failure.kind() == Kind::Network => {
                    if let Some(parking) = self.parking.as_ref().filter(|_| went_ahead) {
                        parking.stay_in_step();
                    }
                }
                opened => return opened,
            }
        }
        let session = self.log_in(limits)?;
        // The ledger may be read until here.
        let mode = mode();
        self.examine(session, mode)
    }

    fn examine(&self, session: Authenticated, mode: SessionMode) -> OpenedMailbox {
        match session.examine(&self.server.folder_name().unwrap_or_else(MailboxName::inbox)) {
            Ok(mut mailbox) => {
                mailbox.park_at(self.parking.clone());
                // After a session that failed one thing at a time.
                mailbox.followed_by(self.next.clone().filter(|_| !mode.again));
                Ok(Box::new(mailbox))
            }
            Err(refused) => {
                match (refused.session, &self.parking) {
                    (Some(session), Some(parking)) => session.park(parking),
                    (Some(session), None) => session.logout(),
                    (None, _) => {}
                }
                Err(refused.failure.into())
            }
        }
    }

    /// Opens an IMAP session whose user is logged in.
    pub fn log_in(&self, limits: &Limits) -> Result<Authenticated, Failure> {
        self.by_login(|failure: &Failure| failure, |login| self.log_in_by(login, limits))
            .map_err(|failure| advise(failure, &self.server))
    }

    fn log_in_by(&self, login: &AccountLogin, limits: &Limits) -> Result<Authenticated, Failure> {
        let endpoint = self.server.endpoint();
        let wire = dial(&endpoint, self.tls.as_ref(), limits, self.tap())?;
        let mut session = NotAuthenticated::greet(wire)?;
        session.capability()?;
        if endpoint.security == Security::StartTls {
            let missing = || {
                Failure::new(Kind::Internal, Stage::StartTls, "STARTTLS: no TLS was prepared")
                    .at(endpoint.place())
            };
            session.starttls(self.tls.as_ref().ok_or_else(missing)?, &endpoint.host)?;
            session.capability()?;
        }
        let (session, _) = session.login(&imap_login(&self.server, login))?;
        Ok(session)
    }

    /// Runs `look`, which changes nothing, in a session of its own, held in this manner; once more in another
    /// where the server has shown that it needs that.
    pub fn look<T>(
        &self,
        limits: &Limits,
        mut mode: SessionMode,
        mut look: impl FnMut(&mut dyn Maildrop) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut last = None;
        for _ in 0..MOST_LOOKS {
            let (failure, setback, delay) = match self.open(limits, &mut || mode) {
                Ok(mut maildrop) => match look(maildrop.as_mut()) {
                    Ok(seen) => {
                        // Nothing was deleted, so the answer to QUIT does not matter.
                        let _ = maildrop.finish(false);
                        return Ok(seen);
                    }
                    Err(failure) => (failure, maildrop.setback(), maildrop.terms().login_delay),
                },
                Err(error) => (error.failure, error.remedy.map(|remedy| Setback { remedy, at: None }), 0),
            };
            let over = limits.stop.raised() || limits.run_over();
            last = Some(failure);
            let next = match setback {
                Some(Setback { remedy: Remedy::Again | Remedy::WithoutMessage, at }) => (delay == 0
                    && at.is_some())
                .then_some(SessionMode { lock_step: true, again: true, busy: false, ..mode }),
                Some(setback) => mode.after(setback.remedy),
                None => None,
            };
            match next {
                Some(next) if !over => mode = next,
                _ => break,
            }
        }
        last.map_or_else(|| Err(Failure::new(Kind::Internal, Stage::Session, "no session was tried")), Err)
    }
}

/// A refused login, with the hint for this provider.
pub fn advise(failure: Failure, server: &Server) -> Failure {
    if failure.stage == Stage::Token {
        return failure;
    }
    if let (Some(grant), Kind::Auth) = (&server.oauth, failure.kind()) {
        let user = server.username.as_deref().unwrap_or_default();
        return failure.hint(refused_token::explain(grant, server.protocol, user));
    }
    match providers::advice(server) {
        Some(advice) if failure.kind() == Kind::Auth => failure.hint(advice),
        _ => failure,
    }
}

/// The name of an account's ledger.
pub fn key(server: &Server) -> AccountKey {
    let key = AccountKey::new(
        server.protocol.name(),
        &server.host,
        server.port,
        server.username.as_deref().unwrap_or_default(),
    );
    match server.folder_name() {
        Some(folder) => key.folder(folder.octets()),
        None => key,
    }
}
