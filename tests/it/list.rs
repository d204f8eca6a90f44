//! What `list` shows, and that it downloads nothing.

use crate::support::mailbox::{Mailbox, message, oddities};
use crate::support::pop3d::{Act, Event, Pop3d};
use crate::world;
use serde_json::Value;

#[test]
fn a_line_per_message_and_nothing_is_downloaded() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let before = mailbox.messages();
    let outcome = world.pop3(&server, "list").go();
    outcome.assert_exit(0);
    let lines = outcome.of_type("message");
    assert_eq!(lines.len(), 3);
    for line in &lines {
        let number = usize::try_from(line["number"].as_u64().unwrap()).unwrap();
        assert_eq!(line["uid"], before[number - 1].uid.as_str());
        assert_eq!(line["size"], before[number - 1].wire.len());
        assert_eq!(line["subject"], format!("message {number}"));
        assert_eq!(line["from"][0]["address"], "bob@example.org");
        assert_eq!(line["new"], true);
    }
    assert_eq!(outcome.summary()["command"], "list");
    let journal = server.journal();
    assert_eq!((journal.count("RETR"), journal.count("DELE"), journal.count("TOP")), (0, 0, 3));
    assert_eq!(mailbox.messages(), before);
    server.assert_clean();
}

#[test]
fn new_shows_only_what_fetch_would_take_and_limit_the_newest() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).args(["--limit", "3"]).go().assert_exit(0);
    mailbox.add(&message(4));
    mailbox.add(&message(5));
    let uids = |lines: Vec<Value>| {
        let mut uids: Vec<String> =
            lines.iter().map(|line| line["uid"].as_str().unwrap().to_owned()).collect();
        uids.sort();
        uids
    };
    let new = world.pop3(&server, "list").arg("--new").go();
    assert_eq!(uids(new.assert_exit(0).of_type("message")), ["uid-0004", "uid-0005"]);
    let newest = world.pop3(&server, "list").args(["--limit", "1"]).go();
    assert_eq!(uids(newest.assert_exit(0).of_type("message")), ["uid-0005"]);
    let all = world.pop3(&server, "list").go();
    let seen: Vec<bool> =
        all.assert_exit(0).of_type("message").iter().map(|line| line["new"].as_bool().unwrap()).collect();
    assert_eq!(seen.iter().filter(|new| **new).count(), 2);
}

#[test]
fn no_headers_asks_for_none() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.pop3(&server, "list").arg("--no-headers").go();
    assert_eq!(outcome.assert_exit(0).of_type("message").len(), 3);
    assert_eq!(server.journal().count("TOP"), 0);
}

#[test]
fn without_top_list_says_so_and_shows_sizes() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).without("TOP").start());
    let outcome = world.pop3(&server, "list").go();
    outcome.assert_exit(0);
    assert!(outcome.err().contains("TOP"), "it says so: {}", outcome.err());
    for (at, line) in outcome.of_type("message").iter().enumerate() {
        assert_eq!(line["size"], mailbox.messages()[at].wire.len());
    }
    assert_eq!(server.journal().count("RETR"), 0);
}

#[test]
fn a_header_that_is_refused_hides_no_other_and_is_named() {
    for (number, announced) in [(1, true), (2, true), (3, true), (1, false), (2, false), (3, false)] {
        let refused = format!("TOP {number} 0");
        let setup = Pop3d::for_mailbox(&Mailbox::with(3)).hook(move |event| match event.verb {
            "CAPA" if !announced => Act::reply("+OK\r\nUSER\r\nUIDL\r\n."),
            "TOP" if event.line == refused => Act::reply("-ERR Message expunged"),
            _ => Act::Normal,
        });
        let (world, server) = (world(), setup.start());
        let outcome = world.pop3(&server, "list").go();
        outcome.assert_exit(0);
        let shown: Vec<Value> =
            outcome.of_type("message").iter().map(|line| line["subject"].clone()).collect();
        let subject = |at: u64| if at == number { Value::Null } else { format!("message {at}").into() };
        assert_eq!(shown, (1..=3).map(subject).collect::<Vec<_>>(), "{number} {announced}");
        let said = format!("the header of message {number} (uid");
        assert!(outcome.err().contains(&said) && outcome.err().contains("expunged"), "{}", outcome.err());
    }
}

