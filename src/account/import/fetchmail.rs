//! Reads what `fetchmail --configdump` (6.3 to 6.5) prints: its own reading of a fetchmailrc, as literals of Python.
//! The file's grammar, free-form and with defaults that changed between versions, stays fetchmail's.
//!
//! Left out: delivery to the local mail server, sorting by recipients (multidrop), tunnels and plug-ins.

use super::draft::{Draft, DraftServer};
use super::names::{account_name, is_loopback};
use super::python::{self, Literal};
use super::remarks::{At, Remarks};
use super::uids::{UidList, UidListKind};
use super::{Import, ImportText, MAX_ACCOUNTS};
use crate::account::edit::Setting;
use crate::account::server::Protocol;
use crate::account::values;
use crate::net::Security;
use crate::process::Program;
use crate::words::Failure;
use std::path::PathBuf;

/// The program and its arguments that print the configuration in `path`. What it says on standard error may have a
/// password in it, at a mistake in the file, so that is thrown away.
pub fn dump_command(path: &str) -> Vec<String> {
    let script = "exec fetchmail -f \"$1\" --configdump 2>/dev/null";
    ["/bin/sh", "-c", script, "sh", path].map(str::to_owned).to_vec()
}

/// Reads what fetchmail printed about the file that `text` names.
pub fn read(text: ImportText<'_>) -> Result<Import, Failure> {
    let broken = || text.broken(None, "fetchmail printed what it never did before (--configdump)");
    let begin = b"\nfetchmailrc = ";
    let at = memchr::memmem::find(text.octets, begin).ok_or_else(broken)?;
    let whole = python::read(&text.octets[at + begin.len()..]).ok_or_else(broken)?;
    let list = PathBuf::from(whole.get("idfile").text().unwrap_or("~/.fetchids"));
    let mut import = Import::default();
    let users = || {
        let servers = whole.get("servers").list().iter();
        servers.flat_map(|server| server.get("users").list().iter().map(move |user| (server, user)))
    };
    if users().count() > MAX_ACCOUNTS {
        return Err(text.broken(None, &format!("more than {MAX_ACCOUNTS} accounts")));
    }
    for (server, user) in users() {
        let poll = server.get("pollname").text().unwrap_or_default();
        let remote = user.get("remote").text().unwrap_or_default();
        let original = format!("{remote}@{poll}");
        let mut remarks = Remarks::new(text, &original);
        let others = users().filter(|(other, it)| {
            it.get("remote").text() == Some(remote) && names_of(other) != names_of(server)
        });
        let others = others.flat_map(|(other, _)| names_of(other)).collect();
        let draft = draft(server, user, &list, others, &mut remarks);
        import.accounts.extend(draft.map(|draft| Draft {
            name: account_name(&original, "fetchmail"),
            original,
            file: text.path.to_owned(),
            ..draft
        }));
        import.omissions.extend(remarks.found);
    }
    Ok(import)
}

/// The names that the host has there.
fn names_of(server: &Literal) -> Vec<String> {
    ["via", "pollname"].iter().filter_map(|key| server.get(key).text()).map(str::to_owned).collect()
}

