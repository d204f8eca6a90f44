//! A message at which the connection is lost, or the server falls silent, every time: it is named and
//! recorded, and does not block the others or their deletion.

use crate::support::disk::{assert_same, mbox, names, sorted};
use crate::support::mailbox::{Mailbox, message_of, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Event, Pop3d, Setup};
use crate::world;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A server that does `act` at a command for the message with this UID, until it is repaired.
fn sick(
    mailbox: &Mailbox,
    pipelining: bool,
    verb: &'static str,
    uid: &str,
    act: Act,
) -> (Pop3d, Arc<AtomicBool>) {
    let healed = Arc::new(AtomicBool::new(false));
    let (seen, messages, uid) = (Arc::clone(&healed), mailbox.clone(), uid.to_owned());
    let hook = move |event: &Event<'_>| {
        let number = event.line.split(' ').nth(1).and_then(|number| number.parse::<usize>().ok());
        let here = || number.and_then(|number| messages.uids().get(number - 1).cloned()) == Some(uid.clone());
        match event.verb == verb && !seen.load(Ordering::SeqCst) && here() {
            true => act.clone(),
            false => Act::Normal,
        }
    };
    let setup = Pop3d::for_mailbox(mailbox);
    let setup = if pipelining { setup } else { setup.without("PIPELINING") };
    (setup.hook(hook).start(), healed)
}

fn slow_to_log_in(setup: Setup) -> Setup {
    setup.without("PIPELINING").hook(|event| match event.verb {
        "CAPA" => Act::reply("+OK\r\nUSER\r\nTOP\r\nUIDL\r\nLOGIN-DELAY 900\r\n."),
        "RETR" if event.line == "RETR 2" => Act::end(End::Close),
        _ => Act::Normal,
    })
}

#[test]
fn a_message_that_ends_every_session_is_named_and_does_not_block_the_others_or_their_deletion() {
    for act in [Act::end(End::Close), Act::end(End::Reset), Act::Cut(700, End::Close), Act::end(End::Stall)] {
        for pipelining in [true, false] {
            for number in [1, 3, 4] {
                let mailbox = Mailbox::sized(4);
                let all = mailbox.as_stored();
                let uid = format!("uid-000{number}");
                let (server, healed) = sick(&mailbox, pipelining, "RETR", &uid, act.clone());
                let world = world();
                let outcome = world.fetch_within("1s", &server).arg("--delete").go();
                let told = format!("{act:?} at {uid}, pipelining {pipelining}: {outcome:?}");
                let error = outcome.assert_exit(1).error();
                assert_eq!(
                    (&error["number"], &error["scope"]),
                    (&number.into(), &"message".into()),
                    "{told}"
                );
                assert_eq!(error["uid"], format!("uid-000{number}"), "{told}");
                assert!(outcome.err().contains(&format!("message {number} (UID uid-000{number})")), "{told}");
                assert_eq!(mailbox.uids(), [format!("uid-000{number}")], "{told}");
                let others: Vec<_> = all
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| at + 1 != number)
                    .map(|it| it.1.clone())
                    .collect();
                assert_same(&world.mail(), &sorted(others));
                // It is the only message now, and the server still does not send it.
                world.fetch_within("1s", &server).arg("--delete").go().assert_exit(75);
                healed.store(true, Ordering::SeqCst);
                world.fetch_within("5s", &server).arg("--delete").go().assert_exit(0);
                assert_same(&world.mail(), &sorted(all));
                assert!(mailbox.messages().is_empty(), "{told}");
            }
        }
    }
}

