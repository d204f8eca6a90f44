//! Mistakes of a client are recorded.

use super::client::Client;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::imapd::{Imapd, Setup, Wrong};
use crate::support::pop3d::{Mode, SECRET, USER};

fn server() -> Setup {
    let store = ImapStore::with(4);
    store.create(Folder::new("Sent"));
    Imapd::for_store(&store).mode(Mode::Plain)
}

/// The violations of these commands, each awaited, in INBOX.
fn judged(setup: Setup, commands: &[&str]) -> Vec<String> {
    let server = setup.start();
    let mut client = Client::select(&server);
    for command in commands {
        client.ask(command);
    }
    drop(client);
    server.violations()
}

#[track_caller]
fn assert_wrong(what: Wrong, setup: Setup, command: &str) {
    let violations = judged(setup, &[command]);
    let name = format!("{what:?}: ");
    assert!(matches!(&violations[..], [one] if one.starts_with(&name)), "{command}: {violations:#?}");
}

#[test]
fn a_correct_session_gets_no_complaint() {
    let commands = [
        "CAPABILITY",
        "ID (\"name\" \"postie\")",
        "ID NIL",
        "NOOP",
        "NAMESPACE",
        "LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (UIDVALIDITY UIDNEXT MESSAGES))",
        "STATUS Sent (MESSAGES)",
        "EXAMINE INBOX",
        "SELECT INBOX",
        "UID SEARCH RETURN (ALL) UID 2:*",
        "UID SEARCH NOT DELETED",
        "FETCH 1:2 (UID)",
        "UID FETCH 1,3:4 (UID RFC822.SIZE INTERNALDATE FLAGS BODY.PEEK[HEADER.FIELDS (DATE FROM)])",
        "UID FETCH 1:* BODY.PEEK[]",
        "UID STORE 2 +FLAGS.SILENT (\\Deleted)",
        "UID EXPUNGE 2",
        "UID COPY 1 Sent",
        "UID MOVE 1 Sent",
        "CHECK",
        "UNSELECT",
        "CREATE Archive",
        "LOGOUT",
    ];
    assert_eq!(judged(server(), &commands), Vec::<String>::new());
}

#[test]
fn each_mistake_is_reported_by_its_name() {
    let bare = || server().without("UIDPLUS").without("MOVE").without("ESEARCH").without("UNSELECT");
    for command in [
        "UID EXPUNGE 1",
        "UID MOVE 1 Sent",
        "UID SEARCH RETURN (ALL) ALL",
        "UNSELECT",
        "UID FETCH 1 EMAILID",
        "UID FETCH 1 (X-GM-MSGID)",
    ] {
        assert_wrong(Wrong::Unannounced, bare(), command);
    }
    let lists = || server().without("LIST-STATUS").without("SPECIAL-USE");
    assert_wrong(Wrong::Unannounced, lists(), "LIST \"\" * RETURN (STATUS (MESSAGES))");
    assert_wrong(Wrong::Unannounced, lists(), "LIST (SPECIAL-USE) \"\" *");
    assert_wrong(Wrong::Unannounced, server().without("ID"), "ID NIL");
    assert_wrong(Wrong::Unannounced, server().without("NAMESPACE"), "NAMESPACE");
    for command in ["UID FETCH 1 (BODY[])", "UID FETCH 1 RFC822", "UID FETCH 1 (UID BODY[TEXT])"] {
        assert_wrong(Wrong::Seen, server(), command);
    }
    for command in [
        "UID STORE 1 FLAGS (\\Deleted)",
        "UID STORE 1 -FLAGS.SILENT (\\Seen)",
        "UID STORE 1 +FLAGS (\\Seen)",
        "UID STORE 1 +FLAGS (\\Deleted \\Seen)",
    ] {
        assert_wrong(Wrong::Flags, server(), command);
    }
    for command in ["CLOSE", "EXPUNGE"] {
        assert_wrong(Wrong::Expunge, server(), command);
    }
    for command in ["STORE 1 +FLAGS (\\Deleted)", "COPY 1 Sent", "MOVE 1 Sent"] {
        assert_wrong(Wrong::Numbers, server(), command);
    }
    for command in ["STATUS INBOX (MESSAGES)", "LOGIN ana x"] {
        assert_wrong(Wrong::State, server(), command);
    }
    for command in [
        "XYZZY",
        "UID FETCH 4,1 (UID)",
        "UID FETCH 0 (UID)",
        "UID FETCH 1  (UID)",
        "UID FETCH 1 (UID",
        "UID FETCH 1 (ENVELOPE)",
        "ID ()",
        "SELECT \"INBOX",
        "SELECT INBOX ",
        "UID SEARCH",
        "UID SEARCH FOO",
        "STATUS Sent MESSAGES",
        "STATUS Sent (HIGHESTMODSEQ)",
        "LIST \"\" * RETURN (STATUS (SIZE))",
        "SELECT &\u{e9}",
    ] {
        assert_wrong(Wrong::Syntax, server(), command);
    }
    assert_wrong(
        Wrong::Syntax,
        server().line_limit(40),
        "UID FETCH 1:4 (UID FLAGS INTERNALDATE RFC822.SIZE)",
    );
}

