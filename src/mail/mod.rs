//! Layer 5: composing and reading mail.

pub mod addresses;
pub mod outgoing;
pub mod stamp;
pub mod summary;

pub use addresses::{Entry, Mailbox};
pub use outgoing::{Content, Envelope, Outgoing};
