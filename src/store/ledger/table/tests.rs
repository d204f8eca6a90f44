use super::*;
use crate::store::ledger::cell::IN_MEMORY;
use crate::store::ledger::known::Stored;

#[test]
fn uids_of_every_length_are_found_and_told_apart() {
    let mut table = UidTable::default();
    for len in 0..100 {
        table.note_first_seen(&vec![b'x'; len], len as u64);
    }
    for len in 0..100 {
        assert_eq!(table.get(&vec![b'x'; len]).and_then(|entry| entry.first_seen()), Some(len as u64));
    }
    assert_eq!(table.iter().count(), 100);
    table.remove(&[b'x'; 40]);
    assert!(table.get(&[b'x'; 40]).is_none() && table.iter().count() == 99);
    table.note_ambiguous(&[b'x'; 40]);
    assert_eq!(table.get(&[b'x'; 40]).map(|entry| entry.first_seen()), Some(None));
    assert!(table.get(&[b'x'; 38]).is_some() && table.get(&[0; 3]).is_none());
}

#[test]
fn entries_are_applied_in_order_and_belong_to_one_uid() {
    let fact = Fact::Stored(Stored { state: ServerState::Kept });
    let known = |size, at| Known { copy: 0, size, time: 0, fact, at };
    let mut table = UidTable::default();
    for round in 0..3 {
        for n in 0..1000u64 {
            table.deliver(n.to_string().as_bytes(), known(Some(n % 2 * round), 1000 * round + n));
        }
        if round == 1 {
            table.settle();
            table.remove(b"7");
        }
    }
    table.settle();
    assert_eq!(table.iter().count(), 1000);
    for n in 0..1000u64 {
        let lines: Vec<u64> =
            table.get(n.to_string().as_bytes()).unwrap().known().iter().map(|known| known.at).collect();
        match n {
            7 => assert_eq!(lines, [2007], "what came before was taken out"),
            _ if n % 2 == 0 => assert_eq!(lines, [2000 + n]),
            _ => assert_eq!(lines, [n, 1000 + n, 2000 + n]),
        }
    }
}

#[test]
fn a_wrong_guess_finds_the_same_as_a_right_one() {
    let mut table = UidTable::default();
    assert!(table.get_near(b"0", 0).is_none());
    let uids: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
    for uid in &uids {
        table.note_first_seen(uid.as_bytes(), 1);
    }
    table.remove(b"500");
    for (place, uid) in uids.iter().enumerate() {
        for guess in [0, place, place + 1, usize::MAX] {
            let found = table.get_near(uid.as_bytes(), guess).map(|found| found.place());
            assert_eq!(found, (place != 500).then_some(place), "{uid} near {guess}");
        }
    }
    assert!(
        table
            .iter()
            .map(|memory| memory.uid())
            .eq(uids.iter().filter(|uid| *uid != "500").map(|uid| uid.as_bytes()))
    );
}

#[test]
fn values_that_do_not_fit_into_a_cell_are_kept_unchanged() {
    let (big, states) = (
        u64::from(u32::MAX),
        [ServerState::Kept, ServerState::Pending, ServerState::Deleted(7), ServerState::Deleted(1 << 40)],
    );
    let facts = states
        .into_iter()
        .flat_map(|state| [Fact::Stored(Stored { state }), Fact::Elsewhere(Stored { state }), Fact::Marked]);
    let mut table = UidTable::default();
    let mut all = Vec::new();
    for fact in facts {
        for size in [None, Some(0), Some(big - 1), Some(big), Some(u64::MAX)] {
            for (copy, time, at) in [(0, big, 0), (1, 5, 5), (0, big + 1, 1 << 38), (0, 5, 1 << 39)] {
                for at in [at, at | IN_MEMORY] {
                    all.push(Known { copy, size, time, fact, at });
                }
            }
        }
    }
    for (n, known) in all.iter().enumerate() {
        table.deliver(n.to_string().as_bytes(), *known);
    }
    table.settle();
    for (n, known) in all.iter().enumerate() {
        assert_eq!(table.get(n.to_string().as_bytes()).unwrap().known()[..], [*known]);
        table.set(n.to_string().as_bytes(), known.copy, known.size, ServerState::Deleted(9));
        let now = table.get(n.to_string().as_bytes()).unwrap().known()[0];
        match known.fact {
            Fact::Stored(_) => assert_eq!(now.state(), Some(ServerState::Deleted(9))),
            _ => assert_eq!(now, *known),
        }
    }
    assert!(size_of::<Cell>() <= 20, "a million of them stand in memory");
}
