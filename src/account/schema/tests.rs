use super::*;
use crate::account::{Auth, Destination, Env, FetchSettings, Server};
use crate::net::Security;
use crate::words::After;
use std::path::Path;
use std::time::Duration;

fn read(text: &str) -> Result<Contents, Fault> {
    let env = Env::from_iter([("HOME", "/home/ana")]);
    super::read(text, PathContext { env: &env, beside: Path::new("/etc/postie") })
}

fn only(text: &str) -> Account {
    read(text).unwrap().accounts.remove(0)
}

const WHOLE: &str = r#"
default-account = "work"

[accounts.work]
email = "ana@example.org"
name  = "Ana Example"
description = "Work mail"
password-command = ["pass", "show", "mail/work"]   # both servers
ca-file = "ca.pem"

[accounts.work.pop3]
host = "POP.example.org."
port = 1995
tls  = "starttls"
auth = "apop"
password-file = "~/pw"

[accounts.work.smtp]
host = "smtp.example.org"
username = "ana"
tls = "none"
allow-plaintext-auth = true

[accounts.work.fetch]
maildir = "~/Mail/work"
after   = "delete-after 14d"
"#;

#[test]
fn every_key_of_an_account_is_taken() {
    let contents = read(WHOLE).unwrap();
    assert_eq!(contents.default_account.as_deref(), Some("work"));
    assert!(!contents.holds_secret);
    let account = &contents.accounts[0];
    assert_eq!((&*account.label, account.name.as_deref()), ("work", Some("Ana Example")));
    let pop3 = account.pop3.as_ref().unwrap();
    assert_eq!(pop3.label(), "ana@example.org@pop.example.org:1995");
    assert_eq!((pop3.security, pop3.auth), (Security::StartTls, Auth::Apop));
    let said: Vec<&str> = pop3.secrets.0.iter().map(|stated| &*stated.by).collect();
    assert_eq!(said, ["accounts.work.pop3.password-file", "accounts.work.password-command"]);
    let smtp = account.smtp.as_ref().unwrap();
    assert_eq!((smtp.label().as_str(), smtp.security), ("ana@smtp.example.org:25", Security::None));
    assert!(smtp.allow_plaintext_auth && !pop3.allow_plaintext_auth);
    assert_eq!(smtp.tls.ca_file.as_deref(), Some(Path::new("/etc/postie/ca.pem")));
    assert_eq!(account.fetch.destination, Some(Destination::Maildir("/home/ana/Mail/work".into())));
    assert_eq!(account.fetch.after, After::DeleteAfter(Duration::from_secs(14 * 86_400)));
}

#[test]
fn what_is_not_said_has_the_safe_default() {
    let account = only("[accounts.a]\nemail = 'a@b.example'\npop3.host = 'h'\nsmtp.host = 'h'");
    let (pop3, smtp) = (account.pop3.unwrap(), account.smtp.unwrap());
    assert_eq!((pop3.security, pop3.port, pop3.auth), (Security::Implicit, 995, Auth::Auto));
    assert_eq!((smtp.security, smtp.port, smtp.auth), (Security::Implicit, 465, Auth::Auto));
    assert_eq!(pop3.username.as_deref(), Some("a@b.example"));
    assert!(!pop3.allow_plaintext_auth && pop3.secrets.0.is_empty());
    assert_eq!(account.fetch, FetchSettings::default());
}

#[test]
fn sources_in_one_table_have_the_order_of_the_contract() {
    let account = only(
        "[accounts.a]\nemail = 'a@b.example'\npassword = 'p'\ntoken-command = 't'\npassword-env = 'E'\n\
         password-file = '/f'\npassword-command = 'c'\npop3.host = 'h'\npop3.password = 'own'",
    );
    let secrets = account.pop3.unwrap().secrets;
    let names: Vec<&str> = secrets.0.iter().map(|stated| stated.source.name()).collect();
    let account_s = ["password-command", "password-file", "password-env", "token-command", "password"];
    assert_eq!(names[0], "password");
    assert_eq!(names[1..], account_s);
}

#[test]
fn a_relay_without_auth_is_said_so_and_pop3_has_no_such_thing() {
    let relay = only("[accounts.a]\nemail = 'a@b.example'\nsmtp.host = 'h'\nsmtp.auth = 'none'");
    assert_eq!(relay.smtp.unwrap().username, None);
    assert!(read("[accounts.a]\nemail = 'a@b.example'\npop3.host = 'h'\npop3.auth = 'none'").is_err());
    assert!(read("[accounts.a]\npop3.host = 'h'").is_err());
    assert!(read("[accounts.a]\nsmtp.host = 'h'").is_err());
}

