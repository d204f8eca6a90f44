//! Several runs, several accounts, several programs at once, and an environment with something missing.

use crate::support::disk::{assert_same, maildir, mbox, names, sorted};
use crate::support::mailbox::{Mailbox, Stored, message, message_of, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Pop3d};
use crate::support::process::copy_program;
use crate::support::world::World;
use crate::world;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock, inotify};
use std::collections::BTreeSet;
use std::fs;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

/// The ledger files of a world.
fn ledgers(world: &World) -> Vec<PathBuf> {
    let dir = world.path(".local/state/postie/ledger");
    names(&dir).into_iter().filter(|name| name.ends_with(".ledger")).map(|name| dir.join(name)).collect()
}

/// How often a server was asked for messages, and to delete some.
fn asked(server: &Pop3d) -> (usize, usize) {
    let journals = server.journals();
    (journals.iter().map(|it| it.count("RETR")).sum(), journals.iter().map(|it| it.count("DELE")).sum())
}

#[test]
fn eight_simultaneous_runs_with_wait_fetch_each_message_once() {
    for into_mbox in [false, true] {
        let mailbox = Mailbox::with(40);
        let all = sorted(mailbox.as_stored());
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let run = || if into_mbox { world.fetch_mbox(&server) } else { world.fetch(&server) };
        let delivered: u64 = std::thread::scope(|scope| {
            let runs: Vec<_> =
                (0..8).map(|_| scope.spawn(|| run().args(["--delete", "--wait", "30s"]).go())).collect();
            let outcomes = runs.into_iter().map(|run| run.join().unwrap());
            outcomes.map(|outcome| outcome.assert_exit(0).summary()["delivered"].as_u64().unwrap()).sum()
        });
        assert_eq!(delivered, 40);
        let stored = if into_mbox { sorted(mbox(&world.path("mbox"))) } else { world.mail() };
        assert_same(&stored, &all);
        assert!(mailbox.messages().is_empty());
        assert_eq!(asked(&server).0, 40);
    }
}

#[test]
fn a_second_run_of_an_account_ends_at_once_with_75_without_wait() {
    // The first run stays inside a message until the second has ended.
    let mailbox = Mailbox::with(2);
    let (reached, at) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(move |event| {
            if event.connection == 0 && event.line == "RETR 1" {
                reached.send(()).unwrap();
                let _ = gone.lock().unwrap().recv_timeout(Duration::from_secs(20));
            }
            Act::Normal
        })
        .start();
    let world = world();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| world.fetch(&server).go());
        at.recv().unwrap();
        let second = world.fetch(&server).go();
        let error = second.assert_failure(75, "locked");
        assert_eq!((&error["retry"], &error["scope"]), (&"safe".into(), &"account".into()), "{error}");
        assert!(!first.is_finished(), "the second did not wait for the first");
        world.fetch(&server).args(["--wait", "1s"]).go().assert_failure(75, "locked");
        // `list` may run at the same time, although most servers lock the mailbox.
        let looked = world.fetch(&server).arg("--dry-run").go();
        assert_eq!(looked.error()["reply"]["code"], serde_json::Value::Null);
        assert_ne!(looked.error()["kind"], "locked", "a dry run needs no lock of ours");
        go.send(()).unwrap();
        first.join().unwrap().assert_exit(0);
    });
    assert_eq!(world.mail().len(), 2);
}

