//! `fetch` into a command or standard output, several accounts at once, and what the ledger remembers.

use crate::support::disk::{assert_same, maildir, sorted, split_mboxrd};
use crate::support::mailbox::{Mailbox, message, message_of, oddities, sha256, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Pop3d};
use crate::world;
use serde_json::json;
use std::fs;

#[test]
fn a_command_gets_each_message_whole_and_decides_about_it() {
    let mailbox = Mailbox::of(oddities().into_iter().take(12));
    let all = mailbox.as_stored();
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let command =
        "cat > \"got.$POSTIE_UID\"; echo \"$POSTIE_ACCOUNT $POSTIE_SIZE $POSTIE_KEY\" >> env; echo noise";
    let outcome = world.pop3(&server, "fetch").args(["--delete", "--exec", command]).go();
    outcome.assert_exit(0);
    for (at, wanted) in all.iter().enumerate() {
        let got = fs::read(world.path(&format!("got.uid-{:04}", at + 1))).unwrap();
        assert_same(&[got], std::slice::from_ref(wanted));
    }
    let env = fs::read_to_string(world.path("env")).unwrap();
    let keys: std::collections::BTreeSet<&str> =
        env.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(keys.len(), 12, "a key of its own for each: {env}");
    assert!(env.starts_with(&format!("ana@localhost:{} ", server.port())), "{env}");
    assert!(mailbox.messages().is_empty());
}

#[test]
fn exit_75_of_the_command_keeps_the_message_for_later_and_other_codes_are_failures() {
    for (status, code, kind) in [(75, 75, "left_by_command"), (1, 74, "command"), (100, 74, "command")] {
        let mailbox = Mailbox::with(1);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let command = format!("cat > /dev/null; exit {status}");
        let outcome = world.pop3(&server, "fetch").args(["--delete", "--exec", &command]).go();
        outcome.assert_failure(code, kind);
        assert_eq!(mailbox.messages().len(), 1, "it stays");
        world.fetch(&server).arg("--delete").go().assert_exit(0);
        assert_eq!(world.mail().len(), 1, "the next run takes it");
    }
}

#[test]
fn a_message_that_the_command_refuses_does_not_stop_the_others() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let command = "test \"$POSTIE_UID\" != uid-0002 && cat >> got";
    let outcome = world.pop3(&server, "fetch").args(["--delete", "--exec", command]).go();
    outcome.assert_exit(1).error();
    assert_eq!(mailbox.uids(), ["uid-0002"]);
    assert_eq!(fs::read(world.path("got")).unwrap(), [stored(&message(1)), stored(&message(3))].concat());
}

#[test]
fn standard_output_gets_an_mboxrd_and_nothing_else() {
    let mailbox = Mailbox::of(oddities());
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let run = world.postie(["fetch", "--stdout", "--delete", "--server", &server.url(), "--password-file"]);
    let outcome = run.arg(world.path("secret")).arg("--ca-file").arg(world.path("ca.pem")).run();
    outcome.assert_exit(0);
    assert_same(&split_mboxrd(&outcome.stdout), &Mailbox::of(oddities()).as_stored());
    assert!(mailbox.messages().is_empty());
}

#[test]
fn standard_output_with_json_gets_the_message_parsed() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.pop3(&server, "fetch").arg("--stdout").go();
    let lines = outcome.assert_exit(0).of_type("message");
    assert_eq!(lines.len(), 2);
    assert!(lines[0].to_string().contains("Body of message 1."), "{}", lines[0]);
}

#[test]
fn the_fields_of_a_message_are_the_same_for_every_destination() {
    let mailbox = Mailbox::of(oddities());
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let all: Vec<(String, usize)> =
        mailbox.as_stored().iter().map(|octets| (sha256(octets), octets.len())).collect();
    let total: usize = all.iter().map(|(_, size)| size).sum();
    let (maildir, mbox) = (world.text("other"), world.text("box"));
    for destination in [
        &["--maildir", maildir.as_str()][..],
        &["--mbox", mbox.as_str()],
        &["--exec", "cat > /dev/null"],
        &["--stdout"],
    ] {
        let outcome = world.pop3(&server, "fetch").arg("--all").args(destination).go();
        let lines = outcome.assert_exit(0).of_type("message");
        let mut told = vec![(String::new(), 0); all.len()];
        for line in lines {
            let at = usize::try_from(line["number"].as_u64().unwrap()).unwrap() - 1;
            let size = usize::try_from(line["stored_size"].as_u64().unwrap()).unwrap();
            told[at] = (line["sha256"].as_str().unwrap().to_owned(), size);
        }
        assert_eq!(told, all, "{destination:?}");
        assert_eq!(outcome.summary()["bytes"], total, "{destination:?}");
    }
}

