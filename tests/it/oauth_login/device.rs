//! A code that is typed in a browser elsewhere (`RFC 8628`).

use super::*;

#[test]
fn the_code_is_typed_elsewhere_and_the_server_asked_less_often_if_it_says_so() {
    let Some(oidc) =
        Oidc::shared("the_code_is_typed_elsewhere_and_the_server_asked_less_often_if_it_says_so")
    else {
        return;
    };
    let world = world();
    account(&world, &oidc, "slow", "");
    let mut run = login(&world, &["--device"]);
    let line = authorization(&mut run);
    assert_eq!(line["flow"], "device");
    let (url, code) = (line["url"].as_str().unwrap(), line["user_code"].as_str().unwrap());
    assert!(line["url_complete"].as_str().unwrap().contains(code), "{line}");
    let count =
        |what: &str| oidc.log().iter().filter(|line| **line == format!("token slow {GRANT} {what}")).count();
    let until = Instant::now() + Duration::from_secs(30);
    while count("slow_down") == 0 {
        assert!(Instant::now() < until, "{:?}", oidc.log());
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let slowed = Instant::now();
    Browser::new("ana@mail.test").device(url, code, true);
    let outcome = end(run);
    outcome.assert_exit(0);
    // One second, and five more for good.
    let waited = slowed.elapsed();
    assert!(waited > Duration::from_secs(5), "{waited:?}");
    assert_eq!((count("slow_down"), count("granted")), (1, 1));
    assert!(kept(&world).is_some());
}

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[test]
fn a_no_elsewhere_ends_it() {
    let Some(oidc) = Oidc::shared("a_no_elsewhere_ends_it") else { return };
    let world = world();
    account(&world, &oidc, "postie", "flow = 'device'");
    let mut run = login(&world, &[]);
    let line = authorization(&mut run);
    let (url, code) = (line["url"].as_str().unwrap(), line["user_code"].as_str().unwrap());
    Browser::new("ana@mail.test").device(url, code, false);
    let error = end(run).assert_failure(77, "auth");
    assert!(error["message"].as_str().unwrap().contains("access_denied"), "{error}");
    assert!(kept(&world).is_none());
}

#[test]
fn a_client_that_may_not_is_a_mistake_of_the_settings() {
    let Some(oidc) = Oidc::shared("a_client_that_may_not_is_a_mistake_of_the_settings") else { return };
    let world = world();
    account(&world, &oidc, "without-device", "");
    let outcome = world.postie(["--json", "config", "login", "--device"]).go();
    let error = outcome.assert_failure(78, "config");
    assert!(error["message"].as_str().unwrap().contains("device_code is not allowed"), "{error}");
}
