//! Connects to a server: look-up, connection, and the TLS handshake if TLS comes first.

use super::connect::connect_first;
use super::limits::Limits;
use super::link::Link;
use super::look_up::resolve;
use super::proxy::Proxy;
use super::tls::Tls;
use super::wire::{Tap, Wire};
use crate::words::{Failure, Kind, Stage};
use std::net::SocketAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first octet (`RFC 8314 §3`).
    Implicit,
    /// TLS by STLS or STARTTLS, required (`RFC 2595 §4`, `RFC 3207 §4`).
    StartTls,
    None,
}

/// A server to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an IP address.
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// Whether a secret will be sent: then `Security::None` is refused except on loopback.
    pub carries_secret: bool,
    /// Whether the user allows that all the same.
    pub allow_plaintext_auth: bool,
    /// What it is reached through.
    pub proxy: Option<Proxy>,
}

impl Endpoint {
    /// `host:port`, the name of the server in failures.
    pub fn place(&self) -> String {
        if self.host.contains(':') && !self.host.starts_with('[') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Refuses to send a secret without TLS to another machine ([`Kind::Config`]). Behind a proxy every host is one.
    pub fn check_plaintext(&self, addresses: &[SocketAddr]) -> Result<(), Failure> {
        let exposed = self.security == Security::None && self.carries_secret && !self.allow_plaintext_auth;
        let is_here = self.proxy.is_none() && addresses.iter().all(|address| address.ip().is_loopback());
        if exposed && !is_here {
            let message = "authentication: refused, the connection has no TLS";
            return Err(Failure::new(Kind::Config, Stage::Authentication, message).at(self.place()).hint(
                "use tls = \"implicit\" or \"starttls\"; allow-plaintext-auth = true in the server's table sends the secret in clear",
            ));
        }
        Ok(())
    }
}

/// Connects to `endpoint`, through its proxy if it has one; TLS is still to come. Fails as [`dial`] does.
pub fn connect(endpoint: &Endpoint, limits: &Limits) -> Result<Box<dyn Link>, Failure> {
    if let Some(proxy) = &endpoint.proxy {
        endpoint.check_plaintext(&[])?;
        return proxy.connect(&endpoint.host, endpoint.port, &endpoint.place(), limits);
    }
    let place = endpoint.place();
    let addresses = resolve(&endpoint.host, endpoint.port, limits)
        .map_err(|error| error.failure(&place, Stage::LookUp))?;
    endpoint.check_plaintext(&addresses)?;
    let link = connect_first(&addresses, limits).map_err(|error| error.failure(&place, Stage::Connect))?;
    Ok(Box::new(link))
}

/// Connects to `endpoint`. With [`Security::Implicit`] the wire is under TLS on return; with
/// [`Security::StartTls`] the session starts it.
///
/// Fails with the kinds of [`super::NetError::kind`], and [`Kind::Config`] for a secret without TLS.
pub fn dial(
    endpoint: &Endpoint,
    tls: Option<&Tls>,
    limits: &Limits,
    tap: Option<Box<dyn Tap>>,
) -> Result<Wire, Failure> {
    let place = endpoint.place();
    let link = connect(endpoint, limits)?;
    let mut wire = Wire::new(link, place.clone(), limits.clone(), tap);
    if endpoint.security == Security::Implicit {
        let missing = || Failure::new(Kind::Internal, Stage::TlsHandshake, "no TLS was prepared").at(&place);
        wire.start_tls(tls.ok_or_else(missing)?, &endpoint.host)
            .map_err(|error| error.failure(&place, Stage::TlsHandshake))?;
    }
    Ok(wire)
}
