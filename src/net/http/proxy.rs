//! A proxy for HTTP (`RFC 9110 §9.3.6`, CONNECT), as `HTTPS_PROXY` and `NO_PROXY` name it.

use ureq::{Proxy, ProxyProtocol};

/// A proxy, and the hosts that are not reached through it.
#[derive(Clone)]
pub struct HttpProxy(Proxy);

impl std::fmt::Debug for HttpProxy {
    // Its URL may have a password in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HttpProxy({}:{})", self.0.host(), self.0.port())
    }
}

impl HttpProxy {
    /// Reads `[http://][user:password@]host[:port]`. `except` is a list of hosts, with commas between them: a name,
    /// `.domain` for all below it, or `*`. `None` if it is no URL of such a proxy (a SOCKS proxy is none).
    pub fn parse(url: &str, except: &str) -> Option<HttpProxy> {
        let read = Proxy::new(url).ok()?;
        if !matches!(read.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
            return None;
        }
        let mut proxy = Proxy::builder(read.protocol()).host(read.host()).port(read.port());
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
        proxy.build().ok().map(HttpProxy)
    }

    pub(super) fn inner(&self) -> Proxy {
        self.0.clone()
    }

    /// `host:port`, to know the connection to it.
    pub(super) fn authority(&self) -> Option<String> {
        super::transport::place(self.0.uri())
    }
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
            assert_eq!(proxy.inner().is_no_proxy(&url.parse().unwrap()), is_direct, "{url}");
        }
        assert_eq!(
            HttpProxy::parse("proxy.example", "").unwrap().authority().as_deref(),
            Some("proxy.example:80")
        );
        for bad in ["socks5://proxy.example", "", "http://", "ftp://x"] {
            assert!(HttpProxy::parse(bad, "").is_none(), "{bad}");
        }
    }
}
