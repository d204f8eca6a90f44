//! The way to an endpoint of an authorization server.

use super::provider::Endpoints;
use crate::codec::oauth::Request;
use crate::words::Failure;
use ureq::http::Uri;
use zeroize::Zeroizing;

/// What an endpoint answered.
pub struct EndpointAnswer {
    /// The status of HTTP.
    pub status: u16,
    /// At most [`crate::codec::oauth::MAX_ANSWER`] octets; wiped when it goes.
    pub body: Zeroizing<Vec<u8>>,
}

/// Sends a form to an endpoint (`RFC 6749 §3.2`). Redirects are not followed. What nobody else may see is in no
/// transcript. Fails with the kinds of the network and of TLS.
pub trait TokenEndpoint: Send + Sync {
    fn post(&self, url: &str, request: &Request) -> Result<EndpointAnswer, Failure>;
}

/// Also asks an issuer for its endpoints (`RFC 8414 §3`).
pub trait Issuer: TokenEndpoint {
    fn endpoints(&self, issuer: &str) -> Result<Endpoints, Failure>;
}

/// Reads the URL of an endpoint or an issuer: only https, because secrets go there; http on this machine alone.
pub fn url(text: &str) -> Result<String, String> {
    const WANTED: &str = "not the URL of an endpoint: https://host/path";
    let uri: Uri = text.parse().map_err(|_| WANTED.to_owned())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(WANTED.into());
    };
    if authority.host().is_empty() || authority.as_str().contains('@') || text.contains('#') {
        return Err(WANTED.into());
    }
    match scheme {
        "https" => Ok(text.to_owned()),
        "http" if is_loopback(authority.host()) => Ok(text.to_owned()),
        "http" => {
            Err("secrets go to this URL: it must begin with https:// (http:// only for this machine)".into())
        }
        _ => Err(WANTED.into()),
    }
}

/// Whether it names this machine by an address, or by the name that `RFC 6761 §6.3` keeps for it.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The host of a URL, and its port if it names one: the place in failures.
pub fn place(url: &str) -> String {
    let uri: Option<Uri> = url.parse().ok();
    let authority = uri.as_ref().and_then(Uri::authority);
    authority.map_or_else(|| "the token endpoint".to_owned(), |authority| authority.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_out_by_https_or_not_at_all() {
        for fine in [
            "https://login.example.org/token",
            "https://login.example.org",
            "https://login.example.org:8443/a/b?c=d",
            "http://127.0.0.1:8080/token",
            "http://[::1]:8080/token",
            "http://localhost/token",
        ] {
            assert_eq!(url(fine).as_deref(), Ok(fine));
        }
        for bad in [
            "",
            "login.example.org",
            "/token",
            "ftp://login.example.org/",
            "http://login.example.org/token",
            "http://127.0.0.1.example.org/",
            "http://localhost.example.org/",
            "https://",
            "https://user@login.example.org/",
            "https://login.example.org/#x",
            "https://login.example.org/a b",
            "https://login.example.org/\r\nX: y",
        ] {
            assert!(url(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_place_is_host_and_port() {
        assert_eq!(place("https://login.example.org/token"), "login.example.org");
        assert_eq!(place("http://127.0.0.1:99/token"), "127.0.0.1:99");
        assert_eq!(place("?"), "the token endpoint");
    }
}
