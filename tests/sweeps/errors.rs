//! Calls that fail: every one of a run, with ENOSPC, EIO, EDQUOT, EINTR and EMFILE, once or (a full disk
//! stays full) from then on. File calls come first; then the network, processes and other calls to the
//! system, except memory, signal handling and random numbers, which the runtime cannot do without.
//!
//! Thinning: `--delete` with nothing before, and `--keep` with some messages known. Every sync fails with
//! ENOSPC and with EIO, every write with one of them, any other call with one of the five in turn, each
//! opening of a file with EINTR too, and every eighth call permanently if it makes or lengthens a file. A
//! call that is not about files fails with one of the five in turn, and every third of those that can be
//! interrupted is. By IMAP a fifteenth of these points, in a part of the scenes. `POSTIE_SWEEP=full`: every
//! policy, past, call and error.

use crate::judge::{Blow, assert_documented};
use crate::scene::{After, Destination, Past, Scene};
use crate::strace::{self, Call};
use crate::tally::{Met, Tally, full};

/// The calls by which files are made, found, read, written and locked.
pub const FILE_CALLS: [&str; 42] = [
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
/// The calls by which a run uses the network, starts commands and asks the system for other things.
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
/// The calls that a signal can interrupt. Not `close`: Linux frees the descriptor even if it returns EINTR,
/// but a call that strace fails does not, so a lock would stay that really is gone. Nor `connect`: after a
/// signal it continues, but one that strace fails never began.
pub const INTERRUPTIBLE: [&str; 23] = [
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
/// The calls that make or lengthen files, which fail on a full disk.
pub const GROWING: [&str; 13] = [
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
pub const ERRORS: [&str; 5] = ["ENOSPC", "EIO", "EDQUOT", "EINTR", "EMFILE"];

/// One call that fails.
struct Fault {
    scene: Scene,
    call: Call,
    error: &'static str,
    /// `+` if all calls of its name fail from there on.
    on: &'static str,
    /// Whether the run had not yet sent what makes the server delete.
    deletes_later: bool,
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
        let struck = strace::struck(&stage.world);
        let told = format!("{}\n{}\n{struck:?}", outcome.out(), outcome.err());
        assert_documented(outcome.code, &told);
        stage.judge_blow(Blow::Failed);
        if outcome.code == Some(0) {
            stage.judge_stored();
        }
        let is_own = !self.is_of_the_system() && !struck.iter().any(|call| is_of_the_system(call));
        if self.error == "EINTR" && self.call.is(&INTERRUPTIBLE) && is_own {
            assert_eq!(outcome.code, Some(self.scene.exit()), "an interrupted call is no failure\n{told}");
        } else if self.deletes_later && self.call.is(&SYNCS) {
            // The kernel has dropped what it could not write: nothing may rely on it.
            assert!(stage.is_untouched(), "deleted, though a sync had failed\n{told}");
            assert_ne!(outcome.code, Some(0), "a sync failed\n{told}");
        }
        stage.mend();
        Met::Hit
    }

    /// Whether it is a call of a library that reads the system's files, or one that never waits and so cannot
    /// be interrupted: `fcntl` on a pipe.
    fn is_of_the_system(&self) -> bool {
        is_of_the_system(&self.call.text)
            || (self.call.name == "fcntl" && !self.call.text.contains("F_SETLK"))
    }

    /// Whether a thinned sweep has it; `at` is the index of its call in the scene.
    fn is_telling(&self, at: usize) -> bool {
        let writes = self.call.is(&["write", "pwrite64", "writev"]);
        match self.on {
            "+" => at.is_multiple_of(8) && self.error == ERRORS[(at / 8) % 2],
            _ if self.call.is(&SYNCS) => self.error == "ENOSPC" || self.error == "EIO",
            _ if self.call.is(&OTHER_CALLS) && self.call.is(&INTERRUPTIBLE) && at.is_multiple_of(3) => {
                self.error == "EINTR"
            }
            _ if writes => self.error == ERRORS[at % 2],
            // Interruptions are most easily overlooked when a file is opened.
            _ if self.call.is(&["open", "openat"]) && self.error == "EINTR" => !self.is_of_the_system(),
            _ => self.error == ERRORS[at % ERRORS.len()],
        }
    }
}

/// Whether a call reads one of the system's files.
pub fn is_of_the_system(call: &str) -> bool {
    ["/etc/", "/proc/", "/usr/", "/lib/"].iter().any(|dir| call.contains(dir))
}

/// All faults of a scene at these calls, each with the index of its call.
fn faults(scene: Scene, names: &[&str]) -> Vec<(usize, Fault)> {
    let stage = scene.stage();
    let calls = strace::record(&stage, stage.fetch());
    let deletes = calls.iter().position(|call| call.text.contains(scene.deletes_by()));
    let deletes = deletes.expect("every session says so, or ends");
    let own = calls.into_iter().enumerate().filter(|(_, call)| call.own && call.is(names));
    let mut faults = Vec::new();
    for (at, (place, call)) in own.enumerate() {
        for error in ERRORS {
            for on in ["", "+"] {
                let for_good = call.is(&GROWING) && error != "EINTR";
                if on.is_empty() || for_good {
                    let (call, scene) = (call.clone(), scene.at(faults.len()));
                    faults.push((at, Fault { scene, call, error, on, deletes_later: place < deletes }));
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

/// A fault and the index of its call.
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
        sweep(&mut tally, scene, names, 1);
    }
    tally.end();
}

/// Sweeps a scene; unless the sweep is full, every `step`th of the significant points is tried.
fn sweep(tally: &mut Tally, scene: Scene, names: &[&str], step: usize) {
    let faults: Vec<Placed> = faults(scene, names).into_iter().map(Placed).collect();
    let is_telling = |index: &usize| faults[*index].0.1.is_telling(faults[*index].0.0);
    let telling: Vec<usize> = (0..faults.len()).filter(is_telling).collect();
    let chosen =
        |index: usize, _: &Placed| telling.binary_search(&index).is_ok_and(|place| place % step == 0);
    tally.sweep(&faults, chosen, |Placed((_, fault))| fault.play());
}

#[test]
fn a_failed_file_call_loses_nothing_in_a_maildir() {
    sweep_all("error sweep, Maildir", Destination::Maildir, &FILE_CALLS);
}

#[test]
fn a_failed_file_call_loses_nothing_in_an_mbox() {
    sweep_all("error sweep, mbox", Destination::Mbox, &FILE_CALLS);
}

#[test]
fn a_failed_file_call_loses_no_large_message_in_an_mbox() {
    sweep_all("error sweep, large message to mbox", Destination::Streamed, &FILE_CALLS);
}

#[test]
fn a_failed_file_call_loses_nothing_for_a_command() {
    sweep_all("error sweep, --exec", Destination::Exec, &FILE_CALLS);
}

#[test]
fn a_failed_call_of_another_kind_loses_nothing() {
    for (name, to) in [
        ("error sweep, other calls, Maildir", Destination::Maildir),
        ("error sweep, other calls, mbox", Destination::Mbox),
        ("error sweep, other calls, --exec", Destination::Exec),
    ] {
        sweep_all(name, to, &OTHER_CALLS);
    }
}

#[test]
fn a_failed_call_loses_nothing_when_fetching_by_imap() {
    for (name, to, names, step) in [
        ("error sweep, IMAP, Maildir", Destination::Maildir, &FILE_CALLS[..], 17),
        ("error sweep, IMAP, mbox", Destination::Mbox, &FILE_CALLS, 17),
        ("error sweep, IMAP, other calls, Maildir", Destination::Maildir, &OTHER_CALLS, 11),
        ("error sweep, IMAP, other calls, mbox", Destination::Mbox, &OTHER_CALLS, 11),
    ] {
        if !strace::can(name) {
            continue;
        }
        let mut tally = Tally::new(name);
        let mut scenes = Scene::imap(to, full());
        if full() {
            scenes.extend(Scene::moving(to));
            scenes.extend(Scene::two_folders().into_iter().filter(|scene| scene.to == to));
        }
        scenes.into_iter().for_each(|scene| sweep(&mut tally, scene, names, step));
        tally.end();
    }
}
