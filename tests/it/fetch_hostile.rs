//! What `fetch` does with a server that sends wrong data, too much data, or is broken: bounded time, its own
//! exit code, nothing lost, nothing doubled.

use crate::support::disk::{assert_same, sorted};
use crate::support::mailbox::{Mailbox, Stored, message, stored};
use crate::support::peer::{End, Journal};
use crate::support::player::Player;
use crate::support::pop3d::{Act, Pop3d, SECRET};
use crate::support::script::Script;
use crate::support::world::{Checked, World};
use crate::world;
use std::fs;
use std::time::Duration;

/// Plays a script under TLS to `fetch --delete`.
fn play(world: &World, text: &str) -> (Player, Checked) {
    let player = Player::start(&Script::parse(&format!("-- implicit tls\n{text}"))).guard(SECRET);
    let url = format!("pop3s://ana@localhost:{}", player.port());
    let run = world.at_url_within("5s", &url, "fetch").arg("--maildir").arg(world.path("Mail"));
    let outcome = run.arg("--delete").go();
    (player, outcome)
}

/// Every message is on disk or still on the server, and none is on disk twice.
#[track_caller]
fn assert_nothing_lost(world: &World, before: &[Stored], mailbox: &Mailbox) {
    let mail = world.mail();
    let left = mailbox.messages();
    for message in before {
        let copies = mail.iter().filter(|copy| **copy == stored(&message.wire)).count();
        assert!(copies <= 1, "{}: {copies} copies", message.uid);
        assert!(copies == 1 || left.contains(message), "{} is lost", message.uid);
    }
}

#[test]
fn an_endless_line_is_refused_in_bounded_time_and_memory() {
    for text in [
        "-- forever \"+OK and on and on \"\n",
        "S: +OK\nC: CAPA\n-- forever \"+OK and on and on \"\n",
        "S: +OK\nC: CAPA\nS: +OK\n-- forever \"TOP \"\n",
        "S: +OK\nC: CAPA\nS: +OK\n-- forever \"TOP\\r\\n\"\n",
    ] {
        let world = world();
        let (_player, outcome) = play(&world, text);
        outcome.assert_failure(76, "protocol");
        assert!(outcome.processor < Duration::from_secs(20), "{:?}", outcome.processor);
    }
}

#[test]
fn an_endless_listing_is_refused_in_bounded_time_and_memory() {
    for verb in ["UIDL", "LIST"] {
        let world = world();
        let mailbox = Mailbox::with(2);
        let rows: Vec<u8> = (1..=3_000_000)
            .flat_map(|n| {
                if verb == "UIDL" { format!("{n} u{n}\r\n") } else { format!("{n} 1\r\n") }.into_bytes()
            })
            .collect();
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| match (event.verb, event.line == verb) {
                (_, true) => Act::Then([b"+OK\r\n".to_vec(), rows.clone()].concat(), End::Stall),
                _ => Act::Normal,
            })
            .start();
        let outcome = world.fetch_within("10s", &server).arg("--delete").go();
        outcome.assert_failure(76, "protocol");
        assert!(world.mail().is_empty());
        assert_eq!(mailbox.messages().len(), 2);
    }
}

#[test]
fn memory_does_not_grow_with_a_line() {
    // 256 MiB of address space are enough for the program, its libraries and its threads, but not for the
    // line.
    let mailbox = Mailbox::of([[vec![b'x'; 300 << 20], b"\r\n".to_vec()].concat()]);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    // The speed is not judged: on a busy machine it may take minutes.
    let run = world.fetch_within("1h", &server).limit(Duration::from_secs(1800));
    let outcome = run.under_shell("ulimit -v 262144").go();
    outcome.assert_exit(0);
    let line = &outcome.of_type("message")[0];
    let size = fs::metadata(line["path"].as_str().unwrap()).unwrap().len();
    assert_eq!(size, (300 << 20) + 1);
}

