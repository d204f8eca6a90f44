//! Edits the configuration file; what is not changed stays octet for octet.
//!
//! An edit locks the file's directory, reads, changes, checks the whole result as if it were read, and replaces the
//! file atomically, mode 0600. If it is a symbolic link, its target is replaced. A file that could not be read back
//! is never written.

mod added;
mod cut;
mod items;
mod merge;

use super::document::{self, PathContext};
use super::keys::{self, Type};
use super::lock::{DirectoryLock, lock_directory};
use super::schema::{self, Contents};
use super::{Account, Env, config, values};
use crate::net::Limits;
use crate::process::Program;
use crate::store::{atomic_replace, sweep_beside};
use crate::words::{Failure, Kind, Secret};
pub use items::shown_settings;
use items::{item_of, item_of_words};
use rustix::fs::fstat;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item, Table, TableLike};
use zeroize::Zeroizing;

/// A configuration file, locked for changes.
pub struct Editor {
    shown: PathBuf,
    target: PathBuf,
    env: Env,
    /// The file as it is, without a byte order mark.
    original: Zeroizing<String>,
    /// The text that `document` was made of.
    text: Zeroizing<String>,
    document: DocumentMut,
    byte_order_mark: bool,
    /// None where nothing will be written.
    lock: Option<DirectoryLock>,
}

/// A value to be set.
#[derive(Clone, Debug)]
pub enum Setting {
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
    Port(u16),
    Command(Program),
    Password(Secret),
}

impl Editor {
    /// Opens the file at `path` for a change; one that is not there is made when it is saved.
    ///
    /// Fails with [`Kind::Config`] where it is no TOML or not the user's, [`Kind::Locked`] where somebody
    /// else edits it, [`Kind::CannotCreate`] where its directory cannot be made, [`Kind::Interrupted`] and
    /// [`Kind::Timeout`].
    pub fn open(path: &Path, env: &Env, limits: &Limits) -> Result<Editor, Failure> {
        Editor::begin(path, env, Some(limits))
    }

    /// The same without a lock, for changes that are only shown; nothing is made.
    pub fn rehearse(path: &Path, env: &Env) -> Result<Editor, Failure> {
        Editor::begin(path, env, None)
    }

    fn begin(path: &Path, env: &Env, writes: Option<&Limits>) -> Result<Editor, Failure> {
        let target = match std::fs::canonicalize(path) {
            Ok(target) => target,
            Err(error) if error.kind() == ErrorKind::NotFound => leads_to(path),
            Err(error) => return Err(refuse(path, Kind::Config, error)),
        };
        let directory = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let lock = match writes {
            Some(limits) => {
                let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
                made.map_err(|error| refuse(path, Kind::CannotCreate, error))?;
                Some(lock_directory(directory, path, limits)?)
            }
            None => None,
        };
        let text = match config::read_text(&target)? {
            None => Zeroizing::default(),
            Some((file, text)) => {
                let stat = fstat(&file).map_err(|errno| refuse(path, Kind::Config, errno.into()))?;
                if stat.st_uid != rustix::process::geteuid().as_raw() {
                    let what = "the file belongs to another user, who would lose it";
                    return Err(refuse(path, Kind::Config, std::io::Error::other(what)));
                }
                Zeroizing::new(text.to_string())
            }
        };
        let document = document::parse(&text).map_err(|fault| config::locate(&text, path, fault))?.into_mut();
        let byte_order_mark = text.starts_with('\u{feff}');
        let text = Zeroizing::new(text.trim_start_matches('\u{feff}').to_owned());
        Ok(Editor {
            shown: path.to_owned(),
            target,
            env: env.clone(),
            document,
            original: text.clone(),
            text,
            byte_order_mark,
            lock,
        })
    }

    /// Adds an account with these settings (dotted keys), in this order.
    pub fn add(&mut self, name: &str, settings: &[(&str, Setting)]) -> Result<(), Failure> {
        values::account_name(name).map_err(Failure::usage)?;
        if self.account(name).is_some() {
            let message = format!("{}: adding account {name:?}: it exists already", self.shown.display());
            return Err(Failure::config(message).hint("`postie config set` changes it, `remove` removes it"));
        }
        let wrong = || Failure::config(format!("{}: accounts: a table is wanted here", self.shown.display()));
        // Behind all that is there: by itself the library puts it above the comments that end the file.
        match self.document.get("accounts").is_none_or(Item::is_table) {
            true => self.take(added::account(&self.text_now(), name))?,
            false => {
                let accounts = self.document.get_mut("accounts").and_then(Item::as_table_like_mut);
                accounts.ok_or_else(wrong)?.insert(name, Item::Table(Table::new()));
            }
        }
        self.extend(name, settings)
    }

