use super::*;
use crate::mail::raw::{Raw, Supplied};
use crate::words::Kind;
use mail_parser::{Message, MessageParser, PartType};
use std::io::Read as _;

const HEADER: &str =
    "From: Ana <ana@x.org>\nTo: b@x.org\nDate: Wed, 25 Nov 2026 10:30:00 +0100\nMessage-ID: <m@x.org>\n";

fn outgoing(input: &[u8]) -> Result<Outgoing, Failure> {
    let mut input = input;
    Raw::read(&mut input, "-")?.complete(Supplied { mends: true, ..Supplied::default() })
}

fn octets(outgoing: &mut Outgoing) -> Vec<u8> {
    let mut octets = Vec::new();
    outgoing.content.reader().unwrap().read_to_end(&mut octets).unwrap();
    octets
}

/// Mends a message, and checks what holds for every message that was.
fn mended(input: &[u8]) -> Result<(Outgoing, Vec<u8>, Changes), Failure> {
    let (mut outgoing, changes) = mend(outgoing(input)?)?;
    let octets = octets(&mut outgoing);
    let shown = octets.escape_ascii().to_string();
    assert_eq!(octets.is_ascii(), !outgoing.international, "{shown}");
    assert!(octets.split(|octet| *octet == b'\n').all(|line| line.len() <= MAX_LINE + 1), "{shown}");
    let pairs = memchr::memmem::find_iter(&octets, b"\r\n").count();
    assert_eq!(memchr::memchr_iter(b'\n', &octets).count(), pairs, "{shown}");
    assert_eq!(memchr::memchr_iter(b'\r', &octets).count(), pairs, "{shown}");
    assert_eq!(octets.len() as u64, outgoing.content.facts().octets);
    Ok((outgoing, octets, changes))
}

/// The message behind [`HEADER`] once it was mended.
#[track_caller]
fn text(rest: impl AsRef<[u8]>) -> String {
    let (_, octets, _) = mended(&[HEADER.as_bytes(), rest.as_ref()].concat()).unwrap();
    let text = String::from_utf8(octets).unwrap();
    let head = HEADER.replace('\n', "\r\n");
    text.strip_prefix(&head).expect("the fields at the top stay as they are").to_owned()
}

#[track_caller]
fn refused(rest: impl AsRef<[u8]>, why: &str) {
    let failure =
        mended(&[HEADER.as_bytes(), rest.as_ref()].concat()).map(|(_, octets, _)| octets).unwrap_err();
    assert_eq!(failure.kind(), Kind::Input, "{failure}");
    assert!(failure.message.contains(why), "{failure}");
}

#[test]
fn what_is_fine_stays_as_it_is() {
    for rest in [
        "\nbody\n",
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 8bit\n\n--b\nx: y\n\nz\n--b--\n",
        "Content-Type: multipart/signed; boundary=b\n\n--b\n\nz\n--b--\n",
        "Content-Transfer-Encoding: x-odd\n\nz\n",
    ] {
        let input = format!("{HEADER}{rest}");
        let (_, octets, changes) = mended(input.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(octets).unwrap(), input.replace('\n', "\r\n"));
        assert!(!changes.any());
    }
}

#[test]
fn a_body_without_mime_gets_a_type_that_says_what_is_known() {
    assert_eq!(
        text("\nGr\u{fc}\u{df}e, Bob\n"),
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZSwgQm9iDQo=\r\n"
    );
    assert_eq!(
        text(b"\nlatin one, mostly ASCII: \xe4\n"),
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\nlatin one, mostly ASCII: =E4\r\n"
    );
    assert_eq!(
        text(
            "MIME-Version: 1.0\nContent-Type: text/plain; format=flowed;\nContent-Transfer-Encoding: 8bit\nX: y\ncontent-transfer-encoding: 8bit\n\nmostly ASCII: \u{e4}\n"
        ),
        "MIME-Version: 1.0\r\nContent-Type: text/plain; format=flowed;\r\n charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\nX: y\r\n\r\nmostly ASCII: =C3=A4\r\n"
    );
}

