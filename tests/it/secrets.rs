//! The password is on the wire under TLS, and nowhere else: not in output, JSON, transcripts, arguments or
//! files. (The runs of all other tests are searched for it, too.)

use crate::support::leak;
use crate::support::mailbox::Mailbox;
use crate::support::peer::{End, Phase};
use crate::support::pop3d::{Act, Event, Mode, Pop3d, SECRET};
use crate::support::process::Run;
use crate::support::real;
use crate::support::smtpd::Smtpd;
use crate::world;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Replies that repeat the client's own words, as some servers do.
fn echo(event: &Event<'_>) -> Act {
    let text = format!(
        "{} {SECRET} {} {}",
        event.line,
        STANDARD.encode(SECRET),
        STANDARD.encode(format!("\0ana\0{SECRET}"))
    );
    match event.verb {
        "PASS" | "APOP" => Act::reply(&format!("-ERR [AUTH] wrong: {text}")),
        "AUTH" if event.line.contains("PLAIN") || event.line.contains("LOGIN") => {
            Act::Then(format!("-ERR [AUTH] wrong: {text}\r\n").into_bytes(), End::Close)
        }
        _ => Act::Normal,
    }
}

#[test]
fn what_a_server_echoes_of_the_password_is_redacted_at_every_verbosity() {
    for sasl in [true, false] {
        for verbosity in ["-q", "-v", "-vv"] {
            for json in [true, false] {
                let mailbox = Mailbox::with(1);
                let setup = Pop3d::for_mailbox(&mailbox).hook(echo);
                let server = if sasl { setup.start() } else { setup.without("SASL").start() };
                let world = world();
                let run = world.postie([verbosity, "fetch", "--server", &server.url(), "--password-file"]);
                let run = run.arg(world.path("secret")).arg("--ca-file").arg(world.path("ca.pem"));
                let run = run.arg("--maildir").arg(world.path("Mail"));
                let outcome = if json { run.arg("--json").go() } else { run.go() };
                outcome.assert_exit(77);
                assert!(!outcome.stderr.is_empty(), "a failure is told, -q or not");
                let transcript = outcome.err().contains("AUTH") || outcome.err().contains("USER");
                assert!(transcript || verbosity != "-vv", "the transcript: {}", outcome.err());
                let received = server.journals()[0].octets(Phase::Tls);
                assert!(leak::find(&received, SECRET).is_some(), "it was tried");
            }
        }
    }
}

#[test]
fn the_smtp_side_redacts_as_well() {
    for verbosity in ["-q", "-v", "-vv"] {
        for (reply, code) in [
            ("535 5.7.8 wrong:", 77),
            ("454 4.7.0 later:", 75),
            ("999 what is this", 76),
            ("335 or is it", 76),
        ] {
            let hook = move |event: &Event<'_>| match event.verb {
                "AUTH" => {
                    let blob = STANDARD.encode(format!("\0ana\0{SECRET}"));
                    Act::reply(&format!("{reply} {} {SECRET} {blob}", event.line))
                }
                _ => Act::Normal,
            };
            let server = Smtpd::for_mailbox(&Mailbox::default()).hook(hook).start();
            let world = world();
            let outcome = world.send(&server).args([verbosity, "bob@example.org"]).stdin("text\n").go();
            outcome.assert_exit(code);
            assert_eq!(server.journal().count("AUTH"), 1, "it was tried");
            world.assert_no_secret_on_disk();
        }
    }
}

#[test]
fn a_run_that_works_shows_the_password_nowhere_and_stores_it_nowhere() {
    for mode in Mode::ALL {
        let mailbox = Mailbox::with(2);
        let pop3 = Pop3d::for_mailbox(&mailbox).mode(mode).start();
        let smtp = Smtpd::for_mailbox(&mailbox).mode(mode).start();
        let world = world();
        let sent = world.send(&smtp).args(["-vv", "bob@example.org"]).stdin("text\n").go();
        sent.assert_exit(0);
        for command in ["fetch", "list", "test-account"] {
            let run = world.pop3(&pop3, command).arg("-vv");
            let run = if command == "fetch" { run.arg("--maildir").arg(world.path("Mail")) } else { run };
            run.go().assert_exit(0);
        }
        world.assert_no_secret_on_disk();
    }
}

