//! What `send` sends to a server, and in how many flights: CHUNKING, DSN, REQUIRETLS, the EHLO name, how long
//! it waits and how often it tries.

use crate::support::mailbox::{Mailbox, is_gone_within};
use crate::support::peer::{End, Journal, Phase};
use crate::support::pop3d::{Act, Event, Mode};
use crate::support::smtpd::{Setup, Smtpd};
use crate::world;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

fn setup() -> Setup {
    Smtpd::for_mailbox(&Mailbox::default())
}

/// How many flights of the client arrived in one phase.
fn flights(journal: &Journal, phase: Phase) -> usize {
    journal.received.iter().filter(|(at, _)| *at == phase).count()
}

/// A server that does `act` the first time it gets `verb`.
fn once(verb: &'static str, act: Act) -> Setup {
    let count = AtomicUsize::new(0);
    setup().hook(move |event: &Event<'_>| match event.verb == verb {
        true if count.fetch_add(1, Ordering::SeqCst) == 0 => act.clone(),
        _ => Act::Normal,
    })
}

#[test]
fn a_small_message_takes_as_few_round_trips_as_the_extensions_allow() {
    // The round trips before the first flight: TCP, TLS and the greeting.
    for (mode, chunking, in_clear, round_trips) in [
        (Mode::Implicit, true, 0, 6),
        (Mode::Implicit, false, 0, 7),
        (Mode::Upgrade, true, 2, 8),
        (Mode::Upgrade, false, 2, 9),
    ] {
        let server = if chunking { setup().with("CHUNKING") } else { setup() }.mode(mode).start();
        let world = world();
        world.send(&server).arg("bob@example.org").stdin("text\n".repeat(800)).go().assert_exit(0);
        server.assert_clean();
        let journal = server.journal();
        assert_eq!(flights(&journal, Phase::Plain), in_clear, "{mode:?} {chunking}");
        assert_eq!(3 + in_clear + flights(&journal, Phase::Tls), round_trips, "{mode:?} {chunking}");
        let last = journal.received.last().unwrap();
        assert!(last.1.ends_with(b"\r\nQUIT\r\n"), "QUIT goes with the content: {mode:?} {chunking}");
        assert_eq!(journal.count(if chunking { "BDAT" } else { "DATA" }), 1);
    }
}

#[test]
fn with_chunking_the_content_is_sent_unchanged() {
    for (size, to) in [
        (10, vec!["bob@example.org"]),
        (20_000, vec!["bob@example.org"]),
        (10, vec!["bob@example.org", "cy@example.org"]),
    ] {
        let (world, server) = (world(), setup().with("CHUNKING").start());
        let raw = format!(
            "From: ana@example.org\nTo: bob@example.org\nDate: Mon, 01 Sep 2025 10:00:00 +0000\n\
             Message-ID: <x@example.org>\n\n.\n..\nQUIT\n{}h\u{e9}llo\n.\n",
            "0123456789\n".repeat(size)
        );
        world.send(&server).args(&to).arg("--raw").stdin(&raw).go().assert_exit(0);
        server.assert_clean();
        let message = server.the_message();
        assert_eq!(message.recipients, to);
        assert_eq!(message.content, raw.replace('\n', "\r\n").into_bytes());
        assert!(message.mail.contains("BODY=8BITMIME"), "it is declared all the same: {}", message.mail);
        let journal = server.journal();
        let announced = format!("BDAT {} LAST", message.content.len());
        assert_eq!((journal.with_verb("BDAT"), journal.count("DATA")), (vec![announced.as_str()], 0));
    }
}

