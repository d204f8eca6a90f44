//! What happens to fetched messages on the server.

use std::time::Duration;

/// What happens to fetched messages on the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// They stay.
    #[default]
    Keep,
    /// They are deleted once they are stored durably.
    Delete,
    /// They are moved to this folder of the server, named as people read it, once they are stored durably.
    MoveTo(String),
    /// They are deleted so long after they were first seen.
    DeleteAfter(Duration),
}
