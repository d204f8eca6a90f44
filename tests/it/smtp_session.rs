//! The SMTP session types over a scripted link: the same transcripts that the real binary plays, at every
//! split point of what the server sends, and cut off after every octet.

use crate::support::leak;
use crate::support::link::{Cut, ScriptLink, Seen};
use crate::support::peer::Phase;
use crate::support::pop3d::{SECRET, USER};
use crate::support::script::Script;
use postie::codec::sasl::Credentials;
use postie::codec::smtp::{EhloName, MailCommand, RcptCommand};
use postie::net::{Endpoint, Limits, Security, Tls, TlsSettings, Wire};
use postie::smtp::{MailTransaction, OnRejected, Opening, SmtpLogin, TransactionOutcome, open};
use postie::words::{Address, Secret};
use std::sync::OnceLock;

/// The exit code of a session that sends one message, 0 where it was accepted.
fn session(wire: Wire, with_login: bool) -> u8 {
    static TLS: OnceLock<Tls> = OnceLock::new();
    let tls = TLS.get_or_init(|| Tls::prepare(&TlsSettings::default()).unwrap());
    let security = if wire.tls().is_some() { Security::Implicit } else { Security::StartTls };
    let endpoint = Endpoint {
        host: "localhost".to_owned(),
        port: 465,
        security,
        carries_secret: with_login,
        allow_plaintext_auth: false,
    };
    let credentials = Credentials {
        user: USER.to_owned(),
        secret: Secret::new(SECRET.as_bytes()),
        host: "localhost".to_owned(),
        port: 465,
    };
    let login = SmtpLogin { credentials, is_token: false, method: None, plaintext: false };
    let name = EhloName::domain("client.example.org").unwrap();
    let opening = Opening {
        endpoint: &endpoint,
        tls: Some(tls),
        login: with_login.then_some(&login),
        name: Some(&name),
    };
    let mut ready = match open(wire, &opening) {
        Ok(ready) => ready,
        Err(failure) => return failure.exit().code(),
    };
    let address = |text: &str| text.parse::<Address>().unwrap();
    let mail = MailCommand { from: address("ana@example.org").into(), ..MailCommand::default() };
    let recipients = vec![RcptCommand { to: address("bob@example.org"), notify: None, orcpt: None }];
    let content = b"Subject: x\r\n\r\n.\r\n..\r\ntext\r\n";
    let size = content.len() as u64;
    let underway = ready.begin(MailTransaction { mail, recipients, on_rejected: OnRejected::Abort, size });
    let delivery = ready.send(underway, &mut &content[..], &mut ());
    match delivery.outcome {
        TransactionOutcome::Accepted(_) => {
            ready.quit();
            0
        }
        TransactionOutcome::Withheld => 1,
        TransactionOutcome::Failed(failure) => failure.exit().code(),
    }
}

fn play(name: &str, cut: Cut) -> (u8, Seen) {
    let script = Script::load(name);
    let link = ScriptLink::new(&script, cut);
    let wire = Wire::new(Box::new(link.clone()), "localhost:465", Limits::default(), None);
    (session(wire, name != "smtp/helo"), link.seen())
}

const TRANSCRIPTS: [&str; 3] = ["smtp/accepted", "smtp/starttls", "smtp/helo"];

/// What the session sent as content, dots still doubled.
const STUFFED: &[u8] = b"Subject: x\r\n\r\n..\r\n...\r\ntext\r\n.\r\n";

#[test]
fn where_the_octets_are_split_makes_no_difference() {
    for name in TRANSCRIPTS {
        let (code, seen) = play(name, Cut::Nowhere);
        assert_eq!(code, 0, "{name}: {:?}", seen.deviations);
        assert!(seen.deviations.is_empty() && !seen.unfinished, "{name}: {:?}", seen.deviations);
        let sent: Vec<u8> = seen.sent.iter().flat_map(|(_, octets)| octets.clone()).collect();
        assert!(memchr::memmem::find(&sent, STUFFED).is_some(), "{name}: {}", sent.escape_ascii());
        for cut in (1..seen.served).map(Cut::At).chain([1, 2, 3, 7].map(Cut::Every)) {
            let (code, seen) = play(name, cut);
            assert_eq!(code, 0, "{name}, {cut:?}: {:?}", seen.deviations);
            assert!(seen.deviations.is_empty(), "{name}, {cut:?}: {:?}", seen.deviations);
        }
    }
}

#[test]
fn a_connection_cut_off_is_temporary_before_the_final_dot_and_unknown_behind_it() {
    for name in TRANSCRIPTS {
        let served = play(name, Cut::Nowhere).1.served;
        // The goodbye is not waited for: what was served ends with the verdict.
        let mut verdicts = Vec::new();
        for octets in 0..=served {
            let (code, seen) = play(name, Cut::Off(octets));
            let sent: Vec<u8> = seen.sent.iter().flat_map(|(_, octets)| octets.clone()).collect();
            let handed_over = memchr::memmem::find(&sent, STUFFED).is_some();
            assert_eq!(code == 75, !handed_over, "{name}, {octets}: {code}");
            verdicts.push(code);
        }
        verdicts.dedup();
        assert_eq!(verdicts, [75, 79, 0], "{name}: in this order, each once");
    }
}

#[test]
fn the_password_goes_over_a_link_under_tls_only() {
    for name in TRANSCRIPTS {
        let (_, seen) = play(name, Cut::Nowhere);
        let of = |phase: Phase| -> Vec<u8> {
            seen.sent.iter().filter(|(at, _)| *at == phase).flat_map(|(_, octets)| octets.clone()).collect()
        };
        leak::assert_absent(&of(Phase::Plain), SECRET, name);
        let logged_in = leak::find(&of(Phase::Tls), SECRET).is_some();
        assert_eq!(logged_in, name != "smtp/helo");
    }
}
