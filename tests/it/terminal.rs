//! postie at a terminal: what it asks, what shows, and how a signal ends the wait for an answer.

use crate::support::disk::assert_mode;
use crate::support::leak;
use crate::support::mailbox::Mailbox;
use crate::support::pop3d::{Act, Pop3d, SECRET};
use crate::support::real;
use crate::support::smtpd::Smtpd;
use crate::support::world::World;
use crate::world;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// postie on a terminal of its own.
struct Session {
    screen: OwnedFd,
    /// Held open, so that the screen can be read after postie has gone, and its modes looked at.
    line: OwnedFd,
    child: Child,
    seen: Vec<u8>,
    read_to: usize,
}

impl Session {
    fn start(world: &World, args: &[&str]) -> Session {
        let postie = [&[env!("CARGO_BIN_EXE_postie")], args].concat();
        Session::run(world, &postie)
    }

    /// Any program, leader of the terminal's session.
    fn run(world: &World, argv: &[&str]) -> Session {
        Session::prepared(world, argv, |_| {})
    }

    /// Any program, on a terminal that was prepared.
    fn prepared(world: &World, argv: &[&str], prepare: impl FnOnce(&OwnedFd)) -> Session {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap();
        let line = open(&*name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        tcsetwinsize(&line, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        prepare(&line);
        let end = || line.try_clone().unwrap();
        let child = Command::new("setsid")
            .arg("--ctty")
            .args(argv)
            .env_clear()
            .env("HOME", world.root())
            .env("PATH", "/usr/bin:/bin")
            .env("MANPAGER", "cat")
            .env("TERM", "xterm")
            .current_dir(world.root())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        Session { screen, line, child, seen: Vec::new(), read_to: 0 }
    }

    /// Waits until `text` shows behind what was waited for before.
    #[track_caller]
    fn expect(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let shown = String::from_utf8_lossy(&self.seen[self.read_to..]).into_owned();
            if let Some(at) = shown.find(text) {
                self.read_to += at + text.len();
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{text:?} does not show: {shown}");
            let mut wait = [PollFd::new(&self.screen, PollFlags::IN)];
            poll(&mut wait, Some(&Timespec::try_from(left).unwrap())).unwrap();
            if !wait[0].revents().is_empty() {
                let mut octets = [0; 1024];
                let got = rustix::io::read(&self.screen, &mut octets).unwrap();
                self.seen.extend_from_slice(&octets[..got]);
            }
        }
    }

    fn type_in(&self, text: &str) {
        assert_eq!(rustix::io::write(&self.screen, text.as_bytes()).unwrap(), text.len());
    }

    fn has_echo(&self) -> bool {
        tcgetattr(&self.line).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// Waits for the end. The password never showed, and the terminal is as it was.
    #[track_caller]
    fn end(mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                self.child.kill().unwrap();
                panic!("it does not end: {}", String::from_utf8_lossy(&self.seen));
            }
            // Reading what it writes keeps it going, and waits for it.
            let mut wait = [PollFd::new(&self.screen, PollFlags::IN)];
            let moment = Timespec::try_from(Duration::from_millis(20)).unwrap();
            if poll(&mut wait, Some(&moment)).unwrap() > 0 {
                let mut octets = [0; 1024];
                let got = rustix::io::read(&self.screen, &mut octets).unwrap();
                self.seen.extend_from_slice(&octets[..got]);
            }
        };
        leak::assert_absent(&self.seen, SECRET, "the terminal");
        assert!(self.has_echo(), "the terminal was left without echo");
        status
    }
}

#[test]
fn an_account_is_added_by_answering_questions() {
    let world = world();
    let mut session = Session::start(&world, &["config", "add"]);
    session.expect("Mail address: ");
    session.type_in("nobody\n");
    session.expect("no domain");
    session.type_in("ana@gmail.com\n");
    session.expect("Name of the account [mail]: ");
    session.type_in("g\n");
    session.expect("beside the address: ");
    session.type_in("Ana\n");
    session.expect("app password");
    session.expect("ask [ask]: ");
    session.type_in("store\n");
    session.expect("Password: ");
    assert!(!session.has_echo());
    session.type_in(&format!("{SECRET}x\u{7f}\n"));
    session.expect("Where fetched mail goes (a Maildir, or mbox:FILE) [~/Mail/g]: ");
    session.type_in("mbox:~/mail/inbox\n");
    session.expect("Test it now? [yes]: ");
    session.type_in("no\n");
    session.expect("account g is added");
    assert!(session.end().success());
    let text = fs::read_to_string(world.path(".config/postie/config.toml")).unwrap();
    assert!(
        text.starts_with(
            "default-account = \"g\"\n\n[accounts.g]\nemail = \"ana@gmail.com\"\nname = \"Ana\"\n"
        ),
        "{text}"
    );
    assert!(text.contains(&format!("password = \"{SECRET}\"\n")), "the typing error was mended");
    assert!(text.contains("host = \"pop.gmail.com\"") && text.contains("host = \"smtp.gmail.com\""));
    assert!(text.contains("mbox = \"~/mail/inbox\""), "{text}");
    assert_mode(&world.path("mail"), 0o700);
}

/// Answers the questions up to the password for an account `name` at these servers.
fn answer_up_to_the_password(session: &mut Session, name: &str, pop3: &Pop3d, smtp: &Smtpd) {
    session.expect("Mail address: ");
    session.type_in("ana@example.org\n");
    session.expect("Name of the account [");
    session.expect("]: ");
    session.type_in(&format!("{name}\n"));
    session.expect("beside the address: ");
    session.type_in("\n");
    session.expect("Where mail is fetched (POP3): ");
    session.type_in(&format!("localhost:{}\n", pop3.port()));
    session.expect("Where mail is sent (SMTP): ");
    session.type_in(&format!("smtps://localhost:{}\n", smtp.port()));
    session.expect("Login name [ana@example.org]: ");
    session.type_in("ana\n");
    session.expect("ask [ask]: ");
    session.type_in("store\n");
    session.expect("Password: ");
}

#[test]
fn the_questions_end_with_an_account_that_fetches_and_sends() {
    let mailbox = Mailbox::with(2);
    let (pop3, smtp) = (Pop3d::for_mailbox(&mailbox).start(), Smtpd::for_mailbox(&mailbox).start());
    let world = world();
    let mut session = Session::start(&world, &["config", "add", "--ca-file", "ca.pem"]);
    answer_up_to_the_password(&mut session, "home", &pop3, &smtp);
    session.type_in(&format!("{SECRET}\n"));
    session.expect("[~/Mail/home]: ");
    session.type_in("\n");
    session.expect("Test it now? [yes]: ");
    session.type_in("\n");
    session.expect("mailbox");
    session.expect("sender");
    session.expect("account home is added");
    session.expect("and is the default");
    assert!(session.end().success());
    assert_mode(&world.path("Mail"), 0o700);
    world.postie(["fetch"]).go().assert_exit(0);
    assert_eq!(crate::support::disk::maildir_if_any(&world.path("Mail/home")).len(), 2);
    world.postie(["send", "-s", "x", "--body", "y", "ana@example.org"]).go().assert_exit(0);
}

#[test]
fn a_name_that_is_taken_is_noticed_before_anything_else_is_asked() {
    let world = world();
    world.config("[accounts.mail]\nemail = \"ana@example.org\"\npop3.host = \"h\"\n");
    let mut session = Session::start(&world, &["config", "add", "mail"]);
    session.expect("it exists already");
    assert_eq!(session.end().code(), Some(78));
    let mut session = Session::start(&world, &["config", "add"]);
    session.expect("Mail address: ");
    session.type_in("ana@example.org\n");
    session.expect("Name of the account [example]: ");
    session.type_in("mail\n");
    session.expect("there is an account mail already");
    session.expect("Name of the account [example]: ");
    session.type_in("\u{3}");
    assert_eq!(session.end().signal(), Some(2));
}

#[test]
fn after_a_test_that_failed_the_person_decides() {
    for (answer, added) in [("\n", false), ("yes\n", true)] {
        let mailbox = Mailbox::with(1);
        let (pop3, smtp) = (Pop3d::for_mailbox(&mailbox).start(), Smtpd::for_mailbox(&mailbox).start());
        let world = world();
        let mut session = Session::start(&world, &["config", "add", "--ca-file", "ca.pem"]);
        answer_up_to_the_password(&mut session, "home", &pop3, &smtp);
        session.type_in("not-it\n");
        session.expect("[~/Mail/home]: ");
        session.type_in("\n");
        session.expect("Test it now? [yes]: ");
        session.type_in("\n");
        session.expect("Add it all the same? [no]: ");
        session.type_in(answer);
        session.expect(if added { "account home is added" } else { "account home is not added" });
        assert_eq!(session.end().code(), Some(if added { 1 } else { 77 }));
        assert_eq!(world.path(".config/postie/config.toml").exists(), added);
    }
}

#[test]
fn flags_that_leave_nothing_open_ask_nothing_and_others_ask_for_the_rest_alone() {
    let world = world();
    let add =
        ["config", "add", "w", "--email", "a@example.org", "--pop3", "pop3s://h", "--password-env", "PW"];
    let mut session = Session::start(&world, &add);
    session.expect("Where fetched mail goes");
    session.expect("[~/Mail/w]: ");
    session.type_in("\n");
    session.expect("Test it now? [yes]: ");
    session.type_in("no\n");
    session.expect("account w is added");
    assert!(session.end().success());
    let add = ["config", "add", "v", "--email", "a@example.org", "--pop3", "pop3s://h"];
    let mut session =
        Session::start(&world, &[&add[..], &["--password-env", "PW", "--maildir", "M"]].concat());
    session.expect("account v is added");
    assert!(session.end().success());
}

#[test]
fn a_page_of_the_manual_is_shown_readable_on_a_terminal() {
    let world = world();
    let mut session = Session::start(&world, &["man", "config.5"]);
    session.expect("the configuration file of postie");
    assert!(session.end().success());
}

#[test]
fn a_password_that_nothing_else_gives_is_asked_for() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).start();
    let world = world();
    let url = server.url();
    let mut session = Session::start(&world, &["list", "--server", &url, "--ca-file", "ca.pem"]);
    session.expect("Password for ana@localhost");
    session.expect(": ");
    session.type_in(&format!("{SECRET}\n"));
    session.expect("1 ");
    assert!(session.end().success());
}

