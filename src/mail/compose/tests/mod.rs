//! Envelope and header; `parts` has bodies and attached files.

mod parts;

use super::*;
use crate::mail::addresses;
use crate::words::Kind;
use mail_parser::{MessageParser, MimeHeaders as _};
use std::io::{Cursor, Read as _};
use std::path::PathBuf;

fn composition() -> Composition {
    Composition {
        from: addresses::single("Ana <ana@example.org>").unwrap(),
        to: addresses::parse("bob@example.org").unwrap(),
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        subject: Some("Hello".into()),
        headers: Vec::new(),
        in_reply_to: None,
        references: None,
        message_id: None,
        date: Some("2026-11-25T10:30:00+01:00".into()),
        text: Some(b"Hi Bob\n".to_vec()),
        html: None,
        charset: None,
        parts: Vec::new(),
    }
}

fn octets(outgoing: &mut Outgoing) -> Vec<u8> {
    let mut octets = Vec::new();
    outgoing.content.reader().unwrap().read_to_end(&mut octets).unwrap();
    octets
}

/// Composes, checks what holds for every message, and gives it back.
fn built(composition: Composition) -> (Outgoing, String) {
    let mut outgoing = compose(composition, None).unwrap();
    let octets = octets(&mut outgoing);
    assert_eq!(octets.len() as u64, outgoing.content.facts().octets);
    let text = String::from_utf8(octets).unwrap();
    assert!(text.ends_with("\r\n"));
    assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']));
    assert!(outgoing.international || text.is_ascii(), "{text}");
    let header = text.split_once("\r\n\r\n").unwrap().0;
    for name in ["Date", "From", "To", "Message-ID", "MIME-Version", "Content-Type"] {
        let count = header.lines().filter(|line| line.starts_with(&format!("{name}: "))).count();
        assert_eq!(count, 1, "{name} in {header}");
    }
    assert!(!text.to_ascii_lowercase().contains("\nbcc"), "{text}");
    (outgoing, text)
}

fn part(name: &str, octets: &[u8]) -> Part {
    Part {
        source: PartSource::Octets(Cursor::new(octets.to_vec())),
        path: PathBuf::from("-"),
        name: (!name.is_empty()).then(|| name.to_owned()),
        content_type: None,
        cid: None,
    }
}

#[test]
fn a_plain_message_is_plain() {
    let mut composition = composition();
    composition.message_id = Some("<id@example.org>".into());
    composition.in_reply_to = Some("<a@b>".into());
    composition.references = Some("<x@y>, a@b".into());
    composition.headers = vec!["X-Job: 42".into(), "Auto-Submitted:auto-generated".into()];
    let (outgoing, text) = built(composition);
    assert_eq!(
        text,
        "Date: Wed, 25 Nov 2026 10:30:00 +0100\r\nFrom: \"Ana\" <ana@example.org>\r\n\
         To: <bob@example.org>\r\nSubject: Hello\r\nMessage-ID: <id@example.org>\r\n\
         In-Reply-To: <a@b>\r\nReferences: <x@y> <a@b>\r\nX-Job: 42\r\n\
         Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHi Bob\r\n"
    );
    assert_eq!(outgoing.message_id, "id@example.org");
    assert_eq!(outgoing.envelope.from.as_str(), "ana@example.org");
}

#[test]
fn everyone_is_in_the_envelope_once_and_bcc_nowhere_else() {
    let mut composition = composition();
    composition.to = addresses::parse("B <bob@example.org>, team: c@x.org, d@x.org;").unwrap();
    composition.cc = addresses::parse("bob@EXAMPLE.org, e@x.org").unwrap();
    composition.bcc = addresses::parse("secret@x.org, e@x.org").unwrap();
    let (outgoing, text) = built(composition);
    let recipients: Vec<_> = outgoing.envelope.recipients.iter().map(ToString::to_string).collect();
    assert_eq!(recipients, ["bob@example.org", "c@x.org", "d@x.org", "e@x.org", "secret@x.org"]);
    assert!(!text.contains("secret"));
    assert!(text.contains("team: <c@x.org>, <d@x.org>;") || text.contains("\"team\": <c@x.org>"), "{text}");
}

