//! `postie config login`: a person allows postie into the mailbox, in a browser here or elsewhere (OAuth2).

use super::Context;
use super::guide::{Guide, Way};
use crate::account::oauth::{
    Endpoints, Flow, Grant, Held, Keeper, Provider, TokenSource, discover, endpoint, told, web,
};
use crate::account::{self, Account, Need, Selection};
use crate::cli::config::LoginArgs;
use crate::codec::oauth::token::{Rejection, Tokens};
use crate::codec::oauth::{Client, Proof};
use crate::net::{Http, Limits, LoopbackName, Tap};
use crate::output::transcript;
use crate::words::{Exit, Failure, Kind, Stage};
use crate::work::authorize::{CodeLogin, DeviceLogin, Granted, Redirect, Typed};
use rustix::fd::AsFd as _;
use std::io::IsTerminal as _;
use std::sync::Arc;

impl LoginArgs {
    fn way(&self) -> Way {
        match self {
            LoginArgs { device: true, .. } => Way::Device,
            LoginArgs { browser: true, .. } => Way::Browser,
            LoginArgs { no_browser: true, .. } => Way::NoBrowser,
            _ => Way::Usual,
        }
    }
}

/// Runs the command.
pub fn run(args: &LoginArgs, context: &mut Context) -> Result<(), Failure> {
    let named = args.name.as_deref().or(context.global.account.as_deref());
    let selection = Selection { account: named, ..context.selection(Need::Either)? };
    let account = account::select(&selection, &context.env)?;
    let mut ahead = Vec::new();
    log_in(&account, args.way(), &mut ahead, context)?;
    context.out.settle(Exit::Ok);
    Ok(())
}

/// Has the person log in for this account, and keeps the tokens. `ahead`: what was typed before it was asked for.
pub fn log_in(
    account: &Account,
    way: Way,
    ahead: &mut Vec<u8>,
    context: &mut Context,
) -> Result<(), Failure> {
    let grant = account.oauth.clone().ok_or_else(|| without_oauth(account))?;
    grant.check()?;
    let ca_file = account.servers().find_map(|server| server.tls.ca_file.clone());
    let tap = context.out.wants_transcript().then_some(transcript::tap as fn(String) -> Box<dyn Tap>);
    let common = (context.env.clone(), context.limits.clone());
    let source = TokenSource::new(Arc::clone(&grant), common, true, ca_file.clone(), tap);
    if grant.flow() == Flow::ClientCredentials {
        // Nobody logs in, but whether the program may can be seen at once.
        source.token()?;
        context
            .out
            .tell(&format!("account {}: the program itself is let in; nobody has to log in", account.label));
        return Ok(());
    }
    let id = source.client_id()?;
    let limits = &context.limits;
    // Room is made before anybody is asked for anything.
    let keeper = Keeper::new(&grant, &id, &context.env, limits);
    keeper.lock()?.prepare()?;
    let tap = tap.map(|make| make(endpoint::place(&grant.issuer)));
    let login = Login {
        account,
        grant: &grant,
        source: &source,
        http: web::client(ca_file, &context.env, limits, tap)?,
        limits,
    };
    let endpoints = login.endpoints()?;
    let mut guide = Guide { account: &account.label, way, out: &mut context.out, env: &context.env };
    let by_device = way == Way::Device || (way == Way::Usual && grant.flow() == Flow::Device);
    let Granted { tokens, asked_at } = match by_device {
        true => login.by_device(&endpoints, &mut guide)?,
        false => login.by_code(&endpoints, ahead, &mut guide)?,
    };
    check_scope(&grant, &endpoints.scopes, &tokens)?;
    let is_for_once = tokens.refresh_token.is_none();
    let mut held = Held::new(&grant, &id, tokens, asked_at);
    if grant.is_to_be_discovered() {
        (held.token_url, held.revoke_url) = (endpoints.all.token, endpoints.all.revoke);
    }
    keeper.lock()?.prepare()?.put(&held)?;
    context.out.tell(&format!("account {} is logged in", account.label));
    if is_for_once {
        context.out.tell("no token to renew it came with it: log in again when it has ended, or");
        context.out.tell("look at oauth.scopes: some servers want offline_access in it");
    }
    Ok(())
}

