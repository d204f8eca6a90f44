use super::*;
use crate::store::delivered::Place;
use crate::store::durable;
use std::path::Path;
use std::time::Duration;

fn key() -> AccountKey {
    AccountKey::new("pop3", "pop.example.org", 995, "ana")
}

fn open(dir: &Path) -> Result<Ledger, StoreError> {
    // A child that another test starts holds the lock for a moment, until it runs its program.
    Ledger::open(dir, &key(), Duration::from_secs(60), &|| false)
}

fn delivered(uid: &[u8], copy: u32, wire_size: Option<u64>) -> Delivered {
    Delivered {
        identity: key().identity(uid, copy),
        tag: 7,
        wire_size,
        place: Place::Stdout,
        size: 3,
        sha256: [9; 32],
        intent: None,
        is_old: false,
    }
}

fn hash_of(ledger: &Ledger, known: &Known) -> Option<[u8; 32]> {
    ledger.hash(known).unwrap()
}

fn text(ledger: &Ledger) -> Vec<u8> {
    std::fs::read(ledger.path()).unwrap()
}

#[test]
fn what_is_recorded_is_there_in_the_next_run_and_only_that() {
    let dir = tempfile::tempdir().unwrap();
    let uids: [&[u8]; 6] = [b"1", b"a b", b"\0\n\xff", b"%41", &[b'x'; 8192], b"-"];
    let mut ledger = open(dir.path()).unwrap();
    let batch = uids.iter().map(|uid| delivered(uid, 0, Some(5))).collect();
    let recorded = ledger.record(batch, Afterwards::Keep).unwrap();
    assert!(recorded.iter().zip(uids).all(|(one, uid)| one.identity().uid() == uid && one.tag() == 7));
    ledger.close().unwrap();
    let ledger = open(dir.path()).unwrap();
    assert_eq!(ledger.known_count(), 6);
    for uid in uids {
        let all = ledger.lookup(uid);
        let [known] = &all[..] else { panic!("{uid:?}") };
        assert_eq!(
            (known.copy, known.size, hash_of(&ledger, known), known.state()),
            (0, Some(5), Some([9; 32]), Some(State::Kept))
        );
    }
    assert!(ledger.lookup(b"A").is_empty() && ledger.lookup(b"").is_empty());
}

#[test]
fn a_run_with_nothing_new_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.note_ambiguous([&b"1"[..]]).unwrap();
    ledger.note_first_seen([&b"2"[..]], 5).unwrap();
    ledger.mark_seen([(&b"3"[..], 0, Some(1))]).unwrap();
    ledger.close().unwrap();
    let before = {
        let ledger = open(dir.path()).unwrap();
        text(&ledger)
    };
    let mut ledger = open(dir.path()).unwrap();
    ledger.record(Vec::new(), Afterwards::Keep).unwrap();
    ledger.note_ambiguous([&b"1"[..]]).unwrap();
    ledger.note_first_seen([&b"2"[..]], 9).unwrap();
    assert_eq!(ledger.mark_seen([(&b"3"[..], 0, None)]).unwrap(), 0);
    assert_eq!(ledger.forget([&b"4"[..]]).unwrap(), 0);
    ledger.deleted([]).unwrap();
    assert_eq!(ledger.first_seen(b"2"), Some(5));
    let path = ledger.path().to_owned();
    ledger.close().unwrap();
    assert_eq!(std::fs::read(path).unwrap(), before);
}

#[test]
fn a_proof_is_given_only_where_the_uid_means_one_message() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    let batch = vec![
        delivered(b"one", 0, Some(100)),
        delivered(b"unknown", 0, None),
        delivered(b"reused", 0, Some(1)),
        Delivered { sha256: [8; 32], ..delivered(b"reused", 0, Some(2)) },
        delivered(b"resized", 0, Some(1)),
        delivered(b"resized", 0, Some(2)),
        delivered(b"twice", 0, Some(1)),
        delivered(b"copies", 1, Some(1)),
    ];
    ledger.record(batch, Afterwards::Keep).unwrap();
    ledger.note_ambiguous([&b"twice"[..]]).unwrap();
    for (uid, size, proven) in [
        (&b"one"[..], Some(100), true),
        (b"one", None, true),
        (b"one", Some(101), false),
        (b"unknown", Some(5), true),
        (b"unknown", None, true),
        (b"reused", Some(1), true),
        (b"reused", Some(3), false),
        (b"reused", None, false),
        (b"resized", Some(2), true),
        (b"resized", Some(3), false),
        (b"resized", None, true),
        (b"twice", Some(1), false),
        (b"copies", Some(1), false),
        (b"never", None, false),
    ] {
        assert_eq!(ledger.has_proof(uid, size).unwrap(), proven, "{uid:?} {size:?}");
    }
}

