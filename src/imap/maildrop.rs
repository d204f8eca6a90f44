//! An open mailbox as the jobs see it.

use super::OpenMailbox;
use crate::mailbox::{Listing, Maildrop, Receiver, Setback, Terms, Wanted};
use crate::store::{FolderNumbers, Ledger, Recorded};
use crate::words::Failure;

impl Maildrop for OpenMailbox {
    fn terms(&self) -> Terms {
        Terms::default()
    }

    fn listing(&mut self) -> Result<Listing, Failure> {
        self.list()
    }

    fn measure(&mut self, listing: &mut Listing, places: &[u32]) -> Result<(), Failure> {
        OpenMailbox::measure(self, listing, places)
    }

    fn numbers(&self) -> Option<FolderNumbers> {
        let (uidvalidity, uidnext) = self.opening.validity().zip(self.opening.uidnext)?;
        Some(FolderNumbers { uidvalidity, uidnext, messages: u64::from(self.opening.exists) })
    }

    fn alerts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.connection.alerts)
    }

    fn has_headers(&self) -> Option<bool> {
        Some(true)
    }

    fn headers(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure> {
        self.retrieve_headers(wanted, receiver)
    }

    fn identify(&mut self, places: &[u32], take: &mut dyn FnMut(u32, Option<&[u8]>)) -> Result<(), Failure> {
        self.retrieve_identities(places, take)
    }

    fn bodies(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure> {
        self.retrieve(wanted, receiver)
    }

    fn move_to(&mut self, folder: &str) -> Result<(), Failure> {
        self.set_target(folder)
    }

    fn moved_to(&self) -> Option<String> {
        self.target.as_ref().map(ToString::to_string)
    }

    fn delete(
        &mut self,
        messages: &[(u32, &Recorded)],
        ledger: &mut Ledger,
    ) -> Result<Vec<Option<Failure>>, Failure> {
        self.remove(messages, ledger)
    }

    fn finish(self: Box<Self>, _: bool) -> Result<(), Failure> {
        let (parking, session) = (self.parking.clone(), self.leave());
        match parking {
            Some(parking) => session.park(&parking),
            // What was removed is gone since the server said so: its word on LOGOUT is no matter.
            None => session.logout(),
        }
        Ok(())
    }

    fn setback(&self) -> Option<Setback> {
        self.setback
    }
}
