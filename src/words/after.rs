//! What becomes of messages on the server.

use std::time::Duration;

/// What becomes of messages on the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// They stay.
    #[default]
    Keep,
    /// They are deleted once they are safe here.
    Delete,
    /// They are deleted this long after they were first seen.
    DeleteAfter(Duration),
}
