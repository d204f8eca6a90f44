//! SASL (`RFC 4422`): the client's side of an authentication exchange. It takes the server's challenges and
//! gives the client's responses, both in base64 as on the wire; POP3 (`RFC 5034`) and SMTP (`RFC 4954`) only
//! frame them. There are no security layers (§3.7) and no authorization identities (§3.4.1).
//!
//! Each mechanism is a file of its own that knows only octets. To add one: a variant of [`Mechanism`] with its
//! name and its place in the order, and a [`MechanismClient`].

mod cram_md5;
mod login;
mod plain;
mod token;

use crate::words::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use std::fmt::{self, Write as _};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// `RFC 4616`.
    Plain,
    /// `draft-murchison-sasl-login`: obsolete, and still the only one some servers offer.
    Login,
    /// `RFC 2195`.
    CramMd5,
    /// Made by Google, used by Microsoft too; for OAuth2 access tokens.
    XOAuth2,
    /// `RFC 7628`, for OAuth2 access tokens.
    OAuthBearer,
}

impl Mechanism {
    /// Every mechanism, in the order in which it is chosen: those for passwords, then those for tokens.
    pub const ALL: [Mechanism; 5] =
        [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5, Mechanism::XOAuth2, Mechanism::OAuthBearer];

    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::CramMd5 => "CRAM-MD5",
            Mechanism::XOAuth2 => "XOAUTH2",
            Mechanism::OAuthBearer => "OAUTHBEARER",
        }
    }

    /// The mechanism of that name, in upper or lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// Whether the secret it takes is an OAuth2 access token rather than a password.
    pub fn wants_token(self) -> bool {
        matches!(self, Mechanism::XOAuth2 | Mechanism::OAuthBearer)
    }

    /// The best of those that the server offers (in upper case), for a token or a password.
    pub fn choose(offered: &[String], is_token: bool) -> Option<Self> {
        let fits = |mechanism: &Mechanism| mechanism.wants_token() == is_token && mechanism.is_in(offered);
        Self::ALL.into_iter().find(fits)
    }

    pub fn is_in(self, offered: &[String]) -> bool {
        offered.iter().any(|name| name == self.name())
    }
}

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
}

/// Whether the server, which offers these mechanisms, takes OAuth2 access tokens.
pub fn takes_tokens(offered: &[String]) -> bool {
    Mechanism::choose(offered, true).is_some()
}

/// What to try where the server, which offers these mechanisms, does not take this kind of login.
pub fn advice(offered: &[String], is_token: bool) -> &'static str {
    if !is_token && takes_tokens(offered) {
        "the server wants an OAuth2 access token instead of a password: token-command, or --token-command"
    } else if is_token {
        "the server takes no OAuth2 tokens here: use a password, or an app password"
    } else {
        "auth = \"…\" in the account names one of those that postie has; or ask the provider which one it wants"
    }
}

/// What a client sends to cancel an exchange (`RFC 4954 §4`, `RFC 5034 §4`).
pub const CANCEL: &str = "*";

/// The server's challenge makes no sense: it is not base64 where that matters, or the mechanism has no
/// response left. The exchange must be cancelled ([`CANCEL`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonsense;

/// The client's side of one mechanism. No initial response (`None`) and an empty one (`Some(vec![])`) are not
/// the same.
trait MechanismClient: fmt::Debug {
    /// The initial response, if the client speaks first.
    fn first(&mut self) -> Option<Vec<u8>>;
    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, Nonsense>;
    /// Whether it has sent all it has to send. The server's success counts only then.
    fn is_done(&self) -> bool;
    /// Whether the response depends on the challenge. Where it does not, the challenge need not be base64: some
    /// servers send plain text.
    fn reads_challenges(&self) -> bool {
        false
    }
    /// What the server said about a refused token.
    fn complaint(&self) -> Option<&[u8]> {
        None
    }
}

/// A line sent by the client in an exchange.
#[derive(Debug)]
pub struct Response {
    /// In base64.
    pub line: Secret,
    /// The decoded line, if it is or contains a secret; the user's name alone is not one.
    pub secret: Option<Secret>,
}

