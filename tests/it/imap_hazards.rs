//! What a server may send, or do, that a client can take wrong: each is played, and what is stored, deleted and said is
//! looked at. One bad message among good ones is in `imap_fetch`.

use crate::imap_session::play_text;
use crate::support::disk::{assert_same, maildir, sorted};
use crate::support::imapd::quirks::{Fault, Quirk};
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Imapd, Setup};
use crate::support::mailbox::{message, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::support::process::Run;
use crate::support::world::World;
use crate::world;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

fn fetch(world: &World, server: &Imapd) -> Run {
    world.at_url_within("5s", &server.url(), "fetch").arg("--maildir").arg(world.path("Mail"))
}

fn plain(store: &ImapStore) -> Setup {
    Imapd::for_store(store).mode(Mode::Plain)
}

/// A message as it is stored: nothing but its CRLFs changes.
fn with_lf(wire: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for octet in wire {
        if *octet == b'\n' && out.last() == Some(&b'\r') {
            out.pop();
        }
        out.push(*octet);
    }
    out
}

/// Under a UIDVALIDITY that is none, UIDs tell nothing: like a POP3 server without UIDL.
#[test]
fn without_a_uidvalidity_keeping_mail_is_refused_and_deleting_works() {
    for quirk in [
        Quirk::UidvalidityLine(""),
        Quirk::UidvalidityLine("* OK [UIDVALIDITY 0] none\r\n"),
        Quirk::UidvalidityLine("* OK [UIDVALIDITY x] none\r\n"),
        Quirk::UidNotSticky,
    ] {
        let store = ImapStore::with(3);
        let all = sorted(store.as_stored("INBOX"));
        let server = plain(&store).quirk(quirk.clone()).start();
        let world = world();
        fetch(&world, &server).go().assert_failure(69, "missing");
        assert!(!world.path("Mail/new").exists() || world.mail().is_empty(), "{quirk:?}");
        let outcome = fetch(&world, &server).arg("--delete").go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 3, "{quirk:?}: {outcome:?}");
        assert_same(&world.mail(), &all);
        assert!(store.uids("INBOX").is_empty(), "{quirk:?}");
    }
}

#[test]
fn a_uidvalidity_may_have_more_than_32_bits_and_the_last_one_told_counts() {
    for line in [
        "* OK [UIDVALIDITY 1666390893380] large\r\n",
        "* OK [UIDVALIDITY 5] one\r\n* OK [UIDVALIDITY 6] another\r\n",
    ] {
        let store = ImapStore::with(3);
        let server = plain(&store).quirk(Quirk::UidvalidityLine(line)).start();
        let world = world();
        let outcome = fetch(&world, &server).go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 3, "{line}");
        let told = outcome.of_type("message")[0]["uidvalidity"].to_string();
        assert!(line.rsplit("UIDVALIDITY ").next().unwrap().starts_with(&told), "{line}: {told}");
        let again = fetch(&world, &server).arg("--delete").go();
        assert_eq!(again.assert_exit(0).summary()["delivered"], 0, "{line}");
        assert!(store.uids("INBOX").is_empty(), "{line}");
    }
}

/// A server and what it does oddly to all messages: they are fetched, once, and deleted.
#[test]
fn responses_that_mean_nothing_change_nothing() {
    for quirk in [
        Quirk::StarIsStrict,
        Quirk::SeenInExamine,
        Quirk::SaysFirst("UID SEARCH", "* OK Searched 91% of the mailbox, ETA 0:01\r\n"),
        Quirk::SaysFirst("UID SEARCH", "* OK [INPROGRESS (\"p3\" 175 1000)] Still here\r\n"),
        Quirk::SaysFirst("UID FETCH", "* 1 EXISTS\r\n* 0 RECENT\r\n"),
        Quirk::SaysFirst("UID FETCH", "* 0 EXPUNGE\r\n* 999 EXPUNGE\r\n"),
        Quirk::SaysFirst("UID FETCH", "* OK [UIDNEXT 1] soon\r\n* OK [X-Y (a \"]\" b)] z\r\n"),
        Quirk::SaysFirst("UID FETCH", "* XYZ (a {3}\r\n)\r\n b \"c\") NIL\r\n* 4 FETCH (X-Z {0}\r\n)\r\n"),
        Quirk::SaysLast("UID FETCH", "* VANISHED (EARLIER) 1:2\r\n* ESEARCH UID ALL 99\r\n* SEARCH 98\r\n"),
        Quirk::SaysLast("EXAMINE", "* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 0)\r\n* ENABLED X\r\n"),
        Quirk::SaysFirst("EXAMINE", "* CAPABILITY IMAP4rev1\r\n"),
        Quirk::SaysFirst("UID STORE", "* BAD something is odd\r\n* NO [X] and this\r\n"),
    ] {
        let store = ImapStore::with(6);
        let all = sorted(store.as_stored("INBOX"));
        let server = plain(&store).quirk(quirk.clone()).start();
        let world = world();
        let outcome = fetch(&world, &server).go();
        assert_eq!(outcome.code, Some(0), "{quirk:?}: {outcome:?}");
        assert_same(&world.mail(), &all);
        let outcome = fetch(&world, &server).arg("--delete").go();
        assert_eq!(outcome.code, Some(0), "{quirk:?}: {outcome:?}");
        assert_eq!(outcome.summary()["delivered"], 0, "{quirk:?}");
        assert!(store.uids("INBOX").is_empty(), "{quirk:?}");
        assert_same(&world.mail(), &all);
    }
}

