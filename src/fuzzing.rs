//! The doors of the fuzz targets (`fuzz`) to readers that nothing else outside the crate needs. Only with the feature
//! `fuzzing`.

pub use crate::cmd::batch_line;
pub use crate::mail::local::{LocalHeader, Role};
pub use crate::store::fuzzing::{folders, mboxrd, named};
pub use crate::work::send::queue_id;