#[test]
fn faults_have_their_place_and_their_key() {
    for (text, line, within) in [
        ("[accounts.a]\nemial = 'a@b.example'", 2, "accounts.a"),
        ("[accounts.a.pop3]\nhost = 'h'\ntsl = 'none'", 3, "accounts.a.pop3"),
        ("[accounts.a.pop3]\nhost = 'h'\nport = '995'", 3, "accounts.a.pop3.port"),
        ("[accounts.a.pop3]\nport = 0", 2, "accounts.a.pop3.port"),
        ("[accounts.a.pop3]\nport = 65536", 2, "accounts.a.pop3.port"),
        ("[accounts.a.pop3]\nport = -1", 2, "accounts.a.pop3.port"),
        ("[accounts.a.pop3]\nhost = \"a\\r\\nb\"", 2, "accounts.a.pop3.host"),
        ("[accounts.a.smtp]\nauth = 'apop'", 2, "accounts.a.smtp.auth"),
        ("[accounts.a.smtp]\nallow-plaintext-auth = 'yes'", 2, "accounts.a.smtp.allow-plaintext-auth"),
        ("[accounts.a]\nemail = 'a b'", 2, "accounts.a.email"),
        ("[accounts.a]\nname = \"x\\u0000\"", 2, "accounts.a.name"),
        ("[accounts.a]\npassword-command = []", 2, "accounts.a.password-command"),
        ("[accounts.a]\npassword-command = ['a', 1]", 2, "accounts.a.password-command"),
        ("[accounts.a]\npassword = ''", 2, "accounts.a.password"),
        ("[accounts.a]\ntls-fingerprint = 'sha1:00'", 2, "accounts.a.tls-fingerprint"),
        ("[accounts.a]\npop3 = 'h'", 2, "accounts.a.pop3"),
        ("[accounts.a.fetch]\nmaildir = '/a'\nmbox = '/b'", 3, "accounts.a.fetch.mbox"),
        ("[accounts.a.fetch]\nafter = 'never'", 2, "accounts.a.fetch.after"),
        ("[accounts.\"-x\"]", 1, "accounts"),
        ("accounts = 3", 1, "accounts"),
        ("\ndefault-account = 'gone'", 2, "default-account"),
        ("verbose = true", 1, ""),
    ] {
        let fault = read(text).unwrap_err();
        let found = text[..fault.at].matches('\n').count() + 1;
        assert_eq!((found, &*fault.within), (line, within), "{text}: {fault:?}");
    }
}

#[test]
fn no_fault_repeats_what_stands_in_the_file() {
    for text in [
        "[accounts.a]\npassword = \"S3CRET",
        "[accounts.a]\npassword = S3CRET",
        "[accounts.a]\npassword \"S3CRET\"",
        "[accounts.a]\nS3CRET",
        "[accounts.a]\nS3CRET = 1",
        "[accounts.a]\npassword.S3CRET = 1",
        "[accounts.a]\npasword = \"S3CRET\"",
        "[accounts.a]\npassword = \"x\"\npassword = \"S3CRET\"",
        "[accounts.a]\nS3CRET = 1\nS3CRET = 2",
        "[accounts.a]\npassword = \"S3CRET\\q\"",
        "[accounts.a]\npassword = \"S3CRET\\nmore\"",
        "[accounts.a]\npassword = [\"S3CRET\"]",
        "[accounts.a]\nemail = \"S3CRET\"",
        "[accounts.a]\npassword-env = \"S3CRET=x\"",
        "[accounts.a]\npassword-file = \"~S3CRET\"",
        "[accounts.a.pop3]\nhost = \"S3CRET:S3CRET\"",
        "[accounts.a.pop3]\ntls = \"S3CRET\"",
        "[accounts.a.pop3]\nauth = \"S3CRET\"",
        "[accounts.a.fetch]\nafter = \"S3CRET\"",
        "[accounts.a]\npassword = \"S3CRET\u{0}\"",
    ] {
        let fault = read(text).unwrap_err();
        assert!(!format!("{fault:?}").contains("S3CRET"), "{text}: {fault:?}");
    }
}

#[test]
fn byte_order_mark_crlf_and_an_empty_file_are_fine() {
    let crlf = format!("\u{feff}{}", WHOLE.replace('\n', "\r\n"));
    assert_eq!(read(&crlf).unwrap().accounts.len(), 1);
    assert!(read("").unwrap().accounts.is_empty());
    assert!(read("\u{feff}").unwrap().accounts.is_empty());
}

