//! What people and scripts really give to `send` and `sendmail`: texts in old charsets, addresses of
//! trackers, names with special characters, environments of containers and of sudo.

use crate::sendmail::{account, link};
use crate::support::mailbox::Mailbox;
use crate::support::pop3d::Mode;
use crate::support::process::Run;
use crate::support::real::have;
use crate::support::smtpd::{Accepted, Smtpd};
use crate::support::world::World;
use crate::world;
use mail_parser::{Message, MessageParser, MimeHeaders as _};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

fn server() -> Smtpd {
    Smtpd::for_mailbox(&Mailbox::default()).start()
}

fn parsed(message: &Accepted) -> Message<'_> {
    MessageParser::new().parse(&message.content).unwrap()
}

fn text(message: &Accepted) -> String {
    String::from_utf8(message.content.clone()).unwrap()
}

const LATIN: &[u8] = b"copied caf\xe9.txt\nFAILED\n";

#[test]
fn a_body_that_is_not_utf8_arrives_from_every_source() {
    let file = |world: &World| world.write("body", LATIN);
    let json =
        [br#"{"to":"bob@example.net","subject":"s","text":""#, &LATIN[..15], br#"\nFAILED\n"}"#].concat();
    for way in ["stdin", "--body", "--body-file", "--html", "--html-file", "--batch"] {
        let (world, server) = (world(), server());
        let mut run = world.send(&server);
        run = match way {
            "--batch" => run.arg("--batch").stdin(&json),
            way => {
                run = run.args(["--to", "bob@example.net", "--subject", "s"]);
                match way {
                    "stdin" => run.stdin(LATIN),
                    "--body" | "--html" => run.arg(way).arg(OsStr::from_bytes(LATIN)),
                    way => run.arg(way).arg(file(&world)),
                }
            }
        };
        run.go().assert_exit(0);
        server.assert_clean();
        let message = server.the_message();
        let kind = if way.starts_with("--html") { "html" } else { "plain" };
        let label = format!("Content-Type: text/{kind}; charset=\"unknown-8bit\"\r\n");
        assert!(text(&message).contains(&label), "{way}: {}", text(&message));
        let parsed = parsed(&message);
        let part = parsed.parts.iter().find(|part| {
            part.content_type().is_some_and(|found| found.attribute("charset") == Some("unknown-8bit"))
        });
        let coded = &message.content[part.unwrap().raw_body_offset() as usize..];
        let coded: Vec<u8> = coded.split(|octet| *octet == b'-').next().unwrap().to_vec();
        let coded: Vec<u8> = coded.into_iter().filter(|octet| !octet.is_ascii_whitespace()).collect();
        let octets = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, coded).unwrap();
        assert_eq!(octets, b"copied caf\xe9.txt\r\nFAILED\r\n", "{way}");
    }
}

#[test]
fn a_subject_that_is_not_utf8_is_sent_as_octets_of_an_unknown_charset() {
    let (world, server) = (world(), server());
    let run = world.send(&server).args(["--to", "bob@example.net", "--subject"]);
    run.arg(OsStr::from_bytes(b"copied caf\xe9.txt: FAILED")).stdin("x\n").go().assert_exit(0);
    let text = text(&server.the_message());
    assert!(text.contains("\r\nSubject: copied =?unknown-8bit?B?Y2Fm6S50eHQ6?= FAILED\r\n"), "{text}");
}

