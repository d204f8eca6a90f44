//! SOCKS version 5 (`RFC 1928`), with the login by user name and password (`RFC 1929`): the client's side of CONNECT. The
//! proxy looks the host's name up.
//!
//! Left out: BIND, UDP, GSSAPI.

use crate::words::Secret;
use std::net::IpAddr;

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const BY_PASSWORD: u8 = 2;
const NONE_FITS: u8 = 0xff;

/// Who logs in to the proxy.
#[derive(Clone, Debug)]
pub struct ProxyLogin {
    pub user: String,
    pub password: Secret,
}

/// What to do next.
#[derive(Debug)]
pub enum SocksProgress {
    /// Send this, then read again.
    Send(Secret),
    /// Read on.
    Read,
    /// From here on it is the server that is talked to.
    Done,
}

/// Why the proxy does not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocksRefused {
    /// It is no SOCKS 5 proxy.
    NotSocks,
    /// It wants a login, and none is known.
    WantsLogin,
    /// It takes no login by password.
    NoSuchLogin,
    /// It does not take this user or password.
    Login,
    /// Its own rules forbid it.
    NotAllowed,
    /// It cannot do what is asked of it.
    CannotDo,
    /// The server cannot be reached from there, and why (`RFC 1928 §6`).
    Unreachable(&'static str),
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Method,
    LoggedIn,
    /// The answer to CONNECT, up to the first octet of the address.
    Head,
    /// The rest of it, of which nothing is needed.
    Tail,
}

/// One negotiation. To be read are always exactly [`Negotiation::wants`] octets: what comes behind is the server's.
#[derive(Debug)]
pub struct Negotiation<'a> {
    host: &'a str,
    port: u16,
    login: Option<&'a ProxyLogin>,
    step: Phase,
    wants: usize,
}

/// Longer names and passwords have no room in a message.
const LONGEST: usize = 255;

impl<'a> Negotiation<'a> {
    /// `None` where host, user or password are too long (or empty) for the protocol.
    pub fn new(host: &'a str, port: u16, login: Option<&'a ProxyLogin>) -> Option<Self> {
        let fits = |octets: &[u8]| (1..=LONGEST).contains(&octets.len());
        let login_fits =
            login.is_none_or(|login| fits(login.user.as_bytes()) && fits(login.password.expose()));
        (fits(host.as_bytes()) && login_fits).then_some(Negotiation {
            host,
            port,
            login,
            step: Phase::Method,
            wants: 2,
        })
    }

    /// The first message: which logins are possible (§3).
    pub fn greeting(&self) -> Secret {
        Secret::new(match self.login {
            Some(_) => vec![VERSION, 2, NO_LOGIN, BY_PASSWORD],
            None => vec![VERSION, 1, NO_LOGIN],
        })
    }

    /// How many octets to read next.
    pub fn wants(&self) -> usize {
        self.wants
    }

    /// Takes them.
    pub fn take(&mut self, octets: &[u8]) -> Result<SocksProgress, SocksRefused> {
        match (self.step, octets) {
            (Phase::Method, [VERSION, NO_LOGIN]) => Ok(self.connect()),
            (Phase::Method, [VERSION, BY_PASSWORD]) => match self.login {
                Some(login) => {
                    (self.step, self.wants) = (Phase::LoggedIn, 2);
                    Ok(SocksProgress::Send(by_password(login)))
                }
                None => Err(SocksRefused::NotSocks),
            },
            (Phase::Method, [VERSION, NONE_FITS]) => {
                Err(if self.login.is_some() { SocksRefused::NoSuchLogin } else { SocksRefused::WantsLogin })
            }
            (Phase::LoggedIn, [1, 0]) => Ok(self.connect()),
            // Some write the version of SOCKS here.
            (Phase::LoggedIn, [VERSION, 0]) => Ok(self.connect()),
            (Phase::LoggedIn, [1 | VERSION, _]) => Err(SocksRefused::Login),
            (Phase::Head, [VERSION, reply, _, kind, first]) => {
                if let Some(refused) = refusal(*reply) {
                    return Err(refused);
                }
                self.wants = match kind {
                    1 => 4 - 1 + 2,
                    3 => usize::from(*first) + 2,
                    4 => 16 - 1 + 2,
                    _ => return Err(SocksRefused::NotSocks),
                };
                self.step = Phase::Tail;
                Ok(SocksProgress::Read)
            }
            (Phase::Tail, _) => Ok(SocksProgress::Done),
            _ => Err(SocksRefused::NotSocks),
        }
    }

