//! `--fix`: complete messages that some servers would refuse are fixed before the first connection.

use crate::sendmail::{account, link};
use crate::support::mailbox::Mailbox;
use crate::support::process::Run;
use crate::support::smtpd::Smtpd;
use crate::world;
use mail_parser::{MessageParser, MimeHeaders as _};

/// A server that accepts only what RFC 5321 itself allows.
fn old() -> Smtpd {
    let server = Smtpd::for_mailbox(&Mailbox::default());
    ["8BITMIME", "SMTPUTF8", "SIZE"].iter().fold(server, |server, name| server.without(name)).start()
}

const HEADER: &str = "From: ana@example.org\nTo: bob@example.org\nDate: Mon, 01 Sep 2025 10:00:00 +0000\n\
                      Message-ID: <x@example.org>\n";

#[test]
fn a_message_with_8_bit_octets_and_long_lines_reaches_a_server_that_takes_neither() {
    let (world, server) = (world(), old());
    let long = "0123456789".repeat(300);
    let raw = format!(
        "{HEADER}Subject: Gr\u{fc}\u{df}e\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\
         Content-Type: text/plain; charset=utf-8\n\nH\u{e9}llo, mostly ASCII\n{long}\n--b\nX-Fine:  kept \n\n.fine \n--b\n\
         Content-Type: application/pdf; name=\"\u{e9}.pdf\"\nContent-Transfer-Encoding: 8bit\n\n\u{e9}\u{e9}\n--b--\n"
    );
    let without = world.send(&server).arg("--raw").stdin(&raw).go();
    let error = without.assert_failure(65, "input");
    assert!(format!("{error}").contains("--fix"), "{error}");
    assert!(server.journals().is_empty(), "long lines are seen before anything connects");
    world.send(&server).args(["--raw", "-", "--fix"]).stdin(&raw).go().assert_exit(0);
    server.assert_clean();
    let message = server.the_message();
    assert!(message.content.is_ascii() && !message.mail.contains("BODY"), "{}", message.mail);
    let parsed = MessageParser::default().parse(&message.content).unwrap();
    assert_eq!(parsed.subject(), Some("Gr\u{fc}\u{df}e"));
    assert_eq!(parsed.body_text(0).unwrap(), format!("H\u{e9}llo, mostly ASCII\r\n{long}"));
    let pdf = parsed.attachments().last().unwrap();
    assert_eq!(pdf.contents(), "\u{e9}\u{e9}".as_bytes());
    assert_eq!(pdf.attachment_name(), Some("\u{e9}.pdf"));
    let text = String::from_utf8(message.content.clone()).unwrap();
    assert!(text.contains("\r\n--b\r\nX-Fine:  kept \r\n\r\n.fine \r\n--b\r\n"), "{text}");
}

#[test]
fn a_message_that_every_server_accepts_is_not_changed() {
    let (world, server) = (world(), old());
    let raw = format!("{HEADER}Content-Transfer-Encoding: 8bit\nX-Odd :  as  is \n\n.body \n");
    world.send(&server).args(["--fix", "--raw"]).stdin(&raw).go().assert_exit(0);
    assert_eq!(server.the_message().content, raw.replace('\n', "\r\n").as_bytes());
}

