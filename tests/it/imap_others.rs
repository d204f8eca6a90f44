//! Other clients that use the mailbox while postie fetches and deletes.

use crate::support::imapd::quirks::Quirk;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Event, Imapd, Setup};
use crate::support::mailbox::{message, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::world;
use std::sync::atomic::{AtomicBool, Ordering};

/// Without UIDPLUS, a message that the search does not show as marked is looked up: it may be gone, or the
/// search may be broken.
#[test]
fn a_message_that_another_client_removes_during_its_deletion_is_no_failure() {
    for (uidplus, command) in
        [(false, "UID STORE"), (false, "UID SEARCH"), (false, "EXPUNGE"), (true, "UID STORE")]
    {
        let store = ImapStore::with(5);
        let at_work = store.clone();
        let (selected, done) = (AtomicBool::new(false), AtomicBool::new(false));
        let setup = Imapd::for_store(&store).mode(Mode::Plain).hook(move |event| {
            selected.fetch_or(event.verb == "SELECT", Ordering::SeqCst);
            let here = event.verb == command && selected.load(Ordering::SeqCst);
            if here && !done.swap(true, Ordering::SeqCst) {
                at_work.expunge("INBOX", 2);
                at_work.move_to("INBOX", 5, "Archive");
                at_work.mark("INBOX", 3, "\\Seen");
            }
            Act::Normal
        });
        store.create(Folder::new("Archive"));
        let server = if uidplus { setup } else { setup.without("UIDPLUS") }.start();
        let world = world();
        let fetch = || world.at_url(&server.url(), "fetch").arg("--maildir").arg(world.path("Mail"));
        fetch().arg("--delete").go().assert_exit(0);
        assert!(store.uids("INBOX").is_empty(), "{command}: {:?}", store.uids("INBOX"));
        assert_eq!(world.mail().len(), 5, "{command}");
        assert_eq!(store.uids("Archive").len(), 1, "{command}");
        let again = fetch().arg("--delete").go();
        assert_eq!(again.assert_exit(0).summary()["delivered"], 0, "{command}");
        assert_eq!(server.violations(), [] as [String; 0], "{command}");
    }
}

/// A run ended after copying and marking, before removing. That is no reason to copy again, nor to remove
/// nothing: whatever arrives, whatever another client marks, and whatever UIDVALIDITY the folder gets.
#[test]
fn a_move_that_ended_between_copy_and_deletion_is_finished_by_the_next_run() {
    for (uidplus, at, renumbered) in [
        (true, "UID STORE", false),
        (true, "UID STORE", true),
        (true, "UID EXPUNGE", true),
        (false, "UID STORE", false),
        (false, "EXPUNGE", false),
        (false, "EXPUNGE", true),
    ] {
        let store = ImapStore::with(4);
        store.deliver("INBOX", &message(2));
        store.create(Folder::new("Moved"));
        let armed = AtomicBool::new(true);
        let setup = Imapd::for_store(&store).mode(Mode::Plain).without("MOVE").hook(move |event| {
            match event.verb == at && armed.swap(false, Ordering::SeqCst) {
                true => Act::end(End::Kill),
                false => Act::Normal,
            }
        });
        let server = if uidplus { setup } else { setup.without("UIDPLUS") }.start();
        let world = world();
        let fetch = || {
            let run = world.at_url(&server.url(), "fetch").victim(server.victim());
            run.arg("--maildir").arg(world.path("Mail")).args(["--move-to", "Moved"])
        };
        let case = format!("UIDPLUS {uidplus}, killed at {at}, renumbered {renumbered}");
        assert_eq!(fetch().go().signal, Some(9), "{case}");
        store.deliver("INBOX", &message(9));
        store.mark("INBOX", 3, "\\Seen");
        if renumbered {
            store.expunge("INBOX", 1);
            store.renumber("INBOX", 1);
        }
        fetch().go().assert_exit(0);
        assert!(store.uids("INBOX").is_empty(), "{case}: {:?}", store.uids("INBOX"));
        let mut moved: Vec<u64> = store.messages("Moved").iter().map(|message| message.origin).collect();
        moved.sort_unstable();
        let count = moved.len();
        moved.dedup();
        assert_eq!((moved.len(), count), (6, 6), "{case}");
        assert_eq!(world.mail().len(), 6, "{case}");
        assert_eq!(server.violations(), [] as [String; 0], "{case}");
    }
}

/// A server by name, how it becomes so, and whether it is selected.
type Way = (&'static str, fn(Setup) -> Setup, bool);

/// Courier does not keep a UID that it gives in a mailbox opened by EXAMINE.
#[test]
fn without_uidnext_the_mailbox_is_selected_before_uids_are_trusted() {
    let refuses: fn(&Event<'_>) -> Act = |event| match event.verb {
        "SELECT" => event.answer("NO [NOPERM] for reading alone"),
        _ => Act::Normal,
    };
    let ways: [Way; 4] = [
        ("UIDNEXT", |it| it, false),
        ("no UIDNEXT", |it| it.quirk(Quirk::Uidnext(None)), true),
        ("read-only", |it| it.quirk(Quirk::Uidnext(None)).quirk(Quirk::ReadOnly), true),
        ("no SELECT", |it| it.quirk(Quirk::Uidnext(None)), true),
    ];
    for (name, setup, selects) in ways {
        let store = ImapStore::with(3);
        store.mark("INBOX", 2, "\\Deleted");
        let before = store.flags("INBOX");
        let setup = setup(Imapd::for_store(&store).mode(Mode::Plain));
        let setup = if name == "no SELECT" { setup.hook(refuses) } else { setup };
        let server = setup.start();
        let world = world();
        world.at_url(&server.url(), "fetch").arg("--maildir").arg(world.path("Mail")).go().assert_exit(0);
        assert_eq!(world.mail().len(), 3, "{name}");
        assert_eq!(store.flags("INBOX"), before, "{name}");
        let commands = server.commands();
        let at = |start: &str| commands.iter().position(|command| command.starts_with(start));
        assert_eq!(at("SELECT").is_some(), selects, "{name}: {commands:?}");
        assert!(at("SELECT") < at("UID FETCH"), "{name}: {commands:?}");
        let wrong = server.violations();
        // The search that is sent together with a refused SELECT has nothing to search.
        let refused = name == "no SELECT";
        assert!(wrong.iter().all(|wrong| refused && wrong.starts_with("State")), "{name}: {wrong:?}");
    }
}

/// A session that is logged in without a login may belong to anybody, and under PREAUTH there is no STARTTLS
/// (`RFC 3501 §6.2.1`).
#[test]
fn a_preauthenticated_session_is_refused_before_the_password_is_sent() {
    for mode in [Mode::Implicit, Mode::Upgrade, Mode::Plain] {
        let store = ImapStore::with(1);
        let server = Imapd::for_store(&store).mode(mode).greeting("* PREAUTH ready\r\n").start();
        let world = world();
        let run = world.at_url(&server.url(), "fetch").arg("--maildir").arg(world.path("Mail"));
        let outcome = run.go();
        assert_eq!(outcome.code, Some(76), "{mode:?}: {outcome:?}");
        assert!(world.mail().is_empty());
        let commands = server.commands();
        assert!(commands.iter().all(|command| command == "LOGOUT"), "{mode:?}: {commands:?}");
    }
}

/// The folder gets other UIDs during a run: nothing is deleted under UIDs that mean something else, and after
/// the next run every message is there once.
#[test]
fn a_uidvalidity_that_changes_in_the_middle_of_a_run_loses_and_doubles_nothing() {
    for uidplus in [true, false] {
        // In a folder opened by SELECT, no server does that: it ends the session.
        for at in ["UID SEARCH", "UID FETCH", "SELECT"] {
            let store = ImapStore::with(4);
            store.deliver("INBOX", &message(2));
            store.mark("INBOX", 4, "\\Deleted");
            let (at_work, armed) = (store.clone(), AtomicBool::new(true));
            let setup = Imapd::for_store(&store).mode(Mode::Plain).hook(move |event| {
                if event.verb == at && armed.swap(false, Ordering::SeqCst) {
                    // Every UID means another message now.
                    at_work.expunge("INBOX", 1);
                    at_work.renumber("INBOX", 1);
                }
                Act::Normal
            });
            let server = if uidplus { setup } else { setup.without("UIDPLUS") }.start();
            let world = world();
            let fetch = || world.at_url(&server.url(), "fetch").arg("--maildir").arg(world.path("Mail"));
            let case = format!("UIDPLUS {uidplus}, at {at}");
            let outcome = fetch().arg("--delete").go();
            let here = world.mail();
            for one in ImapStore::with(4).as_stored("INBOX").iter().skip(1) {
                let left = store.as_stored("INBOX").contains(one);
                assert!(left || here.contains(one), "{case}: lost: {outcome:?}");
            }
            fetch().arg("--delete").go().assert_exit(0);
            assert!(store.uids("INBOX").is_empty(), "{case}: {:?}", store.uids("INBOX"));
            let twins = world.mail().iter().filter(|one| **one == stored(&message(2))).count();
            assert_eq!(twins, 2, "{case}");
            assert!(matches!(world.mail().len(), 4 | 5), "{case}: {}", world.mail().len());
            assert_eq!(server.violations(), [] as [String; 0], "{case}");
        }
    }
}