    /// Goes on with this text, which is not written yet.
    fn take(&mut self, text: Zeroizing<String>) -> Result<(), Failure> {
        let read = document::parse(&text).map_err(|fault| config::locate(&text, &self.shown, fault))?;
        self.document = read.into_mut();
        self.text = text;
        Ok(())
    }

    /// Takes the lines of what a path names out of the text. Returns whether it has lines of its own.
    fn cut(&mut self, path: &[&str]) -> Result<bool, Failure> {
        match cut::without(&self.text_now(), path) {
            Some(text) => self.take(text).map(|()| true),
            None => Ok(false),
        }
    }

    /// Makes a change as a whole: if it fails, or the result is not valid, everything is as it was. Returns the new
    /// contents, which are not written yet.
    pub fn attempt(
        &mut self,
        change: impl FnOnce(&mut Editor) -> Result<(), Failure>,
    ) -> Result<Contents, Failure> {
        let before = (self.document.clone(), self.text.clone());
        let done = change(self).and_then(|()| self.check());
        if done.is_err() {
            (self.document, self.text) = before;
        }
        done
    }

    /// Sets keys of an account that is there, in this order.
    pub fn extend(&mut self, name: &str, settings: &[(&str, Setting)]) -> Result<(), Failure> {
        settings.iter().try_for_each(|(key, setting)| self.put(name, key, item_of(setting)?))
    }

    /// The name of the default account.
    pub fn default_account(&self) -> Option<&str> {
        self.document.get("default-account").and_then(Item::as_str)
    }

    /// Sets one dotted key of an account from words, which are read as the key's type: several make an array, where
    /// the key takes one.
    pub fn set(&mut self, name: &str, key: &str, words: &[&str]) -> Result<(), Failure> {
        let item = item_of_words(key, kind_of(key)?, words)?;
        self.put(name, key, item)
    }

    /// Whether a dotted key of an account is set.
    pub fn has(&self, name: &str, key: &str) -> bool {
        let (within, last) = split(key);
        let table = self.account(name);
        let table = match within {
            Some(within) => table.and_then(|table| table.get(within)?.as_table_like()),
            None => table,
        };
        table.is_some_and(|table| table.contains_key(last))
    }

    /// The number of accounts.
    pub fn accounts(&self) -> usize {
        self.all().map_or(0, TableLike::len)
    }

    /// Sets a dotted key of an account to a value.
    pub fn set_to(&mut self, name: &str, key: &str, setting: &Setting) -> Result<(), Failure> {
        kind_of(key)?;
        self.put(name, key, item_of(setting)?)
    }

    /// Removes a dotted key or a table of an account. Returns whether it was there.
    pub fn unset(&mut self, name: &str, key: &str) -> Result<bool, Failure> {
        let known = kind_of(key);
        let missing = self.no_account(name);
        let (within, last) = split(key);
        let path: Vec<&str> = ["accounts", name].into_iter().chain(within).chain([last]).collect();
        if self.cut(&path)? {
            return Ok(true);
        }
        let account = self.account_mut(name).ok_or(missing)?;
        let table = match within {
            Some(within) => account.get_mut(within).and_then(Item::as_table_like_mut),
            None => Some(account),
        };
        let is_removed = table.is_some_and(|table| table.remove(last).is_some());
        // What is mistyped in the file can be taken out by that name.
        if is_removed { Ok(true) } else { known.map(|_| false) }
    }

    /// Removes an account, and `default-account` if that names it.
    pub fn remove(&mut self, name: &str) -> Result<(), Failure> {
        let missing = self.no_account(name);
        if !self.cut(&["accounts", name])? {
            let accounts = self.document.get_mut("accounts").and_then(Item::as_table_like_mut);
            if accounts.and_then(|accounts| accounts.remove(name)).is_none() {
                return Err(missing);
            }
        }
        let is_default = self.default_account() == Some(name);
        if is_default && !self.cut(&["default-account"])? {
            self.document.remove("default-account");
        }
        Ok(())
    }

    pub fn set_default(&mut self, name: &str) -> Result<(), Failure> {
        if self.account(name).is_none() {
            return Err(self.no_account(name));
        }
        if self.document.contains_key("default-account") {
            replace(self.document.as_table_mut(), "default-account", Item::from(name));
            return Ok(());
        }
        self.take(added::default(&self.text_now(), name))
    }

