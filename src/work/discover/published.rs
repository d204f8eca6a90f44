//! Documents that are published: by the domain, in Mozilla's database, by the provider that the MX hosts name.

use super::check::{Check, check_best};
use super::{FoundServer, Search, Source, SourceReport};
use crate::account::autoconfig;
use crate::net::http::query_value;
use crate::words::Kind;
use std::thread;

const ACCEPT: &str = "application/xml, text/xml, */*;q=0.1";
/// The most redirects that are followed.
const REDIRECTS: u32 = 3;
/// The most octets of a document.
const LARGEST: usize = 256 * 1024;

/// A document to ask for.
struct PublishedDocument {
    source: Source,
    url: String,
    /// Whether nobody but the domain's owner or Mozilla can have published it there.
    trusted: bool,
    /// Whether it may name hosts of other domains only if it says that it is for this domain.
    own: bool,
}

/// The documents of this source.
pub fn of(source: Source, search: &Search) -> Vec<SourceReport> {
    let domain = &search.domain;
    let address = query_value(search.email.as_str());
    // Only hosts of the domain itself get the whole address.
    let autoconfig = format!("autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}");
    let well_known = format!("{domain}/.well-known/autoconfig/mail/config-v1.1.xml");
    let own = |url: String, trusted| PublishedDocument { source, url, trusted, own: true };
    let documents = match source {
        Source::Autoconfig => vec![own(format!("https://{autoconfig}"), true)],
        Source::WellKnown => vec![own(format!("https://{well_known}"), true)],
        Source::Http => {
            vec![own(format!("http://{autoconfig}"), false), own(format!("http://{well_known}"), false)]
        }
        Source::Ispdb => {
            let url = search.ispdb.iter().map(|base| ispdb(base, domain));
            url.map(|url| PublishedDocument { source, url, trusted: true, own: false }).collect()
        }
        Source::Table | Source::Srv | Source::Mx | Source::Guess => vec![],
    };
    all(search, &documents)
}

/// The documents for the domains that the MX hosts are in. None of them gets the address.
pub fn of_mx(search: &Search, hosts: &[String]) -> Vec<SourceReport> {
    let domains = hosts.first().map(|host| parents(host)).unwrap_or_default();
    let mut documents = Vec::new();
    for domain in domains.iter().filter(|domain| **domain != search.domain) {
        let urls = [Some(format!("https://autoconfig.{domain}/mail/config-v1.1.xml"))]
            .into_iter()
            .chain([search.ispdb.as_ref().map(|base| ispdb(base, domain))]);
        let document = |url| PublishedDocument { source: Source::Mx, url, trusted: false, own: false };
        documents.extend(urls.flatten().map(document));
    }
    all(search, &documents)
}

fn ispdb(base: &str, domain: &str) -> String {
    format!("{}/{domain}", base.trim_end_matches('/'))
}

/// The domain that an MX host is in, and the one that is most likely registered: the last two labels, or three where
/// the one before the last is as short as in `co.uk`. What comes from there is shown before it is used.
fn parents(host: &str) -> Vec<String> {
    let labels: Vec<&str> = host.split('.').collect();
    let short = labels.len() > 2 && labels[labels.len() - 2].len() <= 3;
    let most = labels.len().saturating_sub(if short { 3 } else { 2 });
    let mut parents: Vec<String> = [1, most].map(|skip| labels[skip.min(most)..].join(".")).to_vec();
    parents.dedup();
    parents
}

/// Asks for all at once; their order is that of the list.
fn all(search: &Search, documents: &[PublishedDocument]) -> Vec<SourceReport> {
    thread::scope(|scope| {
        let running: Vec<_> = documents.iter().map(|it| scope.spawn(|| ask(search, it))).collect();
        running.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}

fn ask(search: &Search, document: &PublishedDocument) -> SourceReport {
    let nothing = |result: &str| SourceReport::nothing(document.source, &document.url, result);
    let http = search.http.clone().with_http_allowed(document.url.starts_with("http://"));
    let answer = match http.get(&document.url, ACCEPT, REDIRECTS, LARGEST) {
        Ok(answer) => answer,
        Err(failure) if failure.kind() == Kind::Timeout => return nothing("no answer in time"),
        Err(failure) => return nothing(&failure.message),
    };
    if !answer.is_success() {
        return nothing(&format!("there is none (status {})", answer.status));
    }
    let read = match autoconfig::read(&answer.body, search.whose()) {
        Ok(read) => read,
        Err(what) => return nothing(&format!("the document is not used: {what}")),
    };
    // A redirect may have led to somebody else.
    let stayed = match document.own {
        true => search.is_within(&answer.host()),
        false => answer.host() == crate::net::http::host_of(&document.url).unwrap_or_default(),
    };
    let is_for_it = !document.own || read.domains.contains(&search.domain);
    let servers = read.servers.into_iter().map(|published| FoundServer {
        trusted: document.trusted && stayed && (is_for_it || search.is_within(&published.server.host)),
        server: published.server,
        source: document.source,
        from: answer.final_url.clone(),
        wants: published.wants,
        check: Check::NotTried,
    });
    let mut found: Vec<FoundServer> = servers.collect();
    if found.is_empty() {
        let why = read.notes.join("; ");
        return nothing(&format!(
            "the document has no server that can be used{}{why}",
            if why.is_empty() { "" } else { ": " }
        ));
    }
    check_best(&mut found, &search.tls, &search.limits);
    SourceReport { found, issuer: read.issuer, notes: read.notes, ..nothing("found") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domains_of_an_mx_host_are_its_parent_and_the_registered_one() {
        assert_eq!(parents("mx1.hoster.test"), ["hoster.test"]);
        assert_eq!(parents("a.b.c.hoster.test"), ["b.c.hoster.test", "hoster.test"]);
        assert_eq!(parents("mx.hoster.co.uk"), ["hoster.co.uk"]);
        assert_eq!(parents("hoster.test"), ["hoster.test"]);
        assert_eq!(parents("mx.a.co"), ["mx.a.co"]);
    }
}
