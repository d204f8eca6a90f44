//! Deleting by IMAP what an earlier run has fetched. It is compared with what was stored first, since some
//! servers give a UID to another message under the same UIDVALIDITY.

use crate::support::disk::maildir_if_any;
use crate::support::imapd::Imapd;
use crate::support::imapd::quirks::Fault;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::mailbox::{message, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::support::process::{Outcome, Run};
use crate::support::world::World;
use crate::world;
use std::path::PathBuf;
use std::sync::Arc;

const FIELDS: &str = "BODY[HEADER.FIELDS (MESSAGE-ID DATE FROM)]";

fn fetch(world: &World, server: &Imapd) -> Run {
    world.at_url(&server.url(), "fetch").arg("--maildir").arg(world.path("Mail"))
}

/// What is stored.
fn here(world: &World) -> Vec<Vec<u8>> {
    sorted(maildir_if_any(&world.path("Mail")))
}

fn sorted(mut messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    messages.sort();
    messages
}

fn messages(numbers: impl IntoIterator<Item = usize>) -> Vec<Vec<u8>> {
    sorted(numbers.into_iter().map(|number| stored(&message(number))).collect())
}

/// The server gives a UID to another message.
fn reuse(store: &ImapStore, uid: u32, number: usize) {
    store.change_message("INBOX", uid, |it| it.wire = Arc::new(message(number)));
}

/// The UIDs in the errors of a run, and of the messages that it deleted.
fn told(outcome: &Outcome) -> (Vec<String>, Vec<String>) {
    let uid = |row: &serde_json::Value| row["uid"].as_str().unwrap_or_default().to_owned();
    let deleted = outcome.of_type("message").into_iter().filter(|row| row["action"] == "deleted");
    (outcome.of_type("error").iter().map(uid).collect(), deleted.map(|row| uid(&row)).collect())
}

/// The one ledger there is.
fn ledger(world: &World) -> PathBuf {
    let is_ledger = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "ledger");
    world.tree().into_iter().find(is_ledger).unwrap()
}

#[test]
fn another_message_under_a_known_uid_is_fetched_and_not_deleted() {
    for way in [&["--delete"][..], &["--move-to", "Archive"], &["--delete-after", "0s"]] {
        let store = ImapStore::with(4);
        store.create(Folder::new("Archive"));
        let server = Imapd::for_store(&store).mode(Mode::Plain).start();
        let world = world();
        fetch(&world, &server).go().assert_exit(0);
        reuse(&store, 2, 12);
        reuse(&store, 4, 14);
        let outcome = fetch(&world, &server).args(way).go();
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert_eq!(told(&outcome), (vec!["2".into(), "4".into()], vec!["1".into(), "3".into()]));
        assert_eq!(store.uids("INBOX"), [2, 4]);
        assert_eq!(here(&world), messages(1..=4));
        // They are new messages.
        let outcome = fetch(&world, &server).args(["--limit", "1"]).go();
        outcome.assert_exit(0);
        assert_eq!(here(&world), messages([1, 2, 3, 4, 12]));
        let outcome = fetch(&world, &server).args(way).go();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert_eq!(here(&world), messages([1, 2, 3, 4, 12, 14]));
        assert!(store.uids("INBOX").is_empty());
        let moved = if way[0] == "--move-to" { messages([1, 3, 12, 14]) } else { Vec::new() };
        assert_eq!(sorted(store.as_stored("Archive")), moved);
        assert_eq!(server.violations(), [] as [String; 0]);
    }
}

#[test]
fn a_deletion_that_is_pending_is_not_made_on_another_message() {
    for (verb, act) in [("SELECT", Act::end(End::Close)), ("UID STORE", Act::end(End::Kill))] {
        let store = ImapStore::with(3);
        let hook = move |event: &crate::support::imapd::Event<'_>| match event.verb == verb
            && event.connection == 0
        {
            true => act.clone(),
            false => Act::Normal,
        };
        let server = Imapd::for_store(&store).mode(Mode::Plain).hook(hook).start();
        let world = world();
        let outcome = fetch(&world, &server).arg("--delete").victim(server.victim()).run();
        assert_ne!(outcome.code, Some(0), "{outcome:?}");
        assert_eq!(here(&world), messages(1..=3));
        for number in 1..=3u32 {
            reuse(&store, number, number as usize + 10);
        }
        let outcome = fetch(&world, &server).arg("--delete").go();
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert_eq!(store.uids("INBOX"), [1, 2, 3]);
        fetch(&world, &server).arg("--delete").go().assert_exit(0);
        assert_eq!(here(&world), messages((1..=3).chain(11..=13)));
        assert!(store.uids("INBOX").is_empty());
        // The same UIDs mean a third set of messages, and then a fourth.
        for round in [20, 30] {
            store.change("INBOX", |folder| folder.uidnext = 1);
            for number in 1..=3 {
                store.deliver("INBOX", &message(number + round));
            }
            fetch(&world, &server).go();
            fetch(&world, &server).arg("--delete").go();
            fetch(&world, &server).arg("--delete").go().assert_exit(0);
            assert!(messages((1..=3).map(|it| it + round)).iter().all(|it| here(&world).contains(it)));
            assert!(store.uids("INBOX").is_empty());
        }
        assert_eq!(server.violations(), [] as [String; 0]);
    }
}

