//! The names of ways to log in.

use std::fmt;
use std::ops::Deref;

/// The name of a SASL mechanism, or of a login of one protocol (USER, APOP, LOGIN): 1 to 20 upper-case letters,
/// digits, hyphens and underscores (`RFC 4422 §3.1`). So it can stand in a command as it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MechanismName {
    octets: [u8; MechanismName::LONGEST],
    len: u8,
}

impl MechanismName {
    const LONGEST: usize = 20;

    /// A name that stands in the code.
    pub const fn of(name: &'static str) -> Self {
        match Self::read(name.as_bytes()) {
            Some(name) => name,
            None => panic!("the names in the code are names"),
        }
    }

    /// A name in upper or lower case; `None` if it is none.
    pub const fn parse(text: &str) -> Option<Self> {
        Self::read(text.as_bytes())
    }

    const fn read(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > Self::LONGEST {
            return None;
        }
        let mut octets = [0; Self::LONGEST];
        let mut at = 0;
        while at < text.len() {
            if !(text[at].is_ascii_alphanumeric() || matches!(text[at], b'-' | b'_')) {
                return None;
            }
            octets[at] = text[at].to_ascii_uppercase();
            at += 1;
        }
        // At most 20.
        #[allow(clippy::cast_possible_truncation)]
        Some(MechanismName { octets, len: text.len() as u8 })
    }

    pub fn as_str(&self) -> &str {
        // Only ASCII gets in.
        std::str::from_utf8(&self.octets[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl Deref for MechanismName {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_rfc_4422_calls_one_in_upper_case() {
        for (text, wanted) in
            [("gssapi", "GSSAPI"), ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256-PLUS"), ("a_1", "A_1")]
        {
            assert_eq!(MechanismName::parse(text).map(|name| name.to_string()).as_deref(), Some(wanted));
        }
        for bad in ["", "a b", "a\r\nb", "ä", "a.b", "=", &"x".repeat(21)] {
            assert_eq!(MechanismName::parse(bad), None, "{bad:?}");
        }
    }
}
