//! The programs that postie starts, for a secret or with a message: what they inherit, how postie notices
//! their end whatever its parent process did to signals, and what their exit status means.

use crate::support::disk::assert_same;
use crate::support::mailbox::{Mailbox, message, stored};
use crate::support::pop3d::{Pop3d, SECRET};
use crate::support::process::Run;
use crate::support::smtpd::Smtpd;
use crate::world;
use std::fs;

/// A run whose parent process changed its signals before it began; `what` is an option of `env(1)`.
fn under_env(run: Run, what: &str) -> Run {
    run.under_shell(&format!("set -- env {what} \"$@\""))
}

#[test]
fn the_end_of_a_command_is_noticed_even_if_the_parent_ignores_or_blocks_sigchld() {
    for what in ["--ignore-signal=CHLD", "--block-signal=CHLD", "--ignore-signal", "--block-signal"] {
        let mailbox = Mailbox::with(3);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let secret = format!("cat '{}'", world.text("secret"));
        for run in 1..=2 {
            let fetch = world.postie(["--json", "fetch", "--server", &server.url(), "--ca-file"]);
            let fetch = fetch.arg(world.path("ca.pem")).args(["--password-command", &secret]);
            under_env(fetch.args(["--exec", "cat >> got"]), what).go().assert_exit(0);
            let all: Vec<u8> = (1..=3).flat_map(|number| stored(&message(number))).collect();
            assert_same(&[fs::read(world.path("got")).unwrap()], &[all]);
            assert_eq!(server.journals().len(), run, "{what}");
        }
        let smtp = Smtpd::for_mailbox(&Mailbox::default()).start();
        let send = world.postie(["--json", "send", "--server", &smtp.url(), "--ca-file"]);
        let send =
            send.arg(world.path("ca.pem")).args(["--password-command", &secret, "-f", "a@example.org"]);
        under_env(send.arg("b@example.org").stdin("text\n"), what).go().assert_exit(0);
    }
}

#[test]
fn a_failure_of_a_command_is_reported_even_if_sigchld_is_ignored() {
    let mailbox = Mailbox::with(1);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let fetch = |command: &str| {
        under_env(world.pop3(&server, "fetch").args(["--exec", command]), "--ignore-signal=CHLD").go()
    };
    fetch("exit 75").assert_failure(75, "left_by_command");
    fetch("exit 3").assert_failure(74, "command");
    fetch("exit 127").assert_failure(78, "config");
    fetch("cat > got").assert_exit(0);
}

#[test]
fn signals_end_a_run_even_if_the_parent_blocked_them() {
    for (name, number) in [("TERM", 15), ("INT", 2)] {
        let (world, server) = (world(), Pop3d::for_mailbox(&Mailbox::with(1)).start());
        let command = format!("kill -{name} $PPID; exec sleep 1000");
        let fetch = world.pop3(&server, "fetch").args(["--exec", &command]);
        let outcome = under_env(fetch, "--block-signal").go();
        assert_eq!(outcome.signal, Some(number), "{outcome:?}");
        outcome.summary();
    }
}

#[test]
fn commands_inherit_neither_secret_variables_nor_descriptors_of_postie_s_parent() {
    let mailbox = Mailbox::with(1);
    let server = Pop3d::for_mailbox(&mailbox).start();
    let look =
        "{ env; for fd in /proc/self/fd/*; do echo \"$(readlink $fd)\"; done; } > \"$OUT\" 2>/dev/null";
    let config = |world: &crate::support::world::World| {
        world.config(&format!(
            "default-account = \"a\"\n[accounts.a.pop3]\nhost = \"localhost\"\nport = {}\nusername = \"ana\"\n\
             password-command = '''{look}; cat secret'''\n\
             [accounts.b]\npassword-env = \"OTHER_SECRET\"\nemail = \"b@example.org\"\n\
             [accounts.b.smtp]\nhost = \"localhost\"\npassword-env = \"THIRD_SECRET\"\n",
            server.port()
        ));
    };
    for (exec, by_env) in [(true, true), (true, false), (false, false)] {
        let world = world();
        config(&world);
        let run = world.postie(["--json", "fetch", "--ca-file", &world.text("ca.pem")]);
        let run = if exec {
            run.args(["--exec", &format!("{look}; cat > /dev/null")])
        } else {
            run.args(["--maildir", "Mail"])
        };
        let run = if by_env { run.args(["--password-env", "MY_SECRET"]) } else { run };
        let run = run.env("OUT", world.path("seen")).env("MY_SECRET", SECRET);
        // Without `--password-env` postie does not know that this one is a secret.
        let run = if by_env { run } else { run.env_remove("MY_SECRET") };
        let run = run.env("OTHER_SECRET", SECRET).env("THIRD_SECRET", SECRET);
        world.write("kept", "");
        let outcome = run.under_shell("exec 3<ca.pem 7<kept 9>>kept").go();
        outcome.assert_exit(0);
        let seen = fs::read_to_string(world.path("seen")).unwrap();
        assert!(seen.contains("HOME="), "it ran: {seen}");
        assert!(!seen.contains(SECRET), "{exec} {by_env}: {seen}");
        assert!(!seen.contains("kept") && !seen.contains("ca.pem"), "{exec} {by_env}: {seen}");
        assert!(!seen.contains("socket:"), "{seen}");
        world.fetch(&server).args(["--forget", "uid-0001"]).run();
    }
}

