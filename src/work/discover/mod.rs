//! Finds the servers of a mail address: in the table of providers by the domain's MX hosts, in what the domain
//! publishes (autoconfig, SRV), in Mozilla's database, at the provider that its MX hosts name, and at last by trying
//! the usual names. All are asked at once, and the best-ranked answer counts.
//!
//! Nothing here sends a secret. Servers are greeted under TLS, and no more.

mod check;
mod decide;
mod guess;
mod published;
mod records;

pub use check::Check;
pub use decide::{Discovery, SourceReport, decide};

use crate::account::autoconfig::{Wants, Whose};
use crate::account::providers::{self, ProviderFacts};
use crate::account::{Protocol, Server};
use crate::net::{Http, Limits, Tls};
use crate::words::{Address, Failure, Kind, Stage};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How long the whole search may take.
pub const WHOLE: Duration = Duration::from_secs(10);
/// A source ends this much earlier, so that it can still say what it found.
const MARGIN: Duration = Duration::from_millis(300);
/// How often the stop flag is checked while sources are waited for.
const SLICE: Duration = Duration::from_millis(50);

/// Where settings come from, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// postie's own table of providers.
    Table,
    /// `https://autoconfig.DOMAIN/…`.
    Autoconfig,
    /// `https://DOMAIN/.well-known/autoconfig/…`.
    WellKnown,
    /// Mozilla's database.
    Ispdb,
    /// SRV records (`RFC 6186`, `RFC 8314 §5.1`).
    Srv,
    /// Autoconfig by http, which anybody on the way can change.
    Http,
    /// What is published for the domain of the MX hosts.
    Mx,
    /// The usual names.
    Guess,
}

impl Source {
    /// The name in JSON, which never changes.
    pub fn name(self) -> &'static str {
        match self {
            Source::Table => "table",
            Source::Autoconfig => "autoconfig",
            Source::WellKnown => "well-known",
            Source::Ispdb => "ispdb",
            Source::Srv => "srv",
            Source::Http => "http",
            Source::Mx => "mx",
            Source::Guess => "guess",
        }
    }
}

/// A server that was found.
#[derive(Clone, Debug)]
pub struct FoundServer {
    pub server: Server,
    pub source: Source,
    /// The URL, record or table that has it, for people.
    pub from: String,
    /// Whether it may be used before somebody has seen it: only the domain's owner, Mozilla or postie can have named it.
    pub trusted: bool,
    pub wants: Wants,
    pub check: Check,
}

/// What is looked for, and how.
#[derive(Clone, Debug)]
pub struct Search {
    pub email: Address,
    /// The domain of the address as A-labels.
    pub domain: String,
    /// The protocol to fetch by; none: POP3 where the best source has it, else IMAP.
    pub incoming: Option<Protocol>,
    pub http: Http,
    pub tls: Tls,
    /// The database's URL, to which the domain is added; none: it is not asked.
    pub ispdb: Option<String>,
    /// Whether documents by http count.
    pub allow_http: bool,
    /// How far the whole search may go.
    pub limits: Limits,
}

impl Search {
    fn whose(&self) -> Whose<'_> {
        Whose { email: &self.email, domain: &self.domain }
    }

    /// Whether a host is the domain or lies in it.
    fn is_within(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        host.strip_suffix(&self.domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }
}

/// What the table has for the address, without asking anybody; `None` if its domain is not in it.
pub fn known(email: &Address, incoming: Option<Protocol>) -> Option<Discovery> {
    let provider = providers::of_domain(email.domain())?;
    let report = of_provider(provider, email, format!("postie's table: {}", provider.name));
    decide(&[report], &[], incoming)
}

