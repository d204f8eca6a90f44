//! Reads `~/.netrc`: who logs in where, and with which password. It names no protocol, so no account comes of it: a
//! server that an account of postie has, and that has no secret yet, gets a reference to it.
//!
//! Tokens are divided by white space; `#` begins a remark at the beginning of a token; `macdef` goes on to an empty
//! line; `account` is passed over. Programs do not agree about quotes, so an entry with some is not used.

use super::names::is_plain_word;
use super::{ImportText, Omission};
use crate::process::Program;
use crate::words::Secret;

/// An entry: a host and a user, and the password.
#[derive(Clone, Debug)]
pub struct NetrcEntry {
    pub line: usize,
    /// None: `default`.
    pub host: Option<String>,
    pub user: Option<String>,
    pub secret: Option<Secret>,
    /// Whether a small command finds the password: each keyword stands on a line with its value, the user before the
    /// password.
    pub is_plain: bool,
}

/// Prints the password of a host and a user; the entry has to be plain.
const AWK: &str = "{for(i=1;i<=NF;i++){if($i==\"machine\"){h=$(++i);l=\"\"}else if($i==\"login\"||$i==\"user\"){l=$(++i)}\
                   else if(($i==\"password\"||$i==\"passwd\")&&h==m&&l==u){print $(++i);exit}}}";

impl NetrcEntry {
    /// A command that prints the password, however the file changes; none where it could print another one.
    pub fn command(&self, path: &str) -> Option<Program> {
        let (host, user) = (self.host.as_ref()?, self.user.as_ref()?);
        let fine =
            self.is_plain && is_plain_word(host) && is_plain_word(user) && !path.contains(char::is_control);
        let words =
            ["awk", "-v", &format!("m={host}"), "-v", &format!("u={user}"), AWK, path].map(str::to_owned);
        fine.then(|| Program::argv(words.to_vec()).ok()).flatten()
    }
}

/// The entries of the file, in its order.
pub fn read(text: ImportText<'_>, omissions: &mut Vec<Omission>) -> Vec<NetrcEntry> {
    let mut entries: Vec<NetrcEntry> = Vec::new();
    let mut tokens = NetrcTokens::of(text.octets);
    // A macro and a remark could look like an entry to a command that knows neither.
    let is_simple = !tokens.0.iter().any(|token| token.text == "macdef" || token.text.starts_with('#'));
    while let Some(token) = tokens.0.pop() {
        let value =
            |tokens: &mut NetrcTokens| tokens.0.pop().map(|value| (value.line == token.line, value.text));
        match token.text.as_str() {
            "machine" | "default" => {
                let host = if token.text == "machine" { value(&mut tokens) } else { None };
                let is_plain = is_simple && host.as_ref().is_some_and(|(same, _)| *same);
                let host = host.map(|(_, host)| host);
                entries.push(NetrcEntry { line: token.line, host, user: None, secret: None, is_plain });
            }
            "login" | "user" => {
                let (Some(entry), Some((same, user))) = (entries.last_mut(), value(&mut tokens)) else {
                    continue;
                };
                entry.is_plain &= same && entry.secret.is_none() && entry.user.is_none();
                entry.user = Some(user);
            }
            "password" | "passwd" => {
                let (Some(entry), Some((same, text))) = (entries.last_mut(), value(&mut tokens)) else {
                    continue;
                };
                entry.is_plain &= same && entry.user.is_some() && entry.secret.is_none();
                entry.secret = Some(Secret::new(text));
            }
            "account" | "macdef" => drop(value(&mut tokens)),
            remark if remark.starts_with('#') => {}
            // Not repeated: it may be a piece of a password.
            _ => omissions.push(text.omission(Some(token.line), "a word", "not one that a netrc has")),
        }
    }
    let has_quotes = |entry: &NetrcEntry| {
        let secret = entry.secret.as_ref().map_or(&b""[..], Secret::expose);
        let words = [entry.host.as_deref(), entry.user.as_deref()];
        secret.contains(&b'"')
            || secret.starts_with(b"'")
            || words.into_iter().flatten().any(|word| word.contains('"'))
    };
    for entry in entries.iter().filter(|entry| has_quotes(entry)) {
        omissions.push(text.omission(
            Some(entry.line),
            "machine",
            "programs do not agree about quotes in a netrc",
        ));
    }
    entries.retain(|entry| !has_quotes(entry) && entry.secret.is_some());
    entries
}

