//! Several folders over one connection: the next one is opened while messages of the one before are coming
//! (`RFC 3501 §5.5`), and whatever goes wrong then, each message ends where it belongs.

use crate::support::disk::maildir;
use crate::support::imapd::quirks::{Fault, Quirk};
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Event, Imapd, Setup};
use crate::support::mailbox::message;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::support::process::Outcome;
use crate::support::world::{Checked, World};
use crate::world;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const FOLDERS: [&str; 4] = ["INBOX", "A", "B", "C"];

/// Four folders, with the same UIDs and other messages in each.
fn store() -> ImapStore {
    let store = ImapStore::with(3);
    for (at, name) in (1..).zip(&FOLDERS[1..]) {
        store.create(Folder::new(name));
        for number in 0..3 {
            store.deliver(name, &message(100 * at + number));
        }
    }
    store
}

fn server(store: &ImapStore) -> Setup {
    Imapd::for_store(store).mode(Mode::Plain)
}

/// A hook with a count of the folders that were opened ahead of their time.
fn counting(
    act: impl Fn(&Event<'_>) -> Act + Send + Sync + 'static,
) -> (Arc<AtomicUsize>, impl Fn(&Event<'_>) -> Act) {
    let count = Arc::new(AtomicUsize::new(0));
    let own = count.clone();
    let more = AtomicBool::new(false);
    let hook = move |event: &Event<'_>| {
        if event.verb == "EXAMINE" && more.swap(false, Ordering::SeqCst) {
            own.fetch_add(1, Ordering::SeqCst);
        }
        // What comes together with it was sent before any of its messages.
        more.store(event.verb == "UID FETCH" && event.more, Ordering::SeqCst);
        act(event)
    };
    (count, hook)
}

fn fetch(world: &World, server: &Imapd, more: &[&str]) -> Checked {
    world.at_url(&server.url(), "fetch").args([&["--all-folders", "--maildir", "Mail"], more].concat()).go()
}

/// What is stored of each folder is what it has, less those `missing`.
fn assert_stored(world: &World, store: &ImapStore, missing: &[(&str, u32)]) {
    for name in FOLDERS {
        let dir = if name == "INBOX" { "Mail".to_owned() } else { format!("Mail/.{name}") };
        let all = store.uids(name).into_iter().zip(store.as_stored(name));
        let there = all.filter(|(uid, _)| !missing.contains(&(name, *uid)));
        let mut there: Vec<Vec<u8>> = there.map(|(_, message)| message).collect();
        there.sort();
        assert_eq!(maildir(&world.path(&dir)), there, "{name}");
    }
}

fn errors(outcome: &Outcome) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    outcome.of_type("error").iter().map(|one| (text(&one["folder"]), text(&one["uid"]))).collect()
}

#[test]
fn the_next_folder_is_opened_while_messages_of_this_one_are_coming() {
    for (more, wanted) in
        [(&[][..], 3), (&["--delete"], 0), (&["--delete-after", "1d"], 0), (&["--dry-run"], 0)]
    {
        let store = store();
        let (count, hook) = counting(|_| Act::Normal);
        let server = server(&store).hook(hook).start();
        let world = world();
        fetch(&world, &server, more).assert_exit(0);
        assert_eq!(count.load(Ordering::SeqCst), wanted, "{more:?}");
        assert_eq!(server.violations(), [] as [String; 0], "{more:?}");
        if wanted > 0 {
            assert_stored(&world, &store, &[]);
        }
    }
}

/// What is asked for once more is asked of the folder that it is in, though another one is open by then.
#[test]
fn a_message_that_fails_is_asked_for_again_in_its_own_folder() {
    for fault in [Fault::Nil, Fault::NoBody, Fault::Silent, Fault::Refused("NO cannot read it")] {
        for (name, uid) in [("INBOX", 1), ("A", 3), ("C", 2)] {
            let store = store();
            let (count, hook) = counting(|_| Act::Normal);
            let server = server(&store).hook(hook).fault_in(name, uid, fault.clone()).start();
            let world = world();
            let outcome = fetch(&world, &server, &[]);
            outcome.assert_exit(1);
            assert_eq!(errors(&outcome), [(name.to_owned(), uid.to_string())], "{fault:?}");
            assert_eq!(count.load(Ordering::SeqCst), 3, "{fault:?} {name}");
            assert_eq!(server.violations(), [] as [String; 0], "{fault:?} {name}");
            assert_stored(&world, &store, &[(name, uid)]);
            server.heal();
            fetch(&world, &server, &[]).assert_exit(0);
            assert_stored(&world, &store, &[]);
        }
    }
}

