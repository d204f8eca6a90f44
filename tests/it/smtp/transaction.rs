//! MAIL, RCPT, DATA, the content and the final dot.

use super::*;

const MAIL: &str = "C: MAIL FROM:<a@example.org>\n";

/// Plays one transaction and gives it back with the session.
fn send(text: &str, names: &[&str], on_rejected: OnRejected) -> (Delivery, Ready, ScriptLink) {
    let script = ScriptLink::of(text);
    let mut ready = opened(&script, Security::None, None).unwrap();
    let begun = ready.begin(transaction(names, on_rejected));
    let delivery = ready.send(begun, &mut &TEXT[..], &mut ());
    script.assert_done();
    (delivery, ready, script)
}

fn kind(delivery: &Delivery) -> Kind {
    super::kind(delivery).expect("it failed")
}

#[test]
fn mixed_recipients_follow_the_policy_in_every_order() {
    use RecipientStatus::*;
    let replies = [("250 ok", Accepted), ("550 no", Refused), ("450 later", Deferred)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for piped in [false, true] {
            let (mut asked, mut answered) = (Vec::new(), Vec::new());
            for (index, reply) in order.iter().enumerate() {
                asked.push(format!("C: RCPT TO:<{}@example.org>\n", ["b", "c", "d"][index]));
                answered.push(format!("S: {}\n", replies[*reply].0));
            }
            let results: Vec<RecipientStatus> = order.iter().map(|reply| replies[*reply].1).collect();
            let flight = |data: &str| match piped {
                true => {
                    let go = if data.is_empty() { "" } else { "S: 354 go\n" };
                    format!("{PIPED}{MAIL}{}{data}S: 250 ok\n{}{go}", asked.concat(), answered.concat())
                }
                false => {
                    let each: String = asked
                        .iter()
                        .zip(&answered)
                        .map(|(asked, answered)| format!("{asked}{answered}"))
                        .collect();
                    let go = if data.is_empty() { "" } else { "C: DATA\nS: 354 go\n" };
                    format!("{PLAIN}{MAIL}S: 250 ok\n{each}{go}")
                }
            };
            let abort = format!("{}C: RSET\nS: 250 ok", flight(""));
            let (delivery, _, _) = send(&abort, &["b", "c", "d"], OnRejected::Abort);
            let skipped = |status: &RecipientStatus| if *status == Accepted { Skipped } else { *status };
            assert_eq!(statuses(&delivery), results.iter().map(skipped).collect::<Vec<_>>());
            assert!(!delivery.handed_over);
            let rest = format!("{}{TEXT_LINES}S: 250 ok", flight("C: DATA\n"));
            let (delivery, _, _) = send(&rest, &["b", "c", "d"], OnRejected::Send);
            assert_eq!(statuses(&delivery), results);
            assert!(matches!(delivery.outcome, TransactionOutcome::Accepted(_)));
        }
    }
}

#[test]
fn a_refusal_counts_even_if_the_server_then_closes_the_connection() {
    let mail = format!("{PIPED}{MAIL}C: RCPT TO:<b@example.org>\nC: DATA\nS: 550 no\n");
    let rcpt = format!("{PIPED}{MAIL}C: RCPT TO:<b@example.org>\nC: DATA\nS: 250 ok\nS: 550 no\n");
    for end in ["-- close", "S: 421 too many errors", "-- stall"] {
        let (delivery, ready, _) = send(&format!("{mail}{end}"), &["b"], OnRejected::Abort);
        assert_eq!(kind(&delivery), Kind::Rejected, "{end}");
        assert!(ready.is_over());
        let (delivery, ready, _) = send(&format!("{rcpt}{end}"), &["b"], OnRejected::Abort);
        assert!(matches!(delivery.outcome, TransactionOutcome::Withheld), "{end}");
        assert_eq!(statuses(&delivery), [RecipientStatus::Refused], "{end}");
        let failure = delivery.results[0].failure.as_ref().unwrap();
        assert_eq!(failure.message, "mx.example.org:587: RCPT TO:<b@example.org>: 550 no");
        assert!(ready.is_over());
    }
}

