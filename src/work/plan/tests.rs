use super::*;
use crate::store::{AccountKey, Afterwards, Mboxrd, Sink, Stdout, Subject};
use std::time::Duration;

/// A ledger that knows these UIDs with these sizes, in a directory that lives as long as it.
fn ledger(known: &[(&str, Option<u64>)]) -> (tempfile::TempDir, Ledger) {
    let dir = tempfile::tempdir().unwrap();
    let key = AccountKey::new("pop3", "pop.example.org", 995, "ana");
    let mut ledger = Ledger::open(dir.path(), &key, Duration::ZERO, &|| false).unwrap();
    for (uid, size) in known {
        store(&mut ledger, uid, *size, uid.as_bytes());
    }
    (dir, ledger)
}

/// Stores a message for good and records it.
fn store(ledger: &mut Ledger, uid: &str, size: Option<u64>, content: &[u8]) {
    let identity = ledger.identity(uid.as_bytes(), 0);
    let mut sink = Stdout::new(Box::new(std::io::sink()), Box::new(Mboxrd));
    sink.begin(&Subject { identity: &identity, tag: 0, wire_size: size, number: 1, details: None }).unwrap();
    sink.write(ledger, content).unwrap();
    sink.finish().unwrap();
    let delivered = sink.commit(ledger).unwrap();
    ledger.record(delivered, Afterwards::Keep).unwrap();
}

fn listing(rows: &[(&str, Option<u64>)]) -> Listing {
    let mut listing = Listing::default();
    listing.has_uids = true;
    for (number, (uid, size)) in (1..).zip(rows) {
        listing.push(number, Some(uid.as_bytes()), *size);
    }
    listing
}

fn fetched(plan: &Plan) -> Vec<usize> {
    plan.get.iter().map(|get| get.place() + 1).collect()
}

fn delete() -> Policy {
    Policy { after: After::Delete, ..Policy::default() }
}

#[test]
fn only_what_is_not_recorded_is_fetched() {
    let (_dir, ledger) = ledger(&[("a", Some(10)), ("b", None)]);
    let listing = listing(&[("a", Some(10)), ("b", Some(20)), ("c", Some(30)), ("a2", None)]);
    let plan = plan(&listing, &ledger, &Policy::default(), 0).unwrap();
    assert_eq!(fetched(&plan), [3, 4]);
    assert_eq!(plan.new, [false, false, true, true]);
    assert!(plan.delete.is_empty());
}

#[test]
fn a_uid_with_another_size_is_compared_and_no_reason_to_delete() {
    let (_dir, ledger) = ledger(&[("a", Some(10))]);
    let plan = plan(&listing(&[("a", Some(11))]), &ledger, &delete(), 0).unwrap();
    assert_eq!(fetched(&plan), [1]);
    assert!(plan.delete.is_empty());
    assert!(plan.get[0].is_adoptable(), "the size that a killed run noted tells which one a copy is of");
    let [rival] = plan.rivals(&plan.get[0]) else { panic!("one that it may be") };
    assert_eq!((rival.known.size, rival.due, plan.new[0]), (Some(10), true, false));
    let all =
        super::plan(&listing(&[("a", Some(11))]), &ledger, &Policy { all: true, ..delete() }, 0).unwrap();
    assert!(all.rivals(&all.get[0]).is_empty(), "what is wanted again is not compared");
}

#[test]
fn a_mark_is_nothing_to_compare_with() {
    let (_dir, mut ledger) = ledger(&[]);
    ledger.mark_seen([(&b"a"[..], 0, Some(10))]).unwrap();
    let plan = plan(&listing(&[("a", Some(11))]), &ledger, &delete(), 0).unwrap();
    assert!(plan.rivals(&plan.get[0]).is_empty() && plan.new[0]);
}

#[test]
fn sizes_that_always_change_are_no_sign_but_for_a_deletion() {
    let (_dir, mut ledger) = ledger(&[("a", Some(10)), ("b", Some(10))]);
    for size in [11, 12] {
        store(&mut ledger, "a", Some(size), b"a");
        store(&mut ledger, "b", Some(size), format!("{size}").as_bytes());
    }
    let rows = listing(&[("a", Some(13)), ("b", Some(13))]);
    let kept = plan(&rows, &ledger, &Policy::default(), 0).unwrap();
    assert_eq!(fetched(&kept), [2], "three messages were stored under the other");
    let deleting = plan(&rows, &ledger, &delete(), 0).unwrap();
    assert_eq!((fetched(&deleting), deleting.delete.len()), (vec![1, 2], 0));
    // Each size it was listed with is one message's.
    let twins = listing(&[("a", Some(11)), ("a", Some(12))]);
    let plan = plan(&twins, &ledger, &delete(), 0).unwrap();
    assert_eq!((fetched(&plan), plan.rivals(&plan.get[0]).len()), (vec![2], 0));
}

