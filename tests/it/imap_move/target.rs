//! The folder that messages are moved to: an existing one, the trash on a server that archives, or the one in
//! the configuration.

use super::{TARGET, account, assert_moved, deleted, fetch, move_to, once};
use crate::support::disk::maildir_if_any;
use crate::support::imapd::Imapd;
use crate::support::imapd::quirks::Quirk;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::mailbox::{Mailbox, message};
use crate::support::pop3d::{Act, Mode, Pop3d};
use crate::world;

#[test]
fn a_folder_that_cannot_be_the_target_is_refused_before_anything_is_fetched() {
    let store = account();
    store.create(Folder::new("Parent").attribute("\\Noselect"));
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let world = world();
    for (folder, code) in [
        ("Nowhere", 69),
        ("Parent", 69),
        ("INBOX", 64),
        ("inbox", 64),
        ("Archiv/*", 69),
        ("", 64),
        ("a\nb", 64),
    ] {
        for more in [&[][..], &["--dry-run"]] {
            let outcome = fetch(&world, &server).args(["--move-to", folder]).args(more).go();
            assert_eq!(outcome.code, Some(code), "{folder}: {outcome:?}");
        }
    }
    let outcome = fetch(&world, &server).args(["--folder", TARGET.1, "--move-to", TARGET.1]).go();
    assert_eq!(outcome.code, Some(64), "{outcome:?}");
    for with in ["--delete", "--keep", "--peek", "--mark-seen"] {
        assert_eq!(move_to(&world, &server).arg(with).go().code, Some(64), "{with}");
    }
    assert!(maildir_if_any(&world.path("Mail")).is_empty());
    let (mailbox, pop3_world) = (Mailbox::with(1), crate::world());
    let pop3 = Pop3d::for_mailbox(&mailbox).start();
    let outcome = pop3_world.fetch(&pop3).args(["--move-to", "Archive"]).go();
    assert_eq!(outcome.code, Some(64), "{outcome:?}");
    assert!(outcome.err().contains("POP3"), "{outcome:?}");
    assert_eq!(server.violations(), [] as [String; 0]);
}

#[test]
fn a_target_folder_that_disappears_is_named_and_nothing_is_lost() {
    for moves in [true, false] {
        let store = account();
        let other = store.clone();
        let verb = if moves { "UID MOVE" } else { "UID COPY" };
        let (hook, _) = once(verb, 1, move |_| {
            other.lock().folders.retain(|folder| !folder.is_called(TARGET.0.as_bytes()));
            Act::Normal
        });
        let setup = Imapd::for_store(&store).mode(Mode::Plain);
        let server = if moves { setup } else { setup.without("MOVE") }.hook(hook).start();
        let world = world();
        let outcome = move_to(&world, &server).go();
        assert_eq!(outcome.code, Some(69), "{outcome:?}");
        let error = outcome.of_type("error").remove(0);
        assert!(error["hint"].as_str().unwrap().contains("list --folders"), "{error}");
        assert_eq!(store.uids("INBOX").len(), 5);
        store.create(Folder::new(TARGET.0));
        store.deliver(TARGET.0, &message(3));
        move_to(&world, &server).go().assert_exit(0);
        assert_moved(&world, &store, verb);
    }
}

#[test]
fn the_configuration_can_say_that_messages_are_moved() {
    let store = account();
    let server = Imapd::for_store(&store).start();
    let world = world();
    world.config(&format!(
        "[accounts.a]\nemail = 'ana@example.org'\npassword-file = '{}'\nca-file = '{}'\npop3.host = 'localhost'\n\
         imap = {{ host = 'localhost', port = {}, username = 'ana' }}\n\
         fetch = {{ maildir = '{}', protocol = 'imap' }}\n",
        world.text("secret"),
        world.text("ca.pem"),
        server.port(),
        world.text("Mail"),
    ));
    let run = |args: &[&str]| world.postie(["--json", "--timeout", "20s"]).args(args).go();
    let after = format!("move-to {}", TARGET.1);
    run(&["config", "set", "a", "fetch.after", "move-to"]).assert_exit(64);
    run(&["config", "set", "a", "fetch.after", &after]).assert_exit(0);
    let shown = run(&["config", "show", "a"]);
    assert_eq!(shown.of_type("account")[0]["fetch"]["after"], after);
    assert_eq!(run(&["fetch", "--pop3"]).code, Some(64));
    run(&["fetch", "--keep", "--limit", "1"]).assert_exit(0);
    assert_eq!(store.uids("INBOX").len(), 5);
    let outcome = world.postie(["-v", "--timeout", "20s", "fetch"]).go();
    outcome.assert_exit(0);
    assert!(outcome.err().contains(&format!("moved to {}", TARGET.1)), "{outcome:?}");
    assert_moved(&world, &store, "by the account's setting");
    assert_eq!(server.violations(), [] as [String; 0]);
}

