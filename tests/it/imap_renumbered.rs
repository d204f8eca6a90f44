//! After a change of UIDVALIDITY, messages are recognised by their headers if these are unique, and by their
//! content if not, or if something is to be deleted.

use crate::support::disk::maildir_if_any;
use crate::support::imapd::Imapd;
use crate::support::imapd::quirks::{Fault, Quirk};
use crate::support::imapd::store::ImapStore;
use crate::support::mailbox::{message, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::support::process::Run;
use crate::support::world::World;
use crate::world;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn fetch(world: &World, server: &Imapd) -> Run {
    let run = world.at_url(&server.url(), "fetch").victim(server.victim());
    run.arg("--maildir").arg(world.path("Mail"))
}

fn sorted(mut messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    messages.sort();
    messages
}

/// What is stored.
fn here(world: &World) -> Vec<Vec<u8>> {
    sorted(maildir_if_any(&world.path("Mail")))
}

/// Six messages, then two that are the same, and one without anything that identifies it.
fn account() -> ImapStore {
    let store = ImapStore::with(6);
    store.deliver("INBOX", &message(7));
    store.deliver("INBOX", &message(7));
    store.deliver("INBOX", b"Subject: no more\r\n\r\n");
    store
}

/// The UIDs of the messages whose bodies were fetched since the last call.
fn fetched(server: &Imapd) -> Vec<String> {
    let commands = server.commands_with("UID FETCH");
    server.forget_commands();
    let bodies = commands.iter().filter(|line| line.contains("BODY.PEEK[]"));
    bodies.map(|line| line.split(' ').nth(2).unwrap().to_owned()).collect()
}

#[test]
fn after_renumbering_a_message_with_a_unique_header_is_not_fetched_again() {
    let odd: [fn(crate::support::imapd::Setup) -> crate::support::imapd::Setup; 4] = [
        |it| it,
        |it| it.quirk(Quirk::MessageLimit(2)),
        |it| it.quirk(Quirk::Descending),
        |it| it.quirk(Quirk::Chatter("* 5 FETCH (FLAGS (\\Seen) UID 5)\r\n")),
    ];
    for (number, setup) in odd.into_iter().enumerate() {
        let store = account();
        let server = setup(Imapd::for_store(&store).mode(Mode::Plain)).start();
        let world = world();
        fetch(&world, &server).go().assert_exit(0);
        let all = here(&world);
        assert_eq!(all.len(), 9);
        // The folder gets other UIDs more than once.
        for first in [100, 200] {
            store.renumber("INBOX", first);
            let rehearsal = fetch(&world, &server).arg("--dry-run").go();
            rehearsal.assert_exit(0);
            let compared = rehearsal.of_type("message");
            assert_eq!(compared.iter().filter(|row| row["action"] == "would_compare").count(), 3, "{number}");
            fetched(&server);
            let outcome = fetch(&world, &server).go();
            outcome.assert_exit(0);
            assert_eq!(outcome.summary()["delivered"], 0);
            assert_eq!(here(&world), all);
            let bodies = fetched(&server);
            assert!(number > 0 || bodies == [format!("{}:{}", first + 6, first + 8)], "{bodies:?}");
            let again = fetch(&world, &server).go();
            again.assert_exit(0);
            assert_eq!(again.of_type("message").len(), 0, "{again:?}");
            assert_eq!(fetched(&server), [] as [String; 0]);
        }
        store.renumber("INBOX", 300);
        store.deliver("INBOX", &message(20));
        // Now there are three of them.
        store.deliver("INBOX", &message(7));
        fetch(&world, &server).go().assert_exit(0);
        assert_eq!(here(&world).len(), 11, "{number}");
        fetched(&server);
        // To be deleted, each message is fetched and compared by its content.
        let outcome = fetch(&world, &server).arg("--delete").go();
        outcome.assert_exit(0);
        assert_eq!(outcome.summary()["deleted"], 11);
        assert_eq!(outcome.summary()["delivered"], 0, "{outcome:?}");
        assert_eq!(here(&world).len(), 11);
        assert!(store.uids("INBOX").is_empty());
        assert_eq!(server.violations(), [] as [String; 0]);
    }
}

/// A header proves nothing: a message that is not the stored one is stored before it is deleted.
#[test]
fn another_message_with_the_same_header_is_not_deleted_before_it_is_stored() {
    for kept in [true, false] {
        let store = ImapStore::with(4);
        let server = Imapd::for_store(&store).mode(Mode::Plain).start();
        let world = world();
        fetch(&world, &server).go().assert_exit(0);
        store.renumber("INBOX", 50);
        let other = [message(2), b"With more behind it.\r\n".to_vec()].concat();
        store.change_message("INBOX", 51, |it| it.wire = Arc::new(other.clone()));
        if kept {
            fetch(&world, &server).go().assert_exit(0);
            assert_eq!(here(&world).len(), 4, "it passes for the same");
        }
        let outcome = fetch(&world, &server).arg("--delete").go();
        outcome.assert_exit(0);
        assert_eq!(outcome.summary()["delivered"], 1, "{outcome:?}");
        assert!(here(&world).contains(&stored(&other)));
        assert_eq!(here(&world).len(), 5);
        assert!(store.uids("INBOX").is_empty());
    }
}

#[test]
fn a_deletion_that_was_pending_needs_the_content_too() {
    let store = ImapStore::with(4);
    let ends = Arc::new(AtomicBool::new(true));
    let hook = {
        let ends = Arc::clone(&ends);
        move |event: &crate::support::imapd::Event<'_>| match event.verb == "SELECT"
            && ends.load(Ordering::SeqCst)
        {
            true => Act::end(End::Close),
            false => Act::Normal,
        }
    };
    let server = Imapd::for_store(&store).mode(Mode::Plain).hook(hook).start();
    let world = world();
    assert_eq!(fetch(&world, &server).arg("--delete").go().code, Some(75));
    ends.store(false, Ordering::SeqCst);
    store.renumber("INBOX", 50);
    fetched(&server);
    fetch(&world, &server).go().assert_exit(0);
    assert_eq!(fetched(&server), [] as [String; 0]);
    let outcome = fetch(&world, &server).arg("--delete").go();
    outcome.assert_exit(0);
    assert_eq!((&outcome.summary()["deleted"], &outcome.summary()["delivered"]), (&4.into(), &0.into()));
    assert_eq!(fetched(&server), ["50:53"]);
    assert_eq!(here(&world).len(), 4);
}

/// Wherever a run ends while it recognises messages, the next one stores nothing twice.
#[test]
fn a_run_that_ends_during_recognition_doubles_nothing() {
    for (at, end) in [(1, End::Kill), (2, End::Kill), (1, End::Close), (2, End::Close)] {
        let store = account();
        let server = Imapd::for_store(&store).mode(Mode::Plain).start();
        let world = world();
        fetch(&world, &server).go().assert_exit(0);
        let all = here(&world);
        let port = server.port();
        drop(server);
        store.renumber("INBOX", 100);
        let seen = std::sync::atomic::AtomicUsize::new(0);
        let hook = move |event: &crate::support::imapd::Event<'_>| match event.verb == "UID FETCH"
            && seen.fetch_add(1, Ordering::SeqCst) + 1 == at
        {
            true => Act::Cut(60, end),
            false => Act::Normal,
        };
        let server = Imapd::for_store(&store).mode(Mode::Plain).hook(hook).start_at(port);
        fetch(&world, &server).run();
        store.deliver("INBOX", &message(20));
        fetch(&world, &server).go().assert_exit(0);
        assert_eq!(here(&world), sorted([all, vec![stored(&message(20))]].concat()), "{at} {end:?}");
        fetch(&world, &server).arg("--delete").go().assert_exit(0);
        assert_eq!(here(&world).len(), 10);
        assert!(store.uids("INBOX").is_empty());
    }
}

#[test]
fn a_message_without_a_header_is_compared_by_content() {
    const FIELDS: &str = "BODY[HEADER.FIELDS (MESSAGE-ID DATE FROM)]";
    for value in [Some("NIL"), None, Some("{2}\r\n\r\n")] {
        let store = ImapStore::with(5);
        let server = Imapd::for_store(&store).mode(Mode::Plain).start();
        let world = world();
        fetch(&world, &server).go().assert_exit(0);
        store.renumber("INBOX", 50);
        server.add_fault(52, Fault::Item(FIELDS, value));
        fetched(&server);
        let outcome = fetch(&world, &server).go();
        outcome.assert_exit(0);
        assert_eq!(here(&world).len(), 5, "{value:?}");
        assert_eq!(fetched(&server), ["52"], "{value:?}");
    }
}
