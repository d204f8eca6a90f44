//! Locks, held and left over.

use super::*;

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
fn a_dotlock_of_a_killed_run_is_removed_even_if_nothing_is_left_to_settle() {
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
fn our_dotlock_does_not_block_if_a_power_cut_emptied_it() {
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
fn a_stale_dotlock_does_not_block() {
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
