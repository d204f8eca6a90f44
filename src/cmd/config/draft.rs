//! An account that is about to be added: the flags, and the settings that follow from them.

use crate::account::edit::Setting;
use crate::account::providers;
use crate::account::server::{Protocol, Server};
use crate::account::url;
use crate::words::{Address, Failure};
use std::path::Path;

/// Keys of an account and their values, in the order of the file.
pub type Settings = Vec<(&'static str, Setting)>;

/// An account that is about to be added.
pub struct NewAccount {
    pub name: String,
    pub email: Address,
    pub display: Option<String>,
    pub incoming: Option<Server>,
    pub smtp: Option<Server>,
    pub secret: Settings,
    pub fetch: Settings,
    pub test: bool,
}

/// The values of the flags.
pub struct Given {
    pub name: Option<String>,
    pub email: Option<Address>,
    pub display: Option<String>,
    pub incoming: Option<Server>,
    pub smtp: Option<Server>,
    pub secret: Settings,
    pub fetch: Settings,
    pub test: bool,
    /// The names of the existing accounts.
    pub taken: Vec<String>,
}

impl Given {
    /// The servers that the flags name; if they name none, those of the provider.
    pub fn servers(&self, email: &Address) -> (Option<Server>, Option<Server>) {
        let provider = providers::of_domain(email.domain());
        match (&self.incoming, &self.smtp) {
            (None, None) => (
                provider.and_then(|provider| provider.incoming(email)),
                provider.and_then(|provider| provider.server(Protocol::Smtp, email)),
            ),
            (incoming, smtp) => (incoming.clone(), smtp.clone()),
        }
    }
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
