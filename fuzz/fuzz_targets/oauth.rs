//! What an authorization server and a browser say: no octets make the readers fail, and nothing that could break a line,
//! or an address that is not protected, comes out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postie::codec::oauth::code::{RedirectAnswer, Expected, NoAnswer, State, read_pasted, read_query};
use postie::codec::oauth::url::{UrlUse, check};
use postie::codec::oauth::{device, metadata, registration, service_key, token};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let state = State::new(b"0123456789abcdef");
    let issuer = "https://own.test";
    let expected = Expected { state: &state, issuer: Some(issuer), names_itself: true };
    let sent = format!("state=MDEyMzQ1Njc4OWFiY2RlZg&iss=https%3A%2F%2Fown.test&{text}");
    for answer in [read_query(&text, &expected), read_query(&sent, &expected), read_pasted(&text, &expected)] {
        match answer {
            Ok(RedirectAnswer::Code(code)) => assert!(code.expose().iter().all(u8::is_ascii_graphic)),
            Ok(RedirectAnswer::Refused(refusal)) => {
                assert!(!format!("{}{:?}", refusal.error, refusal.description).contains(char::is_control));
            }
            Err(NoAnswer::OtherIssuer(Some(other))) => assert!(!other.contains(char::is_control)),
            Err(_) => {}
        }
    }
    if let Ok(answer) = device::read(data) {
        assert!(!answer.user_code.contains(char::is_control) && answer.interval.as_secs() > 0);
        assert!(check(&answer.verification_uri, UrlUse::ForPeople).is_ok());
    }
    if let Ok(found) = metadata::read(data, issuer) {
        assert!(check(&found.token_endpoint, UrlUse::Endpoint).is_ok());
    }
    if let Ok(client) = registration::read(201, data, 0) {
        assert!(client.client_id.bytes().all(|octet| octet.is_ascii_graphic()));
    }
    if let Ok(key) = service_key::read(data) {
        assert!(key.email.bytes().all(|octet| octet.is_ascii_graphic()));
    }
    if let Some(next) = token::replaced(200, data) {
        assert!(!next.breaks_lines());
    }
    if let Ok(tokens) = token::read(200, data) {
        assert!(!tokens.access_token.breaks_lines());
    }
});
