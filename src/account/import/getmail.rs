//! Reads a getmailrc of getmail6 (up to 6.19): an INI file with one account, its destination and its options.
//!
//! Left out: destinations that sort (`MultiDestination`, `MultiSorter`, …) and filters, which postie does not have.

use super::draft::{Draft, DraftServer};
use super::ini::{Section, sections};
use super::names::account_name;
use super::python::{self, Literal};
use super::remarks::{At, Remarks};
use super::uids::{UidList, UidListKind};
use super::{Import, ImportText};
use crate::account::edit::Setting;
use crate::account::server::Protocol;
use crate::net::Security;
use crate::process::Program;
use crate::words::Failure;

/// Reads one file. Fails with `config` where getmail would not read it either.
pub fn read(text: ImportText<'_>) -> Result<Import, Failure> {
    let all = sections(text)?;
    let section = |name: &str| all.iter().find(|section| section.name == name);
    let empty = Section::default();
    let retriever = section("retriever").ok_or_else(|| text.broken(None, "there is no [retriever]"))?;
    let options = section("options").unwrap_or(&empty);
    let file = text.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let short =
        file.trim_start_matches('.').trim_start_matches("getmailrc").trim_start_matches(['-', '_', '.']);
    let original = if short.is_empty() { file.clone() } else { short.to_owned() };
    let fallback =
        retriever.get("server").map_or("getmail".to_owned(), |(_, host)| account_name(host, "getmail"));
    let name = if short.is_empty() { fallback } else { account_name(short, "getmail") };
    let mut remarks = Remarks::new(text, &original);
    let mut draft =
        Draft { name, original, file: text.path.to_owned(), line: Some(retriever.line), ..Draft::default() };
    let server = server(retriever, &mut remarks);
    if let Some(server) = server {
        destination(section("destination").unwrap_or(&empty), &mut draft, &mut remarks);
        let keeps = leaving(options, retriever, &mut draft, &mut remarks);
        list(retriever, &server, keeps, &mut draft, &mut remarks);
        fetched_by(retriever, &server, &mut draft, &mut remarks);
        draft.servers.push(server);
    }
    for filter in all.iter().filter(|section| section.name.starts_with("filter")) {
        let why = "postie has no filters: all messages are fetched";
        let hint = "`fetch.exec` gives every message to a command, which may filter";
        remarks.warned(At(Some(filter.line), &format!("[{}]", filter.name)), "", why, hint);
    }
    if options.get("use_netrc").is_some_and(|(_, value)| is_on(value)) {
        let at = At(options.get("use_netrc").map(|(line, _)| line), "use_netrc");
        remarks.told(at, "", "the secret is in ~/.netrc", "`postie config import netrc`");
    }
    let accounts = if draft.servers.is_empty() { Vec::new() } else { vec![draft] };
    Ok(Import { accounts, omissions: remarks.found, default: None })
}

fn is_on(value: &str) -> bool {
    matches!(value.to_lowercase().as_str(), "1" | "yes" | "true" | "on")
}

/// The texts of a tuple.
fn tuple(value: &str) -> Option<Vec<String>> {
    python::read(value.as_bytes()).as_ref().and_then(Literal::texts)
}

