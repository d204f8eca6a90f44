//! POP3 replies: no octets make the parsers fail, and no two statuses are one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::codec::pop3::{self, Capabilities, StatusLine};

fuzz_target!(|data: &[u8]| {
    let mut capabilities = Capabilities::default();
    for line in data.split(|octet| *octet == b'\n') {
        if let StatusLine::Ok(_) = pop3::status(line) {
            assert!(begins(line, b"+OK"));
        }
        if let StatusLine::Err(text) = pop3::status(line) {
            assert!(begins(line, b"-ERR"));
            let _ = pop3::refusal(text);
        }
        if let Some((number, rest)) = pop3::row(line) {
            assert!(number > 0);
            let _ = pop3::row_size(rest);
        }
        if let Some(stamp) = pop3::timestamp(line) {
            assert!(stamp.starts_with('<') && stamp.ends_with('>') && stamp.contains('@'));
        }
        capabilities.add(line);
    }
});

/// Whether this word stands at the beginning, in upper or lower case, and nothing is glued to it.
fn begins(line: &[u8], word: &[u8]) -> bool {
    let (start, rest) = line.split_at(word.len());
    start.eq_ignore_ascii_case(word) && rest.first().is_none_or(|octet| b" \t".contains(octet))
}
