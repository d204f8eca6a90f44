//! `send --batch`: every input line gives one output line, and no message is sent twice.

use crate::support::mailbox::Mailbox;
use crate::support::peer::{End, Victim};
use crate::support::pop3d::{Act, Event};
use crate::support::process::ending_signals;
use crate::support::smtpd::Smtpd;
use crate::support::world::{Checked, World};
use crate::world;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn server() -> Smtpd {
    Smtpd::for_mailbox(&Mailbox::default()).start()
}

/// A server that misbehaves when `when` returns true; `when` gets how often the verb came before.
fn misbehaving(when: impl Fn(&Event<'_>, usize) -> Option<Act> + Send + Sync + 'static) -> Smtpd {
    let seen = Mutex::new(std::collections::HashMap::<String, usize>::new());
    let hook = move |event: &Event<'_>| {
        let mut seen = seen.lock().unwrap();
        let count = seen.entry(event.verb.to_owned()).or_default();
        *count += 1;
        when(event, *count).unwrap_or(Act::Normal)
    };
    Smtpd::for_mailbox(&Mailbox::default()).hook(hook).start()
}

fn messages(count: usize) -> Vec<Value> {
    (1..=count)
        .map(|n| json!({"id": n, "to": format!("r{n}@example.org"), "subject": format!("s{n}"), "text": "x"}))
        .collect()
}

fn run(world: &World, server: &Smtpd, lines: &[Value]) -> Checked {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    world.send(server).arg("--batch").stdin(text).go()
}

/// The output lines for input lines: all but the summary.
fn answers(outcome: &Checked) -> Vec<Value> {
    outcome.json().into_iter().filter(|line| line["type"] != "summary").collect()
}

fn statuses(outcome: &Checked) -> Vec<String> {
    let status = |line: &Value| line["status"].as_str().unwrap_or("error").to_owned();
    answers(outcome).iter().map(status).collect()
}

#[test]
fn the_id_is_given_back_unchanged_and_addresses_may_be_objects() {
    let (world, server) = (world(), server());
    let text = "\u{feff}{\"id\":1.10,\"to\":{\"name\":\"Bob, B.\",\"address\":\"b@x.org\"},\"text\":\"x\"}\n\
                {\"id\":12345678901234567890123,\"to\":[\"c@x.org\",{\"address\":\"d@x.org\"}],\"text\":\"x\"}\n\
                {\"id\":1e2,\"to\":7}\n";
    let outcome = world.send(&server).arg("--batch").stdin(text).go();
    outcome.assert_exit(1);
    let out = outcome.out();
    for id in ["1.10", "12345678901234567890123", "1e2"] {
        assert!(out.contains(&format!("\"id\":{id},")), "{id}: {out}");
    }
    let accepted = server.accepted();
    assert_eq!(accepted[1].recipients, ["c@x.org", "d@x.org"]);
    let first = String::from_utf8_lossy(&accepted[0].content).into_owned();
    assert!(first.contains("To: \"Bob, B.\" <b@x.org>"), "{first}");
}

#[test]
fn many_messages_go_over_one_connection_and_each_has_its_receipt_in_order() {
    let (world, server) = (world(), server());
    let outcome = run(&world, &server, &messages(50));
    outcome.assert_exit(0);
    server.assert_clean();
    assert_eq!(server.accepted().len(), 50);
    assert_eq!(server.journals().len(), 1, "one connection");
    let journal = server.journal();
    for (verb, count) in [("EHLO", 1), ("AUTH", 1), ("MAIL", 50), ("RSET", 0), ("QUIT", 1)] {
        assert_eq!(journal.count(verb), count, "{verb}");
    }
    for (index, answer) in answers(&outcome).iter().enumerate() {
        assert_eq!(answer["type"], "receipt");
        assert_eq!((&answer["id"], &answer["line"]), (&json!(index + 1), &json!(index + 1)));
        assert_eq!(answer["recipients"][0]["address"], format!("r{}@example.org", index + 1));
        assert_eq!((&answer["status"], &answer["exit"]), (&json!("accepted"), &json!(0)));
    }
    assert_eq!(outcome.summary()["accepted"], 50);
}

