//! From the text of the configuration file to accounts.
//!
//! Everything is checked: a key that is not known, a value of another type, a value that makes no sense, each
//! is a [`Fault`] at its place. A fault names keys that postie knows, and never repeats a value or a line of
//! the file: `password = "…` with a quote missing must not end in a terminal or a log.

mod node;

use super::keys;
use super::secret_source::{NamedSource, SecretSource, SecretSources};
use super::sendmail::{self, SendmailSettings};
use super::server::{self, Auth, Protocol, Server};
use super::{Account, Destination, Env, FetchSettings, values};
use crate::codec::smtp::EhloName;
use crate::net::certificate::Fingerprint;
use crate::net::{Security, TlsSettings};
use crate::words::{Address, Secret};
use node::{Entry, Node};
use std::collections::BTreeMap;
use std::mem;
use std::path::Path;
use toml_edit::visit_mut::VisitMut;
use toml_edit::{Document, Formatted, Item, Value};
use zeroize::Zeroize as _;

/// What is wrong with the file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place in the text, in octets.
    pub at: usize,
    /// The dotted key of the value or table it is in, as far as postie knows it; empty at the top.
    pub within: String,
    /// What is wrong.
    pub what: String,
    /// What may have been meant.
    pub hint: Option<String>,
}

/// What the file says.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The account to take where nothing else decides.
    pub default_account: Option<String>,
    /// The accounts, in the file's order.
    pub accounts: Vec<Account>,
    /// Whether a password stands in it.
    pub holds_secret: bool,
}

/// What paths in the file refer to.
#[derive(Clone, Copy, Debug)]
pub struct PathContext<'a> {
    /// For `~`.
    pub env: &'a Env,
    /// The file's directory, for relative paths.
    pub beside: &'a Path,
}

/// Whether a value begins at `at` that can only be a text: the parser's words are about numbers then.
fn lacks_quotes(text: &str, at: usize) -> bool {
    let (Some(before), Some(behind)) = (text.get(..at), text.get(at..)) else { return false };
    before.trim_end_matches([' ', '\t']).ends_with('=')
        && behind.starts_with(|c: char| c.is_alphabetic() || matches!(c, '~' | '/' | '.'))
}

/// Reads the text of a configuration file.
pub fn read(text: &str, context: PathContext<'_>) -> Result<Contents, Fault> {
    let document = parse(text)?;
    let contents = contents(document.as_item(), context);
    Forget.visit_item_mut(&mut document.into_item());
    contents
}

/// Parses TOML. Keys and values have their places in the text until the document is made one to edit.
fn parse(text: &str) -> Result<Document<&str>, Fault> {
    Document::parse(text).map_err(|error| {
        let at = error.span().map_or(text.len(), |span| span.start);
        // The parser's own words for the grammar; only its `Display` would show the line.
        let what = error.message().lines().next().unwrap_or("not TOML").to_owned();
        let hint = lacks_quotes(text, at).then(|| "a text stands in quotes: key = \"text\"".into());
        let what = if hint.is_some() { "this text has no quotes around it".into() } else { what };
        Fault { at, within: String::new(), what, hint }
    })
}

/// Overwrites the texts of a document that is not needed any more: a password may be among them.
struct Forget;

impl VisitMut for Forget {
    fn visit_string_mut(&mut self, text: &mut Formatted<String>) {
        mem::replace(text, Formatted::new(String::new())).into_value().zeroize();
    }
}

fn contents(root: &Item, context: PathContext<'_>) -> Result<Contents, Fault> {
    let mut reader = Reader { context, holds_secret: false };
    let mut contents = Contents::default();
    let mut default_at = 0;
    let top = Node { key: "", path: String::new(), value: root };
    for node in top.entries(keys::ROOT)? {
        match node.key {
            "default-account" => {
                contents.default_account = Some(node.text(values::account_name)?);
                default_at = node.at();
            }
            _ => {
                for entry in node.sorted()? {
                    contents.accounts.push(reader.account(&entry)?);
                }
            }
        }
    }
    if let Some(name) = &contents.default_account
        && !contents.accounts.iter().any(|account| account.label == *name)
    {
        let what = "there is no account of that name".into();
        return Err(Fault { at: default_at, within: "default-account".into(), what, hint: None });
    }
    contents.holds_secret = reader.holds_secret;
    Ok(contents)
}

/// The sources named in one table, by rank.
type Ranked = Vec<(usize, NamedSource)>;

