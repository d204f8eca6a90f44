//! A client that registers itself with an authorization server (`RFC 7591`): a program on the user's machine, without a
//! secret unless the server insists on one.
//!
//! Left out: software statements (§2.3), initial access tokens (§3), and changing or ending a registration (`RFC 7592`).

use super::members::{self, Members};
use super::token::{is_token, line};
use super::{MAX_ANSWER, text};
use crate::words::Secret;
use serde_json::{Value, json};

/// The most octets of a client's name.
const MAX_ID: usize = 2048;

/// What a client says about itself (`RFC 7591 §2`).
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// Where the browser may be sent back to. A port of this machine may be left out (`RFC 8252 §7.3`).
    pub redirect_uris: &'a [String],
    /// What it will ask for.
    pub scopes: &'a [String],
    /// Whether it will also log in by device code (`RFC 8628`).
    pub by_device: bool,
}

impl Registration<'_> {
    /// The request, in JSON (`RFC 7591 §3.1`).
    pub fn body(&self) -> String {
        let mut grants = vec!["authorization_code", "refresh_token"];
        if self.by_device {
            grants.push("urn:ietf:params:oauth:grant-type:device_code");
        }
        let mut body = json!({
            "client_name": "postie", "application_type": "native", "token_endpoint_auth_method": "none",
            "redirect_uris": self.redirect_uris, "grant_types": grants, "response_types": ["code"],
        });
        // Servers register a client for nothing else than it names.
        if !self.scopes.is_empty() {
            body["scope"] = self.scopes.join(" ").into();
        }
        body.to_string()
    }
}

/// A client that a server has registered (`RFC 7591 §3.2.1`).
#[derive(Clone, Debug)]
pub struct Registered {
    pub client_id: String,
    /// What it has to show; none: it is a public client.
    pub secret: Option<Secret>,
    /// When the secret ends, in seconds since 1970; none: never.
    pub secret_expires_at: Option<u64>,
    /// Where the browser may be sent back to, where the server says so. It may be another address than was asked for.
    pub redirect_uris: Option<Vec<String>>,
}

/// Why there is no client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRegistered {
    /// The server says why (`RFC 7591 §3.2.2`). Both are short, without control characters.
    Refused { error: String, description: Option<String> },
    /// It registers nobody, or only whom it knows: a status of HTTP from 300 to 499, and nothing of `RFC 7591` in it.
    NotForUs { status: u16 },
    /// It cannot now, or somebody else answered in its place.
    Busy { status: u16 },
    /// The client would have to prove who it is in a way that postie has not.
    OtherProof(String),
    /// It is an answer, and one that makes no sense.
    Nonsense(&'static str),
}

/// Reads the answer of a registration endpoint. `now`: seconds since 1970.
///
/// The client's name is needed, and its secret if it has to show one; whatever else is odd counts as missing.
pub fn read(status: u16, body: &[u8], now: u64) -> Result<Registered, NotRegistered> {
    let text = members::text(body);
    let answer = if body.len() > MAX_ANSWER { None } else { Members::read(&text).ok() };
    let is_success = (200..300).contains(&status);
    let Some(answer) = answer else {
        return Err(if (300..500).contains(&status) && status != 429 {
            NotRegistered::NotForUs { status }
        } else {
            NotRegistered::Busy { status }
        });
    };
    match status {
        429 | 500.. => Err(NotRegistered::Busy { status }),
        _ if is_success && answer.value("client_id").is_some() => registered(&answer, now),
        _ => match answer.text("error").filter(|error| !error.trim().is_empty()) {
            Some(error) => Err(NotRegistered::Refused {
                error: line(&error, 64),
                description: answer
                    .text("error_description")
                    .map(|text| text::shown(&text))
                    .filter(|it| !it.is_empty()),
            }),
            None if is_success => Err(NotRegistered::Nonsense("the answer has no client_id in it")),
            None => Err(NotRegistered::NotForUs { status }),
        },
    }
}

fn registered(answer: &Members<'_>, now: u64) -> Result<Registered, NotRegistered> {
    let is_name =
        |id: &String| (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_graphic());
    let client_id = answer.text("client_id").filter(is_name);
    let client_id = client_id
        .ok_or(NotRegistered::Nonsense("the client_id is empty, too long, or has odd characters in it"))?;
    let secret = answer.text("client_secret").map(Secret::new).filter(|secret| !secret.is_empty());
    let shows_one = match answer.text("token_endpoint_auth_method").as_deref() {
        None | Some("") => secret.is_some(),
        Some("none") => false,
        Some("client_secret_basic" | "client_secret_post") => true,
        Some(other) => return Err(NotRegistered::OtherProof(line(other, 64))),
    };
    let secret = match secret {
        Some(secret) if shows_one && is_token(&secret) => Some(secret),
        _ if shows_one => {
            return Err(NotRegistered::Nonsense(
                "the client has to show a secret, and none came that could be",
            ));
        }
        _ => None,
    };
    // 0 is for ever (§3.2.1).
    let ends = answer.value("client_secret_expires_at").as_ref().and_then(seconds).filter(|ends| *ends > 0);
    let secret_expires_at = ends.filter(|_| secret.is_some());
    if secret_expires_at.is_some_and(|ends| ends <= now) {
        return Err(NotRegistered::Nonsense("the secret of the new client has ended already"));
    }
    let redirect_uris = answer.texts("redirect_uris").filter(|all| !all.is_empty());
    Ok(Registered { client_id, secret, secret_expires_at, redirect_uris })
}

