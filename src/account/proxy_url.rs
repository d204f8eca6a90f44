//! Which proxy a server is reached through: that of the configuration, else of `$ALL_PROXY` and `$NO_PROXY`, which are read
//! as curl does.

use super::Env;
use super::env::{ALL_PROXY, NO_PROXY};
use super::proxy::{ProxyAddress, ProxyChoice};
use super::server;
use super::values;
use crate::net::http::HttpProxy;
use crate::net::proxy_exceptions::{is_excepted, is_here};
use crate::words::Failure;
use percent_encoding::percent_decode_str;

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
/// (`socks5h`) is so in any case. Desktops write `socks`, whatever the proxy speaks.
fn address(text: &str) -> Result<Option<ProxyAddress>, String> {
    values::plain_text(text)?;
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(None) };
    if !["socks5", "socks5h", "socks"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
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
/// for what `$no_proxy`, else `$NO_PROXY`, lists. An HTTP proxy is for other programs. What is no proxy at all, and a
/// SOCKS proxy that postie cannot use, is an error: mail would go round what the user wanted it to go through.
pub fn of_environment(env: &Env, host: &str) -> Result<Option<ProxyAddress>, Failure> {
    let Some((variable, value)) = env.first_of(ALL_PROXY) else { return Ok(None) };
    let failed = |what: &str| {
        Failure::config(format!("${variable}: reading the proxy: {what}")).hint(
            "it is to be socks5://host:port; proxy = \"none\" in the account goes without, \
             proxy = \"socks5://user@host:port\" with a login",
        )
    };
    let except = match env.first_of(NO_PROXY) {
        Some((name, list)) => {
            list.to_str().ok_or_else(|| Failure::config(format!("${name}: reading: not valid UTF-8")))?
        }
        None => "",
    };
    if is_here(host) || is_excepted(host, except) {
        return Ok(None);
    }
    let text = value.to_str().ok_or_else(|| failed("not valid UTF-8"))?;
    match address(text).map_err(|what| failed(&what))? {
        Some(proxy) => Ok(Some(proxy)),
        None if HttpProxy::is_by_http(text) => Ok(None),
        None => Err(failed("not the URL of a SOCKS5 or HTTP proxy")),
    }
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
            ("socks://proxy.example/", "socks5://proxy.example:1080"),
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
        for by_http in
            ["http://proxy.example:3128", "https://u:p@proxy.example", "proxy.example:3128", "[::1]:8"]
        {
            assert_eq!(found(&[("ALL_PROXY", by_http)], "mail.example").unwrap(), None, "{by_http}");
        }
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
    }

    #[test]
    fn what_is_no_proxy_is_not_passed_over_but_where_none_is_needed() {
        for bad in [
            "socks5://u:S3CRET@proxy.example",
            "socks4://S3CRET.example:1080",
            "socks4a://S3CRET.example",
            "socks5:/S3CRET.example:1080",
            "socks5//S3CRET.example:1080",
            "socks5://",
            "socks5://S3CRET.example:99999",
            "http://",
            "http://S3CRET.example:99999",
            "S3CRET.example:port",
            "htp://S3CRET.example",
            " ",
        ] {
            for variable in ["ALL_PROXY", "all_proxy"] {
                let env = |more: &[(&'static str, &'static str)]| {
                    let own = [(variable, bad)];
                    own.into_iter().chain(more.iter().copied()).collect::<Env>()
                };
                let failure = of_environment(&env(&[]), "mail.example").unwrap_err();
                assert_eq!(failure.kind(), crate::words::Kind::Config, "{bad}");
                assert!(!format!("{failure:?}").contains("S3CRET"), "{bad}: {failure}");
                assert!(failure.message.contains(variable) && failure.hint.is_some(), "{bad}: {failure}");
                assert_eq!(of_environment(&env(&[]), "localhost").unwrap(), None, "{bad}");
                let excepted = env(&[("NO_PROXY", "example")]);
                assert_eq!(of_environment(&excepted, "mail.example").unwrap(), None, "{bad}");
            }
        }
        use std::os::unix::ffi::OsStrExt as _;
        let latin: Env = [("ALL_PROXY", std::ffi::OsStr::from_bytes(b"socks5://\xe9"))].into_iter().collect();
        assert!(of_environment(&latin, "mail.example").is_err());
    }
}
