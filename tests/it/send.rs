//! What `send` sends to a server, and what it reports.

use crate::support::mailbox::Mailbox;
use crate::support::pop3d::Mode;
use crate::support::smtpd::{Accepted, Smtpd};
use crate::world;
use mail_parser::{MessageParser, MimeHeaders as _};
use std::fs;

fn server() -> Smtpd {
    Smtpd::for_mailbox(&Mailbox::default()).start()
}

fn header<'a>(message: &'a Accepted, name: &str) -> Vec<&'a str> {
    let text = std::str::from_utf8(&message.content).unwrap();
    let head = text.split("\r\n\r\n").next().unwrap();
    let prefix = format!("{}:", name.to_ascii_lowercase());
    head.split("\r\n")
        .filter(|line| line.to_ascii_lowercase().starts_with(&prefix))
        .map(|line| line[prefix.len()..].trim())
        .collect()
}

#[test]
fn standard_input_is_the_text_and_the_receipt_has_the_outcome() {
    let (world, server) = (world(), server());
    let run = world.send(&server).args(["--to", "bob@example.org", "--subject", "hello"]);
    let outcome = run.stdin("line one\n.\n..two\nFrom here\n").go();
    outcome.assert_exit(0);
    server.assert_clean();
    let message = server.the_message();
    assert_eq!(message.recipients, ["bob@example.org"]);
    assert!(message.mail.starts_with("<ana@example.org>"), "{}", message.mail);
    let text = String::from_utf8(message.content.clone()).unwrap();
    assert!(text.ends_with("\r\n\r\nline one\r\n.\r\n..two\r\nFrom here\r\n"), "{text}");
    for name in ["Date", "Message-ID", "From", "To", "Subject"] {
        assert_eq!(header(&message, name).len(), 1, "{name}: {text}");
    }
    assert_eq!(header(&message, "Subject"), ["hello"]);

    let receipts = outcome.of_type("receipt");
    assert_eq!(receipts.len(), 1);
    let receipt = &receipts[0];
    assert_eq!(receipt["status"], "accepted");
    assert_eq!(receipt["envelope_from"], "ana@example.org");
    assert_eq!(receipt["queue_id"], "4711ABCDEF");
    assert_eq!(receipt["attempts"], 1);
    let id = header(&message, "Message-ID")[0].trim_matches(['<', '>']);
    assert_eq!(receipt["message_id"].as_str().unwrap().trim_matches(['<', '>']), id);
    let recipient = &receipt["recipients"][0];
    assert_eq!(recipient["address"], "bob@example.org");
    assert_eq!(recipient["status"], "accepted");
    assert_eq!(recipient["code"], 250);
    assert_eq!(recipient["enhanced"], "2.1.5");
    for name in ["size", "tls", "auth", "reply", "elapsed_ms"] {
        assert!(!receipt[name].is_null(), "{name}: {receipt}");
    }
    let summary = outcome.summary();
    assert_eq!(summary["command"], "send");
    assert_eq!(summary["accepted"], 1);
}

#[test]
fn send_works_in_every_tls_mode_and_with_every_mechanism() {
    for mode in Mode::ALL {
        for auth in ["auto", "plain", "login"] {
            let server = Smtpd::for_mailbox(&Mailbox::default()).mode(mode).start();
            let world = world();
            let tls = ["implicit", "starttls", "none"][Mode::ALL.iter().position(|m| *m == mode).unwrap()];
            let more = format!("tls = '{tls}'\nauth = '{auth}'");
            world.config(&world.account("a", "smtp", server.port(), &more));
            let run = world.postie(["send", "--json", "bob@example.org"]).args(world.trust(mode));
            run.stdin("text\n").go().assert_exit(0);
            server.assert_clean();
            let journal = server.journal();
            assert_eq!(journal.count("AUTH"), 1);
            if auth != "auto" {
                let wanted = format!("AUTH {}", auth.to_ascii_uppercase());
                assert!(journal.with_verb("AUTH")[0].starts_with(&wanted), "{:?}", journal.commands);
            }
            if mode == Mode::Upgrade {
                assert_eq!(journal.count("EHLO"), 2, "EHLO again under TLS");
            }
            assert_eq!(server.the_message().recipients, ["bob@example.org"]);
        }
    }
}

