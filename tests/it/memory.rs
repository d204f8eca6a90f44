//! Memory does not grow with a listing by more than 200 octets a message, listing and ledger together.
//!
//! The cost of a message is the difference between a mailbox and one twice as large. What does not grow
//! cancels out, and what grows in powers of two has the same spare room in both. The mailboxes have 40 and 80
//! thousand messages; with `POSTIE_SWEEP=full`, half a million and a million.

use crate::support::imapd::quirks::Fault;
use crate::support::imapd::store::ImapStore;
use crate::support::imapd::{Event, Imapd};
use crate::support::mailbox::Mailbox;
use crate::support::peer::Victim;
use crate::support::pop3d::{Act, Mode, Pop3d, USER};
use crate::support::process::Run;
use crate::support::world::World;
use crate::world;
use postie::store::AccountKey;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// The octets that a message may cost.
const MOST: u64 = 200;
/// The same if all messages are recognised in a Maildir, after the ledger was lost.
const MOST_RECOGNISED: u64 = 350;
/// By how many octets the result may be wrong: what an allocator keeps, and the pages of the program.
const SLACK: u64 = 384 << 10;

fn sizes() -> (usize, usize) {
    match std::env::var_os("POSTIE_SWEEP").is_some_and(|value| value == "full") {
        true => (500_000, 1_000_000),
        false => (40_000, 80_000),
    }
}

/// A UID as long as the standard allows (`RFC 1939 §7`).
fn uid(number: usize) -> String {
    format!("{number:070}")
}

/// A server that lists so many messages, has all of them, and deletes any of them.
fn server(count: usize) -> Pop3d {
    let (mut uidl, mut list) = (String::from("+OK\r\n"), String::from("+OK\r\n"));
    for number in 1..=count {
        write!(uidl, "{number} {}\r\n", uid(number)).unwrap();
        write!(list, "{number} 1000\r\n").unwrap();
    }
    uidl.push_str(".\r\n");
    list.push_str(".\r\n");
    let (uidl, list) = (uidl.into_bytes(), list.into_bytes());
    Pop3d::for_mailbox(&Mailbox::default())
        .mode(Mode::Plain)
        .hook(move |event| match (event.verb, event.line) {
            (_, "UIDL") => Act::Reply(uidl.clone()),
            (_, "LIST") => Act::Reply(list.clone()),
            ("RETR" | "TOP", _) => Act::reply("+OK\r\nSubject: x\r\n\r\nx\r\n."),
            ("DELE", _) => Act::reply("+OK"),
            _ => Act::Normal,
        })
        .start()
}

/// Runs a program and returns the most memory that it used, in octets.
fn peak(run: Run) -> u64 {
    let victim = Victim::default();
    let watched = victim.clone();
    let watch = thread::spawn(move || watched.peak_to_the_end());
    run.victim(victim).limit(Duration::from_secs(600)).run().assert_exit(0);
    watch.join().unwrap() * 1024
}

/// The ledger of a world in which there is one.
fn ledger(world: &World) -> PathBuf {
    let found = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "ledger");
    world.tree().into_iter().find(found).expect("a ledger")
}

/// Records that the first `count` messages are stored.
fn record(world: &World, count: usize) {
    let mut lines = String::new();
    for number in 1..=count {
        let sum = format!("{number:064x}");
        let body =
            format!("{}d {} 0 1000 1700000000 {sum} k -", if number == 1 { '+' } else { ' ' }, uid(number));
        writeln!(lines, "{:08x}{body}", crc32fast::hash(body.as_bytes())).unwrap();
    }
    OpenOptions::new().append(true).open(ledger(world)).unwrap().write_all(lines.as_bytes()).unwrap();
}

