//! Trust made ready: a connector that knows whom to believe, and the stream that it makes.
//!
//! native-tls reads every authority of the system before it can begin, which takes longer than all the
//! rest of a small session. Where the system has them as a directory of hashed names (`roots`), OpenSSL is
//! used directly, with the settings that native-tls has, and looks up the one that it needs.

use super::roots;
use super::underlay::Underlay;
use crate::net::NetError;
use native_tls::{Certificate, HandshakeError, Protocol, TlsConnector, TlsStream};
use openssl::error::ErrorStack;
use openssl::ssl::{
    self, Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslMode, SslOptions, SslStream,
    SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use openssl::x509::X509VerifyResult;
use openssl::x509::store::{X509Lookup, X509StoreBuilder};
use openssl::x509::verify::X509CheckFlags;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::path::PathBuf;

/// The suites of TLS 1.2: those that native-tls allows.
const SUITES: &str = "DEFAULT:!aNULL:!eNULL:!MD5:!3DES:!DES:!RC4:!IDEA:!SEED:!aDSS:!SRP:!PSK";

/// Makes streams.
pub(super) enum Connector {
    /// OpenSSL by itself; the authorities are looked up as they are needed.
    Direct(SslContext),
    /// native-tls; all authorities were read.
    Native(TlsConnector),
}

impl Connector {
    /// A connector that trusts the system's authorities and `more`; a `blind` one trusts anybody.
    pub fn build(more: Vec<X509>, blind: bool) -> Result<Self, String> {
        let roots = if blind { Vec::new() } else { roots::hashed() };
        if roots.is_empty() && !blind {
            return native(more).map(Connector::Native);
        }
        direct(more, &roots, blind).map(Connector::Direct).map_err(|error| error.to_string())
    }

    /// Shakes hands over `underlay`. A name is verified as a name, an address as an address.
    pub fn connect(&self, host: &str, underlay: Underlay) -> Result<Stream, NetError> {
        match self {
            Connector::Direct(context) => {
                let ssl = session(context, host).map_err(|error| NetError::TlsSetup(error.to_string()))?;
                ssl.connect(underlay).map(Stream::Direct).map_err(direct_failure)
            }
            Connector::Native(connector) => {
                connector.connect(host, underlay).map(Stream::Native).map_err(native_failure)
            }
        }
    }
}

fn native(more: Vec<X509>) -> Result<TlsConnector, String> {
    let mut builder = TlsConnector::builder();
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    for authority in more {
        let der = authority.to_der().map_err(|error| error.to_string())?;
        builder.add_root_certificate(Certificate::from_der(&der).map_err(|error| error.to_string())?);
    }
    builder.build().map_err(|error| error.to_string())
}

fn direct(more: Vec<X509>, roots: &[PathBuf], blind: bool) -> Result<SslContext, ErrorStack> {
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
    let mut store = X509StoreBuilder::new()?;
    let lookup = store.add_lookup(X509Lookup::hash_dir())?;
    for dir in roots.iter().filter_map(|dir| dir.to_str()) {
        lookup.add_dir(dir, SslFiletype::PEM)?;
    }
    for authority in more {
        store.add_cert(authority)?;
    }
    context.set_cert_store(store.build());
    context.set_verify(if blind { SslVerifyMode::NONE } else { SslVerifyMode::PEER });
    Ok(context.build())
}

/// A session for `host`: its name goes to the server (`RFC 6066 §3`) and is what the certificate must be for.
fn session(context: &SslContext, host: &str) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(context)?;
    let address = host.parse::<IpAddr>().ok();
    if address.is_none() {
        ssl.set_hostname(host)?;
    }
    let param = ssl.param_mut();
    param.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
    match address {
        Some(address) => param.set_ip(address)?,
        None => param.set_host(host)?,
    }
    Ok(ssl)
}

fn direct_failure(error: ssl::HandshakeError<Underlay>) -> NetError {
    match error {
        ssl::HandshakeError::SetupFailure(error) => NetError::TlsSetup(error.to_string()),
        // The underlay waits by itself and never answers "would block".
        ssl::HandshakeError::WouldBlock(_) => NetError::Timeout,
        ssl::HandshakeError::Failure(failed) => {
            let text = failed.error().to_string();
            match failed.ssl().verify_result() {
                verdict if verdict != X509VerifyResult::OK && is_verdict(&text) => {
                    NetError::Untrusted(verdict.error_string().to_owned())
                }
                _ => classify(&text),
            }
        }
    }
}

fn native_failure(error: HandshakeError<Underlay>) -> NetError {
    match error {
        HandshakeError::Failure(error) => classify(&error.to_string()),
        HandshakeError::WouldBlock(_) => NetError::Timeout,
    }
}

/// Whether OpenSSL's text says that the certificate was judged.
fn is_verdict(text: &str) -> bool {
    text.contains("certificate verify failed")
}

/// The cause of a failed handshake. OpenSSL's reasons are only in its text, the verdict on the
/// certificate in the last parentheses.
fn classify(text: &str) -> NetError {
    let has = |needle: &str| text.contains(needle);
    if is_verdict(text) {
        let reason = text.rsplit_once('(').map_or(text, |(_, reason)| reason.trim_end_matches(')'));
        return NetError::Untrusted(reason.to_owned());
    }
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

/// An encrypted stream.
pub(super) enum Stream {
    Direct(SslStream<Underlay>),
    Native(TlsStream<Underlay>),
}

impl Stream {
    /// The server's certificate (DER).
    pub fn certificate(&self) -> Result<Vec<u8>, NetError> {
        let none = || NetError::Untrusted("the server showed no certificate".into());
        match self {
            Stream::Direct(stream) => {
                let certificate = stream.ssl().peer_certificate().ok_or_else(none)?;
                certificate.to_der().map_err(|error| NetError::Tls(error.to_string()))
            }
            Stream::Native(stream) => {
                let certificate = stream.peer_certificate().ok().flatten().ok_or_else(none)?;
                certificate.to_der().map_err(|error| NetError::Tls(error.to_string()))
            }
        }
    }

    /// What lies under it.
    pub fn underlay(&self) -> &Underlay {
        match self {
            Stream::Direct(stream) => stream.get_ref(),
            Stream::Native(stream) => stream.get_ref(),
        }
    }

    /// What lies under it.
    pub fn underlay_mut(&mut self) -> &mut Underlay {
        match self {
            Stream::Direct(stream) => stream.get_mut(),
            Stream::Native(stream) => stream.get_mut(),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Direct(stream) => stream.read(into),
            Stream::Native(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Direct(stream) => stream.write(from),
            Stream::Native(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Direct(stream) => stream.flush(),
            Stream::Native(stream) => stream.flush(),
        }
    }
}
