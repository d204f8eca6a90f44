//! `config add` with an address alone, in a world that the tests play: whose word counts, what is never used, who is
//! told the address, and how long it takes.

use crate::support::named::{Record, Say};
use crate::support::peer::End;
use crate::support::played::{Played, document, server, srv, usual};
use crate::support::web::Reply;
use crate::support::world::{Checked, World};
use crate::world;
use serde_json::Value;
use simple_dns::TYPE;
use std::fs;

const CONFIG: &str = ".config/postie/config.toml";

fn add(world: &World, played: &Played, more: &[&str]) -> Checked {
    let run = world.postie(["--json", "--ca-file", "ca.pem", "config", "add", "ana@own.test"]).args(more);
    played.with(run).go()
}

fn dry(played: &Played, more: &[&str]) -> Checked {
    add(&world(), played, &[&["--dry-run"], more].concat())
}

/// The line `discovery`.
fn found(outcome: &Checked) -> Value {
    outcome.of_type("discovery").into_iter().next().expect("a discovery line")
}

/// The servers that were chosen, as `source host:port`.
fn chosen(outcome: &Checked) -> (String, String) {
    let line = found(outcome);
    let shown = |key: &str| match &line[key] {
        Value::Null => "none".to_owned(),
        it => format!("{} {}:{}", it["source"].as_str().unwrap(), it["host"].as_str().unwrap(), it["port"]),
    };
    (shown(line["incoming"].as_str().unwrap_or("pop3")), shown("smtp"))
}

fn pair(incoming: &str, smtp: &str) -> (String, String) {
    (incoming.into(), smtp.into())
}

/// That no server was sent a login.
fn assert_no_login(played: &Played) {
    for journal in played.pop3.journals().iter().chain(&played.smtp.journals()) {
        for verb in ["USER", "PASS", "AUTH", "APOP"] {
            assert_eq!(journal.count(verb), 0, "{:?}", journal.commands);
        }
    }
}

#[test]
fn an_address_is_enough_where_the_domain_publishes_its_servers() {
    let played = Played::with_document(Reply::ok(document("own.test", &usual("own.test"))));
    let world = world();
    let more = ["--password-file", "secret", "--maildir", "Mail", "--test"];
    let outcome = add(&world, &played, &more);
    outcome.assert_exit(0);
    assert!(outcome.of_type("step").iter().all(|step| step["ok"] == true));
    let line = found(&outcome);
    assert_eq!((&line["source"], &line["needs"]), (&"autoconfig".into(), &"password".into()));
    assert_eq!((&line["pop3"]["trusted"], &line["pop3"]["check"]), (&true.into(), &"answers".into()));
    let text = fs::read_to_string(world.path(CONFIG)).unwrap();
    assert!(text.contains("[accounts.own]") && text.contains("host = \"pop.own.test\""), "{text}");
    assert!(text.contains("username = \"ana\"") && text.contains("host = \"smtp.own.test\""), "{text}");
    assert!(outcome.err().contains("pop.own.test:995") && outcome.err().contains("autoconfig.own.test"));
    played.with(world.postie(["fetch"])).go().assert_exit(0);
    assert_eq!(world.mail().len(), 2);
}

#[test]
fn only_the_domains_own_hosts_are_told_the_address_and_the_database_the_domain() {
    let played = Played::new(
        |_| Reply::missing(),
        |_, kind| {
            (kind == TYPE::MX)
                .then(|| Say::Records(vec![Record::Mx(10, "mx1.hoster.test"), Record::Mx(20, "other.test")]))
        },
    );
    dry(&played, &[]).assert_exit(0);
    let requests = played.web.requests();
    let of = |host: &str| requests.iter().filter(|request| request.host == host).collect::<Vec<_>>();
    assert_eq!(of("autoconfig.own.test")[0].query, "emailaddress=ana%40own.test");
    assert_eq!(of("own.test")[0].path, "/.well-known/autoconfig/mail/config-v1.1.xml");
    let asked: Vec<&str> = of("ispdb.test").iter().map(|request| request.path.as_str()).collect();
    assert!(asked.contains(&"/v1.1/own.test") && asked.contains(&"/v1.1/hoster.test"), "{asked:?}");
    assert_eq!(of("autoconfig.hoster.test").len(), 1);
    for request in requests.iter().filter(|request| request.host != "autoconfig.own.test") {
        assert!(!format!("{request:?}").contains("ana"), "{request:?}");
    }
    assert!(requests.iter().all(|request| request.scheme == "https" && request.field("cookie").is_empty()));
}

