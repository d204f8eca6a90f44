//! The IMAP session types over a scripted link, with the same transcripts that the real binary plays: split at every
//! octet that the server sends, and cut off after every octet.

use crate::support::link::{Cut, ScriptLink, Seen};
use crate::support::peer::Phase;
use crate::support::pop3d::{SECRET, USER};
use crate::support::script::Script;
use postie::codec::sasl::Credentials;
use postie::imap::{ImapLogin, NotAuthenticated};
use postie::mailbox::{Maildrop, Receiver, Wanted};
use postie::net::{Limits, Tls, TlsSettings, Wire};
use postie::store::{AccountKey, Afterwards, Details, Ledger, Mboxrd, Recorded, Sink, Stdout, Subject};
use postie::words::{Failure, Secret};
use std::sync::OnceLock;
use std::time::Duration;

/// The dialogues in which everything succeeds.
pub const GOOD: [&str; 6] = ["everything", "starttls", "nothing-but-rev1", "move", "copy", "odd-and-legal"];

/// Those that end at the greeting or the login.
pub const REFUSED: [&str; 5] =
    ["greeting-bye", "greeting-preauth", "greeting-of-pop3", "login-refused", "login-later"];

/// The messages of the transcripts, by their UIDs.
pub fn messages() -> [(&'static str, Vec<u8>); 2] {
    [
        ("11", b"Subject: one\n\n.\n.leading dot\n".to_vec()),
        ("12", b"Subject: two\n\n\x80\xff\0 and\r bare\n\n".to_vec()),
    ]
}

/// The flags of the messages in a transcript.
pub fn flags(name: &str) -> [&'static [&'static str]; 2] {
    let second: &[&str] = if name == "odd-and-legal" { &["\\Flagged"] } else { &[] };
    [&["\\Seen"], second]
}

/// The result of a whole session.
#[derive(Debug, Default, PartialEq)]
struct Haul {
    uids: Vec<Vec<u8>>,
    /// Content and flags, by the place in the listing.
    messages: [Option<(Vec<u8>, Vec<String>)>; 2],
    begun: (Vec<u8>, Vec<String>),
    refused: usize,
    removed: usize,
    left: bool,
}

impl Receiver for Haul {
    fn details(&mut self, _index: usize, details: Details) {
        assert_eq!(details.received, Some(1_756_992_801));
        self.begun.1 = details.flags;
    }

    fn flags(&mut self, index: usize, flags: Vec<String>) {
        self.messages[index].as_mut().expect("it has come").1 = flags;
    }

    fn begin(&mut self, _index: usize) -> Result<(), Failure> {
        self.begun.0.clear();
        Ok(())
    }

    fn chunk(&mut self, octets: &[u8], _: u64) -> Result<(), Failure> {
        self.begun.0.extend_from_slice(octets);
        Ok(())
    }

    fn confirm(&mut self, index: usize) -> Result<(), Failure> {
        let before = self.messages[index].replace(std::mem::take(&mut self.begun));
        assert_eq!(before, None, "a message comes once");
        Ok(())
    }

    fn refused(&mut self, _index: usize, _failure: Failure) -> Result<(), Failure> {
        self.refused += 1;
        Ok(())
    }
}

/// A ledger, and its proofs for both messages, which nothing else can make.
struct Bench {
    _dir: tempfile::TempDir,
    ledger: Ledger,
    proofs: Vec<Recorded>,
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let key = AccountKey::new("imap", "localhost", 993, USER);
        let mut ledger = Ledger::open(dir.path(), &key, Duration::ZERO, &|| false).unwrap();
        let mut sink = Stdout::new(Box::new(std::io::sink()), Box::new(Mboxrd));
        sink.recover(&mut ledger).unwrap();
        for (tag, (uid, message)) in messages().into_iter().enumerate() {
            let identity = ledger.identity(uid.as_bytes(), 0);
            let subject = Subject { identity: &identity, tag, wire_size: None, number: 1, details: None };
            sink.begin(&subject).unwrap();
            sink.write(&mut ledger, &message).unwrap();
            sink.finish().unwrap();
        }
        let delivered = sink.commit(&mut ledger).unwrap();
        let proofs = ledger.record(delivered, Afterwards::Delete).unwrap();
        Bench { _dir: dir, ledger, proofs }
    }
}

