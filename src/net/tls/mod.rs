//! TLS by OpenSSL: verified, at least TLS 1.2, and every failure with its real cause.
//!
//! Setting OpenSSL up takes longer than a short session with a near server, so [`Tls::prepare`] does it in a
//! thread during look-up, connect and greeting.

mod bound;
mod connector;
mod identity;
mod judge;
mod roots;
mod stream;
mod underlay;

use super::NetError;
use super::allowance::Allowance;
use super::certificate::Fingerprint;
use super::limits::Limits;
use super::link::{Link, Secure, TlsInfo};
use super::small_file::{self, MAX_CERTIFICATES};
use crate::words::{Failure, Kind, Stage};
use connector::{Connector, refused_client};
pub use identity::{ClientIdentity, IdentityFiles};
use openssl::x509::X509;
use rustix::fd::BorrowedFd;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use stream::EncryptedStream;
use underlay::{Faults, Underlay};

/// Which certificates the user trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Authorities (PEM) trusted beyond the system's roots.
    pub ca_file: Option<PathBuf>,
    /// The one certificate that is trusted, whatever its chain and names.
    pub fingerprint: Option<Fingerprint>,
    /// The client's own certificate (PEM), and its issuers'.
    pub client_certificate: Option<PathBuf>,
    /// The file with its key; none: the same file.
    pub client_key: Option<PathBuf>,
    /// Trust any certificate, to show it. No secret may be sent over such a link.
    pub inspect_only: bool,
}

/// The TLS settings of a server, ready for use.
#[derive(Clone)]
pub struct Tls {
    pin: Option<Fingerprint>,
    connector: Arc<Lazy>,
}

struct Lazy {
    built: OnceLock<Result<Connector, String>>,
    builder: Mutex<Option<JoinHandle<Result<Connector, String>>>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("pin", &self.pin).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the authorities and starts to build the connector. A `ca_file` that cannot be read or holds
    /// no certificate is a mistake in the configuration ([`Kind::Config`]).
    pub fn prepare(settings: &TlsSettings, limits: &Limits) -> Result<Tls, Failure> {
        Tls::prepare_with(settings, None, limits)
    }

    /// The same, with a certificate of the client's own.
    pub fn prepare_with(
        settings: &TlsSettings,
        identity: Option<ClientIdentity>,
        limits: &Limits,
    ) -> Result<Tls, Failure> {
        let authorities = settings.ca_file.as_deref().map(|path| read_authorities(path, limits));
        let authorities = authorities.transpose()?.unwrap_or_default();
        let blind = settings.fingerprint.is_some() || settings.inspect_only;
        let (again, own) = (authorities.clone(), identity.clone());
        let build = move || Connector::build(authorities, blind, own.as_ref());
        let connector = match thread::Builder::new().spawn(build) {
            Ok(builder) => Lazy { built: OnceLock::new(), builder: Mutex::new(Some(builder)) },
            // No thread is available, so it is done in this one.
            Err(_) => Lazy {
                built: Connector::build(again, blind, identity.as_ref()).into(),
                builder: Mutex::new(None),
            },
        };
        Ok(Tls { pin: settings.fingerprint, connector: Arc::new(connector) })
    }

    fn connector(&self) -> Result<&Connector, NetError> {
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

impl Secure for Tls {
    fn secure(&self, link: Box<dyn Link>, host: &str) -> Result<Box<dyn Link>, NetError> {
        Ok(Box::new(TlsLink::handshake(link, self, host)?))
    }
}

fn read_authorities(path: &Path, limits: &Limits) -> Result<Vec<X509>, Failure> {
    let bad = |what: String| {
        Failure::new(
            Kind::Config,
            Stage::CaFile,
            format!("{}: reading the certificate authorities: {what}", path.display()),
        )
        .hint("--ca-file takes a file of certificates in PEM form")
    };
    let pem = small_file::read(path, MAX_CERTIFICATES, limits)
        .map_err(|unread| bad(unread.to_string()).as_kind(unread.kind()))?;
    let found = X509::stack_from_pem(&pem).map_err(|error| bad(error.to_string()))?;
    if found.is_empty() { Err(bad("no certificate in it".into())) } else { Ok(found) }
}

pub struct TlsLink {
    stream: EncryptedStream,
    info: TlsInfo,
}

impl TlsLink {
    /// Does the handshake over `link` and verifies the server. Nothing can be sent before that.
    fn handshake(link: Box<dyn Link>, tls: &Tls, host: &str) -> Result<Self, NetError> {
        let connector = tls.connector()?;
        let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        let faults = Arc::new(Mutex::new(Faults::default()));
        let stream = connector.connect(host, Underlay::new(link, Arc::clone(&faults))).map_err(|error| {
            // The link's own error says more than OpenSSL's.
            match faults.lock() {
                Ok(mut faults) => std::mem::take(&mut *faults).cause(error),
                Err(_) => error,
            }
        })?;
        let certificate = stream.certificate()?;
        if let Some(pin) = tls.pin {
            let found = Fingerprint::of(&certificate);
            if found != pin {
                return Err(NetError::WrongFingerprint(found.hex()));
            }
        }
        let (version, cipher) = stream.underlay().hello.read();
        let binding = stream.binding();
        Ok(TlsLink { stream, info: TlsInfo { version, cipher, certificate, binding } })
    }
}

impl Read for TlsLink {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.stream.read(into).map_err(|error| match refused_client(&error.to_string()) {
            Some(refused) => refused.into(),
            None => error,
        })?;
        if got > 0 {
            self.stream.underlay_mut().note_content();
        }
        Ok(got)
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
    fn arm(&mut self, allowance: Allowance) {
        self.stream.underlay_mut().link.arm(allowance);
    }

    fn lock_step(&mut self, on: bool) {
        self.stream.underlay_mut().link.lock_step(on);
    }

    fn secure(self: Box<Self>, _: &dyn Secure, _: &str) -> Result<Box<dyn Link>, NetError> {
        Err(NetError::Tls("TLS is in place already".into()))
    }

    fn tls(&self) -> Option<&TlsInfo> {
        Some(&self.info)
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.stream.underlay().link.socket()
    }

    fn local_ip(&self) -> Option<IpAddr> {
        self.stream.underlay().link.local_ip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_a_certificate_is_a_configuration_failure() {
        for content in ["", "no certificate here"] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), content).unwrap();
            let settings = TlsSettings { ca_file: Some(file.path().into()), ..TlsSettings::default() };
            assert_eq!(Tls::prepare(&settings, &Limits::default()).unwrap_err().kind(), Kind::Config);
        }
        let settings = TlsSettings { ca_file: Some("/nonexistent/ca.pem".into()), ..TlsSettings::default() };
        assert_eq!(Tls::prepare(&settings, &Limits::default()).unwrap_err().kind(), Kind::Config);
    }
}