/// What a login is made of.
struct Login<'a> {
    account: &'a Account,
    grant: &'a Grant,
    source: &'a TokenSource,
    http: Http,
    limits: &'a Limits,
}

/// The endpoints of the server, and whether each of its answers names it (`RFC 9207`).
struct Known {
    all: Endpoints,
    names_itself: bool,
    /// What is asked for.
    scopes: Vec<String>,
}

/// What is asked of an issuer for which nobody has set scopes, as far as it knows them: all of mail
/// (draft-ietf-mailmaint-oauth-public), and a token to refresh.
const USUAL_SCOPES: [&str; 2] = ["urn:ietf:params:oauth:scope:mail", "offline_access"];

impl Login<'_> {
    fn by_code(&self, known: &Known, ahead: &mut Vec<u8>, guide: &mut Guide<'_>) -> Result<Granted, Failure> {
        let authorize = known.all.authorize.as_deref();
        let authorize = authorize.ok_or_else(|| self.lacks("page for the login", "authorize-url"))?;
        let token = self.token_url(known)?;
        let client = self.source.client(token)?;
        let redirect = redirect(self.grant)?;
        let login = CodeLogin {
            client: &client,
            authorize,
            token,
            issuer: self.grant.is_to_be_discovered().then_some(self.grant.issuer.as_str()),
            names_itself: known.names_itself,
            scopes: &known.scopes,
            parameters: &self.grant.parameters(),
            redirect: &redirect,
        };
        // A script that opens the browser may have other uses for standard input.
        let stdin = std::io::stdin();
        let is_elsewhere = matches!(redirect, Redirect::Elsewhere(_));
        let reads = guide.way == Way::NoBrowser || is_elsewhere || stdin.is_terminal();
        let mut typed = reads.then(|| Typed::new(stdin.as_fd(), std::mem::take(ahead)));
        let result = login.run(&self.http, typed.as_mut(), self.limits, &mut |told| guide.tell(told));
        if let Some(typed) = typed {
            *ahead = typed.into_ahead();
        }
        result?.map_err(|rejection| self.rejected(&rejection, token, &client))
    }

    fn by_device(&self, known: &Known, guide: &mut Guide<'_>) -> Result<Granted, Failure> {
        let device = known.all.device.as_deref();
        let device = device.ok_or_else(|| self.lacks("login by device code", "device-url"))?;
        let token = self.token_url(known)?;
        let client = self.source.client(token)?;
        let login = DeviceLogin { client: &client, device, token, scopes: &self.grant.scopes };
        let result = login.run(&self.http, self.limits, &mut |told| guide.tell(told));
        result?.map_err(|rejection| self.rejected(&rejection, token, &client))
    }

    fn endpoints(&self) -> Result<Known, Failure> {
        let (all, scopes) = (self.grant.endpoints.clone(), self.grant.scopes.clone());
        if !self.grant.is_to_be_discovered() {
            return Ok(Known { all, names_itself: false, scopes });
        }
        let metadata = discover(&self.http, &self.grant.issuer)?;
        let knows = |scope: &&str| metadata.scopes.iter().any(|known| known == scope);
        let scopes = match scopes.is_empty() {
            true => USUAL_SCOPES.iter().copied().filter(knows).map(str::to_owned).collect(),
            false => scopes,
        };
        let all = all.or(Endpoints::from(&metadata));
        Ok(Known { all, names_itself: metadata.names_itself, scopes })
    }

    fn token_url<'a>(&self, known: &'a Known) -> Result<&'a str, Failure> {
        known.all.token.as_deref().ok_or_else(|| self.lacks("token endpoint", "token-url"))
    }

    /// The failure for what the server said. It may repeat the client's secret.
    fn rejected(&self, rejection: &Rejection, url: &str, client: &Client) -> Failure {
        let secret = match &client.proof {
            Proof::Post(secret) | Proof::Basic(secret) | Proof::Assertion(secret) => Some(secret),
            Proof::None => None,
        };
        told::rejected(rejection, self.grant, url, secret.into_iter())
    }

    fn lacks(&self, what: &str, key: &str) -> Failure {
        let server = match self.grant.provider() {
            Some(provider) => provider.name(),
            None => &self.grant.issuer,
        };
        let failure = self.grant.fault(&format!("looking for the endpoints: {server} has no {what}"));
        failure.hint(match self.grant.provider() {
            Some(Provider::Google) => {
                "Google lets no device into a mailbox: without a browser here, `postie config login --no-browser`".into()
            }
            _ => format!("`postie config set {} oauth.{key} URL` names one", self.account.label),
        })
    }
}

