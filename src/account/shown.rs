//! What is shown of an account: as JSON, and as lines for people. Of secrets only where they come from.

use super::proxy::ProxyChoice;
use super::secret_source::{NamedSource, SecretSource};
use super::server::Server;
use crate::net::certificate::Fingerprint;
use crate::process::Program;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// What is shown of a key.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// It is not shown where it stands, not even as null.
    Absent,
    /// It is not set.
    Nothing,
    Text(String),
    Number(u16),
    Flag(bool),
    /// Texts, one after the other.
    List(Vec<String>),
    /// Names, each with texts.
    Names(BTreeMap<String, Vec<String>>),
    /// Where the secret of a server comes from, the source that counts.
    Secret(SecretView),
    Table(ShownTable),
}

/// The keys of a table, and what is shown of each.
#[derive(Clone, Debug)]
pub struct ShownTable(pub Vec<(&'static str, Shown)>);

/// Where the secret of a server comes from.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum SecretView {
    /// Nobody logs in.
    Unused,
    /// No source is named.
    Asked,
    /// A key of the file names it.
    From {
        /// `password-command`, `password`, …
        source: &'static str,
        /// The command, file or variable; of a password in the file only that it is `set`.
        value: String,
        /// The key of the file, with its tables.
        from: String,
    },
}

impl Shown {
    pub fn text(value: impl ToString) -> Self {
        Shown::Text(value.to_string())
    }

    pub fn maybe(value: Option<impl ToString>) -> Self {
        value.map_or(Shown::Nothing, Shown::text)
    }
}

impl SecretView {
    /// The source that counts for a server.
    pub fn of(server: &Server) -> Self {
        if server.username.is_none() {
            return SecretView::Unused;
        }
        if let Some(grant) = &server.oauth {
            let whose =
                grant.provider().map_or_else(|| grant.issuer.clone(), |provider| provider.name().to_owned());
            return SecretView::From { source: "oauth", value: whose, from: grant.place.clone() };
        }
        let Some(named) = server.secrets.0.first() else { return SecretView::Asked };
        SecretView::named(named, named.source.name())
    }

    /// Where the secret of an OAuth2 client comes from.
    pub fn of_client(named: &NamedSource) -> Self {
        let source = match &named.source {
            SecretSource::Command(_) => "client-secret-command",
            SecretSource::File(_) => "client-secret-file",
            SecretSource::Variable(_) => "client-secret-env",
            _ => "client-secret",
        };
        SecretView::named(named, source)
    }

    fn named(named: &NamedSource, source: &'static str) -> Self {
        let value = match &named.source {
            SecretSource::Command(program) | SecretSource::TokenCommand(program) => show_program(program),
            SecretSource::File(path) => path.display().to_string(),
            SecretSource::Descriptor(number) => number.to_string(),
            SecretSource::Variable(name) => name.clone(),
            SecretSource::Literal(_) => "set".into(),
            SecretSource::Helper(_) => "git".into(),
        };
        SecretView::From { source, value, from: named.by.clone() }
    }

    fn line(&self, table: &str) -> Option<(String, String)> {
        match self {
            SecretView::Unused => None,
            SecretView::Asked => Some((format!("{table}password"), "asked on the terminal".into())),
            SecretView::From { source, value, from } => {
                let key = format!("{table}{source}");
                let shared = if from.ends_with(&key) { "" } else { " (of the account)" };
                Some((key, format!("{value}{shared}")))
            }
        }
    }
}

impl ShownTable {
    /// A line for each key that is set, called as `config set` calls it.
    pub fn lines(&self) -> Vec<(String, String)> {
        self.lines_below("")
    }

    fn lines_below(&self, table: &str) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        for (name, shown) in &self.0 {
            let key = format!("{table}{name}");
            match shown {
                Shown::Absent | Shown::Nothing | Shown::Flag(false) => {}
                Shown::Text(text) => lines.push((key, text.clone())),
                Shown::Number(number) => lines.push((key, number.to_string())),
                Shown::Flag(true) => lines.push((key, "true".into())),
                Shown::List(texts) => lines.push((key, texts.join(", "))),
                Shown::Names(names) => {
                    lines.extend(
                        names.iter().map(|(name, texts)| (format!("{key}.{name}"), texts.join(", "))),
                    );
                }
                Shown::Secret(secret) => lines.extend(secret.line(table)),
                Shown::Table(inner) => lines.extend(inner.lines_below(&format!("{key}."))),
            }
        }
        lines
    }
}

impl Serialize for ShownTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, shown)| (name.replace('-', "_"), shown)))
    }
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

/// A proxy as the key `proxy` reads it.
pub fn show_proxy(choice: &ProxyChoice) -> String {
    match choice {
        ProxyChoice::Direct => "none".into(),
        ProxyChoice::Socks(address) => address.url(),
    }
}

/// A fingerprint as [`Fingerprint::parse`] reads it.
pub fn show_fingerprint(fingerprint: &Fingerprint) -> String {
    format!("sha256:{}", fingerprint.hex())
}
