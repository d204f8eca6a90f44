//! Lines of `send --batch`: a message that is made of one has lines that every server takes and no other recipients than
//! the line has.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::account::{Account, Env};
use postie::fuzzing::{batch_line, settings};
use std::path::Path;
use std::sync::LazyLock;

static ACCOUNT: LazyLock<Account> = LazyLock::new(|| {
    let text = "[accounts.a]\nemail = 'ana@example.org'\nsmtp.host = 'h'\n";
    settings(text, Path::new("/c"), &Env::default()).unwrap().accounts.remove(0)
});

fuzz_target!(|data: &[u8]| {
    // No files of whoever runs this.
    if data.windows(4).any(|word| word == b"path") || data.contains(&b'\\') && data.windows(3).any(|it| it == b"\\u0") {
        return;
    }
    let Ok(message) = batch_line(data, &ACCOUNT) else { return };
    assert!(message.content.facts().longest_line <= 998 || data.windows(3).any(|word| word == b"raw"));
    for recipient in &message.envelope.recipients {
        assert!(!recipient.as_str().contains(char::is_control) && recipient.as_str().contains('@'));
    }
});
