//! An open mailbox as the jobs see it.

use super::Mailbox;
use crate::mailbox::{Listing, Maildrop, Receiver, Setback, Terms, Wanted};
use crate::store::Recorded;
use crate::words::Failure;

impl Maildrop for Mailbox {
    fn terms(&self) -> Terms {
        Terms::default()
    }

    fn listing(&mut self) -> Result<Listing, Failure> {
        self.list()
    }

    fn measure(&mut self, listing: &mut Listing, places: &[u32]) -> Result<(), Failure> {
        Mailbox::measure(self, listing, places)
    }

    fn has_headers(&self) -> Option<bool> {
        Some(true)
    }

    fn headers(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure> {
        self.retrieve_headers(wanted, receiver)
    }

    fn bodies(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure> {
        self.retrieve(wanted, receiver)
    }

    fn delete(&mut self, messages: &[(u32, &Recorded)]) -> Result<Vec<Option<Failure>>, Failure> {
        self.remove(messages)
    }

    fn finish(self: Box<Self>, _: bool) -> Result<(), Failure> {
        // What was removed is gone since the server said so: its word on LOGOUT is no matter.
        self.leave().logout();
        Ok(())
    }

    fn setback(&self) -> Option<Setback> {
        self.setback
    }
}
