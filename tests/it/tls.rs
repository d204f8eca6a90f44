//! TLS in `fetch` and `send`: the server is verified, nothing avoids that, and no credential is sent before.
//! Every server here fails its test if it gets the password without TLS.

use crate::support::authority::{Authority, Certificate, Versions};
use crate::support::mailbox::Mailbox;
use crate::support::peer::{End, Journal};
use crate::support::pop3d::{Act, Event, Mode, Pop3d};
use crate::support::smtpd::Smtpd;
use crate::support::world::{Checked, World};
use crate::world;
use rustix::fs::{CWD, FileType, mknodat};
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;

/// No command that begins a login, or a message, was ever sent.
#[track_caller]
fn assert_no_login(journals: &[Journal]) {
    for journal in journals {
        for verb in ["USER", "PASS", "APOP", "AUTH", "MAIL", "RCPT", "DATA"] {
            assert_eq!(journal.count(verb), 0, "{verb}: {:?}", journal.commands);
        }
    }
}

/// Runs `fetch` against a POP3 server and `send` against an SMTP server that misbehave in the same way.
fn both(
    mode: Mode,
    certificate: Certificate,
    versions: Versions,
    hook: fn(&Event<'_>) -> Act,
) -> [(Checked, Vec<Journal>); 2] {
    let (world, mailbox) = (world(), Mailbox::with(1));
    let pop3 = Pop3d::for_mailbox(&mailbox).mode(mode).certificate(certificate).versions(versions);
    let pop3 = pop3.hook(hook).start();
    let smtp = Smtpd::for_mailbox(&mailbox).mode(mode).certificate(certificate).versions(versions);
    let smtp = smtp.hook(hook).start();
    let fetched = world.fetch_within("3s", &pop3).go();
    let send = world.at_url_within("3s", &smtp.url(), "send");
    let sent = send.args(["--from", "ana@example.org", "bob@example.org"]).stdin("text\n").go();
    assert!(world.mail().is_empty());
    assert_eq!(mailbox.messages().len(), 1, "nothing was sent");
    [(fetched, pop3.journals()), (sent, smtp.journals())]
}

fn normal(_: &Event<'_>) -> Act {
    Act::Normal
}

#[test]
fn a_certificate_that_is_not_trusted_ends_the_run_before_any_credential() {
    for certificate in Certificate::BAD {
        for mode in [Mode::Implicit, Mode::Upgrade] {
            for (outcome, journals) in both(mode, certificate, Versions::Modern, normal) {
                let error = outcome.assert_failure(77, "certificate");
                assert!(error["hint"].is_string(), "{error}");
                let message = error["message"].as_str().unwrap().to_lowercase();
                let reason = match certificate {
                    Certificate::Expired => "expired",
                    Certificate::WrongHost => "host",
                    _ => "self",
                };
                let named = message.contains(reason) || message.contains("issuer");
                assert!(named, "{certificate:?}: {message}");
                assert_no_login(&journals);
            }
        }
    }
}

#[test]
fn nothing_older_than_tls_1_2_is_spoken() {
    for mode in [Mode::Implicit, Mode::Upgrade] {
        for (outcome, journals) in both(mode, Certificate::Good, Versions::OnlyTls11, normal) {
            outcome.assert_failure(69, "missing");
            assert_no_login(&journals);
        }
    }
}

#[test]
fn an_upgrade_that_is_not_offered_ends_the_run() {
    let stripped = |event: &Event<'_>| match event.verb {
        "CAPA" if !event.tls => Act::reply("+OK\r\nUSER\r\nUIDL\r\nSASL PLAIN\r\n."),
        "STLS" => Act::reply("-ERR not known"),
        "EHLO" if !event.tls => Act::reply("250-localhost\r\n250 AUTH PLAIN LOGIN"),
        "STARTTLS" => Act::reply("502 5.5.1 not known"),
        _ => Act::Normal,
    };
    for (outcome, journals) in both(Mode::Upgrade, Certificate::Good, Versions::Modern, stripped) {
        let error = outcome.assert_failure(69, "missing");
        assert!(error["hint"].is_string(), "{error}");
        assert_no_login(&journals);
    }
}

