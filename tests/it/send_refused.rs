//! How `send` tells accepted, refused, later and unknown apart, and what no input can make it do.

use crate::support::mailbox::Mailbox;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Event};
use crate::support::smtpd::Smtpd;
use crate::support::world::Checked;
use crate::world;
use std::os::unix::ffi::OsStrExt as _;

fn misbehaving(hook: impl Fn(&Event<'_>) -> Act + Send + Sync + 'static) -> Smtpd {
    Smtpd::for_mailbox(&Mailbox::default()).hook(hook).start()
}

/// One message to Bob through a server that answers `verb` so.
fn answering(verb: &'static str, act: Act) -> (Checked, Smtpd) {
    let server = misbehaving(move |event| if event.verb == verb { act.clone() } else { Act::Normal });
    let world = world();
    let run = world.at_url_within("2s", &server.url(), "send");
    let outcome = run.args(["--from", "ana@example.org", "bob@example.org"]).stdin("text\n").go();
    (outcome, server)
}

#[test]
fn each_refusal_has_its_own_code_and_nothing_is_sent() {
    for (verb, reply, code, kind, status) in [
        ("", "554 5.7.1 no", 69, "rejected", None),
        ("", "421 4.3.2 later", 75, "deferred", None),
        ("", "450 4.3.2 later", 75, "deferred", None),
        ("AUTH", "535 5.7.8 wrong", 77, "auth", None),
        ("AUTH", "454 4.7.0 later", 75, "deferred", None),
        ("AUTH", "504 5.5.4 not that one", 69, "missing", None),
        ("MAIL", "550 5.7.1 not you", 69, "rejected", Some("refused")),
        ("MAIL", "451 4.3.0 later", 75, "deferred", Some("deferred")),
        ("MAIL", "421 4.3.2 goodbye", 75, "deferred", Some("deferred")),
        ("RCPT", "550 5.1.1 nobody", 67, "recipient", Some("refused")),
        ("RCPT", "450 4.2.1 greylisted", 75, "deferred", Some("deferred")),
        ("DATA", "554 5.7.1 no", 69, "rejected", Some("refused")),
        ("DATA", "451 4.3.0 later", 75, "deferred", Some("deferred")),
        (".", "554 5.7.1 spam", 69, "rejected", Some("refused")),
        (".", "451 4.3.0 later", 75, "deferred", Some("deferred")),
        (".", "552-5.3.4 too\r\n552 5.3.4 large", 69, "rejected", Some("refused")),
    ] {
        let (outcome, server) = answering(verb, Act::reply(reply));
        outcome.assert_exit(code);
        let error = outcome.assert_failure(code, kind);
        let wanted: u64 = reply[..3].parse().unwrap();
        assert_eq!(error["reply"]["code"], wanted, "{verb} {reply}: {error}");
        assert!(server.accepted().is_empty());
        let receipts = outcome.of_type("receipt");
        if let Some(status) = status {
            assert_eq!(receipts.len(), 1, "{verb} {reply}");
            assert_eq!(receipts[0]["status"], status, "{verb} {reply}");
        }
        let journal = server.journal();
        assert!(journal.count("AUTH") <= 1, "one attempt to log in: {:?}", journal.commands);
        assert!(journal.violations.is_empty(), "{:?}", journal.violations);
    }
}

/// Hazard 65.
#[test]
fn one_refused_recipient_stops_the_message_unless_told_otherwise() {
    let refuse = |event: &Event<'_>| match event.line {
        line if line.starts_with("RCPT") && line.contains("cy@") => Act::reply("550 5.1.1 nobody"),
        line if line.starts_with("RCPT") && line.contains("dee@") => Act::reply("450 4.2.1 later"),
        _ => Act::Normal,
    };
    let to = ["bob@example.org", "cy@example.org", "dee@example.org"];
    let (world, server) = (world(), misbehaving(refuse));
    let outcome = world.send(&server).args(to).stdin("text\n").go();
    outcome.assert_failure(67, "recipient");
    assert!(server.accepted().is_empty());
    let statuses = |outcome: &Checked| -> Vec<(String, String)> {
        let receipt = outcome.of_type("receipt").remove(0);
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let recipients = receipt["recipients"].as_array().unwrap();
        recipients.iter().map(|one| (text(&one["address"]), text(&one["status"]))).collect()
    };
    let wanted = |states: [&str; 3]| -> Vec<(String, String)> {
        to.iter().zip(states).map(|(to, state)| (to.to_string(), state.to_owned())).collect()
    };
    assert_eq!(statuses(&outcome), wanted(["skipped", "refused", "deferred"]));

    let server = misbehaving(refuse);
    let outcome = world.send(&server).args(to).args(["--on-rejected", "send"]).stdin("text\n").go();
    outcome.assert_exit(1).error();
    assert_eq!(outcome.of_type("receipt")[0]["status"], "partial");
    assert_eq!(statuses(&outcome), wanted(["accepted", "refused", "deferred"]));
    assert_eq!(server.the_message().recipients, ["bob@example.org"]);
}

