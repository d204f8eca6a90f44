//! IMAP4rev1 (`RFC 3501`) and the extensions that a program needs which fetches, lists and files mail.
//!
//! The grammar is strict where a mistake would cut a message or file it as another, which is at the edges of
//! literals, and lenient everywhere else: servers write numbers, lists and strings in ways of their own.

mod assembly;
mod capabilities;
mod code;
mod command;
mod date;
#[cfg(test)]
mod dice;
mod fetch;
mod lexer;
mod line;
mod malformed;
mod names;
mod response;
mod rows;
mod search;
#[cfg(test)]
mod tests;
mod uids;
pub mod utf7;
mod walk;

pub(crate) use assembly::Status;
pub use assembly::{Assembly, MAX_LINE, NextRead};
pub use capabilities::Capabilities;
pub(crate) use code::ResponseCode;
pub(crate) use command::{CANCEL, Criterion, DONE, FetchItem, StatusItem};
pub use command::{Command, MailboxName};
pub use date::InternalDate;
pub(crate) use fetch::{Body, FetchItems};
pub(crate) use line::Tag;
pub use line::{Literals, Tags};
pub(crate) use malformed::Malformed;
pub(crate) use names::Names;
pub(crate) use response::Condition;
pub use response::Response;
pub use search::SearchScanner;
pub use uids::UidSet;
