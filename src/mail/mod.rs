//! Layer 5: mail as such: composing it and reading its header.
pub mod content;
pub mod summary;
