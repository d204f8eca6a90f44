//! A server of an account: host, port, TLS, login.

mod parse;

pub use parse::{ehlo_name, host, incoming_protocol, security, security_name, username};

use super::oauth::Grant;
use super::proxy::ProxySettings;
use super::secret_source::SecretSources;
use crate::codec::imap::MailboxName as Folder;
use crate::codec::sasl::Mechanism;
use crate::codec::smtp::EhloName;
use crate::net::{Endpoint, Security, TlsSettings};
use crate::process::Program;
use crate::words::MechanismName;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `RFC 1939`.
    Pop3,
    /// `RFC 3501`.
    Imap,
    /// `RFC 5321`, as message submission (`RFC 6409`).
    Smtp,
}

impl Protocol {
    /// The name in URLs, tables of the file, ledgers and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Pop3 => "pop3",
            Protocol::Imap => "imap",
            Protocol::Smtp => "smtp",
        }
    }

    /// Its service name in SASL (`RFC 5034 §2`, `RFC 3501 §6.2.2`, `RFC 4954 §4`).
    pub fn service_name(self) -> &'static str {
        match self {
            Protocol::Pop3 => "pop",
            Protocol::Imap => "imap",
            Protocol::Smtp => "smtp",
        }
    }

    /// Whether it is for fetching mail.
    pub fn is_incoming(self) -> bool {
        matches!(self, Protocol::Pop3 | Protocol::Imap)
    }

    /// The default port (`RFC 8314 §7`, `RFC 1939 §3`, `RFC 3501 §2.1`, `RFC 6409 §3.1`, `RFC 5321 §4.5.4.2`).
    pub fn default_port(self, security: Security) -> u16 {
        match (self, security) {
            (Protocol::Pop3, Security::Implicit) => 995,
            (Protocol::Pop3, _) => 110,
            (Protocol::Imap, Security::Implicit) => 993,
            (Protocol::Imap, _) => 143,
            (Protocol::Smtp, Security::Implicit) => 465,
            (Protocol::Smtp, Security::StartTls) => 587,
            (Protocol::Smtp, Security::None) => 25,
        }
    }
}

/// The key `auth`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// The best that the server offers.
    #[default]
    Auto,
    /// USER and PASS (POP3).
    User,
    /// APOP (POP3): only if the user asks for it, because MD5 is weak.
    Apop,
    /// One SASL mechanism and no other.
    Sasl(Mechanism),
}

impl Auth {
    /// The name in the configuration.
    pub fn name(self) -> String {
        match self {
            Auth::Auto => "auto".into(),
            Auth::User => "user".into(),
            Auth::Apop => "apop".into(),
            Auth::Sasl(mechanism) => mechanism.name().to_ascii_lowercase(),
        }
    }

    /// Reads a name, for a server of this protocol.
    pub fn parse(text: &str, protocol: Protocol) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "auto" => Ok(Auth::Auto),
            "user" if protocol == Protocol::Pop3 => Ok(Auth::User),
            "apop" if protocol == Protocol::Pop3 => Ok(Auth::Apop),
            "user" | "apop" => Err("only POP3 has this login method".into()),
            name => Mechanism::from_name(name).map(Auth::Sasl).ok_or_else(|| {
                let known: Vec<String> =
                    Mechanism::ALL.iter().map(|mechanism| mechanism.name().to_ascii_lowercase()).collect();
                let own = if protocol == Protocol::Pop3 { "user, apop" } else { "none" };
                format!("not a login method: auto, {own}, {}", known.join(", "))
            }),
        }
    }

    /// The same, or any other SASL mechanism, which then needs a `sasl-command`.
    pub fn parse_any(text: &str, protocol: Protocol) -> Result<Self, String> {
        Auth::parse(text, protocol).or_else(|what| match MechanismName::parse(text) {
            // "user" and "apop" are no mechanisms.
            Some(name) if !matches!(&*name, "USER" | "APOP" | "NONE") => {
                Ok(Auth::Sasl(Mechanism::Other(name)))
            }
            _ => Err(what),
        })
    }

    /// Whether the secret must be an OAuth2 access token.
    pub fn wants_token(self) -> bool {
        matches!(self, Auth::Sasl(mechanism) if mechanism.wants_token())
    }
}

