//! The property of [`crate::send_property`] through the real binary: arguments, file names, standard input,
//! lines of a batch, and what programs hand to `sendmail`.

use crate::send_property::{carried, distinct, manner, names, odd_people, people, recipients, repeat};
use crate::sendmail::link;
use crate::support::process::Run;
use crate::support::random::Random;
use crate::support::recorder::{Recorder, Seen};
use crate::support::world::World;
use crate::world;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// Servers with different extensions, strict and lax.
fn servers() -> Vec<Recorder> {
    let mut random = Random::new(7);
    (0..8).map(|number| Recorder::start(manner(&mut random, number % 2 == 1))).collect()
}

/// Whether it can be an argument.
fn argument(text: &str) -> String {
    text.replace('\0', "")
}

fn send(world: &World, server: &Recorder) -> Run {
    world.postie(["--json", "--timeout", "20s", "--server", &server.url(), "send"])
}

/// Runs it, and returns the message if one arrived. A refused message arrived nowhere.
#[track_caller]
fn judged(run: Run, server: &Recorder) -> Option<Seen> {
    let outcome = run.go();
    let record = server.take();
    assert_eq!(record.violations, [""; 0], "{outcome:?}\n{:?}", record.messages);
    match outcome.code {
        Some(0) => assert_eq!(record.messages.len(), 1, "{outcome:?}"),
        Some(64..=66) if record.connections == 0 => {}
        Some(code) if server.manner.may_be_lacking(u8::try_from(code).unwrap()) => {
            assert_eq!(record.messages, [], "{outcome:?}");
        }
        _ => panic!("{outcome:?}"),
    }
    record.messages.into_iter().next()
}

/// The options of one message with their values; its recipients and fields as far as they are known.
fn options(random: &mut Random, world: &World) -> (Vec<Vec<u8>>, Option<Vec<String>>, Vec<String>) {
    let odd = random.one(&[2, 10, 1_000_000]);
    let mut args: Vec<Vec<u8>> = Vec::new();
    let mut fields: Vec<String> =
        ["date", "from", "to", "message-id", "mime-version", "content-type"].map(str::to_owned).into();
    let mut push = |option: &str, value: &str| args.push(argument(&format!("{option}={value}")).into_bytes());
    let (to, mut named) = odd_people(random, odd);
    push("--to", &to);
    if random.once_in(2) {
        let (bcc, more) = odd_people(random, odd);
        push("--bcc", &bcc);
        named = named.zip(more).map(|(named, more)| [named, more].concat());
    }
    if random.once_in(2) {
        push("--subject", &random.text(6, odd));
        fields.push("subject".into());
    }
    for (option, name, value) in [
        ("--reply-to", "reply-to", odd_people(random, odd).0),
        ("--message-id", "", format!("m{}@x.org", random.text(1, odd))),
        ("--in-reply-to", "in-reply-to", format!("<m{}@x.org>", random.text(1, odd))),
        ("--envelope-from", "", odd_people(random, odd).0),
        ("--header", "x-note", format!("X-Note: {}", random.text(4, odd))),
    ] {
        if random.once_in(3) {
            push(option, &value);
            fields.extend((!name.is_empty()).then(|| name.to_owned()));
        }
    }
    let (has_html, has_file) = (random.once_in(4), random.once_in(3));
    if has_html {
        push("--html", &random.text(6, odd));
    }
    if has_file {
        let name = random.text(3, odd).replace(['\0', '/'], "_");
        let name: String = name.chars().take(40).collect();
        let path = world.root().join(OsStr::from_bytes(format!("f{name}").as_bytes()));
        std::fs::write(&path, random.octets(10, 3)).unwrap();
        args.push([b"--attach=", path.as_os_str().as_bytes()].concat());
    }
    if !has_html && !has_file {
        fields.push("content-transfer-encoding".into());
    }
    fields.sort();
    (args, named, fields)
}

