//! What `config` does to the file, and what it says.

use crate::support::disk::assert_mode;
use crate::support::mailbox::Mailbox;
use crate::support::pop3d::{Pop3d, SECRET};
use crate::support::smtpd::Smtpd;
use crate::support::world::{Checked, World};
use crate::world;
use serde_json::Value;
use std::fs;

fn file(world: &World) -> String {
    fs::read_to_string(world.path(".config/postie/config.toml")).unwrap()
}

fn config(world: &World, args: &[&str]) -> Checked {
    world.postie(["--json", "config"]).args(args).go()
}

fn account(outcome: &Checked) -> Value {
    outcome.of_type("account").into_iter().next().expect("an account line")
}

#[test]
fn an_account_is_added_by_flags_alone_and_then_fetched_from() {
    let mailbox = Mailbox::with(2);
    let server = Pop3d::for_mailbox(&mailbox).start();
    let world = world();
    let url = server.url();
    let add = ["add", "work", "--email", "ana@example.org", "--pop3", &url, "--maildir", "Mail", "--test"];
    let outcome = config(
        &world,
        &[&add[..], &["--password-file", "secret", "--ca-file", "ca.pem", "--name", "Ana"]].concat(),
    );
    outcome.assert_exit(0);
    let told = account(&outcome);
    assert_eq!((&told["account"], &told["email"]), (&"work".into(), &"ana@example.org".into()));
    assert_eq!(told["pop3"]["port"], server.port());
    assert_eq!(told["pop3"]["secret"]["source"], "password-file");
    assert!(outcome.of_type("step").iter().all(|step| step["ok"] == true));
    assert_mode(&world.path(".config/postie/config.toml"), 0o600);
    assert_mode(&world.path(".config/postie"), 0o700);
    world.postie(["fetch"]).go().assert_exit(0);
    assert_eq!(world.mail().len(), 2);
    let again = config(&world, &["add", "work", "--email", "ana@example.org", "--pop3", &url]);
    again.assert_failure(78, "config");
}

#[test]
fn a_test_that_fails_adds_nothing() {
    let server = Pop3d::for_mailbox(&Mailbox::with(1)).start();
    let world = world();
    world.write("wrong", "not-it\n");
    let url = server.url();
    let outcome = config(
        &world,
        &[
            "add",
            "work",
            "--email",
            "ana@example.org",
            "--pop3",
            &url,
            "--password-file",
            "wrong",
            "--ca-file",
            "ca.pem",
            "--test",
        ],
    );
    outcome.assert_exit(77);
    assert!(outcome.of_type("account").is_empty());
    assert!(!world.path(".config/postie/config.toml").exists());
}

#[test]
fn an_address_at_a_provider_without_pop3_gets_imap_by_itself() {
    let world = world();
    config(&world, &["add", "i", "--email", "ana@icloud.com", "--password-command", "pass i"]).assert_exit(0);
    let shown = world.postie(["--json", "config", "show", "i"]).go();
    let account = &shown.of_type("account")[0];
    assert_eq!(
        (&account["imap"]["host"], &account["imap"]["port"]),
        (&"imap.mail.me.com".into(), &993.into())
    );
    assert_eq!(account["imap"]["username"], "ana");
    assert_eq!(account["smtp"]["username"], "ana@icloud.com");
    assert!(account["pop3"].is_null());
}

