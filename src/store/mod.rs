//! Layer 2: durable storage. What is delivered here survives a power cut, and is stored once.
//!
//! A durable fact is a value that only this layer can make. A sink returns [`Delivered`] only after the
//! octets and the directory entry are on disk; the [`Ledger`] returns [`Recorded`] only after the message's
//! UID is on disk. Deleting on a server needs a `&Recorded`.
//!
//! The order of a run, which no caller can change:
//! 1. [`Ledger::open`] locks the account; the sink is opened and checked. Nothing has been fetched yet.
//! 2. [`Sink::recover`] settles what a killed run has left.
//! 3. `begin`, `write`…, `finish` stage messages; `discard` drops one that is not whole.
//! 4. [`Sink::commit`] makes all staged messages durable, [`Ledger::record`] records their UIDs.
//! 5. [`Ledger::close`] notes that the run ended well.
//! 5. [`Ledger::close`] marks the run as ended well.

pub(crate) mod custody;
mod delivered;
mod durable;
mod error;
mod exec;
mod fingerprint;
mod folders;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod identity;
mod ledger;
mod maildir;
mod mbox;
mod mboxrd;
mod print;
mod queue;
mod sink;
pub(crate) mod spool;
mod stdout;
mod tokens;
mod twins;

pub(crate) use delivered::{Delivered, Place};
pub use delivered::{Details, Subject};
pub(crate) use durable::{atomic_replace, sweep_beside};
pub(crate) use error::{AtStage, StoreError};
pub(crate) use exec::{CommandSpec, ExecSink};
pub(crate) use fingerprint::{ContentHash, Hashes};
pub(crate) use folders::{FolderName, FolderPlaces, Layout, check_mbox_dir};
pub use identity::{AccountKey, Identity};
pub use ledger::{Afterwards, Ledger, Recorded};
pub(crate) use ledger::{
    Copying, FolderNumbers, FoundSame, Going, Known, Knowns, LedgerOpening, Memory, ServerState, Trait,
};
pub(crate) use maildir::{Maildir, Unrecorded};
pub(crate) use mbox::Mbox;
pub(crate) use print::HeaderPrint;
pub use sink::Sink;
pub(crate) use sink::WaitLimits;
pub(crate) use spool::each_block;
pub use spool::{Spool, Spooled};
pub use stdout::{Mboxrd, Stdout};
pub(crate) use stdout::{PrintForm, Printable};
pub(crate) use tokens::{LockedTokens, MAX_TOKENS, NextTokens, TokenFile};
pub(crate) use twins::Twins;
