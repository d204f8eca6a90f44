//! `fetch`, `list` and `test-account` with Cyrus: a strict parser, the prefix `INBOX.`, UIDVALIDITYs that are times,
//! email ids, flags ahead of the UID, and capabilities that can be hidden.

use crate::imapd_itself::client::Client;
use crate::real_fetch::varied;
use crate::real_imap::without_nul;
use crate::support::cyrus::{ADMIN, Cyrus};
use crate::support::disk::{assert_same, maildir, names, sorted};
use crate::support::mailbox::{message, stored};
use crate::support::peer::Victim;
use crate::support::pop3d::USER;
use crate::support::process::Run;
use crate::support::world::World;
use crate::world;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

/// Starts it with a mailbox for the user, or skips the test.
fn start(test: &str, hidden: &str) -> Option<Cyrus> {
    let cyrus = Cyrus::start(test, hidden)?;
    make_mailbox(&cyrus, "");
    Some(cyrus)
}

/// Makes a mailbox of the user's: INBOX, or one below it.
fn make_mailbox(cyrus: &Cyrus, below: &str) {
    let mut admin = Client::at_port(cyrus.port(), ADMIN);
    let answer = admin.ask(&format!("CREATE \"user.{USER}{below}\""));
    assert!(answer.contains(" OK "), "{answer}");
}

fn other_client(cyrus: &Cyrus) -> Client {
    Client::at_port(cyrus.port(), USER)
}

/// Files messages in a mailbox.
#[track_caller]
fn fill<T: AsRef<[u8]>>(cyrus: &Cyrus, mailbox: &str, messages: impl IntoIterator<Item = T>) {
    let mut client = other_client(cyrus);
    for message in messages {
        let answer = client.append(mailbox, "", message.as_ref());
        assert!(answer.contains(" OK "), "{answer}");
    }
}

fn plain(count: usize) -> Vec<Vec<u8>> {
    (1..=count).map(|number| stored(&message(number))).collect()
}

fn at(world: &World, cyrus: &Cyrus, command: &str) -> Run {
    world.at_url(&cyrus.url(), command)
}

fn fetch(world: &World, cyrus: &Cyrus) -> Run {
    at(world, cyrus, "fetch").arg("--maildir").arg(world.path("Mail"))
}

#[test]
fn varied_messages_are_fetched_from_cyrus_byte_for_byte_and_deleted() {
    let test = "varied_messages_are_fetched_from_cyrus_byte_for_byte_and_deleted";
    let Some(cyrus) = start(test, "") else { return };
    let mut client = other_client(&cyrus);
    let mut messages = without_nul(varied(150));
    // It refuses bare CRs and headers that are none.
    messages.retain(|message| client.append("INBOX", "", message).contains(" OK "));
    assert!(messages.len() > 100, "{}", messages.len());
    let flags = client.flags();
    let world = world();
    let outcome = fetch(&world, &cyrus).go();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_same(&world.mail(), &sorted(messages.clone()));
    let list = at(&world, &cyrus, "list").go();
    assert_eq!(list.assert_exit(0).of_type("message").len(), messages.len());
    assert_eq!(client.flags(), flags, "a flag has changed");
    let test = at(&world, &cyrus, "test-account").go();
    assert!(test.assert_exit(0).of_type("step").iter().all(|step| step["ok"] == true), "{test:?}");
    let again = fetch(&world, &cyrus).arg("--delete").go();
    assert_eq!(again.assert_exit(0).summary()["delivered"], 0);
    assert_eq!(again.summary()["deleted"], messages.len());
    assert_eq!(client.flags(), []);
    assert_same(&world.mail(), &sorted(messages));
}

#[test]
fn flags_of_other_clients_stay_on_cyrus() {
    let test = "flags_of_other_clients_stay_on_cyrus";
    for hidden in ["", "ESEARCH LIST-STATUS OBJECTID CONDSTORE QRESYNC", "UIDPLUS MOVE"] {
        let Some(cyrus) = start(test, hidden) else { return };
        let mut client = other_client(&cyrus);
        let all = plain(5);
        let flags = ["", "\\Seen", "\\Deleted", "\\Flagged \\Answered", "$Forwarded"];
        for (octets, flags) in all.iter().zip(flags) {
            client.append("INBOX", flags, octets);
        }
        let before = client.flags();
        let world = world();
        fetch(&world, &cyrus).go().assert_exit(0);
        assert_same(&world.mail(), &all);
        assert_eq!(client.flags(), before, "{hidden}");
        let letters = names(&world.path("Mail/cur")).into_iter();
        let letters = letters.map(|name| name.split_once(":2,").unwrap().1.to_owned());
        assert_eq!(sorted(letters.map(String::into_bytes).collect()), [&b"FR"[..], b"P", b"S"], "{hidden}");
        let outcome = fetch(&world, &cyrus).args(["--uid", "1", "--uid", "2", "--delete"]).go();
        match hidden.contains("UIDPLUS") {
            false => {
                assert_eq!(outcome.code, Some(0), "{hidden}: {outcome:?}");
                assert_eq!(client.flags(), before[2..], "{hidden}");
            }
            // An EXPUNGE would take the message that the other client has marked.
            true => {
                assert_eq!(outcome.code, Some(69), "{hidden}: {outcome:?}");
                assert_eq!(client.flags(), before, "{hidden}");
            }
        }
        fetch(&world, &cyrus).arg("--delete").go().assert_exit(0);
        assert_eq!(client.flags(), [], "{hidden}");
        assert_same(&world.mail(), &all);
    }
}

