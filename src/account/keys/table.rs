//! The rows: every key of the configuration file.

use super::connection::{
    CLIENT_CERTIFICATE, CLIENT_KEY, CLIENT_KEY_PASSWORD_COMMAND, CLIENT_KEY_PASSWORD_ENV,
    CLIENT_KEY_PASSWORD_FILE, PROXY, PROXY_PASSWORD_COMMAND, PROXY_PASSWORD_ENV, PROXY_PASSWORD_FILE,
    SASL_COMMAND,
};
use super::fetch::FETCH;
use super::oauth::OAUTH;
use super::{
    Key, KeyPart, SharedKey, Type, common, hidden, key, literal, path, read, rows, set, shared, show,
    variable_name,
};
use crate::account::document::{Fault, Node};
use crate::account::draft::{AccountDraft, FileDraft, OAuthDraft, ServerDraft};
use crate::account::secret_source::SecretSource;
use crate::account::server::{self, Protocol, Server, security_name};
use crate::account::shown::{SecretView, Shown, show_fingerprint, show_program, show_proxy};
use crate::account::{Account, sendmail, values};
use crate::net::certificate::Fingerprint;
use crate::words::Address;
use std::sync::Arc;

// Rows of accounts and of servers alike. In one table, the first source of a secret that is set counts.

const PASSWORD_COMMAND: SharedKey = common(
    KeyPart::Secret,
    "password-command",
    Type::Command,
    |shared, node| shared.secret(node, node.command().map(SecretSource::Command)),
    "A command whose first line of output is the password: a string is run by sh -c, an array is a program and its \
     arguments.",
);
const PASSWORD_FILE: SharedKey = common(
    KeyPart::Secret,
    "password-file",
    Type::Text,
    |shared, node| shared.secret(node, node.path().map(SecretSource::File)),
    "A file whose first line is the password. It must belong to you or root, and nobody else may read it.",
);
const PASSWORD_ENV: SharedKey = common(
    KeyPart::Secret,
    "password-env",
    Type::Text,
    |shared, node| shared.secret(node, node.text(variable_name).map(|name| SecretSource::variable(&name))),
    "The name of an environment variable with the password.",
);
const TOKEN_COMMAND: SharedKey = common(
    KeyPart::Secret,
    "token-command",
    Type::Command,
    |shared, node| shared.secret(node, node.command().map(SecretSource::TokenCommand)),
    "A command that prints an OAuth2 access token; the login is then by OAUTHBEARER or XOAUTH2.",
);
const PASSWORD: SharedKey = common(
    KeyPart::Secret,
    "password",
    Type::Password,
    |shared, node| shared.secret(node, node.text(literal).map(SecretSource::Literal)),
    "The password itself. The file must then be mode 0600. `postie config set NAME password -` reads it from \
     standard input; in arguments it is refused.",
);
const CREDENTIAL_HELPER: SharedKey = common(
    KeyPart::Secret,
    "credential-helper",
    Type::Text,
    |shared, node| shared.secret(node, node.text(credential_helper)),
    "\"git\": the password comes from git's credential helpers, by `git credential fill` with protocol=pop3, imap or \
     smtp, host=HOST:PORT and the user. They are told whether the server took it (approve, reject). With auth = \
     \"xoauth2\" or \"oauthbearer\" it is a token.",
);
const CA_FILE: SharedKey = common(
    KeyPart::Trust,
    "ca-file",
    Type::Text,
    |shared, node| set(&mut shared.tls.ca_file, node.path()),
    "A file of certificate authorities (PEM) that are trusted in addition to the system's.",
);
const TLS_FINGERPRINT: SharedKey = common(
    KeyPart::Trust,
    "tls-fingerprint",
    Type::Text,
    |shared, node| set(&mut shared.tls.fingerprint, node.text(fingerprint)),
    "sha256: and 64 hexadecimal digits: the one certificate that is trusted, whatever its chain, names and dates. \
     `postie test-account` shows it.",
);

