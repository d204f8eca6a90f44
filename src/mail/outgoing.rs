//! A message ready to go: its envelope, its octets, and what must be declared of it.
//!
//! The octets have CRLF line ends and are all there before anything connects: in memory while they are
//! few, else in a file without a name. They can be read any number of times.

use crate::codec::eol::Facts;
use crate::store::{Spool, Spooled};
use crate::words::{Address, Failure, Kind, ReversePath, Scope, Stage};
use std::io;

/// How long may a line be (`RFC 5322 §2.1.1`), without its line end?
pub const MAX_LINE: usize = 998;

/// Who gets a message, and who hears of failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who hears of failures.
    pub from: ReversePath,
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
        self.international
            || envelope.from.mailbox().into_iter().chain(&envelope.recipients).any(|a| !a.is_ascii())
    }
}

/// The octets of a message.
#[derive(Debug)]
pub struct Content {
    octets: Spooled,
    facts: Facts,
}

impl Content {
    /// What must be known of it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Reads it from the start.
    pub fn reader(&mut self) -> io::Result<&mut Spooled> {
        self.octets.rewind()?;
        Ok(&mut self.octets)
    }
}

/// Takes the octets of a message, CRLF line ends only, as they are made.
#[derive(Debug, Default)]
pub struct ContentWriter {
    octets: Spool,
    facts: Facts,
}

impl ContentWriter {
    /// Adds octets.
    pub fn push(&mut self, octets: &[u8]) -> io::Result<()> {
        self.facts.observe(octets);
        self.octets.push(octets)
    }

    /// Ends the message.
    pub fn finish(self) -> io::Result<Content> {
        Ok(Content { octets: self.octets.finish()?, facts: self.facts.finish() })
    }
}

/// The failure of keeping a message.
pub fn cannot_keep(error: &io::Error) -> Failure {
    let message = format!("{}: keeping the message: {error}", std::env::temp_dir().display());
    Failure::new(Kind::Storage, Stage::Message, message).scoped(Scope::Message)
}

/// The failure for a message that must not be sent as it is.
pub(super) fn bad_message(what: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Input, Stage::Message, format!("message: checking it: {what}")).scoped(Scope::Message)
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
    use crate::store::SPOOL_MEMORY;
    use std::io::Read as _;

    #[test]
    fn a_message_of_any_size_can_be_read_twice_and_its_size_is_exact() {
        for size in [0, 1, SPOOL_MEMORY - 1, SPOOL_MEMORY, SPOOL_MEMORY + 1, 3 * SPOOL_MEMORY + 7] {
            for pieces in [[1000, 1000], [70_000, 70_000], [63_000, 65_537], [2 * SPOOL_MEMORY, 1]] {
                let octets: Vec<u8> = (0..size).map(|n| b'a' + (n % 23) as u8).collect();
                let (mut writer, mut rest) = (ContentWriter::default(), octets.as_slice());
                for piece in pieces.iter().cycle() {
                    if rest.is_empty() {
                        break;
                    }
                    let (octets, behind) = rest.split_at(rest.len().min(*piece));
                    writer.push(octets).unwrap();
                    rest = behind;
                }
                let mut content = writer.finish().unwrap();
                assert_eq!(content.facts().octets, size as u64);
                for _ in 0..2 {
                    let mut back = Vec::new();
                    content.reader().unwrap().read_to_end(&mut back).unwrap();
                    assert!(back == octets, "{size} by {pieces:?}");
                }
            }
        }
    }

    #[test]
    fn utf8_is_needed_for_any_address_beyond_ascii() {
        let outgoing = |from: Option<&str>, to: &str, international| Outgoing {
            envelope: Envelope {
                from: from.map_or(ReversePath::Null, |from| Address::parse(from).unwrap().into()),
                recipients: vec![Address::parse(to).unwrap()],
            },
            content: ContentWriter::default().finish().unwrap(),
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
