//! Single sentences of the manual about `fetch`, and what would go wrong without one of them.

use crate::support::disk::{assert_same, sorted};
use crate::support::mailbox::{Mailbox, message, message_of, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Event, Flaw, Pop3d, stuffed};
use crate::support::world::World;
use crate::world;
use std::sync::atomic::{AtomicBool, Ordering};

/// A hook that does `act` at the first `line`, and nothing after.
fn once(line: &'static str, act: Act) -> impl Fn(&Event<'_>) -> Act + Send + Sync + 'static {
    let armed = AtomicBool::new(true);
    move |event| {
        let here = event.line == line && armed.swap(false, Ordering::SeqCst);
        if here { act.clone() } else { Act::Normal }
    }
}

#[test]
fn unconfirmed_deletions_that_were_made_are_not_a_uid_reset() {
    // The server deletes all and its reply to QUIT is lost; then other mail arrives.
    let mailbox = Mailbox::with(25);
    let server = Pop3d::for_mailbox(&mailbox).hook(once("QUIT", Act::Cut(0, End::Reset))).start();
    let world = world();
    world.fetch(&server).arg("--delete").go().assert_exit(75).error();
    assert!(mailbox.messages().is_empty());
    mailbox.add(&message(26));
    world.fetch(&server).arg("--delete").go().assert_exit(0);
    assert_eq!(world.mail().len(), 26);
    assert!(mailbox.messages().is_empty());
}

#[test]
fn twenty_known_uids_that_are_all_gone_are_a_reset_and_nineteen_are_not() {
    for (count, code) in [(19, 0), (20, 69), (21, 69)] {
        let mailbox = Mailbox::with(count);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        world.fetch(&server).go().assert_exit(0);
        for number in 1..=count {
            mailbox.set_uid(number, &format!("other-{number}"));
        }
        let outcome = world.fetch(&server).arg("--delete").go();
        assert_eq!(outcome.code, Some(code), "{count} known: {outcome:?}");
        let (mail, left) = if code == 0 { (2 * count, 0) } else { (count, count) };
        assert_eq!((world.mail().len(), mailbox.messages().len()), (mail, left), "{count} known");
        // One message that is left shows that the UIDs were not changed.
        let (outcome, expected) = match code {
            0 => continue,
            _ => {
                mailbox.set_uid(1, "uid-0001");
                (world.fetch(&server).go(), 2 * count - 1)
            }
        };
        outcome.assert_exit(0);
        assert_eq!(world.mail().len(), expected);
    }
}

#[test]
fn a_refused_deletion_ends_in_1_even_if_nothing_else_was_to_do() {
    for refusal in ["-ERR no", "-ERR [SYS/TEMP] later", "-ERR [SYS/PERM] never"] {
        let mailbox = Mailbox::with(2);
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| match event.verb {
                "DELE" => Act::reply(refusal),
                _ => Act::Normal,
            })
            .start();
        let world = world();
        world.fetch(&server).go().assert_exit(0);
        let outcome = world.fetch(&server).arg("--delete").go();
        let error = outcome.assert_exit(1).error();
        assert_eq!((&error["stage"], &error["scope"]), (&"DELE".into(), &"message".into()));
        assert!(outcome.err().contains("(message 2, uid-0002)"), "it says which: {}", outcome.err());
        assert_eq!(outcome.summary()["deleted"], 0);
        assert_eq!(world.mail().len(), 2);
    }
}

/// A server that sends something unexpected after its reply to a command.
fn chatty(mailbox: &Mailbox, line: &'static str, answer: Vec<u8>, pipelining: bool) -> Pop3d {
    let setup = Pop3d::for_mailbox(mailbox);
    let setup = if pipelining { setup } else { setup.without("PIPELINING") };
    setup.hook(move |event| if event.line == line { Act::Reply(answer.clone()) } else { Act::Normal }).start()
}