/// The keys at the top of the file.
pub const ROOT: &[Key<FileDraft, ()>] = &[
    key(
        "default-account",
        Type::Text,
        |file, node| {
            let missing = node.fault("there is no account of that name");
            set(&mut file.default_account, node.text(values::account_name).map(|name| (name, missing)))
        },
        hidden,
        "The account to use if a command names none. `postie config default NAME` sets it; `postie config add` sets \
         it to the first account.",
    ),
    key("accounts", Type::Accounts, accounts, hidden, "A table for each account, by name: [accounts.work]."),
];

/// The keys of `[accounts.NAME]`.
pub const ACCOUNT: &[Key<AccountDraft, Account>] = &[
    key(
        "email",
        Type::Text,
        |draft, node| set(&mut draft.account.email, node.text(address)),
        |account| Shown::maybe(account.email.as_ref()),
        "The address of the account's owner: the From of sent messages, and the user name for servers without \
         username.",
    ),
    key(
        "name",
        Type::Text,
        |draft, node| set(&mut draft.account.name, node.text(values::plain_text)),
        |account| Shown::maybe(account.name.as_ref()),
        "The display name in From.",
    ),
    key(
        "description",
        Type::Text,
        |draft, node| set(&mut draft.account.description, node.text(values::plain_text)),
        |account| Shown::maybe(account.description.as_ref()),
        "A remark for yourself.",
    ),
    key(
        "from",
        Type::Text,
        |draft, node| set(&mut draft.account.sendmail.from, node.text(address)),
        |account| Shown::maybe(account.sendmail.from.as_ref()),
        "Called as sendmail: the address that replaces local senders (root, www-data). Default: email.",
    ),
    key(
        "log-file",
        Type::Text,
        |draft, node| set(&mut draft.account.sendmail.log_file, node.path()),
        |account| path(account.sendmail.log_file.as_deref()),
        "Called as sendmail: a file that gets a line for each message, accepted or not. Default: syslog, for failures.",
    ),
    key(
        "aliases",
        Type::Aliases,
        aliases,
        |account| {
            let texts = |all: &Vec<Address>| all.iter().map(ToString::to_string).collect();
            let names = account.sendmail.aliases.iter().map(|(name, all)| (name.clone(), texts(all)));
            Shown::Names(names.collect())
        },
        "Called as sendmail: a table of local names (root, or * for all others), each with an address, several \
         separated by commas, or an array of them.",
    ),
    shared(&PASSWORD_COMMAND, hidden),
    shared(&PASSWORD_FILE, hidden),
    shared(&PASSWORD_ENV, hidden),
    shared(&TOKEN_COMMAND, hidden),
    shared(&PASSWORD, hidden),
    shared(&CREDENTIAL_HELPER, hidden),
    shared(&CA_FILE, hidden),
    shared(&TLS_FINGERPRINT, hidden),
    shared(&CLIENT_CERTIFICATE, hidden),
    shared(&CLIENT_KEY, hidden),
    shared(&CLIENT_KEY_PASSWORD_COMMAND, hidden),
    shared(&CLIENT_KEY_PASSWORD_FILE, hidden),
    shared(&CLIENT_KEY_PASSWORD_ENV, hidden),
    shared(&SASL_COMMAND, hidden),
    shared(&PROXY, hidden),
    shared(&PROXY_PASSWORD_COMMAND, hidden),
    shared(&PROXY_PASSWORD_FILE, hidden),
    shared(&PROXY_PASSWORD_ENV, hidden),
    key(
        "pop3",
        Type::Table(|| rows(SERVER)),
        |draft, node| read_server(draft, node, Protocol::Pop3),
        |account| show_server(account.server(Protocol::Pop3)),
        "The server to fetch mail from by POP3.",
    ),
    key(
        "imap",
        Type::Table(|| rows(SERVER)),
        |draft, node| read_server(draft, node, Protocol::Imap),
        |account| show_server(account.server(Protocol::Imap)),
        "The server to fetch mail from by IMAP.",
    ),
    key(
        "smtp",
        Type::Table(|| rows(SERVER)),
        |draft, node| read_server(draft, node, Protocol::Smtp),
        |account| show_server(account.server(Protocol::Smtp)),
        "The server to send mail through.",
    ),
    key(
        "fetch",
        Type::Table(|| rows(FETCH)),
        |draft, node| read(FETCH, node, &mut draft.account.fetch),
        |account| Shown::Table(show(FETCH, &account.fetch)),
        "How mail is fetched.",
    ),
    key(
        "oauth",
        Type::Table(|| rows(OAUTH)),
        |draft, node| {
            let mut oauth = OAuthDraft::new(node);
            read(OAUTH, node, &mut oauth.settings)?;
            draft.oauth = Some(oauth);
            Ok(())
        },
        show_oauth,
        "How OAuth2 tokens are had, for all servers of the account that have no secret of their own.",
    ),
];

