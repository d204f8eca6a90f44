//! The transcripts played to the real binary, over loopback with real TLS.

use crate::support::disk::{assert_same, sorted};
use crate::support::player::Player;
use crate::support::pop3d::SECRET;
use crate::support::script::Script;
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
