//! Files as people write them and getmail6 reads them.

use super::*;
use crate::account::import::DraftSecret;
use crate::words::Kind;
use std::path::Path;

fn read_as(path: &str, text: &str) -> Import {
    super::read(ImportText { path: Path::new(path), octets: text.as_bytes() }).unwrap()
}

fn said(import: &Import) -> Vec<(usize, &str, bool)> {
    import.omissions.iter().map(|one| (one.line.unwrap_or(0), one.what.as_str(), one.matters)).collect()
}

#[test]
fn an_account_of_getmail_has_its_server_destination_and_list() {
    let text = "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = Pop.example.org\nusername = ana@example.org\n\
                password_command = (\"pass\", \"show\", 'mail x')\n\n[destination]\ntype = Maildir\npath = ~/Mail/in/\n\n\
                [options]\nread_all = false\ndelete = no\ndelete_after = 14\n";
    let import = read_as("/h/getmail/getmailrc-work", text);
    let [draft] = import.accounts.as_slice() else { panic!("one") };
    let server = &draft.servers[0];
    assert_eq!(
        (draft.name.as_str(), server.host.as_str(), server.effective_port()),
        ("work", "pop.example.org", 995)
    );
    let Some(DraftSecret::Command(program)) = &server.secret else { panic!("a command") };
    assert_eq!(*program, Program::Argv(vec!["pass".into(), "show".into(), "mail x".into()]));
    let fetch = format!("{:?}", draft.fetch);
    assert!(fetch.contains("\"~/Mail/in\"") && fetch.contains("delete-after 14d"), "{fetch}");
    let path = "/h/getmail/oldmail-Pop.example.org-995-ana@example.org";
    assert_eq!((draft.lists[0].path.to_str(), draft.lists[0].keeps), (Some(path), true));
    assert_eq!(said(&import), [(14, "delete_after 14", false)]);
}

#[test]
fn a_password_in_clear_becomes_tls_and_the_list_keeps_its_name() {
    let text =
        "[retriever]\ntype = SimplePOP3Retriever\nserver = h.example\nusername = a/b\npassword = p w\n";
    let import = read_as("/g/getmailrc", text);
    let draft = &import.accounts[0];
    assert_eq!(draft.servers[0].security, Security::StartTls);
    assert_eq!(said(&import), [(2, "type SimplePOP3Retriever", true)]);
    assert_eq!(draft.lists[0].path, Path::new("/g/oldmail-h.example-110-a-b"));
    assert!(matches!(&draft.servers[0].secret, Some(DraftSecret::Literal { line: Some(5), .. })));
}

#[test]
fn folders_of_imap_and_moving_are_taken() {
    let text = "[retriever]\ntype = SimpleIMAPSSLRetriever\nserver = imap.example.org\nusername = ana\n\
                mailboxes = (\"INBOX\", \"Lists/x\")\nmove_on_delete = Old\nuse_xoauth2 = true\n\
                password_command = (\"tok\",)\n[options]\ndelete = true\n[destination]\ntype = MDA_external\n\
                path = /usr/bin/procmail\narguments = (\"-d\", \"ana\")\n";
    let import = read_as("/g/rc", text);
    let draft = &import.accounts[0];
    let fetch = format!("{:?}", draft.fetch);
    assert!(
        fetch.contains("Lists/x") && fetch.contains("move-to Old") && fetch.contains("procmail"),
        "{fetch}"
    );
    assert!(matches!(draft.servers[0].secret, Some(DraftSecret::TokenCommand(_))));
    assert_eq!(draft.lists[0].path, Path::new("/g/oldmail-imap.example.org-993-ana-INBOX"));
    assert_eq!(said(&import), []);
}

#[test]
fn what_is_not_taken_is_named_with_its_line() {
    let text = "[retriever]\ntype = MultidropPOP3SSLRetriever\nserver = h.example\nusername = u\nimap_search = x\n\
                ssl_fingerprints = (\"AA:BB\",)\n[destination]\ntype = MDA_external\npath = /x\n\
                arguments = (\"%(sender)\",)\n[filter-spam]\ntype = Filter_external\n[options]\n\
                max_message_size = 100\nread_all = true\n";
    let import = read_as("/g/rc", text);
    let said = said(&import);
    let lines: Vec<(usize, bool)> = said.iter().map(|one| (one.0, one.2)).collect();
    assert_eq!(
        lines,
        [(2, true), (6, true), (5, true), (10, true), (14, true), (15, false), (11, true)],
        "{said:?}"
    );
}

#[test]
fn what_getmail_would_not_read_is_a_failure_and_what_is_hostile_stays_out() {
    for text in ["[x]\n", "retriever\n", "[retriever]\nx\n"] {
        let failure =
            super::read(ImportText { path: Path::new("/g/rc"), octets: text.as_bytes() }).unwrap_err();
        assert_eq!(failure.kind(), Kind::Config);
    }
    let text = "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = h.example\nusername = a\u{1b}b\n\
                password_command = (\"x\\ny\", \"\u{7}\")\npassword = a\u{1}b\n[destination]\ntype = Maildir\npath = /a\u{1b}\n";
    let import = read_as("/g/rc\u{1b}", text);
    let settings = format!("{:?}", import.accounts[0].settings());
    assert!(!settings.contains("u{1b}") && !settings.contains("\\n"), "{settings}");
}
