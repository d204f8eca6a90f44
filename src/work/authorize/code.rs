//! The login on this machine: the browser is sent to the server, and its way back leads here (`RFC 8252`). Where the
//! browser is elsewhere, the address of that way back, or the code in it, can be pasted.

use super::{Granted, Tell, Told, Typed, ask, failed};
use crate::account::oauth::TokenEndpoint;
use crate::codec::oauth::code::{
    AuthorizationRequest, Expected, NoAnswer, RedirectAnswer, State, Verifier, read_pasted, read_query,
};
use crate::codec::oauth::token::Rejection;
use crate::codec::oauth::{Client, Form, for_resource, url};
use crate::net::{Limits, LoopbackListener, LoopbackName, RequestVerdict};
use crate::streams::{self, Halt};
use crate::words::{Failure, Kind, Secret};
use rustix::event::{PollFd, PollFlags};
use std::io;
use std::time::{Duration, Instant};

/// How long the person may take, unless the run has a time of its own.
const PATIENCE: Duration = Duration::from_secs(300);

/// Where the browser comes back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// To this machine. Port 0: any that is free.
    Loopback { name: LoopbackName, port: u16, path: String },
    /// To a page that the client is registered with, from where the person brings it.
    Elsewhere(String),
}

impl Redirect {
    /// Reads an address that a client is registered with.
    pub fn read(uri: &str) -> Result<Redirect, String> {
        url::check_redirect(uri)?;
        let Ok(parsed) = url::check(uri, url::UrlUse::ForPeople) else {
            return Ok(Redirect::Elsewhere(uri.to_owned()));
        };
        let name = match parsed.host() {
            Some("127.0.0.1") => LoopbackName::Address,
            Some("localhost") => LoopbackName::Name,
            _ => return Ok(Redirect::Elsewhere(uri.to_owned())),
        };
        if parsed.scheme_str() != Some("http") || parsed.query().is_some() {
            return Ok(Redirect::Elsewhere(uri.to_owned()));
        }
        // No path is written, where there is none: servers compare letter by letter.
        let path = uri.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
        Ok(Redirect::Loopback { name, port: parsed.port_u16().unwrap_or(0), path })
    }
}

impl Redirect {
    /// The address that a client is registered with: a port that is any is left out (`RFC 8252 §7.3`).
    pub fn to_register(&self) -> String {
        match self {
            Redirect::Loopback { name, port: 0, path } => format!("http://{}{path}", name.text()),
            Redirect::Loopback { name, port, path } => format!("http://{}:{port}{path}", name.text()),
            Redirect::Elsewhere(uri) => uri.clone(),
        }
    }
}

impl Default for Redirect {
    /// `RFC 8252 §7.3`.
    fn default() -> Self {
        Redirect::Loopback { name: LoopbackName::Address, port: 0, path: String::new() }
    }
}

/// What a login by code needs.
pub struct CodeLogin<'a> {
    pub client: &'a Client,
    /// The address of the page, and that of the token endpoint.
    pub authorize: &'a str,
    pub token: &'a str,
    /// The server's name, if it is known, and whether each of its answers has it in it (`RFC 9207`).
    pub issuer: Option<&'a str>,
    pub names_itself: bool,
    pub scopes: &'a [String],
    /// What this server wants besides, as `login_hint`.
    pub parameters: &'a [(&'static str, String)],
    /// What the tokens are for (`RFC 8707 §2.2`).
    pub resource: Option<&'a str>,
    pub redirect: &'a Redirect,
}

