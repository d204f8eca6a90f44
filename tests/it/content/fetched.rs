//! Content that is fetched: random messages from a POP3 server, to every destination.

use super::made::{self, Ends, Kind, Letters, lines, octets, with_crlf, with_lf};
use super::popper::{Popper, SessionMode};
use super::{assert_same, repeat, world};
use crate::support::disk;
use crate::support::process::Run;
use crate::support::random::Random;
use std::time::Duration;

/// A message as a server has it: anything, in lines of any length.
fn message(random: &mut Random, end: &str) -> Vec<u8> {
    let size = made::size(random);
    let mut body = match random.below(3) {
        // If a server ends lines in LF, a CR of the content looks the same as one of a line end.
        0 if end == "\r\n" => octets(random, size),
        _ => {
            let longest = random.one(&[80, 998, 70_000]);
            let kind =
                Kind { ends: Ends::CrLf, letters: random.one(&[Letters::Ascii, Letters::Any]), longest };
            lines(random, size, kind)
        }
    };
    if end == "\n" {
        body = with_lf(&with_crlf(&body));
        body.retain(|octet| *octet != b'\r');
    }
    // What some programs take for a header is a body to others.
    let header = if random.once_in(6) { "" } else { "Return-Path: <a@example.net>\nSubject: x\n\n" };
    let mut message = header.replace('\n', end).into_bytes();
    message.append(&mut body);
    if !message.ends_with(end.as_bytes()) {
        message.extend_from_slice(end.as_bytes());
    }
    message
}

#[test]
fn messages_are_stored_unchanged_in_pieces_and_sizes_of_any_kind() {
    repeat("content fetched", |random| {
        let world = world();
        let manner = SessionMode { end: random.one(&["\r\n", "\r\n", "\n"]), pipelines: random.once_in(2) };
        let messages: Vec<Vec<u8>> = (0..1 + random.below(4)).map(|_| message(random, manner.end)).collect();
        // A bare CR, a bare LF and a NUL are content; CRLF becomes LF.
        let wanted: Vec<Vec<u8>> = messages.iter().map(|message| with_lf(message)).collect();
        let server = Popper::start(messages, manner, random.clone());
        let run = |destination: &[&str]| -> Run {
            let run = world.postie(["--server", &server.url(), "--password-file", &world.text("secret")]);
            run.arg("fetch").args(destination).limit(Duration::from_secs(600))
        };
        let mut found = match random.below(4) {
            0 => {
                run(&["--maildir", &world.text("Mail")]).go().assert_exit(0);
                disk::maildir(&world.path("Mail"))
            }
            1 => {
                run(&["--mbox", &world.text("mbox")]).go().assert_exit(0);
                disk::mbox(&world.path("mbox"))
            }
            2 => {
                let command = format!("cat > '{}'/got-$POSTIE_UID", world.root().display());
                run(&["--exec", &command]).go().assert_exit(0);
                (0..wanted.len())
                    .map(|at| std::fs::read(world.path(&format!("got-u{at}"))).unwrap())
                    .collect()
            }
            _ => {
                // Messages may contain what other output may not.
                let outcome = run(&["--stdout"]).run();
                disk::split_mboxrd(&outcome.assert_exit(0).stdout)
            }
        };
        let mut wanted = wanted;
        found.sort();
        wanted.sort();
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_same("a message", found, wanted);
        }
        server.end();
        true
    });
}
