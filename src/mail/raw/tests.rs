use super::*;
use crate::mail::addresses;
use crate::words::{Kind, ReversePath};

const HEADER: &str = "From: Ana <ana@x.org>\nDate: Wed, 25 Nov 2026 10:30:00 +0100\nMessage-ID: <m@x.org>\n";

/// Reads in pieces of any size.
struct InPieces<'a>(&'a [u8], usize);

impl Read for InPieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.len().min(self.1).min(into.len());
        into[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn complete(input: &[u8], supplied: Supplied) -> Result<(Outgoing, Vec<u8>), Failure> {
    let mut input = InPieces(input, 7);
    let mut outgoing = Raw::read(&mut input, "-")?.complete(supplied)?;
    let mut octets = Vec::new();
    outgoing.content.reader().unwrap().read_to_end(&mut octets).unwrap();
    Ok((outgoing, octets))
}

fn sent(input: &str) -> (Vec<String>, String) {
    let (outgoing, octets) = complete(input.as_bytes(), Supplied::default()).unwrap();
    let recipients = outgoing.envelope.recipients.iter().map(ToString::to_string).collect();
    (recipients, String::from_utf8(octets).unwrap())
}

fn failure(input: &[u8]) -> Failure {
    complete(input, Supplied::default()).map(|(_, octets)| octets).unwrap_err()
}

#[test]
fn a_message_that_lacks_nothing_only_gets_its_line_ends() {
    let (recipients, text) = sent(&format!("{HEADER}To: b@x.org\nSubject: a\n b\n\n.\nbody\n\nend"));
    assert_eq!(recipients, ["b@x.org"]);
    let want = format!("{HEADER}To: b@x.org\nSubject: a\n b\n\n.\nbody\n\nend\n").replace('\n', "\r\n");
    assert_eq!(text, want);
}

#[test]
fn line_ends_of_both_kinds_give_the_same_in_any_pieces() {
    let lf = format!("{HEADER}To: b@x.org\n\nbody\n");
    let crlf = lf.replace('\n', "\r\n");
    for text in [&lf, &crlf] {
        for piece in 1..text.len() {
            let mut input = InPieces(text.as_bytes(), piece);
            let mut outgoing = Raw::read(&mut input, "-").unwrap().complete(Supplied::default()).unwrap();
            let mut octets = Vec::new();
            outgoing.content.reader().unwrap().read_to_end(&mut octets).unwrap();
            assert_eq!(String::from_utf8(octets).unwrap(), crlf, "by {piece}");
        }
    }
}

#[test]
fn bcc_never_leaves_however_it_is_written() {
    let (recipients, text) = sent(&format!(
        "{HEADER}Bcc: one@x.org,\n two@x.org\nBCC : three@x.org\nTo: b@x.org\nbcc:four@x.org\nBcc\t: five@x.org\nBcc:\nX-Bcc: kept\n\nBcc: in the body\n"
    ));
    assert_eq!(recipients, ["one@x.org", "two@x.org", "three@x.org", "b@x.org", "four@x.org", "five@x.org"]);
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    for name in ["one", "two", "three", "four", "five"] {
        assert!(!header.contains(&format!("{name}@x.org")), "{header}");
    }
    assert!(header.contains("X-Bcc: kept") && body == "Bcc: in the body\r\n");
}

#[test]
fn what_belongs_to_a_stored_message_is_dropped() {
    for from_line in ["From ana@x.org Wed Nov 25 10:30:00 2026\n", ">From x\n", ""] {
        let (_, text) =
            sent(&format!("{from_line}Return-Path: <x@y>\nContent-Length: 4\n{HEADER}To: b@x.org\n\nabc\n"));
        assert!(text.starts_with("From: Ana") && !text.contains("Return-Path") && !text.contains("Length"));
    }
    let (_, text) = sent(&format!("From : ana@x.org\n{}To: b@x.org\n\nabc\n", &HEADER[22..]));
    assert!(text.starts_with("From : ana@x.org\r\n"), "the obsolete form of a field: {text}");
}

#[test]
fn the_first_block_of_resent_fields_names_the_recipients() {
    let (recipients, text) = sent(&format!(
        "Received: x\nResent-From: r@x.org\nResent-To: one@x.org\nResent-Bcc: two@x.org\nResent-From: old@x.org\nResent-To: old@x.org\n{HEADER}To: b@x.org\nBcc: c@x.org\n\nx\n"
    ));
    assert_eq!(recipients, ["one@x.org", "two@x.org"]);
    assert!(text.contains("To: b@x.org") && text.contains("Resent-To: old@x.org"));
    assert!(!text.contains("two@x.org") && !text.contains("c@x.org"));
    let mut input = b"Resent-From: r@x.org\nResent-To: b@x.org\nFrom: a@x.org\n\n".as_slice();
    assert_eq!(Raw::read(&mut input, "-").unwrap().author().unwrap().address.as_str(), "r@x.org");
}

#[test]
fn only_what_is_missing_is_added() {
    let from = addresses::single("Ana <ana@x.org>").ok();
    let supplied = Supplied { from, ..Supplied::default() };
    let (outgoing, octets) = complete(b"To: b@x.org\n\nx\n", supplied.clone()).unwrap();
    let text = String::from_utf8(octets).unwrap();
    assert!(text.starts_with("Date: ") && text.contains("\r\nFrom: \"Ana\" <ana@x.org>\r\nMessage-ID: <"));
    assert!(outgoing.message_id.ends_with("@x.org"));
    assert_eq!(outgoing.envelope.from.as_str(), "ana@x.org");
    let (outgoing, octets) = complete(format!("{HEADER}To: b@x.org\n\nx\n").as_bytes(), supplied).unwrap();
    assert_eq!(String::from_utf8(octets).unwrap().matches("From:").count(), 1);
    assert_eq!(outgoing.message_id, "m@x.org");
    assert_eq!(failure(b"To: b@x.org\n\nx\n").kind(), Kind::Input);
}

#[test]
fn recipients_and_sender_may_be_named_beside_it() {
    let address = |text| Address::parse(text).unwrap();
    let supplied = Supplied {
        recipients: Some(vec![address("z@x.org"), address("z@X.org")]),
        sender: Some(ReversePath::Null),
        ..Supplied::default()
    };
    let (outgoing, _) = complete(format!("{HEADER}To: b@x.org\n\nx\n").as_bytes(), supplied).unwrap();
    assert_eq!(outgoing.envelope.recipients, [address("z@x.org")]);
    assert_eq!(outgoing.envelope.from, ReversePath::Null);
}

#[test]
fn groups_comments_and_empty_lists_are_understood() {
    let (recipients, _) = sent(&format!(
        "{HEADER}To: team: a@x.org, \"B, C\" <b@x.org>; (all)\nCc: undisclosed:;\nCc: a@X.org\n\nx\n"
    ));
    assert_eq!(recipients, ["a@x.org", "b@x.org"]);
}

#[test]
fn octets_that_are_no_mail_are_refused_with_their_offset() {
    for (tail, what) in [(&b"a\0b"[..], "a NUL"), (b"a\rb\n", "a CR"), (b"a\r\r\n", "a CR"), (b"a\r", "a CR")]
    {
        let head = format!("{HEADER}To: b@x.org\n\n");
        let failure = failure(&[head.as_bytes(), tail].concat());
        assert_eq!(failure.kind(), Kind::Input);
        assert!(failure.message.contains(what), "{failure}");
        assert!(failure.message.ends_with(&format!("at offset {}", head.len() + 1)), "{failure}");
    }
}

#[test]
fn what_has_no_header_is_refused() {
    for input in [
        &b""[..],
        b"\n",
        b"\n\nbody\n",
        b"just text\n",
        b"Hello Bob\n\nFrom: x@y\n",
        b" folded: first\n\n",
        b": no name\n\n",
        b"From: a@x.org\nTo: b@x.org\nno colon here\n\nx\n",
        b"N\xc3\xa4me: x\nTo: b@x.org\n\n",
    ] {
        let failure = failure(input);
        assert_eq!(failure.kind(), Kind::Input, "{input:?}: {failure}");
        assert!(failure.hint.is_some(), "{failure}");
    }
}

#[test]
fn a_message_without_recipients_or_with_bad_ones_is_refused() {
    for rest in ["\nx\n", "To: nobody:;\n\n", "To: ana\n\n", "To: a@x.org b@x.org\n\n", "Cc: <>\n\n"] {
        assert_eq!(failure(format!("{HEADER}{rest}").as_bytes()).kind(), Kind::Input, "{rest}");
    }
}

#[test]
fn lines_beyond_998_octets_are_refused() {
    for (length, fine) in [(998, true), (999, false)] {
        let input = format!("{HEADER}To: b@x.org\n\n{}\n", "x".repeat(length));
        assert_eq!(complete(input.as_bytes(), Supplied::default()).is_ok(), fine, "{length}");
    }
}

#[test]
fn eight_bit_is_noticed_in_body_and_header() {
    let (outgoing, _) =
        complete(format!("{HEADER}To: b@x.org\n\nGr\u{fc}\n").as_bytes(), Supplied::default()).unwrap();
    assert!(outgoing.content.facts().eight_bit && !outgoing.needs_utf8());
    let (outgoing, _) =
        complete(format!("{HEADER}To: b@x.org\nSubject: Gr\u{fc}\n\n").as_bytes(), Supplied::default())
            .unwrap();
    assert!(outgoing.needs_utf8());
    let input = [HEADER.as_bytes(), b"To: b@x.org\nSubject: \xff\n\n"].concat();
    assert_eq!(failure(&input).kind(), Kind::Input);
}

#[test]
fn a_header_without_end_is_cut_off() {
    let input = format!("{HEADER}To: b@x.org\n{}", "X-A: aaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(50_000));
    assert!(failure(input.as_bytes()).message.contains("larger than"));
    let (_, text) = sent(&format!("{HEADER}To: b@x.org"));
    assert!(text.ends_with("To: b@x.org\r\n"), "a header alone is a message: {text}");
}

#[test]
fn blank_fields_that_every_message_has_are_missing_ones() {
    let supplied = Supplied { from: addresses::single("ana@x.org").ok(), ..Supplied::default() };
    for blank in ["From: \nDate:\nMessage-ID:\n", "From:\n \t\nDATE : \nMessage-Id:\n \n"] {
        let (outgoing, octets) =
            complete(format!("{blank}To: b@x.org\n\nx\n").as_bytes(), supplied.clone()).unwrap();
        let text = String::from_utf8(octets).unwrap();
        for name in ["from:", "date", "message-id:"] {
            let found: Vec<&str> =
                text.lines().filter(|line| line.to_lowercase().starts_with(name)).collect();
            assert!(matches!(found.as_slice(), [one] if one.len() > name.len() + 5), "{text}");
        }
        assert!(!outgoing.message_id.is_empty());
    }
    assert_eq!(failure(b"From: \nTo: b@x.org\n\nx\n").kind(), Kind::Input, "and nobody knows who it is from");
}

#[test]
fn what_stands_before_a_header_leaks_no_bcc() {
    let supplied = Supplied {
        from: addresses::single("ana@x.org").ok(),
        recipients: Some(vec![Address::parse("b@x.org").unwrap()]),
        ..Supplied::default()
    };
    let fields = "To: b@x.org\nBcc: secret@x.org\nSubject: s\n";
    for (before, fine) in [
        ("From x\n", true),
        (">From x\nFrom y\n", true),
        ("\u{feff}", true),
        ("\u{feff}From x\n", true),
        ("\n", false),
        ("\r\n\r\n \r\n", false),
        ("From x\n\n", false),
        ("garbage\n", false),
        (" indented\n", false),
    ] {
        match complete(format!("{before}{fields}\nbody\n").as_bytes(), supplied.clone()) {
            Ok((_, octets)) => {
                let text = String::from_utf8(octets).unwrap();
                assert!(
                    fine && !text.contains("secret") && text.ends_with("Subject: s\r\n\r\nbody\r\n"),
                    "{text}"
                );
            }
            Err(failure) => assert!(!fine && failure.kind() == Kind::Input, "{before:?}: {failure}"),
        }
    }
    for text in ["\njust text\n", "\ntext\n\nBcc: in a later paragraph\n"] {
        assert!(complete(text.as_bytes(), supplied.clone()).is_ok(), "{text:?}");
    }
}

/// Nothing costs more than twice as much for twice the header: these took minutes where every field was
/// compared with all before it, and take moments. The bound is for the slowest machine.
#[test]
fn a_header_at_its_bound_costs_moments_whatever_it_holds() {
    let fill = |piece: &dyn Fn(usize) -> String| -> String {
        let (mut text, mut number) = (String::new(), 0);
        while text.len() < MAX_HEADER - 1000 {
            text.push_str(&piece(number));
            number += 1;
        }
        text
    };
    let distinct = fill(&|n| format!("Resent-x{n:x}: y\r\n"));
    let same = fill(&|_| "Resent-To: b@x.org\r\n".into());
    let started = std::time::Instant::now();
    for header in [&distinct, &same] {
        let (recipients, _) =
            sent(&format!("{HEADER}Resent-From: c@x.org\nResent-To: b@x.org\n{header}\nbody\n"));
        assert_eq!(recipients, ["b@x.org"]);
    }
    assert!(started.elapsed().as_secs() < 100, "{:?}", started.elapsed());
}
