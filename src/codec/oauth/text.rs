//! Texts that an authorization server sends for people.

/// The most characters of such a text that are kept.
const MOST: usize = 500;

/// A text for a message: shortened, white space as single spaces, without control characters.
pub fn shown(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().filter(|c| !c.is_control()).take(MOST).collect()
}
