//! Reads a muttrc (mutt up to 2.3, NeoMutt): the variables of servers that are set to a fixed text, or to what a
//! command between backticks prints, which becomes the command for the password and is not run.
//!
//! Variables that are set before are filled in. Left out: those of the environment (`$HOME`), `source`, and hooks, which
//! set something for a while.

mod grammar;

use super::draft::{Draft, DraftServer};
use super::names::account_name;
use super::remarks::{At, Remarks};
use super::{Import, ImportText};
use crate::account::edit::Setting;
use crate::account::server::Protocol;
use crate::net::Security;
use crate::process::Program;
use crate::words::{Address, Failure};
use grammar::{VariableValue, Variables};

/// Reads one file: one account, or none.
pub fn read(text: ImportText<'_>) -> Result<Import, Failure> {
    let mut remarks = Remarks::new(text, "mutt");
    let variables = grammar::variables(text.octets, &mut remarks);
    let mut draft = Draft { original: "mutt".into(), file: text.path.to_owned(), ..Draft::default() };
    owner(&variables, &mut draft, &mut remarks);
    let folder = ["folder", "spoolfile"]
        .into_iter()
        .find(|name| variables.get(name).is_some_and(|value| value.text.starts_with("imap")));
    for (name, protocol, prefix) in [
        ("pop_host", Protocol::Pop3, "pop"),
        (folder.unwrap_or("folder"), Protocol::Imap, "imap"),
        ("smtp_url", Protocol::Smtp, "smtp"),
    ] {
        let Some(value) = variables.get(name) else { continue };
        if protocol == Protocol::Imap && folder.is_none() {
            continue;
        }
        draft.servers.extend(server(
            value,
            At(Some(value.line), name),
            protocol,
            prefix,
            &variables,
            &mut remarks,
        ));
    }
    leaving(&variables, &mut draft, &mut remarks);
    for (name, why) in [
        ("tunnel", "postie connects directly"),
        ("certificate_file", "certificates that mutt was told to trust once are not trusted here"),
        ("ssl_client_cert", "a client certificate and its key are two files in postie"),
    ] {
        if let Some(value) = variables.get(name) {
            let at = At(Some(value.line), name);
            match name {
                "certificate_file" => {
                    remarks.told(at, &value.text, why, "tls-fingerprint trusts one certificate")
                }
                _ => remarks.warned(at, &value.text, why, ""),
            }
        }
    }
    for name in ["ssl_verify_host", "ssl_verify_dates"] {
        if let Some(value) = variables.get(name).filter(|value| value.is_off()) {
            remarks.unchecked(At(Some(value.line), name), "no");
        }
    }
    let host = draft.servers.first().map(|server| server.host.clone());
    draft.name = account_name(draft.email.as_deref().or(host.as_deref()).unwrap_or("mutt"), "mutt");
    draft.line = None;
    let accounts = if draft.servers.is_empty() { Vec::new() } else { vec![draft] };
    Ok(Import { accounts, omissions: remarks.found, default: None })
}

fn owner(variables: &Variables, draft: &mut Draft, remarks: &mut Remarks<'_>) {
    if let Some(value) = variables.fixed("from", remarks) {
        // `Ana <ana@example.org>` is fine there, too.
        let inner =
            value.text.rsplit_once('<').map_or(value.text.as_str(), |(_, rest)| rest.trim_end_matches('>'));
        match Address::parse(inner.trim()) {
            Ok(address) => draft.email = Some(address.as_str().to_owned()),
            Err(error) => remarks.told(At(Some(value.line), "from"), &value.text, &error.to_string(), ""),
        }
    }
    if let Some(value) = variables.fixed("realname", remarks) {
        draft.display = remarks.plain(At(Some(value.line), "realname"), &value.text);
    }
}

