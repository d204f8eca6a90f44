//! Lets only one process edit the configuration at a time, by a lock on its directory. (The file itself is replaced,
//! so it cannot be locked, and a lock file would be left behind.)

use crate::net::Limits;
use crate::words::{Failure, Kind};
use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait for another editor. An edit takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether a signal came.
const SLICE: Duration = Duration::from_millis(50);

/// A directory that was to be locked, as long as this lives.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
    /// False where the file system cannot lock directories.
    pub is_held: bool,
}

/// Locks the directory of the configuration at `path` until the returned value is dropped.
///
/// Fails with [`Kind::Locked`] if another process holds it too long, [`Kind::CannotCreate`] if the directory cannot be
/// opened, [`Kind::Interrupted`] or [`Kind::Timeout`] if a signal or the end of the run ends the wait.
pub fn lock_directory(directory: &Path, path: &Path, limits: &Limits) -> Result<DirectoryLock, Failure> {
    lock_within(directory, path, PATIENCE, limits)
}

fn lock_within(
    directory: &Path,
    path: &Path,
    patience: Duration,
    limits: &Limits,
) -> Result<DirectoryLock, Failure> {
    let failed = |kind: Kind, what: &str| {
        let message = format!("{}: editing the configuration: {what}", path.display());
        Failure::config(message).as_kind(kind)
    };
    let file = File::open(directory).map_err(|error| failed(Kind::CannotCreate, &error.to_string()))?;
    let (answer, answered) = mpsc::channel();
    // Waiting for a lock cannot be bounded, so a thread does it, which is abandoned when time is over.
    let waiting = thread::Builder::new().spawn(move || {
        let locked = file.lock().map(|()| file);
        // Nobody receives it once time is over; then the lock is released with the answer.
        let _ = answer.send(locked);
    });
    waiting.map_err(|error| failed(Kind::Locked, &error.to_string()))?;
    let until = limits.until(patience);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match answered.recv_timeout(left.min(SLICE)) {
            Ok(Ok(file)) => return Ok(DirectoryLock { _file: file, is_held: true }),
            // Some network file systems cannot lock directories: an edit without a lock is still atomic, and better
            // than none.
            Ok(Err(_)) => {
                let file = File::open(directory);
                let file = file.map_err(|error| failed(Kind::CannotCreate, &error.to_string()))?;
                return Ok(DirectoryLock { _file: file, is_held: false });
            }
            Err(_) if limits.stop.raised() => {
                return Err(failed(Kind::Interrupted, "another program edits it: stopped by a signal"));
            }
            Err(_) if limits.run_over() => {
                return Err(failed(Kind::Timeout, "another program edits it: the time of the run is over"));
            }
            Err(_) if left.is_zero() => return Err(failed(Kind::Locked, "another program edits it")),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Stop;

    #[test]
    fn the_second_editor_waits_for_the_first_and_gives_up_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let none = Limits::default();
        let first = lock_directory(dir.path(), &path, &none).unwrap();
        let second = lock_within(dir.path(), &path, Duration::from_millis(30), &none);
        assert_eq!(second.unwrap_err().kind(), Kind::Locked);
        drop(first);
        assert!(lock_directory(dir.path(), &path, &none).is_ok());
    }

    #[test]
    fn a_signal_and_the_end_of_the_run_end_the_wait() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let _first = lock_directory(dir.path(), &path, &Limits::default()).unwrap();
        let wait = |limits: Limits| {
            lock_within(dir.path(), &path, Duration::from_secs(1000), &limits).unwrap_err().kind()
        };
        let end = Some(Instant::now() + Duration::from_millis(30));
        assert_eq!(wait(Limits { end, ..Limits::default() }), Kind::Timeout);
        let stop = Stop::on_signals(&[signal_hook::consts::SIGWINCH]).unwrap();
        signal_hook::low_level::raise(signal_hook::consts::SIGWINCH).unwrap();
        assert_eq!(wait(Limits { stop, ..Limits::default() }), Kind::Interrupted);
    }
}