#[test]
fn parsed_messages_have_their_text_and_the_names_of_their_attachments() {
    let head = "From: a@example.org\r\nSubject: s\r\n";
    let plain = format!("{head}\r\nhello\r\n");
    let mixed = format!(
        "{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n\
         Content-Type: application/pdf; name=a.pdf\r\nContent-ID: <c@x>\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b--\r\n"
    );
    let mailbox = Mailbox::of([plain, mixed]);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.pop3(&server, "fetch").arg("--stdout").go();
    let lines = outcome.assert_exit(0).of_type("message");
    assert_eq!((&lines[0]["text"], &lines[0]["attachments"]), (&json!("hello\n"), &json!([])));
    assert_eq!((&lines[1]["text"], &lines[1]["html"]), (&json!("hello"), &json!(null)));
    let pdf = json!([{
        "name": "a.pdf", "type": "application/pdf", "size": 3, "cid": "c@x", "sha256": sha256(b"ABC"),
    }]);
    assert_eq!((&lines[1]["attachments"], &lines[1]["parsed"]), (&pdf, &json!(true)));
}

#[test]
fn an_endlessly_nested_message_stops_nothing() {
    let level = "Content-Type: message/rfc822\r\n\r\n";
    let digest: String = (0..20_000)
        .map(|n| format!("--b{n}\r\n\r\nContent-Type: multipart/digest; boundary=b{}\r\n\r\n", n + 1))
        .collect();
    let mailbox = Mailbox::of([
        format!("Subject: 1\r\n{}x\r\n", level.repeat(50_000)).into_bytes(),
        format!("Subject: 2\r\nContent-Type: multipart/digest; boundary=b0\r\n\r\n{digest}x\r\n")
            .into_bytes(),
        message(3),
    ]);
    for command in [&["fetch", "--stdout"][..], &["list"]] {
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let outcome = world.pop3(&server, command[0]).args(&command[1..]).go();
        let lines = outcome.assert_exit(0).of_type("message");
        let subjects: Vec<&str> = lines.iter().map(|line| line["subject"].as_str().unwrap()).collect();
        assert_eq!(subjects, ["1", "2", "message 3"]);
    }
}

#[test]
fn a_message_that_could_not_be_written_to_standard_output_is_not_fetched() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = world.postie(["fetch", "--stdout", "--delete", "--server", &server.url(), "--password-file"]);
    let run = run.arg(world.path("secret")).arg("--ca-file").arg(world.path("ca.pem"));
    run.stdout(full).go().assert_exit(74);
    assert_eq!(mailbox.messages().len(), 3);
    world.fetch(&server).go().assert_exit(0);
    assert_eq!(world.mail().len(), 3);
}

#[test]
fn mark_seen_and_forget_change_the_ledger_and_fetch_nothing() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.pop3(&server, "fetch").arg("--mark-seen").go().assert_exit(0);
    mailbox.add(&message(4));
    world.fetch(&server).go().assert_exit(0);
    assert_same(&world.mail(), &[stored(&message(4))]);
    world.pop3(&server, "fetch").args(["--forget", "uid-0002"]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 1);
    world.fetch(&server).go().assert_exit(0);
    assert_same(&world.mail(), &sorted(vec![stored(&message(2)), stored(&message(4))]));
}

#[test]
fn messages_that_were_only_marked_are_never_deleted() {
    for delete in
        [&["--delete"][..], &["--delete-after", "0s"], &["--delete", "--uid", "uid-0001", "uid-0002"]]
    {
        let mailbox = Mailbox::with(25);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        world.pop3(&server, "fetch").arg("--mark-seen").go().assert_exit(0);
        for run in 0..2 {
            let outcome = world.fetch(&server).args(delete).go();
            assert_eq!(outcome.assert_exit(0).summary()["deleted"], 0, "{delete:?}, run {run}");
            assert_eq!(mailbox.messages().len(), 25);
        }
        // A message that is fetched later counts like any other.
        world.fetch(&server).args(["--all", "--uid", "uid-0002"]).go().assert_exit(0);
        world.fetch(&server).arg("--delete").go().assert_exit(0);
        assert_same(&world.mail(), &[stored(&message(2))]);
        assert!(mailbox.messages().len() == 24 && !mailbox.uids().contains(&"uid-0002".to_owned()));
    }
}

