//! Resets the signal settings that a process inherits from its parent.

use nix::sys::signal::SigSet;
use signal_hook::consts::SIGCHLD;
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
