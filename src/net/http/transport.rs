//! ureq over connections of our own: [`Dialler`] makes one by `connect` and [`Tls`], [`Line`] moves its octets.
//!
//! ureq does not promise that these traits stay as they are, so its version is pinned to a minor one.

use super::proxy::HttpProxy;
use super::urls::{is_loopback, place, port};
use crate::net::allowance::Allowance;
use crate::net::connect::connect_first;
use crate::net::link::{Link, Secure, TlsInfo};
use crate::net::look_up::resolve;
use crate::net::{Limits, NetError, Tls};
use crate::words::{Failure, Stage};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Mutex;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};
use zeroize::Zeroize as _;

/// How many octets are read ahead: enough for a whole header, because ureq reads it in one piece.
const INPUT: usize = 64 * 1024;
const OUTPUT: usize = 16 * 1024;

/// What went wrong with a connection, on its way through ureq.
#[derive(Debug)]
pub enum TransportFault {
    Net {
        /// `None`: the server of the request.
        place: Option<String>,
        /// `None`: the request itself.
        stage: Option<Stage>,
        error: NetError,
    },
    /// The proxy did not lead to the server.
    Proxy(Failure),
}

impl TransportFault {
    fn at(uri: &Uri, stage: Stage, error: NetError) -> ureq::Error {
        let fault = TransportFault::Net { place: place(uri), stage: Some(stage), error };
        ureq::Error::Other(Box::new(fault))
    }

    fn later(error: NetError) -> ureq::Error {
        ureq::Error::Other(Box::new(TransportFault::Net { place: None, stage: None, error }))
    }

    /// The answer is larger than `most` octets.
    pub fn too_much(most: usize) -> ureq::Error {
        TransportFault::later(NetError::TooMuch(most))
    }

    /// The fault that ureq gives back, or ureq's own error.
    pub fn of(error: ureq::Error) -> Result<TransportFault, ureq::Error> {
        match error {
            ureq::Error::Other(other) => match other.downcast::<TransportFault>() {
                Ok(fault) => Ok(*fault),
                Err(other) => Err(ureq::Error::Other(other)),
            },
            ureq::Error::Io(error) => {
                // Reading the content makes an io::Error of any error.
                let error = match error.downcast::<ureq::Error>() {
                    Ok(inner) => return TransportFault::of(inner),
                    Err(error) => error,
                };
                Ok(TransportFault::Net { place: None, stage: None, error: NetError::from_io(error) })
            }
            other => Err(other),
        }
    }
}

impl fmt::Display for TransportFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransportFault::Net { error, .. } => error.fmt(f),
            TransportFault::Proxy(failure) => failure.fmt(f),
        }
    }
}

impl std::error::Error for TransportFault {}

/// ureq looks nothing up: [`Dialler`] does it, where the limits of the run hold.
#[derive(Debug)]
pub struct NoLookUp;

impl Resolver for NoLookUp {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::from(([0, 0, 0, 0], 0)));
        Ok(addresses)
    }
}

/// Makes the connections of one request.
pub struct Dialler {
    pub tls: Tls,
    pub limits: Limits,
    pub http_allowed: bool,
    pub proxy: Option<HttpProxy>,
    /// The most octets that one connection may bring.
    pub most: usize,
}

impl fmt::Debug for Dialler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialler")
    }
}

impl Dialler {
    /// Adds ureq's CONNECT, which does nothing unless a proxy is configured.
    pub fn chained(self) -> impl Connector {
        ().chain(ConnectProxyConnector::default()).chain(self)
    }

