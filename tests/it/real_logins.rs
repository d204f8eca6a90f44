//! Every way to log in, with servers that nobody here wrote: Dovecot, Postfix, MIT's KDC, Samba's `ntlm_auth`, GNU SASL.

use crate::support::authority::Authority;
use crate::support::pop3d::{SECRET, USER};
use crate::support::process::Outcome;
use crate::support::real::{Extra, Ports, Real, free_port};
use crate::support::realm::{self, KERBEROS, Kdc, NTLM, SUBMISSION, by_certificate, by_ntlm, submission};
use crate::support::world::World;
use crate::world;
use std::os::unix::fs::PermissionsExt as _;

/// The account `a` with a table for each server; `auth` is theirs, `secret` the account's.
fn account(world: &World, ports: Ports, submission: Option<u16>, auth: &str, secret: &str) {
    let table = |side: &str, port: u16, tls: &str| {
        format!(
            "[accounts.a.{side}]\nhost = 'localhost'\nport = {port}\ntls = '{tls}'\nusername = '{USER}'\nauth = '{auth}'\n"
        )
    };
    let (smtp, smtp_tls) = submission.map_or((ports.smtps, "implicit"), |port| (port, "starttls"));
    world.config(&format!(
        "[accounts.a]\nemail = '{USER}@mail.test'\nca-file = '{}'\n{secret}\n{}{}{}",
        world.text("ca.pem"),
        table("pop3", ports.pop3s, "implicit"),
        table("imap", ports.imap, "starttls"),
        table("smtp", smtp, smtp_tls)
    ));
}

/// Tests all three sides.
fn test(world: &World, env: &[(&str, &str)]) -> Outcome {
    let run = world.postie(["--json", "--timeout", "20s", "test-account"]);
    env.iter().fold(run, |run, (name, value)| run.env(name, value)).run()
}

#[track_caller]
fn assert_in(run: &Outcome, mechanism: &str, log: &str) {
    assert_eq!(run.code, Some(0), "{run:?}\n{log}");
    let steps = run.of_type("step");
    let by: Vec<_> =
        steps.iter().filter(|step| step["step"] == "auth").map(|step| &step["detail"]["mechanism"]).collect();
    assert_eq!(by, [mechanism, mechanism, mechanism], "by POP3, IMAP and SMTP");
}

fn password(world: &World, text: &str) -> String {
    format!("password-file = '{}'", world.write("pw", text).display())
}

#[test]
fn dovecot_and_postfix_let_in_by_scram_and_get_no_password() {
    if !realm::have("dovecot_and_postfix_let_in_by_scram_and_get_no_password", &[SUBMISSION]) {
        return;
    }
    for (mechanisms, name) in [("scram-sha-256", "SCRAM-SHA-256"), ("scram-sha-1", "SCRAM-SHA-1")] {
        let port = free_port();
        let real = Real::launch_made(true, |_, ports| Extra {
            dovecot: format!("auth_mechanisms = {mechanisms}\n{}", submission(port, ports.smtp)),
            ..Extra::default()
        });
        // Dovecot lists USER all the same.
        for auth in ["auto", mechanisms] {
            for side in [None, Some(port)] {
                let world = world();
                account(&world, real.ports(), side, auth, &password(&world, SECRET));
                assert_in(&test(&world, &[]), name, &real.log());
            }
        }
        let world = world();
        account(&world, real.ports(), Some(port), "auto", &password(&world, "another"));
        test(&world, &[]).assert_failure(77, "auth");
        // A login that the server does not have is not a wrong password.
        account(&world, real.ports(), Some(port), "auto", &password(&world, SECRET));
        let config = std::fs::read_to_string(world.path(".config/postie/config.toml")).unwrap();
        let user = config.replacen("auth = 'auto'", "auth = 'user'", 1);
        world.config(&user);
        let error = world.postie(["--json", "list", "--pop3"]).run().assert_failure(69, "missing");
        assert!(error["hint"].as_str().unwrap().contains(&format!("auth = \"{mechanisms}\"")), "{error}");
    }
}

#[test]
fn without_tls_dovecot_and_postfix_are_shown_a_proof_instead_of_the_password() {
    if !realm::have("without_tls_dovecot_and_postfix_are_shown_a_proof_instead_of_the_password", &[]) {
        return;
    }
    let real = Real::launch_made(true, |_, _| Extra {
        dovecot: "auth_mechanisms = plain login scram-sha-1 scram-sha-256\n".into(),
        ..Extra::default()
    });
    let Ports { pop3, imap, smtp, .. } = real.ports();
    for (scheme, port) in [("pop3", pop3), ("imap", imap), ("smtp", smtp)] {
        let world = world();
        let url = format!("{scheme}+insecure://{USER}@localhost:{port}");
        let run =
            world.postie(["--json", "test-account", "--server", &url, "--password-file", "secret"]).run();
        let steps = run.assert_exit(0).of_type("step");
        let auth = steps.iter().find(|step| step["step"] == "auth").unwrap();
        assert_eq!(auth["detail"]["mechanism"], "SCRAM-SHA-256", "{scheme}");
    }
}

