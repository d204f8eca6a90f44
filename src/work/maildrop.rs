//! A mailbox on a server, as the jobs see it. POP3 is the one implementation today; another protocol is
//! one more.

use crate::pop3::{Listing, Receiver, Transaction, Wanted, What};
use crate::store::Recorded;
use crate::words::{DurablyRecorded, Failure};

impl DurablyRecorded for Recorded {}

/// A mailbox whose user is logged in.
pub trait Maildrop {
    /// What is in it. Once per session.
    fn listing(&mut self) -> Result<Listing, Failure>;

    /// Gets the headers of some messages, in order.
    fn headers(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure>;

    /// Gets some messages, in order.
    fn bodies(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure>;

    /// Marks messages for deletion; the result has a failure, or none, for each.
    fn delete(&mut self, messages: &[(u32, &Recorded)]) -> Result<Vec<Option<Failure>>, Failure>;

    /// Ends the session. `deletions`: whether something was marked for deletion, so that the server's
    /// word matters.
    fn finish(self: Box<Self>, deletions: bool) -> Result<(), Failure>;

    /// Whether the dialogue broke in a way that a server which announces pipelining and cannot do it
    /// would bring about.
    fn suspects_pipelining(&self) -> bool;

    /// Whether a message seemed to end where its lines were taken to end otherwise than they do.
    fn suspects_bare_lines(&self) -> bool;

    /// The message, by its place in the last retrieval, that broke the dialogue all by itself.
    fn spoiled(&self) -> Option<usize>;
}

impl Maildrop for Transaction {
    fn listing(&mut self) -> Result<Listing, Failure> {
        Transaction::listing(self)
    }

    fn headers(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure> {
        self.retrieve(wanted, What::Header, receiver)
    }

    fn bodies(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure> {
        self.retrieve(wanted, What::Message, receiver)
    }

    fn delete(&mut self, messages: &[(u32, &Recorded)]) -> Result<Vec<Option<Failure>>, Failure> {
        let proven: Vec<_> =
            messages.iter().map(|(number, proof)| (*number, *proof as &dyn DurablyRecorded)).collect();
        self.dele(&proven)
    }

    fn finish(self: Box<Self>, deletions: bool) -> Result<(), Failure> {
        if deletions {
            return self.quit();
        }
        self.leave();
        Ok(())
    }

    fn suspects_pipelining(&self) -> bool {
        Transaction::suspects_pipelining(self)
    }

    fn suspects_bare_lines(&self) -> bool {
        Transaction::suspects_bare_lines(self)
    }

    fn spoiled(&self) -> Option<usize> {
        Transaction::spoiled(self)
    }
}
