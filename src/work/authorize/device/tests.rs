use super::*;
use crate::codec::oauth::{FormValue, Proof, Request};
use std::sync::Mutex;

const CODES: &str =
    r#"{"device_code":"DC","user_code":"UC","verification_uri":"https://h","expires_in":5,"interval":0}"#;

/// Gives these answers, one after the other; a status of 0: none at all.
struct Scripted(Mutex<Vec<(u16, &'static str)>>, Mutex<Vec<String>>);

impl Scripted {
    fn new(answers: &[(u16, &'static str)]) -> Self {
        Scripted(Mutex::new(answers.iter().rev().copied().collect()), Mutex::default())
    }
}

impl TokenEndpoint for Scripted {
    fn post(&self, url: &str, request: &Request) -> Result<EndpointAnswer, Failure> {
        let text = |value: &FormValue| match value {
            FormValue::Open(text) => text.clone(),
            FormValue::Secret(secret) => String::from_utf8(secret.expose().to_vec()).unwrap(),
        };
        let fields: Vec<_> =
            request.form.fields().map(|(name, value)| format!("{name}={}", text(value))).collect();
        self.1.lock().unwrap().push(format!("{url} {}", fields.join(" ")));
        match self.0.lock().unwrap().pop().unwrap() {
            (0, _) => Err(failed(Kind::Network, "no")),
            (status, body) => Ok(EndpointAnswer { status, body: body.as_bytes().to_vec().into() }),
        }
    }
}

/// What comes of it, and the things that were told.
fn play(endpoint: &Scripted, limits: &Limits) -> (Result<Result<Granted, Rejection>, Failure>, Vec<String>) {
    let client = Client { id: "c".into(), proof: Proof::None };
    let scopes = ["mail".to_owned(), "x".to_owned()];
    let login = DeviceLogin {
        client: &client,
        device: "https://h/d",
        token: "https://h/t",
        scopes: &scopes,
        resource: None,
    };
    let mut told = Vec::new();
    let result = login.run(endpoint, limits, &mut |it| {
        told.push(match it {
            Told::Type(authorization) => authorization.user_code.clone(),
            Told::Unreachable(failure) => failure.message.clone(),
            other => panic!("{other:?}"),
        });
    });
    (result, told)
}

#[test]
fn it_asks_until_the_person_has_answered() {
    let endpoint = Scripted::new(&[
        (200, CODES),
        (400, r#"{"error":"authorization_pending"}"#),
        (200, r#"{"access_token":"AT","token_type":"bearer"}"#),
    ]);
    let (result, told) = play(&endpoint, &Limits::default());
    assert_eq!(result.unwrap().unwrap().tokens.access_token.expose(), b"AT");
    assert_eq!(told, ["UC"]);
    let question =
        "https://h/t grant_type=urn:ietf:params:oauth:grant-type:device_code device_code=DC client_id=c";
    assert_eq!(*endpoint.1.lock().unwrap(), ["https://h/d scope=mail x client_id=c", question, question]);
}

#[test]
fn a_no_ends_it_and_so_does_a_server_that_refuses_at_once() {
    for (answers, wanted) in [
        (&[(200, CODES), (400, r#"{"error":"access_denied"}"#)][..], "access_denied"),
        (
            &[(400, r#"{"error":"invalid_scope","error_description":"Invalid device flow scope"}"#)],
            "invalid_scope: Invalid device flow scope",
        ),
        (&[(500, "oops")], "HTTP 500"),
        (&[(404, "<html>")], "HTTP 404"),
    ] {
        let (result, _) = play(&Scripted::new(answers), &Limits::default());
        let rejection = result.unwrap().unwrap_err().to_string();
        assert!(rejection.contains(wanted), "{rejection}");
    }
    let (result, told) = play(&Scripted::new(&[(200, r#"{"user_code":"UC"}"#)]), &Limits::default());
    let failure = result.unwrap_err();
    assert!(failure.kind() == Kind::Protocol && failure.message.contains("device_code"), "{failure}");
    assert!(told.is_empty());
}

#[test]
fn a_server_that_is_away_is_asked_again_and_a_code_too_old_is_not_asked_for() {
    let endpoint = Scripted::new(&[(200, CODES), (0, ""), (503, ""), (400, "{}")]);
    let (result, told) = play(&endpoint, &Limits::default());
    assert_eq!(result.unwrap_err().kind(), Kind::Timeout);
    // After one and two more seconds; with four more it would be too old.
    assert_eq!(endpoint.1.lock().unwrap().len(), 3);
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn the_end_of_the_run_ends_the_wait() {
    let limits = Limits { end: Some(Instant::now() + Duration::from_millis(30)), ..Limits::default() };
    let (result, _) = play(&Scripted::new(&[(200, CODES)]), &limits);
    assert_eq!(result.unwrap_err().kind(), Kind::Timeout);
}
