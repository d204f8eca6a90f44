//! How the name of a folder is written on disk. No two names are written the same way, and none leads out of
//! the root or is taken for something else in it.

use crate::store::identity::hex;
use sha2::{Digest, Sha256};

/// How the folders of an account are arranged below the root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Maildir++: the inbox is the root, the folder `A/B` is the Maildir `.A.B` in it.
    #[default]
    Subfolders,
    /// The inbox is the root, the folder `A/B` is the Maildir `B` in the directory `A`.
    Nested,
    /// The folder `A/B` is the mbox `B.mbox` in the directory `A`.
    Mboxes,
}

impl Layout {
    /// Its name, as in `--layout`.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Subfolders => "maildir++",
            Layout::Nested => "nested",
            Layout::Mboxes => "mboxes",
        }
    }
}

/// The name of a folder on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderName {
    /// The server's octets for it; a folder is recognised by these.
    pub octets: Vec<u8>,
    /// Its parts, outermost first, decoded to text if they can be. None for the inbox.
    pub parts: Vec<Vec<u8>>,
}

/// The longest name of one file, in octets. Most systems allow 255; the rest is for a number and `.mbox`.
const LONGEST: usize = 200;
/// Names that have a meaning in a Maildir, or that begin such names.
const TAKEN: [&str; 3] = ["cur", "new", "tmp"];
const TAKEN_BEGINNINGS: [&str; 4] = ["dovecot", "courier", "maildir", "subscriptions"];

/// The path of a folder below the root. The inbox of a Maildir is the root itself: an empty path.
pub(super) fn spell(name: &FolderName, layout: Layout) -> String {
    let parts: Vec<String> = name.parts.iter().map(|part| escape(part)).collect();
    match layout {
        Layout::Subfolders if parts.is_empty() => String::new(),
        Layout::Subfolders => shorten(format!(".{}", parts.join(".")), &name.octets),
        Layout::Nested => {
            let parts: Vec<String> =
                parts.into_iter().map(|part| shorten(untaken(part), &name.octets)).collect();
            parts.join("/")
        }
        Layout::Mboxes => {
            let parts = if parts.is_empty() { vec!["INBOX".to_owned()] } else { parts };
            let parts: Vec<String> = parts.into_iter().map(|part| shorten(part, &name.octets)).collect();
            format!("{}.mbox", parts.join("/"))
        }
    }
}

/// The same path with a number in it, for a folder whose path without it is taken.
pub(super) fn numbered(path: &str, number: u32) -> String {
    match path.strip_suffix(".mbox") {
        Some(stem) => format!("{stem}-{number}.mbox"),
        None => format!("{path}-{number}"),
    }
}

/// Encodes one part of a name. Letters and digits of any script, `_`, `-` and inner spaces stay; every other
/// octet becomes `%XX`. An empty part becomes a single `%`.
fn escape(part: &[u8]) -> String {
    if part.is_empty() {
        return "%".to_owned();
    }
    let mut out = String::with_capacity(part.len());
    let hexadecimal = |octets: &[u8], out: &mut String| {
        octets.iter().for_each(|octet| out.push_str(&format!("%{octet:02X}")));
    };
    let Ok(text) = std::str::from_utf8(part) else {
        for octet in part {
            match octet {
                b'_' | b'-' => out.push(char::from(*octet)),
                _ if octet.is_ascii_alphanumeric() => out.push(char::from(*octet)),
                _ => hexadecimal(&[*octet], &mut out),
            }
        }
        return out;
    };
    for (at, character) in text.char_indices() {
        let is_inside = at > 0 && at + 1 < text.len();
        if character.is_alphanumeric() || matches!(character, '_' | '-') || (character == ' ' && is_inside) {
            out.push(character);
        } else {
            hexadecimal(&part[at..at + character.len_utf8()], &mut out);
        }
    }
    out
}

/// A directory name that is not taken for one of the Maildir's own.
fn untaken(part: String) -> String {
    let lower = part.to_ascii_lowercase();
    let is_taken = TAKEN.contains(&lower.as_str())
        || TAKEN_BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning));
    match part.as_bytes().first() {
        Some(first) if is_taken => format!("%{first:02X}{}", &part[1..]),
        _ => part,
    }
}

/// A name that a file can have: if it is too long, its beginning and a hash of the whole name.
fn shorten(name: String, whole: &[u8]) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let end = (0..=LONGEST - 18).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    let hash: [u8; 32] = Sha256::digest(whole).into();
    format!("{}%~{}", &name[..end], hex(&hash[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn name(parts: &[&[u8]]) -> FolderName {
        FolderName { octets: parts.join(&b'/'), parts: parts.iter().map(|part| part.to_vec()).collect() }
    }

    #[test]
    fn a_harmless_name_stays_as_it_is() {
        let folder = name(&[b"Work", "Büro 2024".as_bytes()]);
        assert_eq!(spell(&folder, Layout::Subfolders), ".Work.Büro 2024");
        assert_eq!(spell(&folder, Layout::Nested), "Work/Büro 2024");
        assert_eq!(spell(&folder, Layout::Mboxes), "Work/Büro 2024.mbox");
        let inbox = name(&[]);
        assert_eq!([Layout::Subfolders, Layout::Nested].map(|layout| spell(&inbox, layout)), ["", ""]);
        assert_eq!(spell(&inbox, Layout::Mboxes), "INBOX.mbox");
        assert_eq!(numbered(".Work", 2), ".Work-2");
        assert_eq!(numbered("Work/A.mbox", 3), "Work/A-3.mbox");
    }

    #[test]
    fn no_name_leads_out_of_the_root_or_is_taken_for_something_else() {
        let parts: [&[u8]; 28] = [
            b"..",
            b".",
            b"",
            b"/",
            b"a/b",
            b"a.b",
            b"~root",
            b"cur",
            b"CUR",
            b"new",
            b"tmp",
            b"dovecot-uidlist",
            b"Dovecot.index",
            b"courierimapkeywords",
            b"maildirfolder",
            b"subscriptions",
            b" x ",
            b"x.",
            b"%",
            b"%2E",
            b"a\nb",
            b"\x1b[2J",
            b"\xff\xfe",
            "e\u{301}".as_bytes(),
            "é".as_bytes(),
            b":2,S",
            b"\\",
            b"*",
        ];
        for layout in [Layout::Subfolders, Layout::Nested, Layout::Mboxes] {
            let mut spelt = HashSet::new();
            for one in parts {
                for folder in [name(&[one]), name(&[b"A", one]), name(&[one, b"A"])] {
                    let path = spell(&folder, layout);
                    for piece in path.split('/') {
                        assert!(!["", ".", ".."].contains(&piece), "{path}");
                        assert!(layout == Layout::Mboxes || !TAKEN.contains(&piece), "{path}");
                        assert!(layout == Layout::Subfolders || !piece.starts_with('.'), "{path}");
                        assert!(
                            !piece.bytes().any(|octet| octet.is_ascii_control() || octet == b':'),
                            "{path}"
                        );
                    }
                    assert!(spelt.insert(path.clone()), "twice: {path}");
                }
            }
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_and_stays_unique() {
        let (one, other) = ("ü".repeat(300) + "1", "ü".repeat(300) + "2");
        for layout in [Layout::Subfolders, Layout::Nested, Layout::Mboxes] {
            let spelt = [&one, &other].map(|part| spell(&name(&[part.as_bytes()]), layout));
            assert_ne!(spelt[0], spelt[1]);
            assert!(spelt.iter().all(|path| path.len() <= LONGEST + 5), "{spelt:?}");
        }
    }
}