fn draft(
    server: &Literal,
    user: &Literal,
    list: &std::path::Path,
    others: Vec<String>,
    remarks: &mut Remarks<'_>,
) -> Option<Draft> {
    let told = server.get("protocol").text().unwrap_or("auto").to_owned();
    let at = At(None, "protocol");
    let protocol = match told.to_uppercase().as_str() {
        "POP3" | "AUTO" | "APOP" => Protocol::Pop3,
        "IMAP" => Protocol::Imap,
        _ => {
            remarks.warned(at, &told, "postie fetches by POP3 and IMAP alone", "");
            return None;
        }
    };
    let names = names_of(server);
    let host = remarks.host(At(None, "poll"), names.first().map_or("", String::as_str))?;
    let mut wanted = DraftServer::new(protocol, host);
    match user.get("remote") {
        Literal::Unreadable => unreadable("user", remarks),
        name => wanted.username = name.text().and_then(|name| remarks.user(At(None, "user"), name)),
    }
    if told.eq_ignore_ascii_case("apop") {
        wanted.auth = Some("apop".into());
    }
    protection(server, user, &mut wanted, remarks);
    login(server, user, &mut wanted, remarks);
    let mut draft = Draft::default();
    destination(user, &mut draft, remarks);
    let keeps = user.get("keep").truth() == Some(true);
    if !keeps {
        draft.fetch.push(("fetch.after".into(), Setting::Text("delete".into())));
    }
    folders(user, &wanted, &mut draft, remarks);
    rest(server, user, remarks);
    if protocol == Protocol::Pop3
        && let Some(name) = &wanted.username
    {
        let kind = UidListKind::Fetchmail { hosts: names, user: name.clone(), others };
        draft.lists.push(UidList { path: list.to_owned(), kind, keeps });
    }
    if protocol == Protocol::Imap && keeps {
        let why = "fetchmail knows by \\Seen what it has fetched by IMAP: the first fetch brings everything";
        remarks.told(At(None, "protocol"), "IMAP", why, "`postie fetch -A NAME --mark-seen` before it");
    }
    draft.servers.push(wanted);
    Some(draft)
}

fn unreadable(key: &str, remarks: &mut Remarks<'_>) {
    let why = "fetchmail prints what is no ASCII so that it cannot be read back";
    remarks.warned(At(None, key), "", why, "`postie config set NAME …` sets it");
}

fn protection(server: &Literal, user: &Literal, wanted: &mut DraftServer, remarks: &mut Remarks<'_>) {
    let proto = user.get("sslproto");
    let by_user = matches!(proto, Literal::Text(text) if text.is_empty());
    if user.get("ssl").truth() == Some(true) {
        wanted.security = Security::Implicit;
    } else if is_loopback(&wanted.host) || by_user {
        remarks.clear(At(None, "sslproto"), "''", wanted);
    } else {
        // fetchmail uses TLS only if the server offers it.
        wanted.security = Security::StartTls;
    }
    if let Some(service) = server.get("service").text() {
        let number = match service {
            "pop3" => "110",
            "pop3s" => "995",
            "imap" | "imap2" => "143",
            "imaps" => "993",
            other => other,
        };
        wanted.port = remarks.port(At(None, "service"), number);
    }
    if wanted.security == Security::None {
        return;
    }
    if user.get("sslcertck").truth() == Some(false) {
        remarks.unchecked(At(None, "sslcertck"), "off");
    }
    if let Some(print) = user.get("sslfingerprint").text() {
        remarks.pin(At(None, "sslfingerprint"), print, wanted);
    }
    if let Some(path) = user.get("sslcertfile").text() {
        remarks.authorities(At(None, "sslcertfile"), path, wanted);
    }
    for (key, own) in [("sslcert", "client-certificate"), ("sslkey", "client-key")] {
        if let Some(path) = user.get(key).text() {
            remarks.client_file(At(None, key), path, own, wanted);
        }
    }
    for key in ["sslcertpath", "sslcommonname"] {
        if let Some(value) = user.get(key).text() {
            remarks.told(At(None, key), value, "postie has no setting for it", "ca-file, tls-fingerprint");
        }
    }
}

fn login(server: &Literal, user: &Literal, wanted: &mut DraftServer, remarks: &mut Remarks<'_>) {
    let auth = server.get("auth").text().unwrap_or("any").to_lowercase();
    match auth.as_str() {
        "any" | "password" => {}
        "kerberos_v4" | "kerberos_v5" | "kerberos" => remarks.auth(At(None, "auth"), "gssapi", wanted),
        other => remarks.auth(At(None, "auth"), other, wanted),
    }
    match user.get("password") {
        Literal::Unreadable => unreadable("password", remarks),
        text => remarks.password(At(None, "password"), text.text().unwrap_or_default(), wanted),
    }
}

