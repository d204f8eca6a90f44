//! Tokens: kept, refreshed, given to each login. The token server replaces refresh tokens, and ends everything where one
//! is used twice, as strict servers do; the mail server takes one access token and no other.

use crate::support::authority::{Authority, Certificate};
use crate::support::imapd::store::ImapStore;
use crate::support::imapd::{Imapd, Setup};
use crate::support::mailbox::Mailbox;
use crate::support::peer::End;
use crate::support::pop3d::{Act, SECRET};
use crate::support::process::Run;
use crate::support::smtpd::Smtpd;
use crate::support::token_stage::{TokenStage, Tokens, answer, form};
use crate::support::web::{Reply, Request};
use crate::world;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

type Stage = TokenStage;

impl TokenStage {
    pub fn with(odd: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static, more: &str) -> Stage {
        Stage::of(Imapd::for_store(&ImapStore::with(1)), odd, more)
    }

    fn of(mail: Setup, odd: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static, more: &str) -> Stage {
        Stage::new(world(), mail, Tokens::start(odd), (None, more))
    }

    fn usual() -> Stage {
        Stage::with(|_| None, "")
    }
}

#[test]
fn a_token_that_has_ended_is_refreshed_once_and_the_new_one_is_kept() {
    let stage = Stage::usual();
    stage.keep("old", -5, 3605);
    assert_eq!(stage.status(0)["state"], "expired");
    for _ in 0..2 {
        stage.list().go().assert_exit(0);
    }
    assert_eq!(stage.tokens.count(), 1);
    let sent = form(&stage.tokens.web.requests()[0]);
    assert_eq!(sent["refresh_token"], "r0");
    assert_eq!(sent["client_id"], "me");
    assert!(!sent.contains_key("scope"), "{sent:?}");
    assert_eq!(stage.kept()["refresh_token"], "r1");
    let status = stage.status(0);
    assert_eq!((&status["state"], &status["needs"]), (&json!("good"), &Value::Null));
    assert_eq!(status["last_refresh"], status["obtained_at"]);
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(fs::metadata(stage.file()).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a_refresh_trusts_the_authority_that_the_login_trusted_whichever_server_it_is_for() {
    let stage = Stage::usual();
    stage.keep("old", -5, 3605);
    let pin = Authority::shared().identity(Certificate::Good).fingerprint();
    let ca = stage.world.text("ca.pem");
    for args in [
        &["unset", "work", "ca-file"][..],
        &["set", "work", "imap.tls-fingerprint", &pin],
        &["set", "work", "smtp.host", "localhost"],
    ] {
        stage.world.postie([&["config"], args].concat()).go().assert_exit(0);
    }
    stage.list().go().assert_failure(77, "certificate");
    stage.world.postie(["config", "set", "work", "smtp.ca-file", &ca]).go().assert_exit(0);
    stage.list().go().assert_exit(0);
    assert_eq!(stage.tokens.count(), 1);
}

#[test]
fn a_refresh_token_that_is_not_replaced_goes_on_to_hold() {
    let stage = Stage::usual();
    stage.tokens.family.lock().unwrap().replaces = false;
    stage.keep("old", 59, 3541);
    stage.list().go().assert_exit(0);
    assert_eq!(stage.kept()["refresh_token"], "r0");
    assert_eq!(stage.tokens.count(), 1);
}

#[test]
fn nobody_who_waits_for_a_refresh_makes_another() {
    let stage = Stage::usual();
    stage.keep("old", -5, 3605);
    thread::scope(|scope| {
        let runs: Vec<_> = (0..10).map(|_| scope.spawn(|| stage.list().go().code)).collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), Some(0));
        }
    });
    assert_eq!(stage.tokens.count(), 1, "one refresh for all");
    assert_eq!(stage.tokens.holds().as_deref(), stage.kept()["refresh_token"].as_str());
}

