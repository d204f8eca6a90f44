//! One row per class of failure: its exit code and its kind, in the JSON and on stderr.

use crate::support::mailbox::Mailbox;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Event, Pop3d};
use crate::support::process::Run;
use crate::support::real::have;
use crate::support::smtpd::Smtpd;
use crate::support::world::World;
use crate::world;
use postie::output::fields::LINES;
use postie::words::Exit;
use std::collections::BTreeSet;
use std::fs;
use std::net::ToSocketAddrs as _;
use std::path::PathBuf;
use std::sync::{Mutex, mpsc};
use std::thread;

/// What a run needs: servers that share a mailbox of 20 messages, and a home.
struct Stage {
    world: World,
    mailbox: Mailbox,
    pop3: Pop3d,
    smtp: Smtpd,
}

impl Stage {
    /// Servers that send this reply.
    fn answering(answer: fn(&Event<'_>) -> Act) -> Stage {
        let mailbox = Mailbox::with(20);
        let pop3 = Pop3d::for_mailbox(&mailbox).hook(answer).start();
        let smtp = Smtpd::for_mailbox(&Mailbox::default()).hook(answer).start();
        Stage { world: world(), mailbox, pop3, smtp }
    }

    fn fetch(&self) -> Run {
        self.world.fetch(&self.pop3)
    }

    fn send(&self) -> Run {
        self.world.send(&self.smtp).arg("bob@example.org").stdin("x\n")
    }

    /// `fetch` with a command for each message.
    fn exec(&self, command: &str) -> Run {
        self.world.pop3(&self.pop3, "fetch").args(["--exec", command])
    }
}

struct Row {
    what: &'static str,
    code: i32,
    kind: &'static str,
    answer: fn(&Event<'_>) -> Act,
    run: fn(&Stage) -> Run,
}

impl Row {
    const fn new(what: &'static str, code: i32, kind: &'static str, run: fn(&Stage) -> Run) -> Row {
        Row { what, code, kind, answer: |_| Act::Normal, run }
    }