#[test]
fn contradictory_counts_lose_no_message_and_missing_rows_are_reported() {
    for (stat, list, uidl, code) in [
        ("999999 5", "", "", 0),
        ("0 0", "", "", 0),
        ("-1 -1", "", "", 0),
        ("", "1 0\r\n2 99999999999999999999\r\n3 -1\r\n", "", 0),
        ("", "1 10\r\n", "", 0),
        // A message with a size and no UID, or one that is missing from UIDL, is reported.
        ("", "1 10\r\n2 20\r\n3 30\r\n4 40\r\n9 90\r\n", "", 1),
        ("", "", "1 uid-0001\r\n3 uid-0003\r\n", 1),
        ("", "", "3 uid-0003\r\n2 uid-0002\r\n1 uid-0001\r\n", 0),
    ] {
        let mailbox = Mailbox::with(3);
        let before = mailbox.messages();
        let world = world();
        let rows = |rows: &str| Act::reply(&format!("+OK\r\n{rows}."));
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| match event.line {
                "STAT" if !stat.is_empty() => Act::reply(&format!("+OK {stat}")),
                "LIST" if !list.is_empty() => rows(list),
                "UIDL" if !uidl.is_empty() => rows(uidl),
                _ => Act::Normal,
            })
            .start();
        let outcome = world.fetch(&server).arg("--delete").go();
        outcome.assert_exit(code).summary();
        assert!(outcome.of_type("error").iter().all(|error| error["kind"] == "protocol"), "{outcome:?}");
        assert_nothing_lost(&world, &before, &mailbox);
        if list.is_empty() && uidl.is_empty() {
            outcome.assert_exit(0);
            assert_same(&world.mail(), &sorted(before.iter().map(|m| stored(&m.wire)).collect()));
        }
        let named = |journal: &Journal| journal.with_verb("DELE").iter().any(|line| line.ends_with(" 9"));
        assert!(!server.journals().iter().any(named), "deletes what is not there");
    }
}

#[test]
fn one_refused_message_does_not_stop_the_others() {
    for refusal in ["-ERR Message 2 expunged", "-ERR [SYS/TEMP] later", "-ERR"] {
        let mailbox = Mailbox::with(5);
        let world = world();
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| if event.line == "RETR 2" { Act::reply(refusal) } else { Act::Normal })
            .start();
        let outcome = world.fetch(&server).arg("--delete").go();
        let error = outcome.assert_exit(1).error();
        assert_eq!(error["scope"], "message");
        assert_eq!(error["uid"], "uid-0002");
        assert_eq!(error["reply"]["lines"][0].as_str().unwrap(), refusal, "what the server said");
        assert_eq!(mailbox.uids(), ["uid-0002"]);
        assert_eq!(world.mail().len(), 4);
        let summary = outcome.summary();
        assert_eq!((summary["delivered"].as_u64(), summary["failed"].as_u64()), (Some(4), Some(1)));
    }
}

#[test]
fn a_single_message_that_fails_gives_its_own_code() {
    let mailbox = Mailbox::with(1);
    let world = world();
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(|event| if event.verb == "RETR" { Act::reply("-ERR [SYS/TEMP] later") } else { Act::Normal })
        .start();
    world.fetch(&server).go().assert_failure(75, "deferred");
}

#[test]
fn odd_uids_lose_and_double_nothing_and_do_not_leave_the_state_directory() {
    let long = "L".repeat(10_000);
    let odd = [
        "../../etc/x/../y",
        "/etc/passwd",
        ".",
        "with space",
        "tab\tand\x01control\x1b[2J",
        "\u{fc}ml\u{e4}ut",
        &long,
        "%2e%00",
        "uid",
    ];
    let mailbox = Mailbox::with(odd.len());
    for (at, uid) in odd.iter().enumerate() {
        mailbox.set_uid(at + 1, uid);
    }
    let before = mailbox.messages();
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let first = world.fetch(&server).go();
    // Only the longest exceeds what a line may have.
    assert_eq!(first.assert_exit(1).error()["kind"], "protocol");
    first.summary();
    assert_nothing_lost(&world, &before, &mailbox);
    assert_eq!(world.mail().len(), odd.len() - 1);
    let again = world.fetch(&server).go();
    assert_eq!(again.code, first.code);
    assert_eq!(again.summary()["delivered"], 0, "each is recognised");
    for path in world.tree() {
        let below = path.strip_prefix(world.root()).unwrap();
        let known = ["Mail", ".local", "secret", "ca.pem"].iter().any(|own| below.starts_with(own));
        assert!(known, "{}", path.display());
    }
    world.fetch(&server).arg("--delete").go();
    assert_nothing_lost(&world, &before, &mailbox);
}

#[test]
fn with_duplicate_uids_nothing_is_deleted_that_was_not_fetched() {
    for keep in [true, false] {
        let mailbox = Mailbox::with(5);
        mailbox.set_uid(2, "same");
        mailbox.set_uid(4, "same");
        let before = mailbox.messages();
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        for _ in 0..3 {
            let outcome = world.fetch(&server).arg(if keep { "--keep" } else { "--delete" }).go();
            outcome.assert_exit(0);
            assert_nothing_lost(&world, &before, &mailbox);
        }
        for number in [1, 3, 5] {
            assert!(world.mail().contains(&stored(&message(number))), "the rest goes on");
        }
        assert!(!keep || mailbox.messages() == before);
    }
}

#[test]
fn a_reused_uid_loses_no_message() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).go().assert_exit(0);
    let other = Mailbox::of([message(1), crate::support::mailbox::message_of(7, 3000)]);
    let before = other.messages();
    let port = server.port();
    drop(server);
    // The same account: the ledger is keyed by host, port and user.
    let server = Pop3d::for_mailbox(&other).start_at(port);
    let outcome = world.fetch(&server).arg("--delete").go();
    outcome.assert_exit(0);
    assert_nothing_lost(&world, &before, &other);
}

