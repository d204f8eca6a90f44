//! Commands, as they stand on the line.

use super::super::line::CommandPart;
use super::*;
use crate::words::Secret;

/// The lines of a command, literals between them, and what is shown of them.
fn lines(command: &Command, literals: Literals) -> (Vec<String>, Vec<String>, Vec<bool>) {
    let mut tags = Tags::default();
    let parts = command.parts(tags.fresh(), literals);
    let text = |part: &CommandPart| {
        let octets = [part.literal.expose(), part.line.expose()].concat();
        assert!(part.line.expose().iter().all(|octet| !b"\r\n\0".contains(octet)));
        String::from_utf8_lossy(&octets).into_owned()
    };
    (
        parts.iter().map(text).collect(),
        parts.iter().map(|part| part.shown.clone()).collect(),
        parts.iter().map(|part| part.awaits).collect(),
    )
}

fn line(command: Command) -> String {
    let (lines, shown, awaits) = lines(&command, Literals::Awaited);
    assert_eq!((lines.len(), awaits), (1, vec![false]));
    assert_eq!(lines, shown);
    lines[0].strip_prefix("p1 ").unwrap().to_owned()
}

fn mailbox(name: &str) -> MailboxName {
    MailboxName::new(name).unwrap()
}

#[test]
fn commands_read_as_the_rfcs_have_them() {
    let uids = UidSet::parse(b"1:3,7").unwrap();
    let status = [StatusItem::UidValidity, StatusItem::UidNext, StatusItem::Messages];
    let fields = ["DATE", "FROM"];
    let items = [FetchItem::Uid, FetchItem::Size, FetchItem::HeaderFields(&fields), FetchItem::Body];
    let all = [FetchItem::Flags, FetchItem::InternalDate, FetchItem::Header];
    for (command, text) in [
        (Command::capability(), "CAPABILITY"),
        (Command::logout(), "LOGOUT"),
        (Command::starttls(), "STARTTLS"),
        (Command::namespace(), "NAMESPACE"),
        (Command::idle(), "IDLE"),
        (Command::id(&[]), "ID NIL"),
        (
            Command::id(&[("name", "postie"), ("version", "1.0")]),
            "ID (\"name\" \"postie\" \"version\" \"1.0\")",
        ),
        (Command::authenticate("PLAIN", None), "AUTHENTICATE PLAIN"),
        (Command::authenticate("EXTERNAL", Some(&Secret::new(""))), "AUTHENTICATE EXTERNAL ="),
        (Command::list(&mailbox("*"), false, &[]), "LIST \"\" \"*\""),
        (
            Command::list(&mailbox("*"), true, &status),
            "LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (UIDVALIDITY UIDNEXT MESSAGES))",
        ),
        (Command::list(&mailbox("a/%"), true, &[]), "LIST \"\" \"a/%\" RETURN (SPECIAL-USE)"),
        (Command::status(&mailbox("a b"), &[StatusItem::Unseen]), "STATUS \"a b\" (UNSEEN)"),
        (Command::examine(&MailboxName::inbox()), "EXAMINE INBOX"),
        (Command::select(&mailbox("a\"b\\c")), "SELECT \"a\\\"b\\\\c\""),
        (Command::select(&mailbox("[Gmail]/Sent")), "SELECT \"[Gmail]/Sent\""),
        (Command::uid_search(&[Criterion::All], true), "UID SEARCH RETURN (ALL) ALL"),
        (
            Command::uid_search(&[Criterion::Deleted, Criterion::Uids(&uids), Criterion::Unseen], false),
            "UID SEARCH DELETED UID 1:3,7 UNSEEN",
        ),
        (
            Command::uid_search(&[Criterion::Header("MESSAGE-ID", "<a\"b@c>")], false),
            "UID SEARCH HEADER MESSAGE-ID \"<a\\\"b@c>\"",
        ),
        (
            Command::uid_fetch(&uids, &items),
            "UID FETCH 1:3,7 (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM)] BODY.PEEK[])",
        ),
        (Command::uid_fetch(&uids, &all), "UID FETCH 1:3,7 (FLAGS INTERNALDATE BODY.PEEK[HEADER])"),
        (Command::mark_deleted(&uids), "UID STORE 1:3,7 +FLAGS.SILENT (\\Deleted)"),
        (Command::uid_expunge(&uids), "UID EXPUNGE 1:3,7"),
        (Command::expunge_all_marked(), "EXPUNGE"),
        (Command::uid_move(&uids, &mailbox("NIL")), "UID MOVE 1:3,7 \"NIL\""),
        (Command::uid_copy(&uids, &mailbox("Trash")), "UID COPY 1:3,7 Trash"),
    ] {
        assert_eq!(line(command), text);
    }
}

#[test]
fn names_are_quoted_as_far_as_they_can_be() {
    for (name, text) in [
        ("INBOX.Sent", "INBOX.Sent"),
        ("a\tb", "\"a\tb\""),
        ("(a)", "\"(a)\""),
        ("a*", "\"a*\""),
        ("{5}", "\"{5}\""),
        ("&BB4-", "&BB4-"),
        ("nil", "\"nil\""),
        (" ", "\" \""),
        ("~a", "\"~a\""),
    ] {
        assert_eq!(line(Command::select(&mailbox(name))), format!("SELECT {text}"));
    }
    for name in ["gr\u{fc}n", "a\nb", "a\r\np2 EXPUNGE", "\u{7f}"] {
        let (lines, shown, awaits) =
            lines(&Command::uid_copy(&UidSet::range(1, 2), &mailbox(name)), Literals::Awaited);
        assert_eq!(lines, [format!("p1 UID COPY 1:2 {{{}}}", name.len()), name.to_owned()]);
        assert_eq!((shown, awaits), (lines, vec![true, false]));
    }
    assert!(MailboxName::new("a\0b").is_none() && MailboxName::new("").is_none());
    assert!(MailboxName::new("x".repeat(1000)).is_some() && MailboxName::new("x".repeat(1001)).is_none());
    assert!(mailbox("inBox").is_inbox() && !mailbox("INBOX/a").is_inbox());
}

