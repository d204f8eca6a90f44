//! OAuth 2.0 (`RFC 6749`) as octets: the forms that a client sends to the endpoints of an authorization server, and
//! what comes back. Nothing here talks to anybody; the clock and random values come in as arguments.

pub mod assertion;
pub mod code;
pub mod device;
mod members;
pub mod metadata;
pub mod registration;
pub mod service_key;
mod text;
pub mod token;
pub mod url;

use crate::words::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

/// The most octets of an answer that is read at all.
pub const MAX_ANSWER: usize = 64 * 1024;

/// The fields of a request (`RFC 6749 appendix B`), in their order.
#[derive(Clone, Debug, Default)]
pub struct Form {
    fields: Vec<(&'static str, FormValue)>,
}

/// The value of a field.
#[derive(Clone, Debug)]
pub enum FormValue {
    Open(String),
    /// Nobody else may see it: no transcript has it.
    Secret(Secret),
}

impl Form {
    /// A form without fields.
    pub fn new() -> Self {
        Form::default()
    }

    /// A request for a token by a grant of this type (`RFC 6749 §4`).
    pub fn grant(grant_type: &str) -> Self {
        Form::new().with("grant_type", grant_type)
    }

    /// The same form with one more field.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, FormValue::Open(value.into())));
        self
    }

    /// The same form with one more field, which nobody else may see.
    pub fn with_secret(mut self, name: &'static str, value: &Secret) -> Self {
        self.fields.push((name, FormValue::Secret(value.clone())));
        self
    }

    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &FormValue)> {
        self.fields.iter().map(|(name, value)| (*name, value))
    }

    /// The values that nobody else may see.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.fields.iter().filter_map(|(_, value)| match value {
            FormValue::Secret(secret) => Some(secret),
            FormValue::Open(_) => None,
        })
    }
}

/// How a client shows that it is the one that it says (`RFC 6749 §2.3`).
#[derive(Clone, Debug)]
pub enum Proof {
    /// A public client has nothing to show (`RFC 6749 §2.1`).
    None,
    /// The secret in the form (`client_secret_post`), which every large provider takes.
    Post(Secret),
    /// The secret in the header `Authorization` (`client_secret_basic`).
    Basic(Secret),
    /// A signed assertion (`RFC 7523 §2.2`, see [`assertion`]).
    Assertion(Secret),
}

/// A client of an authorization server.
#[derive(Clone, Debug)]
pub struct Client {
    /// The name under which it is registered.
    pub id: String,
    /// What it shows.
    pub proof: Proof,
}

/// A request, ready to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its body.
    pub form: Form,
    /// The value of its header `Authorization`.
    pub authorization: Option<Secret>,
    /// The same with the secret shown the other way, for a server that refuses the client: each is registered for one
    /// (`RFC 7591 §2`, `token_endpoint_auth_method`), which nothing tells.
    pub otherwise: Option<Box<Request>>,
}

/// `RFC 7521 §4.2`.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Client {
    /// The request with this form, in the client's name.
    pub fn request(&self, form: Form) -> Request {
        let named = |form: Form| form.with("client_id", &*self.id);
        let plain = |form: Form| Request { form, authorization: None, otherwise: None };
        let basic = |form: Form, secret: &Secret| Request {
            form,
            authorization: Some(self.basic(secret)),
            otherwise: None,
        };
        match &self.proof {
            Proof::None => plain(named(form)),
            Proof::Post(secret) => {
                let otherwise = Some(Box::new(basic(form.clone(), secret)));
                let form = named(form).with_secret("client_secret", secret);
                Request { otherwise, ..plain(form) }
            }
            Proof::Basic(secret) => basic(form, secret),
            Proof::Assertion(assertion) => {
                let form = named(form).with("client_assertion_type", ASSERTION_TYPE);
                plain(form.with_secret("client_assertion", assertion))
            }
        }
    }

    /// Both halves are encoded as in a form first (`RFC 6749 §2.3.1`).
    fn basic(&self, secret: &Secret) -> Secret {
        let coded = |octets: &[u8]| Zeroizing::new(percent_encode(octets, RESERVED).to_string());
        let pair = Zeroizing::new(format!("{}:{}", *coded(self.id.as_bytes()), *coded(secret.expose())));
        Secret::new(format!("Basic {}", *Zeroizing::new(STANDARD.encode(pair.as_bytes()))))
    }
}

