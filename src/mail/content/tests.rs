use super::*;

#[track_caller]
fn of(message: &str) -> Readable {
    Readable::of(message.as_bytes()).unwrap()
}

fn attached(name: Option<&str>, content_type: &str, octets: &[u8]) -> Attached {
    Attached {
        name: name.map(str::to_owned),
        content_type: content_type.to_owned(),
        size: octets.len(),
        cid: None,
        sha256: Sha256::digest(octets).into(),
    }
}

#[test]
fn texts_and_attachments_are_read() {
    let content = of(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n\
        --c\nContent-Type: text/plain; charset=utf-8\n\nGr\u{fc}\u{df}e\n--c\nContent-Type: text/html\n\n<p>x</p>\n--c--\n\
        --b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"a.pdf\"\n\
        Content-Transfer-Encoding: base64\n\nQUJD\n--b--\n",
    );
    assert_eq!(content.text.as_deref(), Some("Gr\u{fc}\u{df}e"));
    assert_eq!(content.html.as_deref(), Some("<p>x</p>"));
    assert_eq!(content.attachments, [attached(Some("a.pdf"), "application/pdf", b"ABC")]);
    assert!(content.is_whole && content.undecoded.is_empty());
}

#[test]
fn a_message_without_parts_is_its_text() {
    for head in
        ["", "Content-Type: text\n", "Content-Type: text/plain; charset=us-ascii\n", "Content-Type: x\n"]
    {
        let content = of(&format!("Subject: s\n{head}\nhello\n"));
        assert_eq!((content.text.as_deref(), content.attachments.len()), (Some("hello\n"), 0), "{head}");
    }
}

#[test]
fn all_inline_texts_are_in_the_text_and_named_ones_attached_too() {
    let content = of("Content-Type: multipart/mixed; boundary=BB\n\n--BB\n\nFirst\n--BB\n\
        Content-Type: image/png; name=i.png\nContent-ID: <i@x>\nContent-Transfer-Encoding: base64\n\nQUJD\n--BB\n\
        Content-Type: text/plain\n\nSecond\n--BB\nContent-Type: text/html\n\n<b>\n--BB\nContent-Type: text/html\n\n<i>\n--BB\n\
        Content-Type: text/plain; name=n.txt\nContent-Disposition: inline\n\nThird\n--BB\n\
        Content-Type: text/plain\nContent-Disposition: ATTACHMENT; filename=f.txt\n\nFile\n--BB\n\
        Content-Type: text/calendar\n\nBEGIN\n--BB--\n");
    assert_eq!(content.text.as_deref(), Some("First\nSecond\nThird"));
    assert_eq!(content.html.as_deref(), Some("<b>\n<i>"));
    let image = Attached { cid: Some("i@x".into()), ..attached(Some("i.png"), "image/png", b"ABC") };
    let named = attached(Some("n.txt"), "text/plain", b"Third");
    let file = attached(Some("f.txt"), "text/plain", b"File");
    assert_eq!(content.attachments, [image, named, file, attached(None, "text/calendar", b"BEGIN")]);
}

#[test]
fn a_text_that_cannot_be_read_is_attached_and_named_as_such() {
    let content = of(
        "Content-Type: text/plain; charset=x-martian\nContent-Transfer-Encoding: quoted-printable\n\n=C1=C2\n",
    );
    assert_eq!((content.text, content.undecoded), (None, vec!["text"]));
    assert_eq!(content.attachments, [attached(None, "text/plain", b"\xc1\xc2\n")]);
    let content =
        of("Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n=C1x");
    assert_eq!((content.html.as_deref(), content.undecoded), (Some("\u{fffd}x"), vec!["html"]));
}

#[test]
fn where_one_name_cannot_be_read_the_other_is_shown_and_that_is_said() {
    let named = |name: &str| {
        of(&format!(
            "Content-Type: a/b{name}\nContent-Disposition: attachment; filename*=x-martian''caf%E9.txt\n\nx"
        ))
    };
    for (supplied, shown) in
        [("; name=\"=?utf-8?B?Y2Fm77+9LnR4dA==?=\"", Some("caf\u{fffd}.txt")), ("", None)]
    {
        let content = named(supplied);
        assert_eq!(content.attachments[0].name.as_deref(), shown);
        assert_eq!(content.undecoded, ["name"]);
    }
}

