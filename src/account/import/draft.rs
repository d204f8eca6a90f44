//! An account as another program has it, in postie's keys.

use super::uids::UidList;
use crate::account::edit::Setting;
use crate::account::server::{Protocol, security_name};
use crate::net::Security;
use crate::process::Program;
use crate::words::Secret;
use std::path::PathBuf;

/// An account that is to be added.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// A name made of the one in the other program.
    pub name: String,
    /// Its name there.
    pub original: String,
    /// The file it stands in.
    pub file: PathBuf,
    /// Where it begins there, counted from 1.
    pub line: Option<usize>,
    pub email: Option<String>,
    pub display: Option<String>,
    /// Further keys of the account, and their values.
    pub more: Vec<(String, Setting)>,
    pub servers: Vec<DraftServer>,
    /// Keys of `fetch`, and their values.
    pub fetch: Vec<(String, Setting)>,
    /// The lists of messages that were fetched.
    pub lists: Vec<UidList>,
}

/// One of its servers.
#[derive(Clone, Debug)]
pub struct DraftServer {
    pub protocol: Protocol,
    pub host: String,
    /// None: the default of postie.
    pub port: Option<u16>,
    pub security: Security,
    pub username: Option<String>,
    /// Whether there is a login.
    pub logs_in: bool,
    /// The value of the key `auth`, where it is not `auto`.
    pub auth: Option<String>,
    pub secret: Option<DraftSecret>,
    /// Further keys of the server's table, and their values.
    pub more: Vec<(String, Setting)>,
}

/// Where its secret comes from.
#[derive(Clone, Debug)]
pub enum DraftSecret {
    Command(Program),
    TokenCommand(Program),
    /// It stands in the file, on this line, as the value of this key.
    Literal {
        secret: Secret,
        line: Option<usize>,
        key: String,
    },
}

impl DraftServer {
    /// A server of which no more than this is known.
    pub fn new(protocol: Protocol, host: String) -> Self {
        DraftServer {
            protocol,
            host,
            port: None,
            security: Security::Implicit,
            username: None,
            logs_in: true,
            auth: None,
            secret: None,
            more: Vec::new(),
        }
    }

    /// Its port, whether the program names it or not.
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.protocol.default_port(self.security))
    }

    /// The keys of its table, with the table's name, in the order of postie-config(5).
    fn settings(&self) -> Vec<(String, Setting)> {
        let table = self.protocol.name();
        let mut settings = Vec::new();
        let mut put = |key: &str, value: Setting| settings.push((format!("{table}.{key}"), value));
        put("host", Setting::Text(self.host.clone()));
        if let Some(port) = self.port.filter(|port| *port != self.protocol.default_port(self.security)) {
            put("port", Setting::Port(port));
        }
        if self.security != Security::Implicit {
            put("tls", Setting::Text(security_name(self.security).to_owned()));
        }
        if let Some(user) = self.username.as_ref().filter(|_| self.logs_in) {
            put("username", Setting::Text(user.clone()));
        }
        match (&self.auth, self.logs_in) {
            (_, false) => put("auth", Setting::Text("none".into())),
            (Some(auth), true) => put("auth", Setting::Text(auth.clone())),
            (None, true) => {}
        }
        match self.secret.as_ref().filter(|_| self.logs_in) {
            Some(DraftSecret::Command(program)) => put("password-command", Setting::Command(program.clone())),
            Some(DraftSecret::TokenCommand(program)) => {
                put("token-command", Setting::Command(program.clone()))
            }
            Some(DraftSecret::Literal { secret, .. }) => put("password", Setting::Password(secret.clone())),
            None => {}
        }
        self.more.iter().for_each(|(key, value)| put(key, value.clone()));
        settings
    }
}

impl Draft {
    /// Its keys and values, in the order of the file.
    pub fn settings(&self) -> Vec<(String, Setting)> {
        let mut settings = self.owner(true, true);
        settings.extend(self.more.iter().cloned());
        settings.extend(self.of_servers());
        settings
    }

    /// What would be added to an account that is there: the servers, how mail is fetched, and who it belongs to where
    /// the account does not say.
    pub fn joining(&self, lacks_email: bool, lacks_name: bool) -> Vec<(String, Setting)> {
        let mut settings = self.owner(lacks_email, lacks_name);
        settings.extend(self.of_servers());
        settings
    }

    fn owner(&self, email: bool, name: bool) -> Vec<(String, Setting)> {
        let email = self.email.iter().filter(|_| email).map(|text| ("email", text));
        let name = self.display.iter().filter(|_| name).map(|text| ("name", text));
        email.chain(name).map(|(key, text)| (key.to_owned(), Setting::Text(text.clone()))).collect()
    }

    fn of_servers(&self) -> impl Iterator<Item = (String, Setting)> {
        self.servers.iter().flat_map(DraftServer::settings).chain(self.fetch.iter().cloned())
    }
}
