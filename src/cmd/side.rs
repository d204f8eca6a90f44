//! One side of an account, ready to connect: server, trust, who logs in.

use super::Context;
use crate::account::providers;
use crate::account::{self, Account, Login, Need, Selection, Server};
use crate::codec::smtp::EhloName;
use crate::mailbox::{Remedy, Setback};
use crate::net::{Limits, Security, Tap, Tls, dial};
use crate::output::About;
use crate::output::transcript::Transcript;
use crate::pop3::{Method, Survey, Transaction};
use crate::smtp::Opening;
use crate::store::AccountKey;
use crate::words::{Failure, Kind};
use crate::work::access::{Access, Manner, NotOpened, pop3_login, smtp_login};
use crate::work::send::{Job, Options, wait};
use std::time::Duration;

/// How long to wait for a mailbox that this run's own last session may still hold; where it was left at work,
/// as long as for an answer.
const RELEASE: Duration = Duration::from_millis(1550);
/// The first pause of that; each is twice as long as the one before, up to the longest.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(1600);

/// Sessions of one look at most.
const MOST_LOOKS: usize = 9;

/// Whether a refused login may be due to a session that has just been left.
fn is_held(failure: &Failure) -> bool {
    let code = failure.reply.as_ref().and_then(|reply| reply.enhanced.as_deref());
    failure.kind == Kind::Deferred && code.is_none_or(|code| code.eq_ignore_ascii_case("IN-USE"))
}

/// One side of an account.
pub struct Side {
    /// What output calls the account.
    pub label: String,
    /// The server.
    pub server: Server,
    /// Who logs in; nobody where the server takes mail without AUTH.
    pub login: Option<Login>,
    /// The trust, where there is TLS.
    pub tls: Option<Tls>,
    transcript: bool,
}

impl Side {
    /// A side, or its failure told with the account that it is about.
    pub fn or_told(made: Result<Side, Failure>, account: &Account, context: &mut Context) -> Option<Side> {
        made.map_err(|failure| context.out.fail(&About::account(&account.label), &failure)).ok()
    }

    /// The receiving side. Gets the secret, so it may ask on the terminal. Fails with `config`.
    pub fn pop3(account: &Account, context: &Context) -> Result<Side, Failure> {
        Side::of(account, pop3_server(account)?, context)
    }

    /// The sending side, likewise.
    pub fn smtp(account: &Account, context: &Context) -> Result<Side, Failure> {
        let missing = || {
            Failure::config("no SMTP server: the account has none")
                .hint("config set NAME smtp.host HOST adds one")
        };
        Side::of(account, account.smtp.as_ref().ok_or_else(missing)?, context)
    }

    fn of(account: &Account, server: &Server, context: &Context) -> Result<Side, Failure> {
        // The trust store is parsed on a thread of its own, beside the search for the secret.
        let tls = tls(server)?;
        let login = context.vault.login(server)?;
        let transcript = context.out.wants_transcript();
        Ok(Side { label: account.label.clone(), server: server.clone(), login, tls, transcript })
    }

    /// What the ledger of the account is called.
    pub fn key(&self) -> AccountKey {
        key(&self.server)
    }

    /// A listener for the transcript, where one is wanted.
    pub fn tap(&self) -> Option<Box<dyn Tap>> {
        self.transcript.then(|| Box::new(Transcript::new(self.server.place())) as Box<dyn Tap>)
    }

