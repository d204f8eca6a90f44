//! `fetch`, `list` and `send --save-copy imap` with pymap, with any of its extensions taken away: then what they add is
//! unknown to it, so that whoever uses it unannounced is told so.

use crate::imapd_itself::client::Client;
use crate::support::disk::{assert_same, maildir, names, sorted};
use crate::support::mailbox::{message, stored};
use crate::support::peer::Victim;
use crate::support::pop3d::USER;
use crate::support::process::Run;
use crate::support::pymap::Pymap;
use crate::support::world::World;
use crate::world;

/// What is taken away: everything that a fetch may use, in turn and together.
const WITHOUT: &[&[&str]] = &[
    &[],
    &["MOVE"],
    &["UIDPLUS"],
    &["MOVE", "UIDPLUS"],
    &["MOVE", "UIDPLUS", "IDLE", "OBJECTID", "CHILDREN", "BINARY", "MULTIAPPEND"],
];

fn other_client(pymap: &Pymap) -> Client {
    Client::at_port(pymap.port(), USER)
}

/// Files messages, each with its flags.
fn fill<'a>(pymap: &Pymap, mailbox: &str, messages: impl IntoIterator<Item = (&'a Vec<u8>, &'a str)>) {
    let mut client = other_client(pymap);
    for (message, flags) in messages {
        let answer = client.append(mailbox, flags, message);
        assert!(answer.contains(" OK "), "{answer}");
    }
}

fn plain(count: usize) -> Vec<Vec<u8>> {
    (1..=count).map(|number| stored(&message(number))).collect()
}

fn fetch(world: &World, pymap: &Pymap) -> Run {
    world.at_url(&pymap.url(), "fetch").arg("--maildir").arg(world.path("Mail"))
}

#[track_caller]
fn assert_all_known(pymap: &Pymap, without: &[&str]) {
    let unknown: Vec<_> = pymap.commands().into_iter().filter(|line| line.starts_with('?')).collect();
    assert_eq!(unknown, Vec::<String>::new(), "{without:?}");
}

#[test]
fn messages_are_kept_and_deleted_on_pymap_with_any_extensions() {
    let test = "messages_are_kept_and_deleted_on_pymap_with_any_extensions";
    for without in WITHOUT {
        let Some(pymap) = Pymap::start(test, without) else { return };
        let all = plain(40);
        let flags = |at: usize| ["", "\\Seen", "\\Flagged", "\\Answered \\Seen"][at % 4];
        fill(&pymap, "INBOX", all.iter().enumerate().map(|(at, one)| (one, flags(at))));
        let before = other_client(&pymap).flags();
        let world = world();
        let outcome = fetch(&world, &pymap).go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 40, "{without:?}: {outcome:?}");
        assert_same(&world.mail(), &sorted(all.clone()));
        assert_eq!((names(&world.path("Mail/new")).len(), names(&world.path("Mail/cur")).len()), (10, 30));
        assert_eq!(other_client(&pymap).flags(), before, "{without:?}: a flag has changed");
        let list = world.at_url(&pymap.url(), "list").go();
        assert_eq!(list.assert_exit(0).of_type("message").len(), 40, "{without:?}");

        let late = stored(&message(77));
        fill(&pymap, "INBOX", [(&late, "")]);
        let outcome = fetch(&world, &pymap).arg("--delete").go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 1, "{without:?}");
        assert_eq!(outcome.summary()["deleted"], 41, "{without:?}");
        assert_eq!(other_client(&pymap).flags(), [], "{without:?}");
        assert_same(&world.mail(), &sorted(all.into_iter().chain([late]).collect()));
        assert_all_known(&pymap, without);
    }
}

