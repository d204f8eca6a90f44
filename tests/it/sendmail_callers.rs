//! The real programs that start `sendmail`, each with postie in its place.
//!
//! cronie is not among Debian's packages; how it calls `sendmail` is in `cli::sendmail` and
//! `sendmail::mail_from_cron_is_sent_to_its_alias_from_the_account_s_address`, word for word.

use crate::sendmail::{account, link};
use crate::support::mailbox::Mailbox;
use crate::support::pop3d::Act;
use crate::support::process::{Outcome, Run};
use crate::support::real::have;
use crate::support::smtpd::{Accepted, Smtpd};
use crate::support::world::World;
use crate::world;

/// A home with an account for a server, and a program about to run in it.
struct Caller {
    world: World,
    server: Smtpd,
    sendmail: String,
}

impl Caller {
    fn new() -> Caller {
        Caller::with(Smtpd::for_mailbox(&Mailbox::default()).start())
    }

    fn refused() -> Caller {
        let refuse = |event: &crate::support::pop3d::Event<'_>| match event.verb {
            "RCPT" => Act::Reply(b"550 5.1.1 nobody\r\n".to_vec()),
            _ => Act::Normal,
        };
        Caller::with(Smtpd::for_mailbox(&Mailbox::default()).hook(refuse).start())
    }

    fn with(server: Smtpd) -> Caller {
        let world = world();
        account(&world, &server, &format!("log-file = \"{}\"", world.text("mail.log")));
        let sendmail = link(&world).to_str().unwrap().to_owned();
        Caller { world, server, sendmail }
    }

    fn run(&self, program: &str, args: &[&str]) -> Run {
        let run = Run::new(program).args(args).dir(self.world.root()).env("HOME", self.world.root());
        let run = run
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin")
            .env("TERM", "dumb")
            .env("LANG", "C.UTF-8");
        run.env("TMPDIR", self.world.root()).env("USER", "root").env("LOGNAME", "root")
    }

    /// The message that arrived, and its text.
    #[track_caller]
    fn arrived(&self, outcome: &Outcome) -> (Accepted, String) {
        assert_eq!(outcome.code, Some(0), "{outcome:?}\n{}", self.log());
        self.server.assert_clean();
        let message = self.server.the_message();
        let text = String::from_utf8(message.content.clone()).unwrap();
        assert!(message.mail.starts_with("<ana@example.org>"), "{}", message.mail);
        for name in ["From: ", "Date: ", "Message-ID: ", "To: "] {
            let count = text.lines().filter(|line| line.to_lowercase().starts_with(&name.to_lowercase()));
            assert_eq!(count.count(), 1, "{name}{text}");
        }
        (message, text)
    }

    fn log(&self) -> String {
        crate::support::process::read_or_empty(&self.world.path("mail.log"))
    }
}

const BODY: &str = "line one\n\n..\nFrom here on\n";
const WIRE_BODY: &str = "line one\r\n\r\n..\r\nFrom here on\r\n";

#[test]
fn bsd_mailx_sends_to_an_alias_and_notices_a_refusal() {
    if !have("bsd_mailx_sends_to_an_alias_and_notices_a_refusal", &["bsd-mailx"]) {
        return;
    }
    for (caller, fine) in [(Caller::new(), true), (Caller::refused(), false)] {
        let rc = caller.world.write("mailrc", format!("set sendmail={}\nset sendwait\n", caller.sendmail));
        let run = caller.run("bsd-mailx", &["-n", "-s", "hello", "-b", "guest@example.net", "root"]);
        let outcome = run.env("MAILRC", rc).stdin(BODY).run();
        if fine {
            let (message, text) = caller.arrived(&outcome);
            assert_eq!(message.recipients, ["ops@example.org", "bob@example.net", "guest@example.net"]);
            assert!(text.contains("\r\nSubject: hello\r\n") && !text.contains("guest"), "{text}");
            assert!(text.ends_with(WIRE_BODY), "{text}");
        } else {
            // If sendmail fails, it reports that only in words.
            assert!(outcome.err().contains("5.1.1 nobody"), "{outcome:?}");
            assert!(caller.log().contains(" exit=67 "), "{}", caller.log());
            assert!(caller.server.accepted().is_empty());
        }
    }
}

#[test]
fn mutt_sends_an_attachment_and_notices_a_refusal() {
    if !have("mutt_sends_an_attachment_and_notices_a_refusal", &["mutt"]) {
        return;
    }
    for (caller, fine) in [(Caller::new(), true), (Caller::refused(), false)] {
        let rc = format!(
            "set sendmail=\"{} -oem -oi\"\nset sendmail_wait=0\nset copy=no\nset from=\"ana@example.org\"\n\
             set use_from=yes\nset use_envelope_from=yes\nset realname=\"Ana\"\n",
            caller.sendmail
        );
        caller.world.write("muttrc", rc);
        caller.world.write("report.txt", "attached\n");
        let args = [
            "-n",
            "-F",
            "muttrc",
            "-s",
            "hello",
            "-b",
            "guest@example.net",
            "-a",
            "report.txt",
            "--",
            "bob@example.net",
        ];
        let outcome = caller.run("mutt", &args).stdin(BODY).run();
        if fine {
            let (message, text) = caller.arrived(&outcome);
            assert_eq!(message.recipients, ["bob@example.net", "guest@example.net"]);
            assert!(text.contains(WIRE_BODY) && text.contains("\r\nattached\r\n"), "{text}");
            assert!(!text.contains("guest"), "{text}");
        } else {
            assert_ne!(outcome.code, Some(0), "{outcome:?}");
            assert!(caller.log().contains(" exit=67 "), "{}", caller.log());
        }
    }
}

