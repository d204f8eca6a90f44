//! A link: one connection to one server, plain or under TLS, that waits no longer than it is told.
//!
//! Sessions know only the trait; the tests bring a scripted link that plays any server.

use super::NetError;
use super::allowance::Allowance;
use std::io::{Read, Write};
use std::net::IpAddr;

/// A connection to a server.
///
/// Errors of `read` and `write` carry a [`NetError`]; [`NetError::from_io`] gets it out again.
pub trait Link: Read + Write {
    /// An operation begins: how long reads and writes may wait from now on.
    fn arm(&mut self, allowance: Allowance);

    /// Whether the next waits come with nothing left to send: the acknowledgement of what arrives then
    /// goes out at once, and a server that waits for it (Nagle) does not lose 40 ms.
    fn lock_step(&mut self, _on: bool) {}

    /// Puts TLS over the link: has `tls` do it, for the name `host`.
    fn secure(self: Box<Self>, tls: &dyn Secure, host: &str) -> Result<Box<dyn Link>, NetError>;

    /// What TLS agreed on; `None` on a plain link.
    fn tls(&self) -> Option<&TlsInfo>;

    /// This side's address, for the address literal of EHLO.
    fn local_ip(&self) -> Option<IpAddr> {
        None
    }
}

/// What puts TLS over a link, whatever that goes through: a connection, a proxy, a test.
pub trait Secure {
    /// Shakes hands over `link`, and verifies that it leads to `host`.
    fn secure(&self, link: Box<dyn Link>, host: &str) -> Result<Box<dyn Link>, NetError>;
}

/// What TLS agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.3`, `TLSv1.2`.
    pub version: String,
    /// The cipher suite's IANA name, or its number where postie has no name for it.
    pub cipher: String,
    /// The server's certificate (DER).
    pub certificate: Vec<u8>,
}