#[test]
fn a_token_that_the_mail_server_refuses_is_replaced_once_and_only_if_it_is_not_new() {
    // Good by the clock, and refused all the same.
    let stage = Stage::usual();
    stage.keep("revoked", 3000, 600);
    stage.list().go().assert_exit(0);
    assert_eq!((stage.tokens.count(), stage.logins()), (1, 2));
    // Refused, although it was made just now: once more would only lock the account.
    let stage = Stage::with(|_| Some(answer(200, &json!({"access_token": "wrong", "expires_in": 3600}))), "");
    stage.keep("old", -5, 3605);
    let outcome = stage.list().go();
    let error = outcome.assert_failure(77, "auth");
    assert!(error["hint"].as_str().unwrap().contains("`postie config login work`"), "{error}");
    assert_eq!(stage.logins(), 1);
    // Refused, replaced, and refused again.
    let stage = Stage::with(|_| Some(answer(200, &json!({"access_token": "wrong", "expires_in": 3600}))), "");
    stage.keep("revoked", 3000, 600);
    stage.list().go().assert_failure(77, "auth");
    assert_eq!((stage.tokens.web.requests().len(), stage.logins()), (1, 2));
}

/// A token server whose tokens are good for a second: they are replaced in their last minute.
fn short_lived(_: &Request) -> Option<Reply> {
    Some(answer(200, &json!({"access_token": SECRET, "expires_in": 61})))
}

#[test]
fn a_watch_that_outlives_a_token_logs_in_with_another() {
    let stage = Stage::of(Imapd::for_store(&ImapStore::with(1)).without("IDLE"), short_lived, "");
    stage.keep("old", -5, 3605);
    let arguments = ["--json", "--max-time", "5s", "fetch", "--watch", "--every", "1s", "--maildir"];
    let outcome = stage.world.postie(arguments).arg(stage.world.path("Mail")).go();
    outcome.assert_exit(0);
    assert_eq!(outcome.summary()["delivered"], 1);
    let (tokens, logins) = (stage.tokens.web.requests().len(), stage.logins());
    assert!(logins >= 3 && (2..=logins).contains(&tokens), "{tokens} tokens, {logins} logins: {outcome:?}");
}

#[test]
fn a_batch_that_outlives_a_token_logs_in_with_another() {
    let stage = Stage::with(short_lived, "");
    let times = AtomicUsize::new(0);
    let server = Smtpd::for_mailbox(&Mailbox::default()).without("AUTH").with("AUTH XOAUTH2");
    // Every second transaction meets a connection that is at its end.
    let server = server.hook(move |event| match event.verb {
        "MAIL" if times.fetch_add(1, Ordering::SeqCst) % 2 == 1 => {
            Act::Then(b"421 4.3.2 bye\r\n".to_vec(), End::Close)
        }
        _ => Act::Normal,
    });
    let server = server.start();
    let config = fs::read_to_string(stage.world.path(".config/postie/config.toml")).unwrap();
    let smtp =
        format!("[accounts.work.smtp]\nhost = 'localhost'\nport = {}\nusername = 'ana'\n", server.port());
    stage.world.config(&(config + &smtp));
    stage.keep("old", -5, 3605);
    let lines: String =
        (1..=3).map(|number| format!("{{\"to\":\"bob@example.org\",\"text\":\"{number}\"}}\n")).collect();
    let outcome = stage.world.postie(["--json", "send", "--batch", "--rate", "30/min"]).stdin(lines).go();
    outcome.assert_exit(0);
    assert_eq!((server.accepted().len(), stage.tokens.web.requests().len()), (3, 3), "{outcome:?}");
}

