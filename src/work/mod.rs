//! Layer 6: the jobs that the commands start: fetch, list, send, probe.

pub mod access;
pub mod fetch;
pub mod filing;
pub mod list;
mod matches;
pub mod plan;
pub mod probe;
pub mod send;
pub mod service;
