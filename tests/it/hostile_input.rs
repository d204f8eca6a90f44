//! Input that is nested or long beyond reason, from every source: it ends in bounded time, and neither stack
//! nor memory grows with it.

use crate::sendmail::link;
use crate::support::process::{Outcome, Run};
use crate::support::recorder::{Recorder, SessionMode};
use crate::support::world::World;
use crate::world;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;

fn recorder() -> Recorder {
    Recorder::start(SessionMode { lax: false, extensions: vec!["PIPELINING", "8BITMIME", "SIZE 100000000"] })
}

fn send(world: &World, server: &Recorder, args: &[&str]) -> Run {
    let run = world.postie([
        "--json",
        "--timeout",
        "1h",
        "--server",
        &server.url(),
        "send",
        "-f",
        "ana@example.org",
    ]);
    run.args(args)
}

fn sendmail(world: &World, server: &Recorder) -> Run {
    let run = Run::new(link(world)).args(["-t", "-i"]).dir(world.root()).env("HOME", world.root());
    let run = run.env("POSTIE_SMTP_URL", server.url()).env("POSTIE_FROM", "ana@example.org");
    run.env("TMPDIR", world.root())
}

/// A stack of half a megabyte and a quarter of a gigabyte of memory are enough.
fn bounded(run: Run) -> Outcome {
    run.under_shell("ulimit -s 512; ulimit -v 262144").run()
}

#[test]
fn an_endlessly_nested_line_of_a_batch_is_one_bad_line() {
    let deep = 100_000;
    let lists = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    let objects = format!("{}1{}", "{\"a\":".repeat(deep), "}".repeat(deep));
    let open = "[".repeat(deep);
    let (world, server) = (world(), recorder());
    for nested in [&lists, &objects, &open] {
        let keys = ["to", "cc", "from", "text", "headers", "attachments", "raw", "references", "unknown"];
        let mut lines: Vec<String> =
            keys.iter().map(|key| format!("{{\"id\":1,\"{key}\":{nested}}}")).collect();
        for inner in ["\"headers\":{\"X-Y\":", "\"attachments\":[{\"path\":", "\"to\":[{\"address\":"] {
            let ends: String =
                inner.chars().rev().filter_map(|c| "{[".find(c).map(|at| ['}', ']'][at])).collect();
            lines.push(format!("{{{inner}{nested}{ends}}}"));
        }
        lines.push(nested.to_string());
        let count = lines.len();
        lines.push("{\"to\":\"bob@example.net\",\"text\":\"x\"}".to_owned());
        let outcome = bounded(send(&world, &server, &["--batch"]).stdin(lines.join("\n")));
        outcome.assert_exit(1);
        assert_eq!(outcome.of_type("error").len(), count);
        assert_eq!(outcome.of_type("receipt")[0]["status"], "accepted");
        assert_eq!(server.take().messages.len(), 1);
        // An id may be anything, and comes back as it was.
        let line = format!("{{\"id\":{nested},\"to\":\"bob@example.net\",\"text\":\"x\"}}\n");
        let outcome = bounded(send(&world, &server, &["--batch"]).stdin(line));
        if *nested == open {
            outcome.assert_exit(65);
        } else {
            outcome.assert_exit(0);
            assert!(outcome.out().contains(&format!("\"id\":{nested}")), "it comes back");
            assert_eq!(server.take().messages.len(), 1);
        }
    }
}

/// Messages nested this deep, in every form, by name.
fn nested(depth: usize) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for kind in
        ["message/rfc822", "Message/RFC822; x=y", "message/global", "message/news", "MESSAGE/rfc822 (c)"]
    {
        all.push((kind.to_owned(), format!("Content-Type: {kind}\n\n").repeat(depth)));
    }
    for kind in ["multipart/mixed", "multipart/digest", "Multipart/ALTERNATIVE", "multipart/x; x=y"] {
        for same in [false, true] {
            let mut levels = String::new();
            for level in 0..depth {
                let boundary = if same { 0 } else { level };
                write!(levels, "Content-Type: {kind}; boundary=b{boundary}\n\n--b{boundary}\n").unwrap();
                levels.push_str(if kind.ends_with("digest") { "\n" } else { "" });
            }
            all.push((format!("{kind}, one boundary: {same}"), levels));
        }
    }
    let both = |level| format!("Content-Type: multipart/digest; boundary=b{level}\n\n--b{level}\n\n");
    let mixed: String =
        (0..depth / 2).map(|level| both(level) + "Content-Type: message/rfc822\n\n").collect();
    all.push(("digests of messages".to_owned(), mixed));
    all
}

