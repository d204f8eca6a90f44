//! Layer 2: the standard streams, and waiting for any descriptor.
//!
//! Whatever waits here ends by a signal and with the time of the run. A descriptor may be blocking or not:
//! its flags are the caller's of postie, shared with other programs, and neither changed nor relied upon.

mod input;
mod output;

pub use input::Input;
pub use output::{StdStream, begin, error};

use crate::net::Limits;
use crate::words::Kind;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::time::Instant;
use std::{fmt, io};

/// Why a wait ended before what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// A signal asked to stop.
    Stopped,
    /// The time of the run is over.
    TimeOver,
}

impl Halt {
    /// Whether the run is to be ended, and why.
    pub fn due(limits: &Limits) -> Option<Halt> {
        match () {
            () if limits.stop.raised() => Some(Halt::Stopped),
            () if limits.run_over() => Some(Halt::TimeOver),
            () => None,
        }
    }

    /// What ended a read or a write that failed, if that was it.
    pub fn of(error: &io::Error) -> Option<Halt> {
        error.get_ref()?.downcast_ref::<Halt>().copied()
    }

    /// The class of the failure that it makes.
    pub fn kind(self) -> Kind {
        match self {
            Halt::Stopped => Kind::Interrupted,
            Halt::TimeOver => Kind::Timeout,
        }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Halt::Stopped => "stopped by a signal",
            Halt::TimeOver => "the time of the run is over (--max-time)",
        })
    }
}

impl std::error::Error for Halt {}

impl From<Halt> for io::Error {
    fn from(halt: Halt) -> io::Error {
        // Not the kind "interrupted": callers try again after that.
        io::Error::other(halt)
    }
}

/// Waits until one of `wanted` is ready, as their `revents` then say, or `until` has passed, and none is.
/// A signal, or the end of the run's time, is an error ([`Halt`]), also where something is ready.
pub fn wait<'a>(wanted: &mut Vec<PollFd<'a>>, until: Option<Instant>, limits: &'a Limits) -> io::Result<()> {
    let asked = wanted.len();
    let waited = loop {
        if let Some(halt) = Halt::due(limits) {
            break Err(halt.into());
        }
        wanted.truncate(asked);
        wanted.extend(limits.stop.wake().map(|wake| PollFd::from_borrowed_fd(wake, PollFlags::IN)));
        let until = [until, limits.end].into_iter().flatten().min();
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        match poll(wanted, left.and_then(|left| Timespec::try_from(left).ok()).as_ref()) {
            Err(Errno::INTR) => {}
            Err(errno) => break Err(errno.into()),
            Ok(_) if wanted[..asked].iter().any(|wait| !wait.revents().is_empty()) => {
                break Halt::due(limits).map_or(Ok(()), |halt| Err(halt.into()));
            }
            Ok(_) if left.is_some_and(|left| left.is_zero()) && Halt::due(limits).is_none() => break Ok(()),
            Ok(_) => {}
        }
    };
    wanted.truncate(asked);
    waited
}
