//! What names in other programs' files are made of.

use crate::account::values;

/// The most characters of a value that a remark repeats.
const SHOWN: usize = 60;

/// The domain that two servers of one provider share: the host without its first label, where more than one label
/// is left; an address is its own.
pub fn domain_of(host: &str) -> &str {
    let is_address = host.contains(':') || host.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
    match host.split_once('.') {
        Some((_, rest)) if !is_address && rest.contains('.') => rest,
        _ => host,
    }
}

/// A key and its value, for a remark: what is long is cut.
pub fn shown(key: &str, value: &str) -> String {
    let cut = value.char_indices().nth(SHOWN).map(|(at, _)| at);
    match (value.is_empty(), cut) {
        (true, _) => key.to_owned(),
        (false, None) => format!("{key} {value}"),
        (false, Some(at)) => format!("{key} {}…", &value[..at]),
    }
}

/// Makes the name of an account from the one in another program. Characters that mean something to a shell become
/// dashes, because hints show commands with the name.
pub fn account_name(text: &str, fallback: &str) -> String {
    let dashed: String = text.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    let mut name = dashed.trim_matches('-').to_owned();
    name.truncate(name.floor_char_boundary(values::MAX_NAME));
    if values::account_name(&name).is_ok() { name } else { fallback.to_owned() }
}

/// Whether a character stands for itself in a command.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '+' | '-' | '%')
}

/// Whether a word stands for itself in a command.
pub fn is_plain_word(word: &str) -> bool {
    !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain)
}

/// A SHA-256 fingerprint of 64 hexadecimal digits, with or without colons, as the key `tls-fingerprint` has it.
pub fn fingerprint(text: &str) -> Option<String> {
    let hex: String = text.chars().filter(|c| *c != ':').collect();
    let fine = hex.len() == 64 && hex.bytes().all(|octet| octet.is_ascii_hexdigit());
    fine.then(|| format!("sha256:{}", hex.to_ascii_lowercase()))
}

/// Whether this is the file of the system's certificate authorities, which postie trusts anyway.
pub fn is_system_trust(path: &str) -> bool {
    const BUNDLES: [&str; 7] = [
        "system",
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/usr/local/share/certs/ca-root-nss.crt",
    ];
    BUNDLES.contains(&path)
}

/// Whether what is sent to this host stays on this machine.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_servers_of_a_provider_share_their_domain() {
        for (host, domain) in [
            ("pop.example.org", "example.org"),
            ("mail.example.org", "example.org"),
            ("example.org", "example.org"),
            ("a.b.example.org", "b.example.org"),
            ("localhost", "localhost"),
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            assert_eq!(domain_of(host), domain);
        }
    }

    #[test]
    fn names_are_made_valid_and_long_values_are_cut() {
        for (text, name) in [
            ("work", "work"),
            ("my mail", "my-mail"),
            ("-x", "x"),
            ("a\u{1b}[31m", "a--31m"),
            ("x;rm$IFS-r~", "x-rm-IFS-r"),
            ("", "mail"),
            ("---", "mail"),
            ("\n", "mail"),
        ] {
            assert_eq!(account_name(text, "mail"), name, "{text:?}");
        }
        assert_eq!(account_name(&"é".repeat(100), "x").len(), 64);
        assert_eq!(shown("port", "x"), "port x");
        assert_eq!(shown("port", ""), "port");
        assert_eq!(shown("k", &"é".repeat(200)).chars().count(), 63);
    }

    #[test]
    fn only_sha256_is_a_fingerprint() {
        let pairs = vec!["aB"; 32].join(":");
        assert_eq!(fingerprint(&pairs), Some(format!("sha256:{}", "ab".repeat(32))));
        for bad in ["", "ab", &vec!["AB"; 20].join(":"), &"g".repeat(64), &vec!["AB"; 33].join(":")] {
            assert_eq!(fingerprint(bad), None, "{bad}");
        }
    }
}
