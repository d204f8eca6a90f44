//! Selects the account for a command: `--server`, else `--account`, else `$POSTIE_ACCOUNT`, else the servers in the
//! environment, else (send) the account whose address is the From, else `default-account`, else the only one.
//!
//! The configuration is read only if it is needed: `--server` works even if the file is broken.

use super::proxy::ProxyChoice;
use super::proxy_url;
use super::server::{Protocol, Server};
use super::{Account, Config, Env, url};
use crate::mail::{Mailbox, addresses};
use crate::net::TlsSettings;
use crate::words::{Address, Failure};
use std::path::{Path, PathBuf};

/// Which server a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Incoming,
    Smtp,
    /// At least one of the two.
    Either,
}

/// The options that select the account.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    /// `--config`.
    pub config: Option<&'a Path>,
    /// `--account`.
    pub account: Option<&'a str>,
    /// `--server`.
    pub server: Option<&'a str>,
    /// The address in the From of the message to send.
    pub from: Option<&'a Address>,
    pub need: Need,
    /// `--ca-file`, `--tls-fingerprint`, `--client-certificate` and `--client-key`, which replace the account's own.
    pub tls: TlsSettings,
    /// `--proxy`, likewise.
    pub proxy: Option<ProxyChoice>,
}

/// Selects an account. Fails with [`crate::words::Kind::Usage`] for a bad URL, else with
/// [`crate::words::Kind::Config`].
pub fn select(selection: &Selection<'_>, env: &Env) -> Result<Account, Failure> {
    let mut account = choose(selection, env)?;
    check(&account, selection.need)?;
    override_connection(&mut account, selection)?;
    proxy_of_environment(&mut account, env)?;
    Ok(account)
}

/// Every account of the configuration with the needed server, in the file's order. Fails with
/// [`crate::words::Kind::Usage`] if an account was named too, and with [`crate::words::Kind::Config`] if there is none.
pub fn all(selection: &Selection<'_>, env: &Env) -> Result<Vec<Account>, Failure> {
    if selection.server.is_some() || selection.account.is_some() {
        return Err(Failure::usage("--all-accounts: not together with --account or --server"));
    }
    let config = Config::load(selection.config, env)?;
    let mut accounts: Vec<Account> = config
        .contents
        .accounts
        .iter()
        .filter(|account| check(account, selection.need).is_ok())
        .cloned()
        .collect();
    if accounts.is_empty() {
        let what = match selection.need {
            Need::Incoming => "no account has a pop3 server",
            Need::Smtp => "no account has an smtp server",
            Need::Either => "no account has a server",
        };
        let message = format!("{}: looking for accounts: {what}", config.path.display());
        return Err(Failure::config(message).hint(config.known()));
    }
    for account in &mut accounts {
        override_connection(account, selection)?;
        proxy_of_environment(account, env)?;
    }
    Ok(accounts)
}

fn choose(selection: &Selection<'_>, env: &Env) -> Result<Account, Failure> {
    if let Some(server) = selection.server {
        if selection.account.is_some() {
            return Err(Failure::usage("--server: not together with --account"));
        }
        let server = url::parse(server).map_err(|what| Failure::usage(format!("--server: {what}")))?;
        return on_the_spot(vec![server], selection.need, env);
    }
    let named = match selection.account {
        Some(name) => Some(name),
        None => env.text("POSTIE_ACCOUNT")?,
    };
    if let Some(name) = named {
        return Config::load(selection.config, env)?.account(name).cloned();
    }
    let servers = of_environment(env)?;
    if servers.iter().any(|server| fits(server.protocol, selection.need)) {
        return on_the_spot(servers, selection.need, env);
    }
    of_config(&Config::load(selection.config, env)?, selection)
}

fn fits(protocol: Protocol, need: Need) -> bool {
    match need {
        Need::Incoming => protocol.is_incoming(),
        Need::Smtp => protocol == Protocol::Smtp,
        Need::Either => true,
    }
}

/// The variables that name servers.
pub const URL_VARIABLES: [(&str, Protocol); 3] = [
    ("POSTIE_POP3_URL", Protocol::Pop3),
    ("POSTIE_IMAP_URL", Protocol::Imap),
    ("POSTIE_SMTP_URL", Protocol::Smtp),
];

/// The servers in [`URL_VARIABLES`].
fn of_environment(env: &Env) -> Result<Vec<Server>, Failure> {
    let mut servers = Vec::new();
    for (variable, protocol) in URL_VARIABLES {
        let Some(text) = env.text(variable)? else { continue };
        let server = url::parse(text).map_err(|what| Failure::usage(format!("${variable}: {what}")))?;
        if server.protocol != protocol {
            let what = format!("${variable}: a URL of {} is wanted", protocol.name());
            return Err(Failure::usage(what));
        }
        servers.push(server);
    }
    Ok(servers)
}

