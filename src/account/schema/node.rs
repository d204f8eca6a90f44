//! The values of a configuration file, each with its place.

use super::Fault;
use crate::account::keys::{self, Key};
use crate::process::Program;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A value, with the dotted key it has.
pub(super) struct Node<'a> {
    pub key: &'static str,
    pub path: String,
    pub value: &'a DeValue<'a>,
    start: usize,
    table: Option<&'a DeTable<'a>>,
}

type Pair<'a> = (&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>);

impl<'a> Node<'a> {
    pub fn top(root: &'a Spanned<DeTable<'a>>) -> Self {
        const NOTHING: &DeValue<'static> = &DeValue::Boolean(false);
        Node { key: "", path: String::new(), value: NOTHING, start: 0, table: Some(root.get_ref()) }
    }

    pub fn new(key: &'static str, path: String, value: &'a Spanned<DeValue<'a>>) -> Self {
        let inner = value.get_ref();
        Node { key, path, value: inner, start: value.span().start, table: inner.as_table() }
    }

    pub fn at(&self) -> usize {
        self.start
    }

    pub fn fault(&self, what: impl Into<String>) -> Fault {
        Fault { at: self.start, within: self.path.clone(), what: what.into(), hint: None }
    }

    pub fn below(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// What is in a table, in the file's order.
    pub fn sorted(&self) -> Result<Vec<Pair<'a>>, Fault> {
        let table = self.table.ok_or_else(|| self.fault("a table is wanted here"))?;
        let mut pairs: Vec<Pair<'a>> = table.iter().collect();
        pairs.sort_by_key(|(key, _)| key.span().start);
        Ok(pairs)
    }

    /// What is in a table that has only `known` keys.
    pub fn entries(&self, known: &'static [Key]) -> Result<Vec<Node<'a>>, Fault> {
        let mut nodes = Vec::new();
        for (key, value) in self.sorted()? {
            let typed: &str = key.get_ref();
            match known.iter().find(|key| key.name == typed) {
                Some(key) => nodes.push(Node::new(key.name, self.below(key.name), value)),
                None => {
                    return Err(Fault {
                        at: key.span().start,
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
            DeValue::String(line) => Program::shell(line),
            DeValue::Array(words) => Program::argv(
                words
                    .iter()
                    .map(|word| word.get_ref().as_str().map(str::to_owned))
                    .collect::<Option<_>>()
                    .ok_or_else(wanted)?,
            ),
            _ => return Err(wanted()),
        };
        read.map_err(|what| self.fault(what))
    }

    pub fn port(&self) -> Result<u16, Fault> {
        let DeValue::Integer(number) = self.value else {
            return Err(self.fault("a number (1 to 65535) is wanted here"));
        };
        u16::from_str_radix(number.as_str(), number.radix())
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| self.fault("not a port (1 to 65535)"))
    }

    pub fn boolean(&self) -> Result<bool, Fault> {
        self.value.as_bool().ok_or_else(|| self.fault("true or false is wanted here"))
    }
}
