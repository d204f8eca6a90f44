//! What `fetch` leaves if the connection is lost, the disk is full or the client is killed; after the next
//! run each message is there exactly once, none lost, none torn.

use crate::support::disk::{assert_same, mbox, names, sorted};
use crate::support::mailbox::{Mailbox, message_of, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Event, Pop3d, Setup};
use crate::support::tmpfs::Tmpfs;
use crate::support::world::World;
use crate::world;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Three messages of some kibibytes, so that they can be torn.
fn three() -> Mailbox {
    Mailbox::of((1..=3).map(|number| message_of(number, 5000)))
}

/// A server that does `act` at the first `line` and then behaves. It does not announce PIPELINING: if it did,
/// the same run might try again without it.
fn once(mailbox: &Mailbox, line: &'static str, act: Act) -> Pop3d {
    once_with(Pop3d::for_mailbox(mailbox).without("PIPELINING"), line, act)
}

fn once_with(setup: Setup, line: &'static str, act: Act) -> Pop3d {
    let armed = Arc::new(AtomicBool::new(true));
    let hook = move |event: &Event<'_>| {
        let here = event.line == line || event.verb == line;
        if here && armed.swap(false, Ordering::SeqCst) { act.clone() } else { Act::Normal }
    };
    setup.hook(hook).start()
}

/// Where a run can be cut off, and in which ways.
const STEPS: [&str; 10] = ["", "CAPA", "USER", "PASS", "AUTH", "UIDL", "LIST", "RETR 2", "DELE 2", "QUIT"];

#[test]
fn a_connection_ended_at_any_step_loses_and_doubles_nothing_in_a_maildir() {
    for end in [End::Close, End::Truncate, End::Reset, End::Kill] {
        for step in STEPS {
            let mailbox = three();
            let all = sorted(mailbox.as_stored());
            let world = world();
            let server = once(&mailbox, step, Act::end(end));
            let outcome = world.fetch(&server).arg("--delete").go();
            let reached = server.journals()[0].commands.iter().any(|(_, line)| line.starts_with(step));
            if reached && end == End::Kill {
                assert_eq!(outcome.signal, Some(9), "{step}");
            } else if step == "CAPA" && reached {
                // A server that closes at CAPA may be an old one, which can do without.
                outcome.assert_exit(0);
            } else if step.starts_with("RETR") || step.starts_with("DELE") {
                // A loss at one message is made up for by a second session of the same run.
                outcome.assert_exit(0);
                assert!(mailbox.messages().is_empty(), "{end:?} at {step:?}: {outcome:?}");
            } else if reached {
                let error = outcome.assert_failure(75, "network");
                assert_eq!(error["retry"], "safe", "{error}");
            }
            for copy in world_mail_in_new(&world) {
                assert!(all.contains(&copy), "{end:?} at {step:?}: a torn message");
            }
            let again = world.fetch(&server).arg("--delete").go();
            again.assert_exit(0);
            assert_same(&world_mail_in_new(&world), &all);
            assert!(mailbox.messages().is_empty(), "{end:?} at {step:?}: deletions are made up for");
        }
    }
}

/// The Maildir's messages. A killed run may leave something in `tmp`; never in `new`.
fn world_mail_in_new(world: &World) -> Vec<Vec<u8>> {
    let new = world.path("Mail/new");
    sorted(names(&new).iter().map(|name| fs::read(new.join(name)).unwrap()).collect())
}

#[test]
fn a_connection_ended_at_any_step_loses_and_doubles_nothing_in_an_mbox() {
    for end in [End::Close, End::Reset, End::Kill] {
        for step in STEPS {
            let mailbox = three();
            let all = mailbox.as_stored();
            let world = world();
            let server = once(&mailbox, step, Act::end(end));
            let outcome = world.fetch_mbox(&server).arg("--delete").go();
            if end != End::Kill && world.path("mbox").exists() {
                for copy in mbox(&world.path("mbox")) {
                    assert!(all.contains(&copy), "{end:?} at {step:?}: a torn message: {outcome:?}");
                }
            }
            world.fetch_mbox(&server).arg("--delete").go().assert_exit(0);
            assert_same(&sorted(mbox(&world.path("mbox"))), &sorted(all));
            assert!(mailbox.messages().is_empty(), "{end:?} at {step:?}: deletions are made up for");
        }
    }
}

