//! `fetch --move-to`: stored messages go to another folder of the server, each of them once, with any
//! capabilities and wherever the server or the process ends.

mod target;

use crate::support::disk::maildir_if_any;
use crate::support::imapd::quirks::Quirk;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Event, Imapd, Setup};
use crate::support::mailbox::message;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::support::process::{Outcome, Run};
use crate::support::world::World;
use crate::world;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The name of the other folder on the wire, and as it is shown.
const TARGET: (&str, &str) = ("Archiv/F&APw-r 2025", "Archiv/F\u{fc}r 2025");

fn fetch(world: &World, server: &Imapd) -> Run {
    let run = world.at_url_within("1s", &server.url(), "fetch").victim(server.victim());
    run.arg("--maildir").arg(world.path("Mail"))
}

fn move_to(world: &World, server: &Imapd) -> Run {
    fetch(world, server).args(["--move-to", TARGET.1])
}

fn sorted(mut messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    messages.sort();
    messages
}

/// An account with five messages. Two of them are the same, and one of these is also in the other folder.
fn account() -> ImapStore {
    let store = ImapStore::with(4);
    store.deliver("INBOX", &message(2));
    store.create(Folder::new(TARGET.0));
    store.deliver(TARGET.0, &message(3));
    store
}

/// What must be in the other folder in the end.
fn all_and_one() -> Vec<Vec<u8>> {
    let store = account();
    sorted([store.as_stored("INBOX"), store.as_stored(TARGET.0)].concat())
}

#[track_caller]
fn assert_moved(world: &World, store: &ImapStore, what: &str) {
    assert_eq!(store.uids("INBOX"), [] as [u32; 0], "{what}");
    assert_eq!(sorted(store.as_stored(TARGET.0)), all_and_one(), "{what}");
    assert_eq!(sorted(maildir_if_any(&world.path("Mail"))), sorted(account().as_stored("INBOX")), "{what}");
}

