//! Selects the account for a command: `--server`, else `--account`, else `$POSTIE_ACCOUNT`, else the servers in the
//! environment, else (send) the account whose address is the From, else `default-account`, else the only one.
//!
//! The configuration is read only if it is needed: `--server` works even if the file is broken.

use super::server::{Protocol, Server};
use super::{Account, Config, Env, url};
use crate::mail::{Mailbox, addresses};
use crate::net::TlsSettings;
use crate::words::{Address, Failure};
use std::path::{Path, PathBuf};

/// Which server a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Incoming,
    Smtp,
    /// At least one of the two.
    Either,
}

/// The options that select the account.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    /// `--config`.
    pub config: Option<&'a Path>,
    /// `--account`.
    pub account: Option<&'a str>,
    /// `--server`.
    pub server: Option<&'a str>,
    /// The address in the From of the message to send.
    pub from: Option<&'a Address>,
    pub need: Need,
    /// `--ca-file` and `--tls-fingerprint`, which replace the account's own.
    pub tls: TlsSettings,
}

impl Selection<'_> {
    /// Without any option.
    pub fn new(need: Need) -> Self {
        Selection { config: None, account: None, server: None, from: None, need, tls: TlsSettings::default() }
    }
}

/// Selects an account. Fails with [`crate::words::Kind::Usage`] for a bad URL, else with
/// [`crate::words::Kind::Config`].
pub fn select(selection: &Selection<'_>, env: &Env) -> Result<Account, Failure> {
    let mut account = choose(selection, env)?;
    check(&account, selection.need)?;
    override_tls(&mut account, &selection.tls);
    Ok(account)
}

/// Every account of the configuration with the needed server, in the file's order. Fails with
/// [`crate::words::Kind::Usage`] if an account was named too, and with [`crate::words::Kind::Config`] if there is none.
pub fn all(selection: &Selection<'_>, env: &Env) -> Result<Vec<Account>, Failure> {
    if selection.server.is_some() || selection.account.is_some() {
        return Err(Failure::usage("--all-accounts: not together with --account or --server"));
    }
    let config = Config::load(selection.config, env)?;
    let mut accounts: Vec<Account> = config
        .contents
        .accounts
        .iter()
        .filter(|account| check(account, selection.need).is_ok())
        .cloned()
        .collect();
    if accounts.is_empty() {
        let what = match selection.need {
            Need::Incoming => "no account has a pop3 server",
            Need::Smtp => "no account has an smtp server",
            Need::Either => "no account has a server",
        };
        let message = format!("{}: looking for accounts: {what}", config.path.display());
        return Err(Failure::config(message).hint(config.known()));
    }
    for account in &mut accounts {
        override_tls(account, &selection.tls);
    }
    Ok(accounts)
}

fn choose(selection: &Selection<'_>, env: &Env) -> Result<Account, Failure> {
    if let Some(server) = selection.server {
        if selection.account.is_some() {
            return Err(Failure::usage("--server: not together with --account"));
        }
        let server = url::parse(server).map_err(|what| Failure::usage(format!("--server: {what}")))?;
        return on_the_spot(vec![server], selection.need, env);
    }
    let named = match selection.account {
        Some(name) => Some(name),
        None => env.text("POSTIE_ACCOUNT")?,
    };
    if let Some(name) = named {
        return Config::load(selection.config, env)?.account(name).cloned();
    }
    let servers = of_environment(env)?;
    if servers.iter().any(|server| fits(server.protocol, selection.need)) {
        return on_the_spot(servers, selection.need, env);
    }
    of_config(&Config::load(selection.config, env)?, selection)
}

fn fits(protocol: Protocol, need: Need) -> bool {
    match need {
        Need::Incoming => protocol.is_incoming(),
        Need::Smtp => protocol == Protocol::Smtp,
        Need::Either => true,
    }
}

