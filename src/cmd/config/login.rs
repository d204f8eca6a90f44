//! `postie config login`: a person allows postie into the mailbox, in a browser here or elsewhere (OAuth2).

use super::Context;
use super::guide::{Guide, Way};
use crate::account::oauth::provider::USUAL_SCOPES;
use crate::account::oauth::{
    Endpoints, Flow, Grant, HeldToken, Keeper, KeptClient, Provider, TokenSource, discover, endpoint, told,
    web,
};
use crate::account::{self, Account, Need, Selection};
use crate::cli::config::LoginArgs;
use crate::codec::oauth::registration::Registration;
use crate::codec::oauth::token::{Rejection, Tokens};
use crate::codec::oauth::{Client, Proof};
use crate::net::{Http, Limits, LoopbackName, Tap};
use crate::output::transcript;
use crate::words::{Exit, Failure, Kind, Stage, clock};
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
    log_in(&account, (args.way(), args.register), &mut ahead, context)?;
    context.out.settle(Exit::Ok);
    Ok(())
}

/// Has the person log in for this account, and keeps the tokens. `ahead`: what was typed before it was asked for;
/// `registers_again`: with another client than the one that registered itself before.
pub fn log_in(
    account: &Account,
    (way, registers_again): (Way, bool),
    ahead: &mut Vec<u8>,
    context: &mut Context,
) -> Result<(), Failure> {
    let grant = account.oauth.clone().ok_or_else(|| without_oauth(account))?;
    grant.check()?;
    let ca_file = account.servers().find_map(|server| server.tls.ca_file.clone());
    let tap = context.out.wants_transcript().then_some(transcript::tap as fn(String) -> Box<dyn Tap>);
    let common = (context.env.clone(), context.limits.clone());
    let source = TokenSource::new(Arc::clone(&grant), common, true, ca_file.clone(), tap);
    if registers_again && (!grant.registers() || source.named_client()?.is_some()) {
        return Err(Failure::usage(
            "config login: --register: this account has a client that you have named",
        )
        .hint(format!(
            "`postie config unset {} oauth.client-id`, if the server registers clients by itself",
            account.label
        )));
    }
    if !grant.flow().is_by_person() {
        // Nobody logs in, but whether the program may can be seen at once.
        source.token()?;
        context
            .out
            .tell(&format!("account {}: the program itself is let in; nobody has to log in", account.label));
        return Ok(());
    }
    let limits = &context.limits;
    let tap = tap.map(|make| make(endpoint::place(&grant.issuer)));
    let login = LoginParts {
        account,
        grant: &grant,
        source: &source,
        http: web::client(ca_file, &context.env, limits, tap)?,
        limits,
    };
    let endpoints = login.endpoints()?;
    let registered = match source.named_client()? {
        None if grant.registers() => Some(login.register(&endpoints, registers_again)?),
        _ => None,
    };
    if let Some((client, true)) = &registered {
        let server = endpoint::place(&grant.issuer);
        context.out.tell(&format!("{server} has registered postie as the client {}", client.client_id));
    }
    let registered = registered.map(|(client, _)| client);
    let id = source.client_id()?;
    // Room is made before anybody is asked for anything.
    let keeper = Keeper::new(&grant, &id, &context.env, limits);
    keeper.lock()?.prepare()?;
    let mut guide = Guide { account: &account.label, way, out: &mut context.out, env: &context.env };
    let by_device = way == Way::Device || (way == Way::Usual && grant.flow() == Flow::Device);
    let Granted { tokens, asked_at } = match by_device {
        true => login.by_device(&endpoints, &mut guide)?,
        false => login.by_code(&endpoints, registered.as_ref(), ahead, &mut guide)?,
    };
    check_scope(&grant, &endpoints.scopes, &tokens)?;
    let is_for_once = tokens.refresh_token.is_none();
    let mut held = HeldToken::new(&grant, &id, tokens, asked_at);
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
struct LoginParts<'a> {
    account: &'a Account,
    grant: &'a Grant,
    source: &'a TokenSource,
    http: Http,
    limits: &'a Limits,
}

