//! What ends a watch: signals, the end of the time, a closed pipe, permanent failures.

use super::{TERM, assert_all, counted, until_all_is_there, watch, watch_within};
use crate::support::disk::{assert_same, sorted};
use crate::support::imapd::Imapd;
use crate::support::imapd::store::ImapStore;
use crate::support::mailbox::message;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::support::process::ending_signals;
use crate::world;
use std::fs::File;
use std::sync::Mutex;

#[test]
fn a_signal_ends_a_watch_at_once_and_the_summary_is_printed() {
    for mode in [Mode::Plain, Mode::Implicit] {
        for signal in ending_signals() {
            let (end, signal) = (End::Signal(signal), signal.as_raw());
            for (step, said) in [("IDLE", "+ idling\r\n"), ("IDLE", ""), ("EXAMINE", ""), ("UID FETCH", "")] {
                let (world, store) = (world(), ImapStore::with(2));
                let hook = move |event: &crate::support::imapd::Event<'_>| match event.verb == step {
                    true => Act::Then(said.as_bytes().to_vec(), end),
                    false => Act::Normal,
                };
                let server = Imapd::for_store(&store).mode(mode).hook(hook).start();
                let outcome = watch(&world, &server).go();
                assert_eq!(outcome.signal, Some(signal), "{step} {said:?}: {outcome:?}");
                outcome.summary();
            }
        }
    }
}

#[test]
fn a_watch_killed_during_idle_loses_and_doubles_nothing() {
    for args in [&[][..], &["--delete"]] {
        let (world, store) = (world(), ImapStore::with(2));
        let all = store.as_stored("INBOX");
        let hook = |event: &crate::support::imapd::Event<'_>| match event.verb {
            "IDLE" => Act::Then(b"+ idling\r\n".to_vec(), End::Kill),
            _ => Act::Normal,
        };
        let server = Imapd::for_store(&store).mode(Mode::Plain).hook(hook).start();
        let outcome = watch(&world, &server).args(args).go();
        assert_eq!(outcome.signal, Some(9), "{outcome:?}");
        let next = world.at_url(&server.url(), "fetch").args(["--maildir", "Mail"]).args(args).go();
        next.assert_exit(0);
        assert_eq!(next.summary()["delivered"], 0);
        assert_same(&world.mail(), &sorted(all));
    }
}

#[test]
fn a_watch_killed_in_a_later_fetch_loses_and_doubles_nothing() {
    for (delete, verb, nth) in [
        (false, "EXAMINE", 3),
        (false, "UID SEARCH", 3),
        (false, "UID FETCH", 2),
        (false, "IDLE", 2),
        (true, "UID FETCH", 2),
        (true, "SELECT", 2),
        (true, "UID STORE", 2),
        (true, "UID EXPUNGE", 2),
        (true, "IDLE", 2),
    ] {
        for said in [false, true] {
            let (world, store) = (world(), ImapStore::with(2));
            store.deliver("INBOX", &message(3));
            let mut all = store.as_stored("INBOX");
            all.push(crate::support::mailbox::stored(&message(9)));
            let arriving = store.clone();
            let server = Imapd::for_store(&store).mode(Mode::Plain).hook(counted(move |event, count| {
                if event.verb == "IDLE" && count == 1 {
                    arriving.deliver("INBOX", &message(9));
                }
                match (event.verb == verb && count == nth, said) {
                    (true, false) => Act::end(End::Kill),
                    // The server has done it, and the client does not get the reply.
                    (true, true) => Act::Cut(0, End::Kill),
                    (false, _) => Act::Normal,
                }
            }));
            let server = server.start();
            let args = if delete { &["--delete"][..] } else { &[] };
            let outcome = watch(&world, &server).args(args).go();
            assert_eq!(outcome.signal, Some(9), "{verb} {nth} {said}: {outcome:?}");
            let next = world.at_url(&server.url(), "fetch").args(["--maildir", "Mail"]).args(args).go();
            next.assert_exit(0);
            assert_same(&world.mail(), &sorted(all));
            assert_eq!(store.messages("INBOX").is_empty(), delete, "{verb} {nth} {said}");
        }
    }
}

#[test]
fn max_time_ends_a_watch_with_0() {
    for (capability, args) in [("", &[][..]), ("IDLE", &[]), ("IDLE", &["--every", "0.1s"])] {
        let (world, store) = (world(), ImapStore::with(2));
        let server = Imapd::for_store(&store).mode(Mode::Plain).without(capability).start();
        let outcome = watch(&world, &server).args(["--max-time", "1s"]).args(args).go();
        outcome.assert_exit(0);
        assert!(outcome.of_type("error").is_empty(), "{outcome:?}");
        assert_eq!(outcome.summary()["delivered"], 2);
        assert_all(&world, &store);
    }
}

#[test]
fn max_time_during_a_later_fetch_ends_a_watch_with_0() {
    let (world, store) = (world(), ImapStore::with(1));
    let arriving = store.clone();
    let server = Imapd::for_store(&store).mode(Mode::Plain).hook(counted(move |event, nth| {
        match (event.verb, nth) {
            ("IDLE", 1) => drop(arriving.deliver("INBOX", &message(2))),
            ("UID FETCH", 2) => return Act::end(End::Stall),
            _ => {}
        }
        Act::Normal
    }));
    let server = server.start();
    let outcome = watch(&world, &server).args(["--max-time", "2s"]).go();
    outcome.assert_exit(0);
    assert!(outcome.of_type("error").is_empty(), "{outcome:?}");
    assert_eq!(outcome.summary()["delivered"], 1);
}