/// A session from greeting to LOGOUT that does what the transcript's client does.
fn session(wire: Wire, client: &str, bench: &mut Bench, haul: &mut Haul) -> Result<(), Failure> {
    let implicit = wire.tls().is_some();
    // Made once: it reads the system's authorities.
    static TLS: OnceLock<Tls> = OnceLock::new();
    let tls = TLS.get_or_init(|| Tls::prepare(&TlsSettings::default(), &Limits::default()).unwrap());
    let mut session = NotAuthenticated::greet(wire)?;
    session.capability()?;
    if !implicit {
        session.starttls(tls, "localhost")?;
        session.capability()?;
    }
    let credentials = Credentials {
        user: USER.to_owned(),
        secret: Secret::new(SECRET.as_bytes()),
        host: "localhost".to_owned(),
        port: 993,
    };
    let login = ImapLogin {
        credentials,
        is_token: false,
        method: None,
        plaintext: false,
        helper: None,
        verdict: None,
    };
    let (mut session, _) = session.login(&login)?;
    if client == "list --folders" {
        let folders = session.folders(true)?;
        haul.uids = folders.iter().map(|folder| folder.name.octets().to_vec()).collect();
        haul.removed = folders.iter().filter_map(|folder| folder.counts.messages).sum::<u64>() as usize;
        session.logout();
        haul.left = true;
        return Ok(());
    }
    let inbox = postie::codec::imap::MailboxName::inbox();
    let mut mailbox = session.examine(&inbox).map_err(|opened| opened.failure)?;
    let listing = mailbox.listing()?;
    if let Some(folder) = client.strip_prefix("--move-to ") {
        mailbox.move_to(folder)?;
    }
    haul.uids = (0..listing.len()).filter_map(|place| Some(listing.uid(place)?.to_vec())).collect();
    let wanted: Vec<Wanted> = (0..listing.len())
        .map(|place| Wanted { number: listing.number(place), size: None, alone: false })
        .collect();
    mailbox.bodies(&wanted, haul)?;
    if client != "--keep" {
        let stored: Vec<(u32, &Recorded)> =
            wanted.iter().map(|wanted| wanted.number).zip(&bench.proofs).collect();
        let failed = mailbox.delete(&stored, &mut bench.ledger)?;
        haul.removed = failed.iter().filter(|failure| failure.is_none()).count();
    }
    Box::new(mailbox).finish(true)?;
    haul.left = true;
    Ok(())
}

fn play(script: &Script, cut: Cut, bench: &mut Bench) -> (Result<(), Failure>, Haul, Seen) {
    // What was moved before is not moved again.
    if script.client.starts_with("--move-to") {
        *bench = Bench::new();
    }
    let link = ScriptLink::new(script, cut);
    let wire = Wire::new(Box::new(link.clone()), "localhost:993", Limits::default(), None);
    let mut haul = Haul::default();
    let result = session(wire, &script.client, bench, &mut haul);
    haul.begun = Default::default();
    (result, haul, link.seen())
}

/// The same of a dialogue that stands in a test: what came of it, and the messages that are whole.
pub fn play_text(text: &str) -> (Result<(), Failure>, [Option<Vec<u8>>; 2], Seen) {
    let (result, haul, seen) = play(&Script::parse(text), Cut::Nowhere, &mut Bench::new());
    (result, haul.messages.map(|message| message.map(|(octets, _)| octets)), seen)
}

fn wanted(name: &str, script: &Script) -> Haul {
    let message = |at: usize| {
        let flags = flags(name)[at].iter().map(|flag| (*flag).to_owned()).collect();
        Some((messages()[at].1.clone(), flags))
    };
    Haul {
        uids: messages().map(|(uid, _)| uid.as_bytes().to_vec()).to_vec(),
        messages: [message(0), message(1)],
        removed: if script.client == "--keep" { 0 } else { 2 },
        left: true,
        ..Haul::default()
    }
}

fn load(name: &str) -> Script {
    Script::load(&format!("imap/{name}"))
}

#[test]
fn every_imap_transcript_is_played() {
    let mut all = [&GOOD[..], &REFUSED[..], &["folders"]].concat();
    all.sort_unstable();
    assert_eq!(Script::names("imap"), all);
}

#[test]
fn where_the_octets_of_an_imap_server_are_split_makes_no_difference() {
    let mut bench = Bench::new();
    for name in GOOD {
        let script = load(name);
        let wanted = wanted(name, &script);
        let (result, haul, seen) = play(&script, Cut::Nowhere, &mut bench);
        result.unwrap_or_else(|failure| panic!("{name}: {failure}: {:#?}", seen.deviations));
        assert_eq!(haul, wanted, "{name}");
        assert!(seen.deviations.is_empty() && !seen.unfinished, "{name}: {:#?}", seen.deviations);
        let cuts = (1..seen.served).map(Cut::At).chain([1, 2, 3, 7].map(Cut::Every));
        for cut in cuts {
            let (result, haul, seen) = play(&script, cut, &mut bench);
            assert!(result.is_ok(), "{name}, {cut:?}: {result:?}");
            assert_eq!(haul, wanted, "{name}, {cut:?}");
            assert!(seen.deviations.is_empty(), "{name}, {cut:?}: {:#?}", seen.deviations);
        }
    }
}

