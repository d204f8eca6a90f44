//! Prepares the servers of an account for a connection: their settings, the secret, the trusted certificates.

use super::Context;
use crate::account::{self, Account, Need, Selection, Server};
use crate::net::{ClientIdentity, Limits, Security, Tap, Tls};
use crate::output::About;
use crate::output::transcript::Transcript;
use crate::store::AccountKey;
use crate::words::Failure;
use crate::work::service::{Service, key};

/// A server, or a failure that names the account.
pub fn or_told(made: Result<Service, Failure>, account: &Account, context: &mut Context) -> Option<Service> {
    made.map_err(|failure| context.out.fail(&About::account(&account.label), &failure)).ok()
}

/// The server for receiving. Gets the secret, for which it may ask on the terminal. Fails with `config`.
pub fn incoming(account: &Account, context: &Context) -> Result<Service, Failure> {
    of(account, incoming_server(account)?, context)
}

/// The server for sending. Gets the secret, for which it may ask on the terminal. Fails with `config`.
pub fn outgoing(account: &Account, context: &Context) -> Result<Service, Failure> {
    let missing = || {
        Failure::config("no SMTP server: the account has none")
            .hint("config set NAME smtp.host HOST adds one")
    };
    of(account, account.smtp.as_ref().ok_or_else(missing)?, context)
}

/// The server on which copies of sent mail are filed. Gets the secret. Fails with `config`.
pub fn filing(account: &Account, context: &Context) -> Result<Service, Failure> {
    let missing = || {
        Failure::config("no IMAP server: the account has none")
            .hint("config set NAME imap.host HOST adds one")
    };
    let service = of(account, account.imap.as_ref().ok_or_else(missing)?, context)?;
    match service.logins {
        Some(_) => Ok(service),
        None => Err(Failure::config("a mailbox needs a user name").at(service.server.place())),
    }
}

fn of(account: &Account, server: &Server, context: &Context) -> Result<Service, Failure> {
    // The trust store is parsed on a thread of its own, while the secret is obtained.
    let tls = tls(server, context.vault.identity(server)?, &context.limits)?;
    let logins = context.vault.logins(server)?;
    let mut server = server.clone();
    context.vault.open_proxy(&mut server)?;
    let tap = |place| Box::new(Transcript::new(place)) as Box<dyn Tap>;
    let transcript = context.out.wants_transcript().then_some(tap as fn(String) -> Box<dyn Tap>);
    Ok(Service { label: account.label.clone(), server, logins, tls, parking: None, next: None, transcript })
}

/// Prepares the trusted certificates of a server, and the client's own. Refuses settings about them if the connection has
/// no TLS: they would have no effect, and the user expects one.
pub fn tls(
    server: &Server,
    identity: Option<ClientIdentity>,
    limits: &Limits,
) -> Result<Option<Tls>, Failure> {
    let said = match &server.tls {
        tls if tls.fingerprint.is_some() => Some("tls-fingerprint"),
        tls if tls.ca_file.is_some() => Some("ca-file"),
        tls if tls.client_certificate.is_some() => Some("client-certificate"),
        _ => None,
    };
    if let (Security::None, Some(said)) = (server.security, said) {
        let message = format!("{said}: it has no effect on a connection without TLS");
        return Err(Failure::config(message)
            .at(server.place())
            .hint("use TLS, or leave the option (or the key of the configuration) out for this server"));
    }
    (server.security != Security::None).then(|| Tls::prepare_with(&server.tls, identity, limits)).transpose()
}

impl Context {
    /// The names of the ledgers of the other configured accounts: each is a mailbox of its own.
    pub fn other_keys(&self, own: &AccountKey) -> Vec<AccountKey> {
        let accounts = self.selection(Need::Incoming).and_then(|selection| {
            account::all(&Selection { server: None, account: None, ..selection }, &self.env)
        });
        // Without a configuration there are no other accounts.
        let keys =
            accounts.unwrap_or_default().iter().filter_map(|account| incoming_key(account).ok()).collect();
        let keys: Vec<AccountKey> = keys;
        keys.into_iter().filter(|key| key != own).collect()
    }
}

/// The name of an account's ledger. Fails with `config` if the account has no POP3 server.
pub fn incoming_key(account: &Account) -> Result<AccountKey, Failure> {
    incoming_server(account).map(key)
}

fn incoming_server(account: &Account) -> Result<&Server, Failure> {
    account.incoming().ok_or_else(|| {
        Failure::config("no server to fetch mail from: the account has none")
            .hint("config set NAME pop3.host HOST adds one, or imap.host for IMAP")
    })
}