#[test]
fn an_unknown_size_is_not_another_size() {
    for (known, listed) in [(None, Some(10)), (Some(10), None), (None, None)] {
        let (_dir, ledger) = ledger(&[("a", known)]);
        let plan = plan(&listing(&[("a", listed)]), &ledger, &Policy::default(), 0).unwrap();
        assert_eq!(fetched(&plan), [0; 0]);
    }
}

#[test]
fn twins_are_all_fetched_and_none_is_deleted_on_its_uid() {
    let (_dir, ledger) = ledger(&[("a", Some(10))]);
    let twins = listing(&[("a", Some(10)), ("b", Some(5)), ("a", Some(12)), ("a", Some(10))]);
    let plan = plan(&twins, &ledger, &delete(), 0).unwrap();
    assert_eq!(fetched(&plan), [2, 3, 4]);
    assert_eq!(plan.skip, [(0, Reason::Ambiguous)]);
    assert!(plan.delete.is_empty());
    assert_eq!(plan.ambiguous(&twins).collect::<Vec<_>>(), [b"a"]);
    let copies: HashSet<_> = plan.get.iter().map(|get| plan.identity(get, &twins, &ledger).key()).collect();
    assert_eq!(copies.len(), 3, "every copy has an identity of its own");
}

#[test]
fn a_uid_that_was_ambiguous_once_never_deletes_again() {
    let (_dir, mut ledger) = ledger(&[("a", Some(10))]);
    ledger.note_ambiguous([&b"a"[..]]).unwrap();
    let plan = plan(&listing(&[("a", Some(10))]), &ledger, &delete(), 0).unwrap();
    assert!(plan.delete.is_empty() && plan.get.is_empty());
    assert_eq!(plan.skip, [(0, Reason::Ambiguous)]);
}

#[test]
fn what_is_recorded_is_deleted_when_its_time_has_come() {
    let (_dir, mut ledger) = ledger(&[("a", Some(10)), ("b", Some(10))]);
    ledger.note_first_seen([&b"a"[..]], 1000).unwrap();
    let after =
        |seconds| Policy { after: After::DeleteAfter(Duration::from_secs(seconds)), ..Policy::default() };
    let rows = listing(&[("a", Some(10)), ("b", Some(10))]);
    let places = |plan: Plan| plan.delete;
    assert_eq!(places(plan(&rows, &ledger, &after(500), 1499).unwrap()), [0; 0]);
    assert_eq!(places(plan(&rows, &ledger, &after(500), 1500).unwrap()), [0]);
    assert_eq!(places(plan(&rows, &ledger, &after(500), 10).unwrap()), [0; 0], "the clock went back");
    assert_eq!(places(plan(&rows, &ledger, &delete(), 0).unwrap()), [0, 1]);
    assert_eq!(places(plan(&rows, &ledger, &Policy::default(), u64::MAX).unwrap()), [0; 0]);
}

#[test]
fn what_was_only_marked_is_known_and_never_deleted() {
    let (_dir, mut ledger) = ledger(&[("stored", Some(10))]);
    let marks = [(&b"a"[..], 0, Some(10)), (b"b", 0, None), (b"t", 0, Some(1)), (b"t", 1, Some(1))];
    ledger.mark_seen(marks).unwrap();
    let rows =
        listing(&[("a", Some(10)), ("b", Some(10)), ("stored", Some(10)), ("t", Some(1)), ("t", Some(1))]);
    for after in [After::Delete, After::DeleteAfter(Duration::ZERO)] {
        let plan = plan(&rows, &ledger, &Policy { after, ..Policy::default() }, u64::MAX).unwrap();
        assert!(plan.get.is_empty() && plan.skip.is_empty(), "{plan:?}");
        assert_eq!(plan.delete, [2]);
    }
    let all = plan(&rows, &ledger, &Policy { all: true, ..delete() }, 0).unwrap();
    assert_eq!(all.get.len(), 5);
}

