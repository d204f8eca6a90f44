//! Which of the servers that were found to use. No I/O.

use super::check::Check;
use super::{FoundServer, Source};
use crate::account::Protocol;
use crate::account::autoconfig::Wants;
use crate::account::providers::ProviderFacts;
use crate::net::Security;

/// What one source said.
#[derive(Clone, Debug)]
pub struct SourceReport {
    pub source: Source,
    /// What was asked: a URL, a record.
    pub asked: String,
    /// What came of it, in a few words.
    pub result: String,
    pub found: Vec<FoundServer>,
    /// Whether the name service could not answer, so that nothing can be said.
    pub is_unsure: bool,
    pub provider: Option<&'static ProviderFacts>,
    /// Who issues the tokens, if the source says so.
    pub issuer: Option<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl SourceReport {
    /// A source that found no server.
    pub fn nothing(source: Source, asked: &str, result: &str) -> SourceReport {
        SourceReport {
            source,
            asked: asked.to_owned(),
            result: result.to_owned(),
            found: vec![],
            is_unsure: false,
            provider: None,
            issuer: None,
            notes: vec![],
        }
    }
}

/// The servers to use, and what is known of them.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    pub pop3: Option<FoundServer>,
    pub imap: Option<FoundServer>,
    pub smtp: Option<FoundServer>,
    /// The protocol to fetch by.
    pub incoming: Option<Protocol>,
    pub provider: Option<&'static ProviderFacts>,
    pub issuer: Option<String>,
    /// What the user should know.
    pub notes: Vec<String>,
    /// What every source said, the best-ranked first.
    pub tried: Vec<SourceReport>,
}

impl Discovery {
    /// The server to fetch from.
    pub fn fetch_from(&self) -> Option<&FoundServer> {
        self.of(self.incoming?)
    }

    pub fn of(&self, protocol: Protocol) -> Option<&FoundServer> {
        match protocol {
            Protocol::Pop3 => self.pop3.as_ref(),
            Protocol::Imap => self.imap.as_ref(),
            Protocol::Smtp => self.smtp.as_ref(),
        }
    }

    /// The servers to use, that to fetch from first.
    pub fn chosen(&self) -> impl Iterator<Item = &FoundServer> {
        self.fetch_from().into_iter().chain(self.smtp.as_ref())
    }

    pub fn is_empty(&self) -> bool {
        self.chosen().next().is_none()
    }

    /// Whether the name service could not answer: another time more may be found.
    pub fn is_unsure(&self) -> bool {
        self.tried.iter().any(|report| report.is_unsure)
    }
}

