//! Reads what people write about a server: its host, its TLS, names for logins and for EHLO.

use super::Protocol;
use crate::account::values;
use crate::codec::smtp::EhloName;
use crate::net::Security;
use crate::words::address::MAX_DOMAIN;
use idna::AsciiDenyList;
use std::net::Ipv6Addr;

/// Reads the name of a protocol by which mail is fetched.
pub fn incoming_protocol(text: &str) -> Result<Protocol, String> {
    match text {
        "pop3" => Ok(Protocol::Pop3),
        "imap" => Ok(Protocol::Imap),
        _ => Err("not one of pop3, imap".into()),
    }
}

/// The value of the key `tls`.
pub fn security_name(security: Security) -> &'static str {
    match security {
        Security::Implicit => "implicit",
        Security::StartTls => "starttls",
        Security::None => "none",
    }
}

/// Reads the value of the key `tls`.
pub fn security(text: &str) -> Result<Security, String> {
    match text {
        "implicit" => Ok(Security::Implicit),
        "starttls" => Ok(Security::StartTls),
        "none" => Ok(Security::None),
        _ => Err("not one of implicit, starttls, none".into()),
    }
}

/// Reads a host: a domain name (converted to A-labels, `RFC 5891 §4.4`), an IPv4 address, or an IPv6 address with or
/// without brackets. A trailing dot is dropped, because certificates do not have it.
pub fn host(text: &str) -> Result<String, String> {
    const BAD: &str = "not a host name or address";
    if text.is_empty() {
        return Err("the host is empty".into());
    }
    values::plain_text(text)?;
    if text.contains(':') {
        let inner = text.strip_prefix('[').map_or(Some(text), |rest| rest.strip_suffix(']')).ok_or(BAD)?;
        let address: Ipv6Addr = inner.parse().map_err(|_| {
            if inner.contains("//") {
                "give a host, not a URL".to_owned()
            } else if inner.matches(':').count() == 1 {
                "not a host name or address; the port has a key of its own".to_owned()
            } else {
                BAD.to_owned()
            }
        })?;
        return Ok(address.to_string());
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let ascii = idna::domain_to_ascii_cow(name.as_bytes(), AsciiDenyList::URL).map_err(|_| BAD.to_owned())?;
    let fine = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
    };
    if ascii.len() >= MAX_DOMAIN - 1 || !ascii.split('.').all(fine) {
        return Err(BAD.into());
    }
    Ok(ascii.into_owned())
}

/// Reads a user name for `USER`, `APOP` and SASL.
pub fn username(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("the user name is empty".into());
    }
    if text.len() > MAX_USER {
        return Err(format!("the user name is longer than {MAX_USER} octets"));
    }
    values::plain_text(text)
}

/// Reads a name for EHLO: a domain name (converted to A-labels), or an address in brackets.
pub fn ehlo_name(text: &str) -> Result<EhloName, String> {
    let wanted = || "not a name for EHLO: a domain name, or an address in brackets".to_owned();
    let ascii = idna::domain_to_ascii_cow(text.as_bytes(), AsciiDenyList::EMPTY).map_err(|_| wanted());
    match text.starts_with('[') {
        true => EhloName::chosen(text),
        false => EhloName::chosen(&ascii?),
    }
    .ok_or_else(wanted)
}

/// The most octets of a user name; `AUTH PLAIN` with it fits into the 12288 octets of `RFC 4954 §4`.
const MAX_USER: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_ascii_names_or_addresses() {
        for (text, wanted) in [
            ("pop.example.org", "pop.example.org"),
            ("POP.Example.ORG.", "pop.example.org"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("mail_server", "mail_server"),
            ("localhost", "localhost"),
            ("192.0.2.7", "192.0.2.7"),
            ("::1", "::1"),
            ("[2001:DB8::1]", "2001:db8::1"),
        ] {
            assert_eq!(host(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn a_name_for_ehlo_is_a_name_or_an_address_and_nothing_else() {
        for (text, wanted) in [
            ("box.example.org", "box.example.org"),
            ("box.example.org.", "box.example.org"),
            ("localhost", "localhost"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("[192.0.2.7]", "[192.0.2.7]"),
            ("[IPv6:2001:DB8::1]", "[IPv6:2001:db8::1]"),
        ] {
            assert_eq!(ehlo_name(text).map(|name| name.to_string()).as_deref(), Ok(wanted), "{text}");
        }
        for bad in [
            "",
            "a b",
            "a\r\nMAIL FROM:<x@y>",
            "-a",
            "a_b",
            "a..b",
            "[x]",
            "[1.2.3.4",
            "192.0.2.7",
            &"a".repeat(64),
        ] {
            assert!(ehlo_name(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn what_could_break_a_line_or_a_name_is_no_host() {
        for bad in [
            "",
            ".",
            "..",
            "a..b",
            "-a.example",
            "a b",
            "a\r\nb",
            "a\0b",
            "pop.example.org:995",
            "pop3s://pop.example.org",
            "user@host",
            "host/path",
            "[::1",
            "::1]",
            "[pop.example.org]",
            "fe80::1%eth0",
            "a%41",
            "xn--\u{0}",
            &format!("{}.org", "x".repeat(64)),
            &"abc.".repeat(70),
        ] {
            assert!(host(bad).is_err(), "{bad:?} was taken");
        }
    }
}