#[test]
fn a_batch_always_answers_in_json() {
    let (world, server) = (world(), server());
    world.config(&world.account("a", "smtp", server.port(), ""));
    let run = world.postie(["send", "--batch", "--ca-file"]).arg(world.path("ca.pem"));
    let outcome = run.stdin("{\"to\":\"bob@example.org\",\"text\":\"x\"}").go();
    outcome.assert_exit(0);
    assert_eq!(statuses(&outcome), ["accepted"]);
    let text = String::from_utf8(server.the_message().content).unwrap();
    assert!(text.contains("\r\nFrom: \"Ana\" <ana@example.org>\r\n"), "the account is the author: {text}");
}

#[test]
fn every_field_of_a_line_has_its_place_in_the_message() {
    let (world, server) = (world(), server());
    world.write("report.txt", "from a file\n");
    let line = json!({
        "id": {"any": ["thing", null]}, "from": "Eve <eve@example.org>", "to": ["Bob <bob@example.org>", "cy@example.org, dee@example.org"],
        "cc": "eli@example.org", "bcc": ["hidden@example.org"], "reply_to": "answers@example.org", "subject": "Größe ☃",
        "text": "text\n.\n", "html": "<p>markup</p>", "headers": {"X-B": "two", "X-A": ["one", "more"]},
        "attachments": [{"path": world.text("report.txt"), "name": "r.txt"}, {"base64": "AAEC\n/w==", "name": "b.bin", "type": "application/x-b"}],
        "message_id": "own@example.org", "in_reply_to": "<p@example.org>", "references": "<o@example.org> <p@example.org>",
        "date": "2025-09-01T10:00:00Z", "envelope_from": "bounces@example.org",
    });
    let outcome = run(&world, &server, std::slice::from_ref(&line));
    outcome.assert_exit(0);
    server.assert_clean();
    let receipt = &answers(&outcome)[0];
    assert_eq!((&receipt["id"], &receipt["message_id"]), (&line["id"], &json!("own@example.org")));
    let message = server.the_message();
    assert!(message.mail.starts_with("<bounces@example.org>"));
    assert_eq!(
        message.recipients,
        ["bob", "cy", "dee", "eli", "hidden"].map(|name| format!("{name}@example.org"))
    );
    let parsed = mail_parser::MessageParser::default().parse(&message.content).unwrap();
    assert_eq!(parsed.subject(), Some("Größe ☃"));
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), "text\n.");
    let attached: Vec<_> = parsed.attachments().map(|part| part.contents().to_vec()).collect();
    assert_eq!(attached, [b"from a file\n".to_vec(), vec![0, 1, 2, 255]]);
    let text = String::from_utf8(message.content.clone()).unwrap();
    assert!(!text.contains("hidden"));
    for field in [
        "From: \"Eve\" <eve@example.org>",
        "X-A: one\r\nX-A: more\r\nX-B: two",
        "In-Reply-To: <p@example.org>",
        "Reply-To: <answers@example.org>",
        "Date: Mon, 1 Sep 2025 10:00:00 +0000",
    ] {
        assert!(
            text.contains(&format!("\r\n{field}\r\n")) || text.starts_with(&format!("{field}\r\n")),
            "{field}: {text}"
        );
    }
}

#[test]
fn a_complete_message_goes_as_text_or_base64() {
    let (world, server) = (world(), server());
    let raw = "From: ana@example.org\nTo: bob@example.org\nBcc: cy@example.org\nDate: Mon, 01 Sep 2025 10:00:00 +0000\nMessage-ID: <x@example.org>\n\nbody\n";
    let coded = "RnJvbTogYW5hQGV4YW1wbGUub3JnClRvOiBib2JAZXhhbXBsZS5vcmcKCmJvZHkK";
    let lines = [
        json!({"raw": raw}),
        json!({"raw_base64": coded, "to": "dee@example.org", "envelope_from": "<>"}),
        json!({"raw": raw, "subject": "no"}),
        json!({"raw": raw, "raw_base64": coded}),
    ];
    let outcome = run(&world, &server, &lines);
    outcome.assert_exit(1);
    assert_eq!(statuses(&outcome), ["accepted", "accepted", "error", "error"]);
    let accepted = server.accepted();
    assert_eq!(accepted[0].recipients, ["bob@example.org", "cy@example.org"]);
    assert!(!String::from_utf8_lossy(&accepted[0].content).contains("Bcc"));
    assert_eq!(
        (accepted[1].recipients.as_slice(), &accepted[1].mail[..2]),
        (&["dee@example.org".to_owned()][..], "<>")
    );
}

