//! SCRAM with the examples of its RFCs, and servers that lie.

use super::super::{BindingKind, Exchange, Mechanism};
use super::*;

fn credentials(user: &str, secret: &str) -> Credentials {
    Credentials { user: user.into(), secret: Secret::new(secret), host: "mail.test".into(), port: 995 }
}

fn setting(offered: &[String]) -> ExchangeSetting<'_> {
    ExchangeSetting {
        binding: None,
        in_clear: false,
        offered,
        random: [7; 18],
        go_on: Box::new(|| Ok(())),
        helper: None,
    }
}

const SHA_1: ScramMechanism = ScramMechanism { hash: Hash::Sha1, plus: false };
const SHA_256: ScramMechanism = ScramMechanism { hash: Hash::Sha256, plus: false };

/// A client with the nonce of an example.
fn client(mechanism: ScramMechanism, nonce: &str) -> Scram {
    let mut scram = Scram::new(mechanism, &credentials("user", "pencil"), setting(&[])).unwrap();
    (scram.nonce, scram.bare) = (nonce.into(), format!("n=user,r={nonce}"));
    scram
}

struct Example {
    mechanism: ScramMechanism,
    nonce: &'static str,
    first: &'static [u8],
    last: &'static [u8],
    signature: &'static [u8],
}

const EXAMPLES: [Example; 2] = [
    // RFC 5802 §5.
    Example {
        mechanism: SHA_1,
        nonce: "fyko+d2lbbFgONRv9qkxdawL",
        first: b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        last: b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        signature: b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    },
    // RFC 7677 §3.
    Example {
        mechanism: SHA_256,
        nonce: "rOprNGfwEbeRWgbNEkqO",
        first: b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        last: b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        signature: b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    },
];

#[test]
fn the_examples_of_the_rfcs_come_out() {
    for example in EXAMPLES {
        let mut scram = client(example.mechanism, example.nonce);
        let first = scram.first().unwrap();
        assert_eq!(first, format!("n,,n=user,r={}", example.nonce).into_bytes());
        assert_eq!(scram.respond(example.first).unwrap(), example.last);
        assert!(!scram.is_done() && scram.may_be_asked());
        assert!(scram.respond(example.signature).unwrap().is_empty());
        assert!(scram.is_done() && !scram.may_be_asked());
        assert!(scram.respond(b"").is_err(), "nothing is left to say");
    }
}

#[test]
fn the_signature_counts_within_the_success_too_and_nothing_less_does() {
    for example in EXAMPLES {
        let begun = || {
            let mut scram = client(example.mechanism, example.nonce);
            scram.respond(example.first).unwrap();
            scram
        };
        let encoded = STANDARD.encode(example.signature);
        for text in [encoded.clone(), format!("2.7.0 {encoded}"), format!("{encoded} welcome")] {
            let mut scram = begun();
            assert!(scram.conclude(text.as_bytes()).is_ok() && scram.is_done(), "{text}");
        }
        assert!(begun().conclude(example.signature).is_ok());
        for text in
            [&b""[..], b"Logged in.", b"v=", b"v=AAAA", b"dj1BQUFB", b"2.7.0 OK", &encoded.as_bytes()[2..]]
        {
            let mut scram = begun();
            assert!(
                matches!(scram.conclude(text), Err(ExchangeFault::Nonsense(_))) && !scram.is_done(),
                "{text:?}"
            );
        }
        // Success before the exchange has come so far.
        assert!(client(example.mechanism, example.nonce).conclude(encoded.as_bytes()).is_err());
    }
}

#[test]
fn each_octet_of_the_signature_counts() {
    for example in EXAMPLES {
        for at in 2..example.signature.len() - 2 {
            let mut wrong = example.signature.to_vec();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            let mut scram = client(example.mechanism, example.nonce);
            scram.respond(example.first).unwrap();
            assert!(scram.respond(&wrong).is_err() && !scram.is_done(), "at {at}");
        }
    }
}

#[test]
fn a_first_message_that_is_odd_in_any_way_gets_no_proof() {
    let example = &EXAMPLES[1];
    let nonce = example.nonce;
    for end in 0..example.first.len() - 3 {
        assert!(client(SHA_256, nonce).respond(&example.first[..end]).is_err(), "cut at {end}");
    }
    let more = format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i=4096");
    assert!(client(SHA_256, nonce).respond(more.as_bytes()).is_ok());
    assert!(client(SHA_256, nonce).respond(format!("{more},x=optional").as_bytes()).is_ok());
    for odd in [
        format!("r={nonce},s=QSXCR+Q6sek8bf92,i=4096"),
        "r=another,s=QSXCR+Q6sek8bf92,i=4096".into(),
        format!("r=x{nonce},s=QSXCR+Q6sek8bf92,i=4096"),
        format!("m=must,{more}"),
        format!("s=QSXCR+Q6sek8bf92,r={nonce}x,i=4096"),
        format!("r={nonce}x,s=,i=4096"),
        format!("r={nonce}x,s=!!,i=4096"),
        format!("r={nonce}x y,s=QSXCR+Q6sek8bf92,i=4096"),
        format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i=0"),
        format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i=-1"),
        format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i=+4096"),
        format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i="),
        format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i=10000001"),
        format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i=99999999999999999999"),
        format!("r={nonce}x,s=QSXCR+Q6sek8bf92"),
        "\u{0}".into(),
    ] {
        let mut scram = client(SHA_256, nonce);
        assert!(matches!(scram.respond(odd.as_bytes()), Err(ExchangeFault::Nonsense(_))), "{odd}");
    }
    assert!(client(SHA_256, nonce).respond(b"r=\xff\xfe").is_err());
}

