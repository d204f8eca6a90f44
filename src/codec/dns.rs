//! Questions to a name server and its answers (`RFC 1035`), as far as postie asks: addresses, MX, and SRV
//! (`RFC 2782`). simple-dns reads and writes the messages.
//!
//! Left out: zones, dynamic updates, DNSSEC (only the name server could check it, and the way to it is not safe).

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question as Asked, RCODE, TYPE, header_buffer};
use std::net::IpAddr;

/// The size of a UDP answer that every network carries whole (`RFC 6891 §6.2.5`, and what resolvers have agreed on).
pub const UDP_SIZE: u16 = 1232;
/// How many names in a row may stand for another (CNAME).
const MOST_ALIASES: usize = 8;
/// The most records of an answer that are looked at.
const MOST_RECORDS: usize = 64;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordType {
    A,
    Aaaa,
    Mx,
    Srv,
}

impl RecordType {
    fn code(self) -> TYPE {
        match self {
            RecordType::A => TYPE::A,
            RecordType::Aaaa => TYPE::AAAA,
            RecordType::Mx => TYPE::MX,
            RecordType::Srv => TYPE::SRV,
        }
    }
}

/// A question: a name, without a dot at its end, and a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub name: String,
    pub kind: RecordType,
}

/// A record of an answer. Names are as they came: anything may be in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Address(IpAddr),
    /// `RFC 5321 §5.1`: the lowest preference first.
    Mx {
        preference: u16,
        host: String,
    },
    /// The lowest priority first; of equal ones, the higher the weight the more often. No target: the service is not
    /// offered.
    Srv {
        priority: u16,
        weight: u16,
        port: u16,
        target: Option<String>,
    },
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsAnswer {
    /// The records of the type asked for; none: the name has none.
    Records(Vec<Record>),
    /// The name does not exist.
    NoSuchName,
    /// The answer is too long for UDP.
    Truncated,
    /// The server does not understand the question; an old one may without EDNS.
    NotUnderstood,
    /// The server cannot or will not answer (SERVFAIL, REFUSED, …).
    Failed(u16),
}

/// What came is no answer to this question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs;

/// The message that asks `question`, under the number `id`; with `edns`, larger answers are welcome (`RFC 6891`).
/// `None` if the name is not valid.
pub fn query(id: u16, question: &Question, edns: bool) -> Option<Vec<u8>> {
    let name = name(&question.name)?;
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(Asked::new(name, question.kind.code().into(), CLASS::IN.into(), false));
    if edns {
        *packet.opt_mut() = Some(OPT { opt_codes: vec![], udp_packet_size: UDP_SIZE, version: 0 });
    }
    packet.build_bytes_vec().ok()
}

fn name(text: &str) -> Option<Name<'_>> {
    // A backslash would begin an escape, and empty labels would be passed over.
    let plain = !text.is_empty() && !text.contains('\\') && text.split('.').all(|label| !label.is_empty());
    plain.then(|| Name::new(text).ok()).flatten()
}

/// Reads what came as the answer to `question` under the number `id`. Anything else is [`NotOurs`]: somebody may be
/// guessing.
pub fn answer(octets: &[u8], id: u16, question: &Question) -> Result<DnsAnswer, NotOurs> {
    let is_reply = header_buffer::has_flags(octets, PacketFlag::RESPONSE).unwrap_or(false);
    if !is_reply || header_buffer::id(octets) != Ok(id) {
        return Err(NotOurs);
    }
    // A long answer may be cut anywhere, so the rest is not read.
    if header_buffer::has_flags(octets, PacketFlag::TRUNCATION).unwrap_or(false) {
        return Ok(DnsAnswer::Truncated);
    }
    let packet = match Packet::parse(octets) {
        Ok(packet) => packet,
        // Some servers that cannot read the question return nothing of it.
        Err(_) if header_buffer::rcode(octets) == Ok(RCODE::FormatError) => {
            return Ok(DnsAnswer::NotUnderstood);
        }
        Err(_) => return Err(NotOurs),
    };
    let asked = name(&question.name).ok_or(NotOurs)?;
    let is_ours = |it: &Asked<'_>| {
        it.qname == asked && it.qtype == question.kind.code().into() && it.qclass == CLASS::IN.into()
    };
    match (packet.rcode(), packet.questions.as_slice()) {
        (RCODE::FormatError | RCODE::NotImplemented, []) => return Ok(DnsAnswer::NotUnderstood),
        (_, [it]) if is_ours(it) => {}
        _ => return Err(NotOurs),
    }
    Ok(match packet.rcode() {
        RCODE::NoError => DnsAnswer::Records(records(&packet, asked, question.kind)),
        RCODE::NameError => DnsAnswer::NoSuchName,
        RCODE::FormatError | RCODE::NotImplemented => DnsAnswer::NotUnderstood,
        other => DnsAnswer::Failed(other as u16),
    })
}