#[test]
fn an_imap_connection_cut_off_after_any_octet_confirms_no_torn_message() {
    let mut bench = Bench::new();
    for name in GOOD {
        let script = load(name);
        let whole = wanted(name, &script);
        let served = play(&script, Cut::Nowhere, &mut bench).2.served;
        for octets in 0..served {
            let (result, haul, seen) = play(&script, Cut::Off(octets), &mut bench);
            let failure = result.expect_err("not all that matters has come");
            assert_eq!(failure.exit().code(), 75, "{name}, {octets}: {failure}");
            assert!(seen.deviations.is_empty(), "{name}, {octets}: {:#?}", seen.deviations);
            assert_eq!((haul.left, haul.removed), (false, 0), "{name}, {octets}");
            for (here, whole) in haul.messages.iter().zip(&whole.messages) {
                let is_whole = |here: &(Vec<u8>, Vec<String>)| here.0 == whole.as_ref().unwrap().0;
                assert!(here.as_ref().is_none_or(is_whole), "{name}, {octets}: {haul:?}");
            }
        }
        // The answer to LOGOUT is not awaited.
        let (result, haul, _) = play(&script, Cut::Off(served), &mut bench);
        assert!(result.is_ok(), "{name}: {result:?}");
        assert_eq!(haul, whole, "{name}");
    }
}

#[test]
fn folders_are_listed_wherever_the_octets_are_split() {
    let mut bench = Bench::new();
    let script = load("folders");
    let wanted = Haul {
        uids: [&b"INBOX"[..], b"INBOX.Entw&APw-rfe", b"INBOX.a \"b\""].map(<[u8]>::to_vec).to_vec(),
        removed: 3,
        left: true,
        ..Haul::default()
    };
    let served = play(&script, Cut::Nowhere, &mut bench).2.served;
    for cut in (1..served).map(Cut::At).chain([Cut::Nowhere, Cut::Every(1)]) {
        let (result, haul, seen) = play(&script, cut, &mut bench);
        assert!(result.is_ok(), "{cut:?}: {result:?}");
        assert_eq!(haul, wanted, "{cut:?}");
        assert!(seen.deviations.is_empty(), "{cut:?}: {:#?}", seen.deviations);
    }
}

#[test]
fn a_greeting_or_login_that_is_refused_has_its_exit_code_at_every_split() {
    let mut bench = Bench::new();
    for name in REFUSED {
        let script = load(name);
        let code: i32 = script.outcome.parse().unwrap();
        let served = play(&script, Cut::Nowhere, &mut bench).2.served;
        for cut in (1..served).map(Cut::At).chain([Cut::Nowhere, Cut::Every(1)]) {
            let (result, haul, seen) = play(&script, cut, &mut bench);
            let failure = result.expect_err("it is refused");
            assert_eq!(i32::from(failure.exit().code()), code, "{name}, {cut:?}: {failure}");
            assert_eq!(haul, Haul::default(), "{name}, {cut:?}");
            assert!(seen.deviations.is_empty(), "{name}, {cut:?}: {:#?}", seen.deviations);
        }
    }
}

#[test]
fn the_password_goes_to_an_imap_server_under_tls_only() {
    let mut bench = Bench::new();
    for name in GOOD {
        let (_, _, seen) = play(&load(name), Cut::Nowhere, &mut bench);
        let plain = seen.sent.iter().filter(|(phase, _)| *phase == Phase::Plain);
        let in_clear: Vec<u8> = plain.flat_map(|(_, octets)| octets.clone()).collect();
        crate::support::leak::assert_absent(&in_clear, SECRET, name);
    }
}

/// Whatever comes behind the OK to STARTTLS before TLS is up (nostarttls.secvuln.info).
#[test]
fn octets_injected_after_starttls_are_refused_at_every_split() {
    let script = Script::parse(
        "S: * OK ready\nC: p1 CAPABILITY\nS: * CAPABILITY IMAP4rev1 STARTTLS\nS: p1 OK\nC: p2 STARTTLS\n\
         S: p2 OK begin\nS: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] injected\n-- tls\nC~ *\nS: p3 OK\n",
    );
    let mut bench = Bench::new();
    for cut in (1..150).map(Cut::At).chain([Cut::Nowhere, Cut::Every(1)]) {
        let (result, _, seen) = play(&script, cut, &mut bench);
        assert_eq!(result.expect_err("injected octets").exit().code(), 76, "{cut:?}");
        assert!(seen.sent.iter().all(|(phase, _)| *phase == Phase::Plain), "{cut:?}");
    }
}
