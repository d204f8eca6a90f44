//! The mechanisms for OAuth2 access tokens: OAUTHBEARER (`RFC 7628`) and its forerunner XOAUTH2 (Google,
//! Microsoft). If the token is refused, a challenge gives the reason in JSON (`RFC 7628 §3.2.2`); the refusal
//! itself comes after the client has answered that challenge.

use super::Credentials;
use super::client::{ExchangeFault, MechanismClient};
use crate::words::Secret;

/// What both mechanisms share.
#[derive(Debug)]
struct TokenExchange {
    first: Secret,
    complaint: Option<Vec<u8>>,
}

impl TokenExchange {
    fn complain(&mut self, challenge: &[u8]) -> Result<(), ExchangeFault> {
        match self.complaint.replace(challenge.to_vec()) {
            None => Ok(()),
            Some(_) => Err(ExchangeFault::NONSENSE),
        }
    }
}

#[derive(Debug)]
pub(super) struct XOAuth2(TokenExchange);

impl XOAuth2 {
    pub fn new(c: &Credentials) -> Self {
        let first =
            [b"user=", c.user.as_bytes(), b"\x01auth=Bearer ", c.secret.expose(), b"\x01\x01"].concat();
        XOAuth2(TokenExchange { first: Secret::new(first), complaint: None })
    }
}

impl MechanismClient for XOAuth2 {
    fn first(&mut self) -> Option<Vec<u8>> {
        Some(self.0.first.expose().to_vec())
    }

    /// The response is an empty line.
    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        self.0.complain(challenge).map(|()| Vec::new())
    }

    fn respond_to_prose(&mut self, text: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        self.respond(text)
    }

    fn is_done(&self) -> bool {
        true
    }

    fn complaint(&self) -> Option<&[u8]> {
        self.0.complaint.as_deref()
    }
}

#[derive(Debug)]
pub(super) struct OAuthBearer(TokenExchange);

impl OAuthBearer {
    pub fn new(c: &Credentials) -> Self {
        let user = c.user.replace('=', "=3D").replace(',', "=2C");
        let head = format!("n,a={user},\x01host={}\x01port={}\x01auth=Bearer ", c.host, c.port);
        let first = [head.as_bytes(), c.secret.expose(), b"\x01\x01"].concat();
        OAuthBearer(TokenExchange { first: Secret::new(first), complaint: None })
    }
}

impl MechanismClient for OAuthBearer {
    fn first(&mut self) -> Option<Vec<u8>> {
        Some(self.0.first.expose().to_vec())
    }

    /// `RFC 7628 §3.2.3`: a lone `%x01`.
    fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        self.0.complain(challenge).map(|()| b"\x01".to_vec())
    }

    fn respond_to_prose(&mut self, text: &[u8]) -> Result<Vec<u8>, ExchangeFault> {
        self.respond(text)
    }

    fn is_done(&self) -> bool {
        true
    }

    fn complaint(&self) -> Option<&[u8]> {
        self.0.complaint.as_deref()
    }
}
