//! Clients that register themselves (RFC 7591): once, kept with their server, from the login to fetched mail.

use crate::support::imapd::Imapd;
use crate::support::imapd::store::ImapStore;
use crate::support::live::Live;
use crate::support::oidc::parameter;
use crate::support::peer::End;
use crate::support::process::Outcome;
use crate::support::registrar::{Registrar, SCOPES, about, refused};
use crate::support::token_stage::{answer, form};
use crate::support::web::Reply;
use crate::support::world::World;
use crate::world;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// The world of an account `work` whose tokens are this server's.
fn stage(server: &Registrar, more: &str) -> (World, Imapd) {
    let (world, mail) = (world(), Imapd::for_store(&ImapStore::with(1)).with("AUTH=XOAUTH2").start());
    config(&world, &mail, &format!("issuer = '{}'\n{more}", server.issuer()));
    (world, mail)
}

fn config(world: &World, mail: &Imapd, oauth: &str) {
    let account = |name: &str| {
        format!(
            "[accounts.{name}]\nemail = '{name}@example.org'\nca-file = '{}'\n\
             imap = {{ host = 'localhost', port = {}, username = 'ana', auth = 'xoauth2' }}\n\
             fetch = {{ maildir = '{}' }}\n[accounts.{name}.oauth]\n{oauth}\n",
            world.text("ca.pem"),
            mail.port(),
            world.text("Mail"),
        )
    };
    world.config(&format!("default-account = 'work'\n{}{}", account("work"), account("home")));
}

fn login(world: &World, args: &[&str]) -> Live {
    world.postie([&["--json", "config", "login", "--no-browser"], args].concat()).live()
}

#[track_caller]
fn address(run: &mut Live) -> String {
    let line: Value = serde_json::from_str(&run.line()).unwrap();
    assert_eq!(line["type"], "authorization", "{line}");
    line["url"].as_str().unwrap().to_owned()
}

#[track_caller]
fn log_in(server: &Registrar, world: &World, args: &[&str]) -> Outcome {
    let mut run = login(world, args);
    let back = server.consent(&address(&mut run));
    run.say(&back);
    let outcome = run.end();
    outcome.assert_exit(0);
    outcome
}

fn failed(world: &World, code: i32, kind: &str) -> Value {
    world.postie(["--json", "config", "login", "--no-browser"]).go().assert_failure(code, kind)
}

/// The files with clients that are kept.
fn kept(world: &World) -> Vec<PathBuf> {
    let found = fs::read_dir(world.path(".local/state/postie/clients")).into_iter().flatten();
    found
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect()
}

/// Makes the tokens that are kept old.
fn age(world: &World) {
    for entry in fs::read_dir(world.path(".local/state/postie/tokens")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "json") {
            let mut tokens: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            tokens["expires_at"] = "2020-01-01T00:00:00Z".into();
            fs::write(&path, tokens.to_string()).unwrap();
        }
    }
}

