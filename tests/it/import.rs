//! `config import`: files that the other programs read themselves, and lists that they have written.

use crate::support::disk::assert_mode;
use crate::support::mailbox::{Mailbox, message};
use crate::support::pop3d::{Pop3d, SECRET};
use crate::support::process::{Outcome, Run};
use crate::support::real::have;
use crate::support::world::{Checked, World};
use crate::world;
use serde_json::Value;
use std::fs;

fn import(world: &World, args: &[&str]) -> Checked {
    world.postie(["--json", "config", "import"]).args(args).go()
}

fn toml(world: &World) -> String {
    fs::read_to_string(world.path(".config/postie/config.toml")).unwrap()
}

fn told(outcome: &Checked, kind: &str) -> Vec<Value> {
    outcome.of_type(kind)
}

/// Another program, run as a user would.
fn run(world: &World, program: &str, args: &[&str]) -> Outcome {
    let run = Run::new(program).args(args).dir(world.root()).env("HOME", world.root());
    let run = run.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LANG", "C.UTF-8").env("USER", "root");
    let run = run.env("TMPDIR", world.root()).env("LOGNAME", "root");
    // getmail closes every descriptor that there may be, for each message.
    run.under_shell("ulimit -n 256").run()
}

/// Messages that arrive later.
fn arrive(mailbox: &Mailbox, numbers: std::ops::RangeInclusive<usize>) {
    numbers.for_each(|number| mailbox.add(&message(number)));
}

/// The first fetch brings these messages of the mailbox alone, and the next one nothing.
#[track_caller]
fn brings(world: &World, account: &str, mailbox: &Mailbox, from: usize) {
    let fetch = || world.postie(["--json", "fetch", "-A", account]).go();
    let outcome = fetch();
    outcome.assert_exit(0);
    let delivered: Vec<Value> =
        told(&outcome, "message").into_iter().filter(|line| line["action"] == "delivered").collect();
    let uids: Vec<&str> = delivered.iter().filter_map(|line| line["uid"].as_str()).collect();
    let wanted = mailbox.uids();
    assert_eq!(uids, wanted[from..], "the new ones and no others");
    let again = fetch();
    again.assert_exit(0);
    assert!(told(&again, "message").iter().all(|line| line["action"] != "delivered"));
}

fn mpoprc(world: &World, port: u16, more: &str) -> String {
    format!(
        "# mine\ndefaults\ntls on\ntls_starttls off\ntls_trust_file {}\n\naccount work\nhost localhost\nport {port}\n\
         user ana\npasswordeval \"cat {}\"\ndelivery maildir {}\nkeep on\n{more}",
        world.text("ca.pem"),
        world.text("secret"),
        world.text("Mail")
    )
}

fn maildir(world: &World) {
    ["tmp", "new", "cur"].iter().for_each(|dir| fs::create_dir_all(world.path("Mail").join(dir)).unwrap());
}

/// How many messages the Maildir holds, whoever stored them.
fn stored(world: &World) -> usize {
    ["new", "cur"].iter().map(|dir| fs::read_dir(world.path("Mail").join(dir)).unwrap().count()).sum()
}

#[test]
fn after_mpop_only_what_is_new_is_fetched() {
    if !have("after_mpop_only_what_is_new_is_fetched", &["mpop"]) {
        return;
    }
    let mailbox = Mailbox::with(20);
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    maildir(&world);
    fs::create_dir(world.path(".mpop_uidls")).unwrap();
    world.write(".mpoprc", mpoprc(&world, server.port(), ""));
    let fetched = run(&world, "mpop", &["work"]);
    assert_eq!(fetched.code, Some(0), "{fetched:?}");
    assert_eq!(stored(&world), 20);
    arrive(&mailbox, 21..=23);
    let outcome = import(&world, &["mpop"]);
    outcome.assert_exit(0);
    let marks = told(&outcome, "marks");
    assert_eq!(
        (&marks[0]["account"], &marks[0]["listed"], &marks[0]["marked"]),
        (&"work".into(), &20.into(), &20.into())
    );
    assert_mode(&world.path(".config/postie/config.toml"), 0o600);
    brings(&world, "work", &mailbox, 20);
    assert_eq!(stored(&world), 23);
    // Nothing that was only marked is ever deleted.
    world.postie(["fetch", "-A", "work", "--delete"]).go().assert_exit(0);
    assert_eq!(mailbox.uids().len(), 20);
    let again = import(&world, &["mpop"]);
    again.assert_exit(0);
    assert_eq!(told(&again, "marks")[0]["marked"], 0);
    assert_eq!(toml(&world).matches("[accounts.").count(), 3, "{}", toml(&world));
}

