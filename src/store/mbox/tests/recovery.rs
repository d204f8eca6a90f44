//! What a kill leaves.

use super::*;

/// Commits three messages and kills the run before it records them.
fn killed() -> (MboxHome, Vec<u8>, Vec<u64>) {
    let home = MboxHome::new();
    std::fs::write(home.path(), "From a b\n\nthere before").unwrap();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    for n in 0..3 {
        let content =
            format!("Subject: {n}\n\nFrom the body of {n}, which had it From somebody\n{}\n", "x".repeat(99));
        put(&mut mbox, &mut ledger, &n.to_string(), content.as_bytes());
    }
    let delivered = mbox.commit(&mut ledger).unwrap();
    let offsets = delivered.iter().map(|one| match one.place() {
        Place::Mbox { offset, .. } => *offset,
        other => panic!("{other:?}"),
    });
    let offsets = offsets.collect();
    let octets = home.octets();
    (home, octets, offsets)
}

fn uids(ledger: &Ledger) -> Vec<&'static str> {
    ["0", "1", "2"].into_iter().filter(|uid| !ledger.lookup(uid.as_bytes()).is_empty()).collect()
}

#[test]
fn after_a_kill_at_any_octet_whole_messages_count_and_the_torn_one_is_removed() {
    let (home, octets, offsets) = killed();
    let state = std::fs::read(home.ledger().path()).unwrap();
    let before = b"From a b\n\nthere before".len();
    for end in before..=octets.len() {
        for hole in [0, 1, 40] {
            let mut left = octets[..end].to_vec();
            // What a power cut did not get to write reads as NUL.
            let from = left.len().saturating_sub(hole).max(before);
            left[from..].fill(0);
            std::fs::write(home.path(), left).unwrap();
            std::fs::write(home.ledger().path(), &state).unwrap();
            let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
            let recovery = mbox.recover(&mut ledger).unwrap();
            let ends = [offsets[1], offsets[2], octets.len() as u64];
            let whole = ends.iter().filter(|place| **place <= from as u64).count();
            let place = if whole == 0 { before } else { ends[whole - 1] as usize };
            assert_eq!(recovery.accepted, whole, "{end} {hole}");
            assert_eq!(home.octets(), octets[..place], "{end} {hole}");
            assert_eq!(uids(&ledger), ["0", "1", "2"][..whole]);
            assert!(ledger.intents_for(mbox.key()).is_empty());
            assert_eq!(mbox.recover(&mut ledger).unwrap(), Recovery::default(), "once");
        }
    }
}

#[test]
fn mail_of_another_program_stays_whole_wherever_our_append_was_torn() {
    let (home, octets, offsets) = killed();
    let state = std::fs::read(home.ledger().path()).unwrap();
    let before = b"From a b\n\nthere before".len();
    for end in before..=octets.len() {
        for lead in ["", "\n", "\n\n"] {
            let left = [&octets[..end], lead.as_bytes(), FOREIGN.as_bytes()].concat();
            std::fs::write(home.path(), &left).unwrap();
            std::fs::write(home.ledger().path(), &state).unwrap();
            let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
            let recovery = mbox.recover(&mut ledger).unwrap();
            let now = home.octets();
            assert!(now.ends_with(FOREIGN.as_bytes()), "{end} {lead:?}");
            assert!(now.starts_with(&octets[..before]), "{end} {lead:?}");
            let ends = [offsets[1], offsets[2], octets.len() as u64];
            // The last line ends may be the other program's: the same octets, so the same message.
            let whole = ends.iter().filter(|place| **place <= (end + lead.len()) as u64).count();
            assert!(recovery.accepted <= whole && recovery.left.is_empty(), "{end} {lead:?} {recovery:?}");
            assert!(recovery.accepted >= ends.iter().filter(|place| **place <= end as u64).count());
            // Nothing glued: the one from before, the accepted ones, then theirs, and no half message.
            let glued = end <= before && lead.is_empty();
            let found = now.split(|octet| *octet == b'\n').filter(|line| line.starts_with(b"From ")).count();
            assert_eq!(found, 1 + recovery.accepted + usize::from(!glued), "{end} {lead:?}");
        }
    }
}

#[test]
fn an_mbox_that_was_changed_or_cut_since_is_left_as_it_is() {
    let (home, octets, _) = killed();
    let before = b"From a b\n\nthere before".len();
    for left in [
        &b""[..],
        b"From a b\n\n",
        &octets[..before],
        &[&octets[..before], b"\n\nFrom x@y whatever\n"].concat(),
    ] {
        let state = std::fs::read(home.ledger().path()).unwrap();
        std::fs::write(home.path(), left).unwrap();
        let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
        let recovery = mbox.recover(&mut ledger).unwrap();
        assert_eq!((recovery, home.octets()), (Recovery::default(), left.to_vec()));
        std::fs::write(ledger.path(), state).unwrap();
    }
}

#[test]
fn a_large_message_that_was_only_partly_written_is_cut_off() {
    let home = MboxHome::new();
    std::fs::write(home.path(), FOREIGN).unwrap();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    begin(&mut mbox, "large");
    mbox.write(&mut ledger, &b"x y z\n".repeat(BUDGET / 4)).unwrap();
    let torn = home.octets();
    drop((ledger, mbox));
    for tail in ["", "\nFrom later@mail Thu Jan  1 00:00:00 1970\n\nbody\n\n"] {
        std::fs::write(home.path(), [&torn, tail.as_bytes()].concat()).unwrap();
        let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
        // The intent was dropped with the run; it is made anew as it was.
        if ledger.intents_for(mbox.key()).is_empty() {
            let head = torn[FOREIGN.len()..FOREIGN.len() + 60].to_vec();
            let part = IntentPart {
                uid: b"large"[..].into(),
                copy: 0,
                wire_size: None,
                from_line: memchr::memchr(b'\n', &head).unwrap() as u64 + 1,
                body: None,
                sha256: None,
                head: head.into(),
            };
            let key = mbox.key().to_vec();
            ledger.intend(&key, (FOREIGN.len() as u64, 0), vec![part], None).unwrap();
        }
        let recovery = mbox.recover(&mut ledger).unwrap();
        if tail.is_empty() {
            assert_eq!(home.octets(), FOREIGN.as_bytes());
            assert_eq!(recovery.removed, (torn.len() - FOREIGN.len()) as u64);
        } else {
            assert!(home.octets().ends_with(tail.as_bytes()), "theirs is whole");
            assert_eq!(recovery.left, [(home.path(), FOREIGN.len() as u64)]);
        }
    }
}