#[test]
fn the_best_ranked_source_wins_and_without_it_the_next() {
    let sources = ["table", "autoconfig", "well-known", "ispdb", "srv", "mx", "guess"];
    for (rank, wanted) in sources.iter().enumerate() {
        let has = move |source: &str| sources.iter().position(|it| *it == source).unwrap() >= rank;
        let played = Played::new(
            move |request| {
                // Each source names a port of its own.
                let at = |port| {
                    server("pop3", "pop.own.test", port, "SSL") + &server("smtp", "smtp.own.test", 465, "SSL")
                };
                match (request.host.as_str(), request.path.starts_with("/.well-known")) {
                    ("autoconfig.own.test", _) if has("autoconfig") => {
                        Reply::ok(document("own.test", &at(1001)))
                    }
                    ("own.test", true) if has("well-known") => Reply::ok(document("own.test", &at(1002))),
                    ("ispdb.test", _) if has("ispdb") && request.path == "/v1.1/own.test" => {
                        Reply::ok(document("own.test", &at(1003)))
                    }
                    ("autoconfig.hoster.test", _) if has("mx") => {
                        Reply::ok(document("hoster.test", &at(1005)))
                    }
                    _ => Reply::missing(),
                }
            },
            move |name, kind| match kind {
                TYPE::MX if has("table") => Some(Say::Records(vec![Record::Mx(1, "aspmx.l.google.com")])),
                TYPE::MX => Some(Say::Records(vec![Record::Mx(1, "mx1.hoster.test")])),
                _ if has("srv") => srv(name, kind, |service| match service {
                    "pop3s" => Some(Record::Srv(1, 1004, "pop.own.test")),
                    "submissions" => Some(Record::Srv(1, 465, "smtp.own.test")),
                    _ => None,
                }),
                _ => None,
            },
        );
        let outcome = dry(&played, &[]);
        outcome.assert_exit(0);
        let line = found(&outcome);
        assert_eq!(line["pop3"]["source"], *wanted, "{line}");
        let port = [995, 1001, 1002, 1003, 1004, 1005, 995][rank];
        assert_eq!(line["pop3"]["port"], port, "{line}");
        assert_no_login(&played);
    }
}

#[test]
fn a_document_that_is_none_is_passed_over_in_silence() {
    let good = document("own.test", &usual("own.test"));
    let big = document("own.test", &format!("{}<!--{}-->", usual("own.test"), "x".repeat(10_000_000)));
    let entities: String =
        (0..20).map(|n| format!("<!ENTITY e{} \"{}\">", n + 1, format!("&e{n};").repeat(10))).collect();
    let with_host = |host: &str| Reply::ok(document("own.test", &server("pop3", host, 995, "SSL")));
    let bad = [
        Reply::ok(""),
        Reply::ok("<!doctype html><html><body><p>Welcome<br></body></html>"),
        Reply::ok(&good[..good.len() - 30]),
        Reply::ok(format!("<!DOCTYPE x [<!ENTITY e0 \"ha\">{entities}]>{good}").replace("pop.own", "&e20;")),
        Reply::ok(format!("<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/hostname\">]>{good}")),
        Reply::ok(format!("<!DOCTYPE clientConfig>{good}")),
        Reply::ok(document("own.test", &"<a>".repeat(50_000))),
        Reply::ok(big),
        Reply::ok([&b"\xff\xfe"[..], good.as_bytes()].concat()),
        Reply::ok(document("own.test", &server("pop3", "pop.own.test", 110, "plain"))),
        with_host("127.0.0.1"),
        with_host("x&#13;&#10;QUIT"),
        with_host("localhost"),
        Reply::Answer(404, vec![], good.clone().into_bytes()),
        Reply::Answer(500, vec![], vec![]),
        Reply::to("https://autoconfig.own.test/mail/config-v1.1.xml"),
        Reply::to("http://autoconfig.own.test/elsewhere"),
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n<clientConfig>".to_vec(), End::Close),
        Reply::Raw(Vec::new(), End::Reset),
    ];
    for reply in bad {
        let told = format!("{reply:?}").chars().take(150).collect::<String>();
        let played = Played::with_document(reply);
        // Nothing answers at the usual names, either.
        let world = world();
        let run = world.postie(["--ca-file", "ca.pem", "config", "add", "ana@own.test", "--dry-run"]);
        let named = played.resolve();
        let usual =
            named.split(',').filter(|entry| !entry.starts_with("pop.") && !entry.starts_with("smtp."));
        let outcome = played.with(run).env("POSTIE_RESOLVE", usual.collect::<Vec<_>>().join(",")).go();
        outcome.assert_exit(64);
        assert_eq!(outcome.err().lines().count(), 2, "an error and its hint: {told}: {}", outcome.err());
        assert_eq!(outcome.out(), "", "{told}");
    }
}