#[test]
fn with_several_recipients_no_content_goes_out_before_each_is_answered() {
    let server = misbehaving(|event| match event.line {
        line if line.contains("cy@") => Act::reply("550 5.1.1 nobody"),
        "DATA" => Act::reply("354 go ahead, though nobody is there"),
        _ => Act::Normal,
    });
    let world = world();
    world
        .send(&server)
        .args(["bob@example.org", "cy@example.org"])
        .stdin("precious text\n")
        .go()
        .assert_exit(67);
    let sent = server.journal().octets(crate::support::peer::Phase::Tls);
    assert!(memchr::memmem::find(&sent, b"precious text").is_none());
}

/// Hazard 67.
#[test]
fn a_line_lost_after_the_final_dot_is_unknown_and_never_sent_again() {
    for act in [
        Act::end(End::Close),
        Act::end(End::Truncate),
        Act::end(End::Reset),
        Act::Then(b"250-half an ans".to_vec(), End::Close),
        Act::reply("gibberish"),
        Act::reply("354 more?"),
    ] {
        let server = misbehaving({
            let act = act.clone();
            move |event| if event.verb == "." { act.clone() } else { Act::Normal }
        });
        let world = world();
        let run = world.send(&server).args(["--retry-for", "30s", "bob@example.org"]).stdin("text\n");
        let outcome = run.go();
        let error = outcome.assert_failure(79, "unknown");
        assert_eq!(error["retry"], "may_duplicate");
        let receipt = &outcome.of_type("receipt")[0];
        assert_eq!(receipt["status"], "unknown", "{act:?}");
        assert!(receipt["message_id"].is_string());
        let contents: usize = server.journals().iter().map(|journal| journal.count("DATA")).sum();
        assert_eq!(contents, 1, "{act:?}: sent again");
    }
}

#[test]
fn silence_after_the_final_dot_is_unknown_when_the_run_is_over() {
    let server = misbehaving(|event| if event.verb == "." { Act::end(End::Stall) } else { Act::Normal });
    let world = world();
    let run = world.send(&server).args(["--max-time", "2s", "bob@example.org"]).stdin("text\n");
    let outcome = run.go();
    outcome.assert_failure(79, "unknown");
    assert!(outcome.elapsed.as_secs() < 20);
}

/// Hazard 68.
#[test]
fn a_line_lost_before_the_final_dot_is_temporary() {
    for end in [End::Close, End::Reset] {
        for verb in ["", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"] {
            let (outcome, server) = answering(verb, Act::end(end));
            let error = outcome.assert_exit(75).error();
            assert_eq!(error["retry"], "safe", "{verb}: {error}");
            assert!(server.accepted().is_empty());
        }
    }
}

#[test]
fn a_quit_that_fails_does_not_alter_the_verdict() {
    for act in
        [Act::end(End::Close), Act::end(End::Reset), Act::reply("500 5.5.1 what?"), Act::end(End::Stall)]
    {
        let (outcome, server) = answering("QUIT", act);
        outcome.assert_exit(0);
        assert_eq!(server.accepted().len(), 1);
    }
}

/// Hazard 77.
#[test]
fn endless_and_broken_replies_end_in_bounded_time() {
    let endless: Vec<u8> = b"250-and on\r\n".repeat(2_000_000);
    for (verb, octets) in [
        ("", vec![b'2'; 20 << 20]),
        ("", endless.clone()),
        ("EHLO", endless),
        ("EHLO", b"250-localhost\r\n251 other\r\n".to_vec()),
        ("", b"hello there\r\n".to_vec()),
        ("MAIL", b"xyz\r\n".to_vec()),
        ("MAIL", b"354 go ahead\r\n".to_vec()),
        ("MAIL", vec![b'2'; 20 << 20]),
        ("RCPT", b"250-and on\r\n".repeat(2_000_000)),
        ("RCPT", b"2\r\n".to_vec()),
        ("DATA", b"250 what?\r\n".to_vec()),
    ] {
        let (outcome, server) = answering(verb, Act::Then(octets, End::Stall));
        outcome.assert_failure(76, "protocol");
        assert!(outcome.elapsed.as_secs() < 20, "{verb}: {:?}", outcome.elapsed);
        assert!(server.accepted().is_empty());
    }
}

