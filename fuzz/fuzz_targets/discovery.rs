//! What name servers and published documents say: no octets make the readers fail, and nothing that could break a line
//! or lead to an address of the reader's network becomes a server.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::account::autoconfig::{self, Whose};
use postie::codec::dns::{self, DnsAnswer, Question, RecordType};
use postie::net::Security;
use postie::words::Address;

fuzz_target!(|data: &[u8]| {
    for kind in [RecordType::A, RecordType::Aaaa, RecordType::Mx, RecordType::Srv] {
        let question = Question { name: "own.test".into(), kind };
        let id = data.get(..2).map_or(0, |first| u16::from_be_bytes([first[0], first[1]]));
        if let Ok(DnsAnswer::Records(records)) = dns::answer(data, id, &question) {
            assert!(records.len() <= 64);
        }
        assert!(dns::answer(data, id ^ 1, &question).is_err());
    }
    let Ok(email) = Address::parse("ana@own.test") else { return };
    if let Ok(read) = autoconfig::read(data, Whose { email: &email, domain: "own.test" }) {
        assert!(read.servers.len() <= 32);
        for published in read.servers {
            let server = published.server;
            assert!(server.security != Security::None && server.port > 0);
            assert!(server.host.parse::<std::net::IpAddr>().is_err() && server.host.contains('.'));
            assert!(!format!("{}{:?}", server.host, server.username).contains(char::is_control));
        }
        assert!(read.issuer.is_none_or(|issuer| !issuer.contains(char::is_control)));
    }
});