#[test]
fn with_on_rejected_send_the_content_follows_at_once_and_accepted_recipients_get_it() {
    let refuse = |name: &'static str| {
        move |event: &Event<'_>| match event.verb == "RCPT" && event.line.contains(name) {
            true => Act::reply("550 5.1.1 nobody"),
            false => Act::Normal,
        }
    };
    for (refused, code, accepted) in [("cy@", 1, 1), ("@example.org", 67, 0)] {
        let (world, server) = (world(), setup().with("CHUNKING").hook(refuse(refused)).start());
        let to = ["bob@example.org", "cy@example.org"];
        let run = world.send(&server).args(["--on-rejected", "send"]).args(to).stdin("text\n");
        run.go().assert_exit(code);
        assert_eq!(server.accepted().len(), accepted);
        assert_eq!(server.journal().count("BDAT"), 1, "in the flight of the envelope");
    }
}

#[test]
fn a_temporary_refusal_is_tried_again_with_the_same_message() {
    for chunking in [false, true] {
        for (verb, act) in [
            ("RCPT", Act::reply("451 4.7.1 greylisted")),
            ("MAIL", Act::reply("450 4.3.2 later")),
            ("", Act::Then(b"421 4.3.2 busy\r\n".to_vec(), End::Close)),
            ("EHLO", Act::end(End::Close)),
            // A reply to the content that says that it was not accepted.
            (".", Act::reply("451 4.3.0 later")),
            (".", Act::Then(b"421 4.3.2 busy\r\n".to_vec(), End::Close)),
        ] {
            if chunking && verb == "." {
                continue;
            }
            let server = once(verb, act);
            let server = if chunking { server.with("CHUNKING").start() } else { server.start() };
            let world = world();
            let run = world.send(&server).args(["--retry-for", "30s", "bob@example.org"]).stdin("text\n");
            let outcome = run.go();
            outcome.assert_exit(0);
            assert!(outcome.elapsed >= Duration::from_secs(1), "the first pause is a second");
            let receipt = &outcome.of_type("receipt")[0];
            assert_eq!(receipt["attempts"], 2, "{verb:?}: {receipt}");
            let text = String::from_utf8(server.the_message().content).unwrap();
            assert!(text.contains(receipt["message_id"].as_str().unwrap()), "{text}");
            assert_eq!(server.journals().len(), 2);
        }
    }
}

#[test]
fn retries_end_with_their_time_and_the_last_refusal_is_reported() {
    let later = |event: &Event<'_>| match event.verb {
        "RCPT" => Act::reply("451 4.7.1 greylisted"),
        _ => Act::Normal,
    };
    let (world, server) = (world(), setup().hook(later).start());
    let run = world.send(&server).args(["--retry-for", "2s", "bob@example.org"]).stdin("text\n");
    let outcome = run.go();
    let error = outcome.assert_failure(75, "deferred");
    assert_eq!(error["reply"]["code"], 451);
    assert_eq!(outcome.of_type("receipt")[0]["attempts"], 2, "at 0 s and 1 s; 3 s would be too late");
    assert!(server.accepted().is_empty());
}

#[test]
fn the_final_reply_may_take_longer_than_the_timeout() {
    let slow = |event: &Event<'_>| {
        if event.verb == "." {
            event.outwait(Duration::from_secs(3));
        }
        Act::Normal
    };
    for chunking in [false, true] {
        let server = if chunking { setup().with("CHUNKING") } else { setup() }.hook(slow).start();
        let world = world();
        let run = world.at_url_within("1s", &server.url(), "send").args(["-f", "ana@example.org"]);
        run.arg("bob@example.org").stdin("text\n").go().assert_exit(0);
        assert_eq!(server.accepted().len(), 1);
    }
}

#[test]
fn each_reply_of_a_flight_has_its_own_timeout() {
    let slow = |event: &Event<'_>| {
        if event.verb == "RCPT" {
            event.outwait(Duration::from_millis(700));
            // Waiting octets are sent as a server's buffers would send them.
            return Act::Cut(usize::MAX / 2, End::Close);
        }
        Act::Normal
    };
    let (world, server) = (world(), setup().hook(slow).start());
    let run = world.at_url_within("2s", &server.url(), "send").args(["-f", "ana@example.org"]);
    let to = ["b@example.org", "c@example.org", "d@example.org", "e@example.org"];
    run.args(to).stdin("text\n").go().assert_exit(0);
}

