use super::*;

fn shown(text: &str) -> Vec<String> {
    let one = |mailbox: &Mailbox| match &mailbox.name {
        Some(name) => format!("{name}|{}", mailbox.address),
        None => mailbox.address.to_string(),
    };
    let entry = |entry: &Entry| match entry {
        Entry::Mailbox(mailbox) => one(mailbox),
        Entry::Group { name, members } => {
            format!("{name}:{}", members.iter().map(one).collect::<Vec<_>>().join(","))
        }
    };
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).iter().map(entry).collect()
}

#[test]
fn lists_are_read_as_people_and_headers_write_them() {
    let table: &[(&str, &[&str])] = &[
        ("", &[]),
        (" , ,", &[]),
        ("a@x.org", &["a@x.org"]),
        ("a@x.org, b@x.org,", &["a@x.org", "b@x.org"]),
        ("<a@x.org>", &["a@x.org"]),
        ("Ana <a@x.org>", &["Ana|a@x.org"]),
        ("Ana  Maria\t<a@x.org>", &["Ana Maria|a@x.org"]),
        ("\"Doe, J\" <j@x.org>, b@x.org", &["Doe, J|j@x.org", "b@x.org"]),
        ("\"say \\\"hi\\\"\" <j@x.org>", &["say \"hi\"|j@x.org"]),
        ("\"a b\"@x.org", &["\"a b\"@x.org"]),
        ("\"a@b,c\"@x.org", &["\"a@b,c\"@x.org"]),
        ("X <\"a>b\"@x.org>", &["X|\"a>b\"@x.org"]),
        ("a@x.org (Ana)", &["Ana|a@x.org"]),
        ("(one (two) \\) three) a@x.org", &["one (two) ) three|a@x.org"]),
        ("Ana (home) <a@x.org> (work)", &["Ana (home)|a@x.org"]),
        ("Ana(home)<a@x.org>", &["Ana(home)|a@x.org"]),
        ("Ana (a (b) \\) c) Doe <a@x.org>", &["Ana (a (b) ) c) Doe|a@x.org"]),
        ("\"Ana (Sales)\" <a@x.org>", &["Ana (Sales)|a@x.org"]),
        ("(Ana) <a@x.org>", &["Ana|a@x.org"]),
        ("<a@x.org> (Ana)", &["Ana|a@x.org"]),
        ("team (all): a(x)@x.org, B (b) <b@x.org>;", &["team:x|a@x.org,B (b)|b@x.org"]),
        ("a..b@x.org, .a@x.org, <a.@x.org>", &["a..b@x.org", ".a@x.org", "a.@x.org"]),
        ("a . b @ x . org", &["a.b@x.org"]),
        ("<@one.org,@two.org:a@x.org>", &["a@x.org"]),
        ("list: a@x.org, B <b@x.org>;", &["list:a@x.org,B|b@x.org"]),
        ("undisclosed-recipients:;", &["undisclosed-recipients:"]),
        ("list: ;, c@x.org", &["list:", "c@x.org"]),
        ("x@[192.0.2.1], y@[IPv6:2001:db8::1]", &["x@[192.0.2.1]", "y@[IPv6:2001:db8::1]"]),
        ("Jörg <joerg@bücher.example>", &["Jörg|joerg@xn--bcher-kva.example"]),
        ("jörg@bücher.example", &["jörg@xn--bcher-kva.example"]),
        ("J.R. Doe <j@x.org>", &["J.R. Doe|j@x.org"]),
        ("O'Neil <o'neil@x.org>", &["O'Neil|o'neil@x.org"]),
        ("a@X.ORG", &["a@X.ORG"]),
    ];
    for (text, want) in table {
        assert_eq!(shown(text), *want, "{text}");
    }
}

#[test]
fn what_is_no_list_is_refused_whole() {
    for bad in [
        "ana",
        "a@x.org b@x.org",
        "Ana a@x.org",
        "<a@x.org",
        "a@x.org>",
        "<>",
        "<a@x.org> rest",
        "<a@x.org> \"rest\"",
        "<a@x.org><b@x.org>",
        "\"open <a@x.org>",
        "(open a@x.org",
        "list: a@x.org",
        "a: b: c@x.org;;",
        "a@x.org;",
        "x@[1.2.3.4",
        "a@x.org, b",
        "a b@x.org",
        "a@x.org\\, b@x.org",
        "a@x.org\r\nBcc: b@x.org",
        "\"a\r\n\" <a@x.org>",
        "a\0@x.org",
        "a@x.org\u{85}",
        "a@b@x.org",
        "<a@x.org,b@x.org>",
        "Ana <a@x.org",
    ] {
        assert!(parse(bad).is_err(), "{bad:?} gave {:?}", parse(bad));
    }
}

#[test]
fn no_cut_text_gives_an_address_that_was_not_in_it() {
    let text = "\"Doe, J\" <j@x.org>, list: a@y.org (c), <b@z.org>;";
    let whole: Vec<String> = parse(text)
        .unwrap()
        .iter()
        .flat_map(|entry| entry.mailboxes().to_vec())
        .map(|mailbox| mailbox.address.to_string())
        .collect();
    assert_eq!(whole, ["j@x.org", "a@y.org", "b@z.org"]);
    for end in 0..text.len() {
        let Ok(list) = parse(&text[..end]) else { continue };
        for mailbox in list.iter().flat_map(Entry::mailboxes) {
            assert!(whole.contains(&mailbox.address.to_string()), "{:?}", &text[..end]);
        }
    }
}

#[test]
fn hostile_lists_take_linear_time_and_no_stack() {
    assert!(parse(&"(".repeat(1_000_000)).is_err());
    assert!(parse(&format!("{}{} a@x.org", "(".repeat(300_000), ")".repeat(300_000))).is_ok());
    assert_eq!(parse(&",".repeat(1_000_000)).unwrap(), []);
    assert!(parse(&"<".repeat(1_000_000)).is_err());
}

#[test]
fn one_address_is_one_address() {
    assert_eq!(single("Ana <a@x.org>").unwrap().name.as_deref(), Some("Ana"));
    for bad in ["", "a@x.org, b@x.org", "list: a@x.org;", ","] {
        assert!(single(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_same_mailbox_is_kept_once() {
    let list =
        ["a@x.org", "A@x.org", "a@X.org", "b@x.org", "a@x.org"].map(|text| Address::parse(text).unwrap());
    let kept: Vec<String> = distinct(list).iter().map(ToString::to_string).collect();
    assert_eq!(kept, ["a@x.org", "A@x.org", "b@x.org"]);
}

#[test]
fn bare_local_names_get_a_domain_only_where_that_is_wanted() {
    let list = "root, \"Cron Daemon\" <cron>, root (Cron Daemon), a@x.org, g: b, c@x.org;, \"od d\"";
    assert!(parse(list).is_err());
    let entries = parse_local(list, "localhost").unwrap();
    let shown: Vec<String> = entries
        .iter()
        .flat_map(Entry::mailboxes)
        .map(|one| format!("{}={}", one.name.as_deref().unwrap_or("-"), one.address))
        .collect();
    assert_eq!(
        shown,
        [
            "-=root@localhost",
            "Cron Daemon=cron@localhost",
            "Cron Daemon=root@localhost",
            "-=a@x.org",
            "-=b@localhost",
            "-=c@x.org",
            "-=\"od d\"@localhost"
        ]
    );
    for bad in ["two words", "a@", "@x.org", "<>", "a b <c d>", "root\r\nBcc: x"] {
        assert!(parse_local(bad, "localhost").is_err(), "{bad:?}");
    }
}
