//! Host names that tests have stand for servers of their own.

use std::net::SocketAddr;
use std::sync::Arc;

/// Where some names lead, whatever the name service says. Nobody sets this but tests, by `$POSTIE_DNS` and
/// `$POSTIE_RESOLVE`; the server still has to show a certificate for its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameOverrides(Option<Arc<Table>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    server: Option<SocketAddr>,
    fixed: Vec<(String, u16, SocketAddr)>,
}

impl NameOverrides {
    /// Reads `$POSTIE_DNS`, the `address:port` of the one name server to ask, and `$POSTIE_RESOLVE`, a list of
    /// `host:port:address:port` with commas between them. An address of IPv6 is in brackets.
    ///
    /// Fails with what is wrong.
    pub fn read(server: Option<&str>, fixed: Option<&str>) -> Result<NameOverrides, String> {
        if server.is_none() && fixed.is_none() {
            return Ok(NameOverrides::default());
        }
        let server = server
            .map(|text| text.parse().map_err(|_| format!("POSTIE_DNS: {text}: not an address and a port")))
            .transpose()?;
        let fixed = fixed.unwrap_or_default().split(',').filter(|entry| !entry.is_empty()).map(|entry| {
            Self::entry(entry).ok_or_else(|| format!("POSTIE_RESOLVE: {entry}: not host:port:address:port"))
        });
        Ok(NameOverrides(Some(Arc::new(Table { server, fixed: fixed.collect::<Result<_, _>>()? }))))
    }

    fn entry(entry: &str) -> Option<(String, u16, SocketAddr)> {
        let (host, rest) = entry.split_once(':')?;
        let (port, address) = rest.split_once(':')?;
        Some((host.to_ascii_lowercase(), port.parse().ok()?, address.parse().ok()?))
    }

    /// Where this name and port lead.
    pub fn fixed(&self, host: &str, port: u16) -> Option<SocketAddr> {
        let host = host.trim_end_matches('.');
        let is = |entry: &&(String, u16, SocketAddr)| entry.0.eq_ignore_ascii_case(host) && entry.1 == port;
        self.0.as_ref()?.fixed.iter().find(is).map(|entry| entry.2)
    }

    /// The one name server to ask.
    pub fn server(&self) -> Option<SocketAddr> {
        self.0.as_ref()?.server
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_port_lead_elsewhere_and_what_is_no_entry_is_an_error() {
        let names = NameOverrides::read(
            Some("127.0.0.1:53"),
            Some("Own.test:443:127.0.0.1:4433,b.test:80:[::1]:8080"),
        )
        .unwrap();
        assert_eq!(names.fixed("own.TEST.", 443), Some("127.0.0.1:4433".parse().unwrap()));
        assert_eq!(names.fixed("own.test", 80), None);
        assert_eq!(names.fixed("b.test", 80), Some("[::1]:8080".parse().unwrap()));
        assert_eq!(names.server(), Some("127.0.0.1:53".parse().unwrap()));
        assert_eq!(NameOverrides::read(None, None).unwrap().server(), None);
        for bad in ["a", "a:b", "a:1:2", "a:1:x:2", "a:70000:127.0.0.1:1"] {
            assert!(NameOverrides::read(None, Some(bad)).is_err(), "{bad}");
        }
        assert!(NameOverrides::read(Some("localhost"), None).is_err());
    }
}
