//! Makes text from strangers safe for a terminal and for a log of lines.

use std::borrow::Cow;
use std::io::{self, Write};

/// Whether a character could control a terminal, forge a line, change the reading direction, or be invisible.
pub fn is_hostile(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// Whether a character is invisible: those that Unicode ignores by default (UCD, `Default_Ignorable_Code_Point`:
/// zero width, bidirectional controls, soft hyphen, fillers, tags, variation selectors), line and paragraph
/// separators, and the marks of interlinear annotations. Not the two variation selectors that choose between a
/// symbol and its emoji.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// `text` with every hostile character escaped.
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

/// The most octets of a failure's text that are shown.
const MAX_SHOWN: usize = 4096;
/// How many octets are kept at the beginning and at the end of a longer one.
const KEPT: [usize; 2] = [2048, 512];

/// `text`, without its middle if it is long, so that a server cannot flood a log. The beginning says where and what,
/// the end says why.
pub fn bounded(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_SHOWN {
        return Cow::Borrowed(text);
    }
    let [begin, end] = KEPT;
    let (begin, end) = (text.floor_char_boundary(begin), text.ceil_char_boundary(text.len() - end));
    Cow::Owned(format!("{} [… {} octets …] {}", &text[..begin], end - begin, &text[end..]))
}

/// A writer for terminals: escapes hostile characters; line ends and tabs stay.
pub struct Visible<W> {
    out: W,
    /// The first octets of a character whose rest has not come yet.
    held: Vec<u8>,
}

impl<W: Write> Visible<W> {
    pub fn new(out: W) -> Self {
        Visible { out, held: Vec::new() }
    }

    fn show(&mut self, octets: &[u8], at_end: bool) -> io::Result<()> {
        let mut shown = String::with_capacity(octets.len());
        let mut rest = octets;
        while !rest.is_empty() {
            let (text, odd) = match std::str::from_utf8(rest) {
                Ok(text) => (text, 0),
                Err(error) => {
                    let (valid, invalid) = rest.split_at(error.valid_up_to());
                    let odd = match error.error_len() {
                        Some(length) => length,
                        None if at_end => invalid.len(),
                        None => {
                            self.held = invalid.to_vec();
                            0
                        }
                    };
                    (std::str::from_utf8(valid).unwrap_or_default(), odd)
                }
            };
            for c in text.chars() {
                match c {
                    '\n' | '\t' => shown.push(c),
                    '\r' => shown.push_str("\\r"),
                    _ if is_hostile(c) => shown.extend(c.escape_unicode()),
                    _ => shown.push(c),
                }
            }
            rest = &rest[text.len()..];
            if odd == 0 {
                break;
            }
            shown.extend(rest[..odd].iter().map(|octet| format!("\\x{octet:02x}")));
            rest = &rest[odd..];
        }
        self.out.write_all(shown.as_bytes())
    }
}

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(octets);
        self.show(&all, false)?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        self.show(&held, true)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_survives() {
        for text in [
            "\x1b]52;c;x\x07",
            "a\rb\nc",
            "\u{9b}2J",
            "\u{202e}gpj",
            "\u{85}",
            "x\u{2028}y",
            "\x7f",
            "\0",
            "pay\u{200b}pal",
            "zero\u{200d}\u{200c}\u{2060}\u{feff}width",
            "soft\u{ad}hyphen",
            "\u{e0001}\u{e0041}\u{e007f}tags",
            "fill\u{3164}\u{115f}\u{1160}\u{ffa0}er",
            "\u{fe00}\u{e0100}\u{e01ef}",
            "\u{2066}isolate\u{2069}",
            "\u{fff9}\u{34f}\u{61c}\u{180e}",
        ] {
            let shown = safe(text);
            assert!(!shown.chars().any(is_hostile), "{shown:?}");
            assert!(!shown.is_empty());
            let hidden = text.chars().filter(|c| is_hostile(*c)).count();
            assert_eq!(shown.matches('\\').count(), hidden, "each is told: {shown}");
        }
        for text in ["Grüße, 世界 👋", "❤\u{fe0f}", "שלום", "नमस्ते", "e\u{301}"] {
            assert_eq!(safe(text), text);
        }
        assert_eq!(safe("a\tb\nc"), "a b\\nc");
        assert_eq!(safe("a\u{e0041}"), "a\\u{e0041}");
    }

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        let fits = "é".repeat(MAX_SHOWN / 2);
        assert_eq!(bounded(&fits), fits.as_str());
        for filler in ["x", "é", "世", "👋"] {
            let long = format!("line 3: to: {}: no address", filler.repeat(1_000_000));
            let shown = bounded(&long);
            assert!(shown.len() < MAX_SHOWN, "{}", shown.len());
            assert!(shown.starts_with("line 3: to: ") && shown.ends_with(": no address"), "{shown}");
        }
    }

    #[test]
    fn what_goes_to_a_terminal_is_text_wherever_it_is_cut() {
        let octets = b"From x\n\ttab \x1b[2J\x07 \xff\xe4 \xe2\x80\x8b \xf0\x9f\x91\x8b \r\n\xe2\x82";
        let whole = "From x\n\ttab \\u{1b}[2J\\u{7} \\xff\\xe4 \\u{200b} 👋 \\r\n\\xe2\\x82";
        for cut in 1..octets.len() {
            let mut shown = Vec::new();
            let mut visible = Visible::new(&mut shown);
            for piece in octets.chunks(cut) {
                visible.write_all(piece).unwrap();
            }
            visible.flush().unwrap();
            assert_eq!(String::from_utf8(shown).unwrap(), whole, "pieces of {cut}");
        }
    }
}
