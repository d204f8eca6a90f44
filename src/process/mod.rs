//! Layer 1: programs that the user has postie run, for a secret or with a message.
//!
//! Each begins in the same way: no descriptor but 0 to 2 and no variable that holds a secret goes
//! with it, `/dev/null` is its standard input unless it is given another, and its end is seen whatever
//! signals postie's parent ignored or blocked ([`prepare_signals`]).

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

pub use signals::prepare_signals;

/// The shell (`sh` of POSIX) that lines are given to.
const SHELL: &str = "/bin/sh";

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// A line for `sh -c`.
    Shell(String),
    /// A program and its arguments.
    Argv(Vec<String>),
}

impl Program {
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

    /// The file that is executed, as the user named it.
    pub fn file(&self) -> &Path {
        Path::new(match self {
            Program::Shell(_) => SHELL,
            Program::Argv(words) => words.first().map_or("", String::as_str),
        })
    }

    /// Whether the file can be found, as the system will look for it.
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

/// The variables of the environment that hold a secret. The environment is the process's, and so is this.
static SECRET_VARIABLES: Mutex<BTreeSet<OsString>> = Mutex::new(BTreeSet::new());

/// Keeps a variable from every program that is started from now on: it holds a secret.
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
    /// To postie's standard error, where standard output is for something else.
    Stderr,
}

/// A program about to be started.
#[derive(Debug)]
pub struct Task<'a> {
    /// What is run.
    pub program: &'a Program,
    /// What it reads; nothing where there is none.
    pub input: Option<File>,
    /// Where its standard output goes.
    pub output: StdoutTo,
    /// Variables beside those of postie's own environment.
    pub variables: Vec<(&'static str, OsString)>,
    /// Whether it is a process group of its own, so that it can be ended with all it has started. One that
    /// asks on the terminal must not be: a background group would be stopped (SIGTTIN).
    pub own_group: bool,
}

impl Task<'_> {
    /// Starts it.
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
        }
        for variable in SECRET_VARIABLES.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            command.env_remove(variable);
        }
        command.env_remove("POSTIE_PASSWORD").envs(self.variables);
        if self.own_group {
            command.process_group(0);
        }
        // postie's own descriptors close by themselves; those that its parent has left open do not.
        set_fds_cloexec(3, &[]);
        let (exited, exit) = pipe_with(PipeFlags::CLOEXEC)?;
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let running = Running { child, pid, own_group: self.own_group, exited };
        match thread::Builder::new().spawn(move || announce_exit(pid, exit)) {
            Ok(_) => Ok(running),
            Err(error) => {
                // Without the watch its end would seem to have come already.
                running.kill()?;
                Err(error)
            }
        }
    }
}

/// An empty standard input; one without `/dev/null` where there is no `/dev`.
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
    /// With this exit status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

/// A program that was started. Its owner ends it or waits for its end.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pid: Pid,
    own_group: bool,
    exited: OwnedFd,
}

impl Running {
    /// What it writes, where that is piped: once.
    pub fn output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Becomes readable when it has ended. Its output may stay open beyond that: a daemon that it started
    /// may hold it for ever.
    pub fn exited(&self) -> BorrowedFd<'_> {
        self.exited.as_fd()
    }

    /// Whether it ends within `time`. An interrupted wait counts as one that is over.
    pub fn ends_within(&self, time: Duration) -> bool {
        let time = Timespec::try_from(time).ok();
        let mut wait = [PollFd::new(&self.exited, PollFlags::IN)];
        poll(&mut wait, time.as_ref()).is_ok_and(|ready| ready > 0)
    }

    /// Waits for its end.
    pub fn wait(mut self) -> io::Result<Ending> {
        let status = self.child.wait()?;
        // A status without a signal is that of an exit.
        Ok(match (status.code(), status.signal()) {
            (Some(code), _) => Ending::Status(code),
            (None, signal) => Ending::Signal(signal.unwrap_or_default()),
        })
    }

    /// Ends it at once, with its group where it has one.
    pub fn kill(self) -> io::Result<Ending> {
        self.signal(Signal::KILL);
        self.wait()
    }

    /// Ends it, with its group where it has one: asks first, and insists after `grace`.
    pub fn end(self, grace: Duration) -> io::Result<Ending> {
        self.signal(Signal::TERM);
        self.ends_within(grace);
        self.kill()
    }

    /// It may be gone already; it cannot be another process, as nobody has reaped it yet.
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
