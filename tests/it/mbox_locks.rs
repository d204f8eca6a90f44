//! An mbox is locked with fcntl and a dotlock, and other programs' locks are respected.

use crate::support::disk::{assert_same, mbox};
use crate::support::mailbox::Mailbox;
use crate::support::pop3d::Pop3d;
use crate::support::process::Run;
use crate::support::real::have;
use crate::support::world::Checked;
use crate::world;
use rustix::fs::{FlockOperation, fcntl_lock};
use std::fs::{self, File, OpenOptions};
use std::time::{Duration, SystemTime};

const BEFORE: &[u8] = b"From old Mon Sep  1 10:00:00 2025\nSubject: old\n\nold\n\n";

/// A `fetch` into the mbox that waits for a second.
fn fetch(world: &crate::support::world::World, server: &Pop3d) -> Checked {
    let run = world.at_url_within("1s", &server.url(), "fetch").arg("--delete");
    run.arg("--mbox").arg(world.path("mbox")).go()
}

#[test]
fn a_held_mbox_lock_is_waited_for_until_the_timeout() {
    let mailbox = Mailbox::with(2);
    let all = mailbox.as_stored();
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let path = world.write("mbox", BEFORE);
    let holder = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    fcntl_lock(&holder, FlockOperation::NonBlockingLockExclusive).unwrap();
    let error = fetch(&world, &server).assert_failure(75, "locked");
    assert_eq!(error["retry"], "safe");
    assert_eq!(fs::read(&path).unwrap(), BEFORE);
    drop(holder);

    world.write("mbox.lock", std::process::id().to_string());
    fetch(&world, &server).assert_failure(75, "locked");
    assert_eq!(fs::read(&path).unwrap(), BEFORE);
    assert!(world.path("mbox.lock").exists(), "another's lock is not taken away");
    assert_eq!(mailbox.messages().len(), 2);
    fs::remove_file(world.path("mbox.lock")).unwrap();

    fetch(&world, &server).assert_exit(0);
    assert_same(&mbox(&path)[1..], &all);
    assert!(!world.path("mbox.lock").exists());
}

#[test]
fn a_dotlock_whose_owner_is_dead_or_that_is_empty_and_old_does_not_block() {
    let dead = Run::new("/bin/sh").args(["-c", "echo $$"]).run().out();
    for (text, old) in [(dead.as_str(), false), ("", true)] {
        let mailbox = Mailbox::with(1);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let lock = world.write("mbox.lock", text);
        if old {
            let file = File::options().write(true).open(&lock).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).unwrap();
        }
        fetch(&world, &server).assert_exit(0);
        assert_eq!(mbox(&world.path("mbox")).len(), 1);
        assert!(!lock.exists());
    }
}

#[test]
fn runs_for_several_accounts_share_an_mbox_without_mixing_messages() {
    let world = world();
    let boxes: Vec<Mailbox> = (0..4).map(|_| Mailbox::with(40)).collect();
    let servers: Vec<Pop3d> = boxes.iter().map(|mailbox| Pop3d::for_mailbox(mailbox).start()).collect();
    std::thread::scope(|scope| {
        for server in &servers {
            scope.spawn(|| world.fetch_mbox(server).arg("--delete").go().assert_exit(0).summary());
        }
    });
    let found = mbox(&world.path("mbox"));
    assert_eq!(found.len(), 160);
    let one = Mailbox::with(40).as_stored();
    for message in &one {
        assert_eq!(found.iter().filter(|copy| *copy == message).count(), 4);
    }
}

/// FAT, exFAT and many a share give no file a second name.
#[test]
fn a_file_system_without_second_names_takes_the_dotlock_all_the_same() {
    if !have("a_file_system_without_second_names_takes_the_dotlock_all_the_same", &["strace"]) {
        return;
    }
    for error in ["EPERM", "EOPNOTSUPP", "ENOSYS"] {
        let mailbox = Mailbox::with(3);
        let all = mailbox.as_stored();
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let path = world.write("mbox", BEFORE);
        let without = format!("set -- strace -f -o /dev/null -e inject=linkat,link:error={error} \"$@\"");
        let start = |turn: &str| {
            let run =
                world.at_url_within("1s", &server.url(), "fetch").arg("--delete").arg("--mbox").arg(&path);
            println!("{error}, {turn}");
            run.under_shell(&without).go()
        };
        world.write("mbox.lock", std::process::id().to_string());
        start("held by another").assert_failure(75, "locked");
        assert_eq!(fs::read(&path).unwrap(), BEFORE);
        assert_eq!(fs::read_to_string(world.path("mbox.lock")).unwrap(), std::process::id().to_string());
        fs::remove_file(world.path("mbox.lock")).unwrap();

        start("free").assert_exit(0);
        assert_same(&mbox(&path)[1..], &all);
        assert!(mailbox.messages().is_empty());
        let left: Vec<_> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("lock")), "{left:?}");
    }
}

#[test]
fn a_lock_file_that_may_not_be_made_is_told_with_what_to_do() {
    if !have("a_lock_file_that_may_not_be_made_is_told_with_what_to_do", &["strace"]) {
        return;
    }
    let mailbox = Mailbox::with(1);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let path = world.write("mbox", BEFORE);
    let run = world.at_url_within("1s", &server.url(), "fetch").arg("--delete").arg("--mbox").arg(&path);
    let refused = "set -- strace -f -o /dev/null -e inject=linkat,link:error=EACCES \"$@\"";
    let error = run.under_shell(refused).go().assert_failure(75, "locked");
    assert!(error["hint"].as_str().unwrap().contains("make files in that directory"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), BEFORE);
    assert_eq!(mailbox.messages().len(), 1);
}
