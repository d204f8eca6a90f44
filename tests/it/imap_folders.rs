//! Several folders of an IMAP account in one run: each has its own path on disk, each message comes once, and
//! a failure in one folder does not stop the others.

use crate::support::disk::{maildir, mbox, names};
use crate::support::imapd::quirks::Fault;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Imapd, Setup};
use crate::support::mailbox::{Mailbox, message};
use crate::support::pop3d::{Act, Mode, Pop3d};
use crate::support::process::{Outcome, Run};
use crate::support::world::{Checked, World};
use crate::world;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// An account with these folders besides INBOX; each gets two messages of its own.
fn store_of(folders: impl IntoIterator<Item = Folder>) -> ImapStore {
    let store = ImapStore::with(2);
    for (at, folder) in folders.into_iter().enumerate() {
        let name = String::from_utf8(folder.name.clone()).unwrap();
        let is_empty = folder.is("\\Noselect");
        store.create(folder);
        for number in 0..if is_empty { 0 } else { 2 } {
            store.deliver(&name, &message(100 + 10 * at + number));
        }
    }
    store
}

fn usual() -> ImapStore {
    store_of([
        Folder::new("Sent").attribute("\\Sent"),
        Folder::new("Work").attribute("\\Noselect"),
        Folder::new("Work/2024"),
        Folder::new("Drafts").attribute("\\Drafts"),
        Folder::new("Junk").attribute("\\Junk"),
        Folder::new("Trash").attribute("\\Trash"),
        Folder::new("All").attribute("\\All"),
        Folder::new("Users/bob"),
    ])
}

fn server(store: &ImapStore) -> Setup {
    let namespaces = "((\"\" \"/\")) ((\"Users/\" \"/\")) NIL";
    Imapd::for_store(store).mode(Mode::Plain).with("NAMESPACE").namespace(namespaces)
}

fn fetch(world: &World, server: &Imapd, args: &[&str]) -> Run {
    world.at_url(&server.url(), "fetch").args(args)
}

/// The messages of a folder as they are stored, sorted.
fn of(store: &ImapStore, folder: &str) -> Vec<Vec<u8>> {
    let mut messages = store.as_stored(folder);
    messages.sort();
    messages
}

