//! Servers that announce PIPELINING and cannot do it, each in its own way: the run continues with one command
//! at a time and completes; nothing is doubled, nothing lost.

use crate::support::disk::{assert_same, mbox, sorted};
use crate::support::mailbox::{Mailbox, message_of};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Flaw, Pop3d, Setup, stuffed};
use crate::world;

/// Messages, each of a different size.
fn messages(count: usize) -> Mailbox {
    Mailbox::of((1..=count).map(|number| message_of(number, 1000 * number)))
}

/// Fetches from a server that breaks. Both commands that log in are tried: USER is sent in one flight with
/// the listings, AUTH before them.
#[track_caller]
fn assert_completes(flaw: Flaw, verb: &'static str, count: usize, user: bool) {
    let mailbox = messages(count);
    let all = sorted(mailbox.as_stored());
    let setup = Pop3d::for_mailbox(&mailbox);
    let setup: Setup = if user { setup } else { setup.without("USER") };
    let server = setup.flawed(verb, flaw).start();
    let world = world();
    let run = if count.is_multiple_of(2) {
        world.at_url_within("1500ms", &server.url(), "fetch").arg("--mbox").arg(world.path("mbox"))
    } else {
        world.fetch_within("1500ms", &server)
    };
    let outcome = run.arg("--delete").go();
    let told = format!("{flaw:?} behind {verb:?}, {count} messages: {outcome:?}");
    assert_eq!(outcome.code, Some(0), "{told}");
    let stored = if count.is_multiple_of(2) { sorted(mbox(&world.path("mbox"))) } else { world.mail() };
    assert_same(&stored, &all);
    assert!(mailbox.messages().is_empty(), "{told}");
    assert_eq!(outcome.summary()["delivered"], count, "{told}");
    assert!(server.journals().iter().all(|journal| journal.count("PASS") <= 1), "{told}");
}

#[test]
fn broken_pipelining_at_any_command_is_given_up_in_the_same_run() {
    let mut cases = Vec::new();
    for flaw in Flaw::ALL {
        for verb in ["", "PASS", "UIDL", "LIST", "RETR"] {
            cases.extend([(1, true), (2, false), (5, true)].map(|(count, user)| (flaw, verb, count, user)));
        }
    }
    // Most of the time is spent waiting for replies that do not come.
    for some in cases.chunks(8) {
        std::thread::scope(|scope| {
            for (flaw, verb, count, user) in some {
                scope.spawn(move || assert_completes(*flaw, verb, *count, *user));
            }
        });
    }
}

#[test]
fn messages_in_the_wrong_order_are_not_recorded_as_each_other() {
    // The reply to the fourth RETR comes before that to the third, and inside that the connection is lost.
    let mailbox =
        Mailbox::of([(1, 1000), (2, 1000), (3, 2000), (4, 3000)].map(|(n, size)| message_of(n, size)));
    let all = sorted(mailbox.as_stored());
    let fourth = [b"+OK\r\n", &stuffed(&message_of(4, 3000))[..], b"+OK\r\nFrom: B"].concat();
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(move |event| match (event.connection, event.line) {
            (0, "RETR 4") => Act::Then(fourth.clone(), End::Close),
            _ => Act::Normal,
        })
        .flawed("RETR", Flaw::Swaps)
        .start();
    let world = world();
    world.fetch_within("2s", &server).arg("--delete").go();
    for copy in world.mail() {
        assert!(all.contains(&copy));
    }
    world.fetch_within("2s", &server).arg("--delete").go().assert_exit(0);
    assert_same(&world.mail(), &all);
    assert!(mailbox.messages().is_empty());
}

#[test]
fn deletions_with_nonsense_replies_in_a_flight_are_repeated_one_by_one() {
    let mailbox = messages(3);
    let all = sorted(mailbox.as_stored());
    let server = Pop3d::for_mailbox(&mailbox)
        .hook(|event| match (event.connection, event.line) {
            (0, "DELE 2") => Act::reply("+OK deleted\r\nand more"),
            _ => Act::Normal,
        })
        .start();
    let world = world();
    let outcome = world.fetch_within("2s", &server).arg("--delete").go();
    outcome.assert_exit(0);
    assert_same(&world.mail(), &all);
    assert!(mailbox.messages().is_empty(), "{outcome:?}");
    assert_eq!(outcome.summary()["deleted"], 3);
    assert_eq!(server.journals().iter().map(|journal| journal.count("RETR")).sum::<usize>(), 3);
}