#[test]
fn dsn_options_are_sent_as_their_rfc_says() {
    let (world, server) = (world(), setup().with("DSN").with("CHUNKING").start());
    let dsn = ["--dsn-notify", "failure,delay", "--dsn-return", "hdrs", "--dsn-envid", "job 1+2"];
    let run = world.send(&server).args(dsn).arg("bob@example.org").stdin("text\n");
    run.go().assert_exit(0);
    server.assert_clean();
    let journal = server.journal();
    let mail = journal.with_verb("MAIL")[0];
    assert!(mail.contains(" RET=HDRS") && mail.contains(" ENVID=job+201+2B2"), "{mail}");
    let rcpt = journal.with_verb("RCPT")[0];
    assert_eq!(rcpt, "RCPT TO:<bob@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@example.org");

    let lacks = setup().start();
    let run = world.send(&lacks).args(["--dsn-notify", "never", "bob@example.org"]).stdin("text\n");
    run.go().assert_failure(69, "missing");
    assert_eq!(lacks.journal().count("MAIL"), 0);
}

#[test]
fn require_tls_is_sent_to_the_server_or_nothing_is_sent() {
    let (world, server) = (world(), setup().with("REQUIRETLS").start());
    world.send(&server).args(["--require-tls", "bob@example.org"]).stdin("text\n").go().assert_exit(0);
    assert!(server.the_message().mail.ends_with(" REQUIRETLS"));
    server.assert_clean();

    let lacks = setup().start();
    let clear = setup().with("REQUIRETLS").mode(Mode::Plain).start();
    for server in [lacks, clear] {
        let run = world.send(&server).args(["--require-tls", "bob@example.org"]).stdin("text\n");
        run.go().assert_failure(69, "missing");
        assert_eq!(server.journal().count("MAIL"), 0);
    }
}

#[test]
fn the_name_in_ehlo_is_fully_qualified_or_an_address_literal() {
    let (world, server) = (world(), setup().start());
    world.send(&server).arg("bob@example.org").stdin("text\n").go().assert_exit(0);
    let journal = server.journal();
    let name = journal.with_verb("EHLO")[0].strip_prefix("EHLO ").unwrap();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    match host.trim() {
        full if full.contains('.') => assert_eq!(name, full),
        _ => assert!(matches!(name, "[127.0.0.1]" | "[IPv6:::1]"), "{name}"),
    }
}

#[test]
fn a_large_message_in_pieces_near_the_buffer_size_is_sent_in_order() {
    let world = world();
    let server = Smtpd::for_mailbox(&Mailbox::default()).start();
    let header = "From: ana@example.org\r\nTo: bob@example.net\r\nDate: Mon, 01 Sep 2025 10:00:00 +0000\r\n\
                  Message-ID: <m@example.org>\r\n\r\n";
    // Lines of all lengths: the blocks that are read get a CR more for each line, or not.
    let mut message = header.to_owned();
    for number in 0..60_000 {
        message.push_str(&format!("{number} {}\r\n", "x".repeat(number * 7 % 97)));
    }
    let path = world.write("message", &message);
    for (args, input) in [(["--raw"], ""), (["--raw=-"], message.as_str())] {
        let run = world.send(&server).args(args).args(input.is_empty().then_some(&path)).stdin(input);
        run.go().assert_exit(0);
    }
    for accepted in server.accepted() {
        let differs =
            accepted.content.iter().zip(message.as_bytes()).position(|(found, wanted)| found != wanted);
        assert_eq!((accepted.content.len(), differs), (message.len(), None));
    }
}

