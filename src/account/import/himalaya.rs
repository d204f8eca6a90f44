//! Reads the configuration of himalaya, by toml_edit: that of version 1 (`backend.type`, `message.send.backend`) and of
//! version 2 (`imap.server`, `smtp.sasl.plain`).
//!
//! Left out: secrets in a keyring, Maildirs and programs that send, and everything about how mail is shown.

use super::draft::{Draft, DraftServer};
use super::names::account_name;
use super::remarks::{At, Remarks};
use super::{Import, ImportText, MAX_ACCOUNTS};
use crate::account::server::Protocol;
use crate::net::Security;
use crate::process::Program;
use crate::words::{Address, Failure};
use toml_edit::{Document, Item, Value};

/// Reads the file. Fails with `config` where it is no TOML.
pub fn read(text: ImportText<'_>) -> Result<Import, Failure> {
    let whole = std::str::from_utf8(text.octets).map_err(|_| text.broken(None, "not valid UTF-8"))?;
    let lines = Lines(whole);
    let document = Document::parse(whole).map_err(|error| {
        // The parser's own words for the grammar; the line itself may hold a password.
        let line = error.span().map(|span| lines.of(span.start));
        text.broken(line, error.message().lines().next().unwrap_or("not TOML"))
    })?;
    let mut import = Import::default();
    let Some(accounts) = document.get("accounts").and_then(Item::as_table_like) else {
        return Ok(import);
    };
    if accounts.len() > MAX_ACCOUNTS {
        return Err(text.broken(None, &format!("more than {MAX_ACCOUNTS} accounts")));
    }
    for (name, item) in accounts.iter() {
        let mut reader = HimalayaReader { item, lines: &lines, remarks: Remarks::new(text, name) };
        let mut draft = Draft {
            name: account_name(name, "himalaya"),
            original: name.to_owned(),
            file: text.path.to_owned(),
            line: accounts.key(name).and_then(toml_edit::Key::span).map(|span| lines.of(span.start)),
            ..Draft::default()
        };
        reader.owner(&mut draft);
        draft.servers.extend(
            reader.second("imap", Protocol::Imap).or_else(|| reader.first("backend", Protocol::Imap)),
        );
        draft.servers.extend(
            reader
                .second("smtp", Protocol::Smtp)
                .or_else(|| reader.first("message.send.backend", Protocol::Smtp)),
        );
        if draft.servers.is_empty() && reader.remarks.found.is_empty() {
            let old = ["imap-host", "smtp-host"].iter().any(|key| reader.get(key).is_some());
            let (why, hint) = match old {
                true => {
                    ("the form of himalaya before version 1", "`postie config add` takes the same settings")
                }
                false => ("there is no server in it that postie could use", ""),
            };
            reader.remarks.warned(At(draft.line, &format!("[accounts.{name}]")), "", why, hint);
        }
        if reader.get("default").and_then(Item::as_bool) == Some(true) && !draft.servers.is_empty() {
            import.default = Some(draft.name.clone());
        }
        import.omissions.append(&mut reader.remarks.found);
        import.accounts.extend(Some(draft).filter(|draft| !draft.servers.is_empty()));
    }
    Ok(import)
}

/// Which line an octet stands on, counted from 1.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn of(&self, at: usize) -> usize {
        let before = &self.0.as_bytes()[..at.min(self.0.len())];
        memchr::memchr_iter(b'\n', before).count() + 1
    }
}

struct HimalayaReader<'a> {
    item: &'a Item,
    lines: &'a Lines<'a>,
    remarks: Remarks<'a>,
}

