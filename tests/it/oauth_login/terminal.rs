//! At a terminal: from `config add` to fetched and sent mail, as a person does it.

use super::chain::{postie, servers};
use super::*;
use crate::terminal::Session;

/// Answers questions, each when it shows.
#[track_caller]
fn converse(session: &mut Session, dialogue: &[(&str, &str)]) {
    for (question, answer) in dialogue {
        session.expect(question);
        session.type_in(&format!("{answer}\n"));
    }
}

/// postie with a browser for `$BROWSER`.
fn start(world: &World, args: &[&str]) -> Session {
    let browser = format!("BROWSER={}", browser_program(world));
    let argv =
        [&["/usr/bin/env", &browser, env!("CARGO_BIN_EXE_postie"), "--ca-file", "ca.pem"], args].concat();
    Session::run(world, &argv)
}

/// All lines but those with addresses and paths, which nobody can break, fit the terminal.
#[track_caller]
fn assert_fits(session: &Session) {
    for line in session.seen().lines().filter(|line| !line.contains('/')) {
        assert!(line.trim_end().chars().count() <= 80, "{line}");
    }
}

#[test]
fn an_account_of_outlook_is_added_logged_in_tested_and_used() {
    let Some(servers) = servers("an_account_of_outlook_is_added_logged_in_tested_and_used") else { return };
    let world = world();
    let (imap, smtp) = (servers.real.imap_port_with(true), servers.real.smtp_port());
    let (imap, smtp) = (format!("imaps://bob@localhost:{imap}"), format!("smtps://bob@localhost:{smtp}"));
    let issuer = servers.oidc.issuer();
    // Its own servers and endpoints stand for Microsoft's.
    let args = ["config", "add", "--imap", &imap, "--smtp", &smtp, "--oauth", &issuer];
    let mut session = start(&world, &args);
    converse(
        &mut session,
        &[
            ("Mail address: ", "bob@outlook.com"),
            ("Name of the account [mail]: ", "out"),
            ("beside the address: ", "Bob"),
            ("Client id (empty: register one at the login): ", "postie"),
            ("[~/Mail/out]: ", ""),
            ("Test it now? [yes]: ", ""),
            ("browser, paste, device or later [browser]: ", ""),
        ],
    );
    let mut browser = Browser::new("bob@outlook.com");
    let back = browser.consent(&opened(&world));
    assert_eq!(browser.ask(&back, None).status, 200);
    session.expect("account out is logged in");
    assert_fits(&session);
    session.expect("token");
    session.expect("mailbox");
    session.expect("sender");
    session.expect("account out is added");
    assert!(session.end().success());
    postie(&world, &["fetch"]).go().assert_exit(0);
    postie(&world, &["send", "--check", "-t", "bob@mail.test", "-s", "x", "--body", "y"]).go().assert_exit(0);
}

#[test]
fn outlook_is_offered_oauth_alone_and_gmail_both_and_without_a_client_the_way_to_one_is_told() {
    let world = world();
    let mut session = start(&world, &["config", "add"]);
    converse(
        &mut session,
        &[
            ("Mail address: ", "ana@outlook.com"),
            ("Name of the account [mail]: ", "out"),
            ("beside the address: ", ""),
            ("oauth or command [oauth]: ", ""),
            ("Client id (empty: not yet): ", ""),
            ("[~/Mail/out]: ", ""),
            ("Test it now? [yes]: ", "no"),
        ],
    );
    session.expect("account out is added");
    session.expect("`postie config set out oauth.client-id ID`");
    session.expect("`postie config login out`");
    assert!(session.seen().contains("https://entra.microsoft.com"), "{}", session.seen());
    assert!(!session.seen().contains("Password"), "{}", session.seen());
    assert_fits(&session);
    assert!(session.end().success());
    let mut session = start(&world, &["config", "add"]);
    converse(
        &mut session,
        &[
            ("Mail address: ", "ana@gmail.com"),
            ("Name of the account [mail]: ", "g"),
            ("beside the address: ", ""),
            ("command, file, store, ask or oauth [ask]: ", "oauth"),
            ("Client id (empty: not yet): ", "id.apps.example"),
            ("Client secret: ", "public-secret"),
            ("[~/Mail/g]: ", ""),
            ("Test it now? [yes]: ", "no"),
            ("browser, paste or later [browser]: ", "later"),
        ],
    );
    session.expect("account g is added");
    assert_fits(&session);
    assert!(session.end().success());
    let text = fs::read_to_string(world.path(".config/postie/config.toml")).unwrap();
    for line in ["provider = \"microsoft\"", "provider = \"google\"", "client-id = \"id.apps.example\""] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("client-secret = \"public-secret\"") && !text.contains("password"), "{text}");
}

#[test]
fn the_address_is_pasted_at_the_terminal_and_a_no_adds_nothing() {
    let Some(oidc) = Oidc::shared("the_address_is_pasted_at_the_terminal_and_a_no_adds_nothing") else {
        return;
    };
    for yes in [true, false] {
        let world = world();
        let issuer = oidc.issuer();
        let add = ["config", "add", "work", "--email", "ana@mail.test", "--imap", "imaps://localhost:1"];
        let more = ["--oauth", &issuer, "--client-id", "postie"];
        let mut session = start(&world, &[&add[..], &more].concat());
        converse(
            &mut session,
            &[("[~/Mail/work]: ", ""), ("Test it now? [yes]: ", "no"), ("later [browser]: ", "paste")],
        );
        session.expect("http");
        let url = format!("http{}", session.line());
        let mut browser = Browser::new("ana");
        match yes {
            true => {
                session.type_in(&format!("{}\n", browser.consent(&url)));
                session.expect("account work is logged in");
                session.expect("account work is added");
            }
            false => {
                session.type_in(&format!("{}\n", browser.refuse(&url)));
                session.expect("access_denied");
                session.expect("Add it all the same? [no]: ");
                session.type_in("\n");
                session.expect("account work is not added");
            }
        }
        assert_eq!(session.end().code(), Some(if yes { 0 } else { 77 }));
        assert_eq!(world.path(".config/postie/config.toml").exists(), yes);
    }
}
