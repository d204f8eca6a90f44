//! From the login to fetched and sent mail: Dovecot and Postfix take the tokens of `oidc-provider`.

use super::*;
use crate::support::pop3d::SECRET;
use crate::support::real::Real;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The servers of all tests here, as long as one of them runs.
pub struct Servers {
    pub oidc: Arc<Oidc>,
    pub real: Real,
}

#[track_caller]
pub fn servers(test: &str) -> Option<Arc<Servers>> {
    static SHARED: Mutex<Weak<Servers>> = Mutex::new(Weak::new());
    let oidc = Oidc::shared(test)?;
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(servers) = shared.upgrade() {
        return Some(servers);
    }
    let servers = Arc::new(Servers { real: Real::start_oauth(test, &oidc.introspection())?, oidc });
    // All before the first login: Dovecot may not notice a user that is added in the same second.
    ["bob", "carol", "dave", "erin", "frank"].iter().for_each(|user| servers.real.add_user(user));
    servers.real.add_folder("ana", "Sent");
    *shared = Arc::downgrade(&servers);
    Some(servers)
}

impl Servers {
    /// An account `work` of this user, who has a mailbox with two messages.
    fn account(&self, world: &World, user: &str, protocols: &[&str], client: &str, more: &str) {
        let message = |n| format!("From: x@mail.test\nSubject: message {n}\n\nMessage {n}.\n");
        self.real.fill(user, [message(1), message(2)]);
        world.config(&format!(
            "{}[accounts.work.fetch]\nmaildir = '{}'\n[accounts.work.oauth]\nissuer = '{}'\nclient-id = '{client}'\n\
             scopes = ['openid', 'offline_access', 'mail']\n{more}\n",
            self.real.token_account("work", user, protocols),
            world.text("Mail"),
            self.oidc.issuer()
        ));
    }
}

/// postie with JSON, trusting the servers' authority.
pub fn postie(world: &World, args: &[&str]) -> Run {
    world.postie([&["--json", "--ca-file", &world.text("ca.pem")], args].concat())
}

/// Logs in, the person's answer pasted.
#[track_caller]
fn log_in(world: &World, user: &str) {
    let mut run = postie(world, &["config", "login", "--no-browser"]).live();
    let back = Browser::new(&format!("{user}@mail.test")).consent(&address(&mut run));
    run.say(&back);
    end(run).assert_exit(0);
}

#[track_caller]
fn refresh_token(world: &World) -> String {
    kept(world).unwrap()["refresh_token"].as_str().unwrap().to_owned()
}

#[test]
fn after_one_login_mail_is_fetched_by_both_protocols_and_sent_and_filed() {
    let Some(servers) = servers("after_one_login_mail_is_fetched_by_both_protocols_and_sent_and_filed")
    else {
        return;
    };
    let world = world();
    servers.account(&world, "ana", &["pop3", "imap", "smtp"], "postie", "");
    let error = postie(&world, &["fetch"]).go().assert_failure(77, "auth");
    assert!(error["hint"].as_str().unwrap().contains("postie config login work"), "{error}");
    log_in(&world, "ana");
    let run = postie(&world, &["fetch", "--pop3"]).go();
    run.assert_exit(0);
    assert_eq!(world.mail().len(), 2);
    let run = postie(&world, &["list", "--imap"]).go();
    run.assert_exit(0);
    assert_eq!(run.of_type("message").len(), 2);
    let send = ["send", "-t", "bob@mail.test", "-s", "hello", "--body", "x", "--save-copy", "imap"];
    let run = postie(&world, &send).go();
    run.assert_exit(0);
    assert_eq!(run.of_type("receipt")[0]["status"], "accepted");
    servers.real.wait_for_messages("bob", 1);
    let filed = postie(&world, &["list", "--imap", "--folder", "Sent"]).go();
    assert_eq!(filed.of_type("message")[0]["subject"], "hello");
    let run = postie(&world, &["test-account"]).go();
    run.assert_exit(0);
    for side in ["pop3", "imap", "smtp"] {
        let steps = run.of_type("step");
        let at = |name: &str| steps.iter().position(|step| step["side"] == side && step["step"] == name);
        assert!(
            at("token").is_some_and(|token| at("auth").is_some_and(|auth| token < auth)),
            "{side}: {steps:?}"
        );
    }
    // The password of the mailbox was nowhere needed.
    leak::assert_absent(&run.stdout, SECRET, "stdout");
}

#[test]
fn a_token_that_has_ended_is_renewed_and_the_refresh_token_is_another_each_time() {
    let Some(servers) =
        servers("a_token_that_has_ended_is_renewed_and_the_refresh_token_is_another_each_time")
    else {
        return;
    };
    let world = world();
    servers.account(&world, "carol", &["imap"], "short", "");
    log_in(&world, "carol");
    let mut seen = vec![refresh_token(&world)];
    for _ in 0..2 {
        postie(&world, &["list"]).go().assert_exit(0);
        let now = refresh_token(&world);
        assert!(!seen.contains(&now), "the server gave another");
        seen.push(now);
    }
}

#[test]
fn a_grant_that_was_revoked_ends_in_a_refused_login_that_names_the_command() {
    let Some(servers) = servers("a_grant_that_was_revoked_ends_in_a_refused_login_that_names_the_command")
    else {
        return;
    };
    // An access token that has ended by itself, and one that the mail server refuses.
    for (user, client) in [("dave", "short"), ("erin", "postie")] {
        for protocol in ["pop3", "imap"] {
            let world = world();
            servers.account(&world, user, &[protocol], client, "");
            log_in(&world, user);
            servers.oidc.revoke(client, &refresh_token(&world));
            let error = postie(&world, &["fetch"]).go().assert_failure(77, "auth");
            let hint = error["hint"].as_str().unwrap();
            assert!(hint.contains("`postie config login work`"), "{client} {protocol}: {error}");
            assert_eq!(error["retry"], "never");
            // And then it does what it says.
            log_in(&world, user);
            postie(&world, &["fetch"]).go().assert_exit(0);
            assert_eq!(world.mail().len(), 2, "{client} {protocol}");
        }
    }
}

#[test]
fn a_program_that_is_allowed_by_itself_needs_no_login() {
    let Some(servers) = servers("a_program_that_is_allowed_by_itself_needs_no_login") else { return };
    let world = world();
    world.write("client", "s3cret-of-daemon\n");
    let more = format!("flow = 'client-credentials'\nclient-secret-file = '{}'", world.text("client"));
    servers.account(&world, "ana", &["imap", "smtp"], "daemon", &more);
    let config = fs::read_to_string(world.path(".config/postie/config.toml")).unwrap();
    world.config(&config.replace("scopes = ['openid', 'offline_access', 'mail']", "scopes = 'mail'"));
    postie(&world, &["list"]).go().assert_exit(0);
    postie(&world, &["send", "--check", "-t", "ana@mail.test", "-s", "x", "--body", "x"]).go().assert_exit(0);
    world.write("client", "wrong\n");
    fs::remove_dir_all(world.path(".local/state/postie/tokens")).unwrap();
    postie(&world, &["list"]).go().assert_failure(78, "config");
}
