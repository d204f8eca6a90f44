//! Layer 6: the jobs that the commands start: fetch, list, send, probe, a login in the browser.

pub(crate) mod access;
pub(crate) mod authorize;
pub(crate) mod discover;
pub(crate) mod fetch;
pub(crate) mod filing;
pub(crate) mod list;
pub(crate) mod local;
mod matches;
pub(crate) mod plan;
pub(crate) mod probe;
mod refused_token;
pub mod send;
pub mod service;