/// The keys of `[accounts.NAME.pop3]`, `.imap` and `.smtp`.
pub const SERVER: &[Key<ServerDraft, Server>] = &[
    key(
        "host",
        Type::Text,
        |draft, node| set(&mut draft.server.host, node.text(server::host)),
        |server| Shown::text(&server.host),
        "The server's name or address. Required.",
    ),
    key(
        "port",
        Type::Port,
        |draft, node| set(&mut draft.port, node.port()),
        |server| Shown::Number(server.port),
        "The TCP port. Default: with tls = \"implicit\" 995 (POP3) and 465 (SMTP), with \"starttls\" 110 and 587, \
         with \"none\" 110 and 25.",
    ),
    key(
        "tls",
        Type::Text,
        |draft, node| set(&mut draft.server.security, node.text(server::security)),
        |server| Shown::text(security_name(server.security)),
        "implicit: TLS from the first octet; starttls: TLS by STLS or STARTTLS, required; none: no TLS, and then a \
         secret is sent only to this machine. Default: implicit.",
    ),
    key(
        "username",
        Type::Text,
        |draft, node| set(&mut draft.server.username, node.text(server::username)),
        |server| Shown::maybe(server.username.as_ref()),
        "The user name for the login. Default: the account's email.",
    ),
    key(
        "auth",
        Type::Text,
        ServerDraft::auth,
        |server| Shown::maybe(server.username.as_ref().map(|_| server.auth.name()).or(Some("none".into()))),
        "The login method: auto, plain, login, scram-sha-256, scram-sha-256-plus, scram-sha-1, scram-sha-1-plus, \
         cram-md5, oauthbearer, xoauth2, external, gssapi (Kerberos, in a build with that feature), or any other that a \
         sasl-command plays; for POP3 also user and apop; for SMTP also none, which sends without \
         a login. Default: auto, the best that the server lists: under TLS one that sends the password, if the server \
         lists one; without TLS one that does not.",
    ),
    key(
        "ehlo-name",
        Type::Text,
        |draft, node| match draft.server.protocol {
            Protocol::Smtp => set(&mut draft.server.ehlo_name, node.text(server::ehlo_name)),
            _ => Err(node.fault("only SMTP has EHLO")),
        },
        |server| server.ehlo_name.as_ref().map_or(Shown::Absent, Shown::text),
        "Only SMTP: the client's name in EHLO, a domain name or an address in brackets. Default: this machine's address.",
    ),
    shared(&PASSWORD_COMMAND, hidden),
    shared(&PASSWORD_FILE, hidden),
    shared(&PASSWORD_ENV, hidden),
    shared(&TOKEN_COMMAND, hidden),
    shared(&PASSWORD, hidden),
    key(
        "allow-plaintext-auth",
        Type::Boolean,
        |draft, node| set(&mut draft.server.allow_plaintext_auth, node.boolean()),
        |server| Shown::Flag(server.allow_plaintext_auth),
        "true sends the secret even without TLS (tls = \"none\"): everybody on the way can read it. Default: false.",
    ),
    shared(&CA_FILE, |server| path(server.tls.ca_file.as_deref())),
    shared(&TLS_FINGERPRINT, |server| Shown::maybe(server.tls.fingerprint.as_ref().map(show_fingerprint))),
    shared(&CLIENT_CERTIFICATE, |server| path(server.tls.client_certificate.as_deref())),
    shared(&CLIENT_KEY, |server| path(server.tls.client_key.as_deref())),
    shared(&CLIENT_KEY_PASSWORD_COMMAND, hidden),
    shared(&CLIENT_KEY_PASSWORD_FILE, hidden),
    shared(&CLIENT_KEY_PASSWORD_ENV, hidden),
    shared(&SASL_COMMAND, |server| Shown::maybe(server.sasl_command.as_ref().map(show_program))),
    shared(&PROXY, |server| Shown::maybe(server.proxy.choice.as_ref().map(show_proxy))),
    shared(&PROXY_PASSWORD_COMMAND, hidden),
    shared(&PROXY_PASSWORD_FILE, hidden),
    shared(&PROXY_PASSWORD_ENV, hidden),
];

