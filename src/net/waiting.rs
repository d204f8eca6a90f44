//! Waits for any descriptor, until a signal or the end of the run's time.

use super::limits::Limits;
use crate::words::Kind;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::time::Instant;
use std::{fmt, io};

/// Why a wait ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// A signal asked to stop.
    Stopped,
    /// The time of the run is over.
    TimeOver,
}

impl Halt {
    /// Whether the run must end now, and why.
    pub fn due(limits: &Limits) -> Option<Halt> {
        match () {
            () if limits.stop.raised() => Some(Halt::Stopped),
            () if limits.run_over() => Some(Halt::TimeOver),
            () => None,
        }
    }

    /// The halt in an error of a read or a write, if there is one.
    pub fn of(error: &io::Error) -> Option<Halt> {
        error.get_ref()?.downcast_ref::<Halt>().copied()
    }

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
        // Not `ErrorKind::Interrupted`: callers try again after that.
        io::Error::other(halt)
    }
}

/// Waits until one of `wanted` is ready (see its `revents`), or until `until`. A signal and the end of the run's time
/// are errors ([`Halt`]), even if something is ready.
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
