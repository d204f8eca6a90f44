//! Everything before the mail: greetings, capabilities, TLS, logins, response codes, pipelining.

use crate::exit_codes::no_such_host;
use crate::quirks::Quirk;
use crate::support::pop3d::SECRET;
use crate::world;
use md5::{Digest as _, Md5};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Plays a quirk to `fetch --delete`, which must fetch both messages.
#[track_caller]
fn brings_both(name: &str) -> Quirk {
    let quirk = Quirk::of(name);
    let outcome = quirk.fetch("--delete").go();
    assert_eq!(outcome.code, Some(0), "{name}: {}\n{:#?}", outcome.err(), quirk.sent());
    assert_eq!(quirk.subjects(), ["one", "two"], "{name}");
    quirk.player.assert_followed();
    quirk
}

#[test]
fn a_refusal_with_a_reason_gives_that_kind_at_any_command() {
    for (why, code, kind) in [
        ("[IN-USE] another session", 75, "deferred"),
        ("[LOGIN-DELAY] every 15 minutes", 75, "deferred"),
        ("[SYS/TEMP] no disk", 75, "deferred"),
        ("[SYS/PERM] mailbox corrupt", 69, "rejected"),
        ("[AUTH] no such user", 77, "auth"),
        ("[in-use] in lower case", 75, "deferred"),
        ("maildrop already locked", 75, "deferred"),
        ("wait a while", 75, "deferred"),
        ("server busy", 75, "deferred"),
    ] {
        for stage in ["greeting", "user", "pass", "auth", "uidl", "retr"] {
            let quirk = Quirk::with(&format!("refused-at-{stage}"), &[("@WHY@", why)]);
            let outcome = quirk.fetch("--keep").go();
            let error = outcome.assert_failure(code, kind);
            let said = error["reply"]["lines"][0].as_str().unwrap();
            assert_eq!(said, format!("-ERR {why}"), "{stage}");
            assert!(quirk.world.mail().is_empty(), "{stage}: {why}");
            quirk.player.assert_followed();
        }
    }
}

#[test]
fn a_refusal_without_a_reason_is_judged_by_its_command() {
    for (stage, code, kind) in [
        ("greeting", 75, "deferred"),
        ("user", 77, "auth"),
        ("pass", 77, "auth"),
        ("auth", 77, "auth"),
        ("uidl", 69, "missing"),
        ("retr", 69, "rejected"),
    ] {
        for why in ["", "no", "your account is blocked, unlock it first"] {
            let quirk = Quirk::with(&format!("refused-at-{stage}"), &[("@WHY@", why)]);
            quirk.fetch("--keep").go().assert_failure(code, kind);
        }
    }
}

#[test]
fn a_server_that_fails_at_capa_is_used_without_it() {
    for name in ["capa-hangs", "capa-closes", "capa-without-list", "capa-refused-and-closes"] {
        brings_both(name);
    }
}

#[test]
fn broken_pipelining_is_given_up_and_the_run_completes() {
    for name in [
        "pipelining-hangs-up-at-login",
        "pipelining-loses-commands",
        "pipelining-mixes-replies",
        "pipelining-hangs-up-at-retr",
        "pipelining-mixes-messages",
    ] {
        let quirk = brings_both(name);
        let second = &quirk.sent()[1];
        assert_eq!(second.iter().filter(|line| line.starts_with("PASS")).count(), 1, "{name}");
    }
}

#[test]
fn sasl_challenges_after_a_misplaced_ok_and_prose_are_found() {
    brings_both("sasl-ok-for-plus");
    brings_both("sasl-text-after-plus");
}

#[test]
fn a_plus_err_is_a_refusal_and_is_not_tried_again() {
    let quirk = Quirk::of("err-with-a-plus");
    let error = quirk.fetch("--keep").go().assert_failure(77, "auth");
    assert_eq!(error["reply"]["lines"][0], "+ERR invalid password", "what the server said");
    quirk.player.assert_followed();
    let attempts = quirk.sent().concat().iter().filter(|line| line.starts_with("PASS")).count();
    assert_eq!(attempts, 1, "lest the account be locked");
}

#[test]
fn a_password_is_sent_octet_for_octet_and_never_as_two_lines() {
    let quirk = Quirk::of("password-odd-bytes");
    quirk.world.write("secret", b" p\"%41\\ \xc3\xa4\xff \n");
    quirk.fetch("--delete").go().assert_exit(0);
    quirk.player.assert_followed();
    for password in [&b"two\nlines\n"[..], b"carriage\rreturn\n", b"nul\0\n", b"two line ends\n\n"] {
        let quirk = Quirk::of("password-odd-bytes");
        quirk.world.write("secret", password);
        quirk.fetch("--delete").go().assert_failure(78, "config");
        assert!(!quirk.sent().concat().iter().any(|line| line.starts_with("PASS")));
    }
}

#[test]
fn apop_needs_a_timestamp_that_is_a_message_id() {
    for name in ["apop-stamp-absent", "apop-stamp-no-msg-id"] {
        let quirk = Quirk::of(name);
        quirk.fetch_by_account("auth = \"apop\"").go().assert_failure(69, "missing");
        assert!(!quirk.sent().concat().iter().any(|line| line.starts_with("APOP")), "{name}");
    }
    let digest = Md5::digest(format!("<17.4711@localhost>{SECRET}"));
    let digest: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    let quirk = Quirk::with("apop-stamp-anywhere", &[("@DIGEST@", &digest)]);
    quirk.fetch_by_account("auth = \"apop\"").arg("--delete").go().assert_exit(0);
    quirk.player.assert_followed();
}

