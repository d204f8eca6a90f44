//! The proxy of a server: which, and who logs in to it.

use super::secret_source::SecretSources;
use crate::codec::socks::ProxyLogin;
use crate::net::Proxy;
use crate::words::Secret;

/// The key `proxy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyChoice {
    /// None, whatever the environment says.
    Direct,
    Socks(ProxyAddress),
}

/// A proxy, and who logs in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAddress {
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
}

impl ProxyAddress {
    /// With the password of its user.
    pub fn with(&self, password: Option<Secret>) -> Proxy {
        let login = self.user.clone().zip(password).map(|(user, password)| ProxyLogin { user, password });
        Proxy { host: self.host.clone(), port: self.port, login }
    }

    /// As the configuration has it.
    pub fn url(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match &self.user {
            Some(user) => format!("socks5://{}@{host}:{}", encoded(user), self.port),
            None => format!("socks5://{host}:{}", self.port),
        }
    }
}

fn encoded(user: &str) -> String {
    percent_encoding::utf8_percent_encode(user, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The proxy of a server, from the configuration.
#[derive(Clone, Debug, Default)]
pub struct ProxySettings {
    pub choice: Option<ProxyChoice>,
    /// Where the password of its user comes from.
    pub passwords: SecretSources,
    /// The password, once it is known.
    pub password: Option<Secret>,
}

impl ProxySettings {
    /// The proxy with what is known of it.
    pub fn proxy(&self) -> Option<Proxy> {
        self.address().map(|address| address.with(self.password.clone()))
    }

    pub fn address(&self) -> Option<&ProxyAddress> {
        match &self.choice {
            Some(ProxyChoice::Socks(address)) => Some(address),
            Some(ProxyChoice::Direct) | None => None,
        }
    }
}
