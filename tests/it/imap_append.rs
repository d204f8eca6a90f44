//! `send --save-copy imap`: an accepted message is filed once, octet for octet, and no failure of that sends
//! the message again. What the IMAP server has is compared with what the SMTP server got.

mod batches;
mod folders;
mod lost;
mod sizes;
mod utf8;

use crate::support::imapd::quirks::Quirk;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Event, Imapd, Setup};
use crate::support::mailbox::Mailbox;
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode};
use crate::support::process::Run;
use crate::support::smtpd::{self, Smtpd};
use crate::support::world::{Checked, World};
use crate::world;
use serde_json::Value;

const NOTHING: [String; 0] = [];

/// An account whose folder for sent mail is `Gesendet`.
fn store() -> ImapStore {
    let store = ImapStore::with(1);
    store.create(Folder::new("Drafts").attribute("\\Drafts"));
    store.create(Folder::new("Gesendet").attribute("\\Sent"));
    store
}

fn smtp() -> smtpd::Setup {
    Smtpd::for_mailbox(&Mailbox::default()).mode(Mode::Plain).without("SIZE")
}

fn imap(store: &ImapStore) -> Setup {
    Imapd::for_store(store).mode(Mode::Plain)
}

/// The account `a` of these servers.
fn configure(world: &World, smtp: u16, imap: u16) {
    world.config(&format!(
        "[accounts.a]\nemail = 'ana@example.org'\npassword-file = '{}'\n\
         [accounts.a.smtp]\nhost = 'localhost'\nport = {smtp}\ntls = 'none'\nusername = 'ana'\n\
         [accounts.a.imap]\nhost = 'localhost'\nport = {imap}\ntls = 'none'\nusername = 'ana'\n",
        world.text("secret")
    ));
}

/// A run of `send` that files a copy.
fn send_within(timeout: &str, world: &World, smtp: &Smtpd, imap: &Imapd) -> Run {
    configure(world, smtp.port(), imap.port());
    world.postie(["--json", "--timeout", timeout, "send", "--save-copy", "imap"])
}

fn send(world: &World, smtp: &Smtpd, imap: &Imapd) -> Run {
    send_within("20s", world, smtp, imap).args(["bob@example.org", "-s", "A copy"]).stdin("text\n")
}

/// Whether the folder for sent mail has what the SMTP server got, each message once and with \Seen.
#[track_caller]
fn assert_filed(smtp: &Smtpd, store: &ImapStore) {
    let sent: Vec<Vec<u8>> = smtp.accepted().into_iter().map(|accepted| accepted.content).collect();
    let filed = store.messages("Gesendet");
    assert_eq!(filed.len(), sent.len(), "filed, accepted");
    for (filed, sent) in filed.iter().zip(&sent) {
        assert!(*filed.wire == *sent, "{} octets filed, {} sent", filed.wire.len(), sent.len());
        assert_eq!(filed.flags, ["\\Seen"]);
    }
}

/// The receipt of a message that was accepted.
#[track_caller]
fn receipt(outcome: &Checked) -> Value {
    let receipts = outcome.of_type("receipt");
    assert_eq!(receipts.len(), 1, "{receipts:#?}");
    assert_eq!(receipts[0]["status"], "accepted");
    receipts[0].clone()
}

/// The error for a missing copy: the message was accepted and must not be sent again.
#[track_caller]
fn copy_error(outcome: &Checked, kind: &str) -> Value {
    outcome.assert_exit(1);
    assert_eq!(receipt(outcome)["saved_copy"], Value::Null);
    let error = outcome.error();
    assert_eq!((error["stage"].as_str(), error["scope"].as_str()), (Some("save-copy"), Some("message")));
    assert_eq!(error["kind"], kind, "{error:#}");
    assert_ne!(error["retry"], "safe", "to send again would be a second message");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("the message was accepted, but"), "{message}");
    assert!(outcome.err().contains(message), "{}", outcome.err());
    error
}