#[test]
fn an_unexpected_reply_adds_no_line_to_a_message_and_loses_none() {
    let mailbox = Mailbox::with(4);
    let uidl = b"+OK\r\n1 uid-0001\r\n2 uid-0002\r\n3 uid-0003\r\n4 uid-0004\r\n.\r\n".to_vec();
    let list: String = mailbox
        .messages()
        .iter()
        .enumerate()
        .map(|(at, one)| format!("{} {}\r\n", at + 1, one.wire.len()))
        .collect();
    let list = format!("+OK\r\n{list}.\r\n").into_bytes();
    let retr = |number| [b"+OK\r\n".to_vec(), stuffed(&message(number))].concat();
    let capa = b"+OK\r\nUSER\r\nUIDL\r\n.\r\n".to_vec();
    for (line, answer) in [
        ("", b"+OK ready\r\n".to_vec()),
        ("CAPA", capa),
        ("USER ana", b"+OK\r\n".to_vec()),
        ("UIDL", uidl),
        ("LIST", list),
        ("RETR 1", retr(1)),
        ("RETR 3", retr(3)),
        ("RETR 4", retr(4)),
        ("NOOP", b"+OK\r\n".to_vec()),
        ("DELE 1", b"+OK\r\n".to_vec()),
    ] {
        for extra in [&b"+OK more\r\n"[..], b"-ERR more\r\n"] {
            for pipelining in [false, true] {
                let mailbox = Mailbox::with(4);
                let before = mailbox.messages();
                let server = chatty(&mailbox, line, [&answer, extra].concat(), pipelining);
                let world = world();
                for _ in 0..2 {
                    let outcome = world.fetch_within("1s", &server).arg("--delete").go();
                    outcome.summary();
                    let told =
                        format!("{:?} behind {line:?}, {pipelining}: {outcome:?}", extra.escape_ascii());
                    let (mail, left) = (world.mail(), mailbox.messages());
                    for copy in &mail {
                        assert!(before.iter().any(|one| stored(&one.wire) == *copy), "{told}");
                    }
                    for one in &before {
                        let copies = mail.iter().filter(|copy| **copy == stored(&one.wire)).count();
                        assert!(copies <= 1, "{} is doubled: {told}", one.uid);
                        assert!(copies == 1 || left.contains(one), "{} is lost: {told}", one.uid);
                    }
                }
            }
        }
    }
}

#[test]
fn without_dot_stuffing_a_crafted_message_cannot_hide_the_next_one() {
    // After a single dot it continues as a reply and another message would.
    let wicked = b"Subject: wicked\r\n\r\nx\r\n.\r\n+OK here it is\r\nSubject: none\r\n\r\ny\r\n";
    for pipelining in [false, true] {
        for place in 1..=3 {
            let messages: Vec<Vec<u8>> = (1..=3)
                .map(|number| if number == place { wicked.to_vec() } else { message(number) })
                .collect();
            let mailbox = Mailbox::of(&messages);
            let before = mailbox.messages();
            let unstuffed = [b"+OK\r\n".as_slice(), wicked, b".\r\n"].concat();
            let line = ["RETR 1", "RETR 2", "RETR 3"][place - 1];
            let server = chatty(&mailbox, line, unstuffed, pipelining);
            let world = world();
            for _ in 0..2 {
                let outcome = world.fetch_within("1s", &server).arg("--delete").go();
                outcome.summary();
                assert_told_of(&world, &before, &mailbox, &format!("{line}, {pipelining}: {outcome:?}"));
            }
            assert_same(
                &world.mail(),
                &sorted((1..=3).filter(|number| *number != place).map(|n| stored(&message(n))).collect()),
            );
        }
    }
}

/// Each message is stored here once, or still on the server, and nothing else is here.
#[track_caller]
fn assert_told_of(world: &World, before: &[crate::support::mailbox::Stored], mailbox: &Mailbox, told: &str) {
    let (mail, left) = (world.mail(), mailbox.messages());
    for copy in &mail {
        assert!(before.iter().any(|one| stored(&one.wire) == *copy), "{told}");
    }
    for one in before {
        let copies = mail.iter().filter(|copy| **copy == stored(&one.wire)).count();
        assert!(copies <= 1, "{} is doubled: {told}", one.uid);
        assert!(copies == 1 || left.contains(one), "{} is lost: {told}", one.uid);
    }
}

