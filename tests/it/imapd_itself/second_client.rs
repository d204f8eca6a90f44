//! Another client uses the same folders: what a session is told about it, and about its own changes.

use super::client::Client;
use crate::support::imapd::Imapd;
use crate::support::imapd::quirks::{Deed, Fault};
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::mailbox::message;
use crate::support::pop3d::Mode;

fn store() -> ImapStore {
    let store = ImapStore::with(4);
    store.create(Folder::new("Sent"));
    store
}

#[test]
fn a_session_is_told_of_what_others_did_when_numbers_are_not_in_use() {
    let store = store();
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let mut client = Client::select(&server);
    store.expunge("INBOX", 2);
    store.mark("INBOX", 4, "\\Seen");
    store.deliver("INBOX", &message(9));
    assert_eq!(
        client.ask("FETCH 1:3 (UID)"),
        "* 1 FETCH (UID 1)\r\n* 3 FETCH (UID 3)\r\n\
         * 4 FETCH (UID 4 FLAGS (\\Seen))\r\n* 5 EXISTS\r\na3 OK done\r\n"
    );
    assert_eq!(client.ask("NOOP"), "* 2 EXPUNGE\r\na4 OK nothing done\r\n");
    store.unmark("INBOX", 4, "\\Seen");
    assert_eq!(client.ask("NOOP"), "* 3 FETCH (UID 4 FLAGS ())\r\na5 OK nothing done\r\n");
    assert_eq!(store.move_to("INBOX", 1, "Sent"), 1);
    assert_eq!(store.copy("INBOX", 3, "Sent"), 2);
    assert_eq!(client.ask("NOOP"), "* 1 EXPUNGE\r\na6 OK nothing done\r\n");
    store.renumber("INBOX", 100);
    let answer = client.ask("NOOP");
    assert!(answer.ends_with("* 3 EXISTS\r\na7 OK nothing done\r\n"), "{answer}");
    assert_eq!((store.uids("INBOX"), store.folder("INBOX").uidnext), (vec![100, 101, 102], 103));
    assert_eq!(store.messages("Sent").len(), 2);
    assert_eq!(store.as_stored("INBOX").len(), 3);
}

#[test]
fn a_session_that_idles_hears_of_mail_at_once() {
    let store = store();
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let mut client = Client::select(&server);
    client.send("i IDLE\r\n");
    assert_eq!(client.line(), "+ idling\r\n");
    store.deliver("INBOX", &message(9));
    assert_eq!(client.line(), "* 5 EXISTS\r\n");
    store.expunge("INBOX", 1);
    assert_eq!(client.line(), "* 1 EXPUNGE\r\n");
    client.send("DONE\r\n");
    assert_eq!(client.line(), "i OK done\r\n");
    client.send("j IDLE\r\nNOOP\r\n");
    assert!(client.until("j ").contains("j BAD"));
    drop(client);
    assert_eq!(server.violations(), ["State: not DONE, while it idles: \"NOOP\""]);
}