    fn dial(&self, uri: &Uri) -> Result<Box<dyn Link>, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let is_proxy = self.proxy.as_ref().is_some_and(|proxy| proxy.authority() == place(uri));
        let in_clear = uri.scheme_str() != Some("https");
        if in_clear && !self.http_allowed && !is_proxy && !is_loopback(host) {
            return Err(ureq::Error::RequireHttpsOnly(uri.to_string()));
        }
        let failed = |failure| ureq::Error::Other(Box::new(TransportFault::Proxy(failure)));
        let socks = self.proxy.as_ref().map_or(Ok(None), |proxy| proxy.socks(uri)).map_err(failed)?;
        if let Some(socks) = socks {
            let there = place(uri).unwrap_or_default();
            let link = socks.connect(host.trim_matches(['[', ']']), port(uri), &there, &self.limits);
            return link.map_err(failed);
        }
        let addresses = resolve(host, port(uri), &self.limits)
            .map_err(|error| TransportFault::at(uri, Stage::LookUp, error))?;
        let link = connect_first(&addresses, &self.limits)
            .map_err(|error| TransportFault::at(uri, Stage::Connect, error))?;
        Ok(Box::new(link))
    }
}

impl<In: Transport> Connector<In> for Dialler {
    type Out = Line;

    fn connect(&self, details: &ConnectionDetails, tunnel: Option<In>) -> Result<Option<Line>, ureq::Error> {
        let mut link = match tunnel {
            Some(tunnel) => {
                Box::new(Tunnel(TransportAdapter::new(Box::new(tunnel), details.current_time.clone())))
            }
            None => self.dial(details.uri)?,
        };
        link.arm(Allowance::new(self.limits.timeout, &self.limits).fixed());
        if details.needs_tls() {
            let host = details.uri.host().unwrap_or_default();
            link = link
                .secure(&self.tls, host)
                .map_err(|error| TransportFault::at(details.uri, Stage::TlsHandshake, error))?;
        }
        let buffers = LazyBuffers::new(INPUT, OUTPUT);
        Ok(Some(Line { link: Mutex::new(link), buffers, left: self.most, most: self.most, open: true }))
    }
}

/// A connection as ureq uses it.
pub struct Line {
    // ureq wants what can be shared between threads, which a link need not be.
    link: Mutex<Box<dyn Link>>,
    buffers: LazyBuffers,
    /// How many octets may still come.
    left: usize,
    most: usize,
    open: bool,
}

impl fmt::Debug for Line {
    // The buffers may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    fn fail(&mut self, error: io::Error) -> ureq::Error {
        self.open = false;
        TransportFault::later(NetError::from_io(error))
    }
}

impl Transport for Line {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let link = self.link.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let output = &mut self.buffers.output()[..amount];
        let sent = link.write_all(output).and_then(|()| link.flush());
        // It may have been a secret.
        output.zeroize();
        sent.map_err(|error| self.fail(error))
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let link = self.link.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        match link.read(self.buffers.input_append_buf()) {
            Ok(got) if got > self.left => {
                self.open = false;
                Err(TransportFault::too_much(self.most))
            }
            Ok(got) => {
                self.left -= got;
                self.open = got > 0;
                self.buffers.input_appended(got);
                Ok(got > 0)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn is_open(&mut self) -> bool {
        self.open
    }

    fn is_tls(&self) -> bool {
        self.link.lock().is_ok_and(|link| link.tls().is_some())
    }
}

/// The connection through a proxy, as a link for TLS. Its limits are those of the connection to the proxy.
struct Tunnel(TransportAdapter);

impl Read for Tunnel {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into).map_err(as_net)
    }
}

impl Write for Tunnel {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.0.write(from).map_err(as_net)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The error of the line below, as a link has it.
fn as_net(error: io::Error) -> io::Error {
    match TransportFault::of(ureq::Error::Io(error)) {
        Ok(TransportFault::Net { error, .. }) => error.into(),
        Ok(fault @ TransportFault::Proxy(_)) => io::Error::other(fault),
        Err(error) => error.into_io(),
    }
}

impl Link for Tunnel {
    fn arm(&mut self, _: Allowance) {}

    fn secure(self: Box<Self>, tls: &dyn Secure, host: &str) -> Result<Box<dyn Link>, NetError> {
        tls.secure(self, host)
    }

    fn tls(&self) -> Option<&TlsInfo> {
        None
    }
}
