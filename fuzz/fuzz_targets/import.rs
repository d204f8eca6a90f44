//! Files of other mail programs: what is read has no control character in it and no secret in a remark, and lists of
//! fetched messages give only UIDs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::account::import::{Import, ImportText, Tool, UidListKind, fetchmail, getmail, himalaya, msmtp, mutt, netrc, thunderbird};
use std::path::Path;

fuzz_target!(|data: &[u8]| {
    let text = ImportText { path: Path::new("/h/rc"), octets: data };
    for import in [
        msmtp::read(Tool::Msmtp, text),
        msmtp::read(Tool::Mpop, text),
        getmail::read(text),
        fetchmail::read(text),
        mutt::read(text),
        himalaya::read(text),
        thunderbird::read(text),
    ] {
        check(import.unwrap_or_default());
    }
    let _ = thunderbird::profile(text);
    let _ = netrc::read(text, &mut Vec::new());
    let user = "ana".to_owned();
    for kind in [
        UidListKind::Mpop { host: "h".into(), user: user.clone() },
        UidListKind::Getmail { is_imap: false },
        UidListKind::Getmail { is_imap: true },
        UidListKind::Fetchmail { hosts: vec!["h".into()], user: user.clone(), others: Vec::new() },
        UidListKind::Popstate { user },
    ] {
        for seen in kind.read(data).unwrap_or_default().uids {
            assert!((1..=500).contains(&seen.uid.len()) && seen.uid.iter().all(|octet| *octet > b' '));
        }
    }
});

fn check(import: Import) {
    for draft in import.accounts {
        assert!(!draft.name.chars().any(char::is_control));
        // A text that is quoted with its escapes shows every control character.
        let settings = format!("{:?}", draft.settings());
        for control in ["\\u{", "\\n", "\\r", "\\0"] {
            assert!(!settings.contains(control) || settings.contains("\\\\"), "{settings}");
        }
    }
}