#[test]
fn a_charset_is_named_and_must_be_a_name() {
    let (world, server) = (world(), server());
    let run = world.send(&server).args(["--to", "bob@example.net", "--charset", "ISO-8859-1"]).stdin(LATIN);
    run.go().assert_exit(0);
    let message = server.the_message();
    assert!(text(&message).contains("charset=\"ISO-8859-1\"\r\n"), "{}", text(&message));
    assert_eq!(
        parsed(&message).body_text(0).unwrap().replace("\r\n", "\n"),
        "copied caf\u{e9}.txt\nFAILED\n"
    );
    for bad in ["", "a b", "x\r\nBcc: evil@example.net", "\u{fc}"] {
        let run = world.send(&server).args(["--to", "bob@example.net", "--charset", bad]).stdin(LATIN);
        run.go().assert_failure(64, "usage");
    }
    let run = world.send(&server).args(["--raw", "--charset", "utf-8"]).stdin("To: b@example.net\n\n");
    run.go().assert_failure(64, "usage");
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn odd_addresses_are_accepted_everywhere_and_the_server_decides() {
    let long = format!("reply+{}@reply.example.com", "0c89caea14b0".repeat(9));
    let (world, server) = (world(), server());
    account(&world, &server, "");
    for address in [&*long, "a..b@docomo.example", "a.@docomo.example", ".a@docomo.example", "a@example..net"]
    {
        let before = server.accepted().len();
        let raw = format!("From: ana@example.org\nTo: {address}\n\nx\n");
        let line = format!("{{\"to\":\"{address}\",\"text\":\"x\"}}\n");
        world.send(&server).args(["--to", address]).stdin("x\n").go().assert_exit(0);
        world.send(&server).args(["--bcc", address]).stdin("x\n").go().assert_exit(0);
        world.send(&server).args(["--raw"]).stdin(&raw).go().assert_exit(0);
        world.send(&server).args(["--batch"]).stdin(line).go().assert_exit(0);
        let sendmail = Run::new(link(&world)).args(["-t", "-i"]).dir(world.root()).env("HOME", world.root());
        sendmail.stdin(raw).go().assert_exit(0);
        let accepted = server.accepted();
        assert_eq!(accepted.len(), before + 5, "{address}");
        assert!(accepted[before..].iter().all(|message| message.recipients == [address]), "{address}");
        let run = world.send(&server).args(["--to", "bob@example.net", "--envelope-from", address]);
        run.stdin("x\n").go().assert_exit(0);
        let mail = server.accepted().pop().unwrap().mail;
        assert!(mail.starts_with(&format!("<{address}>")), "{mail}");
    }
    server.assert_clean();
}

#[test]
fn the_environment_makes_a_whole_account_with_a_name_and_an_authority() {
    let (world, server) = (world(), Smtpd::for_mailbox(&Mailbox::default()).mode(Mode::Implicit).start());
    let run = world.postie(["send", "--to", "bob@example.net"]).stdin("x\n");
    let run = run
        .env("POSTIE_SMTP_URL", server.url())
        .env("POSTIE_CA_FILE", world.path("ca.pem"))
        .env("POSTIE_PASSWORD_FILE", world.path("secret"))
        .env("POSTIE_FROM", "\"CI, Bot\" <ci@example.org>");
    run.go().assert_exit(0);
    let message = server.the_message();
    assert!(text(&message).contains("\r\nFrom: \"CI, Bot\" <ci@example.org>\r\n"), "{}", text(&message));
    assert!(message.mail.starts_with("<ci@example.org>"), "{}", message.mail);
}

#[test]
fn the_date_has_the_offset_of_the_zone_that_is_named() {
    if !have("the_date_has_the_offset_of_the_zone_that_is_named", &["/usr/share/zoneinfo/Asia/Kathmandu"]) {
        return;
    }
    for (zone, offset) in [
        ("Asia/Kathmandu", "+0545"),
        (":Asia/Kathmandu", "+0545"),
        ("UTC-13", "+1300"),
        ("<+0330>-3:30", "+0330"),
        ("UTC", "+0000"),
        ("Nowhere/Land", "+0000"),
    ] {
        let world = world();
        let run = world.postie(["send", "--print", "--from", "a@example.org", "--to", "b@example.net"]);
        let outcome = run.env("TZ", zone).stdin("x\n").run();
        outcome.assert_exit(0);
        let out = outcome.out();
        let date = out.lines().find(|line| line.starts_with("Date: ")).unwrap();
        assert!(date.trim_end().ends_with(offset), "{zone}: {date}");
    }
}

/// In a namespace of its own: root's home and `/etc` are directories of the test.
const OTHER_HOME: &str = "set -e
    home=$(getent passwd root | cut -d: -f6)
    mkdir \"$1/etc\"
    cp /etc/passwd /etc/hosts /etc/nsswitch.conf \"$1/etc\" || true
    mount --bind \"$1/$2\" \"$home\"
    [ \"$3\" = none ] || { mkdir -p \"$1/etc/postie\"; cp -p \"$1/$3\" \"$1/etc/postie/config.toml\"; }
    mount --bind \"$1/etc\" /etc
    cd /
    exec env -i ${4:+\"$4\"} LOGNAME=root USER=root PATH=/usr/bin:/bin \"$1/sendmail\" -t";

#[test]
fn sudo_and_cron_find_the_configuration_without_a_home() {
    if !have("sudo_and_cron_find_the_configuration_without_a_home", &["root", "mount name space"]) {
        return;
    }
    for home in ["HOME=/", "", "HOME=relative"] {
        for (own, system) in [(true, "none"), (false, "system.toml")] {
            let (world, server) = (world(), server());
            account(&world, &server, "");
            link(&world);
            let config = world.path(".config/postie/config.toml");
            if !own {
                std::fs::rename(config, world.path("system.toml")).unwrap();
            }
            let input =
                "To: root\nFrom: nobody\nSubject: *** SECURITY information for box ***\n\n box : user\n";
            let run = Run::new("unshare").args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                OTHER_HOME,
                "sh",
            ]);
            let run =
                run.arg(world.root()).args([".", system, home]).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            run.stdin(input).run().assert_exit(0);
            assert_eq!(
                server.the_message().recipients,
                ["ops@example.org", "bob@example.net"],
                "{home} {own}"
            );
        }
    }
}

#[test]
fn bcc_after_a_malformed_header_line_is_removed() {
    let header = "From: ana@example.org\nTo: b@example.net\nBcc: guest@example.net\nSubject: s\n";
    for before in
        ["garbage\n", "\n", "From x Mon\n>From y\n", "\u{feff}", " \n", "  - list\n", "MIME-Version 1.0\n"]
    {
        for args in [&["-t", "-i"][..], &["-i", "b@example.net"]] {
            let (world, server) = (world(), server());
            account(&world, &server, "");
            let run = Run::new(link(&world)).args(args).dir(world.root()).env("HOME", world.root());
            run.stdin(format!("{before}{header}\nbody\n")).run().assert_exit(0);
            let message = server.the_message();
            let want: &[&str] =
                if args[0] == "-t" { &["b@example.net", "guest@example.net"] } else { &["b@example.net"] };
            assert_eq!(message.recipients, want, "{before:?}");
            let text = text(&message);
            let has_bcc = text.lines().any(|line| line.to_lowercase().trim_start().starts_with("bcc"));
            assert!(!text.contains("guest") && !has_bcc, "{before:?}: {text}");
            assert!(text.ends_with("body\r\n") && text.contains("\r\nSubject: s\r\n"), "{before:?}: {text}");
        }
    }
}

#[test]
fn eight_bit_text_declared_as_ascii_gets_the_right_charset() {
    let with = |kind: &str, body: &str| {
        format!("From: ana@example.org\nTo: b@example.net\nSubject: s\n{kind}\n{body}\n")
    };
    let mime = "MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n";
    for (kind, body, charset, same) in [
        (
            "Content-Type: text/plain; charset=us-ascii; format=flowed\n",
            "gr\u{fc}n".as_bytes(),
            "utf-8",
            "format=flowed",
        ),
        ("Content-Type: text/html; charset=\"US-ASCII\"\n", "gr\u{fc}n".as_bytes(), "utf-8", "text/html"),
        ("Content-Type: text/plain; charset=ANSI_X3.4-1968\n", b"gr\xfcn", "unknown-8bit", "text/plain"),
        ("", "gr\u{fc}n".as_bytes(), "utf-8", "text/plain"),
        ("Content-Type: text/plain; charset=iso-8859-1\n", b"gr\xfcn", "iso-8859-1", "text/plain"),
    ] {
        for eight_bit in [true, false] {
            let world = world();
            let setup = Smtpd::for_mailbox(&Mailbox::default());
            let server = if eight_bit { setup } else { setup.without("8BITMIME") }.start();
            account(&world, &server, "");
            let input = with(&format!("{mime}{kind}"), "@").replace("@\n", "");
            let input = [input.as_bytes(), body, b"\n"].concat();
            let run = Run::new(link(&world)).args(["-t", "-i"]).dir(world.root()).env("HOME", world.root());
            run.stdin(input).run().assert_exit(0);
            let message = server.the_message();
            let parsed = parsed(&message);
            let found = parsed.content_type().unwrap();
            let shown = String::from_utf8_lossy(&message.content);
            assert_eq!(found.attribute("charset"), Some(charset), "{shown}");
            assert!(shown.contains(same) && shown.matches("charset=").count() == 1, "{shown}");
            let raw = message.content.windows(body.len()).any(|window| window == body);
            assert_eq!(raw, eight_bit, "{shown}");
        }
    }
}

#[test]
fn a_signed_part_keeps_its_wrong_charset() {
    let signed = "From: ana@example.org\nTo: b@example.net\nMIME-Version: 1.0\n\
                  Content-Type: multipart/signed; boundary=x; protocol=\"application/pgp-signature\"\n\n\
                  --x\nContent-Type: text/plain; charset=us-ascii\n\ngr\u{fc}n\n--x\n\nsig\n--x--\n";
    let (world, server) = (world(), server());
    account(&world, &server, "");
    let run = Run::new(link(&world)).args(["-t", "-i"]).dir(world.root()).env("HOME", world.root());
    run.stdin(signed).run().assert_exit(0);
    let body = signed.split_once("\n\n").unwrap().1.replace('\n', "\r\n");
    assert!(text(&server.the_message()).ends_with(&body), "{}", text(&server.the_message()));
}

#[test]
fn the_other_names_of_sendmail_answer_as_callers_expect() {
    let world = world();
    for (name, args, said) in [
        ("mailq", &[][..], "Mail queue is empty\n"),
        ("mailq", &["-v"], "Mail queue is empty\n"),
        ("sendmail", &["-bp"], "Mail queue is empty\n"),
        ("newaliases", &[], "no alias database"),
        ("sendmail", &["-bi"], "no alias database"),
        ("sendmail", &["-q"], ""),
    ] {
        let path = world.path(name);
        if !path.exists() {
            symlink(env!("CARGO_BIN_EXE_postie"), &path).unwrap();
        }
        let outcome = Run::new(&path).args(args).dir(world.root()).env("HOME", world.root()).run();
        outcome.assert_exit(0);
        assert!(outcome.out().starts_with(said) && outcome.err().is_empty(), "{name} {args:?}: {outcome:?}");
    }
}

#[test]
fn one_content_id_for_two_parts_is_refused_and_cid_prefixes_are_ignored() {
    let (world, server) = (world(), server());
    world.write("a.png", "a");
    world.write("b.png", "b");
    let common = ["--to", "b@example.net", "--html", "<img src=cid:logo>", "--inline", "a.png", "--cid"];
    let twice = world.send(&server).args(common).args(["cid:logo", "--inline", "b.png", "--cid", "<logo>"]);
    twice.go().assert_failure(65, "input");
    let batch = "{\"to\":\"b@example.net\",\"html\":\"x\",\"attachments\":[{\"path\":\"a.png\",\"cid\":\"x\"},\
                 {\"path\":\"b.png\",\"cid\":\"cid:x\"}]}\n";
    world.send(&server).arg("--batch").stdin(batch).go().assert_failure(65, "input");
    assert!(server.accepted().is_empty());
    world.send(&server).args(common).arg("cid:logo").go().assert_exit(0);
    assert!(text(&server.the_message()).contains("\r\nContent-ID: <logo>\r\n"));
}

#[test]
fn pipes_are_attached_by_any_path() {
    for (option, way) in
        [("--attach", "cat {}"), ("--body-file", "cat {}"), ("--raw", "cat {}"), ("--attach", "cat {} | cat")]
    {
        let (world, server) = (world(), server());
        let octets = "octets of a pipe\n".repeat(20_000);
        let raw = format!("To: b@example.net\n\n{octets}");
        let file = world.write("given", if option == "--raw" { &raw } else { &octets });
        let feed = way.replace("{}", file.to_str().unwrap());
        let script = format!("exec \"$@\" {option} <({feed})");
        let common: &[&str] = if option == "--raw" { &[] } else { &["--to", "b@example.net"] };
        let run = Run::new("bash").args(["-c", &script, "bash", env!("CARGO_BIN_EXE_postie")]);
        let run = run
            .args(["--json", "--server", &server.url(), "--password-file"])
            .arg(world.path("secret"))
            .arg("--ca-file")
            .arg(world.path("ca.pem"))
            .args(["send", "--from", "ana@example.org"])
            .args(common);
        let run = run.dir(world.root()).env("HOME", world.root()).env("PATH", "/usr/bin:/bin");
        run.run().assert_exit(0);
        let message = server.the_message();
        let got = parsed(&message);
        let got = match option {
            "--attach" => String::from_utf8(got.attachment(0).unwrap().contents().to_vec()).unwrap(),
            _ => got.body_text(0).unwrap().replace("\r\n", "\n"),
        };
        assert!(got == octets, "{option}");
    }
}

#[test]
fn standard_input_is_attached_by_each_of_its_names() {
    for name in ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        let (world, server) = (world(), server());
        let run = world.send(&server).args(["b@example.net", "--body", "x", "--attach", name]);
        run.stdin("piped\n").go().assert_exit(0);
        let message = text(&server.the_message());
        assert!(
            message.contains("\r\n\r\ncGlwZWQK\r\n") && !message.contains("filename"),
            "{name}: {message}"
        );
    }
}