#[test]
fn a_mark_is_no_proof_and_is_never_pending_or_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.mark_seen([(&b"1"[..], 0, Some(5)), (b"2", 0, None)]).unwrap();
    let wrong = [
        Record::Pending { uid: b"1"[..].into(), copy: 0, size: Some(5) },
        Record::Deleted { uid: b"2"[..].into(), copy: 0, size: None, time: 1000 },
    ];
    ledger.write(wrong.to_vec(), Sync::Now).unwrap();
    ledger.close().unwrap();
    for round in 0..2 {
        let mut ledger = open(dir.path()).unwrap();
        for uid in [&b"1"[..], b"2"] {
            for size in [Some(5), Some(6), None] {
                assert!(!ledger.has_proof(uid, size).unwrap(), "{uid:?} {size:?} {round}");
            }
            assert_eq!(ledger.lookup(uid)[0].fact, Fact::Marked);
        }
        assert!(ledger.pending().next().is_none());
        assert_eq!((ledger.known_count(), ledger.kept_count()), (2, 2));
        ledger.compact(durable::now()).unwrap();
    }
}

#[test]
fn what_was_marked_and_is_stored_then_is_stored() {
    for (marked, listed) in [(Some(5), Some(5)), (None, Some(5)), (Some(5), None)] {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = open(dir.path()).unwrap();
        ledger.mark_seen([(&b"1"[..], 0, marked)]).unwrap();
        ledger.record(vec![delivered(b"1", 0, listed)], Afterwards::Keep).unwrap();
        assert_eq!(ledger.mark_seen([(&b"1"[..], 0, listed)]).unwrap(), 0);
        ledger
            .write(vec![Record::Marked { uid: b"1"[..].into(), copy: 0, size: listed, time: 1 }], Sync::Now)
            .unwrap();
        drop(ledger);
        let ledger = open(dir.path()).unwrap();
        assert_eq!(ledger.lookup(b"1").len(), 1);
        assert!(ledger.has_proof(b"1", Some(5)).unwrap());
    }
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.mark_seen([(&b"1"[..], 0, Some(4))]).unwrap();
    ledger.record(vec![delivered(b"1", 0, Some(5))], Afterwards::Keep).unwrap();
    let proven = [Some(4), Some(5), None].map(|size| ledger.has_proof(b"1", size).unwrap());
    assert_eq!(proven, [false, true, false], "the one that was marked is another");
}

#[test]
fn a_ledger_of_the_version_before_is_read_on_and_named_anew_at_the_first_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = open(dir.path()).unwrap().path().to_owned();
    let mut lines = vec![format!("postie-ledger 1 {}", key().as_str())];
    let bodies = [
        format!("+d stored 0 5 1 {} k -", "09".repeat(32)),
        "+d marked 0 7 1 - k -".to_owned(),
        "+p marked 0 7".to_owned(),
    ];
    lines.extend(bodies.map(|body| format!("{:08x}{body}", crc32fast::hash(body.as_bytes()))));
    let old = lines.join("\n") + "\n";
    std::fs::write(&path, &old).unwrap();
    let mut ledger = open(dir.path()).unwrap();
    assert!(ledger.has_proof(b"stored", Some(5)).unwrap() && !ledger.has_proof(b"marked", Some(7)).unwrap());
    assert!(ledger.pending().next().is_none() && ledger.known_count() == 2);
    assert_eq!(text(&ledger), old.as_bytes(), "reading changes nothing");
    ledger.mark_seen([(&b"more"[..], 0, None)]).unwrap();
    assert!(text(&ledger).starts_with(b"postie-ledger 2 "));
    drop(ledger);
    assert_eq!(open(dir.path()).unwrap().known_count(), 3);
}

