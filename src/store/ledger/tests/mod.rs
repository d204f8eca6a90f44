mod files;
mod moving;
mod proofs;

use super::*;
use crate::store::delivered::{Delivered, Place};
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
        details: None,
        identity: key().identity(uid, copy),
        tag: 7,
        wire_size,
        place: Place::Stdout,
        size: 3,
        sha256: [9; 32],
        intent: None,
        print: None,
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
fn the_next_run_knows_what_was_recorded_and_nothing_else() {
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
            (0, Some(5), Some([9; 32]), Some(ServerState::Kept))
        );
    }
    assert!(ledger.lookup(b"A").is_empty() && ledger.lookup(b"").is_empty());
}

#[test]
fn a_run_without_anything_new_writes_nothing() {
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
fn a_copy_is_remembered_from_its_announcement_until_it_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path()).unwrap();
    ledger.begin_validity(5).unwrap();
    assert_eq!(ledger.announce_copy(b"Old mail/\xe4", Some((7, 12)), "1:3,9").unwrap(), 1);
    assert_eq!(ledger.announce_copy(b"b", None, "4").unwrap(), 2);
    assert_eq!(ledger.announce_copy(b"b", None, "5").unwrap(), 3);
    ledger.copy_made(1, "1:2").unwrap();
    ledger.end_copy(2).unwrap();
    for compacted in [false, true, true] {
        let [made, unknown] = ledger.copies() else { panic!("{:?}", ledger.copies()) };
        assert_eq!((made.id, &made.folder[..], made.before), (1, &b"Old mail/\xe4"[..], Some((7, 12))));
        assert_eq!((&made.uids[..], made.is_made), (&b"1:2"[..], true));
        assert_eq!((unknown.id, unknown.before, unknown.is_made), (3, None, false));
        if compacted {
            ledger.compact(durable::now()).unwrap();
        }
        drop(ledger);
        ledger = open(dir.path()).unwrap();
    }
    assert_eq!(ledger.announce_copy(b"c", None, "6").unwrap(), 4);
    ledger.begin_validity(6).unwrap();
    let [one] = ledger.copies() else { panic!("{:?}", ledger.copies()) };
    assert_eq!((one.id, one.before, one.is_made), (1, Some((7, 12)), false), "it may be of any message now");
    assert_eq!(&one.uids[..], b"1:4294967295");
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
    assert_eq!(
        (ledger.lookup(b"p")[0].copy, ledger.lookup(b"p")[0].state()),
        (2, Some(ServerState::Pending))
    );
    assert!(matches!(ledger.lookup(b"x")[0].state(), Some(ServerState::Deleted(_))), "not 30 days ago");
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
    assert!(matches!(ledger.lookup(b"1")[0].state(), Some(ServerState::Deleted(time)) if time > 1000));
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
    let part = |uid: &'static [u8]| record::IntentPart {
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
fn an_intent_whose_write_was_torn_counts_as_never_carried_out() {
    let dir = tempfile::tempdir().unwrap();
    let part = record::IntentPart {
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
