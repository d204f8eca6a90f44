//! Everything after the login: listings, UIDs, sizes, the framing of messages, deletions.

use crate::quirks::Quirk;
use crate::support::disk::assert_same;
use crate::support::mailbox::{Mailbox, message, stored};
use crate::support::pop3d::{Act, Pop3d};
use crate::world;
use std::fs;

/// The lines of one connection that begin with a verb.
fn with_verb(sent: &[String], verb: &str) -> Vec<String> {
    sent.iter().filter(|line| line.starts_with(verb)).cloned().collect()
}

#[test]
fn after_a_local_failure_no_quit_is_sent_in_keep_mode_either() {
    // The command refuses the second message, permanently or for this run.
    for status in ["1", "75"] {
        let quirk = Quirk::of("gmail-retrieve-once");
        let command = format!("if grep -q 'Subject: two'; then exit {status}; fi");
        let outcome = quirk.run("fetch").args(["--keep", "--exec", &command]).go();
        outcome.assert_exit(1);
        assert_eq!(outcome.summary()["delivered"], 1);
        quirk.player.assert_followed();
        assert!(with_verb(&quirk.sent()[0], "QUIT").is_empty(), "{:?}", quirk.sent());
    }
}

#[test]
fn after_a_local_failure_deletions_are_made_in_a_session_of_their_own() {
    let quirk = Quirk::of("gmail-retrieve-once-delete");
    let command = "if grep -q 'Subject: two'; then exit 1; fi";
    let outcome = quirk.run("fetch").args(["--delete", "--exec", command]).go();
    outcome.assert_exit(1);
    let summary = outcome.summary();
    assert_eq!(
        (&summary["delivered"], &summary["deleted"], &summary["failed"]),
        (&1.into(), &1.into(), &1.into())
    );
    quirk.player.assert_followed();
    let sent = quirk.sent();
    assert!(with_verb(&sent[0], "QUIT").is_empty() && with_verb(&sent[0], "DELE").is_empty(), "{sent:?}");
    assert_eq!((with_verb(&sent[1], "DELE").len(), with_verb(&sent[1], "QUIT").len()), (1, 1), "{sent:?}");
}

#[test]
fn a_server_that_lists_a_few_at_a_time_is_asked_until_it_is_empty() {
    let quirk = Quirk::of("gmail-few-at-a-time");
    quirk.fetch("--delete").arg("--until-empty").go().assert_exit(0);
    assert_eq!(quirk.subjects(), ["one", "two"]);
    quirk.player.assert_followed();
}

#[test]
fn without_uidl_keeping_mail_is_refused_and_a_uidl_that_vanishes_doubles_nothing() {
    for name in ["uidl-absent", "uidl-announced-and-absent"] {
        let quirk = Quirk::of(name);
        quirk.fetch("--keep").go().assert_failure(69, "missing");
        assert!(quirk.world.mail().is_empty(), "{name}");
        let quirk = Quirk::of(name);
        quirk.fetch("--delete").go().assert_exit(0);
        assert_eq!(quirk.subjects(), ["one", "two"], "{name}");
        assert_eq!(with_verb(&quirk.sent()[0], "DELE").len(), 2, "{name}");
    }
    let quirk = Quirk::of("uidl-not-announced");
    quirk.fetch("--keep").go().assert_exit(0);
    assert_eq!(quirk.subjects(), ["one", "two"], "whether UIDL is there is known by asking");

    let quirk = Quirk::of("uidl-gone");
    quirk.fetch("--keep").go().assert_exit(0);
    quirk.fetch("--delete").go().assert_failure(69, "missing");
    assert_eq!(quirk.subjects(), ["one", "two"]);
    assert!(with_verb(&quirk.sent()[1], "RETR").is_empty(), "nothing is fetched again: {:?}", quirk.sent());
}

#[test]
fn wrong_replies_to_top_affect_list_only() {
    let quirk = Quirk::of("top-truncated");
    let outcome = quirk.run("list").go();
    outcome.assert_exit(0);
    let lines = outcome.of_type("message");
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["subject"], "one");
    let quirk = Quirk::of("top-truncated");
    quirk.fetch("--keep").go().assert_exit(0);
    assert_eq!(quirk.subjects(), ["one", "two"]);
    assert!(with_verb(&quirk.sent()[0], "TOP").is_empty());
}

