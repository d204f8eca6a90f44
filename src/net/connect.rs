//! From a host name to a connected link: look-up and connect, on one deadline.

use super::NetError;
use super::limits::Limits;
use super::tcp::TcpLink;
use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The pause between looks at the stop flag while another thread looks a name up.
const LOOKUP_SLICE: Duration = Duration::from_millis(50);

/// The addresses of `host`, in the order the system prefers them.
pub fn resolve(host: &str, port: u16, limits: &Limits) -> Result<Vec<SocketAddr>, NetError> {
    if let Ok(ip) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    // RFC 6761 §6.4: names under `.invalid` do not exist, and need not be asked for.
    if host.to_ascii_lowercase().trim_end_matches('.').ends_with(".invalid") {
        return Err(NetError::NoSuchHost(host.to_owned()));
    }
    let until = limits.until(limits.timeout);
    let (answer, answered) = mpsc::channel();
    let name = host.to_owned();
    // The system's resolver cannot be told how long to wait: it gets a thread of its own, which is left
    // behind when time is over.
    let started = thread::Builder::new().spawn(move || {
        // Nobody listens any more when time is over.
        let _ = answer.send(look_up(&name, port));
    });
    started.map_err(|error| NetError::NameService(error.to_string()))?;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match answered.recv_timeout(left.min(LOOKUP_SLICE)) {
            Ok(found) => return found,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(NetError::NameService("the look-up died".into()));
            }
            Err(mpsc::RecvTimeoutError::Timeout) if limits.stop.raised() => return Err(NetError::Stopped),
            Err(mpsc::RecvTimeoutError::Timeout) if left.is_zero() => {
                return Err(if limits.run_over() {
                    NetError::RunOver
                } else {
                    NetError::NameService("no answer in time".into())
                });
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
}

fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, NetError> {
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(host), Some(&port.to_string()), Some(hints)).map_err(|error| {
        let kind = error.kind();
        let detail = io::Error::from(error).to_string();
        let detail = detail.rsplit(": ").next().unwrap_or(&detail).to_owned();
        match kind {
            LookupErrorKind::NoName | LookupErrorKind::NoData => NetError::NoSuchHost(detail),
            _ => NetError::NameService(detail),
        }
    })?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found.flatten().map(|info| info.sockaddr) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        Err(NetError::NoSuchHost("the name has no address".into()))
    } else {
        Ok(addresses)
    }
}

/// Connects to the first of `addresses` that answers. Each gets an equal part of the time that is left,
/// so that a dead first address does not use up the time of the second.
pub fn connect_first(addresses: &[SocketAddr], limits: &Limits) -> Result<TcpLink, NetError> {
    let until = limits.until(limits.timeout);
    let mut last = NetError::Timeout;
    for (index, address) in addresses.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(1);
        match connect_one(*address, Instant::now() + share, limits) {
            Ok(stream) => return TcpLink::new(stream, limits.clone()).map_err(NetError::Lost),
            Err(stopped @ (NetError::Stopped | NetError::RunOver)) => return Err(stopped),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// One attempt, which a signal can end.
fn connect_one(address: SocketAddr, until: Instant, limits: &Limits) -> Result<TcpStream, NetError> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let failed = |errno: rustix::io::Errno| NetError::Connect(errno.into());
    let socket: OwnedFd = socket_with(family, SocketType::STREAM, flags, None).map_err(failed)?;
    match connect(&socket, &address) {
        Ok(()) => return Ok(socket.into()),
        Err(rustix::io::Errno::INPROGRESS | rustix::io::Errno::INTR) => {}
        Err(errno) => return Err(failed(errno)),
    }
    loop {
        if limits.stop.raised() {
            return Err(NetError::Stopped);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(if limits.run_over() { NetError::RunOver } else { NetError::Timeout });
        }
        let timeout = Timespec::try_from(left).ok();
        let mut waits = vec![PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::OUT)];
        waits.extend(limits.stop.wake().map(|wake| PollFd::from_borrowed_fd(wake, PollFlags::IN)));
        match poll(&mut waits, timeout.as_ref()) {
            Ok(_) if !waits[0].revents().is_empty() => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    match sockopt::socket_error(&socket).map_err(failed)? {
        Ok(()) => Ok(socket.into()),
        Err(errno) => Err(failed(errno)),
    }
}
