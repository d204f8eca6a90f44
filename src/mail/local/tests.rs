use super::*;

/// `root` is two people, the author is one, and every other name is somebody of example.org.
fn look_up(local: &str, role: Role) -> Result<Vec<Address>, Failure> {
    let found = match (role, local) {
        (Role::Author, _) => vec!["ana@example.org".to_owned()],
        (Role::Recipient, "root") => vec!["ops@example.net".into(), "ana@example.org".into()],
        (Role::Recipient, name) => vec![format!("{name}@example.org")],
    };
    Ok(found.iter().map(|address| Address::parse(address).unwrap()).collect())
}

fn rewritten(input: &str) -> (String, String) {
    let header = LocalHeader::read(&mut input.as_bytes()).unwrap();
    let octets = header.rewritten(&look_up).unwrap();
    (String::from_utf8(octets).unwrap(), String::from_utf8(header.into_body()).unwrap())
}

#[test]
fn what_is_fine_stays_as_it_is() {
    let fine = "From: \"Bob\"  <bob@x.org>\nTo: a@x.org,\n  b@x.org\nX-A: root\nbroken: \u{e4}\n";
    assert_eq!(rewritten(&format!("{fine}\nbody")).0, format!("{fine}\r\n"));
}

#[test]
fn a_header_that_ends_within_a_folded_line_gets_a_line_end_before_what_is_added() {
    let (header, _) = rewritten("Subject: disk\n full");
    assert_eq!(header, "Subject: disk\n full\nTo: undisclosed-recipients:;\r\n\r\n");
    let (header, _) = rewritten("\n  Bcc: a@x.org\n  Subject: disk\n   full");
    assert_eq!(header, "Bcc: a@x.org\nSubject: disk\n full\nTo: undisclosed-recipients:;\r\n\r\n");
}

#[test]
fn local_names_become_addresses() {
    let input = "From: root (Cron Daemon)\nTo: root\nCc: \"B\" <bob@localhost>, c@x.org\nReply-To: root\n\n";
    let (header, _) = rewritten(input);
    assert_eq!(
        header,
        "From: \"Cron Daemon\" <ana@example.org>\r\n\
         To: <ops@example.net>, <ana@example.org>\r\n\
         Cc: \"B\" <bob@example.org>, <c@x.org>\r\n\
         Reply-To: <ana@example.org>\r\n\r\n"
    );
}

#[test]
fn text_without_a_header_is_a_body() {
    let none = "To: undisclosed-recipients:;\r\n\r\n";
    for (input, body) in [
        ("disk full\nreally\n", "disk full\nreally\n"),
        (" indented: yes\n", " indented: yes\n"),
        ("\nbody", "\nbody"),
        ("", ""),
        ("From root Mon Sep  1\nplain words\n", "plain words\n"),
    ] {
        assert_eq!(rewritten(input), (none.to_owned(), body.to_owned()), "{input:?}");
    }
    let (header, body) = rewritten("To: a@x.org\nSubject: s\nno header\n\nmore");
    assert_eq!((header.as_str(), body.as_str()), ("To: a@x.org\nSubject: s\n\r\n", "no header\n\n"));
}

#[test]
fn names_and_subjects_beyond_ascii_are_encoded() {
    let (header, _) = rewritten("From: \u{c4}na <ana@x.org>\nTo: b@x.org\nSubject: l\u{e4}uft\n\n");
    assert!(header.is_ascii(), "{header}");
    assert!(header.contains("ana@x.org") && header.contains("Subject: =?utf-8?"), "{header}");
}

#[test]
fn the_account_goes_by_addresses_and_not_by_local_names() {
    let author = |text: &str| LocalHeader::read(&mut text.as_bytes()).unwrap().author();
    assert_eq!(author("From: Bob <bob@x.org>\n\n").unwrap().as_str(), "bob@x.org");
    assert_eq!(author("From: root\n\n"), None);
    assert_eq!(author("To: bob@x.org\n\n"), None);
}

