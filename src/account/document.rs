//! The configuration file as TOML: values with their keys and places.
//!
//! A [`Fault`] names keys that postie knows, and never repeats a value or a line of the file: `password = "…` with a
//! quote missing must not end in a terminal or a log.

use super::Env;
use crate::process::Program;
use std::mem;
use std::path::{Path, PathBuf};
use toml_edit::visit_mut::VisitMut;
use toml_edit::{Document, Formatted, Item, Value};
use zeroize::Zeroize as _;

/// What is wrong with the file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place in the text, in octets.
    pub at: usize,
    /// The dotted key of the value or table it is in, as far as postie knows it; empty at the top.
    pub within: String,
    pub what: String,
    pub hint: Option<String>,
}

/// What paths in the file refer to.
#[derive(Clone, Copy, Debug)]
pub struct PathContext<'a> {
    /// For `~`.
    pub env: &'a Env,
    /// The file's directory, for relative paths.
    pub beside: &'a Path,
}

/// Parses TOML. Keys and values have their places in the text until the document is made one to edit.
pub fn parse(text: &str) -> Result<Document<&str>, Fault> {
    Document::parse(text).map_err(|error| {
        let at = error.span().map_or(text.len(), |span| span.start);
        // The parser's own words for the grammar; only its `Display` would show the line.
        let what = error.message().lines().next().unwrap_or("not TOML").to_owned();
        let hint = lacks_quotes(text, at).then(|| "a text stands in quotes: key = \"text\"".into());
        let what = if hint.is_some() { "this text has no quotes around it".into() } else { what };
        Fault { at, within: String::new(), what, hint }
    })
}

/// Whether a value begins at `at` that can only be a text: the parser's words are about numbers then.
fn lacks_quotes(text: &str, at: usize) -> bool {
    let (Some(before), Some(behind)) = (text.get(..at), text.get(at..)) else { return false };
    before.trim_end_matches([' ', '\t']).ends_with('=')
        && behind.starts_with(|c: char| c.is_alphabetic() || matches!(c, '~' | '/' | '.'))
}

/// Overwrites the texts of a document that is not needed any more: a password may be among them.
pub fn forget(document: Document<&str>) {
    struct Forget;
    impl VisitMut for Forget {
        fn visit_string_mut(&mut self, text: &mut Formatted<String>) {
            mem::replace(text, Formatted::new(String::new())).into_value().zeroize();
        }
    }
    Forget.visit_item_mut(&mut document.into_item());
}

/// A value of the file.
pub struct Node<'a> {
    pub path: String,
    /// Which of its table's keys it has, counted from zero.
    pub row: usize,
    item: &'a Item,
    context: PathContext<'a>,
}

/// An entry of a table.
pub struct TableEntry<'a> {
    /// Its key, as the file has it.
    pub key: &'a str,
    /// Where the key begins.
    pub at: usize,
    item: &'a Item,
}

impl<'a> Node<'a> {
    pub fn top(document: &'a Document<&str>, context: PathContext<'a>) -> Self {
        Node { path: String::new(), row: 0, item: document.as_item(), context }
    }

    /// A value in this table, which has key number `row`, `name`; without a name it counts as the table itself.
    pub fn below(&self, entry: &TableEntry<'a>, row: usize, name: &str) -> Self {
        let dot = if self.path.is_empty() || name.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{name}", self.path);
        Node { path, row, item: entry.item, context: self.context }
    }

    /// Where the value begins. Whatever was parsed has its place.
    pub fn at(&self) -> usize {
        self.item.span().map_or(0, |span| span.start)
    }

    pub fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { at: self.at(), within: self.path.clone(), what: what.into(), hint: None }
    }

    /// What is wrong with a key of this table.
    pub fn fault_at(&self, entry: &TableEntry<'_>, what: impl Into<String>) -> Fault {
        Fault { at: entry.at, within: self.path.clone(), what: what.into(), hint: None }
    }

    /// What is in a table, in the file's order.
    pub fn entries(&self) -> Result<Vec<TableEntry<'a>>, Fault> {
        let table = self.item.as_table_like().ok_or_else(|| self.fault("a table is wanted here"))?;
        let at = |key: &str| table.key(key).and_then(toml_edit::Key::span).map_or(0, |span| span.start);
        let entries = table.iter().map(|(key, item)| TableEntry { key, at: at(key), item });
        let mut entries: Vec<TableEntry<'a>> = entries.collect();
        entries.sort_by_key(|entry| entry.at);
        Ok(entries)
    }

    /// A string, which `read` makes something of.
    pub fn text<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Fault> {
        let text = self.item.as_str().ok_or_else(|| self.fault("a string is wanted here"))?;
        read(text).map_err(|what| self.fault(what))
    }

    /// A path: `~/` is the home, what is relative lies beside the file.
    pub fn path(&self) -> Result<PathBuf, Fault> {
        self.text(|text| self.context.env.expand(text, self.context.beside))
    }

    /// A string, or an array of strings; `wanted` says that of anything else.
    pub fn texts(&self, wanted: &str) -> Result<Vec<&'a str>, Fault> {
        let texts = match (self.item.as_str(), self.item.as_array()) {
            (Some(text), _) => Some(vec![text]),
            (None, Some(all)) => all.iter().map(Value::as_str).collect(),
            (None, None) => None,
        };
        texts.ok_or_else(|| self.fault(wanted))
    }

    /// A command: a string for the shell, or an array of words.
    pub fn command(&self) -> Result<Program, Fault> {
        let words = self.texts("a string for the shell, or an array of strings, is wanted here")?;
        let read = match words.as_slice() {
            [line] if self.item.is_str() => Program::shell(line),
            _ => Program::argv(words.into_iter().map(str::to_owned).collect()),
        };
        read.map_err(|what| self.fault(what))
    }

    pub fn port(&self) -> Result<u16, Fault> {
        let number = self.item.as_integer();
        let number = number.ok_or_else(|| self.fault("a number (1 to 65535) is wanted here"))?;
        let port = u16::try_from(number).ok().filter(|port| *port > 0);
        port.ok_or_else(|| self.fault("not a port (1 to 65535)"))
    }

    pub fn boolean(&self) -> Result<bool, Fault> {
        self.item.as_bool().ok_or_else(|| self.fault("true or false is wanted here"))
    }
}
