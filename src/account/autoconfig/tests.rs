use super::*;

fn read_for(email: &str, text: &str) -> Result<Autoconfig, String> {
    let email = Address::parse(email).unwrap();
    let domain = server::host(email.domain()).unwrap();
    read(text.as_bytes(), Whose { email: &email, domain: &domain })
}

fn document(inner: &str) -> String {
    format!(
        "<clientConfig version=\"1.1\"><emailProvider id=\"own.test\">{inner}</emailProvider></clientConfig>"
    )
}

/// A POP3 server, with these elements instead of, or beside, the usual ones.
fn pop3(more: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("hostname", "pop.own.test"),
        ("port", "995"),
        ("socketType", "SSL"),
        ("username", "%EMAILADDRESS%"),
        ("authentication", "password-cleartext"),
    ];
    fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    let fields: String =
        fields.iter().chain(more).map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    document(&format!("<incomingServer type=\"pop3\">{fields}</incomingServer>"))
}

/// The one server of a document as `user@host:port` and how it is protected; or the note why there is none.
fn one(more: &[(&str, &str)]) -> Result<String, String> {
    let found = read_for("ana+x@own.test", &pop3(more))?;
    match found.servers.as_slice() {
        [it] => Ok(format!("{} {:?} {:?}", it.server.label(), it.server.security, it.wants)),
        _ => Err(found.notes.join("; ")),
    }
}

#[test]
fn a_document_as_providers_publish_it_is_read_in_its_order() {
    let text = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a remark --><clientConfig version=\"9\">
        <unknown><deep/></unknown>
        <emailProvider id='own.test'>
          <domain>Own.Test</domain><domain purpose=\"mx\">%EMAILDOMAIN%</domain>
          <displayName>Own &amp; Co</displayName>
          <incomingServer type='imap'><hostname> imap.%EMAILDOMAIN% </hostname><port>993</port>
            <socketType>SSL</socketType><username><![CDATA[%EMAILLOCALPART%]]></username>
            <authentication>OAuth2</authentication><authentication>password-cleartext</authentication></incomingServer>
          <incomingServer type='exchange'><hostname>x</hostname></incomingServer>
          <incomingServer type='pop3'><port>110</port><hostname>po<!-- -->p.own.test</hostname>
            <socketType>new</socketType><socketType>STARTTLS</socketType><username>u-%EMAILLOCALPART%-x</username>
            <authentication>secure</authentication><pop3><checkInterval minutes='15'/></pop3></incomingServer>
          <outgoingServer type='smtp'><hostname>smtp.own.test</hostname><port>465</port><socketType>SSL</socketType>
            <authentication>client-IP-address</authentication><restriction>client-IP-address</restriction></outgoingServer>
          <enable visiturl='https://own.test/on'><instruction>x</instruction></enable>
          <enable visiturl='javascript:x'/>
        </emailProvider>
        <emailProvider><incomingServer type='pop3'><hostname>second.test</hostname></incomingServer></emailProvider>
        <oAuth2><issuer>login.own.test</issuer><clientID>theirs</clientID><clientSecret>theirs</clientSecret></oAuth2>
      </clientConfig>";
    let found = read_for("ana@own.test", text).unwrap();
    let servers: Vec<_> = found
        .servers
        .iter()
        .map(|it| (it.server.protocol.name(), it.server.label(), it.server.security, it.wants))
        .collect();
    assert_eq!(
        servers,
        [
            ("imap", "ana@imap.own.test:993".into(), Security::Implicit, Wants::Secret),
            ("pop3", "u-ana-x@pop.own.test:110".into(), Security::StartTls, Wants::Secret),
            ("smtp", "smtp.own.test:465".into(), Security::Implicit, Wants::Nothing),
        ]
    );
    assert_eq!(found.domains, ["own.test", "own.test"]);
    assert_eq!(found.issuer.as_deref(), Some("login.own.test"));
    let notes = found.notes.join("\n");
    for note in ["15 minutes", "own network", "https://own.test/on"] {
        assert!(notes.contains(note), "{notes}");
    }
    assert!(!notes.contains("javascript") && !format!("{found:?}").contains("theirs"));
}

#[test]
fn the_address_is_put_in_as_data_and_an_idn_domain_as_its_a_labels() {
    let found = read_for("ana@b\u{fc}cher.test", &pop3(&[("hostname", "pop.%EMAILDOMAIN%")])).unwrap();
    assert_eq!(found.servers[0].server.label(), "ana@b\u{fc}cher.test@pop.xn--bcher-kva.test:995");
    assert_eq!(one(&[("hostname", "%EMAILLOCALPART%.own.test")]).unwrap_err().matches("left out").count(), 1);
    assert!(one(&[("username", "%STRANGE%")]).unwrap_err().contains("%STRANGE%"));
    assert!(one(&[("username", "%EMAILADDRESS")]).is_err());
}

#[test]
fn the_first_encrypted_way_counts_and_plain_text_is_never_taken() {
    let way = |types: &[&str]| one(&types.iter().map(|kind| ("socketType", *kind)).collect::<Vec<_>>());
    assert!(way(&["plain", "STARTTLS", "SSL"]).unwrap().contains("StartTls"));
    assert!(way(&["plain"]).unwrap_err().contains("plain text"));
    assert!(way(&["ssl"]).unwrap_err().contains("not known"));
}

