//! Layer 5: messages (`RFC 5322`, MIME): composing them, passing them on, reading them.

pub mod addresses;
pub mod compose;
pub mod content;
mod encoded;
mod fields;
pub mod fix;
pub(crate) mod guard;
pub(crate) mod input;
pub(crate) mod local;
pub mod outgoing;
mod params;
pub(crate) mod plain_text;
pub mod raw;
mod read;
pub(crate) mod stamp;
pub mod summary;
mod unlabelled;
mod written;
pub(crate) mod zone;

pub use addresses::{Entry, Mailbox};
pub use outgoing::Outgoing;
