//! What a terminal shows: mail, the manual, the result of a run, its progress.

use super::*;

#[test]
fn a_page_of_the_manual_is_readable_on_a_terminal() {
    let world = world();
    let mut session = Session::start(&world, &["man", "config.5"]);
    session.expect("the configuration file of postie");
    assert!(session.end().success());
}

#[test]
fn mail_shown_on_a_terminal_cannot_control_it_and_hides_nothing() {
    let hostile = "Subject: x\u{1b}]0;title\u{7}\u{200b}\u{e0041}\u{ad}\r\n\r\n\u{9b}2J a\rb \u{202e}gpj\r\n";
    let mailbox = Mailbox::default();
    mailbox.add(hostile.as_bytes());
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    let url = server.url();
    let options = ["--server", &url, "--ca-file", "ca.pem", "--password-file", "secret"];
    for command in [&["fetch", "--stdout"][..], &["list"][..], &["fetch", "--maildir", "Mail", "-v"][..]] {
        let mut session = Session::start(&world, &[command, &options[..]].concat());
        match command[1..] {
            ["--stdout"] => session.expect("\\u{7}\\u{200b}\\u{e0041}\\u{ad}"),
            [] => session.expect("x\\u{1b}]0;tit"),
            _ => {}
        }
        let child = &mut session.child;
        assert!(child.wait().unwrap().success());
        // Everything that came, and separately the progress bar's own sequences.
        let mut wait = [PollFd::new(&session.screen, PollFlags::IN)];
        let moment = Timespec::try_from(Duration::from_millis(0)).unwrap();
        while poll(&mut wait, Some(&moment)).unwrap() > 0 && !wait[0].revents().is_empty() {
            let mut octets = [0; 4096];
            let got = rustix::io::read(&session.screen, &mut octets).unwrap();
            session.seen.extend_from_slice(&octets[..got]);
        }
        let shown = String::from_utf8(session.seen.clone()).unwrap();
        for bad in ["\u{1b}]", "\u{7}", "\u{200b}", "\u{e0041}", "\u{ad}", "\u{9b}", "\u{202e}", "a\rb"] {
            assert!(!shown.contains(bad), "{command:?} {bad:?}: {shown:?}");
        }
    }
}

#[test]
fn send_says_how_to_end_a_typed_text_and_what_became_of_it() {
    use crate::support::pop3d::{Act, Mode};
    use crate::support::smtpd::Smtpd;
    let server = Smtpd::for_mailbox(&Mailbox::default())
        .mode(Mode::Plain)
        .hook(|event| match event.line.contains("<no@") {
            true => Act::reply("550 5.1.1 nobody"),
            false => Act::Normal,
        })
        .start();
    let url = format!("smtp+insecure://ana@localhost:{}", server.port());
    for (recipients, policy, told) in [
        ("b@x.org,c@x.org", "abort", "postie: sent to 2\r\n"),
        ("b@x.org,no@x.org", "send", "postie: sent to 1 of 2\r\n"),
        ("b@x.org,no@x.org", "abort", "postie: nothing was sent\r\n"),
    ] {
        let world = world();
        let secret = world.text("secret");
        let args = ["--server", &url, "--password-file", &secret, "send", "-f", "a@x.org"];
        let args: Vec<&str> = args.into_iter().chain(["--on-rejected", policy, recipients]).collect();
        let mut session = Session::start(&world, &args);
        session.expect("end it with Ctrl-D");
        session.type_in("hello\n\u{4}");
        session.expect(told);
        session.end();
    }
    let world = world();
    for (args, told) in [
        (&["send", "-f", "a@x.org", "b@x.org"][..], "looking for an account: there is no such file"),
        (&["--server", &url, "send", "-f", "a@x.org", "bob"], "the address has no domain"),
    ] {
        let mut session = Session::start(&world, args);
        session.expect(told);
        assert!(!session.end().success(), "nothing had to be typed: {args:?}");
    }
    let secret = world.text("secret");
    let args =
        ["--server", &url, "--password-file", &secret, "send", "-f", "a@x.org", "--skip-empty", "b@x.org"];
    let mut session = Session::start(&world, &args);
    session.expect("end it with Ctrl-D");
    session.type_in("\u{4}");
    session.expect("nothing was sent: the body is empty");
    assert!(session.end().success());
}

