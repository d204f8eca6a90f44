//! What became of octets that were to be read as text.

/// What octets say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All of them.
    Whole(String),
    /// Some of them could not be read, and are `U+FFFD` here.
    Damaged(String),
    /// Nobody here knows the charset: nothing.
    Unknown,
}

impl Reading {
    /// The text, if there is one.
    pub fn text(self) -> Option<String> {
        match self {
            Reading::Whole(text) | Reading::Damaged(text) => Some(text),
            Reading::Unknown => None,
        }
    }
}
