//! postie called as `sendmail`, through a symlink of that name. Flags are written as callers write them; the
//! tests look at what the server got.

use crate::support::mailbox::Mailbox;
use crate::support::pop3d::{Act, Mode};
use crate::support::process::Run;
use crate::support::smtpd::{Accepted, Smtpd};
use crate::support::world::World;
use crate::world;
use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// Runs postie by the name of `sendmail`.
pub fn link(world: &World) -> PathBuf {
    let path = world.path("sendmail");
    if !path.exists() {
        symlink(env!("CARGO_BIN_EXE_postie"), &path).unwrap();
    }
    path
}

/// An account `work` for a server, with more keys.
pub fn account(world: &World, server: &Smtpd, more: &str) {
    world.config(&format!(
        "[accounts.work]\nemail = \"ana@example.org\"\npassword-file = \"{}\"\nca-file = \"{}\"\n{more}\n\
         [accounts.work.smtp]\nhost = \"localhost\"\nport = {}\nusername = \"ana\"\n\
         [accounts.work.aliases]\nroot = \"ops@example.org, Bob <bob@example.net>\"\n",
        world.text("secret"),
        world.text("ca.pem"),
        server.port(),
    ));
}

fn server() -> Smtpd {
    Smtpd::for_mailbox(&Mailbox::default()).with("DSN").start()
}

fn sendmail<T: AsRef<OsStr>>(world: &World, args: impl IntoIterator<Item = T>) -> Run {
    let run = Run::new(link(world)).args(args).dir(world.root());
    run.env("HOME", world.root()).env("LANG", "C.UTF-8").env("TZ", "UTC").env("TMPDIR", world.root())
}

/// Sends one message and returns what arrived; success prints nothing.
#[track_caller]
fn sent(args: &[&str], input: &str) -> Accepted {
    let (world, server) = (world(), server());
    account(&world, &server, "");
    let outcome = sendmail(&world, args).stdin(input).go();
    outcome.assert_exit(0);
    assert_eq!((outcome.out(), outcome.err()), (String::new(), String::new()), "{args:?}");
    server.assert_clean();
    server.the_message()
}

fn text(message: &Accepted) -> String {
    String::from_utf8(message.content.clone()).unwrap()
}

