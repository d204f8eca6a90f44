//! Ledgers of older versions, and those that move.

use super::*;
use crate::store::ledger::FoundSame;

#[test]
fn a_ledger_of_the_previous_version_is_read_and_gets_the_new_version_at_the_first_write() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = [
        format!("+d stored 0 5 1 {} k -", "09".repeat(32)),
        "+d marked 0 7 1 - k -".to_owned(),
        "+p marked 0 7".to_owned(),
    ];
    let path = first_version(dir.path(), &key(), &bodies);
    let old = std::fs::read(&path).unwrap();
    let mut ledger = open(dir.path()).unwrap();
    assert!(ledger.has_proof(b"stored", Some(5)).unwrap() && !ledger.has_proof(b"marked", Some(7)).unwrap());
    assert!(ledger.pending().next().is_none() && ledger.known_count() == 2);
    assert_eq!(text(&ledger), old, "reading changes nothing");
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
fn a_ledger_without_uidvalidity_is_read_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let key = AccountKey::new("pop3", "localhost", 40_915, "ana");
    assert_eq!(key.file_name(), "pop3_ana@localhost_40915-aefd2099.ledger");
    let path = dir.path().join(key.file_name());
    std::fs::write(&path, WITHOUT_VALIDITY).unwrap();
    let open = || Ledger::open(dir.path(), &key, Duration::from_secs(60), &|| false).unwrap();
    let mut ledger = open();
    assert_eq!((ledger.validity(), ledger.known_count()), (None, 1));
    assert!(ledger.knows(b"uid%2") && !ledger.has_proof(b"uid%2", Some(26)).unwrap());
    for (uid, size, hash) in [(b"uid-1", 26, 0xa0), (b"uid-3", 30, 0xb9)] {
        let known = ledger.lookup(uid)[0];
        assert_eq!(known.state(), Some(ServerState::Deleted(1_795_987_284)));
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
fn an_older_ledger_that_is_damaged_or_in_use_is_an_error_and_not_an_empty_history() {
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
            ledger.found_same(&[FoundSame { uid: b"uid2", known, size: Some(5), is_former: false }]).unwrap();
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
