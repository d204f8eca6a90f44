//! Accounts: the user's address, the servers, where the secrets come from.
//!
//! An [`Account`] is complete and checked: every host is an ASCII name or an IP address, no text in it has a CR, LF
//! or NUL. It no longer matters whether it came from the file, the environment or `--server`. No error made here
//! quotes a secret or a line of the file.

pub mod autoconfig;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod document;
mod draft;
pub(crate) mod drain;
pub(crate) mod edit;
pub(crate) mod env;
pub(crate) mod folders;
pub(crate) mod git_credential;
pub mod import;
mod job_control;
#[cfg(feature = "gssapi")]
mod kerberos;
pub mod keys;
pub(crate) mod lock;
pub(crate) mod logins;
pub(crate) mod oauth;
mod oauth_env;
mod obtain;
pub(crate) mod providers;
pub(crate) mod proxy;
pub(crate) mod proxy_url;
mod sasl_command;
pub(crate) mod schema;
pub(crate) mod secret_file;
pub(crate) mod secret_source;
pub(crate) mod secrets;
pub(crate) mod select;
pub(crate) mod sendmail;
pub(crate) mod server;
pub(crate) mod shown;
pub(crate) mod terminal;
pub(crate) mod url;
pub mod values;
pub(crate) mod view;

pub use config::Config;
pub use env::Env;
pub use folders::FolderChoice;
pub use logins::{AccountLogin, Logins};
pub use secret_source::SecretSource;
pub use secrets::{SecretOptions, Vault};
pub use select::{Need, Selection, URL_VARIABLES, all, select};
pub use sendmail::SendmailSettings;
pub use server::{Auth, Protocol, Server};

use crate::codec::imap::MailboxName as Folder;
use crate::process::Program;
use crate::store::Layout;
use crate::words::{Address, After, Failure};
use std::path::PathBuf;
use std::sync::Arc;

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
    pub pop3: Option<Server>,
    pub imap: Option<Server>,
    /// The server to send through.
    pub smtp: Option<Server>,
    /// How its tokens are had.
    pub oauth: Option<Arc<oauth::Grant>>,
    /// Defaults for fetch.
    pub fetch: FetchSettings,
    /// Settings for mail that local programs hand to `sendmail`.
    pub sendmail: SendmailSettings,
}

impl Account {
    pub fn server(&self, protocol: Protocol) -> Option<&Server> {
        match protocol {
            Protocol::Pop3 => self.pop3.as_ref(),
            Protocol::Imap => self.imap.as_ref(),
            Protocol::Smtp => self.smtp.as_ref(),
        }
    }

    /// The server that mail is fetched from: of two the one that the account names, else that of POP3.
    pub fn incoming(&self) -> Option<&Server> {
        let named = self.fetch.protocol.and_then(|protocol| self.server(protocol));
        named.or(self.pop3.as_ref()).or(self.imap.as_ref())
    }

    /// From now on mail is fetched by this protocol. Fails with `config` where the account has no server for it.
    pub fn fetch_by(&mut self, protocol: Protocol) -> Result<(), Failure> {
        if self.server(protocol).is_none() {
            let name = protocol.name();
            return Err(Failure::config(format!("looking for its server: the account has no {name} server"))
                .at(&self.label)
                .hint(format!("`postie config set NAME {name}.host HOST` gives it one")));
        }
        self.fetch.protocol = Some(protocol);
        Ok(())
    }

    /// From now on mail is fetched from this folder. Fails with `usage` where the server has no folders.
    pub fn fetch_from(&mut self, folder: &str) -> Result<(), Failure> {
        let protocol = self.incoming().map(|server| server.protocol);
        let Some(server) = self.imap.as_mut().filter(|_| protocol == Some(Protocol::Imap)) else {
            let failure = Failure::usage("--folder: POP3 has no folders").at(&self.label);
            return Err(failure.hint("--imap uses the account's IMAP server"));
        };
        let name = values::folder(folder).map_err(|what| Failure::usage(format!("--folder: {what}")))?;
        server.folder = Some(name);
        Ok(())
    }

    /// Checks that messages can be moved to this folder once they are fetched. Fails with `usage`: by POP3 they cannot,
    /// and not to where they are.
    pub fn check_move_to(&self, folder: &str) -> Result<(), Failure> {
        let server = self.incoming().filter(|server| server.protocol == Protocol::Imap);
        let Some(server) = server else {
            let failure = Failure::usage("move-to: POP3 has no folders").at(&self.label);
            return Err(failure.hint("--imap uses the account's IMAP server"));
        };
        let name = values::folder(folder).map_err(|what| Failure::usage(format!("move-to: {what}")))?;
        match server.folder.clone().unwrap_or_else(Folder::inbox) == name {
            true => {
                Err(Failure::usage(format!("move-to {name}: it is the folder that mail is fetched from"))
                    .at(&self.label))
            }
            false => Ok(()),
        }
    }

    /// Its servers.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        [&self.pop3, &self.imap, &self.smtp].into_iter().flatten()
    }

    /// Gives it a server, in place of one for the same.
    pub fn put(&mut self, server: Server) {
        match server.protocol {
            Protocol::Pop3 => self.pop3 = Some(server),
            Protocol::Imap => self.imap = Some(server),
            Protocol::Smtp => self.smtp = Some(server),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchSettings {
    /// The protocol by which mail is fetched, where the account has two.
    pub protocol: Option<Protocol>,
    pub destination: Option<Destination>,
    pub after: After,
    /// The folders that mail is fetched from by IMAP; `None`: the inbox.
    pub folders: Option<FolderChoice>,
    /// How several folders lie in one Maildir; `None`: Maildir++.
    pub layout: Option<Layout>,
}

/// Where fetched messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Maildir(PathBuf),
    Mbox(PathBuf),
    /// A directory that gets an mbox for each folder.
    MboxDir(PathBuf),
    /// The standard input of a command, which is run once for each message.
    Exec(Program),
}
