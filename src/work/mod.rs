//! Layer 6: the jobs: what a command does once its arguments are understood.

pub mod access;
pub mod fetch;
pub mod list;
mod matches;
pub mod plan;
pub mod probe;
pub mod send;
pub mod service;