fn field(message: &Accepted, name: &str) -> Vec<String> {
    let text = text(message);
    let head = text.split("\r\n\r\n").next().unwrap().to_owned();
    let prefix = format!("{name}: ");
    head.split("\r\n").filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

const MAIL: &str = "From: Ana <ana@example.org>\nTo: bob@example.net\nSubject: hello\n\nbody\n";

#[test]
fn flags_are_accepted_in_every_form() {
    for args in [
        &["bob@example.net"][..],
        &["-t"],
        &["-ti"],
        &["-t", "-oi", "-oem", "-odi", "-om", "-n", "-G"],
        &["-i", "-f", "ana@example.org", "bob@example.net"],
        &["-fana@example.org", "bob@example.net"],
        &["-r", "ana@example.org", "-i", "--", "bob@example.net"],
        &["-B8BITMIME", "-bm", "-L", "tag", "-O", "ErrorMode=m", "-oee", "-G", "-X", "/x", "bob@example.net"],
        &["-B", "7BIT", "-q10m", "-em", "bob@example.net"],
    ] {
        let message = sent(args, MAIL);
        assert!(message.mail.starts_with("<ana@example.org>"), "{args:?}: {}", message.mail);
        assert_eq!(message.recipients, ["bob@example.net"], "{args:?}");
        assert!(text(&message).ends_with("Subject: hello\r\n\r\nbody\r\n"), "{args:?}: {}", text(&message));
        for name in ["From", "To", "Subject", "Date", "Message-ID"] {
            assert_eq!(field(&message, name).len(), 1, "{name} of {args:?}");
        }
    }
}

#[test]
fn a_dot_alone_ends_the_message_unless_it_is_content() {
    let input = format!("{MAIL}.\n..\nmore\n");
    assert!(text(&sent(&["-t"], &input)).ends_with("\r\n\r\nbody\r\n"));
    for dots in ["-i", "-oi"] {
        let message = sent(&["-t", dots], &input);
        assert!(text(&message).ends_with("\r\n\r\nbody\r\n.\r\n..\r\nmore\r\n"), "{dots}");
    }
}

#[test]
fn recipients_come_from_the_arguments_and_with_t_from_the_header_too() {
    let input = "From: ana@example.org\nTo: a@x.org\nCc: b@x.org\nBcc: guest@x.org,\n other@x.org\nbcc: c@x.org\n\nx\n";
    let all = sent(&["-t", "d@x.org, a@x.org"], input);
    assert_eq!(all.recipients, ["d@x.org", "a@x.org", "b@x.org", "guest@x.org", "other@x.org", "c@x.org"]);
    let given = sent(&["e@x.org", "f@x.org"], input);
    assert_eq!(given.recipients, ["e@x.org", "f@x.org"]);
    for message in [all, given] {
        assert!(!text(&message).to_lowercase().contains("\nbcc") && !text(&message).contains("guest"));
    }
}

#[test]
fn mail_from_cron_is_sent_to_its_alias_from_the_account_s_address() {
    let input = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> echo \u{e4}\n\
                 Content-Type: text/plain; charset=UTF-8\nAuto-Submitted: auto-generated\n\n10%\r50%\rdone \u{e4}\n";
    for args in [
        &["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"][..],
        &["-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "root"],
        &["-i", "-t", "-f", "root@localhost"],
    ] {
        let message = sent(args, input);
        assert_eq!(message.recipients, ["ops@example.org", "bob@example.net"], "{args:?}");
        assert!(message.mail.starts_with("<ana@example.org>"), "{}", message.mail);
        assert_eq!(field(&message, "From"), ["\"Cron Daemon\" <ana@example.org>"]);
        assert_eq!(field(&message, "To"), ["<ops@example.org>, <bob@example.net>"]);
        assert_eq!(field(&message, "Subject"), ["Cron <root@host> echo =?utf-8?B?w6Q=?="]);
        assert!(text(&message).ends_with("\r\n\r\n10%\r\n50%\r\ndone \u{e4}\r\n"), "{}", text(&message));
    }
}

#[test]
fn plain_text_and_an_mbox_line_are_understood_and_missing_fields_added() {
    let plain = sent(&["-F", "Disk Watch", "cy"], "disk full\nreally: yes\n");
    assert_eq!(plain.recipients, ["cy@example.org"], "a name without an alias is one of the own domain");
    assert_eq!(field(&plain, "From"), ["\"Disk Watch\" <ana@example.org>"]);
    assert_eq!(field(&plain, "To"), ["undisclosed-recipients:;"]);
    assert_eq!((field(&plain, "Date").len(), field(&plain, "Message-ID").len()), (1, 1));
    assert!(text(&plain).ends_with("\r\n\r\ndisk full\r\nreally: yes\r\n"));
    let log = sent(&["-s", "h\u{e9}llo", "cy"], "Error: no header\n.\nend\n");
    assert!(field(&log, "Subject")[0].starts_with("=?utf-8?") && field(&log, "Error").is_empty());
    assert!(text(&log).ends_with("\r\n\r\nError: no header\r\n.\r\nend\r\n"), "{}", text(&log));
    let mbox = sent(&["-t"], &format!("From ana Mon Sep  1 10:00:00 2025\n{MAIL}"));
    assert!(!text(&mbox).contains("From ana Mon"));
    assert_eq!(field(&mbox, "From"), ["Ana <ana@example.org>"]);
}

#[test]
fn the_envelope_has_a_sender_that_the_account_may_use() {
    for (given, want) in [
        ("bounces@example.org", "<bounces@example.org>"),
        ("<>", "<>"),
        ("", "<>"),
        ("www-data", "<ana@example.org>"),
        ("someone@elsewhere.example", "<ana@example.org>"),
    ] {
        let message = sent(&["-t", "-f", given], MAIL);
        assert!(message.mail.starts_with(want), "{given}: {}", message.mail);
    }
}

#[test]
fn notifications_are_asked_for() {
    let (world, server) = (world(), server());
    account(&world, &server, "");
    let run = sendmail(&world, ["-N", "failure,delay", "-Rhdrs", "-V", "job42", "bob@example.net"]);
    run.stdin(MAIL).go().assert_exit(0);
    let journal = server.journal();
    assert!(journal.with_verb("MAIL")[0].contains(" RET=HDRS ENVID=job42"), "{:?}", journal.commands);
    assert!(journal.with_verb("RCPT")[0].contains(" NOTIFY=FAILURE,DELAY"), "{:?}", journal.commands);
}

#[test]
fn the_account_goes_by_the_sender_then_the_author_then_the_default() {
    let (world, one, two) = (world(), server(), server());
    let table = |name: &str, server: &Smtpd| {
        format!(
            "[accounts.{name}]\nemail = \"{name}@example.org\"\npassword-file = \"{}\"\nca-file = \"{}\"\n\
             from = \"alerts-{name}@example.org\"\nsmtp.host = \"localhost\"\nsmtp.port = {}\n\
             smtp.username = \"ana\"\n",
            world.text("secret"),
            world.text("ca.pem"),
            server.port()
        )
    };
    let text = format!("default-account = \"one\"\n{}{}", table("one", &one), table("two", &two));
    let config = world.write("other.toml", text);
    let config = config.to_str().unwrap();
    for (sender, from) in [
        ("-ftwo@example.org", "From: one@example.org\n"),
        ("-i", "From: Two <two@example.org>\n"),
        ("-froot", "From: two@example.org\n"),
        ("-i", "From: root\n"),
        ("-fx@elsewhere.example", ""),
    ] {
        let run = sendmail(&world, ["-C", config, sender, "bob@example.net"]);
        run.stdin(format!("{from}Subject: x\n\nx\n")).go().assert_exit(0);
    }
    let senders = |server: &Smtpd| -> Vec<String> {
        server.accepted().iter().map(|one| one.mail.split(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(senders(&two), ["<two@example.org>", "<alerts-two@example.org>", "<alerts-two@example.org>"]);
    assert_eq!(senders(&one), ["<alerts-one@example.org>", "<alerts-one@example.org>"]);
    assert_eq!(field(&one.accepted()[0], "From"), ["<alerts-one@example.org>"]);
}

#[test]
fn the_environment_alone_is_an_account() {
    let (world, server) = (world(), server_plain());
    let run = sendmail(&world, ["-t", "-i"]).env("POSTIE_SMTP_URL", server.url());
    let run = run.env("POSTIE_FROM", "ci@example.org").env("POSTIE_PASSWORD_FILE", world.path("secret"));
    run.stdin("To: bob@example.net\nSubject: built\n\nok\n").go().assert_exit(0);
    let message = server.the_message();
    assert!(message.mail.starts_with("<ci@example.org>"), "{}", message.mail);
    assert_eq!(field(&message, "From"), ["<ci@example.org>"]);
}

/// The server has no TLS, so there is no certificate to trust.
fn server_plain() -> Smtpd {
    Smtpd::for_mailbox(&Mailbox::default()).mode(Mode::Plain).start()
}

#[test]
fn every_failure_has_its_exit_code_its_message_and_its_log_line() {
    for (verb, answer, code, words) in [
        ("RCPT", &b"550 5.1.1 nobody\r\n"[..], 67, "5.1.1 nobody"),
        ("RCPT", b"450 4.2.1 later\r\n", 75, "4.2.1 later"),
        ("MAIL", b"550 5.7.1 not you\r\n", 69, "5.7.1 not you"),
        (".", b"451 4.3.0 greylisted\r\n", 75, "greylisted"),
        (".", b"554 5.6.0 spam\r\nstatus=forged\r\n", 69, "spam"),
        ("AUTH", b"535 5.7.8 wrong\r\n", 77, "5.7.8 wrong"),
        (".", b"", 79, ""),
    ] {
        let world = world();
        let hook = move |event: &crate::support::pop3d::Event<'_>| match event.verb == verb {
            true if answer.is_empty() => Act::Then(Vec::new(), crate::support::peer::End::Close),
            true => Act::Then(answer.to_vec(), crate::support::peer::End::Close),
            false => Act::Normal,
        };
        let server = Smtpd::for_mailbox(&Mailbox::default()).hook(hook).start();
        account(&world, &server, &format!("log-file = \"{}\"", world.text("mail.log")));
        let outcome = sendmail(&world, ["-t", "-i"]).stdin(MAIL).go();
        outcome.assert_exit(code);
        assert!(outcome.err().contains(words) && outcome.err().starts_with("postie: "), "{}", outcome.err());
        let log = std::fs::read_to_string(world.path("mail.log")).unwrap();
        assert_eq!(log.lines().count(), 1, "{log}");
        for part in
            [" account=work ", &format!(" exit={code} "), " from=ana@example.org to=bob@example.net ", words]
        {
            assert!(log.contains(part), "{part}: {log}");
        }
        world.assert_no_secret_on_disk();
    }
}

#[test]
fn the_log_records_success_too_and_a_failing_log_loses_no_mail() {
    let (world, server) = (world(), server());
    account(&world, &server, &format!("log-file = \"{}\"", world.text("mail.log")));
    sendmail(&world, ["-t"]).stdin(MAIL).go().assert_exit(0);
    let log = std::fs::read_to_string(world.path("mail.log")).unwrap();
    assert!(log.contains(" status=accepted exit=0 ") && log.contains(" queue_id=4711ABCDEF"), "{log}");
    account(&world, &server, &format!("log-file = \"{}\"", world.text("missing/mail.log")));
    let outcome = sendmail(&world, ["-t"]).stdin(MAIL).go();
    outcome.assert_exit(0);
    assert!(outcome.err().contains("mail.log: logging: "), "{}", outcome.err());
    assert_eq!(server.accepted().len(), 2);
}

#[test]
fn an_invalid_call_does_not_connect() {
    let (world, server) = (world(), server());
    account(&world, &server, "");
    for (args, input, code) in [
        (&["-bd"][..], MAIL, 64),
        (&["-Z"], MAIL, 64),
        (&[], MAIL, 64),
        (&["-t"], "Subject: nobody\n\nx\n", 65),
        (&["a@x.org\r\nRCPT TO:<b@x.org>"], MAIL, 65),
        (&["-f", "a>\r\nRCPT TO:<x", "b@x.org"], MAIL, 65),
        (&["-F", "x\nBcc: a@x.org", "b@x.org"], "x\n", 64),
        (&["-s", "x\nBcc: a@x.org", "b@x.org"], "x\n", 65),
        (&["-N", "sometimes", "b@x.org"], MAIL, 64),
        (&["-i", "b@x.org"], "Subject: nul\n\nx\0y\n", 65),
        (&["-C", "/nonexistent", "b@x.org"], MAIL, 78),
    ] {
        let outcome = sendmail(&world, args).stdin(input).go();
        outcome.assert_exit(code);
        assert!(outcome.err().starts_with("postie: "), "{args:?}: {}", outcome.err());
    }
    assert_eq!(server.journals().len(), 0);
}

#[test]
fn the_queue_is_always_empty_and_help_is_printed() {
    let world = world();
    for (flag, says) in [("-bp", "Mail queue is empty\n"), ("-q", ""), ("--version", "postie ")] {
        let outcome = sendmail(&world, [flag]).go();
        outcome.assert_exit(0);
        assert!(outcome.out().starts_with(says), "{flag}: {}", outcome.out());
    }
    let help = sendmail(&world, ["--help"]).go();
    assert!(help.assert_exit(0).out().contains("Usage: sendmail "));
}