#[test]
fn a_login_that_postie_cannot_do_leaves_the_server_out() {
    let login = |ways: &[&str]| one(&ways.iter().map(|way| ("authentication", *way)).collect::<Vec<_>>());
    assert!(login(&["OAuth2"]).unwrap().ends_with("Token"));
    assert!(login(&["GSSAPI", "password-encrypted"]).unwrap().ends_with("Secret"));
    assert!(login(&["NTLM"]).unwrap_err().contains("NTLM"));
    assert!(login(&["none"]).is_err(), "a mailbox needs a login");
    assert!(login(&["telepathy"]).unwrap_err().contains("not known"));
}

#[test]
fn what_could_break_a_line_a_name_or_a_terminal_is_left_out() {
    for host in [
        "a b",
        "x&#13;&#10;QUIT",
        "user@host",
        "-h.test",
        "[::1]",
        "",
        "127.0.0.1",
        "localhost",
        "%00",
        "h\u{202e}.test:1",
        "file:///etc/passwd",
        "pop3s://pop.own.test",
        "::1",
    ] {
        assert!(one(&[("hostname", host)]).is_err(), "{host}");
    }
    for port in ["0", "99999", "-1", "x", "", "995 ", "+995"].iter().filter(|port| port.trim() != "995") {
        assert!(one(&[("port", port)]).is_err(), "{port}");
    }
    for user in ["a&#13;&#10;DELE 1&#27;[31m", "a&#0;b", ""] {
        assert!(one(&[("username", user)]).is_err(), "{user}");
    }
}

#[test]
fn a_document_that_could_harm_is_refused_as_a_whole() {
    let good = pop3(&[]);
    for (text, what) in [
        (format!("<!DOCTYPE clientConfig>{good}"), "DTD"),
        (format!("<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]>{good}"), "DTD"),
        (format!("<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/hostname\">]>{good}"), "DTD"),
        (good.replace("pop.own.test", "&undefined;"), "not XML"),
        (good[..good.len() - 20].to_owned(), "not XML"),
        (document(&format!("{}{}", "<a>".repeat(9000), "</a>".repeat(9000))), "deep"),
        (document(&"<a/>".repeat(30_000)), "more than 20000"),
        ("<!doctype html><html><body><p>Welcome<br></body></html>".into(), "not XML"),
        ("<html><body/></html>".into(), "clientConfig"),
        ("".into(), "not XML"),
        ("<clientConfig/>".into(), "emailProvider"),
    ] {
        let error = read_for("ana@own.test", &text).unwrap_err();
        assert!(error.contains(what), "{what}: {error}");
    }
    let email = Address::parse("ana@own.test").unwrap();
    let latin = [b"<!-- Gr\xfc\xdfe -->", good.as_bytes()].concat();
    assert!(read(&latin, Whose { email: &email, domain: "own.test" }).unwrap_err().contains("UTF-8"));
}

#[test]
fn elements_in_each_other_by_the_quarter_million_do_not_break_the_stack() {
    for text in ["<a>".repeat(87_000), "<".repeat(262_144), "&#".repeat(131_072), "<a b='".repeat(40_000)] {
        assert!(read_for("ana@own.test", &text).is_err());
    }
}

#[test]
fn of_many_servers_only_the_first_are_looked_at() {
    let many: String = (0..1500)
        .map(|n| {
            format!(
                "<incomingServer type='imap'><hostname>h{n}.test</hostname><port>993</port>\
                 <socketType>SSL</socketType></incomingServer>"
            )
        })
        .collect();
    let found = read_for("ana@own.test", &document(&many)).unwrap();
    assert_eq!(found.servers.len(), MOST_SERVERS);
    assert!(found.notes.iter().any(|note| note.contains("first 32")));
}

/// The next number of a simple generator (xorshift).
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state >> 33).unwrap()
}

#[test]
fn a_document_with_anything_changed_in_it_names_no_server_that_could_do_harm() {
    let good = pop3(&[]).into_bytes();
    let email = Address::parse("ana@own.test").unwrap();
    let pieces: [&[u8]; 8] =
        [b"<", b">", b"&#13;", b"%EMAILDOMAIN%", b"<!DOCTYPE x>", b"]]>", b"\0", b"\xff"];
    let mut state = 0x2545_f491_4f6c_dd1d;
    let mut taken = 0;
    for _ in 0..20_000 {
        let mut octets = good.clone();
        for _ in 0..=next(&mut state) % 3 {
            let at = next(&mut state) % octets.len();
            match next(&mut state) % 3 {
                0 => octets[at] = next(&mut state) as u8,
                1 => drop(octets.remove(at)),
                _ => drop(octets.splice(at..at, pieces[next(&mut state) % pieces.len()].iter().copied())),
            }
        }
        for it in read(&octets, Whose { email: &email, domain: "own.test" }).map_or(vec![], |it| it.servers) {
            taken += 1;
            let user = it.server.username.unwrap_or_default();
            assert!(!format!("{}{user}", it.server.host).contains(char::is_control), "{octets:?}");
            assert!(it.server.host.contains('.') && it.server.host.parse::<IpAddr>().is_err(), "{octets:?}");
            assert!(it.server.security != Security::None && it.server.port > 0, "{octets:?}");
        }
    }
    assert!((100..20_000).contains(&taken), "{taken}");
}
