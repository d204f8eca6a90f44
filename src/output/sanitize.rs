//! Text from elsewhere, made safe for a terminal and for a line-oriented log.

use std::borrow::Cow;

/// Whether a character can steer a terminal, forge a line or turn the reading direction: C0 and C1
/// controls, DEL, the bidirectional controls, line and paragraph separators.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// `text` with every hostile character made visible as an escape.
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push(' '),
            _ if is_hostile(c) => out.extend(c.escape_unicode()),
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_survives() {
        for text in
            ["\x1b]52;c;x\x07", "a\rb\nc", "\u{9b}2J", "\u{202e}gpj", "\u{85}", "x\u{2028}y", "\x7f", "\0"]
        {
            let shown = safe(text);
            assert!(!shown.chars().any(is_hostile), "{shown:?}");
            assert!(!shown.is_empty());
        }
        assert_eq!(safe("Grüße, 世界 👋"), "Grüße, 世界 👋");
        assert_eq!(safe("a\tb\nc"), "a b\\nc");
    }
}
