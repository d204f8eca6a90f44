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
    mbox.begin(&Subject { identity: &identity, tag: 3, wire_size: Some(9), number: 1 }).unwrap();
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
fn messages_stand_as_mboxrd_and_are_found_where_the_proof_says() {
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
fn a_message_beyond_the_budget_goes_straight_to_the_mbox_and_leaves_nothing_if_dropped() {
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
    assert_eq!(
        delivered.iter().map(|one| one.identity().uid()).collect::<Vec<_>>(),
        [&b"small"[..], b"large"]
    );
    let stored = messages(&home.octets());
    assert!(stored.len() == 2 && stored[1] == large);
    ledger.record(delivered, Afterwards::Keep).unwrap();
    assert!(ledger.intents_for(mbox.key()).is_empty());
}

/// Commits three messages and kills the run before it records them.
fn killed() -> (MboxHome, Vec<u8>, Vec<u64>) {
    let home = MboxHome::new();
    std::fs::write(home.path(), "From a b\n\nthere before").unwrap();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    for n in 0..3 {
        let content =
            format!("Subject: {n}\n\nFrom the body of {n}, which had it From somebody\n{}\n", "x".repeat(99));
        put(&mut mbox, &mut ledger, &n.to_string(), content.as_bytes());
    }
    let delivered = mbox.commit(&mut ledger).unwrap();
    let offsets = delivered.iter().map(|one| match one.place() {
        Place::Mbox { offset, .. } => *offset,
        other => panic!("{other:?}"),
    });
    let offsets = offsets.collect();
    let octets = home.octets();
    (home, octets, offsets)
}

fn uids(ledger: &Ledger) -> Vec<&'static str> {
    ["0", "1", "2"].into_iter().filter(|uid| !ledger.lookup(uid.as_bytes()).is_empty()).collect()
}

#[test]
fn after_a_kill_at_any_octet_whole_messages_count_and_the_torn_one_goes() {
    let (home, octets, offsets) = killed();
    let state = std::fs::read(home.ledger().path()).unwrap();
    let before = b"From a b\n\nthere before".len();
    for end in before..=octets.len() {
        for hole in [0, 1, 40] {
            let mut left = octets[..end].to_vec();
            // What a power cut did not get to write reads as NUL.
            let from = left.len().saturating_sub(hole).max(before);
            left[from..].fill(0);
            std::fs::write(home.path(), left).unwrap();
            std::fs::write(home.ledger().path(), &state).unwrap();
            let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
            let recovery = mbox.recover(&mut ledger).unwrap();
            let ends = [offsets[1], offsets[2], octets.len() as u64];
            let whole = ends.iter().filter(|place| **place <= from as u64).count();
            let place = if whole == 0 { before } else { ends[whole - 1] as usize };
            assert_eq!(recovery.accepted, whole, "{end} {hole}");
            assert_eq!(home.octets(), octets[..place], "{end} {hole}");
            assert_eq!(uids(&ledger), ["0", "1", "2"][..whole]);
            assert!(ledger.intents_for(mbox.key()).is_empty());
            assert_eq!(mbox.recover(&mut ledger).unwrap(), Recovery::default(), "once");
        }
    }
}

#[test]
fn mail_of_another_program_is_untouched_wherever_our_append_was_torn() {
    let (home, octets, offsets) = killed();
    let state = std::fs::read(home.ledger().path()).unwrap();
    let before = b"From a b\n\nthere before".len();
    for end in before..=octets.len() {
        for lead in ["", "\n", "\n\n"] {
            let left = [&octets[..end], lead.as_bytes(), FOREIGN.as_bytes()].concat();
            std::fs::write(home.path(), &left).unwrap();
            std::fs::write(home.ledger().path(), &state).unwrap();
            let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
            let recovery = mbox.recover(&mut ledger).unwrap();
            let now = home.octets();
            assert!(now.ends_with(FOREIGN.as_bytes()), "{end} {lead:?}");
            assert!(now.starts_with(&octets[..before]), "{end} {lead:?}");
            let ends = [offsets[1], offsets[2], octets.len() as u64];
            // The last line ends may be the other program's: the same octets, so the same message.
            let whole = ends.iter().filter(|place| **place <= (end + lead.len()) as u64).count();
            assert!(recovery.accepted <= whole && recovery.left.is_empty(), "{end} {lead:?} {recovery:?}");
            assert!(recovery.accepted >= ends.iter().filter(|place| **place <= end as u64).count());
            // Nothing glued: the one from before, the accepted ones, then theirs, and no half message.
            let glued = end <= before && lead.is_empty();
            let found = now.split(|octet| *octet == b'\n').filter(|line| line.starts_with(b"From ")).count();
            assert_eq!(found, 1 + recovery.accepted + usize::from(!glued), "{end} {lead:?}");
        }
    }
}

