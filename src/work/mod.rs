//! Layer 6: the jobs that the commands start: fetch, list, send, probe.

pub(crate) mod access;
pub(crate) mod fetch;
pub(crate) mod filing;
pub(crate) mod list;
mod matches;
pub(crate) mod plan;
pub(crate) mod probe;
pub mod send;
pub mod service;
