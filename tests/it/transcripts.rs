//! The transcripts played to the real binary, over loopback with real TLS.

use crate::imap_session::{GOOD, REFUSED, flags, messages};
use crate::support::disk::{assert_same, sorted};
use crate::support::player::Player;
use crate::support::pop3d::SECRET;
use crate::support::script::Script;
use crate::support::world::{Checked, World};
use crate::world;

#[test]
fn fetch_follows_every_pop3_transcript() {
    for name in ["one-by-one", "pipelined", "stls", "without-capa", "bare-lf"] {
        for split in ["", "-- split 1\n", "-- split 3\n"] {
            let mut script = Script::load(&format!("pop3/{name}"));
            script.connections[0].splice(0..0, Script::parse(split).connections.remove(0));
            let player = Player::start(&script).guard(SECRET);
            let scheme = if script.implicit_tls { "pop3s" } else { "pop3" };
            let world = world();
            let url = format!("{scheme}://ana@localhost:{}", player.port());
            let run = world.at_url(&url, "fetch").arg("--delete").arg("--maildir").arg(world.path("Mail"));
            let outcome = run.go();
            assert_eq!(outcome.code, Some(0), "{name}: {}\n{:#?}", outcome.err(), player.journals());
            let wanted = [
                b"Subject: one\n\n.\n.leading dot\n".to_vec(),
                b"Subject: two\n\n\x80\xff\0 and\r bare\n\n".to_vec(),
            ];
            assert_same(&world.mail(), &sorted(wanted.to_vec()));
            player.assert_followed();
        }
    }
}

/// A transcript, split, and what the binary does with it: `fetch` with its options, or another command.
fn run_imap(name: &str, split: &str) -> (Player, World, Checked) {
    let mut script = Script::load(&format!("imap/{name}"));
    script.connections[0].splice(0..0, Script::parse(split).connections.remove(0));
    let player = Player::start(&script).guard(SECRET);
    let scheme = if script.implicit_tls { "imaps" } else { "imap" };
    let world = world();
    let url = format!("{scheme}://ana@localhost:{}", player.port());
    let words: Vec<&str> = script.client.split(' ').collect();
    let run = match words[..] {
        ["list", ..] => world.at_url(&url, "list").args(&words[1..]),
        _ => world.at_url(&url, "fetch").args(&words).arg("--maildir").arg(world.path("Mail")),
    };
    let outcome = run.go();
    let wanted: i32 = script.outcome.parse().unwrap();
    assert_eq!(outcome.code, Some(wanted), "{name}: {}\n{:#?}", outcome.err(), player.journals());
    player.assert_followed();
    (player, world, outcome)
}

#[test]
fn fetch_follows_every_imap_transcript() {
    for name in GOOD {
        for split in ["", "-- split 1\n", "-- split 3\n"] {
            let (_player, world, outcome) = run_imap(name, split);
            assert_same(&world.mail(), &sorted(messages().map(|(_, message)| message).to_vec()));
            let lines = outcome.of_type("message");
            for ((uid, _), flags) in messages().iter().zip(flags(name)) {
                let line = lines.iter().find(|line| line["uid"] == *uid).unwrap();
                assert_eq!(line["flags"], serde_json::json!(flags), "{name}: {uid}");
            }
            let deleted = outcome.summary()["deleted"].as_u64().unwrap();
            assert_eq!(deleted, if name == "odd-and-legal" { 0 } else { 2 }, "{name}");
        }
    }
}

#[test]
fn greetings_and_logins_of_imap_transcripts_have_their_exit_codes() {
    for name in REFUSED {
        for split in ["", "-- split 1\n"] {
            run_imap(name, split);
        }
    }
}

#[test]
fn folders_of_an_imap_transcript_are_listed() {
    for split in ["", "-- split 1\n"] {
        let (_player, _world, outcome) = run_imap("folders", split);
        let rows = outcome.of_type("folder");
        let told: Vec<_> =
            rows.iter().map(|row| (row["folder"].as_str().unwrap(), &row["messages"])).collect();
        assert!(told.contains(&("INBOX", &2.into())), "{told:?}");
        assert!(told.contains(&("INBOX.Entw\u{fc}rfe", &1.into())), "{told:?}");
    }
}