#[test]
fn a_signal_ends_every_question_and_leaves_the_terminal_as_it_was() {
    let world = world();
    let url = "pop3s://ana@localhost:1";
    for (args, question) in
        [(&["config", "add"][..], "Mail address: "), (&["list", "--server", url][..], "localhost:1: ")]
    {
        for signal in [2, 15] {
            let mut session = Session::start(&world, args);
            session.expect(question);
            if signal == 2 {
                session.type_in("\u{3}");
            } else {
                let child = rustix::process::Pid::from_child(&session.child);
                rustix::process::kill_process(child, rustix::process::Signal::TERM).unwrap();
            }
            assert_eq!(session.end().signal(), Some(signal), "{question}");
        }
    }
}

#[test]
fn a_run_that_is_stopped_at_the_question_gives_the_echo_back_and_takes_it_again() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).start();
    // `wait` and `jobs` need no terminal: only what postie does to it is seen.
    let script = "set -m; \"$@\"; echo STOPPED; read go; fg; echo BACK";
    for shell in ["bash", "dash"] {
        for (key, how) in [("\u{1a}", "Ctrl-Z"), ("", "kill -TSTP"), ("", "kill -STOP")] {
            let world = world();
            let url = server.url();
            let postie = env!("CARGO_BIN_EXE_postie");
            let pid = "echo $$ > pid; exec \"$@\"";
            let argv = [shell, "-c", script, "sh", "sh", "-c", pid, "sh", postie];
            let args = ["list", "--server", &url, "--ca-file", "ca.pem"];
            let mut session = Session::run(&world, &[&argv[..], &args[..]].concat());
            session.expect("Password for ana@localhost");
            session.expect(": ");
            assert!(!session.has_echo(), "{shell} {how}");
            match how {
                "Ctrl-Z" => session.type_in(key),
                _ => {
                    let pid: i32 = fs::read_to_string(world.path("pid")).unwrap().trim().parse().unwrap();
                    let pid = rustix::process::Pid::from_raw(pid).unwrap();
                    let signal = if how == "kill -STOP" {
                        rustix::process::Signal::STOP
                    } else {
                        rustix::process::Signal::TSTP
                    };
                    rustix::process::kill_process(pid, signal).unwrap();
                }
            }
            session.expect("STOPPED");
            // Nobody can do anything about SIGSTOP.
            assert!(session.has_echo() || how == "kill -STOP", "{shell} {how}");
            // As a shell with a line editor leaves it.
            let mut modes = tcgetattr(&session.line).unwrap();
            modes.local_modes.insert(LocalModes::ECHO);
            rustix::termios::tcsetattr(&session.line, rustix::termios::OptionalActions::Now, &modes).unwrap();
            session.type_in("\n");
            session.expect("Password for ana@localhost");
            session.expect(": ");
            assert!(!session.has_echo(), "{shell} {how}");
            session.type_in(&format!("{SECRET}\n"));
            session.expect("1 ");
            session.expect("BACK");
            assert!(session.end().success());
        }
    }
}

