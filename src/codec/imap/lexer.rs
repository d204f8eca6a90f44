//! Values in octets that were put together already: `NIL`, atoms, quoted strings, literals, lists.
//!
//! A literal stands here as on the wire, header, line end and octets; no line of a server holds a line end, so
//! nothing else looks like one.

use super::malformed::Malformed;
use std::borrow::Cow;

/// How deep may lists stand in lists?
pub(super) const MAX_DEPTH: usize = 32;

/// The digits of the largest number.
const MAX_DIGITS: usize = 20;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Nil,
    Atom(&'a [u8]),
    String(Cow<'a, [u8]>),
    /// What is between the parentheses.
    List(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The octets of an atom or a string.
    pub fn text(self) -> Option<Cow<'a, [u8]>> {
        match self {
            Value::Atom(octets) => Some(Cow::Borrowed(octets)),
            Value::String(octets) => Some(octets),
            Value::Nil | Value::List(_) => None,
        }
    }
}

/// Takes values off the front of octets.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(octets: &'a [u8]) -> Self {
        Lexer { octets, at: 0 }
    }

    /// What has not been taken yet, without the spaces before it.
    pub fn rest(&mut self) -> &'a [u8] {
        while self.octets.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        &self.octets[self.at..]
    }

    /// The next value, or `None` at the end.
    pub fn value(&mut self) -> Result<Option<Value<'a>>, Malformed> {
        match self.rest().first() {
            None => Ok(None),
            Some(b'(') => {
                let start = self.at + 1;
                self.at = list_end(self.octets, self.at)?;
                Ok(Some(Value::List(&self.octets[start..self.at - 1])))
            }
            Some(b'"') => {
                let start = self.at + 1;
                self.at = quoted_end(self.octets, self.at)?;
                Ok(Some(Value::String(unquoted(&self.octets[start..self.at - 1]))))
            }
            Some(b'{') => match literal(self.octets, self.at) {
                Some((start, end)) => {
                    self.at = end;
                    Ok(Some(Value::String(Cow::Borrowed(&self.octets[start..end]))))
                }
                None => Ok(Some(self.atom())),
            },
            Some(_) => Ok(Some(self.atom())),
        }
    }

    fn atom(&mut self) -> Value<'a> {
        let start = self.at;
        self.at = atom_end(self.octets, self.at);
        let atom = &self.octets[start..self.at];
        if atom.eq_ignore_ascii_case(b"NIL") { Value::Nil } else { Value::Atom(atom) }
    }

    /// The next value, if it is an atom or a string.
    pub fn text(&mut self) -> Result<Option<Cow<'a, [u8]>>, Malformed> {
        Ok(self.value()?.and_then(Value::text))
    }
}

/// Where the atom at `at` ends. It takes at least one octet, so that a stray `)` holds nobody up.
pub(super) fn atom_end(octets: &[u8], at: usize) -> usize {
    let ends = |octet: &u8| matches!(octet, b' ' | b'(' | b')' | b'\r' | b'\n');
    let len = octets[at..].iter().position(ends).unwrap_or(octets.len() - at);
    at + len.max(1)
}

/// Where the quoted string at `at` ends, behind its last quote. 8-bit octets are taken as they are.
pub(super) fn quoted_end(octets: &[u8], at: usize) -> Result<usize, Malformed> {
    let mut next = at + 1;
    loop {
        match octets.get(next) {
            Some(b'"') => return Ok(next + 1),
            Some(b'\\') => next += 2,
            Some(b'\r' | b'\n' | 0) => {
                return Err(Malformed::new("a quoted string with a line end or NUL in it"));
            }
            Some(_) => next += 1,
            None => return Err(Malformed::new("a quoted string without an end")),
        }
    }
}

/// What is between the quotes, without its backslashes.
pub(super) fn unquoted(inner: &[u8]) -> Cow<'_, [u8]> {
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut octets = inner.iter().copied();
    while let Some(octet) = octets.next() {
        out.push(if octet == b'\\' { octets.next().unwrap_or(octet) } else { octet });
    }
    Cow::Owned(out)
}

/// Where the octets of the literal at `at` start and end, if one begins there.
fn literal(octets: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = octets.get(at + 1..)?;
    // No number has more digits; else a row of braces would be looked through once for each of them.
    let digits = rest.iter().take(MAX_DIGITS + 1).position(|octet| *octet == b'}')?;
    let len = usize::try_from(number(&rest[..digits])?).ok()?;
    let behind = rest[digits + 1..].strip_prefix(b"\r\n")?;
    let start = octets.len() - behind.len();
    behind.get(..len)?;
    Some((start, start + len))
}

