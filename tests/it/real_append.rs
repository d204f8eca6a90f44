//! `send --save-copy imap` with Dovecot, with all of its capabilities and with fewer.

use crate::support::disk::names;
use crate::support::mailbox::{Mailbox, stored};
use crate::support::pop3d::{Mode, USER};
use crate::support::process::Run;
use crate::support::real::Real;
use crate::support::smtpd::Smtpd;
use crate::support::world::World;
use crate::world;
use serde_json::json;
use std::path::Path;

/// The messages of a Maildir of the server.
fn messages(maildir: &Path) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    for part in ["new", "cur"].map(|part| maildir.join(part)) {
        messages.extend(names(&part).iter().map(|name| std::fs::read(part.join(name)).unwrap()));
    }
    messages.sort();
    messages
}

fn send(world: &World, smtp: &Smtpd, real: &Real) -> Run {
    let run = world.postie(["--json", "send", "bob@example.org", "--save-copy", "imap"]);
    let run = run.env("POSTIE_SMTP_URL", smtp.url()).env("POSTIE_IMAP_URL", real.imap_url(USER));
    run.env("POSTIE_FROM", "ana@example.org").env("POSTIE_PASSWORD_FILE", world.path("secret"))
}

#[test]
fn dovecot_stores_each_copy_once_octet_for_octet() {
    let test = "dovecot_stores_each_copy_once_octet_for_octet";
    for capabilities in ["", "IMAP4rev1", "IMAP4rev1 LITERAL- SASL-IR ESEARCH"] {
        let Some(real) = Real::start_imap(test, capabilities) else { return };
        let (world, mailbox) = (world(), Mailbox::default());
        let smtp = Smtpd::for_mailbox(&mailbox).mode(Mode::Plain).without("SIZE").start();
        let outcome = send(&world, &smtp, &real).args(["-s", "No folder yet"]).stdin("x\n").go();
        outcome.assert_exit(1);
        assert_eq!(outcome.error()["kind"], "missing");
        let sent = real.add_folder(USER, "Sent");
        assert!(messages(&sent).is_empty(), "no folder is made, nothing is filed");
        // About 20 MB once: larger than every buffer.
        let large = "x \u{fc} y\n".repeat(if capabilities.is_empty() { 3 << 20 } else { 1 << 18 });
        for (subject, body) in [("Small", "text\n"), ("Gr\u{f6}\u{df}e", "\u{fc}\n"), ("Large", &large)] {
            let run = send(&world, &smtp, &real).args(["-s", subject]).stdin(body);
            let outcome = run.go();
            assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.err(), real.log());
            assert_eq!(outcome.of_type("receipt")[0]["saved_copy"]["folder"], "Sent");
        }
        let line = |n: u32| {
            let to = json!({"to": "j\u{f6}rg@example.org", "text": format!("{n}"), "message_id": format!("{n}@x.org")});
            format!("{to}\n")
        };
        let lines: String = (1..=20).map(line).collect();
        for is_there in [false, true] {
            let run = world.postie(["--json", "send", "--batch", "--save-copy", "imap:Sent"]).stdin(&lines);
            let run = run.env("POSTIE_SMTP_URL", smtp.url()).env("POSTIE_IMAP_URL", real.imap_url(USER));
            let run = run.env("POSTIE_FROM", "ana@example.org");
            let outcome = run.env("POSTIE_PASSWORD_FILE", world.path("secret")).go();
            assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.err(), real.log());
            let receipts = outcome.of_type("receipt");
            assert!(receipts.iter().all(|line| (line["saved_copy"]["already_there"] == true) == is_there));
            if capabilities.is_empty() {
                let uids: Vec<_> = receipts.iter().map(|line| line["saved_copy"]["uid"].clone()).collect();
                assert_eq!(uids, (4..24).collect::<Vec<_>>(), "{is_there}");
            }
        }
        let accepted = smtp.accepted();
        assert_eq!(accepted.len(), 44);
        let mut want: Vec<_> = accepted[1..24].iter().map(|message| stored(&message.content)).collect();
        want.sort();
        let have = messages(&sent);
        assert!(have == want, "{} are there of {}", have.len(), want.len());
        assert!(names(&sent.join("cur")).iter().all(|name| name.ends_with(":2,S")), "all are seen");
    }
}
