//! Asks an authorization server what it says about itself (`RFC 8414 §3`; OpenID Connect Discovery 1.0 §4).

use super::endpoint;
use super::provider::Endpoints;
use crate::codec::oauth::metadata::{self, Metadata};
use crate::net::Http;
use crate::words::{Failure, Kind, Stage};

/// The most octets of a document, and redirects to it.
const MOST: usize = 64 * 1024;
const REDIRECTS: u32 = 3;

/// The document of `issuer`.
///
/// Fails with [`Kind::Config`] if there is none or it is another's, [`Kind::Deferred`] if the server is ill, and as
/// [`Http::get`].
pub fn discover(http: &Http, issuer: &str) -> Result<Metadata, Failure> {
    let place = endpoint::place(issuer);
    let fault = |kind, what: String| {
        Failure::new(kind, Stage::Authorization, format!("reading what {issuer} says about itself: {what}"))
            .at(&place)
    };
    let addresses = metadata::addresses(issuer).map_err(|what| fault(Kind::Config, what))?;
    let mut seen = Vec::new();
    for address in &addresses {
        let answer = http.get(address, "application/json", REDIRECTS, MOST)?;
        match answer.status {
            200 => match metadata::read(&answer.body, issuer) {
                Ok(metadata) => return Ok(metadata),
                Err(what) => seen.push(format!("{address}: {what}")),
            },
            429 | 500.. => return Err(fault(Kind::Deferred, format!("{address}: HTTP {}", answer.status))),
            status => seen.push(format!("{address}: HTTP {status}")),
        }
    }
    Err(fault(Kind::Config, seen.join("; ")).hint(
        "oauth.issuer must be exactly the name that the server gives itself; oauth.authorize-url and oauth.token-url do \
         without it",
    ))
}

impl From<&Metadata> for Endpoints {
    fn from(metadata: &Metadata) -> Endpoints {
        Endpoints {
            authorize: metadata.authorization_endpoint.clone(),
            token: Some(metadata.token_endpoint.clone()),
            device: metadata.device_authorization_endpoint.clone(),
            revoke: metadata.revocation_endpoint.clone(),
            register: metadata.registration_endpoint.clone(),
        }
    }
}
