//! `fetch --watch`: mail is fetched as it arrives, whatever server and connection do. Only a signal, the end
//! of the time, or a permanent failure ends it.

mod endings;
mod polling;

use crate::support::disk::{assert_same, maildir_if_any, sorted};
use crate::support::imapd::quirks::Quirk;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Event, Imapd, Setup};
use crate::support::mailbox::message;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::support::process::{Outcome, Run};
use crate::support::world::{Checked, World};
use crate::world;
use rustix::process::Signal;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const TERM: Option<i32> = Some(15);

/// A hook that gets how often the command has come so far.
fn counted(
    hook: impl Fn(&Event<'_>, usize) -> Act + Send + Sync + 'static,
) -> impl Fn(&Event<'_>) -> Act + Send + Sync + 'static {
    let counts = Mutex::new(HashMap::<String, usize>::new());
    move |event| {
        let nth = {
            let mut counts = counts.lock().unwrap();
            let count = counts.entry(event.verb.to_owned()).or_default();
            *count += 1;
            *count
        };
        hook(event, nth)
    }
}

/// What the server has received, to be waited for.
#[derive(Clone, Default)]
struct Steps(Arc<(Mutex<usize>, Condvar)>);

impl Steps {
    fn note(&self) {
        *self.0.0.lock().unwrap() += 1;
        self.0.1.notify_all();
    }

    #[track_caller]
    fn wait_for(&self, count: usize) {
        let steps = self.0.0.lock().unwrap();
        let waited = self.0.1.wait_timeout_while(steps, Duration::from_secs(30), |steps| *steps < count);
        assert!(!waited.unwrap().1.timed_out(), "step {count} never came");
    }
}

fn watch(world: &World, server: &Imapd) -> Run {
    watch_within("1h", world, server)
}

fn watch_within(timeout: &str, world: &World, server: &Imapd) -> Run {
    let run = world.at_url_within(timeout, &server.url(), "fetch").victim(server.victim());
    run.args(["--watch", "--maildir", "Mail"])
}

/// The server of an account. It ends the client by SIGTERM when all mail of INBOX is on disk and the client
/// starts to wait: by IDLE, or by disconnecting. The hook decides what happens before that.
fn until_all_is_there(
    store: &ImapStore,
    mail: PathBuf,
    hook: impl Fn(&Event<'_>, usize) -> Act + Send + Sync + 'static,
) -> Setup {
    let all = store.clone();
    Imapd::for_store(store).mode(Mode::Plain).hook(counted(move |event, nth| match hook(event, nth) {
        Act::Normal if matches!(event.verb, "IDLE" | "LOGOUT") && has_all(&mail, &all) => {
            Act::end(End::Terminate)
        }
        act => act,
    }))
}

fn has_all(mail: &Path, store: &ImapStore) -> bool {
    maildir_if_any(mail).len() >= store.messages("INBOX").len()
}

#[track_caller]
fn assert_all(world: &World, store: &ImapStore) {
    assert_same(&world.mail(), &sorted(store.as_stored("INBOX")));
}

#[track_caller]
fn assert_ended_by_term(outcome: &Outcome) {
    assert_eq!(outcome.signal, TERM, "{outcome:?}");
    assert_eq!(outcome.summary()["failed"], 0, "{outcome:?}");
}

/// Runs the watch and, at the same time, `during`; then ends the watch.
fn during(run: Run, server: &Imapd, during: impl FnOnce()) -> Checked {
    std::thread::scope(|scope| {
        let running = scope.spawn(move || run.go());
        during();
        server.victim().signal(Signal::TERM);
        running.join().unwrap()
    })
}

#[test]
fn mail_that_arrives_during_idle_is_fetched_at_once_over_the_same_session() {
    for mode in [Mode::Implicit, Mode::Upgrade, Mode::Plain] {
        for pieces in [None, Some(1)] {
            let (world, store, steps) = (world(), ImapStore::with(3), Steps::default());
            let seen = steps.clone();
            let setup = Imapd::for_store(&store).mode(mode).hook(move |event| {
                if event.verb == "IDLE" {
                    seen.note();
                }
                Act::Normal
            });
            let server =
                pieces.into_iter().fold(setup, |setup, pieces| setup.quirk(Quirk::Pieces(pieces))).start();
            let outcome = during(watch(&world, &server), &server, || {
                steps.wait_for(1);
                for number in 1..=3 {
                    store.deliver("INBOX", &message(10 + number));
                    steps.wait_for(1 + number);
                }
            });
            assert_ended_by_term(&outcome);
            assert_all(&world, &store);
            assert_eq!(outcome.summary()["delivered"], 6, "{mode:?} {pieces:?}");
            assert_eq!(server.journals().len(), 1, "{mode:?} {pieces:?}: one connection");
            assert_eq!(server.commands_with("AUTHENTICATE").len(), 1);
            assert_eq!(server.violations(), Vec::<String>::new());
        }
    }
}

#[test]
fn mail_that_arrives_between_any_two_steps_is_fetched_without_waiting_for_more() {
    for (verb, nth) in
        [("EXAMINE", 1), ("UID SEARCH", 1), ("UID FETCH", 1), ("EXAMINE", 2), ("UID SEARCH", 2), ("IDLE", 1)]
    {
        let (world, store) = (world(), ImapStore::with(2));
        let arriving = store.clone();
        let server = until_all_is_there(&store, world.path("Mail"), move |event, count| {
            if event.verb == verb && count == nth {
                arriving.deliver("INBOX", &message(77));
            }
            Act::Normal
        });
        let server = server.start();
        let outcome = watch(&world, &server).go();
        assert_ended_by_term(&outcome);
        assert_all(&world, &store);
        assert_eq!(outcome.summary()["delivered"], 3, "{verb} {nth}");
        assert_eq!(server.journals().len(), 1, "{verb} {nth}: one connection");
        server.assert_clean();
    }
}

#[test]
fn a_burst_is_fetched_together() {
    let (world, store) = (world(), ImapStore::with(1));
    let arriving = store.clone();
    let server = until_all_is_there(&store, world.path("Mail"), move |event, nth| {
        if event.verb == "IDLE" && nth == 1 {
            for number in 1..=50 {
                arriving.deliver("INBOX", &message(number));
            }
        }
        Act::Normal
    });
    // It reports each message separately.
    let told: String = (2..=51).map(|count| format!("* {count} EXISTS\r\n* {count} RECENT\r\n")).collect();
    let server = server.quirk(Quirk::InIdle(told.leak())).start();
    let outcome = watch(&world, &server).go();
    assert_eq!(outcome.summary()["delivered"], 51, "{outcome:?}");
    assert_all(&world, &store);
    assert_eq!(server.journals().len(), 1, "one connection");
    assert_eq!(server.commands_with("EXAMINE").len(), 4, "two fetches, a look before each IDLE");
}

#[test]
fn mail_is_fetched_even_if_idle_fails() {
    type Odd = fn(&Event<'_>, usize) -> Act;
    let rows: [(&str, Odd); 12] =
        [
            ("it is refused", |event, _| event.answer("NO not now")),
            ("it is not known", |event, _| event.answer("BAD what?")),
            ("it ends at once", |event, _| event.answer("OK idled")),
            ("no + comes", |_, _| Act::Reply(Vec::new())),
            ("BYE, each time", |event, _| event.bye("idle for too long")),
            ("BYE behind +, each time", |_, _| Act::Then(b"+ \r\n* BYE gone\r\n".to_vec(), End::Close)),
            ("BYE once", |event, nth| if nth == 1 { event.bye("shutting down") } else { Act::Normal }),
            (
                "the line ends",
                |_, nth| {
                    if nth == 1 { Act::Then(b"+ \r\n".to_vec(), End::Close) } else { Act::Normal }
                },
            ),
            ("the line is reset", |_, nth| {
                if nth == 1 { Act::Then(b"+ \r\n".to_vec(), End::Reset) } else { Act::Normal }
            }),
            ("DONE is not answered", |_, nth| {
                if nth == 1 { Act::Then(b"+ \r\n* 9 EXISTS\r\n".to_vec(), End::Stall) } else { Act::Normal }
            }),
            ("half a line, and silence", |_, nth| {
                if nth == 1 { Act::Then(b"+ \r\n* 9 EXI".to_vec(), End::Stall) } else { Act::Normal }
            }),
            ("what is no response", |_, nth| {
                if nth == 1 { Act::Then(b"+ \r\n\x00\xff(((\r\n".to_vec(), End::Stall) } else { Act::Normal }
            }),
        ];
    for (what, odd) in rows {
        let (world, store) = (world(), ImapStore::with(1));
        let (arriving, mail) = (store.clone(), world.path("Mail"));
        let setup = until_all_is_there(&store, world.path("Mail"), move |event, nth| {
            if event.verb != "IDLE" {
                return Act::Normal;
            }
            if nth == 1 {
                arriving.deliver("INBOX", &message(50));
            }
            if has_all(&mail, &arriving) && nth > 1 { Act::end(End::Terminate) } else { odd(event, nth) }
        });
        let server = setup.start();
        let outcome = watch_within("1s", &world, &server).args(["--every", "0.05s"]).go();
        assert_eq!(outcome.signal, TERM, "{what}: {outcome:?}");
        assert_all(&world, &store);
        assert_eq!(outcome.summary()["delivered"], 2, "{what}");
    }
}

#[test]
fn responses_about_anything_but_new_mail_fetch_nothing() {
    for (told, looks) in [
        ("* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n", false),
        ("* 2 FETCH (FLAGS (\\Seen))\r\n", false),
        ("* OK Still here\r\n", false),
        ("* 0 RECENT\r\n* FLAGS (\\Seen)\r\n* XANYTHING 1\r\n", false),
        ("* 3 EXISTS\r\n", true),
        ("* 1 EXPUNGE\r\n* 2 EXISTS\r\n", true),
        ("* 1 RECENT\r\n", true),
    ] {
        let (world, store) = (world(), ImapStore::with(3));
        let server = Imapd::for_store(&store).mode(Mode::Plain).quirk(Quirk::InIdle(told)).start();
        let outcome = watch(&world, &server).args(["--max-time", "1s"]).go();
        outcome.assert_exit(0);
        assert_eq!(outcome.summary()["delivered"], 3);
        assert_eq!(server.journals().len(), 1, "{told:?}: one connection");
        let idled = server.commands_with("IDLE").len();
        assert!(if looks { (2..=4).contains(&idled) } else { idled == 1 }, "{told:?}: {idled}");
        assert_eq!(server.commands_with("UID FETCH").len(), 1, "{told:?}: what is there was fetched once");
    }
}

#[test]
fn a_server_that_reports_mail_that_is_not_there_is_asked_less_and_less_often() {
    let (world, store) = (world(), ImapStore::with(3));
    let setup = Imapd::for_store(&store).mode(Mode::Plain).quirk(Quirk::InIdle("* 99 EXISTS\r\n"));
    let server = setup.start();
    let outcome = watch(&world, &server).args(["--max-time", "3s"]).go();
    outcome.assert_exit(0);
    assert_eq!(outcome.summary()["delivered"], 3);
    // After 0.3 s, then 0.6 s, 1.2 s, 2.4 s.
    let idled = server.commands_with("IDLE").len();
    assert!((2..=4).contains(&idled), "{idled}");
}

#[test]
fn a_folder_whose_uidvalidity_always_changes_is_not_fetched_without_pause() {
    let (world, store) = (world(), ImapStore::with(3));
    let changing = store.clone();
    let setup = Imapd::for_store(&store).mode(Mode::Plain).hook(move |event| {
        if event.verb == "EXAMINE" {
            changing.renumber("INBOX", 1);
        }
        Act::Normal
    });
    let server = setup.start();
    let outcome = watch(&world, &server).args(["--max-time", "3s"]).go();
    outcome.assert_exit(0);
    assert_all(&world, &store);
    // Twice for each fetch: then after 0.6 s, 1.2 s, 2.4 s.
    let opened = server.commands_with("EXAMINE").len();
    assert!((4..=12).contains(&opened), "{opened}");
}

#[test]
fn with_several_folders_the_inbox_is_watched_by_idle_and_all_are_fetched() {
    let (world, store) = (world(), ImapStore::with(1));
    store.create(Folder::new("Lists"));
    let (arriving, mail) = (store.clone(), world.path("Mail"));
    let server = Imapd::for_store(&store).mode(Mode::Plain).hook(counted(move |event, nth| {
        match (event.verb, nth) {
            ("IDLE", 1) => drop(arriving.deliver("INBOX", &message(8))),
            ("IDLE", 2) => drop(arriving.deliver("Lists", &message(9))),
            ("IDLE", _) if maildir_if_any(&mail.join(".Lists")).len() == 1 => {
                return Act::end(End::Terminate);
            }
            _ => {}
        }
        Act::Normal
    }));
    let server = server.start();
    let outcome = watch(&world, &server).args(["--all-folders", "--every", "1s"]).go();
    assert_ended_by_term(&outcome);
    assert_all(&world, &store);
    assert_eq!(outcome.summary()["delivered"], 3);
    assert_eq!(server.journals().len(), 1, "one connection");
    server.assert_clean();
    // Each IDLE comes after the opening of INBOX.
    let commands = server.commands();
    let opened = |at: usize| commands[..at].iter().rev().find(|line| line.starts_with("EXAMINE"));
    for at in (0..commands.len()).filter(|at| commands[*at] == "IDLE") {
        assert_eq!(opened(at).map(String::as_str), Some("EXAMINE INBOX"));
    }
}

#[test]
fn a_folder_other_than_the_inbox_can_be_watched() {
    let (world, store) = (world(), ImapStore::with(1));
    store.create(Folder::new("Lists"));
    let (arriving, mail) = (store.clone(), world.path("Mail"));
    let server = Imapd::for_store(&store).mode(Mode::Plain).hook(counted(move |event, nth| {
        match (event.verb, nth) {
            ("IDLE", 1) => drop(arriving.deliver("Lists", &message(8))),
            ("IDLE", _) if maildir_if_any(&mail).len() == 1 => return Act::end(End::Terminate),
            _ => {}
        }
        Act::Normal
    }));
    let server = server.start();
    let outcome = watch(&world, &server).args(["--folder", "Lists"]).go();
    assert_ended_by_term(&outcome);
    assert_same(&world.mail(), &store.as_stored("Lists"));
    assert!(server.commands_with("EXAMINE").iter().all(|line| line == "EXAMINE Lists"));
}

#[test]
fn another_fetch_can_run_during_idle_and_nothing_is_doubled() {
    let (world, store, steps) = (world(), ImapStore::with(2), Steps::default());
    let seen = steps.clone();
    let server = Imapd::for_store(&store).mode(Mode::Plain).hook(move |event| {
        if event.verb == "IDLE" {
            seen.note();
        }
        Act::Normal
    });
    let server = server.start();
    let outcome = during(watch(&world, &server), &server, || {
        steps.wait_for(1);
        let other = world.at_url(&server.url(), "fetch").args(["--maildir", "Mail"]).go();
        other.assert_exit(0);
        assert_eq!(other.summary()["delivered"], 0, "the watch has fetched all");
        store.deliver("INBOX", &message(9));
        steps.wait_for(2);
    });
    assert_ended_by_term(&outcome);
    assert_eq!(outcome.summary()["delivered"], 3);
    assert_all(&world, &store);
}

#[test]
fn watch_deletes_fetched_messages_too() {
    let (world, store, steps) = (world(), ImapStore::with(2), Steps::default());
    let all = store.clone();
    let seen = steps.clone();
    let server = Imapd::for_store(&store).mode(Mode::Plain).hook(move |event| {
        if event.verb == "IDLE" {
            seen.note();
        }
        Act::Normal
    });
    let server = server.start();
    let outcome = during(watch(&world, &server).arg("--delete"), &server, || {
        steps.wait_for(1);
        all.deliver("INBOX", &message(9));
        steps.wait_for(2);
    });
    assert_ended_by_term(&outcome);
    assert_eq!((&outcome.summary()["delivered"], &outcome.summary()["deleted"]), (&3.into(), &3.into()));
    assert!(store.messages("INBOX").is_empty());
    assert_eq!(world.mail().len(), 3);
    server.assert_clean();
}