#[test]
fn a_connection_ended_inside_a_message_stores_no_part_of_it() {
    let whole = b"+OK here it is\r\n".len() + message_of(2, 5000).len() + b".\r\n".len();
    let mut points: Vec<usize> = (0..whole).step_by(997).collect();
    // The last octets are the ones that could look like an end.
    points.extend(whole - 6..whole);
    for end in [End::Close, End::Truncate, End::Reset] {
        for at in &points {
            let mailbox = three();
            let all = sorted(mailbox.as_stored());
            let world = world();
            let server = once(&mailbox, "RETR 2", Act::Cut(*at, end));
            let outcome = world.fetch(&server).arg("--delete").go();
            outcome.assert_exit(0);
            assert_same(&world.mail(), &all);
            // A reset discards octets that have come and are not read yet, possibly the first message. Then
            // that one comes again, and nothing else does.
            let again = server.journals()[1].count("RETR");
            let most = if end == End::Reset { 3 } else { 2 };
            assert!((2..=most).contains(&again), "{end:?} at {at}: {again} fetched in the second session");
            assert_eq!(server.journals().len(), 2, "{end:?} at {at}");
        }
    }
}

#[test]
fn a_pipelining_server_that_always_disconnects_at_one_message_delivers_the_others() {
    for end in [End::Close, End::Truncate, End::Reset] {
        for at in [0, 20, 700, 5000] {
            let mailbox = three();
            let all = sorted(mailbox.as_stored());
            let world = world();
            let healed = Arc::new(AtomicBool::new(false));
            let hook = {
                let healed = Arc::clone(&healed);
                move |event: &Event<'_>| match event.line {
                    "RETR 2" if !healed.load(Ordering::SeqCst) => Act::Cut(at, end),
                    _ => Act::Normal,
                }
            };
            let server = Pop3d::for_mailbox(&mailbox).hook(hook).start();
            let outcome = world.fetch(&server).arg("--delete").go();
            assert_eq!(outcome.assert_exit(1).error()["number"], 2);
            assert_eq!(mailbox.uids(), ["uid-0002"]);
            assert_eq!(world.mail().len(), 2);
            healed.store(true, Ordering::SeqCst);
            world.fetch(&server).arg("--delete").go().assert_exit(0);
            assert_same(&world.mail(), &all);
            assert!(mailbox.messages().is_empty());
        }
    }
}

#[test]
fn a_pipelined_connection_ended_at_any_step_loses_and_doubles_nothing() {
    for end in [End::Close, End::Reset, End::Kill] {
        for step in STEPS {
            let mailbox = three();
            let all = sorted(mailbox.as_stored());
            let world = world();
            let server = once_with(Pop3d::for_mailbox(&mailbox), step, Act::end(end));
            let outcome = world.fetch(&server).arg("--delete").go();
            let ended = match (end, step) {
                // The login uses another mechanism here.
                (_, "AUTH") => (Some(0), None),
                (End::Kill, _) => (None, Some(9)),
                // Nothing is left to log in to again; and it is not known whether the deletions were made.
                (_, "" | "QUIT") => (Some(75), None),
                _ => (Some(0), None),
            };
            assert_eq!((outcome.code, outcome.signal), ended, "{end:?} at {step:?}: {outcome:?}");
            world.fetch(&server).arg("--delete").go().assert_exit(0);
            assert_same(&world_mail_in_new(&world), &all);
            assert!(mailbox.messages().is_empty(), "{end:?} at {step:?}: deletions are made up for");
        }
    }
}

