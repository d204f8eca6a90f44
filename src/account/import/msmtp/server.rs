//! The server of an account of msmtp or mpop: where it is, what protects it, who logs in.

use super::AccountNotes;
use crate::account::edit::Setting;
use crate::account::import::names::{fingerprint, is_loopback, is_plain_word, is_system_trust};
use crate::account::import::remarks::is_anchored;
use crate::account::import::{DraftSecret, DraftServer, Tool};
use crate::account::server::{self as rules, Auth, Protocol};
use crate::account::values;
use crate::net::Security;
use crate::process::Program;
use crate::words::Secret;

/// Reads it; none where there is none that postie could use.
pub fn read(tool: Tool, notes: &mut AccountNotes<'_>) -> Option<DraftServer> {
    let protocol = if tool == Tool::Mpop { Protocol::Pop3 } else { Protocol::Smtp };
    let line = notes.entry.line;
    let account = notes.entry.name.clone();
    if let Some((line, "lmtp")) = notes.take("protocol") {
        notes.warned(line, "protocol", "lmtp", "postie sends by SMTP alone", "");
        return None;
    }
    if let Some((line, path)) = notes.take("socket") {
        notes.warned(line, "socket", path, "postie connects by TCP", "name the server's host and port");
    }
    let Some((at, host)) = notes.take("host") else {
        notes.warned(line, "account", &account, "it has no host, so there is no server", "");
        return None;
    };
    let host = match rules::host(host) {
        Ok(host) => host,
        Err(what) => {
            notes.warned(at, "host", host, &what, "");
            return None;
        }
    };
    let mut server = DraftServer::new(protocol, host);
    login(tool, &mut server, notes);
    protection(&mut server, notes);
    server.port = port(&server, notes);
    trust(&mut server, notes);
    proxy(&mut server, notes);
    Some(server)
}

fn login(tool: Tool, server: &mut DraftServer, notes: &mut AccountNotes<'_>) {
    // msmtp logs in only where it is told to.
    let auth = notes.take("auth");
    server.logs_in = match auth {
        Some((_, value)) => value != "off" || tool == Tool::Mpop,
        None => tool == Tool::Mpop,
    };
    if !server.logs_in {
        return;
    }
    match notes.take("user") {
        Some((_, user)) if rules::username(user).is_ok() => server.username = Some(user.to_owned()),
        Some((line, _)) => notes.warned(line, "user", "", "not a user name that postie can send", ""),
        None => {}
    }
    if let Some((line, name)) = auth.filter(|(_, name)| !matches!(*name, "" | "on" | "off")) {
        match Auth::parse(name, server.protocol) {
            Ok(Auth::Auto) => {}
            Ok(known) => server.auth = Some(known.name()),
            Err(_) => {
                let why = "not a way to log in that postie has; the best that the server offers is taken";
                notes.warned(line, "auth", name, why, "");
            }
        }
    }
    server.secret = secret(server, notes);
}

fn secret(server: &DraftServer, notes: &mut AccountNotes<'_>) -> Option<DraftSecret> {
    let is_token = server
        .auth
        .as_deref()
        .is_some_and(|name| Auth::parse(name, server.protocol).is_ok_and(Auth::wants_token));
    if let Some((line, text)) = notes.take("password").filter(|(_, text)| !text.is_empty()) {
        let secret = Secret::new(text);
        if secret.breaks_lines() || values::plain_text(text).is_err() {
            notes.warned(line, "password", "", "it has a control character in it", "");
            return None;
        }
        return Some(DraftSecret::Literal { secret, line: Some(line), key: "password".into() });
    }
    if let Some((line, command)) = notes.take("passwordeval").filter(|(_, command)| !command.is_empty()) {
        let read = values::plain_text(command).and_then(|command| Program::shell(&command));
        return match read {
            Ok(program) if is_token => Some(DraftSecret::TokenCommand(program)),
            Ok(program) => Some(DraftSecret::Command(program)),
            Err(what) => {
                notes.warned(line, "passwordeval", "", &what, "");
                None
            }
        };
    }
    if let Some(user) = &server.username {
        let (host, service) = (&server.host, server.protocol.name());
        let by_keyring = format!(
            "from the keyring: `postie config set NAME {service}.password-command 'secret-tool lookup host {host} \
             service {service} user {user}'`; "
        );
        // People copy hints into a shell, so a name with special characters gets none.
        let by_keyring = if is_plain_word(user) { by_keyring } else { String::new() };
        let hint = format!("{by_keyring}from ~/.netrc: `postie config import netrc`");
        let account = notes.entry.name.clone();
        let why = "no password stands there: it comes from the keyring, from ~/.netrc, or is asked for";
        notes.told(notes.entry.line, "account", &account, why, &hint);
    }
    None
}