#[test]
fn a_message_of_which_nothing_comes_is_no_message_and_stays() {
    for (ways, pipelining) in [("--maildir", true), ("--maildir", false), ("--mbox", true), ("--exec", true)]
    {
        for number in [1, 3, 4] {
            let mailbox = Mailbox::sized(4);
            let all = mailbox.as_stored();
            let uid = format!("uid-000{number}");
            let (server, healed) = sick(&mailbox, pipelining, "RETR", &uid, Act::reply("+OK\r\n."));
            let world = world();
            std::fs::create_dir(world.path("out")).unwrap();
            let place = match ways {
                "--maildir" => world.text("Mail"),
                "--mbox" => world.text("mbox"),
                _ => format!("cat >'{}'/$$", world.text("out")),
            };
            let there = || match ways {
                "--maildir" => world.mail(),
                "--mbox" => sorted(mbox(&world.path("mbox"))),
                _ => {
                    let dir = world.path("out");
                    sorted(names(&dir).iter().map(|name| std::fs::read(dir.join(name)).unwrap()).collect())
                }
            };
            let fetch = || world.pop3(&server, "fetch").args([ways, &place, "--delete"]).go();
            for turn in 0..2 {
                let outcome = fetch();
                let told = format!("{ways}, {uid}, pipelining {pipelining}: {outcome:?}");
                // In the second run it is the only message.
                let error = outcome.assert_exit(if turn == 0 { 1 } else { 76 }).error();
                assert_eq!((&error["uid"], &error["scope"]), (&(*uid).into(), &"message".into()), "{told}");
                assert!(
                    error["hint"].as_str().is_some_and(|hint| hint.contains("stays on the server")),
                    "{told}"
                );
                assert_eq!(mailbox.uids(), [&*uid], "{told}");
                let others = all.iter().enumerate().filter(|(at, _)| at + 1 != number).map(|it| it.1.clone());
                assert_same(&there(), &sorted(others.collect()));
            }
            healed.store(true, Ordering::SeqCst);
            fetch().assert_exit(0);
            assert_same(&there(), &sorted(all));
            assert!(mailbox.messages().is_empty());
        }
    }
}

#[test]
fn a_message_at_which_the_connection_was_lost_is_asked_for_last_even_with_limit() {
    let mailbox = Mailbox::sized(2);
    let (server, _) = sick(&mailbox, true, "RETR", "uid-0001", Act::end(End::Close));
    let world = world();
    world.fetch(&server).go().assert_exit(1);
    mailbox.add(&message_of(3, 5000));
    world.fetch(&server).args(["--limit", "1"]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 2, "the new one");
    let before = server.journals().len();
    world.fetch(&server).go().assert_exit(75);
    let asked: usize = server.journals()[before..].iter().map(|journal| journal.count("RETR")).sum();
    assert_eq!(asked, 1, "once in a run");
}

#[test]
fn deletions_are_made_even_if_the_connection_is_lost_at_one_of_them() {
    for pipelining in [true, false] {
        let mailbox = Mailbox::sized(5);
        let all = sorted(mailbox.as_stored());
        let (server, healed) = sick(&mailbox, pipelining, "DELE", "uid-0003", Act::end(End::Close));
        let world = world();
        let outcome = world.fetch(&server).arg("--delete").go();
        assert_eq!(outcome.assert_exit(1).error()["uid"], "uid-0003");
        assert_same(&world.mail(), &all);
        assert_eq!(mailbox.uids(), ["uid-0003"], "{outcome:?}");
        healed.store(true, Ordering::SeqCst);
        let outcome = world.fetch(&server).arg("--delete").go();
        outcome.assert_exit(0);
        assert_eq!(outcome.summary()["delivered"], 0, "nothing is fetched again");
        assert!(mailbox.messages().is_empty());
    }
}

/// What waits for the end of a run waits for the deletions, but not for a server that refuses them all.
#[test]
fn a_message_at_which_the_connection_was_lost_is_fetched_even_if_no_deletion_is_made() {
    for refused in [&["uid-0001", "uid-0003"][..], &["uid-0001"]] {
        let mailbox = Mailbox::sized(3);
        let all = sorted(mailbox.as_stored());
        let healed = Arc::new(AtomicBool::new(false));
        let (seen, messages) = (Arc::clone(&healed), mailbox.clone());
        let hook = move |event: &Event<'_>| {
            let number = event.line.split(' ').nth(1).and_then(|number| number.parse::<usize>().ok());
            let uid = number.and_then(|number| messages.uids().get(number - 1).cloned());
            match (event.verb, uid.as_deref()) {
                ("RETR", Some("uid-0002")) if !seen.load(Ordering::SeqCst) => Act::end(End::Close),
                ("DELE", Some(uid)) if refused.contains(&uid) => Act::reply("-ERR read-only"),
                _ => Act::Normal,
            }
        };
        let server = Pop3d::for_mailbox(&mailbox).hook(hook).start();
        let world = world();
        world.fetch(&server).arg("--delete").go().assert_exit(1);
        healed.store(true, Ordering::SeqCst);
        let outcome = world.fetch(&server).arg("--delete").go();
        outcome.assert_exit(1);
        assert_same(&world.mail(), &all);
        assert_eq!(outcome.summary()["delivered"], 1, "{refused:?}: {outcome:?}");
        // Nor is it tried in session after session.
        assert!(server.journals().len() <= 6, "{refused:?}: {} sessions", server.journals().len());
    }
}

