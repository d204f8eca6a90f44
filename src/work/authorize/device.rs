//! The login in a browser elsewhere: a code is shown, and the server asked until the person has typed it there
//! (`RFC 8628`).

use super::{Granted, Tell, Told, ask, failed};
use crate::account::oauth::{EndpointAnswer, TokenEndpoint};
use crate::codec::oauth::device::{self, DeviceAuthorization, NotYet, Pace};
use crate::codec::oauth::token::{self, Rejection};
use crate::codec::oauth::{Client, Form, for_resource};
use crate::net::Limits;
use crate::streams::{self, Halt};
use crate::words::{Failure, Kind};
use std::time::{Duration, Instant};

/// `RFC 8628 §3.4`.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a login by device code needs.
pub struct DeviceLogin<'a> {
    pub client: &'a Client,
    /// The device authorization endpoint, and the token endpoint.
    pub device: &'a str,
    pub token: &'a str,
    pub scopes: &'a [String],
    /// What the tokens are for (`RFC 8707 §2.2`).
    pub resource: Option<&'a str>,
}

impl DeviceLogin<'_> {
    /// Shows the code, and asks until the person has answered.
    ///
    /// Fails with [`Kind::Timeout`] if the code is too old then, [`Kind::Interrupted`], [`Kind::Protocol`] if the first
    /// answer makes no sense, and as [`TokenEndpoint::post`]. The inner error is what one of the endpoints said.
    pub fn run(
        &self,
        endpoint: &dyn TokenEndpoint,
        limits: &Limits,
        tell: Tell<'_>,
    ) -> Result<Result<Granted, Rejection>, Failure> {
        let authorization = match self.begin(endpoint)? {
            Ok(authorization) => authorization,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let begun = Instant::now();
        tell(Told::Type(&authorization));
        let mut pace = Pace::new(&authorization);
        let mut wait = Some(pace.first());
        while let Some(time) = wait {
            pause(time, limits)?;
            let answer = ask(endpoint, self.token, self.client, self.question(&authorization));
            let not_yet = match answer {
                Ok(Err(Rejection::Refused(refusal))) => match NotYet::of_error(&refusal.error) {
                    Some(not_yet) => not_yet,
                    None => return Ok(Err(Rejection::Refused(refusal))),
                },
                Ok(Err(Rejection::Busy { status })) if status == 429 || status >= 500 => NotYet::Unreachable,
                Ok(end) => return Ok(end),
                Err(failure) if is_passing(&failure) => {
                    tell(Told::Unreachable(&failure));
                    NotYet::Unreachable
                }
                Err(failure) => return Err(failure),
            };
            wait = pace.after(not_yet, begun.elapsed());
        }
        let minutes = authorization.expires_in.as_secs().div_ceil(60);
        Err(failed(Kind::Timeout, format_args!("the code was not typed within {minutes} minutes"))
            .hint("run it again for a new code"))
    }

    fn begin(&self, endpoint: &dyn TokenEndpoint) -> Result<Result<DeviceAuthorization, Rejection>, Failure> {
        let form = Form::new();
        let form = if self.scopes.is_empty() { form } else { form.with("scope", self.scopes.join(" ")) };
        let form = for_resource(form, self.resource);
        let EndpointAnswer { status, body } = endpoint.post(self.device, &self.client.request(form))?;
        match device::read(&body) {
            Ok(authorization) if (200..300).contains(&status) => Ok(Ok(authorization)),
            read => match (token::read(status, &body), read) {
                (Err(Rejection::Nonsense(_)) | Ok(_), Err(what)) => Err(failed(
                    Kind::Protocol,
                    format_args!("the answer of the device endpoint cannot be used: {what}"),
                )),
                (Err(rejection), _) => Ok(Err(rejection)),
                (Ok(_), Ok(_)) => Ok(Err(Rejection::Busy { status })),
            },
        }
    }

    /// `RFC 8628 §3.4`.
    fn question(&self, authorization: &DeviceAuthorization) -> Form {
        for_resource(Form::grant(GRANT).with_secret("device_code", &authorization.device_code), self.resource)
    }
}

/// Whether the next question may be answered (`RFC 8628 §3.5`: a connection that times out).
fn is_passing(failure: &Failure) -> bool {
    matches!(failure.kind(), Kind::Network | Kind::Timeout | Kind::Deferred)
}

/// Waits; a signal and the end of the run end it.
fn pause(time: Duration, limits: &Limits) -> Result<(), Failure> {
    let waited = streams::wait(&mut Vec::new(), Some(Instant::now() + time), limits);
    waited.map_err(|error| match Halt::of(&error) {
        Some(halt) => failed(halt.kind(), format_args!("waiting for the code to be typed: {halt}")),
        None => failed(Kind::Network, format_args!("waiting for the code to be typed: {error}")),
    })
}

#[cfg(test)]
mod tests;
