//! Commands that the user has postie run, and running one for the secret it prints.
//!
//! It gets `/dev/null` as standard input, postie's standard error (it may ask there), and an environment
//! without `$POSTIE_PASSWORD`. What fails, hangs, is killed or prints nothing gives no secret.
//!
//! Away from a terminal the command is a process group of its own, killed as a whole when time is over. At a
//! terminal it stays in postie's group: a background group that asks on the terminal would be stopped
//! (SIGTTIN), and Ctrl-C reaches it by itself.

use super::drain::{self, Drain, DrainError};
use super::terminal::terminal;
use crate::net::Limits;
use crate::store::Program;
use crate::words::{Failure, Kind, Secret};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use zeroize::Zeroizing;

/// A line for the shell.
pub fn shell(line: &str) -> Result<Program, String> {
    if line.trim().is_empty() {
        return Err("the command is empty".into());
    }
    if line.contains('\0') {
        return Err("a NUL is in the command".into());
    }
    Ok(Program::Shell(line.to_owned()))
}

/// A program and its arguments.
pub fn argv(words: Vec<String>) -> Result<Program, String> {
    if words.first().is_none_or(String::is_empty) {
        return Err("the command is empty".into());
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err("a NUL is in the command".into());
    }
    Ok(Program::Argv(words))
}

/// Runs it, and takes what it prints as a secret. `place` names it in a failure, which is
/// [`Kind::Config`], or [`Kind::Interrupted`], or [`Kind::Timeout`] where the whole run's time is over.
pub fn secret(program: &Program, place: &str, limits: &Limits) -> Result<Secret, Failure> {
    let run = Run { own_group: terminal().is_none(), limits };
    let (status, printed) = run.capture(program).map_err(|error| error.failure(place))?;
    if status.success() {
        return drain::secret(&printed, place);
    }
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("it failed with exit status {code}"),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => "it failed".into(),
    };
    let hint = "what it wrote to standard error is above; nothing was sent to the server";
    Err(drain::failure(Kind::Config, format!("{place}: getting the secret: {how}")).hint(hint))
}

/// The command, ready to be started: `/dev/null` as standard input, no `$POSTIE_PASSWORD`.
fn prepare(program: &Program) -> Command {
    let mut command = match program {
        Program::Shell(line) => {
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(line);
            shell
        }
        Program::Argv(words) => {
            let (program, arguments) = words.split_first().map_or(("", &[][..]), |(p, a)| (p, a));
            let mut command = Command::new(program);
            command.args(arguments);
            command
        }
    };
    command.stdin(Stdio::null()).env_remove("POSTIE_PASSWORD");
    command
}

/// How a command is run.
struct Run<'a> {
    own_group: bool,
    limits: &'a Limits,
}

impl Run<'_> {
    /// Runs it to its end, or kills it.
    fn capture(&self, program: &Program) -> Result<(ExitStatus, Zeroizing<Vec<u8>>), DrainError> {
        let io = |error: std::io::Error| DrainError::Io(Errno::from_io_error(&error).unwrap_or(Errno::NOENT));
        let (exited, exit) = pipe_with(PipeFlags::CLOEXEC).map_err(DrainError::Io)?;
        let mut command = prepare(program);
        command.stdout(Stdio::piped());
        if self.own_group {
            command.process_group(0);
        }
        let mut child = command.spawn().map_err(io)?;
        let pid = Pid::from_child(&child);
        let watched = thread::Builder::new().spawn(move || announce_exit(pid, exit));
        // Without the watch its end would seem to have come already.
        let printed = watched.map_err(io).and_then(|_| self.read(&mut child, &exited));
        if printed.is_err() {
            // It may be gone already; it cannot be another process, as nobody has reaped it yet.
            let _ = if self.own_group {
                kill_process_group(pid, Signal::KILL)
            } else {
                kill_process(pid, Signal::KILL)
            };
        }
        let status = child.wait().map_err(io)?;
        Ok((status, printed?))
    }

    fn read(&self, child: &mut Child, exited: &OwnedFd) -> Result<Zeroizing<Vec<u8>>, DrainError> {
        let stdout = child.stdout.take().ok_or(DrainError::Io(Errno::BADF))?;
        drain::make_nonblocking(&stdout)?;
        let until = self.limits.until(self.limits.timeout);
        // The exit counts, not the end of the pipe: a daemon that it started may hold that open for ever.
        Drain { from: stdout.as_fd(), done: Some(exited.as_fd()), until, limits: self.limits }.read()
    }
}