#[test]
fn blind_copies_alone_get_an_empty_group() {
    let mut composition = composition();
    composition.bcc = std::mem::take(&mut composition.to);
    let (outgoing, text) = built(composition);
    assert!(text.contains("To: undisclosed-recipients:;\r\n"));
    assert_eq!(outgoing.envelope.recipients.len(), 1);
}

#[test]
fn names_subjects_and_fields_in_any_script_are_encoded_and_folded() {
    let mut composition = composition();
    composition.from = addresses::single("Jörg Müller <j@bücher.example>").unwrap();
    composition.to = addresses::parse("\"Doe, J\" <\"odd local\"@x.org>").unwrap();
    composition.subject = Some("Grüße aus München ".repeat(20).trim_end().into());
    composition.headers = vec![format!("X-Note: {}", "語".repeat(100))];
    composition.text = Some("Grüße\n".as_bytes().to_vec());
    let (outgoing, text) = built(composition.clone_for_test());
    assert!(text.lines().all(|line| line.len() <= 78), "{text}");
    assert!(outgoing.message_id.ends_with("@xn--bcher-kva.example"));
    let parsed = MessageParser::new().parse(text.as_bytes()).unwrap();
    assert_eq!(parsed.subject().unwrap().as_bytes(), composition.subject.unwrap());
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some("Jörg Müller"));
    assert_eq!(parsed.from().unwrap().first().unwrap().address(), Some("j@xn--bcher-kva.example"));
    assert!(text.contains("\"Doe, J\" <\"odd local\"@x.org>"), "{text}");
    assert_eq!(parsed.body_text(0).unwrap().trim_end(), "Grüße");
}

impl Composition {
    /// A second letter like this one, without files.
    fn clone_for_test(&self) -> Composition {
        Composition {
            from: self.from.clone(),
            to: self.to.clone(),
            cc: self.cc.clone(),
            bcc: self.bcc.clone(),
            reply_to: self.reply_to.clone(),
            subject: self.subject.clone(),
            headers: self.headers.clone(),
            in_reply_to: self.in_reply_to.clone(),
            references: self.references.clone(),
            message_id: self.message_id.clone(),
            date: self.date.clone(),
            text: self.text.clone(),
            html: self.html.clone(),
            charset: None,
            parts: Vec::new(),
        }
    }
}

#[test]
fn long_lists_and_fields_are_folded_and_lose_nothing() {
    let mut long = composition();
    let people: Vec<String> = (0..300).map(|n| format!("\"User, {n}\" <user{n}@some.example.org>")).collect();
    let ids: Vec<String> = (0..100).map(|n| format!("<{n}.some-message@some.example.org>")).collect();
    long.to = addresses::parse(&people.join(",")).unwrap();
    long.references = Some(ids.join(" "));
    long.headers = vec![format!("X-Words: {}", "word ".repeat(400))];
    let (outgoing, text) = built(long);
    assert!(text.lines().all(|line| line.len() <= 78), "{text}");
    assert!(!text.contains("\r\n \r\n") && !text.contains(":\r\n"), "no line of blanks alone: {text}");
    assert_eq!(outgoing.envelope.recipients.len(), 300);
    let unfolded = text.replace("\r\n ", " ");
    assert!(unfolded.contains(&people.join(", ")) && unfolded.contains(&ids.join(" ")), "{unfolded}");
}