/// What a server's table says, before the account's own words fill the gaps.
#[derive(Default)]
struct ServerTable {
    at: usize,
    host: Option<String>,
    port: Option<u16>,
    security: Option<Security>,
    username: Option<String>,
    auth: Option<Auth>,
    ehlo_name: Option<EhloName>,
    /// `auth = "none"`.
    no_auth: bool,
    allow_plaintext_auth: bool,
    secrets: Ranked,
    tls: TlsSettings,
}

/// What an account's own keys give to both its servers.
#[derive(Default)]
struct Shared {
    email: Option<Address>,
    secrets: Ranked,
    tls: TlsSettings,
}

struct Reader<'a> {
    context: PathContext<'a>,
    holds_secret: bool,
}

impl Reader<'_> {
    fn account(&mut self, entry: &Entry<'_>) -> Result<Account, Fault> {
        let name = values::account_name(entry.key).map_err(|what| Fault {
            at: entry.at,
            within: "accounts".into(),
            what,
            hint: None,
        })?;
        let table = Node { key: "", path: format!("accounts.{name}"), value: entry.value };
        let mut shared = Shared::default();
        let mut account = Account {
            label: name.clone(),
            name_in_config: Some(name),
            email: None,
            name: None,
            description: None,
            incoming: None,
            smtp: None,
            fetch: FetchSettings::default(),
            sendmail: SendmailSettings::default(),
        };
        let (mut pop3, mut smtp) = (None, None);
        for node in table.entries(keys::ACCOUNT)? {
            match node.key {
                "email" => shared.email = Some(node.text(address)?),
                "from" => account.sendmail.from = Some(node.text(address)?),
                "log-file" => account.sendmail.log_file = Some(self.path(&node)?),
                "aliases" => account.sendmail.aliases = aliases(&node)?,
                "name" => account.name = Some(node.text(values::plain_text)?),
                "description" => account.description = Some(node.text(values::plain_text)?),
                "pop3" => pop3 = Some(self.server(&node, Protocol::Pop3)?),
                "smtp" => smtp = Some(self.server(&node, Protocol::Smtp)?),
                "fetch" => account.fetch = self.fetch(&node)?,
                _ => self.common(&node, &mut shared.secrets, &mut shared.tls)?,
            }
        }
        account.incoming =
            pop3.map(|table| complete(Protocol::Pop3, table, &shared, &account.label)).transpose()?;
        account.smtp =
            smtp.map(|table| complete(Protocol::Smtp, table, &shared, &account.label)).transpose()?;
        account.email = shared.email;
        Ok(account)
    }

    fn server(&mut self, table: &Node<'_>, protocol: Protocol) -> Result<ServerTable, Fault> {
        let mut found = ServerTable { at: table.at(), ..ServerTable::default() };
        for node in table.entries(keys::SERVER)? {
            match node.key {
                "host" => found.host = Some(node.text(server::host)?),
                "port" => found.port = Some(node.port()?),
                "tls" => found.security = Some(node.text(server::security)?),
                "username" => found.username = Some(node.text(server::username)?),
                "auth" if protocol == Protocol::Smtp && node.value.as_str() == Some("none") => {
                    found.no_auth = true;
                }
                "auth" => found.auth = Some(node.text(|text| Auth::parse(text, protocol))?),
                "ehlo-name" if protocol == Protocol::Smtp => {
                    found.ehlo_name = Some(node.text(server::ehlo_name)?);
                }
                "ehlo-name" => return Err(node.fault("only an SMTP server is told a name")),
                "allow-plaintext-auth" => found.allow_plaintext_auth = node.boolean()?,
                _ => self.common(&node, &mut found.secrets, &mut found.tls)?,
            }
        }
        Ok(found)
    }

    /// The keys that accounts and servers share.
    fn common(&mut self, node: &Node<'_>, secrets: &mut Ranked, tls: &mut TlsSettings) -> Result<(), Fault> {
        let (rank, source) = match node.key {
            "ca-file" => {
                tls.ca_file = Some(self.path(node)?);
                return Ok(());
            }
            "tls-fingerprint" => {
                let wanted = "not a fingerprint: sha256: and 64 hexadecimal digits";
                tls.fingerprint = Some(node.text(|text| Fingerprint::parse(text).ok_or(wanted.into()))?);
                return Ok(());
            }
            "password-command" => (0, SecretSource::Command(node.command()?)),
            "password-file" => (1, SecretSource::File(self.path(node)?)),
            "password-env" => (2, SecretSource::variable(&node.text(variable_name)?)),
            "token-command" => (3, SecretSource::TokenCommand(node.command()?)),
            _ => {
                self.holds_secret = true;
                (4, SecretSource::Literal(node.text(literal)?))
            }
        };
        secrets.push((rank, NamedSource { source, by: node.path.clone() }));
        secrets.sort_by_key(|(rank, _)| *rank);
        Ok(())
    }

    fn path(&self, node: &Node<'_>) -> Result<std::path::PathBuf, Fault> {
        node.text(|text| self.context.env.expand(text, self.context.beside))
    }

    fn fetch(&self, table: &Node<'_>) -> Result<FetchSettings, Fault> {
        let mut settings = FetchSettings::default();
        for node in table.entries(keys::FETCH)? {
            let destination = match node.key {
                "maildir" => Destination::Maildir(self.path(&node)?),
                "mbox" => Destination::Mbox(self.path(&node)?),
                "exec" => Destination::Exec(node.command()?),
                _ => {
                    settings.after = node.text(values::afterwards)?;
                    continue;
                }
            };
            if settings.destination.replace(destination).is_some() {
                return Err(node.fault("only one of maildir, mbox and exec can be the destination"));
            }
        }
        Ok(settings)
    }
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}

