use super::*;
use std::collections::HashSet;
use std::os::unix::fs::symlink;

const NEVER: &dyn Fn() -> bool = &|| false;

fn folder(name: &str) -> FolderName {
    let parts = name.split('/').map(|part| part.as_bytes().to_vec());
    let parts = if name == "INBOX" { Vec::new() } else { parts.collect() };
    FolderName { octets: name.as_bytes().to_vec(), parts }
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("Mail")
    }

    fn in_layout<T>(&self, layout: Layout, run: impl FnOnce(&FolderPlaces<'_>) -> T) -> T {
        let account = AccountKey::new("imap", "imap.example.org", 993, "ana").folder(b"INBOX");
        let (ledgers, root) = (self.0.path().join("state/ledger"), self.root());
        run(&FolderPlaces { ledgers: &ledgers, account: &account, root: &root, layout })
    }

    /// The paths of folders below the root.
    fn paths(&self, layout: Layout, names: &[&str]) -> Vec<String> {
        let names: Vec<FolderName> = names.iter().map(|name| folder(name)).collect();
        let (looked, made) = self
            .in_layout(layout, |places| (places.look(&names).unwrap(), places.make(&names, NEVER).unwrap()));
        let made: Vec<PathBuf> = made.into_iter().map(Result::unwrap).collect();
        assert_eq!(looked, made, "what is looked up is what is made");
        let below = |path: PathBuf| path.strip_prefix(self.root()).unwrap().to_str().unwrap().to_owned();
        made.into_iter().map(below).collect()
    }
}

#[test]
fn each_folder_gets_its_own_path_and_keeps_it() {
    for (layout, wanted) in [
        (Layout::Subfolders, ["", ".A", ".A.B", ".A%2EB"]),
        (Layout::Nested, ["", "A", "A/B", "A%2EB"]),
        (Layout::Mboxes, ["INBOX.mbox", "A.mbox", "A/B.mbox", "A%2EB.mbox"]),
    ] {
        let home = Home::new();
        let names = ["INBOX", "A", "A/B", "A.B"];
        assert_eq!(home.paths(layout, &names), wanted);
        for path in wanted {
            let path = home.root().join(path);
            match layout {
                Layout::Mboxes => assert_eq!(std::fs::read(&path).unwrap(), b""),
                _ => assert!(["tmp", "new", "cur"].iter().all(|part| path.join(part).is_dir()), "{path:?}"),
            }
        }
        assert_eq!(home.root().join(".A/maildirfolder").exists(), layout == Layout::Subfolders);
        assert!(!home.root().join("maildirfolder").exists());
        let again: Vec<&str> = names.iter().rev().copied().collect();
        assert_eq!(home.paths(layout, &again), wanted.iter().rev().copied().collect::<Vec<_>>());
    }
}

/// Names that spell alike by chance, and a name that looks like what such a collision makes.
#[test]
fn names_that_are_encoded_alike_get_two_paths() {
    let home = Home::new();
    let twins = [("A&-B", &b"A&B"[..]), ("A&B", b"A&B"), ("A&B-2", b"A&B-2")];
    let names: Vec<FolderName> = twins
        .iter()
        .map(|(octets, part)| FolderName { octets: octets.as_bytes().to_vec(), parts: vec![part.to_vec()] })
        .collect();
    for layout in [Layout::Subfolders, Layout::Nested, Layout::Mboxes] {
        let made = home.in_layout(layout, |places| places.make(&names, NEVER).unwrap());
        let made: HashSet<PathBuf> = made.into_iter().map(Result::unwrap).collect();
        assert_eq!(made.len(), 3);
    }
}

