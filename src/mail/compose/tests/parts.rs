//! Bodies and attached files.

use super::*;

#[test]
fn html_alone_gets_a_text_part_and_comes_second() {
    let mut composition = composition();
    composition.text = None;
    composition.html = Some("<p>Hello <b>Bob</b> &amp; all</p>".into());
    let (_, text) = built(composition);
    let parsed = MessageParser::new().parse(text.as_bytes()).unwrap();
    assert!(text.contains("Content-Type: multipart/alternative"));
    assert_eq!(parsed.text_body.len(), 1);
    assert_eq!(parsed.part(1).unwrap().text_contents().unwrap().trim(), "Hello Bob & all");
    assert_eq!(parsed.part(2).unwrap().text_contents().unwrap().trim(), "<p>Hello <b>Bob</b> &amp; all</p>");
}

#[test]
fn attachments_come_back_byte_for_byte_whatever_their_size() {
    for size in [0, 1, 56, 57, 58, 57 * 1024 - 1, 57 * 1024, 57 * 1024 + 1, 3_000_000] {
        let content: Vec<u8> = (0..size).map(|n: usize| (n * 31 % 256) as u8).collect();
        let mut composition = composition();
        composition.parts = vec![part("Jahresabschluß 2024.pdf", &content)];
        let (_, text) = built(composition);
        assert!(text.lines().all(|line| line.len() <= 78));
        let parsed = MessageParser::new().parse(text.as_bytes()).unwrap();
        let attachment = parsed.attachment(0).unwrap();
        assert!(attachment.contents() == content, "{size}");
        assert_eq!(attachment.attachment_name(), Some("Jahresabschluß 2024.pdf"));
        assert_eq!(attachment.content_type().unwrap().subtype(), Some("pdf"));
        assert!(text.contains("filename*=utf-8''Jahresabschlu%C3%9F%202024.pdf\r\n"), "{text}");
        assert!(!text.contains("filename="), "a second, poorer name would be the one that is read: {text}");
        assert!(text.contains("name=\"=?utf-8?Q?Jahresabschlu=C3=9F_2024=2Epdf?=\"\r\n"), "{text}");
    }
}

#[test]
fn inline_files_are_related_to_the_html_and_attachments_mixed_in() {
    let mut composition = composition();
    composition.html = Some(b"<img src=\"cid:logo\">".to_vec());
    let inline = Part { cid: Some("logo".into()), ..part("logo.png", b"\x89PNG") };
    composition.parts = vec![part("a.txt", b"a"), inline, part("", b"b")];
    let (_, text) = built(composition);
    let order: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("Content-Type: "))
        .map(|value| value.split(';').next().unwrap())
        .collect();
    assert_eq!(
        order,
        [
            "multipart/mixed",
            "multipart/related",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "image/png",
            "text/plain",
            "application/octet-stream"
        ]
    );
    assert!(text.contains("Content-ID: <logo>\r\n") && text.contains("Content-Disposition: inline"));
    let parsed = MessageParser::new().parse(text.as_bytes()).unwrap();
    assert_eq!(parsed.attachment_count(), 3);
}

#[test]
fn an_attached_message_is_not_encoded_unless_it_must_be() {
    let mut composition = composition();
    composition.parts =
        vec![part("m.eml", b"Subject: x\n\n.\nhi\n"), part("n.eml", b"Subject: \xff\n\nhi\n")];
    let (_, text) = built(composition);
    assert!(text.contains("Content-Type: message/rfc822; name=\"m.eml\""), "{text}");
    assert!(text.contains("Content-Transfer-Encoding: 7bit\r\n\r\nSubject: x\r\n\r\n.\r\nhi\r\n"));
    assert!(text.contains("Content-Type: application/octet-stream; name=\"n.eml\""));
}

#[test]
fn every_cr_of_a_body_ends_a_line() {
    let mut mended = composition();
    mended.text = Some(b"a\rb\r\nc\n.\nFrom x".to_vec());
    let (_, text) = built(mended);
    assert!(text.ends_with("\r\n\r\na\r\nb\r\nc\r\n.\r\nFrom x\r\n"), "{text}");
}

