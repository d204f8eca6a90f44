//! A good access token for each login, and new ones in time.
//!
//! With many servers a refresh token holds once, and one that is used twice ends all that was granted. So a refresh is
//! under a lock from reading the old token on until the new one is durable; whoever waited for the lock takes what the
//! other has got. A signal does not cut a refresh short at once: its answer may hold the only token that is left.

use super::endpoint::{self, EndpointAnswer, Issuer};
use super::grant::Grant;
use super::held::{HeldToken, LastError};
use super::keeper::Keeper;
use super::patience::{Seen, see_through};
use super::provider::Provider;
use super::told;
use super::web;
use crate::account::Env;
use crate::codec::oauth::token::{self, Rejection, Tokens, is_token};
use crate::codec::oauth::{self as codec, Form, Request};
use crate::net::{Limits, Stop, Tap};
use crate::words::{Failure, Kind, Secret, Stage, clock};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest that one request for a token may take.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// How long an answer is waited for after a signal.
const GRACE: Duration = Duration::from_secs(2);

/// The variables that stand for what is kept, where nothing can be (CI).
pub const REFRESH_TOKEN: &str = "POSTIE_OAUTH_REFRESH_TOKEN";
pub const CLIENT_ID: &str = "POSTIE_OAUTH_CLIENT_ID";
pub const CLIENT_SECRET: &str = "POSTIE_OAUTH_CLIENT_SECRET";

/// An access token.
#[derive(Clone, Debug)]
pub struct Issued {
    pub token: Secret,
    /// Whether it was issued only just now: if it is refused, a newer one would be, too.
    pub is_fresh: bool,
}

/// No access token.
struct Refused {
    failure: Failure,
    /// A refresh token that came all the same. The one before it may hold no more.
    replaced: Option<Secret>,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Refused { failure, replaced: None }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        refused.failure
    }
}

/// Makes the way to the endpoints, once it is needed.
pub type Connect = dyn Fn(&Limits) -> Result<Arc<dyn Issuer>, Failure> + Send + Sync;

/// Gives the tokens of one account.
pub struct TokenSource {
    pub(super) grant: Arc<Grant>,
    pub(super) env: Env,
    pub(super) limits: Limits,
    /// Whether the variables count: they are for one account.
    by_environment: bool,
    connect: Box<Connect>,
    /// What is kept nowhere else. Its lock makes the threads of a run ask one after the other.
    memory: Mutex<Option<HeldToken>>,
}

impl TokenSource {
    /// `ca_file`: trusted beside the system's authorities; `tap` makes a listener for a transcript.
    pub fn new(
        grant: Arc<Grant>,
        (env, limits): (Env, Limits),
        by_environment: bool,
        ca_file: Option<PathBuf>,
        tap: Option<fn(String) -> Box<dyn Tap>>,
    ) -> Self {
        let (proxy_env, issuer) = (env.clone(), grant.issuer.clone());
        let connect = move |limits: &Limits| {
            let tap = tap.map(|make| make(endpoint::place(&issuer)));
            let http = web::client(ca_file.clone(), &proxy_env, limits, tap)?;
            Ok(Arc::new(http) as Arc<dyn Issuer>)
        };
        TokenSource::by(grant, (env, limits), by_environment, Box::new(connect))
    }

    /// The same over any way to the endpoints.
    pub fn by(
        grant: Arc<Grant>,
        (env, limits): (Env, Limits),
        by_environment: bool,
        connect: Box<Connect>,
    ) -> Self {
        TokenSource { grant, env, limits, by_environment, connect, memory: Mutex::default() }
    }

    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// A token that is good for a login now. Fails with [`Kind::Auth`] where a person must log in, [`Kind::Config`],
    /// [`Kind::Deferred`], and the kinds of the network and the store.
    pub fn token(&self) -> Result<Issued, Failure> {
        self.get(None)
    }

    /// Another one than this, which a mail server has refused.
    pub fn instead_of(&self, refused: &Secret) -> Result<Issued, Failure> {
        self.get(Some(refused))
    }

