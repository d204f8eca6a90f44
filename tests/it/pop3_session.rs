//! The POP3 session types over a scripted link, with the same transcripts that the real binary plays: split
//! at every octet that the server sends, and cut off after every octet.

use crate::support::link::{Cut, ScriptLink, Seen};
use crate::support::peer::Phase;
use crate::support::pop3d::{SECRET, USER};
use crate::support::script::Script;
use postie::codec::sasl::Credentials;
use postie::mailbox::{Receiver, Wanted};
use postie::net::{Limits, Tls, TlsSettings, Wire};
use postie::pop3::{Authorization, Listings, Pop3Login, What};
use postie::store::{AccountKey, Afterwards, Ledger, Mboxrd, Recorded, Sink, Stdout, Subject};
use postie::words::{Failure, Secret};
use std::sync::OnceLock;
use std::time::Duration;

/// The result of a whole session.
#[derive(Debug, Default, PartialEq)]
pub struct Haul {
    pub uids: Vec<Vec<u8>>,
    pub messages: Vec<Vec<u8>>,
    begun: Vec<u8>,
    refused: usize,
    left: bool,
}

impl Receiver for Haul {
    fn begin(&mut self, _index: usize) -> Result<(), Failure> {
        self.begun.clear();
        Ok(())
    }

    fn chunk(&mut self, octets: &[u8], _: u64) -> Result<(), Failure> {
        self.begun.extend_from_slice(octets);
        Ok(())
    }

    fn confirm(&mut self, _index: usize) -> Result<(), Failure> {
        self.messages.push(std::mem::take(&mut self.begun));
        Ok(())
    }

    fn refused(&mut self, _index: usize, _failure: Failure) -> Result<(), Failure> {
        self.refused += 1;
        Ok(())
    }
}

/// The ledger's proof for a message, which nothing else can make. Made once.
fn proof() -> &'static Recorded {
    static PROOF: OnceLock<Recorded> = OnceLock::new();
    PROOF.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let key = AccountKey::new("pop3", "localhost", 995, USER);
        let mut ledger = Ledger::open(dir.path(), &key, Duration::ZERO, &|| false).unwrap();
        let mut sink = Stdout::new(Box::new(std::io::sink()), Box::new(Mboxrd));
        sink.recover(&mut ledger).unwrap();
        let identity = ledger.identity(b"one", 0);
        sink.begin(&Subject { identity: &identity, tag: 0, wire_size: None, number: 1, details: None })
            .unwrap();
        sink.write(&mut ledger, b"Subject: one\n\n").unwrap();
        sink.finish().unwrap();
        let delivered = sink.commit(&mut ledger).unwrap();
        ledger.record(delivered, Afterwards::Delete).unwrap().remove(0)
    })
}

/// A session from greeting to QUIT that fetches and deletes everything.
fn session(wire: Wire, haul: &mut Haul) -> Result<(), Failure> {
    let implicit = wire.tls().is_some();
    // Made once: it reads the system's authorities.
    static TLS: OnceLock<Tls> = OnceLock::new();
    let tls = TLS.get_or_init(|| Tls::prepare(&TlsSettings::default(), &Limits::default()).unwrap());
    let mut session = Authorization::greet(wire)?;
    session.capa()?;
    if !implicit {
        session.stls(tls, "localhost")?;
        session.capa()?;
    }
    let credentials = Credentials {
        user: USER.to_owned(),
        secret: Secret::new(SECRET.as_bytes()),
        host: "localhost".to_owned(),
        port: 995,
    };
    let login = Pop3Login {
        credentials,
        is_token: false,
        method: None,
        plaintext: false,
        helper: None,
        verdict: None,
    };
    let (mut transaction, _) = session.login(&login, Listings::FULL)?;
    let listing = transaction.listing()?;
    haul.uids = (0..listing.len()).filter_map(|place| Some(listing.uid(place)?.to_vec())).collect();
    let wanted: Vec<Wanted> = (0..listing.len())
        .map(|place| Wanted { number: listing.number(place), size: listing.size(place), alone: false })
        .collect();
    transaction.retrieve(&wanted, What::Message, haul)?;
    let stored: Vec<(u32, &Recorded)> = wanted.iter().map(|wanted| (wanted.number, proof())).collect();
    if transaction.dele(&stored)?.iter().any(Option::is_some) {
        return Ok(());
    }
    transaction.quit()?;
    haul.left = true;
    Ok(())
}

