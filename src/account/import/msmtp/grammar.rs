//! Lines and accounts of msmtp's and mpop's files.

use crate::account::import::lines::numbered;
use crate::account::import::names::shown;
use crate::account::import::{ImportText, MAX_ACCOUNTS, Omission};
use crate::words::Failure;
use std::collections::BTreeMap;

/// What stands in an account, its own and what it got from others: each command once, with its line.
type AccountCommands = BTreeMap<String, (usize, String)>;

/// An account.
#[derive(Clone, Debug, Default)]
pub struct MsmtpAccount {
    pub name: String,
    pub line: usize,
    commands: AccountCommands,
    /// Which of them were set for it or for an account that it copies, not by `defaults`.
    copied: AccountCommands,
    /// The accounts that it copies.
    parents: Vec<String>,
    /// Whether a command stands in it.
    has_own: bool,
}

impl MsmtpAccount {
    /// The account that this one is another name of: `account default : work` with nothing in it.
    pub fn alias(&self) -> Option<&str> {
        match self.parents.as_slice() {
            [one] if self.name == "default" && !self.has_own => Some(one),
            _ => None,
        }
    }

    /// A command's line and its argument.
    pub fn get(&self, command: &str) -> Option<(usize, &str)> {
        self.commands.get(command).map(|(line, value)| (*line, value.as_str()))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (&str, usize, &str)> {
        self.commands.iter().map(|(command, (line, value))| (command.as_str(), *line, value.as_str()))
    }
}

/// Every command that one of the two programs has or had. What older versions called otherwise is on the right.
const COMMANDS: &[&str] = &[
    "add_missing_date_header",
    "add_missing_from_header",
    "aliases",
    "allow_from_override",
    "auth",
    "auto_from",
    "connect_timeout",
    "delivery",
    "domain",
    "dsn_notify",
    "dsn_return",
    "filter",
    "from",
    "from_full_name",
    "host",
    "keep",
    "keepbcc",
    "killsize",
    "logfile",
    "logfile_time_format",
    "maildomain",
    "ntlmdomain",
    "only_new",
    "password",
    "passwordeval",
    "pipelining",
    "port",
    "protocol",
    "proxy_host",
    "proxy_port",
    "received_header",
    "remove_bcc_headers",
    "set_date_header",
    "set_from_header",
    "set_msgid_header",
    "skipsize",
    "socket",
    "source_ip",
    "syslog",
    "timeout",
    "tls",
    "tls_cert_file",
    "tls_certcheck",
    "tls_crl_file",
    "tls_fingerprint",
    "tls_force_sslv3",
    "tls_host_override",
    "tls_key_file",
    "tls_min_dh_prime_bits",
    "tls_priorities",
    "tls_starttls",
    "tls_trust_file",
    "uidls_file",
    "undisclosed_recipients",
    "user",
];

/// The switches that older versions had the other way round.
const REVERSED: &[(&str, &str)] = &[("tls_nostarttls", "tls_starttls"), ("tls_nocertcheck", "tls_certcheck")];

/// The accounts of a file, in its order.
pub fn entries(text: ImportText<'_>, omissions: &mut Vec<Omission>) -> Result<Vec<MsmtpAccount>, Failure> {
    let mut reader =
        MsmtpReader { text, omissions, defaults: MsmtpAccount::default(), entries: Vec::new(), place: None };
    for (line, octets) in numbered(text.octets) {
        let first = octets.iter().find(|octet| !matches!(octet, b' ' | b'\t'));
        if !matches!(first, None | Some(b'#')) {
            reader.line(line, octets)?;
        }
    }
    Ok(reader.entries)
}

struct MsmtpReader<'a> {
    text: ImportText<'a>,
    omissions: &'a mut Vec<Omission>,
    defaults: MsmtpAccount,
    entries: Vec<MsmtpAccount>,
    /// What the lines are for; none before the first `account` or `defaults`.
    place: Option<ConfigSection>,
}

#[derive(Clone, Copy)]
enum ConfigSection {
    Defaults,
    Last,
}