#[test]
fn a_body_that_is_no_utf8_arrives_octet_for_octet() {
    let all: Vec<u8> = (0..=255).filter(|octet| *octet != b'\r').collect();
    for (body, named, charset) in [
        (&b"caf\xe9\nFAILED\n"[..], None, "unknown-8bit"),
        (b"caf\xe9 FAILED", Some("iso-8859-1"), "iso-8859-1"),
        (b"a\0b\nFAILED\n", None, "utf-8"),
        (&all, None, "unknown-8bit"),
        (&all.repeat(3000), None, "unknown-8bit"),
    ] {
        let mut foreign = composition();
        foreign.text = Some(body.to_vec());
        foreign.charset = named.map(|name| Charset::parse(name).unwrap());
        let (outgoing, text) = built(foreign);
        assert!(!outgoing.content.facts().eight_bit && outgoing.content.facts().longest_line <= 78);
        let header = format!(
            "Content-Type: text/plain; charset=\"{charset}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        );
        let (_, coded) = text.split_once(&header).unwrap_or_else(|| panic!("{charset}: {text}"));
        let mut want = body.to_vec();
        if !want.ends_with(b"\n") {
            want.push(b'\n');
        }
        let got =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, coded.replace("\r\n", ""));
        let crlf: Vec<u8> =
            want.iter().flat_map(|o| if *o == b'\n' { b"\r\n".to_vec() } else { vec![*o] }).collect();
        assert!(got.unwrap() == crlf, "{charset}");
    }
}

#[test]
fn html_that_is_no_utf8_has_a_text_part_of_what_is_known() {
    let mut latin = composition();
    latin.text = None;
    latin.html = Some(b"<meta charset=iso-8859-1><p>caf\xe9 &euro;</p>".to_vec());
    let (_, text) = built(latin);
    assert!(text.contains("Content-Type: text/html; charset=\"iso-8859-1\"\r\n"), "{text}");
    let parsed = MessageParser::new().parse(text.as_bytes()).unwrap();
    assert_eq!(parsed.part(1).unwrap().text_contents().unwrap().trim(), "caf\u{e9} \u{20ac}");
}

#[test]
fn names_of_every_kind_are_there_once_and_whole() {
    for name in [
        "plain.txt",
        "two words; and=more.txt",
        "Pr\u{fc}fbericht Q1.pdf",
        "\u{62a5}\u{544a}.xlsx",
        "\u{1f600}.png",
        "a \"quoted\" one.txt",
        "unit\\x2dname.service",
        "=?utf-8?q?no?=.txt",
        "%41.txt",
        &"long".repeat(50),
        &"long".repeat(63),
        &"\u{8a9e}".repeat(80),
        &"\u{fc} ".repeat(80),
    ] {
        let mut named = composition();
        named.parts = vec![part(name, b"x"), Part { cid: Some("c".into()), ..part(name, b"y") }];
        let (_, text) = built(named);
        let most = if name.is_ascii() { 998 } else { 83 };
        assert!(text.lines().all(|line| line.len() <= most), "{text}");
        let parsed = MessageParser::new().parse(text.as_bytes()).unwrap();
        for attachment in parsed.attachments() {
            let disposition = attachment.content_disposition().unwrap();
            assert_eq!(disposition.attribute("filename"), Some(&*name.to_owned()), "{text}");
        }
        let plain = text.matches(" filename=").count();
        let extended = text.matches(" filename*").count();
        assert!(plain == 0 || extended == 0, "{text}");
    }
}

#[test]
fn two_parts_with_one_identifier_are_refused_however_they_are_written() {
    for (one, other) in [("a", "a"), ("a", "cid:a"), ("<a>", "CID:a")] {
        let mut twice = composition();
        let inline = |cid: &str| Part { cid: Some(cid.into()), ..part("a.png", b"") };
        twice.parts = vec![inline(one), inline(other)];
        let failure = compose(twice, None).unwrap_err();
        assert!(failure.kind() == Kind::Input && failure.message.contains("\"a\""), "{failure}");
    }
    let mut apart = composition();
    apart.parts = ["cid:a", "A"].map(|cid| Part { cid: Some(cid.into()), ..part("a.png", b"") }).into();
    let (_, text) = built(apart);
    assert!(text.contains("Content-ID: <a>\r\n") && text.contains("Content-ID: <A>\r\n"), "{text}");
}

#[test]
fn parentheses_in_names_neither_vanish_nor_end_them() {
    let mut sales = composition();
    sales.from = addresses::single("Ana (Sales) <ana@x.org>").unwrap();
    sales.to = addresses::parse("J\u{f6}rg (Vertrieb) <j@x.org>, \"B :-)\" <b@x.org>").unwrap();
    let (_, text) = built(sales);
    assert!(text.contains("From: \"Ana (Sales)\" <ana@x.org>\r\n"), "{text}");
    let parsed = MessageParser::new().parse(text.as_bytes()).unwrap();
    let names: Vec<_> = parsed.to().unwrap().iter().map(|one| one.name().unwrap().to_owned()).collect();
    assert_eq!(names, ["J\u{f6}rg (Vertrieb)", "B :-)"], "{text}");
    let to = text.split("\r\nTo: ").nth(1).unwrap().split("\r\n").next().unwrap();
    assert!(!to.split('<').next().unwrap().contains(['(', ')']), "a comment within an encoded name: {to}");
}
