//! The probe (`test-account`): every step from DNS to a usable account, each with its time, its findings, and if it fails
//! the likely cause. Nothing is fetched and nothing is sent.

mod imap;
mod other_mode;
mod pop3;
mod smtp;

pub(crate) use imap::probe_imap;
pub(crate) use pop3::probe_pop3;
pub(crate) use smtp::probe_smtp;

use crate::account::{AccountLogin, Protocol, Server, Vault};
use crate::net::certificate::Certificate;
use crate::net::connect::connect_first;
use crate::net::dial;
use crate::net::look_up::resolve;
use crate::net::{Endpoint, Limits, Link, Security, Tap, Tls, TlsInfo, TlsSettings, Wire};
use crate::words::{Failure, Kind, Stage, clock};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// One step, done or failed.
#[derive(Clone, Debug)]
pub struct ProbeStep {
    /// `dns`, `tcp`, `greeting`, `capabilities`, `tls`, `token`, `auth`, `mailbox`, `sender`.
    pub name: &'static str,
    pub elapsed: Duration,
    /// What was found.
    pub detail: Map<String, Value>,
    pub failure: Option<Failure>,
}

/// Receives each step when it is done.
pub type Steps<'a> = &'a mut dyn FnMut(ProbeStep);

/// The server to probe.
pub struct ProbeTarget<'a> {
    pub protocol: Protocol,
    pub endpoint: &'a Endpoint,
    /// `None` only if the endpoint has no TLS.
    pub tls: Option<&'a Tls>,
    pub limits: &'a Limits,
    /// Makes a tap for each connection's transcript.
    pub tap: &'a dyn Fn() -> Option<Box<dyn Tap>>,
}

impl ProbeTarget<'_> {
    fn tls(&self, stage: Stage) -> Result<&Tls, Failure> {
        self.tls.ok_or_else(|| Failure::new(Kind::Internal, stage, "no TLS was prepared"))
    }
}

/// Logs in over a session, and notes what it found.
pub(super) type LogIn<'a, S, T> =
    dyn FnMut(S, Option<&AccountLogin>, &mut Map<String, Value>) -> Result<T, Failure> + 'a;

/// The step `auth`, and before it `token` where logins to the server are by tokens of an authorization server. A token
/// that the server refuses is replaced once, if it is not new, as in every run: that is another step `token`. `again`
/// reaches the server anew for it.
pub(super) fn log_in<S, T>(
    (server, vault): (&Server, &Vault),
    steps: Steps<'_>,
    session: S,
    again: &mut dyn FnMut() -> Result<S, Failure>,
    by: &mut LogIn<'_, S, T>,
) -> Result<T, Failure> {
    let by_token = match vault.tokens(server)? {
        Some(source) => vault.logins(server)?.map(|logins| (source, logins)),
        None => None,
    };
    let Some((source, logins)) = by_token else {
        return step(steps, "auth", |detail| by(session, vault.login(server)?.as_ref(), detail));
    };
    let issuer = || Map::from_iter([("issuer".to_owned(), source.grant().issuer.clone().into())]);
    let login = step(steps, "token", |detail| {
        *detail = issuer();
        logins.next()
    })?;
    let (mut started, mut detail) = (Instant::now(), Map::new());
    let mut result = by(session, Some(&login), &mut detail);
    if let Err(refused) = &result
        && refused.kind() == Kind::Auth
    {
        let asked = Instant::now();
        let next = logins.another();
        if !matches!(next, Ok(None)) {
            let mut found = issuer();
            let reply = refused.reply.as_ref().map(|reply| reply.lines.join(" "));
            found.insert("refused".into(), reply.unwrap_or_else(|| refused.message.clone()).into());
            let failure = next.as_ref().err().cloned();
            steps(ProbeStep { name: "token", elapsed: asked.elapsed(), detail: found, failure });
        }
        if let Some(login) = next? {
            (started, detail) = (Instant::now(), Map::new());
            result = again().and_then(|session| by(session, Some(&login), &mut detail));
        }
    }
    let result = result.map_err(with_hint);
    let failure = result.as_ref().err().cloned();
    steps(ProbeStep { name: "auth", elapsed: started.elapsed(), detail, failure });
    result
}

/// Another connection to the server, about which no step is told.
pub(super) fn reach_again(target: &ProbeTarget<'_>) -> Result<Wire, Failure> {
    dial::dial(target.endpoint, target.tls, target.limits, (target.tap)())
}