/// As postie wrote it before a ledger knew of UIDVALIDITY: one message marked, two fetched and deleted.
const WITHOUT_VALIDITY: &str = "postie-ledger 2 pop3://ana@localhost:40915
e5b0df77+o 1795987284691937 -
c2e92208 m uid%252 0 26 1795987284
7e1979e8+z 1795987284691937
0af68191+o 1795987284701154 maildir:/tmp/tmplft246qo/Mail
dde872c9+d uid-1 0 26 1795987284 a0e58789d665f5fac6d6419a7d1da1e4cd2041f06f0ba6e11eb51718184603c9 k -
79156fb8+z 1795987284701154
cde8bc6a+o 1795987284724913 maildir:/tmp/tmplft246qo/Mail
58dc5b31+d uid-3 0 30 1795987284 b96689eaf8d143dbd6abe53fb8719943a912421d56440adc39a863b917cf5063 p -
0735b76c+p uid-1 0 26
d681ff12+x uid-1 0 26 1795987284
ba058626 x uid-3 0 30 1795987284
c010cdf5+z 1795987284724913
";

#[test]
fn a_ledger_from_before_uidvalidity_is_read_on_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let key = AccountKey::new("pop3", "localhost", 40_915, "ana");
    assert_eq!(key.file_name(), "pop3_ana@localhost_40915-aefd2099.ledger");
    let path = dir.path().join(key.file_name());
    let mut file = durable_file(&path);
    std::io::Write::write_all(&mut file, WITHOUT_VALIDITY.as_bytes()).unwrap();
    let open = || Ledger::open(dir.path(), &key, Duration::from_secs(60), &|| false).unwrap();
    let mut ledger = open();
    assert_eq!((ledger.validity(), ledger.known_count()), (None, 1));
    assert!(ledger.knows(b"uid%2") && !ledger.has_proof(b"uid%2", Some(26)).unwrap());
    for (uid, size, hash) in [(b"uid-1", 26, 0xa0), (b"uid-3", 30, 0xb9)] {
        let known = ledger.lookup(uid)[0];
        assert_eq!(known.state(), Some(State::Deleted(1_795_987_284)));
        assert_eq!(hash_of(&ledger, &known).unwrap()[0], hash);
        let proof = ledger.proof(uid, Some(size)).unwrap().unwrap();
        assert_eq!(proof.identity(), &key.identity(uid, 0));
    }
    assert_eq!(text(&ledger), WITHOUT_VALIDITY.as_bytes(), "reading changes nothing");
    ledger.mark_seen([(&b"more"[..], 0, None)]).unwrap();
    assert!(text(&ledger).starts_with(WITHOUT_VALIDITY.as_bytes()), "and what is written comes behind it");
    drop(ledger);
    assert_eq!(open().known_count(), 2);
}

fn durable_file(path: &Path) -> std::fs::File {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap()
}

