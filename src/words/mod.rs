//! Layer 0: types that every other layer uses. No I/O, no protocol.

pub mod address;
pub mod after;
pub mod exit;
pub mod failure;
pub mod mechanism;
pub mod secret;
pub mod stage;

pub use address::{Address, ReversePath};
pub use after::After;
pub use exit::Exit;
pub use failure::{Failure, Kind, Retry, Scope, ServerReply};
pub use mechanism::MechanismName;
pub use secret::{Redactor, Secret};
pub use stage::Stage;
