//! Layer 3: what every protocol for reading mail has in common: a mailbox that lists messages, sends them and
//! deletes them ([`Maildrop`]). The jobs use only this; each protocol implements it.
//!
//! A session deletes only messages that are stored durably, with the ledger's proof ([`crate::store::Recorded`]).
//! What may help after a failure is one value ([`Setback`]).

mod listing;
mod maildrop;
mod receiver;
mod setback;

pub(crate) use listing::{Listing, MAX_UID, Places, Row};
pub use maildrop::Maildrop;
pub(crate) use maildrop::Terms;
pub use receiver::{Receiver, Wanted};
pub(crate) use setback::{Remedy, Setback};
