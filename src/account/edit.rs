//! Editing the configuration file: comments, order and line ends of the user's text survive.
//!
//! An edit locks the file's directory, reads, changes, checks the whole result as if it were read, and puts
//! it in place at once, mode 0600. A symbolic link stays one: its target is replaced. A file that would not
//! be read back is never written.

use super::keys::{self, Type};
use super::lock::lock_directory;
use super::schema::{self, Contents, Fault, PathContext};
use super::{Account, Env, config, values};
use crate::process::Program;
use crate::store::atomic_replace;
use crate::words::{Failure, Kind, Secret};
use rustix::fs::fstat;
use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

/// A configuration file, locked and open to change.
pub struct Editor {
    shown: PathBuf,
    target: PathBuf,
    env: Env,
    document: DocumentMut,
    byte_order_mark: bool,
    crlf: bool,
    _lock: File,
}

/// A value to be set.
#[derive(Clone, Debug)]
pub enum Setting {
    /// A string.
    Text(String),
    /// A port.
    Port(u16),
    /// A command.
    Command(Program),
    /// A password that stands in the file itself.
    Password(Secret),
}

impl Editor {
    /// Opens the file at `path` for a change; one that is not there is made when it is saved.
    ///
    /// Fails with [`Kind::Config`] where it is no TOML or not the user's, [`Kind::Locked`] where somebody
    /// else edits it, [`Kind::CannotCreate`] where its directory cannot be made.
    pub fn open(path: &Path, env: &Env) -> Result<Editor, Failure> {
        let target = match std::fs::canonicalize(path) {
            Ok(target) => target,
            Err(error) if error.kind() == ErrorKind::NotFound => leads_to(path),
            Err(error) => return Err(refuse(path, Kind::Config, error)),
        };
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.map_err(|error| refuse(path, Kind::CannotCreate, error))?;
        let lock = lock_directory(directory, path)?;
        let text = match config::read_text(&target)? {
            None => String::new(),
            Some((file, text)) => {
                let stat = fstat(&file).map_err(|errno| refuse(path, Kind::Config, errno.into()))?;
                if stat.st_uid != rustix::process::geteuid().as_raw() {
                    let what = "the file belongs to another user, who would lose it";
                    return Err(refuse(path, Kind::Config, std::io::Error::other(what)));
                }
                text.to_string()
            }
        };
        let document = text.parse::<DocumentMut>().map_err(|error| {
            // Only the place: the rest of that error shows the line.
            let at = error.span().map_or(text.len(), |span| span.start);
            let what = error.message().lines().next().unwrap_or("not TOML").to_owned();
            config::locate(&text, path, Fault { at, within: String::new(), what, hint: None })
        })?;
        Ok(Editor {
            shown: path.to_owned(),
            target,
            env: env.clone(),
            document,
            byte_order_mark: text.starts_with('\u{feff}'),
            crlf: text.contains("\r\n"),
            _lock: lock,
        })
    }

    /// Adds an account with these settings, dotted keys in the order they are to stand in.
    pub fn add(&mut self, name: &str, settings: &[(&str, Setting)]) -> Result<(), Failure> {
        values::account_name(name).map_err(Failure::usage)?;
        if self.account(name).is_some() {
            let message =
                format!("{}: adding account {name:?}: there is one of that name", self.shown.display());
            return Err(Failure::config(message).hint("`postie config set` changes it, `remove` removes it"));
        }
        let accounts = self.document.entry("accounts").or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        let wrong = || Failure::config(format!("{}: accounts: a table is wanted here", self.shown.display()));
        let accounts = accounts.as_table_like_mut().ok_or_else(wrong)?;
        accounts.insert(name, Item::Table(Table::new()));
        for (key, setting) in settings {
            self.put(name, key, item_of(setting)?)?;
        }
        Ok(())
    }

    /// Sets one dotted key of an account from text, which is read as the key's type.
    pub fn set(&mut self, name: &str, key: &str, text: &str) -> Result<(), Failure> {
        let usage = |what: &str| Failure::usage(format!("{key}: {what}"));
        let setting = match kind_of(key)? {
            Type::Text if key.rsplit('.').next() == Some("password") => {
                return Err(usage("a password in the arguments is refused: everybody can read them").hint(
                    "give it on standard input (`postie config set NAME password -`), or use password-command",
                ));
            }
            Type::Text => Item::from(values::plain_text(text).map_err(|what| usage(&what))?),
            Type::Command => Item::from(values::plain_text(text).map_err(|what| usage(&what))?),
            Type::Integer => Item::from(i64::from(values::port(text).map_err(|what| usage(&what))?)),
            Type::Boolean => match text {
                "true" => Item::from(true),
                "false" => Item::from(false),
                _ => return Err(usage("true or false is wanted")),
            },
            Type::Table(_) | Type::Aliases => return Err(usage("a table; set one of its keys")),
        };
        self.put(name, key, setting)
    }

