//! TLS by the system's OpenSSL (through native-tls): verified, at least TLS 1.2, and every failure with
//! its real cause.
//!
//! Building a connector parses the system's roots, which takes longer than a whole small session on a
//! near server; [`Tls::prepare`] does it on a thread beside look-up, connect and greeting.

use super::NetError;
use super::certificate::Fingerprint;
use super::link::{Link, TcpLink, TlsInfo};
use crate::words::{Failure, Kind};
use native_tls::{HandshakeError, Protocol, TlsConnector, TlsStream};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// What the user said about trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Authorities (PEM) trusted beyond the system's roots.
    pub ca_file: Option<PathBuf>,
    /// The one certificate that is trusted, whatever its chain and names.
    pub fingerprint: Option<Fingerprint>,
    /// Trust anything: for a look at a certificate. Nothing secret may be sent over such a link.
    pub inspect_only: bool,
}

/// The TLS side of an account: trust, ready to be put over a link.
#[derive(Clone)]
pub struct Tls {
    pin: Option<Fingerprint>,
    connector: Arc<Lazy>,
}

struct Lazy {
    built: OnceLock<Result<TlsConnector, String>>,
    builder: Mutex<Option<JoinHandle<Result<TlsConnector, String>>>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("pin", &self.pin).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the authorities and starts to build the connector. A `ca_file` that cannot be read or holds
    /// no certificate is a mistake in the configuration ([`Kind::Config`]).
    pub fn prepare(settings: &TlsSettings) -> Result<Tls, Failure> {
        let authorities = settings.ca_file.as_deref().map(read_authorities).transpose()?.unwrap_or_default();
        let blind = settings.fingerprint.is_some() || settings.inspect_only;
        let again = authorities.clone();
        let connector = match thread::Builder::new().spawn(move || build(authorities, blind)) {
            Ok(builder) => Lazy { built: OnceLock::new(), builder: Mutex::new(Some(builder)) },
            // No thread to be had: then it takes its time here.
            Err(_) => Lazy { built: build(again, blind).into(), builder: Mutex::new(None) },
        };
        Ok(Tls { pin: settings.fingerprint, connector: Arc::new(connector) })
    }

    fn connector(&self) -> Result<&TlsConnector, NetError> {
        let built = self.connector.built.get_or_init(|| {
            let builder = self.connector.builder.lock().ok().and_then(|mut builder| builder.take());
            builder.map_or_else(
                || Err("the builder is gone".to_owned()),
                |thread| thread.join().unwrap_or_else(|_| Err("the builder died".to_owned())),
            )
        });
        built.as_ref().map_err(|detail| NetError::TlsSetup(detail.clone()))
    }
}

fn read_authorities(path: &Path) -> Result<Vec<native_tls::Certificate>, Failure> {
    let bad = |what: String| {
        Failure::new(
            Kind::Config,
            "ca-file",
            format!("{}: reading the certificate authorities: {what}", path.display()),
        )
        .hint("--ca-file takes a file of certificates in PEM form")
    };
    let pem = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let found = native_tls::Certificate::stack_from_pem(&pem).map_err(|error| bad(error.to_string()))?;
    if found.is_empty() { Err(bad("no certificate in it".into())) } else { Ok(found) }
}

fn build(authorities: Vec<native_tls::Certificate>, blind: bool) -> Result<TlsConnector, String> {
    let mut builder = TlsConnector::builder();
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    for authority in authorities {
        builder.add_root_certificate(authority);
    }
    // With a pinned certificate the fingerprint takes the place of these checks (see `handshake`).
    builder.danger_accept_invalid_certs(blind).danger_accept_invalid_hostnames(blind);
    builder.build().map_err(|error| error.to_string())
}

/// A link under TLS.
pub struct TlsLink {
    stream: TlsStream<Underlay>,
    info: TlsInfo,
}

