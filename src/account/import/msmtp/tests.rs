//! Files as people write them, and as the programs' manuals show them.

use super::*;
use crate::account::import::{DraftSecret, UidListKind};
use crate::account::server::Protocol;
use crate::net::Security;
use crate::words::Kind;
use std::path::Path;

fn read(tool: Tool, text: &str) -> Import {
    super::read(tool, ImportText { path: Path::new("/h/.rc"), octets: text.as_bytes() }).unwrap()
}

fn said(import: &Import) -> Vec<(usize, &str, bool)> {
    let said = import.omissions.iter();
    said.map(|one| (one.line.unwrap_or(0), one.what.as_str(), one.matters)).collect()
}

const SENDER: &str = "\
# of the manual
defaults
auth on
tls on
tls_trust_file /etc/ssl/certs/ca-certificates.crt
logfile ~/.msmtp.log

account provider
host mail.Example.org
port 587
from ana@example.org
user \"ana@example.org\"
passwordeval \"pass show mail # x\"

account bare : provider
tls_starttls off
from_full_name  Ana Example
auth scram-sha-256

account relay
host 127.0.0.1
auth off
tls off

account default : provider
";

#[test]
fn accounts_of_msmtp_get_what_defaults_and_their_parents_say() {
    let import = read(Tool::Msmtp, SENDER);
    let names: Vec<&str> = import.accounts.iter().map(|draft| draft.name.as_str()).collect();
    assert_eq!(names, ["provider", "bare", "relay"]);
    assert_eq!(import.default.as_deref(), Some("provider"));
    let [provider, bare, relay] = import.accounts.as_slice() else { panic!("three") };
    let server = &provider.servers[0];
    assert_eq!(
        (server.protocol, server.host.as_str(), server.port),
        (Protocol::Smtp, "mail.example.org", Some(587))
    );
    assert_eq!((server.security, server.username.as_deref()), (Security::StartTls, Some("ana@example.org")));
    let Some(DraftSecret::Command(program)) = &server.secret else { panic!("a command") };
    assert_eq!(*program, crate::process::Program::Shell("pass show mail # x".into()));
    assert_eq!(provider.email.as_deref(), Some("ana@example.org"));
    assert_eq!(bare.servers[0].security, Security::Implicit);
    assert_eq!((bare.servers[0].port, bare.display.as_deref()), (Some(587), Some("Ana Example")));
    assert_eq!(bare.servers[0].username.as_deref(), Some("ana@example.org"));
    let relay = &relay.servers[0];
    assert_eq!((relay.security, relay.port, relay.logs_in), (Security::None, Some(25), false));
    let unknown = Auth::parse("scram-sha-256", Protocol::Smtp).is_err();
    assert_eq!(said(&import).len(), usize::from(unknown), "{:?}", said(&import));
}

use crate::account::server::Auth;

#[test]
fn the_port_is_that_of_the_program_where_it_names_none() {
    for (tool, tls, security, port) in [
        (Tool::Msmtp, "tls on", Security::StartTls, 25),
        (Tool::Msmtp, "tls on\ntls_starttls off", Security::Implicit, 465),
        (Tool::Msmtp, "tls\ntls_nostarttls", Security::Implicit, 465),
        (Tool::Mpop, "tls on", Security::StartTls, 110),
        (Tool::Mpop, "tls on\ntls_starttls off", Security::Implicit, 995),
    ] {
        let import = read(tool, &format!("account a\nhost h.example\nuser u\n{tls}\n"));
        let server = &import.accounts[0].servers[0];
        assert_eq!((server.security, server.effective_port()), (security, port), "{tls}");
    }
}

#[test]
fn a_password_that_went_in_clear_goes_by_tls_or_not_at_all() {
    for (tool, host, login, security, weighty) in [
        (Tool::Msmtp, "h.example", "auth on\nuser u\n", Security::StartTls, true),
        (Tool::Mpop, "h.example", "user u\n", Security::StartTls, true),
        (Tool::Mpop, "h.example", "user u\ntls off\n", Security::StartTls, true),
        (Tool::Mpop, "localhost", "user u\n", Security::None, false),
        (Tool::Mpop, "127.0.0.1", "user u\n", Security::None, false),
        (Tool::Msmtp, "h.example", "", Security::None, false),
    ] {
        let import = read(tool, &format!("account a\nhost {host}\n{login}"));
        assert_eq!(import.accounts[0].servers[0].security, security, "{host} {login}");
        assert_eq!(import.omissions.iter().any(|one| one.matters), weighty, "{host} {login}");
    }
}