/// All but the unreserved characters (`RFC 3986 §2.3`).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Asks for new tokens for a refresh token (`RFC 6749 §6`). No scope is sent: those that were granted stay.
pub fn refresh(token: &Secret) -> Form {
    Form::grant("refresh_token").with_secret("refresh_token", token)
}

/// The same request, for one resource (`RFC 8707 §2.2`).
pub fn for_resource(form: Form, resource: Option<&str>) -> Form {
    match resource {
        Some(resource) => form.with("resource", resource),
        None => form,
    }
}

/// Asks for a token in the client's own name (`RFC 6749 §4.4`).
pub fn client_credentials(scopes: &[String]) -> Form {
    let form = Form::grant("client_credentials");
    if scopes.is_empty() { form } else { form.with("scope", scopes.join(" ")) }
}

/// Asks for a token for a user, by a service account's assertion (`RFC 7523 §2.1`).
pub fn by_assertion(assertion: &Secret) -> Request {
    let form = Form::grant("urn:ietf:params:oauth:grant-type:jwt-bearer").with_secret("assertion", assertion);
    Request { form, authorization: None, otherwise: None }
}

/// Asks that a refresh token hold no more (`RFC 7009 §2.1`).
pub fn revocation(field: &'static str, token: &Secret) -> Form {
    let form = Form::new().with_secret(field, token);
    if field == "token" { form.with("token_type_hint", "refresh_token") } else { form }
}

/// What is wrong with a text that should be a JSON object; quotes nothing of it.
fn json_problem(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let at = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Data => format!("it is no JSON object, {at}"),
        _ => format!("it is not JSON, {at}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proof: Proof) -> Client {
        Client { id: "id:1".into(), proof }
    }

    fn shown(form: &Form) -> String {
        let value = |value: &FormValue| match value {
            FormValue::Open(text) => text.clone(),
            FormValue::Secret(secret) => format!("<{}>", String::from_utf8_lossy(secret.expose())),
        };
        form.fields().map(|(name, it)| format!("{name}={}", value(it))).collect::<Vec<_>>().join("&")
    }

    #[test]
    fn a_form_does_not_show_its_secrets() {
        let form = Form::new().with_secret("code", &Secret::new("S3CRET"));
        assert!(!format!("{form:?}").contains("S3CRET"));
        assert_eq!(form.secrets().count(), 1);
    }

    #[test]
    fn a_client_shows_what_it_has_in_the_form_or_in_the_header() {
        let secret = || Secret::new("p:w&\u{fc}");
        let form = |proof| shown(&client(proof).request(Form::grant("x")).form);
        assert_eq!(form(Proof::None), "grant_type=x&client_id=id:1");
        assert_eq!(form(Proof::Post(secret())), "grant_type=x&client_id=id:1&client_secret=<p:w&\u{fc}>");
        assert_eq!(
            form(Proof::Assertion(Secret::new("a.b.c"))),
            "grant_type=x&client_id=id:1&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer\
             &client_assertion=<a.b.c>"
        );
        let request = client(Proof::Basic(secret())).request(Form::grant("x"));
        assert_eq!(shown(&request.form), "grant_type=x");
        let header = String::from_utf8(request.authorization.unwrap().expose().to_vec()).unwrap();
        let pair = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"id%3A1:p%3Aw%26%C3%BC");
    }

    #[test]
    fn a_refresh_sends_no_scope() {
        assert_eq!(shown(&refresh(&Secret::new("r"))), "grant_type=refresh_token&refresh_token=<r>");
        let scopes = ["a".to_owned(), "b".to_owned()];
        assert_eq!(shown(&client_credentials(&scopes)), "grant_type=client_credentials&scope=a b");
        assert_eq!(shown(&client_credentials(&[])), "grant_type=client_credentials");
    }

    #[test]
    fn a_revocation_says_what_kind_of_token_it_is() {
        let token = Secret::new("r");
        assert_eq!(shown(&revocation("token", &token)), "token=<r>&token_type_hint=refresh_token");
        assert_eq!(shown(&revocation("access_token", &token)), "access_token=<r>");
    }
}