#[test]
fn marking_honours_uid_and_limit_and_a_dry_run_marks_nothing() {
    for (narrowed, left) in [
        (&["--uid", "uid-0002", "uid-0009"][..], &[1, 3, 4][..]),
        (&["--limit", "3"], &[4]),
        (&["--max-size", "1K"], &[3]),
        (&["--max-size", "1K", "--limit", "2"], &[3, 4]),
    ] {
        let all = [message(1), message(2), message_of(3, 5000), message(4)];
        let mailbox = Mailbox::of(&all);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let before = world.tree();
        let dry = world.pop3(&server, "fetch").args(["--mark-seen", "--dry-run"]).args(narrowed).go();
        let would = dry.assert_exit(0).of_type("message");
        assert!(would.iter().all(|line| line["action"] == "would_mark"), "{would:?}");
        assert_eq!(would.len(), 4 - left.len(), "{narrowed:?}");
        assert_eq!(world.tree(), before, "nothing is made");
        world.pop3(&server, "fetch").arg("--mark-seen").args(narrowed).go().assert_exit(0);
        world.fetch(&server).go().assert_exit(0);
        let wanted = left.iter().map(|number| stored(&all[number - 1])).collect();
        assert_same(&world.mail(), &sorted(wanted));
    }
}

#[test]
fn forgetting_honours_uid_and_limit_and_a_dry_run_forgets_nothing() {
    let all = [message(1), message(2), message_of(3, 5000)];
    let uids = ["--forget", "uid-0001", "uid-0002", "uid-0003", "never"];
    for (narrowed, again) in [
        (&["--uid", "uid-0002", "never"][..], &[2][..]),
        (&["--limit", "1"], &[1]),
        (&["--max-size", "1K"], &[1, 2]),
        (&[], &[1, 2, 3]),
    ] {
        let mailbox = Mailbox::of(&all);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        world.fetch(&server).go().assert_exit(0);
        let dry = world.pop3(&server, "fetch").arg("--dry-run").args(narrowed).args(uids).go();
        assert!(dry.assert_exit(0).err().contains(&format!("{} UID(s) would be", again.len())), "{dry:?}");
        world.fetch(&server).go().assert_exit(0);
        assert_eq!(world.mail().len(), 3, "nothing was forgotten");
        world.pop3(&server, "fetch").args(narrowed).args(uids).go().assert_exit(0);
        world.fetch(&server).go().assert_exit(0);
        let wanted = all.iter().map(|one| stored(one));
        let wanted = wanted.chain(again.iter().map(|number: &usize| stored(&all[number - 1]))).collect();
        assert_same(&world.mail(), &sorted(wanted));
    }
}

#[test]
fn a_mailbox_whose_uids_all_changed_is_not_fetched_again_without_an_option() {
    let mailbox = Mailbox::with(25);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).go().assert_exit(0);
    for number in 1..=25 {
        mailbox.set_uid(number, &format!("new-{number}"));
    }
    world.fetch(&server).go().assert_failure(69, "uid_reset");
    assert_eq!(world.mail().len(), 25);
    let outcome =
        world.pop3(&server, "fetch").arg("--accept-uid-reset").arg("--maildir").arg(world.path("Again")).go();
    outcome.assert_exit(0);
    assert_eq!(maildir(&world.path("Again")).len(), 25);
}

#[test]
fn delete_after_keeps_younger_messages() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).args(["--delete-after", "14d"]).go().assert_exit(0);
    assert_eq!(mailbox.messages().len(), 2);
    world.fetch(&server).args(["--delete-after", "0s"]).go().assert_exit(0);
    assert!(mailbox.messages().is_empty());
    assert_eq!(world.mail().len(), 2);
}

#[test]
fn one_account_that_fails_does_not_stop_the_others() {
    let world = world();
    let boxes: Vec<Mailbox> = (0..3).map(|_| Mailbox::with(2)).collect();
    let servers: Vec<Pop3d> = boxes
        .iter()
        .enumerate()
        .map(|(at, mailbox)| {
            Pop3d::for_mailbox(mailbox)
                .hook(move |event| match (at, event.verb) {
                    (1, "UIDL") => Act::end(End::Close),
                    _ => Act::Normal,
                })
                .start()
        })
        .collect();
    world.accounts(&servers);
    for jobs in ["1", "3"] {
        let run = world.postie(["--json", "fetch", "--all-accounts", "-j", jobs, "--ca-file"]);
        let outcome = run.arg(world.path("ca.pem")).go();
        let error = outcome.assert_exit(1).error();
        assert_eq!(error["account"], "a1", "{error}");
        for at in [0, 2] {
            assert_eq!(maildir(&world.path(&format!("Mail{at}"))).len(), 2);
        }
    }
}

#[test]
fn a_command_may_take_longer_than_timeout_but_not_longer_than_max_time() {
    let (world, mailbox) = (world(), Mailbox::with(1));
    let server = Pop3d::for_mailbox(&mailbox).start();
    let slow = world.at_url_within("1s", &server.url(), "fetch").args(["--exec", "sleep 1.5; cat > taken"]);
    slow.go().assert_exit(0);
    assert!(world.path("taken").exists());
    let endless =
        world.at_url(&server.url(), "fetch").args(["--all", "--exec", "sleep 6000", "--max-time", "2s"]);
    let outcome = endless.go();
    outcome.assert_failure(75, "timeout");
}