/// A time in every form that servers write it.
fn seconds(value: &Value) -> Option<u64> {
    match value {
        // A fraction is cut off, and what is negative has ended: both are what `as` does.
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().map(|number| number.max(1.0) as u64))
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn told(status: u16, body: &str) -> NotRegistered {
        read(status, body.as_bytes(), NOW).unwrap_err()
    }

    #[test]
    fn a_request_is_that_of_a_program_without_a_secret() {
        let (uris, scopes) = (["http://127.0.0.1/callback".to_owned()], ["a".to_owned(), "b".to_owned()]);
        let own = Registration { redirect_uris: &uris, scopes: &scopes, by_device: true };
        let body: Value = serde_json::from_str(&own.body()).unwrap();
        assert_eq!(
            body,
            json!({"client_name": "postie", "application_type": "native", "token_endpoint_auth_method": "none",
                "redirect_uris": ["http://127.0.0.1/callback"], "response_types": ["code"], "scope": "a b",
                "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]})
        );
        let own = Registration { redirect_uris: &uris, scopes: &[], by_device: false };
        let body: Value = serde_json::from_str(&own.body()).unwrap();
        assert_eq!((&body["scope"], body["grant_types"].as_array().unwrap().len()), (&Value::Null, 2));
    }

    #[test]
    fn a_client_is_read_and_whatever_is_not_needed_may_be_odd() {
        for (more, secret, ends) in [
            ("", None, None),
            (r#","token_endpoint_auth_method":"none","client_secret":"s""#, None, None),
            (r#","client_secret":"s","client_secret_expires_at":0"#, Some("s"), None),
            (r#","client_secret":"s","client_secret_expires_at":1800000001"#, Some("s"), Some(NOW + 1)),
            (r#","client_secret":"s","client_secret_expires_at":" 1800000001 ""#, Some("s"), Some(NOW + 1)),
            (r#","client_secret":"s","client_secret_expires_at":1800000001.9"#, Some("s"), Some(NOW + 1)),
            (r#","client_secret":"s","client_secret_expires_at":[1]"#, Some("s"), None),
            (r#","client_secret_expires_at":5,"scope":7,"grant_types":{},"redirect_uris":7"#, None, None),
            (r#","client_secret":null,"client_id_issued_at":"x","registration_client_uri":[[]]"#, None, None),
        ] {
            let made = read(201, format!("{{\"client_id\":\"me\"{more}}}").as_bytes(), NOW).unwrap();
            assert_eq!(made.client_id, "me");
            assert_eq!(
                made.secret.as_ref().map(|secret| secret.expose().to_vec()),
                secret.map(|it| it.into()),
                "{more}"
            );
            assert_eq!((made.secret_expires_at, made.redirect_uris), (ends, None), "{more}");
        }
        let made = read(200, br#"{"client_id":"me","redirect_uris":["http://localhost/c"]}"#, NOW).unwrap();
        assert_eq!(made.redirect_uris.unwrap(), ["http://localhost/c"]);
    }

    #[test]
    fn what_is_no_client_says_why() {
        let refused = told(400, r#"{"error":"invalid_redirect_uri","error_description":"a\u001b[31m\r\nb"}"#);
        let wanted = NotRegistered::Refused {
            error: "invalid_redirect_uri".into(),
            description: Some("a[31m b".into()),
        };
        assert_eq!(refused, wanted);
        assert!(matches!(told(200, r#"{"error":"x"}"#), NotRegistered::Refused { .. }));
        for (status, body) in [(401, ""), (403, "{}"), (404, "<html>"), (302, ""), (400, "{\"error\":7}")] {
            assert_eq!(told(status, body), NotRegistered::NotForUs { status }, "{body}");
        }
        for (status, body) in [
            (500, "{\"client_id\":\"x\"}"),
            (429, ""),
            (503, "{\"error\":\"x\"}"),
            (200, "<html>"),
            (201, ""),
        ] {
            assert_eq!(told(status, body), NotRegistered::Busy { status }, "{body}");
        }
        let other = told(201, r#"{"client_id":"x","token_endpoint_auth_method":"private_key_jwt"}"#);
        assert_eq!(other, NotRegistered::OtherProof("private_key_jwt".into()));
        for body in [
            "{}",
            r#"{"client_id":7}"#,
            r#"{"client_id":""}"#,
            r#"{"client_id":"a b"}"#,
            r#"{"client_id":"x","token_endpoint_auth_method":"client_secret_basic"}"#,
            r#"{"client_id":"x","client_secret":"a\nb"}"#,
            r#"{"client_id":"x","client_secret":"s","client_secret_expires_at":1800000000}"#,
            r#"{"client_id":"x","client_secret":"s","client_secret_expires_at":-7}"#,
        ] {
            assert!(matches!(told(201, body), NotRegistered::Nonsense(_)), "{body}");
        }
        let good = r#"{"client_id":"me","client_secret":"s"}"#;
        for end in 0..good.len() {
            assert_eq!(told(201, &good[..end]), NotRegistered::Busy { status: 201 });
        }
    }
}