#[test]
fn a_write_that_fails_inside_the_content_is_reported_with_the_server_s_reason() {
    let head = format!("{PLAIN}{MAIL}S: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\nC: DATA\nS: 354 go\n");
    for (rest, want, status) in [
        ("-- lose write\nS: 552 5.3.4 too big", Kind::Rejected, RecipientStatus::Refused),
        ("-- lose write\nS: 421 4.3.2 shutting down", Kind::Deferred, RecipientStatus::Deferred),
        ("-- lose write\nS: 250 fine?", Kind::Network, RecipientStatus::Skipped),
        ("-- lose write\n-- close", Kind::Network, RecipientStatus::Skipped),
    ] {
        let script = ScriptLink::of(&format!("{head}{rest}"));
        let mut ready = opened(&script, Security::None, None).unwrap();
        let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
        let long = b"0123456789abcde\r\n".repeat(10_000);
        let delivery = ready.send(begun, &mut &long[..], &mut ());
        assert_eq!((kind(&delivery), statuses(&delivery)), (want, vec![status]), "{rest}");
        assert!(!delivery.handed_over && ready.is_over());
    }
}

#[test]
fn a_failed_write_does_not_send_the_final_dot() {
    let head = format!("{PLAIN}{MAIL}S: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\nC: DATA\nS: 354 go\n");
    for (rest, want) in
        [("-- lose write\n-- close", Kind::Network), ("-- lose write\nS: 554 no", Kind::Rejected)]
    {
        let (delivery, _, _) = send(&format!("{head}{rest}"), &["b"], OnRejected::Abort);
        assert_eq!(kind(&delivery), want);
        assert!(!delivery.handed_over);
    }
}

/// A server that has sent all its replies in advance, over a connection that breaks after so many octets from
/// the client.
struct Narrow {
    replies: std::io::Cursor<Vec<u8>>,
    room: usize,
}

impl std::io::Read for Narrow {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.replies.read(into)
    }
}

