//! `fetch`, `list` and `test-account` by IMAP with Dovecot, with all of its capabilities and with fewer.

use crate::imapd_itself::client::Client;
use crate::real_fetch::varied;
use crate::support::disk::{assert_same, mbox, names, sorted};
use crate::support::mailbox::{message, message_of, stored};
use crate::support::peer::Victim;
use crate::support::pop3d::{Mode, SECRET, USER};
use crate::support::process::Run;
use crate::support::real::Real;
use crate::support::world::World;
use crate::world;
use std::net::TcpStream;
use std::path::Path;

fn at(world: &World, real: &Real, command: &str) -> Run {
    world.at_url(&real.imap_url(USER), command)
}

fn fetch(world: &World, real: &Real) -> Run {
    at(world, real, "fetch").arg("--maildir").arg(world.path("Mail"))
}

/// Another client of the same mailbox.
fn other_client(real: &Real) -> Client {
    let mut client = Client::over(Box::new(TcpStream::connect(("127.0.0.1", real.imap_port())).unwrap()));
    let answer = client.ask(&format!("LOGIN {USER} {SECRET}"));
    assert!(answer.contains("a1 OK"), "{answer}");
    let answer = client.ask("SELECT INBOX");
    assert!(answer.contains("a2 OK"), "{answer}");
    client
}

/// The flag letters of a Maildir's messages, by the rest of their names.
fn letters(maildir: &Path) -> Vec<(String, String)> {
    let all = ["new", "cur"].map(|part| names(&maildir.join(part)));
    let mut all: Vec<_> = all
        .concat()
        .into_iter()
        .map(|name| {
            let (base, flags) = name.split_once(":2,").unwrap_or((&name, ""));
            // Dovecot puts sizes into names.
            (base.split_once(',').map_or(base, |(base, _)| base).to_owned(), flags.to_owned())
        })
        .collect();
    all.sort();
    all
}

fn uidvalidity(real: &Real) -> String {
    let list = std::fs::read_to_string(real.maildir(USER).join("dovecot-uidlist")).unwrap();
    let validity = list.split_whitespace().find_map(|word| word.strip_prefix('V'));
    validity.expect("the first line has it").to_owned()
}

/// As it happens with real servers: the index is lost, and all messages get other UIDs under another
/// UIDVALIDITY.
fn lose_index(real: &Real) {
    let dir = real.maildir(USER);
    let index = |name: &String| name == "dovecot-uidlist" || name.starts_with("dovecot.index");
    for name in names(&dir).iter().filter(|name| index(name)) {
        std::fs::remove_file(dir.join(name)).unwrap();
    }
}

/// IMAP has no NUL in a message, and Dovecot sends another octet in its place.
pub fn without_nul(messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let other = |octet: u8| if octet == 0 { b'N' } else { octet };
    messages.into_iter().map(|message| message.into_iter().map(other).collect()).collect()
}

#[test]
fn a_thousand_varied_messages_are_fetched_from_dovecot_by_imap_byte_for_byte() {
    let test = "a_thousand_varied_messages_are_fetched_from_dovecot_by_imap_byte_for_byte";
    let Some(real) = Real::start_imap(test, "") else { return };
    let mut messages = without_nul(varied(1000));
    messages.push(stored(&[b"X-8-bit: \xe4\xff\x80\r\n".to_vec(), message_of(7, 20 << 20)].concat()));
    real.fill(USER, &messages);
    let before = letters(&real.maildir(USER));
    let world = world();
    let outcome = fetch(&world, &real).go();
    assert_eq!(outcome.code, Some(0), "{}\n{}", outcome.err(), real.log());
    assert_same(&world.mail(), &sorted(messages.clone()));
    assert_eq!(outcome.summary()["delivered"], 1001);

    let all = at(&world, &real, "fetch").arg("--all").arg("--mbox").arg(world.path("mbox")).go();
    all.assert_exit(0);
    assert_same(&mbox(&world.path("mbox")), &messages);

    let list = at(&world, &real, "list").go();
    assert_eq!(list.assert_exit(0).of_type("message").len(), 1001);
    let nothing = fetch(&world, &real).go();
    assert_eq!(nothing.assert_exit(0).summary()["delivered"], 0);
    assert_eq!(letters(&real.maildir(USER)), before, "a flag has changed");

    let delete = fetch(&world, &real).arg("--delete").go();
    assert_eq!(delete.assert_exit(0).summary()["deleted"], 1001);
    assert!(real.messages(USER).is_empty());
    assert_same(&world.mail(), &sorted(messages));
}

