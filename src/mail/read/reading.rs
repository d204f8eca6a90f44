//! The result of decoding octets.

/// Octets decoded as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    Whole(String),
    /// Some octets could not be decoded, and are `U+FFFD` here.
    Damaged(String),
    /// The charset is unknown.
    Unknown,
}

impl Reading {
    pub(super) fn of(text: String, damaged: bool) -> Self {
        if damaged { Reading::Damaged(text) } else { Reading::Whole(text) }
    }

    pub fn text(self) -> Option<String> {
        match self {
            Reading::Whole(text) | Reading::Damaged(text) => Some(text),
            Reading::Unknown => None,
        }
    }
}
