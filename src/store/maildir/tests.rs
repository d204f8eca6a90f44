use super::*;
use crate::store::fingerprint::ContentHash;
use crate::store::identity::AccountKey;
use crate::store::ledger::Afterwards;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

struct MaildirHome {
    dir: tempfile::TempDir,
}

impl MaildirHome {
    fn new() -> Self {
        MaildirHome { dir: tempfile::tempdir().unwrap() }
    }

    fn key() -> AccountKey {
        AccountKey::new("pop3", "h", 1, "u")
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&self.dir.path().join("state"), &Self::key(), Duration::from_secs(60), &|| false)
            .unwrap()
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("Mail")
    }

    fn maildir(&self) -> Maildir {
        Maildir::open(&self.path(), &Self::key()).unwrap()
    }

    fn files(&self, part: &str) -> Vec<String> {
        let dir = std::fs::read_dir(self.path().join(part)).unwrap();
        dir.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn put(maildir: &mut Maildir, ledger: &mut Ledger, uid: &str, size: Option<u64>, content: &[u8]) {
    let identity = MaildirHome::key().identity(uid.as_bytes(), 0);
    maildir
        .begin(&Subject { identity: &identity, tag: 1, wire_size: size, number: 1, details: None })
        .unwrap();
    for piece in content.chunks(1000) {
        maildir.write(ledger, piece).unwrap();
    }
    maildir.finish().unwrap();
}

fn adopt(maildir: &mut Maildir, ledger: &mut Ledger, uid: &str, size: Option<u64>) -> Option<Delivered> {
    let identity = MaildirHome::key().identity(uid.as_bytes(), 0);
    maildir
        .adopt(ledger, &Subject { identity: &identity, tag: 5, wire_size: size, number: 1, details: None })
        .unwrap()
}

#[test]
fn messages_appear_in_new_byte_for_byte_and_private_only_after_a_commit() {
    for count in [1, 2, 3, 40] {
        let place = MaildirHome::new();
        let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
        let content: Vec<u8> = (0..200_000u32).map(|n| (n % 253) as u8).collect();
        for n in 0..count {
            put(&mut maildir, &mut ledger, &n.to_string(), Some(9), &content[n..]);
        }
        assert_eq!(maildir.staged().count, count);
        assert!(place.files("new").is_empty());
        let delivered = maildir.commit(&mut ledger).unwrap();
        assert_eq!((delivered.len(), place.files("new").len(), place.files("tmp").len()), (count, count, 0));
        for (n, one) in delivered.iter().enumerate() {
            let Place::Maildir(path) = one.place() else { panic!("a file") };
            assert!(std::fs::read(path).unwrap() == content[n..]);
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600);
            assert_eq!(one.size(), (content.len() - n) as u64);
            assert_eq!(one.sha256()[..], Sha256::digest(&content[n..])[..]);
            assert!(path.is_absolute() && path.to_str().unwrap().contains(&one.identity.key()));
        }
        assert_eq!(maildir.staged(), Staged::default());
    }
}

#[test]
fn a_message_that_is_dropped_leaves_nothing() {
    let place = MaildirHome::new();
    let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
    let identity = MaildirHome::key().identity(b"1", 0);
    maildir
        .begin(&Subject { identity: &identity, tag: 0, wire_size: None, number: 1, details: None })
        .unwrap();
    maildir.write(&mut ledger, &[b'x'; 100_000]).unwrap();
    assert_eq!(place.files("tmp").len(), 1);
    maildir.discard();
    assert!(place.files("tmp").is_empty());
    put(&mut maildir, &mut ledger, "2", None, b"whole");
    maildir.rollback();
    assert!(place.files("tmp").is_empty() && maildir.commit(&mut ledger).unwrap().is_empty());
    put(&mut maildir, &mut ledger, "3", None, b"whole");
    drop(maildir);
    assert!(place.files("tmp").is_empty() && place.files("new").is_empty());
}

