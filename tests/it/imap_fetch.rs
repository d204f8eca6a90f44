//! `fetch` and `list` by IMAP, against a server that is good, odd or wrong. What is stored is compared with what
//! the server had, and the server watches for what no careful client does.

use crate::support::disk::maildir_if_any;
use crate::support::imapd::quirks::{Deed, Esearch, Fault, Quirk};
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Imapd, Setup};
use crate::support::mailbox::{Mailbox, stored};
use crate::support::peer::End;
use crate::support::pop3d::{Act, Mode, Pop3d};
use crate::support::process::{Outcome, Run};
use crate::support::world::World;
use crate::world;

fn fetch(world: &World, server: &Imapd) -> Run {
    fetch_within("20s", world, server)
}

fn fetch_within(timeout: &str, world: &World, server: &Imapd) -> Run {
    world.at_url_within(timeout, &server.url(), "fetch").arg("--maildir").arg(world.path("Mail"))
}

fn sorted(mut messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    messages.sort();
    messages
}

/// What is stored.
fn here(world: &World) -> Vec<Vec<u8>> {
    sorted(maildir_if_any(&world.path("Mail")))
}

/// The kinds of the errors in a run's output.
fn kinds(outcome: &Outcome) -> Vec<String> {
    outcome.of_type("error").iter().map(|error| error["kind"].as_str().unwrap().to_owned()).collect()
}

/// It would be read for ever, at any command. What a mailbox may hold is passed over.
#[test]
fn a_body_without_end_that_nobody_asked_for_is_not_waited_for() {
    for (verb, octets, code) in [
        ("EXAMINE", u64::MAX / 2, 76),
        ("UID SEARCH", u64::MAX / 2, 76),
        ("UID FETCH", u64::MAX / 2, 76),
        ("UID FETCH", 1_000_000, 0),
    ] {
        let store = ImapStore::with(1);
        let server = Imapd::for_store(&store)
            .mode(Mode::Plain)
            .hook(move |event| match event.verb {
                here if here != verb => Act::Normal,
                "UID FETCH" if code == 0 => {
                    let body = "x".repeat(octets as usize);
                    event.answer(&format!("* 1 FETCH (UID 1 BODY[] {{{octets}}}\n{body})\nOK done"))
                }
                _ => Act::Reply(format!("* 1 FETCH (UID 1 BODY[] {{{octets}}}\r\nx").into_bytes()),
            })
            .start();
        let world = world();
        let outcome = world.at_url_within("5s", &server.url(), "list").arg("--no-headers").go();
        assert_eq!(outcome.code, Some(code), "{verb} {octets}: {outcome:?}");
    }
}

#[test]
fn mail_is_fetched_once_and_deleted_if_asked_for() {
    for mode in [Mode::Implicit, Mode::Upgrade, Mode::Plain] {
        let store = ImapStore::with(7);
        let server = Imapd::for_store(&store).mode(mode).start();
        let world = world();
        let all = sorted(store.as_stored("INBOX"));
        let outcome = fetch(&world, &server).go();
        outcome.assert_exit(0);
        let sizes: Vec<usize> = store.messages("INBOX").iter().map(|message| message.wire.len()).collect();
        let listed: Vec<_> = outcome.of_type("message").iter().map(|row| row["size"].clone()).collect();
        assert_eq!(listed, sizes);
        assert_eq!(here(&world), all);
        let outcome = fetch(&world, &server).go();
        outcome.assert_exit(0);
        assert_eq!(outcome.of_type("message").len(), 0, "nothing is new");
        store.deliver("INBOX", b"Subject: new\r\n\r\nnew\r\n");
        store.mark("INBOX", 3, "\\Seen");
        let outcome = fetch(&world, &server).arg("--delete").go();
        outcome.assert_exit(0);
        assert_eq!(outcome.of_type("message").iter().filter(|it| it["action"] == "deleted").count(), 8);
        assert_eq!(here(&world).len(), 8);
        assert!(store.messages("INBOX").is_empty());
        assert_eq!(server.violations(), [] as [String; 0]);
    }
}

/// The effect of a fault in the first run: the exit code, and the UIDs that are not fetched.
struct Cost {
    name: &'static str,
    fault: Fault,
    exit: i32,
    missing: &'static [u32],
}

