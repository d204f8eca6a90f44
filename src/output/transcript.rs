//! The protocol's transcript on standard error (`-vv`).

use super::sanitize::safe;
use crate::net::{Direction, Tap};
use crate::streams;

/// Writes each line of a dialogue to standard error, hostile characters made visible. The wire names
/// secrets instead of passing them on, so none can appear here.
#[derive(Debug)]
pub struct Transcript {
    label: String,
}

impl Transcript {
    /// The transcript of the dialogue with `label`.
    pub fn new(label: impl Into<String>) -> Self {
        Transcript { label: label.into() }
    }
}

impl Tap for Transcript {
    fn line(&mut self, direction: Direction, text: &str) {
        let mark = match direction {
            Direction::Client => "C:",
            Direction::Server => "S:",
            Direction::Note => "--",
        };
        let line = format!("{} {mark} {}\n", safe(&self.label), safe(text));
        // A closed standard error is nothing to fail over.
        streams::error(&line);
    }
}