/// The endpoints of the server, and whether each of its answers names it (`RFC 9207`).
struct KnownEndpoints {
    all: Endpoints,
    names_itself: bool,
    /// What is asked for.
    scopes: Vec<String>,
    /// What is wrong with endpoints that the server names.
    faults: Vec<String>,
}

impl LoginParts<'_> {
    /// The client that registers itself here, and whether it did so just now.
    fn register(&self, known: &KnownEndpoints, again: bool) -> Result<(KeptClient, bool), Failure> {
        let clients = self.source.clients();
        let kept = clients.load()?;
        if let Some(kept) = kept.as_ref().filter(|kept| !again && kept.holds(clock::now())) {
            return Ok((kept.clone(), false));
        }
        let Some(endpoint) = &known.all.register else {
            let failure = self
                .grant
                .client_id()
                .err()
                .unwrap_or_else(|| self.lacks(known, "registration", "register-url"));
            return Err(failure.more(", and the server registers none by itself"));
        };
        let wanted = redirect(self.grant, None)?.to_register();
        let own = Registration {
            redirect_uris: std::slice::from_ref(&wanted),
            scopes: &known.scopes,
            by_device: known.all.device.is_some(),
        };
        let choose = |found: Option<&[String]>| back(found, &wanted);
        clients.register(&self.http, endpoint, &own, kept.as_ref(), &choose).map(|client| (client, true))
    }

    fn by_code(
        &self,
        known: &KnownEndpoints,
        registered: Option<&KeptClient>,
        ahead: &mut Vec<u8>,
        guide: &mut Guide<'_>,
    ) -> Result<Granted, Failure> {
        let authorize = known.all.authorize.as_deref();
        let authorize = authorize.ok_or_else(|| self.lacks(known, "page for the login", "authorize-url"))?;
        let token = self.token_url(known)?;
        let client = self.source.client(token)?;
        let redirect = redirect(self.grant, registered.map(|client| client.redirect_uri.as_str()))?;
        let login = CodeLogin {
            client: &client,
            authorize,
            token,
            issuer: self.grant.is_to_be_discovered().then_some(self.grant.issuer.as_str()),
            names_itself: known.names_itself,
            scopes: &known.scopes,
            parameters: &self.grant.parameters(),
            resource: self.grant.resource.as_deref(),
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
        let result = result.map_err(|failure| match (failure.kind(), registered) {
            // Nothing else tells of a page that does not know the client.
            (Kind::Timeout, Some(_)) => failure.hint(format!(
                "run it again when the browser is at hand; if its page does not know the client, with --register: `{} --register`",
                self.grant.login_command()
            )),
            _ => failure,
        });
        result?.map_err(|rejection| self.rejected(&rejection, token, &client))
    }

    fn by_device(&self, known: &KnownEndpoints, guide: &mut Guide<'_>) -> Result<Granted, Failure> {
        let device = known.all.device.as_deref();
        let device = device.ok_or_else(|| self.lacks(known, "login by device code", "device-url"))?;
        let token = self.token_url(known)?;
        let client = self.source.client(token)?;
        let resource = self.grant.resource.as_deref();
        let login = DeviceLogin { client: &client, device, token, scopes: &known.scopes, resource };
        let result = login.run(&self.http, self.limits, &mut |told| guide.tell(told));
        result?.map_err(|rejection| self.rejected(&rejection, token, &client))
    }

    fn endpoints(&self) -> Result<KnownEndpoints, Failure> {
        let (all, scopes) = (self.grant.endpoints.clone(), self.grant.scopes.clone());
        if !self.grant.is_to_be_discovered() {
            return Ok(KnownEndpoints { all, names_itself: false, scopes, faults: Vec::new() });
        }
        let metadata = discover(&self.http, &self.grant.issuer)?;
        let knows = |scope: &&str| metadata.scopes.iter().any(|known| known == scope);
        let scopes = match scopes.is_empty() {
            true => USUAL_SCOPES.iter().copied().filter(knows).map(str::to_owned).collect(),
            false => scopes,
        };
        let all = all.or(Endpoints::from(&metadata));
        Ok(KnownEndpoints { all, names_itself: metadata.names_itself, scopes, faults: metadata.faults })
    }

    fn token_url<'a>(&self, known: &'a KnownEndpoints) -> Result<&'a str, Failure> {
        known.all.token.as_deref().ok_or_else(|| self.lacks(known, "token endpoint", "token-url"))
    }

    /// The failure for what the server said. It may repeat the client's secret.
    fn rejected(&self, rejection: &Rejection, url: &str, client: &Client) -> Failure {
        let secret = match &client.proof {
            Proof::Post(secret) | Proof::Basic(secret) | Proof::Assertion(secret) => Some(secret),
            Proof::None => None,
        };
        told::rejected(rejection, self.grant, url, secret.into_iter())
    }

    fn lacks(&self, known: &KnownEndpoints, what: &str, key: &str) -> Failure {
        let server = match self.grant.provider() {
            Some(provider) => provider.name(),
            None => &self.grant.issuer,
        };
        let mut failure = self.grant.fault(&format!("looking for the endpoints: {server} has no {what}"));
        if !known.faults.is_empty() {
            failure = failure.more(&format!("; left out for what it is: {}", known.faults.join(", ")));
        }
        failure.hint(match self.grant.provider() {
            Some(Provider::Google) => {
                "Google lets no device into a mailbox: without a browser here, `postie config login --no-browser`".into()
            }
            _ => format!("`postie config set {} oauth.{key} URL` names one", self.account.label),
        })
    }
}