#[test]
fn a_message_with_many_links_to_messages_is_read() {
    let links = "see https://x.org/message/1 and message/rfc822\n".repeat(1000);
    let content = of(&format!("Subject: s\n\n{links}"));
    assert_eq!((content.text, content.is_whole), (Some(links), true));
}

/// Runs on a stack so small that anything that grows with the message does not fit.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(work).unwrap();
    assert!(thread.join().is_ok());
}

#[test]
fn the_stack_does_not_grow_with_how_deep_a_message_nests() {
    let multi = |kind: &str, depth: usize, head: &str| {
        let level = |n: usize| format!("--b{n}\n{head}Content-Type: {kind}; boundary=b{}\n\n", n + 1);
        let levels: String = (0..depth).map(level).collect();
        format!("Content-Type: {kind}; boundary=b0\n\n{levels}x\n")
    };
    on_a_small_stack(move || {
        for depth in [10, 99, 100, 101, 1000, 200_000] {
            for (kind, head) in [
                ("multipart/mixed", ""),
                ("multipart/digest", "\n"),
                ("multipart/alternative", ""),
                ("multipart /related", ""),
                ("\"multipart\"/mixed", ""),
                ("multipart/mixed", "Content-Transfer-Encoding: base64\n"),
            ] {
                let _ = Readable::of(multi(kind, depth, head).as_bytes()).unwrap();
            }
            for kind in [
                "message/rfc822",
                "message /rfc822",
                "message(c)/rfc822",
                "message\n /rfc822",
                "\"message\"/rfc822",
                "message/partial; id=a; number=1",
                "message/global",
                "message/rfc822\nContent-Transfer-Encoding: base64",
            ] {
                let message = format!("Content-Type: {kind}\n\n").repeat(depth) + "x\n";
                let content = Readable::of(message.as_bytes()).unwrap();
                assert_eq!((content.attachments.len(), content.is_whole), (1, true), "{kind} {depth}");
            }
        }
    });
}

#[test]
fn nothing_in_a_header_grows_the_stack_or_takes_time_by_its_square() {
    on_a_small_stack(|| {
        for piece in ["(", "\"", "<", "a:b,;", "=?utf-8?q?", "=?utf-8?b?YQ==?= ", ";a=b", ";a*1=b", "\n "] {
            let many = piece.repeat(60_000);
            for name in ["From", "To", "Subject", "Date", "Message-ID", "Content-Type", "Content-Disposition"]
            {
                let message = format!("{name}: {many}\n\nx\n");
                let _ = crate::mail::summary::Summary::of(message.as_bytes());
                let _ = Readable::of(message.as_bytes()).unwrap();
            }
            let parts = format!(
                "--b\nContent-Type: text/plain{piece}\nContent-Disposition: a; filename=\"{piece}\"\n\n"
            );
            let message = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", parts.repeat(5_000));
            let _ = Readable::of(message.as_bytes()).unwrap();
        }
    });
}

#[test]
fn anything_at_all_is_survived() {
    for odd in [&b""[..], b"\n", b"\xff\xfe\n\n\xff", b"Content-Type: multipart/mixed\n\n--", b"--\n--"] {
        let _ = Readable::of(odd).unwrap();
    }
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let pieces: [&[u8]; 16] = [
        b"--b",
        b"--",
        b"\n",
        b"\r\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n",
        b"Content-Type: text/html\n",
        b"Content-Transfer-Encoding: base64\n",
        b"x: y\n",
        b"=?utf-8?q?=C3?=",
        b"\xff",
        b"(",
        b"\"",
        b"QUJD",
        b"=\n",
        b" ",
        b"--b--\n",
    ];
    for _ in 0..5_000 {
        let mut message = Vec::new();
        for _ in 0..24 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            message.extend_from_slice(pieces[(random % 16) as usize]);
        }
        let _ = Readable::of(&message).expect("no decoder fails");
        let _ = crate::mail::summary::Summary::of(&message);
    }
}
