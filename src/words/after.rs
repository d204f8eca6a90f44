//! What happens to fetched messages on the server.

use std::time::Duration;

/// What happens to fetched messages on the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// They stay.
    #[default]
    Keep,
    /// They are deleted once they are stored durably.
    Delete,
    /// They are deleted so long after they were first seen.
    DeleteAfter(Duration),
}
