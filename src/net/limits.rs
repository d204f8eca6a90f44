//! Time limits, and the request to stop.

use super::names::NameOverrides;
use rustix::fd::{AsFd, BorrowedFd};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The default of `--timeout`: the time for one network operation.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The limits of a run, or of one account's part in it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For one operation: connecting, a reply, the next part of a body ([`super::Allowance`]).
    pub timeout: Duration,
    /// When the whole run must be over (`--max-time`).
    pub end: Option<Instant>,
    pub stop: Stop,
    pub names: NameOverrides,
}

impl Limits {
    /// When an operation that begins now must be over: after `timeout`, but not after the end of the run.
    pub fn until(&self, timeout: Duration) -> Instant {
        let now = Instant::now();
        // If that is beyond what an Instant can hold, a year is long enough.
        let own = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(365 * 86_400));
        self.end.map_or(own, |end| own.min(end))
    }

    pub fn run_over(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { timeout: DEFAULT_TIMEOUT, end: None, stop: Stop::default(), names: NameOverrides::default() }
    }
}

/// A request to stop, made by a signal handler: a flag to check between steps, and a socket that becomes
/// readable, so that a wait in `poll` ends at once and no signal is lost between check and wait.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    signal: Arc<AtomicUsize>,
    /// One pair of sockets for all signals: where few descriptors are allowed, each counts.
    wake: Option<Arc<SignalDelivery<UnixStream, SignalOnly>>>,
}

impl Stop {
    /// From now on `signals` raise the returned flag instead of ending the process.
    pub fn on_signals(signals: &[i32]) -> io::Result<Stop> {
        let signal = Arc::new(AtomicUsize::new(0));
        let (wake, raise) = UnixStream::pair()?;
        // The flags come first: who is woken finds them raised.
        for number in signals {
            let value = usize::try_from(*number).map_err(io::Error::other)?;
            signal_hook::flag::register_usize(*number, Arc::clone(&signal), value)?;
        }
        let wake = SignalDelivery::with_pipe(wake, raise, SignalOnly, signals)?;
        Ok(Stop { signal, wake: Some(Arc::new(wake)) })
    }

    /// The signal that came, if one did.
    pub fn signal(&self) -> Option<i32> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }

    pub fn raised(&self) -> bool {
        self.signal().is_some()
    }

    /// The descriptor that becomes readable when a signal comes.
    pub fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.wake.as_ref().map(|wake| wake.get_read().as_fd())
    }
}
