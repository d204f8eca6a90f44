//! Settings for mail from programs that know only local names (cron, mailx): the address of `root`, the author, the log
//! file.

use super::{Account, providers};
use crate::mail::addresses::{self, Entry};
use crate::words::Address;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The alias for every name without one.
pub const ANYBODY: &str = "*";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendmailSettings {
    /// Replaces a local name in From, and a foreign envelope sender; `None`: the account's address.
    pub from: Option<Address>,
    /// The addresses for local names (in lower case); [`ANYBODY`] is for all other names.
    pub aliases: BTreeMap<String, Vec<Address>>,
    /// The log of messages; `None`: failures go to syslog.
    pub log_file: Option<PathBuf>,
}

/// Reads the addresses of an alias. They must be complete: an alias cannot name another alias.
pub fn alias(text: &str) -> Result<Vec<Address>, String> {
    let entries = addresses::parse(text).map_err(|error| error.reason.to_string())?;
    let found: Vec<Address> =
        entries.iter().flat_map(Entry::mailboxes).map(|mailbox| mailbox.address.clone()).collect();
    if found.is_empty() { Err("an alias needs at least one address".into()) } else { Ok(found) }
}

/// Reads the name of an alias: a local part, or [`ANYBODY`].
pub fn alias_name(text: &str) -> Result<String, String> {
    if text == ANYBODY {
        return Ok(text.to_owned());
    }
    match Address::parse(&format!("{text}@localhost")) {
        Ok(address) if address.local() == text && !text.contains('"') => Ok(text.to_lowercase()),
        _ => Err("not a local name (root), or \"*\" for every other".into()),
    }
}

impl Account {
    /// The address for a program that gives none that can be used.
    pub fn sender(&self) -> Option<&Address> {
        self.sendmail.from.as_ref().or(self.email.as_ref())
    }

    /// Who gets the mail for a local name: its alias, else the alias [`ANYBODY`], else the name at the account's own
    /// domain. At a public provider that would be a stranger, so there it is the account's own address. `None` if the
    /// account has no alias and no address.
    pub fn who_is(&self, local: &str) -> Option<Vec<Address>> {
        let aliases = &self.sendmail.aliases;
        let alias = aliases.get(&local.to_lowercase()).or_else(|| aliases.get(ANYBODY));
        if let Some(found) = alias {
            return Some(found.clone());
        }
        let own = self.email.as_ref().or(self.sendmail.from.as_ref())?;
        if providers::of_domain(own.domain()).is_some() {
            return Some(vec![own.clone()]);
        }
        Address::parse(&format!("{local}@{}", own.domain())).ok().map(|found| vec![found])
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::PathContext;
    use super::super::{Env, Protocol, schema};
    use super::*;
    use std::path::Path;

    fn account(text: &str) -> Account {
        let env = Env::from_iter([("HOME", "/home/ana")]);
        let context = PathContext { env: &env, beside: Path::new("/etc/postie") };
        schema::read(text, context).unwrap().accounts.remove(0)
    }

    fn who(account: &Account, name: &str) -> Vec<String> {
        account.who_is(name).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_local_name_is_its_alias_else_of_the_own_domain() {
        let work = account(
            "[accounts.work]\nemail = 'ana@example.org'\nfrom = 'alerts@example.org'\nlog-file = '~/mail.log'\n\
             smtp.host = 'h'\n[accounts.work.aliases]\nroot = 'ana@example.org, Bob <bob@example.net>'\n\
             Www-Data = ['cy@example.org']\n",
        );
        assert_eq!(who(&work, "root"), ["ana@example.org", "bob@example.net"]);
        assert_eq!(who(&work, "ROOT"), ["ana@example.org", "bob@example.net"]);
        assert_eq!(who(&work, "www-data"), ["cy@example.org"]);
        assert_eq!(who(&work, "dee"), ["dee@example.org"]);
        assert_eq!(work.sender().unwrap().as_str(), "alerts@example.org");
        assert_eq!(work.sendmail.log_file.as_deref(), Some(Path::new("/home/ana/mail.log")));
        assert!(work.server(Protocol::Smtp).is_some());
    }

    #[test]
    fn everybody_can_have_an_alias_and_no_mail_goes_to_strangers_at_a_provider() {
        let all = account(
            "[accounts.a]\nemail = 'ana@example.org'\nsmtp.host = 'h'\naliases.'*' = 'ops@example.org'\n",
        );
        assert_eq!(who(&all, "cron"), ["ops@example.org"]);
        let gmail = account("[accounts.a]\nemail = 'ana@gmail.com'\nsmtp.host = 'h'\n");
        assert_eq!(who(&gmail, "root"), ["ana@gmail.com"]);
        assert_eq!(gmail.sender().unwrap().as_str(), "ana@gmail.com");
    }

    #[test]
    fn what_is_no_alias_is_refused() {
        for bad in [
            "aliases.root = ''",
            "aliases.root = 'bob'",
            "aliases.root = 7",
            "aliases.root = ['a@x.org', 7]",
            "aliases.'a b' = 'a@x.org'",
            "aliases.'a@x.org' = 'a@x.org'",
            "aliases.root = \"a@x.org\\r\\nRCPT TO:<b@x.org>\"",
            "aliases = 'a@x.org'",
            "aliases.Root = 'a@x.org'\naliases.root = 'b@x.org'",
            "from = 'root'",
            "log-file = ''",
        ] {
            let env = Env::default();
            let context = PathContext { env: &env, beside: Path::new("/c") };
            let text = format!("[accounts.a]\nemail = 'ana@example.org'\nsmtp.host = 'h'\n{bad}\n");
            assert!(schema::read(&text, context).is_err(), "{bad}");
        }
    }
}
