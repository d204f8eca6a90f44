//! Runs a command that prints a secret.
//!
//! It gets postie's standard error (it may ask there) and no standard input. A command that fails, hangs, is killed
//! or prints nothing gives no secret.
//!
//! Without a terminal the command gets a process group of its own, which is killed as a whole when time is over. At a
//! terminal it stays in postie's group, so that Ctrl-C reaches it.

use super::drain::{self, Drain, DrainError};
use super::terminal::terminal;
use crate::net::Limits;
use crate::process::{Ending, Program, Running, StdoutTo, Task};
use crate::words::{Failure, Kind, Secret};
use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::thread;
use zeroize::Zeroizing;

/// Runs the command and reads the secret it prints; `place` names it in failures. Fails with [`Kind::Config`],
/// [`Kind::Interrupted`], or [`Kind::Timeout`] if the time of the whole run is over.
pub fn secret(program: &Program, place: &str, limits: &Limits) -> Result<Secret, Failure> {
    let (ending, printed) = capture(program, None, terminal().is_none(), limits)
        .map_err(|error| failed(error, program, place))?;
    let how = match ending {
        Ending::Status(0) => return drain::secret(&printed, place),
        Ending::Status(code) => format!("it failed with exit status {code}"),
        Ending::Signal(signal) => format!("it was killed by signal {signal}"),
    };
    let hint = match ending {
        Ending::Status(127) => NOT_FOUND,
        _ => "what it wrote to standard error is above; nothing was sent to the server",
    };
    Err(drain::failure(Kind::Config, format!("{place}: getting the secret: {how}")).hint(hint))
}

/// Runs a command that keeps secrets: it gets `input` on standard input, if there is any, and what it prints comes
/// back. Fails as [`secret`] does.
pub fn keep(
    program: &Program,
    input: Option<&[u8]>,
    place: &str,
    limits: &Limits,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let what = if input.is_some() { "keeping the tokens" } else { "getting the tokens" };
    let bad = |how: String| drain::failure(Kind::Config, format!("{place}: {what}: {how}"));
    let input = input.map(filled).transpose().map_err(|error| bad(error.to_string()))?;
    let (ending, printed) = capture(program, input, terminal().is_none(), limits)
        .map_err(|error| failed(error, program, place))?;
    match ending {
        Ending::Status(0) => Ok(printed),
        Ending::Status(127) => Err(bad("it failed with exit status 127".into()).hint(NOT_FOUND)),
        Ending::Status(code) => Err(bad(format!("it failed with exit status {code}"))),
        Ending::Signal(signal) => Err(bad(format!("it was killed by signal {signal}"))),
    }
}

/// A pipe with these octets in it, which nobody else has the other end of. It holds what it is given at once: no
/// more than that is taken.
fn filled(octets: &[u8]) -> io::Result<File> {
    let (from, to) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&to, true)?;
    File::from(to).write_all(octets)?;
    Ok(from.into())
}

/// The hint if the program does not exist.
const NOT_FOUND: &str =
    "no such program was found: is it installed? cron's PATH is short, so give its whole path";

fn failed(error: DrainError, program: &Program, place: &str) -> Failure {
    match (error, program) {
        (DrainError::Start(errno), Program::Argv(words)) => {
            let (name, what) = (words.first().map_or("", String::as_str), io::Error::from(errno));
            let message = format!("{place}: getting the secret: starting {name:?}: {what}");
            let failure = drain::failure(Kind::Config, message);
            if errno == Errno::NOENT { failure.hint(NOT_FOUND) } else { failure }
        }
        (error, _) => error.failure(place),
    }
}

/// Runs a program and takes in what it prints, at most so many octets: it may have secrets in it.
pub fn output(
    program: &Program,
    most: usize,
    limits: &Limits,
) -> Result<(Ending, Zeroizing<Vec<u8>>), DrainError> {
    capture_up_to(program, None, terminal().is_none(), most, limits)
}

fn capture(
    program: &Program,
    input: Option<File>,
    own_group: bool,
    limits: &Limits,
) -> Result<(Ending, Zeroizing<Vec<u8>>), DrainError> {
    capture_up_to(program, input, own_group, drain::MAX_SECRET, limits)
}

/// The same for a program that is told something on standard input, with these variables in its environment.
pub fn answer(
    program: &Program,
    input: Zeroizing<Vec<u8>>,
    variables: Vec<(&'static str, OsString)>,
    most: usize,
    limits: &Limits,
) -> Result<(Ending, Zeroizing<Vec<u8>>), DrainError> {
    let (from, to) = pipe_with(PipeFlags::CLOEXEC).map_err(DrainError::Io)?;
    // It may read late or not at all; then the pipe breaks with its end.
    let writing = thread::Builder::new().spawn(move || drop(File::from(to).write_all(&input)));
    writing.map_err(io_failed)?;
    let input = Some(File::from(from));
    let own_group = terminal().is_none();
    end(Task { program, input, output: StdoutTo::Piped, variables, own_group }, most, limits)
}

fn capture_up_to(
    program: &Program,
    input: Option<File>,
    own_group: bool,
    most: usize,
    limits: &Limits,
) -> Result<(Ending, Zeroizing<Vec<u8>>), DrainError> {
    let variables = Vec::new();
    end(Task { program, input, output: StdoutTo::Piped, variables, own_group }, most, limits)
}

/// Runs the command to its end, or kills it.
fn end(task: Task<'_>, most: usize, limits: &Limits) -> Result<(Ending, Zeroizing<Vec<u8>>), DrainError> {
    let mut running = task.start().map_err(|error| DrainError::Start(errno_of(&error)))?;
    match read(&mut running, most, limits) {
        Ok(printed) => Ok((running.wait().map_err(io_failed)?, printed)),
        Err(error) => {
            running.kill().map_err(io_failed)?;
            Err(error)
        }
    }
}

fn io_failed(error: io::Error) -> DrainError {
    DrainError::Io(errno_of(&error))
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::NOENT)
}

