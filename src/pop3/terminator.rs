//! Signs of a terminator that is not on a line of its own, or that ends in a bare LF (`RFC 1939 §3`).

use memchr::memmem::Finder;

/// Watches the content of a message for signs of a glued terminator.
pub(super) struct TerminatorWatch {
    replies: [Finder<'static>; 2],
    tail: Vec<u8>,
    begun: bool,
}

impl TerminatorWatch {
    /// A line that ends in a dot, followed by the start of a reply.
    const REPLIES: [&'static str; 2] = [".\n+OK", ".\n-ERR"];

    pub fn new() -> Self {
        let replies = Self::REPLIES.map(|reply| Finder::new(reply.as_bytes()));
        TerminatorWatch { replies, tail: Vec::new(), begun: false }
    }

    /// Takes more content; returns whether there seems to be a reply in it, or at its start.
    pub fn push(&mut self, content: &[u8]) -> bool {
        let most = Self::REPLIES[1].len() - 1;
        let first = !self.begun;
        self.begun |= !content.is_empty();
        self.tail.extend_from_slice(&content[..content.len().min(most)]);
        let in_tail = self.replies.iter().any(|reply| reply.find(&self.tail).is_some());
        let found = in_tail
            || self.replies.iter().any(|reply| reply.find(content).is_some())
            || (first && (content.starts_with(b"+OK") || content.starts_with(b"-ERR")));
        if content.len() >= most {
            self.tail.clear();
            self.tail.extend_from_slice(&content[content.len() - most..]);
        } else {
            self.tail.drain(..self.tail.len().saturating_sub(most));
        }
        found
    }

    /// Whether the content so far ends as a message with a glued terminator would.
    pub fn at_dot(&self) -> bool {
        self.tail.ends_with(b".\n")
    }

    /// Whether the content so far ends in a dot on a line of its own, with bare LF line ends.
    pub fn at_lone_dot(&self) -> bool {
        self.tail.ends_with(b"\n.\n")
    }
}