#[test]
fn each_refusal_has_its_exit_code_and_names_what_mends_it() {
    for (status, body, code, kind, hint) in [
        (
            400,
            json!({"error": "invalid_grant", "error_description": "gone\u{1b}[31m"}),
            77,
            "auth",
            "config login work",
        ),
        (400, json!({"error": "interaction_required"}), 77, "auth", "config login work"),
        (400, json!({"error": "consent_required"}), 77, "auth", "config login work"),
        (401, json!({"error": "invalid_client"}), 78, "config", "oauth.client-id"),
        (400, json!({"error": "invalid_scope"}), 78, "config", "oauth.scopes"),
        (400, json!({"error": "temporarily_unavailable"}), 75, "deferred", ""),
        (503, json!({"error": "invalid_client"}), 75, "deferred", ""),
        (429, json!({}), 75, "deferred", ""),
        (200, json!({"access_token": "a\u{1}b"}), 76, "protocol", "token-url"),
        (200, json!({"expires_in": 5}), 76, "protocol", "token-url"),
    ] {
        let stage = Stage::with(move |_| Some(answer(status, &body)), "");
        stage.keep("old", -5, 3605);
        let error = stage.list().go().assert_failure(code, kind);
        assert!(error["hint"].as_str().unwrap_or_default().contains(hint), "{error}");
        assert_eq!(error["stage"], "token");
        assert_eq!(stage.logins(), 0, "nothing was asked of the mail server");
        let status = stage.status(if code == 77 { 77 } else { 0 });
        assert_eq!(status["needs"], if code == 77 { json!("login") } else { Value::Null });
        assert!(status["last_error"]["message"].as_str().unwrap().contains("token"), "{status}");
        assert_eq!(stage.kept()["refresh_token"], "r0");
    }
}

#[test]
fn what_is_no_token_server_may_pass() {
    let huge = format!("HTTP/1.1 200 OK\r\n\r\n{{\"x\":\"{}\"}}", "x".repeat(80_000));
    let odd = [
        Reply::ok("<html>log in to the wifi</html>"),
        Reply::missing(),
        Reply::to("https://localhost:1/elsewhere"),
        Reply::Raw(huge.into_bytes(), End::Close),
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"access".to_vec(), End::Close),
        Reply::Raw(b"220 mail.example.org ESMTP\r\n".to_vec(), End::Close),
        Reply::Raw(Vec::new(), End::Reset),
    ];
    for reply in odd {
        let shown = format!("{reply:?}").chars().take(60).collect::<String>();
        let stage = Stage::with(move |_| Some(reply.clone()), "");
        stage.keep("old", -5, 3605);
        let outcome = stage.list().go();
        assert_eq!(outcome.code, Some(75), "{shown}: {}", outcome.out());
        assert_eq!(stage.kept()["refresh_token"], "r0");
    }
}

#[test]
fn a_token_server_that_says_nothing_ends_in_time_and_a_signal_ends_the_wait() {
    let stage = Stage::with(|_| Some(Reply::Stall), "");
    stage.keep("old", -5, 3605);
    let outcome = stage.world.postie(["--json", "--timeout", "1s", "list"]).go();
    outcome.assert_failure(75, "timeout");
    let run = stage.list().spawn();
    while stage.tokens.web.requests().len() < 2 {
        thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&run);
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let ended = run.wait_with_output().unwrap();
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!(ended.status.signal(), Some(15));
}

#[test]
fn a_signal_during_a_refresh_does_not_lose_the_only_token_that_is_left() {
    let (gate, opened) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(0)));
    let (own_gate, arrived) = (Arc::clone(&gate), Arc::clone(&opened));
    let held = gate.lock().unwrap();
    let stage = Stage::with(
        move |_| {
            *arrived.lock().unwrap() += 1;
            drop(own_gate.lock().unwrap());
            None
        },
        "",
    );
    stage.keep("old", -5, 3605);
    let run = stage.list().spawn();
    while *opened.lock().unwrap() == 0 {
        thread::yield_now();
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&run), Signal::TERM).unwrap();
    drop(held);
    run.wait_with_output().unwrap();
    assert_eq!(stage.kept()["refresh_token"], "r1");
    stage.list().go().assert_exit(0);
}

