//! Lists of flags and of attributes, as they came.

use super::lexer::{Lexer, Value};
use std::borrow::Cow;

/// The most names of one list that are told: no message has more flags, and no mailbox more attributes.
pub const MAX_NAMES: usize = 100;

/// A list of flags or attributes. Servers put strings, 8-bit octets and NIL into it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names<'a>(&'a [u8]);

impl<'a> Names<'a> {
    /// A list whose parentheses are taken off.
    pub(super) fn new(inner: &'a [u8]) -> Self {
        Names(inner)
    }

    /// The names in the server's order, [`MAX_NAMES`] at most.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'a, [u8]>> {
        self.all().take(MAX_NAMES)
    }

    /// Whether `name` is in it, in whatever letters.
    pub fn contains(&self, name: &str) -> bool {
        self.all().any(|one| one.eq_ignore_ascii_case(name.as_bytes()))
    }

    fn all(&self) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let mut lexer = Lexer::new(self.0);
        // What cannot be read ends the list: the response's own bounds are known already.
        std::iter::from_fn(move || lexer.value().ok().flatten()).filter_map(Value::text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_found_among_anything() {
        for (inner, want) in [
            (&b""[..], &[][..]),
            (b"\\SEEN \\answered $forwarded", &["\\Seen", "\\Answered", "$Forwarded"]),
            (b"NIL \\* \\Recent \xff \"\\\\Seen\"", &["\\Seen"]),
            (b"{5}\r\n\\Seen (\\Draft) Seen", &["\\Seen"]),
            (b"\"unended \\Draft", &[]),
            (b"\\Draft \"unended \\Seen", &["\\Draft"]),
        ] {
            let names = Names::new(inner);
            for flag in ["\\Seen", "\\Answered", "\\Draft", "$Forwarded"] {
                assert_eq!(names.contains(flag), want.contains(&flag), "{}", String::from_utf8_lossy(inner));
            }
        }
    }

    #[test]
    fn thousands_of_flags_hide_none_that_matters_and_are_not_told() {
        let mut inner = b"x ".repeat(5000);
        inner.extend_from_slice(b"\\Deleted");
        let names = Names::new(&inner);
        assert_eq!(names.iter().count(), MAX_NAMES);
        assert!(names.contains("\\DELETED") && !names.contains("\\Seen"));
    }
}