/// Every process whose home is `home` and whose command line contains the password. (Runs of other tests have
/// it there on purpose.)
fn exposed(home: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    processes
        .filter(|path| path.file_name().unwrap().to_str().is_some_and(|name| name.parse::<u32>().is_ok()))
        .filter(|path| fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(home)))
        .filter(|path| {
            let line = fs::read(path.join("cmdline")).unwrap_or_default();
            leak::find(&line, SECRET).is_some()
        })
        .collect()
}

#[test]
fn no_command_line_ever_holds_the_password() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let looks = Arc::new(AtomicUsize::new(0));
    let world = world();
    let hook = {
        let (seen, looks, home) = (Arc::clone(&seen), Arc::clone(&looks), world.root().to_owned());
        move |_: &Event<'_>| {
            looks.fetch_add(1, Ordering::SeqCst);
            seen.lock().unwrap().extend(exposed(&home));
            Act::Normal
        }
    };
    let mailbox = Mailbox::with(2);
    let server = Pop3d::for_mailbox(&mailbox).hook(hook).start();
    // The command itself and what it starts, and a delivery command while the password is known.
    let look = format!("cat {}", world.text("secret"));
    let outcome = world
        .postie(["--json", "fetch", "--server", &server.url(), "--password-command", &look, "--ca-file"])
        .arg(world.path("ca.pem"))
        .args([
            "--exec",
            "env > env.$POSTIE_UID; tr '\\0' ' ' < /proc/$PPID/cmdline > parent; cat > /dev/null",
        ])
        .go();
    outcome.assert_exit(0);
    assert!(looks.load(Ordering::SeqCst) > 5);
    assert_eq!(*seen.lock().unwrap(), Vec::<PathBuf>::new());
    assert!(world.path("env.uid-0001").exists(), "the command ran: {:?}", world.tree());
    world.assert_no_secret_on_disk();
}

#[test]
fn the_environment_s_password_is_not_passed_on_to_commands() {
    let mailbox = Mailbox::with(1);
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    let run =
        world.postie(["--json", "fetch", "--server", &server.url(), "--ca-file"]).arg(world.path("ca.pem"));
    let run = run.args(["--exec", "env > env; cat > /dev/null"]).env("POSTIE_PASSWORD", SECRET);
    run.go().assert_exit(0);
    assert!(world.path("env").exists());
    world.assert_no_secret_on_disk();
}

#[test]
fn every_source_of_a_secret_works() {
    let mailbox = Mailbox::with(1);
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    let list = |more: &[&str]| {
        world
            .postie(["--json", "list", "--server", &server.url(), "--ca-file"])
            .arg(world.path("ca.pem"))
            .args(more)
    };
    let file = world.text("secret");
    list(&["--password-file", &file]).go().assert_exit(0);
    list(&["--password-env", "MY_SECRET"]).env("MY_SECRET", SECRET).go().assert_exit(0);
    list(&[]).env("POSTIE_PASSWORD", SECRET).go().assert_exit(0);
    list(&[]).env("POSTIE_PASSWORD_FILE", &file).go().assert_exit(0);
    list(&["--password-command", &format!("cat '{file}'")]).go().assert_exit(0);
    list(&["--password-command", &format!("printf '%s\\r\\n' {SECRET}")]).go().assert_exit(0);
    list(&["--password-fd", "3"]).under_shell(&format!("exec 3<'{file}'")).go().assert_exit(0);
}

#[test]
fn a_password_in_a_url_or_an_option_is_refused_and_not_repeated() {
    let world = world();
    let url = format!("pop3s://ana:{SECRET}@localhost:1");
    let outcome = world.postie(["--json", "list", "--server", &url]).go();
    outcome.assert_failure(64, "usage");
    let outcome =
        world.postie(["--json", "list", "--server", "pop3s://ana@localhost:1", "--password", SECRET]).go();
    assert_eq!(outcome.code, Some(64), "{outcome:?}");
}