#[test]
fn git_send_email_sends_a_patch_and_notices_a_refusal() {
    if !have("git_send_email_sends_a_patch_and_notices_a_refusal", &["git", "git send-email"]) {
        return;
    }
    let patch = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\
                 From: Ana <ana@example.org>\nDate: Mon, 1 Sep 2025 10:00:00 +0000\nSubject: [PATCH] x: y\n\n\
                 why\n---\n x | 1 +\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+.\n.\n-- \n2.39.5\n";
    for (caller, fine) in [(Caller::new(), true), (Caller::refused(), false)] {
        caller.world.write("0001-x.patch", patch);
        let server = format!("--smtp-server={}", caller.sendmail);
        let args = [
            "send-email",
            &server,
            "--confirm=never",
            "--suppress-cc=all",
            "--from=Ana <ana@example.org>",
            "--to=bob@example.net",
            "--cc=cy@example.net",
            "--bcc=guest@example.net",
            "--envelope-sender=ana@example.org",
            "0001-x.patch",
        ];
        caller.world.write(".gitconfig", "[user]\n\tname = Ana\n\temail = ana@example.org\n");
        let outcome = caller.run("git", &args).run();
        if fine {
            let (message, text) = caller.arrived(&outcome);
            assert_eq!(message.recipients, ["bob@example.net", "cy@example.net", "guest@example.net"]);
            assert!(text.ends_with("\r\n+.\r\n.\r\n-- \r\n2.39.5\r\n"), "{text}");
            assert!(!text.contains("guest"), "{text}");
        } else {
            assert_ne!(outcome.code, Some(0), "{outcome:?}");
            assert!(outcome.err().contains("5.1.1 nobody"), "{outcome:?}");
        }
    }
}

#[test]
fn s_nail_sends_and_notices_a_refusal() {
    if !have("s_nail_sends_and_notices_a_refusal", &["s-nail"]) {
        return;
    }
    for (caller, fine) in [(Caller::new(), true), (Caller::refused(), false)] {
        let mta = format!("mta={}", caller.sendmail);
        let dead = format!("DEAD={}", caller.world.text("dead"));
        let args =
            ["-:/", "-S", "v15-compat", "-S", &mta, "-S", &dead, "-S", "sendwait", "-s", "hello", "root"];
        // It takes the home directory from the user database.
        let run = caller.run("s-nail", &args);
        let run = run.env("POSTIE_CONFIG", caller.world.path(".config/postie/config.toml"));
        let outcome = run.stdin(BODY).run();
        if fine {
            let (message, text) = caller.arrived(&outcome);
            assert_eq!(message.recipients, ["ops@example.org", "bob@example.net"]);
            // It writes the rest of the body as quoted-printable.
            assert!(text.contains("\r\n\r\nline one\r\n\r\n..\r\n"), "{text}");
        } else {
            assert_ne!(outcome.code, Some(0), "{outcome:?}");
        }
    }
}

#[test]
fn logrotate_mails_a_log_that_it_removes() {
    if !have("logrotate_mails_a_log_that_it_removes", &["logrotate"]) {
        return;
    }
    let caller = Caller::new();
    let (log, state) = (caller.world.text("app.log"), caller.world.text("state"));
    caller.world.write("app.log", BODY.replace("..", "."));
    caller.world.write("rotate", format!("{log} {{\n rotate 0\n mail root\n mailfirst\n nocreate\n}}\n"));
    let outcome = caller.run("logrotate", &["-f", "-s", &state, "-m", &caller.sendmail, "rotate"]).run();
    let (message, text) = caller.arrived(&outcome);
    assert_eq!(message.recipients, ["ops@example.org", "bob@example.net"]);
    assert!(text.contains("\r\nSubject: ") && text.contains("app.log"), "{text}");
    assert!(text.ends_with(&WIRE_BODY.replace("..", ".")), "{text}");
}

#[test]
fn php_sends_and_notices_a_refusal() {
    if !have("php_sends_and_notices_a_refusal", &["php"]) {
        return;
    }
    for (caller, fine) in [(Caller::new(), true), (Caller::refused(), false)] {
        let path = format!("sendmail_path={} -t -i", caller.sendmail);
        let code = "exit(mail('bob@example.net', 'hello', \"line one\\r\\n.\\r\\nend\", \
                    'From: ana@example.org', '-fwww-data@host') ? 0 : 9);";
        let outcome = caller.run("php", &["-n", "-d", &path, "-r", code]).run();
        if fine {
            let (message, text) = caller.arrived(&outcome);
            assert_eq!(message.recipients, ["bob@example.net"]);
            assert!(text.ends_with("\r\n\r\nline one\r\n.\r\nend\r\n"), "{text}");
        } else {
            assert_eq!(outcome.code, Some(9), "{outcome:?}");
        }
    }
}