impl TlsLink {
    /// Shakes hands over `link`, verifies, and only then returns something that octets can be sent over.
    pub fn handshake(link: TcpLink, tls: &Tls, host: &str) -> Result<Self, NetError> {
        let connector = tls.connector()?;
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        let fault = Arc::new(Mutex::new(None));
        let stream = match connector.connect(host, Underlay::new(link, Arc::clone(&fault))) {
            Ok(stream) => stream,
            Err(HandshakeError::Failure(error)) => {
                let underlying = fault.lock().ok().and_then(|mut fault| fault.take());
                return Err(underlying.unwrap_or_else(|| classify(&error)));
            }
            // The underlay waits by itself and never answers "would block".
            Err(HandshakeError::WouldBlock(_)) => return Err(NetError::Timeout),
        };
        let certificate = match stream.peer_certificate() {
            Ok(Some(certificate)) => {
                certificate.to_der().map_err(|error| NetError::Tls(error.to_string()))?
            }
            _ => return Err(NetError::Untrusted("the server showed no certificate".into())),
        };
        if let Some(pin) = tls.pin {
            let found = Fingerprint::of(&certificate);
            if found != pin {
                return Err(NetError::WrongFingerprint(found.hex()));
            }
        }
        let (version, cipher) = stream.get_ref().hello.read();
        Ok(TlsLink { stream, info: TlsInfo { version, cipher, certificate } })
    }
}

/// The cause of a failed handshake. OpenSSL's reasons are only in its text, the verdict on the
/// certificate in the last parentheses.
fn classify(error: &native_tls::Error) -> NetError {
    let text = error.to_string();
    let has = |needle: &str| text.contains(needle);
    if has("certificate verify failed") {
        let reason = text.rsplit_once('(').map_or(text.as_str(), |(_, reason)| reason.trim_end_matches(')'));
        return NetError::Untrusted(reason.to_owned());
    }
    let short = text
        .split(':')
        .rev()
        .find(|part| part.trim().len() > 4 && !part.contains(".c"))
        .unwrap_or(&text)
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

impl Read for TlsLink {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }
}

impl Write for TlsLink {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.stream.write(from)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Link for TlsLink {
    fn arm(&mut self, until: Instant) {
        self.stream.get_mut().link.arm(until);
    }

    fn lock_step(&mut self, on: bool) {
        self.stream.get_mut().link.lock_step(on);
    }

    fn secure(self: Box<Self>, _: &Tls, _: &str) -> Result<Box<dyn Link>, NetError> {
        Err(NetError::Tls("TLS is in place already".into()))
    }

    fn tls(&self) -> Option<&TlsInfo> {
        Some(&self.info)
    }

    fn local_ip(&self) -> Option<IpAddr> {
        self.stream.get_ref().link.local_ip()
    }
}

/// What OpenSSL reads from and writes to: buffers records (OpenSSL reads each in two pieces), keeps the
/// real error that OpenSSL would flatten, and listens to the server's hello.
struct Underlay {
    link: TcpLink,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    fault: Arc<Mutex<Option<NetError>>>,
    hello: ServerHello,
}

/// Room for four TLS records.
const UNDERLAY_BUFFER: usize = 64 * 1024;

impl Underlay {
    fn new(link: TcpLink, fault: Arc<Mutex<Option<NetError>>>) -> Self {
        let buffer = vec![0; UNDERLAY_BUFFER].into_boxed_slice();
        Underlay { link, buffer, start: 0, end: 0, fault, hello: ServerHello::default() }
    }

    fn remember(&self, fault: NetError) {
        if let Ok(mut slot) = self.fault.lock() {
            slot.get_or_insert(fault);
        }
    }
}

impl fmt::Debug for Underlay {
    // Its buffer may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Underlay")
    }
}