#[test]
fn a_pipe_that_stays_open_ends_with_max_time() {
    let (world, server) = (world(), server());
    let fifo = world.path("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let run = world.send(&server).args(["--to", "b@example.net", "--max-time", "1s", "--attach"]).arg(fifo);
    run.go().assert_failure(75, "timeout");
    assert!(server.accepted().is_empty());
}

#[test]
fn a_file_name_that_is_not_utf8_keeps_its_octets_and_shows_what_can_be_shown() {
    let (world, server) = (world(), server());
    let file = world.root().join(OsStr::from_bytes(b"caf\xe9.txt"));
    std::fs::write(&file, "hi\n").unwrap();
    world.send(&server).args(["bob@example.net", "--body", "x", "--attach"]).arg(&file).go().assert_exit(0);
    let message = text(&server.the_message());
    assert!(
        message.contains("Content-Disposition: attachment; filename*=unknown-8bit''caf%E9.txt\r\n"),
        "{message}"
    );
    assert!(
        message.contains("Content-Type: text/plain; name=\"=?utf-8?B?Y2Fm77+9LnR4dA==?=\"\r\n"),
        "{message}"
    );
}

#[test]
fn attaching_a_directory_is_refused_with_a_hint() {
    let (world, server) = (world(), server());
    std::fs::create_dir(world.path("photos")).unwrap();
    let outcome = world.send(&server).args(["bob@example.net", "--body", "x", "--attach", "photos"]).go();
    let error = outcome.assert_failure(66, "no_input");
    assert_eq!(error["message"], "photos: opening: it is a directory");
    assert!(error["hint"].as_str().unwrap().contains("tar cz DIR |"), "{error}");
}

#[test]
fn arguments_that_must_be_utf8_and_are_not_are_shown() {
    let (world, server) = (world(), server());
    let run = world.send(&server).args(["bob@example.net", "--body", "x", "--to"]);
    let outcome = run.arg(OsStr::from_bytes(b"j\xf6rg@example.net")).go();
    let error = outcome.assert_failure(64, "usage");
    let (message, hint) = (error["message"].as_str().unwrap(), error["hint"].as_str().unwrap());
    assert!(message.contains("not UTF-8: \"j\u{fffd}rg@example.net\""), "{message}");
    assert!(hint.contains("iconv -t utf-8"), "{hint}");
}

#[test]
fn a_line_of_a_batch_attaches_pipes_too_and_never_the_batch_itself() {
    let (world, server) = (world(), server());
    let line = |path: &str| {
        format!("{{\"to\":\"b@example.net\",\"text\":\"x\",\"attachments\":[{{\"path\":\"{path}\"}}]}}\n")
    };
    let bash =
        Run::new("/bin/sh").args(["-c", "echo piped | \"$@\" 3<&0 0<lines", "sh"]).arg(world.program());
    world.write("lines", line("/dev/fd/3"));
    let url = server.url();
    let run = bash.args(["--server", &url, "--password-file", "secret", "--ca-file", "ca.pem"]);
    let run = run.args(["send", "--batch", "--from", "ana@example.org"]).dir(world.root());
    run.env("HOME", world.root()).go().assert_exit(0);
    assert!(text(&server.the_message()).contains("\r\n\r\ncGlwZWQK\r\n"), "{}", text(&server.the_message()));
    for path in ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        let outcome = world.send(&server).arg("--batch").stdin(line(path)).go();
        let error = outcome.assert_failure(65, "input");
        assert!(error["message"].as_str().unwrap().contains("the batch itself"), "{path}: {error}");
    }
    assert_eq!(server.accepted().len(), 1);
}