#[test]
fn the_type_of_the_content_and_a_redirect_within_the_domain_do_not_matter() {
    let xml = document("own.test", &usual("own.test"));
    let html = Reply::Answer(200, vec![("Content-Type", "text/html".into())], xml.clone().into_bytes());
    let outcome = dry(&Played::with_document(html), &[]);
    assert_eq!(chosen(&outcome), pair("autoconfig pop.own.test:995", "autoconfig smtp.own.test:465"));
    let played = Played::new(
        move |request| match request.path.as_str() {
            "/mail/config-v1.1.xml" => Reply::to("https://own.test/settings"),
            "/settings" => Reply::ok(xml.clone()),
            _ => Reply::missing(),
        },
        |_, _| None,
    );
    let line = found(&dry(&played, &[]));
    assert_eq!((&line["pop3"]["trusted"], &line["url"]), (&true.into(), &"https://own.test/settings".into()));
}

/// Worlds in which what is found could be anybody's word.
fn doubtful() -> Vec<(&'static str, &'static str, Played)> {
    let there = |place: &str| document(place, &usual(place));
    vec![
        (
            "srv",
            "pop.other.test",
            Played::new(
                |_| Reply::missing(),
                |name, kind| {
                    srv(name, kind, |service| match service {
                        "pop3s" => Some(Record::Srv(1, 995, "pop.other.test")),
                        "submissions" => Some(Record::Srv(1, 465, "smtp.other.test")),
                        _ => None,
                    })
                },
            ),
        ),
        (
            "mx",
            "pop.hoster.test",
            Played::new(
                move |request| match request.host.as_str() {
                    "autoconfig.hoster.test" => Reply::ok(there("hoster.test")),
                    _ => Reply::missing(),
                },
                |_, kind| (kind == TYPE::MX).then(|| Say::Records(vec![Record::Mx(1, "mx.hoster.test")])),
            ),
        ),
        ("guess", "pop.own.test", Played::new(|_| Reply::missing(), |_, _| None)),
        // The document is for another domain, and names its hosts.
        ("autoconfig", "pop.other.test", Played::with_document(Reply::ok(there("other.test")))),
        // A redirect leads to somebody else.
        (
            "autoconfig",
            "pop.own.test",
            Played::new(
                |request| match request.host.as_str() {
                    "autoconfig.own.test" => Reply::to("https://autoconfig.other.test/x"),
                    "autoconfig.other.test" => Reply::ok(document("own.test", &usual("own.test"))),
                    _ => Reply::missing(),
                },
                |_, _| None,
            ),
        ),
    ]
}

#[test]
fn what_could_be_anybodys_word_needs_an_option_where_nobody_can_be_asked() {
    for (source, host, played) in doubtful() {
        let world = world();
        let outcome = add(&world, &played, &["--password-file", "secret", "--test"]);
        let error = outcome.assert_failure(78, "config");
        let text = format!("{} {}", error["message"], error["hint"]);
        assert!(text.contains(host) && text.contains(&format!("--accept-host {host}")), "{text}");
        assert!(text.contains("--pop3 pop3s://"), "{text}");
        assert!(!world.path(CONFIG).exists(), "{source}");
        assert_no_login(&played);
        let smtp = host.replace("pop.", "smtp.");
        let one = add(&world, &played, &["--accept-host", host]);
        one.assert_failure(78, "config");
        let both = add(&world, &played, &["--accept-host", host, "--accept-host", &smtp]);
        both.assert_exit(0);
        assert_eq!(found(&both)["pop3"]["source"], source);
        assert!(fs::read_to_string(world.path(CONFIG)).unwrap().contains(host));
        assert_no_login(&played);
    }
}

