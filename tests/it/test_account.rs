//! What `test-account` checks, in which order, and what it reports when a step fails.

use crate::support::authority::Certificate;
use crate::support::mailbox::Mailbox;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Event, Mode, Pop3d};
use crate::support::smtpd::Smtpd;
use crate::support::world::{Checked, World};
use crate::world;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Mutex, mpsc};

/// Both sides of an account, tested.
fn test(pop3: &Pop3d, smtp: &Smtpd, mode: Mode, more: &[&str]) -> (World, Checked) {
    let world = world();
    let tls = ["implicit", "starttls", "none"][Mode::ALL.iter().position(|m| *m == mode).unwrap()];
    world.config(&format!(
        "[accounts.a]\nemail = \"ana@example.org\"\npassword-file = \"{}\"\n\
         [accounts.a.pop3]\nhost = \"localhost\"\nport = {}\ntls = \"{tls}\"\nusername = \"ana\"\n\
         [accounts.a.smtp]\nhost = \"localhost\"\nport = {}\ntls = \"{tls}\"\nusername = \"ana\"\n",
        world.text("secret"),
        pop3.port(),
        smtp.port()
    ));
    let run = world.postie(["--json", "--timeout", "5s", "test-account"]).args(world.trust(mode));
    let outcome = run.args(more).go();
    (world, outcome)
}

fn steps(outcome: &Checked, side: &str) -> Vec<Value> {
    outcome.of_type("step").into_iter().filter(|step| step["side"] == side).collect()
}

fn names(steps: &[Value]) -> Vec<&str> {
    steps.iter().map(|step| step["step"].as_str().unwrap()).collect()
}

fn good(mode: Mode) -> (Pop3d, Smtpd) {
    let mailbox = Mailbox::with(3);
    (Pop3d::for_mailbox(&mailbox).mode(mode).start(), Smtpd::for_mailbox(&mailbox).mode(mode).start())
}

#[test]
fn both_sides_are_tested_step_by_step_and_nothing_changes() {
    for mode in Mode::ALL {
        let (pop3, smtp) = good(mode);
        let (_world, outcome) = test(&pop3, &smtp, mode, &[]);
        outcome.assert_exit(0);
        let tls: &[&str] = match mode {
            Mode::Implicit => &["dns", "tcp", "tls", "greeting", "capabilities", "auth"],
            Mode::Upgrade => &["dns", "tcp", "greeting", "capabilities", "tls", "capabilities", "auth"],
            Mode::Plain => &["dns", "tcp", "greeting", "capabilities", "auth"],
        };
        for (side, last) in [("pop3", "mailbox"), ("smtp", "sender")] {
            let steps = steps(&outcome, side);
            let names = names(&steps);
            assert_eq!(names.last(), Some(&last), "{names:?}");
            let wanted: Vec<&str> = tls.iter().copied().chain([last]).collect();
            let mut rest = names.iter();
            for step in &wanted {
                // Capabilities may be asked for again after the login.
                assert!(rest.any(|name| name == step), "{step} is missing in order: {names:?}");
            }
            for step in &steps {
                assert_eq!(step["ok"], true, "{step}");
                assert!(step["elapsed_ms"].is_number(), "{step}");
                assert!(step["detail"].is_object(), "{step}");
            }
        }
        assert_eq!(outcome.summary()["command"], "test-account");
        let (pop3, smtp) = (pop3.journal(), smtp.journal());
        assert_eq!(pop3.count("RETR") + pop3.count("DELE"), 0);
        assert_eq!((smtp.count("MAIL"), smtp.count("RSET"), smtp.count("DATA")), (1, 1, 0));
    }
}