/// A server, ready to be connected to.
#[derive(Clone, Debug)]
pub struct Server {
    pub protocol: Protocol,
    /// A name in ASCII (`RFC 5890` A-labels), or an IP address; see [`host`].
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// `None`: no login (SMTP without AUTH).
    pub username: Option<String>,
    pub auth: Auth,
    pub secrets: SecretSources,
    /// Where tokens for it come from, which then count instead of the secrets.
    pub oauth: Option<Arc<Grant>>,
    /// Where the passphrase of the client's key comes from.
    pub key_passphrases: SecretSources,
    /// Plays the mechanism of `auth`.
    pub sasl_command: Option<Program>,
    /// Whether the user allows a secret to be sent without TLS.
    pub allow_plaintext_auth: bool,
    /// The client's name for EHLO; `None`: that of this host.
    pub ehlo_name: Option<EhloName>,
    /// The folder that mail is fetched from; `None`: the inbox, or a server without folders.
    pub folder: Option<Folder>,
    pub tls: TlsSettings,
    /// What it is reached through.
    pub proxy: ProxySettings,
}

impl Server {
    /// A server with defaults for everything else.
    pub fn new(protocol: Protocol, host: String, security: Security) -> Self {
        Server {
            protocol,
            port: protocol.default_port(security),
            host,
            security,
            username: None,
            auth: Auth::default(),
            secrets: SecretSources::default(),
            oauth: None,
            key_passphrases: SecretSources::default(),
            sasl_command: None,
            allow_plaintext_auth: false,
            ehlo_name: None,
            folder: None,
            tls: TlsSettings::default(),
            proxy: ProxySettings::default(),
        }
    }

    /// Whether the login takes a secret.
    pub fn wants_secret(&self) -> bool {
        self.sasl_command.is_none()
            && !matches!(self.auth, Auth::Sasl(mechanism) if !mechanism.wants_secret())
    }

    /// The folder that mail is fetched from; `None` for a protocol without folders.
    pub fn folder_name(&self) -> Option<Folder> {
        let folder = || self.folder.clone().unwrap_or_else(Folder::inbox);
        (self.protocol == Protocol::Imap).then(folder)
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: self.host.clone(),
            port: self.port,
            security: self.security,
            carries_secret: self.username.is_some(),
            allow_plaintext_auth: self.allow_plaintext_auth,
            proxy: self.proxy.proxy(),
        }
    }

    /// `host:port`, the name of the server in failures.
    pub fn place(&self) -> String {
        self.endpoint().place()
    }

    /// `user@host:port`, or `host:port` without a login.
    pub fn label(&self) -> String {
        match &self.username {
            Some(user) => format!("{user}@{}", self.place()),
            None => self.place(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_ports_follow_protocol_and_protection() {
        let port = |protocol: Protocol, security| protocol.default_port(security);
        assert_eq!(port(Protocol::Pop3, Security::Implicit), 995);
        assert_eq!(port(Protocol::Pop3, Security::StartTls), 110);
        assert_eq!(port(Protocol::Pop3, Security::None), 110);
        assert_eq!(port(Protocol::Smtp, Security::Implicit), 465);
        assert_eq!(port(Protocol::Smtp, Security::StartTls), 587);
        assert_eq!(port(Protocol::Smtp, Security::None), 25);
    }

    #[test]
    fn ways_to_log_in_read_back_and_belong_to_their_protocol() {
        for name in ["auto", "user", "apop", "plain", "login", "cram-md5", "xoauth2", "oauthbearer"] {
            assert_eq!(Auth::parse(name, Protocol::Pop3).unwrap().name(), name);
        }
        assert!(Auth::parse("apop", Protocol::Smtp).is_err());
        assert!(Auth::parse("user", Protocol::Smtp).is_err());
        assert!(Auth::parse("ntlm", Protocol::Pop3).is_err());
        assert!(Auth::Sasl(Mechanism::XOAuth2).wants_token());
    }

    #[test]
    fn a_server_without_a_user_carries_no_secret() {
        let mut server = Server::new(Protocol::Smtp, "::1".into(), Security::None);
        assert!(!server.endpoint().carries_secret);
        assert_eq!(server.label(), "[::1]:25");
        server.username = Some("ana".into());
        assert!(server.endpoint().carries_secret);
        assert_eq!(server.label(), "ana@[::1]:25");
    }
}
