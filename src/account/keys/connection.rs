//! Rows of accounts and of servers alike that are about the connection: the client's certificate, the program that plays a
//! mechanism, the proxy.

use super::{KeyPart, SharedKey, Type, common, set, variable_name};
use crate::account::document::{Fault, Node};
use crate::account::draft::Shared;
use crate::account::proxy_url;
use crate::account::secret_source::{NamedSource, SecretSource};

pub(super) const CLIENT_CERTIFICATE: SharedKey = common(
    KeyPart::Trust,
    "client-certificate",
    Type::Text,
    |shared, node| set(&mut shared.tls.client_certificate, node.path()),
    "A file (PEM) with a certificate of your own, for servers that ask for one, and those of its issuers behind it. \
     Where no secret is named, auto then logs in by it (EXTERNAL).",
);
pub(super) const CLIENT_KEY: SharedKey = common(
    KeyPart::Trust,
    "client-key",
    Type::Text,
    |shared, node| set(&mut shared.tls.client_key, node.path()),
    "The file (PEM) with the key of that certificate, which nobody else may read. Default: it is in \
     client-certificate.",
);
pub(super) const CLIENT_KEY_PASSWORD_COMMAND: SharedKey = common(
    KeyPart::Other,
    "client-key-password-command",
    Type::Command,
    |shared, node| shared.key_passphrase(node, node.command().map(SecretSource::Command)),
    "A command that prints the passphrase of client-key, if it is encrypted.",
);
pub(super) const CLIENT_KEY_PASSWORD_FILE: SharedKey = common(
    KeyPart::Other,
    "client-key-password-file",
    Type::Text,
    |shared, node| shared.key_passphrase(node, node.path().map(SecretSource::File)),
    "A file with that passphrase.",
);
pub(super) const CLIENT_KEY_PASSWORD_ENV: SharedKey = common(
    KeyPart::Other,
    "client-key-password-env",
    Type::Text,
    |shared, node| {
        let named = node.text(variable_name).map(|name| SecretSource::variable(&name));
        shared.key_passphrase(node, named)
    },
    "The name of an environment variable with that passphrase.",
);
pub(super) const SASL_COMMAND: SharedKey = common(
    KeyPart::Other,
    "sasl-command",
    Type::Command,
    |shared, node| set(&mut shared.sasl_command, node.command()),
    "A program that logs in by the mechanism that auth names (gssapi, ntlm, or any other): it gets the server's \
     challenges and gives the responses, a line of base64 each. See docs/logins.md.",
);
pub(super) const PROXY: SharedKey = common(
    KeyPart::Other,
    "proxy",
    Type::Text,
    |shared, node| set(&mut shared.proxy.choice, node.text(proxy_url::choice)),
    "socks5://host:port, or socks5://user@host:port: the SOCKS5 proxy that the server is reached through; it looks the \
     server's name up. none: no proxy. Default: that of ALL_PROXY in the environment, except for what NO_PROXY lists and \
     for this machine.",
);
pub(super) const PROXY_PASSWORD_COMMAND: SharedKey = common(
    KeyPart::Other,
    "proxy-password-command",
    Type::Command,
    |shared, node| proxy_password(shared, node, node.command().map(SecretSource::Command)),
    "A command that prints the password of the proxy's user. It belongs into the table that has the proxy.",
);
pub(super) const PROXY_PASSWORD_FILE: SharedKey = common(
    KeyPart::Other,
    "proxy-password-file",
    Type::Text,
    |shared, node| proxy_password(shared, node, node.path().map(SecretSource::File)),
    "A file with that password.",
);
pub(super) const PROXY_PASSWORD_ENV: SharedKey = common(
    KeyPart::Other,
    "proxy-password-env",
    Type::Text,
    |shared, node| {
        let named = node.text(variable_name).map(|name| SecretSource::variable(&name));
        proxy_password(shared, node, named)
    },
    "The name of an environment variable with that password.",
);

fn proxy_password(
    shared: &mut Shared,
    node: &Node<'_>,
    source: Result<SecretSource, Fault>,
) -> Result<(), Fault> {
    shared.proxy.passwords.0.push(NamedSource { source: source?, by: node.path.clone() });
    Ok(())
}
