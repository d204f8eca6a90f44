//! The standard streams: blocking or not, fast or slow; waiting for them ends with a signal or at the end of
//! the run's time.

use crate::sendmail::link;
use crate::support::disk::{assert_same, split_mboxrd};
use crate::support::mailbox::{Mailbox, message_of};
use crate::support::pop3d::Pop3d;
use crate::support::process::{Meanwhile, Run, ending_signals};
use crate::support::recorder::{Recorder, SessionMode};
use crate::support::world::World;
use crate::world;
use serde_json::json;

fn recorder() -> Recorder {
    Recorder::start(SessionMode { lax: false, extensions: vec!["PIPELINING", "8BITMIME", "CHUNKING"] })
}

fn send(world: &World, server: &Recorder, args: &[&str]) -> Run {
    send_to(world, &server.url(), args)
}

fn send_to(world: &World, url: &str, args: &[&str]) -> Run {
    let run = world.postie(["--json", "--timeout", "20s", "--server", url, "send"]);
    run.args(["--from", "ana@example.org"]).args(args)
}

fn sendmail(world: &World, server: &Recorder, args: &[&str]) -> Run {
    let run = Run::new(link(world)).args(args).dir(world.root()).env("HOME", world.root());
    let run = run.env("POSTIE_SMTP_URL", server.url()).env("POSTIE_FROM", "ana@example.org");
    run.env("TMPDIR", world.root())
}

const MESSAGE: &str = "From: ana@example.org\nTo: bob@example.net\nSubject: x\n\ntext\n";

/// Every way in which `send` reads standard input, and what it has read before it waits.
fn readers<'a>(world: &'a World, server: &'a Recorder) -> Vec<(&'static str, Run, Vec<u8>)> {
    let send = |args: &[&str]| send(world, server, args);
    let to = "bob@example.net";
    let as_ana = server.url().replace("://", "://ana@");
    let with_secret = send_to(world, &as_ana, &["--password-fd", "0", "--body", "x", to]);
    vec![
        ("a body", send(&[to]), b"typed so far\n".to_vec()),
        ("--body-file", send(&["--body-file", "-", to]), b"typed so far\n".to_vec()),
        ("--html-file", send(&["--html-file", "-", "--body", "x", to]), b"<p>so far\n".to_vec()),
        ("--attach", send(&["--attach", "-", "--body", "x", to]), b"octets".to_vec()),
        ("--raw", send(&["--raw"]), MESSAGE.as_bytes().to_vec()),
        ("--raw --fix", send(&["--raw", "--fix"]), MESSAGE.as_bytes().to_vec()),
        ("--skip-empty", send(&["-E", to]), b"\n".to_vec()),
        ("--batch", send(&["--batch"]), b"{\"to\": \"bob@example.net\"".to_vec()),
        ("--password-fd", with_secret, b"pw".to_vec()),
        ("sendmail", sendmail(world, server, &["-t", "-i"]), MESSAGE.as_bytes().to_vec()),
        ("sendmail without -i", sendmail(world, server, &["-t"]), MESSAGE.as_bytes().to_vec()),
    ]
}

#[test]
fn a_signal_ends_whatever_reads_standard_input_and_nothing_is_sent() {
    let server = recorder();
    for signal in ending_signals() {
        let (world, number) = (world(), signal.as_raw());
        for (what, run, typed) in readers(&world, &server) {
            let outcome = run.stdin(&typed).left_open(Meanwhile::Signal(signal)).go();
            assert_eq!(outcome.signal, Some(number), "{what}: {outcome:?}");
            if !what.starts_with("sendmail") {
                outcome.summary();
            }
            let record = server.take();
            assert_eq!((record.connections, record.messages.len()), (0, 0), "{what}");
        }
    }
}

#[test]
fn a_signal_ends_a_dialogue_of_sendmail_bs_at_any_point() {
    let server = recorder();
    let envelope = "EHLO x\r\nMAIL FROM:<ana@example.org>\r\nRCPT TO:<bob@example.net>\r\n";
    let content = format!("{envelope}DATA\r\n{}", MESSAGE.replace('\n', "\r\n"));
    for said in ["", "EH", envelope, &content] {
        let world = world();
        for signal in ending_signals() {
            let run = sendmail(&world, &server, &["-bs"]).stdin(said);
            let outcome = run.left_open(Meanwhile::Signal(signal)).go();
            assert_eq!(outcome.signal, Some(signal.as_raw()), "{said:?}: {outcome:?}");
            assert_eq!(server.take().messages, [], "{said:?}");
        }
    }
}

#[test]
fn max_time_includes_reading_standard_input() {
    let server = recorder();
    let world = world();
    for meanwhile in [Meanwhile::Nothing, Meanwhile::Flood] {
        for (what, run, typed) in readers(&world, &server) {
            // sendmail has no such option; so much input is too much before the time is over.
            let floods = meanwhile == Meanwhile::Flood;
            if what.starts_with("sendmail") || (floods && ["--batch", "--password-fd"].contains(&what)) {
                continue;
            }
            let outcome = run.arg("--max-time=300ms").stdin(&typed).left_open(meanwhile).go();
            let error = outcome.assert_failure(75, "timeout");
            assert_eq!(error["retry"], "safe", "{what}: {error}");
            assert_eq!(server.take().messages, [], "{what}");
        }
    }
}

