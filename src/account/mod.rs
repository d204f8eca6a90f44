//! Accounts: who the user is, which servers the mail goes through, where a secret comes from.
//!
//! An [`Account`] is complete and checked: every host is an ASCII name or an address, nothing in it holds a
//! CR, LF or NUL, and each [`Server`] knows how it is protected. Where it came from (the file, the
//! environment, `--server`) no longer matters. No message made here quotes a secret or a line of the file.

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

/// An account, whole and checked.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// What output calls it: its name, or `user@host:port` of one made on the spot.
    pub label: String,
    /// Its name in the configuration file, where it comes from there.
    pub name_in_config: Option<String>,
    /// The address of its owner.
    pub email: Option<Address>,
    /// The name shown beside the address.
    pub name: Option<String>,
    /// What the owner says it is for.
    pub description: Option<String>,
    /// Where mail is fetched.
    pub incoming: Option<Server>,
    /// Where mail is handed over.
    pub smtp: Option<Server>,
    /// How mail is fetched where the command does not say.
    pub fetch: FetchSettings,
    /// Settings for mail that local programs hand to `sendmail`.
    pub sendmail: SendmailSettings,
}

impl Account {
    /// The server for `protocol`, if there is one.
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

/// What an account says about fetching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchSettings {
    /// Where messages go.
    pub destination: Option<Destination>,
    /// What happens on the server afterwards.
    pub after: After,
}

/// Where fetched messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Into a Maildir.
    Maildir(PathBuf),
    /// Onto the end of an mbox.
    Mbox(PathBuf),
    /// Into the standard input of a command, one message a run.
    Exec(Program),
}