#[derive(Debug)]
pub struct Exchange {
    client: Box<dyn MechanismClient>,
    user: Vec<u8>,
    /// The initial response, until it is sent.
    waiting: Option<Vec<u8>>,
}

impl Exchange {
    pub fn start(mechanism: Mechanism, credentials: &Credentials) -> Self {
        let mut client: Box<dyn MechanismClient> = match mechanism {
            Mechanism::Plain => Box::new(plain::Plain::new(credentials)),
            Mechanism::Login => Box::new(login::LoginClient::new(credentials)),
            Mechanism::CramMd5 => Box::new(cram_md5::CramMd5::new(credentials)),
            Mechanism::XOAuth2 => Box::new(token::XOAuth2::new(credentials)),
            Mechanism::OAuthBearer => Box::new(token::OAuthBearer::new(credentials)),
        };
        let waiting = client.first();
        Exchange { client, user: credentials.user.as_bytes().to_vec(), waiting }
    }

    /// The initial response to send in the command itself (`=` if it is empty), if there is one and it has at
    /// most `longest` octets. A longer one answers the first challenge, which is then empty.
    pub fn initial(&mut self, longest: usize) -> Option<Response> {
        let first = self.waiting.take()?;
        let mut response = self.response(first.clone());
        if response.line.is_empty() {
            response.line = Secret::new("=");
        }
        if response.line.expose().len() > longest {
            self.waiting = Some(first);
            return None;
        }
        Some(response)
    }

    /// The response to a challenge in base64.
    pub fn answer(&mut self, challenge: &[u8]) -> Result<Response, Nonsense> {
        if let Some(first) = self.waiting.take() {
            return Ok(self.response(first));
        }
        let text = challenge.trim_ascii();
        let octets = match STANDARD.decode(text) {
            Ok(octets) => octets,
            Err(_) if self.client.reads_challenges() => return Err(Nonsense),
            Err(_) => text.to_vec(),
        };
        let octets = self.client.respond(&octets)?;
        Ok(self.response(octets))
    }

    fn response(&self, octets: Vec<u8>) -> Response {
        let line = Secret::new(STANDARD.encode(&octets));
        let secret = (octets.len() > 1 && octets != self.user).then(|| Secret::new(octets));
        Response { line, secret }
    }

    /// Whether the mechanism has nothing left to send or to check. The server's success counts only then.
    pub fn is_finished(&self) -> bool {
        self.waiting.is_none() && self.client.is_done()
    }

    /// What the server said about a refused token.
    pub fn complaint(&self) -> Option<&[u8]> {
        self.client.complaint()
    }
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

    fn decoded(response: &Response) -> Vec<u8> {
        STANDARD.decode(response.line.expose()).unwrap()
    }

    fn answer(exchange: &mut Exchange, challenge: &[u8]) -> Result<Vec<u8>, Nonsense> {
        exchange.answer(STANDARD.encode(challenge).as_bytes()).map(|answer| decoded(&answer))
    }

    #[test]
    fn plain_speaks_first_or_when_asked() {
        let c = credentials("tim", "tanstaaftanstaaf");
        for longest in [1000, 3] {
            let mut exchange = Exchange::start(Mechanism::Plain, &c);
            assert!(!exchange.is_finished());
            let first = match exchange.initial(longest) {
                Some(first) => decoded(&first),
                None => answer(&mut exchange, b"").unwrap(),
            };
            assert_eq!(first, b"\0tim\0tanstaaftanstaaf");
            assert!(exchange.is_finished());
            assert!(answer(&mut exchange, b"").is_err());
        }
    }

    #[test]
    fn login_answers_by_order_whatever_the_prompts() {
        let mut exchange = Exchange::start(Mechanism::Login, &credentials("tim", "pw"));
        assert!(exchange.initial(1000).is_none());
        assert_eq!(answer(&mut exchange, b"User Name\0").unwrap(), b"tim");
        assert!(!exchange.is_finished());
        assert_eq!(decoded(&exchange.answer(b"Password, please!").unwrap()), b"pw", "prose");
        assert!(exchange.is_finished());
        assert!(answer(&mut exchange, b"again?").is_err());
    }

