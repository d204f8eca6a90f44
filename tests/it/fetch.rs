//! What `fetch` does with a server that behaves.

use crate::support::disk::{assert_same, maildir, mbox, sorted};
use crate::support::mailbox::{Mailbox, message, message_of, oddities, sha256, stored};
use crate::support::pop3d::{Mode, Pop3d, SECRET};
use crate::world;
use serde_json::json;
use std::fs;

#[test]
fn every_message_is_in_the_maildir_byte_for_byte() {
    let mailbox = Mailbox::of(oddities());
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.fetch(&server).go();
    outcome.assert_exit(0);
    assert_same(&world.mail(), &sorted(mailbox.as_stored()));
    assert_eq!(outcome.summary()["delivered"], mailbox.messages().len());
    assert_eq!(mailbox.messages().len(), oddities().len(), "keep is the default");
    server.assert_clean();
}

#[test]
fn every_message_can_be_read_back_from_the_mbox_byte_for_byte() {
    let mailbox = Mailbox::of(oddities());
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.fetch_mbox(&server).go();
    outcome.assert_exit(0);
    assert_same(&mbox(&world.path("mbox")), &mailbox.as_stored());
    server.assert_clean();
    assert!(!world.path("mbox.lock").exists(), "the dotlock is gone");
}

#[test]
fn the_message_line_says_what_was_stored_and_where() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.fetch(&server).go();
    outcome.assert_exit(0);
    let lines = outcome.of_type("message");
    assert_eq!(lines.len(), 2);
    for (at, line) in lines.iter().enumerate() {
        let octets = stored(&message(at + 1));
        assert_eq!(line["action"], "delivered");
        assert_eq!(line["account"], format!("ana@localhost:{}", server.port()));
        assert_eq!(line["number"], at + 1);
        assert_eq!(line["uid"], mailbox.uids()[at].as_str());
        assert_eq!(line["size"], message(at + 1).len());
        assert_eq!(line["subject"], format!("message {}", at + 1));
        assert_eq!(
            line["message_id"].as_str().unwrap().trim_matches(['<', '>']),
            format!("m{}@example.org", at + 1)
        );
        assert_eq!(line["from"], json!([{"name": "Bob", "address": "bob@example.org"}]));
        assert_eq!(line["to"][0]["address"], "ana@example.org");
        assert_eq!(line["date"].as_str().unwrap().get(..19), Some("2025-09-01T10:00:00"));
        assert_eq!(line["sha256"], sha256(&octets));
        let path = line["path"].as_str().unwrap();
        assert!(path.starts_with('/'), "an absolute path: {path}");
        assert_eq!(fs::read(path).unwrap(), octets);
    }
    let summary = outcome.summary();
    assert_eq!(summary["command"], "fetch");
    assert_eq!((&summary["delivered"], &summary["failed"]), (&json!(2), &json!(0)));
    assert!(summary["bytes"].as_u64().is_some_and(|bytes| bytes > 0));
}

#[test]
fn an_mbox_line_gives_the_offset_of_the_message() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.fetch_mbox(&server).go();
    outcome.assert_exit(0);
    let octets = fs::read(world.path("mbox")).unwrap();
    for line in outcome.of_type("message") {
        assert_eq!(line["mbox"], world.text("mbox"));
        let offset = usize::try_from(line["offset"].as_u64().unwrap()).unwrap();
        assert!(octets[offset..].starts_with(b"From "), "{line}");
        assert!(offset == 0 || octets[..offset].ends_with(b"\n\n"), "{line}");
    }
}

#[test]
fn only_what_is_new_is_fetched() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).go().assert_exit(0);
    mailbox.add(&message(4));
    let outcome = world.fetch(&server).go();
    outcome.assert_exit(0);
    assert_eq!(outcome.summary()["delivered"], 1);
    assert_same(&world.mail(), &sorted(mailbox.as_stored()));
    let journals = server.journals();
    assert_eq!(journals[1].with_verb("RETR"), ["RETR 4"]);
    let again = world.fetch(&server).go();
    again.assert_exit(0);
    assert_eq!(again.summary()["delivered"], 0, "nothing new is also done");
}

