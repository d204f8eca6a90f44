//! Greeting, EHLO, STARTTLS, AUTH.

use super::*;

const HELLO: &str = "S: 220 mx ESMTP\nC: EHLO client.example.org\n";

fn refused(script: &str, security: Security, login: Option<&SmtpLogin>) -> Failure {
    let script = ScriptLink::of(script);
    let failure = opened(&script, security, login).unwrap_err();
    script.assert_done();
    failure
}

fn with_auth(login: &SmtpLogin, offer: &str, rest: &str) -> (Result<Mechanism, Failure>, ScriptLink) {
    let script = ScriptLink::of(&format!("{HELLO}S: 250-mx\nS: 250 AUTH {offer}\n{rest}"));
    let result = opened(&script, Security::None, Some(login)).map(|ready| ready.mechanism().unwrap());
    script.assert_done();
    (result, script)
}

#[test]
fn a_greeting_of_another_protocol_gives_a_hint_with_the_ports_of_smtp() {
    for greeting in ["+OK POP3 ready", "* OK IMAP4rev1", "SSH-2.0-OpenSSH"] {
        let failure = refused(&format!("S: {greeting}"), Security::None, None);
        let hint = failure.hint.unwrap_or_default();
        assert!(hint.contains("465") && hint.contains("587"), "{greeting}: {hint}");
    }
}

#[test]
fn a_few_blank_lines_before_a_reply_are_skipped() {
    let within = "S: 220 mx\nC: EHLO client.example.org\nS: 250-mx\nS: \nS: 250 DSN";
    assert_eq!(opened(&ScriptLink::of(within), Security::None, None).unwrap_err().kind(), Kind::Protocol);
    let endless = "S: \n".repeat(20);
    assert_eq!(opened(&ScriptLink::of(&endless), Security::None, None).unwrap_err().kind(), Kind::Protocol);
}

#[test]
fn a_refused_login_is_reported_as_such() {
    let plain = "C: AUTH PLAIN AHRpbQB0YW5zdGFhZg==\n";
    for (reply, kind, hint) in [
        ("S: 530 5.7.0 Must issue a STARTTLS command first\nC: QUIT", Kind::Missing, "starttls"),
        ("S: 538 5.7.11 Encryption required\nC: QUIT", Kind::Missing, "starttls"),
        ("S: 535 5.7.8 invalid password, too many attempts\nC: QUIT", Kind::Auth, "password"),
        ("S: 454 4.7.0 Invalid password, too many attempts\nC: QUIT", Kind::Auth, "password"),
        ("S: 421 4.7.0 Invalid credentials, too many attempts", Kind::Auth, "password"),
        ("S: 454 4.7.0 Temporary authentication failure\nC: QUIT", Kind::Deferred, ""),
        ("S: 421 4.7.0 too many connections", Kind::Deferred, ""),
        ("S: 334 again\nC: *\nS: 501 cancelled\nC: QUIT", Kind::Protocol, ""),
    ] {
        let (result, _) = with_auth(&login(None), "PLAIN", &format!("{plain}{reply}"));
        let failure = result.unwrap_err();
        assert_eq!(failure.kind(), kind, "{reply}");
        assert!(failure.hint.unwrap_or_default().contains(hint), "{reply}");
    }
    for (offer, hint) in [("XOAUTH2 OAUTHBEARER", "OAuth2"), ("GSSAPI", "under TLS")] {
        let failure = with_auth(&login(None), offer, "C: QUIT").0.unwrap_err();
        assert_eq!(failure.kind(), Kind::Missing);
        assert!(
            failure.hint.unwrap().contains(hint)
                && failure.message.contains(offer.split(' ').next().unwrap())
        );
    }
}

#[test]
fn an_endless_or_huge_greeting_is_cut_off() {
    let endless = "S: 220-x\n".repeat(300);
    let script = ScriptLink::of(&endless);
    assert_eq!(opened(&script, Security::None, None).unwrap_err().kind(), Kind::Protocol);
    let huge = format!("S: 220 {}", "x".repeat(200_000));
    let script = ScriptLink::of(&huge);
    assert_eq!(opened(&script, Security::None, None).unwrap_err().kind(), Kind::Protocol);
}

#[test]
fn a_server_that_does_not_know_ehlo_gets_helo_once() {
    for answer in ["S: 500 what?", "S: 502 not here", "S: 554 no"] {
        let script = ScriptLink::of(&format!("{HELLO}{answer}\nC: HELO client.example.org\nS: 250 hi"));
        let ready = opened(&script, Security::None, None).unwrap();
        assert_eq!(*ready.extensions(), Default::default());
        script.assert_done();
    }
}

#[test]
fn without_required_tls_the_session_ends() {
    let offer = "S: 250-mx\nS: 250-AUTH PLAIN\nS: 250 STARTTLS\nC: STARTTLS\n";
    for (rest, kind) in [
        ("S: 250-mx\nS: 250 AUTH PLAIN\nC: QUIT".to_owned(), Kind::Missing),
        ("S: 502 no\nC: HELO client.example.org\nS: 250 hi\nC: QUIT".to_owned(), Kind::Missing),
        (format!("{offer}S: 220 go\nS: 250 injected"), Kind::Protocol),
    ] {
        let login = login(None);
        let failure = refused(&format!("{HELLO}{rest}"), Security::StartTls, Some(&login));
        assert_eq!(failure.kind(), kind, "{rest}");
    }
}