fn read(running: &mut Running, most: usize, limits: &Limits) -> Result<Zeroizing<Vec<u8>>, DrainError> {
    let stdout = running.output().ok_or(DrainError::Io(Errno::BADF))?;
    drain::make_nonblocking(&stdout)?;
    let until = limits.until(limits.timeout);
    // Waits for the exit, not for the end of the pipe: a daemon that it started may keep that open for ever.
    Drain { from: stdout.as_fd(), done: Some(running.exited()), until, limits }.read_up_to(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::{Duration, Instant};

    fn run(line: &str) -> Result<Secret, Failure> {
        run_within(line, Duration::from_secs(30))
    }

    fn run_within(line: &str, timeout: Duration) -> Result<Secret, Failure> {
        secret(&Program::shell(line).unwrap(), "cmd", &Limits { timeout, ..Limits::default() })
    }

    #[test]
    fn what_a_command_prints_is_the_secret() {
        assert_eq!(run("echo pw").unwrap().expose(), b"pw");
        assert_eq!(run("printf 'pw\\r\\n'").unwrap().expose(), b"pw");
        assert_eq!(run("printf 'p w'").unwrap().expose(), b"p w");
        let words = Program::argv(vec!["printf".into(), "%s".into(), "$HOME; x".into()]).unwrap();
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
            assert_eq!(failure.kind(), Kind::Config, "{line}: {failure}");
            assert!(!failure.message.contains("S3C"), "{failure}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_named_with_what_to_do() {
        for name in ["/nonexistent/program", "no-such-program-anywhere"] {
            let words = Program::argv(vec![name.into(), "show".into()]).unwrap();
            let failure = secret(&words, "cmd", &Limits::default()).unwrap_err();
            assert_eq!(failure.kind(), Kind::Config, "{failure}");
            let expected = format!(
                "cmd: getting the secret: starting \"{name}\": No such file or directory (os error 2)"
            );
            assert_eq!(failure.message, expected);
            assert_eq!(failure.hint.as_deref(), Some(NOT_FOUND));
            let by_shell = run(&format!("{name} 2>/dev/null")).unwrap_err();
            assert_eq!(by_shell.hint.as_deref(), Some(NOT_FOUND), "{by_shell}");
        }
        let other = run("exit 126").unwrap_err();
        assert_ne!(other.hint.as_deref(), Some(NOT_FOUND), "{other}");
    }

    #[test]
    fn a_command_that_keeps_something_gets_it_and_gives_it_back_whole() {
        let dir = tempfile::tempdir().unwrap();
        let kept = dir.path().join("kept");
        let run = |line: &str, input: Option<&[u8]>| {
            keep(&Program::shell(line).unwrap(), input, "cmd", &Limits::default())
        };
        let octets = vec![b'x'; 60_000];
        assert!(run(&format!("cat > {}", kept.display()), Some(&octets)).unwrap().is_empty());
        assert_eq!(*run(&format!("cat {}", kept.display()), None).unwrap(), octets);
        assert!(run("true", Some(b"unread")).is_ok());
        let failure = run("exit 3", Some(b"S3CRET")).unwrap_err();
        assert_eq!(failure.message, "cmd: keeping the tokens: it failed with exit status 3");
        assert_eq!(failure.kind(), Kind::Config);
        assert!(run("cat > /dev/null", Some(&[0; 1 << 20])).is_err(), "more than a pipe holds");
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_all_it_started() {
        let marker = tempfile::tempdir().unwrap();
        let pid_file = marker.path().join("pid");
        let line = Program::shell(&format!("sleep 1000 & echo $! > {}; wait", pid_file.display())).unwrap();
        let limits = Limits { timeout: Duration::from_millis(500), ..Limits::default() };
        assert!(matches!(capture(&line, None, true, &limits), Err(DrainError::Timeout)));
        let pid: i32 = std::fs::read_to_string(pid_file).unwrap().trim().parse().unwrap();
        // SIGKILL was sent to it; it is gone, or about to be.
        let until = Instant::now() + Duration::from_secs(300);
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
        // The run has 30 s.
        assert_eq!(run("sleep 40 & echo pw").unwrap().expose(), b"pw");
    }

    #[test]
    fn the_time_of_the_whole_run_is_another_failure_than_a_hanging_command() {
        assert_eq!(run_within("sleep 1000", Duration::from_millis(50)).unwrap_err().kind(), Kind::Config);
        let end = Some(Instant::now() + Duration::from_millis(50));
        let limits = Limits { end, ..Limits::default() };
        let line = Program::shell("sleep 1000").unwrap();
        assert_eq!(secret(&line, "cmd", &limits).unwrap_err().kind(), Kind::Timeout);
    }
}