#[test]
fn uids_count_under_the_uidvalidity_they_were_recorded_under_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let key = AccountKey::new("imap", "imap.example.org", 993, "ana").folder(b"INBOX");
    let open = || Ledger::open(dir.path(), &key, Duration::from_secs(60), &|| false).unwrap();
    let one = |ledger: &Ledger| Delivered {
        identity: ledger.identity(b"1", 0),
        tag: 0,
        wire_size: Some(5),
        place: Place::Stdout,
        size: 5,
        sha256: [9; 32],
        intent: None,
        is_old: false,
    };
    let mut identities = std::collections::HashSet::new();
    for validity in [7, u32::MAX, 7] {
        let mut ledger = open();
        ledger.begin_validity(validity).unwrap();
        // What was known under another names nothing here: neither a proof nor a deletion comes of it.
        assert!(!ledger.knows(b"1") && !ledger.has_proof(b"1", Some(5)).unwrap(), "{validity}");
        assert!(ledger.pending().next().is_none() && ledger.least_size(b"2", None).is_none());
        let delivered = one(&ledger);
        identities.insert(delivered.identity().key());
        ledger.record(vec![delivered], Afterwards::Delete).unwrap();
        ledger.outgrown(b"2", None, 100).unwrap();
        ledger.begin_validity(validity).unwrap();
        assert!(ledger.has_proof(b"1", Some(5)).unwrap() && ledger.pending().count() == 1);
        drop(ledger);
        for compacted in [false, true] {
            let mut ledger = open();
            assert_eq!((ledger.validity(), ledger.known_count()), (Some(validity), 1), "{compacted}");
            assert!(ledger.has_proof(b"1", Some(5)).unwrap() && ledger.pending().count() == 1);
            assert_eq!(ledger.least_size(b"2", None), Some(100));
            ledger.compact(durable::now()).unwrap();
        }
        let mut looked = Ledger::peek(dir.path(), &key).unwrap();
        looked.begin_validity(validity).unwrap();
        assert!(looked.has_proof(b"1", Some(5)).unwrap());
        looked.begin_validity(validity ^ 1).unwrap();
        assert!(!looked.knows(b"1") && !looked.has_proof(b"1", Some(5)).unwrap(), "and nothing is written");
        let text = text(&open());
        let lines = text.split(|octet| *octet == b'\n').filter(|line| line.get(9) == Some(&b'v')).count();
        assert_eq!(lines, 1, "of what is void nothing is kept");
    }
    assert_eq!(identities.len(), 2, "a UID under another UIDVALIDITY is another message");
}

/// A ledger of the first version under `key`, with these bodies of records.
fn first_version(dir: &Path, key: &AccountKey, bodies: &[String]) -> std::path::PathBuf {
    let mut lines = vec![format!("postie-ledger 1 {}", key.as_str())];
    lines.extend(bodies.iter().map(|body| format!("{:08x}{body}", crc32fast::hash(body.as_bytes()))));
    let path = dir.join(key.file_name());
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    path
}

#[test]
fn a_ledger_under_a_default_port_is_found_and_its_messages_keep_their_identities() {
    for port in 0..2 {
        let dir = tempfile::tempdir().unwrap();
        let older = key().older()[port].clone();
        let bodies =
            [format!("+d 1 0 5 1 {} k -", "09".repeat(32)), "+o 77 maildir:/m".to_owned(), "+a 2".to_owned()];
        let path = first_version(dir.path(), &older, &bodies);
        let looked = Ledger::peek(dir.path(), &key()).unwrap();
        assert!(looked.has_proof(b"1", Some(5)).unwrap() && path.exists());
        for run in 0..3 {
            let mut ledger = open(dir.path()).unwrap();
            assert_eq!(
                ledger.proof(b"1", Some(5)).unwrap().unwrap().identity(),
                &older.identity(b"1", 0),
                "{run}"
            );
            assert!(ledger.is_ambiguous(b"2") && !ledger.is_empty());
            assert_eq!(ledger.unclosed(b"maildir:/m").is_some(), run < 2, "what is unsettled goes over too");
            assert!(!path.exists(), "one account has one ledger");
            if run == 1 {
                ledger.settle([77]);
                ledger.compact(durable::now()).unwrap();
                ledger.close().unwrap();
                let header = text(&open(dir.path()).unwrap());
                assert!(header.starts_with(
                    format!("postie-ledger 2 {} {}\n", key().as_str(), older.as_str()).as_bytes()
                ));
                let mut ledger = open(dir.path()).unwrap();
                ledger.settle([77]);
                ledger.close().unwrap();
            }
        }
    }
}

#[test]
fn an_older_ledger_that_is_damaged_or_in_use_is_an_error_and_no_empty_history() {
    let dir = tempfile::tempdir().unwrap();
    let older = key().older()[0].clone();
    let path = first_version(dir.path(), &older, &["+a 2".to_owned()]);
    let good = std::fs::read(&path).unwrap();
    let lock = disk::lock_of(&path, Duration::ZERO, &|| false).unwrap();
    let held = Ledger::open(dir.path(), &key(), Duration::ZERO, &|| false);
    assert!(matches!(held, Err(StoreError::Locked { .. })));
    drop(lock);
    std::fs::write(&path, &good[1..]).unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::Damaged { .. })));
    std::fs::write(&path, &good).unwrap();
    assert!(open(dir.path()).unwrap().is_ambiguous(b"2"));
}