#[test]
fn where_no_shell_could_continue_it_ctrl_z_stops_nothing() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).start();
    let world = world();
    let url = server.url();
    let mut session = Session::start(&world, &["list", "--server", &url, "--ca-file", "ca.pem"]);
    session.expect(": ");
    session.type_in("\u{1a}");
    session.expect("Password for ana@localhost");
    session.expect(": ");
    assert!(!session.has_echo());
    session.type_in(&format!("{SECRET}\n"));
    session.expect("1 ");
    assert!(session.end().success());
}

#[test]
fn in_a_container_whose_session_began_outside_it_asks_as_everywhere() {
    // There the leader of the session, and of the shell's, is the process 0.
    if !real::have("in_a_container_whose_session_began_outside_it_asks_as_everywhere", &["root", "unshare"]) {
        return;
    }
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).start();
    let url = server.url();
    let postie = env!("CARGO_BIN_EXE_postie");
    let inside = ["unshare", "--pid", "--fork"];
    let below_a_shell = ["sh", "-c", "\"$@\"; exit $?", "sh"];
    for argv in [&inside[..], &[&inside[..], &below_a_shell[..]].concat()] {
        let world = world();
        let args = [postie, "list", "--server", &url, "--ca-file", "ca.pem"];
        let mut session = Session::run(&world, &[argv, &args[..]].concat());
        session.expect("Password for ana@localhost");
        session.expect(": ");
        assert!(!session.has_echo());
        session.type_in(&format!("{SECRET}\n"));
        session.expect("1 ");
        assert!(session.end().success());
    }
}

