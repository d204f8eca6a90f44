//! How long one operation may wait: one rule for every protocol, with and without TLS.
//!
//! Only time spent waiting counts. Octets sent or received earn time back, at the rate of [`SLOWEST`], up to
//! what the operation began with. So a slow server that keeps sending is not cut off, a silent one is after the
//! whole time, and one that only trickles soon after that. The end of the run (`--max-time`) always holds.

use super::limits::Limits;
use std::time::{Duration, Instant};

/// The rate that keeps an operation alive, in octets a second. No real line is slower.
const SLOWEST: u64 = 64;

/// The time an operation may still wait.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    whole: Duration,
    left: Duration,
    earns: bool,
    /// Whether the end of the time is no failure.
    yields: bool,
    end: Option<Instant>,
}

impl Allowance {
    /// An operation that may wait for `time`, but not beyond the end of the run.
    pub fn new(time: Duration, limits: &Limits) -> Self {
        Allowance { whole: time, left: time, earns: true, yields: false, end: limits.end }
    }

    /// The same, but nothing earns time back.
    pub fn fixed(self) -> Self {
        Allowance { earns: false, ..self }
    }

    /// Takes what is there and does not wait at all: then the operation fails with `WouldBlock`, and may be tried
    /// again.
    pub fn none(limits: &Limits) -> Self {
        Allowance { yields: true, ..Allowance::new(Duration::ZERO, limits).fixed() }
    }

    /// Whether an operation that has no time left may be tried again.
    pub fn yields(&self) -> bool {
        self.yields
    }

    /// How long it may still wait at `now`; zero: not at all.
    pub fn left(&self, now: Instant) -> Duration {
        self.end.map_or(self.left, |end| self.left.min(end.saturating_duration_since(now)))
    }

    /// Whether the time of the whole run is over.
    pub fn run_is_over(&self, now: Instant) -> bool {
        self.end.is_some_and(|end| now >= end)
    }

    pub fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }

    /// Octets were sent or received.
    pub fn earn(&mut self, octets: usize) {
        if self.earns {
            let more = Duration::from_micros((octets as u64).saturating_mul(1_000_000 / SLOWEST));
            self.left = self.whole.min(self.left.saturating_add(more));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many seconds a server holds an operation of a minute that sends `octets` every `pause` seconds;
    /// `None` where it could for ever.
    fn held(octets: usize, pause: u64) -> Option<u64> {
        let mut allowance = Allowance::new(Duration::from_secs(60), &Limits::default());
        let mut held = 0;
        while held < 100_000 {
            let left = allowance.left(Instant::now()).as_secs();
            if left <= pause {
                return Some(held + left);
            }
            held += pause;
            allowance.spend(Duration::from_secs(pause));
            allowance.earn(octets);
        }
        None
    }

    #[test]
    fn silence_ends_with_the_time_and_a_trickle_soon_after_and_a_slow_line_never() {
        assert_eq!(held(0, 1), Some(60), "silence");
        assert_eq!(held(1, 5), Some(60), "an octet every five seconds");
        assert_eq!(held(200, 59), Some(63), "a line just before the end of every minute");
        assert!(held(32, 1).unwrap() <= 120, "half of the slowest rate");
        for (octets, pause) in [(64, 1), (1024, 1), (16 * 1024, 16), (64 * 1024, 59)] {
            assert_eq!(held(octets, pause), None, "{octets} octets in {pause} s");
        }
        assert_eq!(held(1 << 30, 60), Some(60), "what came fast buys no silence");
    }

    #[test]
    fn a_fixed_time_is_not_prolonged_and_none_outlasts_the_run() {
        let now = Instant::now();
        let mut fixed = Allowance::new(Duration::from_secs(2), &Limits::default()).fixed();
        fixed.spend(Duration::from_secs(1));
        fixed.earn(1 << 20);
        assert_eq!(fixed.left(now), Duration::from_secs(1));
        let limits = Limits { end: Some(now + Duration::from_secs(1)), ..Limits::default() };
        let mut allowance = Allowance::new(Duration::from_secs(60), &limits);
        allowance.earn(1 << 20);
        assert_eq!(allowance.left(now), Duration::from_secs(1));
        let later = now + Duration::from_secs(1);
        assert!(allowance.left(later).is_zero() && allowance.run_is_over(later));
    }
}