/// Has commands keep the tokens, in the file that comes back; the old ones have ended.
pub fn by_commands(stage: &Stage, before_saving: &str) -> String {
    let kept = stage.world.text("kept.json");
    stage.keep("old", -5, 3605);
    fs::copy(stage.file(), &kept).unwrap();
    for (key, value) in [
        ("token-load", format!("cat '{kept}'")),
        ("token-save", format!("{before_saving} cat > '{kept}.new' && mv '{kept}.new' '{kept}'")),
        ("token-store", "command".into()),
    ] {
        stage.world.postie(["config", "set", "work", &format!("oauth.{key}"), &value]).go().assert_exit(0);
    }
    kept
}

pub fn refresh_token_in(file: &str) -> Value {
    serde_json::from_slice::<Value>(&fs::read(file).unwrap()).unwrap()["refresh_token"].clone()
}

#[test]
fn a_signal_during_a_refresh_leaves_a_command_the_time_to_keep_the_new_token() {
    let gate = Arc::new(Mutex::new(()));
    let (own_gate, arrived) = (Arc::clone(&gate), Arc::new(AtomicUsize::new(0)));
    let arrivals = Arc::clone(&arrived);
    let held = gate.lock().unwrap();
    let stage = Stage::with(
        move |_| {
            arrivals.fetch_add(1, Ordering::SeqCst);
            drop(own_gate.lock().unwrap());
            None
        },
        "",
    );
    // The signal comes while the answer is waited for.
    let kept = by_commands(&stage, "");
    let run = stage.list().spawn();
    while arrived.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&run), Signal::TERM).unwrap();
    drop(held);
    run.wait_with_output().unwrap();
    assert_eq!(refresh_token_in(&kept), "r1");
    stage.list().go().assert_exit(0);
}

#[test]
fn a_signal_or_the_end_of_the_run_does_not_cut_the_keeping_of_a_new_token_short() {
    let stage = Stage::usual();
    let started = stage.world.text("started");
    let kept = by_commands(&stage, &format!(": > '{started}'; sleep 1;"));
    let run = stage.list().spawn();
    while fs::metadata(&started).is_err() {
        thread::yield_now();
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&run), Signal::TERM).unwrap();
    run.wait_with_output().unwrap();
    assert_eq!(refresh_token_in(&kept), "r1");

    let stage = Stage::usual();
    let kept = by_commands(&stage, "sleep 3;");
    stage.list().args(["--max-time", "2s"]).go().assert_exit(75);
    assert_eq!(refresh_token_in(&kept), "r1");
}

#[test]
fn whoever_has_not_logged_in_is_told_to_and_a_status_says_so_before_mail_stops() {
    let stage = Stage::usual();
    let error = stage.list().go().assert_failure(77, "auth");
    assert_eq!(error["message"], "accounts.work.oauth: token: nobody has logged in yet");
    assert_eq!(error["hint"], "run `postie config login work`");
    assert_eq!(stage.status(77)["state"], "none");
    stage.keep("old", -5, 3605);
    stage.world.postie(["config", "set", "work", "oauth.scopes", "more"]).go().assert_exit(0);
    assert_eq!(stage.status(77)["state"], "unfit");
    stage.list().go().assert_failure(77, "auth");
    assert!(stage.tokens.web.requests().is_empty(), "the token went nowhere");
    stage.world.postie(["config", "unset", "work", "oauth.client-id"]).go().assert_exit(0);
    stage.list().go().assert_failure(78, "config");
}

#[test]
fn the_clock_that_was_put_back_makes_a_token_old() {
    let stage = Stage::usual();
    stage.keep("old", 9000, -3600);
    stage.list().go().assert_exit(0);
    assert_eq!(stage.tokens.count(), 1);
}

