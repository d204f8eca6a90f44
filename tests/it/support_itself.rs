//! The tests' own instruments are tested: a test whose server or reader is wrong proves nothing.

use crate::support::authority::{Authority, Certificate, Versions};
use crate::support::disk::split_mboxrd;
use crate::support::leak;
use crate::support::link::{Cut, ScriptLink};
use crate::support::mailbox::stored;
use crate::support::player::Player;
use crate::support::pop3d::stuffed;
use crate::support::script::{Machine, Move, Pattern, Script};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::ssl::{SslConnector, SslMethod, SslVersion};
use postie::net::{Limits, Wire};
use std::net::TcpStream;

#[test]
fn a_leak_is_found_at_every_alignment() {
    let secret = "kumquat-7Gx";
    for before in ["", "a", "ab", "abc", "\0ana\0"] {
        for after in ["", "x", "xy", "xyz"] {
            let encoded = STANDARD.encode(format!("{before}{secret}{after}"));
            assert!(leak::find(encoded.as_bytes(), secret).is_some(), "{before:?} {after:?}: {encoded}");
        }
    }
    assert!(leak::find(b"nothing of the kind", secret).is_none());
    assert!(leak::find(STANDARD.encode("nothing of the kind").as_bytes(), secret).is_none());
}

#[test]
fn stored_messages_differ_from_the_wire_only_in_crlf() {
    assert_eq!(stored(b"a\r\nb\rc\0\r\r\n"), b"a\nb\rc\0\r\n");
    assert_eq!(stored(b""), b"");
    assert_eq!(stuffed(b".\r\n..\r\nx"), b"..\r\n...\r\nx\r\n.\r\n");
    assert_eq!(stuffed(b""), b".\r\n");
}

#[test]
fn the_mbox_reader_undoes_one_level_of_quoting() {
    let mbox = b"From a\nx\n>From y\n>>From z\n>Fromage\n\nFrom b\n\n";
    assert_eq!(split_mboxrd(mbox), [b"x\nFrom y\n>From z\n>Fromage\n".to_vec(), Vec::new()]);
}

#[test]
#[should_panic(expected = "torn at the end")]
fn the_mbox_reader_refuses_a_torn_message() {
    split_mboxrd(b"From a\nhalf a li");
}

#[test]
fn patterns_match_the_whole_line() {
    assert!(Pattern::Glob(b"AUTH PLAIN *".to_vec()).matches(b"AUTH PLAIN AGE="));
    assert!(Pattern::Glob(b"*".to_vec()).matches(b""));
    assert!(Pattern::Glob(b"a*c*e".to_vec()).matches(b"abcde"));
    assert!(!Pattern::Glob(b"a*c*e".to_vec()).matches(b"abdce!"));
    assert!(!Pattern::Glob(b"abc*bcd".to_vec()).matches(b"abcd"));
    assert!(!Pattern::Exact(b"*".to_vec()).matches(b"x"));
}

#[test]
fn a_script_answers_exchanges_in_any_order_and_reports_a_deviation() {
    let script = Script::parse(
        "S: +OK\n-- any\nC: ONE\nS: 1\nC~ TWO *\nS: 2\nC> *\nS: 3\n-- end\nC: LAST\n-- raw \"\\x00\\r\"\n-- close\n",
    );
    let mut machine = Machine::new(&script.connections[0]);
    assert_eq!(machine.next(), Move::Send(b"+OK\r\n".to_vec()));
    machine.feed(b"TWO x\r\nmore\r\nONE\r\nONE\r\nLAST\r\n");
    let answers: Vec<Move> = (0..6).map(|_| machine.next()).collect();
    let sent = |text: &str| Move::Send(text.as_bytes().to_vec());
    assert_eq!(answers[..4], [sent("2\r\n"), sent("3\r\n"), sent("1\r\n"), sent("1\r\n")]);
    assert_eq!(answers[4], sent("\0\r"));
    assert!(machine.deviations.is_empty() && !machine.is_unfinished());

    let mut machine = Machine::new(&script.connections[0]);
    machine.feed(b"THREE\r\n");
    while !matches!(machine.next(), Move::End(_)) {}
    assert_eq!(machine.deviations.len(), 1);
}

#[test]
fn a_scripted_link_cuts_its_octets_at_the_given_places() {
    let script = Script::parse("S: +OK hello\nC: CAPA\nS: +OK\nS: .\n-- close\n");
    for cut in [Cut::Nowhere, Cut::Every(1), Cut::Every(3), Cut::At(5)] {
        let link = ScriptLink::new(&script, cut);
        let mut wire = Wire::new(Box::new(link.clone()), "here", Limits::default(), None);
        let line = wire.read_line(100).unwrap();
        assert_eq!(wire.text(&line), b"+OK hello");
        wire.command("CAPA").unwrap();
        wire.flush().unwrap();
        let line = wire.read_line(100).unwrap();
        assert_eq!(wire.text(&line), b"+OK");
        assert_eq!(wire.read_line(100).map(|line| wire.text(&line).to_vec()).unwrap(), b".");
        assert!(wire.read_line(100).is_err(), "the end of the connection is an error");
        assert!(link.seen().deviations.is_empty());
    }
}

fn handshake(certificate: Certificate, versions: Versions, trusting: bool) -> Result<(), String> {
    let player = Player::with_tls(&Script::parse("-- implicit tls\nS: +OK\n"), certificate, versions);
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    if trusting {
        let ca = openssl::x509::X509::from_pem(&Authority::shared().pem()).unwrap();
        connector.cert_store_mut().add_cert(ca).unwrap();
    }
    if versions == Versions::OnlyTls11 {
        connector.set_security_level(0);
        connector.set_min_proto_version(Some(SslVersion::TLS1_1)).unwrap();
        connector.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    }
    let socket = TcpStream::connect(("127.0.0.1", player.port())).unwrap();
    connector.build().connect("localhost", socket).map(drop).map_err(|error| error.to_string())
}

#[test]
fn certificates_are_valid_or_invalid_as_their_names_say() {
    assert_eq!(handshake(Certificate::Good, Versions::Modern, true), Ok(()));
    assert_eq!(handshake(Certificate::Good, Versions::OnlyTls11, true), Ok(()));
    assert!(handshake(Certificate::Good, Versions::Modern, false).is_err());
    for bad in Certificate::BAD {
        let refused = handshake(bad, Versions::Modern, true).unwrap_err();
        let reason = match bad {
            Certificate::Expired => "expired",
            Certificate::SelfSigned => "self",
            Certificate::WrongHost => "ostname mismatch",
            _ => "unable to get local issuer",
        };
        assert!(refused.contains(reason), "{bad:?}: {refused}");
    }
}
