//! Layer 5: composing and reading mail.

pub mod addresses;
pub mod compose;
pub mod input;
pub mod outgoing;
pub mod plain_text;
pub mod raw;
pub mod stamp;
pub mod summary;

pub use addresses::{Entry, Mailbox};
pub use outgoing::{Content, Envelope, Outgoing};