#[test]
fn no_argument_can_add_a_header_a_recipient_or_a_command() {
    let world = world();
    let server = misbehaving(|_| Act::Normal);
    let evil = ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\r\n\r\nbody", "\n", "\r"];
    for evil in evil {
        let header = format!("X-Name: {evil}");
        let name = format!("{evil}: x");
        let address = format!("bob@example.org{evil}");
        let quoted = format!("\"{evil}\" <bob@example.org>");
        for args in [
            vec!["--subject", evil],
            vec!["--header", &header],
            vec!["--header", &name],
            vec!["--to", &address],
            vec!["--to", &quoted],
            vec!["--cc", &address],
            vec!["--bcc", &address],
            vec!["--reply-to", &address],
            vec!["--envelope-from", &address],
            vec!["--message-id", &address],
            vec!["--in-reply-to", &address],
            vec!["--references", &address],
            vec!["--date", evil],
            vec!["--attach-name", evil, "--attach", "/etc/passwd"],
            vec!["--attach-type", evil, "--attach", "/etc/passwd"],
            vec!["--inline", "/etc/passwd", "--cid", evil],
            vec!["--dsn-envid", evil],
            vec![&address],
        ] {
            let outcome = world.send(&server).arg("dee@example.org").args(&args).stdin("text\n").go();
            // A name or type of a file is the call's; all else is the message's or the envelope's.
            let (code, kind) = if args[0].starts_with("--attach-") { (64, "usage") } else { (65, "input") };
            outcome.assert_failure(code, kind);
        }
        let from = format!("ana@example.org{evil}");
        let run = world.at_url(&server.url(), "send").args(["--from", &from, "dee@example.org"]);
        let outcome = run.stdin("text\n").go();
        outcome.assert_failure(65, "input");
    }
    assert!(server.journals().is_empty(), "everything is checked before the first connection");
}

#[test]
fn no_file_name_can_add_a_header() {
    let (world, server) = (world(), misbehaving(|_| Act::Normal));
    for name in ["a\r\nX-Evil: 1", "a\nb", "a\rb"] {
        let path = world.root().join(std::ffi::OsStr::from_bytes(name.as_bytes()));
        std::fs::write(&path, "x").unwrap();
        let outcome =
            world.send(&server).arg("bob@example.org").arg("--attach").arg(&path).stdin("text\n").go();
        outcome.assert_failure(65, "input");
    }
    assert!(server.journals().is_empty());
}

#[test]
fn no_line_of_a_batch_can_add_a_header_a_recipient_or_a_command() {
    let (world, server) = (world(), misbehaving(|_| Act::Normal));
    for (field, value) in [
        ("subject", r#""a\r\nX-Evil: 1""#),
        ("subject", r#""a\u0000b""#),
        ("to", r#""bob@example.org\r\nRCPT TO:<evil@example.org>""#),
        ("to", r#"["bob@example.org>\r\nX"]"#),
        ("from", r#""a@example.org\nBcc: evil@example.org""#),
        ("envelope_from", r#""a@example.org\r\nDATA""#),
        ("message_id", r#""<x\u0000y@example.org>""#),
        ("headers", r#"{"X-A": "b\nX-Evil: 1"}"#),
        ("headers", r#"{"X-A\r\nX-Evil": "b"}"#),
        ("attachments", r#"[{"base64": "eA==", "name": "a\r\nX-Evil: 1"}]"#),
    ] {
        let to = if field == "to" { "" } else { r#""to": "bob@example.org","# };
        let line = format!("{{{to} \"text\": \"x\", \"{field}\": {value}}}\n");
        let outcome = world.send(&server).arg("--batch").stdin(&line).go();
        outcome.assert_failure(65, "input");
    }
    for journal in server.journals() {
        assert_eq!(journal.count("MAIL"), 0, "{:?}", journal.commands);
    }
}

#[test]
fn a_raw_message_cannot_smuggle_another_one() {
    for end in ["\n.\n", "\r\n.\r\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\n.\r", "\r\n.\r", "\r.\r\n", "\0.\r\n"]
    {
        let raw = format!(
            "To: bob@example.org\n\nfirst{end}MAIL FROM:<evil@example.org>\r\nRCPT TO:<v@example.org>\r\nDATA\r\nsecond\n"
        );
        let (world, server) = (world(), misbehaving(|_| Act::Normal));
        let outcome = world.send(&server).arg("--raw").stdin(&raw).go();
        // A bare CR or a NUL is no content; a bare LF is a line end, and nothing more.
        let is_content = !end.contains('\0') && !end.replace("\r\n", "").contains('\r');
        outcome.assert_exit(if is_content { 0 } else { 65 });
        server.assert_clean();
        assert_eq!(server.accepted().len(), usize::from(is_content), "{end:?}");
        for message in server.accepted() {
            assert_eq!(message.recipients, ["bob@example.org"], "{end:?}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_known_before_the_first_connection() {
    let (world, server) = (world(), misbehaving(|_| Act::Normal));
    std::fs::create_dir(world.path("directory")).unwrap();
    for name in ["missing", "directory"] {
        for option in ["--attach", "--body-file", "--html-file", "--inline", "--raw"] {
            let run = world.send(&server).arg("bob@example.org").arg(option).arg(world.path(name));
            let outcome = run.stdin("text\n").go();
            outcome.assert_failure(66, "no_input");
        }
    }
    assert!(server.journals().is_empty());
}

#[test]
fn a_message_without_a_recipient_or_a_sender_is_refused() {
    let (world, server) = (world(), misbehaving(|_| Act::Normal));
    world.send(&server).stdin("text\n").go().assert_failure(64, "usage");
    world.send(&server).arg("--raw").stdin("Subject: x\n\nx\n").go().assert_failure(65, "input");
    assert!(server.journals().is_empty());
}
