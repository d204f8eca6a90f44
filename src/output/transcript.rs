//! The transcript of the protocol on standard error (`-vv`).

use super::sanitize::safe;
use crate::net::{Direction, Tap};
use crate::streams;

/// Writes each line of a dialogue to standard error, hostile characters escaped. The wire has replaced secrets
/// already.
#[derive(Debug)]
pub struct Transcript {
    label: String,
}

impl Transcript {
    pub fn new(label: impl Into<String>) -> Self {
        Transcript { label: label.into() }
    }
}

/// A listener for the dialogue with what is called so.
pub fn tap(label: String) -> Box<dyn Tap> {
    Box::new(Transcript::new(label))
}

impl Tap for Transcript {
    fn line(&mut self, direction: Direction, text: &str) {
        let mark = match direction {
            Direction::Client => "C:",
            Direction::Server => "S:",
            Direction::Note => "--",
        };
        let line = format!("{} {mark} {}\n", safe(&self.label), safe(text));
        streams::error(&line);
    }
}
