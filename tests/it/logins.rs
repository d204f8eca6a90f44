//! Every mechanism by every protocol, with a server that is right, wrong, gone, odd or a liar.

use crate::support::authority::{Authority, Certificate};
use crate::support::gatekeeper::{Gatekeeper, Manner, Speaks, TlsKind};
use crate::support::pop3d::{SECRET, USER};
use crate::support::process::Outcome;
use crate::support::world::World;
use crate::world;

/// How a login must end.
#[derive(Clone, Copy, Debug)]
enum Ends {
    In,
    With(i32, &'static str),
}

const REFUSED: Ends = Ends::With(77, "auth");
const LOST: Ends = Ends::With(75, "network");
const LIES: Ends = Ends::With(76, "protocol");

/// A program for the mechanism of the test's own: who it is, then whatever it reads.
const PROGRAM: &str = "echo YW5h; exec cat";

fn account(world: &World, speaks: Speaks, gate: &Gatekeeper, auth: &str) {
    let secret = match auth {
        "external" => {
            let identity = Authority::shared().identity(Certificate::Good);
            world.write("client.pem", [identity.certificate_pem(), identity.key_pem()].concat());
            format!("client-certificate = '{}'", world.text("client.pem"))
        }
        "x-own" => format!("sasl-command = '{PROGRAM}'"),
        _ => format!("password-file = '{}'", world.text("secret")),
    };
    world.config(&format!(
        "[accounts.a]\nemail = 'ana@example.org'\nca-file = '{}'\n{secret}\n\
         [accounts.a.{}]\nhost = 'localhost'\nport = {}\nusername = '{USER}'\nauth = '{auth}'\n",
        world.text("ca.pem"),
        speaks.name(),
        gate.port()
    ));
}

#[track_caller]
fn log_in(speaks: Speaks, mechanism: &'static str, manner: Manner, ends: Ends) -> Outcome {
    let gate = Gatekeeper::start(speaks, mechanism, manner, TlsKind::V13);
    let world = world();
    account(&world, speaks, &gate, &mechanism.to_ascii_lowercase());
    let run = world.postie(["--json", "--timeout", "20s", "test-account"]).run();
    let told = format!("{speaks:?} {mechanism} {manner:?}: {run:?}");
    let steps = run.of_type("step");
    let step = steps.iter().find(|step| step["step"] == "auth").unwrap_or_else(|| panic!("{told}"));
    match ends {
        // What comes after the login is no matter of this server's.
        Ends::In => assert_eq!(
            (&step["ok"], &step["detail"]["mechanism"]),
            (&true.into(), &mechanism.into()),
            "{told}"
        ),
        Ends::With(code, kind) => {
            assert_eq!(step["ok"], false, "{told}");
            let error = run.error();
            assert_eq!((&error["kind"], &error["exit"]), (&kind.into(), &code.into()), "{told}");
            assert_eq!(run.code, Some(code), "{told}");
        }
    }
    let encoded = [0, 1, 2].map(|lead| base64_inside(SECRET, lead));
    for needle in encoded.iter().map(String::as_str).chain([SECRET]) {
        assert!(!run.out().contains(needle) && !run.err().contains(needle), "a secret is shown: {told}");
    }
    run
}

fn base64_inside(text: &str, lead: usize) -> String {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(["\0".repeat(lead), text.into()].concat());
    encoded[(lead * 8).div_ceil(6)..(lead + text.len()) * 8 / 6].to_owned()
}

#[test]
fn each_mechanism_lets_in_refuses_and_is_lost_by_each_protocol() {
    for speaks in Speaks::ALL {
        for mechanism in [
            "PLAIN",
            "LOGIN",
            "CRAM-MD5",
            "SCRAM-SHA-256",
            "SCRAM-SHA-1",
            "SCRAM-SHA-256-PLUS",
            "EXTERNAL",
            "X-OWN",
        ] {
            log_in(speaks, mechanism, Manner::Right, Ends::In);
            log_in(speaks, mechanism, Manner::Wrong, REFUSED);
            log_in(speaks, mechanism, Manner::Cut, LOST);
            // LOGIN goes by the order of the prompts, whatever they are.
            if mechanism != "LOGIN" {
                log_in(speaks, mechanism, Manner::Odd, LIES);
            }
        }
    }
}

#[test]
fn a_server_that_does_not_prove_that_it_knows_the_password_is_not_believed() {
    for speaks in Speaks::ALL {
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"] {
            log_in(speaks, mechanism, Manner::SignsInSuccess, Ends::In);
            for manner in [
                Manner::SignsWrongly,
                Manner::SignsSuccessWrongly,
                Manner::NeverSigns,
                Manner::OtherNonce,
                Manner::Extension,
                Manner::Greedy,
            ] {
                log_in(speaks, mechanism, manner, LIES);
            }
        }
        let run = log_in(speaks, "SCRAM-SHA-256", Manner::Wrong, REFUSED);
        let message = run.error()["message"].as_str().unwrap().to_owned();
        assert!(message.ends_with("(invalid-proof)"), "what the server said is told: {message}");
    }
}

