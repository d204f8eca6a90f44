//! Where a secret comes from, as a server of an account names it.

use crate::process::{self, Program};
use crate::words::Secret;
use std::path::PathBuf;

/// Where one secret comes from.
#[derive(Clone, Debug)]
pub enum Source {
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

impl Source {
    /// The variable of that name, which no program that is started gets to see.
    pub fn variable(name: &str) -> Source {
        process::conceal(name);
        Source::Variable(name.to_owned())
    }

    /// The key of the file that says so; an option is called the same, behind two dashes.
    pub fn name(&self) -> &'static str {
        match self {
            Source::Command(_) => "password-command",
            Source::File(_) => "password-file",
            Source::Descriptor(_) => "password-fd",
            Source::Variable(_) => "password-env",
            Source::TokenCommand(_) => "token-command",
            Source::Literal(_) => "password",
        }
    }
}

/// A source, and who named it.
#[derive(Clone, Debug)]
pub struct Stated {
    /// Where the secret comes from.
    pub source: Source,
    /// Who said so, as a failure names it: `accounts.work.password-command`.
    pub by: String,
}

/// The sources that an account names for a server, the first counting.
#[derive(Clone, Debug, Default)]
pub struct SecretSources(pub Vec<Stated>);