#[test]
fn a_bad_line_gives_an_error_line_and_the_rest_is_sent() {
    let (world, server) = (world(), server());
    let good = "{\"id\":\"good\",\"to\":\"bob@example.org\",\"text\":\"x\"}";
    let bad = [
        "{\"id\":1,\"to\":\"bob@example.org\",\"text\":\"x\",\"txet\":\"y\"}",
        "{\"id\":2,\"to\":17}",
        "{\"id\":3,\"to\":\"not an address\",\"text\":\"x\"}",
        "{\"id\":4,\"text\":\"nobody\"}",
        "{\"id\":5,\"to\":\"bob@example.org\",\"subject\":\"a\\r\\nBcc: eve@example.org\"}",
        "{\"id\":6,\"to\":\"bob@example.org\\nRCPT TO:<eve@example.org>\"}",
        "{\"id\":7,\"to\":\"bob@example.org\",\"attachments\":[{\"name\":\"x\"}]}",
        "{\"id\":8,\"to\":\"bob@example.org\",\"attachments\":[{\"base64\":\"%%\"}]}",
        "{\"id\":9,\"to\":\"bob@example.org\",\"to\":\"eve@example.org\"}",
        "{\"id\":10,\"to\":\"bob@example.org\",\"headers\":{\"X: y\\r\\nBcc\":\"z\"}}",
        "{\"id\":11,\"to\":\"bob@example.org\",\"raw_base64\":\"*\"}",
    ];
    let text = format!("{good}\n{}\n\n   \nnot json\n[]\n{good}", bad.join("\n"));
    let outcome = world.send(&server).arg("--batch").stdin(text).go();
    outcome.assert_exit(1);
    server.assert_clean();
    assert_eq!(server.accepted().len(), 2, "{outcome:?}");
    let answers = answers(&outcome);
    assert_eq!(answers.len(), bad.len() + 4, "blank lines are none");
    for (index, answer) in answers[1..=bad.len()].iter().enumerate() {
        assert_eq!(answer["type"], "error", "{answer}");
        assert_eq!((&answer["id"], &answer["line"]), (&json!(index + 1), &json!(index + 2)), "{answer}");
        assert_eq!(
            (&answer["scope"], &answer["retry"], &answer["exit"]),
            (&json!("message"), &json!("never"), &json!(65))
        );
    }
    assert_eq!(answers[bad.len() + 1]["line"], bad.len() + 4, "blank lines count");
    assert_eq!(answers[0]["id"], "good");
    assert_eq!(answers.last().unwrap()["status"], "accepted");

    let missing = json!({"to": "bob@example.org", "attachments": [{"path": world.text("missing")}]});
    let outcome = run(&world, &server, &[missing]);
    outcome.assert_failure(66, "no_input");
}

#[test]
fn a_refused_message_is_reported_and_the_next_uses_the_same_session() {
    let server = misbehaving(|event, _| {
        let refused = event.line.contains("r2@") || event.line.contains("r4@");
        (event.verb == "RCPT" && refused).then(|| Act::reply("550 5.1.1 no"))
    });
    let world = world();
    let outcome = run(&world, &server, &messages(5));
    outcome.assert_exit(1);
    assert_eq!(statuses(&outcome), ["accepted", "refused", "accepted", "refused", "accepted"]);
    let refused = &answers(&outcome)[1];
    assert_eq!((&refused["exit"], &refused["error"]["kind"]), (&json!(67), &json!("recipient")));
    assert_eq!(server.journals().len(), 1);
    assert_eq!(server.journal().count("RSET"), 2, "only behind a refusal");
}

#[test]
fn a_message_that_met_421_or_a_lost_connection_before_its_content_is_tried_once_more() {
    for verb in ["MAIL", "RCPT", "DATA"] {
        for lost in [false, true] {
            let server = misbehaving(move |event, count| {
                let act = if lost {
                    Act::end(End::Close)
                } else {
                    Act::Then(b"421 4.3.2 bye\r\n".to_vec(), End::Close)
                };
                (event.verb == verb && count == 2).then_some(act)
            });
            let world = world();
            let outcome = run(&world, &server, &messages(4));
            outcome.assert_exit(0);
            assert_eq!(server.accepted().len(), 4, "{verb} {lost}: each once");
            assert_eq!(server.journals().len(), 2, "{verb} {lost}");
            assert_eq!(answers(&outcome)[1]["attempts"], 2);
            assert_eq!(answers(&outcome)[2]["attempts"], 1);
        }
    }
}

