//! Asks the system's name servers what its own resolver does not tell: MX and SRV records.
//!
//! A question goes out by UDP from a random port under a random number, an answer that is too long is asked for
//! again by TCP (`RFC 1035 §4.2`, `RFC 5452`). There is no cache.

use super::allowance::Allowance;
use super::connect::{connect_first, wait_for};
use super::error::NetError;
use super::limits::Limits;
use super::link::Link as _;
use crate::codec::dns::{self, DnsAnswer, Question, Record, RecordType};
use rustix::event::PollFlags;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

const FILE: &str = "/etc/resolv.conf";
/// The C library asks no more servers (`resolv.conf(5)`).
const MOST_SERVERS: usize = 3;
/// How many packets are looked at for one question: somebody may send many that are not the answer.
const MOST_PACKETS: usize = 200;

/// The name servers, and how long they get.
#[derive(Clone, Debug)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
    /// For each try.
    wait: Duration,
    rounds: u32,
    limits: Limits,
}

impl Resolver {
    /// Those of the system (`resolv.conf(5)`), or the one that [`Limits::names`] has.
    pub fn new(limits: &Limits) -> Resolver {
        let text = std::fs::read(FILE).unwrap_or_default();
        let mut found = read(&String::from_utf8_lossy(&text));
        if let Some(server) = limits.names.server() {
            found.servers = vec![server];
        }
        Resolver { servers: found.servers, wait: found.wait, rounds: found.rounds, limits: limits.clone() }
    }

    /// The records of `name`; none if it has none of this type.
    ///
    /// [`NetError::NoSuchHost`] if there is no such name, [`NetError::NameService`] if no server can say.
    pub fn ask(&self, name: &str, kind: RecordType) -> Result<Vec<Record>, NetError> {
        let question = Question { name: name.trim_end_matches('.').to_ascii_lowercase(), kind };
        let until = self.limits.until(self.limits.timeout);
        let mut last = "no answer in time".to_owned();
        for _ in 0..self.rounds {
            for server in &self.servers {
                match self.ask_one(*server, &question, until, true) {
                    Ok(DnsAnswer::Records(records)) => return Ok(records),
                    Ok(DnsAnswer::NoSuchName) => {
                        return Err(NetError::NoSuchHost("the name does not exist".into()));
                    }
                    Ok(DnsAnswer::Failed(code)) => {
                        last = format!("the name server answers with error {code}")
                    }
                    Ok(DnsAnswer::Truncated | DnsAnswer::NotUnderstood) => {
                        last = "the name server does not understand the question".into();
                    }
                    Err(error @ (NetError::Stopped | NetError::RunOver)) => return Err(error),
                    Err(NetError::Timeout) => {}
                    Err(error) => last = error.to_string(),
                }
                if Instant::now() >= until {
                    return Err(match self.limits.run_over() {
                        true => NetError::RunOver,
                        false => NetError::NameService(last),
                    });
                }
            }
        }
        Err(NetError::NameService(last))
    }

    /// The addresses of `name`, those of IPv6 first.
    pub fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NetError> {
        let mut found = Vec::new();
        for kind in [RecordType::Aaaa, RecordType::A] {
            found.extend(self.ask(name, kind)?.into_iter().filter_map(|record| match record {
                Record::Address(ip) => Some(ip),
                _ => None,
            }));
        }
        match found.is_empty() {
            true => Err(NetError::NoSuchHost("the name has no address".into())),
            false => Ok(found),
        }
    }

    fn ask_one(
        &self,
        server: SocketAddr,
        question: &Question,
        until: Instant,
        edns: bool,
    ) -> Result<DnsAnswer, NetError> {
        let no_name = || NetError::NoSuchHost("this is no name".into());
        let id = random_id()?;
        let message = dns::query(id, question, edns).ok_or_else(no_name)?;
        let until = until.min(Instant::now() + self.wait);
        match self.by_udp(server, question, id, &message, until)? {
            DnsAnswer::Truncated => self.by_tcp(server, question, id, &message, until),
            DnsAnswer::NotUnderstood if edns => self.ask_one(server, question, until, false),
            answer => Ok(answer),
        }
    }