/// A Maildir with all messages, under the names that postie gives them.
fn fill(world: &World, server: &Pop3d, count: usize) {
    let key = AccountKey::new("pop3", "localhost", server.port(), USER);
    for part in ["tmp", "new", "cur"] {
        fs::create_dir_all(world.path("Mail").join(part)).unwrap();
    }
    let new = world.path("Mail/new");
    for number in 1..=count {
        let key = key.identity(uid(number).as_bytes(), 0).key();
        fs::write(new.join(format!("1700000000.P{key}Q60000000{number:05x}L1000.host.example.org")), "x")
            .unwrap();
    }
}

/// The cost of each way to use a mailbox of so many messages, by name.
fn costs(count: usize) -> Vec<(&'static str, u64)> {
    let server = server(count);
    let mut costs = Vec::new();
    let mut take = |name, run: Run| costs.push((name, peak(run)));
    // Nothing is known yet.
    let fresh = world();
    let fetch = |world: &World| world.pop3(&server, "fetch").arg("--maildir").arg(world.path("Mail"));
    let table = |world: &World| {
        let run = world.postie(["--server", &server.url(), "--password-file"]).arg(world.path("secret"));
        run.args(["list", "--no-headers"])
    };
    let headers = |world: &World| {
        let run = world.postie(["--server", &server.url(), "--password-file"]).arg(world.path("secret"));
        run.arg("list")
    };
    take("list, nothing known", table(&fresh));
    take("list as JSON", fresh.pop3(&server, "list").arg("--no-headers"));
    take("list with headers", headers(&fresh));
    take("list with headers, as JSON", fresh.pop3(&server, "list"));
    take("the plan of a first fetch", fetch(&fresh).arg("--dry-run"));
    take("the plan of all", fetch(&fresh).args(["--dry-run", "--all"]));
    take("the plan of a first fetch with a limit", fetch(&fresh).args(["--dry-run", "--limit", "1"]));
    take("a first fetch of one", fetch(&fresh).args(["--limit", "1"]));
    let marks = |world: &World| world.pop3(&server, "fetch").arg("--mark-seen");
    take("marks", marks(&fresh));
    take("nothing new, marked", fetch(&fresh));
    take("list, all known", table(&fresh));
    let forget = fresh.pop3(&server, "fetch").args(["--forget", &uid(count)]);
    take("forgotten", forget);
    // All is stored.
    let kept = world();
    marks(&kept).args(["--uid", "none"]).run().assert_exit(0);
    record(&kept, count);
    take("nothing new, stored", fetch(&kept));
    take("the plan of all, stored", fetch(&kept).args(["--dry-run", "--all"]));
    assert!(fs::metadata(ledger(&kept)).unwrap().len() > count as u64 * 100, "all of it is still there");
    take("deletions", fetch(&kept).arg("--delete"));
    // All messages are in the Maildir, and the ledger is gone.
    let lost = world();
    fill(&lost, &server, count);
    take("recognised", fetch(&lost));
    take("nothing new, recognised", fetch(&lost));
    let journals = server.journals();
    let fetched: usize = journals.iter().map(|journal| journal.count("RETR")).sum();
    assert_eq!(fetched, 1, "what lies there is not fetched");
    let deleted: usize = journals.iter().map(|journal| journal.count("DELE")).sum();
    assert_eq!(deleted, count, "each is deleted once");
    costs
}

/// The same by IMAP: a server that has so many messages, and can describe any of them.
fn imap_server(count: usize) -> Imapd {
    let answer = move |event: &Event<'_>| match event.verb {
        "EXAMINE" | "SELECT" => {
            let next = count + 1;
            event.answer(&format!(
                "* {count} EXISTS\n* OK [UIDVALIDITY 7] so\n* OK [UIDNEXT {next}] so\nOK [READ-ONLY] done"
            ))
        }
        "UID SEARCH" => {
            event.answer(&format!("* ESEARCH (TAG \"{}\") UID ALL 1:{count}\nOK done", event.tag))
        }
        "UID FETCH" => event.answer(&fetched(event.line)),
        _ => Act::Normal,
    };
    Imapd::for_store(&ImapStore::default()).mode(Mode::Plain).hook(answer).start()
}