#[test]
fn a_message_that_met_421_twice_is_deferred_and_the_rest_is_sent() {
    let server = misbehaving(|event, _| (event.line.contains("r2@")).then(|| Act::end(End::Close)));
    let world = world();
    let outcome = run(&world, &server, &messages(3));
    outcome.assert_exit(1);
    assert_eq!(statuses(&outcome), ["accepted", "deferred", "accepted"]);
    assert_eq!(answers(&outcome)[1]["attempts"], 2);
    assert_eq!(answers(&outcome)[1]["exit"], 75);
}

#[test]
fn a_message_that_may_have_been_delivered_is_never_repeated() {
    let server = misbehaving(|event, count| (event.verb == "." && count == 2).then(|| Act::end(End::Close)));
    let world = world();
    let outcome = run(&world, &server, &messages(3));
    outcome.assert_exit(79);
    assert_eq!(statuses(&outcome), ["accepted", "unknown", "accepted"]);
    assert_eq!(answers(&outcome)[1]["error"]["retry"], "may_duplicate");
    let journals = server.journals();
    let to_second = journals
        .iter()
        .flat_map(|journal| journal.with_verb("RCPT").into_iter())
        .filter(|line| line.contains("r2@"));
    assert_eq!(to_second.count(), 1, "offered once");
}

