//! Tokens as they are kept, certificates as they are shown: read or refused, and nothing that could break a line comes
//! out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::fuzzing::{Certificate, Fingerprint, HeldToken};

fuzz_target!(|data: &[u8]| {
    if let Ok(Some(held)) = HeldToken::read(data) {
        for token in held.access_token.iter().chain(&held.refresh_token) {
            assert!(!token.breaks_lines() && !token.expose().is_empty());
        }
    }
    if let Some(certificate) = Certificate::from_der(data) {
        let _ = format!("{certificate:?}");
    }
    if let Some(print) = std::str::from_utf8(data).ok().and_then(Fingerprint::parse) {
        assert_eq!(Fingerprint::parse(&format!("sha256:{}", print.hex())), Some(print));
    }
});
