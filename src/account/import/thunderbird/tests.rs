//! Profiles as Thunderbird writes them.

use super::*;

const PREFS: &str = r#"// Mozilla User Preferences
user_pref("mail.account.account1.identities", "id1,id2");
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account2.server", "server2");
user_pref("mail.accountmanager.accounts", "account1,account2");
user_pref("mail.accountmanager.defaultaccount", "account1");
user_pref("mail.identity.id1.fullName", "Ana \"A\" Ex\u00e4mple");
user_pref("mail.identity.id1.smtpServer", "smtp1");
user_pref("mail.identity.id1.useremail", "ana@example.org");
user_pref("mail.identity.id2.useremail", "info@example.org");
user_pref("mail.server.server1.directory-rel", "[ProfD]Mail/pop.example.org");
user_pref("mail.server.server1.hostname", "pop.example.org");
user_pref("mail.server.server1.leave_on_server", true);
user_pref("mail.server.server1.port", 995);
user_pref("mail.server.server1.socketType", 3);
user_pref("mail.server.server1.type", "pop3");
user_pref("mail.server.server1.userName", "ana");
user_pref("mail.server.server2.type", "none");
user_pref("mail.smtpserver.smtp1.authMethod", 3);
user_pref("mail.smtpserver.smtp1.hostname", "smtp.example.org");
user_pref("mail.smtpserver.smtp1.port", 587);
user_pref("mail.smtpserver.smtp1.try_ssl", 2);
user_pref("mail.smtpserver.smtp1.username", "ana");
"#;

fn read(text: &str) -> Import {
    super::read(ImportText { path: Path::new("/p/x.default/prefs.js"), octets: text.as_bytes() }).unwrap()
}

#[test]
fn an_account_has_both_servers_and_its_list() {
    let import = read(PREFS);
    let [draft] = import.accounts.as_slice() else { panic!("one") };
    assert_eq!(
        (draft.email.as_deref(), draft.display.as_deref()),
        (Some("ana@example.org"), Some("Ana \"A\" Exämple"))
    );
    let [pop3, smtp] = draft.servers.as_slice() else { panic!("two") };
    assert_eq!(
        (pop3.host.as_str(), pop3.port, pop3.security),
        ("pop.example.org", Some(995), Security::Implicit)
    );
    assert_eq!(
        (smtp.host.as_str(), smtp.port, smtp.security),
        ("smtp.example.org", Some(587), Security::StartTls)
    );
    assert_eq!(draft.lists[0].path, Path::new("/p/x.default/Mail/pop.example.org/popstate.dat"));
    assert_eq!(import.default.as_deref(), Some("ana@example.org"));
    assert!(draft.fetch.is_empty(), "everything stays on the server: {:?}", draft.fetch);
    let said: Vec<&str> = import.omissions.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(said, ["useremail info@example.org"]);
}

#[test]
fn what_protects_and_what_stays_follow_from_the_numbers() {
    for (change, with, security, weighty) in [
        ("socketType\", 3", "socketType\", 2", Security::StartTls, false),
        ("socketType\", 3", "socketType\", 1", Security::StartTls, false),
        ("socketType\", 3", "socketType\", 0", Security::StartTls, true),
        ("socketType\", 3", "xType\", 3", Security::StartTls, true),
    ] {
        let import = read(&PREFS.replace(change, with));
        assert_eq!(import.accounts[0].servers[0].security, security, "{with}");
        assert_eq!(import.omissions.iter().any(|one| one.matters), weighty, "{with}");
    }
    let aged = PREFS.replace(
        "user_pref(\"mail.server.server1.port\"",
        "user_pref(\"mail.server.server1.delete_by_age_from_server\", true);\nuser_pref(\"mail.server.server1.port\"",
    );
    assert!(format!("{:?}", read(&aged).accounts[0].fetch).contains("delete-after 7d"));
    let gone = PREFS.replace("leave_on_server\", true", "leave_on_server\", false");
    assert!(format!("{:?}", read(&gone).accounts[0].fetch).contains("\"delete\""));
}

#[test]
fn the_profile_of_the_installation_counts_then_the_default_one() {
    let of = |text: &str| {
        profile(ImportText { path: Path::new("/t/profiles.ini"), octets: text.as_bytes() }).unwrap()
    };
    let profiles = "[Profile1]\nPath=b\n\n[Profile0]\nName=d\nIsRelative=1\nPath=Profiles/a\nDefault=1\n";
    assert_eq!(of(profiles), Some(PathBuf::from("/t/Profiles/a")));
    assert_eq!(
        of(&format!("[InstallABC]\nDefault=c.rel\nLocked=1\n{profiles}")),
        Some(PathBuf::from("/t/c.rel"))
    );
    assert_eq!(of("[Profile0]\nPath=/abs\nIsRelative=0\n"), Some(PathBuf::from("/abs")));
    assert_eq!(of("[General]\nVersion=2\n"), None);
}

#[test]
fn lines_that_are_none_are_passed_over_and_hostile_ones_stay_out() {
    for bad in [
        "user_pref(",
        "user_pref(\"a",
        "user_pref(\"a\");",
        "user_pref(\"a\", \"\\x1\");",
        "user_pref(\"a\", \"\\u12\u{e9}\");",
    ] {
        assert!(pref(bad).is_none(), "{bad}");
    }
    assert_eq!(pref("user_pref(\"a\", \"b\\x41\\\\\");"), Some(("a".into(), "bA\\".into())));
    let hostile = PREFS
        .replace("\"pop.example.org\");", "\"pop\\u001b.example\");")
        .replace("Ex\\u00e4mple", "\\u001b[31m");
    let import = read(&hostile);
    let settings = format!("{:?}", import.accounts[0].settings());
    assert!(!settings.contains("u{1b}"), "{settings}");
}
