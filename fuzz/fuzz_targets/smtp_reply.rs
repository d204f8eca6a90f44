//! SMTP replies: whatever comes, every reply that is taken has a code of three digits and bounded lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::codec::smtp::{Assembler, Extensions};

fuzz_target!(|data: &[u8]| {
    let mut assembler = Assembler::default();
    for line in data.split(|octet| *octet == b'\n') {
        match assembler.push(line.strip_suffix(b"\r").unwrap_or(line)) {
            Ok(Some(reply)) => {
                assert!((200..600).contains(&reply.code()));
                let _ = Extensions::parse(&reply);
                assembler = Assembler::default();
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
});
