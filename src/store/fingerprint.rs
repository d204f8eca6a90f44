//! Recognises a message by the hash of its content.
//!
//! A destination may have recorded the hash of the octets as it stores them, and an mbox quotes lines and
//! adds a last line end. So both forms of a message are compared.

use super::mboxrd::Quoter;
use sha2::{Digest, Sha256};

/// Takes the content of a message and computes the hashes of both forms.
#[derive(Debug)]
pub struct ContentHash {
    plain: Sha256,
    quoted: Sha256,
    quoter: Quoter,
    buffer: Vec<u8>,
}

/// The hashes under which a message may be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashes([[u8; 32]; 2]);

impl Default for ContentHash {
    fn default() -> Self {
        ContentHash { plain: Sha256::new(), quoted: Sha256::new(), quoter: Quoter::new(), buffer: Vec::new() }
    }
}

impl ContentHash {
    /// Adds content: line ends are LF, pieces may be cut anywhere.
    pub fn push(&mut self, octets: &[u8]) {
        self.plain.update(octets);
        self.quoter.push(octets, &mut self.buffer);
        self.quoted.update(&self.buffer);
        self.buffer.clear();
    }

    /// The hashes of the whole content.
    pub fn finish(mut self) -> Hashes {
        self.quoter.end(&mut self.buffer);
        self.quoted.update(&self.buffer);
        Hashes([self.plain.finalize().into(), self.quoted.finalize().into()])
    }
}

impl Hashes {
    pub fn each(&self) -> &[[u8; 32]] {
        &self.0
    }

    /// The hash of the message as it came.
    pub fn plain(&self) -> [u8; 32] {
        self.0[0]
    }

    /// Whether a message that is recorded with this hash has the same content.
    pub fn contain(&self, sha256: &[u8; 32]) -> bool {
        self.0.contains(sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_recognised_as_it_came_and_as_an_mbox_has_it() {
        let (plain, quoted) = (&b"a\nFrom b\nc"[..], &b"a\n>From b\nc\n"[..]);
        for cut in 0..=plain.len() {
            let mut fingerprint = ContentHash::default();
            fingerprint.push(&plain[..cut]);
            fingerprint.push(&plain[cut..]);
            let hashes = fingerprint.finish();
            assert!(hashes.contain(&Sha256::digest(plain).into()), "{cut}");
            assert!(hashes.contain(&Sha256::digest(quoted).into()), "{cut}");
            assert!(!hashes.contain(&Sha256::digest(b"other").into()));
        }
    }
}