/// The capabilities of a server, by name.
type Ability = (&'static str, Change);

const ABILITIES: [Ability; 6] = [
    ("MOVE", |it| it),
    ("MOVE, COPYUID in its answer", |it| it.quirk(Quirk::CopyuidTagged)),
    ("MOVE that is BAD", |it| {
        it.hook(|event| if event.verb == "UID MOVE" { event.answer("BAD what?") } else { Act::Normal })
    }),
    ("COPY with COPYUID", |it| it.without("MOVE")),
    ("COPY without COPYUID", |it| it.without("MOVE").quirk(Quirk::NoCopyuid)),
    ("COPY without UIDPLUS", |it| it.without("MOVE").without("UIDPLUS")),
];

fn deleted(outcome: &Outcome) -> Vec<String> {
    let rows = outcome.of_type("message");
    let deleted = rows.iter().filter(|row| row["action"] == "deleted");
    deleted.map(|row| row["moved_to"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn stored_messages_are_moved_with_any_capabilities() {
    for (name, setup) in ABILITIES {
        let store = account();
        store.mark("INBOX", 3, "\\Seen");
        let server = setup(Imapd::for_store(&store).mode(Mode::Plain)).start();
        let world = world();
        // Messages that an earlier run kept are moved, too.
        fetch(&world, &server).args(["--limit", "2"]).go().assert_exit(0);
        let plan = move_to(&world, &server).arg("--dry-run").go();
        plan.assert_exit(0);
        assert_eq!(store.uids("INBOX").len(), 5, "{name}");
        let outcome = move_to(&world, &server).go();
        outcome.assert_exit(0);
        assert_eq!(deleted(&outcome), [TARGET.1; 5], "{name}: {outcome:?}");
        assert_eq!(outcome.of_type("summary")[0]["deleted"], 5, "{name}");
        assert_moved(&world, &store, name);
        let seen = store.messages(TARGET.0).iter().filter(|message| message.has("\\Seen")).count();
        assert_eq!(seen, 1, "{name}");
        let again = move_to(&world, &server).go();
        again.assert_exit(0);
        assert_eq!(again.of_type("message").len(), 0, "{name}");
        assert_eq!(server.violations(), [] as [String; 0], "{name}");
    }
}

/// Does `act` when the command `verb` comes for the `time`th time; otherwise the server behaves well.
fn once(
    verb: &'static str,
    time: usize,
    act: impl Fn(&Event<'_>) -> Act + Send + Sync + 'static,
) -> (impl Fn(&Event<'_>) -> Act + Send + Sync + 'static, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let hook = move |event: &Event<'_>| match event.verb == verb {
        true if seen.fetch_add(1, Ordering::SeqCst) + 1 == time => act(event),
        _ => Act::Normal,
    };
    (hook, count)
}

/// How a server is changed.
type Change = fn(Setup) -> Setup;
/// Commands, and which of them each is.
type Steps = &'static [(&'static str, usize)];

/// The commands of a move, and how many of each there are.
const STEPS: [(&str, Change, Steps); 5] = [
    ("MOVE", |it| it, &[("LIST", 1), ("SELECT", 1), ("UID MOVE", 1)]),
    (
        "COPY with COPYUID",
        |it| it.without("MOVE"),
        &[("STATUS", 1), ("UID COPY", 1), ("UID STORE", 1), ("UID EXPUNGE", 1)],
    ),
    ("COPY with MESSAGELIMIT", |it| it.without("MOVE").quirk(Quirk::MessageLimit(2)), &[("UID COPY", 1)]),
    (
        "COPY without COPYUID",
        |it| it.without("MOVE").quirk(Quirk::NoCopyuid),
        &[("UID COPY", 1), ("UID STORE", 1), ("UID EXPUNGE", 1)],
    ),
    (
        "COPY without UIDPLUS",
        |it| it.without("MOVE").without("UIDPLUS"),
        &[
            ("UID SEARCH", 2),
            ("UID COPY", 1),
            ("UID SEARCH", 3),
            ("UID STORE", 1),
            ("UID SEARCH", 4),
            ("EXPUNGE", 1),
        ],
    ),
];

/// The process is killed, or the connection is lost, before the server does a step or after it: after the
/// next run each message is stored here once, is in the other folder once, and none is left in INBOX.
#[test]
fn an_interrupted_move_moves_nothing_twice() {
    for (name, setup, steps) in STEPS {
        for (verb, time) in steps {
            for end in [End::Kill, End::Close, End::Stall] {
                for done in [false, true] {
                    // Silence takes long, so it is tried only at the steps that change something.
                    let changes = matches!(*verb, "UID MOVE" | "UID COPY" | "UID EXPUNGE");
                    if end == End::Stall && !(done && changes) {
                        continue;
                    }
                    let what = format!("{name}: {end:?} at {verb} {time}, done: {done}");
                    let store = account();
                    let act = move |_: &Event<'_>| match done {
                        true => Act::Cut(0, end),
                        false => Act::end(end),
                    };
                    let (hook, count) = once(verb, *time, act);
                    let server = setup(Imapd::for_store(&store).mode(Mode::Plain)).hook(hook).start();
                    let world = world();
                    let outcome = move_to(&world, &server).run();
                    match end {
                        End::Kill => assert_eq!(outcome.signal, Some(9), "{what}: {outcome:?}"),
                        _ => assert_eq!(outcome.code, Some(75), "{what}: {outcome:?}"),
                    }
                    assert!(count.load(Ordering::SeqCst) >= *time, "{what}: it never came to that");
                    // In the meantime mail arrives there.
                    store.deliver(TARGET.0, b"Subject: another\r\n\r\n");
                    let outcome = move_to(&world, &server).go();
                    assert_eq!(outcome.code, Some(0), "{what}: {outcome:?}");
                    let other = store.folder(TARGET.0).messages;
                    let other = other.iter().find(|message| message.wire.starts_with(b"Subject: another"));
                    store.expunge(TARGET.0, other.unwrap().uid);
                    assert_moved(&world, &store, &what);
                    assert_eq!(server.violations(), [] as [String; 0], "{what}");
                }
            }
        }
    }
}

/// Without UIDNEXT, messages with the same Message-ID are compared.
#[test]
fn without_uidnext_a_copy_is_found_by_its_message_id() {
    for done in [false, true] {
        let store = account();
        let act = move |_: &Event<'_>| if done { Act::Cut(0, End::Kill) } else { Act::end(End::Kill) };
        let (cut, _) = once("UID COPY", 1, act);
        let hook = move |event: &Event<'_>| match event.verb {
            "STATUS" => event.answer("NO not here"),
            _ => cut(event),
        };
        // A message that was there before then looks the same as a copy.
        store.expunge(TARGET.0, 1);
        let server = Imapd::for_store(&store).mode(Mode::Plain).without("MOVE").hook(hook).start();
        let world = world();
        assert_eq!(move_to(&world, &server).run().signal, Some(9));
        move_to(&world, &server).go().assert_exit(0);
        store.deliver(TARGET.0, &message(3));
        assert_moved(&world, &store, "found");
        assert_eq!(server.violations(), [] as [String; 0]);
    }
}

/// A step is refused: nothing is lost, stored messages stay stored, and the next run does everything, once.
#[test]
fn a_refusal_at_any_step_leaves_the_messages_where_they_are() {
    let refusals = ["NO [OVERQUOTA] full", "NO [UNAVAILABLE] later", "NO no", "BAD what?"];
    let steps: [(&str, Change); 6] = [
        ("UID MOVE", |it| it),
        ("SELECT", |it| it),
        ("UID COPY", |it| it.without("MOVE")),
        ("UID STORE", |it| it.without("MOVE")),
        ("UID EXPUNGE", |it| it.without("MOVE")),
        ("EXPUNGE", |it| it.without("MOVE").without("UIDPLUS")),
    ];
    for (verb, setup) in steps {
        for refusal in refusals {
            let what = format!("{verb}: {refusal}");
            let store = account();
            let is_on = Arc::new(AtomicUsize::new(1));
            let on = Arc::clone(&is_on);
            let hook = move |event: &Event<'_>| match event.verb == verb && on.load(Ordering::SeqCst) > 0 {
                true => event.answer(refusal),
                false => Act::Normal,
            };
            let server = setup(Imapd::for_store(&store).mode(Mode::Plain)).hook(hook).start();
            let world = world();
            let outcome = move_to(&world, &server).go();
            let expected = match (verb, refusal) {
                // Then it copies.
                ("UID MOVE", "BAD what?") => 0,
                // Nothing else happened that matters.
                ("SELECT", "NO no" | "BAD what?") => 69,
                ("SELECT", _) => 75,
                _ => 1,
            };
            assert_eq!(outcome.code, Some(expected), "{what}: {outcome:?}");
            if expected == 1 {
                assert_eq!(store.uids("INBOX").len(), 5, "{what}");
            }
            is_on.store(0, Ordering::SeqCst);
            move_to(&world, &server).go().assert_exit(0);
            assert_moved(&world, &store, &what);
            assert_eq!(server.violations(), [] as [String; 0], "{what}");
        }
    }
}

