//! Logins that come to nothing, and what is said of them.

use super::*;

/// The login of `client` with the answer that `person` makes of its address.
fn answered(world: &World, person: impl FnOnce(&str) -> String) -> Outcome {
    let mut run = login(world, &["--no-browser"]);
    let back = person(&address(&mut run));
    run.say(&back);
    end(run)
}

#[test]
fn a_no_at_the_browser_is_a_refused_login_with_the_servers_words() {
    let Some(oidc) = Oidc::shared("a_no_at_the_browser_is_a_refused_login_with_the_servers_words") else {
        return;
    };
    let world = world();
    account(&world, &oidc, "postie", "");
    let mut run = login(&world, &["--no-browser"]);
    let back = Browser::new("ana").refuse(&address(&mut run));
    let page = Browser::new("").ask(&back, None);
    assert!(page.body.contains("no access"), "{}", page.body);
    let error = end(run).assert_failure(77, "auth");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("access_denied") && message.contains("End-User aborted interaction"), "{error}");
    assert!(kept(&world).is_none());
}

#[test]
fn a_code_of_another_login_is_worth_nothing() {
    let Some(oidc) = Oidc::shared("a_code_of_another_login_is_worth_nothing") else { return };
    let world = world();
    account(&world, &oidc, "postie", "");
    // Somebody else's code has no verifier of this login (RFC 7636).
    let mut other = login(&world, &["--no-browser"]);
    let stolen = Browser::new("mallory").consent(&address(&mut other));
    let outcome = answered(&world, |_| parameter(&stolen, "code").unwrap());
    let error = outcome.assert_failure(77, "auth");
    assert!(error["message"].as_str().unwrap().contains("invalid_grant"), "{error}");
    assert!(kept(&world).is_none());
}

#[test]
fn the_answer_of_another_server_is_not_believed() {
    let Some(oidc) = Oidc::shared("the_answer_of_another_server_is_not_believed") else { return };
    let world = world();
    account(&world, &oidc, "postie", "");
    let before = oidc.log().len();
    for issuer in ["https%3A%2F%2Fevil.example", ""] {
        let outcome = answered(&world, |url| {
            let own = format!("iss={}", parameter(&Browser::new("ana").consent(url), "iss").unwrap());
            let back = Browser::new("ana").consent(url);
            let encoded = form_urlencoded::Serializer::new(String::new())
                .append_pair("iss", own.trim_start_matches("iss="))
                .finish();
            assert!(back.contains(&encoded), "{back}");
            back.replace(&encoded, &if issuer.is_empty() { "x=y".into() } else { format!("iss={issuer}") })
        });
        outcome.assert_failure(76, "protocol");
        assert!(kept(&world).is_none());
    }
    assert!(
        !oidc.log()[before..].iter().any(|line| line.starts_with("token postie authorization_code invalid"))
    );
}

#[test]
fn without_a_client_the_shortest_way_to_one_is_told() {
    let world = world();
    for (provider, host, words) in [
        ("google", "imap.gmail.com", "https://myaccount.google.com/apppasswords"),
        ("microsoft", "outlook.office365.com", "`postie config set work oauth.client-id ID`"),
        ("yandex", "imap.yandex.com", "app password"),
        ("mailru", "imap.mail.ru", "app password"),
        ("yahoo", "imap.mail.yahoo.com", "app password"),
    ] {
        world.config(&format!(
            "[accounts.work]\nemail = 'ana@mail.test'\n[accounts.work.imap]\nhost = '{host}'\n\
             [accounts.work.oauth]\nprovider = '{provider}'\n"
        ));
        let error = world.postie(["--json", "config", "login"]).go().assert_failure(78, "config");
        assert!(error["hint"].as_str().unwrap().contains(words), "{provider}: {error}");
    }
}

#[test]
fn an_account_without_oauth_is_told_how_to_have_it() {
    let world = world();
    for (host, words) in [
        ("imap.gmail.com", "`postie config set work oauth.provider google`"),
        ("imap.example.org", "oauth.issuer"),
    ] {
        world.config(&format!(
            "[accounts.work]\nemail = 'ana@mail.test'\n[accounts.work.imap]\nhost = '{host}'\n"
        ));
        let error = world.postie(["--json", "config", "login", "work"]).go().assert_failure(78, "config");
        assert!(error["hint"].as_str().unwrap().contains(words), "{host}: {error}");
    }
    let error = world.postie(["--json", "config", "login", "nobody"]).go().assert_failure(78, "config");
    assert!(error["message"].as_str().unwrap().contains("nobody"), "{error}");
}

#[test]
fn an_issuer_that_is_none_is_a_mistake_of_the_settings_and_one_that_is_away_is_not() {
    let Some(oidc) =
        Oidc::shared("an_issuer_that_is_none_is_a_mistake_of_the_settings_and_one_that_is_away_is_not")
    else {
        return;
    };
    let world = world();
    // The same server by another name, which it does not give itself.
    let other = oidc.issuer().replace("127.0.0.1", "localhost");
    let nobody = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    for (issuer, code, kind) in [
        (format!("{}/tenant", oidc.issuer()), 78, "config"),
        (other, 78, "config"),
        (format!("http://{nobody}"), 75, "network"),
    ] {
        world.config(&format!(
            "[accounts.work]\nemail = 'ana@mail.test'\n[accounts.work.imap]\nhost = 'localhost'\n\
             [accounts.work.oauth]\nissuer = '{issuer}'\nclient-id = 'postie'\n"
        ));
        world.postie(["--json", "config", "login"]).go().assert_failure(code, kind);
    }
}

#[test]
fn less_than_was_asked_for_is_no_login() {
    let Some(oidc) = Oidc::shared("less_than_was_asked_for_is_no_login") else { return };
    let world = world();
    let asked = "scopes = ['openid', 'mail']";
    account(&world, &oidc, "postie", "");
    let config = fs::read_to_string(world.path(".config/postie/config.toml")).unwrap();
    // The server leaves out what it does not know.
    let config =
        config.replace("scopes = ['openid', 'offline_access', 'mail']", "scopes = ['mail', 'nonsense']");
    assert!(!config.contains(asked));
    world.config(&config);
    let outcome = answered(&world, |url| Browser::new("ana").consent(url));
    let error = outcome.assert_failure(77, "auth");
    assert!(error["message"].as_str().unwrap().contains("nonsense"), "{error}");
    assert!(kept(&world).is_none());
}

#[test]
fn a_provider_that_lets_no_device_in_says_so_before_anything_is_sent() {
    let world = world();
    for (provider, host, words) in [
        ("google", "imap.gmail.com", "`postie config login --no-browser`"),
        ("yahoo", "imap.mail.yahoo.com", "device-url"),
    ] {
        world.config(&format!(
            "[accounts.work]\nemail = 'ana@mail.test'\n[accounts.work.imap]\nhost = '{host}'\n\
             [accounts.work.oauth]\nprovider = '{provider}'\nclient-id = 'x'\n"
        ));
        let error = world.postie(["--json", "config", "login", "--device"]).go().assert_failure(78, "config");
        assert!(error["hint"].as_str().unwrap().contains(words), "{provider}: {error}");
    }
}
