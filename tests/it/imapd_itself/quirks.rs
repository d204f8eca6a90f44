//! Every quirk of the whole server, as it appears on the wire.

use super::client::{Client, secured, socket};
use crate::support::imapd::quirks::{Esearch, Quirk};
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Imapd, Setup};
use crate::support::pop3d::{Mode, SECRET, USER};

fn store() -> ImapStore {
    let store = ImapStore::of(["a", "b", "c", "d"]);
    store.create(Folder::new("All").attribute("\\All"));
    store.create(Folder::new("Trash").attribute("\\Trash"));
    store
}

fn server(quirk: Quirk) -> Imapd {
    setup(quirk).start()
}

fn setup(quirk: Quirk) -> Setup {
    Imapd::for_store(&store()).mode(Mode::Plain).quirk(quirk)
}

/// The responses to the last of these commands, with a quirk, in INBOX.
fn last(quirk: Quirk, commands: &[&str]) -> String {
    let server = server(quirk);
    let mut client = Client::select(&server);
    let mut answer = String::new();
    for command in commands {
        answer = client.ask(command);
    }
    answer
}

#[test]
fn quirks_change_the_rows_of_fetch() {
    let fetch = ["UID FETCH 1:2 (BODY.PEEK[])"];
    let row =
        |uid: u8| format!("* {uid} FETCH (UID {uid} BODY[] {{1}}\r\n{})\r\n", char::from(b'a' - 1 + uid));
    let [one, two, four] = [row(1), row(2), row(4)];
    assert_eq!(last(Quirk::Descending, &fetch), format!("{two}{one}a3 OK done\r\n"));
    let noise = "* 3 FETCH (FLAGS ())\r\n* OK Still here\r\n";
    assert_eq!(last(Quirk::Chatter(noise), &fetch), format!("{noise}{one}{noise}{two}a3 OK done\r\n"));
    assert_eq!(last(Quirk::Unasked(4), &fetch), format!("{one}{two}{four}a3 OK done\r\n"));
    assert_eq!(last(Quirk::Unasked(2), &fetch), format!("{one}{two}a3 OK done\r\n"));
    assert!(last(Quirk::SmallLetters, &fetch).starts_with("* 1 fetch (uid 1 body[] {1}\r\na)\r\n"));
    assert!(last(Quirk::BareLf, &fetch).ends_with("* 2 FETCH (UID 2 BODY[] {1}\nb)\na3 OK done\n"));
    assert_eq!(last(Quirk::Pieces(1), &fetch), format!("{one}{two}a3 OK done\r\n"));
    let limited = format!("{one}a3 OK [MESSAGELIMIT 1 1] that is all for once\r\n");
    assert_eq!(last(Quirk::MessageLimit(1), &fetch), limited);
    assert_eq!(
        last(Quirk::Newest(1), &["NOOP", "UID FETCH 1:* (UID)"]),
        "* 1 FETCH (UID 4)\r\na4 OK done\r\n"
    );
    assert_eq!(last(Quirk::StarIsStrict, &["UID FETCH 9:* (UID)"]), "a3 OK done\r\n");
    assert_eq!(last(Quirk::AscendingSets, &["UID FETCH 2:1 (UID)"]), "a3 BAD the set does not ascend\r\n");
    let seen = last(Quirk::SeenInExamine, &["EXAMINE INBOX", "UID FETCH 1 BODY[]"]);
    assert!(seen.contains("* 1 FETCH (UID 1 FLAGS (\\Seen))"), "{seen}");
}