#[test]
fn dovecot_knows_a_user_by_the_certificate() {
    if !realm::have("dovecot_knows_a_user_by_the_certificate", &[SUBMISSION]) {
        return;
    }
    let port = free_port();
    let real = Real::launch_made(true, |root, ports| Extra {
        dovecot: by_certificate(root) + &submission(port, ports.smtp),
        ..Extra::default()
    });
    let with = |name: &str, auth: &str| {
        let world = world();
        let identity = Authority::shared().named(&[name]);
        world.write("client.pem", identity.certificate_pem());
        world.write("client.key", identity.key_pem());
        let files = format!(
            "client-certificate = '{}'\nclient-key = '{}'",
            world.text("client.pem"),
            world.text("client.key")
        );
        account(&world, real.ports(), Some(port), auth, &files);
        test(&world, &[])
    };
    for auth in ["auto", "external"] {
        assert_in(&with(USER, auth), "EXTERNAL", &real.log());
    }
    with("bob", "auto").assert_failure(77, "auth");
    let world = world();
    account(&world, real.ports(), Some(port), "external", "");
    test(&world, &[]).assert_failure(77, "auth");
}

/// A program that hands everything to GNU SASL.
fn gsasl(world: &World, more: &str) -> String {
    let line = format!(
        "#!/bin/sh\nexec gsasl --client --quiet --no-cb --mechanism=\"$POSTIE_SASL_MECHANISM\" --service=\"$POSTIE_SASL_SERVICE\" \
         --hostname=\"$POSTIE_SASL_HOST\" --authentication-id=\"$POSTIE_SASL_USER\" {more}\n"
    );
    let path = world.write("sasl", line);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    format!("sasl-command = ['{}']", path.display())
}

#[test]
fn kerberos_lets_in_by_a_program_with_a_ticket_or_a_keytab() {
    let needs: Vec<&str> = KERBEROS.iter().copied().chain([SUBMISSION]).collect();
    if !realm::have("kerberos_lets_in_by_a_program_with_a_ticket_or_a_keytab", &needs) {
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
    let command = gsasl(&world, "--authorization-id=\"$POSTIE_SASL_AUTHZID\"");
    // Postfix asks Dovecot; then Dovecot's own submission.
    for side in [None, Some(port)] {
        account(&world, real.ports(), side, "gssapi", &command);
        assert_in(&test(&world, &ticket), "GSSAPI", &real.log());
    }
    assert_in(&test(&world, &by_keytab), "GSSAPI", &real.log());
    let error = test(&world, &nothing).assert_failure(77, "auth");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.starts_with("no Kerberos ticket: kinit, or KRB5_CLIENT_KTNAME"), "{hint}");
}

#[test]
fn kerberos_lets_in_to_postfix_with_the_sasl_of_cyrus() {
    let needs: Vec<&str> =
        KERBEROS.iter().copied().chain(["/usr/share/doc/libsasl2-modules-gssapi-mit"]).collect();
    if !realm::have("kerberos_lets_in_to_postfix_with_the_sasl_of_cyrus", &needs) {
        return;
    }
    let kdc = Kdc::start();
    let real = Real::launch_made(true, |_, _| Extra { dovecot: kdc.dovecot(), postfix: kdc.cyrus() });
    kdc.ticket();
    let world = world();
    let command = gsasl(&world, "--authorization-id=\"$POSTIE_SASL_AUTHZID\"");
    account(&world, real.ports(), None, "gssapi", &command);
    let cache = format!("FILE:{}", kdc.path("cc"));
    assert_in(
        &test(&world, &[("KRB5_CONFIG", &kdc.path("krb5.conf")), ("KRB5CCNAME", &cache)]),
        "GSSAPI",
        &real.log(),
    );
}

#[test]
fn ntlm_lets_in_by_a_program() {
    let needs: Vec<&str> = NTLM.iter().copied().chain([SUBMISSION]).collect();
    if !realm::have("ntlm_lets_in_by_a_program", &needs) {
        return;
    }
    let port = free_port();
    let real = Real::launch_made(true, |root, ports| Extra {
        dovecot: by_ntlm(root) + &submission(port, ports.smtp),
        ..Extra::default()
    });
    let world = world();
    for (password, fine) in [(SECRET, true), ("another", false)] {
        let command = gsasl(&world, &format!("--password='{password}' --realm=EXAMPLE"));
        for side in [None, Some(port)] {
            account(&world, real.ports(), side, "ntlm", &command);
            let run = test(&world, &[]);
            if fine {
                assert_in(&run, "NTLM", &real.log());
            } else {
                run.assert_failure(77, "auth");
            }
        }
    }
}