/// A ledger of the same user on another server, with so many messages of size 5.
fn elsewhere(dir: &Path, count: usize, afterwards: Afterwards) -> AccountKey {
    let other = AccountKey::new("pop3", "old.example.org", 995, "ana");
    let mut ledger = Ledger::open(dir, &other, Duration::ZERO, &|| false).unwrap();
    let batch = (0..count).map(|n| delivered(format!("uid{n}").as_bytes(), 0, Some(5))).collect();
    ledger.record(batch, afterwards).unwrap();
    ledger.close().unwrap();
    other
}

fn listed(uids: &[String], other: usize) -> Vec<(&[u8], Option<u64>)> {
    let size = |n| if n < other { Some(6) } else { Some(5) };
    uids.iter().enumerate().map(|(n, uid)| (uid.as_bytes(), size(n))).collect()
}

#[test]
fn a_ledger_of_another_server_is_taken_over_if_its_messages_are_those_listed() {
    // So many are known there, so many listed here, so many of these with another size.
    for (known, here, other, taken) in [
        (2, 2, 0, false),
        (3, 3, 0, true),
        (3, 3, 1, false),
        (19, 19, 0, true),
        (19, 19, 1, false),
        (20, 20, 2, true),
        (20, 20, 3, false),
        (100, 100, 10, true),
        (100, 100, 11, false),
        (25, 30, 0, true),
        (30, 25, 0, true),
        (0, 30, 0, false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let from = elsewhere(dir.path(), known, Afterwards::Keep);
        let uids: Vec<String> = (0..here).map(|n| format!("uid{n}")).collect();
        let rows = listed(&uids, other);
        let mut looked = Ledger::peek(dir.path(), &key()).unwrap();
        assert_eq!(
            looked.take_over(rows.iter().copied(), &[]).unwrap().is_some(),
            taken,
            "{known} {here} {other}"
        );
        let mut ledger = open(dir.path()).unwrap();
        assert_eq!(ledger.take_over(rows.iter().copied(), &[]).unwrap(), taken.then(|| from.clone()));
        for run in 0..2 {
            assert_eq!(ledger.known_count(), if taken { known } else { 0 }, "{known} {here} {other} {run}");
            assert!(
                !ledger.has_proof(b"uid9", Some(5)).unwrap() && !ledger.has_proof(b"uid2", Some(5)).unwrap()
            );
            if taken {
                let known = ledger.lookup(b"uid2")[0];
                assert!(known.is_elsewhere() && hash_of(&ledger, &known) == Some([9; 32]));
                assert_eq!(ledger.identity(b"uid2", 0), from.identity(b"uid2", 0));
                ledger.compact(durable::now()).unwrap();
            }
            drop(ledger);
            ledger = open(dir.path()).unwrap();
            assert!(!taken || ledger.take_over(rows.iter().copied(), &[]).unwrap().is_none(), "once");
        }
        if taken {
            // Compared, it is this account's own.
            let known = ledger.lookup(b"uid2")[0];
            ledger.resized(&[(b"uid2", known, Some(5))]).unwrap();
            ledger.compact(durable::now()).unwrap();
            drop(ledger);
            let ledger = open(dir.path()).unwrap();
            assert!(
                ledger.has_proof(b"uid2", Some(5)).unwrap() && !ledger.has_proof(b"uid1", Some(5)).unwrap()
            );
        }
    }
}

#[test]
fn a_ledger_that_is_anothers_or_in_use_is_not_taken_over() {
    let uids: Vec<String> = (0..5).map(|n| format!("uid{n}")).collect();
    let rows = listed(&uids, 0);
    let dir = tempfile::tempdir().unwrap();
    let from = elsewhere(dir.path(), 5, Afterwards::Keep);
    let mut ledger = open(dir.path()).unwrap();
    assert!(
        ledger.take_over(rows.iter().copied(), std::slice::from_ref(&from)).unwrap().is_none(),
        "configured"
    );
    let lock = disk::lock_of(&dir.path().join(from.file_name()), Duration::ZERO, &|| false).unwrap();
    assert!(ledger.take_over(rows.iter().copied(), &[]).unwrap().is_none(), "in use");
    drop(lock);
    let unsized_rows: Vec<_> = rows.iter().map(|row| (row.0, None)).collect();
    assert!(
        ledger.take_over(unsized_rows.iter().copied(), &[]).unwrap().is_none(),
        "UIDs alone say too little"
    );
    let anna = AccountKey::new("pop3", "pop.example.org", 995, "anna");
    let mut other = Ledger::open(dir.path(), &anna, Duration::ZERO, &|| false).unwrap();
    assert!(other.take_over(rows.iter().copied(), &[]).unwrap().is_none(), "another user's");
    ledger.mark_seen([(&b"x"[..], 0, None)]).unwrap();
    assert!(ledger.take_over(rows.iter().copied(), &[]).unwrap().is_none(), "there is a ledger");
}

#[test]
fn a_deletion_stays_pending_until_it_is_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.record(vec![delivered(b"1", 0, None), delivered(b"2", 0, Some(4))], Afterwards::Delete).unwrap();
    ledger.record(vec![delivered(b"3", 0, None)], Afterwards::Keep).unwrap();
    ledger.close().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    let mut pending: Vec<&[u8]> = ledger.pending().map(|(uid, _)| uid).collect();
    pending.sort_unstable();
    assert_eq!(pending, [b"1", b"2"]);
    let proofs = [ledger.proof(b"1", None).unwrap().unwrap(), ledger.proof(b"2", Some(4)).unwrap().unwrap()];
    ledger.deleted(proofs.iter().map(Going::Proven)).unwrap();
    let proof = ledger.proof(b"3", None).unwrap().unwrap();
    ledger.pend([Going::Proven(&proof)]).unwrap();
    ledger.close().unwrap();
    let ledger = open(dir.path()).unwrap();
    assert_eq!(ledger.pending().map(|(uid, _)| uid).collect::<Vec<_>>(), [b"3"]);
    assert_eq!(ledger.known_count(), 1);
    assert!(matches!(ledger.lookup(b"2")[0].state(), Some(State::Deleted(_))));
}

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
fn a_newer_format_and_another_account_are_told_apart_from_damage() {
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
fn looking_makes_nothing_and_a_directory_that_cannot_be_made_is_an_error() {
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
fn a_ledger_that_is_only_looked_at_cannot_be_written_to() {
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
fn compaction_keeps_every_fact_that_still_counts() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    let run = ledger.run;
    for turn in 0..400 {
        ledger.record(vec![delivered(b"again", 0, Some(1))], Afterwards::Keep).unwrap();
        assert_eq!(ledger.lookup(b"again").len(), 1, "{turn}");
    }
    ledger.note_ambiguous([&b"twice"[..]]).unwrap();
    ledger.note_first_seen([&b"seen"[..]], 77).unwrap();
    ledger.record(vec![delivered(b"p", 2, None), delivered(b"x", 0, None)], Afterwards::Delete).unwrap();
    ledger.deleted([Going::Proven(&ledger.proof(b"x", None).unwrap().unwrap())]).unwrap();
    let old = Record::Deleted { uid: b"old"[..].into(), copy: 0, size: None, time: 1000 };
    ledger.record(vec![delivered(b"old", 0, None)], Afterwards::Keep).unwrap();
    ledger.write(vec![old], Sync::Later).unwrap();
    let before = text(&ledger).len();
    ledger.close().unwrap();
    let ledger = open(dir.path()).unwrap();
    assert!(text(&ledger).len() < before / 10);
    assert!(ledger.run > run);
    assert!(ledger.is_ambiguous(b"twice") && ledger.first_seen(b"seen") == Some(77));
    assert_eq!(ledger.lookup(b"again").len(), 1);
    assert_eq!((ledger.lookup(b"p")[0].copy, ledger.lookup(b"p")[0].state()), (2, Some(State::Pending)));
    assert!(matches!(ledger.lookup(b"x")[0].state(), Some(State::Deleted(_))), "not 30 days ago");
    assert!(ledger.lookup(b"old").is_empty(), "long deleted");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "ledger and lock");
}

#[test]
fn a_deleted_message_that_is_listed_is_remembered_for_longer() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.record(vec![delivered(b"1", 0, None)], Afterwards::Delete).unwrap();
    let old = Record::Deleted { uid: b"1"[..].into(), copy: 0, size: None, time: 1000 };
    ledger.write(vec![old], Sync::Later).unwrap();
    ledger.note_listed([&b"1"[..], b"2"]).unwrap();
    assert!(matches!(ledger.lookup(b"1")[0].state(), Some(State::Deleted(time)) if time > 1000));
    let size = text(&ledger).len();
    ledger.note_listed([&b"1"[..]]).unwrap();
    assert_eq!(text(&ledger).len(), size);
}

