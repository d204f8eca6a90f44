//! Service accounts (RFC 7523): the token server verifies each assertion with OpenSSL.

use crate::support::imapd::Imapd;
use crate::support::imapd::store::ImapStore;
use crate::support::leak;
use crate::support::pop3d::SECRET;
use crate::support::token_stage::{TokenStage, Tokens, answer, form};
use crate::support::web::{Reply, Request};
use crate::world;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Verifier;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

const NAME: &str = "mail@project.iam.gserviceaccount.com";
const SCOPE: &str = "https://mail.google.com/";

fn key() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
}

fn key_file(key: &PKey<Private>) -> Value {
    let pem = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    json!({"type": "service_account", "project_id": "project", "private_key_id": "k1", "private_key": pem,
        "client_email": NAME, "client_id": "1", "token_uri": "https://elsewhere.example/token"})
}

/// What is wrong with a request for a token; none: nothing is.
fn fault(request: &Request, key: &PKey<Private>, seen: &mut HashSet<String>) -> Option<&'static str> {
    let form = form(request);
    if form.len() != 2 || form["grant_type"] != "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer" {
        return Some("not the grant, or more than it");
    }
    let parts: Vec<&str> = form["assertion"].split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Some("not three parts") };
    let mut verifier = Verifier::new(MessageDigest::sha256(), key).unwrap();
    verifier.update(format!("{header}.{claims}").as_bytes()).unwrap();
    if !verifier.verify(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap() {
        return Some("Invalid JWT Signature.");
    }
    let part = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    let (header, claims) = (part(header), part(claims));
    let (now, time) = (jiff::Timestamp::now().as_second(), |name: &str| claims[name].as_i64().unwrap());
    if header != json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}) {
        return Some("the header");
    }
    if claims["iss"] != NAME || claims["scope"] != SCOPE || claims["sub"] != "ana@example.org" {
        return Some("Invalid email or User ID");
    }
    if claims["aud"] != format!("https://{}{}", request.field("host"), request.path) {
        return Some("the audience");
    }
    if time("iat") > now || time("exp") <= now || time("exp") - time("iat") > 3600 {
        return Some("the time");
    }
    (!seen.insert(claims["jti"].as_str().unwrap().to_owned())).then_some("seen before")
}

/// An account by this key file; the server trusts `key`, unless it answers `instead`.
fn stage(file: &str, key: PKey<Private>, instead: Option<(u16, Value)>, more: &str) -> TokenStage {
    let world = world();
    let path = world.write("key.json", file);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let seen = Arc::<Mutex<HashSet<String>>>::default();
    let tokens = Tokens::start(move |request| -> Option<Reply> {
        if let Some((status, body)) = &instead {
            return Some(answer(*status, body));
        }
        Some(match fault(request, &key, &mut seen.lock().unwrap()) {
            Some(what) => answer(400, &json!({"error": "invalid_grant", "error_description": what})),
            None => answer(200, &json!({"access_token": SECRET, "token_type": "Bearer", "expires_in": 3599})),
        })
    });
    let more = format!(
        "flow = 'service-account'\nservice-account-key = '{}'\nscopes = '{SCOPE}'\n{more}",
        path.display()
    );
    TokenStage::new(world, Imapd::for_store(&ImapStore::with(1)), tokens, (None, &more))
}

fn usual() -> TokenStage {
    let key = key();
    stage(&key_file(&key).to_string(), key, None, "")
}

#[test]
fn a_service_account_gets_a_token_for_the_mailbox_and_another_when_that_has_ended() {
    let stage = usual();
    let world = &stage.world;
    world.postie(["--json", "config", "check"]).go().assert_exit(0);
    let outcome = world.postie(["--json", "-vv", "config", "login"]).go();
    outcome.assert_exit(0);
    assert!(outcome.err().contains("nobody has to log in"), "{}", outcome.err());
    for _ in 0..2 {
        stage.list().go().assert_exit(0);
    }
    let maildir = world.text("Mail");
    world.postie(["--json", "fetch", "--maildir", &maildir]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 1);
    assert_eq!(stage.tokens.web.requests().len(), 1);
    let status = stage.status(0);
    assert_eq!(
        (&status["client_id"], &status["user"], &status["flow"], &status["refreshable"]),
        (&json!(NAME), &json!("ana@example.org"), &json!("service-account"), &json!(false))
    );
    let mut kept = stage.kept();
    assert_eq!(kept["refresh_token"], Value::Null);
    kept["expires_at"] = "2020-01-01T00:00:00Z".into();
    fs::write(stage.file(), kept.to_string()).unwrap();
    stage.list().go().assert_exit(0);
    let requests = stage.tokens.web.requests();
    assert_eq!(requests.len(), 2);
    let assertion = &form(&requests[0])["assertion"];
    for secret in [assertion.as_str(), "PRIVATE KEY"] {
        leak::assert_absent(&outcome.stderr, secret, "stderr");
        leak::assert_absent(&outcome.stdout, secret, "stdout");
    }
}

