//! Content that is sent: random messages, from every source and over every protocol.

use super::decode::leaves;
use super::made::{self, Ends, Kind, Letters, lines, octets, pieces, with_crlf, with_lf};
use super::{assert_same, repeat, world};
use crate::support::disk;
use crate::support::process::Run;
use crate::support::random::Random;
use crate::support::recorder::{Recorder, Seen, SessionMode};
use crate::support::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::time::Duration;

/// The longest line that a server must take (`RFC 5321 §4.5.3.1.6`).
const FIT: usize = 998;
const TEXT: &[Letters] = &[Letters::Ascii, Letters::Utf8];
const ALL: &[Letters] = &[Letters::Ascii, Letters::Utf8, Letters::Any];

/// What a message must contain.
enum Wanted {
    /// These octets.
    Exactly(Vec<u8>),
    /// Parts that decode to these, in this order.
    Parts(Vec<Vec<u8>>),
}

impl Wanted {
    #[track_caller]
    fn judge(&self, content: &[u8]) {
        match self {
            Wanted::Exactly(wanted) => assert_same("the message", content, wanted),
            Wanted::Parts(wanted) => {
                let found = leaves(content);
                assert_eq!(found.len(), wanted.len(), "parts");
                for (found, wanted) in found.iter().zip(wanted) {
                    assert_same(&format!("the part {:?}", found.fields), &found.content, wanted);
                }
            }
        }
    }
}

/// A run that is about to start, and what it is to send.
struct Submission {
    run: Run,
    wanted: Vec<Wanted>,
}

fn servers() -> [Recorder; 3] {
    [&["CHUNKING", "PIPELINING"][..], &["PIPELINING"], &[]].map(|more| {
        let all = ["SIZE 100000000", "8BITMIME", "SMTPUTF8"];
        Recorder::start(SessionMode { lax: false, extensions: [&all, more].concat() })
    })
}

/// The header of a message to which nothing need be added.
fn header(number: usize, end: &str, is_mime: bool) -> String {
    let mime =
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n";
    let mime = if is_mime { mime } else { "" };
    let header = format!(
        "From: ana@example.org\nTo: bob@example.net\nDate: Mon, 01 Sep 2025 10:00:00 +0000\n\
         Message-ID: <{number}@example.org>\nSubject: number {number}\n{mime}\n"
    );
    header.replace('\n', end)
}

/// A complete message as a program may pass it.
fn complete(random: &mut Random, letters: &[Letters], longest: usize) -> Vec<u8> {
    let kind = Kind::one_of(random, letters, longest);
    let end = if kind.ends == Ends::Lf { "\n" } else { "\r\n" };
    let size = made::size(random);
    let header = header(random.below(1000), end, kind.letters == Letters::Utf8);
    [header.as_bytes(), &lines(random, size, kind)].concat()
}

/// The body of a message, as a server gets it.
fn body_of(message: &[u8]) -> Vec<u8> {
    let message = with_crlf(message);
    let at = memchr::memmem::find(&message, b"\r\n\r\n").unwrap() + 4;
    message[at..].to_vec()
}

fn send(world: &World, server: &Recorder) -> Run {
    let run = world.postie(["--json", "--timeout", "60s", "--server", &server.url(), "send"]);
    run.limit(Duration::from_secs(600))
}

/// Passes octets to a run: through a pipe in pieces, or from a file.
fn given(random: &mut Random, world: &World, run: Run, octets: &[u8]) -> Run {
    if random.once_in(4) {
        let path = world.write("standard input", octets);
        return run.under_shell(&format!("exec < '{}'", path.display()));
    }
    run.stdin(octets).pieces(pieces(random, octets))
}

/// `--raw`, from a file, a pipe or a here-document; `--fix` with what needs it.
fn raw(random: &mut Random, world: &World, run: Run) -> Submission {
    let fixes = random.once_in(3);
    let message = match fixes {
        true => complete(random, TEXT, 3000),
        false => complete(random, ALL, FIT),
    };
    let wanted = match fixes {
        true => Wanted::Parts(vec![body_of(&message)]),
        false => Wanted::Exactly(with_crlf(&message)),
    };
    let run = if fixes { run.arg("--fix") } else { run };
    let run = match random.once_in(3) {
        true => run.arg(format!("--raw={}", world.write("message", &message).display())),
        false => given(random, world, run.arg("--raw"), &message),
    };
    Submission { run, wanted: vec![wanted] }
}