#[test]
fn a_mechanism_with_plus_is_bound_by_what_this_connection_has() {
    let pin = Authority::shared().identity(Certificate::Good).fingerprint();
    for (tls, kind) in [
        (TlsKind::V13, "tls-exporter"),
        (TlsKind::V12, "tls-exporter"),
        (TlsKind::V12WithoutEms, "tls-server-end-point"),
    ] {
        for trust in ["ca-file", "pin"] {
            let gate = Gatekeeper::start(Speaks::Imap, "SCRAM-SHA-1 SCRAM-SHA-256-PLUS", Manner::Right, tls);
            let world = world();
            account(&world, Speaks::Imap, &gate, "scram-sha-256-plus");
            let pinned = ["--tls-fingerprint", &pin];
            let more = if trust == "pin" { &pinned[..] } else { &[] };
            let run = world.postie(["--json", "test-account"]).args(more).run();
            let steps = run.of_type("step");
            assert!(
                steps.iter().any(|step| step["step"] == "auth" && step["ok"] == true),
                "{tls:?} {trust}: {run:?}"
            );
            // A pinned connection is native-tls's, which has no exporter.
            let kind = if trust == "pin" { "tls-server-end-point" } else { kind };
            assert_eq!(gate.headers(), [format!("p={kind},,")], "{tls:?} {trust}");
        }
    }
}

#[test]
fn a_kind_of_binding_that_the_server_does_not_know_is_told_as_what_it_is() {
    for speaks in Speaks::ALL {
        for tls in [TlsKind::V13, TlsKind::V12WithoutEms] {
            let gate = Gatekeeper::start(speaks, "SCRAM-SHA-256-PLUS", Manner::OtherBinding, tls);
            let world = world();
            account(&world, speaks, &gate, "scram-sha-256-plus");
            let error = world.postie(["--json", "test-account"]).run().assert_failure(77, "auth");
            let told = (error["message"].as_str().unwrap(), error["hint"].as_str().unwrap());
            assert!(told.0.contains("(unsupported-channel-binding-type)"), "{told:?}");
            assert!(told.1.contains("kind of binding") && !told.1.contains("antivirus"), "{told:?}");
        }
        // The server has none with -PLUS at all.
        let gate = Gatekeeper::start(speaks, "SCRAM-SHA-256", Manner::Right, TlsKind::V13);
        let world = world();
        account(&world, speaks, &gate, "scram-sha-256-plus");
        let error = world.postie(["--json", "test-account"]).run().assert_failure(69, "missing");
        assert!(error["hint"].as_str().unwrap().contains("auth = \"scram-sha-256\""), "{error}");
        assert_eq!(gate.headers(), [""; 0]);
    }
}