#[test]
fn dovecot_accepts_every_mechanism_of_imap_in_every_tls_mode() {
    let test = "dovecot_accepts_every_mechanism_of_imap_in_every_tls_mode";
    let Some(real) = Real::start_imap(test, "") else { return };
    real.fill(USER, (1..4).map(|number| stored(&message(number))));
    let wanted = sorted((1..4).map(|number| stored(&message(number))).collect());
    for mode in Mode::ALL {
        for auth in ["auto", "plain", "login", "cram-md5"] {
            let world = world();
            world.config(&real.imap_account(mode, auth, &world.text("secret")));
            let trust = world.trust(mode);
            let postie = |args: &[&str]| world.postie(["--json"]).args(&trust).args(args);
            let fetch = postie(&["fetch", "--maildir", &world.text("Mail")]).go();
            assert_eq!(fetch.code, Some(0), "{mode:?} {auth}: {}\n{}", fetch.err(), real.log());
            assert_same(&world.mail(), &wanted);
            let test = postie(&["test-account", "--imap"]).go();
            test.assert_exit(0);
            assert!(test.of_type("step").iter().all(|step| step["ok"] == true), "{mode:?} {auth}");
            world.write("wrong", "not it\n");
            world.config(&real.imap_account(mode, auth, &world.text("wrong")));
            postie(&["list"]).go().assert_failure(77, "auth");
        }
    }
}

#[test]
fn dovecot_s_folders_are_listed_and_fetched_by_names_in_any_script() {
    let test = "dovecot_s_folders_are_listed_and_fetched_by_names_in_any_script";
    // With LIST-STATUS, and without.
    for capabilities in ["", "IMAP4rev1 UIDPLUS ESEARCH"] {
        let Some(real) = Real::start_imap(test, capabilities) else { return };
        let folders = [
            ("Entw&APw-rfe", "Entw\u{fc}rfe"),
            ("&ZeVnLIqe-", "\u{65e5}\u{672c}\u{8a9e}"),
            ("Archive/R&AOk-sum&AOk- &- more", "Archive/R\u{e9}sum\u{e9} & more"),
            ("Sent", "Sent"),
        ];
        for (number, (name, _)) in (1..).zip(folders) {
            let dir = real.add_folder(USER, name);
            for one in 0..number {
                let octets = stored(&message(10 * number + one));
                real.put(&dir.join("cur"), &format!("17570000{number}{one}.M1P1.real:2,S"), octets);
            }
        }
        let world = world();
        let outcome = at(&world, &real, "list").arg("--folders").go();
        outcome.assert_exit(0);
        let rows = outcome.of_type("folder");
        for (number, (_, name)) in (1usize..).zip(folders) {
            let row = rows.iter().find(|row| row["folder"] == name).expect(name);
            assert_eq!((&row["messages"], &row["unseen"]), (&number.into(), &0.into()), "{name}");
            let special = if name == "Sent" { "\\Sent".into() } else { serde_json::Value::Null };
            assert_eq!(row["special_use"], special, "{name}");
            let before = world.mail().len();
            for count in [number, 0] {
                let outcome = fetch(&world, &real).args(["--folder", name]).go();
                outcome.assert_exit(0);
                assert_eq!(outcome.summary()["delivered"], count, "{name}");
            }
            let mail = world.mail();
            assert_eq!(mail.len(), before + number, "{name}");
            assert!((0..number).all(|one| mail.contains(&stored(&message(10 * number + one)))), "{name}");
        }
        let outcome = fetch(&world, &real).args(["--folder", "Nirgendwo"]).go();
        assert_eq!(outcome.code, Some(69), "{outcome:?}");
    }
}

