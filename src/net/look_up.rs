//! Looks a host name up, within a deadline.

use super::NetError;
use super::limits::Limits;
use super::resolver::Resolver;
use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};
use rustix::event::{EventfdFlags, eventfd};
use rustix::process::{Resource, getrlimit};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How often the stop flag is checked while another thread looks a name up.
const LOOKUP_SLICE: Duration = Duration::from_millis(50);
/// How many descriptors a look-up may need at once: a file of names or of settings, a socket for each server.
const RESOLVER_DESCRIPTORS: usize = 6;
/// A limit below which a process can be short of descriptors although it just had some, see [`look_up`].
const FEW_DESCRIPTORS: u64 = 64;

/// The addresses of `host`, in the order the system prefers them.
pub fn resolve(host: &str, port: u16, limits: &Limits) -> Result<Vec<SocketAddr>, NetError> {
    if let Ok(ip) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if let Some(address) = limits.names.fixed(host, port) {
        return Ok(vec![address]);
    }
    // RFC 6761 §6.4: names under `.invalid` do not exist, and need not be asked for.
    if host.to_ascii_lowercase().trim_end_matches('.').ends_with(".invalid") {
        return Err(NetError::NoSuchHost(host.to_owned()));
    }
    if limits.names.server().is_some() && !host.eq_ignore_ascii_case("localhost") {
        let found = Resolver::new(limits).addresses(host)?;
        return Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect());
    }
    let until = limits.until(limits.timeout);
    let (answer, answered) = mpsc::channel();
    let name = host.to_owned();
    // The system's resolver takes no timeout, so it runs in a thread, which is abandoned when time is over.
    let started = thread::Builder::new().spawn(move || {
        // Nobody receives it once time is over.
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

/// Asks the system's resolver. It needs files of its own (its configuration, a socket), and where it gets none
/// it calls every host unknown. So "unknown" counts only while descriptors are to be had; otherwise it is a
/// shortage of this machine, which passes.
fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, NetError> {
    // Other accounts of the run take and give descriptors all the time. Where there are few, one look may fall
    // between two of their steps.
    let looks =
        if getrlimit(Resource::Nofile).current.is_some_and(|most| most < FEW_DESCRIPTORS) { 3 } else { 1 };
    let mut answer = Err(NetError::NoSuchHost(host.to_owned()));
    for _ in 0..looks {
        let had_room = resolver_has_room();
        answer = ask_resolver(host, port);
        match answer {
            Err(NetError::NoSuchHost(_)) if had_room && resolver_has_room() => {}
            Err(NetError::NoSuchHost(_)) => {
                return Err(NetError::NameService("no file descriptor was left to look it up".into()));
            }
            _ => break,
        }
    }
    answer
}

/// Whether as many descriptors can be had at once as a look-up opens.
fn resolver_has_room() -> bool {
    let held: Vec<_> =
        (0..RESOLVER_DESCRIPTORS).map_while(|_| eventfd(0, EventfdFlags::CLOEXEC).ok()).collect();
    held.len() == RESOLVER_DESCRIPTORS
}

fn ask_resolver(host: &str, port: u16) -> Result<Vec<SocketAddr>, NetError> {
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
