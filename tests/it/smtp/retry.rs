//! What is tried again, in which session, and what is never tried again.

use super::job::{BODY, data, envelope, outgoing, play, statuses};
use super::{CHUNKED, PLAIN};
use postie::smtp::OnRejected;
use postie::words::{Exit, Kind};
use postie::work::send::{DeliveryStatus, Options};
use std::time::Duration;

/// Options that try again, and soon.
fn patient(on_rejected: OnRejected) -> Options {
    Options {
        on_rejected,
        retry_for: Some(Duration::from_secs(60)),
        first_pause: Duration::from_millis(1),
        ..Options::default()
    }
}

#[test]
fn a_permanent_refusal_ends_the_attempts() {
    let session = |reply| format!("{PLAIN}{}C: RSET\nS: 250 ok\nC: QUIT", envelope(&[("b", reply)]));
    let scripts = [&*session("451 greylisted"), &*session("550 no")];
    let report = play(&scripts, &mut outgoing(&["b"], b"x\r\n"), &patient(OnRejected::Abort));
    assert_eq!((report.exit, report.receipt.attempts), (Exit::Recipient, 2));
}

/// A session up to the reply to the content.
fn session(recipients: &[(&str, &str)], verdict: &str) -> String {
    format!("{PLAIN}{}C: DATA\nS: 354 go\n{BODY}{verdict}", envelope(recipients))
}

#[test]
fn content_with_unknown_outcome_is_never_sent_again_and_unaccepted_content_is() {
    let options = patient(OnRejected::Abort);
    let to_b = [("b", "250 ok")];
    let fine = session(&to_b, "S: 250 ok\nC: QUIT");
    for end in ["-- close", "S: huh", "S: 354 more"] {
        let report = play(&[&session(&to_b, end)], &mut outgoing(&["b"], b"x\r\n"), &options);
        assert_eq!((report.exit, report.receipt.attempts), (Exit::Unknown, 1), "{end}");
    }
    for end in ["S: 451 4.7.1 later\nC: QUIT", "S: 421 4.3.2 bye", "S: 452 full\nC: QUIT"] {
        let scripts = [&*session(&to_b, end), &*session(&to_b, end), &*fine];
        let report = play(&scripts, &mut outgoing(&["b"], b"x\r\n"), &options);
        assert_eq!((report.exit, report.receipt.attempts), (Exit::Ok, 3), "{end}");
        assert_eq!(statuses(&report), ["accepted"]);
        assert!(report.failures.is_empty());
    }
    let refused = session(&to_b, "S: 554 5.7.1 spam\nC: QUIT");
    let scripts = [&*session(&to_b, "S: 451 later\nC: QUIT"), &*refused];
    let report = play(&scripts, &mut outgoing(&["b"], b"x\r\n"), &options);
    assert_eq!((report.exit, report.receipt.attempts), (Exit::Unavailable, 2));
}

#[test]
fn with_on_rejected_send_only_deferred_recipients_are_tried_again() {
    let options = patient(OnRejected::Send);
    let first = session(
        &[("b", "250 2.1.5 ok"), ("c", "451 4.7.1 greylisted"), ("d", "550 5.1.1 no"), ("e", "450 busy")],
        "S: 250 Ok: queued as ONE\nC: QUIT",
    );
    let second = session(&[("c", "250 2.1.5 now"), ("e", "450 busy")], "S: 250 Ok: queued as TWO\nC: QUIT");
    // The content is deferred for the recipient that is left, then the connection is lost before it, then it
    // is accepted.
    let third = session(&[("e", "250 ok")], "S: 451 4.3.0 again\nC: QUIT");
    let fourth = format!("{PLAIN}C: MAIL FROM:<a@x.org>\n-- close");
    let fifth = session(&[("e", "250 ok")], "S: 250 Ok: queued as FIVE\nC: QUIT");
    let message = &mut outgoing(&["b", "c", "d", "e"], b"x\r\n");
    let report = play(&[&first, &second, &third, &fourth, &fifth], message, &options);
    assert_eq!((report.exit, report.receipt.status), (Exit::Partial, DeliveryStatus::Partial));
    assert_eq!(statuses(&report), ["accepted", "accepted", "refused", "accepted"]);
    assert_eq!((report.receipt.attempts, report.receipt.queue_id.as_deref()), (5, Some("FIVE")));
    assert_eq!(report.receipt.recipients[1].text.as_deref(), Some("now"));
    let failures: Vec<_> =
        report.failures.iter().map(|(who, failure)| (who.as_deref(), failure.kind())).collect();
    assert_eq!(
        failures,
        [(Some("d@x.org"), Kind::Recipient)],
        "what was deferred and then taken is no failure"
    );
}