/// A message that is composed.
fn composed(random: &mut Random, world: &World, run: Run) -> Submission {
    let mut run = run.args(["-f", "ana@example.org", "-s", "x", "bob@example.net"]);
    let kind = Kind::one_of(random, TEXT, 5000);
    let size = made::size(random).min(5_000_000);
    let text = lines(random, size, kind);
    let way = random.below(4);
    run = match way {
        0 => run.args(["--body", "short"]),
        1 => run.arg(format!("--body-file={}", world.write("body", &text).display())),
        2 => given(random, world, run.arg("--body-file=-"), &text),
        _ => given(random, world, run, &text),
    };
    let mut parts = vec![if way == 0 { b"short\r\n".to_vec() } else { with_crlf(&text) }];
    let mut stdin_is_free = way < 2;
    if random.once_in(3) {
        let html = lines(random, size.min(100_000), kind);
        parts.push(with_crlf(&html));
        run = run.arg(format!("--html-file={}", world.write("html", &html).display()));
    }
    for number in 0..random.below(3) {
        let size = made::size(random);
        let content = octets(random, size);
        run = match stdin_is_free {
            true => given(random, world, run.arg("--attach=-"), &content),
            false => {
                let name = format!("file {number}.bin");
                run.arg(format!("--attach={}", world.write(&name, &content).display()))
            }
        };
        stdin_is_free = false;
        parts.push(content);
    }
    Submission { run, wanted: vec![Wanted::Parts(parts)] }
}

/// A line of a batch.
fn line(random: &mut Random, world: &World, number: usize) -> (Value, Wanted) {
    let size = made::size(random).min(3_000_000);
    match random.below(4) {
        0 => {
            let message = complete(random, &[Letters::Utf8], FIT);
            let wanted = Wanted::Exactly(with_crlf(&message));
            (json!({"raw": String::from_utf8(message).unwrap()}), wanted)
        }
        1 => {
            let message = complete(random, ALL, FIT);
            let wanted = Wanted::Exactly(with_crlf(&message));
            (json!({"raw_base64": STANDARD.encode(&message)}), wanted)
        }
        2 => {
            let kind = Kind::one_of(random, TEXT, 5000);
            let text = lines(random, size, kind);
            let wanted = Wanted::Parts(vec![with_crlf(&text)]);
            (json!({"to": "bob@example.net", "text": String::from_utf8(text).unwrap()}), wanted)
        }
        _ => {
            let contents = [octets(random, size), octets(random, size / 2)];
            let path = world.write(&format!("attached {number}"), &contents[1]);
            let attachments =
                json!([{"base64": STANDARD.encode(&contents[0]), "name": "a.bin"}, {"path": path}]);
            let value = json!({"to": "bob@example.net", "text": "x\n", "attachments": attachments});
            let [one, other] = contents;
            (value, Wanted::Parts(vec![b"x\r\n".to_vec(), one, other]))
        }
    }
}

fn batch(random: &mut Random, world: &World, run: Run) -> Submission {
    let (mut input, mut wanted) = (Vec::new(), Vec::new());
    for number in 0..1 + random.below(5) {
        let (value, one) = line(random, world, number);
        input.extend(value.to_string().into_bytes());
        input.push(b'\n');
        wanted.push(one);
    }
    let run = given(random, world, run.args(["--batch", "-f", "ana@example.org"]), &input);
    Submission { run, wanted }
}

fn as_sendmail(world: &World, server: &Recorder) -> Run {
    let path = world.path("sendmail");
    symlink(world.program(), &path).unwrap();
    let run = Run::new(path).dir(world.root()).env("HOME", world.root()).env("TMPDIR", world.root());
    let run = run.env("POSTIE_SMTP_URL", server.url()).env("POSTIE_FROM", "ana@example.org");
    run.limit(Duration::from_secs(600))
}

