//! What a process inherits of its parent's ways with signals, put back to what a program expects.

use nix::sys::signal::SigSet;
use signal_hook::consts::SIGCHLD;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Undoes what a parent may have left behind, before any thread is started: signals that it blocked would
/// never arrive, and where it ignored SIGCHLD the system throws away how a child ended (`wait(2)`, POSIX
/// "SA_NOCLDWAIT"), so that everything postie starts would seem to have failed.
pub fn prepare_signals() -> io::Result<()> {
    SigSet::all().thread_unblock()?;
    // Any handler will do; a program that is started has the default again.
    signal_hook::flag::register(SIGCHLD, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}
