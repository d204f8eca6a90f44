//! The values of a configuration file, each with its place.

use super::Fault;
use crate::account::keys::{self, Key};
use crate::process::Program;
use toml_edit::{Item, Value};

/// A value, with the dotted key it has.
pub(super) struct Node<'a> {
    pub key: &'static str,
    pub path: String,
    pub value: &'a Item,
}

/// An entry of a table.
pub(super) struct Entry<'a> {
    /// Its key, as the file has it.
    pub key: &'a str,
    /// Where the key begins.
    pub at: usize,
    /// The value.
    pub value: &'a Item,
}

impl<'a> Node<'a> {
    /// Where the value begins. Every value and key that was parsed has its span.
    pub fn at(&self) -> usize {
        self.value.span().map_or(0, |span| span.start)
    }

    pub fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { at: self.at(), within: self.path.clone(), what: what.into(), hint: None }
    }

    pub fn below(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// What is in a table, in the file's order.
    pub fn sorted(&self) -> Result<Vec<Entry<'a>>, Fault> {
        let table = self.value.as_table_like().ok_or_else(|| self.fault("a table is wanted here"))?;
        let at = |key: &str| table.key(key).and_then(toml_edit::Key::span).map_or(0, |span| span.start);
        let entries = table.iter().map(|(key, value)| Entry { key, at: at(key), value });
        let mut entries: Vec<Entry<'a>> = entries.collect();
        entries.sort_by_key(|entry| entry.at);
        Ok(entries)
    }

    /// What is in a table that has only `known` keys.
    pub fn entries(&self, known: &'static [Key]) -> Result<Vec<Node<'a>>, Fault> {
        let mut nodes = Vec::new();
        for Entry { key: typed, at, value } in self.sorted()? {
            match known.iter().find(|key| key.name == typed) {
                Some(key) => nodes.push(Node { key: key.name, path: self.below(key.name), value }),
                None => {
                    return Err(Fault {
                        at,
                        within: self.path.clone(),
                        what: "this key is not known".into(),
                        hint: Some(keys::suggest(typed, known, "")),
                    });
                }
            }
        }
        Ok(nodes)
    }

    pub fn text<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Fault> {
        let text = self.value.as_str().ok_or_else(|| self.fault("a string is wanted here"))?;
        read(text).map_err(|what| self.fault(what))
    }

    pub fn command(&self) -> Result<Program, Fault> {
        let wanted = || self.fault("a string for the shell, or an array of strings, is wanted here");
        let read = match self.value {
            Item::Value(Value::String(line)) => Program::shell(line.value()),
            Item::Value(Value::Array(words)) => Program::argv(
                words
                    .iter()
                    .map(|word| word.as_str().map(str::to_owned))
                    .collect::<Option<_>>()
                    .ok_or_else(wanted)?,
            ),
            _ => return Err(wanted()),
        };
        read.map_err(|what| self.fault(what))
    }

    pub fn port(&self) -> Result<u16, Fault> {
        let number =
            self.value.as_integer().ok_or_else(|| self.fault("a number (1 to 65535) is wanted here"))?;
        let port = u16::try_from(number).ok().filter(|port| *port > 0);
        port.ok_or_else(|| self.fault("not a port (1 to 65535)"))
    }

    pub fn boolean(&self) -> Result<bool, Fault> {
        self.value.as_bool().ok_or_else(|| self.fault("true or false is wanted here"))
    }
}