#[test]
fn mail_that_is_shown_on_a_terminal_cannot_steer_it_and_hides_nothing() {
    let hostile = "Subject: x\u{1b}]0;title\u{7}\u{200b}\u{e0041}\u{ad}\r\n\r\n\u{9b}2J a\rb \u{202e}gpj\r\n";
    let mailbox = Mailbox::default();
    mailbox.add(hostile.as_bytes());
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    let url = server.url();
    let options = ["--server", &url, "--ca-file", "ca.pem", "--password-file", "secret"];
    for command in [&["fetch", "--stdout"][..], &["list"][..], &["fetch", "--maildir", "Mail", "-v"][..]] {
        let mut session = Session::start(&world, &[command, &options[..]].concat());
        match command[1..] {
            ["--stdout"] => session.expect("\\u{7}\\u{200b}\\u{e0041}\\u{ad}"),
            [] => session.expect("x\\u{1b}]0;tit"),
            _ => {}
        }
        let child = &mut session.child;
        assert!(child.wait().unwrap().success());
        // All that came, and the progress bar's own sequences apart.
        let mut wait = [PollFd::new(&session.screen, PollFlags::IN)];
        let moment = Timespec::try_from(Duration::from_millis(0)).unwrap();
        while poll(&mut wait, Some(&moment)).unwrap() > 0 && !wait[0].revents().is_empty() {
            let mut octets = [0; 4096];
            let got = rustix::io::read(&session.screen, &mut octets).unwrap();
            session.seen.extend_from_slice(&octets[..got]);
        }
        let shown = String::from_utf8(session.seen.clone()).unwrap();
        for bad in ["\u{1b}]", "\u{7}", "\u{200b}", "\u{e0041}", "\u{ad}", "\u{9b}", "\u{202e}", "a\rb"] {
            assert!(!shown.contains(bad), "{command:?} {bad:?}: {shown:?}");
        }
    }
}

