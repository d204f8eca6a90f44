//! A token server and an account that logs in by its tokens; the mail server takes one access token and no other.

use super::authority::{Authority, Certificate};
use super::imapd::{Imapd, Setup};
use super::pop3d::SECRET;
use super::process::Run;
use super::web::{Reply, Request, Web};
use super::world::World;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

/// What the token server remembers.
#[derive(Default)]
pub struct Family {
    /// The refresh token that holds; none: all was ended.
    pub holds: Option<String>,
    /// How often tokens were granted.
    pub count: usize,
    /// Whether each refresh replaces the token.
    pub replaces: bool,
}

/// A token server that answers as it should, unless `odd` says otherwise: it replaces refresh tokens, and ends everything
/// where one is used twice, as strict servers do.
pub struct Tokens {
    pub web: Web,
    pub family: Arc<Mutex<Family>>,
}

/// The fields of a request.
pub fn form(request: &Request) -> HashMap<String, String> {
    let body = String::from_utf8(request.body.clone()).unwrap();
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    body.split('&').filter_map(pair).collect()
}

/// An answer in JSON.
pub fn answer(status: u16, body: &Value) -> Reply {
    Reply::Answer(status, vec![("Content-Type", "application/json".into())], body.to_string().into_bytes())
}

impl Tokens {
    /// Starts it; the refresh token `r0` holds.
    pub fn start(odd: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Tokens {
        let family = Arc::new(Mutex::new(Family { holds: Some("r0".into()), count: 0, replaces: true }));
        let own = Arc::clone(&family);
        let web = Web::start(Authority::shared().identity(Certificate::Good), move |request| {
            if let Some(reply) = odd(request) {
                return reply;
            }
            let form = form(request);
            let refused = || answer(400, &json!({"error": "invalid_grant"}));
            let mut family = own.lock().unwrap();
            let granted = json!({"access_token": SECRET, "token_type": "Bearer", "expires_in": 3600});
            match form.get("grant_type").map(String::as_str) {
                Some("client_credentials") => {
                    family.count += 1;
                    answer(200, &granted)
                }
                Some("refresh_token") if family.holds == form.get("refresh_token").cloned() => {
                    family.count += 1;
                    let mut granted = granted;
                    if family.replaces {
                        let next = format!("r{}", family.count);
                        granted["refresh_token"] = next.clone().into();
                        family.holds = Some(next);
                    }
                    answer(200, &granted)
                }
                Some("refresh_token") => {
                    family.holds = None;
                    refused()
                }
                _ => answer(200, &json!({})),
            }
        });
        Tokens { web, family }
    }

    pub fn count(&self) -> usize {
        self.family.lock().unwrap().count
    }

    /// The refresh token that holds.
    pub fn holds(&self) -> Option<String> {
        self.family.lock().unwrap().holds.clone()
    }
}

/// An account with an IMAP server that takes tokens alone.
pub struct TokenStage {
    pub world: World,
    pub tokens: Tokens,
    pub mail: Imapd,
    token_url: String,
    file: OnceLock<PathBuf>,
}

impl TokenStage {
    /// `token_url`: where postie is to find the token server; none: where it is. `more` goes on in the table `oauth`.
    pub fn new(
        world: World,
        mail: Setup,
        tokens: Tokens,
        (token_url, more): (Option<String>, &str),
    ) -> TokenStage {
        let mail = mail.with("AUTH=XOAUTH2").start();
        let token_url = token_url.unwrap_or_else(|| tokens.web.url("/token"));
        world.config(&format!(
            "[accounts.work]\nemail = 'ana@example.org'\nca-file = '{}'\n\
             imap = {{ host = 'localhost', port = {}, username = 'ana', auth = 'xoauth2' }}\n\
             [accounts.work.oauth]\nclient-id = 'me'\ntoken-url = '{token_url}'\nrevoke-url = '{}'\n{more}\n",
            world.text("ca.pem"),
            mail.port(),
            tokens.web.url("/revoke"),
        ));
        TokenStage { world, tokens, mail, token_url, file: OnceLock::new() }
    }

    pub fn list(&self) -> Run {
        self.list_within("20s")
    }

    pub fn list_within(&self, timeout: &str) -> Run {
        self.world.postie(["--json", "--timeout", timeout, "list"])
    }

    pub fn status(&self, code: i32) -> Value {
        let outcome = self.world.postie(["--json", "config", "status", "work"]).go();
        outcome.assert_exit(code);
        outcome.of_type("token").remove(0)
    }

    /// The file with the tokens.
    pub fn file(&self) -> PathBuf {
        let look = || {
            let outcome = self.world.postie(["--json", "config", "status", "work"]).go();
            outcome.of_type("token").remove(0)["kept_in"].as_str().unwrap().into()
        };
        self.file.get_or_init(look).clone()
    }

    /// Keeps tokens: the refresh token `r0`, and an access token that ends in so many seconds, and is so old.
    pub fn keep(&self, access: &str, ends_in: i64, age: i64) {
        let now = jiff::Timestamp::now();
        let at = |seconds: i64| (now + jiff::SignedDuration::from_secs(seconds)).to_string();
        let kept = json!({
            "v": 1, "issuer": self.token_url, "client_id": "me", "user": "ana@example.org",
            "access_token": access, "expires_at": at(ends_in), "refresh_token": "r0", "obtained_at": at(-age),
        });
        let path = self.file();
        self.world.write(path.strip_prefix(self.world.root()).unwrap().to_str().unwrap(), kept.to_string());
    }

    /// What is kept.
    pub fn kept(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file()).unwrap()).unwrap()
    }

    /// How often a login was tried.
    pub fn logins(&self) -> usize {
        self.mail.commands_with("AUTHENTICATE").len()
    }
}
