//! An account as far as the file has been read: what its tables say, before each fills the gaps of another.

use super::Account;
use super::document::{Fault, Node};
use super::git_credential::GitCredential;
use super::oauth::{Grant, OAuthSettings, TokenUses};
use super::proxy::ProxySettings;
use super::secret_source::{NamedSource, SecretSource, SecretSources};
use super::server::{Auth, Protocol, Server};
use crate::codec::sasl::Mechanism;
use crate::net::{Security, TlsSettings};
use crate::process::Program;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How to get it.
const NO_GSSAPI: &str = "build it with `--features gssapi`, or let a sasl-command do it, see docs/logins.md";

/// The whole file.
#[derive(Default)]
pub struct FileDraft {
    /// The default account, and what is wrong where there is none of that name.
    pub default_account: Option<(String, Fault)>,
    pub accounts: Vec<AccountDraft>,
}

/// What an account says for all its servers, and each server for itself.
#[derive(Default)]
pub struct Shared {
    /// Where secrets come from, by the row of the key, whose order counts.
    pub secrets: BTreeMap<usize, NamedSource>,
    pub tls: TlsSettings,
    /// Where the passphrase of the client's key comes from, likewise.
    pub key_passphrases: BTreeMap<usize, NamedSource>,
    pub sasl_command: Option<Program>,
    pub proxy: ProxySettings,
}

impl Shared {
    /// Takes in where a secret comes from, as the key of `node` says.
    pub fn secret(&mut self, node: &Node<'_>, source: Result<SecretSource, Fault>) -> Result<(), Fault> {
        self.secrets.insert(node.row, NamedSource { source: source?, by: node.path.clone() });
        Ok(())
    }

    /// Takes in where the passphrase of the client's key comes from.
    pub fn key_passphrase(
        &mut self,
        node: &Node<'_>,
        source: Result<SecretSource, Fault>,
    ) -> Result<(), Fault> {
        self.key_passphrases.insert(node.row, NamedSource { source: source?, by: node.path.clone() });
        Ok(())
    }

    fn holds_secret(&self) -> bool {
        self.secrets.values().any(|named| matches!(named.source, SecretSource::Literal(_)))
    }
}

/// The table of a server.
pub struct ServerDraft {
    /// The server, so far. Its host is empty until it is named.
    pub server: Server,
    /// The port, where the file names one: the default depends on the protection.
    pub port: Option<u16>,
    /// Whether nobody logs in: `auth = "none"`.
    pub is_open: bool,
    /// What stands here instead of in the account.
    pub shared: Shared,
    at: usize,
    path: String,
}

impl ServerDraft {
    /// The table at `node`, of which nothing is read yet.
    pub fn new(protocol: Protocol, node: &Node<'_>) -> Self {
        ServerDraft {
            server: Server::new(protocol, String::new(), Security::Implicit),
            port: None,
            is_open: false,
            shared: Shared::default(),
            at: node.at(),
            path: node.path.clone(),
        }
    }

    /// Takes in how to log in. A server that takes mail may want nobody to.
    pub fn auth(&mut self, node: &Node<'_>) -> Result<(), Fault> {
        let protocol = self.server.protocol;
        let auth = node.text(|text| match text {
            "none" if protocol == Protocol::Smtp => Ok(None),
            text => Auth::parse_any(text, protocol).map(Some),
        })?;
        self.is_open = auth.is_none();
        self.server.auth = auth.unwrap_or_default();
        Ok(())
    }

