//! A link: one connection to one server, plain or under TLS, that waits no longer than its [`Allowance`].
//!
//! Sessions know only the trait; tests use a scripted link that can play any server.

use super::NetError;
use super::allowance::Allowance;
use crate::codec::sasl::ChannelBinding;
use rustix::fd::BorrowedFd;
use std::io::{Read, Write};
use std::net::IpAddr;

/// A connection to a server.
///
/// Errors of `read` and `write` carry a [`NetError`]; [`NetError::from_io`] gets it out again.
pub trait Link: Read + Write + Send {
    /// Begins an operation: how long reads and writes may wait from now on.
    fn arm(&mut self, allowance: Allowance);

    /// Whether the client will wait with nothing to send. Then TCP acknowledges at once what arrives, so that a
    /// server that waits for that (Nagle's algorithm) does not lose 40 ms.
    fn lock_step(&mut self, _on: bool) {}

    /// Puts TLS over the link, by means of `tls`.
    fn secure(self: Box<Self>, tls: &dyn Secure, host: &str) -> Result<Box<dyn Link>, NetError>;

    /// What TLS agreed on; `None` on a plain link.
    fn tls(&self) -> Option<&TlsInfo>;

    /// What becomes readable when more may have come; `None` where there is nothing to wait for.
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// This side's address, for the address literal of EHLO.
    fn local_ip(&self) -> Option<IpAddr> {
        None
    }
}

/// Puts TLS over any link: a TCP connection, a test's.
pub trait Secure {
    /// Does the handshake over `link` and verifies that the server is `host`.
    fn secure(&self, link: Box<dyn Link>, host: &str) -> Result<Box<dyn Link>, NetError>;
}

/// What client and server agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.3`, `TLSv1.2`.
    pub version: String,
    /// The IANA name of the cipher suite, or `unknown`.
    pub cipher: String,
    /// The server's certificate (DER).
    pub certificate: Vec<u8>,
    /// What a login can be bound to.
    pub binding: Option<ChannelBinding>,
}
