//! The same mailbox at another address, and a ledger that was lost.

use crate::support::disk::{assert_same, maildir, names, sorted};
use crate::support::mailbox::{Mailbox, message, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Pop3d};
use crate::support::world::{Checked, World};
use crate::world;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

fn state(world: &World) -> PathBuf {
    world.path(".local/state/postie")
}

fn retrieved(server: &Pop3d) -> usize {
    let journals = server.journals();
    journals.iter().flat_map(|it| &it.commands).filter(|(_, line)| line.starts_with("RETR")).count()
}

#[test]
fn the_same_mailbox_on_another_port_is_not_fetched_again() {
    for count in [3, 25] {
        let mailbox = Mailbox::with(count);
        let (world, old) = (world(), Pop3d::for_mailbox(&mailbox).start());
        world.fetch(&old).go().assert_exit(0);
        let new = Pop3d::for_mailbox(&mailbox).start();
        let plan = world.pop3(&new, "fetch").args(["--dry-run"]).go();
        assert_eq!(plan.assert_exit(0).of_type("message").len(), 0);
        let listed = world.pop3(&new, "list").arg("--new").go();
        assert_eq!(listed.assert_exit(0).of_type("message").len(), 0);
        let outcome = world.fetch(&new).go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 0);
        assert!(outcome.err().contains("counts as fetched here"), "it is told: {}", outcome.err());
        assert_eq!(retrieved(&new), 0);
        mailbox.add(&message(90));
        world.fetch(&new).go().assert_exit(0);
        let wanted = sorted(mailbox.as_stored());
        assert_same(&world.mail(), &wanted);
        let before = retrieved(&new);
        world.fetch(&new).arg("--delete").go().assert_exit(0);
        assert!(mailbox.messages().is_empty());
        assert_eq!(retrieved(&new) - before, count, "what another server listed is compared before it goes");
        assert_same(&world.mail(), &wanted);
    }
}

#[test]
fn another_mailbox_of_the_same_user_is_fetched() {
    for (count, other) in [(2, 0), (5, 1), (25, 3)] {
        let mailbox = Mailbox::with(count);
        let (world, old) = (world(), Pop3d::for_mailbox(&mailbox).start());
        world.fetch(&old).go().assert_exit(0);
        (1..=other).for_each(|number| mailbox.set_uid(number, &format!("other-{number}")));
        let new = Pop3d::for_mailbox(&mailbox).start();
        world.fetch(&new).go().assert_exit(0);
        assert_eq!(world.mail().len(), 2 * count);
    }
}

#[test]
fn another_message_with_the_same_uid_and_size_on_a_new_server_is_fetched_before_it_is_deleted() {
    let mailbox = Mailbox::with(4);
    let (world, old) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&old).go().assert_exit(0);
    // The same UIDs and sizes, but other messages: messages 5 to 8 are as long as 1 to 4.
    let others = Mailbox::of((5..=8).map(message));
    (1..=4).for_each(|number| others.set_uid(number, &format!("uid-{number:04}")));
    let new = Pop3d::for_mailbox(&others).start();
    world.fetch(&new).arg("--delete").go().assert_exit(0);
    assert!(others.messages().is_empty());
    assert_same(&world.mail(), &sorted((1..=8).map(|number| stored(&message(number))).collect()));
}

#[test]
fn the_ledger_of_a_configured_account_is_not_taken_over_by_another() {
    let world = world();
    let boxes: Vec<Mailbox> = (0..2).map(|_| Mailbox::with(5)).collect();
    let servers: Vec<Pop3d> = boxes.iter().map(|mailbox| Pop3d::for_mailbox(mailbox).start()).collect();
    world.accounts(&servers);
    for at in 0..2 {
        let name = format!("a{at}");
        world
            .postie(["--json", "fetch", "-A", &name, "--ca-file", &world.text("ca.pem")])
            .go()
            .assert_exit(0);
        assert_eq!(maildir(&world.path(&format!("Mail{at}"))).len(), 5);
    }
}