#[test]
fn a_password_command_that_fails_hangs_or_prints_nothing_is_told_and_no_login_is_tried() {
    for command in [
        "exit 3",
        "echo noise >&2; exit 1",
        "true",
        "printf '\\n'",
        "echo partial; exit 1",
        "kill -9 $$",
        "/no/such/program",
        "printf 'two\\nlines\\n'",
        "head -c 2000000 /dev/zero | tr '\\0' x",
        "sleep 6000",
        "sleep 6000 & sleep 6000",
        "cat; echo; sleep 6000",
    ] {
        let mailbox = Mailbox::with(1);
        let server = Pop3d::for_mailbox(&mailbox).start();
        let world = world();
        let run = world.postie(["--json", "--timeout", "1s", "list", "--server", &server.url(), "--ca-file"]);
        let run = run.arg(world.path("ca.pem")).args(["--password-command", command]);
        let outcome = run.go();
        outcome.assert_failure(78, "config");
        for journal in server.journals() {
            assert_eq!(journal.count("AUTH") + journal.count("USER"), 0, "{command}");
        }
    }
}

#[test]
fn a_password_with_control_characters_is_refused_before_any_connection() {
    for secret in
        ["two\nlines", "cr\rinside", "nul\0inside", "tok\x01auth=x", "esc\x1b[m", "tab\tin", "del\x7f."]
    {
        let mailbox = Mailbox::with(1);
        let server = Pop3d::for_mailbox(&mailbox).start();
        let world = world();
        world.write("odd", secret);
        let run = world
            .postie(["--json", "list", "--server", &server.url(), "--ca-file"])
            .arg(world.path("ca.pem"));
        run.arg("--password-file").arg(world.path("odd")).go().assert_failure(78, "config");
        let logins: usize = server.journals().iter().map(|journal| journal.count("AUTH")).sum();
        assert_eq!(logins, 0);
        // The same on the other side, as a password and as a token.
        let server = Smtpd::for_mailbox(&mailbox).with("AUTH XOAUTH2 PLAIN").start();
        world.write("odd-command", format!("cat '{}'", world.text("odd")));
        let token = format!("sh '{}'", world.text("odd-command"));
        for source in [["--password-file", "odd"], ["--token-command", &token]] {
            let run = world.postie(["--json", "send", "--server", &server.url(), "--ca-file", "ca.pem"]);
            let run = run.args(["-f", "ana@example.org", "bob@example.org", "--body", "x"]).args(source);
            run.go().assert_failure(78, "config");
        }
        for journal in server.journals() {
            assert_eq!((journal.count("AUTH"), journal.count("MAIL")), (0, 0), "{secret:?}");
        }
    }
}

#[test]
fn a_configuration_that_others_can_read_may_hold_no_password() {
    for (mode, good) in
        [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false), (0o666, false)]
    {
        let mailbox = Mailbox::with(1);
        let server = Pop3d::for_mailbox(&mailbox).start();
        let world = world();
        let config = world.config(&format!(
            "[accounts.a]\nemail = \"ana@example.org\"\npassword = \"{SECRET}\"\n[accounts.a.pop3]\n\
             host = \"localhost\"\nport = {}\nusername = \"ana\"\n",
            server.port()
        ));
        fs::set_permissions(&config, fs::Permissions::from_mode(mode)).unwrap();
        let outcome = world.postie(["--json", "list", "--ca-file"]).arg(world.path("ca.pem")).go();
        if good {
            outcome.assert_exit(0);
        } else {
            let error = outcome.assert_failure(78, "config");
            let said = format!("{} {}", error["message"], error["hint"]);
            assert!(said.contains("chmod") || said.contains("600"), "{mode:o}: the remedy: {said}");
            assert!(server.journals().is_empty());
        }
    }
}

