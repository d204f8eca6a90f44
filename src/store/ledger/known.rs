//! What is known of one message, and of all messages of one UID.

use std::ops::Deref;

/// What is known of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which copy of an ambiguous UID it was; else 0.
    pub copy: u32,
    /// Its size as the server listed it, where that was known.
    pub size: Option<u64>,
    /// When it was delivered or marked, in seconds since 1970.
    pub time: u64,
    /// What stands behind it.
    pub fact: Fact,
    /// Where in the ledger its record begins: later ones are at higher places, and the hash of what is stored is
    /// there alone. What this run keeps in memory only has a place behind all others.
    pub(super) at: u64,
}

/// What stands behind a message that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// It was marked as seen: nothing of it is here, and nothing may follow from that for the server.
    Marked,
    /// It is stored.
    Stored(Stored),
    /// A message that another server account listed so is stored. Nothing may follow from that for this server
    /// before the two were compared.
    Elsewhere(Stored),
}

/// A message that is stored. Only of this a proof can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What became of it on the server.
    pub state: State,
}

/// What identifies a stored message by what is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content {
    /// The hash of all of it.
    pub sha256: [u8; 32],
    /// What tells its header from others.
    pub print: Option<u64>,
}

impl Known {
    /// What became of it on the server, if it was ever stored.
    pub fn state(&self) -> Option<State> {
        match self.fact {
            Fact::Stored(stored) | Fact::Elsewhere(stored) => Some(stored.state),
            Fact::Marked => None,
        }
    }

    /// Whether it is stored.
    pub fn is_stored(&self) -> bool {
        !matches!(self.fact, Fact::Marked)
    }

    /// Whether it is still on the server, as far as is known.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self.state(), Some(State::Deleted(_)))
    }

    /// Whether it is known from another account, and was not compared yet.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self.fact, Fact::Elsewhere(_))
    }

    /// Whether it may be the one that is listed with this size: a size that is not known is not another.
    pub fn fits(&self, size: Option<u64>) -> bool {
        self.size == size || self.size.is_none() || size.is_none()
    }

    /// Whether it is stored now what was only marked before.
    pub(super) fn fulfils(&self, mark: &Known) -> bool {
        self.is_stored() && !mark.is_stored() && self.copy == mark.copy && mark.fits(self.size)
    }
}

/// What became of a delivered message on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It stays there.
    Kept,
    /// It is to be deleted, and no server has confirmed that yet.
    Pending,
    /// The server confirmed the deletion, or was last seen listing it nevertheless, at this time.
    Deleted(u64),
}

/// What is known of one UID, oldest first: a slice, wherever it stands.
#[derive(Clone, Copy, Debug)]
pub struct Knowns<'a>(pub(super) Copies<'a>);

/// None, one or many of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Copies<'a> {
    None,
    One(Known),
    Many(&'a [Known]),
}

impl Knowns<'_> {
    /// Nothing.
    pub(super) const NONE: Knowns<'static> = Knowns(Copies::None);

    /// As a slice.
    pub fn as_slice(&self) -> &[Known] {
        self
    }
}

impl Deref for Knowns<'_> {
    type Target = [Known];

    fn deref(&self) -> &[Known] {
        match &self.0 {
            Copies::None => &[],
            Copies::One(one) => std::slice::from_ref(one),
            Copies::Many(many) => many,
        }
    }
}