    const fn answered(mut self, answer: fn(&Event<'_>) -> Act) -> Row {
        self.answer = answer;
        self
    }
}

/// The reply to one verb; no verb means the greeting.
fn at(event: &Event<'_>, verb: &str, act: Act) -> Act {
    if event.verb == verb { act } else { Act::Normal }
}

const ROWS: &[Row] = &[
    Row::new("an unknown option", 64, "usage", |s| s.world.postie(["--json", "list", "--no-such"])),
    Row::new("no command", 64, "usage", |s| s.world.postie(["--json"])),
    Row::new("a URL that is none", 64, "usage", |s| {
        s.world.postie(["--json", "list", "--server", "http://x"])
    }),
    Row::new("two destinations", 64, "usage", |s| s.fetch().args(["--mbox", "x"])),
    Row::new("no account at all", 78, "config", |s| s.world.postie(["--json", "list"])),
    Row::new("an account that is not there", 78, "config", |s| {
        s.world.config("[accounts.a]\nemail = \"a@example.org\"\n");
        s.world.postie(["--json", "list", "-A", "b"])
    }),
    Row::new("no secret", 78, "config", |s| {
        s.world.postie(["--json", "list", "--server", &s.pop3.url(), "--ca-file"]).arg(s.world.path("ca.pem"))
    }),
    Row::new("a bad address", 65, "input", |s| s.send().arg("no address")),
    Row::new("no input file", 66, "no_input", |s| s.send().args(["--attach", "missing"])),
    Row::new("a recipient refused for good", 67, "recipient", Stage::send)
        .answered(|event| at(event, "RCPT", Act::reply("550 5.1.1 nobody"))),
    Row::new("a sender refused for good", 69, "rejected", Stage::send)
        .answered(|event| at(event, "MAIL", Act::reply("550 5.7.1 not you"))),
    Row::new("no UIDL where messages are to stay", 69, "missing", |s| s.fetch().arg("--keep"))
        .answered(|event| at(event, "UIDL", Act::reply("-ERR unknown"))),
    Row::new("every UID another one", 69, "uid_reset", |s| {
        s.world.pop3(&s.pop3, "fetch").arg("--mark-seen").go().assert_exit(0);
        for number in 1..=20 {
            s.mailbox.set_uid(number, &format!("another-{number}"));
        }
        s.fetch()
    }),
    Row::new("a Maildir without a parent", 73, "cannot_create", |s| {
        s.world.pop3(&s.pop3, "fetch").args(["--maildir", "no/such/dir"])
    }),
    Row::new("a damaged ledger", 78, "config", |s| {
        s.fetch().go().assert_exit(0);
        let is_ledger = |path: &PathBuf| path.extension().is_some_and(|end| end == "ledger");
        let ledger = s.world.tree().into_iter().find(is_ledger).expect("a ledger");
        let mut octets = fs::read(&ledger).unwrap();
        let middle = octets.len() / 2;
        octets[middle] ^= 1;
        fs::write(&ledger, octets).unwrap();
        s.fetch()
    }),
    Row::new("a disk that is full", 74, "storage", |s| s.fetch().under_shell("ulimit -f 0")),
    Row::new("a command that takes no message", 74, "command", |s| s.exec("exit 1")),
    Row::new("a command that wants all later", 75, "left_by_command", |s| s.exec("exit 75")),
    Row::new("a connection refused", 75, "network", |s| s.world.at_url("pop3s://ana@127.0.0.1:1", "list")),
    Row::new("a line lost", 75, "network", Stage::fetch)
        .answered(|event| at(event, "", Act::end(End::Close))),
    Row::new("a server that falls silent", 75, "timeout", |s| s.world.fetch_within("1s", &s.pop3))
        .answered(|event| at(event, "UIDL", Act::end(End::Stall))),
    Row::new("a mailbox in use", 75, "deferred", Stage::fetch)
        .answered(|event| at(event, "PASS", Act::reply("-ERR [IN-USE] another session"))),
    Row::new("a recipient refused for now", 75, "deferred", Stage::send)
        .answered(|event| at(event, "RCPT", Act::reply("451 4.7.1 greylisted"))),
    Row::new("a server that closes the service", 75, "deferred", Stage::send)
        .answered(|event| at(event, "MAIL", Act::reply("421 4.3.2 going down"))),
    Row::new("a greeting that is none", 76, "protocol", Stage::fetch)
        .answered(|event| at(event, "", Act::reply("hello"))),
    Row::new("a reply that is none", 76, "protocol", Stage::send)
        .answered(|event| at(event, "MAIL", Act::reply("xyz"))),
    Row::new("a wrong password", 77, "auth", |s| {
        s.world.write("wrong", "not it\n");
        let run = s.world.postie(["--json", "list", "--server", &s.pop3.url(), "--password-file", "wrong"]);
        run.arg("--ca-file").arg(s.world.path("ca.pem"))
    }),
    Row::new("a certificate of nobody's", 77, "certificate", |s| {
        s.world
            .postie(["--json", "list", "--server", &s.pop3.url(), "--password-file"])
            .arg(s.world.path("secret"))
    }),
    Row::new("a line lost behind the final dot", 79, "unknown", Stage::send)
        .answered(|event| at(event, ".", Act::end(End::Close))),
];

/// The kinds without a row, and where they are tested.
const ELSEWHERE: &[(&str, &str)] = &[
    ("no_host", "an_unknown_host_and_a_name_service_that_is_down_have_different_codes"),
    ("locked", "a_ledger_in_use_is_locked"),
    ("internal", "an_internal_error_is_reported_as_a_bug"),
    ("interrupted", "a_signal_that_ends_a_run_is_reported_and_ends_the_process"),
];

#[test]
fn every_class_of_failure_has_its_code_its_kind_and_a_readable_line() {
    for row in ROWS {
        let stage = Stage::answering(row.answer);
        let outcome = (row.run)(&stage).go();
        assert_eq!(outcome.code, Some(row.code), "{}: {}\n{}", row.what, outcome.out(), outcome.err());
        let error = outcome.assert_failure(row.code, row.kind);
        let message = error["message"].as_str().unwrap();
        assert!(!message.ends_with('.'), "{}: no full stop: {message}", row.what);
        assert!(!outcome.err().trim().is_empty(), "{}: a line on stderr", row.what);
    }
}

#[test]
fn every_kind_and_every_exit_code_has_a_row() {
    // The field's text lists them: "what it is: one, another, and so on."
    let error = LINES.iter().find(|line| line.kind == "error").unwrap();
    let text = error.fields().find(|(name, _)| *name == "kind").unwrap().1;
    let all: BTreeSet<&str> =
        text.split_once(": ").unwrap().1.trim_end_matches('.').split(',').map(str::trim).collect();
    assert!(all.len() > 20, "{all:?}");
    let tried: BTreeSet<&str> =
        ROWS.iter().map(|row| row.kind).chain(ELSEWHERE.iter().map(|(kind, _)| *kind)).collect();
    assert_eq!(all, tried);
    for (_, test) in ELSEWHERE {
        assert!(include_str!("exit_codes.rs").contains(&format!("fn {test}()")), "{test}");
    }
    // 0 and 1 belong to no single failure; 68 and 70 have tests of their own.
    let tried: BTreeSet<i32> = ROWS.iter().map(|row| row.code).chain([0, 1, 68, 70]).collect();
    let all: BTreeSet<i32> = Exit::ALL.iter().map(|exit| i32::from(exit.code())).collect();
    assert_eq!(all, tried);
}

#[test]
fn partial_success_ends_in_1_and_the_failure_has_its_own_code() {
    let stage = Stage::answering(|event| match event.line {
        "RETR 2" => Act::reply("-ERR [SYS/TEMP] later"),
        _ => Act::Normal,
    });
    let outcome = stage.fetch().go();
    let error = outcome.assert_exit(1).error();
    assert_eq!((&error["kind"], &error["exit"]), (&"deferred".into(), &75.into()));
    assert_eq!(outcome.summary()["delivered"], 19);
}

#[test]
fn a_ledger_in_use_is_locked() {
    let (reached, at) = mpsc::channel();
    let (go, wait) = mpsc::channel();
    let (reached, wait) = (Mutex::new(reached), Mutex::new(wait));
    let mailbox = Mailbox::with(1);
    let hold = move |event: &Event<'_>| {
        if event.verb == "UIDL" {
            reached.lock().unwrap().send(()).unwrap();
            wait.lock().unwrap().recv().unwrap();
        }
        Act::Normal
    };
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).hook(hold).start());
    thread::scope(|scope| {
        let holder = scope.spawn(|| world.fetch(&server).go());
        at.recv().unwrap();
        world.fetch(&server).go().assert_failure(75, "locked");
        go.send(()).unwrap();
        holder.join().unwrap().assert_exit(0);
    });
}

