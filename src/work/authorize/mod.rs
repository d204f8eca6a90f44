//! A login by a person in a browser: on this machine (`code.rs`), or anywhere (`device.rs`). What comes of it are tokens;
//! where they are kept is not decided here.

pub mod browser;
mod code;
mod device;
mod typed;

pub use code::{CodeLogin, Redirect};
pub use device::DeviceLogin;
pub use typed::Typed;

use crate::account::oauth::{EndpointAnswer, TokenEndpoint};
use crate::codec::oauth::device::DeviceAuthorization;
use crate::codec::oauth::token::{self, Rejection, Tokens};
use crate::codec::oauth::{Client, Form};
use crate::words::{Failure, Kind, Stage, clock};
use jiff::Timestamp;

/// What the person must be told during the login.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// This address is to be opened. Its answer comes to this port, or must be pasted.
    Visit { url: &'a str, port: Option<u16> },
    /// This code is to be typed into a page.
    Type(&'a DeviceAuthorization),
    /// What was pasted is no answer.
    NotThat(&'a str),
    /// The server cannot be reached now, and will be asked again.
    Unreachable(&'a Failure),
}

/// Tells the person at once.
pub type Tell<'a> = &'a mut dyn FnMut(Told<'_>);

/// Tokens, and when they were asked for: their life begins then.
#[derive(Debug)]
pub struct Granted {
    pub tokens: Tokens,
    pub asked_at: Timestamp,
}

/// Asks the token endpoint.
fn ask(
    endpoint: &dyn TokenEndpoint,
    url: &str,
    client: &Client,
    form: Form,
) -> Result<Result<Granted, Rejection>, Failure> {
    let asked_at = clock::now();
    let EndpointAnswer { status, body } = endpoint.post(url, &client.request(form))?;
    Ok(token::read(status, &body).map(|tokens| Granted { tokens, asked_at }))
}

/// A failure of the login as a whole.
fn failed(kind: Kind, what: impl std::fmt::Display) -> Failure {
    Failure::new(kind, Stage::Authorization, format!("{}: {what}", Stage::Authorization))
}
