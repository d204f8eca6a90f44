//! Where the secret of a server comes from.

use super::git_credential::GitCredential;
use crate::process::{self, Program};
use crate::words::Secret;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum SecretSource {
    /// A command that prints a password.
    Command(Program),
    File(PathBuf),
    /// An open descriptor.
    Descriptor(u32),
    /// An environment variable.
    Variable(String),
    /// A command that prints an OAuth2 access token.
    TokenCommand(Program),
    /// The configuration itself.
    Literal(Secret),
    /// A credential helper of git.
    Helper(Arc<GitCredential>),
}

impl SecretSource {
    /// An environment variable, which from now on no started program gets.
    pub fn variable(name: &str) -> SecretSource {
        process::conceal(name);
        SecretSource::Variable(name.to_owned())
    }

    /// The key in the file; with two dashes before it, the option.
    pub fn name(&self) -> &'static str {
        match self {
            SecretSource::Command(_) => "password-command",
            SecretSource::File(_) => "password-file",
            SecretSource::Descriptor(_) => "password-fd",
            SecretSource::Variable(_) => "password-env",
            SecretSource::TokenCommand(_) => "token-command",
            SecretSource::Literal(_) => "password",
            SecretSource::Helper(_) => "credential-helper",
        }
    }
}

/// A source, and the key or option that named it.
#[derive(Clone, Debug)]
pub struct NamedSource {
    pub source: SecretSource,
    /// As in failures: `accounts.work.password-command`.
    pub by: String,
}

/// The sources configured for a server; the first counts.
#[derive(Clone, Debug, Default)]
pub struct SecretSources(pub Vec<NamedSource>);