/// Where the browser comes back to.
fn redirect(grant: &Grant) -> Result<Redirect, Failure> {
    // Microsoft's clients are registered with this name.
    let name = match grant.provider() {
        Some(Provider::Microsoft) => LoopbackName::Name,
        _ => LoopbackName::Address,
    };
    let usual = Redirect::Loopback { name, port: 0, path: String::new() };
    let wanted = match &grant.settings.redirect_uri {
        Some(uri) => Redirect::read(uri).map_err(|what| grant.fault(&format!("redirect-uri: {what}")))?,
        None => usual,
    };
    Ok(match (wanted, grant.settings.redirect_port) {
        (Redirect::Loopback { name, path, .. }, Some(port)) => Redirect::Loopback { name, port, path },
        (wanted, _) => wanted,
    })
}

/// Refuses less than was asked for, where the server says what it has given (`RFC 6749 §5.1`): the mail server would
/// refuse the token, and nobody know why.
fn check_scope(grant: &Grant, asked: &[String], tokens: &Tokens) -> Result<(), Failure> {
    let Some(given) = &tokens.scope else { return Ok(()) };
    // Microsoft writes another host than was asked for.
    let last =
        |scope: &str| scope.rsplit('/').find(|part| !part.is_empty()).unwrap_or(scope).to_ascii_lowercase();
    let given_names: Vec<String> = given.split_whitespace().map(last).collect();
    // These are about the login itself, and often left out of the answer.
    let is_for_mail = |scope: &&String| {
        !["openid", "profile", "email", "offline_access"].contains(&scope.as_str())
            && !scope.ends_with(".default")
    };
    let missing: Vec<&str> = asked
        .iter()
        .filter(is_for_mail)
        .filter(|scope| !given_names.contains(&last(scope)))
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("logging in: the server did not allow {}, only {given}", missing.join(", "));
    Err(Failure::new(Kind::Auth, Stage::Authorization, message).at(&grant.place).hint(
        "run it again and allow all that is asked for; or the client is not registered for it, or oauth.scopes names what \
         the server does not know",
    ))
}

/// The failure for an account that has no `oauth` table: how it gets one.
fn without_oauth(account: &Account) -> Failure {
    let name = account.name_in_config.as_deref().unwrap_or("NAME");
    let failure = Failure::config("logging in: the account has no OAuth2 settings").at(&account.label);
    let provider = account.servers().find_map(|server| Provider::of_host(&server.host));
    failure.hint(match provider {
        Some(provider) => {
            let set = format!("`postie config set {name} oauth.provider {}`", provider.name());
            format!("{set} makes it log in by OAuth2; {}", provider.without_client().replace("NAME", name))
        }
        None => format!(
            "its password needs no login; for OAuth2 `postie config set {name} oauth.issuer URL` names the authorization \
             server"
        ),
    })
}