#[test]
fn an_mbox_under_another_programs_flock_is_waited_for() {
    let mailbox = Mailbox::with(1);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let path = world.write("mbox", "");
    let holder = fs::File::open(&path).unwrap();
    flock(&holder, FlockOperation::LockExclusive).unwrap();
    let run = || world.at_url_within("1s", &server.url(), "fetch").arg("--mbox").arg(&path).arg("--delete");
    run().go().assert_failure(75, "locked");
    assert_eq!((mailbox.messages().len(), fs::read(&path).unwrap().len()), (1, 0));
    assert_eq!(asked(&server).1, 0);
    // The lock is released once postie has opened the mbox twice: it failed to get the lock the first time.
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, &path, inotify::WatchFlags::OPEN).unwrap();
    let outcome = std::thread::scope(|scope| {
        let run = scope.spawn(|| world.fetch_mbox(&server).arg("--delete").go());
        for _ in 0..2 {
            let mut ready = [PollFd::new(&watch, PollFlags::IN)];
            let patience = Timespec::try_from(Duration::from_secs(30)).unwrap();
            assert_eq!(poll(&mut ready, Some(&patience)).unwrap(), 1, "postie does not open the mbox");
            let mut room = [MaybeUninit::uninit(); 512];
            inotify::Reader::new(&watch, &mut room).next().unwrap();
        }
        drop(holder);
        run.join().unwrap()
    });
    outcome.assert_exit(0);
    assert_eq!(mbox(&path).len(), 1);
}

#[test]
fn with_all_accounts_a_locked_and_a_failing_account_do_not_stop_the_others() {
    let boxes: Vec<Mailbox> = (0..4).map(|_| Mailbox::with(2)).collect();
    let (reached, at) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let mut servers = vec![
        Pop3d::for_mailbox(&boxes[0])
            .hook(move |event| {
                if event.line == "RETR 1" && event.connection == 0 {
                    reached.send(()).unwrap();
                    let _ = gone.lock().unwrap().recv_timeout(Duration::from_secs(20));
                }
                Act::Normal
            })
            .start(),
        Pop3d::for_mailbox(&boxes[1])
            .hook(|event| if event.verb == "PASS" { Act::reply("-ERR no") } else { Act::Normal })
            .start(),
    ];
    servers.extend(boxes[2..].iter().map(|mailbox| Pop3d::for_mailbox(mailbox).start()));
    let world = world();
    world.accounts(&servers);
    let ca = world.text("ca.pem");
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| world.postie(["--json", "fetch", "-A", "a0", "--ca-file", &ca]).go());
        at.recv().unwrap();
        let outcome = world.postie(["--json", "fetch", "--all-accounts", "-j", "4", "--ca-file", &ca]).go();
        outcome.assert_exit(1);
        let mut told: Vec<(String, i64)> = outcome
            .of_type("error")
            .iter()
            .map(|it| (it["account"].as_str().unwrap().to_owned(), it["exit"].as_i64().unwrap()))
            .collect();
        told.sort();
        assert_eq!(told, [("a0".to_owned(), 75), ("a1".to_owned(), 77)]);
        assert_eq!(outcome.summary()["delivered"], 4);
        go.send(()).unwrap();
        holder.join().unwrap().assert_exit(0);
    });
    for at in [0, 2, 3] {
        assert_eq!(maildir(&world.path(&format!("Mail{at}"))).len(), 2);
    }
}

