//! `postie config status`: how it stands with the tokens of accounts. Nothing is asked of any server.

use crate::account::oauth::{Grant, HeldToken, Keeper, Provider, TokenSource, told};
use crate::account::{Account, Config};
use crate::cmd::Context;
use crate::output::About;
use crate::words::{Exit, Failure, clock};
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// `token`.
#[derive(Serialize)]
struct TokenLine<'a> {
    account: &'a str,
    provider: Option<&'static str>,
    issuer: &'a str,
    client_id: Option<&'a str>,
    user: Option<&'a str>,
    flow: &'static str,
    kept_in: String,
    state: &'static str,
    scope: Option<&'a str>,
    obtained_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    refreshable: bool,
    last_refresh: Option<Timestamp>,
    last_error: Option<ErrorView<'a>>,
    needs: Option<&'static str>,
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct ErrorView<'a> {
    at: Timestamp,
    message: &'a str,
}

/// Runs the command; each account that needs a login is a failure.
pub fn run(name: Option<&str>, context: &mut Context) -> Result<(), Failure> {
    let config = super::load(context)?;
    let accounts = chosen(&config, name)?;
    context.out.count("accounts", accounts.len() as u64);
    if accounts.is_empty() {
        context.out.tell(&format!("{}: no account has its tokens from postie", config.path.display()));
    }
    let mut all_fine = true;
    for (account, grant) in accounts {
        if let Err(failure) = one(account, grant, context) {
            all_fine = false;
            context.out.fail(&About::account(&account.label), &failure);
        }
    }
    if all_fine {
        context.out.settle(Exit::Ok);
    }
    Ok(())
}

/// The account of that name, or all that have tokens.
fn chosen<'a>(config: &'a Config, name: Option<&str>) -> Result<Vec<(&'a Account, &'a Arc<Grant>)>, Failure> {
    let with_grant = |account: &'a Account| Some((account, account.oauth.as_ref()?));
    match name {
        None => Ok(config.contents.accounts.iter().filter_map(with_grant).collect()),
        Some(name) => with_grant(config.account(name)?).map(|found| vec![found]).ok_or_else(|| without(name)),
    }
}

/// The failure for an account without OAuth2.
pub fn without(name: &str) -> Failure {
    Failure::config("looking for the authorization server: the account has no table oauth")
        .at(name)
        .hint(format!("`postie config set {name} oauth.provider PROVIDER` gives it one"))
}

fn one(account: &Account, grant: &Arc<Grant>, context: &mut Context) -> Result<(), Failure> {
    let common = (context.env.clone(), context.limits.clone());
    let source = TokenSource::new(Arc::clone(grant), common, false, None, None);
    let id = source.known_client();
    let known = id.as_ref().ok().and_then(Option::as_deref);
    let keeper = Keeper::new(grant, known.unwrap_or_default(), &context.env, &context.limits);
    let (kept_in, loaded) = (keeper.place(), known.map_or(Ok(None), |_| keeper.load()));
    let held = loaded.as_ref().ok().and_then(Option::as_ref);
    let now = clock::now();
    let fitting = held.filter(|held| known.is_some_and(|id| held.fits(grant, id)));
    let state = match (held, fitting) {
        (None, _) => "none",
        (Some(_), None) => "unfit",
        (_, Some(held)) if held.good(now).is_some() => "good",
        _ => "expired",
    };
    let problem = match (grant.check().and_then(|()| id.clone()), loaded.as_ref().err()) {
        (Err(failure), _) => Some(failure),
        (_, Some(failure)) => Some(failure.clone()),
        _ => needs(held, fitting, now, grant),
    };
    let needs_login = problem.as_ref().is_some_and(|failure| {
        failure.stage == crate::words::Stage::Token && failure.kind() == crate::words::Kind::Auth
    });
    let last_error = held.and_then(|held| held.last_error.as_ref());
    context.out.line(
        "token",
        &TokenLine {
            account: &account.label,
            provider: grant.provider().map(Provider::name),
            issuer: &grant.issuer,
            client_id: known,
            user: grant.user.as_deref(),
            flow: grant.flow().name(),
            kept_in,
            state,
            scope: held.and_then(|held| held.scope.as_deref()),
            obtained_at: held.map(|held| held.obtained_at),
            expires_at: held.and_then(|held| held.expires_at),
            refreshable: held.is_some_and(|held| held.refresh_token.is_some()),
            last_refresh: held.and_then(|held| held.last_refresh),
            last_error: last_error.map(|error| ErrorView { at: error.at, message: &error.message }),
            needs: needs_login.then_some("login"),
            hint: problem.as_ref().and_then(|failure| failure.hint.as_deref()),
        },
    );
    context.out.text(&in_words(account, state, held));
    if let Some(error) = last_error {
        context.out.text(&format!("  the last refresh failed at {}: {}", error.at, error.message));
    }
    problem.map_or(Ok(()), Err)
}

/// The failure where a person must log in.
fn needs(
    held: Option<&HeldToken>,
    fitting: Option<&HeldToken>,
    now: Timestamp,
    grant: &Grant,
) -> Option<Failure> {
    if !grant.flow().is_by_person() {
        return None;
    }
    let what = match (held, fitting) {
        (None, _) => "nobody has logged in yet",
        (Some(_), None) => "the tokens are for other scopes than the account needs now",
        (_, Some(held)) if held.last_error.as_ref().is_some_and(|error| error.needs_login) => {
            "the last refresh was refused"
        }
        (_, Some(held)) if held.refresh_token.is_none() && held.good(now).is_none() => {
            "the access token has ended, and the server gave none to refresh it"
        }
        _ => return None,
    };
    Some(told::login_needed(grant, what))
}

fn in_words(account: &Account, state: &str, held: Option<&HeldToken>) -> String {
    let name = &account.label;
    let until = held.and_then(|held| held.expires_at).map_or_else(String::new, |end| format!(" until {end}"));
    let refreshed = held.and_then(|held| held.last_refresh);
    let refreshed = refreshed.map_or_else(String::new, |at| format!(", refreshed at {at}"));
    match state {
        "good" => format!("{name}: the token is good{until}{refreshed}"),
        "expired" => format!("{name}: the token has ended, and is refreshed when it is needed{refreshed}"),
        "unfit" => format!("{name}: the token is for something else"),
        _ => format!("{name}: no token"),
    }
}