    fn get(&self, refused: Option<&Secret>) -> Result<Issued, Failure> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(issued) = memory.as_ref().and_then(|held| usable(held, refused)) {
            return Ok(issued);
        }
        let id = self.client_id()?;
        if !self.grant.flow().is_by_person() {
            return self.own(&id, &mut memory, refused);
        }
        match self.variable(REFRESH_TOKEN)? {
            Some(given) => self.given(&id, given, &mut memory),
            None => self.kept(&id, refused),
        }
    }

    /// By the refresh token that is kept.
    fn kept(&self, id: &str, refused: Option<&Secret>) -> Result<Issued, Failure> {
        self.grant.check()?;
        let keeper = Keeper::new(&self.grant, id, &self.env, &self.limits);
        let held = self.fitting(keeper.load()?, id)?;
        if let Some(issued) = usable(&held, refused) {
            return Ok(issued);
        }
        self.refresh_token(&held)?;
        let locked = keeper.lock()?;
        // Another run may have got new ones meanwhile.
        let mut held = self.fitting(locked.load()?, id)?;
        if let Some(issued) = usable(&held, refused) {
            return Ok(issued);
        }
        let refresh = self.refresh(&self.refresh_token(&held)?);
        let room = locked.prepare()?;
        match self.ask(held.token_url.as_deref(), |url| self.in_its_name(url, refresh)) {
            Ok((tokens, asked_at)) => {
                held.take(tokens, asked_at);
                held.last_refresh = Some(asked_at);
                room.put(&held)?;
                issued(&held, true)
            }
            Err(Refused { failure, replaced }) => {
                held.last_error = Some(last_error(&failure));
                if let Some(replaced) = replaced {
                    held.refresh_token = Some(replaced);
                    room.put(&held)?;
                } else if failure.kind() != Kind::Interrupted && !keeper.is_by_command() {
                    // Best effort: what failed is told all the same.
                    let _ = room.put(&held);
                }
                Err(failure)
            }
        }
    }

    /// By the refresh token in the environment.
    fn given(&self, id: &str, given: Secret, memory: &mut Option<HeldToken>) -> Result<Issued, Failure> {
        if !is_token(&given) {
            let message = format!("${REFRESH_TOKEN}: getting the token: it has odd characters in it");
            return Err(Failure::new(Kind::Config, Stage::Token, message));
        }
        let last =
            memory.as_ref().and_then(|held| held.refresh_token.clone()).unwrap_or_else(|| given.clone());
        let answer = self.ask(None, |url| self.in_its_name(url, self.refresh(&last)));
        let next = match &answer {
            Ok((tokens, _)) => tokens.refresh_token.as_ref(),
            Err(refused) => refused.replaced.as_ref(),
        };
        if next.is_some_and(|next| next.expose() != last.expose()) {
            crate::streams::error(&format!(
                "postie: ${REFRESH_TOKEN}: the server has replaced this refresh token, and the new one is kept nowhere: the \
                 next run may be refused\n"
            ));
        }
        let held = memory.get_or_insert_with(|| HeldToken::without_tokens(&self.grant, id, clock::now()));
        match answer {
            Ok((tokens, asked_at)) => held.take(tokens, asked_at),
            Err(Refused { failure, replaced }) => {
                held.refresh_token = replaced.or(held.refresh_token.take());
                return Err(failure);
            }
        }
        issued(held, true)
    }

    /// In the program's own name. Nothing is lost with such a token: where it cannot be kept, the next run asks again.
    fn own(
        &self,
        id: &str,
        memory: &mut Option<HeldToken>,
        refused: Option<&Secret>,
    ) -> Result<Issued, Failure> {
        self.grant.check()?;
        let keeper = Keeper::new(&self.grant, id, &self.env, &self.limits);
        let fits = |held: Option<HeldToken>| held.filter(|held| held.fits(&self.grant, id));
        let look = |held: Option<HeldToken>| fits(held).and_then(|held| usable(&held, refused));
        if let Some(issued) = look(keeper.load().unwrap_or_default()) {
            return Ok(issued);
        }
        let locked = match keeper.lock() {
            Err(failure) if matches!(failure.kind(), Kind::Locked | Kind::Interrupted) => {
                return Err(failure);
            }
            locked => locked.ok(),
        };
        if let Some(issued) = locked.as_ref().and_then(|locked| look(locked.load().unwrap_or_default())) {
            return Ok(issued);
        }
        let room = locked.as_ref().and_then(|locked| locked.prepare().ok());
        let (tokens, asked_at) = self.ask(None, |url| self.own_request(url))?;
        let held = HeldToken::new(&self.grant, id, tokens, asked_at);
        if room.is_none_or(|room| room.put(&held).is_err()) {
            *memory = Some(held.clone());
        }
        issued(&held, true)
    }

    fn fitting(&self, held: Option<HeldToken>, id: &str) -> Result<HeldToken, Failure> {
        let Some(held) = held else {
            return Err(told::login_needed(&self.grant, "nobody has logged in yet"));
        };
        if !held.fits(&self.grant, id) {
            return Err(told::login_needed(
                &self.grant,
                "the tokens are for other scopes than the account needs now",
            ));
        }
        Ok(held)
    }

    fn refresh(&self, token: &Secret) -> Form {
        codec::for_resource(codec::refresh(token), self.grant.resource.as_deref())
    }

    /// A request by the client that the account has.
    fn in_its_name(&self, url: &str, form: Form) -> Result<Request, Failure> {
        Ok(self.client(url)?.request(form))
    }

    fn refresh_token(&self, held: &HeldToken) -> Result<Secret, Failure> {
        held.refresh_token.clone().ok_or_else(|| {
            told::login_needed(
                &self.grant,
                "the access token has ended, and the server gave none to refresh it",
            )
        })
    }

    /// Asks the token endpoint; `known`: what the issuer told about it before.
    fn ask(
        &self,
        known: Option<&str>,
        request: impl FnOnce(&str) -> Result<Request, Failure>,
    ) -> Result<(Tokens, Timestamp), Refused> {
        let limits = Limits {
            timeout: self.limits.timeout.min(REQUEST_TIME),
            stop: Stop::default(),
            ..self.limits.clone()
        };
        let endpoint = (self.connect)(&limits)?;
        let url = match self.grant.endpoints.token.as_deref().or(known) {
            Some(url) => url.to_owned(),
            None => endpoint.endpoints(&self.grant.issuer)?.token.ok_or_else(|| {
                self.grant
                    .fault("looking for the token endpoint: the issuer names none")
                    .hint("set oauth.token-url")
            })?,
        };
        let request = request(&url)?;
        let asked_at = clock::now();
        let answer = post(endpoint, &url, &request, &self.limits)?;
        let tokens = token::read(answer.status, &answer.body).map_err(|rejection| Refused {
            failure: told::rejected(&rejection, &self.grant, &url, request.form.secrets()),
            replaced: token::replaced(answer.status, &answer.body),
        })?;
        Ok((tokens, asked_at))
    }

    /// Has the server end what was granted (`RFC 7009`); whether it has a way for that.
    pub fn revoke(&self, held: &HeldToken) -> Result<bool, Failure> {
        let url = self.grant.endpoints.revoke.as_ref().or(held.revoke_url.as_ref());
        let field = self.grant.provider().map_or("token", Provider::revocation_field);
        let token = match field {
            "token" => held.refresh_token.as_ref().or(held.access_token.as_ref()),
            _ => held.access_token.as_ref(),
        };
        let (Some(url), Some(token)) = (url, token) else { return Ok(false) };
        let limits = Limits { timeout: self.limits.timeout.min(REQUEST_TIME), ..self.limits.clone() };
        let request = self.client(url)?.request(codec::revocation(field, token));
        let answer = (self.connect)(&limits)?.post(url, &request)?;
        match answer.status {
            200..=299 => Ok(true),
            // Some words of the answer, where it is one; no tokens are in it.
            status => Err(match token::read(status, &answer.body) {
                Err(rejection) => told::rejected(&rejection, &self.grant, url, request.form.secrets()),
                Ok(_) => {
                    told::rejected(&Rejection::Busy { status }, &self.grant, url, request.form.secrets())
                }
            }),
        }
    }

    /// The value of a variable, where it counts.
    pub(super) fn variable(&self, name: &str) -> Result<Option<Secret>, Failure> {
        let value = self.env.text(name)?.filter(|_| self.by_environment);
        Ok(value.map(|text| Secret::new(text.trim_ascii_end())))
    }
}

