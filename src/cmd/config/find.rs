//! The servers that `postie config add` finds for an address: the search, what is said about them, and which of them
//! may be used before somebody has seen them.

use super::Context;
use crate::account::autoconfig::Wants;
use crate::account::providers::{self, PasswordKind};
use crate::account::server::{Protocol, Server, security_name};
use crate::account::url;
use crate::cli::config::AddArgs;
use crate::net::certificate::Fingerprint;
use crate::net::{Http, Limits, Security, Tap, Tls, TlsSettings};
use crate::output::Output;
use crate::output::transcript::Transcript;
use crate::words::{Address, Failure};
use crate::work::discover::{Discovery, FoundServer, Search, discover, known};
use serde::Serialize;

/// Mozilla's database; `$POSTIE_ISPDB` and `--ispdb` name another.
const ISPDB: &str = "https://live.thunderbird.net/autoconfig/v1.1";

/// How servers are looked for.
pub struct Finder {
    /// The protocol to fetch by, if one is wanted.
    pub incoming: Option<Protocol>,
    searches: bool,
    /// A search would go round a proxy.
    pub is_behind_socks: bool,
    allow_http: bool,
    accepted: Vec<String>,
    ispdb: Option<String>,
    trust: TlsSettings,
    http: HttpSettings,
    limits: Limits,
}

struct HttpSettings {
    proxy: Option<crate::net::http::HttpProxy>,
    transcript: bool,
}

impl Finder {
    pub fn of(args: &AddArgs, incoming: Option<Protocol>, context: &Context) -> Result<Finder, Failure> {
        let accepted = args.accept_host.iter().map(|host| {
            crate::account::server::host(host)
                .map_err(|what| Failure::usage(format!("--accept-host: {what}")))
        });
        let ispdb = match &args.ispdb {
            Some(url) => Some(url.as_str()),
            None => context.env.text("POSTIE_ISPDB")?,
        };
        let ispdb = ispdb.unwrap_or(ISPDB);
        let fingerprint = context.global.tls_fingerprint.as_deref().and_then(Fingerprint::parse);
        // None is looked for where that would go round the proxy.
        let by_option = context.global.proxy.as_ref().is_some_and(|proxy| proxy != "none");
        let is_behind_socks = by_option || context.env.has_socks_proxy();
        Ok(Finder {
            incoming,
            searches: !args.no_discovery && !is_behind_socks,
            is_behind_socks,
            allow_http: args.allow_http,
            accepted: accepted.collect::<Result<_, _>>()?,
            ispdb: (ispdb != "none").then(|| ispdb.to_owned()),
            trust: TlsSettings {
                ca_file: context.global.ca_file.clone(),
                fingerprint,
                ..TlsSettings::default()
            },
            http: HttpSettings {
                proxy: context.env.http_proxy(),
                transcript: context.out.wants_transcript(),
            },
            limits: context.limits.clone(),
        })
    }

    /// Whether the servers of an address have to be looked for.
    pub fn must_search(&self, email: &Address) -> bool {
        let provider = providers::of_domain(email.domain());
        let domain = crate::account::server::host(email.domain());
        self.searches
            && provider.is_none_or(|provider| provider.moves)
            && domain.is_ok_and(|domain| domain.contains('.') && domain.parse::<std::net::IpAddr>().is_err())
    }

    /// The servers of an address; none where nothing is known and nothing may be asked.
    pub fn find(&self, email: &Address) -> Result<Discovery, Failure> {
        let in_table = known(email, self.incoming);
        if !self.must_search(email) {
            return Ok(in_table.unwrap_or_default());
        }
        if let Some(proxy) = &self.http.proxy {
            proxy.check()?;
        }
        let domain = crate::account::server::host(email.domain()).map_err(Failure::usage)?;
        // A pin is for the mail servers; web servers have certificates of their own.
        let web = Tls::prepare(&TlsSettings { fingerprint: None, ..self.trust.clone() }, &self.limits)?;
        let tls = match self.trust.fingerprint {
            Some(_) => Tls::prepare(&self.trust, &self.limits)?,
            None => web.clone(),
        };
        let tap = self.http.transcript.then(|| Box::new(Transcript::new("http")) as Box<dyn Tap>);
        let http = Http::new(web, self.limits.clone()).with_proxy(self.http.proxy.clone()).with_tap(tap);
        let found = discover(Search {
            email: email.clone(),
            domain,
            incoming: self.incoming,
            http,
            tls,
            ispdb: self.ispdb.clone(),
            allow_http: self.allow_http,
            limits: self.limits.clone(),
        })?;
        Ok(match in_table {
            // A provider whose mailboxes move is another's only where the MX hosts say so.
            Some(own) if found.provider.is_none() => own,
            _ => found,
        })
    }

    /// Refuses servers that nobody has seen and no trusted source names, unless their hosts are accepted.
    pub fn check(&self, found: &Discovery, email: &Address) -> Result<(), Failure> {
        let doubtful: Vec<&FoundServer> =
            found.chosen().filter(|it| !it.trusted && !self.accepted.contains(&it.server.host)).collect();
        if doubtful.is_empty() {
            return Ok(());
        }
        let places: Vec<String> =
            doubtful.iter().map(|it| format!("{} ({})", it.server.place(), short(&it.from))).collect();
        let mut hosts: Vec<String> =
            doubtful.iter().map(|it| format!("--accept-host {}", it.server.host)).collect();
        hosts.dedup();
        let message = format!(
            "{}: looking for its settings: found, but not where only its owner could have put them: {}",
            email.domain(),
            places.join(", ")
        );
        Err(Failure::config(message).hint(format!(
            "if that is right: {}; or {}",
            hosts.join(" "),
            as_options(found)
        )))
    }
}

