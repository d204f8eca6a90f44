use super::*;
use crate::words::Kind;
use std::path::PathBuf;

const TWO: &str = r#"
[accounts.work]
email = "ana@example.org"
pop3.host = "pop.example.org"
smtp.host = "smtp.example.org"
[accounts.home]
email = "ana@home.example"
smtp.host = "smtp.home.example"
"#;

fn without_options(need: Need) -> Selection<'static> {
    let tls = TlsSettings::default();
    Selection { config: None, account: None, server: None, from: None, need, tls, proxy: None }
}

struct SelectHome {
    dir: tempfile::TempDir,
}

impl SelectHome {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.toml"), config).unwrap();
        SelectHome { dir }
    }

    fn env(&self, more: &[(&str, &str)]) -> Env {
        let config: PathBuf = self.dir.path().join("config.toml");
        let config = [("POSTIE_CONFIG", config.to_str().unwrap().to_owned())];
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        config.into_iter().chain(more).collect()
    }

    fn label(&self, selection: &Selection<'_>, more: &[(&str, &str)]) -> Result<String, Failure> {
        select(selection, &self.env(more)).map(|account| account.label)
    }
}

#[test]
fn the_order_is_option_variable_from_default_only() {
    let home = SelectHome::new(&format!("default-account = \"work\"\n{TWO}"));
    let from = Address::parse("ana@home.example").unwrap();
    let mut selection = Selection { from: Some(&from), ..without_options(Need::Smtp) };
    let variable = [("POSTIE_ACCOUNT", "work")];
    let urls = [("POSTIE_SMTP_URL", "smtp://env.example")];
    assert_eq!(home.label(&selection, &[]).unwrap(), "home");
    assert_eq!(home.label(&selection, &urls).unwrap(), "env.example:587");
    assert_eq!(home.label(&selection, &[variable[0], urls[0]]).unwrap(), "work");
    selection.account = Some("home");
    assert_eq!(home.label(&selection, &[variable[0], urls[0]]).unwrap(), "home");
    assert_eq!(home.label(&without_options(Need::Smtp), &[]).unwrap(), "work");
    let stranger = Address::parse("bob@example.org").unwrap();
    let selection = Selection { from: Some(&stranger), ..without_options(Need::Smtp) };
    assert_eq!(home.label(&selection, &[]).unwrap(), "work");
    let one = SelectHome::new("[accounts.only]\nemail = \"a@b.example\"\npop3.host = \"h\"\n");
    assert_eq!(one.label(&without_options(Need::Incoming), &[]).unwrap(), "only");
}

#[test]
fn several_without_a_default_and_unknown_names_say_which_there_are() {
    let home = SelectHome::new(TWO);
    let failure = home.label(&without_options(Need::Incoming), &[]).unwrap_err();
    assert_eq!(failure.kind(), Kind::Config);
    assert!(failure.hint.unwrap().contains("known accounts: work, home"));
    let named = Selection { account: Some("wrok"), ..without_options(Need::Incoming) };
    let failure = home.label(&named, &[]).unwrap_err();
    assert_eq!((failure.kind(), failure.hint.as_deref()), (Kind::Config, Some("known accounts: work, home")));
}

#[test]
fn an_account_without_the_server_is_refused() {
    let home = SelectHome::new(TWO);
    let named = Selection { account: Some("home"), ..without_options(Need::Incoming) };
    let failure = home.label(&named, &[]).unwrap_err();
    assert_eq!(failure.kind(), Kind::Config);
    assert!(failure.hint.unwrap().contains("config set home pop3.host"));
}

#[test]
fn a_server_on_the_spot_needs_no_file_and_no_home() {
    let url = Selection { server: Some("pop3s://ana@pop.example.org"), ..without_options(Need::Incoming) };
    let account = select(&url, &Env::default()).unwrap();
    assert_eq!(account.label, "ana@pop.example.org:995");
    assert!(account.name_in_config.is_none() && account.email.is_none());
    let broken = SelectHome::new("[[[");
    assert!(broken.label(&url, &[]).is_ok());
    let wrong = Selection { server: Some("smtp://relay"), ..without_options(Need::Incoming) };
    assert_eq!(select(&wrong, &Env::default()).unwrap_err().kind(), Kind::Usage);
    let both = Selection { account: Some("work"), ..url };
    assert_eq!(select(&both, &Env::default()).unwrap_err().kind(), Kind::Usage);
}

#[test]
fn the_environment_alone_makes_an_account() {
    let env: Env = [
        ("POSTIE_POP3_URL", "pop3s://ana%40example.org@pop.example.org"),
        ("POSTIE_SMTP_URL", "smtps://ana%40example.org@smtp.example.org"),
    ]
    .into_iter()
    .collect();
    let account = select(&without_options(Need::Smtp), &env).unwrap();
    assert_eq!(account.label, "ana@example.org@smtp.example.org:465");
    assert_eq!(account.email.unwrap().as_str(), "ana@example.org");
    assert!(account.pop3.is_some());
    let from: Env =
        [("POSTIE_SMTP_URL", "smtp://relay"), ("POSTIE_FROM", "ci@example.org")].into_iter().collect();
    let account = select(&without_options(Need::Smtp), &from).unwrap();
    assert_eq!(account.email.unwrap().as_str(), "ci@example.org");
    assert_eq!(account.smtp.unwrap().username, None);
}

