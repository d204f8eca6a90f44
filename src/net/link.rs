//! A link: one connection to one server, plain or under TLS, that waits no longer than it is told.
//!
//! Sessions know only the trait; the tests bring a scripted link that plays any server.

use super::NetError;
use super::limits::Limits;
use super::tls::{Tls, TlsLink};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::Instant;

/// A connection to a server.
///
/// Errors of `read` and `write` carry a [`NetError`]; [`NetError::from_io`] gets it out again.
pub trait Link: Read + Write {
    /// Until when reads and writes may wait from now on.
    fn arm(&mut self, until: Instant);

    /// Whether the next waits come with nothing left to send: the acknowledgement of what arrives then
    /// goes out at once, and a server that waits for it (Nagle) does not lose 40 ms.
    fn lock_step(&mut self, _on: bool) {}

    /// Puts TLS over the link, verified against `tls` for the name `host`.
    fn secure(self: Box<Self>, tls: &Tls, host: &str) -> Result<Box<dyn Link>, NetError>;

    /// What TLS agreed on; `None` on a plain link.
    fn tls(&self) -> Option<&TlsInfo>;

    /// This side's address, for the address literal of EHLO.
    fn local_ip(&self) -> Option<IpAddr> {
        None
    }
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

/// A plain TCP connection.
#[derive(Debug)]
pub struct TcpLink {
    stream: TcpStream,
    limits: Limits,
    until: Instant,
    lock_step: bool,
}

impl TcpLink {
    /// Takes over a connected socket.
    pub fn new(stream: TcpStream, limits: Limits) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let until = limits.until(limits.timeout);
        Ok(TcpLink { stream, limits, until, lock_step: true })
    }

    /// Waits until the socket is ready for `what`, time is over or a signal comes.
    fn wait(&self, what: PollFlags) -> io::Result<()> {
        loop {
            if self.limits.stop.raised() {
                return Err(NetError::Stopped.into());
            }
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(if self.limits.run_over() { NetError::RunOver } else { NetError::Timeout }.into());
            }
            if self.lock_step && what == PollFlags::IN {
                // Best effort: without it things are only slower.
                #[cfg(target_os = "linux")]
                let _ = rustix::net::sockopt::set_tcp_quickack(&self.stream, true);
            }
            let timeout = Timespec::try_from(left).ok();
            let socket = PollFd::from_borrowed_fd(self.stream.as_fd(), what);
            let ready = match self.limits.stop.wake() {
                Some(wake) => {
                    let mut both = [socket, PollFd::from_borrowed_fd(wake, PollFlags::IN)];
                    poll(&mut both, timeout.as_ref()).map(|_| !both[0].revents().is_empty())
                }
                None => {
                    let mut one = [socket];
                    poll(&mut one, timeout.as_ref()).map(|_| !one[0].revents().is_empty())
                }
            };
            match ready {
                Ok(true) => return Ok(()),
                Ok(false) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tries `operation` until it is done, waiting for `what` in between.
    fn with_waits<T>(
        &mut self,
        what: PollFlags,
        mut operation: impl FnMut(&mut TcpStream) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.limits.stop.raised() {
            return Err(NetError::Stopped.into());
        }
        loop {
            match operation(&mut self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(what)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The peer's reset is the end of the connection, however the system words it.
                other => return other,
            }
        }
    }
}

impl Read for TcpLink {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.with_waits(PollFlags::IN, |stream| stream.read(into))
    }
}

impl Write for TcpLink {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.with_waits(PollFlags::OUT, |stream| stream.write(from))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Link for TcpLink {
    fn arm(&mut self, until: Instant) {
        self.until = until;
    }

    fn lock_step(&mut self, on: bool) {
        self.lock_step = on;
    }

    fn secure(self: Box<Self>, tls: &Tls, host: &str) -> Result<Box<dyn Link>, NetError> {
        Ok(Box::new(TlsLink::handshake(*self, tls, host)?))
    }

    fn tls(&self) -> Option<&TlsInfo> {
        None
    }

    fn local_ip(&self) -> Option<IpAddr> {
        self.stream.local_addr().ok().map(|address| address.ip())
    }
}
