mod locks;
mod recovery;

use super::*;
use crate::store::identity::AccountKey;
use crate::store::ledger::Afterwards;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

const FOREIGN: &str =
    "From other@program Thu Jan  1 00:00:00 1970\nSubject: theirs\n\nMine, From here on\n\n";

/// A child that another test starts holds our locks for a moment, until it runs its program.
const WAIT: Duration = Duration::from_secs(60);

struct MboxHome {
    dir: tempfile::TempDir,
}

impl MboxHome {
    fn new() -> Self {
        // In memory where that can be had: thousands of barriers are tried here.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        MboxHome { dir: dir.unwrap() }
    }

    fn key() -> AccountKey {
        AccountKey::new("pop3", "h", 1, "u")
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&self.dir.path().join("state"), &Self::key(), WAIT, &|| false).unwrap()
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("mbox")
    }

    fn mbox(&self) -> Mbox {
        Mbox::open(&self.path(), WaitLimits::of(WAIT)).unwrap()
    }

    fn octets(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    fn names(&self) -> usize {
        std::fs::read_dir(self.dir.path()).unwrap().count()
    }
}

fn begin(mbox: &mut Mbox, uid: &str) {
    let identity = MboxHome::key().identity(uid.as_bytes(), 0);
    mbox.begin(&Subject { identity: &identity, tag: 3, wire_size: Some(9), number: 1, details: None })
        .unwrap();
}

fn put(mbox: &mut Mbox, ledger: &mut Ledger, uid: &str, content: &[u8]) {
    begin(mbox, uid);
    mbox.write(ledger, content).unwrap();
    mbox.finish().unwrap();
}

/// The messages of an mbox as the format says, each without From_ line and blank line, unquoted.
fn messages(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let octets = octets.strip_prefix(b"\n").unwrap_or(octets);
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b"From ") {
            messages.push(Vec::new());
            continue;
        }
        let quotes = line.iter().take_while(|octet| **octet == b'>').count();
        let skip = usize::from(quotes > 0 && line[quotes..].starts_with(b"From "));
        messages.last_mut().expect("a From_ line first").extend_from_slice(&line[skip..]);
    }
    for message in &mut messages {
        assert!(message.ends_with(b"\n"), "a blank line ends each message");
        message.pop();
    }
    messages
}

#[test]
fn messages_are_stored_as_mboxrd_at_the_offset_that_the_proof_names() {
    for before in ["", "From a b\n\nx\n\n", "From a b\n\nx\n", "From a b\n\nx", "\n"] {
        let home = MboxHome::new();
        std::fs::write(home.path(), before).unwrap();
        let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
        let contents: [&[u8]; 4] =
            [b"Return-Path: <a@b>\n\nFrom x\n", b"", b"no line end", b"S: x\n\n>From y\n\0\r\n"];
        for (n, content) in contents.iter().enumerate() {
            put(&mut mbox, &mut ledger, &n.to_string(), content);
        }
        assert_eq!(home.octets(), before.as_bytes(), "nothing before the commit");
        let delivered = mbox.commit(&mut ledger).unwrap();
        let octets = home.octets();
        let stored = messages(&octets);
        let ours = &stored[stored.len() - 4..];
        assert_eq!(ours[0], contents[0]);
        assert_eq!(ours[1], b"");
        assert_eq!(ours[2], b"no line end\n");
        assert_eq!(ours[3], contents[3]);
        for (one, message) in delivered.iter().zip(ours) {
            let Place::Mbox { offset, .. } = one.place() else { panic!("an mbox") };
            let there = &octets[*offset as usize..];
            assert!(there.starts_with(b"From "));
            assert!(*offset == 0 || octets[..*offset as usize].ends_with(b"\n"));
            // The sum is of the message, not of its quoted form.
            assert_eq!(one.size(), message.len() as u64);
            assert_eq!(one.sha256()[..], Sha256::digest(message)[..]);
        }
        assert_eq!(ledger.record(delivered, Afterwards::Keep).unwrap().len(), 4);
        assert!(ledger.intents_for(mbox.key()).is_empty());
        assert_eq!(home.names(), 2, "no lock file stays");
    }
}

#[test]
fn a_large_message_goes_straight_to_the_mbox_and_leaves_nothing_if_dropped() {
    let home = MboxHome::new();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    let large: Vec<u8> = b"From quoted\nline\n".repeat(BUDGET / 8);
    put(&mut mbox, &mut ledger, "small", b"small\n");
    begin(&mut mbox, "dropped");
    mbox.write(&mut ledger, &large).unwrap();
    assert!(home.octets().len() > BUDGET, "it is on its way");
    assert!(home.dir.path().join("mbox.lock").exists());
    mbox.discard();
    assert!(!home.dir.path().join("mbox.lock").exists());
    assert_eq!(messages(&home.octets()), [b"small\n"]);
    put(&mut mbox, &mut ledger, "large", &large);
    assert!(mbox.due() && mbox.octets.capacity() <= 2 * BUDGET);
    let delivered = mbox.commit(&mut ledger).unwrap();
    assert_eq!(delivered.iter().map(|one| one.identity.uid()).collect::<Vec<_>>(), [&b"small"[..], b"large"]);
    let stored = messages(&home.octets());
    assert!(stored.len() == 2 && stored[1] == large);
    ledger.record(delivered, Afterwards::Keep).unwrap();
    assert!(ledger.intents_for(mbox.key()).is_empty());
}