#[test]
fn a_top_that_is_refused_hides_that_one_header_and_says_so() {
    for announced in [true, false] {
        for (refused, why) in [
            (&["TOP 2 0"][..], "-ERR no such message"),
            (&["TOP 1 0", "TOP 4 0"], "-ERR [SYS/TEMP] try again"),
            (&["TOP 1 0", "TOP 2 0", "TOP 3 0", "TOP 4 0"], "-ERR not here"),
        ] {
            let mailbox = Mailbox::with(4);
            let setup = Pop3d::for_mailbox(&mailbox);
            let hook = move |event: &Event<'_>| match (event.verb, refused.contains(&event.line)) {
                (_, true) => Act::reply(why),
                // A server that does not say that it has TOP is tried with a message or two all the same.
                ("CAPA", _) if !announced => Act::reply("-ERR what"),
                _ => Act::Normal,
            };
            let (world, server) = (world(), setup.hook(hook).start());
            let json = world.pop3(&server, "list").go();
            let lines = json.assert_exit(0).of_type("message");
            let shown: Vec<bool> = lines.iter().map(|line| line["subject"].is_string()).collect();
            let named = |number: usize| refused.contains(&format!("TOP {number} 0").as_str());
            let wanted: Vec<bool> = (1..=4).map(|number| !named(number)).collect();
            assert_eq!(shown, wanted, "{refused:?}");
            for (line, stored) in lines.iter().zip(mailbox.messages()) {
                assert_eq!((&line["uid"], &line["size"]), (&stored.uid.into(), &stored.wire.len().into()));
            }
            // Nobody waits for the answer to QUIT here: the mailbox may be held a moment longer.
            server.journals();
            let run = world.postie(["list", "--server", &server.url(), "--password-file", "secret"]);
            let table = run.args(["--ca-file", "ca.pem"]).go();
            let rows: Vec<String> = table.assert_exit(0).out().lines().skip(1).map(str::to_owned).collect();
            assert_eq!(rows.len(), 4, "no message is hidden: {rows:?}");
            for outcome in [&json, &table] {
                let said = outcome.err();
                match refused.len() {
                    4 if !announced => assert!(said.contains("no TOP"), "{said}"),
                    1 => assert!(
                        said.contains("the header of message 2 (uid-0002)") && said.contains(why),
                        "{said}"
                    ),
                    more => {
                        let others = format!("nor {} other(s)", more - 1);
                        assert!(said.contains("message 1 (uid-0001)") && said.contains(&others), "{said}");
                    }
                }
            }
            assert!(server.journals().iter().all(|journal| journal.count("RETR") == 0));
        }
    }
}

/// An answer to TOP whose end is not on a line of its own, or that has none: that one header is missing, and the
/// others come.
#[test]
fn an_answer_to_top_without_an_end_hides_that_one_header_and_says_so() {
    let glued = |event: &Event<'_>| match event.line {
        "TOP 2 0" => Act::Reply(b"+OK here\r\nSubject: x\r\n\r\nglued.\r\n".to_vec()),
        _ => Act::Normal,
    };
    let endless = |event: &Event<'_>| match event.line {
        "TOP 2 0" => {
            Act::Reply([b"+OK here\r\n".to_vec(), b"X-Line: and so on\r\n".repeat(1_000_000)].concat())
        }
        _ => Act::Normal,
    };
    for name in ["glued", "endless"] {
        for pipelining in [true, false] {
            let mailbox = Mailbox::with(4);
            let server = match name {
                "glued" => Pop3d::for_mailbox(&mailbox).hook(glued),
                _ => Pop3d::for_mailbox(&mailbox).hook(endless),
            };
            let server = if pipelining { server.start() } else { server.without("PIPELINING").start() };
            let world = world();
            let outcome = world.pop3(&server, "list").args(["--timeout", "2s"]).go();
            assert!(outcome.err().contains("TOP"), "{name}: {}", outcome.err());
            let lines = outcome.of_type("message");
            let named: Vec<bool> = lines.iter().map(|line| line["subject"].is_string()).collect();
            assert_eq!(named, [true, false, true, true], "{name}, pipelining: {pipelining}");
            outcome.assert_exit(0);
        }
    }
}

