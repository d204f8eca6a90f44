//! Servers that refuse an APPEND, and an APPEND whose reply is lost.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server that does this on its first connections at these verbs, in this order; `{` is where it would ask
/// for a literal.
fn going_wrong(store: &ImapStore, acts: &[(&'static str, Act)]) -> Setup {
    let (acts, done) = (acts.to_vec(), AtomicUsize::new(0));
    imap(store).hook(move |event| {
        let next = done.load(Ordering::SeqCst);
        match acts.get(next) {
            Some((verb, act)) if *verb == event.verb && (*verb != "{" || event.line.contains("APPEND")) => {
                done.store(next + 1, Ordering::SeqCst);
                match act {
                    Act::Reply(octets) if octets.starts_with(b"NO") || octets.starts_with(b"BAD") => {
                        event.answer(std::str::from_utf8(octets).unwrap().trim_end())
                    }
                    act => act.clone(),
                }
            }
            _ => Act::Normal,
        }
    })
}

/// A body for which the client must wait to be asked, and one that it may send at once.
const BODIES: [usize; 2] = [5000, 10];

fn send_body(octets: usize, world: &World, smtp: &Smtpd, imap: &Imapd) -> Checked {
    let run = send_within("1s", world, smtp, imap).args(["bob@example.org", "-s", "A copy"]);
    run.stdin(format!("{}\n", "x ".repeat(octets / 2))).go()
}

#[test]
fn a_refused_copy_is_reported_and_the_message_is_not_sent_again() {
    for (answer, kind) in [
        ("NO [TRYCREATE] no such folder", "missing"),
        ("NO [NONEXISTENT] no such folder", "missing"),
        ("NO [TOOBIG] too big", "rejected"),
        ("NO [OVERQUOTA] no room", "deferred"),
        ("NO [NOPERM] you may not", "rejected"),
        ("NO", "rejected"),
        ("BAD no APPEND here", "rejected"),
    ] {
        // Before the message and after it.
        for verb in ["{", "APPEND"] {
            let (store, world) = (store(), world());
            let (smtp, imap) = (smtp().start(), going_wrong(&store, &[(verb, Act::reply(answer))]).start());
            let outcome = send_body(5000, &world, &smtp, &imap);
            let error = copy_error(&outcome, kind);
            let said = error["message"].as_str().unwrap();
            assert!(
                said.contains("its copy is not in the folder Gesendet") && said.contains(answer),
                "{said}"
            );
            assert_eq!(smtp.accepted().len(), 1);
            assert_eq!(store.messages("Gesendet").len(), 0);
            assert_eq!(imap.commands_with("LOGOUT").len(), 1, "the session goes on");
        }
    }
}

#[test]
fn a_message_larger_than_the_announced_limit_is_not_begun() {
    let (store, world) = (store(), world());
    let (smtp, imap) = (smtp().start(), imap(&store).with("APPENDLIMIT=4000").start());
    let outcome = send_body(5000, &world, &smtp, &imap);
    let error = copy_error(&outcome, "rejected");
    assert!(error["message"].as_str().unwrap().contains("the server takes 4000 at most"), "{error:#}");
    assert_eq!(imap.commands_with("APPEND"), NOTHING);
    send_body(10, &world, &smtp, &imap).assert_exit(0);
}

#[test]
fn a_continuation_may_have_any_text_and_silence_is_not_one() {
    for consent in ["+", "+ ", "* OK wait\r\n* 3 EXISTS\r\n+ now"] {
        let (store, world) = (store(), world());
        let (smtp, imap) = (smtp().start(), going_wrong(&store, &[("{", Act::reply(consent))]).start());
        send_body(5000, &world, &smtp, &imap).assert_exit(0);
        assert_filed(&smtp, &store);
    }
    let (store, world) = (store(), world());
    let (smtp, imap) = (smtp().start(), going_wrong(&store, &[("{", Act::Reply(Vec::new()))]).start());
    let error = copy_error(&send_body(5000, &world, &smtp, &imap), "timeout");
    assert!(error["message"].as_str().unwrap().contains("its copy is not in the folder"), "{error:#}");
    assert!(store.messages("Gesendet").is_empty() && smtp.accepted().len() == 1);
}

#[test]
fn a_server_with_wrong_literal_capabilities_gets_the_message_once() {
    for quirk in [Quirk::AsksForLiterals, Quirk::LiteralPlusBad] {
        let (store, world) = (store(), world());
        let (smtp, imap) = (smtp().start(), imap(&store).quirk(quirk.clone()).start());
        send_body(10, &world, &smtp, &imap).assert_exit(0);
        assert_filed(&smtp, &store);
        let connections = if matches!(quirk, Quirk::LiteralPlusBad) { 2 } else { 1 };
        assert_eq!(imap.journals().len(), connections, "{quirk:?}");
    }
}

#[test]
fn a_copy_counts_even_if_the_server_gives_no_uid() {
    let (store, world) = (store(), world());
    let (smtp, imap) = (smtp().start(), imap(&store).quirk(Quirk::NoCopyuid).start());
    let outcome = send_body(10, &world, &smtp, &imap);
    outcome.assert_exit(0);
    assert_eq!(receipt(&outcome)["saved_copy"], serde_json::json!({"folder": "Gesendet"}));
    assert_filed(&smtp, &store);
}

/// The connection is lost when the server has the whole message: a new session checks whether it is there.
#[test]
fn if_the_reply_is_lost_a_new_session_searches_and_nothing_is_filed_twice() {
    for octets in BODIES {
        for end in [End::Close, End::Reset, End::Truncate, End::Stall] {
            for is_filed in [true, false] {
                let act = if is_filed { Act::Cut(0, end) } else { Act::end(end) };
                let (store, world) = (store(), world());
                let (smtp, imap) = (smtp().start(), going_wrong(&store, &[("APPEND", act)]).start());
                let outcome = send_body(octets, &world, &smtp, &imap);
                let about = format!("{octets} {end:?} {is_filed}");
                assert_eq!(smtp.accepted().len(), 1, "{about}");
                if is_filed || end != End::Stall {
                    assert_eq!(outcome.code, Some(0), "{about}: {outcome:?}");
                    let copy = receipt(&outcome)["saved_copy"].clone();
                    assert_eq!((&copy["uid"], copy.get("already_there")), (&Value::from(1), None), "{about}");
                    assert_filed(&smtp, &store);
                } else {
                    // The server may still be at work.
                    let error = copy_error(&outcome, "timeout");
                    assert!(error["message"].as_str().unwrap().contains("nobody knows whether"), "{error:#}");
                    assert!(store.messages("Gesendet").is_empty(), "{about}");
                }
            }
        }
    }
}

#[test]
fn a_connection_lost_inside_the_message_is_tried_once_more() {
    for (octets, cut) in [(5000, 0), (5000, 1), (5000, 4000), (3_000_000, 100_000)] {
        for end in [End::Close, End::Reset] {
            let (store, world) = (store(), world());
            let (smtp, imap) = (smtp().start(), imap(&store).quirk(Quirk::LiteralCut(cut, end)).start());
            let error = copy_error(&send_body(octets, &world, &smtp, &imap), "network");
            assert!(
                error["message"].as_str().unwrap().contains("its copy is not in the folder"),
                "{error:#}"
            );
            assert_eq!((smtp.accepted().len(), store.messages("Gesendet").len()), (1, 0));
            if end == End::Close {
                // A reset may also lose the continuation, and then the message was never sent.
                assert_eq!(imap.journals().len(), 3, "two attempts, and a last look");
            }
            imap.heal();
            send_body(octets, &world, &smtp, &imap).assert_exit(0);
            assert_eq!(store.messages("Gesendet").len(), 1);
        }
    }
}

/// If it cannot be known whether the first attempt filed it, there is no second one.
#[test]
fn if_it_is_unknown_whether_it_was_filed_it_is_not_filed_again() {
    let lost = ("APPEND", Act::end(End::Close));
    let searches: [(&str, &[(&'static str, Act)]); 2] = [
        (
            "nothing is searched",
            &[("UID SEARCH", Act::reply("NO no")), lost.clone(), ("UID SEARCH", Act::reply("NO no"))],
        ),
        ("nobody logs in again", &[lost.clone(), ("AUTHENTICATE", Act::reply("NO [UNAVAILABLE] later"))]),
    ];
    for (name, acts) in searches {
        let (store, world) = (store(), world());
        let (smtp, imap) = (smtp().start(), going_wrong(&store, acts).start());
        let outcome = send_body(5000, &world, &smtp, &imap);
        let error = copy_error(&outcome, "network");
        assert!(error["message"].as_str().unwrap().contains("nobody knows whether"), "{name}: {error:#}");
        assert_eq!(imap.commands_with("APPEND").len(), 1, "{name}");
        assert_eq!(smtp.accepted().len(), 1, "{name}");
    }
    // In the meantime another message came into the folder, and the search does not find what it should.
    let (store, world) = (store(), world());
    let (there, seen) = (store.clone(), AtomicUsize::new(0));
    let imap = imap(&store).hook(move |event| match event.verb {
        "APPEND" if seen.fetch_add(1, Ordering::SeqCst) == 0 => {
            there.deliver("Gesendet", b"Subject: of another client\r\n\r\nx\r\n");
            Act::end(End::Close)
        }
        _ => Act::Normal,
    });
    let (smtp, imap) = (smtp().start(), imap.start());
    copy_error(&send_body(5000, &world, &smtp, &imap), "network");
    assert_eq!(imap.commands_with("APPEND").len(), 1);
}

#[test]
fn a_failed_imap_login_does_not_undo_the_sending() {
    for (verb, answer, kind) in [
        ("AUTHENTICATE", "NO [AUTHENTICATIONFAILED] wrong", "auth"),
        ("AUTHENTICATE", "NO [UNAVAILABLE] later", "deferred"),
        ("LIST", "NO [SERVERBUG] no list", "deferred"),
    ] {
        let (store, world) = (store(), world());
        let (smtp, imap) = (smtp().start(), going_wrong(&store, &[(verb, Act::reply(answer))]).start());
        let error = copy_error(&send_body(10, &world, &smtp, &imap), kind);
        assert!(error["message"].as_str().unwrap().contains(answer), "{error:#}");
        assert_eq!((smtp.accepted().len(), imap.journals().len()), (1, 1));
    }
    let (world, smtp) = (world(), smtp().start());
    configure(&world, smtp.port(), 1);
    let run = world.postie(["--json", "send", "--save-copy", "imap", "bob@example.org"]).stdin("x\n");
    copy_error(&run.go(), "network");
    assert_eq!(smtp.accepted().len(), 1);
}