#[test]
fn no_argument_file_name_or_body_can_add_a_message() {
    let (world, servers) = (world(), servers());
    repeat("arguments", |random| {
        let (args, named, fields) = options(random, &world);
        let server = &servers[random.below(servers.len())];
        let run = send(&world, server).arg("--from=ana@example.org");
        let run = run.args(args.iter().map(|arg| OsStr::from_bytes(arg)));
        // Most of it is text; anything else is refused.
        let body = if random.once_in(8) { random.octets(20, 3) } else { random.text(20, 3).into_bytes() };
        let run = run.stdin(body);
        let Some(seen) = judged(run, server) else { return false };
        assert_eq!(names(&seen.content), fields, "{seen:?}");
        let got = recipients(&seen);
        assert!(named.is_none_or(|named| distinct(&named) == got), "{seen:?}");
        true
    });
}

#[test]
fn no_complete_message_can_add_a_message() {
    let (world, servers) = (world(), servers());
    repeat("--raw and sendmail -t", |random| {
        let (to, mut named) = people(random);
        let (bcc, more) = people(random);
        named.extend(more);
        let end = random.one(&["\n", "\r\n"]);
        let subject = random.text(6, 4).replace(['\r', '\n', '\0'], "|");
        let header = format!(
            "From: ana@example.org{end}To: {to}{end}bCC: {bcc}{end}Date: Mon, 01 Sep 2025 10:00:00 +0000{end}\
             Subject: {subject}{end}{end}"
        );
        let body = random.octets(20, 4);
        let input = [header.as_bytes(), &body].concat();
        let server = &servers[random.below(servers.len())];
        let as_sendmail = random.once_in(2);
        let run = if as_sendmail {
            let run = Run::new(link(&world)).args(["-t", "-i"]).dir(world.root()).env("HOME", world.root());
            let run = run.env("POSTIE_SMTP_URL", server.url()).env("POSTIE_FROM", "ana@example.org");
            run.env("TMPDIR", world.root())
        } else {
            send(&world, server).arg("--raw")
        };
        let Some(seen) = judged(run.stdin(&input), server) else { return false };
        assert_eq!(recipients(&seen), distinct(&named), "{seen:?}");
        let mut got = names(&seen.content);
        let is_mended = got.iter().any(|name| name == "content-transfer-encoding");
        got.retain(|name| !name.starts_with("content-") && name != "mime-version");
        assert_eq!(got, ["date", "from", "message-id", "subject", "to"], "{seen:?}");
        if !is_mended && !as_sendmail {
            let at = memchr::memmem::find(&seen.content, b"\r\n\r\n").unwrap() + 4;
            assert_eq!(Some(seen.content[at..].to_vec()), carried(&body), "{seen:?}");
        }
        true
    });
}

/// A line of a batch.
fn line(random: &mut Random) -> (Vec<u8>, Option<Vec<String>>) {
    if random.once_in(8) {
        let mut octets = random.octets(6, 2);
        octets.retain(|octet| *octet != b'\n');
        octets.push(b'{');
        return (octets, None);
    }
    let odd = random.one(&[2, 10, 1_000_000]);
    let (to, mut named) = odd_people(random, odd);
    let mut object = json!({"to": to, "id": random.below(100)});
    if random.once_in(4) {
        let raw = format!("From: ana@example.org\nTo: {}\n\n{}", people(random).0, random.text(10, 3));
        object["raw"] = Value::String(raw);
        return (object.to_string().into_bytes(), named.map(|named| distinct(&named)));
    }
    for name in ["subject", "text", "html", "message_id", "in_reply_to"] {
        if random.once_in(3) {
            let id = if name.contains('_') { "@x.org" } else { "" };
            object[name] = Value::String(random.text(6, odd) + id);
        }
    }
    if random.once_in(3) {
        let (bcc, more) = odd_people(random, odd);
        object["bcc"] = Value::String(bcc);
        named = named.zip(more).map(|(named, more)| [named, more].concat());
    }
    if random.once_in(4) {
        object["headers"] = json!({ format!("X-A{}", random.text(1, odd)): random.text(3, odd) });
    }
    if random.once_in(4) {
        object["attachments"] = json!([{"base64": "eHg=", "name": random.text(2, odd)}]);
    }
    (object.to_string().into_bytes(), named.map(|named| distinct(&named)))
}