#[test]
fn an_address_is_enough_for_a_known_provider() {
    let world = world();
    let outcome =
        config(&world, &["add", "g", "--email", "ana@gmail.com", "--password-command", "pass gmail"]);
    outcome.assert_exit(0);
    let told = account(&outcome);
    assert_eq!((&told["pop3"]["host"], &told["pop3"]["port"]), (&"pop.gmail.com".into(), &995.into()));
    assert_eq!((&told["smtp"]["host"], &told["smtp"]["port"]), (&"smtp.gmail.com".into(), &465.into()));
    assert_eq!(told["smtp"]["username"], "ana@gmail.com");
    let said = outcome.err();
    assert!(said.contains("app password") && said.contains("https://"), "{said}");
    assert!(said.contains("POP must be switched on"), "{said}");
    // Who logs in by OAuth2 needs to know nothing of passwords, but where POP is switched on.
    for by_token in
        [&["--oauth", "google"][..], &["--oauth", "google", "--client-id", "me"], &["--token-command", "t"]]
    {
        let add = ["add", by_token.last().unwrap(), "--email", "ana@gmail.com"];
        let outcome = config(&world, &[&add[..], by_token].concat());
        outcome.assert_exit(0);
        let said = outcome.err();
        assert!(
            !said.contains("assword") && said.contains("POP must be switched on"),
            "{by_token:?}: {said}"
        );
    }
    let rehearsed = config(&world, &["add", "--email", "ana@gmail.com", "--oauth", "google", "--dry-run"]);
    rehearsed.assert_exit(0);
    assert!(!rehearsed.out().contains("app password"), "{}", rehearsed.out());
    let unknown = config(&world, &["add", "x", "--email", "ana@example.org", "--no-discovery"]);
    let error = unknown.assert_failure(64, "usage");
    assert!(error["message"].as_str().unwrap().contains("example.org"), "{error}");
}

