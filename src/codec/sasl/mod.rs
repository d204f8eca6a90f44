//! SASL (`RFC 4422`): the client's side of an authentication exchange. It takes the server's challenges and
//! gives the client's responses, both in base64 as on the wire; POP3 (`RFC 5034`), SMTP (`RFC 4954`) and IMAP
//! (`RFC 3501 §6.2.2`) only frame them. There are no security layers (§3.7) and no authorization identities
//! (§3.4.1) but those of EXTERNAL and GSSAPI.
//!
//! Each mechanism is a file of its own that knows only octets. To add one: a variant of [`Mechanism`] with its
//! name and its place in the order, and a [`MechanismClient`].

mod advice;
mod binding;
mod client;
mod cram_md5;
mod exchange;
mod external;
mod gssapi;
mod login;
mod plain;
mod prepare;
mod scram;
mod token;

pub use advice::{advice, explain, lacks_mechanism};
pub use binding::{BindingKind, ChannelBinding};
pub use client::{ExchangeFault, ExchangeSetting, GoOn, Helper, MechanismClient};
pub use exchange::{CANCEL, ClientResponse, Exchange};
pub use gssapi::{GssapiClient, SecurityContext};
pub use scram::{Hash, ScramMechanism};

use crate::words::{Failure, Kind, MechanismName, Secret};
use md5::{Digest, Md5};
use std::fmt::{self, Write as _};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// `RFC 4616`.
    Plain,
    /// `draft-murchison-sasl-login`: obsolete, and still the only one some servers offer.
    Login,
    /// `RFC 5802`, `RFC 7677`.
    Scram(ScramMechanism),
    /// `RFC 2195`.
    CramMd5,
    /// Made by Google, used by Microsoft too; for OAuth2 access tokens.
    XOAuth2,
    /// `RFC 7628`, for OAuth2 access tokens.
    OAuthBearer,
    /// `RFC 4422` appendix A: by the client's certificate.
    External,
    /// `RFC 4752`: Kerberos. A build without the feature `gssapi` does not have it.
    Gssapi,
    /// One that postie does not have itself: `sasl-command` plays it.
    Other(MechanismName),
}

const fn scram(hash: Hash, plus: bool) -> Mechanism {
    Mechanism::Scram(ScramMechanism { hash, plus })
}

impl Mechanism {
    /// Every mechanism that postie has, as they are listed for people.
    pub const ALL: [Mechanism; if cfg!(feature = "gssapi") { 11 } else { 10 }] = [
        Mechanism::Plain,
        Mechanism::Login,
        Mechanism::SCRAM_SHA_256,
        scram(Hash::Sha256, true),
        Mechanism::SCRAM_SHA_1,
        scram(Hash::Sha1, true),
        Mechanism::CramMd5,
        Mechanism::XOAuth2,
        Mechanism::OAuthBearer,
        Mechanism::External,
        #[cfg(feature = "gssapi")]
        Mechanism::Gssapi,
    ];

    pub const SCRAM_SHA_256: Mechanism = scram(Hash::Sha256, false);
    pub const SCRAM_SHA_1: Mechanism = scram(Hash::Sha1, false);

    /// Those for passwords that do not send it, the best first. Not those with -PLUS: behind anything that ends TLS
    /// before the server they always fail.
    const PROVING: [Mechanism; 3] = [Mechanism::SCRAM_SHA_256, Mechanism::SCRAM_SHA_1, Mechanism::CramMd5];
    /// Those that send the password, the best first.
    const SENDING: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
    const FOR_TOKENS: [Mechanism; 2] = [Mechanism::XOAuth2, Mechanism::OAuthBearer];

    pub fn name(self) -> MechanismName {
        match self {
            Mechanism::Plain => const { MechanismName::of("PLAIN") },
            Mechanism::Login => const { MechanismName::of("LOGIN") },
            Mechanism::Scram(ScramMechanism { hash: Hash::Sha256, plus: false }) => {
                const { MechanismName::of("SCRAM-SHA-256") }
            }
            Mechanism::Scram(ScramMechanism { hash: Hash::Sha256, plus: true }) => {
                const { MechanismName::of("SCRAM-SHA-256-PLUS") }
            }
            Mechanism::Scram(ScramMechanism { hash: Hash::Sha1, plus: false }) => {
                const { MechanismName::of("SCRAM-SHA-1") }
            }
            Mechanism::Scram(ScramMechanism { hash: Hash::Sha1, plus: true }) => {
                const { MechanismName::of("SCRAM-SHA-1-PLUS") }
            }
            Mechanism::CramMd5 => const { MechanismName::of("CRAM-MD5") },
            Mechanism::XOAuth2 => const { MechanismName::of("XOAUTH2") },
            Mechanism::OAuthBearer => const { MechanismName::of("OAUTHBEARER") },
            Mechanism::External => const { MechanismName::of("EXTERNAL") },
            Mechanism::Gssapi => const { MechanismName::of("GSSAPI") },
            Mechanism::Other(name) => name,
        }
    }