/// How many messages each folder delivered, by the lines of JSON.
fn delivered(outcome: &Outcome) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in outcome.of_type("message").iter().filter(|line| line["action"] == "delivered") {
        *counts.entry(line["folder"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

fn counts<const N: usize>(wanted: [(&str, usize); N]) -> BTreeMap<String, usize> {
    wanted.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

#[test]
fn all_folders_of_the_users_own_mail_are_fetched_over_one_connection() {
    let store = usual();
    let server = server(&store).start();
    let world = world();
    let all: &[&str] = &["--all-folders", "--maildir", "Mail"];
    let outcome = fetch(&world, &server, all).go();
    outcome.assert_exit(0);
    assert_eq!(delivered(&outcome), counts([("INBOX", 2), ("Sent", 2), ("Work/2024", 2), ("Drafts", 2)]));
    for (dir, folder) in [
        ("Mail", "INBOX"),
        ("Mail/.Sent", "Sent"),
        ("Mail/.Work.2024", "Work/2024"),
        ("Mail/.Drafts", "Drafts"),
    ] {
        assert_eq!(maildir(&world.path(dir)), of(&store, folder), "{dir}");
        assert_eq!(world.path(dir).join("maildirfolder").exists(), dir != "Mail");
    }
    let made = names(&world.path("Mail"));
    assert_eq!(made, [".Drafts", ".Sent", ".Work.2024", "cur", "new", "tmp"]);
    assert_eq!(server.commands_with("LOGIN").len() + server.commands_with("AUTHENTICATE").len(), 1);
    let again = fetch(&world, &server, all).go();
    again.assert_exit(0);
    assert_eq!(again.of_type("message").len(), 0);
    store.deliver("Sent", &message(7));
    assert_eq!(delivered(&fetch(&world, &server, all).go()), counts([("Sent", 1)]));
    let gone = fetch(&world, &server, &["--all-folders", "--maildir", "Mail", "--delete"]).go();
    gone.assert_exit(0);
    assert_eq!(gone.of_type("message").iter().filter(|line| line["action"] == "deleted").count(), 9);
    for (folder, left) in [("INBOX", 0), ("Sent", 0), ("Junk", 2), ("Trash", 2), ("All", 2), ("Users/bob", 2)]
    {
        assert_eq!(store.messages(folder).len(), left, "{folder}");
    }
    assert_eq!(server.violations(), [] as [String; 0]);
}

#[test]
fn folders_may_be_directories_or_an_mbox_each_or_share_a_destination() {
    let store = usual();
    let server = server(&store).start();
    let world = world();
    let some: &[&str] = &["--folder", "INBOX", "Work/*", "--folder", "Sent"];
    let with = |more: &[&str]| fetch(&world, &server, &[some, &["--all"], more].concat()).go();
    with(&["--maildir", "Nested", "--layout", "nested"]).assert_exit(0);
    assert_eq!(maildir(&world.path("Nested")), of(&store, "INBOX"));
    assert_eq!(maildir(&world.path("Nested/Work/2024")), of(&store, "Work/2024"));
    assert_eq!(names(&world.path("Nested/Work")), ["2024"]);
    with(&["--mbox-dir", "Boxes"]).assert_exit(0);
    for (file, folder) in [("INBOX.mbox", "INBOX"), ("Work/2024.mbox", "Work/2024"), ("Sent.mbox", "Sent")] {
        let mut here = mbox(&world.path("Boxes").join(file));
        here.sort();
        assert_eq!(here, of(&store, folder), "{file}");
    }
    with(&["--mbox", "one"]).assert_exit(0);
    assert_eq!(mbox(&world.path("one")).len(), 6);
    let out = with(&["--exec", "cat >/dev/null; echo \"$POSTIE_FOLDER\" >>seen"]);
    out.assert_exit(0);
    let mut seen: Vec<String> =
        fs::read_to_string(world.path("seen")).unwrap().lines().map(str::to_owned).collect();
    seen.sort();
    assert_eq!(seen, ["INBOX", "INBOX", "Sent", "Sent", "Work/2024", "Work/2024"]);
    let parsed = with(&["--stdout", "--peek"]);
    parsed.assert_exit(0);
    assert_eq!(delivered(&parsed), counts([("INBOX", 2), ("Sent", 2), ("Work/2024", 2)]));
}

#[test]
fn a_single_folder_goes_to_the_destination_itself_unless_a_layout_is_asked_for() {
    let store = usual();
    let server = server(&store).start();
    let world = world();
    fetch(&world, &server, &["--folder", "Sent", "--maildir", "Sent"]).go().assert_exit(0);
    assert_eq!(maildir(&world.path("Sent")), of(&store, "Sent"));
    assert!(server.commands_with("LIST").is_empty(), "nobody needs a list for that");
    let each = &["--folder", "Sent", "--maildir", "Mail", "--layout", "maildir++", "--all"];
    fetch(&world, &server, each).go().assert_exit(0);
    assert_eq!(maildir(&world.path("Mail/.Sent")), of(&store, "Sent"));
    fetch(&world, &server, &["--mbox-dir", "Boxes"]).go().assert_exit(0);
    assert_eq!(mbox(&world.path("Boxes/INBOX.mbox")).len(), 2);
}

/// A part of the folders is not taken for all of them.
#[test]
fn more_folders_than_can_be_told_are_a_failure() {
    let store = usual();
    let server = server(&store)
        .hook(|event| match event.verb {
            "LIST" => {
                let rows = (0..100_001).map(|number| format!("* LIST () \"/\" f{number}\n"));
                event.answer(&format!("{}OK done", rows.collect::<String>()))
            }
            _ => Act::Normal,
        })
        .start();
    let world = world();
    for args in [&["--all-folders"][..], &["--folder", "f1*"]] {
        let outcome = fetch(&world, &server, &[args, &["--maildir", "Mail"]].concat()).go();
        outcome.assert_failure(76, "protocol");
        assert!(!world.path("Mail").exists());
    }
}

/// How one folder fails, and what the run reports.
fn folder_that_fails(act: fn(&str) -> Act) -> (Checked, World, ImapStore) {
    let store = usual();
    let server = server(&store)
        .hook(move |event| match event.verb {
            "EXAMINE" if event.line.contains("Sent") => act(event.tag),
            _ => Act::Normal,
        })
        .start();
    let world = world();
    let outcome = fetch(&world, &server, &["--all-folders", "--maildir", "Mail"]).go();
    (outcome, world, store)
}

#[test]
fn a_folder_that_cannot_be_opened_is_named_and_does_not_stop_the_others() {
    let refused = |tag: &str| Act::Reply(format!("{tag} NO [NOPERM] not for you\r\n").into_bytes());
    let bye = |_: &str| {
        Act::Then(b"* BYE server closing connection\r\n".to_vec(), crate::support::peer::End::Close)
    };
    let closed = |_: &str| Act::Then(Vec::new(), crate::support::peer::End::Close);
    for (name, act) in [("refused", refused as fn(&str) -> Act), ("BYE", bye), ("closed", closed)] {
        let (outcome, world, store) = folder_that_fails(act);
        assert_eq!(outcome.code, Some(1), "{name}: {outcome:?}");
        assert_eq!(delivered(&outcome), counts([("INBOX", 2), ("Work/2024", 2), ("Drafts", 2)]), "{name}");
        let errors = outcome.of_type("error");
        assert_eq!(errors.len(), 1, "{name}: {errors:?}");
        assert_eq!(errors[0]["folder"], "Sent", "{name}");
        assert!(errors[0]["message"].as_str().unwrap().contains("Sent"), "{name}: {errors:?}");
        assert_eq!(maildir(&world.path("Mail/.Drafts")), of(&store, "Drafts"));
    }
}

#[test]
fn a_message_that_fails_in_one_folder_stays_there_and_all_others_are_fetched() {
    let store = usual();
    let server = server(&store).fault_in("Sent", 1, Fault::Nil).start();
    let world = world();
    let outcome = fetch(&world, &server, &["--all-folders", "--maildir", "Mail", "--delete"]).go();
    outcome.assert_exit(1);
    assert_eq!(store.uids("Sent"), [1]);
    assert_eq!(delivered(&outcome)["Sent"], 1);
    let errors = outcome.of_type("error");
    assert_eq!((errors.len(), &errors[0]["folder"], &errors[0]["uid"]), (1, &"Sent".into(), &"1".into()));
    server.heal();
    fetch(&world, &server, &["--all-folders", "--maildir", "Mail", "--delete"]).go().assert_exit(0);
    assert_eq!(maildir(&world.path("Mail/.Sent")).len(), 2);
}

#[test]
fn missing_folders_are_named_and_give_their_own_code_or_1() {
    let store = usual();
    let server = server(&store).start();
    let world = world();
    for (args, exit) in [
        (&["--folder", "Nowhere", "Noplace"][..], 69),
        (&["--folder", "No*where"], 69),
        (&["--folder", "Nowhere", "Sent"], 1),
        (&["--folder", "X%", "Sent"], 1),
        (&["--folder", "Nowhere"], 69),
    ] {
        let outcome = fetch(&world, &server, &[args, &["--all", "--maildir", "Mail"]].concat()).go();
        assert_eq!(outcome.code, Some(exit), "{args:?}: {outcome:?}");
        let hint = outcome.of_type("error")[0]["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains("list --folders"), "{hint}");
        assert_eq!(outcome.summary()["failed"], 0, "no message has failed: {args:?}");
        assert!(outcome.of_type("error").iter().all(|error| error["folder"].is_string()), "{args:?}");
        assert!(names(&world.path("Mail")).iter().all(|name| !name.starts_with(".N")), "a place for nothing");
    }
}

#[test]
fn options_that_do_not_fit_several_folders_are_usage_errors() {
    let store = usual();
    let imap = server(&store).start();
    let pop3 = Pop3d::for_mailbox(&Mailbox::with(1)).mode(Mode::Plain).start();
    let world = world();
    for args in [
        &["--all-folders", "--uid", "1", "--maildir", "Mail"][..],
        &["--folder", "A", "B", "--forget", "1"],
        &["--folder", "A*", "--layout", "nested", "--mbox", "m"],
        &["--all-folders", "--folder", "A", "--maildir", "Mail"],
        &["--layout", "flat", "--maildir", "Mail"],
    ] {
        let outcome = fetch(&world, &imap, args).go();
        assert_eq!(outcome.code, Some(64), "{args:?}: {outcome:?}");
    }
    for args in
        [&["--all-folders", "--maildir", "M"][..], &["--folder", "A", "--maildir", "M"], &["--mbox-dir", "M"]]
    {
        let outcome = world.at_url(&pop3.url(), "fetch").args(args).go();
        assert_eq!(outcome.code, Some(64), "{args:?}: {outcome:?}");
    }
    assert!(imap.commands().is_empty() && !world.path("Mail").exists() && !world.path("M").exists());
}

#[test]
fn the_limit_counts_all_folders_together_and_a_dry_run_makes_nothing() {
    let store = usual();
    let server = server(&store).start();
    let world = world();
    let rehearsed = fetch(&world, &server, &["--all-folders", "--maildir", "Mail", "--dry-run"]).go();
    rehearsed.assert_exit(0);
    let would = rehearsed.of_type("message").iter().filter(|line| line["action"] == "would_deliver").count();
    assert_eq!(would, 8);
    assert!(rehearsed.of_type("message").iter().all(|line| line["size"].is_number()));
    let plan = world.postie(["--server", &server.url(), "--password-file", &world.text("secret")]);
    let plan = plan.args(["fetch", "--all-folders", "--maildir", "Mail", "--dry-run"]).go();
    let size = store.messages("Sent")[0].wire.len();
    assert!(plan.out().contains(&format!("fetch 1 1 {size} Sent\n")), "{plan:?}");
    assert!(!world.path("Mail").exists() && !world.path(".local").exists());
    let limited = fetch(&world, &server, &["--all-folders", "--maildir", "Mail", "--limit", "3"]).go();
    limited.assert_exit(0);
    assert_eq!(delivered(&limited).values().sum::<usize>(), 3);
    // Marks are limited as messages are; they are told of for each folder.
    for args in [&["--mark-seen", "--limit", "2", "--dry-run"][..], &["--mark-seen", "--limit", "2"]] {
        let some = fetch(&world, &server, &[&["--all-folders"], args].concat()).go();
        let told = some.assert_exit(0).err();
        let count = |line: &str| -> Option<usize> {
            line.split_once(" message(s)")?.0.rsplit(' ').next()?.parse().ok()
        };
        assert_eq!(told.lines().filter_map(count).sum::<usize>(), 2, "{told}");
    }
    let left = fetch(&world, &server, &["--all-folders", "--maildir", "Mail", "--dry-run"]).go();
    let left = left.assert_exit(0).of_type("message");
    assert_eq!(left.iter().filter(|line| line["action"] == "would_deliver").count(), 3);
    let marked = fetch(&world, &server, &["--all-folders", "--mark-seen"]).go();
    marked.assert_exit(0);
    assert_eq!(delivered(&fetch(&world, &server, &["--all-folders", "--maildir", "Mail"]).go()), counts([]));
}

/// With Courier and Cyrus all folders are below `INBOX.`, and that is no part of a name on disk.
#[test]
fn personal_prefixes_and_delimiters_of_servers_do_not_show_on_disk() {
    let store = store_of([
        Folder::new("INBOX.Sent").delimiter(Some(b'.')),
        Folder::new("INBOX.a.b/c").delimiter(Some(b'.')),
        Folder::new("flat.x/y").delimiter(None),
    ]);
    let server = Imapd::for_store(&store)
        .mode(Mode::Plain)
        .with("NAMESPACE")
        .namespace("((\"INBOX.\" \".\")) NIL NIL")
        .start();
    let world = world();
    fetch(&world, &server, &["--all-folders", "--maildir", "Mail"]).go().assert_exit(0);
    let made = names(&world.path("Mail"));
    assert_eq!(made, [".Sent", ".a.b%2Fc", ".flat%2Ex%2Fy", "cur", "new", "tmp"]);
}

#[test]
fn folders_of_any_name_each_get_a_path_inside_the_root() {
    let odd = [
        "..",
        ".",
        "../../etc/x",
        "/abs",
        "~root",
        "a//b",
        "cur",
        "new",
        "tmp",
        "dovecot-uidlist",
        "x ",
        "x.",
        "a.b",
        "50%",
        "star*",
        "back\\slash",
        "a:2,S",
        "&AC8-",
        "&AOk-",
        "e&AwE-",
        "&bad",
        "Work",
        "work",
        "WORK",
        "INBOX/x",
        "&U,BTFw-",
        "-rf",
        "%2E",
        "{5}",
    ];
    let long = "n".repeat(300);
    let folders = odd.iter().copied().chain([long.as_str()]).map(Folder::new);
    let store = store_of(folders);
    let total = odd.len() + 2;
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    for (args, what) in [
        (&["--maildir", "root"][..], "new"),
        (&["--maildir", "root", "--layout", "nested"], "new"),
        (&["--mbox-dir", "root"], "mbox"),
    ] {
        let world = world();
        let outcome = fetch(&world, &server, &[&["--all-folders"], args].concat()).go();
        outcome.assert_exit(0);
        assert_eq!(delivered(&outcome).values().sum::<usize>(), 2 * total, "{args:?}");
        let files: Vec<_> = world.tree().into_iter().filter(|path| path.is_file()).collect();
        let places: std::collections::HashSet<&Path> = files
            .iter()
            .filter(|path| path.starts_with(world.path("root")))
            .filter_map(|path| match what {
                "mbox" => path.extension().is_some_and(|it| it == "mbox").then_some(path.as_path()),
                _ => path.parent().filter(|parent| parent.ends_with("new")),
            })
            .collect();
        assert_eq!(places.len(), total, "{args:?}: {places:?}");
        let allowed = ["root", ".local", "secret", "ca.pem"].map(|name| world.path(name));
        let outside: Vec<_> =
            files.iter().filter(|path| !allowed.iter().any(|it| path.starts_with(it))).collect();
        assert!(outside.is_empty(), "{outside:?}");
        let again = fetch(&world, &server, &[&["--all-folders"], args].concat()).go();
        assert_eq!(delivered(&again), counts([]), "{args:?}");
    }
}

#[test]
fn an_account_may_name_its_folders_and_their_layout() {
    let store = usual();
    let server = server(&store).start();
    let world = world();
    let account = |fetch: &str| {
        let more = format!("tls = 'none'\n[accounts.a.fetch]\n{fetch}");
        world.config(&world.account("a", "imap", server.port(), &more));
    };
    account(&format!("maildir = '{}'\nfolders = 'all'\nlayout = 'nested'", world.text("Mail")));
    world.postie(["fetch"]).go().assert_exit(0);
    assert_eq!(maildir(&world.path("Mail/Work/2024")), of(&store, "Work/2024"));
    account(&format!("mbox-dir = '{}'\nfolders = ['Sent', 'Dra%']", world.text("Boxes")));
    world.postie(["fetch"]).go().assert_exit(0);
    assert_eq!(names(&world.path("Boxes")), ["Drafts.mbox", "Sent.mbox"]);
    world.postie(["fetch", "--all"]).go().assert_exit(0);
    assert_eq!(mbox(&world.path("Boxes/Drafts.mbox")).len(), 2);
    let shown = world.postie(["--json", "config", "show", "a"]).go();
    assert_eq!(shown.of_type("account")[0]["fetch"]["folders"], serde_json::json!(["Sent", "Dra%"]));
    for args in [&["set", "a", "fetch.folders", "all"][..], &["set", "a", "fetch.folders", "INBOX", "Sent"]] {
        world.postie(["config"]).args(args).go().assert_exit(0);
    }
    world.postie(["config", "set", "a", "fetch.layout", "flat"]).go().assert_exit(64);
}

/// Between two folders there is no session, and the server ends the connection there: another one is opened,
/// and the user need not know.
#[test]
fn a_server_that_ends_the_session_between_two_folders_costs_a_login() {
    let store = usual();
    let server = server(&store)
        .hook(|event| match event.verb {
            "EXAMINE" if event.connection == 0 && event.line.contains("Drafts") => {
                Act::Then(Vec::new(), crate::support::peer::End::Close)
            }
            _ => Act::Normal,
        })
        .start();
    let world = world();
    let outcome = fetch(&world, &server, &["--all-folders", "--maildir", "Mail"]).go();
    outcome.assert_exit(0);
    assert_eq!(delivered(&outcome).values().sum::<usize>(), 8);
    assert_eq!(outcome.of_type("error").len(), 0);
}

/// Two accounts of one user into one Maildir, and one folder under two UIDVALIDITYs: each message once.
#[test]
fn a_changed_uidvalidity_in_one_folder_stores_nothing_twice() {
    let store = usual();
    let server = server(&store).start();
    let world = world();
    let all: &[&str] = &["--all-folders", "--maildir", "Mail"];
    fetch(&world, &server, all).go().assert_exit(0);
    store.renumber("Sent", 40);
    store.deliver("Sent", &message(77));
    let outcome = fetch(&world, &server, all).go();
    outcome.assert_exit(0);
    assert_eq!(delivered(&outcome), counts([("Sent", 1)]));
    assert_eq!(maildir(&world.path("Mail/.Sent")), of(&store, "Sent"));
}

#[test]
fn the_folder_that_messages_are_moved_to_is_not_fetched_from() {
    let store = usual();
    store.create(Folder::new("Done"));
    store.deliver("Done", &message(5));
    let server = server(&store).start();
    let world = world();
    for _ in 0..2 {
        let outcome =
            fetch(&world, &server, &["--all-folders", "--maildir", "Mail", "--move-to", "Done"]).go();
        outcome.assert_exit(0);
        assert_eq!(store.messages("Done").len(), 9);
    }
    assert!(!world.path("Mail/.Done").exists());
    let back = fetch(&world, &server, &["--folder", "Do*", "--maildir", "Mail", "--move-to", "INBOX"]).go();
    back.assert_exit(0);
    assert_eq!((store.messages("INBOX").len(), store.messages("Done").len()), (9, 0));
}

/// A message in several folders, as servers with labels show it and as filters copy it.
#[test]
fn with_dedupe_a_message_in_several_folders_is_stored_once() {
    let large = [b"Subject: large\r\n\r\n".to_vec(), b"0123456789abcdef\r\n".repeat(200_000)].concat();
    for destination in [&["--maildir", "Mail"][..], &["--mbox-dir", "Boxes"], &["--mbox", "one"]] {
        let store = usual();
        store.copy("INBOX", 1, "Sent");
        store.copy("INBOX", 2, "Drafts");
        store.copy("Sent", 1, "Drafts");
        store.deliver("Sent", &large);
        store.deliver("Drafts", &large);
        // A copy in the same folder is a message of its own.
        store.copy("Drafts", 1, "Drafts");
        let server = server(&store).start();
        let world = world();
        let run = |more: &[&str]| {
            let outcome =
                fetch(&world, &server, &[&["--all-folders", "--dedupe"], destination, more].concat()).go();
            outcome.assert_exit(0);
            outcome
        };
        let first = run(&[]);
        assert_eq!(delivered(&first), counts([("INBOX", 2), ("Sent", 3), ("Drafts", 3), ("Work/2024", 2)]));
        let lines = first.of_type("message");
        let twins = lines.iter().filter(|line| line["reason"] == "in_other_folder");
        assert!(twins.clone().all(|line| line["action"] == "skipped" && line["sha256"].is_string()));
        assert_eq!(twins.count(), 4);
        assert_eq!(run(&[]).of_type("message").len(), 0, "they count as fetched");
        // Later runs know what earlier ones have stored, even with only one folder.
        store.copy("Work/2024", 1, "Sent");
        let outcome = fetch(&world, &server, &["--folder", "Sent", "--dedupe", "--stdout"]).go();
        assert_eq!(delivered(&outcome), counts([]));
        let gone = run(&["--delete"]);
        assert_eq!(gone.of_type("message").iter().filter(|line| line["action"] == "deleted").count(), 15);
        assert!(["INBOX", "Sent", "Drafts", "Work/2024"].iter().all(|it| store.messages(it).is_empty()));
    }
}

/// If one reply has the numbers of all folders, those with the same numbers as before are not opened.
#[test]
fn folders_without_new_mail_are_not_opened_if_list_returns_their_status() {
    let store = usual();
    store.create(Folder::new("Empty"));
    let server = server(&store).with("LIST-EXTENDED").with("LIST-STATUS").start();
    let world = world();
    let opened = |more: &[&str]| {
        server.forget_commands();
        let outcome = fetch(&world, &server, &[&["--all-folders", "--maildir", "Mail"], more].concat()).go();
        outcome.assert_exit(0);
        let opened: Vec<String> = server.commands_with("EXAMINE");
        (opened.len(), delivered(&outcome).values().sum::<usize>())
    };
    assert_eq!(opened(&[]), (4, 8));
    assert_eq!(opened(&[]), (0, 0));
    store.deliver("Sent", &message(50));
    assert_eq!(opened(&[]), (1, 1));
    assert_eq!(opened(&[]), (0, 0));
    // One came and one went.
    store.deliver("Sent", &message(51));
    store.expunge("Sent", 1);
    assert_eq!(opened(&[]), (1, 1));
    store.renumber("Drafts", 9);
    assert_eq!(opened(&[]), (1, 0));
    assert_eq!(opened(&[]), (0, 0));
    assert_eq!(opened(&["--all"]).0, 5);
    let forget = world.at_url(&server.url(), "fetch").args(["--folder", "Sent", "--forget", "2"]).go();
    forget.assert_exit(0);
    assert_eq!(opened(&[]), (1, 1));
    // A folder with pending deletions is opened.
    assert_eq!(opened(&["--delete-after", "0s"]).0, 5);
    assert!(store.messages("Sent").is_empty());
}

/// A run that left a message out has not seen the whole folder.
#[test]
fn a_folder_with_a_message_that_failed_is_opened_again() {
    let store = usual();
    let server =
        server(&store).with("LIST-EXTENDED").with("LIST-STATUS").fault_in("Sent", 1, Fault::Nil).start();
    let world = world();
    let all: &[&str] = &["--all-folders", "--maildir", "Mail"];
    fetch(&world, &server, all).go().assert_exit(1);
    server.heal();
    assert_eq!(delivered(&fetch(&world, &server, all).go()), counts([("Sent", 1)]));
    let limited = [all, &["--limit", "1"]].concat();
    store.deliver("Sent", &message(60));
    store.deliver("Sent", &message(61));
    for left in [1, 1, 0] {
        assert_eq!(delivered(&fetch(&world, &server, &limited).go()).values().sum::<usize>(), left);
    }
}