#[test]
fn a_terminator_without_a_line_of_its_own_is_noticed_even_if_the_server_does_not_know_noop() {
    let glued = b"+OK\r\nSubject: glued\r\n\r\nno line end.\r\n".to_vec();
    for pipelining in [false, true] {
        let mailbox = Mailbox::with(3);
        let octets = glued.clone();
        let setup = Pop3d::for_mailbox(&mailbox);
        let setup = if pipelining { setup } else { setup.without("PIPELINING") };
        let server = setup
            .hook(move |event| match event.line {
                "RETR 3" => Act::Reply(octets.clone()),
                "NOOP" => Act::reply("-ERR unknown command"),
                _ => Act::Normal,
            })
            .start();
        let world = world();
        let outcome = world.fetch_within("1s", &server).arg("--delete").go();
        let error = outcome.assert_exit(1).error();
        assert_eq!((&error["kind"], &error["uid"]), (&"protocol".into(), &"uid-0003".into()), "{error}");
        assert_same(&world.mail(), &[stored(&message(1)), stored(&message(2))]);
        assert_eq!(mailbox.messages().len(), 3, "its framing cannot be trusted");
    }
}

#[test]
fn messages_with_bare_lf_are_fetched_whole_from_a_server_whose_replies_end_in_crlf() {
    // As a small server sends files unchanged: the dots stuffed or not, the terminator in either form.
    let text = "Subject: bare\n\nfirst\n.x\n\nFrom me\nlast\n";
    for terminator in [".\r\n", ".\n"] {
        for pipelining in [false, true] {
            for after in ["--keep", "--delete"] {
                let mailbox = Mailbox::with(3);
                let body = format!("+OK\r\n{}{terminator}", text.replace("\n.", "\n.."));
                let setup = Pop3d::for_mailbox(&mailbox);
                let setup = if pipelining { setup } else { setup.without("PIPELINING") };
                let server = setup
                    .hook(move |event| match event.verb {
                        "RETR" | "TOP" => Act::Reply(body.clone().into_bytes()),
                        _ => Act::Normal,
                    })
                    .start();
                let world = world();
                let outcome = world.fetch_within("1s", &server).arg(after).go();
                assert_eq!(outcome.code, Some(0), "{terminator:?}, {pipelining}: {outcome:?}");
                assert_same(&world.mail(), &[text, text, text].map(|text| text.as_bytes().to_vec()));
                assert_eq!(mailbox.messages().is_empty(), after == "--delete");
                mailbox.add(&message(4));
                let listed = world.at_url_within("1s", &server.url(), "list").go();
                let line = &listed.assert_exit(0).of_type("message")[0];
                assert_eq!(line["subject"], "bare", "{terminator:?}");
            }
        }
    }
}

#[test]
fn nothing_new_says_how_much_was_fetched_before_and_each_skip_says_why() {
    let mailbox = Mailbox::of([message(1), message_of(2, 50_000), message(3)]);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let run = |more: &[&str]| {
        world.fetch(&server).args(["--max-size", "10K", "--limit", "1", "-v"]).args(more).go()
    };
    let first = run(&[]);
    let skipped: Vec<_> =
        first.assert_exit(0).of_type("message").into_iter().filter(|it| it["action"] == "skipped").collect();
    let reasons: Vec<_> = skipped.iter().map(|it| it["reason"].clone()).collect();
    assert_eq!(reasons, ["too_large", "beyond_limit"]);
    for why in ["skipped: larger than --max-size", "skipped: beyond --limit"] {
        assert!(first.err().contains(why), "{why}: {}", first.err());
    }
    let all = world.fetch(&server).go();
    all.assert_exit(0);
    let again = world.fetch(&server).arg("-v").go();
    assert!(again.assert_exit(0).err().contains("nothing new: 3 message(s)"), "{}", again.err());
    assert!(again.err().contains("--all"), "{}", again.err());
    assert_eq!(world.fetch(&server).go().err(), "", "cron hears nothing");
}

