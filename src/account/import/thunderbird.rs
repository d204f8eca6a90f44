//! Reads a profile of Thunderbird (60 to 150): `prefs.js`, whose lines are `user_pref("KEY", VALUE);`, and which profile
//! `profiles.ini` names.
//!
//! Left out: passwords (`logins.json` and `key4.db` stay closed), filters, newsgroups, and where its own mail lies.

use super::draft::{Draft, DraftServer};
use super::ini::sections;
use super::lines::numbered;
use super::names::account_name;
use super::remarks::{At, Remarks};
use super::uids::{UidList, UidListKind};
use super::{Import, ImportText, MAX_ACCOUNTS};
use crate::account::edit::Setting;
use crate::account::server::Protocol;
use crate::account::values;
use crate::net::Security;
use crate::words::{Address, Failure};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The directory of the profile that is used: what an installation has, else the default, else the only one.
pub fn profile(text: ImportText<'_>) -> Result<Option<PathBuf>, Failure> {
    let all = sections(text)?;
    let beside = text.path.parent().unwrap_or(Path::new(""));
    let install = all.iter().filter(|section| section.name.starts_with("Install"));
    let mut named = install.filter_map(|section| section.get("default"));
    if let Some((_, path)) = named.next() {
        return Ok(Some(beside.join(path)));
    }
    let profiles: Vec<_> = all.iter().filter(|section| section.name.starts_with("Profile")).collect();
    let is_default =
        |section: &&&super::ini::Section| section.get("default").is_some_and(|(_, value)| value == "1");
    let chosen = profiles.iter().find(is_default).or(profiles.first());
    Ok(chosen.and_then(|section| section.get("path")).map(|(_, path)| beside.join(path)))
}

/// Reads `prefs.js`. Fails with `config` where it has more accounts than anybody has.
pub fn read(text: ImportText<'_>) -> Result<Import, Failure> {
    let prefs = Prefs::read(text.octets);
    let mut import = Import::default();
    let accounts = prefs.text("mail.accountmanager.accounts").map_or("", |(_, all)| all);
    let names: Vec<&str> = accounts.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.len() > MAX_ACCOUNTS {
        return Err(text.broken(None, &format!("more than {MAX_ACCOUNTS} accounts")));
    }
    let default = prefs.text("mail.accountmanager.defaultaccount").map(|(_, name)| name);
    for account in names {
        let Some((line, server)) = prefs.text(&format!("mail.account.{account}.server")) else { continue };
        let kind = prefs.of("server", server, "type").map_or("none", |(_, kind)| kind);
        // The folders of this machine, and feeds.
        if matches!(kind, "none" | "rss") {
            continue;
        }
        let identities = prefs.text(&format!("mail.account.{account}.identities")).map_or("", |(_, all)| all);
        let identity = identities.split(',').map(str::trim).next().unwrap_or_default();
        let email = prefs.of("identity", identity, "useremail").map(|(_, email)| email);
        let host = prefs.of("server", server, "hostname").map_or(server, |(_, host)| host);
        let original = email.unwrap_or(host).to_owned();
        let mut remarks = Remarks::new(text, &original);
        let mut draft = Draft {
            name: account_name(&original, "thunderbird"),
            original,
            file: text.path.to_owned(),
            line: Some(line),
            ..Draft::default()
        };
        owner(&prefs, identity, identities, &mut draft, &mut remarks);
        incoming(&prefs, server, kind, text.path, &mut draft, &mut remarks);
        sender(&prefs, identity, &mut draft, &mut remarks);
        if !draft.servers.is_empty() {
            if default == Some(account) {
                import.default = Some(draft.name.clone());
            }
            import.accounts.push(draft);
        }
        import.omissions.extend(remarks.found);
    }
    Ok(import)
}

fn owner(prefs: &Prefs, identity: &str, identities: &str, draft: &mut Draft, remarks: &mut Remarks<'_>) {
    if let Some((line, email)) = prefs.of("identity", identity, "useremail") {
        match Address::parse(email) {
            Ok(_) => draft.email = Some(email.to_owned()),
            Err(error) => remarks.told(At(Some(line), "useremail"), email, &error.to_string(), ""),
        }
    }
    if let Some((line, name)) =
        prefs.of("identity", identity, "fullName").filter(|(_, name)| !name.is_empty())
    {
        draft.display = remarks.plain(At(Some(line), "fullName"), name);
    }
    for other in identities.split(',').skip(1).map(str::trim) {
        if let Some((line, email)) = prefs.of("identity", other, "useremail") {
            let why = "postie has one address for an account";
            remarks.told(At(Some(line), "useremail"), email, why, "`send --from` names another");
        }
    }
}

