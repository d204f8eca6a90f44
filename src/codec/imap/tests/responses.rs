//! Every other response.

use super::super::response::SearchResult;
use super::super::rows::{Namespace, Namespaces};
use super::*;

fn list(line: &str) -> (Vec<String>, Option<u8>, String, bool) {
    let mut found = None;
    with_response(&format!("{line}\r\n"), |response| {
        let Response::List(row) = response else { panic!("{line}: {response:?}") };
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let attributes = row.attributes.iter().map(|name| text(&name)).collect();
        found = Some((attributes, row.delimiter, text(&row.name), row.is_lsub));
    });
    found.unwrap()
}

#[test]
fn mailboxes_are_listed_in_many_ways() {
    for (line, attributes, delimiter, name) in [
        ("* LIST (\\Noselect) \"/\" ~/Mail/foo", &["\\Noselect"][..], Some(b'/'), "~/Mail/foo"),
        ("* list () \".\" INBOX", &[], Some(b'.'), "INBOX"),
        (
            "* LIST (\\Sent \\HasNoChildren) NIL \"Sent Items\"",
            &["\\Sent", "\\HasNoChildren"],
            None,
            "Sent Items",
        ),
        ("* LIST () \"\\\\\" \"a\\\\b\\\"c\"", &[], Some(b'\\'), "a\\b\"c"),
        ("* LIST () \"\\\\\" {5}\r\na\"b\\c", &[], Some(b'\\'), "a\"b\\c"),
        ("* LIST () {1}\r\n. {0}\r\n", &[], Some(b'.'), ""),
        ("* LIST () \"ab\" x", &[], None, "x"),
        ("* LIST () \"\" x", &[], None, "x"),
        ("* LIST NIL \"/\" x", &[], Some(b'/'), "x"),
        ("* LIST (\\HasNoChildren) \"/\" Tab\there", &[], Some(b'/'), "Tab\there"),
        ("* LIST () \"/\" not quoted (at all)", &[], Some(b'/'), "not quoted (at all)"),
        ("* LIST () \"/\" [Gmail]/Sent", &[], Some(b'/'), "[Gmail]/Sent"),
        ("* LIST () \"/\" a{5}b", &[], Some(b'/'), "a{5}b"),
        ("* LIST () \"/\" it\"s", &[], Some(b'/'), "it\"s"),
        ("* LIST () \"/\" \"\"", &[], Some(b'/'), ""),
        ("* LIST () \"/\" \"gr\u{fc}n\"", &[], Some(b'/'), "gr\u{fc}n"),
        ("* LIST () \"/\" NIL", &[], Some(b'/'), "NIL"),
        ("* LIST () \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))", &[], Some(b'/'), "a"),
        ("* LIST () \"/\" \"a b\" (\"OLDNAME\" (\"c\"))", &[], Some(b'/'), "a b"),
        ("* LIST(\\X) \"/\" a", &["\\X"], Some(b'/'), "a"),
    ] {
        let (found, found_delimiter, found_name, is_lsub) = list(line);
        assert_eq!((found_delimiter, &*found_name, is_lsub), (delimiter, name, false), "{line}");
        assert!(attributes.is_empty() || found == attributes, "{line}: {found:?}");
    }
    assert!(list("* LSUB () \".\" a").3);
    let long = |len: usize| format!("* LIST () \"/\" \"{}\"\r\n", "x".repeat(len));
    assert!(hear(long(1000).as_bytes()).is_ok());
    assert!(hear(long(1001).as_bytes()).is_err());
}

#[test]
fn the_numbers_of_a_mailbox_are_told_as_far_as_they_are_numbers() {
    for (line, name, want) in [
        (
            "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 UIDVALIDITY 1666390893380 UNSEEN 0)",
            "blurdybloop",
            [Some(231), Some(0), Some(44_292), Some(1_666_390_893_380)],
        ),
        ("* STATUS \"a (b)\" (messages 1)", "a (b)", [Some(1), None, None, None]),
        ("* STATUS {3}\r\na)b (UNSEEN 1)", "a)b", [None, Some(1), None, None]),
        ("* STATUS not quoted (at all) (UIDVALIDITY 0)", "not quoted (at all)", [None, None, None, Some(0)]),
        ("* STATUS INBOX ()", "INBOX", [None; 4]),
        ("* STATUS INBOX", "INBOX", [None; 4]),
        (
            "* STATUS INBOX (MESSAGES -1 UIDNEXT NIL X (y z) UNSEEN \"3\")",
            "INBOX",
            [None, Some(3), None, None],
        ),
        ("* STATUS INBOX (MESSAGES 1 UNSEEN)", "INBOX", [Some(1), None, None, None]),
    ] {
        with_response(&format!("{line}\r\n"), |response| {
            let Response::MailboxStatus(found) = response else { panic!("{line}: {response:?}") };
            assert_eq!(&*found.name, name.as_bytes(), "{line}");
            assert_eq!([found.messages, found.unseen, found.uidnext, found.uidvalidity], want, "{line}");
        });
    }
    with_response("* STATUS x (MAILBOXID (F2212ea8) HIGHESTMODSEQ 7)\r\n", |response| {
        let Response::MailboxStatus(found) = response else { panic!("{response:?}") };
        assert_eq!((found.mailbox_id, found.highest_modseq), (Some(&b"F2212ea8"[..]), Some(7)));
    });
}