#[test]
fn a_watch_that_never_could_fetch_is_a_failure_at_max_time() {
    let (world, store) = (world(), ImapStore::with(1));
    for (verb, kind) in [("", "timeout"), ("AUTHENTICATE", "deferred")] {
        let hook = move |event: &crate::support::imapd::Event<'_>| match (event.verb == verb, verb) {
            (true, "") => Act::end(End::Stall),
            (true, _) => event.answer("NO [UNAVAILABLE] later"),
            (false, _) => Act::Normal,
        };
        let server = Imapd::for_store(&store).mode(Mode::Plain).hook(hook).start();
        let outcome = watch(&world, &server).args(["--max-time", "1s", "--every", "0.2s"]).go();
        outcome.assert_failure(75, kind);
        assert_eq!(outcome.of_type("error").len(), 1, "told once: {outcome:?}");
    }
}

#[test]
fn temporary_failures_are_reported_once_and_the_watch_continues() {
    // From the first login on; and after it has worked: the connection is lost in IDLE, and the next logins
    // fail.
    for refused in [1..=4, 2..=5] {
        let (world, store) = (world(), ImapStore::with(1));
        let arriving = store.clone();
        let range = refused.clone();
        let server = until_all_is_there(&store, world.path("Mail"), move |event, nth| {
            match (event.verb, nth) {
                ("AUTHENTICATE", nth) if range.contains(&nth) => {
                    return event.answer("NO [UNAVAILABLE] later");
                }
                ("IDLE", 1) if *range.start() > 1 => {
                    arriving.deliver("INBOX", &message(5));
                    return event.bye("restarting");
                }
                _ => {}
            }
            Act::Normal
        });
        let server = server.start();
        let outcome = watch(&world, &server).args(["--every", "0.05s"]).go();
        assert_eq!(outcome.signal, TERM, "{refused:?}: {outcome:?}");
        assert_all(&world, &store);
        let errors = outcome.of_type("error");
        assert_eq!(errors.len(), 1, "{refused:?}: {outcome:?}");
        assert_eq!(errors[0]["kind"], "deferred");
        assert_eq!(outcome.err().matches("it works again").count(), 1, "{refused:?}");
    }
}

#[test]
fn permanent_failures_end_a_watch_with_their_code() {
    for first in [true, false] {
        for (answer, code, kind) in
            [("NO [AUTHENTICATIONFAILED] no", 77, "auth"), ("NO [PRIVACYREQUIRED] no", 78, "config")]
        {
            let (world, store) = (world(), ImapStore::with(1));
            let server = Imapd::for_store(&store).mode(Mode::Plain).hook(counted(move |event, nth| {
                match (event.verb, nth) {
                    ("AUTHENTICATE", 1) if first => event.answer(answer),
                    ("AUTHENTICATE", 2) => event.answer(answer),
                    ("IDLE", 1) => event.bye("restarting"),
                    _ => Act::Normal,
                }
            }));
            let server = server.start();
            watch(&world, &server).args(["--every", "0.05s"]).go().assert_failure(code, kind);
        }
    }
    // A folder that does not exist, and one that disappears.
    let (world, store) = (world(), ImapStore::with(1));
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    watch(&world, &server).args(["--folder", "Nowhere"]).go().assert_failure(69, "rejected");
    // A destination that cannot be made.
    let world = crate::world();
    world.write("Mail", "a file");
    assert_ne!(watch(&world, &server).go().code, Some(0));
}

#[test]
fn a_closed_pipe_ends_a_watch() {
    for capability in ["", "IDLE"] {
        let (world, store) = (world(), ImapStore::with(1));
        let (reader, writer) = std::io::pipe().unwrap();
        let reader = Mutex::new(Some(reader));
        let last = if capability.is_empty() { "IDLE" } else { "LOGOUT" };
        let server = Imapd::for_store(&store).mode(Mode::Plain).without(capability).hook(move |event| {
            if event.verb == last {
                drop(reader.lock().unwrap().take());
            }
            Act::Normal
        });
        let server = server.start();
        let stdout = File::from(std::os::fd::OwnedFd::from(writer));
        let outcome = watch(&world, &server).stdout(stdout).go();
        assert_eq!(outcome.code, Some(74), "{outcome:?}");
        assert_all(&world, &store);
    }
}

#[test]
fn a_dead_connection_is_noticed_by_a_missing_reply() {
    let (world, store) = (world(), ImapStore::with(1));
    let arriving = store.clone();
    let server = until_all_is_there(&store, world.path("Mail"), move |event, nth| {
        match (event.verb, nth) {
            ("IDLE", 1) => {
                arriving.deliver("INBOX", &message(2));
                // With a limit another fetch follows; the server is gone by then.
                Act::Then(b"+ idling\r\n".to_vec(), End::Stall)
            }
            _ => Act::Normal,
        }
    });
    let server = server.start();
    let args = ["--limit", "1", "--every", "1s"];
    let outcome = watch_within("1s", &world, &server).args(args).go();
    assert_eq!(outcome.signal, TERM, "{outcome:?}");
    assert_all(&world, &store);
}

#[test]
fn options_that_do_not_fit_watch_are_usage_errors() {
    let world = world();
    for args in [
        &["--every", "5m"][..],
        &["--watch", "--dry-run"],
        &["--watch", "--mark-seen"],
        &["--watch", "--forget", "1"],
        &["--watch", "--stdout", "--peek"],
        &["--watch", "--until-empty"],
        &["--watch", "--all"],
        &["--watch", "--uid", "1"],
        &["--watch", "--every", "0s"],
        &["--watch", "--every", "soon"],
        &["--watch", "--all-accounts", "--stdout"],
    ] {
        let outcome = world.postie(["--json", "fetch"]).args(args).go();
        outcome.assert_failure(64, "usage");
    }
}
