//! Content by BDAT, in the flight of its envelope and after it.

use super::*;

const MAIL: &str = "C: MAIL FROM:<a@example.org>\n";
const TO_B: &str = "C: RCPT TO:<b@example.org>\n";

/// Sends QUIT after the content.
struct QuitBehind;

impl ContentHooks for QuitBehind {
    fn after_content(&mut self, ready: &mut Ready) {
        ready.say_quit();
    }
}

fn send(text: &str, names: &[&str], on_rejected: OnRejected) -> (Delivery, Ready, ScriptLink) {
    let script = ScriptLink::of(text);
    let mut ready = opened(&script, Security::None, None).unwrap();
    let begun = ready.begin(transaction(names, on_rejected));
    let delivery = ready.send(begun, &mut &TEXT[..], &mut QuitBehind);
    script.assert_done();
    (delivery, ready, script)
}

/// One message to one recipient, all in one flight, with these replies.
fn answered(replies: &str) -> (Delivery, Ready, ScriptLink) {
    let lines: String = replies.lines().map(|reply| format!("{}\n", reply.trim())).collect();
    send(&format!("{CHUNKED}{MAIL}{TO_B}{CHUNK_LINES}C: QUIT\n{lines}"), &["b"], OnRejected::Abort)
}

#[test]
fn a_refusal_before_the_content_counts_whatever_the_reply_to_bdat_is() {
    use RecipientStatus::*;
    for (replies, want, status) in [
        ("S: 250 ok\nS: 550 5.1.1 no", None, Refused),
        ("S: 250 ok\nS: 451 4.7.1 greylisted", None, Deferred),
        ("S: 550 no\nS: 503 MAIL first", Some(Kind::Rejected), Skipped),
        ("S: 451 later\nS: 503 MAIL first", Some(Kind::Deferred), Skipped),
        ("S: 451 later\nS: 250 ok", Some(Kind::Deferred), Skipped),
    ] {
        for end in ["S: 503 no", "S: 554 no", "S: 421 bye", "S: huh", "-- close", "-- stall"] {
            let (delivery, ready, _) = answered(&format!("{replies}\n{end}"));
            assert_eq!((kind(&delivery), statuses(&delivery)), (want, vec![status]), "{replies} {end}");
            assert!(!delivery.handed_over && ready.is_over(), "{replies} {end}");
            assert!(!delivery.unchunked);
        }
    }
    // Content that is accepted for no recipient is delivered to nobody.
    let (delivery, _, _) = answered("S: 250 ok\nS: 550 no\nS: 250 ok");
    assert_eq!((kind(&delivery), statuses(&delivery)), (None, vec![Refused]));
}

#[test]
fn if_mail_is_refused_but_the_content_is_accepted_the_outcome_is_unknown() {
    let (delivery, _, _) = answered("S: 451 later\nS: 250 ok\nS: 250 ok");
    assert_eq!((kind(&delivery), statuses(&delivery)), (Some(Kind::Unknown), vec![RecipientStatus::Unknown]));
    assert!(delivery.handed_over);
}

#[test]
fn after_a_failed_write_the_replies_received_before_still_count() {
    for (rest, want, status) in [
        ("-- close", Some(Kind::Network), RecipientStatus::Skipped),
        ("S: 421 4.3.2 shutting down", Some(Kind::Deferred), RecipientStatus::Skipped),
        ("S: 550 5.7.1 not you\n-- close", Some(Kind::Rejected), RecipientStatus::Skipped),
        ("S: 250 ok\nS: 550 5.1.1 nobody\n-- close", None, RecipientStatus::Refused),
        ("S: 250 ok\nS: 250 ok\n-- close", Some(Kind::Network), RecipientStatus::Skipped),
        ("S: 250 ok\nS: 250 ok\nS: 552 too big\n-- close", Some(Kind::Rejected), RecipientStatus::Refused),
    ] {
        let script = ScriptLink::of(&format!("{CHUNKED}-- lose write\n{rest}"));
        let mut ready = opened(&script, Security::None, None).unwrap();
        let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
        let delivery = ready.send(begun, &mut &TEXT[..], &mut QuitBehind);
        assert_eq!((kind(&delivery), statuses(&delivery)), (want, vec![status]), "{rest}");
        assert!(ready.is_over() && !delivery.handed_over);
    }
}