#[test]
fn the_internal_date_of_cyrus_becomes_the_file_time() {
    let test = "the_internal_date_of_cyrus_becomes_the_file_time";
    let Some(cyrus) = start(test, "") else { return };
    let mut client = other_client(&cyrus);
    // A day of one digit: Cyrus writes it with a space before it.
    client.send("d APPEND INBOX \" 4-Sep-2025 15:33:21 +0200\" {15+}\r\nSubject: x\r\n\r\ny\r\n");
    let answer = client.until("d ");
    assert!(answer.contains("d OK"), "{answer}");
    let world = world();
    fetch(&world, &cyrus).go().assert_exit(0);
    let dir = world.path("Mail/new");
    let file = fs::metadata(dir.join(&names(&dir)[0])).unwrap();
    assert_eq!(file.mtime(), 1_756_992_801);
}

#[test]
fn cyrus_s_folders_are_listed_and_fetched_from() {
    let test = "cyrus_s_folders_are_listed_and_fetched_from";
    for hidden in ["", "LIST-STATUS", "LIST-STATUS LIST-EXTENDED SPECIAL-USE NAMESPACE"] {
        let Some(cyrus) = start(test, hidden) else { return };
        let folders = [
            (".Entw&APw-rfe", "Entw\u{fc}rfe", 2),
            (".Archive", "Archive", 0),
            (".Archive.2025", "Archive.2025", 3),
        ];
        for (raw, _, count) in folders {
            make_mailbox(&cyrus, raw);
            fill(&cyrus, &format!("INBOX{raw}"), (1..=count).map(|number| stored(&message(number))));
        }
        // Another user's mailbox, which everybody may read.
        let mut admin = Client::at_port(cyrus.port(), ADMIN);
        for command in
            ["CREATE user.bob", "SETACL user.bob anyone lrs", "CREATE shared", "SETACL shared anyone lrs"]
        {
            let answer = admin.ask(command);
            assert!(answer.contains(" OK "), "{answer}");
        }
        fill(&cyrus, "INBOX", plain(1));
        let world = world();
        let outcome = at(&world, &cyrus, "list").arg("--folders").go();
        let rows = outcome.assert_exit(0).of_type("folder");
        for (_, name, count) in folders {
            let row = rows.iter().find(|row| row["folder"] == format!("INBOX.{name}"));
            let row = row.unwrap_or_else(|| panic!("{name} is not in {rows:?}"));
            assert_eq!(
                (&row["messages"], &row["unseen"]),
                (&count.into(), &count.into()),
                "{hidden}: {name}"
            );
        }
        if !hidden.contains("NAMESPACE") {
            let outcome = fetch(&world, &cyrus).arg("--all-folders").go();
            assert_eq!(outcome.assert_exit(0).summary()["delivered"], 6, "{hidden}: {outcome:?}");
            // The prefix does not show.
            for (_, name, count) in folders.iter().filter(|folder| folder.2 > 0) {
                assert_eq!(maildir(&world.path(&format!("Mail/.{name}"))).len(), *count, "{hidden}: {name}");
            }
            let again = fetch(&world, &cyrus).arg("--all-folders").go();
            assert_eq!(again.assert_exit(0).summary()["delivered"], 0, "{hidden}");
        }
        let one = fetch(&world, &cyrus)
            .args(["--folder", "INBOX.Entw\u{fc}rfe", "--maildir"])
            .arg(world.path("One"));
        assert_eq!(one.go().code, Some(64), "two destinations");
        let missing = fetch(&world, &cyrus).args(["--folder", "INBOX.Nirgendwo"]).go();
        assert_eq!(missing.code, Some(69), "{missing:?}");
    }
}