/// Decides, if no source that is still `pending` could change anything; else `None`. For every protocol the
/// best-ranked source counts that has a server, and of its servers the first with TLS from the first octet, else the
/// first. One whose certificate is for another host is never used.
pub fn decide(reports: &[SourceReport], pending: &[Source], wanted: Option<Protocol>) -> Option<Discovery> {
    let best = |protocol: Protocol| {
        let found = reports.iter().flat_map(|report| &report.found);
        let usable = found.filter(|it| it.server.protocol == protocol && !it.check.is_distrusted());
        usable.min_by_key(|it| (it.source, it.server.security != Security::Implicit))
    };
    let (pop3, imap, smtp) = (best(Protocol::Pop3), best(Protocol::Imap), best(Protocol::Smtp));
    let fetch = match wanted {
        Some(Protocol::Imap) => imap,
        Some(_) => pop3,
        None => match (pop3, imap) {
            (Some(pop3), Some(imap)) if imap.source < pop3.source => Some(imap),
            (pop3, imap) => pop3.or(imap),
        },
    };
    let settled =
        |found: Option<&FoundServer>| found.is_some_and(|it| pending.iter().all(|other| *other > it.source));
    let is_clear = pending.is_empty() || (settled(fetch) && settled(smtp));
    if !is_clear {
        return None;
    }
    let chosen: Vec<&FoundServer> = fetch.into_iter().chain(smtp).collect();
    let mut tried = reports.to_vec();
    tried.sort_by_key(|report| report.source);
    let counts = |report: &&SourceReport| chosen.iter().any(|found| found.source == report.source);
    let mut notes: Vec<String> =
        tried.iter().filter(counts).flat_map(|report| report.notes.clone()).collect();
    notes.extend(chosen.iter().filter_map(|found| match &found.check {
        Check::Silent(what) => Some(format!("it does not answer from here: {what}")),
        _ => None,
    }));
    notes.extend(reports.iter().flat_map(|report| &report.found).filter_map(|found| match &found.check {
        Check::Distrusted(what) => {
            Some(format!("{} names {}, which is not used: {what}", found.from, found.server.place()))
        }
        _ => None,
    }));
    notes.dedup();
    Some(Discovery {
        incoming: fetch.map(|found| found.server.protocol),
        provider: tried.iter().filter(counts).find_map(|report| report.provider),
        issuer: tried
            .iter()
            .filter(|report| {
                chosen.iter().any(|found| found.source == report.source && found.wants == Wants::Token)
            })
            .find_map(|report| report.issuer.clone()),
        pop3: pop3.cloned(),
        imap: imap.cloned(),
        smtp: smtp.cloned(),
        notes,
        tried,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Server;

    fn found(source: Source, protocol: Protocol, security: Security) -> FoundServer {
        FoundServer {
            server: Server::new(protocol, format!("{}.test", source.name()), security),
            source,
            from: source.name().into(),
            trusted: true,
            wants: Wants::Secret,
            check: Check::Answers,
        }
    }

    fn report(source: Source, protocols: &[Protocol]) -> SourceReport {
        let found = protocols.iter().map(|protocol| found(source, *protocol, Security::Implicit));
        SourceReport { found: found.collect(), ..SourceReport::nothing(source, "", "found") }
    }

    const ALL: [Protocol; 3] = [Protocol::Pop3, Protocol::Imap, Protocol::Smtp];

    fn chosen(decided: Option<Discovery>) -> Option<Vec<String>> {
        decided.map(|it| {
            it.chosen()
                .map(|found| format!("{} {}", found.server.protocol.name(), found.source.name()))
                .collect()
        })
    }

    fn words(text: &[&str]) -> Option<Vec<String>> {
        Some(text.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn the_best_rank_wins_whoever_is_first() {
        let reports =
            [report(Source::Guess, &ALL), report(Source::Srv, &ALL), report(Source::Autoconfig, &ALL)];
        assert_eq!(chosen(decide(&reports, &[], None)), words(&["pop3 autoconfig", "smtp autoconfig"]));
        assert_eq!(
            chosen(decide(&reports, &[], Some(Protocol::Imap))),
            words(&["imap autoconfig", "smtp autoconfig"])
        );
    }

    #[test]
    fn a_better_source_is_waited_for_and_a_worse_one_is_not() {
        let reports = [report(Source::WellKnown, &ALL)];
        assert_eq!(chosen(decide(&reports, &[Source::Autoconfig], None)), None);
        assert!(chosen(decide(&reports, &[Source::Ispdb, Source::Guess], None)).is_some());
        assert_eq!(chosen(decide(&[], &[Source::Guess], None)), None);
        assert_eq!(chosen(decide(&[], &[], None)), words(&[]));
    }

    #[test]
    fn every_protocol_is_looked_for_by_itself() {
        let reports = [report(Source::Srv, &[Protocol::Smtp]), report(Source::Guess, &ALL)];
        assert_eq!(chosen(decide(&reports, &[], None)), words(&["pop3 guess", "smtp srv"]));
        let reports =
            [report(Source::Autoconfig, &[Protocol::Imap, Protocol::Smtp]), report(Source::Guess, &ALL)];
        assert_eq!(chosen(decide(&reports, &[], None)), words(&["imap autoconfig", "smtp autoconfig"]));
        let pop3 = decide(&reports, &[], Some(Protocol::Pop3));
        assert_eq!(chosen(pop3), words(&["pop3 guess", "smtp autoconfig"]));
        assert_eq!(chosen(decide(&reports[..1], &[Source::Guess], Some(Protocol::Pop3))), None);
    }

    #[test]
    fn tls_from_the_first_octet_comes_first_within_a_source_and_not_across() {
        let mut mixed = report(Source::Autoconfig, &[]);
        mixed.found = vec![
            found(Source::Autoconfig, Protocol::Smtp, Security::StartTls),
            found(Source::Autoconfig, Protocol::Smtp, Security::Implicit),
        ];
        let smtp =
            |reports: &[SourceReport]| decide(reports, &[], None).unwrap().smtp.unwrap().server.security;
        assert_eq!(smtp(&[mixed.clone()]), Security::Implicit);
        mixed.found.truncate(1);
        assert_eq!(smtp(&[report(Source::Srv, &ALL), mixed]), Security::StartTls);
    }

    #[test]
    fn a_server_with_the_certificate_of_another_is_named_and_not_used() {
        let mut srv = report(Source::Srv, &ALL);
        srv.found[0].check = Check::Distrusted("it is for email.example".into());
        let decided = decide(&[srv.clone(), report(Source::Guess, &ALL)], &[], None).unwrap();
        assert_eq!(
            decided.incoming,
            Some(Protocol::Imap),
            "of the same source the other protocol comes first"
        );
        assert!(decided.notes.iter().any(|note| note.contains("email.example")), "{:?}", decided.notes);
        let pop3 = decide(&[srv, report(Source::Guess, &ALL)], &[], Some(Protocol::Pop3)).unwrap();
        assert_eq!(pop3.pop3.unwrap().source, Source::Guess);
    }

    #[test]
    fn a_server_that_is_silent_is_used_with_a_note() {
        let mut one = report(Source::Autoconfig, &ALL);
        one.found[2].check = Check::Silent("a.test:465: cannot connect".into());
        let decided = decide(&[one], &[], None).unwrap();
        assert!(decided.smtp.is_some() && decided.notes.iter().any(|note| note.contains("cannot connect")));
    }
}