#[test]
fn forgetting_makes_a_uid_new_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.record(vec![delivered(b"1", 0, None), delivered(b"2", 0, None)], Afterwards::Keep).unwrap();
    assert_eq!(ledger.forget([&b"1"[..], b"3"]).unwrap(), 1);
    ledger.close().unwrap();
    let ledger = open(dir.path()).unwrap();
    assert!(ledger.lookup(b"1").is_empty() && !ledger.lookup(b"2").is_empty());
}

#[test]
fn an_intent_lasts_until_all_its_messages_are_recorded_or_it_is_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let part = |uid: &'static [u8]| record::Part {
        uid: uid.into(),
        copy: 0,
        wire_size: None,
        from_line: 1,
        body: Some(2),
        sha256: Some([1; 32]),
        head: b"From"[..].into(),
    };
    let mut ledger = open(dir.path()).unwrap();
    let first = ledger.intend(b"/m", (5, 1), vec![part(b"a"), part(b"b")], None).unwrap();
    let second = ledger.intend(b"/m", (9, 0), vec![part(b"c")], None).unwrap();
    ledger
        .record(vec![Delivered { intent: Some(first), ..delivered(b"a", 0, None) }], Afterwards::Keep)
        .unwrap();
    drop(ledger);
    let mut ledger = open(dir.path()).unwrap();
    let intents = ledger.intents_for(b"/m");
    assert_eq!(intents.len(), 2);
    assert_eq!((intents[0].offset, intents[0].lead, &intents[0].done[..]), (5, 1, &[true, false][..]));
    assert!(ledger.intents_for(b"/other").is_empty());
    ledger
        .record(vec![Delivered { intent: Some(first), ..delivered(b"b", 0, None) }], Afterwards::Keep)
        .unwrap();
    ledger.cancel(second).unwrap();
    assert!(ledger.intents_for(b"/m").is_empty());
    drop(ledger);
    assert!(open(dir.path()).unwrap().intents_for(b"/m").is_empty());
}