#[test]
fn each_mechanism_speaks_its_dialogue() {
    let token = SmtpLogin { is_token: true, ..login(None) };
    let xoauth2 = "dXNlcj10aW0BYXV0aD1CZWFyZXIgdGFuc3RhYWYBAQ==";
    for (login, offer, rest, mechanism) in [
        (&login(None), "LOGIN PLAIN", "C: AUTH PLAIN AHRpbQB0YW5zdGFhZg==", Mechanism::Plain),
        (
            &login(None),
            "LOGIN",
            "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dGlt\nS: 334 User Name?\nC: dGFuc3RhYWY=",
            Mechanism::Login,
        ),
        (&token, "PLAIN OAUTHBEARER XOAUTH2", &format!("C: AUTH XOAUTH2 {xoauth2}"), Mechanism::XOAuth2),
        (
            &token,
            "OAUTHBEARER",
            "C: AUTH OAUTHBEARER bixhPXRpbSwBaG9zdD1teC5leGFtcGxlLm9yZwFwb3J0PTU4NwFhdXRoPUJlYXJlciB0YW5zdGFhZgEB",
            Mechanism::OAuthBearer,
        ),
    ] {
        let rest = format!("{rest}\nS: 235 welcome");
        let (result, script) = with_auth(login, offer, &rest);
        assert_eq!(result.unwrap(), mechanism, "{}", script.sent());
    }
}

#[test]
fn without_tls_a_password_is_proven_where_the_server_lists_how() {
    for (offer, command) in [
        ("PLAIN LOGIN CRAM-MD5", "C: AUTH CRAM-MD5"),
        ("CRAM-MD5 PLAIN SCRAM-SHA-1", "C~ AUTH SCRAM-SHA-1 *"),
        ("SCRAM-SHA-1 PLAIN SCRAM-SHA-256", "C~ AUTH SCRAM-SHA-256 *"),
    ] {
        let rest = format!("{command}\nS: 535 5.7.8 no\nC: QUIT");
        assert_eq!(with_auth(&login(None), offer, &rest).0.unwrap_err().kind(), Kind::Auth, "{offer}");
    }
}

#[test]
fn cram_md5_answers_the_challenge_of_rfc_2195() {
    let mut login = login(Some(Mechanism::CramMd5));
    login.credentials.secret = Secret::new("tanstaaftanstaaf");
    let rest = "C: AUTH CRAM-MD5\nS: 334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\n\
                C: dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\nS: 235 ok";
    assert_eq!(with_auth(&login, "CRAM-MD5", rest).0.unwrap(), Mechanism::CramMd5);
}

#[test]
fn a_long_token_waits_for_the_challenge() {
    let mut long = SmtpLogin { is_token: true, ..login(None) };
    long.credentials.secret = Secret::new("t".repeat(2000));
    let response = [b"user=tim\x01auth=Bearer ".as_slice(), &[b't'; 2000], b"\x01\x01"].concat();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, response);
    let rest = format!("C: AUTH XOAUTH2\nS: 334\\x20\nC: {encoded}\nS: 235 ok");
    assert_eq!(with_auth(&long, "XOAUTH2", &rest).0.unwrap(), Mechanism::XOAuth2);
}

#[test]
fn a_refused_token_is_acknowledged_and_the_server_s_reason_is_reported() {
    let token = SmtpLogin { is_token: true, ..login(None) };
    let first = "C: AUTH XOAUTH2 dXNlcj10aW0BYXV0aD1CZWFyZXIgdGFuc3RhYWYBAQ==\n";
    let rest = format!("{first}S: 334 eyJzdGF0dXMiOiI0MDEifQ==\nC: \nS: 535 5.7.8 no\nC: QUIT");
    let failure = with_auth(&token, "XOAUTH2", &rest).0.unwrap_err();
    assert_eq!(failure.kind(), Kind::Auth);
    assert!(failure.message.ends_with("535 5.7.8 no ({\"status\":\"401\"})"), "{failure}");
}

#[test]
fn a_login_that_is_not_offered_is_missing() {
    let none = refused(&format!("{HELLO}S: 250 mx\nC: QUIT"), Security::None, Some(&login(None)));
    assert_eq!(none.kind(), Kind::Missing);
    let (other, _) = with_auth(&login(None), "GSSAPI", "C: QUIT");
    assert_eq!(other.unwrap_err().kind(), Kind::Missing);
    let (named, _) = with_auth(&login(Some(Mechanism::Login)), "PLAIN", "C: QUIT");
    let failure = named.unwrap_err();
    assert!(failure.message.contains("LOGIN is not offered: the server offers only PLAIN"), "{failure}");
}

#[test]
fn no_secret_is_sent_without_tls_unless_allowed() {
    let careful = SmtpLogin { plaintext: false, ..login(None) };
    let (result, script) = with_auth(&careful, "PLAIN", "C: QUIT");
    assert_eq!(result.unwrap_err().kind(), Kind::Config);
    assert!(!script.sent().contains("AUTH"));
    let mut broken = login(None);
    broken.credentials.user = "tim\r\nMAIL FROM:<x>".into();
    assert_eq!(with_auth(&broken, "PLAIN", "C: QUIT").0.unwrap_err().kind(), Kind::Config);
}

#[test]
fn what_the_server_echoes_of_a_secret_is_redacted() {
    let rest = "C: AUTH PLAIN AHRpbQB0YW5zdGFhZg==\nS: 535 bad: AHRpbQB0YW5zdGFhZg== (tanstaaf)\nC: QUIT";
    let failure = with_auth(&login(None), "PLAIN", rest).0.unwrap_err();
    let all = format!("{failure:?}");
    assert!(!all.contains("tanstaaf") && !all.contains("B0YW5zdGFhZ"), "{all}");
}
