//! Remarks about one account of a file, and what every reader does with values.

use super::draft::{DraftSecret, DraftServer};
use super::names::{fingerprint, is_loopback, is_system_trust, shown};
use super::{ImportText, Omission};
use crate::account::edit::Setting;
use crate::account::server::{self as rules, Auth};
use crate::account::{keys, values};
use crate::net::Security;
use crate::process::Program;
use crate::words::Secret;

/// Where a value stands: its line, where that is known, and the key, as a remark names it.
#[derive(Clone, Copy, Debug)]
pub struct At<'a>(pub Option<usize>, pub &'a str);

/// What is said of an account.
pub struct Remarks<'a> {
    pub text: ImportText<'a>,
    pub account: String,
    pub found: Vec<Omission>,
}

impl<'a> Remarks<'a> {
    pub fn new(text: ImportText<'a>, account: &str) -> Self {
        Remarks { text, account: account.to_owned(), found: Vec::new() }
    }

    /// Something was not taken, or not as it is; an empty value or hint is none.
    pub fn told(&mut self, at: At<'_>, value: &str, why: &str, hint: &str) {
        self.say(at, value, why, hint, false);
    }

    /// The same for what changes what is protected, fetched or deleted.
    pub fn warned(&mut self, at: At<'_>, value: &str, why: &str, hint: &str) {
        self.say(at, value, why, hint, true);
    }

    fn say(&mut self, At(line, key): At<'_>, value: &str, why: &str, hint: &str, matters: bool) {
        let mut omission = self.text.omission(line, shown(key, value), why).of(&self.account);
        omission.matters = matters;
        self.found.push(if hint.is_empty() { omission } else { omission.hint(hint) });
    }

    /// A host that postie can connect to.
    pub fn host(&mut self, at: At<'_>, host: &str) -> Option<String> {
        let read = rules::host(host);
        read.map_err(|what| self.warned(at, host, &what, "")).ok()
    }

    pub fn port(&mut self, at: At<'_>, text: &str) -> Option<u16> {
        let read = values::port(text);
        read.map_err(|what| self.warned(at, text, &what, "")).ok()
    }

    /// A user name that postie can send.
    pub fn user(&mut self, at: At<'_>, name: &str) -> Option<String> {
        let read = rules::username(name);
        // Not repeated: it may be a password in the wrong place.
        read.map_err(|what| self.warned(at, "", &what, "")).ok()
    }

    /// Text without control characters.
    pub fn plain(&mut self, at: At<'_>, text: &str) -> Option<String> {
        let read = values::plain_text(text);
        read.map_err(|what| self.told(at, "", &what, "")).ok()
    }

    /// The way to log in.
    pub fn auth(&mut self, at: At<'_>, name: &str, server: &mut DraftServer) {
        match Auth::parse(name, server.protocol) {
            Ok(Auth::Auto) => {}
            Ok(known) => server.auth = Some(known.name()),
            Err(_) => {
                let why = "not a way to log in that postie has; the best that the server offers is taken";
                self.warned(at, name, why, "");
            }
        }
    }

    /// A password that stands in the file.
    pub fn password(&mut self, at: At<'_>, text: &str, server: &mut DraftServer) {
        if text.is_empty() {
            return;
        }
        let secret = Secret::new(text);
        if secret.breaks_lines() || values::plain_text(text).is_err() {
            self.warned(at, "", "it has a control character in it", "");
            return;
        }
        server.secret = Some(DraftSecret::Literal { secret, line: at.0, key: at.1.to_owned() });
    }

    /// A command that prints a password, or a token where the login wants one.
    pub fn command(&mut self, at: At<'_>, program: Result<Program, String>, server: &mut DraftServer) {
        let wants_token = |name: &String| Auth::parse(name, server.protocol).is_ok_and(Auth::wants_token);
        let words = |program: &Program| match program {
            Program::Shell(line) => line.chars().any(char::is_control),
            Program::Argv(words) => words.iter().any(|word| word.chars().any(char::is_control)),
        };
        match program {
            Ok(program) if words(&program) => self.warned(at, "", "it has a control character in it", ""),
            Ok(program) if server.auth.as_ref().is_some_and(wants_token) => {
                server.secret = Some(DraftSecret::TokenCommand(program));
            }
            Ok(program) => server.secret = Some(DraftSecret::Command(program)),
            Err(what) => self.warned(at, "", &what, ""),
        }
    }

    /// A server to which the password would have gone in clear: TLS is required, unless it is this machine.
    pub fn clear(&mut self, at: At<'_>, value: &str, server: &mut DraftServer) {
        if !server.logs_in || is_loopback(&server.host) {
            server.security = Security::None;
            return;
        }
        server.security = Security::StartTls;
        let why = "the password would go over the network in clear, so TLS is required now";
        self.warned(at, value, why, "`postie test-account -A NAME` shows whether the server has it");
    }

    /// A certificate that was not checked.
    pub fn unchecked(&mut self, at: At<'_>, value: &str) {
        let why = "a certificate that nobody checked protects from nobody: it is checked now";
        let hint = "if the server has one of its own: `postie test-account -A NAME` shows its fingerprint, and \
                    `postie config set NAME tls-fingerprint sha256:…` pins it";
        self.warned(at, value, why, hint);
    }

    /// The one certificate that is trusted.
    pub fn pin(&mut self, at: At<'_>, text: &str, server: &mut DraftServer) {
        match fingerprint(text) {
            Some(pin) => server.more.push(("tls-fingerprint".into(), Setting::Text(pin))),
            None => {
                let why = "only SHA-256 is strong enough to trust one certificate by";
                self.warned(at, text, why, "`postie test-account -A NAME` shows it");
            }
        }
    }

    /// A file of trusted authorities.
    pub fn authorities(&mut self, at: At<'_>, path: &str, server: &mut DraftServer) {
        if is_system_trust(path) || server.security == Security::None {
            return;
        }
        if !is_anchored(path) {
            self.warned(at, path, "not a whole path", "");
            return;
        }
        server.more.push(("ca-file".into(), Setting::Text(path.to_owned())));
        let why = "taken, but the system's authorities are trusted beside it";
        self.told(at, path, why, "tls-fingerprint trusts one certificate alone");
    }

    /// A client's certificate or its key, by the key that postie has for it.
    pub fn client_file(&mut self, at: At<'_>, path: &str, key: &str, server: &mut DraftServer) {
        let has_key = keys::find(&format!("{}.{key}", server.protocol.name())).is_ok();
        match has_key && is_anchored(path) {
            true => server.more.push((key.to_owned(), Setting::Text(path.to_owned()))),
            false => self.warned(at, path, "postie has no client certificates", ""),
        }
    }

    /// A path for a key of `fetch`.
    pub fn destination(&mut self, at: At<'_>, path: &str, key: &str) -> Option<(String, Setting)> {
        if is_anchored(path) {
            return Some((key.to_owned(), Setting::Text(path.to_owned())));
        }
        let hint = format!("`postie config set NAME {key} PATH`");
        self.warned(at, path, "not a whole path: where it leads is not known", &hint);
        None
    }
}

/// Whether a path means the same wherever it stands: from the root, or from the home directory.
pub fn is_anchored(path: &str) -> bool {
    (path.starts_with('/') || path.starts_with("~/")) && !path.contains(char::is_control)
}