#[test]
fn names_of_mailboxes_alone_are_in_utf8_where_that_is_enabled() {
    for (name, text) in [
        ("gr&APw-n", "\"gr\u{fc}n\""),
        ("R&-D", "\"R&D\""),
        ("a \"b\\", "\"a \\\"b\\\\\""),
        ("INBOX", "\"INBOX\""),
    ] {
        assert_eq!(line(Command::select(&mailbox(name)).in_utf8()), format!("SELECT {text}"));
        assert_eq!(line(Command::list(&mailbox(name), false, &[]).in_utf8()), format!("LIST \"\" {text}"));
    }
    // Not a name in modified UTF-7, and one that would end the line.
    for name in ["gr\u{fc}n", "a&", "&AAoADQ-"] {
        let command = Command::uid_copy(&UidSet::range(1, 2), &mailbox(name));
        assert_eq!(
            lines(&command.in_utf8(), Literals::Awaited),
            lines(&command, Literals::Awaited),
            "{name}"
        );
    }
    let id = Command::id(&[("a", "&APw-")]);
    assert_eq!(line(id.in_utf8()), line(id), "no name of a mailbox");
}

#[test]
fn literals_wait_where_the_server_may_refuse_them() {
    let plus = Literals::of(&Capabilities::parse(b"LITERAL+"));
    let minus = Literals::of(&Capabilities::parse(b"LITERAL-"));
    let none = Literals::of(&Capabilities::parse(b"IMAP4rev1"));
    assert_eq!((plus, minus, none), (Literals::SmallUnasked, Literals::SmallUnasked, Literals::Awaited));
    let command = Command::select(&mailbox("\u{fc}"));
    assert_eq!(lines(&command, plus).0, ["p1 SELECT {2+}", "\u{fc}"]);
    assert_eq!(lines(&command, plus).2, [false, false]);
    for (octets, literals, header, awaits) in [
        (4096, Literals::SmallUnasked, "{4096+}", false),
        (4097, Literals::SmallUnasked, "{4097}", true),
        (5, Literals::Awaited, "{5}", true),
        (u64::MAX, Literals::SmallUnasked, "{18446744073709551615}", true),
    ] {
        let date = InternalDate { seconds: 0, offset: 0 };
        let (lines, _, waits) =
            lines(&Command::append(&mailbox("Sent"), &["\\Seen"], Some(date), octets, false), literals);
        assert_eq!(lines, [format!("p1 APPEND Sent (\\Seen) \"01-Jan-1970 00:00:00 +0000\" {header}")]);
        assert_eq!(waits, [awaits]);
    }
    let (lines, _, awaits) =
        lines(&Command::append(&mailbox("\u{fc}"), &[], None, 7, false), Literals::Awaited);
    assert_eq!(lines, ["p1 APPEND {2}", "\u{fc} {7}"]);
    assert_eq!(awaits, [true, true]);
}

#[test]
fn secrets_do_not_show() {
    for (secret, want) in [
        ("hunter2", vec!["p1 LOGIN ana \"hunter2\""]),
        ("a\"b\\", vec!["p1 LOGIN ana \"a\\\"b\\\\\""]),
        ("p\u{e4}ss", vec!["p1 LOGIN ana {5}", "p\u{e4}ss"]),
        ("", vec!["p1 LOGIN ana \"\""]),
    ] {
        let command = Command::login("ana", &Secret::new(secret)).unwrap();
        let (lines, shown, _) = lines(&command, Literals::Awaited);
        assert_eq!(lines, want);
        let shown = shown.join("");
        assert!(shown.contains("[redacted]") && (secret.is_empty() || !shown.contains(secret)), "{shown}");
        let debug = format!("{command:?} {:?}", command.parts(Tags::default().fresh(), Literals::Awaited));
        assert!(secret.is_empty() || !debug.contains(secret), "{debug}");
    }
    let command = Command::authenticate("PLAIN", Some(&Secret::new("AGFuYQBwYXNz")));
    let (lines, shown, _) = lines(&command, Literals::Awaited);
    assert_eq!(lines, ["p1 AUTHENTICATE PLAIN AGFuYQBwYXNz"]);
    assert_eq!(shown, ["p1 AUTHENTICATE PLAIN [redacted]"]);
    assert!(Command::login("a\0b", &Secret::new("x")).is_none());
    assert!(Command::login("a", &Secret::new("x\0")).is_none());
}

#[test]
fn tags_are_known_again_in_their_own_letters() {
    let mut tags = Tags::default();
    let (one, two) = (tags.fresh(), tags.fresh());
    assert_eq!((one.to_string(), two.to_string()), ("p1".to_owned(), "p2".to_owned()));
    assert!(two.is(b"p2"));
    for other in [&b"p1"[..], b"P2", b"p02", b"p2 ", b"2", b"p", b"p22", b""] {
        assert!(!two.is(other));
    }
}