struct NetrcToken {
    line: usize,
    text: String,
}

/// The words of the file, from the last to the first.
struct NetrcTokens(Vec<NetrcToken>);

impl NetrcTokens {
    fn of(octets: &[u8]) -> NetrcTokens {
        let mut all = Vec::new();
        let mut in_macro = false;
        for (line, text) in super::lines::numbered(octets) {
            let Ok(text) = std::str::from_utf8(text) else { continue };
            if text.trim().is_empty() {
                in_macro = false;
                // An empty line ends a macro.
                continue;
            }
            if in_macro {
                continue;
            }
            for word in text.split_ascii_whitespace() {
                all.push(NetrcToken { line, text: word.to_owned() });
                match word {
                    "macdef" => in_macro = true,
                    remark if remark.starts_with('#') => break,
                    _ => {}
                }
            }
        }
        all.reverse();
        NetrcTokens(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(text: &str) -> (Vec<NetrcEntry>, Vec<Omission>) {
        let mut omissions = Vec::new();
        let entries =
            super::read(ImportText { path: Path::new("/h/.netrc"), octets: text.as_bytes() }, &mut omissions);
        (entries, omissions)
    }

    #[test]
    fn entries_are_read_by_their_words_wherever_these_stand() {
        let text = "# mine\nmachine pop.example.org login ana password pa#ss\nmachine h2\n  login bob\n  passwd x\n\
                    macdef init\nmachine no login no password no\n\ndefault login d password e\n";
        let (entries, omissions) = read(text);
        let shown: Vec<_> =
            entries.iter().map(|it| (it.line, it.host.as_deref(), it.user.as_deref())).collect();
        let wanted =
            [(2, Some("pop.example.org"), Some("ana")), (3, Some("h2"), Some("bob")), (9, None, Some("d"))];
        assert_eq!(shown, wanted);
        assert_eq!(entries[0].secret.as_ref().map(Secret::expose), Some(&b"pa#ss"[..]));
        assert!(omissions.is_empty());
        // A remark or a macro in the file: no small command reads it rightly.
        assert!(entries.iter().all(|entry| entry.command("/h/.netrc").is_none()));
    }

    #[test]
    fn a_command_finds_the_password_of_that_host_and_user_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let text = "machine h login bob password b1\nmachine h login ana password a1\nmachine h2 login ana\n password a2\n";
        std::fs::write(file.path(), text).unwrap();
        let (entries, _) = read(text);
        for (entry, wanted) in entries.iter().zip(["b1", "a1", "a2"]) {
            let Some(Program::Argv(words)) = entry.command(path) else { panic!("a command") };
            let printed = std::process::Command::new(&words[0]).args(&words[1..]).output().unwrap();
            assert_eq!(String::from_utf8(printed.stdout).unwrap(), format!("{wanted}\n"));
        }
        for odd in [
            "machine h password p login ana\n",
            "machine h login ana password\np\n",
            "machine h login a;b password p\n",
        ] {
            assert!(read(odd).0.iter().all(|entry| entry.command(path).is_none()), "{odd}");
        }
    }

    #[test]
    fn quotes_and_pieces_are_no_password() {
        let (entries, omissions) = read("machine h login a password \"b c\"\nmachine\nlogin\n");
        assert!(entries.is_empty(), "{entries:?}");
        assert!(!omissions.is_empty());
    }
}