#[test]
fn a_mailbox_that_was_changed_or_cut_since_is_left_alone() {
    let (home, octets, _) = killed();
    let before = b"From a b\n\nthere before".len();
    for left in [
        &b""[..],
        b"From a b\n\n",
        &octets[..before],
        &[&octets[..before], b"\n\nFrom x@y whatever\n"].concat(),
    ] {
        let state = std::fs::read(home.ledger().path()).unwrap();
        std::fs::write(home.path(), left).unwrap();
        let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
        let recovery = mbox.recover(&mut ledger).unwrap();
        assert_eq!((recovery, home.octets()), (Recovery::default(), left.to_vec()));
        std::fs::write(ledger.path(), state).unwrap();
    }
}

#[test]
fn a_large_message_that_was_killed_on_its_way_is_cut_off() {
    let home = MboxHome::new();
    std::fs::write(home.path(), FOREIGN).unwrap();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    begin(&mut mbox, "large");
    mbox.write(&mut ledger, &b"x y z\n".repeat(BUDGET / 4)).unwrap();
    let torn = home.octets();
    drop((ledger, mbox));
    for tail in ["", "\nFrom later@mail Thu Jan  1 00:00:00 1970\n\nbody\n\n"] {
        std::fs::write(home.path(), [&torn, tail.as_bytes()].concat()).unwrap();
        let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
        // The intent was dropped with the run; it is made anew as it was.
        if ledger.intents_for(mbox.key()).is_empty() {
            let head = torn[FOREIGN.len()..FOREIGN.len() + 60].to_vec();
            let part = Part {
                uid: b"large"[..].into(),
                copy: 0,
                wire_size: None,
                from_line: memchr::memchr(b'\n', &head).unwrap() as u64 + 1,
                body: None,
                sha256: None,
                head: head.into(),
            };
            let key = mbox.key().to_vec();
            ledger.intend(&key, (FOREIGN.len() as u64, 0), vec![part], None).unwrap();
        }
        let recovery = mbox.recover(&mut ledger).unwrap();
        if tail.is_empty() {
            assert_eq!(home.octets(), FOREIGN.as_bytes());
            assert_eq!(recovery.removed, (torn.len() - FOREIGN.len()) as u64);
        } else {
            assert!(home.octets().ends_with(tail.as_bytes()), "theirs is whole");
            assert_eq!(recovery.left, [(home.path(), FOREIGN.len() as u64)]);
        }
    }
}

#[test]
fn a_held_lock_of_any_kind_is_waited_for_and_then_reported() {
    for kind in ["dotlock", "flock"] {
        let home = MboxHome::new();
        let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
        let lock = home.dir.path().join("mbox.lock");
        let file = std::fs::File::open(home.path()).unwrap();
        match kind {
            "dotlock" => std::fs::write(&lock, format!("{}\n", std::process::id())).unwrap(),
            _ => file.lock().unwrap(),
        }
        mbox.waits = WaitLimits::of(Duration::ZERO);
        put(&mut mbox, &mut ledger, "1", b"x\n");
        let error = mbox.commit(&mut ledger).expect_err(kind);
        assert_eq!(error.kind().exit().code(), 75, "{kind}: {error}");
        assert_eq!((home.octets().len(), mbox.staged()), (0, Staged::default()), "{kind}");
        mbox.waits = WaitLimits::of(WAIT);
        let release = std::thread::spawn(move || match kind {
            "dotlock" => std::fs::remove_file(lock).unwrap(),
            _ => file.unlock().unwrap(),
        });
        put(&mut mbox, &mut ledger, "1", b"x\n");
        assert_eq!(mbox.commit(&mut ledger).unwrap().len(), 1, "{kind}");
        release.join().unwrap();
    }
}