/// The servers as options of `config add`.
fn as_options(found: &Discovery) -> String {
    let options: Vec<String> = found
        .chosen()
        .map(|it| format!("--{} {}", it.server.protocol.name(), url::write(&it.server)))
        .collect();
    options.join(" ")
}

/// A URL without its query.
fn short(from: &str) -> &str {
    from.split_once('?').map_or(from, |(url, _)| url)
}

/// What the secret of the account has to be, in JSON's words.
fn needs(found: &Discovery) -> Option<&'static str> {
    let wants = |wanted| found.chosen().any(|it| it.wants == wanted);
    match found.provider.map(|provider| provider.secret) {
        Some(PasswordKind::AppPassword) => Some("app-password"),
        Some(PasswordKind::Token) => Some("token"),
        None if wants(Wants::Token) => Some("token"),
        _ if wants(Wants::Secret) => Some("password"),
        _ => None,
    }
}

/// Who gives the tokens that the servers want, if they want them and it was found.
pub fn issuer(found: &Discovery) -> Option<&str> {
    found.issuer.as_deref().filter(|_| found.chosen().any(|it| it.wants == Wants::Token))
}

/// What people should know about the servers before they use them, a sentence each; `by_token`: the account logs in by
/// OAuth2, so nothing of passwords.
pub fn remarks(found: &Discovery, by_token: bool) -> Vec<String> {
    let mut remarks: Vec<String> =
        found.provider.iter().flat_map(|provider| provider.remarks(by_token)).collect();
    if !by_token && found.provider.is_none() && found.chosen().any(|it| it.wants == Wants::Token) {
        let issuer = found.issuer.as_deref().map(|issuer| format!(" of {issuer}")).unwrap_or_default();
        remarks.push(format!("the login wants an OAuth2 token{issuer} (`postie config login`), no password"));
    }
    remarks.extend(found.notes.iter().cloned());
    remarks
}

/// The servers: what they are, where that comes from, and whether it is to be trusted; short lines.
pub fn describe(found: &Discovery) -> Vec<String> {
    let mut lines = Vec::new();
    for it in found.chosen() {
        let what = match it.server.protocol {
            Protocol::Smtp => "send through",
            _ => "fetch from",
        };
        let tls = match it.server.security {
            Security::Implicit => "TLS",
            _ => "STARTTLS",
        };
        let user = it.server.username.as_deref();
        let user = user.map_or("without a login".to_owned(), |user| format!("as {user}"));
        let name = it.server.protocol.name().to_uppercase();
        lines.push(format!("{what} {} by {name}, {tls}, {user}", it.server.place()));
        lines.push(format!("  from {}", short(&it.from)));
        if !it.trusted {
            lines.push("  anybody could have said that: is it right?".into());
        }
    }
    lines
}

/// What every source said, a line each, for `-v`.
pub fn tried(found: &Discovery) -> Vec<String> {
    let line = |it: &crate::work::discover::SourceReport| match it.asked.as_str() {
        "" => format!("{}: {}", it.source.name(), it.result),
        asked => format!("{}: {}: {}", it.source.name(), short(asked), it.result),
    };
    found.tried.iter().map(line).collect()
}

#[derive(Serialize)]
struct DiscoveryLine<'a> {
    email: &'a str,
    domain: &'a str,
    source: Option<&'static str>,
    url: Option<&'a str>,
    incoming: Option<&'static str>,
    pop3: Option<ServerLine<'a>>,
    imap: Option<ServerLine<'a>>,
    smtp: Option<ServerLine<'a>>,
    provider: Option<&'static str>,
    needs: Option<&'static str>,
    oauth: Option<&'static str>,
    issuer: Option<&'a str>,
    notes: Vec<String>,
    tried: Vec<TriedLine<'a>>,
}

#[derive(Serialize)]
struct ServerLine<'a> {
    host: &'a str,
    port: u16,
    tls: &'static str,
    username: Option<&'a str>,
    login: &'static str,
    source: &'static str,
    from: &'a str,
    trusted: bool,
    check: &'static str,
}

#[derive(Serialize)]
struct TriedLine<'a> {
    source: &'static str,
    asked: &'a str,
    result: &'a str,
}

fn server_line(found: &FoundServer) -> ServerLine<'_> {
    let server: &Server = &found.server;
    ServerLine {
        host: &server.host,
        port: server.port,
        tls: security_name(server.security),
        username: server.username.as_deref(),
        login: match found.wants {
            Wants::Secret => "secret",
            Wants::Token => "token",
            Wants::Nothing => "none",
        },
        source: found.source.name(),
        from: &found.from,
        trusted: found.trusted,
        check: found.check.name(),
    }
}

/// The JSON line `discovery`.
pub fn tell_json(found: &Discovery, (email, by_token): (&Address, bool), out: &mut Output) {
    let first = found.chosen().next();
    let url = first.map(|it| it.from.as_str()).filter(|from| from.contains("://"));
    let line = DiscoveryLine {
        email: email.as_str(),
        domain: email.domain(),
        source: first.map(|it| it.source.name()),
        url,
        incoming: found.incoming.map(Protocol::name),
        pop3: found.pop3.as_ref().map(server_line),
        imap: found.imap.as_ref().map(server_line),
        smtp: found.smtp.as_ref().map(server_line),
        provider: found.provider.map(|provider| provider.name),
        needs: needs(found),
        oauth: found.provider.and_then(|provider| provider.oauth),
        issuer: found.issuer.as_deref(),
        notes: remarks(found, by_token),
        tried: found
            .tried
            .iter()
            .map(|it| TriedLine { source: it.source.name(), asked: &it.asked, result: &it.result })
            .collect(),
    };
    out.line("discovery", &line);
}