fn incoming(prefs: &Prefs, id: &str, kind: &str, file: &Path, draft: &mut Draft, remarks: &mut Remarks<'_>) {
    let of = |key: &str| prefs.of("server", id, key);
    let protocol = match kind {
        "pop3" => Protocol::Pop3,
        "imap" => Protocol::Imap,
        _ => {
            let line = of("type").map(|(line, _)| line);
            remarks.warned(At(line, "type"), kind, "postie fetches by POP3 and IMAP alone", "");
            return;
        }
    };
    let Some((line, host)) = of("realhostname").or_else(|| of("hostname")) else { return };
    let Some(host) = remarks.host(At(Some(line), "hostname"), host) else { return };
    let mut server = DraftServer::new(protocol, host);
    if let Some((line, name)) = of("realuserName").or_else(|| of("userName")) {
        server.username = remarks.user(At(Some(line), "userName"), name);
    }
    let socket = of("socketType");
    protection(socket.map(|(line, _)| line), socket.map_or("0", |(_, value)| value), &mut server, remarks);
    login(of("authMethod"), &mut server, remarks);
    server.port = of("port").and_then(|(line, port)| remarks.port(At(Some(line), "port"), port));
    if protocol == Protocol::Pop3 {
        let keeps = leaving(prefs, id, draft, remarks);
        let directory = directory(prefs, id, file, &server.host);
        let user = server.username.clone().unwrap_or_default();
        let kind = UidListKind::Popstate { user };
        draft.lists.push(UidList { path: directory.join("popstate.dat"), kind, keeps });
    }
    draft.servers.push(server);
}

/// What stays on the server; returns whether anything does. Theirs is to delete.
fn leaving(prefs: &Prefs, id: &str, draft: &mut Draft, remarks: &mut Remarks<'_>) -> bool {
    let of = |key: &str| prefs.of("server", id, key);
    let on = |key: &str| of(key).is_some_and(|(_, value)| value == "true");
    let after = match (on("leave_on_server"), on("delete_by_age_from_server")) {
        (false, _) => "delete".to_owned(),
        (true, true) => {
            let (line, days) = of("num_days_to_leave_on_server").unwrap_or((0, "7"));
            let days = days.parse::<u32>().unwrap_or(7);
            let why =
                "taken for what postie fetches; what Thunderbird has fetched so far stays on the server";
            let line = Some(line).filter(|line| *line > 0);
            remarks.told(
                At(line, "num_days_to_leave_on_server"),
                &days.to_string(),
                why,
                "delete that there",
            );
            format!("delete-after {days}d")
        }
        (true, false) => "keep".to_owned(),
    };
    if let Some((line, "true")) = of("headers_only") {
        remarks.told(At(Some(line), "headers_only"), "true", "postie fetches whole messages", "");
    }
    let keeps = after != "delete";
    if after != "keep" {
        draft.fetch.push(("fetch.after".into(), Setting::Text(after)));
    }
    keeps
}

/// Where the server's files are.
fn directory(prefs: &Prefs, id: &str, file: &Path, host: &str) -> PathBuf {
    let profile = file.parent().unwrap_or(Path::new(""));
    let within = prefs.of("server", id, "directory-rel").and_then(|(_, path)| path.strip_prefix("[ProfD]"));
    match (within, prefs.of("server", id, "directory")) {
        (Some(within), _) => profile.join(within.trim_start_matches('/')),
        (None, Some((_, path))) => PathBuf::from(path),
        (None, None) => profile.join("Mail").join(host),
    }
}