#[test]
fn with_on_rejected_send_the_content_is_sent_at_once() {
    let to_c = "C: RCPT TO:<c@example.org>\n";
    let ok = "S: 250 ok\n";
    // The last of them may need another transaction: QUIT waits.
    let rest =
        format!("{CHUNKED}{MAIL}{TO_B}{to_c}{CHUNK_LINES}{ok}{ok}S: 452 4.5.3 too many recipients\n{ok}");
    let (delivery, ready, _) = send(&rest, &["b", "c"], OnRejected::Send);
    assert_eq!(statuses(&delivery), [RecipientStatus::Accepted, RecipientStatus::TooMany]);
    assert!(!ready.is_over());
    let lost = format!("{CHUNKED}{MAIL}{TO_B}{to_c}{CHUNK_LINES}{ok}S: 550 no\n-- close");
    let (delivery, _, _) = send(&lost, &["b", "c"], OnRejected::Send);
    assert_eq!(statuses(&delivery), [RecipientStatus::Refused, RecipientStatus::Unknown]);
    assert_eq!(kind(&delivery), Some(Kind::Unknown));
}

#[test]
fn a_large_message_and_one_on_a_used_session_wait_for_their_recipients() {
    let ok = "S: 250 ok\n";
    let line = format!("{}\r\n", "x".repeat(62));
    let (large, lines) = (line.repeat(2000), format!("C: {}\n", line.trim_end()).repeat(2000));
    let script = ScriptLink::of(&format!(
        "{CHUNKED}{MAIL}{TO_B}{ok}{ok}C: BDAT 128000 LAST\n{lines}{ok}\
         {MAIL}{TO_B}{ok}S: 550 no\nC: RSET\n{ok}\
         {MAIL}{TO_B}{ok}{ok}{CHUNK_LINES}{ok}"
    ));
    let mut ready = opened(&script, Security::None, None).unwrap();
    let size = large.len() as u64;
    let begun = ready.begin(MailTransaction { size, ..transaction(&["b"], OnRejected::Abort) });
    let mut octets = Count(0);
    let delivery = ready.send(begun, &mut large.as_bytes(), &mut octets);
    assert!(matches!(delivery.outcome, TransactionOutcome::Accepted(_)));
    assert_eq!(octets.0, size);
    let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
    let delivery = ready.send(begun, &mut &TEXT[..], &mut ());
    assert_eq!(statuses(&delivery), [RecipientStatus::Refused]);
    let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
    let delivery = ready.send(begun, &mut &TEXT[..], &mut ());
    assert_eq!(statuses(&delivery), [RecipientStatus::Accepted]);
    script.assert_done();
}

struct Count(u64);

impl ContentHooks for Count {
    fn progress(&mut self, octets: u64) {
        self.0 += octets;
    }
}

#[test]
fn a_session_told_not_to_use_bdat_uses_data() {
    let ok = "S: 250 ok\n";
    let script = ScriptLink::of(&format!(
        "{CHUNKED}{MAIL}{TO_B}C: DATA\n{ok}{ok}S: 354 go\n{TEXT_LINES}C: QUIT\n{ok}"
    ));
    let mut ready = opened(&script, Security::None, None).unwrap();
    ready.forgo_chunking();
    let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
    let delivery = ready.send(begun, &mut &TEXT[..], &mut QuitBehind);
    assert!(matches!(delivery.outcome, TransactionOutcome::Accepted(_)));
    script.assert_done();
}

#[test]
fn content_shorter_than_announced_is_never_completed() {
    for size in [21, 100_000] {
        let envelope =
            if size > 50_000 { format!("{MAIL}{TO_B}S: 250 ok\nS: 250 ok\n") } else { String::new() };
        let script = ScriptLink::of(&format!("{CHUNKED}{envelope}"));
        let mut ready = opened(&script, Security::None, None).unwrap();
        let begun = ready.begin(MailTransaction { size, ..transaction(&["b"], OnRejected::Abort) });
        let delivery = ready.send(begun, &mut &TEXT[..], &mut QuitBehind);
        assert_eq!(kind(&delivery), Some(Kind::Storage));
        assert!(ready.is_over() && !delivery.handed_over);
        script.assert_done();
    }
}
