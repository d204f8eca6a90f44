//! Whether a server that was found is one: connection, TLS with a good certificate, greeting. No login.

use super::FoundServer;
use crate::account::{Protocol, Server};
use crate::imap::NotAuthenticated;
use crate::net::{Endpoint, Limits, Security, Tls, dial};
use crate::pop3::Authorization;
use crate::smtp::{Greeted, ehlo_name};
use crate::words::{Failure, Kind};
use std::thread;
use std::time::Duration;

/// How long one server may take.
const LONGEST: Duration = Duration::from_secs(4);

/// What came of greeting a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is in the table, or there was no time.
    NotTried,
    /// It greets, under TLS with a certificate for its name.
    Answers,
    /// It does not, for this reason. It may all the same be right: a firewall may be in the way.
    Silent(String),
    /// Its certificate is not one for its name, or not trusted.
    Distrusted(String),
}

impl Check {
    pub fn is_distrusted(&self) -> bool {
        matches!(self, Check::Distrusted(_))
    }

    /// The name in JSON, which never changes.
    pub fn name(&self) -> &'static str {
        match self {
            Check::NotTried => "not_tried",
            Check::Answers => "answers",
            Check::Silent(_) => "silent",
            Check::Distrusted(_) => "distrusted",
        }
    }
}

/// Greets, all at once, of each protocol the server that would be used. The others are not: whoever publishes a long
/// list does not make postie knock at every door in it.
pub fn check_best(found: &mut [FoundServer], tls: &Tls, limits: &Limits) {
    let mut best: [Option<(bool, usize)>; 3] = [None; 3];
    for (index, it) in found.iter().enumerate() {
        let place = &mut best[it.server.protocol as usize];
        let rank = (it.server.security != Security::Implicit, index);
        *place = Some(place.map_or(rank, |other| other.min(rank)));
    }
    thread::scope(|scope| {
        for (index, it) in found.iter_mut().enumerate() {
            if best.iter().flatten().any(|(_, chosen)| *chosen == index) {
                scope.spawn(|| it.check = check(&it.server, tls, limits));
            }
        }
    });
}

/// Greets a server.
pub fn check(server: &Server, tls: &Tls, limits: &Limits) -> Check {
    if limits.run_over() {
        return Check::NotTried;
    }
    let limits = Limits { end: Some(limits.until(LONGEST)), ..limits.clone() };
    match greet(server, tls, &limits) {
        Ok(()) => Check::Answers,
        Err(failure) if failure.kind() == Kind::Certificate => Check::Distrusted(failure.message),
        // The end of this check is not the end of the run.
        Err(failure) if failure.kind() == Kind::Timeout => {
            Check::Silent(format!("{}: no answer in time", server.place()))
        }
        Err(failure) => Check::Silent(failure.message),
    }
}

fn greet(server: &Server, tls: &Tls, limits: &Limits) -> Result<(), Failure> {
    let endpoint = Endpoint { carries_secret: false, ..server.endpoint() };
    let wire = dial(&endpoint, Some(tls), limits, None)?;
    let upgrades = endpoint.security == Security::StartTls;
    match server.protocol {
        Protocol::Pop3 => {
            let mut session = Authorization::greet(wire)?;
            if upgrades {
                session.capa()?;
                session.stls(tls, &endpoint.host)?;
            }
            session.quit();
        }
        Protocol::Imap => {
            let mut session = NotAuthenticated::greet(wire)?;
            if upgrades {
                session.capability()?;
                session.starttls(tls, &endpoint.host)?;
            }
            drop(session);
        }
        Protocol::Smtp => {
            let name = ehlo_name(wire.local_ip());
            let mut session = Greeted::greet(wire)?;
            if upgrades {
                session = session.hello(&name)?.start_tls(tls, &endpoint.host)?;
            }
            session.hello(&name)?.without_login().quit();
        }
    }
    Ok(())
}
