//! Where responses begin and end.

use super::*;

#[test]
fn a_response_ends_where_it_ends_and_nowhere_before() {
    for octets in WHOLE {
        let whole = hear(octets.as_bytes()).unwrap_or_else(|error| panic!("{octets}: {error}"));
        assert_eq!((whole.responses.len(), whole.half), (1, false), "{octets}: {whole:?}");
        for end in 0..octets.len() {
            let heard = hear(&octets.as_bytes()[..end]).unwrap_or_else(|error| panic!("{octets}: {error}"));
            assert_eq!((heard.responses.len(), heard.half), (0, end > 0), "{octets} cut at {end}");
        }
        assert_eq!(hear_in_pieces(octets.as_bytes(), 1).unwrap(), whole, "{octets}");
        let bare = hear(octets.replace("\r\n", "\n").as_bytes());
        if !octets.contains('{') {
            assert_eq!(bare.unwrap(), whole, "{octets}: a bare LF ends a line too");
        }
    }
}

#[test]
fn responses_behind_each_other_do_not_touch() {
    let mut dice = Dice::new(3);
    for _ in 0..300 {
        let chosen: Vec<&str> = (0..6).map(|_| dice.pick(WHOLE)).collect();
        let mut want = Heard::default();
        for one in &chosen {
            let heard = hear(one.as_bytes()).unwrap();
            want.responses.extend(heard.responses);
            want.bodies.extend(heard.bodies);
        }
        assert_eq!(hear(chosen.concat().as_bytes()).unwrap(), want);
    }
}

#[test]
fn what_is_no_response_is_told_at_once() {
    for line in [
        "",
        " ",
        "*",
        "* ",
        "*OK x",
        " * OK x",
        "+OK POP3 ready",
        "220 smtp.example.org ESMTP",
        "HTTP/1.1 400 Bad Request",
        "a7",
        "a7 ",
        "a7 DONE",
        "a7 OKAY",
        "a\"7 OK x",
        "a{7} OK x",
        "\u{fc} OK x",
        "OK done",
        "* 1",
        "* 1 ",
        ")",
        "* 4294967296 FETCH (UID 1)",
        "* 1 FETCH",
        "* 1 FETCH UID 1",
        "* 1 FETCH (",
        "* 1 FETCH (UID 1",
        "* 1 FETCH (UID 1))",
        "* 1 FETCH (UID 1) x",
        "* 1 FETCH (UID 1 FLAGS (\\Seen)",
        "* 1 FETCH (\"UID\" 1)",
        "* 1 FETCH ((UID 1))",
        "* 1 FETCH (BODY[] \"no end)",
        "* 1 FETCH (BODY[] \"a\0b\")",
        "* 1 FETCH (BODY[] \"a\rb\")",
        "* 1 FETCH (BODY[x)",
        "* XYZ \"no end",
        "* LIST () \"/\" \"a\rb\"",
        "* LIST x y z",
        "* LIST () \"/\"",
        "* SEARCH 1 x",
        "* ESEARCH ALL *",
    ] {
        let octets = [line, "\r\n"].concat();
        assert!(hear(octets.as_bytes()).is_err(), "{line:?}: {:?}", hear(octets.as_bytes()));
    }
}

#[test]
fn a_literal_has_a_length_that_is_a_number() {
    for length in [
        "{-1}",
        "{ 5}",
        "{5 }",
        "{5+}",
        "{+5}",
        "{}",
        "{x}",
        "{0x5}",
        "{5}}",
        "{9223372036854775808}",
        "{99999999999999999999}",
        "~{5}",
        "~{0}",
        "{1} {5+}",
    ] {
        for line in [
            format!("* 1 FETCH (UID 1 BODY[] {length}\r\n"),
            format!("* 1 FETCH (UID 1 X {length}\r\n"),
            format!("* 1 FETCH (UID 1 X (a {length}\r\n"),
            format!("* LIST () \"/\" {length}\r\n"),
            format!("* XYZ ({length}\r\n"),
        ] {
            assert!(hear(line.as_bytes()).is_err(), "{line}");
        }
    }
    let line = b"* 1 FETCH (UID 1 BODY[] {9223372036854775807}";
    assert_eq!(Assembly::new().line(line), Ok(NextRead::Body { octets: i64::MAX as u64 }));
}

#[test]
fn behind_a_literal_there_is_a_space_or_the_end() {
    for behind in ["X", "\"", "(", "]", "}", "{", "\t", "\0", "\r", "UID 1)", "-"] {
        for octets in [
            format!("* 1 FETCH (UID 1 BODY[] {{3}}\r\nabc{behind})\r\n"),
            format!("* 1 FETCH (UID 1 X {{3}}\r\nabc{behind})\r\n"),
            format!("* 1 FETCH (UID 1 X ({{3}}\r\nabc{behind}))\r\n"),
            format!("* XYZ ({{3}}\r\nabc{behind})\r\n"),
        ] {
            assert!(hear(octets.as_bytes()).is_err(), "{octets:?}");
        }
    }
    // The response goes on after a body, if only with its end.
    assert!(hear(b"* 1 FETCH (UID 1 BODY[] {3}\r\nabc\r\n").is_err());
    assert!(hear(b"* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n").is_ok());
}

