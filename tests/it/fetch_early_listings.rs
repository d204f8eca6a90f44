//! Listings that are sent early, in one flight with the login: when that is done, and servers that lose all
//! or a part of them, or are slow. Such a server costs a second session once, and never a run.

use crate::support::disk::{assert_same, sorted};
use crate::support::mailbox::{Mailbox, message_of};
use crate::support::peer::Phase;
use crate::support::pop3d::{Act, Event, Flaw, Mode, Pop3d, SECRET};
use crate::support::world::World;
use crate::world;
use std::fs;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// The commands that are sent early.
const LISTINGS: &str = "UIDL\r\nLIST\r\n";

/// What the server got in the last session, flight by flight.
fn flights(server: &Pop3d) -> Vec<String> {
    let journal = server.journals().pop().unwrap();
    journal.received.iter().map(|(_, octets)| String::from_utf8_lossy(octets).into_owned()).collect()
}

/// Runs a command by its words; `fetch` goes into the Maildir `Mail`. Its timeout is one that no test
/// reaches.
#[track_caller]
fn assert_ends_well(world: &World, server: &Pop3d, words: &str) {
    let mut words = words.split(' ');
    let run = world.at_url_within("1h", &server.url(), words.next().unwrap()).victim(server.victim());
    let outcome = words.fold(run, |run, word| match word {
        "Mail" => run.arg(world.path("Mail")),
        word => run.arg(word),
    });
    let outcome = outcome.go();
    outcome.assert_exit(0);
    let text = outcome.err();
    assert!(!text.contains("timed out") && !text.contains("error"), "{outcome:?}");
}

#[test]
fn with_pipelining_a_run_without_new_mail_takes_three_flights() {
    for mode in Mode::ALL {
        let mailbox = Mailbox::sized(3);
        let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).mode(mode).start());
        for command in ["fetch --maildir Mail", "fetch --maildir Mail", "list --no-headers"] {
            assert_ends_well(&world, &server, command);
        }
        let login = format!("USER ana\r\nPASS {SECRET}\r\n{LISTINGS}");
        let wanted = match mode {
            Mode::Upgrade => vec!["CAPA\r\n", "STLS\r\n", "CAPA\r\n", &login, "QUIT\r\n"],
            Mode::Implicit => vec!["CAPA\r\n", &login, "QUIT\r\n"],
            // Without TLS the password is proven, where that can be done.
            Mode::Plain => vec!["CAPA\r\n", "AUTH CRAM-MD5\r\n", "", "QUIT\r\n"],
        };
        let mut flights = flights(&server);
        if mode == Mode::Plain {
            assert!(flights[2].ends_with(&format!("\r\n{LISTINGS}")), "{flights:?}");
            flights[2].clear();
        }
        assert_eq!(flights, wanted, "{mode:?}");
        assert_eq!(server.journals().len(), 3, "{mode:?}");
    }
}

#[test]
fn listings_are_sent_early_only_if_their_loss_would_be_noticed_and_a_second_login_is_allowed() {
    let pass = format!("PASS {SECRET}\r\n");
    for (announced, login) in [
        ("USER, UIDL, PIPELINING", format!("USER ana\r\n{pass}{LISTINGS}")),
        ("USER, UIDL, PIPELINING, UTF8", format!("UTF8\r\nUSER ana\r\n{pass}{LISTINGS}")),
        ("USER, UIDL, PIPELINING, LOGIN-DELAY 0", format!("USER ana\r\n{pass}{LISTINGS}")),
        ("USER, UIDL, PIPELINING, LOGIN-DELAY 10", format!("USER ana\r\n{pass}")),
        ("USER, PIPELINING", format!("USER ana\r\n{pass}")),
        ("USER, UIDL", pass.clone()),
    ] {
        let mailbox = Mailbox::sized(2);
        let server = Pop3d::announcing(&mailbox, announced).start();
        let world = world();
        assert_ends_well(&world, &server, "fetch --maildir Mail");
        assert_same(&world.mail(), &sorted(mailbox.as_stored()));
        let flights = flights(&server);
        assert!(flights.contains(&login), "{announced}: {flights:?}");
    }
}

#[test]
fn with_auth_listings_are_sent_early_only_with_the_last_response_to_a_challenge() {
    for (mechanism, is_early) in [("LOGIN", true), ("CRAM-MD5", true), ("PLAIN", false)] {
        for flaw in [None, Some(Flaw::Drops)] {
            let mailbox = Mailbox::sized(2);
            let setup = Pop3d::announcing(&mailbox, &format!("SASL {mechanism}, UIDL, PIPELINING"));
            let setup = flaw.into_iter().fold(setup, |setup, flaw| setup.flawed("AUTH", flaw));
            let (world, server) = (world(), setup.start());
            assert_ends_well(&world, &server, "fetch --maildir Mail");
            assert_same(&world.mail(), &sorted(mailbox.as_stored()));
            let lost = usize::from(is_early && flaw.is_some());
            assert_eq!(server.journals().len(), 1 + lost, "{mechanism}, {flaw:?}");
            let first = &server.journals()[0];
            let lines: Vec<usize> = first
                .received
                .iter()
                .map(|(_, octets)| String::from_utf8_lossy(octets).into_owned())
                .filter(|flight| flight.contains("UIDL\r\n"))
                .map(|flight| flight.lines().count())
                .collect();
            assert_eq!(lines, [if is_early { 3 } else { 2 }], "{mechanism}, {flaw:?}: {first:?}");
        }
    }
}