#[test]
fn too_few_descriptors_fail_accounts_and_lose_nothing() {
    for files in [8, 10, 12, 16, 24] {
        let boxes: Vec<Mailbox> = (0..6).map(|_| Mailbox::with(3)).collect();
        let before: Vec<Vec<Stored>> = boxes.iter().map(Mailbox::messages).collect();
        let servers: Vec<Pop3d> = boxes.iter().map(|mailbox| Pop3d::for_mailbox(mailbox).start()).collect();
        let world = world();
        world.accounts(&servers);
        let ca = world.text("ca.pem");
        let run =
            || world.postie(["--json", "fetch", "--all-accounts", "-j", "6", "--delete", "--ca-file", &ca]);
        let outcome = run().under_shell(&format!("ulimit -n {files}")).go();
        // Which accounts get descriptors is chance; each account's own result decides the code. If several
        // differ, the first account's code counts. Secrets and authorities are read before any session.
        let exit = |error: &serde_json::Value| i32::try_from(error["exit"].as_i64().unwrap()).unwrap();
        let mut errors = outcome.of_type("error");
        errors.sort_by_key(|error| (exit(error) != 78, error["account"].as_str().unwrap().to_owned()));
        let accounts: BTreeSet<&str> = errors.iter().map(|it| it["account"].as_str().unwrap()).collect();
        let code = match errors.first() {
            None => 0,
            // A session that failed counts as failed, whatever came before it.
            Some(_) if accounts.len() < 6 => 1,
            Some(first) => exit(first),
        };
        outcome.assert_exit(code);
        // What was missing: a file to write or to read, a connection, or the resolver's own files.
        let shortages = [73, 74, 75, 78];
        assert!(errors.iter().all(|error| shortages.contains(&exit(error))), "{files}: {outcome:?}");
        for (at, messages) in before.iter().enumerate() {
            let mail = crate::support::disk::maildir_if_any(&world.path(&format!("Mail{at}")));
            let left = boxes[at].messages();
            for one in messages {
                let copies = mail.iter().filter(|copy| **copy == stored(&one.wire)).count();
                assert!(copies == 1 || (copies == 0 && left.contains(one)), "{files}: {outcome:?}");
            }
        }
        run().go().assert_exit(0);
        for (at, mailbox) in boxes.iter().enumerate() {
            assert_eq!(maildir(&world.path(&format!("Mail{at}"))).len(), 3, "{files}");
            assert!(mailbox.messages().is_empty());
        }
    }
}

#[test]
fn a_ledger_that_cannot_be_read_stops_the_run_before_the_server_is_asked_for_anything() {
    let mailbox = Mailbox::with(6);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).go().assert_exit(0);
    let ledger = ledgers(&world).pop().unwrap();
    let good = fs::read(&ledger).unwrap();
    let first = memchr::memchr(b'\n', &good).unwrap();
    let mut newer = good.clone();
    let version = newer[..first].iter().position(u8::is_ascii_digit).unwrap();
    newer[version] = b'9';
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    let asked_before = asked(&server);
    for (what, octets) in [("damaged", &damaged), ("newer", &newer), ("other", &b"something else\n".to_vec())]
    {
        fs::write(&ledger, octets).unwrap();
        let error = world.fetch(&server).arg("--delete").go();
        let error = error.assert_failure(78, "config");
        assert!(error["message"].as_str().unwrap().contains(ledger.to_str().unwrap()), "{error:?}");
        assert_eq!(fs::read(&ledger).unwrap(), *octets, "{what}: nothing is changed");
    }
    assert_eq!(asked(&server), asked_before);
    // A torn end is ignored; what it recorded happens and is recorded again.
    for cut in [1, 7, 60] {
        fs::write(&ledger, &good[..good.len() - cut]).unwrap();
        world.fetch(&server).go().assert_exit(0);
        assert_same(&world.mail(), &sorted(mailbox.as_stored()));
    }
    // An empty file, as a power cut may leave it directly after it was made.
    assert_eq!(mailbox.messages().len(), 6);
}

#[test]
fn a_state_directory_that_is_read_only_fails_before_anything_is_fetched() {
    if !crate::support::real::have("a_state_directory_that_is_read_only", &["root", "setpriv"]) {
        return;
    }
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    fs::create_dir(world.path("state")).unwrap();
    fs::create_dir(world.path("mine")).unwrap();
    // Root can write anywhere; another user may only read.
    let other = 4711;
    for name in [".", "mine", "secret", "ca.pem"] {
        std::os::unix::fs::chown(world.path(name), Some(other), Some(other)).unwrap();
    }
    let prelude = format!("set -- setpriv --reuid {other} --regid {other} --clear-groups \"$@\"");
    let run = |option: &str| {
        let run = world.pop3(&server, "fetch").env("XDG_STATE_HOME", world.path("state"));
        run.arg(option).arg(world.path("mine/mail")).arg("--delete").under_shell(&prelude).go()
    };
    for option in ["--maildir", "--mbox"] {
        let outcome = run(option);
        outcome.assert_failure(73, "cannot_create");
    }
    assert_eq!(asked(&server), (0, 0));
    assert_eq!(mailbox.messages().len(), 2);
}