fn server(section: &Section, remarks: &mut Remarks<'_>) -> Option<DraftServer> {
    let (line, kind) = section.get("type").unwrap_or((section.line, ""));
    let at = At(Some(line), "type");
    let protocol = match kind {
        kind if kind.contains("POP3") => Protocol::Pop3,
        kind if kind.contains("IMAP") => Protocol::Imap,
        _ => {
            remarks.warned(at, kind, "postie fetches by POP3 and IMAP alone", "");
            return None;
        }
    };
    if kind.contains("Multidrop") {
        let why = "postie does not sort messages by their recipient: all of them go to one place";
        remarks.warned(at, kind, why, "`fetch.exec` gives every message to a command, which may sort");
    }
    let (line, host) = section.get("server").unwrap_or((section.line, ""));
    let mut server = DraftServer::new(protocol, remarks.host(At(Some(line), "server"), host)?);
    let line_of = |key: &str| section.get(key).map(|(line, _)| line);
    if let Some((line, user)) = section.get("username") {
        server.username = remarks.user(At(Some(line), "username"), user);
    }
    let switches = [
        ("use_apop", "apop"),
        ("use_cram_md5", "cram-md5"),
        ("use_xoauth2", "xoauth2"),
        ("use_kerberos", "gssapi"),
    ];
    for (key, auth) in switches {
        if let Some((line, _)) = section.get(key).filter(|(_, value)| is_on(value)) {
            remarks.auth(At(Some(line), key), auth, &mut server);
        }
    }
    if !kind.contains("SSL") {
        remarks.clear(at, kind, &mut server);
    }
    // Where TLS is now required, getmail's default port is not postie's.
    let port = if server.security == Security::Implicit { None } else { Some(server.effective_port()) };
    server.port = match section.get("port") {
        Some((line, text)) => remarks.port(At(Some(line), "port"), text).or(port),
        None => port,
    };
    if let Some((line, text)) = section.get("password") {
        remarks.password(At(Some(line), "password"), text, &mut server);
    }
    if let Some((line, text)) = section.get("password_command").filter(|(_, text)| !text.is_empty()) {
        let words = tuple(text).ok_or_else(|| "not a tuple of texts".to_owned());
        remarks.command(At(Some(line), "password_command"), words.and_then(Program::argv), &mut server);
    }
    if let Some((line, path)) = section.get("ca_certs").filter(|(_, path)| !path.is_empty()) {
        remarks.authorities(At(Some(line), "ca_certs"), path, &mut server);
    }
    if let Some(text) = section.get("ssl_fingerprints").map(|(_, text)| text).filter(|text| !text.is_empty())
    {
        let at = At(line_of("ssl_fingerprints"), "ssl_fingerprints");
        match tuple(text).as_deref() {
            Some([one]) => remarks.pin(at, one, &mut server),
            Some([]) => {}
            _ => remarks.warned(at, "", "postie trusts one fingerprint, and this is none or several", ""),
        }
    }
    for (key, own) in [("certfile", "client-certificate"), ("keyfile", "client-key")] {
        if let Some((line, path)) = section.get(key).filter(|(_, path)| !path.is_empty()) {
            remarks.client_file(At(Some(line), key), path, own, &mut server);
        }
    }
    for key in ["ssl_version", "ssl_ciphers", "ssl_cert_hostname", "timeout", "imap_on_delete"] {
        if let Some((line, value)) = section.get(key) {
            let hint = if key == "timeout" { "--timeout" } else { "" };
            remarks.told(At(Some(line), key), value, "postie has no setting for it", hint);
        }
    }
    if let Some((line, value)) = section.get("imap_search") {
        remarks.warned(
            At(Some(line), "imap_search"),
            value,
            "all messages are fetched, whatever is in them",
            "",
        );
    }
    Some(server)
}

/// The folders of an IMAP server.
fn fetched_by(section: &Section, server: &DraftServer, draft: &mut Draft, remarks: &mut Remarks<'_>) {
    let Some((line, text)) = section.get("mailboxes").filter(|_| server.protocol == Protocol::Imap) else {
        return;
    };
    let at = At(Some(line), "mailboxes");
    match (text, tuple(text)) {
        ("ALL", _) => draft.fetch.push(("fetch.folders".into(), Setting::Text("all".into()))),
        (_, Some(names)) if names == ["INBOX"] || names.is_empty() => {}
        (_, Some(names)) if names.iter().all(|name| crate::account::values::folder_name(name).is_ok()) => {
            draft.fetch.push(("fetch.folders".into(), Setting::Texts(names)));
        }
        _ => remarks.warned(
            at,
            text,
            "not names of folders that postie can use",
            "`postie config set NAME fetch.folders`",
        ),
    }
}

fn destination(section: &Section, draft: &mut Draft, remarks: &mut Remarks<'_>) {
    let Some((line, kind)) = section.get("type") else { return };
    let at = At(Some(line), "type");
    let path = section.get("path");
    let hint = "`postie config set NAME fetch.maildir DIR`";
    // A variable in it is not filled in.
    let fixed = path.filter(|(_, path)| !path.contains('$'));
    match (kind, fixed) {
        ("Maildir", Some((line, path))) => {
            let path = path.trim_end_matches('/');
            draft.fetch.extend(remarks.destination(At(Some(line), "path"), path, "fetch.maildir"));
        }
        ("Mboxrd", Some((line, path))) => {
            draft.fetch.extend(remarks.destination(At(Some(line), "path"), path, "fetch.mbox"));
        }
        ("MDA_external", Some((line, path))) => {
            let arguments = section.get("arguments").map_or(Some(Vec::new()), |(_, text)| {
                if text.is_empty() { Some(Vec::new()) } else { tuple(text) }
            });
            let words = arguments.map(|more| [vec![path.to_owned()], more].concat());
            let fits = |words: &Vec<String>| {
                words.iter().all(|word| !word.contains("%(") && !word.contains(char::is_control))
            };
            match words.filter(fits).and_then(|words| Program::argv(words).ok()) {
                Some(program) => draft.fetch.push(("fetch.exec".into(), Setting::Command(program))),
                None => {
                    let why = "postie fills nothing in (%(sender), %(recipient))";
                    let line = section.get("arguments").map_or(line, |(line, _)| line);
                    remarks.warned(
                        At(Some(line), "arguments"),
                        "",
                        why,
                        "`postie config set NAME fetch.exec COMMAND`",
                    );
                }
            }
            if let Some((line, _)) = section.get("unixfrom").filter(|(_, value)| is_on(value)) {
                remarks.told(At(Some(line), "unixfrom"), "", "the command gets the message alone", "");
            }
        }
        ("Maildir" | "Mboxrd" | "MDA_external", None) => {
            remarks.warned(at, kind, "its path is not there, or has a variable in it", hint);
        }
        _ => remarks.warned(at, kind, "postie delivers into a Maildir, an mbox, or to a command", hint),
    }
}

