use super::*;

fn quote(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut quoter, mut out) = (Quoter::new(), Vec::new());
    pieces.iter().for_each(|piece| quoter.push(piece, &mut out));
    quoter.end(&mut out);
    out
}

/// Reads a message back as the format says, line by line.
fn unquote(stored: &[u8]) -> Vec<u8> {
    let lines = stored.split_inclusive(|octet| *octet == b'\n');
    let plain = |line: &[u8]| match line.iter().position(|octet| *octet != b'>') {
        Some(n) if n > 0 && line[n..].starts_with(FROM) => line[1..].to_vec(),
        _ => line.to_vec(),
    };
    lines.flat_map(plain).collect()
}

const MESSAGES: &[&str] = &[
    "",
    "\n",
    "From a\n",
    "From ",
    "From",
    "F",
    ">",
    ">>>",
    ">From x\n>>From y\n>>>From",
    "From: a\nFromage\n From x\nfrom x\nFROM x\n",
    "A: b\n\nFrom \n>From \nF\nFr\nFro\nFrom\n>F\n>Fr\n",
    "FFrom x\nFrFrom x\n>F>From x\n\r\nFrom x\r\n\rFrom x\n",
    "no line end From x",
    "a\n\n\nFrom x\n\n",
    "\0From x\n\0",
];

#[test]
fn every_message_is_quoted_the_same_at_every_cut_and_is_read_back() {
    for message in MESSAGES {
        let octets = message.as_bytes();
        let whole = quote(&[octets]);
        let mut expected = octets.to_vec();
        if !octets.is_empty() && !octets.ends_with(b"\n") {
            expected.push(b'\n');
        }
        assert_eq!(unquote(&whole), expected, "{message:?}");
        assert!(!whole.split(|octet| *octet == b'\n').any(|line| line.starts_with(FROM)), "{message:?}");
        for cut in 0..=octets.len() {
            assert_eq!(quote(&[&octets[..cut], &octets[cut..]]), whole, "{message:?} cut at {cut}");
        }
        assert_eq!(quote(&octets.chunks(1).collect::<Vec<_>>()), whole, "{message:?}");
    }
}

#[test]
fn random_messages_in_random_pieces_are_read_back() {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let words: [&[u8]; 8] = [b"From ", b">", b"\n", b"F", b"rom ", b"\r", b"\0\xff", b"text"];
    for _ in 0..2000 {
        let mut message: Vec<u8> = (0..random(40)).flat_map(|_| words[random(8)].to_vec()).collect();
        message.push(b'\n');
        let (mut rest, mut pieces) = (&message[..], Vec::new());
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(1 + random(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        assert_eq!(unquote(&quote(&pieces)), message);
    }
}

#[test]
fn the_from_line_has_one_word_and_the_time_of_asctime() {
    for (head, sender) in [
        ("Return-Path: <a@example.org>\nSubject: x\n\n", "a@example.org"),
        ("Received: x\nRETURN-PATH:b@c\r\n\n", "b@c"),
        ("Return-Path: <>\n\n", "MAILER-DAEMON"),
        ("Return-Path: <a b@c>\n\n", "MAILER-DAEMON"),
        ("Return-Path: <\"a b\"@c>\n\n", "MAILER-DAEMON"),
        ("Return-Path: <a\u{e9}@c>\n\n", "MAILER-DAEMON"),
        ("Return-Path: <a\x07@c>\n\n", "MAILER-DAEMON"),
        ("Subject: x\n\nReturn-Path: <in@body>\n", "MAILER-DAEMON"),
        ("", "MAILER-DAEMON"),
    ] {
        let line = String::from_utf8(from_line(head.as_bytes(), 951_827_696)).unwrap();
        assert_eq!(line, format!("From {sender} Tue Feb 29 12:34:56 2000\n"), "{head:?}");
    }
    let long = format!("Return-Path: <{}@c>\n", "x".repeat(SENDER_LIMIT));
    assert!(from_line(long.as_bytes(), 0).starts_with(b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n"));
}

#[test]
fn asctime_agrees_with_the_calendar() {
    for (time, text) in [
        (0, "Thu Jan  1 00:00:00 1970"),
        (86_399, "Thu Jan  1 23:59:59 1970"),
        (1_709_164_800, "Thu Feb 29 00:00:00 2024"),
        (4_107_542_400, "Mon Mar  1 00:00:00 2100"),
        (253_402_207_200, "Thu Dec 30 22:00:00 9999"),
        (253_402_300_799, "Thu Dec 30 22:00:00 9999"),
        (u64::MAX, "Thu Dec 30 22:00:00 9999"),
    ] {
        assert_eq!(asctime(time), text);
    }
}

#[test]
fn a_separator_of_another_program_is_found_and_quoted_text_is_not_one() {
    let line = "From x@y Thu Jan  1 00:00:00 1970\n";
    for (tail, place) in [
        (format!("From me\nbody {line}"), Some(13)),
        (format!("From me\nbody\n{line}"), Some(13)),
        (format!("From me\nbody\n\n{line}"), Some(14)),
        (format!("From me\nbody\n>{line}"), None),
        (format!("From me\nbody\n>>{line}rest"), None),
        ("From me\nI had it From you\nand more".into(), None),
        ("From me\nFrom anybody".into(), Some(8)),
        ("From me\n".into(), None),
        ("From me\nbody From x@y Thu Jan  1 00:00:00\n1970\n".into(), None),
        ("From me\nbody From x@y Thu Jan  1 00:00:00 1970".into(), None),
    ] {
        assert_eq!(foreign(tail.as_bytes(), 8), place, "{tail:?}");
    }
    assert_eq!(foreign(b"short", 8), None);
}

#[test]
fn a_line_of_nothing_but_beginnings_of_separators_is_searched_once() {
    // Searched from each beginning to its end, it would take hours.
    for piece in ["From ", "xFrom a Thu Jan  1 00:00:0x ", "From a Thu Jan  1 00:00:00 ", "From \t  "] {
        let line = [b"x", piece.repeat(20_000_000 / piece.len()).as_bytes()].concat();
        assert_eq!(foreign(&line, 1), None);
    }
}
