//! Folders: their rows, their names, and the responses about the selected one.

use super::client::Client;
use crate::support::imapd::Imapd;
use crate::support::imapd::store::{Folder, ImapStore, NameForm};
use crate::support::pop3d::Mode;

fn store() -> ImapStore {
    let store = ImapStore::with(2);
    store.create(Folder::new("A").attribute("\\Noselect"));
    store.create(Folder::new("A/B").attribute("\\Sent"));
    store.create(Folder::new("A/B/C").form(NameForm::Atom));
    store.create(Folder::new("d\"e\\f").delimiter(None));
    store.create(Folder::new("lit\neral").form(NameForm::Literal).delimiter(Some(b'\\')));
    store
}

#[test]
fn patterns_and_names_are_as_the_standard_has_them() {
    let server = Imapd::for_store(&store()).mode(Mode::Plain).start();
    let mut client = Client::login(&server);
    let all = "* LIST (\\HasNoChildren) \"/\" \"INBOX\"\r\n\
               * LIST (\\HasChildren \\Noselect) \"/\" \"A\"\r\n\
               * LIST (\\HasChildren \\Sent) \"/\" \"A/B\"\r\n\
               * LIST (\\HasNoChildren) \"/\" A/B/C\r\n\
               * LIST (\\HasNoChildren) NIL \"d\\\"e\\\\f\"\r\n\
               * LIST (\\HasNoChildren) \"\\\\\" {8}\r\nlit\neral\r\n\
               a2 OK done\r\n";
    assert_eq!(client.ask("LIST \"\" \"*\""), all);
    assert_eq!(client.ask("LSUB \"\" *"), all.replace("* LIST", "* LSUB").replace("a2", "a3"));
    let names = |answer: String| answer.lines().filter(|line| line.starts_with('*')).count();
    for (pattern, count) in [("%", 4), ("A/%", 1), ("A/*", 2), ("*C", 1), ("inbox", 1), ("nothing", 0)] {
        assert_eq!(names(client.ask(&format!("LIST \"\" {pattern}"))), count, "{pattern}");
    }
    assert_eq!(names(client.ask("LIST A/ %")), 1);
    assert_eq!(client.ask("LIST (SPECIAL-USE) \"\" *").lines().count(), 2);
    assert_eq!(client.ask("LIST \"\" \"\""), "* LIST (\\Noselect) \"/\" \"\"\r\na12 OK done\r\n");
    let answer = client.ask("LIST \"\" (A INBOX) RETURN (CHILDREN STATUS (MESSAGES UIDNEXT))");
    let rows = "* STATUS \"INBOX\" (MESSAGES 2 UIDNEXT 3)\r\n* LIST (\\HasChildren \\Noselect)";
    assert!(answer.contains(rows), "{answer}");
    drop(client);
    server.assert_clean();
}

#[test]
fn a_selected_folder_is_introduced_and_another_closes_it() {
    let store = store();
    store.mark("INBOX", 1, "\\Seen");
    let validity = store.folder("INBOX").uidvalidity;
    let server = Imapd::for_store(&store).mode(Mode::Plain).with("OBJECTID").start();
    let mut client = Client::login(&server);
    let answer = client.ask("SELECT INBOX");
    for line in [
        "* 2 EXISTS\r\n",
        "* OK [UNSEEN 2]",
        &format!("* OK [UIDVALIDITY {validity}]"),
        "* OK [UIDNEXT 3]",
        "* OK [MAILBOXID (F1)]",
        "\\*)] all",
        "a2 OK [READ-WRITE]",
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
    let answer = client.ask("EXAMINE \"A/B\"");
    assert!(answer.starts_with("* OK [CLOSED]") && answer.contains("[PERMANENTFLAGS ()]"), "{answer}");
    assert_eq!(
        client.ask("SELECT A"),
        "* OK [CLOSED] the last one is closed\r\na4 NO [NONEXISTENT] no such folder\r\n"
    );
    assert!(client.ask("STATUS INBOX (MESSAGES UIDVALIDITY UNSEEN RECENT MAILBOXID)").starts_with(&format!(
        "* STATUS \"INBOX\" (MESSAGES 2 UIDVALIDITY {validity} UNSEEN 1 RECENT 0 MAILBOXID (F1))"
    )));
    assert!(client.ask("STATUS nowhere (MESSAGES)").contains("NO [NONEXISTENT]"));
    assert!(client.ask("CREATE new").contains("OK"));
    assert!(client.ask("CREATE new").contains("NO [ALREADYEXISTS]"));
    let answer = client.ask("UID FETCH 1 (UID)");
    assert!(answer.contains("BAD select"), "SELECT that fails has closed the folder: {answer}");
    drop(client);
    assert_eq!(store.folder("new").delimiter, Some(b'/'));
    assert_eq!(server.commands_with("create").len(), 2);
    server.forget_commands();
    assert_eq!(server.commands(), Vec::<String>::new());
}

#[test]
fn namespaces_are_listed() {
    let server =
        Imapd::for_store(&store()).mode(Mode::Plain).namespace(r#"(("INBOX." ".")) NIL NIL"#).start();
    let mut client = Client::login(&server);
    assert!(client.ask("NAMESPACE").starts_with("* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n"));
}
