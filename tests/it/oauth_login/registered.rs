//! A client that registers itself with `oidc-provider` (RFC 7591), from the login to fetched mail.

use super::chain::{postie, servers};
use super::*;

/// An account `work` of this user that names no client.
fn account_without_client(servers: &chain::Servers, world: &World, user: &str, more: &str) {
    servers.real.fill(user, ["From: x@mail.test\nSubject: one\n\nOne.\n".to_owned()]);
    world.config(&format!(
        "{}[accounts.work.fetch]\nmaildir = '{}'\n[accounts.work.oauth]\nissuer = '{}'\nscopes = ['openid', 'offline_access', 'mail']\n{more}\n",
        servers.real.token_account("work", user, &["pop3", "imap"]),
        world.text("Mail"),
        servers.oidc.issuer()
    ));
}

#[test]
fn without_a_client_of_the_users_one_is_registered_and_fetches_mail() {
    let Some(servers) = servers("without_a_client_of_the_users_one_is_registered_and_fetches_mail") else {
        return;
    };
    let world = world();
    account_without_client(&servers, &world, "frank", "");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut run = postie(&world, &["config", "login", "--no-browser"]).live();
        let url = address(&mut run);
        ids.push(parameter(&url, "client_id").unwrap());
        let back = Browser::new("frank@mail.test").consent(&url);
        assert!(back.starts_with("http://127.0.0.1:") && back.contains("/callback?"), "{back}");
        assert_eq!(Browser::new("").ask(&back, None).status, 200);
        end(run).assert_exit(0);
    }
    assert_eq!(ids[0], ids[1], "it is registered once");
    postie(&world, &["fetch", "--pop3"]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 1);
    let run = postie(&world, &["list", "--imap"]).go();
    run.assert_exit(0);
    assert_eq!(run.of_type("message").len(), 1);
    // By a code on another device, too.
    let mut run = postie(&world, &["config", "login", "--device"]).live();
    let line = authorization(&mut run);
    Browser::new("frank@mail.test").device(
        line["url"].as_str().unwrap(),
        line["user_code"].as_str().unwrap(),
        true,
    );
    end(run).assert_exit(0);
    // What the server is asked for and does not have, it says itself.
    account_without_client(&servers, &world, "frank", "redirect-uri = 'org.example.mail:/back'");
    let mut run = postie(&world, &["config", "login", "--no-browser"]).live();
    let url = address(&mut run);
    assert_ne!(parameter(&url, "client_id").unwrap(), ids[0], "another way back is another client");
    let back = Browser::new("frank@mail.test").consent(&url);
    assert!(back.starts_with("org.example.mail:/back?"), "{back}");
    run.say(&back);
    end(run).assert_exit(0);
    let text = fs::read_to_string(world.path(".config/postie/config.toml")).unwrap();
    world.config(&text.replace("'mail']", "'not-a-scope']"));
    let error = postie(&world, &["config", "login", "--no-browser"]).go().assert_failure(78, "config");
    assert!(error["message"].as_str().unwrap().contains("invalid_client_metadata"), "{error}");
}
