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
pub use crate::net::waiting::{Halt, wait};
use rustix::event::{PollFd, PollFlags};
use rustix::fd::BorrowedFd;
use rustix::stdio::stdout;
use std::io;
use std::time::{Duration, Instant};

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
