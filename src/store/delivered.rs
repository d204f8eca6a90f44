//! A message on its way into a destination, and the proof that it is there.

use super::durable;
use super::identity::Identity;
use std::path::PathBuf;

/// What a server keeps of a message beside its octets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Its flags, as the server spells them (`RFC 3501 §2.3.2`).
    pub flags: Vec<String>,
    /// When the server got it, in seconds since 1970 (`RFC 3501 §2.3.3`).
    pub received: Option<i64>,
    /// How large it is, with CRLF for line ends; what the server says is a hint.
    pub size: Option<u64>,
    /// The UIDVALIDITY under which its UID counts (`RFC 3501 §2.3.1.1`).
    pub validity: Option<u64>,
}

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
    /// What the server keeps of it, where the protocol tells such things.
    pub details: Option<&'a Details>,
}

/// The same, for as long as the message is on its way.
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

    /// It is stored there, with so many octets of this hash.
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

    /// When the server got the message, or else now; in seconds since 1970.
    pub fn received(&self) -> u64 {
        let received = self.details.as_ref().and_then(|details| details.received);
        received.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or_else(durable::now)
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
    /// The mbox intent this delivery fulfils.
    pub(super) intent: Option<u64>,
    /// What tells its header from others, see [`super::HeaderPrint`].
    pub(super) print: Option<u64>,
    /// A run stored it of which there is no record any more.
    pub(super) is_old: bool,
}

impl Delivered {
    /// The same, with what tells its header from others, where that is known and was not before.
    pub fn printed(self, print: Option<u64>) -> Self {
        Delivered { print: self.print.or(print), ..self }
    }

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

    /// What the server keeps of it, as given at `begin`.
    pub fn details(&self) -> Option<&Details> {
        self.details.as_ref()
    }

    /// The size the server listed, as given at `begin`.
    pub fn wire_size(&self) -> Option<u64> {
        self.wire_size
    }
}