#[test]
fn a_client_is_registered_once_and_serves_from_the_login_to_fetched_mail() {
    let server = Registrar::usual();
    let (world, _mail) = stage(&server, "");
    // Nothing is registered by what only looks, and nobody is asked for anything from cron.
    world.postie(["--json", "config", "check"]).go().assert_exit(0);
    world.postie(["--json", "config", "logout", "work"]).go().assert_exit(0);
    for args in [&["fetch"][..], &["config", "status", "work"]] {
        let error = world.postie([&["--json"], args].concat()).go().assert_failure(77, "auth");
        assert!(error["hint"].as_str().unwrap().contains("`postie config login work`"), "{error}");
    }
    assert_eq!(server.registrations(), 0);
    // Two at once.
    let mut first = login(&world, &["work"]);
    let mut second = login(&world, &["home"]);
    for run in [&mut first, &mut second] {
        let url = address(run);
        assert_eq!(parameter(&url, "scope").unwrap(), SCOPES.join(" "));
        assert!(parameter(&url, "redirect_uri").unwrap().starts_with("http://localhost:"), "{url}");
        let back = server.consent(&url);
        run.say(&back);
    }
    for run in [first, second] {
        run.end().assert_exit(0);
    }
    let files = kept(&world);
    assert_eq!((server.registrations(), files.len()), (1, 1));
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o7777, 0o600);
    let client: Value = serde_json::from_slice(&fs::read(&files[0]).unwrap()).unwrap();
    assert_eq!((&client["issuer"], &client["client_id"]), (&server.issuer().into(), &"c1".into()));
    world.postie(["--json", "fetch", "-A", "work"]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 1);
    age(&world);
    world.postie(["--json", "list", "-A", "work"]).go().assert_exit(0);
    let outcome = world.postie(["--json", "config", "status", "work"]).go();
    outcome.assert_exit(0);
    assert_eq!(outcome.of_type("token")[0]["client_id"], "c1");
    // Another login, also after a logout, is by the same client.
    log_in(&server, &world, &["work"]);
    world.postie(["--json", "config", "logout", "work"]).go().assert_exit(0);
    log_in(&server, &world, &["work"]);
    assert_eq!(server.registrations(), 1);
    // Unless the server has forgotten it.
    server.memory.lock().unwrap().clients.clear();
    age(&world);
    let error = world.postie(["--json", "list", "-A", "work"]).go().assert_failure(78, "config");
    assert!(error["hint"].as_str().unwrap().contains("`postie config login work --register`"), "{error}");
    server.memory.lock().unwrap().clients.insert("c1".into(), json!({"redirect_uris": []}));
    let told = log_in(&server, &world, &["work", "--register"]);
    assert!(told.err().contains("has registered postie as the client c2"), "{}", told.err());
    world.postie(["--json", "list", "-A", "work"]).go().assert_exit(0);
    assert_eq!(server.registrations(), 2);
}

#[test]
fn a_client_is_known_to_its_server_alone_and_one_that_is_named_registers_nothing() {
    let (server, other) = (Registrar::usual(), Registrar::usual());
    let (world, mail) = stage(&server, "");
    log_in(&server, &world, &[]);
    config(&world, &mail, &format!("issuer = '{}'", other.issuer()));
    log_in(&other, &world, &[]);
    assert_eq!((server.registrations(), other.registrations(), kept(&world).len()), (1, 1, 2));
    config(
        &world,
        &mail,
        &format!(
            "issuer = '{}'\nclient-id = 'c1'\nredirect-uri = 'http://localhost/callback'",
            other.issuer()
        ),
    );
    log_in(&other, &world, &[]);
    assert_eq!(other.registrations(), 1);
    let error = world.postie(["--json", "config", "login", "--register"]).go().assert_failure(64, "usage");
    assert!(error["hint"].as_str().unwrap().contains("oauth.client-id"), "{error}");
    // A port that is asked for is registered, for servers that compare it.
    config(&world, &mail, &format!("issuer = '{}'\nredirect-port = 4711", server.issuer()));
    log_in(&server, &world, &[]);
    let told: Value = serde_json::from_slice(&server.asked("/register")[1].body).unwrap();
    assert_eq!(told["redirect_uris"], json!(["http://127.0.0.1:4711/callback"]));
    // What is damaged holds no more.
    kept(&world).iter().for_each(|path| fs::write(path, "{\"v\":1,").unwrap());
    log_in(&server, &world, &[]);
    assert_eq!(server.registrations(), 3);
}

