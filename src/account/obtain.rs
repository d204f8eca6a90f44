//! Gets a secret from where it is, each time it is called.

use super::Env;
use super::command;
use super::drain;
use super::secret_file;
use super::secret_source::SecretSource;
use crate::net::Limits;
use crate::words::{Failure, Kind, Secret};
use std::os::unix::ffi::OsStrExt;

/// Gets the secret; `by` names the key or option in failures. Fails with [`Kind::Config`], [`Kind::Interrupted`], or
/// [`Kind::Timeout`].
pub fn obtain(source: &SecretSource, by: &str, env: &Env, limits: &Limits) -> Result<Secret, Failure> {
    match source {
        SecretSource::Command(line) | SecretSource::TokenCommand(line) => command::secret(line, by, limits),
        SecretSource::Descriptor(number) => secret_file::from_descriptor(*number, by, limits),
        SecretSource::File(path) => secret_file::from_file(path, by, env, limits),
        SecretSource::Variable(name) => match env.get(name) {
            Some(value) => whole(Secret::new(value.as_bytes()), by),
            None => Err(drain::failure(
                Kind::Config,
                format!("{by}: getting the secret: the variable is empty or not set"),
            )),
        },
        SecretSource::Literal(secret) => whole(secret.clone(), by),
        SecretSource::Helper(git) => git.fill(by, limits),
    }
}

/// Refuses an empty secret, and one that cannot be sent in a line.
fn whole(secret: Secret, by: &str) -> Result<Secret, Failure> {
    let what = if secret.is_empty() {
        "it is empty"
    } else if secret.breaks_lines() {
        "it has a CR, LF or NUL in it"
    } else {
        return Ok(secret);
    };
    Err(drain::failure(Kind::Config, format!("{by}: getting the secret: {what}")))
}
