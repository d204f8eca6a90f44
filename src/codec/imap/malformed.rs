//! What is no IMAP.

use std::fmt;

/// Why octets of the server are no response. The dialogue is out of step then: nothing that follows can be
/// trusted to begin where it seems to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What the server sent, to stand behind "the server sent".
    pub what: &'static str,
}

impl Malformed {
    pub(super) const fn new(what: &'static str) -> Self {
        Malformed { what }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server sent {}", self.what)
    }
}

impl std::error::Error for Malformed {}
