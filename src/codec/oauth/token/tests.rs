use super::*;

fn granted(body: &str) -> Tokens {
    read(200, body.as_bytes()).unwrap()
}

fn refused(status: u16, body: &str) -> Refusal {
    match read(status, body.as_bytes()) {
        Err(Rejection::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tokens_are_taken_with_their_lifetime_in_every_form_that_servers_write_it() {
    for (text, wanted) in [
        ("3599", Some(3599)),
        ("\"3599\"", Some(3599)),
        ("3599.9", Some(3599)),
        ("0", Some(0)),
        ("-5", Some(0)),
        ("1e300", Some(315_360_000)),
        ("null", None),
        ("\"soon\"", None),
        ("{}", None),
    ] {
        let tokens = granted(&format!(
            "{{\"access_token\":\"a\",\"token_type\":\"bearer\",\"expires_in\":{text},\"more\":[1]}}"
        ));
        assert_eq!(tokens.lifetime, wanted.map(Duration::from_secs), "{text}");
        assert_eq!(tokens.access_token.expose(), b"a");
        assert!(tokens.refresh_token.is_none());
    }
}

#[test]
fn an_empty_refresh_token_is_none() {
    let tokens = granted(r#"{"access_token":"a","refresh_token":"","scope":"x y"}"#);
    assert!(tokens.refresh_token.is_none());
    assert_eq!(tokens.scope.as_deref(), Some("x y"));
    let tokens = granted(r#"{"access_token":"a","refresh_token":"r","scope":["x","y"]}"#);
    assert_eq!(tokens.refresh_token.unwrap().expose(), b"r");
    assert_eq!(tokens.scope.as_deref(), Some("x y"));
}

#[test]
fn a_token_that_could_break_a_login_is_none() {
    let long = "x".repeat(MAX_TOKEN + 1);
    for token in ["", "a\\u0001b", "a\\r\\nb", "a\\u0000", "\u{fc}", &long] {
        for body in [
            format!("{{\"access_token\":\"{token}\"}}"),
            format!("{{\"access_token\":\"a\",\"refresh_token\":\"r{token}\\u007f\"}}"),
        ] {
            let rejection = read(200, body.as_bytes()).unwrap_err();
            assert_eq!(rejection.kind(), Kind::Protocol, "{token:.20}");
        }
    }
    assert!(granted(&format!("{{\"access_token\":\"{}\"}}", "x".repeat(MAX_TOKEN))).lifetime.is_none());
}

#[test]
fn what_is_no_answer_of_oauth_may_pass() {
    let huge = format!("{{\"access_token\":\"a\",\"x\":\"{}\"}}", "y".repeat(MAX_ANSWER));
    let deep = "[".repeat(60_000);
    for (status, body) in [
        (200, ""),
        (200, "<html>log in to the wifi</html>"),
        (200, "[]"),
        (200, "7"),
        (200, "{\"access_token\":7}"),
        (200, "{\"access_token\":\"a\"} trailing"),
        (200, &huge),
        (200, &deep),
        (302, ""),
        (404, "not found"),
        (400, "{\"message\":\"no\"}"),
        (500, "{\"access_token\":\"a\"}"),
        (503, "busy"),
    ] {
        let rejection = read(status, body.as_bytes()).unwrap_err();
        assert_eq!(rejection, Rejection::Busy { status }, "{body:.40}");
        assert_eq!(rejection.kind(), Kind::Deferred);
    }
    for body in ["{}", "{\"access_token\":null}", "{\"access_token\":\"a\",\"token_type\":\"mac\"}"] {
        assert_eq!(read(200, body.as_bytes()).unwrap_err().kind(), Kind::Protocol, "{body}");
    }
}

#[test]
fn every_prefix_of_an_answer_is_none() {
    let body = br#"{"access_token":"a","expires_in":3600,"refresh_token":"r"}"#;
    for end in 0..body.len() {
        assert_eq!(read(200, &body[..end]).unwrap_err(), Rejection::Busy { status: 200 });
    }
}

#[test]
fn each_refusal_has_its_kind() {
    for (status, code, kind) in [
        (400, "invalid_grant", Kind::Auth),
        (200, "invalid_grant", Kind::Auth),
        (401, "invalid_client", Kind::Config),
        (400, "unauthorized_client", Kind::Config),
        (400, "invalid_scope", Kind::Config),
        (400, "invalid_target", Kind::Config),
        (400, "invalid_request", Kind::Config),
        (400, "unsupported_grant_type", Kind::Config),
        (400, "interaction_required", Kind::Auth),
        (400, "consent_required", Kind::Auth),
        (400, "login_required", Kind::Auth),
        (400, "access_denied", Kind::Auth),
        (400, "expired_token", Kind::Auth),
        (400, "bad_verification_code", Kind::Auth),
        (400, "temporarily_unavailable", Kind::Deferred),
        (400, "server_error", Kind::Deferred),
        (400, "slow_down", Kind::Deferred),
        (503, "invalid_client", Kind::Deferred),
        (429, "invalid_grant", Kind::Deferred),
    ] {
        let refusal = refused(status, &format!("{{\"error\":\"{code}\"}}"));
        assert_eq!(refusal.kind(), kind, "{status} {code}");
        assert_eq!(refusal.to_string(), code);
    }
}

#[test]
fn a_refusal_is_one_short_line_whatever_the_server_wrote() {
    let text = "\\r\\n AADSTS700082: The refresh token\\u001b[31m has expired.\\r\\nTrace ID: 1";
    let refusal = refused(
        400,
        &format!(
            "{{\"error\":\"invalid_grant\",\"error_description\":\"{text}\",\"error_codes\":[700082,\"x\",-1,99999999999]}}"
        ),
    );
    assert_eq!(refusal.to_string(), "invalid_grant: AADSTS700082: The refresh token [31m has expired.");
    assert_eq!(refusal.numbers, [700_082]);
    let long =
        refused(400, &format!("{{\"error\":\"{0}\",\"error_description\":\"{0}\"}}", "é".repeat(5000)));
    assert_eq!(long.to_string().chars().count(), MAX_CODE + 1 + 2 + MAX_DESCRIPTION + 1);
    assert_eq!(refused(400, r#"{"error":{"code":400,"status":"INVALID"}}"#).to_string(), "INVALID");
    assert_eq!(refused(400, r#"{"error":7,"error_description":7}"#).to_string(), "error");
}

#[test]
fn what_is_read_never_shows_a_token() {
    let tokens = granted(r#"{"access_token":"S3CRET","refresh_token":"S3CRET"}"#);
    assert!(!format!("{tokens:?}").contains("S3CRET"));
}
