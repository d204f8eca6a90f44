//! An account about to be added: what the flags say, and what it is to be.

use crate::account::edit::Setting;
use crate::account::providers::{self, Provider};
use crate::account::server::{Protocol, Server};
use crate::account::url;
use crate::words::{Address, Failure};
use std::path::Path;

/// Keys of an account and their values, in the order they are to stand in.
pub type Settings = Vec<(&'static str, Setting)>;

/// An account about to be added.
pub struct NewAccount {
    /// Its name.
    pub name: String,
    /// Its address.
    pub email: Address,
    /// The name beside the address.
    pub display: Option<String>,
    /// Where mail is fetched.
    pub incoming: Option<Server>,
    /// Where mail is sent.
    pub smtp: Option<Server>,
    /// Where the secret comes from.
    pub secret: Settings,
    /// Where mail goes.
    pub fetch: Settings,
    /// Whether it is tested before it is added.
    pub test: bool,
}

/// What the flags say.
pub struct Given {
    /// The account's name.
    pub name: Option<String>,
    /// The address.
    pub email: Option<Address>,
    /// The name beside the address.
    pub display: Option<String>,
    /// Where mail is fetched.
    pub incoming: Option<Server>,
    /// Where mail is sent.
    pub smtp: Option<Server>,
    /// Where the secret comes from.
    pub secret: Settings,
    /// Where mail goes.
    pub fetch: Settings,
    /// Whether a test is asked for.
    pub test: bool,
    /// The names that accounts have already.
    pub taken: Vec<String>,
}

impl Given {
    /// The servers: those of the flags, the provider's where the flags name none at all.
    pub fn servers(&self, email: &Address) -> (Option<Server>, Option<Server>) {
        let provider = providers::of_domain(email.domain());
        let known = |protocol| provider.and_then(|provider: &Provider| provider.server(protocol, email));
        match (&self.incoming, &self.smtp) {
            (None, None) => (known(Protocol::Pop3), known(Protocol::Smtp)),
            (incoming, smtp) => (incoming.clone(), smtp.clone()),
        }
    }
}

/// Reads the URL of a server of `protocol`; `flag` is where it was given.
pub fn server(text: &str, flag: &str, protocol: Protocol) -> Result<Server, Failure> {
    let refuse = |what: String| Failure::usage(format!("{flag}: {what}"));
    let server = url::parse_server(text).map_err(refuse)?;
    if server.protocol != protocol {
        return Err(refuse(format!("a URL of {} is wanted", protocol.name())));
    }
    Ok(server)
}

/// A path as the file takes it: `~/…` stays, what is relative to the working directory is made absolute.
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
