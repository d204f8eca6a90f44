//! The classes of failure and attack in a message and its inputs, and the test of each:
//!
//! | class | test |
//! |---|---|
//! | 69 smuggling | `send_property`, `send_refused::a_raw_message_cannot_smuggle_another_one`, here `no_input_can_contain_an_end_of_data` |
//! | 70 injection | `send_property_binary`, `send_refused::no_argument_can_add_a_header_a_recipient_or_a_command`, `send_refused::no_file_name_can_add_a_header` |
//! | 71 Bcc | here `bcc_in_any_spelling_is_neither_sent_nor_printed`, `send::bcc_is_in_the_envelope_and_nowhere_in_the_message` |
//! | 72 addresses beyond ASCII | `send::international_addresses_need_smtputf8_or_an_a_label` |
//! | 73 8-bit, long lines, size | `send::eight_bit_content_is_declared_or_encoded_or_refused`, `send_fix`, `send::a_message_larger_than_the_announced_size_is_not_begun` |
//! | 74 standard input | here `truncated_input_is_noticed_if_possible`, `send::an_empty_body_sends_nothing_if_asked_for` |
//! | 75 attachments | here `only_files_and_pipes_can_be_attached_and_a_growing_file_ends`, `send_refused::unreadable_input_is_reported_before_the_first_connection` |
//! | 76 privacy | here `a_message_reveals_nothing_about_the_machine_or_the_user` |

use crate::support::mailbox::Mailbox;
use crate::support::peer::Victim;
use crate::support::pop3d::{Act, Event};
use crate::support::smtpd::Smtpd;
use crate::world;
use mail_parser::MessageParser;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

fn server() -> Smtpd {
    Smtpd::for_mailbox(&Mailbox::default()).start()
}

#[test]
fn no_input_can_contain_an_end_of_data() {
    let ends = [
        "\n.\n",
        "\r\n.\r\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\n.\r",
        "\r\n.\r",
        "\r.\r\n",
        "\r.\n",
        "\n\r.\n\r",
    ];
    let (world, server) = (world(), server());
    let evil = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<evil@example.org>\r\nDATA\r\nsecond\r\n";
    for end in ends {
        let text = format!("first{end}{evil}{end}");
        let path = world.write("attached.txt", &text);
        let message = world.write("attached.eml", format!("Subject: x\n\n{text}"));
        let run = world.send(&server).args(["bob@example.org", "--html", &format!("<p>{text}</p>"), "-a"]);
        let run = run.arg(path).arg("-a").arg(message).stdin(&text);
        run.go().assert_exit(0);
    }
    server.assert_clean();
    let accepted = server.accepted();
    assert_eq!(accepted.len(), ends.len());
    for (message, end) in accepted.iter().zip(ends) {
        assert_eq!(message.recipients, ["bob@example.org"], "{end:?}");
        let parsed = MessageParser::default().parse(&message.content).unwrap();
        let text = format!("first{end}{evil}{end}");
        assert_eq!(parsed.attachment(0).unwrap().contents(), text.as_bytes(), "{end:?}");
    }
}

#[test]
fn bcc_in_any_spelling_is_neither_sent_nor_printed() {
    let (world, server) = (world(), server());
    let raw = "From: ana@example.org\nTo: bob@example.org\nBcc: g1@example.org\nBcc: g2@example.org,\n\tg3@example.org\n\
               bcc : g4@example.org\nBCC:g5@example.org\nResent-Bcc: g6@example.org\nX-Bcc: stays\n\nBcc: in the body\n";
    world.send(&server).arg("--raw").stdin(raw).go().assert_exit(0);
    let message = server.the_message();
    let text = String::from_utf8(message.content).unwrap();
    assert!(!text.contains("@example.org,") && (1..=6).all(|n| !text.contains(&format!("g{n}@"))), "{text}");
    assert!(
        text.contains("\r\nX-Bcc: stays\r\n") && text.ends_with("\r\n\r\nBcc: in the body\r\n"),
        "{text}"
    );
    // Resent-Bcc marks this as a message that was sent on: only that block names the recipients.
    assert_eq!(message.recipients, ["g6@example.org"]);
    let printed = world.postie(["send", "--print", "--raw"]).stdin(raw.replace("Resent-", "")).go();
    printed.assert_exit(0);
    assert!((1..=6).all(|n| !printed.out().contains(&format!("g{n}@"))), "{}", printed.out());
}

