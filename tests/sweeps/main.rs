//! The sweeps: `postie fetch` is stopped, failed, disconnected and robbed of power at every possible point,
//! run again, and judged by what the server was told and what is on disk, never by its own output.
//!
//! - `kill`: SIGKILL before any system call of a run, of a later run, and of a run that mends a killed one.
//! - `errors`: any file call fails with ENOSPC, EIO, EDQUOT, EINTR or EMFILE, once or from then on.
//! - `line`: the connection ends, is reset or falls silent behind any octet; DELE and QUIT fail.
//! - `power`: the power fails at any event of the session or at any instant, on ext4 (and XFS where it can
//!   be made), by the file system's shutdown.
//! - `order`: the system calls of a run show that each sync comes before what relies on it. A journalling
//!   file system hides a missing sync from the power cuts, not from this.
//! - `tokens`: a refresh of OAuth2 tokens is killed at any call, fails at any file call, and loses the token server behind
//!   any octet.
//!
//! By POP3, and by IMAP: there another client is at work in the same mailbox (`other`). It delivers, reads, marks, moves
//! and expunges while postie does, and between its runs; at every second point the folder then gets another UIDVALIDITY.
//!
//! By default they try a part that takes about a minute, spread evenly. `POSTIE_SWEEP=ci`, as in CI, thins each
//! as its own file says, to some ten minutes; `POSTIE_SWEEP=full` tries every point, several at the same time, and
//! says how far it is. They need root, strace and loop mounts: without, they say so loudly, or fail where
//! `POSTIE_REQUIRE_ALL=1`. Each prints how many points it tried, of how many, and how many failed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the other tests use other parts")]
mod support;

mod cut;
mod errors;
mod host;
mod judge;
mod kill;
mod line;
mod order;
mod other;
mod power;
mod scene;
mod strace;
mod tally;
mod tokens;
mod volume;
