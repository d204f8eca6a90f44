//! Layer 4: SMTP sessions (`RFC 5321`, `RFC 6409`), linear and blocking. The states are types:
//!
//! ```text
//! Greeted --EHLO--> Introduced --STARTTLS--> Greeted (under TLS, capabilities forgotten)
//!                   Introduced --AUTH------> Ready
//!                   Introduced ------------> Ready --MAIL RCPT--> Underway --DATA, BDAT--> Delivery
//! ```
//!
//! Every reply is read, and only 2yz, 3yz, 4yz and 5yz are replies. A reply 421 ends the session wherever
//! it comes. From the moment the final dot, or the end of BDAT LAST, may have left, nothing but a whole
//! 2yz, 4yz or 5yz reply gives a verdict; everything else is [`crate::words::Kind::Unknown`].

mod auth;
mod content;
mod delivery;
mod demand;
mod dialogue;
mod envelope;
mod name;
mod open_transaction;
mod opening;
#[cfg(test)]
pub(crate) mod scripted;
pub mod server;
#[cfg(test)]
mod tests;
mod transaction;

pub use auth::SmtpLogin;
pub use delivery::{
    Delivery, MailTransaction, OnRejected, RecipientResult, RecipientStatus, ServerAnswer, TransactionOutcome,
};
pub use dialogue::FINAL_REPLY;
pub use name::ehlo_name;
pub use open_transaction::{ContentHooks, OpenTransaction};
pub use opening::{Greeted, Introduced, Opening, Ready, open};