#[test]
fn any_early_listing_that_is_lost_costs_one_more_session_and_only_once() {
    let mut flaws: Vec<Flaw> = [1, 2, 4, 6, 8, 10].map(Flaw::Swallows).to_vec();
    flaws.extend(Flaw::ALL);
    // Most of the time is spent waiting for replies that do not come.
    std::thread::scope(|scope| {
        for flaw in flaws {
            scope.spawn(move || {
                let mailbox = Mailbox::sized(2);
                let server = Pop3d::for_mailbox(&mailbox).flawed("PASS", flaw).start();
                let world = world();
                assert_ends_well(&world, &server, "fetch --maildir Mail");
                assert_same(&world.mail(), &sorted(mailbox.as_stored()));
                assert_eq!(server.journals().len(), 2, "{flaw:?}");
                mailbox.add(&message_of(3, 2000));
                for command in ["fetch --maildir Mail", "list", "fetch --dry-run --maildir Mail"] {
                    assert_ends_well(&world, &server, command);
                }
                assert_eq!(server.journals().len(), 5, "{flaw:?}: it is remembered");
                assert_same(&world.mail(), &sorted(mailbox.as_stored()));
                let harmless = ["CAPA", "USER", "PASS", "UIDL", "LIST"];
                let lost = &server.journals()[0];
                let said = |(_, line): &(_, String)| line.split(' ').next().unwrap_or_default().to_owned();
                for verb in lost.commands.iter().map(said) {
                    let known = harmless.iter().any(|known| known.ends_with(&verb));
                    assert!(known, "{flaw:?}: {verb:?}");
                }
            });
        }
    });
}

#[test]
fn list_and_dry_run_remember_no_lost_listings_and_succeed_too() {
    let mailbox = Mailbox::sized(2);
    let server = Pop3d::for_mailbox(&mailbox).flawed("PASS", Flaw::Drops).start();
    let world = world();
    for (command, sessions) in [
        ("test-account", 1),
        ("list", 2),
        ("fetch --dry-run --maildir Mail", 2),
        ("fetch --peek --stdout", 2),
        ("fetch --mark-seen --dry-run", 2),
    ] {
        let before = server.journals().len();
        assert_ends_well(&world, &server, command);
        assert_eq!(server.journals().len() - before, sessions, "{command}");
        assert!(ledger(&world).is_none(), "{command}");
    }
}

#[test]
fn slow_early_listings_are_asked_for_again_in_a_second_session() {
    // It locks the mailbox for the first session until that is done, which is after the ninth login.
    let mailbox = Mailbox::sized(2);
    let done = Arc::new((Mutex::new(false), Condvar::new()));
    let hook = move |event: &Event<'_>| {
        match (event.connection, event.line) {
            (0, "UIDL") => drop(done.1.wait_while(done.0.lock().unwrap(), |done| !*done).unwrap()),
            (8, "CAPA") => {
                *done.0.lock().unwrap() = true;
                done.1.notify_all();
            }
            _ => {}
        }
        Act::Normal
    };
    let server = Pop3d::for_mailbox(&mailbox).prompt().blind().hook(hook).start();
    let world = world();
    assert_ends_well(&world, &server, "fetch --delete --maildir Mail");
    assert_eq!(world.mail().len(), 2);
    assert!(mailbox.messages().is_empty());
    let sessions = server.journals().len();
    assert!(sessions > 8, "{sessions}");
    assert_ends_well(&world, &server, "fetch --delete --maildir Mail");
    assert_eq!(server.journals().len(), sessions + 1, "it is remembered");
}

#[test]
fn a_refused_login_with_early_listings_is_reported_as_such_and_not_tried_again() {
    for (reply, code, kind) in [
        ("-ERR [AUTH] no", 77, "auth"),
        ("-ERR no", 77, "auth"),
        ("-Err Unable to log on", 77, "auth"),
        ("-ERR invalid password, too many attempts", 77, "auth"),
        ("-ERR [AUTH] invalid password, too many attempts", 77, "auth"),
        ("-ERR Password incorrect, try again later", 77, "auth"),
        ("-ERR [AUTH] Unsupported authentication mechanism.", 69, "missing"),
        ("-ERR [IN-USE] another session", 75, "deferred"),
        ("-ERR [LOGIN-DELAY] wait", 75, "deferred"),
        ("-ERR too many connections", 75, "deferred"),
    ] {
        let server = Pop3d::for_mailbox(&Mailbox::sized(2))
            .hook(move |event| if event.verb == "PASS" { Act::reply(reply) } else { Act::Normal })
            .start();
        for command in ["fetch", "list"] {
            let world = world();
            let run = world.pop3(&server, command);
            let run = if command == "fetch" { run.arg("--maildir").arg(world.path("Mail")) } else { run };
            let error = run.go().assert_failure(code, kind);
            assert!(error["reply"]["lines"][0].as_str().unwrap().eq_ignore_ascii_case(reply), "{error}");
            let offer = "the server offers only PLAIN, LOGIN, CRAM-MD5";
            assert_eq!(error["message"].as_str().unwrap().contains(offer), code == 69, "{error}");
        }
        assert_eq!(server.journals().len(), 2, "{reply}: one session each");
    }
}