#[test]
fn with_several_accounts_the_result_of_each_is_shown_only_on_a_terminal() {
    let (full, empty, gone) = (
        Pop3d::for_mailbox(&Mailbox::with(2)).start(),
        Pop3d::for_mailbox(&Mailbox::default()).start(),
        Pop3d::for_mailbox(&Mailbox::with(1)).start(),
    );
    let world = world();
    world.write("wrong", "not-it\n");
    let account = |name: &str, server: &Pop3d, password: &str| {
        format!(
            "[accounts.{name}]\npassword-file = \"{}\"\nca-file = \"{}\"\n[accounts.{name}.pop3]\nhost = \"localhost\"\n\
             port = {}\nusername = \"ana\"\n[accounts.{name}.fetch]\nmaildir = \"{name}\"\n",
            world.text(password),
            world.text("ca.pem"),
            server.port()
        )
    };
    let text = account("full", &full, "secret")
        + &account("empty", &empty, "secret")
        + &account("bad", &gone, "wrong");
    world.config(&text);
    let mut session = Session::start(&world, &["fetch", "--all-accounts", "-j", "1"]);
    session.expect("full: 2 delivered");
    session.expect("empty: nothing new");
    session.expect("bad: failed");
    assert_eq!(session.end().code(), Some(1));
    let outcome = world.postie(["fetch", "--all-accounts"]).go();
    outcome.assert_exit(1);
    assert!(!outcome.err().contains("full") && !outcome.err().contains("empty"), "{}", outcome.err());
}

#[test]
fn the_progress_bar_counts_messages() {
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = Pop3d::for_mailbox(&Mailbox::with(3))
        .hook(move |event| {
            if event.verb == "RETR" {
                // All of them continue at once; if the test ends, the wait ends, too.
                let _ = wait.lock().unwrap().recv();
            }
            Act::Normal
        })
        .start();
    let world = world();
    let url = server.url();
    let fetch =
        ["fetch", "--server", &url, "--ca-file", "ca.pem", "--password-file", "secret", "--maildir", "M"];
    let mut session = Session::start(&world, &fetch);
    session.expect("0/3 messages");
    drop(go_on);
    session.expect("3 delivered");
    assert!(session.end().success());
}

/// What a terminal may do while a fetch shows its progress there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ill {
    /// Its device is non-blocking, and full at the start.
    Full,
    /// It hangs up at the first message.
    HangsUp,
}

#[test]
fn a_blocked_or_closed_terminal_loses_no_mail() {
    for ill in [Ill::Full, Ill::HangsUp] {
        let mailbox = Mailbox::with(40);
        let (go_on, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let server = Pop3d::for_mailbox(&mailbox)
            .hook(move |event| {
                if event.verb == "RETR" {
                    let _ = wait.lock().unwrap().recv();
                }
                Act::Normal
            })
            .start();
        let world = world();
        let (url, postie) = (server.url(), world.program().to_str().unwrap().to_owned());
        let script = "trap '' HUP; exec \"$@\" >out";
        let argv = ["sh", "-c", script, "sh", &postie, "fetch", "--server", &url, "--ca-file", "ca.pem"];
        let argv = [&argv[..], &["--password-file", "secret", "--maildir", "Mail"]].concat();
        let mut session = Session::prepared(&world, &argv, |line| {
            rustix::io::ioctl_fionbio(line, true).unwrap();
            if ill == Ill::Full {
                while rustix::io::write(line, &[b'x'; 1000]).is_ok() {}
            }
        });
        if ill == Ill::Full {
            drop(go_on);
            session.expect("40 delivered");
            assert!(session.end().success());
        } else {
            session.expect("0/40 messages");
            let null = || open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap();
            let Session { screen, line, child, .. } = &mut session;
            drop((std::mem::replace(screen, null()), std::mem::replace(line, null())));
            drop(go_on);
            let until = Instant::now() + PATIENCE;
            let status = loop {
                match child.try_wait().unwrap() {
                    Some(status) => break status,
                    None => assert!(Instant::now() < until, "it does not end"),
                }
                poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: 20_000_000 })).unwrap();
            };
            assert_eq!(status.code(), Some(0));
        }
        assert_eq!(world.mail().len(), 40, "{ill:?}");
    }
}

#[test]
fn a_watch_shows_that_it_waits_and_what_it_has_fetched() {
    use crate::support::imapd::Imapd;
    use crate::support::imapd::store::ImapStore;
    use crate::support::mailbox::message;
    use crate::support::pop3d::Mode;
    let store = ImapStore::with(2);
    let server = Imapd::for_store(&store).mode(Mode::Plain).start();
    let (world, url) = (world(), server.url());
    let args = ["--server", &url, "--password-file", "secret", "fetch", "--watch", "--maildir", "Mail"];
    let mut session = Session::start(&world, &args);
    session.expect("2 delivered");
    session.expect("watching INBOX; Ctrl-C ends it");
    store.deliver("INBOX", &message(3));
    session.expect("1 delivered");
    session.type_in("\u{3}");
    assert_eq!(session.end().signal(), Some(2));
    assert_eq!(world.mail().len(), 3);
}
