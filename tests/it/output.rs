//! Output that goes wrong: full, closed, or read by a program that stops reading. And nothing that a server
//! sends can control a terminal.

use crate::support::disk::{assert_same, sorted};
use crate::support::mailbox::Mailbox;
use crate::support::pop3d::{Act, Pop3d};
use crate::support::smtpd::Smtpd;
use crate::world;
use std::fs::{File, OpenOptions};

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// The writing end of a pipe that nobody reads.
fn unread() -> File {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    drop(reader);
    File::from(writer)
}

#[test]
fn output_that_cannot_be_written_ends_in_74() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.pop3(&server, "list").stdout(full()).go().assert_exit(74);
    world.fetch(&server).stdout(full()).go().assert_exit(74);
    let again = world.fetch(&server).go();
    again.assert_exit(0);
    assert_same(&world.mail(), &sorted(mailbox.as_stored()));
    world.config("[accounts.a]\nemail = \"ana@example.org\"\n");
    world.postie(["config", "list"]).stdout(full()).go().assert_exit(74);
}

#[test]
fn if_the_receipt_of_an_accepted_message_cannot_be_written_it_goes_to_stderr() {
    let server = Smtpd::for_mailbox(&Mailbox::default()).start();
    let world = world();
    let outcome = world.send(&server).arg("bob@example.org").stdin("text\n").stdout(full()).go();
    outcome.assert_exit(74);
    assert_eq!(server.accepted().len(), 1);
    assert!(outcome.err().contains("accepted"), "{}", outcome.err());
}

#[test]
fn a_closed_pipe_ends_list_and_config_quietly() {
    let mailbox = Mailbox::with(50);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.pop3(&server, "list").stdout(unread()).go();
    outcome.assert_exit(0);
    assert_eq!(outcome.err(), "");
    world.config("[accounts.a]\nemail = \"ana@example.org\"\n");
    let outcome = world.postie(["config", "list"]).stdout(unread()).go();
    outcome.assert_exit(0);
    assert_eq!(outcome.err(), "");
}

#[test]
fn fetch_and_send_finish_their_step_after_the_pipe_is_closed() {
    let mailbox = Mailbox::with(20);
    let all = sorted(mailbox.as_stored());
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.fetch(&server).arg("--delete").stdout(unread()).go();
    outcome.assert_exit(74);
    world.fetch(&server).arg("--delete").go().assert_exit(0);
    assert_same(&world.mail(), &all);
    assert!(mailbox.messages().is_empty());

    let smtp = Smtpd::for_mailbox(&Mailbox::default()).start();
    world.send(&smtp).arg("bob@example.org").stdin("text\n").stdout(unread()).go();
    assert_eq!(smtp.accepted().len(), 1);
}

#[test]
fn a_closed_standard_output_causes_no_panic_and_no_output_in_another_file() {
    let mailbox = Mailbox::with(3);
    let all = sorted(mailbox.as_stored());
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    for (at, prelude) in
        ["exec >&-", "exec 2>&-", "exec >&- 2>&-", "exec <&-", "exec <&- >&- 2>&-"].into_iter().enumerate()
    {
        world.fetch(&server).arg("--all").under_shell(prelude).go().assert_exit(0);
        assert_eq!(world.mail().len(), 3 * (at + 1), "{prelude}");
    }
    for copy in world.mail() {
        assert!(all.contains(&copy), "output went into a message");
    }
}

#[test]
fn no_message_goes_to_a_standard_output_that_is_closed() {
    for args in [&["--stdout", "--delete"][..], &["--stdout"], &["--json", "--stdout", "--delete"]] {
        let mailbox = Mailbox::with(3);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let fetch = || world.pop3(&server, "fetch").args(args);
        let outcome = fetch().under_shell("exec >&-").run();
        assert_eq!(outcome.code, Some(73), "{args:?}: {outcome:?}");
        assert!(outcome.err().contains("standard output: closed"), "{args:?}: {outcome:?}");
        assert_eq!(mailbox.messages().len(), 3, "{args:?}");
        // Nothing counts as fetched; and to throw mail away is somebody's own choice.
        fetch().under_shell("exec >/dev/null").run().assert_exit(0);
        assert_eq!(mailbox.messages().len(), if args.contains(&"--delete") { 0 } else { 3 }, "{args:?}");
        assert!(server.journals().iter().any(|journal| journal.count("RETR") == 3), "{args:?}");
    }
}