#[test]
fn an_fcntl_lock_of_another_process_is_respected() {
    let home = MboxHome::new();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    // No program with lockf is at hand everywhere; python3 is on every build machine.
    let script = "import fcntl,sys\nf=open(sys.argv[1],'r+')\nfcntl.lockf(f,fcntl.LOCK_EX)\nprint(flush=True)\nsys.stdin.read()";
    let child = std::process::Command::new("python3")
        .args(["-c", script, home.path().to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return eprintln!("SKIPPED: no python3") };
    let mut ready = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
    mbox.waits = WaitLimits::of(Duration::ZERO);
    put(&mut mbox, &mut ledger, "1", b"x\n");
    assert!(matches!(mbox.commit(&mut ledger), Err(StoreError::Locked { .. })));
    drop(child.stdin.take());
    child.wait().unwrap();
    mbox.waits = WaitLimits::of(WAIT);
    put(&mut mbox, &mut ledger, "1", b"x\n");
    assert_eq!(mbox.commit(&mut ledger).unwrap().len(), 1);
}

#[test]
fn a_dotlock_of_a_killed_run_is_removed_even_where_nothing_is_left_to_settle() {
    let home = MboxHome::new();
    let (mut mbox, mut ledger) = (home.mbox(), home.ledger());
    let lock = home.dir.path().join("mbox.lock");
    std::fs::write(&lock, "2147483647\n").unwrap();
    mbox.recover(&mut ledger).unwrap();
    assert!(!lock.exists());
    std::fs::write(&lock, format!("{}\n", std::process::id())).unwrap();
    mbox.recover(&mut ledger).unwrap();
    assert!(lock.exists(), "one whose owner lives stays");
}

#[test]
fn a_dotlock_whose_content_a_power_cut_took_does_not_block_if_it_is_ours() {
    use std::os::unix::fs::PermissionsExt;
    let home = MboxHome::new();
    let lock = home.dir.path().join("mbox.lock");
    let short = WaitLimits::of(Duration::ZERO);
    for content in ["", "\0\0\0"] {
        std::fs::write(&lock, content).unwrap();
        std::fs::set_permissions(&lock, std::fs::Permissions::from_mode(0o644)).unwrap();
        home.mbox();
        assert!(matches!(lock::lock(&home.path(), &short), Err(StoreError::Locked { .. })), "{content:?}");
        std::fs::set_permissions(&lock, std::fs::Permissions::from_mode(0o645)).unwrap();
        lock::lock(&home.path(), &short).unwrap();
        assert!(!lock.exists());
    }
}

#[test]
fn a_dotlock_that_is_left_over_does_not_block() {
    let home = MboxHome::new();
    let lock = home.dir.path().join("mbox.lock");
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for content in [format!("{}\n", gone.id()), format!("{}\n{host}\npostie\n", std::process::id())] {
        std::fs::write(&lock, content).unwrap();
        let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
        put(&mut mbox, &mut ledger, "1", b"x\n");
        let delivered = mbox.commit(&mut ledger).unwrap();
        ledger.record(delivered, Afterwards::Keep).unwrap();
        assert!(!lock.exists());
    }
    std::fs::write(&lock, "").unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::options().write(true).open(&lock).unwrap().set_modified(old).unwrap();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    put(&mut mbox, &mut ledger, "1", b"x\n");
    assert_eq!(mbox.commit(&mut ledger).unwrap().len(), 1);
}

#[test]
fn threads_that_deliver_to_one_mbox_never_interleave() {
    let home = MboxHome::new();
    drop(home.mbox());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let home = &home;
            scope.spawn(move || {
                let key = AccountKey::new("pop3", "h", thread, "u");
                let state = home.dir.path().join("state");
                let mut ledger = Ledger::open(&state, &key, Duration::ZERO, &|| false).unwrap();
                let mut mbox = Mbox::open(&home.path(), WaitLimits::of(Duration::from_secs(60))).unwrap();
                for n in 0..10 {
                    let content = format!("{thread} {n}\n").repeat(2000);
                    put(&mut mbox, &mut ledger, &format!("{thread}.{n}"), content.as_bytes());
                    let delivered = mbox.commit(&mut ledger).unwrap();
                    ledger.record(delivered, Afterwards::Keep).unwrap();
                }
            });
        }
    });
    let stored = messages(&home.octets());
    assert_eq!(stored.len(), 40);
    for message in stored {
        let line = message.split_inclusive(|octet| *octet == b'\n').next().unwrap();
        assert_eq!(message, line.repeat(2000));
    }
}

#[test]
fn a_file_that_replaced_the_mbox_is_the_one_that_is_written_to() {
    let home = MboxHome::new();
    let (mut ledger, mut mbox) = (home.ledger(), home.mbox());
    put(&mut mbox, &mut ledger, "1", b"x\n");
    std::fs::write(home.dir.path().join("new"), FOREIGN).unwrap();
    std::fs::rename(home.dir.path().join("new"), home.path()).unwrap();
    mbox.commit(&mut ledger).unwrap();
    assert!(home.octets().starts_with(FOREIGN.as_bytes()) && home.octets().len() > FOREIGN.len());
}

#[test]
fn what_is_no_mbox_of_the_users_is_refused_and_checking_makes_nothing() {
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
fn what_could_not_be_appended_never_is() {
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