#[test]
fn truncated_input_is_noticed_if_possible() {
    let (world, server) = (world(), server());
    let to = "bob@example.org";
    for (input, args) in [
        ("", &["--raw"][..]),
        ("\n", &["--raw"]),
        ("From: ana@example.org\nTo: bob@example.org\nSubj", &["--raw"]),
        ("From: ana@example.org\nSubject: no recipient yet\n", &["--raw"]),
        ("{\"to\": \"bob@example.org\", \"text\": \"half", &["--batch"]),
    ] {
        let outcome = world.send(&server).args(args).stdin(input).go();
        outcome.assert_failure(65, "input");
    }
    // Nobody can know that a text is cut off; but it can be known, and is reported, that it is empty.
    for args in [&["-E", to][..], &["-E", "-a", "-", to], &["-E", "--body-file", "-", to], &["-E", "--raw"]] {
        world.send(&server).args(args).stdin("").go().assert_exit(0);
    }
    let header = "From: ana@example.org\nTo: bob@example.org\n";
    for blank in ["", "\n", "\n \n\n"] {
        world.send(&server).args(["-E", "--raw"]).stdin(format!("{header}{blank}")).go().assert_exit(0);
    }
    assert!(server.accepted().is_empty());
    world.send(&server).args(["-E", "-a", "-", to]).stdin("x").go().assert_exit(0);
    world.send(&server).args(["-E", "--raw"]).stdin(format!("{header}\n\nx\n")).go().assert_exit(0);
    assert_eq!(server.accepted().len(), 2);
}

#[test]
fn standard_input_is_read_to_its_end_before_anything_connects() {
    let (world, server) = (world(), server());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_postie"))
        .args(["--json", "--server", &server.url(), "send", "-f", "ana@example.org", "bob@example.org"])
        .arg("--password-file")
        .arg(world.path("secret"))
        .arg("--ca-file")
        .arg(world.path("ca.pem"))
        .env_clear()
        .env("HOME", world.root())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(b"first\n").unwrap();
    // postie has read everything so far and sleeps: waiting for more of it, or for a server.
    let stat = format!("/proc/{}/stat", child.id());
    let sleeps = || std::fs::read_to_string(&stat).unwrap().rsplit(')').next().unwrap().starts_with(" S");
    while rustix::io::ioctl_fionread(&pipe).unwrap() > 0 || !sleeps() {
        std::thread::yield_now();
    }
    assert!(server.journals().is_empty(), "it has not connected");
    pipe.write_all(b"second\n").unwrap();
    drop(pipe);
    assert!(child.wait().unwrap().success());
    let text = String::from_utf8(server.the_message().content).unwrap();
    assert!(text.ends_with("\r\n\r\nfirst\r\nsecond\r\n"), "{text}");
}

#[test]
fn only_files_and_pipes_can_be_attached_and_a_growing_file_ends() {
    let (world, server) = (world(), server());
    std::fs::create_dir(world.path("directory")).unwrap();
    for path in [world.path("directory"), world.path("missing"), "/dev/zero".into()] {
        for option in ["--attach", "--inline"] {
            let run = world.send(&server).arg("bob@example.org").arg(option).arg(&path).stdin("text\n");
            run.go().assert_failure(66, "no_input");
        }
    }
    assert!(server.journals().is_empty());

    let server = Smtpd::for_mailbox(&Mailbox::default()).without("SIZE").start();
    // A log file that another program writes to faster than it is read.
    let path = world.write("log", "x".repeat(1 << 20));
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut log = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) && log.metadata().unwrap().len() < 1 << 30
            {
                log.write_all(&[b'y'; 1 << 16]).unwrap();
            }
        });
        let run = world.send(&server).arg("bob@example.org").arg("-a").arg(&path).stdin("text\n");
        let outcome = run.run();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        outcome.assert_exit(0);
    });
    let message = server.the_message();
    let parsed = MessageParser::default().parse(&message.content).unwrap();
    assert!(parsed.attachment(0).unwrap().contents().starts_with(&[b'x'; 1 << 20]));
}

