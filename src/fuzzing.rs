//! The doors of the fuzz targets (`fuzz`) to readers that nothing else outside the crate needs. Only with the feature
//! `fuzzing`.

pub use crate::account::config::parse as settings;
pub use crate::account::edit::Editor;
pub use crate::account::oauth::held::HeldToken;
pub use crate::cmd::batch_line;
pub use crate::mail::local::{LocalHeader, Role};
pub use crate::net::certificate::{Certificate, Fingerprint};
pub use crate::store::fuzzing::{folders, mboxrd, named};
pub use crate::work::send::queue_id;
