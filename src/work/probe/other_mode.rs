//! If a server does not answer in the configured TLS mode, tries the other mode on the same port: a wrong mode looks like
//! a dead server, and is the most usual mistake in a new account.

use super::ProbeTarget;
use crate::account::Protocol;
use crate::imap::NotAuthenticated;
use crate::net::dial;
use crate::net::{Limits, Security, Tls, TlsSettings, Wire};
use crate::pop3::Authorization;
use crate::smtp::Greeted;
use crate::words::{Failure, Kind};
use serde_json::{Map, Value};
use std::time::Duration;

/// How long the server may take to answer in the other mode.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// After TLS from the first octet failed: whether the port greets without it.
pub(super) fn after_tls(
    target: &ProbeTarget<'_>,
    failure: Failure,
    detail: &mut Map<String, Value>,
) -> Failure {
    // Failures about certificates or TLS versions mean that the server does speak TLS there.
    match failure.kind() {
        Kind::Protocol | Kind::Network | Kind::Timeout => {
            tell(target, failure, detail, Security::StartTls, &greets)
        }
        _ => failure,
    }
}

/// After no greeting came, or a wrong one: whether the port speaks TLS from the first octet.
pub(super) fn after_greeting(
    target: &ProbeTarget<'_>,
    failure: Failure,
    detail: &mut Map<String, Value>,
) -> Failure {
    let silent = matches!(failure.kind(), Kind::Protocol | Kind::Network | Kind::Timeout);
    if target.endpoint.security == Security::Implicit || !silent {
        return failure;
    }
    tell(target, failure, detail, Security::Implicit, &shakes_hands)
}

fn tell(
    target: &ProbeTarget<'_>,
    failure: Failure,
    detail: &mut Map<String, Value>,
    other: Security,
    answers: &dyn Fn(&ProbeTarget<'_>, Wire) -> bool,
) -> Failure {
    if target.limits.stop.raised() || target.limits.run_over() {
        return failure;
    }
    let limits = Limits { timeout: ANSWER_TIME.min(target.limits.timeout), ..target.limits.clone() };
    let limits = Limits { end: Some(limits.until(2 * ANSWER_TIME)), ..limits };
    let (name, scheme) = match (other, target.protocol) {
        (Security::Implicit, Protocol::Pop3) => ("implicit", "pop3s"),
        (Security::Implicit, Protocol::Imap) => ("implicit", "imaps"),
        (Security::Implicit, Protocol::Smtp) => ("implicit", "smtps"),
        (_, Protocol::Pop3) => ("starttls", "pop3"),
        (_, Protocol::Imap) => ("starttls", "imap"),
        (_, Protocol::Smtp) => ("starttls", "smtp"),
    };
    let found = connection(target, &limits).is_some_and(|wire| answers(target, wire));
    if found {
        detail.insert("other_mode".into(), name.into());
        let key = target.protocol.name();
        return failure.hint(format!(
            "this port answers in the other TLS mode: set {key}.tls to \"{name}\" ({scheme}://{} in a URL)",
            target.endpoint.place()
        ));
    }
    match failure.hint.clone() {
        Some(hint) => {
            failure.hint(format!("{hint}; in the other TLS mode ({name}) this port does not answer either"))
        }
        None => failure
            .hint(format!("is it the right port? In the other TLS mode ({name}) it does not answer either")),
    }
}

fn connection(target: &ProbeTarget<'_>, limits: &Limits) -> Option<Wire> {
    let endpoint = target.endpoint;
    let link = dial::connect(endpoint, limits).ok()?;
    Some(Wire::new(link, endpoint.place(), limits.clone(), (target.tap)()))
}

/// Whether the server greets without TLS.
fn greets(target: &ProbeTarget<'_>, wire: Wire) -> bool {
    match target.protocol {
        Protocol::Pop3 => Authorization::greet(wire).is_ok(),
        Protocol::Imap => NotAuthenticated::greet(wire).is_ok(),
        Protocol::Smtp => Greeted::greet(wire).is_ok(),
    }
}

/// Whether the server answers a TLS handshake. Its certificate does not matter yet.
fn shakes_hands(target: &ProbeTarget<'_>, mut wire: Wire) -> bool {
    let settings = TlsSettings { inspect_only: true, ..TlsSettings::default() };
    Tls::prepare(&settings, wire.limits())
        .is_ok_and(|tls| wire.start_tls(&tls, &target.endpoint.host).is_ok())
}