#[test]
fn without_its_list_everything_is_new_and_a_rehearsal_changes_nothing() {
    let mailbox = Mailbox::with(3);
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    world.write(".mpoprc", mpoprc(&world, server.port(), ""));
    let list = format!("# x\n 3 localhost ana\n{}\n", mailbox.uids().join("\n"));
    world.write(".mpop_uidls/ana_at_localhost", list);
    let before = world.tree();
    let rehearsed = world.postie(["config", "import", "mpop", "--dry-run"]).go();
    rehearsed.assert_exit(0);
    let shown = rehearsed.out();
    for line in ["[accounts.work.pop3]", "host = \"localhost\"", "maildir = ", "password-command = "] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert_eq!(told(&import(&world, &["mpop", "--dry-run"]), "marks")[0]["marked"], 3);
    assert_eq!(world.tree(), before);
    import(&world, &["mpop", "--no-uids"]).assert_exit(0);
    brings(&world, "work", &mailbox, 0);
}

#[test]
fn a_damaged_list_stops_the_import_before_anything_is_changed() {
    let world = world();
    world.write(".mpoprc", mpoprc(&world, 995, ""));
    world.write(".mpop_uidls/ana_at_localhost", " 3 localhost ana\nu1\n");
    import(&world, &["mpop"]).assert_failure(65, "input");
    assert!(!world.path(".config/postie/config.toml").exists());
    assert!(!world.path(".local").exists());
    import(&world, &["mpop", "--no-uids"]).assert_exit(0);
}

#[test]
fn a_hundred_thousand_uids_are_marked_in_a_moment() {
    let world = world();
    world.write(".mpoprc", mpoprc(&world, 995, ""));
    let uids: String = (0..100_000).map(|number| format!("{number:032x}\n")).collect();
    world.write(".mpop_uidls/ana_at_localhost", format!(" 100000 localhost ana\n{uids}"));
    let outcome = world.postie(["--json", "config", "import", "mpop"]).go();
    assert!(outcome.processor.as_secs() < 20, "{:?}", outcome.processor);
    outcome.assert_exit(0);
    assert_eq!(told(&outcome, "marks")[0]["marked"], 100_000);
}

#[test]
fn a_held_ledger_leaves_everything_as_it_is() {
    let world = world();
    world.write(".mpoprc", mpoprc(&world, 995, ""));
    world.write(".mpop_uidls/ana_at_localhost", " 1 localhost ana\nu1\n");
    import(&world, &["mpop"]).assert_exit(0);
    let dir = world.path(".local/state/postie/ledger");
    let lock = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|it| it == "lock"));
    let lock = fs::File::open(lock.unwrap()).unwrap();
    lock.lock().unwrap();
    fs::remove_file(world.path(".config/postie/config.toml")).unwrap();
    world.write(".mpop_uidls/ana_at_localhost", " 2 localhost ana\nu1\nu2\n");
    import(&world, &["mpop"]).assert_failure(75, "locked");
    assert!(!world.path(".config/postie/config.toml").exists());
}

#[test]
fn senders_and_fetchers_of_one_mailbox_become_one_account() {
    let world = world();
    world.write(
        ".msmtprc",
        "account work\nhost smtp.example.org\nport 587\ntls on\nauth on\nuser ana\nfrom ana@example.org\n\
         passwordeval pass smtp\naccount other\nhost smtp.other.example\ntls on\nauth on\nuser bob\npasswordeval pass bob\n\
         account default : work\n",
    );
    world.write(
        ".mpoprc",
        "account mail\nhost pop.example.org\ntls on\ntls_starttls off\nuser ana\npasswordeval pass pop\n\
         delivery maildir ~/Mail\nkeep on\naccount other\nhost pop.third.example\ntls on\ntls_starttls off\nuser bob\n\
         passwordeval pass bob3\ndelivery mbox ~/mbox\nkeep on\n",
    );
    import(&world, &["msmtp"]).assert_exit(0);
    import(&world, &["mpop"]).assert_exit(0);
    let accounts = told(&world.postie(["--json", "config", "list"]).go(), "account");
    let names: Vec<&str> = accounts.iter().filter_map(|account| account["account"].as_str()).collect();
    assert_eq!(names, ["work", "other", "other-mpop"]);
    let work = &accounts[0];
    assert_eq!(
        (&work["pop3"]["host"], &work["smtp"]["host"]),
        (&"pop.example.org".into(), &"smtp.example.org".into())
    );
    assert_eq!((&work["default"], &work["email"]), (&true.into(), &"ana@example.org".into()));
    assert_eq!(work["pop3"]["secret"]["value"], "pass pop");
    assert_eq!(work["smtp"]["secret"]["value"], "pass smtp");
    assert!(accounts[1]["pop3"].is_null() && accounts[2]["smtp"].is_null());
    world.postie(["config", "check"]).go().assert_exit(0);
}