#[test]
fn a_key_file_that_is_none_or_that_others_may_read_is_refused_and_nothing_is_sent() {
    let key = key();
    let good = key_file(&key);
    let without = |name: &str| {
        let mut file = good.clone();
        file.as_object_mut().unwrap().remove(name);
        file.to_string()
    };
    for (file, wanted) in [
        (json!({"installed": {"client_id": "x"}}).to_string(), "OAuth2 client"),
        (json!({"type": "authorized_user"}).to_string(), "authorized_user"),
        (without("private_key"), "private_key"),
        (without("client_email"), "client_email"),
        (good.to_string().replace("BEGIN", "BEGUN"), "not PEM"),
        ("-----BEGIN PRIVATE KEY-----\n".into(), "not JSON"),
        (String::new(), "not JSON"),
        (format!("{good}{}", " ".repeat(100_000)), "more than 65536 octets"),
    ] {
        let stage = stage(&file, key.clone(), None, "");
        let error = stage.list().go().assert_failure(78, "config");
        assert!(error["message"].as_str().unwrap().contains(wanted), "{wanted}: {error}");
        assert_eq!(stage.tokens.web.requests().len(), 0, "{wanted}");
    }
    let stage = usual();
    let path = stage.world.path("key.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = stage.list().go().assert_failure(78, "config");
    assert!(error["hint"].as_str().unwrap().contains("chmod"), "{error}");
    fs::remove_file(&path).unwrap();
    stage.list().go().assert_failure(78, "config");
    fs::create_dir(&path).unwrap();
    stage.list().go().assert_failure(78, "config");
    assert_eq!(stage.tokens.web.requests().len(), 0);
    // The flow and the key belong together.
    stage.world.postie(["config", "unset", "work", "oauth.flow"]).go().assert_exit(0);
    let error = stage.world.postie(["--json", "config", "check"]).go().assert_failure(78, "config");
    assert!(error["hint"].as_str().unwrap().contains("oauth.flow service-account"), "{error}");
}

#[test]
fn what_the_server_says_of_a_service_account_names_what_mends_it_and_never_a_login() {
    for (status, error, code, kind, hint) in [
        (401, "unauthorized_client", 78, "config", "Domain-wide delegation"),
        (400, "invalid_scope", 78, "config", "Domain-wide delegation"),
        (400, "invalid_grant", 77, "auth", "ana@example.org a mailbox"),
        (401, "invalid_client", 78, "config", "delegation"),
        (503, "", 75, "deferred", ""),
    ] {
        let key = key();
        let stage = stage(&key_file(&key).to_string(), key, Some((status, json!({"error": error}))), "");
        let error = stage.list().go().assert_failure(code, kind);
        let told = error["hint"].as_str().unwrap_or_default();
        assert!(told.contains(hint) && !told.contains("config login"), "{error}");
        assert_eq!(stage.logins(), 0);
    }
    // A key that is not the account's any more, and the mailbox of somebody else.
    let stage_of_other = stage(&key_file(&key()).to_string(), key(), None, "");
    let error = stage_of_other.list().go().assert_failure(77, "auth");
    assert!(error["message"].as_str().unwrap().contains("Invalid JWT Signature"), "{error}");
    let key = key();
    let stage = stage(&key_file(&key).to_string(), key, None, "username = 'bob@example.org'");
    let error = stage.list().go().assert_failure(77, "auth");
    assert!(error["hint"].as_str().unwrap().contains("bob@example.org"), "{error}");
}