/// A message that a program hands to sendmail.
fn sendmail(random: &mut Random, world: &World, run: Run) -> Submission {
    let message = complete(random, TEXT, FIT);
    let wanted = vec![Wanted::Parts(vec![body_of(&message)])];
    if random.once_in(2) {
        return Submission { run: given(random, world, run.args(["-t", "-i"]), &message), wanted };
    }
    // Without -i a dot alone ends the message, and a dot that begins a line is doubled.
    let end: &[u8] = random.one(&[b"", b".\n", b".\r\nnot the message"]);
    let line_end: &[u8] = if end.is_empty() || message.ends_with(b"\n") { b"" } else { b"\n" };
    let input = [&stuffed(&message), line_end, end].concat();
    Submission { run: given(random, world, run.arg("-t"), &input), wanted }
}

/// Dots that begin a line doubled.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    out
}

/// Messages of an SMTP client to `sendmail -bs`.
fn dialogue(random: &mut Random, world: &World, run: Run) -> Submission {
    let (mut input, mut wanted) = (b"EHLO x\r\n".to_vec(), Vec::new());
    for _ in 0..1 + random.below(3) {
        let message = with_crlf(&complete(random, TEXT, FIT));
        input.extend_from_slice(b"MAIL FROM:<ana@example.org>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n");
        input.extend(stuffed(&message));
        input.extend_from_slice(b".\r\n");
        wanted.push(Wanted::Parts(vec![body_of(&message)]));
    }
    input.extend_from_slice(b"QUIT\r\n");
    Submission { run: given(random, world, run.arg("-bs"), &input), wanted }
}

/// Compares what a server got.
#[track_caller]
fn arrived(server: &Recorder, wanted: &[Wanted]) -> Vec<Seen> {
    let record = server.take();
    assert_eq!(record.violations, [""; 0]);
    assert_eq!(record.messages.len(), wanted.len(), "messages");
    for (seen, wanted) in record.messages.iter().zip(wanted) {
        wanted.judge(&seen.content);
    }
    record.messages
}

#[test]
fn messages_are_sent_unchanged_in_pieces_and_sizes_of_any_kind() {
    let servers = servers();
    repeat("content sent", |random| {
        let world = world();
        let server = &servers[random.below(servers.len())];
        let way = random.below(7);
        let run = if way < 5 { send(&world, server) } else { as_sendmail(&world, server) };
        let copies = if way < 5 { random.below(4) } else { 0 };
        let run = match copies {
            1 => run.arg(format!("--save-copy=maildir:{}", world.text("Sent"))),
            2 => run.arg(format!("--save-copy=mbox:{}", world.text("sent"))),
            _ => run,
        };
        let errand = match way {
            0 | 1 => raw(random, &world, run),
            2 | 3 => composed(random, &world, run),
            4 => batch(random, &world, run),
            5 => sendmail(random, &world, run),
            _ => dialogue(random, &world, run),
        };
        errand.run.go().assert_exit(0);
        let seen = arrived(server, &errand.wanted);
        let mut sent: Vec<Vec<u8>> = seen.iter().map(|seen| with_lf(&seen.content)).collect();
        let mut kept = match copies {
            1 => disk::maildir(&world.path("Sent")),
            2 => disk::mbox(&world.path("sent")),
            _ => return true,
        };
        sent.sort();
        kept.sort();
        assert_eq!(kept.len(), sent.len(), "copies");
        for (kept, sent) in kept.iter().zip(&sent) {
            assert_same("a copy", kept, sent);
        }
        true
    });
}

#[test]
fn messages_are_printed_unchanged_in_pieces_and_sizes_of_any_kind() {
    repeat("content printed", |random| {
        let world = world();
        let run = world.postie(["send", "--print"]).limit(Duration::from_secs(600));
        let errand = match random.below(2) {
            0 => raw(random, &world, run),
            _ => composed(random, &world, run),
        };
        // It is a message, so it may contain what other output may not.
        let outcome = errand.run.run();
        errand.wanted[0].judge(&outcome.assert_exit(0).stdout);
        true
    });
}