#[test]
fn a_program_gets_tokens_in_its_own_name_and_keeps_them_where_it_can() {
    let more = "flow = 'client-credentials'\nclient-secret-env = 'MY_SECRET'\nscopes = 'all'";
    let stage = Stage::with(|_| None, more);
    for _ in 0..2 {
        stage.list().env("MY_SECRET", "s3").go().assert_exit(0);
    }
    assert_eq!(stage.tokens.count(), 1);
    let sent = form(&stage.tokens.web.requests()[0]);
    assert_eq!((&*sent["client_secret"], &*sent["scope"]), ("s3", "all"));
    assert_eq!(stage.status(0)["user"], Value::Null);
    // Where nothing can be kept, each run asks.
    let run = stage.list().env("MY_SECRET", "s3").env("XDG_STATE_HOME", "/proc/1/nowhere");
    run.go().assert_exit(0);
    assert_eq!(stage.tokens.count(), 2);
}

#[test]
fn the_environment_gives_a_refresh_token_for_a_run_and_nothing_is_kept() {
    let stage = Stage::usual();
    let run = || stage.list().env("POSTIE_OAUTH_REFRESH_TOKEN", "r0").env("POSTIE_OAUTH_CLIENT_ID", "ci");
    let outcome = run().go();
    outcome.assert_exit(0);
    assert!(outcome.err().contains("the new one is kept nowhere"), "{}", outcome.err());
    assert!(!stage.file().exists());
    assert_eq!(form(&stage.tokens.web.requests()[0])["client_id"], "ci");
    run().go().assert_failure(77, "auth");
}

#[test]
fn commands_keep_the_tokens_and_new_ones_are_used_only_once_that_is_done() {
    let stage = Stage::usual();
    let kept = stage.world.text("kept.json");
    stage.keep("old", -5, 3605);
    fs::copy(stage.file(), &kept).unwrap();
    let set = |key: &str, value: &str| {
        stage.world.postie(["config", "set", "work", key, value]).go().assert_exit(0);
    };
    set("oauth.token-load", &format!("cat '{kept}'"));
    set("oauth.token-save", "exit 3");
    set("oauth.token-store", "command");
    let error = stage.list().go().assert_failure(78, "config");
    assert!(error["message"].as_str().unwrap().contains("token-save: keeping the tokens"), "{error}");
    assert_eq!(stage.logins(), 0);
    stage.tokens.family.lock().unwrap().holds = Some("r0".into());
    set("oauth.token-save", &format!("cat > '{kept}.new' && mv '{kept}.new' '{kept}'"));
    stage.list().go().assert_exit(0);
    let held: Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    assert_eq!(held["refresh_token"].as_str(), stage.tokens.holds().as_deref());
    stage.list().go().assert_exit(0);
    assert_eq!(stage.tokens.count(), 2);
}

#[test]
fn where_new_tokens_could_not_be_kept_none_are_asked_for() {
    let stage = Stage::usual();
    stage.keep("old", -5, 3605);
    let lock = stage.file().with_extension("lock");
    fs::create_dir(&lock).unwrap();
    let error = stage.list().go().assert_failure(73, "cannot_create");
    assert!(error["hint"].as_str().unwrap().contains("POSTIE_OAUTH_REFRESH_TOKEN"), "{error}");
    assert_eq!(stage.tokens.count(), 0);
}

#[test]
fn a_logout_ends_what_was_granted_and_forgets_it_even_where_the_server_cannot_be_told() {
    for (status, code) in [(200, 0), (503, 1)] {
        let stage = Stage::with(
            move |request| request.path.starts_with("/revoke").then(|| answer(status, &json!({}))),
            "",
        );
        stage.keep("old", 3000, 600);
        stage.world.postie(["config", "logout", "work"]).go().assert_exit(code);
        let sent = form(&stage.tokens.web.requests()[0]);
        assert_eq!((&*sent["token"], &*sent["token_type_hint"]), ("r0", "refresh_token"));
        assert!(!stage.file().exists());
        stage.world.postie(["config", "logout"]).go().assert_exit(0);
        assert_eq!(stage.tokens.web.requests().len(), 1);
    }
}

