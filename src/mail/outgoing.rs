//! A message ready to go: its envelope, its octets, and what must be declared of it.
//!
//! The octets have CRLF line ends and are all there before anything connects: in memory while they are
//! few, else in a file without a name. They can be read any number of times.

use crate::codec::eol::Facts;
use crate::words::{Address, Failure, Kind, Scope};
use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _, SeekFrom, Write};

/// How much of a message is kept in memory.
const MEMORY: usize = 1024 * 1024;

/// How long may a line be (`RFC 5322 §2.1.1`), without its line end?
pub const MAX_LINE: usize = 998;

/// Who gets a message, and who hears of failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The sender; `None` is the null sender `<>`.
    pub from: Option<Address>,
    /// The recipients, each once, in the order in which they were named.
    pub recipients: Vec<Address>,
}

/// A message ready to go.
#[derive(Debug)]
pub struct Outgoing {
    /// Who sends it to whom.
    pub envelope: Envelope,
    /// Its octets.
    pub content: Content,
    /// Its Message-ID without the angles.
    pub message_id: String,
    /// Whether its header holds what only SMTPUTF8 can carry (`RFC 6532`).
    pub international: bool,
}

impl Outgoing {
    /// Whether SMTPUTF8 is needed: for the header, or for an address of the envelope.
    pub fn needs_utf8(&self) -> bool {
        let envelope = &self.envelope;
        self.international || envelope.from.iter().chain(&envelope.recipients).any(|a| !a.is_ascii())
    }
}

/// The octets of a message.
#[derive(Debug)]
pub struct Content {
    store: Store,
    facts: Facts,
}

#[derive(Debug)]
enum Store {
    Memory(Vec<u8>),
    File(File),
}

impl Content {
    /// What must be known of it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Reads it from the start.
    pub fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match &mut self.store {
            Store::Memory(octets) => Box::new(Cursor::new(octets.as_slice())),
            Store::File(file) => {
                file.seek(SeekFrom::Start(0))?;
                Box::new(file)
            }
        })
    }
}

/// Takes the octets of a message, CRLF line ends only, as they are made.
#[derive(Debug, Default)]
pub struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    facts: Facts,
}

impl Spool {
    /// Adds octets.
    pub fn push(&mut self, octets: &[u8]) -> io::Result<()> {
        self.facts.observe(octets);
        if self.memory.len() + octets.len() > MEMORY {
            self.spill()?;
        }
        match &mut self.file {
            // Large pieces need no copy; small ones are collected.
            Some(file) if octets.len() >= 64 * 1024 => file.write_all(octets),
            _ => {
                self.memory.extend_from_slice(octets);
                Ok(())
            }
        }
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        file.write_all(&self.memory)?;
        self.memory.clear();
        self.file = Some(file);
        Ok(())
    }

    /// Ends the message.
    pub fn finish(mut self) -> io::Result<Content> {
        if self.file.is_some() {
            self.spill()?;
        }
        let store = match self.file {
            Some(file) => Store::File(file),
            None => Store::Memory(self.memory),
        };
        Ok(Content { store, facts: self.facts.finish() })
    }
}

/// The failure of keeping a message.
pub fn cannot_keep(error: &io::Error) -> Failure {
    let message = format!("{}: keeping the message: {error}", std::env::temp_dir().display());
    Failure::new(Kind::Storage, "message", message).scoped(Scope::Message)
}

/// The failure for a message that must not be sent as it is.
pub(super) fn bad_message(what: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Input, "message", format!("message: checking it: {what}")).scoped(Scope::Message)
}

/// Refuses lines that no server need take.
pub(super) fn check_lines(facts: &Facts) -> Result<(), Failure> {
    if facts.longest_line <= MAX_LINE {
        return Ok(());
    }
    let what = format!("a line has {} octets, SMTP carries {MAX_LINE} at most", facts.longest_line);
    Err(bad_message(what).hint("re-encode the part as quoted-printable or base64, or fold the header field"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_any_size_can_be_read_twice_and_its_size_is_exact() {
        for size in [0, 1, MEMORY - 1, MEMORY, MEMORY + 1, 3 * MEMORY + 7] {
            for piece in [1000, 70_000, 2 * MEMORY] {
                let octets: Vec<u8> = (0..size).map(|n| b'a' + (n % 23) as u8).collect();
                let mut spool = Spool::default();
                octets.chunks(piece).for_each(|chunk| spool.push(chunk).unwrap());
                let mut content = spool.finish().unwrap();
                assert_eq!(content.facts().octets, size as u64);
                for _ in 0..2 {
                    let mut back = Vec::new();
                    content.reader().unwrap().read_to_end(&mut back).unwrap();
                    assert!(back == octets, "{size} by {piece}");
                }
            }
        }
    }

    #[test]
    fn utf8_is_needed_for_any_address_beyond_ascii() {
        let outgoing = |from: Option<&str>, to: &str, international| Outgoing {
            envelope: Envelope {
                from: from.map(|from| Address::parse(from).unwrap()),
                recipients: vec![Address::parse(to).unwrap()],
            },
            content: Spool::default().finish().unwrap(),
            message_id: String::new(),
            international,
        };
        assert!(!outgoing(Some("a@x.org"), "b@x.org", false).needs_utf8());
        assert!(!outgoing(None, "b@x.org", false).needs_utf8());
        assert!(outgoing(Some("ä@x.org"), "b@x.org", false).needs_utf8());
        assert!(outgoing(None, "ä@x.org", false).needs_utf8());
        assert!(outgoing(None, "b@x.org", true).needs_utf8());
    }
}