#[test]
fn an_endlessly_nested_message_is_sent_and_fixed_in_bounded_time() {
    let (world, server) = (world(), recorder());
    let header = "From: ana@example.org\nTo: bob@example.net\nSubject: deep\nMIME-Version: 1.0\n";
    for (kind, levels) in nested(30_000) {
        // The innermost part has something that must be fixed.
        let long = "x".repeat(1200);
        for (ending, mended) in [("text\n", false), (long.as_str(), true)] {
            let message = format!("{header}{levels}\n{ending}\n");
            let base64 = format!("{}\n", json!({"raw_base64": STANDARD.encode(&message)}));
            let runs = [
                ("--raw", send(&world, &server, &["--raw"]).stdin(&message)),
                ("--raw --fix", send(&world, &server, &["--raw", "--fix"]).stdin(&message)),
                ("--batch", send(&world, &server, &["--batch"]).stdin(&base64)),
                ("sendmail", sendmail(&world, &server).stdin(&message)),
            ];
            for (way, run) in runs {
                if mended && ["--raw", "--batch"].contains(&way) {
                    continue;
                }
                let outcome = bounded(run);
                // If something would have to be fixed below a hundred multiparts, the message is refused.
                let deep = ["multipart", "digests"].iter().any(|word| kind.to_lowercase().starts_with(word));
                let code = if mended && deep { 65 } else { 0 };
                assert_eq!(outcome.code, Some(code), "{kind}, {way}, {mended}: {}", outcome.err());
                assert!(
                    outcome.processor < Duration::from_secs(60),
                    "{kind}, {way}: {:?}",
                    outcome.processor
                );
                let got = server.take().messages;
                assert_eq!(got.len(), usize::from(code == 0), "{kind}, {way}");
                let longest = got
                    .iter()
                    .flat_map(|one| one.content.split(|octet| *octet == b'\n'))
                    .map(<[u8]>::len)
                    .max();
                assert!(longest <= Some(1000), "{kind}, {way}: a line of {longest:?} octets");
            }
        }
    }
}

#[test]
fn a_hundred_thousand_recipients_are_accepted_from_every_source() {
    let people: Vec<String> = (0..100_000).map(|number| format!("r{number:05}@x")).collect();
    let refs: Vec<&str> = people.iter().map(String::as_str).collect();
    let (world, server) = (world(), recorder());
    // A header has a megabyte at most.
    let folded = people.chunks(9).map(|some| some.join(",")).collect::<Vec<_>>().join(",\n ");
    let message = format!("From: ana@example.org\nTo: {folded}\nSubject: x\n\ntext\n");
    let fields = |name: &str, count: usize| -> String {
        people[..count].iter().map(|one| format!("{name}: {one}\n")).collect()
    };
    let bcc = format!("From: ana@example.org\n{}Subject: x\n\ntext\n", fields("Bcc", 70_000));
    // Only the recipients of the first block count; the others are left from earlier deliveries.
    let resent =
        format!("Resent-From: ana@example.org\nResent-To: {folded}\nFrom: ana@example.org\nTo: b@x\n\nx\n");
    let blocks = fields("Resent-To", 50_000);
    let blocks = format!(
        "Resent-From: ana@example.org\nResent-To: c@x\n{blocks}From: ana@example.org\nTo: b@x\n\nx\n"
    );
    let named = people.iter().map(|one| json!({"name": "R", "address": one})).collect::<Vec<_>>();
    let line = |to: serde_json::Value| format!("{}\n", json!({"id": 1, "to": to, "text": "x"}));
    let batch = |to| send(&world, &server, &["--batch"]).stdin(line(to));
    let runs = [
        ("arguments", 100_000, send(&world, &server, &refs).stdin("text\n")),
        ("a header", 100_000, send(&world, &server, &["--raw"]).stdin(&message)),
        ("fields of a kind", 70_000, send(&world, &server, &["--raw"]).stdin(&bcc)),
        ("a resent field", 100_000, send(&world, &server, &["--raw"]).stdin(&resent)),
        ("resent fields", 1, send(&world, &server, &["--raw"]).stdin(&blocks)),
        ("a list of a batch", 100_000, batch(json!(people))),
        ("a text of a batch", 100_000, batch(json!(people.join(", ")))),
        ("objects of a batch", 100_000, batch(json!(named))),
        ("sendmail", 100_000, sendmail(&world, &server).stdin(&message)),
    ];
    for (way, count, run) in runs {
        let outcome = run.under_shell("ulimit -v 393216").run();
        let said = outcome.err();
        assert_eq!(outcome.code, Some(0), "{way}: {}", &said[..said.len().min(500)]);
        let got = server.take().messages;
        let reached: usize = got.iter().map(|message| message.recipients.len()).sum();
        assert_eq!(reached, count, "{way}");
        println!("{way}: {:?}", outcome.elapsed);
    }
}
