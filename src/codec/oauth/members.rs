//! The members of a JSON object that a server sent, each read by itself: one that is odd is as good as none, and the
//! others are still there.

use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::ops::Deref;
use zeroize::Zeroizing;

/// The text of an answer.
pub enum MemberText<'a> {
    AsItCame(&'a str),
    /// With replacement characters, which are in no token.
    Mended(Zeroizing<String>),
}

/// The octets as a text. A byte order mark is left out (`RFC 8259 §8.1` lets a reader do so).
pub fn text(octets: &[u8]) -> MemberText<'_> {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    match std::str::from_utf8(octets) {
        Ok(text) => MemberText::AsItCame(text),
        Err(_) => MemberText::Mended(Zeroizing::new(String::from_utf8_lossy(octets).into_owned())),
    }
}

impl Deref for MemberText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            MemberText::AsItCame(text) => text,
            MemberText::Mended(text) => text,
        }
    }
}

/// The members. Of two with one name the last counts.
pub struct Members<'a>(HashMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    /// Reads an object. However deep its members are nested, the stack does not grow.
    pub fn read(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Members)
    }

    /// A member; none: it is missing, null, or nested too deep to be anything that is meant here.
    pub fn value(&self, name: &str) -> Option<Value> {
        let value = serde_json::from_str::<Value>(self.0.get(name)?.get()).ok()?;
        Some(value).filter(|value| !value.is_null())
    }

    /// A member that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// A member that is a text, or a list of texts: what in it is a text.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        match self.value(name)? {
            Value::String(text) => Some(text.split_whitespace().map(str::to_owned).collect()),
            Value::Array(all) => Some(all.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            _ => None,
        }
    }

    /// A member that is true, or the word for it.
    pub fn flag(&self, name: &str) -> bool {
        match self.value(name) {
            Some(Value::Bool(flag)) => flag,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_is_read_by_itself() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        let json = format!(
            r#"{{"a":"x","a":"y","n":null,"d":{deep},"t":"p q","l":["p",7,"q"],"f":true,"g":"True","h":1}}"#
        );
        let members = Members::read(&json).unwrap();
        assert_eq!(members.text("a").as_deref(), Some("y"));
        for none in ["n", "d", "missing"] {
            assert_eq!(members.value(none), None, "{none}");
        }
        assert_eq!(members.text("l"), None);
        for list in ["t", "l"] {
            assert_eq!(members.texts(list).unwrap(), ["p", "q"]);
        }
        assert_eq!(
            ["f", "g", "h", "n", "a"].map(|name| members.flag(name)),
            [true, true, false, false, false]
        );
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for bad in ["", "[]", "7", "\"a\"", "{\"a\":1", "{\"a\":1} {}", "{a:1}"] {
            assert!(Members::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn octets_that_are_no_utf8_and_a_mark_in_front_do_no_harm() {
        let octets = text(b"\xef\xbb\xbf{\"a\":\"\xfc\",\"b\":\"c\"}");
        let members = Members::read(&octets).unwrap();
        assert_eq!(members.text("a").as_deref(), Some("\u{fffd}"));
        assert_eq!(members.text("b").as_deref(), Some("c"));
    }
}