impl Read for Underlay {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            match self.link.read(&mut self.buffer) {
                Ok(0) => {
                    self.remember(NetError::Closed);
                    return Ok(0);
                }
                Ok(got) => (self.start, self.end) = (0, got),
                Err(error) => {
                    let error = NetError::from_io(error);
                    let copy = match &error {
                        NetError::Timeout => NetError::Timeout,
                        NetError::RunOver => NetError::RunOver,
                        NetError::Stopped => NetError::Stopped,
                        NetError::Lost(lost) => NetError::Lost(io::Error::new(lost.kind(), lost.to_string())),
                        _ => NetError::Closed,
                    };
                    self.remember(copy);
                    return Err(error.into());
                }
            }
        }
        let take = into.len().min(self.end - self.start);
        into[..take].copy_from_slice(&self.buffer[self.start..self.start + take]);
        self.start += take;
        self.hello.listen(&into[..take]);
        Ok(take)
    }
}

impl Write for Underlay {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.link.write(from)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.link.flush()
    }
}

/// The first octets a server sends under TLS. Its hello is in clear and names version and cipher suite,
/// which native-tls has no way to tell (`RFC 8446 §4.1.3`, `RFC 5246 §7.4.1.3`).
#[derive(Default)]
struct ServerHello {
    octets: Vec<u8>,
}

impl ServerHello {
    /// Enough for any hello without its certificate.
    const ENOUGH: usize = 1024;

    fn listen(&mut self, octets: &[u8]) {
        let room = Self::ENOUGH - self.octets.len();
        self.octets.extend_from_slice(&octets[..octets.len().min(room)]);
    }

    /// Version and cipher suite, or `unknown` for what cannot be read.
    fn read(&self) -> (String, String) {
        let (version, cipher) = self.parse().unwrap_or((0, 0));
        let version = match version {
            0x0304 => "TLSv1.3".to_owned(),
            0x0303 => "TLSv1.2".to_owned(),
            _ => "unknown".to_owned(),
        };
        let cipher = CIPHERS.iter().find(|(number, _)| *number == cipher);
        (version, cipher.map_or_else(|| "unknown".to_owned(), |(_, name)| (*name).to_owned()))
    }

    fn parse(&self) -> Option<(u16, u16)> {
        let octets = &self.octets;
        let word = |at: usize| Some(u16::from_be_bytes([*octets.get(at)?, *octets.get(at + 1)?]));
        // Record: type 22, version, length; handshake: type 2, length of 3 octets; then the hello.
        if octets.first() != Some(&22) || octets.get(5) != Some(&2) {
            return None;
        }
        let mut version = word(9)?;
        let session = usize::from(*octets.get(43)?);
        let cipher = word(44 + session)?;
        let mut at = 44 + session + 3 + 2;
        // Extension 43 names the version where it is 1.3.
        while let (Some(kind), Some(len)) = (word(at), word(at + 2)) {
            if kind == 43 {
                version = word(at + 4)?;
            }
            at += 4 + usize::from(len);
        }
        Some((version, cipher))
    }
}

/// The suites that OpenSSL's defaults can agree on, by their IANA names.
const CIPHERS: &[(u16, &str)] = &[
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_a_certificate_is_a_configuration_failure() {
        for content in ["", "no certificate here"] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            let settings = TlsSettings { ca_file: Some(file.path().into()), ..TlsSettings::default() };
            assert_eq!(Tls::prepare(&settings).unwrap_err().kind, Kind::Config);
        }
        let settings = TlsSettings { ca_file: Some("/nonexistent/ca.pem".into()), ..TlsSettings::default() };
        assert_eq!(Tls::prepare(&settings).unwrap_err().kind, Kind::Config);
    }

    #[test]
    fn no_prefix_of_a_hello_is_misread() {
        let mut hello = vec![22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3];
        hello.extend([7; 32]);
        hello.push(0);
        hello.extend([0x13, 0x02, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
        for end in 0..=hello.len() {
            let mut seen = ServerHello::default();
            seen.listen(&hello[..end]);
            let (version, cipher) = seen.read();
            assert!(end < hello.len() || (version == "TLSv1.3" && cipher == "TLS_AES_256_GCM_SHA384"));
            assert!(["unknown", "TLSv1.2", "TLSv1.3"].contains(&version.as_str()), "{cipher}");
        }
    }
}