#[test]
fn a_closed_or_full_output_loses_no_message() {
    for (prelude, code) in [
        ("exec \"$@\" > /dev/full", 74),
        ("exec \"$@\" | head -1", 0),
        ("exec \"$@\" >&-", 0),
        ("exec \"$@\" 2>&-", 0),
        ("exec \"$@\" < /dev/null >/dev/null 2>/dev/full", 0),
    ] {
        for into_mbox in [false, true] {
            let mailbox = Mailbox::of((1..=60).map(|number| message_of(number, 3000)));
            let before = mailbox.messages();
            let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
            let run = || if into_mbox { world.fetch_mbox(&server) } else { world.fetch(&server) };
            let outcome = run().arg("--delete").under_shell(&format!("{prelude}; exit $?")).run();
            assert!(!outcome.err().contains("panicked"), "{prelude}: {}", outcome.err());
            assert_eq!(outcome.code, Some(code), "{prelude}: {outcome:?}");
            let stored_now = || if into_mbox { sorted(mbox(&world.path("mbox"))) } else { world.mail() };
            let (mail, left) = (stored_now(), mailbox.messages());
            for one in &before {
                let copies = mail.iter().filter(|copy| **copy == stored(&one.wire)).count();
                assert!(copies == 1 || (copies == 0 && left.contains(one)), "{prelude}: {}", one.uid);
            }
            run().arg("--delete").go().assert_exit(0);
            assert_eq!(stored_now().len(), 60, "{prelude}");
            assert!(mailbox.messages().is_empty(), "{prelude}");
        }
    }
}

#[test]
fn messages_with_one_uid_are_all_kept_even_if_the_connection_is_lost_between_them() {
    for pipelining in [false, true] {
        let mailbox = Mailbox::with(5);
        mailbox.set_uid(1, "twin");
        mailbox.set_uid(3, "twin");
        let before = mailbox.messages();
        let all = sorted(mailbox.as_stored());
        let setup = Pop3d::for_mailbox(&mailbox);
        let setup = if pipelining { setup } else { setup.without("PIPELINING") };
        let server = setup
            .hook(|event| match (event.connection, event.line) {
                (0 | 1, "RETR 3") => Act::Cut(40, End::Reset),
                _ => Act::Normal,
            })
            .start();
        let world = world();
        for _ in 0..3 {
            world.fetch(&server).arg("--delete").go();
            let (mail, left) = (world.mail(), mailbox.messages());
            for one in &before {
                let copies = mail.iter().filter(|copy| **copy == stored(&one.wire)).count();
                assert!(copies == 1 || (copies == 0 && left.contains(one)), "{}", one.uid);
            }
        }
        assert_same(&world.mail(), &all);
    }
}

#[test]
fn bounds_of_zero_fetch_nothing_and_unknown_uids_are_no_failure() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.fetch(&server).args(["--max-size", "0", "--delete"]).go();
    assert_eq!(outcome.assert_exit(0).summary()["skipped"], 3);
    world.fetch(&server).args(["--limit", "0"]).go().assert_exit(64);
    let outcome = world.fetch(&server).args(["--uid", "nobody's", "--delete"]).go();
    assert_eq!(outcome.assert_exit(0).summary()["delivered"], 0);
    assert_eq!((asked(&server), mailbox.messages().len()), ((0, 0), 3));
}