#[test]
fn passwords_are_taken_only_if_that_is_said_and_never_shown() {
    let text = format!("account work\nhost smtp.example.org\ntls on\nauth on\nuser ana\npassword {SECRET}\n");
    let world = world();
    world.write(".msmtprc", &text);
    for args in [&["msmtp", "--dry-run"][..], &["msmtp", "--dry-run", "--with-secrets"]] {
        import(&world, args).assert_exit(0);
        world.postie(["config", "import"]).args(args).go().assert_exit(0);
    }
    let outcome = import(&world, &["msmtp"]);
    outcome.assert_exit(0);
    let left = &told(&outcome, "not_taken")[0];
    assert_eq!(
        (&left["what"], &left["line"], &left["matters"]),
        (&"password".into(), &6.into(), &false.into())
    );
    assert!(!toml(&world).contains(SECRET));
    fs::remove_file(world.path(".config/postie/config.toml")).unwrap();
    import(&world, &["msmtp", "--with-secrets"]).assert_exit(0);
    assert!(toml(&world).contains(SECRET));
    assert_mode(&world.path(".config/postie/config.toml"), 0o600);
}

#[test]
fn what_matters_and_is_not_taken_ends_in_1_and_the_rest_in_0() {
    let base = "account work\nhost smtp.example.org\ntls on\nauth on\nuser ana\npasswordeval pass x\n";
    for (more, exit) in [
        ("timeout 10\nsyslog on\n", 0),
        ("tls_certcheck off\n", 1),
        ("tls off\n", 1),
        ("eval echo x\n", 1),
        ("tls_fingerprint 00:11\n", 1),
        ("from *@example.org\n", 0),
    ] {
        let world = world();
        world.write(".msmtprc", format!("{base}{more}"));
        let outcome = import(&world, &["msmtp"]);
        outcome.assert_exit(exit);
        let left = told(&outcome, "not_taken");
        assert!(!left.is_empty() && left.iter().all(|one| one["line"].as_u64() >= Some(3)), "{left:?}");
        assert_eq!(left.iter().any(|one| one["matters"] == true), exit == 1, "{more}");
        let account = &told(&outcome, "account")[0];
        assert_eq!(account["smtp"]["tls"], "starttls", "{more}");
        let said = outcome.err();
        assert!(said.contains(&format!("{}:", world.text(".msmtprc"))), "{said}");
    }
}

#[test]
fn a_client_certificate_and_a_proxy_are_taken() {
    let world = world();
    let more = "tls_cert_file ~/c.pem\ntls_key_file /etc/k.pem\nproxy_host ::1\nproxy_port 9050\n";
    world.write(
        ".msmtprc",
        format!("account work\nhost smtp.example.org\ntls on\nuser ana\nauth external\n{more}"),
    );
    import(&world, &["msmtp"]).assert_exit(0);
    let written = toml(&world);
    for line in [
        "auth = \"external\"",
        "client-certificate = \"~/c.pem\"",
        "client-key = \"/etc/k.pem\"",
        "proxy = \"socks5://[::1]:9050\"",
    ] {
        assert!(written.contains(line), "{line}: {written}");
    }
}

#[test]
fn only_the_named_accounts_are_taken_and_an_unknown_name_is_said() {
    let world = world();
    let account =
        |name: &str| format!("account {name}\nhost {name}.example.org\ntls on\ntls_certcheck off\n");
    world.write("rc", ["a", "b", "c"].map(account).concat());
    let outcome = import(&world, &["msmtp", "rc", "--account", "b"]);
    outcome.assert_exit(1);
    assert_eq!(told(&outcome, "not_taken").len(), 1);
    let names: Vec<Value> = told(&outcome, "account").iter().map(|line| line["account"].clone()).collect();
    assert_eq!(names, ["b"]);
    import(&world, &["msmtp", "rc", "--account", "a,c"]).assert_exit(1);
    assert_eq!(toml(&world).matches(".smtp]").count(), 3);
    import(&world, &["msmtp", "rc", "--account", "z"]).assert_failure(78, "config");
}