#[test]
fn few_iterations_are_too_few_where_others_can_read_along() {
    let message = |count: u32| format!("r={}x,s=QSXCR+Q6sek8bf92,i={count}", EXAMPLES[1].nonce);
    let respond = |in_clear: bool, count: u32| {
        let mut scram = client(SHA_256, EXAMPLES[1].nonce);
        scram.in_clear = in_clear;
        scram.respond(message(count).as_bytes()).is_ok()
    };
    assert!(respond(false, 1) && respond(true, 4096));
    assert!(!respond(true, 4095) && !respond(true, 1));
}

#[test]
fn what_the_server_says_is_wrong_is_kept_and_answered_with_nothing() {
    for early in [true, false] {
        let mut scram = client(SHA_256, EXAMPLES[1].nonce);
        if !early {
            scram.respond(EXAMPLES[1].first).unwrap();
        }
        assert!(scram.respond(b"e=invalid-proof").unwrap().is_empty());
        assert_eq!(scram.complaint(), Some(&b"invalid-proof"[..]));
        assert!(!scram.is_done() && !scram.may_be_asked());
        assert!(scram.conclude(b"welcome").is_err(), "a server that lets in then lies");
    }
}

#[test]
fn a_long_computation_ends_when_it_is_told_to() {
    let mut scram = client(SHA_256, EXAMPLES[1].nonce);
    scram.go_on = Box::new(|| Err(Failure::new(Kind::Interrupted, Stage::Authentication, "stopped")));
    let message = format!("r={}x,s=QSXCR+Q6sek8bf92,i=10000000", EXAMPLES[1].nonce);
    match scram.respond(message.as_bytes()) {
        Err(ExchangeFault::Failed(failure)) => assert_eq!(failure.kind(), Kind::Interrupted),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_header_says_whether_a_binding_is_used_possible_or_unknown() {
    let exporter = ChannelBinding { kind: BindingKind::TlsExporter, data: vec![1, 2, 3] };
    let plus = ScramMechanism { plus: true, ..SHA_256 };
    let offered = |names: &str| names.split(' ').map(str::to_owned).collect::<Vec<_>>();
    for (mechanism, binding, names, header) in [
        (SHA_256, None, "SCRAM-SHA-256", "n,,"),
        (SHA_256, None, "SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "n,,"),
        (SHA_256, Some(&exporter), "SCRAM-SHA-256", "y,,"),
        (SHA_256, Some(&exporter), "SCRAM-SHA-256 SCRAM-SHA-1-PLUS", "n,,"),
        (plus, Some(&exporter), "SCRAM-SHA-256-PLUS", "p=tls-exporter,,"),
    ] {
        let offered = offered(names);
        let setting = ExchangeSetting { binding, ..setting(&offered) };
        let mut scram = Scram::new(mechanism, &credentials("a=b,c", "pencil"), setting).unwrap();
        let nonce = scram.nonce.clone();
        let first = format!("{header}n=a=3Db=2Cc,r={nonce}");
        assert_eq!(scram.first().unwrap(), first.as_bytes(), "{names}");
        let last = scram.respond(format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i=4096").as_bytes()).unwrap();
        let data = if mechanism.plus { &exporter.data[..] } else { &[] };
        let bound = STANDARD.encode([header.as_bytes(), data].concat());
        assert!(last.starts_with(format!("c={bound},r={nonce}x,p=").as_bytes()), "{names}");
    }
    let unbound = Exchange::start(Mechanism::Scram(plus), &credentials("a", "b"), setting(&[])).unwrap_err();
    assert_eq!(unbound.kind(), Kind::Missing);
    // There is TLS, so what is missing is something else.
    assert!(unbound.hint.unwrap().contains("needs TLS 1.3"));
    let in_clear = ExchangeSetting { in_clear: true, ..setting(&[]) };
    let unbound = Exchange::start(Mechanism::Scram(plus), &credentials("a", "b"), in_clear).unwrap_err();
    assert!(unbound.hint.unwrap().contains("needs TLS (tls ="));
}
