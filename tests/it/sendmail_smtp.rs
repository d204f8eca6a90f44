//! `sendmail -bs`: SMTP on standard input and output; the replies are the outcomes from the account's server.

use crate::sendmail::{account, link};
use crate::support::mailbox::Mailbox;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Event};
use crate::support::process::{Outcome, Run};
use crate::support::smtpd::Smtpd;
use crate::support::world::World;
use crate::world;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

fn server(hook: impl Fn(&Event<'_>) -> Act + Send + Sync + 'static) -> Smtpd {
    Smtpd::for_mailbox(&Mailbox::default()).hook(hook).start()
}

#[track_caller]
fn dialogue(world: &World, input: &str) -> Vec<String> {
    let run = Run::new(link(world)).arg("-bs").dir(world.root()).env("HOME", world.root());
    let outcome: &Outcome = &run.env("TMPDIR", world.root()).stdin(input).go();
    outcome.assert_exit(0);
    assert!(outcome.out().split_inclusive('\n').all(|line| line.ends_with("\r\n")), "{:?}", outcome.out());
    outcome.out().lines().map(|line| line.trim_end().to_owned()).collect()
}

fn codes(replies: &[String]) -> Vec<&str> {
    replies.iter().filter(|reply| reply.as_bytes()[3] == b' ').map(|reply| &reply[..3]).collect()
}

const ONE: &str = "MAIL FROM:<ana@example.org> BODY=8BITMIME SIZE=100\r\nRCPT TO:<bob@example.net>\r\n\
                   DATA\r\nFrom: ana@example.org\r\nTo: bob@example.net\r\nBcc: guest@example.net\r\n\r\n\
                   one\r\n..\r\n..two\nthree\n.\nfour\r\n.\r\n";

#[test]
fn each_message_is_sent_on_and_gets_its_queue_id() {
    let (world, server) = (world(), server(|_| Act::Normal));
    account(&world, &server, "");
    let input = format!(
        "EHLO [127.0.0.1]\r\n{ONE}NOOP\r\nVRFY root\r\nMAIL FROM:<root>\r\nRSET\r\nMAIL FROM:<>\r\n\
         RCPT TO:<root>\r\nDATA\r\nSubject: second\r\n\r\nx\r\n.\r\nQUIT\r\nNOOP\r\n"
    );
    let replies = dialogue(&world, &input);
    assert_eq!(
        codes(&replies),
        [
            "220", "250", "250", "250", "354", "250", "250", "252", "250", "250", "250", "250", "354", "250",
            "221"
        ]
    );
    assert!(replies.iter().any(|reply| reply == "250-PIPELINING"), "{replies:?}");
    let accepted = replies.iter().filter(|reply| *reply == "250 2.0.0 accepted as 4711ABCDEF");
    assert_eq!(accepted.count(), 2, "{replies:?}");
    server.assert_clean();
    let messages = server.accepted();
    assert_eq!(messages.len(), 2);
    let text = String::from_utf8(messages[0].content.clone()).unwrap();
    // Dots are unstuffed; what programs that accept a bare LF take for an end is content.
    assert!(text.ends_with("\r\n\r\none\r\n.\r\n.two\r\nthree\r\n.\r\nfour\r\n"), "{text}");
    assert!(!text.contains("guest"), "{text}");
    assert_eq!(messages[0].recipients, ["bob@example.net"]);
    assert_eq!(messages[1].recipients, ["ops@example.org", "bob@example.net"], "an alias");
    assert!(messages[1].mail.starts_with("<>"), "{}", messages[1].mail);
}

#[test]
fn lines_that_end_in_lf_are_accepted() {
    let (world, server) = (world(), server(|_| Act::Normal));
    account(&world, &server, "");
    let replies =
        dialogue(&world, &format!("HELO here\n{}QUIT\n", ONE.replace("\r\n", "\n").replace("\n.\nfour", "")));
    assert_eq!(codes(&replies), ["220", "250", "250", "250", "354", "250", "221"]);
    let text = String::from_utf8(server.the_message().content).unwrap();
    assert!(text.ends_with("one\r\n.\r\n.two\r\nthree\r\n"), "{text}");
}

#[test]
fn the_reply_after_the_content_is_the_outcome() {
    for (verb, answer, end, want) in [
        ("RCPT", &b"550 5.1.1 nobody\r\n"[..], false, "550 5.1.1 "),
        ("RCPT", b"452 4.2.2 full\r\n", false, "452 4.2.2 "),
        (".", b"451 4.7.1 greylisted\r\n", false, "451 4.7.1 "),
        (".", b"554 5.6.0 spam\r\n", false, "554 5.6.0 "),
        ("AUTH", b"535 5.7.8 wrong\r\n", false, "554 5.7.8 "),
        ("MAIL", b"421 4.3.2 closing\r\n", true, "451 4.3.2 "),
        ("", b"", true, "451 4.3.0 "),
        (".", b"", true, "554 5.4.2 it may have been delivered, do not send it again: "),
    ] {
        let world = world();
        let server = server(move |event| match event.verb == verb {
            true if end => Act::Then(answer.to_vec(), End::Close),
            true => Act::Reply(answer.to_vec()),
            false => Act::Normal,
        });
        account(&world, &server, &format!("log-file = \"{}\"", world.text("mail.log")));
        let replies = dialogue(&world, &format!("EHLO x\r\n{ONE}QUIT\r\n"));
        let verdict = &replies[replies.len() - 2];
        assert!(verdict.starts_with(want), "{verb} {want}: {replies:?}");
        assert!(replies.last().unwrap().starts_with("221 "), "the session goes on: {replies:?}");
        assert_eq!(std::fs::read_to_string(world.path("mail.log")).unwrap().lines().count(), 1);
    }
}

#[test]
fn an_invalid_message_is_refused_and_the_session_continues() {
    let (world, server) = (world(), server(|_| Act::Normal));
    account(&world, &server, "");
    let envelope = "MAIL FROM:<ana@example.org>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n";
    let input = format!(
        "EHLO x\r\n{envelope}Subject: a\r\n\r\nbare\rreturn\r\n.\r\n{envelope}Subject: b\r\n\r\n\
         {}\r\n.\r\nNOOP\r\n{ONE}QUIT\r\n",
        "x".repeat(200_000)
    );
    let replies = dialogue(&world, &input);
    assert_eq!(
        codes(&replies)[2..],
        ["250", "250", "354", "554", "250", "250", "354", "554", "250", "250", "250", "354", "250", "221"]
    );
    assert_eq!(replies.iter().filter(|reply| reply.starts_with("554 5.6.0 ")).count(), 2, "{replies:?}");
    server.the_message();
}

#[test]
fn wrong_commands_are_refused_one_by_one() {
    let (world, server) = (world(), server(|_| Act::Normal));
    account(&world, &server, "");
    let long = "x".repeat(20_000);
    for (line, code) in [
        ("RCPT TO:<a@x.org>", "503"),
        ("DATA", "503"),
        ("MAIL FROM:a@x.org", "501"),
        ("MAIL FROM:<a@x.org> AUTH=<>", "555"),
        ("MAIL FROM:<a b@x.org>", "553"),
        ("MAIL FROM:<a@x.org>\r\nMAIL FROM:<a@x.org>", "503"),
        ("MAIL FROM:<a@x.org>\r\nRCPT TO:<>", "553"),
        ("MAIL FROM:<a@x.org>\r\nRCPT TO:<a@x.org,b@x.org>", "553"),
        ("MAIL FROM:<a@x.org>\r\nRCPT TO:<a@x.org> NOTIFY=NEVER", "555"),
        ("MAIL FROM:<a@x.org>\r\nDATA", "503"),
        ("STARTTLS", "502"),
        ("", "502"),
        ("NOOP\u{7}", "500"),
        (long.as_str(), "500"),
    ] {
        let replies = dialogue(&world, &format!("{line}\r\nQUIT\r\n"));
        assert!(replies[replies.len() - 2].starts_with(code), "{line:.50}: {replies:?}");
    }
    assert_eq!(server.journals().len(), 0);
}

#[test]
fn an_input_that_ends_within_a_message_sends_nothing() {
    let (world, server) = (world(), server(|_| Act::Normal));
    account(&world, &server, "");
    for end in [".\r\n", "\r\n.\r\n"] {
        let cut = ONE.strip_suffix(end).unwrap();
        let replies = dialogue(&world, cut);
        assert_eq!(codes(&replies), ["220", "250", "250", "354"]);
    }
    assert_eq!(server.journals().len(), 0);
}

#[test]
fn a_signal_ends_the_wait_for_a_command() {
    let (world, server) = (world(), server(|_| Act::Normal));
    account(&world, &server, "");
    let mut child = Command::new(link(&world))
        .arg("-bs")
        .env_clear()
        .env("HOME", world.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut greeting = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut greeting).unwrap();
    assert!(greeting.starts_with("220 "), "{greeting}");
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), Signal::TERM).unwrap();
    // Its standard input stays open: only the signal can end it.
    let input = child.stdin.take();
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::TERM.as_raw()));
    drop(input);
}