#[test]
fn deep_nesting_is_a_fault_and_no_crash() {
    for text in [format!("x = {}", "[".repeat(100_000)), format!("{} = 1", vec!["a"; 50_000].join("."))] {
        assert!(read(&text).is_err());
    }
}

#[test]
fn accounts_keep_the_order_of_the_file() {
    let contents = read("[accounts.z]\n[accounts.a]\n[accounts.m]\n").unwrap();
    let labels: Vec<&str> = contents.accounts.iter().map(|account| &*account.label).collect();
    assert_eq!(labels, ["z", "a", "m"]);
}

#[test]
fn tokens_are_for_the_servers_that_have_no_secret_of_their_own() {
    let text = "[accounts.a]\nemail = 'ana@b.example'\npassword = 'x'\npop3.host = 'p'\n\
                imap = { host = 'i', password-env = 'PW' }\nsmtp.host = 's'\n\
                oauth = { provider = 'microsoft', client-id = 'id', client-secret-env = 'CS' }\n";
    let account = only(text);
    let grant = |server: &Option<Server>| server.as_ref().unwrap().oauth.clone();
    assert!(grant(&account.imap).is_none());
    assert_eq!(
        grant(&account.pop3).unwrap().scopes.join(" "),
        "https://outlook.office.com/POP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access"
    );
    assert_eq!(grant(&account.smtp).unwrap().user.as_deref(), Some("ana@b.example"));
    assert_eq!(grant(&account.smtp).unwrap().place, "accounts.a.oauth");
}

#[test]
fn the_table_of_oauth_is_read_key_by_key_and_what_is_wrong_has_its_place() {
    let fault = |inner: &str| {
        let text =
            format!("[accounts.a]\nemail = 'ana@b.example'\npop3.host = 'p'\n[accounts.a.oauth]\n{inner}\n");
        read(&text).map(|contents| contents.holds_secret).map_err(|fault| (fault.within, fault.what))
    };
    assert_eq!(fault("provider = 'google'\nclient-id = 'x'\nscopes = 'a b'"), Ok(false));
    assert_eq!(fault("provider = 'google'\nclient-secret = 'S3CRET'"), Ok(true));
    let at = |key: &str| format!("accounts.a.oauth{key}");
    for (inner, within, what) in [
        ("", "", "it names no authorization server"),
        ("tenant = 'x'\nprovider = 'google'", "", "only Microsoft has tenants"),
        ("provider = 'gmail'", ".provider", "not one of google, microsoft"),
        ("token-url = 'http://example.org/t'", ".token-url", "secrets go to this URL"),
        ("provider = 'google'\nclient-id = 'a b'", ".client-id", "it must be visible ASCII"),
        ("provider = 'microsoft'\ntenant = '../x'", ".tenant", "not a tenant"),
        ("provider = 'google'\nscopes = ['a', 'b\"c']", ".scopes", "not a scope"),
        ("provider = 'google'\nflow = 'password'", ".flow", "not one of code, device"),
        ("provider = 'google'\nclient-secret = ''", ".client-secret", "the password is empty"),
        ("provider = 'google'\nclientid = 'x'", "", "this key is not known"),
    ] {
        let (found, said) = fault(inner).unwrap_err();
        assert_eq!(found, at(within), "{inner}");
        assert!(said.starts_with(what), "{inner}: {said}");
    }
}

#[test]
fn kerberos_is_had_by_a_program_or_by_a_build_with_it_which_an_error_says() {
    let account = "[accounts.a]\nemail = 'ana@example.org'\nimap = { host = 'h', auth = 'gssapi' }\n";
    match (read(account), cfg!(feature = "gssapi")) {
        (Ok(contents), true) => assert!(!contents.accounts[0].imap.as_ref().unwrap().wants_secret()),
        (Err(fault), false) => {
            let hint = fault.hint.unwrap();
            assert!(
                ["--features gssapi", "sasl-command", "docs/logins.md"].iter().all(|it| hint.contains(it))
            );
        }
        (other, _) => panic!("{other:?}"),
    }
    let played = only(&account.replace("'h'", "'h', sasl-command = 'x'"));
    assert_eq!(played.imap.unwrap().auth.name(), "gssapi");
    // A mechanism that no build has.
    assert!(
        read(&account.replace("gssapi", "ntlm")).unwrap_err().what.contains("any other needs a sasl-command")
    );
}
