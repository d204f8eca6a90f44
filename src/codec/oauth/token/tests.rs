use super::*;

fn granted(body: &str) -> Tokens {
    read(200, body.as_bytes()).unwrap()
}

fn refused(status: u16, body: &str) -> TokenRefusal {
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
        let rejection = read(200, format!("{{\"access_token\":\"{token}\"}}").as_bytes()).unwrap_err();
        assert_eq!(rejection.kind(), Kind::Protocol, "{token:.20}");
        // The access token is good all the same.
        let tokens = granted(&format!("{{\"access_token\":\"a\",\"refresh_token\":\"r{token}\\u007f\"}}"));
        assert!(tokens.refresh_token.is_none(), "{token:.20}");
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
    for body in [
        "{}",
        "{\"access_token\":7}",
        "{\"access_token\":null}",
        "{\"access_token\":\"a\",\"token_type\":[]}",
        "{\"access_token\":\"a\",\"token_type\":\"mac\"}",
    ] {
        assert_eq!(read(200, body.as_bytes()).unwrap_err().kind(), Kind::Protocol, "{body}");
    }
}

#[test]
fn one_odd_field_costs_nothing_but_itself() {
    let deep = format!("{}{}", "[".repeat(9000), "]".repeat(9000));
    let values = ["null", "7", "-1.5", "true", "[]", "{}", "[{\"a\":[null]}]", "\"\"", "\"\\u0000\"", &deep];
    for odd in values {
        for field in
            ["expires_in", "scope", "error_description", "error_codes", "error_uri", "id_token", "ext", "v"]
        {
            for body in [
                format!("{{\"access_token\":\"a\",\"refresh_token\":\"r\",\"{field}\":{odd}}}"),
                format!(
                    "{{\"{field}\":{odd},\"{field}\":{odd},\"refresh_token\":\"r\",\"access_token\":\"a\"}}"
                ),
            ] {
                let tokens = granted(&body);
                assert_eq!(tokens.access_token.expose(), b"a", "{field} {odd:.20}");
                assert_eq!(tokens.refresh_token.unwrap().expose(), b"r", "{field} {odd:.20}");
            }
            let refusal = refused(400, &format!("{{\"{field}\":{odd},\"error\":\"invalid_grant\"}}"));
            assert_eq!(refusal.error, ErrorCode::InvalidGrant, "{field} {odd:.20}");
        }
        let tokens = granted(&format!("{{\"access_token\":\"a\",\"refresh_token\":{odd}}}"));
        assert!(tokens.refresh_token.is_none(), "{odd:.20}");
    }
    for none in ["null", "false", "\"\"", "\" \""] {
        assert!(granted(&format!("{{\"access_token\":\"a\",\"error\":{none}}}")).lifetime.is_none());
    }
    for kind in ["null", "\"\"", "\"BEARER\"", "\" Bearer \""] {
        granted(&format!("{{\"access_token\":\"a\",\"token_type\":{kind}}}"));
    }
}

#[test]
fn texts_for_people_that_are_not_utf8_and_a_mark_in_front_do_not_hide_the_answer() {
    let body = b"\xef\xbb\xbf{\"error\":\"invalid_grant\",\"error_description\":\"abgelaufen f\xfcr immer\"}";
    match read(400, body) {
        Err(Rejection::Refused(refusal)) => {
            assert_eq!(refusal.to_string(), "invalid_grant: abgelaufen f\u{fffd}r immer");
        }
        other => panic!("{other:?}"),
    }
    let tokens = read(200, b"{\"access_token\":\"a\",\"name\":\"\xff\",\"refresh_token\":\"r\"}").unwrap();
    assert_eq!(tokens.refresh_token.unwrap().expose(), b"r");
}

#[test]
fn a_refresh_token_is_there_even_if_nothing_else_can_be_used() {
    for body in [
        r#"{"refresh_token":"r"}"#,
        r#"{"refresh_token":"r","access_token":7}"#,
        r#"{"refresh_token":"r","access_token":""}"#,
        r#"{"refresh_token":"r","access_token":"a","token_type":"mac"}"#,
        r#"{"refresh_token":"r","error":"server_error"}"#,
    ] {
        assert!(read(200, body.as_bytes()).is_err(), "{body}");
        assert_eq!(replaced(200, body.as_bytes()).unwrap().expose(), b"r", "{body}");
        for status in [302, 400, 500] {
            assert!(replaced(status, body.as_bytes()).is_none(), "{status}");
        }
    }
    for body in [r#"{"refresh_token":7}"#, r#"{"refresh_token":"a\nb"}"#, r#"{"refresh_token":"r""#, "", "[]"]
    {
        assert!(replaced(200, body.as_bytes()).is_none(), "{body}");
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
