//! Which of an account's folders are wanted. Pure: no I/O.

use crate::account::FolderChoice;
use crate::account::folders::is_pattern;
use crate::codec::imap::{MailboxName, utf7};
use crate::imap::{Counts, Folder};
use crate::store::FolderName;

/// A folder that is wanted.
#[derive(Clone, Debug)]
pub(super) struct WantedFolder {
    pub name: MailboxName,
    /// Its name for places on disk.
    pub parts: FolderName,
    /// What LIST told of it.
    pub counts: Counts,
    /// Whether the server listed it.
    pub is_listed: bool,
}

impl WantedFolder {
    fn of(folder: &Folder) -> Self {
        let parts = FolderName { octets: folder.name.octets().to_vec(), parts: folder.parts() };
        WantedFolder { name: folder.name.clone(), parts, counts: folder.counts, is_listed: true }
    }

    /// A folder that the server did not list and may have all the same.
    fn unlisted(name: &str) -> Option<Self> {
        let own = MailboxName::new(utf7::encode(name))?;
        let parts = FolderName { octets: own.octets().to_vec(), parts: vec![name.as_bytes().to_vec()] };
        Some(WantedFolder { name: own, parts, counts: Counts::default(), is_listed: false })
    }
}

/// The wanted folders, the inbox first, else in the server's order; and the patterns that no folder fits.
pub(super) fn choose(listed: &[Folder], choice: &FolderChoice) -> (Vec<WantedFolder>, Vec<String>) {
    let mut places: Vec<usize> = Vec::new();
    let (mut unlisted, mut unmatched) = (Vec::new(), Vec::new());
    match choice {
        FolderChoice::All => places.extend((0..listed.len()).filter(|at| is_own_mail(&listed[*at]))),
        FolderChoice::Named(names) => {
            for name in names {
                let before = places.len();
                let fits = |at: &usize| !listed[*at].uses.no_select && fits(name, &listed[*at]);
                places.extend((0..listed.len()).filter(fits));
                match places.len() == before {
                    true if is_pattern(name) => unmatched.push(name.clone()),
                    true => unlisted.extend(WantedFolder::unlisted(name)),
                    false => {}
                }
            }
        }
    }
    places.sort_by_key(|at| (!listed[*at].name.is_inbox(), *at));
    places.dedup();
    let mut wanted: Vec<WantedFolder> = places.into_iter().map(|at| WantedFolder::of(&listed[at])).collect();
    wanted.extend(unlisted);
    (wanted, unmatched)
}

/// Whether it holds mail of the user's own that is in no other folder.
fn is_own_mail(folder: &Folder) -> bool {
    let uses = folder.uses;
    !(uses.no_select || uses.all || uses.junk || uses.trash || folder.is_foreign)
}

/// Whether a name, or a pattern, is that of a folder.
fn fits(pattern: &str, folder: &Folder) -> bool {
    let name = folder.name.to_string();
    if folder.name.is_inbox() && pattern.eq_ignore_ascii_case("INBOX") {
        return true;
    }
    let delimiter = folder.delimiter.map(char::from);
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    matches(&pattern, &name, delimiter)
}

/// Whether a pattern matches a name: `*` anything, `%` anything without the delimiter (`RFC 3501 §6.3.8`). Goes back
/// to the last `*` and the last `%` alone, so that no pattern takes long.
fn matches(pattern: &[char], name: &[char], delimiter: Option<char>) -> bool {
    let (mut at, mut of) = (0, 0);
    // Where to go on after a mismatch: behind the wildcard, with the name from there.
    let mut star: Option<(usize, usize)> = None;
    let mut level: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(of), name.get(at)) {
            (None, None) => return true,
            (Some('*'), _) => {
                (star, level) = (Some((of + 1, at)), None);
                of += 1;
                continue;
            }
            (Some('%'), _) => {
                level = Some((of + 1, at));
                of += 1;
                continue;
            }
            (Some(wanted), Some(found)) if wanted == found => {
                (at, of) = (at + 1, of + 1);
                continue;
            }
            _ => {}
        }
        // What `%` stands for takes one more character, unless that is the delimiter; else what `*` stands for does.
        if let Some((behind, from)) = level
            && from < name.len()
            && Some(name[from]) != delimiter
        {
            level = Some((behind, from + 1));
            (of, at) = (behind, from + 1);
        } else if let Some((behind, from)) = star
            && from < name.len()
        {
            (star, level) = (Some((behind, from + 1)), None);
            (of, at) = (behind, from + 1);
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::mailboxes::Uses;

    fn folder(name: &str) -> Folder {
        let name = MailboxName::new(utf7::encode(name)).unwrap();
        let (uses, counts) = (Uses::default(), Counts::default());
        Folder { name, delimiter: Some(b'/'), uses, is_foreign: false, prefix: 0, counts }
    }

    #[test]
    fn patterns_match_as_in_imap() {
        for (pattern, name, wanted) in [
            ("Work", "Work", true),
            ("Work", "work", false),
            ("inbox", "INBOX", true),
            ("*", "a/b/c", true),
            ("%", "a/b", false),
            ("%", "ab", true),
            ("a/%", "a/b", true),
            ("a/%", "a/b/c", false),
            ("a/*", "a/b/c", true),
            ("%/c", "a/b/c", false),
            ("*/c", "a/b/c", true),
            ("*%", "a/b", true),
            ("%*", "a/b", true),
            ("a%c", "abc", true),
            ("a%c", "a/c", false),
            ("*b%", "a/bb/b", true),
            ("*b%c", "b/bxc", true),
            ("t*", "été", false),
            ("é*", "été", true),
            ("ét%", "été", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, &folder(name)), wanted, "{pattern} {name}");
        }
        let long = folder(&"a".repeat(900));
        assert!(!fits(&"*a".repeat(60).replace("aa", "a%a"), &folder("b")));
        assert!(!fits(&format!("{}b", "*a%".repeat(60)), &long), "and soon");
    }

    #[test]
    fn all_folders_are_those_with_mail_of_the_users_own_the_inbox_first() {
        let mut listed: Vec<Folder> =
            ["Sent", "All", "Junk", "Trash", "None", "Shared", "inbox", "Work"].map(folder).to_vec();
        listed[1].uses.all = true;
        listed[2].uses.junk = true;
        listed[3].uses.trash = true;
        listed[4].uses.no_select = true;
        listed[5].is_foreign = true;
        let names = |choice: &FolderChoice| {
            let (wanted, unmatched) = choose(&listed, choice);
            (wanted.iter().map(|one| one.name.to_string()).collect::<Vec<_>>(), unmatched)
        };
        assert_eq!(names(&FolderChoice::All).0, ["inbox", "Sent", "Work"]);
        let named =
            |all: &[&str]| names(&FolderChoice::Named(all.iter().map(|it| (*it).to_owned()).collect()));
        assert_eq!(
            named(&["Work", "%", "Junk"]).0,
            ["inbox", "Sent", "All", "Junk", "Trash", "Shared", "Work"]
        );
        assert_eq!(
            named(&["Nowhere", "No*where"]),
            (vec!["Nowhere".to_owned()], vec!["No*where".to_owned()])
        );
    }
}