#[test]
fn a_long_line_is_broken_softly_and_needs_no_charset() {
    let long = "x".repeat(2000);
    let got = text(format!("\n{long}\nshort\n"));
    assert!(
        got.starts_with("MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nxxx"),
        "{got}"
    );
    assert!(got.replace("=\r\n", "").ends_with(&format!("\r\n\r\n{long}\r\nshort\r\n")));
}

#[test]
fn only_the_parts_that_must_are_encoded_and_the_others_stay() {
    let got = text(
        "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed;\n boundary=\"b b\"\nContent-Transfer-Encoding: 8bit\n\n\
         preamble\npre\u{e4}mble\n--b b \nContent-Type: text/html; charset=utf-8\n\n<p>mostly ASCII \u{e4}</p>\n--b b\n\
         X-Odd :  kept \nContent-Type: text/plain\n\n.plain \n\n--b b\nContent-Type: image/png\nContent-Transfer-Encoding: binary\n\n\u{89}PNG\n--b b--\nepi\u{e4}logue\nepilogue\n",
    );
    assert_eq!(
        got,
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"b b\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
         preamble\r\n--b b \r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>mostly ASCII =C3=A4</p>\r\n--b b\r\n\
         X-Odd :  kept \r\nContent-Type: text/plain\r\n\r\n.plain \r\n\r\n--b b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nwolQTkc=\r\n--b b--\r\nepilogue\r\n"
    );
}

#[test]
fn messages_in_the_message_are_walked_and_not_encoded() {
    let got = text(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\u{e4}\n\nbody in a digest \u{e4}\n--b\n\
         Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\nFrom ana Mon\nSubject: x\nContent-Type: multipart/mixed; boundary=c\n\n\
         --c\n\ninner part, mostly ASCII \u{e4}\n--b--\n",
    );
    assert_eq!(
        got,
        "Content-Type: multipart/digest; boundary=b\r\nMIME-Version: 1.0\r\n\r\n--b\r\n\r\nSubject: =?utf-8?Q?in=C3=A4?=\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nbody in a digest =C3=A4\r\n--b\r\n\
         Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nFrom ana Mon\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
         --c\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ninner part, mostly ASCII =C3=A4\r\n--b--\r\n"
    );
}

#[test]
fn content_in_too_long_lines_of_an_encoding_is_broken_anew() {
    let base64 = "QUJD".repeat(500);
    let got = text(format!("Content-Type: application/pdf\nContent-Transfer-Encoding: Base64\n\n{base64}\n"));
    assert!(
        got.starts_with("Content-Type: application/pdf\r\nContent-Transfer-Encoding: Base64\r\n\r\nQUJD")
    );
    assert!(got.ends_with("QUJD\r\n") && got.lines().all(|line| line.len() <= 76));
    assert_eq!(got.matches("QUJD").count() + got.matches("QUJ\r\nD").count(), 500);
    let got = text("Content-Transfer-Encoding: quoted-printable\n\ncaf\u{e9} =C3=A9\n");
    assert!(got.ends_with("\r\n\r\ncaf=C3=A9 =C3=A9\r\n"), "{got}");
}

#[test]
fn what_cannot_be_mended_is_refused_with_the_reason() {
    let part = |kind: &str| format!("Content-Type: {kind}\n\n--b\n\n\u{e4}\n--b--\n");
    refused(part("multipart/signed; boundary=b"), "signature");
    refused("Content-Type: multipart/signed; boundary=b\n\n--b\nX-A: \u{e4}\n\nx\n--b--\n", "signature");
    refused("Content-Type: multipart/signed; boundary=b\n\n\u{e4}\n--b--\n", "signature");
    refused(part("multipart/mixed"), "no boundary");
    refused(part("multipart/mixed; boundary=\"\u{e4}\""), "boundary in it is not ASCII");
    refused("Content-Type: message/partial; id=x\n\n\u{e4}\n", "message/partial");
    refused("Content-Transfer-Encoding: x-uuencode\n\n\u{e4}\n", "\"x-uuencode\" is not known");
    refused(format!("X-Token: {}\n\nx\n", "x".repeat(2000)), "x-token");
    refused("\na\0\u{e4}\n", "a NUL at offset");
    refused("\na\r\u{e4}\n", "a CR without its LF at offset");
    let deep: String =
        (0..200).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n")).collect();
    refused(format!("{deep}\n\u{e4}\n"), "nested");
}