/// Two names that the file system takes for one: played by a link, since few file systems fold names.
#[test]
fn names_that_the_file_system_takes_for_one_get_two_paths() {
    let home = Home::new();
    assert_eq!(home.paths(Layout::Nested, &["Work"]), ["Work"]);
    // As it looks where names are folded: both lead to the same directory. A hard link to a file plays it.
    assert_eq!(home.paths(Layout::Mboxes, &["Work"]), ["Work.mbox"]);
    std::fs::hard_link(home.root().join("Work.mbox"), home.root().join("work.mbox")).unwrap();
    home.in_layout(Layout::Mboxes, |places| {
        assert_eq!(places.look(&[folder("work")]).unwrap(), [home.root().join("work-2.mbox")]);
    });
    assert_eq!(home.paths(Layout::Nested, &["work"]), ["work"], "where they are two they stay two");
}

#[test]
fn a_path_of_the_wrong_kind_fails_for_its_folder_only() {
    let home = Home::new();
    std::fs::create_dir_all(home.root()).unwrap();
    symlink("/tmp", home.root().join("A")).unwrap();
    std::fs::write(home.root().join("B"), "").unwrap();
    let names = ["A", "A/x", "B", "B/x", "C/x"].map(folder);
    let made = home.in_layout(Layout::Nested, |places| places.make(&names, NEVER).unwrap());
    let fine: Vec<bool> = made.iter().map(Result::is_ok).collect();
    assert_eq!(fine, [false, false, false, false, true]);
    assert!(!Path::new("/tmp/x").exists() && !Path::new("/tmp/cur").exists());
}

#[test]
fn a_damaged_map_or_one_of_another_root_is_an_error_and_nothing_is_made() {
    let home = Home::new();
    home.paths(Layout::Subfolders, &["A"]);
    let dir = home.0.path().join("state/ledger");
    let map = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let map = map.into_iter().find(|path| path.extension().is_some_and(|it| it == "folders")).unwrap();
    let good = std::fs::read_to_string(&map).unwrap();
    for bad in [
        good[..good.len() / 2].to_owned(),
        good.replace("Mail", "Post"),
        good.replace("\"v\": 1", "\"v\": 2"),
    ] {
        assert_ne!(bad, good);
        std::fs::write(&map, bad).unwrap();
        home.in_layout(Layout::Subfolders, |places| {
            assert!(places.make(&[folder("B")], NEVER).is_err());
            assert!(places.look(&[folder("B")]).is_err());
        });
        assert!(!home.root().join(".B").exists());
    }
}

/// The file is written once for all, before anything is made; then the run may be stopped between any two.
#[test]
fn all_paths_are_noted_before_the_first_folder_is_made() {
    let home = Home::new();
    let names: Vec<FolderName> = (0..100).map(|number| folder(&format!("f{number}"))).collect();
    let dir = home.0.path().join("state/ledger");
    let noted = || {
        let entries = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        let map = entries.into_iter().find(|path| path.extension().is_some_and(|it| it == "folders"));
        map.map_or(0, |map| std::fs::read_to_string(map).unwrap().matches(": \"f").count())
    };
    let asked = std::cell::RefCell::new(Vec::new());
    let stop = || {
        asked.borrow_mut().push(noted());
        asked.borrow().len() > 50
    };
    let made = home.in_layout(Layout::Nested, |places| places.make(&names, &stop));
    assert!(matches!(made, Err(StoreError::Stopped)), "{made:?}");
    assert_eq!(asked.into_inner(), [100; 51]);
    assert!(home.root().join("f49/new").is_dir() && !home.root().join("f50").exists());
}

/// Whether two names are one to the file system is seen only once the first is made.
#[test]
fn a_folder_is_made_before_another_name_of_it_gets_a_path() {
    let home = Home::new();
    let names = ["Work", "x", "work", "y"].map(folder);
    let stop = || {
        // As where names are folded: what is made under one name is there under the other.
        let (one, other) = (home.root().join("Work.mbox"), home.root().join("work.mbox"));
        if one.exists() && !other.exists() {
            std::fs::hard_link(one, other).unwrap();
        }
        false
    };
    let made = home.in_layout(Layout::Mboxes, |places| places.make(&names, &stop)).unwrap();
    let made: Vec<PathBuf> = made.into_iter().map(Result::unwrap).collect();
    assert_eq!(made, ["Work", "x", "work-2", "y"].map(|name| home.root().join(format!("{name}.mbox"))));
}