#[test]
fn changes_of_a_session_are_made_and_reported() {
    let store = store();
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let mut client = Client::select(&server);
    let sent = store.folder("Sent").uidvalidity;
    assert_eq!(client.ask("UID STORE 1:2 +FLAGS.SILENT (\\Deleted)"), "a3 OK done\r\n");
    assert_eq!(
        client.ask("UID STORE 3 +FLAGS \\Deleted"),
        "* 3 FETCH (UID 3 FLAGS (\\Deleted))\r\na4 OK done\r\n"
    );
    assert_eq!(client.ask("UID SEARCH DELETED"), "* SEARCH 1 2 3\r\na5 OK done\r\n");
    assert_eq!(
        client.ask("UID SEARCH RETURN (MIN MAX COUNT ALL) UNDELETED"),
        "* ESEARCH (TAG \"a6\") UID MIN 4 MAX 4 ALL 4 COUNT 1\r\na6 OK done\r\n"
    );
    assert_eq!(client.ask("UID EXPUNGE 2:3"), "* 2 EXPUNGE\r\n* 2 EXPUNGE\r\na7 OK done\r\n");
    assert_eq!(client.ask("UID EXPUNGE 2:3"), "a8 OK done\r\n");
    assert_eq!(client.ask("UID COPY 1,4 Sent"), format!("a9 OK [COPYUID {sent} 1,4 1:2] done\r\n"));
    assert_eq!(
        client.ask("UID MOVE 4 Sent"),
        format!("* OK [COPYUID {sent} 4 3] moved\r\n* 2 EXPUNGE\r\na10 OK done\r\n")
    );
    assert_eq!(client.ask("UID MOVE 4 Sent"), "a11 OK done\r\n");
    assert_eq!(client.ask("UID MOVE 1 nowhere"), "a12 NO [TRYCREATE] no such folder\r\n");
    client.send("b APPEND Sent (\\Seen) \"02-Oct-2025 10:00:00 +0000\" {5}\r\n");
    assert_eq!(client.line(), "+ go ahead\r\n");
    client.send("a: b\n\r\n");
    assert_eq!(client.line(), format!("b OK [APPENDUID {sent} 4] done\r\n"));
    let appended = store.message("Sent", 4);
    assert!(appended.has("\\seen") && &*appended.date == "02-Oct-2025 10:00:00 +0000");
    assert_eq!(store.message("Sent", 2).origin, store.message("Sent", 3).origin);
    assert!(client.ask("UID SEARCH HEADER Message-ID <m1@example.org>").starts_with("* SEARCH 1\r\n"));
    client.ask("SELECT Sent");
    assert!(client.ask("CLOSE").contains("OK closed"));
    assert_eq!(store.uids("Sent"), [2, 3, 4], "CLOSE expunges: a copy has its marks");
}

#[test]
fn sets_select_the_right_messages() {
    let store = store();
    store.expunge("INBOX", 3);
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let mut client = Client::select(&server);
    for (set, uids) in [
        ("1", " 1"),
        ("2:1", " 1 2"),
        ("*", " 4"),
        ("1,*", " 1 4"),
        ("99:*", " 4"),
        ("1:2,2:4,1:9", " 1 2 4"),
        ("3", ""),
        ("5:4294967295", ""),
    ] {
        let answer = client.ask(&format!("UID SEARCH UID {set}"));
        assert!(answer.starts_with(&format!("* SEARCH{uids}\r\n")), "{set}: {answer}");
    }
    assert!(client.ask("UID SEARCH 3").starts_with("* SEARCH 4\r\n"));
    assert!(client.ask("UID SEARCH UID 4294967296").contains("BAD"));
}

#[test]
fn fetching_sets_seen_only_where_it_does_not_peek() {
    let store = store();
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let mut client = Client::select(&server);
    let answer =
        client.ask("UID FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[]<0.4> RFC822.HEADER)");
    assert!(answer.starts_with(
        "* 1 FETCH (UID 1 BODY[HEADER.FIELDS (SUBJECT)] {22}\r\nSubject: message 1\r\n\r\n BODY[]<0> {4}\r\nFrom RFC822.HEADER {"
    ), "{answer}");
    assert_eq!(store.flags("INBOX")[0], (1, vec![]));
    let answer = client.ask("UID FETCH 1 (BODY[TEXT])");
    assert!(answer.contains("* 1 FETCH (UID 1 FLAGS (\\Seen))"), "{answer}");
    assert!(store.message("INBOX", 1).has("\\Seen"));
    assert!(client.ask("UID FETCH 9:* (UID)").starts_with("* 4 FETCH (UID 4)"));
}

#[test]
fn another_client_can_act_in_the_middle_of_a_fetch() {
    let store = store();
    let deed = Deed::new(|store| {
        store.expunge("INBOX", 1);
        store.expunge("INBOX", 3);
        store.change("INBOX", |folder| folder.messages[0].flags.push("$odd".into()));
    });
    let server = Imapd::for_store(&store).mode(Mode::Plain).fault_times(1, 3, Fault::Meanwhile(deed)).start();
    let mut client = Client::select(&server);
    let answer = client.ask("UID FETCH 1:4 (BODY.PEEK[TEXT] FLAGS BODY.PEEK[])");
    let rows: Vec<&str> = answer.lines().filter(|line| line.starts_with("* ")).collect();
    assert_eq!(rows[2..5], ["* 1 EXPUNGE", "* 1 FETCH (UID 2 FLAGS ($odd))", "* 2 EXPUNGE"], "{answer}");
    assert!(rows[5].starts_with("* 2 FETCH (UID 4"), "{answer}");
    assert_eq!(rows.len(), 6);
}
