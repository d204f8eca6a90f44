//! A mailbox on a server, as the jobs see it: the one of the account, or the folder that was selected. POP3 is
//! the one implementation today; another protocol is one more.

use super::{Listing, Receiver, Setback, Wanted};
use crate::store::Recorded;
use crate::words::Failure;

/// What the server announces about its mailboxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The seconds it wants between two logins.
    pub login_delay: u64,
    /// Whether it may delete a message as soon as it was fetched.
    pub expires_at_once: bool,
}

/// A mailbox whose user is logged in.
pub trait Maildrop {
    /// What the server announces about it.
    fn terms(&self) -> Terms;

    /// What is in it. Once per session.
    fn listing(&mut self) -> Result<Listing, Failure>;

    /// Whether the server says that headers can be had without their messages; `None` where it says nothing.
    fn has_headers(&self) -> Option<bool>;

    /// Gets the headers of some messages, in order.
    fn headers(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure>;

    /// Gets some messages, in order.
    fn bodies(&mut self, wanted: &[Wanted], receiver: &mut dyn Receiver) -> Result<(), Failure>;

    /// Marks messages for deletion; the result has a failure, or none, for each.
    fn delete(&mut self, messages: &[(u32, &Recorded)]) -> Result<Vec<Option<Failure>>, Failure>;

    /// Ends the session. `deletions`: whether something was marked for deletion, so that the server's
    /// word matters.
    fn finish(self: Box<Self>, deletions: bool) -> Result<(), Failure>;

    /// How the last command failed, as far as another session may fare better. Places count in what that
    /// command was given.
    fn setback(&self) -> Option<Setback>;
}
