//! Where a secret comes from, as a server of an account names it.

use crate::process::{self, Program};
use crate::words::Secret;
use std::path::PathBuf;

/// Where one secret comes from.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// A command prints a password.
    Command(Program),
    /// A file holds it.
    File(PathBuf),
    /// It is read from an open descriptor.
    Descriptor(u32),
    /// An environment variable of that name holds it.
    Variable(String),
    /// A command prints an OAuth2 access token.
    TokenCommand(Program),
    /// It stands in the configuration itself.
    Literal(Secret),
}

impl SecretSource {
    /// The variable of that name, which no program that is started gets to see.
    pub fn variable(name: &str) -> SecretSource {
        process::conceal(name);
        SecretSource::Variable(name.to_owned())
    }

    /// The key of the file that says so; an option is called the same, behind two dashes.
    pub fn name(&self) -> &'static str {
        match self {
            SecretSource::Command(_) => "password-command",
            SecretSource::File(_) => "password-file",
            SecretSource::Descriptor(_) => "password-fd",
            SecretSource::Variable(_) => "password-env",
            SecretSource::TokenCommand(_) => "token-command",
            SecretSource::Literal(_) => "password",
        }
    }
}

/// A source, and who named it.
#[derive(Clone, Debug)]
pub struct NamedSource {
    /// Where the secret comes from.
    pub source: SecretSource,
    /// Who said so, as a failure names it: `accounts.work.password-command`.
    pub by: String,
}

/// The sources that an account names for a server, the first counting.
#[derive(Clone, Debug, Default)]
pub struct SecretSources(pub Vec<NamedSource>);