impl std::io::Write for Narrow {
    fn write(&mut self, from: &[u8]) -> std::io::Result<usize> {
        let taken = from.len().min(self.room);
        self.room -= taken;
        if taken == 0 { Err(std::io::ErrorKind::ConnectionReset.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl postie::net::Link for Narrow {
    fn arm(&mut self, _: postie::net::Allowance) {}

    fn secure(
        self: Box<Self>,
        _: &dyn postie::net::Secure,
        _: &str,
    ) -> Result<Box<dyn postie::net::Link>, postie::net::NetError> {
        unreachable!("no test asks for TLS")
    }

    fn tls(&self) -> Option<&postie::net::TlsInfo> {
        None
    }
}

/// Hazard 68: if the connection is lost inside the content, nothing was delivered; after the end of the
/// content, the outcome is unknown. What else is in the same write makes no difference.
#[test]
fn a_connection_lost_inside_the_content_is_noticed_at_any_octet() {
    struct Leave;
    impl ContentHooks for Leave {
        fn after_content(&mut self, ready: &mut Ready) {
            ready.say_quit();
        }
    }
    let long = b"0123456789abcde\r\n".repeat(10_000);
    let short = &long[..17 * 200];
    let (data, chunks) = ("250-mx\r\n250 PIPELINING\r\n", "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    let envelope =
        "EHLO client.example.org\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n".len();
    for (offer, replies, content, head, tail) in [
        (data, "250 ok\r\n250 ok\r\n354 go\r\n", &long[..], "DATA\r\n", ".\r\n"),
        (data, "250 ok\r\n250 ok\r\n354 go\r\n", short, "DATA\r\n", ".\r\n"),
        (chunks, "250 ok\r\n250 ok\r\n", &long[..], "BDAT 170000 LAST\r\n", ""),
        (chunks, "250 ok\r\n250 ok\r\n", short, "BDAT 3400 LAST\r\n", ""),
    ] {
        let end = envelope + head.len() + content.len() + tail.len();
        let step = if content.len() > 5000 { 10 * 1024 } else { 128 };
        let cuts = (envelope..end).step_by(step).chain(end - 3..=end + "QUIT\r\n".len());
        for room in cuts {
            let said = format!("220 mx\r\n{offer}{replies}").into_bytes();
            let link = Narrow { replies: std::io::Cursor::new(said), room };
            let wire = Wire::new(Box::new(link), "mx.example.org:587", Limits::default(), None);
            let mut ready = opened_over(wire, Security::None, None).unwrap();
            let size = content.len() as u64;
            let begun = ready.begin(MailTransaction { size, ..transaction(&["b"], OnRejected::Abort) });
            let mut content = content;
            let delivery = ready.send(begun, &mut content, &mut Leave);
            let want = if room < end { Kind::Network } else { Kind::Unknown };
            assert_eq!(kind(&delivery), want, "{head} cut at {room} of {end}");
            assert_eq!(delivery.handed_over, room >= end, "{head} cut at {room} of {end}");
        }
    }
}

/// `RFC 5321 §4.5.3.2.6`.
#[test]
fn the_final_reply_is_awaited_for_ten_minutes_with_any_timeout_but_not_beyond_max_time() {
    use std::time::{Duration, Instant};
    let data = format!(
        "{PIPED}{MAIL}C: RCPT TO:<b@example.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n{TEXT_LINES}-- stall"
    );
    let chunk = format!("{CHUNKED}{MAIL}C: RCPT TO:<b@example.org>\n{CHUNK_LINES}");
    let held_back = format!("{chunk}-- stall");
    let judging = format!("{chunk}S: 250 ok\nS: 250 ok\n-- stall");
    for text in [data, held_back, judging] {
        for end in [None, Some(Duration::from_secs(90))] {
            let started = Instant::now();
            let end = end.map(|end| started + end);
            let limits = postie::net::Limits { timeout: Duration::from_secs(2), end, ..Default::default() };
            let script = ScriptLink::of(&text);
            let mut ready = opened_over(script.wire(limits), Security::None, None).unwrap();
            let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
            let delivery = ready.send(begun, &mut &TEXT[..], &mut ());
            assert_eq!(kind(&delivery), Kind::Unknown);
            let patience = (script.waits_until() - started).as_secs();
            assert!(
                if end.is_some() { patience == 90 } else { (600..610).contains(&patience) },
                "{patience}"
            );
        }
    }
}

#[test]
fn a_message_that_cannot_be_read_to_its_end_is_never_completed() {
    struct UnreadableMessage;
    impl std::io::Read for UnreadableMessage {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk on fire"))
        }
    }
    let head = format!("{PLAIN}{MAIL}S: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\nC: DATA\nS: 354 go\n");
    let script = ScriptLink::of(&head);
    let mut ready = opened(&script, Security::None, None).unwrap();
    let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
    let delivery = ready.send(begun, &mut UnreadableMessage, &mut ());
    assert_eq!(kind(&delivery), Kind::Storage);
    assert!(ready.is_over() && !delivery.handed_over);
    ready.quit();
    script.assert_done();
}

#[test]
fn a_long_list_of_recipients_is_sent_in_flights_that_fit_the_buffers() {
    let names: Vec<String> = (0..150).map(|n| format!("r{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ask = |range: std::ops::Range<usize>| -> String {
        range.map(|n| format!("C: RCPT TO:<r{n}@example.org>\n")).collect()
    };
    let text = format!(
        "{PIPED}{MAIL}{}{}{}{}C: DATA\nS: 354 go\n{TEXT_LINES}S: 250 ok",
        ask(0..99),
        "S: 250 ok\n".repeat(100),
        ask(99..150),
        "S: 250 ok\n".repeat(51),
    );
    let (delivery, _, _) = send(&text, &names, OnRejected::Abort);
    assert!(delivery.results.iter().all(|result| result.status == RecipientStatus::Accepted));
}

#[test]
fn a_second_message_uses_the_same_session() {
    let one = format!(
        "{MAIL}S: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\nC: DATA\nS: 354 go\n{TEXT_LINES}S: 250 ok\n"
    );
    let refused = format!("{MAIL}S: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\nC: DATA\nS: 451 later\n");
    let script = ScriptLink::of(&format!("{PLAIN}{one}{refused}C: RSET\nS: 250 ok\n{one}C: QUIT"));
    let mut ready = opened(&script, Security::None, None).unwrap();
    let outcomes: Vec<bool> = (0..3)
        .map(|_| {
            let begun = ready.begin(transaction(&["b"], OnRejected::Abort));
            matches!(ready.send(begun, &mut &TEXT[..], &mut ()).outcome, TransactionOutcome::Accepted(_))
        })
        .collect();
    assert_eq!(outcomes, [true, false, true]);
    ready.quit();
    script.assert_done();
}
