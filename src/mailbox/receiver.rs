//! Getting messages: which, and who takes them.

use crate::words::Failure;

/// A message to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its number in this session.
    pub number: u32,
    /// Its size as far as it is known: bounds the window.
    pub size: Option<u64>,
    /// Whether it is asked for with no other command on its way: should the line be lost, it is known at what.
    pub alone: bool,
}

/// Takes what a retrieval brings, in the order of the messages wanted. `index` counts in that order.
/// An error of `chunk`, `begin` or `confirm` ends the session where it stands.
pub trait Receiver {
    /// The message follows.
    fn begin(&mut self, index: usize) -> Result<(), Failure>;
    /// A piece of it, with LF line ends. `size`: the octets of the message so far, counted as the listing counts them.
    fn chunk(&mut self, octets: &[u8], size: u64) -> Result<(), Failure>;
    /// It is whole: its end was seen, and what followed was a reply.
    fn confirm(&mut self, index: usize) -> Result<(), Failure>;
    /// The server refused this one; the rest goes on.
    fn refused(&mut self, index: usize, failure: Failure) -> Result<(), Failure>;
}
