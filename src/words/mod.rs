//! Layer 0: types that every other layer uses. No I/O, no protocol.

pub(crate) mod address;
pub(crate) mod after;
pub(crate) mod clock;
pub(crate) mod exit;
pub(crate) mod failure;
pub(crate) mod mechanism;
pub(crate) mod secret;
pub(crate) mod stage;

pub use address::{Address, ReversePath};
pub use after::After;
pub use exit::Exit;
pub use failure::{Failure, Kind, Retry, Scope, ServerReply};
pub use mechanism::MechanismName;
pub use secret::{Redactor, Secret};
pub use stage::Stage;