    /// Has `run` send through this server; `ehlo_name` is the name that an option chose.
    pub fn with_job<T>(
        &self,
        options: &Options,
        limits: &Limits,
        ehlo_name: Option<&EhloName>,
        run: impl FnOnce(&Job<'_>) -> T,
    ) -> T {
        let (endpoint, tls) = (self.server.endpoint(), self.tls.as_ref());
        let login = self.login.as_ref().map(|login| smtp_login(&self.server, login));
        let name = ehlo_name.or(self.server.ehlo_name.as_ref());
        let opening = Opening { endpoint: &endpoint, tls, login: login.as_ref(), name };
        let connect = || dial(&endpoint, tls, limits, self.tap());
        run(&Job { opening, connect: &connect, limits, options })
    }

    /// Opens a POP3 session whose user is logged in. `manner` is asked once the server is reached.
    pub fn open(
        &self,
        limits: &Limits,
        survey: Survey,
        manner: &mut dyn FnMut() -> Manner,
    ) -> Result<(Transaction, Method), NotOpened> {
        let endpoint = self.server.endpoint();
        let Some(login) = &self.login else {
            let failure = Failure::usage(format!("{}: a mailbox needs a user name", self.server.place()));
            return Err(failure.into());
        };
        let login = pop3_login(&self.server, login);
        let access =
            Access { endpoint: &endpoint, tls: self.tls.as_ref(), login, limits, tap: &|| self.tap() };
        let mut opened = access.open(survey, manner);
        let (mut waited, mut pause) = (Duration::ZERO, PAUSE);
        while opened.as_ref().is_err_and(|error| is_held(&error.failure)) {
            let manner_now = manner();
            let most = if manner_now.busy { RELEASE.max(limits.timeout) } else { RELEASE };
            if !manner_now.again || waited >= most || limits.run_over() {
                break;
            }
            if !wait(limits, pause) {
                break;
            }
            waited += pause;
            pause = LONGEST_PAUSE.min(pause * 2);
            opened = access.open(survey, manner);
        }
        opened.map_err(|error| NotOpened { failure: advise(error.failure, &self.server), ..error })
    }

    /// Runs `look`, which changes nothing, in a session of its own, held in this manner; once more in another
    /// where the server has shown that it needs that.
    pub fn look<T>(
        &self,
        limits: &Limits,
        mut manner: Manner,
        mut look: impl FnMut(&mut Transaction) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut last = None;
        for _ in 0..MOST_LOOKS {
            let (failure, setback, delay) = match self.open(limits, Survey::FULL, &mut || manner) {
                Ok((mut transaction, _)) => match look(&mut transaction) {
                    Ok(seen) => {
                        transaction.leave();
                        return Ok(seen);
                    }
                    Err(failure) => (failure, transaction.setback(), transaction.capabilities().login_delay),
                },
                Err(error) => (error.failure, error.remedy.map(|remedy| Setback { remedy, at: None }), 0),
            };
            let over = limits.stop.raised() || limits.run_over();
            last = Some(failure);
            let next = match setback {
                Some(Setback { remedy: Remedy::Again, at }) => (delay == 0 && at.is_some())
                    .then_some(Manner { lock_step: true, again: true, busy: false, ..manner }),
                Some(setback) => manner.after(setback.remedy),
                None => None,
            };
            match next {
                Some(next) if !over => manner = next,
                _ => break,
            }
        }
        last.map_or_else(|| Err(Failure::new(Kind::Internal, "session", "no session was tried")), Err)
    }
}

/// Prepares the trust of a server that has TLS. Without TLS nothing is trusted: whoever said what is to be
/// trusted would be deceived.
pub fn tls(server: &Server) -> Result<Option<Tls>, Failure> {
    let said = match &server.tls {
        tls if tls.fingerprint.is_some() => Some("tls-fingerprint"),
        tls if tls.ca_file.is_some() => Some("ca-file"),
        _ => None,
    };
    if let (Security::None, Some(said)) = (server.security, said) {
        let message = format!("{}: {said}: it has no effect on a connection without TLS", server.place());
        return Err(Failure::config(message)
            .hint("use TLS, or leave the option (or the key of the configuration) out for this server"));
    }
    (server.security != Security::None).then(|| Tls::prepare(&server.tls)).transpose()
}

/// A refused login with what the provider is known to want.
pub fn advise(failure: Failure, server: &Server) -> Failure {
    match providers::advice(server) {
        Some(advice) if failure.kind == Kind::Auth => failure.hint(advice),
        _ => failure,
    }
}

impl Context {
    /// What the ledgers of the other accounts are called that are configured: each is a mailbox of its own.
    pub fn other_keys(&self, own: &AccountKey) -> Vec<AccountKey> {
        let accounts = self.selection(Need::Pop3).and_then(|selection| {
            account::all(&Selection { server: None, account: None, ..selection }, &self.env)
        });
        // Without a configuration there is no other account.
        let keys = accounts.unwrap_or_default().iter().filter_map(|account| pop3_key(account).ok()).collect();
        let keys: Vec<AccountKey> = keys;
        keys.into_iter().filter(|key| key != own).collect()
    }
}

/// The ledger's name for an account. Fails with `config` where it has no POP3 server.
pub fn pop3_key(account: &Account) -> Result<AccountKey, Failure> {
    pop3_server(account).map(key)
}

fn pop3_server(account: &Account) -> Result<&Server, Failure> {
    account.pop3.as_ref().ok_or_else(|| {
        Failure::config("no POP3 server: the account has none")
            .hint("config set NAME pop3.host HOST adds one")
    })
}

fn key(server: &Server) -> AccountKey {
    AccountKey::new(
        server.protocol.name(),
        &server.host,
        server.port,
        server.username.as_deref().unwrap_or_default(),
    )
}
