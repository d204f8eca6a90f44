//! Calls that fail: every one of a run, with ENOSPC, EIO, EDQUOT, EINTR and EMFILE, once or (a disk that is
//! full stays full) from there on. Files first; then the network, processes and whatever else is asked of the
//! system, but memory, signal handling and random numbers, which the runtime does not do without.
//!
//! Thinning: `--delete` with nothing before and `--keep` with some messages known; every sync fails with
//! ENOSPC and with EIO, every write with one of them, any other call with one of the five in turn, each
//! opening of a file with EINTR too, every eighth call for good if it makes or lengthens a file. What is no
//! file call fails with one of the five in turn, and every third of it that can be interrupted is.
//! `POSTIE_SWEEP=full`: every policy, past, call and error.

use crate::judge::{Blow, assert_documented};
use crate::scene::{After, Destination, Past, Scene};
use crate::strace::{self, Call};
use crate::tally::{Met, Tally, full};

/// The calls by which files are made, found, read, written and locked.
const FILE_CALLS: [&str; 42] = [
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "read",
    "pread64",
    "readv",
    "open",
    "openat",
    "creat",
    "fsync",
    "fdatasync",
    "syncfs",
    "sync_file_range",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "ftruncate",
    "fallocate",
    "mkdir",
    "mkdirat",
    "rmdir",
    "fcntl",
    "flock",
    "lseek",
    "fstat",
    "newfstatat",
    "stat",
    "lstat",
    "statx",
    "statfs",
    "fstatfs",
    "faccessat",
    "faccessat2",
    "fchmod",
    "getdents64",
    "close",
    "pipe2",
];
/// The calls by which a run talks to the server, starts commands and asks the system for this and that.
const OTHER_CALLS: [&str; 29] = [
    "poll",
    "ppoll",
    "recvfrom",
    "recvmsg",
    "sendto",
    "sendmsg",
    "socket",
    "connect",
    "shutdown",
    "setsockopt",
    "getsockopt",
    "getsockname",
    "getpeername",
    "ioctl",
    "dup",
    "dup2",
    "dup3",
    "clone",
    "clone3",
    "vfork",
    "pidfd_open",
    "wait4",
    "waitid",
    "setpgid",
    "getcwd",
    "sched_getaffinity",
    "umask",
    "access",
    "readlink",
];
const SYNCS: [&str; 3] = ["fsync", "fdatasync", "syncfs"];
/// The calls that a signal can interrupt. Not `close`: Linux frees the descriptor even where it says EINTR,
/// and a call that strace fails does not, so that a lock stays which in truth is gone.
/// Nor `connect`: a signal leaves it going on, and one that strace fails never began.
const INTERRUPTIBLE: [&str; 23] = [
    "write",
    "writev",
    "pwrite64",
    "read",
    "pread64",
    "open",
    "openat",
    "creat",
    "fsync",
    "fdatasync",
    "syncfs",
    "ftruncate",
    "fallocate",
    "flock",
    "fcntl",
    "poll",
    "ppoll",
    "recvfrom",
    "recvmsg",
    "sendto",
    "sendmsg",
    "wait4",
    "waitid",
];
/// The calls that make or lengthen files: those a full disk fails.
const GROWING: [&str; 13] = [
    "write",
    "writev",
    "pwrite64",
    "openat",
    "rename",
    "renameat2",
    "linkat",
    "mkdir",
    "mkdirat",
    "fallocate",
    "fsync",
    "fdatasync",
    "syncfs",
];
const ERRORS: [&str; 5] = ["ENOSPC", "EIO", "EDQUOT", "EINTR", "EMFILE"];

/// One call that fails.
struct Fault {
    scene: Scene,
    call: Call,
    error: &'static str,
    /// `+` where all of its name fail from there on.
    on: &'static str,
    /// Whether the run had not yet said QUIT.
    before_quit: bool,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}{} at {}", self.scene, self.error, self.on, self.call)
    }
}

impl Fault {
    fn play(&self) -> Met {
        let stage = self.scene.stage();
        let outcome =
            strace::fail_at(&stage, stage.fetch_within("5s", self.scene), (&self.call, self.error, self.on))
                .go();
        let told = format!("{}\n{}", outcome.out(), outcome.err());
        assert_documented(outcome.code, &told);
        stage.judge_blow(Blow::Failed);
        if outcome.code == Some(0) {
            stage.judge_stored();
        }
        if self.error == "EINTR" && self.call.is(&INTERRUPTIBLE) && !self.is_of_the_system() {
            assert_eq!(outcome.code, Some(0), "an interrupted call is no failure\n{told}");
        } else if self.before_quit && self.call.is(&SYNCS) {
            // The kernel has dropped what it could not write: nothing may rely on it.
            assert!(stage.mailbox.messages() == stage.all, "deleted, though a sync had failed\n{told}");
            assert_ne!(outcome.code, Some(0), "a sync failed\n{told}");
        }
        stage.mend();
        Met::Hit
    }

