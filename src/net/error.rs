//! Errors of the network layer.

use super::certificate::Certificate;
use crate::words::{Failure, Kind, Stage};
use jiff::Timestamp;
use std::fmt;
use std::io;

#[derive(Debug)]
pub enum NetError {
    NoSuchHost(String),
    /// The name service did not answer.
    NameService(String),
    /// No address of the host accepted the connection.
    Connect(io::Error),
    /// The operation took longer than allowed (`--timeout`).
    Timeout,
    /// The whole run took longer than allowed (`--max-time`).
    RunOver,
    /// The server ended the connection.
    Closed,
    Lost(io::Error),
    /// A line is longer than its bound in octets.
    LineTooLong(usize),
    /// A multi-line reply has more lines or octets than its bound.
    TooMuch(usize),
    /// A signal asked to stop.
    Stopped,
    /// The server sent octets in clear after agreeing to TLS: somebody may have injected them.
    Injected,
    /// The server's certificate is not trusted.
    Untrusted(Box<Untrusted>),
    /// The fingerprint is not the pinned one but this.
    WrongFingerprint(String),
    /// Client and server have no TLS version or cipher in common.
    NoCommonTls(String),
    /// The server does not speak TLS here.
    NotTls,
    /// The server does not take the client's certificate, or wants one; its alert.
    ClientRefused(&'static str),
    /// TLS failed for another reason.
    Tls(String),
    /// TLS cannot be set up on the client's side (a broken trust store).
    TlsSetup(String),
    /// An earlier error left the dialogue out of step.
    Broken,
}

impl NetError {
    /// Takes the [`NetError`] out of the [`io::Error`] that a [`Link`](super::Link) returned.
    pub fn from_io(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => NetError::Timeout,
            io::ErrorKind::UnexpectedEof => NetError::Closed,
            _ => error.downcast::<NetError>().unwrap_or_else(NetError::Lost),
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            NetError::NoSuchHost(_) => Kind::NoHost,
            NetError::NameService(_) | NetError::Connect(_) | NetError::Closed | NetError::Lost(_) => {
                Kind::Network
            }
            NetError::Timeout | NetError::RunOver => Kind::Timeout,
            NetError::LineTooLong(_) | NetError::TooMuch(_) | NetError::Injected => Kind::Protocol,
            NetError::NotTls | NetError::Tls(_) | NetError::Broken => Kind::Protocol,
            NetError::Stopped => Kind::Interrupted,
            NetError::Untrusted(_) | NetError::WrongFingerprint(_) => Kind::Certificate,
            NetError::NoCommonTls(_) => Kind::Missing,
            NetError::ClientRefused(_) => Kind::Auth,
            NetError::TlsSetup(_) => Kind::Config,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            NetError::NoSuchHost(_) => "check the host name for a typing error",
            NetError::NameService(_) => "the name service is not reachable: is the network up?",
            NetError::Connect(_) => "check host and port; a firewall may be in the way",
            NetError::Timeout => {
                "a firewall may be in the way, or the port speaks the other TLS mode (`postie test-account` tries it); \
                 --timeout allows more time"
            }
            NetError::WrongFingerprint(_) => {
                "if the server has a new certificate, verify it and pin the new fingerprint"
            }
            NetError::NotTls => {
                "this port may want tls = \"starttls\" (pop3://, imap:// or smtp:// in a URL)"
            }
            NetError::NoCommonTls(_) => "the server offers nothing as new as TLS 1.2",
            NetError::ClientRefused(_) => {
                "client-certificate and client-key name the certificate to show; ask who runs the server which one it takes"
            }
            _ => return None,
        })
    }

    /// The failure for the layers above: `place` is the server, `stage` what was tried.
    pub fn failure(&self, place: &str, stage: Stage) -> Failure {
        let failure = Failure::new(self.kind(), stage, format!("{stage}: {self}")).at(place);
        match (self, self.hint()) {
            (NetError::Untrusted(why), _) => failure.hint(why.hint()),
            (_, Some(hint)) => failure.hint(hint),
            (_, None) => failure,
        }
    }
}

