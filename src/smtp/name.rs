//! The client's name in EHLO (`RFC 5321 §4.1.4`).

use crate::codec::smtp::EhloName;
use std::net::{IpAddr, Ipv4Addr};

/// The full name of this host if it has one, else the literal of its address. Servers refuse other names.
pub fn ehlo_name(local: Option<IpAddr>) -> EhloName {
    let uname = rustix::system::uname();
    let host = uname.nodename().to_str().ok();
    choose(host, local)
}

fn choose(host: Option<&str>, local: Option<IpAddr>) -> EhloName {
    host.and_then(EhloName::domain)
        .unwrap_or_else(|| EhloName::literal(local.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_name_is_used_and_else_the_address() {
        let local = "192.0.2.7".parse().ok();
        assert_eq!(choose(Some("box.example.org"), local).to_string(), "box.example.org");
        for host in [None, Some("box"), Some("my_box.example.org"), Some("a b.example.org")] {
            assert_eq!(choose(host, local).to_string(), "[192.0.2.7]");
        }
        assert_eq!(choose(None, "fe80::1".parse().ok()).to_string(), "[IPv6:fe80::1]");
        assert_eq!(choose(None, None).to_string(), "[127.0.0.1]");
    }
}
