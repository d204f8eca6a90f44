//! The configuration: whatever the file, a key that is set is there afterwards, and every line but its own stays as it
//! was, octet for octet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::account::Env;
use postie::fuzzing::{Editor, settings};
use postie::net::Limits;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::LazyLock;

static DIR: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap());

/// Keys and values to be set; the first octet of the input chooses.
const CHANGES: [(&str, &str); 8] = [
    ("description", "a 'b' \"c\""),
    ("email", "bob@example.org"),
    ("pop3.host", "pop.example.org"),
    ("pop3.port", "1995"),
    ("imap.auth", "plain"),
    ("fetch.maildir", "~/Mail/x"),
    ("smtp.host", "smtp.example.org"),
    ("password-command", "[\"pass\", \"show\", \"x\"]"),
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, octets)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let env = Env::from_iter([("HOME", "/home/ana")]);
    let Ok(before) = settings(text, Path::new("/c/config.toml"), &env) else { return };
    let Some(name) = before.accounts.first().map(|account| account.label.clone()) else { return };
    let path = DIR.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut editor = Editor::open(&path, &env, &Limits::default()).unwrap();
    let (key, value) = CHANGES[usize::from(choice) % CHANGES.len()];
    let removes = choice >= 0x80;
    let had = editor.has(&name, key);
    match removes {
        true => assert_eq!(editor.unset(&name, key).unwrap(), had),
        false => match editor.set(&name, key, &[value]) {
            Ok(()) => assert!(editor.has(&name, key)),
            Err(_) => return,
        },
    }
    // The change as a whole may be refused.
    if editor.save().is_err() {
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        return;
    }
    let after = std::fs::read_to_string(&path).unwrap();
    let read = settings(&after, &path, &env).unwrap();
    assert_eq!(read.accounts.len(), before.accounts.len());
    let (old, new): (Vec<&str>, Vec<&str>) =
        (text.split_inclusive('\n').collect(), after.split_inclusive('\n').collect());
    assert!(only_one_place(&old, &new), "{key} = {value} ({removes}):\n{text:?}\n{after:?}");
});

/// Whether the lines differ in one run of lines alone, which has no more than a table and a key.
fn only_one_place(old: &[&str], new: &[&str]) -> bool {
    let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let left = old.len().min(new.len()) - same;
    let behind = old.iter().rev().zip(new.iter().rev()).take(left).take_while(|(a, b)| a == b).count();
    new.len() - same - behind <= 4
}
