//! Which folder a copy goes to, and when none is filed.

use super::*;

/// The folders there are (name, attributes), and the one that a copy goes to.
type Row = (&'static [(&'static str, &'static str)], Option<&'static str>);

#[test]
fn the_default_folder_is_the_one_for_sent_mail() {
    let rows: [Row; 11] = [
        (&[("Sent", ""), ("Gesendet", "\\Sent")], Some("Gesendet")),
        (&[("Old", "\\Sent \\Noselect"), ("Sent", "")], Some("Sent")),
        (&[("Sent Messages", ""), ("Sent Items", "")], Some("Sent Items")),
        (&[("Sent Messages", "")], Some("Sent Messages")),
        (&[("INBOX/Sent", "")], Some("INBOX/Sent")),
        (&[("inbox/sent items", ""), ("Else/Sent", "")], Some("inbox/sent items")),
        (&[("SENT", "")], Some("SENT")),
        (&[("Else/Sent", "")], None),
        (&[("Sent", "\\Noselect")], None),
        (&[("Sent2", ""), ("INBOXSent", "")], None),
        (&[], None),
    ];
    for (folders, wanted) in rows {
        let (store, world) = (ImapStore::with(1), world());
        for (name, attributes) in folders {
            let folder = attributes.split_whitespace().fold(Folder::new(name), Folder::attribute);
            store.create(folder);
        }
        let (smtp, imap) = (smtp().start(), imap(&store).start());
        let outcome = send(&world, &smtp, &imap).go();
        assert_eq!(smtp.accepted().len(), 1);
        match wanted {
            Some(name) => {
                outcome.assert_exit(0);
                assert_eq!(receipt(&outcome)["saved_copy"]["folder"], name);
                assert_eq!(store.messages(name).len(), 1, "{name}");
            }
            None => {
                let error = copy_error(&outcome, "missing");
                assert!(error["hint"].as_str().unwrap().contains("--save-copy imap:FOLDER"), "{error:#}");
                assert!(store.lock().folders.len() == folders.len() + 1, "no folder is made");
                assert_eq!(imap.commands_with("CREATE"), NOTHING);
            }
        }
        assert_eq!(imap.violations(), NOTHING, "{folders:?}");
    }
}

#[test]
fn a_folder_is_named_as_list_shows_it() {
    for (wire, name) in [
        ("Projects/2026", "Projects/2026"),
        ("Entw&APw-rfe", "Entw\u{fc}rfe"),
        ("a \\ \"b\"", "a \\ \"b\""),
        ("R&-D", "R&D"),
        ("INBOX", "inbox"),
    ] {
        let (store, world) = (store(), world());
        if wire != "INBOX" {
            store.create(Folder::new(wire));
        }
        let before = store.messages(wire).len();
        let (smtp, imap) = (smtp().start(), imap(&store).start());
        configure(&world, smtp.port(), imap.port());
        let run = world.postie(["--json", "send", "bob@example.org", "--save-copy"]);
        let outcome = run.arg(format!("imap:{name}")).stdin("text\n").go();
        outcome.assert_exit(0);
        assert_eq!(store.messages(wire).len(), before + 1, "{name}");
        assert!(store.messages("Gesendet").is_empty());
        let shown = if wire == "INBOX" { "INBOX" } else { name };
        assert_eq!(receipt(&outcome)["saved_copy"]["folder"], shown);
        assert_eq!(imap.violations(), NOTHING);
    }
}

#[test]
fn a_missing_folder_is_not_created() {
    let (store, world) = (store(), world());
    let (smtp, imap) = (smtp().start(), imap(&store).start());
    configure(&world, smtp.port(), imap.port());
    let run = world.postie(["--json", "send", "bob@example.org", "--save-copy", "imap:Nowhere"]);
    let outcome = run.stdin("text\n").go();
    // This server does not say why it refuses to open it; at APPEND it does.
    let error = copy_error(&outcome, "missing");
    assert!(error["message"].as_str().unwrap().contains("not in the folder Nowhere"), "{error:#}");
    assert!(error["hint"].as_str().unwrap().contains("no folder is made"), "{error:#}");
    assert_eq!((smtp.accepted().len(), imap.commands_with("CREATE")), (1, NOTHING.to_vec()));
    assert!(store.lock().folder(b"Nowhere").is_none());
}