#[test]
fn what_a_server_answers_wrong_to_a_registration_has_its_exit_and_says_what_to_do() {
    let cut =
        Reply::Raw(b"HTTP/1.1 201 Made\r\nContent-Length: 99\r\n\r\n{\"client_id\":\"c".to_vec(), End::Close);
    let secret = |more: Value| {
        let mut client = json!({"client_id": "c1", "client_secret": "s", "token_endpoint_auth_method": "client_secret_basic"});
        client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        answer(201, &client)
    };
    for (reply, code, kind, hint) in [
        (refused(400, "invalid_redirect_uri"), 78, "config", "oauth.redirect-uri"),
        (refused(400, "invalid_client_metadata"), 78, "config", "oauth.scopes"),
        (refused(400, "unapproved_software_statement"), 78, "config", "oauth.client-id ID"),
        (refused(401, "invalid_token"), 78, "config", "oauth.client-id ID"),
        (answer(403, &json!({})), 78, "config", "oauth.client-id ID"),
        (Reply::missing(), 78, "config", "oauth.client-id ID"),
        (Reply::to("https://localhost:1/elsewhere"), 78, "config", "oauth.client-id ID"),
        (answer(503, &json!({"client_id": "c1"})), 75, "deferred", ""),
        (answer(429, &json!({})), 75, "deferred", ""),
        (Reply::ok("<html>log in to the wifi</html>"), 75, "deferred", "register-url"),
        (cut, 75, "network", ""),
        (Reply::Raw(b"220 mail.example.org ESMTP\r\n".to_vec(), End::Close), 75, "deferred", "run it again"),
        (answer(201, &json!({})), 76, "protocol", "oauth.client-id ID"),
        (answer(201, &json!({"client_id": "a b"})), 76, "protocol", "oauth.client-id ID"),
        (secret(json!({"client_secret": null})), 76, "protocol", "oauth.client-id ID"),
        (secret(json!({"client_secret_expires_at": 1_000_000})), 76, "protocol", "clock"),
        (
            secret(json!({"token_endpoint_auth_method": "private_key_jwt"})),
            69,
            "missing",
            "oauth.client-id ID",
        ),
        (
            answer(201, &json!({"client_id": "c1", "redirect_uris": ["https://evil.example/"]})),
            69,
            "missing",
            "redirect-uri",
        ),
    ] {
        let shown = format!("{reply:?}").chars().take(150).collect::<String>();
        let server = Registrar::start(
            None,
            Box::new(move |request| (request.path == "/register").then(|| reply.clone())),
        );
        let (world, _mail) = stage(&server, "");
        let error = failed(&world, code, kind);
        assert!(error["hint"].as_str().unwrap_or_default().contains(hint), "{shown}: {error}");
        assert_eq!((server.registrations(), kept(&world).len()), (1, 0), "{shown}");
    }
    // The document is another's, or names no endpoint; nothing is registered anywhere.
    for (name, value, hint) in [
        ("issuer", json!("https://evil.example"), "oauth.issuer"),
        ("registration_endpoint", json!(null), "oauth.client-id ID"),
        ("registration_endpoint", json!("http://evil.example/register"), "oauth.client-id ID"),
    ] {
        let server = Registrar::start(
            None,
            Box::new(move |request| {
                let mut about = about(&format!("https://{}", request.field("host")));
                about[name] = value.clone();
                (request.method == "GET").then(|| answer(200, &about))
            }),
        );
        let (world, _mail) = stage(&server, "");
        let error = failed(&world, 78, "config");
        assert!(error["hint"].as_str().unwrap().contains(hint), "{name}: {error}");
        assert_eq!(server.registrations(), 0, "{name}");
    }
}

#[test]
fn a_client_that_cannot_be_kept_is_not_registered() {
    let server = Registrar::usual();
    let (world, _mail) = stage(&server, "");
    let run =
        world.postie(["--json", "config", "login", "--no-browser"]).env("XDG_STATE_HOME", "/proc/1/nowhere");
    let error = run.go().assert_failure(73, "cannot_create");
    assert!(error["hint"].as_str().unwrap().contains("oauth.client-id ID"), "{error}");
    assert_eq!(server.registrations(), 0);
}

