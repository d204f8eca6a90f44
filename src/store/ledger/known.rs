//! What is known of one message, and of all messages of one UID.

use std::ops::Deref;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which copy of an ambiguous UID it is; else 0.
    pub copy: u32,
    /// The size that the server listed, if it did.
    pub size: Option<u64>,
    /// When it was delivered or marked, in seconds since 1970.
    pub time: u64,
    pub fact: Fact,
    /// The offset of its record in the ledger. Later records have higher offsets, and only the record has the
    /// hash of a stored message. If this run keeps the message in memory only, it is higher than all offsets.
    pub(super) at: u64,
}

/// How a message is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// It was marked as seen. Nothing of it is stored, and nothing may be done on the server because of it.
    Marked,
    /// It is stored.
    Stored(Stored),
    /// A message that another account's server listed with the same UID and size is stored. Nothing may be
    /// done on this server because of it before the two were compared.
    Elsewhere(Stored),
}

/// A message that is stored; only these can have a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    pub state: ServerState,
}

/// The hashes of a stored message.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContentHashes {
    /// The hash of the whole message.
    pub sha256: [u8; 32],
    /// The hash of its header.
    pub print: Option<u64>,
}

impl Known {
    /// What became of it on the server, if it was stored.
    pub fn state(&self) -> Option<ServerState> {
        match self.fact {
            Fact::Stored(stored) | Fact::Elsewhere(stored) => Some(stored.state),
            Fact::Marked => None,
        }
    }

    pub fn is_stored(&self) -> bool {
        !matches!(self.fact, Fact::Marked)
    }

    /// Whether it is still on the server, as far as postie knows.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self.state(), Some(ServerState::Deleted(_)))
    }

    /// Whether it is known from another account, and was not compared yet.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self.fact, Fact::Elsewhere(_))
    }

    /// Whether it may be the message that is listed with this size. An unknown size fits any size.
    pub fn fits(&self, size: Option<u64>) -> bool {
        self.size == size || self.size.is_none() || size.is_none()
    }

    /// Whether this is the stored message for what was only a mark before.
    pub(super) fn fulfils(&self, mark: &Known) -> bool {
        self.is_stored() && !mark.is_stored() && self.copy == mark.copy && mark.fits(self.size)
    }
}

/// What became of a delivered message on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerState {
    /// It is to stay there.
    Kept,
    /// It is to be deleted; the server has not confirmed that yet.
    Pending,
    /// At this time the server confirmed the deletion, or was last seen to list the message even so.
    Deleted(u64),
}

/// What is known of one UID, oldest first; it can be used as a slice.
#[derive(Clone, Copy, Debug)]
pub struct Knowns<'a>(pub(super) KnownList<'a>);

/// None, one or several of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum KnownList<'a> {
    None,
    One(Known),
    Many(&'a [Known]),
}

impl Knowns<'_> {
    pub(super) const NONE: Knowns<'static> = Knowns(KnownList::None);

    pub fn as_slice(&self) -> &[Known] {
        self
    }
}

impl Deref for Knowns<'_> {
    type Target = [Known];

    fn deref(&self) -> &[Known] {
        match &self.0 {
            KnownList::None => &[],
            KnownList::One(one) => std::slice::from_ref(one),
            KnownList::Many(many) => many,
        }
    }
}
