//! Odd replies of servers: malformed listings, empty mailboxes that are refused, capabilities that are
//! missing or do not work, and logins that are refused for different reasons.

use crate::support::disk::{assert_same, sorted};
use crate::support::mailbox::{Mailbox, message_of};
use crate::support::pop3d::{Act, Event, Flaw, Pop3d, SECRET};
use crate::world;

#[test]
fn a_server_that_cannot_pipeline_is_remembered() {
    for verb in ["", "UIDL", "RETR"] {
        let mailbox = Mailbox::sized(5);
        let server = Pop3d::for_mailbox(&mailbox).flawed(verb, Flaw::Drops).start();
        let world = world();
        world.fetch_within("1s", &server).go().assert_exit(0);
        let before = server.journals().len();
        assert!(before > 1, "{verb}: it was tried");
        mailbox.add(&message_of(6, 3000));
        world.fetch_within("60s", &server).go().assert_exit(0);
        world.at_url_within("60s", &server.url(), "list").go().assert_exit(0);
        world.at_url_within("60s", &server.url(), "test-account").go().assert_exit(0);
        assert_eq!(server.journals().len() - before, 3, "{verb}: one session each");
        assert_same(&world.mail(), &sorted(mailbox.as_stored()));
    }
}

#[test]
fn listings_without_a_row_are_a_protocol_failure_and_not_an_empty_mailbox() {
    let html = "+OK\r\n<html>\r\n<body>It works!</body>\r\n</html>\r\n.";
    let imap = "+OK\r\n* 2 EXISTS\r\n* OK [UIDVALIDITY 1]\r\n.";
    let mail = "+OK 2 messages\r\nFrom: me@somewhere\r\nTo: fake@nowhere\r\n.";
    let zero = "+OK\r\n0 a\r\n-1 b\r\n99999999999 c\r\n.";
    for answer in [html, imap, mail, zero, "+OK\r\n.\r\n"] {
        for verbs in [&["UIDL", "LIST"][..], &["UIDL"], &["LIST"]] {
            let empty = answer.ends_with(".\r\n");
            if empty && verbs.len() < 2 {
                continue;
            }
            let answer = answer.trim_end().to_owned();
            for pipelining in [true, false] {
                let mailbox = Mailbox::sized(2);
                let answer = answer.clone();
                let setup = Pop3d::for_mailbox(&mailbox);
                let setup = if pipelining { setup } else { setup.without("PIPELINING") };
                let server = setup
                    .hook(move |event: &Event<'_>| match verbs.contains(&event.line) {
                        true => Act::reply(&answer),
                        false => Act::Normal,
                    })
                    .start();
                let world = world();
                for command in ["fetch", "list", "test-account"] {
                    let run = world.pop3(&server, command);
                    let run = match command {
                        "fetch" => run.arg("--delete").arg("--maildir").arg(world.path("Mail")),
                        _ => run,
                    };
                    run.go().assert_exit(76);
                }
                assert_eq!(mailbox.messages().len(), 2);
            }
        }
    }
}

#[test]
fn malformed_lines_in_a_listing_are_reported_unless_stat_says_that_nothing_is_missing() {
    for (more, stat, code) in [
        ("<html>", "+OK 2 2300", 0),
        ("", "+OK 3 3600", 0),
        ("+OK that was all", "+OK 2 2300", 0),
        ("<html>", "+OK 3 3600", 1),
        ("<html>", "-ERR no STAT", 1),
    ] {
        let mailbox = Mailbox::sized(2);
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| match event.line {
                "LIST" => Act::reply(&format!("+OK\r\n1 1100\r\n{more}\r\n2 1200\r\n.")),
                "STAT" => Act::reply(stat),
                _ => Act::Normal,
            })
            .start();
        let world = world();
        let outcome = world.fetch(&server).go();
        outcome.assert_exit(code);
        assert_same(&world.mail(), &sorted(mailbox.as_stored()));
        assert!(code == 0 || outcome.error()["kind"] == "protocol", "{outcome:?}");
    }
}

#[test]
fn an_empty_mailbox_may_be_refused() {
    for verbs in [&["UIDL", "LIST"][..], &["UIDL"], &["LIST"]] {
        for pipelining in [true, false] {
            let mailbox = Mailbox::sized(0);
            let setup = Pop3d::for_mailbox(&mailbox);
            let setup = if pipelining { setup } else { setup.without("PIPELINING") };
            let server = setup
                .hook(move |event: &Event<'_>| match verbs.contains(&event.line) {
                    true => Act::reply("-ERR No messages"),
                    false => Act::Normal,
                })
                .start();
            let world = world();
            for after in ["--keep", "--delete"] {
                world.fetch(&server).arg(after).go().assert_exit(0);
            }
            for command in ["list", "test-account"] {
                world.pop3(&server, command).go().assert_exit(0);
            }
        }
    }
    // A refused listing is no empty mailbox if STAT says that there are messages.
    let mailbox = Mailbox::sized(2);
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(|event| match event.line {
            "UIDL" | "LIST" => Act::reply("-ERR No messages"),
            _ => Act::Normal,
        })
        .start();
    world().fetch(&server).arg("--delete").go().assert_failure(69, "rejected");
}

#[test]
fn replies_in_lower_case_and_after_blank_lines_are_accepted() {
    let mailbox = Mailbox::sized(3);
    let all = sorted(mailbox.as_stored());
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(|event| match event.line {
            "CAPA" => Act::reply("-Err Syntax error"),
            "DELE 1" => Act::reply("-Err Syntax error"),
            "DELE 2" => Act::reply("\r\n-ERR not that one"),
            "NOOP" => Act::reply("\r\n\r\n+Ok"),
            _ => Act::Normal,
        })
        .start();
    let world = world();
    world.fetch(&server).arg("--delete").go().assert_exit(1);
    assert_eq!(mailbox.uids(), ["uid-0001", "uid-0002"]);
    assert_same(&world.mail(), &all);
}

