//! Sizes that change, and sizes that are wrong: a known message with another size is compared before anything
//! else happens, and `--max-size` holds for what arrives.

use crate::support::disk::{assert_same, maildir, mbox, sorted, split_mboxrd};
use crate::support::mailbox::{Mailbox, message, message_of, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Event, Pop3d, Setup};
use crate::support::world::World;
use crate::world;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What LIST says about a mailbox's messages: their octets times this, plus that.
#[derive(Clone, Default)]
struct Sizes(Arc<AtomicU64>);

impl Sizes {
    fn more_by(&self, octets: u64) {
        self.0.store(octets, Ordering::SeqCst);
    }

    fn hook(&self, mailbox: &Mailbox) -> impl Fn(&Event<'_>) -> Act + Send + Sync + use<> {
        let (sizes, mailbox) = (self.clone(), mailbox.clone());
        move |event| match (event.line, sizes.0.load(Ordering::SeqCst)) {
            ("LIST", more) if more > 0 => {
                let rows: String = mailbox
                    .messages()
                    .iter()
                    .enumerate()
                    .map(|(at, one)| format!("{} {}\r\n", at + 1, one.wire.len() as u64 + more))
                    .collect();
                Act::Reply(format!("+OK\r\n{rows}.\r\n").into_bytes())
            }
            _ => Act::Normal,
        }
    }
}

fn started(mailbox: &Mailbox, sizes: &Sizes) -> Pop3d {
    Pop3d::for_mailbox(mailbox).hook(sizes.hook(mailbox)).start()
}

/// Messages with everything in them that one destination quotes and another does not, small and large.
fn four() -> Mailbox {
    let quoted = b"Subject: quoted\r\n\r\nFrom me\r\n>From you\r\n".to_vec();
    Mailbox::of([message(1), quoted, message_of(3, 300_000), message_of(4, 2_300_000)])
}

/// How often a server was asked for a message since it had answered `before` connections.
fn retrieved(server: &Pop3d, before: usize) -> usize {
    let asked = |line: &str| line.starts_with("RETR");
    let journals = server.journals();
    journals[before..].iter().flat_map(|it| &it.commands).filter(|(_, line)| asked(line)).count()
}

/// The destinations, and how what arrived there is read back.
const WAYS: [&str; 4] = ["--maildir", "--mbox", "--exec", "--stdout"];

/// Fetches to one destination; returns what this run gave to a command or standard output.
fn run(world: &World, server: &Pop3d, way: &str, more: &[&str]) -> Vec<Vec<u8>> {
    let came = world.path("came");
    let _ = fs::remove_dir_all(&came);
    fs::create_dir(&came).unwrap();
    let fetch = world.postie(["--ca-file", &world.text("ca.pem"), "--password-file", &world.text("secret")]);
    let fetch = fetch.args(["--timeout", "20s", "--server", &server.url(), "fetch"]).args(more);
    let fetch = fetch.victim(server.victim());
    let outcome = match way {
        "--maildir" => fetch.args([way, &world.text("Mail")]).run(),
        "--mbox" => fetch.args([way, &world.text("mbox")]).run(),
        "--exec" => fetch.args([way, "cat > came/$$"]).run(),
        _ => fetch.arg(way).run(),
    };
    assert!(outcome.signal.is_some() || outcome.code == Some(0), "{way}: {outcome:?}");
    // In keep mode postie does not wait for the reply to QUIT: the next run must not find the mailbox locked.
    server.journals();
    match way {
        "--stdout" => split_mboxrd(&outcome.stdout),
        _ => fs::read_dir(&came).unwrap().map(|one| fs::read(one.unwrap().path()).unwrap()).collect(),
    }
}

/// Everything that ever arrived at a destination; `taken`: the results of each run.
fn all(world: &World, way: &str, taken: &[Vec<Vec<u8>>]) -> Vec<Vec<u8>> {
    match way {
        "--maildir" => maildir(&world.path("Mail")),
        "--mbox" => mbox(&world.path("mbox")),
        _ => taken.concat(),
    }
}

#[test]
fn a_known_message_whose_size_becomes_exact_is_not_delivered_again() {
    for way in WAYS {
        let (mailbox, sizes) = (four(), Sizes::default());
        let wanted = sorted(mailbox.as_stored());
        sizes.more_by(1000);
        let (world, server) = (world(), started(&mailbox, &sizes));
        let mut taken = vec![run(&world, &server, way, &[])];
        sizes.more_by(0);
        taken.push(run(&world, &server, way, &[]));
        assert_eq!(retrieved(&server, 1), 4, "{way}: each is compared");
        taken.push(run(&world, &server, way, &[]));
        assert_eq!(retrieved(&server, 2), 0, "{way}: and then known");
        sizes.more_by(1000);
        taken.push(run(&world, &server, way, &[]));
        assert_eq!(retrieved(&server, 3), 0, "{way}: under its first size as well");
        assert_same(&sorted(all(&world, way, &taken)), &wanted);
        sizes.more_by(0);
        taken.push(run(&world, &server, way, &["--delete"]));
        assert!(mailbox.messages().is_empty(), "{way}: what is safe here may go");
        assert_same(&sorted(all(&world, way, &taken)), &wanted);
    }
}

