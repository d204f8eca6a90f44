//! The header of the current message.

use crate::mail::summary::{MAX_HEADER, Summary};

/// The header fields that are reported, collected while the message arrives.
#[derive(Default)]
pub(super) struct HeaderCapture {
    octets: Vec<u8>,
    done: bool,
}

impl HeaderCapture {
    /// Starts again; `wanted`: whether anything is collected.
    pub fn clear(&mut self, wanted: bool) {
        self.octets.clear();
        self.done = !wanted;
    }

    /// Takes a piece of the message.
    pub fn push(&mut self, octets: &[u8]) {
        if self.done {
            return;
        }
        let from = self.octets.len().saturating_sub(1);
        let room = MAX_HEADER - self.octets.len();
        self.octets.extend_from_slice(&octets[..octets.len().min(room)]);
        let end = memchr::memmem::find(&self.octets[from..], b"\n\n").map(|at| from + at + 1);
        if let Some(end) = end {
            self.octets.truncate(end);
        }
        self.done = end.is_some() || self.octets.len() == MAX_HEADER;
    }

    pub fn summary(&self) -> Summary {
        Summary::of(&self.octets)
    }

    /// Whether it belongs to the notes that UW IMAP and similar servers keep as the first message of a folder. A server
    /// that shows them to POP3 clients wants to keep them.
    pub fn is_folder_internal(&self) -> bool {
        let has = |field: &[u8]| {
            let mut lines = self.octets.split(|octet| *octet == b'\n');
            lines.any(|line| line.get(..field.len()).is_some_and(|it| it.eq_ignore_ascii_case(field)))
        };
        has(b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA")
            && (has(b"X-IMAP:") || has(b"X-IMAPbase:"))
    }
}