#[test]
fn an_error_in_the_configuration_names_the_line_and_quotes_no_secret() {
    for (text, line) in [
        (format!("[accounts.a]\npassword = \"{SECRET}\n"), "2"),
        (format!("[accounts.a]\npassword = {SECRET}\n"), "2"),
        (format!("[accounts.a]\nemail = \"a@example.org\"\npasword = \"{SECRET}\"\n"), "3"),
        (format!("[accounts.a]\npassword = [\"{SECRET}\"]\n"), "2"),
        (format!("[accounts.a]\npassword = \"{SECRET}\"\npassword = \"{SECRET}\"\n"), "3"),
        (format!("[accounts.a.pop3]\npassword = \"{SECRET}\"\ntsl = \"implicit\"\n"), "3"),
        (format!("[accounts.a.pop3]\npassword = \"{SECRET}\"\nport = 65536\n"), "3"),
        (format!("[accounts.a.pop3]\npassword = \"{SECRET}\"\ntls = \"maybe\"\n"), "3"),
        (format!("nonsense = 1\n[accounts.a]\npassword = \"{SECRET}\"\n"), "1"),
    ] {
        let world = world();
        world.config(&text);
        for args in [vec!["list"], vec!["config", "check"], vec!["config", "show", "a"]] {
            let outcome = world.postie(["--json"]).args(&args).go();
            let error = outcome.assert_failure(78, "config");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("config.toml"), "the file: {message}");
            assert!(
                message.contains(&format!(":{line}:")) || message.contains(&format!("line {line}")),
                "line {line}: {message}"
            );
        }
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_told() {
    let world = world();
    fs::create_dir_all(world.path(".config/postie/config.toml")).unwrap();
    let outcome = world.postie(["--json", "list"]).go();
    outcome.assert_failure(78, "config");
    let outcome = world.postie(["--json", "list", "-C", "missing.toml"]).go();
    outcome.assert_failure(78, "config");
    world.write("binary.toml", b"\xff\xfe\0[accounts]");
    world.postie(["--json", "list", "-C", "binary.toml"]).go().assert_failure(78, "config");
}

#[test]
fn config_shows_an_account_without_its_secret() {
    let world = world();
    world.config(&format!(
        "[accounts.a]\nemail = \"ana@example.org\"\npassword = \"{SECRET}\"\n[accounts.a.pop3]\nhost = \"localhost\"\n"
    ));
    for args in [vec!["config", "show", "a"], vec!["config", "list"], vec!["config", "check"]] {
        for json in [&["--json"][..], &[]] {
            let outcome = world.postie(json).args(&args).go();
            outcome.assert_exit(0);
        }
    }
}

#[test]
fn a_secret_that_cannot_be_had_is_told_with_the_account_whatever_the_command() {
    let world = world();
    world.config(
        "[accounts.work]\nemail = \"ana@example.org\"\npassword-file = \"gone\"\n[accounts.work.pop3]\nhost = \"localhost\"\n\
         [accounts.work.smtp]\nhost = \"localhost\"\n[accounts.work.fetch]\nmaildir = \"Mail\"\n",
    );
    for args in [&["fetch"][..], &["list"], &["send", "--body", "x", "bob@example.net"], &["send", "--batch"]]
    {
        let run = || world.postie(args).stdin("{\"to\":\"bob@example.net\",\"text\":\"x\"}\n");
        let error = run().arg("--json").go().assert_failure(78, "config");
        assert_eq!(error["account"], "work", "{args:?}: {error}");
        let told = run().go();
        assert!(told.err().contains("postie: work: "), "{args:?}: {}", told.err());
    }
}

#[test]
fn a_descriptor_is_read_where_there_is_no_dev_fd() {
    if !real::have("a_descriptor_is_read_where_there_is_no_dev_fd", &["root", "unshare", "mount"]) {
        return;
    }
    let (world, server) = (world(), Pop3d::for_mailbox(&Mailbox::with(1)).start());
    let (file, url) = (world.text("secret"), server.url());
    for inner in ["", "mkdir /dev/fd && ", "touch /dev/fd && "] {
        let script = format!("mount -t tmpfs none /dev && {inner} exec 3<'{file}' && exec \"$@\"");
        let run = Run::new("unshare").args(["-m", "sh", "-c", &script, "sh"]).arg(world.program());
        let run = run.args(["--json", "list", "--server", &url, "--ca-file", "ca.pem", "--password-fd", "3"]);
        let run =
            run.dir(world.root()).env("HOME", world.root()).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
        assert_eq!(run.go().assert_exit(0).of_type("message").len(), 1, "{inner}");
    }
}
