//! How `send` distinguishes accepted, refused, deferred and unknown, and what no input can make it do.

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

/// Sends one message to Bob through a server with this reply to `verb`.
fn answering(verb: &'static str, act: Act) -> (Checked, Smtpd) {
    let server = misbehaving(move |event| if event.verb == verb { act.clone() } else { Act::Normal });
    let world = world();
    let run = world.at_url_within("2s", &server.url(), "send");
    let outcome = run.args(["--from", "ana@example.org", "bob@example.org"]).stdin("text\n").go();
    (outcome, server)
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
        ("MAIL", vec![b'2'; 20 << 20]),
        ("RCPT", b"250-and on\r\n".repeat(2_000_000)),
    ] {
        let (outcome, server) = answering(verb, Act::Then(octets, End::Stall));
        outcome.assert_failure(76, "protocol");
        assert!(outcome.processor.as_secs() < 20, "{verb}: {:?}", outcome.processor);
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
            // The name or type of a file belongs to the call; everything else to the message or the envelope.
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
        // A bare CR or a NUL is not allowed in content; a bare LF is a line end, and nothing else.
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
fn unreadable_input_is_reported_before_the_first_connection() {
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