#[test]
fn a_person_is_told_how_to_end_a_text_and_what_became_of_it() {
    use crate::support::pop3d::{Act, Mode};
    use crate::support::smtpd::Smtpd;
    let server = Smtpd::for_mailbox(&Mailbox::default())
        .mode(Mode::Plain)
        .hook(|event| match event.line.contains("<no@") {
            true => Act::reply("550 5.1.1 nobody"),
            false => Act::Normal,
        })
        .start();
    let url = format!("smtp+insecure://ana@localhost:{}", server.port());
    for (recipients, policy, told) in [
        ("b@x.org,c@x.org", "abort", "postie: sent to 2\r\n"),
        ("b@x.org,no@x.org", "send", "postie: sent to 1 of 2\r\n"),
        ("b@x.org,no@x.org", "abort", "postie: nothing was sent\r\n"),
    ] {
        let world = world();
        let secret = world.text("secret");
        let args = ["--server", &url, "--password-file", &secret, "send", "-f", "a@x.org"];
        let args: Vec<&str> = args.into_iter().chain(["--on-rejected", policy, recipients]).collect();
        let mut session = Session::start(&world, &args);
        session.expect("end it with Ctrl-D");
        session.type_in("hello\n\u{4}");
        session.expect(told);
        session.end();
    }
    let world = world();
    for (args, told) in [
        (&["send", "-f", "a@x.org", "b@x.org"][..], "looking for an account: there is no such file"),
        (&["--server", &url, "send", "-f", "a@x.org", "bob"], "the address has no domain"),
    ] {
        let mut session = Session::start(&world, args);
        session.expect(told);
        assert!(!session.end().success(), "nothing had to be typed: {args:?}");
    }
    let secret = world.text("secret");
    let args =
        ["--server", &url, "--password-file", &secret, "send", "-f", "a@x.org", "--skip-empty", "b@x.org"];
    let mut session = Session::start(&world, &args);
    session.expect("end it with Ctrl-D");
    session.type_in("\u{4}");
    session.expect("nothing was sent: the body is empty");
    assert!(session.end().success());
}

