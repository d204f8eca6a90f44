//! Finds the queue id that the server gave an accepted message in its reply. There is no standard for it; these are
//! the phrases of servers in use.

/// The longest queue id; a longer word is something else.
const MAX: usize = 128;

/// Finds the queue id in the text of a reply (without its codes).
pub(super) fn find(text: &str) -> Option<String> {
    let found = after(text, "queued as ")
        .or_else(|| after(text, "queued with id "))
        .or_else(|| queued_on(text))
        .or_else(|| after(text, "Message Queued ("))
        .or_else(|| after(text, "InternalId="))
        .or_else(|| after(text, "OK id="))
        .or_else(|| after(text, "completed: id="))
        .or_else(|| after(text, "envelope id "))
        .or_else(|| after(text, "message received: "))
        .or_else(|| after(text, "message saved <Message-ID: "))
        .or_else(|| before(text, " Message accepted for delivery"))
        .or_else(|| before(text, " mail accepted for delivery"))
        .or_else(|| before(text, " Received OK"))
        .or_else(|| numbered(text))
        .or_else(|| before(text, " - gsmtp"))
        .or_else(|| qmail(text))
        .or_else(|| bare(text))?;
    let found =
        found.trim_matches(|c| matches!(c, '.' | ',' | ';' | ':' | ')' | '(' | ']' | '[' | '<' | '>'));
    let fine =
        !found.is_empty() && found.len() <= MAX && found.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    fine.then(|| found.to_owned())
}

/// The word after a phrase: Postfix, Stalwart, Haraka, Exchange, Exim, NetEase, IONOS, Oracle.
fn after<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let at = find_ignoring_case(text, phrase)?;
    // A comma within a word is part of it (NetEase).
    text[at + phrase.len()..].split([' ', ')', ']', '>']).next()
}

/// `queued on HOST as ID`, `queued on HOST ID`: Yandex.
fn queued_on(text: &str) -> Option<&str> {
    let at = find_ignoring_case(text, "queued on ")?;
    let mut words = text[at + "queued on ".len()..].split(' ').skip(1);
    words
        .find(|word| !word.eq_ignore_ascii_case("as"))
        .filter(|word| word.bytes().any(|b| b.is_ascii_digit()))
}

/// `ok: Message 12345678 accepted`: Cisco.
fn numbered(text: &str) -> Option<&str> {
    let id = before(text, " accepted")?;
    let is_number = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    (is_number && text.to_ascii_lowercase().contains(&format!("message {id} accepted"))).then_some(id)
}

/// The word before a phrase: Sendmail, OpenSMTPD, Gmail.
fn before<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let at = find_ignoring_case(text, phrase)?;
    text[..at].rsplit(' ').next()
}

/// The position of an ASCII phrase, in any case.
fn find_ignoring_case(text: &str, phrase: &str) -> Option<usize> {
    let (text, phrase) = (text.as_bytes(), phrase.as_bytes());
    text.windows(phrase.len()).position(|window| window.eq_ignore_ascii_case(phrase))
}

/// `ok 1700000000 qp 12345`, and what some servers write after it.
fn qmail(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("ok ")?;
    let (time, process) = rest.split_once(" qp ")?;
    let process = process.split(' ').next()?;
    let rest = &rest[..time.len() + " qp ".len() + process.len()];
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits(time) && digits(process)).then_some(rest)
}

/// `Ok 0102018bc5…-000000`: only one long word (SES and others).
fn bare(text: &str) -> Option<&str> {
    let (ok, word) = text.split_once(' ')?;
    let is_ok = ok.trim_end_matches(['.', ':']).eq_ignore_ascii_case("ok");
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    (is_ok && word.len() >= 16 && has_digit && !word.contains(' ')).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_servers_in_use_show_their_ids() {
        for (text, id) in [
            ("Ok: queued as 4F2A91C0", "4F2A91C0"),
            ("Ok: queued as 4dZx0y1Bz3z2xKk", "4dZx0y1Bz3z2xKk"),
            ("OK id=1r5Xyz-0001ab-2C", "1r5Xyz-0001ab-2C"),
            ("3AP9abc012345 Message accepted for delivery", "3AP9abc012345"),
            ("9f8e7d6c Message accepted for delivery", "9f8e7d6c"),
            (
                "<x@y.com> [InternalId=12345678901, Hostname=AM0PR01.example] 8 bytes in 0.1, 2 KB/sec Queued mail for delivery",
                "12345678901",
            ),
            ("OK  1700000000 a1-20020a056402.12 - gsmtp", "a1-20020a056402.12"),
            ("Ok 0102018bc5d0a1b2-aaaa-bbbb-000000", "0102018bc5d0a1b2-aaaa-bbbb-000000"),
            ("ok 1700000000 qp 12345", "1700000000 qp 12345"),
            ("Message queued with id 1a2b3c.", "1a2b3c"),
            ("Message Queued (0F1E2D3C-4B5A.1)", "0F1E2D3C-4B5A.1"),
            ("Mail OK queued as smtp14,EsCowABHp--.12345S2 1546503423", "smtp14,EsCowABHp--.12345S2"),
            ("Requested mail action okay, completed: id=1MKt72-1rABCD-00LHbe", "1MKt72-1rABCD-00LHbe"),
            ("Ok: queued on vla1-abc.qloud-c.yandex.net as 1549900000-LBhkQG6Xyz", "1549900000-LBhkQG6Xyz"),
            ("Ok: queued on mail-nwsmtp-main-12.yandex.net 1700000000-XaBc0Yz", "1700000000-XaBc0Yz"),
            ("Ok, envelope id 0QXX00ABC1@ms.example.com", "0QXX00ABC1@ms.example.com"),
            ("ok:  Message 12345678 accepted", "12345678"),
            (
                "SmtpThread-1234-170000@us-mta-12.us.example Received OK [abc.us12]",
                "SmtpThread-1234-170000@us-mta-12.us.example",
            ),
            ("a1B2c3 mail accepted for delivery", "a1B2c3"),
            (
                "Message received: 20240101120000.ABCD1234@out.example.net",
                "20240101120000.ABCD1234@out.example.net",
            ),
            ("Ok, message saved <Message-ID: md50001234@example.org>", "md50001234@example.org"),
            ("ok 1700000000 qp 12345 server-5.tower-1.example!1700!1234!1", "1700000000 qp 12345"),
            ("OK 91/81-53187-DC54F775", "91/81-53187-DC54F775"),
            (
                "Ok: queued as <202401011200.12345@smtp-relay.example>",
                "202401011200.12345@smtp-relay.example",
            ),
            ("OK: queued as 3f2a-uuid", "3f2a-uuid"),
        ] {
            assert_eq!(find(text).as_deref(), Some(id), "{text}");
        }
    }

    #[test]
    fn other_text_shows_none() {
        for text in [
            "",
            "Ok",
            "OK",
            "Great success",
            "Message accepted for delivery",
            "queued as ",
            "Ok thanks",
            "OK: queued as.",
            "Queued (0.123 seconds)",
            "message accepted",
            "Queued mail for delivery",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
        assert_eq!(find(&format!("queued as {}", "x".repeat(500))), None);
        assert_eq!(find("queued as \u{1b}[31m"), None);
    }
}