/// By MOVE and by COPY, with and without UIDPLUS.
#[test]
fn stored_messages_are_moved_to_a_folder_of_cyrus() {
    let test = "stored_messages_are_moved_to_a_folder_of_cyrus";
    for hidden in ["", "MOVE", "MOVE UIDPLUS", "UIDPLUS"] {
        let Some(cyrus) = start(test, hidden) else { return };
        make_mailbox(&cyrus, ".Archive");
        let all = plain(60);
        fill(&cyrus, "INBOX", &all);
        let world = world();
        fetch(&world, &cyrus).args(["--limit", "20"]).go().assert_exit(0);
        let outcome = fetch(&world, &cyrus).args(["--move-to", "INBOX.Archive"]).go();
        assert_eq!(outcome.code, Some(0), "{hidden}: {outcome:?}");
        assert_eq!(outcome.summary()["deleted"], 60, "{hidden}");
        assert_same(&world.mail(), &sorted(all.clone()));
        assert_eq!(other_client(&cyrus).flags(), [], "{hidden}");
        let there = at(&world, &cyrus, "fetch").args(["--folder", "INBOX.Archive", "--all", "--maildir"]);
        there.arg(world.path("There")).go().assert_exit(0);
        assert_same(&maildir(&world.path("There")), &sorted(all));
        let missing = fetch(&world, &cyrus).args(["--move-to", "INBOX.Nirgendwo"]).go();
        assert_eq!(missing.code, Some(69), "{hidden}: {missing:?}");
    }
}

#[test]
fn with_dedupe_a_message_in_two_folders_of_cyrus_is_stored_once() {
    let test = "with_dedupe_a_message_in_two_folders_of_cyrus_is_stored_once";
    for hidden in ["", "OBJECTID"] {
        let Some(cyrus) = start(test, hidden) else { return };
        make_mailbox(&cyrus, ".Archive");
        let all = plain(10);
        fill(&cyrus, "INBOX", &all);
        let mut client = other_client(&cyrus);
        client.ask("EXAMINE INBOX");
        let answer = client.ask("UID COPY 3:5 INBOX.Archive");
        assert!(answer.contains(" OK "), "{answer}");
        let world = world();
        let outcome = fetch(&world, &cyrus).args(["--all-folders", "--dedupe"]).go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 10, "{hidden}: {outcome:?}");
        assert_same(&world.mail(), &sorted(all));
    }
}

#[test]
fn a_uidvalidity_that_cyrus_changes_stores_nothing_twice() {
    let test = "a_uidvalidity_that_cyrus_changes_stores_nothing_twice";
    let Some(cyrus) = start(test, "") else { return };
    let mut all = plain(30);
    fill(&cyrus, "INBOX", &all);
    let world = world();
    fetch(&world, &cyrus).go().assert_exit(0);
    for (turn, after) in ["--keep", "--delete"].into_iter().enumerate() {
        // As when a mailbox is restored: the same messages under other UIDs.
        let mut admin = Client::at_port(cyrus.port(), ADMIN);
        for command in ["SETACL user.ana admin lrswipkxtecda", "DELETE user.ana"] {
            let answer = admin.ask(command);
            assert!(answer.contains(" OK "), "{answer}");
        }
        make_mailbox(&cyrus, "");
        all.insert(0, stored(&message(100 + turn)));
        fill(&cyrus, "INBOX", &all);
        let outcome = fetch(&world, &cyrus).arg(after).go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 1, "{after}: {outcome:?}");
        assert_same(&world.mail(), &sorted(all.clone()));
    }
    assert_eq!(other_client(&cyrus).flags(), []);
}

#[test]
fn cyrus_s_new_mail_is_fetched_as_it_arrives() {
    let test = "cyrus_s_new_mail_is_fetched_as_it_arrives";
    for hidden in ["", "IDLE"] {
        let Some(cyrus) = start(test, hidden) else { return };
        let world = world();
        fill(&cyrus, "INBOX", plain(2));
        let victim = Victim::default();
        let run = fetch(&world, &cyrus).args(["--watch", "--every", "0.2s"]).victim(victim.clone());
        let outcome = std::thread::scope(|scope| {
            let running = scope.spawn(move || run.go());
            let stored_now = || names(&world.path("Mail/new")).len();
            for count in 2..=5 {
                // Nothing signals this: check again soon.
                while stored_now() < count && !running.is_finished() {
                    std::thread::park_timeout(std::time::Duration::from_millis(5));
                }
                if count < 5 && !running.is_finished() {
                    fill(&cyrus, "INBOX", [stored(&message(10 + count))]);
                }
            }
            victim.signal(rustix::process::Signal::TERM);
            running.join().unwrap()
        });
        assert_eq!(outcome.signal, Some(15), "{hidden}: {outcome:?}");
        assert_eq!(outcome.summary()["delivered"], 5, "{hidden}: {outcome:?}");
        let late = (12..15).map(|number| stored(&message(number)));
        assert_same(&world.mail(), &sorted(plain(2).into_iter().chain(late).collect()));
    }
}
