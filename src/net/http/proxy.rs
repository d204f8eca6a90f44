//! A proxy for HTTP, as `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name it: by CONNECT (`RFC 9110 §9.3.6`), or SOCKS5.

use crate::codec::socks::ProxyLogin;
use crate::net::proxy::Proxy as Socks;
use crate::words::Secret;
use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

/// The default port of SOCKS (`RFC 1928 §3`).
const SOCKS_PORT: u16 = 1080;

/// A proxy, and the hosts that are not reached through it.
#[derive(Clone)]
pub struct HttpProxy {
    /// The proxy for CONNECT, and the exceptions. With a SOCKS proxy only the exceptions are used.
    connect: Proxy,
    socks: Option<Socks>,
}

impl std::fmt::Debug for HttpProxy {
    // Its URL may have a password in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpProxy({}:{})", self.connect.host(), self.connect.port())
    }
}

impl HttpProxy {
    /// Reads `[http://][user:password@]host[:port]` or `socks5://…`. `except` is a list of hosts, with commas between
    /// them: a name, `.domain` for all below it, or `*`. `None` if it is no URL of such a proxy.
    pub fn parse(url: &str, except: &str) -> Option<HttpProxy> {
        let read = Proxy::new(url).ok()?;
        let socks = match read.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https => None,
            ProxyProtocol::Socks5 | ProxyProtocol::Socks5h => Some(socks(&read)),
            _ => return None,
        };
        let protocol = if socks.is_some() { ProxyProtocol::Http } else { read.protocol() };
        let mut proxy = Proxy::builder(protocol).host(read.host()).port(read.port());
        if let Some(user) = read.username() {
            proxy = proxy.username(user);
        }
        if let Some(password) = read.password() {
            proxy = proxy.password(password);
        }
        for host in except.split(',').map(str::trim).filter(|host| !host.is_empty()) {
            proxy = proxy.no_proxy(host);
            // In most programs `example.org` is also all below it.
            if !host.starts_with(['.', '*']) {
                proxy = proxy.no_proxy(&format!(".{host}"));
            }
        }
        Some(HttpProxy { connect: proxy.build().ok()?, socks })
    }

    /// The proxy that ureq is to use.
    pub(super) fn for_ureq(&self) -> Option<Proxy> {
        self.socks.is_none().then(|| self.connect.clone())
    }

    /// The SOCKS proxy through which this URL is reached.
    pub(super) fn socks(&self, uri: &Uri) -> Option<&Socks> {
        self.socks.as_ref().filter(|_| !self.connect.is_no_proxy(uri))
    }

    /// `host:port`, to know the connection to it.
    pub(super) fn authority(&self) -> Option<String> {
        super::urls::place(self.connect.uri())
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

    #[test]
    fn a_proxy_has_a_host_and_exceptions_and_shows_no_password() {
        let proxy =
            HttpProxy::parse("http://ana:s3cret@proxy.example:3128", "localhost, .corp.example,x.example")
                .unwrap();
        assert!(!format!("{proxy:?}").contains("s3cret"));
        assert_eq!(proxy.authority().as_deref(), Some("proxy.example:3128"));
        for (url, is_direct) in [
            ("https://localhost/", true),
            ("https://a.corp.example/", true),
            ("https://x.example/", true),
            ("https://deep.x.example/", true),
            ("https://corp.example/", false),
            ("https://other.example/", false),
        ] {
            assert_eq!(proxy.connect.is_no_proxy(&url.parse().unwrap()), is_direct, "{url}");
        }
        assert_eq!(
            HttpProxy::parse("proxy.example", "").unwrap().authority().as_deref(),
            Some("proxy.example:80")
        );
        for bad in ["socks4://proxy.example", "", "http://", "ftp://x"] {
            assert!(HttpProxy::parse(bad, "").is_none(), "{bad}");
        }
    }

    #[test]
    fn a_socks_proxy_is_not_for_ureq_and_has_exceptions_too() {
        let proxy = HttpProxy::parse("socks5h://ana:s3cret@[::1]", "direct.example").unwrap();
        assert!(proxy.for_ureq().is_none() && !format!("{proxy:?}").contains("s3cret"));
        let through = |url: &str| proxy.socks(&url.parse().unwrap()).map(Socks::place);
        assert_eq!(through("https://own.example/").as_deref(), Some("[::1]:1080"));
        assert_eq!(through("https://a.direct.example/"), None);
    }
}
