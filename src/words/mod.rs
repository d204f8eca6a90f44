//! Layer 0: the words every other layer speaks. No I/O, no protocol.

pub mod address;
pub mod exit;
pub mod failure;
pub mod proof;
pub mod secret;

pub use address::Address;
pub use exit::Exit;
pub use failure::{Failure, Kind, Retry, Scope, ServerReply};
pub use proof::DurablyRecorded;
pub use secret::{Redactor, Secret};