#[test]
fn content_that_looks_like_responses_is_content() {
    let lines = "p5 OK UID FETCH completed\r\np6 OK done\r\n* BYE\r\n)\r\n+ go on\r\n\
                 * 1 FETCH (UID 9 BODY[] {3}\r\n{99}\r\nx {5}\r\n* 2 EXPUNGE\r\n";
    let long = "y".repeat(10 << 20);
    let wires = [
        lines.as_bytes().to_vec(),
        format!("Subject: x\r\n\r\n{lines}").into_bytes(),
        format!("{lines}{{12}}").into_bytes(),
        format!("Subject: long\r\n\r\n{long}\r\n\n\r\r\n\0{lines}").into_bytes(),
        b")\r\n".to_vec(),
        Vec::new(),
        b"{3}".to_vec(),
    ];
    for pieces in [None, Some(7), Some(4099)] {
        // The long one an octet at a time takes too long.
        let count = if pieces == Some(7) { 3 } else { wires.len() };
        let store = ImapStore::of(&wires[..count]);
        let wanted = sorted(wires[..count].iter().map(|wire| with_lf(wire)).collect());
        let setup = pieces.into_iter().fold(plain(&store), |setup, of| setup.quirk(Quirk::Pieces(of)));
        let server = setup.start();
        let world = world();
        let outcome = fetch(&world, &server).arg("--delete").go();
        assert_eq!(outcome.code, Some(0), "{pieces:?}: {outcome:?}");
        assert_same(&world.mail(), &wanted);
        assert!(store.uids("INBOX").is_empty());
    }
}

