//! A message on its way into a destination, and the proof that it is there.

use super::durable;
use super::identity::Identity;
use std::path::PathBuf;

/// What a server knows of a message besides its octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Its flags, as the server spells them (`RFC 3501 §2.3.2`).
    pub flags: Vec<String>,
    /// When the server got it, in seconds since 1970 (`RFC 3501 §2.3.3`).
    pub received: Option<i64>,
    /// Its size with CRLF as line ends; what the server says is only a hint.
    pub size: Option<u64>,
    /// The UIDVALIDITY under which its UID counts (`RFC 3501 §2.3.1.1`).
    pub validity: Option<u64>,
}

/// The message that a draft is begun for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub identity: &'a Identity,
    /// A number of the caller's, given back with the [`Delivered`].
    pub tag: usize,
    /// Its size as the server lists it, if it does.
    pub wire_size: Option<u64>,
    /// Its number in the session, to be shown to the user.
    pub number: u32,
    /// What the server knows of it, if the protocol has such data.
    pub details: Option<&'a Details>,
}

/// A [`Subject`] that owns its values.
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub identity: Identity,
    pub tag: usize,
    pub wire_size: Option<u64>,
    pub number: u32,
    pub details: Option<Details>,
}

impl Label {
    pub fn of(subject: &Subject) -> Self {
        let Subject { identity, tag, wire_size, number, details } = *subject;
        Label { identity: identity.clone(), tag, wire_size, number, details: details.cloned() }
    }

    /// The proof that the message is stored at `place`, with this size in octets and this SHA-256.
    pub fn delivered(self, place: Place, (size, sha256): (u64, [u8; 32])) -> Delivered {
        let Label { identity, tag, wire_size, details, .. } = self;
        Delivered {
            identity,
            tag,
            wire_size,
            place,
            size,
            sha256,
            details,
            intent: None,
            print: None,
            is_old: false,
        }
    }

    /// When the server got the message; if that is not known, now. In seconds since 1970.
    pub fn received(&self) -> u64 {
        let received = self.details.as_ref().and_then(|details| details.received);
        received.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_else(durable::now)
    }
}

/// Where a message was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The absolute path of a file in a Maildir.
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
    /// It is stored already, as a message of another folder of the account.
    OtherFolder,
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
    pub(super) details: Option<Details>,
    /// The mbox intent that this delivery fulfils.
    pub(super) intent: Option<u64>,
    /// The hash of its header, see [`super::HeaderPrint`].
    pub(super) print: Option<u64>,
    /// See [`Delivered::is_old`].
    pub(super) is_old: bool,
}

impl Delivered {
    /// Adds the hash of its header, unless it has one.
    pub fn printed(self, print: Option<u64>) -> Self {
        Delivered { print: self.print.or(print), ..self }
    }

    /// The caller's number, as given at `begin`.
    pub fn tag(&self) -> usize {
        self.tag
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The size of the message in octets, which does not depend on the destination: an mbox's From_ line,
    /// quotes and blank line are not counted. (If an mbox had to add a last line end, that one is counted.)
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256 of the octets that `size` counts, the same for every destination.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Whether the message was stored by a run whose records are lost: neither this run nor a killed one.
    pub fn is_old(&self) -> bool {
        self.is_old
    }

    /// What the server knows of it, as given at `begin`.
    pub fn details(&self) -> Option<&Details> {
        self.details.as_ref()
    }
}