#[test]
fn no_line_of_a_batch_can_add_a_message() {
    let (world, servers) = (world(), servers());
    repeat("--batch", |random| {
        let server = &servers[random.below(servers.len())];
        let lines: Vec<_> = (0..1 + random.below(12)).map(|_| line(random)).collect();
        let input: Vec<u8> = lines.iter().flat_map(|(octets, _)| [&octets[..], b"\n"].concat()).collect();
        let run = send(&world, server).args(["--batch", "--from=ana@example.org"]).stdin(&input);
        let outcome = run.go();
        let record = server.take();
        let shown = String::from_utf8_lossy(&input).into_owned();
        assert_eq!(record.violations, [""; 0], "{outcome:?}\n{shown}");
        let told = outcome.json();
        assert_eq!(told.len(), lines.len() + 1, "{outcome:?}\n{shown}");
        let mut messages = record.messages.into_iter();
        for (answer, (_, named)) in told.iter().zip(&lines) {
            if answer["status"] != "accepted" {
                continue;
            }
            let seen = messages.next().unwrap_or_else(|| panic!("{outcome:?}\n{shown}"));
            let got = recipients(&seen);
            assert!(named.as_ref().is_none_or(|named| *named == got), "{seen:?}\n{shown}");
            names(&seen.content);
        }
        assert_eq!(messages.next(), None, "{outcome:?}\n{shown}");
        told.iter().any(|answer| answer["status"] == "accepted")
    });
}

#[test]
fn no_dialogue_of_sendmail_bs_can_add_a_message() {
    let (world, servers) = (world(), servers());
    repeat("sendmail -bs", |random| {
        let server = &servers[random.below(servers.len())];
        let (address, evil) = (format!("u{}@x.org", random.below(1000)), random.text(2, 1));
        let body = random.octets(20, 3);
        let content = [b"From: ana@example.org\r\nTo: x@x.org\r\n\r\n", &body[..]].concat();
        let mut stuffed = Vec::new();
        for (number, line) in content.split(|octet| *octet == b'\n').enumerate() {
            if number > 0 {
                stuffed.push(b'\n');
            }
            let begins = number == 0 || stuffed.ends_with(b"\r\n");
            if begins && line.starts_with(b".") {
                stuffed.push(b'.');
            }
            stuffed.extend_from_slice(line);
        }
        // Together with a CR directly before, the end would be one.
        let end: &[u8] = if stuffed.ends_with(b"\r\n") { b".\r\n" } else { b" \r\n.\r\n" };
        let envelope = format!("EHLO x\r\nMAIL FROM:<ana@example.org>\r\nRCPT TO:<{address}>\r\n");
        // Invalid commands, or invalid recipients.
        let odd = format!("RCPT TO:<{}\r\n", evil.replace(['\r', '\n', '>', '@'], "_"));
        let input = [envelope.as_bytes(), odd.as_bytes(), b"DATA\r\n", &stuffed, end, b"QUIT\r\n"].concat();
        let run = Run::new(link(&world)).arg("-bs").dir(world.root()).env("HOME", world.root());
        let run = run.env("POSTIE_SMTP_URL", server.url()).env("POSTIE_FROM", "ana@example.org");
        let outcome = run.env("TMPDIR", world.root()).stdin(&input).go();
        let record = server.take();
        let shown = input.escape_ascii().to_string();
        assert_eq!(record.violations, [""; 0], "{outcome:?}\n{shown}");
        let said = outcome.out();
        let taken = said.contains("\r\n250 2.0.0 accepted as ");
        assert!(said.ends_with("221 2.0.0 goodbye\r\n"), "{outcome:?}\n{shown}");
        assert_eq!(record.messages.len(), usize::from(taken), "{outcome:?}\n{shown}");
        for seen in &record.messages {
            assert_eq!(recipients(seen), std::slice::from_ref(&address), "{seen:?}\n{shown}");
            let names: Vec<String> = names(&seen.content)
                .into_iter()
                .filter(|name| !name.starts_with("content-") && name != "mime-version")
                .collect();
            assert_eq!(names, ["date", "from", "message-id", "to"], "{seen:?}");
        }
        taken
    });
}