/// A store like Gmail's: EXPUNGE removes a label, and only messages in the trash are deleted.
fn gmail(trash: bool) -> ImapStore {
    let store = account();
    store.create(Folder::new("[Gmail]/All Mail").attribute("\\All"));
    let folder = Folder::new("[Gmail]/Papierkorb");
    store.create(if trash { folder.attribute("\\Trash") } else { folder });
    store
}

/// That one name is the same in all letters (`RFC 3501 §5.1`).
#[test]
fn messages_are_moved_to_the_inbox_however_the_server_spells_it() {
    for spelt in ["INBOX", "Inbox", "inbox"] {
        let store = ImapStore::with(1);
        store.create(Folder::new("Old"));
        store.deliver("Old", &message(7));
        let server = Imapd::for_store(&store)
            .mode(Mode::Plain)
            .hook(move |event| match event.verb {
                "LIST" => event.answer(&format!("* LIST () \"/\" {spelt}\n* LIST () \"/\" Old\nOK done")),
                _ => Act::Normal,
            })
            .start();
        let world = world();
        fetch(&world, &server).args(["--folder", "Old", "--move-to", "INBOX"]).go().assert_exit(0);
        assert_eq!((store.uids("Old").len(), store.uids("INBOX").len()), (0, 2), "{spelt}");
    }
}

#[test]
fn on_servers_where_expunge_archives_deleting_moves_to_the_trash() {
    for moves in [true, false] {
        let store = gmail(true);
        let setup = Imapd::for_store(&store).mode(Mode::Plain).with("X-GM-EXT-1").quirk(Quirk::DeletesAtOnce);
        let server = if moves { setup } else { setup.without("MOVE") }.start();
        let world = world();
        let outcome = fetch(&world, &server).arg("--delete").go();
        outcome.assert_exit(0);
        assert_eq!(deleted(&outcome), ["[Gmail]/Papierkorb"; 5], "{outcome:?}");
        assert_eq!((store.uids("INBOX").len(), store.messages("[Gmail]/Papierkorb").len()), (0, 5));
        // In the trash itself it is gone for good.
        let outcome = fetch(&world, &server).args(["--delete", "--folder", "[Gmail]/Papierkorb"]).go();
        outcome.assert_exit(0);
        assert_eq!(deleted(&outcome), [""; 5], "{outcome:?}");
        assert!(store.uids("[Gmail]/Papierkorb").is_empty());
        assert_eq!(server.violations(), [] as [String; 0]);
    }
    let store = gmail(false);
    let setup = Imapd::for_store(&store).mode(Mode::Plain).with("X-GM-EXT-1").quirk(Quirk::DeletesAtOnce);
    let server = setup.start();
    let world = world();
    let outcome = fetch(&world, &server).arg("--delete").go();
    assert_eq!(outcome.code, Some(69), "{outcome:?}");
    let error = outcome.of_type("error").remove(0);
    assert!(error["hint"].as_str().unwrap().contains("Show in IMAP"), "{error}");
    assert_eq!((store.uids("INBOX").len(), maildir_if_any(&world.path("Mail")).len()), (5, 5));
    // A folder can still be named.
    move_to(&world, &server).go().assert_exit(0);
    assert_moved(&world, &store, "to a folder of Gmail");
    assert_eq!(server.violations(), [] as [String; 0]);
}
