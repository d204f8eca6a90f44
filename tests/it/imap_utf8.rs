//! Servers that want UTF-8 (RFC 9755, before it RFC 6855).

use crate::support::disk::{assert_same, maildir};
use crate::support::imapd::Imapd;
use crate::support::imapd::store::{Folder, ImapStore};
use crate::support::mailbox::message;
use crate::support::pop3d::{Act, Mode};
use crate::world;

/// `UTF8=ONLY` (RFC 9755): nothing works before `UTF8=ACCEPT` is enabled, and names are UTF-8 on the wire then. For
/// people, and on disk, everything is as with a server of the other kind.
#[test]
fn folders_of_a_server_with_utf8_only_are_those_of_any_other() {
    let names = ["Entw\u{fc}rfe", "R&D", "Archive/\u{65e5}\u{672c}\u{8a9e} \u{1f4e7}", "Gone"];
    let world = world();
    let store = |in_utf8: bool| {
        let store = ImapStore::with(2);
        for (number, name) in (1..).zip(names) {
            let octets = match in_utf8 {
                true => name.as_bytes().to_vec(),
                false => postie::codec::imap::utf7::encode(name).into_bytes(),
            };
            let folder = String::from_utf8(octets).unwrap();
            store.create(Folder::new(folder.as_str()));
            (0..number).for_each(|one| {
                store.deliver(&folder, &message(10 * number + one));
            });
        }
        store
    };
    for in_utf8 in [true, false] {
        let store = store(in_utf8);
        for list_status in [true, false] {
            let setup = Imapd::for_store(&store).mode(Mode::Plain);
            let setup = if in_utf8 { setup.with("ENABLE").with("UTF8=ONLY") } else { setup };
            let setup = if list_status { setup } else { setup.without("LIST-STATUS") };
            let server = setup.start();
            let outcome = world.at_url(&server.url(), "list").arg("--folders").go();
            let rows = outcome.assert_exit(0).of_type("folder");
            for (number, name) in (1..).zip(names) {
                let row = rows.iter().find(|row| row["folder"] == name);
                assert_eq!(row.unwrap_or_else(|| panic!("{name}: {rows:?}"))["messages"], number, "{name}");
            }
            assert_eq!(server.violations(), Vec::<String>::new());
        }
    }
    let served = store(true);
    let setup = Imapd::for_store(&served).mode(Mode::Plain).with("ENABLE").with("UTF8=ONLY");
    let server = setup.start();
    let args = ["--all-folders", "--maildir", "Mail"];
    let outcome = world.at_url(&server.url(), "fetch").args(args).go();
    assert_eq!(outcome.assert_exit(0).summary()["delivered"], 12, "{outcome:?}");
    assert_same(&maildir(&world.path("Mail/.Entw\u{fc}rfe")), &served.as_stored("Entw\u{fc}rfe"));
    let again = world.at_url(&server.url(), "fetch").args(args).go();
    assert_eq!(again.assert_exit(0).summary()["delivered"], 0, "{again:?}");
    let moved =
        world.at_url(&server.url(), "fetch").args(["--folder", names[0], "--maildir", "Mail/.Entw\u{fc}rfe"]);
    let moved = moved.args(["--move-to", names[2]]).go();
    assert_eq!(moved.assert_exit(0).summary()["deleted"], 1, "{moved:?}");
    assert_eq!((served.messages(names[0]).len(), served.messages(names[2]).len()), (0, 4));
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[test]
fn a_server_with_utf8_only_that_does_not_enable_it_is_refused() {
    let store = ImapStore::with(2);
    let setup = Imapd::for_store(&store).mode(Mode::Plain).with("UTF8=ONLY");
    let server = setup.hook(|event| match event.verb {
        "ENABLE" => event.answer("NO not today"),
        _ => Act::Normal,
    });
    let server = server.start();
    let world = world();
    let outcome = world.at_url(&server.url(), "fetch").args(["--maildir", "Mail"]).go();
    let failure = outcome.assert_failure(69, "missing");
    assert_eq!(failure["stage"], "ENABLE");
    assert_eq!(store.messages("INBOX").len(), 2);
    assert_eq!(server.commands_with("EXAMINE"), Vec::<String>::new());
}
