//! Addresses that are given by an authorization server, or by the configuration.

use ureq::http::Uri;

/// The most octets of an address.
const MAX: usize = 2048;

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlUse {
    /// An issuer (`RFC 8414 §2`): it has no query.
    Issuer,
    /// To be asked by postie, secrets in the request.
    Endpoint,
    /// To be opened in a browser.
    ForPeople,
}

/// Checks that an address is one of HTTPS, or of HTTP on this machine, and has nothing in it that is not visible.
pub fn check(url: &str, use_as: UrlUse) -> Result<Uri, String> {
    if url.len() > MAX {
        return Err(format!("the address is longer than {MAX} octets"));
    }
    if !url
        .bytes()
        .all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'<' | b'>' | b'\\' | b'`'))
    {
        return Err("not an address: it has characters that none has".into());
    }
    let uri: Uri = url.parse().map_err(|_| "not an address".to_owned())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or("not an address: it has no host")?;
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("an address with a user in it".into());
    }
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if is_loopback(host) => {}
        Some("http") => return Err("it is not protected: https is wanted".into()),
        _ => return Err("not an address of https".into()),
    }
    if url.contains('#') {
        return Err("an address with a fragment".into());
    }
    if use_as == UrlUse::Issuer && url.contains('?') {
        return Err("an issuer has no query".into());
    }
    Ok(uri)
}

/// Checks that an address is one that a browser may be sent back to: one for people, or one by the scheme of a program
/// (`RFC 8252 §7.1`), which is a domain's name reversed.
pub fn check_redirect(url: &str) -> Result<(), String> {
    let of_program = url.split_once(":/").filter(|(scheme, _)| scheme.contains('.'));
    let Some((scheme, path)) = of_program else { return check(url, UrlUse::ForPeople).map(drop) };
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet);
    let is_visible = |octet: u8| octet.is_ascii_graphic() && !b"\"<>\\`#".contains(&octet);
    let is_scheme =
        scheme.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && scheme.bytes().all(plain);
    match is_scheme && url.len() <= MAX && path.bytes().all(is_visible) && !path.starts_with('/') {
        true => Ok(()),
        false => Err("neither an address of https nor one as org.example.mail:/back".into()),
    }
}

/// Whether the host is this machine, by its address or its usual name.
pub fn is_loopback(host: &str) -> bool {
    let inner = host.trim_start_matches('[').trim_end_matches(']');
    let address = inner.parse::<std::net::IpAddr>();
    address.is_ok_and(|address| address.is_loopback()) || host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_protected_or_on_this_machine() {
        for (url, fine) in [
            ("https://h", true),
            ("https://h.example:8443/a/b?c=d", true),
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1/", true),
            ("http://localhost/x", true),
            ("http://localhost.example/x", false),
            ("http://127.0.0.1.example/x", false),
            ("http://h", false),
            ("https://u@h", false),
            ("https://u:p@h/", false),
            ("https://h/#f", false),
            ("https:///x", false),
            ("h/x", false),
            ("/x", false),
            ("", false),
            ("ftp://h", false),
            ("javascript:alert(1)", false),
            ("https://h/\u{1b}[31m", false),
            ("https://h/a b", false),
            ("https://h/\u{e4}", false),
        ] {
            for use_as in [UrlUse::Endpoint, UrlUse::ForPeople] {
                assert_eq!(check(url, use_as).is_ok(), fine, "{url}");
            }
        }
        for fine in [
            "https://h/back",
            "http://127.0.0.1/x",
            "org.example.mail:/back",
            "org.example:/",
            "a.b-c+1:/x?y=z",
        ] {
            assert!(check_redirect(fine).is_ok(), "{fine}");
        }
        for bad in [
            "mail:/back",
            "org.example:back",
            "org.example://host/back",
            "1.a:/b",
            "org.example:/a b",
            "a.b:/#c",
            "j.s:/\n",
            "",
        ] {
            assert!(check_redirect(bad).is_err(), "{bad}");
        }
        assert!(check("https://h/?q", UrlUse::Issuer).is_err());
        assert!(check("https://h/tenant", UrlUse::Issuer).is_ok());
        assert!(check(&format!("https://h/{}", "x".repeat(MAX)), UrlUse::Endpoint).is_err());
    }
}
