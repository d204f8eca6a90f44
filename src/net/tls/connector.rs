//! Makes TLS connections: a connector with the trusted authorities loaded.
//!
//! To verify a certificate OpenSSL is used directly: it looks authorities up as they are needed, and gives its
//! verdict as a value. So it is with a certificate of the client's own, which may have an encrypted key and issuers.
//! For everything else (the server's certificate is pinned, or only to be shown) native-tls is used.

use super::identity::ClientIdentity;
use super::judge::{Judge, expect_host};
use super::roots::Roots;
use super::stream::EncryptedStream;
use super::underlay::Underlay;
use crate::net::NetError;
use native_tls::{Protocol, TlsConnector};
use openssl::error::ErrorStack;
use openssl::ssl::{
    HandshakeError, Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslVerifyMode,
    SslVersion,
};
use openssl::x509::X509;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// The cipher suites of TLS 1.2 that are allowed: those of native-tls.
const SUITES: &str = "DEFAULT:!aNULL:!eNULL:!MD5:!3DES:!DES:!RC4:!IDEA:!SEED:!aDSS:!SRP:!PSK";

pub(super) enum Connector {
    /// OpenSSL. Without authorities nothing is verified here, because the one certificate is known, or is only to be
    /// shown.
    Direct(SslContext, Option<Arc<Roots>>),
    /// native-tls; nothing is verified here.
    Native(TlsConnector),
}

impl Connector {
    /// Trusts the system's authorities and `more`; with `blind`, any certificate. Shows `identity` to a server that
    /// asks.
    pub fn build(more: Vec<X509>, blind: bool, identity: Option<&ClientIdentity>) -> Result<Self, String> {
        if blind && identity.is_none() {
            return native().map(Connector::Native).map_err(|error| error.to_string());
        }
        let roots = (!blind).then(|| Roots::find(more));
        let context = context(roots.as_ref(), identity).map_err(|error| error.to_string())?;
        Ok(Connector::Direct(context, roots.map(Arc::new)))
    }

    /// Does the handshake over `underlay`. A host name is compared with the certificate's names, an IP address
    /// with its addresses.
    pub fn connect(&self, host: &str, underlay: Underlay) -> Result<EncryptedStream, NetError> {
        let (context, roots) = match self {
            Connector::Direct(context, roots) => (context, roots),
            Connector::Native(connector) => {
                let connected = connector.connect(host, underlay);
                return connected.map(EncryptedStream::Native).map_err(|error| match error {
                    native_tls::HandshakeError::Failure(error) => handshake_failure(&error.to_string()),
                    // Cannot happen: the underlay waits by itself.
                    native_tls::HandshakeError::WouldBlock(_) => NetError::Timeout,
                });
            }
        };
        let refusal = Arc::new(Mutex::new(None));
        let judge = roots.as_ref().map(|roots| Judge {
            roots: Arc::clone(roots),
            host: host.to_owned(),
            refusal: Arc::clone(&refusal),
        });
        let ssl = session(context, host, judge).map_err(|error| NetError::TlsSetup(error.to_string()))?;
        ssl.connect(underlay).map(EncryptedStream::Direct).map_err(|error| {
            // Why a certificate was refused says more than OpenSSL's own error.
            let refused = refusal.lock().ok().and_then(|mut refusal| refusal.take());
            refused.map_or_else(|| failure(&error), |why| NetError::Untrusted(Box::new(why)))
        })
    }
}

fn native() -> native_tls::Result<TlsConnector> {
    TlsConnector::builder()
        .min_protocol_version(Some(Protocol::Tlsv12))
        .disable_built_in_roots(true)
        .danger_accept_invalid_certs(true)
        .danger_accept_invalid_hostnames(true)
        .build()
}

fn context(roots: Option<&Roots>, identity: Option<&ClientIdentity>) -> Result<SslContext, ErrorStack> {
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
    match roots {
        Some(roots) => {
            context.set_cert_store(roots.first()?.build());
            context.set_verify(SslVerifyMode::PEER);
        }
        None => context.set_verify(SslVerifyMode::NONE),
    }
    if let Some(identity) = identity {
        context.set_certificate(&identity.certificate)?;
        context.set_private_key(&identity.key)?;
        for issuer in &identity.issuers {
            context.add_extra_chain_cert(issuer.clone())?;
        }
    }
    Ok(context.build())
}

/// A session with `host`: the name is sent to the server (`RFC 6066 §3`), and where there is a judge the certificate
/// must be for it.
fn session(context: &SslContext, host: &str, judge: Option<Judge>) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(context)?;
    if host.parse::<IpAddr>().is_err() {
        ssl.set_hostname(host)?;
    }
    if let Some(judge) = judge {
        expect_host(ssl.param_mut(), host)?;
        ssl.set_verify_callback(SslVerifyMode::PEER, move |fine, context| judge.go_on(fine, context));
    }
    Ok(ssl)
}

fn failure(error: &HandshakeError<Underlay>) -> NetError {
    match error {
        HandshakeError::SetupFailure(error) => NetError::TlsSetup(error.to_string()),
        // Cannot happen: the underlay waits by itself.
        HandshakeError::WouldBlock(_) => NetError::Timeout,
        HandshakeError::Failure(failed) => handshake_failure(&failed.error().to_string()),
    }
}

fn handshake_failure(text: &str) -> NetError {
    refused_client(text).unwrap_or_else(|| classify(text))
}

/// The alerts (`RFC 8446 §6.2`) by which a server refuses a client's certificate, or asks in vain for one. OpenSSL
/// gives them only as text.
const CLIENT_ALERTS: [&str; 7] = [
    "alert certificate required",
    "alert bad certificate",
    "alert unsupported certificate",
    "alert certificate revoked",
    "alert certificate expired",
    "alert certificate unknown",
    "alert unknown ca",
];

/// Whether the server says that it does not take the client's certificate, or the lack of one. By TLS 1.3 that comes
/// after the handshake.
pub(super) fn refused_client(text: &str) -> Option<NetError> {
    let alert = CLIENT_ALERTS.iter().find(|alert| text.contains(*alert))?;
    Some(NetError::ClientRefused(alert.trim_start_matches("alert ")))
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
