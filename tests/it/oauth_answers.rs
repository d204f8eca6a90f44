//! Answers of token servers with something odd in them: what is needed is taken, and a refresh token is never lost.

use crate::oauth_tokens::{by_commands, refresh_token_in};
use crate::support::pop3d::SECRET;
use crate::support::token_stage::{TokenStage, answer};
use crate::support::web::Reply;
use serde_json::{Value, json};

/// What the token server answers to each refresh.
fn stage(status: u16, body: &Value) -> TokenStage {
    let body = body.clone();
    let stage = TokenStage::with(move |_| Some(answer(status, &body)), "");
    stage.keep("old", -5, 3605);
    stage
}

#[test]
fn a_field_that_is_odd_and_not_needed_does_not_cost_the_tokens() {
    for odd in [
        json!({"expires_in": "3600"}),
        json!({"expires_in": null}),
        json!({"expires_in": 3599.5}),
        json!({"expires_in": [3600]}),
        json!({"scope": ["mail", 7]}),
        json!({"scope": 7, "id_token": {"a": [{"b": [[]]}]}, "error": null}),
        json!({"token_type": null}),
        json!({"token_type": "bEARER", "error_description": 7}),
    ] {
        let mut body = json!({"access_token": SECRET, "refresh_token": "r1"});
        body.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
        let stage = stage(200, &body);
        stage.list().go().assert_exit(0);
        assert_eq!(stage.kept()["refresh_token"], "r1", "{odd}");
    }
    // The old one goes on to hold.
    for none in [json!(null), json!(""), json!(7), json!("r\n1")] {
        let stage = stage(200, &json!({"access_token": SECRET, "refresh_token": none}));
        stage.list().go().assert_exit(0);
        assert_eq!(stage.kept()["refresh_token"], "r0", "{none}");
    }
    // A text that is not UTF-8.
    let octets =
        [b"{\"refresh_token\":\"r1\",\"name\":\"\xfc\",\"access_token\":\"", SECRET.as_bytes(), b"\"}"]
            .concat();
    let stage = TokenStage::with(move |_| Some(Reply::ok(octets.clone())), "");
    stage.keep("old", -5, 3605);
    stage.list().go().assert_exit(0);
    assert_eq!(stage.kept()["refresh_token"], "r1");
}

#[test]
fn a_new_refresh_token_is_kept_even_if_the_rest_of_the_answer_cannot_be_used() {
    for (odd, code, kind) in [
        (json!({}), 76, "protocol"),
        (json!({"access_token": ["a"]}), 76, "protocol"),
        (json!({"access_token": "a\u{1}b"}), 76, "protocol"),
        (json!({"access_token": SECRET, "token_type": "mac"}), 76, "protocol"),
        (json!({"error": "server_error"}), 75, "deferred"),
    ] {
        let mut body = json!({"refresh_token": "r1"});
        body.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
        let stage = stage(200, &body);
        stage.list().go().assert_failure(code, kind);
        assert_eq!(stage.logins(), 0);
        let kept = stage.kept();
        assert_eq!((&kept["refresh_token"], &kept["access_token"]), (&json!("r1"), &json!("old")), "{odd}");
        assert!(kept["last_error"]["message"].is_string(), "{kept}");
        // Commands are given it, too.
        let kept = by_commands(&stage, "");
        stage.list().go().assert_failure(code, kind);
        assert_eq!(refresh_token_in(&kept), "r1", "{odd}");
        // Where it cannot be kept, that is said.
        let run =
            stage.list().env("POSTIE_OAUTH_REFRESH_TOKEN", "r0").env("POSTIE_OAUTH_CLIENT_ID", "ci").go();
        run.assert_failure(code, kind);
        assert!(run.err().contains("the new one is kept nowhere"), "{}", run.err());
    }
    // An answer of something in between is no answer of the server.
    let stage = stage(500, &json!({"refresh_token": "r1"}));
    stage.list().go().assert_failure(75, "deferred");
    assert_eq!(stage.kept()["refresh_token"], "r0");
}