#[test]
fn a_server_that_gives_few_messages_for_a_command_is_asked_in_the_right_folder() {
    let store = store();
    let server = server(&store).quirk(Quirk::MessageLimit(1)).start();
    let world = world();
    fetch(&world, &server, &[]).assert_exit(0);
    assert_eq!(server.violations(), [] as [String; 0]);
    assert_stored(&world, &store, &[]);
}

#[test]
fn a_folder_that_is_refused_ahead_of_its_time_holds_up_no_other() {
    let store = store();
    let (count, hook) = counting(|event| match (event.verb, event.line.contains(" B")) {
        ("EXAMINE", true) => event.answer("NO [NOPERM] not for you"),
        _ => Act::Normal,
    });
    let server = server(&store).hook(hook).start();
    let world = world();
    let outcome = fetch(&world, &server, &[]);
    outcome.assert_exit(1);
    assert_eq!(errors(&outcome), [("B".to_owned(), String::new())]);
    assert_eq!(count.load(Ordering::SeqCst), 2, "C has no messages ahead of it");
    assert_stored(&world, &store, &[("B", 1), ("B", 2), ("B", 3)]);
}

/// One that ends the connection, or answers the commands in another order, is asked one thing at a time from then on;
/// no message is blamed for it.
#[test]
fn a_server_that_fails_at_two_folders_in_a_flight_is_asked_one_thing_at_a_time() {
    // Whether the messages ahead of a folder are still on their way.
    let ends = |how: fn(&Event<'_>) -> Act| {
        let ahead = AtomicBool::new(false);
        move |event: &Event<'_>| match event.verb {
            "UID FETCH" => {
                ahead.store(event.more, Ordering::SeqCst);
                Act::Normal
            }
            "EXAMINE" if ahead.swap(false, Ordering::SeqCst) => how(event),
            _ => Act::Normal,
        }
    };
    // As if it had opened the next folder before the messages were sent.
    let early = |event: &Event<'_>| match (event.verb, event.connection) {
        ("UID FETCH", 0) => {
            let number: u32 =
                event.tag.trim_start_matches(|it: char| it.is_ascii_alphabetic()).parse().unwrap();
            let letters = event.tag.trim_end_matches(|it: char| it.is_ascii_digit());
            Act::Reply(format!("* 3 EXISTS\r\n{letters}{} OK early\r\n", number + 1).into_bytes())
        }
        _ => Act::Normal,
    };
    // It has opened the next folder before the messages were sent, and sends those of that one.
    let astray = |remark: &'static str| {
        move |event: &Event<'_>| {
            if event.verb != "UID FETCH" || event.connection > 0 || !event.more {
                return Act::Normal;
            }
            let mut text = format!("* 3 EXISTS\r\n* OK [{remark}] opened\r\n");
            for uid in 1..=3 {
                text += &format!(
                    "* {uid} FETCH (UID {uid} FLAGS () RFC822.SIZE 7 BODY[] {{7}}\r\nother\r\n)\r\n"
                );
            }
            Act::Reply(format!("{text}{} OK done\r\n", event.tag).into_bytes())
        }
    };
    for (name, act) in [
        ("UIDVALIDITY", Box::new(astray("UIDVALIDITY 77")) as Box<dyn Fn(&Event<'_>) -> Act + Send + Sync>),
        ("CLOSED", Box::new(astray("CLOSED"))),
        ("closes", Box::new(ends(|_| Act::Then(Vec::new(), End::Close)))),
        ("BYE", Box::new(ends(|event| event.bye("one thing at a time")))),
        ("early", Box::new(early)),
    ] {
        let store = store();
        let (count, hook) = counting(act);
        let server = server(&store).hook(hook).start();
        let world = world();
        fetch(&world, &server, &[]).assert_exit(0);
        assert!(count.load(Ordering::SeqCst) <= 1, "{name}: {count:?}");
        assert_stored(&world, &store, &[]);
    }
}