#[test]
fn messages_may_be_nested_without_end_and_parts_be_without_number() {
    let nested = "Content-Type: message/rfc822\n\n".repeat(20_000);
    let got = text(format!("{nested}\nmostly ASCII, all of it \u{e4}\n"));
    assert!(got.ends_with("mostly ASCII, all of it =C3=A4\r\n"));
    let parts = "--b\n\nmostly ASCII, all of it \u{e4}\n".repeat(5_000);
    let got = text(format!("Content-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n"));
    assert_eq!(got.matches("all of it =C3=A4\r\n--b").count(), 5_000);
}

#[test]
fn what_was_done_is_described() {
    let input = format!("{HEADER}DKIM-Signature: v=1\nSubject: \u{e4}\n\nmostly ASCII \u{e4}\n");
    let (_, _, changes) = mended(input.as_bytes()).unwrap();
    assert_eq!(changes, Changes { parts: 1, fields: 1, lines: 0, breaks_signature: true });
    let text = changes.describe();
    assert_eq!(text, "--fix: 1 part re-encoded, 1 header field rewritten; its DKIM signature is broken now");
}

#[test]
fn local_parts_beyond_ascii_still_need_smtputf8_and_only_they() {
    let (outgoing, _, _) = mended(format!("{HEADER}Cc: \u{e4}@x.org\n\nx\n").as_bytes()).unwrap();
    assert!(outgoing.international);
    let (outgoing, octets, _) =
        mended(format!("{HEADER}Cc: \u{e4} <x@b\u{fc}cher.example>\n\nx\n").as_bytes()).unwrap();
    assert!(!outgoing.needs_utf8() && octets.is_ascii());
    assert_eq!(outgoing.envelope.recipients[1].as_str(), "x@xn--bcher-kva.example");
    // Names in any charset cost no recipient.
    let input = [HEADER.as_bytes(), b"Cc: J\xf6rg <j@x.org>\nBcc: \xe4 <k@x.org>\n\nx\n"].concat();
    let (outgoing, octets, _) = mended(&input).unwrap();
    assert_eq!(outgoing.envelope.recipients.len(), 3);
    assert!(!String::from_utf8(octets).unwrap().contains("k@x.org"));
}

/// A generator of numbers that look random, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

fn lines(random: &mut Random) -> String {
    let pieces = [
        "a",
        " ",
        "\u{e4}",
        "=",
        "--bb",
        "--",
        ".",
        "\u{8a9e}\u{8a9e}",
        "=20",
        "word ",
        "\t",
        "From ",
        "=?x?=",
    ];
    let mut out = String::new();
    for _ in 0..random.below(6) {
        let long = if random.below(12) == 0 { 300 } else { 6 };
        (0..random.below(long)).for_each(|_| out.push_str(random.one(&pieces)));
        out.push_str("\r\n");
    }
    out
}

/// A random part: its header and its content.
fn part(random: &mut Random, depth: usize, out: &mut String) {
    let encoding = random.one(&["", "", "8bit", "7bit", "binary", "base64", "quoted-printable"]);
    if random.below(4) == 0 {
        out.push_str(&format!(
            "Comments: {} {}\r\n",
            random.one(&["a", "\u{e4}", "b c"]),
            random.one(&["\u{e4}", "d"])
        ));
    }
    match random.below(if depth == 0 { 3 } else { 6 }) {
        kind @ (3 | 4) => {
            let boundary = format!("b{depth}{}", random.one(&["", "x", " y"]));
            let kind = if kind == 3 { "mixed" } else { "digest" };
            out.push_str(&format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\n"));
            out.push_str(&lines(random));
            for _ in 0..1 + random.below(3) {
                out.push_str(&format!("--{boundary}\r\n"));
                if kind == "digest" {
                    out.push_str("Content-Type: text/plain; charset=utf-8\r\n");
                }
                part(random, if kind == "digest" { 0 } else { depth - 1 }, out);
                out.push_str("\r\n");
            }
            out.push_str(&format!("--{boundary}--\r\n"));
            out.push_str(&lines(random));
        }
        5 => {
            out.push_str("Content-Type: message/rfc822\r\n\r\nSubject: inner \u{e4}\r\n");
            part(random, depth - 1, out);
        }
        kind => {
            let types = ["text/plain; charset=utf-8", "text/html; charset=utf-8", "application/octet-stream"];
            if !out.ends_with("Content-Type: text/plain; charset=utf-8\r\n") {
                out.push_str(&format!(
                    "Content-Type: {}; name=\"{}\"\r\n",
                    types[kind],
                    random.one(&["a", "\u{e4}.x"])
                ));
            }
            let content = lines(random);
            let content = match encoding {
                "base64" => {
                    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, content.repeat(30))
                }
                "quoted-printable" => content.replace("=?", "").replace('=', "=3D"),
                _ => content,
            };
            if !encoding.is_empty() {
                out.push_str(&format!("Content-Transfer-Encoding: {encoding}\r\n"));
            }
            out.push_str("\r\n");
            out.push_str(&content);
        }
    }
}

