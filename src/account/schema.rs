//! Reads accounts from the text of the configuration file.
//!
//! An unknown key, a value of the wrong type, or one that is not valid is a [`Fault`] with its position.

use super::document::{self, Fault, Node, PathContext};
use super::draft::{AccountDraft, FileDraft};
use super::{Account, keys};

#[derive(Clone, Debug, Default)]
pub struct Contents {
    pub default_account: Option<String>,
    /// In the file's order.
    pub accounts: Vec<Account>,
    /// Whether there is a password in the file.
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
