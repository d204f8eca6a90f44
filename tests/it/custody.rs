//! Files, permissions and secrets: postie believes no file that another user can write, runs nothing with
//! another user's rights, and sends no secret to a server that it is not for.

use crate::support::mailbox::Mailbox;
use crate::support::pop3d::{Mode, Pop3d, SECRET};
use crate::support::process::{Run, copy_program};
use crate::support::real::have;
use crate::support::smtpd::Smtpd;
use crate::support::world::World;
use crate::world;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The user nobody.
const MALLORY: u32 = 12_002;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// What postie has stored after a first run: directories, ledger and lock.
fn kept(world: &World) -> Vec<PathBuf> {
    let state = world.path(".local/state/postie");
    let inside = |path: &PathBuf| path.starts_with(&state);
    let kept: Vec<PathBuf> = world.tree().into_iter().filter(inside).collect();
    assert_eq!(kept.len(), 4, "{kept:?}");
    kept
}

/// Every way to use the ledger ends before anything is sent to the server.
#[track_caller]
fn assert_not_believed(world: &World, server: &Pop3d, path: &Path) {
    let sessions = server.journals().len();
    let maildir = world.text("Mail");
    for args in [
        &["fetch", "--delete", "--maildir", &maildir][..],
        &["fetch", "--dry-run"],
        &["fetch", "--mark-seen"],
        &["fetch", "--exec", "cat"],
        &["list"],
    ] {
        let run = world.pop3(server, args[0]).args(&args[1..]);
        let looks = args[0] == "list" || args.contains(&"--dry-run");
        // A run that only reads takes no lock.
        if looks && path.extension().is_some_and(|end| end == "lock") {
            continue;
        }
        let error = run.go().assert_failure(78, "config");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(path.to_str().unwrap()), "it names {}: {message}", path.display());
        assert!(error["hint"].is_string(), "{error}");
    }
    assert_eq!(server.journals().len(), sessions, "nobody was asked");
}

#[test]
fn postie_refuses_its_own_files_if_others_may_write_them() {
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).go().assert_exit(0);
    for path in kept(&world) {
        let own = fs::metadata(&path).unwrap().mode() & 0o7777;
        for more in [0o020, 0o002, 0o022] {
            mode(&path, own | more);
            assert_not_believed(&world, &server, &path);
        }
        // If others can only read it, it can still be believed.
        mode(&path, own | 0o044);
        world.fetch(&server).go().assert_exit(0);
        mode(&path, own);
    }
    assert_eq!(mailbox.messages().len(), 2);
}

#[test]
fn postie_refuses_its_own_files_if_they_belong_to_another_user() {
    let test = "postie_refuses_its_own_files_if_they_belong_to_another_user";
    if !have(test, &["root"]) {
        return;
    }
    let mailbox = Mailbox::with(2);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    world.fetch(&server).go().assert_exit(0);
    for path in kept(&world) {
        chown(&path, Some(MALLORY), None).unwrap();
        assert_not_believed(&world, &server, &path);
        chown(&path, Some(0), Some(MALLORY)).unwrap();
        world.fetch(&server).go().assert_exit(0);
    }
    // A link of another user to a file of the user's.
    let (state, moved) = (world.path(".local/state/postie"), world.path("moved"));
    fs::rename(&state, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &state).unwrap();
    world.fetch(&server).go().assert_exit(0);
    std::os::unix::fs::lchown(&state, Some(MALLORY), None).unwrap();
    assert_not_believed(&world, &server, &state);
    assert_eq!(mailbox.messages().len(), 2);
}