#[test]
fn a_batch_over_non_blocking_streams_is_sent_and_reported_whole() {
    let (world, server) = (world(), recorder());
    let lines: Vec<String> = (0..150)
        .map(|id| json!({"id": id, "to": format!("b{id}@example.net"), "text": "x"}).to_string() + "\n")
        .collect();
    let run = send(&world, &server, &["--batch", "-vv"]).stdin(lines.concat()).nonblocking();
    let outcome = run.go();
    outcome.assert_exit(0);
    let told: Vec<u64> = outcome.of_type("receipt").iter().map(|line| line["id"].as_u64().unwrap()).collect();
    assert_eq!(told, (0..150).collect::<Vec<u64>>());
    assert_eq!(outcome.summary()["accepted"], 150);
    assert_eq!(server.take().messages.len(), 150);
    let shown = outcome.err().lines().filter(|line| line.contains(" C: RCPT TO:")).count();
    assert_eq!(shown, 150, "the transcript is whole");
}

#[test]
fn a_message_is_read_from_a_non_blocking_standard_input_to_its_end() {
    let server = recorder();
    for (what, args) in [
        ("a body", &["bob@example.net"][..]),
        ("an attachment", &["-a", "-", "--body", "x", "bob@example.net"]),
    ] {
        let world = world();
        let text = "0123456789\n".repeat(900);
        let run = send(&world, &server, args).stdin(&text).pieces(vec![1, 11, 100, 4000]).nonblocking();
        run.go().assert_exit(0);
        let message = server.take().messages.remove(0);
        let parts = crate::content::decode::leaves(&message.content);
        let text = text.into_bytes();
        let found: Vec<u8> =
            parts.last().unwrap().content.iter().copied().filter(|at| *at != b'\r').collect();
        assert!(found == text, "{what}");
    }
}

#[test]
fn messages_printed_to_a_slow_non_blocking_output_are_whole_and_fetched_once() {
    let mailbox = Mailbox::of((1..=4).map(|number| message_of(number, 30_000)));
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    let run = || {
        let run = world.postie(["--server", &server.url(), "--password-file", &world.text("secret")]);
        run.arg("--ca-file").arg(world.path("ca.pem")).args(["fetch", "--stdout"]).nonblocking()
    };
    let outcome = run().go();
    assert_same(&split_mboxrd(&outcome.assert_exit(0).stdout), &mailbox.as_stored());
    assert_eq!(run().go().assert_exit(0).out(), "", "the second run finds nothing new");
    let listed = world.pop3(&server, "list").nonblocking().go();
    assert_eq!(listed.assert_exit(0).of_type("message").len(), 4);
    let shown = world.postie(["--help"]).nonblocking().go();
    assert!(shown.assert_exit(0).out().len() > 1000);
}

#[test]
fn without_a_directory_for_temporary_files_only_large_messages_fail() {
    let server = recorder();
    let world = world();
    let mailbox = Mailbox::of([message_of(1, 300_000)]);
    let popper = Pop3d::for_mailbox(&mailbox).start();
    let file = world.write("a file", "x");
    let raw = format!("{MESSAGE}{}", "0123456789\n".repeat(70_000));
    let line =
        json!({"to": "bob@example.net", "text": "x", "attachments": [{"base64": "eA==", "name": "x"}]});
    // Missing; read-only, for root too; and not a directory.
    for nowhere in
        [world.text("missing"), "/proc".to_owned(), "/sys".to_owned(), file.to_str().unwrap().to_owned()]
    {
        let send = |args: &[&str]| send(&world, &server, args).env("TMPDIR", &nowhere);
        send(&["-a", "-", "--body", "x", "bob@example.net"]).stdin("octets").go().assert_exit(0);
        send(&["--html-file", "-", "--body", "x", "bob@example.net"]).stdin("<p>").go().assert_exit(0);
        send(&["--raw"]).stdin(&raw).go().assert_exit(0);
        send(&["--raw", "--fix"]).stdin(&raw).go().assert_exit(0);
        send(&["--batch"]).stdin(format!("{line}\n")).go().assert_exit(0);
        sendmail(&world, &server, &["-t", "-i"]).stdin(&raw).env("TMPDIR", &nowhere).run().assert_exit(0);
        assert_eq!(server.take().messages.len(), 6, "{nowhere}");
        let exec =
            world.pop3(&popper, "fetch").arg("--all").arg("--exec").arg("cat > got").env("TMPDIR", &nowhere);
        exec.go().assert_exit(0);
        assert_eq!(std::fs::read(world.path("got")).unwrap(), mailbox.as_stored()[0]);
        let kept = world.pop3(&popper, "fetch").arg("--all").env("TMPDIR", &nowhere);
        kept.arg("--maildir").arg(world.path("Mail")).go().assert_exit(0);
        for large in [&["--raw"][..], &["--raw", "--fix"], &["-a", "-", "--body", "x", "bob@example.net"]] {
            let large = send(large).stdin(raw.repeat(2)).go();
            let error = large.assert_failure(74, "storage");
            assert!(error["message"].as_str().unwrap().contains(&nowhere), "{error}");
        }
        assert_eq!(server.take().messages.len(), 0, "{nowhere}");
    }
}
