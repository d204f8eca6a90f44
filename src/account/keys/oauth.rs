//! The keys of `[accounts.NAME.oauth]`.

use super::{Key, Type, hidden, key, literal, path, set, variable_name};
use crate::account::document::{Fault, Node};
use crate::account::oauth::{Flow, OAuthSettings, Provider, TokenStore, endpoint, settings};
use crate::account::secret_source::{NamedSource, SecretSource};
use crate::account::server;
use crate::account::shown::{Shown, show_program};
use crate::codec::oauth::url;

/// All of them.
pub const OAUTH: &[Key<OAuthSettings, OAuthSettings>] = &[
    key(
        "provider",
        Type::Text,
        |oauth, node| set(&mut oauth.provider, node.text(Provider::read)),
        |oauth| Shown::maybe(oauth.provider.map(Provider::name)),
        "google, microsoft, fastmail, yandex, mailru or yahoo: whose endpoints and scopes are used. One of provider, \
         issuer and token-url is needed.",
    ),
    key(
        "issuer",
        Type::Text,
        |oauth, node| set(&mut oauth.issuer, node.text(endpoint::url)),
        |oauth| Shown::maybe(oauth.issuer.as_ref()),
        "The URL of any other authorization server, which tells its endpoints itself (RFC 8414, OpenID Connect).",
    ),
    key(
        "authorize-url",
        Type::Text,
        |oauth, node| set(&mut oauth.authorize_url, node.text(endpoint::url)),
        |oauth| Shown::maybe(oauth.authorize_url.as_ref()),
        "The page for the login. Default: that of the provider or issuer, as for the other three.",
    ),
    key(
        "token-url",
        Type::Text,
        |oauth, node| set(&mut oauth.token_url, node.text(endpoint::url)),
        |oauth| Shown::maybe(oauth.token_url.as_ref()),
        "The token endpoint.",
    ),
    key(
        "device-url",
        Type::Text,
        |oauth, node| set(&mut oauth.device_url, node.text(endpoint::url)),
        |oauth| Shown::maybe(oauth.device_url.as_ref()),
        "The endpoint for logins of devices (RFC 8628).",
    ),
    key(
        "revoke-url",
        Type::Text,
        |oauth, node| set(&mut oauth.revoke_url, node.text(endpoint::url)),
        |oauth| Shown::maybe(oauth.revoke_url.as_ref()),
        "The endpoint that ends what was granted (RFC 7009): for `postie config logout`.",
    ),
    key(
        "register-url",
        Type::Text,
        |oauth, node| set(&mut oauth.register_url, node.text(endpoint::url)),
        |oauth| Shown::maybe(oauth.register_url.as_ref()),
        "The endpoint where `postie config login` registers a client by itself if client-id is not set (RFC 7591). \
         Default: that of the issuer, or Fastmail's.",
    ),
    key(
        "resource",
        Type::Text,
        |oauth, node| set(&mut oauth.resource, node.text(resource)),
        |oauth| Shown::maybe(oauth.resource.as_ref()),
        "What the tokens are for, a URL, where the server wants to be told (RFC 8707).",
    ),
    key(
        "tenant",
        Type::Text,
        |oauth, node| set(&mut oauth.tenant, node.text(settings::tenant)),
        |oauth| Shown::maybe(oauth.tenant.as_ref()),
        "Microsoft: common, consumers (personal accounts), organizations, or the tenant's id or domain. Default: common.",
    ),
    key(
        "username",
        Type::Text,
        |oauth, node| set(&mut oauth.username, node.text(server::username)),
        |oauth| Shown::maybe(oauth.username.as_ref()),
        "Who logs in with the provider: for a shared mailbox, you. Default: email.",
    ),
    key(
        "client-id",
        Type::Text,
        |oauth, node| set(&mut oauth.client_id, node.text(settings::identifier)),
        |oauth| Shown::maybe(oauth.client_id.as_ref()),
        "The name under which your client is registered with the provider. postie ships none; where the server registers \
         clients by itself (RFC 7591), `postie config login` does that if this is not set.",
    ),
    key(
        "client-secret-command",
        Type::Command,
        |oauth, node| client_secret(oauth, node, node.command().map(SecretSource::Command)),
        hidden,
        "A command whose first line of output is the client's secret. Public clients have none.",
    ),
    key(
        "client-secret-file",
        Type::Text,
        |oauth, node| client_secret(oauth, node, node.path().map(SecretSource::File)),
        hidden,
        "A file whose first line is the client's secret; nobody else may read it.",
    ),
    key(
        "client-secret-env",
        Type::Text,
        |oauth, node| {
            let name = node.text(variable_name);
            client_secret(oauth, node, name.map(|name| SecretSource::variable(&name)))
        },
        hidden,
        "The name of an environment variable with the client's secret.",
    ),
    key(
        "client-secret",
        Type::Password,
        |oauth, node| client_secret(oauth, node, node.text(literal).map(SecretSource::Literal)),
        hidden,
        "The client's secret itself. The file must then be mode 0600.",
    ),
    key(
        "client-certificate",
        Type::Text,
        |oauth, node| set(&mut oauth.client_certificate, node.path()),
        |oauth| path(oauth.client_certificate.as_deref()),
        "A certificate (PEM) by which the client is known instead of a secret.",
    ),
    key(
        "client-key",
        Type::Text,
        |oauth, node| set(&mut oauth.client_key, node.path()),
        |oauth| path(oauth.client_key.as_deref()),
        "The key of client-certificate (PEM, RSA or P-256, without a pass phrase); nobody else may read it.",
    ),
    key(
        "service-account-key",
        Type::Text,
        |oauth, node| set(&mut oauth.service_account_key, node.path()),
        |oauth| path(oauth.service_account_key.as_deref()),
        "With flow = \"service-account\": the key file of the service account (JSON); nobody else may read it.",
    ),
    key(
        "flow",
        Type::Text,
        |oauth, node| set(&mut oauth.flow, node.text(Flow::read)),
        |oauth| Shown::text(oauth.flow.name()),
        "How `postie config login` works: code (a browser here) or device (a browser elsewhere); or \
         client-credentials, where the program itself is allowed to and nobody logs in; or service-account, where it speaks \
         for the account's user by service-account-key (Google Workspace). Default: code.",
    ),
    key(
        "scopes",
        Type::Texts,
        scopes,
        |oauth| oauth.scopes.clone().map_or(Shown::Nothing, Shown::List),
        "What is asked for. Default: what the account's servers need with this provider; with another issuer, nothing.",
    ),
    key(
        "redirect-port",
        Type::Port,
        |oauth, node| set(&mut oauth.redirect_port, node.port()),
        |oauth| oauth.redirect_port.map_or(Shown::Nothing, Shown::Number),
        "The port of this machine that the browser is sent back to. Default: any free one.",
    ),
    key(
        "redirect-uri",
        Type::Text,
        |oauth, node| set(&mut oauth.redirect_uri, node.text(redirect_uri)),
        |oauth| Shown::maybe(oauth.redirect_uri.as_ref()),
        "The address that the browser is sent back to, where your client is registered with a fixed one. If it is not \
         one of this machine's, or is one as org.example.mail:/back, the address or the code must be pasted. Default: this \
         machine's.",
    ),
    key(
        "token-store",
        Type::Text,
        |oauth, node| set(&mut oauth.token_store, node.text(TokenStore::read)),
        |oauth| Shown::text(oauth.token_store.name()),
        "Where the tokens are kept: file (below ~/.local/state/postie/tokens, for you alone) or command. Default: file.",
    ),
    key(
        "token-load",
        Type::Command,
        |oauth, node| set(&mut oauth.token_load, node.command()),
        |oauth| Shown::maybe(oauth.token_load.as_ref().map(show_program)),
        "With token-store = \"command\": a command that prints what token-save was given last, or nothing.",
    ),
    key(
        "token-save",
        Type::Command,
        |oauth, node| set(&mut oauth.token_save, node.command()),
        |oauth| Shown::maybe(oauth.token_save.as_ref().map(show_program)),
        "A command that keeps what it gets on standard input. New tokens are used only once it has succeeded.",
    ),
];

fn redirect_uri(text: &str) -> Result<String, String> {
    url::check_redirect(text).map(|()| text.to_owned())
}

fn resource(text: &str) -> Result<String, String> {
    url::check(text, url::UrlUse::ForPeople).map(|_| text.to_owned())
}

fn client_secret(
    oauth: &mut OAuthSettings,
    node: &Node<'_>,
    source: Result<SecretSource, Fault>,
) -> Result<(), Fault> {
    oauth.client_secrets.insert(node.row, NamedSource { source: source?, by: node.path.clone() });
    Ok(())
}

fn scopes(oauth: &mut OAuthSettings, node: &Node<'_>) -> Result<(), Fault> {
    let texts = node.texts("a string of scopes, or an array of them, is wanted here")?;
    let scopes = texts.iter().flat_map(|text| text.split_whitespace()).map(settings::scope);
    let scopes: Vec<String> = scopes.collect::<Result<_, _>>().map_err(|what| node.fault(what))?;
    // An empty list is as none.
    oauth.scopes = Some(scopes).filter(|scopes| !scopes.is_empty());
    Ok(())
}
