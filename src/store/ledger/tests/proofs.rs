//! What is proven, and of which message.

use super::*;
use crate::store::fingerprint::ContentHash;
use crate::store::ledger::FoundSame;
use sha2::{Digest as _, Sha256};

#[test]
fn a_proof_is_given_only_if_the_uid_means_one_message() {
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
fn a_reused_uid_is_new_and_its_old_message_is_found_by_content() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.begin_validity(5).unwrap();
    let printed = |copy, print| delivered(b"7", copy, None).printed(Some(print));
    ledger.record(vec![printed(0, u64::MAX)], Afterwards::Delete).unwrap();
    assert_eq!(ledger.print(b"7", Some(3)).unwrap(), Some(u64::MAX));
    for round in 1..=3 {
        ledger.note_reused([&b"7"[..]]).unwrap();
        assert!(!ledger.knows(b"7") && ledger.has_former());
        assert_eq!((ledger.first_copy(b"7"), ledger.first_copy(b"8")), (round, 0));
        assert_eq!(ledger.proof(b"7", None).unwrap(), None);
        ledger.close().unwrap();
        ledger = open(dir.path()).unwrap();
        assert_eq!(ledger.first_copy(b"7"), round);
        ledger.record(vec![printed(round, u64::from(round))], Afterwards::Keep).unwrap();
        ledger.end_former().unwrap();
        for compacted in [false, true] {
            let proof = ledger.proof(b"7", None).unwrap().expect("one message");
            assert_eq!(*proof.identity(), ledger.identity(b"7", round), "{compacted}");
            assert_eq!(ledger.print(b"7", None).unwrap(), Some(u64::from(round)), "{compacted}");
            ledger.compact(durable::now()).unwrap();
            drop(ledger);
            ledger = open(dir.path()).unwrap();
        }
    }
    ledger.begin_validity(6).unwrap();
    assert_eq!(ledger.first_copy(b"7"), 0);
}

#[test]
fn a_message_found_by_its_header_has_no_proof_until_its_content_was_compared() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.begin_validity(5).unwrap();
    let message = |uid: &[u8], sha256, print| Delivered { sha256, ..delivered(uid, 0, None).printed(print) };
    let batch = vec![
        message(b"1", [1; 32], Some(11)),
        message(b"2", [2; 32], Some(12)),
        message(b"3", [3; 32], Some(12)),
        message(b"4", [4; 32], None),
        message(b"5", [5; 32], Some(15)),
    ];
    ledger.record(batch, Afterwards::Delete).unwrap();
    ledger.begin_validity(6).unwrap();
    ledger.announce_copy(b"a", None, "9").unwrap();
    let prints = ledger.former_prints().unwrap();
    let [(11, place), (15, _)] = prints[..] else { panic!("neither what two have, nor nothing: {prints:?}") };
    assert_eq!(ledger.found_by_header([(&b"71"[..], place)].into_iter()).unwrap(), 1);
    assert!(matches!(ledger.former_prints().unwrap()[..], [(15, _)]));
    ledger.end_former().unwrap();
    for _ in 0..3 {
        let known = ledger.lookup(b"71")[0];
        assert!(known.is_elsewhere() && !ledger.has_proof(b"71", None).unwrap());
        assert_eq!((known.state(), hash_of(&ledger, &known)), (Some(ServerState::Pending), Some([1; 32])));
        assert_eq!(ledger.copies().len(), 1, "what is not known for sure voids no copy");
        ledger.compact(durable::now()).unwrap();
        drop(ledger);
        ledger = open(dir.path()).unwrap();
    }
    let known = ledger.lookup(b"71")[0];
    ledger.found_same(&[FoundSame { uid: b"71", known, size: None, is_former: false }]).unwrap();
    assert!(ledger.has_proof(b"71", None).unwrap());
    assert_eq!(ledger.print(b"71", None).unwrap(), Some(11));
}

#[test]
fn a_mark_proves_nothing_and_is_never_pending_or_deleted() {
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
            assert_eq!(ledger.lookup(uid)[0].fact, known::Fact::Marked);
        }
        assert!(ledger.pending().next().is_none());
        assert_eq!((ledger.known_count(), ledger.kept_count()), (2, 2));
        ledger.compact(durable::now()).unwrap();
    }
}

#[test]
fn a_marked_message_that_is_stored_later_counts_as_stored() {
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
fn uids_count_only_under_the_uidvalidity_they_were_recorded_under() {
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
        identities.insert(delivered.identity.key());
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
fn a_newly_stored_message_is_not_taken_for_a_former_one_with_the_same_content() {
    for is_killed in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = open(dir.path()).unwrap();
        let mut hash = ContentHash::default();
        hash.push(b"twin\n");
        let (hashes, sha256) = (hash.finish(), Sha256::digest(b"twin\n").into());
        let twin = |uid: &[u8]| Delivered { sha256, ..delivered(uid, 0, None) };
        ledger.begin_validity(7).unwrap();
        ledger.record(vec![twin(b"1")], Afterwards::Keep).unwrap();
        ledger.begin_validity(8).unwrap();
        // Its twin is new, and is recorded before it is itself.
        let known = ledger.take_former(&hashes).unwrap().unwrap();
        assert!(ledger.take_former(&hashes).unwrap().is_none());
        ledger.record(vec![twin(b"6")], Afterwards::Keep).unwrap();
        if !is_killed {
            ledger.found_same(&[FoundSame { uid: b"5", known, size: None, is_former: true }]).unwrap();
        }
        for validity in [8, 9] {
            drop(ledger);
            ledger = open(dir.path()).unwrap();
            ledger.begin_validity(validity).unwrap();
            let found = std::iter::from_fn(|| ledger.take_former(&hashes).unwrap()).count();
            let stored = if validity == 8 { 0 } else { 2 };
            assert_eq!(found, stored + usize::from(is_killed && validity == 8), "{is_killed} {validity}");
        }
    }
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
    assert!(matches!(ledger.lookup(b"2")[0].state(), Some(ServerState::Deleted(_))));
}
