//! Reads the configuration of msmtp (up to 1.8.33) and mpop (up to 1.4.23), which have one grammar: a command and its
//! argument on each line, in one pair of double quotes or none; `defaults` is for the accounts behind it, and
//! `account NAME : A, B` copies from earlier ones.
//!
//! Left out: `eval` is not run, and patterns (`from *@example.org`) and names of the system (`%U`) are not filled in.

mod grammar;
mod mpop;
mod server;

use super::names::{account_name, shown};
use super::remarks::is_anchored;
use super::{Draft, Import, ImportText, Omission, Tool};
use crate::account::edit::Setting;
use crate::account::server as rules;
use crate::words::{Address, Failure};
use grammar::MsmtpAccount;

/// Reads one of the two programs' files. Fails with `config` where the program would not read it either.
pub fn read(tool: Tool, text: ImportText<'_>) -> Result<Import, Failure> {
    let mut import = Import::default();
    let entries = grammar::entries(text, &mut import.omissions)?;
    for entry in &entries {
        if let Some(of) = entry.alias() {
            import.default = Some(account_name(of, tool.name()));
            continue;
        }
        let mut notes = AccountNotes { text, entry, found: &mut import.omissions };
        import.accounts.extend(draft(tool, &mut notes));
    }
    Ok(import)
}

fn draft(tool: Tool, notes: &mut AccountNotes<'_>) -> Option<Draft> {
    let entry = notes.entry;
    let mut draft = Draft {
        name: account_name(&entry.name, tool.name()),
        original: entry.name.clone(),
        file: notes.text.path.to_owned(),
        line: Some(entry.line),
        ..Draft::default()
    };
    let server = server::read(tool, notes)?;
    match tool {
        Tool::Mpop => mpop::read(&server, &mut draft, notes),
        _ => sender(&mut draft, notes),
    }
    draft.servers.push(server);
    notes.rest();
    Some(draft)
}

/// What msmtp alone has: who sends, and where it is logged.
fn sender(draft: &mut Draft, notes: &mut AccountNotes<'_>) {
    if let Some((line, from)) = notes.take("from") {
        match Address::parse(from) {
            _ if from.contains(['*', '?', '[']) || from.contains('%') => {
                let why = "a pattern, and postie has one address for an account";
                notes.told(line, "from", from, why, "`postie config set NAME email ADDRESS` sets it");
            }
            Ok(_) => draft.email = Some(from.to_owned()),
            Err(error) => notes.told(line, "from", from, &error.to_string(), ""),
        }
    }
    if let Some((line, name)) = notes.take("from_full_name") {
        match crate::account::values::plain_text(name) {
            Ok(_) => draft.display = Some(name.to_owned()),
            Err(what) => notes.told(line, "from_full_name", "", &what, ""),
        }
    }
    match notes.take("logfile") {
        Some((line, "-")) => notes.told(line, "logfile", "-", "a log on standard output is -v here", ""),
        Some((_, path)) if !path.is_empty() && is_anchored(path) => {
            draft.more.push(("log-file".into(), Setting::Text(path.to_owned())));
        }
        Some((line, path)) => notes.told(line, "logfile", path, "not a whole path", ""),
        None => {}
    }
    if let Some((line, path)) = notes.take("aliases") {
        let hint = "`postie config set NAME aliases.root ADDRESS`, for each local name";
        notes.told(line, "aliases", path, "its names are keys of the account in postie", hint);
    }
    if let Some((line, name)) = notes.take("domain").filter(|(_, name)| *name != "localhost") {
        match rules::ehlo_name(name) {
            Ok(_) => draft.more.push(("smtp.ehlo-name".into(), Setting::Text(name.to_owned()))),
            Err(what) => notes.told(line, "domain", name, &what, ""),
        }
    }
}

/// An account, and the remarks about it.
struct AccountNotes<'a> {
    text: ImportText<'a>,
    entry: &'a MsmtpAccount,
    found: &'a mut Vec<Omission>,
}

impl<'a> AccountNotes<'a> {
    /// A command's line and its argument.
    fn take(&mut self, command: &str) -> Option<(usize, &'a str)> {
        self.entry.get(command)
    }

    /// Whether a switch is on; `otherwise` where it is not there.
    fn switch(&mut self, command: &str, otherwise: bool) -> bool {
        self.take(command).map_or(otherwise, |(_, value)| value != "off")
    }

    /// Says that something was not taken; an empty hint is none.
    fn told(&mut self, line: usize, command: &str, value: &str, why: &str, hint: &str) {
        self.say(line, command, value, why, hint, false);
    }

    /// The same for what changes what is protected, fetched or deleted.
    fn warned(&mut self, line: usize, command: &str, value: &str, why: &str, hint: &str) {
        self.say(line, command, value, why, hint, true);
    }

    fn say(&mut self, line: usize, command: &str, value: &str, why: &str, hint: &str, matters: bool) {
        let mut omission = self.text.omission(Some(line), shown(command, value), why).of(&self.entry.name);
        omission.matters = matters;
        let known = |other: &Omission| other.line == omission.line && other.what == omission.what;
        // What stands in `defaults` is said once, not for every account.
        if self.found.iter().any(known) {
            return;
        }
        self.found.push(if hint.is_empty() { omission } else { omission.hint(hint) });
    }

    /// Reports the commands for which postie has no setting.
    fn rest(&mut self) {
        for (command, line, value) in self.entry.all() {
            let (why, hint, matters) = match command {
                "timeout" | "connect_timeout" => ("an option of a run in postie", "--timeout", false),
                "dsn_notify" | "dsn_return" => {
                    ("an option of a run in postie", "--dsn-notify, --dsn-return", false)
                }
                "syslog" if value == "off" => continue,
                "syslog" | "logfile_time_format" => ("postie has no setting for it", "", false),
                "remove_bcc_headers" if value == "off" => {
                    ("Bcc never leaves the machine with postie", "", false)
                }
                "remove_bcc_headers"
                | "pipelining"
                | "received_header"
                | "tls_force_sslv3"
                | "keepbcc"
                | "add_missing_from_header"
                | "add_missing_date_header"
                | "tls_min_dh_prime_bits" => continue,
                "set_from_header"
                | "set_date_header"
                | "set_msgid_header"
                | "undisclosed_recipients"
                | "allow_from_override"
                | "auto_from"
                | "maildomain"
                | "source_ip"
                | "ntlmdomain"
                | "tls_priorities" => ("postie has no setting for it", "", false),
                "tls_crl_file" => ("postie reads no lists of revoked certificates", "", true),
                "tls_host_override" => (
                    "a certificate has to be for the host that is connected to",
                    "use the name of the certificate as the host, or pin the certificate: tls-fingerprint",
                    false,
                ),
                _ => continue,
            };
            self.say(line, command, value, why, hint, matters);
        }
    }
}

#[cfg(test)]
mod tests;