#[test]
fn closed_standard_streams_change_nothing() {
    for closed in ["exec <&-", "exec >&-", "exec 2>&-", "exec <&- >&- 2>&-"] {
        let mailbox = Mailbox::with(2);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let fetch = world.postie(["fetch", "--delete", "--server", &server.url(), "--password-command"]);
        let fetch = fetch.arg("cat secret").arg("--ca-file").arg(world.path("ca.pem"));
        fetch.args(["--exec", "cat >> got"]).under_shell(closed).go().assert_exit(0);
        assert_same(
            &[fs::read(world.path("got")).unwrap()],
            &[[stored(&message(1)), stored(&message(2))].concat()],
        );
        assert!(mailbox.messages().is_empty(), "{closed}");
    }
}

#[test]
fn the_end_of_the_run_ends_the_command_and_none_is_started_after_it() {
    let mailbox = Mailbox::with(5);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let fetch = world.pop3(&server, "fetch").args(["--delete", "--max-time", "2s"]);
    let outcome = fetch.args(["--exec", "echo x >> started; exec sleep 60"]).go();
    outcome.assert_failure(75, "timeout");
    assert_eq!(fs::read_to_string(world.path("started")).unwrap(), "x\n");
    assert_eq!(mailbox.messages().len(), 5);
    world.fetch(&server).go().assert_exit(0);
    assert_eq!(world.mail().len(), 5, "the next run takes all");
}

#[test]
fn a_command_that_cannot_be_run_is_tried_once_and_stops_the_run() {
    for command in
        ["echo x >> tried; exit 127", "echo x >> tried; exit 126", "echo x >> tried; /no/such/program"]
    {
        let mailbox = Mailbox::with(5);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
        let outcome = world.pop3(&server, "fetch").args(["--delete", "--exec", command]).go();
        outcome.assert_failure(78, "config");
        assert_eq!(fs::read_to_string(world.path("tried")).unwrap(), "x\n", "{command}");
        assert_eq!(mailbox.messages().len(), 5);
        assert_eq!(server.journal().count("DELE") + server.journal().count("QUIT"), 0);
        world.fetch(&server).go().assert_exit(0);
        assert_eq!(world.mail().len(), 5, "the next run takes all");
    }
    // As an array in the configuration: missing, not a program, no permission.
    let (world, server) = (world(), Pop3d::for_mailbox(&Mailbox::with(2)).start());
    world.write("noprogram", "just text");
    for argv in ["[\"no-such-program-of-postie\"]", "[\"./noprogram\"]", "[\"/etc\"]"] {
        let config = format!(
            "[accounts.a]\npassword-file = \"{}\"\nca-file = \"{}\"\n[accounts.a.pop3]\nhost = \"localhost\"\n\
             port = {}\nusername = \"ana\"\n[accounts.a.fetch]\nexec = {argv}\n",
            world.text("secret"),
            world.text("ca.pem"),
            server.port()
        );
        world.config(&config);
        world.postie(["--json", "fetch"]).go().assert_failure(78, "config");
    }
    world.pop3(&server, "fetch").args(["--exec", ""]).go().assert_failure(64, "usage");
}

#[test]
fn messages_taken_before_the_command_could_not_be_run_count() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let command = "test $POSTIE_UID = uid-0001 || exit 127; cat > got";
    let outcome = world.pop3(&server, "fetch").args(["--delete", "--exec", command]).go();
    outcome.assert_failure(78, "config");
    assert_eq!(outcome.summary()["delivered"], 1);
    world.fetch(&server).go().assert_exit(0);
    assert_same(&world.mail(), &[stored(&message(2)), stored(&message(3))]);
}

#[test]
fn a_message_taken_with_unknown_outcome_is_reported_and_neither_given_again_nor_deleted() {
    let mailbox = Mailbox::with(3);
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).start());
    let command = "echo $POSTIE_UID >> given; test $POSTIE_UID = uid-0002 && exit 79; cat > /dev/null";
    let fetch = || world.pop3(&server, "fetch").args(["--delete", "--exec", command]).go();
    let outcome = fetch();
    let error = outcome.assert_failure(79, "unknown");
    assert_eq!((&error["scope"], &error["uid"]), (&"message".into(), &"uid-0002".into()), "{error}");
    assert_eq!(error["retry"], "may_duplicate");
    let summary = outcome.summary();
    assert_eq!((&summary["delivered"], &summary["failed"]), (&2.into(), &1.into()));
    assert_eq!(mailbox.uids(), ["uid-0002"], "it stays");
    for _ in 0..2 {
        fetch().assert_exit(0);
        world.fetch(&server).arg("--delete").go().assert_exit(0);
    }
    assert_eq!(fs::read_to_string(world.path("given")).unwrap(), "uid-0001\nuid-0002\nuid-0003\n");
    assert!(world.mail().is_empty());
    assert_eq!(mailbox.uids(), ["uid-0002"], "no later run deletes it");
}