fn destination(user: &Literal, draft: &mut Draft, remarks: &mut Remarks<'_>) {
    let hint = "`postie config set NAME fetch.maildir DIR`, or fetch.exec COMMAND";
    if let Some(line) = user.get("mda").text() {
        let read = values::plain_text(line).and_then(|line| Program::shell(&line));
        match read {
            Ok(program) if !line.contains("%T") && !line.contains("%F") => {
                draft.fetch.push(("fetch.exec".into(), Setting::Command(program)));
            }
            Ok(_) => remarks.warned(At(None, "mda"), line, "postie fills nothing in (%T, %F)", hint),
            Err(what) => remarks.warned(At(None, "mda"), "", &what, hint),
        }
        return;
    }
    let (key, value) = match (user.get("bsmtp").text(), user.get("smtphunt").texts()) {
        (Some(path), _) => ("bsmtp", path.to_owned()),
        (None, hosts) => ("smtphost", hosts.unwrap_or_default().join(",")),
    };
    remarks.told(At(None, key), &value, "postie does not hand fetched mail to a mail server", hint);
}

fn folders(user: &Literal, wanted: &DraftServer, draft: &mut Draft, remarks: &mut Remarks<'_>) {
    let names: Vec<String> = user.get("mailboxes").texts().unwrap_or_default();
    if names.is_empty() || names == ["INBOX"] {
        return;
    }
    let fits =
        wanted.protocol == Protocol::Imap && names.iter().all(|name| values::folder_name(name).is_ok());
    match fits {
        true => draft.fetch.push(("fetch.folders".into(), Setting::Texts(names))),
        false => remarks.warned(At(None, "folder"), &names.join(","), "not folders that postie can use", ""),
    }
}

fn rest(server: &Literal, user: &Literal, remarks: &mut Remarks<'_>) {
    if server.get("active").truth() == Some(false) {
        let why = "taken all the same; `fetch --all-accounts` fetches from it, too";
        remarks.told(At(None, "skip"), "", why, "`postie config remove NAME`");
    }
    for key in ["plugin", "plugout", "interface", "monitor"] {
        if let Some(value) = server.get(key).text() {
            remarks.warned(At(None, key), value, "postie connects directly", "");
        }
    }
    for key in ["preconnect", "postconnect"] {
        if let Some(value) = user.get(key).text() {
            remarks.warned(
                At(None, key),
                value,
                "postie runs no command around a fetch",
                "run it yourself, in the same script",
            );
        }
    }
    let local = user.get("localnames").list();
    if local.len() > 1 || local.iter().any(|name| name.text() == Some("*")) {
        let why = "postie does not sort messages by their recipient: all of them go to one place";
        remarks.warned(
            At(None, "is"),
            "",
            why,
            "`fetch.exec` gives every message to a command, which may sort",
        );
    }
    for (key, hint) in [("limit", "--max-size SIZE"), ("fetchlimit", "--limit N")] {
        let value = user.get(key).number();
        let at = At(None, key);
        match key {
            _ if value == 0 => {}
            "limit" => {
                remarks.warned(at, &value.to_string(), "large messages are fetched as all others", hint)
            }
            _ => remarks.told(at, &value.to_string(), "an option of a run in postie", hint),
        }
    }
    for (key, why, hint) in [
        ("fetchall", "postie fetches only what is new, unless it is told otherwise", "--all"),
        ("flush", "what was fetched before is deleted by `fetch --delete`", ""),
        ("idle", "an option of a run in postie", "--watch"),
        ("mimedecode", "messages are stored as they are", ""),
        ("dropdelivered", "messages are stored as they are", ""),
        ("dropstatus", "messages are stored as they are", ""),
    ] {
        if user.get(key).truth() == Some(true) {
            remarks.told(At(None, key), "", why, hint);
        }
    }
}
