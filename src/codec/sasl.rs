//! SASL mechanisms (`RFC 4422`) as step machines: the server's challenge in, the client's response out.
//! What is here are the octets; base64 and the framing are the protocol's business.
//!
//! An initial response that is absent and one that is empty are two things: `None` and `Some(vec![])`.

use crate::words::Secret;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use std::fmt::Write as _;

/// The mechanisms postie speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// `RFC 4616`.
    Plain,
    /// `draft-murchison-sasl-login`: obsolete, and still the only one some servers offer.
    Login,
    /// `RFC 2195`.
    CramMd5,
    /// Google's and Microsoft's, for OAuth2 access tokens.
    XOAuth2,
    /// `RFC 7628`, for OAuth2 access tokens.
    OAuthBearer,
}

impl Mechanism {
    /// Every mechanism, the most wanted first where a password is the secret, then those for tokens.
    pub const ALL: [Mechanism; 5] =
        [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5, Mechanism::OAuthBearer, Mechanism::XOAuth2];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::CramMd5 => "CRAM-MD5",
            Mechanism::XOAuth2 => "XOAUTH2",
            Mechanism::OAuthBearer => "OAUTHBEARER",
        }
    }

    /// The mechanism of that name, whatever the case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// Whether the secret it takes is an OAuth2 access token rather than a password.
    pub fn wants_token(self) -> bool {
        matches!(self, Mechanism::XOAuth2 | Mechanism::OAuthBearer)
    }
}

/// Who logs in where, with what.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user name as the server knows it.
    pub user: String,
    /// The password, or the access token.
    pub secret: Secret,
    /// The server's name, which OAUTHBEARER sends along.
    pub host: String,
    /// The server's port, which OAUTHBEARER sends along.
    pub port: u16,
}

/// The server asked for something the mechanism does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnexpectedChallenge;

/// One authentication in progress.
#[derive(Debug)]
pub struct Exchange<'a> {
    mechanism: Mechanism,
    credentials: &'a Credentials,
    step: u8,
    /// What the server said about a refused token (JSON, `RFC 7628 §3.2.2`).
    complaint: Option<Vec<u8>>,
}

impl<'a> Exchange<'a> {
    /// Begins an authentication.
    pub fn new(mechanism: Mechanism, credentials: &'a Credentials) -> Self {
        Exchange { mechanism, credentials, step: 0, complaint: None }
    }

    /// The response that may go along with the command, where the mechanism has the client speak first.
    pub fn initial(&mut self) -> Option<Secret> {
        let c = self.credentials;
        let response = match self.mechanism {
            Mechanism::Plain => [b"\0", c.user.as_bytes(), b"\0", c.secret.expose()].concat(),
            Mechanism::XOAuth2 => {
                [b"user=", c.user.as_bytes(), b"\x01auth=Bearer ", c.secret.expose(), b"\x01\x01"].concat()
            }
            Mechanism::OAuthBearer => {
                let user = c.user.replace('=', "=3D").replace(',', "=2C");
                let head = format!("n,a={user},\x01host={}\x01port={}\x01auth=Bearer ", c.host, c.port);
                [head.as_bytes(), c.secret.expose(), b"\x01\x01"].concat()
            }
            Mechanism::Login | Mechanism::CramMd5 => return None,
        };
        self.step = 1;
        Some(Secret::new(response))
    }

    /// The response to a challenge. For mechanisms with an initial response that was not sent along, the
    /// first (empty) challenge asks for it.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Secret, UnexpectedChallenge> {
        if self.step == 0
            && let Some(initial) = self.initial()
        {
            return Ok(initial);
        }
        let step = self.step;
        self.step += 1;
        match (self.mechanism, step) {
            // The prompts vary ("Username:", "User Name\0"): they are answered by their order.
            (Mechanism::Login, 0) => Ok(Secret::new(self.credentials.user.as_bytes())),
            (Mechanism::Login, 1) => Ok(self.credentials.secret.clone()),
            (Mechanism::CramMd5, 0) => Ok(Secret::new(cram_md5(challenge, self.credentials))),
            // A token was refused: the challenge says why, and the refusal proper follows once it was
            // answered (RFC 7628 §3.2.3; XOAUTH2 wants an empty line).
            (Mechanism::OAuthBearer, 1) => {
                self.complaint = Some(challenge.to_vec());
                Ok(Secret::new(*b"\x01"))
            }
            (Mechanism::XOAuth2, 1) => {
                self.complaint = Some(challenge.to_vec());
                Ok(Secret::new(*b""))
            }
            _ => Err(UnexpectedChallenge),
        }
    }

    /// Whether the mechanism has something left to send, so that a success now would be none.
    pub fn expects_more(&self) -> bool {
        let steps = if self.mechanism == Mechanism::Login { 2 } else { 1 };
        self.step < steps
    }

    /// What the server said about a refused token.
    pub fn complaint(&self) -> Option<&[u8]> {
        self.complaint.as_deref()
    }
}

