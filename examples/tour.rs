//! The tour: a POP3, an SMTP and an IMAP server of its own on loopback ports, with real TLS by a throw-away
//! authority, and a scratch home. It runs `config add`, `test-account`, `send`, `list` and `fetch` through
//! the same entry point as the binary, shows each command before its output, ends with what lies in the
//! Maildir, and fails if anything differs from what it should be.
//!
//!     cargo run --release --example tour
//!
//! Every command is a process of its own, as at a prompt: the tour starts itself with [`POSTIE`] as its
//! first argument and is postie then.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a tour that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "it is there to be read")]

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod support;

use std::process::ExitCode;
use support::disk::{assert_same, maildir, sorted};
use support::imapd::Imapd;
use support::imapd::store::{Folder, ImapStore};
use support::leak;
use support::mailbox::{Mailbox, message, stored};
use support::pop3d::{Pop3d, SECRET};
use support::smtpd::Smtpd;
use support::world::{Checked, World};

/// The first argument that makes this program postie.
const POSTIE: &str = "__postie";

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    if args.nth(1).is_some_and(|word| word == POSTIE) {
        return postie::run(std::iter::once("postie".into()).chain(args));
    }
    tour();
    println!("\nEverything is as it should be.");
    ExitCode::SUCCESS
}

/// Shows a command and what it says; it must succeed.
fn show(world: &World, args: &[&str], stdin: &str) -> Checked {
    let quoted: Vec<String> = args.iter().map(|word| quote(&word.replace(&world.text(""), "~/"))).collect();
    let fed = if stdin.is_empty() {
        String::new()
    } else {
        format!("printf {} | ", quote(&stdin.replace('\n', "\\n")))
    };
    println!("\n$ {fed}postie {}", quoted.join(" "));
    let outcome = world.postie(args).stdin(stdin).go();
    print!("{}{}", outcome.out(), outcome.err());
    outcome.assert_exit(0);
    outcome
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@~=+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

/// Another account, on a server that speaks IMAP.
fn by_imap(world: &World) {
    let store = ImapStore::of([message(3), message(4)]);
    store.create(Folder::new("Sent").attribute("\\Sent"));
    let imap = Imapd::for_store(&store).start();
    println!("\nAn IMAP server is at {}.", imap.url());
    let (url, secret, ca, mail) =
        (imap.url(), world.text("secret"), world.text("ca.pem"), world.text("Imap"));
    let server = ["--server", &url, "--password-file", &secret, "--ca-file", &ca];
    show(world, &[&server[..], &["list", "--folders"]].concat(), "");
    show(world, &[&server[..], &["list"]].concat(), "");
    let fetch =
        show(world, &[&server[..], &["--json", "fetch", "--maildir", &mail, "--delete"]].concat(), "");
    assert_eq!(fetch.summary()["deleted"], 2);
    assert_same(
        &maildir(&world.path("Imap")),
        &sorted([message(3), message(4)].map(|it| stored(&it)).to_vec()),
    );
    assert!(store.messages("INBOX").is_empty(), "nothing is left on the server");
    assert!(imap.violations().is_empty(), "no careless command");
    for journal in imap.journals() {
        leak::assert_absent(&journal.in_clear(), SECRET, "what went in clear");
    }
}

fn tour() {
    let world = World::behind(std::env::current_exe().unwrap(), POSTIE);
    let mailbox = Mailbox::of([message(1), message(2)]);
    let (pop3, smtp) = (Pop3d::for_mailbox(&mailbox).start(), Smtpd::for_mailbox(&mailbox).start());
    let (secret, ca, mail) = (world.text("secret"), world.text("ca.pem"), world.text("Mail"));
    println!("A POP3 server with two messages is at {}, an SMTP server at {}.", pop3.url(), smtp.url());

    let (pop3_url, smtp_url) = (pop3.url(), smtp.url());
    let add = ["config", "add", "home", "--email", "ana@example.org", "--name", "Ana Example"];
    let sides = ["--pop3", &pop3_url, "--smtp", &smtp_url, "--password-file", &secret, "--maildir", &mail];
    show(&world, &[&add[..], &sides, &["--ca-file", &ca]].concat(), "");
    show(&world, &["test-account"], "");
    let text = "Dear Ana,\n.\nthis is the tour.\n";
    let send = ["send", "--subject", "Hello from the tour", "ana@example.org"];
    show(&world, &send, text);
    let list = show(&world, &["list"], "");
    for subject in ["message 1", "message 2", "Hello from the tour"] {
        assert!(list.out().contains(subject), "the list shows {subject:?}");
    }
    let fetch = show(&world, &["fetch", "--json"], "");
    assert_eq!(fetch.summary()["delivered"], 3);
    let again = show(&world, &["fetch", "--json"], "");
    assert_eq!(again.summary()["delivered"], 0, "nothing is fetched twice");

    by_imap(&world);

    println!("\nThe Maildir holds:");
    let found = maildir(&world.path("Mail"));
    for (number, message) in found.iter().enumerate() {
        println!("--- {}\n{}", number + 1, String::from_utf8_lossy(message).trim_end());
    }
    assert_same(&found, &sorted(mailbox.as_stored()));
    let sent = smtp.the_message();
    assert!(sent.content.ends_with(b"\r\n\r\nDear Ana,\r\n.\r\nthis is the tour.\r\n"), "the text as it was");
    assert_eq!(sent.recipients, ["ana@example.org"]);
    assert_eq!(mailbox.messages().len(), 3, "everything is still on the server");
    pop3.assert_clean();
    smtp.assert_clean();
    world.assert_no_secret_on_disk();
    for journal in pop3.journals().iter().chain(&smtp.journals()) {
        leak::assert_absent(&journal.in_clear(), SECRET, "what went in clear");
    }
}