#[test]
fn the_server_is_told_that_the_login_could_have_been_bound_unless_it_knows() {
    for (offers, header) in [("SCRAM-SHA-256", "y,,"), ("SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "n,,")] {
        let gate = Gatekeeper::start(Speaks::Pop3, offers, Manner::Right, TlsKind::V13);
        let world = world();
        account(&world, Speaks::Pop3, &gate, "scram-sha-256");
        world.postie(["--json", "test-account"]).run();
        assert_eq!(gate.headers(), [header], "{offers}");
    }
}

#[test]
fn a_password_stays_at_home_where_the_server_lists_no_mechanism_that_sends_it() {
    for speaks in Speaks::ALL {
        for (offers, wanted) in [
            ("SCRAM-SHA-256 GSSAPI", "SCRAM-SHA-256"),
            ("CRAM-MD5 SCRAM-SHA-1", "SCRAM-SHA-1"),
            ("NTLM CRAM-MD5", "CRAM-MD5"),
        ] {
            let gate = Gatekeeper::start(speaks, offers, Manner::Wrong, TlsKind::V13);
            let world = world();
            account(&world, speaks, &gate, "auto");
            world.postie(["--json", "test-account"]).run().assert_exit(77);
            let commands = gate.commands();
            let by = commands.iter().find(|line| line.contains("AUTH"));
            assert!(by.is_some_and(|line| line.contains(wanted)), "{speaks:?} {offers}: {commands:?}");
            assert!(
                !commands.iter().any(|line| line.starts_with("USER") || line.contains("LOGIN ")),
                "{commands:?}"
            );
        }
    }
}

#[test]
fn kerberos_and_ntlm_are_never_chosen_but_named() {
    for speaks in [Speaks::Imap, Speaks::Smtp] {
        for offers in ["GSSAPI", "NTLM"] {
            let gate = Gatekeeper::start(speaks, offers, Manner::Right, TlsKind::V13);
            let world = world();
            account(&world, speaks, &gate, "scram-sha-256");
            let run = world.postie(["--json", "test-account"]).run();
            let error = run.assert_failure(69, "missing");
            let hint = error["hint"].as_str().unwrap();
            let named = format!("auth = \"{}\"", offers.to_lowercase());
            assert!(hint.contains(&named), "{hint}");
            let has_it = cfg!(feature = "gssapi") && offers == "GSSAPI";
            assert_eq!(hint.contains("sasl-command"), !has_it, "{hint}");
        }
    }
}

#[test]
fn options_name_a_client_certificate_without_any_configuration_or_in_the_place_of_the_account_s() {
    let own = Authority::shared().identity(Certificate::Good);
    let other = Authority::shared().identity(Certificate::SelfSigned);
    for speaks in Speaks::ALL {
        let gate = Gatekeeper::start(speaks, "EXTERNAL", Manner::Right, TlsKind::V13);
        let world = world();
        world.write("own.pem", own.certificate_pem());
        world.write("own.key", own.key_pem());
        world.write("both.pem", [own.certificate_pem(), own.key_pem()].concat());
        world.write("client.pem", [other.certificate_pem(), other.key_pem()].concat());
        let mechanism = |run: Outcome| {
            let steps = run.of_type("step");
            let step = steps.into_iter().find(|step| step["step"] == "auth");
            step.unwrap_or_else(|| panic!("{run:?}"))["detail"]["mechanism"].clone()
        };
        let url = format!("{}s://{USER}@localhost:{}", speaks.name(), gate.port());
        let (pem, key, both) = (world.text("own.pem"), world.text("own.key"), world.text("both.pem"));
        let at_url = || {
            world.postie(["--json", "test-account", "--server", &url, "--ca-file"]).arg(world.text("ca.pem"))
        };
        for options in
            [&["--client-certificate", &pem, "--client-key", &key][..], &["--client-certificate", &both]]
        {
            assert_eq!(mechanism(at_url().args(options).run()), "EXTERNAL", "{speaks:?} {options:?}");
        }
        at_url().args(["--client-key", &key]).run().assert_failure(64, "usage");
        let insecure = url.replace("s://", "+insecure://");
        let run =
            world.postie(["--json", "test-account", "--server", &insecure, "--client-certificate", &both]);
        run.run().assert_failure(78, "config");
        // The account's own is of somebody else; its key is not taken for another certificate.
        account(&world, speaks, &gate, "external");
        let seen = |run: Outcome| gate_saw(&run);
        let run = world.postie(["--json", "test-account", "--client-certificate", &both]).run();
        assert!(seen(run), "{speaks:?}");
    }
}

/// Whether the login was by the certificate.
fn gate_saw(run: &Outcome) -> bool {
    run.of_type("step").iter().any(|step| step["detail"]["mechanism"] == "EXTERNAL")
}

#[test]
fn a_client_certificate_that_cannot_be_used_is_the_configuration_s_fault() {
    use openssl::symm::Cipher;
    let good = Authority::shared().identity(Certificate::Good);
    let other = Authority::shared().identity(Certificate::SelfSigned);
    let key = openssl::pkey::PKey::private_key_from_pem(&good.key_pem()).unwrap();
    let encrypted = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"open sesame").unwrap();
    let gate = Gatekeeper::start(Speaks::Pop3, "EXTERNAL", Manner::Right, TlsKind::V13);
    let ways: [(&str, Vec<u8>, u32, &str, bool); 7] = [
        ("plain", good.key_pem(), 0o600, "", true),
        ("encrypted", encrypted.clone(), 0o600, "client-key-password-command = 'echo open sesame'", true),
        ("encrypted, nothing said", encrypted.clone(), 0o600, "", false),
        ("encrypted, wrong", encrypted, 0o600, "client-key-password-command = 'echo close'", false),
        ("of another", other.key_pem(), 0o600, "", false),
        ("no key", b"nothing".to_vec(), 0o600, "", false),
        ("open to all", good.key_pem(), 0o644, "", false),
    ];
    for (name, key, mode, more, fine) in ways {
        use std::os::unix::fs::PermissionsExt as _;
        let world = world();
        world.write("client.pem", good.certificate_pem());
        let path = world.write("client.key", key);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        world.config(&format!(
            "[accounts.a]\nemail = 'ana@example.org'\nca-file = '{}'\nclient-certificate = '{}'\nclient-key = '{}'\n{more}\n\
             [accounts.a.pop3]\nhost = 'localhost'\nport = {}\nusername = '{USER}'\n",
            world.text("ca.pem"), world.text("client.pem"), world.text("client.key"), gate.port()
        ));
        let run = world.postie(["--json", "test-account"]).run();
        let in_by_it = run.of_type("step").iter().any(|step| step["detail"]["mechanism"] == "EXTERNAL");
        assert_eq!(in_by_it, fine, "{name}: {run:?}");
        if !fine {
            run.assert_failure(78, "config");
        }
        assert!(!run.err().contains("PRIVATE") && !run.err().contains("sesame"), "{name}");
    }
}