#[test]
fn quirks_change_what_select_and_status_say() {
    let select = |quirk| last(quirk, &["SELECT INBOX"]);
    assert!(select(Quirk::ReadOnly).contains("a3 OK [READ-ONLY]"));
    assert!(select(Quirk::NoPermanentFlags).contains("[PERMANENTFLAGS ()]"));
    assert!(!select(Quirk::UidvalidityLine("")).contains("UIDVALIDITY"));
    assert!(select(Quirk::UidvalidityLine("* OK [UIDVALIDITY 0]\r\n")).contains("* OK [UIDVALIDITY 0]\r\n"));
    assert!(select(Quirk::UidNotSticky).contains("* NO [UIDNOTSTICKY]"));
    assert!(select(Quirk::Uidnext(Some(3))).contains("[UIDNEXT 3]"));
    assert!(!select(Quirk::Uidnext(None)).contains("UIDNEXT"));
    assert!(select(Quirk::Exists(10_000)).contains("* 10000 EXISTS"));
    assert!(select(Quirk::SaysLast("SELECT", "* OK [HIGHESTMODSEQ 5]\r\n")).contains("5]\r\na3 OK"));
    let status = ["UNSELECT", "STATUS INBOX (MESSAGES UIDNEXT)"];
    assert!(last(Quirk::Uidnext(None), &status).contains("(MESSAGES 4)"));
    assert!(last(Quirk::Newest(3), &status).contains("(MESSAGES 3 UIDNEXT 5)"));
    assert!(last(Quirk::Exists(7), &status).contains("(MESSAGES 7 UIDNEXT 5)"));
    let server = server(Quirk::IdFirst);
    let mut client = Client::login(&server);
    assert!(client.ask("EXAMINE INBOX").contains("a2 NO SELECT Unsafe Login"));
    client.ask("ID NIL");
    assert!(client.ask("EXAMINE INBOX").contains("a4 OK"));
}

#[test]
fn quirks_hide_results_of_search_and_list() {
    let search = ["UID SEARCH RETURN (ALL) ALL"];
    assert!(last(Quirk::Esearch(Esearch::Bad), &search).starts_with("a3 BAD"));
    assert_eq!(last(Quirk::Esearch(Esearch::Nothing), &search), "a3 OK done\r\n");
    assert_eq!(last(Quirk::Esearch(Esearch::Plain), &search), "* SEARCH 1 2 3 4\r\na3 OK done\r\n");
    let progress = Quirk::SaysFirst("UID SEARCH", "* OK Searched 91%\r\n");
    assert!(last(progress, &search).starts_with("* OK Searched 91%\r\n* ESEARCH (TAG"));
    assert_eq!(last(Quirk::SearchLimit(2), &["UID SEARCH ALL"]), "* SEARCH 1 2\r\na3 OK done\r\n");
    assert_eq!(last(Quirk::ListsTwice, &["LIST \"\" INBOX"]).lines().count(), 3);
    let extended = ["LIST \"\" * RETURN (STATUS (MESSAGES))"];
    assert_eq!(last(Quirk::ListExtendedEmpty, &extended), "a3 OK done\r\n");
    assert!(!last(Quirk::NoListStatus, &extended).contains("STATUS"));
    assert!(last(Quirk::Uidnext(None), &extended).contains("* STATUS"));
}

#[test]
fn quirks_change_what_deletions_do() {
    let mark = "UID STORE 1:2 +FLAGS.SILENT (\\Deleted)";
    let deletion = [mark, "UID EXPUNGE 1:2"];
    for (quirk, answer, left) in [
        (Quirk::ExpungesNothing, "a4 OK done\r\n", vec![1, 2, 3, 4]),
        (Quirk::ExpungesAndSaysNo, "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\na4 NO [SERVERBUG]", vec![3, 4]),
        (Quirk::UidExpungeBad, "a4 BAD not known here\r\n", vec![1, 2, 3, 4]),
        (Quirk::DeletesAtOnce, "a4 OK done\r\n", vec![3, 4]),
    ] {
        let server = server(quirk);
        let mut client = Client::select(&server);
        let marked = client.ask(deletion[0]);
        assert!(client.ask(deletion[1]).starts_with(answer));
        assert_eq!(server.store().uids("INBOX"), left);
        let kept = server.store().messages("All");
        assert_eq!(kept.len(), if marked.contains("EXPUNGE") { 2 } else { 0 }, "{marked}");
        assert!(kept.iter().all(|message| message.flags.is_empty()));
    }
}