#[test]
fn delete_removes_what_was_stored_and_keep_removes_nothing() {
    let mailbox = Mailbox::with(3);
    let all = sorted(mailbox.as_stored());
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).arg("--keep").go().assert_exit(0);
    assert_eq!(mailbox.messages().len(), 3);
    mailbox.add(&message(4));
    let outcome = world.fetch(&server).arg("--delete").go();
    outcome.assert_exit(0);
    assert_same(&world.mail(), &sorted([all, vec![stored(&message(4))]].concat()));
    assert!(mailbox.messages().is_empty(), "what an earlier run fetched is deleted too");
    let actions: Vec<_> = outcome.of_type("message").iter().map(|line| line["action"].clone()).collect();
    assert_eq!(actions.iter().filter(|action| *action == "delivered").count(), 1);
    assert_eq!(actions.iter().filter(|action| *action == "deleted").count(), 4);
    assert_eq!(outcome.summary()["deleted"], 4);
}

#[test]
fn limit_fetches_so_many_and_the_next_run_continues() {
    let mailbox = Mailbox::with(5);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.fetch(&server).args(["--limit", "2"]).go();
    outcome.assert_exit(0);
    assert_eq!(outcome.summary()["delivered"], 2);
    assert_eq!(world.mail().len(), 2);
    world.fetch(&server).args(["--limit", "2"]).go().assert_exit(0);
    world.fetch(&server).args(["--limit", "2"]).go().assert_exit(0);
    assert_same(&world.mail(), &sorted(mailbox.as_stored()));
}

#[test]
fn a_message_larger_than_max_size_is_skipped_and_stays() {
    let mailbox = Mailbox::of([message(1), message_of(2, 50_000), message(3)]);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.fetch(&server).args(["--max-size", "10K", "--delete"]).go();
    outcome.assert_exit(0);
    assert_eq!(world.mail().len(), 2);
    assert_eq!(mailbox.uids(), ["uid-0002"]);
    let skipped: Vec<_> =
        outcome.of_type("message").into_iter().filter(|line| line["action"] == "skipped").collect();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0]["uid"], "uid-0002");
    assert_eq!(outcome.summary()["skipped"], 1);
    world.fetch(&server).go().assert_exit(0);
    assert_eq!(world.mail().len(), 3, "a later run without the bound takes it");
}

#[test]
fn all_fetches_everything_again_and_uid_only_the_named_messages() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.fetch(&server).args(["--uid", "uid-0002"]).go();
    outcome.assert_exit(0);
    assert_same(&world.mail(), &[stored(&message(2))]);
    world.fetch(&server).go().assert_exit(0);
    assert_eq!(world.mail().len(), 3);
    let again = world.pop3(&server, "fetch").args(["--all", "--maildir"]).arg(world.path("Other")).go();
    again.assert_exit(0);
    assert_same(&maildir(&world.path("Other")), &sorted(mailbox.as_stored()));
}

#[test]
fn dry_run_prints_the_plan_and_changes_nothing() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let before = world.tree();
    let outcome = world.fetch(&server).args(["--dry-run", "--delete"]).go();
    outcome.assert_exit(0);
    assert_eq!(world.tree(), before, "nothing is created");
    assert_eq!(mailbox.messages().len(), 3);
    assert!(outcome.of_type("message").len() >= 3, "the plan names every message");
    let journal = server.journal();
    assert_eq!(journal.count("RETR") + journal.count("DELE"), 0);
    let told = world.fetch(&server).args(["--dry-run", "-v"]).go();
    assert!(told.err().contains("this is the plan"), "{}", told.err());
    assert!(!told.err().contains("nothing new"), "{}", told.err());
}