/// `RFC 2195 §2`: the user name, a space, and the keyed digest of the challenge.
fn cram_md5(challenge: &[u8], credentials: &Credentials) -> Vec<u8> {
    let mut mac = match Hmac::<Md5>::new_from_slice(credentials.secret.expose()) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length (RFC 2104 §2)"),
    };
    mac.update(challenge);
    format!("{} {}", credentials.user, hex(&mac.finalize().into_bytes())).into_bytes()
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
mod tests {
    use super::*;

    fn credentials(user: &str, secret: &str) -> Credentials {
        Credentials {
            user: user.into(),
            secret: Secret::new(secret),
            host: "mail.example.org".into(),
            port: 995,
        }
    }

    #[test]
    fn plain_speaks_first_or_when_asked() {
        let c = credentials("tim", "tanstaaftanstaaf");
        let mut exchange = Exchange::new(Mechanism::Plain, &c);
        assert_eq!(exchange.initial().unwrap().expose(), b"\0tim\0tanstaaftanstaaf");
        assert!(exchange.respond(b"").is_err());
        let mut exchange = Exchange::new(Mechanism::Plain, &c);
        assert_eq!(exchange.respond(b"").unwrap().expose(), b"\0tim\0tanstaaftanstaaf");
        assert!(exchange.respond(b"").is_err());
    }

    #[test]
    fn login_answers_by_order_whatever_the_prompts() {
        let c = credentials("tim", "pw");
        let mut exchange = Exchange::new(Mechanism::Login, &c);
        assert!(exchange.initial().is_none());
        assert_eq!(exchange.respond(b"User Name\0").unwrap().expose(), b"tim");
        assert_eq!(exchange.respond(b"whatever").unwrap().expose(), b"pw");
        assert!(exchange.respond(b"again?").is_err());
    }

    #[test]
    fn cram_md5_matches_the_example_of_rfc_2195() {
        let c = credentials("tim", "tanstaaftanstaaf");
        let mut exchange = Exchange::new(Mechanism::CramMd5, &c);
        let response = exchange.respond(b"<1896.697170952@postoffice.reston.mci.net>").unwrap();
        assert_eq!(response.expose(), b"tim b913a602c7eda7a495b4e6e7334d3890");
    }

    #[test]
    fn apop_matches_the_example_of_rfc_1939() {
        let digest = apop_digest("<1896.697170952@dbc.mtview.ca.us>", &Secret::new("tanstaaf"));
        assert_eq!(digest, "c4c9334bac560ecc979e58001b3e22fb");
    }

    #[test]
    fn a_refused_token_is_acknowledged_and_the_reason_kept() {
        let c = credentials("a=b,c", "token");
        let mut exchange = Exchange::new(Mechanism::OAuthBearer, &c);
        let first = exchange.initial().unwrap();
        assert_eq!(
            first.expose(),
            b"n,a=a=3Db=2Cc,\x01host=mail.example.org\x01port=995\x01auth=Bearer token\x01\x01"
        );
        assert_eq!(exchange.respond(b"{\"status\":\"401\"}").unwrap().expose(), b"\x01");
        assert_eq!(exchange.complaint(), Some(&b"{\"status\":\"401\"}"[..]));
        let mut exchange = Exchange::new(Mechanism::XOAuth2, &c);
        assert_eq!(exchange.initial().unwrap().expose(), b"user=a=b,c\x01auth=Bearer token\x01\x01");
        assert!(exchange.respond(b"{}").unwrap().is_empty());
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        assert_eq!(Mechanism::from_name("cram-md5"), Some(Mechanism::CramMd5));
        assert_eq!(Mechanism::from_name("NTLM"), None);
    }
}
