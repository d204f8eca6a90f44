//! Envelope addresses (`RFC 5321 §4.1.2`). An [`Address`] cannot contain anything that would end a command, close
//! the angle brackets around it, or begin another address in a header.
//!
//! Nothing else is refused. Local parts of more than 64 octets (VERP, SRS, reply addresses of trackers) and those
//! with dots in odd places (`a..b@`, `a.@`) are in use; the server decides (`RFC 5321 §4.5.3.1`: "implementation
//! techniques that impose no limits … should be used").

use std::fmt;

/// The most octets of a domain (`RFC 5321 §4.5.3.1.2`).
pub const MAX_DOMAIN: usize = 255;

/// A mailbox address `local@domain`, as in MAIL and RCPT, without the angles.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    text: String,
    at: usize,
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    Empty,
    /// A control character (CR, LF, NUL, …).
    Control,
    /// A space, comma, bracket or another character that must be quoted.
    Unquoted(char),
    /// There is no `@` with text on both sides.
    NoDomain,
    /// The domain has a character that is not allowed, or is a malformed address literal.
    Domain,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Empty => f.write_str("the address is empty"),
            AddressError::Control => {
                f.write_str("the address has a control character in it (CR, LF, NUL, …)")
            }
            AddressError::Unquoted(found) => {
                write!(f, "the address has {found:?} in it, which must be quoted")
            }
            AddressError::NoDomain => f.write_str("the address has no domain (name@example.org)"),
            AddressError::Domain => f.write_str("the domain of the address is not valid"),
        }
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// Reads an addr-spec: a local part of atoms and quoted strings, `@`, and a domain or an address literal.
    /// Non-ASCII letters are allowed (`RFC 6531 §3.3`).
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(AddressError::Control);
        }
        let at = local_end(text)?;
        let (local, domain) = (&text[..at], text[at..].strip_prefix('@').ok_or(AddressError::NoDomain)?);
        if local.is_empty() || domain.is_empty() {
            return Err(AddressError::NoDomain);
        }
        check_domain(domain)?;
        Ok(Address { text: text.to_owned(), at })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The local part, with its quotes if it has any.
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// Whether it can be sent without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// Whether both are the same mailbox: the case of letters counts in local parts, not in domains.
    pub fn same_mailbox(&self, other: &Address) -> bool {
        self.local() == other.local() && self.domain().to_lowercase() == other.domain().to_lowercase()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Address::parse(text)
    }
}

/// Where the local part ends: `word *("." word)` (`RFC 5322 §4.4`), but with dots anywhere.
fn local_end(text: &str) -> Result<usize, AddressError> {
    let (mut at, mut begins_word) = (0, true);
    while let Some(c) = text[at..].chars().next() {
        match c {
            '@' => break,
            '"' if begins_word => {
                at = quoted_end(text, at)?;
                match text[at..].chars().next() {
                    None | Some('.' | '@') => continue,
                    Some(next) => return Err(AddressError::Unquoted(next)),
                }
            }
            c if is_atext(c) || c == '.' => {}
            c => return Err(AddressError::Unquoted(c)),
        }
        begins_word = c == '.';
        at += c.len_utf8();
    }
    Ok(at)
}

/// The end of the quoted string that begins at `start`.
fn quoted_end(text: &str, start: usize) -> Result<usize, AddressError> {
    let mut escaped = false;
    for (index, c) in text[start..].char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok(start + index + 1),
            _ => {}
        }
    }
    Err(AddressError::Unquoted('"'))
}

/// A domain, or an address literal in brackets.
fn check_domain(domain: &str) -> Result<(), AddressError> {
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let fine = |c: char| c.is_ascii_graphic() && !"[]\\<>()\",;@".contains(c);
        return if !literal.is_empty() && literal.chars().all(fine) {
            Ok(())
        } else {
            Err(AddressError::Domain)
        };
    }
    match domain.chars().all(|c| is_atext(c) || c == '.') {
        true => Ok(()),
        false => Err(AddressError::Domain),
    }
}

/// `atext` (`RFC 5322 §3.2.3`), and every non-ASCII character that is not white space (`RFC 6532 §3.2`).
fn is_atext(c: char) -> bool {
    if !c.is_ascii() {
        return !c.is_whitespace();
    }
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// The reverse-path in MAIL (`RFC 5321 §4.1.2`): who is notified if a message cannot be delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReversePath {
    /// `<>`: nobody.
    #[default]
    Null,
    Mailbox(Address),
}

impl ReversePath {
    pub fn mailbox(&self) -> Option<&Address> {
        match self {
            ReversePath::Null => None,
            ReversePath::Mailbox(address) => Some(address),
        }
    }

    /// The text between the angles.
    pub fn as_str(&self) -> &str {
        self.mailbox().map_or("", Address::as_str)
    }
}

impl From<Address> for ReversePath {
    fn from(address: Address) -> Self {
        ReversePath::Mailbox(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_are_taken() {
        for good in [
            "ana@example.org",
            "a.b+tag@sub.example.org",
            "\"Doe, J\"@example.org",
            "\"a@b\"@example.org",
            "\"q\\\"q\"@example.org",
            "x@[192.0.2.1]",
            "x@[IPv6:2001:db8::1]",
            "root@localhost",
            "jörg@bücher.example",
            "-x@example.org",
        ] {
            let address = Address::parse(good).unwrap();
            assert_eq!(address.to_string(), good);
            assert_eq!(format!("{}@{}", address.local(), address.domain()), good);
        }
    }

    #[test]
    fn nothing_that_could_break_out_of_a_command_is_an_address() {
        for bad in [
            "",
            "ana",
            "@example.org",
            "ana@",
            "a b@example.org",
            "a>b@example.org",
            "ana@example.org>",
            "ana@exa mple.org",
            "ana@example.org\r\nRCPT TO:<x@y>",
            "ana\n@example.org",
            "ana\0@example.org",
            "\"a\r\n\"@example.org",
            "a:b@example.org",
            "a;b@example.org",
            "a(b)@example.org",
            "a\\b@example.org",
            "a\"b\"@example.org",
            "\"a\"b@example.org",
            "a.\"b\"c@example.org",
            "a@[1.2.3.4> SIZE=1]",
            "a@[]",
            "a@x[1]",
            "a\u{a0}b@example.org",
            "a@b@c@",
            "a,b@example.org",
            "\"a@example.org",
            "a@exam<ple.org",
            "a\u{85}b@example.org",
            "a@\u{2028}b",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn neither_length_nor_dots_are_judged_here() {
        let long = "a".repeat(5000);
        for odd in [
            "a..b@example.org",
            ".a@example.org",
            "a.@example.org",
            "...@example.org",
            "a@example.org.",
            "a@example..org",
            "a@a_b.example",
            "a/b={c}%d@example.org",
            "\"a\".b@example.org",
            "b.\"a b\"@example.org",
            "\"\"@example.org",
            "bounce+aaaa==a==rrrr==ddddd-divers==5288513@example.org",
            &format!("{long}@example.org"),
            &format!("a@{long}"),
        ] {
            let address = Address::parse(odd).unwrap_or_else(|error| panic!("{odd}: {error}"));
            assert_eq!(format!("{}@{}", address.local(), address.domain()), odd);
        }
    }
}