    /// Whether it is a library's, reading the system's files, or one that never waits and so cannot be
    /// interrupted: `fcntl` on a pipe.
    fn is_of_the_system(&self) -> bool {
        let text = &self.call.text;
        ["/etc/", "/proc/", "/usr/", "/lib/"].iter().any(|dir| text.contains(dir))
            || (self.call.name == "fcntl" && !text.contains("F_SETLK"))
    }

    /// Whether a thinned sweep has it; `at` is its call's place among those of the scene.
    fn is_telling(&self, at: usize) -> bool {
        let writes = self.call.is(&["write", "pwrite64", "writev"]);
        match self.on {
            "+" => at.is_multiple_of(8) && self.error == ERRORS[(at / 8) % 2],
            _ if self.call.is(&SYNCS) => self.error == "ENOSPC" || self.error == "EIO",
            _ if self.call.is(&OTHER_CALLS) && self.call.is(&INTERRUPTIBLE) && at.is_multiple_of(3) => {
                self.error == "EINTR"
            }
            _ if writes => self.error == ERRORS[at % 2],
            // Where a file is opened, an interruption is forgotten most easily.
            _ if self.call.is(&["open", "openat"]) && self.error == "EINTR" => !self.is_of_the_system(),
            _ => self.error == ERRORS[at % ERRORS.len()],
        }
    }
}

/// All faults of a scene at these calls, each with the place of its call.
fn faults(scene: Scene, names: &[&str]) -> Vec<(usize, Fault)> {
    let stage = scene.stage();
    let calls = strace::record(&stage, stage.fetch());
    let quit =
        calls.iter().position(|call| call.text.contains("QUIT\\r\\n")).expect("every session ends in QUIT");
    let own = calls.into_iter().enumerate().filter(|(_, call)| call.own && call.is(names));
    let mut faults = Vec::new();
    for (at, (place, call)) in own.enumerate() {
        for error in ERRORS {
            for on in ["", "+"] {
                let for_good = call.is(&GROWING) && error != "EINTR";
                if on.is_empty() || for_good {
                    let call = call.clone();
                    faults.push((at, Fault { scene, call, error, on, before_quit: place < quit }));
                }
            }
        }
    }
    faults
}

impl std::fmt::Display for Placed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.1.fmt(f)
    }
}

/// A fault and the place of its call.
struct Placed((usize, Fault));

fn sweep_all(name: &'static str, to: Destination, names: &[&str]) {
    if !strace::can(name) {
        return;
    }
    let mut tally = Tally::new(name);
    let mut scenes =
        vec![Scene::new(to, After::Delete, Past::None), Scene::new(to, After::Keep, Past::Known)];
    if full() {
        scenes = [Past::None, Past::Known]
            .into_iter()
            .flat_map(|past| After::ALL.map(|after| Scene::new(to, after, past)))
            .collect();
    }
    for scene in scenes {
        let faults: Vec<Placed> = faults(scene, names).into_iter().map(Placed).collect();
        tally.sweep(
            &faults,
            |_, Placed((at, fault))| fault.is_telling(*at),
            |Placed((_, fault))| fault.play(),
        );
    }
    tally.end();
}

#[test]
fn a_file_call_that_fails_costs_a_maildir_nothing() {
    sweep_all("error sweep, Maildir", Destination::Maildir, &FILE_CALLS);
}

#[test]
fn a_file_call_that_fails_costs_an_mbox_nothing() {
    sweep_all("error sweep, mbox", Destination::Mbox, &FILE_CALLS);
}

#[test]
fn a_file_call_that_fails_costs_a_large_message_in_an_mbox_nothing() {
    sweep_all("error sweep, large message to mbox", Destination::Streamed, &FILE_CALLS);
}

#[test]
fn a_file_call_that_fails_costs_a_command_nothing() {
    sweep_all("error sweep, --exec", Destination::Exec, &FILE_CALLS);
}

#[test]
fn a_call_that_fails_and_is_none_of_files_costs_nothing() {
    for (name, to) in [
        ("error sweep, other calls, Maildir", Destination::Maildir),
        ("error sweep, other calls, mbox", Destination::Mbox),
        ("error sweep, other calls, --exec", Destination::Exec),
    ] {
        sweep_all(name, to, &OTHER_CALLS);
    }
}