/// What comes in place of the answer to UID FETCH, behind the first message.
#[test]
fn a_dialogue_out_of_step_confirms_nothing_more() {
    let begun = "-- client --keep\n-- implicit tls\nS: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\n\
                 C~ p1 AUTHENTICATE PLAIN *\nS: p1 OK [CAPABILITY IMAP4rev1] welcome\n\
                 C: p2 EXAMINE INBOX\nC: p3 UID SEARCH ALL\nS: * 2 EXISTS\nS: * OK [UIDVALIDITY 7] ok\n\
                 S: * OK [UIDNEXT 13] ok\nS: p2 OK opened\nS: * SEARCH 11 12\nS: p3 OK found\n\
                 C~ p4 UID FETCH 11:12 *\n";
    let first = "S: * 1 FETCH (UID 11 FLAGS () INTERNALDATE \" 4-Sep-2025 15:33:21 +0200\" RFC822.SIZE 5 BODY[] {5}\n\
                 -- raw \"a\\r\\nb\\n\"\nS: )\n";
    for (name, behind, code) in [
        ("a tag of no command", "S: p99 OK fetched\n", 76),
        ("the tag of the next command", "S: p5 OK fetched\n", 76),
        ("the tag of the command before", "S: p3 OK fetched\n", 76),
        ("the tag in another letter", "S: P4 OK fetched\n", 76),
        ("the tag with a zero", "S: p04 OK fetched\n", 76),
        ("no tag", "S: OK fetched\n", 76),
        ("the tag +", "S: + go on\n", 76),
        ("the tag + alone", "S: +\n", 76),
        ("no status", "S: p4 DONE\n", 76),
        ("another protocol", "S: -ERR what?\n", 76),
        ("an empty line", "S:\n", 76),
        ("more of the message", "S: more of it\n", 76),
        (
            "a body that is not asked for, four times",
            {
                "-- repeat 4 \"* 9 FETCH (UID 99 FLAGS () INTERNALDATE \\\"x\\\" BODY[] {1}\\r\\nx)\\r\\n\"\n"
            },
            76,
        ),
        (
            "two bodies in one",
            "S: * 2 FETCH (UID 12 FLAGS () BODY[] {1}\n-- raw \"x\"\nS:  BODY[] {1}\n-- raw \"y\"\nS: )\n",
            76,
        ),
        (
            "content is told, and none comes",
            {
                "S: * 2 FETCH (UID 12 FLAGS () INTERNALDATE \" 4-Sep-2025 15:33:21 +0200\" RFC822.SIZE 33 BODY[] {0}\nS: )\n"
            },
            76,
        ),
        ("BYE", "S: * BYE shutting down\n", 75),
        ("BYE with its reason", "S: * BYE [UNAVAILABLE] too much\n", 75),
        ("the end", "-- close\n", 75),
        ("the end without TLS's good-bye", "-- truncate\n", 75),
        ("silence", "-- stall\n", 75),
    ] {
        let (result, messages, seen) = play_text(&format!("{begun}{first}{behind}"));
        let failure = result.expect_err(name);
        assert_eq!(i32::from(failure.exit().code()), code, "{name}: {failure}");
        assert_eq!(messages[1], None, "{name}");
        let is_whole = |message: &Vec<u8>| *message == b"a\nb\n";
        assert!(messages[0].as_ref().is_none_or(is_whole), "{name}");
        assert!(seen.deviations.is_empty(), "{name}: {:#?}", seen.deviations);
    }
}

#[test]
fn without_starttls_nothing_is_sent_in_clear() {
    let begun =
        "-- client --keep\nS: * OK ready\nC: p1 CAPABILITY\nS: * CAPABILITY IMAP4rev1 STARTTLS\nS: p1 OK\n";
    let not_offered = begun.replace(" STARTTLS", "");
    let asked = format!("{begun}C: p2 STARTTLS\n");
    for (name, script, code) in [
        ("not offered", not_offered, 69),
        ("NO", format!("{asked}S: p2 NO not now\n"), 69),
        ("BAD", format!("{asked}S: p2 BAD what?\n"), 69),
        ("BYE", format!("{asked}S: * BYE\n"), 75),
        ("the answer to another command", format!("{asked}S: p3 OK\n"), 76),
        ("the answer before the command", begun.replace("S: p1 OK\n", "S: p2 OK\n"), 76),
        ("the end", format!("{asked}-- close\n"), 75),
    ] {
        let (result, _, seen) = play_text(&script);
        let failure = result.expect_err(name);
        assert_eq!(i32::from(failure.exit().code()), code, "{name}: {failure}");
        assert!(seen.deviations.is_empty(), "{name}: {:#?}", seen.deviations);
    }
}

#[test]
fn a_greeting_of_another_protocol_is_told() {
    for line in [
        "+OK POP3 ready",
        "220 mx.example.org ESMTP",
        "HTTP/1.1 400 Bad Request",
        "* NO",
        "p1 OK",
        "* 1 EXISTS",
    ] {
        let (result, _, seen) =
            play_text(&format!("-- client --keep\n-- implicit tls\nS: {line}\n-- close\n"));
        let failure = result.expect_err(line);
        assert_eq!(failure.exit().code(), 76, "{line}: {failure}");
        assert!(seen.sent.is_empty(), "{line}");
    }
}

/// A referral (RFC 2221) may lead to anybody's server (curl CVE-2025-14524).
#[test]
fn a_referral_is_shown_and_never_followed() {
    for (verb, code) in [("AUTHENTICATE", 77), ("EXAMINE", 69)] {
        let store = ImapStore::with(2);
        let other = plain(&store).start();
        let answer = format!("NO [REFERRAL imap://ana;AUTH=*@localhost:{}/] not here", other.port());
        let server = plain(&store).hook(move |event| match event.verb == verb {
            true => event.answer(&answer),
            false => Act::Normal,
        });
        let server = server.start();
        let world = world();
        let outcome = fetch(&world, &server).go();
        assert_eq!(outcome.code, Some(code), "{verb}: {outcome:?}");
        assert!(outcome.error()["message"].as_str().unwrap().contains("REFERRAL"), "{verb}: {outcome:?}");
        assert_eq!(other.journals().len(), 0, "{verb}: it was followed");
    }
}