impl MsmtpReader<'_> {
    fn line(&mut self, line: usize, octets: &[u8]) -> Result<(), Failure> {
        let broken = |what: &str| self.text.broken(Some(line), what);
        let Ok(all) = std::str::from_utf8(octets) else {
            let name = octets.split(|octet| matches!(octet, b' ' | b'\t')).find(|word| !word.is_empty());
            let name = String::from_utf8_lossy(name.unwrap_or_default()).into_owned();
            self.omit(line, shown(&name, ""), "not valid UTF-8, which postie's file must be", "");
            return Ok(());
        };
        let blank = [' ', '\t'];
        let all = all.trim_matches(blank);
        let (command, argument) = all.split_once(blank).unwrap_or((all, ""));
        let argument = unquoted(argument);
        match (command, self.place) {
            ("defaults", _) => self.place = Some(ConfigSection::Defaults),
            ("account", _) => {
                let entry = self.begin(line, argument)?;
                if self.entries.len() >= MAX_ACCOUNTS {
                    return Err(broken(&format!("more than {MAX_ACCOUNTS} accounts")));
                }
                self.entries.push(entry);
                self.place = Some(ConfigSection::Last);
            }
            (_, None) => return Err(broken("the first command must be account or defaults")),
            ("eval", _) => {
                let hint = "write what it prints in its place, and import again";
                self.omit(line, shown("eval", argument), "it runs a command, which was not run", hint);
            }
            (command, Some(place)) => self.command(line, command, argument, place),
        }
        Ok(())
    }

    fn command(&mut self, line: usize, command: &str, argument: &str, place: ConfigSection) {
        let reversed = REVERSED.iter().find(|(old, _)| *old == command);
        let (command, argument) = match reversed {
            Some((_, new)) => (*new, if argument == "off" { "on" } else { "off" }),
            None => (command, argument),
        };
        if !COMMANDS.contains(&command) {
            // Not its argument: a slip in `password` would show it.
            self.omit(line, shown(command, ""), "no command of msmtp or mpop that postie knows", "");
            return;
        }
        let entry = match place {
            ConfigSection::Defaults => &mut self.defaults,
            ConfigSection::Last => match self.entries.last_mut() {
                Some(entry) => entry,
                None => return,
            },
        };
        entry.has_own = true;
        for commands in [&mut entry.commands, &mut entry.copied] {
            commands.insert(command.to_owned(), (line, argument.to_owned()));
        }
    }

    fn begin(&self, line: usize, argument: &str) -> Result<MsmtpAccount, Failure> {
        let broken = |what: &str| self.text.broken(Some(line), what);
        let (name, parents) = match argument.split_once(':') {
            Some((name, parents)) => (unquoted(name), Some(parents)),
            None => (argument, None),
        };
        if name.is_empty() || name.contains(',') {
            return Err(broken("not the name of an account"));
        }
        if self.entries.iter().any(|entry| entry.name == name) {
            return Err(broken("an account of that name is there already"));
        }
        let mut entry = MsmtpAccount {
            name: name.to_owned(),
            line,
            commands: self.defaults.commands.clone(),
            ..MsmtpAccount::default()
        };
        for parent in parents.iter().flat_map(|parents| parents.split(',')).map(unquoted) {
            let known = self.entries.iter().find(|known| known.name == parent);
            let known = known.ok_or_else(|| broken("it copies an account that is not there before it"))?;
            entry.commands.extend(known.copied.clone());
            entry.copied.extend(known.copied.clone());
            entry.parents.push(parent.to_owned());
        }
        Ok(entry)
    }

    fn omit(&mut self, line: usize, what: String, why: &str, hint: &str) {
        let mut omission = self.text.omission(Some(line), what, why).matters();
        if let (Some(ConfigSection::Last), Some(entry)) = (self.place, self.entries.last()) {
            omission = omission.of(&entry.name);
        }
        self.omissions.push(if hint.is_empty() { omission } else { omission.hint(hint) });
    }
}

/// An argument without the blanks around it, and without one pair of double quotes.
pub fn unquoted(text: &str) -> &str {
    let text = text.trim_matches([' ', '\t']);
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}
