//! An account as `config list` and `config show` tell it: what holds, the defaults filled in. Of secrets only
//! where they come from.

use super::secret_source::{NamedSource, SecretSource};
use super::server::{Server, security_name};
use super::{Account, Destination, values};
use crate::net::certificate::Fingerprint;
use crate::process::Program;
use serde::Serialize;
use std::collections::BTreeMap;

/// An account.
#[derive(Clone, Debug, Serialize)]
pub struct AccountView {
    /// Its name.
    pub account: String,
    /// Whether it is the one that `default-account` names.
    pub default: bool,
    /// The address.
    pub email: Option<String>,
    /// The name beside the address.
    pub name: Option<String>,
    /// The remark.
    pub description: Option<String>,
    /// What stands for a bare name in From of mail that comes in by `sendmail`.
    pub from: Option<String>,
    /// Where it is logged what became of such mail.
    pub log_file: Option<String>,
    /// Who local names are.
    pub aliases: BTreeMap<String, Vec<String>>,
    /// Where mail is fetched.
    pub pop3: Option<ServerView>,
    /// Where mail is handed over.
    pub smtp: Option<ServerView>,
    /// How mail is fetched.
    pub fetch: FetchView,
}

/// One of its servers.
#[derive(Clone, Debug, Serialize)]
pub struct ServerView {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// `implicit`, `starttls` or `none`.
    pub tls: &'static str,
    /// Who logs in; nobody where it is absent.
    pub username: Option<String>,
    /// How; `none` where nobody does.
    pub auth: String,
    /// Where the secret comes from, the source that counts.
    pub secret: Option<SecretView>,
    /// Whether a secret may go over a wire without TLS.
    pub allow_plaintext_auth: bool,
    /// The name for EHLO, where one was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ehlo_name: Option<String>,
    /// Further authorities.
    pub ca_file: Option<String>,
    /// The one certificate that is trusted.
    pub tls_fingerprint: Option<String>,
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretView {
    /// The key: `password-command`, `password`, …
    pub source: &'static str,
    /// The command, file or variable; of a password in the file only that it is `set`.
    pub value: String,
    /// The key of the file that says so, with its table.
    pub from: String,
}

/// How mail is fetched.
#[derive(Clone, Debug, Serialize)]
pub struct FetchView {
    /// The Maildir.
    pub maildir: Option<String>,
    /// The mbox.
    pub mbox: Option<String>,
    /// The command.
    pub exec: Option<String>,
    /// What happens on the server.
    pub after: String,
}

impl AccountView {
    /// What there is to tell of `account`.
    pub fn of(account: &Account, default_account: Option<&str>) -> Self {
        let mut fetch = FetchView {
            maildir: None,
            mbox: None,
            exec: None,
            after: values::show_afterwards(account.fetch.after),
        };
        match &account.fetch.destination {
            Some(Destination::Maildir(path)) => fetch.maildir = Some(path.display().to_string()),
            Some(Destination::Mbox(path)) => fetch.mbox = Some(path.display().to_string()),
            Some(Destination::Exec(program)) => fetch.exec = Some(show_program(program)),
            None => {}
        }
        AccountView {
            account: account.label.clone(),
            default: account.name_in_config.as_deref().is_some_and(|name| default_account == Some(name)),
            email: account.email.as_ref().map(ToString::to_string),
            name: account.name.clone(),
            description: account.description.clone(),
            from: account.sendmail.from.as_ref().map(ToString::to_string),
            log_file: account.sendmail.log_file.as_ref().map(|path| path.display().to_string()),
            aliases: account
                .sendmail
                .aliases
                .iter()
                .map(|(name, all)| (name.clone(), all.iter().map(ToString::to_string).collect()))
                .collect(),
            pop3: account.incoming.as_ref().map(ServerView::of),
            smtp: account.smtp.as_ref().map(ServerView::of),
            fetch,
        }
    }
}

impl ServerView {
    fn of(server: &Server) -> Self {
        ServerView {
            host: server.host.clone(),
            port: server.port,
            tls: security_name(server.security),
            username: server.username.clone(),
            auth: if server.username.is_some() { server.auth.name() } else { "none".into() },
            secret: server.username.as_ref().and_then(|_| server.secrets.0.first()).map(SecretView::of),
            allow_plaintext_auth: server.allow_plaintext_auth,
            ehlo_name: server.ehlo_name.as_ref().map(ToString::to_string),
            ca_file: server.tls.ca_file.as_ref().map(|path| path.display().to_string()),
            tls_fingerprint: server.tls.fingerprint.as_ref().map(show_fingerprint),
        }
    }
}

impl SecretView {
    fn of(stated: &NamedSource) -> Self {
        let value = match &stated.source {
            SecretSource::Command(program) | SecretSource::TokenCommand(program) => show_program(program),
            SecretSource::File(path) => path.display().to_string(),
            SecretSource::Descriptor(number) => number.to_string(),
            SecretSource::Variable(name) => name.clone(),
            SecretSource::Literal(_) => "set".into(),
        };
        SecretView { source: stated.source.name(), value, from: stated.by.clone() }
    }
}

/// A fingerprint as [`Fingerprint::parse`] reads it.
pub fn show_fingerprint(fingerprint: &Fingerprint) -> String {
    format!("sha256:{}", fingerprint.hex())
}

/// A command on one line: the words of an array quoted where a shell would need it.
pub fn show_program(program: &Program) -> String {
    let word = |word: &String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@,:=%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    match program {
        Program::Shell(line) => line.clone(),
        Program::Argv(words) => words.iter().map(word).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Env, schema};
    use super::*;
    use std::path::Path;

    fn view(text: &str) -> serde_json::Value {
        let env = Env::default();
        let context = schema::PathContext { env: &env, beside: Path::new("/c") };
        let contents = schema::read(text, context).unwrap();
        let view = AccountView::of(&contents.accounts[0], contents.default_account.as_deref());
        serde_json::to_value(view).unwrap()
    }

    #[test]
    fn what_holds_is_told_with_its_defaults_and_never_a_secret() {
        let told = view(
            "default-account = 'a'\n[accounts.a]\nemail = 'ana@b.example'\npassword = 'S3CRET'\n\
             pop3.host = 'h'\nsmtp.host = 's'\nsmtp.auth = 'none'\nfetch.mbox = 'in.mbox'",
        );
        assert!(!told.to_string().contains("S3CRET"));
        assert_eq!(told["default"], true);
        assert_eq!(told["pop3"]["port"], 995);
        assert_eq!(told["pop3"]["username"], "ana@b.example");
        assert_eq!(told["pop3"]["secret"]["source"], "password");
        assert_eq!(told["pop3"]["secret"]["value"], "set");
        assert_eq!(told["smtp"]["auth"], "none");
        assert!(told["smtp"]["secret"].is_null());
        assert_eq!(told["fetch"]["mbox"], "/c/in.mbox");
        assert_eq!(told["fetch"]["after"], "keep");
    }

    #[test]
    fn commands_are_told_on_one_line() {
        let told = view(
            "[accounts.a]\nemail = 'ana@b.example'\npop3.host = 'h'\n\
             password-command = ['pass', 'show', \"it's\", '']",
        );
        assert_eq!(told["pop3"]["secret"]["value"], "pass show 'it'\\''s' ''");
        assert_eq!(told["pop3"]["secret"]["from"], "accounts.a.password-command");
    }
}
