//! `fetch` and `list` with Courier: another grammar, the prefix `INBOX.`, no ESEARCH, no MOVE, UIDs that it
//! does not keep.

use crate::real_fetch::varied;
use crate::real_imap::without_nul;
use crate::support::courier::{ALL, Courier};
use crate::support::disk::{assert_same, sorted};
use crate::support::mailbox::{message, stored};
use crate::support::process::Run;
use crate::support::world::World;
use crate::world;
use std::fs;

fn fetch(world: &World, courier: &Courier) -> Run {
    world.at_url(&courier.url(), "fetch").arg("--maildir").arg(world.path("Mail"))
}

fn letters(courier: &Courier) -> Vec<String> {
    courier.flags().into_iter().map(|it| it.1).collect()
}

#[test]
fn varied_messages_are_fetched_from_courier_byte_for_byte_and_deleted() {
    let test = "varied_messages_are_fetched_from_courier_byte_for_byte_and_deleted";
    let Some(courier) = Courier::start(test, ALL) else { return };
    let messages = without_nul(varied(150));
    for (number, octets) in messages.iter().enumerate() {
        courier.put(&format!("new/1757{number:06}.M{number:06}P1.x"), octets);
    }
    let world = world();
    let outcome = fetch(&world, &courier).go();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_same(&world.mail(), &sorted(messages.clone()));
    let list = world.at_url(&courier.url(), "list").go();
    assert_eq!(list.assert_exit(0).of_type("message").len(), 150);
    assert!(letters(&courier).iter().all(String::is_empty), "{:?}", letters(&courier));
    let again = fetch(&world, &courier).arg("--delete").go();
    assert_eq!(again.assert_exit(0).summary()["delivered"], 0);
    assert_eq!(courier.flags(), []);
    assert_same(&world.mail(), &sorted(messages));
}

/// In a mailbox opened by EXAMINE, Courier assigns a UID again once its message has gone.
#[test]
fn uids_that_courier_changes_lose_no_message() {
    let test = "uids_that_courier_changes_lose_no_message";
    let Some(courier) = Courier::start(test, ALL) else { return };
    let world = world();
    let mut all = Vec::new();
    for number in 1..=4 {
        let octets = stored(&message(number));
        // The names descend: a later message sorts before the earlier ones.
        courier.put(&format!("new/17570000{:02}.M1P1.x", 20 - number), &octets);
        all.push(octets);
        let outcome = fetch(&world, &courier).go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], 1, "{number}: {outcome:?}");
        assert_same(&world.mail(), &sorted(all.clone()));
        if number % 2 == 0 {
            let (newest, _) = courier.flags().remove(0);
            let dir = courier.maildir().join("cur");
            let name = crate::support::disk::names(&dir).into_iter().find(|name| name.starts_with(&newest));
            fs::remove_file(dir.join(name.unwrap())).unwrap();
        }
    }
}

#[test]
fn flags_of_other_clients_stay_on_courier() {
    let test = "flags_of_other_clients_stay_on_courier";
    let without = "IMAP4rev1 CHILDREN NAMESPACE IDLE";
    for capabilities in [ALL, without] {
        let Some(courier) = Courier::start(test, capabilities) else { return };
        let all: Vec<Vec<u8>> = (1..=5).map(|number| stored(&message(number))).collect();
        for (number, (octets, flags)) in all.iter().zip(["", "S", "T", "F", ""]).enumerate() {
            courier.put(&format!("cur/175700000{number}.M1P1.x:2,{flags}"), octets);
        }
        let world = world();
        fetch(&world, &courier).go().assert_exit(0);
        assert_same(&world.mail(), &all);
        assert_eq!(letters(&courier), ["", "S", "T", "F", ""]);
        let outcome = fetch(&world, &courier).args(["--uid", "1", "--uid", "2", "--delete"]).go();
        match capabilities == ALL {
            true => {
                assert_eq!(outcome.code, Some(0), "{outcome:?}");
                assert_eq!(letters(&courier), ["T", "F", ""]);
            }
            false => {
                assert_eq!(outcome.code, Some(69), "{outcome:?}");
                assert_eq!(letters(&courier), ["", "S", "T", "F", ""]);
            }
        }
        fetch(&world, &courier).arg("--delete").go().assert_exit(0);
        assert_eq!(courier.flags(), []);
        assert_same(&world.mail(), &all);
    }
}

#[test]
fn a_uidvalidity_that_courier_changes_stores_nothing_twice() {
    let test = "a_uidvalidity_that_courier_changes_stores_nothing_twice";
    let Some(courier) = Courier::start(test, ALL) else { return };
    let mut all: Vec<Vec<u8>> = (1..=30).map(|number| stored(&message(number % 28))).collect();
    for (number, octets) in all.iter().enumerate() {
        courier.put(&format!("new/17570000{number:02}.M1P1.x"), octets);
    }
    let world = world();
    fetch(&world, &courier).go().assert_exit(0);
    for (turn, after) in ["--keep", "--delete"].into_iter().enumerate() {
        // A UIDVALIDITY chosen by Courier would be the time in seconds, and perhaps the same.
        let list = courier.maildir().join("courierimapuiddb");
        let validity = || fs::read_to_string(&list).unwrap().split(' ').nth(1).unwrap().to_owned();
        let before = validity();
        fs::write(&list, format!("1 {}1 1\n", &before[1..])).unwrap();
        let new = stored(&message(100 + turn));
        courier.put(&format!("new/1756{turn}.M1P1.x"), &new);
        all.push(new);
        fetch(&world, &courier).arg(after).go().assert_exit(0);
        assert_same(&world.mail(), &sorted(all.clone()));
        assert_ne!(validity(), before, "Courier keeps its UIDVALIDITY");
    }
    assert_eq!(courier.flags(), []);
}

#[test]
fn courier_s_folders_are_listed_and_fetched_from() {
    let test = "courier_s_folders_are_listed_and_fetched_from";
    let Some(courier) = Courier::start(test, ALL) else { return };
    // This Courier uses UTF-8 for names on disk.
    for (name, count) in [("Entw\u{fc}rfe", 2), ("Archive.2025", 3)] {
        let folder = courier.maildir().join(format!(".{name}"));
        ["tmp", "new", "cur"].iter().for_each(|part| fs::create_dir_all(folder.join(part)).unwrap());
        for number in 1..=count {
            fs::write(folder.join(format!("cur/17570000{number}.M1P1.x:2,S")), stored(&message(number)))
                .unwrap();
        }
    }
    let world = world();
    let outcome = world.at_url(&courier.url(), "list").arg("--folders").go();
    let rows = outcome.assert_exit(0).of_type("folder");
    for (name, count) in [("INBOX.Entw\u{fc}rfe", 2), ("INBOX.Archive.2025", 3)] {
        let row = rows.iter().find(|row| row["folder"] == name).expect(name);
        assert_eq!((&row["messages"], &row["unseen"]), (&count.into(), &0.into()), "{name}");
        let run = world.at_url(&courier.url(), "fetch").args(["--folder", name]).arg("--mbox");
        let outcome = run.arg(world.path("mbox")).go();
        assert_eq!(outcome.assert_exit(0).summary()["delivered"], count, "{name}");
    }
}