#[test]
fn a_change_that_would_break_a_signature_is_reported_or_refused() {
    let (world, server) = (world(), old());
    let raw = format!("DKIM-Signature: v=1; d=example.org\n{HEADER}\nH\u{e9}llo\n");
    let outcome = world.send(&server).args(["--fix", "--raw"]).stdin(&raw).go();
    outcome.assert_exit(0);
    assert!(outcome.err().contains("DKIM signature"), "{}", outcome.err());
    let signed = format!(
        "{HEADER}Content-Type: multipart/signed; boundary=b\n\n--b\n\nH\u{e9}llo\n--b\n\nsignature\n--b--\n"
    );
    let error = world.send(&server).args(["--fix", "--raw"]).stdin(&signed).go().assert_failure(65, "input");
    assert!(error["message"].as_str().unwrap().contains("sign"), "{error}");
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn header_fields_in_an_unknown_charset_are_refused_or_fixed() {
    let (world, server) = (world(), old());
    let raw = [HEADER.as_bytes(), b"Cc: J\xf6rg <cy@example.org>\nSubject: \xe4\n\nx\n"].concat();
    let error = world.send(&server).arg("--raw").stdin(&raw).go().assert_failure(65, "input");
    assert!(format!("{error}").contains("--fix"), "{error}");
    world.send(&server).args(["--fix", "--raw"]).stdin(&raw).go().assert_exit(0);
    server.assert_clean();
    let message = server.the_message();
    assert_eq!(message.recipients, ["bob@example.org", "cy@example.org"]);
    let text = String::from_utf8(message.content).unwrap();
    assert!(text.contains("Subject: =?unknown-8bit?"), "{text}");
}

#[test]
fn fix_is_for_complete_messages_only_and_nul_and_bare_cr_stay_errors() {
    let (world, server) = (world(), old());
    for args in [&["--fix", "bob@example.org"][..], &["--fix", "--body", "x", "bob@example.org"]] {
        world.send(&server).args(args).stdin("text\n").go().assert_failure(64, "usage");
    }
    for bad in ["a\rb\n", "a\0b\n"] {
        let run = world.send(&server).args(["--fix", "--raw"]).stdin(format!("{HEADER}\n{bad}"));
        let error = run.go().assert_failure(65, "input");
        let offset = format!("at offset {}", HEADER.len() + 2);
        assert!(error["message"].as_str().unwrap().contains(&offset), "{error}");
    }
    assert!(server.journals().is_empty());
}

#[test]
fn raw_lines_of_a_batch_are_fixed_too() {
    let (world, server) = (world(), old());
    let line = serde_json::json!({"raw": format!("{HEADER}\nH\u{e9}llo\n{}\n", "x".repeat(1500))});
    let composed = serde_json::json!({"to": "cy@example.org", "text": "H\u{e9}llo"});
    let input = format!("{line}\n{composed}\n");
    world.send(&server).arg("--batch").stdin(&input).go().assert_exit(1);
    world.send(&server).args(["--batch", "--fix"]).stdin(&input).go().assert_exit(0);
    server.assert_clean();
    assert_eq!(server.accepted().len(), 3);
}

#[test]
fn memory_does_not_grow_with_a_message_that_is_fixed() {
    let (world, server) =
        (world(), Smtpd::for_mailbox(&Mailbox::default()).without("8BITMIME").without("SIZE").start());
    let mut raw = format!("{HEADER}Content-Type: application/octet-stream\n\n").into_bytes();
    raw.extend("\u{e4}".as_bytes().iter().cycle().take(20 << 20));
    let path = world.write("large.eml", &raw);
    let run = world.send(&server).args(["--fix", "--raw"]).arg(&path).under_shell("ulimit -v 120000");
    run.go().assert_exit(0);
    server.assert_clean();
    assert!(server.the_message().content.len() > 27 << 20);
}

#[test]
fn sendmail_fixes_messages_without_an_option() {
    let (world, server) = (world(), old());
    account(&world, &server, "");
    let long = "x".repeat(1200);
    for (input, want) in [
        (format!("From: root\nTo: root\nSubject: long\n\n{long}\n"), "quoted-printable"),
        (
            "From: root\nTo: root\nX-Cron-Env: <L=\u{e4}>\nSubject: header\n\nx\n".to_owned(),
            "X-Cron-Env: =?utf-8?",
        ),
        ("From: root\nTo: root\nSubject: body\n\nmostly ASCII \u{e4}\n".to_owned(), "mostly ASCII =C3=A4"),
    ] {
        let run = Run::new(link(&world)).args(["-t", "-i"]).dir(world.root()).env("HOME", world.root());
        run.env("TMPDIR", world.root()).stdin(&input).go().assert_exit(0);
        let text = String::from_utf8(server.accepted().pop().unwrap().content).unwrap();
        assert!(text.contains(want), "{text}");
    }
    server.assert_clean();
}
