//! Fetching from time to time: by POP3, and by IMAP without IDLE.

use super::{TERM, assert_all, counted, until_all_is_there, watch};
use crate::support::disk::{assert_same, maildir_if_any, names, sorted};
use crate::support::imapd::Imapd;
use crate::support::imapd::quirks::Fault;
use crate::support::imapd::store::ImapStore;
use crate::support::mailbox::{Mailbox, message};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Event, Mode, Pop3d, SECRET};
use crate::world;
use rustix::process::Signal;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

const OFTEN: [&str; 2] = ["--every", "0.05s"];

#[test]
fn a_pop3_mailbox_is_polled() {
    for args in [&[][..], &["--delete"]] {
        let (world, mailbox) = (world(), Mailbox::with(2));
        let (arriving, mail, quits) = (mailbox.clone(), world.path("Mail"), AtomicUsize::new(0));
        let server = Pop3d::for_mailbox(&mailbox).hook(move |event| {
            match (event.verb, quits.load(Ordering::SeqCst)) {
                ("QUIT", 0..3) => {
                    quits.fetch_add(1, Ordering::SeqCst);
                    arriving.add(&message(100 + quits.load(Ordering::SeqCst)));
                }
                ("USER" | "AUTH", _) if maildir_if_any(&mail).len() == 5 => return Act::end(End::Terminate),
                _ => {}
            }
            Act::Normal
        });
        let server = server.start();
        let outcome = world.fetch(&server).arg("--watch").args(OFTEN).args(args).go();
        assert_eq!(outcome.signal, TERM, "{outcome:?}");
        assert_eq!(world.mail().len(), 5);
        assert_eq!(outcome.summary()["delivered"], 5);
        if args.is_empty() {
            assert_same(&world.mail(), &sorted(mailbox.as_stored()));
        }
    }
}

#[test]
fn a_server_is_not_polled_more_often_than_its_login_delay() {
    let (world, mailbox) = (world(), Mailbox::with(1));
    let server = Pop3d::announcing(&mailbox, "USER, UIDL, LOGIN-DELAY 900").start();
    let run = world.fetch(&server).args(["--watch", "--max-time", "1s"]).args(OFTEN);
    let outcome = run.go();
    outcome.assert_exit(0);
    assert_eq!(server.journals().len(), 1, "one login");
    assert!(outcome.err().contains("every 15m"), "{}", outcome.err());
}

#[test]
fn a_login_delay_beyond_all_time_ends_no_watch() {
    for delay in ["18446744073709551615", "9223372036854775807", "99999999999999999999"] {
        let (world, mailbox) = (world(), Mailbox::with(1));
        let server = Pop3d::announcing(&mailbox, &format!("USER, UIDL, LOGIN-DELAY {delay}")).start();
        world.fetch(&server).args(["--watch", "--max-time", "1s"]).go().assert_exit(0);
        assert_eq!(world.mail().len(), 1, "{delay}");
    }
}

#[test]
fn an_imap_server_without_idle_is_polled() {
    let (world, store) = (world(), ImapStore::with(1));
    let arriving = store.clone();
    let server = until_all_is_there(&store, world.path("Mail"), move |event, nth| {
        if event.verb == "LOGOUT" && nth <= 2 {
            arriving.deliver("INBOX", &message(20 + nth));
        }
        Act::Normal
    });
    let server = server.without("IDLE").start();
    let outcome = watch(&world, &server).args(OFTEN).go();
    assert_eq!(outcome.signal, TERM, "{outcome:?}");
    assert_all(&world, &store);
    assert!(server.commands_with("IDLE").is_empty());
    server.assert_clean();
}

#[test]
fn a_message_that_fails_each_time_is_reported_once() {
    let (world, store) = (world(), ImapStore::with(3));
    let server =
        Imapd::for_store(&store).mode(Mode::Plain).without("IDLE").fault(2, Fault::Nil).hook(counted(
            |event, nth| {
                if event.verb == "LOGOUT" && nth == 4 { Act::end(End::Terminate) } else { Act::Normal }
            },
        ));
    let server = server.start();
    let outcome = watch(&world, &server).args(OFTEN).go();
    assert_eq!(outcome.signal, TERM, "{outcome:?}");
    assert_eq!(outcome.of_type("error").len(), 1, "{outcome:?}");
    assert_eq!(outcome.summary()["failed"], 1);
    assert_eq!(outcome.summary()["delivered"], 2);
}

#[test]
fn each_login_reads_its_secret_again() {
    let (world, mailbox) = (world(), Mailbox::with(1));
    let logins = AtomicUsize::new(0);
    let server = Pop3d::for_mailbox(&mailbox).hook(move |event| match event.verb {
        // The secret is read before the greeting.
        "" if logins.fetch_add(1, Ordering::SeqCst) == 3 => Act::end(End::Terminate),
        _ => Act::Normal,
    });
    let server = server.start();
    let command = world.write("secret.sh", format!("echo >> asked; echo {SECRET}\n"));
    let run = world.postie(["--json", "--server", &server.url()]).victim(server.victim());
    let run = run.args(["--password-command", &format!("sh {}", command.display())]);
    let run = run.arg("--ca-file").arg(world.path("ca.pem"));
    let outcome = run.args(["fetch", "--watch", "--maildir", "Mail"]).args(OFTEN).go();
    assert_eq!(outcome.signal, TERM, "{outcome:?}");
    assert_eq!(fs::read_to_string(world.path("asked")).unwrap().lines().count(), 4);
}

