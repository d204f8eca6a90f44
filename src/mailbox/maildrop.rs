//! A mailbox on a server: the only one of the account, or the selected folder.

use super::{Listing, Receiver, Setback, Wanted};
use crate::store::Recorded;
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

    /// Whether headers can be fetched without their messages; `None` if the server does not say.
    fn has_headers(&self) -> Option<bool>;

    /// Fetches headers, in order.
    fn headers(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure>;

    /// Fetches messages, in order.
    fn bodies(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure>;

    /// Marks messages for deletion; the result has a failure or `None` for each.
    fn delete(&mut self, messages: &[(u32, &Recorded)]) -> Result<Vec<Option<Failure>>, Failure>;

    /// Ends the session. `deletions`: whether messages were marked for deletion, so that the reply matters.
    fn finish(self: Box<Self>, deletions: bool) -> Result<(), Failure>;

    /// What may help in another session, after the last command failed. `at` counts in what that command was given.
    fn setback(&self) -> Option<Setback>;
}
