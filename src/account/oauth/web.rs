//! The way to the endpoints over the web.

use super::discovery;
use super::endpoint::{EndpointAnswer, Issuer, TokenEndpoint};
use super::provider::Endpoints;
use crate::account::Env;
use crate::codec::oauth::token::{self, ErrorCode, Rejection};
use crate::codec::oauth::{FormValue, Request};
use crate::net::http::{FieldValue as Field, Http};
use crate::net::{Limits, Tap, Tls, TlsSettings};
use crate::words::{Failure, Kind};
use std::path::PathBuf;

/// A client that trusts the system's authorities, and those in `ca_file`. It goes through the proxy that the
/// environment names.
pub fn client(
    ca_file: Option<PathBuf>,
    env: &Env,
    limits: &Limits,
    tap: Option<Box<dyn Tap>>,
) -> Result<Http, Failure> {
    let tls = Tls::prepare(&TlsSettings { ca_file, ..TlsSettings::default() }, limits)?;
    Ok(Http::new(tls, limits.clone()).with_proxy(env.http_proxy()).with_tap(tap))
}

impl TokenEndpoint for Http {
    fn post(&self, url: &str, request: &Request) -> Result<EndpointAnswer, Failure> {
        let answer = send(self, url, request)?;
        match &request.otherwise {
            Some(otherwise) if refuses_client(&answer) => send(self, url, otherwise),
            _ => Ok(answer),
        }
    }
}

/// Whether the server does not believe the client (`RFC 6749 §5.2`); it has not looked at anything else then.
fn refuses_client(answer: &EndpointAnswer) -> bool {
    let read = token::read(answer.status, &answer.body);
    matches!(read, Err(Rejection::Refused(refusal)) if refusal.error == ErrorCode::InvalidClient)
}

fn send(http: &Http, url: &str, request: &Request) -> Result<EndpointAnswer, Failure> {
    fn field<'a>((name, value): (&'static str, &'a FormValue)) -> (&'static str, Field<'a>) {
        match value {
            FormValue::Open(text) => (name, Field::Text(text)),
            FormValue::Secret(secret) => (name, Field::Secret(secret)),
        }
    }
    let fields: Vec<(&str, Field<'_>)> = request.form.fields().map(field).collect();
    let header = request.authorization.as_ref().map(|it| ("authorization", Field::Secret(it)));
    match http.post_form(url, &fields, header.as_slice()) {
        Ok(answer) => Ok(EndpointAnswer { status: answer.status, body: answer.body }),
        // What is no answer of a token server may come from something between: that passes.
        Err(failure) if failure.kind() == Kind::Protocol => Err(failure.as_kind(Kind::Deferred)),
        // Somebody has logged in there: that the name is unknown now is a matter of the network.
        Err(failure) if failure.kind() == Kind::NoHost => Err(failure.as_kind(Kind::Network)),
        Err(failure) => Err(failure),
    }
}

impl Issuer for Http {
    fn endpoints(&self, issuer: &str) -> Result<Endpoints, Failure> {
        discovery::discover(self, issuer).map(|metadata| Endpoints::from(&metadata))
    }
}
