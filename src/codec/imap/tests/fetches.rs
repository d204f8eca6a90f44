//! What FETCH responses say.

use super::*;

fn with_fetch(items: &str, check: impl FnOnce(FetchItems<'_>)) {
    with_response(&format!("* 12 FETCH ({items})\r\n"), |response| match response {
        Response::Fetch(items) => check(items),
        other => panic!("{other:?}"),
    });
}

#[test]
fn items_are_found_in_any_order_and_in_any_letters() {
    let items = [
        "UID 4827313",
        "rfc822.size 44827",
        "Flags (\\Seen $Forwarded)",
        "INTERNALDATE \" 1-Jan-1970 01:00:00 +0100\"",
        "EMAILID (M6d99ac3275bb4e)",
        "X-GM-MSGID 1278455344230334865",
        "X-GM-LABELS (\\Inbox \"\\\\Sent\" Important \"Muy Importante\")",
        "MODSEQ (12111230047)",
        "BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"us-ascii\") NIL NIL \"7BIT\" 1 1)(\"a\" \"b\") \"MIXED\")",
        "BODY[HEADER.FIELDS (DATE FROM)] {9}\r\nDate: x\r\n",
        "body[] {7}\r\nUID 9)\n",
    ];
    for turn in 0..items.len() {
        let mut turned = items.to_vec();
        turned.rotate_left(turn);
        with_fetch(&turned.join(" "), |items| {
            assert_eq!((items.number, items.uid, items.size), (12, Some(4_827_313), Some(44_827)));
            let flags = items.flags.unwrap();
            assert!(flags.iter().eq(["\\Seen", "$Forwarded"].map(|flag| flag.as_bytes().to_vec())));
            assert_eq!(items.internal_date, Some(InternalDate { seconds: 0, offset: 3600 }));
            assert_eq!(items.email_id.as_deref(), Some(&b"M6d99ac3275bb4e"[..]));
            assert_eq!(items.gm_msgid, Some(1_278_455_344_230_334_865));
            assert_eq!(items.header.as_deref(), Some(&b"Date: x\r\n"[..]));
            assert_eq!(items.body, Body::Literal);
        });
    }
}

#[test]
fn a_body_is_a_string_named_so() {
    for (items, want) in [
        ("UID 1", Body::Absent),
        ("", Body::Absent),
        ("UID 1 BODY[] NIL", Body::Nil),
        ("UID 1 BODY[]", Body::Nil),
        ("UID 1 BODY[] 5", Body::Nil),
        ("UID 1 BODY[] (a)", Body::Nil),
        ("UID 1 BODY[] \"\"", Body::Quoted(b""[..].into())),
        ("UID 1 BODY[] \"a \\\"b\\\" \\\\ NIL)\"", Body::Quoted(b"a \"b\" \\ NIL)"[..].into())),
        ("UID 1 BODY[]\"x\"", Body::Quoted(b"x"[..].into())),
        ("UID 1 BODY[] \"\u{fc}\"", Body::Quoted("\u{fc}".as_bytes().into())),
        ("UID 1 BODY[] {0}\r\n", Body::Literal),
        ("UID 1 Body[] {2}\r\n))", Body::Literal),
        ("UID 1 BODY[]{2}\r\n))", Body::Literal),
        ("UID 1 BODY[]<0> {2}\r\n))", Body::Absent),
        ("UID 1 BODY[]<0> \"x\"", Body::Absent),
        ("UID 1 RFC822 {2}\r\n))", Body::Absent),
        ("UID 1 BODY[1] {2}\r\n))", Body::Absent),
        ("UID 1 BODY[TEXT] {2}\r\n))", Body::Absent),
        ("UID 1 BODY {2}\r\n))", Body::Absent),
        ("UID 1 X-BODY[] {2}\r\n))", Body::Absent),
        ("UID 1 X (BODY[] {2}\r\n)))", Body::Absent),
    ] {
        with_fetch(items, |found| assert_eq!(found.body, want, "{items}"));
    }
    for second in ["{1}\r\nb", "NIL", "\"b\""] {
        let items = format!("* 1 FETCH (BODY[] {{1}}\r\na BODY[] {second})\r\n");
        assert!(hear(items.as_bytes()).is_err(), "one message has one body");
    }
}

#[test]
fn what_stands_before_the_body_is_known_when_it_begins() {
    for (before, behind) in [
        ("UID 5 FLAGS (\\Seen) RFC822.SIZE 3 ", ""),
        ("FLAGS (\\Seen) UID 5 RFC822.SIZE 3 ", ""),
        ("UID 5 RFC822.SIZE {1}\r\n3 FLAGS ({5}\r\n\\Seen) ", " X y"),
    ] {
        let heard = hear(format!("* 12 FETCH ({before}BODY[] {{3}}\r\nabc{behind})\r\n").as_bytes()).unwrap();
        let [(body, known)] = &heard.bodies[..] else { panic!("{heard:?}") };
        assert_eq!(body, b"abc");
        assert!(known.contains("uid: Some(5), size: Some(3)") && known.contains("body: Absent"), "{known}");
        let then = known.replace("body: Absent", "body: Literal");
        assert_eq!(heard.responses, [format!("Fetch({then})")], "{before}");
    }
    let heard = hear(b"* 12 FETCH (BODY[] {3}\r\nabc UID 5)\r\n").unwrap();
    assert!(heard.bodies[0].1.contains("uid: None") && heard.responses[0].contains("uid: Some(5)"));
}

#[test]
fn a_uid_is_a_number_or_nothing_is_believed() {
    for bad in ["-1", "4294967296", "9.3736e+06", "x", "NIL", "(5)", "+5", "\"\"", "", "5 UID 6"] {
        for items in
            [format!("UID {bad}"), format!("UID {bad} BODY[] {{3}}\r\nabc"), format!("X y UID {bad}")]
        {
            assert!(hear(format!("* 1 FETCH ({items})\r\n").as_bytes()).is_err(), "{items}");
        }
    }
    // Not even a body is read for it.
    assert!(Assembly::new().line(b"* 1 FETCH (UID x BODY[] {3}").is_err());
    assert!(hear(b"* 1 FETCH (UID 5 BODY[] {3}\r\nabc UID 6)\r\n").is_err());
    for (items, uid) in [
        ("UID 5 UID 5", Some(5)),
        ("UID {1}\r\n5", Some(5)),
        ("UID \"5\"", Some(5)),
        ("UID 0", None),
        ("UID 4294967295", Some(u32::MAX)),
        // Proton's.
        ("UID, NIL RFC822.SIZE 5", None),
        ("FLAGS ()", None),
    ] {
        with_fetch(items, |found| assert_eq!(found.uid, uid, "{items}"));
    }
}

#[test]
fn odd_values_are_no_values() {
    for items in [
        "RFC822.SIZE -1",
        "RFC822.SIZE 9.3736e+06",
        "RFC822.SIZE 99999999999999999999",
        "RFC822.SIZE NIL",
        "RFC822.SIZE (1)",
        "RFC822.SIZE",
        "INTERNALDATE \"00-Jan-0000 00:00:00 +0000\"",
        "INTERNALDATE NIL",
        "INTERNALDATE \"\"",
        "INTERNALDATE \"01-Jan-2020 00:00:00 +9999\"",
        "X-GM-MSGID -5",
        "EMAILID NIL FLAGS 5",
        "BODY[HEADER] NIL",
        "BODY[HEADER.FIELDS (X)]<0> {2}\r\nxx",
    ] {
        with_fetch(items, |found| {
            assert_eq!(
                found,
                FetchItems { number: 12, email_id: found.email_id.clone(), ..FetchItems::default() },
                "{items}"
            );
        });
    }
    with_fetch("FLAGS NIL RFC822.SIZE 007", |found| {
        assert_eq!((found.flags, found.size), (Some(Names::default()), Some(7)));
    });
    with_fetch(
        "FLAGS (\\SEEN \"\\\\Draft\" NIL \u{fc} {8}\r\n\\Deleted \\*) BODY[HEADER] \"a\\\"\"",
        |found| {
            let flags = found.flags.unwrap();
            assert!(["\\Seen", "\\Draft", "\\Deleted"].iter().all(|flag| flags.contains(flag)));
            assert!(!flags.contains("\\Answered"));
            assert_eq!(found.header.as_deref(), Some(&b"a\""[..]));
        },
    );
    with_response("* 0 FETCH (FLAGS ())\r\n", |response| assert!(matches!(response, Response::Fetch(_))));
    with_response("* 3 fetch(UID 5)\r\n", |response| {
        assert!(matches!(response, Response::Fetch(FetchItems { number: 3, uid: Some(5), .. })));
    });
}

#[test]
fn what_others_misread_is_read() {
    // A name that holds `NIL)`, and a body that looks like a dialogue (fetchmail, omamail).
    let body = "X-Spam-Flag: NO\r\np1 NO [ALERT] x {99}\r\n* BYE\r\n)\r\np1 OK done {3}\r\n";
    let items = format!("UID 1 X \"NIL)\" Y (NIL) BODY[] {{{}}}\r\n{body}", body.len());
    let heard = hear(format!("* 12 FETCH ({items})\r\np1 OK done\r\n").as_bytes()).unwrap();
    assert_eq!(heard.responses.len(), 2);
    assert_eq!(heard.bodies[0].0, body.as_bytes());
}