/// Does and reports one step. If it fails, so does the probe of this server.
pub(super) fn step<T>(
    steps: Steps<'_>,
    name: &'static str,
    work: impl FnOnce(&mut Map<String, Value>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let started = Instant::now();
    let mut detail = Map::new();
    let result = work(&mut detail).map_err(with_hint);
    let failure = result.as_ref().err().cloned();
    steps(ProbeStep { name, elapsed: started.elapsed(), detail, failure });
    result
}

/// What to do about a failure of which nothing else is known.
fn with_hint(failure: Failure) -> Failure {
    match (failure.kind(), &failure.hint) {
        (Kind::Deferred, None) => failure.hint("the server refuses this for now: try again later"),
        (Kind::Network | Kind::Timeout, None) => failure.hint(
            "the server may be busy, or take no connections from here: try again later; is it the right port?",
        ),
        _ => failure,
    }
}

/// The steps `dns` and `tcp`, and `tls` if it comes first.
pub(super) fn reach(target: &ProbeTarget<'_>, steps: Steps<'_>) -> Result<Wire, Failure> {
    let endpoint = target.endpoint;
    let place = endpoint.place();
    let addresses = step(steps, "dns", |detail| {
        if let Some(proxy) = &endpoint.proxy {
            // Nothing is looked up here, lest somebody sees which servers are used.
            detail.insert("resolved_by".into(), format!("the proxy {}", proxy.place()).into());
            endpoint.check_plaintext(&[])?;
            return Ok(Vec::new());
        }
        let found = resolve(&endpoint.host, endpoint.port, target.limits)
            .map_err(|error| error.failure(&place, Stage::LookUp))?;
        detail.insert("addresses".into(), found.iter().map(|address| address.ip().to_string()).collect());
        endpoint.check_plaintext(&found)?;
        Ok(found)
    })?;
    let link: Box<dyn Link> = step(steps, "tcp", |detail| {
        detail.insert("port".into(), endpoint.port.into());
        if let Some(proxy) = &endpoint.proxy {
            detail.insert("proxy".into(), proxy.place().into());
            return dial::connect(endpoint, target.limits);
        }
        let link = connect_first(&addresses, target.limits)
            .map_err(|error| error.failure(&place, Stage::Connect))?;
        Ok(Box::new(link))
    })?;
    let mut wire = Wire::new(link, place, target.limits.clone(), (target.tap)());
    if endpoint.security == Security::Implicit {
        step(steps, "tls", |detail| {
            wire.start_tls(target.tls(Stage::TlsHandshake)?, &endpoint.host)
                .map_err(|error| error.failure(&endpoint.place(), Stage::TlsHandshake))
                .map_err(|failure| explain(target, failure, detail, &mut |wire| Ok(wire)))
                .map_err(|failure| other_mode::after_tls(target, failure, detail))?;
            describe(wire.tls(), detail);
            Ok(())
        })?;
    }
    Ok(wire)
}

/// The details of TLS and of the certificate.
pub(super) fn describe(tls: Option<&TlsInfo>, detail: &mut Map<String, Value>) {
    let Some(tls) = tls else { return };
    detail.insert("version".into(), tls.version.clone().into());
    detail.insert("cipher".into(), tls.cipher.clone().into());
    describe_certificate(&tls.certificate, detail);
}

fn describe_certificate(der: &[u8], detail: &mut Map<String, Value>) {
    let Some(certificate) = Certificate::from_der(der) else { return };
    let days = certificate.not_after.duration_since(clock::now()).as_hours() / 24;
    detail.insert("subject".into(), certificate.subject.into());
    detail.insert("issuer".into(), certificate.issuer.into());
    detail.insert("names".into(), json!(certificate.names));
    detail.insert("not_before".into(), certificate.not_before.to_string().into());
    detail.insert("not_after".into(), certificate.not_after.to_string().into());
    detail.insert("expires_in_days".into(), days.into());
    detail.insert("sha256".into(), certificate.fingerprint.hex().into());
}

/// After a certificate was refused: gets it over a connection of its own, which sends nothing else, and adds its details.
/// `to_tls` brings such a connection to the point where TLS begins.
pub(super) fn explain(
    target: &ProbeTarget<'_>,
    failure: Failure,
    detail: &mut Map<String, Value>,
    to_tls: &mut dyn FnMut(Wire) -> Result<Wire, Failure>,
) -> Failure {
    if failure.kind() == Kind::Certificate
        && let Some(der) = look(target, to_tls)
    {
        describe_certificate(&der, detail);
    }
    failure
}

fn look(target: &ProbeTarget<'_>, to_tls: &mut dyn FnMut(Wire) -> Result<Wire, Failure>) -> Option<Vec<u8>> {
    let endpoint = target.endpoint;
    let link = dial::connect(endpoint, target.limits).ok()?;
    let wire = Wire::new(link, endpoint.place(), target.limits.clone(), None);
    let mut wire = to_tls(wire).ok()?;
    let settings = TlsSettings { inspect_only: true, ..TlsSettings::default() };
    let tls = Tls::prepare(&settings, target.limits).ok()?;
    wire.start_tls(&tls, &endpoint.host).ok()?;
    wire.tls().map(|tls| tls.certificate.clone())
}
