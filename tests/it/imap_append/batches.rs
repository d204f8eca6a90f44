//! Copies of a batch: one session for all, and another one if the server has ended it.

use super::*;
use serde_json::json;

fn lines(count: usize) -> String {
    let line = |n| json!({"id": n, "to": "bob@example.org", "subject": format!("s{n}"), "text": "x"});
    (1..=count).map(|n| format!("{}\n", line(n))).collect()
}

fn batch(count: usize, world: &World, smtp: &Smtpd, imap: &Imapd) -> Checked {
    send_within("1s", world, smtp, imap).arg("--batch").stdin(lines(count)).go()
}

/// The UIDs of the copies, and the kinds of the errors, line by line.
fn copies(outcome: &Checked) -> Vec<(Option<u64>, Option<String>)> {
    let receipts = outcome.of_type("receipt");
    assert!(receipts.iter().all(|receipt| receipt["status"] == "accepted"), "{receipts:#?}");
    let copy = |receipt: &Value| {
        let kind = receipt["error"]["kind"].as_str().map(str::to_owned);
        (receipt["saved_copy"]["uid"].as_u64(), kind)
    };
    receipts.iter().map(copy).collect()
}

#[test]
fn all_copies_of_a_batch_go_over_one_session() {
    let (store, world) = (store(), world());
    let (smtp, imap) = (smtp().start(), imap(&store).start());
    let outcome = batch(12, &world, &smtp, &imap);
    outcome.assert_exit(0);
    assert_eq!(copies(&outcome), (1..=12).map(|uid| (Some(uid), None)).collect::<Vec<_>>());
    assert_filed(&smtp, &store);
    assert_eq!((imap.journals().len(), smtp.journals().len()), (1, 1));
    assert_eq!((imap.commands_with("LIST").len(), imap.commands_with("LOGOUT").len()), (1, 1));
    assert_eq!(imap.violations(), NOTHING);
}

#[test]
fn a_batch_without_accepted_messages_does_not_connect_to_imap() {
    let (store, world) = (store(), world());
    let hook = |event: &crate::support::pop3d::Event<'_>| match event.verb {
        "RCPT" => Act::reply("550 no"),
        _ => Act::Normal,
    };
    let (smtp, imap) = (smtp().hook(hook).start(), imap(&store).start());
    batch(2, &world, &smtp, &imap).assert_exit(67);
    assert!(imap.journals().is_empty());
    send_within("1s", &world, &smtp, &imap)
        .args(["--batch", "--dry-run"])
        .stdin(lines(2))
        .go()
        .assert_exit(0);
    assert!(imap.journals().is_empty());
}

/// The server ends the session between two messages, in every way.
#[test]
fn a_session_that_the_server_ended_is_opened_again() {
    let bye = || Act::Then(b"* BYE Autologout; idle for too long\r\n".to_vec(), End::Close);
    for (verb, act) in [
        ("EXAMINE", bye()),
        ("EXAMINE", Act::end(End::Close)),
        ("EXAMINE", Act::end(End::Reset)),
        ("EXAMINE", Act::end(End::Stall)),
        ("UID SEARCH", bye()),
        ("{", bye()),
        ("{", Act::end(End::Reset)),
    ] {
        let (store, world) = (store(), world());
        let about = format!("{verb} {act:?}");
        let seen = std::sync::atomic::AtomicUsize::new(0);
        let imap = imap(&store).without("LITERAL+").hook(move |event| {
            let counts = event.verb == verb && (verb != "{" || event.line.contains("APPEND"));
            match counts && seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1 {
                true => act.clone(),
                false => Act::Normal,
            }
        });
        let (smtp, imap) = (smtp().start(), imap.start());
        let outcome = batch(3, &world, &smtp, &imap);
        assert_eq!(outcome.code, Some(0), "{about}: {outcome:?}");
        assert_filed(&smtp, &store);
        assert_eq!(imap.journals().len(), 2, "{about}");
    }
}

#[test]
fn a_copy_that_fails_is_an_error_of_its_message_and_the_batch_continues() {
    let (store, world) = (store(), world());
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let imap = imap(&store).hook(move |event| match event.verb {
        "APPEND" if seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1 => {
            event.answer("NO [OVERQUOTA] no room")
        }
        _ => Act::Normal,
    });
    let (smtp, imap) = (smtp().start(), imap.start());
    let outcome = batch(3, &world, &smtp, &imap);
    outcome.assert_exit(1);
    assert_eq!(copies(&outcome), [(Some(1), None), (None, Some("deferred".into())), (Some(2), None)]);
    let exits: Vec<Value> = outcome.of_type("receipt").iter().map(|line| line["exit"].clone()).collect();
    assert_eq!(exits, [0, 1, 0]);
    let error = &outcome.of_type("receipt")[1]["error"];
    assert_eq!((&error["stage"], &error["retry"]), (&json!("save-copy"), &json!("may_duplicate")));
    assert_eq!((smtp.accepted().len(), imap.journals().len()), (3, 1));
    assert!(outcome.err().contains("line 2: save-copy: the message was accepted, but"), "{}", outcome.err());
}

#[test]
fn if_imap_is_down_every_message_has_an_error_and_a_refused_login_is_not_repeated() {
    for (answer, kind) in [("NO [AUTHENTICATIONFAILED] no", "auth"), ("NO [UNAVAILABLE] later", "deferred")] {
        let (store, world) = (store(), world());
        let imap = imap(&store).hook(move |event| match event.verb {
            "AUTHENTICATE" => event.answer(answer),
            _ => Act::Normal,
        });
        let (smtp, imap) = (smtp().start(), imap.start());
        let outcome = batch(4, &world, &smtp, &imap);
        outcome.assert_exit(1);
        assert_eq!(copies(&outcome), vec![(None, Some(kind.to_owned())); 4]);
        assert_eq!(smtp.accepted().len(), 4);
        if kind == "auth" {
            assert_eq!(imap.commands_with("AUTHENTICATE").len(), 1, "no account gets locked");
        }
    }
}
