//! `[accounts.NAME.oauth]` as it was read.

use super::provider::{Flow, Provider};
use crate::account::secret_source::NamedSource;
use crate::process::Program;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where tokens are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenStore {
    /// In a file below the state directory.
    #[default]
    File,
    /// By the commands `token-load` and `token-save`.
    Command,
}

impl TokenStore {
    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            TokenStore::File => "file",
            TokenStore::Command => "command",
        }
    }

    pub fn read(text: &str) -> Result<Self, String> {
        let all = [TokenStore::File, TokenStore::Command];
        all.into_iter().find(|store| store.name() == text).ok_or_else(|| "not one of file, command".into())
    }
}

/// The table.
#[derive(Clone, Debug, Default)]
pub struct OAuthSettings {
    pub provider: Option<Provider>,
    /// An authorization server that tells its endpoints itself (`RFC 8414`).
    pub issuer: Option<String>,
    pub authorize_url: Option<String>,
    pub token_url: Option<String>,
    pub device_url: Option<String>,
    pub revoke_url: Option<String>,
    /// Where a client is registered without anybody's help.
    pub register_url: Option<String>,
    /// What the tokens are for, where the server wants to know (`RFC 8707`).
    pub resource: Option<String>,
    /// Microsoft: whose accounts.
    pub tenant: Option<String>,
    /// Who logs in there, where that is not the account's address.
    pub username: Option<String>,
    pub client_id: Option<String>,
    /// Where the client's secret comes from, by the row of the key, whose order counts.
    pub client_secrets: BTreeMap<usize, NamedSource>,
    pub client_certificate: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    /// The key file of a service account.
    pub service_account_key: Option<PathBuf>,
    pub flow: Flow,
    /// What is asked for; none: what the account's servers need.
    pub scopes: Option<Vec<String>>,
    pub redirect_port: Option<u16>,
    /// The address that the client is registered with, where it is none of this machine's usual ones.
    pub redirect_uri: Option<String>,
    pub token_store: TokenStore,
    pub token_load: Option<Program>,
    pub token_save: Option<Program>,
}

impl OAuthSettings {
    /// Where the client's secret comes from.
    pub fn client_secret(&self) -> Option<&NamedSource> {
        self.client_secrets.values().next()
    }
}

/// Reads a name that a provider gives: of a client, of a tenant.
pub fn identifier(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err("it must be visible ASCII without spaces, as the provider shows it".into());
    }
    Ok(text.to_owned())
}

/// Reads a tenant: it becomes a part of the path of a URL.
pub fn tenant(text: &str) -> Result<String, String> {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_');
    if text.is_empty() || text.starts_with('.') || !text.bytes().all(plain) {
        return Err("not a tenant: common, consumers, organizations, or the tenant's id or domain".into());
    }
    Ok(text.to_owned())
}

/// Reads a scope (`RFC 6749 §3.3`).
pub fn scope(text: &str) -> Result<String, String> {
    let plain = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'\\');
    if text.is_empty() || !text.bytes().all(plain) {
        return Err("not a scope: visible ASCII without spaces, quotes and backslashes".into());
    }
    Ok(text.to_owned())
}