#[test]
fn symfony_mailer_sends_through_a_command_and_through_smtp() {
    if !have("symfony_mailer_sends_through_a_command_and_through_smtp", &["php", "php-symfony-mailer"]) {
        return;
    }
    let code = "require '/usr/share/php/Symfony/Component/Mailer/autoload.php';
        $mail = (new Symfony\\Component\\Mime\\Email())->from('ana@example.org')->to('bob@example.net')
            ->bcc('guest@example.net')->subject('Grüße')->text(\"line one\\n\\n..\\nFrom here on\\n\");
        try {
            $dsn = 'sendmail://default?command=' . rawurlencode($argv[1]);
            Symfony\\Component\\Mailer\\Transport::fromDsn($dsn)->send($mail);
        } catch (Exception $e) {
            fwrite(STDERR, $e->getMessage());
            exit(9);
        }";
    // It uses `-bs` by default.
    for flags in ["-bs", "-t -i", "-t"] {
        for (caller, fine) in [(Caller::new(), true), (Caller::refused(), false)] {
            let command = format!("{} {flags}", caller.sendmail);
            let outcome = caller.run("php", &["-r", code, "--", &command]).run();
            if fine {
                let (message, text) = caller.arrived(&outcome);
                assert_eq!(message.recipients, ["bob@example.net", "guest@example.net"], "{flags}");
                assert!(text.contains("\r\nSubject: =?utf-8?") && !text.contains("guest"), "{text}");
                // Its end of a message is on a line of its own.
                assert!(text.trim_end().ends_with(WIRE_BODY.trim_end()), "{flags}: {text}");
            } else {
                assert_eq!(outcome.code, Some(9), "{flags}: {outcome:?}");
                assert!(outcome.err().contains("5.1.1"), "{flags}: {outcome:?}");
            }
        }
    }
}

/// In a namespace of its own, so that nothing of the machine is touched: its tables of jobs, its `/run`,
/// root's home, and `/usr/sbin/sendmail`.
const CRON: &str = "set -e
    mount -t tmpfs none /run
    mount -t tmpfs none /etc/cron.d
    mount -t tmpfs none /var/spool/cron
    mkdir /var/spool/cron/crontabs
    mount --bind \"$1/crontab\" /etc/crontab
    mount --bind \"$2\" /usr/sbin/sendmail
    mount --bind \"$1\" /root
    exec cron -f";

#[test]
fn cron_mails_the_output_of_a_job() {
    let needs = ["root", "cron", "mount name space", "/usr/sbin/sendmail"];
    if !have("cron_mails_the_output_of_a_job", &needs) {
        return;
    }
    let (sender, gone) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let caller = Caller::with(
        Smtpd::for_mailbox(&Mailbox::default())
            .hook(move |event| {
                if event.verb == "QUIT" {
                    let _ = sender.lock().unwrap().send(());
                }
                Act::Normal
            })
            .start(),
    );
    let long = "x".repeat(1200);
    // It takes no command of more than 1,000 octets.
    let job =
        "@reboot root echo gr\u{fc}n; printf 'a\\r\\n.\\n'; head -c 1200 /dev/zero | tr '\\000' x; echo\n";
    let table = caller.world.write("crontab", job);
    std::fs::set_permissions(&table, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let mut cron = std::process::Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", CRON, "sh"])
        .arg(caller.world.root())
        .arg(env!("CARGO_BIN_EXE_postie"))
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C.UTF-8")
        .stdin(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let arrived = gone.recv_timeout(std::time::Duration::from_secs(60));
    // The log is written after QUIT, by a process of cron that the test cannot wait for.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while caller.log().is_empty() && std::time::Instant::now() < patience {
        std::thread::yield_now();
    }
    cron.kill().unwrap();
    cron.wait().unwrap();
    assert!(arrived.is_ok(), "{}", caller.log());
    caller.server.assert_clean();
    let message = caller.server.the_message();
    assert_eq!(message.recipients, ["ops@example.org", "bob@example.net"], "root's aliases");
    let parsed = mail_parser::MessageParser::default().parse(&message.content).unwrap();
    assert!(parsed.subject().unwrap().starts_with("Cron <root@"), "{:?}", parsed.subject());
    assert_eq!(parsed.from().unwrap().first().unwrap().address(), Some("ana@example.org"));
    let text = parsed.body_text(0).unwrap().replace("\r\n", "\n");
    assert_eq!(text, format!("gr\u{fc}n\na\n.\n{long}\n"), "a line that is too long is no reason to lose it");
    assert!(caller.log().contains(" status=accepted exit=0 "), "{}", caller.log());
}
