//! Content by BDAT, in the flight of its envelope and behind it.

use super::*;

const OFFER: &str = "S: 220 mx\nC: EHLO client.example.org\nS: 250-mx\nS: 250-PIPELINING\nS: 250 CHUNKING\n";
const LOCK_STEP: &str = "S: 220 mx\nC: EHLO client.example.org\nS: 250-mx\nS: 250 CHUNKING\n";
const MAIL: &str = "C: MAIL FROM:<a@example.org>\n";
const TO_B: &str = "C: RCPT TO:<b@example.org>\n";

/// Says QUIT behind the content.
struct QuitBehind;

impl ContentHooks for QuitBehind {
    fn behind(&mut self, ready: &mut Ready) {
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

/// One message to one recipient, all in one flight, answered so.
fn answered(replies: &str) -> (Delivery, Ready, ScriptLink) {
    let lines: String = replies.lines().map(|reply| format!("{}\n", reply.trim())).collect();
    send(&format!("{OFFER}{MAIL}{TO_B}{CHUNK_LINES}C: QUIT\n{lines}"), &["b"], OnRejected::Abort)
}

#[test]
fn a_small_message_its_envelope_and_quit_are_one_write() {
    let (delivery, ready, script) = answered("S: 250 ok\nS: 250 ok\nS: 250 2.0.0 queued as 4F2");
    assert!(matches!(&delivery.outcome, TransactionOutcome::Accepted(said) if said.text == "queued as 4F2"));
    assert_eq!((statuses(&delivery), delivery.handed_over), (vec![RecipientStatus::Accepted], true));
    assert_eq!(script.writes(), 2, "EHLO, and everything else");
    assert!(ready.is_over(), "QUIT was said");
    ready.quit();
    assert_eq!(script.sent().matches("QUIT").count(), 1);
}

#[test]
fn without_pipelining_each_command_waits_and_quit_too() {
    let text = format!("{LOCK_STEP}{MAIL}S: 250 ok\n{TO_B}S: 250 ok\n{CHUNK_LINES}S: 250 ok\nC: QUIT");
    let script = ScriptLink::of(&text);
    let mut ready = opened(&script, Security::None, None).unwrap();
    let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
    let delivery = ready.send(begun, &mut &TEXT[..], &mut QuitBehind);
    assert!(matches!(delivery.outcome, TransactionOutcome::Accepted(_)) && !ready.is_over());
    ready.quit();
    script.assert_done();
}

#[test]
fn what_goes_before_the_content_refuses_it_whatever_bdat_is_answered() {
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
    // A content that is taken for nobody reaches nobody.
    let (delivery, _, _) = answered("S: 250 ok\nS: 550 no\nS: 250 ok");
    assert_eq!((kind(&delivery), statuses(&delivery)), (None, vec![Refused]));
}

#[test]
fn the_end_of_a_flight_with_content_in_it_is_a_verdict_or_unknown() {
    use RecipientStatus::*;
    for (replies, want, status) in [
        ("-- close", Kind::Unknown, Unknown),
        ("-- stall", Kind::Unknown, Unknown),
        ("S: what", Kind::Unknown, Unknown),
        ("S: 354 go", Kind::Unknown, Unknown),
        ("S: 250 ok\n-- close", Kind::Unknown, Unknown),
        ("S: 250 ok\nS: 354 go", Kind::Unknown, Unknown),
        ("S: 250 ok\nS: 250-ok\n-- close", Kind::Unknown, Unknown),
        ("S: 250 ok\nS: 250 ok\n-- close", Kind::Unknown, Unknown),
        ("S: 250 ok\nS: 250 ok\n-- stall", Kind::Unknown, Unknown),
        ("S: 250 ok\nS: 250 ok\nS: 354 more", Kind::Unknown, Unknown),
        ("S: 250 ok\nS: 250 ok\nS: garbage", Kind::Unknown, Unknown),
        // MAIL is refused, and yet somebody and something is taken.
        ("S: 451 later\nS: 250 ok\nS: 250 ok", Kind::Unknown, Unknown),
        ("S: 421 busy", Kind::Deferred, Skipped),
        ("S: 250 ok\nS: 421 busy", Kind::Deferred, Deferred),
        ("S: 250 ok\nS: 250 ok\nS: 421 busy", Kind::Deferred, Deferred),
        ("S: 250 ok\nS: 250 ok\nS: 451 later", Kind::Deferred, Deferred),
        ("S: 250 ok\nS: 250 ok\nS: 554-spam\nS: 554 spam", Kind::Rejected, Refused),
    ] {
        let (delivery, _, script) = answered(replies);
        assert_eq!((kind(&delivery), statuses(&delivery)), (Some(want), vec![status]), "{replies}");
        let judged = replies.matches("250 ok").count() == 2 || want == Kind::Unknown;
        assert_eq!(delivery.handed_over, judged, "{replies}");
        assert_eq!(script.sent().matches("BDAT").count(), 1, "{replies}");
    }
}

#[test]
fn a_flight_that_could_not_be_written_has_the_replies_that_came_before() {
    for (rest, want, status) in [
        ("-- close", Some(Kind::Network), RecipientStatus::Skipped),
        ("S: 421 4.3.2 shutting down", Some(Kind::Deferred), RecipientStatus::Skipped),
        ("S: 550 5.7.1 not you\n-- close", Some(Kind::Rejected), RecipientStatus::Skipped),
        ("S: 250 ok\nS: 550 5.1.1 nobody\n-- close", None, RecipientStatus::Refused),
        ("S: 250 ok\nS: 250 ok\n-- close", Some(Kind::Network), RecipientStatus::Skipped),
        ("S: 250 ok\nS: 250 ok\nS: 552 too big\n-- close", Some(Kind::Rejected), RecipientStatus::Refused),
    ] {
        let script = ScriptLink::of(&format!("{OFFER}-- lose write\n{rest}"));
        let mut ready = opened(&script, Security::None, None).unwrap();
        let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
        let delivery = ready.send(begun, &mut &TEXT[..], &mut QuitBehind);
        assert_eq!((kind(&delivery), statuses(&delivery)), (want, vec![status]), "{rest}");
        assert!(ready.is_over() && !delivery.handed_over);
    }
}

#[test]
fn with_several_recipients_the_content_waits_for_all_of_them_unless_the_others_get_it_anyway() {
    let to_c = "C: RCPT TO:<c@example.org>\n";
    let ok = "S: 250 ok\n";
    let abort = format!("{OFFER}{MAIL}{TO_B}{to_c}{ok}{ok}{ok}{CHUNK_LINES}C: QUIT\n{ok}");
    let (delivery, _, _) = send(&abort, &["b", "c"], OnRejected::Abort);
    assert!(matches!(delivery.outcome, TransactionOutcome::Accepted(_)));
    let refused = format!("{OFFER}{MAIL}{TO_B}{to_c}{ok}{ok}S: 550 no\nC: RSET\n{ok}");
    let (delivery, _, script) = send(&refused, &["b", "c"], OnRejected::Abort);
    assert_eq!(statuses(&delivery), [RecipientStatus::Skipped, RecipientStatus::Refused]);
    assert!(!script.sent().contains("BDAT"));
    // The last of them may need another transaction: QUIT waits.
    let rest =
        format!("{OFFER}{MAIL}{TO_B}{to_c}{CHUNK_LINES}{ok}{ok}S: 452 4.5.3 too many recipients\n{ok}");
    let (delivery, ready, _) = send(&rest, &["b", "c"], OnRejected::Send);
    assert_eq!(statuses(&delivery), [RecipientStatus::Accepted, RecipientStatus::TooMany]);
    assert!(!ready.is_over());
    let lost = format!("{OFFER}{MAIL}{TO_B}{to_c}{CHUNK_LINES}{ok}S: 550 no\n-- close");
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
        "{OFFER}{MAIL}{TO_B}{ok}{ok}C: BDAT 128000 LAST\n{lines}{ok}\
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
fn a_server_that_does_not_know_bdat_is_left() {
    for reply in ["500 what?", "502 5.5.1 not implemented", "503 5.5.1 bad sequence"] {
        let (delivery, ready, _) = answered(&format!("S: 250 ok\nS: 250 ok\nS: {reply}"));
        assert!(delivery.unchunked && ready.is_over(), "{reply}");
        assert_eq!(kind(&delivery), Some(Kind::Rejected));
    }
    let (delivery, _, _) = answered("S: 250 ok\nS: 250 ok\nS: 554 spam");
    assert!(!delivery.unchunked);
}

#[test]
fn a_session_told_to_forgo_it_uses_data() {
    let ok = "S: 250 ok\n";
    let script =
        ScriptLink::of(&format!("{OFFER}{MAIL}{TO_B}C: DATA\n{ok}{ok}S: 354 go\n{TEXT_LINES}C: QUIT\n{ok}"));
    let mut ready = opened(&script, Security::None, None).unwrap();
    ready.forgo_chunking();
    let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
    let delivery = ready.send(begun, &mut &TEXT[..], &mut QuitBehind);
    assert!(matches!(delivery.outcome, TransactionOutcome::Accepted(_)));
    script.assert_done();
}

#[test]
fn a_content_shorter_than_announced_is_never_ended() {
    for size in [21, 100_000] {
        let envelope =
            if size > 50_000 { format!("{MAIL}{TO_B}S: 250 ok\nS: 250 ok\n") } else { String::new() };
        let script = ScriptLink::of(&format!("{OFFER}{envelope}"));
        let mut ready = opened(&script, Security::None, None).unwrap();
        let begun = ready.begin(MailTransaction { size, ..transaction(&["b"], OnRejected::Abort) });
        let delivery = ready.send(begun, &mut &TEXT[..], &mut QuitBehind);
        assert_eq!(kind(&delivery), Some(Kind::Storage));
        assert!(ready.is_over() && !delivery.handed_over);
        script.assert_done();
    }
}