#[test]
fn utf8_mode_is_asked_for_if_announced_and_a_refusal_is_no_failure() {
    for (lines, asked) in [
        ("USER, UIDL, TOP, UTF8", true),
        ("USER, UIDL, TOP, UTF8 USER", true),
        ("USER, UIDL, TOP, PIPELINING, UTF8 USER", true),
        ("SASL PLAIN, UIDL, TOP, UTF8", true),
        ("USER, UIDL, TOP", false),
    ] {
        for reply in ["+OK", "-ERR not now"] {
            let mailbox = Mailbox::sized(2);
            let answer = format!("+OK\r\n{}\r\n.", lines.replace(", ", "\r\n"));
            let server = Pop3d::for_mailbox(&mailbox)
                .hook(move |event| match event.verb {
                    "CAPA" => Act::reply(&answer),
                    "UTF8" => Act::reply(reply),
                    _ => Act::Normal,
                })
                .start();
            let world = world();
            world.fetch(&server).go().assert_exit(0);
            assert_same(&world.mail(), &sorted(mailbox.as_stored()));
            let journal = server.journal();
            assert_eq!(journal.count("UTF8"), usize::from(asked), "{lines}");
            let place = |verb: &str| journal.commands.iter().position(|(_, line)| line.starts_with(verb));
            let login = if lines.starts_with("SASL") { place("AUTH") } else { place("USER") };
            assert!(!asked || place("UTF8") < login, "only before the login");
        }
    }
}

#[test]
fn a_challenge_that_is_not_base64_cancels_the_login_and_is_a_protocol_failure() {
    for challenge in ["!!!", "ready", "PDE4OTY"] {
        let mailbox = Mailbox::sized(1);
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| match event.line {
                "CAPA" => Act::reply("+OK\r\nSASL CRAM-MD5\r\nUIDL\r\n."),
                "AUTH CRAM-MD5" => Act::reply(&format!("+ {challenge}")),
                "*" => Act::reply("-ERR cancelled"),
                _ => Act::Normal,
            })
            .start();
        world().fetch(&server).go().assert_failure(76, "protocol");
        let last = server.journal().commands.last().map(|(_, line)| line.clone());
        assert_eq!(last.as_deref(), Some("*"), "{challenge}");
    }
}

#[test]
fn responses_to_challenges_are_never_shown() {
    for lines in ["SASL CRAM-MD5, UIDL", "SASL LOGIN, UIDL", "SASL PLAIN, UIDL"] {
        let mailbox = Mailbox::sized(1);
        let server = Pop3d::announcing(&mailbox, lines).start();
        let outcome = world().fetch(&server).arg("-vv").go();
        outcome.assert_exit(0);
        let answers: Vec<String> = server
            .journal()
            .commands
            .iter()
            .flat_map(|(_, line)| line.split(' ').map(str::to_owned).collect::<Vec<_>>())
            .filter(|word| {
                word.len() > 8
                    && word.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+/=".contains(&octet))
            })
            .filter(|word| word != "CRAM-MD5")
            .collect();
        let shown = outcome.err() + &outcome.out();
        assert!(!answers.iter().any(|answer| shown.contains(answer)), "{answers:?}: {shown}");
        assert!(!shown.contains(SECRET) && shown.contains("[redacted]"), "{shown}");
    }
}

#[test]
fn control_characters_in_a_secret_are_refused_before_the_login() {
    for secret in [&b"tok\x01auth=x"[..], b"a\x7fb", b"a\tb", b"esc\x1b[m"] {
        let mailbox = Mailbox::sized(1);
        let server = Pop3d::announcing(&mailbox, "SASL PLAIN XOAUTH2, USER, UIDL").start();
        let world = world();
        world.write("secret", secret);
        world.fetch(&server).go().assert_failure(78, "config");
        for journal in server.journals() {
            assert!(["AUTH", "USER", "PASS"].iter().all(|verb| journal.count(verb) == 0));
        }
    }
}

#[test]
fn the_sasl_line_decides_and_user_comes_last() {
    for (lines, login) in [
        ("USER, UIDL", "USER ana"),
        ("SASL PLAIN, USER, UIDL", "USER ana"),
        ("SASL CRAM-MD5, USER, UIDL", "AUTH CRAM-MD5"),
        ("SASL GSSAPI NTLM, USER, UIDL", "USER ana"),
        ("SASL CRAM-MD5 PLAIN, UIDL", "AUTH PLAIN"),
    ] {
        let mailbox = Mailbox::sized(1);
        let server = Pop3d::announcing(&mailbox, lines).start();
        world().fetch(&server).go().assert_exit(0);
        let journal = server.journal();
        let sent = journal.commands.iter().map(|(_, line)| line.as_str()).find(|line| *line != "CAPA");
        assert!(sent.is_some_and(|line| line.starts_with(login)), "{lines}: {sent:?}");
    }
}

#[test]
fn a_server_that_only_takes_tokens_never_gets_the_password_and_the_hint_names_the_cause() {
    let mailbox = Mailbox::sized(1);
    let server = Pop3d::announcing(&mailbox, "SASL XOAUTH2 OAUTHBEARER, UIDL").start();
    let error = world().fetch(&server).go().assert_failure(69, "missing");
    assert!(error["hint"].as_str().unwrap().contains("OAuth2"), "{error}");
    assert!(error["message"].as_str().unwrap().contains("XOAUTH2, OAUTHBEARER"), "{error}");
    assert_eq!(server.journal().count("PASS") + server.journal().count("AUTH"), 0);
}
