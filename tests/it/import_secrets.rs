//! `config import` of netrc, mutt and himalaya.

use crate::support::mailbox::Mailbox;
use crate::support::pop3d::{Pop3d, SECRET};
use crate::support::process::Run;
use crate::support::real::have;
use crate::support::world::{Checked, World};
use crate::world;
use std::fs;

fn import(world: &World, args: &[&str]) -> Checked {
    world.postie(["--json", "config", "import"]).args(args).go()
}

fn toml(world: &World) -> String {
    fs::read_to_string(world.path(".config/postie/config.toml")).unwrap()
}

#[test]
fn a_server_without_a_secret_finds_it_in_the_netrc() {
    let mailbox = Mailbox::with(2);
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    world.config(&format!(
        "[accounts.work]\nca-file = '{}'\n[accounts.work.pop3]\nhost = 'localhost'\nport = {}\nusername = 'ana'\n\
         [accounts.work.fetch]\nmaildir = '{}'\n[accounts.own.pop3]\nhost = 'localhost'\nusername = 'ana'\n\
         password-command = 'pass own'\n[accounts.bob.pop3]\nhost = 'localhost'\nusername = 'bob'\n",
        world.text("ca.pem"),
        server.port(),
        world.text("Mail")
    ));
    world.write(
        ".netrc",
        format!("machine other login ana password no\nmachine localhost\n login ana\n password {SECRET}\n"),
    );
    let before = toml(&world);
    import(&world, &["netrc", "--dry-run"]).assert_exit(0);
    assert_eq!(toml(&world), before);
    let outcome = import(&world, &["netrc"]);
    outcome.assert_exit(0);
    let changed: Vec<_> = outcome.of_type("account").iter().map(|line| line["account"].clone()).collect();
    assert_eq!(changed, ["work"]);
    assert!(!toml(&world).contains(SECRET));
    world.postie(["fetch", "-A", "work"]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 2);
    // What is there stays.
    let after = toml(&world);
    import(&world, &["netrc", "--with-secrets"]).assert_exit(0);
    assert_eq!(toml(&world), after);
    import(&world, &["netrc", "none"]).assert_failure(66, "no_input");
}

#[test]
fn what_mutt_makes_of_its_file_is_what_is_imported() {
    let world = world();
    let rc = "set from = \"ana@example.org\"\nset realname='Ana'\nset smtp_url = \"smtps://ana@smtp.example.org:465/\"\n\
              set smtp_pass = \"`echo ran >>ran; echo pw`\"\nset pop_host=pops://pop.example.org pop_user=ana\n";
    world.write(".muttrc", rc);
    let outcome = import(&world, &["mutt"]);
    outcome.assert_exit(0);
    assert!(!world.path("ran").exists(), "nothing is run");
    let account = &outcome.of_type("account")[0];
    assert_eq!(account["account"], "ana@example.org");
    assert_eq!(account["smtp"]["secret"]["value"], "echo ran >>ran; echo pw");
    assert_eq!((&account["pop3"]["port"], &account["pop3"]["username"]), (&995.into(), &"ana".into()));
    if have("what_mutt_makes_of_its_file_is_what_is_imported", &["mutt"]) {
        let run = Run::new("mutt")
            .args(["-F", ".muttrc", "-Q", "smtp_url", "pop_host", "pop_user", "from", "realname"]);
        let shown = run
            .dir(world.root())
            .env("HOME", world.root())
            .env("PATH", "/usr/bin:/bin")
            .env("TERM", "dumb")
            .run();
        assert_eq!(shown.code, Some(0), "{shown:?}");
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        for value in ["smtps://ana@smtp.example.org:465/", "pops://pop.example.org", "\"ana\"", "\"Ana\""] {
            assert!(text.contains(value), "{value}: {text}");
        }
    }
}

#[test]
fn accounts_of_himalaya_are_taken_with_their_commands() {
    let world = world();
    let text = format!(
        "[accounts.work]\nemail = \"ana@example.org\"\nbackend.type = \"imap\"\nbackend.host = \"imap.example.org\"\n\
         backend.login = \"ana\"\nbackend.auth.type = \"password\"\nbackend.auth.cmd = \"pass mail\"\n\
         message.send.backend.type = \"smtp\"\nmessage.send.backend.host = \"smtp.example.org\"\n\
         message.send.backend.login = \"ana\"\nmessage.send.backend.auth.raw = \"{SECRET}\"\n"
    );
    world.write(".config/himalaya/config.toml", text);
    let outcome = import(&world, &["himalaya"]);
    outcome.assert_exit(0);
    let account = &outcome.of_type("account")[0];
    assert_eq!(
        (&account["imap"]["secret"]["value"], &account["smtp"]["host"]),
        (&"pass mail".into(), &"smtp.example.org".into())
    );
    assert_eq!(outcome.of_type("not_taken")[0]["line"], 11);
    world.write("bad.toml", format!("[accounts.x]\npassword = {SECRET}\n"));
    import(&world, &["himalaya", "bad.toml"]).assert_failure(78, "config");
}
