//! After no session could be opened: how long the server is left alone, so that it is not tried for every message.

use crate::words::Failure;
use std::time::{Duration, Instant};

/// The first pause between two attempts; each further one is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pause after one of `pause`.
pub(super) fn longer(pause: Duration) -> Duration {
    (pause * 2).min(LONGEST_PAUSE)
}

/// Why no session can be opened, and for how long.
pub(crate) struct Backoff {
    /// The failure, and when it may be tried again; `None`: never.
    blocked: Option<(Failure, Option<Instant>)>,
    pause: Duration,
}

impl Backoff {
    pub fn new() -> Self {
        Backoff { blocked: None, pause: FIRST_PAUSE }
    }

    /// The last failure, while the server is left alone because of it.
    pub fn failure(&self) -> Option<&Failure> {
        let (failure, until) = self.blocked.as_ref()?;
        until.is_none_or(|until| Instant::now() < until).then_some(failure)
    }

    pub fn is_clear(&self) -> bool {
        self.blocked.is_none()
    }

    pub fn is_for_good(&self) -> bool {
        matches!(self.blocked, Some((_, None)))
    }

    /// Allows one more attempt at once.
    pub fn lift(&mut self) {
        self.blocked = None;
    }

    /// A session was opened.
    pub fn clear(&mut self) {
        *self = Backoff::new();
    }

    /// No session was opened because of `failure`; with `for_good` none ever will be.
    pub fn note(&mut self, failure: &Failure, for_good: bool) {
        let until = (!for_good).then(|| Instant::now() + self.pause);
        self.pause = longer(self.pause);
        self.blocked = Some((failure.clone(), until));
    }
}