#[test]
fn bcc_is_in_the_envelope_and_nowhere_in_the_message() {
    let (world, server) = (world(), server());
    let run = world.send(&server).args([
        "-t",
        "bob@example.org",
        "-c",
        "cy@example.org",
        "-b",
        "secret-guest@example.org",
    ]);
    run.stdin("text\n").go().assert_exit(0);
    let message = server.the_message();
    assert_eq!(message.recipients, ["bob@example.org", "cy@example.org", "secret-guest@example.org"]);
    assert!(!String::from_utf8_lossy(&message.content).contains("secret-guest"));
    assert!(!String::from_utf8_lossy(&message.content).to_lowercase().contains("\nbcc"));
}

#[test]
fn text_html_and_attachments_arrive_as_they_were() {
    let (world, server) = (world(), server());
    let binary: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    world.write("report.bin", &binary);
    world.write("na\u{ef}ve \u{2603}.txt", "snow\n");
    let run = world.send(&server).args([
        "bob@example.org",
        "-s",
        "Gr\u{fc}\u{df}e \u{2603}",
        "--html",
        "<p>h\u{e9}</p>",
    ]);
    let run =
        run.arg("-a").arg(world.path("report.bin")).arg("-a").arg(world.path("na\u{ef}ve \u{2603}.txt"));
    run.stdin("h\u{e9}llo\n").go().assert_exit(0);
    server.assert_clean();
    let message = server.the_message();
    let parsed = MessageParser::default().parse(&message.content).unwrap();
    assert_eq!(parsed.subject(), Some("Gr\u{fc}\u{df}e \u{2603}"));
    assert_eq!(parsed.body_text(0).unwrap().trim_end(), "h\u{e9}llo");
    assert_eq!(parsed.body_html(0).unwrap().trim_end(), "<p>h\u{e9}</p>");
    let attached: Vec<_> = parsed.attachments().collect();
    assert_eq!(attached.len(), 2);
    assert_eq!(attached[0].attachment_name(), Some("report.bin"));
    assert_eq!(attached[0].contents(), binary);
    assert_eq!(attached[1].attachment_name(), Some("na\u{ef}ve \u{2603}.txt"));
    assert_eq!(attached[1].contents(), b"snow\n");
}

#[test]
fn a_raw_message_is_sent_without_bcc_and_with_missing_fields_added() {
    let (world, server) = (world(), server());
    let raw = "To: Bob <bob@example.org>,\n list: cy@example.org, dee@example.org;\nBCC: hidden@example.org,\n\thidden2@example.org\nBcc: hidden3@example.org\n\
               Subject: raw\nX-Odd:  kept  as is\n\n.\nbody\n..\n\n";
    let outcome = world.send(&server).arg("--raw").stdin(raw).go();
    outcome.assert_exit(0);
    server.assert_clean();
    let message = server.the_message();
    let mut recipients = message.recipients.clone();
    recipients.sort();
    assert_eq!(
        recipients,
        ["bob", "cy", "dee", "hidden2", "hidden3", "hidden"].map(|name| format!("{name}@example.org"))
    );
    let text = String::from_utf8(message.content.clone()).unwrap();
    assert!(!text.contains("hidden"), "{text}");
    assert!(text.contains("\r\nX-Odd:  kept  as is\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\n.\r\nbody\r\n..\r\n\r\n"), "{text:?}");
    for name in ["Date", "Message-ID", "From"] {
        assert_eq!(header(&message, name).len(), 1, "{name} is added: {text}");
    }
    assert_eq!(header(&message, "To").len(), 1);
}

#[test]
fn a_complete_raw_message_is_not_changed() {
    let (world, server) = (world(), server());
    let raw = "From: ana@example.org\nTo: bob@example.org\nDate: Mon, 01 Sep 2025 10:00:00 +0000\n\
               Message-ID: <x@example.org>\nSubject: =?utf-8?q?x?=\n\nbody\n";
    world.write("mail.eml", raw);
    world.send(&server).arg("--raw").arg(world.path("mail.eml")).go().assert_exit(0);
    assert_eq!(server.the_message().content, raw.replace('\n', "\r\n").as_bytes());
}

#[test]
fn eight_bit_content_is_declared_or_encoded_or_refused() {
    let raw = "From: ana@example.org\nTo: bob@example.org\n\nh\u{e9}llo\n";
    let (world, server) = (world(), server());
    world.send(&server).arg("--raw").stdin(raw).go().assert_exit(0);
    server.assert_clean();
    assert!(server.the_message().mail.contains("BODY=8BITMIME"));

    let plain = Smtpd::for_mailbox(&Mailbox::default()).without("8BITMIME").start();
    let error = world.send(&plain).arg("--raw").stdin(raw).go().assert_failure(65, "input");
    let said = format!("{} {}", error["message"], error["hint"]);
    assert!(said.contains("--fix"), "it names the remedy: {said}");
    assert!(plain.accepted().is_empty());
    world.send(&plain).arg("bob@example.org").stdin("h\u{e9}llo\n").go().assert_exit(0);
    plain.assert_clean();
}

