//! A proxy for HTTP, as `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name it: by CONNECT (`RFC 9110 §9.3.6`), or SOCKS5.

use crate::codec::socks::ProxyLogin;
use crate::net::proxy::Proxy as Socks;
use crate::net::proxy_exceptions::{is_excepted, is_here};
use crate::words::{Failure, Secret};
use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

/// The default port of SOCKS (`RFC 1928 §3`).
const SOCKS_PORT: u16 = 1080;

/// A proxy, and the hosts that are not reached through it.
#[derive(Clone)]
pub struct HttpProxy {
    way: ProxyWay,
    /// `$NO_PROXY`.
    except: String,
}

#[derive(Clone)]
enum ProxyWay {
    /// With the exceptions, because ureq follows redirects by itself.
    Connect(Proxy),
    Socks(Socks),
    /// The variable names no proxy that postie can use; this is said where the proxy is needed.
    Wrong(Failure),
}

impl std::fmt::Debug for HttpProxy {
    // Its URL may have a password in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.way {
            ProxyWay::Connect(proxy) => write!(f, "HttpProxy({}:{})", proxy.host(), proxy.port()),
            ProxyWay::Socks(socks) => write!(f, "HttpProxy({})", socks.place()),
            ProxyWay::Wrong(failure) => write!(f, "HttpProxy({failure})"),
        }
    }
}

impl HttpProxy {
    /// Reads `[http://][user:password@]host[:port]` or `socks5://…`, the value of `variable`. `except` is a list of hosts
    /// ([`is_excepted`]).
    pub fn of(variable: &str, url: &str, except: &str) -> HttpProxy {
        let wrong = || {
            let message = format!("${variable}: reading the proxy: not the URL of an HTTP or SOCKS5 proxy");
            Failure::config(message).hint(
                "it is to be http://host:port or socks5://host:port; unset it to go without, or name in NO_PROXY the \
                 hosts that need none",
            )
        };
        HttpProxy {
            way: way(url, except).unwrap_or_else(|| ProxyWay::Wrong(wrong())),
            except: except.to_owned(),
        }
    }

    /// Whether this is the URL of a proxy that is spoken to by HTTP.
    pub fn is_by_http(url: &str) -> bool {
        matches!(way(url, ""), Some(ProxyWay::Connect(_)))
    }

    /// Fails with [`crate::words::Kind::Config`] if the variable names no proxy, and some hosts need one.
    pub fn check(&self) -> Result<(), Failure> {
        match &self.way {
            ProxyWay::Wrong(failure) if !is_excepted("*", &self.except) => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    /// The proxy that ureq is to use for this URL.
    pub(super) fn for_ureq(&self, uri: &Uri) -> Option<Proxy> {
        match &self.way {
            ProxyWay::Connect(proxy) if self.is_for(uri) => Some(proxy.clone()),
            _ => None,
        }
    }

    /// The SOCKS proxy through which this URL is reached. Fails with [`crate::words::Kind::Config`] if the variable names
    /// no proxy.
    pub(super) fn socks(&self, uri: &Uri) -> Result<Option<&Socks>, Failure> {
        match &self.way {
            ProxyWay::Socks(socks) if self.is_for(uri) => Ok(Some(socks)),
            ProxyWay::Wrong(failure) if self.is_for(uri) => Err(failure.clone()),
            _ => Ok(None),
        }
    }

    fn is_for(&self, uri: &Uri) -> bool {
        uri.host().is_some_and(|host| !is_here(host) && !is_excepted(host, &self.except))
    }

    /// `host:port` of a proxy for CONNECT, to know the connection to it.
    pub(super) fn authority(&self) -> Option<String> {
        match &self.way {
            ProxyWay::Connect(proxy) => super::urls::place(proxy.uri()),
            ProxyWay::Socks(_) | ProxyWay::Wrong(_) => None,
        }
    }
}

/// `None` if it is no URL of such a proxy.
fn way(url: &str, except: &str) -> Option<ProxyWay> {
    let read = Proxy::new(url).ok()?;
    // The library takes any number for a port, and then the usual one; and `http//host` for a host named http.
    let is_odd = !url.contains("://") && !matches!(read.uri().path(), "" | "/");
    if read.host().is_empty() || !has_good_port(read.uri()) || is_odd {
        return None;
    }
    match read.protocol() {
        ProxyProtocol::Http | ProxyProtocol::Https => {}
        ProxyProtocol::Socks5 | ProxyProtocol::Socks5h => return Some(ProxyWay::Socks(socks(&read))),
        _ => return None,
    }
    let mut proxy = Proxy::builder(read.protocol()).host(read.host()).port(read.port());
    if let Some(user) = read.username() {
        proxy = proxy.username(user);
    }
    if let Some(password) = read.password() {
        proxy = proxy.password(password);
    }
    for host in except.split([',', ' ', '\t']).filter(|host| !host.is_empty()) {
        proxy = proxy.no_proxy(host);
        // In most programs `example.org` is also all below it.
        if !host.starts_with(['.', '*']) {
            proxy = proxy.no_proxy(&format!(".{host}"));
        }
    }
    proxy.build().ok().map(ProxyWay::Connect)
}

/// Whether the port is none, or one from 1 to 65535.
fn has_good_port(uri: &Uri) -> bool {
    let Some(authority) = uri.authority() else { return false };
    let place = authority.as_str().rsplit('@').next().unwrap_or_default();
    match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') && (!host.contains(':') || host.ends_with(']')) => {
            port.parse::<u16>().is_ok_and(|port| port > 0)
        }
        _ => true,
    }
}

