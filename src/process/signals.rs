//! Which signals ask postie to stop, and the signal settings that a process inherits from its parent.

use nix::sys::signal::SigSet;
use signal_hook::consts::{SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// To be called before any thread is started. If the parent blocked signals, they would never arrive; if it ignored
/// SIGCHLD, the system would throw away exit statuses (`wait(2)`, POSIX "SA_NOCLDWAIT"), and every program that
/// postie starts would seem to have failed.
pub fn prepare_signals() -> io::Result<()> {
    SigSet::all().thread_unblock()?;
    // Any handler will do; programs that are started get the default again.
    signal_hook::flag::register(SIGCHLD, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}

/// These end postie, whoever sends them and whatever the parent ignored.
const ALWAYS: [i32; 2] = [SIGINT, SIGTERM];

/// These do unless the parent ignored them, as `nohup` does (SIGHUP), and a shell for what runs in the background of a
/// script (SIGQUIT).
const UNLESS_IGNORED: [i32; 6] = [SIGHUP, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU];

/// The signals that ask postie to stop: those that would end it at once and that others send to end a program. To be
/// called before any of them is handled.
pub fn signals_to_stop() -> Vec<i32> {
    // Without /proc nobody can say what is ignored, and a handler would end a run that nohup protects.
    let ignored = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| ignored(&status));
    let ignored = ignored.unwrap_or(u64::MAX);
    let optional = UNLESS_IGNORED.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    ALWAYS.into_iter().chain(optional).collect()
}

/// The ignored signals in `/proc/PID/status` (`proc(5)`, "SigIgn"): bit 0 is signal 1.
fn ignored(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read_from_the_status_of_the_process() {
        let status = "Name:\tpostie\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\nSigCgt:\t00\n";
        assert_eq!(ignored(status), Some(1 | 1 << 12), "SIGHUP and SIGPIPE");
        for bad in ["", "SigIgn:\t", "SigIgn:\txyz\n", "SigBlk:\t0000000000000001\n"] {
            assert_eq!(ignored(bad), None, "{bad:?}");
        }
    }
}