#[test]
fn a_lost_ledger_doubles_nothing_that_is_in_the_maildir() {
    let mailbox = Mailbox::with(30);
    let wanted = sorted(mailbox.as_stored());
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).go().assert_exit(0);
    let mail = world.path("Mail");
    for (at, name) in names(&mail.join("new")).into_iter().enumerate() {
        let flags = ["", ":2,", ":2,S", ":2,FRS"][at % 4];
        if !flags.is_empty() {
            fs::rename(mail.join("new").join(&name), mail.join("cur").join(format!("{name}{flags}")))
                .unwrap();
        }
    }
    fs::write(mail.join("cur/1700000000.M1P2.host:2,S"), "another program's").unwrap();
    fs::remove_dir_all(state(&world)).unwrap();
    let outcome = world.fetch(&server).go();
    assert_recognised(&outcome, 30);
    assert_eq!(retrieved(&server), 30, "nothing is asked for again");
    fs::remove_file(mail.join("cur/1700000000.M1P2.host:2,S")).unwrap();
    assert_same(&world.mail(), &wanted);
    mailbox.add(&message(31));
    world.fetch(&server).arg("--delete").go().assert_exit(0);
    assert!(mailbox.messages().is_empty());
    assert_eq!((world.mail().len(), retrieved(&server)), (31, 31));
}

#[test]
fn a_dry_run_recognises_messages_in_the_maildir_like_a_run() {
    for delete in [false, true] {
        let mailbox = Mailbox::with(5);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        world.fetch(&server).go().assert_exit(0);
        mailbox.add(&message(6));
        fs::remove_dir_all(state(&world)).unwrap();
        let mail = world.path("Mail");
        fs::remove_dir(mail.join("cur")).unwrap();
        let before = tree(&mail);
        let args: &[&str] = if delete { &["--delete"] } else { &["--keep"] };
        let plan = world.fetch(&server).args(args).arg("--dry-run").go();
        let plan = actions(&plan);
        assert!(before == tree(&mail) && !state(&world).exists(), "a dry run makes and changes nothing");
        let run = actions(&world.fetch(&server).args(args).go());
        let would = [("delivered", "would_deliver"), ("deleted", "would_delete")];
        let mut said: Vec<_> = run
            .into_iter()
            .map(|(uid, action, reason)| {
                let planned = would.iter().find(|(done, _)| *done == action).map(|(_, planned)| *planned);
                (uid, planned.map_or(action, str::to_owned), reason)
            })
            .collect();
        said.sort();
        let mut planned = plan;
        planned.sort();
        assert_eq!(planned, said);
        assert_eq!(said.len(), if delete { 12 } else { 6 });
        assert_eq!(retrieved(&server), 6);
    }
}

/// UID, action and reason of each message of a run.
#[track_caller]
fn actions(outcome: &Checked) -> Vec<(String, String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let lines = outcome.assert_exit(0).of_type("message");
    lines.iter().map(|line| (text(&line["uid"]), text(&line["action"]), text(&line["reason"]))).collect()
}

/// Everything in a directory, with the times of the last change.
fn tree(dir: &Path) -> Vec<(PathBuf, std::time::SystemTime)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap()) {
        found.push((entry.path(), entry.metadata().unwrap().modified().unwrap()));
        if entry.path().is_dir() {
            found.extend(tree(&entry.path()));
        }
    }
    found.sort();
    found
}

/// So many messages were recognised, and none was delivered.
#[track_caller]
fn assert_recognised(outcome: &Checked, count: usize) {
    let lines = outcome.assert_exit(0).of_type("message");
    for line in &lines {
        assert_eq!((&line["action"], &line["reason"]), (&json!("skipped"), &json!("in_maildir")), "{line}");
        assert!(Path::new(line["path"].as_str().unwrap()).is_file() && line["new"] == false, "{line}");
    }
    let summary = outcome.summary();
    assert_eq!((lines.len(), &summary["skipped"], &summary["delivered"]), (count, &json!(count), &json!(0)));
    assert!(outcome.err().contains("they count as fetched"), "{}", outcome.err());
}

