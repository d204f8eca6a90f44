//! TLS works over any link: here over one between postie and its connection, as with a proxy.

use crate::support::authority::Authority;
use crate::support::mailbox::Mailbox;
use crate::support::pop3d::{Mode, Pop3d};
use postie::net::connect::connect_first;
use postie::net::look_up::resolve;
use postie::net::tcp::TcpLink;
use postie::net::{Allowance, Limits, Link, NetError, Secure, Tls, TlsInfo, TlsSettings, Wire};
use postie::pop3::Authorization;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A link over another one, which counts its octets.
struct Through {
    inner: TcpLink,
    octets: Arc<AtomicUsize>,
    /// How many writes succeed before the connection turns out to be reset.
    writes: usize,
}

impl Read for Through {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(into)?;
        self.octets.fetch_add(got, Ordering::Relaxed);
        Ok(got)
    }
}

impl Write for Through {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self.writes.checked_sub(1) {
            Some(left) => self.writes = left,
            None => return Err(io::ErrorKind::ConnectionReset.into()),
        }
        self.inner.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Link for Through {
    fn arm(&mut self, allowance: Allowance) {
        self.inner.arm(allowance);
    }

    fn secure(self: Box<Self>, tls: &dyn Secure, host: &str) -> Result<Box<dyn Link>, NetError> {
        tls.secure(self, host)
    }

    fn tls(&self) -> Option<&TlsInfo> {
        None
    }
}

#[test]
fn tls_over_any_link_is_verified() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).mode(Mode::Implicit).start();
    let port = server.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let authorities = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authorities.path(), Authority::shared().pem()).unwrap();
    let settings = TlsSettings { ca_file: Some(authorities.path().to_owned()), ..TlsSettings::default() };
    let (tls, limits) = (Tls::prepare(&settings, &Limits::default()).unwrap(), Limits::default());
    let octets = Arc::new(AtomicUsize::new(0));
    let wire = || {
        let inner = connect_first(&resolve("localhost", port, &limits).unwrap(), &limits).unwrap();
        let link = Through { inner, octets: Arc::clone(&octets), writes: usize::MAX };
        Wire::new(Box::new(link), "localhost", limits.clone(), None)
    };
    let mut secured = wire();
    secured.start_tls(&tls, "localhost").unwrap();
    assert!(secured.tls().unwrap().version.starts_with("TLSv1."));
    let before = octets.load(Ordering::Relaxed);
    Authorization::greet(secured).unwrap().quit();
    assert!(before > 0 && octets.load(Ordering::Relaxed) > before, "all of it went through");
    let refused = wire().start_tls(&tls, "other.example.org");
    assert!(matches!(refused, Err(NetError::Untrusted(_))), "{refused:?}");
}

/// Hazard: if a write was the first to notice a reset, the failure was "TLS failed", and so the server's
/// fault (76).
#[test]
fn a_reset_during_the_handshake_is_a_lost_connection() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).mode(Mode::Implicit).start();
    let port = server.url().rsplit_once(':').unwrap().1.parse().unwrap();
    let authorities = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authorities.path(), Authority::shared().pem()).unwrap();
    let trusting = TlsSettings { ca_file: Some(authorities.path().to_owned()), ..TlsSettings::default() };
    let inspecting = TlsSettings { inspect_only: true, ..TlsSettings::default() };
    let limits = Limits::default();
    for settings in [&trusting, &inspecting] {
        let tls = Tls::prepare(settings, &Limits::default()).unwrap();
        let start = |writes, host: &str| {
            let inner = connect_first(&resolve("localhost", port, &limits).unwrap(), &limits).unwrap();
            let link = Through { inner, octets: Arc::default(), writes };
            Wire::new(Box::new(link), "localhost", limits.clone(), None).start_tls(&tls, host)
        };
        // The client's hello, then what ends its side of the handshake.
        for writes in [0, 1] {
            let lost = start(writes, "localhost");
            assert!(matches!(lost, Err(NetError::Lost(_))), "write {writes}: {lost:?}");
        }
    }
    // If an alert of ours cannot be sent, that hides nothing.
    let tls = Tls::prepare(&trusting, &Limits::default()).unwrap();
    let inner = connect_first(&resolve("localhost", port, &limits).unwrap(), &limits).unwrap();
    let link = Through { inner, octets: Arc::default(), writes: 1 };
    let refused =
        Wire::new(Box::new(link), "localhost", limits.clone(), None).start_tls(&tls, "other.example.org");
    assert!(matches!(refused, Err(NetError::Untrusted(_))), "{refused:?}");
}
