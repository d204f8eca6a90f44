//! Reads a server's URL: `pop3s://user@host[:port]` (`RFC 3986 §3.2`; the POP URL of `RFC 2384` has no TLS).
//!
//! | scheme | protection |
//! |---|---|
//! | `pop3s`, `smtps` | TLS from the first octet |
//! | `pop3`, `smtp` | STLS or STARTTLS, required |
//! | `pop3+insecure`, `smtp+insecure` | none |
//!
//! Refused: a password (arguments are public), a path, a query, a fragment, control characters. The error never quotes
//! the URL, which may have a password in it. General URL crates do not help: they drop CR and LF silently and do not
//! check the hosts of such schemes (WHATWG URL, "opaque host").

use super::server::{self, Protocol, Server};
use super::values;
use crate::net::Security;

const SCHEMES: [(&str, Protocol, Security); 9] = [
    ("pop3s", Protocol::Pop3, Security::Implicit),
    ("pop3", Protocol::Pop3, Security::StartTls),
    ("pop3+insecure", Protocol::Pop3, Security::None),
    ("imaps", Protocol::Imap, Security::Implicit),
    ("imap", Protocol::Imap, Security::StartTls),
    ("imap+insecure", Protocol::Imap, Security::None),
    ("smtps", Protocol::Smtp, Security::Implicit),
    ("smtp", Protocol::Smtp, Security::StartTls),
    ("smtp+insecure", Protocol::Smtp, Security::None),
];

/// Reads a URL. A POP3 server needs a user; an SMTP server without one gets mail without AUTH.
pub fn parse(text: &str) -> Result<Server, String> {
    let server = parse_server(text)?;
    if server.protocol == Protocol::Pop3 && server.username.is_none() {
        return Err("a POP3 URL needs a user: pop3s://user@host".into());
    }
    Ok(server)
}

/// Reads a URL that needs no user, because the account's address can be that.
pub fn parse_server(text: &str) -> Result<Server, String> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("the URL has a space or control character in it".into());
    }
    let known = || {
        let names: Vec<&str> = SCHEMES.iter().map(|(name, ..)| *name).collect();
        format!("not a mail URL; write one of {}, as in pop3s://user@host", names.join(", "))
    };
    let (scheme, rest) = text.split_once("://").ok_or_else(known)?;
    let (_, protocol, security) =
        SCHEMES.into_iter().find(|(name, ..)| name.eq_ignore_ascii_case(scheme)).ok_or_else(known)?;
    // The last `@` ends the user: users are often whole addresses, but a host has no `@`.
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err("a password in a URL is refused: everybody can read the arguments of a process; \
             use --password-command, --password-file or a variable (and write %3A for a colon in the user)"
            .into());
    }
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains(['/', '?', '#']) || user.is_some_and(|user| user.contains(['/', '?', '#'])) {
        return Err("a mail URL has no path, query or fragment (write %2F, %3F, %23 in a user)".into());
    }
    let (host, port) = split_port(place)?;
    let mut server = Server::new(protocol, server::host(host)?, security);
    if let Some(port) = port {
        server.port = values::port(port)?;
    }
    server.username = match user {
        None => None,
        Some(user) => Some(server::username(&percent_decode(user)?)?),
    };
    Ok(server)
}

/// The URL of a server, as [`parse_server`] reads it.
pub fn write(server: &Server) -> String {
    let is = |entry: &&(&str, Protocol, Security)| entry.1 == server.protocol && entry.2 == server.security;
    let scheme = SCHEMES.iter().find(is).map_or("", |(name, ..)| name);
    let user = server.username.iter().map(|user| format!("{}@", crate::net::http::query_value(user)));
    let user: String = user.collect();
    let place = server.place();
    let usual = format!(":{}", server.protocol.default_port(server.security));
    let place = place.strip_suffix(&usual).unwrap_or(&place);
    format!("{scheme}://{user}{place}")
}

/// The host, and the text after its colon.
fn split_port(place: &str) -> Result<(&str, Option<&str>), String> {
    if place.starts_with('[') {
        let end = place.find(']').ok_or("the bracket around the address is not closed")?;
        let (host, rest) = place.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("not a host name or address".into()),
        };
    }
    match place.split_once(':') {
        Some((_, port)) if port.contains(':') => Err("put an IPv6 address in brackets: [2001:db8::1]".into()),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((place, None)),
    }
}

