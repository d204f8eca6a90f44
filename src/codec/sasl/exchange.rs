//! One authentication exchange (`RFC 4422 §3`): what is the same for every mechanism.

use super::advice::not_ours;
use super::client::{ExchangeFault, ExchangeSetting, MechanismClient};
use super::{Credentials, Mechanism, cram_md5, external, login, plain, scram, token};
use crate::words::{Failure, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a client sends to cancel an exchange (`RFC 4954 §4`, `RFC 5034 §4`).
pub const CANCEL: &str = "*";

/// A line sent by the client in an exchange.
#[derive(Debug)]
pub struct ClientResponse {
    /// In base64.
    pub line: Secret,
    /// The decoded line, if it is or contains a secret; the user's name alone is not one.
    pub secret: Option<Secret>,
}

/// The most challenges of one exchange. No mechanism needs a tenth of them, and a program that plays one
/// ([`super::Helper`]) may answer for ever.
const MOST_CHALLENGES: u32 = 500;

#[derive(Debug)]
pub struct Exchange {
    client: Box<dyn MechanismClient>,
    /// How many challenges have come.
    challenges: u32,
    user: Vec<u8>,
    /// The initial response, until it is sent.
    waiting: Option<Vec<u8>>,
}

impl Exchange {
    /// Fails if the mechanism cannot be used with this secret ([`crate::words::Kind::Config`]), over this connection
    /// ([`crate::words::Kind::Missing`]), or if the helper does not start.
    pub fn start(
        mechanism: Mechanism,
        credentials: &Credentials,
        setting: ExchangeSetting<'_>,
    ) -> Result<Self, Failure> {
        let mut client: Box<dyn MechanismClient> = match (setting.helper, mechanism) {
            (Some(helper), mechanism) => helper.start(mechanism.name(), credentials, setting.binding)?,
            (None, Mechanism::Plain) => Box::new(plain::Plain::new(credentials)),
            (None, Mechanism::Login) => Box::new(login::LoginClient::new(credentials)),
            (None, Mechanism::CramMd5) => Box::new(cram_md5::CramMd5::new(credentials)),
            (None, Mechanism::XOAuth2) => Box::new(token::XOAuth2::new(credentials)),
            (None, Mechanism::OAuthBearer) => Box::new(token::OAuthBearer::new(credentials)),
            (None, Mechanism::External) => Box::new(external::External::new(credentials)),
            (None, Mechanism::Scram(scram)) => Box::new(scram::Scram::new(scram, credentials, setting)?),
            // Kerberos is the system's, so a helper plays it, too.
            (None, Mechanism::Gssapi | Mechanism::Other(_)) => return Err(not_ours(mechanism.name())),
        };
        let waiting = client.first();
        Ok(Exchange { client, challenges: 0, user: credentials.user.as_bytes().to_vec(), waiting })
    }

    /// The initial response to send in the command itself (`=` if it is empty), if there is one and it has at
    /// most `longest` octets. A longer one answers the first challenge, which is then empty.
    pub fn initial(&mut self, longest: usize) -> Option<ClientResponse> {
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
    pub fn answer(&mut self, challenge: &[u8]) -> Result<ClientResponse, ExchangeFault> {
        self.challenges = self.challenges.saturating_add(1);
        if self.challenges > MOST_CHALLENGES {
            return Err(ExchangeFault::Nonsense("the server asks without end"));
        }
        if let Some(first) = self.waiting.take() {
            return Ok(self.response(first));
        }
        let text = challenge.trim_ascii();
        let octets = match STANDARD.decode(text) {
            Ok(octets) => self.client.respond(&octets)?,
            Err(_) => self.client.respond_to_prose(text)?,
        };
        Ok(self.response(octets))
    }

    fn response(&self, octets: Vec<u8>) -> ClientResponse {
        let line = Secret::new(STANDARD.encode(&octets));
        let secret = (octets.len() > 1 && octets != self.user).then(|| Secret::new(octets));
        ClientResponse { line, secret }
    }

    /// The server says that the user is logged in, with this text. Fails if the mechanism has something left to send,
    /// or to check that is not in the text either.
    pub fn accept(&mut self, text: &[u8]) -> Result<(), ExchangeFault> {
        match (&self.waiting, self.client.is_done()) {
            (None, true) => Ok(()),
            (None, false) => self.client.conclude(text),
            (Some(_), _) => Err(ExchangeFault::NONSENSE),
        }
    }

    /// Whether the server can only accept or refuse now.
    pub fn is_at_its_end(&self) -> bool {
        self.waiting.is_none() && !self.client.may_be_asked()
    }

    /// What the server said about a refused login before it refused it.
    pub fn complaint(&self) -> Option<&[u8]> {
        self.client.complaint()
    }
}