#[test]
fn a_refused_login_is_tried_once_for_the_whole_batch() {
    for act in ["535 5.7.8 no\r\n", ""] {
        let server = misbehaving(move |event, _| {
            let closing = Act::Then(act.as_bytes().to_vec(), End::Close);
            (event.verb == "AUTH").then_some(closing)
        });
        let world = world();
        let outcome = run(&world, &server, &messages(5));
        outcome.assert_exit(if act.is_empty() { 75 } else { 77 });
        assert_eq!(statuses(&outcome), ["failed"; 5]);
        let auths: usize = server.journals().iter().map(|journal| journal.count("AUTH")).sum();
        assert_eq!(auths, 1, "{act:?}");
        let attempts: Vec<_> = answers(&outcome).iter().map(|answer| answer["attempts"].clone()).collect();
        assert_eq!(attempts, [1, 0, 0, 0, 0]);
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_not_asked_for_every_line() {
    let connections = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let server = misbehaving(move |event, _| {
        (event.verb.is_empty()).then(|| {
            counted.fetch_add(1, Ordering::SeqCst);
            Act::Then(b"421 4.3.2 too busy\r\n".to_vec(), End::Close)
        })
    });
    let world = world();
    let outcome = run(&world, &server, &messages(200));
    outcome.assert_exit(75);
    assert_eq!(answers(&outcome).len(), 200);
    assert!(connections.load(Ordering::SeqCst) < 20, "{connections:?}");
}

#[test]
fn a_signal_ends_the_batch_after_the_reply_to_the_current_message() {
    // Envelopes are sent with the content of the message before; an envelope whose content has not been sent
    // is dropped.
    let points = [("MAIL", 1), ("RCPT", 1), (".", 2)].map(|point| (point, ending_signals()));
    let points =
        points.into_iter().flat_map(|(point, signals)| signals.into_iter().map(move |it| (point, it)));
    for ((verb, answered), signal) in points {
        for chunking in [false, true] {
            let victim = Victim::default();
            let process = victim.clone();
            let count = AtomicUsize::new(0);
            let setup = Smtpd::for_mailbox(&Mailbox::default()).hook(move |event| {
                if event.verb == verb && count.fetch_add(1, Ordering::SeqCst) == 1 {
                    process.signal(signal);
                }
                Act::Normal
            });
            let server = if chunking { setup.with("CHUNKING").start() } else { setup.start() };
            let world = world();
            let text: String = messages(5).iter().map(|line| format!("{line}\n")).collect();
            let outcome = world.send(&server).arg("--batch").stdin(text).victim(victim).go();
            assert_eq!(outcome.signal, Some(signal.as_raw()), "{outcome:?}");
            let mut wanted = vec!["accepted"; answered];
            wanted.push("error");
            assert_eq!(statuses(&outcome), wanted, "{verb}: {outcome:?}");
            assert_eq!(server.accepted().len(), answered, "{verb}");
            // Whoever reads the lines alone must see that the batch is not done, and how far it came.
            let error = outcome.error();
            let message =
                format!("the batch: stopped by a signal: nothing that follows line {answered} was sent");
            assert_eq!((&error["kind"], &error["message"]), (&json!("interrupted"), &json!(message)));
            assert_eq!(error["retry"], "may_duplicate", "the whole batch once more would send some twice");
            assert_eq!(
                (&outcome.summary()["accepted"], &outcome.summary()["exit"]),
                (&json!(answered), &json!(1))
            );
        }
    }
}

#[test]
fn lines_that_have_been_read_take_one_flight_each_and_later_ones_are_not_waited_for() {
    for chunking in [false, true] {
        let setup = Smtpd::for_mailbox(&Mailbox::default());
        let server = if chunking { setup.with("CHUNKING").start() } else { setup.start() };
        let world = world();
        run(&world, &server, &messages(20)).assert_exit(0);
        server.assert_clean();
        assert_eq!(server.accepted().len(), 20);
        let received = server.journal().received.len();
        assert!(received <= 20 + 6, "each read of the server is one flight: {received}");
        let resets = server.journal().count("RSET");
        assert_eq!(resets, if chunking { 19 } else { 0 });
    }
}

#[test]
fn a_receipt_is_written_before_the_next_line_arrives() {
    let (world, server) = (world(), server());
    // Each line comes only after the receipt for the one before.
    let mut feeder = String::new();
    for line in messages(3) {
        let receipt = format!("\"id\":{},", line["id"]);
        feeder += &format!("printf '%s\\n' '{line}'\nuntil grep -q '{receipt}' out; do sleep 0.01; done\n");
    }
    world.write("feeder", feeder);
    let prelude = ": > out; mkfifo in; timeout 20 sh feeder > in & exec < in > out";
    let outcome = world.send(&server).arg("--batch").under_shell(prelude).go();
    outcome.assert_exit(0);
    assert_eq!(server.accepted().len(), 3);
    assert_eq!(std::fs::read_to_string(world.path("out")).unwrap().matches("\"receipt\"").count(), 3);
}

#[test]
fn rate_spaces_messages_out_and_a_dry_run_does_not_connect() {
    let (world, server) = (world(), server());
    let text: String = messages(4).iter().map(|line| format!("{line}\n")).collect();
    let outcome = world.send(&server).args(["--batch", "--rate", "5/s"]).stdin(&text).go();
    outcome.assert_exit(0);
    assert!(outcome.elapsed.as_millis() >= 600, "three pauses of 200 ms: {:?}", outcome.elapsed);
    assert_eq!(server.accepted().len(), 4);
    let connections = server.journals().len();
    let outcome = world.send(&server).args(["--batch", "--dry-run"]).stdin(&text).go();
    outcome.assert_exit(0);
    assert_eq!(statuses(&outcome), ["skipped"; 4]);
    assert_eq!(server.journals().len(), connections);
    world.send(&server).args(["--rate", "5/s", "bob@example.org"]).go().assert_failure(64, "usage");
    world.send(&server).args(["--batch", "-s", "x"]).go().assert_failure(64, "usage");
    world.send(&server).arg("--batch").go().assert_exit(0);
}

#[test]
fn copies_of_a_batch_are_saved() {
    let (world, server) = (world(), server());
    let text: String = messages(3).iter().map(|line| format!("{line}\n")).collect();
    let run =
        world.send(&server).args(["--batch", "--save-copy"]).arg(format!("maildir:{}", world.text("Sent")));
    run.stdin(text).go().assert_exit(0);
    assert_eq!(crate::support::disk::maildir(&world.path("Sent")).len(), 3);
}

#[test]
fn if_nothing_listens_every_line_is_a_temporary_failure() {
    let world = world();
    let text: String = messages(3).iter().map(|line| format!("{line}\n")).collect();
    let run = world.at_url("smtp+insecure://localhost:1", "send").args(["--batch", "-f", "ana@example.org"]);
    let outcome = run.stdin(text).go();
    outcome.assert_exit(75);
    assert_eq!(statuses(&outcome), ["failed"; 3]);
    assert_eq!(answers(&outcome)[2]["error"]["kind"], "network");
}
