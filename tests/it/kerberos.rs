//! `auth = "gssapi"` by the system's library, with MIT's KDC, Dovecot, Postfix (by Dovecot's and by Cyrus's SASL), and
//! with servers that cheat.

use crate::support::embedded::Listener;
use crate::support::gatekeeper::gssapi::serve;
use crate::support::gatekeeper::{Gatekeeper, Manner, Realm, Speaks};
use crate::support::pop3d::USER;
use crate::support::process::Outcome;
use crate::support::real::{Extra, Ports, Real, free_port};
use crate::support::realm::{self, KERBEROS, Kdc, SUBMISSION, submission};
use crate::support::world::World;
use crate::world;
use std::fs;

#[test]
#[ignore = "other tests run it in a process of its own"]
fn the_acceptor_s_own_process() {
    serve();
}

fn have(test: &str, more: &[&'static str]) -> bool {
    realm::have(test, &[KERBEROS, more].concat())
}

fn account(world: &World, host: &str, user: &str, tables: &[(&str, u16, &str)]) {
    let table = |(side, port, tls): &(&str, u16, &str)| {
        format!(
            "[accounts.a.{side}]\nhost = '{host}'\nport = {port}\ntls = '{tls}'\nusername = '{user}'\nauth = 'gssapi'\n"
        )
    };
    let tables: String = tables.iter().map(table).collect();
    let ca = world.text("ca.pem");
    world.config(&format!("[accounts.a]\nemail = '{USER}@mail.test'\nca-file = '{ca}'\n{tables}"));
}

/// A server for each protocol.
fn servers(ports: Ports, submission: Option<u16>) -> [(&'static str, u16, &'static str); 3] {
    let smtp = submission.map_or(("smtp", ports.smtps, "implicit"), |port| ("smtp", port, "starttls"));
    [("pop3", ports.pop3s, "implicit"), ("imap", ports.imap, "starttls"), smtp]
}

fn test(world: &World, env: &[(&str, &str)], timeout: &str) -> Outcome {
    let run = world.postie(["--json", "--timeout", timeout, "test-account"]);
    env.iter().fold(run, |run, (name, value)| run.env(name, value)).run()
}

#[track_caller]
fn assert_in(run: &Outcome, log: &str) {
    assert_eq!(run.code, Some(0), "{run:?}\n{log}");
    let steps = run.of_type("step");
    let by: Vec<_> =
        steps.iter().filter(|step| step["step"] == "auth").map(|step| &step["detail"]["mechanism"]).collect();
    assert_eq!(by, ["GSSAPI"; 3], "by POP3, IMAP and SMTP");
}

#[test]
fn the_library_lets_in_with_a_ticket_or_a_keytab_and_not_without() {
    if !have("the_library_lets_in_with_a_ticket_or_a_keytab_and_not_without", &[SUBMISSION]) {
        return;
    }
    let (kdc, port) = (Kdc::start(), free_port());
    let real = Real::launch_made(true, |_, ports| Extra {
        dovecot: kdc.dovecot() + &submission(port, ports.smtp),
        ..Extra::default()
    });
    kdc.ticket();
    let (conf, cache) = (kdc.path("krb5.conf"), format!("FILE:{}", kdc.path("cc")));
    let keytab = format!("FILE:{}", kdc.path("user.keytab"));
    let ticket = [("KRB5_CONFIG", &*conf), ("KRB5CCNAME", &*cache)];
    let by_keytab =
        [("KRB5_CONFIG", &*conf), ("KRB5CCNAME", "MEMORY:none"), ("KRB5_CLIENT_KTNAME", &*keytab)];
    let nothing =
        [("KRB5_CONFIG", &*conf), ("KRB5CCNAME", "MEMORY:none"), ("KRB5_CLIENT_KTNAME", "FILE:/nonexistent")];
    let world = world();
    // Postfix asks Dovecot; then Dovecot's own submission.
    for side in [None, Some(port)] {
        account(&world, "localhost", USER, &servers(real.ports(), side));
        assert_in(&test(&world, &ticket, "20s"), &real.log());
    }
    assert_in(&test(&world, &by_keytab, "20s"), &real.log());

    let error = test(&world, &nothing, "20s").assert_failure(77, "auth");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.starts_with("no Kerberos ticket: kinit, or KRB5_CLIENT_KTNAME"), "{error}");

    // The ticket is another's.
    account(&world, "localhost", "bob", &servers(real.ports(), None)[..1]);
    let error = test(&world, &ticket, "20s").assert_failure(77, "auth");
    assert!(error["hint"].as_str().unwrap().contains("klist"), "{error}");
    // The KDC has no key for an address.
    account(&world, "127.0.0.1", USER, &servers(real.ports(), None)[1..2]);
    let error = test(&world, &ticket, "20s").assert_failure(78, "config");
    assert!(error["message"].as_str().unwrap().contains("imap@127.0.0.1"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("not an address"), "{error}");
    // It is never chosen.
    let config = fs::read_to_string(world.path(".config/postie/config.toml")).unwrap();
    world.config(&config.replace("127.0.0.1", "localhost").replace("'gssapi'", "'auto'"));
    test(&world, &ticket, "20s").assert_failure(78, "config");
}

#[test]
fn the_library_lets_in_to_postfix_with_the_sasl_of_cyrus() {
    let cyrus = "/usr/share/doc/libsasl2-modules-gssapi-mit";
    if !have("the_library_lets_in_to_postfix_with_the_sasl_of_cyrus", &[cyrus]) {
        return;
    }
    let kdc = Kdc::start();
    let real = Real::launch_made(true, |_, _| Extra { dovecot: kdc.dovecot(), postfix: kdc.cyrus() });
    kdc.ticket();
    let world = world();
    account(&world, "localhost", USER, &servers(real.ports(), None));
    let cache = format!("FILE:{}", kdc.path("cc"));
    let env = [("KRB5_CONFIG", &*kdc.path("krb5.conf")), ("KRB5CCNAME", &*cache)];
    assert_in(&test(&world, &env, "20s"), &real.log());
}

#[test]
fn a_server_that_cheats_or_wants_a_layer_is_not_believed() {
    if !have("a_server_that_cheats_or_wants_a_layer_is_not_believed", &[]) {
        return;
    }
    let kdc = Kdc::start();
    kdc.ticket();
    let (conf, cache) = (kdc.path("krb5.conf"), format!("FILE:{}", kdc.path("cc")));
    let realm = Realm { configuration: conf.clone(), keytab: format!("FILE:{}", kdc.path("server.keytab")) };
    let none = Ok(());
    for speaks in Speaks::ALL {
        for (manner, ends) in [
            (Manner::Right, none),
            (Manner::Layers, none),
            (Manner::Wrong, Err((77, "auth"))),
            (Manner::Cut, Err((75, "network"))),
            (Manner::OnlyLayers, Err((69, "missing"))),
            (Manner::Odd, Err((76, "protocol"))),
            (Manner::OtherToken, Err((76, "protocol"))),
            (Manner::NoToken, Err((76, "protocol"))),
            (Manner::LetsInEarly, Err((76, "protocol"))),
            (Manner::NoOffer, Err((76, "protocol"))),
            (Manner::LongOffer, Err((76, "protocol"))),
            (Manner::ShortOffer, Err((76, "protocol"))),
            (Manner::SizeWithoutLayer, Err((76, "protocol"))),
            (Manner::Unprotected, Err((76, "protocol"))),
            (Manner::Changed, Err((76, "protocol"))),
        ] {
            let gate = Gatekeeper::of_realm(speaks, manner, realm.clone());
            let world = world();
            account(&world, "localhost", USER, &[(speaks.name(), gate.port(), "implicit")]);
            let run = test(&world, &[("KRB5_CONFIG", &conf), ("KRB5CCNAME", &cache)], "20s");
            let told = format!("{speaks:?} {manner:?}: {run:?}");
            let steps = run.of_type("step");
            let step = steps.iter().find(|step| step["step"] == "auth").unwrap_or_else(|| panic!("{told}"));
            assert_eq!(step["ok"], ends.is_ok(), "{told}");
            match ends {
                // What comes after the login is no matter of this server's.
                Ok(()) => assert_eq!(step["detail"]["mechanism"], "GSSAPI", "{told}"),
                Err((code, kind)) => {
                    assert_eq!((run.code, &run.error()["kind"]), (Some(code), &kind.into()), "{told}");
                }
            }
        }
    }
}

#[test]
fn a_kdc_that_is_gone_or_silent_holds_nobody_up() {
    if !have("a_kdc_that_is_gone_or_silent_holds_nobody_up", &[]) {
        return;
    }
    let kdc = Kdc::start();
    let keytab = format!("FILE:{}", kdc.path("user.keytab"));
    let realm = Realm { configuration: kdc.path("krb5.conf"), keytab: String::new() };
    // It takes connections, and says nothing.
    let silent = Listener::start(|mut peer, _| while peer.read_command().is_ok() {});
    let conf = fs::read_to_string(kdc.path("krb5.conf")).unwrap();
    let with_kdc = |port: u16| {
        let lines = conf.lines().map(|line| match line.trim().starts_with("kdc =") {
            true => format!("  kdc = 127.0.0.1:{port}\n"),
            false => format!("{line}\n"),
        });
        lines.collect::<String>()
    };
    let world = world();
    for (port, kind) in [(free_port(), "network"), (silent.port(), "timeout")] {
        let conf = world.write("krb5.conf", with_kdc(port));
        let env = [
            ("KRB5_CONFIG", conf.to_str().unwrap()),
            ("KRB5CCNAME", "MEMORY:none"),
            ("KRB5_CLIENT_KTNAME", &*keytab),
        ];
        let gate = Gatekeeper::of_realm(Speaks::Pop3, Manner::Right, realm.clone());
        account(&world, "localhost", USER, &[("pop3", gate.port(), "implicit")]);
        test(&world, &env, "2s").assert_failure(75, kind);
        // Nothing is said to the server before there is a ticket.
        assert_eq!(gate.commands()[0], "CAPA");
        assert!(gate.commands().iter().all(|line| !line.starts_with("AUTH")), "{:?}", gate.commands());
    }
}