/// Three messages that a run has fetched and kept.
fn three_fetched() -> (ImapStore, Imapd, World) {
    let store = ImapStore::with(3);
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let world = world();
    fetch(&world, &server).go().assert_exit(0);
    (store, server, world)
}

/// A killed run has stored messages without recording them; one of their UIDs means another message now.
#[test]
fn a_message_found_in_the_maildir_is_compared_before_it_is_deleted() {
    let (store, server, world) = three_fetched();
    let path = ledger(&world);
    let text = std::fs::read_to_string(&path).unwrap();
    let recorded = text.lines().position(|line| line[9..].starts_with("d ")).unwrap();
    let before: String = text.lines().take(recorded).flat_map(|line| [line, "\n"]).collect();
    std::fs::write(&path, before).unwrap();
    reuse(&store, 2, 12);
    let outcome = fetch(&world, &server).arg("--delete").go();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(store.uids("INBOX"), [2]);
    fetch(&world, &server).arg("--delete").go().assert_exit(0);
    assert_eq!(here(&world), messages([1, 2, 3, 12]));
    assert!(store.uids("INBOX").is_empty());
}

/// A server whose headers are not those of its messages: their contents decide.
#[test]
fn a_header_in_another_form_costs_one_comparison() {
    let other = "{25}\r\nDate: Mon, 1 Jan 1990\r\n\r\n";
    let store = ImapStore::with(4);
    let server =
        Imapd::for_store(&store).mode(Mode::Plain).fault(3, Fault::Item(FIELDS, Some(other))).start();
    let world = world();
    fetch(&world, &server).go().assert_exit(0);
    let outcome = fetch(&world, &server).arg("--delete").go();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(told(&outcome), (vec!["3".into()], vec!["1".into(), "2".into(), "4".into()]));
    let outcome = fetch(&world, &server).arg("--delete").go();
    outcome.assert_exit(0);
    assert_eq!(outcome.summary()["delivered"], 0);
    assert_eq!(told(&outcome), (Vec::new(), vec!["3".into()]));
    assert_eq!(here(&world), messages(1..=4));
    assert!(store.uids("INBOX").is_empty());
}

#[test]
fn a_message_without_a_header_is_not_deleted_and_does_not_stop_the_others() {
    for fault in [
        Fault::Item(FIELDS, Some("NIL")),
        Fault::Item(FIELDS, None),
        Fault::Refused("NO [UNAVAILABLE] Server error"),
    ] {
        let store = ImapStore::with(9);
        let server = Imapd::for_store(&store).mode(Mode::Plain).start();
        let world = world();
        fetch(&world, &server).go().assert_exit(0);
        let is_refused = matches!(fault, Fault::Refused(_));
        let hook = move |event: &crate::support::imapd::Event<'_>| {
            let holds = |set: &str| {
                let bounds = |range: &str| -> (u32, u32) {
                    let (first, last) = range.split_once(':').unwrap_or((range, range));
                    (first.parse().unwrap(), last.parse().unwrap())
                };
                set.split(',').map(bounds).any(|(first, last)| (first..=last).contains(&7))
            };
            match event.line.strip_prefix("UID FETCH ") {
                Some(rest)
                    if is_refused
                        && rest.contains("HEADER.FIELDS")
                        && holds(rest.split(' ').next().unwrap()) =>
                {
                    event.answer("NO [UNAVAILABLE] Server error")
                }
                _ => Act::Normal,
            }
        };
        let port = server.port();
        drop(server);
        let setup = Imapd::for_store(&store).mode(Mode::Plain);
        let setup = if is_refused { setup.hook(hook) } else { setup.fault(7, fault.clone()) };
        let server = setup.start_at(port);
        let outcome = fetch(&world, &server).arg("--delete").go();
        assert_eq!(outcome.code, Some(1), "{fault:?}: {outcome:?}");
        assert_eq!(store.uids("INBOX"), [7], "{fault:?}");
        drop(server);
        let server = Imapd::for_store(&store).mode(Mode::Plain).start_at(port);
        let outcome = fetch(&world, &server).arg("--delete").go();
        outcome.assert_exit(0);
        assert_eq!(outcome.summary()["delivered"], 0, "{fault:?}");
        assert_eq!(here(&world), messages(1..=9), "{fault:?}");
        assert!(store.uids("INBOX").is_empty(), "{fault:?}");
    }
}