/// The variables that name servers.
pub const URL_VARIABLES: [(&str, Protocol); 3] = [
    ("POSTIE_POP3_URL", Protocol::Pop3),
    ("POSTIE_IMAP_URL", Protocol::Imap),
    ("POSTIE_SMTP_URL", Protocol::Smtp),
];

/// The servers in [`URL_VARIABLES`].
fn of_environment(env: &Env) -> Result<Vec<Server>, Failure> {
    let mut servers = Vec::new();
    for (variable, protocol) in URL_VARIABLES {
        let Some(text) = env.text(variable)? else { continue };
        let server = url::parse(text).map_err(|what| Failure::usage(format!("${variable}: {what}")))?;
        if server.protocol != protocol {
            let what = format!("${variable}: a URL of {} is wanted", protocol.name());
            return Err(Failure::usage(what));
        }
        servers.push(server);
    }
    Ok(servers)
}

/// An account without a configuration file. The author is `$POSTIE_FROM` (an address, or `Name <address>`), else the
/// user name if that is an address; `$POSTIE_CA_FILE` names further trusted authorities.
fn on_the_spot(servers: Vec<Server>, need: Need, env: &Env) -> Result<Account, Failure> {
    let wanted = servers.iter().find(|server| fits(server.protocol, need)).or(servers.first());
    let users = servers.iter().filter_map(|server| server.username.as_deref());
    let from = env.text("POSTIE_FROM")?.map(|from| {
        addresses::single(from).map_err(|error| Failure::config(format!("$POSTIE_FROM: {error}")))
    });
    let (email, name) = match from.transpose()? {
        Some(Mailbox { name, address }) => (Some(address), name),
        None => (users.filter_map(|user| Address::parse(user).ok()).next(), None),
    };
    let ca_file = env.get("POSTIE_CA_FILE").map(PathBuf::from);
    let mut account =
        Account { label: wanted.map(Server::label).unwrap_or_default(), email, name, ..Account::default() };
    for mut server in servers {
        server.tls.ca_file.clone_from(&ca_file);
        account.put(server);
    }
    Ok(account)
}

fn of_config(config: &Config, selection: &Selection<'_>) -> Result<Account, Failure> {
    let accounts = &config.contents.accounts;
    let is_from = |account: &&Account| match (&account.email, selection.from) {
        (Some(email), Some(from)) => email.same_mailbox(from),
        _ => false,
    };
    // Of several accounts with that address, one that can send.
    let of_from = accounts.iter().filter(is_from);
    if let Some(account) = of_from.min_by_key(|account| check(account, selection.need).is_err()) {
        return Ok(account.clone());
    }
    if let Some(name) = &config.contents.default_account {
        return config.account(name).cloned();
    }
    let path = config.path.display();
    match accounts.as_slice() {
        [only] => Ok(only.clone()),
        [] if !config.found => {
            Err(Failure::config(format!("{path}: looking for an account: there is no such file"))
                .hint(super::config::MAKE_ONE))
        }
        [] => {
            Err(Failure::config(format!("{path}: looking for an account: there is none"))
                .hint(config.known()))
        }
        _ => Err(Failure::config(format!("{path}: choosing an account: there are several and no default"))
            .hint(format!("--account NAME, or `postie config default NAME`; {}", config.known()))),
    }
}

/// Refuses an account without the needed server.
fn check(account: &Account, need: Need) -> Result<(), Failure> {
    let missing = match need {
        Need::Incoming if account.incoming().is_none() => "pop3 or imap",
        Need::Smtp if account.smtp.is_none() => "smtp",
        Need::Either if account.servers().next().is_none() => "pop3, imap or smtp",
        _ => return Ok(()),
    };
    let message = format!("looking for its server: the account has no {missing} server");
    Err(match &account.name_in_config {
        Some(name) => Failure::config(message).at(&account.label).hint(match missing {
            "pop3 or imap" | "pop3, imap or smtp" => {
                format!("`postie config set {name} pop3.host HOST` gives it one")
            }
            one => format!("`postie config set {name} {one}.host HOST` gives it one"),
        }),
        None => Failure::usage(message)
            .at(&account.label)
            .hint("give a URL of the protocol that the command speaks"),
    })
}

