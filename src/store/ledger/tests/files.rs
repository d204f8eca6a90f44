//! Damage, locks and what lies where the ledger should be.

use super::*;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn every_torn_tail_is_ignored_and_cut_off_at_the_next_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.record(vec![delivered(b"first", 0, None)], Afterwards::Keep).unwrap();
    let synced = text(&ledger).len();
    ledger.record((0..3u8).map(|n| delivered(&[n], 0, None)).collect(), Afterwards::Keep).unwrap();
    let (whole, path) = (text(&ledger), ledger.path().to_owned());
    drop(ledger);
    for end in synced..whole.len() {
        for tail in [&b""[..], b"\0\0\0", b"rubbish", b"\0\0\n\0"] {
            std::fs::write(&path, [&whole[..end], tail].concat()).unwrap();
            let lines = whole[synced..end].iter().filter(|octet| **octet == b'\n').count();
            let mut ledger = open(dir.path()).unwrap_or_else(|error| panic!("{end} {tail:?}: {error}"));
            assert_eq!(ledger.known_count(), 1 + lines, "{end}");
            ledger.record(vec![delivered(b"next", 0, None)], Afterwards::Keep).unwrap();
            drop(ledger);
            assert_eq!(open(dir.path()).unwrap().known_count(), 2 + lines, "{end}");
        }
    }
}

#[test]
fn damage_in_the_middle_is_an_error_and_never_an_empty_history() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.record((0..3u8).map(|n| delivered(&[n], 0, None)).collect(), Afterwards::Keep).unwrap();
    ledger.record(vec![delivered(b"last", 0, None)], Afterwards::Keep).unwrap();
    let (whole, path) = (text(&ledger), ledger.path().to_owned());
    drop(ledger);
    let last = whole[..whole.len() - 1].iter().rposition(|octet| *octet == b'\n').unwrap();
    for at in 0..last {
        for change in [0u8, whole[at] ^ 1] {
            let mut damaged = whole.clone();
            damaged[at] = change;
            std::fs::write(&path, &damaged).unwrap();
            let error = open(dir.path()).expect_err("damage must be seen");
            assert!(matches!(error, StoreError::Damaged { .. } | StoreError::TooNew { .. }), "{at}: {error}");
            assert_eq!(error.kind().exit().code(), 78);
            assert!(Ledger::peek(dir.path(), &key()).is_err());
        }
    }
    std::fs::write(&path, b"").unwrap();
    assert!(open(dir.path()).is_err(), "an empty file is no ledger");
}

#[test]
fn a_hole_in_the_last_write_is_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.record(vec![delivered(b"first", 0, None)], Afterwards::Keep).unwrap();
    let synced = text(&ledger).len();
    ledger.record((0..9u8).map(|n| delivered(&[n], 0, None)).collect(), Afterwards::Keep).unwrap();
    let (mut hole, path) = (text(&ledger), ledger.path().to_owned());
    drop(ledger);
    hole[synced + 10..synced + 300].fill(0);
    std::fs::write(&path, hole).unwrap();
    assert_eq!(open(dir.path()).unwrap().known_count(), 1);
}

#[test]
fn a_newer_format_and_another_account_are_not_reported_as_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = open(dir.path()).unwrap().path().to_owned();
    std::fs::write(&path, "postie-ledger 3 who knows\nwhat\n").unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::TooNew { version, .. }) if version == "3"));
    std::fs::write(&path, "postie-ledger 1 pop3://other@host:1\n").unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::Damaged { line: 1, .. })));
    std::fs::write(&path, "postie-ledger x\n").unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::Damaged { line: 1, .. })));
}

#[test]
fn a_second_run_waits_and_then_says_that_the_account_is_locked() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let second = Ledger::open(dir.path(), &key(), Duration::ZERO, &|| false);
    assert!(matches!(second, Err(StoreError::Locked { .. })));
    let stopped = Ledger::open(dir.path(), &key(), Duration::from_secs(60), &|| true);
    assert!(matches!(stopped, Err(StoreError::Stopped)));
    let place = dir.path().to_owned();
    let second = std::thread::spawn(move || Ledger::open(&place, &key(), Duration::from_secs(60), &|| false));
    Ledger::peek(dir.path(), &key()).unwrap();
    drop(first);
    second.join().unwrap().unwrap();
}

#[test]
fn reading_a_ledger_makes_nothing_and_a_directory_that_cannot_be_made_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("a/b");
    let ledger = Ledger::peek(&state, &key()).unwrap();
    assert_eq!(ledger.known_count(), 0);
    assert!(!dir.path().join("a").exists());
    std::fs::write(dir.path().join("a"), "a file").unwrap();
    let error = open(&state).expect_err("a file is in the way");
    assert_eq!(error.kind().exit().code(), 73);
}

#[test]
fn a_ledger_that_is_only_read_cannot_be_written_to() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let mut ledger = Ledger::peek(dir.path(), &key()).unwrap();
    assert!(ledger.record(vec![delivered(b"1", 0, None)], Afterwards::Keep).is_err());
    assert!(ledger.lookup(b"1").is_empty());
    ledger.close().unwrap();
}

#[test]
fn a_ledger_behind_a_symbolic_link_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = open(dir.path()).unwrap().path().to_owned();
    let moved = dir.path().join("elsewhere");
    std::fs::rename(&path, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &path).unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::Refused { .. })));
}

#[test]
fn files_that_a_killed_run_left_beside_a_ledger_are_removed_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let name = key().file_name();
    let left = dir.path().join(format!(".{name}.1.2.3"));
    let half = dir.path().join(format!(".{name}.new"));
    let others = [format!(".{}.1.2.3", name.replace("ana", "eve")), format!("{name}.old"), ".x".to_owned()];
    others.iter().for_each(|other| std::fs::write(dir.path().join(other), "precious").unwrap());
    let leave = |left: &Path| {
        std::fs::write(left, "half a led").unwrap();
        std::fs::set_permissions(left, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    leave(&half);
    let mut ledger = open(dir.path()).unwrap();
    assert!(!half.exists(), "left by a run that made the ledger");
    leave(&left);
    ledger.compact(0).unwrap();
    assert!(!left.exists(), "left by a compaction");
    assert!(others.iter().all(|other| dir.path().join(other).exists()));
}

/// With thousands of folders it is the directory, read for each of them, that takes the time.
#[test]
fn making_the_ledger_of_one_folder_of_many_reads_no_directory() {
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, dir.path(), WatchFlags::ACCESS).unwrap();
    let directory_was_read = || {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&watch, &mut buffer);
        let mut found = false;
        while let Ok(event) = events.next() {
            found |= event.events().contains(ReadFlags::ISDIR);
        }
        found
    };
    let folder = AccountKey::new("imap", "imap.example.org", 993, "ana").folder(b"A");
    let mut ledger = Ledger::open(dir.path(), &folder, Duration::ZERO, &|| false).unwrap();
    // A listing by IMAP has no sizes.
    let rows = [b"1", b"2", b"3", b"4"].map(|uid| (&uid[..], None));
    assert!(ledger.take_over(rows.iter().copied(), &[]).unwrap().is_none());
    assert!(!directory_was_read());
    std::fs::read_dir(dir.path()).unwrap().for_each(drop);
    assert!(directory_was_read(), "it is noticed");
}
