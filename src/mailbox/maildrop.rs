//! A mailbox on a server: the only one of the account, or the selected folder.

use super::{Listing, Receiver, Setback, Wanted};
use crate::store::{FolderNumbers, Ledger, Recorded};
use crate::words::Failure;

/// What the server announces about the mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The seconds it wants between two logins.
    pub login_delay: u64,
    /// Whether it may delete messages once they were fetched.
    pub expires_at_once: bool,
}

/// A mailbox, after the login.
pub trait Maildrop {
    fn terms(&self) -> Terms;

    /// The messages in it. To be called once per session.
    fn listing(&mut self) -> Result<Listing, Failure>;

    /// Puts the sizes of some messages into the listing, where it has none yet; they are named by their places.
    fn measure(&mut self, _listing: &mut Listing, _places: &[u32]) -> Result<(), Failure> {
        Ok(())
    }

    /// The numbers of the folder as they were when it was opened; `None` where the protocol has none.
    fn numbers(&self) -> Option<FolderNumbers> {
        None
    }

    /// What the server wants shown to the user (`RFC 3501 §7.1`, ALERT), each once.
    fn alerts(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Whether headers can be fetched without their messages; `None` if the server does not say.
    fn has_headers(&self) -> Option<bool>;

    /// Fetches headers, in order.
    fn headers(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure>;

    /// Fetches the fields Message-ID, Date and From of the header of messages, which are named by their places in the
    /// listing; in any order. `take` gets `None` for a message whose header the server does not show, and is not
    /// called for one that is gone. Only where UIDs have a UIDVALIDITY.
    fn identify(
        &mut self,
        _places: &[u32],
        _take: &mut dyn FnMut(u32, Option<&[u8]>),
    ) -> Result<(), Failure> {
        Ok(())
    }

    /// Fetches messages, in order.
    fn bodies(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure>;

    /// From now on [`Maildrop::delete`] moves messages to this folder, named as people read it. Fails with `missing`
    /// where it is not there, and with `usage` where it cannot be that one.
    fn move_to(&mut self, folder: &str) -> Result<(), Failure>;

    /// To which folder deleted messages go, if they do.
    fn moved_to(&self) -> Option<String> {
        None
    }

    /// Marks messages for deletion; the result has a failure or `None` for each. What the next session has to know, if
    /// this one ends in the middle, goes into the ledger.
    fn delete(
        &mut self,
        messages: &[(u32, &Recorded)],
        ledger: &mut Ledger,
    ) -> Result<Vec<Option<Failure>>, Failure>;

    /// Ends the session. `deletions`: whether messages were marked for deletion, so that the reply matters.
    fn finish(self: Box<Self>, deletions: bool) -> Result<(), Failure>;

    /// What may help in another session, after the last command failed. `at` counts in what that command was given.
    fn setback(&self) -> Option<Setback>;
}
