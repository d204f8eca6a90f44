//! Edits of files as people write them.

use super::*;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

const BY_HAND: &str = r#"# my accounts
default-account = "work"   # at the office

# the office
[accounts.work]
email = "ana@example.org"
password-command = ["pass", "show", "mail/work"] # both servers

[accounts.work.pop3]
host = "pop.example.org"  # the old one
port = 1995

[accounts.home]
email = "ana@home.example"
smtp.host = "smtp.home.example"
password = "S3CRET"

# the end
"#;

struct EditHome(tempfile::TempDir);

impl EditHome {
    fn new(text: &str) -> Self {
        let home = EditHome(tempfile::tempdir().unwrap());
        fs::write(home.path(), text).unwrap();
        home
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("config.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn editor(&self) -> Editor {
        Editor::open(&self.path(), &Env::from_iter([("HOME", "/home/ana")]), &Limits::default()).unwrap()
    }

    fn set(&self, key: &str, value: &str) -> Result<(), Failure> {
        let mut editor = self.editor();
        editor.set("work", key, &[value])?;
        editor.save().map(|_| ())
    }
}

#[test]
fn comments_and_order_survive_an_edit() {
    let home = EditHome::new(BY_HAND);
    home.set("pop3.host", "new.example.org").unwrap();
    home.set("pop3.port", "995").unwrap();
    let wanted = BY_HAND.replace("pop.example.org", "new.example.org").replace("1995", "995");
    assert_eq!(home.text(), wanted);
    home.set("pop3.tls", "starttls").unwrap();
    assert_eq!(home.text(), wanted.replace("port = 995\n", "port = 995\ntls = \"starttls\"\n"));
}

#[test]
fn values_are_written_with_the_type_of_their_key() {
    let home = EditHome::new(BY_HAND);
    for (key, value, line) in [
        ("pop3.port", "110", "port = 110"),
        ("pop3.allow-plaintext-auth", "true", "allow-plaintext-auth = true"),
        ("password-command", "pass show x", "password-command = \"pass show x\" # both servers"),
        ("fetch.maildir", "~/Mail", "[accounts.work.fetch]\nmaildir = \"~/Mail\""),
        ("name", "Ana \"A\" Éxample", "Ana \"A\" Éxample"),
    ] {
        home.set(key, value).unwrap();
        let text = home.text();
        assert!(text.contains(line), "{line}:\n{text}");
    }
}

#[test]
fn a_change_that_makes_no_sense_leaves_the_file_as_it_was() {
    let home = EditHome::new(BY_HAND);
    for (key, value) in [
        ("pop3.port", "0"),
        ("pop3.port", "65536"),
        ("pop3.tls", "required"),
        ("pop3.tsl", "none"),
        ("pop3", "x"),
        ("pop3.host", ""),
        ("pop3.allow-plaintext-auth", "yes"),
        ("smtp.port", "25"),
        ("email", "nobody"),
        ("name", "a\r\nBcc: x"),
        ("name", "a\0"),
        ("jmap.host", "x"),
        ("email.x", "x"),
        ("pop3.host.x", "x"),
        ("password", "N3W"),
        ("smtp.password", "N3W"),
        ("fetch.after", "never"),
    ] {
        let failure = home.set(key, value).unwrap_err();
        assert_eq!(failure.kind(), Kind::Usage, "{key}: {failure}");
        assert!(!format!("{failure:?}").contains("N3W") && !format!("{failure:?}").contains("S3CRET"));
        assert_eq!(home.text(), BY_HAND, "{key}");
    }
    assert_eq!(fs::read_dir(home.0.path()).unwrap().count(), 1, "something was left behind");
}

#[test]
fn a_typo_in_a_key_is_answered_with_the_key() {
    let home = EditHome::new(BY_HAND);
    let hint = |key: &str| home.set(key, "x").unwrap_err().hint.unwrap();
    assert_eq!(hint("pop3.hots"), "did you mean `pop3.host`?", "as it is to be typed");
    assert_eq!(hint("fetch.maildr"), "did you mean `fetch.maildir`?");
    for (typed, meant) in [("pop.host", "pop3.host"), ("pop3s.hots", "pop3.host"), ("smpt.port", "smtp.port")]
    {
        assert_eq!(hint(typed), format!("did you mean `{meant}`?"), "the table is mistyped");
    }
    assert_eq!(hint("emial"), "did you mean `email`?");
    assert!(hint("xyzzy.host").contains("known here: email"));
}

#[test]
fn a_key_or_a_table_can_be_unset() {
    let home = EditHome::new(BY_HAND);
    let mut editor = home.editor();
    assert!(editor.unset("work", "pop3.port").unwrap());
    assert!(!editor.unset("work", "pop3.port").unwrap());
    assert!(!editor.unset("work", "smtp.port").unwrap());
    assert!(editor.unset("home", "smtp").unwrap());
    assert!(editor.unset("work", "nonsense").is_err());
    assert_eq!(editor.unset("gone", "email").unwrap_err().kind(), Kind::Config);
    editor.save().unwrap();
    assert!(!home.text().contains("1995") && !home.text().contains("smtp.home"));
    let mut editor = home.editor();
    editor.unset("work", "pop3.host").unwrap();
    assert!(editor.unset("work", "email").unwrap());
    assert_eq!(editor.save().unwrap_err().kind(), Kind::Usage);
}

#[test]
fn removing_an_account_takes_its_tables_and_the_default_along() {
    let home = EditHome::new(BY_HAND);
    let mut editor = home.editor();
    editor.remove("work").unwrap();
    assert_eq!(editor.remove("work").unwrap_err().hint.as_deref(), Some("known accounts: home"));
    let contents = editor.save().unwrap();
    assert_eq!((contents.accounts.len(), contents.default_account), (1, None));
    assert!(!home.text().contains("work"), "{}", home.text());
    assert!(home.text().contains("S3CRET") && home.text().contains("# the end"));
}

#[test]
fn the_default_is_one_of_the_accounts() {
    let home = EditHome::new(BY_HAND);
    let mut editor = home.editor();
    assert_eq!(editor.set_default("gone").unwrap_err().kind(), Kind::Config);
    editor.set_default("home").unwrap();
    editor.save().unwrap();
    assert!(home.text().contains("default-account = \"home\"   # at the office"));
    let fresh = EditHome::new("[accounts.a]\nemail = 'a@b.example'\n");
    let mut editor = fresh.editor();
    editor.set_default("a").unwrap();
    assert_eq!(editor.save().unwrap().default_account.as_deref(), Some("a"));
}

#[test]
fn an_account_is_added_to_a_file_that_is_not_there_yet() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/er/config.toml");
    let mut editor = Editor::open(&path, &Env::default(), &Limits::default()).unwrap();
    let settings = [
        ("email", Setting::Text("ana@example.org".into())),
        ("password-command", Setting::Command(Program::Argv(vec!["pass".into(), "it's".into()]))),
        ("pop3.host", Setting::Text("pop.example.org".into())),
        ("pop3.port", Setting::Port(1995)),
        ("fetch.maildir", Setting::Text("/mail".into())),
    ];
    editor.add("work", &settings).unwrap();
    assert_eq!(editor.preview("work").unwrap().pop3.unwrap().port, 1995);
    assert_eq!(editor.add("work", &settings).unwrap_err().kind(), Kind::Config);
    assert_eq!(editor.add("-x", &settings).unwrap_err().kind(), Kind::Usage);
    editor.save().unwrap();
    let wanted = "[accounts.work]\nemail = \"ana@example.org\"\npassword-command = [\"pass\", \"it's\"]\n\n\
                  [accounts.work.pop3]\nhost = \"pop.example.org\"\nport = 1995\n\n\
                  [accounts.work.fetch]\nmaildir = \"/mail\"\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
}