#[test]
fn files_that_postie_makes_are_private_with_any_umask() {
    let (world, server) = (world(), Pop3d::for_mailbox(&Mailbox::with(1)).start());
    world.fetch(&server).under_shell("umask 0").go().assert_exit(0);
    for path in kept(&world) {
        let meta = fs::metadata(&path).unwrap();
        assert_eq!(meta.mode() & 0o7777, if meta.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
}

/// An account `a` whose configuration contains no secret.
fn account(world: &World, server: &Pop3d) -> PathBuf {
    world.config(&format!(
        "[accounts.a]\npassword-file = \"{}\"\nca-file = \"{}\"\n[accounts.a.pop3]\nhost = \"localhost\"\n\
         port = {}\nusername = \"ana\"\n",
        world.text("secret"),
        world.text("ca.pem"),
        server.port()
    ))
}

#[test]
fn configuration_and_secret_files_of_another_user_are_refused() {
    let (world, server) = (world(), Pop3d::for_mailbox(&Mailbox::with(1)).start());
    let config = account(&world, &server);
    let secret = world.path("secret");
    for (path, modes, good) in [
        (&config, &[0o620, 0o602, 0o664, 0o666][..], 0o644),
        (&secret, &[0o620, 0o602, 0o640, 0o604, 0o644, 0o444], 0o600),
    ] {
        for bad in modes {
            mode(path, *bad);
            let error = world.postie(["--json", "list"]).go().assert_failure(78, "config");
            assert!(error["hint"].as_str().unwrap().starts_with("chmod "), "{bad:o}: {error}");
        }
        assert_eq!(server.journals().len(), 0, "nobody was asked");
        mode(path, good);
    }
    world.postie(["--json", "list"]).go().assert_exit(0);
    if !have("configuration_and_secret_files_of_another_user_are_refused", &["root"]) {
        return;
    }
    for path in [&config, &secret] {
        chown(path, Some(MALLORY), None).unwrap();
        world.postie(["--json", "list"]).go().assert_failure(78, "config");
        let edit = world.postie(["--json", "config", "set", "a", "description", "x"]).go();
        assert_eq!(edit.code, Some(if path == &config { 78 } else { 0 }), "{edit:?}");
        chown(path, Some(0), None).unwrap();
    }
}

#[test]
fn a_world_readable_secret_is_accepted_only_in_the_credentials_directory() {
    let (world, server) = (world(), Pop3d::for_mailbox(&Mailbox::with(1)).start());
    // The layout of Kubernetes: world-readable files, reached through two links.
    let secrets = world.path("credentials");
    fs::create_dir_all(secrets.join("..2026_11")).unwrap();
    fs::write(secrets.join("..2026_11/pw"), format!("{SECRET}\n")).unwrap();
    mode(&secrets.join("..2026_11/pw"), 0o444);
    std::os::unix::fs::symlink("..2026_11", secrets.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/pw", secrets.join("pw")).unwrap();
    let list = || {
        let run = world.postie(["--json", "list", "--server", &server.url(), "--ca-file", "ca.pem"]);
        run.env("POSTIE_PASSWORD_FILE", secrets.join("pw"))
    };
    list().env("CREDENTIALS_DIRECTORY", &secrets).go().assert_exit(0);
    let error = list().go().assert_failure(78, "config");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("--password-command") && hint.contains("--password-fd"), "{hint}");
    mode(&secrets.join("..2026_11/pw"), 0o446);
    list().env("CREDENTIALS_DIRECTORY", &secrets).go().assert_failure(78, "config");
}

#[test]
fn set_uid_and_set_gid_runs_are_refused() {
    if !have("set_uid_and_set_gid_runs_are_refused", &["root"]) {
        return;
    }
    let (world, server) = (world(), Pop3d::for_mailbox(&Mailbox::with(1)).start());
    account(&world, &server);
    mode(world.root(), 0o755);
    let copy = world.path("sendmail");
    copy_program(env!("CARGO_BIN_EXE_postie"), &copy);
    chown(&copy, Some(MALLORY), Some(MALLORY)).unwrap();
    for (bits, refused) in [(0o755, false), (0o4755, true), (0o2755, true), (0o6755, true)] {
        mode(&copy, bits);
        let plain = world.path("plain");
        let _ = fs::remove_file(&plain);
        fs::hard_link(&copy, &plain).unwrap();
        let run = |program: &Path| Run::new(program).env("HOME", world.root()).dir(world.root());
        let list = run(&plain).args(["--json", "list"]).go();
        let sent = run(&copy).args(["-t"]).stdin("To: b@example.org\n\nx\n").go();
        if refused {
            list.assert_failure(78, "config");
            assert!(list.out().contains("set-uid"), "{}", list.out());
            sent.assert_exit(78);
            assert!(sent.err().contains("set-uid"), "{}", sent.err());
        } else {
            list.assert_exit(0);
        }
    }
    assert_eq!(server.journals().len(), 1);
}

#[test]
fn a_secret_is_not_sent_to_another_account_s_server() {
    let boxes = [Mailbox::with(1), Mailbox::with(1)];
    let servers = [0, 1].map(|at| Pop3d::for_mailbox(&boxes[at]).start());
    let world = world();
    let config = |secret: &str| {
        let account = |at: usize| {
            format!(
                "[accounts.a{at}]\nca-file = \"{}\"\n{secret}\n[accounts.a{at}.pop3]\nhost = \"localhost\"\n\
                 port = {}\nusername = \"ana\"\n[accounts.a{at}.fetch]\nmaildir = \"{}\"\n",
                world.text("ca.pem"),
                servers[at].port(),
                world.text(&format!("Mail{at}")),
            )
        };
        world.config(&[account(0), account(1)].concat());
    };
    let all = |more: &[&str]| world.postie(["--json", "fetch", "--all-accounts"]).args(more);
    config("");
    let file = world.text("secret");
    let command = format!("cat '{file}'");
    for option in [
        ["--password-file", &file],
        ["--password-env", "MY_SECRET"],
        ["--password-command", &command],
        ["--token-command", &command],
        ["--password-fd", "0"],
    ] {
        all(&option).env("MY_SECRET", SECRET).stdin(format!("{SECRET}\n")).go().assert_failure(64, "usage");
    }
    // The secret of the environment is not used: so these accounts have none.
    for (name, value) in [("POSTIE_PASSWORD", SECRET), ("POSTIE_PASSWORD_FILE", file.as_str())] {
        let error = all(&[]).env(name, value).go().assert_failure(78, "config");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("POSTIE_PASSWORD are for one account"), "{hint}");
    }
    assert!(servers.iter().all(|server| server.journals().is_empty()), "nobody was asked");
    // With a secret of their own it does no harm.
    config(&format!("password-file = \"{file}\""));
    all(&[]).env("POSTIE_PASSWORD", "another").go().assert_exit(0);
    // For a single account nothing changes.
    config("");
    let one = world.postie(["--json", "fetch", "-A", "a0"]).env("POSTIE_PASSWORD", SECRET);
    one.go().assert_exit(0);
}

#[test]
fn a_pin_or_an_authority_without_tls_is_refused() {
    let mailbox = Mailbox::with(1);
    let pop3 = Pop3d::for_mailbox(&mailbox).mode(Mode::Plain).start();
    let smtp = Smtpd::for_mailbox(&mailbox).mode(Mode::Plain).start();
    let world = world();
    let pin = format!("sha256:{}", "0".repeat(64));
    let ca = world.text("ca.pem");
    let options = [["--tls-fingerprint", &pin], ["--ca-file", &ca], ["--ca-file", "/nonexistent"]];
    let commands: [(&str, &[&str]); 4] = [
        (&pop3.url(), &["list"]),
        (&pop3.url(), &["fetch", "--maildir", "Mail"]),
        (&pop3.url(), &["test-account"]),
        (&smtp.url(), &["send", "-f", "a@example.org", "b@example.org", "--body", "x"]),
    ];
    for (url, command) in commands {
        for option in &options {
            let run = world.postie(["--json", "--server", url]).args(command).args(option);
            let outcome = run.env("POSTIE_PASSWORD", SECRET).go();
            let error = outcome.assert_failure(78, "config");
            assert!(error["message"].as_str().unwrap().contains("without TLS"), "{error}");
        }
    }
    for (shared, own) in [
        (format!("ca-file = \"{ca}\""), String::new()),
        (format!("tls-fingerprint = \"{pin}\""), String::new()),
        (String::new(), format!("ca-file = \"{ca}\"")),
        (String::new(), format!("tls-fingerprint = \"{pin}\"")),
    ] {
        world.config(&format!(
            "[accounts.a]\npassword-file = \"{}\"\n{shared}\n[accounts.a.pop3]\nhost = \"localhost\"\n\
             port = {}\ntls = \"none\"\nusername = \"ana\"\n{own}\n",
            world.text("secret"),
            pop3.port()
        ));
        world.postie(["--json", "list"]).go().assert_failure(78, "config");
    }
    assert!(pop3.journals().is_empty() && smtp.journals().is_empty(), "nobody was asked");
}

#[test]
fn a_jail_without_dev_changes_nothing() {
    if !have("a_jail_without_dev_changes_nothing", &["root", "chroot", "ldd"]) {
        return;
    }
    let mailbox = Mailbox::with(2);
    let smtp = Smtpd::for_mailbox(&Mailbox::default()).mode(Mode::Plain).start();
    let pop3 = Pop3d::for_mailbox(&mailbox).mode(Mode::Plain).start();
    let world = world();
    let jail = world.path("jail");
    for dir in ["home", "bin", "etc"] {
        fs::create_dir_all(jail.join(dir)).unwrap();
    }
    // No resolver either: the hosts are addresses.
    let programs = [env!("CARGO_BIN_EXE_postie"), "/bin/sh", "/bin/cat"];
    for (program, name) in programs.iter().zip(["postie", "sh", "cat"]) {
        copy_program(program, jail.join("bin").join(name));
        let listed = Command::new("ldd").arg(program).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        for library in listed.split_whitespace().filter(|word| word.starts_with('/')) {
            let to = jail.join(library.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(library, to).unwrap();
        }
    }
    let run = |args: &[&str]| {
        let run = Run::new("chroot").arg(&jail).arg("/bin/postie").arg("--json").args(args);
        run.env("HOME", "/home").env("PATH", "/usr/sbin:/sbin:/bin").env("POSTIE_PASSWORD", SECRET)
    };
    let url = smtp.url().replace("localhost", "127.0.0.1");
    let send = run(&["send", "--server", &url, "-f", "a@example.org", "b@example.org", "-s", "x"]);
    send.stdin("text\n").go().assert_exit(0);
    let url = pop3.url().replace("localhost", "127.0.0.1");
    run(&["fetch", "--server", &url, "--exec", "cat >> /home/got"]).go().assert_exit(0);
    assert!(fs::metadata(jail.join("home/got")).unwrap().len() > 0);
    run(&["fetch", "--all", "--server", &url, "--maildir", "/home/Mail"]).go().assert_exit(0);
    let command = ["list", "--server", &url, "--password-command", &format!("cat; echo {SECRET}")];
    run(&command).go().assert_exit(0);
}