#[test]
fn the_hashes_of_a_large_message_are_right_wherever_it_is_quoted_and_cut() {
    let filling = |octets: usize| b"a line of some length\n".repeat(octets / 22);
    let early = [b">From \n", &filling(2 * LARGE)[..]].concat();
    let late = [&filling(LARGE)[..], b"\n>>From \nFrom", &filling(5 * LARGE), b"From b\n>From b\n"].concat();
    let last = [&filling(4 * LARGE)[..], b"From b"].concat();
    let held = [&filling(LARGE)[..], b"Fro"].concat();
    for message in [filling(3 * LARGE), early, late, last, held, vec![b'x'; 2 * LARGE]] {
        // Pieces of a length that shares no factor with the lines' end anywhere in one.
        for piece in [message.len(), 64 * 1024, 9973] {
            let home = MboxHome::new();
            let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
            begin(&mut mbox, "1");
            message.chunks(piece).for_each(|octets| mbox.write(&mut ledger, octets).unwrap());
            mbox.finish().unwrap();
            let delivered = mbox.commit(&mut ledger).unwrap();
            let stored = &messages(&home.octets())[0];
            assert_eq!(stored.trim_ascii_end(), message.trim_ascii_end());
            assert_eq!(delivered[0].size(), stored.len() as u64);
            assert_eq!(delivered[0].sha256()[..], Sha256::digest(stored)[..]);
            let intents = ledger.intents_for(mbox.key());
            let part = &intents.last().unwrap().parts[0];
            let body = &home.octets()[part.from_line as usize..][..part.body.unwrap() as usize];
            assert_eq!(part.sha256.unwrap()[..], Sha256::digest(body)[..]);
        }
    }
}

#[test]
fn if_the_mbox_is_replaced_the_new_file_is_written_to() {
    let home = MboxHome::new();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    put(&mut mbox, &mut ledger, "1", b"x\n");
    std::fs::write(home.dir.path().join("new"), FOREIGN).unwrap();
    std::fs::rename(home.dir.path().join("new"), home.path()).unwrap();
    mbox.commit(&mut ledger).unwrap();
    assert!(home.octets().starts_with(FOREIGN.as_bytes()) && home.octets().len() > FOREIGN.len());
}

#[test]
fn a_path_that_is_not_an_mbox_of_the_user_is_refused_and_checking_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::write(at("file"), "precious").unwrap();
    symlink(at("file"), at("symlink")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    std::fs::create_dir(at("dir")).unwrap();
    std::fs::write(at("one"), "").unwrap();
    std::fs::hard_link(at("one"), at("two")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for name in ["symlink", "dangling", "dir", "two", "fifo", "no/parent", "file/below", "/dev/null", "/"] {
        let error = Mbox::open(&at(name), WaitLimits::of(Duration::ZERO)).expect_err(name);
        assert_eq!(error.kind().exit().code(), 73, "{name}: {error}");
        assert!(Mbox::check(&at(name)).is_err(), "{name}");
    }
    assert!(!at("nowhere").exists() && std::fs::read(at("file")).unwrap() == b"precious");
    Mbox::check(&at("new")).unwrap();
    assert!(!at("new").exists());
    Mbox::open(&at("new"), WaitLimits::of(Duration::ZERO)).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(at("new")).unwrap().permissions());
    assert_eq!(mode & 0o7777, 0o600);
    assert!(Path::new(&at("file")).exists());
}

#[test]
fn a_mbox_swapped_for_a_symbolic_link_after_the_check_is_not_followed() {
    let home = MboxHome::new();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    let victim = home.dir.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    std::fs::remove_file(home.path()).unwrap();
    symlink(&victim, home.path()).unwrap();
    put(&mut mbox, &mut ledger, "1", b"x\n");
    assert!(mbox.commit(&mut ledger).is_err());
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn a_message_that_could_not_be_appended_is_not_appended_later() {
    let home = MboxHome::new();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    let lock = home.dir.path().join("mbox.lock");
    std::fs::write(&lock, format!("{}\n", std::process::id())).unwrap();
    mbox.waits = WaitLimits::of(Duration::ZERO);
    put(&mut mbox, &mut ledger, "lost", b"lost\n");
    begin(&mut mbox, "large");
    assert!(mbox.write(&mut ledger, &b"x y z\n".repeat(BUDGET)).is_err());
    mbox.discard();
    assert_eq!(mbox.staged(), Staged::default());
    std::fs::remove_file(lock).unwrap();
    mbox.waits = WaitLimits::of(WAIT);
    put(&mut mbox, &mut ledger, "next", b"next\n");
    assert_eq!(mbox.commit(&mut ledger).unwrap().len(), 1);
    assert_eq!(messages(&home.octets()), [b"next\n"]);
}