fn override_tls(account: &mut Account, given: &TlsSettings) {
    for server in [&mut account.pop3, &mut account.imap, &mut account.smtp].into_iter().flatten() {
        if given.ca_file.is_some() {
            server.tls.ca_file.clone_from(&given.ca_file);
        }
        if given.fingerprint.is_some() {
            server.tls.fingerprint = given.fingerprint;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Kind;
    use std::path::PathBuf;

    const TWO: &str = r#"
[accounts.work]
email = "ana@example.org"
pop3.host = "pop.example.org"
smtp.host = "smtp.example.org"
[accounts.home]
email = "ana@home.example"
smtp.host = "smtp.home.example"
"#;

    struct SelectHome {
        dir: tempfile::TempDir,
    }

    impl SelectHome {
        fn new(config: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("config.toml"), config).unwrap();
            SelectHome { dir }
        }

        fn env(&self, more: &[(&str, &str)]) -> Env {
            let config: PathBuf = self.dir.path().join("config.toml");
            let config = [("POSTIE_CONFIG", config.to_str().unwrap().to_owned())];
            let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
            config.into_iter().chain(more).collect()
        }

        fn label(&self, selection: &Selection<'_>, more: &[(&str, &str)]) -> Result<String, Failure> {
            select(selection, &self.env(more)).map(|account| account.label)
        }
    }

    #[test]
    fn the_order_is_option_variable_from_default_only() {
        let home = SelectHome::new(&format!("default-account = \"work\"\n{TWO}"));
        let from = Address::parse("ana@home.example").unwrap();
        let mut selection = Selection { from: Some(&from), ..Selection::new(Need::Smtp) };
        let variable = [("POSTIE_ACCOUNT", "work")];
        let urls = [("POSTIE_SMTP_URL", "smtp://env.example")];
        assert_eq!(home.label(&selection, &[]).unwrap(), "home");
        assert_eq!(home.label(&selection, &urls).unwrap(), "env.example:587");
        assert_eq!(home.label(&selection, &[variable[0], urls[0]]).unwrap(), "work");
        selection.account = Some("home");
        assert_eq!(home.label(&selection, &[variable[0], urls[0]]).unwrap(), "home");
        assert_eq!(home.label(&Selection::new(Need::Smtp), &[]).unwrap(), "work");
        let stranger = Address::parse("bob@example.org").unwrap();
        let selection = Selection { from: Some(&stranger), ..Selection::new(Need::Smtp) };
        assert_eq!(home.label(&selection, &[]).unwrap(), "work");
        let one = SelectHome::new("[accounts.only]\nemail = \"a@b.example\"\npop3.host = \"h\"\n");
        assert_eq!(one.label(&Selection::new(Need::Incoming), &[]).unwrap(), "only");
    }

    #[test]
    fn several_without_a_default_and_unknown_names_say_which_there_are() {
        let home = SelectHome::new(TWO);
        let failure = home.label(&Selection::new(Need::Incoming), &[]).unwrap_err();
        assert_eq!(failure.kind(), Kind::Config);
        assert!(failure.hint.unwrap().contains("known accounts: work, home"));
        let named = Selection { account: Some("wrok"), ..Selection::new(Need::Incoming) };
        let failure = home.label(&named, &[]).unwrap_err();
        assert_eq!(
            (failure.kind(), failure.hint.as_deref()),
            (Kind::Config, Some("known accounts: work, home"))
        );
    }

    #[test]
    fn an_account_without_the_server_is_refused() {
        let home = SelectHome::new(TWO);
        let named = Selection { account: Some("home"), ..Selection::new(Need::Incoming) };
        let failure = home.label(&named, &[]).unwrap_err();
        assert_eq!(failure.kind(), Kind::Config);
        assert!(failure.hint.unwrap().contains("config set home pop3.host"));
    }

    #[test]
    fn a_server_on_the_spot_needs_no_file_and_no_home() {
        let url = Selection { server: Some("pop3s://ana@pop.example.org"), ..Selection::new(Need::Incoming) };
        let account = select(&url, &Env::default()).unwrap();
        assert_eq!(account.label, "ana@pop.example.org:995");
        assert!(account.name_in_config.is_none() && account.email.is_none());
        let broken = SelectHome::new("[[[");
        assert!(broken.label(&url, &[]).is_ok());
        let wrong = Selection { server: Some("smtp://relay"), ..Selection::new(Need::Incoming) };
        assert_eq!(select(&wrong, &Env::default()).unwrap_err().kind(), Kind::Usage);
        let both = Selection { account: Some("work"), ..url };
        assert_eq!(select(&both, &Env::default()).unwrap_err().kind(), Kind::Usage);
    }

    #[test]
    fn the_environment_alone_makes_an_account() {
        let env: Env = [
            ("POSTIE_POP3_URL", "pop3s://ana%40example.org@pop.example.org"),
            ("POSTIE_SMTP_URL", "smtps://ana%40example.org@smtp.example.org"),
        ]
        .into_iter()
        .collect();
        let account = select(&Selection::new(Need::Smtp), &env).unwrap();
        assert_eq!(account.label, "ana@example.org@smtp.example.org:465");
        assert_eq!(account.email.unwrap().as_str(), "ana@example.org");
        assert!(account.pop3.is_some());
        let from: Env =
            [("POSTIE_SMTP_URL", "smtp://relay"), ("POSTIE_FROM", "ci@example.org")].into_iter().collect();
        let account = select(&Selection::new(Need::Smtp), &from).unwrap();
        assert_eq!(account.email.unwrap().as_str(), "ci@example.org");
        assert_eq!(account.smtp.unwrap().username, None);
    }

    #[test]
    fn the_author_of_the_environment_may_have_a_name() {
        for (from, name) in [
            ("\"CI Bot\" <ci@example.org>", Some("CI Bot")),
            ("CI Bot <ci@example.org>", Some("CI Bot")),
            ("<ci@example.org>", None),
            ("ci@example.org", None),
            ("J\u{f6}rg (CI) <ci@example.org>", Some("J\u{f6}rg (CI)")),
        ] {
            let env = [("POSTIE_SMTP_URL", "smtp://relay"), ("POSTIE_FROM", from)].into_iter().collect();
            let account = select(&Selection::new(Need::Smtp), &env).unwrap();
            assert_eq!(account.email.unwrap().as_str(), "ci@example.org", "{from}");
            assert_eq!(account.name.as_deref(), name, "{from}");
        }
        for bad in ["ci", "a@x.org, b@x.org", "CI <ci@x.org", "x\r\nBcc: b@x.org <a@x.org>"] {
            let env = [("POSTIE_SMTP_URL", "smtp://relay"), ("POSTIE_FROM", bad)].into_iter().collect();
            assert_eq!(select(&Selection::new(Need::Smtp), &env).unwrap_err().kind(), Kind::Config, "{bad}");
        }
    }

    #[test]
    fn the_authority_of_the_environment_is_that_of_its_servers() {
        let env: Env = [
            ("POSTIE_POP3_URL", "pop3s://ana@pop.example.org"),
            ("POSTIE_SMTP_URL", "smtps://ana@smtp.example.org"),
            ("POSTIE_CA_FILE", "/ci/ca.pem"),
        ]
        .into_iter()
        .collect();
        let ca = |account: &Account| {
            let servers =
                [&account.pop3, &account.smtp].map(|server| server.as_ref().unwrap().tls.ca_file.clone());
            servers.map(|file| file.unwrap().to_str().unwrap().to_owned())
        };
        let account = select(&Selection::new(Need::Smtp), &env).unwrap();
        assert_eq!(ca(&account), ["/ci/ca.pem", "/ci/ca.pem"]);
        let tls = TlsSettings { ca_file: Some("/option.pem".into()), ..TlsSettings::default() };
        let account = select(&Selection { tls, ..Selection::new(Need::Smtp) }, &env).unwrap();
        assert_eq!(ca(&account), ["/option.pem", "/option.pem"]);
        let home = SelectHome::new(TWO);
        let more = [("POSTIE_CA_FILE", "/ci/ca.pem"), ("POSTIE_ACCOUNT", "work")];
        let account = select(&Selection::new(Need::Smtp), &home.env(&more)).unwrap();
        assert_eq!(account.smtp.unwrap().tls.ca_file, None, "an account of the file has its own");
    }

    #[test]
    fn of_two_accounts_with_the_address_the_one_that_sends_is_taken() {
        let home = SelectHome::new(
            "[accounts.read]\nemail = 'ana@example.org'\npop3.host = 'h'\n\
             [accounts.write]\nemail = 'ana@example.org'\nsmtp.host = 'h'\n",
        );
        let from = Address::parse("ana@example.org").unwrap();
        let selection = Selection { from: Some(&from), ..Selection::new(Need::Smtp) };
        assert_eq!(home.label(&selection, &[]).unwrap(), "write");
    }

    #[test]
    fn a_password_in_a_url_is_a_usage_error_that_does_not_repeat_it() {
        let url = "pop3s://ana:S3CRET@pop.example.org";
        let option = Selection { server: Some(url), ..Selection::new(Need::Incoming) };
        let of_option = select(&option, &Env::default()).unwrap_err();
        let env = [("POSTIE_POP3_URL", url)].into_iter().collect();
        let of_variable = select(&Selection::new(Need::Incoming), &env).unwrap_err();
        for failure in [of_option, of_variable] {
            assert_eq!(failure.kind(), Kind::Usage);
            assert!(!format!("{failure:?}").contains("S3CRET"));
        }
    }

    #[test]
    fn without_any_configuration_it_says_how_to_make_one() {
        let env = [("HOME", "/nonexistent")].into_iter().collect();
        let failure = select(&Selection::new(Need::Incoming), &env).unwrap_err();
        assert_eq!(failure.kind(), Kind::Config);
        assert!(failure.hint.unwrap().contains("config add"));
        assert_eq!(
            select(&Selection::new(Need::Incoming), &Env::default()).unwrap_err().kind(),
            Kind::Config
        );
    }

    #[test]
    fn all_accounts_are_those_with_the_server() {
        let home = SelectHome::new(TWO);
        let labels = |need| -> Vec<String> {
            let found = all(&Selection::new(need), &home.env(&[])).unwrap();
            found.into_iter().map(|account| account.label).collect()
        };
        assert_eq!(labels(Need::Smtp), ["work", "home"]);
        assert_eq!(labels(Need::Incoming), ["work"]);
        let named = Selection { account: Some("work"), ..Selection::new(Need::Incoming) };
        assert_eq!(all(&named, &home.env(&[])).unwrap_err().kind(), Kind::Usage);
        let none = SelectHome::new("");
        assert_eq!(all(&Selection::new(Need::Incoming), &none.env(&[])).unwrap_err().kind(), Kind::Config);
    }

    #[test]
    fn what_the_options_say_of_trust_replaces_the_account_s_own() {
        let home = SelectHome::new(&format!("{TWO}ca-file = \"/own.pem\"\n"));
        let tls = TlsSettings { ca_file: Some("/said.pem".into()), ..TlsSettings::default() };
        let mut selection = Selection { account: Some("home"), ..Selection::new(Need::Smtp) };
        let ca_file =
            |selection: &Selection<'_>| select(selection, &home.env(&[])).unwrap().smtp.unwrap().tls.ca_file;
        assert_eq!(ca_file(&selection), Some("/own.pem".into()));
        selection.tls = tls;
        assert_eq!(ca_file(&selection), Some("/said.pem".into()));
    }
}
