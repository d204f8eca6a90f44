//! Logins, and the ways a connection begins and ends.

use super::client::{Client, secured, socket};
use crate::support::authority::{Certificate, Versions};
use crate::support::imapd::Imapd;
use crate::support::imapd::quirks::Gate;
use crate::support::imapd::store::ImapStore;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode, SECRET, USER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Write as _;

#[test]
fn every_way_to_log_in_works_and_a_wrong_secret_does_not() {
    let plain = STANDARD.encode(format!("\0{USER}\0{SECRET}"));
    let token = STANDARD.encode(format!("user={USER}\x01auth=Bearer {SECRET}\x01\x01"));
    let (user, secret) = (STANDARD.encode(USER), STANDARD.encode(SECRET));
    let ways: Vec<Vec<String>> = vec![
        vec![format!("a LOGIN {USER} \"{SECRET}\"")],
        vec![format!("a LOGIN {{{}}}", USER.len()), format!("{USER} {{{}+}}", SECRET.len()), SECRET.into()],
        vec![format!("a AUTHENTICATE PLAIN {plain}")],
        vec!["a AUTHENTICATE PLAIN".into(), plain],
        vec!["a AUTHENTICATE LOGIN".into(), user.clone(), secret],
        vec![format!("a AUTHENTICATE XOAUTH2 {token}")],
    ];
    let store = ImapStore::with(1);
    let server =
        Imapd::for_store(&store).mode(Mode::Plain).with("AUTH=XOAUTH2").with("AUTH=OAUTHBEARER").start();
    for lines in ways {
        let mut client = Client::connect(&server);
        client.line();
        client.send(lines.join("\r\n") + "\r\n");
        let answer = client.until("a ");
        assert!(answer.contains("a OK [CAPABILITY IMAP4rev1"), "{lines:?}: {answer}");
    }
    let mut client = Client::connect(&server);
    client.line();
    let port = server.port();
    let bearer = STANDARD
        .encode(format!("n,a={USER},\x01host=localhost\x01port={port}\x01auth=Bearer {SECRET}\x01\x01"));
    assert!(client.ask(&format!("AUTHENTICATE OAUTHBEARER {bearer}")).contains("a1 OK "));
    drop(client);
    let mut client = Client::connect(&server);
    client.line();
    client.send(format!("a AUTHENTICATE XOAUTH2 {user}\r\n\r\n"));
    let answer = client.until("a ");
    assert!(answer.starts_with("+ ") && answer.contains("a NO [AUTHENTICATIONFAILED]"), "{answer}");
    assert!(client.ask("LOGIN ana wrong").contains("NO [AUTHENTICATIONFAILED]"));
    client.send("b AUTHENTICATE CRAM-MD5\r\n*\r\n");
    assert!(client.until("b ").contains("b NO"));
    drop(client);
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[test]
fn tls_comes_first_or_when_it_is_asked_for() {
    let store = ImapStore::with(1);
    let server = Imapd::for_store(&store).certificate(Certificate::Good).versions(Versions::Modern).start();
    assert!(server.url().starts_with("imaps://ana@localhost:"));
    let mut client = Client::over(secured(socket(&server)));
    assert!(client.line().starts_with("* OK [CAPABILITY IMAP4rev1 SASL-IR"));
    assert!(client.ask(&format!("LOGIN {USER} {SECRET}")).contains("a1 OK"));
    assert!(client.ask("LOGOUT").starts_with("* BYE"));
    drop(client);
    server.assert_clean();

    let server = Imapd::for_store(&store).mode(Mode::Upgrade).silent().start();
    assert!(server.url().starts_with("imap://"));
    let mut stream = socket(&server);
    stream.write_all(b"a CAPABILITY\r\nb LOGIN ana x\r\nc STARTTLS\r\n").unwrap();
    let mut client = Client::over(Box::new(stream.try_clone().unwrap()));
    assert_eq!(client.line(), "* OK  ready\r\n");
    let list = client.line();
    assert!(list.contains(" STARTTLS LOGINDISABLED") && !list.contains("AUTH="), "{list}");
    assert!(client.until("b ").contains("b NO [PRIVACYREQUIRED]"));
    assert!(client.line().starts_with("c OK"));
    drop(client);
    let mut client = Client::over(secured(stream));
    assert!(!client.ask("CAPABILITY").contains("STARTTLS"));
    drop(client);
    assert_eq!(server.violations(), ["Unannounced: LOGIN though it is disabled"]);
}

#[test]
fn a_hook_answers_in_place_of_the_server_or_ends_the_connection() {
    let store = ImapStore::with(1);
    let server = Imapd::for_store(&store)
        .mode(Mode::Plain)
        .hook(|event| match (event.connection, event.verb) {
            (0, "NOOP") => event.answer("* 7 EXISTS\nNO [UNAVAILABLE] later"),
            (0, "LOGOUT") => event.bye("tired"),
            (1, "") => Act::Then(b"+OK POP3\r\n".to_vec(), End::Close),
            (2, "") if !event.tls && event.line.is_empty() => Act::Cut(10, End::Reset),
            _ => Act::Normal,
        })
        .start();
    let mut client = Client::connect(&server);
    client.line();
    assert_eq!(client.ask("NOOP"), "* 7 EXISTS\r\na1 NO [UNAVAILABLE] later\r\n");
    assert_eq!(client.ask("LOGOUT"), "* BYE tired\r\n");
    drop(client);
    assert_eq!(Client::connect(&server).rest(), "+OK POP3\r\n");
    assert!(Client::connect(&server).rest().len() <= 10);
    assert_eq!(server.sent().len(), 3);
    assert_eq!(server.commands(), ["NOOP", "LOGOUT"]);
}

#[test]
fn a_literal_is_refused_before_it_is_sent_and_a_command_waits_at_a_gate() {
    let store = ImapStore::with(1);
    let gate = Gate::default();
    let at_gate = gate.clone();
    let server = Imapd::for_store(&store)
        .mode(Mode::Plain)
        .hook(move |event| match event.verb {
            "{" if event.line.contains("APPEND") => event.answer("NO [TOOBIG] too big"),
            "NOOP" => {
                at_gate.pass();
                Act::Normal
            }
            _ => Act::Normal,
        })
        .start();
    let mut client = Client::select(&server);
    assert_eq!(client.ask("APPEND INBOX {5}"), "a3 NO [TOOBIG] too big\r\n");
    client.send_all(&["NOOP"]);
    gate.await_arrival();
    store.expunge("INBOX", 1);
    gate.open();
    assert_eq!(client.until("a4 "), "* 1 EXPUNGE\r\na4 OK nothing done\r\n");
    drop(client);
    server.assert_clean();
}

#[test]
fn sent_octets_are_counted_and_can_be_cut_after_any_octet() {
    let store = ImapStore::with(2);
    let flight =
        format!("a LOGIN {USER} {SECRET}\r\nb SELECT INBOX\r\nc UID FETCH 1:* (BODY.PEEK[])\r\nd LOGOUT\r\n");
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let mut client = Client::connect(&server);
    client.send(&flight);
    let whole = client.rest();
    drop(client);
    assert_eq!(server.sent(), [whole.len()]);
    for behind in [0, 1, whole.len() / 2, whole.len() - 1] {
        let server = Imapd::for_store(&store)
            .mode(Mode::Plain)
            .hook(move |event| if event.verb.is_empty() { Act::Cut(behind, End::Close) } else { Act::Normal })
            .start();
        let mut client = Client::connect(&server);
        client.send(&flight);
        assert_eq!(client.rest(), whole[..behind]);
    }
}

#[test]
fn a_port_passes_from_one_server_to_the_next_and_preauth_is_a_login() {
    let store = ImapStore::with(1);
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let port = server.port();
    drop(server);
    let server = Imapd::for_store(&store)
        .mode(Mode::Plain)
        .greeting("* PREAUTH [CAPABILITY] hello\r\n")
        .start_at(port);
    assert_eq!(server.store().uids("INBOX"), [1]);
    let mut client = Client::connect(&server);
    assert!(client.line().starts_with("* PREAUTH [CAPABILITY IMAP4rev1"));
    assert!(client.ask("EXAMINE inbox").contains("a1 OK [READ-ONLY]"));
}