    /// CONNECT (§4): the proxy gets the name, and an address only where the user gave one.
    fn connect(&mut self) -> SocksProgress {
        (self.step, self.wants) = (Phase::Head, 5);
        let mut message = vec![VERSION, 1, 0];
        match self.host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(IpAddr::V4(address)) => {
                message.push(1);
                message.extend(address.octets());
            }
            Ok(IpAddr::V6(address)) => {
                message.push(4);
                message.extend(address.octets());
            }
            Err(_) => {
                message.push(3);
                // At most 255, as `new` saw to.
                message.push(u8::try_from(self.host.len()).unwrap_or(u8::MAX));
                message.extend(self.host.as_bytes());
            }
        }
        message.extend(self.port.to_be_bytes());
        SocksProgress::Send(Secret::new(message))
    }
}

/// `RFC 1929 §2`.
fn by_password(login: &ProxyLogin) -> Secret {
    let counted = |octets: &[u8]| [&[u8::try_from(octets.len()).unwrap_or(u8::MAX)], octets].concat();
    Secret::new([vec![1], counted(login.user.as_bytes()), counted(login.password.expose())].concat())
}

/// `RFC 1928 §6`; `None`: it is connected.
fn refusal(reply: u8) -> Option<SocksRefused> {
    Some(match reply {
        0 => return None,
        2 => SocksRefused::NotAllowed,
        3 => SocksRefused::Unreachable("its network is unreachable"),
        4 => SocksRefused::Unreachable("it is unreachable, or its name unknown"),
        5 => SocksRefused::Unreachable("it refused the connection"),
        6 => SocksRefused::Unreachable("it did not answer in time"),
        7 | 8 => SocksRefused::CannotDo,
        _ => SocksRefused::Unreachable("a failure that is not named"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> ProxyLogin {
        ProxyLogin { user: "ana".into(), password: Secret::new("pw") }
    }

    /// Plays what the proxy sends, in the pieces that are wanted; gives what was sent, and how it ended.
    fn play(
        negotiation: &mut Negotiation<'_>,
        mut proxy: &[u8],
    ) -> (Vec<Vec<u8>>, Result<bool, SocksRefused>) {
        let mut sent = vec![negotiation.greeting().expose().to_vec()];
        loop {
            let Some((now, rest)) = proxy.split_at_checked(negotiation.wants()) else {
                return (sent, Ok(false));
            };
            proxy = rest;
            match negotiation.take(now) {
                Ok(SocksProgress::Send(message)) => sent.push(message.expose().to_vec()),
                Ok(SocksProgress::Read) => {}
                Ok(SocksProgress::Done) => return (sent, Ok(proxy.is_empty())),
                Err(refused) => return (sent, Err(refused)),
            }
        }
    }

    #[test]
    fn hosts_go_as_they_were_named() {
        for (host, wanted) in [
            ("pop.example.org", [&[5, 1, 0, 3, 15][..], b"pop.example.org", &[3, 227]].concat()),
            ("192.0.2.7", vec![5, 1, 0, 1, 192, 0, 2, 7, 3, 227]),
            ("::1", [&[5, 1, 0, 4][..], &[0; 15], &[1, 3, 227]].concat()),
        ] {
            let mut negotiation = Negotiation::new(host, 995, None).unwrap();
            let (sent, end) = play(&mut negotiation, &[5, 0, 5, 0, 0, 1, 127, 0, 0, 1, 4, 56]);
            assert_eq!((sent, end), (vec![vec![5, 1, 0], wanted], Ok(true)), "{host}");
        }
    }

    #[test]
    fn every_kind_of_address_in_an_answer_is_read_whole_and_nothing_behind_it() {
        for address in [
            vec![1, 127, 0, 0, 1, 4, 56],
            [&[4][..], &[0; 18]].concat(),
            [&[3, 9][..], b"localhost", &[4, 56]].concat(),
            vec![3, 0, 4, 56],
        ] {
            let proxy = [&[5, 0, 5, 0, 0][..], &address].concat();
            let mut whole = Negotiation::new("h", 1, None).unwrap();
            assert_eq!(play(&mut whole, &proxy).1, Ok(true), "{address:?}");
            for end in 0..proxy.len() {
                let mut cut = Negotiation::new("h", 1, None).unwrap();
                assert_eq!(play(&mut cut, &proxy[..end]).1, Ok(false), "cut at {end}: {address:?}");
            }
        }
    }

    #[test]
    fn a_password_goes_only_to_a_proxy_that_asks() {
        let login = login();
        let mut asked = Negotiation::new("h", 1, Some(&login)).unwrap();
        let (sent, end) = play(&mut asked, &[5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(sent[0], [5, 2, 0, 2]);
        assert_eq!(sent[1], [&[1, 3][..], b"ana", &[2], b"pw"].concat());
        assert_eq!(end, Ok(true));
        let mut open = Negotiation::new("h", 1, Some(&login)).unwrap();
        let (sent, _) = play(&mut open, &[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert!(!sent.concat().windows(2).any(|pair| pair == b"pw"));
    }

    #[test]
    fn each_refusal_is_told_from_the_others() {
        let login = login();
        let unreachable = |refused| matches!(refused, Err(SocksRefused::Unreachable(_)));
        for (with_login, proxy, wanted) in [
            (false, &[5, 255][..], SocksRefused::WantsLogin),
            (true, &[5, 255], SocksRefused::NoSuchLogin),
            (false, &[5, 2], SocksRefused::NotSocks),
            (false, b"HTTP/1.1 400", SocksRefused::NotSocks),
            (false, &[4, 90], SocksRefused::NotSocks),
            (false, &[5, 1], SocksRefused::NotSocks),
            (true, &[5, 2, 1, 1], SocksRefused::Login),
            (true, &[5, 2, 9, 0], SocksRefused::NotSocks),
            (false, &[5, 0, 5, 2, 0, 1, 0], SocksRefused::NotAllowed),
            (false, &[5, 0, 5, 7, 0, 1, 0], SocksRefused::CannotDo),
            (false, &[5, 0, 5, 0, 0, 9, 0], SocksRefused::NotSocks),
            (false, &[5, 0, 4, 0, 0, 1, 0], SocksRefused::NotSocks),
        ] {
            let mut negotiation = Negotiation::new("h", 1, with_login.then_some(&login)).unwrap();
            assert_eq!(play(&mut negotiation, proxy).1, Err(wanted), "{proxy:?}");
        }
        for reply in [1, 3, 4, 5, 6, 9, 255] {
            let mut negotiation = Negotiation::new("h", 1, None).unwrap();
            assert!(unreachable(play(&mut negotiation, &[5, 0, 5, reply, 0, 1, 0]).1), "{reply}");
        }
    }

    #[test]
    fn what_has_no_room_in_a_message_is_not_begun() {
        let long = "x".repeat(256);
        assert!(Negotiation::new(&long, 1, None).is_none() && Negotiation::new("", 1, None).is_none());
        for (user, password) in [(&*long, "pw"), ("ana", &*long), ("", "pw"), ("ana", "")] {
            let login = ProxyLogin { user: user.into(), password: Secret::new(password) };
            assert!(Negotiation::new("h", 1, Some(&login)).is_none());
        }
    }
}