#[test]
fn a_fetch_without_a_destination_names_the_command_that_sets_one() {
    let (world, server) = (world(), Pop3d::for_mailbox(&Mailbox::with(1)).start());
    let (url, secret) = (server.url(), world.text("secret"));
    let add =
        ["config", "add", "home", "--email", "ana@example.org", "--pop3", &url, "--password-file", &secret];
    world.postie(add).go().assert_exit(0);
    let outcome = world.postie(["fetch"]).go();
    outcome.assert_exit(64);
    assert!(
        outcome.err().contains("`postie config set home fetch.maildir ~/Mail/home`"),
        "{}",
        outcome.err()
    );
}

#[test]
fn fetch_works_in_every_tls_mode() {
    for mode in Mode::ALL {
        let mailbox = Mailbox::with(2);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).mode(mode).start());
        world.fetch(&server).go().assert_exit(0);
        assert_same(&world.mail(), &sorted(mailbox.as_stored()));
        server.assert_clean();
        if mode == Mode::Upgrade {
            let journal = server.journal();
            let verbs: Vec<_> = journal.commands.iter().map(|(_, line)| line.as_str()).collect();
            let stls = verbs.iter().position(|verb| *verb == "STLS").unwrap();
            assert_eq!(verbs[stls + 1], "CAPA", "capabilities are asked for again under TLS");
        }
    }
}

#[test]
fn every_mechanism_works_and_apop_only_if_asked_for() {
    for (auth, verb, first) in [
        ("auto", "", ""),
        ("user", "USER", "USER ana"),
        ("apop", "APOP", "APOP ana "),
        ("plain", "AUTH", "AUTH PLAIN"),
        ("login", "AUTH", "AUTH LOGIN"),
        ("cram-md5", "AUTH", "AUTH CRAM-MD5"),
    ] {
        let mailbox = Mailbox::with(1);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let more = format!("auth = '{auth}'\n[accounts.a.fetch]\nmaildir = '{}'", world.text("Mail"));
        world.config(&world.account("a", "pop3", server.port(), &more));
        let outcome = world.postie(["fetch", "--json", "--ca-file"]).arg(world.path("ca.pem")).go();
        outcome.assert_exit(0);
        assert_eq!(outcome.of_type("message")[0]["account"], "a", "{auth}");
        assert_same(&world.mail(), &mailbox.as_stored());
        let journal = server.journal();
        if auth == "auto" {
            assert_eq!(journal.count("APOP"), 0, "a stamp in the greeting is no invitation");
        } else {
            assert!(journal.with_verb(verb)[0].starts_with(first), "{auth}: {:?}", journal.commands);
        }
        server.assert_clean();
    }
}

#[test]
fn the_environment_alone_is_enough_for_an_account() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let run = world.postie(["fetch", "--json", "--ca-file"]).arg(world.path("ca.pem")).arg("--maildir");
    let run = run.arg(world.path("Mail")).env("POSTIE_POP3_URL", server.url());
    run.env("POSTIE_PASSWORD", SECRET).go().assert_exit(0);
    assert_same(&world.mail(), &sorted(mailbox.as_stored()));
}

#[test]
fn without_pipelining_commands_are_sent_one_by_one() {
    let mailbox = Mailbox::with(20);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).without("PIPELINING").start());
    world.fetch(&server).arg("--delete").go().assert_exit(0);
    assert_eq!(world.mail().len(), 20);
    assert!(mailbox.messages().is_empty());
    server.assert_clean();
}

#[test]
fn two_runs_at_once_fetch_nothing_twice() {
    let mailbox = Mailbox::with(30);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| world.fetch(&server).go())).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for outcome in &outcomes {
        // The run that came second says so.
        match outcome.of_type("error").is_empty() {
            true => drop(outcome.assert_exit(0)),
            false => drop(outcome.assert_failure(75, "locked")),
        }
    }
    assert!(outcomes.iter().any(|outcome| outcome.code == Some(0)));
    assert_same(&world.mail(), &sorted(mailbox.as_stored()));
}