#[test]
fn http_counts_only_where_it_is_allowed_and_is_anybodys_word() {
    let played = Played::new(
        |request| match (request.scheme, request.host.as_str()) {
            ("http", "autoconfig.own.test") => {
                Reply::ok(document("own.test", &server("pop3", "pop.own.test", 995, "SSL")))
            }
            _ => Reply::missing(),
        },
        |_, _| None,
    );
    assert_eq!(found(&dry(&played, &[]))["pop3"]["source"], "guess");
    assert!(played.web.requests().iter().all(|request| request.scheme == "https"));
    let allowed = found(&dry(&played, &["--allow-http"]));
    assert_eq!((&allowed["pop3"]["source"], &allowed["pop3"]["trusted"]), (&"http".into(), &false.into()));
}

#[test]
fn srv_records_count_for_each_protocol_by_itself() {
    let played = Played::new(
        |_| Reply::missing(),
        |name, kind| {
            srv(name, kind, |service| match service {
                // Not offered with TLS from the start; by upgrade, on a port where nobody answers.
                "pop3s" => Some(Record::Srv(0, 0, ".")),
                "pop3" => Some(Record::Srv(0, 1, "pop.own.test")),
                "submissions" => Some(Record::Srv(0, 465, "smtp.own.test")),
                _ => None,
            })
        },
    );
    let outcome = dry(&played, &[]);
    assert_eq!(chosen(&outcome), pair("srv pop.own.test:1", "srv smtp.own.test:465"));
    let line = found(&outcome);
    assert_eq!((&line["pop3"]["tls"], &line["pop3"]["check"]), (&"starttls".into(), &"silent".into()));
    assert!(line["notes"].to_string().contains("does not answer from here"), "{line}");
    assert_eq!(line["pop3"]["username"], "ana@own.test");
}

#[test]
fn a_server_with_the_certificate_of_another_name_is_told_and_not_used() {
    let played = Played::new(
        |_| Reply::missing(),
        |name, kind| {
            srv(name, kind, |service| (service == "pop3s").then_some(Record::Srv(0, 995, "mail.wrong.test")))
        },
    );
    let outcome = dry(&played, &[]);
    assert_eq!(chosen(&outcome), pair("guess pop.own.test:995", "guess smtp.own.test:465"));
    let notes = found(&outcome)["notes"].to_string();
    assert!(notes.contains("mail.wrong.test:995") && notes.contains("own.test"), "{notes}");
    assert_no_login(&played);
}

#[test]
fn a_domain_at_a_known_provider_is_known_by_its_mx_hosts() {
    let played = Played::new(
        |_| Reply::missing(),
        |_, kind| {
            (kind == TYPE::MX)
                .then(|| Say::Records(vec![Record::Mx(0, "own-test.mail.protection.outlook.com")]))
        },
    );
    let world = world();
    let outcome = add(&world, &played, &["--imap", "--token-command", "token"]);
    outcome.assert_exit(0);
    let line = found(&outcome);
    assert_eq!((&line["provider"], &line["oauth"]), (&"Microsoft 365".into(), &"microsoft".into()));
    assert_eq!((&line["needs"], &line["incoming"]), (&"token".into(), &"imap".into()));
    let account = &outcome.of_type("account")[0];
    assert_eq!(
        (&account["account"], &account["imap"]["host"]),
        (&"own".into(), &"outlook.office365.com".into())
    );
    assert!(account["pop3"].is_null());
    assert_eq!(account["smtp"]["tls"], "starttls");
}

#[test]
fn nobody_is_asked_for_a_provider_in_the_table_nor_where_it_is_forbidden() {
    let played = Played::new(|_| Reply::missing(), |_, _| None);
    let world = world();
    let run = |args: &[&str]| played.with(world.postie(["--json", "config", "add"]).args(args)).go();
    run(&["ana@gmail.com", "--password-command", "pass g"]).assert_exit(0);
    let again = run(&["--imap", "ana@gmail.com", "--password-command", "pass g"]);
    again.assert_exit(0);
    let account = &again.of_type("account")[0];
    assert_eq!(
        (&account["account"], &account["imap"]["host"]),
        (&"gmail.com".into(), &"imap.gmail.com".into())
    );
    run(&["ana@own.test", "--no-discovery"]).assert_failure(64, "usage");
    let behind =
        world.postie(["--json", "config", "add", "ana@own.test"]).env("ALL_PROXY", "socks5h://127.0.0.1:9");
    let error = played.with(behind).go().assert_failure(64, "usage");
    assert!(error["message"].as_str().unwrap().contains("SOCKS"), "{error}");
    run(&["x", "--email", "ana@own.test", "--smtp", "smtps://smtp.own.test"]).assert_exit(0);
    assert_eq!((played.named.asked(), played.web.requests().len()), (vec![], 0));
}

