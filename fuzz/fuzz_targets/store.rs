//! Files of mail: a message that is quoted for an mbox is read back as it was, in whatever pieces, and its From_ line is
//! one line; no name of a folder leads out of its place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::fuzzing::{folders, mboxrd, named, queue_id};
use std::collections::HashSet;
use std::path::{Component, Path};

fuzz_target!(|data: &[u8]| {
    let Some((&first, message)) = data.split_first() else { return };
    let piece = usize::from(first).max(1);
    let (line, quoted, back) = mboxrd(message, piece);
    assert!(line.starts_with(b"From ") && line.iter().position(|octet| *octet == b'\n') == Some(line.len() - 1));
    let (_, at_once, back_at_once) = mboxrd(message, message.len().max(1));
    assert_eq!((&quoted, &back), (&at_once, &back_at_once));
    // The format has no way for a message without a last line end.
    let whole = message.is_empty() || message.ends_with(b"\n");
    assert_eq!(back, if whole { message.to_vec() } else { [message, b"\n"].concat() });
    assert!(!quoted.split(|octet| *octet == b'\n').any(|line| line.starts_with(b"From ")));
    let text = String::from_utf8_lossy(message);
    if named(&text) {
        assert!(text.contains(".P"));
    }
    if let Some(id) = queue_id(&text) {
        assert!(!id.is_empty() && id.len() <= 128 && !id.contains(char::is_control));
    }
    let names: HashSet<Vec<u8>> = message.split(|octet| *octet == b'\n').take(20).map(<[u8]>::to_vec).collect();
    let names: Vec<Vec<u8>> = names.into_iter().collect();
    let paths = folders(Path::new("/nonexistent/ledgers"), Path::new("/nonexistent/Mail"), &names, piece);
    let paths = paths.unwrap_or_default();
    assert_eq!(paths.len(), names.len());
    assert_eq!(paths.iter().collect::<HashSet<_>>().len(), names.len(), "each has its own");
    for path in paths {
        let below = path.strip_prefix("/nonexistent/Mail").unwrap();
        assert!(below.components().all(|part| matches!(part, Component::Normal(_))));
        assert!(!path.to_str().unwrap().contains(char::is_control));
    }
});