    /// Sets one dotted key of an account from words: several make an array, where the key takes one.
    pub fn set_words(&mut self, name: &str, key: &str, words: &[&str]) -> Result<(), Failure> {
        let kind = kind_of(key)?;
        let is_list = kind == Type::Command || (kind == Type::Text && key.starts_with("aliases."));
        match words {
            [text] if is_list => match array_of(text) {
                Some(Ok(array)) => self.put(name, key, Item::from(array)),
                Some(Err(what)) => Err(Failure::usage(format!("{key}: {what}")).hint(
                    "an array is written [\"pass\", \"show\", \"x\"], within single quotes for the shell",
                )),
                None => self.set(name, key, text),
            },
            [text] => self.set(name, key, text),
            words if is_list => {
                let words = words.iter().map(|word| values::plain_text(word));
                let array: Result<Array, String> = words.collect();
                let array = array.map_err(|what| Failure::usage(format!("{key}: {what}")))?;
                self.put(name, key, Item::from(array))
            }
            _ => Err(Failure::usage(format!("{key}: one value is wanted, and there are several"))
                .hint("put a value with spaces within quotes")),
        }
    }

    /// Whether an account has a dotted key of its own.
    pub fn has(&self, name: &str, key: &str) -> bool {
        let mut parts = key.split('.').peekable();
        let mut table = self.account(name);
        while let (Some(here), Some(part)) = (table, parts.next()) {
            match here.get(part) {
                Some(_) if parts.peek().is_none() => return true,
                found => table = found.and_then(Item::as_table_like),
            }
        }
        false
    }

    /// How many accounts there are.
    pub fn accounts(&self) -> usize {
        self.document.get("accounts").and_then(Item::as_table_like).map_or(0, TableLike::len)
    }

    /// Sets one dotted key of an account to a value.
    pub fn set_to(&mut self, name: &str, key: &str, setting: &Setting) -> Result<(), Failure> {
        kind_of(key)?;
        self.put(name, key, item_of(setting)?)
    }

    /// Removes one dotted key of an account, or a whole table of it. Says whether it was there.
    pub fn unset(&mut self, name: &str, key: &str) -> Result<bool, Failure> {
        kind_of(key)?;
        let missing = self.no_account(name);
        let mut table = self.account_mut(name).ok_or(missing)?;
        let mut parts = key.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return Ok(table.remove(part).is_some());
            }
            match table.get_mut(part).and_then(Item::as_table_like_mut) {
                Some(below) => table = below,
                None => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Removes an account, and the default if it was that.
    pub fn remove(&mut self, name: &str) -> Result<(), Failure> {
        let missing = self.no_account(name);
        let accounts = self.document.get_mut("accounts").and_then(Item::as_table_like_mut);
        if accounts.and_then(|accounts| accounts.remove(name)).is_none() {
            return Err(missing);
        }
        if self.document.get("default-account").and_then(Item::as_str) == Some(name) {
            self.document.remove("default-account");
        }
        Ok(())
    }

    /// Makes an account the default.
    pub fn set_default(&mut self, name: &str) -> Result<(), Failure> {
        if self.account(name).is_none() {
            return Err(self.no_account(name));
        }
        replace(self.document.as_table_mut(), "default-account", Item::from(name));
        Ok(())
    }

    /// Checks the result as a whole and puts it in the file's place. Gives what the file now says.
    ///
    /// Fails with [`Kind::Usage`] where the change does not make sense, and with [`Kind::Storage`] where it
    /// cannot be written; the file is then as it was.
    pub fn save(self) -> Result<Contents, Failure> {
        let contents = self.check()?;
        let mut text = self.document.to_string();
        if self.crlf {
            text = text.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        if self.byte_order_mark && !text.starts_with('\u{feff}') {
            text.insert(0, '\u{feff}');
        }
        atomic_replace(&self.target, text.as_bytes(), 0o600).map_err(Failure::from)?;
        Ok(contents)
    }

    /// What the file would say now.
    ///
    /// Fails with [`Kind::Usage`] where that makes no sense.
    pub fn check(&self) -> Result<Contents, Failure> {
        let beside = self.shown.parent().unwrap_or(Path::new(""));
        let read = schema::read(&self.document.to_string(), PathContext { env: &self.env, beside });
        read.map_err(|fault| {
            // A place in a text that is nowhere would mislead; the key says enough.
            let failure = config::say(fault, "the change makes no sense");
            failure.as_kind(Kind::Usage)
        })
    }

    /// The account of that name, as the file would have it.
    pub fn preview(&self, name: &str) -> Result<Account, Failure> {
        let contents = self.check()?;
        let found = contents.accounts.into_iter().find(|account| account.label == name);
        found.ok_or_else(|| self.no_account(name))
    }

    fn account(&self, name: &str) -> Option<&dyn TableLike> {
        self.document.get("accounts")?.as_table_like()?.get(name)?.as_table_like()
    }

    fn account_mut(&mut self, name: &str) -> Option<&mut dyn TableLike> {
        self.document.get_mut("accounts")?.as_table_like_mut()?.get_mut(name)?.as_table_like_mut()
    }

    fn no_account(&self, name: &str) -> Failure {
        let accounts = self.document.get("accounts").and_then(Item::as_table_like);
        let names: Vec<&str> =
            accounts.map(|table| table.iter().map(|(name, _)| name).collect()).unwrap_or_default();
        let place = self.shown.display();
        let failure =
            Failure::config(format!("{place}: looking for account {name:?}: there is none of that name"));
        let known = format!("known accounts: {}", names.join(", "));
        failure.hint(if names.is_empty() { config::MAKE_ONE.to_owned() } else { known })
    }

    fn put(&mut self, name: &str, key: &str, item: Item) -> Result<(), Failure> {
        let missing = self.no_account(name);
        let mut table = self.account_mut(name).ok_or(missing)?;
        let mut parts = key.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                replace(table, part, item);
                return Ok(());
            }
            table = table
                .entry(part)
                .or_insert_with(|| Item::Table(Table::new()))
                .as_table_like_mut()
                .ok_or_else(|| Failure::usage(format!("{key}: there is no table {part}")))?;
        }
        Ok(())
    }
}

