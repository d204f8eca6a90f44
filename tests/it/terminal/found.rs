//! What `config add` shows at a terminal of the servers that it found, and what it then asks.

use super::Session;
use crate::support::played::{Played, document, usual};
use crate::support::pop3d::SECRET;
use crate::support::web::Reply;
use crate::support::world::World;
use crate::world;
use std::fs;

fn session(world: &World, played: &Played) -> Session {
    let variables = [
        format!("POSTIE_DNS={}", played.named.address()),
        format!("POSTIE_RESOLVE={}", played.resolve()),
        "POSTIE_ISPDB=none".to_owned(),
    ];
    let mut argv = vec!["env"];
    argv.extend(variables.iter().map(String::as_str));
    argv.extend([env!("CARGO_BIN_EXE_postie"), "config", "add", "ana@own.test", "--ca-file", "ca.pem"]);
    Session::run(world, &argv)
}

/// Answers from the password on: stored, into a Maildir, tested.
fn finish(session: &mut Session) {
    session.expect("ask [ask]: ");
    session.type_in("store\n");
    session.expect("Password: ");
    session.type_in(&format!("{SECRET}\n"));
    session.expect("[~/Mail/own]: ");
    session.type_in("\n");
    session.expect("Test it now? [yes]: ");
    session.type_in("\n");
    session.expect("account own is added");
}

fn file(world: &World) -> String {
    fs::read_to_string(world.path(".config/postie/config.toml")).unwrap()
}

#[test]
fn what_the_domain_publishes_is_shown_and_used_when_return_is_pressed() {
    let played = Played::with_document(Reply::ok(document("own.test", &usual("own.test"))));
    let world = world();
    let mut session = session(&world, &played);
    session.expect("beside the address: ");
    session.type_in("Ana\n");
    session.expect("looking for the servers of own.test");
    session.expect("fetch from pop.own.test:995 by POP3, TLS, as ana");
    session.expect("from https://autoconfig.own.test/mail/config-v1.1.xml");
    session.expect("send through smtp.own.test:465");
    session.expect("Use these? (yes, no, edit) [yes]: ");
    assert!(played.pop3.journals().iter().all(|journal| journal.count("PASS") + journal.count("USER") == 0));
    session.type_in("\n");
    finish(&mut session);
    assert!(session.end().success());
    let text = file(&world);
    assert!(text.contains("host = \"pop.own.test\"") && text.contains("username = \"ana\""), "{text}");
}

#[test]
fn what_could_be_anybodys_word_is_used_only_when_that_is_typed_and_can_be_edited() {
    // The usual names answer, and nobody has named them.
    let played = Played::with_document(Reply::missing());
    let world = world();
    let mut session = session(&world, &played);
    session.expect("beside the address: ");
    session.type_in("\n");
    session.expect("anybody could have said that");
    session.expect("Use these? (yes, no, edit): ");
    session.type_in("\n");
    session.expect("yes, no or edit");
    session.expect("Use these? (yes, no, edit): ");
    session.type_in("edit\n");
    session.expect("[pop3s://ana%40own.test@pop.own.test]: ");
    session.type_in("pop3s://ana@pop.own.test\n");
    session.expect("[smtps://ana%40own.test@smtp.own.test]: ");
    session.type_in("smtps://ana@smtp.own.test\n");
    finish(&mut session);
    assert!(session.end().success());
    assert!(file(&world).contains("username = \"ana\""));
}