#[test]
fn nobody_is_asked_where_the_proxy_for_https_is_none() {
    for (variable, value) in
        [("HTTPS_PROXY", "http://proxy:99999"), ("https_proxy", "htp://S3CRET"), ("ALL_PROXY", "http//proxy")]
    {
        let played = Played::with_document(Reply::ok(document("own.test", &usual("own.test"))));
        let world = world();
        let run =
            world.postie(["--json", "--ca-file", "ca.pem", "config", "add", "ana@own.test", "--dry-run"]);
        let outcome = played.with(run.env(variable, value)).go();
        let error = outcome.assert_failure(78, "config");
        assert!(error["message"].as_str().unwrap().starts_with(&format!("${variable}: ")), "{error}");
        assert!(error["hint"].is_string() && !outcome.out().contains("S3CRET"), "{error}");
        let none = world.postie(["--ca-file", "ca.pem", "config", "add", "ana@own.test", "--dry-run"]);
        played.with(none.env(variable, value).env("NO_PROXY", "*")).go().assert_exit(0);
    }
}

#[test]
fn a_name_service_that_does_not_answer_is_a_reason_to_try_again() {
    let played = Played::new(|_| Reply::missing(), |_, _| Some(Say::Refused));
    let world = world();
    let run = world.postie(["--json", "config", "add", "ana@own.test", "--dry-run"]);
    let refused = run.env("POSTIE_DNS", played.named.address()).env("POSTIE_ISPDB", "none").go();
    refused.assert_failure(75, "network");
    assert!(found(&refused)["tried"].to_string().contains("error 5"), "{}", refused.out());
}

#[test]
fn a_long_list_of_servers_does_not_make_postie_knock_at_every_door() {
    let doors = crate::support::embedded::Listener::start(|mut peer, _| peer.end(End::Close));
    let list: String = (0..30).map(|n| server("pop3", &format!("d{n}.own.test"), 995, "SSL")).collect();
    let played = Played::with_document(Reply::ok(document("own.test", &list)));
    let world = world();
    let run = world.postie(["--json", "--ca-file", "ca.pem", "config", "add", "ana@own.test", "--dry-run"]);
    let more: String = (0..30).map(|n| format!(",d{n}.own.test:995:127.0.0.1:{}", doors.port())).collect();
    let outcome = played.with(run).env("POSTIE_RESOLVE", played.resolve() + &more).go();
    outcome.assert_exit(0);
    assert_eq!(found(&outcome)["pop3"]["host"], "d0.own.test");
    assert_eq!(doors.journals().len(), 1);
}

#[test]
fn a_source_that_hangs_is_not_waited_for_beyond_ten_seconds() {
    let played = Played::new(
        |request| if request.host == "autoconfig.own.test" { Reply::Stall } else { Reply::missing() },
        |name, kind| match kind {
            TYPE::MX => Some(Say::Silent),
            _ => {
                srv(name, kind, |service| (service == "pop3s").then_some(Record::Srv(1, 995, "pop.own.test")))
            }
        },
    );
    // It would be waited for for an hour otherwise.
    let outcome = dry(&played, &["--timeout", "1h"]);
    outcome.assert_exit(0);
    assert_eq!(found(&outcome)["pop3"]["source"], "srv");
    let tried = found(&outcome)["tried"].to_string();
    assert!(tried.contains("no answer in time"), "{tried}");
}

#[test]
fn the_result_is_shown_in_words_too_and_what_every_source_said_with_v() {
    let played = Played::with_document(Reply::ok(document("own.test", &usual("own.test"))));
    let world = world();
    let run =
        world.postie(["-v", "--ca-file", "ca.pem", "config", "add", "--email", "ana@own.test", "--dry-run"]);
    let outcome = played.with(run).go();
    outcome.assert_exit(0);
    let out = outcome.out();
    assert!(out.contains("fetch from pop.own.test:995 by POP3, TLS, as ana\n"), "{out}");
    assert!(out.contains("from https://autoconfig.own.test/mail/config-v1.1.xml\n"), "{out}");
    assert!(outcome.err().contains("autoconfig: https://autoconfig.own.test/"), "{}", outcome.err());
}