pub fn play(script: &Script, cut: Cut) -> (Result<(), Failure>, Haul, Seen) {
    let link = ScriptLink::new(script, cut);
    let wire = Wire::new(Box::new(link.clone()), "localhost:995", Limits::default(), None);
    let mut haul = Haul::default();
    let result = session(wire, &mut haul);
    (result, haul, link.seen())
}

const TRANSCRIPTS: [&str; 5] =
    ["pop3/one-by-one", "pop3/pipelined", "pop3/stls", "pop3/without-capa", "pop3/bare-lf"];

fn wanted() -> Haul {
    Haul {
        uids: vec![b"one".to_vec(), b"two".to_vec()],
        messages: vec![
            b"Subject: one\n\n.\n.leading dot\n".to_vec(),
            b"Subject: two\n\n\x80\xff\0 and\r bare\n\n".to_vec(),
        ],
        left: true,
        ..Haul::default()
    }
}

#[test]
fn where_the_octets_are_split_makes_no_difference() {
    for name in TRANSCRIPTS {
        let script = Script::load(name);
        let (result, haul, seen) = play(&script, Cut::Nowhere);
        result.unwrap_or_else(|failure| panic!("{name}: {failure}: {:?}", seen.deviations));
        assert_eq!(haul, wanted(), "{name}");
        assert!(seen.deviations.is_empty(), "{name}: {:?}", seen.deviations);
        let cuts = (1..seen.served).map(Cut::At).chain([1, 2, 3, 7].map(Cut::Every));
        for cut in cuts {
            let (result, haul, seen) = play(&script, cut);
            assert!(result.is_ok(), "{name}, {cut:?}: {result:?}");
            assert_eq!(haul, wanted(), "{name}, {cut:?}");
            assert!(seen.deviations.is_empty(), "{name}, {cut:?}: {:?}", seen.deviations);
        }
    }
}

#[test]
fn a_connection_cut_off_after_any_octet_is_an_error_and_confirms_no_torn_message() {
    for name in TRANSCRIPTS {
        let script = Script::load(name);
        let served = play(&script, Cut::Nowhere).2.served;
        for octets in 0..served {
            let (result, haul, seen) = play(&script, Cut::Off(octets));
            let failure = result.expect_err("the server never said goodbye");
            assert_eq!(failure.exit().code(), 75, "{name}, {octets}: {failure}");
            assert!(!haul.left);
            assert!(wanted().messages.starts_with(&haul.messages), "{name}, {octets}: {haul:?}");
            assert!(seen.deviations.is_empty(), "{name}, {octets}: {:?}", seen.deviations);
        }
    }
}

#[test]
fn the_password_goes_over_a_link_under_tls_only() {
    for name in TRANSCRIPTS {
        let (_, _, seen) = play(&Script::load(name), Cut::Nowhere);
        let in_clear: Vec<u8> = seen
            .sent
            .iter()
            .filter(|(phase, _)| *phase == Phase::Plain)
            .flat_map(|(_, octets)| octets.clone())
            .collect();
        crate::support::leak::assert_absent(&in_clear, SECRET, name);
    }
}

#[test]
fn octets_injected_after_stls_are_refused_at_every_split() {
    let script = Script::parse(
        "S: +OK ready\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS: +OK begin\nS: +OK injected\n-- tls\nC~ *\nS: +OK\n",
    );
    for cut in (1..80).map(Cut::At).chain([Cut::Nowhere, Cut::Every(1)]) {
        let (result, _, seen) = play(&script, cut);
        assert_eq!(result.expect_err("injected octets").exit().code(), 76, "{cut:?}");
        assert!(seen.sent.iter().all(|(phase, _)| *phase == Phase::Plain), "{cut:?}");
    }
}
