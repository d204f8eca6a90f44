//! The link over a plain TCP connection.

use super::NetError;
use super::allowance::Allowance;
use super::limits::Limits;
use super::link::{Link, Secure, TlsInfo};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, Instant};

/// The shortest and the longest wait for a socket to take octets, before a write is tried again.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct TcpLink {
    stream: TcpStream,
    limits: Limits,
    allowance: Allowance,
    lock_step: bool,
}

impl TcpLink {
    pub fn new(stream: TcpStream, limits: Limits) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let allowance = Allowance::new(limits.timeout, &limits);
        Ok(TcpLink { stream, limits, allowance, lock_step: true })
    }

    /// Checked before every read and write, so that the end of the run and a signal count even while the socket
    /// is always ready.
    fn check(&self) -> io::Result<()> {
        if self.limits.stop.raised() {
            return Err(NetError::Stopped.into());
        }
        if self.allowance.run_is_over(Instant::now()) {
            return Err(NetError::RunOver.into());
        }
        Ok(())
    }

    /// Waits until the socket is ready for `what`, time is over or a signal comes.
    fn wait(&mut self, what: PollFlags) -> io::Result<()> {
        loop {
            self.check()?;
            let began = Instant::now();
            let left = self.allowance.left(began);
            if left.is_zero() {
                if self.allowance.yields() {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                return Err(NetError::Timeout.into());
            }
            if self.lock_step && what == PollFlags::IN {
                // Best effort: without it things are only slower.
                #[cfg(target_os = "linux")]
                let _ = rustix::net::sockopt::set_tcp_quickack(&self.stream, true);
            }
            // A socket counts as writable only when a third of its buffer is free. On a slow line, with a buffer of
            // some megabytes, that takes long, so a write is tried earlier.
            let writes = what == PollFlags::OUT;
            let slice = if writes && left > SHORTEST { (left / 2).min(LONGEST) } else { left };
            let timeout = Timespec::try_from(slice).ok();
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
            self.allowance.spend(began.elapsed());
            match ready {
                Ok(true) => return Ok(()),
                Ok(false) if writes => return self.check(),
                Ok(false) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tries `operation` until it is done, waiting for `what` in between.
    fn with_waits(
        &mut self,
        what: PollFlags,
        mut operation: impl FnMut(&mut TcpStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.check()?;
        loop {
            match operation(&mut self.stream) {
                Ok(octets) => {
                    self.allowance.earn(octets);
                    return Ok(octets);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(what)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
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
    fn arm(&mut self, allowance: Allowance) {
        self.allowance = allowance;
    }

    fn lock_step(&mut self, on: bool) {
        self.lock_step = on;
    }

    fn secure(self: Box<Self>, tls: &dyn Secure, host: &str) -> Result<Box<dyn Link>, NetError> {
        tls.secure(self, host)
    }

    fn tls(&self) -> Option<&TlsInfo> {
        None
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.stream.as_fd())
    }

    fn local_ip(&self) -> Option<IpAddr> {
        self.stream.local_addr().ok().map(|address| address.ip())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A link and its other end.
    fn pair(limits: &Limits) -> (TcpLink, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (TcpLink::new(stream, limits.clone()).unwrap(), listener.accept().unwrap().0)
    }

    fn error(result: io::Result<usize>) -> NetError {
        NetError::from_io(result.unwrap_err())
    }

    #[test]
    fn the_end_of_the_run_holds_although_octets_are_ready() {
        let limits = Limits { end: Some(Instant::now()), ..Limits::default() };
        let (mut link, mut peer) = pair(&limits);
        peer.write_all(&[b'x'; 4096]).unwrap();
        // They have come: a peek waits for them.
        assert!(link.stream.set_nonblocking(false).is_ok() && link.stream.peek(&mut [0; 16]).unwrap() > 0);
        link.stream.set_nonblocking(true).unwrap();
        assert!(matches!(error(link.read(&mut [0; 16])), NetError::RunOver));
        assert!(matches!(error(link.write(b"x")), NetError::RunOver));
    }

    #[test]
    fn a_flood_and_a_reader_that_takes_all_end_with_the_run() {
        for writes in [false, true] {
            let limits =
                Limits { end: Some(Instant::now() + Duration::from_millis(50)), ..Limits::default() };
            let (mut link, mut peer) = pair(&limits);
            let other = std::thread::spawn(move || {
                let mut block = vec![b'x'; 256 * 1024];
                if writes {
                    while peer.read(&mut block).is_ok_and(|got| got > 0) {}
                } else {
                    while peer.write_all(&block).is_ok() {}
                }
            });
            let mut block = vec![b'x'; 64 * 1024];
            let ended = loop {
                let result = if writes { link.write(&block) } else { link.read(&mut block) };
                if result.is_err() {
                    break error(result);
                }
            };
            assert!(matches!(ended, NetError::RunOver), "{ended:?}");
            drop(link);
            other.join().unwrap();
        }
    }

    #[test]
    fn a_server_that_trickles_is_not_waited_for_much_longer_than_one_that_is_silent() {
        let limits = Limits { timeout: Duration::from_millis(200), ..Limits::default() };
        let (mut link, mut peer) = pair(&limits);
        let other = std::thread::spawn(move || {
            while peer.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let mut came = 0;
        let ended = loop {
            match link.read(&mut [0; 16]) {
                Ok(octets) => came += octets,
                failed => break error(failed),
            }
        };
        assert!(matches!(ended, NetError::Timeout), "{ended:?} after {came}");
        drop(link);
        other.join().unwrap();
    }
}