impl CodeLogin<'_> {
    /// Waits for the person, then gets the tokens. `typed`: where an answer may be pasted.
    ///
    /// Fails with [`Kind::Auth`] if the person or the server says no, [`Kind::Timeout`], [`Kind::Interrupted`],
    /// [`Kind::Locked`] if the port is taken, [`Kind::Protocol`] for the answer of another server, and as
    /// [`TokenEndpoint::post`]. The inner error is what the token endpoint said.
    pub fn run(
        &self,
        endpoint: &dyn TokenEndpoint,
        typed: Option<&mut Typed<'_>>,
        limits: &Limits,
        tell: Tell<'_>,
    ) -> Result<Result<Granted, Rejection>, Failure> {
        let (mut listener, redirect_uri) = self.listen()?;
        let (verifier, state) = (Verifier::new(random()?), State::new(&random::<16>()?));
        let request = AuthorizationRequest {
            endpoint: self.authorize,
            client_id: &self.client.id,
            redirect_uri: &redirect_uri,
            scopes: self.scopes,
            state: &state,
            challenge: &verifier.challenge(),
            more: self.parameters,
        };
        tell(Told::Visit { url: &request.url(), port: listener.as_ref().map(LoopbackListener::port) });
        let expected = Expected { state: &state, issuer: self.issuer, names_itself: self.names_itself };
        let path = match self.redirect {
            Redirect::Loopback { path, .. } if !path.is_empty() => path,
            _ => "/",
        };
        let answer = Wait { listener: listener.as_mut(), path, expected, typed, limits, tell }.run()?;
        drop(listener);
        let code = match answer {
            RedirectAnswer::Code(code) => code,
            RedirectAnswer::Refused(refusal) => return Err(refused(&refusal)),
        };
        let form = for_resource(exchange(&code, &redirect_uri, &verifier), self.resource);
        ask(endpoint, self.token, self.client, form)
    }

    /// Listens, if the browser comes back to here; and the address it comes back to.
    fn listen(&self) -> Result<(Option<LoopbackListener>, String), Failure> {
        let (name, port, path) = match self.redirect {
            Redirect::Loopback { name, port, path } => (*name, *port, path),
            Redirect::Elsewhere(uri) => return Ok((None, uri.clone())),
        };
        let listener = LoopbackListener::bind(name, port).map_err(|error| {
            let kind = if error.kind() == io::ErrorKind::AddrInUse { Kind::Locked } else { Kind::Network };
            failed(kind, format_args!("listening on {}:{port} for the browser: {error}", name.text()))
                .hint("another login may be waiting there; another oauth.redirect-port avoids it")
        })?;
        let uri = format!("http://{}:{}{path}", name.text(), listener.port());
        Ok((Some(listener), uri))
    }
}

/// The request for tokens (`RFC 6749 §4.1.3`, `RFC 7636 §4.5`).
fn exchange(code: &Secret, redirect_uri: &str, verifier: &Verifier) -> Form {
    Form::grant("authorization_code")
        .with_secret("code", code)
        .with("redirect_uri", redirect_uri)
        .with_secret("code_verifier", verifier.secret())
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets)
        .map_err(|error| failed(Kind::Deferred, format_args!("getting random octets: {error}")))?;
    Ok(octets)
}

/// Waiting for the browser and for the person at once.
struct Wait<'w, 't> {
    listener: Option<&'w mut LoopbackListener>,
    path: &'w str,
    expected: Expected<'w>,
    typed: Option<&'w mut Typed<'t>>,
    limits: &'w Limits,
    tell: Tell<'w>,
}

impl Wait<'_, '_> {
    fn run(mut self) -> Result<RedirectAnswer, Failure> {
        // With --max-time the person may take that long.
        let end = self.limits.end.is_none().then(|| Instant::now() + PATIENCE);
        loop {
            let can_read = self.wait(end)?;
            if end.is_some_and(|end| Instant::now() >= end) {
                let minutes = PATIENCE.as_secs() / 60;
                return Err(failed(Kind::Timeout, format_args!("no answer came within {minutes} minutes"))
                    .hint("--max-time allows more time; run it again when the browser is at hand"));
            }
            if let Some(answer) = self.serve()? {
                return Ok(answer);
            }
            if can_read && let Some(answer) = self.read()? {
                return Ok(answer);
            }
        }
    }