#[test]
fn a_certificate_a_key_and_a_proxy_are_options_of_the_account_that_is_added() {
    let world = world();
    let add = [
        "add",
        "c",
        "--email",
        "ana@example.org",
        "--imap",
        "imaps://imap.example.org",
        "--smtp",
        "smtps://smtp.example.org",
    ];
    let options = [
        "--client-certificate",
        "c.pem",
        "--client-key",
        "~/c.key",
        "--proxy",
        "socks5://ana@127.0.0.1:1080",
    ];
    let outcome = config(&world, &[&add[..], &options].concat());
    outcome.assert_exit(0);
    let shown = config(&world, &["show", "c"]).out();
    let pem = world.text("c.pem");
    for wanted in [pem.as_str(), "c.key", "socks5://ana@127.0.0.1:1080"] {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
    // Who has a certificate logs in by it: to the server for sending, too.
    assert_eq!(account(&outcome)["smtp"]["username"], "ana@example.org");
    let bad = config(
        &world,
        &[
            "add",
            "d",
            "--email",
            "ana@example.org",
            "--imap",
            "imaps://imap.example.org",
            "--proxy",
            "nonsense",
        ],
    );
    bad.assert_failure(64, "usage");
    // Nobody is asked for servers behind the proxy's back.
    let found =
        config(&world, &["add", "e", "--email", "ana@example.org", "--proxy", "socks5://127.0.0.1:1080"]);
    let error = found.assert_failure(64, "usage");
    assert!(error["message"].as_str().unwrap().contains("--proxy"), "{error}");
}

#[test]
fn a_provider_that_takes_nothing_but_tokens_is_one_to_log_in_to() {
    let world = world();
    let outcome = config(&world, &["add", "bob@outlook.com"]);
    outcome.assert_exit(0);
    assert_eq!(account(&outcome)["oauth"]["provider"], "microsoft");
    let said = outcome.err();
    assert!(said.contains("oauth.client-id ID") && said.contains("postie config login"), "{said}");
    let status = world.postie(["--json", "config", "status"]).run();
    status.assert_exit(78);
    let other = config(&world, &["add", "t", "--email", "bob@outlook.com", "--token-command", "echo token"]);
    other.assert_exit(0);
    assert!(account(&other)["oauth"].is_null(), "{other:?}");
}

#[test]
fn a_relay_without_a_user_sends_without_auth() {
    let server = Smtpd::for_mailbox(&Mailbox::default()).start();
    let world = world();
    let url = format!("smtps://localhost:{}", server.port());
    config(&world, &["add", "ci", "--email", "ci@example.org", "--smtp", &url]).assert_exit(0);
    let told = account(&config(&world, &["show", "ci"]));
    assert_eq!((&told["smtp"]["auth"], &told["smtp"]["username"]), (&"none".into(), &Value::Null));
    assert!(file(&world).contains("auth = \"none\""));
}

#[test]
fn a_password_is_taken_from_a_descriptor_and_never_from_the_arguments() {
    let world = world();
    let add = ["config", "add", "w", "--email", "a@example.org", "--pop3", "pop3s://h", "--password-fd", "0"];
    world.postie(add).stdin(format!("{SECRET}\n")).go().assert_exit(0);
    assert!(file(&world).contains(SECRET));
    for args in [vec!["show", "w"], vec!["list"], vec!["check"], vec!["set", "w", "name", "Ana"]] {
        for json in [true, false] {
            let run = if json { world.postie(["--json"]) } else { world.postie(["-vv"]) };
            // `go` looks for the password in all that is said.
            run.arg("config").args(&args).go().assert_exit(0);
        }
    }
    let refused = config(&world, &["set", "w", "password", "in-argv"]);
    refused.assert_failure(64, "usage");
    assert!(!refused.err().contains("in-argv") && !refused.out().contains("in-argv"));
    world.postie(["config", "set", "w", "pop3.password", "-"]).stdin("0ther\n").go().assert_exit(0);
    assert!(file(&world).contains("password = \"0ther\""));
}

#[test]
fn set_unset_default_and_remove_keep_what_they_do_not_touch() {
    let world = world();
    let text = "# mine\n[accounts.a]\nemail = \"a@example.org\" # me\npop3.host = \"h\"\n\n\
                [accounts.b]\nemail = \"b@example.org\"\n";
    world.config(text);
    config(&world, &["set", "a", "pop3.port", "1995"]).assert_exit(0);
    assert_eq!(file(&world), text.replace("pop3.host = \"h\"\n", "pop3.host = \"h\"\npop3.port = 1995\n"));
    config(&world, &["unset", "a", "pop3.port"]).assert_exit(0);
    assert_eq!(file(&world), text);
    config(&world, &["default"]).assert_failure(78, "config");
    config(&world, &["default", "b"]).assert_exit(0);
    let outcome = world.postie(["config", "default"]).go();
    assert_eq!(outcome.out(), "b\n");
    config(&world, &["remove", "b"]).assert_exit(0);
    assert!(!file(&world).contains("b@example.org") && !file(&world).contains("default-account"));
    assert!(file(&world).contains("# me"));
    config(&world, &["remove", "b"]).assert_failure(78, "config");
}

#[test]
fn a_change_that_makes_no_sense_is_a_usage_error_and_changes_nothing() {
    let world = world();
    let text = "[accounts.a]\nemail = \"a@example.org\"\npop3.host = \"h\"\n";
    world.config(text);
    for (key, value) in [
        ("pop3.port", "0"),
        ("pop3.port", "65536"),
        ("pop3.port", "-1"),
        ("pop3.tls", "maybe"),
        ("pop3.hots", "x"),
        ("smtp.port", "25"),
        ("email", "nobody"),
        ("name", "a\r\nBcc: eve@example.org"),
    ] {
        config(&world, &["set", "a", key, value]).assert_failure(64, "usage");
        assert_eq!(file(&world), text, "{key}");
    }
    for name in ["-x", "", "a b", "a\nb"] {
        let add = ["add", "--email", "a@example.org", "--pop3", "pop3s://h", "--", name];
        assert_eq!(config(&world, &add).code, Some(64), "{name:?}");
    }
}

#[test]
fn list_show_path_and_check_speak_to_people_and_to_scripts() {
    let world = world();
    let missing = world.postie(["config", "list"]).go();
    missing.assert_exit(0);
    assert_eq!(missing.out(), "");
    config(&world, &["check"]).assert_failure(78, "config");
    world.config("[accounts.a]\nemail = \"a@example.org\"\npop3.host = \"pop.example.org\"\n");
    let list = world.postie(["config", "list"]).go();
    assert!(list.out().contains("pop.example.org:995"), "{}", list.out());
    let show = world.postie(["config", "show", "a"]).go();
    assert!(
        show.out().lines().any(|line| line.starts_with("pop3.username") && line.contains("a@example.org"))
    );
    let path = world.postie(["config", "path"]).go();
    assert_eq!(path.out(), format!("{}\n", world.text(".config/postie/config.toml")));
    world.postie(["config", "check"]).go().assert_exit(0);
    let json = config(&world, &["path"]);
    assert_eq!(json.of_type("path")[0]["exists"], true);
    assert_eq!(json.of_type("summary")[0]["exit"], 0);
    config(&world, &["show", "b"]).assert_failure(78, "config");
}

#[test]
fn show_has_a_line_for_every_key_that_holds() {
    let world = world();
    let pin = format!("sha256:{}", "ab".repeat(32));
    world.config(&format!(
        "[accounts.a]\nemail = 'a@example.org'\nname = 'Ana'\ndescription = 'Mine'\nfrom = 'b@example.org'\n\
         log-file = '/log'\npassword-env = 'PW'\ntls-fingerprint = '{pin}'\n\
         [accounts.a.aliases]\nwww-data = ['c@example.org', 'd@example.org']\n\
         [accounts.a.pop3]\nhost = 'pop.example.org'\npassword-command = ['pass', 'show it']\n\
         [accounts.a.smtp]\nhost = 'smtp.example.org'\ntls = 'none'\nauth = 'plain'\nehlo-name = 'box.example.org'\n\
         allow-plaintext-auth = true\nca-file = '/ca'\n\
         [accounts.a.fetch]\nexec = 'procmail'\nafter = 'delete-after 14d'\n"
    ));
    let show = world.postie(["config", "show", "a"]).go();
    let lines: Vec<String> =
        show.out().lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let pinned = format!("tls-fingerprint {pin}");
    let wanted = [
        "account a",
        "email a@example.org",
        "name Ana",
        "description Mine",
        "from b@example.org",
        "log-file /log",
        "aliases.www-data c@example.org, d@example.org",
        "pop3.host pop.example.org",
        "pop3.port 995",
        "pop3.tls implicit",
        "pop3.username a@example.org",
        "pop3.auth auto",
        &format!("pop3.{pinned}"),
        "pop3.password-command pass 'show it'",
        "smtp.host smtp.example.org",
        "smtp.port 25",
        "smtp.tls none",
        "smtp.username a@example.org",
        "smtp.auth plain",
        "smtp.ehlo-name box.example.org",
        "smtp.allow-plaintext-auth true",
        "smtp.ca-file /ca",
        &format!("smtp.{pinned}"),
        "smtp.password-env PW (of the account)",
        "fetch.exec procmail",
        "fetch.after delete-after 14d",
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn check_finds_what_a_run_would_trip_over() {
    for (text, place) in [
        ("[accounts.a]\nemial = \"a@example.org\"\n", ":2:1: "),
        ("[accounts.a]\nemail = \"a@example.org\"\npop3.port = 1\n", "host is missing"),
        ("[accounts.a]\nemail = \"a@example.org\"\npop3.host = \"h\"\npassword-file = \"gone\"\n", "gone"),
        ("[accounts.a]\nemail = \"a@example.org\"\npop3.host = \"h\"\nca-file = \"gone.pem\"\n", "gone.pem"),
    ] {
        let world = world();
        world.config(text);
        let error = config(&world, &["check"]).assert_failure(78, "config");
        assert!(error["message"].as_str().unwrap().contains(place), "{error}");
    }
}

#[test]
fn two_edits_at_once_are_both_kept() {
    let world = world();
    world.config("[accounts.a]\nemail = \"a@example.org\"\n");
    std::thread::scope(|scope| {
        for (key, value) in [("name", "Ana"), ("description", "mine"), ("pop3.host", "p"), ("smtp.host", "s")]
        {
            let run = world.postie(["config", "set", "a", key, value]);
            scope.spawn(move || {
                run.go().assert_exit(0);
            });
        }
    });
    let text = file(&world);
    for part in ["Ana", "mine", "\"p\"", "\"s\""] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn the_first_account_is_the_default_and_the_place_for_its_mail_is_made() {
    let world = world();
    let add = |name: &str, dir: &str| {
        let args = ["add", name, "--email", "a@example.org", "--pop3", "pop3s://h", "--maildir", dir];
        config(&world, &args).assert_exit(0);
    };
    add("one", "~/Mail/deep/one");
    add("two", "~/Mail/two");
    assert!(file(&world).starts_with("default-account = \"one\"\n"), "{}", file(&world));
    for dir in ["Mail", "Mail/deep"] {
        assert_mode(&world.path(dir), 0o700);
    }
    // The Maildir itself is fetch's to make.
    assert!(!world.path("Mail/deep/one").exists());
    world.write("plain", "");
    let args = ["add", "three", "--email", "a@example.org", "--pop3", "pop3s://h", "--maildir", "plain/x"];
    config(&world, &args).assert_failure(73, "cannot_create");
    assert!(!file(&world).contains("three"));
}

#[test]
fn a_command_is_set_as_a_line_as_words_or_as_an_array() {
    let world = world();
    world.config("[accounts.a]\nemail = \"a@example.org\"\npop3.host = \"h\"\n");
    let argv = "password-command = [\"pass\", \"show\", \"mail/x y\"]";
    for (words, wanted) in [
        (&["pass show mail/x | head -1"][..], "password-command = \"pass show mail/x | head -1\""),
        (&["pass", "show", "mail/x y"], argv),
        (&["[\"pass\", \"show\", \"mail/x y\"]"], argv),
        (&["[\"pass\",\"show\",\"mail/x y\"]"], argv),
        (&["pass", "--", "-q", "x"], "password-command = [\"pass\", \"-q\", \"x\"]"),
        (&["[ -f x ] && cat x"], "password-command = \"[ -f x ] && cat x\""),
    ] {
        let args = [&["set", "a", "password-command"], words].concat();
        config(&world, &args).assert_exit(0);
        let text = file(&world);
        assert!(text.contains(wanted), "{words:?}: {text}");
    }
    // Global options stand behind the words too.
    let behind = world.postie(["config", "set", "a", "password-command", "pass", "x", "--json"]).go();
    assert_eq!(behind.of_type("account")[0]["pop3"]["secret"]["value"], "pass x");
    config(&world, &["set", "a", "aliases.root", "a@example.org", "b@example.org"]).assert_exit(0);
    assert!(file(&world).contains("root = [\"a@example.org\", \"b@example.org\"]"), "{}", file(&world));
    config(&world, &["set", "a", "fetch.exec", "[\"cat\"]"]).assert_exit(0);
    let before = file(&world);
    for words in [
        &["password-command", "[\"pass\", 1]"][..],
        &["password-command", "[\"pass\", \"show\""],
        &["password-command", "[]"],
        &["name", "Ana", "Example"],
        &["pop3.port", "1", "2"],
        &["password", "a", "b"],
    ] {
        config(&world, &[&["set", "a"], words].concat()).assert_failure(64, "usage");
        assert_eq!(file(&world), before, "{words:?}");
    }
}

#[test]
fn what_comes_before_a_key_that_is_set_is_named() {
    let text = "[accounts.a]\nemail = \"a@example.org\"\nca-file = \"x\"\n[accounts.a.pop3]\nhost = \"h\"\n\
                password-file = \"p\"\nca-file = \"y\"\n[accounts.a.smtp]\nhost = \"h\"\npassword-env = \"E\"\n";
    for (key, value, variable, named) in [
        ("password-command", "x", None, &["pop3.password-file", "smtp.password-env"][..]),
        ("pop3.password-env", "X", None, &["pop3.password-file"]),
        ("pop3.password-command", "x", None, &[]),
        ("smtp.password-file", "x", Some("POSTIE_PASSWORD"), &["$POSTIE_PASSWORD is set"]),
        ("smtp.password-file", "x", Some("POSTIE_PASSWORD_FILE"), &["$POSTIE_PASSWORD_FILE is set"]),
        ("ca-file", "z", None, &["pop3.ca-file"]),
        ("name", "Ana", Some("POSTIE_PASSWORD"), &[]),
    ] {
        let world = world();
        world.config(text);
        let mut run = world.postie(["config", "set", "a", key, value]);
        if let Some(variable) = variable {
            run = run.env(variable, "x");
        }
        let outcome = run.go();
        outcome.assert_exit(0);
        let said = outcome.err();
        assert_eq!(said.lines().count(), named.len(), "{key}: {said}");
        for what in named {
            assert!(said.contains(what), "{key}: {said}");
        }
    }
    let world = world();
    world.config(&format!(
        "{text}[accounts.a.imap]\nhost = \"h\"\nca-file = \"y\"\n[accounts.a.oauth]\nprovider = \"google\"\n"
    ));
    let set = |key: &str| config(&world, &["set", "a", key, "x"]).err();
    let said = set("password-command");
    assert!(said.contains("imap is by OAuth2") && said.contains("`postie config unset a oauth`"), "{said}");
    assert!(set("ca-file").contains("imap.ca-file"));
    config(&world, &["unset", "a", "oauth"]).assert_exit(0);
    assert!(!set("password-command").contains("OAuth2"));
    let world = crate::world();
    world.config(text);
    let outcome = world.postie(["config", "default", "a"]).env("POSTIE_ACCOUNT", "b").go();
    assert!(outcome.err().contains("$POSTIE_ACCOUNT is set"), "{}", outcome.err());
}

#[test]
fn what_edits_that_were_killed_have_left_goes_with_the_next_edit_and_nothing_else_does() {
    let text = "[accounts.a]\nemail = 'a@b.example'\nname = 'A'\n\n[accounts.b]\nemail = 'b@b.example'\n";
    for args in [
        &["set", "a", "name", "Ana"][..],
        &["unset", "a", "name"],
        &["remove", "b"],
        &["default", "a"],
        &["add", "c", "--email", "c@b.example", "--smtp", "smtps://127.0.0.1:1"],
        &["import", "msmtp", "msmtprc"],
    ] {
        let world = world();
        world.write("msmtprc", "account z\nhost smtp.example.org\ntls on\nfrom z@example.org\n");
        let path = world.config(text);
        let left = path.with_file_name(".config.toml.1f.2a.0");
        world.write(".config/postie/.config.toml.1f.2a.0", "password = 'x'");
        world.write(".config/postie/.config.toml.swp", "an editor's");
        config(&world, args).assert_exit(0);
        assert_ne!(file(&world), text, "{args:?}");
        assert!(!left.exists(), "{args:?}");
        let count = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(count, 2, "{args:?}: the file, and the editor's");
    }
}

#[test]
fn removing_an_account_leaves_all_that_is_not_of_it() {
    let world = world();
    let rest = "# Mail of the family; kept in git.\n\n[accounts.b]\nemail = 'b@b.example' # hers\n# smtp.port = 1\n# end";
    let text = rest.replace(
        "[accounts.b]",
        "# mine\n[accounts.a]\nemail = 'a@b.example'\n\n# the server\n[accounts.a.pop3]\nhost = 'h'\n\n[accounts.b]",
    );
    let (as_it_is, crlf) = (str::to_owned, |text: &str| text.replace('\n', "\r\n"));
    let unended = |text: &str| text.replace("\n# smtp.port = 1\n# end", "");
    let forms: [&dyn Fn(&str) -> String; 4] = [&as_it_is, &crlf, &unended, &|text| crlf(&unended(text))];
    for form in forms {
        let (text, rest) = (form(&text), form(rest));
        world.config(&text);
        config(&world, &["remove", "a"]).assert_exit(0);
        assert_eq!(file(&world), rest);
    }
}
