//! Layer 5: messages (`RFC 5322`, MIME): composing them, passing them on, reading them.

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
