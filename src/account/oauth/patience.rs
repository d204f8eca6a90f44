//! What a signal does not cut short at once, because it may hold the only token that is left.

use crate::net::Limits;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    Done(T),
    /// A signal came, and it was not done `grace` later. It may still be going on.
    Stopped,
    /// It ended without a result.
    Lost,
}

/// Does `work` on a thread of its own and waits for it, after a signal no longer than `grace`.
///
/// Fails if no thread can be started.
pub fn see_through<T: Send + 'static>(
    limits: &Limits,
    grace: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Seen<T>> {
    let (done, result) = channel();
    thread::Builder::new().spawn(move || {
        // Nobody waits any more if the run has ended.
        let _ = done.send(work());
    })?;
    let mut until = None;
    loop {
        match result.recv_timeout(Duration::from_millis(50)) {
            Ok(result) => return Ok(Seen::Done(result)),
            Err(RecvTimeoutError::Disconnected) => return Ok(Seen::Lost),
            Err(RecvTimeoutError::Timeout) if limits.stop.raised() => {
                let until = *until.get_or_insert_with(|| Instant::now() + grace);
                if Instant::now() >= until {
                    return Ok(Seen::Stopped);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