/// The array of strings that a text is; `None` where it is none, as a line for the shell.
fn array_of(text: &str) -> Option<Result<Array, String>> {
    let read = text.parse::<Value>().ok().and_then(|value| value.as_array().cloned());
    match read {
        Some(array) if array.iter().all(Value::is_str) => {
            let words = array.iter().filter_map(Value::as_str).map(values::plain_text);
            Some(words.collect::<Result<Array, _>>())
        }
        Some(_) => Some(Err("an array of strings is wanted".into())),
        // No line for the shell begins so; it is an array with a slip in it.
        None if text.starts_with("[\"") || text.starts_with("['") => {
            Some(Err("not an array of strings".into()))
        }
        None => None,
    }
}

/// Puts a value in the place of another, and keeps the comment that stands behind it.
fn replace(table: &mut dyn TableLike, key: &str, item: Item) {
    match (table.get_mut(key).and_then(Item::as_value_mut), item) {
        (Some(old), Item::Value(mut new)) => {
            *new.decor_mut() = old.decor().clone();
            *old = new;
        }
        (_, item) => {
            table.insert(key, item);
        }
    }
}

fn kind_of(key: &str) -> Result<Type, Failure> {
    keys::find(key).ok_or_else(|| {
        let near = match key.split_once('.') {
            Some((table, last)) => match keys::near_table(table) {
                Some((table, below)) if below.iter().any(|known| known.name == last) => {
                    format!("did you mean `{table}.{last}`?")
                }
                Some((table, below)) => keys::suggest(last, below, &format!("{table}.")),
                None => keys::suggest(key, keys::ACCOUNT, ""),
            },
            None => keys::suggest(key, keys::ACCOUNT, ""),
        };
        Failure::usage(format!("{key:?}: no account has such a key")).hint(near)
    })
}

fn item_of(setting: &Setting) -> Result<Item, Failure> {
    let checked = |text: &str| values::plain_text(text).map_err(Failure::usage);
    Ok(match setting {
        Setting::Text(text) => Item::from(checked(text)?),
        Setting::Port(port) => Item::from(i64::from(*port)),
        Setting::Command(Program::Shell(line)) => Item::from(checked(line)?),
        Setting::Command(Program::Argv(words)) => {
            let words = words.iter().map(|word| checked(word).map(Value::from));
            Item::from(words.collect::<Result<Array, _>>()?)
        }
        Setting::Password(secret) => {
            let text = std::str::from_utf8(secret.expose())
                .map_err(|_| Failure::usage("password: not valid UTF-8, which the file must be"))?;
            Item::from(text)
        }
    })
}

/// Where a file that is not there yet would be: a dangling link is followed, once.
fn leads_to(path: &Path) -> PathBuf {
    match std::fs::read_link(path) {
        Ok(target) => path.parent().unwrap_or(Path::new("")).join(target),
        Err(_) => path.to_owned(),
    }
}

fn refuse(path: &Path, kind: Kind, error: std::io::Error) -> Failure {
    let message = format!("{}: editing the configuration: {error}", path.display());
    Failure::config(message).as_kind(kind)
}

#[cfg(test)]
mod tests;
