//! Files as people write them.

use super::*;
use crate::account::import::DraftSecret;
use std::path::Path;

fn read(text: &str) -> Import {
    super::read(ImportText { path: Path::new("/h/.muttrc"), octets: text.as_bytes() }).unwrap()
}

fn said(import: &Import) -> Vec<(usize, &str, bool)> {
    import.omissions.iter().map(|one| (one.line.unwrap_or(0), one.what.as_str(), one.matters)).collect()
}

#[test]
fn servers_are_made_of_the_variables_that_name_them() {
    let text = "# mine\nset from=\"Ana <ana@example.org>\" realname = 'Ana \"A\"' # me\n\
                set smtp_url = \\\n  \"smtp://ana%40example.org@smtp.example.org:587/\"\nset smtp_pass = \"`pass show mail`\"\n\
                set folder = imaps://imap.example.org/ imap_user=ana imap_oauth_refresh_command=\"tok -x; y\"\n\
                set pop_host = pops://pop.example.org; set pop_user = ana pop_pass = S3CRET; set pop_delete=yes\n";
    let import = read(text);
    let [draft] = import.accounts.as_slice() else { panic!("one") };
    assert_eq!(
        (draft.email.as_deref(), draft.display.as_deref()),
        (Some("ana@example.org"), Some("Ana \"A\""))
    );
    let [pop3, imap, smtp] = draft.servers.as_slice() else { panic!("three: {draft:?}") };
    assert_eq!(
        (smtp.username.as_deref(), smtp.port, smtp.security),
        (Some("ana@example.org"), Some(587), Security::StartTls)
    );
    assert!(
        matches!(&smtp.secret, Some(DraftSecret::Command(Program::Shell(line))) if line == "pass show mail")
    );
    assert!(
        matches!(&imap.secret, Some(DraftSecret::TokenCommand(Program::Shell(line))) if line == "tok -x; y")
    );
    assert_eq!((imap.host.as_str(), imap.security), ("imap.example.org", Security::Implicit));
    assert!(matches!(&pop3.secret, Some(DraftSecret::Literal { line: Some(7), .. })));
    assert!(format!("{:?}", draft.fetch).contains("delete"));
    assert_eq!(said(&import), []);
}

#[test]
fn nothing_is_filled_in_or_run_and_tls_is_never_weaker() {
    let text = "set smtp_url = smtp://ana@smtp.example.org\nset smtp_pass = \"$MAILPW\"\nset nossl_starttls\n\
                source ~/.other\nunset ssl_verify_dates\nset ssl_verify_host = no\nset from = `whoami`@x\n\
                account-hook . 'set imap_user=x'\nset tunnel = \"ssh x\"\n";
    let import = read(text);
    let server = &import.accounts[0].servers[0];
    assert_eq!((server.security, server.port), (Security::StartTls, Some(25)));
    assert!(server.secret.is_none());
    let mut said = said(&import);
    said.sort();
    let lines: Vec<(usize, bool)> = said.iter().map(|one| (one.0, one.2)).collect();
    assert_eq!(
        lines,
        [(1, true), (2, true), (4, false), (5, true), (6, true), (7, false), (8, false), (9, true)],
        "{said:?}"
    );
}

#[test]
fn a_password_in_a_url_is_one_that_stands_in_the_file() {
    let import = read("set smtp_url=\"smtps://ana:p%2fw@smtp.example.org\"\n");
    let server = &import.accounts[0].servers[0];
    let Some(DraftSecret::Literal { secret, .. }) = &server.secret else { panic!("a secret") };
    assert_eq!((secret.expose(), server.username.as_deref()), (&b"p/w"[..], Some("ana")));
}

#[test]
fn every_beginning_of_a_file_is_read_and_controls_stay_out() {
    let text = "set from='a' smtp_url = \"smtps://u@h.example\" smtp_pass=`x\\`y` ; unset a\\\n b # c\nset =\nset a = =\n";
    for (end, _) in text.char_indices() {
        let _ = read(&text[..end]);
    }
    let import =
        read("set smtp_url=\"smtps://a\u{1b}b@h.example\" realname=\"x\u{1b}\" smtp_pass=\"`a\u{7}`\"\n");
    let settings = format!("{:?}", import.accounts[0].settings());
    assert!(!settings.contains("u{"), "{settings}");
}

#[test]
fn a_switch_is_off_however_that_is_written() {
    for (line, is_off) in [
        ("set ssl_verify_host=no", true),
        ("set nossl_verify_host", true),
        ("unset ssl_verify_host", true),
        ("toggle ssl_verify_host", true),
        ("set invssl_verify_host", true),
        ("set x=1 nossl_verify_host", true),
        ("unset from ssl_verify_host", true),
        ("toggle ssl_verify_host; toggle ssl_verify_host", false),
        ("set nossl_verify_host; reset ssl_verify_host", false),
        ("set nossl_verify_host &ssl_verify_host", false),
        ("set ssl_verify_host", false),
        ("set ?ssl_verify_host ssl_verify_host?", false),
        ("unset no_such", false),
    ] {
        let import = read(&format!("set smtp_url=smtps://u@h.example\n{line}\n"));
        let told = import.omissions.iter().any(|one| one.what.starts_with("ssl_verify_host") && one.matters);
        assert_eq!(told, is_off, "{line}: {:?}", import.omissions);
    }
    for line in ["unset ssl_starttls", "toggle ssl_starttls", "set ssl_starttls = no"] {
        let import = read(&format!("set smtp_url=smtp://u@h.example\n{line}\nunset ssl_force_tls\n"));
        assert_eq!(import.accounts[0].servers[0].security, Security::StartTls, "{line}");
        assert!(import.omissions.iter().any(|one| one.matters), "{line}: {:?}", import.omissions);
    }
    let import = read("set pop_host=pops://u@h.example pop_delete; unset pop_delete\n");
    assert!(import.accounts[0].fetch.is_empty() && import.omissions.is_empty());
}

#[test]
fn variables_that_are_set_before_are_filled_in() {
    let import = read(
        "set my_user=ana my_host = mx.example # nobody else\nset my_pass = `pass show x`\nset spool_file=imaps://$my_user@${my_host}:993/\n\
         set imap_pass=$my_pass real_name=\"$my_user A\" from=$my_user@example.org#not this\nset smtp_url='smtps://$my_user@h.example'\n\
         set pop_host=pops://$my_later@h.example\nset my_later=x\n",
    );
    let draft = &import.accounts[0];
    assert_eq!((draft.email.as_deref(), draft.display.as_deref()), (Some("ana@example.org"), Some("ana A")));
    let [imap, smtp] = draft.servers.as_slice() else { panic!("two: {draft:?}") };
    assert_eq!(
        (imap.host.as_str(), imap.username.as_deref(), imap.port),
        ("mx.example", Some("ana"), Some(993))
    );
    assert!(
        matches!(&imap.secret, Some(DraftSecret::Command(Program::Shell(line))) if line == "pass show x")
    );
    assert_eq!(smtp.username.as_deref(), Some("$my_user"), "within single quotes nothing is filled in");
    assert_eq!(said(&import), [(6, "pop_host", true)], "{:?}", import.omissions);
    // A command stays one: what it prints is not known.
    let import =
        read("set my_host=`hostname`\nset smtp_url=\"smtps://u@$my_host\" smtp_pass=\"x$my_host\"\n");
    assert!(import.accounts.is_empty() && import.omissions.iter().all(|one| one.matters));
}