    #[test]
    fn cram_md5_matches_the_example_of_rfc_2195() {
        let c = credentials("tim", "tanstaaftanstaaf");
        let mut exchange = Exchange::start(Mechanism::CramMd5, &c);
        let response = answer(&mut exchange, b"<1896.697170952@postoffice.reston.mci.net>").unwrap();
        assert_eq!(response, b"tim b913a602c7eda7a495b4e6e7334d3890");
    }

    #[test]
    fn a_challenge_that_is_no_base64_makes_no_sense_where_it_is_to_be_digested() {
        let c = credentials("tim", "tanstaaftanstaaf");
        for challenge in [&b"!!!"[..], b"ready", b"PDE4OTY", b"=", b"\xff"] {
            let mut exchange = Exchange::start(Mechanism::CramMd5, &c);
            assert_eq!(exchange.answer(challenge).unwrap_err(), Nonsense, "{challenge:?}");
        }
    }

    #[test]
    fn apop_matches_the_example_of_rfc_1939() {
        let digest = apop_digest("<1896.697170952@dbc.mtview.ca.us>", &Secret::new("tanstaaf"));
        assert_eq!(digest, "c4c9334bac560ecc979e58001b3e22fb");
    }

    #[test]
    fn a_refused_token_is_acknowledged_and_the_reason_kept() {
        let c = credentials("a=b,c", "token");
        let mut exchange = Exchange::start(Mechanism::OAuthBearer, &c);
        assert_eq!(
            decoded(&exchange.initial(1000).unwrap()),
            b"n,a=a=3Db=2Cc,\x01host=mail.example.org\x01port=995\x01auth=Bearer token\x01\x01"
        );
        assert_eq!(answer(&mut exchange, b"{\"status\":\"401\"}").unwrap(), b"\x01");
        assert_eq!(exchange.complaint(), Some(&b"{\"status\":\"401\"}"[..]));
        let mut exchange = Exchange::start(Mechanism::XOAuth2, &c);
        let first = decoded(&exchange.initial(1000).unwrap());
        assert_eq!(first, b"user=a=b,c\x01auth=Bearer token\x01\x01");
        assert!(answer(&mut exchange, b"{}").unwrap().is_empty());
    }

    #[test]
    fn names_are_found_whatever_their_case_and_the_best_is_chosen() {
        assert_eq!(Mechanism::from_name("cram-md5"), Some(Mechanism::CramMd5));
        assert_eq!(Mechanism::from_name("NTLM"), None);
        let offered = |names: &str| names.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (names, is_token, best) in [
            ("CRAM-MD5 LOGIN PLAIN", false, Some(Mechanism::Plain)),
            ("CRAM-MD5 LOGIN XOAUTH2", false, Some(Mechanism::Login)),
            ("GSSAPI CRAM-MD5", false, Some(Mechanism::CramMd5)),
            ("OAUTHBEARER XOAUTH2 PLAIN", true, Some(Mechanism::XOAuth2)),
            ("OAUTHBEARER PLAIN", true, Some(Mechanism::OAuthBearer)),
            ("PLAIN LOGIN", true, None),
            ("XOAUTH2 SCRAM-SHA-256", false, None),
        ] {
            assert_eq!(Mechanism::choose(&offered(names), is_token), best, "{names}");
        }
    }

    #[test]
    fn control_characters_are_refused_in_user_and_secret() {
        for octet in (0..32).chain([127]) {
            let odd = format!("a{}b", char::from(octet));
            assert!(credentials(&odd, "x").check().is_err(), "user with {octet}");
            assert!(credentials("x", &odd).check().is_err(), "secret with {octet}");
        }
        assert!(credentials("\u{e4}na", "p\u{e4}ss \"%41\\ word").check().is_ok());
    }
}
