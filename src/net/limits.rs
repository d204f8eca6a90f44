//! How long things may take, and the wish to stop.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The time for one network operation where the user names none (DESIGN: `--timeout`).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The bounds of one run, or of one account's part in it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// For one operation: connecting, one reply, or the going on of a body ([`super::Allowance`]).
    pub timeout: Duration,
    /// For the whole run.
    pub end: Option<Instant>,
    /// Set by a signal.
    pub stop: Stop,
}

impl Limits {
    /// When an operation that begins now and may take `timeout` must be over.
    pub fn until(&self, timeout: Duration) -> Instant {
        let now = Instant::now();
        // An instant that the clock cannot hold: a year is long enough.
        let own = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(365 * 86_400));
        self.end.map_or(own, |end| own.min(end))
    }

    /// Whether the time of the whole run is over.
    pub fn run_over(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits { timeout: DEFAULT_TIMEOUT, end: None, stop: Stop::default() }
    }
}

/// A wish to stop, raised by a signal handler: a flag to look at between steps, and a pipe that becomes
/// readable, so that a wait in `poll` ends at once and no signal is lost between look and wait.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    signal: Arc<AtomicUsize>,
    wake: Option<Arc<OwnedFd>>,
}

impl Stop {
    /// Has `signals` raise the returned wish from now on, instead of ending the process.
    pub fn on_signals(signals: &[i32]) -> io::Result<Stop> {
        let signal = Arc::new(AtomicUsize::new(0));
        let (wake, raise) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        for number in signals {
            let value = usize::try_from(*number).map_err(io::Error::other)?;
            signal_hook::flag::register_usize(*number, Arc::clone(&signal), value)?;
            signal_hook::low_level::pipe::register(*number, raise.try_clone()?)?;
        }
        Ok(Stop { signal, wake: Some(Arc::new(wake)) })
    }

    /// The signal that asked to stop, if one did.
    pub fn signal(&self) -> Option<i32> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            number => i32::try_from(number).ok(),
        }
    }

    /// Whether a signal asked to stop.
    pub fn raised(&self) -> bool {
        self.signal().is_some()
    }

    /// The descriptor that becomes readable when a signal asks to stop.
    pub fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.wake.as_ref().map(|wake| wake.as_fd())
    }
}