#[test]
fn an_empty_mailbox_is_no_failure() {
    let mailbox = Mailbox::default();
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.pop3(&server, "list").go();
    assert!(outcome.assert_exit(0).of_type("message").is_empty());
    world.fetch(&server).go().assert_exit(0);
}

#[test]
fn no_mail_can_control_the_terminal_or_break_a_line_of_json() {
    let mailbox = Mailbox::of(oddities());
    for subject in [
        b"\x1b]0;pwned\x07\x1b[2J\x9b31m".to_vec(),
        b"=?utf-8?B?G10wO3B3bgcbWzJK?= =?utf-8?Q?=0D=0A=E2=80=AE=C2=9B?=".to_vec(),
        b"\xff\xfe\xfd invalid".to_vec(),
        b"two\r\n lines \xe2\x80\xa8 and\r\n\tthree".to_vec(),
    ] {
        mailbox.add(
            &[b"From: \x1b[31mred\x1b[0m <a@example.org>\r\nSubject: ", &subject[..], b"\r\n\r\nx\r\n"]
                .concat(),
        );
    }
    mailbox.set_uid(2, "\x1b[31muid\x07");
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let json = world.pop3(&server, "list").go();
    assert_eq!(json.assert_exit(0).of_type("message").len(), mailbox.messages().len());
    let plain = world
        .postie(["list", "--server", &server.url(), "--password-file"])
        .arg(world.path("secret"))
        .arg("--ca-file")
        .arg(world.path("ca.pem"))
        .go();
    plain.assert_exit(0);
    for outcome in [&json, &plain] {
        let text = String::from_utf8(outcome.stdout.clone()).expect("output is UTF-8");
        let hostile = |c: &char| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
        };
        assert_eq!(text.chars().find(hostile), None, "{text:?}");
    }
    let rows = plain.out().lines().count();
    assert!(rows >= mailbox.messages().len(), "a row per message: {}", plain.out());
}

#[test]
fn the_table_shows_the_zone_of_a_date() {
    let dated = |zone: &str| {
        format!("Date: Mon, 1 Sep 2025 10:00:00 {zone}\r\nFrom: a@x.org\r\nSubject: s\r\n\r\nx\r\n")
    };
    let mailbox = Mailbox::of(["+0200", "GMT", "-0730", "Martian"].map(dated));
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.postie(["list", "--server", &server.url(), "--password-file"]);
    let outcome = outcome.arg(world.path("secret")).arg("--ca-file").arg(world.path("ca.pem")).go();
    let shown = String::from_utf8(outcome.assert_exit(0).stdout.clone()).unwrap();
    for date in ["2025-09-01 10:00 +0200", "2025-09-01 10:00 +0000", "2025-09-01 10:00 -0730"] {
        assert!(shown.contains(date), "{shown}");
    }
    assert_eq!(shown.matches("2025").count(), 3, "a date at no known hour is not shown: {shown}");
}

#[test]
fn with_imap_the_newest_messages_come_first() {
    use crate::support::imapd::Imapd;
    use crate::support::imapd::quirks::Quirk;
    use crate::support::imapd::store::ImapStore;
    use crate::support::pop3d::Mode;
    let world = world();
    for (count, quirk) in [(0, None), (1, None), (5, Some(Quirk::Descending)), (2100, None)] {
        let server = Imapd::for_store(&ImapStore::with(count)).mode(Mode::Plain);
        let server = quirk.into_iter().fold(server, |server, quirk| server.quirk(quirk)).start();
        for args in [&[][..], &["--no-headers"], &["--limit", "3"], &["--limit", "3", "--no-headers"]] {
            let shown = if args.contains(&"3") { count.min(3) } else { count };
            let outcome = world.at_url(&server.url(), "list").args(args).go();
            let lines = outcome.assert_exit(0).of_type("message");
            let uids: Vec<&str> = lines.iter().map(|line| line["uid"].as_str().unwrap()).collect();
            let wanted: Vec<String> =
                (1..=count).rev().take(shown).map(|uid: usize| uid.to_string()).collect();
            assert_eq!(uids, wanted, "{count} {args:?}");
            for line in lines.iter().filter(|_| !args.contains(&"--no-headers")) {
                let uid = line["uid"].as_str().unwrap();
                assert_eq!(line["subject"], format!("message {uid}"), "each has its own header");
            }
        }
    }
}
