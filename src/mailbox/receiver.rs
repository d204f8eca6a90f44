//! Which messages to fetch, and who receives them.

use crate::words::Failure;

/// A message to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its number in this session.
    pub number: u32,
    /// Its listed size, which bounds the pipelining window.
    pub size: Option<u64>,
    /// Whether no other command may be in flight, so that a lost line can be blamed on this message.
    pub alone: bool,
}

/// What a server keeps of a message beside its octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Its flags, as the server spells them (`RFC 3501 §2.3.2`).
    pub flags: Vec<String>,
    /// When the server got it, in seconds since 1970 (`RFC 3501 §2.3.3`).
    pub received: Option<i64>,
    /// How large it is, with CRLF for line ends; what the server says is a hint.
    pub size: Option<u64>,
}

/// Takes what a retrieval brings, in the server's order. `index` is the place of a message among those wanted.
/// An error of `chunk`, `begin` or `confirm` ends the session where it stands.
pub trait Receiver {
    /// What the server keeps of the message beside its octets; told before it begins, where it is known.
    fn details(&mut self, _index: usize, _details: Details) {}
    /// The message follows.
    fn begin(&mut self, index: usize) -> Result<(), Failure>;
    /// A piece of it, with LF line ends. `size`: the octets of the message so far, with CRLF line ends as in the
    /// listing.
    fn chunk(&mut self, octets: &[u8], size: u64) -> Result<(), Failure>;
    /// The message is whole.
    fn confirm(&mut self, index: usize) -> Result<(), Failure>;
    /// The server refused this message; the rest goes on.
    fn refused(&mut self, index: usize, failure: Failure) -> Result<(), Failure>;
}