/// Dovecot accepts commands that it does not announce; its log shows that they were not sent.
#[test]
fn extensions_that_dovecot_does_not_announce_are_not_used_and_flags_of_others_stay() {
    let test = "extensions_that_dovecot_does_not_announce_are_not_used_and_flags_of_others_stay";
    for capabilities in [
        "",
        "IMAP4rev1",
        "IMAP4rev1 UIDPLUS",
        "IMAP4rev1 SASL-IR LITERAL+ ESEARCH LIST-EXTENDED LIST-STATUS",
        "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS LIST-EXTENDED LIST-STATUS",
        "IMAP4rev1 SASL-IR UIDPLUS ESEARCH",
    ] {
        let Some(real) = Real::start_imap(test, capabilities) else { return };
        let all: Vec<Vec<u8>> = (1..=6).map(|number| stored(&message(number))).collect();
        for (number, (octets, flags)) in all.iter().zip(["", "S", "", "T", "F", ""]).enumerate() {
            let name = format!("175700000{number}.M1P1.real:2,{flags}");
            real.put(&real.maildir(USER).join("cur"), &name, octets);
        }
        let has = |word: &str| capabilities.is_empty() || capabilities.split(' ').any(|one| one == word);
        let flags = || -> Vec<_> { letters(&real.maildir(USER)).into_iter().map(|it| it.1).collect() };
        let world = world();
        fetch(&world, &real).go().assert_exit(0);
        assert_same(&world.mail(), &all);
        at(&world, &real, "list").arg("--folders").go().assert_exit(0);
        assert_eq!(flags(), ["", "S", "", "T", "F", ""], "{capabilities}");
        let delete = |uids: &[&str]| fetch(&world, &real).args(uids).arg("--delete").go();
        let outcome = delete(&["--uid", "1", "--uid", "2"]);
        match has("UIDPLUS") {
            true => {
                assert_eq!(outcome.code, Some(0), "{capabilities}: {outcome:?}");
                assert_eq!(flags(), ["", "T", "F", ""], "{capabilities}");
            }
            // EXPUNGE would remove what another client has marked.
            false => {
                assert_eq!(outcome.code, Some(69), "{capabilities}: {outcome:?}");
                assert_eq!(flags(), ["", "S", "", "T", "F", ""], "{capabilities}");
            }
        }
        let answer = other_client(&real).ask("UID STORE 4 -FLAGS (\\Deleted)");
        assert!(answer.contains("OK"), "{answer}");
        delete(&["--uid", "1", "--uid", "2", "--uid", "3"]).assert_exit(0);
        assert_eq!(flags(), ["", "F", ""], "{capabilities}");
        delete(&[]).assert_exit(0);
        assert!(real.messages(USER).is_empty(), "{capabilities}");
        assert_same(&world.mail(), &all);

        let commands = real.imap_commands();
        let none = |what: &str| {
            let found = commands.iter().find(|command| command.contains(what));
            assert_eq!(found, None, "{capabilities}");
        };
        match has("UIDPLUS") {
            true => assert!(!commands.iter().any(|command| command == "EXPUNGE"), "{commands:?}"),
            false => none("UID EXPUNGE"),
        }
        assert!(
            has("LIST-STATUS") || !commands.iter().any(|it| it.contains("LIST") && it.contains("RETURN"))
        );
        assert!(has("ESEARCH") || !commands.iter().any(|it| it.contains("SEARCH RETURN")), "{commands:?}");
        assert!(has("LITERAL+") || !commands.iter().any(|it| it.ends_with("+}")), "{commands:?}");
        none("CLOSE");
    }
}

#[test]
fn a_uidvalidity_that_dovecot_changes_stores_nothing_twice() {
    let test = "a_uidvalidity_that_dovecot_changes_stores_nothing_twice";
    let Some(real) = Real::start_imap(test, "") else { return };
    // Two messages with the same content are two messages.
    let mut all: Vec<Vec<u8>> = (1..=30).map(|number| stored(&message(number % 28))).collect();
    real.fill(USER, &all);
    let world = world();
    fetch(&world, &real).go().assert_exit(0);
    assert_same(&world.mail(), &sorted(all.clone()));
    let mut validity = uidvalidity(&real);
    for (turn, after) in ["--keep", "--keep", "--delete"].into_iter().enumerate() {
        lose_index(&real);
        // The new one sorts before the others, so that every UID means another message than before.
        let new = stored(&message(100 + turn));
        real.put(&real.maildir(USER).join("new"), &format!("17{turn}.M1P1.real"), &new);
        all.push(new);
        fetch(&world, &real).arg(after).go().assert_exit(0);
        assert_same(&world.mail(), &sorted(all.clone()));
        let now = uidvalidity(&real);
        assert_ne!(now, validity, "this Dovecot keeps its UIDVALIDITY");
        validity = now;
    }
    assert!(real.messages(USER).is_empty());
    fetch(&world, &real).go().assert_exit(0);
    assert_same(&world.mail(), &sorted(all));
}