#[test]
fn marks_of_another_client_stay_on_pymap_with_any_extensions() {
    let test = "marks_of_another_client_stay_on_pymap_with_any_extensions";
    for without in WITHOUT {
        let Some(pymap) = Pymap::start(test, without) else { return };
        let all = plain(4);
        fill(&pymap, "INBOX", all.iter().zip(["", "\\Deleted", "", "\\Seen"]));
        let before = other_client(&pymap).flags();
        let world = world();
        let first = before[0].0.to_string();
        let outcome = fetch(&world, &pymap).args(["--uid", &first, "--delete"]).go();
        let (code, left) = match without.contains(&"UIDPLUS") {
            true => (69, &before[..]),
            false => (0, &before[1..]),
        };
        assert_eq!(outcome.code, Some(code), "{without:?}: {outcome:?}");
        assert_eq!(other_client(&pymap).flags(), left, "{without:?}");
        assert_same(&world.mail(), &all[..1]);
        assert_all_known(&pymap, without);
    }
}

#[test]
fn messages_are_moved_between_folders_of_pymap_with_any_extensions() {
    let test = "messages_are_moved_between_folders_of_pymap_with_any_extensions";
    for without in WITHOUT {
        let Some(pymap) = Pymap::start(test, without) else { return };
        let mut client = other_client(&pymap);
        for name in ["Archive", "Lists", "Lists/R&AOk-sum&AOk-"] {
            let answer = client.ask(&format!("CREATE {name}"));
            assert!(answer.contains(" OK "), "{answer}");
        }
        let (all, lists) = (plain(30), plain(3));
        fill(&pymap, "INBOX", all.iter().map(|one| (one, "")));
        fill(&pymap, "Lists/R&AOk-sum&AOk-", lists.iter().map(|one| (one, "")));
        let world = world();
        let outcome = world.at_url(&pymap.url(), "list").arg("--folders").go();
        let rows = outcome.assert_exit(0).of_type("folder");
        for (name, count) in [("INBOX", 30), ("Archive", 0), ("Lists/R\u{e9}sum\u{e9}", 3)] {
            let row =
                rows.iter().find(|row| row["folder"] == name).unwrap_or_else(|| panic!("{name}: {rows:?}"));
            assert_eq!(row["messages"], count, "{without:?}: {name}");
        }
        let outcome = fetch(&world, &pymap).args(["--all-folders", "--move-to", "Archive"]).go();
        assert_eq!(outcome.code, Some(0), "{without:?}: {outcome:?}");
        assert_eq!(outcome.summary()["deleted"], 33, "{without:?}: {outcome:?}");
        assert_same(&world.mail(), &sorted(all.clone()));
        assert_same(&maildir(&world.path("Mail/.Lists.R\u{e9}sum\u{e9}")), &lists);
        let there = world.at_url(&pymap.url(), "fetch").args(["--folder", "Archive", "--all", "--maildir"]);
        there.arg(world.path("There")).go().assert_exit(0);
        assert_same(&maildir(&world.path("There")), &sorted(all.into_iter().chain(lists).collect()));
        assert_all_known(&pymap, without);
    }
}

#[test]
fn pymap_s_new_mail_is_fetched_as_it_arrives_with_and_without_idle() {
    let test = "pymap_s_new_mail_is_fetched_as_it_arrives_with_and_without_idle";
    for without in [&[][..], &["IDLE"]] {
        let Some(pymap) = Pymap::start(test, without) else { return };
        let world = world();
        let (all, victim) = (plain(4), Victim::default());
        let run = fetch(&world, &pymap).args(["--watch", "--every", "0.2s"]).victim(victim.clone());
        let outcome = std::thread::scope(|scope| {
            let running = scope.spawn(move || run.go());
            for (count, one) in all.iter().enumerate() {
                fill(&pymap, "INBOX", [(one, "")]);
                // Nothing signals this: check again soon.
                let there =
                    || world.path("Mail/new").exists() && names(&world.path("Mail/new")).len() > count;
                while !there() && !running.is_finished() {
                    std::thread::park_timeout(std::time::Duration::from_millis(5));
                }
            }
            victim.signal(rustix::process::Signal::TERM);
            running.join().unwrap()
        });
        assert_eq!(outcome.signal, Some(15), "{without:?}: {outcome:?}");
        assert_same(&world.mail(), &sorted(all));
        let idled = pymap.commands().iter().any(|line| line == "IDLE");
        assert_eq!(idled, without.is_empty(), "{:?}", pymap.commands());
        assert_all_known(&pymap, without);
    }
}