    fn by_udp(
        &self,
        server: SocketAddr,
        question: &Question,
        id: u16,
        message: &[u8],
        until: Instant,
    ) -> Result<DnsAnswer, NetError> {
        let any =
            if server.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
        // The system gives a random port, and lets through only what the server sends.
        let socket = UdpSocket::bind((any, 0)).map_err(NetError::Connect)?;
        socket.connect(server).map_err(NetError::Connect)?;
        socket.set_nonblocking(true).map_err(NetError::Lost)?;
        socket.send(message).map_err(NetError::Lost)?;
        let mut octets = [0; 4096];
        for _ in 0..MOST_PACKETS {
            wait_for(&socket, PollFlags::IN, until, &self.limits)?;
            match socket.recv(&mut octets) {
                Ok(got) => {
                    if let Ok(answer) = dns::answer(&octets[..got], id, question) {
                        return Ok(answer);
                    }
                }
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) => return Err(NetError::Lost(error)),
            }
        }
        Err(NetError::Timeout)
    }

    /// The message has its length before it (`RFC 1035 §4.2.2`).
    fn by_tcp(
        &self,
        server: SocketAddr,
        question: &Question,
        id: u16,
        message: &[u8],
        until: Instant,
    ) -> Result<DnsAnswer, NetError> {
        let limits =
            Limits { timeout: until.saturating_duration_since(Instant::now()), ..self.limits.clone() };
        let mut link = connect_first(&[server], &limits)?;
        link.arm(Allowance::new(limits.timeout, &limits).fixed());
        let length = u16::try_from(message.len()).map_err(|_| NetError::Broken)?;
        link.write_all(&[&length.to_be_bytes()[..], message].concat()).map_err(NetError::from_io)?;
        let mut length = [0; 2];
        link.read_exact(&mut length).map_err(NetError::from_io)?;
        let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
        link.read_exact(&mut octets).map_err(NetError::from_io)?;
        dns::answer(&octets, id, question).map_err(|_| NetError::NameService("what came is no answer".into()))
    }
}

fn random_id() -> Result<u16, NetError> {
    let random = getrandom::u32().map_err(|error| NetError::NameService(error.to_string()))?;
    let [first, second, ..] = random.to_ne_bytes();
    Ok(u16::from_ne_bytes([first, second]))
}

struct ResolverSettings {
    servers: Vec<SocketAddr>,
    wait: Duration,
    rounds: u32,
}

/// Reads `resolv.conf(5)`: `nameserver`, and of the options `timeout` and `attempts`.
fn read(text: &str) -> ResolverSettings {
    let mut found = ResolverSettings { servers: vec![], wait: Duration::from_secs(3), rounds: 2 };
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("nameserver") => found.servers.extend(words.next().and_then(server)),
            Some("options") => {
                for word in words {
                    match word.split_once(':').map(|(name, value)| (name, value.parse::<u32>())) {
                        Some(("timeout", Ok(seconds))) => {
                            found.wait = Duration::from_secs(seconds.clamp(1, 30).into());
                        }
                        Some(("attempts", Ok(rounds))) => found.rounds = rounds.clamp(1, 5),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    found.servers.truncate(MOST_SERVERS);
    if found.servers.is_empty() {
        found.servers.push(SocketAddr::from((Ipv4Addr::LOCALHOST, 53)));
    }
    found
}

fn server(text: &str) -> Option<SocketAddr> {
    // A link-local address may end in the number of an interface (`%2`); the name of one is not understood.
    match text.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, 53)),
        Err(_) => format!("[{text}]:53").parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_of_the_file_are_read_and_nonsense_is_passed_over() {
        let found = read(
            "# a remark\nsearch example.org\nnameserver 127.0.0.53\nnameserver 2001:db8::1\nnameserver\n\
             nameserver nonsense\noptions edns0 timeout:1 attempts:9 rotate ndots:x\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n",
        );
        let servers: Vec<String> = found.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["127.0.0.53:53", "[2001:db8::1]:53", "192.0.2.1:53"]);
        assert_eq!((found.wait, found.rounds), (Duration::from_secs(1), 5));
        assert_eq!(read("").servers, ["127.0.0.1:53".parse().unwrap()]);
        assert_eq!(read("nameserver fe80::1%2").servers.len(), 1);
    }
}