#[test]
fn an_accepted_message_is_filed_as_sent_without_bcc() {
    for mode in [Mode::Implicit, Mode::Upgrade, Mode::Plain] {
        let (store, world) = (store(), world());
        let smtp = smtp().start();
        let imap = Imapd::for_store(&store).mode(mode).start();
        let tls = match mode {
            Mode::Plain => String::new(),
            Mode::Implicit | Mode::Upgrade => format!("\nca-file = '{}'", world.text("ca.pem")),
        };
        configure(&world, smtp.port(), imap.port());
        let config = std::fs::read_to_string(world.path(".config/postie/config.toml")).unwrap();
        let name = match mode {
            Mode::Implicit => "implicit",
            Mode::Upgrade => "starttls",
            Mode::Plain => "none",
        };
        let (first, last) = config.rsplit_once("tls = 'none'").unwrap();
        world.config(&format!("{first}tls = '{name}'{tls}{last}"));
        let run = world.postie(["--json", "send", "--save-copy", "imap", "bob@example.org"]);
        let outcome = run.args(["-b", "guest@example.org", "-s", "A copy"]).stdin("text\n").go();
        outcome.assert_exit(0);
        let copy = receipt(&outcome)["saved_copy"].clone();
        let folder = store.folder("Gesendet");
        assert_eq!(copy["folder"], "Gesendet");
        assert_eq!((copy["uidvalidity"].as_u64(), copy["uid"].as_u64()), (Some(folder.uidvalidity), Some(1)));
        assert_eq!((copy.get("already_there"), copy.get("by_server")), (None, None));
        assert_filed(&smtp, &store);
        assert!(!String::from_utf8_lossy(&store.message("Gesendet", 1).wire).contains("guest"));
        assert!(store.messages("Drafts").is_empty() && store.messages("INBOX").len() == 1);
        assert_eq!(imap.violations(), NOTHING);
    }
}

#[test]
fn the_internal_date_of_the_copy_is_when_it_was_filed() {
    let (store, world) = (store(), world());
    let (smtp, imap) = (smtp().start(), imap(&store).start());
    let run = send(&world, &smtp, &imap).args(["--date", "2001-02-03T04:05:06Z"]).env("TZ", "IST-5:30");
    run.go().assert_exit(0);
    let date = store.message("Gesendet", 1).date.to_string();
    assert!(date.ends_with(" +0530") && !date.contains("2001"), "{date}");
}

/// Only accepted messages are filed.
#[test]
fn refused_deferred_and_uncertain_messages_are_not_filed() {
    let act = |verb: &'static str, act: Act| {
        move |event: &crate::support::pop3d::Event<'_>| match event.verb == verb {
            true => act.clone(),
            false => Act::Normal,
        }
    };
    for (verb, what, exit) in [
        ("RCPT", Act::reply("550 no such user"), 67),
        ("RCPT", Act::reply("450 later"), 75),
        (".", Act::reply("554 no"), 69),
        (".", Act::reply("451 later"), 75),
        (".", Act::end(End::Close), 79),
    ] {
        let (store, world) = (store(), world());
        let (smtp, imap) = (smtp().hook(act(verb, what)).start(), imap(&store).start());
        let outcome = send(&world, &smtp, &imap).go();
        outcome.assert_exit(exit);
        assert!(store.messages("Gesendet").is_empty());
        assert_eq!(imap.commands(), NOTHING, "nobody is asked");
    }
    let (store, world) = (store(), world());
    let (smtp, imap) = (smtp().start(), imap(&store).start());
    for option in ["--check", "--dry-run"] {
        send(&world, &smtp, &imap).arg(option).go().assert_exit(0);
    }
    assert_eq!(imap.commands(), NOTHING, "nobody is asked");
}

#[test]
fn a_message_accepted_for_some_recipients_is_filed() {
    let (store, world) = (store(), world());
    let hook = |event: &crate::support::pop3d::Event<'_>| match event.line.contains("nobody@") {
        true => Act::reply("550 no such user"),
        false => Act::Normal,
    };
    let (smtp, imap) = (smtp().hook(hook).start(), imap(&store).start());
    let run = send(&world, &smtp, &imap).args(["nobody@example.org", "--on-rejected", "send"]);
    let outcome = run.go();
    outcome.assert_exit(1);
    assert_eq!(outcome.of_type("receipt")[0]["saved_copy"]["uid"], 1);
    assert_filed(&smtp, &store);
}

