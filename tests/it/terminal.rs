//! postie at a terminal: what it asks, what it shows, and how a signal ends the wait for an answer.

use crate::support::disk::assert_mode;
use crate::support::leak;
use crate::support::mailbox::Mailbox;
use crate::support::pop3d::{Act, Pop3d, SECRET};
use crate::support::process::ending_signals;
use crate::support::real;
use crate::support::smtpd::Smtpd;
use crate::support::world::World;
use crate::world;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

mod found;
mod questions;
mod shown;

const PATIENCE: Duration = Duration::from_secs(30);

/// postie on a terminal of its own.
pub struct Session {
    screen: OwnedFd,
    /// Held open, so that the screen and the terminal's modes can be read after postie has ended.
    line: OwnedFd,
    child: Child,
    seen: Vec<u8>,
    read_to: usize,
}

impl Session {
    pub fn start(world: &World, args: &[&str]) -> Session {
        let postie = [&[env!("CARGO_BIN_EXE_postie")], args].concat();
        Session::run(world, &postie)
    }

    /// Any program, leader of the terminal's session.
    pub fn run(world: &World, argv: &[&str]) -> Session {
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
            .env("POSTIE_DNS", "127.0.0.1:9")
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

    /// Waits until `text` is shown after what was waited for before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
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

    pub fn type_in(&self, text: &str) {
        assert_eq!(rustix::io::write(&self.screen, text.as_bytes()).unwrap(), text.len());
    }

    /// The line that comes next, behind what was waited for before.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let from = self.read_to;
        self.expect("\n");
        String::from_utf8_lossy(&self.seen[from..self.read_to]).trim_end().to_owned()
    }

    /// All that has shown.
    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    fn has_echo(&self) -> bool {
        tcgetattr(&self.line).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// Waits for the end. The password was never shown, and the terminal is as it was.
    #[track_caller]
    pub fn end(mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                self.child.kill().unwrap();
                panic!("it does not end: {}", String::from_utf8_lossy(&self.seen));
            }
            // Reading the output lets the program continue, and waits for it.
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
fn a_password_without_another_source_is_asked_for() {
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
fn a_password_in_another_character_set_than_utf_8_counts_octet_for_octet() {
    let (heard, hears) = mpsc::channel();
    let server = Smtpd::for_mailbox(&Mailbox::default())
        .hook(move |event| {
            if event.verb == "AUTH" {
                heard.send(event.line.to_owned()).unwrap();
            }
            Act::Normal
        })
        .start();
    let world = world();
    let args =
        ["send", "--server", &server.url(), "--ca-file", "ca.pem", "-f", "a@x.org", "--body", "x", "b@x.org"];
    let mut session = Session::start(&world, &args);
    session.expect("Password for ana@localhost");
    session.expect(": ");
    // "päss" in ISO 8859-1.
    assert_eq!(rustix::io::write(&session.screen, b"p\xe4ss\n").unwrap(), 5);
    assert_eq!(hears.recv_timeout(PATIENCE).unwrap(), "AUTH PLAIN AGFuYQBw5HNz");
    assert_eq!(session.end().code(), Some(77), "it is not the right one");
}

#[test]
fn a_signal_ends_every_question_and_restores_the_terminal() {
    let world = world();
    let url = "pop3s://ana@localhost:1";
    for (args, question) in
        [(&["config", "add"][..], "Mail address: "), (&["list", "--server", url][..], "localhost:1: ")]
    {
        let keys = [("\u{3}", Signal::INT), ("\u{1c}", Signal::QUIT)];
        let keys = keys.into_iter().filter(|(_, signal)| ending_signals().contains(signal));
        let sent = ending_signals().into_iter().map(|signal| ("", signal));
        for (key, signal) in keys.chain(sent) {
            let mut session = Session::start(&world, args);
            session.expect(question);
            match key {
                "" => kill_process(Pid::from_child(&session.child), signal).unwrap(),
                key => session.type_in(key),
            }
            assert_eq!(session.end().signal(), Some(signal.as_raw()), "{question}");
        }
    }
}

#[test]
fn a_terminal_that_is_lost_at_a_question_ends_the_run_by_sighup() {
    if !ending_signals().contains(&Signal::HUP) {
        return;
    }
    let world = world();
    for (args, question) in [
        (&["config", "add"][..], "Mail address: "),
        (&["list", "--server", "pop3s://ana@localhost:1"][..], "localhost:1: "),
    ] {
        let mut session = Session::start(&world, args);
        session.expect(question);
        let Session { screen, line, mut child, .. } = session;
        drop((screen, line));
        assert_eq!(child.wait().unwrap().signal(), Some(1), "{question}");
    }
}

#[test]
fn sigpipe_changes_nothing_at_a_password_question() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).start();
    let (world, url) = (world(), server.url());
    let mut session = Session::start(&world, &["list", "--server", &url, "--ca-file", "ca.pem"]);
    session.expect(": ");
    kill_process(Pid::from_child(&session.child), Signal::PIPE).unwrap();
    session.type_in(&format!("{SECRET}\n"));
    session.expect("1 ");
    assert!(session.end().success());
}

#[test]
fn ctrl_z_at_a_password_question_restores_the_echo_and_turns_it_off_again() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).start();
    // `wait` and `jobs` need no terminal: only what postie does to it shows.
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
            // No program can react to SIGSTOP.
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
fn without_a_shell_to_continue_the_run_ctrl_z_does_not_stop_it() {
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
fn in_a_container_with_an_outside_session_questions_work() {
    // There the leader of the session, and of the shell's process group, is process 0.
    if !real::have("in_a_container_with_an_outside_session_questions_work", &["root", "unshare"]) {
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