#[test]
fn messages_moved_into_folders_of_the_maildir_are_recognised() {
    let mailbox = Mailbox::with(12);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).go().assert_exit(0);
    let mail = world.path("Mail");
    let folders = [".Archive/cur", ".Archive.2025/new", "nested/cur", ".Archive/new"];
    folders.iter().for_each(|folder| fs::create_dir_all(mail.join(folder)).unwrap());
    for (at, name) in names(&mail.join("new")).into_iter().enumerate().skip(2) {
        let flags = if folders[at % 4].ends_with("cur") { ":2,S" } else { "" };
        let to = mail.join(folders[at % 4]).join(format!("{name}{flags}"));
        fs::rename(mail.join("new").join(&name), to).unwrap();
    }
    // A file that is no folder, and a link that leads out of the Maildir, are ignored.
    fs::write(mail.join(".file"), "x").unwrap();
    fs::create_dir(mail.join(".empty")).unwrap();
    std::os::unix::fs::symlink("/", mail.join(".root")).unwrap();
    fs::remove_dir_all(state(&world)).unwrap();
    assert_recognised(&world.fetch(&server).go(), 12);
    assert_eq!((retrieved(&server), world.mail().len()), (12, 2));
    mailbox.add(&message(13));
    world.fetch(&server).arg("--delete").go().assert_exit(0);
    assert!(mailbox.messages().is_empty());
    assert_eq!((retrieved(&server), world.mail().len()), (13, 3));
}

#[test]
fn a_reader_that_moves_mail_during_the_search_doubles_nothing() {
    let mailbox = Mailbox::with(20);
    let world = world();
    let (mail, armed) = (world.path("Mail"), std::sync::Arc::new(AtomicBool::new(false)));
    let here = std::sync::Arc::clone(&armed);
    // Before the reply to UIDL the Maildir has been searched, and nothing of it is recorded yet.
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(move |event| {
            if event.line == "UIDL" && here.swap(false, Ordering::SeqCst) {
                for name in names(&mail.join("new")) {
                    let to = mail.join("cur").join(format!("{name}:2,S"));
                    fs::rename(mail.join("new").join(&name), to).unwrap();
                }
            }
            Act::Normal
        })
        .start();
    world.fetch(&server).go().assert_exit(0);
    fs::remove_dir_all(state(&world)).unwrap();
    armed.store(true, Ordering::SeqCst);
    assert_recognised(&world.fetch(&server).go(), 20);
    assert_eq!(retrieved(&server), 20);
    assert_eq!(names(&world.path("Mail/cur")).len(), 20);
}

#[test]
fn a_kill_while_messages_in_the_maildir_are_recognised_doubles_nothing() {
    for line in ["UIDL", "LIST", "RETR 6", "NOOP", "QUIT"] {
        let mailbox = Mailbox::with(5);
        let armed = std::sync::Arc::new(AtomicBool::new(false));
        let here = std::sync::Arc::clone(&armed);
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| match event.line == line && here.swap(false, Ordering::SeqCst) {
                true => Act::end(End::Kill),
                false => Act::Normal,
            })
            .start();
        let world = world();
        world.fetch(&server).go().assert_exit(0);
        fs::remove_dir_all(state(&world)).unwrap();
        (6..=7).for_each(|number| mailbox.add(&message(number)));
        let wanted = sorted(mailbox.as_stored());
        armed.store(true, Ordering::SeqCst);
        world.fetch(&server).go();
        // A client does not wait for the reply to QUIT. The server may not have processed it yet, and the
        // next run is not the one that is tested.
        server.journals();
        world.fetch(&server).arg("--delete").go().assert_exit(0);
        assert_same(&world.mail(), &wanted);
        assert!(mailbox.messages().is_empty(), "killed at {line}");
    }
}

#[test]
fn a_message_removed_from_the_maildir_is_not_fetched_again() {
    let mailbox = Mailbox::with(5);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).go().assert_exit(0);
    let new = world.path("Mail/new");
    fs::remove_file(new.join(&names(&new)[0])).unwrap();
    world.fetch(&server).go().assert_exit(0);
    assert_eq!(world.mail().len(), 4);
}
