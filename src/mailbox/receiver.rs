//! Which messages to fetch, and who receives them.

use crate::store::Details;
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

/// Takes what a retrieval brings, in the server's order. `index` is the place of a message among those wanted.
/// An error of `chunk`, `begin` or `confirm` ends the session where it stands.
pub trait Receiver {
    /// What the server keeps of the message beside its octets; told before it begins, where it is known.
    fn details(&mut self, _index: usize, _details: Details) {}
    /// Its flags, told when it has come already; where it is stored by now, it is too late for them.
    fn flags(&mut self, _index: usize, _flags: Vec<String>) {}
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