#[test]
fn limits_narrow_what_is_fetched_and_say_so() {
    let (_dir, ledger) = ledger(&[]);
    let rows = listing(&[("a", Some(10)), ("b", Some(900)), ("c", Some(10)), ("d", None), ("", Some(1))]);
    let policy = Policy { limit: Some(2), max_size: Some(100), ..Policy::default() };
    let plan = plan(&rows, &ledger, &policy, 0).unwrap();
    assert_eq!(fetched(&plan), [1, 3]);
    assert_eq!(plan.skip, [(1, Reason::TooLarge), (3, Reason::BeyondLimit), (4, Reason::NoUid)]);
    let policy = Policy { uids: Some([b"c".to_vec()].into()), ..Policy::default() };
    assert_eq!(fetched(&super::plan(&rows, &ledger, &policy, 0).unwrap()), [3]);
    let policy = Policy { all: true, ..Policy::default() };
    assert_eq!(fetched(&super::plan(&rows, &ledger, &policy, 0).unwrap()), [1, 2, 3, 4]);
}

#[test]
fn a_mailbox_whose_known_uids_are_all_gone_stops_the_run() {
    let names: Vec<String> = (0..RESET_THRESHOLD).map(|n| format!("old{n}")).collect();
    let known: Vec<_> = names.iter().map(|name| (name.as_str(), Some(1))).collect();
    let (_dir, enough) = ledger(&known);
    let other = listing(&[("new", Some(1))]);
    let failure = plan(&other, &enough, &Policy::default(), 0).unwrap_err();
    assert_eq!(failure.kind(), Kind::UidReset);
    let policy = Policy { accept_uid_reset: true, ..Policy::default() };
    assert_eq!(fetched(&plan(&other, &enough, &policy, 0).unwrap()), [1]);
    assert!(plan(&listing(&[]), &enough, &Policy::default(), 0).is_ok(), "an empty mailbox is no reset");
    assert!(plan(&listing(&[("new", None), ("old3", None)]), &enough, &Policy::default(), 0).is_ok());
    let (_dir, few) = ledger(&known[1..]);
    assert!(plan(&other, &few, &Policy::default(), 0).is_ok());
}

#[test]
fn without_uids_messages_are_fetched_only_where_they_go() {
    let (_dir, ledger) = ledger(&[]);
    let mut rows = listing(&[("", Some(1)), ("", Some(1))]);
    rows.has_uids = false;
    assert_eq!(plan(&rows, &ledger, &Policy::default(), 0).unwrap_err().kind(), Kind::Missing);
    let plan = plan(&rows, &ledger, &delete(), 0).unwrap();
    assert_eq!(fetched(&plan), [1, 2]);
    let identity = |at: usize| plan.identity(&plan.get[at], &rows, &ledger);
    assert_ne!(identity(0), identity(1));
}

#[test]
fn a_uidl_that_is_gone_is_no_reason_to_fetch_everything_again() {
    let (_dir, ledger) = ledger(&[("a", Some(10))]);
    let mut rows = listing(&[("", Some(10)), ("", Some(1))]);
    rows.has_uids = false;
    assert_eq!(plan(&rows, &ledger, &delete(), 0).unwrap_err().kind(), Kind::Missing);
    let policy = Policy { all: true, ..delete() };
    assert_eq!(fetched(&plan(&rows, &ledger, &policy, 0).unwrap()), [1, 2]);
}

#[test]
fn what_is_shunned_is_left_alone_and_deletions_go_on_without_fetching() {
    let (_dir, ledger) = ledger(&[("a", Some(10))]);
    let rows = listing(&[("a", Some(10)), ("b", Some(1)), ("c", Some(1)), ("", Some(1))]);
    let shunning = Policy { shunned: [b"b".to_vec()].into(), ..delete() };
    let some = plan(&rows, &ledger, &shunning, 0).unwrap();
    assert_eq!((fetched(&some), some.delete.len()), (vec![3], 1));
    let deleting = Policy { deletions_only: true, ..delete() };
    let none = plan(&rows, &ledger, &deleting, 0).unwrap();
    assert_eq!((fetched(&none), none.delete.len(), none.skip.len()), (vec![], 1, 0));
}
