//! How a line of a batch names people: texts as in a header, or objects as postie's own output has them.

use super::values::OfObject;
use crate::mail::{Entry, Mailbox, addresses};
use serde::Deserialize;

/// Somebody, or a list as a header has it.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "an address, or an object of name and address, is wanted")]
pub enum PersonField {
    Text(String),
    /// From an object alone: a list of two is two people.
    Mailbox(OfObject<NamedAddress>),
}

/// The form in which postie's own output has people.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedAddress {
    name: Option<String>,
    address: String,
}

/// One of them or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a string, an object of name and address, or a list of such is wanted")]
pub enum PeopleField {
    One(PersonField),
    Several(Vec<PersonField>),
}

impl PeopleField {
    pub fn each(&self) -> &[PersonField] {
        match self {
            PeopleField::One(person) => std::slice::from_ref(person),
            PeopleField::Several(people) => people,
        }
    }
}

impl NamedAddress {
    fn mailbox(&self) -> Result<Mailbox, String> {
        let address = addresses::single(&self.address).map_err(|error| error.to_string())?.address;
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        if name.is_some_and(|name| name.contains(char::is_control)) {
            return Err("a name holds a control character (CR, LF, NUL, …)".into());
        }
        Ok(Mailbox { name: name.map(str::to_owned), address })
    }
}

impl PersonField {
    /// The one that it names.
    pub fn single(&self) -> Result<Mailbox, String> {
        match self {
            PersonField::Text(text) => addresses::single(text).map_err(|error| error.to_string()),
            PersonField::Mailbox(OfObject(mailbox)) => mailbox.mailbox(),
        }
    }

    /// All that it names.
    pub fn entries(&self) -> Result<Vec<Entry>, String> {
        match self {
            PersonField::Text(text) => addresses::parse(text).map_err(|error| error.to_string()),
            PersonField::Mailbox(OfObject(mailbox)) => Ok(vec![Entry::Mailbox(mailbox.mailbox()?)]),
        }
    }
}