#[test]
fn an_internal_error_is_reported_as_a_bug() {
    if !have("an_internal_error_is_reported_as_a_bug", &["strace"]) {
        return;
    }
    // A kernel that gives no random octets.
    let stage = Stage::answering(|_| Act::Normal);
    let prelude = "set -- strace -f -o /dev/null -e inject=getrandom:error=EIO \"$@\"";
    let outcome = stage.send().under_shell(prelude).run();
    let error = outcome.assert_failure(70, "internal");
    assert_eq!(error["retry"], "never");
    assert!(stage.smtp.accepted().is_empty());
}

#[test]
fn a_signal_that_ends_a_run_is_reported_and_ends_the_process() {
    let stage = Stage::answering(|event| at(event, "UIDL", Act::end(End::Terminate)));
    let outcome = stage.fetch().go();
    assert_eq!(outcome.signal, Some(15), "{outcome:?}");
    let error = outcome.error();
    assert_eq!((&error["kind"], &error["exit"]), (&"interrupted".into(), &75.into()));
}

/// The code and the kind for a host that does not exist. Without a name service that is not known, and trying
/// again is worthwhile (RFC 6761 §6.4).
pub fn no_such_host() -> (i32, &'static str) {
    let asked = ("no-such-host.invalid", 995).to_socket_addrs();
    let system = asked.expect_err("the name is reserved never to exist").to_string();
    if system.contains("emporary") { (75, "network") } else { (68, "no_host") }
}

#[test]
fn an_unknown_host_and_a_name_service_that_is_down_have_different_codes() {
    let host = "no-such-host.invalid";
    let (code, kind) = no_such_host();
    let world = world();
    let outcome = world.at_url(&format!("pop3s://ana@{host}"), "list").go();
    outcome.assert_failure(code, kind);
}

#[test]
fn without_json_a_failure_is_one_line_on_stderr_and_stdout_stays_empty() {
    let mailbox = Mailbox::with(1);
    let pop3 = Pop3d::for_mailbox(&mailbox)
        .hook(|event| if event.verb.is_empty() { Act::end(End::Close) } else { Act::Normal })
        .start();
    let world = world();
    let outcome = world
        .postie(["list", "--server", &pop3.url(), "--password-file"])
        .arg(world.path("secret"))
        .arg("--ca-file")
        .arg(world.path("ca.pem"))
        .go();
    outcome.assert_exit(75);
    assert_eq!(outcome.out(), "");
    assert!(outcome.err().starts_with("postie: "), "{}", outcome.err());
    assert!(outcome.err().contains(&format!("localhost:{}", pop3.port())), "where: {}", outcome.err());
}

#[test]
fn the_codes_are_those_of_the_contract() {
    let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
    assert_eq!(codes, [0, 1, 64, 65, 66, 67, 68, 69, 70, 73, 74, 75, 76, 77, 78, 79]);
}

#[test]
fn help_and_version_exit_with_0() {
    let world = world();
    for args in [vec!["--help"], vec!["--version"], vec!["fetch", "--help"], vec!["config", "add", "--help"]]
    {
        let outcome = world.postie(&args).go();
        outcome.assert_exit(0);
        assert!(!outcome.out().is_empty(), "{args:?}");
    }
}

#[test]
fn a_tip_about_the_arguments_is_in_the_hint_and_not_in_the_message() {
    let world = world();
    for (args, tip) in [
        (&["fetch", "--tls", "x"][..], "--tls-fingerprint"),
        (&["fetch", "--maildri", "x"], "--maildir"),
        (&["fetsh"], "fetch"),
        (&["config", "lst"], "list"),
        (&["send", "--on-rejected", "sent"], "send"),
    ] {
        let outcome = world.postie(["--json"]).args(args).go();
        let error = outcome.assert_failure(64, "usage");
        let (message, hint) = (error["message"].as_str().unwrap(), error["hint"].as_str().unwrap());
        assert!(!message.contains("tip") && !hint.contains("tip:"), "{error}");
        assert!(hint.contains(tip) && hint.contains("--help"), "{error}");
    }
}