#[test]
fn all_accounts_are_watched_at_once_with_any_number_of_jobs() {
    let (world, mailboxes) = (world(), [1, 2, 3].map(Mailbox::with));
    let servers = mailboxes.each_ref().map(|mailbox| {
        let (arriving, quits) = (mailbox.clone(), AtomicUsize::new(0));
        let hook = move |event: &Event<'_>| {
            if event.verb == "QUIT" && quits.fetch_add(1, Ordering::SeqCst) == 0 {
                arriving.add(&message(50));
            }
            Act::Normal
        };
        Pop3d::for_mailbox(mailbox).hook(hook).start()
    });
    world.accounts(&servers);
    let run =
        world.postie(["--json", "--ca-file", "ca.pem", "fetch", "--all-accounts", "-j", "1", "--watch"]);
    let victim = servers[0].victim();
    let run = run.args(OFTEN).victim(victim.clone());
    let all_there = || (0..3).all(|at| names(&world.path(&format!("Mail{at}/new"))).len() == at + 2);
    let outcome = std::thread::scope(|scope| {
        let running = scope.spawn(move || run.go());
        // Nothing signals this: check again.
        while !all_there() && !running.is_finished() {
            std::thread::yield_now();
        }
        victim.signal(Signal::TERM);
        running.join().unwrap()
    });
    assert_eq!(outcome.signal, TERM, "{outcome:?}");
    assert_eq!(outcome.summary()["delivered"], 9);
    for (at, mailbox) in mailboxes.iter().enumerate() {
        assert_same(&maildir_if_any(&world.path(&format!("Mail{at}"))), &sorted(mailbox.as_stored()));
    }
}

#[test]
fn an_account_that_fails_permanently_does_not_stop_the_others() {
    let (world, mailboxes) = (world(), [1, 2].map(Mailbox::with));
    let refusing = Pop3d::for_mailbox(&mailboxes[0]).hook(|event| match event.verb {
        "PASS" | "AUTH" => Act::reply("-ERR [AUTH] no"),
        _ => Act::Normal,
    });
    let (arriving, quits) = (mailboxes[1].clone(), AtomicUsize::new(0));
    let good = Pop3d::for_mailbox(&mailboxes[1]).hook(move |event| {
        if event.verb == "QUIT" && quits.fetch_add(1, Ordering::SeqCst) == 0 {
            arriving.add(&message(50));
        }
        Act::Normal
    });
    let servers = [refusing.start(), good.start()];
    world.accounts(&servers);
    let args = ["--json", "--ca-file", "ca.pem", "--max-time", "2s", "fetch", "--all-accounts", "--watch"];
    let outcome = world.postie(args).args(OFTEN).go();
    outcome.assert_exit(1);
    assert_eq!(outcome.error()["kind"], "auth");
    assert_eq!(outcome.summary()["delivered"], 3);
    assert_same(&maildir_if_any(&world.path("Mail1")), &sorted(mailboxes[1].as_stored()));
}

#[test]
fn a_failing_password_command_while_the_server_is_away_does_not_end_a_watch() {
    // The server refuses three logins; at the same time the password command fails.
    let (world, mailbox) = (world(), Mailbox::with(1));
    let (logins, root) = (AtomicUsize::new(0), world.root().to_owned());
    let server = Pop3d::for_mailbox(&mailbox).hook(move |event| match event.verb {
        "" => match logins.fetch_add(1, Ordering::SeqCst) {
            0 => Act::Normal,
            1 => {
                fs::write(root.join("away"), "").unwrap();
                Act::end(End::Close)
            }
            2 => Act::end(End::Close),
            3 => {
                fs::remove_file(root.join("away")).unwrap();
                Act::end(End::Close)
            }
            4 => Act::Normal,
            _ => Act::end(End::Terminate),
        },
        _ => Act::Normal,
    });
    let server = server.start();
    let command = world.write("secret.sh", format!("test ! -e away && echo {SECRET}\n"));
    let run = world.postie(["--json", "--server", &server.url()]).victim(server.victim());
    let run = run.args(["--password-command", &format!("sh {}", command.display())]);
    let run = run.arg("--ca-file").arg(world.path("ca.pem"));
    let outcome = run.args(["fetch", "--watch", "--maildir", "Mail"]).args(OFTEN).go();
    assert_eq!(outcome.signal, TERM, "{outcome:?}");
    // The last of them is the signal.
    let kinds: Vec<_> = outcome.of_type("error").iter().map(|error| error["kind"].clone()).collect();
    assert_eq!(kinds, ["network", "interrupted"], "{outcome:?}");
    assert!(outcome.err().contains("it works again"), "{outcome:?}");
}