#[test]
fn the_author_of_the_environment_may_have_a_name() {
    for (from, name) in [
        ("\"CI Bot\" <ci@example.org>", Some("CI Bot")),
        ("CI Bot <ci@example.org>", Some("CI Bot")),
        ("<ci@example.org>", None),
        ("ci@example.org", None),
        ("J\u{f6}rg (CI) <ci@example.org>", Some("J\u{f6}rg (CI)")),
    ] {
        let env = [("POSTIE_SMTP_URL", "smtp://relay"), ("POSTIE_FROM", from)].into_iter().collect();
        let account = select(&without_options(Need::Smtp), &env).unwrap();
        assert_eq!(account.email.unwrap().as_str(), "ci@example.org", "{from}");
        assert_eq!(account.name.as_deref(), name, "{from}");
    }
    for bad in ["ci", "a@x.org, b@x.org", "CI <ci@x.org", "x\r\nBcc: b@x.org <a@x.org>"] {
        let env = [("POSTIE_SMTP_URL", "smtp://relay"), ("POSTIE_FROM", bad)].into_iter().collect();
        assert_eq!(select(&without_options(Need::Smtp), &env).unwrap_err().kind(), Kind::Config, "{bad}");
    }
}

#[test]
fn the_authority_of_the_environment_is_that_of_its_servers() {
    let env: Env = [
        ("POSTIE_POP3_URL", "pop3s://ana@pop.example.org"),
        ("POSTIE_SMTP_URL", "smtps://ana@smtp.example.org"),
        ("POSTIE_CA_FILE", "/ci/ca.pem"),
    ]
    .into_iter()
    .collect();
    let ca = |account: &Account| {
        let servers =
            [&account.pop3, &account.smtp].map(|server| server.as_ref().unwrap().tls.ca_file.clone());
        servers.map(|file| file.unwrap().to_str().unwrap().to_owned())
    };
    let account = select(&without_options(Need::Smtp), &env).unwrap();
    assert_eq!(ca(&account), ["/ci/ca.pem", "/ci/ca.pem"]);
    let tls = TlsSettings { ca_file: Some("/option.pem".into()), ..TlsSettings::default() };
    let account = select(&Selection { tls, ..without_options(Need::Smtp) }, &env).unwrap();
    assert_eq!(ca(&account), ["/option.pem", "/option.pem"]);
    let home = SelectHome::new(TWO);
    let more = [("POSTIE_CA_FILE", "/ci/ca.pem"), ("POSTIE_ACCOUNT", "work")];
    let account = select(&without_options(Need::Smtp), &home.env(&more)).unwrap();
    assert_eq!(account.smtp.unwrap().tls.ca_file, None, "an account of the file has its own");
}

#[test]
fn of_two_accounts_with_the_address_the_one_that_sends_is_taken() {
    let home = SelectHome::new(
        "[accounts.read]\nemail = 'ana@example.org'\npop3.host = 'h'\n\
         [accounts.write]\nemail = 'ana@example.org'\nsmtp.host = 'h'\n",
    );
    let from = Address::parse("ana@example.org").unwrap();
    let selection = Selection { from: Some(&from), ..without_options(Need::Smtp) };
    assert_eq!(home.label(&selection, &[]).unwrap(), "write");
}

#[test]
fn a_password_in_a_url_is_a_usage_error_that_does_not_repeat_it() {
    let url = "pop3s://ana:S3CRET@pop.example.org";
    let option = Selection { server: Some(url), ..without_options(Need::Incoming) };
    let of_option = select(&option, &Env::default()).unwrap_err();
    let env = [("POSTIE_POP3_URL", url)].into_iter().collect();
    let of_variable = select(&without_options(Need::Incoming), &env).unwrap_err();
    for failure in [of_option, of_variable] {
        assert_eq!(failure.kind(), Kind::Usage);
        assert!(!format!("{failure:?}").contains("S3CRET"));
    }
}

#[test]
fn without_any_configuration_it_says_how_to_make_one() {
    let env = [("HOME", "/nonexistent")].into_iter().collect();
    let failure = select(&without_options(Need::Incoming), &env).unwrap_err();
    assert_eq!(failure.kind(), Kind::Config);
    assert!(failure.hint.unwrap().contains("config add"));
    assert_eq!(select(&without_options(Need::Incoming), &Env::default()).unwrap_err().kind(), Kind::Config);
}

#[test]
fn all_accounts_are_those_with_the_server() {
    let home = SelectHome::new(TWO);
    let labels = |need| -> Vec<String> {
        let found = all(&without_options(need), &home.env(&[])).unwrap();
        found.into_iter().map(|account| account.label).collect()
    };
    assert_eq!(labels(Need::Smtp), ["work", "home"]);
    assert_eq!(labels(Need::Incoming), ["work"]);
    let named = Selection { account: Some("work"), ..without_options(Need::Incoming) };
    assert_eq!(all(&named, &home.env(&[])).unwrap_err().kind(), Kind::Usage);
    let none = SelectHome::new("");
    assert_eq!(all(&without_options(Need::Incoming), &none.env(&[])).unwrap_err().kind(), Kind::Config);
}

#[test]
fn what_the_options_say_of_trust_replaces_the_account_s_own() {
    let home = SelectHome::new(&format!("{TWO}ca-file = \"/own.pem\"\n"));
    let tls = TlsSettings { ca_file: Some("/said.pem".into()), ..TlsSettings::default() };
    let mut selection = Selection { account: Some("home"), ..without_options(Need::Smtp) };
    let ca_file =
        |selection: &Selection<'_>| select(selection, &home.env(&[])).unwrap().smtp.unwrap().tls.ca_file;
    assert_eq!(ca_file(&selection), Some("/own.pem".into()));
    selection.tls = tls;
    assert_eq!(ca_file(&selection), Some("/said.pem".into()));
}