/// Moving by MOVE and by COPY, with COPYUID (which Dovecot sends in any case) and with and without UIDPLUS.
#[test]
fn stored_messages_are_moved_to_a_folder_of_dovecot() {
    let test = "stored_messages_are_moved_to_a_folder_of_dovecot";
    for capabilities in ["", "IMAP4rev1 UIDPLUS", "IMAP4rev1", "IMAP4rev1 MOVE"] {
        let Some(real) = Real::start_imap(test, capabilities) else { return };
        let folder = real.add_folder(USER, "Archive/R&AOk-sum&AOk-");
        let all: Vec<Vec<u8>> = (1..=700).map(|number| stored(&message(number))).collect();
        real.fill(USER, &all);
        let world = world();
        fetch(&world, &real).args(["--limit", "300"]).go().assert_exit(0);
        let outcome = fetch(&world, &real).args(["--move-to", "Archive/R\u{e9}sum\u{e9}"]).go();
        assert_eq!(outcome.code, Some(0), "{capabilities}: {}\n{}", outcome.err(), real.log());
        assert_eq!(outcome.summary()["deleted"], 700, "{capabilities}");
        assert_same(&world.mail(), &sorted(all.clone()));
        assert!(real.messages(USER).is_empty(), "{capabilities}");
        let there = ["new", "cur"].map(|part| folder.join(part));
        let there = there.iter().flat_map(|dir| {
            names(dir).into_iter().map(|name| std::fs::read(dir.join(name)).unwrap()).collect::<Vec<_>>()
        });
        assert_same(&sorted(there.collect()), &sorted(all.clone()));
        let has_move = capabilities.is_empty() || capabilities.ends_with("MOVE");
        let commands = real.imap_commands();
        assert_eq!(commands.iter().any(|it| it.starts_with("UID MOVE")), has_move, "{capabilities}");
        assert_eq!(commands.iter().any(|it| it.starts_with("UID COPY")), !has_move, "{capabilities}");
        let missing = fetch(&world, &real).args(["--move-to", "Nirgendwo"]).go();
        assert_eq!(missing.code, Some(69), "{capabilities}: {missing:?}");
    }
}

#[test]
fn dovecot_s_new_mail_is_fetched_as_it_arrives() {
    let test = "dovecot_s_new_mail_is_fetched_as_it_arrives";
    for (capabilities, idles) in [("", true), ("IMAP4rev1", false)] {
        let Some(real) = Real::start_imap(test, capabilities) else { return };
        let world = world();
        real.fill(USER, [message(1), message(2)]);
        let victim = Victim::default();
        let run = fetch(&world, &real).args(["--watch", "--every", "0.2s"]).victim(victim.clone());
        let outcome = std::thread::scope(|scope| {
            let running = scope.spawn(move || run.go());
            let stored = || names(&world.path("Mail/new")).len();
            for count in 2..=6 {
                // Nothing signals this: check again soon.
                while stored() < count && !running.is_finished() {
                    std::thread::park_timeout(std::time::Duration::from_millis(5));
                }
                // One message comes while the client idles; the others probably before that.
                let has_idled = || real.imap_commands().iter().any(|command| command == "IDLE");
                while idles && count == 4 && !has_idled() && !running.is_finished() {
                    std::thread::park_timeout(std::time::Duration::from_millis(5));
                }
                if count < 6 {
                    let name = format!("18570000{count}.M{count}P1.real");
                    real.put(&real.maildir(USER).join("new"), &name, message(10 + count));
                }
            }
            victim.signal(rustix::process::Signal::TERM);
            running.join().unwrap()
        });
        assert_eq!(outcome.signal, Some(15), "{outcome:?}\n{}", real.log());
        assert_eq!(outcome.summary()["delivered"], 6, "{outcome:?}");
        let all = real.messages(USER).iter().map(|message| stored(message)).collect();
        assert_same(&world.mail(), &sorted(all));
        let idled = real.imap_commands().iter().filter(|line| *line == "IDLE").count();
        assert_eq!(idled > 0, idles, "{:?}", real.imap_commands());
    }
}