#[test]
fn international_addresses_need_smtputf8_or_an_a_label() {
    let (world, plain) = (world(), Smtpd::for_mailbox(&Mailbox::default()).without("SMTPUTF8").start());
    let run = world.send(&plain).arg("j\u{f6}rg@example.org").stdin("text\n");
    run.go().assert_failure(69, "missing");
    assert_eq!(plain.journal().count("MAIL"), 0);

    let with = server();
    world.send(&with).arg("j\u{f6}rg@example.org").stdin("text\n").go().assert_exit(0);
    with.assert_clean();
    assert!(with.the_message().mail.contains("SMTPUTF8"));

    let domain = Smtpd::for_mailbox(&Mailbox::default()).without("SMTPUTF8").start();
    world.send(&domain).arg("bob@b\u{fc}cher.example").stdin("text\n").go().assert_exit(0);
    domain.assert_clean();
    assert_eq!(domain.the_message().recipients, ["bob@xn--bcher-kva.example"]);
}

#[test]
fn a_message_larger_than_the_announced_size_is_not_begun() {
    let small = Smtpd::for_mailbox(&Mailbox::default()).without("SIZE").with("SIZE 1000").start();
    let world = world();
    let run = world.send(&small).arg("bob@example.org").stdin("0123456789\n".repeat(500));
    run.go().assert_exit(69).error();
    assert_eq!(small.journal().count("MAIL"), 0);
}

#[test]
fn a_server_that_announces_nothing_gets_one_command_at_a_time() {
    let old = Smtpd::for_mailbox(&Mailbox::default());
    let old = ["PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        .iter()
        .fold(old, |old, extension| old.without(extension))
        .start();
    let world = world();
    let run = world.send(&old).args(["bob@example.org", "cy@example.org"]).stdin("text\n");
    run.go().assert_exit(0);
    old.assert_clean();
    assert_eq!(old.the_message().recipients.len(), 2);
}

#[test]
fn dry_run_and_print_do_not_connect() {
    let (world, server) = (world(), server());
    let dry = world.send(&server).args(["--dry-run", "bob@example.org"]).stdin("text\n").go();
    dry.assert_exit(0);
    let print = world
        .postie([
            "send",
            "--print",
            "--from",
            "ana@example.org",
            "-b",
            "guest@example.org",
            "bob@example.org",
        ])
        .stdin("text\n.\n")
        .go();
    print.assert_exit(0);
    let text = print.out();
    assert!(text.contains("To: ") && text.contains("Message-ID: ") && text.contains("Date: "), "{text}");
    assert!(text.trim_end().ends_with("text\r\n.") || text.trim_end().ends_with("text\n."), "{text:?}");
    assert!(!text.contains("guest"), "{text}");
    assert!(server.journals().is_empty());
}

#[test]
fn an_empty_body_sends_nothing_if_asked_for() {
    let (world, server) = (world(), server());
    let outcome = world.send(&server).args(["-E", "bob@example.org"]).go();
    outcome.assert_exit(0);
    outcome.summary();
    assert!(server.journals().is_empty());
    world.send(&server).arg("bob@example.org").go().assert_exit(0);
    assert_eq!(server.accepted().len(), 1, "without -E it is sent");
}

#[test]
fn a_copy_of_an_accepted_message_is_saved() {
    let (world, server) = (world(), server());
    let run = world.send(&server).args(["bob@example.org", "-b", "guest@example.org", "--save-copy"]);
    run.arg(format!("maildir:{}", world.text("Sent"))).stdin("text\n").go().assert_exit(0);
    let copies = crate::support::disk::maildir(&world.path("Sent"));
    assert_eq!(copies.len(), 1);
    let sent = server.the_message().content;
    assert_eq!(copies[0], crate::support::mailbox::stored(&sent));
    let _ = fs::metadata(world.path("Sent/new")).unwrap();
}

#[test]
fn a_url_without_a_user_sends_without_a_login() {
    let open = Smtpd::for_mailbox(&Mailbox::default()).mode(Mode::Plain).without("AUTH").start();
    let world = world();
    let url = format!("smtp+insecure://localhost:{}", open.port());
    let run = world.postie(["--json", "send", "--server", &url, "-f", "ana@example.org", "bob@example.org"]);
    run.stdin("text\n").go().assert_exit(0);
    assert_eq!(open.journal().count("AUTH"), 0);
    open.assert_clean();
}
