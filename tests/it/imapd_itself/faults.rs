//! Every fault of one message, as it appears on the wire; the other messages are not affected.

use super::client::Client;
use crate::support::imapd::Imapd;
use crate::support::imapd::quirks::{Fault, Gate};
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::peer::End;
use crate::support::pop3d::Mode;

const BODIES: [&str; 3] = ["a: 1\r\n\r\nx", "one \\ \"two\"", "a: 3\r\n\r\nz"];

/// The responses to `UID FETCH 1:3` if message 2 has a fault.
fn fetched(fault: Fault) -> String {
    let server = Imapd::for_store(&ImapStore::of(BODIES)).mode(Mode::Plain).fault(2, fault).start();
    let mut client = Client::select(&server);
    client.ask("UID FETCH 1:3 (RFC822.SIZE FLAGS BODY.PEEK[])")
}

fn row(number: usize) -> String {
    let body = BODIES[number - 1];
    let size = body.len();
    format!("* {number} FETCH (UID {number} RFC822.SIZE {size} FLAGS () BODY[] {{{size}}}\r\n{body})\r\n")
}

/// Checks that the rows of 1 and 3 are good, and returns those of 2.
#[track_caller]
fn assert_row(fault: Fault, wanted: &str) {
    let name = format!("{fault:?}");
    let whole = format!("{}{wanted}{}a3 OK done\r\n", row(1), row(3));
    assert_eq!(fetched(fault), whole, "{name}");
}

#[test]
fn a_body_can_be_missing_or_in_another_form() {
    let head = "* 2 FETCH (UID 2 RFC822.SIZE 11 FLAGS ()";
    let body = "one \\ \"two\"";
    for (fault, rest) in [
        (Fault::Nil, " BODY[] NIL)\r\n".to_owned()),
        (Fault::Empty, " BODY[] \"\")\r\n".to_owned()),
        (Fault::Quoted, " BODY[] \"one \\\\ \\\"two\\\"\")\r\n".to_owned()),
        (Fault::NoBody, ")\r\n".to_owned()),
        (Fault::Miscounted(-4), format!(" BODY[] {{7}}\r\n{body})\r\n")),
        (Fault::Miscounted(10), format!(" BODY[] {{21}}\r\n{body})\r\n")),
        (Fault::Announced("~{11}"), format!(" BODY[] ~{{11}}\r\n{body})\r\n")),
        (Fault::Announced("{-1}"), format!(" BODY[] {{-1}}\r\n{body})\r\n")),
        (Fault::Named("RFC822"), format!(" RFC822 {{11}}\r\n{body})\r\n")),
        (Fault::Named("BODY[]<0>"), format!(" BODY[]<0> {{11}}\r\n{body})\r\n")),
        (
            Fault::ItemBehind("X (\"NIL)\" {3}\r\n)\r\n)"),
            format!(" BODY[] {{11}}\r\n{body} X (\"NIL)\" {{3}}\r\n)\r\n))\r\n"),
        ),
    ] {
        assert_row(fault, &format!("{head}{rest}"));
    }
    assert_row(Fault::Silent, "");
}

#[test]
fn a_row_can_be_out_of_order_or_hold_something_else() {
    let items = "RFC822.SIZE 11 FLAGS () BODY[] {11}\r\none \\ \"two\"";
    for (fault, wanted) in [
        (Fault::UidBehind, format!("* 2 FETCH ({items} UID 2)\r\n")),
        (Fault::NoUid, format!("* 2 FETCH ({items})\r\n")),
        (Fault::WrongUid(3), format!("* 2 FETCH (UID 3 {items})\r\n")),
        (Fault::Number(0), format!("* 0 FETCH (UID 2 {items})\r\n")),
        (Fault::ItemAhead("X-ODD {0}\r\n"), format!("* 2 FETCH (X-ODD {{0}}\r\n UID 2 {items})\r\n")),
        (Fault::Item("RFC822.SIZE", Some("9.3736e+06")), row(2).replace("SIZE 11", "SIZE 9.3736e+06")),
        (Fault::Item("RFC822.SIZE", None), row(2).replace("RFC822.SIZE 11 ", "")),
        (Fault::Item("FLAGS", Some("(\\* NIL \"a\")")), row(2).replace("FLAGS ()", "FLAGS (\\* NIL \"a\")")),
        (Fault::Item("INTERNALDATE", Some("\"00-Jan-0000\"")), row(2)),
        (Fault::Times(2), row(2) + &row(2)),
        (Fault::Parted, format!("* 2 FETCH (UID 2 FLAGS ())\r\n{}", row(2).replace(" FLAGS ()", ""))),
        (
            Fault::Ahead("* 9 EXISTS\r\n* VANISHED 1:5\r\n"),
            format!("* 9 EXISTS\r\n* VANISHED 1:5\r\n{}", row(2)),
        ),
        (Fault::Behind("a9 OK done\r\n"), format!("{}a9 OK done\r\n", row(2))),
    ] {
        assert_row(fault, &wanted);
    }
    let answer = fetched(Fault::TwiceUnequal);
    assert!(
        answer.contains(&row(2)) && answer.contains("Retrieval using the IMAP4 protocol failed"),
        "{answer}"
    );
}