#[test]
fn any_other_reply_to_the_upgrade_ends_the_run() {
    const REFUSALS: [(&str, &str); 7] = [
        ("-ERR no", "454 4.7.0 not now"),
        ("-ERR [SYS/TEMP] not now", "502 5.5.1 not known"),
        ("+", "354 go ahead"),
        ("+ continue", "334 "),
        ("+OKAY", "2"),
        ("", ""),
        ("HELLO", "250 ok"),
    ];
    const MISSING: (i32, &str) = (69, "missing");
    const DEFERRED: (i32, &str) = (75, "deferred");
    const BROKEN: (i32, &str) = (76, "protocol");
    // An empty line is skipped, and nothing comes after it.
    const SILENT: (i32, &str) = (75, "timeout");
    const OUTCOMES: [[(i32, &str); 2]; 7] = [
        [MISSING, DEFERRED],
        [MISSING, MISSING],
        [BROKEN, BROKEN],
        [BROKEN, BROKEN],
        [BROKEN, BROKEN],
        [SILENT, SILENT],
        [BROKEN, BROKEN],
    ];
    fn refuse<const N: usize>(event: &Event<'_>) -> Act {
        match event.verb {
            "STLS" => Act::reply(REFUSALS[N].0),
            "STARTTLS" => Act::reply(REFUSALS[N].1),
            _ => Act::Normal,
        }
    }
    let hooks: [fn(&Event<'_>) -> Act; 7] =
        [refuse::<0>, refuse::<1>, refuse::<2>, refuse::<3>, refuse::<4>, refuse::<5>, refuse::<6>];
    for (number, hook) in hooks.into_iter().enumerate() {
        let runs = both(Mode::Upgrade, Certificate::Good, Versions::Modern, hook);
        for ((outcome, journals), (code, kind)) in runs.into_iter().zip(OUTCOMES[number]) {
            outcome.assert_failure(code, kind);
            assert_no_login(&journals);
        }
    }
}

#[test]
fn octets_injected_after_the_reply_to_starttls_end_the_run() {
    let inject = |event: &Event<'_>| match event.verb {
        "STLS" => Act::Reply(b"+OK begin\r\n+OK injected\r\n+OK injected\r\n".to_vec()),
        "STARTTLS" => Act::Reply(b"220 begin\r\n250 injected\r\n235 injected\r\n".to_vec()),
        _ => Act::Normal,
    };
    for (outcome, journals) in both(Mode::Upgrade, Certificate::Good, Versions::Modern, inject) {
        outcome.assert_failure(76, "protocol");
        assert_no_login(&journals);
    }
}

#[test]
fn a_server_that_refuses_to_name_its_capabilities_still_owes_tls() {
    let mute = |event: &Event<'_>| match event.verb {
        "CAPA" if !event.tls => Act::reply("-ERR not known"),
        "STLS" => Act::reply("-ERR not known"),
        "EHLO" if !event.tls => Act::reply("500 5.5.1 not known"),
        "STARTTLS" => Act::reply("500 5.5.1 not known"),
        _ => Act::Normal,
    };
    for (outcome, journals) in both(Mode::Upgrade, Certificate::Good, Versions::Modern, mute) {
        outcome.assert_failure(69, "missing");
        assert_no_login(&journals);
    }
}

#[test]
fn a_connection_that_ends_or_falls_silent_in_the_handshake_is_temporary() {
    let close = |event: &Event<'_>| match event.verb {
        "STLS" => Act::Then(b"+OK begin\r\n".to_vec(), End::Close),
        "STARTTLS" => Act::Then(b"220 begin\r\n".to_vec(), End::Close),
        _ => Act::Normal,
    };
    let stall = |event: &Event<'_>| match event.verb {
        "STLS" => Act::Then(b"+OK begin\r\n".to_vec(), End::Stall),
        "STARTTLS" => Act::Then(b"220 begin\r\n".to_vec(), End::Stall),
        _ => Act::Normal,
    };
    for (hook, kind) in [(close as fn(&Event<'_>) -> Act, "network"), (stall, "timeout")] {
        for (outcome, journals) in both(Mode::Upgrade, Certificate::Good, Versions::Modern, hook) {
            outcome.assert_failure(75, kind);
            assert_no_login(&journals);
        }
    }
}

#[test]
fn capabilities_announced_without_tls_are_forgotten_under_tls() {
    let other_in_clear = |event: &Event<'_>| match event.verb {
        "CAPA" if !event.tls => Act::reply("+OK\r\nSTLS\r\nSASL X-CLEAR\r\nPIPELINING\r\n."),
        _ => Act::Normal,
    };
    let (world, mailbox) = (world(), Mailbox::with(3));
    let server = Pop3d::for_mailbox(&mailbox).mode(Mode::Upgrade).without("PIPELINING").hook(other_in_clear);
    let server = server.start();
    world.fetch(&server).go().assert_exit(0);
    server.assert_clean();
}