fn cost(name: &'static str, fault: Fault, exit: i32, missing: &'static [u32]) -> Cost {
    Cost { name, fault, exit, missing }
}

/// For each fault of one message: the others are fetched in the same run, the bad one is neither stored nor
/// deleted, and once the server behaves the next run has all messages, each once.
#[test]
fn one_bad_message_stays_and_does_not_stop_the_others() {
    let nothing: &[u32] = &[];
    let rows = [
        cost("NIL", Fault::Nil, 1, &[3]),
        cost("an empty string", Fault::Empty, 1, &[3]),
        cost("no body", Fault::NoBody, 1, &[3]),
        cost("nothing at all", Fault::Silent, 1, &[3]),
        cost("refused", Fault::Refused("NO [UNAVAILABLE] Server error"), 1, &[3]),
        cost("refused as BAD", Fault::Refused("BAD internal"), 1, &[3]),
        cost("a partial body", Fault::Named("BODY[]<0>"), 1, &[3]),
        cost("another name", Fault::Named("RFC822"), 1, &[3]),
        cost("a name in small letters", Fault::Named("body[]"), 0, nothing),
        cost("no UID", Fault::NoUid, 1, &[3]),
        cost("another UID", Fault::WrongUid(77), 1, &[3]),
        cost("the UID behind the body", Fault::UidBehind, 0, nothing),
        cost("a sequence number of 0", Fault::Number(0), 0, nothing),
        cost("the row twice", Fault::Times(2), 0, nothing),
        cost("the row twice, unequal", Fault::TwiceUnequal, 0, nothing),
        cost("a list with NIL) in it", Fault::ItemAhead("X-ODD (a (\"NIL)\" NIL) {4}\r\nNIL)) "), 0, nothing),
        cost("an item behind", Fault::ItemBehind(" MODSEQ (12) X {3}\r\n)\r\n"), 0, nothing),
        cost("UID and flags apart", Fault::Parted, 0, nothing),
        cost("flags in front", Fault::Ahead("* 3 FETCH (FLAGS (\\Seen))\r\n* 9 EXISTS\r\n"), 0, nothing),
        cost("an expunge in front", Fault::Ahead("* 1 EXPUNGE\r\n* VANISHED 1\r\n"), 0, nothing),
        cost("a bad date", Fault::Item("INTERNALDATE", Some("\"00-Jan-0000 00:00:00 +0000\"")), 0, nothing),
        cost("no date", Fault::Item("INTERNALDATE", None), 0, nothing),
        cost("a size that is none", Fault::Item("RFC822.SIZE", Some("9.3736e+06")), 0, nothing),
        cost("a wrong size", Fault::Item("RFC822.SIZE", Some("1")), 0, nothing),
        cost("no flags", Fault::Item("FLAGS", Some("NIL")), 0, nothing),
        cost("odd flags", Fault::Item("FLAGS", Some("(\\Seen $x \"a b\" \\*)")), 0, nothing),
        cost("a literal too long", Fault::Miscounted(5), 1, &[3]),
        cost("a literal too short", Fault::Miscounted(-5), 1, &[3]),
        cost("a count of -1", Fault::Announced("{-1}"), 1, &[3]),
        cost("a count beyond all", Fault::Announced("{99999999999999999999}"), 1, &[3]),
        cost("a count of 64 GB", Fault::Announced("{64000000000}"), 1, &[3]),
        cost("a literal8", Fault::Announced("~{5}"), 1, &[3]),
    ];
    for Cost { name, fault, exit, missing } in rows {
        let store = ImapStore::with(6);
        let server = Imapd::for_store(&store).mode(Mode::Plain).fault(3, fault).start();
        let world = world();
        let outcome = fetch_within("1s", &world, &server).arg("--delete").go();
        assert_eq!(outcome.code, Some(exit), "{name}: {outcome:?}");
        let left = store.uids("INBOX");
        assert!(missing.iter().all(|uid| left.contains(uid)), "{name}: deleted, and not here");
        assert_eq!(here(&world).len(), 6 - missing.len(), "{name}: {outcome:?}");
        server.heal();
        fetch(&world, &server).arg("--delete").go().assert_exit(0);
        assert_eq!(here(&world), sorted(ImapStore::with(6).as_stored("INBOX")), "{name}");
        assert!(store.uids("INBOX").is_empty(), "{name}: {:?}", store.uids("INBOX"));
        assert_eq!(server.violations(), [] as [String; 0], "{name}");
    }
}