/// What FETCH returns for a set of messages: their bodies, headers or sizes.
fn fetched(line: &str) -> String {
    let set = line.split(' ').nth(2).unwrap();
    let mut lines = String::new();
    for range in set.split(',') {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        for uid in first..=last {
            let items = "FLAGS () INTERNALDATE \"01-Sep-2025 10:00:00 +0000\" RFC822.SIZE 14";
            let text = if line.contains("BODY.PEEK[]") {
                "BODY[] \"Subject: x\"".to_owned()
            } else if line.contains("HEADER") {
                let name = line.split("BODY.PEEK").nth(1).unwrap().trim_end_matches(')');
                format!("BODY{name}) \"Subject: x\"").replace("))", ")")
            } else {
                "MODSEQ (1)".to_owned()
            };
            writeln!(lines, "* {uid} FETCH (UID {uid} {items} {text})").unwrap();
        }
    }
    lines + "OK done"
}

/// The cost of each way to use a folder of so many messages, by name.
fn imap_costs(count: usize) -> Vec<(&'static str, u64)> {
    let (server, world) = (imap_server(count), world());
    let mut costs = Vec::new();
    let run = |command: &str| world.at_url(&server.url(), command);
    let fetch = || run("fetch").arg("--maildir").arg(world.path("Mail"));
    let mut take = |name, run: Run| costs.push((name, peak(run)));
    take("list", run("list").arg("--no-headers"));
    take("the plan of a first fetch", fetch().arg("--dry-run"));
    take("a first fetch of one", fetch().args(["--limit", "1"]));
    take("marks", run("fetch").arg("--mark-seen"));
    take("nothing new", fetch());
    take("the plan of all", fetch().args(["--dry-run", "--all"]));
    costs
}

/// A header may have so many octets as a server likes, and a thousand of them are on their way at once.
#[test]
fn memory_does_not_grow_with_the_headers_of_a_list() {
    const COUNT: usize = 60;
    const SIZE: usize = 900_000;
    let answer = |event: &Event<'_>| {
        let next = COUNT + 1;
        match event.verb {
            "EXAMINE" => event.answer(&format!(
                "* {COUNT} EXISTS\n* OK [UIDVALIDITY 7] so\n* OK [UIDNEXT {next}] so\nOK [READ-ONLY] done"
            )),
            "UID SEARCH" => {
                event.answer(&format!("* ESEARCH (TAG \"{}\") UID ALL 1:{COUNT}\nOK done", event.tag))
            }
            "UID FETCH" => {
                let set = event.line.split(' ').nth(2).unwrap();
                let (first, last) = set.split_once(':').unwrap_or((set, set));
                let mut lines = String::new();
                for uid in first.parse::<usize>().unwrap()..=last.parse().unwrap() {
                    let header = format!("Subject: s{uid}\r\nX-Long: {}\r\n\r\n", "x".repeat(SIZE));
                    let items = "FLAGS () INTERNALDATE \"01-Sep-2025 10:00:00 +0000\" RFC822.SIZE 14";
                    write!(
                        lines,
                        "* {uid} FETCH (UID {uid} {items} BODY[HEADER.FIELDS (SUBJECT)] {{{}}}\r\n{header})\r\n",
                        header.len()
                    )
                    .unwrap();
                }
                Act::Reply(format!("{lines}{} OK done\r\n", event.tag).into_bytes())
            }
            _ => Act::Normal,
        }
    };
    let server = Imapd::for_store(&ImapStore::default()).mode(Mode::Plain).hook(answer).start();
    let world = world();
    let outcome = world.at_url(&server.url(), "list").go();
    outcome.assert_exit(0);
    let lines = outcome.of_type("message");
    let listed: Vec<String> = lines.iter().map(|line| line["subject"].as_str().unwrap().into()).collect();
    assert_eq!(listed, (1..=COUNT).rev().map(|uid| format!("s{uid}")).collect::<Vec<_>>());
    let most = peak(world.at_url(&server.url(), "list"));
    assert!(most < 45 << 20, "{} KiB", most >> 10);
}