#[test]
fn listed_sizes_are_only_hints() {
    for name in ["list-sizes-odd", "list-sizes-odd-pipelined"] {
        let quirk = Quirk::of(name);
        let outcome = quirk.fetch("--delete").go();
        outcome.assert_exit(0);
        assert_eq!(quirk.subjects(), ["4", "5", "6", "one", "three", "two"], "{name}");
        quirk.player.assert_followed();
        let delivered: Vec<_> =
            outcome.of_type("message").into_iter().filter(|line| line["action"] == "delivered").collect();
        let size = |number: u64| {
            delivered.iter().find(|line| line["number"] == number).map(|line| line["size"].clone()).unwrap()
        };
        assert!(size(1).is_null() && size(3).is_null() && size(6).is_null(), "{delivered:?}");
        assert_eq!(size(5), 1024, "as it is listed, though it is wrong");
    }
}

#[test]
fn messages_that_uidl_lists_are_fetched_and_others_reported() {
    let quirk = Quirk::of("listings-disagree");
    let outcome = quirk.fetch("--delete").go();
    outcome.assert_exit(1);
    assert_eq!(quirk.subjects(), ["one", "three"]);
    let sent = &quirk.sent()[0];
    assert_eq!(with_verb(sent, "RETR"), ["RETR 1", "RETR 3"]);
    assert_eq!(with_verb(sent, "DELE"), ["DELE 1", "DELE 3"]);
    let numbers: Vec<_> = outcome.of_type("error").iter().map(|line| line["number"].clone()).collect();
    assert_eq!(numbers, [2, 4], "{outcome:?}");
}

#[test]
fn terminators_may_end_in_a_bare_line_feed() {
    let quirk = Quirk::of("terminator-bare-lf");
    quirk.fetch("--delete").go().assert_exit(0);
    assert_eq!(quirk.subjects(), ["one", "two"]);
    quirk.player.assert_followed();
}

/// A message that breaks the dialogue is reported and stays; the others are fetched. Nothing is deleted on
/// a server whose framing cannot be trusted.
#[track_caller]
fn assert_only_the_second_is_left(name: &str) {
    let quirk = Quirk::of(name);
    let outcome = quirk.fetch("--delete").go();
    let error = outcome.assert_exit(1).error();
    assert_eq!((&error["kind"], &error["scope"]), (&"protocol".into(), &"message".into()), "{name}: {error}");
    assert_eq!((&error["uid"], &error["number"]), (&"uid-2".into(), &2.into()), "{name}");
    assert_eq!(quirk.subjects(), ["one", "three"], "{name}: {:?}", quirk.sent());
    quirk.player.assert_followed();
    let sent = quirk.sent();
    let early = sent.split_last().unwrap().1.concat();
    assert!(with_verb(&early, "QUIT").is_empty(), "{name}: {sent:?}");
    assert!(with_verb(&sent.concat(), "DELE").is_empty(), "{name}: {sent:?}");
    let summary = outcome.summary();
    assert_eq!((&summary["delivered"], &summary["failed"]), (&2.into(), &1.into()), "{name}");
}

#[test]
fn a_message_without_dot_stuffing_is_not_taken_and_does_not_stop_the_others() {
    assert_only_the_second_is_left("not-stuffed");
    assert_only_the_second_is_left("not-stuffed-pipelined");
}

#[test]
fn a_terminator_without_a_line_of_its_own_is_noticed_and_the_message_not_taken() {
    assert_only_the_second_is_left("glued-terminator");
    assert_only_the_second_is_left("glued-terminator-pipelined");
}

#[test]
fn a_message_that_looks_as_if_its_terminator_were_misplaced_is_fetched_whole() {
    let tricky = b"Subject: tricky\r\n\r\nThe end.\r\n+OK is what comes next\r\n".to_vec();
    let mailbox = Mailbox::of([message(1), tricky, message(3)]);
    let all = crate::support::disk::sorted(mailbox.as_stored());
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).arg("--delete").go().assert_exit(0);
    assert_same(&world.mail(), &all);
    assert!(mailbox.messages().is_empty());
}

#[test]
fn a_mailbox_with_all_other_uids_stops_the_run_until_accepted() {
    let quirk = Quirk::of("uids-all-changed");
    quirk.run("fetch").arg("--mark-seen").go().assert_exit(0);
    let error = quirk.fetch("--delete").go().assert_failure(69, "uid_reset");
    assert!(error["hint"].as_str().unwrap().contains("--accept-uid-reset"), "{error}");
    assert!(with_verb(&quirk.sent()[1], "RETR").is_empty());
    quirk.fetch("--keep").args(["--accept-uid-reset", "--limit", "1"]).go().assert_exit(0);
    assert_eq!(quirk.subjects(), ["one"]);
    quirk.player.assert_followed();
}

