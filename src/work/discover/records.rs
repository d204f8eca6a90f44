//! What the name service tells: MX hosts of a known provider, and SRV records.

use super::check::{Check, check_best};
use super::{FoundServer, Search, Source, SourceReport, of_provider};
use crate::account::autoconfig::Wants;
use crate::account::providers;
use crate::account::{Protocol, Server, server};
use crate::codec::dns::{Record, RecordType};
use crate::net::{NetError, Resolver, Security};
use std::net::IpAddr;
use std::thread;

/// The MX hosts of the domain, the preferred first, and the provider that they belong to.
pub fn by_mx(search: &Search) -> (SourceReport, Option<Vec<String>>) {
    let asked = format!("MX of {}", search.domain);
    let hosts = match Resolver::new(&search.limits).ask(&search.domain, RecordType::Mx) {
        Ok(records) => hosts(records),
        Err(error) => {
            let is_unsure = !matches!(error, NetError::NoSuchHost(_));
            return (
                SourceReport { is_unsure, ..SourceReport::nothing(Source::Table, &asked, &why(&error)) },
                None,
            );
        }
    };
    let provider = hosts.iter().find_map(|host| Some((host, providers::of_mx(host)?)));
    let report = match provider {
        Some((host, provider)) => {
            let from = format!("postie's table: {}, by the MX host {host}", provider.name);
            SourceReport { asked, ..of_provider(provider, &search.email, from) }
        }
        None if hosts.is_empty() => SourceReport::nothing(Source::Table, &asked, "there are none"),
        None => SourceReport::nothing(Source::Table, &asked, "of no provider in postie's table"),
    };
    (report, Some(hosts))
}

/// Why there is no answer; the end of the search is not that of the run.
fn why(error: &NetError) -> String {
    match error {
        NetError::RunOver => NetError::Timeout.to_string(),
        error => error.to_string(),
    }
}

/// The names of the hosts; "." is none (`RFC 7505`).
fn hosts(records: Vec<Record>) -> Vec<String> {
    let mut hosts: Vec<(u16, String)> = records
        .into_iter()
        .filter_map(|record| match record {
            Record::Mx { preference, host } => Some((preference, server::host(&host).ok()?)),
            _ => None,
        })
        .collect();
    hosts.sort();
    hosts.into_iter().map(|(_, host)| host).filter(|host| host.contains('.')).collect()
}

/// The services of `RFC 6186 §3` and `RFC 8314 §5.1`. Those without TLS from the first octet are used with STARTTLS alone.
const SERVICES: [(&str, Protocol, Security); 6] = [
    ("_pop3s", Protocol::Pop3, Security::Implicit),
    ("_pop3", Protocol::Pop3, Security::StartTls),
    ("_imaps", Protocol::Imap, Security::Implicit),
    ("_imap", Protocol::Imap, Security::StartTls),
    ("_submissions", Protocol::Smtp, Security::Implicit),
    ("_submission", Protocol::Smtp, Security::StartTls),
];

/// The servers that the domain's SRV records name.
pub fn by_srv(search: &Search) -> SourceReport {
    let asked = format!("SRV of {}", search.domain);
    let answers: Vec<Result<Option<FoundServer>, NetError>> = thread::scope(|scope| {
        let running = SERVICES.map(|(service, protocol, security)| {
            scope.spawn(move || of_service(search, service, protocol, security))
        });
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let failed = answers.iter().find_map(|answer| answer.as_ref().err().map(why));
    let mut found: Vec<FoundServer> =
        answers.into_iter().filter_map(|answer| answer.ok().flatten()).collect();
    if found.is_empty() {
        return SourceReport::nothing(Source::Srv, &asked, failed.as_deref().unwrap_or("there are none"));
    }
    check_best(&mut found, &search.tls, &search.limits);
    SourceReport { found, ..SourceReport::nothing(Source::Srv, &asked, "found") }
}

fn of_service(
    search: &Search,
    service: &str,
    protocol: Protocol,
    security: Security,
) -> Result<Option<FoundServer>, NetError> {
    let name = format!("{service}._tcp.{}", search.domain);
    let records = match Resolver::new(&search.limits).ask(&name, RecordType::Srv) {
        Ok(records) => records,
        Err(NetError::NoSuchHost(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The lowest priority, and of those the heaviest: a mail program has no load to share out.
    let best = records
        .into_iter()
        .filter_map(|record| match record {
            Record::Srv { priority, weight, port, target } => {
                Some((priority, u16::MAX - weight, port, target))
            }
            _ => None,
        })
        .min();
    let Some((_, _, port, Some(target))) = best else { return Ok(None) };
    let Some(host) = usable(&target).filter(|_| port > 0) else { return Ok(None) };
    let mut server = Server::new(protocol, host, security);
    server.port = port;
    server.username = Some(search.email.as_str().to_owned());
    Ok(Some(FoundServer {
        trusted: search.is_within(&server.host),
        server,
        source: Source::Srv,
        from: format!("SRV {name}"),
        wants: Wants::Secret,
        check: Check::NotTried,
    }))
}

/// The name of a host that a record may lead to.
fn usable(target: &str) -> Option<String> {
    server::host(target).ok().filter(|host| host.contains('.') && host.parse::<IpAddr>().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_mx_host_is_first_and_what_is_no_host_is_none() {
        let mx = |preference, host: &str| Record::Mx { preference, host: host.into() };
        let records = vec![
            mx(20, "b.hoster.test"),
            mx(10, "A.Hoster.test."),
            mx(0, "."),
            mx(5, "a b"),
            mx(6, "localhost"),
        ];
        assert_eq!(hosts(records), ["a.hoster.test", "b.hoster.test"]);
        for bad in ["", "localhost", "127.0.0.1", "a\\.b.test", "a b.test"] {
            assert_eq!(usable(bad), None, "{bad}");
        }
    }
}
