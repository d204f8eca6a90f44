//! Layer 1: runs the user's programs, to get a secret or to give them a message.
//!
//! A program inherits only the descriptors 0 to 2 and no environment variable with a secret in it. Its standard
//! input is `/dev/null` unless it is given another. Its end is noticed whatever signals postie's parent ignored or
//! blocked ([`prepare_signals`]).

use close_fds::set_fds_cloexec;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

mod signals;

pub use signals::{prepare_signals, signals_to_stop};

/// The shell (`sh` of POSIX) for command lines.
const SHELL: &str = "/bin/sh";

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A line for `sh -c`.
    Shell(String),
    /// A program and its arguments.
    Argv(Vec<String>),
}

impl Program {
    /// A line for the shell; refuses an empty one, and NUL.
    pub fn shell(line: &str) -> Result<Program, String> {
        if line.trim().is_empty() {
            return Err("the command is empty".into());
        }
        if line.contains('\0') {
            return Err("the command has a NUL in it".into());
        }
        Ok(Program::Shell(line.to_owned()))
    }

    /// A program and its arguments; refuses an empty name, and NUL.
    pub fn argv(words: Vec<String>) -> Result<Program, String> {
        if words.first().is_none_or(String::is_empty) {
            return Err("the command is empty".into());
        }
        if words.iter().any(|word| word.contains('\0')) {
            return Err("the command has a NUL in it".into());
        }
        Ok(Program::Argv(words))
    }

    /// The file that is executed, as the user named it.
    pub fn file(&self) -> &Path {
        Path::new(match self {
            Program::Shell(_) => SHELL,
            Program::Argv(words) => words.first().map_or("", String::as_str),
        })
    }

    /// Whether the file exists, looked up as the system will do it.
    pub fn is_there(&self) -> bool {
        let file = self.file();
        if file.as_os_str().as_encoded_bytes().contains(&b'/') {
            return file.exists();
        }
        let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        !file.as_os_str().is_empty() && std::env::split_paths(&path).any(|dir| dir.join(file).is_file())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.file());
        match self {
            Program::Shell(line) => command.arg("-c").arg(line),
            Program::Argv(words) => command.args(words.iter().skip(1)),
        };
        command
    }
}

/// The environment variables with a secret in them. Global, like the environment.
static SECRET_VARIABLES: Mutex<BTreeSet<OsString>> = Mutex::new(BTreeSet::new());

/// From now on no program gets this variable, because it has a secret in it.
pub fn conceal(variable: impl AsRef<OsStr>) {
    let mut secret = SECRET_VARIABLES.lock().unwrap_or_else(PoisonError::into_inner);
    secret.insert(variable.as_ref().to_owned());
}

/// Where a program's standard output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdoutTo {
    /// To the caller, by [`Running::output`].
    Piped,
    /// To postie's standard output.
    Stdout,
    /// To postie's standard error, if standard output is needed for something else.
    Stderr,
    /// To nobody, and its standard error neither.
    Nowhere,
}

/// A program about to be started.
#[derive(Debug)]
pub struct Task<'a> {
    pub program: &'a Program,
    /// Its standard input; `None`: empty.
    pub input: Option<File>,
    pub output: StdoutTo,
    /// Variables in addition to postie's environment.
    pub variables: Vec<(&'static str, OsString)>,
    /// Whether it gets a process group of its own, so that it can be ended together with all it has started. Not
    /// for a program that asks on the terminal: a background group would be stopped (SIGTTIN).
    pub own_group: bool,
}

impl Task<'_> {
    pub fn start(self) -> io::Result<Running> {
        let mut command = self.program.command();
        command.stdin(match self.input {
            Some(file) => Stdio::from(file),
            None => nothing()?,
        });
        match self.output {
            StdoutTo::Piped => drop(command.stdout(Stdio::piped())),
            StdoutTo::Stdout => {}
            StdoutTo::Stderr => drop(command.stdout(io::stderr())),
            StdoutTo::Nowhere => drop(command.stdout(Stdio::null()).stderr(Stdio::null())),
        }
        for variable in SECRET_VARIABLES.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            command.env_remove(variable);
        }
        for variable in ["POSTIE_PASSWORD", "POSTIE_OAUTH_REFRESH_TOKEN", "POSTIE_OAUTH_CLIENT_SECRET"] {
            command.env_remove(variable);
        }
        command.envs(self.variables);
        if self.own_group {
            command.process_group(0);
        }
        // postie's own descriptors close by themselves, but not those that its parent left open.
        set_fds_cloexec(3, &[]);
        let (exited, exit) = pipe_with(PipeFlags::CLOEXEC)?;
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let running = Running { child, pid, own_group: self.own_group, exited };
        match thread::Builder::new().spawn(move || announce_exit(pid, exit)) {
            Ok(_) => Ok(running),
            Err(error) => {
                // Without the watching thread it would seem to have ended already.
                running.kill()?;
                Err(error)
            }
        }
    }
}

/// An empty standard input, even without `/dev`.
fn nothing() -> io::Result<Stdio> {
    match File::open("/dev/null") {
        Ok(null) => Ok(null.into()),
        Err(_) => Ok(pipe_with(PipeFlags::CLOEXEC)?.0.into()),
    }
}

/// Waits for the end of a child without reaping it, then closes `exit`.
fn announce_exit(child: Pid, exit: OwnedFd) {
    let ended = || waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    while matches!(ended(), Err(Errno::INTR)) {}
    drop(exit);
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Status(i32),
    Signal(i32),
}

/// A program that was started. The owner must end it, or wait for its end.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pid: Pid,
    own_group: bool,
    exited: OwnedFd,
}

impl Running {
    /// Its standard output, if that is [`StdoutTo::Piped`]; to be called once.
    pub fn output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Becomes readable when the program has ended. Its output may stay open longer: a daemon that it started may
    /// keep it open for ever.
    pub fn exited(&self) -> BorrowedFd<'_> {
        self.exited.as_fd()
    }

    /// Waits for at most `time`; returns whether it has ended. A signal ends the wait, too.
    pub fn ends_within(&self, time: Duration) -> bool {
        let time = Timespec::try_from(time).ok();
        let mut wait = [PollFd::new(&self.exited, PollFlags::IN)];
        poll(&mut wait, time.as_ref()).is_ok_and(|ready| ready > 0)
    }

    pub fn wait(mut self) -> io::Result<Ending> {
        let status = self.child.wait()?;
        // A status is either an exit code or a signal.
        Ok(match (status.code(), status.signal()) {
            (Some(code), _) => Ending::Status(code),
            (None, signal) => Ending::Signal(signal.unwrap_or_default()),
        })
    }

    /// Ends it at once, together with its process group if it has one.
    pub fn kill(self) -> io::Result<Ending> {
        self.signal(Signal::KILL);
        self.wait()
    }

    /// Ends it, together with its process group if it has one: by SIGTERM, and after `grace` by SIGKILL.
    pub fn end(self, grace: Duration) -> io::Result<Ending> {
        self.signal(Signal::TERM);
        self.ends_within(grace);
        self.kill()
    }

    /// The process may have ended, but it was not reaped yet, so its number cannot belong to another one.
    fn signal(&self, signal: Signal) {
        let _ = if self.own_group {
            kill_process_group(self.pid, signal)
        } else {
            kill_process(self.pid, signal)
        };
    }
}

#[cfg(test)]
mod tests;
