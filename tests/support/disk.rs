//! An independent reader of what is on disk: Maildirs and mboxrd files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The messages of a Maildir, sorted by their octets. Anything else in it fails the test: a left-over in
/// `tmp`, a file that others may read.
#[track_caller]
pub fn maildir(dir: &Path) -> Vec<Vec<u8>> {
    assert_eq!(names(&dir.join("tmp")), Vec::<String>::new(), "left over in tmp");
    for part in ["tmp", "new", "cur"] {
        assert_mode(&dir.join(part), 0o700);
    }
    let mut messages: Vec<Vec<u8>> = ["new", "cur"]
        .iter()
        .flat_map(|part| {
            let part = dir.join(part);
            names(&part).into_iter().map(move |name| {
                assert_mode(&part.join(&name), 0o600);
                fs::read(part.join(&name)).unwrap()
            })
        })
        .collect();
    messages.sort();
    messages
}

/// The messages of a Maildir; none if it does not exist or is incomplete.
#[track_caller]
pub fn maildir_if_any(dir: &Path) -> Vec<Vec<u8>> {
    let made = ["tmp", "new", "cur"].iter().all(|part| dir.join(part).exists());
    if !made {
        assert_eq!(names(&dir.join("new")), Vec::<String>::new(), "mail in a Maildir that is none");
        return Vec::new();
    }
    maildir(dir)
}

/// The names in a directory, sorted; none if it does not exist.
pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

/// Fails unless the permission bits are these.
#[track_caller]
pub fn assert_mode(path: &Path, mode: u32) {
    let found = fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(found, mode, "mode of {}: {found:o}, not {mode:o}", path.display());
}

/// The messages of an mboxrd file, in order, quoting undone. A file that is not whole messages fails the
/// test.
#[track_caller]
pub fn mbox(file: &Path) -> Vec<Vec<u8>> {
    let octets = fs::read(file).unwrap();
    assert_mode(file, 0o600);
    split_mboxrd(&octets)
}

/// The messages of an mboxrd file's octets, in order.
#[track_caller]
pub fn split_mboxrd(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let mut blank_before = true;
    for line in lines(octets) {
        assert!(line.ends_with(b"\n"), "torn at the end: {:?}", String::from_utf8_lossy(line));
        if line.starts_with(b"From ") {
            assert!(blank_before, "an unquoted From_ line: {:?}", String::from_utf8_lossy(line));
            end_message(messages.last_mut());
            messages.push(Vec::new());
        } else {
            let message = messages.last_mut().expect("an mbox begins with a From_ line");
            let quotes = line.iter().take_while(|octet| **octet == b'>').count();
            let quoted = quotes > 0 && line[quotes..].starts_with(b"From ");
            message.extend_from_slice(if quoted { &line[1..] } else { line });
        }
        blank_before = line == b"\n";
    }
    end_message(messages.last_mut());
    messages
}

/// The lines, each with its LF. Sweeps split megabytes thousands of times.
fn lines(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut begun = 0;
    let ends = memchr::memchr_iter(b'\n', octets).map(|at| at + 1);
    let ends = ends.chain((!octets.ends_with(b"\n")).then_some(octets.len()));
    ends.map(move |end| &octets[std::mem::replace(&mut begun, end)..end]).filter(|line| !line.is_empty())
}

/// Removes the blank line that separates messages.
#[track_caller]
fn end_message(message: Option<&mut Vec<u8>>) {
    if let Some(message) = message {
        assert!(message.ends_with(b"\n\n") || message == b"\n", "no blank line ends a message of the mbox");
        message.pop();
    }
}

/// `messages`, sorted by their octets, as [`maildir`] gives them.
pub fn sorted(mut messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    messages.sort();
    messages
}

/// Compares two lists of messages without filling the screen with them.
#[track_caller]
pub fn assert_same(found: &[Vec<u8>], wanted: &[Vec<u8>]) {
    for (number, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        if found != wanted {
            let at = found.iter().zip(wanted).take_while(|(found, wanted)| found == wanted).count();
            let around = |octets: &[u8]| {
                let part = &octets[at.saturating_sub(40).min(octets.len())..(at + 40).min(octets.len())];
                part.escape_ascii().to_string()
            };
            panic!(
                "message {number} differs at octet {at} (sizes {} and {}):\nfound:  {}\nwanted: {}",
                found.len(),
                wanted.len(),
                around(found),
                around(wanted)
            );
        }
    }
    assert_eq!(found.len(), wanted.len(), "number of messages");
}