#[test]
fn a_run_with_uid_or_limit_deletes_only_those_messages() {
    let mailbox = Mailbox::with(4);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).arg("--keep").go().assert_exit(0);
    world.fetch(&server).args(["--uid", "uid-0002", "--delete"]).go().assert_exit(0);
    assert_eq!(mailbox.uids(), ["uid-0001", "uid-0003", "uid-0004"], "the others were not named");
    assert_eq!(world.mail().len(), 4);
    // But pending deletions are made: they were decided before.
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(|event| match (event.connection, event.verb) {
            (0, "QUIT") => Act::end(End::Close),
            _ => Act::Normal,
        })
        .start_at(restart(server));
    world.fetch(&server).arg("--delete").go().assert_exit(75);
    world.fetch(&server).args(["--uid", "uid-0003", "--delete"]).go().assert_exit(0);
    assert!(mailbox.messages().is_empty());
}

/// Ends a server, so that another one can use its port: for postie it is the same account.
fn restart(server: Pop3d) -> u16 {
    let port = server.port();
    drop(server);
    port
}

#[test]
fn a_command_gets_its_message_as_the_manual_says() {
    let mailbox = Mailbox::of([message(1)]);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let text = world.write(
        "text",
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > argv\ncat > got\nenv | grep POSTIE_ | sort > env\n",
    );
    fs::set_permissions(&text, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    copy_program(text, world.path("script"));
    let exec = format!("[accounts.a.fetch]\nexec = ['{}', 'a b', '$HOME;x']", world.text("script"));
    world.config(&world.account("a", "pop3", server.port(), &exec));
    let run = world.postie(["fetch", "--delete", "--ca-file"]).arg(world.path("ca.pem"));
    run.env("POSTIE_PASSWORD", crate::support::pop3d::SECRET).go().assert_exit(0);
    assert_eq!(fs::read(world.path("got")).unwrap(), stored(&message(1)));
    assert_eq!(fs::read_to_string(world.path("argv")).unwrap(), "a b\n$HOME;x\n", "no shell in between");
    let env = fs::read_to_string(world.path("env")).unwrap();
    let has = |line: &str| env.lines().any(|it| it == line);
    assert!(has("POSTIE_ACCOUNT=a") && has("POSTIE_UID=uid-0001"), "{env}");
    assert!(has(&format!("POSTIE_SIZE={}", stored(&message(1)).len())), "{env}");
    assert!(env.contains("POSTIE_KEY="), "{env}");
    assert!(!env.contains("PASSWORD"), "no secret for a command: {env}");
    assert!(mailbox.messages().is_empty());
}

#[test]
fn a_command_need_not_read_its_whole_message() {
    // A command that does not read its input, or not to the end, and exits with 0 has taken the message.
    for command in ["true", "head -c 10 > /dev/null", "exec < /dev/null"] {
        let mailbox = Mailbox::of([message_of(1, 400_000)]);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        world.pop3(&server, "fetch").args(["--delete", "--exec", command]).go().assert_exit(0);
        assert!(mailbox.messages().is_empty(), "{command}");
    }
    for command in ["kill -9 $$", "exit 255"] {
        let mailbox = Mailbox::with(1);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let outcome = world.pop3(&server, "fetch").args(["--delete", "--exec", command]).go();
        outcome.assert_failure(74, "command");
        assert_eq!(mailbox.messages().len(), 1, "{command}");
    }
}

#[test]
fn a_dry_run_makes_nothing_and_the_destination_need_not_exist() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).args(["--limit", "1"]).go().assert_exit(0);
    let before = world.tree();
    for run in [
        world.fetch(&server).args(["--delete", "--accept-uid-reset"]),
        world.fetch_mbox(&server).arg("--all"),
        world.pop3(&server, "fetch").args(["--exec", "touch made"]),
        world.pop3(&server, "fetch").arg("--stdout"),
        world.fetch(&server).args(["--delete-after", "1d", "--until-empty"]),
    ] {
        let outcome = run.arg("--dry-run").go();
        outcome.assert_exit(0);
        assert!(!outcome.of_type("message").is_empty());
        assert_eq!(world.tree(), before);
    }
    assert_eq!(mailbox.messages().len(), 2);
}