#[test]
fn the_same_message_twice_is_two_files() {
    let place = MaildirHome::new();
    let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
    for content in [b"first", b"again"] {
        put(&mut maildir, &mut ledger, "1", None, content);
    }
    maildir.commit(&mut ledger).unwrap();
    assert_eq!(place.files("new").len(), 2);
}

/// How often this content is found again that was stored under an earlier UIDVALIDITY.
fn times_found(ledger: &mut Ledger, content: &[u8]) -> usize {
    let mut hash = ContentHash::default();
    hash.push(content);
    let hashes = hash.finish();
    std::iter::from_fn(|| ledger.take_former(&hashes).unwrap()).count()
}

#[test]
fn messages_of_a_killed_run_are_found_once_by_content_after_the_uidvalidity_changed() {
    for moved in [false, true] {
        let place = MaildirHome::new();
        let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
        ledger.begin_validity(7).unwrap();
        for content in [&b"recorded"[..], b"stored", b"stored", b"other"] {
            let identity = ledger.identity(&[content, &[maildir.count as u8]].concat(), 0);
            let subject = Subject { identity: &identity, tag: 1, wire_size: None, number: 1, details: None };
            maildir.begin(&subject).unwrap();
            maildir.write(&mut ledger, content).unwrap();
            maildir.finish().unwrap();
            let delivered = maildir.commit(&mut ledger).unwrap();
            if content == b"recorded" {
                ledger.record(delivered, Afterwards::Keep).unwrap();
            }
        }
        // Killed here: three are stored and not recorded.
        drop((ledger, maildir));
        if moved {
            for name in place.files("new") {
                let from = place.path().join("new").join(&name);
                std::fs::rename(from, place.path().join("cur").join(format!("{name}:2,S"))).unwrap();
            }
        }
        // Each run but the last is killed too, before it has fetched anything.
        for validity in [8, 9, 10, 7] {
            let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
            maildir.recover(&mut ledger).unwrap();
            maildir.end_validity(&mut ledger).unwrap();
            ledger.begin_validity(validity).unwrap();
            let found = [&b"recorded"[..], b"stored", b"other", b"none"]
                .map(|content| times_found(&mut ledger, content));
            assert_eq!(found, [1, 2, 1, 0], "{moved} {validity}");
        }
    }
}

#[test]
fn a_message_of_a_killed_run_is_adopted_once_even_if_a_reader_moved_it() {
    for moved in [false, true] {
        let place = MaildirHome::new();
        let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
        put(&mut maildir, &mut ledger, "recorded", Some(8), b"recorded");
        let first = maildir.commit(&mut ledger).unwrap();
        ledger.record(first, Afterwards::Keep).unwrap();
        put(&mut maildir, &mut ledger, "stored", Some(6), b"stored");
        put(&mut maildir, &mut ledger, "other", Some(5), b"other");
        maildir.commit(&mut ledger).unwrap();
        // Killed here: neither recorded nor closed.
        drop((ledger, maildir));
        if moved {
            for name in place.files("new") {
                let from = place.path().join("new").join(&name);
                std::fs::rename(from, place.path().join("cur").join(format!("{name}:2,S"))).unwrap();
            }
        }
        let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
        assert!(adopt(&mut maildir, &mut ledger, "recorded", Some(8)).is_none(), "recorded already");
        assert!(
            adopt(&mut maildir, &mut ledger, "stored", Some(7)).is_none(),
            "another size, another message"
        );
        assert!(adopt(&mut maildir, &mut ledger, "unknown", None).is_none());
        let one = adopt(&mut maildir, &mut ledger, "stored", Some(6)).unwrap();
        assert_eq!((one.size(), one.tag(), one.sha256()[..] == Sha256::digest(b"stored")[..]), (6, 5, true));
        assert!(adopt(&mut maildir, &mut ledger, "stored", Some(6)).is_none(), "once");
        ledger.record(vec![one], Afterwards::Keep).unwrap();
        ledger.close().unwrap();
        // The third run finds what the second did not ask for.
        let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
        let other = adopt(&mut maildir, &mut ledger, "other", None).unwrap();
        ledger.record(vec![other], Afterwards::Keep).unwrap();
        ledger.close().unwrap();
        let ledger = place.ledger();
        assert!(ledger.unclosed(&place.maildir().unrecorded.destination()).is_none(), "settled");
    }
}

