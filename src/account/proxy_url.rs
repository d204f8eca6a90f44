//! Which proxy a server is reached through: that of the configuration, else of `$ALL_PROXY` and `$NO_PROXY`, which are read
//! as curl does.

use super::Env;
use super::proxy::{ProxyAddress, ProxyChoice};
use super::server;
use super::values;
use crate::words::Failure;
use percent_encoding::percent_decode_str;
use std::net::IpAddr;

/// The default port (`RFC 1928 §3`).
const PORT: u16 = 1080;

/// Reads the key `proxy`.
pub fn choice(text: &str) -> Result<ProxyChoice, String> {
    match text {
        "none" => Ok(ProxyChoice::Direct),
        text => address(text)?.map(ProxyChoice::Socks).ok_or_else(|| {
            "not a proxy that postie can use: socks5://host:port, socks5://user@host:port, or none".into()
        }),
    }
}

/// Reads the URL of a SOCKS5 proxy; `None` if it is one of another kind. That the name is looked up by the proxy
/// (`socks5h`) is so in any case.
fn address(text: &str) -> Result<Option<ProxyAddress>, String> {
    values::plain_text(text)?;
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(None) };
    if !["socks5", "socks5h"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Ok(None);
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest),
    };
    if user.is_some_and(|user| user.contains(':')) {
        return Err(
            "a password in the URL of a proxy is refused: give the user alone, and proxy-password-command, \
                    proxy-password-file or proxy-password-env"
                .into(),
        );
    }
    let user = match user {
        None | Some("") => None,
        Some(user) => {
            let decoded =
                percent_decode_str(user).decode_utf8().map_err(|_| "the user is not UTF-8".to_owned())?;
            Some(values::plain_text(&decoded)?)
        }
    };
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') && (!host.contains(':') || host.ends_with(']')) => {
            (host, values::port(port)?)
        }
        _ => (place, PORT),
    };
    Ok(Some(ProxyAddress { host: server::host(host)?, port, user }))
}

/// The proxy that the environment names for this host: `$all_proxy`, else `$ALL_PROXY`, but none for this machine, and
/// for what `$no_proxy`, else `$NO_PROXY`, lists. A proxy of another kind than SOCKS5 is for other programs.
pub fn of_environment(env: &Env, host: &str) -> Result<Option<ProxyAddress>, Failure> {
    let first = |names: [&'static str; 2]| names.into_iter().find(|name| env.get(name).is_some());
    let Some(variable) = first(["all_proxy", "ALL_PROXY"]) else { return Ok(None) };
    let except = match first(["no_proxy", "NO_PROXY"]) {
        Some(name) => env.text(name)?.unwrap_or_default(),
        None => "",
    };
    if is_here(host) || is_excepted(host, except) {
        return Ok(None);
    }
    let text = env.text(variable)?.unwrap_or_default();
    address(text).map_err(|what| {
        Failure::config(format!("${variable}: {what}")).hint(
            "proxy = \"none\" in the account goes without, proxy = \"socks5://user@host:port\" with a login",
        )
    })
}

fn is_here(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Whether the list has the host: `*`, a name (and all below it), an address, or a block of them (`10.0.0.0/8`).
fn is_excepted(host: &str, list: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    let entries = list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty());
    entries.map(str::to_ascii_lowercase).any(|entry| match (&address, entry.as_str()) {
        (_, "*") => true,
        (Some(address), entry) => in_block(*address, entry.trim_start_matches('[').trim_end_matches(']')),
        (None, entry) => {
            let name = entry.trim_start_matches('.').trim_end_matches('.');
            !name.is_empty()
                && host.strip_suffix(name).is_some_and(|left| left.is_empty() || left.ends_with('.'))
        }
    })
}

fn in_block(address: IpAddr, block: &str) -> bool {
    let (base, bits) = block.split_once('/').map_or((block, None), |(base, bits)| (base, Some(bits)));
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let Ok(base) = base.parse::<IpAddr>() else { return false };
    let (own, base) = (octets(address), octets(base));
    let all = own.len() * 8;
    let bits = match bits.map(str::parse::<usize>) {
        None => all,
        Some(Ok(bits)) if bits <= all => bits,
        Some(_) => return false,
    };
    let bit = |octets: &[u8], at: usize| octets[at / 8] >> (7 - at % 8) & 1;
    own.len() == base.len() && (0..bits).all(|at| bit(&own, at) == bit(&base, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        choice(text).map(|choice| match choice {
            ProxyChoice::Direct => "none".into(),
            ProxyChoice::Socks(address) => address.url(),
        })
    }

    #[test]
    fn a_proxy_is_a_url_with_a_host() {
        for (text, wanted) in [
            ("socks5://proxy.example:1081", "socks5://proxy.example:1081"),
            ("SOCKS5H://Proxy.Example", "socks5://proxy.example:1080"),
            ("socks5://127.0.0.1:9050/", "socks5://127.0.0.1:9050"),
            ("socks5://[::1]:9050", "socks5://[::1]:9050"),
            ("socks5://[::1]", "socks5://[::1]:1080"),
            ("socks5://a%40b@proxy.example", "socks5://a%40b@proxy.example:1080"),
            ("none", "none"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(wanted), "{text}");
        }
        for bad in [
            "",
            "proxy.example:1080",
            "http://proxy.example",
            "socks4://proxy.example",
            "socks5://",
            "socks5://user:S3CRET@proxy.example",
            "socks5://proxy.example:0",
            "socks5://proxy.example/path",
            "socks5://a\r\nb",
        ] {
            let what = shown(bad).unwrap_err();
            assert!(!what.contains("S3CRET"), "{what}");
        }
    }

    #[test]
    fn the_environment_is_read_as_curl_does() {
        let found = |variables: &[(&str, &str)], host: &str| {
            let env: Env = variables.iter().copied().collect();
            of_environment(&env, host).map(|found| found.map(|address| address.url()))
        };
        let proxy = ("ALL_PROXY", "socks5h://proxy.example:1080");
        let wanted = Some("socks5://proxy.example:1080".to_owned());
        assert_eq!(found(&[proxy], "mail.example").unwrap(), wanted);
        assert_eq!(
            found(&[proxy, ("all_proxy", "socks5://other.example")], "mail.example").unwrap().unwrap(),
            "socks5://other.example:1080"
        );
        assert_eq!(found(&[], "mail.example").unwrap(), None);
        assert_eq!(found(&[("ALL_PROXY", "http://proxy.example:3128")], "mail.example").unwrap(), None);
        for host in ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]", "a.localhost"] {
            assert_eq!(found(&[proxy], host).unwrap(), None, "{host}");
        }
        for (list, host, excepted) in [
            ("*", "mail.example", true),
            ("example", "mail.example", true),
            (".example", "mail.example", true),
            ("mail.example", "mail.example", true),
            ("MAIL.example, other", "mail.example", true),
            ("ail.example", "mail.example", false),
            ("mail.example.org", "mail.example", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.0/24", "192.0.2.7", true),
            ("192.0.2.0/24", "192.0.3.7", false),
            ("192.0.2.0/33", "192.0.2.7", false),
            ("2001:db8::/32", "2001:db8::1", true),
            ("[2001:db8::1]", "[2001:db8::1]", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("", "mail.example", false),
        ] {
            let got = found(&[proxy, ("NO_PROXY", list)], host).unwrap();
            assert_eq!(got.is_none(), excepted, "{list} {host}");
        }
        let failure = found(&[("ALL_PROXY", "socks5://u:S3CRET@proxy.example")], "mail.example").unwrap_err();
        assert!(!failure.message.contains("S3CRET"), "{failure}");
    }
}