#[test]
fn without_uidl_keeping_mail_is_refused_and_deleting_works() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).without("UIDL").start());
    let error = world.fetch(&server).arg("--keep").go().assert_failure(69, "missing");
    assert!(error["message"].as_str().unwrap().contains("UIDL"), "{error}");
    assert!(world.mail().is_empty());
    let all = sorted(mailbox.as_stored());
    world.fetch(&server).arg("--delete").go().assert_exit(0);
    assert_same(&world.mail(), &all);
    assert!(mailbox.messages().is_empty());
}

#[test]
fn a_server_that_sends_noise_is_a_protocol_failure() {
    for text in [
        "S: HTTP/1.1 400 Bad Request\n",
        "S: * OK IMAP4rev1 ready\n",
        "S: 220 localhost ESMTP\n",
        "S: +OKAY\n",
        "-- raw \"\\x00\\xff\\x00\\xff\\r\\n\"\n",
        "S:\n",
    ] {
        let world = world();
        let (_player, outcome) = play(&world, text);
        outcome.assert_failure(76, "protocol");
    }
}

#[test]
fn a_refusing_greeting_is_temporary_unless_it_says_otherwise() {
    for (greeting, code, kind) in [
        ("-ERR", 75, "deferred"),
        ("-ERR come back later", 75, "deferred"),
        ("-ERR [SYS/TEMP] later", 75, "deferred"),
        ("-ERR [IN-USE] locked", 75, "deferred"),
        ("-ERR [LOGIN-DELAY] slow down", 75, "deferred"),
        ("-ERR [SYS/PERM] gone for good", 69, "rejected"),
    ] {
        let world = world();
        let (_player, outcome) = play(&world, &format!("S: {greeting}\n"));
        outcome.assert_failure(code, kind);
    }
}

#[test]
fn a_refused_login_says_whether_to_try_again() {
    for (reply, code, kind) in [
        ("-ERR no", 77, "auth"),
        ("-ERR [AUTH] wrong", 77, "auth"),
        ("-ERR [IN-USE] locked", 75, "deferred"),
        ("-ERR [LOGIN-DELAY] slow down", 75, "deferred"),
        ("-ERR [SYS/TEMP] later", 75, "deferred"),
        ("-ERR [SYS/PERM] never", 69, "rejected"),
    ] {
        let mailbox = Mailbox::with(1);
        let world = world();
        let server = Pop3d::for_mailbox(&mailbox)
            .without("SASL")
            .hook(move |event| if event.verb == "PASS" { Act::reply(reply) } else { Act::Normal })
            .start();
        world.fetch(&server).go().assert_failure(code, kind);
        assert_eq!(server.journal().count("PASS"), 1, "one attempt, lest the account be locked");
    }
}

#[test]
fn a_server_that_falls_silent_does_not_block_postie() {
    for verb in ["", "CAPA", "login", "UIDL", "RETR", "QUIT"] {
        let mailbox = Mailbox::with(2);
        let world = world();
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| {
                let login = verb == "login" && matches!(event.verb, "AUTH" | "USER" | "PASS");
                if login || event.verb == verb { Act::end(End::Stall) } else { Act::Normal }
            })
            .start();
        let outcome = world.fetch_within("1s", &server).go();
        match verb {
            // Nothing was to be deleted: the messages are stored, and that was the job. And a server that
            // never replies to CAPA may be an old one, which works without.
            "QUIT" | "CAPA" => {
                outcome.assert_exit(0);
                assert_eq!(world.mail().len(), 2, "{verb}");
            }
            _ => drop(outcome.assert_failure(75, "timeout")),
        }
    }
}

#[test]
fn a_message_cut_short_by_its_own_dot_ends_the_session_and_deletes_nothing() {
    // The server does not double the dot of a lone-dot line: the rest of the message looks like replies.
    let mailbox = Mailbox::with(3);
    let before = mailbox.messages();
    let world = world();
    let torn = b"+OK\r\nSubject: torn\r\n\r\nbefore\r\n.\r\nafter\r\n.\r\n".to_vec();
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(move |event| if event.line == "RETR 2" { Act::Reply(torn.clone()) } else { Act::Normal })
        .start();
    let outcome = world.fetch(&server).arg("--delete").go();
    assert_eq!(outcome.assert_exit(1).error()["kind"], "protocol");
    assert!(mailbox.messages().contains(&before[1]), "the torn one is still there");
    let torn = b"Subject: torn\n\nbefore\n".to_vec();
    assert!(!world.mail().contains(&torn), "half a message was stored as a whole one");
}