#[test]
fn an_intent_whose_write_was_torn_was_never_acted_on() {
    let dir = tempfile::tempdir().unwrap();
    let part = record::Part {
        uid: b"a"[..].into(),
        copy: 0,
        wire_size: None,
        from_line: 1,
        body: None,
        sha256: None,
        head: b"From"[..].into(),
    };
    let mut ledger = open(dir.path()).unwrap();
    ledger.intend(b"/m", (5, 1), vec![part.clone(), part], None).unwrap();
    let (whole, path) = (text(&ledger), ledger.path().to_owned());
    drop(ledger);
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(open(dir.path()).unwrap().intents_for(b"/m").is_empty());
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(open(dir.path()).unwrap().intents_for(b"/m").len(), 1);
}

#[test]
fn what_a_killed_run_left_beside_a_ledger_is_removed_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let name = key().file_name();
    let left = dir.path().join(format!(".{name}.1.2.3"));
    let others = [format!(".{}.1.2.3", name.replace("ana", "eve")), format!("{name}.old"), ".x".to_owned()];
    others.iter().for_each(|other| std::fs::write(dir.path().join(other), "precious").unwrap());
    std::fs::write(&left, "half a led").unwrap();
    let mut ledger = open(dir.path()).unwrap();
    assert!(!left.exists(), "left by a run that made the ledger");
    std::fs::write(&left, "half a led").unwrap();
    ledger.compact(0).unwrap();
    assert!(!left.exists(), "left by a compaction");
    assert!(others.iter().all(|other| dir.path().join(other).exists()));
}
