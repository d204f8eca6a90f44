//! From the text of the configuration file to accounts.
//!
//! Everything is checked: a key that is not known, a value of another type, a value that makes no sense, each
//! is a [`Fault`] at its place. A fault names keys that postie knows, and never repeats a value or a line of
//! the file: `password = "…` with a quote missing must not end in a terminal or a log.

use super::command;
use super::keys::{self, Key};
use super::secrets::{SecretSources, Source, Stated};
use super::sendmail::{self, SendmailSettings};
use super::server::{self, Auth, Protocol, Server};
use super::{Account, Destination, Env, FetchSettings, values};
use crate::net::certificate::Fingerprint;
use crate::net::{Security, TlsSettings};
use crate::store::Program;
use crate::words::{Address, Secret};
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

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
pub struct Context<'a> {
    /// For `~`.
    pub env: &'a Env,
    /// The file's directory, for relative paths.
    pub beside: &'a Path,
}

/// Reads the text of a configuration file.
pub fn read(text: &str, context: Context<'_>) -> Result<Contents, Fault> {
    let root = DeTable::parse(text).map_err(|error| Fault {
        at: error.span().map_or(text.len(), |span| span.start),
        within: String::new(),
        // The parser's own words for the grammar; only its `Display` would show the line.
        what: error.message().to_owned(),
        hint: None,
    })?;
    let mut reader = Reader { context, holds_secret: false };
    let mut contents = Contents::default();
    let mut default_at = 0;
    for node in Node::top(&root).entries(keys::ROOT)? {
        match node.key {
            "default-account" => {
                contents.default_account = Some(node.text(values::account_name)?);
                default_at = node.at();
            }
            _ => {
                for (key, value) in node.sorted()? {
                    contents.accounts.push(reader.account(key, value)?);
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

/// A value, with the dotted key it has.
struct Node<'a> {
    key: &'static str,
    path: String,
    value: &'a DeValue<'a>,
    start: usize,
    table: Option<&'a DeTable<'a>>,
}

type Pair<'a> = (&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>);

impl<'a> Node<'a> {
    fn top(root: &'a Spanned<DeTable<'a>>) -> Self {
        const NOTHING: &DeValue<'static> = &DeValue::Boolean(false);
        Node { key: "", path: String::new(), value: NOTHING, start: 0, table: Some(root.get_ref()) }
    }

    fn new(key: &'static str, path: String, value: &'a Spanned<DeValue<'a>>) -> Self {
        let inner = value.get_ref();
        Node { key, path, value: inner, start: value.span().start, table: inner.as_table() }
    }

    fn at(&self) -> usize {
        self.start
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { at: self.start, within: self.path.clone(), what: what.into(), hint: None }
    }

    fn below(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// What is in a table, in the file's order.
    fn sorted(&self) -> Result<Vec<Pair<'a>>, Fault> {
        let table = self.table.ok_or_else(|| self.fault("a table is wanted here"))?;
        let mut pairs: Vec<Pair<'a>> = table.iter().collect();
        pairs.sort_by_key(|(key, _)| key.span().start);
        Ok(pairs)
    }

    /// What is in a table that has only `known` keys.
    fn entries(&self, known: &'static [Key]) -> Result<Vec<Node<'a>>, Fault> {
        let mut nodes = Vec::new();
        for (key, value) in self.sorted()? {
            let typed: &str = key.get_ref();
            match known.iter().find(|(name, _)| *name == typed) {
                Some((name, _)) => nodes.push(Node::new(name, self.below(name), value)),
                None => {
                    return Err(Fault {
                        at: key.span().start,
                        within: self.path.clone(),
                        what: "this key is not known".into(),
                        hint: Some(keys::suggest(typed, known)),
                    });
                }
            }
        }
        Ok(nodes)
    }

    fn text<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Fault> {
        let text = self.value.as_str().ok_or_else(|| self.fault("a string is wanted here"))?;
        read(text).map_err(|what| self.fault(what))
    }

    fn command(&self) -> Result<Program, Fault> {
        let wanted = || self.fault("a string for the shell, or an array of strings, is wanted here");
        let read = match self.value {
            DeValue::String(line) => command::shell(line),
            DeValue::Array(words) => command::argv(
                words
                    .iter()
                    .map(|word| word.get_ref().as_str().map(str::to_owned))
                    .collect::<Option<_>>()
                    .ok_or_else(wanted)?,
            ),
            _ => return Err(wanted()),
        };
        read.map_err(|what| self.fault(what))
    }

    fn port(&self) -> Result<u16, Fault> {
        let DeValue::Integer(number) = self.value else {
            return Err(self.fault("a number (1 to 65535) is wanted here"));
        };
        u16::from_str_radix(number.as_str(), number.radix())
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| self.fault("not a port (1 to 65535)"))
    }

    fn boolean(&self) -> Result<bool, Fault> {
        self.value.as_bool().ok_or_else(|| self.fault("true or false is wanted here"))
    }
}

/// The sources named in one table, by rank.
type Ranked = Vec<(usize, Stated)>;

/// What a server's table says, before the account's own words fill the gaps.
#[derive(Default)]
struct ServerTable {
    at: usize,
    host: Option<String>,
    port: Option<u16>,
    security: Option<Security>,
    username: Option<String>,
    auth: Option<Auth>,
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
    context: Context<'a>,
    holds_secret: bool,
}

impl Reader<'_> {
    fn account(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Account, Fault> {
        let name = values::account_name(key.get_ref()).map_err(|what| Fault {
            at: key.span().start,
            within: "accounts".into(),
            what,
            hint: None,
        })?;
        let table = Node::new("", format!("accounts.{name}"), value);
        let mut shared = Shared::default();
        let mut account = Account {
            label: name.clone(),
            name_in_config: Some(name),
            email: None,
            name: None,
            description: None,
            pop3: None,
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
        account.pop3 =
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
            "password-command" => (0, Source::Command(node.command()?)),
            "password-file" => (1, Source::File(self.path(node)?)),
            "password-env" => (2, Source::Variable(node.text(variable_name)?)),
            "token-command" => (3, Source::TokenCommand(node.command()?)),
            _ => {
                self.holds_secret = true;
                (4, Source::Literal(node.text(literal)?))
            }
        };
        secrets.push((rank, Stated { source, by: node.path.clone() }));
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
    for (key, value) in table.sorted()? {
        let fault = |at: usize, what: String| Fault { at, within: table.path.clone(), what, hint: None };
        let name = sendmail::alias_name(key.get_ref()).map_err(|what| fault(key.span().start, what))?;
        let at = value.span().start;
        let wanted = || fault(at, "a string of addresses, or an array of them, is wanted here".into());
        let texts = match value.get_ref() {
            DeValue::String(text) => vec![text.as_ref()],
            DeValue::Array(all) => {
                all.iter().map(|one| one.get_ref().as_str()).collect::<Option<_>>().ok_or_else(wanted)?
            }
            _ => return Err(wanted()),
        };
        let addresses = sendmail::alias(&texts.join(",")).map_err(|what| fault(at, what))?;
        if found.insert(name, addresses).is_some() {
            return Err(fault(key.span().start, "this name, in other letters, has an alias already".into()));
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
mod tests {
    use super::*;
    use crate::work::plan::After;
    use std::time::Duration;

    fn read(text: &str) -> Result<Contents, Fault> {
        let env = Env::from_iter([("HOME", "/home/ana")]);
        super::read(text, Context { env: &env, beside: Path::new("/etc/postie") })
    }

    fn only(text: &str) -> Account {
        read(text).unwrap().accounts.remove(0)
    }

    const WHOLE: &str = r#"
default-account = "work"

[accounts.work]
email = "ana@example.org"
name  = "Ana Example"
description = "Work mail"
password-command = ["pass", "show", "mail/work"]   # both servers
ca-file = "ca.pem"

[accounts.work.pop3]
host = "POP.example.org."
port = 1995
tls  = "starttls"
auth = "apop"
password-file = "~/pw"

[accounts.work.smtp]
host = "smtp.example.org"
username = "ana"
tls = "none"
allow-plaintext-auth = true

[accounts.work.fetch]
maildir = "~/Mail/work"
after   = "delete-after 14d"
"#;

    #[test]
    fn every_key_of_an_account_is_taken() {
        let contents = read(WHOLE).unwrap();
        assert_eq!(contents.default_account.as_deref(), Some("work"));
        assert!(!contents.holds_secret);
        let account = &contents.accounts[0];
        assert_eq!((&*account.label, account.name.as_deref()), ("work", Some("Ana Example")));
        let pop3 = account.pop3.as_ref().unwrap();
        assert_eq!(pop3.label(), "ana@example.org@pop.example.org:1995");
        assert_eq!((pop3.security, pop3.auth), (Security::StartTls, Auth::Apop));
        let said: Vec<&str> = pop3.secrets.0.iter().map(|stated| &*stated.by).collect();
        assert_eq!(said, ["accounts.work.pop3.password-file", "accounts.work.password-command"]);
        let smtp = account.smtp.as_ref().unwrap();
        assert_eq!((smtp.label().as_str(), smtp.security), ("ana@smtp.example.org:25", Security::None));
        assert!(smtp.allow_plaintext_auth && !pop3.allow_plaintext_auth);
        assert_eq!(smtp.tls.ca_file.as_deref(), Some(Path::new("/etc/postie/ca.pem")));
        assert_eq!(account.fetch.destination, Some(Destination::Maildir("/home/ana/Mail/work".into())));
        assert_eq!(account.fetch.after, After::DeleteAfter(Duration::from_secs(14 * 86_400)));
    }

    #[test]
    fn what_is_not_said_has_the_safe_default() {
        let account = only("[accounts.a]\nemail = 'a@b.example'\npop3.host = 'h'\nsmtp.host = 'h'");
        let (pop3, smtp) = (account.pop3.unwrap(), account.smtp.unwrap());
        assert_eq!((pop3.security, pop3.port, pop3.auth), (Security::Implicit, 995, Auth::Auto));
        assert_eq!((smtp.security, smtp.port, smtp.auth), (Security::Implicit, 465, Auth::Auto));
        assert_eq!(pop3.username.as_deref(), Some("a@b.example"));
        assert!(!pop3.allow_plaintext_auth && pop3.secrets.0.is_empty());
        assert_eq!(account.fetch, FetchSettings::default());
    }

    #[test]
    fn sources_in_one_table_have_the_order_of_the_contract() {
        let account = only(
            "[accounts.a]\nemail = 'a@b.example'\npassword = 'p'\ntoken-command = 't'\npassword-env = 'E'\n\
             password-file = '/f'\npassword-command = 'c'\npop3.host = 'h'\npop3.password = 'own'",
        );
        let secrets = account.pop3.unwrap().secrets;
        let names: Vec<&str> = secrets.0.iter().map(|stated| stated.source.name()).collect();
        let account_s = ["password-command", "password-file", "password-env", "token-command", "password"];
        assert_eq!(names[0], "password");
        assert_eq!(names[1..], account_s);
    }

    #[test]
    fn a_relay_without_auth_is_said_so_and_pop3_has_no_such_thing() {
        let relay = only("[accounts.a]\nemail = 'a@b.example'\nsmtp.host = 'h'\nsmtp.auth = 'none'");
        assert_eq!(relay.smtp.unwrap().username, None);
        assert!(read("[accounts.a]\nemail = 'a@b.example'\npop3.host = 'h'\npop3.auth = 'none'").is_err());
        assert!(read("[accounts.a]\npop3.host = 'h'").is_err());
        assert!(read("[accounts.a]\nsmtp.host = 'h'").is_err());
    }

    #[test]
    fn faults_have_their_place_and_their_key() {
        for (text, line, within) in [
            ("[accounts.a]\nemial = 'a@b.example'", 2, "accounts.a"),
            ("[accounts.a.pop3]\nhost = 'h'\ntsl = 'none'", 3, "accounts.a.pop3"),
            ("[accounts.a.pop3]\nhost = 'h'\nport = '995'", 3, "accounts.a.pop3.port"),
            ("[accounts.a.pop3]\nport = 0", 2, "accounts.a.pop3.port"),
            ("[accounts.a.pop3]\nport = 65536", 2, "accounts.a.pop3.port"),
            ("[accounts.a.pop3]\nport = -1", 2, "accounts.a.pop3.port"),
            ("[accounts.a.pop3]\nhost = \"a\\r\\nb\"", 2, "accounts.a.pop3.host"),
            ("[accounts.a.smtp]\nauth = 'apop'", 2, "accounts.a.smtp.auth"),
            ("[accounts.a.smtp]\nallow-plaintext-auth = 'yes'", 2, "accounts.a.smtp.allow-plaintext-auth"),
            ("[accounts.a]\nemail = 'a b'", 2, "accounts.a.email"),
            ("[accounts.a]\nname = \"x\\u0000\"", 2, "accounts.a.name"),
            ("[accounts.a]\npassword-command = []", 2, "accounts.a.password-command"),
            ("[accounts.a]\npassword-command = ['a', 1]", 2, "accounts.a.password-command"),
            ("[accounts.a]\npassword = ''", 2, "accounts.a.password"),
            ("[accounts.a]\ntls-fingerprint = 'sha1:00'", 2, "accounts.a.tls-fingerprint"),
            ("[accounts.a]\npop3 = 'h'", 2, "accounts.a.pop3"),
            ("[accounts.a.fetch]\nmaildir = '/a'\nmbox = '/b'", 3, "accounts.a.fetch.mbox"),
            ("[accounts.a.fetch]\nafter = 'never'", 2, "accounts.a.fetch.after"),
            ("[accounts.\"-x\"]", 1, "accounts"),
            ("accounts = 3", 1, "accounts"),
            ("\ndefault-account = 'gone'", 2, "default-account"),
            ("verbose = true", 1, ""),
        ] {
            let fault = read(text).unwrap_err();
            let found = text[..fault.at].matches('\n').count() + 1;
            assert_eq!((found, &*fault.within), (line, within), "{text}: {fault:?}");
        }
    }

    #[test]
    fn no_fault_repeats_what_stands_in_the_file() {
        for text in [
            "[accounts.a]\npassword = \"S3CRET",
            "[accounts.a]\npassword = S3CRET",
            "[accounts.a]\npassword \"S3CRET\"",
            "[accounts.a]\nS3CRET",
            "[accounts.a]\nS3CRET = 1",
            "[accounts.a]\npassword.S3CRET = 1",
            "[accounts.a]\npasword = \"S3CRET\"",
            "[accounts.a]\npassword = \"x\"\npassword = \"S3CRET\"",
            "[accounts.a]\nS3CRET = 1\nS3CRET = 2",
            "[accounts.a]\npassword = \"S3CRET\\q\"",
            "[accounts.a]\npassword = \"S3CRET\\nmore\"",
            "[accounts.a]\npassword = [\"S3CRET\"]",
            "[accounts.a]\nemail = \"S3CRET\"",
            "[accounts.a]\npassword-env = \"S3CRET=x\"",
            "[accounts.a]\npassword-file = \"~S3CRET\"",
            "[accounts.a.pop3]\nhost = \"S3CRET:S3CRET\"",
            "[accounts.a.pop3]\ntls = \"S3CRET\"",
            "[accounts.a.pop3]\nauth = \"S3CRET\"",
            "[accounts.a.fetch]\nafter = \"S3CRET\"",
            "[accounts.a]\npassword = \"S3CRET\u{0}\"",
        ] {
            let fault = read(text).unwrap_err();
            assert!(!format!("{fault:?}").contains("S3CRET"), "{text}: {fault:?}");
        }
    }

    #[test]
    fn byte_order_mark_crlf_and_an_empty_file_are_fine() {
        let crlf = format!("\u{feff}{}", WHOLE.replace('\n', "\r\n"));
        assert_eq!(read(&crlf).unwrap().accounts.len(), 1);
        assert!(read("").unwrap().accounts.is_empty());
        assert!(read("\u{feff}").unwrap().accounts.is_empty());
    }

    #[test]
    fn deep_nesting_is_a_fault_and_no_crash() {
        for text in [format!("x = {}", "[".repeat(100_000)), format!("{} = 1", vec!["a"; 50_000].join("."))] {
            assert!(read(&text).is_err());
        }
    }

    #[test]
    fn accounts_keep_the_order_of_the_file() {
        let contents = read("[accounts.z]\n[accounts.a]\n[accounts.m]\n").unwrap();
        let labels: Vec<&str> = contents.accounts.iter().map(|account| &*account.label).collect();
        assert_eq!(labels, ["z", "a", "m"]);
    }
}