// What rows are made of.

fn accounts(file: &mut FileDraft, table: &Node<'_>) -> Result<(), Fault> {
    for entry in table.entries()? {
        let name = values::account_name(entry.key).map_err(|what| table.fault_at(&entry, what))?;
        let mut draft = AccountDraft::new(name.clone());
        read(ACCOUNT, &table.below(&entry, 0, &name), &mut draft)?;
        file.accounts.push(draft);
    }
    Ok(())
}

fn read_server(account: &mut AccountDraft, table: &Node<'_>, protocol: Protocol) -> Result<(), Fault> {
    let mut draft = ServerDraft::new(protocol, table);
    read(SERVER, table, &mut draft)?;
    account.servers.push(draft);
    Ok(())
}

fn show_server(server: Option<&Server>) -> Shown {
    let Some(server) = server else { return Shown::Nothing };
    let mut table = show(SERVER, server);
    table.0.push(("secret", Shown::Secret(SecretView::of(server))));
    Shown::Table(table)
}

fn show_oauth(account: &Account) -> Shown {
    let Some(grant) = &account.oauth else { return Shown::Nothing };
    let mut table = show(OAUTH, &grant.settings);
    let secret = grant.settings.client_secret().map(SecretView::of_client);
    table.0.extend(secret.map(|view| ("client-secret", Shown::Secret(view))));
    Shown::Table(table)
}

fn aliases(draft: &mut AccountDraft, table: &Node<'_>) -> Result<(), Fault> {
    let aliases = &mut draft.account.sendmail.aliases;
    for entry in table.entries()? {
        let name = sendmail::alias_name(entry.key).map_err(|what| table.fault_at(&entry, what))?;
        // A fault does not repeat the name.
        let alias = table.below(&entry, 0, "");
        let texts = alias.texts("a string of addresses, or an array of them, is wanted here")?;
        let addresses = sendmail::alias(&texts.join(",")).map_err(|what| alias.fault(what))?;
        if aliases.insert(name, addresses).is_some() {
            return Err(table.fault_at(&entry, "this name has an alias already (upper or lower case)"));
        }
    }
    Ok(())
}

fn credential_helper(text: &str) -> Result<SecretSource, String> {
    match text {
        "git" => Ok(SecretSource::Helper(Arc::default())),
        _ => Err("only \"git\" is known".into()),
    }
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    let wanted = "not a fingerprint: sha256: and 64 hexadecimal digits";
    Fingerprint::parse(text).ok_or_else(|| wanted.into())
}
