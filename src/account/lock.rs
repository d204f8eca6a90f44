//! Lets only one process edit the configuration at a time, by a lock on its directory. (The file itself is replaced,
//! so it cannot be locked, and a lock file would be left behind.)

use crate::words::{Failure, Kind};
use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long to wait for another editor. An edit takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Locks the directory of the configuration at `path` until the returned file is dropped.
///
/// Fails with [`Kind::Locked`] if another process holds it too long, [`Kind::CannotCreate`] if the directory cannot be
/// opened.
pub fn lock_directory(directory: &Path, path: &Path) -> Result<File, Failure> {
    lock_within(directory, path, PATIENCE)
}

fn lock_within(directory: &Path, path: &Path, patience: Duration) -> Result<File, Failure> {
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
    match answered.recv_timeout(patience) {
        Ok(Ok(file)) => Ok(file),
        // Some network file systems cannot lock directories: an edit without a lock is still atomic, and better than
        // none.
        Ok(Err(_)) => File::open(directory).map_err(|error| failed(Kind::CannotCreate, &error.to_string())),
        Err(_) => Err(failed(Kind::Locked, "another program edits it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_editor_waits_for_the_first_and_gives_up_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let first = lock_directory(dir.path(), &path).unwrap();
        let second = lock_within(dir.path(), &path, Duration::from_millis(30));
        assert_eq!(second.unwrap_err().kind(), Kind::Locked);
        drop(first);
        assert!(lock_directory(dir.path(), &path).is_ok());
    }
}