#[test]
fn the_name_in_ehlo_comes_from_the_option_or_the_account_and_is_checked_first() {
    let (world, server) = (world(), setup().mode(Mode::Plain).start());
    let port = server.port();
    world.config(&format!(
        "[accounts.a]\nemail = 'ana@example.org'\nsmtp.host = 'localhost'\nsmtp.port = {port}\nsmtp.tls = 'none'\n\
         password-file = '{}'\nsmtp.username = 'ana'\nsmtp.ehlo-name = 'box.example.org'\n",
        world.text("secret")
    ));
    let send = |args: &[&str]| {
        world.postie(["--json", "send"]).args(args).args(["-t", "bob@example.org", "--body", "x"])
    };
    send(&[]).run().assert_exit(0);
    send(&["--ehlo-name", "mx.example.net"]).run().assert_exit(0);
    send(&["--ehlo-name", "[192.0.2.7]"]).run().assert_exit(0);
    let batch = world.postie(["--json", "send", "--batch", "--ehlo-name", "batch.example.net"]);
    batch.stdin("{\"to\":\"bob@example.org\",\"text\":\"x\"}\n").run().assert_exit(0);
    for bad in ["a b", "x\r\nMAIL FROM:<z@x.org>", "", "-x"] {
        send(&["--ehlo-name", bad]).run().assert_exit(64);
    }
    world.postie(["--json", "test-account", "--smtp"]).run().assert_exit(0);
    let said: Vec<String> = server
        .journals()
        .iter()
        .flat_map(|journal| journal.with_verb("EHLO").into_iter().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let names = ["box.example.org", "mx.example.net", "[192.0.2.7]", "batch.example.net", "box.example.org"];
    assert_eq!(said, names.map(|name| format!("EHLO {name}")));
}

/// An SMTP server that takes content slowly, but steadily; returns how many octets that was.
fn slow_reader(listener: &TcpListener) -> usize {
    let (stream, _) = listener.accept().unwrap();
    let mut out = stream.try_clone().unwrap();
    let mut input = BufReader::with_capacity(4096, stream);
    out.write_all(b"220 slow\r\n").unwrap();
    let (mut line, mut content) = (String::new(), 0);
    while input.read_line(&mut line).unwrap_or(0) > 0 {
        let reply: &[u8] = match line.get(..4).unwrap_or_default() {
            "EHLO" => b"250-slow\r\n250 8BITMIME\r\n",
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 fine\r\n",
        };
        out.write_all(reply).unwrap();
        if line.starts_with("DATA") {
            let mut since = 0;
            loop {
                line.clear();
                if input.read_line(&mut line).unwrap_or(0) == 0 {
                    return content;
                }
                if line == ".\r\n" {
                    break;
                }
                (content, since) = (content + line.len(), since + line.len());
                if since > 128 * 1024 {
                    since = 0;
                    if is_gone_within(&out, Duration::from_millis(200)) {
                        return content;
                    }
                }
            }
            out.write_all(b"250 taken\r\n").unwrap();
        }
        line.clear();
    }
    content
}

#[test]
fn a_slow_connection_that_makes_progress_is_not_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::sockopt::set_socket_recv_buffer_size(&listener, 16 * 1024).unwrap();
    let url = format!("smtp+insecure://localhost:{}", listener.local_addr().unwrap().port());
    let reader = thread::spawn(move || slow_reader(&listener));
    let world = world();
    let text = format!("{}\n", "x".repeat(70)).repeat(100_000);
    let run = world.postie(["--json", "--timeout", "1s", "--server", &url, "send", "-f", "ana@example.org"]);
    let outcome = run.arg("bob@example.org").stdin(&text).go();
    outcome.assert_exit(0);
    assert_eq!(outcome.of_type("receipt")[0]["status"], "accepted");
    assert!(reader.join().unwrap() > text.len());
    assert!(outcome.elapsed > Duration::from_secs(5), "it was no slow line: {:?}", outcome.elapsed);
}
