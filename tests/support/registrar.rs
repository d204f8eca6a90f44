//! An authorization server that registers clients (RFC 7591), and is strict: about what it is told at the registration, about
//! the way back, and about the proof of who brings the code (RFC 7636).

use super::authority::{Authority, Certificate};
use super::oidc::parameter;
use super::pop3d::SECRET;
use super::token_stage::answer;
use super::web::{Reply, Request, Web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

/// What it grants.
pub const SCOPES: [&str; 2] = ["urn:ietf:params:oauth:scope:mail", "offline_access"];

/// What the server remembers.
#[derive(Default)]
pub struct Memory {
    /// What each client was registered with, by its id.
    pub clients: HashMap<String, Value>,
    /// Of each code: the address of the login.
    codes: HashMap<String, String>,
    /// How many refresh tokens were given, and those that hold: each once.
    given: usize,
    holds: HashSet<String>,
}

/// The authorization server.
pub struct Registrar {
    pub web: Web,
    pub memory: Arc<Mutex<Memory>>,
}

/// Answers before the server does.
pub type Odd = dyn Fn(&Request) -> Option<Reply> + Send + Sync;

impl Registrar {
    /// Starts it. `odd` answers first; it registers addresses of the program's machine alone, unless `scheme` is the one of
    /// programs that it takes instead.
    pub fn start(scheme: Option<&'static str>, odd: Box<Odd>) -> Registrar {
        let memory = Arc::<Mutex<Memory>>::default();
        let own = Arc::clone(&memory);
        let web = Web::start(Authority::shared().identity(Certificate::Good), move |request| {
            if let Some(reply) = odd(request) {
                return reply;
            }
            let issuer = format!("https://{}", request.field("host"));
            let mut memory = own.lock().unwrap();
            match (&*request.method, &*request.path) {
                ("GET", "/.well-known/oauth-authorization-server") => answer(200, &about(&issuer)),
                ("POST", "/register") => memory.register(request, scheme),
                ("POST", "/token") => memory.token(request),
                _ => Reply::missing(),
            }
        });
        Registrar { web, memory }
    }

    /// Nothing is odd about it.
    pub fn usual() -> Registrar {
        Registrar::start(None, Box::new(|_| None))
    }

    /// Its name, which is where it tells about itself.
    pub fn issuer(&self) -> String {
        self.web.url("")
    }

    /// What came to this path.
    pub fn asked(&self, path: &str) -> Vec<Request> {
        self.web.requests().into_iter().filter(|request| request.path == path).collect()
    }

    pub fn registrations(&self) -> usize {
        self.asked("/register").len()
    }

    /// The person at the browser says yes: the address that the browser is sent back to.
    #[track_caller]
    pub fn consent(&self, url: &str) -> String {
        let of = |name: &str| parameter(url, name).unwrap_or_else(|| panic!("no {name}: {url}"));
        let mut memory = self.memory.lock().unwrap();
        let client = memory.clients.get(&of("client_id")).expect("a client that is registered");
        let back = of("redirect_uri");
        let plain = without_port(&back);
        assert!(
            client["redirect_uris"].as_array().unwrap().iter().any(|uri| *uri == *plain),
            "{back}: {client}"
        );
        assert_eq!(of("code_challenge_method"), "S256");
        let code = format!("code-{}", memory.codes.len());
        let answer = format!("{back}?code={code}&state={}", of("state"));
        memory.codes.insert(code, url.to_owned());
        answer
    }
}

/// An address of this machine without its port.
fn without_port(uri: &str) -> String {
    let Some((host, path)) = uri.strip_prefix("http://").and_then(|rest| rest.split_once('/')) else {
        return uri.to_owned();
    };
    format!("http://{}/{path}", host.split(':').next().unwrap())
}

/// What it says about itself.
pub fn about(issuer: &str) -> Value {
    json!({"issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "registration_endpoint": format!("{issuer}/register"), "scopes_supported": SCOPES,
        "code_challenge_methods_supported": ["S256"], "revocation_endpoint": 7})
}

/// A refusal (RFC 7591 §3.2.2, RFC 6749 §5.2).
pub fn refused(status: u16, error: &str) -> Reply {
    answer(status, &json!({"error": error, "error_description": "so it is"}))
}

impl Memory {
    fn register(&mut self, request: &Request, scheme: Option<&str>) -> Reply {
        let Ok(told) = serde_json::from_slice::<Value>(&request.body) else {
            return refused(400, "invalid_client_metadata");
        };
        let uris: Vec<&str> =
            told["redirect_uris"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let fits = |uri: &str| match scheme {
            Some(scheme) => uri.starts_with(scheme),
            None => ["http://127.0.0.1/callback", "http://127.0.0.1:4711/callback"].contains(&uri),
        };
        if uris.len() != 1 || !uris.iter().all(|uri| fits(uri)) {
            return refused(400, "invalid_redirect_uri");
        }
        let is_right = request.field("content-type") == "application/json"
            && told["application_type"] == "native"
            && told["token_endpoint_auth_method"] == "none"
            && told["response_types"] == json!(["code"])
            && told["grant_types"] == json!(["authorization_code", "refresh_token"])
            && told["scope"] == SCOPES.join(" ")
            && told["client_name"] == "postie";
        if !is_right {
            return refused(400, "invalid_client_metadata");
        }
        let id = format!("c{}", self.clients.len() + 1);
        // As Fastmail does: another name of the machine, and no port.
        let uri = without_port(uris[0]).replace("127.0.0.1", "localhost");
        let client =
            json!({"client_id": id, "client_id_issued_at": 1, "redirect_uris": [uri], "scope": ["odd"]});
        self.clients.insert(id, client.clone());
        answer(201, &client)
    }

    fn token(&mut self, request: &Request) -> Reply {
        let form: HashMap<String, String> = form_urlencoded::parse(&request.body).into_owned().collect();
        let of = |name: &str| form.get(name).cloned().unwrap_or_default();
        if !self.clients.contains_key(&of("client_id")) {
            return refused(401, "invalid_client");
        }
        let is_good = match &*of("grant_type") {
            "authorization_code" => self.codes.remove(&of("code")).is_some_and(|url| {
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(of("code_verifier")));
                parameter(&url, "code_challenge") == Some(challenge)
                    && parameter(&url, "client_id") == Some(of("client_id"))
                    && parameter(&url, "redirect_uri") == Some(of("redirect_uri"))
                    && parameter(&url, "resource").unwrap_or_default() == of("resource")
            }),
            "refresh_token" => self.holds.remove(&of("refresh_token")),
            _ => false,
        };
        if !is_good {
            return refused(400, "invalid_grant");
        }
        self.given += 1;
        let next = format!("r{}", self.given);
        self.holds.insert(next.clone());
        // It ends soon enough for the next run to refresh it.
        answer(
            200,
            &json!({"access_token": SECRET, "token_type": "bearer", "expires_in": "61", "refresh_token": next}),
        )
    }
}