#[test]
fn a_path_that_is_not_utf_8_is_also_given_in_base64() {
    use base64::Engine as _;
    use std::os::unix::ffi::OsStrExt as _;
    let mailbox = Mailbox::with(1);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let dir = world.root().join(std::ffi::OsStr::from_bytes(b"Ma\xffil"));
    let outcome = world.pop3(&server, "fetch").arg("--maildir").arg(&dir).go();
    let line = &outcome.assert_exit(0).of_type("message")[0];
    let octets =
        base64::engine::general_purpose::STANDARD.decode(line["path_bytes"].as_str().unwrap()).unwrap();
    assert_eq!(std::fs::read(std::ffi::OsStr::from_bytes(&octets)).unwrap(), stored(&message(1)));
    let plain = world.fetch(&server).arg("--all").go();
    let line = &plain.assert_exit(0).of_type("message")[0];
    assert!(line["path"].as_str().unwrap().starts_with('/') && line.get("path_bytes").is_none());
}

#[test]
fn a_uid_of_more_than_500_octets_is_invalid() {
    for (length, code) in [(500, 0), (501, 1)] {
        let mailbox = Mailbox::with(2);
        mailbox.set_uid(2, &"u".repeat(length));
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let outcome = world.fetch(&server).go();
        outcome.assert_exit(code);
        assert_eq!(world.mail().len(), if code == 0 { 2 } else { 1 }, "{length}");
    }
}

#[test]
fn a_limit_holds_for_the_run_however_many_sessions_it_takes() {
    for (flaw, until_empty) in [(true, false), (false, true), (true, true)] {
        let mailbox = Mailbox::with(6);
        let setup = Pop3d::for_mailbox(&mailbox);
        let server = if flaw { setup.flawed("RETR", Flaw::HangsUp) } else { setup }.start();
        let world = world();
        let run = world.fetch(&server).args(["--limit", "2"]);
        let run = if until_empty { run.arg("--until-empty") } else { run };
        let outcome = run.go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 2);
        assert_eq!(world.mail().len(), 2);
    }
}

#[test]
fn messages_tried_again_without_pipelining_are_reported_once() {
    let mailbox = Mailbox::of([message(1), message_of(2, 50_000), message(3), message(4)]);
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(|event| match (event.connection, event.line) {
            (_, "RETR 1") => Act::reply("-ERR not this one"),
            // Only because the commands were sent together.
            (0, "RETR 3") => Act::reply("-ERR busy"),
            (0, "RETR 4") => Act::end(End::Stall),
            _ => Act::Normal,
        })
        .start();
    let world = world();
    let outcome = world.fetch_within("1s", &server).args(["--max-size", "10K", "--delete"]).go();
    outcome.assert_exit(1);
    let errors: Vec<_> = outcome.of_type("error").iter().map(|it| it["number"].clone()).collect();
    assert_eq!(errors, [1], "{outcome:?}");
    let summary = outcome.summary();
    assert_eq!((&summary["failed"], &summary["skipped"]), (&1.into(), &1.into()));
    assert_eq!((&summary["delivered"], &summary["deleted"]), (&2.into(), &2.into()));
    assert_eq!(mailbox.uids(), ["uid-0001", "uid-0002"]);
}

#[test]
fn a_mailbox_that_is_still_locked_by_the_previous_session_is_waited_for() {
    // The server notices late that the first session is gone.
    for (late, code) in [(2, 0), (100, 75)] {
        let mailbox = Mailbox::with(3);
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| match (event.connection, event.verb) {
                (at, "PASS") if at >= 1 && at <= late => Act::reply("-ERR [IN-USE] locked"),
                _ => Act::Normal,
            })
            .flawed("RETR", Flaw::HangsUp)
            .start();
        let world = world();
        let outcome = world.fetch(&server).arg("--delete").go();
        outcome.assert_exit(code);
        assert_eq!(world.mail().len(), if code == 0 { 3 } else { 0 });
        assert!(server.journals().len() < 10, "no server is pestered");
    }
}
