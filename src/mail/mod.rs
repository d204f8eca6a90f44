//! Layer 5: mail as such: composing it, passing it on, and reading its header.

pub mod addresses;
pub mod compose;
pub mod content;
mod encoded;
mod fields;
pub mod fix;
pub mod guard;
pub mod input;
pub mod local;
pub mod outgoing;
mod params;
pub mod plain_text;
pub mod raw;
mod read;
pub mod stamp;
pub mod summary;
mod unlabelled;
mod written;
pub mod zone;

pub use addresses::{Entry, Mailbox};
pub use outgoing::{Envelope, Outgoing};
