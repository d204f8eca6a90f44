use super::*;
use crate::store::delivered::Subject;
use crate::store::identity::AccountKey;
use crate::store::ledger::{Afterwards, Ledger};
use crate::store::sink::Sink as _;
use crate::words::{Kind, Scope};
use std::sync::Arc;

fn key() -> AccountKey {
    AccountKey::new("pop3", "h", 1, "u")
}

fn spec(program: Program, waits: WaitLimits) -> CommandSpec {
    CommandSpec { program, output: StdoutTo::Stderr, folder: None, account: "work".into(), waits }
}

fn shell(line: &str) -> ExecSink {
    ExecSink::new(spec(Program::Shell(line.into()), WaitLimits::of(Duration::from_secs(60)))).unwrap()
}

fn run(command: &mut ExecSink, uid: &[u8], content: &[u8]) -> Result<Vec<Delivered>, StoreError> {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path(), &key(), Duration::ZERO, &|| false)?;
    let identity = key().identity(uid, 0);
    command.begin(&Subject { identity: &identity, tag: 4, wire_size: Some(1), number: 1, details: None })?;
    command.write(&mut ledger, content)?;
    command.finish()?;
    assert!(command.due());
    command.commit(&mut ledger)
}

#[test]
fn the_command_gets_every_octet_and_knows_the_message() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let line = format!(
        "cat > '{0}'; printf '%s' \"$POSTIE_ACCOUNT|$POSTIE_UID|$POSTIE_SIZE|$POSTIE_KEY\" > '{0}.env'",
        out.display()
    );
    for size in [0, 5, 2_000_000] {
        let content: Vec<u8> = (0..size).map(|n| (n % 256) as u8).collect();
        let delivered = run(&mut shell(&line), b"a b%\0c", &content).unwrap();
        assert_eq!(
            (delivered[0].size(), delivered[0].tag(), delivered[0].place()),
            (size as u64, 4, &Place::Command)
        );
        assert!(std::fs::read(&out).unwrap() == content);
        let expected = format!("work|a b%%00c|{size}|{}", key().identity(b"a b%\0c", 0).key());
        assert_eq!(std::fs::read_to_string(dir.path().join("out.env")).unwrap(), expected);
    }
}

#[test]
fn the_exit_status_decides_about_the_message() {
    assert_eq!(run(&mut shell("exit 0"), b"1", b"x").unwrap().len(), 1);
    let left = run(&mut shell("exit 75"), b"1", b"x").expect_err("left");
    assert!(matches!(left, StoreError::Left { tag: 4 }));
    let unknown = run(&mut shell("exit 79"), b"1", b"x").expect_err("unknown");
    assert!(matches!(unknown, StoreError::TakenUnknown { tag: 4 }));
    for line in ["exit 126", "exit 127", "no-such-program-of-postie 2>/dev/null"] {
        let error = run(&mut shell(line), b"1", b"x").expect_err(line);
        assert!(matches!(error, StoreError::NoCommand { .. }), "{error}");
        assert_eq!((error.kind(), error.scope()), (Kind::Config, Scope::Session));
    }
    for line in ["exit 1", "exit 80", "exit 125", "exit 128", "kill -9 $$"] {
        let error = run(&mut shell(line), b"1", b"x").expect_err(line);
        assert!(matches!(error, StoreError::Command { tag: 4, .. }), "{error}");
        assert_eq!(error.scope(), Scope::Message);
    }
}

#[test]
fn messages_that_the_command_took_before_a_failure_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path(), &key(), Duration::ZERO, &|| false).unwrap();
    let mut command = shell("test \"$POSTIE_UID\" != 2");
    for uid in [b"1", b"2", b"3"] {
        let identity = key().identity(uid, 0);
        command
            .begin(&Subject {
                identity: &identity,
                tag: usize::from(uid[0]),
                wire_size: None,
                number: 1,
                details: None,
            })
            .unwrap();
        command.finish().unwrap();
    }
    let first = command.commit(&mut ledger).unwrap();
    assert_eq!(ledger.record(first, Afterwards::Keep).unwrap().len(), 1);
    assert!(matches!(command.commit(&mut ledger), Err(StoreError::Command { tag: 50, .. })));
    assert_eq!(command.staged().count, 1);
    assert_eq!(command.commit(&mut ledger).unwrap()[0].identity.uid(), b"3");
    assert_eq!(command.staged().count, 0);
}

/// Whether a process ends within a time that is more than enough.
fn ends(pid: i32) -> bool {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let process = match rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        Ok(process) => process,
        Err(error) => return error == rustix::io::Errno::SRCH,
    };
    let mut wait = [rustix::event::PollFd::new(&process, rustix::event::PollFlags::IN)];
    let time = rustix::event::Timespec { tv_sec: 20, tv_nsec: 0 };
    rustix::event::poll(&mut wait, Some(&time)).unwrap() == 1
}

#[test]
fn a_command_that_hangs_is_ended_with_all_processes_that_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let line = format!("sleep 1000 & echo $! > '{}'; wait", pid.display());
    let mut command =
        ExecSink::new(spec(Program::Shell(line), WaitLimits::of(Duration::from_secs(1)))).unwrap();
    assert!(matches!(run(&mut command, b"1", b"x"), Err(StoreError::Command { .. })));
    let child: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    assert!(ends(child), "it lives");
    let stop = WaitLimits::new(Duration::from_secs(1000), Arc::new(|| true));
    let mut command = ExecSink::new(spec(Program::Shell("sleep 1000".into()), stop)).unwrap();
    assert!(matches!(run(&mut command, b"1", b"x"), Err(StoreError::Stopped)));
}

#[test]
fn a_missing_program_is_an_error_before_anything_is_fetched() {
    let none = || WaitLimits::of(Duration::ZERO);
    for argv in [vec![], vec![""], vec!["/no/such/program"], vec!["no-such-program-of-postie"]] {
        let program = Program::Argv(argv.into_iter().map(String::from).collect());
        assert!(matches!(ExecSink::new(spec(program, none())), Err(StoreError::NoCommand { .. })));
    }
    let argv = ["sh", "-c", "test \"$1\" = 'a b'", "x", "a b"].map(String::from).to_vec();
    let mut command =
        ExecSink::new(spec(Program::Argv(argv), WaitLimits::of(Duration::from_secs(60)))).unwrap();
    assert_eq!(run(&mut command, b"1", b"").unwrap().len(), 1);
}
