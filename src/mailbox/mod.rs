//! Layer 3: what every protocol for reading mail has in common: a mailbox that lists messages, hands them out
//! and deletes them. The jobs know this; the sessions of a protocol are one implementation each.
//!
//! A session deletes only what the store has the proof of ([`crate::store::Recorded`]). How it failed, and what may
//! help the next one, is one value ([`Setback`]).

mod listing;
mod maildrop;
mod receiver;
mod setback;

pub use listing::{Listing, MAX_UID, Places, Row};
pub use maildrop::{Maildrop, Terms};
pub use receiver::{Receiver, Wanted};
pub use setback::{Remedy, Setback};