    /// The server, the gaps of its table filled by the account.
    fn complete(self, account: &Account, shared: &Shared) -> Result<Server, Fault> {
        let by_token = self.takes_tokens();
        let ServerDraft { mut server, port, is_open, shared: own, at, path } = self;
        let fault = |what: String| Fault { at, within: path.clone(), what, hint: None };
        if server.host.is_empty() {
            return Err(fault("the host is missing".into()));
        }
        server.port = port.unwrap_or(server.protocol.default_port(server.security));
        // A key belongs to a certificate, so the two are taken from one place.
        let certified = if own.tls.client_certificate.is_some() { &own.tls } else { &shared.tls };
        server.tls.client_certificate.clone_from(&certified.client_certificate);
        server.tls.client_key = own.tls.client_key.as_ref().or(certified.client_key.as_ref()).cloned();
        server.tls.ca_file = own.tls.ca_file.or_else(|| shared.tls.ca_file.clone());
        server.tls.fingerprint = own.tls.fingerprint.or(shared.tls.fingerprint);
        if server.tls.client_certificate.is_none() && server.tls.client_key.is_some() {
            return Err(fault("a client-key needs its client-certificate".into()));
        }
        let phrases = own.key_passphrases.into_values().chain(shared.key_passphrases.values().cloned());
        server.key_passphrases = SecretSources(phrases.collect());
        server.proxy = if own.proxy.choice.is_some() { own.proxy } else { shared.proxy.clone() };
        if is_open {
            server.username = None;
            return Ok(server);
        }
        server.oauth = account.oauth.clone().filter(|_| by_token);
        let plays = matches!(server.auth, Auth::Sasl(_));
        if own.sasl_command.is_some() && !plays {
            return Err(fault("a sasl-command needs auth = \"…\", the mechanism that it plays".into()));
        }
        server.sasl_command = own.sasl_command.or_else(|| shared.sasl_command.clone()).filter(|_| plays);
        if let (Auth::Sasl(Mechanism::Other(name)), None) = (server.auth, &server.sasl_command) {
            let known = Auth::parse(&name, server.protocol).err().unwrap_or_default();
            if name == Mechanism::Gssapi.name() {
                let fault = fault("auth: this build of postie does not have gssapi itself".into());
                return Err(Fault { hint: Some(NO_GSSAPI.into()), ..fault });
            }
            // Not the name itself: it may be a secret in the wrong place.
            return Err(fault(format!("auth: {known}; any other needs a sasl-command, see docs/logins.md")));
        }
        let named = own.secrets.into_values().chain(shared.secrets.values().cloned());
        server.secrets = SecretSources(named.collect());
        server.username =
            server.username.or_else(|| account.email.as_ref().map(|email| email.as_str().to_owned()));
        if server.username.is_none() {
            let relay = if server.protocol == Protocol::Smtp { ", or auth = \"none\"" } else { "" };
            return Err(fault(format!("nobody to log in: give a username, or the account an email{relay}")));
        }
        let user = server.username.clone().unwrap_or_default();
        let (protocol, place) = (server.protocol.name(), server.place());
        for named in &mut server.secrets.0 {
            // What the account names is about this server now.
            if matches!(named.source, SecretSource::Helper(_)) {
                named.source = SecretSource::Helper(Arc::new(GitCredential::of(protocol, &place, &user)));
            }
        }
        Ok(server)
    }
}

impl ServerDraft {
    /// Whether the account's tokens are for it: somebody logs in, and not by a secret of its own.
    fn takes_tokens(&self) -> bool {
        !self.is_open && self.shared.secrets.is_empty()
    }
}

/// The table `oauth` of an account.
pub struct OAuthDraft {
    pub settings: OAuthSettings,
    at: usize,
    path: String,
}

impl OAuthDraft {
    /// The table at `node`, of which nothing is read yet.
    pub fn new(node: &Node<'_>) -> Self {
        OAuthDraft { settings: OAuthSettings::default(), at: node.at(), path: node.path.clone() }
    }

    /// What it comes to for an account with these servers.
    fn complete(self, account: &Account, servers: &[ServerDraft]) -> Result<Grant, Fault> {
        let OAuthDraft { settings, at, path } = self;
        let has =
            |protocol| servers.iter().any(|draft| draft.server.protocol == protocol && draft.takes_tokens());
        let uses =
            TokenUses { pop3: has(Protocol::Pop3), imap: has(Protocol::Imap), smtp: has(Protocol::Smtp) };
        let email = account.email.as_ref().map(|email| email.as_str().to_owned());
        let user = email.or_else(|| servers.iter().find_map(|draft| draft.server.username.clone()));
        Grant::new(settings, &account.label, &path, uses, user).map_err(|(what, hint)| Fault {
            at,
            within: path.clone(),
            what: what.into(),
            hint: Some(hint.into()),
        })
    }
}

/// The table of an account.
pub struct AccountDraft {
    /// The account, so far: all but its servers.
    pub account: Account,
    pub shared: Shared,
    pub servers: Vec<ServerDraft>,
    pub oauth: Option<OAuthDraft>,
}

impl AccountDraft {
    /// An account of which nothing is read but its name.
    pub fn new(name: String) -> Self {
        let account = Account { label: name.clone(), name_in_config: Some(name), ..Account::default() };
        AccountDraft { account, shared: Shared::default(), servers: Vec::new(), oauth: None }
    }

    /// Whether a password stands in it.
    pub fn holds_secret(&self) -> bool {
        let servers = self.servers.iter().map(|server| &server.shared);
        let client = self.oauth.as_ref().and_then(|oauth| oauth.settings.client_secret());
        let is_literal = client.is_some_and(|named| matches!(named.source, SecretSource::Literal(_)));
        is_literal || servers.chain([&self.shared]).any(Shared::holds_secret)
    }

    pub fn complete(self) -> Result<Account, Fault> {
        let AccountDraft { mut account, shared, servers, oauth } = self;
        let grant = oauth.map(|oauth| oauth.complete(&account, &servers)).transpose()?;
        let trusts =
            |draft: &ServerDraft| draft.shared.tls.ca_file.clone().or_else(|| shared.tls.ca_file.clone());
        let ca_file = servers.iter().find_map(trusts);
        account.oauth = grant.map(|grant| Arc::new(Grant { ca_file, ..grant }));
        for draft in servers {
            let server = draft.complete(&account, &shared)?;
            account.put(server);
        }
        Ok(account)
    }
}

impl AsMut<Shared> for ServerDraft {
    fn as_mut(&mut self) -> &mut Shared {
        &mut self.shared
    }
}

impl AsMut<Shared> for AccountDraft {
    fn as_mut(&mut self) -> &mut Shared {
        &mut self.shared
    }
}