#[test]
fn like_gmail_mail_stays_in_all_mail_until_it_is_moved_to_the_trash() {
    let server = server(Quirk::DeletesAtOnce);
    let store = server.store();
    for uid in 1..=2 {
        store.copy("INBOX", uid, "All");
    }
    let mut client = Client::select(&server);
    client.ask("UID STORE 1 +FLAGS.SILENT (\\Deleted)");
    assert_eq!((store.uids("INBOX"), store.uids("All")), (vec![2, 3, 4], vec![1, 2]));
    client.ask("UID MOVE 2 Trash");
    assert_eq!((store.uids("INBOX"), store.uids("All"), store.uids("Trash")), (vec![3, 4], vec![1], vec![1]));
    client.ask("SELECT Trash");
    client.ask("UID STORE 1 +FLAGS.SILENT (\\Deleted)");
    assert_eq!((store.uids("All"), store.uids("Trash")), (vec![1], vec![]));
}

#[test]
fn invalid_uids_can_be_sent() {
    let server = setup(Quirk::SmallLetters).start();
    let store = server.store();
    for (uid, other) in [(1, 0), (2, 4_294_967_295), (3, 4)] {
        store.change_message("INBOX", uid, |message| message.uid = other);
    }
    store.change("INBOX", |folder| folder.uidvalidity = 1_666_390_893_380);
    store.create(Folder::new("All"));
    let mut client = Client::select(&server);
    assert_eq!(client.ask("UID SEARCH ALL"), "* SEARCH 0 4294967295 4 4\r\na3 OK done\r\n");
    assert_eq!(client.ask("LIST \"\" All").lines().count(), 3);
    assert!(client.ask("STATUS All (UIDVALIDITY)").starts_with("* STATUS \"All\" (UIDVALIDITY "));
    assert!(client.ask("EXAMINE INBOX").contains("[UIDVALIDITY 1666390893380]"));
}

#[test]
fn octets_can_follow_the_reply_to_starttls() {
    let server =
        setup(Quirk::StarttlsSays("* CAPABILITY X-EVIL\r\na2 OK done\r\n")).mode(Mode::Upgrade).start();
    let stream = socket(&server);
    let mut client = Client::over(Box::new(stream.try_clone().unwrap()));
    client.line();
    client.ask("STARTTLS");
    assert_eq!(client.line(), "* CAPABILITY X-EVIL\r\n");
    assert_eq!(client.line(), "a2 OK done\r\n");
    drop(client);
    assert!(Client::over(secured(stream)).ask("CAPABILITY").contains("AUTH=PLAIN"));
}

#[test]
fn moves_can_be_refused_or_give_no_uids() {
    let moved = |quirk, answer: &str, left: usize| {
        let server = server(quirk);
        let mut client = Client::select(&server);
        let got = client.ask("UID MOVE 1:3 Trash");
        assert!(got.contains(answer), "{got}");
        assert_eq!(server.store().messages("INBOX").len(), left);
        assert_eq!(server.store().messages("Trash").len(), 4 - left);
    };
    moved(Quirk::MoveNo(0), "a3 NO [UNAVAILABLE]", 4);
    moved(Quirk::MoveNo(1), "* 1 EXPUNGE\r\na3 NO [UNAVAILABLE]", 3);
    moved(Quirk::CopyuidTagged, "a3 OK [COPYUID ", 1);
    moved(Quirk::NoCopyuid, "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\na3 OK done", 1);
}

#[test]
fn quirks_change_logins_and_literals() {
    let server = server(Quirk::InitialResponseBad);
    let mut client = Client::connect(&server);
    client.line();
    assert!(client.ask("AUTHENTICATE PLAIN AGE=").contains("a1 BAD"));
    drop(client);

    let server = setup(Quirk::BarePlus).before_login("IMAP4rev1 AUTH=PLAIN").start();
    let mut client = Client::connect(&server);
    client.line();
    client.send("a AUTHENTICATE PLAIN\r\n");
    assert_eq!(client.line(), "+\r\n");
    drop(client);
    server.journals();

    let server = setup(Quirk::AsksForLiterals).start();
    let mut client = Client::connect(&server);
    client.line();
    client.send(format!("a LOGIN {USER} {{{}+}}\r\n{SECRET}\r\n", SECRET.len()));
    assert_eq!(client.line(), "+ go ahead\r\n");
    assert!(client.line().starts_with("a OK"));
    server.heal();
    server.add_quirk(Quirk::RudeLogout);
    assert_eq!(client.ask("LOGOUT"), "");
}