#[test]
fn a_body_whose_length_is_told_wrong_does_not_pass() {
    let body = "Subject: (a)\r\n\r\nsome (text) and\r\n more, of 3\r\n(b) lines\r\n";
    let dialogue = |octets: usize| {
        let length = format!("{{{octets}}}");
        format!("* 1 FETCH (UID 1 BODY[] {length}\r\n{body})\r\np1 OK done\r\n* BYE\r\n* BYE\r\n")
    };
    assert_eq!(hear(dialogue(body.len()).as_bytes()).unwrap().responses.len(), 4);
    for length in (0..body.len()).chain(body.len() + 1..dialogue(0).len()) {
        let heard = hear(dialogue(length).as_bytes());
        let passes = heard.as_ref().is_ok_and(|heard| !heard.responses.is_empty());
        assert!(!passes, "{length} for {}: {heard:?}", body.len());
    }
}

#[test]
fn what_a_server_sends_besides_bodies_is_bounded() {
    let mut assembly = Assembly::new();
    for line in [&b"* XYZ {1048577}"[..], b"* 1 FETCH (X {1048577}", b"* 1 FETCH (X ({1048577}"] {
        assert!(assembly.line(line).is_err());
        assembly.clear();
    }
    assert_eq!(assembly.line(b"* XYZ {1048576}"), Ok(NextRead::Literal { octets: 1 << 20 }));
    assembly.literal(&vec![b'x'; 1 << 20]);
    assert!(assembly.line(b" {1}").is_err(), "the literals of a response count together");
    assembly.clear();

    // Short literals, long lines.
    let line = [&vec![b'x'; MAX_LINE - 4][..], b" {0}"].concat();
    let mut next = assembly.line(&[b"* XYZ ", &line[..]].concat());
    let mut lines = 0;
    while next.is_ok() {
        lines += 1;
        next = assembly.line(&[b" ", &line[..]].concat());
    }
    assert!((2..40).contains(&lines), "{lines}");

    // Bodies that nobody asked for are not kept, and hold up nothing; nor is a long header.
    for name in
        ["RFC822", "BODY[]<0>", "BODY[TEXT]", "BODY[HEADER]", "BODY[HEADER.FIELDS (DATE)]", "RFC822.TEXT"]
    {
        assembly.clear();
        let line = format!("* 1 FETCH (UID 1 {name} {{4000000000}}");
        assert_eq!(assembly.line(line.as_bytes()), Ok(NextRead::Literal { octets: 4_000_000_000 }), "{name}");
        for _ in 0..4000 {
            assembly.literal(&[b'x'; 1_000_000]);
        }
        assert_eq!(assembly.line(b" FLAGS (\\Seen))"), Ok(NextRead::Done));
        let Ok(Response::Fetch(items)) = assembly.response() else { panic!("a FETCH") };
        assert_eq!((items.uid, items.header, items.body), (Some(1), None, Body::Absent));
    }

    for (items, fits) in [("X y ", true), ("UID 1 ", false)] {
        assert_eq!(hear(format!("* 1 FETCH ({})\r\n", items.repeat(10_000)).as_bytes()).is_ok(), fits);
    }

    let deep = |depth: usize| format!("{}{}", "(".repeat(depth), ")".repeat(depth));
    for (depth, fits) in [(32, true), (33, false)] {
        assert_eq!(hear(format!("* XYZ {}\r\n", deep(depth)).as_bytes()).is_ok(), fits);
        assert_eq!(hear(format!("* 1 FETCH (X {})\r\n", deep(depth)).as_bytes()).is_ok(), fits);
    }
}

#[test]
fn nothing_is_read_after_what_is_no_response() {
    let mut assembly = Assembly::new();
    assert!(assembly.line(b"nonsense").is_err());
    assert!(assembly.line(b"* OK fine").is_err());
    assembly.clear();
    assert_eq!(assembly.line(b"* OK fine"), Ok(NextRead::Done));
    assert_eq!(assembly.line(b"* OK again"), Ok(NextRead::Done));
    assert_eq!(assembly.line(b"* XYZ {3}"), Ok(NextRead::Literal { octets: 3 }));
    assembly.literal(b"ab");
    assert!(assembly.line(b"").is_err(), "the literal is not whole");
}

#[test]
fn chance_makes_no_reader_fail() {
    let mut dice = Dice::new(5);
    for round in 0..60_000 {
        let mut octets = dice.pick(WHOLE).as_bytes().to_vec();
        for _ in 0..dice.below(4) {
            let at = dice.below(octets.len());
            let odd = dice.pick(b"(){}\"\\[]~ \r\n0159*+\0\xffaU");
            match dice.below(4) {
                0 => octets[at] = odd,
                1 => octets.insert(at, odd),
                2 => drop(octets.drain(at..octets.len().min(at + 3))),
                _ => octets.extend_from_slice(dice.pick(WHOLE).as_bytes()),
            }
            if octets.is_empty() {
                octets.push(odd);
            }
        }
        let pieces = dice.below(5) + 1;
        assert_eq!(hear_in_pieces(&octets, pieces), hear(&octets), "{round}");
    }
}
