//! A POP3 session as a [`Maildrop`].

use super::{Transaction, What};
use crate::mailbox::{Listing, Maildrop, Receiver, Setback, Terms, Wanted};
use crate::store::{Ledger, Recorded};
use crate::words::Failure;

impl Maildrop for Transaction {
    fn terms(&self) -> Terms {
        let capabilities = self.capabilities();
        Terms { login_delay: capabilities.login_delay, expires_at_once: capabilities.expires_at_once }
    }

    fn listing(&mut self) -> Result<Listing, Failure> {
        Transaction::listing(self)
    }

    fn has_headers(&self) -> Option<bool> {
        let capabilities = self.capabilities();
        capabilities.known.then_some(capabilities.top)
    }

    fn headers(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure> {
        self.retrieve(wanted, What::Header, receiver)
    }

    fn bodies(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure> {
        self.retrieve(wanted, What::Message, receiver)
    }

    fn move_to(&mut self, _: &str) -> Result<(), Failure> {
        Err(Failure::usage("move-to: POP3 has no folders"))
    }

    fn delete(
        &mut self,
        messages: &[(u32, &Recorded)],
        _: &mut Ledger,
    ) -> Result<Vec<Option<Failure>>, Failure> {
        self.dele(messages)
    }

    fn finish(self: Box<Self>, deletions: bool) -> Result<(), Failure> {
        if deletions {
            return self.quit();
        }
        self.leave();
        Ok(())
    }

    fn setback(&self) -> Option<Setback> {
        Transaction::setback(self)
    }
}