#[test]
fn the_tls_step_shows_the_certificate() {
    let (pop3, smtp) = good(Mode::Implicit);
    let (_world, outcome) = test(&pop3, &smtp, Mode::Implicit, &[]);
    let fingerprint =
        crate::support::authority::Authority::shared().identity(Certificate::Good).fingerprint();
    for side in ["pop3", "smtp"] {
        let steps = steps(&outcome, side);
        let tls = steps.iter().find(|step| step["step"] == "tls").unwrap();
        let text = tls["detail"].to_string();
        for part in ["localhost", "postie test authority", fingerprint.trim_start_matches("sha256:")] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn one_server_alone_can_be_tested() {
    for (option, tested) in [("--pop3", "pop3"), ("--smtp", "smtp")] {
        let (pop3, smtp) = good(Mode::Implicit);
        let (_world, outcome) = test(&pop3, &smtp, Mode::Implicit, &[option]);
        outcome.assert_exit(0);
        assert!(outcome.of_type("step").iter().all(|step| step["side"] == tested));
    }
}

/// The last step for a server failed, is the one that is named, and has a hint.
#[track_caller]
fn assert_failed(outcome: &Checked, side: &str, step: &str) -> Value {
    let steps = steps(outcome, side);
    let last = steps.last().unwrap_or_else(|| panic!("no steps: {}", outcome.out()));
    assert_eq!((&last["step"], &last["ok"]), (&step.into(), &false.into()), "{last}");
    assert!(last["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "a hint: {last}");
    assert!(steps[..steps.len() - 1].iter().all(|step| step["ok"] == true));
    outcome.error();
    outcome.summary();
    last.clone()
}

#[test]
fn the_step_that_fails_is_named_with_a_hint() {
    type Hook = fn(&Event<'_>) -> Act;
    let login: Hook = |event| match event.verb {
        "PASS" | "AUTH" => Act::Then(b"-ERR [AUTH] no\r\n".to_vec(), End::Close),
        _ => Act::Normal,
    };
    let smtp_login: Hook =
        |event| if event.verb == "AUTH" { Act::reply("535 5.7.8 no") } else { Act::Normal };
    let silent: Hook = |event| if event.verb.is_empty() { Act::end(End::Close) } else { Act::Normal };
    let sender: Hook =
        |event| if event.verb == "MAIL" { Act::reply("550 5.7.1 not you") } else { Act::Normal };
    let busy: Hook = |event| match event.verb {
        "" => Act::Then(b"-ERR [SYS/TEMP] too many\r\n".to_vec(), End::Close),
        _ => Act::Normal,
    };
    let too_early: Hook =
        |event| if event.verb == "PASS" { Act::reply("-ERR [LOGIN-DELAY] wait") } else { Act::Normal };
    let busy_smtp: Hook =
        |event| if event.verb == "AUTH" { Act::reply("454 4.7.0 not now") } else { Act::Normal };
    let sender_later: Hook =
        |event| if event.verb == "MAIL" { Act::reply("451 4.3.0 not now") } else { Act::Normal };
    let normal: Hook = |_| Act::Normal;
    for (pop3_hook, smtp_hook, side, step, code) in [
        (login, normal, "pop3", "auth", 77),
        (normal, smtp_login, "smtp", "auth", 77),
        (silent, normal, "pop3", "greeting", 75),
        (normal, silent, "smtp", "greeting", 75),
        (normal, sender, "smtp", "sender", 69),
        (busy, normal, "pop3", "greeting", 75),
        (too_early, normal, "pop3", "auth", 75),
        (normal, busy_smtp, "smtp", "auth", 75),
        (normal, sender_later, "smtp", "sender", 75),
    ] {
        let mailbox = Mailbox::with(1);
        let pop3 = Pop3d::for_mailbox(&mailbox).hook(pop3_hook).start();
        let smtp = Smtpd::for_mailbox(&mailbox).hook(smtp_hook).start();
        let (_world, outcome) = test(&pop3, &smtp, Mode::Implicit, &[&format!("--{side}")]);
        outcome.assert_exit(code);
        assert_failed(&outcome, side, step);
        assert!(outcome.error()["hint"].is_string(), "{side} {step}: {outcome:?}");
    }
}

#[test]
fn a_bad_certificate_is_shown_and_no_login_is_tried() {
    for certificate in Certificate::BAD {
        for mode in [Mode::Implicit, Mode::Upgrade] {
            let mailbox = Mailbox::with(1);
            let pop3 = Pop3d::for_mailbox(&mailbox).mode(mode).certificate(certificate).start();
            let smtp = Smtpd::for_mailbox(&mailbox).mode(mode).certificate(certificate).start();
            let (_world, outcome) = test(&pop3, &smtp, mode, &[]);
            outcome.assert_exit(77);
            for side in ["pop3", "smtp"] {
                assert_failed(&outcome, side, "tls");
            }
            let fingerprint =
                crate::support::authority::Authority::shared().identity(certificate).fingerprint();
            let shown = outcome.out().contains(fingerprint.trim_start_matches("sha256:"));
            assert!(shown, "the fingerprint, so that it can be pinned: {}", outcome.out());
            for journal in pop3.journals().into_iter().chain(smtp.journals()) {
                assert_eq!(journal.count("AUTH") + journal.count("USER") + journal.count("MAIL"), 0);
            }
        }
    }
}

#[test]
fn no_server_and_no_host_have_codes_of_their_own() {
    let world = world();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outcome = world.at_url(&format!("pop3s://ana@127.0.0.1:{port}"), "test-account").go();
    outcome.assert_failure(75, "network");
    assert_failed(&outcome, "pop3", "tcp");
}

#[test]
fn each_step_is_reported_when_it_is_done() {
    for json in [true, false] {
        let (go_on, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let server = Pop3d::for_mailbox(&Mailbox::with(1))
            .hook(move |event| {
                if event.verb == "PASS" || event.verb == "AUTH" {
                    // If the test ends, the wait ends, too.
                    let _ = wait.lock().unwrap().recv();
                }
                Act::Normal
            })
            .start();
        let world = world();
        let mut command = Command::new(env!("CARGO_BIN_EXE_postie"));
        command.env_clear().env("HOME", world.root()).args(json.then_some("--json"));
        command.args(["--server", &server.url(), "--password-file", &world.text("secret")]);
        command.args(["--ca-file", &world.text("ca.pem"), "test-account"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // While the server holds back the reply to the login, everything before it can be read already.
        for step in ["dns", "tcp", "tls", "greeting", "capabilities"] {
            let found = lines.by_ref().any(|line| line.unwrap().contains(step));
            assert!(found, "{step}");
        }
        go_on.send(()).unwrap();
        assert!(lines.any(|line| line.unwrap().contains("mailbox")));
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn the_other_tls_mode_is_tried_on_the_same_port_and_named_if_it_answers() {
    for (server_mode, scheme, step, code, named) in [
        (Mode::Upgrade, "s", "tls", 76, "starttls"),
        (Mode::Plain, "s", "tls", 76, "starttls"),
        (Mode::Implicit, "", "greeting", 75, "implicit"),
        (Mode::Implicit, "+insecure", "greeting", 75, "implicit"),
    ] {
        for protocol in ["pop3", "smtp"] {
            let mailbox = Mailbox::with(1);
            let pop3 = Pop3d::for_mailbox(&mailbox).mode(server_mode).start();
            let smtp = Smtpd::for_mailbox(&mailbox).mode(server_mode).start();
            let port = if protocol == "pop3" { pop3.port() } else { smtp.port() };
            let world = world();
            let url = format!("{protocol}{scheme}://ana@localhost:{port}");
            // Without TLS there is nothing to trust.
            let mut run =
                world.postie(["--json", "--timeout", "1s", "--server", &url, "--password-file", "secret"]);
            if scheme != "+insecure" {
                run = run.args(["--ca-file", "ca.pem"]);
            }
            let outcome = run.arg("test-account").go();
            outcome.assert_exit(code);
            let last = assert_failed(&outcome, protocol, step);
            assert_eq!(last["detail"]["other_mode"], named, "{url}: {last}");
            let hint = last["hint"].as_str().unwrap();
            assert!(hint.contains(&format!("{protocol}.tls to \"{named}\"")), "{url}: {hint}");
            for journal in pop3.journals().into_iter().chain(smtp.journals()) {
                assert_eq!(journal.count("AUTH") + journal.count("USER") + journal.count("PASS"), 0);
            }
        }
    }
}

#[test]
fn a_port_that_answers_in_neither_tls_mode_is_reported() {
    for url in ["pop3s://ana@localhost", "pop3://ana@localhost", "smtps://localhost", "smtp://localhost"] {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let world = world();
        let url = format!("{url}:{}", silent.local_addr().unwrap().port());
        let run = world.postie(["--json", "--timeout", "1s", "--server", &url, "--password-file", "secret"]);
        let outcome = run.arg("test-account").go();
        outcome.assert_failure(75, "timeout");
        let step = outcome.of_type("step").pop().unwrap();
        assert!(step["detail"]["other_mode"].is_null(), "{step}");
        assert!(step["hint"].as_str().unwrap().contains("other TLS mode"), "{step}");
    }
}

#[test]
fn the_destination_is_checked_even_if_the_server_fails_and_nothing_is_made() {
    for (fetch, fine, hint) in [
        ("maildir = \"Mail\"", true, ""),
        ("mbox = \"inbox\"", true, ""),
        ("exec = [\"cat\"]", true, ""),
        ("maildir = \"no/where/Mail\"", false, "mkdir -p "),
        ("mbox = \"no/inbox\"", false, "mkdir -p "),
        ("maildir = \"plain\"", false, "another destination"),
    ] {
        for password in ["secret", "wrong"] {
            let server = Pop3d::for_mailbox(&Mailbox::with(1)).start();
            let world = world();
            world.write("wrong", "not-it\n");
            world.write(".config/postie/plain", "");
            world.config(&format!(
                "[accounts.a]\nemail = \"ana@example.org\"\npassword-file = \"{}\"\nca-file = \"{}\"\n\
                 [accounts.a.pop3]\nhost = \"localhost\"\nport = {}\nusername = \"ana\"\n[accounts.a.fetch]\n{fetch}\n",
                world.text(password),
                world.text("ca.pem"),
                server.port()
            ));
            let before = world.tree();
            let outcome = world.postie(["--json", "test-account"]).go();
            outcome.assert_exit(match (password, fine) {
                ("secret", true) => 0,
                ("secret", false) => 73,
                _ => 77,
            });
            let step = outcome.of_type("step").pop().unwrap();
            assert_eq!((&step["step"], &step["ok"]), (&"destination".into(), &fine.into()), "{fetch}");
            assert!(step["hint"].as_str().unwrap_or_default().contains(hint), "{fetch}: {step}");
            assert_eq!(world.tree(), before, "{fetch}");
        }
    }
}

#[test]
fn a_way_to_log_in_that_the_server_does_not_name_is_said_to_be_so() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1))
        .hook(|event| match event.verb {
            "CAPA" => Act::reply("+OK\r\nUSER\r\nUIDL\r\n."),
            "AUTH" => Act::reply("-ERR what"),
            _ => Act::Normal,
        })
        .start();
    let world = world();
    let more = format!("auth = 'cram-md5'\nca-file = '{}'", world.text("ca.pem"));
    world.config(&world.account("a", "pop3", server.port(), &more));
    let outcome = world.postie(["--json", "--timeout", "5s", "test-account"]).go();
    outcome.assert_exit(77);
    let step = assert_failed(&outcome, "pop3", "auth");
    assert!(step["hint"].as_str().unwrap().contains("auth = \"auto\""), "{step}");
}

#[test]
fn a_server_that_wants_a_login_before_mail_says_which_setting_is_missing() {
    let server = Smtpd::for_mailbox(&Mailbox::default())
        .hook(|event| match event.verb {
            "MAIL" => Act::reply("530 5.7.0 Authentication required"),
            _ => Act::Normal,
        })
        .start();
    let world = world();
    let more = format!("auth = 'none'\nca-file = '{}'", world.text("ca.pem"));
    world.config(&world.account("a", "smtp", server.port(), &more).replace("username = 'ana'\n", ""));
    let outcome = world.postie(["--json", "--timeout", "5s", "test-account"]).go();
    outcome.assert_exit(77);
    let step = assert_failed(&outcome, "smtp", "sender");
    assert!(step["hint"].as_str().unwrap().contains("smtp.username"), "{step}");
}