#[test]
fn a_message_reveals_nothing_about_the_machine_or_the_user() {
    let (world, server) = (world(), server());
    let path = world.write("report.txt", "x");
    let run = world.send(&server).args(["bob@example.org", "-s", "hi", "-a"]).arg(path);
    run.env("USER", "secretuser")
        .env("LOGNAME", "secretuser")
        .env("HOSTNAME", "secrethost")
        .stdin("x\n")
        .go()
        .assert_exit(0);
    let text = String::from_utf8(server.the_message().content).unwrap();
    let node = rustix::system::uname();
    let node = node.nodename().to_str().unwrap();
    let home = world.text("");
    for private in
        ["secretuser", "secrethost", home.trim_end_matches('/'), "User-Agent", "X-Mailer", "postie"]
    {
        assert!(!text.contains(private), "{private}: {text}");
    }
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    let id = line("Message-ID: ");
    assert!(id.ends_with("@example.org>") && (node.len() < 3 || !id.contains(node)), "{id}");
    let date = line("Date: ");
    assert!(date.ends_with(" +0000"), "a numeric zone: {date}");
}

/// The most memory a run may use, in KiB, without optimisation.
const MOST: u64 = 24 * 1024;

#[test]
fn memory_does_not_grow_with_a_message_or_its_attachments() {
    let (world, peaks) = (world(), Arc::<Mutex<(Option<Victim>, Vec<u64>)>>::default());
    let hook = {
        let peaks = Arc::clone(&peaks);
        move |event: &Event<'_>| {
            if event.verb == "." {
                let mut peaks = peaks.lock().unwrap();
                let peak = peaks.0.as_ref().unwrap().peak();
                peaks.1.push(peak);
            }
            Act::Normal
        }
    };
    let plain = Smtpd::for_mailbox(&Mailbox::default()).without("SIZE").without("8BITMIME");
    let server = plain.hook(hook).start();
    peaks.lock().unwrap().0 = Some(server.victim());
    let text = "0123456789abcdef 0123456789abcdef 0123456789abcdef\n".repeat(600_000);
    let header = "From: ana@example.org\nTo: bob@example.org\n";
    let large = world.write("large.txt", &text);
    let message = world.write("large.eml", format!("Subject: x\n\n{text}"));
    let raw = world.write("raw.eml", format!("{header}\n{text}"));
    let odd = world.write("odd.eml", format!("{header}\n\u{e4}\n{text}"));
    let to = ["bob@example.org", "--body", "x", "-a"];
    let runs = [
        ("a file", world.send(&server).args(to).arg(&large)),
        ("a message", world.send(&server).args(to).arg(&message)),
        ("a pipe", world.send(&server).args(to).arg("-").stdin(&text)),
        ("--raw of a file", world.send(&server).arg("--raw").arg(&raw)),
        ("--raw of a pipe", world.send(&server).args(["--raw", "-"]).stdin(std::fs::read(&raw).unwrap())),
        ("--raw --fix", world.send(&server).args(["--fix", "--raw"]).arg(&odd)),
    ];
    for (what, run) in runs {
        run.go().assert_exit(0);
        let peak = *peaks.lock().unwrap().1.last().unwrap();
        let _ = writeln!(std::io::stderr(), "30 MB by {what}: {peak} KiB at most");
        assert!(peak < MOST, "{what}: {peak} KiB");
    }
    server.assert_clean();
    assert_eq!(server.accepted().len(), 6);
}