/// Where the browser comes back to. `registered`: what the server has registered for a client that did so itself.
fn redirect(grant: &Grant, registered: Option<&str>) -> Result<Redirect, Failure> {
    // Microsoft's clients are registered with this name.
    let name = match grant.provider() {
        Some(Provider::Microsoft) => LoopbackName::Name,
        _ => LoopbackName::Address,
    };
    // Some servers register no address without a path.
    let path = if grant.registers() { "/callback" } else { "" };
    let usual = Redirect::Loopback { name, port: 0, path: path.into() };
    let wanted = match registered.or(grant.settings.redirect_uri.as_deref()) {
        Some(uri) => Redirect::read(uri).map_err(|what| grant.fault(&format!("redirect-uri: {what}")))?,
        None => usual,
    };
    Ok(match (wanted, grant.settings.redirect_port) {
        (Redirect::Loopback { name, path, .. }, Some(port)) => Redirect::Loopback { name, port, path },
        (wanted, _) => wanted,
    })
}

/// Where the browser is sent back to, of what a server has registered: what was asked for, or what it has made of it
/// (Fastmail writes `localhost` for an address of this machine). It may not be another machine than was asked for.
fn back(found: Option<&[String]>, wanted: &str) -> Option<String> {
    let Some(found) = found.filter(|found| !found.iter().any(|uri| uri == wanted)) else {
        return Some(wanted.to_owned());
    };
    let is_here = |uri: &str| matches!(Redirect::read(uri), Ok(Redirect::Loopback { .. }));
    found.iter().find(|uri| is_here(wanted) && is_here(uri)).cloned()
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

#[cfg(test)]
mod tests {
    use super::back;

    #[test]
    fn the_way_back_is_what_was_asked_for_or_another_name_of_this_machine() {
        const HERE: &str = "http://127.0.0.1/callback";
        for (found, wanted, chosen) in [
            (None, HERE, Some(HERE)),
            (Some(&["http://localhost/callback", HERE][..]), HERE, Some(HERE)),
            (Some(&["http://localhost/callback"]), HERE, Some("http://localhost/callback")),
            (Some(&["https://evil.example/", "http://127.0.0.1:9/c"]), HERE, Some("http://127.0.0.1:9/c")),
            (Some(&["https://evil.example/callback"]), HERE, None),
            (Some(&["org.example.mail:/back"]), "org.example.mail:/back", Some("org.example.mail:/back")),
            (Some(&["http://127.0.0.1/"]), "org.example.mail:/back", None),
            (Some(&[]), HERE, None),
        ] {
            let found: Option<Vec<String>> =
                found.map(|all| all.iter().map(|uri| (*uri).to_owned()).collect());
            assert_eq!(back(found.as_deref(), wanted).as_deref(), chosen, "{found:?}");
        }
    }
}
