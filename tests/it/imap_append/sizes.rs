//! Messages of every size arrive octet for octet, in any pieces, and only small ones are sent without
//! waiting.

use super::*;
use crate::support::pop3d::{SECRET, USER};
use crate::support::random::Random;
use postie::account::{AccountLogin, Protocol, Server};
use postie::codec::imap::{InternalDate, MailboxName};
use postie::codec::sasl::Credentials;
use postie::net::{Limits, Security};
use postie::store::{Spool, Spooled};
use postie::words::{Kind, Secret};
use postie::work::service::Service;

/// Around every buffer that a message passes through.
const SIZES: [usize; 15] = [
    0, 1, 2, 4095, 4096, 4097, 65_534, 65_535, 65_536, 65_537, 131_073, 1_048_575, 1_048_576, 1_048_577,
    20_000_001,
];

fn session(server: &Imapd) -> postie::imap::Authenticated {
    let mut settings = Server::new(Protocol::Imap, "localhost".into(), Security::None);
    settings.port = server.port();
    settings.username = Some(USER.into());
    let credentials = Credentials {
        user: USER.into(),
        secret: Secret::new(SECRET),
        host: "localhost".into(),
        port: server.port(),
    };
    let login = Some(AccountLogin { credentials, is_token: false, helper: None });
    let service = Service {
        label: "a".into(),
        server: settings,
        logins: login.map(|login| std::sync::Arc::new(login) as _),
        tls: None,
        parking: None,
        next: None,
        transcript: None,
    };
    service.log_in(&Limits::default()).unwrap()
}

/// So many octets: CRLF line ends, and any octet but NUL in the lines.
fn content(random: &mut Random, size: usize) -> Vec<u8> {
    let mut octets = Vec::with_capacity(size);
    while octets.len() + 2 <= size {
        let line = random.below(99).min(size - octets.len() - 2);
        octets.extend((0..line).map(|_| match random.below(255) as u8 {
            b'\r' | b'\n' | 0 => b'}',
            octet => octet,
        }));
        octets.extend_from_slice(b"\r\n");
    }
    octets.resize(size, b'.');
    octets
}

fn spooled(random: &mut Random, octets: &[u8]) -> Spooled {
    let (mut spool, mut rest) = (Spool::default(), octets);
    while !rest.is_empty() {
        let piece = [1, 4096, 65_536, 300_000][random.below(4)].min(rest.len());
        spool.push(&rest[..piece]).unwrap();
        rest = &rest[piece..];
    }
    spool.finish().unwrap()
}

#[test]
fn every_size_is_filed_octet_for_octet() {
    let date = InternalDate { seconds: 1_709_231_399, offset: 19_800 };
    let name = MailboxName::new("Gesendet").unwrap();
    let mut random = Random::new(31);
    for literals in ["LITERAL+", "LITERAL-", ""] {
        let store = store();
        let server = imap(&store).after_login(&format!("IMAP4rev1 ID UIDPLUS {literals}")).start();
        let mut session = session(&server);
        for (uid, size) in (1..).zip(SIZES) {
            let octets = content(&mut random, size);
            let mut message = spooled(&mut random, &octets);
            let filed = session.append(&name, &mut message, date).unwrap().unwrap();
            assert_eq!((filed.uid, filed.uidvalidity), (uid, store.folder("Gesendet").uidvalidity));
            let there = store.message("Gesendet", uid);
            assert!(*there.wire == octets, "{literals} {size}");
            assert_eq!(
                (&*there.date, there.flags),
                ("29-Feb-2024 23:59:59 +0530", vec!["\\Seen".to_owned()])
            );
        }
        session.logout();
        let plus = |line: &&String| line.ends_with("+}");
        let unasked = server.commands_with("APPEND").iter().filter(plus).count();
        assert_eq!(unasked, if literals.is_empty() { 0 } else { 5 }, "{literals}: those up to 4,096 octets");
        let other = |line: &String| !line.starts_with("Content: ");
        assert_eq!(server.violations().into_iter().filter(other).collect::<Vec<_>>(), NOTHING);
    }
}

#[test]
fn a_nul_in_the_message_is_filed_in_a_literal() {
    let store = store();
    let server = imap(&store).start();
    let mut session = session(&server);
    let name = MailboxName::new("Gesendet").unwrap();
    let date = InternalDate { seconds: 0, offset: 0 };
    let mut octets = vec![b'x'; 200_000];
    octets[199_999] = 0;
    let mut message = spooled(&mut Random::new(1), &octets);
    let refused = session.append(&name, &mut message, date).unwrap_err();
    assert_eq!((refused.failure.kind(), refused.perhaps_filed), (Kind::Input, false));
    assert!(refused.failure.message.contains("NUL"), "{}", refused.failure);
    let mut message = spooled(&mut Random::new(1), &octets[..199_999]);
    session.append(&name, &mut message, date).unwrap();
    session.logout();
    assert_eq!((server.commands_with("APPEND").len(), store.messages("Gesendet").len()), (1, 1));
}

/// A message of so many octets in all, with CRLF line ends.
fn message_of(random: &mut Random, size: usize) -> Vec<u8> {
    let head = "From: ana@example.org\r\nTo: bob@example.org\r\nDate: Mon, 30 Nov 2026 10:00:00 +0000\r\n\
                Subject: \u{fc}\r\nMessage-ID: <x@example.org>\r\n\r\n";
    let mut octets = head.as_bytes().to_vec();
    let body = size.checked_sub(octets.len() + 2).unwrap();
    octets.extend(content(random, body));
    octets.extend_from_slice(b"\r\n");
    octets
}

#[test]
fn the_copy_equals_the_sent_message_at_any_size() {
    let mut random = Random::new(7);
    for size in [4095, 4096, 4097, 65_535, 65_537, 1_048_577, 9_000_000] {
        let (store, world) = (store(), world());
        let (smtp, imap) = (smtp().start(), imap(&store).quirk(Quirk::Pieces(7)).start());
        let octets = message_of(&mut random, size);
        let run = send_within("30s", &world, &smtp, &imap).args(["--raw", "-"]).stdin(&octets);
        run.go().assert_exit(0);
        assert!(*store.message("Gesendet", 1).wire == octets, "{size}");
        assert_filed(&smtp, &store);
        assert_eq!(imap.violations(), NOTHING);
    }
}