/// Looks for the servers; at most [`WHOLE`], and less where `search.limits` end before.
///
/// Fails only where a signal or the end of the run ends it.
pub fn discover(search: Search) -> Result<Discovery, Failure> {
    let end = search.limits.until(WHOLE);
    let within = Limits { end: Some(end.checked_sub(MARGIN).unwrap_or(end)), ..search.limits.clone() };
    let limits = search.limits.clone();
    let search = Arc::new(Search { http: search.http.within(within.clone()), limits: within, ..search });
    let mut pending = sources(&search);
    let (reports, reported) = mpsc::channel();
    for source in &pending {
        start(*source, &search, &reports)?;
    }
    let (mut heard, incoming) = (Vec::new(), search.incoming);
    loop {
        if let Some(decided) = decide(&heard, &pending, incoming) {
            return Ok(decided);
        }
        if limits.stop.raised() || limits.run_over() {
            let what =
                if limits.stop.raised() { "stopped by a signal" } else { "the time of the run is over" };
            let kind = if limits.stop.raised() { Kind::Interrupted } else { Kind::Timeout };
            let message = format!("{}: looking for its settings: {what}", search.domain);
            return Err(Failure::new(kind, Stage::LookUp, message));
        }
        let left = end.saturating_duration_since(Instant::now());
        match reported.recv_timeout(left.min(SLICE)) {
            Ok(SourceMessage::Report(report)) => heard.push(*report),
            Ok(SourceMessage::Done(source)) => pending.retain(|other| *other != source),
            Err(mpsc::RecvTimeoutError::Disconnected) => pending.clear(),
            Err(mpsc::RecvTimeoutError::Timeout) if left.is_zero() => {
                heard.extend(
                    pending.drain(..).map(|source| SourceReport::nothing(source, "", "no answer in time")),
                );
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
}

enum SourceMessage {
    Report(Box<SourceReport>),
    Done(Source),
}

type Reports = mpsc::Sender<SourceMessage>;

fn sources(search: &Search) -> Vec<Source> {
    let mut sources =
        vec![Source::Table, Source::Autoconfig, Source::WellKnown, Source::Srv, Source::Mx, Source::Guess];
    if search.ispdb.is_some() {
        sources.push(Source::Ispdb);
    }
    if search.allow_http {
        sources.push(Source::Http);
    }
    sources
}

/// Asks a source on a thread of its own. It is not waited for once the answer is clear; its limits end it.
fn start(source: Source, search: &Arc<Search>, reports: &Reports) -> Result<(), Failure> {
    // The MX hosts are asked for once, for two sources.
    if source == Source::Mx {
        return Ok(());
    }
    let (search, reports) = (Arc::clone(search), reports.clone());
    let work = move || {
        let tell = |report: SourceReport| {
            // Nobody listens any more once the answer is clear.
            let _ = reports.send(SourceMessage::Report(Box::new(report)));
        };
        let done = |source| {
            let _ = reports.send(SourceMessage::Done(source));
        };
        match source {
            Source::Table => {
                let (table, hosts) = records::by_mx(&search);
                tell(table);
                done(Source::Table);
                for report in hosts.into_iter().flat_map(|hosts| published::of_mx(&search, &hosts)) {
                    tell(report);
                }
                done(Source::Mx);
            }
            Source::Srv => tell(records::by_srv(&search)),
            Source::Guess => tell(guess::by_guess(&search)),
            source => {
                for report in published::of(source, &search) {
                    tell(report);
                }
            }
        }
        done(source);
    };
    thread::Builder::new()
        .spawn(work)
        .map(|_| ())
        .map_err(|error| Failure::new(Kind::Deferred, Stage::LookUp, format!("starting a thread: {error}")))
}

/// The servers of a provider of the table.
fn of_provider(provider: &'static ProviderFacts, email: &Address, from: String) -> SourceReport {
    let wants = match provider.secret {
        providers::PasswordKind::Token => Wants::Token,
        _ => Wants::Secret,
    };
    let found = [Protocol::Pop3, Protocol::Imap, Protocol::Smtp].into_iter();
    let found = found.filter_map(|protocol| provider.server(protocol, email)).map(|server| FoundServer {
        server,
        source: Source::Table,
        from: from.clone(),
        trusted: true,
        wants,
        check: Check::NotTried,
    });
    SourceReport {
        found: found.collect(),
        provider: Some(provider),
        ..SourceReport::nothing(Source::Table, &from, "found")
    }
}