#[test]
fn messages_with_one_uid_are_kept_apart_and_never_deleted_by_it() {
    let quirk = Quirk::of("uids-duplicate");
    quirk.fetch("--keep").go().assert_exit(0);
    assert_eq!(quirk.subjects(), ["one", "three", "two"]);
    let again = quirk.fetch("--delete").go();
    again.assert_exit(0);
    assert_eq!(quirk.subjects(), ["one", "three", "two"], "none is fetched again");
    let sent = &quirk.sent()[1];
    assert!(with_verb(sent, "RETR").is_empty());
    assert_eq!(with_verb(sent, "DELE"), ["DELE 2"], "the others have no UID of their own");
}

#[test]
fn a_uid_of_another_size_is_another_message() {
    let quirk = Quirk::of("uid-reused");
    quirk.fetch("--keep").go().assert_exit(0);
    quirk.fetch("--delete").go().assert_exit(0);
    assert_eq!(quirk.subjects(), ["one", "two"]);
    quirk.player.assert_followed();
    assert_eq!(with_verb(&quirk.sent()[1], "RETR"), ["RETR 1"]);
}

#[test]
fn odd_uids_are_opaque() {
    let quirk = Quirk::of("uids-odd");
    let outcome = quirk.fetch("--keep").go();
    outcome.assert_exit(0);
    assert_eq!(quirk.subjects().len(), 6);
    let uids: Vec<String> =
        outcome.of_type("message").iter().map(|line| line["uid"].as_str().unwrap().to_owned()).collect();
    let wanted =
        [&"L".repeat(71), "two words", "spaces-before", "a/../b", "\u{1}\u{1b}[2J", &"K".repeat(500)];
    assert_eq!(uids, wanted);
    quirk.fetch("--delete").go().assert_exit(0);
    let sent = &quirk.sent()[1];
    assert!(with_verb(sent, "RETR").is_empty(), "each is recognised");
    assert_eq!(with_verb(sent, "DELE").len(), 6);
    quirk.player.assert_followed();
}

#[test]
fn messages_that_are_not_listed_once_are_not_forgotten() {
    let quirk = Quirk::of("only-the-newest-listed");
    for _ in 0..3 {
        quirk.fetch("--keep").go().assert_exit(0);
    }
    assert_eq!(quirk.subjects(), ["one", "three", "two"]);
    assert!(with_verb(&quirk.sent()[2], "RETR").is_empty());
    quirk.player.assert_followed();
}

#[test]
fn expire_0_gives_a_warning_if_messages_are_to_stay() {
    for (after, warns) in [("--keep", true), ("--delete-after=14d", true), ("--delete", false)] {
        let quirk = Quirk::of("expire-0");
        let outcome = quirk.fetch(after).go();
        outcome.assert_exit(0);
        assert_eq!(outcome.err().contains("EXPIRE 0"), warns, "{after}: {}", outcome.err());
        assert_eq!(quirk.subjects(), ["one", "two"]);
    }
}

#[test]
fn a_refused_message_does_not_stop_the_others() {
    let quirk = Quirk::of("message-expunged");
    let outcome = quirk.fetch("--delete").go();
    assert_eq!(outcome.assert_exit(1).error()["uid"], "uid-2");
    assert_eq!(quirk.subjects(), ["one", "three"]);
    assert_eq!(with_verb(&quirk.sent()[0], "DELE"), ["DELE 1", "DELE 3"]);
    assert_eq!(with_verb(&quirk.sent()[0], "QUIT").len(), 1, "nothing failed on this side");
}

#[test]
fn internal_messages_of_a_mail_server_are_left_unless_asked_for() {
    let quirk = Quirk::of("folder-internal-data");
    let outcome = quirk.fetch("--delete").go();
    outcome.assert_exit(0);
    assert_eq!(quirk.subjects(), ["two"]);
    let skipped = &outcome.of_type("message")[0];
    assert_eq!((&skipped["action"], &skipped["reason"]), (&"skipped".into(), &"folder_internal_data".into()));
    assert_eq!(with_verb(&quirk.sent()[0], "DELE"), ["DELE 2"]);
    for destination in ["--mbox", "--exec", "--stdout"] {
        let quirk = Quirk::of("folder-internal-data");
        let run = quirk.run("fetch").arg(destination);
        let run = match destination {
            "--mbox" => run.arg(quirk.world.path("mbox")),
            "--exec" => run.arg("cat > taken"),
            _ => run,
        };
        assert_eq!(run.go().assert_exit(0).summary()["delivered"], 1, "{destination}");
    }
    let quirk = Quirk::of("folder-internal-data");
    quirk.fetch("--keep").arg("--all").go().assert_exit(0);
    assert_eq!(quirk.subjects().len(), 2);
}

