//! Connects to one of a host's addresses, within a deadline.

use super::NetError;
use super::limits::Limits;
use super::tcp::TcpLink;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

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
    wait_for(&socket, PollFlags::OUT, until, limits)?;
    match sockopt::socket_error(&socket).map_err(failed)? {
        Ok(()) => Ok(socket.into()),
        Err(errno) => Err(failed(errno)),
    }
}

/// Waits until `socket` is ready for `what`.
pub(super) fn wait_for(
    socket: &impl AsFd,
    what: PollFlags,
    until: Instant,
    limits: &Limits,
) -> Result<(), NetError> {
    loop {
        if limits.stop.raised() {
            return Err(NetError::Stopped);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(if limits.run_over() { NetError::RunOver } else { NetError::Timeout });
        }
        let timeout = Timespec::try_from(left).ok();
        let mut waits = vec![PollFd::from_borrowed_fd(socket.as_fd(), what)];
        waits.extend(limits.stop.wake().map(|wake| PollFd::from_borrowed_fd(wake, PollFlags::IN)));
        match poll(&mut waits, timeout.as_ref()) {
            Ok(_) if !waits[0].revents().is_empty() => return Ok(()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(NetError::Lost(errno.into())),
        }
    }
}