#[test]
fn a_message_stored_at_one_destination_is_recognised_by_content_at_another() {
    for first in WAYS {
        for second in WAYS {
            let (mailbox, sizes) = (four(), Sizes::default());
            let (world, server) = (world(), started(&mailbox, &sizes));
            run(&world, &server, first, &[]);
            sizes.more_by(7);
            let taken = run(&world, &server, second, &["--delete"]);
            assert!(taken.is_empty(), "{first}, then {second}");
            assert_eq!(retrieved(&server, 1), 4);
            assert!(mailbox.messages().is_empty(), "compared, it is proven: {first}, then {second}");
        }
    }
}

#[test]
fn different_content_under_a_known_uid_is_a_new_message() {
    for way in WAYS {
        let mailbox = Mailbox::of([message(1), message_of(2, 3_000_000)]);
        let (world, server) = (world(), started(&mailbox, &Sizes::default()));
        let mut taken = vec![run(&world, &server, way, &["--delete"])];
        let others = [message(11), message_of(12, 3_100_000)];
        others.iter().for_each(|one| mailbox.add(one));
        mailbox.set_uid(1, "uid-0001");
        mailbox.set_uid(2, "uid-0002");
        for _ in 0..2 {
            taken.push(run(&world, &server, way, &[]));
        }
        let wanted =
            [message(1), message_of(2, 3_000_000)].iter().chain(&others).map(|one| stored(one)).collect();
        assert_same(&sorted(all(&world, way, &taken)), &sorted(wanted));
        taken.push(run(&world, &server, way, &["--delete"]));
        assert!(mailbox.messages().is_empty(), "{way}");
    }
}

#[test]
fn a_server_whose_sizes_change_in_every_run_is_not_asked_for_ever() {
    let (mailbox, sizes) = (four(), Sizes::default());
    let (world, server) = (world(), started(&mailbox, &sizes));
    for more in 0..12 {
        sizes.more_by(more * 100);
        run(&world, &server, "--maildir", &[]);
    }
    assert_eq!(retrieved(&server, 6), 0, "by then it is known that sizes say nothing");
    assert_eq!(world.mail().len(), 4);
    sizes.more_by(77);
    run(&world, &server, "--maildir", &["--delete"]);
    assert_eq!(retrieved(&server, 12), 4, "no message goes from there uncompared");
    assert!(mailbox.messages().is_empty());
    assert_eq!(world.mail().len(), 4);
}

#[test]
fn messages_of_one_uid_whose_sizes_change_are_matched_by_content() {
    let (mailbox, sizes) = (Mailbox::of((1..=3).map(message)), Sizes::default());
    (1..=3).for_each(|number| mailbox.set_uid(number, "same"));
    let (world, server) = (world(), started(&mailbox, &sizes));
    for more in [50, 0, 20, 50] {
        sizes.more_by(more);
        run(&world, &server, "--maildir", &[]);
        assert_same(&world.mail(), &sorted(mailbox.as_stored()));
    }
    mailbox.add(&message(4));
    mailbox.set_uid(4, "same");
    run(&world, &server, "--maildir", &["--delete"]);
    assert_same(&world.mail(), &sorted((1..=4).map(|number| stored(&message(number))).collect()));
}

#[test]
fn a_kill_while_a_message_is_compared_doubles_nothing() {
    for way in WAYS {
        for (line, octets) in [("RETR 2", 0), ("RETR 4", 2_200_000), ("QUIT", 0)] {
            let (mailbox, sizes) = (four(), Sizes::default());
            let wanted = sorted(mailbox.as_stored());
            let armed = Arc::new(AtomicBool::new(false));
            let (list, here) = (sizes.hook(&mailbox), Arc::clone(&armed));
            let server = Pop3d::for_mailbox(&mailbox)
                .without("PIPELINING")
                .hook(move |event| match event.line == line && here.swap(false, Ordering::SeqCst) {
                    true => Act::Cut(octets, End::Kill),
                    false => list(event),
                })
                .start();
            let world = world();
            let mut taken = vec![run(&world, &server, way, &[])];
            sizes.more_by(33);
            armed.store(true, Ordering::SeqCst);
            taken.push(run(&world, &server, way, &["--delete"]));
            taken.push(run(&world, &server, way, &["--delete"]));
            assert_same(&sorted(all(&world, way, &taken)), &wanted);
            assert!(mailbox.messages().is_empty(), "{way}, killed at {line}");
        }
    }
}