/// Decodes `pct-encoded` (`RFC 3986 §2.1`); a `%` without two hexadecimal digits is refused.
fn percent_decode(text: &str) -> Result<String, String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let mut digit = || rest.next().and_then(|octet| char::from(octet).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => octets.extend(u8::try_from(high << 4 | low)),
            _ => return Err("a % in the user is not followed by two hexadecimal digits".into()),
        }
    }
    String::from_utf8(octets).map_err(|_| "the user is not valid UTF-8".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_written_as_it_is_read() {
        for text in [
            "pop3s://ana%40own.test@pop.example.org",
            "imap://ana@imap.example.org",
            "smtp://smtp.example.org:2525",
            "smtps://a%3Ab%2Fc%20%25@[2001:db8::1]",
        ] {
            let server = parse_server(text);
            assert_eq!(server.map(|server| write(&server)).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_url_is_a_whole_server() {
        for (text, wanted) in [
            (
                "pop3s://ana@pop.example.org",
                (Protocol::Pop3, "ana", "pop.example.org", 995, Security::Implicit),
            ),
            (
                "pop3://ana@pop.example.org",
                (Protocol::Pop3, "ana", "pop.example.org", 110, Security::StartTls),
            ),
            ("pop3+insecure://a@127.0.0.1:1110", (Protocol::Pop3, "a", "127.0.0.1", 1110, Security::None)),
            (
                "SMTPS://ana%40example.org@h",
                (Protocol::Smtp, "ana@example.org", "h", 465, Security::Implicit),
            ),
            ("smtp://ana@example.org@h:25", (Protocol::Smtp, "ana@example.org", "h", 25, Security::StartTls)),
            ("smtp+insecure://a%3Ab@[::1]:2525/", (Protocol::Smtp, "a:b", "::1", 2525, Security::None)),
            (
                "pop3s://a@b%C3%BCcher@bücher.example",
                (Protocol::Pop3, "a@bücher", "xn--bcher-kva.example", 995, Security::Implicit),
            ),
        ] {
            let server = parse(text).unwrap();
            let user = server.username.as_deref().unwrap();
            assert_eq!(
                (server.protocol, user, &*server.host, server.port, server.security),
                wanted,
                "{text}"
            );
        }
    }

    #[test]
    fn smtp_without_a_user_is_without_auth_and_pop3_without_one_is_a_mistake() {
        assert_eq!(parse("smtp://relay.example.org").unwrap().username, None);
        assert!(parse("pop3s://pop.example.org").is_err());
        assert_eq!(parse_server("pop3s://pop.example.org").unwrap().username, None);
        assert!(parse("smtp://@relay.example.org").is_err());
    }

    #[test]
    fn a_password_is_refused_and_never_repeated() {
        for text in [
            "pop3s://ana:S3CRET@pop.example.org",
            "smtp://ana@example.org:S3CRET@smtp.example.org",
            "pop3s://:S3CRET@pop.example.org",
            "pop3s://ana:S3CRET@",
            "pop3s://ana:S3C/RET@pop.example.org",
            "ftp://ana:S3CRET@pop.example.org",
            "pop3s://ana:S3CRET%zz@pop.example.org",
            "pop3s://ana:S3CRET",
            "ana:S3CRET@pop.example.org",
        ] {
            let refusal = parse(text).unwrap_err();
            assert!(!refusal.contains("S3C"), "{refusal}");
        }
    }

    #[test]
    fn what_is_no_mail_url_is_refused() {
        for bad in [
            "",
            "pop.example.org",
            "pop3s:ana@host",
            "https://a@host",
            "jmaps://a@host",
            "pop3s://a@host:0",
            "pop3s://a@host:65536",
            "pop3s://a@host:-1",
            "pop3s://a@host:",
            "pop3s://a@host:99x",
            "pop3s://a@host/INBOX",
            "pop3s://a@host?x=y",
            "pop3s://a@host#x",
            "pop3s://a@::1",
            "pop3s://a@[::1",
            "pop3s://a@[::1]x",
            "pop3s://a@",
            "pop3s://@host",
            "pop3s://a%@host",
            "pop3s://a%4@host",
            "pop3s://a%+1@host",
            "pop3s://a%ff@host",
            "pop3s://a%0d%0aDELE%201@host",
            "pop3s://a%00@host",
            "pop3s://a b@host",
            "pop3s://a\r\n@host",
        ] {
            assert!(parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