/// What is wrong with a certificate that is not trusted. Trusting another authority helps only with the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// It does not lead to a trusted authority, and nothing else is wrong.
    NoAuthority,
    /// It is for other names.
    OtherName,
    /// It, or one of its issuers', was valid until then.
    Expired(Timestamp),
    /// It, or one of its issuers', is valid only from then on.
    NotYetValid(Timestamp),
    /// Something else: a key too weak, a purpose other than a server's, an authority that was rejected.
    Other,
}

/// A certificate that is not trusted, and why.
#[derive(Clone, Debug)]
pub struct Untrusted {
    pub cause: Distrust,
    /// OpenSSL's text.
    pub reason: String,
    /// The host it should be for.
    pub host: String,
    /// The certificate, if it can be read.
    pub certificate: Option<Certificate>,
}

/// The most names of a certificate in a message.
const MOST_NAMES: usize = 10;

impl Untrusted {
    /// The names that the certificate is for.
    fn names(&self) -> String {
        let Some(certificate) = &self.certificate else { return "other names".into() };
        if certificate.names.is_empty() {
            return certificate.subject.clone();
        }
        let first = certificate.names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
        match certificate.names.len().checked_sub(MOST_NAMES) {
            None | Some(0) => first,
            Some(more) => format!("{first} and {more} more"),
        }
    }

    fn hint(&self) -> String {
        match (self.cause, &self.certificate) {
            (Distrust::NoAuthority, Some(it)) => format!(
                "its authority ({}) is not among the trusted ones: --ca-file trusts an authority, --tls-fingerprint sha256:{} this one certificate",
                it.issuer,
                it.fingerprint.hex()
            ),
            (Distrust::NoAuthority, None) => "--ca-file trusts an authority".into(),
            (Distrust::OtherName, _) => "use one of those names as the host".into(),
            (Distrust::Expired(_), _) => {
                "is this machine's clock right? If you run the server, renew the certificate; else tell those who do"
                    .into()
            }
            (Distrust::NotYetValid(_), _) => "is this machine's clock right?".into(),
            (Distrust::Other, _) => "those who run the server have to mend its certificate".into(),
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server's certificate is not trusted: {}", self.reason)?;
        match self.cause {
            Distrust::OtherName => write!(f, "; it is for {}, not for {}", self.names(), self.host),
            Distrust::Expired(until) => write!(f, "; it was valid until {until}"),
            Distrust::NotYetValid(from) => write!(f, "; it is valid only from {from}"),
            Distrust::NoAuthority | Distrust::Other => Ok(()),
        }
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetError::NoSuchHost(detail) => write!(f, "the host name is unknown ({detail})"),
            NetError::NameService(detail) => write!(f, "the host name cannot be looked up now ({detail})"),
            NetError::Connect(error) => write!(f, "cannot connect: {error}"),
            NetError::Timeout => f.write_str("no answer in time"),
            NetError::RunOver => f.write_str("the time of the whole run (--max-time) is over"),
            NetError::Closed => f.write_str("the server closed the connection"),
            NetError::Lost(error) => write!(f, "the connection was lost: {error}"),
            NetError::LineTooLong(limit) => write!(f, "the server sent a line of more than {limit} octets"),
            NetError::TooMuch(limit) => write!(f, "the server sent a list longer than {limit}"),
            NetError::Stopped => f.write_str("stopped by a signal"),
            NetError::Injected => {
                f.write_str("the server sent data in clear after it agreed to TLS; somebody may be tampering")
            }
            NetError::Untrusted(why) => why.fmt(f),
            NetError::WrongFingerprint(found) => {
                write!(f, "the certificate's fingerprint is not the pinned one but sha256:{found}")
            }
            NetError::NoCommonTls(detail) => write!(f, "no TLS version or cipher in common: {detail}"),
            NetError::NotTls => f.write_str("what the server sent is not TLS"),
            NetError::ClientRefused(alert) => {
                write!(f, "the server refused the client by its certificate: {alert}")
            }
            NetError::Tls(detail) => write!(f, "TLS failed: {detail}"),
            NetError::TlsSetup(detail) => write!(f, "TLS cannot be set up: {detail}"),
            NetError::Broken => f.write_str("the dialogue is out of step"),
        }
    }
}

impl std::error::Error for NetError {}

impl From<NetError> for io::Error {
    fn from(error: NetError) -> Self {
        match error {
            NetError::Lost(error) => error,
            other => io::Error::other(other),
        }
    }
}