impl<'a> HimalayaReader<'a> {
    /// What stands at a dotted key.
    fn get(&self, key: &str) -> Option<&'a Item> {
        key.split('.').try_fold(self.item, |item, key| item.get(key))
    }

    fn line(&self, key: &str) -> Option<usize> {
        self.get(key).and_then(Item::span).map(|span| self.lines.of(span.start))
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key).and_then(Item::as_str)
    }

    fn owner(&mut self, draft: &mut Draft) {
        if let Some(email) = self.text("email") {
            match Address::parse(email) {
                Ok(_) => draft.email = Some(email.to_owned()),
                Err(error) => {
                    self.remarks.told(At(self.line("email"), "email"), email, &error.to_string(), "")
                }
            }
        }
        if let Some(name) = self.text("display-name") {
            draft.display = self.remarks.plain(At(self.line("display-name"), "display-name"), name);
        }
    }

    /// A server in the tables of version 1.
    fn first(&mut self, table: &str, protocol: Protocol) -> Option<DraftServer> {
        let key = |name: &str| format!("{table}.{name}");
        let kind = self.text(&key("type"))?;
        if kind != protocol.name() {
            let why = "postie fetches from a server and sends through one";
            self.remarks.warned(At(self.line(&key("type")), &key("type")), kind, why, "");
            return None;
        }
        let at = (self.line(&key("host")), key("host"));
        let host = self.remarks.host(At(at.0, &at.1), self.text(&key("host")).unwrap_or_default())?;
        let mut server = DraftServer::new(protocol, host);
        self.user(&key("login"), &mut server);
        let encryption = self.text(&key("encryption.type")).or_else(|| self.text(&key("encryption")));
        self.protect(&key("encryption"), encryption.unwrap_or("tls"), &mut server);
        self.port(&key("port"), &mut server);
        if self.text(&key("auth.type")) == Some("oauth2") {
            server.auth = Some("xoauth2".into());
            let why = "the token is himalaya's own";
            let hint = "`postie config set NAME token-command COMMAND`";
            self.remarks.told(At(self.line(&key("auth.type")), &key("auth.type")), "oauth2", why, hint);
        } else {
            self.secret(&key("auth"), &mut server);
        }
        Some(server)
    }

    /// A server in the tables of version 2: `host[:port]` or a URL, and a table for each mechanism.
    fn second(&mut self, table: &str, protocol: Protocol) -> Option<DraftServer> {
        let key = |name: &str| format!("{table}.{name}");
        let text = self.text(&key("server"))?;
        let line = self.line(&key("server"));
        let (scheme, rest) =
            text.split_once("://").map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
        let (host, port) = match rest.trim_end_matches('/').rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (rest.trim_end_matches('/'), None),
        };
        let mut server = DraftServer::new(protocol, self.remarks.host(At(line, &key("server")), host)?);
        server.port = port.and_then(|port| self.remarks.port(At(line, &key("server")), port));
        let upgrades = self.get(&key("starttls")).and_then(Item::as_bool) == Some(true);
        let way = self.get(&key("sasl")).and_then(Item::as_table_like).and_then(|ways| ways.iter().next());
        let mechanism = way.map(|(name, _)| name.to_owned());
        server.logs_in = mechanism.is_some() || protocol != Protocol::Smtp;
        if let Some(mechanism) = &mechanism {
            self.user(&key(&format!("sasl.{mechanism}.username")), &mut server);
        }
        let is_plain = scheme.is_some_and(|scheme| !scheme.ends_with('s'));
        let encryption = if upgrades {
            "start-tls"
        } else if is_plain {
            "none"
        } else {
            "tls"
        };
        self.protect(&key("server"), encryption, &mut server);
        if let Some(mechanism) = &mechanism {
            let at = key(&format!("sasl.{mechanism}"));
            if !matches!(mechanism.as_str(), "plain" | "login" | "anonymous") {
                self.remarks.auth(At(self.line(&at), &at), mechanism, &mut server);
            }
            self.secret(&format!("{at}.password"), &mut server);
            self.secret(&format!("{at}.token"), &mut server);
        }
        Some(server)
    }

    fn user(&mut self, key: &str, server: &mut DraftServer) {
        if let Some(name) = self.text(key) {
            server.username = self.remarks.user(At(self.line(key), key), name);
        }
    }

    fn port(&mut self, key: &str, server: &mut DraftServer) {
        if let Some(port) = self.get(key).and_then(Item::as_integer) {
            server.port = self.remarks.port(At(self.line(key), key), &port.to_string());
        }
    }

    fn protect(&mut self, key: &str, encryption: &str, server: &mut DraftServer) {
        match encryption {
            "tls" => server.security = Security::Implicit,
            "start-tls" | "starttls" => server.security = Security::StartTls,
            other => self.remarks.clear(At(self.line(key), key), other, server),
        }
    }

    /// A secret: in the file, from a command, or from a keyring.
    fn secret(&mut self, key: &str, server: &mut DraftServer) {
        if let Some(text) = self.text(&format!("{key}.raw")) {
            let raw = format!("{key}.raw");
            self.remarks.password(At(self.line(&raw), &raw), text, server);
        }
        for name in ["cmd", "command"] {
            let name = format!("{key}.{name}");
            let Some(item) = self.get(&name) else { continue };
            let words = |all: &toml_edit::Array| {
                all.iter().map(Value::as_str).map(|word| word.map(str::to_owned)).collect()
            };
            let program = match (item.as_str(), item.as_array()) {
                (Some(line), _) => Program::shell(line),
                (None, Some(all)) => {
                    let words: Option<Vec<String>> = words(all);
                    words.ok_or_else(|| "not an array of texts".to_owned()).and_then(Program::argv)
                }
                _ => Err("neither a text nor an array".into()),
            };
            self.remarks.command(At(self.line(&name), &name), program, server);
        }
        let keyring = format!("{key}.keyring");
        if self.get(&keyring).is_some() {
            let hint = "`postie config set NAME password-command COMMAND`, such as secret-tool lookup …";
            self.remarks.told(At(self.line(&keyring), &keyring), "", "postie does not open keyrings", hint);
        }
    }
}

#[cfg(test)]
mod tests;
