//! Runs a program within a time limit, and returns its output.

use super::peer::Victim;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, WaitId, WaitIdOptions};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The signals that end postie in order: as `kill`, a terminal, a shell and the system send them. Without those that this
/// process ignores (`nohup cargo test`), because postie would too.
pub fn ending_signals() -> Vec<Signal> {
    let always = [Signal::INT, Signal::TERM];
    let others = [Signal::HUP, Signal::QUIT, Signal::ALARM, Signal::USR1, Signal::USR2, Signal::XCPU];
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.map_or(u64::MAX, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
    let (ignored, heeded): (Vec<Signal>, Vec<Signal>) =
        others.into_iter().partition(|signal| ignored >> (signal.as_raw() - 1) & 1 == 1);
    if !ignored.is_empty() {
        // Not by the macros, whose output the test harness hides.
        let _ = writeln!(std::io::stderr(), "SKIPPED: signals that this process ignores: {ignored:?}");
    }
    always.into_iter().chain(heeded).collect()
}

/// How long a run may take. No run takes as long on the slowest machine: only one that waits for something
/// that does not come. So a test that shows that a run does not wait for `--timeout` gives it an hour, and needs
/// no clock.
const LIMIT: Duration = Duration::from_secs(600);

/// A program about to run; its environment has only what is set here.
pub struct Run {
    command: Command,
    stdin: Vec<u8>,
    pieces: Vec<usize>,
    left_open: Option<Meanwhile>,
    nonblocking: bool,
    stdout: Option<File>,
    limit: Duration,
    victim: Option<Victim>,
}

/// What happens when the program waits for more input than it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    /// Nothing at all.
    Nothing,
    /// The same octets come again and again.
    Flood,
    /// The program gets this signal.
    Signal(Signal),
}

/// The result of a run.
pub struct Outcome {
    /// The exit status, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its standard output, unless that was redirected.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// How long it took.
    pub elapsed: Duration,
    /// The processor time that it and its children used: much the same on an idle machine and on a busy one.
    pub processor: Duration,
}

impl Run {
    /// `program`, with nothing on standard input.
    pub fn new(program: impl AsRef<OsStr>) -> Run {
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Run {
            command,
            stdin: Vec::new(),
            pieces: Vec::new(),
            left_open: None,
            nonblocking: false,
            stdout: None,
            limit: LIMIT,
            victim: None,
        }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Run {
        self.command.arg(arg);
        self
    }

    /// More arguments.
    pub fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Run {
        self.command.args(args);
        self
    }

    /// One more variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    /// One variable less.
    pub fn env_remove(mut self, name: &str) -> Run {
        self.command.env_remove(name);
        self
    }

    /// Its working directory.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Run {
        self.command.current_dir(dir.into());
        self
    }

    /// Its standard input.
    pub fn stdin(mut self, octets: impl AsRef<[u8]>) -> Run {
        self.stdin = octets.as_ref().to_vec();
        self
    }

    /// The lengths of the pieces of its input. Each piece is written once the one before was read; the rest
    /// comes at once.
    pub fn pieces(mut self, lengths: Vec<usize>) -> Run {
        self.pieces = lengths;
        self
    }

    /// Its standard input does not end; `then` happens once it has read everything.
    pub fn left_open(mut self, meanwhile: Meanwhile) -> Run {
        self.left_open = Some(meanwhile);
        self
    }

    /// Its standard streams are non-blocking, and they are read slowly.
    pub fn nonblocking(mut self) -> Run {
        self.nonblocking = true;
        self
    }

    /// Redirects its output.
    pub fn stdout(mut self, file: File) -> Run {
        self.stdout = Some(file);
        self
    }

    /// How long it may take before the test fails.
    pub fn limit(mut self, limit: Duration) -> Run {
        self.limit = limit;
        self
    }

    /// A server's script may kill it.
    pub fn victim(mut self, victim: Victim) -> Run {
        self.victim = Some(victim);
        self
    }

    /// The same run under a shell's prelude (`ulimit -f 4`, for example), which `exec`s it.
    pub fn under_shell(self, prelude: &str) -> Run {
        let mut words: Vec<OsString> = vec![self.command.get_program().to_owned()];
        words.extend(self.command.get_args().map(OsStr::to_owned));
        let mut run =
            Run::new("/bin/sh").arg("-c").arg(format!("{prelude}; exec \"$@\"")).arg("sh").args(words);
        for (name, value) in self.command.get_envs() {
            if let Some(value) = value {
                run.command.env(name, value);
            }
        }
        if let Some(dir) = self.command.get_current_dir() {
            run.command.current_dir(dir);
        }
        let Run { stdin, pieces, left_open, nonblocking, stdout, limit, victim, .. } = self;
        Run { stdin, pieces, left_open, nonblocking, stdout, limit, victim, ..run }
    }