fn sender(prefs: &Prefs, identity: &str, draft: &mut Draft, remarks: &mut Remarks<'_>) {
    let named =
        prefs.of("identity", identity, "smtpServer").or_else(|| prefs.text("mail.smtp.defaultserver"));
    let Some((_, id)) = named else { return };
    let of = |key: &str| prefs.text(&format!("mail.smtpserver.{id}.{key}"));
    let Some((line, host)) = of("hostname") else { return };
    let Some(host) = remarks.host(At(Some(line), "smtpserver hostname"), host) else { return };
    let mut server = DraftServer::new(Protocol::Smtp, host);
    if let Some((line, name)) = of("username").filter(|(_, name)| !name.is_empty()) {
        server.username = remarks.user(At(Some(line), "smtpserver username"), name);
    }
    let method = of("authMethod");
    server.logs_in = server.username.is_some() && method.is_none_or(|(_, method)| method != "1");
    let tls = of("try_ssl");
    protection(tls.map(|(line, _)| line), tls.map_or("0", |(_, value)| value), &mut server, remarks);
    if server.logs_in {
        login(method, &mut server, remarks);
    }
    server.port = of("port").and_then(|(line, port)| remarks.port(At(Some(line), "smtpserver port"), port));
    // Without a port Thunderbird takes 25 or 587 by the kind of TLS, as postie does.
    draft.servers.push(server);
}

fn protection(line: Option<usize>, kind: &str, server: &mut DraftServer, remarks: &mut Remarks<'_>) {
    match kind {
        "3" => server.security = Security::Implicit,
        "2" => server.security = Security::StartTls,
        // "STARTTLS, if available".
        "1" => {
            server.security = Security::StartTls;
            let why = "TLS is required now, not only asked for";
            remarks.told(At(line, "socketType"), kind, why, "");
        }
        other => remarks.clear(At(line, "socketType"), other, server),
    }
}

fn login(method: Option<(usize, &str)>, server: &mut DraftServer, remarks: &mut Remarks<'_>) {
    let Some((line, method)) = method else { return };
    let at = At(Some(line), "authMethod");
    match method {
        "5" => remarks.auth(at, "gssapi", server),
        "6" => remarks.auth(at, "ntlm", server),
        "7" => remarks.auth(at, "external", server),
        "10" => {
            server.auth = Some("xoauth2".into());
            let why = "the token is Thunderbird's own";
            remarks.told(at, "10 (OAuth2)", why, "`postie config set NAME token-command COMMAND`");
        }
        _ => {}
    }
}

/// The preferences, each with its line.
struct Prefs(HashMap<String, (usize, String)>);

impl Prefs {
    fn read(octets: &[u8]) -> Prefs {
        let mut prefs = HashMap::new();
        for (line, text) in numbered(octets) {
            let Some((key, value)) = std::str::from_utf8(text).ok().and_then(pref) else { continue };
            if key.starts_with("mail.") {
                prefs.insert(key, (line, value));
            }
        }
        Prefs(prefs)
    }

    fn text(&self, key: &str) -> Option<(usize, &str)> {
        self.0.get(key).map(|(line, value)| (*line, value.as_str()))
    }

    /// A key of a server or an identity.
    fn of(&self, kind: &str, id: &str, key: &str) -> Option<(usize, &str)> {
        self.text(&format!("mail.{kind}.{id}.{key}"))
    }
}

/// A line: its key and its value; numbers, `true` and `false` as they are written.
fn pref(line: &str) -> Option<(String, String)> {
    let inner = line.trim().strip_prefix("user_pref(")?.strip_suffix(");")?.trim();
    let (key, rest) = quoted(inner)?;
    let value = rest.trim_start().strip_prefix(',')?.trim();
    match value.starts_with('"') {
        true => quoted(value).map(|(value, _)| (key, value)),
        false => values::plain_text(value).ok().map(|value| (key, value)),
    }
}

/// A text in double quotes with JavaScript's escapes, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut rest = text.strip_prefix('"')?.chars();
    loop {
        match rest.next()? {
            '"' => return Some((out, rest.as_str())),
            '\\' => match rest.next()? {
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                code @ ('x' | 'u') => {
                    let length = if code == 'x' { 2 } else { 4 };
                    let digits = rest.as_str().get(..length)?;
                    let code = u32::from_str_radix(digits, 16).ok()?;
                    // Half of a pair of surrogates is no character.
                    out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                    rest = rest.as_str()[length..].chars();
                }
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests;
