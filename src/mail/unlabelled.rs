//! Text without a declared charset. If it is valid UTF-8 it is UTF-8: text in another charset hardly ever is.
//! Otherwise it is labelled `unknown-8bit` (`RFC 1428 §3`): a reader cannot undo a wrong guess, but can choose
//! a charset for octets that are labelled unknown.

/// The charset label for octets in an unknown charset.
pub(super) const UNKNOWN: &str = "unknown-8bit";

/// Non-ASCII octets of an unknown charset become private characters from here on, which can be turned back.
const PRIVATE: u32 = 0xE000;

/// Octets as text that can be turned back into octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unlabelled {
    text: String,
    is_utf8: bool,
}

impl Unlabelled {
    pub fn of(octets: &[u8]) -> Self {
        if let Ok(text) = std::str::from_utf8(octets) {
            return Unlabelled { text: text.to_owned(), is_utf8: true };
        }
        let each = octets.iter().map(|octet| match octet {
            0..=0x7f => char::from(*octet),
            _ => char::from_u32(PRIVATE + u32::from(*octet)).unwrap_or(char::REPLACEMENT_CHARACTER),
        });
        Unlabelled { text: each.collect(), is_utf8: false }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the octets were UTF-8 (or ASCII).
    pub fn is_utf8(&self) -> bool {
        self.is_utf8
    }

    pub fn charset(&self) -> &'static str {
        if self.is_utf8 { "utf-8" } else { UNKNOWN }
    }

    /// The octets of a piece of the text.
    pub fn octets(&self, piece: &str) -> Vec<u8> {
        if self.is_utf8 {
            return piece.as_bytes().to_vec();
        }
        let octet = |c: char| u8::try_from(u32::from(c).wrapping_sub(PRIVATE)).unwrap_or(c as u8);
        piece.chars().map(octet).collect()
    }
}

/// Checks whether octets that come in pieces are UTF-8.
#[derive(Clone, Debug, Default)]
pub(super) struct Utf8Check {
    tail: Vec<u8>,
    broken: bool,
}

impl Utf8Check {
    pub fn push(&mut self, octets: &[u8]) {
        if self.broken || (self.tail.is_empty() && octets.is_ascii()) {
            return;
        }
        self.tail.extend_from_slice(octets);
        match std::str::from_utf8(&self.tail) {
            Ok(_) => self.tail.clear(),
            Err(error) if error.error_len().is_none() => drop(self.tail.drain(..error.valid_up_to())),
            Err(_) => self.broken = true,
        }
    }

    /// Whether all octets so far are UTF-8.
    pub fn holds(&self) -> bool {
        !self.broken && self.tail.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_of_any_charset_come_back() {
        let all: Vec<u8> = (1..=255).collect();
        for octets in [&b"plain"[..], "Gr\u{fc}\u{df}e".as_bytes(), b"Gr\xfc\xdfe", &all] {
            let text = Unlabelled::of(octets);
            assert_eq!(text.octets(text.as_str()), octets);
            assert_eq!(text.is_utf8(), std::str::from_utf8(octets).is_ok());
        }
        assert_eq!(Unlabelled::of(b"\xe4").charset(), "unknown-8bit");
    }

    #[test]
    fn utf8_is_known_whatever_the_pieces() {
        for (octets, want) in [
            (&b"abc"[..], true),
            ("\u{e4}\u{2603}\u{1f600}x".as_bytes(), true),
            (b"\xe4x", false),
            (b"x\xe2\x98", false),
            (b"\xe2\x98\x83\xff", false),
        ] {
            for piece in 1..=octets.len() {
                let mut check = Utf8Check::default();
                octets.chunks(piece).for_each(|chunk| check.push(chunk));
                assert_eq!(check.holds(), want, "{octets:?} by {piece}");
            }
        }
    }
}