/// Where the list at `at` ends, behind its parenthesis.
fn list_end(octets: &[u8], at: usize) -> Result<usize, Malformed> {
    let (mut next, mut depth) = (at, 0);
    loop {
        next = match octets.get(next) {
            None => return Err(Malformed::new("a list without an end")),
            Some(b'(') if depth == MAX_DEPTH => return Err(Malformed::new("lists in lists without end")),
            Some(b'(') => {
                depth += 1;
                next + 1
            }
            Some(b')') if depth == 1 => return Ok(next + 1),
            Some(b')') => {
                depth -= 1;
                next + 1
            }
            Some(b'"') => quoted_end(octets, next)?,
            Some(b'{') => literal(octets, next).map_or_else(|| atom_end(octets, next), |(_, end)| end),
            Some(b' ') => next + 1,
            Some(_) => atom_end(octets, next),
        };
    }
}

/// The number of octets that the literal header at `at` announces, if `octets` end in one there. What only looks
/// like one is an error: whether octets follow it nobody can tell.
pub(super) fn literal_header(octets: &[u8], at: usize) -> Result<Option<u64>, Malformed> {
    // The largest number64 (`RFC 9051 §9`).
    const MOST: u64 = u64::MAX / 2;
    let Some(inner) = octets[at + 1..].strip_suffix(b"}") else { return Ok(None) };
    let octets = number(inner).filter(|octets| *octets <= MOST);
    octets.map(Some).ok_or(Malformed::new("a literal whose length is no number"))
}

/// Whether a literal8 begins at `at`: only BINARY has it, and nobody asked for that.
pub(super) fn is_literal8(octets: &[u8], at: usize) -> bool {
    octets[at..].starts_with(b"~{") && octets.ends_with(b"}")
}

/// Digits alone, no sign, no overflow.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > MAX_DIGITS {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The first word of `octets`, and what stands behind it and its spaces.
pub(super) fn word(octets: &[u8]) -> (&[u8], &[u8]) {
    let octets = octets.trim_ascii_start();
    let end = octets.iter().position(|octet| *octet == b' ').unwrap_or(octets.len());
    (&octets[..end], octets[end..].trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(octets: &[u8]) -> Result<Vec<String>, Malformed> {
        let mut lexer = Lexer::new(octets);
        let mut found = Vec::new();
        while let Some(value) = lexer.value()? {
            let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
            found.push(match value {
                Value::Nil => "nil".to_owned(),
                Value::Atom(octets) => text(octets),
                Value::String(octets) => format!("<{}>", text(&octets)),
                Value::List(inner) => format!("[{}]", text(inner)),
            });
        }
        Ok(found)
    }

    #[test]
    fn values_are_told_apart() {
        for (octets, want) in [
            (&b"a nil NIL \"NIL\" (a (b) \")\")"[..], &["a", "nil", "nil", "<NIL>", "[a (b) \")\"]"][..]),
            (b"{3}\r\na)\" b", &["<a)\">", "b"]),
            (b"{0}\r\n x", &["<>", "x"]),
            (b"({3}\r\n))) x) y", &["[{3}\r\n))) x]", "y"]),
            (br#""a\"b\\c""#, &["<a\"b\\c>"]),
            (b"", &[]),
            (b"   ", &[]),
            (b"()", &["[]"]),
            (b")a", &[")", "a"]),
            (b"{5} {x}", &["{5}", "{x}"]),
        ] {
            assert_eq!(values(octets).unwrap(), want, "{}", String::from_utf8_lossy(octets));
        }
        let deep = |depth: usize| [vec![b'('; depth], vec![b')'; depth]].concat();
        assert!(values(&deep(MAX_DEPTH)).is_ok());
        assert!(values(&deep(MAX_DEPTH + 1)).is_err());
        for bad in [&b"(a"[..], b"\"a", b"(\"a)", b"\"a\\\"", b"\"a\0b\"", b"\"a\rb\"", b"({3}\r\nabc"] {
            assert!(values(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(number(b"00000000000000000007"), Some(7));
        for bad in [&b""[..], b"-1", b"+1", b"1e6", b"18446744073709551616", b" 1", b"000000000000000000001"]
        {
            assert_eq!(number(bad), None);
        }
    }

    #[test]
    fn braces_that_announce_nothing_take_no_time() {
        let text = format!("({})", "{ ".repeat(32_000));
        let begun = std::time::Instant::now();
        for _ in 0..100 {
            assert!(matches!(Lexer::new(text.as_bytes()).value(), Ok(Some(Value::List(_)))));
        }
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}