#[test]
fn a_command_or_the_connection_can_end_at_a_message() {
    let refused = "NO [UNAVAILABLE] UID FETCH Server error";
    assert_eq!(fetched(Fault::Refused(refused)), format!("{}a3 {refused}\r\n", row(1)));
    assert_eq!(fetched(Fault::EndsAhead("* BYE\r\n", End::Close)), format!("{}* BYE\r\n", row(1)));
    let cut = fetched(Fault::CutInside(3, End::Close));
    assert!(cut.ends_with("BODY[] {11}\r\none"), "{cut}");
}

#[test]
fn the_server_waits_in_a_literal_until_it_is_let_go() {
    let gate = Gate::default();
    let server = Imapd::for_store(&ImapStore::of(BODIES))
        .mode(Mode::Plain)
        .fault(2, Fault::PauseInside(5, gate.clone()))
        .start();
    let mut client = Client::select(&server);
    client.send("f UID FETCH 2 BODY.PEEK[]\r\n");
    assert_eq!(client.line(), "* 2 FETCH (UID 2 BODY[] {11}\r\n");
    gate.await_arrival();
    server.store().mark("INBOX", 1, "\\Deleted");
    gate.open();
    assert_eq!(client.line(), "one \\ \"two\")\r\n");
    assert!(client.until("f ").contains("* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\nf OK"));
}

#[test]
fn a_message_that_cannot_be_read_has_a_made_up_text_for_those_who_do_not_peek() {
    let server = Imapd::for_store(&ImapStore::of(BODIES)).mode(Mode::Plain).fault(2, Fault::Silent).start();
    let mut client = Client::select(&server);
    assert_eq!(client.ask("UID FETCH 2 (BODY.PEEK[])"), "a3 OK done\r\n");
    assert!(client.ask("UID FETCH 2 (BODY[])").contains("Retrieval using the IMAP4 protocol failed"));
    assert!(client.ask("UID FETCH 2 (RFC822.SIZE)").starts_with("* 2 FETCH (UID 2 RFC822.SIZE 11)"));
}

#[test]
fn faults_are_of_one_folder_of_all_messages_for_a_time_and_can_be_healed() {
    let store = ImapStore::of(BODIES);
    store.create(Folder::new("Sent"));
    store.deliver("Sent", b"x");
    let server = Imapd::for_store(&store)
        .mode(Mode::Plain)
        .fault_in("Sent", 1, Fault::NoBody)
        .fault_times(1, 2, Fault::Nil)
        .fault_everywhere(Fault::Item("FLAGS", Some("NIL")))
        .start();
    let mut client = Client::select(&server);
    assert!(
        client
            .ask("UID FETCH 1:2 FLAGS")
            .starts_with("* 1 FETCH (UID 1 FLAGS NIL)\r\n* 2 FETCH (UID 2 FLAGS NIL)")
    );
    assert!(client.ask("UID FETCH 2 BODY.PEEK[]").contains("BODY[] NIL"));
    assert!(client.ask("UID FETCH 2 BODY.PEEK[]").contains("BODY[] {11}"));
    assert!(client.ask("UID FETCH 1 BODY.PEEK[]").contains("BODY[] {9}"));
    server.add_fault(1, Fault::Empty);
    assert!(client.ask("UID FETCH 1 BODY.PEEK[]").contains("BODY[] \"\""));
    client.ask("EXAMINE Sent");
    assert!(client.ask("UID FETCH 1 BODY.PEEK[]").starts_with("* 1 FETCH (UID 1)"));
    server.heal();
    assert!(
        client
            .ask("UID FETCH 1 (FLAGS BODY.PEEK[])")
            .starts_with("* 1 FETCH (UID 1 FLAGS () BODY[] {1}\r\nx)")
    );
}