#[test]
fn the_test_of_an_account_has_a_step_for_the_token() {
    let stage = Stage::usual();
    let steps = |run: Run| -> Vec<(String, bool)> {
        let lines = run.go().of_type("step");
        lines.iter().map(|step| (step["step"].as_str().unwrap().to_owned(), step["ok"] == true)).collect()
    };
    let test = || stage.world.postie(["--json", "test-account"]);
    let failed = steps(test());
    assert_eq!(failed.last(), Some(&("token".to_owned(), false)), "{failed:?}");
    stage.keep("old", -5, 3605);
    let names = steps(test());
    let at = |name: &str| names.iter().position(|(step, ok)| step == name && *ok);
    assert!(at("token").unwrap() < at("auth").unwrap(), "{names:?}");
}

#[test]
fn the_test_of_an_account_replaces_a_token_that_the_server_refuses_as_a_run_does() {
    let told = |stage: &Stage| -> Vec<(String, bool, Value)> {
        let lines = stage.world.postie(["--json", "test-account"]).go().of_type("step");
        let named = lines.iter().filter(|step| step["step"] == "token" || step["step"] == "auth");
        named
            .map(|step| {
                let name = step["step"].as_str().unwrap().to_owned();
                (name, step["ok"] == true, step["detail"]["refused"].clone())
            })
            .collect()
    };
    let shape = |steps: &[(String, bool, Value)]| -> Vec<(String, bool)> {
        steps.iter().map(|(name, ok, _)| (name.clone(), *ok)).collect()
    };
    let is = |wanted: &[(&str, bool)]| -> Vec<(String, bool)> {
        wanted.iter().map(|(name, ok)| ((*name).to_owned(), *ok)).collect()
    };
    // Good by the clock, and refused all the same.
    let stage = Stage::usual();
    stage.keep("revoked", 3000, 600);
    let steps = told(&stage);
    assert_eq!(shape(&steps), is(&[("token", true), ("token", true), ("auth", true)]), "{steps:?}");
    assert!(steps[0].2.is_null() && steps[1].2.is_string(), "{steps:?}");
    assert_eq!((stage.tokens.count(), stage.logins()), (1, 2));
    assert_eq!(stage.kept()["refresh_token"], "r1");
    // Refused, although it was made just now: once more would only lock the account.
    let wrong = |_: &Request| Some(answer(200, &json!({"access_token": "wrong", "expires_in": 3600})));
    let stage = Stage::with(wrong, "");
    stage.keep("old", -5, 3605);
    assert_eq!(shape(&told(&stage)), is(&[("token", true), ("auth", false)]));
    assert_eq!(stage.logins(), 1);
    // Refused, replaced, and refused again; and nothing to replace it with.
    let stage = Stage::with(wrong, "");
    stage.keep("revoked", 3000, 600);
    assert_eq!(shape(&told(&stage)), is(&[("token", true), ("token", true), ("auth", false)]));
    assert_eq!(stage.logins(), 2);
    let stage = Stage::with(|_| Some(answer(400, &json!({"error": "invalid_grant"}))), "");
    stage.keep("revoked", 3000, 600);
    assert_eq!(shape(&told(&stage)), is(&[("token", true), ("token", false)]));
    let run = stage.world.postie(["--json", "test-account"]).go();
    assert!(run.assert_failure(77, "auth")["hint"].as_str().unwrap().contains("postie config login work"));
}

#[test]
fn tokens_are_in_no_transcript() {
    let stage = Stage::usual();
    stage.keep("old-token-X", -5, 3605);
    let outcome = stage.world.postie(["-vv", "list"]).go();
    outcome.assert_exit(0);
    assert!(outcome.err().contains("POST"), "{}", outcome.err());
    for secret in ["r0", "r1", "old-token-X"] {
        assert!(!outcome.err().contains(&format!("={secret}")), "{}", outcome.err());
    }
}

#[test]
fn a_token_that_is_given_by_hand_comes_before_all_that_is_kept() {
    let stage = Stage::usual();
    let run = stage.list().args(["--password-file", &stage.world.text("secret")]);
    run.go().assert_exit(0);
    assert!(stage.tokens.web.requests().is_empty());
    assert!(stage.world.postie(["config", "show", "work"]).go().out().contains("oauth"));
}
