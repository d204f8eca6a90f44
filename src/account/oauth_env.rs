//! OAuth2 from the environment alone, without a configuration file.

use super::oauth::renewal::{CLIENT_ID, REFRESH_TOKEN};
use super::oauth::{Grant, OAuthSettings, Provider, TokenUses, endpoint};
use super::{Env, Server};
use crate::words::Failure;
use std::sync::Arc;

/// What the environment alone asks for (`$POSTIE_OAUTH_REFRESH_TOKEN`): of the provider that it names, or of the one
/// that runs the server.
pub fn of_environment(env: &Env, server: &Server) -> Result<Option<Arc<Grant>>, Failure> {
    if env.get(REFRESH_TOKEN).is_none() {
        return Ok(None);
    }
    let named = |name: &str, what: String| Failure::config(format!("${name}: reading: {what}"));
    let (provider, url) = ("POSTIE_OAUTH_PROVIDER", "POSTIE_OAUTH_TOKEN_URL");
    let settings = OAuthSettings {
        provider: match env.text(provider)? {
            Some(name) => Some(Provider::read(name).map_err(|what| named(provider, what))?),
            None => Provider::of_host(&server.host),
        },
        token_url: match env.text(url)? {
            Some(text) => Some(endpoint::url(text).map_err(|what| named(url, what))?),
            None => None,
        },
        client_id: env.text(CLIENT_ID)?.map(str::to_owned),
        ..OAuthSettings::default()
    };
    let (label, place) = (server.label(), format!("${REFRESH_TOKEN}"));
    let grant = Grant::new(settings, &label, &place, TokenUses::default(), server.username.clone());
    grant.map(|grant| Some(Arc::new(grant))).map_err(|(what, _)| {
        named(REFRESH_TOKEN, what.into()).hint(format!("{provider} names one of postie's, {url} any other"))
    })
}
