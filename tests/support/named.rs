//! A name server over loopback, by UDP and TCP, that answers as a test says, or badly.

use simple_dns::rdata::{A, CNAME, MX, RData, SRV};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

/// A record of an answer, for the name that was asked for.
#[derive(Clone, Debug)]
pub enum Record {
    Loopback,
    Mx(u16, &'static str),
    /// Priority, port, target.
    Srv(u16, u16, &'static str),
    /// The name stands for another, which is on this machine.
    Alias(&'static str),
}

/// What the server does.
#[derive(Clone, Debug)]
pub enum Say {
    Records(Vec<Record>),
    NoSuchName,
    Refused,
    /// Nothing.
    Silent,
    /// By UDP that the answer is too long, by TCP the answer.
    TooLong(Vec<Record>),
    /// First what somebody might send who guesses: another number, another question, no answer at all.
    AfterLies(Vec<Record>),
    /// An error for whoever uses EDNS.
    OldServer(Vec<Record>),
}

type Handler = dyn Fn(&str, TYPE) -> Say + Send + Sync;

/// The server; its threads end with the test.
pub struct Named {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Named {
    /// Starts it. `handler` gets the name, in lower case and without a dot at its end, and the type.
    pub fn start(handler: impl Fn(&str, TYPE) -> Say + Send + Sync + 'static) -> Named {
        let (udp, tcp) = sockets();
        let port = udp.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let handler: Arc<Handler> = Arc::new(handler);
        let (log, answers) = (Arc::clone(&asked), Arc::clone(&handler));
        thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok((got, from)) = udp.recv_from(&mut octets) {
                for reply in replies(&octets[..got], &*answers, &log, false) {
                    let _ = udp.send_to(&reply, from);
                }
            }
        });
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut length = [0; 2];
                let Ok(()) = stream.read_exact(&mut length) else { continue };
                let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
                let Ok(()) = stream.read_exact(&mut octets) else { continue };
                for reply in replies(&octets, &*handler, &log, true) {
                    let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                    let _ = stream.write_all(&[&length[..], &reply].concat());
                }
            }
        });
        Named { port, asked }
    }

    /// The value of `$POSTIE_DNS`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What was asked, as `TYPE name`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// One port, by UDP and TCP.
fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
    panic!("no port is free by UDP and by TCP");
}

fn replies(octets: &[u8], handler: &Handler, log: &Mutex<Vec<String>>, by_tcp: bool) -> Vec<Vec<u8>> {
    let Ok(query) = Packet::parse(octets) else { return vec![] };
    let [question] = query.questions.as_slice() else { return vec![] };
    let QTYPE::TYPE(kind) = question.qtype else { return vec![] };
    let name = question.qname.to_string().to_ascii_lowercase();
    log.lock().unwrap().push(format!("{kind:?} {name}"));
    let reply = |rcode: RCODE, records: &[Record]| build(&query, rcode, records);
    match handler(&name, kind) {
        Say::Records(records) => vec![reply(RCODE::NoError, &records)],
        Say::NoSuchName => vec![reply(RCODE::NameError, &[])],
        Say::Refused => vec![reply(RCODE::Refused, &[])],
        Say::Silent => vec![],
        Say::TooLong(records) if by_tcp => vec![reply(RCODE::NoError, &records)],
        Say::TooLong(_) => {
            let mut packet = query.clone().into_reply();
            packet.set_flags(PacketFlag::TRUNCATION);
            vec![packet.build_bytes_vec().unwrap()]
        }
        Say::AfterLies(records) => {
            let lie = [Record::Mx(0, "evil.test"), Record::Srv(0, 1, "evil.test"), Record::Loopback];
            let mut other_number = reply(RCODE::NoError, &lie);
            other_number[0] ^= 0xff;
            let mut other_question = query.clone();
            other_question.questions[0].qname = Name::new("evil.test").unwrap();
            let other_question = build(&other_question, RCODE::NoError, &lie);
            let no_reply = query.build_bytes_vec().unwrap();
            let cut = reply(RCODE::NoError, &lie)[..20].to_vec();
            let right = reply(RCODE::NoError, &records);
            vec![other_number, other_question, no_reply, cut, vec![], vec![0; 512], right]
        }
        Say::OldServer(_) if query.opt().is_some() => vec![reply(RCODE::FormatError, &[])],
        Say::OldServer(records) => vec![reply(RCODE::NoError, &records)],
    }
}

fn build(query: &Packet<'_>, rcode: RCODE, records: &[Record]) -> Vec<u8> {
    let mut packet = query.clone().into_reply();
    *packet.rcode_mut() = rcode;
    let owner = query.questions[0].qname.clone();
    let name = |text: &'static str| Name::new(text).unwrap();
    let loopback = || RData::A(A { address: Ipv4Addr::LOCALHOST.into() });
    let mut add = |owner: &Name<'_>, data: RData<'static>| {
        packet.answers.push(ResourceRecord::new(owner.clone().into_owned(), CLASS::IN, 60, data));
    };
    for record in records {
        match record {
            Record::Loopback => add(&owner, loopback()),
            Record::Mx(preference, host) => {
                add(&owner, RData::MX(MX { preference: *preference, exchange: name(host) }));
            }
            Record::Srv(priority, port, target) => add(
                &owner,
                RData::SRV(SRV { priority: *priority, weight: 0, port: *port, target: name(target) }),
            ),
            Record::Alias(target) => {
                add(&owner, RData::CNAME(CNAME(name(target))));
                add(&name(target), loopback());
            }
        }
    }
    packet.build_bytes_vec_compressed().unwrap()
}