#[test]
fn an_alert_is_shown_without_its_control_characters() {
    let store = ImapStore::with(1);
    let says = "* OK [ALERT] \x1b[2J\x1b]0;owned\x07 maintenance\r\n";
    let server = plain(&store).quirk(Quirk::SaysFirst("EXAMINE", says)).start();
    let world = world();
    let outcome = fetch(&world, &server).go();
    outcome.assert_exit(0);
    assert!(outcome.err().contains("maintenance"), "{outcome:?}");
    let shown = [outcome.stdout.clone(), outcome.stderr.clone()].concat();
    assert!(!shown.contains(&0x1b) && !shown.contains(&0x07), "{outcome:?}");
}

#[test]
fn a_bye_inside_a_fetch_costs_a_session_and_no_message() {
    for says in ["* BYE shutting down\r\n", "* BYE [UNAVAILABLE] later\r\n"] {
        let store = ImapStore::with(6);
        let all = sorted(store.as_stored("INBOX"));
        let fault = Fault::EndsAhead(says, End::Close);
        let server = plain(&store).fault_times(1, 4, fault).start();
        let world = world();
        let first = fetch(&world, &server).arg("--delete").go();
        assert!(store.uids("INBOX").len() + world.mail().len() >= 6, "{says}: {first:?}");
        let next = fetch(&world, &server).arg("--delete").go();
        next.assert_exit(0);
        assert_same(&world.mail(), &all);
        assert!(store.uids("INBOX").is_empty(), "{says}");
    }
}

/// Exchange tells sizes that are the store's, and other ones later (vandelay#12).
#[test]
fn another_size_is_not_another_message() {
    let store = ImapStore::with(4);
    let server = plain(&store).start();
    let world = world();
    fetch(&world, &server).go().assert_exit(0);
    server.add_fault(2, Fault::Item("RFC822.SIZE", Some("99999")));
    for args in [&["--max-size", "1M"][..], &["--delete"]] {
        let outcome = fetch(&world, &server).args(args).go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 0, "{args:?}: {outcome:?}");
    }
    assert_eq!((world.mail().len(), store.uids("INBOX").len()), (4, 0));
}

/// Yahoo shows the newest 10,000 alone.
#[test]
fn messages_that_are_not_shown_for_a_time_are_not_forgotten() {
    let store = ImapStore::with(6);
    let all = sorted(store.as_stored("INBOX"));
    let server = plain(&store).start();
    let world = world();
    fetch(&world, &server).go().assert_exit(0);
    store.deliver("INBOX", &message(50));
    server.add_quirk(Quirk::Newest(3));
    let outcome = fetch(&world, &server).go();
    assert_eq!(outcome.assert_exit(0).summary()["delivered"], 1, "{outcome:?}");
    server.heal();
    let outcome = fetch(&world, &server).go();
    assert_eq!(outcome.assert_exit(0).summary()["delivered"], 0, "{outcome:?}");
    assert_same(&world.mail(), &sorted(all.into_iter().chain([stored(&message(50))]).collect()));
}

/// Proton Bridge 1.4.5 announces UIDPLUS. What is marked stays marked; a plain EXPUNGE would take what others marked.
#[test]
fn a_uid_expunge_that_is_not_known_is_not_replaced_by_a_plain_one() {
    let store = ImapStore::with(4);
    store.mark("INBOX", 2, "\\Deleted");
    let server = plain(&store).quirk(Quirk::UidExpungeBad).start();
    let world = world();
    let outcome = fetch(&world, &server).args(["--uid", "1", "--delete"]).go();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(store.uids("INBOX"), [1, 2, 3, 4]);
    assert_eq!(server.commands_with("EXPUNGE"), Vec::<String>::new());
    server.heal();
    fetch(&world, &server).args(["--uid", "1", "--delete"]).go().assert_exit(0);
    assert_eq!(store.uids("INBOX"), [2, 3, 4]);
    assert_same(&world.mail(), &[stored(&message(1))]);
}