#[test]
fn a_pinned_fingerprint_replaces_the_checks_of_chain_and_name() {
    for certificate in [Certificate::Good, Certificate::SelfSigned, Certificate::WrongHost] {
        for mode in [Mode::Implicit, Mode::Upgrade] {
            let (world, mailbox) = (world(), Mailbox::with(1));
            let server = Pop3d::for_mailbox(&mailbox).mode(mode).certificate(certificate).start();
            let pin = Authority::shared().identity(certificate).fingerprint();
            let fetch = |pin: &str, into: &str| {
                world
                    .postie(["--json", "fetch", "--server", &server.url(), "--tls-fingerprint", pin])
                    .arg("--password-file")
                    .arg(world.path("secret"))
                    .arg("--maildir")
                    .arg(world.path(into))
            };
            fetch(&pin, "Mail").go().assert_exit(0);
            let other = Authority::shared().identity(Certificate::UnknownRoot).fingerprint();
            let error = fetch(&other, "Other").go().assert_failure(77, "certificate");
            let found = pin.trim_start_matches("sha256:");
            assert!(error["message"].as_str().unwrap().contains(found), "it says what it found: {error}");
            assert!(
                !world.path("Other").exists() || world.path("Other/new").read_dir().unwrap().next().is_none()
            );
        }
    }
}

#[test]
fn a_bad_ca_file_is_a_mistake_in_the_configuration() {
    let (world, mailbox) = (world(), Mailbox::with(1));
    let server = Pop3d::for_mailbox(&mailbox).start();
    world.write("empty.pem", "");
    world.write("broken.pem", "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n");
    // Nobody writes into the first, and the second would fill the memory.
    Peculiar::make(&world);
    for (file, what) in [
        ("empty.pem", "no certificate in it"),
        ("broken.pem", ""),
        ("missing.pem", "No such file"),
        ("fifo", "not a regular file"),
        ("huge", "octets"),
    ] {
        let run = world.postie(["--json", "fetch", "--server", &server.url(), "--ca-file"]);
        let run = run.arg(world.path(file)).arg("--password-file").arg(world.path("secret"));
        let error = run.arg("--maildir").arg(world.path("Mail")).go().assert_failure(78, "config");
        assert!(error["message"].as_str().unwrap().contains(what), "{file}: {error}");
    }
    assert!(server.journals().iter().all(|journal| journal.received.is_empty()));
}

/// Files that a careless reader never comes to the end of: `fifo` and `huge`.
struct Peculiar;