/// What a reader sees of a message: of every part its type, name and decoded content.
fn seen(message: &Message<'_>, out: &mut Vec<String>) {
    use mail_parser::MimeHeaders as _;
    for part in &message.parts {
        let kind = part.content_type().map(|kind| format!("{}/{:?}", kind.ctype(), kind.subtype()));
        let name = part.attachment_name().unwrap_or_default();
        match &part.body {
            PartType::Multipart(parts) => out.push(format!("{kind:?} of {}", parts.len())),
            PartType::Message(inner) => {
                out.push(format!("a message, {:?}", inner.subject()));
                seen(inner, out);
            }
            _ => out.push(format!("{kind:?} {name} {:?}", String::from_utf8_lossy(part.contents()))),
        }
        for header in part.headers.iter().filter(|header| header.name() == "Comments") {
            out.push(format!("{:?}", header.value().as_text()));
        }
    }
}

/// `None` where the parser itself fails.
fn parsed(octets: &[u8]) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let message = std::panic::catch_unwind(|| MessageParser::default().parse(octets)).ok()?;
    seen(&message.unwrap(), &mut out);
    Some(out)
}

#[test]
fn any_message_says_the_same_after_it_was_mended() {
    let (mut touched, mut compared) = (0, 0);
    for seed in 0..3_000 {
        let mut input = HEADER.replace('\n', "\r\n");
        part(&mut Random(seed), 3, &mut input);
        let before = octets(&mut outgoing(input.as_bytes()).unwrap());
        let (_, after, changes) = mended(input.as_bytes()).unwrap_or_else(|e| panic!("{seed}: {e}\n{input}"));
        touched += usize::from(changes.any());
        if let Some(seen) = parsed(&before) {
            let shown = String::from_utf8_lossy(&after);
            assert_eq!(Some(seen), parsed(&after), "seed {seed}:\n{input}\n\n{shown}");
            compared += 1;
        }
        let (_, again, changes) = mended(&after).unwrap();
        assert!(!changes.any() && again == after, "seed {seed}: what was mended is fine");
    }
    assert!(touched > 1_000 && compared > 2_700, "{touched}, {compared}");
}

#[test]
fn every_prefix_of_a_message_is_mended_or_refused() {
    for seed in 0..40 {
        let mut input = HEADER.to_owned();
        part(&mut Random(seed), 3, &mut input);
        let input = input.replace("\r\n", "\n");
        for end in 0..input.len() {
            // The checks are in `mended`.
            let _ = mended(&input.as_bytes()[..end]);
        }
    }
}

#[test]
fn random_octets_are_mended_or_refused() {
    let words: [&[u8]; 16] = [
        b"\n",
        b"\n",
        b"\n\n",
        b"--b",
        b"--b--",
        b"\xe4",
        b"\xc3\xa4",
        b"Content-Type: ",
        b"multipart/mixed; boundary=b\n",
        b"message/rfc822\n",
        b"Content-Transfer-Encoding: ",
        b"base64\n",
        b"quoted-printable\n",
        b": ",
        b" ",
        b"x=\"\xe4\"",
    ];
    for seed in 0..20_000 {
        let mut random = Random(seed);
        let mut input = HEADER.as_bytes().to_vec();
        for _ in 0..random.below(40) {
            input.extend_from_slice(words[random.below(words.len())]);
        }
        if let Ok((_, octets, _)) = mended(&input) {
            assert!(octets.ends_with(b"\r\n"));
        }
    }
}
