//! What the benchmarks share: running a program to a good end, and a table of what it took.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a run of a program took.
#[derive(Clone, Copy)]
pub struct Took {
    pub time: Duration,
    /// User and system, in steps of 10 ms.
    pub processor: Duration,
}

/// Runs a program to its end, which has to be one that `fine` takes for good. Its standard input is what
/// the caller gave it, else nothing.
pub fn time(mut command: Command, fine: fn(Option<i32>) -> bool) -> Took {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let (begun, before) = (Instant::now(), processor_of_children());
    let output = command.output().unwrap();
    let taken = Took { time: begun.elapsed(), processor: processor_of_children().saturating_sub(before) };
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(fine(output.status.code()), "{command:?}: {}\n{text}", output.status);
    taken
}

/// What all children that have ended took of the processors (proc_pid_stat(5), cutime and cstime).
fn processor_of_children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold spaces, comes the third field.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The middle one.
pub fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

/// Prints what each program took, the quickest first, compared with postie and with the floor.
pub fn report(title: &str, floor: Option<f64>, mut rows: Vec<(&str, Vec<Took>)>) {
    let times = |took: &[Took]| took.iter().map(|took| took.time).collect::<Vec<_>>();
    let own = rows.iter().find(|row| row.0 == "postie");
    let postie = own.map_or(1.0, |row| median(&mut times(&row.1)));
    println!(
        "\n{title}\n{:22} {:>9} {:>9} {:>12} {:>12} {:>11}",
        "", "median s", "best s", "of postie's", "of the floor", "processor s"
    );
    rows.sort_by_key(|row| times(&row.1).into_iter().min());
    for (name, took) in &rows {
        let mut times = times(took);
        let middle = median(&mut times);
        let of_floor = floor.map_or_else(|| "-".to_owned(), |floor| format!("{:.2}", middle / floor));
        let best = times[0].as_secs_f64();
        let processor = took.iter().map(|took| took.processor.as_secs_f64()).sum::<f64>() / took.len() as f64;
        println!(
            "{name:22} {middle:9.4} {best:9.4} {:>12.2} {of_floor:>12} {processor:>11.3}",
            middle / postie
        );
    }
}
