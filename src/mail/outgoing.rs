//! A message ready to be sent: its envelope, its octets, and the facts to declare about it.
//!
//! The octets have CRLF line ends and are complete before the first connection: in memory if they are few, else
//! in a file without a name. They can be read any number of times.

use crate::codec::eol::Facts;
use crate::store::{Spool, Spooled};
use crate::words::{Address, Failure, Kind, ReversePath, Scope, Stage};
use std::io;

/// The most octets of a line, without its line end (`RFC 5322 §2.1.1`).
pub const MAX_LINE: usize = 998;

/// The envelope (`RFC 5321 §2.3.1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who is notified of failures.
    pub from: ReversePath,
    /// Each once, in the order given.
    pub recipients: Vec<Address>,
}

/// A message ready to be sent.
#[derive(Debug)]
pub struct Outgoing {
    pub envelope: Envelope,
    pub content: Content,
    /// Without the angles.
    pub message_id: String,
    /// Whether its header needs SMTPUTF8 (`RFC 6532`).
    pub international: bool,
}

impl Outgoing {
    /// Whether the header or the envelope needs SMTPUTF8.
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
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// A reader, at the start of the message.
    pub fn reader(&mut self) -> io::Result<&mut Spooled> {
        self.octets.rewind()?;
        Ok(&mut self.octets)
    }
}

/// Takes the octets of a message while it is made, with CRLF line ends.
#[derive(Debug, Default)]
pub struct ContentWriter {
    octets: Spool,
    facts: Facts,
}

impl ContentWriter {
    pub fn push(&mut self, octets: &[u8]) -> io::Result<()> {
        self.facts.observe(octets);
        self.octets.push(octets)
    }

    pub fn finish(self) -> io::Result<Content> {
        Ok(Content { octets: self.octets.finish()?, facts: self.facts.finish() })
    }
}

/// The failure for a message that cannot be kept (no room for temporary files).
pub fn cannot_keep(error: &io::Error) -> Failure {
    let message = format!("{}: keeping the message: {error}", std::env::temp_dir().display());
    Failure::new(Kind::Storage, Stage::Message, message).scoped(Scope::Message)
}

/// The failure for a message that must not be sent as it is.
pub(super) fn bad_message(what: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Input, Stage::Message, format!("message: checking it: {what}")).scoped(Scope::Message)
}

/// Refuses lines longer than SMTP allows.
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
    use crate::store::spool::MEMORY;
    use std::io::Read as _;

    #[test]
    fn a_message_of_any_size_can_be_read_twice_and_its_size_is_exact() {
        for size in [0, 1, MEMORY - 1, MEMORY, MEMORY + 1, 3 * MEMORY + 7] {
            for pieces in [[1000, 1000], [70_000, 70_000], [63_000, 65_537], [2 * MEMORY, 1]] {
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
