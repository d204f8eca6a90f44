//! `--max-time` holds however fast octets come and go.

use crate::support::player::Player;
use crate::support::pop3d::SECRET;
use crate::support::script::Script;
use crate::world;

/// A session up to a message that never ends, sent as fast as the client reads.
fn flood(tls: &str) -> String {
    let lines = format!("{}\\r\\n", "x".repeat(998)).repeat(60);
    format!(
        "{tls}S: +OK\nC: CAPA\nS: +OK\nS: UIDL\nS: USER\nS: .\nC: USER ana\nS: +OK\nC: PASS {SECRET}\nS: +OK\n\
         -- any\nC~ UIDL\nS: +OK\nS: 1 a\nS: .\nC~ LIST\nS: +OK\nS: 1 9\nS: .\nC~ RETR 1\nS: +OK\n-- forever \"{lines}\"\n-- end\n"
    )
}

#[test]
fn an_endless_message_ends_at_max_time() {
    for (tls, scheme) in [("", "pop3+insecure"), ("-- implicit tls\n", "pop3s")] {
        let world = world();
        let player = Player::start(&Script::parse(&flood(tls)));
        let url = format!("{scheme}://ana@localhost:{}", player.port());
        let run = world.at_url_within("1h", &url, "fetch").args(["--max-time", "2s"]);
        let run = run.arg("--maildir").arg(world.path("Mail"));
        let outcome = run.go();
        let error = outcome.assert_failure(75, "timeout");
        assert_eq!(error["stage"], "RETR");
        assert!(world.mail().is_empty());
    }
}