#[test]
fn a_second_account_stands_behind_the_first() {
    let home = EditHome::new(BY_HAND);
    let mut editor = home.editor();
    editor.add("third", &[("email", Setting::Text("c@d.example".into()))]).unwrap();
    editor.set_to("third", "password", &Setting::Password(Secret::new("p\"w"))).unwrap();
    let contents = editor.save().unwrap();
    assert_eq!(contents.accounts.len(), 3);
    assert!(home.text().starts_with(BY_HAND.trim_end_matches("\n# the end\n")), "{}", home.text());
}

#[test]
fn a_file_that_was_open_to_all_is_closed_and_a_link_stays_a_link() {
    let home = EditHome::new("[accounts.work]\nemail = 'a@b.example'\n");
    let real = home.0.path().join("dotfiles.toml");
    fs::rename(home.path(), &real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
    symlink("dotfiles.toml", home.path()).unwrap();
    home.set("email", "new@b.example").unwrap();
    assert!(fs::symlink_metadata(home.path()).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("new@b.example"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn crlf_line_ends_and_the_byte_order_mark_stay() {
    let text = format!("\u{feff}{}", BY_HAND.replace('\n', "\r\n"));
    let home = EditHome::new(&text);
    home.set("pop3.port", "995").unwrap();
    assert_eq!(home.text(), text.replace("1995", "995"));
}

#[test]
fn inline_tables_and_dotted_keys_can_be_edited_too() {
    let home = EditHome::new(
        "accounts.work = { email = 'a@b.example', pop3 = { host = 'h' } }\naccounts.home.email = 'b@b.example'\n",
    );
    home.set("pop3.port", "1110").unwrap();
    home.set("smtp.host", "s").unwrap();
    let mut editor = home.editor();
    editor.set("home", "name", &["Ana"]).unwrap();
    editor.add("new", &[("email", Setting::Text("c@d.example".into()))]).unwrap();
    let contents = editor.save().unwrap();
    assert_eq!(contents.accounts.len(), 3);
    assert_eq!(contents.accounts[0].pop3.as_ref().unwrap().port, 1110);
}

#[test]
fn a_file_that_is_no_toml_is_not_touched_and_not_quoted() {
    let home = EditHome::new("[accounts.a]\npassword = \"S3CRET\n");
    let failure = Editor::open(&home.path(), &Env::default(), &Limits::default()).map(|_| ()).unwrap_err();
    assert_eq!(failure.kind(), Kind::Config);
    assert!(failure.message.contains("config.toml:2:"), "{failure}");
    assert!(!format!("{failure:?}").contains("S3CRET"));
}

#[test]
fn a_text_without_quotes_is_told_as_to_who_only_reads() {
    let home = EditHome::new("[accounts.a]\nname = nobody\n");
    let failure = Editor::open(&home.path(), &Env::default(), &Limits::default()).map(|_| ()).unwrap_err();
    assert!(failure.message.contains("config.toml:2:8: this text has no quotes"), "{failure}");
    assert!(failure.hint.unwrap().contains("key = \"text\""));
}

#[test]
fn a_directory_that_cannot_be_made_is_said_so() {
    let home = EditHome::new("");
    let below_a_file = home.path().join("config.toml");
    let failure = Editor::open(&below_a_file, &Env::default(), &Limits::default()).map(|_| ()).unwrap_err();
    assert!(matches!(failure.kind(), Kind::CannotCreate | Kind::Config), "{failure}");
}

#[test]
fn a_mistake_that_was_there_before_is_named_where_it_stands() {
    let text = "[accounts.work]\nemail = 'a@b.example'\n\n[accounts.b]\nemial = 'b@b.example'\n";
    let home = EditHome::new(text);
    let failure = home.set("name", "Ana").unwrap_err();
    assert_eq!(failure.kind(), Kind::Config);
    assert!(failure.message.contains("config.toml:5:1: accounts.b"), "{failure}");
    assert!(failure.hint.unwrap().contains("did you mean `email`?"));
    assert_eq!(home.text(), text);
    let mut editor = home.editor();
    assert!(editor.unset("b", "emial").unwrap(), "what is no key can be taken out");
    assert_eq!(editor.unset("b", "emial").unwrap_err().kind(), Kind::Usage);
    editor.save().unwrap();
    home.set("name", "Ana").unwrap();
}

#[test]
fn a_new_account_stands_behind_the_comments_that_end_the_file() {
    for (text, between) in [
        ("[accounts.a]\nemail = 'a@b.example'\n# smtp.host = 'h'\n", "\n"),
        ("[accounts.a]\nemail = 'a@b.example'", "\n\n"),
        ("[accounts]\na.email = 'a@b.example'\n\n# end", "\n\n"),
        ("accounts.a.email = 'a@b.example'\n", "\n"),
        ("# mine\n", "\n"),
        ("", ""),
    ] {
        for crlf in [false, true] {
            let ended = |text: &str| if crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
            // Where there is no line yet, there is no other end to follow.
            if crlf && !text.contains('\n') {
                continue;
            }
            let home = EditHome::new(&ended(text));
            let mut editor = home.editor();
            let settings =
                [("email", Setting::Text("n@b.example".into())), ("smtp.host", Setting::Text("s".into()))];
            editor.add("new", &settings).unwrap();
            editor.save().unwrap();
            let own = "[accounts.new]\nemail = \"n@b.example\"\n\n[accounts.new.smtp]\nhost = \"s\"\n";
            assert_eq!(home.text(), ended(&format!("{text}{between}{own}")));
        }
    }
}

#[test]
fn an_attempt_that_fails_leaves_no_trace_in_the_text() {
    let home = EditHome::new(BY_HAND);
    let mut editor = home.editor();
    let failed = editor.attempt(|editor| {
        editor.remove("home")?;
        editor.add("new", &[("smtp.host", Setting::Text("s".into()))])
    });
    assert_eq!(failed.unwrap_err().kind(), Kind::Usage, "nobody is there to log in");
    editor.set("work", "pop3.port", &["995"]).unwrap();
    editor.save().unwrap();
    assert_eq!(home.text(), BY_HAND.replace("1995", "995"));
}