#[test]
fn a_message_may_come_as_a_quoted_string() {
    let store = ImapStore::of([b"Subject: \\ \"short\" and 8 bit \xe4".as_slice()]);
    let server = Imapd::for_store(&store).mode(Mode::Plain).fault(1, Fault::Quoted).start();
    let world = world();
    fetch(&world, &server).arg("--delete").go().assert_exit(0);
    assert_eq!(here(&world), [b"Subject: \\ \"short\" and 8 bit \xe4".to_vec()]);
    assert!(store.uids("INBOX").is_empty());
}

#[test]
fn a_connection_lost_inside_a_message_loses_nothing() {
    for (octets, end) in [(0, End::Close), (1, End::Reset), (40, End::Close), (200, End::Stall)] {
        let store = ImapStore::with(6);
        let setup = Imapd::for_store(&store).mode(Mode::Plain);
        let server = setup.fault_times(1, 4, Fault::CutInside(octets, end)).start();
        let world = world();
        let outcome = fetch_within("1s", &world, &server).go();
        assert_eq!(outcome.code, Some(0), "the second session has it: {outcome:?}");
        assert_eq!(here(&world), sorted(store.as_stored("INBOX")));
        let server =
            Imapd::for_store(&store).mode(Mode::Plain).fault(4, Fault::CutInside(octets, end)).start();
        let world = crate::world();
        let outcome = fetch_within("1s", &world, &server).arg("--delete").go();
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert_eq!(here(&world).len(), 5, "all but one: {outcome:?}");
        assert_eq!(store.uids("INBOX"), [4]);
    }
}

