//! An account that is added by answering questions.

use super::*;

#[test]
fn an_account_is_added_by_answering_questions() {
    let world = world();
    let mut session = Session::start(&world, &["config", "add"]);
    session.expect("Mail address: ");
    session.type_in("nobody\n");
    session.expect("no domain");
    session.type_in("ana@gmail.com\n");
    session.expect("Name of the account [mail]: ");
    session.type_in("g\n");
    session.expect("beside the address: ");
    session.type_in("Ana\n");
    session.expect("app password");
    session.expect("or oauth [ask]: ");
    session.type_in("store\n");
    session.expect("Password: ");
    assert!(!session.has_echo());
    session.type_in(&format!("{SECRET}x\u{7f}\n"));
    session.expect("Where fetched mail goes (a Maildir, or mbox:FILE) [~/Mail/g]: ");
    session.type_in("mbox:~/mail/inbox\n");
    session.expect("Test it now? [yes]: ");
    session.type_in("no\n");
    session.expect("account g is added");
    assert!(session.end().success());
    let text = fs::read_to_string(world.path(".config/postie/config.toml")).unwrap();
    assert!(
        text.starts_with(
            "default-account = \"g\"\n\n[accounts.g]\nemail = \"ana@gmail.com\"\nname = \"Ana\"\n"
        ),
        "{text}"
    );
    assert!(text.contains(&format!("password = \"{SECRET}\"\n")), "the typing error was mended");
    assert!(text.contains("host = \"pop.gmail.com\"") && text.contains("host = \"smtp.gmail.com\""));
    assert!(text.contains("mbox = \"~/mail/inbox\""), "{text}");
    assert_mode(&world.path("mail"), 0o700);
}

/// Answers the questions up to the password for an account `name` at these servers.
fn answer_up_to_the_password(session: &mut Session, name: &str, pop3: &Pop3d, smtp: &Smtpd) {
    session.expect("Mail address: ");
    session.type_in("ana@example.org\n");
    session.expect("Name of the account [");
    session.expect("]: ");
    session.type_in(&format!("{name}\n"));
    session.expect("beside the address: ");
    session.type_in("\n");
    session.expect("Where mail is fetched (POP3, or IMAP by its URL): ");
    session.type_in(&format!("localhost:{}\n", pop3.port()));
    session.expect("Where mail is sent (SMTP): ");
    session.type_in(&format!("smtps://localhost:{}\n", smtp.port()));
    session.expect("Login name [ana@example.org]: ");
    session.type_in("ana\n");
    session.expect("ask [ask]: ");
    session.type_in("store\n");
    session.expect("Password: ");
}

#[test]
fn the_questions_end_with_an_account_that_fetches_and_sends() {
    let mailbox = Mailbox::with(2);
    let (pop3, smtp) = (Pop3d::for_mailbox(&mailbox).start(), Smtpd::for_mailbox(&mailbox).start());
    let world = world();
    let mut session = Session::start(&world, &["config", "add", "--ca-file", "ca.pem"]);
    answer_up_to_the_password(&mut session, "home", &pop3, &smtp);
    session.type_in(&format!("{SECRET}\n"));
    session.expect("[~/Mail/home]: ");
    session.type_in("\n");
    session.expect("Test it now? [yes]: ");
    session.type_in("\n");
    session.expect("mailbox");
    session.expect("sender");
    session.expect("account home is added");
    session.expect("and is the default");
    assert!(session.end().success());
    assert_mode(&world.path("Mail"), 0o700);
    world.postie(["fetch"]).go().assert_exit(0);
    assert_eq!(crate::support::disk::maildir_if_any(&world.path("Mail/home")).len(), 2);
    world.postie(["send", "-s", "x", "--body", "y", "ana@example.org"]).go().assert_exit(0);
}

