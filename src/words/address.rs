//! Envelope addresses (`RFC 5321 §4.1.2`). A value of this type cannot hold an octet that could end a
//! command, open another, or close the angle brackets around it.

use std::fmt;

/// The longest local part in octets (`RFC 5321 §4.5.3.1.1`).
pub const MAX_LOCAL: usize = 64;
/// The longest domain in octets (`RFC 5321 §4.5.3.1.2`).
pub const MAX_DOMAIN: usize = 255;

/// A mailbox address `local@domain`, as it stands between `<` and `>` in MAIL and RCPT.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    text: String,
    at: usize,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// There is nothing.
    Empty,
    /// A CR, LF, NUL or another control character is in it.
    Control,
    /// A space, comma, bracket or another character that must be quoted is not.
    Unquoted(char),
    /// There is no `@` with something on both sides.
    NoDomain,
    /// A dot where none may be (first, last, or two together).
    Dots,
    /// The domain holds a character that no domain has.
    Domain,
    /// The local part or the domain is longer than SMTP allows.
    TooLong,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Empty => f.write_str("the address is empty"),
            AddressError::Control => f.write_str("the address holds a control character (CR, LF, NUL, …)"),
            AddressError::Unquoted(found) => write!(f, "the address holds {found:?}, which must be quoted"),
            AddressError::NoDomain => f.write_str("the address has no domain (name@example.org)"),
            AddressError::Dots => f.write_str("the address has a misplaced dot"),
            AddressError::Domain => f.write_str("the domain of the address is not valid"),
            AddressError::TooLong => f.write_str("the address is too long"),
        }
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// Reads an addr-spec (`RFC 5321 Mailbox`): dot-string or quoted string, `@`, domain or address
    /// literal; non-ASCII letters are taken as `RFC 6531` has them.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(AddressError::Control);
        }
        let at = if text.starts_with('"') {
            quoted_end(text)?
        } else {
            text.rfind('@').ok_or(AddressError::NoDomain)?
        };
        let (local, domain) = (&text[..at], text[at..].strip_prefix('@').ok_or(AddressError::NoDomain)?);
        if local.is_empty() || domain.is_empty() {
            return Err(AddressError::NoDomain);
        }
        if local.len() > MAX_LOCAL || domain.len() > MAX_DOMAIN {
            return Err(AddressError::TooLong);
        }
        if !local.starts_with('"') {
            check_dot_string(local)?;
        }
        check_domain(domain)?;
        Ok(Address { text: text.to_owned(), at })
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`, with its quotes if it has any.
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// Whether it can go over the wire without SMTPUTF8 as it is.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// Whether both name the same mailbox: domains compare without case, local parts with it.
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

/// The index of the `@` behind the quoted string that `text` begins with.
fn quoted_end(text: &str) -> Result<usize, AddressError> {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok(index + 1),
            _ => {}
        }
    }
    Err(AddressError::Unquoted('"'))
}

/// `Dot-string = Atom *("." Atom)` (`RFC 5321 §4.1.2`), atoms widened by `RFC 6531 §3.3`.
fn check_dot_string(local: &str) -> Result<(), AddressError> {
    if let Some(bad) = local.chars().find(|c| !is_atext(*c) && *c != '.') {
        return Err(AddressError::Unquoted(bad));
    }
    if local.split('.').any(str::is_empty) {
        return Err(AddressError::Dots);
    }
    Ok(())
}

/// A domain of dot-separated labels, or an address literal in brackets.
fn check_domain(domain: &str) -> Result<(), AddressError> {
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let fine = literal.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-'));
        return if fine && !literal.is_empty() { Ok(()) } else { Err(AddressError::Domain) };
    }
    for label in domain.split('.') {
        if label.is_empty() {
            return Err(AddressError::Dots);
        }
        if label.chars().any(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '-' && c != '_') {
            return Err(AddressError::Domain);
        }
        if label.chars().any(char::is_whitespace) {
            return Err(AddressError::Domain);
        }
    }
    Ok(())
}

/// `atext` (`RFC 5322 §3.2.3`), with every non-ASCII character that is no space (`RFC 6532 §3.2`).
fn is_atext(c: char) -> bool {
    if !c.is_ascii() {
        return !c.is_whitespace();
    }
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
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
            "a..b@example.org",
            ".a@example.org",
            "a@example..org",
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
    fn the_limits_of_smtp_hold() {
        let long = "a".repeat(MAX_LOCAL);
        assert!(Address::parse(&format!("{long}@example.org")).is_ok());
        assert_eq!(Address::parse(&format!("{long}a@example.org")), Err(AddressError::TooLong));
        assert_eq!(Address::parse(&format!("a@{}", "d".repeat(MAX_DOMAIN + 1))), Err(AddressError::TooLong));
    }
}
