//! Layer 2: the standard streams, and waiting for any descriptor.
//!
//! Every wait here ends at a signal or at the end of the run's time. A descriptor may be blocking or not: its flags
//! are shared with the program that started postie, so they are neither changed nor relied upon.

mod input;
pub(crate) mod lines;
mod output;
pub(crate) mod text;

pub use input::Input;
pub use output::{StdStream, begin, error, output_was_closed};

use crate::net::Limits;
use crate::words::Kind;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use rustix::stdio::stdout;
use std::time::{Duration, Instant};
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

/// How a wait for something to read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// There may be something to read.
    Ready,
    /// The time has come.
    Due,
    /// Nobody reads standard output any more.
    ReaderGone,
}

/// Waits until `from` can be read, until `until`, or until the reader of standard output is gone. A signal and the end
/// of the run's time are errors, as with [`wait`].
pub fn wait_or_reader_gone(
    from: Option<BorrowedFd<'_>>,
    until: Option<Instant>,
    limits: &Limits,
) -> io::Result<Waited> {
    // Without any event in mind, only an error or the end of the other side wakes.
    let mut wanted = vec![PollFd::from_borrowed_fd(stdout(), PollFlags::empty())];
    wanted.extend(from.map(|from| PollFd::from_borrowed_fd(from, PollFlags::IN)));
    wait(&mut wanted, until, limits)?;
    Ok(match wanted.iter().map(|wait| !wait.revents().is_empty()).collect::<Vec<_>>()[..] {
        [true, ..] => Waited::ReaderGone,
        [_, true] => Waited::Ready,
        _ => Waited::Due,
    })
}

/// Waits for `time`, but not beyond the end of the run. Returns false if a signal came.
pub fn pause(time: Duration, limits: &Limits) -> bool {
    let waited = wait(&mut Vec::new(), Some(Instant::now() + time), limits);
    waited.is_ok() || limits.run_over() && !limits.stop.raised()
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
