//! Accounts: the user's address, the servers, where the secrets come from.
//!
//! An [`Account`] is complete and checked: every host is an ASCII name or an IP address, no text in it has a CR, LF
//! or NUL. It no longer matters whether it came from the file, the environment or `--server`. No error made here
//! quotes a secret or a line of the file.

pub mod command;
pub mod config;
pub(crate) mod document;
mod draft;
pub mod drain;
pub mod edit;
pub mod env;
mod job_control;
pub mod keys;
pub mod lock;
pub mod providers;
pub mod schema;
pub mod secret_file;
pub mod secret_source;
pub mod secrets;
pub mod select;
pub mod sendmail;
pub mod server;
pub(crate) mod shown;
pub mod terminal;
pub mod url;
pub mod values;
pub mod view;

pub use config::Config;
pub use env::Env;
pub use secret_source::{SecretSource, SecretSources};
pub use secrets::{AccountLogin, SecretOptions, Vault};
pub use select::{Need, Selection, all, select};
pub use sendmail::SendmailSettings;
pub use server::{Auth, Protocol, Server};

use crate::process::Program;
use crate::words::{Address, After};
use std::path::PathBuf;

/// A complete and checked account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its name in output: that of the configuration file, or `user@host:port` with `--server`.
    pub label: String,
    /// Its name in the configuration file, if it comes from there.
    pub name_in_config: Option<String>,
    pub email: Option<Address>,
    /// The display name.
    pub name: Option<String>,
    pub description: Option<String>,
    /// The server to fetch from.
    pub incoming: Option<Server>,
    /// The server to send through.
    pub smtp: Option<Server>,
    /// Defaults for fetch.
    pub fetch: FetchSettings,
    /// Settings for mail that local programs hand to `sendmail`.
    pub sendmail: SendmailSettings,
}

impl Account {
    pub fn server(&self, protocol: Protocol) -> Option<&Server> {
        match protocol {
            Protocol::Pop3 => self.incoming.as_ref(),
            Protocol::Smtp => self.smtp.as_ref(),
        }
    }

    /// Its servers.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        [&self.incoming, &self.smtp].into_iter().flatten()
    }

    /// Gives it a server, in place of one for the same.
    pub fn put(&mut self, server: Server) {
        match server.protocol {
            Protocol::Pop3 => self.incoming = Some(server),
            Protocol::Smtp => self.smtp = Some(server),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchSettings {
    pub destination: Option<Destination>,
    pub after: After,
}

/// Where fetched messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Maildir(PathBuf),
    Mbox(PathBuf),
    /// The standard input of a command, which is run once for each message.
    Exec(Program),
}