#[test]
fn early_listings_go_with_apop_and_are_asked_for_again_if_lost() {
    for flaw in [None, Some(Flaw::Drops)] {
        let mailbox = Mailbox::sized(2);
        let setup = Pop3d::announcing(&mailbox, "USER, UIDL, PIPELINING");
        let server = flaw.into_iter().fold(setup, |setup, flaw| setup.flawed("APOP", flaw)).start();
        let world = world();
        let more = format!("auth = 'apop'\n[accounts.a.fetch]\nmaildir = '{}'", world.text("Mail"));
        world.config(&world.account("a", "pop3", server.port(), &more));
        world.postie(["fetch", "--json", "--ca-file"]).arg(world.path("ca.pem")).go().assert_exit(0);
        assert_same(&world.mail(), &sorted(mailbox.as_stored()));
        let journals = server.journals();
        assert_eq!(journals.len(), 1 + usize::from(flaw.is_some()), "{flaw:?}");
        let first = journals[0].octets(Phase::Tls);
        let rode = memchr::memmem::find(&first, LISTINGS.as_bytes()).is_some();
        let login = journals[0].received.iter().find(|(_, octets)| octets.starts_with(b"APOP ")).unwrap();
        assert!(rode && login.1.ends_with(LISTINGS.as_bytes()), "{flaw:?}: {}", first.escape_ascii());
    }
}

/// The time for early listings begins with the reply to the login; the login has the time of an operation.
#[test]
fn a_slow_login_with_early_listings_succeeds() {
    let mailbox = Mailbox::sized(2);
    let slow = |event: &Event<'_>| {
        if event.verb == "PASS" {
            event.outwait(Duration::from_secs(3));
        }
        Act::Normal
    };
    let (world, server) = (world(), Pop3d::for_mailbox(&mailbox).hook(slow).start());
    assert_ends_well(&world, &server, "fetch --maildir Mail");
    assert_same(&world.mail(), &sorted(mailbox.as_stored()));
    assert_eq!(server.journals().len(), 1);
    assert!(flights(&server).contains(&format!("USER ana\r\nPASS {SECRET}\r\n{LISTINGS}")));
}

#[test]
fn lost_early_listings_are_remembered_even_if_the_second_login_is_refused() {
    let mailbox = Mailbox::sized(2);
    let server = Pop3d::for_mailbox(&mailbox)
        .flawed("PASS", Flaw::Drops)
        .hook(|event| match (event.connection, event.verb) {
            (1, "PASS") => Act::reply("-ERR [LOGIN-DELAY] every minute"),
            _ => Act::Normal,
        })
        .start();
    let world = world();
    let error = world.fetch(&server).go().assert_failure(75, "deferred");
    assert!(error["message"].as_str().unwrap().contains("LOGIN-DELAY"), "{error}");
    assert_ends_well(&world, &server, "fetch --maildir Mail");
    assert_eq!(server.journals().len(), 3);
    assert_same(&world.mail(), &sorted(mailbox.as_stored()));
}

#[test]
fn lost_early_listings_are_forgotten_after_a_week() {
    let mailbox = Mailbox::sized(2);
    let server = Pop3d::for_mailbox(&mailbox).flawed("PASS", Flaw::Drops).start();
    let world = world();
    for (days, sessions) in [(0, 2), (6, 1), (8, 2), (0, 1)] {
        age(&world, days);
        let before = server.journals().len();
        assert_ends_well(&world, &server, "fetch --maildir Mail");
        assert_eq!(server.journals().len() - before, sessions, "{days} days later");
    }
}

fn ledger(world: &World) -> Option<std::path::PathBuf> {
    let names = fs::read_dir(world.path(".local/state/postie/ledger")).ok()?;
    let mut paths = names.map(|entry| entry.unwrap().path());
    paths.find(|path| path.extension().is_some_and(|ending| ending == "ledger"))
}

/// Makes the record of lost early listings so many days older.
fn age(world: &World, days: u64) {
    let Some(path) = ledger(world) else { return };
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().map(|line| {
        let Some((start, time)) = line.split_once(" loses-behind-login ").map(|(s, t)| (s, t.trim())) else {
            return format!("{line}\n");
        };
        let time = time.parse::<u64>().unwrap() - days * 86_400;
        let body = format!("{} loses-behind-login {time}", &start[8..]);
        format!("{:08x}{body}\n", crc32fast::hash(body.as_bytes()))
    });
    let text: String = lines.collect();
    fs::write(&path, text).unwrap();
}