    /// Small pipes for its standard streams, non-blocking on its side; returns the other ends.
    fn slow_pipes(&mut self) -> (Option<File>, Option<File>, Option<File>) {
        let pipe = || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let own = |end: OwnedFd| {
            rustix::pipe::fcntl_setpipe_size(&end, 4096).unwrap();
            rustix::io::ioctl_fionbio(&end, true).unwrap();
            Stdio::from(end)
        };
        let ((input, feeds), (output, out), (errors, err)) = (pipe(), pipe(), pipe());
        self.command.stdin(own(input)).stdout(own(out)).stderr(own(err));
        (Some(feeds.into()), Some(output.into()), Some(errors.into()))
    }

    /// Starts it alone, with pipes for its standard streams.
    #[track_caller]
    pub fn spawn(mut self) -> Child {
        self.command.spawn().unwrap_or_else(|e| panic!("{:?}: {e}", self.command))
    }

    /// Runs it. Fails the test if it does not end in time.
    #[track_caller]
    pub fn run(mut self) -> Outcome {
        if let Some(file) = self.stdout.take() {
            self.command.stdout(file);
        }
        let begun = Instant::now();
        let (input, output, errors) = if self.nonblocking { self.slow_pipes() } else { (None, None, None) };
        let mut child = self.command.spawn().unwrap_or_else(|e| panic!("{:?}: {e}", self.command));
        // Only the program has its ends of the pipes now.
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = child.id();
        if let Some(victim) = &self.victim {
            victim.set(process);
        }
        let input = input.or_else(|| child.stdin.take().map(|pipe| OwnedFd::from(pipe).into())).unwrap();
        let (octets, pieces, meanwhile) = (self.stdin, self.pieces, self.left_open);
        // A program need not read its input.
        thread::spawn(move || feed(input, &octets, &pieces, meanwhile.map(|meanwhile| (meanwhile, process))));
        let slow = self.nonblocking;
        let reader = |pipe: Option<File>| {
            let (sender, receiver) = mpsc::channel();
            thread::spawn(move || {
                let mut octets = Vec::new();
                let read = pipe.map(|pipe| take(pipe, slow, &mut octets));
                let _ = (read, sender.send(octets));
            });
            receiver
        };
        let stdout = output.or_else(|| child.stdout.take().map(|pipe| OwnedFd::from(pipe).into()));
        let stderr = errors.or_else(|| child.stderr.take().map(|pipe| OwnedFd::from(pipe).into()));
        let (stdout, stderr) = (reader(stdout), reader(stderr));
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            let processor = processor_time(process);
            sender.send((child.wait(), processor))
        });
        let (status, processor) = match ended.recv_timeout(self.limit) {
            Ok((status, processor)) => (status.unwrap(), processor),
            Err(_) => {
                let process = rustix::process::Pid::from_raw(process as i32).unwrap();
                let _ = rustix::process::kill_process(process, Signal::KILL);
                let stderr = stderr.recv_timeout(Duration::from_secs(60)).unwrap_or_default();
                panic!(
                    "{:?} did not end within {:?}; on stderr:\n{}",
                    self.command,
                    self.limit,
                    String::from_utf8_lossy(&stderr)
                );
            }
        };
        let elapsed = begun.elapsed();
        // A process that it left would hold the pipes open: that must not block the test either.
        let rest = |pipe: mpsc::Receiver<Vec<u8>>| {
            pipe.recv_timeout(LIMIT).expect("a process left behind holds the output open")
        };
        Outcome {
            code: status.code(),
            signal: status.signal(),
            stdout: rest(stdout),
            stderr: rest(stderr),
            elapsed,
            processor,
        }
    }
}

/// Waits until a process has ended, and returns the processor time that it and its children have used.
fn processor_time(process: u32) -> Duration {
    let pid = rustix::process::Pid::from_raw(process as i32).unwrap();
    let how = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let _ = rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(pid), how));
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The fields behind the name: proc(5), utime, stime, cutime and cstime.
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields.skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

/// Writes octets to a program in pieces of these lengths, each once the program has read all before it; the
/// rest at once. What happens then may be more than the end.
fn feed(
    mut input: File,
    octets: &[u8],
    pieces: &[usize],
    then: Option<(Meanwhile, u32)>,
) -> std::io::Result<()> {
    let mut rest = octets;
    for length in pieces {
        let (piece, behind) = rest.split_at((*length).min(rest.len()));
        input.write_all(piece)?;
        rest = behind;
        if !drained(&input)? {
            return Ok(());
        }
    }
    input.write_all(rest)?;
    let Some((meanwhile, process)) = then else { return Ok(()) };
    if drained(&input)? {
        match meanwhile {
            Meanwhile::Nothing => {}
            Meanwhile::Flood => loop {
                input.write_all(octets)?;
            },
            Meanwhile::Signal(signal) => {
                // Before that, a signal that the parent ignores would be lost, and any other end the program unheard.
                while !heeds(process, signal) && drained(&input)? {
                    thread::sleep(Duration::from_millis(1));
                }
                let process = rustix::process::Pid::from_raw(process as i32).unwrap();
                rustix::process::kill_process(process, signal)?;
            }
        }
        // An error is what a pipe without a reader has.
        poll(&mut [PollFd::new(&input, PollFlags::empty())], None)?;
    }
    Ok(())
}

