//! Makes TLS connections: a connector with the trusted authorities loaded, and the stream that it makes.
//!
//! To verify a certificate OpenSSL is used directly: it looks authorities up as they are needed, and gives its
//! verdict as a value. If nothing is to be verified (the certificate is pinned), native-tls is used.

use super::judge::{Judge, expect_host};
use super::roots::Roots;
use super::underlay::Underlay;
use crate::net::NetError;
use native_tls::{HandshakeError, Protocol, TlsConnector, TlsStream};
use openssl::error::ErrorStack;
use openssl::ssl::{
    self, Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslStream, SslVerifyMode,
    SslVersion,
};
use openssl::x509::X509;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// The cipher suites of TLS 1.2 that native-tls allows.
const SUITES: &str = "DEFAULT:!aNULL:!eNULL:!MD5:!3DES:!DES:!RC4:!IDEA:!SEED:!aDSS:!SRP:!PSK";

pub(super) enum Connector {
    /// OpenSSL; certificates are verified.
    Direct(SslContext, Arc<Roots>),
    /// native-tls; nothing is verified.
    Blind(TlsConnector),
}

impl Connector {
    /// Trusts the system's authorities and `more`; with `blind`, any certificate.
    pub fn build(more: Vec<X509>, blind: bool) -> Result<Self, String> {
        if blind {
            return blind_connector().map(Connector::Blind).map_err(|error| error.to_string());
        }
        let roots = Roots::find(more);
        let context = direct(&roots).map_err(|error| error.to_string())?;
        Ok(Connector::Direct(context, Arc::new(roots)))
    }

    /// Does the handshake over `underlay`. A host name is compared with the certificate's names, an IP address
    /// with its addresses.
    pub fn connect(&self, host: &str, underlay: Underlay) -> Result<EncryptedStream, NetError> {
        match self {
            Connector::Direct(context, roots) => {
                let refusal = Arc::new(Mutex::new(None));
                let judge =
                    Judge { roots: Arc::clone(roots), host: host.to_owned(), refusal: Arc::clone(&refusal) };
                let ssl = session(context, judge).map_err(|error| NetError::TlsSetup(error.to_string()))?;
                ssl.connect(underlay).map(EncryptedStream::Direct).map_err(|error| {
                    // Why a certificate was refused says more than OpenSSL's own error.
                    let refused = refusal.lock().ok().and_then(|mut refusal| refusal.take());
                    refused.map_or_else(|| direct_failure(&error), |why| NetError::Untrusted(Box::new(why)))
                })
            }
            Connector::Blind(connector) => {
                connector.connect(host, underlay).map(EncryptedStream::Native).map_err(native_failure)
            }
        }
    }
}

fn blind_connector() -> native_tls::Result<TlsConnector> {
    TlsConnector::builder()
        .min_protocol_version(Some(Protocol::Tlsv12))
        .disable_built_in_roots(true)
        .danger_accept_invalid_certs(true)
        .danger_accept_invalid_hostnames(true)
        .build()
}

fn direct(roots: &Roots) -> Result<SslContext, ErrorStack> {
    let mut context = SslContextBuilder::new(SslMethod::tls_client())?;
    context.set_options(SslOptions::ALL | SslOptions::NO_COMPRESSION);
    context.set_mode(
        SslMode::AUTO_RETRY
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::RELEASE_BUFFERS,
    );
    context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    context.set_cipher_list(SUITES)?;
    context.set_cert_store(roots.first()?.build());
    context.set_verify(SslVerifyMode::PEER);
    Ok(context.build())
}

/// A session with the host of `judge`: the name is sent to the server (`RFC 6066 §3`), and the certificate must
/// be for it.
fn session(context: &SslContext, judge: Judge) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(context)?;
    if judge.host.parse::<IpAddr>().is_err() {
        ssl.set_hostname(&judge.host)?;
    }
    expect_host(ssl.param_mut(), &judge.host)?;
    ssl.set_verify_callback(SslVerifyMode::PEER, move |fine, context| judge.go_on(fine, context));
    Ok(ssl)
}

fn direct_failure(error: &ssl::HandshakeError<Underlay>) -> NetError {
    match error {
        ssl::HandshakeError::SetupFailure(error) => NetError::TlsSetup(error.to_string()),
        // Cannot happen: the underlay waits by itself.
        ssl::HandshakeError::WouldBlock(_) => NetError::Timeout,
        ssl::HandshakeError::Failure(failed) => classify(&failed.error().to_string()),
    }
}

fn native_failure(error: HandshakeError<Underlay>) -> NetError {
    match error {
        HandshakeError::Failure(error) => classify(&error.to_string()),
        HandshakeError::WouldBlock(_) => NetError::Timeout,
    }
}

/// The cause of a failed handshake, other than a certificate. OpenSSL gives it only as text.
fn classify(text: &str) -> NetError {
    let has = |needle: &str| text.contains(needle);
    let short = text
        .split(':')
        .rev()
        .find(|part| part.trim().len() > 4 && !part.contains(".c"))
        .unwrap_or(text)
        .trim()
        .to_owned();
    if [
        "unsupported protocol",
        "protocol version",
        "no protocols available",
        "version too low",
        "handshake failure",
        "no shared cipher",
        "insufficient security",
    ]
    .iter()
    .any(|needle| has(needle))
    {
        return NetError::NoCommonTls(short);
    }
    if [
        "wrong version number",
        "packet length too long",
        "http request",
        "unknown protocol",
        "record layer failure",
    ]
    .iter()
    .any(|needle| has(needle))
    {
        return NetError::NotTls;
    }
    if has("unexpected eof") || has("unexpected EOF") {
        return NetError::Closed;
    }
    NetError::Tls(short)
}

pub(super) enum EncryptedStream {
    Direct(SslStream<Underlay>),
    Native(TlsStream<Underlay>),
}

impl EncryptedStream {
    /// The server's certificate (DER).
    pub fn certificate(&self) -> Result<Vec<u8>, NetError> {
        let none = || NetError::Tls("the server showed no certificate".into());
        match self {
            EncryptedStream::Direct(stream) => {
                let certificate = stream.ssl().peer_certificate().ok_or_else(none)?;
                certificate.to_der().map_err(|error| NetError::Tls(error.to_string()))
            }
            EncryptedStream::Native(stream) => {
                let certificate = stream.peer_certificate().ok().flatten().ok_or_else(none)?;
                certificate.to_der().map_err(|error| NetError::Tls(error.to_string()))
            }
        }
    }

    pub fn underlay(&self) -> &Underlay {
        match self {
            EncryptedStream::Direct(stream) => stream.get_ref(),
            EncryptedStream::Native(stream) => stream.get_ref(),
        }
    }

    pub fn underlay_mut(&mut self) -> &mut Underlay {
        match self {
            EncryptedStream::Direct(stream) => stream.get_mut(),
            EncryptedStream::Native(stream) => stream.get_mut(),
        }
    }
}

impl Read for EncryptedStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            EncryptedStream::Direct(stream) => stream.read(into),
            EncryptedStream::Native(stream) => stream.read(into),
        }
    }
}

impl Write for EncryptedStream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            EncryptedStream::Direct(stream) => stream.write(from),
            EncryptedStream::Native(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            EncryptedStream::Direct(stream) => stream.flush(),
            EncryptedStream::Native(stream) => stream.flush(),
        }
    }
}
