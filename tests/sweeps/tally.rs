//! Trying points, counting them, reporting the result.

use std::fmt::Display;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

static TRIED: AtomicUsize = AtomicUsize::new(0);
static FAILED: AtomicUsize = AtomicUsize::new(0);

/// How many failed points are reported in full.
const TOLD: usize = 12;

/// The result of a point that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// The fault happened, and everything was right.
    Hit,
    /// The run ended before it.
    Missed,
}

/// A quick sweep tries one of so many points that a thinned sweep chooses. Odd, so that it hits both of
/// things that alternate.
const QUICK_STEP: usize = 13;

/// How many of the points are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// About a minute: a part of the thinned sweep.
    Quick,
    /// `POSTIE_SWEEP=ci`: thinned, as each sweep says.
    Thinned,
    /// `POSTIE_SWEEP=full`: every point there is.
    Full,
}

/// What `POSTIE_SWEEP` says.
pub fn depth() -> Depth {
    match std::env::var("POSTIE_SWEEP").as_deref() {
        Err(_) | Ok("") => Depth::Quick,
        Ok("ci") => Depth::Thinned,
        Ok("full") => Depth::Full,
        Ok(other) => panic!("POSTIE_SWEEP is `ci` or `full`, not {other:?}"),
    }
}

/// Whether every point is to be tried.
pub fn full() -> bool {
    depth() == Depth::Full
}

/// Whether a point is to be tried again alone: `POSTIE_SWEEP_ONLY` contains a part of its name.
fn is_asked_for(point: &impl Display) -> bool {
    std::env::var("POSTIE_SWEEP_ONLY").map_or(true, |part| point.to_string().contains(&part))
}

/// How many points are tried at the same time. A point waits most of its time, for a process, a disk or a
/// silent server; but the other tests are running, too, unless the sweep is full.
fn threads() -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    if full() { 3 * cores() } else { 1 }
}

/// Tries one point; if it fails, returns its name and why.
fn try_point<P: Display>(point: &P, play: impl Fn(&P) -> Met) -> Result<Met, String> {
    catch_unwind(AssertUnwindSafe(|| play(point))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
        format!("{point}: {text}")
    })
}

/// One sweep.
pub struct Tally {
    name: &'static str,
    of: usize,
    chosen: usize,
    tried: usize,
    missed: usize,
    failures: Vec<String>,
}

impl Tally {
    pub fn new(name: &'static str) -> Tally {
        Tally { name, of: 0, chosen: 0, tried: 0, missed: 0, failures: Vec::new() }
    }

    /// Tries some of the points `all`: every one in a full sweep; in a thinned one those that are `chosen`;
    /// in a quick one a part of these.
    pub fn sweep<P: Display + Sync>(
        &mut self,
        all: &[P],
        chosen: impl Fn(usize, &P) -> bool,
        play: impl Fn(&P) -> Met + Sync,
    ) {
        self.of += all.len();
        let (depth, full) = (depth(), full());
        let mut points = Vec::new();
        for (_, point) in all.iter().enumerate().filter(|(at, point)| full || chosen(*at, point)) {
            if !is_asked_for(point) {
                continue;
            }
            self.chosen += 1;
            if depth != Depth::Quick || self.chosen % QUICK_STEP == 1 {
                points.push(point);
            }
        }
        self.tried += points.len();
        let next = AtomicUsize::new(0);
        let ended = Mutex::new((0, Vec::new()));
        thread::scope(|scope| {
            for _ in 0..threads().min(points.len()) {
                scope.spawn(|| {
                    while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let outcome = try_point(*point, &play);
                        let mut ended = ended.lock().unwrap();
                        match outcome {
                            Ok(Met::Hit) => {}
                            Ok(Met::Missed) => ended.0 += 1,
                            Err(failure) => ended.1.push(failure),
                        }
                    }
                });
            }
        });
        let (missed, failures) = ended.into_inner().unwrap();
        self.missed += missed;
        self.failures.extend(failures);
        if full {
            // It takes hours: what is known is said before the end.
            self.say_state();
        }
    }

    fn say_state(&self) {
        let Tally { name, tried, failures, .. } = self;
        // Not by the macros, whose output the test harness hides.
        let _ = writeln!(std::io::stderr(), "{name}: so far {tried} points tried, {} failed", failures.len());
        if let Some(last) = failures.last() {
            let _ = writeln!(std::io::stderr(), "{name}: the last failure: {last}");
        }
    }

    /// Counts points that are left out on purpose.
    pub fn leave_out(&mut self, points: usize) {
        self.of += points;
    }

    /// Reports the result; fails the test if any point failed, or if hardly any was reached.
    #[track_caller]
    pub fn end(self) {
        let Tally { name, of, tried, missed, failures, .. } = self;
        let all = TRIED.fetch_add(tried, Ordering::SeqCst) + tried;
        let bad = FAILED.fetch_add(failures.len(), Ordering::SeqCst) + failures.len();
        // Not by the macros, whose output the test harness hides.
        let _ = writeln!(
            std::io::stderr(),
            "{name}: {tried} points tried, {} failed (of {of} there are; {missed} were not met). \
             All sweeps so far: {all} points tried, {bad} failed",
            failures.len()
        );
        let told = failures.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join("\n\n");
        assert!(failures.is_empty(), "{name}: {} of {tried} points failed:\n{told}", failures.len());
        assert!(tried > 0 && missed * 2 <= tried, "{name}: {missed} of {tried} points were not met");
    }
}
