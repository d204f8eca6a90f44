//! `fetch`, `list` and `test-account` with Dovecot.

use crate::support::disk::{assert_same, mbox, sorted};
use crate::support::mailbox::{message_of, oddities, stored};
use crate::support::pop3d::{Mode, USER};
use crate::support::process::Run;
use crate::support::real::Real;
use crate::support::world::World;
use crate::world;

/// `count` different messages, with every oddity among them.
pub fn varied(count: usize) -> Vec<Vec<u8>> {
    let odd = oddities();
    (0..count)
        .map(|number| {
            let mut wire = format!("X-Number: {number}\r\n").into_bytes();
            match number % 4 {
                0 => wire.extend_from_slice(&odd[number / 4 % odd.len()]),
                1 => wire.extend_from_slice(&message_of(number, number * 13)),
                2 => wire.extend_from_slice(format!("\r\n{}\r\n", ".".repeat(number % 50)).as_bytes()),
                _ => {
                    wire.extend_from_slice(b"\r\n");
                    let octet = |at: usize| match (number * 31 + at * at * 7) % 251 {
                        b if b == 10 || b == 13 => b'.',
                        b => b as u8,
                    };
                    let lines = (0..number % 40).flat_map(|line| {
                        (0..line * 3).map(move |at| octet(at + line)).chain(*b"\r\n").collect::<Vec<u8>>()
                    });
                    wire.extend(lines);
                }
            }
            // The long ones once are enough.
            if number > 200 && wire.len() > 20_000 {
                wire.truncate(20_000);
                wire.extend_from_slice(b"\r\n");
            }
            // Dovecot treats a CRLF in its file as a line end: on the wire such a file looks the same.
            let mut file = stored(&wire);
            while memchr::memmem::find(&file, b"\r\n").is_some() {
                file = stored(&file);
            }
            file
        })
        .collect()
}

fn at(world: &World, real: &Real, user: &str, command: &str) -> Run {
    world.at_url(&real.pop3_url(user), command)
}

#[test]
fn a_thousand_varied_messages_are_fetched_from_dovecot_byte_for_byte() {
    let Some(real) = Real::start("a_thousand_varied_messages_are_fetched_from_dovecot_byte_for_byte") else {
        return;
    };
    let messages = varied(1000);
    real.fill(USER, &messages);
    let world = world();
    let outcome = at(&world, &real, USER, "fetch").arg("--maildir").arg(world.path("Mail")).go();
    assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.err(), real.log());
    assert_same(&world.mail(), &sorted(messages.clone()));
    assert_eq!(outcome.summary()["delivered"], 1000);

    let all = at(&world, &real, USER, "fetch").arg("--all").arg("--mbox").arg(world.path("mbox")).go();
    all.assert_exit(0);
    assert_same(&mbox(&world.path("mbox")), &messages);

    let list = at(&world, &real, USER, "list").go();
    assert_eq!(list.assert_exit(0).of_type("message").len(), 1000);
    let nothing = at(&world, &real, USER, "fetch").arg("--maildir").arg(world.path("Mail")).go();
    assert_eq!(nothing.assert_exit(0).summary()["delivered"], 0);

    let delete =
        at(&world, &real, USER, "fetch").arg("--delete").arg("--maildir").arg(world.path("Mail")).go();
    assert_eq!(delete.assert_exit(0).summary()["deleted"], 1000);
    assert!(real.messages(USER).is_empty());
    assert_same(&world.mail(), &sorted(messages));
}

#[test]
fn dovecot_accepts_every_mechanism_in_every_tls_mode() {
    let Some(real) = Real::start("dovecot_accepts_every_mechanism_in_every_tls_mode") else { return };
    real.fill(USER, varied(3));
    for mode in Mode::ALL {
        for auth in ["auto", "user", "apop", "plain", "login", "cram-md5"] {
            let world = world();
            world.config(&real.account(mode, auth, &world.text("secret")));
            let trust = world.trust(mode);
            let postie = |args: &[&str]| world.postie(["--json"]).args(&trust).args(args);
            let fetch = postie(&["fetch", "--maildir", &world.text("Mail")]).go();
            assert_eq!(fetch.code, Some(0), "{mode:?} {auth}: {}\n{}", fetch.err(), real.log());
            assert_same(&world.mail(), &sorted(varied(3)));
            assert_eq!(postie(&["list"]).go().assert_exit(0).of_type("message").len(), 3);
            let test = postie(&["test-account", "--pop3"]).go();
            test.assert_exit(0);
            assert!(test.of_type("step").iter().all(|step| step["ok"] == true), "{mode:?} {auth}");
        }
    }
}

#[test]
fn dovecot_refuses_a_wrong_password_and_postie_says_so() {
    let Some(real) = Real::start("dovecot_refuses_a_wrong_password_and_postie_says_so") else { return };
    let world = world();
    world.write("wrong", "not it\n");
    let run = world.postie(["--json", "list", "--server", &real.pop3_url(USER), "--password-file", "wrong"]);
    run.arg("--ca-file").arg(world.path("ca.pem")).go().assert_failure(77, "auth");
}
