//! Ledgers: whatever records stand in one, it is read or refused; a ledger that was opened, closed and perhaps written
//! anew knows what it knew. Each line gets its checksum here: no mutation would find it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::store::{AccountKey, Ledger};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

/// In memory, where the system has such a place.
static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    dir
});

fuzz_target!(|data: &[u8]| {
    let key = AccountKey::new("imap", "h", 993, "ana").folder(b"INBOX");
    let path: PathBuf = DIR.path().join(key.file_name());
    let mut octets = format!("postie-ledger 2 {}\n", key.as_str()).into_bytes();
    for line in data.split(|octet| *octet == b'\n') {
        match line.split_first() {
            // As it is: damage.
            Some((b'!', rest)) => octets.extend_from_slice(rest),
            _ => write!(octets, "{:08x}", crc32fast::hash(line)).unwrap(),
        }
        octets.extend_from_slice(line);
        octets.push(b'\n');
    }
    // A file that is replaced, so that its mode is the right one.
    std::fs::write(&path, &octets).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let Ok(peeked) = Ledger::peek(DIR.path(), &key) else { return };
    let was = told(&peeked);
    let open = || Ledger::open(DIR.path(), &key, Duration::ZERO, &|| false).unwrap();
    let ledger = open();
    assert_eq!(told(&ledger), was);
    for n in 0..5 {
        let (lines, _) = (n, ledger.recall(b"1", n));
        let _ = (lines, ledger.at(n));
    }
    ledger.close().unwrap();
    let again = open();
    assert_eq!(told(&again), was, "{}", String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
});

/// What a ledger says.
fn told(ledger: &Ledger) -> (Option<u64>, usize, usize, Vec<Vec<u8>>) {
    let mut pending: Vec<Vec<u8>> = ledger.pending().map(|(uid, _)| uid.to_vec()).collect();
    pending.sort();
    (ledger.validity(), ledger.known_count(), ledger.kept_count(), pending)
}