#[test]
fn a_message_that_another_client_removes_is_no_failure() {
    let store = ImapStore::with(4);
    let other = store.clone();
    let hook = move |event: &crate::support::imapd::Event<'_>| {
        if event.line.contains("HEADER.FIELDS") {
            other.expunge("INBOX", 2);
        }
        Act::Normal
    };
    let server = Imapd::for_store(&store).mode(Mode::Plain).hook(hook).start();
    let world = world();
    fetch(&world, &server).go().assert_exit(0);
    let outcome = fetch(&world, &server).arg("--delete").go();
    outcome.assert_exit(0);
    assert_eq!(told(&outcome).1, ["1", "3", "4"]);
    assert!(store.uids("INBOX").is_empty());
    assert_eq!(server.violations(), [] as [String; 0]);
}

/// A ledger of an older version has no header hashes to compare; one of a newer version keeps them when it is
/// compacted.
#[test]
fn a_message_recorded_without_a_header_hash_can_be_deleted() {
    let (store, server, world) = three_fetched();
    let path = ledger(&world);
    let text = std::fs::read_to_string(&path).unwrap();
    let older = text.lines().map(|line| {
        let Some(body) = line.get(8..).filter(|body| body[1..].starts_with("d ")) else {
            return line.to_owned();
        };
        let (body, print) = body.rsplit_once(' ').unwrap();
        assert!(print.parse::<u64>().is_ok(), "{line}");
        format!("{:08x}{body}", crc32fast::hash(body.as_bytes()))
    });
    let older: String = older.flat_map(|line| [line, "\n".into()]).collect();
    assert_ne!(older, text);
    std::fs::write(&path, older).unwrap();
    server.forget_commands();
    fetch(&world, &server).arg("--delete").go().assert_exit(0);
    assert!(store.uids("INBOX").is_empty());
    assert!(!server.commands().iter().any(|line| line.contains("HEADER.FIELDS")));
}

/// Without UIDPLUS nothing is expunged while another client's mark is on a message that is not stored. If that is one at
/// which the connection was lost twice, it is fetched in the same run, and then the deletions are made.
#[test]
fn a_message_that_waits_for_the_end_of_the_run_is_fetched_though_its_mark_keeps_the_server_from_expunging() {
    for way in [&["--delete"][..], &["--delete-after", "0s"]] {
        for newer in [false, true] {
            let store = ImapStore::with(4);
            let inside = Fault::CutInside(20, End::Close);
            let server =
                Imapd::for_store(&store).mode(Mode::Plain).without("UIDPLUS").fault(3, inside).start();
            let world = world();
            fetch(&world, &server).go().assert_exit(1);
            assert_eq!(here(&world), messages([1, 2, 4]));
            store.mark("INBOX", 3, "\\Deleted");
            server.heal();
            if newer {
                store.deliver("INBOX", &message(5));
            }
            let outcome = fetch(&world, &server).args(way).go();
            assert_eq!(outcome.code, Some(0), "{newer}: {outcome:?}");
            assert_eq!(here(&world), messages(1..=if newer { 5 } else { 4 }));
            assert!(store.uids("INBOX").is_empty(), "{:?}", store.uids("INBOX"));
            assert_eq!(server.violations(), [] as [String; 0]);
        }
    }
}

/// The same where the mark stands on a message that is not to be fetched: it stays, and is told of.
#[test]
fn a_mark_that_stays_in_the_way_is_told_after_all_is_fetched() {
    let store = ImapStore::with(4);
    let inside = Fault::CutInside(20, End::Close);
    let server = Imapd::for_store(&store).mode(Mode::Plain).without("UIDPLUS").fault(3, inside).start();
    let world = world();
    fetch(&world, &server).go().assert_exit(1);
    store.deliver("INBOX", &message(5));
    store.mark("INBOX", 5, "\\Deleted");
    server.heal();
    world.at_url(&server.url(), "fetch").args(["--mark-seen", "--uid", "5"]).go().assert_exit(0);
    let outcome = fetch(&world, &server).arg("--delete").go();
    assert_eq!(outcome.code, Some(69), "{outcome:?}");
    assert_eq!((here(&world), store.uids("INBOX")), (messages(1..=4), vec![1, 2, 3, 4, 5]));
}