#[test]
fn what_weakens_or_changes_what_is_fetched_is_named_with_its_line() {
    let text = "account a\nhost h.example\nuser u\npassword \"a#b c\"\ntls on\ntls_certcheck off\n\
                tls_fingerprint AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD\n\
                killsize 1m\nskipsize 2m\nfilter spamc\ndelivery mda procmail -f %F\nkeep on\nonly_new off\n\
                tls_crl_file /x\neval echo 'password x'\nfrobnicate S3CRET\ntimeout 10\n";
    let import = read(Tool::Mpop, text);
    let mut said = said(&import);
    said.sort();
    let weighty: Vec<usize> = said.iter().filter(|one| one.2).map(|one| one.0).collect();
    assert_eq!(weighty, [6, 7, 8, 9, 10, 11, 14, 15, 16], "{said:?}");
    let rest: Vec<(usize, &str)> = said.iter().filter(|one| !one.2).map(|one| (one.0, one.1)).collect();
    assert_eq!(rest, [(13, "only_new off"), (17, "timeout 10")]);
    assert!(said.iter().all(|one| !one.1.contains("S3CRET")));
    let Some(DraftSecret::Literal { secret, line, .. }) = &import.accounts[0].servers[0].secret else {
        panic!()
    };
    assert_eq!((secret.expose(), *line), (&b"a#b c"[..], Some(4)));
}

#[test]
fn mail_goes_where_mpop_put_it_and_stays_or_goes_as_there() {
    let text = "defaults\ntls on\nuidls_file ~/u/%U@%H\naccount a\nhost Pop.example.org\nuser ana\n\
                delivery maildir ~/Mail/in box\naccount b : a\nkeep on\ndelivery mbox \"/var/mail/ana\"\n\
                account c : a\nkeep on\nuidls_file /x\ndelivery mda /usr/bin/procmail -d ana\naccount d : a\n\
                delivery maildir Mail\n";
    let import = read(Tool::Mpop, text);
    let fetch: Vec<String> = import.accounts.iter().map(|draft| format!("{:?}", draft.fetch)).collect();
    assert!(fetch[0].contains("~/Mail/in box") && fetch[0].contains("\"delete\""), "{}", fetch[0]);
    assert!(fetch[1].contains("fetch.mbox") && !fetch[1].contains("delete"), "{}", fetch[1]);
    assert!(fetch[2].contains("fetch.exec"), "{}", fetch[2]);
    assert!(!fetch[3].contains("maildir"), "{}", fetch[3]);
    let lists: Vec<&str> =
        import.accounts.iter().map(|draft| draft.lists[0].path.to_str().unwrap()).collect();
    assert_eq!(
        lists,
        ["~/u/ana@Pop.example.org", "~/u/ana@Pop.example.org", "/x", "~/u/ana@Pop.example.org"]
    );
    let kind = UidListKind::Mpop { host: "Pop.example.org".into(), user: "ana".into() };
    assert_eq!((&import.accounts[0].lists[0].kind, import.accounts[0].lists[0].keeps), (&kind, false));
    assert_eq!(import.accounts[0].servers[0].host, "pop.example.org");
}

#[test]
fn what_the_program_would_not_read_is_not_read_here_either() {
    for (text, line) in [
        ("host h\n", 1),
        ("account\n", 1),
        ("account a\nhost h\naccount a\n", 3),
        ("account a : b\n", 1),
        ("account a,b\n", 1),
    ] {
        let failure =
            super::read(Tool::Msmtp, ImportText { path: Path::new("/h/.rc"), octets: text.as_bytes() })
                .unwrap_err();
        assert_eq!(failure.kind(), Kind::Config);
        assert!(failure.message.starts_with(&format!("/h/.rc:{line}: ")), "{failure}");
    }
    let many: String = (0..201).map(|number| format!("account a{number}\n")).collect();
    assert!(super::read(Tool::Msmtp, ImportText { path: Path::new("x"), octets: many.as_bytes() }).is_err());
}

#[test]
fn nothing_hostile_gets_into_a_draft() {
    let text = b"account \x1b[31m\nhost h\x07.example\naccount b\nhost h.example\nuser a\rb\nauth on\ntls on\n\
        passwordeval x\x1b y\nfrom a@b\x1b\nlogfile /tmp/\x1b\ndomain x\x1b\naccount c\nhost \xff\nuser \xfe\n\
        account d\nhost h.example\ntls on\nauth on\nuser ok\npassword a\x1bb\n";
    let import = super::read(Tool::Msmtp, ImportText { path: Path::new("/h/.rc"), octets: text }).unwrap();
    let drafts = format!("{:?}", import.accounts);
    assert!(!drafts.contains("u{1b}") && !drafts.contains("u{7}") && !drafts.contains("\\r"), "{drafts}");
    let names: Vec<&str> = import.accounts.iter().map(|draft| draft.name.as_str()).collect();
    assert_eq!(names, ["b", "d"]);
    assert!(import.accounts.iter().all(|draft| draft.servers[0].secret.is_none()));
}
