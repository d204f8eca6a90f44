//! A message on its way into a destination, and the proof that it is there.

use super::identity::Identity;
use std::path::PathBuf;

/// The message a draft is begun for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Who it is.
    pub identity: &'a Identity,
    /// The caller's own number for it, given back with what is delivered.
    pub tag: usize,
    /// Its size as the server lists it, where one is known.
    pub wire_size: Option<u64>,
    /// Its number in the session, for people.
    pub number: u32,
}

/// The same, for as long as the message is on its way.
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub identity: Identity,
    pub tag: usize,
    pub wire_size: Option<u64>,
    pub number: u32,
}

impl Label {
    pub fn of(subject: &Subject) -> Self {
        let Subject { identity, tag, wire_size, number } = *subject;
        Label { identity: identity.clone(), tag, wire_size, number }
    }

    /// It is stored there, with so many octets of this hash.
    pub fn delivered(self, place: Place, (size, sha256): (u64, [u8; 32])) -> Delivered {
        let Label { identity, tag, wire_size, .. } = self;
        Delivered { identity, tag, wire_size, place, size, sha256, intent: None, is_old: false }
    }
}

/// Where a message went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of a Maildir: its absolute path.
    Maildir(PathBuf),
    /// A message in an mbox.
    Mbox {
        /// The absolute path of the mbox.
        path: PathBuf,
        /// Where its From_ line begins.
        offset: u64,
    },
    /// The user's command took it.
    Command,
    /// It was written to standard output.
    Stdout,
}

/// Proof that a message is stored: it would survive a power cut. Only a sink makes it.
#[derive(Debug)]
pub struct Delivered {
    pub(super) identity: Identity,
    pub(super) tag: usize,
    pub(super) wire_size: Option<u64>,
    pub(super) place: Place,
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
    /// The mbox intent this delivery fulfils.
    pub(super) intent: Option<u64>,
    /// A run stored it of which there is no record any more.
    pub(super) is_old: bool,
}

impl Delivered {
    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The caller's own number, as given at `begin`.
    pub fn tag(&self) -> usize {
        self.tag
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How many octets the message has, whatever the form in which it is stored: in an mbox without From_
    /// line, quotes and blank line. (A last line end that it lacked there counts.)
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256 of the octets that `size` counts: the same for every destination.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Whether it is no delivery of this run nor of a killed one, but of one of which there is no record any more.
    pub fn is_old(&self) -> bool {
        self.is_old
    }

    /// The size the server listed, as given at `begin`.
    pub fn wire_size(&self) -> Option<u64> {
        self.wire_size
    }
}