    /// The mechanism of that name, in upper or lower case, if postie has it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// Whether the secret it takes is an OAuth2 access token rather than a password.
    pub fn wants_token(self) -> bool {
        Self::FOR_TOKENS.contains(&self)
    }

    /// Whether it takes a secret from postie at all.
    pub fn wants_secret(self) -> bool {
        !matches!(self, Mechanism::External | Mechanism::Gssapi | Mechanism::Other(_))
    }

    /// Whether it sends the password itself.
    pub fn sends_password(self) -> bool {
        Self::SENDING.contains(&self)
    }

    /// The best of those that the server offers (in upper case), for a token or a password. Under TLS a password is
    /// sent: servers that keep only its hash can check nothing else, and some offer more than works. In clear it is
    /// proven where that can be done.
    pub fn choose(offered: &[String], is_token: bool, in_clear: bool) -> Option<Self> {
        let best = |some: &[Mechanism]| some.iter().copied().find(|mechanism| mechanism.is_in(offered));
        match (is_token, in_clear) {
            (true, _) => best(&Self::FOR_TOKENS),
            (false, true) => best(&Self::PROVING).or_else(|| best(&Self::SENDING)),
            (false, false) => best(&Self::SENDING).or_else(|| best(&Self::PROVING)),
        }
    }

    pub fn is_in(self, offered: &[String]) -> bool {
        offered.iter().any(|name| **name == *self.name())
    }
}

#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user name as the server knows it.
    pub user: String,
    /// The password, or the access token; empty where the login takes none.
    pub secret: Secret,
    /// The server's name, which OAUTHBEARER sends along.
    pub host: String,
    /// The server's port, which OAUTHBEARER sends along.
    pub port: u16,
}

impl Credentials {
    /// Refuses control characters: they would break a line or an exchange. The error says which of the two has
    /// one.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.user.bytes().any(|octet| octet.is_ascii_control()) {
            return Err("the user name has a control character in it");
        }
        if self.secret.expose().iter().any(u8::is_ascii_control) {
            return Err("the secret has a control character in it");
        }
        Ok(())
    }
}

/// How to log in to any server.
#[derive(Clone, Debug)]
pub struct Login<M> {
    pub credentials: Credentials,
    /// Whether the secret is an OAuth2 access token.
    pub is_token: bool,
    /// The method; `None` chooses one of those that the server offers.
    pub method: Option<M>,
    /// Whether the secret may be sent without TLS.
    pub plaintext: bool,
    /// Plays the method's mechanism; `None`: postie does.
    pub helper: Option<Arc<dyn Helper>>,
    /// Wants to know what the server makes of it.
    pub verdict: Option<Arc<dyn Verdict>>,
}

impl<M> Login<M> {
    /// Tells what became of it. Only a refusal of the secret itself counts as one.
    pub fn settle<T>(&self, done: &Result<T, Failure>) {
        let Some(verdict) = &self.verdict else { return };
        match done {
            Ok(_) => verdict.accepted(),
            Err(failure) if failure.kind() == Kind::Auth => verdict.refused(),
            Err(_) => {}
        }
    }
}

/// Learns what a server makes of a secret.
pub trait Verdict: fmt::Debug + Send + Sync {
    fn accepted(&self);
    fn refused(&self);
}

/// Whether the server, which offers these mechanisms, takes OAuth2 access tokens.
pub fn takes_tokens(offered: &[String]) -> bool {
    Mechanism::choose(offered, true, false).is_some()
}

/// `RFC 1939 §7` APOP: the digest of the greeting's timestamp (with its angle brackets) and the secret.
pub fn apop_digest(timestamp: &str, secret: &Secret) -> String {
    let mut digest = Md5::new();
    digest.update(timestamp.as_bytes());
    digest.update(secret.expose());
    hex(&digest.finalize())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
