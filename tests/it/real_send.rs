//! `send` and `test-account` with Postfix; what it delivered is fetched again from Dovecot.

use crate::support::disk::assert_same;
use crate::support::pop3d::{Mode, USER};
use crate::support::real::Real;
use crate::world;
use mail_parser::MessageParser;

#[test]
fn postfix_accepts_mail_with_every_mechanism_in_every_tls_mode() {
    let Some(real) = Real::start("postfix_accepts_mail_with_every_mechanism_in_every_tls_mode") else {
        return;
    };
    real.add_user("bob");
    let mut sent = 0;
    for mode in Mode::ALL {
        for auth in ["auto", "plain", "login", "cram-md5"] {
            let world = world();
            world.config(&real.account(mode, auth, &world.text("secret")));
            let trust = world.trust(mode);
            let postie = |args: &[&str]| world.postie(["--json"]).args(&trust).args(args);
            let text = format!("sent by {mode:?} {auth}\n.\n..\nFrom here\n");
            let send = postie(&["send", "-s", "h\u{e9}llo", "bob@mail.test"]).stdin(&text).go();
            assert_eq!(send.code, Some(0), "{mode:?} {auth}: {}\n{}", send.err(), real.log());
            let receipt = &send.of_type("receipt")[0];
            assert_eq!(receipt["status"], "accepted");
            assert!(receipt["queue_id"].is_string(), "Postfix names it: {receipt}");
            sent += 1;
            let messages = real.wait_for_messages("bob", sent);
            let found = messages.iter().any(|message| {
                let parsed = MessageParser::default().parse(message).unwrap();
                parsed.subject() == Some("h\u{e9}llo") && parsed.body_text(0).as_deref() == Some(&text)
            });
            assert!(found, "{mode:?} {auth}: it arrived as it was");
            let test = postie(&["test-account", "--smtp"]).go();
            test.assert_exit(0);
        }
    }
}

#[test]
fn a_raw_message_comes_back_byte_for_byte() {
    let Some(real) = Real::start("a_raw_message_comes_back_byte_for_byte") else { return };
    let world = world();
    let raw = format!(
        "From: ana@mail.test\nTo: ana@mail.test\nDate: Mon, 01 Sep 2025 10:00:00 +0000\n\
         Message-ID: <raw@mail.test>\nSubject: raw\n\n.\n..\nFrom x\n{}\nh\u{e9}\n\n.\n",
        "x".repeat(990)
    );
    let run = world.at_url(&real.smtp_url(), "send").arg("--raw").stdin(&raw);
    let send = run.go();
    assert_eq!(send.code, Some(0), "{}\n{}", send.err(), real.log());
    real.wait_for_messages(USER, 1);
    let fetch =
        world.at_url(&real.pop3_url(USER), "fetch").arg("--delete").arg("--maildir").arg(world.path("Mail"));
    fetch.go().assert_exit(0);
    let mail = world.mail();
    assert_eq!(mail.len(), 1);
    // The servers put their trace fields before the message.
    let at = memchr::memmem::find(&mail[0], b"From: ana@mail.test\n").unwrap();
    assert_same(&[mail[0][at..].to_vec()], &[raw.into_bytes()]);
    assert!(real.messages(USER).is_empty());
}

#[test]
fn if_postfix_refuses_a_recipient_postie_says_which() {
    let Some(real) = Real::start("if_postfix_refuses_a_recipient_postie_says_which") else { return };
    real.add_user("bob");
    let world = world();
    let to = ["bob@mail.test", "nobody@mail.test"];
    let send = |more: &[&str]| {
        world
            .at_url(&real.smtp_url(), "send")
            .args(["-f", "ana@mail.test"])
            .args(to)
            .args(more)
            .stdin("text\n")
    };
    let aborted = send(&[]).go();
    let error = aborted.assert_failure(67, "recipient");
    assert_eq!(error["reply"]["code"], 550);
    let sent = send(&["--on-rejected", "send"]).go();
    sent.assert_exit(1);
    let receipt = &sent.of_type("receipt")[0];
    assert_eq!(receipt["recipients"][0]["status"], "accepted");
    assert_eq!(receipt["recipients"][1]["status"], "refused");
    assert_eq!(receipt["recipients"][1]["enhanced"], "5.1.1");
    // One, from the second run alone.
    real.wait_for_messages("bob", 1);
    world.write("wrong", "not it\n");
    let run = world.postie(["--json", "send", "--server", &real.smtp_url(), "--password-file", "wrong"]);
    let run = run.arg("--ca-file").arg(world.path("ca.pem")).args(["-f", "ana@mail.test", "bob@mail.test"]);
    run.stdin("text\n").go().assert_failure(77, "auth");
}

#[test]
fn postfix_gets_each_message_of_a_batch_once_over_one_connection() {
    let Some(real) = Real::start("postfix_gets_each_message_of_a_batch_once_over_one_connection") else {
        return;
    };
    real.add_user("bob");
    let world = world();
    let to = |n: usize| if n == 7 { "nobody@mail.test" } else { "bob@mail.test" };
    let lines: String = (0..25)
        .map(|n| {
            format!("{{\"id\":{n},\"to\":\"{}\",\"subject\":\"n {n}\",\"text\":\".\\n..\\n\"}}\n", to(n))
        })
        .collect();
    let run = world.at_url(&real.smtp_url(), "send").args(["-vv", "--batch", "-f", "ana@mail.test"]);
    let batch = run.stdin(lines).go();
    assert_eq!(batch.code, Some(1), "{}\n{}", batch.err(), real.log());
    let receipts = batch.of_type("receipt");
    assert_eq!(receipts.len(), 25);
    for (n, receipt) in receipts.iter().enumerate() {
        assert_eq!(receipt["id"], n);
        assert_eq!(receipt["status"], if n == 7 { "refused" } else { "accepted" }, "{receipt}");
    }
    assert_eq!(batch.err().matches("EHLO ").count(), 1, "one connection");
    assert_eq!(batch.err().matches("BDAT ").count(), 24, "Postfix offers CHUNKING: {}", batch.err());
    let messages = real.wait_for_messages("bob", 24);
    let mut subjects: Vec<String> = messages
        .iter()
        .map(|message| MessageParser::default().parse(message).unwrap().subject().unwrap().to_owned())
        .collect();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 24);
}