#[test]
fn namespaces_have_prefixes() {
    let line =
        "* NAMESPACE ((\"INBOX.\" \".\")(\"\" \"/\" \"X-P\" (\"y\"))) NIL ((\"#shared/\" NIL) NIL)\r\n";
    with_response(line, |response| {
        let Response::Namespace(found) = response else { panic!("{response:?}") };
        let told = |one: &[Namespace<'_>]| -> Vec<(Vec<u8>, Option<u8>)> {
            one.iter().map(|one| (one.prefix.to_vec(), one.delimiter)).collect()
        };
        assert_eq!(told(&found.personal), [(b"INBOX.".to_vec(), Some(b'.')), (vec![], Some(b'/'))]);
        assert!(found.others.is_empty());
        assert_eq!(told(&found.shared), [(b"#shared/".to_vec(), None)]);
    });
    with_response("* NAMESPACE NIL\r\n", |response| {
        assert_eq!(response, Response::Namespace(Namespaces::default()));
    });
}

#[test]
fn statuses_are_what_they_say() {
    use Condition::{Bye, PreAuth, Status as Is};
    for (line, condition, code, text) in [
        ("* OK ready", Is(Status::Ok), None, "ready"),
        ("* ok [ALERT] x", Is(Status::Ok), Some(ResponseCode::Alert), "x"),
        ("* NO", Is(Status::No), None, ""),
        ("* BAD [PARSE]", Is(Status::Bad), Some(ResponseCode::Parse), ""),
        ("* BYE going (", Bye, None, "going ("),
        ("* Preauth x {5}", PreAuth, None, "x {5}"),
    ] {
        with_response(&format!("{line}\r\n"), |response| {
            let text = text.as_bytes();
            assert_eq!(response, Response::Untagged { condition, code, text }, "{line}");
        });
    }
    for (line, tag, status, code, text) in [
        ("p1 OK done", "p1", Status::Ok, None, "done"),
        ("P1 ok", "P1", Status::Ok, None, ""),
        ("a.b]7 NO [TRYCREATE] no \"", "a.b]7", Status::No, Some(ResponseCode::TryCreate), "no \""),
        ("p22  Bad  [X (] y", "p22", Status::Bad, Some(ResponseCode::Other(b"X (")), "y"),
    ] {
        with_response(&format!("{line}\r\n"), |response| {
            let (tag, text) = (tag.as_bytes(), text.as_bytes());
            assert_eq!(response, Response::Tagged { tag, status, code, text }, "{line}");
        });
    }
    for (line, text) in
        [("+", ""), ("+ ", ""), ("+ idling", "idling"), ("+ PDE4OTY+ x {5}", "PDE4OTY+ x {5}")]
    {
        with_response(&format!("{line}\r\n"), |response| {
            assert_eq!(response, Response::Continue(text.as_bytes()))
        });
    }
}

#[test]
fn small_data_are_read_and_the_unknown_is_passed_over() {
    let set = |text: &str| UidSet::parse(text.as_bytes()).unwrap();
    for (line, want) in [
        ("* 23 EXISTS", Response::Exists(23)),
        ("* 0 exists", Response::Exists(0)),
        ("* 5 RECENT", Response::Recent(5)),
        ("* 0 EXPUNGE", Response::Expunge(0)),
        ("* 99999999999 EXISTS", Response::Unknown(b"EXISTS")),
        ("* -1 EXISTS", Response::Unknown(b"-1")),
        ("* VANISHED (EARLIER) 1:5", Response::Vanished { earlier: true, uids: set("1:5") }),
        ("* VANISHED 7,9", Response::Vanished { earlier: false, uids: set("7,9") }),
        ("* VANISHED *", Response::Unknown(b"VANISHED")),
        ("* ENABLED CONDSTORE X", Response::Enabled(b"CONDSTORE X")),
        ("* CAPABILITY IMAP4rev1 {5}", Response::Capability(b"IMAP4rev1 {5}")),
        ("* ID (\"name\" \"x\")", Response::Id(b"(\"name\" \"x\")")),
        ("* ID NIL", Response::Id(b"NIL")),
        ("* FLAGS 5", Response::Unknown(b"FLAGS")),
        ("* XYZ (a (b \")\") {3}\r\n)\"( c", Response::Unknown(b"XYZ")),
        ("* 5 UIDFETCH (FLAGS ())", Response::Unknown(b"UIDFETCH")),
        ("* Still here", Response::Unknown(b"Still")),
        ("* QUOTAROOT INBOX \"\"", Response::Unknown(b"QUOTAROOT")),
    ] {
        with_response(&format!("{line}\r\n"), |response| assert_eq!(response, want, "{line}"));
    }
    with_response("* FLAGS (\\Seen \\Draft)\r\n", |response| {
        let Response::Flags(names) = response else { panic!("{response:?}") };
        assert!(names.contains("\\draft"));
    });
    with_response("* ESEARCH (TAG \"p4\") UID ALL 1:3,7\r\n", |response| {
        let numbers = set("1:3,7");
        assert_eq!(
            response,
            Response::Search(SearchResult { tag: Some(b"p4".to_vec()), is_uid: true, numbers })
        );
    });
}