/// The access token, if it is good and not the one that was refused.
fn usable(held: &HeldToken, refused: Option<&Secret>) -> Option<Issued> {
    let now = clock::now();
    let token = held.good(now)?;
    let is_other = refused.is_none_or(|refused| refused.expose() != token.expose());
    is_other.then(|| Issued { token: token.clone(), is_fresh: held.is_fresh(now) })
}

fn issued(held: &HeldToken, is_fresh: bool) -> Result<Issued, Failure> {
    let token = held.access_token.clone();
    let missing = || Failure::new(Kind::Internal, Stage::Token, "no token was taken");
    token.map(|token| Issued { token, is_fresh }).ok_or_else(missing)
}

fn last_error(failure: &Failure) -> LastError {
    let message = token::line(&failure.message, 500);
    LastError { at: clock::now(), needs_login: failure.kind() == Kind::Auth, message }
}

/// Sends the request, and waits for the answer a little longer than a signal asks for.
fn post(
    endpoint: Arc<dyn Issuer>,
    url: &str,
    request: &Request,
    limits: &Limits,
) -> Result<EndpointAnswer, Failure> {
    let stopped = || {
        Failure::new(Kind::Interrupted, Stage::Token, "token: stopped by a signal").at(endpoint::place(url))
    };
    if limits.stop.raised() {
        return Err(stopped());
    }
    let (own_url, own_request) = (url.to_owned(), request.clone());
    let asking = see_through(limits, GRACE, move || endpoint.post(&own_url, &own_request));
    match asking {
        Ok(Seen::Done(answer)) => answer,
        Ok(Seen::Stopped) => Err(stopped()),
        Ok(Seen::Lost) => {
            Err(Failure::new(Kind::Internal, Stage::Token, "the request ended without an answer"))
        }
        Err(error) => {
            Err(Failure::new(Kind::Deferred, Stage::Token, format!("token: starting a thread: {error}")))
        }
    }
}