#[test]
fn an_mbox_is_rolled_back_if_the_connection_is_lost_inside_a_message() {
    for end in [End::Close, End::Truncate, End::Reset] {
        for at in [0, 20, 700, 4000] {
            let mailbox = three();
            let all = mailbox.as_stored();
            let world = world();
            let server = once(&mailbox, "RETR 3", Act::Cut(at, end));
            world.fetch_mbox(&server).arg("--delete").go().assert_exit(0);
            let mut before = all.clone();
            before.retain(|copy| mbox(&world.path("mbox")).contains(copy));
            assert_eq!(before.len(), 3, "{end:?} after {at} octets: a torn message");
            assert_same(&sorted(mbox(&world.path("mbox"))), &sorted(all));
        }
    }
}

#[test]
fn a_quit_that_fails_leaves_the_deletion_pending_and_the_next_run_repeats_it_without_fetching() {
    for act in [
        Act::end(End::Close),
        Act::end(End::Reset),
        Act::end(End::Stall),
        Act::Then(b"-ERR some deleted messages not removed\r\n".to_vec(), End::Close),
    ] {
        let mailbox = three();
        let all = sorted(mailbox.as_stored());
        let world = world();
        let server = once(&mailbox, "QUIT", act.clone());
        let outcome = world.fetch_within("1s", &server).arg("--delete").go();
        outcome.assert_exit(75).error();
        outcome.summary();
        assert_same(&world.mail(), &all);
        let again = world.fetch(&server).arg("--delete").go();
        again.assert_exit(0);
        assert_same(&world.mail(), &all);
        assert!(mailbox.messages().is_empty(), "{act:?}");
        let journal = &server.journals()[1];
        assert_eq!((journal.count("RETR"), journal.count("DELE")), (0, 3), "{act:?}");
    }
}

#[test]
fn a_refused_deletion_is_reported_and_tried_again() {
    let mailbox = three();
    let world = world();
    let server = once(&mailbox, "DELE 2", Act::reply("-ERR not now"));
    let outcome = world.fetch(&server).arg("--delete").go();
    outcome.assert_exit(1).error();
    assert_eq!(world.mail().len(), 3);
    assert_eq!(mailbox.uids(), ["uid-0002"]);
    world.fetch(&server).arg("--delete").go().assert_exit(0);
    assert_eq!(world.mail().len(), 3);
    assert!(mailbox.messages().is_empty());
}

#[test]
fn a_file_size_limit_loses_nothing() {
    for mbox_too in [false, true] {
        let mailbox = Mailbox::of((1..=6).map(|number| message_of(number, 3000 * number)));
        let all = sorted(mailbox.as_stored());
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let run = if mbox_too { world.fetch_mbox(&server) } else { world.fetch(&server) };
        // In units of 512 octets: messages beyond 8 KiB do not fit.
        let outcome = run.arg("--delete").under_shell("ulimit -f 16").go();
        outcome.assert_failure(74, "storage");
        let found = if mbox_too { mbox(&world.path("mbox")) } else { world.mail() };
        for copy in &found {
            assert!(all.contains(copy), "a torn message");
        }
        for message in &all {
            let on_server = mailbox.messages().iter().any(|left| stored(&left.wire) == *message);
            assert!(found.contains(message) || on_server, "a message is lost");
        }
        let run = if mbox_too { world.fetch_mbox(&server) } else { world.fetch(&server) };
        run.arg("--delete").go().assert_exit(0);
        let found = if mbox_too { mbox(&world.path("mbox")) } else { world.mail() };
        assert_same(&sorted(found), &all);
        assert!(mailbox.messages().is_empty());
    }
}

