//! `postie config login` against a real authorization server (`oidc-provider`), the browser played by the test.

use crate::support::leak;
use crate::support::live::Live;
use crate::support::oidc::{Browser, Oidc, parameter};
use crate::support::process::{Outcome, Run, read_or_empty};
use crate::support::world::World;
use crate::world;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

mod chain;
mod device;
mod refused;
mod registered;
mod terminal;

/// An account `work` whose tokens are this server's; `more` goes on in the table of OAuth2.
fn account(world: &World, oidc: &Oidc, client: &str, more: &str) {
    world.config(&format!(
        "[accounts.work]\nemail = 'ana@mail.test'\n[accounts.work.imap]\nhost = 'localhost'\nport = 1\n\
         [accounts.work.oauth]\nissuer = '{}'\nclient-id = '{client}'\nscopes = ['openid', 'offline_access', 'mail']\n{more}\n",
        oidc.issuer()
    ));
}

/// `config login` with JSON; nothing opens a browser.
fn login(world: &World, args: &[&str]) -> Live {
    world.postie([&["--json", "config", "login"], args].concat()).live()
}

/// The line with the address, or the code.
#[track_caller]
fn authorization(run: &mut Live) -> Value {
    let line: Value = serde_json::from_str(&run.line()).unwrap();
    assert_eq!(line["type"], "authorization", "{line}");
    line
}

#[track_caller]
fn address(run: &mut Live) -> String {
    authorization(run)["url"].as_str().unwrap().to_owned()
}

/// Waits for the end; there is no panic.
#[track_caller]
fn end(run: Live) -> Outcome {
    let outcome = run.end();
    assert!(!outcome.err().contains("panicked"), "{outcome:?}");
    outcome
}

/// The tokens that are kept: the content of the one file below `tokens`.
#[track_caller]
fn kept(world: &World) -> Option<Value> {
    let dir = world.path(".local/state/postie/tokens");
    let mut found = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    let found: Vec<_> =
        found.by_ref().filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
    assert!(found.len() < 2, "{found:?}");
    found.first().map(|path| {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    })
}