/// What stays on the server; returns whether anything does.
fn leaving(options: &Section, retriever: &Section, draft: &mut Draft, remarks: &mut Remarks<'_>) -> bool {
    let on = |key: &str| options.get(key).is_some_and(|(_, value)| is_on(value));
    let days = options.get("delete_after").and_then(|(line, value)| Some((line, value.parse::<u32>().ok()?)));
    let folder = retriever.get("move_on_delete").map(|(_, name)| name).filter(|name| !name.is_empty());
    let after = match (on("delete"), days, folder) {
        (true, _, Some(folder)) if crate::account::values::folder_name(folder).is_ok() => {
            format!("move-to {folder}")
        }
        (true, _, _) => "delete".into(),
        (false, Some((_, days)), _) if days > 0 => format!("delete-after {days}d"),
        _ => "keep".into(),
    };
    if let (false, Some((line, days))) = (on("delete"), days.filter(|(_, days)| *days > 0)) {
        let why = "taken for what postie fetches; what getmail has fetched so far stays on the server";
        remarks.told(
            At(Some(line), "delete_after"),
            &days.to_string(),
            why,
            "delete that by hand, or by getmail",
        );
    }
    let keeps = after == "keep" || after.starts_with("delete-after");
    if after != "keep" {
        draft.fetch.push(("fetch.after".into(), Setting::Text(after)));
    }
    for (line, key, value) in options.all() {
        let at = At(Some(line), key);
        match key {
            "max_message_size" | "delete_bigger_than" if value != "0" => {
                let why = "large messages are fetched, and stay, as all others";
                remarks.warned(at, value, why, "--max-size SIZE leaves them on the server");
            }
            "max_messages_per_session" | "max_bytes_per_session" if value != "0" => {
                remarks.told(at, value, "an option of a run in postie", "--limit N");
            }
            "read_all" if is_on(value) => {
                remarks.told(
                    at,
                    value,
                    "postie fetches only what is new, unless it is told otherwise",
                    "--all",
                );
            }
            "message_log" | "message_log_syslog" | "mark_read" => {
                remarks.told(at, "", "postie has no setting for it", "");
            }
            _ => {}
        }
    }
    keeps
}

/// Where getmail notes what it has fetched.
fn list(section: &Section, server: &DraftServer, keeps: bool, draft: &mut Draft, remarks: &mut Remarks<'_>) {
    let (line, kind) = section.get("type").unwrap_or_default();
    if kind.starts_with("BrokenUIDL") {
        let why = "getmail knows the messages by their numbers there, which postie cannot use";
        remarks.told(
            At(Some(line), "type"),
            kind,
            why,
            "`postie fetch -A NAME --mark-seen` marks what is there now",
        );
        return;
    }
    let named = section.get("server").map(|(_, host)| host).unwrap_or_default();
    let default = match (server.protocol, kind.contains("SSL")) {
        (Protocol::Imap, true) => 993,
        (Protocol::Imap, false) => 143,
        (_, true) => 995,
        (_, false) => 110,
    };
    let port = section.get("port").and_then(|(_, port)| port.parse().ok()).unwrap_or(default);
    let user = section.get("username").map(|(_, user)| user).unwrap_or_default();
    let mut name = stripped(&format!("oldmail-{named}-{port}-{user}"), "-");
    let is_imap = server.protocol == Protocol::Imap;
    if is_imap {
        name.push_str("-INBOX");
    }
    let beside = section_dir(draft);
    draft.lists.push(UidList { path: beside.join(name), kind: UidListKind::Getmail { is_imap }, keeps });
}

fn section_dir(draft: &Draft) -> std::path::PathBuf {
    draft.file.parent().unwrap_or(std::path::Path::new("")).to_owned()
}

/// The name of a file as getmail makes it: `by` takes the place of each run of characters that a name may not have.
fn stripped(name: &str, by: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut was_strange = false;
    for c in name.chars() {
        let is_strange = matches!(c, '/' | ':' | ';' | '<' | '>' | '|');
        match (is_strange, was_strange) {
            (true, false) => out.push_str(by),
            (true, true) => {}
            (false, _) => out.push(c),
        }
        was_strange = is_strange;
    }
    out
}

#[cfg(test)]
mod tests;