#[test]
fn stls_is_required_and_earlier_capabilities_are_forgotten() {
    for name in ["stls-not-announced", "stls-refused"] {
        let quirk = Quirk::of(name);
        quirk.fetch("--keep").go().assert_failure(69, "missing");
        quirk.player.assert_followed();
    }
    brings_both("stls-capa-refused");
    brings_both("stls-forgets-capabilities");
}

#[test]
fn a_server_that_wants_a_delay_between_logins_gets_one_login_a_run() {
    let quirk = Quirk::of("login-delay");
    let outcome = quirk.fetch("--delete").arg("--until-empty").go();
    outcome.assert_exit(0);
    assert!(outcome.err().contains("900 s"), "it says why: {}", outcome.err());
    assert_eq!(quirk.subjects(), ["one", "two"]);
    quirk.player.assert_followed();
}

#[test]
fn a_connection_closed_at_login_is_temporary_and_not_tried_again() {
    let quirk = Quirk::of("login-cut-off");
    quirk.fetch("--keep").go().assert_failure(75, "network");
    quirk.player.assert_followed();
}

#[test]
fn gmail_lists_recent_mail_for_a_user_name_with_a_colon() {
    let mut quirk = Quirk::of("gmail-recent-user");
    quirk.url = format!("pop3s://recent%3Aana@localhost:{}", quirk.player.port());
    quirk.fetch("--keep").go().assert_exit(0);
    assert_eq!(quirk.subjects(), ["one", "two"]);
    quirk.player.assert_followed();
    let quirk = Quirk::of("gmail-recent-user");
    let run = quirk.fetch_by_account("");
    let text = std::fs::read_to_string(quirk.world.path(".config/postie/config.toml")).unwrap();
    quirk.world.config(&text.replace("username = 'ana'", "username = 'recent:ana'"));
    run.go().assert_exit(0);
    assert_eq!(quirk.subjects(), ["one", "two"]);
}

/// Answers `at` with one octet at a time, each well within the time of an operation, until the client
/// disconnects; otherwise behaves like a server with one message.
fn trickle(listener: &TcpListener, at: &str) {
    let (stream, _) = listener.accept().unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut stream = stream;
    let mut line = String::new();
    while line != at {
        let reply = match line.as_str() {
            "CAPA" => "+OK\r\nUSER\r\nTOP\r\nUIDL\r\n.\r\n",
            "UIDL" => "+OK\r\n1 uid-1\r\n.\r\n",
            "LIST" => "+OK\r\n1 14\r\n.\r\n",
            "RETR 1" => "+OK\r\nSubject: x\r\n\r\n.\r\n",
            _ => "+OK\r\n",
        };
        stream.write_all(reply.as_bytes()).unwrap();
        let Some(Ok(next)) = lines.next() else { return };
        line = next;
    }
    let begins = ["RETR", "TOP"].iter().any(|verb| at.starts_with(verb));
    let mut sent = stream.write_all(if begins { b"+OK\r\n" } else { b"" });
    // Waits for the client to disconnect; each time that does not happen within 50 ms, another octet is sent.
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let stays = |mut stream: &TcpStream| match stream.read(&mut [0; 512]) {
        Ok(octets) => octets > 0,
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    };
    while sent.is_ok() && stays(&stream) {
        sent = stream.write_all(b"x");
    }
}

#[test]
fn a_server_that_sends_one_octet_at_a_time_is_given_up() {
    let secret = format!("PASS {SECRET}");
    for (timeout, run) in [("1s", "1h"), ("1h", "1s")] {
        for at in ["", "CAPA", "USER ana", &secret, "UIDL", "LIST", "RETR 1", "TOP 1 0", "DELE 1", "QUIT"] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("pop3+insecure://ana@localhost:{}", listener.local_addr().unwrap().port());
            let world = world();
            let command = if at.starts_with("TOP") { "list" } else { "fetch" };
            let outcome = std::thread::scope(|scope| {
                scope.spawn(|| {
                    trickle(&listener, at);
                    // If the client gives up CAPA, it connects a second time, as it does after a loss at a
                    // message.
                    match at {
                        "CAPA" if run == "1h" => trickle(&listener, "USER ana"),
                        "RETR 1" | "TOP 1 0" | "DELE 1" if run == "1h" => trickle(&listener, at),
                        _ => {}
                    }
                });
                let started = world.at_url_within(timeout, &url, command).args(["--max-time", run]);
                let started = match command {
                    "list" => started,
                    _ => started.arg("--delete").arg("--maildir").arg(world.path("Mail")),
                };
                started.go()
            });
            let what = format!("{at:?} {timeout}");
            // If only one message could not be deleted, and there was time, everything else continued.
            let code = if at == "DELE 1" && run == "1h" { 1 } else { 75 };
            assert_eq!(outcome.code, Some(code), "{what}: {outcome:?}");
            assert_eq!(outcome.error()["kind"], "timeout", "{what}: {outcome:?}");
            let came = ["DELE 1", "QUIT"].contains(&at);
            assert_eq!(world.mail().len(), usize::from(came), "{what}");
        }
    }
}

#[test]
fn a_host_that_does_not_answer_is_temporary_and_one_that_does_not_exist_is_not() {
    let world = world();
    // A port without a listener: it was assigned a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fetch =
        |url: &str| world.at_url_within("2s", url, "fetch").arg("--maildir").arg(world.path("Mail")).go();
    fetch(&format!("pop3s://ana@localhost:{port}")).assert_failure(75, "network");
    let (code, kind) = no_such_host();
    fetch("pop3s://ana@no-such-host.invalid").assert_failure(code, kind);
    assert!(!world.path("Mail").join("new").exists() || world.mail().is_empty());
}