/// An account without a configuration file. The author is `$POSTIE_FROM` (an address, or `Name <address>`), else the
/// user name if that is an address; `$POSTIE_CA_FILE` names further trusted authorities.
fn on_the_spot(servers: Vec<Server>, need: Need, env: &Env) -> Result<Account, Failure> {
    let wanted = servers.iter().find(|server| fits(server.protocol, need)).or(servers.first());
    let users = servers.iter().filter_map(|server| server.username.as_deref());
    let from = env.text("POSTIE_FROM")?.map(|from| {
        addresses::single(from).map_err(|error| Failure::config(format!("$POSTIE_FROM: {error}")))
    });
    let (email, name) = match from.transpose()? {
        Some(Mailbox { name, address }) => (Some(address), name),
        None => (users.filter_map(|user| Address::parse(user).ok()).next(), None),
    };
    let ca_file = env.get("POSTIE_CA_FILE").map(PathBuf::from);
    let mut account =
        Account { label: wanted.map(Server::label).unwrap_or_default(), email, name, ..Account::default() };
    for mut server in servers {
        server.tls.ca_file.clone_from(&ca_file);
        account.put(server);
    }
    Ok(account)
}

fn of_config(config: &Config, selection: &Selection<'_>) -> Result<Account, Failure> {
    let accounts = &config.contents.accounts;
    let is_from = |account: &&Account| match (&account.email, selection.from) {
        (Some(email), Some(from)) => email.same_mailbox(from),
        _ => false,
    };
    // Of several accounts with that address, one that can send.
    let of_from = accounts.iter().filter(is_from);
    if let Some(account) = of_from.min_by_key(|account| check(account, selection.need).is_err()) {
        return Ok(account.clone());
    }
    if let Some(name) = &config.contents.default_account {
        return config.account(name).cloned();
    }
    let path = config.path.display();
    match accounts.as_slice() {
        [only] => Ok(only.clone()),
        [] if !config.found => {
            Err(Failure::config(format!("{path}: looking for an account: there is no such file"))
                .hint(super::config::MAKE_ONE))
        }
        [] => {
            Err(Failure::config(format!("{path}: looking for an account: there is none"))
                .hint(config.known()))
        }
        _ => Err(Failure::config(format!("{path}: choosing an account: there are several and no default"))
            .hint(format!("--account NAME, or `postie config default NAME`; {}", config.known()))),
    }
}

/// Refuses an account without the needed server.
fn check(account: &Account, need: Need) -> Result<(), Failure> {
    let missing = match need {
        Need::Incoming if account.incoming().is_none() => "pop3 or imap",
        Need::Smtp if account.smtp.is_none() => "smtp",
        Need::Either if account.servers().next().is_none() => "pop3, imap or smtp",
        _ => return Ok(()),
    };
    let message = format!("looking for its server: the account has no {missing} server");
    Err(match &account.name_in_config {
        Some(name) => Failure::config(message).at(&account.label).hint(match missing {
            "pop3 or imap" | "pop3, imap or smtp" => {
                format!("`postie config set {name} pop3.host HOST` gives it one")
            }
            one => format!("`postie config set {name} {one}.host HOST` gives it one"),
        }),
        None => Failure::usage(message)
            .at(&account.label)
            .hint("give a URL of the protocol that the command speaks"),
    })
}

/// Where the account says nothing of a proxy, the environment may.
fn proxy_of_environment(account: &mut Account, env: &Env) -> Result<(), Failure> {
    for server in [&mut account.pop3, &mut account.imap, &mut account.smtp].into_iter().flatten() {
        if server.proxy.choice.is_none() {
            let found = proxy_url::of_environment(env, &server.host)?;
            server.proxy.choice = found.map(ProxyChoice::Socks);
        }
    }
    Ok(())
}

/// Puts what the options say in the place of the account's own. Fails with [`crate::words::Kind::Usage`] for a key
/// without a certificate.
fn override_connection(account: &mut Account, selection: &Selection<'_>) -> Result<(), Failure> {
    let given = &selection.tls;
    for server in [&mut account.pop3, &mut account.imap, &mut account.smtp].into_iter().flatten() {
        if given.ca_file.is_some() {
            server.tls.ca_file.clone_from(&given.ca_file);
        }
        if given.fingerprint.is_some() {
            server.tls.fingerprint = given.fingerprint;
        }
        if given.client_certificate.is_some() {
            server.tls.client_certificate.clone_from(&given.client_certificate);
            // The account's key is that of its own certificate.
            server.tls.client_key = None;
        }
        if given.client_key.is_some() {
            if server.tls.client_certificate.is_none() {
                let message = "--client-key: there is no certificate that it could be for";
                return Err(Failure::usage(message).hint("--client-certificate FILE names it"));
            }
            server.tls.client_key.clone_from(&given.client_key);
        }
        if selection.proxy.is_some() {
            server.proxy.choice.clone_from(&selection.proxy);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