fn socks(read: &Proxy) -> Socks {
    let login = read.username().map(|user| ProxyLogin {
        user: user.to_owned(),
        password: Secret::new(read.password().unwrap_or_default()),
    });
    let port = if read.uri().port_u16().is_some() { read.port() } else { SOCKS_PORT };
    Socks { host: read.host().trim_matches(['[', ']']).to_owned(), port, login }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(url: &str) -> Uri {
        url.parse().unwrap()
    }

    #[test]
    fn a_proxy_has_a_host_and_exceptions_and_shows_no_password() {
        let list = "localhost, .corp.example,x.example\ty.example 192.0.2.0/24";
        let proxy = HttpProxy::of("https_proxy", "http://ana:s3cret@proxy.example:3128", list);
        assert!(!format!("{proxy:?}").contains("s3cret"));
        assert_eq!(proxy.authority().as_deref(), Some("proxy.example:3128"));
        assert!(proxy.check().is_ok());
        for (url, is_direct) in [
            ("https://localhost/", true),
            ("https://127.0.0.1/", true),
            ("https://a.corp.example/", true),
            ("https://x.example/", true),
            ("https://deep.x.example/", true),
            ("https://y.example/", true),
            ("https://192.0.2.9/", true),
            ("https://192.0.3.9/", false),
            ("https://other.example/", false),
        ] {
            assert_eq!(proxy.for_ureq(&uri(url)).is_none(), is_direct, "{url}");
            assert!(proxy.socks(&uri(url)).unwrap().is_none());
        }
        let short = HttpProxy::of("https_proxy", "proxy.example", "");
        assert_eq!(short.authority().as_deref(), Some("proxy.example:80"));
    }

    #[test]
    fn a_socks_proxy_is_not_for_ureq_and_has_exceptions_too() {
        let proxy = HttpProxy::of("all_proxy", "socks5h://ana:s3cret@[::1]", "direct.example");
        assert!(proxy.for_ureq(&uri("https://own.example/")).is_none());
        assert!(!format!("{proxy:?}").contains("s3cret"));
        let through = |url: &str| proxy.socks(&uri(url)).unwrap().map(Socks::place);
        assert_eq!(through("https://own.example/").as_deref(), Some("[::1]:1080"));
        assert_eq!(through("https://a.direct.example/"), None);
        let short = HttpProxy::of("all_proxy", "socks://proxy.example/", "");
        assert!(short.socks(&uri("https://own.example/")).unwrap().is_some());
    }

    #[test]
    fn what_names_no_proxy_is_an_error_where_one_is_needed_and_shows_nothing_of_its_value() {
        for bad in [
            "socks4://s3cret.example",
            "",
            " ",
            "http://",
            "http://:3128",
            "http://s3cret.example:99999",
            "http://s3cret.example:0",
            "http://s3cret.example:x",
            "http:/s3cret.example:3128",
            "http//s3cret.example:3128",
            "htp://s3cret.example:3128",
            "http://s3cret .example",
            "ftp://s3cret.example",
        ] {
            let proxy = HttpProxy::of("HTTPS_PROXY", bad, "direct.example");
            let failure = proxy.check().expect_err(bad);
            assert_eq!(failure.kind(), crate::words::Kind::Config, "{bad}");
            assert!(failure.message.contains("$HTTPS_PROXY") && failure.hint.is_some(), "{bad}: {failure}");
            assert!(!format!("{proxy:?} {failure:?}").contains("s3cret"), "{bad}: {failure}");
            assert!(proxy.socks(&uri("https://own.example/")).is_err(), "{bad}");
            for direct in ["https://direct.example/", "https://localhost/", "http://[::1]:8/"] {
                assert!(proxy.socks(&uri(direct)).unwrap().is_none(), "{bad}: {direct}");
            }
            assert!(HttpProxy::of("HTTPS_PROXY", bad, "a, *").check().is_ok());
            assert!(!HttpProxy::is_by_http(bad), "{bad}");
        }
    }
}