    /// Serves the browser.
    fn serve(&mut self) -> Result<Option<RedirectAnswer>, Failure> {
        let (expected, path) = (self.expected, self.path);
        let Some(listener) = &mut self.listener else { return Ok(None) };
        let served = listener.serve(Instant::now(), |target| judge(target, path, &expected));
        let served = served.map_err(|error| failed(Kind::Network, format_args!("listening: {error}")))?;
        served.transpose().map_err(|no| mixed_up(&no))
    }

    /// Waits until something happens; returns whether it was typed.
    fn wait(&self, end: Option<Instant>) -> Result<bool, Failure> {
        let typed = self.typed.as_ref();
        if typed.is_some_and(|typed| typed.has_line()) {
            return Ok(true);
        }
        let keys = typed.and_then(|typed| typed.descriptor());
        if keys.is_none() && self.listener.is_none() {
            return Err(failed(
                Kind::Config,
                "the address that the browser ends at must be pasted, and nothing comes",
            )
            .hint("run it on a terminal, or give the address on standard input"));
        }
        let listener = self.listener.as_deref();
        let browsers = listener.into_iter().flat_map(LoopbackListener::descriptors);
        let as_wait = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let mut waits: Vec<_> = keys.into_iter().chain(browsers).map(as_wait).collect();
        let until = end.into_iter().chain(listener.and_then(LoopbackListener::due)).min();
        streams::wait(&mut waits, until, self.limits).map_err(|error| match Halt::of(&error) {
            Some(halt) => failed(halt.kind(), format_args!("waiting for the browser: {halt}")),
            None => failed(Kind::Network, format_args!("waiting for the browser: {error}")),
        })?;
        Ok(keys.is_some() && waits.first().is_some_and(|wait| !wait.revents().is_empty()))
    }

    /// Reads what was typed. What makes no sense is said, and the wait goes on.
    fn read(&mut self) -> Result<Option<RedirectAnswer>, Failure> {
        let Some(typed) = &mut self.typed else { return Ok(None) };
        if !typed.has_line() {
            typed.fill();
        }
        while let Some(line) = typed.line() {
            if line.trim().is_empty() {
                continue;
            }
            match read_pasted(&line, &self.expected) {
                Ok(answer) => return Ok(Some(answer)),
                Err(no @ NoAnswer::OtherIssuer(_)) => return Err(mixed_up(&no)),
                Err(no) => (self.tell)(Told::NotThat(no.describe())),
            }
        }
        Ok(None)
    }
}

/// Whether a request at the listener is the answer. One with the right state that names another server also ends the
/// login; all others are ignored.
fn judge(
    target: &str,
    path: &str,
    expected: &Expected<'_>,
) -> RequestVerdict<Result<RedirectAnswer, NoAnswer>> {
    let query = target.strip_prefix(path).and_then(|rest| rest.strip_prefix('?'));
    let Some(query) = query else { return RequestVerdict::Unrelated };
    match read_query(query, expected) {
        Ok(answer @ RedirectAnswer::Code(_)) => RequestVerdict::Taken(Ok(answer)),
        Ok(answer @ RedirectAnswer::Refused(_)) => RequestVerdict::Refused(Ok(answer)),
        Err(no @ NoAnswer::OtherIssuer(_)) => RequestVerdict::Refused(Err(no)),
        Err(_) => RequestVerdict::Unrelated,
    }
}

fn mixed_up(no: &NoAnswer) -> Failure {
    let who = match no {
        NoAnswer::OtherIssuer(Some(issuer)) => format!("{issuer} answers, which was not asked"),
        NoAnswer::OtherIssuer(None) => {
            "an answer came that does not name its server, as the server's do".into()
        }
        no => no.describe().into(),
    };
    failed(Kind::Protocol, who).hint("somebody may be trying to get at the login; nothing was given away")
}

fn refused(refusal: &crate::codec::oauth::code::RedirectRefusal) -> Failure {
    let what = match &refusal.description {
        Some(description) => format!("{}: {description}", refusal.error),
        None => refusal.error.clone(),
    };
    let kind = crate::codec::oauth::token::ErrorCode::read(&refusal.error).kind();
    failed(kind, format_args!("the server sends the browser back without a login: {what}"))
}

#[cfg(test)]
mod tests;
