//! A message that goes straight to the mbox, and what becomes of quotes in the hashes.

use super::MboxMessage;
use super::append::Append;
use crate::store::mboxrd::Unquoter;
use sha2::{Digest as _, Sha256};

/// A message that is written to the mbox as it arrives.
#[derive(Debug)]
pub(super) struct MboxStream {
    pub append: Append,
    /// Of what is in the mbox.
    pub hash: Sha256,
    /// Of the message without quotes, once there are any.
    pub own: Option<Sha256>,
    pub message: MboxMessage,
    pub whole: bool,
}

impl MboxStream {
    pub fn new(append: Append, message: MboxMessage) -> Self {
        MboxStream { append, hash: Sha256::new(), own: None, message, whole: false }
    }

    /// Begins the hash of the message without quotes, of which so much has come: `quoted`, and what the quoter holds back.
    pub fn begin_own(&mut self, quoted: &[u8], held: &[u8]) {
        let (mut own, mut unquoter, mut octets) = (Sha256::new(), Unquoter::default(), Vec::new());
        for piece in quoted.chunks(64 * 1024) {
            unquoter.push(piece, &mut octets);
            own.update(&octets);
            octets.clear();
        }
        unquoter.end(&mut octets);
        own.update(&octets);
        own.update(held);
        self.own = Some(own);
    }

    /// The next piece of the message as it came. `held`: what the quoter held back before it; all else before it is
    /// in the mbox. `differs`: whether there are quotes, in this piece or before it.
    pub fn follow(&mut self, held: &[u8], piece: &[u8], differs: bool) {
        match (&mut self.own, differs) {
            (Some(own), _) => own.update(piece),
            (None, true) => {
                let mut own = self.hash.clone();
                own.update(held);
                own.update(piece);
                self.own = Some(own);
            }
            (None, false) => {}
        }
    }

    /// The whole message has come, of so many octets; the mbox may need a line end more.
    pub fn end(&mut self, size: u64, lacks_line_end: bool) {
        let added = if lacks_line_end { &b"\n"[..] } else { b"" };
        if let Some(own) = &mut self.own {
            own.update(added);
        }
        self.message.own.0 = size + added.len() as u64;
    }
}

/// Computes size and SHA-256 of a message from its quoted form.
#[derive(Debug, Default)]
pub(super) struct Own {
    unquoter: Unquoter,
    hash: Sha256,
    size: u64,
}

impl Own {
    pub(super) fn push(&mut self, quoted: &[u8]) {
        let mut octets = Vec::with_capacity(quoted.len());
        self.unquoter.push(quoted, &mut octets);
        self.add(&octets);
    }

    fn add(&mut self, octets: &[u8]) {
        self.hash.update(octets);
        self.size += octets.len() as u64;
    }

    pub(super) fn finish(mut self) -> (u64, [u8; 32]) {
        let mut octets = Vec::new();
        std::mem::take(&mut self.unquoter).end(&mut octets);
        self.add(&octets);
        (self.size, self.hash.finalize().into())
    }
}
