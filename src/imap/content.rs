//! The content of messages on its way to the receiver: line ends, and what is whole.

use super::apart::Apart;
use super::window::WantedMessage;
use crate::mailbox::Receiver;
use crate::store::Details;
use crate::words::Failure;

/// Takes CRLF for LF. A CR by itself is content, and so is a LF.
#[derive(Default)]
pub(super) struct CrlfToLf {
    /// Whether the last octet was a CR, which is held back.
    held: bool,
}

impl CrlfToLf {
    /// Appends `octets` to `out`.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let Some(first) = octets.first() else { return };
        if std::mem::take(&mut self.held) && *first != b'\n' {
            out.push(b'\r');
        }
        let mut rest = octets;
        while let Some(at) = memchr::memchr(b'\r', rest) {
            match rest.get(at + 1) {
                Some(b'\n') => {
                    out.extend_from_slice(&rest[..at]);
                    out.push(b'\n');
                    rest = &rest[at + 2..];
                }
                Some(_) => {
                    out.extend_from_slice(&rest[..=at]);
                    rest = &rest[at + 1..];
                }
                None => {
                    out.extend_from_slice(&rest[..at]);
                    self.held = true;
                    return;
                }
            }
        }
        out.extend_from_slice(rest);
    }

    /// The message has ended.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.held {
            out.push(b'\r');
        }
    }
}

/// Passes an error of the receiver on; the dialogue stops where it is.
pub(super) struct ContentIntake<'a> {
    pub receiver: &'a mut dyn Receiver,
    /// Whether the receiver failed.
    pub failed: bool,
    pub content: Vec<u8>,
    /// A message whose response has ended, and behind which nothing has come: were its length told wrong, what
    /// comes next would be the rest of it.
    pub unconfirmed: Option<Unconfirmed>,
    /// What was said of messages in other responses.
    pub apart: Apart,
}

/// A message whose response has ended.
#[derive(Clone, Copy)]
pub(super) struct Unconfirmed {
    pub index: usize,
    /// Whether it has the size that the server says, so that it is whole though the line ends behind it.
    pub is_exact: bool,
}

impl ContentIntake<'_> {
    pub fn pass(
        &mut self,
        run: impl FnOnce(&mut dyn Receiver) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        run(self.receiver).inspect_err(|_| self.failed = true)
    }

    /// What has come is whole: a response stands behind it.
    pub fn confirm(&mut self) -> Result<(), Failure> {
        match self.unconfirmed.take() {
            Some(message) => self.pass(|receiver| receiver.confirm(message.index)),
            None => Ok(()),
        }
    }

    pub fn begin(&mut self, message: WantedMessage, details: Details) -> Result<(), Failure> {
        let index = message.index as usize;
        self.pass(|receiver| {
            receiver.details(index, details);
            receiver.begin(index)
        })
    }

    /// A piece of a message; `size`: octets of the message so far, with this.
    pub fn piece(&mut self, ends: &mut CrlfToLf, octets: &[u8], size: u64) -> Result<(), Failure> {
        let mut content = std::mem::take(&mut self.content);
        content.clear();
        ends.push(octets, &mut content);
        let passed = match content.is_empty() {
            true => Ok(()),
            false => self.pass(|receiver| receiver.chunk(&content, size)),
        };
        self.content = content;
        passed
    }

    pub fn end(&mut self, ends: CrlfToLf, size: u64) -> Result<(), Failure> {
        let mut content = Vec::new();
        ends.finish(&mut content);
        match content.is_empty() {
            true => Ok(()),
            false => self.pass(|receiver| receiver.chunk(&content, size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crlf_becomes_lf_and_all_else_stays_wherever_it_is_cut() {
        for (wire, stored) in [
            (&b"a\r\nb\r\n"[..], &b"a\nb\n"[..]),
            (b"a\rb\nc\r\r\n\r", b"a\rb\nc\r\n\r"),
            (b"\r\n\r\n\n\r\r", b"\n\n\n\r\r"),
            (b"\0\r\n\xff", b"\0\n\xff"),
            (b"", b""),
        ] {
            for cut in 0..=wire.len() {
                for second in cut..=wire.len() {
                    let (mut ends, mut out) = (CrlfToLf::default(), Vec::new());
                    for piece in [&wire[..cut], &wire[cut..second], &wire[second..]] {
                        ends.push(piece, &mut out);
                    }
                    ends.finish(&mut out);
                    assert_eq!(out, stored, "{wire:?} at {cut} and {second}");
                }
            }
        }
    }
}