#[test]
fn without_an_imap_server_or_its_secret_nothing_is_sent() {
    let (world, smtp) = (world(), smtp().start());
    world.config(&world.account("a", "smtp", smtp.port(), "tls = 'none'"));
    let run = || world.postie(["--json", "send", "bob@example.org", "--save-copy", "imap"]).stdin("text\n");
    let error = run().go().assert_failure(78, "config");
    assert_eq!(error["hint"], "`postie config set a imap.host HOST` gives it one");
    run().arg("--dry-run").go().assert_failure(78, "config");
    let line = "{\"to\":\"bob@example.org\",\"text\":\"x\"}\n";
    let batch = || world.postie(["--json", "send", "--batch", "--save-copy", "imap"]).stdin(line);
    batch().go().assert_failure(78, "config");
    let url = format!("smtp+insecure://ana@localhost:{}", smtp.port());
    let on_the_spot = run().env("POSTIE_SMTP_URL", &url).env("POSTIE_PASSWORD", "x");
    let error = on_the_spot.env("POSTIE_FROM", "ana@example.org").go().assert_failure(78, "config");
    assert!(error["hint"].as_str().unwrap().contains("$POSTIE_IMAP_URL"), "{error:#}");
    world.config(&format!(
        "{}[accounts.a.imap]\nhost = 'localhost'\npassword-command = 'exit 1'\n",
        world.account("a", "smtp", smtp.port(), "tls = 'none'")
    ));
    run().go().assert_failure(78, "config");
    batch().go().assert_failure(78, "config");
    world.postie(["send", "bob@example.org", "--save-copy", "imap:"]).stdin("x").go().assert_exit(64);
    world.postie(["send", "bob@example.org", "--save-copy", "imap/Sent"]).stdin("x").go().assert_exit(64);
    assert!(smtp.journals().is_empty(), "nothing is sent");
}

#[test]
fn a_provider_that_files_sent_mail_itself_needs_no_imap_server() {
    let world = world();
    let plan = |smtp: &str, place: &str| {
        world.config(&format!("[accounts.a]\nemail = 'ana@example.org'\nsmtp.host = '{smtp}'\n"));
        let run = world.postie(["--json", "send", "--dry-run", "bob@example.org", "--save-copy", place]);
        run.stdin("text\n").go()
    };
    plan("smtp.gmail.com", "imap").assert_exit(0);
    plan("smtp.gmail.com", "imap:Projects").assert_failure(78, "config");
    plan("smtp.example.org", "imap").assert_failure(78, "config");
}

/// A signal while the copy is filed: before the process ends, it reports that the message was accepted.
#[test]
fn a_signal_during_filing_still_gives_the_receipt() {
    for verb in ["AUTHENTICATE", "UID SEARCH", "APPEND"] {
        let (store, world) = (store(), world());
        let imap = imap(&store).hook(move |event| match event.verb == verb {
            true => Act::end(End::Terminate),
            false => Act::Normal,
        });
        let (smtp, imap) = (smtp().start(), imap.start());
        let outcome = send(&world, &smtp, &imap).victim(imap.victim()).go();
        assert_eq!(outcome.signal, Some(15), "{verb}: {outcome:?}");
        assert_eq!(receipt(&outcome)["saved_copy"], Value::Null);
        let error = outcome.error();
        assert_eq!((&error["kind"], &error["stage"]), (&"interrupted".into(), &"save-copy".into()), "{verb}");
        assert_eq!((outcome.summary()["exit"].as_u64(), smtp.accepted().len()), (Some(1), 1));
    }
}

#[test]
fn the_environment_names_both_servers() {
    let (store, world) = (store(), world());
    let (smtp, imap) = (smtp().start(), imap(&store).start());
    let run = world.postie(["--json", "send", "bob@example.org", "--save-copy", "imap"]).stdin("text\n");
    let run = run.env("POSTIE_SMTP_URL", smtp.url()).env("POSTIE_IMAP_URL", imap.url());
    let run = run.env("POSTIE_FROM", "ana@example.org").env("POSTIE_PASSWORD_FILE", world.path("secret"));
    run.go().assert_exit(0);
    assert_filed(&smtp, &store);
}

#[test]
fn a_local_copy_is_in_the_receipt_too() {
    let (world, smtp) = (world(), smtp().start());
    world.config(&world.account("a", "smtp", smtp.port(), "tls = 'none'"));
    let send = |place: String| {
        let run = world.postie(["--json", "send", "bob@example.org", "--save-copy"]).arg(place);
        run.stdin("text\n").go()
    };
    let outcome = send(format!("maildir:{}", world.text("Sent")));
    outcome.assert_exit(0);
    let path = receipt(&outcome)["saved_copy"]["path"].as_str().unwrap().to_owned();
    assert!(std::fs::read(path).unwrap().ends_with(b"\ntext\n"));
    for _ in 0..2 {
        send(format!("mbox:{}", world.text("sent"))).assert_exit(0);
    }
    let outcome = send(format!("mbox:{}", world.text("sent")));
    let copy = receipt(&outcome)["saved_copy"].clone();
    let mbox = std::fs::read(world.path("sent")).unwrap();
    let offset = usize::try_from(copy["offset"].as_u64().unwrap()).unwrap();
    assert_eq!(copy["mbox"], world.text("sent"));
    assert!(offset > 0 && mbox[offset..].starts_with(b"From "));
}