/// NAMESPACE may be answered again and again, each time with other prefixes.
#[test]
fn memory_does_not_grow_with_what_is_told_of_folders() {
    let told = |line: &'static str, times: usize| {
        let server = Imapd::for_store(&ImapStore::with(1))
            .mode(Mode::Plain)
            .with("NAMESPACE")
            .hook(move |event| match event.verb {
                "LIST" => {
                    let mut lines = String::from("* LIST () \"/\" INBOX\r\n");
                    for number in 0..times {
                        let long = format!("{number:x>900}");
                        lines.push_str(&line.replace("LONG", &long));
                        lines.push_str("\r\n");
                    }
                    Act::Reply(format!("{lines}{} OK done\r\n", event.tag).into_bytes())
                }
                _ => Act::Normal,
            })
            .start();
        let world = world();
        let (victim, run) = (Victim::default(), world.at_url(&server.url(), "list").arg("--folders"));
        let watched = victim.clone();
        let watch = thread::spawn(move || watched.peak_to_the_end() >> 10);
        let code = run.victim(victim).limit(Duration::from_secs(600)).run().code;
        (code, watch.join().unwrap())
    };
    for (line, code) in [
        ("* NAMESPACE ((\"LONG\" \"/\")) NIL NIL", 0),
        ("* STATUS \"LONG\" (MESSAGES 1)", 76),
        ("* LIST () \"/\" \"LONG\"", 76),
    ] {
        let (exit, peak) = told(line, 120_000);
        assert_eq!(exit, Some(code), "{line}");
        assert!(peak < 80, "{line}: {peak} MiB");
    }
}

#[test]
fn memory_grows_with_a_folder_of_imap_by_at_most_200_octets_a_message() {
    let (few, many) = sizes();
    hold(imap_costs(few), imap_costs(many));
}

#[test]
fn memory_grows_with_a_listing_by_at_most_200_octets_a_message() {
    let (few, many) = sizes();
    hold(costs(few), costs(many));
}

/// What each way costs with few messages and with many stays within the bound.
#[track_caller]
fn hold(few: Vec<(&'static str, u64)>, many: Vec<(&'static str, u64)>) {
    let sizes = sizes();
    let more = (sizes.1 - sizes.0) as u64;
    let mut dear = Vec::new();
    for ((name, small), (_, large)) in few.into_iter().zip(many) {
        let each = large.saturating_sub(small) / more;
        let told = writeln!(
            io::stderr(),
            "{name}: {} KiB, {} KiB: {each} octets a message",
            small / 1024,
            large / 1024
        );
        told.unwrap();
        let most = if name == "recognised" { MOST_RECOGNISED } else { MOST };
        if large.saturating_sub(small) > more * most + SLACK {
            dear.push(format!("{name}: {each} octets a message"));
        }
    }
    assert!(dear.is_empty(), "{dear:?}");
}

/// Flags that come before their messages wait, up to a bound; what is beyond it is not missed.
#[test]
fn flags_that_come_before_their_messages_do_not_take_memory_without_bound() {
    let peak_with = |rows: usize| {
        let store = ImapStore::with(300);
        let row = |number: usize| {
            let uid = 2 + number % 299;
            format!("* {uid} FETCH (UID {uid} FLAGS ({}))\r\n", "$x ".repeat(20_000).trim_end())
        };
        let flood: &'static str = (0..rows).map(row).collect::<String>().leak();
        let setup = Imapd::for_store(&store).mode(Mode::Plain);
        let server = setup.fault(1, Fault::Ahead(flood)).fault(300, Fault::Item("FLAGS", None)).start();
        let world = world();
        let taken = peak(world.at_url(&server.url(), "fetch").arg("--maildir").arg(world.path("Mail")));
        assert_eq!(world.mail().len(), 300);
        taken
    };
    let (few, many) = (peak_with(1), peak_with(600));
    assert!(many < few + (8 << 20), "{few}, then {many} octets");
}