/// Whether a process has a handler for a signal (proc(5), SigCgt).
fn heeds(process: u32, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

/// Waits until everything in a pipe was read; `false` if it has no reader any more.
fn drained(input: &File) -> std::io::Result<bool> {
    while rustix::io::ioctl_fionread(input)? > 0 {
        let moment = Timespec { tv_sec: 0, tv_nsec: 20_000 };
        if poll(&mut [PollFd::new(input, PollFlags::empty())], Some(&moment))? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a pipe to its end, slowly if asked to.
fn take(mut pipe: File, slow: bool, into: &mut Vec<u8>) -> std::io::Result<()> {
    if !slow {
        return pipe.read_to_end(into).map(|_| ());
    }
    let mut block = [0; 1500];
    while let count @ 1.. = pipe.read(&mut block)? {
        into.extend_from_slice(&block[..count]);
        // The writer must find the pipe full.
        poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 2_000_000 }))?;
    }
    Ok(())
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (out, err) = (self.out(), self.err());
        writeln!(f, "exit {:?}, signal {:?}, after {:?}", self.code, self.signal, self.elapsed)?;
        write!(f, "stdout:\n{out}\nstderr:\n{err}")
    }
}

impl Outcome {
    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Fails unless the exit status is this one. What every run owes (no panic, a `summary` at the end of
    /// JSON, an `error` line for every failure) is checked by the way.
    #[track_caller]
    pub fn assert_exit(&self, code: i32) -> &Outcome {
        assert_eq!(
            self.code,
            Some(code),
            "exit status (signal {:?})\nstdout:\n{}\nstderr:\n{}",
            self.signal,
            self.out(),
            self.err()
        );
        self
    }

    /// The lines of JSON on standard output. Anything else there fails the test.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.stdout).expect("JSON is UTF-8");
        assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end: {text:?}");
        let line = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert_eq!(value["v"], 1, "{line}");
            assert!(value["type"].is_string(), "{line}");
            let unknown = postie::output::fields::unknown(&value);
            assert!(unknown.is_empty(), "not in src/output/fields/, so in no manual: {unknown:?}");
            value
        };
        text.lines().map(line).collect()
    }

    /// The JSON lines of one type.
    #[track_caller]
    pub fn of_type(&self, kind: &str) -> Vec<Value> {
        self.json().into_iter().filter(|line| line["type"] == kind).collect()
    }

    /// The summary, which is the last line.
    #[track_caller]
    pub fn summary(&self) -> Value {
        let last = self.json().pop().unwrap_or_else(|| panic!("no JSON at all; stderr:\n{}", self.err()));
        assert_eq!(last["type"], "summary", "the last line");
        assert_eq!(self.of_type("summary").len(), 1, "one summary:\n{}", self.out());
        if let Some(code) = self.code {
            assert_eq!(last["exit"], code, "the summary's exit");
        }
        last
    }

    /// The first error line; a run with another exit status than 0 must have one, whole.
    #[track_caller]
    pub fn error(&self) -> Value {
        let error = self.of_type("error").into_iter().next();
        let error =
            error.unwrap_or_else(|| panic!("no error line:\n{}\nstderr:\n{}", self.out(), self.err()));
        for (name, allowed) in [
            ("scope", &["message", "recipient", "session", "account"][..]),
            ("retry", &["never", "safe", "may_duplicate"][..]),
        ] {
            assert!(allowed.contains(&error[name].as_str().unwrap_or_default()), "{name} of {error}");
        }
        for name in ["kind", "stage", "message"] {
            assert!(error[name].as_str().is_some_and(|text| !text.is_empty()), "{name} of {error}");
        }
        assert!(error["exit"].is_u64(), "exit of {error}");
        error
    }

    /// Fails unless this failure was reported in full: exit status, error line with that exit and kind,
    /// summary.
    #[track_caller]
    pub fn assert_failure(&self, code: i32, kind: &str) -> Value {
        self.assert_exit(code);
        let error = self.error();
        assert_eq!(error["kind"], kind, "{error}");
        assert_eq!(error["exit"], code, "{error}");
        self.summary();
        error
    }
}

/// Copies a program that is run afterwards. Another process does it: what this one has open for writing, a child
/// that another test is starting at that moment holds open too, and such a file cannot be run (`ETXTBSY`).
#[track_caller]
pub fn copy_program(from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) {
    let outcome = Run::new("/bin/cp").arg("-p").arg(from).arg(to).run();
    assert_eq!(outcome.code, Some(0), "{}", outcome.err());
}

/// Reads a file that may not be there yet.
pub fn read_or_empty(path: &std::path::Path) -> String {
    let mut text = Vec::new();
    let _ = File::open(path).and_then(|mut file| file.read_to_end(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}