#[test]
fn nothing_from_a_server_can_control_the_terminal() {
    let evil = "\x1b]0;pwned\x07\x1b[2J\u{9b}31m\u{202e}\x08\x7f";
    let mailbox = Mailbox::with(2);
    for verb in ["", "CAPA", "AUTH", "UIDL", "RETR"] {
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| match event.verb {
                here if here == verb => Act::reply(&format!("-ERR no {evil}")),
                _ => Act::Normal,
            })
            .start();
        let world = world();
        for json in [true, false] {
            let run = world.postie(["fetch", "-vv", "--server", &server.url(), "--password-file"]);
            let run = run.arg(world.path("secret")).arg("--ca-file").arg(world.path("ca.pem"));
            let run = run.arg("--maildir").arg(world.path("Mail"));
            let outcome = if json { run.arg("--json").go() } else { run.go() };
            for text in [outcome.out(), outcome.err()] {
                let hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
                assert!(!text.contains(hostile), "{verb}: {text:?}");
            }
            if json {
                outcome.summary();
            }
        }
    }
}

#[test]
fn json_is_on_stdout_and_text_on_stderr_and_quiet_is_quiet() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let outcome = world.fetch(&server).arg("-q").go();
    outcome.assert_exit(0);
    assert_eq!(outcome.err(), "");
    assert!(!outcome.json().is_empty());
    let failed = world.postie(["-q", "--json", "list", "--server", "pop3s://ana@127.0.0.1:1"]).go();
    assert!(failed.err().starts_with("postie: "), "a failure is told: {:?}", failed.err());
}

#[test]
fn an_error_quotes_only_a_bounded_part_of_its_cause() {
    let (world, server) = (world(), Smtpd::for_mailbox(&Mailbox::default()).start());
    let big = "x".repeat(1_000_000);
    let long = &big[..100_000];
    let lines = [
        (format!("{{\"to\":\"{big}\",\"text\":\"x\"}}"), 65),
        (format!("{{\"to\":\"b@example.org\",\"{big}\":1}}"), 65),
        (format!("{{\"to\":\"b@example.org\",\"subject\":\"a\\n{big}\",\"text\":\"x\"}}"), 65),
        (format!("{{\"to\":\"b@example.org\",\"headers\":{{\"{big} y\":\"z\"}},\"text\":\"x\"}}"), 65),
        (format!("{{\"to\":\"b@example.org\",\"attachments\":[{{\"path\":\"{big}\"}}]}}"), 66),
        (format!("{{\"to\":\"b@example.org\",\"date\":\"{big}\",\"text\":\"x\"}}"), 65),
    ];
    for (line, code) in lines {
        let outcome = world.send(&server).arg("--batch").stdin(format!("{line}\n")).go();
        assert_eq!(outcome.code, Some(code), "{}", &line[..60]);
        let said = outcome.stdout.len() + outcome.stderr.len();
        assert!(said < 20_000, "{} octets are said of {}", said, &line[..60]);
    }
    let failing = format!("exit 3 #{long}");
    let runs = [
        (world.postie(["--json", "list", "-A", long]), 78),
        (world.postie(["--json", "list", "--server", long]), 64),
        (world.postie(["list", &format!("--{long}")]), 64),
        (world.send(&server).args(["-t", long, "-s", "x"]), 65),
        (world.send(&server).args(["b@example.org", "-a", long]), 66),
        (world.send(&server).args(["b@example.org", "-H", &format!("a\n{long}")]), 64),
        (
            world
                .postie(["--json", "list", "--server", "pop3s://u@localhost:1"])
                .args(["--password-command", &failing]),
            78,
        ),
    ];
    for (run, code) in runs {
        let outcome = run.go();
        outcome.assert_exit(code);
        assert!(outcome.stdout.len() + outcome.stderr.len() < 20_000, "{outcome:?}");
    }
}