    /// Checks the result as a whole and replaces the file. Returns the new contents.
    ///
    /// Fails with [`Kind::Usage`] if the change is not valid, and with [`Kind::Storage`] if it cannot be written; the
    /// file is then as it was.
    pub fn save(self) -> Result<Contents, Failure> {
        let contents = self.check()?;
        let Some(lock) = &self.lock else {
            let bug = format!("{}: writing the configuration: it was only rehearsed", self.shown.display());
            return Err(Failure::config(bug).as_kind(Kind::Internal));
        };
        if lock.is_held {
            // Left by edits that were killed; they may hold passwords. One that cannot be removed hinders nothing.
            let _ = sweep_beside(&self.target);
        }
        let text = self.rendered();
        atomic_replace(&self.target, text.as_bytes(), 0o600).map_err(Failure::from)?;
        Ok(contents)
    }

    /// The new text of the file: what was not changed is as it was.
    fn rendered(&self) -> Zeroizing<String> {
        let mut text = self.text_now();
        if self.byte_order_mark {
            text.insert(0, '\u{feff}');
        }
        text
    }

    /// The same without a byte order mark.
    fn text_now(&self) -> Zeroizing<String> {
        let whole = Zeroizing::new(self.document.to_string());
        merge::merge(&self.text, whole.trim_start_matches('\u{feff}'))
    }

    /// The new contents, without writing them. Fails with [`Kind::Usage`] if they are not valid.
    pub fn check(&self) -> Result<Contents, Failure> {
        let beside = self.shown.parent().unwrap_or(Path::new(""));
        let context = PathContext { env: &self.env, beside };
        schema::read(&self.document.to_string(), context).map_err(|fault| {
            match schema::read(&self.original, context) {
                // Without a position: the text is not written anywhere, and the key says enough.
                Ok(_) => config::say(fault, "the change is not valid").as_kind(Kind::Usage),
                Err(before) => {
                    let failure = config::locate(&self.original, &self.shown, before);
                    let hint = failure.hint.clone().map(|hint| format!("{hint}; ")).unwrap_or_default();
                    failure.hint(format!("{hint}nothing is changed before that is mended"))
                }
            }
        })
    }

    /// An account with its changes, before they are written.
    pub fn preview(&self, name: &str) -> Result<Account, Failure> {
        let contents = self.check()?;
        let found = contents.accounts.into_iter().find(|account| account.label == name);
        found.ok_or_else(|| self.no_account(name))
    }

    fn all(&self) -> Option<&dyn TableLike> {
        self.document.get("accounts")?.as_table_like()
    }

    fn account(&self, name: &str) -> Option<&dyn TableLike> {
        self.all()?.get(name)?.as_table_like()
    }

    fn account_mut(&mut self, name: &str) -> Option<&mut dyn TableLike> {
        self.document.get_mut("accounts")?.as_table_like_mut()?.get_mut(name)?.as_table_like_mut()
    }

    fn no_account(&self, name: &str) -> Failure {
        let names: Vec<&str> =
            self.all().into_iter().flat_map(TableLike::iter).map(|(name, _)| name).collect();
        let place = self.shown.display();
        let failure =
            Failure::config(format!("{place}: looking for account {name:?}: there is no such account"));
        let known = format!("known accounts: {}", names.join(", "));
        failure.hint(if names.is_empty() { config::MAKE_ONE.to_owned() } else { known })
    }

    fn put(&mut self, name: &str, key: &str, item: Item) -> Result<(), Failure> {
        let missing = self.no_account(name);
        let mut table = self.account_mut(name).ok_or(missing)?;
        let (within, last) = split(key);
        if let Some(within) = within {
            let inner = table.entry(within).or_insert_with(|| Item::Table(Table::new()));
            let wrong = || Failure::usage(format!("{key}: there is no table {within}"));
            table = inner.as_table_like_mut().ok_or_else(wrong)?;
        }
        replace(table, last, item);
        Ok(())
    }
}

/// A key of an account: the table that it is in, and its name there.
fn split(key: &str) -> (Option<&str>, &str) {
    key.split_once('.').map_or((None, key), |(table, last)| (Some(table), last))
}

/// Replaces a value, and keeps the comment after it.
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
    let known = keys::find(key).map(|row| row.kind);
    known.map_err(|near| Failure::usage(format!("{key:?}: no account has such a key")).hint(near))
}

/// Where a file that does not exist would be created: a dangling link is followed, once.
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