/// Like a server that files sent mail by itself: it files what SMTP has accepted before the folder is opened.
fn filing_itself(store: &ImapStore, wire: &'static str) -> Setup {
    let there = store.clone();
    imap(store).hook(move |event| {
        if event.verb == "EXAMINE" && there.messages("Gesendet").is_empty() {
            there.deliver("Gesendet", wire.as_bytes());
        }
        Act::Normal
    })
}

#[test]
fn a_message_that_is_in_the_folder_is_not_filed_again() {
    let text = "Subject: x\r\nMessage-ID:\r\n <job-7@example.org>\r\n\r\nx\r\n";
    for setup in [(|it| it) as fn(Setup) -> Setup, |it| it.without("ESEARCH"), |it| it.with("X-GM-EXT-1")] {
        let (store, world) = (store(), world());
        let (smtp, imap) = (smtp().start(), setup(filing_itself(&store, text)).start());
        let run = send(&world, &smtp, &imap).args(["--message-id", "<job-7@example.org>", "-v"]);
        let outcome = run.go();
        outcome.assert_exit(0);
        let copy = receipt(&outcome)["saved_copy"].clone();
        assert_eq!((&copy["already_there"], &copy["uid"]), (&Value::Bool(true), &Value::from(1)));
        assert!(outcome.err().contains("the folder Gesendet has the message already"), "{}", outcome.err());
        assert_eq!(imap.commands_with("APPEND"), NOTHING);
        assert_eq!(store.messages("Gesendet").len(), 1);
        assert_eq!(imap.violations(), NOTHING);
    }
}

#[test]
fn another_message_with_a_longer_id_is_another_message() {
    let text = "Message-ID: <job-77@example.org>\r\n\r\nx\r\n";
    let (store, world) = (store(), world());
    let (smtp, imap) = (smtp().start(), filing_itself(&store, text).start());
    send(&world, &smtp, &imap).args(["--message-id", "<7@example.org>"]).go().assert_exit(0);
    assert_eq!(store.messages("Gesendet").len(), 2);
}

#[test]
fn if_the_server_files_sent_mail_itself_nothing_is_filed() {
    let (store, world) = (store(), world());
    let (smtp, imap) = (smtp().start(), imap(&store).with("X-GM-EXT-1").start());
    let outcome = send(&world, &smtp, &imap).arg("-v").go();
    outcome.assert_exit(0);
    assert_eq!(receipt(&outcome)["saved_copy"]["by_server"], true);
    assert!(outcome.err().contains("the server files what is sent by itself"), "{}", outcome.err());
    assert_eq!((imap.commands_with("APPEND"), store.messages("Gesendet").len()), (NOTHING.to_vec(), 0));
    // Another folder is what the user wants.
    store.create(Folder::new("Projects"));
    let run = world.postie(["--json", "send", "bob@example.org", "--save-copy", "imap:Projects"]);
    run.stdin("text\n").go().assert_exit(0);
    assert_eq!(store.messages("Projects").len(), 1);
    // That very folder, by its name.
    let run = world.postie(["--json", "send", "bob@example.org", "--save-copy", "imap:Gesendet"]);
    run.stdin("text\n").go().assert_exit(0);
    assert!(store.messages("Gesendet").is_empty());
}

#[test]
fn a_message_is_filed_even_if_the_folder_cannot_be_searched_or_opened() {
    for (verb, answer) in [
        ("UID SEARCH", "NO [UNAVAILABLE] no search today"),
        ("UID SEARCH", "BAD what is that?"),
        ("EXAMINE", "NO [NOPERM] you may not read it"),
    ] {
        let (store, world) = (store(), world());
        let hook = move |event: &Event<'_>| match event.verb == verb {
            true => event.answer(answer),
            false => Act::Normal,
        };
        let (smtp, imap) = (smtp().start(), imap(&store).hook(hook).start());
        send(&world, &smtp, &imap).go().assert_exit(0);
        assert_filed(&smtp, &store);
    }
}