/// A server that lists every message with a size of one octet.
fn lying(mailbox: &Mailbox) -> Setup {
    let listed = mailbox.clone();
    Pop3d::for_mailbox(mailbox).hook(move |event| match event.line {
        "LIST" => {
            let count = listed.messages().len();
            let rows: String = (1..=count).map(|number| format!("{number} 1\r\n")).collect();
            Act::Reply(format!("+OK\r\n{rows}.\r\n").into_bytes())
        }
        _ => Act::Normal,
    })
}

#[test]
fn a_message_larger_than_listed_that_exceeds_max_size_is_dropped_and_remembered() {
    // One whose rest is skipped, and one for which the session is ended.
    for size in [200_000, 20_000_000] {
        for way in WAYS {
            for pipelining in [true, false] {
                let mailbox = Mailbox::of([message(1), message_of(2, size), message(3)]);
                let setup = lying(&mailbox);
                let server = if pipelining { setup } else { setup.without("PIPELINING") }.start();
                let world = world();
                let limit = ["--max-size", "100K", "--delete"];
                let taken = vec![run(&world, &server, way, &limit)];
                let wanted = sorted(vec![stored(&message(1)), stored(&message(3))]);
                assert_same(&sorted(all(&world, way, &taken)), &wanted);
                assert_eq!(mailbox.uids(), ["uid-0002"], "{way}");
                let sessions = server.journals().len();
                assert!(run(&world, &server, way, &limit).is_empty());
                assert_eq!(retrieved(&server, sessions), 0, "{way}: it is not fetched in vain again");
                let taken = vec![taken.concat(), run(&world, &server, way, &["--delete"])];
                assert_eq!(all(&world, way, &taken).len(), 3);
                assert!(mailbox.messages().is_empty());
            }
        }
    }
}

#[test]
fn max_size_is_exact_and_counts_octets_like_list() {
    let wire = b"Subject: dots\r\n\r\n.\r\n..x\r\n.y\r\n".to_vec();
    for (less, delivered) in [(0, 1), (1, 0)] {
        let mailbox = Mailbox::of([&wire]);
        let (world, server) = (world(), lying(&mailbox).start());
        let limit = (wire.len() - less).to_string();
        let outcome = world.fetch(&server).args(["--max-size", &limit]).go();
        let summary = outcome.assert_exit(0).summary();
        assert_eq!(
            (&summary["delivered"], &summary["skipped"]),
            (&delivered.into(), &(1 - delivered).into())
        );
        if delivered == 0 {
            let line = &outcome.of_type("message")[0];
            assert_eq!((&line["action"], &line["reason"]), (&"skipped".into(), &"too_large".into()));
        }
    }
}

#[test]
fn fetching_to_standard_output_deletes_only_with_an_explicit_option() {
    for (args, left) in
        [(&["--stdout"][..], 2), (&["--stdout", "--delete"], 0), (&["--exec", "cat >/dev/null"], 0)]
    {
        let mailbox = Mailbox::with(2);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let after = "[accounts.a.fetch]\nafter = 'delete'";
        world.config(&world.account("a", "pop3", server.port(), after));
        let run = world.postie(["--json", "--ca-file", &world.text("ca.pem"), "fetch"]).args(args);
        assert_eq!(run.go().assert_exit(0).summary()["delivered"], 2);
        assert_eq!(mailbox.messages().len(), left, "{args:?}");
    }
}

#[test]
fn peeking_records_nothing_and_deletes_nothing() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let before = world.tree();
    for way in [&["--stdout"][..], &["--exec", "cat >/dev/null"]] {
        for _ in 0..2 {
            let outcome = world.pop3(&server, "fetch").arg("--peek").args(way).go();
            assert_eq!(outcome.assert_exit(0).summary()["delivered"], 3, "{way:?}");
        }
        let outcome = world.pop3(&server, "fetch").args(["--peek", "--until-empty"]).args(way).go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 3, "{way:?}");
    }
    assert_eq!(world.tree(), before, "nothing is made");
    world.pop3(&server, "fetch").args(["--exec", "true", "--limit", "1"]).go().assert_exit(0);
    let outcome = world.pop3(&server, "fetch").args(["--stdout", "--peek"]).go();
    assert_eq!(outcome.assert_exit(0).summary()["delivered"], 2, "what is known is known");
    for wrong in [
        &["--maildir", "Mail"][..],
        &["--mbox", "mbox"],
        &[],
        &["--stdout", "--delete"],
        &["--exec", "true", "--delete-after", "0s"],
        &["--mark-seen"],
        &["--forget", "uid-0001"],
    ] {
        world.pop3(&server, "fetch").arg("--peek").args(wrong).go().assert_exit(64);
    }
    assert_eq!(mailbox.messages().len(), 3);
}
