//! Connecting through a SOCKS5 proxy. The host's name goes to the proxy and is not looked up here.

use super::connect::connect_first;
use super::limits::Limits;
use super::link::Link;
use super::look_up::resolve;
use super::{Allowance, NetError};
use crate::codec::socks::{Negotiation, ProxyLogin, SocksProgress, SocksRefused};
use crate::words::{Failure, Kind, Stage};

const STAGE: Stage = Stage::Proxy;

/// A SOCKS5 proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    pub login: Option<ProxyLogin>,
}

impl PartialEq for Proxy {
    // Two secrets cannot be compared; the same user has the same.
    fn eq(&self, other: &Self) -> bool {
        let user = |proxy: &Proxy| proxy.login.as_ref().map(|login| login.user.clone());
        (&self.host, self.port, user(self)) == (&other.host, other.port, user(other))
    }
}

impl Eq for Proxy {}

impl Proxy {
    /// `host:port`, its name in failures.
    pub fn place(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Connects to the proxy, and has it connect to the server, all within the time of one operation. `server` is the
    /// server's name in failures.
    pub fn connect(
        &self,
        host: &str,
        port: u16,
        server: &str,
        limits: &Limits,
    ) -> Result<Box<dyn Link>, Failure> {
        let place = self.place();
        let addresses =
            resolve(&self.host, self.port, limits).map_err(|error| error.failure(&place, STAGE))?;
        let link = connect_first(&addresses, limits).map_err(|error| error.failure(&place, STAGE))?;
        let mut link: Box<dyn Link> = Box::new(link);
        link.arm(Allowance::new(limits.timeout, limits).fixed());
        let negotiation = Negotiation::new(host, port, self.login.as_ref()).ok_or_else(|| {
            Failure::new(Kind::Config, STAGE, format!("{STAGE}: a name or password is too long for it"))
                .at(&place)
        })?;
        self.negotiate(negotiation, server, link.as_mut())?;
        Ok(link)
    }

    fn negotiate(
        &self,
        mut negotiation: Negotiation<'_>,
        server: &str,
        link: &mut dyn Link,
    ) -> Result<(), Failure> {
        let lost = |error| NetError::from_io(error).failure(&self.place(), STAGE);
        link.write_all(negotiation.greeting().expose()).map_err(lost)?;
        // Nothing is ever longer than a name with its port.
        let mut octets = [0; 260];
        loop {
            let wanted = &mut octets[..negotiation.wants()];
            link.read_exact(wanted).map_err(lost)?;
            match negotiation.take(wanted).map_err(|refused| self.refused(refused, server))? {
                SocksProgress::Send(message) => link.write_all(message.expose()).map_err(lost)?,
                SocksProgress::Read => {}
                SocksProgress::Done => return Ok(()),
            }
        }
    }

    fn refused(&self, refused: SocksRefused, server: &str) -> Failure {
        let (kind, what, hint) = match refused {
            SocksRefused::NotSocks => (
                Kind::Protocol,
                "what it sent is not SOCKS 5".to_owned(),
                "is it a proxy of another kind, or another port?",
            ),
            SocksRefused::WantsLogin => (
                Kind::Config,
                "it wants a login".into(),
                "proxy = \"socks5://user@host:port\" with proxy-password-command, proxy-password-file or proxy-password-env",
            ),
            SocksRefused::NoSuchLogin => (
                Kind::Missing,
                "it takes no login by user name and password".into(),
                "leave the user out of proxy, or ask who runs it",
            ),
            SocksRefused::Login => {
                (Kind::Auth, "it refused the login".into(), "check the user in proxy, and its password")
            }
            SocksRefused::NotAllowed => (
                Kind::Rejected,
                format!("its rules do not allow a connection to {server}"),
                "ask who runs the proxy; many allow only some ports",
            ),
            SocksRefused::CannotDo => {
                (Kind::Missing, format!("it cannot connect to {server}"), "ask who runs the proxy")
            }
            SocksRefused::Unreachable(why) => (
                Kind::Network,
                format!("it cannot reach {server}: {why}"),
                "check host and port; the proxy may be the only one that cannot reach it",
            ),
        };
        Failure::new(kind, STAGE, format!("{STAGE}: {what}")).at(self.place()).hint(hint)
    }
}
