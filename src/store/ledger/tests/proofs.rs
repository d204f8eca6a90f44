//! What is proven, and of which message.

use super::*;

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
fn uids_count_under_the_uidvalidity_they_were_recorded_under_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let key = AccountKey::new("imap", "imap.example.org", 993, "ana").folder(b"INBOX");
    let open = || Ledger::open(dir.path(), &key, Duration::from_secs(60), &|| false).unwrap();
    let mut identities = std::collections::HashSet::new();
    for validity in [7, u64::MAX, 7] {
        let mut ledger = open();
        ledger.begin_validity(validity).unwrap();
        // What was known under another names nothing here: neither a proof nor a deletion comes of it.
        assert!(!ledger.knows(b"1") && !ledger.has_proof(b"1", Some(5)).unwrap(), "{validity}");
        assert!(ledger.pending().next().is_none() && ledger.least_size(b"2", None).is_none());
        let delivered = Delivered { identity: ledger.identity(b"1", 0), ..delivered(b"1", 0, Some(5)) };
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