#[test]
fn folders_are_found_however_list_answers() {
    for quirk in [Quirk::ListsTwice, Quirk::ListExtendedEmpty, Quirk::NoListStatus] {
        let store = ImapStore::with(2);
        store.create(Folder::new("Lists"));
        store.deliver("Lists", &message(7));
        let server = plain(&store).quirk(quirk.clone()).start();
        let world = world();
        let outcome = world.at_url(&server.url(), "list").arg("--folders").go();
        let rows = outcome.assert_exit(0).of_type("folder");
        let told: Vec<_> =
            rows.iter().map(|row| (row["folder"].as_str().unwrap(), row["messages"].as_u64())).collect();
        assert_eq!(told, [("INBOX", Some(2)), ("Lists", Some(1))], "{quirk:?}");
        let outcome = fetch(&world, &server).arg("--all-folders").go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 3, "{quirk:?}");
        assert_same(&maildir(&world.path("Mail/.Lists")), &[stored(&message(7))]);
    }
}

#[test]
fn a_server_that_falls_silent_at_any_command_is_given_up_and_nothing_is_lost() {
    for verb in
        ["", "AUTHENTICATE", "EXAMINE", "UID SEARCH", "UID FETCH", "SELECT", "UID STORE", "UID EXPUNGE"]
    {
        let store = ImapStore::with(3);
        let all = sorted(store.as_stored("INBOX"));
        let is_good = Arc::<AtomicBool>::default();
        let healed = Arc::clone(&is_good);
        let server = plain(&store).hook(move |event| match event.verb == verb && !healed.load(SeqCst) {
            true => Act::end(End::Stall),
            false => Act::Normal,
        });
        let server = server.start();
        let world = world();
        let run = world.at_url_within("0.5s", &server.url(), "fetch").arg("--delete").arg("--maildir");
        let outcome = run.arg(world.path("Mail")).go();
        assert_eq!(outcome.code, Some(75), "{verb}: {outcome:?}");
        is_good.store(true, SeqCst);
        fetch(&world, &server).arg("--delete").go().assert_exit(0);
        assert_same(&world.mail(), &all);
        assert!(store.uids("INBOX").is_empty(), "{verb}");
    }
}

/// The codes of RFC 5530, and the words of servers that have none (Gmail, Exchange, NetEase).
#[test]
fn a_refusal_has_the_exit_code_of_its_reason() {
    let login = [
        ("NO [AUTHENTICATIONFAILED] no", 77),
        ("NO [AUTHORIZATIONFAILED] no", 77),
        ("NO [EXPIRED] no", 77),
        ("NO [CONTACTADMIN] call us", 77),
        ("NO [PRIVACYREQUIRED] TLS, please", 78),
        ("NO [UNAVAILABLE] later", 75),
        ("NO [INUSE] later", 75),
        ("NO [LIMIT] later", 75),
        ("NO Login failed.", 77),
        ("NO [ALERT] Application-specific password required: https://example.org (Failure)", 77),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", 75),
        ("NO Login Rate limit: try later", 75),
        ("NO Request is throttled. Suggested Backoff Time: 299961 milliseconds", 75),
    ];
    let examine = [
        ("NO [NONEXISTENT] no such folder", 69),
        ("NO [NOPERM] not yours", 69),
        ("NO [CANNOT] no", 69),
        ("NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", 75),
        ("NO Account exceeded command or bandwidth limits. (Failure)", 75),
        ("NO [SERVERBUG] oops", 75),
        ("NO [UNAVAILABLE] UID FETCH Server error", 75),
        ("NO SELECT Unsafe Login. Please contact the administrator", 69),
        ("BAD User is authenticated but not connected.", 75),
        ("BAD what?", 69),
    ];
    let begun = "-- client --keep\n-- implicit tls\nS: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\n\
                 C~ p1 AUTHENTICATE PLAIN *\n";
    let inside = format!(
        "{begun}S: p1 OK [CAPABILITY IMAP4rev1] welcome\nC: p2 EXAMINE INBOX\nC: p3 UID SEARCH ALL\n"
    );
    let rows = login.iter().map(|(said, code)| (format!("{begun}S: p1 {said}\n"), said, code));
    let rows =
        rows.chain(examine.iter().map(|(said, code)| {
            (format!("{inside}S: p2 {said}\nS: p3 BAD no folder is open\n"), said, code)
        }));
    for (script, said, code) in rows {
        let (result, _, seen) = play_text(&script);
        let failure = result.expect_err(said);
        assert_eq!(i32::from(failure.exit().code()), *code, "{said}: {failure}");
        assert!(seen.deviations.is_empty(), "{said}: {:#?}", seen.deviations);
    }
}