#[test]
fn every_account_of_several_is_told_at_a_terminal_and_only_there() {
    let (full, empty, gone) = (
        Pop3d::for_mailbox(&Mailbox::with(2)).start(),
        Pop3d::for_mailbox(&Mailbox::default()).start(),
        Pop3d::for_mailbox(&Mailbox::with(1)).start(),
    );
    let world = world();
    world.write("wrong", "not-it\n");
    let account = |name: &str, server: &Pop3d, password: &str| {
        format!(
            "[accounts.{name}]\npassword-file = \"{}\"\nca-file = \"{}\"\n[accounts.{name}.pop3]\nhost = \"localhost\"\n\
             port = {}\nusername = \"ana\"\n[accounts.{name}.fetch]\nmaildir = \"{name}\"\n",
            world.text(password),
            world.text("ca.pem"),
            server.port()
        )
    };
    let text = account("full", &full, "secret")
        + &account("empty", &empty, "secret")
        + &account("bad", &gone, "wrong");
    world.config(&text);
    let mut session = Session::start(&world, &["fetch", "--all-accounts", "-j", "1"]);
    session.expect("full: 2 delivered");
    session.expect("empty: nothing new");
    session.expect("bad: failed");
    assert_eq!(session.end().code(), Some(1));
    let outcome = world.postie(["fetch", "--all-accounts"]).go();
    outcome.assert_exit(1);
    assert!(!outcome.err().contains("full") && !outcome.err().contains("empty"), "{}", outcome.err());
}

#[test]
fn the_progress_bar_counts_messages() {
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = Pop3d::for_mailbox(&Mailbox::with(3))
        .hook(move |event| {
            if event.verb == "RETR" {
                // All of them go on at once; an end of the test ends the wait too.
                let _ = wait.lock().unwrap().recv();
            }
            Act::Normal
        })
        .start();
    let world = world();
    let url = server.url();
    let fetch =
        ["fetch", "--server", &url, "--ca-file", "ca.pem", "--password-file", "secret", "--maildir", "M"];
    let mut session = Session::start(&world, &fetch);
    session.expect("0/3 messages");
    drop(go_on);
    session.expect("3 delivered");
    assert!(session.end().success());
}

/// What a terminal may do to a fetch that shows its progress there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ill {
    /// Its line is non-blocking, and full when it begins.
    Full,
    /// It hangs up at the first message.
    HangsUp,
}

#[test]
fn a_terminal_that_is_full_or_goes_away_costs_a_fetch_nothing() {
    for ill in [Ill::Full, Ill::HangsUp] {
        let mailbox = Mailbox::with(40);
        let (go_on, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| {
                if event.verb == "RETR" {
                    let _ = wait.lock().unwrap().recv();
                }
                Act::Normal
            })
            .start();
        let world = world();
        let (url, postie) = (server.url(), world.program().to_str().unwrap().to_owned());
        let script = "trap '' HUP; exec \"$@\" >out";
        let argv = ["sh", "-c", script, "sh", &postie, "fetch", "--server", &url, "--ca-file", "ca.pem"];
        let argv = [&argv[..], &["--password-file", "secret", "--maildir", "Mail"]].concat();
        let mut session = Session::prepared(&world, &argv, |line| {
            rustix::io::ioctl_fionbio(line, true).unwrap();
            if ill == Ill::Full {
                while rustix::io::write(line, &[b'x'; 1000]).is_ok() {}
            }
        });
        if ill == Ill::Full {
            drop(go_on);
            session.expect("40 delivered");
            assert!(session.end().success());
        } else {
            session.expect("0/40 messages");
            let null = || open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap();
            let Session { screen, line, child, .. } = &mut session;
            drop((std::mem::replace(screen, null()), std::mem::replace(line, null())));
            drop(go_on);
            let until = Instant::now() + PATIENCE;
            let status = loop {
                match child.try_wait().unwrap() {
                    Some(status) => break status,
                    None => assert!(Instant::now() < until, "it does not end"),
                }
                poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 20_000_000 })).unwrap();
            };
            assert_eq!(status.code(), Some(0));
        }
        assert_eq!(world.mail().len(), 40, "{ill:?}");
    }
}