/// The aliases of an account: its keys are local names.
fn aliases(table: &Node<'_>) -> Result<BTreeMap<String, Vec<Address>>, Fault> {
    let mut found = BTreeMap::new();
    for Entry { key, at, value } in table.sorted()? {
        let fault = |at: usize, what: String| Fault { at, within: table.path.clone(), what, hint: None };
        let name = sendmail::alias_name(key).map_err(|what| fault(at, what))?;
        let value = Node { key: "", path: table.path.clone(), value };
        let wanted = || value.fault("a string of addresses, or an array of them, is wanted here");
        let texts = match value.value {
            Item::Value(Value::String(text)) => vec![text.value().as_str()],
            Item::Value(Value::Array(all)) => {
                all.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(wanted)?
            }
            _ => return Err(wanted()),
        };
        let addresses = sendmail::alias(&texts.join(",")).map_err(|what| value.fault(what))?;
        if found.insert(name, addresses).is_some() {
            return Err(fault(at, "this name, in other letters, has an alias already".into()));
        }
    }
    Ok(found)
}

/// A server, the gaps of its table filled.
fn complete(protocol: Protocol, table: ServerTable, shared: &Shared, account: &str) -> Result<Server, Fault> {
    let within = format!("accounts.{account}.{}", protocol.name());
    let fault = |what: &str| Fault { at: table.at, within: within.clone(), what: what.into(), hint: None };
    let host = table.host.ok_or_else(|| fault("the host is missing"))?;
    let mut server = Server::new(protocol, host, table.security.unwrap_or(Security::Implicit));
    server.port = table.port.unwrap_or(server.port);
    server.auth = table.auth.unwrap_or_default();
    server.allow_plaintext_auth = table.allow_plaintext_auth;
    server.ehlo_name = table.ehlo_name;
    server.tls.ca_file = table.tls.ca_file.or_else(|| shared.tls.ca_file.clone());
    server.tls.fingerprint = table.tls.fingerprint.or(shared.tls.fingerprint);
    let named = table.secrets.iter().chain(&shared.secrets);
    server.secrets = SecretSources(named.map(|(_, stated)| stated.clone()).collect());
    if table.no_auth {
        server.secrets = SecretSources::default();
        return Ok(server);
    }
    let own = || shared.email.as_ref().map(|email| email.as_str().to_owned());
    server.username = table.username.or_else(own);
    if server.username.is_none() {
        let relay = if protocol == Protocol::Smtp { ", or auth = \"none\"" } else { "" };
        return Err(fault(&format!("nobody to log in: give a username, or the account an email{relay}")));
    }
    Ok(server)
}

fn variable_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(['=', '\0', '$']) {
        return Err("not the name of an environment variable".into());
    }
    values::plain_text(text)
}

fn literal(text: &str) -> Result<Secret, String> {
    let secret = Secret::new(text);
    if secret.is_empty() {
        return Err("the password is empty".into());
    }
    if secret.breaks_lines() { Err("the password holds a CR, LF or NUL".into()) } else { Ok(secret) }
}

#[cfg(test)]
mod tests;