/// The records of this type of `name`, or of the name that its CNAME leads to.
fn records<'a>(packet: &'a Packet<'a>, name: Name<'a>, kind: RecordType) -> Vec<Record> {
    let mut owner = name;
    for _ in 0..MOST_ALIASES {
        let alias = packet.answers.iter().take(MOST_RECORDS).find_map(|record| match &record.rdata {
            RData::CNAME(target) if record.name == owner => Some(target.0.clone()),
            _ => None,
        });
        match alias {
            Some(target) => owner = target,
            None => break,
        }
    }
    let own = packet.answers.iter().take(MOST_RECORDS).filter(|it| it.name == owner && it.class == CLASS::IN);
    own.filter_map(|record| {
        Some(match (&record.rdata, kind) {
            (RData::A(it), RecordType::A) => Record::Address(IpAddr::from(it.address.to_be_bytes())),
            (RData::AAAA(it), RecordType::Aaaa) => Record::Address(IpAddr::from(it.address.to_be_bytes())),
            (RData::MX(it), RecordType::Mx) => {
                Record::Mx { preference: it.preference, host: it.exchange.to_string() }
            }
            (RData::SRV(it), RecordType::Srv) => Record::Srv {
                priority: it.priority,
                weight: it.weight,
                port: it.port,
                target: Some(it.target.to_string()).filter(|_| !it.target.get_labels().is_empty()),
            },
            _ => return None,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::{A, CNAME, MX, SRV};

    fn asked(kind: RecordType) -> Question {
        Question { name: "own.test".into(), kind }
    }

    fn record<'a>(owner: &'a str, data: RData<'a>) -> ResourceRecord<'a> {
        ResourceRecord::new(Name::new_unchecked(owner), CLASS::IN, 60, data)
    }

    fn reply(kind: RecordType, rcode: RCODE, answers: Vec<ResourceRecord<'_>>) -> Vec<u8> {
        let question = query(7, &asked(kind), true).unwrap();
        let mut packet = Packet::parse(&question).unwrap().into_reply();
        *packet.rcode_mut() = rcode;
        packet.answers = answers;
        packet.build_bytes_vec_compressed().unwrap()
    }

    fn address(octet: u8) -> RData<'static> {
        RData::A(A { address: u32::from_be_bytes([127, 0, 0, octet]) })
    }

    #[test]
    fn the_records_that_were_asked_for_are_read_and_no_others() {
        let srv = |target: &'static str| {
            RData::SRV(SRV { priority: 1, weight: 2, port: 995, target: Name::new(target).unwrap() })
        };
        let octets = reply(
            RecordType::Srv,
            RCODE::NoError,
            vec![
                record("own.test", srv("pop.own.test")),
                record("OWN.test", srv(".")),
                record("x.test", srv("x.test")),
            ],
        );
        let wanted = |target: Option<&str>| Record::Srv {
            priority: 1,
            weight: 2,
            port: 995,
            target: target.map(str::to_owned),
        };
        let read = answer(&octets, 7, &asked(RecordType::Srv));
        assert_eq!(read, Ok(DnsAnswer::Records(vec![wanted(Some("pop.own.test")), wanted(None)])));
        let mx = RData::MX(MX { preference: 10, exchange: Name::new("mx.hoster.test").unwrap() });
        let octets = reply(
            RecordType::Mx,
            RCODE::NoError,
            vec![record("own.test", mx), record("own.test", address(1))],
        );
        let wanted = Record::Mx { preference: 10, host: "mx.hoster.test".into() };
        assert_eq!(answer(&octets, 7, &asked(RecordType::Mx)), Ok(DnsAnswer::Records(vec![wanted])));
    }

    #[test]
    fn a_name_that_stands_for_another_is_followed_and_a_circle_is_left() {
        let alias = |target: &'static str| RData::CNAME(CNAME(Name::new(target).unwrap()));
        let follow = |answers| match answer(
            &reply(RecordType::A, RCODE::NoError, answers),
            7,
            &asked(RecordType::A),
        ) {
            Ok(DnsAnswer::Records(found)) => found.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(follow(vec![record("b.test", address(1)), record("own.test", alias("b.test"))]), 1);
        assert_eq!(follow(vec![record("own.test", alias("b.test")), record("b.test", alias("own.test"))]), 0);
        assert_eq!(follow(vec![record("own.test", alias("own.test"))]), 0);
        assert_eq!(follow((0..200).map(|_| record("own.test", address(1))).collect()), MOST_RECORDS);
    }

    #[test]
    fn what_a_server_cannot_answer_is_told_apart_from_what_does_not_exist() {
        for (rcode, wanted) in [
            (RCODE::NameError, DnsAnswer::NoSuchName),
            (RCODE::NoError, DnsAnswer::Records(vec![])),
            (RCODE::FormatError, DnsAnswer::NotUnderstood),
            (RCODE::ServerFailure, DnsAnswer::Failed(2)),
            (RCODE::Refused, DnsAnswer::Failed(5)),
        ] {
            let octets = reply(RecordType::A, rcode, vec![]);
            assert_eq!(answer(&octets, 7, &asked(RecordType::A)), Ok(wanted), "{rcode:?}");
        }
        let bare = [0, 7, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(answer(&bare, 7, &asked(RecordType::A)), Ok(DnsAnswer::NotUnderstood));
    }

    #[test]
    fn an_answer_under_another_number_or_to_another_question_is_not_taken() {
        let good = reply(RecordType::A, RCODE::NoError, vec![record("own.test", address(1))]);
        assert_eq!(answer(&good, 8, &asked(RecordType::A)), Err(NotOurs));
        assert_eq!(answer(&good, 7, &asked(RecordType::Mx)), Err(NotOurs));
        let other = Question { name: "other.test".into(), kind: RecordType::A };
        assert_eq!(answer(&good, 7, &other), Err(NotOurs));
        assert_eq!(
            answer(&query(7, &asked(RecordType::A), true).unwrap(), 7, &asked(RecordType::A)),
            Err(NotOurs)
        );
        let mut cut = good.clone();
        cut[2] |= 2;
        for end in 12..cut.len() {
            assert_eq!(answer(&cut[..end], 7, &asked(RecordType::A)), Ok(DnsAnswer::Truncated), "{end}");
        }
        for end in 0..good.len() {
            assert_eq!(answer(&good[..end], 7, &asked(RecordType::A)), Err(NotOurs), "{end}");
        }
    }

    #[test]
    fn a_pointer_in_a_circle_and_lying_counts_are_refused() {
        // The name of the question points to itself; 65535 records are announced.
        let circle = [0, 7, 0x80, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc0, 12, 0, 1, 0, 1];
        assert_eq!(answer(&circle, 7, &asked(RecordType::A)), Err(NotOurs));
        let mut counts = reply(RecordType::A, RCODE::NoError, vec![]);
        counts[6..12].fill(0xff);
        assert_eq!(answer(&counts, 7, &asked(RecordType::A)), Err(NotOurs));
    }

    #[test]
    fn what_is_no_name_is_not_asked_for() {
        for bad in ["", ".", "a..b", ".a", "a\\.b", &"x".repeat(64), &"abc.".repeat(70)] {
            assert_eq!(query(1, &Question { name: bad.into(), kind: RecordType::A }, true), None, "{bad:?}");
        }
        assert!(
            query(1, &Question { name: "_pop3s._tcp.own.test".into(), kind: RecordType::Srv }, false)
                .is_some()
        );
    }

    #[test]
    fn an_answer_with_any_octet_changed_is_read_or_refused() {
        let mx = RData::MX(MX { preference: 10, exchange: Name::new("mx.hoster.test").unwrap() });
        let alias = RData::CNAME(CNAME(Name::new("b.own.test").unwrap()));
        let good =
            reply(RecordType::Mx, RCODE::NoError, vec![record("own.test", alias), record("b.own.test", mx)]);
        for at in 0..good.len() {
            for value in 0..=255 {
                let mut octets = good.clone();
                octets[at] = value;
                let read = answer(&octets, 7, &asked(RecordType::Mx));
                assert!(at >= 2 || value == good[at] || read == Err(NotOurs), "{at} {value}");
            }
        }
    }
}