impl Peculiar {
    fn make(world: &World) {
        let fifo = world.path("fifo");
        mknodat(CWD, fifo, FileType::Fifo, 0o600.into(), 0).unwrap();
        // Without blocks on the disk.
        File::create(world.path("huge")).unwrap().set_len(1 << 40).unwrap();
        std::fs::set_permissions(world.path("huge"), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn a_file_of_a_certificate_or_a_key_without_an_end_is_told_at_once() {
    let (world, mailbox) = (world(), Mailbox::with(1));
    let server = Pop3d::for_mailbox(&mailbox).start();
    let own = Authority::shared().identity(Certificate::Good);
    world.write("client.pem", [own.certificate_pem(), own.key_pem()].concat());
    Peculiar::make(&world);
    for (certificate, key) in
        [("fifo", "client.pem"), ("huge", "client.pem"), ("client.pem", "fifo"), ("client.pem", "huge")]
    {
        let files =
            format!("client-certificate = '{}'\nclient-key = '{}'", world.text(certificate), world.text(key));
        world.config(&format!(
            "[accounts.a]\nemail = 'ana@example.org'\nca-file = '{}'\npassword-file = '{}'\n{files}\n\
             pop3 = {{ host = 'localhost', port = {} }}\n\
             [accounts.b]\nemail = 'ana@example.org'\nca-file = '{}'\npop3 = {{ host = 'localhost' }}\n\
             [accounts.b.oauth]\nclient-id = 'me'\nflow = 'client-credentials'\ntoken-url = 'https://localhost:9/'\n{files}\n",
            world.text("ca.pem"),
            world.text("secret"),
            server.port(),
            world.text("ca.pem"),
        ));
        for account in ["a", "b"] {
            let error = world.postie(["--json", "list", "-A", account]).go().assert_failure(78, "config");
            let message = error["message"].as_str().unwrap();
            let odd = if key == "client.pem" { certificate } else { key };
            assert!(message.contains(odd) && !message.contains("Connection"), "{account} {odd}: {error}");
        }
    }
    assert!(server.journals().iter().all(|journal| journal.received.is_empty()));
}

#[test]
fn a_secret_is_never_sent_without_tls_beyond_loopback() {
    let world = world();
    // An address reserved for documentation: no host has it, and none may be contacted.
    for url in ["pop3+insecure://ana@192.0.2.1", "smtp+insecure://ana@192.0.2.1"] {
        let command = if url.starts_with("pop3") { "list" } else { "send" };
        let run = world.at_url(url, command);
        let run = if command == "send" { run.args(["-f", "a@example.org", "b@example.org"]) } else { run };
        let outcome = run.stdin("text\n").go();
        outcome.assert_failure(78, "config");
    }
}

#[test]
fn the_system_s_authorities_are_trusted_in_every_form_and_no_others() {
    let authority = Authority::shared().pem();
    let (world, mailbox) = (world(), Mailbox::with(1));
    let bundle = world.write("bundle.pem", &authority);
    let nobody = world.write("nobody.pem", "");
    let hash = openssl::x509::X509::from_pem(&authority).unwrap().subject_name_hash();
    world.write(&format!("hashed/{hash:08x}.0"), &authority);
    world.write("unhashed/authority.pem", &authority);
    let [hashed, unhashed] = ["hashed", "unhashed"].map(|name| world.path(name));
    let pop3 = Pop3d::for_mailbox(&mailbox).start();
    // Names under which OpenSSL does not find the file.
    world.write("misnamed/deadbeef.0", &authority);
    world.write(&format!("gap/{hash:08x}.1"), &authority);
    world.write("empty/none.txt", "");
    let list = |names: &[&str]| std::env::join_paths(names.iter().map(|name| world.path(name))).unwrap();
    Peculiar::make(&world);
    let [missing, misnamed, gap, fifo] =
        ["missing", "misnamed", "gap", "fifo"].map(|name| world.path(name).into_os_string());
    for (file, dir, trusted) in [
        (bundle.as_os_str(), hashed.as_os_str(), true),
        (nobody.as_os_str(), hashed.as_os_str(), true),
        (bundle.as_os_str(), unhashed.as_os_str(), true),
        (nobody.as_os_str(), unhashed.as_os_str(), false),
        (missing.as_os_str(), missing.as_os_str(), false),
        ("/dev/null".as_ref(), "/dev/null".as_ref(), false),
        (missing.as_os_str(), hashed.as_os_str(), true),
        (bundle.as_os_str(), missing.as_os_str(), true),
        (missing.as_os_str(), &list(&["empty", "hashed"]), true),
        (missing.as_os_str(), &list(&["hashed", "missing"]), true),
        (missing.as_os_str(), &list(&["empty", "unhashed"]), false),
        // The directory does not have it, and then the bundle decides.
        (bundle.as_os_str(), misnamed.as_os_str(), true),
        (missing.as_os_str(), misnamed.as_os_str(), false),
        (bundle.as_os_str(), gap.as_os_str(), true),
        (missing.as_os_str(), gap.as_os_str(), false),
        // Nobody writes into it.
        (fifo.as_os_str(), hashed.as_os_str(), true),
        (fifo.as_os_str(), gap.as_os_str(), false),
        ("/dev/zero".as_ref(), hashed.as_os_str(), true),
    ] {
        let list = world.postie(["--json", "--server", &pop3.url(), "--password-file"]);
        let list = list.arg(world.path("secret")).args(["list", "--no-headers"]);
        let listed = list.env("SSL_CERT_FILE", file).env("SSL_CERT_DIR", dir).run();
        match trusted {
            true => drop(listed.assert_exit(0)),
            false => drop(listed.assert_failure(77, "certificate")),
        }
    }
}

#[test]
fn an_authority_marked_as_rejected_for_servers_is_not_trusted() {
    use crate::support::real::have;
    if !have("an_authority_marked_as_rejected_for_servers_is_not_trusted", &["openssl"]) {
        return;
    }
    let (world, mailbox) = (world(), Mailbox::with(1));
    let authority = Authority::shared().pem();
    let plain = world.write("plain.pem", &authority);
    let with = |setting: &[&str]| {
        let x509 =
            std::process::Command::new("openssl").args(["x509", "-in"]).arg(&plain).args(setting).output();
        x509.unwrap().stdout
    };
    let reject = with(&["-addreject", "serverAuth"]);
    let mail_only = with(&["-addtrust", "emailProtection"]);
    let server = with(&["-addtrust", "serverAuth"]);
    let old = String::from_utf8(authority.clone()).unwrap().replace(" CERTIFICATE", " X509 CERTIFICATE");
    let other = Authority::shared().identity(Certificate::SelfSigned).certificate_pem();
    let of = |pem: &[u8]| openssl::x509::X509::from_pem(pem).unwrap().subject_name_hash();
    let (hash, other_hash) = (of(&authority), of(&other));
    let pop3 = Pop3d::for_mailbox(&mailbox).start();
    let none: &[u8] = b"";
    for (what, dir, bundle, trusted) in [
        ("the directory rejects it", &reject[..], none, false),
        ("the directory has it for mail alone", &mail_only, none, false),
        ("the directory has it for servers", &server, none, true),
        ("the bundle rejects it", none, &reject, false),
        ("the bundle has it for mail alone", none, &mail_only, false),
        ("the bundle has it for servers", none, &server, true),
        ("the bundle rejects what the directory has", &authority, &reject, false),
        ("the bundle decides over the directory", &reject, &authority, true),
        ("both have it", &authority, &authority, true),
        ("both have it, the bundle for servers", &authority, &server, true),
        ("the bundle has it in the old form", none, old.as_bytes(), true),
    ] {
        for beside in [false, true] {
            let root = world.path("roots");
            let _ = std::fs::remove_dir_all(&root);
            world.write("roots/dir/none", "");
            if !dir.is_empty() {
                world.write(&format!("roots/dir/{hash:08x}.0"), dir);
            }
            let bundle = if beside {
                world.write(&format!("roots/dir/{other_hash:08x}.0"), &other);
                [&other, bundle].concat()
            } else {
                bundle.to_vec()
            };
            let file = world.write("roots/bundle.pem", bundle);
            let list = world.postie(["--json", "--server", &pop3.url(), "--password-file"]);
            let list = list.arg(world.path("secret")).args(["list", "--no-headers"]);
            let list = list.env("SSL_CERT_FILE", file).env("SSL_CERT_DIR", world.path("roots/dir"));
            assert_eq!(
                list.go().code,
                Some(if trusted { 0 } else { 77 }),
                "{what}, beside another: {beside}"
            );
        }
    }
}

#[test]
fn every_command_says_what_is_wrong_with_a_certificate_and_what_helps() {
    for certificate in Certificate::BAD {
        for mode in [Mode::Implicit, Mode::Upgrade] {
            let (world, mailbox) = (world(), Mailbox::with(1));
            let pop3 = Pop3d::for_mailbox(&mailbox).mode(mode).certificate(certificate).start();
            let smtp = Smtpd::for_mailbox(&mailbox).mode(mode).certificate(certificate).start();
            let runs = [
                world.at_url(&pop3.url(), "list"),
                world.at_url(&pop3.url(), "fetch").args(["--maildir", "Mail"]),
                world.at_url(&pop3.url(), "test-account"),
                world.at_url(&smtp.url(), "test-account"),
                world.at_url(&smtp.url(), "send").args([
                    "-f",
                    "a@example.org",
                    "b@example.org",
                    "--body",
                    "x",
                ]),
            ];
            for run in runs {
                let error = run.go().assert_failure(77, "certificate");
                let (message, hint) = (error["message"].as_str().unwrap(), error["hint"].as_str().unwrap());
                let trusts_more = hint.contains("--ca-file") || hint.contains("fingerprint");
                match certificate {
                    Certificate::Expired => {
                        assert!(message.contains("it was valid until 20"), "{message}");
                        assert!(!trusts_more && hint.contains("clock"), "{hint}");
                    }
                    Certificate::WrongHost => {
                        assert!(
                            message.contains("it is for mail.example.org, not for localhost"),
                            "{message}"
                        );
                        assert!(!trusts_more && hint.contains("as the host"), "{hint}");
                    }
                    _ => assert!(trusts_more, "{hint}"),
                }
            }
        }
    }
}