/// An oddity of a server, and how the server gets it.
type Oddity = (&'static str, fn(Setup) -> Setup);

/// A server with an oddity that concerns all messages: all mail is fetched, once, and deleted.
#[test]
fn all_mail_is_fetched_once_from_odd_servers() {
    let setups: [Oddity; 22] = [
        ("descending", |it| it.quirk(Quirk::Descending)),
        ("chatter", |it| it.quirk(Quirk::Chatter("* OK Still here\r\n* 5 FETCH (FLAGS (\\Seen) UID 5)\r\n"))),
        ("unasked", |it| it.quirk(Quirk::Unasked(2))),
        ("small letters", |it| it.quirk(Quirk::SmallLetters)),
        ("bare LF", |it| it.quirk(Quirk::BareLf)),
        ("an octet at a time", |it| it.quirk(Quirk::Pieces(1))),
        ("UIDNEXT lies", |it| it.quirk(Quirk::Uidnext(Some(1)))),
        ("no UIDNEXT", |it| it.quirk(Quirk::Uidnext(None))),
        ("a capped SEARCH", |it| it.quirk(Quirk::SearchLimit(2))),
        ("ESEARCH is BAD", |it| it.quirk(Quirk::Esearch(Esearch::Bad))),
        ("ESEARCH is SEARCH", |it| it.quirk(Quirk::Esearch(Esearch::Plain))),
        ("ESEARCH is nothing", |it| it.quirk(Quirk::Esearch(Esearch::Nothing))),
        ("no ESEARCH", |it| it.without("ESEARCH")),
        ("ascending sets", |it| it.quirk(Quirk::AscendingSets)),
        ("MESSAGELIMIT", |it| it.quirk(Quirk::MessageLimit(2))),
        ("no UIDPLUS", |it| it.without("UIDPLUS")),
        ("ID first", |it| it.quirk(Quirk::IdFirst)),
        ("SASL-IR is BAD", |it| it.quirk(Quirk::InitialResponseBad)),
        ("asks for literals", |it| it.quirk(Quirk::AsksForLiterals)),
        ("silent capabilities", Setup::silent),
        ("a rude LOGOUT", |it| it.quirk(Quirk::RudeLogout)),
        ("EXPUNGE refused and done", |it| it.quirk(Quirk::ExpungesAndSaysNo)),
    ];
    for (name, setup) in setups {
        let store = ImapStore::with(6);
        let server = setup(Imapd::for_store(&store).mode(Mode::Plain)).start();
        let world = world();
        fetch(&world, &server).go().assert_exit(0);
        assert_eq!(here(&world), sorted(store.as_stored("INBOX")), "{name}");
        fetch(&world, &server).arg("--delete").go();
        fetch(&world, &server).arg("--delete").go().assert_exit(0);
        assert_eq!(here(&world).len(), 6, "{name}");
        assert!(store.uids("INBOX").is_empty(), "{name}: {:?}", store.uids("INBOX"));
        assert_eq!(server.violations(), [] as [String; 0], "{name}");
    }
}

#[test]
fn flags_and_changes_of_other_clients_stay() {
    for uidplus in [true, false] {
        let store = ImapStore::with(6);
        store.mark("INBOX", 2, "\\Deleted");
        store.mark("INBOX", 5, "\\Seen");
        let setup = Imapd::for_store(&store).mode(Mode::Plain);
        let setup = if uidplus { setup } else { setup.without("UIDPLUS") };
        // Another client expunges a message that was listed, and marks another, while the first messages
        // arrive.
        let deed = Deed::new(|store| {
            store.expunge("INBOX", 6);
            store.mark("INBOX", 4, "\\Deleted");
        });
        let server = setup.fault_times(1, 1, Fault::Meanwhile(deed)).start();
        let world = world();
        let outcome = fetch(&world, &server).go();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert_eq!(here(&world).len(), 5, "the one that is gone is no error");
        let outcome = fetch(&world, &server).args(["--uid", "1", "--uid", "3", "--delete"]).go();
        match uidplus {
            true => {
                assert_eq!(outcome.code, Some(0), "{outcome:?}");
                assert_eq!(store.uids("INBOX"), [2, 4, 5]);
            }
            // A plain EXPUNGE would remove what others marked.
            false => {
                assert_eq!(outcome.code, Some(69), "{outcome:?}");
                assert_eq!(kinds(&outcome)[0], "missing");
                assert_eq!(store.uids("INBOX"), [1, 2, 3, 4, 5]);
            }
        }
        assert!(store.message("INBOX", 2).has("\\Deleted") && !store.message("INBOX", 2).has("\\Seen"));
        assert!(store.message("INBOX", 5).has("\\Seen") && !store.message("INBOX", 5).has("\\Deleted"));
        assert_eq!(server.violations(), [] as [String; 0]);
    }
}

#[test]
fn if_the_server_cannot_delete_all_is_fetched_and_that_is_reported() {
    for quirk in [Quirk::ReadOnly, Quirk::NoPermanentFlags] {
        let store = ImapStore::with(3);
        let server = Imapd::for_store(&store).mode(Mode::Plain).quirk(quirk).start();
        let world = world();
        let outcome = fetch(&world, &server).arg("--delete").go();
        assert_eq!(outcome.code, Some(1), "{outcome:?}");
        assert_eq!((here(&world).len(), store.uids("INBOX").len()), (3, 3));
    }
}

#[test]
fn list_shows_all_messages_and_changes_nothing() {
    let store = ImapStore::with(4);
    let server = Imapd::for_store(&store).start();
    let world = world();
    fetch(&world, &server).args(["--uid", "2"]).go().assert_exit(0);
    let outcome = world.at_url(&server.url(), "list").go();
    outcome.assert_exit(0);
    let rows = outcome.of_type("message");
    let new: Vec<bool> = rows.iter().map(|row| row["new"].as_bool().unwrap()).collect();
    assert_eq!(new, [true, true, false, true], "the newest first");
    for (row, message) in rows.iter().rev().zip(store.messages("INBOX")) {
        assert_eq!(row["uid"], message.uid.to_string());
        assert_eq!(row["size"], message.wire.len());
        assert!(row["subject"].is_string(), "{row}");
    }
    assert_eq!(server.violations(), [] as [String; 0]);
}

/// If UIDVALIDITY changes, the old UIDs mean nothing; the mail is the same, and is not stored again.
#[test]
fn a_new_uidvalidity_stores_nothing_twice_and_loses_nothing() {
    for delete in [false, true] {
        let store = ImapStore::with(6);
        // Two messages with the same octets are two.
        let twin = store.message("INBOX", 2).wire.to_vec();
        store.deliver("INBOX", &twin);
        let server = Imapd::for_store(&store).mode(Mode::Plain).start();
        let world = world();
        fetch(&world, &server).go().assert_exit(0);
        assert_eq!(here(&world), sorted(store.as_stored("INBOX")));
        store.renumber("INBOX", 100);
        store.deliver("INBOX", b"Subject: new\r\n\r\nnew\r\n");
        store.deliver("INBOX", &twin);
        store.expunge("INBOX", 100);
        // The run that looks through the folder is interrupted once.
        let limited = fetch(&world, &server).args(["--limit", "1"]).go();
        limited.assert_exit(0);
        let run = fetch(&world, &server);
        let outcome = if delete { run.arg("--delete").go() } else { run.go() };
        outcome.assert_exit(0);
        assert_eq!(here(&world).len(), 9, "seven, a new one and a third twin: {outcome:?}");
        let twins = here(&world).iter().filter(|it| it.as_slice() == stored(&twin)).count();
        assert_eq!(twins, 3);
        assert_eq!(store.uids("INBOX").is_empty(), delete);
        let outcome = fetch(&world, &server).go();
        outcome.assert_exit(0);
        assert_eq!(outcome.of_type("message").len(), 0, "{outcome:?}");
        // After former messages are no longer looked for, a message with their content is new.
        store.deliver("INBOX", &ImapStore::with(1).message("INBOX", 1).wire);
        fetch(&world, &server).go().assert_exit(0);
        assert_eq!(here(&world).len(), 10);
        assert_eq!(server.violations(), [] as [String; 0]);
    }
}

#[test]
fn an_account_with_both_protocols_uses_the_named_one() {
    let store = ImapStore::with(3);
    store.mark("INBOX", 2, "\\Seen");
    let server = Imapd::for_store(&store).start();
    let world = world();
    let file = |protocol: &str| {
        world.config(&format!(
            "[accounts.a]\nemail = 'ana@example.org'\npassword-file = '{}'\nca-file = '{}'\n\
             pop3.host = 'localhost'\npop3.port = 1\n\
             imap = {{ host = 'localhost', port = {}, username = 'ana' }}\n\
             fetch = {{ maildir = '{}'{protocol} }}\n",
            world.text("secret"),
            world.text("ca.pem"),
            server.port(),
            world.text("Mail"),
        ));
    };
    file("");
    let run = |args: &[&str]| world.postie(["--json", "--timeout", "20s"]).args(args).go();
    run(&["fetch"]).assert_exit(75);
    run(&["fetch", "--imap", "--limit", "1"]).assert_exit(0);
    file(", protocol = 'imap'");
    let outcome = run(&["list", "--new"]);
    outcome.assert_exit(0);
    assert_eq!(outcome.of_type("message").len(), 2);
    run(&["fetch", "--pop3"]).assert_exit(75);
    run(&["fetch"]).assert_exit(0);
    assert_eq!(here(&world).len(), 3);
    let outcome = run(&["test-account", "--imap"]);
    outcome.assert_exit(0);
    let steps = outcome.of_type("step");
    let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, ["dns", "tcp", "tls", "greeting", "capabilities", "auth", "mailbox", "destination"]);
    let mailbox = &steps[6]["detail"];
    assert_eq!((&mailbox["messages"], &mailbox["unseen"]), (&3.into(), &2.into()));
    let shown = run(&["config", "show", "a"]);
    shown.assert_exit(0);
    assert_eq!(shown.of_type("account")[0]["imap"]["port"], server.port());
    assert_eq!(server.violations(), [] as [String; 0]);
}