#[test]
fn a_bcc_behind_what_is_no_field_does_not_become_text() {
    let fields = "Subject: s\nBcc: secret@x.org,\n other@x.org\nTo: b@x.org\n";
    let spelled = fields.replace("Bcc:", "bCC :");
    let resent = fields.replace("Bcc", "Resent-Bcc");
    let indented: String = fields.lines().map(|line| format!("    {line}\n")).collect();
    for (input, text) in [
        (format!("garbage\n{fields}\nbody\n"), "garbage\n\nbody\n"),
        (format!("garbage\n{spelled}\nbody\n"), "garbage\n\nbody\n"),
        (format!("garbage\n{resent}\nbody\n"), "garbage\n\nbody\n"),
        (format!("From root Mon Sep  1\n>From bob\n{fields}\nbody\n"), "body\n"),
        (format!("From root Mon Sep  1\n\n{fields}\nbody\n"), "body\n"),
        (format!("\u{feff}{fields}\nbody\n"), "body\n"),
        (format!("\u{feff}From x\n{fields}\nbody\n"), "body\n"),
        (format!("\n{fields}\nbody\n"), "body\n"),
        (format!("\r\n  \r\n{}\r\nbody\r\n", fields.replace('\n', "\r\n")), "body\r\n"),
        (format!("{indented}\nbody\n"), "body\n"),
        (format!("X-A: b\nMIME-Version 1.0\n{fields}\nbody\n"), "MIME-Version 1.0\n\nbody\n"),
        (format!("Error: disk\n  full\n! {fields}\nbody\n"), "! Subject: s\n\nbody\n"),
        (
            format!("a: sentence\n=====\nDisk: full\n{fields}Rest\n\nbody\n"),
            "=====\nDisk: full\nRest\n\nbody\n",
        ),
        (format!("garbage\n{fields}"), "garbage\n\n"),
        ("garbage\nBcc: secret@x.org".into(), "garbage\n\n"),
    ] {
        let mut source = input.as_bytes();
        let header = LocalHeader::read(&mut source).unwrap();
        let blind = header.fields.iter().filter(|field| is_one_of(field, &["bcc", "resent-bcc"]));
        assert_eq!(blind.count(), 1, "{input:?}");
        let body = String::from_utf8([header.into_body(), source.to_vec()].concat()).unwrap();
        assert_eq!(body, text, "{input:?}");
    }
}

#[test]
fn a_text_without_a_bcc_stays_whole_however_it_looks() {
    for input in [
        "garbage\nTo: b@x.org\n\nbody\n",
        "\n\nTo: b@x.org\n\nBcc: in a later paragraph\n",
        "  indented\n  Subject: x\n\n",
        "disk\n",
        "disk",
        "\n",
    ] {
        let mut source = input.as_bytes();
        let header = LocalHeader::read(&mut source).unwrap();
        assert!(header.fields.is_empty(), "{input:?}");
        assert_eq!([header.into_body(), source.to_vec()].concat(), input.as_bytes(), "{input:?}");
    }
    let long = format!("garbage\n{}Bcc: x\n", "line\n".repeat(MAX_HEADER / 4));
    let mut source = long.as_bytes();
    let header = LocalHeader::read(&mut source).unwrap();
    assert!([header.into_body(), source.to_vec()].concat() == long.as_bytes());
}

#[test]
fn fields_that_say_nothing_are_missing_ones() {
    let input = "From: \nTo:\n\t\nCc: <>\nDate:\nMessage-ID: \nReply-To: \nSubject:\nX-A: \n\n";
    assert_eq!(rewritten(input).0, "Subject:\nX-A: \nTo: undisclosed-recipients:;\r\n\r\n");
}

#[test]
fn a_header_is_bounded() {
    let huge = format!("X: {}", "x".repeat(MAX_HEADER));
    assert!(LocalHeader::read(&mut huge.as_bytes()).is_err());
    assert!(LocalHeader::read(&mut "X: y\n".repeat(MAX_HEADER / 5 + 1).as_bytes()).is_err());
}