#[test]
fn a_command_at_the_wrong_time_is_bad() {
    let server = server().start();
    let mut client = Client::connect(&server);
    client.line();
    assert_eq!(client.ask("SELECT INBOX"), "a1 BAD log in first\r\n");
    client.ask(&format!("LOGIN {USER} {SECRET}"));
    assert_eq!(client.ask("UID FETCH 1 (UID)"), "a3 BAD select a folder first\r\n");
    client.ask("EXAMINE INBOX");
    assert!(client.ask("UID STORE 1 +FLAGS (\\Deleted)").starts_with("a5 NO [READ-ONLY]"));
    client.send("a5 NOOP\r\na6 LOGOUT\r\na7 NOOP\r\n");
    client.rest();
    drop(client);
    let violations = server.violations();
    let names: Vec<&str> = violations.iter().map(|one| one.split(':').next().unwrap()).collect();
    assert_eq!(names, ["State", "State", "State", "Syntax", "State"], "{violations:#?}");
}

#[test]
fn a_flight_is_judged_by_what_its_commands_depend_on() {
    for (flight, what) in [
        (&["UID FETCH 1 (UID)", "FETCH 1 (UID)"][..], Some(Wrong::Numbers)),
        (&["FETCH 1 (UID)", "FETCH 2 (UID)"], None),
        (&["UID FETCH 1:2 (UID)", "UID STORE 1 +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 1"], None),
        (&["UID FETCH 1 (UID)", "EXAMINE Sent", "UID SEARCH ALL"], None),
        (&["UID STORE 1 +FLAGS.SILENT (\\Deleted)", "SELECT Sent"], Some(Wrong::Pipelined)),
        (&["EXAMINE Sent", "UID SEARCH ALL"], None),
        (&["SELECT Sent", "UID STORE 1 +FLAGS.SILENT (\\Deleted)"], Some(Wrong::Pipelined)),
        (&["SELECT Sent", "SELECT INBOX"], Some(Wrong::Pipelined)),
    ] {
        let server = server().start();
        let mut client = Client::select(&server);
        let tags = client.send_all(flight);
        client.until(&format!("{} ", tags.last().unwrap()));
        drop(client);
        let violations = server.violations();
        let wanted = what.map(|what| format!("{what:?}"));
        let found: Vec<&str> = violations.iter().map(|one| one.split(':').next().unwrap()).collect();
        assert_eq!(
            found,
            wanted.iter().map(String::as_str).collect::<Vec<_>>(),
            "{flight:?}: {violations:#?}"
        );
    }
}

#[test]
fn changed_flags_of_other_clients_are_reported() {
    let setup = server();
    let server = setup.without("UIDPLUS").start();
    server.store().mark("INBOX", 3, "\\Deleted");
    let mut client = Client::select(&server);
    client.ask("UID STORE 1 +FLAGS.SILENT (\\Deleted)");
    assert!(client.ask("EXPUNGE").starts_with("* 1 EXPUNGE\r\n* 2 EXPUNGE\r\na4 OK"));
    drop(client);
    assert_eq!(server.violations(), ["Expunge: UID 3 was marked by another client alone"]);
    assert_eq!(server.store().uids("INBOX"), [2, 4]);
}

#[test]
fn literals_without_the_capability_are_reported_and_others_get_a_continuation() {
    for (capabilities, octets, wrong) in
        [("LITERAL+", 5000, false), ("LITERAL-", 4096, false), ("LITERAL-", 4097, true), ("IDLE", 1, true)]
    {
        let server = server().after_login(capabilities).start();
        let mut client = Client::login(&server);
        let body = "x".repeat(octets - 1);
        client.send(format!("b APPEND Sent {{{octets}+}}\r\n{body}\n\r\n"));
        assert!(client.until("b ").contains("b OK done"));
        drop(client);
        let violations = server.violations();
        let told = violations.iter().any(|one| one.starts_with("Unannounced: a literal"));
        assert_eq!(told, wrong, "{capabilities} {octets}: {violations:#?}");
        assert!(violations.contains(&"Content: bare CR, bare LF or NUL in APPEND".to_owned()));
    }
}