#[test]
fn a_connection_that_is_lost_at_every_message_ends_the_run_soon() {
    for end in [End::Close, End::Stall] {
        let mailbox = Mailbox::sized(9);
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| if event.verb == "RETR" { Act::end(end) } else { Act::Normal })
            .start();
        let world = world();
        let outcome = world.fetch_within("1s", &server).arg("--delete").go();
        outcome.assert_exit(75);
        assert!(server.journals().len() <= 6, "{} sessions", server.journals().len());
        assert!(world.mail().is_empty() && mailbox.messages().len() == 9);
    }
}

#[test]
fn a_message_is_whole_if_the_connection_ends_after_it_and_its_size_is_the_listed_one() {
    // The server sends one message in each session.
    let mailbox = Mailbox::sized(3);
    let server = Pop3d::for_mailbox(&mailbox).without("PIPELINING");
    let given = Arc::new(std::sync::Mutex::new(0));
    let server = server
        .hook(move |event| {
            let mut last = given.lock().unwrap();
            match event.verb {
                "RETR" if *last == event.connection + 1 => Act::end(End::Close),
                "RETR" => {
                    *last = event.connection + 1;
                    Act::Normal
                }
                _ => Act::Normal,
            }
        })
        .start();
    let world = world();
    world.fetch(&server).go().assert_exit(0);
    assert_same(&world.mail(), &sorted(mailbox.as_stored()));
    let fetched: usize = server.journals().iter().map(|journal| journal.count("RETR")).sum();
    assert_eq!(fetched, 5, "each once, and once more where the line was lost");
    // Another size is no proof.
    let mailbox = Mailbox::sized(2);
    let server = Pop3d::for_mailbox(&mailbox)
        .without("PIPELINING")
        .hook(|event| match event.line {
            "LIST" => Act::reply("+OK\r\n1 1101\r\n2 1200\r\n."),
            "RETR 2" => Act::end(End::Close),
            "NOOP" => Act::end(End::Close),
            _ => Act::Normal,
        })
        .start();
    let world = crate::world();
    world.fetch(&server).args(["--limit", "1"]).go().assert_exit(75);
    assert!(world.mail().is_empty(), "one octet more was listed than came");
}

#[test]
fn a_server_with_login_delay_gets_one_login_and_a_lost_message_does_not_stop_the_others() {
    let mailbox = Mailbox::sized(3);
    let server = slow_to_log_in(Pop3d::for_mailbox(&mailbox)).start();
    let world = world();
    for code in [75, 75, 1] {
        let before = server.journals().len();
        let outcome = world.fetch(&server).go();
        outcome.assert_exit(code);
        assert_eq!(server.journals().len() - before, 1);
    }
    assert!(world.mail().contains(&stored(&message_of(3, 1300))));
    assert_eq!(world.mail().len(), 2);
}

#[test]
fn all_fetches_each_message_once_even_if_the_connection_is_lost() {
    let mailbox = Mailbox::sized(3);
    let world = world();
    let armed = AtomicBool::new(true);
    let server = Pop3d::for_mailbox(&mailbox)
        .without("PIPELINING")
        .hook(move |event| match event.line {
            "RETR 3" if armed.swap(false, Ordering::SeqCst) => Act::end(End::Close),
            _ => Act::Normal,
        })
        .start();
    world.fetch(&server).arg("--all").go().assert_exit(0);
    assert_same(&world.mail(), &sorted(mailbox.as_stored()));
}

#[test]
fn a_header_at_which_the_connection_is_lost_hides_no_other() {
    for pipelining in [true, false] {
        for number in [1, 2, 3] {
            let mailbox = Mailbox::sized(3);
            let uid = format!("uid-000{number}");
            let (server, _) = sick(&mailbox, pipelining, "TOP", &uid, Act::end(End::Close));
            let outcome = world().pop3(&server, "list").go();
            outcome.assert_exit(0);
            let lines = outcome.of_type("message");
            assert_eq!(lines.len(), 3, "{outcome:?}");
            for (at, line) in lines.iter().enumerate() {
                assert_eq!(line["subject"].is_null(), at + 1 == number, "{line}");
            }
            assert!(outcome.err().contains(&format!("message {number}")), "{outcome:?}");
        }
    }
}
