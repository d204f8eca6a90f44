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

pub use assembly::{Assembly, MAX_LINE, Next, Status};
pub use capabilities::Capabilities;
pub use code::{CopyUid, ResponseCode};
pub use command::{CANCEL, Command, Criterion, DONE, FetchItem, Mailbox, StatusItem};
pub use date::InternalDate;
pub use fetch::{Body, FetchItems};
pub use line::{Literals, Part, Tag, Tags};
pub use malformed::Malformed;
pub use names::{Flags, Names};
pub use response::{Condition, Found, Response};
pub use rows::{ListRow, MailboxStatus, Namespace, Namespaces};
pub use search::SearchScanner;
pub use uids::UidSet;
