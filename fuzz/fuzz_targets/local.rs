//! What programs give `sendmail`: its header is read and rewritten, and every line of it is a field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::fuzzing::LocalHeader;
use postie::words::Address;

fuzz_target!(|data: &[u8]| {
    let mut source = data;
    let Ok(header) = LocalHeader::read(&mut source) else { return };
    let author = header.author();
    assert!(author.is_none_or(|author| !author.as_str().contains(char::is_control)));
    let who = |name: &str, _| Ok(Address::parse(&format!("{}@own.test", name.len())).into_iter().collect());
    let Ok(octets) = header.rewritten(&who) else { return };
    assert!(octets.ends_with(b"\n\r\n"));
    let _ = header.into_body();
});