#[test]
fn a_full_file_system_ends_in_74_and_loses_nothing() {
    if !crate::support::real::have("a_full_file_system_ends_in_74_and_loses_nothing", &["root", "mount"]) {
        return;
    }
    for option in ["--maildir", "--mbox"] {
        let mailbox = Mailbox::of((1..=6).map(|number| message_of(number, 20_000)));
        let all = sorted(mailbox.as_stored());
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let small = Tmpfs::mount(&world, "small", "size=64k");
        let destination = small.path().join("mail");
        let run = || world.pop3(&server, "fetch").arg(option).arg(&destination).arg("--delete");
        run().go().assert_failure(74, "storage");
        let read = || match option {
            "--mbox" => sorted(mbox(&destination)),
            _ => crate::support::disk::maildir(&destination),
        };
        let kept = read();
        for copy in &kept {
            assert!(all.contains(copy), "a torn message");
        }
        assert_eq!(mailbox.messages().len(), all.len(), "no QUIT: nothing is deleted in such a session");
        assert!(option == "--mbox" || !kept.is_empty(), "what fits is kept");
        small.grow();
        run().go().assert_exit(0);
        assert_same(&read(), &all);
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_fails_before_anything_is_fetched() {
    let mailbox = three();
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.write("state", "not a directory");
    let outcome = world.fetch(&server).arg("--delete").env("XDG_STATE_HOME", world.path("state")).go();
    outcome.assert_failure(73, "cannot_create");
    assert_eq!(server.journals().iter().map(|journal| journal.count("RETR")).sum::<usize>(), 0);
    assert_eq!(mailbox.messages().len(), 3);
}

/// A listing of so many messages.
fn many(count: usize) -> Pop3d {
    let rows = |row: &dyn Fn(usize) -> String| {
        let rows: String = (1..=count).map(row).collect();
        format!("+OK\r\n{rows}.\r\n").into_bytes()
    };
    let uidl = rows(&|number| format!("{number} uid-{number:08}\r\n"));
    let list = rows(&|number| format!("{number} 1000\r\n"));
    Pop3d::for_mailbox(&Mailbox::default())
        .hook(move |event| match event.line {
            "UIDL" => Act::Reply(uidl.clone()),
            "LIST" => Act::Reply(list.clone()),
            _ => Act::Normal,
        })
        .start()
}

#[test]
fn a_ledger_is_readable_after_a_full_disk_cut_off_a_large_write() {
    // Some thousand records are written at a time: the disk gets full in the first, the second, and the third
    // piece.
    let count = 10_000;
    let server = many(count);
    let plan = |world: &World| {
        let planned = world.fetch(&server).arg("--dry-run").go();
        let named = |line: &serde_json::Value| line["uid"].as_str().unwrap().to_owned();
        planned.assert_exit(0).of_type("message").iter().map(named).collect::<Vec<_>>()
    };
    for blocks in [1, 100, 200, 300, 400, 500, 600, 700] {
        let world = world();
        let marks = || world.pop3(&server, "fetch").arg("--mark-seen");
        let outcome = marks().under_shell(&format!("ulimit -f {blocks}")).go();
        outcome.assert_failure(74, "storage");
        // The ledger claims no more than is stored, and forgets nothing from before.
        let left = plan(&world);
        assert!(left.len() <= count, "{blocks}");
        let last: Vec<String> =
            (count - left.len() + 1..=count).map(|number| format!("uid-{number:08}")).collect();
        assert_eq!(left, last, "{blocks}: the beginning counts, or nothing");
        marks().go().assert_exit(0);
        assert!(plan(&world).is_empty(), "{blocks}");
        // If forgetting is cut off in the same way, each UID is known or forgotten, and nothing else.
        let forget =
            |run: crate::support::process::Run| run.args(["--forget", "uid-00000001", "uid-00010000"]);
        forget(world.pop3(&server, "fetch")).under_shell("ulimit -f 1").go().assert_failure(74, "storage");
        assert!(plan(&world).is_empty(), "{blocks}");
        forget(world.pop3(&server, "fetch")).go().assert_exit(0);
        assert_eq!(plan(&world), ["uid-00000001", "uid-00010000"]);
    }
}