/// The server ends the connection by itself, before it does a step.
#[test]
fn a_bye_at_any_step_leaves_the_rest_to_the_next_run() {
    for (name, setup, steps) in STEPS {
        for (verb, time) in steps {
            let what = format!("{name}: BYE at {verb} {time}");
            let store = account();
            let (hook, _) = once(verb, *time, |event| event.bye("[UNAVAILABLE] going down"));
            let server = setup(Imapd::for_store(&store).mode(Mode::Plain)).hook(hook).start();
            let world = world();
            assert_eq!(move_to(&world, &server).go().code, Some(75), "{what}");
            move_to(&world, &server).go().assert_exit(0);
            assert_moved(&world, &store, &what);
            assert_eq!(server.violations(), [] as [String; 0], "{what}");
        }
    }
}

#[test]
fn a_message_that_cannot_be_moved_does_not_stop_the_others() {
    for moves in [true, false] {
        let store = account();
        let holds = |line: &str| {
            let set = line.split(' ').nth(2).unwrap();
            let bounds = |range: &str| -> (u32, u32) {
                let (first, last) = range.split_once(':').unwrap_or((range, range));
                (first.parse().unwrap(), last.parse().unwrap())
            };
            set.split(',').map(bounds).any(|(first, last)| (first..=last).contains(&4))
        };
        let hook = move |event: &Event<'_>| match matches!(event.verb, "UID MOVE" | "UID COPY") {
            true if holds(event.line) => event.answer("NO that one is broken"),
            _ => Act::Normal,
        };
        let setup = Imapd::for_store(&store).mode(Mode::Plain);
        let server = if moves { setup } else { setup.without("MOVE") }.hook(hook).start();
        let world = world();
        let outcome = move_to(&world, &server).go();
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert_eq!(deleted(&outcome).len(), 4);
        assert_eq!(store.uids("INBOX"), [4]);
        assert_eq!(store.messages(TARGET.0).len(), 5);
        assert_eq!(server.violations(), [] as [String; 0]);
    }
}