fn protection(server: &mut DraftServer, notes: &mut AccountNotes<'_>) {
    let starttls = notes.switch("tls_starttls", true);
    if notes.switch("tls", false) {
        server.security = if starttls { Security::StartTls } else { Security::Implicit };
        return;
    }
    if !server.logs_in || is_loopback(&server.host) {
        server.security = Security::None;
        return;
    }
    // Stronger than it was: the password does not leave in clear.
    server.security = if starttls { Security::StartTls } else { Security::Implicit };
    let line = notes.take("tls").map_or(notes.entry.line, |(line, _)| line);
    let why = "the password would go over the network in clear, so TLS is required now";
    notes.warned(line, "tls", "off", why, "`postie test-account -A NAME` shows whether the server has it");
}

fn port(server: &DraftServer, notes: &mut AccountNotes<'_>) -> Option<u16> {
    if let Some((line, text)) = notes.take("port") {
        match values::port(text) {
            Ok(port) => return Some(port),
            Err(what) => notes.warned(line, "port", text, &what, ""),
        }
    }
    // Theirs is 25 wherever TLS does not begin at once.
    (server.protocol == Protocol::Smtp && server.security != Security::Implicit).then_some(25)
}

fn trust(server: &mut DraftServer, notes: &mut AccountNotes<'_>) {
    let has_tls = server.security != Security::None;
    if let Some((line, "off")) = notes.take("tls_certcheck").filter(|_| has_tls) {
        let why = "a certificate that nobody checked protects from nobody: it is checked now";
        let hint = "if the server has one of its own: `postie test-account -A NAME` shows its fingerprint, and \
                    `postie config set NAME tls-fingerprint sha256:…` pins it";
        notes.warned(line, "tls_certcheck", "off", why, hint);
    }
    if let Some((line, text)) = notes.take("tls_fingerprint").filter(|(_, text)| has_tls && !text.is_empty())
    {
        match fingerprint(text) {
            Some(pin) => server.more.push(("tls-fingerprint".into(), Setting::Text(pin))),
            None => {
                let why = "only SHA-256 is strong enough to trust one certificate by";
                notes.warned(line, "tls_fingerprint", text, why, "`postie test-account -A NAME` shows it");
            }
        }
    }
    if let Some((line, path)) = notes.take("tls_trust_file").filter(|(_, path)| has_tls && !path.is_empty()) {
        if is_system_trust(path) {
            return;
        }
        if !is_anchored(path) {
            notes.warned(line, "tls_trust_file", path, "not a whole path", "");
            return;
        }
        server.more.push(("ca-file".into(), Setting::Text(path.to_owned())));
        let why = "taken, but the system's authorities are trusted beside it";
        notes.told(line, "tls_trust_file", path, why, "tls-fingerprint trusts one certificate alone");
    }
    for (command, key) in [("tls_cert_file", "client-certificate"), ("tls_key_file", "client-key")] {
        let Some((line, path)) = notes.take(command).filter(|(_, path)| !path.is_empty()) else { continue };
        match is_anchored(path) {
            true => server.more.push((key.into(), Setting::Text(path.to_owned()))),
            false => notes.warned(line, command, path, "not a whole path", ""),
        }
    }
}

fn proxy(server: &mut DraftServer, notes: &mut AccountNotes<'_>) {
    let Some((line, host)) = notes.take("proxy_host").filter(|(_, host)| !host.is_empty()) else { return };
    let port = notes.take("proxy_port").map_or("1080", |(_, port)| port);
    match (rules::host(host), values::port(port)) {
        (Ok(host), Ok(port)) => {
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            server.more.push(("proxy".into(), Setting::Text(format!("socks5://{host}:{port}"))));
        }
        _ => notes.warned(line, "proxy_host", host, "not a host and a port: postie connects directly", ""),
    }
}
