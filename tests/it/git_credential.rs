//! `credential-helper = "git"`, with the real git and a helper of the test's own.

use crate::support::imapd::store::ImapStore;
use crate::support::imapd::{self, Imapd};
use crate::support::mailbox::Mailbox;
use crate::support::pop3d::{Act, Pop3d, SECRET};
use crate::support::process::read_or_empty;
use crate::support::real::have;
use crate::support::smtpd::Smtpd;
use crate::support::world::World;
use crate::world;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// A home whose git has a helper that knows this password, and notes what it is asked and told.
fn with_helper(password: &str) -> World {
    let world = world();
    let script = format!(
        "#!/bin/sh\n{{ echo \"$1:\"; cat; }} >>\"$HOME/asked\"\n[ \"$1\" = get ] || exit 0\n\
         printf 'password=%s\\npassword_expiry_utc=9999999999\\noauth_refresh_token=refresh-1\\n' '{password}'\n"
    );
    let helper = world.write("helper", script);
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o700)).unwrap();
    world.write(".gitconfig", format!("[credential]\n\thelper = {}\n", helper.display()));
    world
}

fn account(world: &World, kind: &str, port: u16, more: &str) {
    let text = world.account("work", kind, port, &format!("ca-file = '{}'\n{more}", world.text("ca.pem")));
    let file = format!("password-file = '{}'", world.text("secret"));
    world.config(&text.replace(&file, "credential-helper = 'git'"));
}

/// What the helper was asked and told: each verb, and what came with it.
fn asked(world: &World) -> Vec<(String, String)> {
    let text = read_or_empty(&world.path("asked"));
    let mut all: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_suffix(':'), all.last_mut()) {
            (Some(verb), _) if !verb.contains('=') => all.push((verb.to_owned(), String::new())),
            (_, Some((_, lines))) => lines.push_str(&format!("{line}\n")),
            _ => panic!("{text}"),
        }
    }
    all
}

fn verbs(world: &World) -> Vec<String> {
    asked(world).into_iter().map(|(verb, _)| verb).collect()
}

const GIT: &[&str] = &["git"];

#[test]
fn a_password_of_gits_that_the_server_takes_is_kept_with_all_that_came_with_it() {
    if !have("a_password_of_gits_that_the_server_takes_is_kept_with_all_that_came_with_it", GIT) {
        return;
    }
    let server = Pop3d::for_mailbox(&Mailbox::with(2)).start();
    let world = with_helper(SECRET);
    account(
        &world,
        "pop3",
        server.port(),
        &format!("[accounts.work.fetch]\nmaildir = '{}'", world.text("Mail")),
    );
    world.postie(["fetch"]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 2);
    let asked = asked(&world);
    assert_eq!(verbs(&world), ["get", "store"], "{}", asked.len());
    let host = format!("host=localhost:{}\n", server.port());
    for (verb, said) in &asked {
        assert!(
            said.contains("protocol=pop3\n") && said.contains(&host) && said.contains("username=ana\n"),
            "{verb}"
        );
    }
    for kept in [
        &format!("password={SECRET}\n"),
        "password_expiry_utc=9999999999\n",
        "oauth_refresh_token=refresh-1\n",
    ] {
        assert!(asked[1].1.contains(kept), "{kept}");
    }
    let shown = world.postie(["--json", "config", "show", "work"]).go();
    let account = &shown.of_type("account")[0];
    assert_eq!(account["pop3"]["secret"]["source"], "credential-helper");
}