/// A browser for `$BROWSER`: writes down what it was to open.
fn browser_program(world: &World) -> String {
    let path =
        world.write("browser", "#!/bin/sh\nprintf %s \"$1\" >\"$0.new\"; mv \"$0.new\" \"$0.opened\"\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

/// What it was to open, once it was started.
#[track_caller]
fn opened(world: &World) -> String {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let found = read_or_empty(&world.path("browser.opened"));
        if !found.is_empty() {
            return found;
        }
        assert!(Instant::now() < until, "no browser was opened");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn the_browser_is_opened_and_its_way_back_ends_in_tokens_that_are_kept() {
    let Some(oidc) = Oidc::shared("the_browser_is_opened_and_its_way_back_ends_in_tokens_that_are_kept")
    else {
        return;
    };
    let world = world();
    account(&world, &oidc, "postie", "");
    let run =
        world.postie(["--json", "-vv", "config", "login", "work"]).env("BROWSER", browser_program(&world));
    let mut run = run.live();
    let line = authorization(&mut run);
    assert_eq!((&line["account"], &line["flow"]), (&"work".into(), &"code".into()));
    let url = line["url"].as_str().unwrap();
    assert_eq!(opened(&world), url);
    assert_eq!(parameter(url, "code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(parameter(url, "login_hint").as_deref(), Some("ana@mail.test"));
    let mut browser = Browser::new("ana@mail.test");
    let back = browser.consent(url);
    // What else comes to the port before is of no concern.
    let port = u16::try_from(line["port"].as_u64().unwrap()).unwrap();
    let root = format!("http://127.0.0.1:{port}");
    let _silent = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let mut half = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    half.write_all(b"GET /?code=half&state=").unwrap();
    for junk in ["/favicon.ico", "/", "/?code=forged", "/?code=forged&state=AAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(browser.ask(&format!("{root}{junk}"), None).status, 404, "{junk}");
    }
    let page = browser.ask(&back, None);
    assert_eq!(page.status, 200);
    let code = parameter(&back, "code").unwrap();
    assert!(!page.body.contains(&code) && page.body.contains("can be closed"), "{}", page.body);
    let outcome = end(run);
    outcome.assert_exit(0);
    outcome.summary();
    let kept = kept(&world).expect("tokens");
    for secret in [&code, kept["access_token"].as_str().unwrap(), kept["refresh_token"].as_str().unwrap()] {
        leak::assert_absent(&outcome.stdout, secret, "stdout");
        leak::assert_absent(&outcome.stderr, secret, "stderr");
    }
    // Nobody listens any more.
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    let log = oidc.log();
    assert!(log.iter().any(|line| line == "token postie authorization_code granted"), "{log:?}");
}

#[test]
fn without_a_browser_the_address_or_the_code_is_pasted() {
    let Some(oidc) = Oidc::shared("without_a_browser_the_address_or_the_code_is_pasted") else { return };
    for whole in [true, false] {
        let world = world();
        account(&world, &oidc, "postie", "");
        let mut run = login(&world, &["--no-browser"]);
        let back = Browser::new("ana@mail.test").consent(&address(&mut run));
        run.say("what now?");
        run.say("http://127.0.0.1:1/?code=x&state=of-another-login");
        match whole {
            true => run.say(&back),
            false => run.say(&parameter(&back, "code").unwrap()),
        }
        let outcome = end(run);
        outcome.assert_exit(0);
        let err = outcome.err();
        assert!(err.contains("neither a code nor") && err.contains("another login"), "{err}");
        assert!(err.contains("ssh -N -L"), "{err}");
        assert!(kept(&world).is_some());
    }
}

#[test]
fn a_browser_is_opened_over_ssh_only_if_asked() {
    let Some(oidc) = Oidc::shared("a_browser_is_opened_over_ssh_only_if_asked") else { return };
    for (args, opens) in [(&[][..], false), (&["--browser"], true)] {
        let world = world();
        account(&world, &oidc, "postie", "");
        let run = world.postie([&["--json", "config", "login"], args].concat());
        let run =
            run.env("BROWSER", browser_program(&world)).env("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
        let mut run = run.live();
        let url = address(&mut run);
        if opens {
            assert_eq!(opened(&world), url);
        }
        let back = Browser::new("ana@mail.test").consent(&url);
        Browser::new("").ask(&back, None);
        let outcome = end(run);
        outcome.assert_exit(0);
        assert_eq!(world.path("browser.opened").exists(), opens);
        assert_eq!(outcome.err().contains("SSH"), !opens, "{}", outcome.err());
    }
}

#[test]
fn a_signal_and_the_time_of_the_run_end_the_wait_and_nothing_is_kept() {
    let Some(oidc) = Oidc::shared("a_signal_and_the_time_of_the_run_end_the_wait_and_nothing_is_kept") else {
        return;
    };
    for (way, signal) in [("--no-browser", Signal::INT), ("--device", Signal::TERM)] {
        let world = world();
        account(&world, &oidc, "postie", "");
        let mut run = login(&world, &[way]);
        authorization(&mut run);
        run.signal(signal);
        let outcome = end(run);
        assert_eq!(outcome.signal, Some(signal.as_raw()), "{outcome:?}");
        assert_eq!(outcome.error()["kind"], "interrupted");
        assert!(kept(&world).is_none());
    }
    let world = world();
    account(&world, &oidc, "postie", "");
    let run: Run = world.postie(["--json", "--max-time", "1s", "config", "login", "--no-browser"]);
    run.left_open(crate::support::process::Meanwhile::Nothing).go().assert_failure(75, "timeout");
    assert!(kept(&world).is_none());
}

#[test]
fn the_port_that_is_asked_for_is_used_and_one_that_is_taken_is_said() {
    let Some(oidc) = Oidc::shared("the_port_that_is_asked_for_is_used_and_one_that_is_taken_is_said") else {
        return;
    };
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let world = world();
    account(&world, &oidc, "postie", &format!("redirect-port = {port}"));
    let run = world.postie(["--json", "config", "login", "--no-browser"]).go();
    let error = run.assert_failure(75, "locked");
    assert!(error["hint"].as_str().unwrap().contains("redirect-port"), "{error}");
    drop(taken);
    let mut run = login(&world, &["--no-browser"]);
    let url = address(&mut run);
    assert_eq!(parameter(&url, "redirect_uri"), Some(format!("http://127.0.0.1:{port}")));
    let back = Browser::new("ana@mail.test").consent(&url);
    Browser::new("").ask(&back, None);
    end(run).assert_exit(0);
}

#[test]
fn a_client_with_a_secret_shows_it_at_the_token_endpoint_alone() {
    let Some(oidc) = Oidc::shared("a_client_with_a_secret_shows_it_at_the_token_endpoint_alone") else {
        return;
    };
    // In the form, and in the header: each client is registered for one.
    for client in ["secretive", "header"] {
        let world = world();
        world.write("client", "s3cret-of-client\n");
        account(&world, &oidc, client, &format!("client-secret-file = '{}'", world.text("client")));
        let mut run = login(&world, &["--no-browser"]);
        let url = address(&mut run);
        assert!(!url.contains("s3cret"), "{url}");
        let back = Browser::new("ana@mail.test").consent(&url);
        Browser::new("").ask(&back, None);
        let outcome = end(run);
        outcome.assert_exit(0);
        leak::assert_absent(&outcome.stderr, "s3cret-of-client", "stderr");
        world.write("client", "wrong\n");
        let mut run = login(&world, &["--no-browser"]);
        let back = Browser::new("ana@mail.test").consent(&address(&mut run));
        Browser::new("").ask(&back, None);
        end(run).assert_failure(78, "config");
    }
}

#[test]
fn endpoints_may_be_named_one_by_one() {
    let Some(oidc) = Oidc::shared("endpoints_may_be_named_one_by_one") else { return };
    let world = world();
    let issuer = oidc.issuer();
    world.config(&format!(
        "[accounts.work]\nemail = 'ana@mail.test'\n[accounts.work.smtp]\nhost = 'localhost'\nport = 1\n\
         [accounts.work.oauth]\nclient-id = 'postie'\nauthorize-url = '{issuer}/auth'\ntoken-url = '{issuer}/token'\n\
         scopes = 'mail'\n"
    ));
    let mut run = login(&world, &["--no-browser"]);
    let back = Browser::new("ana@mail.test").consent(&address(&mut run));
    Browser::new("").ask(&back, None);
    end(run).assert_exit(0);
    assert!(kept(&world).is_some());
    let outcome = world.postie(["--json", "config", "login", "--device"]).go();
    let error = outcome.assert_failure(78, "config");
    assert!(error["message"].as_str().unwrap().contains("device"), "{error}");
}

#[test]
fn an_address_that_the_client_is_registered_with_is_used_and_what_it_shows_is_pasted() {
    let Some(oidc) =
        Oidc::shared("an_address_that_the_client_is_registered_with_is_used_and_what_it_shows_is_pasted")
    else {
        return;
    };
    let world = world();
    account(&world, &oidc, "far", "redirect-uri = 'https://page.example/code'");
    let mut run = login(&world, &["--no-browser"]);
    let line = authorization(&mut run);
    assert!(line["port"].is_null(), "{line}");
    let back = Browser::new("ana@mail.test").consent(line["url"].as_str().unwrap());
    assert!(back.starts_with("https://page.example/code?"), "{back}");
    run.say(&parameter(&back, "code").unwrap());
    end(run).assert_exit(0);
    // Nobody listens, so nobody waits for ever.
    world.postie(["--json", "config", "login"]).go().assert_failure(78, "config");
    account(&world, &oidc, "postie", "redirect-uri = 'http://127.0.0.1/back'");
    let mut run = login(&world, &["--no-browser"]);
    let back = Browser::new("ana@mail.test").consent(&address(&mut run));
    assert!(back.contains("/back?"), "{back}");
    assert_eq!(Browser::new("").ask(&back, None).status, 200);
    end(run).assert_exit(0);
}
