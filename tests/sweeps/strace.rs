//! strace: which system calls a run makes, and stopping or failing any of them.

use crate::scene::{Destination, Stage};
use crate::support::process::Run;
use crate::support::real;
use crate::support::world::World;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs;

/// The calls that change something outside the process: after any other one, a killed run leaves the same as
/// one call earlier.
const CHANGING: [&str; 30] = [
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "sendto",
    "sendmsg",
    "connect",
    "shutdown",
    "open",
    "openat",
    "creat",
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "ftruncate",
    "fallocate",
    "copy_file_range",
    "flock",
    "fcntl",
    "clone",
    "clone3",
    "vfork",
    "fchmod",
];

/// What Rust's runtime does directly before `main`; everything earlier is the loader's.
const BEFORE_MAIN: &str = "SIGPIPE";

/// One system call of a run.
#[derive(Clone, Debug)]
pub struct Call {
    pub name: String,
    /// Its number among the calls of its name, from 1.
    pub n: usize,
    /// The call as strace shows it.
    pub text: String,
    /// Whether it is the program's own, and not the loader's.
    pub own: bool,
    /// Whether it comes directly after a call that changes something outside the process.
    pub fresh: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}: {}", self.name, self.n, self.text.chars().take(160).collect::<String>())
    }
}

impl Call {
    pub fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }

    /// Whether it changes something outside the process.
    fn changes(&self) -> bool {
        let opens = self.is(&["open", "openat"]) && !self.text.contains("O_CREAT");
        let asks =
            self.name == "fcntl" && !self.text.contains("F_SETLK") && !self.text.contains("F_OFD_SETLK");
        self.is(&CHANGING) && !opens && !asks && !self.text.contains("= -1 ")
    }
}

/// Whether runs can be traced here; if not, says so loudly.
#[track_caller]
pub fn can(test: &str) -> bool {
    real::have(test, &["strace"]) && {
        let strace = real::program("strace").unwrap();
        let works =
            Run::new(strace).args(["-qq", "-o", "/dev/null", "true"]).env("PATH", "/usr/bin:/bin").run();
        works.code == Some(0) || real::have(test, &["permission to trace"])
    }
}

/// What strace follows. The command of `--exec` is not postie, so its calls do not count.
fn follow(stage: &Stage) -> &'static str {
    if stage.scene.to == Destination::Exec { "" } else { "-f" }
}

/// Runs to the end, and returns all system calls in order.
#[track_caller]
pub fn record(stage: &Stage, run: Run) -> Vec<Call> {
    record_in(&stage.world, run, follow(stage), stage.scene.exit())
}

/// The same in any home; `follow`: the option by which strace follows threads.
#[track_caller]
pub fn record_in(world: &World, run: Run, follow: &str, exit: i32) -> Vec<Call> {
    let log = world.path("trace");
    let prelude = format!("exec strace {follow} -qq -y -s 512 -o {} \"$@\"", log.display());
    run.under_shell(&prelude).go().assert_exit(exit);
    let calls = parse(&String::from_utf8_lossy(&fs::read(&log).unwrap()));
    fs::remove_file(log).unwrap();
    assert!(calls.iter().filter(|call| call.own).count() > 50, "the trace is too short: {calls:#?}");
    calls
}

/// Reads strace's log. Each thread counts its own calls, and a call is stopped or failed in the thread that
/// reaches it first: of several calls with the same name and number only the first is a point.
fn parse(log: &str) -> Vec<Call> {
    let mut counts: HashMap<(String, String), usize> = HashMap::new();
    let (mut points, mut calls) = (HashSet::new(), Vec::new());
    let (mut own, mut changed) = (false, false);
    for (task, text) in log.lines().map(task_and_text) {
        let Some((name, _)) = text.split_once('(') else { continue };
        if name.is_empty() || !name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_') {
            continue;
        }
        let n = counts.entry((task.to_owned(), name.to_owned())).or_default();
        *n += 1;
        let call = Call { name: name.to_owned(), n: *n, text: text.to_owned(), own, fresh: own && changed };
        own |= call.name == "rt_sigaction" && text.contains(BEFORE_MAIN);
        let changes = call.changes();
        if points.insert((call.name.clone(), call.n)) {
            changed = false;
            calls.push(call);
        }
        changed |= changes;
    }
    calls
}

/// A line's thread, where strace names it, and the rest.
fn task_and_text(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    match line.split_once(' ') {
        Some((task, text)) if task.bytes().all(|octet| octet.is_ascii_digit()) => (task, text.trim_start()),
        _ => ("", line),
    }
}

/// The run, to be killed at the entry of a call.
pub fn kill_at(stage: &Stage, run: Run, call: &Call) -> Run {
    kill_by(run, call, follow(stage))
}

/// The same, where strace follows threads by this option.
pub fn kill_by(run: Run, call: &Call, follow: &str) -> Run {
    inject_into(run, (follow, "-o /dev/null"), &call.name, &format!("signal=KILL:when={}", call.n))
}

/// The run, in which a call fails: only the `n`th, or with `+` all from there on.
pub fn fail_at(stage: &Stage, run: Run, fault: (&Call, &str, &str)) -> Run {
    fail_in(&stage.world, run, follow(stage), fault)
}

/// The same in any home, where strace follows threads by this option.
pub fn fail_in(world: &World, run: Run, follow: &str, (call, error, on): (&Call, &str, &str)) -> Run {
    let what = format!("error={error}:when={}{on}", call.n);
    let log = format!("-y -o {}", world.path(STRUCK).display());
    inject_into(run, (follow, &log), &call.name, &what)
}

/// Where a run records which calls were made to fail.
const STRUCK: &str = "struck";

/// The calls that failed in the previous run. In another thread than in the recorded run, it may be another
/// call.
pub fn struck(world: &World) -> Vec<String> {
    let log = world.path(STRUCK);
    let Ok(text) = fs::read(&log) else { return Vec::new() };
    // It has everything that was read, the password too.
    fs::remove_file(log).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().filter(|line| line.ends_with("(INJECTED)")).map(str::to_owned).collect()
}

fn inject_into(run: Run, (follow, log): (&str, &str), name: &str, what: &str) -> Run {
    run.under_shell(&format!("exec strace {follow} -qq {log} -e trace={name} -e inject={name}:{what} \"$@\""))
}
