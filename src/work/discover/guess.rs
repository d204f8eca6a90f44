//! The usual names: `pop.DOMAIN`, `imap.DOMAIN`, `smtp.DOMAIN` and their like, on the usual ports.

use super::check::{Check, check};
use super::{FoundServer, Search, Source, SourceReport};
use crate::account::autoconfig::Wants;
use crate::account::{Protocol, Server};
use crate::net::Security;
use std::thread;

/// The labels before the domain, in the order in which they count; the empty one is the domain itself.
fn names(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Pop3 => &["pop", "pop3", "mail", ""],
        Protocol::Imap => &["imap", "mail", ""],
        Protocol::Smtp => &["smtp", "mail", ""],
    }
}

/// Tries all names at once; of each first the port that has TLS from the first octet.
pub fn by_guess(search: &Search) -> SourceReport {
    let protocols = [Protocol::Pop3, Protocol::Imap, Protocol::Smtp];
    let all: Vec<(Protocol, &str)> = protocols
        .into_iter()
        .flat_map(|protocol| names(protocol).iter().map(move |label| (protocol, *label)))
        .collect();
    let tries: Vec<FoundServer> = thread::scope(|scope| {
        let running: Vec<_> =
            all.iter().map(|(protocol, label)| scope.spawn(|| try_name(search, *protocol, label))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
    });
    let mut found = Vec::new();
    for protocol in protocols {
        let of_it = tries.iter().filter(|it| it.server.protocol == protocol);
        // A server that answers comes before one with a certificate for another name, which is only reported.
        found.extend(
            of_it
                .min_by_key(|it| (it.check.is_distrusted(), it.server.security != Security::Implicit))
                .cloned(),
        );
    }
    let answers = found.iter().any(|it| it.check == Check::Answers);
    let result = if answers { "found" } else { "none of the usual names answers" };
    SourceReport {
        found,
        ..SourceReport::nothing(Source::Guess, &format!("the usual names of {}", search.domain), result)
    }
}

/// The server of this name, if one answers.
fn try_name(search: &Search, protocol: Protocol, label: &str) -> Option<FoundServer> {
    let host = if label.is_empty() { search.domain.clone() } else { format!("{label}.{}", search.domain) };
    let mut last = None;
    for security in [Security::Implicit, Security::StartTls] {
        let mut server = Server::new(protocol, host.clone(), security);
        server.username = Some(search.email.as_str().to_owned());
        let check = check(&server, &search.tls, &search.limits);
        let found = FoundServer {
            from: format!("a guess: {} answers", server.place()),
            server,
            source: Source::Guess,
            trusted: false,
            wants: Wants::Secret,
            check,
        };
        match found.check {
            Check::Answers => return Some(found),
            // Without TLS at the port for it there may be some by STARTTLS.
            Check::Distrusted(_) => last = last.or(Some(found)),
            Check::Silent(_) | Check::NotTried => {}
        }
    }
    last
}