/// A server by its URL: `smtp[s]://[user[:password]@]host[:port]`; of POP3 also the host alone.
fn server(
    value: &VariableValue,
    at: At<'_>,
    protocol: Protocol,
    prefix: &str,
    variables: &Variables,
    remarks: &mut Remarks<'_>,
) -> Option<DraftServer> {
    if value.is_live {
        remarks.warned(at, "", "it has a variable or a command in it, which is not filled in", "");
        return None;
    }
    let (scheme, rest) = value.text.split_once("://").unwrap_or((prefix, value.text.as_str()));
    let place = rest.split('/').next().unwrap_or_default();
    let (user, host) = place.rsplit_once('@').map_or((None, place), |(user, host)| (Some(user), host));
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (host, None),
    };
    let mut server = DraftServer::new(protocol, remarks.host(at, host)?);
    let (user, password) = user.map_or((None, None), |user| match user.split_once(':') {
        Some((user, password)) => (Some(user), Some(password)),
        None => (Some(user), None),
    });
    let variable = |suffix: &str| format!("{prefix}_{suffix}");
    if let Some(user) = user {
        server.username = remarks.user(at, &decoded(user));
    } else if let Some(user) = variables.fixed(&variable("user"), remarks) {
        server.username = remarks.user(At(Some(user.line), &variable("user")), &user.text);
    }
    server.logs_in = protocol != Protocol::Smtp || server.username.is_some();
    server.port = port.and_then(|port| remarks.port(at, port));
    if scheme.ends_with('s') {
        server.security = Security::Implicit;
    } else if !server.logs_in || variables.is_off("ssl_starttls") && !variables.is_on("ssl_force_tls") {
        remarks.clear(at, scheme, &mut server);
    } else {
        // It asks for TLS, and does without if the server has none.
        server.security = Security::StartTls;
    }
    if protocol == Protocol::Smtp && server.security != Security::Implicit {
        server.port = server.port.or(Some(25));
    }
    if server.logs_in {
        login(&mut server, prefix, password, at, variables, remarks);
    }
    Some(server)
}

fn login(
    server: &mut DraftServer,
    prefix: &str,
    password: Option<&str>,
    at: At<'_>,
    variables: &Variables,
    remarks: &mut Remarks<'_>,
) {
    let [ways, pass, token] =
        ["authenticators", "pass", "oauth_refresh_command"].map(|suffix| format!("{prefix}_{suffix}"));
    if let Some(value) = variables.fixed(&ways, remarks) {
        match value.text.split(':').collect::<Vec<_>>().as_slice() {
            [one] => remarks.auth(At(Some(value.line), &ways), &one.to_lowercase(), server),
            _ => remarks.told(
                At(Some(value.line), &ways),
                &value.text,
                "postie takes the best that the server offers",
                "",
            ),
        }
    }
    if let Some(value) = variables.get(&token) {
        let program =
            if value.is_live { Err("it has a variable in it".into()) } else { Program::shell(&value.text) };
        if server.auth.is_none() {
            server.auth = Some("xoauth2".into());
        }
        remarks.command(At(Some(value.line), &token), program, server);
    } else if let Some(value) = variables.get(&pass) {
        let at = At(Some(value.line), &pass);
        match &value.command {
            Some(line) => remarks.command(at, Program::shell(line), server),
            None if value.is_live => {
                remarks.warned(at, "", "it has a variable in it, which is not filled in", "")
            }
            None => remarks.password(at, &value.text, server),
        }
    } else if let Some(password) = password {
        remarks.password(at, &decoded(password), server);
    }
}

fn leaving(variables: &Variables, draft: &mut Draft, remarks: &mut Remarks<'_>) {
    let Some(value) = variables.get("pop_delete") else { return };
    match value.text.as_str() {
        "yes" => draft.fetch.push(("fetch.after".into(), Setting::Text("delete".into()))),
        "no" => {}
        other => {
            let why = "postie asks nothing: messages stay on the server";
            remarks.told(
                At(Some(value.line), "pop_delete"),
                other,
                why,
                "`postie config set NAME fetch.after delete`",
            );
        }
    }
}

/// A part of a URL without its percent signs.
fn decoded(text: &str) -> String {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((octet, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match code.filter(|_| *octet == b'%') {
            Some(code) => {
                out.push(code);
                rest = &after[2..];
            }
            None => {
                out.push(*octet);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