#[test]
fn folders_are_listed_and_each_can_be_fetched_by_its_listed_name() {
    let store = ImapStore::with(2);
    store.create(Folder::new("Entw&APw-rfe").attribute("\\Drafts"));
    store.create(Folder::new("Archive/2025"));
    store.create(Folder::new("Archive").attribute("\\Noselect"));
    let wire = b"Subject: a draft\r\n\r\nto be written\r\n";
    store.deliver("Entw&APw-rfe", wire);
    for (name, setup) in
        [("LIST-STATUS", (|it| it) as fn(Setup) -> Setup), ("STATUS", |it| it.without("LIST-STATUS"))]
    {
        let server = setup(Imapd::for_store(&store)).start();
        let world = world();
        let outcome = world.at_url(&server.url(), "list").arg("--folders").go();
        outcome.assert_exit(0);
        let rows = outcome.of_type("folder");
        let mut names: Vec<&str> = rows.iter().map(|row| row["folder"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Archive", "Archive/2025", "Entw\u{fc}rfe", "INBOX"], "{name}");
        let drafts = rows.iter().find(|row| row["folder"] == "Entw\u{fc}rfe").unwrap();
        assert_eq!((&drafts["messages"], &drafts["special_use"]), (&1.into(), &"\\Drafts".into()), "{name}");
        let folder = |args: &[&str]| fetch(&world, &server).args(args).go();
        folder(&["--folder", "Entw\u{fc}rfe"]).assert_exit(0);
        assert_eq!(here(&world), [stored(wire)], "{name}");
        let again = folder(&["--folder", "Entw\u{fc}rfe"]);
        again.assert_exit(0);
        assert_eq!(again.of_type("message").len(), 0, "{name}");
        folder(&["--folder", "inbox"]).assert_exit(0);
        folder(&[]).assert_exit(0);
        assert_eq!(here(&world).len(), 3, "{name}: INBOX is one folder in all letters");
        assert_eq!(server.violations(), [] as [String; 0], "{name}");
        let missing = folder(&["--folder", "Nowhere"]);
        assert_eq!(missing.code, Some(69), "{missing:?}");
    }
    let (mailbox, world) = (Mailbox::with(1), world());
    let server = Pop3d::for_mailbox(&mailbox).start();
    for args in [["list", "--folders"], ["list", "--folder=x"], ["fetch", "--folder=x"]] {
        let run = world.at_url(&server.url(), args[0]).arg(args[1]).go();
        assert_eq!(run.code, Some(64), "{run:?}");
    }
}

/// Without UIDPLUS everything depends on the search for what others marked; finding nothing proves nothing.
#[test]
fn a_search_that_finds_nothing_expunges_nothing_of_others() {
    for quirk in [Quirk::Esearch(Esearch::Nothing), Quirk::SearchLimit(0)] {
        let store = ImapStore::with(4);
        store.mark("INBOX", 2, "\\Deleted");
        let server =
            Imapd::for_store(&store).mode(Mode::Plain).without("UIDPLUS").quirk(quirk.clone()).start();
        let world = world();
        let outcome = fetch(&world, &server).args(["--uid", "1", "--uid", "3", "--delete"]).go();
        assert_eq!(outcome.code, Some(69), "{quirk:?}: {outcome:?}");
        assert_eq!(here(&world).len(), 2, "{quirk:?}");
        assert_eq!(store.uids("INBOX"), [1, 2, 3, 4], "{quirk:?}");
        assert_eq!(server.violations(), [] as [String; 0], "{quirk:?}");
    }
}

#[test]
fn many_messages_over_max_size_are_left_out_in_one_session() {
    let large = [b"Subject: large\r\n\r\n".as_slice(), &vec![b'x'; 20_000]].concat();
    let messages =
        (0..40).map(|n| if n % 2 == 0 { large.clone() } else { b"Subject: small\r\n\r\n".to_vec() });
    let store = ImapStore::of(messages);
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let world = world();
    let outcome = fetch(&world, &server).args(["--max-size", "10K", "--limit", "15"]).go();
    outcome.assert_exit(0);
    assert_eq!(here(&world).len(), 15, "those that are too large take no room of the limit");
    let skipped = outcome.of_type("message").iter().filter(|row| row["reason"] == "too_large").count();
    assert_eq!(skipped, 20);
    assert_eq!(server.sent().len(), 1, "one connection");
    assert!(server.sent()[0] < 20_000, "nothing large was sent");
}
