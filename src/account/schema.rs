//! From the text of the configuration file to accounts.
//!
//! Everything is checked: a key that is not known, a value of another type, a value that makes no sense, each is a
//! [`Fault`] at its place.

use super::document::{self, Fault, Node, PathContext};
use super::draft::{AccountDraft, FileDraft};
use super::{Account, keys};

/// What the file says.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The account to take where nothing else decides.
    pub default_account: Option<String>,
    /// The accounts, in the file's order.
    pub accounts: Vec<Account>,
    /// Whether a password stands in it.
    pub holds_secret: bool,
}

impl Contents {
    /// The account of that name.
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.label == name)
    }
}

/// Reads the text of a configuration file.
pub fn read(text: &str, context: PathContext<'_>) -> Result<Contents, Fault> {
    let document = document::parse(text)?;
    let mut file = FileDraft::default();
    let read = keys::read(keys::ROOT, &Node::top(&document, context), &mut file);
    document::forget(document);
    read?;
    let holds_secret = file.accounts.iter().any(AccountDraft::holds_secret);
    let accounts = file.accounts.into_iter().map(AccountDraft::complete).collect::<Result<_, _>>()?;
    let mut contents = Contents { default_account: None, accounts, holds_secret };
    if let Some((name, missing)) = file.default_account {
        contents.account(&name).ok_or(missing)?;
        contents.default_account = Some(name);
    }
    Ok(contents)
}

#[cfg(test)]
mod tests;