/// Waits for the end of a child without reaping it, then closes `exit`.
fn announce_exit(child: Pid, exit: OwnedFd) {
    let ended = || waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    while matches!(ended(), Err(Errno::INTR)) {}
    drop(exit);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn run(line: &str) -> Result<Secret, Failure> {
        run_within(line, Duration::from_secs(30))
    }

    fn run_within(line: &str, timeout: Duration) -> Result<Secret, Failure> {
        secret(&shell(line).unwrap(), "cmd", &Limits { timeout, ..Limits::default() })
    }

    #[test]
    fn what_a_command_prints_is_the_secret() {
        assert_eq!(run("echo pw").unwrap().expose(), b"pw");
        assert_eq!(run("printf 'pw\\r\\n'").unwrap().expose(), b"pw");
        assert_eq!(run("printf 'p w'").unwrap().expose(), b"p w");
        let words = argv(vec!["printf".into(), "%s".into(), "$HOME; x".into()]).unwrap();
        assert_eq!(secret(&words, "cmd", &Limits::default()).unwrap().expose(), b"$HOME; x");
    }

    #[test]
    fn what_fails_or_prints_nothing_or_too_much_gives_no_secret() {
        for line in [
            "false",
            "echo S3CRET; exit 3",
            "true",
            "echo",
            "printf 'S3CRET\\nmore\\n'",
            "printf 'S3C\\0RET'",
            "echo S3CRET; kill -9 $$",
            "head -c 70000 /dev/zero | tr '\\0' x",
            "/nonexistent/program 2>/dev/null",
            "yes",
        ] {
            let failure = run(line).unwrap_err();
            assert_eq!(failure.kind, Kind::Config, "{line}: {failure}");
            assert!(!failure.message.contains("S3C"), "{failure}");
        }
        let missing = argv(vec!["/nonexistent/program".into()]).unwrap();
        assert_eq!(secret(&missing, "cmd", &Limits::default()).unwrap_err().kind, Kind::Config);
    }

    #[test]
    fn a_command_reads_nothing_of_postie_s_input() {
        assert_eq!(run("cat; echo end").unwrap().expose(), b"end");
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_all_it_started() {
        let marker = tempfile::tempdir().unwrap();
        let pid_file = marker.path().join("pid");
        let line = shell(&format!("sleep 1000 & echo $! > {}; wait", pid_file.display())).unwrap();
        let limits = Limits { timeout: Duration::from_millis(500), ..Limits::default() };
        let run = Run { own_group: true, limits: &limits };
        assert!(matches!(run.capture(&line), Err(DrainError::Timeout)));
        let pid: i32 = std::fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
        // SIGKILL was sent to it; it is gone, or about to be.
        let until = Instant::now() + Duration::from_secs(10);
        let alive = || {
            std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
        };
        while alive() && Instant::now() < until {
            thread::yield_now();
        }
        assert!(!alive(), "process {pid} lives on");
    }

    #[test]
    fn a_daemon_that_keeps_the_pipe_open_does_not_delay_the_secret() {
        let begun = Instant::now();
        assert_eq!(run("sleep 20 & echo pw").unwrap().expose(), b"pw");
        assert!(begun.elapsed() < Duration::from_secs(15));
    }

    #[test]
    fn the_time_of_the_whole_run_is_another_failure_than_a_hanging_command() {
        assert_eq!(run_within("sleep 1000", Duration::from_millis(50)).unwrap_err().kind, Kind::Config);
        let end = Some(Instant::now() + Duration::from_millis(50));
        let limits = Limits { end, ..Limits::default() };
        let line = shell("sleep 1000").unwrap();
        assert_eq!(secret(&line, "cmd", &limits).unwrap_err().kind, Kind::Timeout);
    }

    #[test]
    fn commands_do_not_see_the_password_variable() {
        let command = prepare(&shell("true").unwrap());
        assert!(command.get_envs().any(|(name, value)| name == "POSTIE_PASSWORD" && value.is_none()));
    }

    #[test]
    fn empty_commands_and_nul_are_refused() {
        assert!(shell(" ").is_err());
        assert!(shell("a\0").is_err());
        assert!(argv(vec![]).is_err());
        assert!(argv(vec![String::new()]).is_err());
        assert!(argv(vec!["a".into(), "\0".into()]).is_err());
    }
}
