//! What an IMAP server knows of a message besides its octets: flags, the time it arrived, its folder. The
//! stored files and the lines of JSON have them.

use crate::support::disk::{assert_same, maildir, names, sorted};
use crate::support::imapd::Imapd;
use crate::support::imapd::quirks::Fault;
use crate::support::imapd::store::ImapStore;
use crate::support::pop3d::Mode;
use crate::support::real::have;
use crate::support::tmpfs::Tmpfs;
use crate::world;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

/// A mailbox whose messages have different flags and dates.
fn marked() -> ImapStore {
    let store = ImapStore::with(6);
    store.mark("INBOX", 1, "\\Seen");
    for flag in ["\\Flagged", "\\Answered", "\\Seen", "$Forwarded", "Junk", "\\Draft"] {
        store.mark("INBOX", 2, flag);
    }
    store.mark("INBOX", 3, "\\Deleted");
    store.mark("INBOX", 4, "$label1");
    for (uid, date) in [
        (1, " 4-Sep-2025 15:33:21 +0200"),
        (2, "01-Jan-1970 00:00:00 +0000"),
        (3, "31-Dec-1969 00:00:00 +0000"),
        (4, "00-Jan-0000 00:00:00 +0000"),
    ] {
        store.change_message("INBOX", uid, |message| message.date = date.into());
    }
    store
}

#[test]
fn flags_become_letters_and_the_internal_date_becomes_the_file_time() {
    let store = marked();
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let world = world();
    let began = jiff::Timestamp::now().as_second();
    let outcome = world.at_url(&server.url(), "fetch").arg("--maildir").arg(world.path("Mail")).go();
    outcome.assert_exit(0);
    assert_eq!(maildir(&world.path("Mail")).len(), 6);
    let seen = names(&world.path("Mail/cur"));
    let letters: Vec<&str> = seen.iter().map(|name| name.rsplit_once(":2,").unwrap().1).collect();
    assert_eq!(letters.iter().filter(|it| **it == "S").count(), 1);
    assert_eq!(letters.iter().filter(|it| **it == "DFPRS").count(), 1);
    assert_eq!(letters.len(), 2);
    assert!(names(&world.path("Mail/new")).iter().all(|name| !name.contains(':')));
    let lines = outcome.of_type("message");
    let time = |uid: &str| {
        let line = lines.iter().find(|line| line["uid"] == uid).unwrap();
        let path = line["path"].as_str().unwrap();
        (fs::metadata(path).unwrap().mtime(), line["internal_date"].clone())
    };
    assert_eq!(time("1"), (1_756_992_801, "2025-09-04T13:33:21Z".into()));
    assert_eq!(time("2"), (0, "1970-01-01T00:00:00Z".into()));
    // A date before the epoch, or an invalid one, becomes the present time.
    assert!(time("3").0 >= began && time("4").0 >= began);
    assert!(time("4").1.is_null());
    assert_eq!(time("5").1, "2025-09-01T10:00:00Z");
    for line in &lines {
        assert_eq!(line["folder"], "INBOX");
        assert_eq!(line["uidvalidity"], store.folder("INBOX").uidvalidity);
    }
    assert_eq!(
        lines.iter().find(|line| line["uid"] == "4").unwrap()["flags"],
        serde_json::json!(["$label1"])
    );
    assert!(store.messages("INBOX").iter().all(|message| message.flags == marked_flags(message.uid)));
}

/// The flags that a message has in [`marked`].
fn marked_flags(uid: u32) -> Vec<String> {
    marked().messages("INBOX").iter().find(|message| message.uid == uid).unwrap().flags.clone()
}

#[test]
fn from_lines_of_an_mbox_have_the_internal_date() {
    let store = marked();
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let world = world();
    for (to, out) in [("--mbox", false), ("--stdout", true)] {
        let mut run = world
            .postie(["--server", &server.url(), "--password-file", &world.text("secret"), "fetch", "--all"])
            .arg(to);
        if !out {
            run = run.arg(world.path("mbox"));
        }
        let outcome = run.go();
        outcome.assert_exit(0);
        let text = match out {
            true => String::from_utf8(outcome.stdout.clone()).unwrap(),
            false => fs::read_to_string(world.path("mbox")).unwrap(),
        };
        let separators: Vec<&str> = text.lines().filter(|line| line.starts_with("From ")).collect();
        assert_eq!(separators.len(), 6);
        assert!(separators[0].ends_with(" Thu Sep  4 13:33:21 2025"), "{separators:?}");
        assert!(separators[1].ends_with(" Thu Jan  1 00:00:00 1970"), "{separators:?}");
        assert!(separators[4].ends_with(" Mon Sep  1 10:00:00 2025"), "{separators:?}");
    }
}

