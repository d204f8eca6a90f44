//! Parts of URLs (`RFC 3986 §3.2`).

use std::net::IpAddr;
use ureq::http::Uri;

/// Whether the host of a URL is this machine.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `host:port` of a URL.
pub fn place(uri: &Uri) -> Option<String> {
    Some(format!("{}:{}", uri.host()?, port(uri)))
}

/// The port, or the usual one of the scheme.
pub fn port(uri: &Uri) -> u16 {
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    uri.port_u16().unwrap_or(usual)
}