#[test]
fn a_secret_that_came_is_shown_to_the_token_endpoint_until_it_ends() {
    let server = Registrar::start(
        None,
        Box::new(|request| match &*request.path {
            "/register" => Some(answer(
                201,
                &json!({"client_id": "c1", "client_secret": "s3cret-of-c1", "client_secret_expires_at": 4_000_000_000_u32,
                "token_endpoint_auth_method": "client_secret_basic"}),
            )),
            "/token" if form(request).get("client_secret").is_none_or(|secret| secret != "s3cret-of-c1") => {
                Some(refused(401, "invalid_client"))
            }
            _ => None,
        }),
    );
    let client = json!({"redirect_uris": ["http://127.0.0.1/callback"]});
    server.memory.lock().unwrap().clients.insert("c1".into(), client);
    let (world, _mail) = stage(&server, "");
    let outcome = log_in(&server, &world, &[]);
    crate::support::leak::assert_absent(&outcome.stderr, "s3cret-of-c1", "stderr");
    age(&world);
    world.postie(["--json", "list"]).go().assert_exit(0);
    // It ends: that is said before the server is asked, and a login registers another client.
    let file = kept(&world).remove(0);
    let mut client: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    client["client_secret_expires_at"] = "2020-01-01T00:00:00Z".into();
    fs::write(&file, client.to_string()).unwrap();
    age(&world);
    let asked = server.asked("/token").len();
    let error = world.postie(["--json", "list"]).go().assert_failure(77, "auth");
    assert!(error["hint"].as_str().unwrap().contains("`postie config login work`"), "{error}");
    assert_eq!(server.asked("/token").len(), asked);
    log_in(&server, &world, &[]);
    world.postie(["--json", "list"]).go().assert_exit(0);
    assert_eq!(server.registrations(), 2);
}

#[test]
fn a_server_that_takes_only_schemes_of_programs_gets_one_and_its_answer_is_pasted() {
    let server = Registrar::start(Some("org.example.mail:/"), Box::new(|_| None));
    let (world, mail) = stage(&server, "");
    let error = failed(&world, 78, "config");
    assert!(error["hint"].as_str().unwrap().contains("org.example.mail:/back"), "{error}");
    let more = "redirect-uri = 'org.example.mail:/back'\nresource = 'https://api.example/session'";
    config(&world, &mail, &format!("issuer = '{}'\n{more}", server.issuer()));
    // There is no browser that could be opened.
    let mut run = world.postie(["--json", "config", "login"]).env("BROWSER", "/nonexistent/browser").live();
    let url = address(&mut run);
    assert_eq!(parameter(&url, "resource").as_deref(), Some("https://api.example/session"));
    run.say("org.example.mail:/back?code=code-0&state=of-another-login");
    run.say(&server.consent(&url));
    let outcome = run.end();
    outcome.assert_exit(0);
    assert!(
        outcome.err().contains("paste the address") && outcome.err().contains("another login"),
        "{}",
        outcome.err()
    );
    age(&world);
    world.postie(["--json", "fetch"]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 1);
    for request in server.asked("/token") {
        assert!(
            String::from_utf8_lossy(&request.body).contains("resource=https%3A%2F%2Fapi.example%2Fsession")
        );
    }
}

#[test]
fn fastmail_is_asked_for_a_client_and_told_what_the_tokens_are_for() {
    let server = Registrar::usual();
    let (world, mail) = stage(&server, "");
    let at = |path: &str| server.web.url(path);
    let named = format!(
        "provider = 'fastmail'\nauthorize-url = '{}'\ntoken-url = '{}'\nregister-url = '{}'",
        at("/authorize"),
        at("/token"),
        at("/register")
    );
    config(&world, &mail, &named);
    let mut run = login(&world, &[]);
    let url = address(&mut run);
    assert_eq!(parameter(&url, "scope").unwrap(), SCOPES.join(" "));
    assert_eq!(parameter(&url, "resource").as_deref(), Some("https://api.fastmail.com/jmap/session"));
    run.say(&server.consent(&url));
    run.end().assert_exit(0);
    world.postie(["--json", "fetch"]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 1);
}