#[test]
fn a_password_that_the_server_refuses_is_rejected_and_one_it_could_not_judge_is_not() {
    if !have("a_password_that_the_server_refuses_is_rejected_and_one_it_could_not_judge_is_not", GIT) {
        return;
    }
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).start();
    let world = with_helper("not-the-password");
    account(&world, "pop3", server.port(), "");
    world.postie(["--json", "list"]).go().assert_failure(77, "auth");
    assert_eq!(verbs(&world), ["get", "erase"]);
    let busy = |event: &crate::support::pop3d::Event<'_>| match event.verb {
        "AUTH" | "PASS" => Act::reply("-ERR [SYS/TEMP] not now"),
        _ => Act::Normal,
    };
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).hook(busy).start();
    let world = with_helper(SECRET);
    account(&world, "pop3", server.port(), "");
    world.postie(["--json", "list"]).go().assert_failure(75, "deferred");
    assert!(verbs(&world).iter().all(|verb| verb == "get"), "{:?}", verbs(&world));
}

#[test]
fn a_sender_gets_its_password_from_git_too() {
    if !have("a_sender_gets_its_password_from_git_too", GIT) {
        return;
    }
    let server = Smtpd::for_mailbox(&Mailbox::default()).start();
    let world = with_helper(SECRET);
    account(&world, "smtp", server.port(), "");
    world.postie(["send", "-s", "x", "--body", "y", "bob@example.org"]).go().assert_exit(0);
    assert_eq!(verbs(&world), ["get", "store"]);
    assert!(asked(&world)[1].1.contains("protocol=smtp\n"));
}

#[test]
fn an_imap_login_takes_its_password_from_git_and_says_what_became_of_it() {
    if !have("an_imap_login_takes_its_password_from_git_and_says_what_became_of_it", GIT) {
        return;
    }
    let server = || Imapd::for_store(&ImapStore::with(2));
    let right = server().start();
    let world = with_helper(SECRET);
    let fetch = format!("[accounts.work.fetch]\nmaildir = '{}'", world.text("Mail"));
    account(&world, "imap", right.port(), &fetch);
    world.postie(["fetch"]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 2);
    let heard = asked(&world);
    assert_eq!(verbs(&world), ["get", "store"], "{}", heard.len());
    let host = format!("host=localhost:{}\n", right.port());
    for (verb, said) in &heard {
        let names = ["protocol=imap\n", &host, "username=ana\n"];
        assert!(names.iter().all(|line| said.contains(*line)), "{verb}");
    }
    assert!(heard[1].1.contains(&format!("password={SECRET}\n")));
    // Refused, and not judged.
    let wrong = with_helper("not-the-password");
    account(&wrong, "imap", right.port(), "");
    wrong.postie(["--json", "list"]).go().assert_failure(77, "auth");
    assert_eq!(verbs(&wrong), ["get", "erase"]);
    let busy = |event: &imapd::Event<'_>| match event.verb {
        "AUTHENTICATE" | "LOGIN" => event.answer("NO [UNAVAILABLE] not now"),
        _ => Act::Normal,
    };
    let later = server().hook(busy).start();
    let unjudged = with_helper(SECRET);
    account(&unjudged, "imap", later.port(), "");
    unjudged.postie(["--json", "list"]).go().assert_failure(75, "deferred");
    assert!(verbs(&unjudged).iter().all(|verb| verb == "get"), "{:?}", verbs(&unjudged));
    // A token of git's, by the mechanism that the account names.
    let by_token = server().with("AUTH=XOAUTH2").start();
    let token = with_helper(SECRET);
    account(&token, "imap", by_token.port(), "auth = 'xoauth2'\n");
    token.postie(["list"]).go().assert_exit(0);
    assert_eq!(verbs(&token), ["get", "store"]);
    assert_eq!(by_token.commands_with("AUTHENTICATE XOAUTH2").len(), 1);
}

#[test]
fn a_git_that_knows_nothing_or_is_not_there_is_no_secret() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).start();
    let world = world();
    account(&world, "pop3", server.port(), "");
    world.postie(["--json", "list"]).go().assert_failure(78, "config");
    let without = world.postie(["--json", "list"]).env("PATH", world.text("nowhere")).go();
    assert_eq!(without.assert_failure(78, "config")["hint"], "is git installed?");
    world.config("[accounts.x]\ncredential-helper = 'gpg'\n");
    world.postie(["--json", "config", "check"]).go().assert_failure(78, "config");
}