#[test]
fn a_run_that_ended_well_leaves_nothing_to_adopt() {
    let place = MaildirHome::new();
    let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
    put(&mut maildir, &mut ledger, "1", None, b"x");
    let delivered = maildir.commit(&mut ledger).unwrap();
    ledger.record(delivered, Afterwards::Keep).unwrap();
    ledger.close().unwrap();
    let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
    assert!(adopt(&mut maildir, &mut ledger, "1", None).is_none());
}

#[test]
fn a_run_that_could_not_record_a_message_stays_open_after_close() {
    let place = MaildirHome::new();
    let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
    put(&mut maildir, &mut ledger, "1", None, b"x");
    maildir.commit(&mut ledger).unwrap();
    ledger.close().unwrap();
    let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
    assert!(adopt(&mut maildir, &mut ledger, "1", None).is_some());
}

#[test]
fn leftovers_of_this_account_are_removed_and_no_others() {
    let place = MaildirHome::new();
    let mut maildir = place.maildir();
    let tmp = place.path().join("tmp");
    std::fs::write(tmp.join(format!("{}123.4.5", maildir.prefix)), "half").unwrap();
    std::fs::write(tmp.join("1700000000.M1P1.host"), "another program's").unwrap();
    let recovery = maildir.recover(&mut place.ledger()).unwrap();
    assert_eq!((recovery.removed, place.files("tmp")), (4, vec!["1700000000.M1P1.host".to_owned()]));
}

#[test]
fn a_failed_commit_shows_nothing_and_leaves_nothing() {
    let place = MaildirHome::new();
    let (mut ledger, mut maildir) = (place.ledger(), place.maildir());
    put(&mut maildir, &mut ledger, "1", None, b"one");
    put(&mut maildir, &mut ledger, "2", None, b"two");
    // The second file vanishes, as on a file system that went away.
    let gone = &maildir.staged[1].name;
    std::fs::remove_file(place.path().join("tmp").join(gone)).unwrap();
    assert!(matches!(maildir.commit(&mut ledger), Err(StoreError::Io { .. })));
    assert!(place.files("new").is_empty() && place.files("tmp").is_empty());
    assert_eq!(maildir.staged(), Staged::default());
}

#[test]
fn a_path_that_is_not_a_maildir_is_refused_and_checking_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("file"), "").unwrap();
    std::fs::create_dir(at("real")).unwrap();
    symlink(at("real"), at("link")).unwrap();
    std::fs::create_dir(at("half")).unwrap();
    std::fs::write(at("half/new"), "").unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    // With a slash behind it the name is that of the directory to which the link leads; it is the same link.
    for name in ["file", "link", "link/", "link//", "fifo", "half", "no/parent", "file/below"] {
        let error = Maildir::open(&at(name), &MaildirHome::key()).expect_err(name);
        assert_eq!(error.kind().exit().code(), 73, "{name}: {error}");
        assert!(Maildir::check(&at(name)).is_err(), "{name}");
    }
    Maildir::check(&at("new one")).unwrap();
    assert!(!at("new one").exists());
    Maildir::open(&at("new one"), &MaildirHome::key()).unwrap();
    Maildir::check(&at("new one")).unwrap();
    for part in ["", "tmp", "new", "cur"] {
        let mode = std::fs::metadata(at("new one").join(part)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
    }
    assert!(Path::new(&at("real")).exists());
}