#[test]
fn names_that_are_encoded_already_are_not_put_in_quotes() {
    let mut encoded = composition();
    encoded.from = addresses::single("=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_M?= <j@x.org>").unwrap();
    encoded.to = addresses::parse("=?UTF-8?B?w6Q=?= <a@x.org>, \"B, C\" <b@x.org>").unwrap();
    let (_, text) = built(encoded);
    assert!(text.contains("\r\nFrom: =?utf-8?q?J=C3=B6rg?= =?utf-8?q?_M?= <j@x.org>\r\n"), "{text}");
    assert!(text.contains("\r\nTo: =?UTF-8?B?w6Q=?= <a@x.org>, \"B, C\" <b@x.org>\r\n"), "{text}");
    // What only looks like it could hide an address in a name.
    let mut hidden = composition();
    hidden.to = addresses::parse("\"=?utf-8?q?,evil@x.org,?=\" <a@x.org>").unwrap();
    let (outgoing, text) = built(hidden);
    assert_eq!(outgoing.envelope.recipients.len(), 1);
    assert!(text.contains("\"=?utf-8?q?,evil@x.org,?=\" <a@x.org>"), "{text}");
}

#[test]
fn local_parts_beyond_ascii_ask_for_smtputf8() {
    let mut composition = composition();
    composition.to = addresses::parse("jörg@example.org").unwrap();
    let (outgoing, text) = built(composition);
    assert!(outgoing.international && outgoing.needs_utf8());
    assert!(text.contains("To: <jörg@example.org>"));
}

/// Puts something evil into a letter.
type Attempt = Box<dyn Fn(&mut Composition)>;

#[test]
fn nothing_that_goes_in_can_add_a_field() {
    for evil in ["x\r\nBcc: evil@x.org", "x\nBcc: evil@x.org", "x\rBcc: evil@x.org", "x\0", "x\u{85}y"] {
        let attempts: Vec<Attempt> = vec![
            Box::new(move |l| l.subject = Some(evil.into())),
            Box::new(move |l| l.headers = vec![format!("X-A: {evil}")]),
            Box::new(move |l| l.headers = vec![format!("X-A{evil}: b")]),
            Box::new(move |l| l.message_id = Some(format!("{evil}@y"))),
            Box::new(move |l| l.in_reply_to = Some(format!("<{evil}@y>"))),
            Box::new(move |l| l.references = Some(format!("<a@b> <c@{evil}>"))),
            Box::new(move |l| l.date = Some(evil.into())),
            Box::new(move |l| l.from.name = Some(evil.into())),
            Box::new(move |l| l.parts = vec![part(evil, b"")]),
            Box::new(move |l| {
                l.parts = vec![Part { content_type: Some(format!("a/{evil}")), ..part("a", b"") }]
            }),
            Box::new(move |l| l.parts = vec![Part { cid: Some(evil.into()), ..part("a", b"") }]),
        ];
        for (index, attempt) in attempts.iter().enumerate() {
            let mut composition = composition();
            attempt(&mut composition);
            let failure = compose(composition, None).expect_err(&format!("{index}: {evil:?}"));
            assert_eq!(failure.kind(), Kind::Input, "{index}: {evil:?}: {failure}");
        }
    }
}

#[test]
fn fields_with_an_option_of_their_own_are_refused() {
    for name in ["from", "TO", "Bcc", "Bcc ", "resent-bcc", "Content-Type", "Date", "mime-version"] {
        let mut composition = composition();
        composition.headers = vec![format!("{name}: x")];
        assert_eq!(compose(composition, None).unwrap_err().kind(), Kind::Usage, "{name}");
    }
    for bad in ["no colon", ": x", "a b: x", "ä: x"] {
        let mut composition = composition();
        composition.headers = vec![bad.into()];
        assert!(compose(composition, None).is_err(), "{bad}");
    }
}

#[test]
fn long_lines_of_text_are_encoded_and_of_header_refused() {
    let mut long = composition();
    long.text = Some(vec![b'x'; 5000]);
    let (_, text) = built(long);
    assert!(text.lines().all(|line| line.len() <= 78));
    let mut composition = composition();
    composition.headers = vec![format!("X-Long: {}", "x".repeat(2000))];
    assert_eq!(compose(composition, None).unwrap_err().kind(), Kind::Input);
}

#[test]
fn without_recipients_nothing_is_composed() {
    let mut composition = composition();
    composition.to = addresses::parse("nobody:;").unwrap();
    assert_eq!(compose(composition, None).unwrap_err().kind(), Kind::Usage);
}