#[test]
fn files_that_are_missing_strange_or_others_are_refused_at_once() {
    let world = world();
    import(&world, &["msmtp", "none"]).assert_failure(66, "no_input");
    import(&world, &["mpop"]).assert_failure(66, "no_input");
    import(&world, &["msmtp", "."]).assert_failure(78, "config");
    world.write("bad", "host x\n");
    import(&world, &["msmtp", "bad"]).assert_failure(78, "config");
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(world.path("bad"), fs::Permissions::from_mode(0o666)).unwrap();
    import(&world, &["msmtp", "bad"]).assert_failure(78, "config");
    let fifo = world.path("fifo");
    let made =
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0);
    made.unwrap();
    import(&world, &["msmtp", "fifo"]).assert_failure(78, "config");
    assert!(!world.path(".config/postie/config.toml").exists());
}

#[test]
fn what_msmtp_writes_and_mpop_reads_is_what_is_imported() {
    if !have("what_msmtp_writes_and_mpop_reads_is_what_is_imported", &["mpop", "msmtp"]) {
        return;
    }
    let world = world();
    world.write(".mpoprc", mpoprc(&world, 1995, "account second : work\nuser bob\n"));
    for name in ["work", "second"] {
        let shown = run(&world, "mpop", &["-P", name]);
        assert_eq!(shown.code, Some(0), "{shown:?}");
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(text.contains("host") && text.contains("1995"), "{text}");
    }
    let outcome = import(&world, &["mpop"]);
    outcome.assert_exit(0);
    let accounts = told(&outcome, "account");
    assert_eq!(
        (&accounts[0]["pop3"]["username"], &accounts[1]["pop3"]["username"]),
        (&"ana".into(), &"bob".into())
    );
    assert_eq!(accounts[1]["pop3"]["port"], 1995);
    assert_eq!(accounts[1]["pop3"]["ca_file"], world.text("ca.pem"));
    let rc = "account a\nhost localhost\nfrom ana@example.org\ntls on\ntls_starttls off\nauth on\nuser ana\n\
              passwordeval echo x\naccount default : a\n";
    world.write(".msmtprc", rc);
    let shown = run(&world, "msmtp", &["-P"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(String::from_utf8_lossy(&shown.stdout).contains("port = 465"), "{shown:?}");
    let outcome = import(&world, &["msmtp"]);
    outcome.assert_exit(0);
    assert_eq!(told(&outcome, "account")[0]["smtp"]["port"], 465);
}

/// A command that stores each message in a file of its own; how many there are.
fn mda(world: &World) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = world.write("mda", "#!/bin/sh\nexec cat >\"$(mktemp \"$HOME/got.XXXXXX\")\"\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn taken(world: &World) -> usize {
    let names = fs::read_dir(world.root()).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with("got.")).count()
}

#[test]
fn after_getmail_only_what_is_new_is_fetched() {
    if !have("after_getmail_only_what_is_new_is_fetched", &["getmail"]) {
        return;
    }
    let mailbox = Mailbox::with(20);
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    // It delivers nothing as root, unless it is told that it may.
    let rc = format!(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {}\nusername = ana\n\
         password_command = (\"cat\", \"{}\")\nca_certs = {}\n\n[destination]\ntype = MDA_external\npath = {}\n\
         allow_root_commands = true\n\n[options]\nread_all = false\ndelete = false\n",
        server.port(),
        world.text("secret"),
        world.text("ca.pem"),
        mda(&world)
    );
    world.write(".config/getmail/getmailrc", rc);
    let fetched = run(&world, "getmail", &[]);
    assert_eq!((fetched.code, taken(&world)), (Some(0), 20), "{fetched:?}");
    arrive(&mailbox, 21..=23);
    let outcome = import(&world, &["getmail"]);
    outcome.assert_exit(0);
    assert_eq!(told(&outcome, "marks")[0]["marked"], 20);
    brings(&world, "localhost", &mailbox, 20);
    assert_eq!(taken(&world), 23);
}

#[test]
fn after_fetchmail_only_what_is_new_is_fetched() {
    if !have("after_fetchmail_only_what_is_new_is_fetched", &["fetchmail"]) {
        return;
    }
    let mailbox = Mailbox::with(20);
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    let rc = format!(
        "# mine\npoll localhost port {} protocol pop3 uidl\n  user \"ana\" there with password \"{SECRET}\" is root here\n  \
         ssl sslcertck sslcertfile \"{}\" keep mda \"{}\"\n",
        server.port(),
        world.text("ca.pem"),
        mda(&world)
    );
    world.write(".fetchmailrc", rc);
    let fetched = run(&world, "fetchmail", &["--nosyslog"]);
    assert_eq!(fetched.code, Some(0), "{fetched:?}");
    assert_eq!(taken(&world), 20);
    arrive(&mailbox, 21..=23);
    let outcome = import(&world, &["fetchmail", "--with-secrets"]);
    outcome.assert_exit(0);
    assert_eq!(told(&outcome, "marks")[0]["marked"], 20, "{}", outcome.err());
    brings(&world, "ana@localhost", &mailbox, 20);
    assert_eq!(taken(&world), 23);
}

#[test]
fn a_file_that_fetchmail_does_not_read_is_no_account_and_shows_no_password() {
    if !have("a_file_that_fetchmail_does_not_read_is_no_account_and_shows_no_password", &["fetchmail"]) {
        return;
    }
    let world = world();
    world
        .write(".fetchmailrc", format!("poll localhost protocol pop3 user ana password {SECRET} {SECRET}\n"));
    import(&world, &["fetchmail"]).assert_failure(78, "config");
    // Without fetchmail itself nothing can be read.
    let run =
        world.postie(["--json", "config", "import", "fetchmail"]).env("PATH", world.text("nowhere")).go();
    assert!(run.assert_failure(78, "config")["hint"].as_str().unwrap().contains("install"));
}

#[test]
fn after_thunderbird_only_what_is_new_is_fetched() {
    let mailbox = Mailbox::with(20);
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    world.write(".thunderbird/profiles.ini", "[Install1]\nDefault=a.default-release\nLocked=1\n\n[Profile0]\nName=x\nIsRelative=1\nPath=a.default-release\n");
    let prefs = format!(
        "// Mozilla User Preferences\nuser_pref(\"mail.account.account1.identities\", \"id1\");\n\
         user_pref(\"mail.account.account1.server\", \"server1\");\n\
         user_pref(\"mail.accountmanager.accounts\", \"account1\");\n\
         user_pref(\"mail.identity.id1.useremail\", \"ana@example.org\");\n\
         user_pref(\"mail.server.server1.directory-rel\", \"[ProfD]Mail/localhost\");\n\
         user_pref(\"mail.server.server1.hostname\", \"localhost\");\n\
         user_pref(\"mail.server.server1.leave_on_server\", true);\nuser_pref(\"mail.server.server1.port\", {});\n\
         user_pref(\"mail.server.server1.socketType\", 3);\nuser_pref(\"mail.server.server1.type\", \"pop3\");\n\
         user_pref(\"mail.server.server1.userName\", \"ana\");\n",
        server.port()
    );
    world.write(".thunderbird/a.default-release/prefs.js", prefs);
    let uids = mailbox.uids();
    let line = |(at, uid): (usize, &String)| {
        // Of two only the headers are there.
        let status = match at {
            0 => 'b',
            1 => 'f',
            at if at % 5 == 0 => 'd',
            _ => 'k',
        };
        format!("{status} {uid} 1700000000\n")
    };
    let lines: String = uids.iter().enumerate().map(line).collect();
    let list =
        format!("# POP3 State File\n# This is a generated file!  Do not edit.\n\n*localhost ana\n{lines}");
    world.write(".thunderbird/a.default-release/Mail/localhost/popstate.dat", list);
    let before = mailbox.uids();
    arrive(&mailbox, 21..=23);
    let outcome = import(&world, &["thunderbird"]);
    outcome.assert_exit(0);
    assert_eq!(told(&outcome, "marks")[0]["marked"], 18);
    let set = |key: &str, value: &str| {
        world.postie(["config", "set", "ana@example.org", key, value]).go().assert_exit(0);
    };
    set("fetch.maildir", &world.text("Mail"));
    set("password-file", &world.text("secret"));
    set("ca-file", &world.text("ca.pem"));
    let fetched = world.postie(["--json", "fetch"]).go();
    fetched.assert_exit(0);
    let uids: Vec<Value> = told(&fetched, "message").iter().map(|line| line["uid"].clone()).collect();
    let mut wanted = before[..2].to_vec();
    wanted.extend(mailbox.uids()[20..].to_vec());
    assert_eq!(uids, wanted);
    assert_eq!(world.mail().len(), 5);
}