#[test]
fn a_recipient_s_result_stays_until_the_server_gives_another() {
    let options = patient(OnRejected::Send);
    let first = session(&[("b", "250 ok"), ("c", "451 4.7.1 greylisted")], "S: 250 ok\nC: QUIT");
    let second = "S: 554 5.3.2 no service\nC: QUIT";
    let message = &mut outgoing(&["b", "c"], b"x\r\n");
    let report = play(&[&first, second], message, &options);
    assert_eq!((report.exit, statuses(&report)), (Exit::Partial, vec!["accepted", "deferred"]));
    assert_eq!((report.receipt.attempts, report.receipt.recipients[1].code), (2, Some(451)));
}

#[test]
fn a_recipient_who_has_the_message_does_not_get_it_again() {
    let full = "452 4.5.3 too many recipients";
    for end in ["S: 421 4.3.2 bye", "S: 451 4.3.0 later\nC: QUIT"] {
        let first = format!(
            "{PLAIN}{}{}{}C: DATA\nS: 354 go\n{BODY}{end}",
            envelope(&[("b", "250 ok"), ("c", full)]),
            data("250 ok"),
            envelope(&[("c", "250 ok")]),
        );
        let second = session(&[("c", "250 ok")], "S: 250 ok\nC: QUIT");
        let message = &mut outgoing(&["b", "c"], b"x\r\n");
        let report = play(&[&first, &second], message, &patient(OnRejected::Abort));
        assert_eq!((report.exit, report.receipt.attempts), (Exit::Ok, 2), "{end}");
    }
}

#[test]
fn a_deferred_envelope_is_tried_again_even_if_its_content_was_sent() {
    let options = patient(OnRejected::Abort);
    let session = |replies: &str| {
        format!(
            "{CHUNKED}C: MAIL FROM:<a@x.org>\nC: RCPT TO:<b@x.org>\n\
             C: BDAT 3 LAST\nC: x\nC: QUIT\n{replies}"
        )
    };
    let greylisted = session("S: 250 ok\nS: 451 4.7.1 greylisted\nS: 503 nobody");
    let busy = session("S: 421 busy");
    let fine = session("S: 250 ok\nS: 250 ok\nS: 250 ok");
    let message = &mut outgoing(&["b"], b"x\r\n");
    let report = play(&[&greylisted, &busy, &fine], message, &options);
    assert_eq!((report.exit, report.receipt.attempts), (Exit::Ok, 3));
    for content in ["451 later", "421 later"] {
        let later = session(&format!("S: 250 ok\nS: 250 ok\nS: {content}"));
        let report = play(&[&later, &fine], message, &options);
        assert_eq!((report.exit, report.receipt.attempts), (Exit::Ok, 2), "{content}");
    }
    for (replies, exit) in [("S: 250 ok\nS: 250 ok\n-- close", Exit::Unknown), ("-- close", Exit::Unknown)] {
        let report = play(&[&session(replies)], message, &options);
        assert_eq!((report.exit, report.receipt.attempts), (exit, 1), "{replies}");
    }
}

#[test]
fn retries_end_with_their_time() {
    let options = Options {
        retry_for: Some(Duration::from_millis(5)),
        first_pause: Duration::from_secs(3600),
        ..Options::default()
    };
    let report = play(&["S: 421 busy"], &mut outgoing(&["b"], b"x\r\n"), &options);
    assert_eq!((report.exit, report.receipt.attempts), (Exit::TempFail, 1));
}
