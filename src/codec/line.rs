//! Finds the lines of a dialogue in a buffer: lines of bounded length that end in CRLF or LF.
//!
//! A reply may be split over any number of reads, and one read may have many replies; the caller keeps
//! the buffer and asks again when it has grown.

use std::fmt;

/// A line found at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundLine {
    /// Octets in the line, without its line end.
    pub len: usize,
    /// Octets to take from the buffer: the line with its line end.
    pub consumed: usize,
    /// Whether the line ended in CRLF (what the protocols demand), not in a bare LF.
    pub crlf: bool,
}

/// A line longer than its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The bound in octets, line end not counted.
    pub limit: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a line longer than {} octets", self.limit)
    }
}

/// The first line of `buffer`, or `None` if its end has not arrived yet. The first `searched` octets are known
/// to have no LF (from an earlier call), so that a line that comes in pieces is not searched twice.
pub fn find(buffer: &[u8], searched: usize, limit: usize) -> Result<Option<FoundLine>, TooLong> {
    let Some(offset) = memchr::memchr(b'\n', &buffer[searched..]) else {
        // One octet above the limit may be the CR of the line end.
        return if buffer.len() > limit + 1 { Err(TooLong { limit }) } else { Ok(None) };
    };
    let feed = searched + offset;
    let crlf = feed > 0 && buffer[feed - 1] == b'\r';
    let len = if crlf { feed - 1 } else { feed };
    if len > limit { Err(TooLong { limit }) } else { Ok(Some(FoundLine { len, consumed: feed + 1, crlf })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_crlf_or_a_bare_lf() {
        assert_eq!(find(b"+OK\r\nx", 0, 10), Ok(Some(FoundLine { len: 3, consumed: 5, crlf: true })));
        assert_eq!(find(b"+OK\nx", 0, 10), Ok(Some(FoundLine { len: 3, consumed: 4, crlf: false })));
        assert_eq!(find(b"\n", 0, 10), Ok(Some(FoundLine { len: 0, consumed: 1, crlf: false })));
        assert_eq!(find(b"\r\n", 0, 10), Ok(Some(FoundLine { len: 0, consumed: 2, crlf: true })));
        assert_eq!(find(b"a\rb\r\n", 0, 10), Ok(Some(FoundLine { len: 3, consumed: 5, crlf: true })));
    }

    #[test]
    fn every_prefix_of_a_line_asks_for_more() {
        let line = b"-ERR [IN-USE] busy\r\n";
        for end in 0..line.len() {
            assert_eq!(find(&line[..end], end.saturating_sub(1), 512), Ok(None));
        }
        assert!(find(line, 0, 512).unwrap().is_some());
    }

    #[test]
    fn an_over_long_line_is_refused_before_its_end_is_seen() {
        assert_eq!(find(&[b'a'; 12], 0, 10), Err(TooLong { limit: 10 }));
        assert_eq!(find(b"aaaaaaaaaaa\r\n", 0, 10), Err(TooLong { limit: 10 }));
        assert!(find(b"aaaaaaaaaa\r\n", 0, 10).unwrap().is_some());
        assert_eq!(find(b"aaaaaaaaaa\r", 0, 10), Ok(None));
    }
}