#[test]
fn parsed_lines_and_lists_show_folder_flags_and_dates_too() {
    let store = marked();
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let world = world();
    let fetched = world.at_url(&server.url(), "fetch").arg("--stdout").go();
    fetched.assert_exit(0);
    let listed = world.at_url(&server.url(), "list").go();
    listed.assert_exit(0);
    for lines in [fetched.of_type("message"), listed.of_type("message")] {
        assert_eq!(lines.len(), 6);
        let first = lines.iter().find(|line| line["uid"] == "1").unwrap();
        assert_eq!(first["folder"], "INBOX");
        assert_eq!(first["uidvalidity"], store.folder("INBOX").uidvalidity);
        assert_eq!(first["flags"], serde_json::json!(["\\Seen"]));
        assert_eq!(first["internal_date"], "2025-09-04T13:33:21Z");
        let size = store.messages("INBOX").iter().find(|message| message.uid == 1).unwrap().wire.len();
        assert_eq!(first["size"], size);
    }
}

/// Flags that come after the body are not lost.
#[test]
fn the_order_of_items_in_a_response_does_not_matter() {
    let store = ImapStore::with(3);
    store.mark("INBOX", 2, "\\Seen");
    let server = Imapd::for_store(&store).mode(Mode::Plain).fault(2, Fault::UidBehind).start();
    let world = world();
    world.at_url(&server.url(), "fetch").arg("--maildir").arg(world.path("Mail")).go().assert_exit(0);
    assert_eq!(maildir(&world.path("Mail")).len(), 3);
    let seen = names(&world.path("Mail/cur"));
    assert!(seen.len() == 1 && seen[0].ends_with(":2,S"), "{seen:?}");
}

/// If `cur/` cannot take a message, or not with flags in its name, the message matters more than the flags.
#[test]
fn a_message_that_cannot_have_its_letters_is_stored_without_them() {
    if !have("a_message_that_cannot_have_its_letters_is_stored_without_them", &["root", "mount"]) {
        return;
    }
    let store = marked();
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let world = world();
    let fetch = || world.at_url(&server.url(), "fetch").arg("--maildir").arg(world.path("Mail"));
    fs::create_dir(world.path("Mail")).unwrap();
    fs::set_permissions(world.path("Mail"), fs::Permissions::from_mode(0o700)).unwrap();
    let _apart = Tmpfs::mount(&world, "Mail/cur", "mode=700");
    fetch().arg("--delete").go().assert_exit(0);
    assert_eq!(names(&world.path("Mail/new")).len(), 6);
    assert_eq!(names(&world.path("Mail/tmp")).len() + names(&world.path("Mail/cur")).len(), 0);
    assert!(store.messages("INBOX").is_empty());
}

/// A way to send the flags of message 3: its name, the faults of the messages, and the letters that result.
type FlagsApart = (&'static str, Vec<(u32, Fault)>, &'static str);

