//! Files of both versions.

use super::*;
use crate::account::import::DraftSecret;
use std::path::Path;

fn read(text: &str) -> Import {
    super::read(ImportText { path: Path::new("/h/config.toml"), octets: text.as_bytes() }).unwrap()
}

fn said(import: &Import) -> Vec<(usize, &str, bool)> {
    import.omissions.iter().map(|one| (one.line.unwrap_or(0), one.what.as_str(), one.matters)).collect()
}

#[test]
fn accounts_of_version_1_have_their_two_servers() {
    let text = "[accounts.work]\ndefault = true\nemail = \"ana@example.org\"\ndisplay-name = \"Ana\"\n\
                backend.type = \"imap\"\nbackend.host = \"imap.example.org\"\nbackend.port = 143\n\
                backend.encryption.type = \"start-tls\"\nbackend.login = \"ana\"\nbackend.auth.type = \"password\"\n\
                backend.auth.cmd = \"pass show mail\"\nmessage.send.backend.type = \"smtp\"\n\
                message.send.backend.host = \"smtp.example.org\"\nmessage.send.backend.port = 465\n\
                message.send.backend.login = \"ana\"\nmessage.send.backend.auth.type = \"password\"\n\
                message.send.backend.auth.raw = \"S3CRET\"\n\
                [accounts.local]\nbackend.type = \"maildir\"\n[accounts.clear]\nbackend.type = \"imap\"\n\
                backend.host = \"h.example\"\nbackend.encryption = \"none\"\nbackend.login = \"b\"\nbackend.auth.keyring = \"x\"\n";
    let import = read(text);
    let names: Vec<&str> = import.accounts.iter().map(|draft| draft.name.as_str()).collect();
    assert_eq!((names.as_slice(), import.default.as_deref()), (&["work", "clear"][..], Some("work")));
    let [imap, smtp] = import.accounts[0].servers.as_slice() else { panic!("two") };
    assert_eq!(
        (imap.security, imap.port, smtp.security, smtp.port),
        (Security::StartTls, Some(143), Security::Implicit, Some(465))
    );
    assert!(
        matches!(&imap.secret, Some(DraftSecret::Command(Program::Shell(line))) if line == "pass show mail")
    );
    assert!(matches!(&smtp.secret, Some(DraftSecret::Literal { line: Some(17), .. })));
    assert_eq!(import.accounts[1].servers[0].security, Security::StartTls);
    let lines: Vec<(usize, bool)> = said(&import).iter().map(|one| (one.0, one.2)).collect();
    assert_eq!(lines, [(19, true), (23, true), (25, false)], "{:?}", said(&import));
}

#[test]
fn accounts_of_version_2_have_their_servers_and_mechanisms() {
    let text = "[accounts.work]\nemail = \"ana@example.org\"\nimap.server = \"imap.example.org\"\n\
                imap.sasl.plain.username = \"ana\"\nimap.sasl.plain.password.command = [\"pass\", \"show\", \"x\"]\n\
                smtp.server = \"smtp://smtp.example.org:587\"\nsmtp.starttls = true\n\
                smtp.sasl.xoauth2.username = \"ana\"\nsmtp.sasl.xoauth2.token.command = \"tok\"\n";
    let import = read(text);
    let [imap, smtp] = import.accounts[0].servers.as_slice() else { panic!("two") };
    assert_eq!((imap.security, imap.username.as_deref()), (Security::Implicit, Some("ana")));
    assert!(matches!(&imap.secret, Some(DraftSecret::Command(Program::Argv(words))) if words.len() == 3));
    assert_eq!(
        (smtp.security, smtp.port, smtp.auth.as_deref()),
        (Security::StartTls, Some(587), Some("xoauth2"))
    );
    assert!(matches!(&smtp.secret, Some(DraftSecret::TokenCommand(_))));
    assert_eq!(said(&import), []);
}

#[test]
fn what_is_no_toml_is_named_without_its_line_and_controls_stay_out() {
    let broken = "[accounts.a]\npassword = S3CRET\n";
    let failure = super::read(ImportText { path: Path::new("/h/c"), octets: broken.as_bytes() }).unwrap_err();
    assert!(failure.message.starts_with("/h/c:2: ") && !failure.message.contains("S3CRET"), "{failure}");
    let text = "[accounts.\"a\\u001b\"]\nemail = \"x\\u001b@y\"\ndisplay-name = \"\\u001b\"\nimap.server = \"h.example\"\n\
                imap.sasl.plain.username = \"u\\u0007\"\nimap.sasl.plain.password.command = \"a\\u0001\"\n";
    let settings = format!("{:?}", read(text).accounts[0].settings());
    assert!(!settings.contains("u{"), "{settings}");
}

#[test]
fn an_account_without_a_server_that_can_be_used_is_named() {
    let text = "[accounts.old]\nemail = \"o@x.example\"\nbackend = \"imap\"\nimap-host = \"imap.x.example\"\n\
                sender = \"smtp\"\nsmtp-host = \"smtp.x.example\"\n[accounts.none]\nemail = \"n@x.example\"\n";
    let import = read(text);
    assert!(import.accounts.is_empty());
    assert_eq!(said(&import), [(1, "[accounts.old]", true), (7, "[accounts.none]", true)]);
    assert!(import.omissions[0].why.contains("before version 1"), "{:?}", import.omissions);
}