#[test]
fn a_destination_of_the_wrong_kind_is_refused_before_anything_is_fetched() {
    let mailbox = Mailbox::with(1);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.write("file", "precious\n");
    world.write("victim", "precious\n");
    fs::create_dir(world.path("directory")).unwrap();
    std::os::unix::fs::symlink(world.path("victim"), world.path("link")).unwrap();
    std::os::unix::fs::symlink(world.path("nowhere"), world.path("dangling")).unwrap();
    let fifo = crate::support::process::Run::new("/usr/bin/mkfifo").arg(world.path("fifo")).run();
    assert_eq!(fifo.code, Some(0));
    for (option, name) in [
        ("--mbox", "directory"),
        ("--mbox", "link"),
        ("--mbox", "dangling"),
        ("--mbox", "fifo"),
        ("--mbox", "/dev/null"),
        ("--mbox", "no/such/parent/mbox"),
        ("--maildir", "file"),
        ("--maildir", "link"),
        ("--maildir", "fifo"),
        ("--maildir", "no/such/parent/Mail"),
    ] {
        let outcome = world.pop3(&server, "fetch").arg(option).arg(world.path(name)).arg("--delete").go();
        outcome.assert_failure(73, "cannot_create");
    }
    assert_eq!(mailbox.messages().len(), 1);
    assert_eq!(server.journals().iter().map(|journal| journal.count("RETR")).sum::<usize>(), 0);
    for name in ["file", "victim"] {
        assert_eq!(fs::read(world.path(name)).unwrap(), b"precious\n");
    }
    assert!(!world.path("nowhere").exists());
}

#[test]
fn an_mbox_keeps_what_was_in_it() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let before = b"From old Mon Sep  1 10:00:00 2025\nSubject: old\n\nold\n\n";
    world.write("mbox", before);
    world.fetch_mbox(&server).go().assert_exit(0);
    let all = mbox(&world.path("mbox"));
    assert_eq!(all[0], b"Subject: old\n\nold\n");
    assert_same(&all[1..], &mailbox.as_stored());
}

#[test]
fn renaming_the_account_fetches_nothing_twice() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    for name in ["first", "second"] {
        world.config(&world.account(name, "pop3", server.port(), ""));
        let run = world.postie(["fetch", "--json", "-A", name, "--ca-file"]).arg(world.path("ca.pem"));
        run.arg("--maildir").arg(world.path("Mail")).go().assert_exit(0);
    }
    assert_eq!(world.mail().len(), 2);
}

/// A UID that is asked for and not there is no failure, as nothing new is none, but it is told.
#[test]
fn a_uid_that_the_server_does_not_list_is_named_once() {
    let mailbox = Mailbox::with(2);
    for more in [&[][..], &["--dry-run"], &["--mark-seen"], &["--mark-seen", "--dry-run"]] {
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let into = if more.contains(&"--mark-seen") { &[][..] } else { &["--maildir", "Mail"] };
        let args = [into, more, &["--uid", "uid-0002", "never", "uid-0009"]].concat();
        let outcome = world.pop3(&server, "fetch").args(args).go();
        outcome.assert_exit(0);
        assert_eq!(outcome.summary()["not_listed"], 2, "{more:?}");
        for (uid, times) in [("never", 1), ("uid-0009", 1), ("uid-0002", 0)] {
            let told = format!("UID {uid}: the server has no such message");
            assert_eq!(outcome.err().matches(&told).count(), times, "{more:?}: {}", outcome.err());
        }
    }
    // A person reads words, and no names of JSON fields.
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let (url, secret, ca) = (server.url(), world.text("secret"), world.text("ca.pem"));
    let run = world.postie(["fetch", "--server", &url, "--password-file", &secret, "--ca-file", &ca]);
    let outcome = run.args(["--maildir", "Mail", "--uid", "never"]).go();
    outcome.assert_exit(0);
    assert!(outcome.err().ends_with("postie: 1 not listed\n"), "{}", outcome.err());
}