/// What may stand in a response with the message may come in one of its own (RFC 3501 §7.4.2).
#[test]
fn flags_and_date_that_come_apart_from_the_message_count() {
    let without = || Fault::Item("FLAGS", None);
    let seen = "* 3 FETCH (UID 3 FLAGS (\\Seen))\r\n";
    // Which faults on which messages, and the letters that message 3 gets.
    let rows: [FlagsApart; 10] = [
        ("just before", vec![(3, without()), (3, Fault::Ahead(seen))], "S"),
        ("before all others", vec![(3, without()), (1, Fault::Ahead(seen))], "S"),
        ("just behind", vec![(3, without()), (3, Fault::Behind(seen))], "S"),
        ("behind all others", vec![(3, without()), (6, Fault::Behind(seen))], "S"),
        (
            "twice: the later ones",
            vec![
                (3, without()),
                (1, Fault::Ahead("* 3 FETCH (UID 3 FLAGS (\\Flagged))\r\n")),
                (2, Fault::Ahead(seen)),
            ],
            "S",
        ),
        (
            "behind a body with the UID behind it",
            vec![(3, without()), (3, Fault::UidBehind), (3, Fault::Behind(seen))],
            "S",
        ),
        ("those with the message count more", vec![(3, Fault::Ahead(seen)), (4, Fault::Behind(seen))], ""),
        ("without a UID", vec![(3, without()), (3, Fault::Behind("* 3 FETCH (FLAGS (\\Seen))\r\n"))], ""),
        (
            "of no message",
            vec![(3, without()), (3, Fault::Behind("* 9 FETCH (UID 9 FLAGS (\\Seen))\r\n"))],
            "",
        ),
        ("none", vec![(3, without()), (3, Fault::Ahead("* 3 FETCH (UID 3 FLAGS ())\r\n"))], ""),
    ];
    for (name, faults, letters) in rows {
        for args in [&[][..], &["--delete"], &["--dedupe"]] {
            let store = ImapStore::with(6);
            let all = store.as_stored("INBOX");
            let setup = Imapd::for_store(&store).mode(Mode::Plain);
            let faults = faults.iter().cloned();
            let server = faults.fold(setup, |setup, (uid, fault)| setup.fault(uid, fault)).start();
            let world = world();
            let run =
                world.at_url(&server.url(), "fetch").args(args).arg("--maildir").arg(world.path("Mail"));
            let outcome = run.go();
            outcome.assert_exit(0);
            assert_same(&world.mail(), &sorted(all.clone()));
            let found: Vec<String> = names(&world.path("Mail/cur"));
            let found: Vec<&str> = found.iter().map(|name| name.rsplit_once(":2,").unwrap().1).collect();
            let wanted: &[&str] = if letters.is_empty() { &[] } else { &[letters] };
            assert_eq!(found, wanted, "{name} {args:?}");
            if let Some(file) = names(&world.path("Mail/cur")).first() {
                let file = fs::read(world.path("Mail/cur").join(file)).unwrap();
                assert_eq!(file, all[2], "{name} {args:?}: of another message");
            }
            let third = outcome.of_type("message").into_iter().find(|line| line["uid"] == "3").unwrap();
            let flags =
                if letters.is_empty() { serde_json::json!([]) } else { serde_json::json!(["\\Seen"]) };
            assert_eq!(third["flags"], flags, "{name} {args:?}");
        }
        // And where only headers are asked for.
        let store = ImapStore::with(6);
        let setup = Imapd::for_store(&store).mode(Mode::Plain);
        let server = faults.into_iter().fold(setup, |setup, (uid, fault)| setup.fault(uid, fault)).start();
        let world = world();
        let lines = world.at_url(&server.url(), "list").go().assert_exit(0).of_type("message");
        let flags = |uid: &str| lines.iter().find(|line| line["uid"] == uid).unwrap()["flags"].clone();
        let wanted = if letters.is_empty() { serde_json::json!([]) } else { serde_json::json!(["\\Seen"]) };
        assert_eq!((flags("3"), flags("2")), (wanted, serde_json::json!([])), "list: {name}");
    }
    let store = ImapStore::with(3);
    let date = "* 3 FETCH (UID 3 INTERNALDATE \" 4-Sep-2025 15:33:21 +0200\" RFC822.SIZE 7)\r\n";
    let setup = Imapd::for_store(&store).mode(Mode::Plain).fault(3, Fault::Item("INTERNALDATE", None));
    let server = setup.fault(3, Fault::Ahead(date)).start();
    let world = world();
    let outcome = world.at_url(&server.url(), "fetch").arg("--maildir").arg(world.path("Mail")).go();
    let lines = outcome.assert_exit(0).of_type("message");
    let line = lines.iter().find(|line| line["uid"] == "3").unwrap();
    assert_eq!(line["internal_date"], "2025-09-04T13:33:21Z");
    let listed = world.at_url(&server.url(), "list").go().assert_exit(0).of_type("message");
    let listed = listed.iter().find(|line| line["uid"] == "3").unwrap();
    assert_eq!(listed["internal_date"], "2025-09-04T13:33:21Z");
    assert_eq!(fs::metadata(line["path"].as_str().unwrap()).unwrap().mtime(), 1_756_992_801);
}
