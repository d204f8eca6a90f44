//! Addresses cannot break a command; redacted text holds no secret.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::account::values;
use postie::words::{Address, Redactor};

fuzz_target!(|data: (&str, &[u8], &[u8])| {
    let (text, secret, said) = data;
    if let Ok(address) = Address::parse(text) {
        assert!(!address.as_str().chars().any(char::is_control));
        assert!(!address.domain().contains(['<', '>', ' ', ',', '@']));
    }
    let _ = (values::duration(text), values::size(text));
    if secret.len() > 20 && !b"[redacted]".windows(secret.len().min(10)).any(|w| w == secret) {
        let mut redactor = Redactor::new();
        redactor.learn(secret);
        let shown = redactor.redact(&[said, secret, said].concat());
        if let Ok(secret) = std::str::from_utf8(secret) {
            assert!(!shown.contains(secret));
        }
    }
});