#[test]
fn an_imap_server_is_recognised_by_its_scheme_or_port() {
    let world = world();
    for (at, (answer, tls, port)) in [
        ("imaps://imap.example.org", "implicit", 993),
        ("imap.example.org:993", "implicit", 993),
        ("imap.example.org:143", "starttls", 143),
        ("imap://imap.example.org:1143", "starttls", 1143),
    ]
    .into_iter()
    .enumerate()
    {
        let mut session = Session::start(&world, &["config", "add", &format!("a{at}")]);
        for (question, answer) in [
            ("Mail address: ", "ana@example.org\n".to_owned()),
            ("beside the address: ", "\n".to_owned()),
            ("Where mail is fetched (POP3, or IMAP by its URL): ", format!("{answer}\n")),
            ("Where mail is sent (SMTP): ", "\n".to_owned()),
            ("Login name [ana@example.org]: ", "\n".to_owned()),
            ("ask [ask]: ", "ask\n".to_owned()),
            ("]: ", "\n".to_owned()),
            ("Test it now? [yes]: ", "no\n".to_owned()),
        ] {
            session.expect(question);
            session.type_in(&answer);
        }
        session.expect(&format!("account a{at} is added"));
        assert!(session.end().success());
        let shown = world.postie(["--json", "config", "show", &format!("a{at}")]).go();
        let account = &shown.of_type("account")[0];
        assert_eq!((&account["imap"]["tls"], &account["imap"]["port"]), (&tls.into(), &port.into()));
        assert!(account["pop3"].is_null());
    }
}

#[test]
fn a_taken_name_is_reported_before_anything_else_is_asked() {
    let world = world();
    world.config("[accounts.mail]\nemail = \"ana@example.org\"\npop3.host = \"h\"\n");
    let mut session = Session::start(&world, &["config", "add", "mail"]);
    session.expect("it exists already");
    assert_eq!(session.end().code(), Some(78));
    let mut session = Session::start(&world, &["config", "add"]);
    session.expect("Mail address: ");
    session.type_in("ana@example.org\n");
    session.expect("Name of the account [example]: ");
    session.type_in("mail\n");
    session.expect("there is an account mail already");
    session.expect("Name of the account [example]: ");
    session.type_in("\u{3}");
    assert_eq!(session.end().signal(), Some(2));
}

#[test]
fn after_a_failed_test_the_user_decides() {
    for (answer, added) in [("\n", false), ("yes\n", true)] {
        let mailbox = Mailbox::with(1);
        let (pop3, smtp) = (Pop3d::for_mailbox(&mailbox).start(), Smtpd::for_mailbox(&mailbox).start());
        let world = world();
        let mut session = Session::start(&world, &["config", "add", "--ca-file", "ca.pem"]);
        answer_up_to_the_password(&mut session, "home", &pop3, &smtp);
        session.type_in("not-it\n");
        session.expect("[~/Mail/home]: ");
        session.type_in("\n");
        session.expect("Test it now? [yes]: ");
        session.type_in("\n");
        session.expect("Add it all the same? [no]: ");
        session.type_in(answer);
        session.expect(if added { "account home is added" } else { "account home is not added" });
        assert_eq!(session.end().code(), Some(if added { 1 } else { 77 }));
        assert_eq!(world.path(".config/postie/config.toml").exists(), added);
    }
}

#[test]
fn only_values_without_a_flag_are_asked_for() {
    let world = world();
    let add =
        ["config", "add", "w", "--email", "a@example.org", "--pop3", "pop3s://h", "--password-env", "PW"];
    let mut session = Session::start(&world, &add);
    session.expect("Where fetched mail goes");
    session.expect("[~/Mail/w]: ");
    session.type_in("\n");
    session.expect("Test it now? [yes]: ");
    session.type_in("no\n");
    session.expect("account w is added");
    assert!(session.end().success());
    let add = ["config", "add", "v", "--email", "a@example.org", "--pop3", "pop3s://h"];
    let mut session =
        Session::start(&world, &[&add[..], &["--password-env", "PW", "--maildir", "M"]].concat());
    session.expect("account v is added");
    assert!(session.end().success());
}
