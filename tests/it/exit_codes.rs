//! One row per class of failure: its exit code and its kind, in the JSON and on stderr.

use crate::support::mailbox::Mailbox;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Pop3d};
use crate::support::process::Run;
use crate::support::smtpd::Smtpd;
use crate::support::world::World;
use crate::world;
use postie::words::Exit;
use std::net::ToSocketAddrs as _;

struct Row {
    what: &'static str,
    code: i32,
    kind: &'static str,
    run: fn(&World, &Pop3d, &Smtpd) -> Run,
}

const ROWS: &[Row] = &[
    Row {
        what: "an unknown option",
        code: 64,
        kind: "usage",
        run: |w, _, _| w.postie(["--json", "list", "--no-such"]),
    },
    Row { what: "no command", code: 64, kind: "usage", run: |w, _, _| w.postie(["--json"]) },
    Row {
        what: "a URL that is none",
        code: 64,
        kind: "usage",
        run: |w, _, _| w.postie(["--json", "list", "--server", "http://x"]),
    },
    Row {
        what: "two destinations",
        code: 64,
        kind: "usage",
        run: |w, p, _| w.fetch(p).args(["--mbox", "x"]),
    },
    Row { what: "no account at all", code: 78, kind: "config", run: |w, _, _| w.postie(["--json", "list"]) },
    Row {
        what: "an account that is not there",
        code: 78,
        kind: "config",
        run: |w, _, _| {
            w.config("[accounts.a]\nemail = \"a@example.org\"\n");
            w.postie(["--json", "list", "-A", "b"])
        },
    },
    Row {
        what: "no secret",
        code: 78,
        kind: "config",
        run: |w, p, _| w.postie(["--json", "list", "--server", &p.url(), "--ca-file"]).arg(w.path("ca.pem")),
    },
    Row {
        what: "a bad address",
        code: 65,
        kind: "input",
        run: |w, _, s| w.send(s).arg("no address").stdin("x\n"),
    },
    Row {
        what: "no input file",
        code: 66,
        kind: "no_input",
        run: |w, _, s| w.send(s).args(["bob@example.org", "--attach", "missing"]),
    },
    Row {
        what: "a connection refused",
        code: 75,
        kind: "network",
        run: |w, _, _| w.at_url("pop3s://ana@127.0.0.1:1", "list"),
    },
    Row {
        what: "a wrong password",
        code: 77,
        kind: "auth",
        run: |w, p, _| {
            w.write("wrong", "not it\n");
            w.postie(["--json", "list", "--server", &p.url(), "--password-file", "wrong", "--ca-file"])
                .arg(w.path("ca.pem"))
        },
    },
    Row {
        what: "a certificate of nobody's",
        code: 77,
        kind: "certificate",
        run: |w, p, _| {
            w.postie(["--json", "list", "--server", &p.url(), "--password-file"]).arg(w.path("secret"))
        },
    },
    Row {
        what: "a Maildir without a parent",
        code: 73,
        kind: "cannot_create",
        run: |w, p, _| w.pop3(p, "fetch").args(["--maildir", "no/such/dir"]),
    },
];

#[test]
fn every_class_of_failure_has_its_code_its_kind_and_a_line_for_people() {
    for row in ROWS {
        let mailbox = Mailbox::with(1);
        let pop3 = Pop3d::for_mailbox(&mailbox).start();
        let smtp = Smtpd::for_mailbox(&mailbox).start();
        let world = world();
        let outcome = (row.run)(&world, &pop3, &smtp).go();
        assert_eq!(outcome.code, Some(row.code), "{}: {}\n{}", row.what, outcome.out(), outcome.err());
        let error = outcome.assert_failure(row.code, row.kind);
        let message = error["message"].as_str().unwrap();
        assert!(!message.ends_with('.'), "{}: no full stop: {message}", row.what);
        assert!(!outcome.err().trim().is_empty(), "{}: a line on stderr", row.what);
    }
}

#[test]
fn a_host_that_does_not_exist_is_told_from_a_name_service_that_is_down() {
    let host = "no-such-host.invalid";
    let system = (host, 995).to_socket_addrs().expect_err("the name is reserved never to exist").to_string();
    // Without a name service nobody knows; then it is worth another try (RFC 6761 §6.4).
    let (code, kind) = if system.contains("emporary") { (75, "network") } else { (68, "no_host") };
    let world = world();
    let outcome = world.at_url(&format!("pop3s://ana@{host}"), "list").go();
    outcome.assert_failure(code, kind);
}

#[test]
fn without_json_a_failure_is_one_line_for_people_and_stdout_stays_empty() {
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
fn help_and_version_are_no_failures() {
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
