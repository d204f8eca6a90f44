//! What the benchmarks share: running a program to a good end, and a table of what it took.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a program to its end, which has to be one that `fine` takes for good. Its standard input is what
/// the caller gave it, else nothing.
pub fn time(mut command: Command, fine: fn(Option<i32>) -> bool) -> Duration {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let begun = Instant::now();
    let output = command.output().unwrap();
    let taken = begun.elapsed();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(fine(output.status.code()), "{command:?}: {}\n{text}", output.status);
    taken
}

/// The middle one.
pub fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

/// Prints what each program took, the quickest first, compared with postie and with the floor.
pub fn report(title: &str, floor: Option<f64>, mut rows: Vec<(&str, Vec<Duration>)>) {
    let postie = rows.iter_mut().find(|row| row.0 == "postie").map_or(1.0, |row| median(&mut row.1));
    println!(
        "\n{title}\n{:22} {:>9} {:>9} {:>12} {:>12}",
        "", "median s", "best s", "of postie's", "of the floor"
    );
    rows.sort_by(|a, b| a.1.iter().min().cmp(&b.1.iter().min()));
    for (name, times) in &mut rows {
        let middle = median(times);
        let of_floor = floor.map_or_else(|| "-".to_owned(), |floor| format!("{:.2}", middle / floor));
        let best = times[0].as_secs_f64();
        println!("{name:22} {middle:9.4} {best:9.4} {:>12.2} {of_floor:>12}", middle / postie);
    }
}