#[test]
fn a_refused_move_that_was_partly_done_is_finished_by_the_next_run() {
    for moved in 0..=5 {
        let store = account();
        let server = Imapd::for_store(&store).mode(Mode::Plain).quirk(Quirk::MoveNo(moved)).start();
        let world = world();
        let outcome = move_to(&world, &server).go();
        assert_eq!(deleted(&outcome).len(), moved, "{outcome:?}");
        assert_eq!(outcome.code, Some(if moved == 5 { 0 } else { 1 }), "{outcome:?}");
        server.heal();
        move_to(&world, &server).go().assert_exit(0);
        assert_moved(&world, &store, "finished");
    }
}

/// `RFC 9738`: the reply is OK, but only some messages were searched.
#[test]
fn a_move_that_was_only_partly_done_is_completed() {
    for (verb, moves, code) in [("UID MOVE", true, 0), ("UID COPY", false, 1)] {
        let store = account();
        let other = store.clone();
        let (hook, _) = once(verb, 1, move |event| {
            match moves {
                true => other.move_to("INBOX", 1, TARGET.0),
                false => other.copy("INBOX", 1, TARGET.0),
            };
            event.answer("OK [MESSAGELIMIT 1 1] that is all for once")
        });
        let setup = Imapd::for_store(&store).mode(Mode::Plain);
        let server = if moves { setup } else { setup.without("MOVE") }.hook(hook).start();
        let world = world();
        let outcome = move_to(&world, &server).go();
        assert_eq!(outcome.code, Some(code), "{outcome:?}");
        move_to(&world, &server).go().assert_exit(0);
        assert_moved(&world, &store, verb);
        assert_eq!(server.violations(), [] as [String; 0]);
    }
}

#[test]
fn after_an_expunge_without_effect_nothing_is_copied_again() {
    let store = account();
    let server =
        Imapd::for_store(&store).mode(Mode::Plain).without("MOVE").quirk(Quirk::ExpungesNothing).start();
    let world = world();
    for _ in 0..3 {
        move_to(&world, &server).go().assert_exit(0);
        assert_eq!((store.uids("INBOX").len(), store.messages(TARGET.0).len()), (5, 6));
    }
    server.heal();
    move_to(&world, &server).go().assert_exit(0);
    assert_moved(&world, &store, "in the end");
}

/// Another client marks, expunges, moves and reads messages during a move.
#[test]
fn changes_of_another_client_during_a_move_stay() {
    for (name, setup) in ABILITIES {
        for verb in ["UID FETCH", "SELECT", "UID MOVE", "UID COPY", "UID STORE"] {
            let what = format!("{name}, at {verb}");
            let store = account();
            let other = store.clone();
            let (hook, count) = once(verb, 1, move |_| {
                other.mark("INBOX", 1, "\\Seen");
                other.expunge("INBOX", 2);
                other.move_to("INBOX", 3, TARGET.0);
                other.mark("INBOX", 6, "\\Deleted");
                Act::Normal
            });
            // A message that arrives later, and is not fetched.
            store.deliver("INBOX", &message(9));
            let setup = setup(Imapd::for_store(&store).mode(Mode::Plain));
            // If MOVE is BAD, the hook is a different one.
            let setup = if name.ends_with("BAD") { setup.without("MOVE") } else { setup };
            let server = setup.hook(hook).start();
            let world = world();
            let outcome = move_to(&world, &server).args(["--uid", "1", "2", "3", "4", "5"]).go();
            if count.load(Ordering::SeqCst) == 0 {
                continue;
            }
            let without = name == "COPY without UIDPLUS";
            assert_eq!(outcome.code, Some(if without { 69 } else { 0 }), "{what}: {outcome:?}");
            let sixth = store.message("INBOX", 6);
            assert!(sixth.has("\\Deleted") && !sixth.has("\\Seen"), "{what}");
            if without {
                store.unmark("INBOX", 6, "\\Deleted");
                move_to(&world, &server).args(["--uid", "1", "2", "3", "4", "5"]).go().assert_exit(0);
            }
            assert_eq!(store.uids("INBOX"), [6], "{what}");
            let count = |wire: Vec<u8>| store.messages(TARGET.0).iter().filter(|it| *it.wire == wire).count();
            // A message that the other client expunged may have been copied before. One that it moved is
            // there once because of that, and once more if postie had copied it.
            let copied_before = verb == "UID STORE";
            assert_eq!(count(message(1)), 1, "{what}");
            assert_eq!(count(message(4)), 1, "{what}");
            assert_eq!(count(message(2)), if copied_before { 2 } else { 1 }, "{what}");
            assert_eq!(count(message(3)), if copied_before { 3 } else { 2 }, "{what}");
            assert_eq!(server.violations(), [] as [String; 0], "{what}");
        }
    }
}