#[test]
fn deletions_that_the_server_did_not_make_are_repeated_without_fetching() {
    let quirk = Quirk::of("deletions-not-done");
    let outcome = quirk.fetch("--delete").go();
    outcome.assert_exit(75).error();
    assert_eq!(outcome.summary()["deleted"], 0);
    quirk.fetch("--delete").go().assert_exit(0);
    assert_eq!(with_verb(&quirk.sent()[1], "DELE"), ["DELE 1", "DELE 2"]);
    assert_eq!(quirk.subjects(), ["one", "two"]);
    quirk.player.assert_followed();
}

#[test]
fn too_many_or_too_few_replies_delete_no_wrong_message() {
    // At each command one reply more than it asked for, or none.
    for line in ["UIDL", "LIST", "RETR 1", "RETR 2", "NOOP", "DELE 1", "DELE 2"] {
        for extra in [&b"+OK\r\n+OK\r\n"[..], b"+OK once\r\n-ERR twice\r\n", b""] {
            let mailbox = Mailbox::with(4);
            let before = mailbox.messages();
            let (world, octets) = (world(), extra.to_vec());
            let server = Pop3d::for_mailbox(&mailbox)
                .hook(move |event| match event.line == line {
                    true => Act::Reply(octets.clone()),
                    false => Act::Normal,
                })
                .start();
            let outcome = world.fetch_within("1s", &server).arg("--delete").go();
            outcome.summary();
            let (mail, left) = (world.mail(), mailbox.messages());
            for message in &before {
                let wanted = stored(&message.wire);
                let here = mail.iter().filter(|copy| **copy == wanted).count();
                assert!(here <= 1, "{line}, {extra:?}: {} is doubled", message.uid);
                assert!(here == 1 || left.contains(message), "{line}, {extra:?}: {} is lost", message.uid);
            }
        }
    }
}

#[test]
fn dots_and_line_ends_survive_every_split_at_the_buffers_edges() {
    // The special octets are at each position near the edge of a TLS record and of a buffer.
    let mut messages = Vec::new();
    for edge in [4096usize, 16_384, 65_536] {
        for place in edge - 24..edge + 4 {
            let head = b"Subject: edge\r\n\r\n".to_vec();
            let fill = vec![b'x'; place - head.len() - 2];
            messages.push([head, fill, b"\r\n..\r\n.\r\n\r\r\n.x\r\n".to_vec()].concat());
        }
    }
    let mailbox = Mailbox::of(messages);
    let all = crate::support::disk::sorted(mailbox.as_stored());
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).arg("--delete").go().assert_exit(0);
    assert_same(&world.mail(), &all);
}

#[test]
fn a_million_header_fields_cost_no_memory() {
    let mut wire = b"Subject: many\r\n".to_vec();
    for number in 0..1_000_000 {
        wire.extend_from_slice(format!("X-{number}: y\r\n").as_bytes());
    }
    wire.extend_from_slice(b"\r\nx\r\n");
    let mailbox = Mailbox::of([&wire]);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    for command in ["list", "fetch"] {
        let run = world.at_url_within("60s", &server.url(), command);
        let run = if command == "fetch" { run.arg("--maildir").arg(world.path("Mail")) } else { run };
        // The same address space that holds the program, its libraries and its threads.
        let outcome = run.under_shell("ulimit -v 262144").go();
        assert_eq!(outcome.assert_exit(0).of_type("message")[0]["subject"], "many", "{command}");
    }
    assert_eq!(fs::read_dir(world.path("Mail/new")).unwrap().count(), 1);
    assert_same(&world.mail(), &[stored(&wire)]);
}

#[test]
fn deep_mime_is_not_parsed() {
    let mut wire = b"Subject: deep\r\nFrom: ".to_vec();
    wire.extend(vec![b'('; 100_000]);
    wire.extend_from_slice(b"\r\nTo: ");
    wire.extend(b"a:".repeat(50_000));
    wire.extend_from_slice(b"\r\nContent-Type: multipart/mixed; boundary=0\r\n\r\n");
    for number in 0..100_000 {
        let next = number + 1;
        wire.extend_from_slice(
            format!("--{number}\r\nContent-Type: multipart/mixed; boundary={next}\r\n\r\n").as_bytes(),
        );
    }
    let mailbox = Mailbox::of([&wire]);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let listed = world.pop3(&server, "list").under_shell("ulimit -s 512").go();
    assert_eq!(listed.assert_exit(0).of_type("message")[0]["subject"], "deep");
    world.fetch(&server).under_shell("ulimit -s 512").go().assert_exit(0);
    assert_same(&world.mail(), &[stored(&wire)]);
}
