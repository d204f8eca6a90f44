//! An account that is about to be added: the flags, and the settings that follow from them.

use super::oauth::Authority;
use crate::account::edit::Setting;
use crate::account::server::{Protocol, Server};
use crate::account::{url, values};
use crate::words::{Address, Failure};
use crate::work::discover::{Discovery, FoundServer};
use std::path::Path;

/// Keys of an account and their values, in the order of the file.
pub type DraftSettings = Vec<(&'static str, Setting)>;

/// An account that is about to be added.
pub struct NewAccount {
    pub name: String,
    pub email: Address,
    pub display: Option<String>,
    pub incoming: Option<Server>,
    pub smtp: Option<Server>,
    pub secret: DraftSettings,
    pub fetch: DraftSettings,
    pub test: bool,
    /// What was found for the address.
    pub found: Discovery,
}

/// The values of the flags.
pub struct Given {
    pub name: Option<String>,
    /// Whether an address alone was given, which named the account.
    pub is_address_alone: bool,
    pub email: Option<Address>,
    pub display: Option<String>,
    pub incoming: Option<Server>,
    pub smtp: Option<Server>,
    /// The protocol to fetch by, if a flag says so without a URL.
    pub wanted: Option<Protocol>,
    pub secret: DraftSettings,
    /// Whether a client certificate is given, by which the user can log in.
    pub has_certificate: bool,
    /// Who gives tokens, where the client is not known yet.
    pub authority: Option<Authority>,
    pub fetch: DraftSettings,
    pub test: bool,
    /// The names of the existing accounts.
    pub taken: Vec<String>,
}

impl Given {
    /// Whether the flags name a server. Then none is looked for.
    pub fn has_servers(&self) -> bool {
        self.incoming.is_some() || self.smtp.is_some()
    }

    /// Whether there is something to log in with.
    pub fn has_login(&self) -> bool {
        !self.secret.is_empty() || self.has_certificate
    }

    /// The servers that the flags name; if they name none, those that were found.
    pub fn servers(&self, found: &Discovery) -> (Option<Server>, Option<Server>) {
        if self.has_servers() {
            return (self.incoming.clone(), self.smtp.clone());
        }
        let server = |found: Option<&FoundServer>| found.map(|found| found.server.clone());
        (server(found.fetch_from()), server(found.smtp.as_ref()))
    }
}

/// A name for the account of this address that no account has yet: the first label of its domain, else more of it.
pub fn name_for(email: &Address, taken: &[String]) -> Option<String> {
    let label = email.domain().split('.').next().unwrap_or_default();
    let names = [label.to_owned(), email.domain().to_owned(), email.as_str().to_owned()];
    let is_free = |name: &String| values::account_name(name).is_ok() && !taken.contains(name);
    names.into_iter().find(is_free)
}

/// Reads the URL of a server of `protocol`, the value of `flag`.
pub fn server(text: &str, flag: &str, protocol: Protocol) -> Result<Server, Failure> {
    let refuse = |what: String| Failure::usage(format!("{flag}: {what}"));
    let server = url::parse_server(text).map_err(refuse)?;
    if server.protocol != protocol {
        return Err(refuse(format!("a URL of {} is wanted", protocol.name())));
    }
    Ok(server)
}

/// A path for the file: `~/…` is kept, and a relative path is made absolute.
pub fn absolute(path: &Path, option: &str) -> Result<Setting, Failure> {
    let refuse = |what: &str| Failure::usage(format!("{option}: {what}"));
    let text = path.to_str().ok_or_else(|| refuse("the path is not valid UTF-8, which the file must be"))?;
    if text.is_empty() {
        return Err(refuse("the path is empty"));
    }
    if text == "~" || text.starts_with("~/") {
        return Ok(Setting::Text(text.to_owned()));
    }
    let whole = std::path::absolute(path).map_err(|error| refuse(&error.to_string()))?;
    whole
        .to_str()
        .map(|text| Setting::Text(text.to_owned()))
        .ok_or_else(|| refuse("the path is not valid UTF-8"))
}
