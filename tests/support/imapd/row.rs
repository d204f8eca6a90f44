//! One untagged FETCH, before it becomes octets: what a fault may change.

use super::super::peer::End;
use super::quirks::Gate;
use std::sync::Arc;

/// What happens in the middle of a literal.
#[derive(Clone, Debug)]
pub enum Stop {
    /// The connection ends.
    End(End),
    /// The server waits.
    Gate(Gate),
}

/// A literal.
#[derive(Clone, Debug)]
pub struct Octets {
    /// How it is announced.
    pub announced: String,
    /// What comes.
    pub data: Arc<Vec<u8>>,
    /// What happens behind so many octets of it.
    pub stop: Option<(usize, Stop)>,
}

/// An item's value.
#[derive(Clone, Debug)]
pub enum Value {
    /// As it is written.
    Text(Vec<u8>),
    /// A literal.
    Octets(Octets),
}

impl Value {
    /// A value as it is written.
    pub fn text(text: impl AsRef<[u8]>) -> Value {
        Value::Text(text.as_ref().to_vec())
    }

    /// A literal.
    pub fn literal(data: Arc<Vec<u8>>) -> Value {
        Value::Octets(Octets { announced: format!("{{{}}}", data.len()), data, stop: None })
    }

    /// A literal becomes a quoted string.
    pub fn quote(&mut self) {
        if let Value::Octets(octets) = self {
            assert!(!octets.data.iter().any(|octet| b"\r\n\0".contains(octet)), "this cannot be quoted");
            *self = Value::Text(quoted(&octets.data));
        }
    }

    /// A literal's count is off by so many octets.
    pub fn miscount(&mut self, by: i64) {
        if let Value::Octets(octets) = self {
            octets.announced = format!("{{{}}}", octets.data.len() as i64 + by);
        }
    }

    /// A literal is announced otherwise.
    pub fn announce(&mut self, text: &str) {
        if let Value::Octets(octets) = self {
            octets.announced = text.to_owned();
        }
    }
}

/// An item and its value.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name as it is sent.
    pub name: String,
    /// Its value.
    pub value: Value,
}

impl Item {
    /// Whether it is a whole message or a part of one's text; a few header fields are none.
    pub fn is_body(&self) -> bool {
        self.name.starts_with("BODY[]") || self.name == "RFC822"
    }
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The sequence number.
    pub number: u64,
    /// The items, in order.
    pub items: Vec<Item>,
    /// Octets ahead of them, in the parenthesis.
    pub ahead_of_items: String,
    /// Octets behind them, in the parenthesis.
    pub behind_items: String,
}

impl Row {
    /// A row without items.
    pub fn new(number: usize) -> Row {
        Row {
            number: number as u64,
            items: Vec::new(),
            ahead_of_items: String::new(),
            behind_items: String::new(),
        }
    }

    /// Adds an item.
    pub fn push(&mut self, name: impl Into<String>, value: Value) {
        self.items.push(Item { name: name.into(), value });
    }

    /// Changes the body's value.
    pub fn change_body(&mut self, change: impl Fn(&mut Value)) {
        self.items.iter_mut().filter(|item| item.is_body()).for_each(|item| change(&mut item.value));
    }

    /// Gives the body another name.
    pub fn name_body(&mut self, name: &str) {
        self.items.iter_mut().filter(|item| item.is_body()).for_each(|item| name.clone_into(&mut item.name));
    }

    /// Something happens in the middle of the body.
    pub fn body_stops(&mut self, behind: usize, stop: Stop) {
        self.change_body(|value| {
            if let Value::Octets(octets) = value {
                octets.stop = Some((behind.min(octets.data.len()), stop.clone()));
            }
        });
    }

    /// Writes an item's value otherwise, or leaves the item out. One that was not asked for stays away.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        match value {
            None => self.items.retain(|item| item.name != name),
            Some(text) => {
                let named = self.items.iter_mut().filter(|item| item.name == name);
                named.for_each(|item| item.value = Value::text(text));
            }
        }
    }

    /// Parts it: one row with the UID and the flags, one with the UID and what else there is.
    pub fn parted(self) -> [Row; 2] {
        let (mut first, mut second) = (self.clone(), self);
        first.items.retain(|item| item.name == "UID" || item.name == "FLAGS");
        second.items.retain(|item| item.name != "FLAGS");
        [first, second]
    }
}

/// A quoted string.
pub fn quoted(octets: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for octet in octets {
        if matches!(octet, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(*octet);
    }
    text.push(b'"');
    text
}
