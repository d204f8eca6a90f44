//! The integration tests, one binary. They are written from what the manual promises, run the real
//! binary, and judge it by what servers were sent and what lies on disk.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the tour shares it and uses other parts")]
mod support;

mod layering;
mod real_fetch;
mod support_itself;

use support::world::World;

/// A scratch home for the binary under test.
fn world() -> World {
    World::new(env!("CARGO_BIN_EXE_postie"))
}
